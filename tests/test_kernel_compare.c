#include "run.h"

#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "naive.h"

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
    ck_assert_msg(strncmp(r.err, "kernel-compare: ", 16) == 0, "%s: it said: %s", arguments, r.err);
    ck_assert_msg(strstr(r.err, text) != NULL, "%s: expected '%s' in: %s", arguments, text, r.err);
    ck_assert_msg(lines == (code == 2 ? 2 : 1), "%s: %zu lines: %s", arguments, lines, r.err);
    ck_assert_msg(r.out[0] == '\0', "%s: wrote to standard output", arguments);
    run_free(&r);
}

/* The field under `column` in the row that begins with `first`, a kernel or a precision, of a TSV, as text in a
 * static buffer. */
static const char *field(const char *tsv, const char *first, const char *column)
{
    static char text[256];
    const size_t length = strlen(first);
    const char *head = tsv;
    while (head[0] == '#')
        head = strchr(head, '\n') + 1;
    const char *row = head;
    while (row != NULL && !(strncmp(row, first, length) == 0 && row[length] == '\t'))
        row = strchr(row, '\n'), row += row != NULL;
    ck_assert_msg(row != NULL, "no row %s in %s", first, tsv);
    for (;;) {
        const size_t name = strcspn(head, "\t\n"), value = strcspn(row, "\t\n");
        if (strlen(column) == name && strncmp(head, column, name) == 0) {
            snprintf(text, sizeof text, "%.*s", (int)value, row);
            return text;
        }
        ck_assert_msg(head[name] == '\t' && row[value] == '\t', "no column %s in %s", column, tsv);
        head += name + 1;
        row += value + 1;
    }
}

static double number(const char *tsv, const char *kernel, const char *column)
{
    char *end;
    const char *text = field(tsv, kernel, column);
    const double value = strtod(text, &end);
    ck_assert_msg(end != text && *end == '\0', "%s of %s is no number: %s", column, kernel, text);
    return value;
}

