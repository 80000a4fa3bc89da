/* The penalty of rounding on models where it is known, products with the Hessian against differences of naive
 * gradients, the Gauss-Newton form against a Jacobian. */
#include "naive_train.h"
#include "test.h"

#include <string.h>

enum { D = 5, N = 140, OUTPUTS = 3 }; /* N: more than a block of rows */

static const size_t sizes[] = {D, 7, 6, OUTPUTS};

typedef struct {
    qntk_network network;
    float X[N * D], T[N * OUTPUTS];
    size_t weights;
} problem;

/* Random rows and targets: classes, as the loss wants them. */
static void problem_create(const size_t *levels, double b_std, qntk_loss loss, uint64_t seed, problem *p)
{
    double y[N];
    qntk_rng rng = qntk_rng_create(seed, 77);
    ck_assert_ok(qntk_network_create(3, sizes, levels, b_std, seed, &p->network));
    for (size_t k = 0; k < N * D; k++)
        p->X[k] = (float)qntk_rng_normal(&rng);
    for (size_t i = 0; i < N; i++)
        y[i] = (double)qntk_rng_below(&rng, OUTPUTS);
    ck_assert_ok(qntk_train_targets(loss, N, y, OUTPUTS, p->T));
    p->weights = qntk_penalty_weights(&p->network);
}

static void scatter(const double *w, naive_net *net)
{
    for (size_t l = 0; l < net->shape->count; l++) {
        const size_t count = net->shape->layers[l].fan_in * net->shape->layers[l].fan_out;
        memcpy(net->W[l], w, count * sizeof *w);
        w += count;
    }
}

static void gather(const naive_net *net, double *w)
{
    for (size_t l = 0; l < net->shape->count; l++) {
        const size_t count = net->shape->layers[l].fan_in * net->shape->layers[l].fan_out;
        memcpy(w, net->W[l], count * sizeof *w);
        w += count;
    }
}

/* The naive gradient at w + step z. */
static void gradient_at(const problem *p, qntk_loss loss, const double *w, const double *z, double step,
                        double *gradient)
{
    double moved[256];
    naive_net net = naive_net_latent(&p->network);
    for (size_t k = 0; k < p->weights; k++)
        moved[k] = w[k] + step * z[k];
    scatter(moved, &net);
    naive_net at = naive_net_gradient(&net, loss, N, p->X, p->T);
    gather(&at, gradient);
    naive_net_free(&at);
    naive_net_free(&net);
}

static double inner(size_t count, const double *a, const double *b)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += a[k] * b[k];
    return sum;
}

static double worst_difference(size_t count, const double *a, const double *b)
{
    double worst = 0;
    for (size_t k = 0; k < count; k++)
        worst = test_worse(worst, fabs(a[k] - b[k]));
    return worst;
}

START_TEST(products_with_the_hessian_are_differences_of_gradients_and_symmetric)
{
    static const size_t laws[][3] = {{2, 2, 0}, {0, 0, 0}, {3, 4, 16}};
    static problem p;
    for (size_t k = 0; k < 9; k++) {
        const qntk_loss loss = (qntk_loss)(k % 3);
        double w[256], u[256], v[256], gradient[256], expected[256], up[256], down[256], Hu[256], Hv[256];
        problem_create(laws[k / 3], k % 2 == 0 ? 0.3 : 0, loss, 5 + k, &p);
        ck_assert_uint_eq(p.weights, 5 * 7 + 7 * 6 + 6 * 3);
        naive_net net = naive_net_latent(&p.network);
        gather(&net, w);
        qntk_rng rng = qntk_rng_create(k, 3);
        for (size_t i = 0; i < p.weights; i++) {
            u[i] = qntk_rng_normal(&rng);
            v[i] = qntk_rng_normal(&rng);
        }
        double value;
        ck_assert_ok(qntk_penalty_product(&p.network, loss, N, p.X, p.T, v, &value, gradient, Hv));
        ck_assert_relative(value, naive_net_loss(&net, loss, N, p.X, p.T), 1e-13);
        gradient_at(&p, loss, w, v, 0, expected);
        const double size = sqrt(inner(p.weights, expected, expected));
        ck_assert_double_le(worst_difference(p.weights, gradient, expected), 1e-14 * size);
        const double h = 1e-6; /* no row crosses a kink within it; error h^2, and 1e-16/h by rounding */
        gradient_at(&p, loss, w, v, h, up);
        gradient_at(&p, loss, w, v, -h, down);
        for (size_t i = 0; i < p.weights; i++)
            expected[i] = (up[i] - down[i]) / (2 * h);
        const double norm = sqrt(inner(p.weights, expected, expected));
        ck_assert_double_gt(norm, 0.1);
        ck_assert_double_le(worst_difference(p.weights, Hv, expected), 1e-8 * norm);
        ck_assert_ok(qntk_penalty_product(&p.network, loss, N, p.X, p.T, u, &value, NULL, Hu));
        ck_assert_close(inner(p.weights, u, Hv), inner(p.weights, v, Hu), 1e-13, norm * 10);
        naive_net_free(&net);
        qntk_network_free(&p.network);
    }
}
END_TEST

