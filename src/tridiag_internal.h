/* What the parts of the two-stage tridiagonalisation share: sizes, vector kernels, stages.
 *
 * Stage 1 (tridiag_band.c, tridiag_panel.c) reduces K to a band of half-width BAND, stage 2
 * (tridiag_chase.c) the band to a tridiagonal matrix. Everything that costs n^3 or n^2 BAND operations goes through the kernels below,
 * which tridiag_simd.c writes once for any vector width and the build compiles for each instruction set. */
#ifndef QNTK_TRIDIAG_INTERNAL_H
#define QNTK_TRIDIAG_INTERNAL_H

#include "internal.h"

#include <math.h>

enum {
    QNTK_BAND = 32,   /* half-width of the band, and width of every panel: four 512-bit vectors */
    QNTK_TILE = 64,   /* side of a tile of the matrix in stage 1: 32 KiB, half in the first cache */
    QNTK_AHEAD = 128, /* doubles `multiply` fetches ahead for every 4 rows */
    QNTK_BAND_LEAD = 2 * QNTK_BAND /* stored entries per column of the band: the chase fills in as many */
};

/* Squared norms below this are treated as zero: after scaling the matrix has norm about 1, so that the
 * entries dropped are below 1e-145 of it. */
#define QNTK_TINY_SQUARE 1e-290

typedef struct {
    const char *name; /* "avx512", "avx2", "baseline" */

    /* C (rows,32) += A (rows,depth) B (depth,32). A(r,k) = A[r*row_step + k*depth_step]; rows a multiple
     * of 4, ldb and ldc in doubles. Sums run over k in ascending order, one fused multiply-add each.
     * Meanwhile pieces of QNTK_AHEAD doubles are fetched into the cache, one for every 4 rows, from `ahead`
     * (or NULL) on, ahead_step apart. */
    void (*multiply)(size_t rows, size_t depth, const double *A, size_t row_step, size_t depth_step,
                     const double *B, size_t ldb, double *C, size_t ldc, const double *ahead,
                     size_t ahead_step);

    /* One column of the Householder panel factorisation, fused with the products the next column needs:
     * P(r,:) -= P(r,column) factor(:), then product(:) += P(r,column+1) P(r,:), for each of `rows` rows of
     * P (rows,32). Entries of factor up to `column` must be zero. column = -1 only forms the products. */
    void (*panel_step)(size_t rows, double *P, ptrdiff_t column, const double *factor, double *product);

    /* D <- H D H, H = I - tau v v', on the lower triangle of D(r,c) = D[r + c*(QNTK_BAND_LEAD-1)]. */
    void (*two_sided)(double *D, const double *v, double tau);

    /* B <- B (I - tau v v'), then a reflector (u, *tau_u), u[0] = 1, that makes the first column of B a
     * multiple of e_1, and B <- (I - tau_u u u') B. Storage as for two_sided. */
    void (*right_left)(double *B, const double *v, double tau, double *u, double *tau_u);

    /* X (.,32), consecutive reflectors i = 0 .. count-1 of the chase, reflector i starting at row i:
     * forward: X <- H_0 H_1 .. H_{count-1} X; backward: X <- H_{count-1} .. H_0 X. v (count,32). */
    void (*reflect)(size_t count, const double *v, const double *tau, bool forward, double *X);

    /* With g_i = (d[i] - origin) - mu, a distance from a pole to a root kept accurate near the origin:
     * sum[0] = sum of z[i]^2 / g_i, sum[1] = sum of z[i]^2 / g_i^2. */
    void (*secular_sum)(size_t count, const double *d, const double *z, double origin, double mu,
                        double *sum);

    /* s[i] = z[i] / g_i; returns the sum of s[i]^2. */
    double (*secular_vector)(size_t count, const double *d, const double *z, double origin, double mu,
                             double *s);

    /* w[i] *= g_i / (d[i] - pole). */
    void (*secular_weight)(size_t count, const double *d, double origin, double mu, double pole, double *w);

    /* dot[0] = a's, dot[1] = b's. */
    void (*two_dots)(size_t count, const double *a, const double *b, const double *s, double *dot);
} qntk_kernels;

/* The best kernels this machine can run; chosen once. */
const qntk_kernels *qntk_kernels_best(void);

