#include "decay_check.h"

#include <cjson/cJSON.h>
#include <string.h>

static double values[LARGE + 1];

/* A plain twin: ordinary least squares by the normal equations, with a column for each parity. */
static void naive_fit(size_t count, const double *x, const double *y, const int *odd, double *slope,
                      double *se, double *r, double *rss)
{
    long double n[2] = {0}, sx[2] = {0}, sy[2] = {0}, sxx = 0, sxy = 0;
    for (size_t k = 0; k < count; k++) {
        n[odd[k]] += 1;
        sx[odd[k]] += x[k];
        sy[odd[k]] += y[k];
        sxx += (long double)x[k] * x[k];
        sxy += (long double)x[k] * y[k];
    }
    for (int c = 0; c < 2; c++) {
        if (n[c] > 0) {
            sxx -= sx[c] * sx[c] / n[c];
            sxy -= sx[c] * sy[c] / n[c];
        }
    }
    *slope = (double)(sxy / sxx);
    long double sum = 0, lagged = 0, last = 0;
    for (size_t k = 0; k < count; k++) {
        long double e = y[k] - sy[odd[k]] / n[odd[k]] - *slope * (x[k] - sx[odd[k]] / n[odd[k]]);
        sum += e * e;
        lagged += e * last;
        last = e;
    }
    size_t classes = (n[0] > 0) + (n[1] > 0);
    *r = fmax(0, (double)(lagged / sum));
    *rss = (double)sum;
    *se = sqrt((double)(sum / (long double)(count - classes - 1) / sxx) * (1 + *r) / (1 - *r));
}

static void assert_undetermined(const qntk_decay *decay)
{
    ck_assert_int_eq(decay->law, QNTK_DECAY_UNDETERMINED);
    ck_assert_msg(strncmp(decay->verdict, "undetermined: ", 14) == 0, "%s", decay->verdict);
    ck_assert_str_eq(qntk_decay_law_name(decay->law), "undetermined");
}

static cJSON *parse_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(bytes + 1);
    ck_assert_uint_eq(fread(text, 1, bytes, file), bytes);
    text[bytes] = '\0';
    fclose(file);
    cJSON *root = cJSON_Parse(text);
    free(text);
    ck_assert_ptr_nonnull(root);
    return root;
}

START_TEST(an_exact_power_law_is_recovered)
{
    const double exponents[] = {0.25, 1, 1.13, 3, 70};
    const size_t counts[] = {8, 50, 1000, LARGE};
    for (size_t e = 0; e < 5; e++) {
        for (size_t c = 0; c < 4; c++) {
            for (size_t i = 0; i < counts[c]; i++)
                values[i] = 2.5 * pow((double)(i + 1), -exponents[e]);
            qntk_decay decay;
            ck_assert_ok(qntk_decay_fit(counts[c], values, qntk_decay_defaults(), &decay));
            decay_assert_power(&decay, exponents[e], log(2.5));
            ck_assert_uint_eq(decay.last, counts[c]);
            ck_assert_uint_eq(decay.skipped, 0);
            ck_assert_uint_eq(decay.first, 1);
            ck_assert_double_lt(decay.power.exponent_se, 1e-10 * fmax(exponents[e], 1));
        }
    }
}
END_TEST

START_TEST(an_exact_exponential_is_recovered_down_to_the_smallest_values)
{
    const double rates[] = {0.001, 0.0125, 0.086, 1, 20};
    for (size_t r = 0; r < 5; r++) {
        size_t above = 0;
        for (size_t i = 0; i < LARGE; i++) {
            values[i] = 0.3 * exp(-rates[r] * (double)(i + 1));
            above += values[i] > 1e-300;
        }
        qntk_decay decay;
        ck_assert_ok(qntk_decay_fit(LARGE, values, qntk_decay_defaults(), &decay));
        decay_assert_exponential(&decay, rates[r], log(0.3));
        ck_assert_uint_eq(decay.last, above);
        ck_assert_uint_eq(decay.skipped, LARGE - above);
    }
}
END_TEST

