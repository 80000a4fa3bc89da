#include "test.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <string.h>

#include "tridiag_internal.h"

/* Sizes on both sides of the band (32), of a tile (64), of a chunk (128) and of a block of tiles. */
static const size_t sizes[] = {1,  2,  3,  4,  5,   31,  32,  33,  34,  63,  64,  65,
                               66, 95, 96, 97, 127, 129, 191, 200, 257, 300, 515, 641};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Symmetric with independent normal entries; the upper triangle is poisoned where it must not be read. */
static double *random_symmetric(size_t n, uint64_t seed, bool poison)
{
    double *K = qntk_alloc(n * n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            K[i * n + j] = qntk_rng_normal(&rng);
            K[j * n + i] = poison && i != j ? NAN : K[i * n + j];
        }
    return K;
}

static double frobenius(size_t count, const double *x)
{
    return count == 0 ? 0 : cblas_dnrm2((int)count, x, 1);
}

static qntk_tridiag *reduce(size_t n, const double *K, bool keep)
{
    qntk_tridiag_options options = qntk_tridiag_defaults();
    options.keep_reflectors = keep;
    qntk_tridiag *t = NULL;
    ck_assert_ok(qntk_tridiag_create(n, K, options, &t));
    ck_assert_uint_eq(qntk_tridiag_size(t), n);
    return t;
}

/* Eigenvalues of T, ascending. */
static double *eigenvalues_of(const qntk_tridiag *t)
{
    const size_t n = qntk_tridiag_size(t);
    double *d = qntk_alloc(n, sizeof(double)), *e = qntk_alloc(n, sizeof(double));
    memcpy(d, qntk_tridiag_diag(t), n * sizeof(double));
    if (n > 1)
        memcpy(e, qntk_tridiag_offdiag(t), (n - 1) * sizeof(double));
    ck_assert_int_eq(LAPACKE_dsterf((int)n, d, e), 0);
    qntk_free(e);
    return d;
}

START_TEST(eigenvalues_agree_with_lapack_for_sizes_around_every_boundary)
{
    for (size_t s = 0; s < SIZES; s++) {
        const size_t n = sizes[s];
        double *K = random_symmetric(n, 100 + n, false), *expected = qntk_alloc(n, sizeof(double));
        qntk_tridiag *t = reduce(n, K, false);
        double *found = eigenvalues_of(t);
        const double norm = frobenius(n * n, K);
        ck_assert_int_eq(LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'N', 'L', (int)n, K, (int)n, expected), 0);
        for (size_t i = 0; i < n; i++)
            ck_assert_close(found[i], expected[i], 4 * sqrt((double)n) * DBL_EPSILON, norm);
        qntk_tridiag_destroy(&t);
        qntk_free(found);
        qntk_free(expected);
        qntk_free(K);
    }
}
END_TEST

START_TEST(only_the_lower_triangle_is_read_and_nothing_is_written)
{
    const size_t n = 201;
    double *K = random_symmetric(n, 7, false), *poisoned = random_symmetric(n, 7, true);
    double *copy = random_symmetric(n, 7, true);
    qntk_tridiag *a = reduce(n, K, false), *b = reduce(n, poisoned, false);
    ck_assert_mem_eq(qntk_tridiag_diag(a), qntk_tridiag_diag(b), n * sizeof(double));
    ck_assert_mem_eq(qntk_tridiag_offdiag(a), qntk_tridiag_offdiag(b), (n - 1) * sizeof(double));
    ck_assert_mem_eq(poisoned, copy, n * n * sizeof(double));
    qntk_tridiag_destroy(&a);
    qntk_tridiag_destroy(&b);
    ck_assert_ptr_null(a);
    qntk_tridiag_destroy(&a);
    qntk_free(K);
    qntk_free(poisoned);
    qntk_free(copy);
}
END_TEST

/* Q as apply makes it from the identity. */
static double *orthogonal_factor(const qntk_tridiag *t)
{
    const size_t n = qntk_tridiag_size(t);
    double *Q = qntk_alloc_zero(n * n, sizeof(double));
    for (size_t i = 0; i < n; i++)
        Q[i * n + i] = 1;
    ck_assert_ok(qntk_tridiag_apply(t, false, n, Q));
    return Q;
}

