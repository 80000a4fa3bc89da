/* Kernel regression on one split of the rows: how well it fits, how well it predicts, and what the training
 * rows alone say about that. */
#ifndef QNTK_EVALUATE_H
#define QNTK_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/dataset.h"
#include "qntk/ridge.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one ridge gives on one split. Classification: accuracies, fractions of rows; regression: mean squared
 * errors in squares of the target's units. NaN: what the detail does not include, and test and gap where
 * there are no test rows. */
typedef struct {
    double ridge;
    double train, test;
    double gap;     /* train - test of accuracies, test - train of errors: above zero means fits too well */
    double loo;     /* left out one by one, training rows: fraction misclassified, or mean squared error */
    double loo_mse; /* the same as a mean squared error of the targets, summed over the classes */
    double kare;    /* as in qntk/ridge.h, of the targets (less their mean with `center`), */
    double gcv;     /* mean squared residual / (1 - freedom/n)^2; NaN for ridge = 0, where it is 0/0 */
    double freedom; /* effective degrees of freedom; centring's own one is not counted */
    double rcond;   /* of K + ridge I, an estimate */
} qntk_score;

typedef struct {
    qntk_ridge_detail detail; /* default QNTK_RIDGE_LEAVE_ONE_OUT */
    qntk_ridge_route route;   /* default QNTK_RIDGE_ROUTE_AUTO */
    bool center; /* subtract the mean of the training targets, add it to predictions; default false. Left out
                    means that the row is not in the mean either; the mean of no rows is 0. */
} qntk_evaluate_options;

qntk_evaluate_options qntk_evaluate_defaults(void);

/* Fits the training rows of `split` for every ridge and predicts them and the test rows.
 *
 * K (n,n): the kernel of all rows, symmetric; split: rows of it, at least one to train on. y (n): classes 0 ..
 * classes-1, regressed on as one-hot minus 1/classes and predicted by the largest score, the lower class at a
 * tie; or values, if classes = 0. ridge (count), each >= 0: added to K itself. Gives score (count) and, unless
 * NULL, prediction (test_count,count): class or value.
 *
 * With t training rows: memory 8 t^2 + 8 t test_count bytes beside that of qntk_ridge_solve; time that of
 * qntk_ridge_solve. On all threads, the same bytes for any number; serial inside a parallel loop. Left out with
 * `center`: exactly what refitting without the row gives, by one more target, a column of ones (derived
 * here: predictions are linear in the targets).
 *
 * QNTK_SINGULAR: K + ridge I is singular on the training rows; the message names the ridge and, found by
 * trying, a power of ten that is enough. QNTK_INVALID: a row of the split not below n, a label that is no
 * class; QNTK_NOT_FINITE; QNTK_NO_MEMORY, QNTK_TOO_LARGE, QNTK_INTERRUPTED. On failure scores and predictions
 * are zeroed. */
qntk_status qntk_evaluate_split(size_t n, const double *K, const double *y, size_t classes,
                                const qntk_split *split, size_t count, const double *ridge,
                                qntk_evaluate_options options, qntk_score *score, double *prediction);

/* The ridges that are tried where none are given, ascending: 10^-6, 10^-5, .. 10^2 times the mean of K_ii over
 * `rows` (count), or over all n rows if that is NULL. */
enum { QNTK_EVALUATE_RIDGES = 9 };
void qntk_evaluate_ridges(size_t n, const double *K, size_t count, const size_t *rows,
                          double ridge[QNTK_EVALUATE_RIDGES]);

/* The ridge, 0 .. count-1, that leaving out would choose from score (folds,count): the smallest mean of loo
 * over the folds, ties by loo_mse, then by the smaller ridge. */
size_t qntk_evaluate_choose(size_t folds, size_t count, const qntk_score *score);

#ifdef __cplusplus
}
#endif
#endif
