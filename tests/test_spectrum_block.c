/* Leading eigenpairs by block Lanczos. */
#include "spectrum_check.h"

#include <cblas.h>
#include <string.h>

#include "spectrum_internal.h"

/* H D H for the eigenvalues D and a product H of three random reflections. */
static double *with_eigenvalues(size_t n, const double *value, uint64_t seed)
{
    double *K = qntk_alloc_zero(n * n, sizeof(double)), *v = qntk_alloc(n, sizeof(double));
    double *w = qntk_alloc(n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n; i++)
        K[i * n + i] = value[i];
    for (int turn = 0; turn < 3; turn++) {
        double square = 0, product = 0;
        for (size_t i = 0; i < n; i++) {
            v[i] = qntk_rng_normal(&rng);
            square += v[i] * v[i];
        }
        cblas_dsymv(CblasRowMajor, CblasLower, (int)n, 2 / square, K, (int)n, v, 1, 0, w, 1);
        for (size_t i = 0; i < n; i++)
            product += v[i] * w[i];
        for (size_t i = 0; i < n; i++)
            w[i] -= product / square * v[i];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                K[i * n + j] -= v[i] * w[j] + w[i] * v[j];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            K[j * n + i] = K[i * n + j];
    qntk_free(v);
    qntk_free(w);
    return K;
}

/* ---- block ---- */

START_TEST(block_lanczos_finds_the_leading_pairs)
{
    const size_t n = 1000, tops[] = {1, 7, 40, 120};
    double *K = spectrum_gauss_kernel(n, 3, 7), *expected = spectrum_twin(n, K);
    for (size_t t = 0; t < 4; t++) {
        qntk_spectrum_options options = spectrum_asking(tops[t], true, NULL);
        options.space = n / 2;
        qntk_spectrum s = spectrum_compute(n, K, options);
        ck_assert_msg(strncmp(s.route, "block Lanczos (space", 20) == 0, "route: %s", s.route);
        /* a residual r bounds the error of an eigenvalue by r */
        for (size_t k = 0; k < tops[t]; k++)
            ck_assert_close(s.eval[k], expected[k], 1e-10, s.norm);
        ck_assert_relative(s.norm, expected[0], spectrum_tolerance_for(n));
        spectrum_check_vectors(n, K, &s, 1e-10);
        qntk_spectrum_free(&s);
    }
    qntk_free(expected);
    qntk_free(K);
}
END_TEST

START_TEST(values_only_come_with_their_residuals_too)
{
    const size_t n = 700;
    double *K = spectrum_gauss_kernel(n, 3, 8);
    qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(5, false, "block"));
    ck_assert_ptr_null(s.evec);
    ck_assert_ptr_nonnull(s.residual);
    ck_assert_double_gt(s.max_residual, 0);
    ck_assert_double_le(s.max_residual, 1e-10 * s.norm);
    qntk_spectrum_free(&s);
    qntk_free(K);
}
END_TEST

START_TEST(multiple_eigenvalues_are_all_found)
{
    /* multiplicities of a kernel on the sphere of R^10 at degrees 0 to 2, then one above the block of 32
     * again */
    const size_t n = 1200, multiplicity[] = {1, 10, 54, 70, 33};
    const double level[] = {10, 4, 2, 1.5, 1};
    double *value = qntk_alloc(n, sizeof(double));
    size_t at = 0;
    for (size_t l = 0; l < 5; l++)
        for (size_t i = 0; i < multiplicity[l]; i++)
            value[at++] = level[l];
    const size_t top = at + 6;
    for (size_t i = 0; at < n; i++)
        value[at++] = 0.5 * exp(-0.02 * (double)i); /* slow enough that the first chain goes on */
    double *K = with_eigenvalues(n, value, 9);
    qntk_spectrum_options options = spectrum_asking(top, true, "block");
    qntk_spectrum s = spectrum_compute(n, K, options);
    for (size_t k = 0; k < top; k++)
        ck_assert_close(s.eval[k], value[k], 1e-10, s.norm);
    spectrum_check_vectors(n, K, &s, 1e-10);
    qntk_spectrum_free(&s);
    qntk_free(value);
    qntk_free(K);
}
END_TEST

START_TEST(copies_beyond_the_width_of_a_block_are_not_missed)
{
    /* 32 of the 60 equal ones, 9 and 8 converge long before rounding brings in the others */
    const size_t n = 900, copies = 60, tops[] = {34, 62};
    double *value = qntk_alloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++)
        value[i] = i < copies ? 10 : i == copies ? 9 : i == copies + 1 ? 8 : (double)(n - i) / (double)n;
    double *K = with_eigenvalues(n, value, 20);
    for (size_t t = 0; t < 2; t++) {
        qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(tops[t], true, "block"));
        for (size_t k = 0; k < tops[t]; k++)
            ck_assert_close(s.eval[k], value[k], 1e-10, s.norm);
        spectrum_check_vectors(n, K, &s, 1e-10);
        qntk_spectrum_free(&s);
    }
    qntk_free(value);
    qntk_free(K);
}
END_TEST

