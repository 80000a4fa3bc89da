/* Rows for support vector machines. */
#ifndef QNTK_TEST_SVM_PROBLEM_H
#define QNTK_TEST_SVM_PROBLEM_H

#include <float.h>

#include "test.h"

/* libsvm stops when the optimality conditions hold to this, and rounds K to single precision. */
static const double stop = 1e-3, rounding = FLT_EPSILON / 2;

/* Tests of what needs libsvm are skipped without it, all but the refusal. */
bool svm_missing(void);

static const size_t all[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                             20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
                             40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59};

/* Clouds of overlapping classes in the plane under exp(-|x - z|). */
void svm_clouds(size_t n, size_t classes, uint64_t seed, double *K, double *y);

qntk_svm svm_fit(size_t n, const double *K, const double *y, size_t classes, double C);

/* f_ab of row i of K, as the header has it. */
double svm_machine(const qntk_svm *svm, size_t n, const double *K, size_t i, size_t a, size_t b);

#endif
