/* What the two routes of kernel ridge regression share. */
#ifndef QNTK_RIDGE_INTERNAL_H
#define QNTK_RIDGE_INTERNAL_H

#include "tridiag_internal.h"

/* The job of a route: fill alpha (n,count,m) and, for each ridge, fit.rcond, fit.trace (detail TRACE) and
 * diag (LEAVE_ONE_OUT). */
typedef struct {
    size_t n, m, count;
    const double *K, *Y;
    double scale; /* a power of two: the routes work on scale*K and scale*ridge */
    qntk_ridge_detail detail;
    qntk_ridge_fit *fit; /* (count), with fit.ridge set */
    double *alpha;       /* (n,count,m) */
    double *diag;        /* (count,n): of (scale (K + ridge I))^-1; NULL unless LEAVE_ONE_OUT */
} qntk_ridge_job;

qntk_status qntk_ridge_by_band(const qntk_ridge_job *job);
qntk_status qntk_ridge_by_cholesky(const qntk_ridge_job *job);

/* Below this reciprocal condition a matrix of n rows cannot be told from a singular one. */
double qntk_ridge_singular(size_t n);

/* QNTK_SINGULAR for ridge `r` of the job: column (from 0) of the factor has this pivot; or with its rcond.
 * The pivot and the norm are those of the scaled matrix. */
qntk_status qntk_ridge_not_definite(const qntk_ridge_job *job, size_t r, size_t column, double pivot,
                                    double norm);
qntk_status qntk_ridge_too_singular(const qntk_ridge_job *job, size_t r);

/* ---- banded factors, for each instruction set (ridge_simd.c) ---- */

enum {
    QNTK_RIDGE_MARGIN = QNTK_BAND,  /* rows of zeros before and after a slice, columns of zeros before L */
    QNTK_RIDGE_LEAD = QNTK_BAND + 8 /* from one column of L to the next: 33 entries in whole cache lines */
};

/* L, a lower band matrix of half-width 32: L(i,j) at L[j*QNTK_RIDGE_LEAD + i-j], i-j = 0 .. 32, and
 * 1/L(j,j) at i-j = 33. Slices X, Z (n,32). `L`, `X` and `Z` point at row or column 0; QNTK_RIDGE_MARGIN rows
 * before and after it hold zeros. */
typedef struct {
    const char *name;

    /* L L' = A, in place: A in the layout of L, its last columns zero below row n-1. Returns the first column
     * whose pivot is not positive, or n. */
    size_t (*factor)(size_t n, double *L, double *pivot);

    /* Z = L^-1 X; Z may be X. squares (32), unless NULL: the sums of squares of the columns of Z. */
    void (*forward)(size_t n, const double *L, const double *X, double *Z, double *squares);

    /* Z <- L^-T Z. */
    void (*backward)(size_t n, const double *L, double *Z);
} qntk_ridge_ops;

/* tr G, G = (L L')^-1. */
double qntk_ridge_inverse_trace(size_t n, const double *L);

/* All that this machine can run, best first, ended by NULL. */
const qntk_ridge_ops *const *qntk_ridge_ops_all(void);

#endif
