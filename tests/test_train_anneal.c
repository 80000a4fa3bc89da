/* Training with annealed weights, against plain twins. */
#include "anneal_check.h"

#include <string.h>

#include "naive_train.h"

/* ---- training ---- */

enum { N = 12, D = 6, OUTPUTS = 3, PARAMETERS = 21 * 33 + 34 * OUTPUTS + 20 * (D + 1) };
static const size_t sizes[] = {D, 20, 33, OUTPUTS};

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

static void start(job *j, qntk_train_options options, size_t levels, size_t last)
{
    const size_t all[] = {levels, levels, last};
    double y[N];
    ck_assert_ok(qntk_network_create(3, sizes, all, 0.5, options.seed, &j->network));
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

/* Largest difference between the trainer's gradient and central differences of the loss of the network whose
 * weights are the expected ones, by latent weights; over the largest entry. */
static double gradient_error(job *j, const qntk_train_options *o)
{
    const double h = 1e-6;
    float gradient[PARAMETERS];
    double loss, worst = 0, largest = 0;
    ck_assert_ok(qntk_trainer_gradient(j->trainer, N, j->X, j->T, &loss, gradient));
    naive_net net = naive_net_latent(&j->network);
    for (size_t l = 0; l < 3; l++)
        for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++)
            net.W[l][k] = qntk_steps_expected(qntk_steps_symmetric(j->network.layers[l].levels),
                                              (qntk_noise){o->anneal.noise, 0, o->anneal.beta}, net.W[l][k]);
    const float *at = gradient;
    for (size_t l = 0; l < 3; l++) {
        const qntk_network_layer *layer = &j->network.layers[l];
        const qntk_steps steps = qntk_steps_symmetric(layer->levels);
        const qntk_noise noise = {o->anneal.noise, 0, o->anneal.beta};
        for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++, at++) {
            const double latent = layer->latent[k], kept = net.W[l][k];
            net.W[l][k] = qntk_steps_expected(steps, noise, latent + h);
            const double above = naive_net_loss(&net, o->loss, N, j->X, j->T);
            net.W[l][k] = qntk_steps_expected(steps, noise, latent - h);
            const double below = naive_net_loss(&net, o->loss, N, j->X, j->T);
            net.W[l][k] = kept;
            largest = fmax(largest, fabs((double)*at));
            worst = test_worse(worst, fabs((double)*at - (above - below) / (2 * h)));
        }
        at += layer->fan_out;
    }
    naive_net_free(&net);
    return worst / largest;
}

/* The weight in use that the definition gives for a latent one after step t; the random one from the bits that
 * train_simd.h documents. A row of up to 64 weights has 8 blocks. */
static double forward_twin(const qntk_train_options *o, double scale, size_t layer, size_t levels, uint64_t t,
                           size_t row, size_t column, float latent)
{
    const qntk_steps steps = qntk_steps_symmetric(levels);
    const qntk_noise noise = {o->anneal.noise, 0, scale};
    if (o->anneal.strategy == QNTK_STRATEGY_EXPECTED)
        return qntk_steps_expected(steps, noise, (double)latent);
    if (o->anneal.strategy == QNTK_STRATEGY_MODE)
        return qntk_steps_mode(steps, noise, (double)latent);
    uint32_t half[2];
    for (int part = 0; part < 2; part++) {
        qntk_rng rng =
            qntk_rng_create(o->seed, (UINT64_C(0x726f756e) << 32) + layer + (part == 0 ? 0 : 4 * 65536));
        rng.position = (t << 32) + row * 8 + (column % 16) / 2;
        qntk_rng_bits(&rng);
        const uint32_t word = rng.word[column / 16];
        half[part] = column % 2 == 0 ? word & 0xffff : word >> 16;
    }
    const double u = (floor((half[0] * 65536.0 + half[1]) / 512) + 0.5) / (1 << 23);
    return qntk_steps_draw(steps, noise, (double)latent, u);
}

