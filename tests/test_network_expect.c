/* Expected outputs in single precision, and the loops they are made of, against their twins in double. */
#include "test.h"
#include "network_expect_simd.h"

#include <string.h>

static const char *const sets[] = {"baseline", "avx2", "avx512"};
enum { SETS = 3 };

static const double unit = 0x1p-24;

/* ---- loops ---- */

START_TEST(rectified_moments_are_those_in_double_tails_included)
{
    enum { N = 1000, ROUNDS = 100 };
    static float mu[N], s2[N], variance[N], shift[N], x[N], square[N];
    for (size_t k = 0; k < SETS; k++) {
        const qntk_expect_ops *ops = qntk_expect_ops_find(sets[k]);
        if (ops == NULL)
            continue; /* not on this processor */
        qntk_rng rng = qntk_rng_create(k, 1);
        double worst_mean = 0, worst_variance = 0, worst_sum = 0, worst_most = 0;
        for (int round = 0; round < ROUNDS; round++) {
            double sum = 0.25, expected_sum = 0.25, most = 0;
            const float base = round % 2 == 0 ? 0 : 0.0625F;
            for (int i = 0; i < N; i++) {
                const double s = exp(6 * qntk_rng_uniform(&rng) - 3);
                const double z = (i % 3 == 0 ? 1 : 12.4) * (2 * qntk_rng_uniform(&rng) - 1);
                s2[i] = square[i] = (float)(s * s);
                shift[i] = (float)qntk_rng_normal(&rng);
                mu[i] = (float)(z * sqrt((double)(s2[i] + base))) - shift[i];
                x[i] = mu[i] + shift[i];
            }
            const float greatest = ops->moments(N, shift, base, mu, s2, variance, &sum);
            for (int i = 0; i < N; i++) {
                const double s = sqrt((double)(square[i] + base)), z = fmin((double)x[i] / s, 0);
                double m, v;
                qntk_relu_moments((double)x[i], s, &m, &v);
                expected_sum += v;
                most = fmax(most, m);
                if (fmin(m, v) < 1e-36)
                    continue; /* leaves the normal numbers */
                worst_mean =
                    test_worse(worst_mean, fabs((double)mu[i] / m - 1) / (12 * unit * (1 + z * z / 4)));
                worst_variance = test_worse(worst_variance, fabs((double)variance[i] / v - 1) /
                                                                (24 * unit * (1 + z * z / 8)));
                worst_mean = test_worse(worst_mean, s2[i] == mu[i] * mu[i] ? 0 : 2);
            }
            worst_sum = test_worse(worst_sum, fabs(sum / expected_sum - 1) / (64 * unit));
            worst_most = test_worse(worst_most, fabs((double)greatest / most - 1) / (12 * unit));
        }
        ck_assert_msg(worst_mean <= 1, "%s: mean off by %g of the bound", sets[k], worst_mean);
        ck_assert_msg(worst_variance <= 1, "%s: variance off by %g of the bound", sets[k], worst_variance);
        ck_assert_msg(worst_sum <= 1, "%s: sum off by %g of the bound", sets[k], worst_sum);
        ck_assert_msg(worst_most <= 1, "%s: greatest off by %g of the bound", sets[k], worst_most);
    }
}
END_TEST

START_TEST(means_come_out_the_same_without_variances)
{
    enum { N = 77 };
    for (size_t k = 0; k < SETS; k++) {
        const qntk_expect_ops *ops = qntk_expect_ops_find(sets[k]);
        if (ops == NULL)
            continue;
        float mu[2][N], s2[2][N], shift[N] = {0}, variance[N];
        double sum[2] = {0, 0};
        for (int i = 0; i < N; i++) {
            mu[0][i] = mu[1][i] = -4 + 0.1F * (float)i;
            s2[0][i] = s2[1][i] = 1 + 0.01F * (float)i;
        }
        const float with = ops->moments(N, shift, 0.5F, mu[0], s2[0], variance, &sum[0]);
        const float without = ops->moments(N, shift, 0.5F, mu[1], s2[1], NULL, &sum[1]);
        ck_assert_int_eq(memcmp(mu[0], mu[1], sizeof mu[0]), 0);
        ck_assert_int_eq(memcmp(s2[0], s2[1], sizeof s2[0]), 0);
        ck_assert(with == without && sum[0] > 0 && sum[1] == 0);
    }
}
END_TEST

