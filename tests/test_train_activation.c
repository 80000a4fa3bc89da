/* Training through multi-step activations: against differences, plain twins and straight-through. */
#include "test.h"
#include "naive_train.h"

#include <string.h>

enum { N = 12, D = 6, OUTPUTS = 3, PARAMETERS = 21 * 33 + 34 * OUTPUTS + 20 * (D + 1) };
static const size_t sizes[] = {D, 20, 33, OUTPUTS};

/* binary, ternary, two bits, three bits */
static const struct {
    size_t levels;
    bool positive;
} kinds[] = {{2, false}, {3, false}, {4, true}, {8, true}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- training ---- */

typedef struct {
    qntk_network network;
    qntk_trainer *trainer;
    float X[N * D], T[N * OUTPUTS];
} job;

static qntk_train_options annealed(qntk_noise_shape noise, qntk_strategy strategy)
{
    qntk_train_options o = qntk_train_defaults();
    o.method = QNTK_METHOD_ANA;
    o.rounding = QNTK_ROUNDING_NEAREST;
    o.anneal.noise = noise;
    o.anneal.strategy = strategy;
    o.anneal.beta = qntk_noise_usual_scale(noise);
    return o;
}

static void start(job *j, qntk_train_options options, size_t levels, size_t last, size_t kind)
{
    const size_t all[] = {levels, levels, last};
    double y[N];
    ck_assert_ok(qntk_network_create(3, sizes, all, 0.5, options.seed, &j->network));
    ck_assert_ok(qntk_network_activate(&j->network, kinds[kind].levels, kinds[kind].positive));
    qntk_rng rng = qntk_rng_create(options.seed, 98);
    for (size_t i = 0; i < N * D; i++)
        j->X[i] = (float)qntk_rng_normal(&rng);
    for (size_t i = 0; i < N; i++)
        y[i] = (double)qntk_rng_below(&rng, OUTPUTS);
    ck_assert_ok(qntk_train_targets(options.loss, N, y, OUTPUTS, j->T));
    ck_assert_ok(qntk_trainer_create(&j->network, options, &j->trainer));
}

static void end(job *j)
{
    qntk_trainer_destroy(&j->trainer);
    qntk_network_free(&j->network);
}

/* What the definition makes of pre-activations in step `step` (from 0) of a training. */
typedef struct {
    const qntk_network *network;
    const qntk_train_options *options;
    uint64_t step;
} rule;

static double activate_by(const void *context, size_t layer, size_t row, size_t neuron, double h)
{
    const rule *r = context;
    const qntk_steps q = r->network->layers[layer].activation;
    const qntk_train_anneal *a = &r->options->anneal;
    const qntk_noise noise = {a->noise, 0, r->options->method == QNTK_METHOD_ANA ? a->beta : 0};
    if (noise.scale == 0)
        return qntk_steps_hard(q, h);
    if (a->strategy == QNTK_STRATEGY_EXPECTED)
        return qntk_steps_expected(q, noise, h);
    if (a->strategy == QNTK_STRATEGY_MODE)
        return qntk_steps_mode(q, noise, h);
    uint32_t half[2]; /* as train_simd.h documents; a row of up to 64 neurons has 8 blocks */
    for (int part = 0; part < 2; part++) {
        qntk_rng rng = qntk_rng_create(r->options->seed,
                                       (UINT64_C(0x61637469) << 32) + layer + (part == 0 ? 0 : 4 * 65536));
        rng.position = (r->step << 32) + row * 8 + (neuron % 16) / 2;
        qntk_rng_bits(&rng);
        const uint32_t word = rng.word[neuron / 16];
        half[part] = neuron % 2 == 0 ? word & 0xffff : word >> 16;
    }
    return qntk_steps_draw(q, noise, h, (floor((half[0] * 65536.0 + half[1]) / 512) + 0.5) / (1 << 23));
}

static double slope_by(const void *context, size_t layer, double h)
{
    const rule *r = context;
    const qntk_train_anneal *a = &r->options->anneal;
    qntk_noise noise = {a->backward_noise, 0, a->backward_beta};
    if (r->options->method == QNTK_METHOD_STE)
        noise = (qntk_noise){QNTK_NOISE_UNIFORM, 0, 0.5};
    return qntk_steps_slope(r->network->layers[layer].activation, noise, h);
}

static void follow(naive_net *net, const rule *r)
{
    net->activate = activate_by;
    net->slope = slope_by;
    net->context = r;
}

/* The largest difference between the trainer's gradient and central differences of the loss of the network with
 * expected weights and activations, by latent weights and biases; over the largest entry. */
static double gradient_error(job *j, const qntk_train_options *o)
{
    const double step = 1e-6;
    float gradient[PARAMETERS];
    double loss, worst = 0, largest = 0;
    const qntk_noise noise = {o->anneal.noise, 0, o->anneal.beta};
    const rule r = {&j->network, o, 0};
    ck_assert_ok(qntk_trainer_gradient(j->trainer, N, j->X, j->T, &loss, gradient));
    naive_net latent = naive_net_latent(&j->network), net = naive_net_latent(&j->network);
    follow(&net, &r);
    const float *at = gradient;
    for (int pass = 0; pass < 2; pass++) /* first the weights, all; then the differences */
        for (size_t l = 0; l < 3; l++) {
            const size_t levels = j->network.layers[l].levels, weights = sizes[l] * sizes[l + 1];
            const qntk_steps steps = qntk_steps_symmetric(levels);
            for (size_t k = 0; k < weights + sizes[l + 1]; k++) {
                const bool bias = k >= weights;
                double *place = bias ? &net.b[l][k - weights] : &net.W[l][k], moved[2];
                const double from = bias ? latent.b[l][k - weights] : latent.W[l][k];
                for (int side = 0; side < 2; side++) {
                    const double value = pass == 0 ? from : from + (side == 0 ? step : -step);
                    *place = bias || levels == 0 ? value : qntk_steps_expected(steps, noise, value);
                    moved[side] = pass == 0 ? 0 : naive_net_loss(&net, o->loss, N, j->X, j->T);
                }
                *place = bias || levels == 0 ? from : qntk_steps_expected(steps, noise, from);
                if (pass == 0)
                    continue;
                largest = fmax(largest, fabs((double)*at));
                worst = test_worse(worst, fabs((double)*at++ - (moved[0] - moved[1]) / (2 * step)));
            }
        }
    naive_net_free(&latent);
    naive_net_free(&net);
    return worst / largest;
}

START_TEST(gradients_are_those_of_finite_differences_through_the_expected_network)
{
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (size_t kind = 0; kind < 2 * KINDS; kind++) {
            qntk_train_options o = annealed((qntk_noise_shape)shape, QNTK_STRATEGY_EXPECTED);
            o.anneal.backward_noise = o.anneal.noise;
            /* wide, so that few neurons have no slope at all */
            o.anneal.beta = o.anneal.backward_beta = 1.5 * qntk_noise_usual_scale(o.anneal.noise);
            o.loss = (qntk_loss)(kind % 3);
            o.seed = 30 + kind;
            job j;
            start(&j, o, kind < KINDS ? 3 : 0, 0, kind % KINDS);
            const double error = gradient_error(&j, &o);
            /* as without activations, and their distributions to 3e-7 */
            ck_assert_msg(error < 2e-5, "%s, kind %zu: %g", qntk_noise_name(o.anneal.noise), kind, error);
            end(&j);
        }
}
END_TEST

/* Steps of the trainer beside those of the definition from the trainer's own state: the largest difference of a
 * latent weight or bias, and of a loss. */
static double twin_error(const qntk_train_options *o, size_t levels, size_t kind)
{
    double worst = 0, loss;
    job j;
    start(&j, *o, levels, 0, kind);
    for (uint64_t t = 0; t < 3; t++) {
        const rule r = {&j.network, o, t};
        naive_net net = naive_net_in_use(&j.network, j.trainer), before = naive_net_latent(&j.network);
        follow(&net, &r);
        naive_net gradient = naive_net_gradient(&net, o->loss, N, j.X, j.T);
        const double expected = naive_net_loss(&net, o->loss, N, j.X, j.T);
        ck_assert_ok(qntk_trainer_step(j.trainer, N, j.X, j.T, &loss));
        worst = test_worse(worst, fabs(loss - expected));
        for (size_t l = 0; l < 3; l++) {
            const qntk_network_layer *layer = &j.network.layers[l];
            const qntk_noise backward = {o->anneal.backward_noise, 0, o->anneal.backward_beta};
            const qntk_steps steps = qntk_steps_symmetric(layer->levels);
            for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++) {
                const double w = before.W[l][k];
                const double factor = layer->levels == 0             ? 1
                                      : o->method == QNTK_METHOD_STE ? fabs(w) <= 1
                                                                     : qntk_steps_slope(steps, backward, w);
                worst = test_worse(worst,
                                   fabs(w - o->rate * factor * gradient.W[l][k] - (double)layer->latent[k]));
            }
            for (size_t k = 0; k < sizes[l + 1]; k++)
                worst = test_worse(
                    worst, fabs(before.b[l][k] - o->rate * gradient.b[l][k] - (double)layer->bias[k]));
        }
        naive_net_free(&net);
        naive_net_free(&before);
        naive_net_free(&gradient);
    }
    end(&j);
    return worst;
}

