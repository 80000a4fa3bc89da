#include "ridge_problem.h"

#include <float.h>
#include <string.h>

#include "naive.h"
#include "ridge_internal.h"

/* Sizes on both sides of the band (32), of a tile (64) and of a Cholesky tile (192). */
static const size_t sizes[] = {1, 2, 3, 31, 32, 33, 63, 64, 65, 97, 193, 260};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* The largest |a - b|. */
static double distance(size_t count, const double *a, const double *b)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) <= largest))
            largest = fabs(a[i] - b[i]);
    return largest;
}

/* Everything about ridge r of the path against G = (K + ridge I)^-1, each formula as it is defined. */
static void check_against_inverse(const qntk_ridge_path *path, size_t r, const double *K, const double *Y)
{
    const size_t n = path->n, m = path->m;
    const qntk_ridge_fit *fit = &path->fit[r];
    const double ridge = fit->ridge, N = (double)n;
    long double *G = malloc(n * n * sizeof *G), trace = 0, freedom = 0, square = 0;
    naive_ridge_inverse(n, K, ridge, G);
    double largest_alpha = 0, worst_alpha = 0, worst_out = 0, norm_G = 0, norm_K = 0;
    for (size_t i = 0; i < n; i++) {
        double row_G = 0, row_K = ridge;
        trace += G[i * n + i];
        for (size_t j = 0; j < n; j++) {
            freedom += K[i * n + j] * G[j * n + i];
            row_G += (double)fabsl(G[i * n + j]);
            row_K += fabs(K[i * n + j]);
        }
        norm_G = fmax(norm_G, row_G);
        norm_K = fmax(norm_K, row_K);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < m; c++) {
            const size_t at = (i * path->count + r) * m + c;
            long double alpha = 0;
            for (size_t j = 0; j < n; j++)
                alpha += G[i * n + j] * Y[j * m + c];
            square += alpha * alpha;
            largest_alpha = fmax(largest_alpha, (double)fabsl(alpha));
            worst_alpha = fmax(worst_alpha, fabs((double)(alpha - path->alpha[at])));
            const double out = (double)(Y[i * m + c] - alpha / G[i * n + i]);
            worst_out = fmax(worst_out, fabs(out - path->left_out[at]) * (double)G[i * n + i]);
        }
    const double error = 4 * sqrt(N) * DBL_EPSILON * norm_K * norm_G; /* relative, of what is linear in G */
    ck_assert_double_le(worst_alpha, error * largest_alpha);
    ck_assert_double_le(worst_out, 3 * error * largest_alpha);
    ck_assert_relative(fit->trace, (double)trace, error);
    ck_assert_close(fit->freedom, (double)freedom, 4 * N * DBL_EPSILON + error * ridge * fit->trace / N, N);
    /* KARE as in the paper, with l = ridge/n: (K/n + l)^-1 = n G */
    const long double top = N * N * square / N, bottom = N * trace / N;
    ck_assert_relative(fit->kare, (double)(top / (bottom * bottom)), 4 * error);
    if (ridge > 0) { /* GCV, with I - H = I - K G */
        const long double miss = (N - freedom) / N;
        ck_assert_relative(fit->kare, (double)(ridge * ridge * square / N / (miss * miss)),
                           4 * error + 8 * N * DBL_EPSILON / (double)(N - freedom));
    }
    ck_assert_relative(fit->train, (double)(ridge * ridge * square / N), 4 * error);
    /* an estimate from below of the norm of G and above of that of K, in other norms */
    if (path->route == QNTK_RIDGE_ROUTE_BAND || ridge < 1e-8 * norm_K)
        ck_assert_double_ge(fit->rcond * norm_K * norm_G, 0.1);
    else
        ck_assert_relative(fit->rcond, ridge / norm_K, N * DBL_EPSILON);
    ck_assert_double_le(fit->rcond * norm_K * norm_G, 10 * sqrt(N));
    free(G);
}

