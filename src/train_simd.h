/* The elementwise loops of training, over stretches of a row of weights. train_simd.c is compiled once per
 * instruction set without fused multiply-add, and every operation in it is correctly rounded, so that all
 * sets give the same bytes; train_dispatch.c picks the best that the processor has. */
#ifndef QNTK_TRAIN_SIMD_H
#define QNTK_TRAIN_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step of Adam (Kingma & Ba 2015, the rearranged form at the end of their section 2):
 *     m <- beta1 m + (1-beta1) g,  v <- beta2 v + (1-beta2) g^2,  latent <- latent - rate m / (sqrt v + epsilon)
 * with rate = rate0 sqrt(1-beta2^t)/(1-beta1^t) and epsilon = epsilon0 sqrt(1-beta2^t). */
typedef struct {
    float rate, beta1, rest1, beta2, rest2, epsilon; /* rest = 1 - beta */
} qntk_adam;

/* Where a stretch of a row gets its random bits: blocks of Philox 4x32-10 at (seed, stream, position + block).
 * Weight i of the stretch belongs to group g = i/64, which has the blocks 8g .. 8g+7; with k = i mod 64 it
 * takes half k mod 2 (low first) of word k/16 of block 8g + (k mod 16)/2. The 32 further bits of a tie are word
 * i mod 4 of block i/8 in stream + QNTK_TIE_STREAM (1 + (i mod 8)/4). */
typedef struct {
    uint64_t seed, stream, position;
} qntk_round_source;

enum { QNTK_ROUND_GROUP = 64, QNTK_ROUND_BLOCKS = 8, QNTK_TIE_STREAM = 1 << 16 };

typedef struct {
    const char *name;
    /* Sixteen random bits, a number below 65536, for each of `count` weights; writes whole groups of 64. */
    void (*bits)(qntk_round_source source, size_t count, uint32_t *bits);
    /* latent <- latent - rate g, clipped to [-limit, limit] (INFINITY: not); so are the next two. */
    void (*sgd)(size_t count, const float *gradient, float rate, float limit, float *latent);
    /* m <- momentum m + g, latent <- latent - rate m */
    void (*momentum)(size_t count, const float *gradient, float rate, float momentum, float limit,
                     float *first, float *latent);
    void (*adam)(size_t count, const float *gradient, qntk_adam adam, float limit, float *first,
                 float *second, float *latent);
    /* gradient <- gradient 1[|latent| <= 1] */
    void (*window)(size_t count, const float *latent, float *gradient);
    /* weight <- the stochastic rounding of latent (taken to [-1,1]) to `levels`; bits as above. NaN
     * gives NaN. */
    void (*round)(size_t levels, qntk_round_source source, size_t count, const float *latent,
                  const uint32_t *bits, float *weight);
    /* weight <- the nearest of `levels` levels, the upper one at a tie. */
    void (*nearest)(size_t levels, size_t count, const float *latent, float *weight);
} qntk_train_ops;

/* The loops for an instruction set by name, or the best for this processor (NULL). NULL and a message if the
 * processor or the build lacks it. */
const qntk_train_ops *qntk_train_ops_find(const char *name);

/* Stochastic rounding as a threshold. With h = (levels-1)/2 and s = (latent+1) h, the latent weight taken to
 * [-1,1], the rounded weight is level `cell` = floor(s), or the next one if the 48 random bits U are at least
 * 2^48 - threshold, threshold = floor(2^48 (s - cell)): the expected weight is exact to 2^-48 steps. */
uint64_t qntk_round_threshold(size_t levels, float latent, size_t *cell);

/* The level 0 .. levels-1 that 48 random bits choose, and its value -1 + 2 level/(levels-1), in float
 * correctly rounded. */
size_t qntk_round_level(size_t levels, float latent, uint64_t bits48);
float qntk_round_value(size_t levels, size_t level);

/* The 32 further bits of weight i of a stretch. */
uint32_t qntk_round_tie(qntk_round_source source, size_t i);

#endif
