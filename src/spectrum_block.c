/* The block route: Lanczos with blocks of 32 vectors and full orthogonalisation.
 *
 * The basis V is orthonormal, and H = V'KV is formed from the very products that extend it, so that the
 * Rayleigh-Ritz values are those of the space whatever made its blocks. With W = K V_last - V V' K V_last the
 * part of the last product outside the space, a Ritz pair (l, V s) has the residual ||W s_last||.
 *
 * A chain from 32 random vectors holds 32 copies of an eigenvalue of higher multiplicity (more come in
 * through rounding, but late). If that many equal ones are found above the last value wanted, the chain ends,
 * its Ritz vectors are kept, and a second one starts from new random vectors orthogonal to them, half as
 * long: much more than it takes for a value that is missing to show up, which then keeps it going until that
 * has converged too. */
#include "lanczos.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

enum {
    SLICE = QNTK_SLICE,
    CHAINS = 5,     /* as many start before the dense route is thought to be cheaper */
    SPACE_SHARE = 4 /* largest space: n/4 */
};

/* Residuals of the wanted Ritz pairs, ||W s_last||^2 = s_last' W'W s_last, from rows s_last (.,w). */
static void judge(qntk_lanczos *z, const double *last)
{
    const size_t p = z->used * SLICE, w = qntk_lanczos_width(z), count = qntk_min(z->top, p);
    z->norm = fmax(fabs(z->value[0]), fabs(z->value[p - 1]));
    z->converged = 0;
    z->worst = 0;
    for (size_t k = 0; k < count; k++, last += w) {
        double square = 0;
        for (size_t i = 0; i < w; i++)
            for (size_t j = 0; j < w; j++)
                square += last[i] * z->gram[i * w + j] * last[j];
        const double residual = sqrt(fmax(square, 0));
        if (residual <= 0.5 * z->tolerance * z->norm && z->converged == k)
            z->converged++;
        z->worst = fmax(z->worst, z->norm > 0 ? residual / z->norm : 0);
    }
}

/* Ritz values of the space, and how many leading ones are within the tolerance. Of the vectors only the part
 * on the last block is computed. */
static qntk_status look(qntk_lanczos *z)
{
    const size_t p = z->used * SLICE, w = qntk_lanczos_width(z);
    qntk_tridiag *t = NULL;
    double *last = qntk_alloc_zero(p * w, sizeof(double));
    qntk_status status = last == NULL ? QNTK_FAIL_MEMORY() : qntk_lanczos_tridiagonalise(z, &t);
    for (size_t j = 0; j < w && status == QNTK_OK; j++)
        last[(p - w + j) * w + j] = 1;
    if (status == QNTK_OK)
        status = qntk_tridiag_apply(t, true, w, last);
    if (status == QNTK_OK)
        status = qntk_tridiag_eigen_rows(p, t->diag, t->offdiag, w, z->value, last);
    if (status == QNTK_OK)
        judge(z, last);
    qntk_tridiag_destroy(&t);
    qntk_free(last);
    return status;
}

/* As many equal values as there were random vectors, and more values wanted after them: copies may be
 * missing. Values below the tolerance count as zero; what is missing of them does not matter. */
static bool copies_may_be_missing(const qntk_lanczos *z)
{
    const double equal = 10 * z->tolerance * z->norm;
    size_t first = 0;
    for (size_t last = 0; last + 1 < z->top && fabs(z->value[last]) > equal; last++) {
        while (z->value[first] - z->value[last] > equal)
            first++;
        if (last - first + 1 >= z->random)
            return true;
    }
    return false;
}

/* What the looks so far tell. */
typedef struct {
    size_t then, next;  /* slices of the space at the last look, and at the next */
    double worst;       /* residual then */
    double first_worst; /* at the first look */
} outlook;

/* Plans the next look: half way to where the worst residual will be small enough at its present rate, but not
 * before the products cost as much as the look (about 4 p^3 operations), and the space is not to grow by more
 * than a quarter. False if the rate is hopeless: the limit would be passed far. */
static bool plan(const qntk_lanczos *z, outlook *o)
{
    const double p = (double)(z->used * SLICE), rows = (double)z->n;
    const double least = ceil(4 * p * p * p / (2 * rows * rows * SLICE)), most = ceil((double)z->used / 4);
    const double left = log(fmax(z->worst, DBL_MIN)) - log(0.5 * z->tolerance);
    double slices = most;
    bool hope = true;
    if (o->then > 0 && left > 0) {
        const double rate =
            (log(o->worst) - log(z->worst)) / (double)(z->used - o->then); /* it tends to grow */
        slices = rate > 0 ? left / rate : INFINITY;
        hope = 2 * z->used < z->limit || slices <= 3 * (double)(z->limit - z->used);
        slices /= 2;
    }
    o->then = z->used;
    o->worst = z->worst;
    o->first_worst = o->first_worst == 0 ? z->worst : o->first_worst;
    o->next = z->used + (size_t)fmin(fmax(fmax(least, 1), slices), most);
    return hope;
}

static void report(const qntk_lanczos *z, double first_worst)
{
    const double all = log(z->tolerance) - log(fmax(first_worst, z->tolerance));
    const double now = log(fmax(z->worst, z->tolerance)) - log(fmax(first_worst, z->tolerance));
    if (all < 0)
        qntk_progress("eigenvalues", 0.95 * fmin(fmax(now / all, 0), 1));
}

