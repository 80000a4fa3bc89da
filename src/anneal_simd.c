/* Annealed weights for one instruction set (isa.h): multi-step functions under noise, and their slopes, over a
 * stretch of a row. Plain loops that the compiler vectorises, compiled without fused multiply-add; the
 * formulas are those of anneal.h, here in single precision.
 *
 * With K = levels - 1, y = (latent + 1) K/2 the latent weight in steps from the lowest level, and thresholds
 * at i - 1/2, z_i = y - i + 1/2. Of the thresholds i = anchor .. anchor + terms - 1 those in 1 .. K count;
 * F is 1 before and 0 behind them. Either these are all K, or those that noise can reach. */
#include "anneal_simd.h"
#include "isa.h"
#include "vecmath.h"

#include <math.h>
#include <string.h>

/* ---- noise ---- */

/* What a term needs of the noise. */
typedef struct {
    float s, inverse; /* 1/s */
    float peak;       /* of the density */
    float far;        /* where |z|/s is cut: exp(-88) is 0. No constant, which would become a branch. */
} law;

/* |z|/s, at most `far`. */
static inline float ratio(law noise, float z)
{
    const float a = fabsf(z) * noise.inverse;
    return a < noise.far ? a : noise.far;
}

/* F(z), absolute error below 3e-7: of the normal law by 7.1.26 of Abramowitz & Stegun, erf to 1.5e-7. */
static inline __attribute__((always_inline)) float distribution(qntk_noise_shape shape, law noise, float z)
{
    const float a = ratio(noise, z);
    float tail; /* F(-|z|) */
    if (shape == QNTK_NOISE_UNIFORM) {
        tail = (1 - a) * 0.5F;
        tail = tail > 0 ? tail : 0;
    } else if (shape == QNTK_NOISE_TRIANGULAR) {
        const float left = 1 - a > 0 ? 1 - a : 0;
        tail = left * left * 0.5F;
    } else if (shape == QNTK_NOISE_NORMAL) {
        const float x = a * 0.707106781F, t = 1 / (1 + 0.3275911F * x);
        const float p =
            ((((1.061405429F * t - 1.453152027F) * t + 1.421413741F) * t - 0.284496736F) * t + 0.254829592F) *
            t;
        tail = 0.5F * p * vec_decay(x * x);
    } else {
        const float e = vec_decay(a);
        tail = e / (1 + e);
    }
    return z < 0 ? tail : 1 - tail;
}

/* f(z) at z = shift - t, relative error below 2^-20. Where two supports of the uniform law meet, one of them counts:
 * `last` is closed above, the others are not, and shift is compared with their ends, of which one's upper is the
 * other's lower to the bit, because shift - t is rounded. */
static inline __attribute__((always_inline)) float density(qntk_noise_shape shape, law noise, float shift,
                                                           float t, bool last)
{
    if (shape == QNTK_NOISE_UNIFORM) {
        const float low = t - noise.s, high = t + noise.s;
        const bool inside = (shift >= low) & ((shift < high) | ((shift <= high) & last));
        return inside ? noise.peak : 0;
    }
    const float a = ratio(noise, shift - t);
    if (shape == QNTK_NOISE_TRIANGULAR)
        return (1 - a > 0 ? 1 - a : 0) * noise.peak;
    if (shape == QNTK_NOISE_NORMAL)
        return vec_decay(a * a * 0.5F) * noise.peak;
    const float e = vec_decay(a);
    return 4 * e / ((1 + e) * (1 + e)) * noise.peak;
}

/* ---- thresholds ---- */

/* A part of a stretch: first threshold, and shift = y - anchor + 1/2, so that z of term t is shift - t. */
enum { PART = 64 };

typedef struct {
    size_t terms;
    double half;  /* K/2 */
    double first; /* threshold of the first term, from floor(y) on; not used if `all` */
    float top;    /* K */
    bool all;
    law noise;
    float anchor[PART], shift[PART];
} frame;

/* Beyond so many scales F differs from 0 or 1 by less than 2^-26. */
static const float reach[QNTK_NOISE_COUNT] = {
    [QNTK_NOISE_UNIFORM] = 1,
    [QNTK_NOISE_TRIANGULAR] = 1,
    [QNTK_NOISE_NORMAL] = 5.6F,
    [QNTK_NOISE_LOGISTIC] = 18.1F,
};

