/* Eigenpairs beside those of LAPACK. */
#ifndef QNTK_TEST_SPECTRUM_CHECK_H
#define QNTK_TEST_SPECTRUM_CHECK_H

#include "test.h"

double *spectrum_random_symmetric(size_t n, uint64_t seed);

/* exp(-|x_i - x_j|^2 / (2 d)) for random rows, a matrix whose eigenvalues decay fast. */
double *spectrum_gauss_kernel(size_t n, size_t d, uint64_t seed);

/* Descending, by LAPACK's divide and conquer. */
double *spectrum_twin(size_t n, const double *K);

double spectrum_tolerance_for(size_t n);

/* Orthonormal vectors, and residuals as reported and as a plain product gives them, within `bound` of the
 * norm. */
void spectrum_check_vectors(size_t n, const double *K, const qntk_spectrum *s, double bound);

qntk_spectrum spectrum_compute(size_t n, const double *K, qntk_spectrum_options options);

qntk_spectrum_options spectrum_asking(size_t top, bool vectors, const char *route);

#endif
