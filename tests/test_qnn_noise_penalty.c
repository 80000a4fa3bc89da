/* qnn noise's penalty and sharpness, run as its users run it; figures beside those of the library. */
#include "json.h"
#include "run.h"

#include <string.h>

enum { N = 300, WIDTHS = 3 }; /* N: rows of data/teacher.csv */

static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(item != NULL, "no member %s", key);
    return item;
}

/* The same number, or null for one that is not finite. */
static void expect_same(const cJSON *object, const char *key, double expected)
{
    const double actual = json_number(object, key);
    ck_assert_msg(actual == expected || (isnan(actual) && !isfinite(expected)), "%s: %.17g, expected %.17g",
                  key, actual, expected);
}

/* The number behind "# key=" in a table, number `index` of its list. */
static double noted(const char *table, const char *key, size_t index)
{
    char line[128];
    snprintf(line, sizeof line, "\n# %s=", key);
    const char *at = strstr(table, line);
    ck_assert_msg(at != NULL, "no %s", key);
    at += strlen(line);
    for (; index > 0; index--)
        at = strchr(at, ',') + 1;
    return strtod(at, NULL);
}

static const struct {
    const char *key;
    size_t offset;
} figures[] = {
    {"loss", offsetof(qntk_penalty, loss)},
    {"sampled", offsetof(qntk_penalty, sampled)},
    {"sampled_se", offsetof(qntk_penalty, sampled_se)},
    {"linear", offsetof(qntk_penalty, linear)},
    {"additive", offsetof(qntk_penalty, additive)},
    {"additive_se", offsetof(qntk_penalty, additive_se)},
    {"hutchinson", offsetof(qntk_penalty, hutchinson)},
    {"hutchinson_se", offsetof(qntk_penalty, hutchinson_se)},
    {"gauss_newton", offsetof(qntk_penalty, gauss_newton)},
    {"kinks", offsetof(qntk_penalty, kinks)},
};

static void expect_penalty(const cJSON *row, const qntk_penalty *p)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        double value;
        memcpy(&value, (const char *)p + figures[i].offset, sizeof value);
        expect_same(row, figures[i].key, value);
    }
}

static void expect_sharpness(const cJSON *object, const qntk_sharpness *s)
{
    expect_same(object, "accuracy", s->accuracy);
    expect_same(object, "sigma", s->sigma);
    expect_same(object, "sigma_se", s->sigma_se);
    expect_same(object, "magnitude_sigma", s->magnitude_sigma);
    expect_same(object, "magnitude_sigma_se", s->magnitude_sigma_se);
    expect_same(object, "found", (double)s->found);
    expect_same(object, "magnitude_found", (double)s->magnitude_found);
    expect_same(object, "rho", s->rho);
    expect_same(object, "worst_error", s->worst_error);
    expect_same(object, "complexity", s->complexity);
    expect_same(object, "bound", s->bound);
    for (size_t i = 0; i < QNTK_SHARPNESS_MEASURES; i++) {
        char se[64];
        const char *name = qntk_sharpness_name((qntk_sharpness_measure)i);
        snprintf(se, sizeof se, "%s_se", name);
        expect_same(object, name, s->measure[i]);
        expect_same(object, se, s->se[i]);
    }
}

