/* Moments of layers and networks. */
#include "test.h"

#include <float.h>
#include <string.h>

#include "naive.h"

static const double eps = DBL_EPSILON;

/* ---- layers ---- */

enum { MOST_LAYERS = 4 };

/* A network with random latent weights, and the memory they live in. */
typedef struct {
    qntk_moments_weights layer[MOST_LAYERS];
    double *numbers[2 * MOST_LAYERS];
    size_t count;
} random_network;

static void add_layer(random_network *net, qntk_rng *rng, size_t fan_in, size_t fan_out, size_t levels,
                      double w_std, double b_std)
{
    double *latent = qntk_alloc(fan_in * fan_out, sizeof *latent), *bias = qntk_alloc(fan_out, sizeof *bias);
    for (size_t k = 0; k < fan_in * fan_out; k++)
        latent[k] = levels == 0 ? qntk_rng_normal(rng) : 2 * qntk_rng_uniform(rng) - 1;
    for (size_t i = 0; i < fan_out; i++)
        bias[i] = qntk_rng_normal(rng);
    net->numbers[2 * net->count] = latent;
    net->numbers[2 * net->count + 1] = bias;
    net->layer[net->count++] =
        (qntk_moments_weights){fan_in, fan_out, latent, levels, w_std, b_std, b_std > 0 ? bias : NULL, NULL};
}

static void free_network(random_network *net)
{
    for (size_t k = 0; k < 2 * net->count; k++)
        qntk_free(net->numbers[k]);
    *net = (random_network){0};
}

static double *random_numbers(qntk_rng *rng, size_t count)
{
    double *numbers = qntk_alloc(count, sizeof *numbers);
    for (size_t k = 0; k < count; k++)
        numbers[k] = qntk_rng_normal(rng);
    return numbers;
}

/* The expectation of h and of (h - mean)^2, h = scale sum_j W_j x_j + shift, over all 2^n roundings of one
 * row of weights and all 2^n sign patterns of inputs x_j = m_j +- sqrt(v_j). */
static void enumerate(size_t n, size_t levels, const double *latent, const double *m, const double *v,
                      double scale, double shift, double *mean, double *variance)
{
    double step = qntk_weight_step(levels);
    *mean = 0;
    for (int pass = 0; pass < 2; pass++) {
        long double sum = 0;
        for (size_t pattern = 0; pattern < (size_t)1 << (2 * n); pattern++) {
            double probability = 1, h = 0;
            for (size_t j = 0; j < n; j++) {
                double below = -1 + floor((latent[j] + 1) / step) * step, up = (latent[j] - below) / step;
                bool rounded_up = pattern >> j & 1, plus = pattern >> (n + j) & 1;
                probability *= (rounded_up ? up : 1 - up) / 2;
                h += (rounded_up ? below + step : below) * (m[j] + (plus ? 1 : -1) * sqrt(v[j]));
            }
            h = scale * h + shift;
            sum += pass == 0 ? probability * h : probability * (h - *mean) * (h - *mean);
        }
        *(pass == 0 ? mean : variance) = (double)sum;
    }
}

START_TEST(a_layer_is_exact_against_all_roundings)
{
    enum { N = 8, OUT = 2 };
    static const size_t all_levels[] = {2, 3, 16};
    for (size_t l = 0; l < 3; l++) {
        qntk_rng rng = qntk_rng_create(3, l);
        random_network net = {0};
        add_layer(&net, &rng, N, OUT, all_levels[l], 1.4, 0.3);
        double m[N], v[N], mu[OUT], s2[OUT], mean, variance;
        for (size_t j = 0; j < N; j++) {
            m[j] = qntk_rng_normal(&rng);
            v[j] = j % 3 == 0 ? 0 : qntk_rng_uniform(&rng);
        }
        ck_assert_ok(qntk_moments_layer(&net.layer[0], m, v, mu, s2));
        for (size_t i = 0; i < OUT; i++) {
            enumerate(N, all_levels[l], net.layer[0].latent + i * N, m, v, 1.4 / sqrt(N),
                      0.3 * net.layer[0].bias[i], &mean, &variance);
            ck_assert_close(mu[i], mean, 1e-14, 1);
            ck_assert_relative(s2[i], variance, 1e-14);
        }
        /* inputs without variance: NULL is zero */
        const double zero[N] = {0};
        ck_assert_ok(qntk_moments_layer(&net.layer[0], m, NULL, mu, s2));
        for (size_t i = 0; i < OUT; i++) {
            enumerate(N, all_levels[l], net.layer[0].latent + i * N, m, zero, 1.4 / sqrt(N),
                      0.3 * net.layer[0].bias[i], &mean, &variance);
            ck_assert_close(mu[i], mean, 1e-14, 1);
            ck_assert_relative(s2[i], variance, 1e-14);
        }
        free_network(&net);
    }
}
END_TEST

