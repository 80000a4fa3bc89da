/* Gradients against differences of the quasi network, kernels against explicit gradients and, in width, against
 * the kernel of the infinitely wide network. */
#include "random_network.h"

#include <stdbool.h>
#include <string.h>

enum { LAYERS_MAX = RANDOM_NETWORK_LAYERS, DATA = 5 };

/* sum_o coefficient_o f_o(x), by moment propagation. */
static double output(const random_network *net, const double *x, const double *coefficient)
{
    double mean[3] = {0}, sum = 0;
    const size_t outputs = net->layers[net->count - 1].fan_out;
    ck_assert_ok(qntk_moments_propagate(net->layers, net->count, 1, x, mean, NULL));
    for (size_t o = 0; o < outputs && o < sizeof mean / sizeof *mean; o++)
        sum += coefficient[o] * mean[o];
    return sum;
}

static const size_t laws[][LAYERS_MAX] = {
    {2, 2, 0, 0}, {3, 3, 3, 3}, {4, 16, 2, 0}, {0, 0, 0, 0}, {0, 2, 0, 3}, {5, 0, 0, 2},
};
enum { LAWS = sizeof laws / sizeof *laws };
static const size_t sizes[LAYERS_MAX + 1] = {DATA, 9, 7, 8, 3};

START_TEST(gradients_are_the_differences_of_the_quasi_network)
{
    const double coefficient[] = {0.7, -1.2, 0.4}, h = 1e-5;
    for (size_t k = 0; k <= LAWS;
         k++) { /* the last: noise by its variance in the first layer and the third */
        random_network net = random_network_create(LAYERS_MAX, sizes, laws[k % LAWS], 0.3, 7 + k);
        const size_t count = qntk_tangent_parameters(net.layers, net.count);
        double noise[9 * 7];
        for (size_t j = 0; j < 9 * 7; j++)
            noise[j] = 0.1 * (double)(j % 4);
        for (size_t l = 0; k == LAWS && l < 4; l += 2) {
            net.layers[l].levels = 0;
            net.layers[l].noise = noise;
        }
        double *gradient = qntk_alloc(count, sizeof *gradient), x[DATA], worst = 0, norm = 0;
        ck_assert_uint_eq(count, 5 * 9 + 9 + 9 * 7 + 7 + 7 * 8 + 8 + 8 * 3 + 3);
        random_rows(1, DATA, k, x);
        ck_assert_ok(qntk_tangent_gradient(net.layers, net.count, x, coefficient, gradient));
        size_t at = 0;
        for (size_t l = 0; l < net.count; l++)
            for (int biases = 0; biases < 2; biases++) {
                double *parameter = biases ? net.bias[l] : net.latent[l];
                const size_t many = net.layers[l].fan_out * (biases ? 1 : net.layers[l].fan_in);
                for (size_t i = 0; i < many; i++, at++) {
                    const double old = parameter[i];
                    parameter[i] = old + h;
                    const double up = output(&net, x, coefficient);
                    parameter[i] = old - h;
                    const double rise = (up - output(&net, x, coefficient)) / (2 * h);
                    parameter[i] = old;
                    worst = test_worse(worst, fabs(rise - gradient[at]));
                    norm += gradient[at] * gradient[at];
                }
            }
        /* the difference's error: h^2 times a third derivative, and 1e-16/h of rounding */
        ck_assert_msg(worst <= 1e-8 * sqrt(norm), "laws %zu: off by %g of %g", k, worst, sqrt(norm));
        qntk_free(gradient);
        random_network_destroy(&net);
    }
}
END_TEST

/* K by the definition: gradients of each output, one by one, and their inner products. */
static void naive_kernel(const random_network *net, size_t n, const double *X, double *K)
{
    const size_t count = qntk_tangent_parameters(net->layers, net->count), d = net->layers[0].fan_in;
    const size_t outputs = net->layers[net->count - 1].fan_out;
    double *gradient = qntk_alloc(n * count, sizeof *gradient), unit[4] = {0};
    memset(K, 0, n * n * sizeof *K);
    for (size_t o = 0; o < outputs; o++) {
        unit[o] = 1;
        for (size_t i = 0; i < n; i++)
            ck_assert_ok(
                qntk_tangent_gradient(net->layers, net->count, X + i * d, unit, gradient + i * count));
        unit[o] = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                for (size_t k = 0; k < count; k++)
                    K[i * n + j] += gradient[i * count + k] * gradient[j * count + k] / (double)outputs;
    }
    qntk_free(gradient);
}

