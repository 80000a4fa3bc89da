/* qnn noise --anneal-study, run as its users run it. */
#include "run.h"

#include <cjson/cJSON.h>
#include <string.h>

enum { ROWS_MAX = 98, CELLS = 13, N = 60, TEST_N = 40, D = 3 };
enum { METHOD, NOISE, STRATEGY, SCHEDULE, SYNC, SEEDS, TRAIN, TRAIN_SD, TEST, TEST_SD, GAP, GAP_SD, AGREE };

static run_result expect(int code, const char *words)
{
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "qnn noise --anneal-study %s", words);
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d; it said: %s", arguments, r.code, code, r.err);
    return r;
}

static void expect_complaint(int code, const char *words, const char *text)
{
    run_result r = expect(code, words);
    ck_assert_msg(strncmp(r.err, "qnn noise --anneal-study: ", 26) == 0 && strstr(r.err, text) != NULL,
                  "%s: expected '%s', it said: %s", words, text, r.err);
    ck_assert_str_eq(r.out, "");
    run_free(&r);
}

/* ---- data ---- */

typedef struct {
    double X[(N + TEST_N) * D], y[N + TEST_N];
} cloud;

/* Rows of two overlapping classes; numbers with six decimals, as they are written. */
static void make_cloud(cloud *c)
{
    qntk_rng rng = qntk_rng_create(12, 0);
    for (size_t i = 0; i < N + TEST_N; i++) {
        c->y[i] = (double)(i % 2);
        for (size_t k = 0; k < D; k++)
            c->X[i * D + k] = round(1e6 * (qntk_rng_normal(&rng) + (k > 0 ? 0 : 2 * c->y[i] - 1))) / 1e6;
    }
}

static void write_rows(const char *name, const cloud *c, size_t first, size_t count)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", run_directory(), name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("a,b,c,kind\n", file);
    for (size_t i = first; i < first + count; i++)
        fprintf(file, "%.6f,%.6f,%.6f,%s\n", c->X[i * D], c->X[i * D + 1], c->X[i * D + 2],
                c->y[i] > 0 ? "yes" : "no");
    ck_assert_int_eq(fclose(file), 0);
}

static void write_cloud(cloud *c)
{
    make_cloud(c);
    write_rows("train.csv", c, 0, N);
    write_rows("test.csv", c, N, TEST_N);
}

#define DATA "--data train.csv --test test.csv --hidden 9,7 --epochs 6 --period 2 --batch 16 --seeds 2 "

/* ---- reading it back ---- */

typedef struct {
    char *text;
    size_t rows;
    char *cell[ROWS_MAX + 1][CELLS];
} table;

static void read_table(char *tsv, table *t)
{
    bool head = true;
    *t = (table){.text = strdup(tsv)};
    for (char *line = strtok(t->text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '#')
            continue;
        if (head) {
            ck_assert_str_eq(line, "method\tnoise\tstrategy\tschedule\tsync\tseeds\ttrain\ttrain_sd\ttest\t"
                                   "test_sd\tgap\tgap_sd\tagree");
            head = false;
            continue;
        }
        ck_assert_uint_lt(t->rows, ROWS_MAX);
        for (size_t c = 0; c < CELLS; c++) {
            t->cell[t->rows][c] = line;
            line = line != NULL ? strchr(line, '\t') : NULL;
            ck_assert((line == NULL) == (c == CELLS - 1));
            if (line != NULL)
                *line++ = '\0';
        }
        t->rows++;
    }
}

static double number(const table *t, size_t row, size_t cell)
{
    return strtod(t->cell[row][cell], NULL);
}

static bool row_is(const table *t, size_t row, const char *noise, const char *strategy, const char *schedule,
                   const char *sync)
{
    return strcmp(t->cell[row][NOISE], noise) == 0 && strcmp(t->cell[row][STRATEGY], strategy) == 0 &&
           strcmp(t->cell[row][SCHEDULE], schedule) == 0 && strcmp(t->cell[row][SYNC], sync) == 0;
}