START_TEST(both_routes_agree_with_the_explicit_inverse)
{
    const double ridge[] = {1e-3, 0, 10, 0.1};
    for (size_t s = 0; s < SIZES; s++)
        for (size_t k = 0; k < ROUTES; k++) {
            const size_t n = sizes[s], m = s % 3 == 0 ? 1 : s % 3 == 1 ? 3 : 35;
            double *K = ridge_random_kernel(n, 100 + n), *Y = ridge_random_targets(n * m, n);
            qntk_ridge_path path = ridge_solve(n, K, m, Y, 4, ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
            ck_assert_int_eq(path.route, routes[k]);
            for (size_t r = 0; r < 4; r++)
                check_against_inverse(&path, r, K, Y);
            qntk_ridge_path_free(&path);
            qntk_free(K);
            qntk_free(Y);
        }
}
END_TEST

START_TEST(leaving_out_is_refitting_without_each_row)
{
    enum { N = 41, M = 2, COUNT = 3 };
    const double ridge[COUNT] = {0.5, 1e-4, 0};
    double *K = ridge_random_kernel(N, 1), *Y = ridge_random_targets(N * M, 2), F[N * M];
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path path = ridge_solve(N, K, M, Y, COUNT, ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        for (size_t r = 0; r < COUNT; r++) {
            double loo = 0;
            naive_leave_one_out(N, K, M, Y, ridge[r], F);
            for (size_t i = 0; i < N; i++)
                for (size_t c = 0; c < M; c++) {
                    ck_assert_close(path.left_out[(i * COUNT + r) * M + c], F[i * M + c],
                                    4 * sqrt(N) * DBL_EPSILON / path.fit[r].rcond, 1);
                    loo += (Y[i * M + c] - F[i * M + c]) * (Y[i * M + c] - F[i * M + c]) / N;
                }
            ck_assert_relative(path.fit[r].loo, loo, 8 * sqrt(N) * DBL_EPSILON / path.fit[r].rcond);
        }
        qntk_ridge_path_free(&path);
    }
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(a_ridge_gives_the_same_bytes_alone_and_in_any_order)
{
    enum { N = 130, M = 3, COUNT = 70 }; /* more than one bundle of factors */
    double *K = ridge_random_kernel(N, 3), *Y = ridge_random_targets(N * M, 4), ridge[COUNT], reverse[COUNT];
    for (size_t r = 0; r < COUNT; r++)
        ridge[r] = reverse[COUNT - 1 - r] = 1e-5 * pow(1.3, (double)r);
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path up = ridge_solve(N, K, M, Y, COUNT, ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        qntk_ridge_path down = ridge_solve(N, K, M, Y, COUNT, reverse, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        qntk_ridge_path one = ridge_solve(N, K, M, Y, 1, ridge + 40, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        ck_assert_mem_eq(&one.fit[0], &up.fit[40], sizeof *one.fit);
        ck_assert_mem_eq(&down.fit[COUNT - 1 - 40], &up.fit[40], sizeof *one.fit);
        for (size_t i = 0; i < N; i++) {
            const size_t at = (i * COUNT + 40) * M, back = (i * COUNT + COUNT - 1 - 40) * M;
            ck_assert_mem_eq(up.alpha + at, one.alpha + i * M, M * sizeof(double));
            ck_assert_mem_eq(up.alpha + at, down.alpha + back, M * sizeof(double));
            ck_assert_mem_eq(up.left_out + at, one.left_out + i * M, M * sizeof(double));
            ck_assert_mem_eq(up.left_out + at, down.left_out + back, M * sizeof(double));
        }
        qntk_ridge_path_free(&up);
        qntk_ridge_path_free(&down);
        qntk_ridge_path_free(&one);
    }
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(less_detail_gives_the_same_coefficients_and_leaves_the_rest_open)
{
    enum { N = 100, M = 2 };
    const double ridge[2] = {0.1, 1};
    double *K = ridge_random_kernel(N, 5), *Y = ridge_random_targets(N * M, 6);
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path all = ridge_solve(N, K, M, Y, 2, ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        qntk_ridge_path trace = ridge_solve(N, K, M, Y, 2, ridge, QNTK_RIDGE_TRACE, routes[k]);
        qntk_ridge_path fit = ridge_solve(N, K, M, Y, 2, ridge, QNTK_RIDGE_FIT, routes[k]);
        ck_assert_mem_eq(trace.alpha, all.alpha, sizeof(double) * N * M * 2);
        ck_assert_mem_eq(fit.alpha, all.alpha, sizeof(double) * N * M * 2);
        ck_assert_ptr_null(trace.left_out);
        for (size_t r = 0; r < 2; r++) {
            ck_assert_double_eq(trace.fit[r].kare, all.fit[r].kare);
            ck_assert_double_eq(trace.fit[r].freedom, all.fit[r].freedom);
            ck_assert_double_nan(trace.fit[r].loo);
            ck_assert_double_eq(fit.fit[r].train, all.fit[r].train);
            ck_assert_double_nan(fit.fit[r].kare);
            ck_assert_double_nan(fit.fit[r].trace);
            ck_assert_double_nan(fit.fit[r].freedom);
        }
        qntk_ridge_path_free(&all);
        qntk_ridge_path_free(&trace);
        qntk_ridge_path_free(&fit);
    }
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(the_route_follows_the_number_of_ridges)
{
    enum { N = 40 };
    const double ridge[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    double *K = ridge_random_kernel(N, 7), *Y = ridge_random_targets(N, 8);
    const qntk_ridge_detail details[] = {QNTK_RIDGE_FIT, QNTK_RIDGE_TRACE, QNTK_RIDGE_LEAVE_ONE_OUT};
    for (size_t d = 0; d < 3; d++) {
        qntk_ridge_path one = ridge_solve(N, K, 1, Y, 1, ridge, details[d], QNTK_RIDGE_ROUTE_AUTO);
        qntk_ridge_path nine = ridge_solve(N, K, 1, Y, 9, ridge, details[d], QNTK_RIDGE_ROUTE_AUTO);
        ck_assert_str_eq(qntk_ridge_route_name(one.route), "cholesky");
        ck_assert_str_eq(qntk_ridge_route_name(nine.route), "band");
        qntk_ridge_path_free(&one);
        qntk_ridge_path_free(&nine);
    }
    ck_assert_str_eq(qntk_ridge_route_name(QNTK_RIDGE_ROUTE_AUTO), "auto");
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(a_large_ridge_gives_the_prior_and_none_interpolates)
{
    enum { N = 90, M = 2 };
    const double ridge[2] = {1e14, 0};
    double *K = ridge_random_kernel(N, 9), *Y = ridge_random_targets(N * M, 10), F[N * 2 * M], P[N * 2 * M];
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path path = ridge_solve(N, K, M, Y, 2, ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        qntk_ridge_fitted(&path, Y, F);
        ck_assert_ok(qntk_ridge_predict(N, N, K, 2 * M, path.alpha, P));
        for (size_t i = 0; i < N; i++)
            for (size_t c = 0; c < M; c++) {
                ck_assert_close(P[(i * 2 + 0) * M + c], 0, 3.0 * N / ridge[0], 1); /* |y| < 3, K <= 1 */
                ck_assert_close(path.left_out[(i * 2 + 0) * M + c], 0, 3.0 * N / ridge[0] + 8 * DBL_EPSILON,
                                1);
                ck_assert_double_eq(F[(i * 2 + 1) * M + c], Y[i * M + c]);
                ck_assert_close(P[(i * 2 + 1) * M + c], Y[i * M + c],
                                4 * sqrt(N) * DBL_EPSILON / path.fit[1].rcond, 3);
            }
        ck_assert_close(path.fit[0].freedom, 0, 1, 4 * N * DBL_EPSILON * N);
        ck_assert_double_eq(path.fit[1].freedom, N);
        ck_assert_double_eq(path.fit[1].train, 0);
        qntk_ridge_path_free(&path);
    }
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(duplicate_rows_with_different_labels_need_a_ridge)
{
    const double ones[4] = {1, 1, 1, 1}, two[2] = {1, -3}, none = 0, half = 0.5;
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path path;
        qntk_ridge_options options = {.route = routes[k], .detail = QNTK_RIDGE_LEAVE_ONE_OUT};
        ck_assert_fails(qntk_ridge_solve(2, ones, 1, two, 1, &none, options, &path), QNTK_SINGULAR,
                        "ridge 0:");
        ck_assert_ptr_null(path.alpha);
        path = ridge_solve(2, ones, 1, two, 1, &half, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        double F[2];
        qntk_ridge_fitted(&path, two, F);
        for (int i = 0; i < 2; i++) { /* f = (y_0 + y_1)/(2 + ridge); left out: the other's y/(1 + ridge) */
            ck_assert_relative(F[i], -2 / 2.5, 4 * DBL_EPSILON * 5); /* the condition is 5 */
            ck_assert_relative(path.left_out[i], two[1 - i] / 1.5, 4 * DBL_EPSILON * 5);
        }
        qntk_ridge_path_free(&path);
    }
    for (size_t n = 3; n < 120; n += 7) /* rows 0 and n-1 are the same */
        for (size_t k = 0; k < ROUTES; k++) {
            double *K = ridge_random_kernel(n, n), *Y = ridge_random_targets(n, n);
            for (size_t i = 0; i < n; i++)
                K[(n - 1) * n + i] = K[i * n + n - 1] = K[i];
            K[n * n - 1] = K[0];
            const double ridges[2] = {1e-10, 0};
            qntk_ridge_options options = {.route = routes[k]};
            qntk_ridge_path path = ridge_solve(n, K, 1, Y, 1, ridges, QNTK_RIDGE_FIT, routes[k]);
            qntk_ridge_path_free(&path);
            ck_assert_fails(qntk_ridge_solve(n, K, 1, Y, 2, ridges, options, &path), QNTK_SINGULAR,
                            "raise the ridge");
            qntk_free(K);
            qntk_free(Y);
        }
}
END_TEST

START_TEST(a_single_row_and_constant_targets_have_their_closed_forms)
{
    enum { N = 50 };
    const double k = 4, y = 3, ridge = 2;
    double *K = qntk_alloc_zero(N * N, sizeof(double)), Y[N];
    for (size_t i = 0; i < N; i++) {
        K[i * N + i] = k;
        Y[i] = y;
    }
    for (size_t s = 0; s < ROUTES; s++) {
        qntk_ridge_path path = ridge_solve(1, &k, 1, &y, 1, &ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[s]);
        ck_assert_relative(path.alpha[0], 0.5, 2 * DBL_EPSILON);
        ck_assert_close(path.left_out[0], 0, 4 * DBL_EPSILON, y);
        ck_assert_relative(path.fit[0].kare, y * y, 8 * DBL_EPSILON);
        ck_assert_relative(path.fit[0].freedom, k / (k + ridge), 4 * DBL_EPSILON);
        ck_assert_close(path.fit[0].rcond, 1, 8 * DBL_EPSILON + (s == 1 ? 1 - ridge / (k + ridge) : 0), 1);
        qntk_ridge_path_free(&path);
        path = ridge_solve(N, K, 1, Y, 1, &ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[s]);
        for (size_t i = 0; i < N; i++) {
            ck_assert_relative(path.alpha[i], y / (k + ridge), 4 * DBL_EPSILON);
            ck_assert_close(path.left_out[i], 0, 8 * DBL_EPSILON, y);
        }
        qntk_ridge_path_free(&path);
    }
    memset(K, 0, N * N * sizeof(double)); /* a kernel of zeros: the ridge alone */
    for (size_t s = 0; s < ROUTES; s++) {
        qntk_ridge_path path = ridge_solve(N, K, 1, Y, 1, &ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[s]);
        for (size_t i = 0; i < N; i++)
            ck_assert_relative(path.alpha[i], y / ridge, 4 * DBL_EPSILON);
        ck_assert_relative(path.fit[0].loo, y * y, 16 * DBL_EPSILON);
        qntk_ridge_path_free(&path);
    }
    qntk_free(K);
}
END_TEST

START_TEST(tiny_ridges_lose_no_more_than_the_condition_takes)
{
    enum { N = 60, COUNT = 5 };
    double K[N * N], Y[N], ridge[COUNT] = {1e-4, 1e-6, 1e-8, 1e-10, 1e-12};
    long double *G = malloc(sizeof *G * N * N);
    for (size_t i = 0; i < N; i++) { /* Gaussian on a line: eigenvalues down to rounding */
        Y[i] = sin(7.0 * (double)i);
        for (size_t j = 0; j < N; j++)
            K[i * N + j] = exp(-0.5 * pow(((double)i - (double)j) / 10, 2));
    }
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path path = ridge_solve(N, K, 1, Y, COUNT, ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        for (size_t r = 0; r < COUNT; r++) {
            const double error = 2 * DBL_EPSILON / path.fit[r].rcond;
            double worst = 0, norm = 0, backward = 0;
            naive_ridge_inverse(N, K, ridge[r], G);
            for (size_t i = 0; i < N; i++) {
                long double alpha = 0, residual = -Y[i];
                for (size_t j = 0; j < N; j++) {
                    const long double shifted = K[i * N + j] + (i == j ? (long double)ridge[r] : 0);
                    alpha += G[i * N + j] * Y[j];
                    residual += shifted * path.alpha[j * COUNT + r];
                }
                worst = fmax(worst, fabs((double)(path.alpha[i * COUNT + r] - alpha)));
                norm = fmax(norm, fabs((double)alpha));
                backward = fmax(backward, fabs((double)residual));
                ck_assert_close(Y[i] - path.left_out[i * COUNT + r], (double)(alpha / G[i * N + i]),
                                4 * error, norm / (double)G[i * N + i]);
            }
            ck_assert_double_le(worst, error * norm);
            ck_assert_double_le(backward, sqrt(N) * DBL_EPSILON * 26 * norm); /* 26: row sums of K */
        }
        qntk_ridge_path_free(&path);
    }
    free(G);
}
END_TEST

START_TEST(powers_of_two_scale_out_exactly)
{
    enum { N = 70 };
    const int exponents[] = {400, -400};
    const double ridge[2] = {0.01, 3};
    double *K = ridge_random_kernel(N, 11), *Y = ridge_random_targets(N, 12),
           *scaled = qntk_alloc(N * N, sizeof(double));
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path path = ridge_solve(N, K, 1, Y, 2, ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        for (size_t e = 0; e < 2; e++) {
            const double factor = ldexp(1, exponents[e]), scaled_ridge[2] = {0.01 * factor, 3 * factor};
            for (size_t i = 0; i < N * N; i++)
                scaled[i] = factor * K[i];
            qntk_ridge_path other =
                ridge_solve(N, scaled, 1, Y, 2, scaled_ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
            for (size_t i = 0; i < N * 2; i++) {
                ck_assert_double_eq(other.alpha[i] * factor, path.alpha[i]);
                ck_assert_double_eq(other.left_out[i], path.left_out[i]);
            }
            for (size_t r = 0; r < 2; r++) {
                ck_assert_double_eq(other.fit[r].kare, path.fit[r].kare);
                ck_assert_double_eq(other.fit[r].loo, path.fit[r].loo);
                ck_assert_double_eq(other.fit[r].freedom, path.fit[r].freedom);
                ck_assert_double_eq(other.fit[r].rcond, path.fit[r].rcond);
            }
            qntk_ridge_path_free(&other);
        }
        qntk_ridge_path_free(&path);
    }
    qntk_free(K);
    qntk_free(Y);
    qntk_free(scaled);
}
END_TEST

START_TEST(predictions_are_the_plain_product)
{
    enum { ROWS = 300, N = 37, COLUMNS = 5 };
    double *K = ridge_random_targets(ROWS * N, 17), *alpha = ridge_random_targets(N * COLUMNS, 18);
    double *F = qntk_alloc(ROWS * COLUMNS, sizeof(double)), *P = qntk_alloc(ROWS * COLUMNS, sizeof(double));
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        F[i] = 0;
        for (size_t j = 0; j < N; j++)
            F[i] += K[i / COLUMNS * N + j] * alpha[j * COLUMNS + i % COLUMNS];
    }
    ck_assert_ok(qntk_ridge_predict(ROWS, N, K, COLUMNS, alpha, P));
    ck_assert_double_le(distance(ROWS * COLUMNS, F, P), N * 16 * DBL_EPSILON);
    ck_assert_ok(qntk_ridge_predict(0, N, NULL, COLUMNS, alpha, NULL));
    ck_assert_fails(qntk_ridge_predict(1, N, NULL, COLUMNS, alpha, P), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_ridge_predict(1, 0, K, COLUMNS, alpha, P), QNTK_INVALID, "n must");
    ck_assert_fails(qntk_ridge_predict(1, (size_t)1 << 31, K, COLUMNS, alpha, P), QNTK_TOO_LARGE, "rows");
    qntk_free(K);
    qntk_free(alpha);
    qntk_free(F);
    qntk_free(P);
}
END_TEST

START_TEST(the_banded_factors_of_every_instruction_set_solve)
{
    enum { N = 75, ROWS = N + 2 * QNTK_RIDGE_MARGIN, SIZE = ROWS * QNTK_BAND };
    static double L[ROWS * QNTK_RIDGE_LEAD], X[SIZE], Z[SIZE];
    const qntk_ridge_ops *const *all = qntk_ridge_ops_all();
    for (; *all != NULL; all++) {
        double *column = L + QNTK_RIDGE_MARGIN * QNTK_RIDGE_LEAD, squares[QNTK_BAND], pivot;
        double *x = X + QNTK_RIDGE_MARGIN * QNTK_BAND, *z = Z + QNTK_RIDGE_MARGIN * QNTK_BAND;
        memset(L, 0, sizeof L);
        memset(Z, 0, sizeof Z);
        for (size_t j = 0; j < N; j++) /* diagonal 40, and 1 beside it: eigenvalues 8 to 104 */
            for (size_t k = 0; k <= QNTK_BAND && j + k < N; k++)
                column[j * QNTK_RIDGE_LEAD + k] = k == 0 ? 40 : 1;
        for (size_t i = 0; i < N * QNTK_BAND; i++)
            x[i] = cos((double)i);
        ck_assert_uint_eq((*all)->factor(N, column, &pivot), N);
        (*all)->forward(N, column, x, z, squares);
        for (size_t c = 0; c < QNTK_BAND; c++) {
            double sum = 0;
            for (size_t i = 0; i < N; i++)
                sum += z[i * QNTK_BAND + c] * z[i * QNTK_BAND + c];
            ck_assert_relative(squares[c], sum, N * DBL_EPSILON);
        }
        (*all)->backward(N, column, z);
        double worst = 0;
        for (size_t i = 0; i < N; i++)
            for (size_t c = 0; c < QNTK_BAND; c++) {
                double sum = 39 * z[i * QNTK_BAND + c] - x[i * QNTK_BAND + c];
                for (size_t j = i < QNTK_BAND ? 0 : i - QNTK_BAND; j < N && j <= i + QNTK_BAND; j++)
                    sum += z[j * QNTK_BAND + c];
                worst = fmax(worst, fabs(sum));
            }
        ck_assert_msg(worst <= 64 * DBL_EPSILON, "%s: residual %g", (*all)->name, worst);
        memset(L, 0, sizeof L);
        for (size_t j = 0; j < N; j++)
            column[j * QNTK_RIDGE_LEAD] = j < 50 ? 1 : -2;
        ck_assert_uint_eq((*all)->factor(N, column, &pivot), 50);
        ck_assert_double_eq(pivot, -2);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, both_routes_agree_with_the_explicit_inverse);
    tcase_add_test(tcase, leaving_out_is_refitting_without_each_row);
    tcase_add_test(tcase, a_ridge_gives_the_same_bytes_alone_and_in_any_order);
    tcase_add_test(tcase, less_detail_gives_the_same_coefficients_and_leaves_the_rest_open);
    tcase_add_test(tcase, the_route_follows_the_number_of_ridges);
    tcase_add_test(tcase, a_large_ridge_gives_the_prior_and_none_interpolates);
    tcase_add_test(tcase, duplicate_rows_with_different_labels_need_a_ridge);
    tcase_add_test(tcase, a_single_row_and_constant_targets_have_their_closed_forms);
    tcase_add_test(tcase, tiny_ridges_lose_no_more_than_the_condition_takes);
    tcase_add_test(tcase, powers_of_two_scale_out_exactly);
    tcase_add_test(tcase, predictions_are_the_plain_product);
    tcase_add_test(tcase, the_banded_factors_of_every_instruction_set_solve);
}

int main(void)
{
    return test_main("ridge", add_tests);
}
