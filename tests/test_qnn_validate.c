/* qnn validate, run as its users run it; its figures beside those of the library and of plain twins. */
#include "run.h"

#include <stdbool.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Runs and expects this exit code; the caller frees. */
static run_result expect(int code, const char *arguments)
{
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d; it said: %s", arguments, r.code, code, r.err);
    return r;
}

/* Runs, expects the code, silence on standard output and one line of complaint with this text (usage errors:
 * two). */
static void expect_complaint(int code, const char *arguments, const char *text)
{
    run_result r = expect(code, arguments);
    size_t lines = 0;
    for (const char *at = r.err; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_msg(strncmp(r.err, "qnn validate: ", 14) == 0, "%s: it said: %s", arguments, r.err);
    ck_assert_msg(strstr(r.err, text) != NULL, "%s: expected '%s' in: %s", arguments, text, r.err);
    ck_assert_msg(lines == (code == 2 ? 2 : 1), "%s: %zu lines: %s", arguments, lines, r.err);
    ck_assert_msg(r.out[0] == '\0', "%s: wrote to standard output", arguments);
    run_free(&r);
}

static cJSON *parse(const char *text)
{
    cJSON *tree = cJSON_Parse(text);
    ck_assert_msg(tree != NULL, "no JSON: %s", text);
    return tree;
}

/* NaN for null. */
static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(item != NULL, "no member %s", key);
    ck_assert_msg(cJSON_IsNumber(item) || cJSON_IsNull(item), "%s is no number", key);
    return cJSON_IsNull(item) ? NAN : item->valuedouble;
}

static const char *word(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(cJSON_IsString(item), "%s is no text", key);
    return item->valuestring;
}

static cJSON *array(const cJSON *tree, const char *key, int size)
{
    cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, key);
    ck_assert_msg(cJSON_IsArray(item), "no array %s", key);
    ck_assert_msg(cJSON_GetArraySize(item) == size, "%s has %d members, expected %d", key,
                  cJSON_GetArraySize(item), size);
    return item;
}

/* The same, or both NaN. */
static void expect_same(double actual, double expected, const char *what)
{
    ck_assert_msg(actual == expected || (isnan(actual) && isnan(expected)), "%s: %.17g, expected %.17g", what,
                  actual, expected);
}

START_TEST(bad_usage_exits_with_2)
{
    expect_complaint(2, "qnn validate", "give --data");
    expect_complaint(2, "qnn validate --data spirals --draws 9", "--draws");
    expect_complaint(2, "qnn validate --data spirals --hidden 0", "--hidden");
    expect_complaint(2, "qnn validate --data spirals --hidden 8,,8", "--hidden");
    expect_complaint(2, "qnn validate --data spirals --hidden 8,8x", "--hidden");
    expect_complaint(2, "qnn validate --data spirals --weights real", "nothing is rounded");
    expect_complaint(2, "qnn validate --data spirals --weights bits=17", "bits=16");
    expect_complaint(2, "qnn validate --data spirals --model a --hidden 8", "--model");
    expect_complaint(2, "qnn validate --data spirals --model a --scale zscore", "--model");
    expect_complaint(2, "qnn validate --data spirals --model a --tangent", "--tangent");
    expect_complaint(2, "qnn validate --data spirals --model a --missing mean", "which rows?");
    expect_complaint(2, "qnn validate --data spirals --widths 8", "--tangent");
    expect_complaint(2, "qnn validate --data spirals --tangent --widths 16,8", "ascending");
    expect_complaint(2, "qnn validate --data spirals --tangent --widths 8,8", "ascending");
    expect_complaint(2, "qnn validate --data spirals --tangent --depths 0", "--depths");
    expect_complaint(2, "qnn validate --data spirals --tangent --depths 1,33", "32");
    expect_complaint(2, "qnn validate --data spirals --tangent --seeds 1", "--seeds");
    expect_complaint(2, "qnn validate --data spirals --tangent --draws 20", "--tangent");
    expect_complaint(2, "qnn validate --data spirals --tangent --hidden 20", "--tangent");
    expect_complaint(2, "qnn validate --data spirals --tangent --lazy", "--tangent");
    expect_complaint(2, "qnn validate --data spirals --tangent --seeds 1",
                     "at least 2 with --tangent, found 1");
    expect_complaint(2, "qnn validate --data spirals --lazy --seeds 0", "--seeds");
    expect_complaint(2, "qnn validate --data spirals --seeds 3", "--seeds means nothing without --tangent");
    expect_complaint(2, "qnn validate --data spirals --tangent --steps 3", "--lazy");
    expect_complaint(2, "qnn validate --data spirals --pick 1,", "--pick");
    expect_complaint(2, "qnn validate --data spirals --pick 1 --inputs 3", "--inputs");
}
END_TEST

