#include "test.h"

#include <string.h>

#include "internal.h"
#include "naive.h"
#include "reference.h"

/* X (n,d) of the reference file; free with qntk_free. */
static double *reference_rows(const cJSON *json, size_t *n, size_t *d)
{
    const cJSON *rows = cJSON_GetObjectItem(json, "X");
    *n = (size_t)cJSON_GetArraySize(rows);
    *d = (size_t)cJSON_GetArraySize(cJSON_GetArrayItem(rows, 0));
    double *X = qntk_alloc(*n * *d, sizeof *X);
    for (size_t i = 0; i < *n; i++)
        for (size_t j = 0; j < *d; j++)
            X[i * *d + j] = reference_number(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, (int)i), (int)j));
    return X;
}

/* Largest error of K(x_i, x_j) over a table, in units of sqrt(K_ii K_jj) or the entry itself, whichever is
 * larger. */
static double worst_pair(const qntk_kernel *kernel, const cJSON *table, size_t n, size_t d, const double *X)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double expected = reference_number(cJSON_GetArrayItem(cJSON_GetArrayItem(table, (int)i), (int)j));
            double ii = reference_number(cJSON_GetArrayItem(cJSON_GetArrayItem(table, (int)i), (int)i));
            double jj = reference_number(cJSON_GetArrayItem(cJSON_GetArrayItem(table, (int)j), (int)j));
            double actual = qntk_kernel_pair(kernel, d, X + i * d, X + j * d);
            worst = test_worse(worst, fabs(actual - expected) / fmax(sqrt(ii * jj), fabs(expected)));
        }
    return worst;
}

START_TEST(every_entry_of_the_reference_grams_is_right_to_a_few_ulp)
{
    cJSON *json = reference_read();
    if (json == NULL)
        return;
    size_t n, d, tables = 0;
    double *X = reference_rows(json, &n, &d);
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "gram"))
    {
        qntk_kernel kernel = reference_kernel(row);
        double ntk = worst_pair(&kernel, cJSON_GetObjectItem(row, "ntk"), n, d, X);
        kernel.network.nngp = true;
        double nngp = worst_pair(&kernel, cJSON_GetObjectItem(row, "nngp"), n, d, X);
        ck_assert_msg(ntk < 1e-15 && nngp < 1e-15, "%s: errors %g (ntk) and %g (nngp)", kernel.spec, ntk,
                      nngp);
        tables++;
    }
    ck_assert_uint_ge(tables, 30);
    qntk_free(X);
    cJSON_Delete(json);
}
END_TEST

START_TEST(the_recursion_agrees_with_the_formulas_as_they_stand_in_the_model)
{
    const size_t levels[] = {0, 2, 3, 4, 7, 16, 256, 65536};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        for (size_t depth = 1; depth <= 64; depth = depth < 4 ? depth + 1 : depth * 2)
            for (int variant = 0; variant < 8; variant++) {
                qntk_network_shape shape = {.depth = depth,
                                            .levels = levels[l],
                                            .b_std = variant & 1 ? 0.7 : 0,
                                            .quantize_all = variant & 2,
                                            .nngp = variant & 4};
                qntk_kernel kernel = {.family = QNTK_FAMILY_NETWORK, .network = shape};
                qntk_rng rng = qntk_rng_create(5, depth * 100 + l);
                double x[6], z[6];
                for (int i = 0; i < 6; i++) {
                    x[i] = qntk_rng_normal(&rng);
                    z[i] = 2 * qntk_rng_normal(&rng);
                }
                double scale = naive_network(&shape, 6, z, z) + naive_network(&shape, 6, x, x);
                /* the plain formulas lose about sqrt(eps) per layer only near rho = 1; at these angles a few
                 * eps, but for real weights rho creeps towards 1 like 1 - c/depth^2 */
                double tolerance = 1e-14 * (double)(depth * depth);
                ck_assert_close(qntk_kernel_pair(&kernel, 6, x, z), naive_network(&shape, 6, x, z), tolerance,
                                scale);
                ck_assert_close(qntk_kernel_pair(&kernel, 6, z, x), qntk_kernel_pair(&kernel, 6, x, z), 1e-18,
                                scale);
            }
}
END_TEST

START_TEST(zero_weight_noise_is_the_ordinary_tangent_kernel)
{
    /* depth 1, no bias: T(x,x) = 2 |x|^2/d, and t kappa_0(t) + kappa_1(t) on the sphere (Cho and Saul 2009)
     */
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse("ntk", &kernel));
    for (double t = -1; t <= 1; t += 0.125) {
        double angle = acos(t);
        double expected = (t * (M_PI - angle) * 2 + sin(angle)) / M_PI;
        ck_assert_close(qntk_kernel_cosine(&kernel, t), expected, 4e-16, 2);
    }
}
END_TEST

