/* See ridge_problem.h. */
#include "ridge_problem.h"

#include <math.h>

double *ridge_random_kernel(size_t n, uint64_t seed)
{
    double *K = qntk_alloc(n * n, sizeof(double)), *X = qntk_alloc(2 * n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < 2 * n; i++)
        X[i] = qntk_rng_normal(&rng);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            K[i * n + j] = exp(-hypot(X[2 * i] - X[2 * j], X[2 * i + 1] - X[2 * j + 1]));
    qntk_free(X);
    return K;
}

double *ridge_random_targets(size_t count, uint64_t seed)
{
    double *Y = qntk_alloc(count, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 1);
    for (size_t i = 0; i < count; i++)
        Y[i] = qntk_rng_normal(&rng);
    return Y;
}

qntk_ridge_path ridge_solve(size_t n, const double *K, size_t m, const double *Y, size_t count,
                            const double *ridge, qntk_ridge_detail detail, qntk_ridge_route route)
{
    qntk_ridge_options options = qntk_ridge_defaults();
    qntk_ridge_path path;
    options.detail = detail;
    options.route = route;
    ck_assert_ok(qntk_ridge_solve(n, K, m, Y, count, ridge, options, &path));
    return path;
}
