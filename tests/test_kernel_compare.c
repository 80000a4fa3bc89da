/* kernel-compare, run as its users run it. */
#include "run.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "naive.h"

START_TEST(help_and_version_go_to_standard_output)
{
    run_result r = run_expect(0, "kernel-compare --help");
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: kernel-compare"));
    ck_assert_ptr_nonnull(strstr(r.out, "Examples:"));
    ck_assert_str_eq(r.err, "");
    run_free(&r);
    r = run_expect(0, "kernel-compare --version");
    ck_assert_ptr_nonnull(strstr(r.out, qntk_version()));
    run_free(&r);
}
END_TEST

START_TEST(bad_usage_exits_with_2)
{
    run_complaint(2, "kernel-compare", "kernel-compare", "give --data");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --folds 1", "from 2");
    const char *ridges[] = {"-1",    "nan",   "inf",   "1,",      ",1",       "1,,2", "1:2",
                            "0:1:3", "2:1:3", "1:2:1", "1:2:2.5", "1:2:1001", "1;2",  "autox"};
    for (size_t i = 0; i < sizeof ridges / sizeof *ridges; i++) {
        char command[128];
        snprintf(command, sizeof command, "kernel-compare --data spirals --ridge %s", ridges[i]);
        run_complaint(2, "kernel-compare", command, "--ridge: expected");
    }
}
END_TEST

START_TEST(the_table_describes_itself)
{
    run_result r = run_expect(0, "kernel-compare --data spirals:n=120 --kernel qntk --kernel gauss --seed 7");
    ck_assert_ptr_nonnull(strstr(r.out, "# seed=7\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# n=120\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=2\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# protocol=4 folds, stratified\n"));
    const double train = run_number(r.out, "gauss", "train"), test = run_number(r.out, "gauss", "test");
    ck_assert_close(run_number(r.out, "gauss", "gap"), train - test, 1e-15, 1);
    ck_assert(train >= 0 && train <= 1 && test >= 0 && test <= 1);
    ck_assert(run_number(r.out, "qntk", "ridge") > 0);
    ck_assert_relative(run_number(r.out, "qntk", "gcv"), run_number(r.out, "qntk", "kare"), 1e-9);
    ck_assert_ptr_nonnull(strstr(r.err, "qntk"));
    run_free(&r);
}
END_TEST

