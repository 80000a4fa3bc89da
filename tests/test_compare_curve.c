/* kernel-compare --learning-curve, run as its users run it. */
#include "run.h"

#include <string.h>

#include <cjson/cJSON.h>

static void write_matrix(const char *name, const double K[4])
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", run_directory(), name);
    ck_assert_ok(qntk_npy_write(path, 2, 2, K));
}

static cJSON *read_json(const char *arguments)
{
    run_result r = run_expect(0, arguments);
    cJSON *tree = cJSON_Parse(r.out);
    ck_assert_msg(tree != NULL, "%s: no JSON: %.200s", arguments, r.out);
    run_free(&r);
    return tree;
}

static const cJSON *point(const cJSON *tree, int kernel, int at)
{
    const cJSON *result = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "results"), kernel);
    const cJSON *found = cJSON_GetArrayItem(cJSON_GetObjectItem(result, "curve"), at);
    ck_assert_ptr_nonnull(found);
    return found;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    ck_assert_msg(cJSON_IsNumber(item), "%s is no number", key);
    return item->valuedouble;
}

START_TEST(bad_usage_is_named)
{
    const char *sizes[] = {"0:50:3", "50:10:3", "10:50:1",  "10:50:0",  "10:50", "10:50:3:4", "10:50:1001",
                           "a:50:3", "-1:50:3", "1.5:50:3", "10:1e3:3", "''",    "::"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char command[128];
        snprintf(command, sizeof command, "kernel-compare --data spirals --learning-curve %s", sizes[i]);
        run_complaint(2, "kernel-compare", command, "--learning-curve: expected LO:HI:N");
    }
    run_complaint(2, "kernel-compare", "kernel-compare --learning-curve 10:50:3",
                  "give --data SPEC, or --sphere");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --sphere 5 --learning-curve 10:50:3",
                  "means nothing");
    run_complaint(2, "kernel-compare", "kernel-compare --sphere 5", "without --learning-curve");
    run_complaint(2, "kernel-compare", "kernel-compare --sphere 1 --learning-curve 10:50:3", "--sphere");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --folds 3 --learning-curve 10:50:3",
                  "means nothing");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --center --learning-curve 10:50:3",
                  "means nothing");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --repeats 3",
                  "without --learning-curve");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --noise 1 --learning-curve 10:50:3",
                  "without --sphere");
    run_complaint(2, "kernel-compare", "kernel-compare --sphere 5 --learning-curve 10:50:3 --noise -1",
                  "--noise");
    run_complaint(2, "kernel-compare", "kernel-compare --sphere 5 --learning-curve 10:50:3 --ridge x",
                  "--ridge: expected");
    run_complaint(2, "kernel-compare", "kernel-compare --sphere 5 --learning-curve 10:50:3 --kernel K.npy",
                  "is a matrix");
    const char *degrees[] = {"a", "1,", ",1", "1,1", "1:0", "1:-1", "1:nan", "1:0.5,2", "1001", "1;2"};
    for (size_t i = 0; i < sizeof degrees / sizeof *degrees; i++) {
        char command[128];
        snprintf(command, sizeof command,
                 "kernel-compare --sphere 5 --learning-curve 10:50:3 --target-degrees %s", degrees[i]);
        run_complaint(2, "kernel-compare", command, "--target-degrees: expected");
    }
}
END_TEST

START_TEST(bad_data_is_named)
{
    run_complaint(1, "kernel-compare", "kernel-compare --data spirals:n=100 --learning-curve 10:101:3",
                  "expected at most the 100 rows there are, found 101");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data spirals:n=100 --target none --learning-curve 10:50:3",
                  "needs a target");
    /* one eigenvalue is not enough for 10 rows */
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data friedman1:n=40 --kernel gauss:bandwidth=1e9 --ridge 0 "
                  "--learning-curve 10:10:1",
                  "gauss:bandwidth=1e9: a subset of 10 rows: ridge 0");
    /* matrices that are no kernels: -I, and one with eigenvalues 1 and -1 of which the ridge makes 3 and 1 */
    run_write("two.csv", "x,y\n1,2\n2,3\n");
    static const double negative[] = {-1, 0, 0, -1}, indefinite[] = {0, 1, 1, 0};
    write_matrix("N.npy", negative);
    write_matrix("I.npy", indefinite);
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data two.csv --task regress --kernel N.npy --learning-curve 1:2:2",
                  "N.npy: trace(K)/n is negative");
    run_complaint(1, "kernel-compare",
                  "kernel-compare --data two.csv --task regress --kernel I.npy --learning-curve 1:2:2 "
                  "--ridge 2",
                  "I.npy: expected a kernel matrix without negative eigenvalues, found -1 ");
    run_remove("two.csv");
    run_remove("N.npy");
    run_remove("I.npy");
}
END_TEST

