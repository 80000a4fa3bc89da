/* Kendall's rank correlation against its definition over all pairs of pairs, SciPy's values and closed forms. */
#include "test.h"

#include <float.h>
#include <string.h>

enum { N = 200 };

/* ---- the twin: every pair of pairs ---- */

static double sign(double a, double b)
{
    return (double)((a > b) - (a < b));
}

/* tau-b over the pairs i that `times` (n) counts so often. */
static double naive_tau(size_t n, const double *x, const double *y, const size_t *times)
{
    double S = 0, differ_x = 0, differ_y = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            if (isnan(x[i]) || isnan(y[i]) || isnan(x[j]) || isnan(y[j]))
                continue;
            const double weight = (double)times[i] * (double)times[j];
            S += weight * sign(x[i], x[j]) * sign(y[i], y[j]);
            differ_x += weight * fabs(sign(x[i], x[j]));
            differ_y += weight * fabs(sign(y[i], y[j]));
        }
    return S / sqrt(differ_x * differ_y); /* 0/0 where all are tied */
}

/* Values of which many are equal, some infinite or not there. */
static void rough_values(size_t n, size_t distinct, uint64_t seed, double *x)
{
    qntk_rng rng = qntk_rng_create(seed, distinct);
    for (size_t i = 0; i < n; i++) {
        const size_t k = qntk_rng_below(&rng, distinct + 2);
        x[i] = k == 0 ? (double)NAN : k == 1 ? (double)-INFINITY : sqrt((double)k);
    }
}

static size_t times_one[N];

START_TEST(tau_is_that_of_all_pairs_of_pairs)
{
    double x[N], y[N], worst = 0;
    size_t wrong = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        const size_t n = 1 + (size_t)seed * 5;
        rough_values(n, seed % 2 == 0 ? 4 : 1000, 2 * seed, x);
        rough_values(n, seed % 3 == 0 ? 3 : 1000, 2 * seed + 1, y);
        size_t used = 0;
        for (size_t i = 0; i < n; i++)
            used += !isnan(x[i]) && !isnan(y[i]);
        qntk_kendall found;
        ck_assert_ok(qntk_compare_kendall(n, x, y, &found));
        const double expected = naive_tau(n, x, y, times_one);
        wrong +=
            found.used != used || isnan(expected) != isnan(found.tau) || isnan(found.p) != isnan(found.tau);
        if (!isnan(expected))
            worst = test_worse(worst, fabs(found.tau - expected));
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_close(worst, 0, 8 * DBL_EPSILON, 1);
}
END_TEST

static void check_values(size_t count, const double *x, const double *y, bool exact, double tau, double p)
{
    qntk_kendall found, swapped;
    ck_assert_ok(qntk_compare_kendall(count, x, y, &found));
    ck_assert_ok(qntk_compare_kendall(count, y, x, &swapped));
    ck_assert(found.exact == exact);
    ck_assert_uint_eq(found.used, count);
    ck_assert_close(found.tau, tau, 4 * DBL_EPSILON, 1);
    ck_assert_relative(found.p, p, 1e-12);
    ck_assert_double_eq(swapped.tau, found.tau);
    ck_assert_relative(swapped.p, found.p, 4 * DBL_EPSILON);
}

/* Expected values from scipy.stats.kendalltau, SciPy 1.10.1, method "exact" and "asymptotic". */
START_TEST(tau_and_p_agree_with_scipy)
{
    double x[N], y[N];
    for (int k = 0; k < N; k++) {
        x[k] = sin(1.0 + 3 * k) + 0.1;
        y[k] = cos(2.0 * k) + 0.3 * sin(1.0 + 3 * k);
    }
    check_values(3, x, y, true, 1, 1.0 / 3);
    check_values(12, x, y, true, 0.0909090909090909, 0.7373055246579552);
    check_values(50, x, y, true, 0.20979591836734693, 0.031734281498698405);
    check_values(51, x, y, false, 0.21411764705882358, 0.026598252697957556);
    check_values(200, x, y, false, 0.19919597989949747, 2.802996581942658e-05);
    for (int k = 0; k < 40; k++) { /* ties in each, and in both */
        x[k] = (7 * k) % 11;
        y[k] = (5 * k + 3) % 8 + (k % 11 > 5);
    }
    check_values(40, x, y, false, 0.2741583208176047, 0.02061203210099112);
    check_values(7, x, y, false, -0.19518001458970663, 0.5434238636256694);
    const double few[] = {1, 1, 2, 2}; /* x the first three, y the last three */
    check_values(3, few, few + 1, false, 0.5, 0.4795001221869535);
}
END_TEST

