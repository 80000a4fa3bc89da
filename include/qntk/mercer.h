/* The exact spectrum on the sphere: Mercer eigenvalues of a kernel K(t), t the cosine, for the uniform
 * measure on the unit sphere of R^D, with relative accuracy in the tail. docs/mercer.md derives the method.
 */
#ifndef QNTK_MERCER_H
#define QNTK_MERCER_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/kernel.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { QNTK_MERCER_DIMENSION_MAX = 10000, QNTK_MERCER_DEGREES_MAX = 100000 };

typedef struct {
    size_t degrees;  /* highest degree; default 60 */
    double accuracy; /* largest relative error accepted, default 1e-10: see qntk_mercer_compute */
    bool departure; /* default true: find the departure degree too (a second network, a few times the cost) */
} qntk_mercer_options;

/* The defaults beside each field above. */
qntk_mercer_options qntk_mercer_defaults(void);

typedef struct {
    size_t dimension;     /* D */
    size_t count;         /* degrees + 1 */
    double *eval;         /* (count) lambda_k >= 0, degree k = 0, 1, .. */
    double *multiplicity; /* (count) N(D,k); infinity where it exceeds the largest double */
    double *error;        /* (count) estimated relative error of eval, an upper bound in every case tested */
    double kernel_at_one; /* K(1) = sum over all k of multiplicity * eval */
    double
        t_star; /* the nearest singularity of K to [-1,1], >= 1; infinity for the Gaussian, which has none */
    double
        limit_ratio; /* limit of eval[k+1]/eval[k] = 1/(t* + sqrt(t*^2 - 1)): 1 for a power law, 0 Gaussian */
    double departure_degree; /* see qntk_mercer_compute; NaN where it has no meaning */
} qntk_mercer;

/* Mercer eigenvalues of degree 0 .. options.degrees on the unit sphere of R^D, 2 <= D <= 10000:
 *
 *     lambda_k = Gamma(D/2)/(sqrt(pi) Gamma((D-1)/2)) Int_{-1}^{1} K(t) P_k(t) (1-t^2)^((D-3)/2) dt,
 *
 * P_k the Gegenbauer polynomial with P_k(1) = 1 (for D = 2 cos(k acos t)). Network kernels are taken on
 * |x|^2 = D (they do not otherwise depend on D), radial kernels on the unit sphere, r^2 = 2 - 2t; the
 * bandwidth must be resolved (> 0).
 *
 * Accuracy: relative, in every degree down to DBL_MIN = 2.2e-308, typically 2e-16 to 1e-15 (the worst found
 * against rigorous bounds are tabled in docs/mercer.md); `error` is the estimate for each eigenvalue, made
 * from what two independent computations of the same numbers disagree by. Smaller eigenvalues are given as 0
 * with error 1; exact zeros (the odd degrees >= 3 of one hidden layer without bias) as 0 with error 0.
 * Networks deeper than about 64 layers keep 1e-13; see `error`.
 *
 * Departure degree: for a rounded network (noise > 0) its *unrounded twin* is the same network multiplying
 * with the latent weights themselves (same second moment V, noise 0), whose eigenvalues follow a power law
 * k^-D (k^-(D+2) for nngp) for ever. The departure degree is the first degree whose eigenvalue is less than
 * half of the twin's (degrees at which both are exactly 0 are passed over): there the rounding noise, that is
 * the geometric factor limit_ratio^k, has cost the kernel half of its power law. It exists for every number
 * of levels; for many bits it is near y/ln(1/limit_ratio), where the Matern function 2^(1-nu)/Gamma(nu) y^nu
 * K_nu(y), nu = D/2, is 1/2 (one hidden layer; derived in docs/mercer.md). NaN for real weights, radial
 * kernels and departure = false.
 *
 * Cost: a few milliseconds to tenths of a second per kernel; O(depth) for networks, memory
 * O(degrees). All threads; the same bytes for any number of them.
 * Returns QNTK_INVALID (D, degrees or accuracy out of range, unresolved bandwidth, a file as kernel),
 * QNTK_NO_MEMORY, QNTK_INTERRUPTED, or QNTK_NOT_CONVERGED with everything delivered if an
 * eigenvalue >= DBL_MIN has an error estimate above options.accuracy.
 * Sources: the integral is model.md's section 4 formula (Schoenberg 1942; Mueller 1966); the method -
 * positive power series joined to the discontinuity across the cuts, and Gaussian mixtures for the radial
 * kernels - and the departure degree are derived here. */
qntk_status qntk_mercer_compute(const qntk_kernel *kernel, size_t D, qntk_mercer_options options,
                                qntk_mercer *out);

/* The same eigenvalues with a proof: the defining integral in ball arithmetic (Arb), with a rigorous bound of
 * the quadrature error. eval (degrees+1), and bound (degrees+1) with |lambda_k - eval[k]| <= bound[k],
 * absolutely and certainly: rounding of eval included, bound usually 2^-53 eval[k]. D as above, degrees at
 * most 5000. Exact zeros by parity have bound 0; eigenvalues below DBL_MIN have bounds of about 1e-324. Cost:
 * grows with degrees^2 and with the digits of the smallest eigenvalue; a few tenths of a second to a few
 * seconds at 200 degrees. All threads.
 * Returns what qntk_mercer_compute does; QNTK_UNSUPPORTED if built without Arb; QNTK_NOT_CONVERGED if a
 * relative bound exceeds 1e-15 (everything delivered, bounds true) or if a kernel could not be shown to be
 * analytic where the proof needs it (very deep networks of real weights; nothing delivered). FLINT itself
 * aborts when memory runs out. */
qntk_status qntk_mercer_certify(const qntk_kernel *kernel, size_t D, size_t degrees, double *eval,
                                double *bound);

/* Releases the arrays and zeroes the struct; {0} is allowed. */
void qntk_mercer_free(qntk_mercer *mercer);

/* N(D,k) = C(k+D-1,D-1) - C(k+D-3,D-1), the dimension of the spherical harmonics of degree k in R^D, D >= 2,
 * by a product of min(k, D-2) positive factors: relative error at most 1e-15 below 2^53 exact; infinity
 * beyond DBL_MAX; NaN for D < 2. */
double qntk_mercer_multiplicity(size_t D, size_t k);

#ifdef __cplusplus
}
#endif
#endif
