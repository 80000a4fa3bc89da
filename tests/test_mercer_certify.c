#include "test.h"

#include <float.h>
#include <string.h>

#include "reference.h"

static qntk_kernel parse(const char *spec)
{
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 0));
    return kernel;
}

/* True, with a shout, where the library was built without Arb. */
static bool without_arb(void)
{
    qntk_kernel kernel = parse("gauss");
    double eval[2], bound[2];
    qntk_status status = qntk_mercer_certify(&kernel, 3, 1, eval, bound);
    if (status == QNTK_OK)
        return false;
    ck_assert_int_eq(status, QNTK_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(qntk_message(), "libflint-arb-dev"));
    test_skip("built without Arb: nothing judges the double path to degree 200");
    return true;
}

/* Compares all degrees of the double path with the certified values; the double path must be within its own
 * error estimate, give or take the certified bound. Returns the worst relative error. */
static double judge(const char *spec, size_t D, size_t degrees)
{
    qntk_kernel kernel = parse(spec);
    double *eval = qntk_alloc(2 * (degrees + 1), sizeof *eval), *bound = eval + degrees + 1, worst = 0;
    ck_assert_ok(qntk_mercer_certify(&kernel, D, degrees, eval, bound));
    qntk_mercer m;
    qntk_mercer_options options = qntk_mercer_defaults();
    options.degrees = degrees;
    options.departure = false;
    ck_assert_ok(qntk_mercer_compute(&kernel, D, options, &m));
    size_t dishonest = 0, loose = 0;
    for (size_t k = 0; k <= degrees; k++) {
        double error = fabs(m.eval[k] - eval[k]);
        dishonest += !(error <= m.error[k] * eval[k] * (1 + 1e-9) + bound[k]);
        if (eval[k] >= DBL_MIN) {
            worst = fmax(worst, error / eval[k]);
            loose += !(bound[k] <= DBL_EPSILON * eval[k]);
        }
    }
    ck_assert_msg(dishonest == 0, "%s, D = %zu: %zu errors above their estimates, worst %.2e", spec, D,
                  dishonest, worst);
    ck_assert_msg(loose == 0, "%s, D = %zu: %zu bounds above one ulp", spec, D, loose);
    qntk_mercer_free(&m);
    qntk_free(eval);
    return worst;
}

START_TEST(the_double_path_is_right_to_rounding_up_to_degree_200)
{
    if (without_arb())
        return;
    const char *specs[] = {"qntk",
                           "qntk:bits=1.58,depth=3,quantize=all",
                           "qntk:bits=4",
                           "qntk:bits=16,depth=3",
                           "ntk",
                           "ntk:depth=3,b_std=0.5",
                           "nngp:depth=2",
                           "gauss",
                           "laplace",
                           "rgauss:alpha=0.7",
                           "gexp:power=1.5",
                           "matern:nu=0.8"};
    const size_t dimensions[] = {2, 10, 1000};
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
        for (size_t i = 0; i < 3; i++) {
            double worst = judge(specs[s], dimensions[i], 200);
            ck_assert_msg(worst < 4 * DBL_EPSILON, "%s, D = %zu: %.2e", specs[s], dimensions[i], worst);
        }
}
END_TEST

START_TEST(hard_kernels_stay_within_their_error_estimates)
{
    if (without_arb())
        return;
    /* deep, many bits, a bias so small that the two sides of the cut nearly cancel, narrow, wide */
    ck_assert(judge("ntk:depth=64", 10, 60) < 1e-13);
    ck_assert(judge("qntk:bits=4,depth=64", 3, 60) < 1e-13);
    ck_assert(judge("qntk:bits=12,depth=7,b_std=0.1", 3, 100) < 1e-14);
    ck_assert(judge("ntk:b_std=1e-4", 3, 100) < 1e-10);
    ck_assert(judge("qntk:bits=8,b_std=100", 4, 100) < 1e-13);
    ck_assert(judge("laplace:bandwidth=0.02", 5, 100) < 1e-15);
    ck_assert(judge("gexp:power=1.97,bandwidth=3", 3, 100) < 1e-15);
    ck_assert(judge("gexp:power=0.2", 4, 100) < 1e-15);
    ck_assert(judge("rgauss:alpha=50,bandwidth=0.1", 3, 100) < 1e-15);
    ck_assert(judge("matern:nu=4.5,bandwidth=0.3", 10, 100) < 1e-15);
}
END_TEST

START_TEST(certified_balls_contain_the_reference_values)
{
    cJSON *json = without_arb() ? NULL : reference_read();
    if (json == NULL)
        return;
    const cJSON *row;
    size_t outside = 0, values = 0, index = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "mercer"))
    {
        if (index++ % 6 != 0 || cJSON_HasObjectItem(row, "bandwidth"))
            continue; /* bandwidths like 0.7 are decimals there and doubles here */
        qntk_kernel kernel = reference_kernel(row);
        size_t D = (size_t)reference_number(cJSON_GetObjectItem(row, "d"));
        double eval[41], bound[41];
        ck_assert_ok(qntk_mercer_certify(&kernel, D, 40, eval, bound));
        for (size_t k = 0; k <= 40; k++, values++) {
            double expected =
                reference_number(cJSON_GetArrayItem(cJSON_GetObjectItem(row, "eigenvalue"), (int)k));
            /* the reference was rounded twice: to 17 digits (at most 5e-17 of it), and those to a double */
            outside += !(fabs(expected - eval[k]) <= bound[k] + expected * (5e-17 + DBL_EPSILON / 2));
        }
    }
    ck_assert_uint_ge(values, 500);
    ck_assert_msg(outside == 0, "%zu of %zu reference values lie outside their balls", outside, values);
    cJSON_Delete(json);
}
END_TEST

