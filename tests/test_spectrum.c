#include "spectrum_check.h"

#include <cblas.h>
#include <lapacke.h>

#include "spectrum_internal.h"

/* ---- the tridiagonal problem ---- */

typedef struct {
    const char *name;
    double (*diag)(size_t i, size_t n);
    double (*offdiag)(size_t i, size_t n);
} family;

static double two(size_t i, size_t n)
{
    (void)i, (void)n;
    return 2;
}
static double minus_one(size_t i, size_t n)
{
    (void)i, (void)n;
    return -1;
}
static double wilkinson(size_t i, size_t n)
{
    return fabs((double)i - (double)(n - 1) / 2);
}
static double nothing(size_t i, size_t n)
{
    (void)i, (void)n;
    return 0;
}
static double alternating(size_t i, size_t n)
{
    (void)n;
    return i % 2 == 0 ? 1e-9 : -1e-3;
}
static double decaying(size_t i, size_t n)
{
    (void)n;
    return exp(-0.05 * (double)i);
}
static double glued(size_t i, size_t n)
{
    (void)n;
    return i % 21 == 20 ? 1e-8 : 1;
}
static double periodic(size_t i, size_t n)
{
    (void)n;
    return fabs((double)(i % 21) - 10);
}
static double noise_like(size_t i, size_t n)
{
    (void)n;
    return sin(17.3 * (double)(i * i + 1));
}
static double small(size_t i, size_t n)
{
    (void)i, (void)n;
    return 1e-140;
}

static const family families[] = {
    {"Laplacian", two, minus_one},
    {"Wilkinson", wilkinson, two},
    {"constant diagonal", two, nothing},
    {"zero", nothing, nothing},
    {"graded", decaying, decaying},
    {"glued Wilkinson", periodic, glued},
    {"pseudo-random", noise_like, noise_like},
    {"no diagonal", nothing, noise_like},
    {"clustered", two, alternating},
    {"tiny", small, small},
};

static void interrupt_soon(void *context, const char *label, double fraction)
{
    (void)fraction;
    ck_assert_str_eq(label, "eigenvalues");
    if (++*(int *)context >= 1)
        qntk_interrupt();
}

START_TEST(tridiagonal_eigenpairs_agree_with_bisection_and_are_orthonormal)
{
    const size_t sizes[] = {1, 2, 3, 31, 32, 33, 65, 130, 400};
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            const size_t n = sizes[s];
            double d[400], e[400], value[400], plain[400], bisected[400];
            lapack_int found = 0, blocks = 0, block[400], split[400];
            double norm = 0;
            for (size_t i = 0; i < n; i++) {
                d[i] = families[f].diag(i, n);
                e[i] = i + 1 < n ? families[f].offdiag(i, n) : 0;
                norm = fmax(norm, fabs(d[i]) + 2 * fabs(e[i]));
            }
            double *Z = qntk_alloc(n * n, sizeof(double));
            ck_assert_ok(qntk_tridiag_eigen(n, d, e, n, value, Z));
            ck_assert_ok(qntk_tridiag_eigen(n, d, e, 0, plain, NULL));
            ck_assert_int_eq(LAPACKE_dstebz('A', 'E', (int)n, 0, 0, 0, 0, 0, d, e, &found, &blocks, bisected,
                                            block, split),
                             0);
            for (size_t k = 0; k < n; k++) {
                ck_assert_msg(fabs(value[k] - bisected[n - 1 - k]) <= spectrum_tolerance_for(n) * norm,
                              "%s, n = %zu: eigenvalue %zu is %.17g, by bisection %.17g", families[f].name, n,
                              k, value[k], bisected[n - 1 - k]);
                ck_assert_close(plain[k], value[k], spectrum_tolerance_for(n), norm);
                double square = 0;
                for (size_t i = 0; i < n; i++) {
                    double r = d[i] * Z[i * n + k] - value[k] * Z[i * n + k];
                    r += i > 0 ? e[i - 1] * Z[(i - 1) * n + k] : 0;
                    r += i + 1 < n ? e[i] * Z[(i + 1) * n + k] : 0;
                    square += norm > 0 ? r / norm * (r / norm) : fabs(r);
                }
                ck_assert_close(sqrt(square), 0, spectrum_tolerance_for(n), 1);
            }
            for (size_t k = 0; k < n; k++)
                for (size_t l = 0; l <= k; l++)
                    ck_assert_close(cblas_ddot((int)n, Z + k, (int)n, Z + l, (int)n), k == l ? 1 : 0,
                                    spectrum_tolerance_for(n), 1);
            qntk_free(Z);
        }
}
END_TEST

