/* Gram matrices beside the pair function. */
#ifndef QNTK_TEST_GRAM_CHECK_H
#define QNTK_TEST_GRAM_CHECK_H

#include "test.h"

qntk_kernel gram_parse(const char *spec);

/* K of X through a Gram matrix with these options. */
double *gram_whole_of(const qntk_kernel *kernel, size_t n, size_t d, const double *X,
                      qntk_gram_options options);

double *gram_whole(const char *spec, size_t n, size_t d, const double *X, qntk_gram_options options);

/* Largest |K - pair| over sqrt(K_ii K_jj), on rows i = 0, step, .. against all columns. */
double gram_worst_entry_of(const qntk_kernel *kernel, size_t n, size_t d, const double *X, const double *K,
                           size_t step);

double gram_worst_entry(const char *spec, size_t n, size_t d, const double *X, const double *K, size_t step);

#endif