START_TEST(without_spread_the_mean_is_the_plain_relu)
{
    const float values[] = {-1e20F, -3, -0.0F, 0, 1e-30F, 2.5F, 1e20F};
    enum { N = sizeof values / sizeof *values };
    for (size_t k = 0; k < SETS; k++) {
        const qntk_expect_ops *ops = qntk_expect_ops_find(sets[k]);
        if (ops == NULL)
            continue;
        float mu[N], s2[N] = {0}, variance[N], shift[N] = {0};
        double sum = 0;
        memcpy(mu, values, sizeof mu);
        ck_assert(ops->moments(N, shift, 0, mu, s2, variance, &sum) == 1e20F);
        for (int i = 0; i < N; i++) {
            ck_assert(mu[i] == (values[i] > 0 ? values[i] : 0));
            ck_assert(variance[i] == 0);
        }
        ck_assert(sum == 0);
        /* 20 standard deviations away from 0 on either side */
        float far[2] = {-20, 20}, one[2] = {1, 1};
        ck_assert(ops->moments(2, shift, 0, far, one, variance, &sum) == 20);
        ck_assert(far[0] == 0 && variance[0] == 0 && far[1] == 20 && variance[1] == 1);
    }
}
END_TEST

START_TEST(what_is_not_finite_is_reported_by_every_loop)
{
    enum { N = 37 };
    const float bad[][2] = {{NAN, 1}, {INFINITY, 1}, {0, NAN}, {0, INFINITY}, {NAN, 0}, {INFINITY, INFINITY}};
    size_t missed = 0;
    for (size_t k = 0; k < SETS; k++) {
        const qntk_expect_ops *ops = qntk_expect_ops_find(sets[k]);
        if (ops == NULL)
            continue;
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
            for (size_t at = 0; at < N; at++) {
                float mu[N] = {0}, s2[N] = {0}, variance[N], shift[N] = {0};
                double sum = 0;
                mu[at] = bad[b][0];
                s2[at] = bad[b][1];
                missed += isfinite(mu[at]) || ops->square(N, mu, NULL) == INFINITY ? 0 : 1;
                missed +=
                    ops->moments(N, shift, 0, mu, s2, b % 2 == 0 ? NULL : variance, &sum) == INFINITY ? 0 : 1;
            }
        const float x[4] = {-3, 2, -0.5F, 1};
        float square[4];
        missed += ops->square(4, x, square) == 3 ? 0 : 1;
        for (size_t i = 0; i < 4; i++)
            missed += square[i] == x[i] * x[i] ? 0 : 1;
    }
    ck_assert_uint_eq(missed, 0);
}
END_TEST

START_TEST(noise_of_weights_is_that_in_double)
{
    enum { N = 500 };
    const size_t levels[] = {2, 3, 4, 16, 65536};
    static float latent[N], theta[N], noise[N], second[N];
    for (size_t k = 0; k < SETS; k++) {
        const qntk_expect_ops *ops = qntk_expect_ops_find(sets[k]);
        if (ops == NULL)
            continue;
        for (size_t l = 0; l < 5; l++) {
            const double step = qntk_weight_step(levels[l]);
            for (int i = 0; i < N; i++) /* levels among them, and numbers beyond the ends */
                latent[i] = i < 16 ? (float)(-1 + i * step) : -1.1F + 2.2F * (float)i / (N - 1);
            latent[499] = 1;
            latent[498] = -1;
            ops->weights(levels[l], N, latent, theta, noise, second);
            double worst = 0;
            for (int i = 0; i < N; i++) {
                const double t = fmin(1, fmax(-1, (double)latent[i])), tau = qntk_weight_noise(levels[l], t);
                worst = test_worse(worst, (double)theta[i] == t ? 0 : INFINITY);
                /* a rounding to float, and one of the position in double */
                worst =
                    test_worse(worst, fabs((double)noise[i] - tau) / (unit * tau + 0x1p-36 * step * step));
                worst = test_worse(worst, fabs((double)second[i] - (tau + t * t)) /
                                              (unit * (tau + t * t) + 0x1p-36 * step * step));
            }
            ck_assert_msg(worst <= 1, "%s, %zu levels: off by %g of the bound", sets[k], levels[l], worst);
        }
        latent[0] = NAN; /* reported by square(), harmless here */
        ops->weights(3, 1, latent, theta, NULL, NULL);
        ck_assert(theta[0] == -1);
    }
}
END_TEST

START_TEST(an_unknown_instruction_set_is_refused)
{
    ck_assert_ptr_null(qntk_expect_ops_find("mmx"));
    ck_assert_ptr_nonnull(strstr(qntk_message(), "instruction set 'mmx'"));
}
END_TEST