START_TEST(nearly_equal_and_nearly_opposite_rows_keep_their_difference)
{
    /* real weights, depth 1, no bias: K(x,x) - K(x,z) = |x|^2/d (theta (2 cos + ..)/pi ..) ~ 2 theta/pi for
     * small theta */
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse("ntk", &kernel));
    for (double angle = 1e-2; angle > 1e-12; angle /= 10) {
        double x[2] = {sqrt(2.0), 0}, z[2] = {sqrt(2.0) * cos(angle), sqrt(2.0) * sin(angle)};
        double o[2] = {-z[0], -z[1]};
        double expected = (2 * cos(angle) * (M_PI - angle) + sin(angle)) / M_PI;
        ck_assert_close(qntk_kernel_pair(&kernel, 2, x, z), expected, 1e-15, 2);
        /* opposite: cos = -cos(angle), pi - theta = angle */
        ck_assert_close(qntk_kernel_pair(&kernel, 2, x, o), (-2 * cos(angle) * angle + sin(angle)) / M_PI,
                        1e-15, fmax(angle, 1e-3));
    }
}
END_TEST

START_TEST(a_zero_row_gives_finite_values)
{
    const char *specs[] = {"qntk",
                           "ntk:depth=3",
                           "qntk:b_std=0.5,depth=2,bits=3",
                           "nngp",
                           "gauss:bandwidth=1",
                           "laplace:bandwidth=1",
                           "matern:bandwidth=1,nu=0.7"};
    double zero[3] = {0}, x[3] = {1, -2, 0.5};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        qntk_kernel kernel;
        ck_assert_ok(qntk_kernel_parse(specs[i], &kernel));
        ck_assert(isfinite(qntk_kernel_pair(&kernel, 3, zero, x)));
        ck_assert(isfinite(qntk_kernel_pair(&kernel, 3, zero, zero)));
    }
}
END_TEST

START_TEST(radial_kernels_have_their_closed_forms)
{
    double x[2] = {1, 2}, z[2] = {4, 6}; /* r = 5 */
    struct {
        const char *spec;
        double value;
    } known[] = {
        {"gauss:bandwidth=2", exp(-25.0 / 8)},
        {"laplace:bandwidth=2", exp(-2.5)},
        {"rgauss:bandwidth=2,alpha=3", pow(1 + 25.0 / 24, -3)},
        {"gexp:bandwidth=2,power=0.5", exp(-sqrt(2.5))},
        {"matern:bandwidth=2,nu=0.5", exp(-2.5)},
        {"matern:bandwidth=2,nu=1.5", (1 + sqrt(3.0) * 2.5) * exp(-sqrt(3.0) * 2.5)},
        {"matern:bandwidth=2,nu=2.5", (1 + sqrt(5.0) * 2.5 + 5 * 6.25 / 3) * exp(-sqrt(5.0) * 2.5)},
        /* half-integer smoothness through the Bessel route: 3.5 has (1 + s + 2 s^2/5 + s^3/15) e^-s */
        {"matern:bandwidth=2,nu=3.5",
         (1 + sqrt(7.0) * 2.5 + 2 * 7 * 6.25 / 5 + pow(sqrt(7.0) * 2.5, 3) / 15) * exp(-sqrt(7.0) * 2.5)},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        qntk_kernel kernel;
        ck_assert_ok(qntk_kernel_parse(known[i].spec, &kernel));
        ck_assert(qntk_kernel_is_radial(&kernel));
        ck_assert_relative(qntk_kernel_pair(&kernel, 2, x, z), known[i].value, 2e-14);
        ck_assert_relative(qntk_kernel_pair(&kernel, 2, x, x), 1.0, 1e-15);
    }
}
END_TEST

START_TEST(specifications_are_read_with_their_defaults)
{
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse("qntk", &kernel));
    ck_assert_uint_eq(kernel.network.levels, 2);
    ck_assert_uint_eq(kernel.network.depth, 1);
    ck_assert(!kernel.network.quantize_all && !kernel.network.nngp);
    ck_assert_ok(qntk_kernel_parse("qntk:bits=1.58,depth=64,b_std=0.1,quantize=all", &kernel));
    ck_assert_uint_eq(kernel.network.levels, 3);
    ck_assert_uint_eq(kernel.network.depth, 64);
    ck_assert(kernel.network.quantize_all);
    ck_assert_ok(qntk_kernel_parse("qntk:bits=16", &kernel));
    ck_assert_uint_eq(kernel.network.levels, 65536);
    ck_assert_ok(qntk_kernel_parse("qntk:levels=7", &kernel));
    ck_assert_uint_eq(kernel.network.levels, 7);
    ck_assert_ok(qntk_kernel_parse("rgauss", &kernel));
    ck_assert(kernel.bandwidth == 0 && kernel.alpha == 2);
    ck_assert_ok(qntk_kernel_parse("dir/K.npy", &kernel));
    ck_assert_int_eq(kernel.family, QNTK_FAMILY_FILE);
}
END_TEST

