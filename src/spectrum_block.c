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
#include "spectrum_internal.h"

#include <float.h>
#include <lapacke.h>
#include <stdio.h>
#include <string.h>

enum {
    SLICE = QNTK_SLICE,
    CHAINS = 5,      /* as many start before dense is thought to be cheaper, each but the first from */
    RESTART = 2,     /* slices of random vectors, next to */
    MOST_ACTIVE = 3, /* a slice that is not full */
    ROUNDS = 8,      /* of orthogonalisation before giving up; two are usual */
    SPACE_SHARE = 4  /* largest space: n/4 */
};

typedef struct {
    size_t n, padded, size; /* size: doubles in a slice */
    const double *K;
    double scale;
    size_t top, limit; /* slices the basis may have */
    double tolerance;
    bool patient; /* no other route follows: the whole space is used */
    qntk_rng rng;
    size_t used, active; /* slices in the basis, and in its last block */
    size_t fresh;        /* slices in the last block that did not come from the product before */
    size_t before;       /* slices in the block before the last */
    size_t random;       /* vectors of the basis that started at random */
    size_t products;     /* blocks multiplied */
    double *basis;       /* (limit + MOST_ACTIVE,padded,32) */
    double *image;       /* W: (MOST_ACTIVE,padded,32) */
    double *spare;       /* as W */
    double *H;           /* (ld,ld), ld = 32 limit */
    size_t ld;
    double *C;        /* (32 (limit + MOST_ACTIVE),32 MOST_ACTIVE): coefficients */
    double *gram;     /* W'W before W is orthonormalised, (32 active)^2 */
    double *parts;    /* of products and inner products */
    double *value;    /* Ritz values, descending (ld) */
    double *vector;   /* their vectors (32 used,top) */
    size_t converged; /* leading Ritz pairs within the tolerance */
    double worst;     /* largest residual among the first `top`, over the norm */
    double norm;
} lanczos;

static size_t width_of(const lanczos *z)
{
    return z->active * SLICE;
}

/* Column c of slices X, a random vector of norm about 1; the padding stays zero. */
static void randomise(lanczos *z, double *X, size_t c)
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
static qntk_status orthonormalise(lanczos *z, size_t slices, double *gram, double *smallest)
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
static bool replace_lost(lanczos *z, size_t slices, const double *gram, double least)
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
static qntk_status project(lanczos *z, size_t first, size_t slices)
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
static qntk_status orthogonalise(lanczos *z, size_t slices)
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
static void append(lanczos *z, size_t slices)
{
    memcpy(z->basis + z->used * z->size, z->image, slices * z->size * sizeof(double));
    z->used += slices;
    z->before = z->active;
    z->active = slices;
}

static qntk_status start(lanczos *z)
{
    memset(z->image, 0, MOST_ACTIVE * z->size * sizeof(double));
    for (size_t c = 0; c < SLICE; c++)
        randomise(z, z->image, c);
    qntk_status status = orthogonalise(z, 1);
    if (status == QNTK_OK)
        append(z, 1);
    return status;
}

/* W = K V_last - V C with C = V' K V_last, which is the new block column of H; and W'W. Where V_last came
 * from the product with the block before, K V_last is orthogonal to all earlier blocks: orthogonalise()
 * removes what rounding leaves of them. */
