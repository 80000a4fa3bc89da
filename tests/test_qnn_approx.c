/* qnn approx as its users run it. */
#include "run.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static run_result expect(int code, const char *arguments)
{
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d: %s", arguments, r.code, code, r.err);
    return r;
}

static void expect_complaint(int code, const char *arguments, const char *text)
{
    run_result r = expect(code, arguments);
    ck_assert_msg(strstr(r.err, text) != NULL, "%s: '%s' lacks '%s'", arguments, r.err, text);
    ck_assert_str_eq(r.out, "");
    run_free(&r);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(cJSON_IsNumber(item), "no number '%s'", key);
    return item->valuedouble;
}

START_TEST(bad_usage_exits_with_2)
{
    expect_complaint(2, "qnn approx", "give --eps E or --sweep");
    expect_complaint(2, "qnn approx --eps 1", "--eps");
    expect_complaint(2, "qnn approx --eps 0.1 --function cosine", "found 'cosine'");
    expect_complaint(2, "qnn approx --eps 0.1 --values 1", "--values");
    expect_complaint(2, "qnn approx --eps 0.1 --values 257", "2 to 256");
    expect_complaint(2, "qnn approx --eps 0.1 --dim 4", "--dim");
    expect_complaint(1, "qnn approx --eps 0.01 --construction steps --values 2",
                     "qnn approx: steps on a grid: expected more than 101 values for eps 0.01, found 2");
    expect_complaint(2, "qnn approx --eps 0.1 --smoothness 9", "--smoothness");
    expect_complaint(2, "qnn approx --eps 0.1 --sweep 1e-3:1e-1:3", "sweep");
    expect_complaint(2, "qnn approx --sweep 1e-1:1e-3:3", "LO:HI:N");
    expect_complaint(2, "qnn approx --sweep 1e-3:1e-1:1", "LO:HI:N");
    expect_complaint(2, "qnn approx --sweep 1e-3:1e-1:3x", "LO:HI:N");
    expect_complaint(2, "qnn approx --dim 3 --eps 0.5 --grid 1001", "1e9 points");
    expect_complaint(2, "qnn approx --eps 0.1 --construction steps --values best", "not for");
    expect_complaint(1, "qnn approx --eps 0.1 --construction steps --values 11", "more than 11 values");
}
END_TEST

START_TEST(what_would_not_fit_is_refused_with_its_size)
{
    expect_complaint(1, "qnn approx --dim 2 --smoothness 1 --eps 1e-4", "a network of up to ");
    expect_complaint(1, "qnn approx --dim 3 --smoothness 1 --eps 1e-8", "take a larger eps");
}
END_TEST