/* v_k, as the documentation has it. */
static void variances(const problem *p, qntk_rounding rounding, double *v)
{
    for (size_t l = 0; l < p->network.count; l++) {
        const qntk_network_layer *layer = &p->network.layers[l];
        const double step = layer->levels == 0 ? 0 : 2 / (double)(layer->levels - 1);
        for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++, v++) {
            const double latent = (double)layer->latent[k];
            const double u = step > 0 ? (latent + 1) / step - floor((latent + 1) / step) : 0;
            *v = rounding == QNTK_ROUNDING_NEAREST ? step * step / 12 : u * (1 - u) * step * step;
        }
    }
}

START_TEST(hutchinsons_mean_is_the_trace_over_unit_vectors)
{
    static const size_t levels[] = {4, 3, 0};
    static problem p;
    for (size_t k = 0; k < 6; k++) {
        const qntk_loss loss = (qntk_loss)(k % 3);
        const qntk_rounding rounding = k < 3 ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST;
        double v[256], unit[256] = {0}, product[256], value, expected = 0;
        problem_create(levels, 0.2, loss, 30 + k, &p);
        variances(&p, rounding, v);
        for (size_t i = 0; i < p.weights; i++) {
            unit[i] = 1;
            ck_assert_ok(qntk_penalty_product(&p.network, loss, N, p.X, p.T, unit, &value, NULL, product));
            expected += v[i] * product[i] / 2;
            unit[i] = 0;
        }
        qntk_penalty_options options = qntk_penalty_defaults();
        options.loss = loss;
        options.draws = 2;
        options.probes = 2000;
        options.seed = k;
        qntk_penalty penalty;
        ck_assert_ok(qntk_penalty_measure(&p.network, rounding, N, p.X, p.T, options, &penalty));
        ck_assert_close(penalty.hutchinson, expected, 4, penalty.hutchinson_se);
        ck_assert_double_lt(penalty.hutchinson_se, 0.03 * expected);
        qntk_network_free(&p.network);
    }
}
END_TEST

/* H_L of a row. */
static void output_hessian(qntk_loss loss, const double *f, const float *t, double H[OUTPUTS][OUTPUTS])
{
    double total = 0;
    for (size_t c = 0; c < OUTPUTS; c++)
        total += exp(f[c]);
    for (size_t a = 0; a < OUTPUTS; a++)
        for (size_t b = 0; b < OUTPUTS; b++) {
            const double same = a == b ? 1 : 0, pa = exp(f[a]) / total, pb = exp(f[b]) / total;
            H[a][b] = loss == QNTK_LOSS_SQUARED         ? same
                      : loss == QNTK_LOSS_CROSS_ENTROPY ? same * pa - pa * pb
                      : (double)t[a] * f[a] < 1         ? same * 2
                                                        : 0;
        }
}