START_TEST(q_is_orthogonal_and_q_t_qt_is_the_matrix)
{
    for (size_t s = 0; s < SIZES; s++) {
        const size_t n = sizes[s];
        const int N = (int)n;
        double *K = random_symmetric(n, 200 + n, false);
        qntk_tridiag *t = reduce(n, K, true);
        double *Q = orthogonal_factor(t), *R = qntk_alloc_zero(n * n, sizeof(double));
        const double norm = frobenius(n * n, K), tolerance = 4 * sqrt((double)n) * DBL_EPSILON;

        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, N, N, N, 1, Q, N, Q, N, 0, R, N);
        for (size_t i = 0; i < n; i++)
            R[i * n + i] -= 1;
        ck_assert_close(frobenius(n * n, R), 0, tolerance, sqrt((double)n));

        /* R = Q T, then K - R Q' */
        const double *diag = qntk_tridiag_diag(t), *off = qntk_tridiag_offdiag(t);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                R[i * n + j] = Q[i * n + j] * diag[j] + (j > 0 ? Q[i * n + j - 1] * off[j - 1] : 0) +
                               (j + 1 < n ? Q[i * n + j + 1] * off[j] : 0);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, N, N, -1, R, N, Q, N, 1, K, N);
        ck_assert_close(frobenius(n * n, K), 0, tolerance, norm);

        qntk_tridiag_destroy(&t);
        qntk_free(Q);
        qntk_free(R);
        qntk_free(K);
    }
}
END_TEST

START_TEST(the_transpose_undoes_q_on_blocks_of_any_width)
{
    const size_t n = 230, widths[] = {1, 10, 31, 32, 33, 70, 520};
    double *K = random_symmetric(n, 3, false);
    qntk_tridiag *t = reduce(n, K, true);
    double *Q = orthogonal_factor(t);
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        const size_t m = widths[w];
        double *B = qntk_alloc(n * m, sizeof(double)), *expected = qntk_alloc(n * m, sizeof(double));
        double *product = qntk_alloc(n * m, sizeof(double));
        qntk_rng rng = qntk_rng_create(4, m);
        for (size_t i = 0; i < n * m; i++)
            expected[i] = B[i] = qntk_rng_normal(&rng);
        const double norm = frobenius(n * m, B);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)n, 1, Q, (int)n, B,
                    (int)m, 0, product, (int)m);
        ck_assert_ok(qntk_tridiag_apply(t, false, m, B));
        cblas_daxpy((int)(n * m), -1, B, 1, product, 1);
        ck_assert_close(frobenius(n * m, product), 0, 4 * sqrt((double)n) * DBL_EPSILON, norm);
        ck_assert_ok(qntk_tridiag_apply(t, true, m, B));
        cblas_daxpy((int)(n * m), -1, B, 1, expected, 1);
        ck_assert_close(frobenius(n * m, expected), 0, 4 * sqrt((double)n) * DBL_EPSILON, norm);
        qntk_free(B);
        qntk_free(expected);
        qntk_free(product);
    }
    qntk_tridiag_destroy(&t);
    qntk_free(Q);
    qntk_free(K);
}
END_TEST

START_TEST(a_diagonal_matrix_keeps_its_diagonal_to_the_bit)
{
    const size_t n = 150;
    double *K = qntk_alloc_zero(n * n, sizeof(double));
    for (size_t i = 0; i < n; i++)
        K[i * n + i] = sin((double)i);
    qntk_tridiag *t = reduce(n, K, true);
    for (size_t i = 0; i < n; i++) {
        ck_assert_double_eq(qntk_tridiag_diag(t)[i], K[i * n + i]);
        if (i + 1 < n)
            ck_assert_double_eq(qntk_tridiag_offdiag(t)[i], 0);
    }
    double *Q = orthogonal_factor(t);
    for (size_t i = 0; i < n * n; i++)
        ck_assert_double_eq(Q[i], i % (n + 1) == 0 ? 1 : 0);
    qntk_free(Q);
    qntk_tridiag_destroy(&t);
    qntk_free(K);
}
END_TEST

