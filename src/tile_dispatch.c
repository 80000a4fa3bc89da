/* Chooses the instruction set of the tiles. */
#include "tile.h"

#include <string.h>

extern const qntk_tile_ops qntk_tile_ops_baseline;
#ifdef QNTK_TILE_X86
extern const qntk_tile_ops qntk_tile_ops_avx2;
extern const qntk_tile_ops qntk_tile_ops_avx512;
#endif

static bool runs_always(void)
{
    return true;
}

#ifdef QNTK_TILE_X86
static bool runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool runs_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

/* Best first. */
static const struct {
    const qntk_tile_ops *ops;
    bool (*runs_here)(void);
} variants[] = {
#ifdef QNTK_TILE_X86
    {&qntk_tile_ops_avx512, runs_avx512},
    {&qntk_tile_ops_avx2, runs_avx2},
#endif
    {&qntk_tile_ops_baseline, runs_always},
};

const qntk_tile_ops *qntk_tile_ops_find(const char *name)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (name != NULL && strcmp(name, variants[i].ops->name) != 0)
            continue;
        if (variants[i].runs_here())
            return variants[i].ops;
    }
    qntk_fail(QNTK_UNSUPPORTED, "instruction set '%s' is not available on this processor", name);
    return NULL;
}
