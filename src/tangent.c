/* The tangent kernel of one finite network. See tangent.h for the formulas and the names of all quantities. */
#include "moments_internal.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum {
    BLOCK = 64 /* rows of data, or of weights, that go into a product together: an item of work */
};

/* One layer on all n rows. The inputs m, v are the outputs of the layer below. */
typedef struct {
    const qntk_moments_weights *layer;
    const double *m, *v;   /* (n,fan_in); v NULL: zero */
    double *out_m, *out_v; /* (n,fan_out), through the ReLU; NULL in the last layer */
    double *slope;         /* (n,fan_out) Phi(mu/s) */
    double *bend;          /* (n,fan_out) phi(mu/s)/(2s), half the expected second derivative */
    double *delta, *eps;   /* (n,fan_out) */
    bool varies;           /* s2 is not zero for all latent weights: eps counts */
} stage;

typedef struct {
    size_t count, n, width; /* width: the greatest */
    const double *X;
    stage *stages;      /* (count) */
    double *rows;       /* all arrays of the stages */
    double *square;     /* (n,width) m^2 */
    double *weights[2]; /* (largest layer): noise and second, or their derivatives */
    bool derivatives;   /* which of the two prepare_rows makes */
    stage *now;         /* the one the items below work on */
    double *scratch;    /* (threads, scratch_size) */
    double *pairs;      /* (n,n) contributions of eps, one triangle to be added to the other */
    double *K;          /* (n,n), the lower triangle */
} pass;

qntk_tangent_options qntk_tangent_defaults(void)
{
    return (qntk_tangent_options){0};
}

static size_t weights_of(const qntk_moments_weights *layer)
{
    return layer->fan_in * layer->fan_out;
}

size_t qntk_tangent_parameters(const qntk_moments_weights *layers, size_t count)
{
    size_t sum = 0;
    for (size_t l = 0; l < count; l++)
        sum += weights_of(&layers[l]) + (layers[l].bias != NULL ? layers[l].fan_out : 0);
    return sum;
}

double qntk_tangent_distance(size_t count, const double *A, const double *B)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += (A[i] - B[i]) * (A[i] - B[i]);
        norm += B[i] * B[i];
    }
    return sqrt(difference / norm);
}

/* ---- allocation ---- */

/* Numbers a worker needs: three blocks of a layer's rows and one of n columns, or two square blocks. */
static size_t scratch_size(const pass *p)
{
    return BLOCK * qntk_max(3 * p->width + p->n, 2 * BLOCK);
}

/* Hands out the arrays of the stages from one allocation, or only counts their numbers. */
static size_t lay_out(pass *p, const qntk_moments_weights *layers, double *rows)
{
    size_t used = 0;
    bool varying = false; /* inputs of the layer vary: weights below it do */
    for (size_t l = 0; l < p->count; l++) {
        stage *s = &p->stages[l];
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

static qntk_status allocate(pass *p, const qntk_moments_weights *layers)
{
    size_t largest = 0;
    p->stages = qntk_alloc_zero(p->count, sizeof *p->stages);
    if (p->stages == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < p->count; l++)
        largest = qntk_max(largest, weights_of(&layers[l]));
    const size_t inner = lay_out(p, layers, NULL), scratch = qntk_threads() * scratch_size(p);
    const size_t numbers = inner + p->n * p->width + 2 * largest + scratch + 2 * p->n * p->n;
    qntk_status status = qntk_memory_check(numbers * sizeof(double), "gradients of a network",
                                           "use fewer rows or narrower layers");
    if (status != QNTK_OK)
        return status;
    p->rows = qntk_alloc_zero(inner, sizeof(double));
    p->square = qntk_alloc(p->n * p->width, sizeof(double));
    p->weights[0] = qntk_alloc(largest, sizeof(double));
    p->weights[1] = qntk_alloc(largest, sizeof(double));
    p->scratch = qntk_alloc(scratch, sizeof(double));
    p->pairs = qntk_alloc(p->n * p->n, sizeof(double));
    if (p->rows == NULL || p->square == NULL || p->weights[0] == NULL || p->weights[1] == NULL ||
        p->scratch == NULL || p->pairs == NULL)
        return QNTK_FAIL_MEMORY();
    lay_out(p, layers, p->rows);
    return QNTK_OK;
}

static void release(pass *p)
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

/* BLOCK outputs of the layer: tau and tau + theta^2, or their derivatives tau' and tau' + 2 theta. */
static qntk_status prepare_rows(void *context, size_t index, size_t worker)
{
    (void)worker;
    const pass *p = context;
    const qntk_moments_weights *layer = p->now->layer;
    const size_t end = qntk_min(layer->fan_out, (index + 1) * BLOCK) * layer->fan_in;
    for (size_t k = index * BLOCK * layer->fan_in; k < end; k++) {
        const double theta = layer->latent[k];
        const double tau =
            p->derivatives ? qntk_weight_noise_slope(layer->levels, theta) : qntk_moments_tau(layer, k);
        p->weights[0][k] = tau;
        p->weights[1][k] = tau + (p->derivatives ? 2 * theta : theta * theta);
    }
    return QNTK_OK;
}

static size_t blocks(size_t count)
{
    return (count + BLOCK - 1) / BLOCK;
}

static qntk_status prepare(pass *p, stage *s, bool derivatives)
{
    p->now = s;
    p->derivatives = derivatives;
    return qntk_parallel_for(blocks(s->layer->fan_out), prepare_rows, p);
}

/* C (rows,columns) = alpha A B + beta C, with B (inner,columns), or its transpose (columns,inner) stored. */
static void multiply(size_t rows, size_t columns, size_t inner, double alpha, const double *A,
                     CBLAS_TRANSPOSE transpose, const double *B, double beta, double *C)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, transpose, (blasint)rows, (blasint)columns, (blasint)inner,
                alpha, A, (blasint)inner, B, (blasint)(transpose == CblasTrans ? inner : columns), beta, C,
                (blasint)columns);
}

