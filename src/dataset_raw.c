/* The table between the readers and the data set. */
#include "dataset_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void qntk_split_free(qntk_split *split)
{
    qntk_free(split->train);
    qntk_free(split->test);
    *split = (qntk_split){0};
}

void qntk_raw_free(qntk_raw *raw)
{
    if (raw->column != NULL)
        for (size_t j = 0; j < raw->width; j++)
            qntk_category_free(&raw->column[j].category);
    qntk_free(raw->column);
    qntk_free(raw->value);
    qntk_category_free(&raw->names);
    qntk_free(raw->line);
    qntk_free(raw->label);
    qntk_free(raw->pick);
    qntk_free(raw->own_path);
    qntk_split_free(&raw->validation);
    for (size_t k = 0; k < QNTK_FOLDS_MAX; k++)
        qntk_split_free(&raw->fold[k]);
    *raw = (qntk_raw){0};
}

const char *qntk_raw_place(const qntk_raw *raw, size_t row, char place[QNTK_PLACE])
{
    if (raw->line != NULL)
        snprintf(place, QNTK_PLACE, "%s:%zu", raw->path, raw->line[row]);
    else
        snprintf(place, QNTK_PLACE, "%s: row %zu", raw->path, raw->pick != NULL ? raw->pick[row] : row);
    return place;
}

const char *qntk_raw_column_text(const qntk_raw *raw, size_t column, char text[QNTK_SHOWN + 16])
{
    char shown[QNTK_SHOWN];
    if (raw->names.strings.count > column) {
        const char *name = qntk_category_name(&raw->names, column);
        snprintf(text, QNTK_SHOWN + 16, "column '%s'", qntk_shown(name, strlen(name), shown));
    } else {
        snprintf(text, QNTK_SHOWN + 16, "column %zu", column);
    }
    return text;
}

qntk_status qntk_raw_add_name(qntk_raw *raw, size_t line, const char *text, size_t size)
{
    size_t column = raw->names.strings.count, index;
    char number[32], shown[QNTK_SHOWN];
    if (size == 0) {
        size = (size_t)snprintf(number, sizeof number, "c%zu", column);
        text = number;
    }
    qntk_status status = qntk_category_add(&raw->names, text, size, &index);
    if (status == QNTK_OK && index != column)
        status = qntk_fail(QNTK_FORMAT,
                           "%s:%zu: expected different column names, found '%s' for columns %zu and %zu",
                           raw->path, line, qntk_shown(text, size, shown), index, column);
    return status;
}

/* A whole number from -width to width-1; negative ones count from the end. */
static bool parse_index(const char *text, size_t width, size_t *index)
{
    bool negative = *text == '-';
    text += negative;
    if (!qntk_parse_count(text, strlen(text), negative ? width : width - 1, index))
        return false;
    if (negative)
        *index = width - *index;
    return *index < width;
}

qntk_status qntk_raw_find_target(qntk_raw *raw, const qntk_dataset_options *options, size_t fallback)
{
    raw->target = fallback;
    const char *target = options->target;
    if (target == NULL)
        return QNTK_OK;
    raw->target = raw->width;
    size_t index = qntk_category_find(&raw->names, target, strlen(target));
    if (index != SIZE_MAX)
        raw->target = index;
    else if (strcmp(target, "none") != 0 && !parse_index(target, raw->width, &raw->target)) {
        char first[QNTK_SHOWN + 16], last[QNTK_SHOWN + 16], shown[QNTK_SHOWN];
        return qntk_fail(
            QNTK_INVALID, "%s: no column '%s': expected none, a number from 0 to %zu, or a name (%s .. %s)",
            raw->path, qntk_shown(target, strlen(target), shown), raw->width - 1,
            qntk_raw_column_text(raw, 0, first), qntk_raw_column_text(raw, raw->width - 1, last));
    }
    return QNTK_OK;
}

qntk_status qntk_raw_use_labels(qntk_raw *raw, const qntk_dataset_options *options)
{
    char shown[QNTK_SHOWN];
    raw->target = raw->width;
    raw->labelled = options->target == NULL;
    if (!raw->labelled) {
        qntk_free(raw->label);
        raw->label = NULL;
    }
    if (!raw->labelled && strcmp(options->target, "none") != 0)
        return qntk_fail(QNTK_INVALID,
                         "%s: the labels are kept apart: expected --target none or no --target, found '%s'",
                         raw->path, qntk_shown(options->target, strlen(options->target), shown));
    return QNTK_OK;
}