static size_t find(const table *t, const char *noise, const char *strategy, const char *schedule,
                   const char *sync)
{
    for (size_t i = 0; i < t->rows; i++)
        if (row_is(t, i, noise, strategy, schedule, sync))
            return i;
    ck_abort_msg("no row of %s, %s, %s, %s", noise, strategy, schedule, sync);
}

/* ---- the whole study ---- */

static const char *const noises[] = {"uniform", "triangular", "normal", "logistic"};
static const char *const strategies[] = {"expected", "mode", "random"};

START_TEST(every_combination_is_a_row_and_straight_through_agrees_with_its_special_case)
{
    cloud c;
    table t;
    write_cloud(&c);
    run_result r = expect(0, DATA "--quiet");
    ck_assert_str_eq(r.err, "");
    read_table(r.out, &t);
    ck_assert_uint_eq(t.rows, 98);
    for (size_t i = 0; i < t.rows; i++) {
        ck_assert_str_eq(t.cell[i][METHOD], i == 0 ? "ste" : "ana");
        ck_assert_str_eq(t.cell[i][SEEDS], "2");
        ck_assert_close(number(&t, i, GAP), number(&t, i, TRAIN) - number(&t, i, TEST), 1e-15, 1);
        ck_assert(number(&t, i, TRAIN) > 0.4 && number(&t, i, TRAIN) <= 1 && number(&t, i, TEST_SD) >= 0);
        ck_assert_str_eq(t.cell[i][AGREE], i < 2 ? "2" : "nan"); /* both seeds */
    }
    for (size_t k = TRAIN; k <= GAP_SD; k++)
        ck_assert_str_eq(t.cell[0][k], t.cell[1][k]);
    /* the hyperbolic law asks for the start of an interval only */
    for (size_t n = 0; n < 4; n++)
        for (size_t s = 0; s < 3; s++) {
            const size_t a = find(&t, noises[n], strategies[s], "hyperbolic", "overlapped");
            const size_t b = find(&t, noises[n], strategies[s], "hyperbolic", "same-start");
            for (size_t k = TRAIN; k <= GAP_SD; k++)
                ck_assert_str_eq(t.cell[a][k], t.cell[b][k]);
        }
    ck_assert_ptr_nonnull(strstr(r.out, "\n# activations=ternary\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "\n# epochs=6\n# seeds=2\n"));
    free(t.text);
    run_free(&r);
}
END_TEST

/* Training and test accuracy of one training by the library. */
static void train_by_hand(const cloud *c, const qntk_train_options *options, double *train, double *test)
{
    const size_t sizes[] = {D, 9, 7, 2}, levels[] = {3, 3, 0};
    static float X[(N + TEST_N) * D], T[N * 2];
    static double F[(N + TEST_N) * 2], answer[N + TEST_N];
    qntk_network network;
    qntk_trainer *trainer;
    double loss, y[N + TEST_N];
    for (size_t k = 0; k < (size_t)(N + TEST_N) * D; k++)
        X[k] = (float)c->X[k];
    for (size_t i = 0; i < N + TEST_N; i++)
        y[i] = c->y[i]; /* "no" and "yes", in this order */
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, N, y, 2, T));
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0, options->seed, &network));
    ck_assert_ok(qntk_network_activate(&network, 3, false));
    ck_assert_ok(qntk_trainer_create(&network, *options, &trainer));
    for (int epoch = 0; epoch < 6; epoch++)
        ck_assert_ok(qntk_trainer_epoch(trainer, N, X, T, &loss));
    ck_assert_ok(qntk_network_expect(&network, QNTK_ROUNDING_NEAREST, N + TEST_N, X, F));
    ck_assert_ok(qntk_labels_decode(N + TEST_N, 2, F, 2, answer));
    *train = qntk_labels_accuracy(N, y, answer);
    *test = qntk_labels_accuracy(TEST_N, y + N, answer + N);
    qntk_trainer_destroy(&trainer);
    qntk_network_free(&network);
}

