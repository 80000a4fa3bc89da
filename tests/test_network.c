#include "test.h"
#include "naive_train.h"

#include <string.h>

/* A network of 5 inputs, hidden layers of 40 and 70, 3 outputs. */
static const size_t sizes[] = {5, 40, 70, 3};

static qntk_network create(size_t first, size_t hidden, size_t last, double b_std, uint64_t seed)
{
    const size_t levels[] = {first, hidden, last};
    qntk_network network;
    ck_assert_ok(qntk_network_create(3, sizes, levels, b_std, seed, &network));
    return network;
}

static void fill(size_t count, uint64_t seed, float *values)
{
    qntk_rng rng = qntk_rng_create(seed, 99);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)qntk_rng_normal(&rng);
}

START_TEST(latent_weights_start_with_the_law_of_their_layer)
{
    const size_t wide[] = {200, 300, 250}, levels[] = {2, 0};
    qntk_network network;
    ck_assert_ok(qntk_network_create(2, wide, levels, 0.5, 3, &network));
    ck_assert_uint_eq(network.count, 2);
    ck_assert_uint_eq(qntk_network_parameters(&network), 201 * 300 + 301 * 250);
    ck_assert_uint_eq(qntk_network_width(&network), 300);
    for (size_t l = 0; l < 2; l++) {
        const qntk_network_layer *layer = &network.layers[l];
        const size_t count = layer->fan_in * layer->fan_out;
        double sum = 0, square = 0, fourth = 0, largest = 0;
        for (size_t k = 0; k < count; k++) {
            double w = layer->latent[k];
            sum += w;
            square += w * w;
            fourth += w * w * w * w;
            largest = test_worse(largest, fabs(w));
        }
        /* uniform on [-1,1]: moments 0, 1/3, 1/5 (1/9 of the 8th); normal: 0, 1, 3 (105). 5 standard errors */
        double n = (double)count;
        ck_assert_close(sum / n, 0, 5, sqrt((l == 0 ? 1.0 / 3 : 1) / n));
        ck_assert_close(square / n, l == 0 ? 1.0 / 3 : 1, 5, sqrt((l == 0 ? 4.0 / 45 : 2) / n));
        ck_assert_close(fourth / n, l == 0 ? 0.2 : 3, 5, sqrt((l == 0 ? 1.0 / 9 - 0.04 : 96) / n));
        ck_assert(l == 0 ? largest <= 1 : largest > 3);
        ck_assert_relative(layer->w_std * layer->w_std, l == 0 ? 2.0 : 1.0, 1e-15);
    }
    qntk_network_free(&network);
    ck_assert_ptr_null(network.layers);
}
END_TEST

START_TEST(the_gain_keeps_the_second_moment_of_the_preactivations)
{
    /* sampled weights, wide layers: E h^2 = 2 in front of a ReLU on the sphere |x|^2 = d, E f^2 = 1 */
    const size_t wide[] = {64, 600, 600, 400};
    const size_t all[] = {0, 2, 3, 16};
    float x[64];
    fill(64, 1, x);
    double norm = 0;
    for (int j = 0; j < 64; j++)
        norm += (double)x[j] * (double)x[j];
    for (int j = 0; j < 64; j++)
        x[j] = (float)((double)x[j] * sqrt(64 / norm));
    for (size_t k = 0; k < 4; k++) {
        const size_t levels[] = {all[k], all[k], all[k]};
        qntk_network network;
        double f[400], square = 0;
        ck_assert_ok(qntk_network_create(3, wide, levels, 0, 8, &network));
        ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 8, 0, 1, 1, x, f));
        for (int c = 0; c < 400; c++)
            square += f[c] * f[c] / 400;
        /* fluctuations: of 400 outputs (2/400) and of two layers (5/600 each): sd 0.15 */
        ck_assert_close(square, 1, 4, 0.15);
        qntk_network_free(&network);
    }
}
END_TEST

