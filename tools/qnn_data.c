/* Data for networks: splits, scales that new rows can be given too, and answers from outputs. */
#include "qnn_network.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void qnn_rows_free(qnn_rows *rows)
{
    qntk_free(rows->raw);
    qntk_free(rows->X);
    qntk_free(rows->y);
    qntk_free(rows->T);
    *rows = (qnn_rows){0};
}

/* ---- matching ---- */

/* The data as it is in the file: the network's own scale comes later. */
static qntk_status read_raw(const cli_common *common, bool target_optional, qntk_dataset *data)
{
    cli_common raw = *common;
    raw.scale = QNTK_SCALE_NONE;
    raw.rows = QNTK_ROWS_RAW;
    return cli_read_data(&raw, target_optional, data);
}

/* column (features): the one of `data` with the name of each feature; by position where either has none. */
static qntk_status match_columns(const qntk_checkpoint *c, const qntk_dataset *data, size_t *column)
{
    const bool named = c->feature_name != NULL && data->feature_name != NULL;
    for (size_t j = 0; j < c->features; j++) {
        size_t k = named ? 0 : j;
        while (named && k < data->d && strcmp(c->feature_name[j], data->feature_name[k]) != 0)
            k++;
        if (named && k == data->d)
            return cli_message(QNTK_FORMAT, "%s: expected a column '%s', as the network was trained with",
                               data->name, c->feature_name[j]);
        column[j] = k;
    }
    if (data->d != c->features)
        return cli_message(QNTK_FORMAT,
                           "%s: expected %zu features, as the network was trained with, found %zu",
                           data->name, c->features, data->d);
    return QNTK_OK;
}

/* The network's number of class `label` of the data. */
static qntk_status match_class(const qntk_checkpoint *c, const qntk_dataset *data, size_t label, double *y)
{
    for (size_t k = 0; k < c->classes; k++)
        if (strcmp(c->class_name[k], data->class_name[label]) == 0) {
            *y = (double)k;
            return QNTK_OK;
        }
    return cli_message(QNTK_FORMAT, "%s: found a class '%s', which the network was not trained with",
                       data->name, data->class_name[label]);
}

static qntk_status allocate_rows(size_t n, size_t features, bool target, qnn_rows *rows)
{
    *rows = (qnn_rows){.n = n,
                       .raw = qntk_alloc(n, features * sizeof *rows->raw),
                       .X = qntk_alloc(n, features * sizeof *rows->X),
                       .y = target ? qntk_alloc(n, sizeof *rows->y) : NULL};
    return rows->raw == NULL || rows->X == NULL || (target && rows->y == NULL) ? QNTK_NO_MEMORY : QNTK_OK;
}

qntk_status qnn_read_rows(const cli_common *common, bool target_optional, const qntk_checkpoint *c,
                          char name[128], qnn_rows *rows)
{
    cli_common same = *common;
    same.task = c->classes > 0 ? QNTK_TASK_CLASSIFY : QNTK_TASK_REGRESS;
    qntk_dataset data = {0};
    size_t *column = qntk_alloc(c->features, sizeof *column);
    qntk_status status = column == NULL ? QNTK_NO_MEMORY : read_raw(&same, target_optional, &data);
    if (status == QNTK_OK)
        status = match_columns(c, &data, column);
    if (status == QNTK_OK)
        status = allocate_rows(data.n, c->features, data.y != NULL, rows);
    for (size_t i = 0; i < data.n && status == QNTK_OK; i++) {
        for (size_t j = 0; j < c->features; j++)
            rows->raw[i * c->features + j] = data.X[i * data.d + column[j]];
        if (data.y != NULL && c->classes > 0)
            status = match_class(c, &data, (size_t)data.y[i], &rows->y[i]);
        else if (data.y != NULL)
            rows->y[i] = data.y[i];
    }
    if (status == QNTK_OK)
        status = qntk_checkpoint_inputs(c, rows->n, rows->raw, rows->X);
    snprintf(name, 128, "%s", data.name);
    qntk_dataset_free(&data);
    qntk_free(column);
    return status;
}

qntk_status qnn_choose_rows(uint64_t seed, size_t all, size_t n, size_t *row)
{
    size_t *shuffled = qntk_alloc(all, sizeof *shuffled), count = 0;
    bool *chosen = qntk_alloc_zero(all, sizeof *chosen);
    qntk_status status = shuffled == NULL || chosen == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK) {
        qntk_rng rng = qntk_rng_create(seed, UINT64_C(0x7069636b) << 32); /* "pick" */
        for (size_t i = 0; i < all; i++)
            shuffled[i] = i;
        qntk_rng_shuffle(&rng, shuffled, all);
        for (size_t i = 0; i < n; i++)
            chosen[shuffled[i]] = true;
        for (size_t i = 0; i < all; i++)
            if (chosen[i])
                row[count++] = i;
    }
    qntk_free(shuffled);
    qntk_free(chosen);
    return status;
}

