#include "test.h"

#include <float.h>
#include <string.h>

enum { MODES = 1000 };

static void check_kappa(size_t count, const double *eval, const double *multiplicity, size_t n, double ridge,
                        double expected)
{
    double kappa;
    ck_assert_ok(qntk_risk_kappa(count, eval, multiplicity, n, ridge, &kappa));
    ck_assert_relative(kappa, expected, 1e-14);
}

START_TEST(kappa_of_a_white_spectrum_solves_its_quadratic)
{
    /* N l/(l + k) + r/k = n  <=>  n k^2 + (n l - N l - r) k - r l = 0 */
    const size_t ns[] = {1, 10, 99, 100, 101, 1000};
    const double ridges[] = {1e-12, 1e-3, 1, 1e6}, N = 100, l = 0.3;
    for (size_t a = 0; a < 6; a++)
        for (size_t b = 0; b < 4; b++) {
            const long double n = (long double)ns[a], r = ridges[b], p = (n - N) * l - r;
            const long double root = sqrtl(p * p + 4 * n * r * l);
            const long double kappa = p > 0 ? 2 * r * l / (p + root) : (root - p) / (2 * n);
            check_kappa(1, &l, &N, ns[a], ridges[b], (double)kappa);
        }
    check_kappa(1, &l, &N, 40, 0, 0.3 * 60 / 40);
    check_kappa(1, &l, &N, 100, 0, 0); /* as many rows as modes: interpolated exactly */
    check_kappa(1, &l, &N, 101, 0, 0);
    check_kappa(0, NULL, NULL, 5, 2, 2.0 / 5);
}
END_TEST

/* The expected values were computed with mpmath to 50 digits. */
START_TEST(kappa_has_all_its_digits_at_gaps_and_in_long_tails)
{
    double power[MODES], geometric[900];
    for (int i = 0; i < MODES; i++)
        power[i] = pow(i + 1.0, -2);
    for (int i = 0; i < 900; i++)
        geometric[i] = ldexp(1, -i);
    /* two levels: kappa is between them, or where integers cancel to the last digit */
    check_kappa(2, (double[]){1, 1e-20}, (double[]){5, 1e6}, 5, 0, 4.4721360549990805108e-8);
    check_kappa(2, (double[]){0x1p-30, 1}, (double[]){1e6, 1}, 1000000, 0, 9.3132350593898358725e-16);
    check_kappa(MODES, power, NULL, 37, 0.001, 0.0017546331088203106187);
    check_kappa(MODES, power, NULL, 999, 0, 3.0009023166676753122e-9);
    check_kappa(900, geometric, NULL, 100, 0, 1.1156177909894716005e-30);
    check_kappa(900, geometric, NULL, 700, 0, 2.6885494763677249681e-211);
}
END_TEST

START_TEST(multiplicities_are_repeated_modes_and_order_does_not_matter)
{
    const double eval[3] = {0.5, 2, 0.01}, multiplicity[3] = {4, 1, 20}, power[3] = {0.3, 1, 0.2};
    double flat[25], flat_power[25], L[3], flat_L[25];
    size_t count = 0;
    for (int i = 2; i >= 0; i--)
        for (int k = 0; k < (int)multiplicity[i]; k++) {
            flat_power[count] = power[i] / multiplicity[i];
            flat[count++] = eval[i];
        }
    for (size_t n = 1; n < 40; n += 3) {
        qntk_risk a, b;
        ck_assert_ok(
            qntk_risk_predict(&(qntk_risk_model){3, eval, multiplicity, power, 0.1, 0.02}, n, 0.05, L, &a));
        ck_assert_ok(qntk_risk_predict(&(qntk_risk_model){25, flat, NULL, flat_power, 0.1, 0.02}, n, 0.05,
                                       flat_L, &b));
        ck_assert_relative(a.kappa, b.kappa, 1e-14);
        ck_assert_relative(a.learned, b.learned, 1e-14);
        ck_assert_relative(a.e0, b.e0, 1e-13);
        ck_assert_relative(a.test, b.test, 1e-13);
        ck_assert_relative(a.clean, b.clean, 1e-13);
        ck_assert_relative(a.train, b.train, 1e-13);
        ck_assert_relative(flat_L[0], L[2], 1e-14);
        ck_assert_relative(L[1], 2 / (2 + a.kappa), 1e-15);
        /* n is used up, by modes, the ridge and the tail */
        ck_assert_relative(a.learned + 0.07 / a.kappa, (double)n, 1e-14);
    }
}
END_TEST

