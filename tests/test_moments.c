#include "test.h"

#include <float.h>
#include <gsl/gsl_integration.h>
#include <string.h>

#include "naive.h"

static const double eps = DBL_EPSILON;

/* ---- one rectified normal variable ---- */

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

/* ---- layers ---- */

enum { MOST_LAYERS = 4 };

/* A network with random latent weights, and the memory they live in. */
typedef struct {
    qntk_moments_weights layer[MOST_LAYERS];
    double *numbers[2 * MOST_LAYERS];
    size_t count;
} random_network;

static void add_layer(random_network *net, qntk_rng *rng, size_t fan_in, size_t fan_out, size_t levels,
                      double w_std, double b_std)
{
    double *latent = qntk_alloc(fan_in * fan_out, sizeof *latent), *bias = qntk_alloc(fan_out, sizeof *bias);
    for (size_t k = 0; k < fan_in * fan_out; k++)
        latent[k] = levels == 0 ? qntk_rng_normal(rng) : 2 * qntk_rng_uniform(rng) - 1;
    for (size_t i = 0; i < fan_out; i++)
        bias[i] = qntk_rng_normal(rng);
    net->numbers[2 * net->count] = latent;
    net->numbers[2 * net->count + 1] = bias;
    net->layer[net->count++] =
        (qntk_moments_weights){fan_in, fan_out, latent, levels, w_std, b_std, b_std > 0 ? bias : NULL};
}

static void free_network(random_network *net)
{
    for (size_t k = 0; k < 2 * net->count; k++)
        qntk_free(net->numbers[k]);
    *net = (random_network){0};
}

static double *random_numbers(qntk_rng *rng, size_t count)
{
    double *numbers = qntk_alloc(count, sizeof *numbers);
    for (size_t k = 0; k < count; k++)
        numbers[k] = qntk_rng_normal(rng);
    return numbers;
}

/* The expectation of h and of (h - mean)^2, h = scale sum_j W_j x_j + shift, over all 2^n roundings of one
 * row of weights and all 2^n sign patterns of inputs x_j = m_j +- sqrt(v_j). */
static void enumerate(size_t n, size_t levels, const double *latent, const double *m, const double *v,
                      double scale, double shift, double *mean, double *variance)
{
    double step = qntk_weight_step(levels);
    *mean = 0;
    for (int pass = 0; pass < 2; pass++) {
        long double sum = 0;
        for (size_t pattern = 0; pattern < (size_t)1 << (2 * n); pattern++) {
            double probability = 1, h = 0;
            for (size_t j = 0; j < n; j++) {
                double below = -1 + floor((latent[j] + 1) / step) * step, up = (latent[j] - below) / step;
                bool rounded_up = pattern >> j & 1, plus = pattern >> (n + j) & 1;
                probability *= (rounded_up ? up : 1 - up) / 2;
                h += (rounded_up ? below + step : below) * (m[j] + (plus ? 1 : -1) * sqrt(v[j]));
            }
            h = scale * h + shift;
            sum += pass == 0 ? probability * h : probability * (h - *mean) * (h - *mean);
        }
        *(pass == 0 ? mean : variance) = (double)sum;
    }
}

START_TEST(a_layer_is_exact_against_all_roundings)
{
    enum { N = 8, OUT = 2 };
    static const size_t all_levels[] = {2, 3, 16};
    for (size_t l = 0; l < 3; l++) {
        qntk_rng rng = qntk_rng_create(3, l);
        random_network net = {0};
        add_layer(&net, &rng, N, OUT, all_levels[l], 1.4, 0.3);
        double m[N], v[N], mu[OUT], s2[OUT], mean, variance;
        for (size_t j = 0; j < N; j++) {
            m[j] = qntk_rng_normal(&rng);
            v[j] = j % 3 == 0 ? 0 : qntk_rng_uniform(&rng);
        }
        ck_assert_ok(qntk_moments_layer(&net.layer[0], m, v, mu, s2));
        for (size_t i = 0; i < OUT; i++) {
            enumerate(N, all_levels[l], net.layer[0].latent + i * N, m, v, 1.4 / sqrt(N),
                      0.3 * net.layer[0].bias[i], &mean, &variance);
            ck_assert_close(mu[i], mean, 1e-14, 1);
            ck_assert_relative(s2[i], variance, 1e-14);
        }
        /* inputs without variance: NULL is zero */
        const double zero[N] = {0};
        ck_assert_ok(qntk_moments_layer(&net.layer[0], m, NULL, mu, s2));
        for (size_t i = 0; i < OUT; i++) {
            enumerate(N, all_levels[l], net.layer[0].latent + i * N, m, zero, 1.4 / sqrt(N),
                      0.3 * net.layer[0].bias[i], &mean, &variance);
            ck_assert_close(mu[i], mean, 1e-14, 1);
            ck_assert_relative(s2[i], variance, 1e-14);
        }
        free_network(&net);
    }
}
END_TEST

