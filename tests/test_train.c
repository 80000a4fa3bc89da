#include "test.h"
#include "naive_train.h"

#include <string.h>

enum { N = 12, D = 6, OUTPUTS = 3 };
static const size_t sizes[] = {D, 20, 33, OUTPUTS};

typedef struct {
    qntk_network network;
    qntk_trainer *trainer;
    float X[N * D], T[N * OUTPUTS];
} job;

static void fill(size_t count, uint64_t seed, float *values)
{
    qntk_rng rng = qntk_rng_create(seed, 99);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)qntk_rng_normal(&rng);
}

/* A small network of three layers with this many levels before the readout and in it, rows and targets of
 * random classes. */
static void start(job *j, qntk_train_options options, size_t levels, size_t last)
{
    const size_t all[] = {levels, levels, last};
    double y[N];
    ck_assert_ok(qntk_network_create(3, sizes, all, 0.5, options.seed, &j->network));
    fill(N * D, options.seed, j->X);
    qntk_rng rng = qntk_rng_create(options.seed, 98);
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

/* ---- gradients ---- */

/* The factor on the gradient at a latent weight. */
static double backward_factor(const qntk_train_options *o, size_t levels, float latent)
{
    return o->method == QNTK_METHOD_STE && levels > 0 && fabsf(latent) > 1 ? 0 : 1;
}

/* Largest difference between the trainer's gradient and central differences of the loss at the weights in
 * use, over the largest entry. */
static double gradient_error(job *j, const qntk_train_options *o)
{
    const double h = 1e-6;
    float gradient[21 * 33 + 34 * OUTPUTS + 20 * (D + 1)];
    double loss, worst = 0, largest = 0;
    ck_assert_ok(qntk_trainer_gradient(j->trainer, N, j->X, j->T, &loss, gradient));
    naive_net net = naive_net_in_use(&j->network, j->trainer);
    worst = test_worse(worst, fabs(loss - naive_net_loss(&net, o->loss, N, j->X, j->T)) / (1 + loss));
    const float *at = gradient;
    for (size_t l = 0; l < j->network.count; l++) {
        const qntk_network_layer *layer = &j->network.layers[l];
        const size_t weights = layer->fan_in * layer->fan_out;
        for (size_t k = 0; k < weights + layer->fan_out; k++, at++) {
            double *value = k < weights ? &net.W[l][k] : &net.b[l][k - weights], kept = *value;
            *value = kept + h;
            double above = naive_net_loss(&net, o->loss, N, j->X, j->T);
            *value = kept - h;
            double below = naive_net_loss(&net, o->loss, N, j->X, j->T);
            *value = kept;
            double factor = k < weights ? backward_factor(o, layer->levels, layer->latent[k]) : 1;
            worst = test_worse(worst, fabs((double)*at - factor * (above - below) / (2 * h)));
            largest = fmax(largest, fabs((double)*at));
        }
    }
    naive_net_free(&net);
    return worst / largest;
}

START_TEST(gradients_are_those_of_finite_differences_for_each_loss_law_method_and_rounding)
{
    const size_t laws[] = {0, 2, 3, 16};
    for (int loss = 0; loss <= QNTK_LOSS_SQUARED_HINGE; loss++)
        for (int method = 0; method <= QNTK_METHOD_STE; method++)
            for (int rounding = 0; rounding <= QNTK_ROUNDING_NEAREST; rounding++)
                for (size_t k = 0; k < 4; k++) {
                    qntk_train_options o = qntk_train_defaults();
                    o.loss = (qntk_loss)loss;
                    o.method = (qntk_train_method)method;
                    o.rounding = (qntk_rounding)rounding;
                    o.seed = 7 + k;
                    job j;
                    start(&j, o, laws[k], k % 2 == 0 ? 0 : laws[k]);
                    if (method == QNTK_METHOD_STE) /* some beyond the ends */
                        for (size_t i = 0; i < 20 * D; i += 3)
                            j.network.layers[0].latent[i] *= 1.5F;
                    double error = gradient_error(&j, &o);
                    /* float products of at most 33 terms in three layers, differences to 1e-9 */
                    ck_assert_msg(error < 100 * 0x1p-24, "loss %d, method %d, rounding %d, %zu levels: %g",
                                  loss, method, rounding, laws[k], error);
                    end(&j);
                }
}
END_TEST

START_TEST(a_gradient_does_not_move_anything)
{
    qntk_train_options o = qntk_train_defaults();
    job j;
    start(&j, o, 2, 0);
    float gradient[21 * 33 + 34 * OUTPUTS + 20 * (D + 1)], again[21 * 33 + 34 * OUTPUTS + 20 * (D + 1)];
    double loss, loss_again;
    ck_assert_ok(qntk_trainer_gradient(j.trainer, N, j.X, j.T, &loss, gradient));
    ck_assert_ok(qntk_trainer_gradient(j.trainer, N, j.X, j.T, &loss_again, again));
    ck_assert_int_eq(memcmp(gradient, again, sizeof gradient), 0);
    ck_assert(loss == loss_again);
    ck_assert_uint_eq(qntk_trainer_steps(j.trainer), 0);
    end(&j);
}
END_TEST

/* ---- steps against the plain twin ---- */

/* The twin's optimizer: moments of every parameter, in the order of the gradient. */
typedef struct {
    double first[2][1200], second[2][1200];
} moments;

static double twin_update(const qntk_train_options *o, double t, double w, double g, double *m, double *v)
{
    if (o->optimizer == QNTK_OPTIMIZER_ADAM) {
        *m = o->beta1 * *m + (1 - o->beta1) * g;
        *v = o->beta2 * *v + (1 - o->beta2) * g * g;
        double mean = *m / (1 - pow(o->beta1, t)), square = *v / (1 - pow(o->beta2, t));
        return w - o->rate * mean / (sqrt(square) + o->epsilon);
    }
    *m = o->momentum * *m + g;
    return w - o->rate * *m;
}

/* Runs `steps` steps of both; returns the largest difference of latent weights and biases, relative to 1 or
 * the weight. Weights in use must be the rounded latent ones exactly. */
static double twin_error(const qntk_train_options *o, size_t levels, size_t last, size_t steps)
{
    static moments kept;
    memset(&kept, 0, sizeof kept);
    job j;
    start(&j, *o, levels, last);
    double worst = 0;
    size_t wrong = 0;
    for (size_t t = 1; t <= steps; t++) {
        /* each step from the trainer's own state: errors do not build up, rounding stays the same */
        naive_net in_use = naive_net_in_use(&j.network, j.trainer), latent = naive_net_latent(&j.network);
        naive_net gradient = naive_net_gradient(&in_use, o->loss, N, j.X, j.T);
        double loss;
        ck_assert_ok(qntk_trainer_step(j.trainer, N, j.X, j.T, &loss));
        worst = test_worse(worst, fabs(loss - naive_net_loss(&in_use, o->loss, N, j.X, j.T)));
        size_t at[2] = {0, 0};
        for (size_t l = 0; l < j.network.count; l++) {
            const qntk_network_layer *layer = &j.network.layers[l];
            bool clip = layer->levels > 0 && o->method == QNTK_METHOD_BINARYCONNECT;
            for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++, at[0]++) {
                double w = latent.W[l][k];
                double g = gradient.W[l][k] * backward_factor(o, layer->levels, (float)w);
                w = twin_update(o, (double)t, w, g, &kept.first[0][at[0]], &kept.second[0][at[0]]);
                w = clip ? fmax(-1, fmin(1, w)) : w;
                worst = test_worse(worst, fabs(w - (double)layer->latent[k]) / fmax(1, fabs(w)));
                float expected = layer->latent[k];
                if (layer->levels > 0 && o->rounding == QNTK_ROUNDING_NEAREST)
                    expected = naive_nearest(layer->levels, layer->latent[k]);
                else if (layer->levels > 0) /* a row of up to 64 weights has 8 blocks */
                    expected = naive_round(layer->levels, layer->latent[k], o->seed,
                                           (UINT64_C(0x726f756e) << 32) + l,
                                           ((uint64_t)t << 32) + k / layer->fan_in * 8, k % layer->fan_in);
                wrong += qntk_trainer_weights(j.trainer, l)[k] != expected;
            }
            for (size_t i = 0; i < layer->fan_out; i++, at[1]++) {
                double b = twin_update(o, (double)t, latent.b[l][i], gradient.b[l][i], &kept.first[1][at[1]],
                                       &kept.second[1][at[1]]);
                worst = test_worse(worst, fabs(b - (double)layer->bias[i]));
            }
        }
        naive_net_free(&in_use);
        naive_net_free(&latent);
        naive_net_free(&gradient);
    }
    ck_assert_uint_eq(wrong, 0);
    end(&j);
    return worst;
}

