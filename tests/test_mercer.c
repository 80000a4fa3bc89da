#include "mercer_check.h"

#include <float.h>
#include <lapacke.h>
#include <string.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_bessel.h>
#include <gsl/gsl_sf_gamma.h>

#include "reference.h"

/* ---- naive twins ---- */

/* exp(-z(1-t)): e^-z Gamma(d/2) (z/2)^k / Gamma(k+d/2) sum_j (z^2/4)^j / (j! (k+d/2)_j). */
static long double naive_gauss(size_t D, long double z, size_t k)
{
    long double half = (long double)D / 2, term = 1, sum = 0;
    for (size_t i = 0; i < k; i++)
        term *= z / 2 / (half + (long double)i);
    for (size_t j = 0; term > sum * 1e-22L; j++) {
        sum += term;
        term *= z * z / 4 / ((long double)(j + 1) * (half + (long double)(k + j)));
    }
    return expl(-z) * sum;
}

/* (1 + (1-t)/(alpha l^2))^-alpha by the hypergeometric series in e^{-2 theta*}, of positive terms if alpha >=
 * d/2-1. */
static long double naive_rgauss(size_t D, long double alpha, long double l, size_t k)
{
    long double gap = alpha * l * l, t = 1 + gap, root = sqrtl(gap * (2 + gap)), zeta = 1 / (t + root);
    long double half = (long double)D / 2, value = powl(gap, alpha) * powl(2 * zeta, alpha);
    for (size_t i = 0; i < k; i++) /* (alpha)_k/(d/2)_k zeta^k */
        value *= (alpha + (long double)i) / (half + (long double)i) * zeta;
    long double a = (long double)k + alpha, b = alpha + 1 - half, c = (long double)k + half, term = 1,
                sum = 0;
    for (long double n = 0; term > sum * 1e-22L; n += 1) {
        sum += term;
        term *= (a + n) * (b + n) / ((c + n) * (1 + n)) * zeta * zeta;
    }
    return value * sum;
}

/* K at the angle a, from two points of the circle: the cosine alone has lost small angles. */
static double kernel_at_angle(const qntk_kernel *kernel, double a)
{
    double radius = kernel->family == QNTK_FAMILY_NETWORK ? M_SQRT2 : 1;
    double x[] = {radius, 0}, z[] = {radius * cos(a), radius * sin(a)};
    return qntk_kernel_pair(kernel, 2, x, z);
}

/* The defining integral in the angle, a = pi u^6/(u^6 + (1-u)^6): powers of r at a = 0 become smooth, and
 * both ends, where a kernel of many bits all but has a kink, are resolved. */
static void naive_quadrature(const qntk_kernel *kernel, size_t D, size_t count, double *eval)
{
    enum { NODES = 512, POWER = 6 }; /* GSL has the nodes of this order to all digits */
    gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(NODES);
    double constant = exp(gsl_sf_lngamma((double)D / 2) - gsl_sf_lngamma((double)(D - 1) / 2)) / sqrt(M_PI);
    memset(eval, 0, count * sizeof *eval);
    for (size_t i = 0; i < NODES; i++) {
        double u, w;
        gsl_integration_glfixed_point(0, 1, i, &u, &w, table);
        double low = pow(u, POWER), high = pow(1 - u, POWER), slope = POWER * pow(u * (1 - u), POWER - 1);
        double a = M_PI * low / (low + high), t = cos(a), P = 1, P_next = t, d = (double)D;
        w *= M_PI * slope / ((low + high) * (low + high));
        w *= constant * pow(sin(a), d - 2) * kernel_at_angle(kernel, a);
        for (size_t k = 0; k < count; k++) {
            eval[k] += w * P;
            double K = (double)k + 1, following = ((2 * K + d - 2) * t * P_next - K * P) / (K + d - 2);
            P = P_next;
            P_next = following;
        }
    }
    gsl_integration_glfixed_table_free(table);
}

/* ---- against the reference file ---- */

/* How much a relative change of 2^-53 in the parameters (0.7 is not a double) moves an eigenvalue: like z^k
 * at most. */
static double conditioning(size_t k)
{
    return 2 * (double)(k + 1) * DBL_EPSILON;
}

/* ---- the library's promises ---- */

static const char *promise_specs[] = {
    "qntk:bits=8,depth=3,b_std=0.2", "ntk", "gauss", "laplace", "gexp:power=1.5", "rgauss"};

