/* What the parts of the mercer module share; docs/mercer.md has the formulas and their derivation.
 * Everything is computed in long double, so that a double's last digit is right after thousands of
 * operations. */
#ifndef QNTK_MERCER_INTERNAL_H
#define QNTK_MERCER_INTERNAL_H

#include "internal.h"

/* A point of the complex plane (the built-in complex product checks for infinities at every turn). */
typedef struct {
    long double re, im;
} qntk_point;

/* Eigenvalues of degree 0 .. count-1 with relative error estimates. */
typedef struct {
    size_t count;
    long double *eval;
    long double *error;
} qntk_sphere_values;

/* ---- mercer_sphere.c: what belongs to the sphere alone ---- */

/* Nodes x and weights w (n each) of Gauss-Legendre quadrature on [-1,1], to a few ulp. */
void qntk_gauss_legendre(size_t n, long double *x, long double *w);

/* N(D,k+1)/N(D,k). */
long double qntk_sphere_multiplicity_ratio(size_t D, size_t k);

/* w[k] = k!/(2^k (D/2)_k), the eigenvalue of degree k of t^k, by its ratio: w_k = w_{k-1} times this. */
long double qntk_sphere_power_ratio(size_t D, size_t k);

/* Q_{k+1}(cosh theta)/Q_k(cosh theta), theta > 0, real k >= 0. */
long double qntk_second_kind_ratio(size_t D, long double k, long double theta);

/* ln Q_k(cosh theta), theta > 0, real k >= 0, to 1e-10: for single large degrees. */
long double qntk_second_kind_log(size_t D, long double k, long double theta);

/* Q[k] = Q_k(cosh theta), k < count: the eigenvalues of 1/(x - t), x = cosh theta > 1. */
void qntk_second_kind_all(size_t D, long double theta, size_t count, long double *Q);

/* ---- mercer_gauss.c ---- */

/* g[k], k < count: the eigenvalues of exp(-z (1-t)), z >= 0. Relative error below 1e-17 (1 + D/1000). */
void qntk_sphere_gauss(size_t D, long double z, size_t count, long double *g);

/* ---- mercer_radial.c ---- */

/* Eigenvalues of a radial kernel as a mixture of Gaussians. */
qntk_status qntk_sphere_radial(const qntk_kernel *kernel, size_t D, qntk_sphere_values *out);

/* ---- mercer_series.c, mercer_cut.c, mercer_network.c ---- */

/* The constants of the recursion in kernel_internal.h on n = n' = 1, in extended precision. */
typedef struct {
    size_t depth;
    bool nngp;
    bool even; /* one hidden layer without bias: K is even but for its linear term */
    long double b2;
    long double keep, lose;
    long double inv_moment;
    long double keep_readout, inv_moment_readout;
    long double right; /* rho_1 = +1 at t = 1 + right */
    long double left;  /* rho_1 = -1 at t = -(1 + left) */
} qntk_sphere_network;

/* `rounded` false gives the unrounded twin: the same latent weights, noise 0. */
qntk_sphere_network qntk_sphere_network_create(const qntk_network_shape *shape, bool rounded);

/* a[n], n < count: the Taylor coefficients of K(t) at 0, all >= 0, each with a small relative error. */
qntk_status qntk_sphere_series(const qntk_sphere_network *network, size_t count, long double *a);

/* theta = acos(1-u) and w = (sin theta - theta cos theta)/pi for u in the closed lower half plane, |u| < 2 or
 * so; a negative real u counts as lying below the cut (u - i0). Real and imaginary parts each keep a small
 * relative error, however small they are. */
void qntk_sphere_angle(qntk_point u, qntk_point *theta, qntk_point *w);

/* Im K on the cut: K(x + i0), x = 1 + right + r (side +1), or K(-x - i0), x = 1 + left + r (side -1). */
long double qntk_sphere_cut_value(const qntk_sphere_network *network, int side, long double r);

/* Nodes x_j = cosh theta_j > 1 and weights with, for smooth F,
 *     (1/pi) Int Im K(x + i0) F(x) dx = sum_j right_j F(x_j),  (1/pi) Int Im K(-x - i0) F(x) dx = sum_j
 * left_j F(x_j). */
typedef struct {
    size_t count;
    long double *theta;
    long double *right;
    long double *left;
} qntk_cut_rule;

/* The rule for x up to about exp(reach) (1 + right), fit for eigenvalues of degree up to `degrees`. */
qntk_status qntk_cut_rule_create(const qntk_sphere_network *network, size_t D, size_t degrees,
                                 long double reach, qntk_cut_rule *rule);
void qntk_cut_rule_free(qntk_cut_rule *rule);

/* The series and the rule of one network, joined (mercer_network.c). */
typedef struct {
    size_t terms;        /* N */
    long double *a;      /* (N) Taylor coefficients */
    long double *defect; /* (N) a_n - c_n, c_n what the rule gives for a_n */
    /* largest |a_n - c_n| relative to the parts of c_n, in the last sixteenth: even and odd n (which the two
     * sides of the cut may almost cancel in) */
    long double agreement[2];
    qntk_cut_rule rule;
} qntk_sphere_joined;

/* The shortest series for which both agree to rounding; the best found if none does. */
qntk_status qntk_sphere_join(const qntk_sphere_network *network, size_t D, size_t degrees,
                             qntk_sphere_joined *out);
void qntk_sphere_joined_free(qntk_sphere_joined *joined);

/* out->count eigenvalues from a joined network. */
qntk_status qntk_sphere_joined_values(const qntk_sphere_network *network, const qntk_sphere_joined *joined,
                                      size_t D, qntk_sphere_values *out);

/* Eigenvalues of a network kernel. */
qntk_status qntk_sphere_network_values(const qntk_sphere_network *network, size_t D, qntk_sphere_values *out);

/* ---- mercer_departure.c ---- */

/* The departure degree of qntk_mercer_compute. */
qntk_status qntk_sphere_departure(const qntk_network_shape *shape, size_t D, double *degree);

#endif
