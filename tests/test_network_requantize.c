/* Copies of networks with other levels. */
#include "test.h"

#include <string.h>

enum { D = 7, OUT = 3, N = 20, LAYERS = 3 };
static const size_t sizes[] = {D, 40, 30, OUT};

static qntk_network create(size_t first, size_t hidden, size_t last, uint64_t seed)
{
    const size_t levels[] = {first, hidden, last};
    qntk_network network;
    ck_assert_ok(qntk_network_create(LAYERS, sizes, levels, 0.3, seed, &network));
    return network;
}

static qntk_network requantize(const qntk_network *network, size_t first, size_t hidden, size_t last)
{
    const size_t levels[] = {first, hidden, last};
    qntk_network copy;
    ck_assert_ok(qntk_network_requantize(network, levels, &copy));
    return copy;
}

static void rows(float X[N * D])
{
    qntk_rng rng = qntk_rng_create(5, 5);
    for (size_t k = 0; k < N * D; k++)
        X[k] = (float)qntk_rng_normal(&rng);
}

static double distance(const double *a, const double *b)
{
    double worst = 0;
    for (size_t k = 0; k < N * OUT; k++)
        worst = test_worse(worst, fabs(a[k] - b[k]));
    return worst;
}

START_TEST(a_real_network_without_levels_stays_the_same_function)
{
    float X[N * D];
    double before[N * OUT], after[N * OUT];
    rows(X);
    qntk_network network = create(0, 0, 0, 3), copy = requantize(&network, 0, 0, 0);
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, N, X, before));
    ck_assert_ok(qntk_network_expect(&copy, QNTK_ROUNDING_STOCHASTIC, N, X, after));
    const double off = distance(before, after);
    ck_assert_msg(off < 20 * 0x1p-24 * 10, "off by %g", off); /* three layers of weights divided in float */
    for (size_t l = 0; l < LAYERS; l++) {
        float largest = 0;
        for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++)
            largest = fmaxf(largest, fabsf(copy.layers[l].latent[k]));
        ck_assert(largest == 1);
        ck_assert_uint_eq(copy.layers[l].levels, 0);
    }
    qntk_network_free(&network);
    qntk_network_free(&copy);
}
END_TEST

START_TEST(a_rounded_network_without_levels_is_that_of_its_latent_weights)
{
    float X[N * D];
    double before[N * OUT], after[N * OUT];
    rows(X);
    qntk_network network = create(2, 3, 16, 4);
    network.layers[0].latent[5] = 1.5F; /* beyond the grid: its end */
    qntk_network copy = requantize(&network, 0, 0, 0);
    ck_assert(copy.layers[0].latent[5] == 1);
    network.layers[0].latent[5] = 1;
    for (size_t l = 0; l < LAYERS; l++) {
        ck_assert_int_eq(
            memcmp(copy.layers[l].latent, network.layers[l].latent, sizes[l] * sizes[l + 1] * sizeof(float)),
            0);
        ck_assert(copy.layers[l].w_std == network.layers[l].w_std);
        network.layers[l].levels = 0;
    }
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_NEAREST, N, X, before));
    ck_assert_ok(qntk_network_expect(&copy, QNTK_ROUNDING_NEAREST, N, X, after));
    ck_assert_int_eq(memcmp(before, after, sizeof before), 0);
    qntk_network_free(&network);
    qntk_network_free(&copy);
}
END_TEST

START_TEST(rounding_without_bias_keeps_the_expected_output_of_a_linear_network)
{
    /* one layer: E f = sum E[W] x, whatever the levels */
    static const size_t some[] = {2, 3, 4, 256};
    float X[N * D];
    rows(X);
    for (size_t real = 0; real < 2; real++) {
        const size_t shape[] = {D, OUT}, first[] = {real ? 0 : 8};
        double before[N * OUT], after[N * OUT];
        qntk_network network, plain, copy;
        ck_assert_ok(qntk_network_create(1, shape, first, 0.3, 9, &network));
        ck_assert_ok(qntk_network_requantize(&network, (const size_t[]){0}, &plain));
        ck_assert_ok(qntk_network_expect(&plain, QNTK_ROUNDING_STOCHASTIC, N, X, before));
        for (size_t k = 0; k < 4; k++) {
            ck_assert_ok(qntk_network_requantize(&network, &some[k], &copy));
            ck_assert_uint_eq(copy.layers[0].levels, some[k]);
            ck_assert_ok(qntk_network_expect(&copy, QNTK_ROUNDING_STOCHASTIC, N, X, after));
            const double off = distance(before, after);
            ck_assert_msg(off < 1e-5, "%zu levels: off by %g", some[k], off);
            qntk_network_free(&copy);
        }
        qntk_network_free(&network);
        qntk_network_free(&plain);
    }
}
END_TEST