START_TEST(a_layer_agrees_with_its_plain_twin)
{
    static const size_t all_levels[] = {0, 2, 3, 5, 256};
    for (size_t l = 0; l < sizeof all_levels / sizeof *all_levels; l++) {
        enum { N = 137, OUT = 61 };
        qntk_rng rng = qntk_rng_create(4, l);
        random_network net = {0};
        add_layer(&net, &rng, N, OUT, all_levels[l], 1.1, l % 2 ? 0.2 : 0);
        double m[N], v[N], mu[OUT], s2[OUT], mu_plain[OUT], s2_plain[OUT];
        for (size_t j = 0; j < N; j++) {
            m[j] = qntk_rng_normal(&rng);
            v[j] = qntk_rng_uniform(&rng);
        }
        ck_assert_ok(qntk_moments_layer(&net.layer[0], m, v, mu, s2));
        naive_moments_layer(&net.layer[0], m, v, mu_plain, s2_plain);
        for (size_t i = 0; i < OUT; i++) {
            ck_assert_close(mu[i], mu_plain[i], N * eps, 1);
            /* the twin walks to a weight's cell in up to 256 steps, each rounded: tau is off by 256 eps step
             */
            ck_assert_relative(s2[i], s2_plain[i], (N + 256) * eps);
        }
        free_network(&net);
    }
}
END_TEST

/* ---- networks ---- */

START_TEST(a_network_agrees_with_its_plain_twin_and_with_its_layers)
{
    enum { ROWS = 131, D = 9, OUT = 3, WIDTH = 70 };
    for (size_t variant = 0; variant < 4; variant++) {
        qntk_rng rng = qntk_rng_create(5, variant);
        random_network net = {0};
        add_layer(&net, &rng, D, WIDTH, variant == 3 ? 0 : 2, 1.5, 0.3);
        add_layer(&net, &rng, WIDTH, 33, variant == 1 ? 0 : 3, 1.9, variant == 2 ? 0.1 : 0);
        add_layer(&net, &rng, 33, 51, 16, 2.2, 0);
        add_layer(&net, &rng, 51, OUT, variant < 2 ? 0 : 2, 1, 0.2);
        double *X = random_numbers(&rng, ROWS * D), *mean = qntk_alloc(ROWS * OUT, sizeof *mean),
               *variance = qntk_alloc(ROWS * OUT, sizeof *variance);
        ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, mean, variance));
        size_t failures = 0;
        for (size_t r = 0; r < ROWS; r++) {
            double mean_plain[WIDTH], variance_plain[WIDTH], m[WIDTH], v[WIDTH] = {0}, mu[WIDTH], s2[WIDTH];
            naive_moments_network(net.layer, net.count, X + r * D, mean_plain, variance_plain);
            memcpy(m, X + r * D, D * sizeof *m);
            for (size_t l = 0; l < net.count; l++) {
                ck_assert_ok(qntk_moments_layer(&net.layer[l], m, v, mu, s2));
                for (size_t i = 0; i < net.layer[l].fan_out; i++)
                    qntk_relu_moments(mu[i], sqrt(s2[i]), &m[i], &v[i]);
            }
            for (size_t i = 0; i < OUT; i++) {
                double a = mean[r * OUT + i], b = variance[r * OUT + i];
                double tolerance = 4 * WIDTH * eps; /* four sums of at most WIDTH terms of order 1 */
                failures +=
                    !(fabs(a - mean_plain[i]) <= tolerance && fabs(a - mu[i]) <= tolerance &&
                      fabs(b - variance_plain[i]) <= tolerance * b && fabs(b - s2[i]) <= tolerance * b);
            }
        }
        ck_assert_uint_eq(failures, 0);
        free_network(&net);
        qntk_free(X);
        qntk_free(mean);
        qntk_free(variance);
    }
}
END_TEST