START_TEST(every_value_of_the_reference_file_is_right_to_rounding_and_within_its_error)
{
    cJSON *json = reference_read();
    if (json == NULL)
        return;
    const cJSON *row;
    size_t values = 0, wrong = 0, dishonest = 0, replaced = 0;
    double worst = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "mercer"))
    {
        qntk_kernel kernel = reference_kernel(row);
        size_t D = (size_t)reference_number(cJSON_GetObjectItem(row, "d"));
        const cJSON *list = cJSON_GetObjectItem(row, "eigenvalue");
        qntk_mercer_options options = qntk_mercer_defaults();
        options.degrees = (size_t)cJSON_GetArraySize(list) - 1;
        options.departure = false;
        qntk_mercer m;
        ck_assert_ok(qntk_mercer_compute(&kernel, D, options, &m));
        for (size_t k = 0; k < m.count; k++) {
            double expected = reference_number(cJSON_GetArrayItem(list, (int)k));
            if (kernel.family == QNTK_FAMILY_GAUSS && expected < 1e-66) {
                /* the file's quadrature has an absolute error of about 1e-82 there: the series has none */
                expected = (double)naive_gauss(D, 1 / ((long double)kernel.bandwidth * kernel.bandwidth), k);
                replaced++;
            }
            double error = fabs(m.eval[k] - expected);
            double rounding = kernel.family == QNTK_FAMILY_NETWORK ? 0 : conditioning(k);
            wrong += !(error <= (1e-15 + rounding) * expected);
            dishonest += !(error <= (m.error[k] + DBL_EPSILON / 2 + rounding) * expected);
            if (expected > 0)
                worst = fmax(worst, error / expected - rounding);
            values++;
        }
        qntk_mercer_free(&m);
    }
    ck_assert_msg(wrong == 0, "%zu of %zu values are wrong, the worst by %.2e", wrong, values, worst);
    ck_assert_msg(dishonest == 0, "%zu of %zu errors are larger than estimated", dishonest, values);
    ck_assert_uint_ge(values, 5000);
    ck_assert_uint_le(replaced, 60);
    cJSON_Delete(json);
}
END_TEST

/* ---- against quadrature and closed forms ---- */

START_TEST(every_family_agrees_with_quadrature_of_the_defining_integral)
{
    const char *specs[] = {"qntk",
                           "qntk:bits=3,depth=2,b_std=0.3",
                           "qntk:bits=16,depth=3,quantize=all",
                           "ntk:depth=2",
                           "nngp:depth=3,b_std=0.1",
                           "ntk:depth=12",
                           "gauss",
                           "laplace:bandwidth=0.4",
                           "rgauss:alpha=0.3,bandwidth=0.5",
                           "rgauss:alpha=9",
                           "gexp:power=0.5,bandwidth=2",
                           "gexp:power=1.7",
                           "gexp:power=1.98",
                           "gexp:power=1.0000001",
                           "matern",
                           "matern:nu=0.2",
                           "matern:nu=7.25,bandwidth=0.6"};
    const size_t dimensions[] = {2, 3, 4, 10, 41};
    enum { COUNT = 41 };
    double worst = 0;
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
        for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++) {
            qntk_kernel kernel;
            ck_assert_ok(qntk_kernel_parse(specs[s], &kernel));
            ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 0));
            qntk_mercer m = mercer_compute(specs[s], dimensions[i], COUNT - 1);
            double expected[COUNT];
            naive_quadrature(&kernel, dimensions[i], COUNT, expected);
            for (size_t k = 0; k < COUNT; k++) {
                double error = fabs(m.eval[k] - expected[k]) / m.kernel_at_one;
                ck_assert_msg(error < 4e-15, "%s, D = %zu, degree %zu: %.17g, by quadrature %.17g", specs[s],
                              dimensions[i], k, m.eval[k], expected[k]);
                worst = fmax(worst, error);
            }
            qntk_mercer_free(&m);
        }
    ck_assert(worst > 0);
}
END_TEST

