#include "test.h"
#include "run.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { N = 50, D = 7, CLASSES = 3 };

/* Data, and a network in training on it with everything a checkpoint may hold. */
typedef struct {
    qntk_checkpoint c;
    float X[N * D], T[N * CLASSES];
} job;

static char **names(const char *stem, size_t count)
{
    char **list = qntk_alloc(count, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s%zu", stem, i);
        list[i] = qntk_copy_string(text);
    }
    return list;
}

static void fill_data(job *j)
{
    qntk_rng rng = qntk_rng_create(3, 0);
    double y[N];
    for (size_t i = 0; i < N * D; i++)
        j->X[i] = (float)qntk_rng_normal(&rng);
    for (size_t i = 0; i < N; i++)
        y[i] = (double)(i % CLASSES);
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, N, y, CLASSES, j->T));
}

/* `activation`: levels of the activations, 0: ReLU */
static void start_with(job *j, qntk_train_options options, size_t activation)
{
    const size_t sizes[] = {D, 20, 12, CLASSES}, levels[] = {2, 3, 0};
    memset(j, 0, sizeof *j);
    fill_data(j);
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0.3, 1, &j->c.network));
    ck_assert_ok(qntk_network_activate(&j->c.network, activation, activation > 3));
    ck_assert_ok(qntk_trainer_create(&j->c.network, options, &j->c.trainer));
    j->c.features = D;
    j->c.shift = qntk_alloc_zero(D, sizeof(double));
    j->c.scale = qntk_alloc_zero(D, sizeof(double));
    for (size_t k = 0; k < D; k++) {
        j->c.shift[k] = (double)k;
        j->c.scale[k] = 0.5;
    }
    j->c.classes = CLASSES;
    j->c.class_name = names("class ", CLASSES);
    j->c.feature_name = names("x", D);
    j->c.target_scale = 1;
    j->c.fingerprint = 77;
}

static void start(job *j, qntk_train_options options)
{
    start_with(j, options, 0);
}

static void train(job *j, size_t epochs)
{
    for (size_t k = 0; k < epochs; k++) {
        double loss;
        ck_assert_ok(qntk_trainer_epoch(j->c.trainer, N, j->X, j->T, &loss));
        ck_assert_ok(qntk_checkpoint_record(
            &j->c, (qntk_train_record){.loss = loss, .train = 0.5, .test = NAN, .rate = 1}));
    }
}

static const char *path(const char *name)
{
    static char text[2][4096];
    static int turn;
    char *out = text[turn = 1 - turn];
    snprintf(out, sizeof text[0], "%s/%s", run_directory(), name);
    return out;
}