/* ---- forward ---- */

static qntk_status forward_block(void *context, size_t index, size_t worker)
{
    pass *p = context;
    const stage *s = p->now;
    const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const size_t first = index * BLOCK, rows = qntk_min(BLOCK, p->n - first), at = first * fan_out;
    const qntk_weight_moments weights = {qntk_moments_vary(s->layer) ? p->weights[0] : NULL,
                                         s->v != NULL ? p->weights[1] : NULL};
    double *mu = p->scratch + worker * scratch_size(p), *s2 = mu + BLOCK * p->width;
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

static qntk_status forward(pass *p)
{
    qntk_status status = QNTK_OK;
    for (size_t l = 0; l < p->count && status == QNTK_OK; l++) {
        status = prepare(p, &p->stages[l], false);
        if (status == QNTK_OK)
            status = qntk_parallel_for(blocks(p->n), forward_block, p);
    }
    return status;
}

/* ---- backward ---- */

/* delta and eps of the layer below p->now. */
static qntk_status backward_block(void *context, size_t index, size_t worker)
{
    pass *p = context;
    const stage *s = p->now, *below = s - 1;
    const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const size_t first = index * BLOCK, rows = qntk_min(BLOCK, p->n - first);
    const double scale = qntk_moments_scale(s->layer), *delta = s->delta + first * fan_out;
    double *dm = p->scratch + worker * scratch_size(p), *dv = dm + BLOCK * p->width,
           *noise = dv + BLOCK * p->width;
    memset(dv, 0, rows * fan_in * sizeof *dv);
    memset(noise, 0, rows * fan_in * sizeof *noise);
    multiply(rows, fan_in, fan_out, scale, delta, CblasNoTrans, s->layer->latent, 0, dm);
    if (s->varies) {
        const double *eps = s->eps + first * fan_out;
        multiply(rows, fan_in, fan_out, scale * scale, eps, CblasNoTrans, p->weights[0], 0, noise);
        multiply(rows, fan_in, fan_out, scale * scale, eps, CblasNoTrans, p->weights[1], 0, dv);
    }
    for (size_t k = 0, at = first * fan_in; k < rows * fan_in; k++, at++) {
        const double m = below->out_m[at], slope = below->slope[at], bend = below->bend[at];
        const double by_m = dm[k] + 2 * m * noise[k];
        below->delta[at] = slope * by_m + 2 * m * (1 - slope) * dv[k];
        below->eps[at] = bend * by_m + (slope - 2 * m * bend) * dv[k];
    }
    return QNTK_OK;
}

/* From delta of the last layer to those of all layers. With the variance held fixed eps is left at zero. */
static qntk_status backward(pass *p, bool variance_fixed)
{
    qntk_status status = QNTK_OK;
    for (size_t l = p->count - 1; l > 0 && status == QNTK_OK; l--) {
        stage *s = &p->stages[l];
        status = prepare(p, s, false);
        if (status == QNTK_OK)
            status = qntk_parallel_for(blocks(p->n), backward_block, p);
        if (variance_fixed)
            memset(s[-1].eps, 0, p->n * s->layer->fan_in * sizeof(double));
    }
    return status;
}

/* delta of the last layer: `coefficient` (outputs) for each row. */
static void seed_outputs(pass *p, const double *coefficient)
{
    const stage *last = &p->stages[p->count - 1];
    for (size_t i = 0; i < p->n; i++)
        memcpy(last->delta + i * last->layer->fan_out, coefficient, last->layer->fan_out * sizeof(double));
}

/* ---- one gradient ---- */

static qntk_status write_gradient(pass *p, double *gradient)
{
    for (size_t l = 0; l < p->count; l++) {
        stage *s = &p->stages[l];
        const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
        const double scale = qntk_moments_scale(s->layer);
        qntk_status status = prepare(p, s, true);
        if (status != QNTK_OK)
            return status;
        for (size_t i = 0; i < fan_out; i++)
            for (size_t j = 0; j < fan_in; j++, gradient++) {
                const double m = s->m[j], v = s->v != NULL ? s->v[j] : 0;
                const double ds2 = p->weights[0][i * fan_in + j] * m * m + p->weights[1][i * fan_in + j] * v;
                *gradient = scale * s->delta[i] * m + (s->varies ? scale * scale * s->eps[i] * ds2 : 0);
            }
        for (size_t i = 0; i < fan_out && s->layer->bias != NULL; i++)
            *gradient++ = s->layer->b_std * s->delta[i];
    }
    return QNTK_OK;
}

qntk_status qntk_tangent_gradient(const qntk_moments_weights *layers, size_t count, const double *x,
                                  const double *coefficient, double *gradient)
{
    QNTK_REQUIRE(layers != NULL && count > 0, "expected at least one layer, found none");
    QNTK_REQUIRE(x != NULL && coefficient != NULL && gradient != NULL,
                 "expected a row, coefficients and room for the gradient, found NULL");
    pass p = {.count = count, .n = 1, .X = x};
    qntk_status status = qntk_moments_check(layers, count, 1, x, &p.width);
    const size_t parameters = status == QNTK_OK ? qntk_tangent_parameters(layers, count) : 0;
    if (status == QNTK_OK)
        status = allocate(&p, layers);
    if (status == QNTK_OK)
        status = forward(&p);
    if (status == QNTK_OK) {
        seed_outputs(&p, coefficient);
        status = backward(&p, false);
    }
    if (status == QNTK_OK)
        status = write_gradient(&p, gradient);
    if (status != QNTK_OK)
        memset(gradient, 0, parameters * sizeof *gradient);
    release(&p);
    return status;
}

/* ---- the kernel ---- */

/* Rows BLOCK * index .. of K, up to the diagonal block: (w^2/n) (delta delta') (m m') + b_std^2 delta delta' */
static qntk_status add_means(void *context, size_t index, size_t worker)
{
    const pass *p = context;
    const stage *s = p->now;
    const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const size_t first = index * BLOCK, rows = qntk_min(BLOCK, p->n - first), columns = first + rows;
    const double scale = qntk_moments_scale(s->layer), b_std = s->layer->bias != NULL ? s->layer->b_std : 0;
    double *deltas = p->scratch + worker * scratch_size(p), *means = deltas + BLOCK * BLOCK;
    for (size_t column = 0; column < columns; column += BLOCK) {
        const size_t some = qntk_min(BLOCK, columns - column);
        multiply(rows, some, fan_out, 1, s->delta + first * fan_out, CblasTrans, s->delta + column * fan_out,
                 0, deltas);
        multiply(rows, some, fan_in, scale * scale, s->m + first * fan_in, CblasTrans, s->m + column * fan_in,
                 0, means);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < some; j++)
                p->K[(first + i) * p->n + column + j] +=
                    deltas[i * some + j] * (means[i * some + j] + b_std * b_std);
    }
    return QNTK_OK;
}

