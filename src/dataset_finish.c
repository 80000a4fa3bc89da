/* From the table of a reader to the data set: missing values, limit, one-hot columns, scaling. */
#include "dataset_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- missing values and limit ---- */

/* The first gap of a row: a column, the width if it is the label, SIZE_MAX if there is none. Adds to *count.
 */
static size_t find_gaps(const qntk_raw *raw, size_t row, size_t *count)
{
    size_t first = SIZE_MAX;
    const double *value = raw->value + row * raw->width;
    if (raw->label != NULL && isnan(raw->label[row])) {
        ++*count;
        first = raw->target < raw->width ? raw->target : raw->width;
    }
    for (size_t j = raw->width; j-- > 0;)
        if (isnan(value[j]) && !(raw->label != NULL && j == raw->target)) {
            ++*count;
            if (first == SIZE_MAX || j < first)
                first = j;
        }
    return first;
}

static qntk_status report_missing(const qntk_raw *raw, size_t row, size_t column, size_t count)
{
    char place[QNTK_PLACE], text[QNTK_SHOWN + 16];
    return qntk_fail(QNTK_FORMAT,
                     "%s: %s: expected a value, found none; %zu value%s missing in all: pass --missing "
                     "drop or --missing mean",
                     qntk_raw_place(raw, row, place),
                     column == raw->width ? "label" : qntk_raw_column_text(raw, column, text), count,
                     count == 1 ? " is" : "s are");
}

/* Does a gap take the row away? Under MEAN only one in the label. */
static bool row_stays(const qntk_raw *raw, size_t row, qntk_missing missing)
{
    size_t count = 0;
    if (missing == QNTK_MISSING_MEAN)
        return raw->label == NULL || !isnan(raw->label[row]);
    return find_gaps(raw, row, &count) == SIZE_MAX;
}

/* Leaves QNTK_MISSING_MEAN's gaps in the features, where spread_features fills them. */
static qntk_status treat_missing(qntk_raw *raw, qntk_missing missing, bool *fewer, bool *gaps)
{
    size_t count = 0, first_row = 0, first_column = SIZE_MAX;
    for (size_t i = 0; i < raw->n; i++) {
        size_t column = find_gaps(raw, i, &count);
        if (column != SIZE_MAX && first_column == SIZE_MAX) {
            first_row = i;
            first_column = column;
        }
    }
    *gaps = count > 0 && missing == QNTK_MISSING_MEAN;
    if (count == 0)
        return QNTK_OK;
    if (missing == QNTK_MISSING_ERROR)
        return report_missing(raw, first_row, first_column, count);
    size_t *kept = qntk_alloc(raw->n, sizeof *kept), stay = 0;
    if (kept == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < raw->n; i++)
        if (row_stays(raw, i, missing))
            kept[stay++] = i;
    *fewer |= stay < raw->n;
    if (stay > 0)
        qntk_raw_keep(raw, kept, stay);
    qntk_free(kept);
    if (stay == 0)
        return qntk_fail(QNTK_FORMAT, "%s: no row is left without the %zu missing values", raw->path, count);
    return QNTK_OK;
}

static qntk_status apply_limit(qntk_raw *raw, const qntk_dataset_options *options, bool *fewer)
{
    if (options->limit == 0 || options->limit >= raw->n || raw->limited)
        return QNTK_OK;
    size_t *rows;
    qntk_status status = qntk_choose_rows(raw->n, options->limit, options->seed, &rows);
    if (status == QNTK_OK) {
        qntk_raw_keep(raw, rows, options->limit);
        *fewer = true;
    }
    qntk_free(rows);
    return status;
}

/* ---- features ---- */

static bool is_categorical(const qntk_raw *raw, size_t column)
{
    return raw->column != NULL && raw->column[column].categorical;
}

/* Features that a column becomes. */
static size_t span_of(const qntk_raw *raw, size_t column)
{
    if (column == raw->target)
        return 0;
    return is_categorical(raw, column) ? raw->column[column].category.strings.count : 1;
}

/* What stands in the gaps of feature column j: mean[0], or the share of each category. */
static qntk_status column_means(const qntk_raw *raw, size_t column, double *mean)
{
    size_t present = 0, span = span_of(raw, column);
    bool categorical = is_categorical(raw, column);
    for (size_t k = 0; k < span; k++)
        mean[k] = 0;
    for (size_t i = 0; i < raw->n; i++)
        present += !isnan(raw->value[i * raw->width + column]);
    char text[QNTK_SHOWN + 16];
    if (present == 0)
        return qntk_fail(QNTK_FORMAT, "%s: %s has no value at all, so no mean", raw->path,
                         qntk_raw_column_text(raw, column, text));
    for (size_t i = 0; i < raw->n; i++) {
        double value = raw->value[i * raw->width + column];
        if (isnan(value))
            continue;
        if (categorical)
            mean[(size_t)value] += 1;
        else
            mean[0] += value;
    }
    for (size_t k = 0; k < span; k++)
        mean[k] /= (double)present;
    if (isfinite(mean[0]))
        return QNTK_OK;
    mean[0] = 0; /* the sum left the range of a double: divide first */
    for (size_t i = 0; i < raw->n; i++) {
        double value = raw->value[i * raw->width + column];
        mean[0] += isnan(value) ? 0 : value / (double)present;
    }
    return QNTK_OK;
}