/* Runs steps of the trainer and of the definition from the trainer's own state. `wrong`: weights in use that
 * differ from the definition's by more than rounding. Returns the largest difference of a latent weight. */
static double twin_error(const qntk_train_options *o, size_t levels, size_t *wrong)
{
    static double first[PARAMETERS], second[PARAMETERS];
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    const qntk_noise backward = {o->anneal.backward_noise, 0, o->anneal.backward_beta};
    const bool adam = o->optimizer == QNTK_OPTIMIZER_ADAM;
    double worst = 0, loss;
    job j;
    start(&j, *o, levels, levels);
    for (size_t t = 1; t <= 3; t++) {
        naive_net in_use = naive_net_in_use(&j.network, j.trainer), latent = naive_net_latent(&j.network);
        naive_net gradient = naive_net_gradient(&in_use, o->loss, N, j.X, j.T);
        ck_assert_ok(qntk_trainer_step(j.trainer, N, j.X, j.T, &loss));
        size_t at = 0;
        for (size_t l = 0; l < 3; l++)
            for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++, at++) {
                const float now = j.network.layers[l].latent[k];
                double w = latent.W[l][k];
                const double g =
                    gradient.W[l][k] * qntk_steps_slope(qntk_steps_symmetric(levels), backward, w);
                first[at] = o->beta1 * first[at] + (1 - o->beta1) * g;
                second[at] = o->beta2 * second[at] + (1 - o->beta2) * g * g;
                w -= !adam ? o->rate * g
                           : o->rate * first[at] / (1 - pow(o->beta1, (double)t)) /
                                 (sqrt(second[at] / (1 - pow(o->beta2, (double)t))) + o->epsilon);
                worst = test_worse(worst, fabs(w - (double)now));
                const double expected =
                    forward_twin(o, o->anneal.beta, l, levels, t, k / sizes[l], k % sizes[l], now);
                *wrong += !(fabs((double)qntk_trainer_weights(j.trainer, l)[k] - expected) <= 2e-6);
            }
        naive_net_free(&in_use);
        naive_net_free(&latent);
        naive_net_free(&gradient);
    }
    end(&j);
    return worst;
}

/* The schedule by hand: the interval of rounded layer l of 2, its law and power. */
static double scale_by_hand(const qntk_train_anneal *o, double l, double t)
{
    const double P = o->period, begin[] = {0, P * l, 0, P * (1 - l)},
                 stop[] = {2 * P, P * (l + 1), P * (l + 1), 2 * P};
    const double power = o->progressive ? 2 * (2 - l) : 2;
    if (o->law == QNTK_ANNEAL_HYPERBOLIC)
        return t <= begin[o->sync] ? o->beta : o->beta / pow(t - begin[o->sync] + 1, power);
    if (t <= begin[o->sync])
        return o->beta;
    return t >= stop[o->sync] ? 0
                              : o->beta * pow((stop[o->sync] - t) / (stop[o->sync] - begin[o->sync]), power);
}

/* Of ternary weights in use under normal noise of this scale, over the bound; without noise they are exact. */
static double weights_error(const job *j, size_t layer, double scale)
{
    double worst = 0;
    for (size_t k = 0; k < sizes[layer] * sizes[layer + 1]; k++) {
        const float latent = j->network.layers[layer].latent[k];
        const float weight = qntk_trainer_weights(j->trainer, layer)[k];
        const double error =
            scale > 0 ? anneal_expected_error((qntk_noise){QNTK_NOISE_NORMAL, 0, scale}, 3, latent, weight)
                      : 2 * (double)(weight != naive_nearest(3, latent));
        worst = test_worse(worst, error);
    }
    return worst;
}

/* ---- options ---- */

/* Creates a trainer with one option changed. */
#define REFUSED(change, text)                                                                                \
    do {                                                                                                     \
        qntk_train_options o = annealed(QNTK_NOISE_NORMAL, QNTK_STRATEGY_EXPECTED);                          \
        qntk_trainer *trainer;                                                                               \
        change;                                                                                              \
        ck_assert_fails(qntk_trainer_create(&j.network, o, &trainer), QNTK_INVALID, text);                   \
        ck_assert_ptr_null(trainer);                                                                         \
    } while (0)