static void write_text(const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", run_directory(), name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(bad_input_exits_with_1)
{
    expect_complaint(1, "qnn validate --data no.csv", "no.csv");
    expect_complaint(1, "qnn validate --data spirals:n=50 --pick 3,50", "from 0 to 49, found 50");
    expect_complaint(1, "qnn validate --data spirals:n=50 --model no.qnn", "no.qnn");
    expect_complaint(1, "qnn validate --data spirals:n=50 --hidden 2000000000,2000000000", "weights");
    expect_complaint(1, "qnn validate --data spirals:n=50 --plot x.bmp", "x.bmp");
    expect_complaint(1, "qnn validate --data spirals:n=50 --out no/such/folder.tsv", "no/such/folder.tsv");
    write_text("zeros.csv", "a,b\n0,0\n0,0\n0,0\n");
    expect_complaint(1, "qnn validate --data zeros.csv --target none --tangent --widths 4 --seeds 2",
                     "the kernel of these rows is zero");
    expect_complaint(1, "qnn validate --data zeros.csv --target none --lazy --widths 4", "expected a target");
    expect_complaint(1, "qnn validate --data zeros.csv --lazy --widths 4",
                     "the kernel of these rows is zero");
    run_remove("zeros.csv");
    write_text("text.qnn", "not a network\n");
    expect_complaint(1, "qnn validate --data spirals:n=50 --model text.qnn", "text.qnn");
    run_remove("text.qnn");
    run_result r =
        expect(1, "qnn validate --data spirals:n=50 --hidden 4 --draws 10 --quiet --out /dev/full");
    ck_assert_ptr_nonnull(strstr(r.err, "/dev/full"));
    run_free(&r);
}
END_TEST

START_TEST(networks_without_chance_are_refused)
{
    run_result r =
        expect(0, "qnn train --data spirals:n=40 --hidden 4 --epochs 1 --weights real --save real.qnn");
    run_free(&r);
    expect_complaint(1, "qnn validate --data spirals:n=40 --model real.qnn",
                     "real weights: nothing is random");
    r = expect(0, "qnn train --data spirals:n=40 --hidden 4 --epochs 1 --rounding nearest --save near.qnn");
    run_free(&r);
    expect_complaint(1, "qnn validate --data spirals:n=40 --model near.qnn",
                     "nearest levels: nothing is random");
    run_remove("real.qnn");
    run_remove("near.qnn");
}
END_TEST

/* ---- layers ---- */

/* The members of `layers` from `at` on are those of v, and so are the histograms. */
static void expect_validation(const cJSON *tree, int at, const char *when, const qntk_validation *v)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, "layers");
    for (size_t l = 0; l < v->layers; l++)
        for (size_t m = 0; m < (l + 1 < v->layers ? 4 : 2); m++, at++) {
            const cJSON *row = cJSON_GetArrayItem(rows, at);
            ck_assert_str_eq(word(row, "when"), when);
            ck_assert(number(row, "layer") == (double)(l + 1));
            ck_assert_str_eq(word(row, "moment"), qntk_validate_moment_name((qntk_validate_moment)m));
            expect_same(number(row, "max_abs_z"), v->layer[l].max_abs_z[m], "max_abs_z");
            expect_same(number(row, "rms_relative_error"), v->layer[l].rms_relative_error[m], "error");
            expect_same(number(row, "rms_relative_noise"), v->layer[l].rms_relative_noise[m], "noise");
            expect_same(number(row, "ks"), v->layer[l].ks, "ks");
            expect_same(number(row, "ks_p"), v->layer[l].ks_p, "ks_p");
        }
}

/* Members of an array of histograms hold `draws` values each; the k-th of the bins between are those in
 * [-6 + k/4, -6 + (k+1)/4). */