START_TEST(the_gauss_newton_form_is_that_of_the_jacobian)
{
    static const size_t levels[] = {4, 2, 3};
    static problem p;
    for (size_t k = 0; k < 6; k++) {
        const qntk_loss loss = (qntk_loss)(k % 3);
        const qntk_rounding rounding = k < 3 ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST;
        double v[256], J[OUTPUTS][256], H[OUTPUTS][OUTPUTS], x[D], f[OUTPUTS], expected = 0;
        problem_create(levels, 0, loss, 60 + k, &p);
        variances(&p, rounding, v);
        naive_net net = naive_net_latent(&p.network);
        qntk_moments_weights layers[3];
        for (size_t l = 0; l < 3; l++)
            layers[l] = (qntk_moments_weights){.fan_in = sizes[l],
                                               .fan_out = sizes[l + 1],
                                               .latent = net.W[l],
                                               .w_std = p.network.layers[l].w_std};
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < D; j++)
                x[j] = (double)p.X[i * D + j];
            naive_net_output(&net, p.X + i * D, f, NULL);
            output_hessian(loss, f, p.T + i * OUTPUTS, H);
            for (size_t c = 0; c < OUTPUTS; c++) {
                double unit[OUTPUTS] = {0};
                unit[c] = 1;
                ck_assert_ok(qntk_tangent_gradient(layers, 3, x, unit, J[c]));
            }
            for (size_t w = 0; w < p.weights; w++)
                for (size_t a = 0; a < OUTPUTS; a++)
                    for (size_t b = 0; b < OUTPUTS; b++)
                        expected += v[w] * J[a][w] * H[a][b] * J[b][w] / (2 * N);
        }
        qntk_penalty_options options = qntk_penalty_defaults();
        options.loss = loss;
        options.draws = options.probes = 2;
        qntk_penalty penalty;
        ck_assert_ok(qntk_penalty_measure(&p.network, rounding, N, p.X, p.T, options, &penalty));
        ck_assert_relative(penalty.gauss_newton, expected, 1e-13);
        naive_net_free(&net);
        qntk_network_free(&p.network);
    }
}
END_TEST

START_TEST(a_linear_model_has_its_closed_form)
{
    /* L = (1/2n) sum_i |c W x_i - t_i|^2: H = c^2 X'X/n for each output, P = (c^2/2n) sum_i sum_ck v_ck x_ik^2 */
    static const size_t linear[] = {D, OUTPUTS};
    for (size_t levels = 2; levels <= 5; levels++)
        for (int nearest = 0; nearest < 2; nearest++) {
            static problem p;
            double v[D * OUTPUTS] = {0}, expected = 0;
            const qntk_rounding rounding = nearest ? QNTK_ROUNDING_NEAREST : QNTK_ROUNDING_STOCHASTIC;
            problem_create((const size_t[]){0, 0, 0}, 0, QNTK_LOSS_SQUARED, levels, &p);
            qntk_network_free(&p.network);
            ck_assert_ok(qntk_network_create(1, linear, &levels, 0, levels, &p.network));
            variances(&p, rounding, v);
            const double scale = p.network.layers[0].w_std / sqrt(D);
            for (size_t i = 0; i < N; i++)
                for (size_t k = 0; k < D * OUTPUTS; k++)
                    expected += scale * scale * v[k] * pow((double)p.X[i * D + k % D], 2) / (2 * N);
            qntk_penalty_options options = qntk_penalty_defaults();
            options.loss = QNTK_LOSS_SQUARED;
            options.draws = options.probes = 1000;
            qntk_penalty penalty;
            ck_assert_ok(qntk_penalty_measure(&p.network, rounding, N, p.X, p.T, options, &penalty));
            ck_assert_relative(penalty.gauss_newton, expected, 1e-13);
            ck_assert_close(penalty.hutchinson, expected, 4, penalty.hutchinson_se);
            ck_assert_close(penalty.additive, expected, 4, penalty.additive_se);
            ck_assert_double_le(penalty.additive_se, 0.02 * expected);
            if (!nearest) {
                ck_assert_close(penalty.sampled, expected, 4, penalty.sampled_se);
                ck_assert_double_le(penalty.sampled_se, 0.02 * expected);
            }
            qntk_network_free(&p.network);
        }
}
END_TEST

