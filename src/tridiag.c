/* The two stages put together: checks, scaling, and the object that keeps the result. */
#include "tridiag_internal.h"

#include <float.h>

qntk_tridiag_options qntk_tridiag_defaults(void)
{
    return (qntk_tridiag_options){.keep_reflectors = false};
}

/* Largest |K(i,j)| of each row's lower part, infinity where an entry is NaN or infinite. */
typedef struct {
    size_t n;
    const double *K;
    double *largest; /* (n) */
} row_scan;

static qntk_status scan_row(void *context, size_t index, size_t worker)
{
    (void)worker;
    const row_scan *s = context;
    const double *row = s->K + index * s->n;
    double largest = 0, poison = 0; /* 0 * x is NaN exactly for those that are not finite */
    for (size_t j = 0; j <= index; j++) {
        const double size = fabs(row[j]);
        largest = size > largest ? size : largest;
        poison += 0 * row[j];
    }
    s->largest[index] = poison == 0 ? largest : INFINITY;
    return QNTK_OK;
}

static qntk_status not_finite(size_t n, const double *K, size_t row)
{
    size_t column = 0;
    while (column + 1 < n && fabs(K[row * n + column]) <= DBL_MAX)
        column++;
    return qntk_fail(QNTK_NOT_FINITE, "matrix entry (%zu,%zu): expected a finite number, found %g", row,
                     column, K[row * n + column]);
}

qntk_status qntk_matrix_scan(size_t n, const double *K, double *largest)
{
    *largest = 0;
    row_scan scan = {.n = n, .K = K, .largest = qntk_alloc(n, sizeof(double))};
    if (scan.largest == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = qntk_parallel_for(n, scan_row, &scan);
    for (size_t i = 0; i < n && status == QNTK_OK; i++) {
        if (scan.largest[i] > DBL_MAX)
            status = not_finite(n, K, i);
        *largest = fmax(*largest, scan.largest[i]);
    }
    qntk_free(scan.largest);
    return status;
}

double qntk_scale_for(double largest)
{
    const int limit = 1000; /* 2^1000 still leaves room above; subnormal numbers become about 1e-22 */
    int exponent = 0;
    frexp(largest, &exponent);
    exponent = exponent > limit ? limit : exponent < -limit ? -limit : exponent;
    return largest == 0 ? 1 : ldexp(1, -exponent);
}

static qntk_status check_memory(size_t n, bool keep_reflectors)
{
    const double padded = (double)qntk_padded(n), width = QNTK_BAND, word = sizeof(double);
    double bytes = word * padded * (padded / 2 + 12 * width); /* the triangle; panels, strips, partial sums */
    if (keep_reflectors)
        bytes += word * padded * (padded + 2 * width);
    if (bytes > 0x1p62)
        return qntk_fail(QNTK_TOO_LARGE, "a matrix of %zu rows is too large to be stored", n);
    return qntk_memory_check((size_t)bytes, "the eigenvalues of a matrix of this size",
                             "pass --limit or --top");
}

static qntk_status reduce(qntk_tridiag *t, const double *K, double scale)
{
    const size_t n = t->n;
    double *band = qntk_alloc_zero((qntk_padded(n) + QNTK_TILE) * QNTK_BAND_LEAD, sizeof(double));
    if (band == NULL)
        return QNTK_FAIL_MEMORY();
    const qntk_stage stage = {.label = "eigenvalues", .share = 0.8}; /* of their time, about */
    qntk_status status = qntk_band_reduce(n, K, scale, stage, band, t->kept ? &t->band : NULL);
    if (status == QNTK_OK)
        status = qntk_band_chase(n, band, t->kept ? &t->chase : NULL);
    bool finite = true;
    for (size_t i = 0; i < n && status == QNTK_OK; i++) {
        t->diag[i] = band[i * QNTK_BAND_LEAD] / scale;
        finite = finite && fabs(t->diag[i]) <= DBL_MAX;
        if (i + 1 < n) {
            t->offdiag[i] = band[i * QNTK_BAND_LEAD + 1] / scale;
            finite = finite && fabs(t->offdiag[i]) <= DBL_MAX;
        }
    }
    qntk_free(band);
    if (!finite)
        return qntk_fail(QNTK_NOT_FINITE,
                         "the norm of the matrix exceeds the largest double: expected at most %g", DBL_MAX);
    return status;
}

qntk_status qntk_tridiag_create(size_t n, const double *K, qntk_tridiag_options options, qntk_tridiag **out)
{
    QNTK_REQUIRE(out != NULL, "out must not be NULL");
    *out = NULL;
    QNTK_REQUIRE(n == 0 || K != NULL, "K must not be NULL");
    double largest = 0;
    qntk_status status = check_memory(n, options.keep_reflectors);
    if (status == QNTK_OK)
        status = qntk_matrix_scan(n, K, &largest);
    if (status != QNTK_OK)
        return status;
    qntk_tridiag *t = qntk_alloc_zero(1, sizeof *t);
    if (t == NULL)
        return QNTK_FAIL_MEMORY();
    t->n = n;
    t->kept = options.keep_reflectors;
    t->diag = qntk_alloc(n, sizeof(double));
    t->offdiag = qntk_alloc(n, sizeof(double));
    status = t->diag == NULL || t->offdiag == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    if (status == QNTK_OK && n > 0)
        status = reduce(t, K, qntk_scale_for(largest));
    if (status != QNTK_OK)
        qntk_tridiag_destroy(&t);
    *out = t;
    return status;
}

void qntk_tridiag_destroy(qntk_tridiag **tridiag)
{
    qntk_tridiag *t = *tridiag;
    if (t == NULL)
        return;
    qntk_band_reflectors_free(&t->band);
    qntk_chase_reflectors_free(&t->chase);
    qntk_free(t->diag);
    qntk_free(t->offdiag);
    qntk_free(t);
    *tridiag = NULL;
}

size_t qntk_tridiag_size(const qntk_tridiag *tridiag)
{
    return tridiag->n;
}

const double *qntk_tridiag_diag(const qntk_tridiag *tridiag)
{
    return tridiag->diag;
}

const double *qntk_tridiag_offdiag(const qntk_tridiag *tridiag)
{
    return tridiag->offdiag;
}