START_TEST(rows_are_means_of_trainings_by_the_library)
{
    cloud c;
    table t;
    write_cloud(&c);
    run_result r = expect(0, DATA "--noise triangular --strategy random --schedule hyperbolic --sync "
                                  "same-end,partition --progressive --seed 40 --quiet");
    read_table(r.out, &t);
    ck_assert_uint_eq(t.rows, 4);
    for (size_t row = 0; row < 4; row++) {
        double train[2], test[2];
        for (size_t s = 0; s < 2; s++) {
            qntk_train_options o = qntk_train_defaults();
            o.method = row == 0 ? QNTK_METHOD_STE : QNTK_METHOD_ANA;
            o.rounding = QNTK_ROUNDING_NEAREST;
            o.batch = 16;
            o.seed = 40 + s;
            o.anneal.noise = QNTK_NOISE_TRIANGULAR;
            o.anneal.strategy = QNTK_STRATEGY_RANDOM;
            o.anneal.law = QNTK_ANNEAL_HYPERBOLIC;
            o.anneal.sync = row == 2 ? QNTK_ANNEAL_PARTITION : QNTK_ANNEAL_SAME_END; /* in the usual order */
            o.anneal.beta = row < 2 ? 0 : 0.5;
            o.anneal.progressive = true;
            o.anneal.period = 2;
            train_by_hand(&c, &o, &train[s], &test[s]);
        }
        ck_assert_close(number(&t, row, TRAIN), (train[0] + train[1]) / 2, 1e-15, 1);
        ck_assert_close(number(&t, row, TEST), (test[0] + test[1]) / 2, 1e-15, 1);
        ck_assert_close(number(&t, row, TEST_SD), fabs(test[0] - test[1]) / sqrt(2), 1e-15, 1);
        ck_assert_close(number(&t, row, GAP_SD), fabs(train[0] - test[0] - train[1] + test[1]) / sqrt(2),
                        1e-15, 1);
    }
    ck_assert_str_eq(t.cell[2][SYNC], "partition");
    free(t.text);
    run_free(&r);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bytes_on_one_and_three_threads)
{
    cloud c;
    write_cloud(&c);
    run_result one = expect(0, DATA "--noise normal,logistic --sync same-start --quiet --threads 1");
    run_result three = expect(0, DATA "--noise normal,logistic --sync same-start --quiet --threads 3");
    ck_assert_str_eq(one.out, three.out);
    run_free(&one);
    run_free(&three);
}
END_TEST

/* ---- going on ---- */

static void check_same_files(const char *a, const char *b)
{
    char *first = run_read(a), *second = run_read(b);
    ck_assert(first != NULL && second != NULL);
    ck_assert_msg(strcmp(first, second) == 0, "%s and %s differ", a, b);
    free(first);
    free(second);
}

START_TEST(a_study_grows_and_goes_on_to_the_bytes_of_one_that_did_not_stop)
{
    static const char *const formats[] = {"tsv", "json"};
    cloud c;
    char command[512];
    write_cloud(&c);
    for (int f = 0; f < 2; f++) {
        const char *const parts[] = {"--noise normal --strategy mode",
                                     "--noise uniform,normal --strategy mode"};
        for (int part = 0; part < 2; part++) {
            snprintf(command, sizeof command, DATA "%s --quiet --resume --out part.%s --format %s",
                     parts[part], formats[f], formats[f]);
            run_result r = expect(0, command);
            run_free(&r);
        }
        snprintf(command, sizeof command, DATA "%s --quiet --out whole.%s --format %s", parts[1], formats[f],
                 formats[f]);
        run_result r = expect(0, command);
        run_free(&r);
        snprintf(command, sizeof command, "part.%s", formats[f]);
        char whole[64];
        snprintf(whole, sizeof whole, "whole.%s", formats[f]);
        check_same_files(command, whole);
        run_remove(command);
    }
    /* a file without some of its rows */
    char *text = run_read("whole.tsv"), path[4200];
    char *cut = strstr(text, "\nana\tuniform");
    ck_assert_ptr_nonnull(cut);
    cut[1] = '\0';
    snprintf(path, sizeof path, "%s/cut.tsv", run_directory());
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    free(text);
    run_result r = expect(0, DATA "--noise uniform,normal --strategy mode --quiet --resume --out cut.tsv");
    run_free(&r);
    check_same_files("cut.tsv", "whole.tsv");
}
END_TEST