START_TEST(steps_agree_with_the_plain_twin_for_each_noise_strategy_and_activation)
{
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int strategy = 0; strategy <= QNTK_STRATEGY_RANDOM; strategy++)
            for (size_t kind = 0; kind < KINDS; kind++) {
                qntk_train_options o = annealed((qntk_noise_shape)shape, (qntk_strategy)strategy);
                o.anneal.backward_noise = (qntk_noise_shape)((shape + (int)kind) % QNTK_NOISE_COUNT);
                o.anneal.backward_beta = 0.7;
                o.loss = (qntk_loss)(kind % 3);
                o.optimizer = QNTK_OPTIMIZER_SGD;
                o.rate = 0.2;
                o.seed = 3 + kind;
                const double error = twin_error(&o, kind % 2 == 0 ? 3 : 0, kind);
                ck_assert_msg(error < 1e-5, "%s, strategy %d, kind %zu: off by %g",
                              qntk_noise_name(o.anneal.noise), strategy, kind, error);
            }
}
END_TEST

START_TEST(straight_through_steps_agree_with_the_plain_twin)
{
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int rounding = 0; rounding < 2; rounding++) {
            qntk_train_options o = qntk_train_defaults();
            o.method = QNTK_METHOD_STE;
            o.rounding = (qntk_rounding)rounding;
            o.optimizer = QNTK_OPTIMIZER_SGD;
            o.rate = 0.2;
            o.seed = 50 + kind;
            const double error = twin_error(&o, 3, kind);
            ck_assert_msg(error < 1e-5, "kind %zu, rounding %d: off by %g", kind, rounding, error);
        }
}
END_TEST

