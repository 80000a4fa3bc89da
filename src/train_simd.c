/* The loops of train_simd.h for one instruction set (isa.h): plain loops that the compiler vectorises, and the
 * widening multiplication of Philox by intrinsics. Compiled without fused multiply-add. */
#include "train_simd.h"
#include "isa.h"

#include <math.h>
#include <string.h>
#ifdef QNTK_X86
#include <immintrin.h>
#endif

enum { LANES = QNTK_LANES };

/* ---- random bits ---- */

/* A 32-bit word of a block in each 64-bit lane; what stands in the upper half has no meaning. */
typedef uint64_t words __attribute__((vector_size(LANES * 8)));

/* Lower half times multiplier, 64 bits. */
static inline words product(words a, uint32_t multiplier)
{
#if defined(__AVX512F__)
    return (words)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(multiplier));
#elif defined(__AVX2__)
    return (words)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(multiplier));
#elif defined(QNTK_X86)
    return (words)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(multiplier));
#else
    return (a & UINT32_MAX) * (uint64_t)multiplier;
#endif
}

/* Philox 4x32-10 (Salmon et al. 2011; the constants are theirs) on LANES blocks from `position` on. */
static inline void philox(qntk_round_source source, uint64_t position, words lane, words word[4])
{
    enum { ROUNDS = 10 };
    const uint32_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
    const uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
    uint32_t key0 = (uint32_t)source.seed, key1 = (uint32_t)(source.seed >> 32);
    words c0 = lane + position, c1 = c0 >> 32;
    words c2 = (words){0} + source.stream, c3 = c2 >> 32;
    for (int i = 0; i < ROUNDS; i++) {
        words p0 = product(c0, multiplier0), p1 = product(c2, multiplier1);
        c0 = (p1 >> 32) ^ c1 ^ (uint64_t)key0;
        c1 = p1;
        c2 = (p0 >> 32) ^ c3 ^ (uint64_t)key1;
        c3 = p0;
        key0 += weyl0;
        key1 += weyl1;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

/* The two halves of a word as two numbers of 32 bits, the low one first. */
static inline void store_halves(words word, uint32_t *bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    words pair = (word & UINT64_C(0xffff)) | (word << 16 & (UINT64_C(0xffff) << 32));
#else
    words pair = (word >> 16 & UINT64_C(0xffff)) | (word & UINT64_C(0xffff)) << 32;
#endif
    memcpy(bits, &pair, sizeof pair);
}

static void bits_row(qntk_round_source source, size_t count, uint32_t *bits)
{
    words lane;
    for (int k = 0; k < LANES; k++)
        lane[k] = (uint64_t)k;
    for (size_t i = 0; i < count; i += QNTK_ROUND_GROUP, source.position += QNTK_ROUND_BLOCKS)
        for (size_t block = 0; block < QNTK_ROUND_BLOCKS; block += LANES) {
            words word[4];
            philox(source, source.position + block, lane, word);
            for (size_t w = 0; w < 4; w++)
                store_halves(word[w], bits + i + w * 2 * QNTK_ROUND_BLOCKS + 2 * block);
        }
}

/* ---- optimizers ---- */

/* NaN passes. */
static inline float clip(float x, float limit)
{
    x = x < -limit ? -limit : x;
    return x > limit ? limit : x;
}

static void sgd(size_t count, const float *restrict gradient, float rate, float limit, float *restrict latent)
{
    for (size_t i = 0; i < count; i++)
        latent[i] = clip(latent[i] - rate * gradient[i], limit);
}

static void momentum_row(size_t count, const float *restrict gradient, float rate, float momentum,
                         float limit, float *restrict first, float *restrict latent)
{
    for (size_t i = 0; i < count; i++) {
        float m = momentum * first[i] + gradient[i];
        first[i] = m;
        latent[i] = clip(latent[i] - rate * m, limit);
    }
}

static void adam_row(size_t count, const float *restrict gradient, qntk_adam adam, float limit,
                     float *restrict first, float *restrict second, float *restrict latent)
{
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i];
        float m = adam.beta1 * first[i] + adam.rest1 * g;
        float v = adam.beta2 * second[i] + adam.rest2 * (g * g);
        first[i] = m;
        second[i] = v;
        latent[i] = clip(latent[i] - adam.rate * m / (sqrtf(v) + adam.epsilon), limit);
    }
}

static void window(size_t count, const float *restrict latent, float *restrict gradient)
{
    for (size_t i = 0; i < count; i++)
        gradient[i] = fabsf(latent[i]) > 1 ? 0 : gradient[i];
}

/* ---- rounding ---- */

