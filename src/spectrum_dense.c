/* The dense route: tridiagonalise, solve the tridiagonal problem, transform back. */
#include "spectrum_internal.h"

#include <stdio.h>

static qntk_status check_memory(size_t n, size_t count, bool vectors)
{
    const double square = (double)n * (double)n * sizeof(double),
                 part = (double)n * (double)count * sizeof(double);
    /* the tridiagonalisation checks for itself; later: reflectors, and the vectors of divide and conquer */
    const double bytes = vectors ? 3 * square + 2 * part : 0;
    if (bytes > 0x1p62)
        return qntk_fail(QNTK_TOO_LARGE, "eigenvectors of %zu rows are too large to be stored", n);
    return qntk_memory_check((size_t)bytes, "the eigenvectors of a matrix of this size",
                             "pass --limit or --top");
}

qntk_status qntk_spectrum_dense(size_t n, const double *K, qntk_spectrum_options options, qntk_spectrum *out)
{
    const size_t count = options.top == 0 ? n : options.top;
    qntk_tridiag *t = NULL;
    double *all = NULL;
    qntk_status status = check_memory(n, count, options.vectors);
    if (status == QNTK_OK)
        status = qntk_tridiag_create(n, K, (qntk_tridiag_options){.keep_reflectors = options.vectors}, &t);
    if (status != QNTK_OK)
        goto done;
    all = qntk_alloc(n, sizeof(double));
    out->eval = qntk_alloc(count, sizeof(double));
    out->evec = options.vectors ? qntk_alloc(n * count, sizeof(double)) : NULL;
    if (all == NULL || out->eval == NULL || (options.vectors && out->evec == NULL)) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    out->count = count;
    status = qntk_tridiag_eigen(n, t->diag, t->offdiag, count, all, out->evec);
    if (status == QNTK_OK && options.vectors)
        status = qntk_tridiag_apply(t, false, count, out->evec);
    if (status != QNTK_OK)
        goto done;
    for (size_t k = 0; k < count; k++)
        out->eval[k] = all[k];
    out->norm = n == 0 ? 0 : fmax(fabs(all[0]), fabs(all[n - 1]));
    snprintf(out->route, sizeof out->route, "dense two-stage");
done:
    qntk_free(all);
    qntk_tridiag_destroy(&t);
    return status == QNTK_OK && options.vectors ? qntk_spectrum_residuals(n, K, out) : status;
}
