/* kernel-compare on folds, and its predictions, run as its users run it. */
#include "run.h"

#include <string.h>

START_TEST(extremes_of_ridges_and_folds_stay_exact)
{
    /* all rows of one class: every accuracy is 1, and so is their mean over 40 folds */
    char rows[1024] = "x,y\n";
    for (int i = 0; i < 40; i++)
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%d,cat\n", i);
    run_write("cats.csv", rows);
    run_result r = run_expect(0, "kernel-compare --data cats.csv --kernel gauss --folds 40");
    ck_assert_double_eq(run_number(r.out, "gauss", "train"), 1);
    ck_assert_double_eq(run_number(r.out, "gauss", "test"), 1);
    run_free(&r);
    r = run_expect(0, "kernel-compare --data cats.csv --kernel laplace --ridge 1e-300:1e300:3");
    ck_assert_ptr_nonnull(strstr(r.out, "# ridges[laplace]=1e-300,1,1.0"));
    run_free(&r);
    run_remove("cats.csv");
    const double K[4] = {-1, 0, 0, -1};
    char path[5000];
    snprintf(path, sizeof path, "%s/K.npy", run_directory());
    ck_assert_ok(qntk_npy_write(path, 2, 2, K));
    run_write("two.csv", "x,y\n1,a\n2,b\n");
    run_complaint(1, "kernel-compare", "kernel-compare --data two.csv --folds 2 --kernel K.npy",
                  "trace(K)/n is negative");
    run_remove("two.csv");
    run_remove("K.npy");
}
END_TEST

START_TEST(predictions_name_every_row_once_and_add_up_to_the_accuracy)
{
    enum { N = 90, FOLDS = 3 };
    run_result r = run_expect(
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
    ck_assert_close(run_number(r.out, "gauss", "test"), accuracy, 1e-14, 1);
    free(text);
    run_free(&r);
    /* of numbers: the mean squared error */
    r = run_expect(0, "kernel-compare --data friedman1:n=40 --kernel ntk --folds 2 --predictions p.tsv");
    text = run_read("p.tsv");
    double error = 0;
    line = strchr(strstr(text, "\nrow\t") + 1, '\n') + 1;
    for (; *line != '\0'; line = strchr(line, '\n') + 1) {
        char *rest;
        const double truth = strtod(strstr(line, "\tntk\t") + 5, &rest), prediction = strtod(rest, &rest);
        ck_assert_int_eq(*rest, '\n');
        error += (truth - prediction) * (truth - prediction) / 40;
    }
    ck_assert_relative(run_number(r.out, "ntk", "test"), error, 1e-13);
    free(text);
    run_free(&r);
    run_remove("p.tsv");
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
    run_result r = run_expect(0, command);
    ck_assert_ptr_nonnull(strstr(r.out, "# n=178\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# d=13\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=3\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# protocol=4 published folds\n"));
    /* from a plain NumPy script: one inverse per fold and ridge */
    ck_assert_double_eq(run_number(r.out, "laplace", "ridge"), 0.1);
    ck_assert_double_eq(run_number(r.out, "laplace", "train"), 1);
    ck_assert_relative(run_number(r.out, "laplace", "test"), 0.977272727272727, 1e-14);
    ck_assert_relative(run_number(r.out, "laplace", "loo"), 0.0130597014925373, 1e-13);
    ck_assert_relative(run_number(r.out, "laplace", "loo_mse"), 0.0739552867099957, 1e-13);
    ck_assert_relative(run_number(r.out, "laplace", "kare"), 0.0601755100471022, 1e-13);
    ck_assert_relative(run_number(r.out, "laplace", "freedom"), 104.357188800324, 1e-13);
    run_free(&r);
    snprintf(command, sizeof command, "kernel-compare --data %s --kernel laplace --quiet --folds 4", wine);
    r = run_expect(0, command);
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
    run_write("values.csv", values);
    run_write("classes.csv", classes);
    const char *settings[] = {"values.csv --task regress --ridge 0.1",
                              "values.csv --task regress --ridge 0.1 --center", "classes.csv --ridge 0.02",
                              "classes.csv --ridge 0.5 --center"};
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        char command[512];
        const bool classify = k >= 2;
        snprintf(command, sizeof command, "kernel-compare --data %s --kernel laplace:bandwidth=1 --folds %d",
                 settings[k], N);
        run_result folds = run_expect(0, command);
        snprintf(command, sizeof command, "kernel-compare --data %s --kernel laplace:bandwidth=1 --test %s",
                 settings[k], classify ? "classes.csv" : "values.csv");
        run_result whole = run_expect(0, command);
        const double test = run_number(folds.out, "laplace:bandwidth=1", "test");
        ck_assert_close(run_number(whole.out, "laplace:bandwidth=1", "loo"), classify ? 1 - test : test,
                        1e-12, 1);
        run_free(&folds);
        run_free(&whole);
    }
    run_remove("values.csv");
    run_remove("classes.csv");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, extremes_of_ridges_and_folds_stay_exact);
    tcase_add_test(tcase, predictions_name_every_row_once_and_add_up_to_the_accuracy);
    tcase_add_test(tcase, the_published_folds_are_used_unless_others_are_asked_for);
    tcase_add_test(tcase, as_many_folds_as_rows_are_leaving_one_out);
}

int main(void)
{
    return test_main("compare_folds", add_tests);
}
