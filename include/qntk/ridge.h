/* Kernel ridge regression over a whole path of ridges, with its errors left out one by one. */
#ifndef QNTK_RIDGE_H
#define QNTK_RIDGE_H

#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* (K + ridge I) alpha = Y for every ridge, K (n,n), Y (n,m): f(x) = sum_i K(x,x_i) alpha_i minimises
 * sum_i |y_i - f(x_i)|^2 + ridge |f|^2. The ridge is added to K itself, not to K/n. There is no intercept: as
 * ridge grows, f tends to the prior, zero; centre Y (or use one-hot minus 1/C) to make that the mean.
 *
 * With H = K (K + ridge I)^-1 and G = (K + ridge I)^-1, exactly:
 *     training residual    y_i - f(x_i) = ridge alpha_i
 *     left out             y_i - f_{-i}(x_i) = (y_i - f(x_i)) / (1 - H_ii) = alpha_i / G_ii
 *     KARE                 [ (1/n) Y' (K/n + ridge/n)^-2 Y ] / [ (1/n) tr (K/n + ridge/n)^-1 ]^2
 *                          = n |alpha|^2 / (tr G)^2
 *     GCV                  [ (1/n) |(I - H) Y|^2 ] / [ (1/n) tr (I - H) ]^2: since I - H = ridge G, the same
 *                          number as KARE; KARE's form has a limit at ridge = 0
 * (Allen 1974 for the left-out residual; Golub, Heath, Wahba 1979 for GCV; Jacot et al. 2020, "Kernel
 * Alignment Risk Estimator".) Squares are summed over the m targets.
 *
 * Route "band": K = Q B Q', B of half-width 32, as in stage 1 of the tridiagonalisation (4/3 n^3 operations,
 * once). Everything else is cheap per ridge: B + ridge I = L L' in 32^2 n operations, tr G by the recurrence
 * of the diagonal blocks of G, G_jj = L_jj^-T (I + L_{j+1,j}' G_{j+1,j+1} L_{j+1,j}) L_jj^-1 (a sum of
 * positive definite terms: nothing cancels), and G_ii = |L^-1 q_i|^2, q_i row i of Q, in 64 n operations.
 * Going on to tridiagonal form would save 60 n of those and cost 2 n^3 more to apply to Q. Q itself is formed
 * (4/3 n^3) only to leave rows out. Route "cholesky": K + ridge I = L L' in n^3/3 for each ridge, G_ii the
 * columns of L^-1 squared in n^3/3 more; cheaper for few ridges. Both routes run on all threads and give
 * the same bytes for any number of them. Inside a parallel loop they run on its caller. */
typedef enum {
    QNTK_RIDGE_ROUTE_AUTO, /* the faster one, by the number of ridges and the detail */
    QNTK_RIDGE_ROUTE_BAND,
    QNTK_RIDGE_ROUTE_CHOLESKY
} qntk_ridge_route;

/* Each includes those before. */
typedef enum {
    QNTK_RIDGE_FIT,          /* alpha, training error */
    QNTK_RIDGE_TRACE,        /* and tr G: KARE, degrees of freedom; nearly free on the band route */
    QNTK_RIDGE_LEAVE_ONE_OUT /* and the diagonal of G */
} qntk_ridge_detail;

typedef struct {
    qntk_ridge_detail detail; /* default QNTK_RIDGE_TRACE */
    qntk_ridge_route route;   /* default QNTK_RIDGE_ROUTE_AUTO */
} qntk_ridge_options;

qntk_ridge_options qntk_ridge_defaults(void);

/* One ridge of a path. Errors are sums over the m targets of means over the n rows, in squares of the units
 * of Y; what the detail does not include is NaN. */
typedef struct {
    double ridge;
    double train;   /* (1/n) sum_i |y_i - f(x_i)|^2 */
    double loo;     /* (1/n) sum_i |y_i - f_{-i}(x_i)|^2 */
    double kare;    /* = GCV */
    double trace;   /* tr G */
    double freedom; /* effective degrees of freedom tr H = n - ridge tr G, to an absolute n 2^-52 */
    double rcond; /* estimate of 1/(|K + ridge I| |G|), right up to a small factor; on the Cholesky route the
                     lower bound ridge/|K + ridge I| of a semidefinite K where that is at least 1e-8 */
} qntk_ridge_fit;

typedef struct {
    size_t n, m, count;
    qntk_ridge_route route; /* the one taken */
    qntk_ridge_fit *fit;    /* (count), in the order of the ridges given */
    double *alpha;          /* (n,count,m): one matrix of count*m columns */
    double *left_out;       /* (n,count,m): f_{-i}(x_i); NULL without QNTK_RIDGE_LEAVE_ONE_OUT */
} qntk_ridge_path;

/* Fits K (n,n), row-major, symmetric (its lower triangle is read, nothing of it is changed) to Y (n,m) for
 * ridge (count), each >= 0, in any order; n, m, count >= 1.
 *
 * Memory beside the result: band 8 n^2 bytes, 16 n^2 with QNTK_RIDGE_LEAVE_ONE_OUT; Cholesky 8 n^2.
 * Accuracy: backward stable, the answer for K + E with |E| a small multiple of sqrt(n) 2^-53 |K|, so that
 * alpha is good to about 2^-53 / rcond, relative to its norm; fitted values and residuals to that of their
 * own.
 *
 * QNTK_SINGULAR: K + ridge I is singular to rounding, rcond below (n + 16) 2^-52, or not positive definite;
 * the message names ridge and rcond or pivot. QNTK_NOT_FINITE: K, Y or a ridge has NaN or infinity, or a
 * number leaves the range of doubles. QNTK_INVALID, QNTK_TOO_LARGE, QNTK_NO_MEMORY, QNTK_INTERRUPTED. On
 * failure the path is zeroed. */
qntk_status qntk_ridge_solve(size_t n, const double *K, size_t m, const double *Y, size_t count,
                             const double *ridge, qntk_ridge_options options, qntk_ridge_path *path);

/* Frees what the path holds and zeroes it; a zeroed one is allowed. */
void qntk_ridge_path_free(qntk_ridge_path *path);

/* "band", "cholesky" or "auto". */
const char *qntk_ridge_route_name(qntk_ridge_route route);

/* F (n,count,m): the values fitted to the training rows, y_i - ridge alpha_i. O(n count m). */
void qntk_ridge_fitted(const qntk_ridge_path *path, const double *Y, double *F);

/* F (rows,columns) = K (rows,n) alpha (n,columns), as products of blocks of rows on all threads, the same
 * bytes for any number of them. K holds kernel values of new rows against training rows. All ridges at once:
 * alpha = path.alpha, columns = count*m. QNTK_TOO_LARGE, QNTK_INVALID, QNTK_INTERRUPTED. */
qntk_status qntk_ridge_predict(size_t rows, size_t n, const double *K, size_t columns, const double *alpha,
                               double *F);

#ifdef __cplusplus
}
#endif
#endif