START_TEST(p_of_few_pairs_counts_orders)
{
    /* all in order, or all but two neighbours: of n! orders 1 and n - 1 are like that */
    double x[8], y[8], factorial = 1;
    for (int k = 0; k < 8; k++)
        x[k] = y[k] = k;
    for (size_t n = 2; n <= 8; n++) {
        factorial *= (double)n;
        check_values(n, x, y, true, 1, fmin(1, 2 / factorial));
    }
    y[3] = 4;
    y[4] = 3;
    check_values(8, x, y, true, 1 - 2 / 28.0, 2 * 8 / factorial);
    for (int k = 0; k < 8; k++)
        y[k] = -x[k];
    check_values(8, x, y, true, -1, 2 / factorial);
}
END_TEST

START_TEST(monotone_maps_change_nothing_and_a_constant_has_no_tau)
{
    double x[60], y[60], moved[60];
    qntk_kendall a, b;
    rough_values(60, 1000, 1, x);
    rough_values(60, 6, 2, y);
    for (int k = 0; k < 60; k++)
        moved[k] = exp(x[k] / 8) - 3;
    ck_assert_ok(qntk_compare_kendall(60, x, y, &a));
    ck_assert_ok(qntk_compare_kendall(60, moved, y, &b));
    ck_assert_double_eq(a.tau, b.tau);
    ck_assert_double_eq(a.p, b.p);
    for (int k = 0; k < 60; k++)
        y[k] = 7;
    ck_assert_ok(qntk_compare_kendall(60, x, y, &a));
    ck_assert_double_nan(a.tau);
    ck_assert_double_nan(a.p);
    for (size_t n = 0; n < 2; n++) {
        ck_assert_ok(qntk_compare_kendall(n, x, x, &a));
        ck_assert_double_nan(a.tau);
    }
}
END_TEST

/* ---- the interval ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

START_TEST(the_interval_holds_the_taus_of_resamples)
{
    enum { PAIRS = 40, RESAMPLES = 101 }; /* the quantiles 0.05 and 0.95 are the numbers 5 and 95 */
    double x[PAIRS], y[PAIRS], tau[RESAMPLES];
    for (int k = 0; k < PAIRS; k++) { /* ascending, so that the resamples can be drawn here too */
        x[k] = k;
        y[k] = (double)((k * 7) % 12) + k / 4.0;
    }
    for (size_t r = 0; r < RESAMPLES; r++) {
        qntk_rng rng = qntk_rng_create(5, (UINT64_C(0x6b656e64) << 32) + r);
        size_t times[PAIRS] = {0};
        for (int k = 0; k < PAIRS; k++)
            times[qntk_rng_below(&rng, PAIRS)]++;
        tau[r] = naive_tau(PAIRS, x, y, times);
    }
    qsort(tau, RESAMPLES, sizeof *tau, by_value);
    qntk_interval found;
    ck_assert_ok(qntk_compare_kendall_interval(PAIRS, x, y, RESAMPLES, 0.9, 5, &found));
    ck_assert_uint_eq(found.defined, RESAMPLES);
    ck_assert_close(found.low, tau[5], 16 * DBL_EPSILON, 1);
    ck_assert_close(found.high, tau[95], 16 * DBL_EPSILON, 1);
    ck_assert(found.low < found.high);
}
END_TEST

START_TEST(the_interval_of_independent_numbers_holds_zero_nine_times_in_ten)
{
    enum { TRIALS = 200, PAIRS = 60 };
    size_t inside = 0;
    for (uint64_t t = 0; t < TRIALS; t++) {
        double x[PAIRS], y[PAIRS];
        qntk_rng rng = qntk_rng_create(t, 77);
        for (int k = 0; k < PAIRS; k++) {
            x[k] = qntk_rng_normal(&rng);
            y[k] = qntk_rng_normal(&rng);
        }
        qntk_interval found;
        ck_assert_ok(qntk_compare_kendall_interval(PAIRS, x, y, 200, 0.9, t, &found));
        inside += found.low <= 0 && found.high >= 0;
    }
    /* 180 expected, deviation 4.2: four of them either way */
    ck_assert_msg(inside >= 163 && inside <= 197, "%zu of %d intervals hold 0", inside, TRIALS);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_interval)
{
    double x[N], y[N];
    qntk_interval first, found;
    rough_values(N, 1000, 3, x);
    rough_values(N, 5, 4, y);
    for (size_t threads = 1; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        ck_assert_ok(qntk_compare_kendall_interval(N, x, y, 333, 0.95, 9, threads == 1 ? &first : &found));
        if (threads > 1)
            ck_assert(memcmp(&first, &found, sizeof found) == 0);
    }
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_ok(qntk_compare_kendall_interval(N, x, y, 333, 0.95, 10, &found)); /* the seed decides */
    ck_assert(first.low != found.low || first.high != found.high);
}
END_TEST