/* Row `index` of p->pairs: with e_ij = (w^2/n) eps_i (tau'_ij m_j^2 + (tau'_ij + 2 theta_ij) v_j), the part of the
 * gradient at x_index through the variance, against the rows x:
 *     sum_ij e_ij [ (w/sqrt n) delta_i m_j + (w^2/n) eps_i (..)/2 ](x)
 * so that pairs + pairs' is what eps contributes to K. */
static qntk_status variance_row(void *context, size_t index, size_t worker)
{
    const pass *p = context;
    const stage *s = p->now;
    const size_t n = p->n, fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const double scale = qntk_moments_scale(s->layer), second = scale * scale;
    const double *m = s->m + index * fan_in, *v = s->v != NULL ? s->v + index * fan_in : NULL;
    const double *by_m = p->weights[0], *by_v = p->weights[1];
    double *e = p->scratch + worker * scratch_size(p), *em = e + BLOCK * fan_in, *ev = em + BLOCK * fan_in;
    double *product = ev + BLOCK * fan_in, *row = p->pairs + index * n; /* product (block,n) */
    memset(row, 0, n * sizeof *row);
    for (size_t first = 0; first < fan_out; first += BLOCK) {
        const size_t some = qntk_min(BLOCK, fan_out - first);
        for (size_t i = 0; i < some; i++)
            for (size_t j = 0; j < fan_in; j++) {
                const size_t k = i * fan_in + j, w = (first + i) * fan_in + j;
                const double ds2 = by_m[w] * m[j] * m[j] + (v != NULL ? by_v[w] * v[j] : 0);
                e[k] = second * s->eps[index * fan_out + first + i] * ds2;
                em[k] = by_m[w] * e[k];
                ev[k] = by_v[w] * e[k];
            }
        multiply(some, n, fan_in, scale, e, CblasTrans, s->m, 0, product);
        for (size_t i = 0; i < some; i++)
            for (size_t x = 0; x < n; x++)
                row[x] += s->delta[x * fan_out + first + i] * product[i * n + x];
        multiply(some, n, fan_in, second / 2, em, CblasTrans, p->square, 0, product);
        if (v != NULL)
            multiply(some, n, fan_in, second / 2, ev, CblasTrans, s->v, 1, product);
        for (size_t i = 0; i < some; i++)
            for (size_t x = 0; x < n; x++)
                row[x] += s->eps[x * fan_out + first + i] * product[i * n + x];
    }
    return QNTK_OK;
}

