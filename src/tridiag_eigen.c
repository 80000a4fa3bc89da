/* Eigenvalues and eigenvectors of a tridiagonal matrix by divide and conquer (Cuppen 1981; Gu and Eisenstat
 * 1995).
 *
 * T is torn into leaves of at most 32 rows by rank-one changes; two neighbours T1, T2 with eigenvectors Q1,
 * Q2 merge by T = diag(T1, T2) + rho u u' = Q (D + rho z z') Q',  Q = diag(Q1, Q2),  z = Q'u, and u touches
 * only the last row of Q1 and the first of Q2, which is all that eigenvalues alone need: O(n^2). Asked for R
 * Q with a few rows R, or for Q itself, the merges multiply these too. Eigenvectors are kept as rows. */
#include "conquer.h"

#include <lapacke.h>
#include <string.h>

enum {
    LEAF = 32,
    SLICE = QNTK_SLICE,
    SIDE_MERGES = 8 /* from so many merges on, each runs whole in one thread */
};

/* ---- leaves ---- */

typedef struct {
    qntk_conquest *c;
    size_t parts;
} forest;

static size_t boundary(size_t n, size_t part, size_t parts)
{
    return part * n / parts; /* halving the number of parts keeps every other boundary */
}

static qntk_status solve_leaf(void *context, size_t index, size_t worker)
{
    (void)worker;
    const forest *f = context;
    qntk_conquest *c = f->c;
    const size_t begin = boundary(c->n, index, f->parts), m = boundary(c->n, index + 1, f->parts) - begin;
    double Z[LEAF * LEAF], e[LEAF] = {0}, rows[LEAF * SLICE];
    memcpy(e, c->e + begin, (m - 1) * sizeof(double));
    if (LAPACKE_dsteqr(LAPACK_COL_MAJOR, 'I', (int)m, c->d + begin, e, Z, (int)m) != 0)
        return qntk_fail(QNTK_NOT_CONVERGED, "QL iteration on rows %zu to %zu did not converge", begin,
                         begin + m - 1);
    for (size_t j = 0; j < m; j++) {
        c->order[begin + j] = begin + j;
        c->first[begin + j] = Z[j * m];
        c->last[begin + j] = Z[j * m + m - 1];
    }
    if (c->whole)
        for (size_t j = 0; j < m; j++)
            memcpy(c->Q + (begin + j) * c->lead + begin, Z + j * m, m * sizeof(double));
    for (size_t column = 0; !c->whole && column < c->width; column += SLICE) {
        for (size_t j = 0; j < m; j++)
            memcpy(rows + j * SLICE, c->Q + (begin + j) * c->lead + column, SLICE * sizeof(double));
        for (size_t j = 0; j < m; j++)
            for (size_t x = 0; x < SLICE; x++) {
                double sum = 0;
                for (size_t i = 0; i < m; i++)
                    sum += Z[j * m + i] * rows[i * SLICE + x];
                c->Q[(begin + j) * c->lead + column + x] = sum;
            }
    }
    return QNTK_OK;
}

static qntk_status merge_part(void *context, size_t index, size_t worker)
{
    (void)worker;
    const forest *f = context;
    qntk_conquest *c = f->c;
    qntk_merger m = {.c = c,
                     .begin = boundary(c->n, 2 * index, 2 * f->parts),
                     .middle = boundary(c->n, 2 * index + 1, 2 * f->parts),
                     .end = boundary(c->n, 2 * index + 2, 2 * f->parts)};
    for (size_t i = 0; i < WORKS; i++)
        m.work[i] = c->work + i * c->n + m.begin;
    for (size_t i = 0; i < PLACES; i++)
        m.place[i] = c->place + i * c->n + m.begin;
    return qntk_merge(&m);
}

/* Tears, solves the leaves and merges pairs until one part is left. */
static qntk_status conquer(qntk_conquest *c)
{
    size_t parts = 1;
    while ((c->n + parts - 1) / parts > LEAF)
        parts *= 2;
    for (size_t part = 1; part < parts; part++) {
        const size_t cut = boundary(c->n, part, parts);
        c->d[cut - 1] -= fabs(c->e[cut - 1]);
        c->d[cut] -= fabs(c->e[cut - 1]);
    }
    forest f = {.c = c, .parts = parts};
    qntk_status status = qntk_parallel_for(parts, solve_leaf, &f);
    for (f.parts /= 2; f.parts > 0 && status == QNTK_OK; f.parts /= 2) {
        if (f.parts >= SIDE_MERGES)
            status = qntk_parallel_for(f.parts, merge_part, &f);
        for (size_t part = 0; f.parts < SIDE_MERGES && part < f.parts && status == QNTK_OK; part++)
            status = merge_part(&f, part, 0);
    }
    return status;
}

/* ---- interface ---- */

