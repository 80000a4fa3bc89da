/* The penalty of rounding: how much the loss grows when noise is added to the weights,
 *
 *     P = E L(W + e) - L(W),      L the mean loss over the rows,
 *
 * for the plain network (no moments: relu(h) of its own h) whose weights W are the latent ones, and noise e with
 * independent entries of mean 0 and variances v_k. Measured by sampling, and predicted to second order,
 *
 *     P = (1/2) sum_k v_k H_kk + O(v^2),       H = J' H_L J + sum of (dL/df) times second derivatives of f,
 *
 * with the whole Hessian H by Hutchinson's estimate of its trace and with its first part, the Gauss-Newton form
 * (J = df/dW, H_L = d^2L/df^2). For the squared loss (1/2) |f - t|^2 the latter is (1/2) mean_i sum_k v_k
 * |df(x_i)/dW_k|^2: for equal v this is v/2 times the trace of the tangent kernel at the rows, weights only. Since v
 * goes as the square of the step, each bit more divides the penalty by about 4.
 *
 * Almost everywhere, a network of ReLUs is linear in the weights of each layer, and H knows nothing of the kinks. But
 * a kink within reach of the noise counts in the second order too, and among many rows and neurons there are always
 * some. With h the pre-activation of a hidden neuron, s^2 its variance under the noise and dL/dx the derivative of the
 * loss by what comes out of the ReLU, kinks add
 *
 *     P_kinks = mean over rows of sum over hidden neurons of dL/dx [E relu(h + s Z) - relu(h)],   Z standard normal,
 *     s^2 from layer to layer: Var h = c^2 [V x^2 + W^2 Var x], Var x = 1[h > 0] Var h,
 *
 * which is about (s^2/2) dL/dx times the density of h at 0, of either sign. It neglects that neurons are correlated.
 * Measured on a trained network of width 64, 3 to 8 bits: without it sampling and Hutchinson's estimate differ by
 * factors of 2 to 5, with it by 5 %. At few bits orders above the second count as well; when the noise is too small to reach any kink it vanishes.
 *
 * Sources: weights rounded as weights plus noise, as a regularizer: arXiv 2206.12372. The second-order expansion with
 * these variances, and the kinks, derived here. Hutchinson 1990 (trace), Pearlmutter 1994 (products with H),
 * Schraudolph 2002 (Gauss-Newton). */
#ifndef QNTK_PENALTY_H
#define QNTK_PENALTY_H

#include <stddef.h>
#include <stdint.h>

#include "qntk/network.h"
#include "qntk/status.h"
#include "qntk/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    qntk_loss loss; /* default cross-entropy */
    size_t draws;   /* of the noise, from 2; default 100 */
    size_t probes;  /* of the trace, from 2; default 50 */
    uint64_t seed;  /* of draws and probes: number k of each depends on (seed, k) alone */
    /* (layers) the variance of the weights of each layer, >= 0, instead of that of the rounding; NULL */
    const double *variance;
} qntk_penalty_options;

qntk_penalty_options qntk_penalty_defaults(void);

/* Means, and standard errors of means, over draws or probes. */
typedef struct {
    double loss; /* L(W) */
    /* By the rounding itself. Stochastic: over draws of L(W + e) - L(W) - g'e, g the gradient: g'e has mean 0 for
     * unbiased rounding, and most of the variance. To nearest: there is one rounding, this is L(Q(W)) - L(W) and its
     * error NaN; `linear` is what g'e has in it, which no average removes. NaN with `variance`. */
    double sampled, sampled_se, linear;
    /* By noise e, uniform with mean 0 and the same variances: of (L(W + e) + L(W - e))/2 - L(W), antithetic pairs,
     * from which all odd orders are gone. */
    double additive, additive_se;
    double hutchinson, hutchinson_se; /* over probes of (1/2) z'Hz, z_k = +-sqrt(v_k) */
    double gauss_newton;              /* exact, but for rounding errors of about 1e-13 of it */
    double kinks;                     /* P_kinks, to be added to either of the two before it is compared */
} qntk_penalty;

/* X (n, inputs), T (n, outputs) as of qntk_train_targets. Noise is in the rounded layers, with
 *     v = Var[Q(W)] given W (qntk_weight_noise) for stochastic rounding,    step^2/12 for rounding to nearest,
 * or in the layers where options.variance is not 0; biases have none. Latent weights of rounded layers beyond [-1,1]
 * are taken to its end.
 *
 * In double, on all threads, the same bytes for any number of them. Cost: draws forward passes, twice that for the
 * pairs, about 8 products of a layer's size a probe, outputs + 2 for Gauss-Newton, 4 for the kinks. Memory: 3
 * doubles a weight, 2 a weight and thread, the rows once.
 *
 * QNTK_INVALID: no layer or row, an activation that is no ReLU, fewer than 2 draws or probes, an unknown loss, a
 * variance below 0 or not finite;
 * QNTK_NOT_FINITE: in X or the latent weights, or the loss of a row at W or W + e; QNTK_TOO_LARGE, QNTK_NO_MEMORY,
 * QNTK_INTERRUPTED. On failure the result is zeroed. */
qntk_status qntk_penalty_measure(const qntk_network *network, qntk_rounding rounding, size_t n,
                                 const float *X, const float *T, qntk_penalty_options options,
                                 qntk_penalty *penalty);

/* The number of weights: sum of fan_out fan_in, biases not among them. */
size_t qntk_penalty_weights(const qntk_network *network);

/* product = H direction and gradient = dL/dW, both (qntk_penalty_weights), layer after layer as (fan_out, fan_in), at
 * the latent weights as above; either may be NULL, and direction with product. *loss = L. By the R-operator:
 *     R h^l = c_l (Z^l x^{l-1} + W^l R x^{l-1}),   R x^l = 1[h^l > 0] R h^l,   R G = H_L R f / n, then backward
 *     R G^{l-1} = c_l (R G^l W^l + G^l Z^l) * 1[h^{l-1} > 0],   (H Z)^l = c_l (R G^l' x^{l-1} + G^l' R x^{l-1})
 * with Z = direction, c_l = w_std/sqrt fan_in: exact to rounding. Serial; 8 products of a layer's size. Codes as
 * above. */
qntk_status qntk_penalty_product(const qntk_network *network, qntk_loss loss, size_t n, const float *X,
                                 const float *T, const double *direction, double *value, double *gradient,
                                 double *product);

#ifdef __cplusplus
}
#endif
#endif
