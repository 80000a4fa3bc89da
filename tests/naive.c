#include "naive.h"

#include <math.h>

/* M = E[relu(h) relu(h')] and Mdot = E[relu'(h) relu'(h')], (h,h') normal with variances A, A', covariance
 * Sigma. */
static void relu_moments(double A, double A_prime, double Sigma, double *M, double *M_dot)
{
    double P = sqrt(A * A_prime), rho = P > 0 ? fmax(-1, fmin(1, Sigma / P)) : 0;
    *M = P * (sqrt((1 - rho) * (1 + rho)) + rho * (M_PI - acos(rho))) / (2 * M_PI);
    *M_dot = (M_PI - acos(rho)) / (2 * M_PI);
}

double naive_network(const qntk_network_shape *shape, size_t d, const double *x, const double *z)
{
    double xx = 0, xz = 0, zz = 0;
    for (size_t i = 0; i < d; i++) {
        xx += x[i] * x[i] / (double)d;
        xz += x[i] * z[i] / (double)d;
        zz += z[i] * z[i] / (double)d;
    }
    double b2 = shape->b_std * shape->b_std;
    double B = (double)shape->levels, step = 2 / (B - 1);
    double V = shape->levels == 0 ? 1 : 1.0 / 3, tau = shape->levels == 0 ? 0 : step * step / 6,
           g = 2 / (V + tau);
    double Sigma = g * V * xz + b2, D = g * V * xx + b2, D_prime = g * V * zz + b2;
    double S = g * tau * xx, S_prime = g * tau * zz, T = g * xz + b2;
    for (size_t layer = 2; layer <= shape->depth + 1; layer++) {
        if (layer == shape->depth + 1) { /* the readout */
            if (!shape->quantize_all) {
                V = 1;
                tau = 0;
            }
            g = 1 / (V + tau);
        }
        double A = D + S, A_prime = D_prime + S_prime, M, M_dot, M_x, M_z, unused;
        relu_moments(A, A_prime, Sigma, &M, &M_dot);
        relu_moments(A, A, D, &M_x, &unused);
        relu_moments(A_prime, A_prime, D_prime, &M_z, &unused);
        T = g * M + b2 + g * V * M_dot * T;
        Sigma = g * V * M + b2;
        D = g * V * M_x + b2;
        D_prime = g * V * M_z + b2;
        S = g * ((V + tau) * A / 2 - V * M_x);
        S_prime = g * ((V + tau) * A_prime / 2 - V * M_z);
    }
    return shape->nngp ? Sigma : T;
}
