/* The target: values as they are, or classes and their names. */
#include "dataset_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The different finite values of v (n), ascending, NaN left out: *distinct (*count). */
static qntk_status find_distinct(size_t n, const double *v, double **distinct, size_t *count)
{
    double *sorted = qntk_alloc(n, sizeof *sorted);
    *distinct = sorted;
    *count = 0;
    if (sorted == NULL)
        return QNTK_NO_MEMORY;
    size_t present = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(v[i]))
            sorted[present++] = v[i];
    qsort(sorted, present, sizeof *sorted, compare_doubles);
    for (size_t i = 0; i < present; i++)
        if (*count == 0 || sorted[i] != sorted[*count - 1])
            sorted[(*count)++] = sorted[i];
    return QNTK_OK;
}

/* The rule of QNTK_TASK_AUTO for numbers. */
static bool looks_like_classes(size_t n, const double *distinct, size_t count)
{
    const size_t always = 2, most = 100, rows_each = 3;
    for (size_t k = 0; k < count; k++)
        if (distinct[k] != floor(distinct[k]))
            return false;
    return count <= always || (count <= most && n / rows_each >= count);
}

/* y: numbers to classes, which are the places of the numbers among the different ones. */
static qntk_status classes_of_numbers(size_t n, double *y, const double *distinct, size_t count,
                                      qntk_dataset *dataset)
{
    qntk_strings names = {0};
    qntk_status status = QNTK_OK;
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        char text[32];
        qntk_number_text(distinct[k], text);
        status = qntk_strings_add(&names, text, strlen(text));
    }
    if (status == QNTK_OK) {
        dataset->class_name = qntk_strings_block(&names);
        dataset->classes = count;
        if (dataset->class_name == NULL)
            status = QNTK_NO_MEMORY;
    }
    for (size_t i = 0; i < n && status == QNTK_OK; i++) {
        const double *at =
            isnan(y[i]) ? NULL : bsearch(&y[i], distinct, count, sizeof(double), compare_doubles);
        y[i] = at == NULL ? NAN : (double)(at - distinct);
    }
    qntk_strings_free(&names);
    return status;
}

static qntk_status target_of_numbers(const qntk_raw *raw, const qntk_dataset_options *options, size_t n,
                                     double *y, qntk_dataset *dataset)
{
    if (options->task == QNTK_TASK_REGRESS)
        return QNTK_OK;
    double *distinct;
    size_t count;
    qntk_status status = find_distinct(n, y, &distinct, &count);
    if (status == QNTK_OK && count > 0 &&
        (options->task == QNTK_TASK_CLASSIFY || raw->class_labels || looks_like_classes(n, distinct, count)))
        status = classes_of_numbers(n, y, distinct, count, dataset);
    qntk_free(distinct);
    return status;
}

/* Names and numbers of the categories that occur in y, in order; y renumbered. */
static qntk_status classes_of_categories(size_t n, double *y, const qntk_category *category,
                                         qntk_dataset *dataset)
{
    size_t count = category->strings.count, *order = NULL;
    qntk_strings names = {0};
    double *number = qntk_alloc(count, sizeof *number); /* (count) class of a category; -1: does not occur */
    qntk_status status = number == NULL ? QNTK_NO_MEMORY : qntk_category_order(category, &order);
    if (status != QNTK_OK)
        goto done;
    for (size_t k = 0; k < count; k++)
        number[k] = -1;
    for (size_t i = 0; i < n; i++)
        if (!isnan(y[i]))
            number[(size_t)y[i]] = 0;
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        const char *name = qntk_category_name(category, order[k]);
        if (number[order[k]] < 0)
            continue;
        number[order[k]] = (double)names.count;
        status = qntk_strings_add(&names, name, strlen(name));
    }
    if (status != QNTK_OK)
        goto done;
    dataset->class_name = qntk_strings_block(&names);
    if (dataset->class_name == NULL) {
        status = QNTK_NO_MEMORY;
        goto done;
    }
    dataset->classes = names.count;
    for (size_t i = 0; i < n; i++)
        if (!isnan(y[i]))
            y[i] = number[(size_t)y[i]];
done:
    qntk_strings_free(&names);
    qntk_free(number);
    qntk_free(order);
    return status;
}

/* Regression on a column of texts: only if they are numbers (a nominal attribute {0,1} of an .arff file). */
static qntk_status numbers_of_categories(const qntk_raw *raw, double *y, const qntk_category *category)
{
    for (size_t i = 0; i < raw->n; i++) {
        if (isnan(y[i]))
            continue;
        const char *name = qntk_category_name(category, (size_t)y[i]);
        char place[QNTK_PLACE], column[QNTK_SHOWN + 16], shown[QNTK_SHOWN];
        if (qntk_field_parse(name, strlen(name), &y[i]) != QNTK_FIELD_NUMBER)
            return qntk_fail(QNTK_INVALID, "%s: %s: expected a number for regression, found '%s'",
                             qntk_raw_place(raw, i, place), qntk_raw_column_text(raw, raw->target, column),
                             qntk_shown(name, strlen(name), shown));
    }
    return QNTK_OK;
}

qntk_status qntk_raw_make_target(qntk_raw *raw, const qntk_dataset_options *options, qntk_dataset *dataset)
{
    if (raw->labelled) {
        double *label = raw->label;
        qntk_status status = target_of_numbers(raw, options, raw->label_count, label, dataset);
        if (status == QNTK_OK && raw->pick != NULL)
            for (size_t i = 0; i < raw->n; i++)
                label[i] = label[raw->pick[i]]; /* pick[i] >= i */
        return status;
    }
    if (raw->target == raw->width)
        return QNTK_OK;
    raw->label = qntk_alloc(raw->n, sizeof(double));
    if (raw->label == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < raw->n; i++)
        raw->label[i] = raw->value[i * raw->width + raw->target];
    if (raw->column == NULL || !raw->column[raw->target].categorical)
        return target_of_numbers(raw, options, raw->n, raw->label, dataset);
    const qntk_category *category = &raw->column[raw->target].category;
    return options->task == QNTK_TASK_REGRESS ? numbers_of_categories(raw, raw->label, category)
                                              : classes_of_categories(raw->n, raw->label, category, dataset);
}
