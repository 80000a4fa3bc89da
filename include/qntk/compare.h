/* Methods compared over many data sets: the summary statistics of such studies; and rank correlation.
 *
 * Scores (sets,methods), row-major, higher is better, such as accuracies: one row a data set. */
#ifndef QNTK_COMPARE_H
#define QNTK_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

typedef struct {
    size_t used; /* pairs of two numbers; those with a NaN are left out */
    double tau;  /* in [-1,1]; NaN if x or y takes one value only */
    double p;    /* two-sided, of no association; NaN as tau */
    bool exact;  /* p from the distribution itself; otherwise from its normal approximation */
} qntk_kendall;

/* Kendall's rank correlation tau-b of the pairs (x_i, y_i), count of them, at most 2^32 - 1:
 *
 *     tau = S / sqrt((N - T_x) (N - T_y)),  S = pairs of pairs that go the same way less those that go opposite ways,
 *
 * N = n(n-1)/2, T the sum of t(t-1)/2 over groups of t equal values. Infinities are ordered like numbers. p is exact
 * for at most 50 used pairs without ties, else normal with the variance that ties leave, without continuity
 * correction. O(n log n) time, 32 n bytes. Accuracy 1e-12. (Kendall 1945, "The treatment of ties in ranking problems";
 * counted by merging as in Knight 1966; variance as in Kendall, "Rank correlation methods", 1970, chapter 4.)
 * QNTK_INVALID: a pointer NULL, count beyond the limit; QNTK_NO_MEMORY. */
qntk_status qntk_compare_kendall(size_t count, const double *x, const double *y, qntk_kendall *result);

typedef struct {
    size_t defined;   /* resamples that have a tau */
    double low, high; /* NaN if none has */
} qntk_interval;

/* The percentile bootstrap interval of tau (Efron 1979): `resamples` times as many pairs as are used, drawn with
 * replacement from them, numbers that (seed, resample) alone decide; [low, high] are the quantiles (1 - level)/2 and
 * (1 + level)/2 of their taus, by linear interpolation. Resamples in which x or y takes one value only are left out.
 * Of few pairs the interval is too narrow, and says so by nothing: mind qntk_kendall.used.
 *
 * level in (0,1), 1 to 2^20 resamples. The same bytes for any number of threads; O(resamples n log n).
 * QNTK_INVALID, QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_compare_kendall_interval(size_t count, const double *x, const double *y, size_t resamples,
                                          double level, uint64_t seed, qntk_interval *interval);

#ifdef __cplusplus
}
#endif
#endif