/* ---- splits ---- */

static const double USUAL_SPLIT = 0.2; /* the share of test rows */

/* Shuffles the rows of each class and takes them in that order, `share` of them for the test, evenly spread:
 * sizes are right to one row, in all and in each class. is_test (n). */
static qntk_status deal(const qntk_dataset *data, double share, uint64_t seed, bool *is_test)
{
    size_t *row = qntk_alloc(data->n, sizeof *row);
    if (row == NULL)
        return QNTK_NO_MEMORY;
    const size_t classes = data->classes > 0 ? data->classes : 1;
    size_t seen = 0;
    for (size_t c = 0; c < classes; c++) {
        qntk_rng rng = qntk_rng_create(seed, (UINT64_C(0x73706c69) << 32) + c); /* "spli" */
        size_t count = 0;
        for (size_t i = 0; i < data->n; i++)
            if (data->classes == 0 || (size_t)data->y[i] == c)
                row[count++] = i;
        qntk_rng_shuffle(&rng, row, count);
        for (size_t i = 0; i < count; i++) {
            is_test[row[i]] = floor((double)(seen + 1) * share) > floor((double)seen * share);
            seen++;
        }
    }
    qntk_free(row);
    return QNTK_OK;
}

/* Rows `row` (n) of the data. */
static qntk_status take_rows(const qntk_dataset *data, size_t n, const size_t *row, qnn_rows *rows)
{
    qntk_status status = allocate_rows(n, data->d, true, rows);
    for (size_t i = 0; i < n && status == QNTK_OK; i++) {
        memcpy(rows->raw + i * data->d, data->X + row[i] * data->d, data->d * sizeof *rows->raw);
        rows->y[i] = data->y[row[i]];
    }
    return status;
}

static qntk_status take_published(const qntk_dataset *data, qnn_split *split, qnn_rows *train, qnn_rows *test)
{
    if (split->fold > data->folds)
        return cli_message(QNTK_INVALID, "%s: expected a fold from 1 to %zu, found %zu", data->name,
                           data->folds, split->fold);
    const qntk_split *fold = &data->fold[split->fold - 1];
    snprintf(split->protocol, sizeof split->protocol, "published split %zu", split->fold);
    qntk_status status = take_rows(data, fold->train_count, fold->train, train);
    return status == QNTK_OK ? take_rows(data, fold->test_count, fold->test, test) : status;
}

static qntk_status take_share(const qntk_dataset *data, double share, uint64_t seed, qnn_split *split,
                              qnn_rows *train, qnn_rows *test)
{
    bool *is_test = qntk_alloc_zero(data->n, sizeof *is_test);
    size_t *row = qntk_alloc(data->n, sizeof *row), count[2] = {0, 0};
    qntk_status status = is_test == NULL || row == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK && share > 0)
        status = deal(data, share, seed, is_test);
    for (size_t i = 0; i < data->n && status == QNTK_OK; i++)
        if (is_test[i])
            row[data->n - ++count[1]] = i;
        else
            row[count[0]++] = i;
    if (status == QNTK_OK && (count[0] == 0 || (share > 0 && count[1] == 0)))
        status = cli_message(QNTK_INVALID, "%s: %zu rows cannot be split: pass another --split", data->name,
                             data->n);
    snprintf(split->protocol, sizeof split->protocol, "split %g%s", share,
             data->classes > 0 ? ", stratified" : "");
    if (status == QNTK_OK)
        status = take_rows(data, count[0], row, train);
    if (status == QNTK_OK)
        status = take_rows(data, count[1], row + count[0], test);
    qntk_free(is_test);
    qntk_free(row);
    return status;
}

/* ---- what the training rows say ---- */

/* (x - mean)/sd with 1/n; a constant feature becomes 0. */
static void measure_scale(const qnn_rows *rows, bool zscore, qntk_checkpoint *c)
{
    const size_t d = c->features;
    for (size_t j = 0; j < d; j++) {
        const double *x = rows->raw + j;
        double mean = 0, variance = 0;
        bool constant = true;
        for (size_t i = 0; i < rows->n && zscore; i++) {
            mean += x[i * d] / (double)rows->n;
            constant = constant && x[i * d] == x[0];
        }
        for (size_t i = 0; i < rows->n && zscore; i++)
            variance += (x[i * d] - mean) * (x[i * d] - mean) / (double)rows->n;
        c->shift[j] = mean;
        c->scale[j] = !zscore ? 1 : constant || variance == 0 ? 0 : 1 / sqrt(variance);
    }
}

static void measure_target(const qnn_rows *rows, qntk_checkpoint *c)
{
    double mean = 0, variance = 0;
    c->target_scale = 1;
    if (c->classes > 0)
        return;
    for (size_t i = 0; i < rows->n; i++)
        mean += rows->y[i] / (double)rows->n;
    for (size_t i = 0; i < rows->n; i++)
        variance += (rows->y[i] - mean) * (rows->y[i] - mean) / (double)rows->n;
    c->target_shift = mean;
    c->target_scale = variance > 0 ? sqrt(variance) : 1;
}