START_TEST(straight_through_is_annealing_without_forward_noise_to_the_bit)
{
    for (size_t k = 0; k < 2 * KINDS; k++) {
        qntk_train_options ste = qntk_train_defaults(), ana;
        ste.method = QNTK_METHOD_STE;
        ste.rounding = QNTK_ROUNDING_NEAREST;
        ste.rate = 0.1;
        ste.batch = 5;
        ste.seed = k;
        ana = ste;
        ana.method = QNTK_METHOD_ANA;
        ana.anneal.beta = 0; /* the backward noise is uniform, of half a step, by default */
        job a, b;
        start(&a, ste, k < KINDS ? 3 : 0, 0, k % KINDS);
        start(&b, ana, k < KINDS ? 3 : 0, 0, k % KINDS);
        size_t different = 0, moved = 0;
        for (int epoch = 0; epoch < 12; epoch++) {
            double loss[2];
            float gradient[2][PARAMETERS];
            ck_assert_ok(qntk_trainer_gradient(a.trainer, 5, a.X, a.T, &loss[0], gradient[0]));
            ck_assert_ok(qntk_trainer_gradient(b.trainer, 5, b.X, b.T, &loss[1], gradient[1]));
            different += memcmp(gradient[0], gradient[1], sizeof gradient[0]) != 0;
            for (size_t i = 0; i < sizes[0] * sizes[1]; i++)
                moved += gradient[0][i] != 0;
            ck_assert_ok(qntk_trainer_epoch(a.trainer, N, a.X, a.T, &loss[0]));
            ck_assert_ok(qntk_trainer_epoch(b.trainer, N, b.X, b.T, &loss[1]));
            different += memcmp(&loss[0], &loss[1], sizeof *loss) != 0;
            for (size_t l = 0; l < 3; l++) {
                const size_t bytes = sizes[l] * sizes[l + 1] * sizeof(float);
                different += memcmp(a.network.layers[l].latent, b.network.layers[l].latent, bytes) != 0;
                different += memcmp(qntk_trainer_weights(a.trainer, l), qntk_trainer_weights(b.trainer, l),
                                    bytes) != 0;
            }
        }
        ck_assert_msg(different == 0, "case %zu: %zu arrays differ", k, different);
        ck_assert_uint_gt(moved, 200);
        end(&a);
        end(&b);
    }
}
END_TEST