START_TEST(a_layer_agrees_with_its_plain_twin)
{
    static const size_t all_levels[] = {0, 2, 3, 5, 256};
    for (size_t l = 0; l < sizeof all_levels / sizeof *all_levels; l++) {
        enum { N = 137, OUT = 61 };
        qntk_rng rng = qntk_rng_create(4, l);
        random_network net = {0};
        add_layer(&net, &rng, N, OUT, all_levels[l], 1.1, l % 2 ? 0.2 : 0);
        double m[N], v[N], mu[OUT], s2[OUT], mu_plain[OUT], s2_plain[OUT];
        for (size_t j = 0; j < N; j++) {
            m[j] = qntk_rng_normal(&rng);
            v[j] = qntk_rng_uniform(&rng);
        }
        ck_assert_ok(qntk_moments_layer(&net.layer[0], m, v, mu, s2));
        naive_moments_layer(&net.layer[0], m, v, mu_plain, s2_plain);
        for (size_t i = 0; i < OUT; i++) {
            ck_assert_close(mu[i], mu_plain[i], N * eps, 1);
            /* the twin walks to a weight's cell in up to 256 steps, each rounded: tau is off by 256 eps step
             */
            ck_assert_relative(s2[i], s2_plain[i], (N + 256) * eps);
        }
        free_network(&net);
    }
}
END_TEST

/* ---- noise by its variance ---- */

/* Variances of `count` weights, some of them 0. */
static double *random_noise(qntk_rng *rng, size_t count)
{
    double *noise = random_numbers(rng, count);
    for (size_t k = 0; k < count; k++)
        noise[k] = k % 5 == 0 ? 0 : noise[k] * noise[k];
    return noise;
}

START_TEST(weights_with_noise_of_their_own_agree_with_the_plain_twin)
{
    enum { ROWS = 70, D = 9, WIDTH = 40, OUT = 3 };
    qntk_rng rng = qntk_rng_create(14, 0);
    random_network net = {0};
    add_layer(&net, &rng, D, WIDTH, 0, 1.2, 0.3); /* latent weights beyond [-1,1] */
    add_layer(&net, &rng, WIDTH, WIDTH, 0, 1.5, 0);
    add_layer(&net, &rng, WIDTH, OUT, 0, 1, 0.1);
    double *noise[] = {random_noise(&rng, WIDTH * D), random_noise(&rng, OUT * WIDTH)};
    net.layer[0].noise = noise[0];
    net.layer[2].noise = noise[1];
    double *X = random_numbers(&rng, ROWS * D), mean[ROWS * OUT], variance[ROWS * OUT], worst = 0;
    ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, mean, variance));
    for (size_t r = 0; r < ROWS; r++) {
        double mu[WIDTH], s2[WIDTH], m[WIDTH], v[WIDTH];
        naive_moments_network(net.layer, net.count, X + r * D, mu, s2);
        for (size_t o = 0; o < OUT; o++) {
            worst = test_worse(worst, fabs(mean[r * OUT + o] - mu[o]));
            worst = test_worse(worst, fabs(variance[r * OUT + o] / s2[o] - 1));
        }
        ck_assert_ok(qntk_moments_layer(&net.layer[0], X + r * D, NULL, m, v));
        const double zero[D] = {0};
        naive_moments_layer(&net.layer[0], X + r * D, zero, mu, s2);
        for (size_t i = 0; i < WIDTH; i++) {
            worst = test_worse(worst, fabs(m[i] - mu[i]));
            worst = test_worse(worst, fabs(v[i] / s2[i] - 1));
        }
    }
    ck_assert_msg(worst <= 8 * WIDTH * eps, "off by %g", worst); /* three sums, of WIDTH terms of order 1 */
    qntk_free(X);
    qntk_free(noise[0]);
    qntk_free(noise[1]);
    free_network(&net);
}
END_TEST

