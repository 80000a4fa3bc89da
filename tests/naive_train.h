/* Plain twins of training: the formulas of train.h in double, loop by loop. */
#ifndef QNTK_TEST_NAIVE_TRAIN_H
#define QNTK_TEST_NAIVE_TRAIN_H

#include "qntk/qntk.h"

/* A network's parameters in double, layer after layer: latent or rounded weights (fan_out, fan_in) and
 * biases. */
typedef struct {
    const qntk_network *shape;
    double *W[8], *b[8];
    /* multi-step activations under noise: what comes out of neuron `neuron` in row `row` for the pre-activation h,
     * and its slope; NULL: without noise, slope 0 */
    double (*activate)(const void *context, size_t layer, size_t row, size_t neuron, double h);
    double (*slope)(const void *context, size_t layer, double h);
    const void *context;
} naive_net;

/* Of the latent weights, or of those a trainer has in use. */
naive_net naive_net_latent(const qntk_network *network);
naive_net naive_net_in_use(const qntk_network *network, const qntk_trainer *trainer);
void naive_net_free(naive_net *net);

/* The output f of one row; h (layers, width), if not NULL, the pre-activations. */
void naive_net_output(const naive_net *net, const float *x, double *f, double (*h)[256]);

/* Mean loss of n rows. */
double naive_net_loss(const naive_net *net, qntk_loss loss, size_t n, const float *X, const float *T);

/* dW and db of the mean loss by the chain rule, without the method's backward factor. */
naive_net naive_net_gradient(const naive_net *net, qntk_loss loss, size_t n, const float *X, const float *T);

/* The rounded weight of index i of the stretch at (seed, stream, position), in extended precision. */
float naive_round(size_t levels, float latent, uint64_t seed, uint64_t stream, uint64_t position, size_t i);

/* The nearest level by trying all, the upper one at a tie. */
float naive_nearest(size_t levels, float latent);

#endif