START_TEST(a_noise_floor_and_a_sample_size_cut_the_window_and_not_the_answer)
{
    qntk_decay_options options = qntk_decay_defaults();
    options.rows = LARGE;
    qntk_decay decay;
    for (size_t i = 0; i < LARGE; i++)
        values[i] = pow((double)(i + 1), -1.5);
    options.floor = 0.9e-3 * values[9]; /* (i/10)^-1.5 > 0.9e-3: i <= 1072 */
    ck_assert_ok(qntk_decay_fit(LARGE, values, options, &decay));
    decay_assert_power(&decay, 1.5, 0);
    ck_assert_uint_eq(decay.last, 1072);
    ck_assert_uint_eq(decay.skipped, LARGE - 1072);
    options.floor = 0;
    ck_assert_ok(qntk_decay_fit(LARGE, values, options, &decay));
    ck_assert_uint_eq(decay.last, LARGE / 4);
    ck_assert_uint_eq(decay.skipped, 0);
    for (size_t i = 0; i < LARGE; i++)
        values[i] = exp(-0.1 * (double)i);
    options.floor = qntk_decay_floor(LARGE, values[0], 0x1p-52);
    ck_assert_ok(qntk_decay_fit(LARGE, values, options, &decay));
    decay_assert_exponential(&decay, 0.1, 0.1);
    ck_assert_double_gt(values[decay.last - 1], options.floor);
    ck_assert_double_le(values[decay.last], options.floor);
}
END_TEST

START_TEST(the_verdict_reads_as_a_sentence)
{
    qntk_rng rng = qntk_rng_create(11, 0);
    for (size_t i = 0; i < 40; i++)
        values[i] = pow((double)(i + 1), -2) * exp(0.02 * (qntk_rng_uniform(&rng) - 0.5));
    qntk_decay_options options = qntk_decay_defaults();
    options.first = 3;
    options.last = 30;
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit(40, values, options, &decay));
    char expected[384];
    int places = 1 - (int)floor(log10(decay.power.exponent_se));
    snprintf(expected, sizeof expected,
             "power law, exponent %.*f +- %.*f (AIC %.0f against %.0f), fitted on indices 3 to 30", places,
             decay.power.exponent, places, decay.power.exponent_se, decay.power.aic, decay.exponential.aic);
    ck_assert_str_eq(decay.verdict, expected);
    ck_assert_close(decay.power.exponent, 2, 3, decay.power.exponent_se);
}
END_TEST

START_TEST(a_stretched_exponential_is_recognised)
{
    for (size_t i = 0; i < LARGE; i++)
        values[i] = exp(-2 * sqrt((double)(i + 1)));
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit(LARGE, values, qntk_decay_defaults(), &decay));
    ck_assert_int_eq(decay.law, QNTK_DECAY_STRETCHED);
    ck_assert_close(decay.stretched.shape, 0.5, 0.01, 1); /* bins keep only the other two laws exact */
    ck_assert_close(decay.stretched.rate, 2, 0.1, 1);
    ck_assert_ptr_nonnull(strstr(decay.verdict, "stretched exponential exp("));
}
END_TEST

START_TEST(rounding_noise_of_both_signs_is_kept_out)
{
    qntk_rng rng = qntk_rng_create(5, 0);
    for (size_t i = 0; i < 2000; i++)
        values[i] = exp(-0.05 * (double)i) + 3e-16 * (2 * qntk_rng_uniform(&rng) - 1);
    qsort(values, 2000, sizeof values[0], decay_descending);
    qntk_decay_options options = qntk_decay_defaults();
    options.rows = 2000;
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit(2000, values, options, &decay));
    ck_assert_double_eq(decay.floor, -2 * values[1999]);
    ck_assert_int_eq(decay.law, QNTK_DECAY_EXPONENTIAL);
    ck_assert_close(decay.exponential.rate, 0.05, 1e-3, 1);
    options.floor = qntk_decay_floor(2000, values[0], 0x1p-52);
    ck_assert_ok(qntk_decay_fit(2000, values, options, &decay));
    ck_assert_double_eq(decay.floor, options.floor);
    ck_assert_relative(decay.exponential.rate, 0.05, 1e-3);
    ck_assert_uint_lt(decay.last, 665); /* exp(-0.05 i) > 39 eps */
}
END_TEST

