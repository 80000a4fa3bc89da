/* Where the eigenvalues of a rounded network leave those of the real one. */
#include "mercer_check.h"

#include <lapacke.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_bessel.h>
#include <gsl/gsl_sf_gamma.h>

/* ---- the departure degree ---- */

static double departure(const char *spec, size_t D)
{
    qntk_kernel kernel;
    qntk_mercer m;
    qntk_mercer_options options = qntk_mercer_defaults();
    options.degrees = 2;
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    ck_assert_ok(qntk_mercer_compute(&kernel, D, options, &m));
    double degree = m.departure_degree;
    qntk_mercer_free(&m);
    return degree;
}

START_TEST(eigenvalue_ratios_tend_to_the_predicted_limit)
{
    struct {
        const char *spec;
        size_t D;
        double limit;
    } cases[] = {{"qntk", 3, 1 / (3 + sqrt(8))},
                 {"qntk", 10, 1 / (3 + sqrt(8))},
                 {"qntk:bits=1.58,depth=2", 5, 1 / (1.5 + sqrt(1.25))},
                 {"qntk:bits=3,depth=3,b_std=0.5", 4, 1 / (51 / 49.0 + sqrt(51 * 51 / 2401.0 - 1))},
                 {"rgauss:alpha=2,bandwidth=1", 10, 1 / (3 + sqrt(8))}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qntk_mercer m = mercer_compute(cases[i].spec, cases[i].D, 400);
        ck_assert_relative(m.limit_ratio, cases[i].limit, 1e-14);
        ck_assert_relative(m.t_star, (cases[i].limit + 1 / cases[i].limit) / 2, 1e-14);
        /* lambda_k ~ ratio^k k^-p, p of the order of D: the last ratios r_k, extrapolated in 1/k, k even */
        size_t k = 380;
        double r = sqrt(m.eval[k] / m.eval[k - 2]), r_half = sqrt(m.eval[k / 2] / m.eval[k / 2 - 2]);
        double D = (double)cases[i].D;
        ck_assert_close(2 * r - r_half, cases[i].limit, 4 * (D + 4) * (D + 4) / (double)(k * k),
                        cases[i].limit);
        qntk_mercer_free(&m);
    }
    struct {
        const char *spec;
        double t_star, ratio;
    } others[] = {{"ntk:depth=3", 1, 1},    {"laplace", 1, 1},      {"matern", 1, 1},
                  {"gexp:power=1.5", 1, 1}, {"gauss", INFINITY, 0}, {"gexp:power=2", INFINITY, 0}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        qntk_mercer m = mercer_compute(others[i].spec, 6, 3);
        ck_assert(m.t_star == others[i].t_star && m.limit_ratio == others[i].ratio &&
                  isnan(m.departure_degree));
        qntk_mercer_free(&m);
    }
}
END_TEST

START_TEST(power_laws_have_their_exponent)
{
    /* real NTK and Laplace k^-D, NNGP k^-(D+2), Matern k^-(2 nu + D - 1), gexp k^-(power + D - 1) */
    struct {
        const char *spec;
        size_t D;
        double exponent;
    } cases[] = {{"ntk:depth=2", 3, 3},     {"laplace", 10, 10},        {"nngp:depth=2", 4, 6},
                 {"matern:nu=1.3", 5, 6.6}, {"gexp:power=1.6", 3, 3.6}, {"ntk", 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qntk_mercer m = mercer_compute(cases[i].spec, cases[i].D, 20000);
        double slope = -log(m.eval[20000] / m.eval[10000]) / log(2);
        ck_assert_close(slope, cases[i].exponent, 0.01, 1);
        qntk_mercer_free(&m);
    }
}
END_TEST

START_TEST(the_departure_degree_is_the_first_below_half_of_the_unrounded_twin)
{
    /* one layer, no bias: the twin has the NNGP part of real weights and three times (1/V) their Mdot T part
     */
    const char *bits[] = {"1", "1.58", "2", "3", "4", "6", "8"};
    const size_t dimensions[] = {2, 3, 10};
    for (size_t d = 0; d < 3; d++) {
        size_t D = dimensions[d];
        qntk_mercer ntk = mercer_compute("ntk", D, 600), nngp = mercer_compute("nngp", D, 600);
        for (size_t i = 0; i < 7; i++) {
            char spec[64];
            snprintf(spec, sizeof spec, "qntk:bits=%s", bits[i]);
            qntk_mercer rounded = mercer_compute(spec, D, 600);
            size_t k = 0;
            while (k <= 600 && !(2 * rounded.eval[k] < 3 * ntk.eval[k] - 2 * nngp.eval[k]))
                k++;
            ck_assert_msg(departure(spec, D) == (double)k, "%s, D = %zu: %g, by enumeration %zu", spec, D,
                          departure(spec, D), k);
            qntk_mercer_free(&rounded);
        }
        qntk_mercer_free(&ntk);
        qntk_mercer_free(&nngp);
    }
}
END_TEST

START_TEST(many_bits_depart_where_the_matern_function_is_one_half)
{
    const size_t dimensions[] = {2, 3, 10, 1000};
    for (size_t i = 0; i < 4; i++) {
        double nu = (double)dimensions[i] / 2, low = 0, high = 100;
        while (high - low > 1e-9) {
            double y = (low + high) / 2;
            double value =
                exp((1 - nu) * M_LN2 - gsl_sf_lngamma(nu) + nu * log(y) + gsl_sf_bessel_lnKnu(nu, y));
            *(value > 0.5 ? &low : &high) = y;
        }
        double theta = acosh(1 + 2.0 / (65535.0 * 65535.0)),
               degree = departure("qntk:bits=16", dimensions[i]);
        /* the law is in k + D/2 - 1, and holds up to terms of relative order theta and 1/k */
        ck_assert_relative((degree + nu - 1) * theta, low, 2e-4);
        ck_assert(fmod(degree, 2) == 0); /* odd degrees are zero */
    }
    /* deeper and biased networks have every degree, and leave earlier */
    double deep = departure("qntk:bits=12,depth=3,b_std=0.3", 10), shallow = departure("qntk:bits=12", 10);
    ck_assert(deep > 512 && deep < shallow);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, eigenvalue_ratios_tend_to_the_predicted_limit);
    tcase_add_test(tcase, power_laws_have_their_exponent);
    tcase_add_test(tcase, the_departure_degree_is_the_first_below_half_of_the_unrounded_twin);
    tcase_add_test(tcase, many_bits_depart_where_the_matern_function_is_one_half);
}

int main(void)
{
    return test_main("mercer_departure", add_tests);
}
