/* Rows through a finite network and back: means, variances, and what a gradient is made of. */
#include "tangent_internal.h"

#include <math.h>
#include <string.h>

/* ---- allocation ---- */

static size_t weights_of(const qntk_moments_weights *layer)
{
    return layer->fan_in * layer->fan_out;
}

/* Numbers a worker needs: three blocks of a layer's rows and one of n columns, or two square blocks. */
size_t tangent_scratch_size(const qntk_tangent_pass *p)
{
    return TANGENT_BLOCK * qntk_max(3 * p->width + p->n, 2 * TANGENT_BLOCK);
}

/* Hands out the arrays of the stages from one allocation, or only counts their numbers. */
static size_t lay_out(qntk_tangent_pass *p, const qntk_moments_weights *layers, double *rows)
{
    size_t used = 0;
    bool varying = false; /* inputs of the layer vary: weights below it do */
    for (size_t l = 0; l < p->count; l++) {
        qntk_tangent_stage *s = &p->stages[l];
        const size_t inner = p->n * layers[l].fan_out;
        double **array[] = {&s->delta, &s->eps, &s->out_m, &s->out_v, &s->slope, &s->bend};
        const bool last = l + 1 == p->count;
        for (size_t k = 0; k < (last ? 2 : 6); k++, used += inner)
            if (rows != NULL)
                *array[k] = rows + used;
        s->layer = &layers[l];
        s->varies =
            (qntk_moments_vary(&layers[l]) || varying) && !last; /* the last layer's variance is not in f */
        s->m = l == 0 ? p->X : s[-1].out_m;
        s->v = varying ? s[-1].out_v : NULL;
        varying = varying || qntk_moments_vary(&layers[l]);
    }
    return used;
}

qntk_status tangent_allocate(qntk_tangent_pass *p, const qntk_moments_weights *layers)
{
    size_t largest = 0;
    p->stages = qntk_alloc_zero(p->count, sizeof *p->stages);
    if (p->stages == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < p->count; l++)
        largest = qntk_max(largest, weights_of(&layers[l]));
    const size_t inner = lay_out(p, layers, NULL), scratch = qntk_threads() * tangent_scratch_size(p);
    const size_t pairs = p->K != NULL ? p->n * p->n : 0; /* a gradient has none */
    const size_t numbers = inner + p->n * p->width + 2 * largest + scratch + 2 * pairs;
    qntk_status status = qntk_memory_check(numbers * sizeof(double), "gradients of a network",
                                           "use fewer rows or narrower layers");
    if (status != QNTK_OK)
        return status;
    p->rows = qntk_alloc_zero(inner, sizeof(double));
    p->square = qntk_alloc(p->n * p->width, sizeof(double));
    p->weights[0] = qntk_alloc(largest, sizeof(double));
    p->weights[1] = qntk_alloc(largest, sizeof(double));
    p->scratch = qntk_alloc(scratch, sizeof(double));
    p->pairs = pairs > 0 ? qntk_alloc(pairs, sizeof(double)) : NULL;
    if (p->rows == NULL || p->square == NULL || p->weights[0] == NULL || p->weights[1] == NULL ||
        p->scratch == NULL || (pairs > 0 && p->pairs == NULL))
        return QNTK_FAIL_MEMORY();
    lay_out(p, layers, p->rows);
    return QNTK_OK;
}

void tangent_release(qntk_tangent_pass *p)
{
    qntk_free(p->stages);
    qntk_free(p->rows);
    qntk_free(p->square);
    qntk_free(p->weights[0]);
    qntk_free(p->weights[1]);
    qntk_free(p->scratch);
    qntk_free(p->pairs);
}

/* ---- what the latent weights are multiplied with ---- */

/* TANGENT_BLOCK outputs of the layer: tau and tau + theta^2, or their derivatives tau' and tau' + 2 theta. */
static qntk_status prepare_rows(void *context, size_t index, size_t worker)
{
    (void)worker;
    const qntk_tangent_pass *p = context;
    const qntk_moments_weights *layer = p->now->layer;
    const size_t end = qntk_min(layer->fan_out, (index + 1) * TANGENT_BLOCK) * layer->fan_in;
    for (size_t k = index * TANGENT_BLOCK * layer->fan_in; k < end; k++) {
        const double theta = layer->latent[k];
        const double tau =
            p->derivatives ? qntk_weight_noise_slope(layer->levels, theta) : qntk_moments_tau(layer, k);
        p->weights[0][k] = tau;
        p->weights[1][k] = tau + (p->derivatives ? 2 * theta : theta * theta);
    }
    return QNTK_OK;
}

size_t tangent_blocks(size_t count)
{
    return (count + TANGENT_BLOCK - 1) / TANGENT_BLOCK;
}

qntk_status tangent_prepare(qntk_tangent_pass *p, qntk_tangent_stage *s, bool derivatives)
{
    p->now = s;
    p->derivatives = derivatives;
    return qntk_parallel_for(tangent_blocks(s->layer->fan_out), prepare_rows, p);
}

void tangent_multiply(size_t rows, size_t columns, size_t inner, double alpha, const double *A,
                      CBLAS_TRANSPOSE transpose, const double *B, double beta, double *C)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, transpose, (blasint)rows, (blasint)columns, (blasint)inner,
                alpha, A, (blasint)inner, B, (blasint)(transpose == CblasTrans ? inner : columns), beta, C,
                (blasint)columns);
}