START_TEST(the_nearest_of_many_levels_approaches_the_unrounded_network)
{
    static const size_t some[] = {16, 256, 4096, 65536};
    float X[N * D];
    double plain[N * OUT], after[N * OUT], last = INFINITY;
    rows(X);
    qntk_network network = create(0, 0, 0, 8);
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_NEAREST, N, X, plain));
    for (size_t k = 0; k < 4; k++) {
        qntk_network copy = requantize(&network, some[k], some[k], some[k]);
        ck_assert_ok(qntk_network_expect(&copy, QNTK_ROUNDING_NEAREST, N, X, after));
        const double off = distance(plain, after);
        /* 16 times the levels, a 16th of the error, give or take what chance does to its largest entry */
        ck_assert_msg(off < last / 4, "%zu levels: off by %g after %g", some[k], off, last);
        last = off;
        qntk_network_free(&copy);
    }
    ck_assert_double_lt(last, 1e-3);
    qntk_network_free(&network);
}
END_TEST

START_TEST(weights_all_zero_have_a_grid)
{
    qntk_network network = create(0, 0, 0, 8);
    memset(network.layers[1].latent, 0, sizes[1] * sizes[2] * sizeof(float));
    qntk_network copy = requantize(&network, 3, 3, 3);
    ck_assert(copy.layers[1].w_std == network.layers[1].w_std && copy.layers[1].latent[0] == 0);
    qntk_network_free(&network);
    qntk_network_free(&copy);
}
END_TEST

START_TEST(each_documented_error_is_reported_and_every_allocation_may_fail)
{
    qntk_network network = create(2, 0, 0, 8), copy;
    const size_t levels[] = {2, 3, 0}, bad[] = {2, 1, 0};
    ck_assert_fails(qntk_network_requantize(&network, bad, &copy), QNTK_INVALID, "levels must be");
    ck_assert_fails(qntk_network_requantize(NULL, levels, &copy), QNTK_INVALID, "expected a network");
    ck_assert_fails(qntk_network_requantize(&network, levels, &network), QNTK_INVALID, "another network");
    qntk_network none = {0};
    ck_assert_fails(qntk_network_requantize(&none, levels, &copy), QNTK_INVALID, "found none");
    network.layers[1].latent[41] = NAN;
    ck_assert_fails(qntk_network_requantize(&network, levels, &copy), QNTK_NOT_FINITE,
                    "layer 2: latent weight (1, 1)");
    ck_assert_ptr_null(copy.layers);
    network.layers[1].latent[41] = 0;
    long allowed = 0;
    for (;; allowed++) {
        qntk_memory_fail_after(allowed);
        const qntk_status status = qntk_network_requantize(&network, levels, &copy);
        qntk_memory_fail_after(-1);
        if (status == QNTK_OK)
            break;
        ck_assert_int_eq(status, QNTK_NO_MEMORY);
        ck_assert_ptr_null(copy.layers);
    }
    ck_assert_int_eq(allowed, 1 + 2 * LAYERS);
    qntk_network_free(&copy);
    qntk_network_free(&network);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_real_network_without_levels_stays_the_same_function);
    tcase_add_test(tcase, a_rounded_network_without_levels_is_that_of_its_latent_weights);
    tcase_add_test(tcase, rounding_without_bias_keeps_the_expected_output_of_a_linear_network);
    tcase_add_test(tcase, the_nearest_of_many_levels_approaches_the_unrounded_network);
    tcase_add_test(tcase, weights_all_zero_have_a_grid);
    tcase_add_test(tcase, each_documented_error_is_reported_and_every_allocation_may_fail);
}

int main(void)
{
    return test_main("network_requantize", add_tests);
}