static qntk_status fill_gaps(const qntk_raw *raw, size_t d, double *X)
{
    double *mean = qntk_alloc(d, sizeof *mean);
    qntk_status status = mean == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    for (size_t j = 0, at = 0; j < raw->width && status == QNTK_OK; at += span_of(raw, j), j++) {
        size_t gaps = 0, span = span_of(raw, j);
        for (size_t i = 0; i < raw->n; i++)
            gaps += isnan(raw->value[i * raw->width + j]);
        if (span == 0 || gaps == 0)
            continue;
        status = column_means(raw, j, mean);
        for (size_t i = 0; i < raw->n && status == QNTK_OK; i++)
            if (isnan(raw->value[i * raw->width + j]))
                memcpy(X + i * d + at, mean, span * sizeof(double));
    }
    qntk_free(mean);
    return status;
}

/* One row: numbers as they are, a category as 0 .. 1 .. 0. */
static void spread_row(const qntk_raw *raw, const double *value, double *x)
{
    for (size_t j = 0; j < raw->width; j++) {
        if (j == raw->target)
            continue;
        if (!is_categorical(raw, j)) {
            *x++ = value[j];
            continue;
        }
        size_t span = span_of(raw, j);
        memset(x, 0, span * sizeof(double));
        if (!isnan(value[j]))
            x[(size_t)value[j]] = 1;
        x += span;
    }
}

static qntk_status spread_features(qntk_raw *raw, bool gaps, qntk_dataset *dataset)
{
    size_t n = raw->n, d = 0;
    bool plain = !gaps;
    for (size_t j = 0; j < raw->width; j++) {
        d += span_of(raw, j); /* at most the sum of the categories, each of which is in memory */
        plain &= j == raw->target || !is_categorical(raw, j);
    }
    if (d == 0)
        return qntk_fail(QNTK_INVALID,
                         "%s: expected a column beside the target, found none; pass --target none",
                         raw->path);
    dataset->n = n;
    dataset->d = d;
    if (plain) {
        /* in place: row i of the result ends before row i+1 of the table begins */
        for (size_t i = 0; i < n && d < raw->width; i++) {
            double *to = raw->value + i * d, *from = raw->value + i * raw->width;
            memmove(to, from, raw->target * sizeof(double));
            memmove(to + raw->target, from + raw->target + 1, (d - raw->target) * sizeof(double));
        }
        dataset->X = raw->value;
        raw->value = NULL;
        return QNTK_OK;
    }
    if (n > SIZE_MAX / 16 / d)
        return qntk_fail(QNTK_TOO_LARGE, "%s: %zu rows of %zu features are too many", raw->path, n, d);
    qntk_status status =
        qntk_memory_check(8 * n * d, raw->path, "pass --limit, or leave out columns of many categories");
    if (status != QNTK_OK)
        return status;
    dataset->X = qntk_alloc(n * d, sizeof(double));
    if (dataset->X == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        spread_row(raw, raw->value + i * raw->width, dataset->X + i * d);
    return gaps ? fill_gaps(raw, d, dataset->X) : QNTK_OK;
}

/* "age", "colour=red"; a file without names has them only if it has categories ("c3=red"). */
static qntk_status name_features(const qntk_raw *raw, qntk_dataset *dataset)
{
    bool named = raw->names.strings.count > 0, categorical = false;
    for (size_t j = 0; j < raw->width; j++)
        categorical |= is_categorical(raw, j) && j != raw->target;
    if (!named && !categorical)
        return QNTK_OK;
    qntk_strings names = {0};
    qntk_strings joined = {0};
    qntk_status status = QNTK_OK;
    for (size_t j = 0; j < raw->width; j++) {
        char number[32];
        snprintf(number, sizeof number, "c%zu", j);
        const char *base = named ? qntk_category_name(&raw->names, j) : number;
        for (size_t k = 0; k < span_of(raw, j) && status == QNTK_OK; k++) {
            if (!is_categorical(raw, j)) {
                status = qntk_strings_add(&names, base, strlen(base));
                continue;
            }
            const char *level = qntk_category_name(&raw->column[j].category, k);
            /* "base" and "level" one after another; the zero byte between them becomes '=' */
            joined.used = 0;
            status = qntk_strings_add(&joined, base, strlen(base));
            if (status == QNTK_OK)
                status = qntk_strings_add(&joined, level, strlen(level));
            if (status != QNTK_OK)
                break;
            joined.text[strlen(base)] = '=';
            status = qntk_strings_add(&names, joined.text, joined.used - 1);
        }
    }
    if (status == QNTK_OK) {
        dataset->feature_name = qntk_strings_block(&names);
        status = dataset->feature_name == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    }
    qntk_strings_free(&joined);
    qntk_strings_free(&names);
    return status;
}

/* ---- scaling ---- */

/* A power of two near 1/largest, so that squares neither overflow nor vanish; multiplying by it is exact. */
static double safe_factor(double largest)
{
    enum { MOST = 1000 }; /* 2^1000 is finite, and 2^-1074 times it is normal */
    int exponent = 0;
    frexp(largest, &exponent);
    return ldexp(1, exponent < -MOST ? MOST : -exponent);
}

/* Row by row, as the memory lies, with the column's figures in arrays (d). */
static qntk_status standardise(size_t n, size_t d, double *X)
{
    double *low = qntk_alloc_zero(5 * d, sizeof *low);
    if (low == NULL)
        return QNTK_NO_MEMORY;
    double *high = low + d, *factor = high + d, *mean = factor + d, *variance = mean + d;
    memcpy(low, X, d * sizeof(double));
    memcpy(high, X, d * sizeof(double));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            low[j] = X[i * d + j] < low[j] ? X[i * d + j] : low[j];
            high[j] = X[i * d + j] > high[j] ? X[i * d + j] : high[j];
        }
    for (size_t j = 0; j < d; j++)
        factor[j] = safe_factor(fmax(fabs(low[j]), fabs(high[j])));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            mean[j] += X[i * d + j] * factor[j];
    for (size_t j = 0; j < d; j++)
        mean[j] /= (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            double difference = X[i * d + j] * factor[j] - mean[j];
            variance[j] += difference * difference;
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) {
            double difference = X[i * d + j] * factor[j] - mean[j];
            bool constant = low[j] == high[j] || variance[j] == 0;
            X[i * d + j] = constant ? 0 : difference / sqrt(variance[j] / (double)n);
        }
    qntk_free(low);
    return QNTK_OK;
}