START_TEST(the_gap_of_least_squares_is_twice_the_penalty_of_its_own_errors)
{
    /* n rows with X'X = n 1, targets X b + s z: least squares has the weights X't/(c n), off by N(0, s^2/(c^2 n)). On
     * average its loss on the rows with new noise exceeds that with the old one by s^2 d/n, half of it the penalty of
     * noise with the variance of the weights. */
    enum { ROWS_16 = 16, INPUTS = 4, SETS = 4000 };
    const double s = 0.5, b[INPUTS] = {1, -0.5, 0.25, 2};
    float X[ROWS_16 * INPUTS], T[2][ROWS_16];
    for (unsigned i = 0; i < ROWS_16; i++)
        for (unsigned j = 0; j < INPUTS; j++)
            X[i * INPUTS + j] = (i >> j & 1) != 0 ? 1 : -1;
    qntk_network network;
    ck_assert_ok(qntk_network_create(1, (const size_t[]){INPUTS, 1}, (const size_t[]){0}, 0, 1, &network));
    const double c = network.layers[0].w_std / sqrt(INPUTS), variance = s * s / (c * c * ROWS_16);
    qntk_penalty_options options = {
        .loss = QNTK_LOSS_SQUARED, .draws = 2, .probes = 2, .variance = &variance};
    qntk_penalty p;
    double sum = 0, squares = 0;
    qntk_rng rng = qntk_rng_create(11, 0);
    for (size_t set = 0; set < SETS; set++) {
        double value[2], w[INPUTS] = {0};
        for (size_t half = 0; half < 2; half++)
            for (size_t i = 0; i < ROWS_16; i++) {
                double t = s * qntk_rng_normal(&rng);
                for (size_t j = 0; j < INPUTS; j++)
                    t += b[j] * (double)X[i * INPUTS + j];
                T[half][i] = (float)t;
                for (size_t j = 0; half == 0 && j < INPUTS; j++)
                    w[j] += (double)X[i * INPUTS + j] * t / (c * ROWS_16);
            }
        for (size_t j = 0; j < INPUTS; j++)
            network.layers[0].latent[j] = (float)w[j];
        for (size_t half = 0; half < 2; half++)
            ck_assert_ok(qntk_penalty_product(&network, QNTK_LOSS_SQUARED, ROWS_16, X, T[half], NULL,
                                              &value[half], NULL, NULL));
        sum += value[1] - value[0];
        squares += pow(value[1] - value[0], 2);
    }
    const double gap = sum / SETS, se = sqrt((squares / SETS - gap * gap) / SETS);
    ck_assert_ok(qntk_penalty_measure(&network, QNTK_ROUNDING_STOCHASTIC, ROWS_16, X, T[0], options, &p));
    ck_assert_relative(2 * p.gauss_newton, s * s * INPUTS / ROWS_16, 1e-13);
    ck_assert_relative(p.hutchinson, p.gauss_newton, 1e-13); /* H is diagonal: every probe is exact */
    ck_assert_close(gap, 2 * p.gauss_newton, 4, se);
    ck_assert_double_lt(se, 0.05 * gap);
    qntk_network_free(&network);
}
END_TEST

/* A network 1-1-1 of given weights. */
static qntk_network chain_create(size_t levels, float first, float second)
{
    static const size_t ones[] = {1, 1, 1};
    qntk_network network;
    ck_assert_ok(qntk_network_create(2, ones, (const size_t[]){levels, levels}, 0, 1, &network));
    network.layers[0].w_std = network.layers[1].w_std = 1;
    network.layers[0].latent[0] = first;
    network.layers[1].latent[0] = second;
    return network;
}

START_TEST(two_weights_in_a_row_have_a_term_of_fourth_order)
{
    /* f = w2 w1 x where the ReLU is open. E (1/2)(f - t)^2 - (1/2)(w2 w1 x - t)^2
     *     = (x^2/2)(w1^2 v2 + w2^2 v1 + v1 v2): Hessian and Gauss-Newton form have all but the last */
    const float x = 1.5F, t = 0.25F;
    const double w1 = 0.625, w2 = -0.375; /* exact in float */
    qntk_network network = chain_create(5, (float)w1, (float)w2);
    qntk_penalty_options options = qntk_penalty_defaults();
    options.loss = QNTK_LOSS_SQUARED;
    options.draws = options.probes = 100000;
    for (int nearest = 0; nearest < 2; nearest++) {
        const double step = 0.5, v1 = nearest ? step * step / 12 : 0.25 * 0.75 * step * step, v2 = v1;
        qntk_penalty p;
        ck_assert_ok(qntk_penalty_measure(
            &network, nearest ? QNTK_ROUNDING_NEAREST : QNTK_ROUNDING_STOCHASTIC, 1, &x, &t, options, &p));
        const double second = x * x / 2 * (w1 * w1 * v2 + w2 * w2 * v1), whole = second + x * x / 2 * v1 * v2;
        ck_assert_relative(p.gauss_newton, second, 1e-14);
        ck_assert_close(p.hutchinson, second, 4, p.hutchinson_se);
        ck_assert_close(p.additive, whole, 4, p.additive_se);
        ck_assert_double_lt(p.additive_se, 0.25 * (whole - second)); /* the difference is seen */
        if (nearest) {                                               /* to (0.5, -0.5) */
            const double rounded = pow(0.5 * -0.5 * x - t, 2) / 2, plain = pow(w1 * w2 * x - t, 2) / 2;
            ck_assert_close(p.sampled, rounded - plain, 1e-15, 1);
            ck_assert_double_nan(p.sampled_se);
            ck_assert_close(p.linear, (w1 * w2 * x - t) * x * (-0.125 * w2 - 0.125 * w1), 1e-15, 1);
        } else {
            ck_assert_close(p.sampled, whole, 4, p.sampled_se);
            ck_assert_double_eq(p.linear, 0);
        }
    }
    qntk_network_free(&network);
}
END_TEST