/* ---- networks ---- */

enum { LAYERS_MOST = 4 };

typedef struct {
    size_t count, sizes[LAYERS_MOST + 1], levels[LAYERS_MOST];
    double b_std;
} shape;

/* Rounded layers everywhere, and real ones in each place, in front of which inputs vary or not; more than 256
 * outputs, the number that is computed together. */
static const shape shapes[] = {
    {1, {7, 3}, {2}, 0.3},
    {2, {5, 40, 3}, {2, 0}, 0},
    {2, {5, 40, 3}, {3, 2}, 0.2},
    {3, {20, 300, 30, 4}, {2, 2, 0}, 0},
    {3, {9, 270, 60, 2}, {0, 2, 2}, 0.5},
    {3, {9, 33, 520, 2}, {2, 0, 0}, 0.5},
    {4, {30, 64, 65, 257, 3}, {3, 0, 16, 0}, 0.1},
    {4, {30, 64, 65, 57, 3}, {0, 0, 2, 0}, 0},
    {4, {12, 50, 300, 50, 3}, {65536, 2, 3, 4}, 0.4},
    {3, {20, 300, 30, 4}, {0, 0, 0}, 0.7},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static qntk_network create(const shape *s, uint64_t seed)
{
    qntk_network network;
    ck_assert_ok(qntk_network_create(s->count, s->sizes, s->levels, s->b_std, seed, &network));
    for (size_t l = 0; l < network.count; l++) /* some weights beyond their ends, some on a level */
        for (size_t k = 0; network.layers[l].levels > 0 && k < 5; k++)
            network.layers[l].latent[3 * k] = -1.5F + 0.75F * (float)k;
    return network;
}

static void fill(size_t count, uint64_t seed, float scale, float *values)
{
    qntk_rng rng = qntk_rng_create(seed, 98);
    for (size_t i = 0; i < count; i++)
        values[i] = scale * (float)qntk_rng_normal(&rng);
}

static void twin(const qntk_network *network, qntk_rounding rounding, size_t n, const float *X, double *F)
{
    const size_t inputs = network->layers[0].fan_in;
    qntk_moments_weights layers[LAYERS_MOST];
    double *rows = malloc(n * inputs * sizeof *rows);
    ck_assert_ptr_nonnull(rows);
    for (size_t k = 0; k < n * inputs; k++)
        rows[k] = (double)X[k];
    ck_assert_ok(qntk_network_moments(network, rounding, layers));
    ck_assert_ok(qntk_moments_propagate(layers, network->count, n, rows, F, NULL));
    qntk_network_moments_free(network, layers);
    free(rows);
}

/* The greatest distance of two sets of outputs, in sqrt(sum fan_in) 2^-24 of their root mean square. */
static double distance(const qntk_network *network, size_t n, const double *F, const double *G)
{
    const size_t outputs = network->layers[network->count - 1].fan_out;
    double worst = 0, square = 0, terms = 0;
    for (size_t k = 0; k < n * outputs; k++) {
        worst = test_worse(worst, fabs(F[k] - G[k]));
        square += G[k] * G[k] / (double)(n * outputs);
    }
    for (size_t l = 0; l < network->count; l++)
        terms += (double)network->layers[l].fan_in;
    return worst / (sqrt(terms * square) * unit);
}

enum { ROWS = 300, OUTPUTS = 4, INPUTS = 30 };

START_TEST(expected_outputs_are_those_in_double)
{
    static float X[ROWS * INPUTS];
    static double F[ROWS * OUTPUTS], G[ROWS * OUTPUTS];
    fill(ROWS * INPUTS, 5, 1, X);
    for (size_t s = 0; s < SHAPES; s++) {
        qntk_network network = create(&shapes[s], 10 + s);
        for (int rounding = 0; rounding < 2; rounding++) {
            ck_assert_ok(qntk_network_expect(&network, (qntk_rounding)rounding, ROWS, X, F));
            twin(&network, (qntk_rounding)rounding, ROWS, X, G);
            const double off = distance(&network, ROWS, F, G);
            ck_assert_msg(off < 4, "shape %zu, rounding %d: off by %g", s, rounding, off);
            ck_assert_msg(off > 0, "shape %zu, rounding %d: not in single precision", s, rounding);
        }
        qntk_network_free(&network);
    }
}
END_TEST

START_TEST(any_number_of_rows_gives_each_row_its_output)
{
    enum { N = 2100 }; /* blocks of 256 rows, and a rest */
    static float X[N * 20];
    static double all[N * OUTPUTS], some[N * OUTPUTS];
    fill(N * 20, 6, 1, X);
    X[20 * 20] = 0;
    memset(X + 40 * 20, 0, 20 * sizeof *X); /* a row of zeros among them */
    qntk_network network = create(&shapes[3], 3);
    twin(&network, QNTK_ROUNDING_STOCHASTIC, N, X, all);
    const size_t counts[] = {1, 2, 31, 32, 33, 255, 257, 600, N};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        const size_t n = counts[k], first = N - n;
        ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, n, X + first * 20, some));
        const double off = distance(&network, n, some, all + first * OUTPUTS);
        ck_assert_msg(off < 4, "%zu rows: off by %g", n, off);
    }
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, 0, X, some));
    qntk_network_free(&network);
}
END_TEST

