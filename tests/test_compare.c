#include "test.h"

#include <float.h>
#include <string.h>

START_TEST(mean_and_deviation_have_their_definition)
{
    const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    double mean, sd;
    qntk_compare_mean(8, x, &mean, &sd);
    ck_assert_double_eq(mean, 5);
    ck_assert_relative(sd, sqrt(32.0 / 7), 2 * DBL_EPSILON);
    qntk_compare_mean(1, x, &mean, &sd);
    ck_assert_double_eq(mean, 2);
    ck_assert_double_nan(sd);
    qntk_compare_mean(0, NULL, &mean, NULL);
    ck_assert_double_nan(mean);
}
END_TEST

/* Four sets (rows), four methods. */
static const double scores[16] = {.9, .8, .8, .7, .5, .5, .5, .5, .3, .6, .9, .6, .2, .1, .0, .3};

START_TEST(friedman_ranks_share_ties)
{
    const double expected[4] = {2.375, 2.625, 2.5,
                                2.5}; /* of each row: 1 2.5 2.5 4, 2.5 .., 4 2.5 1 2.5, 2 3 4 1 */
    double rank[4];
    ck_assert_ok(qntk_compare_ranks(4, 4, scores, rank));
    for (int a = 0; a < 4; a++)
        ck_assert_double_eq(rank[a], expected[a]);
}
END_TEST

START_TEST(shares_of_the_best_count_sets)
{
    double near[4], pma[4];
    ck_assert_ok(qntk_compare_shares(4, 4, scores, 0.85, near, pma));
    ck_assert_double_eq(near[0], 2 / 4.0); /* .9 of .9; .5 of .5 */
    ck_assert_double_eq(near[1], 2 / 4.0); /* .8 of .9 is 89 % */
    ck_assert_double_eq(near[2], 3 / 4.0);
    ck_assert_double_eq(near[3], 2 / 4.0);
    ck_assert_relative(pma[0], (1 + 1 + .3 / .9 + .2 / .3) / 4, 4 * DBL_EPSILON);
    ck_assert_relative(pma[2], (.8 / .9 + 1 + 1 + 0) / 4, 4 * DBL_EPSILON);
    const double zeros[4] = {0};
    ck_assert_ok(qntk_compare_shares(2, 2, zeros, 0.9, near, NULL));
    ck_assert_ok(qntk_compare_shares(2, 2, zeros, 0.9, NULL, pma));
    ck_assert_double_eq(near[1], 1);
    ck_assert_double_eq(pma[1], 1);
}
END_TEST

static void check_wilcoxon(size_t count, const double *x, const double *y, bool exact, size_t used,
                           double statistic, double p)
{
    qntk_wilcoxon found, swapped;
    ck_assert_ok(qntk_compare_wilcoxon(count, x, y, &found));
    ck_assert_ok(qntk_compare_wilcoxon(count, y, x, &swapped));
    ck_assert(found.exact == exact);
    ck_assert_uint_eq(found.used, used);
    ck_assert_double_eq(found.statistic, statistic);
    ck_assert_relative(found.p, p, 1e-12);
    ck_assert_double_eq(swapped.p, found.p);
}

/* Expected values from scipy.stats.wilcoxon, SciPy 1.10.1, method "exact" and "approx". */
START_TEST(wilcoxon_agrees_with_scipy)
{
    double x[200], y[200];
    for (int k = 0; k < 200; k++) {
        x[k] = sin(1.0 + 3 * k) + 0.1;
        y[k] = cos(2.0 * k);
    }
    check_wilcoxon(12, x, y, true, 12, 33, 0.67724609375);
    check_wilcoxon(50, x, y, true, 50, 574, 0.5462652589115535);
    check_wilcoxon(51, x, y, false, 51, 607, 0.5996428760826902);
    check_wilcoxon(200, x, y, false, 200, 9020, 0.20883501669584936);
    for (int k = 0; k < 40; k++) { /* ties, and pairs that do not differ */
        x[k] = (7 * k) % 11;
        y[k] = (5 * k + 3) % 8;
    }
    check_wilcoxon(40, x, y, false, 32, 150.5, 0.031696954299593405);
}
END_TEST

START_TEST(wilcoxon_of_few_pairs_counts_signs)
{
    /* n pairs that all go one way: of 2^n signs two are as extreme */
    const double x[] = {1, 3, 6, 10, 15, 21, 28, 36}, zeros[8] = {0};
    for (size_t n = 1; n <= 8; n++)
        check_wilcoxon(n, x, zeros, true, n, 0, ldexp(2, -(int)n));
    const double one_back[] = {1, -3, 6, 10}; /* sums 2 or less: {}, {1}, {2}; twice 3/16 */
    check_wilcoxon(4, one_back, zeros, true, 4, 2, 6.0 / 16);
    check_wilcoxon(3, zeros, zeros, true, 0, 0, 1);
    check_wilcoxon(0, NULL, NULL, true, 0, 0, 1);
}
END_TEST

START_TEST(bad_input_is_named)
{
    double bad[4] = {1, 2, NAN, 4}, out[2], minus[4] = {1, 2, -3, 4};
    qntk_wilcoxon result;
    ck_assert_fails(qntk_compare_ranks(2, 2, bad, out), QNTK_NOT_FINITE, "set 1, method 0");
    ck_assert_fails(qntk_compare_ranks(0, 2, bad, out), QNTK_INVALID, "at least 1");
    ck_assert_double_eq(out[0], 0);
    ck_assert_fails(qntk_compare_shares(2, 2, bad, 0.9, out, NULL), QNTK_NOT_FINITE, "set 1, method 0");
    ck_assert_fails(qntk_compare_shares(2, 2, minus, 0.9, out, NULL), QNTK_INVALID, "found -3");
    ck_assert_fails(qntk_compare_shares(2, 2, minus, 1.5, out, NULL), QNTK_INVALID, "share");
    ck_assert_fails(qntk_compare_wilcoxon(4, bad, minus, &result), QNTK_NOT_FINITE, "pair 2");
    ck_assert_fails(qntk_compare_wilcoxon(4, NULL, minus, &result), QNTK_INVALID, "NULL");
    qntk_memory_fail_after(0);
    ck_assert_fails(qntk_compare_wilcoxon(4, minus, minus, &result), QNTK_NO_MEMORY, "memory");
    qntk_memory_fail_after(-1);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, mean_and_deviation_have_their_definition);
    tcase_add_test(tcase, friedman_ranks_share_ties);
    tcase_add_test(tcase, shares_of_the_best_count_sets);
    tcase_add_test(tcase, wilcoxon_agrees_with_scipy);
    tcase_add_test(tcase, wilcoxon_of_few_pairs_counts_signs);
    tcase_add_test(tcase, bad_input_is_named);
}

int main(void)
{
    return test_main("compare", add_tests);
}