START_TEST(every_figure_is_that_of_the_explicit_inverse)
{
    enum { N = 60, FOLDS = 3 };
    const double ridge = 0.25;
    run_result r = run_expect(
        0, "kernel-compare --data friedman1:n=60,noise=1 --kernel laplace --folds 3 --ridge 0.25 --seed 5");
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 5;
    qntk_dataset data;
    qntk_kernel kernel;
    ck_assert_ok(qntk_dataset_read("friedman1:n=60,noise=1", options, &data));
    ck_assert_ok(qntk_kernel_parse("laplace", &kernel));
    ck_assert_ok(qntk_kernel_resolve(&kernel, data.n, data.d, data.X, 5));
    size_t fold[N], rows[N];
    ck_assert_ok(qntk_labels_folds(N, data.y, 0, FOLDS, 5, fold));
    double train = 0, test = 0, loo = 0, kare = 0, freedom = 0, K[N * N];
    long double G[N * N];
    for (size_t f = 0; f < FOLDS; f++) {
        size_t n = 0;
        long double alpha[N], trace = 0, square = 0, own = 0;
        for (size_t i = 0; i < N; i++)
            if (fold[i] != f)
                rows[n++] = i;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                K[i * n + j] =
                    qntk_kernel_pair(&kernel, data.d, data.X + rows[i] * data.d, data.X + rows[j] * data.d);
        naive_ridge_inverse(n, K, ridge, G);
        for (size_t i = 0; i < n; i++) {
            alpha[i] = 0;
            for (size_t j = 0; j < n; j++) {
                alpha[i] += G[i * n + j] * data.y[rows[j]];
                own += K[i * n + j] * G[j * n + i];
            }
            trace += G[i * n + i];
            square += alpha[i] * alpha[i];
            loo += (double)(alpha[i] / G[i * n + i] * alpha[i] / G[i * n + i] / n) / FOLDS;
        }
        for (size_t i = 0; i < n; i++) {
            long double miss = data.y[rows[i]];
            for (size_t j = 0; j < n; j++)
                miss -= K[i * n + j] * alpha[j];
            train += (double)(miss * miss / n) / FOLDS;
        }
        for (size_t i = 0; i < N; i++) {
            long double miss = data.y[i];
            for (size_t j = 0; j < n; j++)
                miss -= qntk_kernel_pair(&kernel, data.d, data.X + i * data.d, data.X + rows[j] * data.d) *
                        alpha[j];
            test += fold[i] == f ? (double)(miss * miss / (N - n)) / FOLDS : 0;
        }
        kare += (double)(n * square / (trace * trace)) / FOLDS;
        freedom += (double)own / FOLDS;
    }
    ck_assert(run_number(r.out, "laplace", "ridge") == ridge);
    ck_assert_relative(run_number(r.out, "laplace", "train"), train, 1e-11);
    ck_assert_relative(run_number(r.out, "laplace", "test"), test, 1e-11);
    ck_assert_relative(run_number(r.out, "laplace", "gap"), test - train, 1e-11);
    ck_assert_relative(run_number(r.out, "laplace", "loo"), loo, 1e-11);
    ck_assert_relative(run_number(r.out, "laplace", "loo_mse"), loo, 1e-11);
    ck_assert_relative(run_number(r.out, "laplace", "kare"), kare, 1e-11);
    ck_assert_relative(run_number(r.out, "laplace", "gcv"), kare, 1e-11);
    ck_assert_relative(run_number(r.out, "laplace", "freedom"), freedom, 1e-11);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

/* Ones on the diagonal, but for rows 0 and 1: eigenvalues 2 + 2e-5 and -2e-5, as single precision leaves them. */
START_TEST(automatic_ridges_begin_where_nothing_is_singular)
{
    double K[64] = {0};
    for (int i = 0; i < 8; i++)
        K[i * 9] = 1;
    K[1] = K[8] = 1 + 2e-5;
    char path[5000];
    snprintf(path, sizeof path, "%s/K.npy", run_directory());
    ck_assert_ok(qntk_npy_write(path, 8, 8, K));
    run_write("eight.csv", "x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n");
    run_result r = run_expect(0, "kernel-compare --data eight.csv --kernel K.npy");
    ck_assert_ptr_nonnull(strstr(r.out, "# ridges[K.npy]=0.0001,0.001,"));
    run_free(&r);
    r = run_expect(
        0, "kernel-compare --data spirals:n=450 --kernel qntk --precision single --learning-curve 400:400:1 "
           "--repeats 2");
    ck_assert_double_gt(run_number(r.out, "qntk", "test_measured"), 0);
    run_free(&r);
    /* one that is asked for is not left out in silence */
    run_complaint(1, "kernel-compare", "kernel-compare --data eight.csv --kernel K.npy --ridge 1e-6,1",
                  "ridge 1e-06");
    run_remove("K.npy");
    run_remove("eight.csv");
}
END_TEST

START_TEST(json_has_every_promised_member_and_the_same_numbers)
{
    const char *command =
        "kernel-compare --data spirals:n=60 --kernel qntk --kernel laplace --folds 5 --seed 3 --format ";
    char text[256];
    snprintf(text, sizeof text, "%sjson", command);
    run_result json = run_expect(0, text);
    snprintf(text, sizeof text, "%stsv", command);
    run_result tsv = run_expect(0, text);
    cJSON *tree = cJSON_Parse(json.out);
    ck_assert_ptr_nonnull(tree);
    const char *members[] = {"version", "command", "seed", "n", "d", "classes", "results"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        ck_assert_msg(cJSON_HasObjectItem(tree, members[i]), "no member %s", members[i]);
    ck_assert(cJSON_GetObjectItem(tree, "n")->valuedouble == 60);
    ck_assert(cJSON_GetObjectItem(tree, "classes")->valuedouble == 2);
    const cJSON *results = cJSON_GetObjectItem(tree, "results");
    ck_assert_int_eq(cJSON_GetArraySize(results), 2);
    const char *numbers[] = {"ridge", "train", "test", "gap", "loo", "kare", "gcv", "exponent"};
    for (int k = 0; k < 2; k++) {
        const cJSON *row = cJSON_GetArrayItem(results, k), *folds = cJSON_GetObjectItem(row, "folds");
        const char *kernel = cJSON_GetStringValue(cJSON_GetObjectItem(row, "kernel"));
        ck_assert_str_eq(kernel, k == 0 ? "qntk" : "laplace");
        ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "law")),
                         run_field(tsv.out, kernel, "law"));
        ck_assert(cJSON_GetObjectItem(row, "seconds")->valuedouble > 0);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            ck_assert_msg(cJSON_GetObjectItem(row, numbers[i])->valuedouble ==
                              run_number(tsv.out, kernel, numbers[i]),
                          "%s of %s", numbers[i], kernel);
        ck_assert_int_eq(cJSON_GetArraySize(folds), 5);
        double train = 0, test = 0, square = 0;
        for (int f = 0; f < 5; f++) {
            train += cJSON_GetObjectItem(cJSON_GetArrayItem(folds, f), "train")->valuedouble / 5;
            test += cJSON_GetObjectItem(cJSON_GetArrayItem(folds, f), "test")->valuedouble / 5;
        }
        for (int f = 0; f < 5; f++)
            square += pow(cJSON_GetObjectItem(cJSON_GetArrayItem(folds, f), "test")->valuedouble - test, 2);
        ck_assert_close(run_number(tsv.out, kernel, "train"), train, 1e-15, 1);
        ck_assert_close(run_number(tsv.out, kernel, "test"), test, 1e-15, 1);
        ck_assert_close(run_number(tsv.out, kernel, "test_sd"), sqrt(square / 4), 1e-14, 1);
    }
    cJSON_Delete(tree);
    run_free(&json);
    run_free(&tsv);
}
END_TEST

