/* kernel-compare --solver svm, run as its users run it. */
#include "run.h"

#include <string.h>

#include <cjson/cJSON.h>

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
        run_expect(0, "kernel-compare --data spirals:n=150 --kernel laplace --kernel ntk --solver svm");
    const double C = run_number(r.out, "laplace", "C"), test = run_number(r.out, "laplace", "test");
    ck_assert_double_gt(C, 0);
    ck_assert_double_gt(test, 0.8); /* two spirals: chance is 0.5, and a line does no better */
    ck_assert_close(run_number(r.out, "ntk", "gap"),
                    run_number(r.out, "ntk", "train") - run_number(r.out, "ntk", "test"), 1e-15, 1);
    ck_assert_double_gt(run_number(r.out, "laplace", "cross"), 0.7);
    ck_assert_str_eq(run_field(r.out, "laplace", "loo"), "nan");
    ck_assert_str_eq(run_field(r.out, "laplace", "kare"), "nan");
    ck_assert_ptr_null(strstr(r.out, "\tridge\t"));
    run_free(&r);
    char command[256]; /* the C it printed gives the same row */
    snprintf(command, sizeof command,
             "kernel-compare --data spirals:n=150 --kernel laplace --solver svm --C %.17g --threads 1", C);
    r = run_expect(0, command);
    ck_assert_double_eq(run_number(r.out, "laplace", "C"), C);
    ck_assert_double_eq(run_number(r.out, "laplace", "test"), test);
    run_free(&r);
}
END_TEST

START_TEST(svm_in_json_has_null_for_what_it_lacks)
{
    if (no_svm())
        return;
    run_result r =
        run_expect(0, "kernel-compare --data spirals:n=80 --kernel gauss --solver svm --C 0.5,2,8 --seed 3 "
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
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --C 1", "--C");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --solver svm --ridge 1",
                  "--ridge means nothing");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --solver svm --center",
                  "--center means nothing");
    const char *wrong[] = {"0", "-1", "nan", "1,0", "1,", "0:1:3", "1:2", "inf", "autox"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char command[128];
        snprintf(command, sizeof command, "kernel-compare --data spirals --solver svm --C %s", wrong[i]);
        run_complaint(2, "kernel-compare", command, "--C: expected");
    }
    if (!qntk_svm_available()) {
        run_complaint(1, "kernel-compare", "kernel-compare --data spirals:n=40 --solver svm", "libsvm-dev");
        return;
    }
    run_complaint(1, "kernel-compare", "kernel-compare --data friedman1:n=40 --solver svm", "--solver ridge");
    run_complaint(1, "kernel-compare", "kernel-compare --data spirals:n=40 --solver svm --C 1e300",
                  "C: expected");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, svm_reports_its_C_and_nothing_of_ridges);
    tcase_add_test(tcase, svm_in_json_has_null_for_what_it_lacks);
    tcase_add_test(tcase, svm_needs_classes_and_options_of_its_own);
}

int main(void)
{
    return test_main("compare_svm", add_tests);
}
