/* The elementwise loops of annealed weights, over stretches of a row; compiled once per instruction set as
 * those of train_simd.h are, with the same bytes from all. */
#ifndef QNTK_ANNEAL_SIMD_H
#define QNTK_ANNEAL_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include "qntk/anneal.h"

/* Noise has mean 0 and a scale from QNTK_ANNEAL_SCALE_MIN to QNTK_ANNEAL_SCALE_MAX steps; latent weights are
 * taken to `levels` equally spaced levels on [-1,1], and need not lie there. NaN gives NaN. Cost: a distribution
 * or density for each threshold that noise can reach, `terms`, at most levels - 1.
 *
 * Accuracy: z is off by up to (terms + 1) 2^-23 steps, which narrow noise magnifies: a distribution by up to
 * 3e-7 + (terms + 1) 2^-23 max f. */
#define QNTK_ANNEAL_SCALE_MIN 0x1p-60 /* less is none: 1/scale and its products must stay finite */
#define QNTK_ANNEAL_SCALE_MAX 1e3     /* latent weights are followed for 2^20 steps */

typedef struct {
    const char *name;
    /* weight <- the expected output, off by as many distributions as there are terms, and 2^-22. */
    void (*expected)(qntk_noise noise, size_t levels, size_t count, const float *latent, float *weight);
    /* weight <- the most probable level, the upper one where probabilities are closer than 2^-21. */
    void (*mode)(qntk_noise noise, size_t levels, size_t count, const float *latent, float *weight);
    /* weight <- the level that u = ((high 2^16 + low) / 2^9 rounded down + 1/2) / 2^23 draws, high and
     * low below 2^16. Probabilities are
     * off as distributions are. */
    void (*draw)(qntk_noise noise, size_t levels, size_t count, const uint32_t *high, const uint32_t *low,
                 const float *latent, float *weight);
    /* gradient <- gradient times the slope, off by terms (2^-20 max f + (terms + 1) 2^-23 max |f'|); where two
     * supports of uniform noise meet, one of them counts. */
    void (*slope)(qntk_noise noise, size_t levels, size_t count, const float *latent, float *gradient);
} qntk_anneal_ops;

/* The loops for an instruction set by name, or the best for this processor (NULL). NULL and a message if the
 * processor or the build lacks it. */
const qntk_anneal_ops *qntk_anneal_ops_find(const char *name);

#endif
