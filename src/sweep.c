/* One model of a sweep: trained and judged. */
#include "sweep_internal.h"

#include <math.h>

const char *qntk_sweep_outcome_name(size_t outcome)
{
    static const char *const names[QNTK_SWEEP_OUTCOMES] = {"ok", "above until_loss", "diverged"};
    return outcome < QNTK_SWEEP_OUTCOMES ? names[outcome] : "";
}

qntk_loss qntk_sweep_loss(const qntk_sweep *sweep, size_t classes)
{
    if (sweep->loss > 0)
        return (qntk_loss)(sweep->loss - 1);
    return classes > 0 ? QNTK_LOSS_CROSS_ENTROPY : QNTK_LOSS_SQUARED;
}

/* ---- training ---- */

static qntk_status create_network(const qntk_sweep_job *j, qntk_network *network)
{
    const qntk_sweep *s = j->sweep;
    const size_t depth = j->model.depth;
    size_t sizes[QNTK_SWEEP_DEPTH_MAX + 2] = {j->data->d}, levels[QNTK_SWEEP_DEPTH_MAX + 1];
    for (size_t l = 0; l < depth; l++) {
        sizes[l + 1] = j->model.width;
        levels[l] = l == 0 && s->first_real == 1 ? QNTK_LEVELS_REAL : j->model.levels;
    }
    sizes[depth + 1] = j->outputs;
    levels[depth] = s->last_real == 1 ? QNTK_LEVELS_REAL : j->model.levels;
    return qntk_network_create(depth + 1, sizes, levels, s->b_std, j->model.seed, network);
}

static qntk_status prepare(qntk_sweep_job *j)
{
    const qntk_sweep *s = j->sweep;
    const size_t most = qntk_max(j->data->n, j->data->test_n);
    qntk_train_options options = qntk_train_defaults();
    options.loss = qntk_sweep_loss(s, j->data->classes);
    options.method = (qntk_train_method)s->method;
    options.rounding = j->model.rounding;
    options.optimizer = (qntk_optimizer)s->optimizer;
    options.rate = j->model.rate;
    options.momentum = s->momentum;
    options.batch = qntk_min(s->batch, j->data->n); /* no room for rows that never come */
    options.seed = j->model.seed;
    j->F = qntk_alloc(most, j->outputs * sizeof *j->F);
    j->answer = qntk_alloc(most, sizeof *j->answer);
    if (j->F == NULL || j->answer == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = create_network(j, &j->network);
    return status == QNTK_OK ? qntk_trainer_create(&j->network, options, &j->trainer) : status;
}

static qntk_status train(qntk_sweep_job *j, qntk_sweep_row *row)
{
    const qntk_sweep *s = j->sweep;
    const bool until = !isnan(s->until_loss);
    qntk_status status = QNTK_OK;
    row->outcome = until ? QNTK_SWEEP_ABOVE : QNTK_SWEEP_OK;
    while (row->epochs < s->epochs && !(until && row->outcome == QNTK_SWEEP_OK)) {
        status = qntk_trainer_epoch(j->trainer, j->data->n, j->data->X, j->data->T, &row->loss);
        if (status != QNTK_OK)
            break;
        row->epochs++;
        if (until && row->loss < s->until_loss)
            row->outcome = QNTK_SWEEP_OK;
    }
    return status;
}

/* ---- judging ---- */

/* The accuracy of the expected output, or its mean squared error. F keeps it. */
static qntk_status judge(qntk_sweep_job *j, size_t n, const float *X, const double *y, double *score)
{
    const qntk_sweep_data *data = j->data;
    *score = NAN;
    if (n == 0)
        return QNTK_OK;
    qntk_status status = qntk_network_expect(&j->network, j->model.rounding, n, X, j->F);
    if (status == QNTK_OK && data->classes > 0) {
        status = qntk_labels_decode(n, data->classes, j->F, data->classes, j->answer);
        *score = qntk_labels_accuracy(n, y, j->answer);
        return status;
    }
    double sum = 0;
    for (size_t i = 0; i < n && status == QNTK_OK; i++) {
        const double residual = j->F[i] * data->scale + data->shift - y[i];
        sum += residual * residual;
    }
    *score = sum / (double)n;
    return status;
}

/* Of the counts of hits, with one rounding: equal gaps are equal numbers, which ranks want. */
static double accuracy_gap(const qntk_sweep_data *data, double train, double test)
{
    const double n = (double)data->n, test_n = (double)data->test_n;
    return (round(train * n) * test_n - round(test * test_n) * n) / (n * test_n);
}

static qntk_status judge_all(qntk_sweep_job *j, qntk_sweep_row *row)
{
    const qntk_sweep_data *data = j->data;
    qntk_status status = judge(j, data->test_n, data->test_X, data->test_y, &row->test);
    if (status == QNTK_OK)
        status = judge(j, data->n, data->X, data->y, &row->train);
    if (status != QNTK_OK)
        return status;
    row->gap = data->classes > 0 ? accuracy_gap(data, row->train, row->test) : row->test - row->train;
    status = create_network(j, &j->start);
    return status == QNTK_OK ? qntk_sweep_measure(j, row) : status;
}

/* ---- the whole ---- */

static qntk_sweep_row empty_row(void)
{
    qntk_sweep_row row = {.loss = NAN, .train = NAN, .test = NAN, .gap = NAN};
    for (size_t m = 0; m < QNTK_MEASURES; m++)
        row.measure[m] = row.se[m] = NAN;
    return row;
}

/* The margin looks up the output of a row's class. */
static bool has_its_classes(const qntk_sweep_data *data)
{
    bool valid = true;
    for (size_t i = 0; data->classes > 0 && i < data->n; i++)
        valid = valid && data->y[i] >= 0 && data->y[i] < (double)data->classes;
    return valid;
}

qntk_status qntk_sweep_run(const qntk_sweep *sweep, const qntk_sweep_data *data, size_t index,
                           qntk_sweep_row *row)
{
    QNTK_REQUIRE(sweep != NULL && data != NULL && row != NULL, "no argument may be NULL");
    *row = empty_row();
    QNTK_REQUIRE(index < qntk_sweep_count(sweep), "no such model");
    QNTK_REQUIRE(data->n >= 1 && data->X != NULL && data->T != NULL && data->y != NULL,
                 "no rows to train on");
    QNTK_REQUIRE(has_its_classes(data), "a row has a class that is none of them");
    QNTK_REQUIRE(data->classes > 0 || qntk_sweep_loss(sweep, 0) == QNTK_LOSS_SQUARED,
                 "the target is a number: loss = squared is the one for it");
    qntk_sweep_job j = {.sweep = sweep,
                        .data = data,
                        .model = qntk_sweep_at(sweep, index),
                        .outputs = data->classes > 0 ? data->classes : 1};
    qntk_status status = prepare(&j);
    if (status == QNTK_OK)
        status = train(&j, row);
    if (status == QNTK_OK)
        status = judge_all(&j, row);
    if (status == QNTK_NOT_FINITE) {
        const size_t epochs = row->epochs;
        *row = empty_row();
        row->epochs = epochs;
        row->outcome = QNTK_SWEEP_DIVERGED;
        status = QNTK_OK;
    }
    row->present = status == QNTK_OK;
    qntk_trainer_destroy(&j.trainer);
    qntk_network_free(&j.network);
    qntk_network_free(&j.start);
    qntk_free(j.F);
    qntk_free(j.answer);
    return status;
}
