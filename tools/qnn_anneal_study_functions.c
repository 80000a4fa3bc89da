/* qnn noise --anneal-study: the expected step functions of its noises, measured beside what is known of them. */
#include "qnn_anneal_study.h"

#include <gsl/gsl_integration.h>
#include <math.h>

enum { POINTS = 33, DRAWS = 20000, RULE = 8, GRID = 4096 };

/* Integral of the density of the noise from a to b, in pieces that end at its kinks, which are multiples of scale. */
static double area(const gsl_integration_glfixed_table *rule, qntk_noise noise, double a, double b)
{
    const double piece = noise.scale / 2;
    double sum = 0;
    for (double k = floor(a / piece); k * piece < b; k++) {
        const double low = fmax(a, k * piece), high = fmin(b, (k + 1) * piece);
        for (size_t i = 0; i < RULE && low < high; i++) {
            double z, weight;
            gsl_integration_glfixed_point(low, high, i, &z, &weight, rule);
            sum += weight * qntk_noise_density(noise, z);
        }
    }
    return sum;
}

/* E q(x + step u) over the noise u, level by level. */
static double expected_by_quadrature(const gsl_integration_glfixed_table *rule, qntk_steps q,
                                     qntk_noise noise, double x)
{
    const double far = 40 * noise.scale, place = x / q.step - q.lowest; /* in steps from the lowest level */
    double sum = 0;
    for (size_t k = 0; k < q.levels; k++) {
        const double low = k == 0 ? -far : fmax((double)k - 0.5 - place, -far);
        const double high = k + 1 == q.levels ? far : fmin((double)k + 0.5 - place, far);
        if (low < high)
            sum += q.step * (q.lowest + (double)k) * area(rule, noise, low, high);
    }
    return sum;
}

/* Var q in steps^2: with c = F(z_1) + .. + F(z_K) the mean of the number k of thresholds passed, and
 * E k^2 = sum_i (2 i - 1) F(z_i). */
static double variance_of(qntk_steps q, qntk_noise noise, double x)
{
    double mean = 0, square = 0;
    for (size_t i = 1; i < q.levels; i++) {
        const double F = qntk_noise_distribution(noise, x / q.step - (q.lowest + (double)i - 0.5));
        mean += F;
        square += (2 * (double)i - 1) * F;
    }
    return square - mean * mean;
}

/* The mean of draws at x, less the expected output, over its standard error; 0 where draws hardly ever differ. */
static double score_of_draws(qntk_steps q, qntk_noise noise, double x, qntk_rng *rng)
{
    const double expected = qntk_steps_expected(q, noise, x), variance = variance_of(q, noise, x);
    const double few = 100; /* draws that differ: with fewer the mean is not normal */
    double mean = 0;
    for (int i = 0; i < DRAWS; i++)
        mean += (qntk_steps_draw(q, noise, x, qntk_rng_uniform(rng)) - expected) / q.step / DRAWS;
    return DRAWS * variance < few ? 0 : fabs(mean) / sqrt(variance / DRAWS);
}

static double worse(double worst, double value)
{
    return isnan(worst) || isnan(value) ? (double)NAN : fmax(worst, value);
}

qntk_status study_measure(qntk_steps q, qntk_noise noise, uint64_t seed, study_function *f)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(RULE);
    if (rule == NULL)
        return QNTK_NO_MEMORY;
    const double reach = (double)(q.levels + 1) / 2, middle = q.lowest + ((double)q.levels - 1) / 2;
    const double h = 2 * reach * q.step / GRID;
    qntk_rng rng = qntk_rng_create(seed, UINT64_C(0x616e6e) + noise.shape);
    *f = (study_function){.scale = noise.scale, .lipschitz = qntk_steps_lipschitz(q, noise)};
    for (int i = 0; i < POINTS; i++) { /* none of them at a threshold */
        const double x = q.step * (middle + reach * (2 * ((double)i + 0.37) / POINTS - 1));
        const double off = qntk_steps_expected(q, noise, x) - expected_by_quadrature(rule, q, noise, x);
        f->quadrature = worse(f->quadrature, fabs(off) / q.step);
        f->draws = worse(f->draws, score_of_draws(q, noise, x, &rng));
    }
    for (int i = 0; i < GRID; i++) { /* nor where two supports of uniform noise meet */
        const double x = q.step * (middle - reach) + h * (i + 0.37);
        const double rise = qntk_steps_expected(q, noise, x + h) - qntk_steps_expected(q, noise, x);
        f->steepest = worse(f->steepest, rise / h);
        f->slope = worse(f->slope, qntk_steps_slope(q, noise, x));
    }
    gsl_integration_glfixed_table_free(rule);
    return QNTK_OK;
}