static qntk_status allocate(qntk_conquest *c)
{
    const size_t n = c->n;
    c->d = qntk_alloc(n, sizeof(double));
    c->e = qntk_alloc_zero(n, sizeof(double));
    c->order = qntk_alloc(n, sizeof(size_t));
    c->first = qntk_alloc(n, sizeof(double));
    c->last = qntk_alloc(n, sizeof(double));
    c->work = qntk_alloc(WORKS * n, sizeof(double));
    c->place = qntk_alloc(PLACES * n, sizeof(size_t));
    if (c->d == NULL || c->e == NULL || c->order == NULL || c->first == NULL || c->last == NULL ||
        c->work == NULL || c->place == NULL)
        return QNTK_FAIL_MEMORY();
    if (c->width == 0)
        return QNTK_OK;
    c->Q = qntk_alloc_zero(n * c->lead, sizeof(double));
    c->G = qntk_alloc(n * c->lead, sizeof(double));
    c->S = qntk_alloc(n * c->lead_s, sizeof(double));
    return c->Q == NULL || c->G == NULL || c->S == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
}

static void release(qntk_conquest *c)
{
    qntk_free(c->d);
    qntk_free(c->e);
    qntk_free(c->order);
    qntk_free(c->first);
    qntk_free(c->last);
    qntk_free(c->work);
    qntk_free(c->place);
    qntk_free(c->Q);
    qntk_free(c->G);
    qntk_free(c->S);
}

/* d and e as they are, scaled; returns the scale. */
static double load_matrix(qntk_conquest *c, const double *diag, const double *offdiag)
{
    double largest = 0;
    for (size_t i = 0; i < c->n; i++)
        largest = fmax(largest, fmax(fabs(diag[i]), i + 1 < c->n ? fabs(offdiag[i]) : 0));
    const double scale = qntk_scale_for(largest);
    for (size_t i = 0; i < c->n; i++) {
        c->d[i] = scale * diag[i];
        if (i + 1 < c->n)
            c->e[i] = scale * offdiag[i];
    }
    return scale;
}

static qntk_conquest conquest_of(size_t n, size_t width)
{
    const size_t line = 8; /* one more, so that rows do not all fall on the same places of the cache */
    return (qntk_conquest){.n = n,
                           .width = width,
                           .lead = (width + SLICE - 1) / SLICE * SLICE + line,
                           .lead_s = qntk_padded(n) + line,
                           .kernels = qntk_kernels_best()};
}

typedef struct {
    const qntk_conquest *c;
    size_t count;
    double *evec;
} transposition;

/* Row `index` of evec: entry `index` of the eigenvectors, of the largest eigenvalue first. */
static qntk_status copy_out(void *context, size_t index, size_t worker)
{
    (void)worker;
    const transposition *t = context;
    const qntk_conquest *c = t->c;
    const size_t begin = index * SLICE, end = qntk_min(begin + SLICE, c->n);
    for (size_t k = 0; k < t->count; k++) {
        const double *from = c->Q + c->order[c->n - 1 - k] * c->lead;
        for (size_t i = begin; i < end; i++)
            t->evec[i * t->count + k] = from[i];
    }
    return QNTK_OK;
}

qntk_status qntk_tridiag_eigen(size_t n, const double *diag, const double *offdiag, size_t count,
                               double *eval, double *evec)
{
    if (n == 0)
        return QNTK_OK;
    qntk_conquest c = conquest_of(n, evec != NULL ? qntk_padded(n) : 0);
    c.whole = evec != NULL;
    c.wanted = evec != NULL ? count : 0;
    qntk_status status = allocate(&c);
    if (status == QNTK_OK) {
        const double scale = load_matrix(&c, diag, offdiag);
        status = conquer(&c);
        for (size_t i = 0; i < n && status == QNTK_OK; i++)
            eval[i] = c.d[c.order[n - 1 - i]] / scale;
    }
    if (status == QNTK_OK && evec != NULL) {
        transposition t = {.c = &c, .count = count, .evec = evec};
        status = qntk_parallel_for((n + SLICE - 1) / SLICE, copy_out, &t);
    }
    release(&c);
    return status;
}

qntk_status qntk_tridiag_eigen_rows(size_t n, const double *diag, const double *offdiag, size_t width,
                                    double *eval, double *rows)
{
    QNTK_REQUIRE(width > 0 && width % SLICE == 0, "width must be a multiple of 32");
    qntk_conquest c = conquest_of(n, width);
    c.wanted = n;
    qntk_status status = allocate(&c);
    if (status == QNTK_OK) {
        const double scale = load_matrix(&c, diag, offdiag);
        for (size_t i = 0; i < n; i++)
            memcpy(c.Q + i * c.lead, rows + i * width, width * sizeof(double));
        status = conquer(&c);
        for (size_t i = 0; i < n && status == QNTK_OK; i++) {
            eval[i] = c.d[c.order[n - 1 - i]] / scale;
            memcpy(rows + i * width, c.Q + c.order[n - 1 - i] * c.lead, width * sizeof(double));
        }
    }
    release(&c);
    return status;
}
