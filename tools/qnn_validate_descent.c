/* One network of qnn validate --lazy: gradient descent of a wide quasi network against kernel descent with its own tangent
 * kernel.
 *
 * f is the quasi network with all its latent weights and biases theta, L = 1/(2n) sum_i (f_i - y_i)^2 over n rows,
 * and a step is theta <- theta - rate grad L, then latent weights back into [-1,1]. While the tangent kernel K of the
 * start stays what it is, with its eigenvalues lambda and eigenvectors v, the residual r = f - y goes as
 *     step by step    r_k  = sum_j (1 - rate lambda_j/n)^k <v_j, r_0> v_j
 *     flow            r(t) = sum_j exp(-t lambda_j/n) <v_j, r_0> v_j,    t = k rate
 * rate = LAZY_SHARE n / lambda_1, so that time counts in units of the fastest mode. */
#include "qnn_validate_lazy.h"

#include <math.h>
#include <string.h>

/* A network in training: its parameters in one array, which the layers point into. */
typedef struct {
    size_t n, count, parameters;
    qntk_moments_weights layers[QNN_HIDDEN_MAX + 1];
    double *X;             /* (n,width) embedded rows */
    double *theta, *start; /* (parameters), in the order of qntk_tangent_gradient */
    double *gradient;      /* (parameters) */
    double *f, *residual;  /* (n) */
    double *K, *K_start;   /* (n,n) */
    double *coefficient;   /* (n) <v_j, r_0> */
    double rate;
    qntk_spectrum spectrum;
} descent;

static void release(descent *d)
{
    qntk_free(d->X);
    qntk_free(d->theta);
    qntk_free(d->start);
    qntk_free(d->gradient);
    qntk_free(d->f);
    qntk_free(d->residual);
    qntk_free(d->K);
    qntk_free(d->K_start);
    qntk_free(d->coefficient);
    qntk_spectrum_free(&d->spectrum);
    *d = (descent){0};
}

/* ---- the start ---- */

/* The weights of the network into theta; its layers are those of d, pointing there. */
static qntk_status take_weights(descent *d, const qntk_moments_weights *layers, size_t count)
{
    d->count = count;
    for (size_t l = 0; l < count; l++) {
        d->layers[l] = layers[l];
        if (layers[l].b_std == 0)
            d->layers[l].bias = NULL; /* no part of the network */
    }
    d->parameters = qntk_tangent_parameters(d->layers, count);
    d->theta = qntk_alloc(d->parameters, sizeof *d->theta);
    d->start = qntk_alloc(d->parameters, sizeof *d->start);
    d->gradient = qntk_alloc(d->parameters, sizeof *d->gradient);
    if (d->theta == NULL || d->start == NULL || d->gradient == NULL)
        return QNTK_NO_MEMORY;
    double *at = d->theta;
    for (size_t l = 0; l < count; l++) {
        const size_t weights = layers[l].fan_in * layers[l].fan_out;
        d->layers[l].latent = at;
        memcpy(at, layers[l].latent, weights * sizeof *at);
        at += weights;
        if (d->layers[l].bias != NULL) {
            d->layers[l].bias = at;
            memcpy(at, layers[l].bias, layers[l].fan_out * sizeof *at);
            at += layers[l].fan_out;
        }
    }
    memcpy(d->start, d->theta, d->parameters * sizeof *d->start);
    return QNTK_OK;
}

static qntk_status create_network(const lazy_network *r, descent *d)
{
    size_t sizes[QNN_HIDDEN_MAX + 2], levels[QNN_HIDDEN_MAX + 1];
    const size_t count = validate_tangent_shape(r->set, r->levels, r->depth, r->width, sizes, levels);
    qntk_moments_weights layers[QNN_HIDDEN_MAX + 1] = {0};
    qntk_network network = {0};
    qntk_status status = qntk_network_create(count, sizes, levels, r->set->network.b_std, r->seed, &network);
    if (status == QNTK_OK) {
        status = qntk_network_moments(&network, QNTK_ROUNDING_STOCHASTIC, layers);
        if (status == QNTK_OK)
            status = take_weights(d, layers, count);
        qntk_network_moments_free(&network, layers);
    }
    qntk_network_free(&network);
    return status;
}

static qntk_status update_residual(const lazy_network *r, descent *d)
{
    qntk_status status = qntk_moments_propagate(d->layers, d->count, d->n, d->X, d->f, NULL);
    for (size_t i = 0; i < d->n; i++)
        d->residual[i] = d->f[i] - r->y[i];
    return status;
}

/* Kernel, eigenvalues and the coefficients of the residual at the start. */
static qntk_status decompose(descent *d)
{
    qntk_spectrum_options options = qntk_spectrum_defaults();
    options.vectors = true;
    qntk_status status =
        qntk_tangent_kernel(d->layers, d->count, d->n, d->X, qntk_tangent_defaults(), d->K_start);
    if (status == QNTK_OK)
        status = qntk_spectrum_compute(d->n, d->K_start, options, &d->spectrum);
    if (status == QNTK_OK && !(d->spectrum.eval[0] > 0))
        status = cli_message(QNTK_INVALID, "the kernel of these rows is zero");
    if (status != QNTK_OK)
        return status;
    d->rate = LAZY_SHARE * (double)d->n / d->spectrum.eval[0];
    for (size_t k = 0; k < d->n; k++) {
        d->coefficient[k] = 0;
        for (size_t i = 0; i < d->n; i++)
            d->coefficient[k] += d->spectrum.evec[i * d->n + k] * d->residual[i];
    }
    return QNTK_OK;
}