qntk_status qntk_raw_allocate(qntk_raw *raw, size_t n, size_t width, size_t bytes)
{
    /* A sparse file may leave out nearly everything: real ones (text, one-hot) stay below a few hundred bytes
     * of table a byte of file. Small tables are let through. */
    const size_t small = (size_t)64 << 20, proportion = 1000;
    if (n == 0 || width == 0)
        return qntk_fail(QNTK_FORMAT, "%s: the file has no %s", raw->path, n == 0 ? "rows" : "columns");
    double need = 8.0 * (double)n * (double)width, gib = 1024.0 * 1024 * 1024;
    if (need > (double)small && need / (double)proportion > (double)bytes)
        return qntk_fail(
            QNTK_TOO_LARGE,
            "%s: a file of %zu bytes claims %zu rows of %zu columns, a table of %.1f GiB, which is out of "
            "proportion",
            raw->path, bytes, n, width, need / gib);
    if (n > SIZE_MAX / 16 / width)
        return qntk_fail(QNTK_TOO_LARGE, "%s: %zu rows of %zu columns are too many", raw->path, n, width);
    qntk_status status = qntk_memory_check(8 * n * width + 8 * n, raw->path, "pass a smaller file");
    if (status != QNTK_OK)
        return status;
    raw->value = qntk_alloc(n * width, sizeof(double));
    raw->line = qntk_alloc(n, sizeof(size_t));
    if (raw->value == NULL || raw->line == NULL)
        return QNTK_NO_MEMORY;
    raw->n = n;
    raw->width = width;
    return QNTK_OK;
}

qntk_status qntk_raw_allocate_columns(qntk_raw *raw)
{
    raw->column = qntk_alloc_zero(raw->width, sizeof *raw->column);
    return raw->column == NULL ? QNTK_NO_MEMORY : QNTK_OK;
}

void qntk_raw_keep(qntk_raw *raw, const size_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t row = rows[i]; /* >= i: moving down in place */
        if (row == i)
            continue;
        memcpy(raw->value + i * raw->width, raw->value + row * raw->width, raw->width * sizeof(double));
        if (raw->line != NULL)
            raw->line[i] = raw->line[row];
        if (raw->pick != NULL)
            raw->pick[i] = raw->pick[row];
        if (raw->label != NULL)
            raw->label[i] = raw->label[row];
    }
    raw->n = count;
}

qntk_status qntk_choose_rows(size_t n, size_t limit, uint64_t seed, size_t **rows)
{
    size_t *chosen = qntk_alloc(limit, sizeof *chosen), count = 0;
    *rows = chosen;
    if (chosen == NULL)
        return QNTK_NO_MEMORY;
    /* selection sampling: row i is taken with probability (still needed)/(still to come) */
    qntk_rng rng = qntk_rng_create(seed, QNTK_STREAM_LIMIT);
    for (size_t i = 0; i < n && count < limit; i++)
        if (qntk_rng_below(&rng, n - i) < limit - count)
            chosen[count++] = i;
    return QNTK_OK;
}

typedef struct {
    double number;
    const char *name;
    size_t index;
} named;

static int compare_names(const void *left, const void *right)
{
    const named *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static int compare_numbers(const void *left, const void *right)
{
    const named *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return strcmp(a->name, b->name); /* "1" and "1.0" */
}

qntk_status qntk_category_order(const qntk_category *category, size_t **order)
{
    size_t count = category->strings.count;
    bool numbers = true;
    named *item = qntk_alloc(count, sizeof *item);
    *order = qntk_alloc(count, sizeof **order);
    if (item == NULL || *order == NULL) {
        qntk_free(item);
        qntk_free(*order);
        *order = NULL;
        return QNTK_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        item[i].name = qntk_category_name(category, i);
        item[i].index = i;
        numbers &= qntk_field_parse(item[i].name, strlen(item[i].name), &item[i].number) == QNTK_FIELD_NUMBER;
    }
    qsort(item, count, sizeof *item, numbers ? compare_numbers : compare_names);
    for (size_t k = 0; k < count; k++)
        (*order)[k] = item[k].index;
    qntk_free(item);
    return QNTK_OK;
}