START_TEST(a_white_spectrum_without_ridge_learns_its_share)
{
    /* L = n/N: E0 = 1/(1 - n/N); without ridge the training rows are met */
    const double N = 200, one = 1, power = 3, noise = 0.5;
    for (size_t n = 1; n < 200; n += 33) {
        const qntk_risk_model model = {1, &one, &N, &power, noise, 0};
        qntk_risk risk;
        ck_assert_ok(qntk_risk_predict(&model, n, 0, NULL, &risk));
        const double missed = 1 - (double)n / N;
        ck_assert_relative(risk.e0, 1 / missed, 1e-13);
        ck_assert_relative(risk.test, missed * power + noise / missed, 1e-13);
        ck_assert_relative(risk.clean, missed * power + noise * (1 - missed) / missed, 1e-12);
        ck_assert_double_eq(risk.train, 0);
    }
}
END_TEST

START_TEST(one_mode_and_noise_is_ordinary_regression)
{
    /* rank one, no ridge: least squares with one coefficient; E = noise n/(n - 1), train = noise (n - 1)/n */
    const double eval[2] = {2, 0}, power[2] = {5, 0.25};
    qntk_risk risk;
    for (size_t n = 2; n < 50; n++) {
        ck_assert_ok(qntk_risk_predict(&(qntk_risk_model){2, eval, NULL, power, 0.5, 0}, n, 0, NULL, &risk));
        const double rows = (double)n;
        ck_assert_double_eq(risk.kappa, 0);
        ck_assert_double_eq(risk.learned, 1);
        ck_assert_relative(risk.e0, rows / (rows - 1), 1e-15);
        ck_assert_relative(risk.test, 0.75 * rows / (rows - 1), 1e-15);
        ck_assert_relative(risk.train, 0.75 * (rows - 1) / rows, 1e-15);
    }
    /* as many rows as modes: noise is amplified without bound, nothing else is */
    ck_assert_ok(qntk_risk_predict(&(qntk_risk_model){1, eval, NULL, power, 0.5, 0}, 1, 0, NULL, &risk));
    ck_assert(isinf(risk.test) && isinf(risk.clean) && isinf(risk.e0));
    ck_assert_double_eq(risk.train, 0);
    ck_assert_ok(qntk_risk_predict(&(qntk_risk_model){1, eval, NULL, power, 0, 0}, 1, 0, NULL, &risk));
    ck_assert_double_eq(risk.test, 0);
    ck_assert_double_eq(risk.clean, 0);
}
END_TEST

START_TEST(a_large_ridge_predicts_the_prior_and_many_rows_the_target)
{
    double eval[MODES], power[MODES], total = 0;
    for (int i = 0; i < MODES; i++) {
        eval[i] = pow(i + 1.0, -1.5);
        power[i] = pow(i + 1.0, -2);
        total += power[i];
    }
    const qntk_risk_model model = {MODES, eval, NULL, power, 0.1, 0};
    qntk_risk risk;
    ck_assert_ok(qntk_risk_predict(&model, 50, 1e9, NULL, &risk));
    ck_assert_relative(risk.test, total + 0.1, 1e-6);
    ck_assert_relative(risk.train, total + 0.1, 1e-6);
    ck_assert_relative(risk.e0, 1, 1e-12);
    ck_assert_ok(qntk_risk_predict(&model, 1000000000, 1e-6, NULL, &risk));
    ck_assert_relative(risk.test, 0.1, 2e-6); /* E0 - 1 = 1000/10^9 */
    ck_assert_relative(risk.train, 0.1, 2e-6);
    /* the error with noise falls with n when the ridge is at its best for each n */
    double before = INFINITY;
    for (size_t n = 10; n <= 5120; n *= 2) {
        double best = INFINITY;
        for (double ridge = 1e-3; ridge < 100; ridge *= 1.5) {
            ck_assert_ok(qntk_risk_predict(&model, n, ridge, NULL, &risk));
            best = fmin(best, risk.test);
        }
        ck_assert_double_lt(best, before);
        before = best;
    }
}
END_TEST

