/* qnn validate, run as its users run it; its figures beside those of the library and of plain twins. */
#include "run.h"

#include <stdbool.h>
#include <string.h>

#include "json.h"

/* The same, or both NaN. */
static void expect_same(double actual, double expected, const char *what)
{
    ck_assert_msg(actual == expected || (isnan(actual) && isnan(expected)), "%s: %.17g, expected %.17g", what,
                  actual, expected);
}

/* ---- layers ---- */

/* The members of `layers` from `at` on are those of v, and so are the histograms. */
static void expect_validation(const cJSON *tree, int at, const char *when, const qntk_validation *v)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, "layers");
    for (size_t l = 0; l < v->layers; l++)
        for (size_t m = 0; m < (l + 1 < v->layers ? 4 : 2); m++, at++) {
            const cJSON *row = cJSON_GetArrayItem(rows, at);
            ck_assert_str_eq(json_word(row, "when"), when);
            ck_assert(json_number(row, "layer") == (double)(l + 1));
            ck_assert_str_eq(json_word(row, "moment"), qntk_validate_moment_name((qntk_validate_moment)m));
            expect_same(json_number(row, "max_abs_z"), v->layer[l].max_abs_z[m], "max_abs_z");
            expect_same(json_number(row, "rms_relative_error"), v->layer[l].rms_relative_error[m], "error");
            expect_same(json_number(row, "rms_relative_noise"), v->layer[l].rms_relative_noise[m], "noise");
            expect_same(json_number(row, "ks"), v->layer[l].ks, "ks");
            expect_same(json_number(row, "ks_p"), v->layer[l].ks_p, "ks_p");
        }
}

/* Members of an array of histograms hold `draws` values each; the k-th of the bins between are those in
 * [-6 + k/4, -6 + (k+1)/4). */
static void expect_counts(const cJSON *row, size_t draws, const double *standard)
{
    enum { BINS = 48 };
    const cJSON *counts = json_array(row, "counts", BINS);
    double all = 0;
    for (int b = 0; b < BINS; b++) {
        size_t inside = 0;
        const double low = b == 0 ? -INFINITY : -6 + b / 4.0,
                     high = b == BINS - 1 ? INFINITY : -6 + (b + 1) / 4.0;
        for (size_t k = 0; k < draws; k++)
            inside += standard[k] >= low && standard[k] < high;
        const double count = cJSON_GetArrayItem(counts, b)->valuedouble;
        ck_assert_msg(count == (double)inside, "bin %d: %g, expected %zu", b, count, inside);
        all += count;
    }
    ck_assert(all == (double)draws);
}

/* The lines of a TSV from the one that starts with `first`; where there is none, NULL. */
static const char *from_line(const char *tsv, const char *first)
{
    for (const char *at = tsv; at != NULL && *at != '\0'; at = strchr(at, '\n'), at += at != NULL)
        if (strncmp(at, first, strlen(first)) == 0)
            return at;
    return NULL;
}

/* ---- tangent kernels ---- */

enum { TN = 7, WIDTHS = 2, SEEDS = 3, DEPTH = 2 };

/* |K - formula|/|formula| of one network by explicit gradients, its embedding summed the other way round. */
static double twin_error(const qntk_dataset *data, const size_t *row, size_t width, uint64_t seed,
                         uint64_t embedding)
{
    const size_t sizes[] = {width, width, width, 1}, levels[] = {3, 3, 3};
    const double unit[] = {1};
    qntk_network network;
    qntk_moments_weights layers[3];
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse("qntk:bits=1.58,depth=2,b_std=0.2,quantize=all", &kernel));
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0.2, seed, &network));
    ck_assert_ok(qntk_network_moments(&network, QNTK_ROUNDING_STOCHASTIC, layers));
    const size_t count = qntk_tangent_parameters(layers, 3);
    double *gradient = qntk_alloc(TN * count, sizeof *gradient), *in = qntk_alloc_zero(width, sizeof *in);
    for (size_t i = 0; i < TN; i++) {
        for (size_t k = 0; k < width; k++) {
            qntk_rng rng = qntk_rng_create(embedding, k);
            in[k] = 0;
            for (size_t j = 0; j < data->d; j++)
                in[k] += qntk_rng_normal(&rng) * data->X[row[i] * data->d + j];
            in[k] /= sqrt((double)data->d);
        }
        ck_assert_ok(qntk_tangent_gradient(layers, 3, in, unit, gradient + i * count));
    }
    double off = 0, size = 0;
    for (size_t i = 0; i < TN; i++)
        for (size_t j = 0; j < TN; j++) {
            const double exact =
                qntk_kernel_pair(&kernel, data->d, data->X + row[i] * data->d, data->X + row[j] * data->d);
            double K = 0;
            for (size_t k = 0; k < count; k++)
                K += gradient[i * count + k] * gradient[j * count + k];
            off += (K - exact) * (K - exact);
            size += exact * exact;
        }
    qntk_free(gradient);
    qntk_free(in);
    qntk_network_moments_free(&network, layers);
    qntk_network_free(&network);
    return sqrt(off / size);
}

