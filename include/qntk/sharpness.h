/* Sharpness of a trained classifier: how much noise its weights bear, and the measures of generalization made of that.
 *
 * sigma is the deviation of normal noise N(0, sigma^2) on every weight at which the training accuracy, averaged over
 * draws, falls by 0.1; sigma' the same for noise of deviation sigma' (|w_i| + eps) on weight w_i. With m rows, omega
 * weights w and w0 those of the start,
 *
 *     flatness      1/sigma^2
 *     norm_origin   |w|^2/(4 sigma^2) + ln(m/sigma) + 10
 *     norm_init     |w - w0|^2/(4 sigma^2) + ln(m/sigma) + 10
 *     magnitude     (1/4) sum_i ln[ (eps^2 + (sigma'^2 + 1) |w - w0|^2/omega) / (eps^2 + sigma'^2 (w_i - w0_i)^2) ]
 *                   + ln(m/sigma') + 10,
 *
 * each reported as sqrt(value/m). Source: the four measures and the search for sigma are those of the published code for
 * generalization measures (Dziugaite et al. 2020 after Jiang et al. 2020, PAC-Bayesian measures), as arXiv 2404.11769
 * uses them. The noise is ours in three ways: that code draws with the deviations sigma^2 and sigma'^2 w_i^2 + eps^2
 * where its formulas want sigma and sqrt(sigma'^2 w_i^2 + eps^2); here they are sigma and sigma' (|w_i| + eps), so that
 * sigma' = 0 is no noise. It moves biases too, and takes a rise of the accuracy by 0.1 for a drop.
 *
 * How they are read for networks with rounded weights (derived here): w are the weights the network multiplies with,
 * in the units of network.h, biases left out; real layers count as well. Rounding to nearest: w are the rounded ones,
 * and w0 the rounded start. Stochastic rounding: the function is the quasi network, w the mean weights, and the
 * perturbed network keeps the variance tau(w) of the rounding (moments.h, `noise`).
 *
 * And a bound on the error rate of new rows, ours: with rho^2 = sum of step^2/12 over the weights of rounded layers,
 * n rows, k weights and confidence 1 - delta,
 *
 *     error <= max over |e| <= rho of error_S(w + e) + h,
 *     h = sqrt( [ k ln(1 + (|w|^2/rho^2) (1 + sqrt(ln n / k))^2) + 4 ln(n/delta) + 8 ln(6n + 3k) ] / (n - 1) ).
 *
 * The form of h is recalled, not copied, from Foret et al. 2021 ("Sharpness-aware minimization", Theorem 1), who assume
 * that noise does not lower the expected loss; that rho is the noise of the rounding is ours. The maximum is
 * approached from below, by gradient steps on the loss of the plain network with projection to the ball, so the figure
 * is an estimate of the bound; it is usually above 1, and then says nothing. */
#ifndef QNTK_SHARPNESS_H
#define QNTK_SHARPNESS_H

#include <stddef.h>
#include <stdint.h>

#include "qntk/network.h"
#include "qntk/status.h"
#include "qntk/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    QNTK_SHARPNESS_FLATNESS,
    QNTK_SHARPNESS_NORM_ORIGIN,
    QNTK_SHARPNESS_NORM_INIT,
    QNTK_SHARPNESS_MAGNITUDE,
    QNTK_SHARPNESS_MEASURES
} qntk_sharpness_measure;

/* "flatness", "norm_origin", "norm_init", "magnitude_aware". */
const char *qntk_sharpness_name(qntk_sharpness_measure measure);

typedef struct {
    size_t repeats;    /* of each bisection, with other draws, from 1; default 5 */
    size_t draws;      /* of noise to an accuracy, from 1; 10 */
    size_t steps;      /* of a bisection, at most, 1 to 60; 15 */
    double drop;       /* of the accuracy that is looked for; 0.1 */
    double tolerance;  /* of the drop, where a bisection ends; 0.01 */
    double limit;      /* sigma is looked for in [0, limit]; 2 */
    double epsilon;    /* eps above; 1e-3 */
    uint64_t seed;     /* of the draws */
    qntk_loss loss;    /* whose gradient is climbed for the bound; default cross-entropy */
    size_t climbs;     /* gradient steps; 10 */
    double confidence; /* 1 - delta; 0.95 */
} qntk_sharpness_options;

qntk_sharpness_options qntk_sharpness_defaults(void);

/* Means over the repeats and standard errors of these (NaN for one repeat). */
typedef struct {
    double accuracy; /* of training, without noise */
    double sigma, sigma_se;
    double magnitude_sigma, magnitude_sigma_se; /* sigma' */
    /* Repeats whose drop came within the tolerance. The others have the last sigma tried: near the limit if no noise
     * takes enough away (an accuracy that is hardly above chance has no 0.1 to lose). */
    size_t found, magnitude_found;
    double measure[QNTK_SHARPNESS_MEASURES], se[QNTK_SHARPNESS_MEASURES]; /* sqrt(value/m) */
    double norm, distance;                                                /* |w|, |w - w0| */
    double rho, worst_error, complexity, bound; /* worst_error + complexity (h); NaN if no layer is rounded */
} qntk_sharpness;

/* One model: `network`, and `start` as it was before training (the same shapes), on the training rows X (n, inputs)
 * with classes y (n) from 0 to classes-1 = outputs-1.
 *
 * Within a bisection the same draws serve all values of sigma; it starts with the middle of [0, limit], and goes up
 * where the drop is too small. Noise number k of repeat r depends on (seed, r, k) alone. Accuracies in single
 * precision. On all threads, the same bytes for any number of them; serial inside a parallel loop. Cost: 3 to 6
 * steps of draws repeats evaluations of all rows for sigma and for sigma', `steps` at most, each about as
 * qntk_network_expect and a normal number a weight; and for each climb one more and a gradient. Measured: two hidden
 * layers of 128 binary neurons, 1000 rows: under 1 s on one core. Memory: 11 numbers a weight and 2 a weight
 * and thread, in float, and the rows once in double.
 *
 * QNTK_INVALID: no classes (sigma is defined by an accuracy), a y that is none of them, other outputs than classes,
 * fewer than 2 rows, shapes that differ, activations other than the ReLU, options outside their domain;
 * QNTK_NOT_FINITE: in X, in latent weights, in an output; QNTK_TOO_LARGE, QNTK_NO_MEMORY, QNTK_INTERRUPTED. On failure
 * the result is zeroed. */
qntk_status qntk_sharpness_of(const qntk_network *network, const qntk_network *start, qntk_rounding rounding,
                              size_t n, const float *X, const double *y, size_t classes,
                              qntk_sharpness_options options, qntk_sharpness *sharpness);

/* h above. */
double qntk_sharpness_complexity(double weights, double rows, double norm, double rho, double confidence);

#ifdef __cplusplus
}
#endif
#endif
