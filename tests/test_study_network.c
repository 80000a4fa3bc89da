/* Networks in the study: against a plain twin of the protocol, on any number of threads, and each error. */
#include "clouds.h"

#include <string.h>

enum { N = 48, CLASSES = 3 };

static qntk_study_network small(size_t levels)
{
    qntk_study_network network = qntk_study_network_defaults();
    network.levels = levels;
    network.depth = 2;
    network.width = 20;
    network.train.batch = 10;
    network.train.seed = 5;
    return network;
}

static qntk_study_training few(void)
{
    qntk_study_training training = qntk_study_training_defaults();
    training.epoch[0] = 3;
    training.epoch[1] = 12;
    return training;
}

/* ---- the twin ---- */

/* Hits of the network on rows of the data, neuron by neuron, by the moments of moments.h. */
static double naive_accuracy(const qntk_dataset *data, const qntk_network *network, size_t count,
                             const size_t *row)
{
    size_t right = 0;
    for (size_t i = 0; i < count; i++) {
        double m[64], v[64] = {0}, mu[64] = {0}, s2[64];
        for (size_t j = 0; j < data->d; j++)
            m[j] = (double)(float)data->X[row[i] * data->d + j];
        for (size_t l = 0; l < network->count; l++) {
            const qntk_network_layer *layer = &network->layers[l];
            double latent[64 * 64];
            for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++)
                latent[k] = (double)layer->latent[k];
            const qntk_moments_weights weights = {.fan_in = layer->fan_in,
                                                  .fan_out = layer->fan_out,
                                                  .latent = latent,
                                                  .levels = layer->levels,
                                                  .w_std = layer->w_std};
            ck_assert_ok(qntk_moments_layer(&weights, m, v, mu, s2));
            for (size_t k = 0; k < layer->fan_out; k++)
                qntk_relu_moments(mu[k], sqrt(s2[k]), &m[k], &v[k]);
        }
        size_t best = 0;
        for (size_t c = 1; c < data->classes; c++)
            best = mu[c] > mu[best] ? c : best;
        right += best == (size_t)data->y[row[i]];
    }
    return (double)right / (double)count;
}

/* One training, written out. */
static void naive_split(const qntk_dataset *data, const qntk_split *split, const qntk_study_network *n,
                        size_t epochs, double *train, double *test)
{
    const size_t rows = split->train_count, d = data->d;
    const size_t sizes[] = {d, n->width, n->width, data->classes}, levels[] = {n->levels, n->levels, 0};
    float *X = malloc(rows * d * sizeof *X), *T = malloc(rows * data->classes * sizeof *T);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < d; j++)
            X[i * d + j] = (float)data->X[split->train[i] * d + j];
        for (size_t c = 0; c < data->classes; c++)
            T[i * data->classes + c] = (double)c == data->y[split->train[i]] ? 1.0F : 0.0F;
    }
    qntk_network network = {0};
    qntk_trainer *trainer;
    double loss;
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0, n->train.seed, &network));
    ck_assert_ok(qntk_trainer_create(&network, n->train, &trainer));
    for (size_t e = 0; e < epochs; e++)
        ck_assert_ok(qntk_trainer_epoch(trainer, rows, X, T, &loss));
    *train = naive_accuracy(data, &network, rows, split->train);
    *test = naive_accuracy(data, &network, split->test_count, split->test);
    qntk_trainer_destroy(&trainer);
    qntk_network_free(&network);
    free(X);
    free(T);
}

static qntk_study_network_result naive_protocol(const qntk_dataset *data, qntk_study_network network,
                                                const qntk_study_training *o)
{
    qntk_study_network_result best = {.validation = -1};
    const uint64_t seed = network.train.seed;
    double train, test;
    for (size_t r = 0; r < o->rates; r++)
        for (size_t c = 0; c < o->counts; c++) {
            network.train.rate = o->rate[r];
            naive_split(data, &data->validation, &network, o->epoch[c], &train, &test);
            if (test > best.validation) {
                best.validation = test;
                best.rate = o->rate[r];
                best.epoch = o->epoch[c];
            }
        }
    network.train.rate = best.rate;
    for (size_t f = 0; f < data->folds; f++) {
        network.train.seed = seed + 1 + f;
        naive_split(data, &data->fold[f], &network, best.epoch, &train, &test);
        best.train += train / (double)data->folds;
        best.test += test / (double)data->folds;
    }
    return best;
}

