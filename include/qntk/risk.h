/* The error of kernel regression predicted from a spectrum and the target's coefficients in it. */
#ifndef QNTK_RISK_H
#define QNTK_RISK_H

#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* n random rows, K + ridge I. With kappa > 0 the solution of
 *     sum_i N_i L_i + ridge/kappa = n,   L_i = eval_i / (eval_i + kappa)      ("learnability" of mode i)
 * the errors, on average over the choice of the rows, are
 *     E0    = n / (n - sum_i N_i L_i^2)                                        (what unit noise becomes)
 *     test  = E0 ( sum_i (1 - L_i)^2 power_i + noise )
 *     train = ( ridge / (n kappa) )^2 test
 * (Simon, Dickens, Karkada, DeWeese 2021, "The eigenlearning framework", equations 4 to 8; Canatar, Bordelon,
 * Pehlevan 2021, "Spectral bias and task-model alignment"). Exact as n and the number of modes grow together;
 * relative corrections are of order 1/n. */
typedef struct {
    size_t count;
    const double *eval;         /* (count) >= 0, in any order */
    const double *multiplicity; /* (count) >= 0, N_i, or NULL for ones: Mercer spectra of the sphere */
    const double *power; /* (count) >= 0: squares of the target's coefficients in eigenspace i, summed over
                            its N_i modes and over all targets; NULL for zeros */
    double noise;        /* variance of the labels' noise, and the target's power outside the modes listed */
    double tail; /* sum of N eval over modes that are not listed, all far below kappa: each adds eval/kappa to
                    the first equation, as a ridge would */
} qntk_risk_model;

typedef struct {
    double kappa;
    double learned; /* sum N_i L_i: how many modes are learned, at most n */
    double e0;
    double test;  /* mean squared error on new rows with noisy labels */
    double clean; /* against the target without noise: test - noise, without its cancellation */
    double train; /* on the n rows */
} qntk_risk;

/* kappa, relative accuracy 1e-14, by a bracketed Newton iteration whose every sum has positive terms only:
 * modes with L_i >= 1/2 enter by 1 - L_i, so that integers cancel exactly. `ridge` includes the tail.
 * O(count) per step, about ten steps.
 *
 * ridge = 0 and sum of N_i over eval_i > 0 at most n: kappa = 0 (then L_i = 1 or 0).
 * QNTK_INVALID: n = 0, negative values. QNTK_NOT_FINITE: NaN, infinity, overflow of the trace. */
qntk_status qntk_risk_kappa(size_t count, const double *eval, const double *multiplicity, size_t n,
                            double ridge, double *kappa);

/* The prediction for n rows. learnability (count) or NULL: the L_i.
 *
 * kappa = 0: the limits; with `rank` modes, E0 = n/(n - rank), train = (n - rank)/n (unlearned + noise). At
 * rank = n E0 is infinite, and so is test unless there is nothing to learn wrongly (then 0).
 * Codes as above; the result is zeroed on failure. */
qntk_status qntk_risk_predict(const qntk_risk_model *model, size_t n, double ridge, double *learnability,
                              qntk_risk *risk);

/* ---- a finite pool of P rows as the population ---- */

/* For eval the eigenvalues of K/P (K the pool's own Gram matrix), evec (P,count) their orthonormal
 * eigenvectors, column k the k-th, and targets Y (P,m):
 *     power_k = sum_c (sum_i evec_ik Y_ic)^2 / P,     rest = |Y|^2/P - sum_k power_k >= 0 (goes into noise)
 * O(P count m), on all threads. QNTK_INVALID, QNTK_TOO_LARGE, QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_risk_power(size_t P, size_t count, const double *evec, size_t m, const double *Y,
                            double *power, double *rest);

/* The same pool, all P modes, eval and power (P) as above, and the n rows drawn without replacement. That is
 * how subsets of a pool are drawn; qntk_risk_predict speaks of rows drawn independently, and the two agree as
 * n/P -> 0 or without ridge. Here K_nn + ridge I is a subset of K + ridge I, and with d = ridge/P
 *     sum_i (eval_i + d)/(eval_i + kappa) = n,   L_i = eval_i/(eval_i + kappa),   s = kappa - d
 *     L'_i  = (eval_i + d)/(eval_i + kappa),     S = sum_i L'_i (1 - L'_i)
 *     E0    = 1 + (s/kappa)^2 sum_i L_i^2 / S
 *     test  = E0 sum_i (1 - L_i)^2 power_i                                     (over the whole pool)
 *     train = (d/kappa)^2 (P/n) ((P - n)/S) sum_i (1 - L_i)^2 power_i
 * Exact at n = P (kappa = d), where the formulas for independent rows are not. Derived here: with D = ridge on
 * the rows drawn and infinity on the others the residual is D (K + D)^-1 y, and for eigenvectors in general
 * position E (K + D)^-1 = (K + w)^-1, w = ridge + (1 - n/P)/g, g = tr (K + w)^-1/P, w = P kappa (free
 * compression); the squares follow by the derivative along K + t B, B = K^2 and B = I.
 *
 * ridge = 0 and at most n eigenvalues above zero: the limit of a small ridge. O(P) per step.
 * QNTK_INVALID: n = 0 or above P, negative values; QNTK_NOT_FINITE; QNTK_NO_MEMORY. */
qntk_status qntk_risk_pool(size_t P, const double *eval, const double *power, size_t n, double ridge,
                           qntk_risk *risk);

/* With such a model `test` is the error over the whole pool, the n training rows included. Over the other
 * P - n rows it is (P test - n train)/(P - n). NaN unless n < P. */
double qntk_risk_held_out(const qntk_risk *risk, size_t n, size_t P);

#ifdef __cplusplus
}
#endif
#endif