START_TEST(bad_usage_exits_with_2)
{
    run_complaint(2, "qnn validate", "qnn validate", "give --data");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --draws 9", "--draws");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --hidden 0", "--hidden");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --hidden 8,,8", "--hidden");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --hidden 8,8x", "--hidden");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --weights real", "nothing is rounded");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --weights bits=17", "bits=16");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --model a --hidden 8", "--model");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --model a --scale zscore", "--model");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --model a --tangent", "--tangent");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --model a --missing mean", "which rows?");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --widths 8", "--tangent");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --widths 16,8", "ascending");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --widths 8,8", "ascending");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --depths 0", "--depths");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --depths 1,33", "32");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --seeds 1", "--seeds");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --draws 20", "--tangent");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --hidden 20", "--tangent");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --lazy", "--tangent");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --seeds 1",
                  "at least 2 with --tangent, found 1");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --lazy --seeds 0", "--seeds");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --seeds 3",
                  "--seeds means nothing without --tangent");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --tangent --steps 3", "--lazy");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --pick 1,", "--pick");
    run_complaint(2, "qnn validate", "qnn validate --data spirals --pick 1 --inputs 3", "--inputs");
}
END_TEST

START_TEST(bad_input_exits_with_1)
{
    run_complaint(1, "qnn validate", "qnn validate --data no.csv", "no.csv");
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=50 --pick 3,50",
                  "from 0 to 49, found 50");
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=50 --model no.qnn", "no.qnn");
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=50 --hidden 2000000000,2000000000",
                  "weights");
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=50 --plot x.bmp", "x.bmp");
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=50 --out no/such/folder.tsv",
                  "no/such/folder.tsv");
    run_write("zeros.csv", "a,b\n0,0\n0,0\n0,0\n");
    run_complaint(1, "qnn validate",
                  "qnn validate --data zeros.csv --target none --tangent --widths 4 --seeds 2",
                  "the kernel of these rows is zero");
    run_complaint(1, "qnn validate", "qnn validate --data zeros.csv --target none --lazy --widths 4",
                  "expected a target");
    run_complaint(1, "qnn validate", "qnn validate --data zeros.csv --lazy --widths 4",
                  "the kernel of these rows is zero");
    run_remove("zeros.csv");
    run_write("text.qnn", "not a network\n");
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=50 --model text.qnn", "text.qnn");
    run_remove("text.qnn");
    run_result r =
        run_expect(1, "qnn validate --data spirals:n=50 --hidden 4 --draws 10 --quiet --out /dev/full");
    ck_assert_ptr_nonnull(strstr(r.err, "/dev/full"));
    run_free(&r);
}
END_TEST

START_TEST(networks_without_chance_are_refused)
{
    run_result r =
        run_expect(0, "qnn train --data spirals:n=40 --hidden 4 --epochs 1 --weights real --save real.qnn");
    run_free(&r);
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=40 --model real.qnn",
                  "real weights: nothing is random");
    r = run_expect(0,
                   "qnn train --data spirals:n=40 --hidden 4 --epochs 1 --rounding nearest --save near.qnn");
    run_free(&r);
    run_complaint(1, "qnn validate", "qnn validate --data spirals:n=40 --model near.qnn",
                  "nearest levels: nothing is random");
    run_remove("real.qnn");
    run_remove("near.qnn");
}
END_TEST

