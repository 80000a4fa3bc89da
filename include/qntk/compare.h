/* Methods compared over many data sets: the summary statistics of such studies.
 *
 * Scores (sets,methods), row-major, higher is better, such as accuracies: one row a data set. */
#ifndef QNTK_COMPARE_H
#define QNTK_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Mean of x (count) and standard deviation with 1/(count-1), by two passes; sd may be NULL. Without enough
 * values for it, NaN. */
void qntk_compare_mean(size_t count, const double *x, double *mean, double *sd);

/* rank (methods): Friedman's average ranks, 1 the best; equal scores share the mean of their ranks.
 * QNTK_INVALID: no sets or methods; QNTK_NOT_FINITE with set and method. */
qntk_status qntk_compare_ranks(size_t sets, size_t methods, const double *scores, double *rank);

/* near (methods): the share of sets on which a method reaches at least `share` (0.9 for P90, 0.95 for P95) of
 * the best score there; pma (methods): the mean of its score over that best one. A set on which the best
 * score is 0 counts as reached, ratio 1, by all. Either output may be NULL. (Fernandez-Delgado et al. 2014,
 * "Do we need hundreds of classifiers", section 3.) QNTK_INVALID: negative scores, share outside 0..1;
 * otherwise as above. */
qntk_status qntk_compare_shares(size_t sets, size_t methods, const double *scores, double share, double *near,
                                double *pma);

typedef struct {
    size_t used;      /* pairs that differ; the others are left out */
    double statistic; /* the smaller of the rank sums of positive and negative differences */
    double p;         /* two-sided; 1 if no pair differs */
    bool exact;       /* p from the distribution itself; otherwise from its normal approximation */
} qntk_wilcoxon;

/* Wilcoxon's signed-rank test on the pairs (x_i, y_i), count of them. Exact for at most 50 used pairs whose
 * |x - y| all differ; else normal, the variance n(n+1)(2n+1)/24 less sum (t^3 - t)/48 for groups of t ties,
 * without continuity correction. Accuracy 1e-12. (Wilcoxon 1945; ties as in Lehmann, "Nonparametrics", 1975.)
 * QNTK_NOT_FINITE with the pair; QNTK_NO_MEMORY. */
qntk_status qntk_compare_wilcoxon(size_t count, const double *x, const double *y, qntk_wilcoxon *result);

#ifdef __cplusplus
}
#endif
#endif
