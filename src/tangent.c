/* The tangent kernel of one finite network. See tangent.h for the formulas and the names of all quantities. */
#include "tangent_internal.h"

#include <math.h>
#include <string.h>

qntk_tangent_options qntk_tangent_defaults(void)
{
    return (qntk_tangent_options){0};
}

size_t qntk_tangent_parameters(const qntk_moments_weights *layers, size_t count)
{
    size_t sum = 0;
    for (size_t l = 0; l < count; l++)
        sum += layers[l].fan_in * layers[l].fan_out + (layers[l].bias != NULL ? layers[l].fan_out : 0);
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

/* ---- gradients ---- */

/* Rows TANGENT_BLOCK * index .. of a layer's latent weights in p->gradient: with sums over the rows of data
 *     (w/sqrt n) delta' m + (w^2/n) [ tau' * (eps' m^2) + (tau' + 2 theta) * (eps' v) ],    * entry by entry. */
static qntk_status write_rows(void *context, size_t index, size_t worker)
{
    const qntk_tangent_pass *p = context;
    const qntk_tangent_stage *s = p->now;
    const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out, first = index * TANGENT_BLOCK;
    const size_t rows = qntk_min(TANGENT_BLOCK, fan_out - first), at = first * fan_in;
    const double scale = qntk_moments_scale(s->layer), *by_m = p->weights[0] + at, *by_v = p->weights[1] + at;
    double *square = p->scratch + worker * tangent_scratch_size(p),
           *variance = square + TANGENT_BLOCK * p->width;
    double *gradient = p->gradient + at;
    tangent_sum_rows(p->n, rows, fan_in, scale, s->delta + first, fan_out, s->m, gradient);
    if (!s->varies)
        return QNTK_OK;
    tangent_sum_rows(p->n, rows, fan_in, scale * scale, s->eps + first, fan_out, p->square, square);
    if (s->v != NULL)
        tangent_sum_rows(p->n, rows, fan_in, scale * scale, s->eps + first, fan_out, s->v, variance);
    for (size_t k = 0; k < rows * fan_in; k++)
        gradient[k] += by_m[k] * square[k] + (s->v != NULL ? by_v[k] * variance[k] : 0);
    return QNTK_OK;
}

static qntk_status write_gradient(qntk_tangent_pass *p, double *gradient)
{
    qntk_status status = QNTK_OK;
    for (size_t l = 0; l < p->count && status == QNTK_OK; l++) {
        qntk_tangent_stage *s = &p->stages[l];
        const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
        for (size_t k = 0; k < p->n * fan_in; k++)
            p->square[k] = s->m[k] * s->m[k];
        p->gradient = gradient;
        status = tangent_prepare(p, s, true);
        if (status == QNTK_OK)
            status = qntk_parallel_for(tangent_blocks(fan_out), write_rows, p);
        gradient += fan_in * fan_out;
        for (size_t i = 0; i < fan_out && s->layer->bias != NULL; i++) {
            double sum = 0;
            for (size_t r = 0; r < p->n; r++)
                sum += s->delta[r * fan_out + i];
            *gradient++ = s->layer->b_std * sum;
        }
    }
    return status;
}

qntk_status qntk_tangent_gradient_sum(const qntk_moments_weights *layers, size_t count, size_t n,
                                      const double *X, const double *coefficient, double *gradient)
{
    QNTK_REQUIRE(layers != NULL && count > 0, "expected at least one layer, found none");
    QNTK_REQUIRE(n > 0 && X != NULL && coefficient != NULL && gradient != NULL,
                 "expected rows, coefficients and room for the gradient, found NULL");
    qntk_tangent_pass p = {.count = count, .n = n, .X = X};
    qntk_status status = qntk_moments_check(layers, count, n, X, &p.width);
    const size_t parameters = status == QNTK_OK ? qntk_tangent_parameters(layers, count) : 0;
    if (status == QNTK_OK)
        status = tangent_allocate(&p, layers);
    if (status == QNTK_OK)
        status = tangent_forward(&p);
    if (status == QNTK_OK) {
        memcpy(p.stages[count - 1].delta, coefficient, n * layers[count - 1].fan_out * sizeof *coefficient);
        status = tangent_backward(&p, false);
    }
    if (status == QNTK_OK)
        status = write_gradient(&p, gradient);
    if (status != QNTK_OK)
        memset(gradient, 0, parameters * sizeof *gradient);
    tangent_release(&p);
    return status;
}

qntk_status qntk_tangent_gradient(const qntk_moments_weights *layers, size_t count, const double *x,
                                  const double *coefficient, double *gradient)
{
    return qntk_tangent_gradient_sum(layers, count, 1, x, coefficient, gradient);
}

/* ---- the kernel ---- */

/* Rows TANGENT_BLOCK * index .. of K, up to the diagonal block: (w^2/n) (delta delta') (m m') + b_std^2 delta delta' */
static qntk_status add_means(void *context, size_t index, size_t worker)
{
    const qntk_tangent_pass *p = context;
    const qntk_tangent_stage *s = p->now;
    const size_t fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const size_t first = index * TANGENT_BLOCK, rows = qntk_min(TANGENT_BLOCK, p->n - first),
                 columns = first + rows;
    const double scale = qntk_moments_scale(s->layer), b_std = s->layer->bias != NULL ? s->layer->b_std : 0;
    double *deltas = p->scratch + worker * tangent_scratch_size(p),
           *means = deltas + TANGENT_BLOCK * TANGENT_BLOCK;
    for (size_t column = 0; column < columns; column += TANGENT_BLOCK) {
        const size_t some = qntk_min(TANGENT_BLOCK, columns - column);
        tangent_multiply(rows, some, fan_out, 1, s->delta + first * fan_out, CblasTrans,
                         s->delta + column * fan_out, 0, deltas);
        tangent_multiply(rows, some, fan_in, scale * scale, s->m + first * fan_in, CblasTrans,
                         s->m + column * fan_in, 0, means);
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
    const qntk_tangent_pass *p = context;
    const qntk_tangent_stage *s = p->now;
    const size_t n = p->n, fan_in = s->layer->fan_in, fan_out = s->layer->fan_out;
    const double scale = qntk_moments_scale(s->layer), second = scale * scale;
    const double *m = s->m + index * fan_in, *v = s->v != NULL ? s->v + index * fan_in : NULL;
    const double *by_m = p->weights[0], *by_v = p->weights[1];
    double *e = p->scratch + worker * tangent_scratch_size(p), *em = e + TANGENT_BLOCK * fan_in,
           *ev = em + TANGENT_BLOCK * fan_in;
    double *product = ev + TANGENT_BLOCK * fan_in, *row = p->pairs + index * n; /* product (block,n) */
    memset(row, 0, n * sizeof *row);
    for (size_t first = 0; first < fan_out; first += TANGENT_BLOCK) {
        const size_t some = qntk_min(TANGENT_BLOCK, fan_out - first);
        for (size_t i = 0; i < some; i++)
            for (size_t j = 0; j < fan_in; j++) {
                const size_t k = i * fan_in + j, w = (first + i) * fan_in + j;
                const double ds2 = by_m[w] * m[j] * m[j] + (v != NULL ? by_v[w] * v[j] : 0);
                e[k] = second * s->eps[index * fan_out + first + i] * ds2;
                em[k] = by_m[w] * e[k];
                ev[k] = by_v[w] * e[k];
            }
        tangent_multiply(some, n, fan_in, scale, e, CblasTrans, s->m, 0, product);
        for (size_t i = 0; i < some; i++)
            for (size_t x = 0; x < n; x++)
                row[x] += s->delta[x * fan_out + first + i] * product[i * n + x];
        tangent_multiply(some, n, fan_in, second / 2, em, CblasTrans, p->square, 0, product);
        if (v != NULL)
            tangent_multiply(some, n, fan_in, second / 2, ev, CblasTrans, s->v, 1, product);
        for (size_t i = 0; i < some; i++)
            for (size_t x = 0; x < n; x++)
                row[x] += s->eps[x * fan_out + first + i] * product[i * n + x];
    }
    return QNTK_OK;
}

static qntk_status add_variances(qntk_tangent_pass *p, qntk_tangent_stage *s)
{
    const size_t n = p->n;
    for (size_t k = 0; k < n * s->layer->fan_in; k++)
        p->square[k] = s->m[k] * s->m[k];
    qntk_status status = tangent_prepare(p, s, true);
    if (status == QNTK_OK)
        status = qntk_parallel_for(n, variance_row, p);
    for (size_t i = 0; i < n && status == QNTK_OK; i++)
        for (size_t j = 0; j <= i; j++)
            p->K[i * n + j] += p->pairs[i * n + j] + p->pairs[j * n + i];
    return status;
}

/* Adds <grad f_o, grad f_o> for one output o to the lower triangle of K. */
static qntk_status add_output(qntk_tangent_pass *p, bool variance_fixed)
{
    qntk_status status = tangent_backward(p, variance_fixed);
    for (size_t l = 0; l < p->count && status == QNTK_OK; l++) {
        p->now = &p->stages[l];
        status = qntk_parallel_for(tangent_blocks(p->n), add_means, p);
        if (status == QNTK_OK && p->stages[l].varies && !variance_fixed)
            status = add_variances(p, &p->stages[l]);
    }
    return status;
}

static qntk_status kernel(qntk_tangent_pass *p, bool variance_fixed)
{
    const size_t outputs = p->stages[p->count - 1].layer->fan_out, n = p->n;
    double *unit = qntk_alloc_zero(outputs, sizeof *unit);
    if (unit == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = tangent_forward(p);
    for (size_t o = 0; o < outputs && status == QNTK_OK; o++) {
        qntk_progress("tangent kernel", (double)o / (double)outputs);
        unit[o] = 1;
        tangent_seed_outputs(p, unit);
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
    qntk_tangent_pass p = {.count = count, .n = n, .X = X, .K = K};
    qntk_status status = qntk_moments_check(layers, count, n, X, &p.width);
    if (status == QNTK_OK)
        status = tangent_allocate(&p, layers);
    if (status == QNTK_OK)
        status = kernel(&p, options.variance_fixed);
    if (status != QNTK_OK)
        memset(K, 0, n * n * sizeof *K);
    tangent_release(&p);
    return status;
}