START_TEST(a_layer_with_real_weights_and_a_stepped_activation_has_its_part_in_the_schedule)
{
    qntk_train_options o = annealed(QNTK_NOISE_NORMAL, QNTK_STRATEGY_EXPECTED);
    const size_t levels[] = {0, 3, 0};
    qntk_network network;
    qntk_trainer *trainer;
    double loss;
    job j;
    start(&j, o, 3, 0, 1); /* for its rows */
    o.anneal.sync = QNTK_ANNEAL_PARTITION;
    o.anneal.period = 2;
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0, 0, &network));
    ck_assert_ok(qntk_network_activate(&network, 3, false));
    ck_assert_ok(qntk_trainer_create(&network, o, &trainer));
    /* layer 0 in [0,2], layer 1 in [2,4], the readout never */
    const double expected[2][5] = {{1, 0.25, 0, 0, 0}, {1, 1, 1, 0.25, 0}};
    for (size_t epoch = 0; epoch < 5; epoch++) {
        for (size_t l = 0; l < 2; l++)
            ck_assert_relative(qntk_trainer_noise(trainer, l), expected[l][epoch] * o.anneal.beta, 1e-15);
        ck_assert(qntk_trainer_noise(trainer, 2) == 0);
        ck_assert_ok(qntk_trainer_epoch(trainer, N, j.X, j.T, &loss));
    }
    qntk_trainer_destroy(&trainer);
    qntk_network_free(&network);
    end(&j);
}
END_TEST

START_TEST(without_backward_noise_nothing_below_an_activation_moves)
{
    qntk_train_options o = annealed(QNTK_NOISE_UNIFORM, QNTK_STRATEGY_EXPECTED);
    o.anneal.backward_beta = 0;
    job j;
    double loss;
    float gradient[PARAMETERS];
    start(&j, o, 0, 0, 1);
    ck_assert_ok(qntk_trainer_gradient(j.trainer, N, j.X, j.T, &loss, gradient));
    size_t moved[2] = {0, 0};
    const size_t below = sizes[1] * (sizes[0] + 1) + sizes[2] * (sizes[1] + 1);
    for (size_t k = 0; k < PARAMETERS; k++)
        moved[k >= below] += gradient[k] != 0;
    ck_assert_uint_eq(moved[0], 0);
    ck_assert_uint_gt(moved[1], 20);
    end(&j);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bytes_on_any_number_of_threads)
{
    /* blocks of columns, and for the narrow layer blocks of rows */
    enum { ROWS = 150, WIDE = 300, LAYERS = 3 };
    const size_t shape[] = {WIDE, 290, 40, 5}, levels[] = {3, 3, 0};
    static float X[ROWS * WIDE], T[ROWS * 5];
    double y[ROWS], loss[3][2];
    qntk_rng rng = qntk_rng_create(6, 0);
    for (size_t i = 0; i < (size_t)ROWS * WIDE; i++)
        X[i] = (float)qntk_rng_normal(&rng);
    for (size_t i = 0; i < ROWS; i++)
        y[i] = (double)(i % 5);
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, ROWS, y, 5, T));
    for (int strategy = 0; strategy <= QNTK_STRATEGY_RANDOM; strategy++) {
        qntk_train_options o = annealed(QNTK_NOISE_LOGISTIC, (qntk_strategy)strategy);
        o.batch = 97;
        qntk_network network[3];
        qntk_trainer *trainer[3];
        for (size_t k = 0; k < 3; k++) {
            ck_assert_ok(qntk_threads_set(k + 1));
            ck_assert_ok(qntk_network_create(LAYERS, shape, levels, 0.1, 1, &network[k]));
            ck_assert_ok(qntk_network_activate(&network[k], 3, false));
            ck_assert_ok(qntk_trainer_create(&network[k], o, &trainer[k]));
            for (size_t epoch = 0; epoch < 2; epoch++)
                ck_assert_ok(qntk_trainer_epoch(trainer[k], ROWS, X, T, &loss[k][epoch]));
        }
        ck_assert_ok(qntk_threads_set(0));
        size_t different = 0;
        for (size_t k = 1; k < 3; k++) {
            different += memcmp(loss[0], loss[k], sizeof loss[0]) != 0;
            for (size_t l = 0; l < LAYERS; l++)
                different += memcmp(network[0].layers[l].latent, network[k].layers[l].latent,
                                    shape[l] * shape[l + 1] * sizeof(float)) != 0;
        }
        ck_assert_uint_eq(different, 0);
        for (size_t k = 0; k < 3; k++) {
            qntk_trainer_destroy(&trainer[k]);
            qntk_network_free(&network[k]);
        }
    }
}
END_TEST