START_TEST(steps_agree_with_the_plain_twin)
{
    const size_t laws[] = {0, 2, 3, 16};
    for (size_t k = 0; k < 4; k++)
        for (int method = 0; method <= QNTK_METHOD_STE; method++)
            for (int rounding = 0; rounding <= QNTK_ROUNDING_NEAREST; rounding++)
                for (int optimizer = 0; optimizer < 3; optimizer++) {
                    qntk_train_options o = qntk_train_defaults();
                    o.loss = (qntk_loss)(k % 3);
                    o.method = (qntk_train_method)method;
                    o.rounding = (qntk_rounding)rounding;
                    o.optimizer = optimizer == 2 ? QNTK_OPTIMIZER_ADAM : QNTK_OPTIMIZER_SGD;
                    o.momentum = optimizer == 1 ? 0.9 : 0;
                    o.rate = optimizer == 2 ? 0.05 : 0.2;
                    o.epsilon = 1e-3; /* Adam divides noise by noise where the gradient is nearly 0 */
                    o.seed = 3 + k;
                    double error = twin_error(&o, laws[k], laws[k], 4);
                    ck_assert_msg(error < 1e-5, "%zu levels, method %d, rounding %d, optimizer %d: off by %g",
                                  laws[k], method, rounding, optimizer, error);
                }
}
END_TEST

