/* qnn noise, run as its users run it; its figures beside those of the library. */
#include "run.h"

#include <stdbool.h>
#include <string.h>

#include "json.h"

static void complain(int code, const char *arguments, const char *text)
{
    run_complaint(code, "qnn noise", arguments, text);
}

/* The same, or neither finite. */
static void expect_same(const cJSON *object, const char *key, double expected)
{
    const double actual = json_number(object, key);
    ck_assert_msg(actual == expected || (isnan(actual) && !isfinite(expected)), "%s: %.17g, expected %.17g",
                  key, actual, expected);
}

START_TEST(bad_usage_exits_with_2)
{
    complain(2, "qnn noise", "give --data");
    complain(2, "qnn noise --data spirals --draws 1", "--draws");
    complain(2, "qnn noise --data spirals --inputs 0", "--inputs");
    complain(2, "qnn noise --data spirals --hidden 0", "--hidden");
    complain(2, "qnn noise --data spirals --weights bits=17", "bits=16");
    complain(2, "qnn noise --data spirals --rounding up", "--rounding");
    complain(2, "qnn noise --data spirals --bits 2,17", "found '17'");
    complain(2, "qnn noise --data spirals --bits 0", "found '0'");
    complain(2, "qnn noise --data spirals --bits 2,,3", "found ''");
    complain(2, "qnn noise --data spirals --bits 2,real", "found 'real'");
    complain(2, "qnn noise --data spirals --bits 2x", "found '2x'");
    complain(2, "qnn noise --data spirals --bits 99999999999999999999", "found '99999999999999999999'");
    complain(2, "qnn noise --data spirals --bits 1,3,binary", "'binary' is there twice");
    complain(2, "qnn noise --data spirals --model a --hidden 8", "--model");
    complain(2, "qnn noise --data spirals --model a --missing mean", "which rows?");
}
END_TEST

START_TEST(bad_input_exits_with_1)
{
    complain(1, "qnn noise --data no.csv", "no.csv");
    complain(1, "qnn noise --data spirals:n=50 --model no.qnn", "no.qnn");
    run_result r = run_expect(
        0, "qnn train --data spirals:n=50 --hidden 8 --epochs 1 --activations ternary --method ste "
           "--rounding nearest --save steps.qnn --quiet");
    run_free(&r);
    complain(1, "qnn noise --data spirals:n=50 --model steps.qnn",
             "steps.qnn: expected ReLUs, which the predictions are for, found activations of 3 levels");
    complain(1, "qnn noise --data spirals:n=50 --hidden 1000000,1000000,1000000",
             "the noise of a network needs 67055.4 GiB of memory, ");
    complain(1, "qnn noise --data spirals:n=50 --hidden 8 --first real", "leave no layer that is rounded");
    complain(1, "qnn noise --data spirals:n=50 --plot x.bmp", "x.bmp");
    complain(1, "qnn noise --data spirals:n=50 --out no/such/folder.tsv", "no/such/folder.tsv");
    run_write("large.csv", "a,b\n1e300,1\n2,3\n");
    complain(1, "qnn noise --data large.csv --bits 2 --hidden 4", "found inf");
    run_remove("large.csv");
    run_write("text.qnn", "not a network\n");
    complain(1, "qnn noise --data spirals:n=50 --model text.qnn", "text.qnn");
    run_remove("text.qnn");
    r = run_expect(1, "qnn noise --data spirals:n=50 --hidden 4 --bits 2 --draws 2 --quiet --out /dev/full");
    ck_assert_ptr_nonnull(strstr(r.err, "/dev/full"));
    run_free(&r);
}
END_TEST

/* ---- figures ---- */

enum { N = 30, DRAWS = 20, WIDTHS = 4, LAYERS = 3 };
static const size_t all_levels[WIDTHS] = {2, 3, 8, 64};
static const double all_bits[WIDTHS] = {1, 1.58, 3, 6};

