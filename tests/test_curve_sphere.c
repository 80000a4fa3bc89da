#include "test.h"

#include <string.h>

static qntk_kernel parse(const char *spec)
{
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 0));
    return kernel;
}

/* Uniform points of the sphere of R^D, |x|^2 = D. */
static void draw_points(qntk_rng *rng, size_t n, size_t D, double *X)
{
    for (size_t i = 0; i < n; i++) {
        double square = 0;
        for (size_t j = 0; j < D; j++) {
            X[i * D + j] = qntk_rng_normal(rng);
            square += X[i * D + j] * X[i * D + j];
        }
        for (size_t j = 0; j < D; j++)
            X[i * D + j] *= sqrt((double)D / square);
    }
}

/* Zonal harmonics in the cosine with the first axis, mean square 1: degree 1 sqrt(D) t; degree 2
 * (D t^2 - 1) sqrt((D + 2)/(2 (D - 1))). */
static double target_at(size_t D, const double *x, double first, double second)
{
    const double d = (double)D, t = x[0] / sqrt(d);
    return first * sqrt(d) * t + second * (d * t * t - 1) * sqrt((d + 2) / (2 * (d - 1)));
}

/* One experiment with n random points; the errors on 400 more (noisy labels) and on the n. */
static void experiment(const qntk_kernel *kernel, size_t D, size_t n, double noise, double ridge,
                       uint64_t seed, double *test, double *train)
{
    enum { OTHERS = 400 };
    const size_t all = n + OTHERS;
    double *X = qntk_alloc(all * D, sizeof(double)), *K = qntk_alloc(n * n, sizeof(double));
    double *cross = qntk_alloc(OTHERS * n, sizeof(double)), *y = qntk_alloc(all, sizeof(double));
    double F[OTHERS];
    qntk_rng rng = qntk_rng_create(seed, 31);
    draw_points(&rng, all, D, X);
    for (size_t i = 0; i < all; i++)
        y[i] = target_at(D, X + i * D, 0.8, 0.6) + sqrt(noise) * qntk_rng_normal(&rng);
    qntk_gram *gram;
    ck_assert_ok(qntk_gram_symmetric(kernel, n, D, X, K));
    ck_assert_ok(qntk_gram_create(kernel, D, OTHERS, X + n * D, n, X, qntk_gram_defaults(), &gram));
    ck_assert_ok(qntk_gram_fill(gram, cross));
    qntk_gram_destroy(&gram);
    qntk_ridge_path path;
    ck_assert_ok(qntk_ridge_solve(n, K, 1, y, 1, &ridge, qntk_ridge_defaults(), &path));
    ck_assert_ok(qntk_ridge_predict(OTHERS, n, cross, 1, path.alpha, F));
    *train = path.fit[0].train;
    *test = 0;
    for (size_t i = 0; i < OTHERS; i++)
        *test += (y[n + i] - F[i]) * (y[n + i] - F[i]) / OTHERS;
    qntk_ridge_path_free(&path);
    qntk_free(X);
    qntk_free(K);
    qntk_free(cross);
    qntk_free(y);
}

START_TEST(random_points_on_the_sphere_show_the_predicted_errors)
{
    /* mean of 60 draws to 4 standard errors, and 1/n for the formula itself */
    enum { D = 6, DRAWS = 60, SIZES = 3 };
    const char *const spec[] = {"qntk:bits=1,depth=2,b_std=0.2", "ntk:b_std=0.2"};
    const size_t size[SIZES] = {40, 120, 300};
    const double power[3] = {0, 0.64, 0.36}, noise = 0.1, ridge = 0.4;
    const qntk_curve_target target = {3, power, noise};
    for (size_t k = 0; k < 2; k++) {
        const qntk_kernel kernel = parse(spec[k]);
        qntk_curve_point point[SIZES];
        ck_assert_ok(qntk_curve_sphere(&kernel, D, &target, SIZES, size, 1, &ridge, point, NULL));
        for (size_t s = 0; s < SIZES; s++) {
            double test[DRAWS], train[DRAWS], mean, sd;
            for (uint64_t i = 0; i < DRAWS; i++)
                experiment(&kernel, D, size[s], noise, ridge, i, &test[i], &train[i]);
            const qntk_risk *risk = &point[s].predicted;
            const double slack = 1 / (double)size[s];
            qntk_compare_mean(DRAWS, test, &mean, &sd);
            ck_assert_close(mean, risk->test, 1, 4 * sd / sqrt(DRAWS) + slack * risk->test);
            qntk_compare_mean(DRAWS, train, &mean, &sd);
            ck_assert_close(mean, risk->train, 1, 4 * sd / sqrt(DRAWS) + slack * risk->train);
        }
    }
}
END_TEST

