/* Weight laws: how a latent weight becomes the weight the network multiplies with. */
#ifndef QNTK_QUANTIZER_H
#define QNTK_QUANTIZER_H

#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { QNTK_LEVELS_REAL = 0, QNTK_LEVELS_BINARY = 2, QNTK_LEVELS_TERNARY = 3, QNTK_LEVELS_MAX = 65536 };

/* The three numbers of a layer that enter every kernel here. */
typedef struct {
    size_t levels;        /* grid points on [-1,1]; 0 = real weights */
    double second_moment; /* V = E latent^2: 1 for real (normal) weights, 1/3 for uniform ones */
    double noise;         /* tau = E Var[weight given latent]: 0 for real weights */
} qntk_weight_law;

/* The law with this many levels, 0 (real, latent N(0,1)) or 2 .. 65536 (latent uniform on
 * [-1,1], stochastically rounded without bias to the grid of spacing step = 2/(levels-1)).
 * With u uniform in a cell, Var[weight] = u(1-u) step^2, so noise = step^2/6: binary 2/3,
 * ternary 1/6. QNTK_INVALID for other counts. */
qntk_status qntk_weight_law_create(size_t levels, qntk_weight_law *law);

/* The step between neighbouring levels, 2/(levels-1); 0 for real weights. */
double qntk_weight_step(size_t levels);

/* Var[weight given latent] for latent in [-1,1]: u(1-u) step^2, u the fractional position
 * in its cell; binary: 1 - latent^2. 0 for real weights. */
double qntk_weight_noise(size_t levels, double latent);

/* d Var[weight given latent] / d latent = (1 - 2u) step; binary: -2 latent. On a level between two cells it is
 * that of the upper cell. 0 for real weights. */
double qntk_weight_noise_slope(size_t levels, double latent);

/* The unbiased stochastic rounding of `latent` in [-1,1]: the grid point above with probability
 * u, else the one below, u its fractional position; `uniform` in (0,1) decides. Real: latent. */
double qntk_weight_round(size_t levels, double latent, double uniform);

#ifdef __cplusplus
}
#endif
#endif