/* All kernels this machine can run, best first, ended by NULL. For tests. */
const qntk_kernels *const *qntk_kernels_all(void);

/* Householder reflector of x (32): x <- beta e_1, (I - tau v v') x_old = beta e_1, v[0] = 1. */
static inline void qntk_reflector(double *x, double *v, double *tau)
{
    double square = 0; /* of the part to be annihilated */
    for (int r = 1; r < QNTK_BAND; r++)
        square += x[r] * x[r];
    v[0] = 1;
    if (square < QNTK_TINY_SQUARE) {
        for (int r = 1; r < QNTK_BAND; r++)
            v[r] = x[r] = 0;
        *tau = 0;
        return;
    }
    const double alpha = x[0];
    const double beta = -copysign(sqrt(alpha * alpha + square), alpha);
    const double inverse = 1 / (alpha - beta);
    for (int r = 1; r < QNTK_BAND; r++) {
        v[r] = x[r] * inverse;
        x[r] = 0;
    }
    x[0] = beta;
    *tau = (beta - alpha) / beta;
}

/* Reflectors of stage 1: panel p annihilates below the band in columns 32 p .. 32 p + 31, acts on rows
 * 32 (p+1) .. and is I - V T V' with V[p] (rows,32), T[p] (32,32) upper triangular. */
typedef struct {
    size_t panels;
    double *storage; /* the V[p], one after the other */
    double **V;
    double *T; /* (panels,32,32) */
} qntk_band_reflectors;

/* Reflectors of stage 2: sweep i (column i) has reflectors k = 0, 1, .. on rows i+1+32k .. i+32(k+1). The
 * reflectors k of one group of sweeps stand together, v (group,32) and tau (group). */
typedef struct {
    size_t groups;
    size_t *start; /* (groups+1): first (k) block of each group */
    double *v;     /* (blocks,QNTK_GROUP,32) */
    double *tau;   /* (blocks,QNTK_GROUP) */
} qntk_chase_reflectors;

/* Sweeps chased together by one thread: each block of the band is fetched once for all of them. */
enum { QNTK_GROUP = 8 };

struct qntk_tridiag {
    size_t n;
    bool kept;       /* the reflectors are there */
    double *diag;    /* (n) */
    double *offdiag; /* (n-1), with room for n: LAPACK likes that */
    qntk_band_reflectors band;
    qntk_chase_reflectors chase;
};

/* The largest |entry| of the lower triangle of K (n,n); QNTK_NOT_FINITE, saying where, if one is not finite.
 */
qntk_status qntk_matrix_scan(size_t n, const double *K, double *largest);

/* The power of two that brings a matrix with this largest entry to about 1, as near as doubles allow. */
double qntk_scale_for(double largest);

/* n rounded up to whole tiles. */
static inline size_t qntk_padded(size_t n)
{
    return (n + QNTK_TILE - 1) / QNTK_TILE * QNTK_TILE;
}

/* How a stage reports its progress: under this label, from 0 to its share of the whole. */
typedef struct {
    const char *label; /* NULL: not */
    double share;
} qntk_stage;

/* Stage 1: lower triangle of scale*K (n,n) -> band (qntk_padded(n) + QNTK_TILE columns of
 * QNTK_BAND_LEAD entries, (i,j) at band[j*QNTK_BAND_LEAD + i-j], zero elsewhere). reflectors NULL: not kept.
 */
qntk_status qntk_band_reduce(size_t n, const double *K, double scale, qntk_stage stage, double *band,
                             qntk_band_reflectors *reflectors);
void qntk_band_reflectors_free(qntk_band_reflectors *reflectors);

/* X <- (I - V T V') X, or with T', for panel p and up to QNTK_SLICES slices of 32 columns
 * (qntk_padded(n),32), `step` doubles apart. */
enum { QNTK_SLICES = 4 };
void qntk_band_apply_panel(const qntk_band_reflectors *band, size_t n, size_t p, bool transpose,
                           size_t slices, size_t step, double *X);

/* Stage 2, in place. */
qntk_status qntk_band_chase(size_t n, double *band, qntk_chase_reflectors *reflectors);
void qntk_chase_reflectors_free(qntk_chase_reflectors *reflectors);

#endif