START_TEST(all_roundings_of_a_tiny_network_give_the_sampled_penalty)
{
    static const size_t shape[] = {2, 2, 2}, levels[] = {2, 3};
    float X[] = {0.5F, -1, 1.5F, 0.25F, -0.75F, 1}, T[] = {1, 0, 0, 1, 0, 1};
    qntk_network network;
    ck_assert_ok(qntk_network_create(2, shape, levels, 0.3, 4, &network));
    naive_net net = naive_net_latent(&network);
    double w[8] = {0}, expected = -naive_net_loss(&net, QNTK_LOSS_CROSS_ENTROPY, 3, X, T);
    gather(&net, w);
    for (unsigned set = 0; set < 256; set++) { /* of the upper level for each weight */
        double rounded[8], probability = 1;
        for (size_t k = 0; k < 8; k++) {
            const double step = k < 4 ? 2 : 1, low = floor((w[k] + 1) / step) * step - 1;
            rounded[k] = (set >> k & 1) != 0 ? low + step : low;
            probability *= (set >> k & 1) != 0 ? (w[k] - low) / step : 1 - (w[k] - low) / step;
        }
        scatter(rounded, &net);
        expected += probability * naive_net_loss(&net, QNTK_LOSS_CROSS_ENTROPY, 3, X, T);
    }
    qntk_penalty_options options = qntk_penalty_defaults();
    options.draws = 20000;
    options.seed = 3;
    qntk_penalty p;
    ck_assert_ok(qntk_penalty_measure(&network, QNTK_ROUNDING_STOCHASTIC, 3, X, T, options, &p));
    ck_assert_close(p.sampled, expected, 4, p.sampled_se);
    ck_assert_double_lt(p.sampled_se, 0.02 * fabs(expected));
    naive_net_free(&net);
    qntk_network_free(&network);
}
END_TEST

START_TEST(a_tie_goes_to_the_upper_level_as_in_the_network)
{
    /* one weight theta = 0 in the middle of even numbers of levels: L(Q) - L(0) = (f - 1)^2/2 - 1/2 */
    const size_t shape[] = {1, 1};
    const float X[1] = {1}, T[1] = {1};
    qntk_penalty_options options = qntk_penalty_defaults();
    double worst = 0;
    options.loss = QNTK_LOSS_SQUARED;
    options.draws = options.probes = 2;
    for (size_t levels = 2; levels <= 1024; levels += 2) {
        qntk_network network;
        qntk_penalty penalty;
        double f;
        ck_assert_ok(qntk_network_create(1, shape, &levels, 0, 1, &network));
        network.layers[0].latent[0] = 0;
        ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_NEAREST, 1, X, &f));
        ck_assert_ok(qntk_penalty_measure(&network, QNTK_ROUNDING_NEAREST, 1, X, T, options, &penalty));
        const double expected = ((f - 1) * (f - 1) - 1) / 2;
        worst = test_worse(worst, fabs(penalty.sampled / expected - 1)); /* the wrong one: 2 and more */
        qntk_network_free(&network);
    }
    ck_assert_double_lt(worst, 0x1p-22); /* f is in single precision */
}
END_TEST