START_TEST(the_protocol_is_that_of_a_plain_twin)
{
    static const size_t levels[] = {QNTK_LEVELS_REAL, QNTK_LEVELS_BINARY, QNTK_LEVELS_TERNARY};
    for (uint64_t seed = 1; seed <= 2; seed++) {
        qntk_dataset data = clouds(N, CLASSES, 1.5, seed);
        qntk_study_network network[3];
        qntk_study_network_result result[3];
        qntk_study_training training = few();
        for (size_t k = 0; k < 3; k++)
            network[k] = small(levels[k]);
        ck_assert_ok(qntk_study_networks(&data, 3, network, training, result));
        for (size_t k = 0; k < 3; k++) {
            qntk_study_network_result twin = naive_protocol(&data, network[k], &training);
            ck_assert_double_eq(result[k].rate, twin.rate);
            ck_assert_uint_eq(result[k].epoch, twin.epoch);
            ck_assert_double_eq(result[k].validation, twin.validation);
            ck_assert_close(result[k].train, twin.train, 1e-15, 1);
            ck_assert_close(result[k].test, twin.test, 1e-15, 1);
            ck_assert_double_eq(result[k].gap, result[k].train - result[k].test);
            ck_assert(result[k].seconds > 0);
        }
        qntk_dataset_free(&data);
    }
}
END_TEST