START_TEST(slopes_errors_and_aic_agree_with_a_plain_computation)
{
    enum { FIRST = 4, LAST = 63, COUNT = LAST - FIRST + 1 };
    qntk_rng rng = qntk_rng_create(3, 1);
    double wander = 0, x[2][COUNT], y[COUNT];
    int odd[COUNT];
    for (size_t k = 0; k < 70; k++) {
        wander = 0.6 * wander + 0.1 * qntk_rng_normal(&rng);
        values[k] = exp(-3 * log(1 + (double)k) + wander + (k % 2 ? 0.8 : 0));
    }
    for (size_t k = 0; k < COUNT; k++) {
        x[0][k] = log((double)(k + FIRST));
        x[1][k] = (double)(k + FIRST);
        y[k] = log(values[k + FIRST]);
        odd[k] = (k + FIRST) % 2;
    }
    qntk_decay_options options = {0, 0, FIRST, LAST};
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit_degrees(70, values, options, &decay));
    double slope[2], se[2], r[2], rss[2];
    for (int law = 0; law < 2; law++)
        naive_fit(COUNT, x[law], y, odd, &slope[law], &se[law], &r[law], &rss[law]);
    ck_assert_uint_eq(decay.points, COUNT);
    ck_assert_relative(decay.power.exponent, -slope[0], 1e-12);
    ck_assert_relative(decay.power.exponent_se, se[0], 1e-10);
    ck_assert_relative(decay.exponential.rate, -slope[1], 1e-12);
    ck_assert_relative(decay.exponential.rate_se, se[1], 1e-10);
    ck_assert_relative(decay.power.aic - decay.exponential.aic, decay.effective_points * log(rss[0] / rss[1]),
                       1e-10);
    ck_assert_relative(decay.power.aic, decay.effective_points * log(rss[0] / COUNT) + 8, 1e-10);
    ck_assert_close(decay.odd_log_ratio, 0.8, 0.2, 1);
    if (decay.law == QNTK_DECAY_POWER && rss[0] <= rss[1])
        ck_assert_double_le(decay.effective_points, COUNT);
}
END_TEST

START_TEST(standard_errors_cover_the_truth_as_often_as_they_should)
{
    int within = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        qntk_rng rng = qntk_rng_create(seed, 2);
        double wander = 0;
        for (size_t k = 0; k < 151; k++) {
            wander = 0.5 * wander + 0.05 * qntk_rng_normal(&rng);
            values[k] = exp(-0.2 * (double)k + wander);
        }
        qntk_decay_options options = {0, 0, 1, 150};
        qntk_decay decay;
        ck_assert_ok(qntk_decay_fit_degrees(151, values, options, &decay));
        within += fabs(decay.exponential.rate - 0.2) <= 2 * decay.exponential.rate_se;
    }
    /* 95.4 % of 400 are 382; four binomial standard errors are 17. */
    ck_assert_msg(within >= 365 && within <= 399, "%d of 400 within two standard errors", within);
}
END_TEST

/* exp(-k log k) is what a Gaussian of fixed scale does on the sphere: faster than any geometric decay. */
START_TEST(a_faster_than_exponential_decay_is_called_compressed)
{
    for (size_t k = 0; k <= 100; k++)
        values[k] = exp(-lgamma((double)k + 5));
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit_degrees(101, values, qntk_decay_defaults(), &decay));
    ck_assert_int_eq(decay.law, QNTK_DECAY_COMPRESSED);
    ck_assert_double_gt(decay.stretched.shape, 1.1);
    ck_assert_double_lt(decay.stretched.shape, 1.5);
    ck_assert_ptr_nonnull(strstr(decay.verdict, "compressed exponential"));
}
END_TEST

