/* Laws of decay of eigenvalues that come in plateaus, one for each degree. */
#include "decay_check.h"

#include <cjson/cJSON.h>

static double values[LARGE + 1];

/* C(n, k) as a double. */
static double choose(double n, double k)
{
    double product = 1;
    for (double j = 1; j <= k; j++)
        product *= (n - k + j) / j;
    return product;
}

/* The number of spherical harmonics of degree k in R^d. */
static size_t multiplicity(size_t d, size_t k)
{
    double n = choose((double)(k + d - 1), (double)d - 1) -
               (k >= 2 ? choose((double)(k + d - 3), (double)d - 1) : 0);
    return (size_t)(n + 0.5);
}

/* A spectrum of plateaus, each of the value the power law i^-exponent has in its (geometric) middle, times
 * exp(spread * normal) for each eigenvalue, sorted again. */
static void fill_plateaus(size_t d, double exponent, double spread, uint64_t seed, size_t count)
{
    qntk_rng rng = qntk_rng_create(seed, d);
    size_t done = 0;
    for (size_t k = 0; done < count; k++) {
        size_t begin = done + 1, end = done + multiplicity(d, k);
        double value = pow(sqrt((double)begin * (double)end), -exponent);
        for (; done < end && done < count; done++)
            values[done] = value * (spread > 0 ? exp(spread * qntk_rng_normal(&rng)) : 1);
    }
    qsort(values, count, sizeof values[0], decay_descending);
}

START_TEST(plateaus_do_not_fool_the_exponent_nor_its_error)
{
    const size_t dimensions[] = {3, 4, 5, 6, 8, 10, 15};
    for (size_t j = 0; j < 7; j++) {
        size_t d = dimensions[j];
        double exponent = (double)d / (double)(d - 1);
        fill_plateaus(d, exponent, 0, 0, LARGE);
        for (size_t rows = 0; rows <= LARGE; rows += LARGE / 2) {
            qntk_decay_options options = qntk_decay_defaults();
            options.rows = rows;
            qntk_decay decay;
            ck_assert_ok(qntk_decay_fit(LARGE, values, options, &decay));
            ck_assert_msg(fabs(decay.power.exponent - exponent) <= 2 * decay.power.exponent_se,
                          "d = %zu, true exponent %.4f: %s", d, exponent, decay.verdict);
            ck_assert_double_le(decay.power.exponent_se, 0.3);
            ck_assert_msg(decay.law == QNTK_DECAY_POWER || decay.law == QNTK_DECAY_UNDETERMINED,
                          "d = %zu: %s", d, decay.verdict);
        }
    }
}
END_TEST

/* lambda_k ~ k^-d in the degree is i^(-d/(d-1)) in the index; (k + (d-2)/2) is the variable without a 1/k
 * correction. */
START_TEST(a_power_law_in_the_degree_has_the_exponent_expected_in_the_index)
{
    for (size_t d = 3; d <= 5; d++) {
        size_t done = 0;
        for (size_t k = 0; done + multiplicity(d, k) <= LARGE; k++)
            for (size_t end = done + multiplicity(d, k); done < end; done++)
                values[done] = pow((double)k + ((double)d - 2) / 2, -(double)d);
        qntk_decay decay;
        ck_assert_ok(qntk_decay_fit(done, values, qntk_decay_defaults(), &decay));
        ck_assert_int_eq(decay.law, QNTK_DECAY_POWER);
        double exponent = (double)d / (double)(d - 1);
        double allowed = 2 * decay.power.exponent_se + exponent / (4 * (double)decay.first);
        ck_assert_msg(fabs(decay.power.exponent - exponent) <= allowed, "d = %zu: %s", d, decay.verdict);
        ck_assert_double_le(decay.power.exponent_se, 0.05);
    }
}
END_TEST

