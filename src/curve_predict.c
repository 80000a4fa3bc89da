/* Learning curves predicted: from a pool's own spectrum, and from the exact one of the sphere. */
#include "internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- a pool ---- */

void qntk_curve_pool_free(qntk_curve_pool *pool)
{
    qntk_free(pool->eval);
    qntk_free(pool->power);
    *pool = (qntk_curve_pool){0};
}

qntk_status qntk_curve_pool_create(size_t P, const double *K, size_t m, const double *Y,
                                   qntk_curve_pool *pool)
{
    const double rounding = 1e-6; /* of a matrix in single precision, relative to its norm */
    QNTK_REQUIRE(pool != NULL, "pool must not be NULL");
    *pool = (qntk_curve_pool){0};
    QNTK_REQUIRE(P >= 1 && m >= 1 && K != NULL && Y != NULL, "expected P and m of at least 1, K and Y");
    qntk_spectrum spectrum = {0};
    qntk_spectrum_options options = qntk_spectrum_defaults();
    options.vectors = true;
    pool->eval = qntk_alloc(P, sizeof *pool->eval);
    pool->power = qntk_alloc(P, sizeof *pool->power);
    qntk_status status = QNTK_OK;
    if (pool->eval == NULL || pool->power == NULL)
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = qntk_spectrum_compute(P, K, options, &spectrum);
    if (status == QNTK_OK && spectrum.eval[P - 1] < -rounding * spectrum.norm)
        status =
            qntk_fail(QNTK_INVALID,
                      "expected a kernel matrix without negative eigenvalues, found %g beside a norm of %g",
                      spectrum.eval[P - 1], spectrum.norm);
    for (size_t k = 0; k < P && status == QNTK_OK; k++)
        pool->eval[k] = fmax(0, spectrum.eval[k]) / (double)P;
    if (status == QNTK_OK)
        status = qntk_risk_power(P, P, spectrum.evec, m, Y, pool->power, &pool->rest);
    pool->P = P;
    pool->m = m;
    qntk_spectrum_free(&spectrum);
    if (status != QNTK_OK)
        qntk_curve_pool_free(pool);
    return status;
}

qntk_status qntk_curve_predict(const qntk_curve_pool *pool, size_t count, qntk_curve_point *point)
{
    QNTK_REQUIRE(pool != NULL && pool->eval != NULL && pool->power != NULL, "pool must not be empty");
    QNTK_REQUIRE(count == 0 || point != NULL, "point must not be NULL");
    const qntk_risk_model model = {.count = pool->P, .eval = pool->eval, .power = pool->power};
    qntk_status status = QNTK_OK;
    for (size_t s = 0; s < count && status == QNTK_OK; s++) {
        qntk_curve_point *at = &point[s];
        status = qntk_risk_predict(&model, at->n, at->ridge, NULL, &at->predicted);
        if (status == QNTK_OK)
            status = qntk_risk_pool(pool->P, pool->eval, pool->power, at->n, at->ridge, &at->pool);
        at->held_out_predicted = qntk_risk_held_out(&at->predicted, at->n, pool->P);
        at->held_out_pool = qntk_risk_held_out(&at->pool, at->n, pool->P);
    }
    return status;
}

/* ---- the sphere ---- */

enum { DEGREES_FIRST = 64, DEGREES_LAST = 8192, DEGREES_GROWTH = 4 };

typedef struct {
    qntk_mercer mercer;
    qntk_risk_model model; /* points into mercer and power */
    double *power;         /* (mercer.count) */
    double beyond;         /* the largest eigenvalue that is not listed, at most */
} sphere;

static void sphere_free(sphere *s)
{
    qntk_mercer_free(&s->mercer);
    qntk_free(s->power);
    *s = (sphere){0};
}

/* Sum of N lambda over the degrees that are not listed: K(1) less the others; below the rounding of that
 * difference, the geometric series that continues the last four terms (in pairs: odd ones may be zero). */
static double tail_of(const qntk_mercer *mercer, size_t listed)
{
    double left = mercer->kernel_at_one;
    const double *N = mercer->multiplicity, *eval = mercer->eval;
    for (size_t k = 0; k < listed; k++)
        left -= N[k] * eval[k];
    const double rounding = 1e-14 * mercer->kernel_at_one;
    if (left > rounding || listed < 4)
        return fmax(0, left);
    const double last = N[listed - 1] * eval[listed - 1] + N[listed - 2] * eval[listed - 2];
    const double before = N[listed - 3] * eval[listed - 3] + N[listed - 4] * eval[listed - 4];
    return last < before ? fmin(rounding, last * last / (before - last)) : 0;
}

