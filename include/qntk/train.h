/* Training of networks whose weights are rounded from latent ones.
 *
 * One step on a batch of n rows, with the weights W in use, L_i the loss of row i and c_l = w_std/sqrt fan_in:
 *
 *     forward     h^l = c_l W^l x^{l-1} + b_std b^l,  x^l = relu(h^l)
 *     backward    G^L = (1/n) dL_i/df,  G^{l-1} = c_l G^l W^l * 1[x^{l-1} > 0]
 *     gradient    dW^l = c_l (G^l)^T X^{l-1},  db^l = b_std sum_i G^l_i
 *     update      the gradient at W, times the method's backward factor, moves the latent weights
 *     rounding    W^l of the next step from the latent weights: a fresh draw each step, the nearest levels, or
 *                 what annealing makes of them
 *
 * Behind a layer with a multi-step activation q (network.h), x^l is what the method makes of q(h^l), and the slope of
 * its backward pass takes the place of 1[x > 0]: straight-through, q itself and the slope 1 from the first level to
 * the last; annealing, the function under noise and the slope under noise of its own, as for weights. BinaryConnect
 * has nothing to put in the place of a derivative that is 0.
 *
 * The update and the rounding are one pass over the weights in tiles that fit a cache: dW is never stored.
 * The bits of a draw come from (seed, layer, step, weight) alone and the blocks of every product depend on
 * the shapes alone, so that the same seed gives the same bytes for any number of threads. (Products are
 * OpenBLAS's: another processor may round them otherwise.)
 *
 * Sources: BinaryConnect: Courbariaux, Bengio & David 2015, section 2; straight-through: Bengio, Leonard &
 * Courville 2013 in the form of additive noise, uniform of half a step, in the backward pass only; Adam:
 * Kingma & Ba 2015. The parameterization is network.h's. */
#ifndef QNTK_TRAIN_H
#define QNTK_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/anneal.h"
#include "qntk/network.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of a row with outputs f and targets t: squared (1/2) sum_c (f_c - t_c)^2; cross-entropy
 * -sum_c t_c log softmax(f)_c; squared hinge sum_c max(0, 1 - t_c f_c)^2. */
typedef enum { QNTK_LOSS_SQUARED, QNTK_LOSS_CROSS_ENTROPY, QNTK_LOSS_SQUARED_HINGE } qntk_loss;

/* BinaryConnect: backward factor 1, latent weights of rounded layers clipped to [-1,1]. Straight-through:
 * factor 1[|latent| <= 1], not clipped. Annealing: see qntk_train_anneal. Real layers: the plain gradient. */
typedef enum { QNTK_METHOD_BINARYCONNECT, QNTK_METHOD_STE, QNTK_METHOD_ANA } qntk_train_method;

/* What annealing makes of a latent weight under its noise: the expected output of the multi-step function, its
 * most probable level, or a random one, drawn afresh each step. */
typedef enum { QNTK_STRATEGY_EXPECTED, QNTK_STRATEGY_MODE, QNTK_STRATEGY_RANDOM } qntk_strategy;

/* Additive noise annealing of weights (anneal.h, with qntk_steps_symmetric and noise of mean 0). Forward: noise
 * whose scale follows a schedule of the layer among those that are rounded, epoch by epoch; without noise the
 * nearest level, which is also what the trained network is evaluated with. Backward, for any strategy: the
 * factor is the slope under noise of its own, and 0 without it. Latent weights are not clipped. No forward
 * noise, and uniform backward noise of scale 1/2, is straight-through with rounding to nearest, to the byte.
 *
 * A multi-step activation has the noise, strategy and schedule of the weights of its layer, in steps of its own; a layer
 * with real weights in front of one has its part in the schedule too. Random activations are drawn afresh each step,
 * by (seed, layer, step, row of the batch, neuron).
 *
 * Scales are in steps, below 2^-60 they are 0. Single precision: weights and probabilities to 1e-6 at usual
 * scales, and as if latent weights were off by 2^-21 steps under narrower noise; where
 * two supports of uniform noise meet, one of them counts. Cost: a distribution and a density a weight for each
 * threshold within reach of the noise. Sources as in anneal.h. */
typedef struct {
    qntk_noise_shape noise;          /* default uniform */
    double beta;                     /* scale at the start, 0 to 1000; 1/2 */
    qntk_strategy strategy;          /* expected */
    qntk_noise_shape backward_noise; /* uniform */
    double backward_beta;            /* 1/2 */
    bool backward_annealed;          /* its scale follows the schedule too, else it stays; false */
    qntk_anneal_law law;             /* bounded */
    qntk_anneal_sync sync;           /* overlapped */
    bool progressive;                /* early layers lose their noise first; false */
    double period;                   /* epochs a rounded layer; 5 */
} qntk_train_anneal;

