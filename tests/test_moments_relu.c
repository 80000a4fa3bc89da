/* Mean, variance and slope of one rectified normal variable. */
#include "test.h"

#include <float.h>
#include <gsl/gsl_integration.h>

#include "naive.h"

static const double eps = DBL_EPSILON;

/* z, mean, variance, slope at s = 1: computed with 700 digits, rounded to 17. */
static const double exact[][4] = {
    {-38.0, 7.5827518145492083e-318, 3.9826705400851478e-319, 2.8854283600687843e-316},
    {-37.0, 1.5451991905122025e-301, 8.3342176294277234e-303, 5.7255712225245768e-300},
    {-36.5, 1.5168309394279151e-293, 8.2927841629544398e-295, 5.5447257130748446e-292},
    {-33.0, 1.2284124472039034e-240, 7.4245451429739735e-242, 4.0611856209158551e-239},
    {-30.0, 1.6319567340914012e-199, 1.0843724873983491e-200, 4.9067139271481871e-198},
    {-27.3, 7.7477847156617725e-166, 5.6533969441851562e-167, 2.1207986243198491e-164},
    {-25.0, 1.2187970462990369e-139, 9.7040906349687557e-141, 3.0566967063825609e-138},
    {-20.0, 1.3700124947295799e-90, 1.3599129147073809e-91, 2.7536241186062337e-89},
    {-17.9, 3.2736614340654041e-73, 3.6242010286003364e-74, 5.8960959772630762e-72},
    {-15.0, 2.426025087528983e-52, 3.1928568019276313e-53, 3.6709661993127509e-51},
    {-12.5, 2.9489984378004278e-37, 4.6316251627178623e-38, 3.7325642988777134e-36},
    {-10.0, 7.474560254589328e-25, 1.4529276957119803e-25, 7.6198530241605261e-24},
    {-8.0, 7.5502624119464989e-17, 1.8075064471458494e-17, 6.2209605742717841e-16},
    {-7.0, 1.7603260116374831e-13, 4.7584335739565832e-14, 1.279812543885835e-12},
    {-6.1, 8.2796053148508326e-11, 2.5286402082128204e-11, 5.3034232629488415e-10},
    {-5.0, 5.346165533832815e-8, 1.9343292329404572e-8, 2.8665157187919391e-7},
    {-4.4, 1.1272780961565837e-6, 4.525190138589763e-7, 5.412543907703851e-6},
    {-4.0, 7.1452584324056668e-6, 3.0901570487791884e-6, 3.1671241833119921e-5},
    {-3.3, 0.00012726926918721546, 6.3419356599087052e-5, 0.00048342414238377751},
    {-3.0, 0.0003821543170477236, 0.00020328903856488553, 0.0013498980316300945},
    {-2.5, 0.0020041371791281994, 0.0011953058121228726, 0.0062096653257761352},
    {-2.0, 0.0084907026168296375, 0.0056966346835924944, 0.022750131948179207},
    {-1.7, 0.018287790687363758, 0.013141775301799827, 0.044565462758543044},
    {-1.3, 0.04552796208651392, 0.035541338541391179, 0.096800484585610326},
    {-1.0, 0.083315470587686298, 0.068398315704523132, 0.15865525393145705},
    {-0.75, 0.13116691787215326, 0.11104740362867306, 0.2266273523768682},
    {-0.5, 0.19779655740130603, 0.17051578190552573, 0.3085375387259869},
    {-0.3, 0.26676124211720988, 0.23089864487996773, 0.38208857781104737},
    {-0.1, 0.35093533120471466, 0.30192302291473677, 0.46017216272297102},
    {-0.01, 0.39396222734922846, 0.33686478483391094, 0.4960106436853684},
    {-1e-08, 0.3989422754014327, 0.34084505291868187, 0.4999999960105772},
    {0.0, 0.39894228040143268, 0.34084505690810466, 0.5},
    {1e-08, 0.3989422854014327, 0.34084506089752748, 0.5000000039894228},
    {0.01, 0.40396222734922846, 0.34484349746317415, 0.5039893563146316},
    {0.1, 0.45093533120471467, 0.38157869746879474, 0.53982783727702898},
    {0.3, 0.56676124211720987, 0.466721489257873, 0.61791142218895263},
    {0.5, 0.69779655740130603, 0.55344070445355194, 0.6914624612740131},
    {0.75, 0.88116691787215326, 0.65779269887493666, 0.7733726476231318},
    {1.0, 1.0833154705876863, 0.75108780784160903, 0.84134474606854295},
    {1.5, 1.5293067937626046, 0.88837371992659115, 0.93319279873114193},
    {2.0, 2.0084907026168296, 0.96019637078723408, 0.97724986805182079},
    {2.2, 2.2048870083165347, 0.97532125133983964, 0.9860965524865014},
    {3.0, 3.0003821543170477, 0.9975034929753047, 0.99865010196836991},
    {4.0, 4.0000071452584324, 0.99993974767338254, 0.99996832875816688},
    {5.0, 5.0000000534616553, 0.99999944604014857, 0.99999971334842812},
    {6.5, 6.5000000000059156, 0.99999999992138844, 0.99999999995983999},
    {8.0, 8.0000000000000001, 0.99999999999999877, 0.99999999999999938},
    {9.0, 9.0, 1.0, 1.0},
    {12.0, 12.0, 1.0, 1.0},
    {20.0, 20.0, 1.0, 1.0},
    {40.0, 40.0, 1.0, 1.0},
};
enum { EXACT = sizeof exact / sizeof *exact };

