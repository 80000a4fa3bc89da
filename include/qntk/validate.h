/* Is the quasi network right? Moments of sampled roundings of one network beside moment propagation. */
#ifndef QNTK_VALIDATE_H
#define QNTK_VALIDATE_H

#include <stddef.h>
#include <stdint.h>

#include "qntk/moments.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is compared, per layer: mean and variance over the rounding of pre-activations h and of outputs relu(h). */
typedef enum {
    QNTK_VALIDATE_MEAN,
    QNTK_VALIDATE_VARIANCE,
    QNTK_VALIDATE_OUTPUT_MEAN,
    QNTK_VALIDATE_OUTPUT_VARIANCE,
    QNTK_VALIDATE_MOMENTS
} qntk_validate_moment;

/* "mean", "variance", "output mean", "output variance". */
const char *qntk_validate_moment_name(qntk_validate_moment moment);

/* One layer, over all its neurons and all rows. NaN: the outputs of the last layer, which has no ReLU, and where
 * the weights so far are real: nothing varies. */
typedef struct {
    /* The largest |measured - predicted| in standard errors of the measurement. Where the prediction is exact
     * (means and variances of the first layer) this is the maximum of as many t-like variables as there are
     * neurons and rows. Entries without spread in the sample are left out. */
    double max_abs_z[QNTK_VALIDATE_MOMENTS];
    double rms_relative_error[QNTK_VALIDATE_MOMENTS]; /* |measured - predicted|_2 / |predicted|_2 */
    double rms_relative_noise
        [QNTK_VALIDATE_MOMENTS]; /* what sampling alone would make of it: |se|_2 / |predicted|_2 */
    /* Kolmogorov's distance of (h - mu)/s from the standard normal distribution: one value of h a draw, of a neuron
     * and row chosen at random for that draw, so that the values are independent; and its p value. */
    double ks, ks_p;
} qntk_validate_layer;

typedef struct {
    size_t draws; /* roundings, from 10; default 1000 */
    uint64_t seed;
} qntk_validate_options;

qntk_validate_options qntk_validate_defaults(void);

typedef struct {
    size_t layers, n, outputs, draws;
    qntk_validate_layer *layer; /* (layers) */
    double *mean, *variance;    /* (n,outputs) of the last layer, as predicted */
    double *sample;             /* (draws,n,outputs) of the last layer, as drawn */
    double *standard;           /* (layers,draws) the values (h - mu)/s behind ks; NaN where s = 0 */
} qntk_validation;

/* Rounds all layers `draws` times, passes the rows X (n, layers[0].fan_in) through each rounded network, and
 * compares. Draw k depends on (seed, k) alone. Standard errors: of a mean the sample's deviation / sqrt(draws), of
 * a variance sqrt((m4 - variance^2)/draws), m4 the sample's fourth central moment.
 *
 * O(draws (1 + n/10) sum fan_in fan_out), on all threads, the same bytes for any number of them. QNTK_INVALID
 * (fewer than 10 draws, layers that do not fit, a layer with `noise`), QNTK_NOT_FINITE, QNTK_NO_MEMORY, QNTK_TOO_LARGE,
 * QNTK_INTERRUPTED; on failure the result is zeroed. */
qntk_status qntk_validate(const qntk_moments_weights *layers, size_t count, size_t n, const double *X,
                          qntk_validate_options options, qntk_validation *result);

void qntk_validation_free(qntk_validation *result);

/* Kolmogorov's distance of x (count) from the standard normal distribution, and the probability of a larger one
 * (the limiting distribution at (sqrt N + 0.12 + 0.11/sqrt N) D: Stephens 1970, good to 1 % from N = 10). Sorts x.
 * NaN if count = 0 or a value is NaN. */
void qntk_validate_normality(size_t count, double *x, double *ks, double *p);

#ifdef __cplusplus
}
#endif
#endif
