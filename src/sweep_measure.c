/* What is measured on a trained model of a sweep. */
#include "sweep_internal.h"

#include <math.h>
#include <stdlib.h>

#include "qntk/penalty.h"
#include "qntk/sharpness.h"

static const struct {
    const char *name;
    bool sampled;
} measures[QNTK_MEASURES] = {
    [QNTK_MEASURE_NORM] = {"norm", false},
    [QNTK_MEASURE_DISTANCE] = {"distance", false},
    [QNTK_MEASURE_MARGIN] = {"margin", false},
    [QNTK_MEASURE_SIGMA] = {"sigma", true},
    [QNTK_MEASURE_MAGNITUDE_SIGMA] = {"magnitude_sigma", true},
    [QNTK_MEASURE_FLATNESS] = {"flatness", true},
    [QNTK_MEASURE_NORM_ORIGIN] = {"norm_origin", true},
    [QNTK_MEASURE_NORM_INIT] = {"norm_init", true},
    [QNTK_MEASURE_MAGNITUDE_AWARE] = {"magnitude_aware", true},
    [QNTK_MEASURE_BOUND] = {"bound", false},
    [QNTK_MEASURE_PENALTY] = {"penalty", false},
};

const char *qntk_measure_name(size_t measure)
{
    return measure < QNTK_MEASURES ? measures[measure].name : "";
}

bool qntk_measure_sampled(size_t measure)
{
    return measure < QNTK_MEASURES && measures[measure].sampled;
}

/* The 10 % quantile of the margins of the training rows, whose outputs are in F. Overwrites the answers. */
static double margin(qntk_sweep_job *j)
{
    const size_t n = j->data->n, classes = j->data->classes;
    if (classes < 2)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        const double *f = j->F + i * classes;
        const size_t label = (size_t)j->data->y[i];
        double other = -INFINITY;
        for (size_t c = 0; c < classes; c++)
            other = c != label ? fmax(other, f[c]) : other;
        j->answer[i] = f[label] - other;
    }
    qsort(j->answer, n, sizeof *j->answer, qntk_ascending);
    return j->answer[n / 10];
}

/* The norm of the weights in use, and of their difference to those at the start. */
static qntk_status measure_norms(qntk_sweep_job *j, double *norm, double *distance)
{
    qntk_moments_weights *now = qntk_alloc_zero(j->network.count, sizeof *now);
    qntk_moments_weights *then = qntk_alloc_zero(j->network.count, sizeof *then);
    qntk_status status = now == NULL || then == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    double square = 0, moved = 0;
    if (status == QNTK_OK)
        status = qntk_network_moments(&j->network, j->model.rounding, now);
    if (status == QNTK_OK)
        status = qntk_network_moments(&j->start, j->model.rounding, then);
    for (size_t l = 0; l < j->network.count && status == QNTK_OK; l++)
        for (size_t k = 0; k < now[l].fan_in * now[l].fan_out; k++) {
            const double w = now[l].latent[k], difference = w - then[l].latent[k];
            square += w * w;
            moved += difference * difference;
        }
    *norm = sqrt(square);
    *distance = sqrt(moved);
    if (now != NULL)
        qntk_network_moments_free(&j->network, now);
    if (then != NULL)
        qntk_network_moments_free(&j->start, then);
    qntk_free(now);
    qntk_free(then);
    return status;
}

/* sigma and what is made of it; for classes. */
static qntk_status measure_sharpness(const qntk_sweep_job *j, qntk_sweep_row *row)
{
    const qntk_sweep_data *data = j->data;
    qntk_sharpness_options options = qntk_sharpness_defaults();
    qntk_sharpness s;
    if (data->classes < 2 || data->n < 2)
        return QNTK_OK;
    options.repeats = j->sweep->repeats;
    options.draws = j->sweep->draws;
    options.loss = qntk_sweep_loss(j->sweep, data->classes);
    options.seed = j->model.seed;
    qntk_status status = qntk_sharpness_of(&j->network, &j->start, j->model.rounding, data->n, data->X,
                                           data->y, data->classes, options, &s);
    if (status != QNTK_OK)
        return status;
    row->measure[QNTK_MEASURE_BOUND] = s.bound;
    if (s.found > 0) {
        row->measure[QNTK_MEASURE_SIGMA] = s.sigma;
        row->se[QNTK_MEASURE_SIGMA] = s.sigma_se;
    }
    if (s.magnitude_found > 0) {
        row->measure[QNTK_MEASURE_MAGNITUDE_SIGMA] = s.magnitude_sigma;
        row->se[QNTK_MEASURE_MAGNITUDE_SIGMA] = s.magnitude_sigma_se;
    }
    for (size_t m = 0; m < QNTK_SHARPNESS_MEASURES; m++)
        if ((m == QNTK_SHARPNESS_MAGNITUDE ? s.magnitude_found : s.found) > 0) {
            row->measure[QNTK_MEASURE_FLATNESS + m] = s.measure[m];
            row->se[QNTK_MEASURE_FLATNESS + m] = s.se[m];
        }
    return QNTK_OK;
}

static qntk_status measure_penalty(const qntk_sweep_job *j, double *value)
{
    qntk_penalty_options options = qntk_penalty_defaults();
    qntk_penalty penalty;
    options.loss = qntk_sweep_loss(j->sweep, j->data->classes);
    options.draws = options.probes = 2; /* the least: only the exact form is taken */
    options.seed = j->model.seed;
    qntk_status status = qntk_penalty_measure(&j->network, j->model.rounding, j->data->n, j->data->X,
                                              j->data->T, options, &penalty);
    *value = status == QNTK_OK ? penalty.gauss_newton : (double)NAN;
    return status;
}

qntk_status qntk_sweep_measure(qntk_sweep_job *j, qntk_sweep_row *row)
{
    row->measure[QNTK_MEASURE_MARGIN] = margin(j);
    qntk_status status =
        measure_norms(j, &row->measure[QNTK_MEASURE_NORM], &row->measure[QNTK_MEASURE_DISTANCE]);
    if (status == QNTK_OK)
        status = measure_sharpness(j, row);
    return status == QNTK_OK ? measure_penalty(j, &row->measure[QNTK_MEASURE_PENALTY]) : status;
}
