#include "test.h"

#include <locale.h>
#include <string.h>

#include "kernel_internal.h"
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

/* nu = p + 1/2: e^-s p!/(2p)! sum_i (p+i)!/(i! (p-i)!) (2s)^(p-i), all terms positive (Rasmussen and Williams
 * 2006, equation 4.16). */
static long double matern_half_integer(int p, long double s)
{
    long double term = 1, sum = 1;
    for (int i = p; i > 0; i--) {
        term *= 2 * s * i / ((long double)(p + i) * (p - i + 1));
        sum += term;
    }
    return sum * expl(-s);
}

START_TEST(matern_kernels_of_any_smoothness_have_their_closed_forms)
{
    for (int p = 0; p < 100; p += 1 + p / 4) {
        qntk_kernel kernel = {.family = QNTK_FAMILY_MATERN, .bandwidth = 1, .nu = p + 0.5};
        double zero = 0, worst = 0;
        for (double r = 1e-6; r < 40; r *= 1.03) {
            long double exact = matern_half_integer(p, sqrtl(2 * p + 1) * r);
            worst = test_worse(worst, (double)fabsl(qntk_kernel_pair(&kernel, 1, &zero, &r) - exact));
        }
        ck_assert_msg(worst < (p < 3 || p >= 10 ? 2e-15 : 5e-14), "nu %g: error %g", kernel.nu, worst);
    }
    /* large nu is close to a Gaussian, and the two ways of summing meet */
    qntk_kernel below = {.family = QNTK_FAMILY_MATERN, .bandwidth = 1, .nu = nextafter(10, 0)}, above = below;
    above.nu = 10;
    for (double r = 0.01; r < 20; r *= 1.5)
        ck_assert_close(qntk_radial_value(&below, r), qntk_radial_value(&above, r), 5e-14, 1);
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
        {"qntk:bits=17", "expected bits of 1, 1.58 = ternary, 2 to 16, found '17'"},
        {"qntk:bits=2.5", "1.58 = ternary"},
        {"qntk:bits=1.585", "1.58 = ternary"},
        {"qntk:bits=0", "1.58 = ternary"},
        {"qntk:bits=0x2", "found '0x2'"},
        {"qntk:bits=1e1", "found '1e1'"},
        {"qntk:bits=two", "found 'two'"},
        {"qntk:levels=1", "levels between 2 and 65536"},
        {"qntk:levels=4,bits=2", "either levels or bits"},
        {"qntk:bits=1,levels=2", "either bits or levels"},
        {"qntk:bits=1,bits=1", "'bits' is given twice"},
        {"qntk:depth=0", "depth between 1 and 256"},
        {"qntk:depth=1.5", "depth between 1 and 256, found '1.5'"},
        {"qntk:depth=2.0", "depth between 1 and 256"},
        {"qntk:depth=1e3", "depth between 1 and 256, found '1e3'"},
        {"qntk:depth=-1", "depth between 1 and 256"},
        {"qntk:depth=18446744073709551617", "depth between 1 and 256"},
        {"qntk:quantize=some", "quantize of hidden or all, found 'some'"},
        {"qntk:1.58 =all", "'qntk' has no key '1.58 '; its keys: bits=1"},
        {"qntk:or levels=2", "no key 'or levels'"},
        {"qntk:", "expected key=value, found ''"},
        {"qntk:bits=1,", "expected key=value, found ''"},
        {"qntk:,bits=1", "expected key=value, found ''"},
        {"qntk:bits=", "found ''"},
        {"qntk: bits=1", "no key ' bits'"},
        {"qntk:bits=1 ", "found '1 '"},
        {"qntk :bits=1", "unknown name 'qntk '"},
        {"Qntk", "unknown name 'Qntk'"},
        {"ntk:b_std=-0.1", "b_std of 0, or between 1e-100 and 1e+06, found '-0.1'"},
        {"ntk:b_std=1e-101", "b_std of 0, or between"},
        {"ntk:b_std=0x1p-1", "b_std of 0, or between"},
        {"gauss:bandwidth=inf", "bandwidth of median, or between"},
        {"gauss:bandwidth=0x1", "bandwidth of median, or between"},
        {"gauss:bandwidth=1,5", "expected key=value, found '5'"},
        {"gauss:bandwidth=Median", "bandwidth of median, or between"},
        {"gauss:bandwidth=?", "bandwidth of median, or between"},
        {"matern:nu=nan", "nu between 0.01 and 100, found 'nan'"},
        {"rgauss:alpha=1e999", "alpha between"},
        {"qntk:bandwidth=1", "no key 'bandwidth'"},
        {"ntk:bits=1", "no key 'bits'"},
        {"gauss:bandwidth=0", "bandwidth of median, or between 1e-150 and 1e+150"},
        {"gauss:bandwidth=nan", "bandwidth of median, or between 1e-150 and 1e+150"},
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

START_TEST(a_long_specification_is_refused_and_not_cut)
{
    char spec[400];
    qntk_kernel kernel;
    memset(spec, 'a', sizeof spec);
    memcpy(spec + 251, ".npy", 5);
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    ck_assert_str_eq(kernel.spec, spec);
    memset(spec, 'a', sizeof spec);
    memcpy(spec + 252, ".npy", 5);
    ck_assert_fails(qntk_kernel_parse(spec, &kernel), QNTK_INVALID,
                    "aaa...': expected at most 255 characters, found 256");
    ck_assert_str_eq(kernel.spec, "");
}
END_TEST

START_TEST(keys_are_listed_with_their_defaults_and_ranges)
{
    char text[QNTK_KERNEL_KEYS];
    for (const qntk_kernel_family *row = qntk_kernel_families; row->name != NULL; row++) {
        qntk_kernel plain, spelled;
        char spec[256];
        int used = snprintf(spec, sizeof spec, "%s:", row->name);
        qntk_kernel_keys(row, text);
        ck_assert_uint_lt(strlen(text), sizeof text - 1);
        /* "key=default (range), key=default (range)": what is listed is what is taken */
        for (const char *at = text; at != NULL; at = strstr(at, "), "), at += at != NULL ? 3 : 0)
            used += snprintf(spec + used, sizeof spec - (size_t)used, "%s%.*s", at == text ? "" : ",",
                             (int)strcspn(at, " "), at);
        ck_assert_ok(qntk_kernel_parse(row->name, &plain));
        ck_assert_msg(qntk_kernel_parse(spec, &spelled) == QNTK_OK, "%s: %s", spec, qntk_message());
        memcpy(spelled.spec, plain.spec, sizeof plain.spec);
        ck_assert_msg(spelled.bandwidth == plain.bandwidth && spelled.alpha == plain.alpha &&
                          spelled.power == plain.power && spelled.nu == plain.nu &&
                          spelled.network.levels == plain.network.levels &&
                          spelled.network.depth == plain.network.depth &&
                          spelled.network.b_std == plain.network.b_std &&
                          spelled.network.quantize_all == plain.network.quantize_all,
                      "%s is not %s", spec, row->name);
    }
    qntk_kernel_keys(&qntk_kernel_families[0], text);
    ck_assert_str_eq(
        text, "bits=1 (1, 1.58 = ternary, 2 to 16) or levels (between 2 and 65536), depth=1 (between 1 "
              "and 256), b_std=0 (0, or between 1e-100 and 1e+06), quantize=hidden (hidden or all)");
}
END_TEST

START_TEST(a_struct_filled_by_hand_is_checked)
{
    const qntk_kernel network = {.family = QNTK_FAMILY_NETWORK, .network = {.depth = 1}};
    const qntk_kernel radial[] = {
        {.family = QNTK_FAMILY_GAUSS},
        {.family = QNTK_FAMILY_LAPLACE, .bandwidth = 2},
        {.family = QNTK_FAMILY_RGAUSS, .alpha = 1},
        {.family = QNTK_FAMILY_GEXP, .power = 2},
        {.family = QNTK_FAMILY_MATERN, .nu = 0.5},
        {.family = QNTK_FAMILY_FILE},
    };
    ck_assert_ok(qntk_kernel_check(&network));
    for (size_t i = 0; i < sizeof radial / sizeof *radial; i++)
        ck_assert_ok(qntk_kernel_check(&radial[i]));

    struct {
        qntk_kernel kernel;
        const char *text;
    } bad[] = {
        {{.family = QNTK_FAMILY_NETWORK}, "depth between 1 and 256, found '0'"},
        {{.family = QNTK_FAMILY_NETWORK, .network = {.depth = 257}}, "depth between"},
        {{.family = QNTK_FAMILY_NETWORK, .network = {.depth = SIZE_MAX}}, "depth between"},
        {{.family = QNTK_FAMILY_NETWORK, .network = {.depth = 1, .levels = 1}}, "levels between 2 and 65536"},
        {{.family = QNTK_FAMILY_NETWORK, .network = {.depth = 1, .levels = 65537}}, "levels between"},
        {{.family = QNTK_FAMILY_NETWORK, .network = {.depth = 1, .b_std = -1}}, "b_std of 0, or"},
        {{.family = QNTK_FAMILY_NETWORK, .network = {.depth = 1, .b_std = NAN}}, "found 'nan'"},
        {{.family = QNTK_FAMILY_NETWORK, .network = {.depth = 1, .b_std = INFINITY}}, "found 'inf'"},
        {{.family = QNTK_FAMILY_GAUSS, .bandwidth = -1}, "bandwidth of median, or"},
        {{.family = QNTK_FAMILY_GAUSS, .bandwidth = NAN}, "bandwidth of median, or"},
        {{.family = QNTK_FAMILY_RGAUSS, .bandwidth = 1}, "alpha between"},
        {{.family = QNTK_FAMILY_GEXP, .bandwidth = 1, .power = 2.1}, "power between"},
        {{.family = QNTK_FAMILY_MATERN, .bandwidth = 1, .nu = NAN}, "nu between"},
        {{.family = (qntk_family)77}, "found 77"},
    };
    double X[4] = {1, 2, 3, 4}, K[4];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qntk_mercer mercer;
        ck_assert_fails(qntk_kernel_check(&bad[i].kernel), QNTK_INVALID, bad[i].text);
        ck_assert(isnan(qntk_kernel_pair(&bad[i].kernel, 2, X, X + 2)));
        ck_assert(isnan(qntk_kernel_cosine(&bad[i].kernel, 0.5)));
        if (bad[i].kernel.bandwidth == 0 && bad[i].kernel.family != QNTK_FAMILY_NETWORK)
            continue;
        ck_assert_fails(qntk_mercer_compute(&bad[i].kernel, 3, qntk_mercer_defaults(), &mercer), QNTK_INVALID,
                        bad[i].text);
        if (bad[i].kernel.family == QNTK_FAMILY_NETWORK || bad[i].kernel.bandwidth > 0)
            ck_assert_fails(qntk_gram_symmetric(&bad[i].kernel, 2, 2, X, K), QNTK_INVALID, bad[i].text);
    }
}
END_TEST

