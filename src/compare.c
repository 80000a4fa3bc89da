/* Methods compared over many data sets. */
#include "internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void qntk_compare_mean(size_t count, const double *x, double *mean, double *sd)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    *mean = count > 0 ? sum / (double)count : NAN;
    for (size_t i = 0; i < count; i++)
        square += (x[i] - *mean) * (x[i] - *mean);
    if (sd != NULL)
        *sd = count > 1 ? sqrt(square / (double)(count - 1)) : NAN;
}

static qntk_status check_scores(size_t sets, size_t methods, const double *scores)
{
    QNTK_REQUIRE(sets >= 1 && methods >= 1, "sets and methods must be at least 1");
    QNTK_REQUIRE(scores != NULL, "scores must not be NULL");
    for (size_t i = 0; i < sets * methods; i++)
        if (!(fabs(scores[i]) <= DBL_MAX))
            return qntk_fail(QNTK_NOT_FINITE, "set %zu, method %zu: expected a finite score, found %g",
                             i / methods, i % methods, scores[i]);
    return QNTK_OK;
}

qntk_status qntk_compare_ranks(size_t sets, size_t methods, const double *scores, double *rank)
{
    QNTK_REQUIRE(rank != NULL, "rank must not be NULL");
    memset(rank, 0, methods * sizeof(double));
    qntk_status status = check_scores(sets, methods, scores);
    if (status != QNTK_OK)
        return status;
    for (size_t s = 0; s < sets; s++)
        for (size_t a = 0; a < methods; a++) { /* 1 + those better + half of the others that are equal */
            const double *row = scores + s * methods;
            double position = 0.5;
            for (size_t b = 0; b < methods; b++)
                position += row[b] > row[a] ? 1 : row[b] == row[a] ? 0.5 : 0;
            rank[a] += position;
        }
    for (size_t a = 0; a < methods; a++)
        rank[a] /= (double)sets;
    return QNTK_OK;
}

qntk_status qntk_compare_shares(size_t sets, size_t methods, const double *scores, double share, double *near,
                                double *pma)
{
    if (near != NULL)
        memset(near, 0, methods * sizeof(double));
    if (pma != NULL)
        memset(pma, 0, methods * sizeof(double));
    QNTK_REQUIRE(share >= 0 && share <= 1, "share must be in 0..1");
    qntk_status status = check_scores(sets, methods, scores);
    for (size_t i = 0; i < sets * methods && status == QNTK_OK; i++)
        if (scores[i] < 0)
            status = qntk_fail(QNTK_INVALID, "set %zu, method %zu: expected a score of at least 0, found %g",
                               i / methods, i % methods, scores[i]);
    for (size_t s = 0; s < sets && status == QNTK_OK; s++) {
        const double *row = scores + s * methods;
        double best = 0;
        for (size_t a = 0; a < methods; a++)
            best = fmax(best, row[a]);
        for (size_t a = 0; a < methods; a++) {
            if (near != NULL)
                near[a] += row[a] >= share * best;
            if (pma != NULL)
                pma[a] += best > 0 ? row[a] / best : 1;
        }
    }
    for (size_t a = 0; a < methods; a++) {
        if (near != NULL)
            near[a] /= (double)sets;
        if (pma != NULL)
            pma[a] /= (double)sets;
    }
    return status;
}

/* ---- Wilcoxon ---- */

typedef struct {
    double size; /* |x - y| */
    bool positive;
} difference;

static int by_size(const void *a, const void *b)
{
    const double x = ((const difference *)a)->size, y = ((const difference *)b)->size;
    return (x > y) - (x < y);
}

/* Rank sums of the sorted differences; *ties = sum over groups of t equal ones of t^3 - t. */
static void rank_sums(size_t count, const difference *d, double *positive, double *negative, double *ties)
{
    *positive = *negative = *ties = 0;
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first + 1; last < count && d[last].size == d[first].size; last++)
            ;
        const double t = (double)(last - first), rank = (double)(first + 1 + last) / 2;
        *ties += t * t * t - t;
        for (size_t i = first; i < last; i++)
            *(d[i].positive ? positive : negative) += rank;
    }
}

enum { EXACT_PAIRS = 50, EXACT_SUMS = EXACT_PAIRS * (EXACT_PAIRS + 1) / 2 + 1 };

/* P(sum <= statistic) when each of the ranks 1 .. count is in the sum with probability 1/2. */
static double lower_tail(size_t count, size_t statistic)
{
    double chance[EXACT_SUMS] = {1}, tail = 0; /* of each value of the sum */
    size_t largest = 0;
    for (size_t rank = 1; rank <= count; rank++) {
        largest += rank;
        for (size_t sum = largest + 1; sum-- > 0;)
            chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2;
    }
    for (size_t sum = 0; sum <= statistic; sum++)
        tail += chance[sum];
    return tail;
}

static void test_ranks(size_t count, const difference *d, qntk_wilcoxon *result)
{
    const double n = (double)count;
    double positive, negative, ties;
    rank_sums(count, d, &positive, &negative, &ties);
    result->used = count;
    result->statistic = fmin(positive, negative);
    result->exact = ties == 0 && count <= EXACT_PAIRS;
    if (result->exact) {
        result->p = fmin(1, 2 * lower_tail(count, (size_t)result->statistic));
        return;
    }
    const double mean = n * (n + 1) / 4, variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48;
    result->p = erfc((mean - result->statistic) / sqrt(2 * variance));
}

qntk_status qntk_compare_wilcoxon(size_t count, const double *x, const double *y, qntk_wilcoxon *result)
{
    QNTK_REQUIRE(result != NULL, "result must not be NULL");
    *result = (qntk_wilcoxon){0};
    QNTK_REQUIRE(count == 0 || (x != NULL && y != NULL), "x and y must not be NULL");
    difference *d = qntk_alloc(count, sizeof *d);
    if (d == NULL)
        return QNTK_FAIL_MEMORY();
    size_t used = 0;
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < count && status == QNTK_OK; i++) {
        const double gap = x[i] - y[i];
        if (!(fabs(gap) <= DBL_MAX))
            status = qntk_fail(QNTK_NOT_FINITE, "pair %zu: expected two finite numbers, found %g and %g", i,
                               x[i], y[i]);
        else if (gap != 0)
            d[used++] = (difference){fabs(gap), gap > 0};
    }
    if (status == QNTK_OK) {
        qsort(d, used, sizeof *d, by_size);
        test_ranks(used, d, result);
    }
    qntk_free(d);
    return status;
}