START_TEST(an_interrupted_study_keeps_its_rows_and_goes_on)
{
    cloud c;
    write_cloud(&c);
    /* so many epochs that it cannot be complete in the time */
    const char *const words =
        "qnn noise --anneal-study --data train.csv --test test.csv --hidden 30,30 --epochs 300 "
        "--noise uniform --schedule bounded --seeds 1 --batch 4 --quiet --out i.tsv";
    run_result r = run_program(words, 1.5);
    ck_assert_msg(r.code == 130 || r.code == 0, "exit %d: %s", r.code, r.err);
    if (r.code == 130)
        ck_assert_ptr_nonnull(strstr(r.err, "interrupted"));
    run_free(&r);
    r = expect(
        0, "--data train.csv --test test.csv --hidden 30,30 --epochs 300 --noise uniform --schedule bounded "
           "--seeds 1 --batch 4 --quiet --out i.tsv --resume");
    run_free(&r);
    r = expect(
        0, "--data train.csv --test test.csv --hidden 30,30 --epochs 300 --noise uniform --schedule bounded "
           "--seeds 1 --batch 4 --quiet --out j.tsv");
    run_free(&r);
    check_same_files("i.tsv", "j.tsv");
}
END_TEST

/* ---- what people see ---- */

START_TEST(the_table_for_people_has_rows_and_means)
{
    cloud c;
    write_cloud(&c);
    run_result r =
        expect(0, DATA "--noise logistic --strategy expected,random --sync overlapped --out t.tsv");
    ck_assert_ptr_nonnull(strstr(r.err, "method  noise"));
    ck_assert_ptr_nonnull(strstr(r.err, "\n  hyperbolic       2 "));
    ck_assert_ptr_nonnull(strstr(r.err, "all weights equal to the bit for 2 of 2 seeds\n"));
    ck_assert_str_eq(r.out, "");
    /* the spread of the rows' means, from the file */
    char *text = run_read("t.tsv"), expected[200];
    table t;
    read_table(text, &t);
    double mean = 0, between = 0, within = 0;
    ck_assert_uint_eq(t.rows, 6);
    for (size_t i = 2; i < 6; i++)
        mean += number(&t, i, TEST) / 4;
    for (size_t i = 2; i < 6; i++) {
        between += pow(number(&t, i, TEST) - mean, 2) / 3;
        within += pow(number(&t, i, TEST_SD), 2) / 8;
    }
    snprintf(expected, sizeof expected,
             "\nsd of the test means of 4 rows: %.3g; by the spread over seeds alone: %.3g\n", sqrt(between),
             sqrt(within));
    ck_assert_msg(strstr(r.err, expected) != NULL, "expected '%s' in: %s", expected, r.err);
    free(text);
    free(t.text);
    run_free(&r);
}
END_TEST

START_TEST(json_has_the_same_rows)
{
    cloud c;
    table t;
    write_cloud(&c);
    run_result tsv = expect(0, DATA "--noise normal --strategy mode --quiet");
    run_result json = expect(0, DATA "--noise normal --strategy mode --quiet --format json");
    read_table(tsv.out, &t);
    cJSON *tree = cJSON_Parse(json.out);
    const cJSON *study = cJSON_GetObjectItem(tree, "study");
    ck_assert_int_eq(cJSON_GetArraySize(study), (int)t.rows);
    for (size_t i = 0; i < t.rows; i++) {
        const cJSON *row = cJSON_GetArrayItem(study, (int)i);
        ck_assert_str_eq(cJSON_GetObjectItem(row, "sync")->valuestring, t.cell[i][SYNC]);
        ck_assert(cJSON_GetObjectItem(row, "test")->valuedouble == number(&t, i, TEST));
        ck_assert(cJSON_IsNull(cJSON_GetObjectItem(row, "agree")) == (i >= 2));
    }
    cJSON_Delete(tree);
    free(t.text);
    run_free(&tsv);
    run_free(&json);
}
END_TEST

