/* Finite networks by the protocol of the study: rate and epochs on the pair, then the folds. */
#include "study_internal.h"

#include <math.h>
#include <string.h>

#include "qntk/study_network.h"

qntk_study_network qntk_study_network_defaults(void)
{
    return (qntk_study_network){
        .levels = QNTK_LEVELS_BINARY, .depth = 1, .width = 1024, .train = qntk_train_defaults()};
}

qntk_study_training qntk_study_training_defaults(void)
{
    return (qntk_study_training){
        .rates = 2, .rate = {0.001, 0.01}, .counts = 2, .epoch = {25, 100}, .seconds = INFINITY};
}

/* ---- one training ---- */

/* The rows of one half of a split, as a network takes them. */
typedef struct {
    size_t n;
    float *X;  /* (n,d) */
    double *y; /* (n) */
} half;

static void half_free(half *h)
{
    qntk_free(h->X);
    qntk_free(h->y);
}

static qntk_status take_half(const qntk_dataset *data, size_t count, const size_t *row, half *h)
{
    const size_t d = data->d;
    *h = (half){.n = count, .X = qntk_alloc(count, d * sizeof *h->X), .y = qntk_alloc(count, sizeof *h->y)};
    if (h->X == NULL || h->y == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < count; i++) {
        h->y[i] = data->y[row[i]];
        for (size_t j = 0; j < d; j++)
            h->X[i * d + j] = (float)data->X[row[i] * d + j];
    }
    return QNTK_OK;
}

typedef struct {
    const qntk_dataset *data;
    const qntk_study_network *shape;
    double start, seconds; /* of the clock, and how many may pass */
    half train, test;
    float *T;           /* (train.n, classes) */
    double *F, *answer; /* (most rows, classes), (most rows) */
    qntk_network network;
    qntk_trainer *trainer;
} training;

static qntk_status create_network(const qntk_study_network *shape, size_t inputs, size_t outputs,
                                  qntk_network *network)
{
    QNTK_REQUIRE(shape->depth >= 1 && shape->depth <= QNTK_DEPTH_MAX, "the depth must be 1 .. 256");
    size_t sizes[QNTK_DEPTH_MAX + 2] = {inputs}, levels[QNTK_DEPTH_MAX + 1];
    for (size_t l = 0; l < shape->depth; l++) {
        sizes[l + 1] = shape->width;
        levels[l] = shape->levels;
    }
    sizes[shape->depth + 1] = outputs;
    levels[shape->depth] = QNTK_LEVELS_REAL;
    return qntk_network_create(shape->depth + 1, sizes, levels, shape->b_std, shape->train.seed, network);
}

static qntk_status prepare(training *t, const qntk_split *split)
{
    const qntk_dataset *data = t->data;
    const size_t most = qntk_max(split->train_count, split->test_count), classes = data->classes;
    qntk_train_options options = t->shape->train;
    options.batch = qntk_min(options.batch, split->train_count); /* no room for rows that never come */
    qntk_status status = take_half(data, split->train_count, split->train, &t->train);
    if (status == QNTK_OK)
        status = take_half(data, split->test_count, split->test, &t->test);
    if (status != QNTK_OK)
        return status;
    t->T = qntk_alloc(split->train_count, classes * sizeof *t->T);
    t->F = qntk_alloc(most, classes * sizeof *t->F);
    t->answer = qntk_alloc(most, sizeof *t->answer);
    if (t->T == NULL || t->F == NULL || t->answer == NULL)
        return QNTK_FAIL_MEMORY();
    status = qntk_train_targets(options.loss, t->train.n, t->train.y, classes, t->T);
    if (status == QNTK_OK)
        status = create_network(t->shape, data->d, classes, &t->network);
    return status == QNTK_OK ? qntk_trainer_create(&t->network, options, &t->trainer) : status;
}

/* The accuracy of the expected output. */
static qntk_status judge(training *t, const half *h, double *accuracy)
{
    const size_t classes = t->data->classes;
    qntk_status status = qntk_network_expect(&t->network, t->shape->train.rounding, h->n, h->X, t->F);
    if (status == QNTK_OK)
        status = qntk_labels_decode(h->n, classes, t->F, classes, t->answer);
    if (status == QNTK_OK)
        *accuracy = qntk_labels_accuracy(h->n, h->y, t->answer);
    return status;
}