/* What `arguments` writes is what the library says of the model and its rows. */
static void check_model(const char *weights, qntk_rounding model_rounding)
{
    static qntk_checkpoint c; /* the trainer points into it */
    static float X[N * 5], T[N * 2];
    char command[1024], path[4096];
    qntk_dataset data;
    snprintf(
        command, sizeof command,
        "qnn train --data %s --hidden 9,7 --weights %s --rounding %s --epochs 4 --split 0 --seed 4 --quiet "
        "--save model.qnn",
        test_source("data/teacher.csv"), weights,
        model_rounding == QNTK_ROUNDING_NEAREST ? "nearest" : "stochastic");
    run_result r = run_expect(0, command);
    run_free(&r);
    snprintf(
        command, sizeof command,
        "qnn noise --data %s --model model.qnn --inputs 999 --bits 2,ternary,6 --draws 10 --seed 3 --quiet "
        "--format json",
        test_source("data/teacher.csv"));
    r = run_expect(0, command);
    cJSON *tree = json_parse(r.out);
    snprintf(path, sizeof path, "%s/model.qnn", run_directory());
    ck_assert_ok(qntk_checkpoint_load(path, &c));
    ck_assert_ok(qntk_dataset_read(test_source("data/teacher.csv"), qntk_dataset_defaults(), &data));
    ck_assert_uint_eq(data.n, N);
    ck_assert_ok(qntk_checkpoint_inputs(&c, N, data.X, X));
    ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, N, data.y, 2, T));
    const cJSON *rows = member(tree, "penalty");
    ck_assert_int_eq(cJSON_GetArraySize(rows), 2 * WIDTHS);
    for (int k = 0; k < 2 * WIDTHS; k++) {
        static const size_t levels[] = {4, 3, 64};
        static const double bits[] = {2, 1.58, 6};
        const cJSON *row = cJSON_GetArrayItem(rows, k);
        size_t of_layer[3];
        for (size_t l = 0; l < 3; l++) /* the model's rounded layers; of real ones all */
            of_layer[l] =
                c.network.layers[l].levels > 0 || c.network.layers[0].levels == 0 ? levels[k % WIDTHS] : 0;
        qntk_network rounded;
        qntk_penalty p;
        qntk_penalty_options options = qntk_penalty_defaults();
        options.draws = 10;
        options.seed = 3;
        ck_assert_ok(qntk_network_requantize(&c.network, of_layer, &rounded));
        ck_assert_ok(qntk_penalty_measure(
            &rounded, k < WIDTHS ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST, N, X, T, options, &p));
        expect_penalty(row, &p);
        expect_same(row, "bits", bits[k % WIDTHS]);
        ck_assert_str_eq(json_word(row, "rounding"), k < WIDTHS ? "stochastic" : "nearest");
        qntk_network_free(&rounded);
    }
    qntk_network start;
    qntk_sharpness s;
    qntk_sharpness_options options = qntk_sharpness_defaults();
    options.seed = 3;
    size_t sizes[] = {5, 9, 7, 2}, levels[3];
    for (size_t l = 0; l < 3; l++)
        levels[l] = c.network.layers[l].levels;
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0, 4, &start));
    ck_assert_ok(qntk_sharpness_of(&c.network, &start, model_rounding, N, X, data.y, 2, options, &s));
    expect_sharpness(member(tree, "sharpness"), &s);
    cJSON_Delete(tree);
    qntk_network_free(&start);
    qntk_checkpoint_free(&c);
    qntk_dataset_free(&data);
    run_free(&r);
    run_remove("model.qnn");
}

START_TEST(figures_of_a_model_are_those_of_the_library)
{
    check_model("binary", QNTK_ROUNDING_STOCHASTIC);
    check_model("ternary", QNTK_ROUNDING_NEAREST);
    check_model("real", QNTK_ROUNDING_STOCHASTIC);
}
END_TEST

START_TEST(sharpness_over_widths_is_that_of_rounded_models)
{
    /* a binary model rounded to one bit is the model; one of real weights is measured in units of the grid */
    static const char *const weights[] = {"binary", "real"};
    for (size_t k = 0; k < 2; k++) {
        char command[1024];
        snprintf(command, sizeof command,
                 "qnn train --data %s --hidden 9,7 --weights %s --epochs 4 --split 0 --seed 4 --quiet --save "
                 "model.qnn",
                 test_source("data/teacher.csv"), weights[k]);
        run_result r = run_expect(0, command);
        run_free(&r);
        snprintf(command, sizeof command,
                 "qnn noise --data %s --model model.qnn --inputs 999 --bits 1,16 --draws 4 --sharpness "
                 "widths --quiet "
                 "--format json",
                 test_source("data/teacher.csv"));
        r = run_expect(0, command);
        cJSON *tree = json_parse(r.out);
        const cJSON *rows = member(tree, "sharpness_widths"), *model = member(tree, "sharpness");
        ck_assert_int_eq(cJSON_GetArraySize(rows), 4);
        const cJSON *one_bit = cJSON_GetArrayItem(rows, 0), *fine = cJSON_GetArrayItem(rows, 3);
        static const char *const keys[] = {"accuracy",        "sigma",       "magnitude_sigma",
                                           "flatness",        "norm_origin", "norm_init",
                                           "magnitude_aware", "bound",       "worst_error"};
        size_t same = 0, count = sizeof keys / sizeof *keys;
        for (size_t i = 0; i < count; i++)
            same += json_number(one_bit, keys[i]) == json_number(model, keys[i]);
        ck_assert(k == 0 ? same == count : same < 2);
        ck_assert_double_eq(json_number(fine, "bits"), 16);
        ck_assert_str_eq(json_word(fine, "rounding"), "nearest");
        if (k == 1) /* nothing is lost at 16 bits; noise in proportion to the weights knows no units */
            ck_assert_close(json_number(fine, "magnitude_sigma"), json_number(model, "magnitude_sigma"), 0.05,
                            1);
        ck_assert_close(json_number(fine, "accuracy"), json_number(cJSON_GetArrayItem(rows, 1), "accuracy"),
                        0.01, 1); /* nor between the roundings */
        cJSON_Delete(tree);
        run_free(&r);
        run_remove("model.qnn");
    }
    run_complaint(2, "qnn noise", "qnn noise --data spirals --sharpness widths", "--model");
}
END_TEST