/* Gradient descent with momentum, m <- momentum m + g, w <- w - rate m; Adam with bias correction. */
typedef enum { QNTK_OPTIMIZER_SGD, QNTK_OPTIMIZER_ADAM } qntk_optimizer;

enum { QNTK_RATE_STEPS_MAX = 8 };

typedef struct {
    qntk_loss loss;           /* default cross-entropy */
    qntk_train_method method; /* BinaryConnect */
    qntk_rounding rounding;   /* stochastic; annealing wants nearest */
    qntk_optimizer optimizer; /* Adam */
    double rate;              /* > 0; default 1e-2 */
    double rate_factor;       /* 0.1: the rate is multiplied by it after each epoch of .. */
    size_t rate_steps;        /* .. these, ascending; default none */
    size_t rate_epoch[QNTK_RATE_STEPS_MAX];
    double momentum;              /* of gradient descent, in [0,1); 0 */
    double beta1, beta2, epsilon; /* of Adam: 0.9, 0.999, 1e-8 */
    size_t batch;                 /* rows a step, 1 or more; 100 */
    uint64_t seed;                /* of rounding and of the order of rows; 0 */
    qntk_train_anneal anneal;     /* of that method only */
} qntk_train_options;

qntk_train_options qntk_train_defaults(void);

/* What is the first option that differs, by name; NULL if all agree. */
const char *qntk_train_options_difference(const qntk_train_options *a, const qntk_train_options *b);

/* The targets T (n, outputs) for a loss. Classes (numbers 0 .. classes-1 in y): outputs = classes and t = 1
 * and 0 (cross-entropy), 1 and -1 (squared hinge), 1 - 1/classes and -1/classes (squared). classes = 0: one
 * output, t = y, squared loss only. QNTK_INVALID with the row if y is no class number. */
qntk_status qntk_train_targets(qntk_loss loss, size_t n, const double *y, size_t classes, float *T);

/* A network in training. */
typedef struct qntk_trainer qntk_trainer;

/* Starts training `network`, whose latent weights and biases change from then on and which must outlive the
 * trainer. Memory: once the weights for their rounded form, once for momentum, twice for Adam, and 2 (batch,
 * width) a layer, 3 with a multi-step activation. QNTK_INVALID: an option outside its domain, or BinaryConnect with
 * such activations; QNTK_TOO_LARGE, QNTK_NO_MEMORY. */
qntk_status qntk_trainer_create(qntk_network *network, qntk_train_options options, qntk_trainer **trainer);
void qntk_trainer_destroy(qntk_trainer **trainer);

/* One step on rows X (n, inputs) with targets T (n, outputs), 1 <= n <= batch; *loss is the batch's mean loss
 * before the step. QNTK_NOT_FINITE if that is not finite or above 1e6 times the first one ("epoch 3, step
 * 170: the loss is nan; the norm of the latent weights is 1.2e+30"): nothing is updated then.
 * QNTK_INVALID (n), QNTK_NO_MEMORY. Cost: three products (n, fan_in, fan_out) a layer, and 12 to 28 bytes of
 * traffic a weight. */
qntk_status qntk_trainer_step(qntk_trainer *trainer, size_t n, const float *X, const float *T, double *loss);

/* One epoch: all n rows, in an order that (seed, epoch) decides, the last batch with what is left; *loss is
 * the mean loss during it. Reports progress and may be interrupted between steps: QNTK_INTERRUPTED, with the
 * epoch not counted. Other codes as above. */
qntk_status qntk_trainer_epoch(qntk_trainer *trainer, size_t n, const float *X, const float *T, double *loss);

/* gradient (qntk_network_parameters): for each layer dW (fan_out, fan_in) times the backward factor and db
 * (fan_out) of the batch's mean loss, at the weights in use. Nothing is updated. Codes as of a step. */
qntk_status qntk_trainer_gradient(qntk_trainer *trainer, size_t n, const float *X, const float *T,
                                  double *loss, float *gradient);

/* The weights W (fan_out, fan_in) in use of layer `layer`, from 0; valid until the next step. */
const float *qntk_trainer_weights(const qntk_trainer *trainer, size_t layer);

/* The scale of the forward noise of layer `layer`, from 0, of its weights and activation, in this epoch; 0 without
 * annealing. */
double qntk_trainer_noise(const qntk_trainer *trainer, size_t layer);

/* The options it was created with. */
const qntk_train_options *qntk_trainer_options(const qntk_trainer *trainer);

/* Epochs and steps done; the rate of the next step. */
size_t qntk_trainer_epochs(const qntk_trainer *trainer);
uint64_t qntk_trainer_steps(const qntk_trainer *trainer);
double qntk_trainer_rate(const qntk_trainer *trainer);

/* Epochs since the mean loss of an epoch was the least so far: for stopping early. */
size_t qntk_trainer_stalled(const qntk_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
