/* The value of a kernel for one pair of rows: plain, scalar, in extended precision. */
#include "kernel_internal.h"

#include <math.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_sf_bessel.h>
#include <gsl/gsl_sf_gamma.h>

qntk_recursion qntk_recursion_create(const qntk_network_shape *shape)
{
    qntk_weight_law hidden, readout;
    qntk_weight_law_create(shape->levels, &hidden);
    qntk_weight_law_create(shape->quantize_all ? shape->levels : QNTK_LEVELS_REAL, &readout);
    double moment = hidden.second_moment + hidden.noise;
    double moment_readout = readout.second_moment + readout.noise;
    return (qntk_recursion){.depth = shape->depth,
                            .b2 = shape->b_std * shape->b_std,
                            .keep = hidden.second_moment / moment,
                            .lose = hidden.noise / moment,
                            .inv_moment = 1 / moment,
                            .keep_readout = readout.second_moment / moment_readout,
                            .inv_moment_readout = 1 / moment_readout,
                            .nngp = shape->nngp};
}

/* theta = acos(1 - u) = acos(v - 1) from whichever of u, v is small. */
static long double angle(long double u, long double v)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    return u <= v ? 2 * asinl(sqrtl(u / 2)) : pi - 2 * asinl(sqrtl(v / 2));
}

long double qntk_recursion_value(const qntk_recursion *r, long double n, long double n_prime, long double u0,
                                 long double v0)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    long double b2 = r->b2, keep = r->keep, lose = r->lose;
    long double nn = n * n_prime;
    long double A = 2 * n * n + b2, A_prime = 2 * n_prime * n_prime + b2;
    long double P = sqrtl(A * A_prime);
    if (P == 0) /* a zero row, no bias: the output is 0 */
        return 0;

    long double eta = 2 * b2 * (n - n_prime) * (n - n_prime) / (P + 2 * nn + b2);
    long double u = (eta + 2 * lose * nn + 2 * keep * nn * u0) / P;
    long double v = (eta + 2 * lose * nn + 2 * keep * nn * v0 + 2 * b2) / P;
    long double T = 2 * r->inv_moment * nn * (1 - u0) + b2;
    for (size_t layer = 1;; layer++) {
        long double theta = angle(u, v);
        long double w = (sqrtl(u * v) - theta * (1 - u)) / pi; /* sin theta = sqrt(u v), cos theta = 1 - u */
        long double M = P * (1 - u + w) / 2;
        long double M_dot = (pi - theta) / (2 * pi);
        if (layer == r->depth)
            return r->nngp ? r->keep_readout * M + b2
                           : r->inv_moment_readout * M + b2 + r->keep_readout * M_dot * T;
        T = 2 * r->inv_moment * M + b2 + 2 * keep * M_dot * T;

        long double difference = (A - A_prime) / (sqrtl(A) + sqrtl(A_prime)); /* a - a' */
        A += b2;
        A_prime += b2;
        long double P_next = sqrtl(A * A_prime);
        eta = b2 * difference * difference / (P_next + P + b2);
        u = (eta + lose * P + keep * P * (u - w)) / P_next;
        v = 2 - u; /* rho >= 0 from the second layer on: v is not small */
        P = P_next;
    }
}

double qntk_recursion_diagonal(const qntk_recursion *r, double n)
{
    return (double)qntk_recursion_value(r, n, n, 0, 2);
}

/* Matern of large nu: a mixture of Gaussians, E exp(-s^2/(4 t)) over t ~ Gamma(nu), by the trapezoidal rule in
 * log(t/nu), whose error falls like exp(-2 pi^2 / step^2) for a density of width 1 (DLMF 10.32.10). Every term
 * is positive; the rule's own sum at s = 0 normalises. */
static double matern_mixture(double nu, double s)
{
    enum { LEFT = 50, RIGHT = 30 }; /* beyond, terms are below e^-40 for nu >= 10 */
    const double step = 0.35 / sqrt(nu), q = s * s / (4 * nu); /* width 1/sqrt(nu) */
    double sum = 0, total = 0;
    for (int k = -LEFT; k <= RIGHT; k++) {
        double delta = k * step, rise = expm1(delta); /* t = nu (1 + rise) */
        double weight = exp(nu * (delta - rise));
        sum += weight * exp(-q / (1 + rise));
        total += weight;
    }
    return sum / total;
}