START_TEST(closed_forms_lie_in_their_balls)
{
    if (without_arb())
        return;
    /* the circle: nngp of one layer has 4/(pi^2 (k^2-1)^2), rgauss of alpha 1 gap/root (1 + gap - root)^k */
    double eval[201], bound[201];
    qntk_kernel kernel = parse("nngp");
    ck_assert_ok(qntk_mercer_certify(&kernel, 2, 200, eval, bound));
    const long double pi = 3.14159265358979323846264338327950288L;
    for (size_t k = 2; k <= 200; k++) {
        long double q = (long double)k * (long double)k - 1,
                    expected = k % 2 == 0 ? 4 / (pi * pi * q * q) : 0;
        ck_assert(fabsl(expected - eval[k]) <= bound[k] + 1e-18L * expected);
    }
    kernel = parse("rgauss:alpha=1,bandwidth=0.5");
    ck_assert_ok(qntk_mercer_certify(&kernel, 2, 200, eval, bound));
    long double gap = 0.25L, root = sqrtl(gap * (gap + 2)), expected = gap / root;
    for (size_t k = 0; k <= 200; k++, expected *= 1 + gap - root)
        ck_assert(fabsl(expected - eval[k]) <= bound[k] + 1e-17L * expected);
}
END_TEST

START_TEST(underflow_and_parity_are_certain_too)
{
    if (without_arb())
        return;
    double eval[201], bound[201];
    qntk_kernel kernel = parse("gauss:bandwidth=10");
    ck_assert_ok(qntk_mercer_certify(&kernel, 10, 200, eval, bound));
    for (size_t k = 100; k <= 200; k++) /* lambda_k < 1e-300 */
        ck_assert(eval[k] < DBL_MIN && bound[k] > 0 && bound[k] < 1e-322);
    kernel = parse("qntk:bits=3");
    ck_assert_ok(qntk_mercer_certify(&kernel, 5, 20, eval, bound));
    for (size_t k = 0; k <= 20; k++)
        ck_assert(k >= 3 && k % 2 == 1 ? eval[k] == 0 && bound[k] == 0 : eval[k] > 0 && bound[k] > 0);
}
END_TEST

START_TEST(the_bytes_do_not_depend_on_the_number_of_threads)
{
    if (without_arb())
        return;
    const char *specs[] = {"qntk:depth=2", "ntk:depth=2"};
    for (size_t s = 0; s < 2; s++) {
        double first[62];
        for (size_t threads = 1; threads <= 3; threads++) {
            double values[62];
            qntk_kernel kernel = parse(specs[s]);
            ck_assert_ok(qntk_threads_set(threads));
            ck_assert_ok(qntk_mercer_certify(&kernel, 6, 30, values, values + 31));
            if (threads == 1)
                memcpy(first, values, sizeof first);
            ck_assert_mem_eq(first, values, sizeof first);
        }
    }
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

START_TEST(failures_are_reported)
{
    if (without_arb())
        return;
    double eval[11], bound[11];
    qntk_kernel kernel = parse("ntk");
    ck_assert_fails(qntk_mercer_certify(&kernel, 1, 10, eval, bound), QNTK_INVALID, "dimension");
    ck_assert_fails(qntk_mercer_certify(&kernel, 3, 5001, eval, bound), QNTK_INVALID, "at most 5000 degrees");
    ck_assert_ok(qntk_kernel_parse("K.npy", &kernel));
    ck_assert_fails(qntk_mercer_certify(&kernel, 3, 10, eval, bound), QNTK_INVALID, "matrix");
    kernel = parse("ntk:depth=2");
    qntk_interrupt();
    qntk_status status = qntk_mercer_certify(&kernel, 3, 10, eval, bound);
    qntk_interrupt_clear();
    ck_assert_int_eq(status, QNTK_INTERRUPTED);
    status = QNTK_NO_MEMORY;
    for (long successes = 0; status != QNTK_OK; successes++) {
        qntk_memory_fail_after(successes);
        status = qntk_mercer_certify(&kernel, 3, 10, eval, bound);
        qntk_memory_fail_after(-1);
        ck_assert(status == QNTK_OK || (status == QNTK_NO_MEMORY && eval[0] == 0));
    }
    ck_assert(eval[0] > 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_double_path_is_right_to_rounding_up_to_degree_200);
    tcase_add_test(tcase, hard_kernels_stay_within_their_error_estimates);
    tcase_add_test(tcase, certified_balls_contain_the_reference_values);
    tcase_add_test(tcase, closed_forms_lie_in_their_balls);
    tcase_add_test(tcase, underflow_and_parity_are_certain_too);
    tcase_add_test(tcase, the_bytes_do_not_depend_on_the_number_of_threads);
    tcase_add_test(tcase, failures_are_reported);
}

int main(void)
{
    return test_main("mercer_certify", add_tests);
}
