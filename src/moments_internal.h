/* One layer of the moments on many rows: what networks and their gradients share. */
#ifndef QNTK_MOMENTS_INTERNAL_H
#define QNTK_MOMENTS_INTERNAL_H

#include "internal.h"

/* What the matrix products need beside the latent weights; NULL where it is zero or unused. */
typedef struct {
    double *noise;  /* tau (fan_out, fan_in): multiplies m^2 */
    double *second; /* tau + theta^2: multiplies v */
} qntk_weight_moments;

/* Weights vary given the latent ones. */
static inline bool qntk_moments_vary(const qntk_moments_weights *layer)
{
    return layer->levels > 0 || layer->noise != NULL;
}

/* tau of weight k */
static inline double qntk_moments_tau(const qntk_moments_weights *layer, size_t k)
{
    return layer->noise != NULL ? layer->noise[k] : qntk_weight_noise(layer->levels, layer->latent[k]);
}

/* w_std / sqrt(fan_in) */
double qntk_moments_scale(const qntk_moments_weights *layer);

/* mu and s2 (rows, fan_out) from m and v (rows, fan_in); `square` is room for m^2. v may be NULL if
 * weights.second is. */
void qntk_moments_step(const qntk_moments_weights *layer, qntk_weight_moments weights, size_t rows,
                       const double *m, const double *v, double *square, double *mu, double *s2);

/* Layers that fit together, every number in its domain, X (n, layers[0].fan_in) finite. *width: the greatest. */
qntk_status qntk_moments_check(const qntk_moments_weights *layers, size_t count, size_t n, const double *X,
                               size_t *width);

#endif