static qntk_status multiply(lanczos *z)
{
    const size_t w = width_of(z), column = (z->used - z->active) * SLICE;
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

/* H = Q T Q'. */
static qntk_status tridiagonalise(const lanczos *z, qntk_tridiag **t)
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

/* Residuals of the wanted Ritz pairs, ||W s_last||^2 = s_last' W'W s_last, from rows s_last (.,w). */
static void judge(lanczos *z, const double *last)
{
    const size_t p = z->used * SLICE, w = width_of(z), count = qntk_min(z->top, p);
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
static qntk_status look(lanczos *z)
{
    const size_t p = z->used * SLICE, w = width_of(z);
    qntk_tridiag *t = NULL;
    double *last = qntk_alloc_zero(p * w, sizeof(double));
    qntk_status status = last == NULL ? QNTK_FAIL_MEMORY() : tridiagonalise(z, &t);
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
static bool copies_may_be_missing(const lanczos *z)
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
static bool plan(const lanczos *z, outlook *o)
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

static void report(const lanczos *z, double first_worst)
{
    const double all = log(z->tolerance) - log(fmax(first_worst, z->tolerance));
    const double now = log(fmax(z->worst, z->tolerance)) - log(fmax(first_worst, z->tolerance));
    if (all < 0)
        qntk_progress("eigenvalues", 0.95 * fmin(fmax(now / all, 0), 1));
}

static qntk_status not_converged(const lanczos *z)
{
    return qntk_fail(QNTK_NOT_CONVERGED, "block Lanczos: %zu of %zu eigenvalues converged in a space of %zu",
                     z->converged, z->top, z->used * SLICE);
}

/* The next block: the orthonormalised image. */
static qntk_status extend(lanczos *z)
{
    const size_t random = z->random;
    qntk_status status = orthogonalise(z, z->active);
    if (status == QNTK_OK)
        append(z, z->active);
    z->fresh = z->random - random;
    return status;
}

/* The first `count` Ritz vectors of the space, into slices X. */
static qntk_status ritz_vectors(lanczos *z, size_t count, double *X)
{
    const size_t slices = (count + SLICE - 1) / SLICE, p = z->used * SLICE, w = slices * SLICE;
    double *s = qntk_alloc(p * count, sizeof(double)), *S = qntk_alloc_zero(p * w, sizeof(double));
    qntk_tridiag *t = NULL;
    qntk_status status = s == NULL || S == NULL ? QNTK_FAIL_MEMORY() : tridiagonalise(z, &t);
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

/* A new basis: the wanted Ritz vectors, and as its last block those that do not fill a slice with random
 * vectors. */
static qntk_status restart(lanczos *z)
{
    const size_t whole = z->top / SLICE, rest = z->top % SLICE, slices = RESTART + (rest > 0 ? 1 : 0);
    double *X = qntk_alloc((whole + 1) * z->size, sizeof(double));
    qntk_status status = X == NULL ? QNTK_FAIL_MEMORY() : ritz_vectors(z, z->top, X);
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

static qntk_status iterate(lanczos *z)
{
    outlook o = {.next = (z->top + SLICE - 1) / SLICE};
    size_t chains = 1, length = 0; /* of the first chain */
    for (;;) {
        qntk_status status = qntk_interrupted() ? qntk_fail(QNTK_INTERRUPTED, "interrupted") : multiply(z);
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
            if (chains++ == CHAINS || z->top + (RESTART + 1) * SLICE > z->ld)
                return not_converged(z);
            status = restart(z);
            o.then = 0;
            o.next = z->used + (length + 1) / 2 * z->active;
        } else
            status = extend(z);
        if (status != QNTK_OK)
            return status;
    }
}

/* The first `count` Ritz pairs, in the terms of the unscaled matrix, as far as their residuals are what they
 * should be. */
static qntk_status deliver(lanczos *z, size_t count, bool vectors, qntk_spectrum *out)
{
    double *X = qntk_alloc((count / SLICE + 1) * z->size, sizeof(double));
    out->eval = qntk_alloc(count, sizeof(double));
    out->evec = qntk_alloc(z->n * count, sizeof(double));
    qntk_status status = X == NULL || out->eval == NULL || out->evec == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    if (status == QNTK_OK)
        status = ritz_vectors(z, count, X);
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

static qntk_status allocate(lanczos *z)
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

static void release(lanczos *z)
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

qntk_status qntk_spectrum_block(size_t n, const double *K, qntk_spectrum_options options, qntk_spectrum *out)
{
    double largest = 0;
    qntk_status status = qntk_matrix_scan(n, K, &largest);
    if (status != QNTK_OK)
        return status;
    const size_t space = options.space == 0 ? n / SPACE_SHARE : qntk_min(options.space, n);
    lanczos z = {.n = n,
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
    status = allocate(&z);
    if (status == QNTK_OK)
        status = start(&z);
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
    release(&z);
    return status;
}
