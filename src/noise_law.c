/* How noise falls with the number of bits. */
#include "internal.h"

#include <math.h>

/* A point of the fit; false if it has none. */
static bool point(size_t levels, double noise, bool of_step, double *x, double *y)
{
    enum { LEVELS_FROM = 4 };
    if (levels < LEVELS_FROM || !(noise > 0) || !isfinite(noise))
        return false;
    *x = of_step ? log(qntk_weight_step(levels)) : log2((double)levels);
    *y = log(noise);
    return true;
}

/* Least squares of ln noise on the bits or on ln step: the slope and its standard error, NaN where points are too
 * few. Returns how many there are. */
static size_t fit_slope(size_t count, const size_t *levels, const double *noise, bool of_step, double *slope,
                        double *se)
{
    double x, y, n = 0, mean_x = 0, mean_y = 0, xx = 0, xy = 0, rest = 0;
    for (size_t k = 0; k < count; k++)
        if (point(levels[k], noise[k], of_step, &x, &y)) {
            mean_x += x;
            mean_y += y;
            n++;
        }
    mean_x /= n;
    mean_y /= n;
    for (size_t k = 0; k < count; k++)
        if (point(levels[k], noise[k], of_step, &x, &y)) {
            xx += (x - mean_x) * (x - mean_x);
            xy += (x - mean_x) * (y - mean_y);
        }
    *slope = n >= 2 && xx > 0 ? xy / xx : NAN;
    for (size_t k = 0; k < count; k++)
        if (point(levels[k], noise[k], of_step, &x, &y)) {
            const double off = y - mean_y - *slope * (x - mean_x);
            rest += off * off;
        }
    *se = n >= 3 && xx > 0 ? sqrt(rest / (n - 2) / xx) : NAN;
    return (size_t)n;
}

qntk_noise_law qntk_noise_fit(size_t count, const size_t *levels, const double *noise)
{
    qntk_noise_law law;
    double slope, se;
    law.points = fit_slope(count, levels, noise, false, &slope, &se);
    law.factor_per_bit = exp(-slope);
    law.factor_se = law.factor_per_bit * se;
    fit_slope(count, levels, noise, true, &law.step_exponent, &law.step_exponent_se);
    return law;
}
