/* Elementary functions without branches or calls, so that loops over them vectorise. Errors: a few units in
 * the last place, tested in test_tile.c; those of single precision are tested where they are used.
 * Coefficients: Chebyshev interpolation in 60 digits, the truncation error (below 5e-17) stated at each. */
#ifndef QNTK_VECMATH_H
#define QNTK_VECMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* asin(s) for s in [0, sqrt(1/2)] from z = s^2: s + s z R(z), R of degree 18 on [0, 1/2]. */
static inline double vec_asin(double s, double z)
{
    double r = 0.8387674099544927;
    r = r * z - 3.0948547605199717;
    r = r * z + 5.436384462318588;
    r = r * z - 5.883233416999023;
    r = r * z + 4.3847119392409954;
    r = r * z - 2.3535297860232123;
    r = r * z + 0.952265420570822;
    r = r * z - 0.2809947932275328;
    r = r * z + 0.07377343868679113;
    r = r * z - 0.0032941927380090922;
    r = r * z + 0.011310924828955462;
    r = r * z + 0.01139924601483468;
    r = r * z + 0.013975730180211136;
    r = r * z + 0.017352221539201188;
    r = r * z + 0.0223721770065477;
    r = r * z + 0.030381944084994415;
    r = r * z + 0.04464285714665563;
    r = r * z + 0.07499999999998412;
    r = r * z + 0.16666666666666669;
    return s + s * z * r;
}

/* (sin theta - theta cos theta)/pi of theta = 2 asin(s), for s in [0, sqrt(1/2)] from z = s^2: s z Q(z), Q of
 * degree 17 on [0, 1/2]; a small theta loses nothing, as it does in the difference. */
static inline double vec_excess(double s, double z)
{
    double q = 0.03617952371851371;
    q = q * z - 0.12251498942288691;
    q = q * z + 0.19957965569483233;
    q = q * z - 0.1988128321343354;
    q = q * z + 0.1365859684996282;
    q = q * z - 0.06619013632495001;
    q = q * z + 0.02495562073139833;
    q = q * z - 0.005635592347876795;
    q = q * z + 0.0025195203473248827;
    q = q * z + 0.00134525492072802;
    q = q * z + 0.002114562340108277;
    q = q * z + 0.0029440634241017305;
    q = q * z + 0.004382428659647406;
    q = q * z + 0.007033358578229209;
    q = q * z + 0.012631344775214751;
    q = q * z + 0.027283704529032192;
    q = q * z + 0.0848826363156822;
    q = q * z + 0.8488263631567751;
    return s * z * q;
}

/* exp(x) for x <= 0; exactly 0 below -708, where the result would leave the normal range. NaN gives NaN. */
static inline double vec_exp(double x)
{
    const double shift = 0x1.8p52; /* adding it rounds to an integer, kept in the low bits */
    const double log2e = 0x1.71547652b82fep0;
    const double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45; /* high: 11 zero bits */
    double clamped = x < -708.0 ? -708.0 : x;
    double shifted = clamped * log2e + shift;
    double n = shifted - shift;
    double r = (clamped - n * ln2_high) - n * ln2_low; /* |r| <= ln2/2 */
    double p = 2.510038549551032e-08;                  /* (e^r - 1 - r)/r^2, degree 9 */
    p = p * r + 2.7620088445409746e-07;
    p = p * r + 2.7557268459997064e-06;
    p = p * r + 2.4801521295954376e-05;
    p = p * r + 0.00019841269863053618;
    p = p * r + 0.0013888888917213717;
    p = p * r + 0.008333333333330062;
    p = p * r + 0.04166666666662413;
    p = p * r + 0.16666666666666669;
    p = p * r + 0.5000000000000001;
    double e = 1 + (r + r * r * p);
    /* times 2^n as a product, which keeps a NaN: n sits in the low mantissa bits of `shifted` */
    uint64_t bits;
    double power;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&power, &bits, sizeof power);
    return x < -708.0 ? 0.0 : e * power;
}

/* log(x) for normal finite x > 0; whatever for anything else, NaN included. */
static inline double vec_log(double x)
{
    const double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
    const uint64_t root_half = UINT64_C(0x3fe6a09e667f3bcd); /* bits of sqrt(1/2) */
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    /* x = 2^n m with m in [sqrt(1/2), sqrt(2)): n + 1023 as an integer below 2^52, turned into a double by
     * bits */
    uint64_t biased = (bits - root_half + (UINT64_C(1023) << 52)) >> 52;
    uint64_t mantissa = bits - ((biased - 1023) << 52);
    uint64_t magic = biased + UINT64_C(0x4330000000000000); /* 2^52 + biased */
    double m, n;
    memcpy(&m, &mantissa, sizeof m);
    memcpy(&n, &magic, sizeof n);
    n -= 0x1p52 + 1023;
    double s = (m - 1) / (m + 1), z = s * s;
    double p = 0.14617807153417325; /* (log((1+s)/(1-s)) - 2 s)/s^3, degree 6 in s^2 */
    p = p * z + 0.15331611722055008;
    p = p * z + 0.1818289243253687;
    p = p * z + 0.22222211089379496;
    p = p * z + 0.28571428626253836;
    p = p * z + 0.3999999999989889;
    p = p * z + 0.666666666666667;
    return n * ln2_high + (2 * s + (s * z * p + n * ln2_low));
}

/* log(1 + x) for finite x >= 0, to a few units in the last place however small x: what rounding took off 1 +
 * x is put back as a fraction of it. NaN gives NaN. */
static inline double vec_log1p(double x)
{
    double u = 1 + x;
    return vec_log(u) + (x - (u - 1)) / u;
}

/* ---- single precision ---- */

/* exp(-x) for x in [0,88], relative error below 2^-22; 0 beyond 87.7. With r = n ln 2 - x, |r| <= (ln 2)/2: the
 * Taylor polynomial of exp(r) to degree 7 is off by less than 0.347^8/8! < 6e-9. */
static inline float vec_decay(float x)
{
    const float log2e = 1.44269504F, high = 0.693359375F, low = -2.12194440e-4F; /* high + low = ln 2 */
    const int32_t n = (int32_t)(x * log2e + 0.5F);
    const float r = (float)n * high - x + (float)n * low; /* n high is exact */
    float p = 1.0F / 5040;
    p = p * r + 1.0F / 720;
    p = p * r + 1.0F / 120;
    p = p * r + 1.0F / 24;
    p = p * r + 1.0F / 6;
    p = p * r + 0.5F;
    p = p * r + 1;
    p = p * r + 1;
    const int32_t power = (int32_t)((uint32_t)(127 - n) << 23); /* 2^-n, 0 for the largest n, 127 */
    float scale;
    memcpy(&scale, &power, sizeof scale);
    return p * scale;
}

#endif