START_TEST(real_weights_give_the_plain_network_without_variance)
{
    enum { ROWS = 5, D = 7, WIDTH = 40, OUT = 2 };
    qntk_rng rng = qntk_rng_create(6, 0);
    random_network net = {0};
    add_layer(&net, &rng, D, WIDTH, 0, 1.4, 0.5);
    add_layer(&net, &rng, WIDTH, WIDTH, 0, 1.4, 0);
    add_layer(&net, &rng, WIDTH, OUT, 0, 1, 0.1);
    double X[ROWS * D], mean[ROWS * OUT], variance[ROWS * OUT];
    for (size_t k = 0; k < ROWS * D; k++)
        X[k] = qntk_rng_normal(&rng);
    ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, mean, variance));
    for (size_t r = 0; r < ROWS; r++) {
        double in[WIDTH], out[WIDTH];
        memcpy(in, X + r * D, D * sizeof *in);
        for (size_t l = 0; l < net.count; l++) { /* x = relu(w_std/sqrt(n) W x + b_std b) */
            const qntk_moments_weights *layer = &net.layer[l];
            for (size_t i = 0; i < layer->fan_out; i++) {
                double h = 0;
                for (size_t j = 0; j < layer->fan_in; j++)
                    h += layer->latent[i * layer->fan_in + j] * in[j];
                out[i] = layer->w_std / sqrt((double)layer->fan_in) * h;
                out[i] += layer->bias != NULL ? layer->b_std * layer->bias[i] : 0;
            }
            for (size_t i = 0; i < layer->fan_out; i++)
                in[i] = fmax(out[i], 0);
        }
        for (size_t i = 0; i < OUT; i++) {
            ck_assert_close(mean[r * OUT + i], out[i], 3 * WIDTH * eps, 1);
            ck_assert(variance[r * OUT + i] == 0);
        }
    }
    free_network(&net);
}
END_TEST

START_TEST(weights_on_the_grid_have_no_noise)
{
    /* latent weights that are levels already: no rounding variance, whatever their number */
    for (size_t levels = 2; levels <= 65; levels++) {
        double latent[65], m[65], mu, s2, expected = 0;
        for (size_t k = 0; k < levels; k++) {
            latent[k] = qntk_weight_round(levels, -1 + 2 * (double)k / (double)(levels - 1), 0.5);
            m[k] = 1 + (double)(k % 7);
            expected += latent[k] * m[k] / sqrt((double)levels);
        }
        qntk_moments_weights layer = {
            .fan_in = levels, .fan_out = 1, .latent = latent, .levels = levels, .w_std = 1};
        ck_assert_ok(qntk_moments_layer(&layer, m, NULL, &mu, &s2));
        ck_assert_close(mu, expected, (double)levels * eps, 7 * sqrt((double)levels));
        ck_assert(s2 >= 0);
        ck_assert_close(s2, 0, 8 * (double)levels * eps, 49 * qntk_weight_step(levels));
    }
}
END_TEST

START_TEST(the_same_bytes_for_any_number_of_threads)
{
    enum { ROWS = 300, D = 20, OUT = 5 };
    qntk_rng rng = qntk_rng_create(7, 0);
    random_network net = {0};
    add_layer(&net, &rng, D, 150, 2, 1.4, 0.1);
    add_layer(&net, &rng, 150, 90, 4, 1.4, 0);
    add_layer(&net, &rng, 90, OUT, 0, 1, 0);
    double *X = random_numbers(&rng, ROWS * D);
    double *mean[4], *variance[4];
    for (size_t threads = 1; threads <= 4; threads++) {
        double *m = mean[threads - 1] = qntk_alloc(ROWS * OUT, sizeof *m);
        double *v = variance[threads - 1] = qntk_alloc(ROWS * OUT, sizeof *v);
        ck_assert_ok(qntk_threads_set(threads));
        ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, m, v));
        ck_assert(memcmp(m, mean[0], ROWS * OUT * sizeof *m) == 0);
        ck_assert(memcmp(v, variance[0], ROWS * OUT * sizeof *v) == 0);
        /* without the variance, the mean is the same */
        ck_assert_ok(qntk_moments_propagate(net.layer, net.count, ROWS, X, m, NULL));
        ck_assert(memcmp(m, mean[0], ROWS * OUT * sizeof *m) == 0);
    }
    ck_assert_ok(qntk_threads_set(0));
    for (size_t k = 0; k < 4; k++) {
        qntk_free(mean[k]);
        qntk_free(variance[k]);
    }
    qntk_free(X);
    free_network(&net);
}
END_TEST

/* ---- failures ---- */

/* A layer of 2 inputs and 2 outputs that is right, to be spoilt. */
static const double good_latent[4] = {0.5, -1, 1, 0.25};
static const double good_bias[2] = {1, -1};

static qntk_moments_weights good_layer(void)
{
    return (qntk_moments_weights){2, 2, good_latent, 2, 1, 1, good_bias};
}