START_TEST(one_training_judged_often_is_many_trainings)
{
    static const size_t epochs[] = {1, 4, 9, 10};
    qntk_dataset data = clouds(N, CLASSES, 1.5, 3);
    const qntk_study_network network = small(QNTK_LEVELS_BINARY);
    double train[4], test[4];
    ck_assert_ok(qntk_study_network_split(&data, &data.fold[1], &network, 4, epochs, INFINITY, train, test));
    for (size_t c = 0; c < 4; c++) {
        double once_train, once_test;
        naive_split(&data, &data.fold[1], &network, epochs[c], &once_train, &once_test);
        ck_assert_double_eq(train[c], once_train);
        ck_assert_double_eq(test[c], once_test);
    }
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(far_clouds_are_learnt_without_an_error)
{
    qntk_dataset data = clouds(N, CLASSES, 20, 4);
    const qntk_study_network network[] = {small(QNTK_LEVELS_REAL), small(QNTK_LEVELS_BINARY)};
    qntk_study_network_result result[2];
    qntk_study_training training = few();
    training.epoch[1] = 60;
    ck_assert_ok(qntk_study_networks(&data, 2, network, training, result));
    for (size_t k = 0; k < 2; k++) {
        ck_assert_double_eq(result[k].validation, 1);
        ck_assert_double_eq(result[k].train, 1);
        ck_assert_double_eq(result[k].test, 1);
        ck_assert_double_eq(result[k].gap, 0);
    }
    qntk_dataset_free(&data);
}
END_TEST

/* ---- threads ---- */

typedef struct {
    const qntk_dataset *data;
    qntk_study_network network[2];
    qntk_study_network_result result[6][2];
} loop;

static qntk_status run_item(void *context, size_t index, size_t worker)
{
    (void)worker;
    loop *l = context;
    return qntk_study_networks(l->data, 2, l->network, few(), l->result[index]);
}

/* Everything but the seconds. */
static bool same(const qntk_study_network_result *a, const qntk_study_network_result *b)
{
    return a->rate == b->rate && a->epoch == b->epoch && a->validation == b->validation &&
           a->train == b->train && a->test == b->test && a->gap == b->gap;
}

START_TEST(any_number_of_threads_and_a_loop_around_give_the_same_results)
{
    qntk_dataset data = clouds(N, CLASSES, 1, 5);
    loop l = {.data = &data, .network = {small(QNTK_LEVELS_REAL), small(QNTK_LEVELS_BINARY)}};
    l.network[1].width = 300; /* several blocks of columns and of rows */
    size_t wrong = 0;
    for (size_t threads = 1; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        ck_assert_ok(run_item(&l, threads - 1, 0));
        double train[2], test[2]; /* a split alone uses all threads inside */
        static double first[4];
        const size_t epochs[] = {2, 6};
        ck_assert_ok(
            qntk_study_network_split(&data, &data.fold[0], &l.network[1], 2, epochs, INFINITY, train, test));
        const double all[] = {train[0], train[1], test[0], test[1]};
        if (threads == 1)
            memcpy(first, all, sizeof first);
        wrong += memcmp(first, all, sizeof first) != 0;
    }
    ck_assert_ok(qntk_parallel_for(3, run_item, &l)); /* items 0 .. 2 again, now nested, and */
    for (size_t i = 0; i < 3; i++)
        memcpy(l.result[3 + i], l.result[i], sizeof l.result[i]);
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(run_item(&l, 0, 0));
    for (size_t i = 1; i < 6; i++)
        for (size_t k = 0; k < 2; k++)
            wrong += !same(&l.result[i][k], &l.result[0][k]);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_ok(qntk_threads_set(0));
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(the_seed_decides)
{
    qntk_dataset data = clouds(N, CLASSES, 1, 6);
    qntk_study_network network = small(QNTK_LEVELS_BINARY);
    const size_t epochs[] = {1, 2, 4, 8, 16};
    double train[2][5], test[2][5];
    for (size_t k = 0; k < 2; k++) {
        network.train.seed = k;
        ck_assert_ok(
            qntk_study_network_split(&data, &data.fold[0], &network, 5, epochs, INFINITY, train[k], test[k]));
    }
    ck_assert(memcmp(train[0], train[1], sizeof train[0]) != 0);
    qntk_dataset_free(&data);
}
END_TEST

/* ---- errors ---- */

START_TEST(a_rate_that_diverges_is_left_out)
{
    qntk_dataset data = clouds(N, CLASSES, 1.5, 7);
    const qntk_study_network network = small(QNTK_LEVELS_REAL);
    qntk_study_network_result alone, beside;
    qntk_study_training training = few();
    training.rates = 1;
    ck_assert_ok(qntk_study_networks(&data, 1, &network, training, &alone));
    training.rates = 2;
    training.rate[1] = 1e9;
    ck_assert_ok(qntk_study_networks(&data, 1, &network, training, &beside));
    ck_assert(same(&alone, &beside));
    training.rates = 1;
    training.rate[0] = 1e9;
    ck_assert_fails(qntk_study_networks(&data, 1, &network, training, &beside), QNTK_NOT_FINITE,
                    "network 1 of 1: the training diverges at every rate");
    ck_assert_double_eq(beside.rate, 0);
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(time_that_is_used_up_is_an_error)
{
    qntk_dataset data = clouds(N, CLASSES, 1.5, 8);
    qntk_study_network network = small(QNTK_LEVELS_BINARY);
    qntk_study_network_result result;
    qntk_study_training training = few();
    training.seconds = 0;
    ck_assert_fails(qntk_study_networks(&data, 1, &network, training, &result), QNTK_TOO_LARGE,
                    "the trainings take more than 0 s");
    ck_assert_double_eq(result.validation, 0);
    training.seconds = 0.05; /* and on the way, of epochs without end */
    training.epoch[1] = SIZE_MAX;
    ck_assert_fails(qntk_study_networks(&data, 1, &network, training, &result), QNTK_TOO_LARGE,
                    "the trainings take more than 0.05 s");
    qntk_dataset_free(&data);
}
END_TEST

static void expect_error(qntk_dataset data, qntk_study_network network, qntk_study_training training,
                         const char *text)
{
    qntk_study_network_result result;
    memset(&result, 1, sizeof result);
    ck_assert_fails(qntk_study_networks(&data, 1, &network, training, &result), QNTK_INVALID, text);
    ck_assert_double_eq(result.train, 0);
    ck_assert_double_eq(result.rate, 0);
}

START_TEST(each_documented_error_is_given)
{
    const qntk_dataset good = clouds(16, 2, 1, 9);
    const qntk_study_training usual = few();
    const qntk_study_network network = small(QNTK_LEVELS_BINARY);
    qntk_study_training training = usual;
    qntk_study_network shape = network;
    qntk_dataset data = good;
    data.classes = 0;
    expect_error(data, network, usual, "no classes");
    data = good;
    data.validation = (qntk_split){0};
    expect_error(data, network, usual, "no pair");
    data = good;
    data.folds = 0;
    expect_error(data, network, usual, "no folds");
    data = good;
    data.n = 8;
    expect_error(data, network, usual, "rows that the set does not have");
    training.rates = 0;
    expect_error(good, network, training, "the grid of rates");
    training = usual;
    training.rate[0] = 0;
    expect_error(good, network, training, "the grid of rates");
    training = usual;
    training.epoch[1] = training.epoch[0];
    expect_error(good, network, training, "the numbers of epochs");
    training.counts = 0;
    expect_error(good, network, training, "the numbers of epochs");
    training = usual;
    training.seconds = NAN;
    expect_error(good, network, training, "seconds");
    shape.depth = 0;
    expect_error(good, shape, usual, "depth");
    shape.depth = QNTK_DEPTH_MAX + 1;
    expect_error(good, shape, usual, "depth");
    shape = network;
    shape.width = 0;
    expect_error(good, shape, usual, "");
    shape = network;
    shape.levels = 1;
    expect_error(good, shape, usual, "levels");
    data = good;
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(errors_of_one_split)
{
    qntk_dataset data = clouds(16, 2, 1, 10);
    const qntk_study_network network = small(QNTK_LEVELS_BINARY);
    const size_t epochs[] = {1, 2};
    double train[2] = {1, 1}, test[2] = {1, 1};
    const qntk_split empty = {0};
    size_t high[] = {16};
    const qntk_split beyond = {.train_count = 1, .test_count = 1, .train = high, .test = high};
    ck_assert_fails(qntk_study_network_split(&data, &empty, &network, 2, epochs, 1, train, test),
                    QNTK_INVALID, "no rows to train or to test on");
    ck_assert_double_eq(train[1] + test[1], 0);
    ck_assert_fails(qntk_study_network_split(&data, &beyond, &network, 2, epochs, 1, train, test),
                    QNTK_INVALID, "rows that the set does not have");
    ck_assert_fails(qntk_study_network_split(&data, &data.fold[0], &network, 0, epochs, 1, train, test),
                    QNTK_INVALID, "the numbers of epochs");
    data.X[7] = 1e39;
    ck_assert_fails(
        qntk_study_network_split(&data, &data.fold[0], &network, 2, epochs, INFINITY, train, test),
        QNTK_NOT_FINITE, "row 2, feature 1: 1e+39 is beyond the range of a float");
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(every_failing_allocation_is_reported_and_nothing_leaks)
{
    qntk_dataset data = clouds(16, 2, 1, 11);
    const qntk_study_network network[] = {small(QNTK_LEVELS_REAL), small(QNTK_LEVELS_BINARY)};
    qntk_study_network_result result[2];
    qntk_study_training training = few();
    training.epoch[0] = 1;
    training.epoch[1] = 2;
    ck_assert_ok(qntk_threads_set(1)); /* an order of allocations */
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_study_networks(&data, 2, network, training, result));
    const long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_gt(allocations, 20);
    size_t wrong = 0;
    for (long i = 0; i < allocations; i++) {
        qntk_memory_fail_after(i);
        wrong +=
            qntk_study_networks(&data, 2, network, training, result) != QNTK_NO_MEMORY || result[0].rate != 0;
    }
    qntk_memory_fail_after(-1);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_ok(qntk_threads_set(0));
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(an_interrupt_ends_it)
{
    qntk_dataset data = clouds(16, 2, 1, 12);
    const qntk_study_network network = small(QNTK_LEVELS_BINARY);
    qntk_study_network_result result;
    const size_t epochs[] = {1};
    double train, test;
    qntk_interrupt();
    ck_assert_fails(qntk_study_networks(&data, 1, &network, few(), &result), QNTK_INTERRUPTED, "");
    ck_assert_fails(
        qntk_study_network_split(&data, &data.fold[0], &network, 1, epochs, INFINITY, &train, &test),
        QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    ck_assert_double_eq(result.train, 0);
    qntk_dataset_free(&data);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_protocol_is_that_of_a_plain_twin);
    tcase_add_test(tcase, one_training_judged_often_is_many_trainings);
    tcase_add_test(tcase, far_clouds_are_learnt_without_an_error);
    tcase_add_test(tcase, any_number_of_threads_and_a_loop_around_give_the_same_results);
    tcase_add_test(tcase, the_seed_decides);
    tcase_add_test(tcase, a_rate_that_diverges_is_left_out);
    tcase_add_test(tcase, time_that_is_used_up_is_an_error);
    tcase_add_test(tcase, each_documented_error_is_given);
    tcase_add_test(tcase, errors_of_one_split);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_leaks);
    tcase_add_test(tcase, an_interrupt_ends_it);
}

int main(void)
{
    return test_main("study_network", add_tests);
}