/* Peaks of the densities, times the scale. */
static const double peaks[QNTK_NOISE_COUNT] = {
    [QNTK_NOISE_UNIFORM] = 0.5,
    [QNTK_NOISE_TRIANGULAR] = 1,
    [QNTK_NOISE_NORMAL] = 0.39894228040143268,
    [QNTK_NOISE_LOGISTIC] = 0.25,
};

static frame prepare(qntk_noise noise, size_t levels)
{
    const double K = (double)levels - 1, far = (double)reach[noise.shape] * noise.scale;
    /* |z_i| <= far asks for i from y + 1/2 - far to y + 1/2 + far, y - floor(y) in [0,1] */
    const double first = ceil(0.5 - far), last = floor(1.5 + far);
    frame f = {.half = K / 2, .first = first, .top = (float)K, .all = last - first + 1 >= K};
    f.terms = f.all ? levels - 1 : (size_t)(last - first + 1);
    f.noise = (law){.s = (float)noise.scale,
                    .inverse = (float)(1 / noise.scale),
                    .peak = (float)(peaks[noise.shape] / noise.scale),
                    .far = noise.shape == QNTK_NOISE_NORMAL ? 13.26F : 88};
    return f;
}

/* Latent weights further out than this many steps, or NaN, are as good as at its end. */
static const double FAR = 1 << 20;

static inline void place(frame *f, size_t count, const float *latent)
{
    for (size_t k = 0; k < count; k++) {
        double y = (double)latent[k] * f->half + f->half;
        y = y > -FAR ? y : -FAR;
        y = y < FAR ? y : FAR;
        const double anchor = f->all ? 1 : (double)(int32_t)(y + 2 * FAR) - 2 * FAR + f->first;
        f->anchor[k] = (float)anchor;
        f->shift[k] = (float)(y - anchor + 0.5);
    }
}

/* F of term t of weight k. */
static inline __attribute__((always_inline)) float term(qntk_noise_shape shape, const frame *f, size_t k,
                                                        float t)
{
    const float i = f->anchor[k] + t, value = distribution(shape, f->noise, f->shift[k] - t);
    const float below = i < 1 ? 1 : value;
    return i > f->top ? 0 : below;
}

/* The value of a level 0 .. K, taken into that range; NaN where the latent weight is. */
static inline float value(const frame *f, float level, float latent)
{
    level = level > 0 ? level : 0;
    level = level < f->top ? level : f->top;
    return latent != latent ? latent : (2 * level - f->top) / f->top;
}

/* ---- strategies ---- */

static inline __attribute__((always_inline)) void expect(qntk_noise_shape shape, const frame *f, size_t count,
                                                         const float *restrict latent, float *restrict weight)
{
    float sum[PART];
    for (size_t k = 0; k < count; k++)
        sum[k] = 0;
    for (size_t t = 0; t < f->terms; t++)
        for (size_t k = 0; k < count; k++)
            sum[k] += term(shape, f, k, (float)t);
    for (size_t k = 0; k < count; k++)
        weight[k] = value(f, f->anchor[k] - 1 + sum[k], latent[k]);
}

/* Probabilities closer than this are equal: distributions are not more exact. */
static const float TIE = 0x1p-21F;

/* Level t of weight k, before which F is `before` and behind which it is F. */
static inline __attribute__((always_inline)) void consider(const frame *f, size_t k, float t, float F,
                                                           float *before, float *best, float *mode)
{
    const float p = before[k] - F;
    mode[k] = p >= best[k] - TIE ? f->anchor[k] - 1 + t : mode[k];
    best[k] = p > best[k] ? p : best[k];
    before[k] = F;
}

static inline __attribute__((always_inline)) void choose(qntk_noise_shape shape, const frame *f, size_t count,
                                                         const float *restrict latent, float *restrict weight)
{
    float before[PART], best[PART], mode[PART];
    for (size_t k = 0; k < count; k++) {
        before[k] = 1;
        best[k] = -1;
        mode[k] = 0;
    }
    for (size_t t = 0; t < f->terms; t++)
        for (size_t k = 0; k < count; k++)
            consider(f, k, (float)t, term(shape, f, k, (float)t), before, best, mode);
    for (size_t k = 0; k < count; k++) {
        consider(f, k, (float)f->terms, 0, before, best, mode);
        weight[k] = value(f, mode[k], latent[k]);
    }
}

