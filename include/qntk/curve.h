/* Learning curves of kernel regression: the error measured on random subsets of a pool of rows, beside the
 * error predicted from the spectrum. */
#ifndef QNTK_CURVE_H
#define QNTK_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/kernel.h"
#include "qntk/risk.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Mean over the subsets of one size and its standard error sd/sqrt(repeats), NaN for one repeat. The pool is
 * fixed: the standard error speaks of the choice of the subsets, not of the choice of the pool. */
typedef struct {
    double mean, se;
} qntk_curve_value;

/* One size. Errors are squared errors summed over the m targets, means over rows, in squares of the units of
 * the targets. */
typedef struct {
    size_t n;
    double ridge;              /* added to the diagonal of the subset's K: given, or the one chosen */
    qntk_curve_value test;     /* over the whole pool, training rows included */
    qntk_curve_value held_out; /* over the P - n other rows; NaN for n = P */
    qntk_curve_value train;    /* over the n training rows */
    qntk_curve_value kare;     /* from the training rows alone: qntk_ridge_fit.kare */
    qntk_curve_value loo;      /* left out one by one, likewise; NaN for a single ridge */
    qntk_curve_value accuracy; /* share of the held-out rows with the right class; NaN without classes */
    qntk_risk predicted;       /* rows drawn independently: qntk_risk_predict */
    double held_out_predicted; /* qntk_risk_held_out of it */
    qntk_risk pool;            /* rows drawn without replacement: qntk_risk_pool */
    double held_out_pool;
} qntk_curve_point;

/* size (wanted): lo .. hi in equal ratios, lo (hi/lo)^(i/(wanted-1)) rounded to whole rows, ascending, each
 * once: *count <= wanted of them. QNTK_INVALID: lo < 1, hi < lo, wanted < 1, or wanted = 1 with lo < hi. */
qntk_status qntk_curve_sizes(size_t lo, size_t hi, size_t wanted, size_t *size, size_t *count);

/* ---- a pool of rows ---- */

/* What the prediction needs to know of the pool. Starts at {0}. */
typedef struct {
    size_t P, m;
    double *eval;  /* (P) eigenvalues of K/P, descending, >= 0 */
    double *power; /* (P) squares of the targets' coefficients: qntk_risk_power */
    double rest;   /* what the coefficients leave of |Y|^2/P: rounding */
} qntk_curve_pool;

/* Eigenvalues and coefficients of the targets Y (P,m) in the pool's own kernel matrix K (P,P). Negative
 * eigenvalues down to -1e-6 |K| (rounding, of single precision too) become 0. O(P^3), memory 24 P^2 bytes, on
 * all threads. QNTK_INVALID: an eigenvalue further below; otherwise what qntk_spectrum_compute and
 * qntk_risk_power return. */
qntk_status qntk_curve_pool_create(size_t P, const double *K, size_t m, const double *Y,
                                   qntk_curve_pool *pool);
void qntk_curve_pool_free(qntk_curve_pool *pool);

/* Fills in what is predicted for the n and ridge of each point (count). What qntk_risk_predict returns. */
qntk_status qntk_curve_predict(const qntk_curve_pool *pool, size_t count, qntk_curve_point *point);

typedef struct {
    size_t repeats; /* subsets of each size, default 10 */
    uint64_t seed;  /* 0 */
    bool classify;  /* Y is one-hot (or one-hot minus a constant): measure accuracy too; default false */
} qntk_curve_options;

qntk_curve_options qntk_curve_defaults(void);

/* For each size n (count of them) draws `repeats` random subsets of n rows, fits K_nn + ridge I to their
 * targets and measures the errors, averaged, into point (count); predictions are zeroed. K (P,P) symmetric,
 * Y (P,m), ridge (ridges).
 *
 * A single ridge is used as it is. Of several, each size takes the one with the smallest mean `loo` over its
 * subsets (the smaller ridge at a tie): one for all subsets of a size, found from training rows only, so that
 * neither the errors on other rows nor the prediction have a part in the choice.
 *
 * Training residuals are ridge alpha (exact for small ridges); the rows held out are predicted in blocks.
 * Subsets depend on (seed, n, repeat) and nothing else: the same for every kernel, every list of sizes and
 * any number of threads; so do the bytes of the result. Cost: count * repeats * (2/3 n^3 for one ridge, 3 n^3
 * for several, + 2 (P - n) n m ridges). Small sizes run side by side, 1 to a thread, large ones (n > 1024)
 * with all threads inside. Memory beside K: about 24 n^2 bytes, per thread for the small ones.
 *
 * QNTK_INVALID: a size of 0 or above P or out of ascending order, no repeats, no ridge, m < 2 with classify; QNTK_SINGULAR (the message
 * names the size) and the other codes of qntk_ridge_solve. QNTK_INTERRUPTED, QNTK_NO_MEMORY.
 * Progress: "learning curve". On failure the points are zeroed. */
qntk_status qntk_curve_measure(size_t P, const double *K, size_t m, const double *Y, size_t count,
                               const size_t *size, size_t ridges, const double *ridge,
                               qntk_curve_options options, qntk_curve_point *point);

/* row (n): the subset that qntk_curve_measure draws, ascending; n <= P. O(P). QNTK_INVALID,
 * QNTK_NO_MEMORY. */
qntk_status qntk_curve_subset(size_t P, size_t n, uint64_t seed, size_t repeat, size_t *row);

/* ---- the sphere: no data ---- */

/* The target on the sphere: power[k] is its mean square in degree k, spread over the harmonics of that degree
 * in any way (the prediction does not depend on it); noise is the variance of the labels' noise. */
typedef struct {
    size_t degrees; /* of power: degrees 0 .. degrees-1 */
    const double *power;
    double noise;
} qntk_curve_target;

/* Predicts kernel regression from n independent uniform points of the unit sphere of R^D, for each size: the
 * Mercer eigenvalues of degrees 0, 1, .. with their multiplicities as the modes of qntk_risk_predict. The
 * degrees beyond the highest computed enter as a ridge, K(1) less what is listed. As many degrees are
 * computed as it takes for the first one not listed to have an eigenvalue below 1e-3 kappa, at the largest n
 * and the smallest ridge: the equation for kappa is then good to a relative 1e-3 of the tail's share in it.
 *
 * Of several ridges, each size takes the one with the smallest predicted test error, the smaller at a tie.
 * Measured values of the points are NaN. *degree, unless NULL: the highest degree listed.
 *
 * QNTK_INVALID, QNTK_NOT_FINITE: what qntk_mercer_compute and qntk_risk_predict refuse, a target of no degree
 * or of one whose multiplicity exceeds doubles. QNTK_NOT_CONVERGED, with everything delivered: 8192 degrees
 * (or those that doubles can count) are not enough, the message says by how much; or an eigenvalue is not
 * accurate. QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_curve_sphere(const qntk_kernel *kernel, size_t D, const qntk_curve_target *target,
                              size_t count, const size_t *size, size_t ridges, const double *ridge,
                              qntk_curve_point *point, size_t *degree);

#ifdef __cplusplus
}
#endif
#endif