/* The weight for s + u in [0, levels), u the middle of what the sixteen bits leave open. `power`: levels-1 is
 * a power of two, so that its inverse is exact. */
static inline float level_value(float level, float top, float inverse, bool power)
{
    float twice = 2 * level - top;
    return power ? twice * inverse : twice / top;
}

typedef struct {
    float half, top, inverse, levels;
    /* s and s + u are off by less than 3 levels 2^-24, u by at most 2^-17 */
    float margin;
} round_law;

/* s + u, that of -1 for NaN */
static inline float position(round_law law, float latent, uint32_t bits)
{
    float x = latent > -1 ? latent : -1;
    x = x < 1 ? x : 1;
    return (x + 1) * law.half + ((float)(int32_t)bits + 0.5F) * 0x1p-16F;
}

/* The sixteen bits do not decide: s + u is too close to a whole number. */
static inline bool undecided(round_law law, float t)
{
    float f = t - (float)(int32_t)t;
    return fabsf(f - 0.5F) > 0.5F - law.margin; /* one comparison: the loop vectorises */
}

/* Redoes the undecided weights of a stretch in exact arithmetic, with 32 further bits. */
static __attribute__((noinline)) void decide(size_t levels, round_law law, qntk_round_source source,
                                             size_t first, size_t end, const float *latent,
                                             const uint32_t *bits, float *weight)
{
    for (size_t i = first; i < end; i++) {
        if (!undecided(law, position(law, latent[i], bits[i])))
            continue;
        uint64_t bits48 = (uint64_t)bits[i] << 32 | qntk_round_tie(source, i);
        if (latent[i] == latent[i])
            weight[i] = qntk_round_value(levels, qntk_round_level(levels, latent[i], bits48));
    }
}

/* `count` weights; true if some are undecided. */
static inline __attribute__((always_inline)) bool round_some(bool power, round_law law, size_t count,
                                                             const float *restrict latent,
                                                             const uint32_t *restrict bits,
                                                             float *restrict weight)
{
    int32_t any = 0; /* of the width of a lane, so that the loop vectorises */
    for (size_t k = 0; k < count; k++) {
        float t = position(law, latent[k], bits[k]);
        any |= undecided(law, t) ? 1 : 0;
        float value = level_value((float)(int32_t)t, law.top, law.inverse, power);
        weight[k] = latent[k] != latent[k] ? latent[k] : value;
    }
    return any != 0;
}

static inline __attribute__((always_inline)) void round_row(size_t levels, bool power, round_law law,
                                                            qntk_round_source source, size_t count,
                                                            const float *latent, const uint32_t *bits,
                                                            float *weight)
{
    size_t i = 0;
    for (; i + QNTK_ROUND_GROUP <= count; i += QNTK_ROUND_GROUP) /* a constant length: unrolled */
        if (round_some(power, law, QNTK_ROUND_GROUP, latent + i, bits + i, weight + i))
            decide(levels, law, source, i, i + QNTK_ROUND_GROUP, latent, bits, weight);
    if (i < count && round_some(power, law, count - i, latent + i, bits + i, weight + i))
        decide(levels, law, source, i, count, latent, bits, weight);
}

static void round_stretch(size_t levels, qntk_round_source source, size_t count, const float *latent,
                          const uint32_t *bits, float *weight)
{
    const float top = (float)(levels - 1);
    round_law law = {.half = top / 2,
                     .top = top,
                     .inverse = 1 / top,
                     .levels = (float)levels,
                     .margin = 0x1p-17F + (float)levels * 0x1p-22F};
    if (((levels - 1) & (levels - 2)) == 0)
        round_row(levels, true, law, source, count, latent, bits, weight);
    else
        round_row(levels, false, law, source, count, latent, bits, weight);
}

static void nearest(size_t levels, size_t count, const float *restrict latent, float *restrict weight)
{
    /* floor((latent+1) h + 1/2) in double: exact for the levels there are */
    const double half = (double)(levels - 1) / 2;
    const float top = (float)(levels - 1);
    for (size_t i = 0; i < count; i++) {
        float x = clip(latent[i], 1);
        double t = ((double)x + 1) * half + 0.5;
        weight[i] = x != x ? x : level_value((float)(int32_t)(t >= 0 ? t : 0), top, 1, false);
    }
}

extern const qntk_train_ops QNTK_ISA_SYMBOL(qntk_train_ops);
const qntk_train_ops QNTK_ISA_SYMBOL(qntk_train_ops) = {
    QNTK_ISA_TEXT, bits_row, sgd, momentum_row, adam_row, window, round_stretch, nearest,
};