START_TEST(gradients_are_those_of_finite_differences_through_the_expected_weights)
{
    const size_t law[] = {2, 3, 16};
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (size_t k = 0; k < 3; k++) {
            qntk_train_options o = annealed((qntk_noise_shape)shape, QNTK_STRATEGY_EXPECTED);
            o.anneal.backward_noise = o.anneal.noise;
            o.anneal.beta = o.anneal.backward_beta = qntk_noise_usual_scale(o.anneal.noise) * 0.8;
            o.seed = 20 + k;
            job j;
            start(&j, o, law[k], law[k]);
            const double error = gradient_error(&j, &o);
            /* weights to 1e-6 of 1, differences of 1e-9 over 1e-6, float products */
            ck_assert_msg(error < 2e-5, "%s, %zu levels: %g", qntk_noise_name(o.anneal.noise), law[k], error);
            end(&j);
        }
}
END_TEST

START_TEST(steps_agree_with_the_plain_twin_for_each_noise_strategy_law_and_optimizer)
{
    const size_t law[] = {2, 3, 16};
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int strategy = 0; strategy <= QNTK_STRATEGY_RANDOM; strategy++)
            for (size_t k = 0; k < 6; k++) {
                qntk_train_options o = annealed((qntk_noise_shape)shape, (qntk_strategy)strategy);
                o.anneal.backward_noise = (qntk_noise_shape)((shape + (int)k) % QNTK_NOISE_COUNT);
                o.anneal.backward_beta = 0.4;
                o.loss = (qntk_loss)(k % 3);
                o.optimizer = k < 3 ? QNTK_OPTIMIZER_ADAM : QNTK_OPTIMIZER_SGD;
                o.rate = k < 3 ? 0.05 : 0.2;
                o.epsilon = 1e-3; /* Adam divides noise by noise where the gradient is nearly 0 */
                o.seed = 3 + k;
                size_t wrong = 0;
                const double error = twin_error(&o, law[k % 3], &wrong);
                ck_assert_msg(error < 1e-5 && wrong == 0,
                              "%s, strategy %d, %zu levels, optimizer %d: off by %g, %zu weights wrong",
                              qntk_noise_name(o.anneal.noise), strategy, law[k % 3], (int)o.optimizer, error,
                              wrong);
            }
}
END_TEST