/* ---- against experiments ---- */

/* One experiment: n rows of d Gaussian features with variances eval, y = features times weights + noise; the
 * errors of kernel regression on the rows and, exactly, on the population. */
static void regress(size_t n, size_t d, const double *eval, const double *weight, double noise, double ridge,
                    uint64_t seed, double *test, double *train)
{
    double *phi = qntk_alloc(n * d, sizeof(double)), *K = qntk_alloc(n * n, sizeof(double));
    double *y = qntk_alloc(n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n; i++) {
        y[i] = sqrt(noise) * qntk_rng_normal(&rng);
        for (size_t j = 0; j < d; j++) {
            phi[i * d + j] = qntk_rng_normal(&rng);
            y[i] += phi[i * d + j] * weight[j];
        }
        for (size_t k = 0; k <= i; k++) {
            K[i * n + k] = 0;
            for (size_t j = 0; j < d; j++)
                K[i * n + k] += eval[j] * phi[i * d + j] * phi[k * d + j];
        }
    }
    qntk_ridge_path path;
    ck_assert_ok(qntk_ridge_solve(n, K, 1, y, 1, &ridge, qntk_ridge_defaults(), &path));
    *train = path.fit[0].train;
    *test = noise;
    for (size_t j = 0; j < d; j++) {
        double learned = 0;
        for (size_t i = 0; i < n; i++)
            learned += eval[j] * phi[i * d + j] * path.alpha[i];
        *test += (weight[j] - learned) * (weight[j] - learned);
    }
    qntk_ridge_path_free(&path);
    qntk_free(phi);
    qntk_free(K);
    qntk_free(y);
}

START_TEST(gaussian_features_show_the_predicted_errors)
{
    /* 100 draws of n = 100 rows: their mean to 4 standard errors, plus 1/n for the formula itself */
    enum { N = 100, D = 300, DRAWS = 100 };
    double eval[D], weight[D], power[D];
    for (int i = 0; i < D; i++) {
        eval[i] = pow(i + 1.0, -1.2);
        weight[i] = (i % 3 == 0 ? -1 : 1) * pow(i + 1.0, -0.8);
        power[i] = weight[i] * weight[i];
    }
    const double ridges[] = {0.01, 0.3, 5}, noise = 0.2;
    for (int r = 0; r < 3; r++) {
        double test[DRAWS], train[DRAWS], mean, sd;
        for (uint64_t s = 0; s < DRAWS; s++)
            regress(N, D, eval, weight, noise, ridges[r], s, &test[s], &train[s]);
        qntk_risk risk;
        ck_assert_ok(
            qntk_risk_predict(&(qntk_risk_model){D, eval, NULL, power, noise, 0}, N, ridges[r], NULL, &risk));
        qntk_compare_mean(DRAWS, test, &mean, &sd);
        ck_assert_close(mean, risk.test, 1, 4 * sd / sqrt(DRAWS) + risk.test / N);
        qntk_compare_mean(DRAWS, train, &mean, &sd);
        ck_assert_close(mean, risk.train, 1, 4 * sd / sqrt(DRAWS) + risk.train / N);
    }
}
END_TEST