START_TEST(resamples_without_a_tau_are_left_out)
{
    const double x[] = {1, 2, NAN}, y[] = {1, 3, 0};
    qntk_interval found;
    ck_assert_ok(qntk_compare_kendall_interval(3, x, y, 1000, 0.95, 0, &found));
    /* both pairs drawn: half of the resamples; four deviations of 15.8 */
    ck_assert(found.defined >= 437 && found.defined <= 563);
    ck_assert_double_eq(found.low, 1);
    ck_assert_double_eq(found.high, 1);
    ck_assert_ok(qntk_compare_kendall_interval(1, x, y, 10, 0.95, 0, &found));
    ck_assert_uint_eq(found.defined, 0);
    ck_assert_double_nan(found.low);
    ck_assert_double_nan(found.high);
}
END_TEST

START_TEST(each_documented_error_is_given)
{
    const double x[4] = {1, 2, 3, 4};
    qntk_kendall result;
    qntk_interval interval;
    ck_assert_fails(qntk_compare_kendall(4, NULL, x, &result), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_compare_kendall(4, x, x, NULL), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_compare_kendall((size_t)UINT32_MAX + 1, x, x, &result), QNTK_INVALID, "2^32");
    ck_assert_fails(qntk_compare_kendall_interval(4, x, NULL, 9, 0.9, 0, &interval), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_compare_kendall_interval(4, x, x, 9, 0.9, 0, NULL), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_compare_kendall_interval(4, x, x, 0, 0.9, 0, &interval), QNTK_INVALID, "resamples");
    ck_assert_fails(qntk_compare_kendall_interval(4, x, x, 9, 1, 0, &interval), QNTK_INVALID, "level");
    ck_assert_fails(qntk_compare_kendall_interval(4, x, x, 9, NAN, 0, &interval), QNTK_INVALID, "level");
    ck_assert_double_nan(interval.low);
    qntk_interrupt();
    ck_assert_fails(qntk_compare_kendall_interval(4, x, x, 9, 0.9, 0, &interval), QNTK_INTERRUPTED,
                    "interrupted");
    qntk_interrupt_clear();
    qntk_memory_fail_after(0);
    ck_assert_fails(qntk_compare_kendall(4, x, x, &result), QNTK_NO_MEMORY, "memory");
    long calls = 0;
    for (qntk_status status = QNTK_NO_MEMORY; status != QNTK_OK; calls++) {
        qntk_memory_fail_after(calls);
        status = qntk_compare_kendall_interval(4, x, x, 9, 0.9, 0, &interval);
        qntk_memory_fail_after(-1);
        ck_assert(status == QNTK_OK || status == QNTK_NO_MEMORY);
    }
    ck_assert_int_eq(calls, 5); /* four allocations */
}
END_TEST

static void add_tests(TCase *tcase)
{
    for (size_t i = 0; i < N; i++)
        times_one[i] = 1;
    tcase_add_test(tcase, tau_is_that_of_all_pairs_of_pairs);
    tcase_add_test(tcase, tau_and_p_agree_with_scipy);
    tcase_add_test(tcase, p_of_few_pairs_counts_orders);
    tcase_add_test(tcase, monotone_maps_change_nothing_and_a_constant_has_no_tau);
    tcase_add_test(tcase, the_interval_holds_the_taus_of_resamples);
    tcase_add_test(tcase, the_interval_of_independent_numbers_holds_zero_nine_times_in_ten);
    tcase_add_test(tcase, any_number_of_threads_gives_the_same_interval);
    tcase_add_test(tcase, resamples_without_a_tau_are_left_out);
    tcase_add_test(tcase, each_documented_error_is_given);
}

int main(void)
{
    return test_main("compare_kendall", add_tests);
}