START_TEST(figures_are_those_of_the_library)
{
    enum { DRAWS = 60, N = 4, OUTPUTS = 2 };
    static const size_t row[N] = {7, 0, 31, 12}, levels[] = {0, 3, 3};
    run_result r =
        run_expect(0, "qnn validate --data spirals:n=40 --scale zscore --pick 7,0,31,12 --hidden 9,5 "
                      "--weights ternary --first real --last rounded --b-std 0.3 --draws 60 --seed 4 "
                      "--format json");
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 4;
    options.scale = QNTK_SCALE_ZSCORE;
    qntk_dataset data;
    ck_assert_ok(qntk_dataset_read("spirals:n=40", options, &data));
    const size_t sizes[] = {data.d, 9, 5, OUTPUTS};
    double X[N * 16];
    ck_assert_uint_le(data.d, 16);
    for (size_t i = 0; i < N; i++)
        memcpy(X + i * data.d, data.X + row[i] * data.d, data.d * sizeof *X);
    qntk_network network;
    qntk_moments_weights layers[3];
    qntk_validation v;
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0.3, 4, &network));
    ck_assert_ok(qntk_network_moments(&network, QNTK_ROUNDING_STOCHASTIC, layers));
    ck_assert_ok(qntk_validate(layers, 3, N, X, (qntk_validate_options){.draws = DRAWS, .seed = 4}, &v));

    cJSON *tree = json_parse(r.out);
    json_array(tree, "layers", 4 + 4 + 2);
    json_array(tree, "tangent", 0);
    expect_validation(tree, 0, "before", &v);
    ck_assert(isnan(v.layer[0].ks)); /* a real layer on data does not vary */
    const cJSON *histograms = json_array(tree, "histograms", 2), *outputs = json_array(tree, "outputs", 3);
    for (int l = 0; l < 2; l++) {
        ck_assert(json_number(cJSON_GetArrayItem(histograms, l), "layer") == l + 2);
        expect_counts(cJSON_GetArrayItem(histograms, l), DRAWS, v.standard + (l + 1) * DRAWS);
    }
    for (int i = 0; i < 3; i++) {
        const cJSON *output = cJSON_GetArrayItem(outputs, i);
        const size_t best = v.mean[i * OUTPUTS + 1] > v.mean[i * OUTPUTS] ? 1 : 0, at = i * OUTPUTS + best;
        double standard[DRAWS];
        ck_assert(json_number(output, "row") == (double)row[i]);
        ck_assert_str_eq(json_word(output, "output"), data.class_name[best]);
        expect_same(json_number(output, "mean"), v.mean[at], "mean");
        expect_same(json_number(output, "sd"), sqrt(v.variance[at]), "sd");
        for (size_t k = 0; k < DRAWS; k++)
            standard[k] = (v.sample[k * N * OUTPUTS + at] - v.mean[at]) / sqrt(v.variance[at]);
        expect_counts(output, DRAWS, standard);
    }
    ck_assert(json_number(tree, "n") == 40 && json_number(tree, "inputs") == N &&
              json_number(tree, "seed") == 4);
    ck_assert(json_number(tree, "parameters") == (double)qntk_network_parameters(&network));
    ck_assert_ptr_nonnull(strstr(json_word(tree, "command"), "--pick 7,0,31,12"));
    cJSON_Delete(tree);
    qntk_validation_free(&v);
    qntk_network_moments_free(&network, layers);
    qntk_network_free(&network);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