/* Cuts the last column of a TSV, seconds, in place. */
static void cut_seconds(char *tsv)
{
    char *to = tsv;
    for (char *line = tsv; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        size_t keep = length;
        while (line[0] != '#' && keep > 0 && line[keep] != '\t')
            keep--;
        memmove(to, line, keep);
        to += keep;
        *to++ = '\n';
        line += length + (line[length] == '\n');
    }
    *to = '\0';
}

START_TEST(the_bytes_but_the_seconds_do_not_depend_on_threads)
{
    const char *settings[] = {"--data spirals:n=300 --kernel qntk:bits=2,depth=3 --kernel laplace",
                              "--data friedman1:n=250 --kernel ntk --center --folds 2 --ridge 1e-3:10:5",
                              "--data spirals:n=200 --bits 1,real --ridge 0.5"};
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        char command[512], *bytes[3], *answers[3];
        for (int threads = 1; threads <= 3; threads++) {
            snprintf(command, sizeof command,
                     "kernel-compare %s --threads %d --out t.tsv --predictions p.tsv --quiet", settings[s],
                     threads);
            run_result r = run_expect(0, command);
            ck_assert_str_eq(r.err, "");
            run_free(&r);
            bytes[threads - 1] = run_read("t.tsv");
            answers[threads - 1] = run_read("p.tsv");
            ck_assert(bytes[threads - 1] != NULL && answers[threads - 1] != NULL);
            cut_seconds(bytes[threads - 1]);
        }
        for (int i = 1; i < 3; i++) {
            ck_assert_msg(strcmp(bytes[0], bytes[i]) == 0, "1 and %d threads differ: %s", i + 1, settings[s]);
            ck_assert_msg(strcmp(answers[0], answers[i]) == 0, "1 and %d threads differ: %s", i + 1,
                          settings[s]);
        }
        ck_assert_ptr_nonnull(strstr(bytes[0], "gap_sd\n")); /* only the seconds are gone */
        for (int i = 0; i < 3; i++) {
            free(bytes[i]);
            free(answers[i]);
        }
    }
    run_remove("t.tsv");
    run_remove("p.tsv");
}
END_TEST

