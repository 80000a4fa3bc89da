/* Chooses the instruction set of training, and the parts of rounding that are rare or exact. */
#include "internal.h"
#include "isa.h"
#include "train_simd.h"

#include <math.h>

extern const qntk_train_ops qntk_train_ops_baseline;
#ifdef QNTK_X86
extern const qntk_train_ops qntk_train_ops_avx2, qntk_train_ops_avx512;
#endif

static const qntk_train_ops *const variants[] = {
    [QNTK_ISA_BASELINE] = &qntk_train_ops_baseline,
#ifdef QNTK_X86
    [QNTK_ISA_AVX2] = &qntk_train_ops_avx2,
    [QNTK_ISA_AVX512] = &qntk_train_ops_avx512,
#endif
};

const qntk_train_ops *qntk_train_ops_find(const char *name)
{
    const int isa = qntk_isa_find(name);
    return isa < 0 ? NULL : variants[isa];
}

/* s = latent h + h rounds: the cell from the rounded s may be off by one where s is nearly whole, so the
 * position comes from one exact difference and one fma, and moves the cell if it leaves [0,1). */
uint64_t qntk_round_threshold(size_t levels, float latent, size_t *cell)
{
    const double h = (double)(levels - 1) / 2;
    double clamped = fmin(1, fmax(-1, (double)latent));
    double whole = floor(fma(clamped, h, h));
    double position = fma(clamped, h, h - whole);
    if (position < 0) {
        whole -= 1;
        position = fma(clamped, h, h - whole);
    } else if (position >= 1) {
        whole += 1;
        position = fma(clamped, h, h - whole);
    }
    /* 2^48 is its own cell's end: a position that rounds to 1 rounds up for sure */
    *cell = (size_t)whole;
    return (uint64_t)(fmax(position, 0) * 0x1p48);
}

size_t qntk_round_level(size_t levels, float latent, uint64_t bits48)
{
    size_t cell;
    uint64_t threshold = qntk_round_threshold(levels, latent, &cell);
    return cell + (bits48 >= (UINT64_C(1) << 48) - threshold ? 1 : 0);
}

float qntk_round_value(size_t levels, size_t level)
{
    return ((float)level * 2 - (float)(levels - 1)) / (float)(levels - 1);
}

uint32_t qntk_round_tie(qntk_round_source source, size_t i)
{
    qntk_rng rng = qntk_rng_create(source.seed, source.stream + QNTK_TIE_STREAM * (1 + (i % 8) / 4));
    rng.position = source.position + i / 8;
    qntk_rng_bits(&rng);
    return rng.word[i % 4];
}