START_TEST(tables_and_sentences_say_the_same)
{
    char command[1024];
    snprintf(command, sizeof command, "qnn train --data %s --hidden 9 --epochs 4 --quiet --save model.qnn",
             test_source("data/teacher.csv"));
    run_result r = run_expect(0, command);
    run_free(&r);
    snprintf(command, sizeof command, "qnn noise --data %s --model model.qnn --bits 1,2,3,4 --draws 10",
             test_source("data/teacher.csv"));
    r = run_expect(0, command);
    strncat(command, " --format json --quiet", sizeof command - strlen(command) - 1);
    run_result j = run_expect(0, command);
    cJSON *tree = json_parse(j.out);
    const cJSON *row = cJSON_GetArrayItem(member(tree, "penalty"), 1);
    expect_same(row, "loss", noted(r.out, "penalty[2,stochastic]", 0));
    expect_same(row, "hutchinson", noted(r.out, "penalty[2,stochastic]", 6));
    expect_same(row, "kinks", noted(r.out, "penalty[2,stochastic]", 9));
    const cJSON *sharpness = member(tree, "sharpness");
    expect_same(sharpness, "sigma", noted(r.out, "sharpness[sigma]", 0));
    expect_same(sharpness, "flatness_se", noted(r.out, "sharpness[flatness]", 1));
    expect_same(sharpness, "bound", noted(r.out, "sharpness[bound]", 0));
    const cJSON *law = cJSON_GetArrayItem(member(tree, "penalty_laws"), 2); /* stochastic, Gauss-Newton */
    ck_assert_str_eq(json_word(law, "form"), "gauss_newton");
    char text[64];
    snprintf(text, sizeof text, "%.2f +- %.2f (in the Gauss-Newton form); theory 4.",
             json_number(law, "factor_per_bit"), json_number(law, "se"));
    ck_assert_msg(strstr(r.err, text) != NULL, "no '%s' in %s", text, r.err);
    ck_assert_ptr_nonnull(strstr(r.err, "growth of the cross-entropy loss"));
    ck_assert_ptr_nonnull(strstr(r.err, "sharpness of the model on 100 rows"));
    ck_assert_ptr_nonnull(strstr(r.err, "Our bound, estimated"));
    cJSON_Delete(tree);
    run_free(&r);
    run_free(&j);
    run_remove("model.qnn");
}
END_TEST

START_TEST(what_has_no_target_or_no_class_has_no_loss_or_no_sharpness)
{
    static const struct {
        const char *command, *loss;
        int rows;
    } tried[] = {
        {"qnn noise --data sphere:n=30,d=4 --target none --model model.qnn --bits 2 --draws 4 --format json",
         NULL, 0},
        {"qnn noise --data friedman1:n=30 --hidden 5 --bits 2 --draws 4 --format json", "squared", 2},
        {"qnn noise --data spirals:n=30 --hidden 5 --bits 2 --draws 4 --format json", "cross-entropy", 2}};
    run_result t =
        run_expect(0, "qnn train --data sphere:n=50,d=4 --hidden 5 --epochs 1 --quiet --save model.qnn");
    run_free(&t);
    for (size_t k = 0; k < sizeof tried / sizeof *tried; k++) {
        run_result r = run_expect(0, tried[k].command);
        cJSON *tree = json_parse(r.out);
        ck_assert_int_eq(cJSON_GetArraySize(member(tree, "penalty")), tried[k].rows);
        ck_assert_ptr_null(
            cJSON_GetObjectItemCaseSensitive(tree, "sharpness")); /* no class, or nothing trained */
        char text[64];
        snprintf(text, sizeof text, "growth of the %s loss", tried[k].loss != NULL ? tried[k].loss : "");
        ck_assert((strstr(r.err, text) != NULL) == (tried[k].loss != NULL));
        cJSON_Delete(tree);
        run_free(&r);
    }
    run_remove("model.qnn");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, figures_of_a_model_are_those_of_the_library);
    tcase_add_test(tcase, sharpness_over_widths_is_that_of_rounded_models);
    tcase_add_test(tcase, tables_and_sentences_say_the_same);
    tcase_add_test(tcase, what_has_no_target_or_no_class_has_no_loss_or_no_sharpness);
}

int main(void)
{
    return test_main("qnn_noise_penalty", add_tests);
}