/* F(z) > u, with 23 bits of u in (0,1), sixteen from `high`. */
static inline __attribute__((always_inline)) void sample(qntk_noise_shape shape, const frame *f, size_t count,
                                                         const uint32_t *restrict high,
                                                         const uint32_t *restrict low,
                                                         const float *restrict latent, float *restrict weight)
{
    float uniform[PART], passed[PART];
    for (size_t k = 0; k < count; k++) {
        uniform[k] = ((float)(int32_t)(high[k] << 7 | low[k] >> 9) + 0.5F) * 0x1p-23F;
        passed[k] = 0;
    }
    for (size_t t = 0; t < f->terms; t++)
        for (size_t k = 0; k < count; k++)
            passed[k] += term(shape, f, k, (float)t) > uniform[k] ? 1 : 0;
    for (size_t k = 0; k < count; k++)
        weight[k] = value(f, f->anchor[k] - 1 + passed[k], latent[k]);
}

static inline __attribute__((always_inline)) void descend(qntk_noise_shape shape, const frame *f,
                                                          size_t count, const float *restrict latent,
                                                          float *restrict gradient)
{
    float sum[PART];
    for (size_t k = 0; k < count; k++)
        sum[k] = 0;
    for (size_t t = 0; t < f->terms; t++)
        for (size_t k = 0; k < count; k++) {
            const float i = f->anchor[k] + (float)t;
            const float d = density(shape, f->noise, f->shift[k], (float)t, i == f->top);
            const float counts = ((i >= 1) & (i <= f->top)) ? 1 : 0; /* a factor: a select would branch */
            sum[k] += counts * d;
        }
    for (size_t k = 0; k < count; k++) {
        const float product = gradient[k] * sum[k];
        gradient[k] = sum[k] == 0 ? 0 : product;
        gradient[k] = latent[k] != latent[k] ? latent[k] : gradient[k];
    }
}

/* ---- over a stretch ---- */

/* Calls one of the above with the shape as a constant, so that each has a loop of its own. */
#define BY_SHAPE(shape, name, ...)                                                                           \
    do {                                                                                                     \
        if ((shape) == QNTK_NOISE_UNIFORM)                                                                   \
            name(QNTK_NOISE_UNIFORM, __VA_ARGS__);                                                           \
        else if ((shape) == QNTK_NOISE_TRIANGULAR)                                                           \
            name(QNTK_NOISE_TRIANGULAR, __VA_ARGS__);                                                        \
        else if ((shape) == QNTK_NOISE_NORMAL)                                                               \
            name(QNTK_NOISE_NORMAL, __VA_ARGS__);                                                            \
        else                                                                                                 \
            name(QNTK_NOISE_LOGISTIC, __VA_ARGS__);                                                          \
    } while (0)

static size_t part(size_t count, size_t first)
{
    return count - first < PART ? count - first : PART;
}

static void expected_row(qntk_noise noise, size_t levels, size_t count, const float *latent, float *weight)
{
    frame f = prepare(noise, levels);
    for (size_t i = 0; i < count; i += PART) {
        place(&f, part(count, i), latent + i);
        BY_SHAPE(noise.shape, expect, &f, part(count, i), latent + i, weight + i);
    }
}

static void mode_row(qntk_noise noise, size_t levels, size_t count, const float *latent, float *weight)
{
    frame f = prepare(noise, levels);
    for (size_t i = 0; i < count; i += PART) {
        place(&f, part(count, i), latent + i);
        BY_SHAPE(noise.shape, choose, &f, part(count, i), latent + i, weight + i);
    }
}

static void draw_row(qntk_noise noise, size_t levels, size_t count, const uint32_t *high, const uint32_t *low,
                     const float *latent, float *weight)
{
    frame f = prepare(noise, levels);
    for (size_t i = 0; i < count; i += PART) {
        place(&f, part(count, i), latent + i);
        BY_SHAPE(noise.shape, sample, &f, part(count, i), high + i, low + i, latent + i, weight + i);
    }
}

static void slope_row(qntk_noise noise, size_t levels, size_t count, const float *latent, float *gradient)
{
    frame f = prepare(noise, levels);
    for (size_t i = 0; i < count; i += PART) {
        place(&f, part(count, i), latent + i);
        BY_SHAPE(noise.shape, descend, &f, part(count, i), latent + i, gradient + i);
    }
}

extern const qntk_anneal_ops QNTK_ISA_SYMBOL(qntk_anneal_ops);
const qntk_anneal_ops QNTK_ISA_SYMBOL(qntk_anneal_ops) = {
    QNTK_ISA_TEXT, expected_row, mode_row, draw_row, slope_row,
};