static qntk_status add_variances(pass *p, stage *s)
{
    const size_t n = p->n;
    for (size_t k = 0; k < n * s->layer->fan_in; k++)
        p->square[k] = s->m[k] * s->m[k];
    qntk_status status = prepare(p, s, true);
    if (status == QNTK_OK)
        status = qntk_parallel_for(n, variance_row, p);
    for (size_t i = 0; i < n && status == QNTK_OK; i++)
        for (size_t j = 0; j <= i; j++)
            p->K[i * n + j] += p->pairs[i * n + j] + p->pairs[j * n + i];
    return status;
}

/* Adds <grad f_o, grad f_o> for one output o to the lower triangle of K. */
static qntk_status add_output(pass *p, bool variance_fixed)
{
    qntk_status status = backward(p, variance_fixed);
    for (size_t l = 0; l < p->count && status == QNTK_OK; l++) {
        p->now = &p->stages[l];
        status = qntk_parallel_for(blocks(p->n), add_means, p);
        if (status == QNTK_OK && p->stages[l].varies && !variance_fixed)
            status = add_variances(p, &p->stages[l]);
    }
    return status;
}

static qntk_status kernel(pass *p, bool variance_fixed)
{
    const size_t outputs = p->stages[p->count - 1].layer->fan_out, n = p->n;
    double *unit = qntk_alloc_zero(outputs, sizeof *unit);
    if (unit == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = forward(p);
    for (size_t o = 0; o < outputs && status == QNTK_OK; o++) {
        qntk_progress("tangent kernel", (double)o / (double)outputs);
        unit[o] = 1;
        seed_outputs(p, unit);
        unit[o] = 0;
        status = add_output(p, variance_fixed);
    }
    qntk_free(unit);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            p->K[i * n + j] /= (double)outputs;
            p->K[j * n + i] = p->K[i * n + j];
        }
    return status;
}

qntk_status qntk_tangent_kernel(const qntk_moments_weights *layers, size_t count, size_t n, const double *X,
                                qntk_tangent_options options, double *K)
{
    QNTK_REQUIRE(layers != NULL && count > 0, "expected at least one layer, found none");
    QNTK_REQUIRE(n > 0 && X != NULL && K != NULL, "expected rows and room for the kernel, found none");
    memset(K, 0, n * n * sizeof *K);
    pass p = {.count = count, .n = n, .X = X, .K = K};
    qntk_status status = qntk_moments_check(layers, count, n, X, &p.width);
    if (status == QNTK_OK)
        status = allocate(&p, layers);
    if (status == QNTK_OK)
        status = kernel(&p, options.variance_fixed);
    if (status != QNTK_OK)
        memset(K, 0, n * n * sizeof *K);
    release(&p);
    return status;
}
