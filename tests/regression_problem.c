/* See regression_problem.h. */
#include "regression_problem.h"

#include <math.h>

problem regression_problem_create(size_t n, size_t classes, uint64_t seed)
{
    problem p = {.n = n, .classes = classes};
    double *X = malloc(2 * n * sizeof *X);
    p.K = malloc(n * n * sizeof *p.K);
    p.y = malloc(n * sizeof *p.y);
    p.split.train = malloc(n * sizeof(size_t));
    p.split.test = malloc(n * sizeof(size_t));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t axis = 0; axis < 2; axis++)
            X[2 * i + axis] = qntk_rng_normal(&rng);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            p.K[i * n + j] = exp(-hypot(X[2 * i] - X[2 * j], X[2 * i + 1] - X[2 * j + 1]));
        const double value = 3 + sin(2 * X[2 * i]) + X[2 * i + 1] + 0.5 * qntk_rng_normal(&rng);
        p.y[i] = classes > 0 ? (double)((size_t)fabs(2 * value) % classes) : value;
        if (i % 4 != 1)
            p.split.train[p.split.train_count++] = (7 * i) % n;
        else
            p.split.test[p.split.test_count++] = (7 * i) % n;
    }
    free(X);
    return p;
}

void regression_problem_free(problem *p)
{
    free(p->K);
    free(p->y);
    free(p->split.train);
    free(p->split.test);
}

qntk_status regression_evaluate(const problem *p, size_t count, const double *ridge,
                                qntk_evaluate_options options, qntk_score *score, double *prediction)
{
    return qntk_evaluate_split(p->n, p->K, p->y, p->classes, &p->split, count, ridge, options, score,
                               prediction);
}