START_TEST(straight_through_is_annealing_without_forward_noise_to_the_bit)
{
    const size_t law[] = {2, 3, 4, 5, 16, 256};
    for (size_t k = 0; k < 18; k++) {
        qntk_train_options ste = qntk_train_defaults(), ana;
        ste.method = QNTK_METHOD_STE;
        ste.rounding = QNTK_ROUNDING_NEAREST;
        ste.optimizer = k < 6 ? QNTK_OPTIMIZER_ADAM : QNTK_OPTIMIZER_SGD;
        ste.momentum = k >= 12 ? 0.9 : 0;
        ste.rate = k < 6 ? 0.1 : 1;
        ste.batch = 5;
        ste.seed = k;
        ana = ste;
        ana.method = QNTK_METHOD_ANA;
        ana.anneal.beta = 0; /* the backward noise is uniform, of half a step, by default */
        job a, b;
        start(&a, ste, law[k % 6], k % 2 == 0 ? 0 : law[k % 6]);
        start(&b, ana, law[k % 6], k % 2 == 0 ? 0 : law[k % 6]);
        /* both sides of the ends, on them, and where two supports meet */
        const float special[] = {1, -1, 1 + 0x1p-23F, -1 - 0x1p-23F, 1 - 0x1p-24F, 0, 1.5F, -1.5F};
        memcpy(a.network.layers[0].latent, special, sizeof special);
        memcpy(b.network.layers[0].latent, special, sizeof special);
        size_t different = 0, outside = 0;
        for (int epoch = 0; epoch < 12; epoch++) {
            double loss[2];
            float gradient[2][PARAMETERS];
            ck_assert_ok(qntk_trainer_gradient(a.trainer, 5, a.X, a.T, &loss[0], gradient[0]));
            ck_assert_ok(qntk_trainer_gradient(b.trainer, 5, b.X, b.T, &loss[1], gradient[1]));
            different += memcmp(gradient[0], gradient[1], sizeof gradient[0]) != 0;
            ck_assert_ok(qntk_trainer_epoch(a.trainer, N, a.X, a.T, &loss[0]));
            ck_assert_ok(qntk_trainer_epoch(b.trainer, N, b.X, b.T, &loss[1]));
            different += memcmp(&loss[0], &loss[1], sizeof *loss) != 0;
            for (size_t l = 0; l < 3; l++) {
                const size_t weights = sizes[l] * sizes[l + 1], bytes = weights * sizeof(float);
                different += memcmp(a.network.layers[l].latent, b.network.layers[l].latent, bytes) != 0;
                different += memcmp(qntk_trainer_weights(a.trainer, l), qntk_trainer_weights(b.trainer, l),
                                    bytes) != 0;
                for (size_t i = 0; i < weights; i++)
                    outside += fabsf(a.network.layers[l].latent[i]) > 1;
            }
        }
        ck_assert_msg(different == 0, "case %zu: %zu arrays differ", k, different);
        ck_assert_uint_gt(outside, 12); /* the window was used */
        end(&a);
        end(&b);
    }
}
END_TEST

START_TEST(noise_follows_its_schedule_layer_by_layer_and_so_do_the_weights)
{
    for (int kind = 0; kind < 4 * QNTK_ANNEAL_SYNC_COUNT; kind++) {
        qntk_train_options o = annealed(QNTK_NOISE_NORMAL, QNTK_STRATEGY_EXPECTED);
        o.anneal.sync = (qntk_anneal_sync)(kind / 4);
        o.anneal.law = kind % 2 == 0 ? QNTK_ANNEAL_BOUNDED : QNTK_ANNEAL_HYPERBOLIC;
        o.anneal.progressive = kind % 4 >= 2;
        o.anneal.period = 3;
        o.rate = 0.01;
        job j;
        start(&j, o, 3, 0); /* the readout is real and has no part in it */
        double worst = 0, weights = 0, loss;
        for (size_t epoch = 0; epoch <= 7; epoch++) {
            for (size_t l = 0; l < 2; l++) {
                const double scale = scale_by_hand(&o.anneal, (double)l, (double)epoch);
                worst = test_worse(worst, fabs(qntk_trainer_noise(j.trainer, l) - scale));
                weights = test_worse(weights, weights_error(&j, l, scale));
            }
            ck_assert(qntk_trainer_noise(j.trainer, 2) == 0);
            ck_assert_ok(qntk_trainer_epoch(j.trainer, N, j.X, j.T, &loss));
        }
        ck_assert_msg(worst < 1e-15 && weights <= 1, "case %d: scale off by %g, weights by %g of the bound",
                      kind, worst, weights);
        end(&j);
    }
}
END_TEST

