/* See anneal_check.h. */
#include "anneal_check.h"

#include <math.h>

double anneal_terms(qntk_noise noise, size_t levels)
{
    const double reach = noise.shape == QNTK_NOISE_LOGISTIC ? 18.1
                         : noise.shape == QNTK_NOISE_NORMAL ? 5.6
                                                            : 1;
    return fmin((double)levels - 1, 2 * reach * noise.scale + 2);
}

double anneal_shift(qntk_noise noise, size_t levels)
{
    return (anneal_terms(noise, levels) + 1) * 0x1p-23;
}

double anneal_distribution_error(qntk_noise noise, size_t levels)
{
    return 3e-7 + qntk_noise_peak(noise) * anneal_shift(noise, levels);
}

double anneal_expected_error(qntk_noise noise, size_t levels, float latent, float weight)
{
    const qntk_steps steps = qntk_steps_symmetric(levels);
    const double tolerance =
        0x1p-22 + steps.step * anneal_terms(noise, levels) * anneal_distribution_error(noise, levels);
    return fabs((double)weight - qntk_steps_expected(steps, noise, (double)latent)) / tolerance;
}