START_TEST(a_model_is_seen_before_and_after_training)
{
    run_result t =
        run_expect(0, "qnn train --data spirals:n=60 --scale zscore --hidden 12,8 --weights bits=2 --b-std "
                      "0.2 --epochs 3 --seed 5 --split 0 --quiet --save model.qnn");
    run_result m =
        run_expect(0, "qnn validate --data spirals:n=60 --model model.qnn --draws 50 --seed 5 --inputs 6");
    run_result f =
        run_expect(0, "qnn validate --data spirals:n=60 --scale zscore --hidden 12,8 --weights bits=2 "
                      "--b-std 0.2 --draws 50 --seed 5 --inputs 6");
    /* before: the figures of a fresh network (but for inputs in single precision) */
    const char *before = from_line(m.out, "before\t1\tmean\t"), *after = from_line(m.out, "after\t1\tmean\t");
    const char *fresh = from_line(f.out, "before\t1\tmean\t");
    ck_assert(before != NULL && after != NULL && fresh != NULL && before < after);
    char *end;
    ck_assert_relative(strtod(before + 14, &end), strtod(fresh + 14, NULL), 1e-4);
    ck_assert(*end == '\t');
    ck_assert_ptr_nonnull(strstr(m.err, "before training"));
    ck_assert_ptr_nonnull(strstr(m.err, "after training"));
    ck_assert_ptr_nonnull(strstr(f.err, "before training"));
    ck_assert_ptr_null(strstr(f.err, "after training"));
    ck_assert_ptr_nonnull(strstr(m.out, "# model_epochs=3\n"));
    run_free(&m);
    run_free(&f);
    /* after: those of the library */
    static qntk_checkpoint c; /* the trainer points into it */
    char path[4096];
    snprintf(path, sizeof path, "%s/model.qnn", run_directory());
    ck_assert_ok(qntk_checkpoint_load(path, &c));
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 5;
    qntk_dataset data;
    ck_assert_ok(qntk_dataset_read("spirals:n=60", options, &data));
    const size_t row[] = {2, 59};
    float x[2 * 16];
    double raw[2 * 16], X[2 * 16];
    ck_assert_uint_le(data.d, 16);
    for (size_t i = 0; i < 2; i++)
        memcpy(raw + i * data.d, data.X + row[i] * data.d, data.d * sizeof *raw);
    ck_assert_ok(qntk_checkpoint_inputs(&c, 2, raw, x));
    for (size_t k = 0; k < 2 * data.d; k++)
        X[k] = (double)x[k];
    qntk_moments_weights layers[3];
    qntk_validation v;
    ck_assert_ok(qntk_network_moments(&c.network, QNTK_ROUNDING_STOCHASTIC, layers));
    ck_assert_ok(qntk_validate(layers, 3, 2, X, (qntk_validate_options){.draws = 40, .seed = 5}, &v));
    m = run_expect(
        0, "qnn validate --data spirals:n=60 --model model.qnn --draws 40 --seed 5 --pick 2,59 --format json "
           "--quiet");
    ck_assert_str_eq(m.err, "");
    cJSON *tree = json_parse(m.out);
    json_array(tree, "layers", 20);
    expect_validation(tree, 10, "after", &v);
    cJSON_Delete(tree);
    qntk_validation_free(&v);
    qntk_network_moments_free(&c.network, layers);
    qntk_checkpoint_free(&c);
    qntk_dataset_free(&data);
    run_free(&m);
    run_free(&t);
    run_remove("model.qnn");
}
END_TEST

