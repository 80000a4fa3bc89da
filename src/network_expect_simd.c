/* The loops of network_expect_simd.h for one instruction set (isa.h): plain loops that the compiler vectorises,
 * fused multiply-add allowed. */
#include "network_expect_simd.h"
#include "isa.h"
#include "vecmath.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The bits of |x| as an integer: they order as the numbers do, NaN above infinity, and a maximum of integers
 * vectorises. */
static inline int32_t magnitude(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & INT32_MAX;
}

static float number(int32_t magnitude)
{
    float x;
    memcpy(&x, &magnitude, sizeof x);
    return x <= INFINITY ? x : INFINITY;
}

/* ---- weights ---- */

/* tau = u (1-u) step^2, u the position in the cell, as qntk_weight_noise has it; theta >= -1: the conversion to
 * an integer is the floor. */
static inline double noise_of(double theta, double inverse, double last, double step)
{
    const double scaled = (theta + 1) * inverse;
    double cell = (double)(int32_t)scaled;
    cell = cell < last ? cell : last;
    double position = scaled - cell;
    position = position < 1 ? position : 1;
    return position * (1 - position) * step * step;
}

static void clamp(size_t count, const float *restrict latent, float *restrict theta)
{
    for (size_t i = 0; i < count; i++) {
        const float x = latent[i] > -1 ? latent[i] : -1;
        theta[i] = x < 1 ? x : 1;
    }
}

static void weights(size_t levels, size_t count, const float *latent, float *restrict theta,
                    float *restrict noise, float *restrict second)
{
    const double inverse = (double)(levels - 1) / 2, last = (double)levels - 2, step = 1 / inverse;
    clamp(count, latent, theta);
    if (noise != NULL)
        for (size_t i = 0; i < count; i++)
            noise[i] = (float)noise_of((double)theta[i], inverse, last, step);
    if (second != NULL)
        for (size_t i = 0; i < count; i++)
            second[i] = (float)(noise_of((double)theta[i], inverse, last, step) +
                                (double)theta[i] * (double)theta[i]);
}

static float square_row(size_t count, const float *restrict x, float *restrict square)
{
    int32_t most = 0;
    for (size_t i = 0; i < count; i++)
        most = most > magnitude(x[i]) ? most : magnitude(x[i]);
    if (square != NULL)
        for (size_t i = 0; i < count; i++)
            square[i] = x[i] * x[i];
    return number(most);
}

/* ---- rectified normal variables ---- */

/* With x = |z|, w = 1/(x+4) and t = (x-4) w, on 0 <= x <= 13.3:
 *     I_1(x)  = phi(x) - x Q(x)               = exp(-x^2/2) w^2 P(t)
 *     2 I_2(x) = (1 + x^2) Q(x) - x phi(x)    = exp(-x^2/2) w^3 R(t)
 * (I_n the repeated integrals of the normal tail, moments.c): Chebyshev interpolation in 50 digits, relative
 * truncation errors 9.9e-9 and 1.2e-8. */
typedef struct {
    float x, i1, j2; /* |z|, I_1, 2 I_2 */
} normal_tail;

/* Here exp(-x^2/2) is 0 as vec_decay computes it. */
static const float TAIL_END = 13.26F;

static inline normal_tail tail_create(float mu, float s)
{
    /* the lesser one, as integers: TAIL_END for NaN, and no branch for the compiler to make of a constant */
    const int32_t ratio = magnitude(mu / s), end = magnitude(TAIL_END), bits = ratio < end ? ratio : end;
    float x;
    memcpy(&x, &bits, sizeof x);
    const float w = 1 / (x + 4), t = (x - 4) * w;
    float p = -0.000754925741F;
    p = p * t - 0.00219509220F;
    p = p * t + 0.00352098505F;
    p = p * t + 0.0120290108F;
    p = p * t - 0.0358243276F;
    p = p * t - 0.0243817808F;
    p = p * t + 0.339687382F;
    p = p * t - 0.987671862F;
    p = p * t + 1.72097774F;
    p = p * t - 1.99006813F;
    p = p * t + 1.36318177F;
    float r = -0.00909801342F;
    r = r * t - 0.0170495764F;
    r = r * t + 0.0542181936F;
    r = r * t + 0.0799554538F;
    r = r * t - 0.370423653F;
    r = r * t + 0.0444179374F;
    r = r * t + 2.15997440F;
    r = r * t - 6.29713231F;
    r = r * t + 9.84692979F;
    r = r * t - 9.41215903F;
    r = r * t + 4.71643164F;
    const float e = vec_decay(x * x * 0.5F) * w * w;
    return (normal_tail){x, e * p, e * w * r};
}

/* Mean and variance as in qntk_relu_moments: sums of positive terms below 0, above it 1 less at most 0.66. */
static inline float tail_mean(normal_tail tail, float mu, float s)
{
    return (mu < 0 ? 0 : mu) + s * tail.i1; /* NaN passes */
}

static inline float tail_variance(normal_tail tail, float mu, float s2)
{
    const float below = tail.j2 - tail.i1 * tail.i1;
    const float above = 1 - (tail.j2 + tail.i1 * (tail.i1 + 2 * tail.x));
    return s2 * (mu < 0 ? below : above);
}

static int32_t means(size_t count, const float *restrict shift, float base, float *restrict mu,
                     float *restrict s2)
{
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const float x = mu[i] + shift[i], s = sqrtf(s2[i] + base);
        const float m = tail_mean(tail_create(x, s), x, s);
        most = most > magnitude(m) ? most : magnitude(m);
        mu[i] = m;
        s2[i] = m * m;
    }
    return most;
}

static int32_t both(size_t count, const float *restrict shift, float base, float *restrict mu,
                    float *restrict s2, float *restrict variance)
{
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const float x = mu[i] + shift[i], v = s2[i] + base, s = sqrtf(v);
        const normal_tail tail = tail_create(x, s);
        const float m = tail_mean(tail, x, s);
        most = most > magnitude(m) ? most : magnitude(m);
        mu[i] = m;
        s2[i] = m * m;
        variance[i] = tail_variance(tail, x, v);
    }
    return most;
}

/* Sixteen partial sums, so that it vectorises. */
static double sum_of(size_t count, const float *x)
{
    enum { PARTS = 16 };
    float part[PARTS] = {0};
    double sum = 0;
    size_t i = 0;
    for (; i + PARTS <= count; i += PARTS)
        for (size_t k = 0; k < PARTS; k++)
            part[k] += x[i + k];
    for (; i < count; i++)
        sum += (double)x[i];
    for (size_t k = 0; k < PARTS; k++)
        sum += (double)part[k];
    return sum;
}

static float moments(size_t count, const float *shift, float base, float *mu, float *s2, float *variance,
                     double *sum)
{
    if (variance == NULL)
        return number(means(count, shift, base, mu, s2));
    const float most = number(both(count, shift, base, mu, s2, variance));
    *sum += sum_of(count, variance);
    return most;
}

extern const qntk_expect_ops QNTK_ISA_SYMBOL(qntk_expect_ops);
const qntk_expect_ops QNTK_ISA_SYMBOL(qntk_expect_ops) = {
    QNTK_ISA_TEXT,
    weights,
    square_row,
    moments,
};