/* Writes `text` into a file of the test's directory. */
static void write_file(const char *name, const char *text)
{
    char path[5000];
    snprintf(path, sizeof path, "%s/%s", run_directory(), name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(help_and_version_go_to_standard_output)
{
    run_result r = expect(0, "kernel-compare --help");
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: kernel-compare"));
    ck_assert_ptr_nonnull(strstr(r.out, "Examples:"));
    ck_assert_str_eq(r.err, "");
    run_free(&r);
    r = expect(0, "kernel-compare --version");
    ck_assert_ptr_nonnull(strstr(r.out, qntk_version()));
    run_free(&r);
}
END_TEST

START_TEST(bad_usage_exits_with_2)
{
    expect_complaint(2, "kernel-compare", "give --data");
    expect_complaint(2, "kernel-compare --data spirals --folds 1", "from 2");
    const char *ridges[] = {"-1",    "nan",   "inf",   "1,",      ",1",       "1,,2", "1:2",
                            "0:1:3", "2:1:3", "1:2:1", "1:2:2.5", "1:2:1001", "1;2",  "autox"};
    for (size_t i = 0; i < sizeof ridges / sizeof *ridges; i++) {
        char command[128];
        snprintf(command, sizeof command, "kernel-compare --data spirals --ridge %s", ridges[i]);
        expect_complaint(2, command, "--ridge: expected");
    }
}
END_TEST

START_TEST(the_table_describes_itself)
{
    run_result r = expect(0, "kernel-compare --data spirals:n=120 --kernel qntk --kernel gauss --seed 7");
    ck_assert_ptr_nonnull(strstr(r.out, "# seed=7\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# n=120\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=2\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# protocol=4 folds, stratified\n"));
    const double train = number(r.out, "gauss", "train"), test = number(r.out, "gauss", "test");
    ck_assert_close(number(r.out, "gauss", "gap"), train - test, 1e-15, 1);
    ck_assert(train >= 0 && train <= 1 && test >= 0 && test <= 1);
    ck_assert(number(r.out, "qntk", "ridge") > 0);
    ck_assert_relative(number(r.out, "qntk", "gcv"), number(r.out, "qntk", "kare"), 1e-9);
    ck_assert_ptr_nonnull(strstr(r.err, "qntk"));
    run_free(&r);
}
END_TEST

START_TEST(every_figure_is_that_of_the_explicit_inverse)
{
    enum { N = 60, FOLDS = 3 };
    const double ridge = 0.25;
    run_result r = expect(
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
    ck_assert(number(r.out, "laplace", "ridge") == ridge);
    ck_assert_relative(number(r.out, "laplace", "train"), train, 1e-11);
    ck_assert_relative(number(r.out, "laplace", "test"), test, 1e-11);
    ck_assert_relative(number(r.out, "laplace", "gap"), test - train, 1e-11);
    ck_assert_relative(number(r.out, "laplace", "loo"), loo, 1e-11);
    ck_assert_relative(number(r.out, "laplace", "loo_mse"), loo, 1e-11);
    ck_assert_relative(number(r.out, "laplace", "kare"), kare, 1e-11);
    ck_assert_relative(number(r.out, "laplace", "gcv"), kare, 1e-11);
    ck_assert_relative(number(r.out, "laplace", "freedom"), freedom, 1e-11);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

/* Two files of the same rows of numbers, and one whose columns are in another order. */
static const char TRAIN[] = "a,b,colour,y\n1,5,red,yes\n2,1,blue,no\n3,4,red,yes\n4,2,blue,no\n5,3,blue,yes\n"
                            "2,6,red,no\n1,1,red,no\n7,7,blue,yes\n";
static const char TEST[] = "a,b,colour,y\n2,2,blue,yes\n6,1,red,no\n4,4,red,no\n";
static const char MOVED[] = "colour,a,b,y\nblue,2,2,yes\nred,6,1,no\nred,4,4,no\n";

/* The first line of a file of predictions that begins so, without its newline. */
static void copy_line(const char *text, const char *beginning, char line[256])
{
    const char *at = strstr(text, beginning);
    ck_assert_msg(at != NULL, "no line %s in %s", beginning, text);
    snprintf(line, 256, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
}

START_TEST(what_is_trained_does_not_depend_on_the_rows_of_the_test_file)
{
    /* the same first row; the other is 1000 times as long, and so is K_ii of a network */
    const char *solvers[] = {"--solver ridge", "--solver svm"}, *columns[] = {"ridge", "C"};
    write_file("train.csv", "a,b,y\n1,5,yes\n2,1,no\n3,4,yes\n4,2,no\n5,3,yes\n2,6,no\n1,1,no\n7,7,yes\n");
    write_file("short.csv", "a,b,y\n2,2,yes\n6,1,no\n");
    write_file("long.csv", "a,b,y\n2,2,yes\n6000,1000,no\n");
    for (size_t s = 0; s < (qntk_svm_available() ? 2 : 1); s++) {
        char command[256], one[256], other[256];
        snprintf(command, sizeof command,
                 "kernel-compare --data train.csv --test short.csv --kernel ntk --predictions s.tsv %s",
                 solvers[s]);
        run_result r = expect(0, command);
        snprintf(command, sizeof command,
                 "kernel-compare --data train.csv --test long.csv --kernel ntk --predictions l.tsv %s",
                 solvers[s]);
        run_result l = expect(0, command);
        ck_assert_double_eq(number(r.out, "ntk", columns[s]), number(l.out, "ntk", columns[s]));
        ck_assert_double_eq(number(r.out, "ntk", "train"), number(l.out, "ntk", "train"));
        char *short_text = run_read("s.tsv"), *long_text = run_read("l.tsv");
        copy_line(short_text, "\n0\t0\tntk\t", one);
        copy_line(long_text, "\n0\t0\tntk\t", other);
        ck_assert_str_eq(one, other);
        free(short_text);
        free(long_text);
        run_free(&r);
        run_free(&l);
    }
    const char *files[] = {"train.csv", "short.csv", "long.csv", "s.tsv", "l.tsv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

START_TEST(a_test_file_is_matched_by_name)
{
    write_file("train.csv", TRAIN);
    write_file("test.csv", TEST);
    write_file("moved.csv", MOVED);
    const char *columns[] = {"ridge", "train", "test", "gap", "loo", "loo_mse", "kare"};
    run_result r = expect(
        0, "kernel-compare --data train.csv --test test.csv --kernel gauss --scale zscore --rows sphere");
    run_result m = expect(
        0, "kernel-compare --data train.csv --test moved.csv --kernel gauss --scale zscore --rows sphere");
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        const double value = number(r.out, "gauss", columns[k]);
        ck_assert(number(m.out, "gauss", columns[k]) == value);
    }
    ck_assert_ptr_nonnull(strstr(r.out, "# n=8\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# test_n=3\n"));
    run_free(&r);
    run_free(&m);
    /* tested on what it was trained on */
    r = expect(0,
               "kernel-compare --data train.csv --test train.csv --kernel laplace --scale zscore --ridge 1");
    ck_assert(number(r.out, "laplace", "test") == number(r.out, "laplace", "train"));
    ck_assert(number(r.out, "laplace", "gap") == 0);
    run_free(&r);
    /* numbers as the target: 1, 3 against 2, by hand; K = 1 and exp(-1), ridge 1 */
    write_file("two.csv", "x,y\n0,1\n1,3\n");
    write_file("one.csv", "y,x\n2,0\n");
    r = expect(0, "kernel-compare --data two.csv --test one.csv --task regress --target y "
                  "--kernel laplace:bandwidth=1 --ridge 1");
    const double e = exp(-1), det = 4 - e * e, alpha = (2 - 3 * e) / det, beta = (6 - e) / det;
    ck_assert_relative(number(r.out, "laplace:bandwidth=1", "test"), pow(2 - alpha - e * beta, 2), 1e-13);
    ck_assert_relative(number(r.out, "laplace:bandwidth=1", "train"), (alpha * alpha + beta * beta) / 2,
                       1e-13);
    run_free(&r);
    const char *files[] = {"train.csv", "test.csv", "moved.csv", "two.csv", "one.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

/* By hand: blue and red as columns of ones and zeros. */
START_TEST(a_test_file_may_lack_a_category)
{
    write_file("train.csv", TRAIN);
    write_file("few.csv", "a,b,colour,y\n2,2,blue,yes\n6,1,blue,no\n");
    write_file("train01.csv",
               "a,b,blue,red,y\n1,5,0,1,yes\n2,1,1,0,no\n3,4,0,1,yes\n4,2,1,0,no\n5,3,1,0,yes\n"
               "2,6,0,1,no\n1,1,0,1,no\n7,7,1,0,yes\n");
    write_file("few01.csv", "a,b,blue,red,y\n2,2,1,0,yes\n6,1,1,0,no\n");
    run_result r = expect(0, "kernel-compare --data train.csv --test few.csv --kernel gauss --scale zscore");
    run_result m =
        expect(0, "kernel-compare --data train01.csv --test few01.csv --kernel gauss --scale zscore");
    ck_assert_double_eq(number(r.out, "gauss", "test"), number(m.out, "gauss", "test"));
    ck_assert_relative(number(r.out, "gauss", "loo_mse"), number(m.out, "gauss", "loo_mse"), 1e-12);
    run_free(&r);
    run_free(&m);
    /* a number where the other has categories stays an error */
    write_file("few.csv", "a,b,colour,y\n2,2,1,yes\n6,1,1,no\n");
    expect_complaint(1, "kernel-compare --data train.csv --test few.csv --kernel gauss", "'colour=");
    const char *files[] = {"train.csv", "few.csv", "train01.csv", "few01.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
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
    write_file("eight.csv", "x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n");
    run_result r = expect(0, "kernel-compare --data eight.csv --kernel K.npy");
    ck_assert_ptr_nonnull(strstr(r.out, "# ridges[K.npy]=0.0001,0.001,"));
    run_free(&r);
    r = expect(
        0, "kernel-compare --data spirals:n=450 --kernel qntk --precision single --learning-curve 400:400:1 "
           "--repeats 2");
    ck_assert_double_gt(number(r.out, "qntk", "test_measured"), 0);
    run_free(&r);
    /* one that is asked for is not left out in silence */
    expect_complaint(1, "kernel-compare --data eight.csv --kernel K.npy --ridge 1e-6,1", "ridge 1e-06");
    run_remove("K.npy");
    run_remove("eight.csv");
}
END_TEST

START_TEST(extremes_of_ridges_and_folds_stay_exact)
{
    /* all rows of one class: every accuracy is 1, and so is their mean over 40 folds */
    char rows[1024] = "x,y\n";
    for (int i = 0; i < 40; i++)
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%d,cat\n", i);
    write_file("cats.csv", rows);
    run_result r = expect(0, "kernel-compare --data cats.csv --kernel gauss --folds 40");
    ck_assert_double_eq(number(r.out, "gauss", "train"), 1);
    ck_assert_double_eq(number(r.out, "gauss", "test"), 1);
    run_free(&r);
    r = expect(0, "kernel-compare --data cats.csv --kernel laplace --ridge 1e-300:1e300:3");
    ck_assert_ptr_nonnull(strstr(r.out, "# ridges[laplace]=1e-300,1,1.0"));
    run_free(&r);
    run_remove("cats.csv");
    const double K[4] = {-1, 0, 0, -1};
    char path[5000];
    snprintf(path, sizeof path, "%s/K.npy", run_directory());
    ck_assert_ok(qntk_npy_write(path, 2, 2, K));
    write_file("two.csv", "x,y\n1,a\n2,b\n");
    expect_complaint(1, "kernel-compare --data two.csv --folds 2 --kernel K.npy", "trace(K)/n is negative");
    run_remove("two.csv");
    run_remove("K.npy");
}
END_TEST

START_TEST(a_test_file_is_scaled_by_the_training_rows)
{
    /* mean 2, sd 2; and the same numbers, standardised by hand */
    write_file("raw.csv", "x,y\n0,1\n4,3\n0,2\n4,5\n");
    write_file("raw_test.csv", "x,y\n6,2\n1,7\n");
    write_file("done.csv", "x,y\n-1,1\n1,3\n-1,2\n1,5\n");
    write_file("done_test.csv", "x,y\n2,2\n-0.5,7\n");
    run_result r = expect(0, "kernel-compare --data raw.csv --test raw_test.csv --scale zscore --kernel "
                             "gauss:bandwidth=1 --task regress");
    run_result m = expect(
        0, "kernel-compare --data done.csv --test done_test.csv --kernel gauss:bandwidth=1 --task regress");
    ck_assert_relative(number(r.out, "gauss:bandwidth=1", "test"), number(m.out, "gauss:bandwidth=1", "test"),
                       1e-14);
    ck_assert_relative(number(r.out, "gauss:bandwidth=1", "loo"), number(m.out, "gauss:bandwidth=1", "loo"),
                       1e-14);
    run_free(&r);
    run_free(&m);
    const char *files[] = {"raw.csv", "raw_test.csv", "done.csv", "done_test.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

START_TEST(files_that_differ_say_in_what)
{
    write_file("train.csv", TRAIN);
    write_file("green.csv", "a,b,colour,y\n2,2,green,yes\n6,1,red,no\n4,4,blue,no\n");
    write_file("red.csv", "a,b,colour,y\n2,2,red,yes\n6,1,red,no\n");
    write_file("maybe.csv", "a,b,colour,y\n2,2,blue,yes\n6,1,red,maybe\n");
    write_file("other.csv", "a,c,colour,y\n2,2,blue,yes\n6,1,red,no\n");
    write_file("plain.csv", "1,2,0\n1,3,1\n3,3,0\n2,1,1\n");
    write_file("wide.csv", "1,2,5,0\n1,3,5,1\n");
    expect_complaint(1, "kernel-compare --data train.csv --test green.csv",
                     "green.csv: found a column 'colour=green', which train lacks");
    expect_complaint(1, "kernel-compare --data train.csv --test maybe.csv",
                     "maybe.csv: found a class 'maybe', which train lacks");
    expect_complaint(1, "kernel-compare --data train.csv --test other.csv", "expected a column 'b'");
    expect_complaint(1, "kernel-compare --data train.csv --test plain.csv",
                     "expected columns with names, as in train, found none");
    expect_complaint(1, "kernel-compare --data plain.csv --test train.csv", "expected columns without names");
    expect_complaint(1, "kernel-compare --data plain.csv --test wide.csv",
                     "expected 2 features, as in plain, found 3");
    expect_complaint(1, "kernel-compare --data train.csv --test nothing.csv", "nothing.csv");
    expect_complaint(1, "kernel-compare --data spirals --test spirals:n=50",
                     "found the generator 'spirals:n=50'");
    expect_complaint(2, "kernel-compare --data train.csv --test red.csv --folds 3",
                     "--test means nothing with --folds");
    expect_complaint(2, "kernel-compare --data train.csv --test-labels red.csv", "--test");
    expect_complaint(2, "kernel-compare --data train.csv --test red.csv --missing mean", "--missing mean");
    expect_complaint(2, "kernel-compare --data train.csv --test red.csv --out red.csv", "same file");
    expect_complaint(1, "kernel-compare --data train.csv --target none", "needs a target");
    const char *files[] = {"train.csv", "green.csv", "red.csv", "maybe.csv",
                           "other.csv", "plain.csv", "wide.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

START_TEST(predictions_name_every_row_once_and_add_up_to_the_accuracy)
{
    enum { N = 90, FOLDS = 3 };
    run_result r = expect(
        0, "kernel-compare --data spirals:n=90 --kernel ntk --kernel gauss --folds 3 --predictions p.tsv");
    char *text = run_read("p.tsv");
    ck_assert_ptr_nonnull(text);
    int seen[N] = {0}, right[FOLDS] = {0}, count[FOLDS] = {0}, rows = 0;
    const char *line = strstr(text, "\nrow\tfold\tkernel\ttruth\tprediction\n");
    ck_assert_ptr_nonnull(line);
    for (line = strchr(line + 1, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        char *rest, kernel[16], truth[32], prediction[32];
        const long row = strtol(line, &rest, 10), fold = strtol(rest, &rest, 10);
        ck_assert(row >= 0 && row < N && fold >= 0 && fold < FOLDS);
        ck_assert_int_eq(sscanf(rest, "\t%15[^\t]\t%31[^\t]\t%31[^\n]", kernel, truth, prediction), 3);
        rows++;
        if (strcmp(kernel, "gauss") != 0)
            continue;
        seen[row]++;
        count[fold]++;
        right[fold] += strcmp(truth, prediction) == 0;
    }
    ck_assert_int_eq(rows, 2 * N);
    int wrong = 0;
    double accuracy = 0;
    for (int i = 0; i < N; i++)
        wrong += seen[i] != 1;
    for (int f = 0; f < FOLDS; f++)
        accuracy += (double)right[f] / count[f] / FOLDS;
    ck_assert_int_eq(wrong, 0);
    ck_assert_close(number(r.out, "gauss", "test"), accuracy, 1e-14, 1);
    free(text);
    run_free(&r);
    /* of numbers: the mean squared error */
    r = expect(0, "kernel-compare --data friedman1:n=40 --kernel ntk --folds 2 --predictions p.tsv");
    text = run_read("p.tsv");
    double error = 0;
    line = strchr(strstr(text, "\nrow\t") + 1, '\n') + 1;
    for (; *line != '\0'; line = strchr(line, '\n') + 1) {
        char *rest;
        const double truth = strtod(strstr(line, "\tntk\t") + 5, &rest), prediction = strtod(rest, &rest);
        ck_assert_int_eq(*rest, '\n');
        error += (truth - prediction) * (truth - prediction) / 40;
    }
    ck_assert_relative(number(r.out, "ntk", "test"), error, 1e-13);
    free(text);
    run_free(&r);
    run_remove("p.tsv");
}
END_TEST

START_TEST(each_precision_is_the_kernel_of_its_name_and_leaving_out_chooses)
{
    const char *const bits[] = {"real", "1", "1.58", "4"};
    const char *const kernels[] = {"ntk:depth=2,b_std=0.1", "qntk:bits=1,depth=2,b_std=0.1,quantize=all",
                                   "qntk:bits=1.58,depth=2,b_std=0.1,quantize=all",
                                   "qntk:bits=4,depth=2,b_std=0.1,quantize=all"};
    const char *columns[] = {"ridge", "train", "test", "gap", "loo", "loo_mse", "kare", "exponent"};
    const char *data = "kernel-compare --data spirals:n=100 --folds 3 --seed 2";
    char command[1024];
    snprintf(command, sizeof command, "%s --bits real,1,1.58,4 --kernel qntk:depth=2,b_std=0.1,quantize=all",
             data);
    run_result b = expect(0, command);
    snprintf(command, sizeof command, "%s --kernel %s --kernel %s --kernel %s --kernel %s", data, kernels[0],
             kernels[1], kernels[2], kernels[3]);
    run_result k = expect(0, command);
    int chosen = -1, best = 0, marked = 0;
    double loo[4], mse[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_str_eq(field(b.out, bits[i], "kernel"), kernels[i]);
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            const double value = number(b.out, bits[i], columns[c]);
            ck_assert_msg(number(k.out, kernels[i], columns[c]) == value, "%s of %s", columns[c], bits[i]);
        }
        loo[i] = number(b.out, bits[i], "loo");
        mse[i] = number(b.out, bits[i], "loo_mse");
        if (loo[i] < loo[best] || (loo[i] == loo[best] && mse[i] < mse[best]))
            best = i;
        if (number(b.out, bits[i], "chosen") == 1) {
            chosen = i;
            marked++;
        }
    }
    ck_assert_int_eq(marked, 1);
    ck_assert_int_eq(chosen, best);
    ck_assert_ptr_nonnull(strstr(b.err, "This data deserves"));
    ck_assert_ptr_null(strstr(k.err, "This data deserves"));
    run_free(&b);
    run_free(&k);
    snprintf(command, sizeof command, "%s --bits 2,real --plot b.svg --format json --quiet", data);
    b = expect(0, command);
    cJSON *tree = cJSON_Parse(b.out);
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "results"), 1);
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "bits")), "real");
    ck_assert(cJSON_HasObjectItem(row, "chosen"));
    cJSON_Delete(tree);
    run_free(&b);
    char *svg = run_read("b.svg");
    ck_assert_ptr_nonnull(strstr(svg, "chosen by leaving out"));
    free(svg);
    run_remove("b.svg");
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

START_TEST(what_is_no_precision_is_bad_usage)
{
    const char *lists[] = {"0",     "17",         "1,",  ",1",  "1,,2",     "real,real",
                           "2,2.0", "1.58,1.585", "two", "1;2", "1,depth=2"};
    char command[256];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        snprintf(command, sizeof command, "kernel-compare --data spirals --bits %s", lists[i]);
        expect_complaint(2, command, "--bits");
    }
    expect_complaint(2, "kernel-compare --data spirals --bits 1 --solver svm", "--solver svm");
    expect_complaint(2, "kernel-compare --data spirals --bits 1 --kernel gauss", "template");
    expect_complaint(2, "kernel-compare --data spirals --bits 1 --kernel nngp", "template");
    expect_complaint(2, "kernel-compare --data spirals --bits 1 --kernel qntk:bits=2", "gives the precision");
    expect_complaint(2, "kernel-compare --data spirals --bits 1 --kernel qntk:levels=5",
                     "gives the precision");
    expect_complaint(2, "kernel-compare --data spirals --bits 1 --kernel ntk --kernel qntk", "2 are given");
}
END_TEST

START_TEST(json_has_every_promised_member_and_the_same_numbers)
{
    const char *command =
        "kernel-compare --data spirals:n=60 --kernel qntk --kernel laplace --folds 5 --seed 3 --format ";
    char text[256];
    snprintf(text, sizeof text, "%sjson", command);
    run_result json = expect(0, text);
    snprintf(text, sizeof text, "%stsv", command);
    run_result tsv = expect(0, text);
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
                         field(tsv.out, kernel, "law"));
        ck_assert(cJSON_GetObjectItem(row, "seconds")->valuedouble > 0);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            ck_assert_msg(cJSON_GetObjectItem(row, numbers[i])->valuedouble ==
                              number(tsv.out, kernel, numbers[i]),
                          "%s of %s", numbers[i], kernel);
        ck_assert_int_eq(cJSON_GetArraySize(folds), 5);
        double train = 0, test = 0, square = 0;
        for (int f = 0; f < 5; f++) {
            train += cJSON_GetObjectItem(cJSON_GetArrayItem(folds, f), "train")->valuedouble / 5;
            test += cJSON_GetObjectItem(cJSON_GetArrayItem(folds, f), "test")->valuedouble / 5;
        }
        for (int f = 0; f < 5; f++)
            square += pow(cJSON_GetObjectItem(cJSON_GetArrayItem(folds, f), "test")->valuedouble - test, 2);
        ck_assert_close(number(tsv.out, kernel, "train"), train, 1e-15, 1);
        ck_assert_close(number(tsv.out, kernel, "test"), test, 1e-15, 1);
        ck_assert_close(number(tsv.out, kernel, "test_sd"), sqrt(square / 4), 1e-14, 1);
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
            run_result r = expect(0, command);
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
    run_result r = expect(0, "kernel-compare --data spirals:n=160 --kernel qntk:depth=2");
    const char *kernel = "qntk:depth=2";
    char command[256], text[256];
    snprintf(command, sizeof command, "kernel-compare --data spirals:n=160 --kernel qntk:depth=2 --ridge %s",
             field(r.out, kernel, "ridge"));
    run_result one = expect(0, command);
    ck_assert(number(one.out, kernel, "ridge") == number(r.out, kernel, "ridge"));
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        snprintf(text, sizeof text, "%s", field(r.out, kernel, exact[i]));
        ck_assert_str_eq(field(one.out, kernel, exact[i]), text);
    }
    for (size_t i = 0; i < sizeof close / sizeof *close; i++)
        ck_assert_relative(number(one.out, kernel, close[i]), number(r.out, kernel, close[i]), 1e-9);
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
        one = expect(0, command);
        const double loo = number(one.out, kernel, "loo"), mse = number(one.out, kernel, "loo_mse");
        if (loo < best || (loo == best && mse < best_mse)) {
            best = loo;
            best_mse = mse;
        }
        run_free(&one);
    }
    ck_assert_int_eq(count, 9);
    ck_assert_double_eq(number(r.out, kernel, "loo"), best);
    ck_assert_relative(number(r.out, kernel, "loo_mse"), best_mse, 1e-9);
    run_free(&r);
}
END_TEST

START_TEST(the_law_is_that_of_ntk_spectrum)
{
    run_result r = expect(0, "kernel-compare --data sphere:n=200,d=4 --kernel laplace");
    run_result s = expect(0, "ntk-spectrum --data sphere:n=200,d=4 --kernel laplace --format json");
    cJSON *tree = cJSON_Parse(s.out);
    const cJSON *summary =
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "kernels"), 0), "summary");
    ck_assert(number(r.out, "laplace", "exponent") == cJSON_GetObjectItem(summary, "exponent")->valuedouble);
    ck_assert_str_eq(field(r.out, "laplace", "law"),
                     cJSON_GetStringValue(cJSON_GetObjectItem(summary, "law")));
    cJSON_Delete(tree);
    run_free(&r);
    run_free(&s);
}
END_TEST

START_TEST(a_matrix_is_a_kernel)
{
    const char *columns[] = {"train", "test", "loo", "loo_mse", "kare", "freedom", "exponent"};
    run_result r = expect(0, "ntk-spectrum --data spirals:n=80 --kernel gauss --save-kernel K.npy --quiet");
    run_free(&r);
    r = expect(0, "kernel-compare --data spirals:n=80 --kernel gauss --kernel K.npy");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        ck_assert(number(r.out, "K.npy", columns[i]) == number(r.out, "gauss", columns[i]));
    run_free(&r);
    expect_complaint(1, "kernel-compare --data spirals:n=81 --kernel K.npy", "expected 81 rows");
    run_remove("K.npy");
}
END_TEST

START_TEST(bad_input_exits_with_1_and_one_line)
{
    write_file("one.csv", "x,y\n1,2\n");
    write_file("three.csv", "x,y\n1,2\n2,4\n3,3\n");
    write_file("same.csv", "x,y\n1,a\n1,b\n1,a\n1,b\n2,a\n2,b\n2,b\n2,a\n");
    expect_complaint(1, "kernel-compare --data nothing.csv", "nothing.csv");
    expect_complaint(1, "kernel-compare --data one.csv --task regress",
                     "expected at least 4 rows for 4 folds, found 1");
    expect_complaint(1, "kernel-compare --data three.csv --task regress", "found 3; pass a smaller --folds");
    expect_complaint(1, "kernel-compare --data same.csv --kernel laplace:bandwidth=1 --ridge 0",
                     "laplace:bandwidth=1: ridge 0: ");
    expect_complaint(1, "kernel-compare --data same.csv --kernel laplace:bandwidth=1 --ridge 1,0", "or more");
    expect_complaint(1, "kernel-compare --data spirals:n=50 --kernel ntk --out no/such/dir.tsv",
                     "no/such/dir.tsv");
    expect_complaint(1, "kernel-compare --data spirals:n=50 --kernel ntk --predictions no/dir.tsv",
                     "no/dir.tsv");
    expect_complaint(1, "kernel-compare --data spirals:n=50 --kernel ntk --out /dev/full --quiet",
                     "No space left");
    expect_complaint(1, "kernel-compare --data spirals:n=50 --kernel ntk --predictions /dev/full --quiet",
                     "No space left");
    expect_complaint(1, "kernel-compare --data spirals:n=900000 --kernel ntk", "GiB");
    expect_complaint(1, "kernel-compare --data spirals:n=50 --plot x.bmp", "x.bmp");
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
    write_file("classes.csv", text);
    qntk_free(text);
    expect_complaint(1, "kernel-compare --data classes.csv --kernel laplace --ridge 0.1:1:1000",
                     "GiB are available; pass --limit");
    expect_complaint(1,
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
    ck_assert_double_eq(number(r.out, "laplace", "train"), 1);
    run_free(&r);
}
END_TEST

START_TEST(hard_rows_have_defined_results)
{
    /* a class of one row is missing from the training rows of its fold; six rows of six classes */
    write_file("rare.csv", "x,y\n1,a\n2,a\n3,b\n4,b\n5,a\n6,b\n7,c\n8,a\n9,b\n");
    write_file("many.csv", "x,y\n1,a\n3,b\n1.5,c\n7,d\n2,e\n4,f\n");
    write_file("flat.csv", "x,y\n1,5\n3,5\n1.5,5\n7,5\n2,5\n4,5\n");
    run_result r = expect(0, "kernel-compare --data rare.csv --kernel laplace --folds 3 --predictions p.tsv");
    char *text = run_read("p.tsv");
    ck_assert_ptr_nonnull(strstr(text, "\tlaplace\tc\t"));
    ck_assert_ptr_null(strstr(text, "\tc\tc\n"));
    free(text);
    run_free(&r);
    r = expect(0, "kernel-compare --data many.csv --kernel laplace --folds 3 --ridge 0.01");
    ck_assert_double_eq(number(r.out, "laplace", "train"), 1);
    ck_assert_double_eq(number(r.out, "laplace", "test"), 0);
    ck_assert_double_eq(number(r.out, "laplace", "loo"), 1);
    run_free(&r);
    r = expect(0, "kernel-compare --data flat.csv --task regress --kernel laplace --folds 3 --center");
    ck_assert_double_lt(number(r.out, "laplace", "train") + number(r.out, "laplace", "test") +
                            number(r.out, "laplace", "loo"),
                        1e-26);
    run_free(&r);
    r = expect(0, "kernel-compare --data flat.csv --task classify --kernel laplace --folds 3");
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=1\n"));
    ck_assert_double_eq(number(r.out, "laplace", "test"), 1);
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

START_TEST(the_published_folds_are_used_unless_others_are_asked_for)
{
    const char *wine = test_shared("datasets/uci/wine");
    if (wine == NULL) {
        test_skip("the shared data sets are not here");
        return;
    }
    char command[4096];
    snprintf(command, sizeof command, "kernel-compare --data %s --kernel laplace --quiet", wine);
    run_result r = expect(0, command);
    ck_assert_ptr_nonnull(strstr(r.out, "# n=178\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# d=13\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=3\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# protocol=4 published folds\n"));
    /* from a plain NumPy script: one inverse per fold and ridge */
    ck_assert_double_eq(number(r.out, "laplace", "ridge"), 0.1);
    ck_assert_double_eq(number(r.out, "laplace", "train"), 1);
    ck_assert_relative(number(r.out, "laplace", "test"), 0.977272727272727, 1e-14);
    ck_assert_relative(number(r.out, "laplace", "loo"), 0.0130597014925373, 1e-13);
    ck_assert_relative(number(r.out, "laplace", "loo_mse"), 0.0739552867099957, 1e-13);
    ck_assert_relative(number(r.out, "laplace", "kare"), 0.0601755100471022, 1e-13);
    ck_assert_relative(number(r.out, "laplace", "freedom"), 104.357188800324, 1e-13);
    run_free(&r);
    snprintf(command, sizeof command, "kernel-compare --data %s --kernel laplace --quiet --folds 4", wine);
    r = expect(0, command);
    ck_assert_ptr_nonnull(strstr(r.out, "# protocol=4 folds, stratified\n"));
    run_free(&r);
}
END_TEST

START_TEST(as_many_folds_as_rows_are_leaving_one_out)
{
    enum { N = 24 };
    char values[4096] = "x,z,y\n", classes[4096] = "x,z,y\n";
    qntk_rng rng = qntk_rng_create(11, 0);
    for (int i = 0; i < N; i++) {
        const double x = qntk_rng_normal(&rng), z = qntk_rng_normal(&rng),
                     y = 2 + x * z + 0.3 * qntk_rng_normal(&rng);
        snprintf(values + strlen(values), sizeof values - strlen(values), "%.6f,%.6f,%.6f\n", x, z, y);
        snprintf(classes + strlen(classes), sizeof classes - strlen(classes), "%.6f,%.6f,%s\n", x, z,
                 y < 1.7   ? "low"
                 : y < 2.2 ? "mid"
                           : "high");
    }
    write_file("values.csv", values);
    write_file("classes.csv", classes);
    const char *settings[] = {"values.csv --task regress --ridge 0.1",
                              "values.csv --task regress --ridge 0.1 --center", "classes.csv --ridge 0.02",
                              "classes.csv --ridge 0.5 --center"};
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        char command[512];
        const bool classify = k >= 2;
        snprintf(command, sizeof command, "kernel-compare --data %s --kernel laplace:bandwidth=1 --folds %d",
                 settings[k], N);
        run_result folds = expect(0, command);
        snprintf(command, sizeof command, "kernel-compare --data %s --kernel laplace:bandwidth=1 --test %s",
                 settings[k], classify ? "classes.csv" : "values.csv");
        run_result whole = expect(0, command);
        const double test = number(folds.out, "laplace:bandwidth=1", "test");
        ck_assert_close(number(whole.out, "laplace:bandwidth=1", "loo"), classify ? 1 - test : test, 1e-12,
                        1);
        run_free(&folds);
        run_free(&whole);
    }
    run_remove("values.csv");
    run_remove("classes.csv");
}
END_TEST

/* Draws with these arguments into a file of this name, whose first bytes are known. */
static void expect_picture(const char *arguments, const char *picture, const char *first)
{
    char command[512];
    snprintf(command, sizeof command, "kernel-compare %s --plot %s --quiet", arguments, picture);
    run_result r = expect(0, command);
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
    write_file("train.csv", TRAIN);
    write_file("test.csv", TEST);
    expect_picture("--data friedman1:n=60 --kernel ntk --kernel gauss", "c.png", "\x89PNG");
    expect_picture("--data train.csv --test test.csv --format json", "c.pdf", "%PDF");
    expect_picture("--data train.csv --test test.csv --bits real,1", "b.pdf", "%PDF");
    expect_picture("--data friedman1:n=60 --center --bits 1,2,16,real", "b.svg", "<?xml");
    /* nothing differs: every accuracy is one, every gap is nought */
    write_file("flat.csv", "x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n");
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
        run_result r = expect(0, command);
        const char *recorded = strstr(r.out, "# command=");
        ck_assert_ptr_nonnull(recorded);
        recorded += strlen("# command=");
        snprintf(command, sizeof command, "%.*s", (int)strcspn(recorded, "\n"), recorded);
        run_result again = expect(0, command);
        cut_seconds(r.out);
        cut_seconds(again.out);
        ck_assert_str_eq(r.out, again.out);
        run_free(&r);
        run_free(&again);
    }
}
END_TEST

/* ---- support vector machines ---- */

static bool no_svm(void)
{
    if (!qntk_svm_available())
        test_skip("built without libsvm");
    return !qntk_svm_available();
}

START_TEST(svm_reports_its_C_and_nothing_of_ridges)
{
    if (no_svm())
        return;
    run_result r =
        expect(0, "kernel-compare --data spirals:n=150 --kernel laplace --kernel ntk --solver svm");
    const double C = number(r.out, "laplace", "C"), test = number(r.out, "laplace", "test");
    ck_assert_double_gt(C, 0);
    ck_assert_double_gt(test, 0.8); /* two spirals: chance is 0.5, and a line does no better */
    ck_assert_close(number(r.out, "ntk", "gap"), number(r.out, "ntk", "train") - number(r.out, "ntk", "test"),
                    1e-15, 1);
    ck_assert_double_gt(number(r.out, "laplace", "cross"), 0.7);
    ck_assert_str_eq(field(r.out, "laplace", "loo"), "nan");
    ck_assert_str_eq(field(r.out, "laplace", "kare"), "nan");
    ck_assert_ptr_null(strstr(r.out, "\tridge\t"));
    run_free(&r);
    char command[256]; /* the C it printed gives the same row */
    snprintf(command, sizeof command,
             "kernel-compare --data spirals:n=150 --kernel laplace --solver svm --C %.17g --threads 1", C);
    r = expect(0, command);
    ck_assert_double_eq(number(r.out, "laplace", "C"), C);
    ck_assert_double_eq(number(r.out, "laplace", "test"), test);
    run_free(&r);
}
END_TEST

START_TEST(svm_in_json_has_null_for_what_it_lacks)
{
    if (no_svm())
        return;
    run_result r =
        expect(0, "kernel-compare --data spirals:n=80 --kernel gauss --solver svm --C 0.5,2,8 --seed 3 "
                  "--format json --quiet");
    cJSON *tree = cJSON_Parse(r.out);
    ck_assert_ptr_nonnull(tree);
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "results"), 0);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(row, "loo")));
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(row, "kare")));
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(row, "gcv")));
    ck_assert_ptr_null(cJSON_GetObjectItem(row, "ridge"));
    const double C = cJSON_GetObjectItemCaseSensitive(row, "C")->valuedouble;
    ck_assert(C == 0.5 || C == 2 || C == 8);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(row, "C_tried")),
                     3); /* a list is tried to its end */
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(row, "folds")), 4);
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

