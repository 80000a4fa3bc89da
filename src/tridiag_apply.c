/* Q B and Q' B from the reflectors of both stages.
 *
 * Columns go through in slices of 32, copied so that a row of the slice is four cache lines. Q = Q1 Q2, with
 *     Q1 = product over panels p of (I - V_p T_p V_p'),
 *     Q2 = product over groups of sweeps, within a group over k descending, of the reflectors k of its
 * sweeps. The second is the order of the chase up to exchanging reflectors that share no row. */
#include "tridiag_internal.h"

#include <string.h>

enum {
    BAND = QNTK_BAND,
    SQUARE = BAND * BAND,
    MANY = 16,   /* slices from which on that pays: several for each thread remain */
    CHUNK = 256, /* rows of V in the cache while the slices pass: 64 KiB */
    TOGETHER = 8 /* groups of sweeps that pass over the slice together */
};

typedef struct {
    const qntk_tridiag *tridiag;
    const qntk_kernels *kernels;
    bool transpose;
    size_t m;
    double *B;
    size_t rows;     /* of a slice: n padded, and room for the reflectors that end below row n */
    size_t together; /* slices per item */
    double *slice;   /* (workers,together,rows,32) */
} application;

/* X <- (I - V T V') X, or with T'. */
void qntk_band_apply_panel(const qntk_band_reflectors *band, size_t n, size_t p, bool transpose,
                           size_t slices, size_t step, double *X)
{
    const qntk_kernels *kernels = qntk_kernels_best();
    const size_t first = (p + 1) * BAND, rows = qntk_padded(n) - first;
    const double *V = band->V[p], *T = band->T + p * SQUARE;
    double S[QNTK_SLICES][SQUARE], TS[QNTK_SLICES][SQUARE];
    memset(S, 0, sizeof S);
    memset(TS, 0, sizeof TS);
    for (size_t row = 0; row < rows; row += CHUNK)
        for (size_t s = 0; s < slices; s++)
            kernels->multiply(BAND, qntk_min(CHUNK, rows - row), V + row * BAND, 1, BAND,
                              X + s * step + (first + row) * BAND, BAND, S[s], BAND, NULL, 0);
    for (size_t s = 0; s < slices; s++) {
        for (size_t e = 0; e < SQUARE; e++)
            S[s][e] = -S[s][e];
        kernels->multiply(BAND, BAND, T, transpose ? 1 : BAND, transpose ? BAND : 1, S[s], BAND, TS[s], BAND,
                          NULL, 0);
    }
    for (size_t row = 0; row < rows; row += CHUNK)
        for (size_t s = 0; s < slices; s++)
            kernels->multiply(qntk_min(CHUNK, rows - row), BAND, V + row * BAND, BAND, 1, TS[s], BAND,
                              X + s * step + (first + row) * BAND, BAND, NULL, 0);
}

static void apply_block(const application *a, size_t group, size_t k, double *X)
{
    const qntk_chase_reflectors *chase = &a->tridiag->chase;
    const size_t block = chase->start[group] + k;
    if (block < chase->start[group + 1])
        a->kernels->reflect(QNTK_GROUP, chase->v + block * QNTK_GROUP * BAND, chase->tau + block * QNTK_GROUP,
                            !a->transpose, X + (group * QNTK_GROUP + 1 + k * BAND) * BAND);
}

/* X <- Q2 X or Q2' X for one slice. Block k of one group and block k+1 of a later one share no row, so that
 * several groups advance together while the rows they meet on are in the cache. */
static void apply_chase(const application *a, double *X)
{
    const qntk_chase_reflectors *chase = &a->tridiag->chase;
    const size_t bundles = (chase->groups + TOGETHER - 1) / TOGETHER;
    for (size_t step = 0; step < bundles; step++) {
        const size_t first = (a->transpose ? step : bundles - 1 - step) * TOGETHER;
        const size_t last = qntk_min(first + TOGETHER, chase->groups);
        const size_t blocks = chase->start[first + 1] - chase->start[first];
        for (size_t i = 0; i < blocks; i++)
            for (size_t g = first; g < last; g++) {
                if (a->transpose)
                    apply_block(a, g, blocks - 1 - i, X);
                else
                    apply_block(a, first + last - 1 - g, i, X);
            }
    }
}

/* Copies columns from `column` on into the slice or back. */
static void copy_slice(const application *a, size_t column, double *X, bool back)
{
    const size_t n = a->tridiag->n, width = qntk_min(BAND, a->m - column);
    for (size_t row = 0; row < n; row++) {
        double *outside = a->B + row * a->m + column, *inside = X + row * BAND;
        if (back)
            memcpy(outside, inside, width * sizeof(double));
        else {
            memcpy(inside, outside, width * sizeof(double));
            memset(inside + width, 0, (BAND - width) * sizeof(double));
        }
    }
    if (!back)
        memset(X + n * BAND, 0, (a->rows - n) * BAND * sizeof(double));
}

static bool all_finite(const double *x, size_t count)
{
    double poison = 0; /* 0 * x is NaN exactly for those that are not finite */
    for (size_t i = 0; i < count; i++)
        poison += 0 * x[i];
    return poison == 0;
}

static qntk_status apply_item(void *context, size_t index, size_t worker)
{
    const application *a = context;
    const size_t size = a->rows * BAND, first = index * a->together * BAND;
    const size_t slices = qntk_min(a->together, (a->m - first + BAND - 1) / BAND);
    double *X = a->slice + worker * a->together * size;
    for (size_t s = 0; s < slices; s++) {
        copy_slice(a, first + s * BAND, X + s * size, false);
        if (!all_finite(X + s * size, size))
            return qntk_fail(QNTK_NOT_FINITE, "columns %zu to %zu have entries that are not finite",
                             first + s * BAND, qntk_min(first + (s + 1) * BAND, a->m) - 1);
        if (!a->transpose)
            apply_chase(a, X + s * size);
    }
    const size_t panels = a->tridiag->band.panels;
    for (size_t step = 0; step < panels; step++)
        qntk_band_apply_panel(&a->tridiag->band, a->tridiag->n, a->transpose ? step : panels - 1 - step,
                              a->transpose, slices, size, X);
    for (size_t s = 0; s < slices; s++) {
        if (a->transpose)
            apply_chase(a, X + s * size);
        copy_slice(a, first + s * BAND, X + s * size, true);
    }
    return QNTK_OK;
}

qntk_status qntk_tridiag_apply(const qntk_tridiag *tridiag, bool transpose, size_t m, double *B)
{
    QNTK_REQUIRE(tridiag != NULL, "tridiag must not be NULL");
    QNTK_REQUIRE(tridiag->kept, "the reflectors were not kept");
    QNTK_REQUIRE(m == 0 || tridiag->n == 0 || B != NULL, "B must not be NULL");
    if (m == 0 || tridiag->n == 0)
        return QNTK_OK;
    const size_t slices = (m - 1) / BAND + 1;
    application a = {.tridiag = tridiag,
                     .kernels = qntk_kernels_best(),
                     .transpose = transpose,
                     .m = m,
                     .B = B,
                     .rows = qntk_padded(tridiag->n) + QNTK_TILE,
                     .together = slices < MANY ? 1 : QNTK_SLICES};
    const size_t items = (slices + a.together - 1) / a.together;
    a.slice = qntk_alloc(qntk_loop_workers(items) * a.together * a.rows * BAND, sizeof(double));
    if (a.slice == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = qntk_parallel_for(items, apply_item, &a);
    qntk_free(a.slice);
    return status;
}
