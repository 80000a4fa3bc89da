#include "naive.h"

#include <math.h>
#include <stdlib.h>

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

static long double normal_density(long double z)
{
    return expl(-z * z / 2) / sqrtl(2 * 3.14159265358979323846264338327950288L);
}

void naive_relu_moments(double mu, double s, double *mean, double *variance)
{
    if (s == 0) {
        *mean = mu > 0 ? mu : 0;
        *variance = 0;
        return;
    }
    long double u = mu, w = s, z = u / w, Phi = erfcl(-z / sqrtl(2)) / 2, phi = normal_density(z);
    long double m = u * Phi + w * phi, m2 = (u * u + w * w) * Phi + u * w * phi;
    *mean = (double)m;
    *variance = (double)(m2 - m * m);
}

void naive_tail_moments(double mu, double s, double *mean, double *variance)
{
    long double x = -(long double)mu / s, r3 = 0;
    for (int n = 2000; n >= 4; n--) /* r_{n-1} = 1/(x + n r_n), r_n = I_n/I_{n-1} */
        r3 = 1 / (x + n * r3);
    long double r2 = 1 / (x + 3 * r3), r1 = 1 / (x + 2 * r2), r0 = 1 / (x + r1);
    long double I1 = normal_density(x) * r0 * r1, I2 = I1 * r2;
    *mean = (double)(s * I1);
    *variance = (double)((long double)s * s * (2 * I2 - I1 * I1));
}

void naive_moments_layer(const qntk_moments_weights *layer, const double *mean_in, const double *variance_in,
                         double *mu, double *s2)
{
    double n = (double)layer->fan_in, w = layer->w_std;
    for (size_t i = 0; i < layer->fan_out; i++) {
        double sum = 0, spread = 0;
        for (size_t j = 0; j < layer->fan_in; j++) {
            double theta = layer->latent[i * layer->fan_in + j], m = mean_in[j], v = variance_in[j], tau = 0;
            if (layer->noise != NULL)
                tau = layer->noise[i * layer->fan_in + j];
            if (layer->levels > 0) { /* the variance of the two grid points around theta */
                double step = 2 / ((double)layer->levels - 1), below = -1;
                while (below + step < theta - 1e-12)
                    below += step;
                tau = fmax(0, (theta - below) * (below + step - theta));
            }
            sum += theta * m;
            spread += tau * m * m + (tau + theta * theta) * v;
        }
        mu[i] = w / sqrt(n) * sum + (layer->bias != NULL ? layer->b_std * layer->bias[i] : 0);
        s2[i] = w * w / n * spread;
    }
}

void naive_moments_network(const qntk_moments_weights *layers, size_t count, const double *x, double *mean,
                           double *variance)
{
    size_t width = layers[0].fan_in;
    for (size_t l = 0; l < count; l++)
        width = layers[l].fan_out > width ? layers[l].fan_out : width;
    double *m = calloc(width, sizeof *m), *v = calloc(width, sizeof *v);
    for (size_t j = 0; j < layers[0].fan_in; j++)
        m[j] = x[j];
    for (size_t l = 0; l < count; l++) {
        naive_moments_layer(&layers[l], m, v, mean, variance);
        for (size_t i = 0; i < layers[l].fan_out; i++)
            naive_relu_moments(mean[i], sqrt(variance[i]), &m[i], &v[i]);
    }
    free(m);
    free(v);
}

void naive_ridge_inverse(size_t n, const double *K, double ridge, long double *inverse)
{
    long double *A = malloc(n * n * sizeof *A);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            A[i * n + j] = (long double)K[i * n + j] + (i == j ? ridge : 0);
            inverse[i * n + j] = i == j;
        }
    for (size_t p = 0; p < n; p++) { /* positive definite: no pivoting */
        long double pivot = A[p * n + p];
        for (size_t j = 0; j < n; j++) {
            A[p * n + j] /= pivot;
            inverse[p * n + j] /= pivot;
        }
        for (size_t i = 0; i < n; i++) {
            long double factor = A[i * n + p];
            for (size_t j = 0; i != p && j < n; j++) {
                A[i * n + j] -= factor * A[p * n + j];
                inverse[i * n + j] -= factor * inverse[p * n + j];
            }
        }
    }
    free(A);
}

void naive_leave_one_out(size_t n, const double *K, size_t m, const double *Y, double ridge, double *F)
{
    double *rest = malloc(n * n * sizeof *rest);
    long double *G = malloc(n * n * sizeof *G);
    for (size_t out = 0; out < n; out++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (i != out && j != out)
                    rest[count++] = K[i * n + j];
        naive_ridge_inverse(n - 1, rest, ridge, G);
        for (size_t c = 0; c < m; c++) {
            long double value = 0;
            for (size_t i = 0; i + 1 < n; i++)
                for (size_t j = 0; j + 1 < n; j++)
                    value += (long double)K[out * n + i + (i >= out)] * G[i * (n - 1) + j] *
                             Y[(j + (j >= out)) * m + c];
            F[out * m + c] = (double)value;
        }
    }
    free(rest);
    free(G);
}