static qntk_status check_time(const training *t)
{
    if (qntk_study_clock() - t->start < t->seconds)
        return QNTK_OK;
    return qntk_fail(QNTK_TOO_LARGE, "the trainings take more than %g s", t->seconds);
}

static qntk_status train_and_judge(training *t, size_t counts, const size_t *epoch, double *train,
                                   double *test)
{
    qntk_status status = check_time(t);
    for (size_t c = 0; c < counts && status == QNTK_OK; c++) {
        while (status == QNTK_OK && qntk_trainer_epochs(t->trainer) < epoch[c]) {
            double loss;
            status = qntk_trainer_epoch(t->trainer, t->train.n, t->train.X, t->T, &loss);
            if (status == QNTK_OK)
                status = check_time(t);
        }
        if (status == QNTK_OK)
            status = judge(t, &t->train, &train[c]);
        if (status == QNTK_OK)
            status = judge(t, &t->test, &test[c]);
    }
    return status;
}

/* A training of arguments that have been checked. */
static qntk_status run_training(const qntk_dataset *data, const qntk_split *split,
                                const qntk_study_network *network, size_t counts, const size_t *epoch,
                                double start, double seconds, double *train, double *test)
{
    training t = {.data = data, .shape = network, .start = start, .seconds = seconds};
    qntk_status status = prepare(&t, split);
    if (status == QNTK_OK)
        status = train_and_judge(&t, counts, epoch, train, test);
    qntk_trainer_destroy(&t.trainer);
    qntk_network_free(&t.network);
    half_free(&t.train);
    half_free(&t.test);
    qntk_free(t.T);
    qntk_free(t.F);
    qntk_free(t.answer);
    if (status != QNTK_OK) {
        memset(train, 0, counts * sizeof *train);
        memset(test, 0, counts * sizeof *test);
    }
    return status;
}

static qntk_status check_range(const qntk_dataset *data)
{
    for (size_t k = 0; k < data->n * data->d; k++)
        if (!isfinite((float)data->X[k]))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu, feature %zu: %g is beyond the range of a float",
                             k / data->d, k % data->d, data->X[k]);
    return QNTK_OK;
}

static qntk_status check_epochs(size_t counts, const size_t *epoch)
{
    bool good = counts >= 1 && counts <= QNTK_STUDY_GRID && epoch[0] >= 1;
    for (size_t c = 1; good && c < counts; c++)
        good = epoch[c] > epoch[c - 1];
    QNTK_REQUIRE(good, "the numbers of epochs must ascend from 1 or more, 16 of them at most");
    return QNTK_OK;
}

qntk_status qntk_study_network_split(const qntk_dataset *data, const qntk_split *split,
                                     const qntk_study_network *network, size_t counts, const size_t *epoch,
                                     double seconds, double *train, double *test)
{
    QNTK_REQUIRE(data != NULL && split != NULL && network != NULL && epoch != NULL && train != NULL &&
                     test != NULL,
                 "no argument may be NULL");
    qntk_status status = check_epochs(counts, epoch);
    if (status != QNTK_OK)
        return status;
    memset(train, 0, counts * sizeof *train);
    memset(test, 0, counts * sizeof *test);
    QNTK_REQUIRE(data->classes >= 1 && data->y != NULL, "the study is of classification: no classes");
    QNTK_REQUIRE(split->train_count >= 1 && split->test_count >= 1,
                 "the split has no rows to train or to test on");
    QNTK_REQUIRE(qntk_study_rows_below(data->n, split), "the split names rows that the set does not have");
    status = check_range(data);
    if (status != QNTK_OK)
        return status;
    return run_training(data, split, network, counts, epoch, qntk_study_clock(), seconds, train, test);
}

/* ---- the protocol ---- */

/* A training of the protocol, and what came of it. */
typedef struct {
    const qntk_split *split;
    qntk_study_network network;
    size_t counts;
    const size_t *epoch;
    bool diverged;
    double train[QNTK_STUDY_GRID], test[QNTK_STUDY_GRID], seconds;
} task;

typedef struct {
    const qntk_dataset *data;
    const qntk_study_training *options;
    double start;
    bool may_diverge; /* a rate that is too large is only left out */
    task *task;
} study;