START_TEST(rows_times_eigenvectors_are_the_rows_of_the_product)
{
    const size_t n = 150, width = 64;
    double d[150], e[150], value[150], *Z = qntk_alloc(n * n, sizeof(double));
    double *rows = qntk_alloc(n * width, sizeof(double)), *expected = qntk_alloc(n * width, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        d[i] = noise_like(i, n);
        e[i] = noise_like(i + 1, n);
    }
    for (size_t i = 0; i < n * width; i++)
        rows[i] = cos((double)i);
    ck_assert_ok(qntk_tridiag_eigen(n, d, e, n, value, Z));
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)n, (int)width, (int)n, 1, Z, (int)n, rows,
                (int)width, 0, expected, (int)width);
    ck_assert_ok(qntk_tridiag_eigen_rows(n, d, e, width, value, rows));
    for (size_t k = 0; k < n; k++) { /* up to the sign of each eigenvector */
        const double sign = expected[k * width] * rows[k * width] < 0 ? -1 : 1;
        for (size_t c = 0; c < width; c++)
            ck_assert_close(sign * rows[k * width + c], expected[k * width + c], 1e-10, 1);
    }
    qntk_free(Z);
    qntk_free(rows);
    qntk_free(expected);
}
END_TEST

/* ---- dense ---- */

START_TEST(all_values_and_vectors_agree_with_lapack)
{
    const size_t sizes[] = {1, 2, 3, 17, 64, 65, 200, 333};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const size_t n = sizes[s];
        double *K = spectrum_random_symmetric(n, 300 + n), *expected = spectrum_twin(n, K);
        qntk_spectrum values = spectrum_compute(n, K, spectrum_asking(0, false, NULL)),
                      all = spectrum_compute(n, K, spectrum_asking(0, true, NULL));
        const double norm = fmax(fabs(expected[0]), fabs(expected[n - 1]));
        ck_assert_str_eq(values.route, "dense two-stage");
        ck_assert_ptr_null(values.evec);
        ck_assert_ptr_null(values.residual);
        ck_assert_relative(values.norm, norm, spectrum_tolerance_for(n));
        for (size_t k = 0; k < n; k++) {
            ck_assert_close(values.eval[k], expected[k], spectrum_tolerance_for(n), norm);
            ck_assert_close(all.eval[k], expected[k], spectrum_tolerance_for(n), norm);
        }
        spectrum_check_vectors(n, K, &all, spectrum_tolerance_for(n));
        qntk_spectrum_free(&values);
        qntk_spectrum_free(&all);
        qntk_free(expected);
        qntk_free(K);
    }
}
END_TEST

START_TEST(the_leading_ones_of_the_dense_route_are_the_first_of_all)
{
    const size_t n = 220, top = 37;
    double *K = spectrum_random_symmetric(n, 5), *expected = spectrum_twin(n, K);
    qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(top, true, "dense"));
    for (size_t k = 0; k < top; k++)
        ck_assert_close(s.eval[k], expected[k], spectrum_tolerance_for(n), s.norm);
    spectrum_check_vectors(n, K, &s, spectrum_tolerance_for(n));
    qntk_spectrum_free(&s);
    qntk_free(expected);
    qntk_free(K);
}
END_TEST

