/* Problems for paths of ridges. */
#ifndef QNTK_TEST_RIDGE_PROBLEM_H
#define QNTK_TEST_RIDGE_PROBLEM_H

#include "test.h"

static const qntk_ridge_route routes[] = {QNTK_RIDGE_ROUTE_BAND, QNTK_RIDGE_ROUTE_CHOLESKY};
enum { ROUTES = 2 };

/* The Laplace kernel exp(-|x - z|) of random points in the plane: eigenvalues over three or four decades. */
double *ridge_random_kernel(size_t n, uint64_t seed);

double *ridge_random_targets(size_t count, uint64_t seed);

qntk_ridge_path ridge_solve(size_t n, const double *K, size_t m, const double *Y, size_t count,
                            const double *ridge, qntk_ridge_detail detail, qntk_ridge_route route);

#endif