static qntk_status create(const lazy_network *r, descent *d)
{
    const size_t n = r->rows->n;
    *d = (descent){.n = n,
                   .X = qntk_alloc(n, r->width * sizeof *d->X),
                   .f = qntk_alloc(n, sizeof *d->f),
                   .residual = qntk_alloc(n, sizeof *d->residual),
                   .K = qntk_alloc(n * n, sizeof *d->K),
                   .K_start = qntk_alloc(n * n, sizeof *d->K_start),
                   .coefficient = qntk_alloc(n, sizeof *d->coefficient)};
    if (d->X == NULL || d->f == NULL || d->residual == NULL || d->K == NULL || d->K_start == NULL ||
        d->coefficient == NULL)
        return QNTK_NO_MEMORY;
    qntk_status status = validate_embed(r->rows, r->width, r->embedding, d->X);
    if (status == QNTK_OK)
        status = create_network(r, d);
    if (status == QNTK_OK)
        status = update_residual(r, d);
    return status == QNTK_OK ? decompose(d) : status;
}

/* ---- steps ---- */

/* Latent weights of rounded layers back into [-1,1]. */
static void clip(descent *d)
{
    for (size_t l = 0; l < d->count; l++) {
        double *latent = d->theta + (d->layers[l].latent - d->theta);
        for (size_t k = 0; k < d->layers[l].fan_in * d->layers[l].fan_out && d->layers[l].levels > 0; k++)
            latent[k] = fmin(fmax(latent[k], -1), 1);
    }
}

static qntk_status take_step(const lazy_network *r, descent *d)
{
    for (size_t i = 0; i < d->n; i++)
        d->f[i] = d->residual[i] / (double)d->n; /* dL/df */
    qntk_status status = qntk_tangent_gradient_sum(d->layers, d->count, d->n, d->X, d->f, d->gradient);
    if (status != QNTK_OK)
        return status;
    for (size_t k = 0; k < d->parameters; k++)
        d->theta[k] -= d->rate * d->gradient[k];
    clip(d);
    return update_residual(r, d);
}

/* Residuals with the kernel of the start: by steps, and by the flow. */
static void kernel_residuals(const descent *d, double step, double *by_steps, double *flow)
{
    for (size_t i = 0; i < d->n; i++)
        by_steps[i] = flow[i] = 0;
    for (size_t k = 0; k < d->n; k++) {
        const double decay = d->rate * d->spectrum.eval[k] / (double)d->n;
        const double a = d->coefficient[k] * pow(1 - decay, step), b = d->coefficient[k] * exp(-decay * step);
        for (size_t i = 0; i < d->n; i++) {
            by_steps[i] += a * d->spectrum.evec[i * d->n + k];
            flow[i] += b * d->spectrum.evec[i * d->n + k];
        }
    }
}

static double square_sum(size_t count, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sum;
}

static qntk_status measure(const descent *d, size_t step, lazy_record *r)
{
    const double n = (double)d->n;
    double *by_steps = qntk_alloc(2 * d->n, sizeof *by_steps), *flow = NULL;
    qntk_status status = by_steps == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK)
        status = qntk_tangent_kernel(d->layers, d->count, d->n, d->X, qntk_tangent_defaults(), d->K);
    if (status == QNTK_OK) {
        double off = 0;
        flow = by_steps + d->n;
        kernel_residuals(d, (double)step, by_steps, flow);
        for (size_t i = 0; i < d->n; i++)
            off += (d->residual[i] - by_steps[i]) * (d->residual[i] - by_steps[i]);
        *r = (lazy_record){
            .value = {[LAZY_STEP] = (double)step,
                      [LAZY_TIME] = LAZY_SHARE * (double)step,
                      [LAZY_LOSS] = square_sum(d->n, d->residual) / (2 * n),
                      [LAZY_LOSS_KERNEL] = square_sum(d->n, by_steps) / (2 * n),
                      [LAZY_LOSS_FLOW] = square_sum(d->n, flow) / (2 * n),
                      [LAZY_DISTANCE] = sqrt(off / square_sum(d->n, d->coefficient)),
                      [LAZY_KERNEL] = qntk_tangent_distance(d->n * d->n, d->K, d->K_start),
                      [LAZY_WEIGHTS] = qntk_tangent_distance(d->parameters, d->theta, d->start)}};
    }
    qntk_free(by_steps);
    return status;
}

qntk_status lazy_descend(const lazy_network *network, void (*stepped)(void *context), void *context,
                         lazy_record record[LAZY_RECORDS + 1], size_t *records)
{
    const size_t steps = network->set->steps;
    descent d;
    *records = 0;
    qntk_status status = create(network, &d);
    if (status == QNTK_OK)
        status = measure(&d, 0, &record[(*records)++]);
    for (size_t step = 1; step <= steps && status == QNTK_OK; step++) {
        status = take_step(network, &d);
        if (status == QNTK_OK && step * LAZY_RECORDS / steps > (step - 1) * LAZY_RECORDS / steps)
            status = measure(&d, step, &record[(*records)++]);
        stepped(context);
    }
    release(&d);
    return status;
}
