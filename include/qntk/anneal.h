/* Additive noise annealing: multi-step functions made smooth by noise on their argument, and noise that
 * disappears while a network trains.
 *
 * A quantizer with K + 1 equally spaced levels q_k = lowest + k in units of its step takes x to
 *     step * ( q_0 + sum_{i=1..K} 1[z_i >= 0] ),     z_i = x/step - mean - t_i,   t_i = q_{i-1} + 1/2.
 * With noise added to x/step, of distribution function F and density f = F', level q_k has probability
 * F(z_k) - F(z_{k+1}) (with F(z_0) = 1, F(z_{K+1}) = 0), and the expected output and its slope are
 *     step * ( q_0 + sum_i F(z_i) )     and     sum_i f(z_i).
 *
 * Source: Spallanzani et al., arXiv 1905.10452 and 2203.11323, with the definitions of the authors' code; the
 * Lipschitz constants are derived here. */
#ifndef QNTK_ANNEAL_H
#define QNTK_ANNEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- noise ---- */

typedef enum {
    QNTK_NOISE_UNIFORM,    /* on [-s, s]:   F = clamp((z/s + 1)/2, 0, 1),  f = 1[|z| <= s]/(2s) */
    QNTK_NOISE_TRIANGULAR, /* on [-s, s]:   F = (1 + sgn z a(2 - a))/2 with a = min(|z|/s, 1),  f = (1 - a)/s */
    QNTK_NOISE_NORMAL,     /* deviation s:  F = Phi(z/s) */
    QNTK_NOISE_LOGISTIC,   /* scale s:      F = 1/(1 + exp(-z/s)),  f = F(1 - F)/s */
    QNTK_NOISE_COUNT
} qntk_noise_shape;

/* "uniform", "triangular", "normal", "logistic". */
const char *qntk_noise_name(qntk_noise_shape shape);

typedef struct {
    qntk_noise_shape shape;
    double mean;
    double scale; /* s >= 0, in units of the step; 0: no noise, F the unit step 1[z >= 0] and f = 0 */
} qntk_noise;

/* F(z), f(z) and max f for noise of mean 0, that is z as above. F has a relative accuracy of a few units in
 * the last place in its lower tail too. The peak is infinite for scale 0. */
double qntk_noise_distribution(qntk_noise noise, double z);
double qntk_noise_density(qntk_noise noise, double z);
double qntk_noise_peak(qntk_noise noise);

/* The published start of the schedule: 1/2 for uniform and triangular noise, 1/(2 ln 39) and 1/(2 * 1.96) for
 * logistic and normal noise, which then stay within half a step 95 times of 100. */
double qntk_noise_usual_scale(qntk_noise_shape shape);

/* ---- multi-step functions ---- */

typedef struct {
    size_t levels; /* K + 1, from 2 */
    double lowest; /* q_0, in units of the step */
    double step;   /* > 0 */
} qntk_steps;

/* The levels of quantizer.h, equally spaced on [-1,1]: lowest -(levels-1)/2, step 2/(levels-1). */
qntk_steps qntk_steps_symmetric(size_t levels);

/* The function of `levels` levels that follows a hidden layer whose pre-activations h are normal with mean 0 and
 * this standard deviation > 0: symmetric levels, -step (levels-1)/2 .. step (levels-1)/2, or `positive` ones, 0, step,
 * .., step (levels-1), a rectifier that is rounded and ends. The step is that of the least E (h - q(h))^2, or
 * E (relu(h) - q(h))^2: there E q(h)^2 = E h q(h), with h normal
 *     step S = deviation P,   S = q_0^2 + 2 sum_i t_i Phi(-step t_i / deviation),   P = sum_i phi(step t_i / deviation),
 * found by bisection to a few units in the last place. O(levels). levels or deviation outside their domain: {0}.
 * Source: the symmetric steps are those of Max 1960, "Quantizing for minimum distortion", table II; the equation
 * is derived here. */
qntk_steps qntk_steps_normal(size_t levels, bool positive, double deviation);

/* E q(h)^2 for h normal with mean 0 and this standard deviation > 0, step^2 S with S above. O(levels), relative
 * accuracy levels eps. Derived here. */
double qntk_steps_second_moment(qntk_steps steps, double deviation);

/* The hard quantizer (scale and mean 0). */
double qntk_steps_hard(qntk_steps steps, double x);

/* What the forward pass makes of x under the three strategies: the expected output; the most probable level,
 * the larger one at a tie; the level that `uniform` in (0,1) draws, P(output >= q_k) = F(z_k). Scale 0 gives
 * the hard quantizer, shifted by the mean. Cost: the terms where F is neither 0 nor 1 to double precision, at
 * most K. */
double qntk_steps_expected(qntk_steps steps, qntk_noise noise, double x);
double qntk_steps_mode(qntk_steps steps, qntk_noise noise, double x);
double qntk_steps_draw(qntk_steps steps, qntk_noise noise, double x, double uniform);

/* sum_i f(z_i), the derivative of the expected output: the factor of the backward pass under any strategy;
 * its noise may differ from the forward pass's. Forward scale 0 and backward uniform noise of scale 1/2 is
 * the straight-through estimator. */
double qntk_steps_slope(qntk_steps steps, qntk_noise noise, double x);

/* A Lipschitz constant of the expected output: max f times the largest number of noise supports that
 * overlap, min(K, ceil(2s)) for uniform and triangular noise (the constant itself for the uniform one where
 * that number is 1 or 2s is whole), K for the others. Infinite for scale 0. Derived here. */
double qntk_steps_lipschitz(qntk_steps steps, qntk_noise noise);

/* ---- schedules ---- */

typedef enum {
    QNTK_ANNEAL_BOUNDED,   /* beta ((end - clip(t, start, end)) / (end - start))^power: 0 from `end` on */
    QNTK_ANNEAL_HYPERBOLIC /* beta (1 / (max(t, start) - start + 1))^power */
} qntk_anneal_law;

typedef struct {
    qntk_anneal_law law;
    double start, end; /* epochs; start <= end */
    double beta;       /* scale at the start, >= 0 */
    double power;      /* > 0 */
} qntk_anneal_schedule;

/* The noise scale at epoch t >= 0. */
double qntk_anneal_scale(qntk_anneal_schedule schedule, double t);

/* How layer l = 0 .. layers-1 shares out the training time, P epochs a layer on average. */
typedef enum {
    QNTK_ANNEAL_OVERLAPPED, /* [0, P layers] for all */
    QNTK_ANNEAL_PARTITION,  /* [P l, P (l+1)], one after the other */
    QNTK_ANNEAL_SAME_START, /* [0, P (l+1)] */
    QNTK_ANNEAL_SAME_END,   /* [P (layers-l-1), P layers] */
    QNTK_ANNEAL_SYNC_COUNT
} qntk_anneal_sync;

/* "overlapped", "partition", "same-start", "same-end". */
const char *qntk_anneal_sync_name(qntk_anneal_sync sync);

/* The schedule of one layer: the interval above, power 2, or 2 (layers - l) if `progressive`, so that early
 * layers lose their noise first. QNTK_INVALID: layer >= layers, period or beta negative or not finite. */
qntk_status qntk_anneal_layer(qntk_anneal_law law, qntk_anneal_sync sync, bool progressive, double period,
                              double beta, size_t layer, size_t layers, qntk_anneal_schedule *schedule);

#ifdef __cplusplus
}
#endif
#endif
