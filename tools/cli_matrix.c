/* The matrix of a kernel on data, or from a file. */
#include "cli.h"

#include <math.h>
#include <stdio.h>

/* Says what is wrong with a matrix of this shape; `data` has no rows if there is no data. */
static qntk_status check_shape(const char *path, size_t rows, size_t columns, const qntk_dataset *data)
{
    if (rows != columns)
        return cli_message(QNTK_FORMAT, "%s: expected a square matrix, found %zu x %zu", path, rows, columns);
    if (data->n > 0 && rows != data->n)
        return cli_message(QNTK_FORMAT, "%s: expected %zu rows, as the data %s has, found %zu", path, data->n,
                           data->name, rows);
    return QNTK_OK;
}

qntk_status cli_matrix_size(const cli_common *common, const qntk_dataset *data, size_t *n)
{
    const cli_kernels *kernels = &common->kernels;
    const char *first = NULL; /* matrix without data: the others must have its size */
    *n = data->n;
    for (size_t i = 0; i < kernels->count; i++) {
        size_t rows, columns;
        const char *path = kernels->kernel[i].spec;
        if (kernels->kernel[i].family != QNTK_FAMILY_FILE)
            continue;
        qntk_status status = qntk_npy_shape(path, &rows, &columns);
        if (status == QNTK_OK)
            status = check_shape(path, rows, columns, data);
        if (status != QNTK_OK)
            return status;
        if (first != NULL && rows != *n)
            return cli_message(QNTK_FORMAT, "%s: expected %zu rows, as %s has, found %zu", path, *n, first,
                               rows);
        *n = rows;
        first = path;
    }
    return QNTK_OK;
}

qntk_status cli_check_memory(size_t n, double share)
{
    const double bytes = (double)n * (double)n * sizeof(double) * share;
    return qntk_memory_check(bytes < 1e18 ? (size_t)bytes : SIZE_MAX, "the kernel matrix and the work on it",
                             "pass --limit N for a random subset");
}

/* Symmetric to rounding; a matrix saved in single precision still passes. */
static qntk_status check_symmetric(const char *path, size_t n, const double *K)
{
    const double rounding = 1e-6;
    double largest = 0, difference = 0;
    size_t row = 0, column = 0; /* of the largest difference */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double lower = K[i * n + j], upper = K[j * n + i];
            largest = fmax(largest, fabs(lower));
            if (fabs(lower - upper) > difference) {
                difference = fabs(lower - upper);
                row = i;
                column = j;
            }
        }
    if (difference <= rounding * largest)
        return QNTK_OK;
    return cli_message(QNTK_FORMAT,
                       "%s: row %zu, column %zu: expected %g, as across the diagonal of a symmetric matrix, "
                       "found %g",
                       path, row, column, K[column * n + row], K[row * n + column]);
}

static qntk_status read_matrix(const char *path, const qntk_dataset *data, double share, size_t *n,
                               double **K)
{
    size_t rows, columns;
    qntk_status status = qntk_npy_shape(path, &rows, &columns);
    if (status == QNTK_OK)
        status = check_shape(path, rows, columns, data);
    if (status == QNTK_OK)
        status = cli_check_memory(rows, share);
    if (status == QNTK_OK)
        status = qntk_npy_read_matrix(path, K, &rows, &columns);
    if (status == QNTK_OK) /* the file may have changed in between */
        status = check_shape(path, rows, columns, data);
    if (status == QNTK_OK)
        status = check_symmetric(path, rows, *K);
    *n = rows;
    return status;
}

qntk_status cli_kernel_matrix(const cli_common *common, qntk_kernel *kernel, const qntk_dataset *data,
                              size_t median_rows, double share, size_t *n, double **K, char *route)
{
    if (kernel->family == QNTK_FAMILY_FILE) {
        snprintf(route, CLI_ROUTE, "matrix from a file");
        return read_matrix(kernel->spec, data, share, n, K);
    }
    *n = data->n;
    qntk_status status = qntk_kernel_resolve(kernel, median_rows, data->d, data->X, common->seed);
    if (status != QNTK_OK)
        return status;
    status = cli_check_memory(*n, share);
    if (status != QNTK_OK)
        return status;
    *K = qntk_alloc(*n * *n, sizeof **K);
    if (*K == NULL)
        return QNTK_NO_MEMORY;
    qntk_gram_options gram_options = qntk_gram_defaults();
    gram_options.precision = (qntk_precision)common->precision;
    qntk_gram *gram;
    status = qntk_gram_create(kernel, data->d, data->n, data->X, 0, NULL, gram_options, &gram);
    if (status == QNTK_OK) {
        snprintf(route, CLI_ROUTE, "%s", qntk_gram_route(gram));
        status = qntk_gram_fill(gram, *K);
    }
    qntk_gram_destroy(&gram);
    return status;
}