START_TEST(backward_noise_stays_or_follows_the_schedule)
{
    for (int annealed_too = 0; annealed_too < 2; annealed_too++) {
        qntk_train_options o = annealed(QNTK_NOISE_UNIFORM, QNTK_STRATEGY_EXPECTED);
        o.anneal.backward_annealed = annealed_too == 1;
        o.anneal.period = 1; /* gone after three epochs */
        job j;
        start(&j, o, 3, 3);
        double loss;
        float gradient[PARAMETERS];
        size_t moved[2] = {0, 0};
        for (int time = 0; time < 2; time++) {
            ck_assert_ok(qntk_trainer_gradient(j.trainer, N, j.X, j.T, &loss, gradient));
            for (size_t k = 0; k < sizes[0] * sizes[1]; k++)
                moved[time] += gradient[k] != 0;
            for (int epoch = 0; time == 0 && epoch < 3; epoch++)
                ck_assert_ok(qntk_trainer_epoch(j.trainer, N, j.X, j.T, &loss));
        }
        ck_assert_uint_gt(moved[0], 60);
        if (annealed_too == 1)
            ck_assert_uint_eq(moved[1], 0);
        else
            ck_assert_uint_gt(moved[1], 60);
        end(&j);
    }
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bytes_on_any_number_of_threads)
{
    enum { ROWS = 150, WIDE = 700 };
    const size_t shape[] = {WIDE, 290, 5}, levels[] = {3, 3};
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
            ck_assert_ok(qntk_network_create(2, shape, levels, 0.1, 1, &network[k]));
            ck_assert_ok(qntk_trainer_create(&network[k], o, &trainer[k]));
            for (size_t epoch = 0; epoch < 2; epoch++)
                ck_assert_ok(qntk_trainer_epoch(trainer[k], ROWS, X, T, &loss[k][epoch]));
        }
        ck_assert_ok(qntk_threads_set(0));
        for (size_t k = 1; k < 3; k++) {
            ck_assert_int_eq(memcmp(loss[0], loss[k], sizeof loss[0]), 0);
            for (size_t l = 0; l < 2; l++) {
                const size_t bytes = shape[l] * shape[l + 1] * sizeof(float);
                ck_assert_int_eq(memcmp(network[0].layers[l].latent, network[k].layers[l].latent, bytes), 0);
                ck_assert_int_eq(
                    memcmp(qntk_trainer_weights(trainer[0], l), qntk_trainer_weights(trainer[k], l), bytes),
                    0);
            }
        }
        for (size_t k = 0; k < 3; k++) {
            qntk_trainer_destroy(&trainer[k]);
            qntk_network_free(&network[k]);
        }
    }
}
END_TEST

START_TEST(separable_data_are_learnt_to_100_percent_under_each_noise_and_strategy)
{
    /* two normal clouds 8 standard deviations apart in 10 dimensions, judged by the hard network */
    enum { ROWS = 200, FEATURES = 10 };
    static float X[ROWS * FEATURES], T[ROWS * 2];
    static double F[ROWS * 2], y[ROWS], answer[ROWS];
    qntk_rng rng = qntk_rng_create(5, 0);
    for (size_t i = 0; i < ROWS; i++) {
        y[i] = (double)(i % 2);
        for (size_t k = 0; k < FEATURES; k++)
            X[i * FEATURES + k] = (float)(qntk_rng_normal(&rng) + (k > 0 ? 0 : y[i] > 0 ? 4 : -4));
    }
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, ROWS, y, 2, T));
    const size_t shape[] = {FEATURES, 256, 2}, levels[] = {3, 0};
    for (int shape_of = 0; shape_of < QNTK_NOISE_COUNT; shape_of++)
        for (int strategy = 0; strategy <= QNTK_STRATEGY_RANDOM; strategy++) {
            qntk_train_options o = annealed((qntk_noise_shape)shape_of, (qntk_strategy)strategy);
            qntk_network network;
            qntk_trainer *trainer;
            double loss;
            o.batch = 20;
            o.anneal.period = 15;
            ck_assert_ok(qntk_network_create(2, shape, levels, 0.1, 1, &network));
            ck_assert_ok(qntk_trainer_create(&network, o, &trainer));
            for (int epoch = 0; epoch < 20; epoch++)
                ck_assert_ok(qntk_trainer_epoch(trainer, ROWS, X, T, &loss));
            ck_assert_ok(qntk_network_expect(&network, o.rounding, ROWS, X, F));
            ck_assert_ok(qntk_labels_decode(ROWS, 2, F, 2, answer));
            ck_assert_msg(qntk_labels_accuracy(ROWS, y, answer) == 1, "%s, strategy %d: %g",
                          qntk_noise_name(o.anneal.noise), strategy, qntk_labels_accuracy(ROWS, y, answer));
            qntk_trainer_destroy(&trainer);
            qntk_network_free(&network);
        }
}
END_TEST