START_TEST(a_finite_pool_shows_the_predicted_errors)
{
    /* 300 points of the circle, Laplace kernel, a step as the target; training on random 60, 40 times */
    enum { P = 300, N = 60, DRAWS = 40 };
    static double K[P * P], scaled[P * P], y[P], power[P];
    for (int i = 0; i < P; i++) {
        y[i] = i < P / 2 ? 1 : -1;
        for (int j = 0; j < P; j++) {
            K[i * P + j] = exp(-2 * fabs(sin(acos(-1) * (i - j) / P)));
            scaled[i * P + j] = K[i * P + j] / P;
        }
    }
    qntk_spectrum_options options = qntk_spectrum_defaults();
    options.vectors = true;
    qntk_spectrum spectrum = {0};
    ck_assert_ok(qntk_spectrum_compute(P, scaled, options, &spectrum));
    double rest, sum = 0;
    ck_assert_ok(qntk_risk_power(P, P, spectrum.evec, 1, y, power, &rest));
    for (int k = 0; k < P; k++)
        sum += power[k];
    ck_assert_relative(sum + rest, 1, 1e-12);
    ck_assert_close(rest, 0, 1, 1e-12);
    qntk_risk risk;
    const double ridge = 0.1;
    ck_assert_ok(
        qntk_risk_predict(&(qntk_risk_model){P, spectrum.eval, NULL, power, rest, 0}, N, ridge, NULL, &risk));
    double pool[DRAWS], out[DRAWS], mean, sd;
    for (int s = 0; s < DRAWS; s++) {
        static double inner[N * N], cross[P * N], targets[N], F[P];
        size_t row[P];
        for (size_t i = 0; i < P; i++)
            row[i] = i;
        qntk_rng rng = qntk_rng_create(77, (uint64_t)s);
        qntk_rng_shuffle(&rng, row, P);
        for (int i = 0; i < P; i++)
            for (int j = 0; j < N; j++)
                cross[i * N + j] = K[row[i] * P + row[j]];
        memcpy(inner, cross, sizeof inner);
        for (int i = 0; i < N; i++)
            targets[i] = y[row[i]];
        qntk_ridge_path path;
        ck_assert_ok(qntk_ridge_solve(N, inner, 1, targets, 1, &ridge, qntk_ridge_defaults(), &path));
        ck_assert_ok(qntk_ridge_predict(P, N, cross, 1, path.alpha, F));
        qntk_ridge_path_free(&path);
        double inside = 0, outside = 0;
        for (int i = 0; i < P; i++)
            *(i < N ? &inside : &outside) += (y[row[i]] - F[i]) * (y[row[i]] - F[i]);
        pool[s] = (inside + outside) / P;
        out[s] = outside / (P - N);
    }
    /* the 15 % that the formula is good for on pools this small */
    qntk_compare_mean(DRAWS, pool, &mean, &sd);
    ck_assert_close(mean, risk.test, 0.15, risk.test);
    qntk_compare_mean(DRAWS, out, &mean, &sd);
    ck_assert_close(mean, qntk_risk_held_out(&risk, N, P), 0.15, risk.test);
    ck_assert_double_nan(qntk_risk_held_out(&risk, P, P));
    qntk_spectrum_free(&spectrum);
}
END_TEST

START_TEST(power_is_the_square_of_projections_for_any_number_of_threads)
{
    enum { P = 150, COUNT = 70, M = 3 };
    static double evec[P * COUNT], Y[P * M], power[COUNT], other[COUNT];
    double rest, other_rest;
    for (int i = 0; i < P * COUNT; i++) /* orthogonal columns are not needed for the products */
        evec[i] = cos(0.7 * i) / 20;
    for (int i = 0; i < P * M; i++)
        Y[i] = sin(1.3 * i);
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(qntk_risk_power(P, COUNT, evec, M, Y, power, &rest));
    for (int k = 0; k < COUNT; k++) {
        double square = 0;
        for (int c = 0; c < M; c++) {
            double dot = 0;
            for (int i = 0; i < P; i++)
                dot += evec[i * COUNT + k] * Y[i * M + c];
            square += dot * dot / P;
        }
        ck_assert_close(power[k], square, P * DBL_EPSILON, 1);
    }
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_ok(qntk_risk_power(P, COUNT, evec, M, Y, other, &other_rest));
    ck_assert_mem_eq(power, other, sizeof power);
    ck_assert_double_eq(rest, other_rest);
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_ok(qntk_risk_power(P, 0, NULL, M, Y, NULL, &rest));
    double norm = 0;
    for (int i = 0; i < P * M; i++)
        norm += Y[i] * Y[i] / P;
    ck_assert_relative(rest, norm, P * DBL_EPSILON);
}
END_TEST

