/* See svm_problem.h. */
#include "svm_problem.h"

#include <math.h>

bool svm_missing(void)
{
    if (!qntk_svm_available())
        test_skip("built without libsvm");
    return !qntk_svm_available();
}

void svm_clouds(size_t n, size_t classes, uint64_t seed, double *K, double *y)
{
    double *X = qntk_alloc(2 * n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n; i++) {
        y[i] = (double)(i % classes);
        const double angle = 6.28 * y[i] / (double)classes;
        X[2 * i] = cos(angle) + 0.7 * qntk_rng_normal(&rng);
        X[2 * i + 1] = sin(angle) + 0.7 * qntk_rng_normal(&rng);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            K[i * n + j] = exp(-hypot(X[2 * i] - X[2 * j], X[2 * i + 1] - X[2 * j + 1]));
    qntk_free(X);
}

qntk_svm svm_fit(size_t n, const double *K, const double *y, size_t classes, double C)
{
    qntk_svm svm;
    ck_assert_ok(qntk_svm_fit(n, K, y, classes, n, all, C, &svm));
    return svm;
}

double svm_machine(const qntk_svm *svm, size_t n, const double *K, size_t i, size_t a, size_t b)
{
    const size_t classes = svm->classes;
    double sum = -svm->threshold[a * classes + b];
    for (size_t k = 0; k < svm->rows; k++) {
        if (svm->y[k] == (double)a)
            sum += svm->coef[k * classes + b] * K[i * n + svm->row[k]];
        if (svm->y[k] == (double)b)
            sum += svm->coef[k * classes + a] * K[i * n + svm->row[k]];
    }
    return sum;
}
