/* Rank correlation: Kendall's tau-b, its p value and a bootstrap interval. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double x, y;
} pair;

static int by_x_then_y(const void *a, const void *b)
{
    const pair *p = a, *q = b;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

/* The pairs without a NaN, in the order above. p (count); returns how many. */
static size_t take_pairs(size_t count, const double *x, const double *y, pair *p)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(x[i]) && !isnan(y[i]))
            p[used++] = (pair){x[i], y[i]};
    qsort(p, used, sizeof *p, by_x_then_y);
    return used;
}

/* Sums over groups of t equal values. */
typedef struct {
    uint64_t pairs;  /* t (t-1)/2 */
    double triples;  /* t (t-1) (t-2) */
    double variance; /* t (t-1) (2t+5) */
} ties;

static void add_group(size_t size, ties *sum)
{
    const double t = (double)size;
    sum->pairs += (uint64_t)size * (size - 1) / 2;
    sum->triples += t * (t - 1) * (t - 2);
    sum->variance += t * (t - 1) * (2 * t + 5);
}

/* Ties of x and of both among pairs in order. */
static void tie_x(size_t n, const pair *p, ties *x, ties *both)
{
    for (size_t first = 0, last; first < n; first = last) {
        size_t same = first;
        for (last = first + 1; last < n && p[last].x == p[first].x; last++)
            if (p[last].y != p[same].y) {
                add_group(last - same, both);
                same = last;
            }
        add_group(last - same, both);
        add_group(last - first, x);
    }
}

static void tie_y(size_t n, const pair *p, ties *y)
{
    for (size_t first = 0, last; first < n; first = last) {
        for (last = first + 1; last < n && p[last].y == p[first].y; last++)
            ;
        add_group(last - first, y);
    }
}

/* Sorts by y alone, equal ones staying in their order, and returns how many pairs of pairs that turned round: by
 * merging runs of 1, 2, 4, .. */
static uint64_t sort_by_y(size_t n, pair *p, pair *scratch)
{
    uint64_t turned = 0;
    pair *from = p, *to = scratch;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t start = 0; start < n; start += 2 * run) {
            const size_t middle = qntk_min(start + run, n), end = qntk_min(start + 2 * run, n);
            for (size_t i = start, j = middle, k = start; k < end; k++)
                if (i < middle && (j == end || from[i].y <= from[j].y)) {
                    to[k] = from[i++];
                } else {
                    turned += middle - i; /* this one passes all that are left of the first run */
                    to[k] = from[j++];
                }
        }
        pair *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != p)
        memcpy(p, from, n * sizeof *p);
    return turned;
}

typedef struct {
    ties x, y;
    uint64_t pairs, against; /* pairs of pairs, and those that go opposite ways */
    double S;
} counts;

/* From pairs in order, which are left in that of y. scratch (n). */
static counts count_pairs(size_t n, pair *p, pair *scratch)
{
    counts c = {.pairs = (uint64_t)n * (n > 0 ? n - 1 : 0) / 2};
    ties both = {0};
    tie_x(n, p, &c.x, &both);
    c.against = sort_by_y(n, p, scratch);
    tie_y(n, p, &c.y);
    /* all = for + against + tied in x + tied in y - tied in both */
    c.S = (double)(c.pairs + both.pairs) - (double)c.x.pairs - (double)c.y.pairs - 2 * (double)c.against;
    return c;
}

static double tau_of(const counts *c)
{
    const double x = (double)(c->pairs - c->x.pairs), y = (double)(c->pairs - c->y.pairs);
    return x > 0 && y > 0 ? fmax(-1, fmin(1, c->S / (sqrt(x) * sqrt(y)))) : NAN;
}

/* ---- p ---- */

enum { EXACT_PAIRS = 50, EXACT_SUMS = EXACT_PAIRS * (EXACT_PAIRS - 1) / 2 + 1 };

/* P(at most `against` pairs of n turned round) when all n! orders are as likely: the i-th one put in turns round with
 * 0 .. i-1 of those there. */
static double lower_tail(size_t n, size_t against)
{
    double chance[EXACT_SUMS] = {1}, next[EXACT_SUMS], tail = 0;
    size_t largest = 0;
    for (size_t i = 2; i <= n; i++) {
        for (size_t sum = 0; sum <= largest + i - 1; sum++) {
            next[sum] = 0;
            for (size_t k = 0; k < i && k <= sum; k++)
                next[sum] += sum - k <= largest ? chance[sum - k] / (double)i : 0;
        }
        largest += i - 1;
        memcpy(chance, next, (largest + 1) * sizeof *chance);
    }
    for (size_t sum = 0; sum <= against; sum++)
        tail += chance[sum];
    return tail;
}

