/* Weight laws and unbiased stochastic rounding. */
#include "internal.h"

#include <math.h>

qntk_status qntk_weight_law_create(size_t levels, qntk_weight_law *law)
{
    *law = (qntk_weight_law){0};
    QNTK_REQUIRE(levels != 1 && levels <= QNTK_LEVELS_MAX, "levels must be 0 (real) or 2 to 65536");
    law->levels = levels;
    if (levels == QNTK_LEVELS_REAL) {
        law->second_moment = 1;
        return QNTK_OK;
    }
    double step = qntk_weight_step(levels);
    law->second_moment = 1.0 / 3;
    law->noise = step * step / 6;
    return QNTK_OK;
}

double qntk_weight_step(size_t levels)
{
    return levels < 2 ? 0 : 2.0 / (double)(levels - 1);
}

/* latent = -1 + (cell + position) step, position in [0,1], also where (latent + 1)/step at latent = 1 rounds
 * to more than levels - 1. */
static double cell_position(size_t levels, double latent, double *cell)
{
    double scaled = (latent + 1) / qntk_weight_step(levels);
    *cell = fmin(floor(scaled), (double)(levels - 2));
    return fmin(scaled - *cell, 1);
}

double qntk_weight_noise(size_t levels, double latent)
{
    if (levels < 2)
        return 0;
    double cell, step = qntk_weight_step(levels);
    double position = cell_position(levels, latent, &cell);
    return position * (1 - position) * step * step;
}

double qntk_weight_noise_slope(size_t levels, double latent)
{
    if (levels < 2)
        return 0;
    double cell;
    return (1 - 2 * cell_position(levels, latent, &cell)) * qntk_weight_step(levels);
}

double qntk_weight_round(size_t levels, double latent, double uniform)
{
    if (levels < 2)
        return latent;
    double cell;
    double position = cell_position(levels, latent, &cell);
    double level = cell + (uniform < position ? 1 : 0);
    return -1 + 2 * level / (double)(levels - 1);
}