static unsigned char *read_bytes(const char *name, size_t *count)
{
    FILE *file = fopen(path(name), "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    *count = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*count);
    ck_assert_uint_eq(fread(bytes, 1, *count, file), *count);
    fclose(file);
    return bytes;
}

static void write_bytes(const char *name, const unsigned char *bytes, size_t count)
{
    FILE *file = fopen(path(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(going_on_from_a_file_gives_the_same_bytes_as_not_stopping)
{
    for (int k = 0; k < 12; k++) {
        qntk_train_options o = qntk_train_defaults();
        o.optimizer = k % 3 == 0 ? QNTK_OPTIMIZER_ADAM : QNTK_OPTIMIZER_SGD;
        o.momentum = k % 3 == 1 ? 0.9 : 0;
        o.rounding = k < 3 ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST;
        if (k >= 6) { /* stopped while the noise goes away, by each strategy */
            o.method = QNTK_METHOD_ANA;
            o.anneal.strategy = (qntk_strategy)(k % 3);
            o.anneal.noise = QNTK_NOISE_LOGISTIC;
            o.anneal.backward_noise = QNTK_NOISE_TRIANGULAR;
            o.anneal.backward_beta = 0.7;
            o.anneal.sync = QNTK_ANNEAL_SAME_START;
            o.anneal.progressive = o.anneal.backward_annealed = k == 7;
            o.anneal.period = 3;
        }
        o.rate = 0.01;
        o.rate_steps = 1;
        o.rate_epoch[0] = 3;
        o.batch = 16;
        job straight, stopped, resumed;
        const size_t activation = k < 9 ? 0 : k < 11 ? 3 : 8;
        start_with(&straight, o, activation);
        train(&straight, 5);
        ck_assert_ok(qntk_checkpoint_save(path("straight"), &straight.c));
        start_with(&stopped, o, activation);
        train(&stopped, 2);
        ck_assert_ok(qntk_checkpoint_save(path("stopped"), &stopped.c));
        fill_data(&resumed);
        ck_assert_ok(qntk_threads_set(1));
        ck_assert_ok(qntk_checkpoint_load(path("stopped"), &resumed.c));
        train(&resumed, 3);
        ck_assert_ok(qntk_threads_set(0));
        ck_assert_ok(qntk_checkpoint_save(path("resumed"), &resumed.c));
        size_t count[2];
        unsigned char *a = read_bytes("straight", &count[0]), *b = read_bytes("resumed", &count[1]);
        ck_assert_uint_eq(count[0], count[1]);
        ck_assert_msg(memcmp(a, b, count[0]) == 0, "case %d: the files differ", k);
        for (size_t l = 0; l < 3; l++)
            ck_assert_int_eq(memcmp(qntk_trainer_weights(straight.c.trainer, l),
                                    qntk_trainer_weights(resumed.c.trainer, l),
                                    straight.c.network.layers[l].fan_in *
                                        straight.c.network.layers[l].fan_out * sizeof(float)),
                             0);
        ck_assert_ptr_null(qntk_train_options_difference(&o, qntk_trainer_options(resumed.c.trainer)));
        free(a);
        free(b);
        qntk_checkpoint_free(&straight.c);
        qntk_checkpoint_free(&stopped.c);
        qntk_checkpoint_free(&resumed.c);
    }
}
END_TEST

START_TEST(a_file_of_format_1_is_read)
{
    /* qnn train --data data/teacher.csv --hidden 4,3 --weights ternary --first real --b-std 0.25 --epochs 2
     * --seed 5 as it was before activations; answers for the first rows as they were then, in double */
    const char *old = test_source("tests/fixtures/model_format_1.qnn");
    const double rows[] = {0.14208232496096684, 0.79005006458197824,  1.0003765951738652,
                           1.8007189027822641,  -0.33509940223563939, -0.1997381026388769,
                           0.66009880401363541, -0.54462523557916065, 1.6320868905407688,
                           1.2506198438331684};
    const double expected[] = {0.064845896667071135, 1.5194903459493794, -1.2475169212556738,
                               2.6609885982744204};
    float X[10];
    double F[4];
    qntk_checkpoint c, again;
    ck_assert_ok(qntk_checkpoint_load(old, &c));
    ck_assert_uint_eq(c.network.count, 3);
    ck_assert_uint_eq(c.epochs, 2);
    for (size_t l = 0; l < 3; l++)
        ck_assert_uint_eq(c.network.layers[l].activation.levels, 0);
    ck_assert_ok(qntk_checkpoint_inputs(&c, 2, rows, X));
    ck_assert_ok(qntk_network_expect(&c.network, QNTK_ROUNDING_STOCHASTIC, 2, X, F));
    for (size_t k = 0; k < 4; k++)
        ck_assert_close(F[k], expected[k], 1e-5, 1);
    ck_assert_ok(qntk_checkpoint_save(path("new"), &c)); /* in the format of now */
    ck_assert_ok(qntk_checkpoint_load(path("new"), &again));
    for (size_t l = 0; l < 3; l++)
        ck_assert_int_eq(memcmp(c.network.layers[l].latent, again.network.layers[l].latent,
                                c.network.layers[l].fan_in * c.network.layers[l].fan_out * sizeof(float)),
                         0);
    qntk_checkpoint_free(&c);
    qntk_checkpoint_free(&again);
}
END_TEST

START_TEST(activations_come_back)
{
    qntk_train_options o = qntk_train_defaults();
    o.method = QNTK_METHOD_STE;
    for (size_t levels = 3; levels <= 8; levels += 5) {
        job j;
        qntk_checkpoint c;
        start_with(&j, o, levels);
        train(&j, 1);
        ck_assert_ok(qntk_checkpoint_save(path("model"), &j.c));
        ck_assert_ok(qntk_checkpoint_load(path("model"), &c));
        for (size_t l = 0; l < 3; l++) {
            const qntk_steps a = c.network.layers[l].activation, b = j.c.network.layers[l].activation;
            ck_assert(a.levels == b.levels && a.levels == (l < 2 ? levels : 0));
            ck_assert(a.lowest == b.lowest && a.step == b.step);
            ck_assert(c.network.layers[l].w_std == j.c.network.layers[l].w_std);
        }
        qntk_checkpoint_free(&c);
        qntk_checkpoint_free(&j.c);
    }
}
END_TEST

START_TEST(everything_comes_back)
{
    job j;
    qntk_checkpoint c;
    start(&j, qntk_train_defaults());
    train(&j, 2);
    ck_assert_ok(qntk_checkpoint_save(path("model"), &j.c));
    ck_assert_ok(qntk_checkpoint_load(path("model"), &c));
    ck_assert_uint_eq(c.features, D);
    ck_assert_uint_eq(c.classes, CLASSES);
    ck_assert_str_eq(c.class_name[2], "class 2");
    ck_assert_str_eq(c.feature_name[6], "x6");
    ck_assert(c.shift[3] == 3 && c.scale[3] == 0.5 && c.target_scale == 1 && !c.sphere);
    ck_assert_uint_eq(c.fingerprint, 77);
    ck_assert_uint_eq(c.epochs, 2);
    ck_assert(c.log[1].loss == j.c.log[1].loss && isnan(c.log[1].test));
    ck_assert_uint_eq(qntk_trainer_epochs(c.trainer), 2);
    ck_assert_uint_eq(qntk_trainer_steps(c.trainer), 2);
    ck_assert_uint_eq(c.network.count, 3);
    ck_assert_uint_eq(c.network.layers[1].levels, 3);
    ck_assert(c.network.layers[0].w_std == j.c.network.layers[0].w_std);
    qntk_checkpoint_free(&c);
    /* without names */
    for (size_t i = 0; i < D; i++)
        qntk_free(j.c.feature_name[i]);
    qntk_free(j.c.feature_name);
    j.c.feature_name = NULL;
    ck_assert_ok(qntk_checkpoint_save(path("model"), &j.c));
    ck_assert_ok(qntk_checkpoint_load(path("model"), &c));
    ck_assert_ptr_null(c.feature_name);
    qntk_checkpoint_free(&c);
    qntk_checkpoint_free(&j.c);
}
END_TEST

/* The status of reading a file of these bytes. */
static qntk_status load(const unsigned char *bytes, size_t count)
{
    qntk_checkpoint c;
    write_bytes("damaged", bytes, count);
    qntk_status status = qntk_checkpoint_load(path("damaged"), &c);
    if (status != QNTK_OK)
        ck_assert(c.trainer == NULL && c.network.layers == NULL && c.log == NULL);
    qntk_checkpoint_free(&c);
    return status;
}

START_TEST(a_damaged_file_is_refused_wherever_the_damage_is)
{
    job j;
    start(&j, qntk_train_defaults());
    train(&j, 1);
    ck_assert_ok(qntk_checkpoint_save(path("model"), &j.c));
    qntk_checkpoint_free(&j.c);
    size_t count, accepted = 0;
    unsigned char *bytes = read_bytes("model", &count);
    ck_assert_int_eq(load(bytes, count), QNTK_OK);
    for (size_t i = 0; i < count; i += i < 300 ? 1 : 101) {
        bytes[i] ^= 0x10;
        accepted += load(bytes, count) != QNTK_FORMAT;
        bytes[i] ^= 0x10;
        accepted += load(bytes, i) != QNTK_FORMAT;
    }
    ck_assert_uint_eq(accepted, 0);
    free(bytes);
}
END_TEST

/* Puts the right checksum behind changed bytes. */
static qntk_status load_signed(unsigned char *bytes, size_t count)
{
    uint32_t crc = (uint32_t)crc32(0, bytes, (uInt)(count - 4));
    memcpy(bytes + count - 4, &crc, 4);
    return load(bytes, count);
}

START_TEST(a_file_that_lies_under_a_right_checksum_does_no_harm)
{
    job j;
    start(&j, qntk_train_defaults());
    train(&j, 1);
    ck_assert_ok(qntk_checkpoint_save(path("model"), &j.c));
    qntk_checkpoint_free(&j.c);
    size_t count;
    unsigned char *bytes = read_bytes("model", &count), *copy = malloc(count + 8);
    /* any 8 bytes of the head, the shapes and the tail may say anything: an error or a network, no crash */
    const uint64_t lies[] = {0, 1, UINT64_MAX, UINT64_C(1) << 33, UINT64_C(0x7ff8000000000000)};
    size_t refused = 0;
    for (size_t i = 8; i + 12 < count; i += i < 400 || i + 800 > count ? 4 : 400)
        for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
            memcpy(copy, bytes, count);
            memcpy(copy + i, &lies[k], 8);
            refused += load_signed(copy, count) != QNTK_OK;
        }
    ck_assert_uint_gt(refused, 100);
    memcpy(copy, bytes, count);
    memset(copy + count - 4, 0, 12);
    ck_assert_int_eq(load_signed(copy, count + 8), QNTK_FORMAT);
    ck_assert_ptr_nonnull(strstr(qntk_message(), "more in the file"));
    free(copy);
    free(bytes);
}
END_TEST

START_TEST(each_documented_error_says_what_is_wrong)
{
    qntk_checkpoint c;
    job j;
    start(&j, qntk_train_defaults());
    ck_assert_ok(qntk_checkpoint_save(path("model"), &j.c));
    ck_assert_fails(qntk_checkpoint_save(path("no/such/model"), &j.c), QNTK_IO, "no/such/model");
    if (access("/dev/full", W_OK) == 0)
        ck_assert_fails(qntk_checkpoint_save("/dev/full", &j.c), QNTK_IO, "No space left");
    qntk_checkpoint_free(&j.c);
    ck_assert_fails(qntk_checkpoint_load(path("nothing"), &c), QNTK_IO, "No such file");
    size_t count;
    unsigned char *bytes = read_bytes("model", &count);
    write_bytes("text", (const unsigned char *)"x,y\n1,2\n", 8);
    ck_assert_fails(qntk_checkpoint_load(path("text"), &c), QNTK_FORMAT, "another kind of file");
    write_bytes("empty", bytes, 0);
    ck_assert_fails(qntk_checkpoint_load(path("empty"), &c), QNTK_FORMAT, "another kind of file");
    write_bytes("short", bytes, count / 2);
    ck_assert_fails(qntk_checkpoint_load(path("short"), &c), QNTK_FORMAT, "damaged or cut short");
    bytes[8] = 9;
    write_bytes("version", bytes, count);
    ck_assert_fails(qntk_checkpoint_load(path("version"), &c), QNTK_FORMAT,
                    "format version from 1 to 2, found 9");
    bytes[8] = 2;
    bytes[12] ^= 5;
    write_bytes("order", bytes, count);
    ck_assert_fails(qntk_checkpoint_load(path("order"), &c), QNTK_FORMAT, "byte order");
    free(bytes);
}
END_TEST

START_TEST(rows_become_inputs_by_scale_and_sphere)
{
    job j;
    float X[2 * D];
    double rows[2 * D], norm = 0, worst = 0;
    start(&j, qntk_train_defaults());
    for (size_t k = 0; k < (size_t)2 * D; k++)
        rows[k] = sin((double)k);
    ck_assert_ok(qntk_checkpoint_inputs(&j.c, 2, rows, X));
    for (size_t k = 0; k < (size_t)2 * D; k++)
        worst = test_worse(worst, fabs((double)X[k] - (rows[k] - (double)(k % D)) / 2));
    ck_assert_msg(worst < 4 * 0x1p-24, "off by %g", worst);
    j.c.sphere = true;
    ck_assert_ok(qntk_checkpoint_inputs(&j.c, 2, rows, X));
    for (size_t k = 0; k < D; k++)
        norm += (double)X[k] * (double)X[k];
    ck_assert_close(norm, D, D * 0x1p-22, 1);
    for (size_t k = 0; k < D; k++)
        rows[D + k] = (double)k; /* the shift itself */
    ck_assert_fails(qntk_checkpoint_inputs(&j.c, 2, rows, X), QNTK_INVALID, "row 1");
    const double a[] = {1, 2, 3}, b[] = {1, 2, 3.0000000000000004};
    ck_assert_uint_eq(qntk_checkpoint_fingerprint(qntk_checkpoint_fingerprint(0, 1, a), 2, a + 1),
                      qntk_checkpoint_fingerprint(0, 3, a));
    ck_assert_uint_ne(qntk_checkpoint_fingerprint(0, 3, a), qntk_checkpoint_fingerprint(0, 3, b));
    qntk_checkpoint_free(&j.c);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    job j;
    start(&j, qntk_train_defaults());
    train(&j, 1);
    ck_assert_ok(qntk_checkpoint_save(path("model"), &j.c));
    long failures = 0;
    for (long allowed = 0;; allowed++) {
        qntk_checkpoint c = {0};
        qntk_memory_fail_after(allowed);
        qntk_status status = qntk_checkpoint_load(path("model"), &c);
        if (status == QNTK_OK)
            status = qntk_checkpoint_save(path("again"), &c);
        qntk_memory_fail_after(-1);
        qntk_checkpoint_free(&c);
        if (status == QNTK_OK)
            break;
        ck_assert_int_eq(status, QNTK_NO_MEMORY);
        failures++;
    }
    ck_assert_int_gt(failures, 30);
    qntk_checkpoint_free(&j.c);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, going_on_from_a_file_gives_the_same_bytes_as_not_stopping);
    tcase_add_test(tcase, a_file_of_format_1_is_read);
    tcase_add_test(tcase, activations_come_back);
    tcase_add_test(tcase, everything_comes_back);
    tcase_add_test(tcase, a_damaged_file_is_refused_wherever_the_damage_is);
    tcase_add_test(tcase, a_file_that_lies_under_a_right_checksum_does_no_harm);
    tcase_add_test(tcase, each_documented_error_says_what_is_wrong);
    tcase_add_test(tcase, rows_become_inputs_by_scale_and_sphere);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("checkpoint", add_tests);
}