static qntk_status copy_names(size_t count, char *const *names, char ***copy)
{
    if (names == NULL)
        return QNTK_OK;
    *copy = qntk_alloc_zero(count, sizeof **copy);
    for (size_t i = 0; i < count && *copy != NULL; i++)
        if (((*copy)[i] = qntk_copy_string(names[i])) == NULL)
            return QNTK_NO_MEMORY;
    return *copy != NULL ? QNTK_OK : QNTK_NO_MEMORY;
}

static qntk_status describe(const cli_common *common, const qntk_dataset *data, const qnn_rows *train,
                            qntk_checkpoint *c)
{
    c->features = data->d;
    c->classes = data->classes;
    c->sphere = common->rows == QNTK_ROWS_SPHERE;
    c->shift = qntk_alloc(c->features, sizeof *c->shift);
    c->scale = qntk_alloc(c->features, sizeof *c->scale);
    if (c->shift == NULL || c->scale == NULL)
        return QNTK_NO_MEMORY;
    qntk_status status = copy_names(data->d, data->feature_name, &c->feature_name);
    if (status == QNTK_OK)
        status = copy_names(data->classes, data->class_name, &c->class_name);
    if (status != QNTK_OK)
        return status;
    measure_scale(train, common->scale == QNTK_SCALE_ZSCORE, c);
    measure_target(train, c);
    c->fingerprint = qntk_checkpoint_fingerprint(0, train->n * c->features, train->raw);
    c->fingerprint = qntk_checkpoint_fingerprint(c->fingerprint, train->n, train->y);
    return QNTK_OK;
}

qntk_status qnn_read_training(const cli_common *common, qnn_split *split, qntk_checkpoint *c, char name[128],
                              qnn_rows *train, qnn_rows *test)
{
    qntk_dataset data = {0};
    qntk_status status = read_raw(common, false, &data);
    snprintf(name, 128, "%s", data.name);
    if (status == QNTK_OK && data.y == NULL)
        status =
            cli_message(QNTK_INVALID, "%s: training needs a target; --target none leaves none", data.name);
    if (status == QNTK_OK && split->test == NULL && isnan(split->split) && data.folds > 0)
        status = take_published(&data, split, train, test);
    else if (status == QNTK_OK)
        status = take_share(&data,
                            split->test != NULL   ? 0
                            : isnan(split->split) ? USUAL_SPLIT
                                                  : split->split,
                            common->seed, split, train, test);
    if (status == QNTK_OK)
        status = describe(common, &data, train, c);
    qntk_dataset_free(&data);
    if (status == QNTK_OK && split->test != NULL) {
        char test_name[128];
        cli_common other = *common;
        other.data = split->test;
        other.labels = split->test_labels;
        other.limit = 0;
        qnn_rows_free(test);
        snprintf(split->protocol, sizeof split->protocol, "test file");
        status = qnn_read_rows(&other, false, c, test_name, test);
    } else if (status == QNTK_OK) {
        status = qntk_checkpoint_inputs(c, test->n, test->raw, test->X);
    }
    return status == QNTK_OK ? qntk_checkpoint_inputs(c, train->n, train->raw, train->X) : status;
}

/* ---- targets and answers ---- */

qntk_status qnn_targets(const qntk_checkpoint *c, qntk_loss loss, qnn_rows *rows)
{
    const size_t outputs = qnn_outputs(c->classes);
    rows->T = qntk_alloc(rows->n, outputs * sizeof *rows->T);
    if (rows->T == NULL)
        return QNTK_NO_MEMORY;
    if (c->classes > 0)
        return qntk_train_targets(loss, rows->n, rows->y, c->classes, rows->T);
    for (size_t i = 0; i < rows->n; i++)
        rows->T[i] = (float)((rows->y[i] - c->target_shift) / c->target_scale);
    return QNTK_OK;
}

qntk_status qnn_answers(const qntk_checkpoint *c, size_t n, const double *F, double *answer)
{
    if (c->classes > 0)
        return qntk_labels_decode(n, c->classes, F, c->classes, answer);
    for (size_t i = 0; i < n; i++)
        answer[i] = F[i] * c->target_scale + c->target_shift;
    return QNTK_OK;
}

double qnn_score(const qntk_checkpoint *c, size_t n, const double *y, const double *answer)
{
    if (c->classes > 0)
        return qntk_labels_accuracy(n, y, answer);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (answer[i] - y[i]) * (answer[i] - y[i]);
    return sum / (double)n;
}

double qnn_gap(const qntk_checkpoint *c, double train, double test)
{
    return c->classes > 0 ? train - test : test - train;
}