START_TEST(the_modes_are_those_of_the_mercer_spectrum)
{
    /* twin: 4000 degrees listed by hand, their rest as the tail (0 where that is rounding) */
    enum { DEGREES = 4000, SIZES = 3 };
    const char *const spec[] = {"laplace:bandwidth=1", "ntk:depth=2,b_std=0.5", "gauss:bandwidth=1"};
    const size_t size[SIZES] = {5, 100, 2000};
    const double power[4] = {0.1, 0.5, 0.3, 0.1}, ridges[2] = {1e-3, 0};
    const qntk_curve_target target = {4, power, 0.05};
    double *all = qntk_alloc_zero(DEGREES + 1, sizeof(double));
    memcpy(all, power, sizeof power);
    for (size_t k = 0; k < 3; k++) {
        const qntk_kernel kernel = parse(spec[k]);
        qntk_mercer_options options = qntk_mercer_defaults();
        options.degrees = DEGREES;
        options.departure = false;
        qntk_mercer mercer = {0};
        ck_assert_ok(qntk_mercer_compute(&kernel, 3, options, &mercer));
        double tail = mercer.kernel_at_one;
        for (size_t i = 0; i <= DEGREES; i++)
            tail -= mercer.multiplicity[i] * mercer.eval[i];
        tail = tail > 1e-12 ? tail : 0;
        const qntk_risk_model model = {DEGREES + 1, mercer.eval, mercer.multiplicity, all, 0.05, tail};
        for (size_t r = 0; r < 2; r++) {
            qntk_curve_point point[SIZES];
            size_t degree;
            ck_assert_ok(qntk_curve_sphere(&kernel, 3, &target, SIZES, size, 1, &ridges[r], point, &degree));
            ck_assert_uint_ge(degree, 3);
            for (size_t s = 0; s < SIZES; s++) {
                qntk_risk risk;
                ck_assert_ok(qntk_risk_predict(&model, size[s], ridges[r], NULL, &risk));
                ck_assert_uint_eq(point[s].n, size[s]);
                ck_assert_relative(point[s].predicted.kappa, risk.kappa, 1e-3);
                ck_assert_relative(point[s].predicted.test, risk.test, 1e-3);
                ck_assert_relative(point[s].predicted.clean, risk.clean, 1e-3);
                ck_assert_double_nan(point[s].test.mean);
                ck_assert_double_nan(point[s].kare.se);
            }
        }
        qntk_mercer_free(&mercer);
    }
    qntk_free(all);
}
END_TEST

START_TEST(few_rows_predict_the_prior_and_many_the_noise)
{
    const double power[3] = {0, 0.5, 0.5}, noise = 0.2;
    const qntk_curve_target target = {3, power, noise};
    const qntk_kernel kernel = parse("qntk:b_std=0.3");
    const size_t size[3] = {1, 1000, 1000000};
    const double ridges[5] = {100, 1, 1e-2, 1e2, 1e-4}, huge = 1e9;
    qntk_curve_point point[3], one;
    ck_assert_ok(qntk_curve_sphere(&kernel, 10, &target, 1, size, 1, &huge, point, NULL));
    ck_assert_relative(point[0].predicted.test, 1.2, 1e-6);
    ck_assert_ok(qntk_curve_sphere(&kernel, 10, &target, 3, size, 5, ridges, point, NULL));
    ck_assert_relative(point[2].predicted.test, noise, 0.01);
    /* each size has the best of its ridges */
    for (size_t s = 0; s < 3; s++)
        for (size_t r = 0; r < 5; r++) {
            ck_assert_ok(qntk_curve_sphere(&kernel, 10, &target, 1, &size[s], 1, &ridges[r], &one, NULL));
            ck_assert_double_ge(one.predicted.test, point[s].predicted.test * (1 - 1e-6));
            if (ridges[r] == point[s].ridge)
                ck_assert_relative(one.predicted.test, point[s].predicted.test, 1e-6);
        }
    /* one hidden layer without bias has no odd degrees from 3 on: their power is never learned */
    const double odd[4] = {0, 0, 0, 1};
    const qntk_kernel plain = parse("qntk");
    const double ridge = 1e-3;
    ck_assert_ok(
        qntk_curve_sphere(&plain, 5, &(qntk_curve_target){4, odd, 0}, 1, &size[2], 1, &ridge, &one, NULL));
    ck_assert_relative(one.predicted.test, 1, 1e-2);
}
END_TEST

