/* Plain twins: each formula as it stands in the paper or in the model, slow and obvious. */
#ifndef QNTK_TEST_NAIVE_H
#define QNTK_TEST_NAIVE_H

#include "qntk/qntk.h"

/* The layer recursion of the quasi neural network's kernels, with Sigma, D, S, T and rho. */
double naive_network(const qntk_network_shape *shape, size_t d, const double *x, const double *z);

#endif