START_TEST(noise_with_the_variances_of_the_rounding_gives_the_same_bytes)
{
    enum { ROWS = 5, D = 9, WIDTH = 40 };
    qntk_rng rng = qntk_rng_create(15, 0);
    random_network net = {0};
    add_layer(&net, &rng, D, WIDTH, 3, 1.2, 0.3);
    add_layer(&net, &rng, WIDTH, 1, 2, 1.5, 0);
    double *X = random_numbers(&rng, ROWS * D), noise[WIDTH * D + WIDTH], mean[2][ROWS], variance[2][ROWS];
    ck_assert_ok(qntk_moments_propagate(net.layer, 2, ROWS, X, mean[0], variance[0]));
    for (size_t l = 0; l < 2; l++) {
        double *of_layer = l == 0 ? noise : noise + WIDTH * D;
        for (size_t k = 0; k < net.layer[l].fan_in * net.layer[l].fan_out; k++)
            of_layer[k] = qntk_weight_noise(net.layer[l].levels, net.layer[l].latent[k]);
        net.layer[l].levels = 0;
        net.layer[l].noise = of_layer;
    }
    ck_assert_ok(qntk_moments_propagate(net.layer, 2, ROWS, X, mean[1], variance[1]));
    ck_assert_int_eq(memcmp(mean[0], mean[1], sizeof mean[0]), 0);
    ck_assert_int_eq(memcmp(variance[0], variance[1], sizeof variance[0]), 0);
    qntk_free(X);
    free_network(&net);
}
END_TEST

/* ---- networks ---- */

START_TEST(a_network_agrees_with_its_plain_twin_and_with_its_layers)
{
    enum { ROWS = 131, D = 9, OUT = 3, WIDTH = 70 };
    for (size_t variant = 0; variant < 4; variant++) {
        qntk_rng rng = qntk_rng_create(5, variant);
        random_network net = {0};
        add_layer(&net, &rng, D, WIDTH, variant == 3 ? 0 : 2, 1.5, 0.3);
        add_layer(&net, &rng, WIDTH, 33, variant == 1 ? 0 : 3, 1.9, variant == 2 ? 0.1 : 0);
        add_layer(&net, &rng, 33, 51, 16, 2.2, 0);
        add_layer(&net, &rng, 51, OUT, variant < 2 ? 0 : 2, 1, 0.2);
        double *X = random_numbers(&rng, ROWS * D), *mean = qntk_alloc(ROWS * OUT, sizeof *mean),
               *variance = qntk_alloc(ROWS * OUT, sizeof *variance);
        ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, mean, variance));
        size_t failures = 0;
        for (size_t r = 0; r < ROWS; r++) {
            double mean_plain[WIDTH], variance_plain[WIDTH];
            double m[WIDTH] = {0}, v[WIDTH] = {0}, mu[WIDTH] = {0}, s2[WIDTH] = {0};
            naive_moments_network(net.layer, net.count, X + r * D, mean_plain, variance_plain);
            memcpy(m, X + r * D, D * sizeof *m);
            for (size_t l = 0; l < net.count; l++) {
                ck_assert_ok(qntk_moments_layer(&net.layer[l], m, v, mu, s2));
                for (size_t i = 0; i < net.layer[l].fan_out; i++)
                    qntk_relu_moments(mu[i], sqrt(s2[i]), &m[i], &v[i]);
            }
            for (size_t i = 0; i < OUT; i++) {
                double a = mean[r * OUT + i], b = variance[r * OUT + i];
                double tolerance = 4 * WIDTH * eps; /* four sums of at most WIDTH terms of order 1 */
                failures +=
                    !(fabs(a - mean_plain[i]) <= tolerance && fabs(a - mu[i]) <= tolerance &&
                      fabs(b - variance_plain[i]) <= tolerance * b && fabs(b - s2[i]) <= tolerance * b);
            }
        }
        ck_assert_uint_eq(failures, 0);
        free_network(&net);
        qntk_free(X);
        qntk_free(mean);
        qntk_free(variance);
    }
}
END_TEST

