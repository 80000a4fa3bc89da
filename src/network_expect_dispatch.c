/* Chooses the instruction set of expected outputs. */
#include "isa.h"
#include "network_expect_simd.h"

extern const qntk_expect_ops qntk_expect_ops_baseline;
#ifdef QNTK_X86
extern const qntk_expect_ops qntk_expect_ops_avx2, qntk_expect_ops_avx512;
#endif

static const qntk_expect_ops *const variants[] = {
    [QNTK_ISA_BASELINE] = &qntk_expect_ops_baseline,
#ifdef QNTK_X86
    [QNTK_ISA_AVX2] = &qntk_expect_ops_avx2,
    [QNTK_ISA_AVX512] = &qntk_expect_ops_avx512,
#endif
};

const qntk_expect_ops *qntk_expect_ops_find(const char *name)
{
    const int isa = qntk_isa_find(name);
    return isa < 0 ? NULL : variants[isa];
}