/* ---- epochs ---- */

/* Shapes that are cut into several blocks of every kind, none of them even. */
enum { ROWS = 230, WIDE = 1300, TALL = 290 };
static const size_t large[] = {WIDE, TALL, 300, 5};

typedef struct {
    qntk_network network;
    qntk_trainer *trainer;
    float *X, *T;
} large_job;

static void start_large(large_job *j, qntk_train_options o)
{
    const size_t levels[] = {2, 3, 0};
    double y[ROWS];
    j->X = malloc(ROWS * WIDE * sizeof *j->X);
    j->T = malloc(ROWS * 5 * sizeof *j->T);
    fill(ROWS * WIDE, 1, j->X);
    for (size_t i = 0; i < ROWS; i++)
        y[i] = (double)(i % 5);
    ck_assert_ok(qntk_train_targets(o.loss, ROWS, y, 5, j->T));
    ck_assert_ok(qntk_network_create(3, large, levels, 0.5, 2, &j->network));
    ck_assert_ok(qntk_trainer_create(&j->network, o, &j->trainer));
}

static void end_large(large_job *j)
{
    qntk_trainer_destroy(&j->trainer);
    qntk_network_free(&j->network);
    free(j->X);
    free(j->T);
}

START_TEST(the_same_seed_gives_the_same_bytes_on_any_number_of_threads)
{
    qntk_train_options o = qntk_train_defaults();
    o.batch = 97;
    large_job j[3];
    double loss[3][2];
    for (size_t k = 0; k < 3; k++) {
        ck_assert_ok(qntk_threads_set(k + 1));
        start_large(&j[k], o);
        for (int epoch = 0; epoch < 2; epoch++)
            ck_assert_ok(qntk_trainer_epoch(j[k].trainer, ROWS, j[k].X, j[k].T, &loss[k][epoch]));
        ck_assert_uint_eq(qntk_trainer_epochs(j[k].trainer), 2);
        ck_assert_uint_eq(qntk_trainer_steps(j[k].trainer), 6);
    }
    ck_assert_ok(qntk_threads_set(0));
    for (size_t k = 1; k < 3; k++) {
        ck_assert_int_eq(memcmp(loss[0], loss[k], sizeof loss[0]), 0);
        for (size_t l = 0; l < 3; l++) {
            size_t bytes = large[l] * large[l + 1] * sizeof(float);
            ck_assert_int_eq(memcmp(j[0].network.layers[l].latent, j[k].network.layers[l].latent, bytes), 0);
            ck_assert_int_eq(
                memcmp(qntk_trainer_weights(j[0].trainer, l), qntk_trainer_weights(j[k].trainer, l), bytes),
                0);
            ck_assert_int_eq(memcmp(j[0].network.layers[l].bias, j[k].network.layers[l].bias,
                                    large[l + 1] * sizeof(float)),
                             0);
        }
    }
    for (size_t k = 0; k < 3; k++)
        end_large(&j[k]);
}
END_TEST

