/* Sampled roundings against moment propagation: exact where it is exact, and in width where it is a limit. */
#include "random_network.h"

#include <string.h>

enum { MEAN = QNTK_VALIDATE_MEAN, VARIANCE = QNTK_VALIDATE_VARIANCE };

static qntk_validate_options many(size_t draws, uint64_t seed)
{
    return (qntk_validate_options){.draws = draws, .seed = seed};
}

START_TEST(the_first_layer_is_exact_at_any_width)
{
    enum { N = 6, D = 7 };
    static const size_t sizes[] = {D, 150, 1}, levels[][2] = {{2, 2}, {3, 0}, {8, 3}};
    double X[N * D];
    random_rows(N, D, 1, X);
    for (size_t k = 0; k < 3; k++) {
        random_network net = random_network_create(2, sizes, levels[k], 0.4, k);
        qntk_validation v;
        ck_assert_ok(qntk_validate(net.layers, 2, N, X, many(3000, 5), &v));
        const qntk_validate_layer *first = &v.layer[0];
        for (size_t i = 0; i < QNTK_VALIDATE_MOMENTS; i++) {
            if (i <=
                VARIANCE) { /* 900 neurons and rows, seed 5: P(any beyond 5) = 5e-4, less for heavier tails */
                ck_assert_double_le(first->max_abs_z[i], 5.5);
                ck_assert_double_ge(first->max_abs_z[i],
                                    2); /* and somebody is off by two: no error is too large */
                ck_assert_close(first->rms_relative_error[i], first->rms_relative_noise[i], 0.25,
                                first->rms_relative_noise[i]);
            }
            ck_assert(isnan(v.layer[1].max_abs_z[i]) == (i > VARIANCE)); /* no ReLU after the last layer */
        }
        qntk_validation_free(&v);
        random_network_destroy(&net);
    }
}
END_TEST

START_TEST(all_roundings_of_a_tiny_network_give_the_sampled_moments)
{
    /* one layer, two binary weights: h = (+-3 +-4)/sqrt 2 with probabilities (1 +- theta)/2 */
    const double latent[] = {0.5, -0.25}, x[] = {3, 4};
    const qntk_moments_weights layer = {2, 1, latent, 2, 1, 0, NULL, NULL};
    double mean = 0, variance = 0;
    for (int s = -1; s <= 1; s += 2)
        for (int t = -1; t <= 1; t += 2)
            mean += (1 + s * latent[0]) / 2 * (1 + t * latent[1]) / 2 * (s * x[0] + t * x[1]) / sqrt(2);
    for (int s = -1; s <= 1; s += 2)
        for (int t = -1; t <= 1; t += 2)
            variance += (1 + s * latent[0]) / 2 * (1 + t * latent[1]) / 2 *
                        pow((s * x[0] + t * x[1]) / sqrt(2) - mean, 2);
    qntk_validation v;
    ck_assert_ok(qntk_validate(&layer, 1, 1, x, many(2000, 3), &v));
    ck_assert_relative(v.mean[0], mean, 1e-14);
    ck_assert_relative(v.variance[0], variance, 1e-14);
    ck_assert_double_le(v.layer[0].max_abs_z[MEAN], 4);
    ck_assert_double_le(v.layer[0].max_abs_z[VARIANCE], 4);
    ck_assert_double_le(v.layer[0].ks_p, 1e-6); /* four values are no normal distribution */
    qntk_validation_free(&v);
}
END_TEST