START_TEST(bad_input_is_named)
{
    const double eval[2] = {1, NAN}, minus[2] = {1, -1}, good[2] = {1, 0.5}, huge[2] = {1e300, 1e300};
    double kappa, L[2] = {7, 7}, rest;
    qntk_risk risk;
    ck_assert_fails(qntk_risk_kappa(2, eval, NULL, 3, 1, &kappa), QNTK_NOT_FINITE, "eigenvalue 1");
    ck_assert_fails(qntk_risk_kappa(2, minus, NULL, 3, 1, &kappa), QNTK_INVALID, "eigenvalue 1");
    ck_assert_fails(qntk_risk_kappa(2, good, minus, 3, 1, &kappa), QNTK_INVALID, "multiplicity 1");
    ck_assert_fails(qntk_risk_kappa(2, good, NULL, 3, -1, &kappa), QNTK_INVALID, "ridge");
    ck_assert_fails(qntk_risk_kappa(2, good, NULL, 0, 1, &kappa), QNTK_INVALID, "n must");
    ck_assert_fails(qntk_risk_kappa(2, huge, huge, 3, 1, &kappa), QNTK_NOT_FINITE, "trace");
    ck_assert_fails(qntk_risk_kappa(2, NULL, NULL, 3, 1, &kappa), QNTK_INVALID, "eval");
    ck_assert_fails(qntk_risk_predict(&(qntk_risk_model){2, good, NULL, minus, 0, 0}, 3, 1, L, &risk),
                    QNTK_INVALID, "power 1");
    ck_assert_double_eq(L[1], 0);
    ck_assert_double_eq(risk.test, 0);
    ck_assert_fails(qntk_risk_predict(&(qntk_risk_model){2, good, NULL, NULL, -1, 0}, 3, 1, L, &risk),
                    QNTK_INVALID, "noise");
    ck_assert_fails(qntk_risk_predict(&(qntk_risk_model){2, good, NULL, NULL, 0, NAN}, 3, 1, L, &risk),
                    QNTK_NOT_FINITE, "tail");
    ck_assert_fails(qntk_risk_predict(NULL, 3, 1, L, &risk), QNTK_INVALID, "model");
    ck_assert_fails(qntk_risk_power(1, 2, good, 1, good, L, &rest), QNTK_INVALID, "at most P");
    qntk_memory_fail_after(0);
    ck_assert_fails(qntk_risk_power(2, 1, good, 1, good, L, &rest), QNTK_NO_MEMORY, "memory");
    qntk_memory_fail_after(-1);
}
END_TEST

START_TEST(without_replacement_agrees_where_it_must)
{
    enum { P = 400 };
    static double eval[P], power[P];
    double total = 0;
    for (int i = 0; i < P; i++) {
        eval[i] = pow(i + 1.0, -1.4);
        power[i] = pow(i + 1.0, -1.1) * (i % 3 + 1);
        total += power[i];
    }
    const double ridges[] = {0, 1e-6, 0.01, 1, 1e8};
    qntk_risk pool, plain;
    for (int r = 0; r < 5; r++)
        for (size_t n = 1; n <= P; n = n == P ? P + 1 : 3 * n < P ? 3 * n : P) {
            ck_assert_ok(qntk_risk_pool(P, eval, power, n, ridges[r], &pool));
            /* its own equation, and the share of each mode */
            const double d = ridges[r] / P, kappa = pool.kappa;
            double left = 0, learned = 0, exact = 0;
            for (int i = 0; i < P; i++) {
                left += (eval[i] + d) / (eval[i] + kappa);
                learned += eval[i] / (eval[i] + kappa);
                exact += power[i] * pow(d / (eval[i] + d), 2);
            }
            ck_assert_relative(left, (double)n, 1e-11);
            ck_assert_relative(pool.learned, learned, 1e-12);
            if (n == P) { /* the whole pool: the residual is ridge (K + ridge)^-1 y */
                ck_assert_close(pool.test, exact, 1e-10, exact);
                ck_assert_close(pool.train, exact, 1e-10, exact);
                ck_assert_close(kappa, d, 1e-12, d);
            } else if (ridges[r] == 0) { /* then how the rows are drawn makes no difference */
                ck_assert_ok(
                    qntk_risk_predict(&(qntk_risk_model){P, eval, NULL, power, 0, 0}, n, 0, NULL, &plain));
                ck_assert_relative(pool.test, plain.test, 1e-10);
                ck_assert_double_eq(pool.train, 0);
            }
            if (ridges[r] == 1e8)
                ck_assert_relative(pool.test, total, 1e-5);
        }
}
END_TEST