START_TEST(the_seed_decides_a_network_and_threads_do_not)
{
    qntk_network a, b, c;
    ck_assert_ok(qntk_threads_set(1));
    a = create(2, 0, 3, 1, 5);
    ck_assert_ok(qntk_threads_set(3));
    b = create(2, 0, 3, 1, 5);
    c = create(2, 0, 3, 1, 6);
    ck_assert_ok(qntk_threads_set(0));
    for (size_t l = 0; l < 3; l++) {
        size_t bytes = sizes[l] * sizes[l + 1] * sizeof(float);
        ck_assert_int_eq(memcmp(a.layers[l].latent, b.layers[l].latent, bytes), 0);
        ck_assert_int_ne(memcmp(a.layers[l].latent, c.layers[l].latent, bytes), 0);
        ck_assert_int_eq(memcmp(a.layers[l].bias, b.layers[l].bias, sizes[l + 1] * sizeof(float)), 0);
    }
    qntk_network_free(&a);
    qntk_network_free(&b);
    qntk_network_free(&c);
}
END_TEST

START_TEST(a_real_network_gives_the_plain_output_expected_and_sampled)
{
    enum { N = 70 };
    qntk_network network = create(0, 0, 0, 0.7, 2);
    naive_net plain = naive_net_latent(&network);
    float X[N * 5];
    double expected[N * 3], sampled[N * 3], f[3], worst_expected = 0, worst_sampled = 0;
    fill(N * 5, 4, X);
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, N, X, expected));
    ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 1, 0, 2, N, X, sampled));
    for (size_t i = 0; i < N; i++) {
        naive_net_output(&plain, X + i * 5, f, NULL);
        for (size_t c = 0; c < 3; c++) {
            worst_expected = test_worse(worst_expected, fabs(expected[i * 3 + c] - f[c]));
            worst_sampled = test_worse(worst_sampled, fabs(sampled[i * 3 + c] - f[c]));
        }
    }
    ck_assert_msg(worst_expected < 200 * 0x1p-24 * 10, "expected: off by %g", worst_expected);
    ck_assert_msg(worst_sampled < 200 * 0x1p-24 * 10, "sampled: off by %g", worst_sampled);
    naive_net_free(&plain);
    qntk_network_free(&network);
}
END_TEST

START_TEST(rounding_to_the_nearest_level_gives_the_network_of_the_nearest_levels)
{
    enum { N = 9 };
    qntk_network network = create(3, 5, 0, 0.3, 12);
    naive_net plain = naive_net_latent(&network);
    for (size_t l = 0; l < 2; l++)
        for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++)
            plain.W[l][k] = naive_nearest(network.layers[l].levels, network.layers[l].latent[k]);
    float X[N * 5];
    double expected[N * 3], sampled[N * 3], f[3], worst_expected = 0, worst_sampled = 0;
    fill(N * 5, 4, X);
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_NEAREST, N, X, expected));
    ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_NEAREST, 1, 0, 1, N, X, sampled));
    for (size_t i = 0; i < N; i++) {
        naive_net_output(&plain, X + i * 5, f, NULL);
        for (size_t c = 0; c < 3; c++) {
            worst_expected = test_worse(worst_expected, fabs(expected[i * 3 + c] - f[c]));
            worst_sampled = test_worse(worst_sampled, fabs(sampled[i * 3 + c] - f[c]));
        }
    }
    ck_assert_msg(worst_expected < 200 * 0x1p-24 * 10, "expected: off by %g", worst_expected);
    ck_assert_msg(worst_sampled < 200 * 0x1p-24 * 10, "sampled: off by %g", worst_sampled);
    naive_net_free(&plain);
    qntk_network_free(&network);
}
END_TEST