START_TEST(noise_beyond_a_kink_is_unseen_by_the_hessian)
{
    /* f = relu(w x), w = -a/2, e uniform on [-a,a], t = 0: P = (x^2/2) E max(0, w+e)^2 = (x^2/2) a^2/48 */
    const float x = 2, t = 0;
    const double a = 0.5, variance[] = {a * a / 3, 0};
    qntk_network network = chain_create(0, -0.25F, 1);
    qntk_penalty_options options = {.loss = QNTK_LOSS_SQUARED, .draws = 20000, .probes = 2, .seed = 1};
    options.variance = variance;
    qntk_penalty p;
    ck_assert_ok(qntk_penalty_measure(&network, QNTK_ROUNDING_STOCHASTIC, 1, &x, &t, options, &p));
    ck_assert_double_eq(p.hutchinson, 0);
    ck_assert_double_eq(p.gauss_newton, 0);
    ck_assert_close(p.additive, x * x / 2 * a * a / 48, 4, p.additive_se);
    ck_assert_double_lt(p.additive_se, 0.02 * p.additive);
    ck_assert_double_nan(p.sampled); /* given variances are no rounding */
    qntk_network_free(&network);
}
END_TEST

/* P_kinks for the squared loss, neuron by neuron. */
static double naive_kinks(const problem *p, const double *v)
{
    naive_net net = naive_net_latent(&p->network);
    double sum = 0;
    for (size_t i = 0; i < N; i++) {
        double f[OUTPUTS], h[8][256], spread[3][8] = {{0}}, g[8] = {0};
        const double *tau = v;
        naive_net_output(&net, p->X + i * D, f, h);
        for (size_t l = 0; l < 3; l++) {
            const double c2 = pow(p->network.layers[l].w_std, 2) / (double)sizes[l];
            for (size_t k = 0; k < sizes[l + 1]; k++)
                for (size_t j = 0; j < sizes[l]; j++, tau++) {
                    const double x = l == 0 ? (double)p->X[i * D + j] : fmax(h[l - 1][j], 0);
                    spread[l][k] += c2 * *tau * x * x;
                    if (l > 0 && h[l - 1][j] > 0)
                        spread[l][k] += c2 * pow(net.W[l][k * sizes[l] + j], 2) * spread[l - 1][j];
                }
        }
        for (size_t c = 0; c < OUTPUTS; c++)
            g[c] = (f[c] - (double)p->T[i * OUTPUTS + c]) / N;
        for (size_t l = 2; l > 0; l--) {
            double below[8] = {0};
            for (size_t j = 0; j < sizes[l]; j++) {
                const double s = sqrt(spread[l - 1][j]), z = fabs(h[l - 1][j]) / s;
                for (size_t k = 0; k < sizes[l + 1]; k++)
                    below[j] += p->network.layers[l].w_std / sqrt((double)sizes[l]) * g[k] *
                                net.W[l][k * sizes[l] + j];
                sum += below[j] * s * (exp(-z * z / 2) / sqrt(2 * M_PI) - z * erfc(z / M_SQRT2) / 2);
                below[j] = h[l - 1][j] > 0 ? below[j] : 0;
            }
            memcpy(g, below, sizeof below);
        }
    }
    naive_net_free(&net);
    return sum;
}

START_TEST(kinks_are_summed_over_rows_and_neurons)
{
    static problem p;
    static const size_t levels[] = {3, 4, 2};
    for (int nearest = 0; nearest < 2; nearest++) {
        const qntk_rounding rounding = nearest ? QNTK_ROUNDING_NEAREST : QNTK_ROUNDING_STOCHASTIC;
        double v[256] = {0};
        qntk_penalty penalty;
        qntk_penalty_options options = {.loss = QNTK_LOSS_SQUARED, .draws = 2, .probes = 2};
        problem_create(levels, 0.4, QNTK_LOSS_SQUARED, 80, &p);
        variances(&p, rounding, v);
        ck_assert_ok(qntk_penalty_measure(&p.network, rounding, N, p.X, p.T, options, &penalty));
        ck_assert_relative(penalty.kinks, naive_kinks(&p, v), 1e-11);
        qntk_network_free(&p.network);
    }
}
END_TEST

START_TEST(kinks_are_what_the_hessian_lacks)
{
    static problem p;
    for (size_t bits = 6; bits <= 12; bits++) {
        const size_t levels = (size_t)1 << bits;
        qntk_penalty penalty;
        qntk_penalty_options options = {.loss = QNTK_LOSS_SQUARED, .draws = 1000, .probes = 1000};
        problem_create((const size_t[]){levels, levels, 0}, 0, QNTK_LOSS_SQUARED, 9, &p);
        ck_assert_ok(qntk_penalty_measure(&p.network, QNTK_ROUNDING_NEAREST, N, p.X, p.T, options, &penalty));
        const double without = penalty.additive - penalty.hutchinson, with = without - penalty.kinks;
        const double se = hypot(penalty.additive_se, penalty.hutchinson_se);
        ck_assert_msg(fabs(with) <= 4 * se + 0.02 * penalty.hutchinson, "%zu bits: off by %g, se %g", bits,
                      with, se);
        if (bits == 9) /* twice what is measured */
            ck_assert_double_gt(-without, 15 * se);
        qntk_network_free(&p.network);
    }
}
END_TEST