START_TEST(blocks_of_large_shapes_join_to_the_gradient_of_the_plain_products)
{
    /* the twin is too slow here: one row, the readout's gradient G x^T and the first layer's by the chain */
    qntk_train_options o = qntk_train_defaults();
    o.loss = QNTK_LOSS_SQUARED;
    large_job j;
    start_large(&j, o);
    size_t count = qntk_network_parameters(&j.network);
    float *one = malloc(count * sizeof *one), *rows = malloc(count * sizeof *rows);
    double *sum = calloc(count, sizeof *sum), loss, total = 0, worst = 0, largest = 0;
    /* the gradient of a batch is the mean of the gradients of its rows */
    for (size_t i = 0; i < 40; i++) {
        ck_assert_ok(qntk_trainer_gradient(j.trainer, 1, j.X + i * WIDE, j.T + i * 5, &loss, one));
        total += loss / 40;
        for (size_t k = 0; k < count; k++)
            sum[k] += (double)one[k] / 40;
    }
    ck_assert_ok(qntk_trainer_gradient(j.trainer, 40, j.X, j.T, &loss, rows));
    for (size_t k = 0; k < count; k++) {
        worst = test_worse(worst, fabs((double)rows[k] - sum[k]));
        largest = fmax(largest, fabs(sum[k]));
    }
    ck_assert_relative(loss, total, 1e-5);
    ck_assert_msg(worst < 1e-4 * largest, "off by %g of %g", worst, largest);
    free(one);
    free(rows);
    free(sum);
    end_large(&j);
}
END_TEST

START_TEST(an_epoch_takes_every_row_once_in_an_order_of_its_own)
{
    /* at a rate of almost 0 the mean loss of an epoch is that of all rows, in any order */
    qntk_train_options o = qntk_train_defaults();
    o.optimizer = QNTK_OPTIMIZER_SGD;
    o.rate = 1e-30;
    o.rounding = QNTK_ROUNDING_NEAREST;
    o.batch = 5; /* 12 rows: 5, 5, 2 */
    job j;
    start(&j, o, 2, 0);
    naive_net net = naive_net_in_use(&j.network, j.trainer);
    double loss[2], expected = naive_net_loss(&net, o.loss, N, j.X, j.T);
    for (int epoch = 0; epoch < 2; epoch++) {
        ck_assert_ok(qntk_trainer_epoch(j.trainer, N, j.X, j.T, &loss[epoch]));
        ck_assert_close(loss[epoch], expected, 1e-6, 1);
    }
    ck_assert(loss[0] != loss[1]); /* another order rounds otherwise */
    ck_assert_uint_eq(qntk_trainer_steps(j.trainer), 6);
    naive_net_free(&net);
    end(&j);
}
END_TEST