START_TEST(the_laplacian_has_its_known_eigenvalues)
{
    const size_t n = 333;
    double *K = qntk_alloc_zero(n * n, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        K[i * n + i] = 2;
        if (i > 0)
            K[i * n + i - 1] = -1;
    }
    qntk_tridiag *t = reduce(n, K, false);
    double *found = eigenvalues_of(t);
    for (size_t i = 0; i < n; i++) {
        const double half = sin((double)(i + 1) * acos(-1) / (double)(2 * (n + 1)));
        ck_assert_close(found[i], 4 * half * half, 4 * sqrt((double)n) * DBL_EPSILON, 4);
    }
    qntk_free(found);
    qntk_tridiag_destroy(&t);
    qntk_free(K);
}
END_TEST

START_TEST(a_matrix_of_rank_one_has_one_eigenvalue)
{
    const size_t n = 260;
    double *K = qntk_alloc(n * n, sizeof(double)), square = 0;
    for (size_t i = 0; i < n; i++) {
        square += cos((double)i) * cos((double)i);
        for (size_t j = 0; j < n; j++)
            K[i * n + j] = cos((double)i) * cos((double)j);
    }
    qntk_tridiag *t = reduce(n, K, false);
    double *found = eigenvalues_of(t);
    for (size_t i = 0; i < n; i++)
        ck_assert_close(found[i], i + 1 < n ? 0 : square, 4 * sqrt((double)n) * DBL_EPSILON, square);
    qntk_free(found);
    qntk_tridiag_destroy(&t);
    qntk_free(K);
}
END_TEST

START_TEST(trace_and_frobenius_norm_are_kept)
{
    const size_t n = 410;
    double *K = random_symmetric(n, 11, false), trace = 0, sum = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        trace += K[i * n + i];
    qntk_tridiag *t = reduce(n, K, false);
    for (size_t i = 0; i < n; i++) {
        const double d = qntk_tridiag_diag(t)[i], e = i + 1 < n ? qntk_tridiag_offdiag(t)[i] : 0;
        sum += d;
        square += d * d + 2 * e * e;
    }
    const double norm = frobenius(n * n, K);
    ck_assert_close(sum, trace, (double)n * DBL_EPSILON, norm);
    ck_assert_relative(sqrt(square), norm, (double)n * DBL_EPSILON);
    qntk_tridiag_destroy(&t);
    qntk_free(K);
}
END_TEST

