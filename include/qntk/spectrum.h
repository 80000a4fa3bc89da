/* Eigenvalues and eigenvectors of a symmetric matrix: all of them, or the leading ones. */
#ifndef QNTK_SPECTRUM_H
#define QNTK_SPECTRUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t top;          /* 0: all eigenvalues; otherwise the `top` largest */
    bool vectors;        /* false: eigenvalues only */
    double tolerance;    /* 1e-10: bound on ||K v - l v|| / ||K|| for the block route, 1e-14 .. 1e-2 */
    uint64_t seed;       /* 0: of the block route's start vectors */
    const char *route;   /* NULL: chosen; "dense" or "block" */
    size_t space;        /* 0: n/4; largest Krylov space before the block route gives up */
    bool dense_fallback; /* true: then, if the route was chosen, go on with the dense route */
} qntk_spectrum_options;

qntk_spectrum_options qntk_spectrum_defaults(void);

typedef struct {
    size_t count;
    double *eval;     /* (count), descending */
    double *evec;     /* (n,count), row-major, column k belongs to eval[k]; NULL if not asked for */
    double *residual; /* (count), ||K v_k - eval[k] v_k||_2 computed from K; NULL if no vectors were made */
    double max_residual; /* the largest of them, 0 if NULL */
    double norm;         /* ||K||_2: the largest |eigenvalue|; for the block route the largest one seen */
    char route[64];      /* "dense two-stage", "block Lanczos (space 288, 9 products)", .. */
} qntk_spectrum;

/* Eigenvalues of K (n,n), row-major, symmetric: its lower triangle is read, nothing of it is changed.
 *
 * Dense route: two-stage tridiagonalisation (qntk/tridiag.h, 4/3 n^3 operations), divide and conquer on the
 * tridiagonal matrix, back-transformation (4 n^2 operations per vector). Errors of eigenvalues and residuals
 * are small multiples of 2^-53 n^(1/2) ||K||.
 * Block route, for `top` up to n/8 and n above 600: block Lanczos with full orthogonalisation, 32 vectors at
 * a time, 2 n^2 operations per vector of the Krylov space; ends when every residual is within the tolerance.
 * The start block is random: an eigenvalue of multiplicity above 32 is noticed by its 32 equal copies, and
 * more random vectors are brought in until none is missing. Leading means algebraically largest, not largest
 * in absolute value. A Krylov space that passes n/4, or will by its rate of convergence, makes the dense
 * route the cheaper one. All routes give the same bytes for any number of threads; vectors are orthonormal to
 * about 1e-14.
 *
 * Memory beside K: dense n*n*4 bytes, with vectors n*n*24 more at most; block: n * space * 8.
 *
 * QNTK_NOT_CONVERGED: `count` (< top) leading pairs are within the tolerance and are delivered; only if
 * `route` is "block" or dense_fallback is false. QNTK_INVALID: an option outside its domain, top > n.
 * QNTK_NOT_FINITE: K has NaN or infinity, or its norm exceeds the largest double. QNTK_TOO_LARGE,
 * QNTK_NO_MEMORY, QNTK_INTERRUPTED. Progress: "eigenvalues". Sources: Golub and Underwood, "The block Lanczos
 * method", 1977; Cuppen 1981 and Gu and Eisenstat 1995 for divide and conquer; the rest derived here. */
qntk_status qntk_spectrum_compute(size_t n, const double *K, qntk_spectrum_options options,
                                  qntk_spectrum *out);

/* Frees the arrays and empties the struct. */
void qntk_spectrum_free(qntk_spectrum *spectrum);

#ifdef __cplusplus
}
#endif
#endif