START_TEST(the_rate_steps_down_at_the_given_epochs_and_stalls_are_counted)
{
    qntk_train_options o = qntk_train_defaults();
    o.optimizer = QNTK_OPTIMIZER_SGD;
    o.rate = 1e-30; /* the loss of equal epochs never improves but by rounding: see stalls */
    o.rounding = QNTK_ROUNDING_NEAREST;
    o.batch = N;
    o.rate_steps = 2;
    o.rate_epoch[0] = 1;
    o.rate_epoch[1] = 3;
    o.rate_factor = 0.5;
    job j;
    start(&j, o, 2, 0);
    const double expected[] = {1, 0.5, 0.5, 0.25, 0.25};
    double best = INFINITY, loss;
    size_t stalled = 0;
    for (int epoch = 0; epoch < 5; epoch++) {
        ck_assert_relative(qntk_trainer_rate(j.trainer), expected[epoch] * o.rate, 1e-15);
        ck_assert_ok(qntk_trainer_epoch(j.trainer, N, j.X, j.T, &loss));
        stalled = loss < best ? 0 : stalled + 1;
        best = fmin(best, loss);
        ck_assert_uint_eq(qntk_trainer_stalled(j.trainer), stalled);
    }
    end(&j);
}
END_TEST

/* ---- what training reaches ---- */

START_TEST(separable_data_are_learnt_to_100_percent_by_every_law_and_method)
{
    /* two normal clouds 8 standard deviations apart in 10 dimensions, linearly separable as drawn */
    enum { ROWS_HERE = 200, D_HERE = 10 };
    static float X[ROWS_HERE * D_HERE], T[ROWS_HERE * 2];
    static double F[ROWS_HERE * 2], y[ROWS_HERE], z[ROWS_HERE];
    fill(ROWS_HERE * D_HERE, 5, X);
    for (size_t i = 0; i < ROWS_HERE; i++) {
        y[i] = (double)(i % 2);
        X[i * D_HERE] += y[i] > 0 ? 4 : -4;
    }
    const size_t shape[] = {D_HERE, 256, 2}, laws[] = {0, 2, 3, 16};
    for (size_t k = 0; k < 4; k++)
        for (int method = 0; method <= QNTK_METHOD_STE; method++)
            for (int rounding = 0; rounding <= QNTK_ROUNDING_NEAREST; rounding++) {
                const size_t levels[] = {laws[k], 0};
                qntk_train_options o = qntk_train_defaults();
                qntk_network network;
                qntk_trainer *trainer;
                double loss, first = 0;
                o.loss = (qntk_loss)(((int)k + method) % 3);
                o.method = (qntk_train_method)method;
                o.rounding = (qntk_rounding)rounding;
                o.rate = 0.01;
                o.rate_steps = 1; /* rounding to nearest jumps: smaller steps at the end */
                o.rate_epoch[0] = 15;
                o.batch = 20;
                ck_assert_ok(qntk_train_targets(o.loss, ROWS_HERE, y, 2, T));
                ck_assert_ok(qntk_network_create(2, shape, levels, 0.1, 1, &network));
                ck_assert_ok(qntk_trainer_create(&network, o, &trainer));
                for (int epoch = 0; epoch < 30; epoch++) {
                    ck_assert_ok(qntk_trainer_epoch(trainer, ROWS_HERE, X, T, &loss));
                    first = epoch == 0 ? loss : first;
                }
                ck_assert_ok(qntk_network_expect(&network, o.rounding, ROWS_HERE, X, F));
                ck_assert_ok(qntk_labels_decode(ROWS_HERE, 2, F, 2, z));
                ck_assert_msg(loss < first / 2, "%zu levels: loss from %g to %g", laws[k], first, loss);
                ck_assert_msg(qntk_labels_accuracy(ROWS_HERE, y, z) == 1,
                              "%zu levels, method %d, rounding %d: %g", laws[k], method, rounding,
                              qntk_labels_accuracy(ROWS_HERE, y, z));
                qntk_trainer_destroy(&trainer);
                qntk_network_free(&network);
            }
}
END_TEST

/* ---- targets and errors ---- */

