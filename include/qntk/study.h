/* Kernels compared over many data sets: the published protocol on one set, and the summary over all. */
#ifndef QNTK_STUDY_H
#define QNTK_STUDY_H

#include <stddef.h>

#include "qntk/dataset.h"
#include "qntk/gram.h"
#include "qntk/kernel.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the folders of the UCI collection as Fernandez-Delgado, Cernadas, Barro and Amorim prepared them ("Do we
 * need hundreds of classifiers to solve real world classification problems?", JMLR 15, 2014): hyperparameters
 * by the accuracy on the validation half of the pair, then the mean over the four folds. */

enum { QNTK_STUDY_GRID = 16 };

/* What is searched, each list in ascending order. A kernel whose specification gives `depth` or `bandwidth`
 * keeps that and is searched over ridges only. */
typedef struct {
    size_t depths, bandwidths, ridges;
    size_t depth[QNTK_STUDY_GRID];     /* default 1, 2, 3 */
    double bandwidth[QNTK_STUDY_GRID]; /* default 1/4, 1/2, 1, 2, 4: times the median distance of all rows */
    double ridge[QNTK_STUDY_GRID];     /* default 10^-6, 10^-5 .. 10^2: times the mean of K_ii over the
                                          training rows, in the pair and in each fold its own */
    qntk_precision precision;          /* of kernel values; default double */
} qntk_study_options;

qntk_study_options qntk_study_defaults(void);

/* What one kernel did on one set. Accuracies are fractions of rows. */
typedef struct {
    qntk_kernel kernel;      /* with the depth or bandwidth chosen */
    double ridge;            /* chosen, in the units of the grid */
    double validation;       /* accuracy on the pair: fitted to its train, judged on its test */
    double train, test, gap; /* means over the folds; gap = train - test */
    double seconds;          /* of the wall clock */
} qntk_study_result;

/* The protocol for each of `count` kernels on one set with classes, a pair and at least one fold. Every
 * depth or bandwidth is tried with every ridge, the ridge changing fastest, each ascending; the first with the
 * highest accuracy on the pair wins. Predictions as in qntk_evaluate_split. A ridge that leaves the matrix of the
 * pair singular to rounding, or that of a fold if it was chosen, is left out with all below it: in single precision
 * there are such.
 *
 * result (count). The Gram matrix of all n rows is computed once for each kernel and depth or bandwidth; each
 * training block is reduced once for all ridges. O(n^3) for each; memory 16 n^2 bytes and that of
 * qntk_evaluate_split. On all threads, or serial inside a parallel loop: the same results (seconds excepted)
 * for any number.
 *
 * QNTK_INVALID: no classes, no pair or no folds, rows in them that are not below n, an empty or unsorted grid, a kernel from a file, a median
 * distance of zero. QNTK_SINGULAR: with every ridge; the message names the kernel.
 * Codes of qntk_gram_create and qntk_evaluate_split. On failure the results are zeroed. */
qntk_status qntk_study_set(const qntk_dataset *data, size_t count, const qntk_kernel *kernels,
                           qntk_study_options options, qntk_study_result *result);

/* The median Euclidean distance over all pairs of distinct rows of X (n,d): as qntk_median_distance, without
 * its limit of 2000 rows. QNTK_INVALID if it is zero or n < 2; QNTK_NO_MEMORY. O(n^2 d), 4 n^2 bytes. */
qntk_status qntk_study_median(size_t n, size_t d, const double *X, double *distance);

/* "depth=2" or "bandwidth=1.25", in digits that give the same double back. */
enum { QNTK_STUDY_PARAMS = 64 };
void qntk_study_params(const qntk_kernel *kernel, char params[QNTK_STUDY_PARAMS]);

/* ---- over all sets ---- */

/* One kernel's figures over all sets: means and standard deviations (NaN for one set); the others are about
 * test accuracies and explained in qntk/compare.h. */
typedef struct {
    double train, train_sd, test, test_sd, gap, gap_sd;
    double friedman;   /* average rank, 1 the best */
    double p90, p95;   /* shares of sets within 90 % and 95 % of the best */
    double pma;        /* mean share of the best accuracy */
    double wilcoxon_p; /* against the first kernel; NaN for that one itself */
} qntk_study_summary;

/* summary (kernels) from train and test (sets,kernels), at least one set. QNTK_INVALID, QNTK_NOT_FINITE,
 * QNTK_NO_MEMORY. */
qntk_status qntk_study_summarise(size_t sets, size_t kernels, const double *train, const double *test,
                                 qntk_study_summary *summary);

#ifdef __cplusplus
}
#endif
#endif