static qntk_status run_task(void *context, size_t index, size_t worker)
{
    (void)worker;
    const study *s = context;
    task *t = &s->task[index];
    const double begin = qntk_study_clock();
    qntk_status status = run_training(s->data, t->split, &t->network, t->counts, t->epoch, s->start,
                                      s->options->seconds, t->train, t->test);
    t->seconds = qntk_study_clock() - begin;
    t->diverged = status == QNTK_NOT_FINITE && s->may_diverge;
    return t->diverged ? QNTK_OK : status;
}

/* Every network with every rate, on the pair. */
static qntk_status search(study *s, size_t count, const qntk_study_network *networks,
                          qntk_study_network_result *result)
{
    const qntk_study_training *o = s->options;
    for (size_t k = 0; k < count * o->rates; k++) {
        s->task[k] = (task){.split = &s->data->validation,
                            .network = networks[k / o->rates],
                            .counts = o->counts,
                            .epoch = o->epoch};
        s->task[k].network.train.rate = o->rate[k % o->rates];
    }
    s->may_diverge = true;
    qntk_status status = qntk_parallel_for(count * o->rates, run_task, s);
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        qntk_study_network_result *best = &result[k];
        best->validation = -1;
        for (size_t r = 0; r < o->rates; r++) {
            const task *t = &s->task[k * o->rates + r];
            best->seconds += t->seconds;
            for (size_t c = 0; c < o->counts && !t->diverged; c++)
                if (t->test[c] > best->validation) { /* the first of equals stays */
                    best->validation = t->test[c];
                    best->rate = o->rate[r];
                    best->epoch = o->epoch[c];
                }
        }
        if (best->validation < 0)
            status = qntk_fail(QNTK_NOT_FINITE, "network %zu of %zu: the training diverges at every rate",
                               k + 1, count);
    }
    return status;
}

/* Every network on every fold, with what was chosen. */
static qntk_status judge_folds(study *s, size_t count, const qntk_study_network *networks,
                               qntk_study_network_result *result)
{
    const size_t folds = s->data->folds;
    for (size_t k = 0; k < count * folds; k++) {
        s->task[k] = (task){.split = &s->data->fold[k % folds],
                            .network = networks[k / folds],
                            .counts = 1,
                            .epoch = &result[k / folds].epoch};
        s->task[k].network.train.rate = result[k / folds].rate;
        s->task[k].network.train.seed += 1 + k % folds;
    }
    s->may_diverge = false;
    qntk_status status = qntk_parallel_for(count * folds, run_task, s);
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        long double train = 0, test = 0;
        for (size_t f = 0; f < folds; f++) {
            const task *t = &s->task[k * folds + f];
            train += qntk_study_exact(t->train[0], t->split->train_count);
            test += qntk_study_exact(t->test[0], t->split->test_count);
            result[k].seconds += t->seconds;
        }
        result[k].train = (double)(train / (long double)folds);
        result[k].test = (double)(test / (long double)folds);
        result[k].gap = result[k].train - result[k].test;
    }
    return status;
}

qntk_status qntk_study_networks(const qntk_dataset *data, size_t count, const qntk_study_network *networks,
                                qntk_study_training options, qntk_study_network_result *result)
{
    QNTK_REQUIRE(data != NULL && networks != NULL && result != NULL,
                 "data, networks and result must not be NULL");
    memset(result, 0, count * sizeof *result);
    QNTK_REQUIRE(qntk_study_ascending(options.rates, options.rate) && options.rate[0] > 0,
                 "the grid of rates must be positive and ascend");
    QNTK_REQUIRE(!isnan(options.seconds), "seconds must be a number");
    qntk_status status = check_epochs(options.counts, options.epoch);
    if (status == QNTK_OK)
        status = qntk_study_check(data);
    if (status == QNTK_OK)
        status = check_range(data);
    if (status != QNTK_OK)
        return status;
    study s = {.data = data, .options = &options, .start = qntk_study_clock()};
    s.task = qntk_alloc(count * qntk_max(options.rates, data->folds) + 1, sizeof *s.task);
    status = s.task == NULL ? QNTK_FAIL_MEMORY() : search(&s, count, networks, result);
    if (status == QNTK_OK)
        status = judge_folds(&s, count, networks, result);
    qntk_free(s.task);
    if (status != QNTK_OK)
        memset(result, 0, count * sizeof *result);
    return status;
}