START_TEST(the_ridge_that_was_chosen_gives_the_same_row)
{
    const char *exact[] = {"train", "test", "gap", "loo", "law"};
    const char *close[] = {"loo_mse", "kare", "gcv", "freedom", "exponent"};
    run_result r = run_expect(0, "kernel-compare --data spirals:n=160 --kernel qntk:depth=2");
    const char *kernel = "qntk:depth=2";
    char command[256], text[256];
    snprintf(command, sizeof command, "kernel-compare --data spirals:n=160 --kernel qntk:depth=2 --ridge %s",
             run_field(r.out, kernel, "ridge"));
    run_result one = run_expect(0, command);
    ck_assert(run_number(one.out, kernel, "ridge") == run_number(r.out, kernel, "ridge"));
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        snprintf(text, sizeof text, "%s", run_field(r.out, kernel, exact[i]));
        ck_assert_str_eq(run_field(one.out, kernel, exact[i]), text);
    }
    for (size_t i = 0; i < sizeof close / sizeof *close; i++)
        ck_assert_relative(run_number(one.out, kernel, close[i]), run_number(r.out, kernel, close[i]), 1e-9);
    run_free(&one);
    /* and it is the best of the grid, which the head repeats */
    const char *grid = strstr(r.out, "# ridges[qntk:depth=2]=");
    ck_assert_ptr_nonnull(grid);
    grid = strstr(grid, "]=") + 2;
    double best = INFINITY, best_mse = INFINITY;
    int count = 0;
    for (char *end; *grid != '\n'; grid = end + (*end == ','), count++) {
        snprintf(command, sizeof command,
                 "kernel-compare --data spirals:n=160 --kernel qntk:depth=2 --ridge %.17g",
                 strtod(grid, &end));
        one = run_expect(0, command);
        const double loo = run_number(one.out, kernel, "loo"), mse = run_number(one.out, kernel, "loo_mse");
        if (loo < best || (loo == best && mse < best_mse)) {
            best = loo;
            best_mse = mse;
        }
        run_free(&one);
    }
    ck_assert_int_eq(count, 9);
    ck_assert_double_eq(run_number(r.out, kernel, "loo"), best);
    ck_assert_relative(run_number(r.out, kernel, "loo_mse"), best_mse, 1e-9);
    run_free(&r);
}
END_TEST

START_TEST(the_law_is_that_of_ntk_spectrum)
{
    run_result r = run_expect(0, "kernel-compare --data sphere:n=200,d=4 --kernel laplace");
    run_result s = run_expect(0, "ntk-spectrum --data sphere:n=200,d=4 --kernel laplace --format json");
    cJSON *tree = cJSON_Parse(s.out);
    const cJSON *summary =
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "kernels"), 0), "summary");
    ck_assert(run_number(r.out, "laplace", "exponent") ==
              cJSON_GetObjectItem(summary, "exponent")->valuedouble);
    ck_assert_str_eq(run_field(r.out, "laplace", "law"),
                     cJSON_GetStringValue(cJSON_GetObjectItem(summary, "law")));
    cJSON_Delete(tree);
    run_free(&r);
    run_free(&s);
}
END_TEST

START_TEST(a_matrix_is_a_kernel)
{
    const char *columns[] = {"train", "test", "loo", "loo_mse", "kare", "freedom", "exponent"};
    run_result r =
        run_expect(0, "ntk-spectrum --data spirals:n=80 --kernel gauss --save-kernel K.npy --quiet");
    run_free(&r);
    r = run_expect(0, "kernel-compare --data spirals:n=80 --kernel gauss --kernel K.npy");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        ck_assert(run_number(r.out, "K.npy", columns[i]) == run_number(r.out, "gauss", columns[i]));
    run_free(&r);
    run_complaint(1, "kernel-compare", "kernel-compare --data spirals:n=81 --kernel K.npy",
                  "expected 81 rows");
    run_remove("K.npy");
}
END_TEST

START_TEST(bad_input_exits_with_1_and_one_line)
{
    run_write("one.csv", "x,y\n1,2\n");
    run_write("three.csv", "x,y\n1,2\n2,4\n3,3\n");
    run_write("same.csv", "x,y\n1,a\n1,b\n1,a\n1,b\n2,a\n2,b\n2,b\n2,a\n");
    run_complaint(1, "kernel-compare", "kernel-compare --data nothing.csv", "nothing.csv");
    run_complaint(1, "kernel-compare", "kernel-compare --data one.csv --task regress",
                  "expected at least 4 rows for 4 folds, found 1");
    run_complaint(1, "kernel-compare", "kernel-compare --data three.csv --task regress",
                  "found 3; pass a smaller --folds");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data same.csv --kernel laplace:bandwidth=1 --ridge 0",
                  "laplace:bandwidth=1: ridge 0: ");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data same.csv --kernel laplace:bandwidth=1 --ridge 1,0", "or more");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data spirals:n=50 --kernel ntk --out no/such/dir.tsv", "no/such/dir.tsv");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data spirals:n=50 --kernel ntk --predictions no/dir.tsv", "no/dir.tsv");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data spirals:n=50 --kernel ntk --out /dev/full --quiet", "No space left");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data spirals:n=50 --kernel ntk --predictions /dev/full --quiet",
                  "No space left");
    run_complaint(1, "kernel-compare", "kernel-compare --data spirals:n=900000 --kernel ntk", "GiB");
    run_complaint(1, "kernel-compare", "kernel-compare --data spirals:n=50 --plot x.bmp", "x.bmp");
    run_remove("one.csv");
    run_remove("three.csv");
    run_remove("same.csv");
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