START_TEST(numbers_are_studied_too_and_a_diverging_row_is_not_a_number)
{
    table t;
    run_result r =
        expect(0, "--data friedman1:n=80 --hidden 9 --activations relu --weights binary --noise uniform "
                  "--strategy mode --schedule bounded --epochs 3 --seeds 1 --quiet");
    read_table(r.out, &t);
    ck_assert_uint_eq(t.rows, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert(isnan(number(&t, i, TEST_SD)) && number(&t, i, TRAIN) > 0);
        ck_assert_close(number(&t, i, GAP), number(&t, i, TEST) - number(&t, i, TRAIN), 1e-15, 1e3);
    }
    free(t.text);
    run_free(&r);
    r = expect(
        0, "--data friedman1:n=80 --hidden 9 --activations relu --weights binary --noise uniform --lr 1e12 "
           "--strategy mode --schedule bounded --epochs 3 --seeds 2 --quiet");
    read_table(r.out, &t);
    ck_assert_str_eq(t.cell[2][TEST], "nan");
    free(t.text);
    run_free(&r);
}
END_TEST

/* "# what[noise]=" in the head of a TSV. */
static double note(const char *tsv, const char *what, const char *noise)
{
    char key[100];
    snprintf(key, sizeof key, "\n# %s[%s]=", what, noise);
    const char *at = strstr(tsv, key);
    return at != NULL ? strtod(at + strlen(key), NULL) : (double)NAN;
}