START_TEST(without_replacement_a_large_pool_is_a_population)
{
    /* each of 50 modes 40 times, n/P = 1/100: the formulas differ by a few n/P */
    enum { MODES_LISTED = 50, TIMES = 40, P = MODES_LISTED * TIMES };
    static double eval[P], power[P];
    for (int i = 0; i < P; i++) {
        const int mode = i / TIMES;
        eval[i] = pow(mode + 1.0, -2);
        power[i] = pow(mode + 1.0, -1);
    }
    qntk_risk pool, plain;
    ck_assert_ok(qntk_risk_pool(P, eval, power, 20, 2, &pool));
    ck_assert_ok(qntk_risk_predict(&(qntk_risk_model){P, eval, NULL, power, 0, 0}, 20, 2, NULL, &plain));
    ck_assert_relative(pool.test, plain.test, 0.02);
    ck_assert_relative(pool.train, plain.train, 0.02);
    /* rank below n and no ridge: the limit of a small one */
    for (int i = 60; i < P; i++)
        eval[i] = 0;
    for (size_t n = 60; n <= P; n += 970) {
        qntk_risk limit;
        ck_assert_ok(qntk_risk_pool(P, eval, power, n, 0, &limit));
        ck_assert_double_eq(limit.kappa, 0);
        ck_assert_ok(qntk_risk_pool(P, eval, power, n, n > 60 ? 1e-9 : 1e-16, &pool));
        if (n > 60) {
            ck_assert_relative(limit.test, pool.test, 1e-6);
            ck_assert_relative(limit.train, pool.train, 1e-6);
        } else {
            ck_assert(isinf(limit.test));
        }
    }
}
END_TEST

START_TEST(bad_pools_are_named)
{
    const double good[2] = {1, 0.5}, minus[2] = {1, -1}, nan[2] = {1, NAN};
    qntk_risk risk;
    ck_assert_fails(qntk_risk_pool(2, good, good, 0, 1, &risk), QNTK_INVALID, "n must");
    ck_assert_fails(qntk_risk_pool(2, good, good, 3, 1, &risk), QNTK_INVALID, "n must");
    ck_assert_fails(qntk_risk_pool(2, NULL, good, 1, 1, &risk), QNTK_INVALID, "eval");
    ck_assert_fails(qntk_risk_pool(2, minus, good, 1, 1, &risk), QNTK_INVALID, "mode 1");
    ck_assert_fails(qntk_risk_pool(2, good, minus, 1, 1, &risk), QNTK_INVALID, "mode 1");
    ck_assert_fails(qntk_risk_pool(2, good, nan, 1, 1, &risk), QNTK_NOT_FINITE, "mode 1");
    ck_assert_fails(qntk_risk_pool(2, good, good, 1, -1, &risk), QNTK_INVALID, "ridge");
    ck_assert_fails(qntk_risk_pool(2, good, good, 1, INFINITY, &risk), QNTK_NOT_FINITE, "ridge");
    qntk_memory_fail_after(0);
    ck_assert_fails(qntk_risk_pool(2, good, good, 1, 1, &risk), QNTK_NO_MEMORY, "memory");
    qntk_memory_fail_after(-1);
    ck_assert_double_eq(risk.test, 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, kappa_of_a_white_spectrum_solves_its_quadratic);
    tcase_add_test(tcase, kappa_has_all_its_digits_at_gaps_and_in_long_tails);
    tcase_add_test(tcase, multiplicities_are_repeated_modes_and_order_does_not_matter);
    tcase_add_test(tcase, a_white_spectrum_without_ridge_learns_its_share);
    tcase_add_test(tcase, one_mode_and_noise_is_ordinary_regression);
    tcase_add_test(tcase, a_large_ridge_predicts_the_prior_and_many_rows_the_target);
    tcase_add_test(tcase, gaussian_features_show_the_predicted_errors);
    tcase_add_test(tcase, a_finite_pool_shows_the_predicted_errors);
    tcase_add_test(tcase, power_is_the_square_of_projections_for_any_number_of_threads);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, without_replacement_agrees_where_it_must);
    tcase_add_test(tcase, without_replacement_a_large_pool_is_a_population);
    tcase_add_test(tcase, bad_pools_are_named);
}

int main(void)
{
    return test_main("risk", add_tests);
}
