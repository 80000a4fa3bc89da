/* Counter-based random numbers: Random123's Philox 4x32-10. */
#include "internal.h"

#include <Random123/philox.h>
#include <gsl/gsl_cdf.h>

qntk_rng qntk_rng_create(uint64_t seed, uint64_t stream)
{
    return (qntk_rng){.seed = seed, .stream = stream, .position = 0, .used = 4};
}

/* counter = (position, stream), key = seed: each triple names one block of 128 bits. */
static void next_block(qntk_rng *rng)
{
    philox4x32_ctr_t counter = {{(uint32_t)rng->position, (uint32_t)(rng->position >> 32),
                                 (uint32_t)rng->stream, (uint32_t)(rng->stream >> 32)}};
    philox4x32_key_t key = {{(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)}};
    philox4x32_ctr_t block = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        rng->word[i] = block.v[i];
    rng->position++;
    rng->used = 0;
}

uint64_t qntk_rng_bits(qntk_rng *rng)
{
    if (rng->used > 2)
        next_block(rng);
    uint64_t low = rng->word[rng->used];
    uint64_t high = rng->word[rng->used + 1];
    rng->used += 2;
    return high << 32 | low;
}

double qntk_rng_uniform(qntk_rng *rng)
{
    /* (k + 1/2) 2^-52 with k of 52 bits: exact in double, and never 0 or 1 */
    uint64_t k = qntk_rng_bits(rng) >> 12;
    return ((double)k + 0.5) * 0x1p-52;
}

double qntk_rng_normal(qntk_rng *rng)
{
    return gsl_cdf_ugaussian_Pinv(qntk_rng_uniform(rng));
}

size_t qntk_rng_below(qntk_rng *rng, size_t bound)
{
    /* Values at or above the largest multiple of bound are drawn again: exact uniformity. */
    uint64_t modulus = (uint64_t)bound;
    uint64_t accepted = UINT64_MAX - UINT64_MAX % modulus;
    for (;;) {
        uint64_t bits = qntk_rng_bits(rng);
        if (bits < accepted)
            return (size_t)(bits % modulus);
    }
}

void qntk_rng_shuffle(qntk_rng *rng, size_t *index, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = qntk_rng_below(rng, i);
        size_t swapped = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swapped;
    }
}
