/* The elementwise loops of expected outputs, in single precision. network_expect_simd.c is compiled once per
 * instruction set; network_expect_dispatch.c picks the best that the processor has. */
#ifndef QNTK_NETWORK_EXPECT_SIMD_H
#define QNTK_NETWORK_EXPECT_SIMD_H

#include <stddef.h>

typedef struct {
    const char *name;

    /* From latent weights of 2 or more levels: theta = latent taken to [-1,1] (-1 for NaN), noise = tau(theta)
     * (qntk_weight_noise), second = tau + theta^2, rounded from double. noise and second: NULL if not wanted. */
    void (*weights)(size_t levels, size_t count, const float *latent, float *theta, float *noise,
                    float *second);

    /* square = x^2 (NULL: not wanted); the greatest |x|, infinity if one is not finite. */
    float (*square)(size_t count, const float *x, float *square);

    /* x = mu + shift becomes the mean of relu(x + s Z), s^2 = s2 + base, Z standard normal; s2 becomes the square of
     * that, and variance (NULL: not wanted) the variance, whose sum is added to *sum. The formulas are those of
     * qntk_relu_moments. With z = x/s and u = 2^-24, the relative errors, measured against it on 10^7 points,
     * were below
     *     mean: 12 u (1 + z^2/4)     variance: 24 u (1 + z^2/8)     the terms with z^2 for z < 0 only,
     * where one rounding of x or s moves the results by 2 z^2 u. Between z = -12.3 and -13.3 they leave the
     * range of normal numbers, below it they are 0 (true mean below 1e-40 s); s = 0 gives the plain ReLU.
     * Returns the greatest mean, infinity if one is not finite. */
    float (*moments)(size_t count, const float *shift, float base, float *mu, float *s2, float *variance,
                     double *sum);
} qntk_expect_ops;

/* The loops for an instruction set by name, or the best for this processor (NULL). NULL and a message if the
 * processor or the build lacks it. */
const qntk_expect_ops *qntk_expect_ops_find(const char *name);

#endif