START_TEST(real_weights_give_the_plain_network_without_variance)
{
    enum { ROWS = 5, D = 7, WIDTH = 40, OUT = 2 };
    qntk_rng rng = qntk_rng_create(6, 0);
    random_network net = {0};
    add_layer(&net, &rng, D, WIDTH, 0, 1.4, 0.5);
    add_layer(&net, &rng, WIDTH, WIDTH, 0, 1.4, 0);
    add_layer(&net, &rng, WIDTH, OUT, 0, 1, 0.1);
    double X[ROWS * D], mean[ROWS * OUT], variance[ROWS * OUT];
    for (size_t k = 0; k < ROWS * D; k++)
        X[k] = qntk_rng_normal(&rng);
    ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, mean, variance));
    for (size_t r = 0; r < ROWS; r++) {
        double in[WIDTH], out[WIDTH];
        memcpy(in, X + r * D, D * sizeof *in);
        for (size_t l = 0; l < net.count; l++) { /* x = relu(w_std/sqrt(n) W x + b_std b) */
            const qntk_moments_weights *layer = &net.layer[l];
            for (size_t i = 0; i < layer->fan_out; i++) {
                double h = 0;
                for (size_t j = 0; j < layer->fan_in; j++)
                    h += layer->latent[i * layer->fan_in + j] * in[j];
                out[i] = layer->w_std / sqrt((double)layer->fan_in) * h;
                out[i] += layer->bias != NULL ? layer->b_std * layer->bias[i] : 0;
            }
            for (size_t i = 0; i < layer->fan_out; i++)
                in[i] = fmax(out[i], 0);
        }
        for (size_t i = 0; i < OUT; i++) {
            ck_assert_close(mean[r * OUT + i], out[i], 3 * WIDTH * eps, 1);
            ck_assert(variance[r * OUT + i] == 0);
        }
    }
    free_network(&net);
}
END_TEST

START_TEST(weights_on_the_grid_have_no_noise)
{
    /* latent weights that are levels already: no rounding variance, whatever their number */
    for (size_t levels = 2; levels <= 65; levels++) {
        double latent[65], m[65], mu, s2, expected = 0;
        for (size_t k = 0; k < levels; k++) {
            latent[k] = qntk_weight_round(levels, -1 + 2 * (double)k / (double)(levels - 1), 0.5);
            m[k] = 1 + (double)(k % 7);
            expected += latent[k] * m[k] / sqrt((double)levels);
        }
        qntk_moments_weights layer = {
            .fan_in = levels, .fan_out = 1, .latent = latent, .levels = levels, .w_std = 1};
        ck_assert_ok(qntk_moments_layer(&layer, m, NULL, &mu, &s2));
        ck_assert_close(mu, expected, (double)levels * eps, 7 * sqrt((double)levels));
        ck_assert(s2 >= 0);
        ck_assert_close(s2, 0, 8 * (double)levels * eps, 49 * qntk_weight_step(levels));
    }
}
END_TEST

START_TEST(weights_clipped_to_the_ends_pass_for_any_number_of_levels)
{
    const double ends[2] = {1, -1}, x = 3;
    for (size_t levels = 2; levels <= 2000; levels++) {
        qntk_moments_weights layers[2] = {
            {.fan_in = 1, .fan_out = 2, .latent = ends, .levels = levels, .w_std = 1},
            {.fan_in = 2, .fan_out = 1, .latent = ends, .levels = levels, .w_std = 1}};
        double mean, variance;
        ck_assert_ok(qntk_moments_propagate(layers, 2, 1, &x, &mean, &variance));
        /* a weight's position is off by levels eps of a step, its variance by eps step; s/|mu| < 1e-7 leaves
         * the ReLU of -3 at 0 */
        ck_assert_relative(mean, 3 / sqrt(2), 4 * eps);
        ck_assert(variance >= 0 && variance <= 9 * 8 * eps * (double)levels * qntk_weight_step(levels));
    }
}
END_TEST

