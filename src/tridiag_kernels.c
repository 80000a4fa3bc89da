/* Which of the compiled kernels this machine runs. */
#include "tridiag_internal.h"

extern const qntk_kernels qntk_kernels_portable;
#ifdef QNTK_X86_KERNELS
extern const qntk_kernels qntk_kernels_avx2, qntk_kernels_avx512;
#endif

const qntk_kernels *const *qntk_kernels_all(void)
{
#ifdef QNTK_X86_KERNELS
    static const qntk_kernels *const list[] = {&qntk_kernels_avx512, &qntk_kernels_avx2,
                                               &qntk_kernels_portable, NULL};
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return list + 2;
    return list + (__builtin_cpu_supports("avx512f") ? 0 : 1);
#else
    static const qntk_kernels *const list[] = {&qntk_kernels_portable, NULL};
    return list;
#endif
}

const qntk_kernels *qntk_kernels_best(void)
{
    return qntk_kernels_all()[0];
}