/* 2000 rows need 100 MiB for matrices, and each of the ridges 2000 coefficients a row. */
START_TEST(memory_for_many_ridges_of_many_classes_is_asked_for_first)
{
    enum { ROWS = 2000, LINE = 16 };
    char *text = qntk_alloc(ROWS + 1, LINE);
    size_t used = (size_t)snprintf(text, LINE, "x,y\n");
    for (size_t i = 0; i < ROWS; i++)
        used += (size_t)snprintf(text + used, LINE, "%zu,c%zu\n", i, i);
    run_write("classes.csv", text);
    qntk_free(text);
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data classes.csv --kernel laplace --ridge 0.1:1:1000",
                  "GiB are available; pass --limit");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data classes.csv --kernel laplace --ridge 0.1:1:1000 "
                  "--learning-curve 100:1500:3",
                  "GiB are available; pass --limit");
    run_remove("classes.csv");
}
END_TEST

START_TEST(what_is_complete_is_written_when_a_later_kernel_fails)
{
    /* the rows differ, but not to a kernel as wide as this */
    run_result r = run_program(
        "kernel-compare --data spirals:n=40 --kernel laplace --kernel gauss:bandwidth=1e9 --ridge 0", 0);
    ck_assert_int_eq(r.code, 1);
    ck_assert_ptr_nonnull(strstr(r.err, "gauss:bandwidth=1e9: ridge 0: "));
    ck_assert_ptr_nonnull(strstr(r.err, "; 1 of 2 kernels are complete"));
    ck_assert_double_eq(run_number(r.out, "laplace", "train"), 1);
    run_free(&r);
}
END_TEST

START_TEST(hard_rows_have_defined_results)
{
    /* a class of one row is missing from the training rows of its fold; six rows of six classes */
    run_write("rare.csv", "x,y\n1,a\n2,a\n3,b\n4,b\n5,a\n6,b\n7,c\n8,a\n9,b\n");
    run_write("many.csv", "x,y\n1,a\n3,b\n1.5,c\n7,d\n2,e\n4,f\n");
    run_write("flat.csv", "x,y\n1,5\n3,5\n1.5,5\n7,5\n2,5\n4,5\n");
    run_result r =
        run_expect(0, "kernel-compare --data rare.csv --kernel laplace --folds 3 --predictions p.tsv");
    char *text = run_read("p.tsv");
    ck_assert_ptr_nonnull(strstr(text, "\tlaplace\tc\t"));
    ck_assert_ptr_null(strstr(text, "\tc\tc\n"));
    free(text);
    run_free(&r);
    r = run_expect(0, "kernel-compare --data many.csv --kernel laplace --folds 3 --ridge 0.01");
    ck_assert_double_eq(run_number(r.out, "laplace", "train"), 1);
    ck_assert_double_eq(run_number(r.out, "laplace", "test"), 0);
    ck_assert_double_eq(run_number(r.out, "laplace", "loo"), 1);
    run_free(&r);
    r = run_expect(0, "kernel-compare --data flat.csv --task regress --kernel laplace --folds 3 --center");
    ck_assert_double_lt(run_number(r.out, "laplace", "train") + run_number(r.out, "laplace", "test") +
                            run_number(r.out, "laplace", "loo"),
                        1e-26);
    run_free(&r);
    r = run_expect(0, "kernel-compare --data flat.csv --task classify --kernel laplace --folds 3");
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=1\n"));
    ck_assert_double_eq(run_number(r.out, "laplace", "test"), 1);
    run_free(&r);
    run_remove("rare.csv");
    run_remove("many.csv");
    run_remove("flat.csv");
    run_remove("p.tsv");
}
END_TEST

START_TEST(an_interrupt_keeps_what_is_complete)
{
    run_result r = run_program("kernel-compare --data sphere:n=5000,d=8 --kernel ntk --out s.tsv", 0.7);
    ck_assert_msg(r.code == 130, "exit %d: %s", r.code, r.err);
    ck_assert_ptr_nonnull(strstr(r.err, "interrupted"));
    ck_assert_uint_eq(run_count_files(), 0);
    run_free(&r);
}
END_TEST

