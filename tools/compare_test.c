/* --test FILE: a second file, matched with the first by the names of columns and classes. */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- matching ---- */

enum { ABSENT = -1 }; /* a category that occurs in no row of the test file: its column is 0 */

/* True if the columns named as `name` is up to its "=" are the categories of one column: there are some, and
 * they add up to one in every row. */
static bool are_categories(const qntk_dataset *data, const char *name)
{
    const char *equal = strchr(name, '=');
    if (equal == NULL)
        return false;
    const size_t prefix = (size_t)(equal - name) + 1;
    for (size_t i = 0; i < data->n; i++) {
        double sum = 0;
        for (size_t j = 0; j < data->d; j++)
            if (strncmp(data->feature_name[j], name, prefix) == 0)
                sum += data->X[i * data->d + j];
        if (!(fabs(sum - 1) <= 1e-9)) /* means in place of missing ones add up to that but for rounding */
            return false;
    }
    return true;
}

/* For each of the d columns of the training file the one of the test file, or ABSENT; `taken` (d) is scratch.
 * Files without names match by position. */
static qntk_status match_columns(const char *path, const qntk_dataset *train, const qntk_dataset *test,
                                 bool *taken, ptrdiff_t *column)
{
    const size_t d = train->d;
    char **const names = train->feature_name, **const others = test->feature_name;
    if ((names == NULL) != (others == NULL))
        return cli_message(QNTK_FORMAT, "%s: expected %s, as in %s, found %s", path,
                           names != NULL ? "columns with names" : "columns without names", train->name,
                           names != NULL ? "none" : "some");
    for (size_t j = 0; j < d && names != NULL; j++) {
        size_t k = 0;
        while (k < test->d && (taken[k] || strcmp(names[j], others[k]) != 0))
            k++;
        if (k == test->d && are_categories(train, names[j]) && are_categories(test, names[j])) {
            column[j] = ABSENT;
            continue;
        }
        if (k == test->d)
            return cli_message(QNTK_FORMAT, "%s: expected a column '%s', as in %s, found none", path,
                               names[j], train->name);
        taken[k] = true;
        column[j] = (ptrdiff_t)k;
    }
    for (size_t k = 0; k < test->d && names != NULL; k++)
        if (!taken[k])
            return cli_message(QNTK_FORMAT, "%s: found a column '%s', which %s lacks", path, others[k],
                               train->name);
    if (test->d != d && names == NULL)
        return cli_message(QNTK_FORMAT, "%s: expected %zu features, as in %s, found %zu", path, d,
                           train->name, test->d);
    for (size_t j = 0; j < d && names == NULL; j++)
        column[j] = (ptrdiff_t)j;
    return QNTK_OK;
}

/* The class of the training file that has the name of class c of the test file. */
static qntk_status match_class(const char *path, const qntk_dataset *train, const qntk_dataset *test,
                               size_t c, double *class)
{
    for (size_t k = 0; k < train->classes; k++)
        if (strcmp(train->class_name[k], test->class_name[c]) == 0) {
            *class = (double)k;
            return QNTK_OK;
        }
    return cli_message(QNTK_FORMAT, "%s: found a class '%s', which %s lacks", path, test->class_name[c],
                       train->name);
}

/* Rows and targets of `test` behind those of `data`. */
static qntk_status append(const char *path, const qntk_dataset *test, qntk_dataset *data)
{
    const size_t n = data->n, m = test->n, d = data->d;
    bool *taken = qntk_alloc_zero(test->d, sizeof *taken);
    ptrdiff_t *column = qntk_alloc(d, sizeof *column);
    double *X = qntk_alloc(n + m, d * sizeof *X), *y = qntk_alloc(n + m, sizeof *y);
    qntk_status status = taken == NULL || column == NULL || X == NULL || y == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK)
        status = match_columns(path, data, test, taken, column);
    for (size_t i = 0; i < m && status == QNTK_OK; i++) {
        for (size_t j = 0; j < d; j++)
            X[(n + i) * d + j] = column[j] == ABSENT ? 0 : test->X[i * test->d + (size_t)column[j]];
        y[n + i] = test->y[i];
        if (data->classes > 0)
            status = match_class(path, data, test, (size_t)test->y[i], &y[n + i]);
    }
    if (status == QNTK_OK) {
        memcpy(X, data->X, n * d * sizeof *X);
        memcpy(y, data->y, n * sizeof *y);
        qntk_free(data->X);
        qntk_free(data->y);
        data->X = X;
        data->y = y;
        data->n = n + m;
        X = y = NULL;
    }
    qntk_free(taken);
    qntk_free(column);
    qntk_free(X);
    qntk_free(y);
    return status;
}

/* ---- scaling, by what the training rows say ---- */

/* (x - mean)/sd of the first `train` rows; a feature that is constant there becomes 0. */
static void standardise(qntk_dataset *data, size_t train)
{
    const size_t d = data->d;
    for (size_t j = 0; j < d; j++) {
        double *x = data->X + j, mean = 0, variance = 0;
        bool constant = true;
        for (size_t i = 0; i < train; i++) {
            mean += x[i * d] / (double)train;
            constant = constant && x[i * d] == x[0];
        }
        for (size_t i = 0; i < train; i++)
            variance += (x[i * d] - mean) * (x[i * d] - mean) / (double)train;
        for (size_t i = 0; i < data->n; i++)
            x[i * d] = constant ? 0 : (x[i * d] - mean) / sqrt(variance);
    }
}

static qntk_status to_sphere(qntk_dataset *data, size_t train, const char *path)
{
    const size_t d = data->d;
    for (size_t i = 0; i < data->n; i++) {
        double *x = data->X + i * d, square = 0;
        for (size_t j = 0; j < d; j++)
            square += x[j] * x[j];
        if (square == 0)
            return cli_message(
                QNTK_INVALID,
                "%s: row %zu: a row of zeros has no direction: it cannot go to the sphere (--rows sphere)",
                i < train ? data->name : path, i < train ? i : i - train);
        for (size_t j = 0; j < d; j++)
            x[j] *= sqrt((double)d / square);
    }
    return QNTK_OK;
}

qntk_status compare_read_pair(const compare_settings *set, qntk_dataset *data, size_t *train_rows)
{
    cli_common raw = set->common; /* scaled together, below */
    raw.scale = QNTK_SCALE_NONE;
    raw.rows = QNTK_ROWS_RAW;
    qntk_dataset test = {0};
    qntk_status status = cli_read_data(&raw, false, data);
    if (status == QNTK_OK && data->y == NULL)
        return QNTK_OK; /* the caller says so */
    *train_rows = data->n;
    raw.data = set->test;
    raw.labels = set->test_labels;
    raw.limit = 0;
    raw.task = data->classes > 0 ? QNTK_TASK_CLASSIFY : QNTK_TASK_REGRESS;
    if (status == QNTK_OK)
        status = cli_read_data(&raw, false, &test);
    if (status == QNTK_OK && access(set->test, F_OK) != 0)
        status = cli_message(
            QNTK_INVALID,
            "--test: expected a file, found the generator '%s', which with the same seed repeats rows",
            set->test);
    if (status == QNTK_OK)
        status = append(set->test, &test, data);
    if (status == QNTK_OK && set->common.scale == QNTK_SCALE_ZSCORE)
        standardise(data, *train_rows);
    if (status == QNTK_OK && set->common.rows == QNTK_ROWS_SPHERE)
        status = to_sphere(data, *train_rows, set->test);
    qntk_dataset_free(&test);
    return status;
}