/* Relative, where the number is normal; absolute in units of the smallest number below that. */
static bool near(double actual, double expected, double tolerance)
{
    return fabs(actual - expected) <= tolerance * fabs(expected) + (fabs(expected) < DBL_MIN ? 0x1p-1074 : 0);
}

START_TEST(the_moments_are_right_to_the_last_digits_from_tail_to_tail)
{
    for (size_t i = 0; i < EXACT; i++) {
        double z = exact[i][0], mean, variance, slope = qntk_relu_slope(z, 1);
        qntk_relu_moments(z, 1, &mean, &variance);
        ck_assert_msg(near(mean, exact[i][1], 5 * eps), "z = %g: mean %.17g, expected %.17g", z, mean,
                      exact[i][1]);
        ck_assert_msg(near(variance, exact[i][2], 9 * eps), "z = %g: variance %.17g, expected %.17g", z,
                      variance, exact[i][2]);
        ck_assert_msg(near(slope, exact[i][3], 5 * eps), "z = %g: slope %.17g, expected %.17g", z, slope,
                      exact[i][3]);
    }
}
END_TEST

START_TEST(the_moments_agree_with_the_continued_fraction_where_z_is_negative)
{
    qntk_rng rng = qntk_rng_create(1, 0);
    size_t failures = 0;
    for (size_t trial = 0; trial < 3000; trial++) {
        double s = exp(4 * qntk_rng_normal(&rng)), mu = -s * (1 + 36 * qntk_rng_uniform(&rng));
        double mean, variance, mean_plain, variance_plain;
        qntk_relu_moments(mu, s, &mean, &variance);
        naive_tail_moments(mu, s, &mean_plain, &variance_plain);
        failures += !near(mean, mean_plain, 6 * eps) || !near(variance, variance_plain, 10 * eps);
    }
    ck_assert_uint_eq(failures, 0);
}
END_TEST

START_TEST(the_moments_agree_with_the_textbook_formula_where_that_does_not_cancel)
{
    qntk_rng rng = qntk_rng_create(2, 0);
    size_t failures = 0;
    for (size_t trial = 0; trial < 3000; trial++) {
        double s = exp(4 * qntk_rng_normal(&rng)), mu = s * (10 * qntk_rng_uniform(&rng) - 2);
        double mean, variance, mean_plain, variance_plain;
        qntk_relu_moments(mu, s, &mean, &variance);
        naive_relu_moments(mu, s, &mean_plain, &variance_plain);
        failures += !near(mean, mean_plain, 6 * eps) || !near(variance, variance_plain, 10 * eps);
    }
    ck_assert_uint_eq(failures, 0);
}
END_TEST

/* u^power exp(-x u - u^2/2) with x = {x, power}: Int over u > 0, times phi(x), is E relu(Z-x)^power. */
static double tail_integrand(double u, void *parameters)
{
    const double *p = parameters;
    return pow(u, p[1]) * exp(-p[0] * u - u * u / 2);
}

START_TEST(the_moments_agree_with_quadrature)
{
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(1000);
    for (double z = -36; z <= 3; z += 1.7) {
        double integral[2], error, mean, variance, x = -z, phi = exp(-x * x / 2) / sqrt(2 * M_PI);
        for (int power = 1; power <= 2; power++) {
            double parameters[2] = {x, power};
            gsl_function f = {.function = tail_integrand, .params = parameters};
            ck_assert_int_eq(
                gsl_integration_qagiu(&f, 0, 0, 1e-12, 1000, space, &integral[power - 1], &error), 0);
        }
        qntk_relu_moments(z, 1, &mean, &variance);
        ck_assert_relative(mean, phi * integral[0], 3e-12);
        ck_assert_close(variance, phi * integral[1] - phi * integral[0] * phi * integral[0], 3e-12,
                        phi * integral[1]);
    }
    gsl_integration_workspace_free(space);
}
END_TEST

START_TEST(scaling_by_a_power_of_two_changes_no_bit)
{
    for (size_t i = 0; i < EXACT; i++) {
        double z = exact[i][0], mean, variance, mean_scaled, variance_scaled;
        if (fabs(z) > 12)
            continue; /* variance * 2^-900 would be subnormal */
        qntk_relu_moments(z, 1, &mean, &variance);
        for (int power = -450; power <= 450; power += 50) {
            qntk_relu_moments(ldexp(z, power), ldexp(1, power), &mean_scaled, &variance_scaled);
            ck_assert(mean_scaled == ldexp(mean, power));
            ck_assert(variance_scaled == ldexp(variance, 2 * power));
            ck_assert(qntk_relu_slope(ldexp(z, power), ldexp(1, power)) == qntk_relu_slope(z, 1));
        }
    }
}
END_TEST