/* Two normal clouds 8 standard deviations apart in 10 dimensions, judged by the hard network. */
static double accuracy_on_clouds(qntk_train_options o, size_t levels, size_t kind)
{
    enum { ROWS = 200, FEATURES = 10 };
    static float X[ROWS * FEATURES], T[ROWS * 2];
    static double F[ROWS * 2], y[ROWS], answer[ROWS];
    const size_t shape[] = {FEATURES, 256, 2}, laws[] = {levels, levels};
    qntk_rng rng = qntk_rng_create(5, 0);
    qntk_network network;
    qntk_trainer *trainer;
    double loss;
    for (size_t i = 0; i < ROWS; i++) {
        y[i] = (double)(i % 2);
        for (size_t k = 0; k < FEATURES; k++)
            X[i * FEATURES + k] = (float)(qntk_rng_normal(&rng) + (k > 0 ? 0 : y[i] > 0 ? 4 : -4));
    }
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, ROWS, y, 2, T));
    o.batch = 20;
    o.anneal.period = 7;
    ck_assert_ok(qntk_network_create(2, shape, laws, 0.1, 1, &network));
    ck_assert_ok(qntk_network_activate(&network, kinds[kind].levels, kinds[kind].positive));
    ck_assert_ok(qntk_trainer_create(&network, o, &trainer));
    for (int epoch = 0; epoch < 20; epoch++)
        ck_assert_ok(qntk_trainer_epoch(trainer, ROWS, X, T, &loss));
    ck_assert_ok(qntk_network_expect(&network, o.rounding, ROWS, X, F));
    ck_assert_ok(qntk_labels_decode(ROWS, 2, F, 2, answer));
    qntk_trainer_destroy(&trainer);
    qntk_network_free(&network);
    return qntk_labels_accuracy(ROWS, y, answer);
}

START_TEST(separable_data_are_learnt_to_100_percent_with_ternary_weights_and_activations)
{
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int strategy = 0; strategy <= QNTK_STRATEGY_RANDOM; strategy++) {
            const double share =
                accuracy_on_clouds(annealed((qntk_noise_shape)shape, (qntk_strategy)strategy), 3, 1);
            ck_assert_msg(share == 1, "%s, strategy %d: %g", qntk_noise_name((qntk_noise_shape)shape),
                          strategy, share);
        }
    qntk_train_options ste = qntk_train_defaults();
    ste.method = QNTK_METHOD_STE;
    ste.rounding = QNTK_ROUNDING_NEAREST;
    for (size_t kind = 0; kind < KINDS; kind++)
        ck_assert_msg(accuracy_on_clouds(ste, 3, kind) == 1, "straight-through, kind %zu", kind);
}
END_TEST

/* ---- errors ---- */

