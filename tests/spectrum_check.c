/* See spectrum_check.h. */
#include "spectrum_check.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

double *spectrum_random_symmetric(size_t n, uint64_t seed)
{
    double *K = qntk_alloc(n * n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            K[i * n + j] = K[j * n + i] = qntk_rng_normal(&rng);
    return K;
}

double *spectrum_gauss_kernel(size_t n, size_t d, uint64_t seed)
{
    double *X = qntk_alloc(n * d, sizeof(double)), *K = qntk_alloc(n * n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n * d; i++)
        X[i] = qntk_rng_normal(&rng);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double square = 0;
            for (size_t k = 0; k < d; k++)
                square += (X[i * d + k] - X[j * d + k]) * (X[i * d + k] - X[j * d + k]);
            K[i * n + j] = exp(-square / (2 * (double)d));
        }
    qntk_free(X);
    return K;
}

double *spectrum_twin(size_t n, const double *K)
{
    double *copy = qntk_alloc(n * n, sizeof(double)), *value = qntk_alloc(n, sizeof(double));
    memcpy(copy, K, n * n * sizeof(double));
    ck_assert_int_eq(LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'L', (int)n, copy, (int)n, value), 0);
    for (size_t i = 0; i < n / 2; i++) {
        double swap = value[i];
        value[i] = value[n - 1 - i];
        value[n - 1 - i] = swap;
    }
    qntk_free(copy);
    return value;
}

double spectrum_tolerance_for(size_t n)
{
    return 8 * sqrt((double)n) * DBL_EPSILON;
}

void spectrum_check_vectors(size_t n, const double *K, const qntk_spectrum *s, double bound)
{
    const size_t m = s->count;
    ck_assert_ptr_nonnull(s->evec);
    ck_assert_ptr_nonnull(s->residual);
    double *G = qntk_alloc(m * m, sizeof(double)), *R = qntk_alloc(n * m, sizeof(double)), largest = 0;
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)m, (int)n, 1, s->evec, (int)m, s->evec,
                (int)m, 0, G, (int)m);
    for (size_t i = 0; i < m * m; i++)
        ck_assert_close(G[i], i % (m + 1) == 0 ? 1 : 0, 1e-13, 1);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)n, 1, K, (int)n, s->evec,
                (int)m, 0, R, (int)m);
    for (size_t k = 0; k < m; k++) {
        double square = 0;
        for (size_t i = 0; i < n; i++) {
            const double r = R[i * m + k] - s->eval[k] * s->evec[i * m + k];
            square += r * r;
        }
        ck_assert_close(sqrt(square), s->residual[k], spectrum_tolerance_for(n), s->norm);
        ck_assert_double_le(s->residual[k], bound * s->norm);
        largest = fmax(largest, s->residual[k]);
    }
    ck_assert_double_eq(largest, s->max_residual);
    qntk_free(G);
    qntk_free(R);
}

qntk_spectrum spectrum_compute(size_t n, const double *K, qntk_spectrum_options options)
{
    qntk_spectrum s = {0};
    ck_assert_ok(qntk_spectrum_compute(n, K, options, &s));
    ck_assert_uint_eq(s.count, options.top == 0 ? n : options.top);
    for (size_t k = 0; k + 1 < s.count; k++)
        ck_assert_double_ge(s.eval[k], s.eval[k + 1]);
    return s;
}

qntk_spectrum_options spectrum_asking(size_t top, bool vectors, const char *route)
{
    qntk_spectrum_options options = qntk_spectrum_defaults();
    options.top = top;
    options.vectors = vectors;
    options.route = route;
    options.space = route != NULL ? SIZE_MAX : 0; /* as large as it takes */
    return options;
}