START_TEST(svm_needs_classes_and_options_of_its_own)
{
    expect_complaint(2, "kernel-compare --data spirals --C 1", "--C");
    expect_complaint(2, "kernel-compare --data spirals --solver svm --ridge 1", "--ridge means nothing");
    expect_complaint(2, "kernel-compare --data spirals --solver svm --center", "--center means nothing");
    const char *wrong[] = {"0", "-1", "nan", "1,0", "1,", "0:1:3", "1:2", "inf", "autox"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char command[128];
        snprintf(command, sizeof command, "kernel-compare --data spirals --solver svm --C %s", wrong[i]);
        expect_complaint(2, command, "--C: expected");
    }
    if (!qntk_svm_available()) {
        expect_complaint(1, "kernel-compare --data spirals:n=40 --solver svm", "libsvm-dev");
        return;
    }
    expect_complaint(1, "kernel-compare --data friedman1:n=40 --solver svm", "--solver ridge");
    expect_complaint(1, "kernel-compare --data spirals:n=40 --solver svm --C 1e300", "C: expected");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, help_and_version_go_to_standard_output);
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, the_table_describes_itself);
    tcase_add_test(tcase, every_figure_is_that_of_the_explicit_inverse);
    tcase_add_test(tcase, what_is_trained_does_not_depend_on_the_rows_of_the_test_file);
    tcase_add_test(tcase, a_test_file_is_matched_by_name);
    tcase_add_test(tcase, a_test_file_may_lack_a_category);
    tcase_add_test(tcase, automatic_ridges_begin_where_nothing_is_singular);
    tcase_add_test(tcase, extremes_of_ridges_and_folds_stay_exact);
    tcase_add_test(tcase, a_test_file_is_scaled_by_the_training_rows);
    tcase_add_test(tcase, files_that_differ_say_in_what);
    tcase_add_test(tcase, predictions_name_every_row_once_and_add_up_to_the_accuracy);
    tcase_add_test(tcase, each_precision_is_the_kernel_of_its_name_and_leaving_out_chooses);
    tcase_add_test(tcase, what_is_no_precision_is_bad_usage);
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
    tcase_add_test(tcase, the_published_folds_are_used_unless_others_are_asked_for);
    tcase_add_test(tcase, as_many_folds_as_rows_are_leaving_one_out);
    tcase_add_test(tcase, plots_are_drawn_of_folds_and_of_one_split);
    tcase_add_test(tcase, the_recorded_command_gives_the_same_result);
    tcase_add_test(tcase, svm_reports_its_C_and_nothing_of_ridges);
    tcase_add_test(tcase, svm_in_json_has_null_for_what_it_lacks);
    tcase_add_test(tcase, svm_needs_classes_and_options_of_its_own);
}

int main(void)
{
    return test_main("kernel_compare", add_tests);
}