/* The modes of degrees 0 .. degrees, the last two kept back to say what is beyond. */
static qntk_status list_modes(const qntk_kernel *kernel, size_t D, const qntk_curve_target *target,
                              size_t degrees, sphere *s)
{
    sphere_free(s);
    qntk_mercer_options options = qntk_mercer_defaults();
    options.degrees = degrees;
    options.departure = false;
    qntk_status status = qntk_mercer_compute(kernel, D, options, &s->mercer);
    if (status != QNTK_OK && status != QNTK_NOT_CONVERGED)
        return status;
    size_t listed = s->mercer.count - 2;
    for (size_t k = listed; k > 0; k--)
        if (!(s->mercer.multiplicity[k - 1] <= DBL_MAX))
            listed = k - 1;
    if (target->degrees > listed)
        return qntk_fail(QNTK_INVALID, "target: expected degrees below %zu in dimension %zu, found %zu",
                         listed, D, target->degrees - 1);
    s->power = qntk_alloc_zero(s->mercer.count, sizeof *s->power);
    if (s->power == NULL)
        return QNTK_FAIL_MEMORY();
    memcpy(s->power, target->power, target->degrees * sizeof *s->power);
    s->beyond = fmax(s->mercer.eval[listed], s->mercer.eval[listed + 1]);
    s->model = (qntk_risk_model){.count = listed,
                                 .eval = s->mercer.eval,
                                 .multiplicity = s->mercer.multiplicity,
                                 .power = s->power,
                                 .noise = target->noise,
                                 .tail = tail_of(&s->mercer, listed)};
    return status;
}

/* As many degrees as the largest n needs. */
static qntk_status resolve(const qntk_kernel *kernel, size_t D, const qntk_curve_target *target, size_t n,
                           double ridge, sphere *s)
{
    const double resolved = 1e-3; /* eigenvalues so small beside kappa act as a ridge */
    size_t degrees = DEGREES_FIRST;
    while (degrees < target->degrees + 2 && degrees < DEGREES_LAST)
        degrees *= 2;
    for (;; degrees = qntk_min(degrees * DEGREES_GROWTH, DEGREES_LAST)) {
        qntk_risk risk;
        const qntk_status listed = list_modes(kernel, D, target, degrees, s);
        if (listed != QNTK_OK && listed != QNTK_NOT_CONVERGED)
            return listed;
        const qntk_status status = qntk_risk_predict(&s->model, n, ridge, NULL, &risk);
        if (status != QNTK_OK || s->beyond <= resolved * risk.kappa)
            return status == QNTK_OK ? listed : status;
        if (degrees == DEGREES_LAST || s->model.count + 2 < s->mercer.count)
            return qntk_fail(
                QNTK_NOT_CONVERGED,
                "%zu rows: the degrees from %zu on act as a ridge, but their eigenvalues are up "
                "to %.2g kappa: expected at most %g; fewer rows or a larger ridge need fewer degrees",
                n, s->model.count, s->beyond / risk.kappa, resolved);
    }
}

/* The ridge of smallest predicted test error. */
static qntk_status predict_size(const qntk_risk_model *model, size_t ridges, const double *ridge,
                                qntk_curve_point *point)
{
    const qntk_curve_value none = {NAN, NAN};
    *point = (qntk_curve_point){.n = point->n,
                                .test = none,
                                .held_out = none,
                                .train = none,
                                .kare = none,
                                .loo = none,
                                .accuracy = none,
                                .held_out_predicted = NAN,
                                .held_out_pool = NAN};
    qntk_status status = QNTK_OK;
    for (size_t r = 0; r < ridges && status == QNTK_OK; r++) {
        qntk_risk risk;
        status = qntk_risk_predict(model, point->n, ridge[r], NULL, &risk);
        const double best = point->predicted.test;
        if (r == 0 || risk.test < best || (risk.test == best && ridge[r] < point->ridge)) {
            point->predicted = risk;
            point->ridge = ridge[r];
        }
    }
    return status;
}

qntk_status qntk_curve_sphere(const qntk_kernel *kernel, size_t D, const qntk_curve_target *target,
                              size_t count, const size_t *size, size_t ridges, const double *ridge,
                              qntk_curve_point *point, size_t *degree)
{
    QNTK_REQUIRE(kernel != NULL && target != NULL && point != NULL, "kernel, target and point must be given");
    QNTK_REQUIRE(count >= 1 && size != NULL, "at least one size must be given");
    memset(point, 0, count * sizeof *point);
    QNTK_REQUIRE(ridges >= 1 && ridge != NULL, "at least one ridge must be given");
    QNTK_REQUIRE(target->degrees >= 1 && target->power != NULL, "the target must have a degree");
    size_t largest = 0;
    double smallest = INFINITY;
    for (size_t s = 0; s < count; s++)
        largest = qntk_max(largest, point[s].n = size[s]);
    for (size_t r = 0; r < ridges; r++)
        smallest = ridge[r] < smallest ? ridge[r] : smallest;
    sphere modes = {0};
    qntk_status converged = resolve(kernel, D, target, largest, smallest, &modes);
    qntk_status status = converged == QNTK_NOT_CONVERGED ? QNTK_OK : converged;
    for (size_t s = 0; s < count && status == QNTK_OK; s++)
        status = predict_size(&modes.model, ridges, ridge, &point[s]);
    if (degree != NULL)
        *degree = status == QNTK_OK ? modes.model.count - 1 : 0;
    sphere_free(&modes);
    if (status == QNTK_OK)
        return converged;
    memset(point, 0, count * sizeof *point);
    return status;
}