START_TEST(the_same_bytes_for_any_number_of_threads)
{
    enum { ROWS = 300, D = 20, OUT = 5 };
    qntk_rng rng = qntk_rng_create(7, 0);
    random_network net = {0};
    add_layer(&net, &rng, D, 150, 2, 1.4, 0.1);
    add_layer(&net, &rng, 150, 90, 4, 1.4, 0);
    add_layer(&net, &rng, 90, OUT, 0, 1, 0);
    double *X = random_numbers(&rng, ROWS * D);
    double *mean[4], *variance[4];
    for (size_t threads = 1; threads <= 4; threads++) {
        double *m = mean[threads - 1] = qntk_alloc(ROWS * OUT, sizeof *m);
        double *v = variance[threads - 1] = qntk_alloc(ROWS * OUT, sizeof *v);
        ck_assert_ok(qntk_threads_set(threads));
        ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, m, v));
        ck_assert(memcmp(m, mean[0], ROWS * OUT * sizeof *m) == 0);
        ck_assert(memcmp(v, variance[0], ROWS * OUT * sizeof *v) == 0);
        /* without the variance, the mean is the same */
        ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, m, NULL));
        ck_assert(memcmp(m, mean[0], ROWS * OUT * sizeof *m) == 0);
    }
    ck_assert_ok(qntk_threads_set(0));
    for (size_t k = 0; k < 4; k++) {
        qntk_free(mean[k]);
        qntk_free(variance[k]);
    }
    qntk_free(X);
    free_network(&net);
}
END_TEST

/* ---- failures ---- */

/* A layer of 2 inputs and 2 outputs that is right, to be spoilt. */
static const double good_latent[4] = {0.5, -1, 1, 0.25};
static const double good_bias[2] = {1, -1};

static qntk_moments_weights good_layer(void)
{
    return (qntk_moments_weights){2, 2, good_latent, 2, 1, 1, good_bias, NULL};
}

/* Both functions refuse the layer with this code and text, and their outputs are zero. */
static void refuse(qntk_moments_weights layer, qntk_status code, const char *text)
{
    const double x[2] = {1, 2};
    double mean[2] = {7, 7}, variance[2] = {7, 7};
    ck_assert_fails(qntk_moments_layer(&layer, x, NULL, mean, variance), code, text);
    for (size_t i = 0; i < 2 && i < layer.fan_out; i++)
        ck_assert(mean[i] == 0 && variance[i] == 0);
    mean[0] = variance[0] = 7;
    ck_assert_fails(qntk_moments_propagate(&layer, 1, 1, x, mean, variance), code, text);
    for (size_t i = 0; i < 2 && i < layer.fan_out; i++)
        ck_assert(mean[i] == 0 && variance[i] == 0);
}