START_TEST(what_is_complete_is_written_when_a_later_kernel_fails)
{
    run_result r =
        run_expect(1, "kernel-compare --data friedman1:n=40 --kernel laplace --kernel gauss:bandwidth=1e9 "
                      "--ridge 0 --learning-curve 10:20:2 --out c.tsv --quiet");
    ck_assert_msg(strstr(r.err, "; 1 of 2 kernels are complete") != NULL, "it said: %s", r.err);
    run_result alone = run_expect(0, "kernel-compare --data friedman1:n=40 --kernel laplace --ridge 0 "
                                     "--learning-curve 10:20:2 --quiet");
    char *kept = run_read("c.tsv");
    ck_assert_ptr_nonnull(kept);
    ck_assert_str_eq(strstr(kept, "\nkernel\t"), strstr(alone.out, "\nkernel\t"));
    free(kept);
    run_free(&r);
    run_free(&alone);
    run_remove("c.tsv");
}
END_TEST

START_TEST(the_table_describes_itself)
{
    run_result r = run_expect(0, "kernel-compare --data spirals:n=120 --kernel qntk --kernel gauss --seed 7 "
                                 "--learning-curve 10:90:3 --repeats 4");
    ck_assert_ptr_nonnull(strstr(r.out, "# seed=7\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# n=120\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=2\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "--learning-curve 10:90:3 --repeats 4"));
    ck_assert_ptr_nonnull(strstr(r.out, "# ridges[gauss]="));
    ck_assert_ptr_nonnull(
        strstr(r.out, "\nkernel\tn\tridge\ttest_measured\ttest_se\ttest_predicted\tratio\t"));
    ck_assert_ptr_nonnull(strstr(r.out, "\nqntk\t30\t"));
    ck_assert_ptr_nonnull(strstr(r.out, "\ngauss\t90\t"));
    ck_assert_ptr_nonnull(strstr(r.err, "accuracy"));
    ck_assert_ptr_nonnull(strstr(r.err, "predicted/measured from"));
    run_free(&r);
    /* the same bytes for any number of threads, and for the ridge that was chosen, given again */
    run_result one =
        run_expect(0, "kernel-compare --data spirals:n=120 --kernel qntk --learning-curve 10:90:3 "
                      "--repeats 4 --threads 1 --quiet");
    run_result three =
        run_expect(0, "kernel-compare --data spirals:n=120 --kernel qntk --learning-curve 10:90:3 "
                      "--repeats 4 --threads 3 --quiet");
    ck_assert_str_eq(one.out, three.out);
    ck_assert_str_eq(one.err, "");
    run_free(&one);
    run_free(&three);
}
END_TEST

START_TEST(json_holds_the_curve_and_its_numbers_fit_together)
{
    cJSON *tree =
        read_json("kernel-compare --data friedman1:n=150 --kernel ntk --kernel laplace --format json "
                  "--learning-curve 20:150:3 --ridge 0.5 --repeats 5 --quiet");
    ck_assert_double_eq(number(tree, "n"), 150);
    ck_assert_double_eq(number(tree, "classes"), 0);
    for (int k = 0; k < 2; k++)
        for (int s = 0; s < 3; s++) {
            const cJSON *at = point(tree, k, s);
            const double n = number(at, "n"), test = number(at, "test_measured");
            ck_assert_double_eq(number(at, "ridge"), 0.5);
            ck_assert_relative(number(at, "ratio"), number(at, "test_predicted") / test, 1e-14);
            ck_assert_relative(number(at, "ratio_finite"), number(at, "test_finite") / test, 1e-14);
            ck_assert(cJSON_IsNull(cJSON_GetObjectItem(at, "accuracy"))); /* regression */
            ck_assert(cJSON_IsNull(cJSON_GetObjectItem(at, "loo")));      /* one ridge */
            if (s < 2) {
                /* the pool is what is trained on and what is held out */
                ck_assert_relative(n * number(at, "train_measured") +
                                       (150 - n) * number(at, "heldout_measured"),
                                   150 * test, 1e-12);
            } else {
                ck_assert_double_eq(n, 150);
                ck_assert(cJSON_IsNull(cJSON_GetObjectItem(at, "heldout_measured")));
                ck_assert_relative(number(at, "ratio_finite"), 1, 1e-9);
                ck_assert_relative(number(at, "train_measured"), test, 1e-12);
            }
        }
    cJSON_Delete(tree);
}
END_TEST

START_TEST(constant_targets_are_defined)
{
    run_write("constant.csv", "a,b,y\n1,2,3\n2,1,3\n0,5,3\n4,4,3\n2,2,3\n7,1,3\n");
    run_write("zero.csv", "a,b,y\n1,2,0\n2,1,0\n0,5,0\n4,4,0\n2,2,0\n7,1,0\n");
    run_result r = run_expect(0, "kernel-compare --data constant.csv --task regress --kernel gauss "
                                 "--learning-curve 2:6:2 --ridge 0.1 --quiet");
    run_free(&r);
    cJSON *tree = read_json("kernel-compare --data zero.csv --task regress --kernel gauss --format json "
                            "--learning-curve 2:6:2 --ridge 0.1 --quiet");
    ck_assert_double_eq(number(point(tree, 0, 0), "test_measured"), 0);
    ck_assert_double_eq(number(point(tree, 0, 0), "test_predicted"), 0);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(point(tree, 0, 0), "ratio")));
    cJSON_Delete(tree);
    run_remove("constant.csv");
    run_remove("zero.csv");
}
END_TEST