/* Both functions refuse the layer with this code and text, and their outputs are zero. */
static void refuse(qntk_moments_weights layer, qntk_status code, const char *text)
{
    const double x[2] = {1, 2};
    double mean[2] = {7, 7}, variance[2] = {7, 7};
    ck_assert_fails(qntk_moments_layer(&layer, x, NULL, mean, variance), code, text);
    for (size_t i = 0; i < 2 && i < layer.fan_out; i++)
        ck_assert(mean[i] == 0 && variance[i] == 0);
    mean[0] = variance[0] = 7;
    ck_assert_fails(qntk_moments_propagate(&layer, 1, 1, x, mean, variance), code, text);
    for (size_t i = 0; i < 2 && i < layer.fan_out; i++)
        ck_assert(mean[i] == 0 && variance[i] == 0);
}

START_TEST(impossible_layers_are_refused_by_name)
{
    double spoilt[4] = {0.5, NAN, 1, 0.25};
    qntk_moments_weights layer = good_layer();
    layer.fan_in = 0;
    refuse(layer, QNTK_INVALID, "at least one input");
    layer = good_layer();
    layer.fan_out = 0;
    refuse(layer, QNTK_INVALID, "at least one input and one output");
    layer = good_layer();
    layer.fan_in = (size_t)1 << 32;
    refuse(layer, QNTK_INVALID, "more neurons");
    layer = good_layer();
    layer.latent = NULL;
    refuse(layer, QNTK_INVALID, "latent");
    layer = good_layer();
    layer.levels = 1;
    refuse(layer, QNTK_INVALID, "levels must be");
    layer.levels = 65537;
    refuse(layer, QNTK_INVALID, "levels must be");
    layer = good_layer();
    layer.w_std = -1;
    refuse(layer, QNTK_INVALID, "w_std");
    layer.w_std = NAN;
    refuse(layer, QNTK_INVALID, "w_std");
    layer = good_layer();
    layer.b_std = INFINITY;
    refuse(layer, QNTK_INVALID, "b_std");
    layer = good_layer();
    layer.latent = spoilt;
    refuse(layer, QNTK_NOT_FINITE, "latent weight (0, 1) is nan");
    spoilt[1] = 1.5;
    refuse(layer, QNTK_INVALID, "latent weight (0, 1): expected a number in [-1,1], found 1.5");
    layer = good_layer();
    layer.bias = (const double[2]){0, -INFINITY};
    refuse(layer, QNTK_NOT_FINITE, "bias 1 is -inf");
    layer = good_layer();
    layer.w_std = 1e200; /* w_std^2 overflows */
    refuse(layer, QNTK_NOT_FINITE, "overflows");
}
END_TEST

START_TEST(impossible_inputs_are_refused_by_name)
{
    qntk_moments_weights layers[2] = {good_layer(), good_layer()};
    double mean[4], variance[4];
    const double good[4] = {1, 2, 3, 4}, bad[4] = {1, 2, 3, NAN}, negative[2] = {0, -1};
    ck_assert_fails(qntk_moments_layer(layers, bad + 2, NULL, mean, variance), QNTK_NOT_FINITE, "input 1");
    ck_assert_fails(qntk_moments_layer(layers, good, bad + 2, mean, variance), QNTK_NOT_FINITE, "input 1");
    ck_assert_fails(qntk_moments_layer(layers, good, negative, mean, variance), QNTK_INVALID,
                    "input 1: expected a variance of at least 0, found -1");
    ck_assert_fails(qntk_moments_layer(NULL, good, NULL, mean, variance), QNTK_INVALID, "found NULL");
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, bad, mean, variance), QNTK_NOT_FINITE,
                    "row 1, column 1");
    ck_assert_fails(qntk_moments_propagate(layers, 0, 2, good, mean, variance), QNTK_INVALID, "one layer");
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, NULL, mean, variance), QNTK_INVALID, "found NULL");
    const double huge[4] = {1, 2, 1e300, 0};
    mean[0] = 7;
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, huge, mean, variance), QNTK_NOT_FINITE,
                    "row 1: layer 1 overflows");
    ck_assert(mean[0] == 0);
    layers[1].fan_in = 1;
    ck_assert_fails(qntk_moments_propagate(layers, 2, 2, good, mean, variance), QNTK_INVALID,
                    "layer 2: expected 2 inputs, the outputs of layer 1, found 1");
}
END_TEST