START_TEST(a_power_of_two_goes_through_a_network_without_biases)
{
    static float X[ROWS * 20], Y[ROWS * 20];
    static double F[ROWS * OUTPUTS], G[ROWS * OUTPUTS];
    fill(ROWS * 20, 7, 1, X);
    for (size_t k = 0; k < (size_t)ROWS * 20; k++)
        Y[k] = 0x1p-12F * X[k];
    qntk_network network = create(&shapes[3], 4);
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, ROWS, X, F));
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, ROWS, Y, G));
    size_t wrong = 0;
    for (size_t k = 0; k < (size_t)ROWS * OUTPUTS; k++)
        wrong += G[k] == 0x1p-12 * F[k] ? 0 : 1;
    ck_assert_uint_eq(wrong, 0);
    qntk_network_free(&network);
}
END_TEST

START_TEST(numbers_of_any_size_go_through_in_double)
{
    enum { N = 40, KINDS = 7 };
    static float X[N * INPUTS];
    static double F[N * OUTPUTS], G[N * OUTPUTS];
    fill(N * INPUTS, 8, 1, X);
    for (int kind = 0; kind < KINDS; kind++) {
        qntk_network network = create(&shapes[kind < 4 ? 3 : kind < 6 ? 4 : 7], 5);
        if (kind == 0)
            X[33] = 1e25F; /* its square overflows */
        else if (kind == 1)
            fill(N * INPUTS, 8, 1e-25F, X); /* their squares vanish */
        else if (kind == 2)
            network.layers[2].latent[7] = 1e30F;
        else if (kind == 3)
            network.layers[1].w_std = 1e-9;
        else if (kind == 4)
            network.layers[0].bias[2] = 1e30F;
        else if (kind == 5)
            network.layers[0].latent[5] = 1e12F;
        for (size_t k = 0; kind == 6 && k < (size_t)64 * 65; k++)
            network.layers[1].latent[k] *= 1e-12F; /* out of range in front of layer 3 only */
        ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, N, X, F));
        twin(&network, QNTK_ROUNDING_STOCHASTIC, N, X, G);
        ck_assert_msg(memcmp(F, G, N * network.layers[network.count - 1].fan_out * sizeof *F) == 0,
                      "kind %d: not the same", kind);
        qntk_network_free(&network);
        fill(N * INPUTS, 8, 1, X);
    }
}
END_TEST

START_TEST(threads_do_not_decide_a_byte)
{
    static float X[ROWS * INPUTS];
    static double F[3][ROWS * OUTPUTS];
    fill(ROWS * INPUTS, 9, 1, X);
    for (size_t s = 0; s < SHAPES; s++) {
        qntk_network network = create(&shapes[s], s);
        for (size_t t = 0; t < 3; t++) {
            memset(F[t], 0xff, sizeof F[t]);
            ck_assert_ok(qntk_threads_set(t + 1));
            ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, ROWS, X, F[t]));
            ck_assert_int_eq(memcmp(F[0], F[t], sizeof F[t]), 0);
        }
        ck_assert_ok(qntk_threads_set(0));
        qntk_network_free(&network);
    }
}
END_TEST

/* ---- errors ---- */