START_TEST(kernels_are_the_inner_products_of_gradients)
{
    enum { N = 70 }; /* more than a block */
    static double X[N * DATA], K[N * N], expected[N * N];
    for (size_t k = 0; k < LAWS; k++)
        for (int biases = 0; biases < 2; biases++) {
            random_network net = random_network_create(LAYERS_MAX, sizes, laws[k], biases ? 0.5 : 0, 20 + k);
            random_rows(N, DATA, k, X);
            naive_kernel(&net, N, X, expected);
            ck_assert_ok(qntk_tangent_kernel(net.layers, net.count, N, X, qntk_tangent_defaults(), K));
            const double distance = qntk_tangent_distance(N * N, K, expected);
            ck_assert_msg(distance <= 1e-14, "laws %zu: off by %g", k, distance);
            size_t asymmetric = 0;
            for (size_t i = 0; i < N; i++)
                for (size_t j = 0; j < i; j++)
                    asymmetric += K[i * N + j] != K[j * N + i];
            ck_assert_uint_eq(asymmetric, 0);
            random_network_destroy(&net);
        }
}
END_TEST

START_TEST(the_gradient_of_a_sum_is_the_sum_of_gradients)
{
    enum { N = 70, WIDE = 70, COUNT = DATA * WIDE + WIDE + WIDE * WIDE + WIDE + WIDE * 3 + 3 };
    static const size_t wide[] = {DATA, WIDE, WIDE, 3}; /* more than a block of rows, and of weights */
    static double X[N * DATA], coefficient[N * 3], sum[COUNT], expected[COUNT], one[COUNT];
    for (size_t k = 0; k < LAWS; k++)
        for (int biases = 0; biases < 2; biases++) {
            random_network net = random_network_create(3, wide, laws[k], biases ? 0.5 : 0, 30 + k);
            const size_t count = qntk_tangent_parameters(net.layers, net.count);
            ck_assert_uint_le(count, COUNT);
            random_rows(N, DATA, k, X);
            random_rows(N, 3, 50 + k, coefficient);
            memset(expected, 0, sizeof expected);
            double size = 0, worst = 0;
            for (size_t i = 0; i < N; i++) {
                ck_assert_ok(qntk_tangent_gradient(net.layers, 3, X + i * DATA, coefficient + i * 3, one));
                for (size_t j = 0; j < count; j++) {
                    expected[j] += one[j];
                    size += one[j] * one[j];
                }
            }
            ck_assert_ok(qntk_threads_set(1));
            ck_assert_ok(qntk_tangent_gradient_sum(net.layers, 3, N, X, coefficient, sum));
            ck_assert_ok(qntk_threads_set(3));
            ck_assert_ok(qntk_tangent_gradient_sum(net.layers, 3, N, X, coefficient, one));
            ck_assert_ok(qntk_threads_set(0));
            ck_assert_mem_eq(one, sum, count * sizeof *sum);
            for (size_t j = 0; j < count; j++)
                worst = test_worse(worst, fabs(sum[j] - expected[j]));
            ck_assert_msg(worst <= 1e-13 * sqrt(size), "laws %zu: off by %g of %g", k, worst, sqrt(size));
            random_network_destroy(&net);
        }
}
END_TEST

START_TEST(layers_wider_than_a_block_change_nothing)
{
    enum { N = 6 };
    static const size_t wide[] = {DATA, 150, 129, 1};
    double X[N * DATA], K[N * N], expected[N * N];
    random_network net = random_network_create(3, wide, laws[0], 0.2, 4);
    random_rows(N, DATA, 3, X);
    naive_kernel(&net, N, X, expected);
    ck_assert_ok(qntk_tangent_kernel(net.layers, 3, N, X, qntk_tangent_defaults(), K));
    ck_assert_double_le(qntk_tangent_distance(N * N, K, expected), 1e-14);
    random_network_destroy(&net);
}
END_TEST