START_TEST(targets_are_those_of_the_loss)
{
    const double y[] = {2, 0};
    float T[6];
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, 2, y, 3, T));
    ck_assert(T[0] == 0 && T[1] == 0 && T[2] == 1 && T[3] == 1 && T[4] == 0 && T[5] == 0);
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_SQUARED_HINGE, 2, y, 3, T));
    ck_assert(T[0] == -1 && T[1] == -1 && T[2] == 1 && T[3] == 1 && T[4] == -1 && T[5] == -1);
    double Y[6];
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_SQUARED, 2, y, 3, T));
    ck_assert_ok(qntk_labels_encode(2, y, 3, Y));
    for (int k = 0; k < 6; k++)
        ck_assert_close((double)T[k], Y[k], 0x1p-24, 1);
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_SQUARED, 2, y, 0, T));
    ck_assert(T[0] == 2 && T[1] == 0);
    const double bad[] = {1, 1.5}, nan[] = {NAN};
    ck_assert_fails(qntk_train_targets(QNTK_LOSS_SQUARED, 2, bad, 3, T), QNTK_INVALID, "row 1");
    ck_assert_fails(qntk_train_targets(QNTK_LOSS_SQUARED, 1, nan, 3, T), QNTK_INVALID, "row 0");
    ck_assert_fails(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, 2, y, 0, T), QNTK_INVALID, "squared loss");
}
END_TEST

START_TEST(a_diverging_run_names_epoch_step_loss_and_norm_and_leaves_the_last_state)
{
    qntk_train_options o = qntk_train_defaults();
    o.loss = QNTK_LOSS_SQUARED;
    o.optimizer = QNTK_OPTIMIZER_SGD;
    o.rate = 1e4;
    o.batch = 4;
    job j;
    start(&j, o, 0, 0);
    double loss = 0;
    qntk_status status = QNTK_OK;
    size_t steps = 0;
    while (status == QNTK_OK && steps < 50) {
        steps++;
        status = qntk_trainer_step(j.trainer, 4, j.X, j.T, &loss);
    }
    ck_assert_int_eq(status, QNTK_NOT_FINITE);
    char step[32];
    snprintf(step, sizeof step, "epoch 1, step %zu: ", steps);
    ck_assert_msg(strstr(qntk_message(), step) != NULL, "%s", qntk_message());
    ck_assert_msg(strstr(qntk_message(), "the norm of the latent weights is ") != NULL, "%s", qntk_message());
    ck_assert_uint_eq(qntk_trainer_steps(j.trainer), steps - 1);
    ck_assert_fails(qntk_trainer_epoch(j.trainer, N, j.X, j.T, &loss), QNTK_NOT_FINITE, "epoch 1");
    ck_assert_uint_eq(qntk_trainer_epochs(j.trainer), 0);
    end(&j);
    /* NaN in the input is found too, under every loss */
    for (int k = 0; k <= QNTK_LOSS_SQUARED_HINGE; k++) {
        o.loss = (qntk_loss)k;
        start(&j, o, 2, 0);
        j.X[3] = NAN;
        ck_assert_fails(qntk_trainer_step(j.trainer, 4, j.X, j.T, &loss), QNTK_NOT_FINITE, "the loss is");
        end(&j);
    }
}
END_TEST

