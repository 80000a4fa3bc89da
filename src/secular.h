/* The eigenproblem of diag(d) + rho z z', the heart of divide and conquer. */
#ifndef QNTK_SECULAR_H
#define QNTK_SECULAR_H

#include "tridiag_internal.h"

/* d ascending and distinct, no z zero, ||z|| = 1, rho > 0: what deflation leaves. */
typedef struct {
    size_t k;
    const double *d, *z;
    double rho;
    const qntk_kernels *kernels;
} qntk_secular;

/* Root j of 1/rho + sum z_i^2 / (d_i - x) = 0, between d_j and d_(j+1), as x = *origin + *mu with the origin
 * at the nearer pole, so that every d_i - x is known to nearly full relative accuracy. Cost: about 6 passes
 * over k terms. */
void qntk_secular_root(const qntk_secular *s, size_t j, double *origin, double *mu);

/* The z for which the computed roots are exact (Gu and Eisenstat): entries begin .. end-1 of w, which gives
 * eigenvectors that are orthogonal however close the roots. origin, mu (k). */
void qntk_secular_weights(const qntk_secular *s, const double *origin, const double *mu, size_t begin,
                          size_t end, double *w);

#endif
