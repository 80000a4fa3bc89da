/* Kernel regression on random rows. */
#ifndef QNTK_TEST_REGRESSION_PROBLEM_H
#define QNTK_TEST_REGRESSION_PROBLEM_H

#include "test.h"

/* A problem: the Laplace kernel of random points in the plane, labels that depend on them, three of four rows
 * to train on. */
typedef struct {
    size_t n, classes;
    double *K, *y;
    qntk_split split;
} problem;

problem regression_problem_create(size_t n, size_t classes, uint64_t seed);

void regression_problem_free(problem *p);

qntk_status regression_evaluate(const problem *p, size_t count, const double *ridge,
                                qntk_evaluate_options options, qntk_score *score, double *prediction);

#endif