/* Members of `layers` and `laws` are what the library measures of this network and these rows, X (N, inputs). */
static void expect_noise(const cJSON *tree, const qntk_network *network, const bool *rounded, const float *X)
{
    const cJSON *rows = json_array(tree, "layers", 2 * WIDTHS * LAYERS),
                *laws = json_array(tree, "laws", 2 * LAYERS);
    qntk_noise_options options = qntk_noise_defaults();
    options.draws = DRAWS;
    options.seed = 4;
    for (int r = 0, at = 0; r < 2; r++) {
        const char *rounding = r == 0 ? "stochastic" : "nearest";
        double noise[LAYERS][WIDTHS];
        for (size_t k = 0; k < WIDTHS; k++) {
            qntk_noise_layer layer[LAYERS];
            size_t levels[LAYERS];
            for (size_t l = 0; l < LAYERS; l++)
                levels[l] = rounded[l] ? all_levels[k] : 0;
            ck_assert_ok(qntk_noise_measure(network, levels,
                                            r == 0 ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST, N, X,
                                            options, layer));
            for (size_t l = 0; l < LAYERS; l++, at++) {
                const cJSON *row = cJSON_GetArrayItem(rows, at);
                noise[l][k] = layer[l].noise;
                expect_same(row, "bits", all_bits[k]);
                ck_assert_str_eq(json_word(row, "rounding"), rounding);
                expect_same(row, "layer", (double)(l + 1));
                expect_same(row, "noise", layer[l].noise);
                expect_same(row, "noise_se", layer[l].noise_se);
                expect_same(row, "moments", layer[l].moments);
                expect_same(row, "first_order", layer[l].first_order);
                expect_same(row, "first_order_se", layer[l].first_order_se);
                expect_same(row, "first_order_uniform", layer[l].first_order_uniform);
                expect_same(row, "signal", layer[l].signal);
                expect_same(row, "snr", layer[l].snr);
                expect_same(row, "shift", layer[l].shift);
                expect_same(row, "shift_moments", layer[l].shift_moments);
                expect_same(row, "weight_noise", layer[l].weight);
                expect_same(row, "weight_noise_predicted", layer[l].weight_predicted);
            }
        }
        for (size_t l = 0; l < LAYERS; l++) {
            const qntk_noise_law law = qntk_noise_fit(WIDTHS, all_levels, noise[l]);
            const cJSON *row = cJSON_GetArrayItem(laws, r * LAYERS + (int)l);
            ck_assert_str_eq(json_word(row, "rounding"), rounding);
            expect_same(row, "layer", (double)(l + 1));
            expect_same(row, "factor_per_bit", law.factor_per_bit);
            expect_same(row, "se", law.factor_se);
            expect_same(row, "step_exponent", law.step_exponent);
            expect_same(row, "points", 2 * (double)(noise[l][0] > 0));
        }
    }
    const cJSON *law = cJSON_GetObjectItemCaseSensitive(tree, "law"),
                *output = cJSON_GetArrayItem(laws, LAYERS - 1);
    ck_assert_str_eq(json_word(law, "rounding"), "stochastic");
    expect_same(law, "factor_per_bit", json_number(output, "factor_per_bit"));
    ck_assert(json_number(law, "factor_per_bit") > 3 && json_number(law, "factor_per_bit") < 6);
}

static qntk_dataset spirals(void)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 4;
    qntk_dataset data;
    ck_assert_ok(qntk_dataset_read("spirals:n=30", options, &data));
    ck_assert_uint_eq(data.n, N);
    ck_assert_uint_le(data.d, 16);
    return data;
}