START_TEST(duplicated_rows_double_the_eigenvalues)
{
    const size_t half = 400, n = 2 * half, top = 50;
    double *small_kernel = spectrum_gauss_kernel(half, 4, 10), *K = qntk_alloc(n * n, sizeof(double));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            K[i * n + j] = small_kernel[i / 2 * half + j / 2];
    double *expected = spectrum_twin(half, small_kernel);
    qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(top, true, NULL));
    for (size_t k = 0; k < top; k++)
        ck_assert_close(s.eval[k], 2 * expected[k], 1e-10, s.norm);
    spectrum_check_vectors(n, K, &s, 1e-10);
    qntk_spectrum_free(&s);
    qntk_free(expected);
    qntk_free(small_kernel);
    qntk_free(K);
}
END_TEST

START_TEST(degenerate_matrices_do_not_confuse_the_block_route)
{
    const size_t n = 650, top = 60;
    double *K = qntk_alloc_zero(n * n, sizeof(double));
    qntk_spectrum_options options = spectrum_asking(top, true, "block");
    qntk_spectrum s = spectrum_compute(n, K, options); /* zero */
    for (size_t k = 0; k < top; k++)
        ck_assert_double_eq(s.eval[k], 0);
    spectrum_check_vectors(n, K, &s, 0);
    qntk_spectrum_free(&s);

    for (size_t i = 0; i < n; i++)
        K[i * n + i] = -2; /* -2 I: the leading ones are negative */
    s = spectrum_compute(n, K, options);
    for (size_t k = 0; k < top; k++)
        ck_assert_close(s.eval[k], -2, spectrum_tolerance_for(n), 2);
    spectrum_check_vectors(n, K, &s, 1e-10);
    qntk_spectrum_free(&s);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            K[i * n + j] = sin((double)i) * sin((double)j); /* rank one */
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += sin((double)i) * sin((double)i);
    s = spectrum_compute(n, K, options);
    for (size_t k = 0; k < top; k++)
        ck_assert_close(s.eval[k], k == 0 ? square : 0, 1e-12, square);
    spectrum_check_vectors(n, K, &s, 1e-10);
    qntk_spectrum_free(&s);

    for (size_t i = 0; i < n; i++)
        K[i * n + i] -= 1000; /* the norm belongs to the other end */
    s = spectrum_compute(n, K, options);
    for (size_t k = 0; k < top; k++)
        ck_assert_close(s.eval[k], (k == 0 ? square : 0) - 1000, 1e-10, 1000);
    qntk_spectrum_free(&s);
    qntk_free(K);
}
END_TEST

START_TEST(without_decay_the_dense_route_takes_over)
{
    const size_t n = 900, top = 40;
    double *K = spectrum_random_symmetric(n, 11), *expected = spectrum_twin(n, K);
    qntk_spectrum s = spectrum_compute(n, K, spectrum_asking(top, true, NULL));
    ck_assert_msg(strncmp(s.route, "dense two-stage after block Lanczos", 35) == 0, "route: %s", s.route);
    for (size_t k = 0; k < top; k++)
        ck_assert_close(s.eval[k], expected[k], spectrum_tolerance_for(n), s.norm);
    spectrum_check_vectors(n, K, &s, spectrum_tolerance_for(n));
    qntk_spectrum_free(&s);
    qntk_free(expected);
    qntk_free(K);
}
END_TEST

START_TEST(what_converged_is_delivered)
{
    const size_t n = 900, top = 80;
    double *value = qntk_alloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++) /* six far from the rest */
        value[i] = i < 6 ? 1e4 * (double)(10 - i) : cos((double)i);
    double *K = with_eigenvalues(n, value, 12);
    qntk_spectrum s = {0};
    qntk_spectrum_options options = spectrum_asking(top, true, "block");
    options.space = n / 4;
    ck_assert_fails(qntk_spectrum_compute(n, K, options, &s), QNTK_NOT_CONVERGED, "of 80");
    ck_assert_uint_ge(s.count, 6);
    ck_assert_uint_lt(s.count, top);
    for (size_t k = 0; k < 6; k++)
        ck_assert_close(s.eval[k], value[k], 1e-10, s.norm);
    spectrum_check_vectors(n, K, &s, 1e-10);
    qntk_spectrum_free(&s);

    options = spectrum_asking(top, false, NULL);
    options.dense_fallback = false;
    ck_assert_fails(qntk_spectrum_compute(n, K, options, &s), QNTK_NOT_CONVERGED, "converged in a space of");
    qntk_spectrum_free(&s);
    options.space = 64;
    ck_assert_fails(qntk_spectrum_compute(n, K, options, &s), QNTK_NOT_CONVERGED, "cannot hold 80");
    ck_assert_uint_eq(s.count, 0);
    qntk_spectrum_free(&s);
    qntk_free(value);
    qntk_free(K);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, block_lanczos_finds_the_leading_pairs);
    tcase_add_test(tcase, values_only_come_with_their_residuals_too);
    tcase_add_test(tcase, multiple_eigenvalues_are_all_found);
    tcase_add_test(tcase, copies_beyond_the_width_of_a_block_are_not_missed);
    tcase_add_test(tcase, duplicated_rows_double_the_eigenvalues);
    tcase_add_test(tcase, degenerate_matrices_do_not_confuse_the_block_route);
    tcase_add_test(tcase, without_decay_the_dense_route_takes_over);
    tcase_add_test(tcase, what_converged_is_delivered);
}

int main(void)
{
    return test_main("spectrum_block", add_tests);
}