START_TEST(the_mean_of_draws_is_the_mean_of_each_of_them)
{
    enum { N = 4, DRAWS = 5 };
    qntk_network network = create(2, 3, 16, 0.2, 1);
    float X[N * 5];
    double all[N * 3], one[N * 3], sum[N * 3] = {0}, spread = 0, worst = 0;
    fill(N * 5, 4, X);
    ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 7, 10, DRAWS, N, X, all));
    for (size_t k = 0; k < DRAWS; k++) {
        ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 7, 10 + k, 1, N, X, one));
        for (size_t i = 0; i < N * 3; i++)
            sum[i] += one[i] / DRAWS;
    }
    for (size_t i = 0; i < N * 3; i++) {
        worst = test_worse(worst, fabs(sum[i] - all[i]));
        spread = fmax(spread, fabs(one[i] - all[i]));
    }
    ck_assert_msg(worst <= 1e-14, "off by %g", worst);
    ck_assert_msg(spread > 0.01, "the draws do not differ");
    qntk_network_free(&network);
}
END_TEST

START_TEST(a_draw_multiplies_with_the_documented_weights)
{
    /* one real input of 1 and a linear network of one layer show the weights themselves */
    const size_t tall[] = {130, 3}, levels[] = {3};
    qntk_network network;
    ck_assert_ok(qntk_network_create(1, tall, levels, 0, 4, &network));
    const double scale = network.layers[0].w_std / sqrt(130);
    size_t wrong = 0;
    for (size_t j = 0; j < 130; j++) {
        float x[130] = {0};
        double f[3];
        x[j] = 1;
        ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 77, 5, 1, 1, x, f));
        for (size_t i = 0; i < 3; i++) {
            /* three groups of 64 a row: 24 blocks */
            float w = naive_round(3, network.layers[0].latent[i * 130 + j], 77, UINT64_C(0x64726177) << 32,
                                  (UINT64_C(5) << 32) + i * 24, j);
            wrong += !(fabs(f[i] - scale * (double)w) < 1e-6);
        }
    }
    ck_assert_uint_eq(wrong, 0);
    qntk_network_free(&network);
}
END_TEST

START_TEST(the_mean_of_many_draws_approaches_the_expected_output)
{
    /* One rounded layer and a linear one: the quasi network is exact up to normality of 400 terms, and the
     * mean of DRAWS networks is off by standard errors. */
    enum { N = 6, DRAWS = 3000, D = 400 };
    const size_t shape[] = {D, 50, 2}, levels[] = {2, 0};
    qntk_network network;
    ck_assert_ok(qntk_network_create(2, shape, levels, 0, 4, &network));
    static float X[N * D];
    fill(N * D, 4, X);
    double expected[N * 2], mean[N * 2], once[N * 2], variance[N * 2] = {0}, worst = 0;
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, N, X, expected));
    ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 4, 0, DRAWS, N, X, mean));
    for (size_t k = 0; k < 200; k++) {
        ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 4, k, 1, N, X, once));
        for (size_t i = 0; i < N * 2; i++)
            variance[i] += (once[i] - expected[i]) * (once[i] - expected[i]) / 200;
    }
    for (size_t i = 0; i < N * 2; i++)
        worst = test_worse(worst, fabs(mean[i] - expected[i]) / sqrt(variance[i] / DRAWS));
    ck_assert_msg(worst < 5, "off by %g standard errors (seed 4)", worst);
    qntk_network_free(&network);
}
END_TEST

START_TEST(outputs_do_not_depend_on_threads)
{
    enum { N = 150 };
    qntk_network network = create(2, 3, 0, 0.2, 1);
    float X[N * 5];
    static double expected[2][N * 3], sampled[2][N * 3];
    fill(N * 5, 4, X);
    for (size_t t = 0; t < 2; t++) {
        ck_assert_ok(qntk_threads_set(t + 1));
        ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, N, X, expected[t]));
        ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 3, 0, 3, N, X, sampled[t]));
    }
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_int_eq(memcmp(expected[0], expected[1], sizeof expected[0]), 0);
    ck_assert_int_eq(memcmp(sampled[0], sampled[1], sizeof sampled[0]), 0);
    qntk_network_free(&network);
}
END_TEST