START_TEST(options_outside_their_domain_are_refused)
{
    job j;
    start(&j, qntk_train_defaults(), 2, 0);
    REFUSED(o.anneal.noise = QNTK_NOISE_COUNT, "a noise");
    REFUSED(o.anneal.backward_noise = QNTK_NOISE_COUNT, "a noise");
    REFUSED(o.anneal.strategy = (qntk_strategy)3, "strategy");
    REFUSED(o.anneal.law = (qntk_anneal_law)2, "schedule");
    REFUSED(o.anneal.sync = QNTK_ANNEAL_SYNC_COUNT, "synchronisation");
    REFUSED(o.anneal.period = -1, "period");
    REFUSED(o.anneal.period = INFINITY, "period");
    REFUSED(o.anneal.beta = -1, "beta");
    REFUSED(o.anneal.beta = NAN, "beta");
    REFUSED(o.anneal.beta = 1001, "beta");
    REFUSED(o.anneal.backward_beta = NAN, "backward beta");
    REFUSED(o.rounding = QNTK_ROUNDING_STOCHASTIC, "nearest");
    end(&j);
    /* they mean nothing to other methods */
    qntk_train_options o = qntk_train_defaults();
    o.anneal.beta = NAN;
    start(&j, o, 2, 0);
    ck_assert(qntk_trainer_noise(j.trainer, 0) == 0);
    end(&j);
}
END_TEST

START_TEST(options_that_differ_are_named)
{
    const qntk_train_options a = annealed(QNTK_NOISE_NORMAL, QNTK_STRATEGY_EXPECTED);
    for (int k = 0; k < 10; k++) {
        qntk_train_options b = a;
        switch (k) {
        case 0:
            b.anneal.noise = QNTK_NOISE_UNIFORM;
            break;
        case 1:
            b.anneal.beta = 0.3;
            break;
        case 2:
            b.anneal.strategy = QNTK_STRATEGY_MODE;
            break;
        case 3:
            b.anneal.backward_noise = QNTK_NOISE_NORMAL;
            break;
        case 4:
            b.anneal.backward_beta = 0.1;
            break;
        case 5:
            b.anneal.backward_annealed = true;
            break;
        case 6:
            b.anneal.law = QNTK_ANNEAL_HYPERBOLIC;
            break;
        case 7:
            b.anneal.sync = QNTK_ANNEAL_PARTITION;
            break;
        case 8:
            b.anneal.progressive = true;
            break;
        default:
            b.anneal.period = 4;
            break;
        }
        ck_assert_str_eq(qntk_train_options_difference(&a, &b), "annealing");
    }
    qntk_train_options other = qntk_train_defaults(), same = other;
    other.anneal.beta = 7; /* not in use */
    ck_assert_ptr_null(qntk_train_options_difference(&other, &same));
    ck_assert_ptr_null(qntk_train_options_difference(&a, &a));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, gradients_are_those_of_finite_differences_through_the_expected_weights);
    tcase_add_test(tcase, steps_agree_with_the_plain_twin_for_each_noise_strategy_law_and_optimizer);
    tcase_add_test(tcase, straight_through_is_annealing_without_forward_noise_to_the_bit);
    tcase_add_test(tcase, noise_follows_its_schedule_layer_by_layer_and_so_do_the_weights);
    tcase_add_test(tcase, backward_noise_stays_or_follows_the_schedule);
    tcase_add_test(tcase, the_same_seed_gives_the_same_bytes_on_any_number_of_threads);
    tcase_add_test(tcase, separable_data_are_learnt_to_100_percent_under_each_noise_and_strategy);
    tcase_add_test(tcase, options_outside_their_domain_are_refused);
    tcase_add_test(tcase, options_that_differ_are_named);
}

int main(void)
{
    return test_main("train_anneal", add_tests);
}