START_TEST(a_late_overflow_leaves_no_early_result)
{
    /* one thread has finished the first block of rows when the last row overflows */
    enum { ROWS = 200 };
    qntk_moments_weights layer = good_layer();
    double X[2 * ROWS] = {0}, mean[2 * ROWS], variance[2 * ROWS];
    X[0] = 1;
    X[2 * ROWS - 1] = 1e300;
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_fails(qntk_moments_propagate(&layer, 1, ROWS, X, mean, variance), QNTK_NOT_FINITE,
                    "row 199: layer 1 overflows");
    ck_assert_ok(qntk_threads_set(0));
    for (size_t k = 0; k < 2 * ROWS; k++)
        ck_assert(mean[k] == 0 && variance[k] == 0);
}
END_TEST

START_TEST(no_rows_are_no_work)
{
    qntk_moments_weights layer = good_layer();
    double x = 0, mean = 7;
    ck_assert_ok(qntk_moments_propagate(&layer, 1, 0, &x, &mean, NULL));
    ck_assert(mean == 7);
}
END_TEST

START_TEST(a_network_too_large_for_the_machine_is_refused_before_it_allocates)
{
    size_t n = (size_t)1 << 22;
    double *latent = calloc(n, sizeof *latent), *x = calloc(n, sizeof *x), mean = 7;
    ck_assert(latent != NULL && x != NULL);
    qntk_moments_weights layer = {.fan_in = n, .fan_out = 1, .latent = latent, .levels = 2, .w_std = 1};
    ck_assert_ok(qntk_threads_set(1000)); /* 1000 threads, 5 x 64 rows of 2^22 numbers each: 10 TiB */
    qntk_memory_fail_after(-1);
    ck_assert_fails(qntk_moments_propagate(&layer, 1, 1, x, &mean, NULL), QNTK_TOO_LARGE, "moments");
    ck_assert(mean == 0 && qntk_memory_fail_after(-1) == 0);
    ck_assert_ok(qntk_threads_set(0));
    free(latent);
    free(x);
}
END_TEST

START_TEST(each_allocation_may_fail)
{
    qntk_rng rng = qntk_rng_create(8, 0);
    random_network net = {0};
    add_layer(&net, &rng, 3, 10, 2, 1.4, 0);
    add_layer(&net, &rng, 10, 10, 3, 1.4, 0);
    add_layer(&net, &rng, 10, 2, 0, 1, 0);
    const double X[6] = {1, 2, 3, 4, 5, 6};
    double mean[4], variance[4];
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_moments_propagate(net.layer, net.count, 2, X, mean, variance));
    long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_eq(allocations, 6); /* tau twice, tau + theta^2 twice, the list and the buffers */
    for (long k = 0; k < allocations; k++) {
        qntk_memory_fail_after(k);
        mean[3] = variance[3] = 7;
        ck_assert_fails(qntk_moments_propagate(net.layer, net.count, 2, X, mean, variance), QNTK_NO_MEMORY,
                        "memory");
        ck_assert(mean[3] == 0 && variance[3] == 0);
    }
    qntk_memory_fail_after(-1);
    free_network(&net);
}
END_TEST

START_TEST(an_interruption_is_noticed)
{
    qntk_moments_weights layer = good_layer();
    const double x[2] = {1, 2};
    double mean[2];
    qntk_interrupt();
    qntk_status status = qntk_moments_propagate(&layer, 1, 1, x, mean, NULL);
    qntk_interrupt_clear();
    ck_assert_int_eq(status, QNTK_INTERRUPTED);
    ck_assert(mean[0] == 0 && mean[1] == 0);
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
    tcase_add_test(tcase, a_layer_is_exact_against_all_roundings);
    tcase_add_test(tcase, a_layer_agrees_with_its_plain_twin);
    tcase_add_test(tcase, a_network_agrees_with_its_plain_twin_and_with_its_layers);
    tcase_add_test(tcase, real_weights_give_the_plain_network_without_variance);
    tcase_add_test(tcase, weights_on_the_grid_have_no_noise);
    tcase_add_test(tcase, the_same_bytes_for_any_number_of_threads);
    tcase_add_test(tcase, impossible_layers_are_refused_by_name);
    tcase_add_test(tcase, impossible_inputs_are_refused_by_name);
    tcase_add_test(tcase, a_late_overflow_leaves_no_early_result);
    tcase_add_test(tcase, no_rows_are_no_work);
    tcase_add_test(tcase, a_network_too_large_for_the_machine_is_refused_before_it_allocates);
    tcase_add_test(tcase, each_allocation_may_fail);
    tcase_add_test(tcase, an_interruption_is_noticed);
}

int main(void)
{
    return test_main("moments", add_tests);
}
