/* See lanczos.h. */
#include "lanczos.h"

#include <float.h>
#include <lapacke.h>
#include <string.h>

enum {
    SLICE = QNTK_SLICE,
    MOST_ACTIVE = QNTK_MOST_ACTIVE,
    ROUNDS = 8 /* of orthogonalisation before giving up; two are usual */
};

qntk_status qntk_lanczos_allocate(qntk_lanczos *z)
{
    const size_t slices = z->limit + MOST_ACTIVE;
    const size_t parts =
        qntk_max(qntk_product_parts(z->n, MOST_ACTIVE), qntk_inner_parts(slices, MOST_ACTIVE));
    const double words = (double)slices * (double)z->size + (double)parts + 3 * (double)z->ld * (double)z->ld;
    if (words > 0x1p58)
        return qntk_fail(QNTK_TOO_LARGE, "a Krylov space for %zu rows is too large to be stored", z->n);
    qntk_status status = qntk_memory_check((size_t)words * sizeof(double), "the Krylov space of this matrix",
                                           "pass --limit or a smaller --top");
    if (status != QNTK_OK)
        return status;
    z->basis = qntk_alloc(slices * z->size, sizeof(double));
    z->image = qntk_alloc(MOST_ACTIVE * z->size, sizeof(double));
    z->spare = qntk_alloc(MOST_ACTIVE * z->size, sizeof(double));
    z->H = qntk_alloc(z->ld * z->ld, sizeof(double));
    z->C = qntk_alloc(slices * SLICE * MOST_ACTIVE * SLICE, sizeof(double));
    z->gram = qntk_alloc(MOST_ACTIVE * SLICE * MOST_ACTIVE * SLICE, sizeof(double));
    z->parts = qntk_alloc(parts, sizeof(double));
    z->value = qntk_alloc(z->ld, sizeof(double));
    return z->basis == NULL || z->image == NULL || z->spare == NULL || z->H == NULL || z->C == NULL ||
                   z->gram == NULL || z->parts == NULL || z->value == NULL
               ? QNTK_FAIL_MEMORY()
               : QNTK_OK;
}

void qntk_lanczos_release(qntk_lanczos *z)
{
    qntk_free(z->basis);
    qntk_free(z->image);
    qntk_free(z->spare);
    qntk_free(z->H);
    qntk_free(z->C);
    qntk_free(z->gram);
    qntk_free(z->parts);
    qntk_free(z->value);
}

/* Column c of slices X, a random vector of norm about 1; the padding stays zero. */
static void randomise(qntk_lanczos *z, double *X, size_t c)
{
    double *at = X + c / SLICE * z->size + c % SLICE;
    const double factor = 1 / sqrt((double)z->n);
    for (size_t i = 0; i < z->n; i++)
        at[i * SLICE] = factor * qntk_rng_normal(&z->rng);
    z->random++;
}

/* G = U diag(l) U' after scaling G to a unit diagonal; `factor` (w,w) becomes D^-1/2 U diag(l)^-1/2. */
typedef struct {
    size_t w;
    const double *gram;
    double *factor;
    double smallest; /* eigenvalue of the scaled matrix */
} orthonormal;

static qntk_status orthonormal_factor(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    orthonormal *o = context;
    const size_t w = o->w;
    double norm[MOST_ACTIVE * SLICE], l[MOST_ACTIVE * SLICE];
    for (size_t i = 0; i < w; i++)
        norm[i] = sqrt(o->gram[i * w + i]);
    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j < w; j++)
            o->factor[i * w + j] = o->gram[i * w + j] / (norm[i] * norm[j]);
    double *U = o->factor;
    if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'L', (int)w, U, (int)w, l) != 0)
        return qntk_fail(QNTK_NOT_CONVERGED, "eigenvalues of a %zu x %zu Gram matrix did not converge", w, w);
    o->smallest = l[0];
    for (size_t j = 0; j < w; j++) {
        const double least = (double)w * DBL_EPSILON * l[w - 1]; /* what rounding leaves of zero */
        const double inverse = 1 / sqrt(fmax(l[j], least));
        for (size_t i = 0; i < w; i++)
            U[i * w + j] *= inverse / norm[i];
    }
    return QNTK_OK;
}

