/* The exact spectrum on the sphere: the driver. */
#include "mercer_internal.h"

#include <float.h>
#include <math.h>

qntk_mercer_options qntk_mercer_defaults(void)
{
    return (qntk_mercer_options){.degrees = 60, .accuracy = 1e-10, .departure = true};
}

void qntk_mercer_free(qntk_mercer *mercer)
{
    qntk_free(mercer->eval);
    qntk_free(mercer->multiplicity);
    qntk_free(mercer->error);
    *mercer = (qntk_mercer){0};
}

/* The parameters that have no spectrum on the sphere. */
static qntk_status check_kernel(const qntk_kernel *kernel)
{
    const double nearly_gaussian = 1.99999; /* nearer to 2 the law of the scale has a width of rounding */
    qntk_status status = qntk_kernel_check(kernel);
    if (status != QNTK_OK)
        return status;
    if (kernel->family == QNTK_FAMILY_FILE)
        return qntk_fail(QNTK_INVALID, "sphere: the kernel '%s' is a matrix, expected one with a formula",
                         kernel->spec);
    if (kernel->family == QNTK_FAMILY_GEXP && kernel->power > nearly_gaussian && kernel->power < 2)
        return qntk_fail(QNTK_INVALID, "sphere: kernel '%s': expected power 2, or 0.001 to %g, found %.17g",
                         kernel->spec, nearly_gaussian, kernel->power);
    if (qntk_kernel_is_radial(kernel) && kernel->bandwidth == 0)
        return qntk_fail(QNTK_INVALID, "sphere: kernel '%s': the bandwidth is not resolved", kernel->spec);
    return QNTK_OK;
}

static qntk_status check_arguments(const qntk_kernel *kernel, size_t D, const qntk_mercer_options *options)
{
    if (D < 2 || D > QNTK_MERCER_DIMENSION_MAX)
        return qntk_fail(QNTK_INVALID, "sphere: expected a dimension between 2 and %d, found %zu",
                         QNTK_MERCER_DIMENSION_MAX, D);
    if (options->degrees > QNTK_MERCER_DEGREES_MAX)
        return qntk_fail(QNTK_INVALID, "sphere: expected at most %d degrees, found %zu",
                         QNTK_MERCER_DEGREES_MAX, options->degrees);
    if (!(options->accuracy > 0))
        return qntk_fail(QNTK_INVALID, "sphere: expected an accuracy above 0, found %g", options->accuracy);
    return check_kernel(kernel);
}

/* t* and what follows from it. */
static void describe(const qntk_kernel *kernel, qntk_mercer *out)
{
    long double gap = 0; /* t* - 1 */
    switch (kernel->family) {
    case QNTK_FAMILY_NETWORK:
        gap = qntk_sphere_network_create(&kernel->network, true).right;
        break;
    case QNTK_FAMILY_GAUSS:
        gap = HUGE_VALL;
        break;
    case QNTK_FAMILY_RGAUSS:
        gap = (long double)kernel->alpha * kernel->bandwidth * kernel->bandwidth;
        break;
    case QNTK_FAMILY_GEXP:
        gap = kernel->power == 2 ? HUGE_VALL : 0;
        break;
    case QNTK_FAMILY_LAPLACE:
    case QNTK_FAMILY_MATERN:
    case QNTK_FAMILY_FILE:
        break;
    }
    out->t_star = (double)(1 + gap);
    /* sqrt(t*^2 - 1) = sqrt(gap (gap + 2)) */
    out->limit_ratio = (double)(1 / (1 + gap + sqrtl(gap) * sqrtl(gap + 2)));
    out->kernel_at_one = qntk_kernel_cosine(kernel, 1);
}

static qntk_status allocate(size_t D, size_t count, qntk_mercer *out, qntk_sphere_values *values)
{
    values->count = count;
    values->eval = qntk_alloc_zero(2 * count, sizeof *values->eval);
    out->dimension = D;
    out->count = count;
    out->eval = qntk_alloc_zero(count, sizeof *out->eval);
    out->multiplicity = qntk_alloc_zero(count, sizeof *out->multiplicity);
    out->error = qntk_alloc_zero(count, sizeof *out->error);
    if (values->eval == NULL || out->eval == NULL || out->multiplicity == NULL || out->error == NULL)
        return QNTK_NO_MEMORY;
    values->error = values->eval + count;
    return QNTK_OK;
}

/* Rounds to double; returns the worst error of an eigenvalue that is a normal double. */
static double deliver(const qntk_sphere_values *values, qntk_mercer *out)
{
    double worst = 0;
    for (size_t k = 0; k < out->count; k++) {
        out->multiplicity[k] = qntk_mercer_multiplicity(out->dimension, k);
        out->eval[k] = (double)values->eval[k];
        out->error[k] =
            values->eval[k] > 0 ? (double)(values->error[k] + DBL_EPSILON / 2) : (double)values->error[k];
        if (out->eval[k] >= DBL_MIN)
            worst = fmax(worst, out->error[k]);
        else if (values->eval[k] > 0 || values->error[k] > 0)
            out->eval[k] = 0, out->error[k] = 1;
    }
    return worst;
}

qntk_status qntk_mercer_compute(const qntk_kernel *kernel, size_t D, qntk_mercer_options options,
                                qntk_mercer *out)
{
    *out = (qntk_mercer){0};
    qntk_status status = check_arguments(kernel, D, &options);
    if (status != QNTK_OK)
        return status;
    qntk_sphere_values values = {0};
    double worst = 0;
    bool network = kernel->family == QNTK_FAMILY_NETWORK;
    status = allocate(D, options.degrees + 1, out, &values);
    if (status != QNTK_OK)
        goto done;
    if (network) {
        qntk_sphere_network rounded = qntk_sphere_network_create(&kernel->network, true);
        status = qntk_sphere_network_values(&rounded, D, &values);
    } else {
        status = qntk_sphere_radial(kernel, D, &values);
    }
    if (status != QNTK_OK)
        goto done;
    worst = deliver(&values, out);
    describe(kernel, out);
    out->departure_degree = NAN;
    if (options.departure && network && kernel->network.levels != QNTK_LEVELS_REAL)
        status = qntk_sphere_departure(&kernel->network, D, &out->departure_degree);
done:
    qntk_free(values.eval);
    if (status != QNTK_OK) {
        qntk_mercer_free(out);
        return status;
    }
    qntk_progress("mercer", 1);
    if (worst > options.accuracy)
        return qntk_fail(QNTK_NOT_CONVERGED,
                         "sphere: kernel '%s', dimension %zu: the relative error of an eigenvalue may be "
                         "%.1e, wanted %.1e",
                         kernel->spec, D, worst, options.accuracy);
    return QNTK_OK;
}