START_TEST(derivatives_follow_from_the_moments)
{
    /* d mean/d mu = Phi and d variance/d mu = 2 mean (1 - Phi), by central differences of order 4 */
    for (double mu = -9; mu <= 9; mu += 0.37) {
        double s = 1.3, h = 0.01, mean[5], variance[5];
        for (int k = 0; k < 5; k++)
            qntk_relu_moments(mu + (k - 2) * h, s, &mean[k], &variance[k]);
        double d_mean = (mean[0] - 8 * mean[1] + 8 * mean[3] - mean[4]) / (12 * h);
        double d_variance = (variance[0] - 8 * variance[1] + 8 * variance[3] - variance[4]) / (12 * h);
        double slope = qntk_relu_slope(mu, s);
        /* truncation h^4/30 f'''''/f < 1e-8/30 (z/s)^4 < 1e-6, rounding eps |mu|/h */
        ck_assert_close(d_mean, slope, 1e-6, slope + 1e-6);
        ck_assert_close(d_variance, 2 * mean[2] * (1 - slope), 1e-6, d_variance + 1e-6);
    }
}
END_TEST

START_TEST(without_noise_it_is_the_plain_relu)
{
    const double values[] = {-DBL_MAX, -3, -1e-300, -0.0, 0, 1e-300, 0.1, 3, DBL_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double mean, variance;
        qntk_relu_moments(values[i], 0, &mean, &variance);
        ck_assert(mean == (values[i] > 0 ? values[i] : 0) && variance == 0);
        ck_assert(qntk_relu_slope(values[i], 0) == (values[i] > 0 ? 1 : 0));
    }
}
END_TEST

START_TEST(extreme_arguments_neither_overflow_nor_underflow_on_the_way)
{
    double mean, variance;
    qntk_relu_moments(1, 1e-200, &mean, &variance); /* s tiny beside mu */
    ck_assert(mean == 1 && variance == 0);
    qntk_relu_moments(1e10, 1e-140, &mean, &variance);
    ck_assert(mean == 1e10);
    ck_assert_relative(variance, 1e-280, eps);
    qntk_relu_moments(-1, 1e-200, &mean, &variance);
    ck_assert(mean == 0 && variance == 0);
    qntk_relu_moments(-DBL_MAX, DBL_TRUE_MIN, &mean, &variance);
    ck_assert(mean == 0 && variance == 0);
    qntk_relu_moments(DBL_MAX, DBL_TRUE_MIN, &mean, &variance);
    ck_assert(mean == DBL_MAX && variance == 0);
    qntk_relu_moments(DBL_TRUE_MIN, DBL_TRUE_MIN, &mean, &variance);
    ck_assert(mean == DBL_TRUE_MIN && variance == 0); /* 1.083 of the smallest number */
    qntk_relu_moments(0, 1e308, &mean, &variance);
    ck_assert_relative(mean, 1e308 / sqrt(2 * M_PI), 5 * eps);
    ck_assert(isinf(variance)); /* s^2 does overflow */
    /* far below the range of phi(z): 2^1000 times the moments at z = -45, computed with 700 digits */
    qntk_relu_moments(ldexp(-45, 1000), ldexp(1, 1000), &mean, &variance);
    ck_assert_relative(mean, 3.9872685246450656e-143, 5 * eps);
    ck_assert_relative(variance, 1.8960377096312672e+157, 9 * eps);
    ck_assert(qntk_relu_slope(-45, 1) == 0);
    /* the same z from subnormal numbers */
    ck_assert_relative(qntk_relu_slope(-DBL_TRUE_MIN * 8, DBL_TRUE_MIN * 3), qntk_relu_slope(-8, 3), eps);
}
END_TEST

START_TEST(arguments_that_are_not_numbers_give_nan)
{
    const double bad[][2] = {{NAN, 1}, {1, NAN}, {INFINITY, 1}, {-INFINITY, 1}, {1, INFINITY}, {1, -1e-300}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double mean = 1, variance = 1;
        qntk_relu_moments(bad[i][0], bad[i][1], &mean, &variance);
        ck_assert(isnan(mean) && isnan(variance) && isnan(qntk_relu_slope(bad[i][0], bad[i][1])));
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_moments_are_right_to_the_last_digits_from_tail_to_tail);
    tcase_add_test(tcase, the_moments_agree_with_the_continued_fraction_where_z_is_negative);
    tcase_add_test(tcase, the_moments_agree_with_the_textbook_formula_where_that_does_not_cancel);
    tcase_add_test(tcase, the_moments_agree_with_quadrature);
    tcase_add_test(tcase, scaling_by_a_power_of_two_changes_no_bit);
    tcase_add_test(tcase, derivatives_follow_from_the_moments);
    tcase_add_test(tcase, without_noise_it_is_the_plain_relu);
    tcase_add_test(tcase, extreme_arguments_neither_overflow_nor_underflow_on_the_way);
    tcase_add_test(tcase, arguments_that_are_not_numbers_give_nan);
}

int main(void)
{
    return test_main("moments_relu", add_tests);
}