/* Draws with these arguments into a file of this name, whose first bytes are known. */
static void expect_picture(const char *arguments, const char *picture, const char *first)
{
    char command[512];
    snprintf(command, sizeof command, "kernel-compare %s --plot %s --quiet", arguments, picture);
    run_result r = run_expect(0, command);
    ck_assert_str_eq(r.err, "");
    char *bytes = run_read(picture);
    ck_assert_msg(bytes != NULL, "%s: no picture", command);
    ck_assert_int_eq(memcmp(bytes, first, strlen(first)), 0);
    free(bytes);
    run_remove(picture);
    run_free(&r);
}

START_TEST(plots_are_drawn_of_folds_and_of_one_split)
{
    run_write("train.csv", "a,b,y\n1,5,yes\n2,1,no\n3,4,yes\n4,2,no\n5,3,yes\n2,6,no\n1,1,no\n7,7,yes\n");
    run_write("test.csv", "a,b,y\n2,2,yes\n6,1,no\n4,4,no\n");
    expect_picture("--data friedman1:n=60 --kernel ntk --kernel gauss", "c.png", "\x89PNG");
    expect_picture("--data train.csv --test test.csv --format json", "c.pdf", "%PDF");
    expect_picture("--data train.csv --test test.csv --bits real,1", "b.pdf", "%PDF");
    expect_picture("--data friedman1:n=60 --center --bits 1,2,16,real", "b.svg", "<?xml");
    /* nothing differs: every accuracy is one, every gap is nought */
    run_write("flat.csv", "x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n");
    expect_picture("--data flat.csv --kernel laplace", "c.svg", "<?xml");
    expect_picture("--data flat.csv --bits 1,2", "b.png", "\x89PNG");
    run_remove("flat.csv");
    run_remove("train.csv");
    run_remove("test.csv");
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

/* ---- the command in the head ---- */

START_TEST(the_recorded_command_gives_the_same_result)
{
    const char *runs[] = {"--data spirals:n=60 --folds 3 --kernel gauss --ridge 1e-3:1:4",
                          "--data friedman1:n=50 --center --kernel laplace",
                          "--data spirals:n=60 --kernel laplace --solver svm",
                          "--data spirals:n=60 --kernel laplace --solver svm --C 1,4",
                          "--data spirals:n=60 --bits 1,real",
                          "--data spirals:n=60 --kernel gauss --learning-curve 5:20:2",
                          "--sphere 5 --kernel gauss --learning-curve 5:20:2"};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        if (strstr(runs[i], "svm") != NULL && !qntk_svm_available())
            continue;
        char command[2048];
        snprintf(command, sizeof command, "kernel-compare %s", runs[i]);
        run_result r = run_expect(0, command);
        const char *recorded = strstr(r.out, "# command=");
        ck_assert_ptr_nonnull(recorded);
        recorded += strlen("# command=");
        snprintf(command, sizeof command, "%.*s", (int)strcspn(recorded, "\n"), recorded);
        run_result again = run_expect(0, command);
        cut_seconds(r.out);
        cut_seconds(again.out);
        ck_assert_str_eq(r.out, again.out);
        run_free(&r);
        run_free(&again);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, help_and_version_go_to_standard_output);
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, the_table_describes_itself);
    tcase_add_test(tcase, every_figure_is_that_of_the_explicit_inverse);
    tcase_add_test(tcase, automatic_ridges_begin_where_nothing_is_singular);
    tcase_add_test(tcase, json_has_every_promised_member_and_the_same_numbers);
    tcase_add_test(tcase, the_bytes_but_the_seconds_do_not_depend_on_threads);
    tcase_add_test(tcase, the_ridge_that_was_chosen_gives_the_same_row);
    tcase_add_test(tcase, the_law_is_that_of_ntk_spectrum);
    tcase_add_test(tcase, a_matrix_is_a_kernel);
    tcase_add_test(tcase, bad_input_exits_with_1_and_one_line);
    tcase_add_test(tcase, memory_for_many_ridges_of_many_classes_is_asked_for_first);
    tcase_add_test(tcase, what_is_complete_is_written_when_a_later_kernel_fails);
    tcase_add_test(tcase, hard_rows_have_defined_results);
    tcase_add_test(tcase, an_interrupt_keeps_what_is_complete);
    tcase_add_test(tcase, plots_are_drawn_of_folds_and_of_one_split);
    tcase_add_test(tcase, the_recorded_command_gives_the_same_result);
}

int main(void)
{
    return test_main("kernel_compare", add_tests);
}