START_TEST(closed_forms_come_out)
{
    const size_t n = 100;
    double *K = qntk_alloc_zero(n * n, sizeof(double));
    qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(0, true, NULL)); /* zero */
    for (size_t k = 0; k < n; k++)
        ck_assert_double_eq(s.eval[k], 0);
    spectrum_check_vectors(n, K, &s, 0);
    qntk_spectrum_free(&s);

    for (size_t i = 0; i < n; i++)
        K[i * n + i] = 7; /* 7 I */
    s = spectrum_compute(n, K, spectrum_asking(0, true, NULL));
    for (size_t k = 0; k < n; k++)
        ck_assert_double_eq(s.eval[k], 7);
    spectrum_check_vectors(n, K, &s, 0);
    qntk_spectrum_free(&s);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            K[i * n + j] =
                (double)(qntk_min(i, j) + 1); /* Brownian motion: 1 / (4 sin^2((2k-1) pi / (4n+2))) */
    s = spectrum_compute(n, K, spectrum_asking(0, false, NULL));
    for (size_t k = 0; k < n; k++) {
        const double half = sin((double)(2 * k + 1) * acos(-1) / (double)(4 * n + 2));
        ck_assert_close(s.eval[k], 1 / (4 * half * half), spectrum_tolerance_for(n), s.norm);
    }
    qntk_spectrum_free(&s);
    qntk_free(K);
}
END_TEST

START_TEST(a_hilbert_matrix_agrees_with_lapacks_relatively_robust_route)
{
    const size_t n = 60;
    double *K = qntk_alloc(n * n, sizeof(double)), *copy = qntk_alloc(n * n, sizeof(double)), value[60],
           trace = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            copy[i * n + j] = K[i * n + j] = 1 / (double)(i + j + 1);
    lapack_int found = 0, support[120];
    ck_assert_int_eq(LAPACKE_dsyevr(LAPACK_ROW_MAJOR, 'N', 'A', 'L', (int)n, copy, (int)n, 0, 0, 0, 0, 0,
                                    &found, value, NULL, (int)n, support),
                     0);
    qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(0, true, NULL));
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        ck_assert_close(s.eval[k], value[n - 1 - k], spectrum_tolerance_for(n), s.norm);
        sum += s.eval[k];
        trace += K[k * n + k];
    }
    ck_assert_relative(sum, trace, spectrum_tolerance_for(n));
    spectrum_check_vectors(n, K, &s, spectrum_tolerance_for(n));
    qntk_spectrum_free(&s);
    qntk_free(copy);
    qntk_free(K);
}
END_TEST

START_TEST(the_seed_decides_the_start_and_nothing_else_does)
{
    const size_t n = 700, top = 12;
    double *K = spectrum_gauss_kernel(n, 4, 13);
    qntk_spectrum_options options = spectrum_asking(top, true, "block");
    qntk_spectrum a = spectrum_compute(n, K, options), b = spectrum_compute(n, K, options);
    ck_assert_mem_eq(a.evec, b.evec, n * top * sizeof(double));
    options.seed = 1;
    qntk_spectrum c = spectrum_compute(n, K, options);
    ck_assert_mem_ne(a.evec, c.evec, n * top * sizeof(double));
    for (size_t k = 0; k < top; k++)
        ck_assert_close(a.eval[k], c.eval[k], 1e-10, a.norm);
    qntk_spectrum_free(&a);
    qntk_spectrum_free(&b);
    qntk_spectrum_free(&c);
    qntk_free(K);
}
END_TEST

/* ---- both ---- */

