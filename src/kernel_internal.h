/* The layer recursion of network kernels in the form that loses no accuracy, shared by the scalar
 * reference (kernel_pair.c), the tiles (tile.c) and the power series (mercer).
 *
 * docs/recursion.md derives it. For two rows x, x' write n = |x|/sqrt(d), and for each layer
 *     A, A'   total second moments of the pre-activations (over weights and rounding),
 *     P       = sqrt(A A'),
 *     rho     = covariance of the means / P, carried as u = 1 - rho (and, in the first layer, v = 1 + rho).
 * With the gains of qntk_network_shape, A grows by b^2 a layer: A_1 = 2 n^2 + b^2, A_{l+1} = A_l + b^2.
 * With theta = acos rho, w = (sin theta - theta cos theta)/pi, keep = V/(V+tau), lose = tau/(V+tau):
 *     u_1     = [ eta + 2 lose n n' + 2 keep n n' u_0 ] / P_1
 *     v_1     = [ eta + 2 lose n n' + 2 keep n n' v_0 + 2 b^2 ] / P_1
 *               with eta = 2 b^2 (n-n')^2 / (P_1 + 2 n n' + b^2) in both
 *     u_{l+1} = [ eta + lose P_l + keep P_l (u_l - w_l) ] / P_{l+1}
 *               with eta = b^2 (a_l-a_l')^2 / (P_{l+1} + P_l + b^2)
 *     M       = P (1 - u + w) / 2,                Mdot    = (pi - theta) / (2 pi)
 *     T_1     = 2 n n' (1 - u_0)/(V+tau) + b^2,   T_{l+1} = 2 M/(V+tau) + b^2 + 2 keep Mdot T_l
 *     readout (law V_r, tau_r):   nngp = keep_r M + b^2,   T = M/(V_r+tau_r) + b^2 + keep_r Mdot T
 * u_0 and v_0 are 1 -+ the cosine of the rows, a = sqrt(A). Every difference is taken between quantities
 * known exactly, so equal, nearly equal and opposite rows lose nothing. Derived here from model.md's
 * recursion (Sigma = P - P u; A' = g (V+tau) A/2 + b^2 because E relu^2 = A/2). */
#ifndef QNTK_KERNEL_INTERNAL_H
#define QNTK_KERNEL_INTERNAL_H

#include "internal.h"

/* The constants of a network's recursion. */
typedef struct {
    size_t depth;
    double b2;           /* b_std^2 */
    double keep, lose;   /* V/(V+tau), tau/(V+tau) of the hidden layers */
    double inv_moment;   /* 1/(V+tau) of the hidden layers */
    double keep_readout; /* V/(V+tau) of the readout */
    double inv_moment_readout;
    bool nngp;
} qntk_recursion;

qntk_recursion qntk_recursion_create(const qntk_network_shape *shape);

/* The value for root-mean-square norms n, n' and u_0, v_0 (u_0 + v_0 = 2, each accurate on its own). */
long double qntk_recursion_value(const qntk_recursion *r, long double n, long double n_prime, long double u0,
                                 long double v0);

/* K(x,x) for a row of root-mean-square norm n. */
double qntk_recursion_diagonal(const qntk_recursion *r, double n);

/* A radial kernel at distance r >= 0. */
double qntk_radial_value(const qntk_kernel *kernel, double r);

#endif