START_TEST(the_bytes_do_not_depend_on_the_number_of_threads)
{
    const size_t ns[] = {70, 500, 1100}, m = 45;
    for (size_t s = 0; s < sizeof ns / sizeof ns[0]; s++) {
        const size_t n = ns[s];
        double *K = random_symmetric(n, 13, false), *first = qntk_alloc(n * m, sizeof(double));
        qntk_tridiag *one = NULL;
        for (size_t threads = 1; threads <= 3; threads++) {
            ck_assert_ok(qntk_threads_set(threads));
            qntk_tridiag *t = reduce(n, K, true);
            double *B = qntk_alloc(n * m, sizeof(double));
            for (size_t i = 0; i < n * m; i++)
                B[i] = sin((double)i);
            ck_assert_ok(qntk_tridiag_apply(t, false, m, B));
            ck_assert_ok(qntk_tridiag_apply(t, true, m - 1, B));
            if (threads == 1) {
                one = t;
                memcpy(first, B, n * m * sizeof(double));
            } else {
                ck_assert_mem_eq(qntk_tridiag_diag(t), qntk_tridiag_diag(one), n * sizeof(double));
                ck_assert_mem_eq(qntk_tridiag_offdiag(t), qntk_tridiag_offdiag(one),
                                 (n - 1) * sizeof(double));
                ck_assert_mem_eq(B, first, n * m * sizeof(double));
                qntk_tridiag_destroy(&t);
            }
            qntk_free(B);
        }
        qntk_tridiag_destroy(&one);
        qntk_free(first);
        qntk_free(K);
    }
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

typedef struct {
    size_t n;
    const double *K;
    qntk_tridiag *result[6];
} inner_reductions;

static qntk_status reduce_inside(void *context, size_t index, size_t worker)
{
    (void)worker;
    inner_reductions *inner = context;
    return qntk_tridiag_create(inner->n, inner->K, qntk_tridiag_defaults(), &inner->result[index]);
}

START_TEST(inside_a_parallel_loop_the_bytes_are_the_same)
{
    inner_reductions inner = {.n = 333, .K = random_symmetric(333, 31, false)};
    ck_assert_ok(qntk_threads_set(3));
    qntk_tridiag *outside = reduce(inner.n, inner.K, false);
    ck_assert_ok(qntk_parallel_for(6, reduce_inside, &inner));
    for (size_t i = 0; i < 6; i++) {
        ck_assert_mem_eq(qntk_tridiag_diag(inner.result[i]), qntk_tridiag_diag(outside),
                         inner.n * sizeof(double));
        ck_assert_mem_eq(qntk_tridiag_offdiag(inner.result[i]), qntk_tridiag_offdiag(outside),
                         (inner.n - 1) * sizeof(double));
        qntk_tridiag_destroy(&inner.result[i]);
    }
    qntk_tridiag_destroy(&outside);
    qntk_free((void *)inner.K);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

START_TEST(huge_tiny_and_subnormal_matrices_are_scaled)
{
    const size_t n = 140;
    const int exponents[] = {1000, -1000, -1060}; /* of two; the entries themselves are below 5 */
    double *K = random_symmetric(n, 17, false), *scaled = qntk_alloc(n * n, sizeof(double));
    qntk_tridiag *t = reduce(n, K, false);
    double *expected = eigenvalues_of(t);
    for (size_t s = 0; s < 3; s++) {
        for (size_t i = 0; i < n * n; i++)
            scaled[i] = ldexp(K[i], exponents[s]);
        qntk_tridiag *u = reduce(n, scaled, false);
        double *found = eigenvalues_of(u);
        /* at 2^-1060 entries and eigenvalues are multiples of 2^-1074: an error of n^1/2 halves of that */
        const double grain = exponents[s] < -1022 ? ldexp(1, -1074 - exponents[s]) : 0;
        for (size_t i = 0; i < n; i++)
            ck_assert_close(ldexp(found[i], -exponents[s]), expected[i], sqrt((double)n),
                            4 * DBL_EPSILON * frobenius(n * n, K) + grain);
        qntk_free(found);
        qntk_tridiag_destroy(&u);
    }
    qntk_free(expected);
    qntk_free(scaled);
    qntk_tridiag_destroy(&t);
    qntk_free(K);
}
END_TEST

START_TEST(zero_one_and_two_rows_work)
{
    qntk_tridiag *t = reduce(0, NULL, true);
    ck_assert_ok(qntk_tridiag_apply(t, false, 5, NULL));
    qntk_tridiag_destroy(&t);
    const double one = -3;
    t = reduce(1, &one, true);
    ck_assert_double_eq(qntk_tridiag_diag(t)[0], -3);
    double x[2] = {2, 0};
    ck_assert_ok(qntk_tridiag_apply(t, false, 2, x));
    ck_assert_double_eq(x[0], 2);
    qntk_tridiag_destroy(&t);
    const double two[4] = {1, NAN, 5, 2};
    t = reduce(2, two, false);
    ck_assert_double_eq(qntk_tridiag_diag(t)[0], 1);
    ck_assert_double_eq(qntk_tridiag_diag(t)[1], 2);
    ck_assert_double_eq(fabs(qntk_tridiag_offdiag(t)[0]), 5);
    qntk_tridiag_destroy(&t);
}
END_TEST

START_TEST(bad_input_is_named)
{
    const size_t n = 70;
    double *K = random_symmetric(n, 19, false);
    qntk_tridiag_options options = qntk_tridiag_defaults();
    qntk_tridiag *t = NULL;
    K[40 * n + 7] = NAN;
    ck_assert_fails(qntk_tridiag_create(n, K, options, &t), QNTK_NOT_FINITE, "(40,7)");
    ck_assert_ptr_null(t);
    K[40 * n + 7] = -INFINITY;
    ck_assert_fails(qntk_tridiag_create(n, K, options, &t), QNTK_NOT_FINITE, "-inf");
    for (size_t i = 0; i < n * n; i++)
        K[i] = DBL_MAX;
    ck_assert_fails(qntk_tridiag_create(n, K, options, &t), QNTK_NOT_FINITE, "norm");
    ck_assert_fails(qntk_tridiag_create((size_t)1 << 31, K, options, &t), QNTK_TOO_LARGE, "rows");
    ck_assert_fails(qntk_tridiag_create(n, NULL, options, &t), QNTK_INVALID, "K");
    ck_assert_fails(qntk_tridiag_create(n, K, options, NULL), QNTK_INVALID, "out");
    for (size_t i = 0; i < n * n; i++)
        K[i] = 1;
    t = reduce(n, K, false);
    double B[70] = {0};
    ck_assert_fails(qntk_tridiag_apply(t, false, 1, B), QNTK_INVALID, "reflectors");
    qntk_tridiag_destroy(&t);
    t = reduce(n, K, true);
    B[3] = NAN;
    ck_assert_fails(qntk_tridiag_apply(t, false, 1, B), QNTK_NOT_FINITE, "columns 0 to 0");
    qntk_tridiag_destroy(&t);
    qntk_free(K);
}
END_TEST

START_TEST(every_failing_allocation_is_reported_and_nothing_leaks)
{
    const size_t n = 130;
    double *K = random_symmetric(n, 23, false), *B = qntk_alloc_zero(n, sizeof(double));
    qntk_tridiag_options options = {.keep_reflectors = true};
    qntk_memory_fail_after(-1);
    qntk_tridiag *t = reduce(n, K, true);
    const long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_gt(allocations, 10);
    qntk_tridiag_destroy(&t);
    for (long i = 0; i < allocations; i++) {
        qntk_memory_fail_after(i);
        ck_assert_fails(qntk_tridiag_create(n, K, options, &t), QNTK_NO_MEMORY, "out of memory");
        ck_assert_ptr_null(t);
    }
    qntk_memory_fail_after(-1);
    t = reduce(n, K, true);
    qntk_memory_fail_after(0);
    ck_assert_fails(qntk_tridiag_apply(t, true, 1, B), QNTK_NO_MEMORY, "out of memory");
    qntk_memory_fail_after(-1);
    qntk_tridiag_destroy(&t);
    qntk_free(B);
    qntk_free(K);
}
END_TEST

/* Interrupts when progress has passed a mark. */
static void interrupt_at(void *context, const char *label, double fraction)
{
    ck_assert_str_eq(label, "eigenvalues");
    if (fraction >= *(const double *)context)
        qntk_interrupt();
}

START_TEST(an_interrupt_ends_either_stage)
{
    const size_t n = 700;
    double *K = random_symmetric(n, 29, false);
    qntk_tridiag *t = NULL;
    for (size_t threads = 1; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        double at = 0; /* the first report: in stage 1 */
        qntk_progress_set(interrupt_at, &at);
        ck_assert_fails(qntk_tridiag_create(n, K, qntk_tridiag_defaults(), &t), QNTK_INTERRUPTED,
                        "interrupted");
        qntk_progress_set(NULL, NULL);
        qntk_interrupt_clear();
        double *band = qntk_alloc_zero((qntk_padded(n) + QNTK_TILE) * QNTK_BAND_LEAD, sizeof(double));
        qntk_progress_set(interrupt_at, &at); /* the first report of stage 2 */
        ck_assert_fails(qntk_band_chase(n, band, NULL), QNTK_INTERRUPTED, "interrupted");
        qntk_progress_set(NULL, NULL);
        qntk_interrupt_clear();
        qntk_free(band);
    }
    ck_assert_ok(qntk_threads_set(0));
    qntk_free(K);
}
END_TEST

static void fill(double *x, size_t count, uint64_t seed)
{
    qntk_rng rng = qntk_rng_create(seed, 1);
    for (size_t i = 0; i < count; i++)
        x[i] = qntk_rng_normal(&rng);
}

static void compare(const char *kernel, const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs(a[i] - b[i]) <= 1000 * DBL_EPSILON, "%s differs from baseline at %zu: %.17g %.17g",
                      kernel, i, a[i], b[i]);
}

START_TEST(the_kernels_of_every_instruction_set_agree)
{
    const qntk_kernels *const *all = qntk_kernels_all();
    size_t count = 0;
    while (all[count + 1] != NULL)
        count++;
    const qntk_kernels *plain = all[count];
    ck_assert_str_eq(plain->name, "baseline");
    for (size_t i = 0; i < count; i++) {
        double A[64 * 64], x[2][64 * 64], y[2][64 * 64], u[2][32], tau[2], v[32], scratch[32];
        fill(A, 64 * 64, 1);
        fill(x[0], 64 * 64, 2);
        memcpy(x[1], x[0], sizeof x[0]);
        memset(y, 0, sizeof y);
        fill(v, 32, 3);
        v[0] = 1;
        double square = 0;
        for (size_t r = 0; r < 32; r++)
            square += v[r] * v[r];
        for (size_t k = 0; k < 2; k++) {
            const qntk_kernels *kernels = k == 0 ? plain : all[i];
            kernels->multiply(60, 50, A, 64, 1, x[k], 32, y[k], 64, NULL, 0);
            kernels->multiply(64, 30, A + 1, 1, 64, x[k] + 7, 33, y[k], 64, A, 64);
            for (ptrdiff_t column = -1; column < 31; column++) {
                memset(scratch, 0, sizeof scratch);
                for (ptrdiff_t c = column + 1; c < 32; c++)
                    scratch[c] = 0.01 * v[c];
                kernels->panel_step(61, x[k], column, scratch, y[k] + 128 * (column + 1) / 4);
            }
            kernels->two_sided(x[k], v, 2 / square);
            kernels->right_left(x[k] + 32 + 64, v, 2 / square, u[k], &tau[k]);
            double taus[3] = {2 / square, 0, 2 / square};
            kernels->reflect(3, A, taus, true, y[k]);
            kernels->reflect(3, A, taus, false, y[k]);
        }
        compare(all[i]->name, x[0], x[1], 64 * 64);
        compare(all[i]->name, y[0], y[1], 64 * 64);
        compare(all[i]->name, u[0], u[1], 32);
        compare(all[i]->name, &tau[0], &tau[1], 1);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, eigenvalues_agree_with_lapack_for_sizes_around_every_boundary);
    tcase_add_test(tcase, only_the_lower_triangle_is_read_and_nothing_is_written);
    tcase_add_test(tcase, q_is_orthogonal_and_q_t_qt_is_the_matrix);
    tcase_add_test(tcase, the_transpose_undoes_q_on_blocks_of_any_width);
    tcase_add_test(tcase, a_diagonal_matrix_keeps_its_diagonal_to_the_bit);
    tcase_add_test(tcase, the_laplacian_has_its_known_eigenvalues);
    tcase_add_test(tcase, a_matrix_of_rank_one_has_one_eigenvalue);
    tcase_add_test(tcase, trace_and_frobenius_norm_are_kept);
    tcase_add_test(tcase, the_bytes_do_not_depend_on_the_number_of_threads);
    tcase_add_test(tcase, inside_a_parallel_loop_the_bytes_are_the_same);
    tcase_add_test(tcase, huge_tiny_and_subnormal_matrices_are_scaled);
    tcase_add_test(tcase, zero_one_and_two_rows_work);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_leaks);
    tcase_add_test(tcase, an_interrupt_ends_either_stage);
    tcase_add_test(tcase, the_kernels_of_every_instruction_set_agree);
}

int main(void)
{
    return test_main("tridiag", add_tests);
}