START_TEST(the_gaussian_agrees_with_its_series_for_every_bandwidth)
{
    const size_t dimensions[] = {2, 3, 7, 10, 300, 1000};
    const double bandwidths[] = {0.08, 0.3, 1, 2.5, 40, 1e5};
    double worst = 0;
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            char spec[64];
            snprintf(spec, sizeof spec, "gauss:bandwidth=%g", bandwidths[j]);
            qntk_mercer m = mercer_compute(spec, dimensions[i], 200);
            for (size_t k = 0; k <= 200; k++) {
                long double l = bandwidths[j], expected = naive_gauss(dimensions[i], 1 / (l * l), k);
                if (expected >= DBL_MIN)
                    worst = fmax(worst, fabs((double)(m.eval[k] / expected - 1)));
                else
                    ck_assert_msg(m.eval[k] == 0 && m.error[k] == 1, "degree %zu: %g", k, m.eval[k]);
            }
            qntk_mercer_free(&m);
        }
    ck_assert_msg(worst < DBL_EPSILON, "worst relative error %.2e", worst);
}
END_TEST

START_TEST(a_very_narrow_gaussian_follows_the_heat_kernel)
{
    /* e^{-z(1-t)}, z -> inf: g_k/g_0 = I_{nu+k}(z)/I_nu(z) = 1 - (k(k+D-2))/(2z) + O(k^4/z^2) */
    const double bandwidths[] = {1e-3, 1e-5, 1e-9, 1e-60};
    for (size_t i = 0; i < 4; i++) {
        char spec[64];
        snprintf(spec, sizeof spec, "gauss:bandwidth=%g", bandwidths[i]);
        qntk_mercer m = mercer_compute(spec, 3, 20);
        double z = 1 / (bandwidths[i] * bandwidths[i]);
        ck_assert_relative(m.eval[0], 1 / (2 * z), 1e-15); /* D = 3: (1 - e^{-2z})/(2z) */
        for (size_t k = 1; k <= 20; k++) {
            double heat = (double)(k * (k + 1)) / (2 * z);
            ck_assert_close(m.eval[k] / m.eval[0], 1 - heat, heat * heat + 1e-15, 1);
        }
        qntk_mercer_free(&m);
    }
}
END_TEST

START_TEST(the_randomized_gaussian_agrees_with_its_hypergeometric_series)
{
    const double alphas[] = {0.5, 1, 2, 5.5, 40}, bandwidths[] = {0.05, 0.7, 3};
    double worst = 0;
    for (size_t D = 2; D <= 9; D++)
        for (size_t i = 0; i < 5; i++)
            for (size_t j = 0; j < 3; j++) {
                if (alphas[i] < (double)D / 2 - 1)
                    continue; /* the twin's terms alternate there */
                char spec[64];
                snprintf(spec, sizeof spec, "rgauss:alpha=%g,bandwidth=%g", alphas[i], bandwidths[j]);
                qntk_mercer m = mercer_compute(spec, D, 200);
                for (size_t k = 0; k <= 200; k++)
                    if (m.eval[k] > 0)
                        worst = fmax(
                            worst,
                            fabs((double)(m.eval[k] / naive_rgauss(D, alphas[i], bandwidths[j], k) - 1)));
                qntk_mercer_free(&m);
            }
    ck_assert_msg(worst < 2 * DBL_EPSILON, "worst relative error %.2e", worst);
}
END_TEST

START_TEST(the_circle_has_the_poisson_kernel_and_the_exponential_in_closed_form)
{
    /* rgauss with alpha = 1: gap/(gap + 1 - t), on the circle zeta^k gap/sqrt(gap(gap+2)) */
    qntk_mercer m = mercer_compute("rgauss:alpha=1,bandwidth=0.5", 2, 200);
    long double gap = 0.25L, root = sqrtl(gap * (gap + 2)), expected = gap / root;
    for (size_t k = 0; k <= 200; k++, expected *= 1 + gap - root)
        ck_assert_relative(m.eval[k], (double)expected, DBL_EPSILON);
    qntk_mercer_free(&m);

    /* laplace on the circle: exp(-2 sin(a/2)/l), lambda_k = (1/pi) Int_0^pi e^{-c sin(b)} cos(2kb) db with 2b
     * = a: the tail is c/pi sum of 1/(4k^2) (1 + O(1/k^2)) */
    m = mercer_compute("laplace:bandwidth=2", 2, 2000);
    for (size_t k = 500; k <= 2000; k += 250) {
        double square = 4.0 * (double)k * (double)k;
        ck_assert_relative(m.eval[k], 2 / (M_PI * square), 3 / square);
    }
    qntk_mercer_free(&m);
}
END_TEST