/* The head of a spectrum does not follow the law of its tail: it is left out. */
START_TEST(the_window_starts_where_the_law_sets_in)
{
    for (size_t k = 0; k <= 100; k++)
        values[k] = k < 20 ? exp(-0.3 * (double)k) : exp(-6) * pow((double)k / 20, -6);
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit_degrees(101, values, qntk_decay_defaults(), &decay));
    ck_assert_int_eq(decay.law, QNTK_DECAY_POWER);
    ck_assert_uint_ge(decay.first, 18);
    ck_assert_uint_le(decay.first, 22);
    ck_assert_close(decay.power.exponent, 6, 0.02, 1);
}
END_TEST

START_TEST(a_window_that_is_given_is_kept)
{
    for (size_t i = 0; i < 1000; i++)
        values[i] = 1 / (double)(i + 1);
    qntk_decay_options options = {.first = 17, .last = 400, .rows = 100};
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit(1000, values, options, &decay));
    ck_assert_uint_eq(decay.first, 17);
    ck_assert_uint_eq(decay.last, 400);
    decay_assert_power(&decay, 1, 0);
    ck_assert_ok(qntk_decay_fit_degrees(1000, values, options, &decay));
    ck_assert_uint_eq(decay.first, 17);
    ck_assert_uint_eq(decay.last, 400);
    ck_assert_uint_eq(decay.points, 384);
}
END_TEST

/* Exact spectra on spheres: real-weight kernels are powers of the degree, stochastically rounded weights
 * geometric. The exponent approaches d from below like 1 - (d-2)/(2k). */
START_TEST(kernels_of_the_reference_are_told_apart)
{
    const char *path = test_shared("reference/reference.json");
    if (path == NULL) {
        test_skip("the shared reference values are not there");
        return;
    }
    cJSON *root = parse_file(path);
    const cJSON *entry = NULL;
    int powers = 0, exponentials = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(root, "mercer"))
    {
        const char *name = cJSON_GetObjectItem(entry, "kernel")->valuestring;
        double d = cJSON_GetObjectItem(entry, "d")->valuedouble;
        const cJSON *eval = cJSON_GetObjectItem(entry, "eigenvalue"),
                    *levels = cJSON_GetObjectItem(entry, "levels");
        size_t count = 0;
        const cJSON *number = NULL;
        cJSON_ArrayForEach(number, eval) values[count++] = strtod(number->valuestring, NULL);
        if (d > 10) /* 40 degrees are few against d/2 */
            continue;
        qntk_decay decay;
        ck_assert_ok(qntk_decay_fit_degrees(count, values, qntk_decay_defaults(), &decay));
        if (strcmp(name, "ntk") == 0 || strcmp(name, "laplace") == 0) {
            ck_assert_msg(decay.law == QNTK_DECAY_POWER, "%s, d = %g: %s", name, d, decay.verdict);
            double middle = sqrt((double)decay.first * (double)decay.last);
            ck_assert_close(decay.power.exponent, d * (1 - (d - 2) / (2 * middle + d - 2)), 0.05, d);
            powers++;
        }
        if (strcmp(name, "qntk") == 0 && levels->valuedouble <= 3) {
            ck_assert_msg(decay.law == QNTK_DECAY_EXPONENTIAL, "%s, d = %g: %s", name, d, decay.verdict);
            exponentials++;
        }
        if (strcmp(name, "gauss") == 0)
            ck_assert_msg(decay.law == QNTK_DECAY_COMPRESSED, "%s, d = %g: %s", name, d, decay.verdict);
    }
    cJSON_Delete(root);
    ck_assert_int_gt(powers, 10);
    ck_assert_int_gt(exponentials, 10);
}
END_TEST