START_TEST(plateaus_blurred_by_sampling_keep_the_exponent_within_its_error)
{
    int within = 0, runs = 0;
    for (size_t d = 3; d <= 10; d++) {
        double exponent = (double)d / (double)(d - 1);
        for (uint64_t seed = 1; seed <= 10; seed++, runs++) {
            fill_plateaus(d, exponent, 0.1, seed, 4000);
            qntk_decay_options options = qntk_decay_defaults();
            options.rows = 4000;
            qntk_decay decay;
            ck_assert_ok(qntk_decay_fit(4000, values, options, &decay));
            within += fabs(decay.power.exponent - exponent) <= 2 * decay.power.exponent_se;
            ck_assert_msg(fabs(decay.power.exponent - exponent) <= 5 * decay.power.exponent_se,
                          "d = %zu, seed %d: %s", d, (int)seed, decay.verdict);
        }
    }
    ck_assert_msg(within >= runs * 9 / 10, "%d of %d within two standard errors", within, runs);
}
END_TEST

/* exp(-rate k) in the degree is a stretched exponential of shape 1/(d-1) in the index, not a power law. */
START_TEST(a_geometric_decay_in_the_degree_is_not_taken_for_a_power_law)
{
    for (size_t d = 3; d <= 4; d++) {
        size_t done = 0;
        for (size_t k = 0; done < LARGE; k++)
            for (size_t end = done + multiplicity(d, k); done < end && done < LARGE; done++)
                values[done] = exp(-1.5 * (double)k);
        qntk_decay decay;
        ck_assert_ok(qntk_decay_fit(LARGE, values, qntk_decay_defaults(), &decay));
        ck_assert_msg(decay.law == QNTK_DECAY_STRETCHED, "d = %zu: %s", d, decay.verdict);
        ck_assert_close(decay.stretched.shape, 1 / (double)(d - 1), 0.15, 1);
    }
}
END_TEST

START_TEST(degrees_follow_both_laws_exactly_with_and_without_one_parity)
{
    qntk_decay decay;
    for (int odd = 0; odd < 3; odd++) { /* odd degrees as the even ones, 0.01 of them, zero */
        const double factor[] = {1, 0.01, 0};
        for (size_t k = 0; k <= 200; k++)
            values[k] = k == 0 ? 7 : pow((double)k, -10) * (k % 2 ? factor[odd] : 1);
        ck_assert_ok(qntk_decay_fit_degrees(201, values, qntk_decay_defaults(), &decay));
        decay_assert_power(&decay, 10, 0);
        ck_assert_close(decay.odd_log_ratio, odd == 1 ? log(0.01) : 0, 1e-10, 1);
        ck_assert_uint_eq(decay.skipped, odd == 2 ? 100 : 0);
        for (size_t k = 0; k <= 200; k++)
            values[k] = k == 0 ? 1e9 : exp(-3.4 * (double)k) * (k % 2 ? factor[odd] : 1);
        ck_assert_ok(qntk_decay_fit_degrees(201, values, qntk_decay_defaults(), &decay));
        decay_assert_exponential(&decay, 3.4, 0);
        ck_assert_double_gt(values[decay.last], 1e-300);
        ck_assert_double_lt(values[decay.last], 1e-295);
    }
}
END_TEST

START_TEST(a_spectrum_of_odd_degrees_alone_has_its_own_scale)
{
    for (size_t k = 0; k <= 60; k++)
        values[k] = k % 2 ? 5 * pow((double)k, -4) : 0;
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit_degrees(61, values, qntk_decay_defaults(), &decay));
    decay_assert_power(&decay, 4, log(5));
    ck_assert_double_eq(decay.odd_log_ratio, 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, plateaus_do_not_fool_the_exponent_nor_its_error);
    tcase_add_test(tcase, a_power_law_in_the_degree_has_the_exponent_expected_in_the_index);
    tcase_add_test(tcase, plateaus_blurred_by_sampling_keep_the_exponent_within_its_error);
    tcase_add_test(tcase, a_geometric_decay_in_the_degree_is_not_taken_for_a_power_law);
    tcase_add_test(tcase, degrees_follow_both_laws_exactly_with_and_without_one_parity);
    tcase_add_test(tcase, a_spectrum_of_odd_degrees_alone_has_its_own_scale);
}

int main(void)
{
    return test_main("decay_degrees", add_tests);
}