START_TEST(real_weights_on_the_circle_have_their_closed_form)
{
    /* nngp, one layer: [sin a + (pi - a) cos a]/pi, even degrees: 4/(pi^2 (k^2-1)^2) */
    qntk_mercer m = mercer_compute("nngp", 2, 3000);
    double worst = 0;
    for (size_t k = 2; k <= 3000; k += 2) {
        long double q = (long double)k * (long double)k - 1, pi = 3.14159265358979323846264338327950288L;
        worst = fmax(worst, fabs((double)(m.eval[k] * pi * pi * q * q / 4 - 1)));
    }
    ck_assert_msg(worst < 2 * DBL_EPSILON, "worst relative error %.2e", worst);
    qntk_mercer_free(&m);
}
END_TEST

/* ---- invariants ---- */

START_TEST(the_eigenvalues_add_up_to_the_diagonal)
{
    const char *specs[] = {"qntk",
                           "qntk:bits=2,depth=3,b_std=0.5",
                           "qntk:bits=4,depth=64",
                           "gauss",
                           "rgauss:alpha=3",
                           "gauss:bandwidth=0.1"};
    const size_t dimensions[] = {2, 3, 10, 40};
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
        for (size_t i = 0; i < 4; i++) {
            qntk_mercer m = mercer_compute(specs[s], dimensions[i], 1200);
            double sum = 0;
            for (size_t k = m.count; k-- > 0;)
                sum += m.eval[k] * m.multiplicity[k];
            ck_assert_msg(fabs(sum / m.kernel_at_one - 1) < 1e-14, "%s, D = %zu: sum %.17g, diagonal %.17g",
                          specs[s], dimensions[i], sum, m.kernel_at_one);
            qntk_mercer_free(&m);
        }
}
END_TEST

START_TEST(one_layer_without_bias_has_no_odd_degrees_above_one)
{
    const char *specs[] = {"qntk", "qntk:bits=8", "ntk", "nngp", "qntk:bits=3,quantize=all"};
    const size_t dimensions[] = {2, 3, 10, 1000};
    size_t wrong = 0;
    for (size_t s = 0; s < 5; s++)
        for (size_t i = 0; i < 4; i++) {
            qntk_mercer m = mercer_compute(specs[s], dimensions[i], 61);
            wrong += !(m.eval[1] > 0);
            for (size_t k = 2; k < m.count; k++)
                wrong += k % 2 == 1 ? !(m.eval[k] == 0 && m.error[k] == 0) : !(m.eval[k] > 0);
            qntk_mercer_free(&m);
        }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(multiplicities_are_the_dimensions_of_the_harmonics)
{
    ck_assert(qntk_mercer_multiplicity(2, 0) == 1 && qntk_mercer_multiplicity(2, 1) == 2 &&
              qntk_mercer_multiplicity(2, 99999) == 2);
    ck_assert(qntk_mercer_multiplicity(3, 7) == 15 && qntk_mercer_multiplicity(4, 5) == 36 &&
              qntk_mercer_multiplicity(10, 2) == 54 && qntk_mercer_multiplicity(1000, 1) == 1000 &&
              qntk_mercer_multiplicity(1000, 2) == 500499);
    ck_assert(isnan(qntk_mercer_multiplicity(1, 3)) && isnan(qntk_mercer_multiplicity(0, 0)));
    ck_assert(isinf(qntk_mercer_multiplicity(1000, 2000)) && isinf(qntk_mercer_multiplicity(10000, 10000)));
    /* sum_{j<=k} N(D,j) = C(k+D-1,D-1) + C(k+D-2,D-1) */
    for (size_t D = 3; D <= 1000; D = D * 2 + 1) {
        double sum = 0, first = 1, second = 0; /* the two binomials */
        for (size_t k = 0; k <= 200; k++) {
            if (k > 0) {
                second = first;
                first *= (double)(k + D - 1) / (double)k;
            }
            sum += qntk_mercer_multiplicity(D, k);
            ck_assert_relative(sum, first + second, 1e-13);
        }
    }
}
END_TEST

/* ---- random points ---- */

START_TEST(gram_matrices_of_random_points_have_these_eigenvalues)
{
    /* K/n of n uniform points: the N_k eigenvalues around lambda_k have a mean that deviates by about
     * lambda_k sqrt(2/(n N_k)) from sampling, plus a bias of order trace/n from the tail */
    enum { N = 800, D = 3 };
    const char *specs[] = {"qntk", "ntk:depth=2,b_std=0.4", "gauss", "laplace"};
    double *x = qntk_alloc(N * D, sizeof *x), *K = qntk_alloc(N * N, sizeof *K),
           *w = qntk_alloc(N, sizeof *w);
    for (size_t s = 0; s < 4; s++) {
        qntk_kernel kernel;
        ck_assert_ok(qntk_kernel_parse(specs[s], &kernel));
        ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 0));
        qntk_rng rng = qntk_rng_create(11 + s, 0);
        for (size_t i = 0; i < N; i++) {
            double norm = 0;
            for (size_t j = 0; j < D; j++) {
                x[i * D + j] = qntk_rng_normal(&rng);
                norm += x[i * D + j] * x[i * D + j];
            }
            double radius = sqrt((kernel.family == QNTK_FAMILY_NETWORK ? D : 1) / norm);
            for (size_t j = 0; j < D; j++)
                x[i * D + j] *= radius;
        }
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++)
                K[i * N + j] = qntk_kernel_pair(&kernel, D, x + i * D, x + j * D) / N;
        ck_assert_int_eq(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', N, K, N, w), 0);
        qntk_mercer m = mercer_compute(specs[s], D, 60);
        size_t used = 0;
        for (size_t k = 0; k <= 2; k++) { /* the degrees whose plateaus are well apart, in descending order */
            size_t N_k = (size_t)m.multiplicity[k];
            double mean = 0;
            for (size_t i = 0; i < N_k; i++)
                mean += w[N - 1 - used - i] / (double)N_k;
            used += N_k;
            double sampling = m.eval[k] * sqrt(2.0 / (double)(N * N_k)), tail = m.kernel_at_one / N;
            ck_assert_msg(fabs(mean - m.eval[k]) < 4 * sampling + tail,
                          "%s degree %zu: plateau %g, eigenvalue %g", specs[s], k, mean, m.eval[k]);
        }
        qntk_mercer_free(&m);
    }
    qntk_free(x);
    qntk_free(K);
    qntk_free(w);
}
END_TEST

