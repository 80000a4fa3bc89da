/* Which route, and what all of them share. */
#include "spectrum_internal.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

enum {
    SLICE = QNTK_SLICE,
    SMALL = 600,        /* rows below which the dense route takes a few hundredths of a second */
    DENSE_SHARE = 8,    /* more than n/8 eigenvalues: the Krylov space would pass n/4 */
    RESIDUAL_SLICES = 4 /* vectors multiplied at once for their residuals: 128 */
};

/* The routes, by name. */
typedef struct {
    const char *name;
    qntk_status (*compute)(size_t n, const double *K, qntk_spectrum_options options, qntk_spectrum *out);
} route;

static const route routes[] = {{"dense", qntk_spectrum_dense}, {"block", qntk_spectrum_block}};
enum { DENSE, BLOCK, ROUTES };

qntk_spectrum_options qntk_spectrum_defaults(void)
{
    return (qntk_spectrum_options){.tolerance = 1e-10, .dense_fallback = true};
}

void qntk_spectrum_free(qntk_spectrum *spectrum)
{
    qntk_free(spectrum->eval);
    qntk_free(spectrum->evec);
    qntk_free(spectrum->residual);
    *spectrum = (qntk_spectrum){0};
}

/* ||K v_k - l_k v_k|| for up to 128 vectors from `first` on. */
typedef struct {
    size_t n, first, slices;
    double scale;
    const double *V, *Y;
    qntk_spectrum *out;
} residual_block;

static qntk_status residual_of_slice(void *context, size_t index, size_t worker)
{
    (void)worker;
    const residual_block *b = context;
    const size_t offset = index * qntk_padded(b->n) * SLICE, first = b->first + index * SLICE;
    const size_t width = qntk_min(SLICE, b->out->count - first);
    double square[SLICE] = {0};
    for (size_t i = 0; i < b->n; i++)
        for (size_t c = 0; c < width; c++) {
            const size_t at = offset + i * SLICE + c;
            const double r = b->Y[at] - b->scale * b->out->eval[first + c] * b->V[at];
            square[c] += r * r;
        }
    for (size_t c = 0; c < width; c++)
        b->out->residual[first + c] = sqrt(square[c]) / b->scale;
    return QNTK_OK;
}

static void copy_vectors(size_t n, const qntk_spectrum *from, size_t first, size_t slices, double *V)
{
    const size_t padded = qntk_padded(n);
    memset(V, 0, slices * padded * SLICE * sizeof(double));
    for (size_t i = 0; i < n; i++)
        for (size_t c = first; c < qntk_min(first + slices * SLICE, from->count); c++)
            V[((c - first) / SLICE * padded + i) * SLICE + (c - first) % SLICE] =
                from->evec[i * from->count + c];
}

qntk_status qntk_spectrum_residuals(size_t n, const double *K, qntk_spectrum *out)
{
    const size_t count = out->count, size = qntk_padded(n) * SLICE;
    out->residual = qntk_alloc_zero(count, sizeof(double));
    double *V = qntk_alloc(RESIDUAL_SLICES * size, sizeof(double));
    double *Y = qntk_alloc(RESIDUAL_SLICES * size, sizeof(double));
    double *parts = n == 0 ? NULL : qntk_alloc(qntk_product_parts(n, RESIDUAL_SLICES), sizeof(double));
    qntk_status status = QNTK_OK;
    if (out->residual == NULL || V == NULL || Y == NULL || (n > 0 && parts == NULL))
        status = QNTK_FAIL_MEMORY();
    residual_block b = {.n = n, .scale = qntk_scale_for(out->norm), .V = V, .Y = Y, .out = out};
    for (size_t first = 0; first < count && status == QNTK_OK; first += b.slices * SLICE) {
        b.first = first;
        b.slices = qntk_min(RESIDUAL_SLICES, (count - first + SLICE - 1) / SLICE);
        copy_vectors(n, out, first, b.slices, V);
        status = qntk_symmetric_product(n, K, b.scale, b.slices, V, Y, parts);
        if (status == QNTK_OK)
            status = qntk_parallel_for(b.slices, residual_of_slice, &b);
    }
    out->max_residual = 0;
    for (size_t k = 0; k < count && status == QNTK_OK; k++)
        out->max_residual = fmax(out->max_residual, out->residual[k]);
    qntk_free(V);
    qntk_free(Y);
    qntk_free(parts);
    return status;
}

static qntk_status choose(size_t n, const qntk_spectrum_options *options, size_t *chosen)
{
    *chosen = options->top > 0 && n > SMALL && options->top <= n / DENSE_SHARE ? BLOCK : DENSE;
    if (options->route == NULL)
        return QNTK_OK;
    for (*chosen = 0; *chosen < ROUTES; ++*chosen)
        if (strcmp(options->route, routes[*chosen].name) == 0)
            return QNTK_OK;
    return qntk_fail(QNTK_INVALID, "route '%s': expected '%s' or '%s'", options->route, routes[DENSE].name,
                     routes[BLOCK].name);
}

qntk_status qntk_spectrum_compute(size_t n, const double *K, qntk_spectrum_options options,
                                  qntk_spectrum *out)
{
    QNTK_REQUIRE(out != NULL, "out must not be NULL");
    *out = (qntk_spectrum){0};
    QNTK_REQUIRE(n == 0 || K != NULL, "K must not be NULL");
    QNTK_REQUIRE(options.top <= n, "top must be at most the number of rows");
    QNTK_REQUIRE(options.tolerance >= 1e-14 && options.tolerance <= 1e-2,
                 "tolerance must be in 1e-14 .. 1e-2");
    size_t chosen = DENSE;
    qntk_status status = choose(n, &options, &chosen);
    if (status != QNTK_OK)
        return status;
    if (chosen == BLOCK && (n == 0 || options.top == 0))
        return qntk_fail(QNTK_INVALID,
                         "the block route computes leading eigenvalues: top must be at least 1");
    status = routes[chosen].compute(n, K, options, out);
    if (status == QNTK_NOT_CONVERGED && options.route == NULL && options.dense_fallback) {
        char tried[sizeof out->route];
        memcpy(tried, out->route, sizeof tried);
        qntk_spectrum_free(out);
        status = routes[DENSE].compute(n, K, options, out);
        if (status == QNTK_OK)
            snprintf(out->route, sizeof out->route, "dense two-stage after %.40s", tried);
    }
    if (status == QNTK_OK)
        qntk_progress("eigenvalues", 1);
    if (status != QNTK_OK && status != QNTK_NOT_CONVERGED)
        qntk_spectrum_free(out);
    return status;
}