START_TEST(too_few_points_are_undetermined_and_not_garbage)
{
    qntk_decay decay;
    for (size_t i = 0; i < 100; i++)
        values[i] = i < 7 ? 1 / (double)(i + 1) : 0;
    for (size_t count = 0; count <= 100; count += count < 10 ? 1 : 90) {
        ck_assert_ok(qntk_decay_fit(count, values, qntk_decay_defaults(), &decay));
        assert_undetermined(&decay);
        ck_assert(isnan(decay.power.exponent) && isnan(decay.exponential.rate) && isnan(decay.stretched.aic));
        ck_assert_uint_eq(decay.first, 0);
        ck_assert_ok(qntk_decay_fit_degrees(count, values, qntk_decay_defaults(), &decay));
        assert_undetermined(&decay);
        ck_assert_uint_eq(decay.skipped, count > 7 ? count - 7 : 0);
    }
    ck_assert_ok(qntk_decay_fit(100, values, qntk_decay_defaults(), &decay));
    ck_assert_str_eq(decay.verdict,
                     "undetermined: 7 points above the noise floor 1e-300 in the window, 8 are needed");
}
END_TEST

START_TEST(a_flat_spectrum_is_undetermined)
{
    for (size_t i = 0; i < 500; i++)
        values[i] = 0.25;
    qntk_decay decay;
    ck_assert_ok(qntk_decay_fit(500, values, qntk_decay_defaults(), &decay));
    assert_undetermined(&decay);
    ck_assert_close(decay.power.exponent, 0, 1e-12, 1);
    ck_assert_close(decay.exponential.rate, 0, 1e-12, 1);
}
END_TEST

START_TEST(bad_input_is_named)
{
    qntk_decay decay;
    for (size_t i = 0; i < 20; i++)
        values[i] = 1 / (double)(i + 1);
    values[5] = NAN;
    ck_assert_fails(qntk_decay_fit(20, values, qntk_decay_defaults(), &decay), QNTK_NOT_FINITE, "nan");
    ck_assert_fails(qntk_decay_fit_degrees(20, values, qntk_decay_defaults(), &decay), QNTK_NOT_FINITE,
                    "degree 5 is nan");
    values[5] = 3;
    ck_assert_fails(qntk_decay_fit(20, values, qntk_decay_defaults(), &decay), QNTK_INVALID,
                    "eigenvalue 6 is larger than the one before");
    values[5] = INFINITY;
    ck_assert_fails(qntk_decay_fit_degrees(20, values, qntk_decay_defaults(), &decay), QNTK_NOT_FINITE,
                    "inf");
    values[5] = 1.0 / 6;
    qntk_decay_options options = {.last = 21};
    ck_assert_fails(qntk_decay_fit(20, values, options, &decay), QNTK_INVALID, "ends after the last");
    options.last = 20;
    ck_assert_ok(qntk_decay_fit(20, values, options, &decay));
    ck_assert_fails(qntk_decay_fit_degrees(20, values, options, &decay), QNTK_INVALID, "ends after the last");
    options = (qntk_decay_options){.first = 9, .last = 8};
    ck_assert_fails(qntk_decay_fit(20, values, options, &decay), QNTK_INVALID, "empty");
    ck_assert_fails(qntk_decay_fit_degrees(20, values, options, &decay), QNTK_INVALID, "empty");
    ck_assert_uint_eq(decay.points, 0);
}
END_TEST

START_TEST(effective_dimension_and_trace_have_their_closed_forms)
{
    double one[100], many[100];
    for (size_t k = 0; k < 100; k++) {
        one[k] = 1e-200;
        many[k] = (double)(k + 1);
    }
    ck_assert_relative(qntk_decay_effective_dimension(100, one, NULL), 100, 1e-14);
    ck_assert_relative(qntk_decay_effective_dimension(100, one, many), 5050, 1e-14);
    ck_assert_relative(qntk_decay_trace(100, one, many), 5050e-200, 1e-15);
    /* 2^-k, k = 0 ..: trace 2, sum of squares 4/3, dimension 3; from 2^900 down. */
    for (size_t k = 0; k < 100; k++)
        one[k] = ldexp(1, 900 - (int)k);
    ck_assert_relative(qntk_decay_effective_dimension(100, one, NULL), 3, 1e-14);
    for (size_t k = 0; k < 100; k++)
        one[k] = 0;
    ck_assert_double_eq(qntk_decay_effective_dimension(100, one, NULL), 0);
    ck_assert_double_eq(qntk_decay_effective_dimension(0, one, NULL), 0);
}
END_TEST