static qntk_status not_converged(const qntk_lanczos *z)
{
    return qntk_fail(QNTK_NOT_CONVERGED, "block Lanczos: %zu of %zu eigenvalues converged in a space of %zu",
                     z->converged, z->top, z->used * SLICE);
}

static qntk_status iterate(qntk_lanczos *z)
{
    outlook o = {.next = (z->top + SLICE - 1) / SLICE};
    size_t chains = 1, length = 0; /* of the first chain */
    for (;;) {
        qntk_status status =
            qntk_interrupted() ? qntk_fail(QNTK_INTERRUPTED, "interrupted") : qntk_lanczos_multiply(z);
        if (status != QNTK_OK)
            return status;
        const bool last = z->used + z->active > z->limit;
        bool again = false;
        if (z->used >= o.next || last) {
            status = look(z);
            if (status != QNTK_OK)
                return status;
            const bool hope = plan(z, &o);
            report(z, o.first_worst);
            again = z->converged == z->top && copies_may_be_missing(z);
            if (z->converged == z->top && !again)
                return QNTK_OK;
            if (!again && (last || (!hope && !z->patient)))
                return not_converged(z);
        }
        if (again) {
            length = length == 0 ? z->products : length;
            if (chains++ == CHAINS || z->top + (QNTK_RESTART + 1) * SLICE > z->ld)
                return not_converged(z);
            status = qntk_lanczos_restart(z);
            o.then = 0;
            o.next = z->used + (length + 1) / 2 * z->active;
        } else
            status = qntk_lanczos_extend(z);
        if (status != QNTK_OK)
            return status;
    }
}

/* The first `count` Ritz pairs, in the terms of the unscaled matrix, as far as their residuals are what they
 * should be. */
static qntk_status deliver(qntk_lanczos *z, size_t count, bool vectors, qntk_spectrum *out)
{
    double *X = qntk_alloc((count / SLICE + 1) * z->size, sizeof(double));
    out->eval = qntk_alloc(count, sizeof(double));
    out->evec = qntk_alloc(z->n * count, sizeof(double));
    qntk_status status = X == NULL || out->eval == NULL || out->evec == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    if (status == QNTK_OK)
        status = qntk_lanczos_vectors(z, count, X);
    if (status != QNTK_OK)
        goto done;
    for (size_t i = 0; i < z->n; i++)
        for (size_t k = 0; k < count; k++)
            out->evec[i * count + k] = X[k / SLICE * z->size + i * SLICE + k % SLICE];
    out->count = count;
    out->norm = z->norm / z->scale;
    for (size_t k = 0; k < count; k++)
        out->eval[k] = z->value[k] / z->scale;
    if (!(out->norm <= DBL_MAX))
        status = qntk_fail(QNTK_NOT_FINITE,
                           "the norm of the matrix exceeds the largest double: expected at most %g", DBL_MAX);
    if (status == QNTK_OK)
        status = qntk_spectrum_residuals(z->n, z->K, out);
    for (z->converged = 0; status == QNTK_OK && z->converged < count; z->converged++)
        if (!(out->residual[z->converged] <= z->tolerance * out->norm))
            break;
    if (!vectors) {
        qntk_free(out->evec);
        out->evec = NULL;
    }
done:
    qntk_free(X);
    return status;
}

/* Keeps the first `count` pairs. */
static void shorten(size_t n, size_t count, qntk_spectrum *out)
{
    for (size_t i = 0; i < n && out->evec != NULL; i++)
        memmove(out->evec + i * count, out->evec + i * out->count, count * sizeof(double));
    out->count = count;
    out->max_residual = 0;
    for (size_t k = 0; k < count; k++)
        out->max_residual = fmax(out->max_residual, out->residual[k]);
}

qntk_status qntk_spectrum_block(size_t n, const double *K, qntk_spectrum_options options, qntk_spectrum *out)
{
    double largest = 0;
    qntk_status status = qntk_matrix_scan(n, K, &largest);
    if (status != QNTK_OK)
        return status;
    const size_t space = options.space == 0 ? n / SPACE_SHARE : qntk_min(options.space, n);
    qntk_lanczos z = {.n = n,
                      .padded = qntk_padded(n),
                      .size = qntk_padded(n) * SLICE,
                      .K = K,
                      .scale = qntk_scale_for(largest),
                      .top = options.top,
                      .limit = space / SLICE,
                      .tolerance = options.tolerance,
                      .patient = options.route != NULL || !options.dense_fallback,
                      .rng = qntk_rng_create(options.seed, 0)};
    z.ld = z.limit * SLICE;
    snprintf(out->route, sizeof out->route, "block Lanczos (space %zu)", space);
    if (z.ld < options.top)
        return qntk_fail(QNTK_NOT_CONVERGED, "block Lanczos: a space of %zu cannot hold %zu eigenvectors",
                         space, options.top);
    status = qntk_lanczos_allocate(&z);
    if (status == QNTK_OK)
        status = qntk_lanczos_start(&z);
    if (status == QNTK_OK)
        status = iterate(&z);
    if (status == QNTK_OK || status == QNTK_NOT_CONVERGED) {
        snprintf(out->route, sizeof out->route, "block Lanczos (space %zu, %zu products)", z.used * SLICE,
                 z.products);
        const size_t count = z.converged;
        qntk_status delivered = deliver(&z, count, options.vectors, out);
        if (delivered == QNTK_OK && z.converged < count) {
            shorten(n, z.converged, out);
            delivered = not_converged(&z);
        }
        status = delivered == QNTK_OK ? status : delivered;
    }
    qntk_lanczos_release(&z);
    return status;
}