START_TEST(expected_step_functions_are_measured_beside_quadrature_draws_and_their_constants)
{
    static const char *const networks[] = {"--weights binary", "--weights ternary", "--weights bits=3",
                                           "--weights real --activations bits=2"};
    const size_t cells[] = {1, 2, 7, 3};
    /* peaks of the densities at the usual scales; those of bounded support do not overlap more than whole */
    const double peak[] = {1, 2, 1 / (sqrt(2 * M_PI) * 0.25510673), log(39) / 2};
    cloud c;
    write_cloud(&c);
    for (size_t k = 0; k < 4; k++) {
        char words[256];
        snprintf(
            words, sizeof words,
            "--data train.csv --hidden 3 --epochs 1 --seeds 1 --strategy mode --sync partition --schedule "
            "bounded --quiet %s",
            networks[k]);
        run_result r = expect(0, words);
        for (size_t n = 0; n < 4; n++) {
            const double constant = (n < 2 ? 1 : (double)cells[k]) * peak[n];
            ck_assert_close(note(r.out, "lipschitz", noises[n]), constant, 1e-6, constant);
            ck_assert_double_lt(note(r.out, "quadrature_error", noises[n]), 1e-12);
            ck_assert_double_lt(note(r.out, "draws_max_z", noises[n]), 5); /* of 33: p 2e-5 */
            ck_assert_double_gt(note(r.out, "draws_max_z", noises[n]), 0.5);
            ck_assert_double_le(note(r.out, "steepest", noises[n]), constant * (1 + 1e-9));
            ck_assert_double_le(note(r.out, "slope", noises[n]), constant * (1 + 1e-9));
            ck_assert_close(note(r.out, "steepest", noises[n]), note(r.out, "slope", noises[n]), 0.01, 1);
            ck_assert_double_gt(note(r.out, "slope", noises[n]), 0.98 * peak[n]); /* it is attained */
        }
        run_free(&r);
    }
    run_result r = expect(0, DATA "--noise normal --strategy mode --quiet --format json");
    cJSON *tree = cJSON_Parse(r.out);
    const cJSON *functions = cJSON_GetObjectItem(tree, "functions");
    ck_assert_int_eq(cJSON_GetArraySize(functions), 1);
    ck_assert_close(cJSON_GetObjectItem(cJSON_GetArrayItem(functions, 0), "lipschitz")->valuedouble,
                    2 * peak[2], 1e-6, 1);
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

START_TEST(pictures_are_drawn)
{
    if (qntk_plot_check("anneal", "c.svg") == QNTK_UNSUPPORTED) {
        test_skip("no gnuplot");
        return;
    }
    cloud c;
    write_cloud(&c);
    run_result r = expect(0, DATA "--quiet --noise uniform,normal --plot c.svg --out c.tsv");
    run_free(&r);
    char *picture = run_read("c.svg");
    ck_assert_ptr_nonnull(picture);
    ck_assert_ptr_nonnull(strstr(picture, "straight-through, ± its sd"));
    ck_assert_ptr_nonnull(strstr(picture, "same-start"));
    ck_assert_ptr_nonnull(strstr(picture, "test accuracy"));
    ck_assert_ptr_null(strstr(picture, "logistic"));
    free(picture);
    /* one seed, nothing tested, one row of each */
    r = expect(
        0,
        "--data friedman1:n=40 --split 0 --hidden 5 --activations relu --epochs 2 --seeds 1 --noise normal "
        "--strategy mode --schedule bounded --sync partition --quiet --plot d.svg --out d.tsv");
    ck_assert_str_eq(r.err, "");
    run_free(&r);
    picture = run_read("d.svg");
    ck_assert_ptr_nonnull(strstr(picture, "training mean squared error"));
    free(picture);
}
END_TEST

START_TEST(bad_usage_and_bad_files_are_refused)
{
    cloud c;
    write_cloud(&c);
    write_rows("other.csv", &c, 0, 5);
    expect_complaint(2, "--epochs 3", "give --data SPEC");
    expect_complaint(
        2, DATA "--noise cauchy",
        "--noise: expected all or, each once, out of uniform, triangular, normal, logistic, found 'cauchy'");
    expect_complaint(2, DATA "--noise uniform,uniform", "each once");
    expect_complaint(2, DATA "--strategy mode,", "--strategy");
    expect_complaint(2, DATA "--schedule linear", "--schedule");
    expect_complaint(2, DATA "--sync none", "--sync");
    expect_complaint(2, DATA "--resume", "--out");
    expect_complaint(2, DATA "--resume --out -", "give its name");
    expect_complaint(2, DATA "--activations sigmoid", "--activations");
    expect_complaint(2, DATA "--weights real --activations relu", "nothing to anneal");
    expect_complaint(1, "--data nothing.csv", "nothing.csv");
    expect_complaint(1, DATA "--out no/such/file", "no/such/file");
    run_result r = expect(0, DATA "--noise uniform --strategy mode --quiet --out a.tsv");
    run_free(&r);
    expect_complaint(1, DATA "--noise normal --strategy mode --quiet --resume --out a.tsv",
                     "has a row of uniform, mode, bounded, overlapped, which would be lost");
    expect_complaint(1, DATA "--noise uniform --strategy mode --lr 0.5 --quiet --resume --out a.tsv",
                     "made with lr=0.01, not 0.5");
    expect_complaint(1, DATA "--noise uniform --strategy mode --format json --quiet --resume --out a.tsv",
                     "no result of qnn noise --anneal-study in the --format asked for");
    expect_complaint(1, DATA "--noise uniform --strategy mode --quiet --resume --out other.csv",
                     "no result of qnn noise --anneal-study");
    r = run_program("qnn noise --anneal-study --help", 0);
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: qnn noise --anneal-study"));
    run_free(&r);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_combination_is_a_row_and_straight_through_agrees_with_its_special_case);
    tcase_add_test(tcase, rows_are_means_of_trainings_by_the_library);
    tcase_add_test(tcase, the_same_seed_gives_the_same_bytes_on_one_and_three_threads);
    tcase_add_test(tcase, a_study_grows_and_goes_on_to_the_bytes_of_one_that_did_not_stop);
    tcase_add_test(tcase, an_interrupted_study_keeps_its_rows_and_goes_on);
    tcase_add_test(tcase, the_table_for_people_has_rows_and_means);
    tcase_add_test(tcase, json_has_the_same_rows);
    tcase_add_test(tcase, numbers_are_studied_too_and_a_diverging_row_is_not_a_number);
    tcase_add_test(tcase, expected_step_functions_are_measured_beside_quadrature_draws_and_their_constants);
    tcase_add_test(tcase, pictures_are_drawn);
    tcase_add_test(tcase, bad_usage_and_bad_files_are_refused);
}

int main(void)
{
    return test_main("qnn_anneal_study", add_tests);
}
