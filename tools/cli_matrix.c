/* The matrix of a kernel on data, or from a file. */
#include "cli.h"

#include <math.h>
#include <stdio.h>

/* A matrix from a file: square, symmetric to rounding, of `wanted` rows unless that is 0. */
static qntk_status read_matrix(const char *path, size_t wanted, size_t *n, double **K)
{
    size_t rows, columns;
    qntk_status status = qntk_npy_read_matrix(path, K, &rows, &columns);
    if (status != QNTK_OK)
        return status;
    const double rounding = 1e-6; /* a matrix saved in single precision still passes */
    double largest = 0, difference = 0;
    for (size_t i = 0; i < rows && rows == columns; i++)
        for (size_t j = 0; j <= i; j++) {
            largest = fmax(largest, fabs((*K)[i * rows + j]));
            difference = fmax(difference, fabs((*K)[i * rows + j] - (*K)[j * rows + i]));
        }
    if (rows != columns)
        status =
            cli_message(QNTK_FORMAT, "%s: expected a square matrix, found %zu x %zu", path, rows, columns);
    else if (difference > rounding * largest)
        status = cli_message(QNTK_FORMAT, "%s: expected a symmetric matrix, found entries that differ by %g",
                             path, difference);
    else if (wanted > 0 && wanted != rows)
        status =
            cli_message(QNTK_FORMAT, "%s: expected %zu rows, as the data has, found %zu", path, wanted, rows);
    *n = rows;
    return status;
}

qntk_status cli_kernel_matrix(const cli_common *common, qntk_kernel *kernel, const qntk_dataset *data,
                              size_t median_rows, double share, size_t *n, double **K, char *route)
{
    if (kernel->family == QNTK_FAMILY_FILE) {
        snprintf(route, CLI_ROUTE, "matrix from a file");
        return read_matrix(kernel->spec, data->n, n, K);
    }
    *n = data->n;
    qntk_status status = qntk_kernel_resolve(kernel, median_rows, data->d, data->X, common->seed);
    if (status != QNTK_OK)
        return status;
    const double bytes = (double)*n * (double)*n * sizeof(double) * share;
    status = qntk_memory_check(bytes < 1e18 ? (size_t)bytes : SIZE_MAX,
                               "the kernel matrix and the work on it", "pass --limit N for a random subset");
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