START_TEST(what_is_not_defined_is_refused)
{
    const size_t levels[] = {2, 2, 0}, real[] = {0, 0, 0};
    float x[D] = {1};
    double F[OUTPUTS];
    qntk_network network;
    qntk_trainer *trainer;
    qntk_moments_weights layers[3];
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0, 0, &network));
    const double w_std[] = {network.layers[0].w_std, network.layers[1].w_std, network.layers[2].w_std};
    ck_assert_fails(qntk_network_activate(&network, 1, false), QNTK_INVALID, "2 to 256 levels");
    ck_assert_fails(qntk_network_activate(&network, 257, true), QNTK_INVALID, "2 to 256 levels");
    ck_assert_ok(qntk_network_activate(&network, 256, true));
    ck_assert_ok(qntk_network_activate(&network, 0, false)); /* and back */
    for (size_t l = 0; l < 3; l++)
        ck_assert(network.layers[l].w_std == w_std[l] && network.layers[l].activation.levels == 0);
    ck_assert_ok(qntk_network_activate(&network, 3, false));
    ck_assert_uint_eq(network.layers[2].activation.levels, 0);
    ck_assert_fails(qntk_network_moments(&network, QNTK_ROUNDING_NEAREST, layers), QNTK_INVALID,
                    "layer 1: moment propagation knows the ReLU only, not an activation of 3 levels");
    qntk_network_moments_free(&network, layers);
    ck_assert_fails(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, 1, x, F), QNTK_INVALID,
                    "activations of 3 levels: round to nearest, or sample");
    ck_assert(F[0] == 0 && F[OUTPUTS - 1] == 0);
    ck_assert_ok(qntk_network_sample(&network, QNTK_ROUNDING_STOCHASTIC, 0, 0, 2, 1, x, F));
    ck_assert_fails(qntk_trainer_create(&network, qntk_train_defaults(), &trainer), QNTK_INVALID,
                    "layer 1: the derivative of an activation of 3 levels is 0 almost everywhere");
    ck_assert_ptr_null(trainer);
    x[2] = NAN;
    ck_assert_fails(qntk_network_expect(&network, QNTK_ROUNDING_NEAREST, 1, x, F), QNTK_NOT_FINITE, "row 0");
    x[2] = 0;
    qntk_network_free(&network);
    ck_assert_ok(qntk_network_create(3, sizes, real, 0, 0, &network));
    ck_assert_ok(qntk_network_activate(&network, 2, false));
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_STOCHASTIC, 1, x, F)); /* nothing is rounded */
    ck_assert_fails(qntk_trainer_create(&network, qntk_train_defaults(), &trainer), QNTK_INVALID,
                    "BinaryConnect puts nothing in its place");
    qntk_network_free(&network);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const size_t levels[] = {3, 3, 0};
    float X[2 * D] = {1, 2, 3}, T[2 * OUTPUTS] = {1, 0, 0, 0, 1, 0};
    qntk_train_options o = annealed(QNTK_NOISE_NORMAL, QNTK_STRATEGY_RANDOM);
    long failures = 0;
    ck_assert_ok(qntk_threads_set(1));
    for (long allowed = 0;; allowed++) {
        qntk_network network;
        qntk_trainer *trainer = NULL;
        double loss, F[2 * OUTPUTS];
        ck_assert_ok(qntk_network_create(3, sizes, levels, 0.1, 0, &network));
        ck_assert_ok(qntk_network_activate(&network, 3, false));
        qntk_memory_fail_after(allowed);
        qntk_status status = qntk_trainer_create(&network, o, &trainer);
        if (status == QNTK_OK)
            status = qntk_trainer_epoch(trainer, 2, X, T, &loss);
        if (status == QNTK_OK)
            status = qntk_network_expect(&network, QNTK_ROUNDING_NEAREST, 2, X, F);
        qntk_memory_fail_after(-1);
        qntk_trainer_destroy(&trainer);
        qntk_network_free(&network);
        if (status == QNTK_OK)
            break;
        ck_assert_int_eq(status, QNTK_NO_MEMORY);
        failures++;
    }
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_int_gt(failures, 30);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, gradients_are_those_of_finite_differences_through_the_expected_network);
    tcase_add_test(tcase, steps_agree_with_the_plain_twin_for_each_noise_strategy_and_activation);
    tcase_add_test(tcase, straight_through_steps_agree_with_the_plain_twin);
    tcase_add_test(tcase, straight_through_is_annealing_without_forward_noise_to_the_bit);
    tcase_add_test(tcase, a_layer_with_real_weights_and_a_stepped_activation_has_its_part_in_the_schedule);
    tcase_add_test(tcase, without_backward_noise_nothing_below_an_activation_moves);
    tcase_add_test(tcase, the_same_seed_gives_the_same_bytes_on_any_number_of_threads);
    tcase_add_test(tcase, separable_data_are_learnt_to_100_percent_with_ternary_weights_and_activations);
    tcase_add_test(tcase, what_is_not_defined_is_refused);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("train_activation", add_tests);
}