START_TEST(high_dimensions_have_more_harmonics_than_doubles)
{
    const double power[2] = {0, 1}, ridge = 1e-3;
    double far[400] = {[399] = 1};
    const qntk_kernel kernel = parse("qntk");
    const size_t n = 100000;
    qntk_curve_point point;
    ck_assert_ok(
        qntk_curve_sphere(&kernel, 10000, &(qntk_curve_target){2, power, 0}, 1, &n, 1, &ridge, &point, NULL));
    ck_assert_double_gt(point.predicted.test, 0);
    ck_assert_double_lt(point.predicted.test, 0.05); /* ten times as many rows as degree 1 has modes */
    ck_assert_fails(
        qntk_curve_sphere(&kernel, 10000, &(qntk_curve_target){400, far, 0}, 1, &n, 1, &ridge, &point, NULL),
        QNTK_INVALID, "found 399");
}
END_TEST

START_TEST(bad_input_is_named)
{
    const double power[2] = {0, 1}, minus[2] = {0, -1}, ridge = 0.1, zero = 0, below = -1;
    const qntk_curve_target target = {2, power, 0}, none = {0, power, 0}, negative = {2, minus, 0},
                            noisy = {2, power, -1};
    const qntk_kernel kernel = parse("qntk"), laplace = parse("laplace");
    const size_t n = 10, naught = 0, many = 1000000000;
    qntk_curve_point at;
#define SPHERE(kernel, D, target, size, ridge)                                                               \
    qntk_curve_sphere(kernel, D, target, 1, size, 1, ridge, &at, NULL)
    ck_assert_fails(SPHERE(&kernel, 1, &target, &n, &ridge), QNTK_INVALID, "");
    ck_assert_fails(SPHERE(&kernel, 5, &none, &n, &ridge), QNTK_INVALID, "degree");
    ck_assert_fails(SPHERE(&kernel, 5, &negative, &n, &ridge), QNTK_INVALID, "power 1");
    ck_assert_fails(SPHERE(&kernel, 5, &noisy, &n, &ridge), QNTK_INVALID, "noise");
    ck_assert_fails(SPHERE(&kernel, 5, &target, &naught, &ridge), QNTK_INVALID, "n must");
    ck_assert_fails(SPHERE(&kernel, 5, &target, &n, &below), QNTK_INVALID, "ridge");
    ck_assert_fails(qntk_curve_sphere(&kernel, 5, &target, 0, &n, 1, &ridge, &at, NULL), QNTK_INVALID,
                    "size");
    ck_assert_fails(qntk_curve_sphere(&kernel, 5, &target, 1, &n, 0, &ridge, &at, NULL), QNTK_INVALID,
                    "ridge");
    qntk_kernel file = kernel;
    file.family = QNTK_FAMILY_FILE;
    ck_assert_fails(SPHERE(&file, 5, &target, &n, &ridge), QNTK_INVALID, "");
    /* a power law at more points than 8192 degrees can tell apart: delivered, and said */
    ck_assert_fails(SPHERE(&laplace, 3, &target, &many, &zero), QNTK_NOT_CONVERGED, "act as a ridge");
    ck_assert_double_gt(at.predicted.test, 0);
#undef SPHERE
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const double power[2] = {0, 1}, ridge = 0.1;
    const qntk_curve_target target = {2, power, 0};
    const qntk_kernel kernel = parse("gauss");
    const size_t n = 10;
    qntk_curve_point at;
    ck_assert_ok(qntk_threads_set(1));
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_curve_sphere(&kernel, 4, &target, 1, &n, 1, &ridge, &at, NULL));
    const long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_gt(allocations, 3);
    for (long i = 0; i < allocations; i++) {
        qntk_memory_fail_after(i);
        ck_assert_int_eq(qntk_curve_sphere(&kernel, 4, &target, 1, &n, 1, &ridge, &at, NULL), QNTK_NO_MEMORY);
        ck_assert_double_eq(at.predicted.test, 0);
    }
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, random_points_on_the_sphere_show_the_predicted_errors);
    tcase_add_test(tcase, the_modes_are_those_of_the_mercer_spectrum);
    tcase_add_test(tcase, few_rows_predict_the_prior_and_many_the_noise);
    tcase_add_test(tcase, high_dimensions_have_more_harmonics_than_doubles);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("curve_sphere", add_tests);
}
