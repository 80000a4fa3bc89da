/* Files compiled once per instruction set (see src/meson.build): QNTK_ISA is its name, baseline, avx2 or
 * avx512, and QNTK_LANES the doubles in a vector. What such a file exports ends in that name. */
#ifndef QNTK_ISA_H
#define QNTK_ISA_H

#include <stddef.h>

/* QNTK_ISA_SYMBOL(qntk_tile_ops) is qntk_tile_ops_avx2 in the file compiled for AVX2. */
#define QNTK_ISA_PASTE(stem, isa)  stem##_##isa
#define QNTK_ISA_EXPAND(stem, isa) QNTK_ISA_PASTE(stem, isa)
#define QNTK_ISA_SYMBOL(stem)      QNTK_ISA_EXPAND(stem, QNTK_ISA)
#define QNTK_ISA_QUOTE(isa)        #isa
#define QNTK_ISA_TEXT_OF(isa)      QNTK_ISA_QUOTE(isa)
#define QNTK_ISA_TEXT              QNTK_ISA_TEXT_OF(QNTK_ISA)

typedef enum { QNTK_ISA_BASELINE, QNTK_ISA_AVX2, QNTK_ISA_AVX512, QNTK_ISA_COUNT } qntk_isa;

/* The best instruction set of this build that this processor runs; each better one includes the lesser ones.
 */
static inline qntk_isa qntk_isa_best(void)
{
#ifdef QNTK_X86
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return QNTK_ISA_BASELINE;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl")
               ? QNTK_ISA_AVX512
               : QNTK_ISA_AVX2;
#else
    return QNTK_ISA_BASELINE;
#endif
}

/* The instruction set of this name, NULL: the best. -1 and a message if this processor, or this build, lacks it. */
int qntk_isa_find(const char *name);

#endif