START_TEST(the_bytes_do_not_depend_on_the_number_of_threads)
{
    for (size_t s = 0; s < sizeof promise_specs / sizeof *promise_specs; s++) {
        double first[101], first_error[101];
        for (size_t threads = 1; threads <= 3; threads++) {
            ck_assert_ok(qntk_threads_set(threads));
            qntk_mercer m = mercer_compute(promise_specs[s], 7, 100);
            if (threads == 1) {
                memcpy(first, m.eval, sizeof first);
                memcpy(first_error, m.error, sizeof first_error);
            }
            ck_assert_msg(memcmp(first, m.eval, sizeof first) == 0 &&
                              memcmp(first_error, m.error, sizeof first_error) == 0,
                          "%s differs with %zu threads", promise_specs[s], threads);
            qntk_mercer_free(&m);
        }
    }
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

START_TEST(every_allocation_may_fail_without_a_leak)
{
    for (size_t s = 0; s < sizeof promise_specs / sizeof *promise_specs; s++) {
        qntk_kernel kernel;
        ck_assert_ok(qntk_kernel_parse(promise_specs[s], &kernel));
        ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 0));
        qntk_mercer_options options = qntk_mercer_defaults();
        options.degrees = 5;
        qntk_status status = QNTK_NO_MEMORY;
        size_t failures = 0;
        for (long successes = 0; status != QNTK_OK; successes++) {
            qntk_mercer m;
            qntk_memory_fail_after(successes);
            status = qntk_mercer_compute(&kernel, 4, options, &m);
            qntk_memory_fail_after(-1);
            if (status != QNTK_OK) {
                ck_assert_int_eq(status, QNTK_NO_MEMORY);
                ck_assert(m.eval == NULL && m.count == 0);
                failures++;
            }
            qntk_mercer_free(&m);
        }
        ck_assert_uint_ge(failures, 4);
    }
}
END_TEST