START_TEST(a_fixed_variance_matters_to_rounded_weights_only)
{
    enum { N = 12 };
    static const size_t real[LAYERS_MAX] = {0};
    double X[N * DATA], whole[N * N], fixed[N * N];
    random_rows(N, DATA, 5, X);
    for (int rounded = 0; rounded < 2; rounded++) {
        random_network net = random_network_create(LAYERS_MAX, sizes, rounded ? laws[0] : real, 0.1, 12);
        ck_assert_ok(qntk_tangent_kernel(net.layers, net.count, N, X, qntk_tangent_defaults(), whole));
        ck_assert_ok(qntk_tangent_kernel(net.layers, net.count, N, X, (qntk_tangent_options){true}, fixed));
        const double distance = qntk_tangent_distance(N * N, fixed, whole);
        ck_assert(rounded ? distance > 0.01 : distance == 0);
        random_network_destroy(&net);
    }
}
END_TEST

START_TEST(one_real_layer_is_the_linear_kernel)
{
    enum { N = 9 };
    static const size_t linear[] = {DATA, 1};
    double X[N * DATA], K[N * N], expected[N * N];
    random_network net = random_network_create(1, linear, laws[3], 0.5, 3);
    random_rows(N, DATA, 2, X);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            expected[i * N + j] = 0.25; /* b_std^2 */
            for (size_t k = 0; k < DATA; k++)
                expected[i * N + j] += X[i * DATA + k] * X[j * DATA + k] / DATA; /* gain 1 */
        }
    ck_assert_ok(qntk_tangent_kernel(net.layers, 1, N, X, qntk_tangent_defaults(), K));
    ck_assert_double_le(qntk_tangent_distance(N * N, K, expected), 1e-15);
    random_network_destroy(&net);
}
END_TEST

/* Rows X (n,DATA) through a real linear layer of this width, which keeps <x,x'>/d up to 1/sqrt(width). */
static void embed(size_t n, const double *X, size_t width, uint64_t seed, double *embedded)
{
    for (size_t k = 0; k < width; k++) {
        qntk_rng rng = qntk_rng_create(seed, 500 + k);
        double direction[DATA];
        for (size_t j = 0; j < DATA; j++)
            direction[j] = qntk_rng_normal(&rng);
        for (size_t i = 0; i < n; i++) {
            embedded[i * width + k] = 0;
            for (size_t j = 0; j < DATA; j++)
                embedded[i * width + k] += direction[j] * X[i * DATA + j] / sqrt(DATA);
        }
    }
}

typedef struct {
    const char *spec;
    size_t levels, depth;
    double b_std;
} wide_case;

/* The mean distance over seeds between networks of this width and the kernel of infinite width. Every rounded
 * layer needs a large fan-in: the rows are embedded first (model.md, section 1). */
static double width_error(const wide_case *c, size_t width)
{
    enum { N = 20, SEEDS = 4 };
    double X[N * DATA], infinite[N * N], K[N * N], sum = 0;
    double *embedded = qntk_alloc(N * width, sizeof *embedded);
    size_t shape[LAYERS_MAX + 1] = {width}, level[LAYERS_MAX] = {0};
    for (size_t l = 0; l < c->depth; l++) {
        shape[l + 1] = width;
        level[l] = c->levels;
    }
    shape[c->depth + 1] = 1;
    random_rows(N, DATA, 1, X);
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse(c->spec, &kernel));
    ck_assert_ok(qntk_gram_symmetric(&kernel, N, DATA, X, infinite));
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        random_network net = random_network_create(c->depth + 1, shape, level, c->b_std, 1000 + seed);
        embed(N, X, width, 2000 + seed, embedded);
        ck_assert_ok(qntk_tangent_kernel(net.layers, net.count, N, embedded, qntk_tangent_defaults(), K));
        sum += qntk_tangent_distance(N * N, K, infinite) / SEEDS;
        random_network_destroy(&net);
    }
    qntk_free(embedded);
    return sum;
}

START_TEST(wide_networks_have_the_kernel_of_infinite_width)
{
    static const wide_case cases[] = {{"ntk:depth=1", 0, 1, 0},
                                      {"ntk:depth=2,b_std=0.4", 0, 2, 0.4},
                                      {"qntk:depth=1", 2, 1, 0},
                                      {"qntk:bits=1.58,depth=2", 3, 2, 0},
                                      {"qntk:bits=2,depth=1,b_std=0.3", 4, 1, 0.3}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const double narrow = width_error(&cases[k], 48), wide = width_error(&cases[k], 432);
        /* theory: a third; means of 4 seeds, each within a factor of about 1.5 */
        ck_assert_msg(wide < narrow / 1.7 && wide < 0.25, "%s: %g at width 48, %g at width 432",
                      cases[k].spec, narrow, wide);
        printf("%s: relative error %.3f at width 48, %.3f at width 432\n", cases[k].spec, narrow, wide);
    }
}
END_TEST