START_TEST(bad_specifications_say_what_would_be_right)
{
    struct {
        const char *spec, *text;
    } bad[] = {
        {"rbf", "unknown name 'rbf'; expected one of qntk"},
        {"", "unknown name"},
        {"qntk:bits", "expected key=value"},
        {"qntk:bits=17", "bits between 1 and 16"},
        {"qntk:bits=2.5", "1.58 (ternary)"},
        {"qntk:bits=two", "found 'two'"},
        {"qntk:levels=1", "levels between 2 and 65536"},
        {"qntk:levels=4,bits=2", "given twice"},
        {"qntk:depth=0", "depth between 1 and 256"},
        {"qntk:depth=1.5", "whole number"},
        {"qntk:quantize=some", "quantize=hidden"},
        {"qntk:bandwidth=1", "no key 'bandwidth'"},
        {"ntk:bits=1", "no key 'bits'"},
        {"gauss:bandwidth=0", "bandwidth between"},
        {"gauss:bandwidth=nan", "bandwidth between"},
        {"gexp:power=2.5", "power between"},
        {"gauss:bandwidth=1,bandwidth=2", "given twice"},
        {"gauss:=1", "no key ''"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qntk_kernel kernel;
        ck_assert_fails(qntk_kernel_parse(bad[i].spec, &kernel), QNTK_INVALID, bad[i].text);
    }
}
END_TEST

START_TEST(the_median_distance_is_the_median_distance)
{
    double X[5] = {0, 1, 3, 7, 12}; /* distances 1 2 3 4 5 6 7 9 11 12: median 5.5 */
    double median;
    ck_assert_ok(qntk_median_distance(5, 1, X, 1, &median));
    ck_assert_relative(median, 5.5, 1e-15);
    double same[3] = {2, 2, 2};
    ck_assert_fails(qntk_median_distance(3, 1, same, 1, &median), QNTK_INVALID, "bandwidth=1");
    ck_assert_fails(qntk_median_distance(1, 1, same, 1, &median), QNTK_INVALID, "two rows");
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse("laplace", &kernel));
    ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 1));
    ck_assert_relative(kernel.bandwidth, sqrt(2.0), 1e-15);
}
END_TEST

START_TEST(a_sampled_median_is_close_and_the_same_for_any_thread_count)
{
    enum { N = 6000, D = 10 };
    double *X = qntk_alloc(N * D, sizeof *X);
    qntk_rng rng = qntk_rng_create(9, 0);
    for (size_t i = 0; i < N * D; i++)
        X[i] = qntk_rng_normal(&rng);
    double one, three;
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(qntk_median_distance(N, D, X, 4, &one));
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_ok(qntk_median_distance(N, D, X, 4, &three));
    ck_assert_ok(qntk_threads_set(0));
    ck_assert(one == three);
    ck_assert_close(one, sqrt(2 * 9.34), 0.02, one); /* chi-square(10) has median 9.34 */
    qntk_free(X);
}
END_TEST

START_TEST(the_median_survives_each_failing_allocation)
{
    double X[4] = {0, 1, 2, 4}, median;
    for (long k = 0; k < 2; k++) {
        qntk_memory_fail_after(k);
        ck_assert_fails(qntk_median_distance(4, 1, X, 1, &median), QNTK_NO_MEMORY, "out of memory");
        qntk_memory_fail_after(-1);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_entry_of_the_reference_grams_is_right_to_a_few_ulp);
    tcase_add_test(tcase, the_recursion_agrees_with_the_formulas_as_they_stand_in_the_model);
    tcase_add_test(tcase, zero_weight_noise_is_the_ordinary_tangent_kernel);
    tcase_add_test(tcase, nearly_equal_and_nearly_opposite_rows_keep_their_difference);
    tcase_add_test(tcase, a_zero_row_gives_finite_values);
    tcase_add_test(tcase, radial_kernels_have_their_closed_forms);
    tcase_add_test(tcase, specifications_are_read_with_their_defaults);
    tcase_add_test(tcase, bad_specifications_say_what_would_be_right);
    tcase_add_test(tcase, the_median_distance_is_the_median_distance);
    tcase_add_test(tcase, a_sampled_median_is_close_and_the_same_for_any_thread_count);
    tcase_add_test(tcase, the_median_survives_each_failing_allocation);
}

int main(void)
{
    return test_main("kernel", add_tests);
}
