/* Plain twins: each formula as it stands in the paper or in the model, slow and obvious. */
#ifndef QNTK_TEST_NAIVE_H
#define QNTK_TEST_NAIVE_H

#include "qntk/qntk.h"

/* The layer recursion of the quasi neural network's kernels, with Sigma, D, S, T and rho. */
double naive_network(const qntk_network_shape *shape, size_t d, const double *x, const double *z);

/* Mean and variance of relu(mu + s Z) as m = mu Phi + s phi, m2 = (mu^2 + s^2) Phi + mu s phi, v = m2 - m^2
 * in extended precision: loses about z^4 units of the last place for z = mu/s < 0. */
void naive_relu_moments(double mu, double s, double *mean, double *variance);

/* The same from Laplace's continued fraction for the normal tail, to full accuracy for z <= -1. */
void naive_tail_moments(double mu, double s, double *mean, double *variance);

/* One layer of the moments, and a whole network on one row: out-of-place loops over the formula. `mean` and
 * `variance` have room for the greatest width. */
void naive_moments_layer(const qntk_moments_weights *layer, const double *mean_in, const double *variance_in,
                         double *mu, double *s2);
void naive_moments_network(const qntk_moments_weights *layers, size_t count, const double *x, double *mean,
                           double *variance);

/* (K + ridge I)^-1 of K (n,n) by Gauss-Jordan elimination in extended precision. */
void naive_ridge_inverse(size_t n, const double *K, double ridge, long double *inverse);

/* What each row is predicted to be, F (n,m), by kernel regression on all the others: n inverses. */
void naive_leave_one_out(size_t n, const double *K, size_t m, const double *Y, double ridge, double *F);

#endif
