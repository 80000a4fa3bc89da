/* The tangent kernel of one network of finite width: inner products of the gradients of its quasi network, by
 * products of layers, without a Jacobian.
 *
 * f is the expected output of a network with stochastically rounded weights by moment propagation (moments.h):
 *     mu = (w/sqrt n) theta m + b_std bias,    s2 = (w^2/n) [ tau m^2 + (tau + theta^2) v ],
 *     m, v = mean and variance of relu(mu + s Z),      f = mu of the last layer,
 * w = w_std, n = fan_in. With delta = df/dmu and eps = df/ds2 of a layer, its latent weights have the gradient
 *     df/dtheta_ij = (w/sqrt n) delta_i m_j + (w^2/n) eps_i [ tau'_ij m_j^2 + (tau'_ij + 2 theta_ij) v_j ],
 *     tau' = d tau / d theta (binary: -2 theta; 0 where tau is given: the field `noise`),
 * and, with Phi and phi the normal distribution function and density at z = mu/s, the layer below
 *     df/dm = (w/sqrt n) theta' delta + (2 w^2/n) m (tau' eps),     df/dv = (w^2/n) (tau + theta^2)' eps,
 *     delta = Phi df/dm + 2 m (1 - Phi) df/dv,      eps = phi/(2s) df/dm + (Phi - m phi/s) df/dv
 * (' after a matrix: transposed). In the limit of infinite width eps contributes nothing and K becomes the
 * kernel of kernel.h, at the rate 1/sqrt(width).
 *
 * Source: the quasi neural network of the literature on tangent kernels of quantized networks; the derivatives
 * through the variance are derived here. */
#ifndef QNTK_TANGENT_H
#define QNTK_TANGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/moments.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of parameters: latent weights of all layers, and the biases of those that have any. */
size_t qntk_tangent_parameters(const qntk_moments_weights *layers, size_t count);

/* gradient (qntk_tangent_parameters): of sum_o coefficient_o f_o at x (layers[0].fan_in); per layer its latent
 * weights (fan_out,fan_in), then its biases. coefficient (outputs). Relative to the gradient's norm, accurate
 * to about 1e-12 at any s > 0 that is not tiny; at a kink (s = 0 and mu = 0, or a latent weight on a level)
 * one of its one-sided derivatives. Cost as a few forward passes.
 * QNTK_INVALID, QNTK_NOT_FINITE (as qntk_moments_propagate), QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_tangent_gradient(const qntk_moments_weights *layers, size_t count, const double *x,
                                  const double *coefficient, double *gradient);

/* The same of sum_i sum_o coefficient_io f_o(x_i) over n rows X (n, layers[0].fan_in), coefficient (n, outputs): the
 * gradient of a loss is that of its derivatives by the outputs. By products of layers: the cost is that of a few passes
 * of all rows, on all threads, the same bytes for any number of them. Memory as qntk_tangent_kernel, but for its n^2. */
qntk_status qntk_tangent_gradient_sum(const qntk_moments_weights *layers, size_t count, size_t n,
                                      const double *X, const double *coefficient, double *gradient);

typedef struct {
    /* The rounding's variance s2 is held fixed: only the terms in delta that do not pass through s2, as in a
     * network that is trained through its means. Two products a layer instead of O(n^2 fan_in fan_out). Default
     * false: the whole gradient. Makes no difference to real weights. */
    bool variance_fixed;
} qntk_tangent_options;

qntk_tangent_options qntk_tangent_defaults(void);

/* K (n,n) of the rows X (n, layers[0].fan_in): K_ij = mean over the outputs o of <grad f_o(x_i), grad f_o(x_j)>,
 * symmetric to the bit.
 *
 * O(outputs n^2 sum fan_in fan_out), on all threads, the same bytes for any number of them. Memory: 7 n times
 * the sum of the widths, and 4 times the largest layer's weights. Codes as above, and QNTK_TOO_LARGE. */
qntk_status qntk_tangent_kernel(const qntk_moments_weights *layers, size_t count, size_t n, const double *X,
                                qntk_tangent_options options, double *K);

/* |A - B|_F / |B|_F of two arrays of `count` numbers; infinite if only B is zero, NaN if both are. */
double qntk_tangent_distance(size_t count, const double *A, const double *B);

#ifdef __cplusplus
}
#endif
#endif
