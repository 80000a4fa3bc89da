/* Gram matrices where kernels are hard to compute: rows far apart, nearly equal, nearly opposite. */
#include "gram_check.h"

#include <cblas.h>
#include <lapacke.h>

/* ---- rows that inner products do not separate ---- */

/* Two clusters, `spread` wide about each of two points `distance` apart, and the last row at `outlier`. */
static double *clusters(size_t n, size_t d, double distance, double spread, double outlier)
{
    double *X = qntk_alloc(n * d, sizeof *X);
    qntk_rng rng = qntk_rng_create(21, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            X[i * d + j] = spread * qntk_rng_normal(&rng) + (i % 2 ? distance / sqrt((double)d) : 0);
    for (size_t j = 0; j < d && outlier != 0; j++)
        X[(n - 1) * d + j] = outlier;
    return X;
}

static const char *const radial_specs[] = {
    "gauss",          "laplace",       "rgauss", "rgauss:alpha=0.01", "rgauss:alpha=1e6", "gexp:power=0.3",
    "gexp:power=1.9", "matern:nu=0.5", "matern", "matern:nu=2.5",     "matern:nu=0.3",    "matern:nu=6.2",
};

/* The largest error of a radial kernel on X, over all families, in double or single. */
static void check_radial(size_t n, size_t d, const double *X, double bandwidth, bool single, double bound)
{
    for (size_t s = 0; s < sizeof radial_specs / sizeof *radial_specs; s++) {
        qntk_kernel kernel = gram_parse(radial_specs[s]);
        kernel.bandwidth = bandwidth;
        qntk_gram_options options = qntk_gram_defaults();
        options.precision = single ? QNTK_PRECISION_SINGLE : QNTK_PRECISION_DOUBLE;
        double *K = gram_whole_of(&kernel, n, d, X, options);
        double worst = gram_worst_entry_of(&kernel, n, d, X, K, 3);
        ck_assert_msg(worst < bound, "%s, bandwidth %g, d %zu: error %g", radial_specs[s], bandwidth, d,
                      worst);
        qntk_free(K);
    }
}

/* Rows along one direction and its opposite, moved off it by 3 to 1e-9, of norms that differ by up to a half.
 */
static double *rows_near_poles(size_t n, size_t d)
{
    double *X = qntk_alloc(n * d, sizeof *X);
    qntk_rng rng = qntk_rng_create(3, d);
    for (size_t j = 0; j < d; j++)
        X[j] = qntk_rng_normal(&rng);
    for (size_t i = 1; i < n; i++) {
        double off = 3 * pow(10, -9.5 * qntk_rng_uniform(&rng)), sign = i % 4 == 3 ? -1 : 1;
        double norm = i % 5 == 0 ? 1 : 1 + 0.5 * qntk_rng_uniform(&rng);
        for (size_t j = 0; j < d; j++)
            X[i * d + j] = norm * sign * (X[j] + off * qntk_rng_normal(&rng));
    }
    return X;
}

static void check_near_poles(size_t n, size_t d, bool single, double bound)
{
    const char *laws[] = {"ntk:",           "qntk:bits=1,",         "qntk:bits=8,",
                          "ntk:b_std=0.3,", "qntk:bits=8,b_std=2,", "nngp:"};
    const size_t depths[] = {1, 3, 8, 64, 256};
    double *X = rows_near_poles(n, d);
    qntk_gram_options options = qntk_gram_defaults();
    options.precision = single ? QNTK_PRECISION_SINGLE : QNTK_PRECISION_DOUBLE;
    for (size_t s = 0; s < sizeof laws / sizeof *laws; s++)
        for (size_t k = 0; k < sizeof depths / sizeof *depths; k++) {
            char spec[64];
            snprintf(spec, sizeof spec, "%sdepth=%zu", laws[s], depths[k]);
            double *K = gram_whole(spec, n, d, X, options);
            double worst = gram_worst_entry(spec, n, d, X, K, 1 + n * depths[k] / 4000);
            ck_assert_msg(worst < bound, "%s, d %zu: error %g", spec, d, worst);
            qntk_free(K);
        }
    qntk_free(X);
}

START_TEST(one_row_far_away_does_not_spoil_the_others)
{
    const size_t n = 300, d = 7;
    for (double outlier = 1e4; outlier < 1e13; outlier *= 1e2) {
        double *X = clusters(n, d, 0, 1, outlier);
        check_radial(n, d, X, 2, false, 1e-13);
        qntk_free(X);
    }
}
END_TEST

START_TEST(clusters_far_apart_keep_their_inner_distances)
{
    const size_t n = 100;
    for (size_t d = 2; d <= 50; d += 48)
        for (double distance = 1; distance < 1e10; distance *= 30)
            for (double bandwidth = 0.03; bandwidth < 40; bandwidth *= 10) {
                double *X = clusters(n, d, distance, 1 / sqrt((double)d), 0);
                check_radial(n, d, X, bandwidth, false, 1e-13);
                if (distance < 1e7)
                    check_radial(n, d, X, bandwidth, true, 1e-5);
                qntk_free(X);
            }
}
END_TEST

START_TEST(networks_of_any_depth_keep_their_error_near_the_poles)
{
    check_near_poles(120, 2, false, 1e-13);
    check_near_poles(80, 20, false, 1e-13);
    check_near_poles(40, 784, false, 1e-13);
}
END_TEST

START_TEST(networks_of_any_depth_keep_the_error_of_single_precision)
{
    check_near_poles(120, 2, true, 1e-5);
    check_near_poles(80, 20, true, 1e-5);
    check_near_poles(40, 784, true, 1e-5);
}
END_TEST

/* K of scaled rows is the kernel's own scaling of K: n n' without bias, none if the bandwidth goes along. */
START_TEST(units_do_not_matter)
{
    const size_t n = 120, d = 9;
    const char *names[] = {"ntk:depth=2", "qntk:bits=8",     "gauss",
                           "laplace",     "gexp:power=0.01", "matern:nu=0.8"};
    for (int single = 0; single < 2; single++)
        for (size_t s = 0; s < sizeof names / sizeof *names; s++)
            for (double unit = 1e-145; unit < 1e136; unit *= 1e56) {
                qntk_gram_options options = qntk_gram_defaults();
                options.precision = single ? QNTK_PRECISION_SINGLE : QNTK_PRECISION_DOUBLE;
                double *X = clusters(n, d, 3 * unit, unit, 0);
                qntk_kernel kernel = gram_parse(names[s]);
                kernel.bandwidth = unit;
                double *K = gram_whole_of(&kernel, n, d, X, options);
                double worst = gram_worst_entry_of(&kernel, n, d, X, K, 1);
                ck_assert_msg(worst < (single ? 1e-5 : 1e-13), "%s, unit %g: error %g", names[s], unit,
                              worst);
                qntk_free(K);
                qntk_free(X);
            }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, one_row_far_away_does_not_spoil_the_others);
    tcase_add_test(tcase, clusters_far_apart_keep_their_inner_distances);
    tcase_add_test(tcase, networks_of_any_depth_keep_their_error_near_the_poles);
    tcase_add_test(tcase, networks_of_any_depth_keep_the_error_of_single_precision);
    tcase_add_test(tcase, units_do_not_matter);
}

int main(void)
{
    return test_main("gram_accuracy", add_tests);
}