START_TEST(numbers_of_specifications_have_a_point_in_any_locale)
{
    qntk_kernel kernel;
    const char *names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!found) {
        test_skip("no locale with a decimal comma is installed");
        return;
    }
    ck_assert_ok(qntk_kernel_parse("gauss:bandwidth=0.5", &kernel));
    ck_assert(kernel.bandwidth == 0.5);
    ck_assert_fails(qntk_kernel_parse("rgauss:alpha=1e7", &kernel), QNTK_INVALID, "between 1e-06 and 1e+06");
    ck_assert_fails(qntk_kernel_parse("matern:nu=0.001", &kernel), QNTK_INVALID, "between 0.01 and 100");
    setlocale(LC_NUMERIC, "C");
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
    ck_assert_fails(qntk_median_distance(1, 1, same, 1, &median), QNTK_INVALID, "at least two rows");
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
    tcase_add_test(tcase, matern_kernels_of_any_smoothness_have_their_closed_forms);
    tcase_add_test(tcase, specifications_are_read_with_their_defaults);
    tcase_add_test(tcase, bad_specifications_say_what_would_be_right);
    tcase_add_test(tcase, a_long_specification_is_refused_and_not_cut);
    tcase_add_test(tcase, keys_are_listed_with_their_defaults_and_ranges);
    tcase_add_test(tcase, a_struct_filled_by_hand_is_checked);
    tcase_add_test(tcase, numbers_of_specifications_have_a_point_in_any_locale);
    tcase_add_test(tcase, the_median_distance_is_the_median_distance);
    tcase_add_test(tcase, a_sampled_median_is_close_and_the_same_for_any_thread_count);
    tcase_add_test(tcase, the_median_survives_each_failing_allocation);
}

int main(void)
{
    return test_main("kernel", add_tests);
}