START_TEST(the_bytes_do_not_depend_on_the_number_of_threads)
{
    const size_t n = 800;
    const struct {
        size_t top;
        const char *route;
    } cases[] = {{0, "dense"}, {30, "dense"}, {30, "block"}};
    double *K = spectrum_gauss_kernel(n, 4, 14);
    for (size_t c = 0; c < 3; c++) {
        qntk_spectrum one = {0};
        for (size_t threads = 1; threads <= 3; threads++) {
            ck_assert_ok(qntk_threads_set(threads));
            qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(cases[c].top, true, cases[c].route));
            if (threads == 1) {
                one = s;
                continue;
            }
            ck_assert_mem_eq(s.eval, one.eval, s.count * sizeof(double));
            ck_assert_mem_eq(s.evec, one.evec, n * s.count * sizeof(double));
            ck_assert_mem_eq(s.residual, one.residual, s.count * sizeof(double));
            qntk_spectrum_free(&s);
        }
        qntk_spectrum_free(&one);
    }
    ck_assert_ok(qntk_threads_set(0));
    qntk_free(K);
}
END_TEST

START_TEST(scaling_by_a_power_of_two_scales_the_values)
{
    const size_t n = 650;
    const int exponents[] = {1010, -1010};
    const char *route[] = {"dense", "block"};
    double *K = spectrum_gauss_kernel(n, 4, 15), *scaled = qntk_alloc(n * n, sizeof(double));
    for (size_t r = 0; r < 2; r++) {
        qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(10, true, route[r]));
        for (size_t e = 0; e < 2; e++) {
            for (size_t i = 0; i < n * n; i++)
                scaled[i] = ldexp(K[i], exponents[e]);
            qntk_spectrum t = spectrum_compute(n, scaled, spectrum_asking(10, true, route[r]));
            for (size_t k = 0; k < 10; k++) {
                ck_assert_close(ldexp(t.eval[k], -exponents[e]), s.eval[k], spectrum_tolerance_for(n),
                                s.norm);
                ck_assert_double_le(ldexp(t.residual[k], -exponents[e]), 1e-10 * s.norm);
            }
            qntk_spectrum_free(&t);
        }
        qntk_spectrum_free(&s);
    }
    qntk_free(scaled);
    qntk_free(K);
}
END_TEST

START_TEST(only_the_lower_triangle_is_read_and_nothing_is_written)
{
    const size_t n = 620;
    double *K = spectrum_gauss_kernel(n, 4, 16), *poisoned = spectrum_gauss_kernel(n, 4, 16);
    const char *route[] = {"dense", "block"};
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            poisoned[i * n + j] = NAN;
    for (size_t r = 0; r < 2; r++) {
        qntk_spectrum a = spectrum_compute(n, K, spectrum_asking(9, true, route[r])),
                      b = spectrum_compute(n, poisoned, spectrum_asking(9, true, route[r]));
        ck_assert_mem_eq(a.evec, b.evec, 9 * n * sizeof(double));
        ck_assert_mem_eq(a.residual, b.residual, 9 * sizeof(double));
        qntk_spectrum_free(&a);
        qntk_spectrum_free(&b);
    }
    for (size_t i = 0; i < n; i++)
        ck_assert_mem_eq(K + i * n, poisoned + i * n, (i + 1) * sizeof(double));
    qntk_free(K);
    qntk_free(poisoned);
}
END_TEST