START_TEST(figures_are_those_of_the_sample_itself)
{
    enum { N = 4, D = 5, DRAWS = 400, OUTPUTS = 2 };
    static const size_t sizes[] = {D, 30, 20, OUTPUTS}, levels[] = {2, 3, 2};
    double X[N * D], worst[2] = {0}, off[2] = {0}, size[2] = {0};
    random_rows(N, D, 4, X);
    random_network net = random_network_create(3, sizes, levels, 0.2, 8);
    qntk_validation v;
    ck_assert_ok(qntk_validate(net.layers, 3, N, X, many(DRAWS, 6), &v));
    double predicted[2][N * OUTPUTS];
    ck_assert_ok(qntk_moments_propagate(net.layers, 3, N, X, predicted[0], predicted[1]));
    for (size_t k = 0; k < N * OUTPUTS; k++) {
        ck_assert_relative(v.mean[k], predicted[0][k], 1e-12);
        ck_assert_relative(v.variance[k], predicted[1][k], 1e-12);
        double mean = 0, m2 = 0, m4 = 0;
        for (size_t i = 0; i < DRAWS; i++)
            mean += v.sample[i * N * OUTPUTS + k] / DRAWS;
        for (size_t i = 0; i < DRAWS; i++) {
            m2 += pow(v.sample[i * N * OUTPUTS + k] - mean, 2) / DRAWS;
            m4 += pow(v.sample[i * N * OUTPUTS + k] - mean, 4) / DRAWS;
        }
        const double measured[] = {mean, m2 * DRAWS / (DRAWS - 1)};
        const double error[] = {sqrt(measured[1] / DRAWS), sqrt((m4 - m2 * m2) / DRAWS)};
        for (size_t i = 0; i < 2; i++) {
            worst[i] = test_worse(worst[i], fabs(measured[i] - predicted[i][k]) / error[i]);
            off[i] += pow(measured[i] - predicted[i][k], 2);
            size[i] += pow(predicted[i][k], 2);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        ck_assert_relative(v.layer[2].max_abs_z[i], worst[i], 1e-9);
        ck_assert_relative(v.layer[2].rms_relative_error[i], sqrt(off[i] / size[i]), 1e-9);
    }
    qntk_validation_free(&v);
    random_network_destroy(&net);
}
END_TEST

START_TEST(later_layers_become_right_as_networks_become_wide)
{
    enum { N = 3, D = 40 };
    static const size_t levels[] = {2, 2, 2};
    double X[N * D], excess[2], ks_p[2];
    random_rows(N, D, 2, X);
    for (size_t k = 0; k < 2; k++) {
        const size_t width = k == 0 ? 3 : 320, sizes[] = {D, width, width, 40};
        random_network net = random_network_create(3, sizes, levels, 0, 5);
        qntk_validation v;
        ck_assert_ok(qntk_validate(net.layers, 3, N, X, many(1500, 1), &v));
        excess[k] = v.layer[2].rms_relative_error[VARIANCE] / v.layer[2].rms_relative_noise[VARIANCE];
        ks_p[k] = v.layer[2].ks_p;
        qntk_validation_free(&v);
        random_network_destroy(&net);
    }
    /* 120 estimates of the noise alone: 1 up to 1/sqrt(240), but for correlation between the three rows */
    ck_assert_close(excess[1], 1, 0.25, 1);
    ck_assert_double_ge(ks_p[1], 1e-3);
    ck_assert_msg(ks_p[0] < 1e-4, "width 3: p = %g, as if sums of three were normal", ks_p[0]);
}
END_TEST

START_TEST(neurons_that_never_fire_have_no_error)
{
    /* of two neurons of 40 binary weights one has mean -13 deviations: its output is 0 in every draw, and predicted
     * to be 1e-40 */
    enum { D = 40 };
    double latent[2 * D], x[D];
    const double readout[] = {1, 1};
    for (size_t k = 0; k < D; k++) {
        latent[k] = -0.9;
        latent[D + k] = 0.1;
        x[k] = 1;
    }
    const qntk_moments_weights layers[] = {{D, 2, latent, 2, 1, 0, NULL, NULL},
                                           {2, 1, readout, 0, 1, 0, NULL, NULL}};
    qntk_validation v;
    ck_assert_ok(qntk_validate(layers, 2, 1, x, many(1000, 4), &v));
    for (size_t i = 0; i < QNTK_VALIDATE_MOMENTS; i++) {
        ck_assert_double_le(v.layer[0].max_abs_z[i], 5);
        ck_assert_double_gt(v.layer[0].max_abs_z[i], 0);
    }
    qntk_validation_free(&v);
}
END_TEST

START_TEST(real_weights_vary_nowhere)
{
    enum { N = 2, D = 3 };
    static const size_t sizes[] = {D, 5, 1}, levels[] = {0, 0};
    double X[N * D];
    random_rows(N, D, 2, X);
    random_network net = random_network_create(2, sizes, levels, 0.1, 1);
    qntk_validation v;
    ck_assert_ok(qntk_validate(net.layers, 2, N, X, many(10, 1), &v));
    for (size_t l = 0; l < 2; l++) {
        ck_assert_double_nan(v.layer[l].max_abs_z[MEAN]);
        ck_assert_double_nan(v.layer[l].ks);
    }
    for (size_t k = 0; k < 10 * N; k++)
        ck_assert_relative(v.sample[k], v.mean[k % N], 1e-14);
    qntk_validation_free(&v);
    random_network_destroy(&net);
}
END_TEST

START_TEST(kolmogorovs_distance_and_its_p_value)
{
    double x[100], ks, p;
    for (int i = 0; i < 100; i++) { /* quantiles at (i + 1/2)/100: the smallest distance there is, 1/200 */
        double low = -10, high = 10;
        while (high - low > 1e-14)
            *(erfc(-(low + high) / 2 * M_SQRT1_2) / 2 < (i + 0.5) / 100 ? &low : &high) = (low + high) / 2;
        x[99 - i] = low;
    }
    qntk_validate_normality(100, x, &ks, &p);
    ck_assert_relative(ks, 0.005, 1e-9);
    ck_assert_double_eq(p, 1);
    ck_assert_double_lt(x[0], x[99]);                          /* sorted */
    double pair[] = {-0.6744897501960817, 0.6744897501960817}; /* quartiles: D = 1/4, t = sqrt 2 .. */
    qntk_validate_normality(2, pair, &ks, &p);
    ck_assert_relative(ks, 0.25, 1e-12);
    const double t = (sqrt(2) + 0.12 + 0.11 / sqrt(2)) * 0.25; /* = 0.403 */
    double sum = 0;
    for (int k = 200; k >= 1; k--) /* the alternating series, slow but right here too */
        sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * t * t);
    ck_assert_relative(p, sum, 1e-9);
    pair[0] = NAN;
    qntk_validate_normality(2, pair, &ks, &p);
    ck_assert_double_nan(ks);
    qntk_validate_normality(0, NULL, &ks, &p);
    ck_assert_double_nan(p);
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
    enum { N = 5, D = 6, DRAWS = 37 };
    static const size_t sizes[] = {D, 20, 10, 2}, levels[] = {2, 3, 4};
    double X[N * D];
    random_rows(N, D, 2, X);
    random_network net = random_network_create(3, sizes, levels, 0.1, 1);
    qntk_validation one, more;
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(qntk_validate(net.layers, 3, N, X, many(DRAWS, 1), &one));
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_ok(qntk_validate(net.layers, 3, N, X, many(DRAWS, 1), &more));
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_mem_eq(one.sample, more.sample, (DRAWS * N * 2) * sizeof(double));
    ck_assert_mem_eq(one.layer, more.layer, 2 * sizeof *one.layer);
    qntk_validation_free(&one);
    qntk_validation_free(&more);
    random_network_destroy(&net);
}
END_TEST