START_TEST(an_interrupted_epoch_does_not_count)
{
    qntk_train_options o = qntk_train_defaults();
    job j;
    start(&j, o, 2, 0);
    double loss;
    qntk_interrupt();
    ck_assert_fails(qntk_trainer_epoch(j.trainer, N, j.X, j.T, &loss), QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    ck_assert_uint_eq(qntk_trainer_epochs(j.trainer), 0);
    ck_assert_ok(qntk_trainer_epoch(j.trainer, N, j.X, j.T, &loss));
    end(&j);
}
END_TEST

/* Creates a trainer with one option changed. */
#define REFUSED(change, text)                                                                                \
    do {                                                                                                     \
        qntk_train_options o = qntk_train_defaults();                                                        \
        qntk_trainer *trainer;                                                                               \
        change;                                                                                              \
        ck_assert_fails(qntk_trainer_create(&j.network, o, &trainer), QNTK_INVALID, text);                   \
        ck_assert_ptr_null(trainer);                                                                         \
    } while (0)

START_TEST(options_outside_their_domain_are_refused)
{
    job j;
    start(&j, qntk_train_defaults(), 2, 0);
    REFUSED(o.loss = (qntk_loss)3, "loss");
    REFUSED(o.method = (qntk_train_method)99, "method");
    REFUSED(o.rounding = (qntk_rounding)2, "rounding");
    REFUSED(o.optimizer = (qntk_optimizer)2, "optimizer");
    REFUSED(o.rate = 0, "rate");
    REFUSED(o.rate = NAN, "rate");
    REFUSED(o.rate_factor = -1, "factor");
    REFUSED(o.rate_steps = 9, "8 steps");
    REFUSED((o.rate_steps = 2, o.rate_epoch[0] = 3, o.rate_epoch[1] = 3), "ascend");
    REFUSED(o.momentum = 1, "momentum");
    REFUSED(o.beta1 = 1, "beta1");
    REFUSED(o.beta2 = NAN, "beta2");
    REFUSED(o.epsilon = 0, "epsilon");
    REFUSED(o.batch = 0, "batch");
    double loss;
    ck_assert_fails(qntk_trainer_step(j.trainer, 0, j.X, j.T, &loss), QNTK_INVALID, "one row");
    ck_assert_fails(qntk_trainer_step(j.trainer, 101, j.X, j.T, &loss), QNTK_INVALID, "one row");
    ck_assert_fails(qntk_trainer_epoch(j.trainer, 0, j.X, j.T, &loss), QNTK_INVALID, "one row");
    end(&j);
}
END_TEST

START_TEST(options_that_differ_are_named)
{
    qntk_train_options a = qntk_train_defaults(), b = a;
    ck_assert_ptr_null(qntk_train_options_difference(&a, &b));
    b.batch = 7;
    ck_assert_str_eq(qntk_train_options_difference(&a, &b), "batch");
    b = a;
    b.rate_epoch[5] = 3; /* not in use */
    ck_assert_ptr_null(qntk_train_options_difference(&a, &b));
    b.rate_steps = 6;
    ck_assert_str_eq(qntk_train_options_difference(&a, &b), "rate steps");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const size_t levels[] = {2, 3, 0};
    float X[N * D], T[N * OUTPUTS] = {0}, gradient[21 * 33 + 34 * OUTPUTS + 20 * (D + 1)];
    fill(N * D, 1, X);
    qntk_network network;
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0.1, 0, &network));
    long failures = 0;
    for (long allowed = 0;; allowed++) {
        qntk_trainer *trainer = NULL;
        double loss;
        qntk_memory_fail_after(allowed);
        qntk_status status = qntk_trainer_create(&network, qntk_train_defaults(), &trainer);
        if (status == QNTK_OK)
            status = qntk_trainer_gradient(trainer, N, X, T, &loss, gradient);
        if (status == QNTK_OK)
            status = qntk_trainer_epoch(trainer, N, X, T, &loss);
        qntk_memory_fail_after(-1);
        qntk_trainer_destroy(&trainer);
        if (status == QNTK_OK)
            break;
        ck_assert_int_eq(status, QNTK_NO_MEMORY);
        failures++;
    }
    ck_assert_int_gt(failures, 25);
    qntk_network_free(&network);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, gradients_are_those_of_finite_differences_for_each_loss_law_method_and_rounding);
    tcase_add_test(tcase, a_gradient_does_not_move_anything);
    tcase_add_test(tcase, steps_agree_with_the_plain_twin);
    tcase_add_test(tcase, the_same_seed_gives_the_same_bytes_on_any_number_of_threads);
    tcase_add_test(tcase, blocks_of_large_shapes_join_to_the_gradient_of_the_plain_products);
    tcase_add_test(tcase, an_epoch_takes_every_row_once_in_an_order_of_its_own);
    tcase_add_test(tcase, the_rate_steps_down_at_the_given_epochs_and_stalls_are_counted);
    tcase_add_test(tcase, separable_data_are_learnt_to_100_percent_by_every_law_and_method);
    tcase_add_test(tcase, targets_are_those_of_the_loss);
    tcase_add_test(tcase, a_diverging_run_names_epoch_step_loss_and_norm_and_leaves_the_last_state);
    tcase_add_test(tcase, an_interrupted_epoch_does_not_count);
    tcase_add_test(tcase, options_outside_their_domain_are_refused);
    tcase_add_test(tcase, options_that_differ_are_named);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("train", add_tests);
}
