/* The Gaussian on the sphere: eigenvalues of exp(-z (1-t)),
 *     g_k = e^-z Gamma(D/2) (2/z)^(D/2-1) I_{k+D/2-1}(z),
 * by ratios of Bessel functions run downwards, all terms positive, and sum_k N(D,k) g_k = 1. */
#include "mercer_internal.h"

#include <math.h>

/* I_order/I_{order-1}, within a few per cent: the mean of Amos' bounds (Math. Comp. 28, 1974). */
static long double bessel_ratio_guess(long double order, long double z)
{
    return z / (order - 0.25L + sqrtl((order + 0.25L) * (order + 0.25L) + z * z));
}

/* e^-z sqrt(2 pi z) I_order(z) by Hankel's expansion; needs z > 16 order^2. */
static long double hankel(long double order, long double z)
{
    enum { TERMS = 30 }; /* each at most 1/(32 j) of the one before, until below an ulp */
    long double term = 1, sum = 1, square = 4 * order * order;
    for (int j = 1; j < TERMS && fabsl(term) > 1e-22L; j++) {
        long double odd = 2 * (long double)j - 1;
        term *= -(square - odd * odd) / (8 * z * (long double)j);
        sum += term;
    }
    return sum;
}

/* The degree from which the recurrence may start: beyond it N_k g_k is negligible in the sum, and
 * the start's error has died out at degree count - 1. Ratios are bounded from above, so both are upper
 * bounds. */
static size_t start_degree(size_t D, long double z, size_t count)
{
    const long double negligible = 1e-23L, contracted = 1e-11L; /* the contraction is squared */
    long double nu = (long double)D / 2 - 1, term = 1, sum = 1, contraction = 1;
    size_t k = 0;
    while (k < count || term > negligible * sum || contraction > contracted) {
        long double order = nu + (long double)k + 1;
        long double ratio = z / (order - 0.5L + sqrtl((order + 0.5L) * (order + 0.5L) + z * z));
        term *= ratio * qntk_sphere_multiplicity_ratio(D, k);
        sum += term;
        if (k + 1 >= count)
            contraction *= ratio;
        k++;
    }
    return k;
}

/* Gamma(nu+1) (2/z)^nu, nu = D/2 - 1, as a product of (D-1)/2 factors, none of which over- or underflows. */
static long double small_argument(size_t D, long double z)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    bool odd = D % 2 == 1; /* Gamma(m+3/2) (2/z)^(m+1/2) = sqrt(pi z/2) prod_{j=0}^{m} (j+1/2) (2/z) */
    long double value = odd ? sqrtl(pi * z / 2) : 1;
    for (size_t j = 1; j <= (D - 1) / 2; j++)
        value *= ((long double)j - (odd ? 0.5L : 0)) * (2 / z);
    return value;
}

void qntk_sphere_gauss(size_t D, long double z, size_t count, long double *g)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    long double nu = (long double)D / 2 - 1, top = nu + (long double)count;
    bool large = z > 16 * (top + 2) * (top + 2);
    size_t start = large ? count - 1 : start_degree(D, z, count);

    /* ratio = g_{k+1}/g_k = z / (2 (nu+k+1) + z ratio'), sum = sum_{j>=k} N_j g_j / (N_k g_k) */
    long double ratio =
        large ? hankel(top, z) / hankel(top - 1, z) : bessel_ratio_guess(nu + (long double)start + 1, z);
    long double sum = 1;
    for (size_t k = start; k-- > 0;) {
        ratio = z / (2 * (nu + (long double)k + 1) + z * ratio);
        if (!large)
            sum = 1 + qntk_sphere_multiplicity_ratio(D, k) * ratio * sum;
        if (k + 1 < count)
            g[k + 1] = ratio;
    }
    g[0] = large ? small_argument(D, z) * hankel(nu, z) / sqrtl(2 * pi * z) : 1 / sum;
    for (size_t k = 1; k < count; k++)
        g[k] *= g[k - 1];
}