START_TEST(bad_arguments_are_refused_with_a_message)
{
    qntk_kernel kernel;
    qntk_mercer m;
    qntk_mercer_options options = qntk_mercer_defaults();
    ck_assert(options.degrees == 60 && options.accuracy == 1e-10 && options.departure);
    ck_assert_ok(qntk_kernel_parse("gauss", &kernel));
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_INVALID, "bandwidth");
    ck_assert_ptr_null(m.eval);
    kernel.bandwidth = NAN;
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_INVALID, "bandwidth");
    kernel.bandwidth = 1;
    ck_assert_fails(qntk_mercer_compute(&kernel, 1, options, &m), QNTK_INVALID, "dimension between 2");
    ck_assert_fails(qntk_mercer_compute(&kernel, 10001, options, &m), QNTK_INVALID, "dimension between 2");
    options.degrees = 100001;
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_INVALID, "degrees");
    options.degrees = 10;
    options.accuracy = NAN;
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_INVALID, "accuracy");
    options.accuracy = 1e-10;
    ck_assert_ok(qntk_kernel_parse("K.npy", &kernel));
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_INVALID, "matrix");
    ck_assert_ok(qntk_kernel_parse("gexp:power=1.999999", &kernel));
    kernel.bandwidth = 1;
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_INVALID, "power");
    ck_assert_ok(qntk_kernel_parse("ntk", &kernel));
    kernel.network.b_std = NAN;
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_INVALID, "b_std of 0, or between");
    qntk_mercer zero = {0};
    qntk_mercer_free(&zero);
}
END_TEST

START_TEST(an_accuracy_out_of_reach_delivers_and_says_so)
{
    qntk_kernel kernel;
    qntk_mercer m;
    qntk_mercer_options options = qntk_mercer_defaults();
    options.accuracy = 1e-17;
    ck_assert_ok(qntk_kernel_parse("ntk", &kernel));
    ck_assert_fails(qntk_mercer_compute(&kernel, 3, options, &m), QNTK_NOT_CONVERGED, "wanted 1.0e-17");
    ck_assert_relative(m.eval[1], 1 / 3.0, 1e-15);
    qntk_mercer_free(&m);
}
END_TEST

START_TEST(an_interrupt_stops_it)
{
    for (size_t s = 0; s < sizeof promise_specs / sizeof *promise_specs; s++) {
        qntk_kernel kernel;
        qntk_mercer m;
        ck_assert_ok(qntk_kernel_parse(promise_specs[s], &kernel));
        ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 0));
        if (kernel.family == QNTK_FAMILY_GAUSS)
            continue; /* done before one can press a key */
        qntk_interrupt();
        qntk_status status = qntk_mercer_compute(&kernel, 3, qntk_mercer_defaults(), &m);
        qntk_interrupt_clear();
        ck_assert_int_eq(status, QNTK_INTERRUPTED);
        ck_assert_ptr_null(m.eval);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_value_of_the_reference_file_is_right_to_rounding_and_within_its_error);
    tcase_add_test(tcase, every_family_agrees_with_quadrature_of_the_defining_integral);
    tcase_add_test(tcase, the_gaussian_agrees_with_its_series_for_every_bandwidth);
    tcase_add_test(tcase, a_very_narrow_gaussian_follows_the_heat_kernel);
    tcase_add_test(tcase, the_randomized_gaussian_agrees_with_its_hypergeometric_series);
    tcase_add_test(tcase, the_circle_has_the_poisson_kernel_and_the_exponential_in_closed_form);
    tcase_add_test(tcase, real_weights_on_the_circle_have_their_closed_form);
    tcase_add_test(tcase, the_eigenvalues_add_up_to_the_diagonal);
    tcase_add_test(tcase, one_layer_without_bias_has_no_odd_degrees_above_one);
    tcase_add_test(tcase, multiplicities_are_the_dimensions_of_the_harmonics);
    tcase_add_test(tcase, gram_matrices_of_random_points_have_these_eigenvalues);
    tcase_add_test(tcase, the_bytes_do_not_depend_on_the_number_of_threads);
    tcase_add_test(tcase, every_allocation_may_fail_without_a_leak);
    tcase_add_test(tcase, bad_arguments_are_refused_with_a_message);
    tcase_add_test(tcase, an_accuracy_out_of_reach_delivers_and_says_so);
    tcase_add_test(tcase, an_interrupt_stops_it);
}

int main(void)
{
    return test_main("mercer", add_tests);
}
