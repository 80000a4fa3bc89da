/* Which of the compiled kernels this machine runs. */
#include "tridiag_internal.h"
#include "isa.h"

extern const qntk_kernels qntk_kernels_baseline;
#ifdef QNTK_X86
extern const qntk_kernels qntk_kernels_avx2, qntk_kernels_avx512;
#endif

const qntk_kernels *const *qntk_kernels_all(void)
{
    static const qntk_kernels *const list[] = {
#ifdef QNTK_X86
        &qntk_kernels_avx512, &qntk_kernels_avx2,
#endif
        &qntk_kernels_baseline, NULL};
    const size_t last = sizeof list / sizeof list[0] - 2; /* the baseline */
    return list + (last - (size_t)qntk_isa_best());
}

const qntk_kernels *qntk_kernels_best(void)
{
    return qntk_kernels_all()[0];
}