void tangent_sum_rows(size_t n, size_t some, size_t columns, double alpha, const double *A, size_t stride,
                      const double *B, double *C)
{
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)some, (blasint)columns, (blasint)n, alpha,
                A, (blasint)stride, B, (blasint)columns, 0, C, (blasint)columns);
}

/* ---- forward ---- */

static qntk_status forward_block(void *context, size_t index, size_t worker)
{
    qntk_tangent_pass *p = context;
    const qntk_tangent_stage *s = p->now;
    const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const size_t first = index * TANGENT_BLOCK, rows = qntk_min(TANGENT_BLOCK, p->n - first),
                 at = first * fan_out;
    const qntk_weight_moments weights = {qntk_moments_vary(s->layer) ? p->weights[0] : NULL,
                                         s->v != NULL ? p->weights[1] : NULL};
    double *mu = p->scratch + worker * tangent_scratch_size(p), *s2 = mu + TANGENT_BLOCK * p->width;
    qntk_moments_step(s->layer, weights, rows, s->m + first * fan_in,
                      s->v != NULL ? s->v + first * fan_in : NULL, p->square + first * p->width, mu, s2);
    for (size_t k = 0; k < rows * fan_out; k++) {
        if (!isfinite(mu[k]) || !isfinite(s2[k]))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu: layer %zu overflows: mean %g, variance %g",
                             first + k / fan_out, (size_t)(s - p->stages) + 1, mu[k], s2[k]);
        if (s->out_m == NULL)
            continue;
        const double dev = sqrt(s2[k]), z = mu[k] / dev;
        const double root_2pi = 2.5066282746310002;
        qntk_relu_moments(mu[k], dev, &s->out_m[at + k], &s->out_v[at + k]);
        s->slope[at + k] = qntk_relu_slope(mu[k], dev);
        s->bend[at + k] = dev > 0 ? exp(-z * z / 2) / (2 * root_2pi * dev) : 0;
    }
    return QNTK_OK;
}

qntk_status tangent_forward(qntk_tangent_pass *p)
{
    qntk_status status = QNTK_OK;
    for (size_t l = 0; l < p->count && status == QNTK_OK; l++) {
        status = tangent_prepare(p, &p->stages[l], false);
        if (status == QNTK_OK)
            status = qntk_parallel_for(tangent_blocks(p->n), forward_block, p);
    }
    return status;
}

/* ---- backward ---- */

/* delta and eps of the layer below p->now. */
static qntk_status backward_block(void *context, size_t index, size_t worker)
{
    qntk_tangent_pass *p = context;
    const qntk_tangent_stage *s = p->now, *below = s - 1;
    const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const size_t first = index * TANGENT_BLOCK, rows = qntk_min(TANGENT_BLOCK, p->n - first);
    const double scale = qntk_moments_scale(s->layer), *delta = s->delta + first * fan_out;
    double *dm = p->scratch + worker * tangent_scratch_size(p), *dv = dm + TANGENT_BLOCK * p->width,
           *noise = dv + TANGENT_BLOCK * p->width;
    memset(dv, 0, rows * fan_in * sizeof *dv);
    memset(noise, 0, rows * fan_in * sizeof *noise);
    tangent_multiply(rows, fan_in, fan_out, scale, delta, CblasNoTrans, s->layer->latent, 0, dm);
    if (s->varies) {
        const double *eps = s->eps + first * fan_out;
        tangent_multiply(rows, fan_in, fan_out, scale * scale, eps, CblasNoTrans, p->weights[0], 0, noise);
        tangent_multiply(rows, fan_in, fan_out, scale * scale, eps, CblasNoTrans, p->weights[1], 0, dv);
    }
    for (size_t k = 0, at = first * fan_in; k < rows * fan_in; k++, at++) {
        const double m = below->out_m[at], slope = below->slope[at], bend = below->bend[at];
        const double by_m = dm[k] + 2 * m * noise[k];
        below->delta[at] = slope * by_m + 2 * m * (1 - slope) * dv[k];
        below->eps[at] = bend * by_m + (slope - 2 * m * bend) * dv[k];
    }
    return QNTK_OK;
}

qntk_status tangent_backward(qntk_tangent_pass *p, bool variance_fixed)
{
    qntk_status status = QNTK_OK;
    for (size_t l = p->count - 1; l > 0 && status == QNTK_OK; l--) {
        qntk_tangent_stage *s = &p->stages[l];
        status = tangent_prepare(p, s, false);
        if (status == QNTK_OK)
            status = qntk_parallel_for(tangent_blocks(p->n), backward_block, p);
        if (variance_fixed)
            memset(s[-1].eps, 0, p->n * s->layer->fan_in * sizeof(double));
    }
    return status;
}

void tangent_seed_outputs(qntk_tangent_pass *p, const double *coefficient)
{
    const qntk_tangent_stage *last = &p->stages[p->count - 1];
    for (size_t i = 0; i < p->n; i++)
        memcpy(last->delta + i * last->layer->fan_out, coefficient, last->layer->fan_out * sizeof(double));
}