static qntk_status both_of(void *context)
{
    random_network *net = context;
    static double x[2 * DATA] = {1, 2, 3, 4, 5, 1, 0, 0, 1, 2}, K[4], gradient[400];
    const double unit[] = {1, 0, 0};
    qntk_status status = qntk_tangent_kernel(net->layers, net->count, 2, x, qntk_tangent_defaults(), K);
    if (status != QNTK_OK) {
        ck_assert_double_eq(K[0], 0);
        return status;
    }
    status = qntk_tangent_gradient(net->layers, net->count, x, unit, gradient);
    if (status != QNTK_OK)
        ck_assert_double_eq(gradient[0], 0);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    random_network net = random_network_create(LAYERS_MAX, sizes, laws[0], 0.1, 3);
    const long most = 100;
    long successes = 0;
    qntk_status status = QNTK_NO_MEMORY;
    for (; successes < most && status != QNTK_OK; successes++) {
        qntk_memory_fail_after(successes);
        status = both_of(&net);
        qntk_memory_fail_after(-1);
        ck_assert(status == QNTK_OK || status == QNTK_NO_MEMORY);
    }
    ck_assert_int_gt(successes, 10);
    ck_assert_int_lt(successes, most);
    random_network_destroy(&net);
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
    enum { N = 130 };
    static double X[N * DATA], one[N * N], more[N * N];
    random_network net = random_network_create(LAYERS_MAX, sizes, laws[2], 0.1, 3);
    random_rows(N, DATA, 8, X);
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(qntk_tangent_kernel(net.layers, net.count, N, X, qntk_tangent_defaults(), one));
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_ok(qntk_tangent_kernel(net.layers, net.count, N, X, qntk_tangent_defaults(), more));
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_mem_eq(one, more, sizeof one);
    random_network_destroy(&net);
}
END_TEST

START_TEST(mistakes_are_named)
{
    random_network net = random_network_create(LAYERS_MAX, sizes, laws[0], 0.1, 3);
    double x[DATA] = {1, 2, 3, 4, 5}, K[1], unit[] = {1, 0, 0}, gradient[400];
    ck_assert_fails(qntk_tangent_kernel(net.layers, 0, 1, x, qntk_tangent_defaults(), K), QNTK_INVALID,
                    "at least one layer");
    ck_assert_fails(qntk_tangent_kernel(net.layers, 4, 0, x, qntk_tangent_defaults(), K), QNTK_INVALID,
                    "rows");
    ck_assert_fails(qntk_tangent_gradient(net.layers, 4, NULL, unit, gradient), QNTK_INVALID, "NULL");
    x[3] = NAN;
    ck_assert_fails(qntk_tangent_gradient(net.layers, 4, x, unit, gradient), QNTK_NOT_FINITE, "column 3");
    x[3] = 1e200;
    ck_assert_fails(qntk_tangent_kernel(net.layers, 4, 1, x, qntk_tangent_defaults(), K), QNTK_NOT_FINITE,
                    "row 0");
    net.latent[1][2] = 1.5;
    ck_assert_fails(qntk_tangent_gradient(net.layers, 4, x, unit, gradient), QNTK_INVALID,
                    "layer 2: latent weight");
    ck_assert_double_infinite(qntk_tangent_distance(1, unit, unit + 1));
    ck_assert_double_nan(qntk_tangent_distance(1, unit + 1, unit + 1));
    random_network_destroy(&net);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, gradients_are_the_differences_of_the_quasi_network);
    tcase_add_test(tcase, kernels_are_the_inner_products_of_gradients);
    tcase_add_test(tcase, the_gradient_of_a_sum_is_the_sum_of_gradients);
    tcase_add_test(tcase, layers_wider_than_a_block_change_nothing);
    tcase_add_test(tcase, a_fixed_variance_matters_to_rounded_weights_only);
    tcase_add_test(tcase, one_real_layer_is_the_linear_kernel);
    tcase_add_test(tcase, wide_networks_have_the_kernel_of_infinite_width);
    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, mistakes_are_named);
}

int main(void)
{
    return test_main("tangent", add_tests);
}