START_TEST(of_an_error_of_zero_nothing_is_a_multiple)
{
    run_write("one.csv", "x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n7,a\n8,a\n");
    run_result r = run_expect(
        0, "kernel-compare --data one.csv --task classify --kernel laplace --learning-curve 2:6:3");
    const char *row = strstr(r.err, "laplace ");
    ck_assert_ptr_nonnull(row);
    char ratio[16], finite[16];
    ck_assert_int_eq(sscanf(row, "laplace 2 %*s 0 +- 0 0 %15s 0 %15s", ratio, finite), 2);
    ck_assert_str_eq(ratio, "-");
    ck_assert_str_eq(finite, "-");
    ck_assert_ptr_null(strstr(r.err, "nan"));
    ck_assert_ptr_null(strstr(r.out, "-nan"));
    ck_assert_ptr_nonnull(strstr(r.out, "\tnan\t"));
    run_free(&r);
    run_remove("one.csv");
}
END_TEST

START_TEST(the_sphere_needs_no_data)
{
    /* targets given as "1,2" and as their powers are the same, scaled */
    cJSON *equal =
        read_json("kernel-compare --sphere 6 --learning-curve 10:1000:3 --kernel qntk --format json "
                  "--target-degrees 1,2 --ridge 0.01 --quiet");
    cJSON *double_power = read_json("kernel-compare --sphere 6 --learning-curve 10:1000:3 --kernel qntk "
                                    "--format json --target-degrees 1:1,2:1 --ridge 0.01 --quiet");
    cJSON *noisy =
        read_json("kernel-compare --sphere 6 --learning-curve 10:1000:3 --kernel qntk --format json "
                  "--target-degrees 1,2 --ridge 0.01 --noise 0.5 --quiet");
    ck_assert_double_eq(number(equal, "d"), 6);
    double before = INFINITY;
    for (int s = 0; s < 3; s++) {
        const cJSON *at = point(equal, 0, s);
        const double test = number(at, "test_predicted");
        ck_assert_double_lt(test, before);
        before = test;
        ck_assert_double_eq(number(at, "clean_predicted"), test);
        ck_assert_relative(number(point(double_power, 0, s), "test_predicted"), 2 * test, 1e-12);
        ck_assert_relative(number(point(noisy, 0, s), "test_predicted"),
                           0.5 + number(point(noisy, 0, s), "clean_predicted"), 1e-12);
        ck_assert_double_gt(number(point(noisy, 0, s), "test_predicted"), 0.5 + test);
    }
    cJSON_Delete(equal);
    cJSON_Delete(double_power);
    cJSON_Delete(noisy);
    /* too many points for the degrees there are: written, and said */
    run_result r =
        run_expect(1, "kernel-compare --sphere 3 --learning-curve 10:1000000000:2 --kernel laplace "
                      "--ridge 0 --quiet");
    ck_assert_ptr_nonnull(strstr(r.err, "act as a ridge"));
    ck_assert_ptr_nonnull(strstr(r.out, "\nlaplace\t1000000000\t0\t"));
    run_free(&r);
}
END_TEST

START_TEST(plots_are_drawn)
{
    const char *const modes[] = {"--data friedman1:n=60 --kernel ntk --kernel gauss --learning-curve 5:60:4",
                                 "--data friedman1:n=60 --kernel ntk --learning-curve 60:60:1 --repeats 1",
                                 "--sphere 4 --learning-curve 5:50:3"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char command[256];
        snprintf(command, sizeof command, "kernel-compare %s --plot c.png --quiet", modes[i]);
        run_result r = run_expect(0, command);
        char *png = run_read("c.png");
        ck_assert_ptr_nonnull(png);
        ck_assert_int_eq(memcmp(png, "\x89PNG", 4), 0);
        ck_assert_str_eq(r.err, "");
        free(png);
        run_free(&r);
        run_remove("c.png");
        ck_assert_uint_eq(run_count_files(), 0);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, bad_usage_is_named);
    tcase_add_test(tcase, bad_data_is_named);
    tcase_add_test(tcase, what_is_complete_is_written_when_a_later_kernel_fails);
    tcase_add_test(tcase, the_table_describes_itself);
    tcase_add_test(tcase, json_holds_the_curve_and_its_numbers_fit_together);
    tcase_add_test(tcase, constant_targets_are_defined);
    tcase_add_test(tcase, of_an_error_of_zero_nothing_is_a_multiple);
    tcase_add_test(tcase, the_sphere_needs_no_data);
    tcase_add_test(tcase, plots_are_drawn);
}

int main(void)
{
    return test_main("compare_curve", add_tests);
}