START_TEST(each_bit_more_divides_the_penalty_by_the_square_of_the_steps)
{
    static problem p;
    double before[3] = {0};
    for (size_t bits = 6; bits <= 16; bits += 2) {
        const size_t levels = (size_t)1 << bits;
        problem_create((const size_t[]){levels, levels, 0}, 0, QNTK_LOSS_SQUARED, 9, &p);
        /* the gain depends on the levels: the same network each time */
        p.network.layers[0].w_std = p.network.layers[1].w_std = 2;
        qntk_penalty_options options = qntk_penalty_defaults();
        options.loss = QNTK_LOSS_SQUARED;
        qntk_penalty penalty;
        ck_assert_ok(qntk_penalty_measure(&p.network, QNTK_ROUNDING_NEAREST, N, p.X, p.T, options, &penalty));
        const double now[] = {penalty.gauss_newton, penalty.hutchinson, penalty.additive};
        const size_t fewer = levels / 4;
        const double ratio = pow((double)(levels - 1) / (double)(fewer - 1), 2);
        if (bits > 6) {
            ck_assert_relative(before[0] / now[0], ratio, 1e-12);
            ck_assert_relative(before[1] / now[1], ratio, 1e-12);
            if (0)
                ck_assert_relative(before[2] / now[2], ratio, 0.05); /* kinks and the fourth order */
        }
        memcpy(before, now, sizeof now);
        qntk_network_free(&p.network);
    }
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
    static const size_t levels[] = {2, 4, 0};
    static problem p;
    problem_create(levels, 0.1, QNTK_LOSS_CROSS_ENTROPY, 2, &p);
    qntk_penalty_options options = qntk_penalty_defaults();
    options.draws = options.probes = 17;
    qntk_penalty one, more;
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(qntk_penalty_measure(&p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.T, options, &one));
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_ok(qntk_penalty_measure(&p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.T, options, &more));
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_mem_eq(&one, &more, sizeof one);
    options.seed = 1;
    ck_assert_ok(qntk_penalty_measure(&p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.T, options, &more));
    ck_assert_double_ne(one.sampled, more.sampled);
    ck_assert_double_ne(one.additive, more.additive);
    ck_assert_double_ne(one.hutchinson, more.hutchinson);
    ck_assert_double_eq(one.gauss_newton, more.gauss_newton);
    qntk_network_free(&p.network);
}
END_TEST

START_TEST(mistakes_are_named)
{
    static const size_t levels[] = {2, 4, 0};
    static problem p;
    static const double bad[] = {1, -1, 0};
    qntk_penalty out;
    double value, gradient[256];
    qntk_penalty_options o = qntk_penalty_defaults(), few = o, none = o, wrong = o, negative = o;
    problem_create(levels, 0.1, o.loss, 2, &p);
    few.draws = 1;
    none.probes = 0;
    wrong.loss = (qntk_loss)9;
    negative.variance = bad;
#define MEASURE(rows, options)                                                                               \
    qntk_penalty_measure(&p.network, QNTK_ROUNDING_NEAREST, rows, p.X, p.T, options, &out)
    ck_assert_fails(MEASURE(0, o), QNTK_INVALID, "rows");
    ck_assert_fails(MEASURE(N, few), QNTK_INVALID, "draws");
    ck_assert_fails(MEASURE(N, none), QNTK_INVALID, "probes");
    ck_assert_fails(MEASURE(N, wrong), QNTK_INVALID, "loss");
    ck_assert_fails(MEASURE(N, negative), QNTK_INVALID, "layer 2: expected a variance");
    ck_assert_fails(qntk_penalty_measure(NULL, QNTK_ROUNDING_NEAREST, N, p.X, p.T, o, &out), QNTK_INVALID,
                    "network");
    ck_assert_fails(qntk_penalty_measure(&p.network, (qntk_rounding)7, N, p.X, p.T, o, &out), QNTK_INVALID,
                    "rounding");
    ck_assert_fails(qntk_penalty_measure(&p.network, QNTK_ROUNDING_NEAREST, N, p.X, p.T, o, NULL),
                    QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_penalty_product(&p.network, o.loss, N, p.X, p.T, NULL, &value, NULL, gradient),
                    QNTK_INVALID, "direction");
    ck_assert_ok(qntk_network_activate(&p.network, 3, false));
    ck_assert_fails(MEASURE(N, o), QNTK_INVALID, "not activations of 3 levels");
    ck_assert_ok(qntk_network_activate(&p.network, 0, false));
    p.T[7 * OUTPUTS] = NAN;
    ck_assert_fails(MEASURE(N, o), QNTK_NOT_FINITE, "row 7");
    ck_assert_double_eq(out.loss, 0);
    gradient[0] = 1;
    ck_assert_fails(qntk_penalty_product(&p.network, o.loss, N, p.X, p.T, NULL, &value, gradient, NULL),
                    QNTK_NOT_FINITE, "row 7");
    ck_assert_double_eq(gradient[0], 0);
    p.X[3 * D + 2] = INFINITY;
    ck_assert_fails(MEASURE(N, o), QNTK_NOT_FINITE, "row 3, column 2");
    p.network.layers[1].latent[3] = NAN;
    ck_assert_fails(MEASURE(N, o), QNTK_NOT_FINITE, "layer 2: latent weight (0, 3)");
    qntk_network_free(&p.network);
}
END_TEST