static void test_pairs(size_t n, const counts *c, qntk_kendall *result)
{
    const double m = (double)n;
    result->exact = c->x.pairs == 0 && c->y.pairs == 0 && n <= EXACT_PAIRS;
    if (result->exact) { /* the distribution is symmetric */
        result->p = fmin(1, 2 * lower_tail(n, (size_t)qntk_min(c->against, c->pairs - c->against)));
        return;
    }
    double variance = (m * (m - 1) * (2 * m + 5) - c->x.variance - c->y.variance) / 18;
    variance += 2 * (double)c->x.pairs * (double)c->y.pairs / (m * (m - 1));
    if (n > 2)
        variance += c->x.triples * c->y.triples / (9 * m * (m - 1) * (m - 2));
    result->p = erfc(fabs(c->S) / sqrt(2 * variance));
}

static qntk_status check(size_t count, const double *x, const double *y)
{
    QNTK_REQUIRE(count == 0 || (x != NULL && y != NULL), "x and y must not be NULL");
    QNTK_REQUIRE(count <= UINT32_MAX, "count must be below 2^32");
    return QNTK_OK;
}

qntk_status qntk_compare_kendall(size_t count, const double *x, const double *y, qntk_kendall *result)
{
    QNTK_REQUIRE(result != NULL, "result must not be NULL");
    *result = (qntk_kendall){.tau = NAN, .p = NAN};
    qntk_status status = check(count, x, y);
    if (status != QNTK_OK)
        return status;
    pair *p = qntk_alloc(2 * count, sizeof *p);
    if (p == NULL)
        return QNTK_FAIL_MEMORY();
    result->used = take_pairs(count, x, y, p);
    const counts c = count_pairs(result->used, p, p + count);
    result->tau = tau_of(&c);
    if (!isnan(result->tau))
        test_pairs(result->used, &c, result);
    qntk_free(p);
    return QNTK_OK;
}

/* ---- the interval ---- */

/* Resamples that share scratch memory: an item of the parallel loop. */
enum { BLOCK = 32, RESAMPLES_MAX = 1 << 20 };

typedef struct {
    size_t n, resamples;
    const pair *p; /* (n) in order */
    uint64_t seed;
    double *tau; /* (resamples) */
} bootstrap;

static qntk_status run_block(void *context, size_t index, size_t worker)
{
    (void)worker;
    const bootstrap *b = context;
    const size_t n = b->n, end = qntk_min((index + 1) * BLOCK, b->resamples);
    pair *drawn = qntk_alloc(2 * n, sizeof *drawn);
    size_t *times = qntk_alloc(n, sizeof *times);
    qntk_status status = drawn == NULL || times == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    for (size_t r = index * BLOCK; r < end && status == QNTK_OK; r++) {
        qntk_rng rng = qntk_rng_create(b->seed, (UINT64_C(0x6b656e64) << 32) + r); /* "kend" */
        memset(times, 0, n * sizeof *times);
        for (size_t i = 0; i < n; i++)
            times[qntk_rng_below(&rng, n)]++;
        for (size_t i = 0, k = 0; i < n; i++) /* in order without sorting */
            for (size_t t = 0; t < times[i]; t++)
                drawn[k++] = b->p[i];
        const counts c = count_pairs(n, drawn, drawn + n);
        b->tau[r] = tau_of(&c);
    }
    qntk_free(drawn);
    qntk_free(times);
    return status;
}

/* Of x (n) in ascending order, n >= 1. */
static double quantile(size_t n, const double *x, double share)
{
    const double at = share * (double)(n - 1);
    const size_t k = qntk_min((size_t)at, n - 1), next = qntk_min(k + 1, n - 1);
    return x[k] + (at - (double)k) * (x[next] - x[k]);
}

qntk_status qntk_compare_kendall_interval(size_t count, const double *x, const double *y, size_t resamples,
                                          double level, uint64_t seed, qntk_interval *interval)
{
    QNTK_REQUIRE(interval != NULL, "interval must not be NULL");
    *interval = (qntk_interval){.low = NAN, .high = NAN};
    QNTK_REQUIRE(resamples >= 1 && resamples <= RESAMPLES_MAX, "resamples must be 1 to 2^20");
    QNTK_REQUIRE(level > 0 && level < 1, "level must be between 0 and 1");
    qntk_status status = check(count, x, y);
    if (status != QNTK_OK)
        return status;
    pair *p = qntk_alloc(count, sizeof *p);
    bootstrap b = {.resamples = resamples, .p = p, .seed = seed, .tau = qntk_alloc(resamples, sizeof *b.tau)};
    if (p == NULL || b.tau == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    b.n = take_pairs(count, x, y, p);
    status = qntk_parallel_for((resamples + BLOCK - 1) / BLOCK, run_block, &b);
    if (status != QNTK_OK)
        goto done;
    for (size_t r = 0; r < resamples; r++)
        if (!isnan(b.tau[r]))
            b.tau[interval->defined++] = b.tau[r];
    if (interval->defined > 0) {
        qsort(b.tau, interval->defined, sizeof *b.tau, qntk_ascending);
        interval->low = quantile(interval->defined, b.tau, (1 - level) / 2);
        interval->high = quantile(interval->defined, b.tau, (1 + level) / 2);
    }
done:
    qntk_free(p);
    qntk_free(b.tau);
    return status;
}
