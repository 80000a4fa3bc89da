/* Small networks with random latent weights, for the tests of what is computed from one network. */
#ifndef RANDOM_NETWORK_H
#define RANDOM_NETWORK_H

#include "test.h"

enum { RANDOM_NETWORK_LAYERS = 4 };

typedef struct {
    size_t count;
    qntk_moments_weights layers[RANDOM_NETWORK_LAYERS];
    double *latent[RANDOM_NETWORK_LAYERS], *bias[RANDOM_NETWORK_LAYERS];
} random_network;

/* sizes (count + 1), levels (count); latent weights by the laws, gains 2/(V + tau) before a ReLU and 1/(V + tau) for
 * the readout; biases if b_std > 0. */
random_network random_network_create(size_t count, const size_t *sizes, const size_t *levels, double b_std,
                                     uint64_t seed);
void random_network_destroy(random_network *net);

/* X (n,d) of standard normal numbers. */
void random_rows(size_t n, size_t d, uint64_t seed, double *X);

#endif