START_TEST(an_interrupted_measurement_says_so)
{
    static problem p;
    qntk_penalty out;
    problem_create((const size_t[]){2, 2, 2}, 0, QNTK_LOSS_CROSS_ENTROPY, 1, &p);
    qntk_interrupt();
    const qntk_status status = qntk_penalty_measure(&p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.T,
                                                    qntk_penalty_defaults(), &out);
    qntk_interrupt_clear();
    ck_assert_int_eq(status, QNTK_INTERRUPTED);
    qntk_network_free(&p.network);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    static problem p;
    qntk_penalty out;
    double value, gradient[256];
    problem_create((const size_t[]){2, 2, 2}, 0, QNTK_LOSS_CROSS_ENTROPY, 1, &p);
    qntk_penalty_options options = qntk_penalty_defaults();
    options.draws = options.probes = 3;
    for (int what = 0; what < 2; what++) {
        qntk_status status = QNTK_NO_MEMORY;
        long successes = 0;
        for (; successes < 50 && status != QNTK_OK; successes++) {
            qntk_memory_fail_after(successes);
            status = what == 0 ? qntk_penalty_measure(&p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.T,
                                                      options, &out)
                               : qntk_penalty_product(&p.network, QNTK_LOSS_SQUARED, N, p.X, p.T, NULL,
                                                      &value, gradient, NULL);
            qntk_memory_fail_after(-1);
            ck_assert(status == QNTK_OK || (status == QNTK_NO_MEMORY && out.loss == 0));
        }
        ck_assert_int_eq(status, QNTK_OK);
        ck_assert_int_gt(successes, what == 0 ? 6 : 3);
        out.loss = 0;
    }
    qntk_network_free(&p.network);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, products_with_the_hessian_are_differences_of_gradients_and_symmetric);
    tcase_add_test(tcase, hutchinsons_mean_is_the_trace_over_unit_vectors);
    tcase_add_test(tcase, the_gauss_newton_form_is_that_of_the_jacobian);
    tcase_add_test(tcase, a_linear_model_has_its_closed_form);
    tcase_add_test(tcase, the_gap_of_least_squares_is_twice_the_penalty_of_its_own_errors);
    tcase_add_test(tcase, two_weights_in_a_row_have_a_term_of_fourth_order);
    tcase_add_test(tcase, all_roundings_of_a_tiny_network_give_the_sampled_penalty);
    tcase_add_test(tcase, a_tie_goes_to_the_upper_level_as_in_the_network);
    tcase_add_test(tcase, noise_beyond_a_kink_is_unseen_by_the_hessian);
    tcase_add_test(tcase, kinks_are_summed_over_rows_and_neurons);
    tcase_add_test(tcase, kinks_are_what_the_hessian_lacks);
    tcase_add_test(tcase, each_bit_more_divides_the_penalty_by_the_square_of_the_steps);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, mistakes_are_named);
    tcase_add_test(tcase, an_interrupted_measurement_says_so);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("penalty", add_tests);
}