START_TEST(each_documented_error_is_reported)
{
    float X[2 * 20];
    double F[2 * OUTPUTS];
    qntk_network network = create(&shapes[3], 1);
    const qntk_rounding stochastic = QNTK_ROUNDING_STOCHASTIC;
    fill(2 * 20, 1, 1, X);
    X[23] = NAN;
    ck_assert_fails(qntk_network_expect(&network, stochastic, 2, X, F), QNTK_NOT_FINITE, "row 1, column 3");
    X[23] = 1;
    network.layers[1].latent[301] = INFINITY;
    ck_assert_fails(qntk_network_expect(&network, stochastic, 2, X, F), QNTK_NOT_FINITE,
                    "layer 2: latent weight (1, 1)");
    network.layers[1].latent[301] = 0;
    network.layers[2].bias[3] = NAN;
    network.layers[2].b_std = 1;
    ck_assert_fails(qntk_network_expect(&network, stochastic, 2, X, F), QNTK_NOT_FINITE, "layer 3: bias 3");
    network.layers[2].b_std = 0;
    network.layers[2].bias[3] = 0;
    network.layers[1].w_std = 1e160;
    ck_assert_fails(qntk_network_expect(&network, stochastic, 2, X, F), QNTK_NOT_FINITE, "row 0: layer 2");
    for (size_t k = 0; k < (size_t)2 * OUTPUTS; k++)
        ck_assert(F[k] == 0);
    qntk_network_free(&network);
    qntk_network_layer huge = {
        .fan_in = 1 << 30, .fan_out = 1 << 20, .levels = 2, .w_std = 1}; /* not looked at */
    qntk_network wide = {1, &huge};
    double *wide_output = calloc(huge.fan_out, sizeof *wide_output);
    ck_assert_ptr_nonnull(wide_output);
    ck_assert_fails(qntk_network_expect(&wide, stochastic, 1, X, wide_output), QNTK_TOO_LARGE,
                    "expected outputs");
    free(wide_output);
    network = create(&shapes[3], 1);
    qntk_interrupt();
    ck_assert_fails(qntk_network_expect(&network, stochastic, 2, X, F), QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    qntk_network_free(&network);
}
END_TEST

START_TEST(a_failure_in_double_leaves_no_row_of_those_before_it)
{
    static float X[ROWS * INPUTS];
    static double F[ROWS * OUTPUTS];
    fill(ROWS * INPUTS, 9, 1, X);
    qntk_network network = create(&shapes[6], 1);
    X[network.layers[0].fan_in * ROWS - 1] = 1e30F; /* the last row: blocks before it go through */
    size_t left = 0;
    qntk_status status = QNTK_NO_MEMORY;
    for (long allowed = 0; status != QNTK_OK; allowed++) {
        qntk_memory_fail_after(allowed);
        status = qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, ROWS, X, F);
        qntk_memory_fail_after(-1);
        for (size_t k = 0; status != QNTK_OK && k < sizeof F / sizeof *F; k++)
            left += F[k] != 0;
    }
    ck_assert_uint_eq(left, 0);
    qntk_network_free(&network);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    float X[2 * INPUTS];
    double F[2 * OUTPUTS];
    fill(2 * INPUTS, 1, 1, X);
    for (int wild = 0; wild < 2; wild++) {
        qntk_network network = create(&shapes[6], 1);
        X[1] = wild == 0 ? 1 : 1e30F;
        long failures = 0;
        for (long allowed = 0;; allowed++) {
            qntk_memory_fail_after(allowed);
            qntk_status status = qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, 2, X, F);
            qntk_memory_fail_after(-1);
            if (status == QNTK_OK)
                break;
            ck_assert_int_eq(status, QNTK_NO_MEMORY);
            failures++;
        }
        /* tables, buffers; latent of 2 layers, noise of 2, second of 2, shift of 3 */
        ck_assert_int_ge(failures, wild == 0 ? 11 : 11 + 10);
        qntk_network_free(&network);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, rectified_moments_are_those_in_double_tails_included);
    tcase_add_test(tcase, means_come_out_the_same_without_variances);
    tcase_add_test(tcase, without_spread_the_mean_is_the_plain_relu);
    tcase_add_test(tcase, what_is_not_finite_is_reported_by_every_loop);
    tcase_add_test(tcase, noise_of_weights_is_that_in_double);
    tcase_add_test(tcase, an_unknown_instruction_set_is_refused);
    tcase_add_test(tcase, expected_outputs_are_those_in_double);
    tcase_add_test(tcase, any_number_of_rows_gives_each_row_its_output);
    tcase_add_test(tcase, a_power_of_two_goes_through_a_network_without_biases);
    tcase_add_test(tcase, numbers_of_any_size_go_through_in_double);
    tcase_add_test(tcase, threads_do_not_decide_a_byte);
    tcase_add_test(tcase, each_documented_error_is_reported);
    tcase_add_test(tcase, a_failure_in_double_leaves_no_row_of_those_before_it);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("network_expect", add_tests);
}