START_TEST(impossible_layers_are_refused_by_name)
{
    double spoilt[4] = {0.5, NAN, 1, 0.25};
    qntk_moments_weights layer = good_layer();
    layer.fan_in = 0;
    refuse(layer, QNTK_INVALID, "at least one input");
    layer = good_layer();
    layer.fan_out = 0;
    refuse(layer, QNTK_INVALID, "at least one input and one output");
    layer = good_layer();
    layer.fan_in = (size_t)1 << 32;
    refuse(layer, QNTK_INVALID, "more neurons");
    layer = good_layer();
    layer.latent = NULL;
    refuse(layer, QNTK_INVALID, "latent");
    layer = good_layer();
    layer.levels = 1;
    refuse(layer, QNTK_INVALID, "levels must be");
    layer.levels = 65537;
    refuse(layer, QNTK_INVALID, "levels must be");
    layer = good_layer();
    layer.w_std = -1;
    refuse(layer, QNTK_INVALID, "w_std");
    layer.w_std = NAN;
    refuse(layer, QNTK_INVALID, "w_std");
    layer = good_layer();
    layer.b_std = INFINITY;
    refuse(layer, QNTK_INVALID, "b_std");
    layer = good_layer();
    layer.latent = spoilt;
    refuse(layer, QNTK_NOT_FINITE, "latent weight (0, 1) is nan");
    spoilt[1] = 1.5;
    refuse(layer, QNTK_INVALID, "latent weight (0, 1): expected a number in [-1,1], found 1.5");
    layer = good_layer();
    layer.bias = (const double[2]){0, -INFINITY};
    refuse(layer, QNTK_NOT_FINITE, "bias 1 is -inf");
    layer = good_layer();
    layer.noise = good_bias;
    refuse(layer, QNTK_INVALID, "levels must be 0");
    layer.levels = 0;
    layer.noise = (const double[4]){0, 1, -0.5, 2};
    refuse(layer, QNTK_INVALID, "noise of weight (1, 0): expected a variance, found -0.5");
    layer.noise = (const double[4]){0, 1, 2, NAN};
    refuse(layer, QNTK_NOT_FINITE, "noise of weight (1, 1): expected a variance, found nan");
    layer = good_layer();
    layer.w_std = 1e200; /* w_std^2 overflows */
    refuse(layer, QNTK_NOT_FINITE, "overflows");
}
END_TEST

START_TEST(impossible_inputs_are_refused_by_name)
{
    qntk_moments_weights layers[2] = {good_layer(), good_layer()};
    double mean[4], variance[4];
    const double good[4] = {1, 2, 3, 4}, bad[4] = {1, 2, 3, NAN}, negative[2] = {0, -1};
    ck_assert_fails(qntk_moments_layer(layers, bad + 2, NULL, mean, variance), QNTK_NOT_FINITE, "input 1");
    ck_assert_fails(qntk_moments_layer(layers, good, bad + 2, mean, variance), QNTK_NOT_FINITE, "input 1");
    ck_assert_fails(qntk_moments_layer(layers, good, negative, mean, variance), QNTK_INVALID,
                    "input 1: expected a variance of at least 0, found -1");
    ck_assert_fails(qntk_moments_layer(NULL, good, NULL, mean, variance), QNTK_INVALID, "found NULL");
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, bad, mean, variance), QNTK_NOT_FINITE,
                    "row 1, column 1");
    ck_assert_fails(qntk_moments_propagate(layers, 0, 2, good, mean, variance), QNTK_INVALID, "one layer");
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, NULL, mean, variance), QNTK_INVALID, "found NULL");
    const double huge[4] = {1, 2, 1e300, 0};
    mean[0] = 7;
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, huge, mean, variance), QNTK_NOT_FINITE,
                    "row 1: layer 1 overflows");
    ck_assert(mean[0] == 0);
    layers[1].fan_in = 1;
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, good, mean, variance), QNTK_INVALID,
                    "layer 2: expected 2 inputs, the outputs of layer 1, found 1");
}
END_TEST

START_TEST(a_late_overflow_leaves_no_early_result)
{
    /* one thread has finished the first block of rows when the last row overflows */
    enum { ROWS = 200 };
    qntk_moments_weights layer = good_layer();
    double X[2 * ROWS] = {0}, mean[2 * ROWS], variance[2 * ROWS];
    X[0] = 1;
    X[2 * ROWS - 1] = 1e300;
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_fails(qntk_moments_propagate(&layer, 1, ROWS, X, mean, variance), QNTK_NOT_FINITE,
                    "row 199: layer 1 overflows");
    ck_assert_ok(qntk_threads_set(0));
    for (size_t k = 0; k < 2 * ROWS; k++)
        ck_assert(mean[k] == 0 && variance[k] == 0);
}
END_TEST

START_TEST(no_rows_are_no_work)
{
    qntk_moments_weights layer = good_layer();
    double x = 0, mean = 7;
    ck_assert_ok(qntk_moments_propagate(&layer, 1, 0, &x, &mean, NULL));
    ck_assert(mean == 7);
}
END_TEST

