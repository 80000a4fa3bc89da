#include "test.h"

#include <gsl/gsl_cdf.h>
#include <stdint.h>

START_TEST(the_generator_is_philox_4x32_10)
{
    /* known answer of the Random123 distribution: counter 0, key 0 */
    qntk_rng rng = qntk_rng_create(0, 0);
    ck_assert_uint_eq(qntk_rng_bits(&rng), (uint64_t)0xe169c58d << 32 | 0x6627e8d5);
    ck_assert_uint_eq(qntk_rng_bits(&rng), (uint64_t)0x9b00dbd8 << 32 | 0xbc57ac4c);
}
END_TEST

START_TEST(streams_and_seeds_differ_and_repeat)
{
    qntk_rng a = qntk_rng_create(1, 2), b = qntk_rng_create(1, 2), c = qntk_rng_create(1, 3),
             d = qntk_rng_create(2, 2);
    uint64_t first = qntk_rng_bits(&a);
    ck_assert_uint_eq(first, qntk_rng_bits(&b));
    ck_assert_uint_ne(first, qntk_rng_bits(&c));
    ck_assert_uint_ne(first, qntk_rng_bits(&d));
}
END_TEST

START_TEST(uniform_and_normal_have_their_moments)
{
    enum { DRAWS = 200000 };
    qntk_rng rng = qntk_rng_create(7, 0);
    double sum = 0, normal_sum = 0, normal_square = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = qntk_rng_uniform(&rng);
        ck_assert(u > 0 && u < 1);
        sum += u;
        double z = qntk_rng_normal(&rng);
        normal_sum += z;
        normal_square += z * z;
    }
    /* five standard errors: sqrt(1/12/n), 1/sqrt(n), sqrt(2/n); seed 7 */
    ck_assert_close(sum / DRAWS, 0.5, 5, sqrt(1.0 / 12 / DRAWS));
    ck_assert_close(normal_sum / DRAWS, 0, 5, sqrt(1.0 / DRAWS));
    ck_assert_close(normal_square / DRAWS, 1, 5, sqrt(2.0 / DRAWS));
}
END_TEST

START_TEST(integers_below_a_bound_are_uniform_by_chi_square)
{
    enum { BOUND = 7, DRAWS = 70000 };
    qntk_rng rng = qntk_rng_create(11, 0);
    const double expected = (double)DRAWS / BOUND;
    double count[BOUND] = {0}, chi_square = 0;
    for (int i = 0; i < DRAWS; i++)
        count[qntk_rng_below(&rng, BOUND)]++;
    for (int i = 0; i < BOUND; i++)
        chi_square += (count[i] - expected) * (count[i] - expected) / expected;
    double p = gsl_cdf_chisq_Q(chi_square, BOUND - 1);
    ck_assert_msg(p > 1e-6, "chi-square %g, p %g (seed 11)", chi_square, p);
}
END_TEST

START_TEST(a_shuffle_is_a_permutation)
{
    size_t index[100];
    int seen[100] = {0}, moved = 0;
    for (size_t i = 0; i < 100; i++)
        index[i] = i;
    qntk_rng rng = qntk_rng_create(3, 0);
    qntk_rng_shuffle(&rng, index, 100);
    for (size_t i = 0; i < 100; i++) {
        seen[index[i]]++;
        moved += index[i] != i;
    }
    for (size_t i = 0; i < 100; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_gt(moved, 80);
}
END_TEST

START_TEST(normals_are_the_quantiles_of_the_uniforms)
{
    enum { DRAWS = 100000 };
    qntk_rng uniforms = qntk_rng_create(11, 3), normals = uniforms;
    double worst = 0, largest = 0;
    for (int i = 0; i < DRAWS; i++) {
        double p = qntk_rng_uniform(&uniforms), z = qntk_rng_normal(&normals);
        long double tail = p < 0.5 ? p : 1 - p; /* exact; the quantile of the tail is negative */
        long double x = p < 0.5 ? z : -z;
        /* one Newton step from z, to where erfc(-x/sqrt 2)/2 is the tail */
        long double miss =
            (erfcl(-x / sqrtl(2)) / 2 - tail) * sqrtl(2 * 3.14159265358979323846L) * expl(x * x / 2);
        worst = test_worse(worst,
                           (double)(fabsl(miss) / fmaxl(fabsl(x), 1e-3L))); /* erfcl itself is out by 1e-19 */
        largest = test_worse(largest, fabs(z));
    }
    ck_assert_double_lt(worst, 8e-16);
    ck_assert_double_gt(largest, 4);
    ck_assert_double_lt(largest, 8.2096);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_generator_is_philox_4x32_10);
    tcase_add_test(tcase, streams_and_seeds_differ_and_repeat);
    tcase_add_test(tcase, normals_are_the_quantiles_of_the_uniforms);
    tcase_add_test(tcase, uniform_and_normal_have_their_moments);
    tcase_add_test(tcase, integers_below_a_bound_are_uniform_by_chi_square);
    tcase_add_test(tcase, a_shuffle_is_a_permutation);
}

int main(void)
{
    return test_main("rng", add_tests);
}