/* Matern: 2^(1-nu)/Gamma(nu) s^nu K_nu(s), through logarithms so that no factor over- or underflows. Their
 * rounding costs 1e-13 of 1 at nu = 30, and GSL's Bessel function 1e-10 at nu = 100. */
static double matern(double nu, double s)
{
    if (nu == 0.5)
        return exp(-s);
    if (nu == 1.5)
        return (1 + s) * exp(-s);
    if (nu == 2.5)
        return (1 + s + s * s / 3) * exp(-s);
    if (s < 1e-300 || isnan(s))
        return isnan(s) ? s : 1;
    if (nu >= 10)
        return matern_mixture(nu, s);
    gsl_sf_result result;
    if (gsl_sf_bessel_lnKnu_e(nu, s, &result) != GSL_SUCCESS)
        return s < 1 ? 1 : 0; /* s so small that K_nu overflows (value 1), or so large that it vanishes */
    return exp(result.val + nu * log(s) + (1 - nu) * M_LN2 - gsl_sf_lngamma(nu));
}

double qntk_radial_value(const qntk_kernel *kernel, double r)
{
    double s = r / kernel->bandwidth;
    switch (kernel->family) {
    case QNTK_FAMILY_GAUSS:
        return exp(-s * s / 2);
    case QNTK_FAMILY_LAPLACE:
        return exp(-s);
    case QNTK_FAMILY_RGAUSS:
        if (s > 1e140) /* s^2 would overflow, and 1 does not count beside it */
            return exp(-kernel->alpha * (2 * log(s) - log(2 * kernel->alpha)));
        return exp(-kernel->alpha * log1p(s * s / (2 * kernel->alpha)));
    case QNTK_FAMILY_GEXP:
        return exp(-pow(s, kernel->power));
    case QNTK_FAMILY_MATERN:
        return matern(kernel->nu, sqrt(2 * kernel->nu) * s);
    case QNTK_FAMILY_NETWORK:
    case QNTK_FAMILY_FILE:
        break;
    }
    return NAN;
}

double qntk_kernel_pair(const qntk_kernel *kernel, size_t d, const double *x, const double *z)
{
    if (qntk_kernel_check(kernel) != QNTK_OK)
        return NAN;
    if (qntk_kernel_is_radial(kernel)) {
        long double square = 0;
        for (size_t i = 0; i < d; i++)
            square += ((long double)x[i] - z[i]) * ((long double)x[i] - z[i]);
        return qntk_radial_value(kernel, (double)sqrtl(square));
    }
    if (kernel->family != QNTK_FAMILY_NETWORK)
        return NAN;
    long double xx = 0, zz = 0, minus = 0, plus = 0;
    for (size_t i = 0; i < d; i++) {
        xx += (long double)x[i] * x[i];
        zz += (long double)z[i] * z[i];
    }
    long double x_norm = sqrtl(xx), z_norm = sqrtl(zz);
    for (size_t i = 0; i < d && x_norm > 0 && z_norm > 0; i++) {
        long double a = x[i] / x_norm, b = z[i] / z_norm;
        minus += (a - b) * (a - b);
        plus += (a + b) * (a + b);
    }
    /* minus + plus = 4; a zero row has no direction: any cosine will do, 0 here */
    long double u0 = 1, v0 = 1;
    if (minus + plus > 0) {
        u0 = minus <= plus ? minus / 2 : 2 - plus / 2;
        v0 = 2 - u0;
        if (minus > plus)
            v0 = plus / 2;
    }
    qntk_recursion r = qntk_recursion_create(&kernel->network);
    long double root_d = sqrtl((long double)d);
    return (double)qntk_recursion_value(&r, x_norm / root_d, z_norm / root_d, u0, v0);
}

double qntk_kernel_cosine(const qntk_kernel *kernel, double t)
{
    if (!(t >= -1 && t <= 1) || qntk_kernel_check(kernel) != QNTK_OK)
        return NAN;
    if (qntk_kernel_is_radial(kernel))
        return qntk_radial_value(kernel, sqrt(2 - 2 * t));
    if (kernel->family != QNTK_FAMILY_NETWORK)
        return NAN;
    qntk_recursion r = qntk_recursion_create(&kernel->network);
    return (double)qntk_recursion_value(&r, 1, 1, 1 - (long double)t, 1 + (long double)t);
}