START_TEST(a_network_too_large_for_the_machine_is_refused_before_it_allocates)
{
    enum { THREADS = 1000, ROWS = 64 * THREADS };
    const size_t wide = (size_t)1 << 22;
    double *latent = calloc(wide, sizeof *latent), *x = calloc(ROWS, sizeof *x);
    double *mean = calloc(ROWS, sizeof *mean);
    ck_assert(latent != NULL && x != NULL && mean != NULL);
    mean[0] = 7;
    qntk_moments_weights layers[] = {
        {.fan_in = 1, .fan_out = wide, .latent = latent, .levels = 2, .w_std = 1},
        {.fan_in = wide, .fan_out = 1, .latent = latent, .levels = 2, .w_std = 1}};
    ck_assert_ok(qntk_threads_set(THREADS)); /* 5 x 64 rows of 2^22 numbers for each: 10 TiB */
    qntk_memory_fail_after(-1);
    ck_assert_fails(qntk_moments_propagate(layers, 2, ROWS, x, mean, NULL), QNTK_TOO_LARGE, "moments");
    ck_assert(mean[0] == 0 && qntk_memory_fail_after(-1) == 0);
    ck_assert_ok(qntk_threads_set(0));
    free(latent);
    free(x);
    free(mean);
}
END_TEST

START_TEST(each_allocation_may_fail)
{
    qntk_rng rng = qntk_rng_create(8, 0);
    random_network net = {0};
    add_layer(&net, &rng, 3, 10, 2, 1.4, 0);
    add_layer(&net, &rng, 10, 10, 3, 1.4, 0);
    add_layer(&net, &rng, 10, 2, 0, 1, 0);
    const double X[6] = {1, 2, 3, 4, 5, 6};
    double mean[4], variance[4];
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_moments_propagate(net.layer, net.count, 2, X, mean, variance));
    long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_eq(allocations, 6); /* tau twice, tau + theta^2 twice, the list and the buffers */
    for (long k = 0; k < allocations; k++) {
        qntk_memory_fail_after(k);
        mean[3] = variance[3] = 7;
        ck_assert_fails(qntk_moments_propagate(net.layer, net.count, 2, X, mean, variance), QNTK_NO_MEMORY,
                        "memory");
        ck_assert(mean[3] == 0 && variance[3] == 0);
    }
    qntk_memory_fail_after(-1);
    free_network(&net);
}
END_TEST

START_TEST(an_interruption_is_noticed)
{
    qntk_moments_weights layer = good_layer();
    const double x[2] = {1, 2};
    double mean[2];
    qntk_interrupt();
    qntk_status status = qntk_moments_propagate(&layer, 1, 1, x, mean, NULL);
    qntk_interrupt_clear();
    ck_assert_int_eq(status, QNTK_INTERRUPTED);
    ck_assert(mean[0] == 0 && mean[1] == 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_layer_is_exact_against_all_roundings);
    tcase_add_test(tcase, a_layer_agrees_with_its_plain_twin);
    tcase_add_test(tcase, weights_with_noise_of_their_own_agree_with_the_plain_twin);
    tcase_add_test(tcase, noise_with_the_variances_of_the_rounding_gives_the_same_bytes);
    tcase_add_test(tcase, a_network_agrees_with_its_plain_twin_and_with_its_layers);
    tcase_add_test(tcase, real_weights_give_the_plain_network_without_variance);
    tcase_add_test(tcase, weights_on_the_grid_have_no_noise);
    tcase_add_test(tcase, weights_clipped_to_the_ends_pass_for_any_number_of_levels);
    tcase_add_test(tcase, the_same_bytes_for_any_number_of_threads);
    tcase_add_test(tcase, impossible_layers_are_refused_by_name);
    tcase_add_test(tcase, impossible_inputs_are_refused_by_name);
    tcase_add_test(tcase, a_late_overflow_leaves_no_early_result);
    tcase_add_test(tcase, no_rows_are_no_work);
    tcase_add_test(tcase, a_network_too_large_for_the_machine_is_refused_before_it_allocates);
    tcase_add_test(tcase, each_allocation_may_fail);
    tcase_add_test(tcase, an_interruption_is_noticed);
}

int main(void)
{
    return test_main("moments", add_tests);
}
