/* The instruction set by its name. */
#include "isa.h"
#include "internal.h"

#include <string.h>

static const char *const names[QNTK_ISA_COUNT] = {
    [QNTK_ISA_BASELINE] = "baseline", [QNTK_ISA_AVX2] = "avx2", [QNTK_ISA_AVX512] = "avx512"};

int qntk_isa_find(const char *name)
{
    const int best = (int)qntk_isa_best();
    if (name == NULL)
        return best;
    for (int isa = 0; isa <= best; isa++)
        if (strcmp(name, names[isa]) == 0)
            return isa;
    qntk_fail(QNTK_UNSUPPORTED, "instruction set '%s' is not available on this processor", name);
    return -1;
}
