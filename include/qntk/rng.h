/* Random numbers that depend on (seed, stream, position) only: Philox 4x32-10
 * (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), from the
 * Random123 library. The same numbers on every machine and for any thread count. */
#ifndef QNTK_RNG_H
#define QNTK_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t seed;     /* the user's --seed */
    uint64_t stream;   /* independent sequences of one seed: one per purpose or per row */
    uint64_t position; /* next block of four 32-bit words */
    uint32_t word[4];  /* the block in use */
    unsigned used;     /* words of it already given out; 4 = none left */
} qntk_rng;

/* The sequence (seed, stream), at its start. */
qntk_rng qntk_rng_create(uint64_t seed, uint64_t stream);

/* 64 uniform bits. */
uint64_t qntk_rng_bits(qntk_rng *rng);

/* Uniform on the open interval (0,1): an odd multiple of 2^-53. */
double qntk_rng_uniform(qntk_rng *rng);

/* Standard normal: the quantile of one uniform, so from -8.2095 to 8.2095 (a normal number lies outside with
 * probability 2^-52) and in the tails as coarse as the uniform's steps of 2^-52 make it. Wichura's rational
 * functions (algorithm AS 241, 1988, through GSL): relative error 7.3e-16 at worst, found on 2 million points.
 */
double qntk_rng_normal(qntk_rng *rng);

/* Uniform on {0, .., bound-1}, exactly (by rejection); bound >= 1. */
size_t qntk_rng_below(qntk_rng *rng, size_t bound);

/* Fisher-Yates: permutes index (count). */
void qntk_rng_shuffle(qntk_rng *rng, size_t *index, size_t count);

#ifdef __cplusplus
}
#endif
#endif