START_TEST(figures_of_a_fresh_network_are_those_of_the_library)
{
    static const struct {
        const char *options;
        size_t levels[LAYERS];
        bool rounded[LAYERS];
    } tried[] = {{"", {0, 0, 0}, {true, true, false}},
                 {" --weights ternary --first real --last rounded", {0, 3, 3}, {false, true, true}}};
    qntk_dataset data = spirals();
    float X[N * 16];
    for (size_t k = 0; k < N * data.d; k++)
        X[k] = (float)data.X[k];
    for (size_t t = 0; t < 2; t++) {
        char command[512];
        snprintf(command, sizeof command,
                 "qnn noise --data spirals:n=30 --hidden 9,7 --b-std 0.3 --bits binary,1.58,3,6 --draws 20 "
                 "--seed 4 "
                 "--quiet --format json%s",
                 tried[t].options);
        run_result r = run_expect(0, command);
        ck_assert_str_eq(r.err, "");
        const size_t sizes[] = {data.d, 9, 7, 2};
        qntk_network network;
        ck_assert_ok(qntk_network_create(LAYERS, sizes, tried[t].levels, 0.3, 4, &network));
        cJSON *tree = json_parse(r.out);
        expect_noise(tree, &network, tried[t].rounded, X);
        ck_assert(json_number(tree, "n") == N && json_number(tree, "inputs") == N &&
                  json_number(tree, "seed") == 4);
        ck_assert(json_number(tree, "parameters") == (double)qntk_network_parameters(&network));
        ck_assert_ptr_nonnull(strstr(json_word(tree, "command"), "--bits binary,1.58,3,6"));
        cJSON_Delete(tree);
        qntk_network_free(&network);
        run_free(&r);
    }
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(a_model_is_rounded_where_it_was_and_one_of_real_weights_everywhere)
{
    static const struct {
        const char *weights;
        bool rounded[LAYERS];
    } tried[] = {{"ternary", {true, true, false}}, {"real", {true, true, true}}};
    qntk_dataset data = spirals();
    for (size_t t = 0; t < 2; t++) {
        char command[512];
        snprintf(command, sizeof command,
                 "qnn train --data spirals:n=30 --scale zscore --hidden 9,7 --weights %s --epochs 3 --seed 4 "
                 "--split 0 "
                 "--quiet --save model.qnn",
                 tried[t].weights);
        run_result r = run_expect(0, command);
        run_free(&r);
        r = run_expect(
            0, "qnn noise --data spirals:n=30 --model model.qnn --bits binary,1.58,3,6 --draws 20 --seed 4 "
               "--quiet --format json");
        static qntk_checkpoint c; /* the trainer points into it */
        char path[4096];
        float X[N * 16];
        snprintf(path, sizeof path, "%s/model.qnn", run_directory());
        ck_assert_ok(qntk_checkpoint_load(path, &c));
        ck_assert_ok(qntk_checkpoint_inputs(&c, N, data.X, X));
        cJSON *tree = json_parse(r.out);
        expect_noise(tree, &c.network, tried[t].rounded, X);
        expect_same(tree, "model_epochs", 3);
        cJSON_Delete(tree);
        qntk_checkpoint_free(&c);
        run_free(&r);
        run_remove("model.qnn");
    }
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(rows_are_chosen_by_the_seed)
{
    run_result some[3];
    some[0] = run_expect(
        0, "qnn noise --data sphere:n=60,d=4 --hidden 8 --bits 2 --draws 2 --inputs 7 --rounding nearest");
    some[1] = run_expect(
        0, "qnn noise --data sphere:n=60,d=4 --hidden 8 --bits 2 --draws 2 --inputs 99 --rounding nearest");
    ck_assert_ptr_nonnull(strstr(some[0].out, "# inputs=7\n"));
    ck_assert_ptr_nonnull(strstr(some[0].err, "7 rows"));
    ck_assert_ptr_nonnull(strstr(some[1].out, "# inputs=60\n"));
    ck_assert_str_ne(strstr(some[0].out, "\nbits"), strstr(some[1].out, "\nbits"));
    run_free(&some[0]);
    run_free(&some[1]);
}
END_TEST

START_TEST(rows_need_no_target)
{
    run_write("bare.csv", "a,b\n1,2\n3,5\n-1,0.5\n0,7\n");
    run_result r = run_expect(0, "qnn noise --data bare.csv --target none --scale zscore --hidden 5 --bits 3 "
                                 "--draws 30 --format json --quiet");
    const size_t sizes[] = {2, 5, 1}, real[] = {0, 0}, levels[] = {8, 0};
    const double raw[] = {1, 2, 3, 5, -1, 0.5, 0, 7};
    float X[8];
    for (size_t j = 0; j < 2; j++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < 4; i++)
            mean += raw[2 * i + j] / 4;
        for (size_t i = 0; i < 4; i++)
            variance += pow(raw[2 * i + j] - mean, 2) / 4;
        for (size_t i = 0; i < 4; i++)
            X[2 * i + j] = (float)((raw[2 * i + j] - mean) / sqrt(variance));
    }
    qntk_network network;
    qntk_noise_layer layer[2];
    qntk_noise_options options = qntk_noise_defaults();
    options.draws = 30;
    ck_assert_ok(qntk_network_create(2, sizes, real, 0, 0, &network));
    ck_assert_ok(qntk_noise_measure(&network, levels, QNTK_ROUNDING_STOCHASTIC, 4, X, options, layer));
    cJSON *tree = json_parse(r.out);
    const cJSON *rows = json_array(tree, "layers", 4);
    for (int l = 0; l < 2; l++) /* the scale may differ in its last bit */
        ck_assert_relative(json_number(cJSON_GetArrayItem(rows, l), "noise"), layer[l].noise, 1e-5);
    cJSON_Delete(tree);
    qntk_network_free(&network);
    run_free(&r);
    run_remove("bare.csv");
}
END_TEST

START_TEST(tables_have_the_numbers_of_json_in_the_order_asked_for)
{
    run_result t = run_expect(
        0, "qnn noise --data spirals:n=30 --hidden 5 --bits 4,2,ternary --rounding nearest --seed 3");
    run_result j = run_expect(
        0, "qnn noise --data spirals:n=30 --hidden 5 --bits 4,2,ternary --rounding nearest --seed 3 "
           "--format json --quiet");
    cJSON *tree = json_parse(j.out);
    const cJSON *rows = json_array(tree, "layers", 3 * 2);
    const char *at = strstr(t.out, "\nbits\trounding\tlayer\tnoise\tnoise_se\tmoments\tfirst_order\t");
    ck_assert_ptr_nonnull(at);
    static const double order[] = {4, 2, 1.58};
    for (int k = 0; k < 6; k++) {
        const cJSON *row = cJSON_GetArrayItem(rows, k);
        at = strchr(at + 1, '\n');
        char *end;
        const double bits = strtod(at, &end);
        ck_assert_int_eq(strncmp(end, "\tnearest\t", 9), 0);
        const double layer = strtod(end + 9, &end), noise = strtod(end, NULL);
        ck_assert(bits == order[k / 2] && layer == k % 2 + 1);
        expect_same(row, "bits", bits);
        expect_same(row, "noise", noise);
    }
    ck_assert_str_eq(strchr(at + 1, '\n'), "\n");
    const cJSON *law = cJSON_GetArrayItem(json_array(tree, "laws", 2), 1);
    at = strstr(t.out, "\n# law[nearest,2]=");
    ck_assert_ptr_nonnull(at);
    expect_same(law, "factor_per_bit", strtod(at + 18, NULL));
    cJSON_Delete(tree);
    run_free(&t);
    run_free(&j);
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
    run_result one =
        run_expect(0, "qnn noise --data sphere:n=90,d=6 --hidden 20,9 --bits 1,2,5 --draws 40 --threads 1");
    run_result three =
        run_expect(0, "qnn noise --data sphere:n=90,d=6 --hidden 20,9 --bits 1,2,5 --draws 40 --threads 3");
    ck_assert_str_eq(one.out, three.out);
    ck_assert_str_eq(one.err, three.err);
    run_free(&one);
    run_free(&three);
}
END_TEST

/* ---- for people ---- */

START_TEST(sentences_say_what_fails_and_what_the_law_is)
{
    run_result r = run_expect(0, "qnn noise --data sphere:n=90,d=20 --hidden 200,200 --weights binary "
                                 "--draws 60 --rounding stochastic");
    ck_assert_ptr_nonnull(strstr(r.err, "variance over 60 draws"));
    ck_assert_ptr_nonnull(strstr(r.err, "First order misses the noise of a layer at bits 1 ("));
    const char *at = r.err;
    double found[4]; /* the factor, the power, each with its error */
    static const char *const before[] = {"Each bit from 2 on divides the output's noise by ", " +- ",
                                         "noise ~ step^(", " +- "};
    for (size_t k = 0; k < 4; k++) {
        at = strstr(at, before[k]);
        ck_assert_ptr_nonnull(at);
        at += strlen(before[k]);
        found[k] = strtod(at, NULL);
    }
    /* the step of 2 to 8 bits falls by more than 2 a bit: 4.36 by the least squares of ln (2^b-1)^-2 */
    ck_assert_close(found[0], 4.36, 0.4, 1);
    ck_assert_close(found[2], 2, 0.1, 1);
    ck_assert(found[1] > 0 && found[3] > 0);
    run_free(&r);
    r = run_expect(
        0, "qnn noise --data sphere:n=90,d=20 --hidden 200,200 --bits 8 --draws 60 --rounding stochastic");
    ck_assert_ptr_nonnull(strstr(r.err, "First order is within 10 % or 3 standard errors"));
    ck_assert_ptr_null(strstr(r.err, "nearest"));
    ck_assert_ptr_null(strstr(r.err, "Each bit"));
    run_free(&r);
}
END_TEST

START_TEST(an_interrupted_run_keeps_what_is_complete)
{
    run_result r = run_program(
        "qnn noise --data sphere:n=100,d=5 --hidden 2000,2000 --bits 2,3,4,5,6,7,8 --draws 100", 3);
    ck_assert_msg(r.code == 130, "exit %d: %s", r.code, r.err);
    ck_assert_ptr_nonnull(strstr(r.err, "nterrupt"));
    if (r.out[0] != '\0') { /* not so before the first width is done: then whole widths */
        const char *rows = strstr(r.out, "\nbits\t");
        size_t lines = 0;
        ck_assert_ptr_nonnull(rows);
        for (const char *at = rows + 1; *at != '\0'; at++)
            lines += *at == '\n';
        ck_assert_uint_eq((lines - 1) % 3, 0);
    }
    run_free(&r);
}
END_TEST

START_TEST(pictures_are_drawn)
{
    run_result first =
        run_program("qnn noise --data spirals:n=30 --hidden 3 --draws 5 --bits 2,4 --quiet --plot a.svg", 0);
    const bool missing = strstr(first.err, "gnuplot is not installed") != NULL;
    run_free(&first);
    if (missing) {
        test_skip("no gnuplot");
        return;
    }
    static const char *const commands[] = {
        "qnn noise --data spirals:n=30 --hidden 9,9,9,9,9,9,9,9 --bits 1,2,5 --draws 5 --quiet --plot a.svg",
        "qnn noise --data spirals:n=30 --hidden 9 --bits 3 --draws 5 --rounding nearest --quiet --plot a.svg",
        "qnn noise --data friedman1:n=30 --hidden 9,9 --first real --bits 4,1,2 --draws 5 --inputs 1 --quiet "
        "--format "
        "json --plot a.svg",
    };
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++) {
        run_result r = run_expect(0, commands[k]);
        char *picture = run_read("a.svg");
        ck_assert_str_eq(r.err, "");
        ck_assert_ptr_nonnull(picture);
        ck_assert_ptr_nonnull(strstr(picture, "output"));
        ck_assert_ptr_nonnull(strstr(picture, "a quarter for each bit"));
        free(picture);
        run_remove("a.svg");
        run_free(&r);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, bad_input_exits_with_1);
    tcase_add_test(tcase, figures_of_a_fresh_network_are_those_of_the_library);
    tcase_add_test(tcase, a_model_is_rounded_where_it_was_and_one_of_real_weights_everywhere);
    tcase_add_test(tcase, rows_are_chosen_by_the_seed);
    tcase_add_test(tcase, rows_need_no_target);
    tcase_add_test(tcase, tables_have_the_numbers_of_json_in_the_order_asked_for);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, sentences_say_what_fails_and_what_the_law_is);
    tcase_add_test(tcase, an_interrupted_run_keeps_what_is_complete);
    tcase_add_test(tcase, pictures_are_drawn);
}

int main(void)
{
    return test_main("qnn_noise", add_tests);
}
