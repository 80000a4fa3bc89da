/* See gram_check.h. */
#include "gram_check.h"

#include <math.h>

qntk_kernel gram_parse(const char *spec)
{
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    return kernel;
}

double *gram_whole_of(const qntk_kernel *kernel, size_t n, size_t d, const double *X,
                      qntk_gram_options options)
{
    qntk_gram *g;
    double *K = qntk_alloc(n * n, sizeof *K);
    ck_assert_ok(qntk_gram_create(kernel, d, n, X, 0, NULL, options, &g));
    ck_assert_ok(qntk_gram_fill(g, K));
    qntk_gram_destroy(&g);
    return K;
}

double *gram_whole(const char *spec, size_t n, size_t d, const double *X, qntk_gram_options options)
{
    qntk_kernel kernel = gram_parse(spec);
    return gram_whole_of(&kernel, n, d, X, options);
}

double gram_worst_entry_of(const qntk_kernel *kernel, size_t n, size_t d, const double *X, const double *K,
                           size_t step)
{
    double worst = 0;
    for (size_t i = 0; i < n; i += step)
        for (size_t j = 0; j < n; j++) {
            double exact = qntk_kernel_pair(kernel, d, X + i * d, X + j * d);
            double scale = sqrt(K[i * n + i] * K[j * n + j]);
            double error = fabs(K[i * n + j] - exact);
            worst = test_worse(worst, scale > 0 ? error / scale : error);
        }
    return worst;
}

double gram_worst_entry(const char *spec, size_t n, size_t d, const double *X, const double *K, size_t step)
{
    qntk_kernel kernel = gram_parse(spec);
    return gram_worst_entry_of(&kernel, n, d, X, K, step);
}