static qntk_status rows_to_sphere(const qntk_raw *raw, qntk_dataset *dataset)
{
    size_t d = dataset->d;
    for (size_t i = 0; i < dataset->n; i++) {
        double *x = dataset->X + i * d, largest = 0, square = 0;
        for (size_t j = 0; j < d; j++)
            largest = fmax(largest, fabs(x[j]));
        char place[QNTK_PLACE];
        if (largest == 0)
            return qntk_fail(
                QNTK_INVALID,
                "%s: a row of zeros has no direction: it cannot go to the sphere (--rows sphere)",
                qntk_raw_place(raw, i, place));
        double factor = safe_factor(largest);
        for (size_t j = 0; j < d; j++)
            square += x[j] * factor * (x[j] * factor);
        double norm = sqrt(square), radius = sqrt((double)d);
        for (size_t j = 0; j < d; j++)
            x[j] = x[j] * factor / norm * radius;
    }
    return QNTK_OK;
}

/* ---- all of it ---- */

qntk_status qntk_raw_finish(qntk_raw *raw, const qntk_dataset_options *options, qntk_dataset *dataset)
{
    bool fewer = raw->limited, gaps = false;
    qntk_status status = qntk_raw_make_target(raw, options, dataset);
    if (status == QNTK_OK)
        status = treat_missing(raw, options->missing, &fewer, &gaps);
    if (status == QNTK_OK)
        status = apply_limit(raw, options, &fewer);
    if (status == QNTK_OK)
        status = spread_features(raw, gaps, dataset);
    if (status == QNTK_OK)
        status = name_features(raw, dataset);
    if (status == QNTK_OK && options->scale == QNTK_SCALE_ZSCORE)
        status = standardise(dataset->n, dataset->d, dataset->X);
    if (status == QNTK_OK && options->rows == QNTK_ROWS_SPHERE)
        status = rows_to_sphere(raw, dataset);
    if (status != QNTK_OK) {
        qntk_dataset_free(dataset);
        return status;
    }
    dataset->y = raw->label;
    raw->label = NULL;
    if (!fewer) {
        dataset->validation = raw->validation;
        memcpy(dataset->fold, raw->fold, sizeof raw->fold);
        dataset->folds = raw->folds;
        dataset->own_test = raw->own_test;
        raw->validation = (qntk_split){0};
        memset(raw->fold, 0, sizeof raw->fold);
    }
    return QNTK_OK;
}