START_TEST(tangent_errors_and_rates_are_those_of_explicit_gradients)
{
    static const size_t row[TN] = {0, 3, 5, 8, 13, 21, 29}, width[WIDTHS] = {6, 20};
    run_result r =
        run_expect(0, "qnn validate --data sphere:n=30,d=4 --pick 0,3,5,8,13,21,29 --tangent --widths 6,20 "
                      "--depths 2 --weights ternary --last rounded --b-std 0.2 --seeds 3 --seed 9 --format "
                      "json");
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 9;
    qntk_dataset data;
    ck_assert_ok(qntk_dataset_read("sphere:n=30,d=4", options, &data));
    cJSON *tree = json_parse(r.out);
    const cJSON *cells = json_array(tree, "tangent", WIDTHS), *rates = json_array(tree, "rates", 1);
    json_array(tree, "layers", 0);
    double mean_log[WIDTHS] = {0}, squares = 0;
    for (size_t w = 0; w < WIDTHS; w++) {
        qntk_rng rng = qntk_rng_create(9, (UINT64_C(0x74616e67) << 32) + w);
        double error[SEEDS], mean = 0, square = 0;
        for (size_t s = 0; s < SEEDS; s++) {
            const uint64_t seed = qntk_rng_bits(&rng), embedding = qntk_rng_bits(&rng);
            error[s] = twin_error(&data, row, width[w], seed, embedding);
            mean += error[s] / SEEDS;
            mean_log[w] += log(error[s]) / SEEDS;
        }
        for (size_t s = 0; s < SEEDS; s++) {
            square += pow(error[s] - mean, 2) / (SEEDS - 1);
            squares += pow(log(error[s]) - mean_log[w], 2);
        }
        const cJSON *cell = cJSON_GetArrayItem(cells, (int)w);
        ck_assert_str_eq(json_word(cell, "weights"), "ternary");
        ck_assert(json_number(cell, "depth") == DEPTH && json_number(cell, "width") == (double)width[w]);
        ck_assert(json_number(cell, "seeds") == SEEDS);
        ck_assert_relative(json_number(cell, "error"), mean, 1e-9);
        ck_assert_relative(json_number(cell, "error_sd"), sqrt(square), 1e-9);
        ck_assert_relative(json_number(cell, "error_se"), sqrt(square / SEEDS), 1e-9);
    }
    /* of two widths the line passes through both means, and its error is that of their difference */
    const double gap = log((double)width[1] / (double)width[0]), rate = (mean_log[1] - mean_log[0]) / gap;
    const double error = sqrt(squares / (2 * SEEDS - 2) * 2 / SEEDS) / gap;
    ck_assert_relative(json_number(cJSON_GetArrayItem(rates, 0), "rate"), rate, 1e-9);
    ck_assert_relative(json_number(cJSON_GetArrayItem(rates, 0), "rate_se"), error, 1e-9);
    ck_assert_relative(json_number(cJSON_GetArrayItem(rates, 0), "log_scale"),
                       mean_log[0] - rate * log((double)width[0]), 1e-9);
    cJSON_Delete(tree);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

START_TEST(three_kinds_of_weights_at_three_depths_unless_told)
{
    run_result r =
        run_expect(0, "qnn validate --data sphere:n=9,d=4 --tangent --widths 5,9 --seeds 2 --format json");
    static const char *const law[] = {"real", "binary", "ternary"};
    cJSON *tree = json_parse(r.out);
    const cJSON *cells = json_array(tree, "tangent", 18);
    for (int k = 0; k < 18; k++) {
        const cJSON *cell = cJSON_GetArrayItem(cells, k);
        ck_assert_str_eq(json_word(cell, "weights"), law[k / 6]);
        ck_assert(json_number(cell, "depth") == k / 2 % 3 + 1);
        ck_assert(json_number(cell, "width") == (k % 2 == 0 ? 5 : 9));
        ck_assert(json_number(cell, "error") > 0);
    }
    json_array(tree, "rates", 9);
    ck_assert(json_number(tree, "inputs") == 9); /* all there are */
    ck_assert_ptr_nonnull(strstr(r.err, "in 9 of 9") != NULL ? r.err
                                                             : strstr(r.err, " of 9; the furthest is "));
    cJSON_Delete(tree);
    run_free(&r);
    r = run_expect(
        0, "qnn validate --data sphere:n=9,d=4 --tangent --widths 5 --depths 1 --weights bits=3 --seeds 2");
    ck_assert_ptr_nonnull(from_line(r.out, "bits=3\t1\t5\t"));
    ck_assert_ptr_null(strstr(r.out, "# rate[")); /* nothing to fit */
    run_free(&r);
}
END_TEST

/* ---- all ---- */

START_TEST(the_number_of_threads_changes_no_byte)
{
    static const char *const arguments[] = {
        "qnn validate --data sphere:n=30,d=5 --hidden 30,20 --draws 70 --seed 3",
        "qnn validate --data sphere:n=30,d=5 --tangent --widths 8,16 --seeds 2 --seed 3",
        "qnn validate --data sphere:n=30,d=5 --lazy --widths 8,16 --seeds 5 --steps 4 --seed 3",
    };
    for (size_t i = 0; i < 3; i++) {
        char command[256];
        snprintf(command, sizeof command, "%s --threads 1", arguments[i]);
        run_result one = run_expect(0, command);
        snprintf(command, sizeof command, "%s --threads 3", arguments[i]);
        run_result more = run_expect(0, command);
        ck_assert_str_eq(one.out, more.out);
        ck_assert_str_eq(one.err, more.err);
        run_free(&more);
        snprintf(command, sizeof command, "%.*s --seed 4", (int)strlen(arguments[i]) - 9, arguments[i]);
        more = run_expect(0, command);
        ck_assert_str_ne(strchr(strstr(one.out, "# n="), '\n'), strchr(strstr(more.out, "# n="), '\n'));
        run_free(&one);
        run_free(&more);
    }
}
END_TEST

START_TEST(a_sentence_says_what_agrees)
{
    /* sums of many independent numbers */
    run_result r = run_expect(0, "qnn validate --data sphere:n=20,d=300 --hidden 200 --draws 200");
    ck_assert_ptr_nonnull(
        strstr(r.err, "Means and variances of all layers agree within twice the sampling noise.\n"));
    ck_assert_ptr_nonnull(strstr(r.err, "pass for normal in all layers"));
    run_free(&r);
    /* sums of two */
    r = run_expect(0, "qnn validate --data spirals:n=20 --hidden 50 --draws 2000");
    ck_assert_ptr_nonnull(strstr(r.err, "agree within twice the sampling noise but for layer 1: output"));
    ck_assert_ptr_nonnull(strstr(r.err, "not normal by Kolmogorov's test in layer 1"));
    run_free(&r);
}
END_TEST

START_TEST(an_interrupted_run_keeps_what_is_complete)
{
    run_result r = run_program("qnn validate --data sphere:n=30,d=5 --tangent --weights binary --depths 3 "
                               "--widths 4,1500 --seeds 500",
                               2);
    ck_assert_msg(r.code == 130, "exit %d: %s", r.code, r.err);
    ck_assert_ptr_nonnull(strstr(r.err, "nterrupt"));
    if (r.out[0] != '\0') { /* not so where a machine needs two seconds for a width of 4 */
        const char *row = from_line(r.out, "binary\t3\t4\t");
        ck_assert_ptr_nonnull(row);
        ck_assert_str_eq(strchr(row, '\n'), "\n");
    }
    run_free(&r);
}
END_TEST

START_TEST(pictures_are_drawn)
{
    run_result first =
        run_program("qnn validate --data spirals:n=30 --hidden 3 --draws 10 --quiet --plot a.svg", 0);
    const bool missing = strstr(first.err, "gnuplot is not installed") != NULL;
    run_free(&first);
    if (missing) {
        test_skip("no gnuplot");
        return;
    }
    static const char *const arguments[] = {
        "qnn validate --data spirals:n=30 --hidden 9,9,9,9 --draws 20 --quiet --plot a.svg",
        "qnn validate --data friedman1:n=30 --hidden 9 --inputs 1 --draws 20 --quiet --format json --plot "
        "a.svg",
        "qnn validate --data spirals:n=30 --tangent --widths 7,20 --seeds 2 --quiet --plot a.svg",
        "qnn validate --data spirals:n=30 --tangent --widths 7 --weights bits=2 --seeds 2 --quiet --plot "
        "a.svg",
        "qnn validate --data spirals:n=30 --lazy --widths 7,12 --seeds 2 --steps 3 --quiet --plot a.svg",
        "qnn validate --data spirals:n=30 --lazy --widths 7 --seeds 1 --weights real --steps 3 --quiet "
        "--plot a.svg",
    };
    static const char *const texts[] = {"before: layer 5", "before: row ",   "ternary weights",
                                        "bits=2 weights",  "binary weights", "real weights"};
    for (size_t i = 0; i < 6; i++) {
        run_result r = run_expect(0, arguments[i]);
        ck_assert_str_eq(r.err, "");
        char *picture = run_read("a.svg");
        ck_assert_ptr_nonnull(picture);
        ck_assert_msg(strstr(picture, texts[i]) != NULL, "%s: no '%s' in the picture", arguments[i],
                      texts[i]);
        free(picture);
        run_free(&r);
        run_remove("a.svg");
    }
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, bad_input_exits_with_1);
    tcase_add_test(tcase, networks_without_chance_are_refused);
    tcase_add_test(tcase, figures_are_those_of_the_library);
    tcase_add_test(tcase, a_model_is_seen_before_and_after_training);
    tcase_add_test(tcase, tangent_errors_and_rates_are_those_of_explicit_gradients);
    tcase_add_test(tcase, three_kinds_of_weights_at_three_depths_unless_told);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, a_sentence_says_what_agrees);
    tcase_add_test(tcase, an_interrupted_run_keeps_what_is_complete);
    tcase_add_test(tcase, pictures_are_drawn);
}

int main(void)
{
    return test_main("qnn_validate", add_tests);
}
