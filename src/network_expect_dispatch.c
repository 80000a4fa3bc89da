/* Chooses the instruction set of expected outputs. */
#include "internal.h"
#include "isa.h"
#include "network_expect_simd.h"

#include <string.h>

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
    qntk_isa best = qntk_isa_best();
    if (name == NULL)
        return variants[best];
    for (int isa = 0; isa <= (int)best; isa++)
        if (strcmp(name, variants[isa]->name) == 0)
            return variants[isa];
    qntk_fail(QNTK_UNSUPPORTED, "instruction set '%s' is not available on this processor", name);
    return NULL;
}