START_TEST(shares_add_up_to_one_and_respect_the_whole_trace)
{
    const double eval[] = {4, 2, 1, 1}, times[] = {1, 2, 3, 5};
    double share[4], cumulative[4];
    qntk_decay_shares(4, eval, NULL, 0, share, cumulative);
    ck_assert_double_eq(share[0], 0.5);
    ck_assert_double_eq(cumulative[1], 0.75);
    ck_assert_double_eq(cumulative[3], 1);
    qntk_decay_shares(4, eval, times, 32, share, cumulative);
    ck_assert_double_eq(share[3], 5.0 / 32);
    ck_assert_double_eq(cumulative[3], 0.5);
    const double zeros[2] = {0};
    qntk_decay_shares(2, zeros, NULL, 0, share, cumulative);
    ck_assert_double_eq(share[1], 0);
    ck_assert_double_eq(cumulative[1], 0);
}
END_TEST

START_TEST(every_allocation_of_a_fit_may_fail)
{
    for (size_t i = 0; i < 100; i++)
        values[i] = 1 / (double)(i + 1);
    qntk_decay decay;
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_decay_fit(100, values, qntk_decay_defaults(), &decay));
    long count = qntk_memory_fail_after(-1);
    ck_assert_int_ge(count, 4);
    for (long i = 0; i < count; i++) {
        qntk_memory_fail_after(i);
        qntk_status data = qntk_decay_fit(100, values, qntk_decay_defaults(), &decay);
        qntk_memory_fail_after(i);
        qntk_status sphere = qntk_decay_fit_degrees(100, values, qntk_decay_defaults(), &decay);
        qntk_memory_fail_after(-1);
        ck_assert_int_eq(data, QNTK_NO_MEMORY);
        ck_assert_int_eq(sphere, QNTK_NO_MEMORY);
        ck_assert_uint_eq(decay.points, 0);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, an_exact_power_law_is_recovered);
    tcase_add_test(tcase, an_exact_exponential_is_recovered_down_to_the_smallest_values);
    tcase_add_test(tcase, a_noise_floor_and_a_sample_size_cut_the_window_and_not_the_answer);
    tcase_add_test(tcase, the_verdict_reads_as_a_sentence);
    tcase_add_test(tcase, a_stretched_exponential_is_recognised);
    tcase_add_test(tcase, rounding_noise_of_both_signs_is_kept_out);
    tcase_add_test(tcase, slopes_errors_and_aic_agree_with_a_plain_computation);
    tcase_add_test(tcase, standard_errors_cover_the_truth_as_often_as_they_should);
    tcase_add_test(tcase, a_faster_than_exponential_decay_is_called_compressed);
    tcase_add_test(tcase, the_window_starts_where_the_law_sets_in);
    tcase_add_test(tcase, a_window_that_is_given_is_kept);
    tcase_add_test(tcase, kernels_of_the_reference_are_told_apart);
    tcase_add_test(tcase, too_few_points_are_undetermined_and_not_garbage);
    tcase_add_test(tcase, a_flat_spectrum_is_undetermined);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, effective_dimension_and_trace_have_their_closed_forms);
    tcase_add_test(tcase, shares_add_up_to_one_and_respect_the_whole_trace);
    tcase_add_test(tcase, every_allocation_of_a_fit_may_fail);
}

int main(void)
{
    return test_main("decay", add_tests);
}
