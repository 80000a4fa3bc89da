/* The noise that rounding the weights adds to a network, measured beside two predictions of it.
 *
 * A network with latent weights theta, of which chosen layers are rounded to a grid of the given levels on [-1,1]
 * (qntk_network_requantize): W = theta + e. For every layer l, with h^l its pre-activations (those of the last layer
 * are the output) and means over its neurons and the rows given:
 *
 *   measured    stochastic rounding: the variance of h^l over draws of all weights; to nearest, of which there is one
 *               only: the mean square of its distance from h^l of the network that is not rounded;
 *   moments     moment propagation (moments.h) with tau = Var[W | theta] for stochastic rounding, and for the nearest
 *               level tau = step^2/12, the variance of an error spread evenly over a step. For the nearest level its
 *               mean square distance from the network that is not rounded, s^2 + (mu - h)^2;
 *   first order sum over the weights w of layers 1 .. l of tau_w (dh/dw)^2, at the network that is not rounded. With
 *               one tau for all that is tau times the diagonal of the tangent kernel without biases (tangent.h).
 *
 * By layers: with scale_k = w_std/sqrt fan_in of layer k and J^k = dh^l/dh^k the derivative through ReLUs,
 *
 *     Var h^l_i = sum_{k <= l} sum_a (J^k_ia)^2 q^k_a,      q^k_a = scale_k^2 sum_b tau^k_ab (x^{k-1}_b)^2,
 *
 * since dh^k_a/dW^k_ab = scale_k x^{k-1}_b: one backward pass for each neuron i and no gradient of single weights.
 *
 * Source: quantization of weights as additive noise whose size follows the levels is the model of QReg (arXiv
 * 2206.12372). That first order gives tau |grad_w f|^2, step^2/12 for the nearest level and moment propagation with
 * tau in its place, a factor 4 for each bit, and the sum by layers are derived here. */
#ifndef QNTK_NOISE_H
#define QNTK_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "qntk/network.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t draws;   /* of stochastic rounding, 2 to 2^40; default 100. To nearest: for noise_se */
    size_t neurons; /* of a layer whose first order is taken, chosen by the seed; default 64 */
    uint64_t seed;
} qntk_noise_options;

qntk_noise_options qntk_noise_defaults(void);

/* One layer. Where neither it nor one below it is rounded, noise and predictions are 0 and snr is infinite. */
typedef struct {
    /* Mean square of W - theta over the weights, in units of the grid [-1,1], measured and by tau; 0: not rounded. */
    double weight, weight_predicted;
    double signal; /* mean square of h of the network that is not rounded */
    double noise;  /* measured */
    /* Its standard error, over draws, of the mean square about the predicted mean. To nearest: what chance does to one
     * rounding, noise times the relative standard deviation of that mean square in single draws of stochastic rounding
     * on the same grid; an estimate, as errors to nearest are not drawn. */
    double noise_se;
    double snr;     /* signal / noise */
    double moments; /* moment propagation */
    /* First order with tau of each weight, and with step^2/12 for all: the same to nearest. Exact for a layer of at
     * most `neurons`, else with the standard error of choosing them. */
    double first_order, first_order_se;
    double first_order_uniform;
    /* Mean square of (mean over draws of h) - (h of the network that is not rounded), without bias (it may come out
     * below 0), and by moment propagation: first order has none. NaN to nearest, where it is part of the noise. */
    double shift, shift_moments;
} qntk_noise_layer;

/* noise (network->count). levels (network->count): of the rounding, 0 for a layer that is not rounded. Draw k is that
 * of qntk_network_sample on the requantized network with this seed. X (n, inputs). Arithmetic in double, with weights
 * rounded in float.
 *
 * O(draws n W + n min(neurons, width) L W), W the number of weights and L that of layers, on all threads, the same
 * bytes for any number of them. Memory: 8 times the network, 25 n times the sum of the widths, and for each thread a
 * layer's weights, in double. QNTK_INVALID (no rows, draws or neurons outside their domain, no such rounding, no layer
 * rounded, levels that are no law, activations that are no ReLUs), QNTK_NOT_FINITE, QNTK_TOO_LARGE, QNTK_NO_MEMORY,
 * QNTK_INTERRUPTED; on failure the result is zeroed. */
qntk_status qntk_noise_measure(const qntk_network *network, const size_t *levels, qntk_rounding rounding,
                               size_t n, const float *X, qntk_noise_options options, qntk_noise_layer *noise);

/* How noise falls with the number of bits b = log2(levels): least squares of ln noise on b, which gives the factor by
 * which a bit divides it (theory: 4), and on ln step, step = 2/(2^b - 1), which gives the power of the step (theory:
 * 2, exactly so for a linear network and its tau in proportion to step^2). The two differ where bits are few: from 2
 * to 3 bits step^2 falls by (7/3)^2 = 5.4, from 3 to 4 by 4.6. Standard errors are those of the fit. */
typedef struct {
    size_t points;
    double factor_per_bit, factor_se; /* NaN with fewer than 2 and fewer than 3 points */
    double step_exponent, step_exponent_se;
} qntk_noise_law;

/* levels, noise (count). Points of fewer than 4 levels (below 2 bits) and with noise that is not positive and finite
 * are left out. Derived here. */
qntk_noise_law qntk_noise_fit(size_t count, const size_t *levels, const double *noise);

#ifdef __cplusplus
}
#endif
#endif