START_TEST(one_network_is_one_object)
{
    run_result r = expect(0, "qnn approx --function product --dim 2 --smoothness 2 --eps 0.3 --values 3 "
                             "--grid 31 --random 500 --seed 6 --format json --quiet");
    ck_assert_str_eq(r.err, "");
    cJSON *tree = cJSON_Parse(r.out);
    ck_assert_ptr_nonnull(tree);
    ck_assert_str_eq(cJSON_GetObjectItem(tree, "function")->valuestring, "product");
    ck_assert(number(tree, "dim") == 2 && number(tree, "eps") == 0.3 && number(tree, "values") == 3);
    const double error = number(tree, "error"), bound = number(tree, "bound");
    ck_assert(0 < error && error <= bound && bound <= 0.3);
    ck_assert(number(tree, "distinct_values") == 3);

    qntk_approx_plan plan; /* the same by the library */
    qntk_approx_network network;
    qntk_approx_counts counts, real;
    double grid, random;
    const qntk_approx_function *f = qntk_approx_find("product");
    ck_assert_ok(qntk_approx_plan_make(2, 2, 0.3, 3, &plan));
    ck_assert_ok(qntk_approx_build(f, &plan, &network));
    ck_assert_ok(qntk_approx_count(&network, &counts));
    ck_assert_ok(qntk_approx_error(&network, f, &plan, 31, 500, 6, &grid, &random));
    qntk_approx_network_free(&network);
    ck_assert(number(tree, "grid_error") == grid && number(tree, "random_error") == random);
    ck_assert(number(tree, "depth") == (double)counts.depth);
    ck_assert(number(tree, "weights") == (double)counts.weights);
    ck_assert(number(tree, "bits") == counts.bits);
    ck_assert(number(tree, "bound") == plan.bound);
    ck_assert_ok(qntk_approx_plan_make(2, 2, 0.3, 0, &plan));
    ck_assert_ok(qntk_approx_build(f, &plan, &network));
    ck_assert_ok(qntk_approx_count(&network, &real));
    qntk_approx_network_free(&network);
    ck_assert(number(tree, "real_weights") == (double)real.weights);
    ck_assert(number(tree, "real_weights") < number(tree, "weights"));
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

START_TEST(a_sweep_has_the_exponents_of_its_rows)
{
    run_result r =
        expect(0, "qnn approx --function wave --sweep 1e-4:1e-2:3 --values 2,5 --grid 101 --random 9 "
                  "--format json");
    cJSON *tree = cJSON_Parse(r.out);
    ck_assert_ptr_nonnull(tree);
    const cJSON *rows = cJSON_GetObjectItem(tree, "results"), *laws = cJSON_GetObjectItem(tree, "exponents");
    ck_assert_int_eq(cJSON_GetArraySize(rows), 6);
    ck_assert_int_eq(cJSON_GetArraySize(laws), 3);
    for (int k = 0; k < 6; k++) {
        const cJSON *row = cJSON_GetArrayItem(rows, k);
        ck_assert_relative(number(row, "eps"), k < 2 ? 1e-2 : k < 4 ? 1e-3 : 1e-4, 1e-12);
        ck_assert(number(row, "values") == (k % 2 == 0 ? 2 : 5));
        ck_assert_double_le(number(row, "error"), number(row, "bound"));
    }
    for (int l = 0; l < 3; l++) { /* of three points evenly spaced the slope is that between the ends */
        const char *key = l == 2 ? "real_weights" : "weights";
        const double first = number(cJSON_GetArrayItem(rows, l % 2), key);
        const double last = number(cJSON_GetArrayItem(rows, 4 + l % 2), key);
        ck_assert_relative(number(cJSON_GetArrayItem(laws, l), "exponent"), log(last / first) / log(100),
                           1e-9);
        ck_assert(number(cJSON_GetArrayItem(laws, l), "exponent_se") > 0);
    }
    ck_assert_ptr_nonnull(strstr(r.err, "weights (real values) ~ (1/eps)^"));
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

/* Without muParser: exit 1 and what to install. */
static bool formulas(void)
{
    run_result r = run_program("qnn approx --function x1 --eps 0.5 --bound 1", 0);
    const bool there = r.code == 0;
    if (!there) {
        ck_assert_int_eq(r.code, 1);
        ck_assert_ptr_nonnull(strstr(r.err, "apt-get install libmuparser-dev"));
    }
    run_free(&r);
    return there;
}

START_TEST(a_formula_is_approximated_and_its_scale_undone)
{
    if (!formulas()) {
        test_skip("built without muParser");
        return;
    }
    static const char *const keys[] = {"error",        "grid_error", "random_error", "bound",
                                       "taylor_bound", "weights",    "bits"};
    run_result r[3];
    cJSON *tree[3];
    r[0] = expect(0, "qnn approx --function sine --eps 0.01 --format json --quiet");
    r[1] = expect(0, "qnn approx --function sin(x1) --bound 1 --eps 0.01 --format json --quiet");
    r[2] = expect(0, "qnn approx --function 100*sin(x1) --eps 1 --format json");
    for (size_t k = 0; k < 3; k++) {
        tree[k] = cJSON_Parse(r[k].out);
        ck_assert_ptr_nonnull(tree[k]);
    }
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const double scale = k < 5 ? 100 : 1, digits = k < 3 ? number(tree[0], "weight_bound") : 1e-6;
        ck_assert_relative(number(tree[1], keys[k]), number(tree[0], keys[k]), k == 3 || k == 4 ? 0 : 1e-3);
        ck_assert_close(number(tree[2], keys[k]) / scale, number(tree[0], keys[k]), digits,
                        fmax(1, number(tree[0], keys[k]) * 1e3));
    }
    ck_assert_relative(number(tree[2], "derivative_bound"), 100, 1e-6);
    ck_assert_str_eq(cJSON_GetObjectItem(tree[2], "derivative_bound_is")->valuestring, "estimated");
    ck_assert_str_eq(cJSON_GetObjectItem(tree[1], "derivative_bound_is")->valuestring, "given");
    ck_assert_ptr_nonnull(strstr(r[2].err, "at most 100 by an estimate"));
    ck_assert_double_le(number(tree[2], "error"), 1);
    for (size_t k = 0; k < 3; k++) {
        cJSON_Delete(tree[k]);
        run_free(&r[k]);
    }
    expect_complaint(2, "qnn approx --function sin(x1 --eps 0.1", "character 7: expected ')'");
    expect_complaint(2, "qnn approx --function x2 --eps 0.1", "found 'x2'");
    expect_complaint(2, "qnn approx --function sqrt(x1) --eps 0.1", "--bound B");
    expect_complaint(2, "qnn approx --function x1 --eps 2", "the bound of the derivatives, found 2");
    expect_complaint(2, "qnn approx --function x1 --bound 1e9 --eps 1", "expected from 10 to below 1e+09");
    expect_complaint(2, "qnn approx --function sine --bound 1 --eps 0.1", "it is for formulas");
    expect_complaint(1, "qnn approx --function 1/(x1-0.5) --eps 0.1", "found inf at x1 = 0.5");
    r[0] = expect(
        0, "qnn approx --function sin(2*x1)*x2 --dim 2 --eps 0.1 --construction steps --values 100 --quiet "
           "--grid 31");
    const char *bound = strstr(r[0].out, "# derivative_bound=");
    ck_assert_ptr_nonnull(bound);
    ck_assert_relative(strtod(bound + strlen("# derivative_bound="), NULL), 2,
                       1e-6); /* of the first ones alone: not 4 */
    run_free(&r[0]);
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
    run_result one = expect(0, "qnn approx --eps 0.01 --values best --random 100 --threads 1");
    run_result more = expect(0, "qnn approx --eps 0.01 --values best --random 100 --threads 3");
    ck_assert_str_eq(one.out, more.out);
    ck_assert_ptr_nonnull(strstr(one.out, "eps\tvalues\terror\t"));
    run_free(&one);
    run_free(&more);
}
END_TEST

START_TEST(a_picture_is_drawn)
{
    run_result r =
        run_program("qnn approx --sweep 1e-3:1e-1:3 --values 2,4 --random 9 --plot a.svg --quiet", 0);
    if (strstr(r.err, "gnuplot is not installed") != NULL) {
        test_skip("no gnuplot");
    } else {
        ck_assert_msg(r.code == 0 && r.err[0] == '\0', "%s", r.err);
        char *picture = run_read("a.svg");
        ck_assert_ptr_nonnull(picture);
        ck_assert_ptr_nonnull(strstr(picture, "4 values"));
        free(picture);
        run_remove("a.svg");
    }
    run_free(&r);
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, what_would_not_fit_is_refused_with_its_size);
    tcase_add_test(tcase, one_network_is_one_object);
    tcase_add_test(tcase, a_sweep_has_the_exponents_of_its_rows);
    tcase_add_test(tcase, a_formula_is_approximated_and_its_scale_undone);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, a_picture_is_drawn);
}

int main(void)
{
    return test_main("qnn_approx", add_tests);
}