/* W <- W D^-1/2 U l^-1/2; *smallest tells how far W was from orthonormal. */
static qntk_status orthonormalise(qntk_lanczos *z, size_t slices, double *gram, double *smallest)
{
    const size_t w = slices * SLICE;
    orthonormal o = {.w = w, .gram = gram, .factor = qntk_alloc(w * w, sizeof(double))};
    if (o.factor == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = qntk_serially(orthonormal_factor, &o);
    *smallest = o.smallest;
    if (status == QNTK_OK) {
        memset(z->spare, 0, slices * z->size * sizeof(double));
        status = qntk_slices_update(z->padded, slices, z->image, slices, z->spare, 1, o.factor, w);
    }
    if (status == QNTK_OK) {
        double *swap = z->image;
        z->image = z->spare;
        z->spare = swap;
    }
    qntk_free(o.factor);
    return status;
}

/* Vectors of the image whose square norm is at most `least` give way to random ones; true if there were any.
 */
static bool replace_lost(qntk_lanczos *z, size_t slices, const double *gram, double least)
{
    const size_t w = slices * SLICE;
    bool any = false;
    for (size_t c = 0; c < w; c++)
        if (!(gram[c * w + c] > least)) {
            randomise(z, z->image, c);
            any = true;
        }
    return any;
}

/* C = V'W, W <- W - V C over the slices of the basis from `first` on. */
static qntk_status project(qntk_lanczos *z, size_t first, size_t slices)
{
    const size_t count = z->used - first, ldc = slices * SLICE;
    const double *V = z->basis + first * z->size;
    if (count == 0)
        return QNTK_OK;
    qntk_status status = qntk_slices_inner(z->padded, count, V, slices, z->image, z->C, ldc, z->parts);
    return status == QNTK_OK ? qntk_slices_update(z->padded, count, V, slices, z->image, -1, z->C, ldc)
                             : status;
}

/* The image, with `slices` slices, becomes orthonormal and orthogonal to the basis. Rounds of projection and
 * normalisation are repeated until a round finds nothing left to do: one that starts from unit vectors loses
 * none. */
static qntk_status orthogonalise(qntk_lanczos *z, size_t slices)
{
    const size_t w = slices * SLICE;
    const double lost = 1e-13; /* of the norm: rounding of the product */
    double *gram = qntk_alloc(w * w, sizeof(double)), smallest = 0;
    qntk_status status = gram == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    bool done = false;
    for (size_t round = 0; round < ROUNDS && status == QNTK_OK && !done; round++) {
        if (round > 0)
            status = project(z, 0, slices);
        if (status == QNTK_OK)
            status = qntk_slices_inner(z->padded, slices, z->image, slices, z->image, gram, w, z->parts);
        if (status != QNTK_OK)
            break;
        const double least = round == 0 ? lost * z->norm * lost * z->norm : 1e-8; /* then they had norm 1 */
        if (replace_lost(z, slices, gram, least))
            continue;
        status = orthonormalise(z, slices, gram, &smallest);
        done = round > 0 && smallest > 0.5;
    }
    qntk_free(gram);
    if (status == QNTK_OK && !done)
        status = qntk_fail(QNTK_NOT_CONVERGED, "no %zu vectors orthogonal to %zu others were found", w,
                           z->used * SLICE);
    return status;
}

/* The orthonormal image becomes the last block of the basis. */
static void append(qntk_lanczos *z, size_t slices)
{
    memcpy(z->basis + z->used * z->size, z->image, slices * z->size * sizeof(double));
    z->used += slices;
    z->before = z->active;
    z->active = slices;
}

qntk_status qntk_lanczos_start(qntk_lanczos *z)
{
    memset(z->image, 0, MOST_ACTIVE * z->size * sizeof(double));
    for (size_t c = 0; c < SLICE; c++)
        randomise(z, z->image, c);
    qntk_status status = orthogonalise(z, 1);
    if (status == QNTK_OK)
        append(z, 1);
    return status;
}

/* Where V_last came from the product with the block before, K V_last is orthogonal to all earlier blocks:
 * orthogonalise() removes what rounding leaves of them. */
qntk_status qntk_lanczos_multiply(qntk_lanczos *z)
{
    const size_t w = qntk_lanczos_width(z), column = (z->used - z->active) * SLICE;
    const size_t first = z->fresh > 0 ? 0 : z->used - z->active - z->before;
    qntk_status status = qntk_symmetric_product(
        z->n, z->K, z->scale, z->active, z->basis + (z->used - z->active) * z->size, z->image, z->parts);
    if (status == QNTK_OK)
        status = project(z, first, z->active);
    if (status == QNTK_OK)
        status = qntk_slices_inner(z->padded, z->active, z->image, z->active, z->image, z->gram, w, z->parts);
    if (status != QNTK_OK)
        return status;
    z->products++;
    for (size_t j = 0; j < w; j++) {
        double square = z->gram[j * w + j]; /* ||K v||^2 */
        for (size_t i = 0; i < z->used * SLICE; i++) {
            const double c = i < first * SLICE ? 0 : z->C[(i - first * SLICE) * w + j];
            z->H[i * z->ld + column + j] = z->H[(column + j) * z->ld + i] = c;
            square += c * c;
        }
        z->norm = fmax(z->norm, sqrt(square));
    }
    return QNTK_OK;
}

qntk_status qntk_lanczos_tridiagonalise(const qntk_lanczos *z, qntk_tridiag **t)
{
    const size_t p = z->used * SLICE;
    double *H = qntk_alloc(p * p, sizeof(double));
    if (H == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < p; i++)
        memcpy(H + i * p, z->H + i * z->ld, p * sizeof(double));
    qntk_status status = qntk_tridiag_create(p, H, (qntk_tridiag_options){.keep_reflectors = true}, t);
    qntk_free(H);
    return status;
}

qntk_status qntk_lanczos_extend(qntk_lanczos *z)
{
    const size_t random = z->random;
    qntk_status status = orthogonalise(z, z->active);
    if (status == QNTK_OK)
        append(z, z->active);
    z->fresh = z->random - random;
    return status;
}

qntk_status qntk_lanczos_vectors(qntk_lanczos *z, size_t count, double *X)
{
    const size_t slices = (count + SLICE - 1) / SLICE, p = z->used * SLICE, w = slices * SLICE;
    double *s = qntk_alloc(p * count, sizeof(double)), *S = qntk_alloc_zero(p * w, sizeof(double));
    qntk_tridiag *t = NULL;
    qntk_status status = s == NULL || S == NULL ? QNTK_FAIL_MEMORY() : qntk_lanczos_tridiagonalise(z, &t);
    if (status == QNTK_OK)
        status = qntk_tridiag_eigen(p, t->diag, t->offdiag, count, z->value, s);
    if (status == QNTK_OK)
        status = qntk_tridiag_apply(t, false, count, s);
    for (size_t i = 0; i < p && status == QNTK_OK; i++)
        memcpy(S + i * w, s + i * count, count * sizeof(double));
    memset(X, 0, slices * z->size * sizeof(double));
    if (status == QNTK_OK)
        status = qntk_slices_update(z->padded, z->used, z->basis, slices, X, 1, S, w);
    qntk_tridiag_destroy(&t);
    qntk_free(s);
    qntk_free(S);
    return status;
}

qntk_status qntk_lanczos_restart(qntk_lanczos *z)
{
    const size_t whole = z->top / SLICE, rest = z->top % SLICE, slices = QNTK_RESTART + (rest > 0 ? 1 : 0);
    double *X = qntk_alloc((whole + 1) * z->size, sizeof(double));
    qntk_status status = X == NULL ? QNTK_FAIL_MEMORY() : qntk_lanczos_vectors(z, z->top, X);
    if (status == QNTK_OK) {
        memcpy(z->basis, X, whole * z->size * sizeof(double));
        memset(z->image, 0, slices * z->size * sizeof(double));
        if (rest > 0)
            memcpy(z->image, X + whole * z->size, z->size * sizeof(double));
        for (size_t c = rest; c < slices * SLICE; c++)
            randomise(z, z->image, c);
        z->used = whole;
        memset(z->H, 0, z->ld * z->ld * sizeof(double));
        for (size_t k = 0; k < whole * SLICE; k++)
            z->H[k * z->ld + k] = z->value[k];
        status = orthogonalise(z, slices);
    }
    if (status == QNTK_OK) {
        append(z, slices);
        z->fresh = slices;
    }
    qntk_free(X);
    return status;
}