static void expect_counts(const cJSON *row, size_t draws, const double *standard)
{
    enum { BINS = 48 };
    const cJSON *counts = array(row, "counts", BINS);
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

START_TEST(figures_are_those_of_the_library)
{
    enum { DRAWS = 60, N = 4, OUTPUTS = 2 };
    static const size_t row[N] = {7, 0, 31, 12}, levels[] = {0, 3, 3};
    run_result r = expect(0, "qnn validate --data spirals:n=40 --scale zscore --pick 7,0,31,12 --hidden 9,5 "
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

    cJSON *tree = parse(r.out);
    array(tree, "layers", 4 + 4 + 2);
    array(tree, "tangent", 0);
    expect_validation(tree, 0, "before", &v);
    ck_assert(isnan(v.layer[0].ks)); /* a real layer on data does not vary */
    const cJSON *histograms = array(tree, "histograms", 2), *outputs = array(tree, "outputs", 3);
    for (int l = 0; l < 2; l++) {
        ck_assert(number(cJSON_GetArrayItem(histograms, l), "layer") == l + 2);
        expect_counts(cJSON_GetArrayItem(histograms, l), DRAWS, v.standard + (l + 1) * DRAWS);
    }
    for (int i = 0; i < 3; i++) {
        const cJSON *output = cJSON_GetArrayItem(outputs, i);
        const size_t best = v.mean[i * OUTPUTS + 1] > v.mean[i * OUTPUTS] ? 1 : 0, at = i * OUTPUTS + best;
        double standard[DRAWS];
        ck_assert(number(output, "row") == (double)row[i]);
        ck_assert_str_eq(word(output, "output"), data.class_name[best]);
        expect_same(number(output, "mean"), v.mean[at], "mean");
        expect_same(number(output, "sd"), sqrt(v.variance[at]), "sd");
        for (size_t k = 0; k < DRAWS; k++)
            standard[k] = (v.sample[k * N * OUTPUTS + at] - v.mean[at]) / sqrt(v.variance[at]);
        expect_counts(output, DRAWS, standard);
    }
    ck_assert(number(tree, "n") == 40 && number(tree, "inputs") == N && number(tree, "seed") == 4);
    ck_assert(number(tree, "parameters") == (double)qntk_network_parameters(&network));
    ck_assert_ptr_nonnull(strstr(word(tree, "command"), "--pick 7,0,31,12"));
    cJSON_Delete(tree);
    qntk_validation_free(&v);
    qntk_network_moments_free(&network, layers);
    qntk_network_free(&network);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

/* The lines of a TSV from the one that starts with `first`; where there is none, NULL. */
static const char *from_line(const char *tsv, const char *first)
{
    for (const char *at = tsv; at != NULL && *at != '\0'; at = strchr(at, '\n'), at += at != NULL)
        if (strncmp(at, first, strlen(first)) == 0)
            return at;
    return NULL;
}

START_TEST(a_model_is_seen_before_and_after_training)
{
    run_result t =
        expect(0, "qnn train --data spirals:n=60 --scale zscore --hidden 12,8 --weights bits=2 --b-std "
                  "0.2 --epochs 3 --seed 5 --split 0 --quiet --save model.qnn");
    run_result m =
        expect(0, "qnn validate --data spirals:n=60 --model model.qnn --draws 50 --seed 5 --inputs 6");
    run_result f = expect(0, "qnn validate --data spirals:n=60 --scale zscore --hidden 12,8 --weights bits=2 "
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
    ck_assert_ptr_nonnull(strstr(m.out, "# epochs=3\n"));
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
    m = expect(
        0, "qnn validate --data spirals:n=60 --model model.qnn --draws 40 --seed 5 --pick 2,59 --format json "
           "--quiet");
    ck_assert_str_eq(m.err, "");
    cJSON *tree = parse(m.out);
    array(tree, "layers", 20);
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

START_TEST(tangent_errors_and_rates_are_those_of_explicit_gradients)
{
    static const size_t row[TN] = {0, 3, 5, 8, 13, 21, 29}, width[WIDTHS] = {6, 20};
    run_result r =
        expect(0, "qnn validate --data sphere:n=30,d=4 --pick 0,3,5,8,13,21,29 --tangent --widths 6,20 "
                  "--depths 2 --weights ternary --last rounded --b-std 0.2 --seeds 3 --seed 9 --format "
                  "json");
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 9;
    qntk_dataset data;
    ck_assert_ok(qntk_dataset_read("sphere:n=30,d=4", options, &data));
    cJSON *tree = parse(r.out);
    const cJSON *cells = array(tree, "tangent", WIDTHS), *rates = array(tree, "rates", 1);
    array(tree, "layers", 0);
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
        ck_assert_str_eq(word(cell, "weights"), "ternary");
        ck_assert(number(cell, "depth") == DEPTH && number(cell, "width") == (double)width[w]);
        ck_assert(number(cell, "seeds") == SEEDS);
        ck_assert_relative(number(cell, "error"), mean, 1e-9);
        ck_assert_relative(number(cell, "error_sd"), sqrt(square), 1e-9);
        ck_assert_relative(number(cell, "error_se"), sqrt(square / SEEDS), 1e-9);
    }
    /* of two widths the line passes through both means, and its error is that of their difference */
    const double gap = log((double)width[1] / (double)width[0]), rate = (mean_log[1] - mean_log[0]) / gap;
    const double error = sqrt(squares / (2 * SEEDS - 2) * 2 / SEEDS) / gap;
    ck_assert_relative(number(cJSON_GetArrayItem(rates, 0), "rate"), rate, 1e-9);
    ck_assert_relative(number(cJSON_GetArrayItem(rates, 0), "rate_se"), error, 1e-9);
    ck_assert_relative(number(cJSON_GetArrayItem(rates, 0), "log_scale"),
                       mean_log[0] - rate * log((double)width[0]), 1e-9);
    cJSON_Delete(tree);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

START_TEST(three_kinds_of_weights_at_three_depths_unless_told)
{
    run_result r =
        expect(0, "qnn validate --data sphere:n=9,d=4 --tangent --widths 5,9 --seeds 2 --format json");
    static const char *const law[] = {"real", "binary", "ternary"};
    cJSON *tree = parse(r.out);
    const cJSON *cells = array(tree, "tangent", 18);
    for (int k = 0; k < 18; k++) {
        const cJSON *cell = cJSON_GetArrayItem(cells, k);
        ck_assert_str_eq(word(cell, "weights"), law[k / 6]);
        ck_assert(number(cell, "depth") == k / 2 % 3 + 1);
        ck_assert(number(cell, "width") == (k % 2 == 0 ? 5 : 9));
        ck_assert(number(cell, "error") > 0);
    }
    array(tree, "rates", 9);
    ck_assert(number(tree, "inputs") == 9); /* all there are */
    ck_assert_ptr_nonnull(strstr(r.err, "in 9 of 9") != NULL ? r.err
                                                             : strstr(r.err, " of 9; the furthest is "));
    cJSON_Delete(tree);
    run_free(&r);
    r = expect(
        0, "qnn validate --data sphere:n=9,d=4 --tangent --widths 5 --depths 1 --weights bits=3 --seeds 2");
    ck_assert_ptr_nonnull(from_line(r.out, "bits=3\t1\t5\t"));
    ck_assert_ptr_null(strstr(r.out, "# rate[")); /* nothing to fit */
    run_free(&r);
}
END_TEST

/* ---- lazy training ---- */

enum { LN = 6, LW = 8, LSTEPS = 5 };

/* r' = -K r/n from `from` for the time, by the classical Runge-Kutta method. */
static void integrate(const double *K, double time, const double *from, double *r)
{
    enum { PARTS = 400 };
    const double h = time / PARTS, share[] = {0, h / 2, h / 2, h}, weight[] = {h / 6, h / 3, h / 3, h / 6};
    memcpy(r, from, LN * sizeof *r);
    for (size_t part = 0; part < PARTS; part++) {
        double slope[LN] = {0}, sum[LN] = {0};
        for (size_t stage = 0; stage < 4; stage++) {
            double next[LN] = {0};
            for (size_t i = 0; i < LN; i++)
                for (size_t j = 0; j < LN; j++)
                    next[i] -= K[i * LN + j] * (r[j] + share[stage] * slope[j]) / LN;
            memcpy(slope, next, sizeof slope);
            for (size_t i = 0; i < LN; i++)
                sum[i] += weight[stage] * slope[i];
        }
        for (size_t i = 0; i < LN; i++)
            r[i] += sum[i];
    }
}

static double norm(size_t count, const double *x)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

/* Gradients of all rows, (LN, LW LW + LW), and K from them. */
static void twin_kernel(const qntk_moments_weights *layers, const double *X, double *gradient, double *K)
{
    const size_t count = LW * LW + LW;
    const double unit = 1;
    ck_assert_uint_eq(qntk_tangent_parameters(layers, 2), count);
    for (size_t i = 0; i < LN; i++)
        ck_assert_ok(qntk_tangent_gradient(layers, 2, X + i * LW, &unit, gradient + i * count));
    for (size_t i = 0; i < LN; i++)
        for (size_t j = 0; j < LN; j++) {
            K[i * LN + j] = 0;
            for (size_t k = 0; k < count; k++)
                K[i * LN + j] += gradient[i * count + k] * gradient[j * count + k];
        }
}

/* The target with mean 0 and variance 1. */
static void twin_targets(const qntk_dataset *data, double *y)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < LN; i++)
        mean += data->y[i] / LN;
    for (size_t i = 0; i < LN; i++)
        square += pow(data->y[i] - mean, 2) / LN;
    for (size_t i = 0; i < LN; i++)
        y[i] = (data->y[i] - mean) / sqrt(square);
}

/* The rows through a random linear layer of width LW. */
static void twin_embed(const qntk_dataset *data, uint64_t embedding, double *X)
{
    memset(X, 0, LN * LW * sizeof *X);
    for (size_t k = 0; k < LW; k++) {
        qntk_rng direction = qntk_rng_create(embedding, k);
        for (size_t j = 0; j < data->d; j++) {
            const double z = qntk_rng_normal(&direction) / sqrt((double)data->d);
            for (size_t i = 0; i < LN; i++)
                X[i * LW + k] += z * data->X[i * data->d + j];
        }
    }
}

/* The largest eigenvalue of K, by powers. */
static double twin_largest(const double *K)
{
    double v[LN], largest = 0;
    for (size_t i = 0; i < LN; i++)
        v[i] = 1;
    for (size_t round = 0; round < 2000; round++) {
        double next[LN] = {0};
        for (size_t i = 0; i < LN; i++)
            for (size_t j = 0; j < LN; j++)
                next[i] += K[i * LN + j] * v[j];
        largest = norm(LN, next) / norm(LN, v);
        for (size_t i = 0; i < LN; i++)
            v[i] = next[i] / norm(LN, next);
    }
    return largest;
}

START_TEST(lazy_training_is_plain_descent_beside_its_linear_equation)
{
    enum { COUNT = LW * LW + LW };
    run_result r =
        expect(0, "qnn validate --data friedman1:n=6 --lazy --widths 8 --weights binary --steps 5 --seed 2 "
                  "--seeds 1 --format json");
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 2;
    qntk_dataset data;
    ck_assert_ok(qntk_dataset_read("friedman1:n=6", options, &data));
    ck_assert_uint_eq(data.n, LN);
    qntk_rng rng = qntk_rng_create(2, UINT64_C(0x6c617a79) << 32);
    const uint64_t seed = qntk_rng_bits(&rng), embedding = qntk_rng_bits(&rng);
    const size_t sizes[] = {LW, LW, 1}, levels[] = {2, 0};
    qntk_network network;
    qntk_moments_weights layers[2];
    static double theta[COUNT], start[COUNT], gradient[LN * COUNT];
    double X[LN * LW], K[LN * LN], K0[LN * LN], y[LN], r0[LN], now[LN], linear[LN], flow[LN];
    ck_assert_ok(qntk_network_create(2, sizes, levels, 0, seed, &network));
    ck_assert_ok(qntk_network_moments(&network, QNTK_ROUNDING_STOCHASTIC, layers));
    memcpy(theta, layers[0].latent, LW * LW * sizeof *theta);
    memcpy(theta + LW * LW, layers[1].latent, LW * sizeof *theta);
    memcpy(start, theta, sizeof start);
    qntk_moments_weights moving[] = {layers[0], layers[1]};
    moving[0].bias = moving[1].bias = NULL; /* no part of a network of b_std 0 */
    moving[0].latent = theta;
    moving[1].latent = theta + LW * LW;
    twin_targets(&data, y);
    twin_embed(&data, embedding, X);
    twin_kernel(moving, X, gradient, K0);
    const double rate = 0.1 * LN / twin_largest(K0);
    cJSON *tree = parse(r.out);
    const cJSON *rows = array(tree, "lazy", LSTEPS + 1);
    array(tree, "layers", 0);
    array(tree, "tangent", 0);
    for (int step = 0; step <= LSTEPS; step++) {
        double off[LN], off_weights[COUNT], off_kernel[LN * LN];
        ck_assert_ok(qntk_moments_propagate(moving, 2, LN, X, now, NULL));
        for (size_t i = 0; i < LN; i++)
            now[i] -= y[i];
        if (step == 0) {
            memcpy(r0, now, sizeof r0);
            memcpy(linear, now, sizeof linear);
        }
        twin_kernel(moving, X, gradient, K);
        integrate(K0, rate * step, r0, flow);
        for (size_t i = 0; i < LN; i++)
            off[i] = now[i] - linear[i];
        for (size_t k = 0; k < COUNT; k++)
            off_weights[k] = theta[k] - start[k];
        for (size_t k = 0; k < LN * LN; k++)
            off_kernel[k] = K[k] - K0[k];
        const cJSON *row = cJSON_GetArrayItem(rows, step);
        ck_assert(number(row, "step") == step && number(row, "width") == LW && number(row, "depth") == 1);
        ck_assert_close(number(row, "time"), 0.1 * step, 1e-12, 1);
        ck_assert_relative(number(row, "loss"), pow(norm(LN, now), 2) / (2 * LN), 1e-9);
        ck_assert_relative(number(row, "loss_kernel"), pow(norm(LN, linear), 2) / (2 * LN), 1e-9);
        ck_assert_relative(number(row, "loss_flow"), pow(norm(LN, flow), 2) / (2 * LN), 1e-9);
        ck_assert_close(number(row, "distance"), norm(LN, off) / norm(LN, r0), 1e-9, 1);
        ck_assert_close(number(row, "kernel_change"), norm(LN * LN, off_kernel) / norm(LN * LN, K0), 1e-9, 1);
        ck_assert_close(number(row, "weights_change"), norm(COUNT, off_weights) / norm(COUNT, start), 1e-9,
                        1);
        double next[LN];
        for (size_t i = 0; i < LN; i++) {
            next[i] = linear[i];
            for (size_t j = 0; j < LN; j++)
                next[i] -= rate * K0[i * LN + j] * linear[j] / LN;
        }
        memcpy(linear, next, sizeof linear);
        for (size_t k = 0; k < COUNT; k++) {
            for (size_t i = 0; i < LN; i++)
                theta[k] -= rate * now[i] / LN * gradient[i * COUNT + k];
            if (k < LW * LW)
                theta[k] = fmin(fmax(theta[k], -1), 1);
        }
    }
    ck_assert(number(cJSON_GetArrayItem(rows, LSTEPS), "kernel_change") > 1e-6); /* it moves at all */
    cJSON_Delete(tree);
    qntk_network_moments_free(&network, layers);
    qntk_network_free(&network);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

START_TEST(wider_networks_train_more_lazily)
{
    run_result r =
        expect(0, "qnn validate --data friedman1:n=30 --inputs 8 --lazy --widths 16,256 --weights real "
                  "--steps 40 --seeds 4 --format json");
    cJSON *tree = parse(r.out);
    const cJSON *rows = array(tree, "lazy", 42), *narrow = cJSON_GetArrayItem(rows, 20),
                *wide = cJSON_GetArrayItem(rows, 41);
    ck_assert(number(narrow, "step") == 40 && number(wide, "step") == 40);
    ck_assert(number(wide, "loss") < number(cJSON_GetArrayItem(rows, 21), "loss"));
    ck_assert(number(wide, "distance") < number(narrow, "distance")); /* theory: a quarter, or less */
    ck_assert(number(wide, "kernel_change") < number(narrow, "kernel_change"));
    ck_assert(number(wide, "weights_change") < number(narrow, "weights_change"));
    ck_assert_ptr_nonnull(strstr(r.err, "40 steps of gradient descent on 8 rows"));
    ck_assert_ptr_nonnull(strstr(r.err, "mean +- se over 4 networks"));
    const cJSON *rates = array(tree, "rates", 3);
    const double weights = number(cJSON_GetArrayItem(rates, 2), "rate");
    ck_assert_close(weights, -1, 4 * number(cJSON_GetArrayItem(rates, 2), "rate_se") + 0.1,
                    1); /* O(1) / width */
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

/* Last values of one and of two networks for each width: the second by difference. */
START_TEST(means_errors_and_rates_are_those_of_the_networks)
{
    static const char *const quantity[] = {"distance", "kernel_change", "weights_change"};
    static const double widths[] = {8, 16, 48};
    const char *command =
        "qnn validate --data spirals:n=12 --inputs 5 --lazy --widths 8,16,48 --weights ternary --steps "
        "6 --format json --quiet --seeds";
    char text[256];
    cJSON *tree[2];
    for (int k = 0; k < 2; k++) {
        snprintf(text, sizeof text, "%s %d", command, k + 1);
        run_result r = expect(0, text);
        tree[k] = parse(r.out);
        run_free(&r);
    }
    const cJSON *rates = array(tree[1], "rates", 3), *one = array(tree[0], "lazy", 21),
                *two = array(tree[1], "lazy", 21);
    for (int q = 0; q < 3; q++) {
        double x[6], y[6], mx = 0, my = 0, xx = 0, xy = 0, rest = 0;
        for (int w = 0; w < 3; w++) {
            const cJSON *row = cJSON_GetArrayItem(two, 7 * w + 6);
            char se[64];
            snprintf(se, sizeof se, "%s_se", quantity[q]);
            const double a = number(cJSON_GetArrayItem(one, 7 * w + 6), quantity[q]);
            const double b = 2 * number(row, quantity[q]) - a;
            ck_assert(number(row, "step") == 6 && number(row, "seeds") == 2 &&
                      number(row, "width") == widths[w]);
            ck_assert_relative(number(row, se), fabs(a - b) / 2, 1e-9);
            ck_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(one, 7 * w + 6), se)));
            x[2 * w] = x[2 * w + 1] = log(widths[w]);
            y[2 * w] = log(a);
            y[2 * w + 1] = log(b);
        }
        for (int k = 0; k < 6; k++) {
            mx += x[k] / 6;
            my += y[k] / 6;
        }
        for (int k = 0; k < 6; k++) {
            xx += (x[k] - mx) * (x[k] - mx);
            xy += (x[k] - mx) * (y[k] - my);
        }
        for (int k = 0; k < 6; k++)
            rest += pow(y[k] - my - xy / xx * (x[k] - mx), 2);
        const cJSON *rate = cJSON_GetArrayItem(rates, q);
        ck_assert_str_eq(cJSON_GetObjectItem(rate, "quantity")->valuestring, quantity[q]);
        ck_assert_relative(number(rate, "rate"), xy / xx, 1e-9);
        ck_assert_relative(number(rate, "rate_se"), sqrt(rest / 4 / xx), 1e-9);
        ck_assert_relative(number(rate, "log_scale"), my - xy / xx * mx, 1e-9);
    }
    cJSON_Delete(tree[0]);
    cJSON_Delete(tree[1]);
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
        run_result one = expect(0, command);
        snprintf(command, sizeof command, "%s --threads 3", arguments[i]);
        run_result more = expect(0, command);
        ck_assert_str_eq(one.out, more.out);
        ck_assert_str_eq(one.err, more.err);
        run_free(&more);
        snprintf(command, sizeof command, "%.*s --seed 4", (int)strlen(arguments[i]) - 9, arguments[i]);
        more = expect(0, command);
        ck_assert_str_ne(strchr(strstr(one.out, "# n="), '\n'), strchr(strstr(more.out, "# n="), '\n'));
        run_free(&one);
        run_free(&more);
    }
}
END_TEST

START_TEST(a_sentence_says_what_agrees)
{
    /* sums of many independent numbers */
    run_result r = expect(0, "qnn validate --data sphere:n=20,d=300 --hidden 200 --draws 200");
    ck_assert_ptr_nonnull(
        strstr(r.err, "Means and variances of all layers agree within twice the sampling noise.\n"));
    ck_assert_ptr_nonnull(strstr(r.err, "pass for normal in all layers"));
    run_free(&r);
    /* sums of two */
    r = expect(0, "qnn validate --data spirals:n=20 --hidden 50 --draws 2000");
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
        run_result r = expect(0, arguments[i]);
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
    tcase_add_test(tcase, lazy_training_is_plain_descent_beside_its_linear_equation);
    tcase_add_test(tcase, wider_networks_train_more_lazily);
    tcase_add_test(tcase, means_errors_and_rates_are_those_of_the_networks);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, a_sentence_says_what_agrees);
    tcase_add_test(tcase, an_interrupted_run_keeps_what_is_complete);
    tcase_add_test(tcase, pictures_are_drawn);
}

int main(void)
{
    return test_main("qnn_validate", add_tests);
}
