/* Fully connected networks of finite width whose weights are rounded from latent ones, with ReLU or multi-step
 * functions between the layers.
 *
 * Layer l = 1 .. count, with x^0 the input and x^count the output:
 *
 *     h^l = (w_std / sqrt fan_in) W^l x^{l-1} + b_std b^l,    x^l = relu(h^l), but x^count = h^count
 *
 * The network multiplies with W = Q(latent). Latent weights of a rounded layer start uniform on [-1,1], those
 * of a real one, and biases, normal with mean 0 and variance 1. The gain w_std^2 is 2/(V + tau) before a ReLU
 * and 1/(V + tau) in the last layer (quantizer.h), which keeps the second moment of the pre-activations.
 * Round-to-nearest has E Q^2 = V + tau too: its gain is the same.
 *
 * A fully quantized network has a multi-step function q (anneal.h) in place of the ReLU; with E q(h)^2 in the
 * denominator of the next layer's gain, for h normal of variance 2, pre-activations keep the second moment 2 that
 * they have before a ReLU. Unlike the ReLU, q has a scale of its own: inputs should have |x|^2 near fan_in.
 *
 * Source: the parameterization of Jacot, Gabriel & Hongler 2018 ("Neural tangent kernel") with the gains of
 * He et al. 2015; E Q^2 = 1/3 + step^2/6 of either rounding, and the gain after a multi-step function, derived
 * here. */
#ifndef QNTK_NETWORK_H
#define QNTK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/anneal.h"
#include "qntk/moments.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t fan_in, fan_out;
    size_t levels;         /* 0: real weights, else 2 .. 65536 (quantizer.h) */
    double w_std, b_std;   /* b_std 0: no bias */
    float *latent;         /* (fan_out, fan_in) */
    float *bias;           /* (fan_out) */
    qntk_steps activation; /* levels 0: ReLU; else this multi-step function. Not of the last layer. */
} qntk_network_layer;

/* Starts at {0}. */
typedef struct {
    size_t count;
    qntk_network_layer *layers; /* (count) */
} qntk_network;

/* How W comes from a latent weight: the levels around it, without bias, or the nearest level (the upper one
 * of two). Latent weights beyond [-1,1] are taken to its end. */
typedef enum { QNTK_ROUNDING_STOCHASTIC, QNTK_ROUNDING_NEAREST } qntk_rounding;

/* A network with sizes[l] inputs and sizes[l+1] outputs in layer l (from 0), of levels[l] levels, at its
 * start, which (seed, layer, row) alone decide. sizes (count+1), levels (count).
 * QNTK_INVALID: count 0 or above 65535, a size 0 or above 2^31 - 1, more than 2^34 weights in a layer, levels
 * that are no law, b_std negative or not finite. QNTK_TOO_LARGE, QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_network_create(size_t count, const size_t *sizes, const size_t *levels, double b_std,
                                uint64_t seed, qntk_network *network);
void qntk_network_free(qntk_network *network);

/* Puts the multi-step function qntk_steps_normal(levels, positive, sqrt 2) behind each hidden layer of a network from
 * qntk_network_create, and sets the gains of all layers accordingly; levels 0: ReLU again. Symmetric levels are for
 * few of them, binary (+-1 but for the scale) and ternary: as they become more, q tends to the identity and the
 * network to a linear one, while positive levels tend to the ReLU. Symmetric ternary activations with ternary weights
 * are the published setting (Spallanzani et al., arXiv 1905.10452); steps, gains and positive levels are chosen here.
 * QNTK_INVALID: levels 1 or above QNTK_ACTIVATION_LEVELS_MAX. */
enum { QNTK_ACTIVATION_LEVELS_MAX = 256 };
qntk_status qntk_network_activate(qntk_network *network, size_t levels, bool positive);

/* *out: the same function with weights rounded to other levels, levels (network->count). The grid of a layer is
 * [-s, s] of its latent weights, s = 1 for one that is rounded already (what lies beyond is taken to its end) and
 * the largest |latent| for a real one; latent weights are divided by s and w_std is multiplied by it, so that the
 * expected weights stay what they are, to rounding in float. levels[l] = 0: not rounded; a rounded layer then has
 * its latent weights as real ones, on the same scale. O(weights), and as much memory as the network.
 * QNTK_INVALID (levels that are no law, out the network itself), QNTK_NOT_FINITE (a latent weight; layer, row and
 * column are named), QNTK_TOO_LARGE, QNTK_NO_MEMORY; *out is empty then. */
qntk_status qntk_network_requantize(const qntk_network *network, const size_t *levels, qntk_network *out);

/* The number of weights and biases, and the greatest number of inputs or outputs of a layer. */
size_t qntk_network_parameters(const qntk_network *network);
size_t qntk_network_width(const qntk_network *network);

/* The network as moments.h takes it: latent weights in double within [-1,1] or, for rounding to nearest, the
 * rounded weights as real ones, since nothing is random then. layers (network->count), to be freed, whatever
 * happened, with qntk_network_moments_free. QNTK_INVALID: an activation that is no ReLU, which moment propagation
 * does not know; QNTK_NO_MEMORY; QNTK_NOT_FINITE with layer, row and column. */
qntk_status qntk_network_moments(const qntk_network *network, qntk_rounding rounding,
                                 qntk_moments_weights *layers);
void qntk_network_moments_free(const qntk_network *network, qntk_moments_weights *layers);

/* F (n, outputs): the expected output on rows X (n, inputs), that is the quasi network (moments.h); for rounding
 * to nearest and real weights the output. In single precision; on all threads, the same bytes for any number of
 * them. Numbers that would leave its range (rows beyond 2^30 or below 2^-30 in front of a layer, greater weights
 * than any training makes) are not lost: then all rows go through qntk_moments_propagate, in double.
 *
 * Distance to that function: about sqrt(sum fan_in) 2^-24 of the outputs' root mean square (measured, the worst
 * of 10^5 outputs: 3e-6 in 784-1024-1024-10). Cost: two matrix products for a rounded layer, O(n sum fan_in
 * fan_out): with binary weights about the time of an epoch of training on as many rows, or less. Memory: at most
 * 3 times the latent weights, and 256 rows of 6 times the greatest width a thread.
 * With multi-step activations: the output, in float, of rounding to nearest and of real weights.
 * QNTK_INVALID: multi-step activations under stochastic rounding, whose expected output is not known (sample it).
 * QNTK_NOT_FINITE (in a weight, an input, or by overflow of a double: the message says where), QNTK_NO_MEMORY,
 * QNTK_TOO_LARGE, QNTK_INTERRUPTED (rows not reached are 0). */
qntk_status qntk_network_expect(const qntk_network *network, qntk_rounding rounding, size_t n, const float *X,
                                double *F);

/* F (n, outputs): the mean over `draws` >= 1 networks of sampled weights, draws first, first+1, .. of the
 * seed; the same bytes for any number of threads. Products in float, sums over draws in double. Rounding to
 * nearest: all draws are alike. O(draws (n + 1) weights). QNTK_INVALID, QNTK_NO_MEMORY, QNTK_INTERRUPTED;
 * QNTK_NOT_FINITE with the row if an output is not. */
qntk_status qntk_network_sample(const qntk_network *network, qntk_rounding rounding, uint64_t seed,
                                size_t first, size_t draws, size_t n, const float *X, double *F);

#ifdef __cplusplus
}
#endif
#endif