START_TEST(each_documented_error_is_reported)
{
    qntk_network network;
    const size_t levels[] = {2, 0}, bad_levels[] = {2, 1};
    const size_t good[] = {3, 4, 2}, empty[] = {3, 0, 2}, huge[] = {3, (size_t)1 << 31, 2};
    const size_t many[] = {(size_t)1 << 20, (size_t)1 << 20, 2};
    ck_assert_fails(qntk_network_create(0, good, levels, 0, 0, &network), QNTK_INVALID, "65535 layers");
    ck_assert_fails(qntk_network_create(2, empty, levels, 0, 0, &network), QNTK_INVALID, "size 1");
    ck_assert_fails(qntk_network_create(2, huge, levels, 0, 0, &network), QNTK_INVALID, "size 1");
    ck_assert_fails(qntk_network_create(2, many, levels, 0, 0, &network), QNTK_INVALID, "2^34 weights");
    ck_assert_fails(qntk_network_create(2, good, bad_levels, 0, 0, &network), QNTK_INVALID, "levels");
    ck_assert_fails(qntk_network_create(2, good, levels, -1, 0, &network), QNTK_INVALID, "b_std");
    ck_assert_fails(qntk_network_create(2, good, levels, NAN, 0, &network), QNTK_INVALID, "b_std");
    const size_t large[] = {(size_t)1 << 17, (size_t)1 << 17, 2}; /* 64 GiB */
    if (qntk_memory_available() < (size_t)1 << 36)
        ck_assert_fails(qntk_network_create(2, large, levels, 0, 0, &network), QNTK_TOO_LARGE, "GiB");
    ck_assert_ok(qntk_network_create(2, good, levels, 0, 0, &network));
    float x[3] = {1, 2, 3};
    double f[2];
    ck_assert_fails(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 0, 0, 0, 1, x, f), QNTK_INVALID,
                    "at least one draw");
    network.layers[1].latent[5] = NAN;
    ck_assert_fails(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, 1, x, f), QNTK_NOT_FINITE,
                    "layer 2: latent weight (1, 1)");
    ck_assert_fails(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 0, 0, 1, 1, x, f),
                    QNTK_NOT_FINITE, "row 0");
    qntk_interrupt();
    ck_assert_fails(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 0, 0, 1, 1, x, f),
                    QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    qntk_network_free(&network);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const size_t levels[] = {2, 3, 0};
    float X[2 * 5] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    double F[2 * 3];
    long failures = 0;
    for (long allowed = 0;; allowed++) {
        qntk_network network = {0};
        qntk_memory_fail_after(allowed);
        qntk_status status = qntk_network_create(3, sizes, levels, 0.1, 0, &network);
        if (status == QNTK_OK)
            status = qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, 2, X, F);
        if (status == QNTK_OK)
            status = qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 0, 0, 1, 2, X, F);
        qntk_memory_fail_after(-1);
        qntk_network_free(&network);
        if (status == QNTK_OK)
            break;
        ck_assert_int_eq(status, QNTK_NO_MEMORY);
        failures++;
    }
    ck_assert_int_gt(failures, 15);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, latent_weights_start_with_the_law_of_their_layer);
    tcase_add_test(tcase, the_gain_keeps_the_second_moment_of_the_preactivations);
    tcase_add_test(tcase, the_seed_decides_a_network_and_threads_do_not);
    tcase_add_test(tcase, a_real_network_gives_the_plain_output_expected_and_sampled);
    tcase_add_test(tcase, rounding_to_the_nearest_level_gives_the_network_of_the_nearest_levels);
    tcase_add_test(tcase, the_mean_of_draws_is_the_mean_of_each_of_them);
    tcase_add_test(tcase, a_draw_multiplies_with_the_documented_weights);
    tcase_add_test(tcase, the_mean_of_many_draws_approaches_the_expected_output);
    tcase_add_test(tcase, outputs_do_not_depend_on_threads);
    tcase_add_test(tcase, each_documented_error_is_reported);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("network", add_tests);
}