START_TEST(mistakes_are_named_and_every_allocation_may_fail)
{
    static const size_t sizes[] = {3, 4, 2}, levels[] = {2, 0};
    double X[] = {1, 2, 3};
    random_network net = random_network_create(2, sizes, levels, 0.1, 1);
    qntk_validation v;
    ck_assert_fails(qntk_validate(net.layers, 2, 1, X, many(9, 1), &v), QNTK_INVALID, "10 draws");
    ck_assert_fails(qntk_validate(net.layers, 0, 1, X, many(10, 1), &v), QNTK_INVALID, "layer");
    ck_assert_fails(qntk_validate(net.layers, 2, 0, X, many(10, 1), &v), QNTK_INVALID, "rows");
    net.layers[1].noise = X;
    ck_assert_fails(qntk_validate(net.layers, 2, 1, X, many(10, 1), &v), QNTK_INVALID, "cannot be drawn");
    net.layers[1].noise = NULL;
    X[1] = INFINITY;
    ck_assert_fails(qntk_validate(net.layers, 2, 1, X, many(10, 1), &v), QNTK_NOT_FINITE, "column 1");
    X[1] = 2;
    qntk_status status = QNTK_NO_MEMORY;
    long successes = 0;
    for (; successes < 50 && status != QNTK_OK; successes++) {
        qntk_memory_fail_after(successes);
        status = qntk_validate(net.layers, 2, 1, X, many(10, 1), &v);
        qntk_memory_fail_after(-1);
        ck_assert(status == QNTK_OK || (status == QNTK_NO_MEMORY && v.layer == NULL));
    }
    ck_assert_int_gt(successes, 10);
    ck_assert_int_eq(status, QNTK_OK);
    qntk_validation_free(&v);
    ck_assert_str_eq(qntk_validate_moment_name(QNTK_VALIDATE_OUTPUT_MEAN), "output mean");
    random_network_destroy(&net);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_first_layer_is_exact_at_any_width);
    tcase_add_test(tcase, all_roundings_of_a_tiny_network_give_the_sampled_moments);
    tcase_add_test(tcase, figures_are_those_of_the_sample_itself);
    tcase_add_test(tcase, later_layers_become_right_as_networks_become_wide);
    tcase_add_test(tcase, neurons_that_never_fire_have_no_error);
    tcase_add_test(tcase, real_weights_vary_nowhere);
    tcase_add_test(tcase, kolmogorovs_distance_and_its_p_value);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, mistakes_are_named_and_every_allocation_may_fail);
}

int main(void)
{
    return test_main("validate", add_tests);
}