START_TEST(bad_input_is_named)
{
    const size_t n = 40;
    double *K = spectrum_random_symmetric(n, 17);
    qntk_spectrum s = {0};
    qntk_spectrum_options options = qntk_spectrum_defaults();
    ck_assert_fails(qntk_spectrum_compute(n, K, options, NULL), QNTK_INVALID, "out");
    ck_assert_fails(qntk_spectrum_compute(n, NULL, options, &s), QNTK_INVALID, "K");
    ck_assert_fails(qntk_spectrum_compute(n, K, spectrum_asking(41, false, NULL), &s), QNTK_INVALID, "top");
    ck_assert_fails(qntk_spectrum_compute(n, K, spectrum_asking(1, false, "magic"), &s), QNTK_INVALID,
                    "route 'magic'");
    ck_assert_fails(qntk_spectrum_compute(n, K, spectrum_asking(0, false, "block"), &s), QNTK_INVALID,
                    "top must be");
    options.tolerance = 0;
    ck_assert_fails(qntk_spectrum_compute(n, K, options, &s), QNTK_INVALID, "tolerance");
    K[30 * n + 20] = NAN;
    ck_assert_fails(qntk_spectrum_compute(n, K, spectrum_asking(0, true, NULL), &s), QNTK_NOT_FINITE,
                    "(30,20)");
    ck_assert_fails(qntk_spectrum_compute(n, K, spectrum_asking(2, true, "block"), &s), QNTK_NOT_FINITE,
                    "(30,20)");
    ck_assert_ptr_null(s.eval);
    qntk_free(K);
    s = spectrum_compute(0, NULL, qntk_spectrum_defaults());
    ck_assert_uint_eq(s.count, 0);
    qntk_spectrum_free(&s);
}
END_TEST

START_TEST(every_failing_allocation_is_reported_and_nothing_leaks)
{
    const size_t n = 130;
    const char *route[] = {"dense", "block"};
    double *K = spectrum_gauss_kernel(n, 2, 18);
    for (size_t r = 0; r < 2; r++) {
        qntk_spectrum_options options = spectrum_asking(6, true, route[r]);
        qntk_memory_fail_after(-1);
        qntk_spectrum s = spectrum_compute(n, K, options);
        const long allocations = qntk_memory_fail_after(-1);
        ck_assert_int_gt(allocations, 20);
        qntk_spectrum_free(&s);
        for (long i = 0; i < allocations; i++) {
            qntk_memory_fail_after(i);
            ck_assert_fails(qntk_spectrum_compute(n, K, options, &s), QNTK_NO_MEMORY, "out of memory");
            ck_assert_ptr_null(s.eval);
            ck_assert_ptr_null(s.evec);
        }
        qntk_memory_fail_after(-1);
    }
    qntk_free(K);
}
END_TEST

START_TEST(an_interrupt_ends_either_route)
{
    const size_t n = 900;
    const char *route[] = {"dense", "block"};
    double *K = spectrum_gauss_kernel(n, 6, 19);
    for (size_t r = 0; r < 2; r++) {
        int calls = 0;
        qntk_spectrum s = {0};
        qntk_progress_set(interrupt_soon, &calls);
        ck_assert_fails(qntk_spectrum_compute(n, K, spectrum_asking(40, true, route[r]), &s),
                        QNTK_INTERRUPTED, "interrupted");
        qntk_progress_set(NULL, NULL);
        qntk_interrupt_clear();
        ck_assert_int_ge(calls, 1);
        ck_assert_ptr_null(s.eval);
    }
    qntk_free(K);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, tridiagonal_eigenpairs_agree_with_bisection_and_are_orthonormal);
    tcase_add_test(tcase, rows_times_eigenvectors_are_the_rows_of_the_product);
    tcase_add_test(tcase, all_values_and_vectors_agree_with_lapack);
    tcase_add_test(tcase, the_leading_ones_of_the_dense_route_are_the_first_of_all);
    tcase_add_test(tcase, closed_forms_come_out);
    tcase_add_test(tcase, a_hilbert_matrix_agrees_with_lapacks_relatively_robust_route);
    tcase_add_test(tcase, the_seed_decides_the_start_and_nothing_else_does);
    tcase_add_test(tcase, the_bytes_do_not_depend_on_the_number_of_threads);
    tcase_add_test(tcase, scaling_by_a_power_of_two_scales_the_values);
    tcase_add_test(tcase, only_the_lower_triangle_is_read_and_nothing_is_written);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_leaks);
    tcase_add_test(tcase, an_interrupt_ends_either_route);
}

int main(void)
{
    return test_main("spectrum", add_tests);
}
