/* Noise of rounded weights, predicted: by moment propagation and to first order. */
#include "noise_internal.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum {
    BLOCK = 64
}; /* rows that go through a layer together, or neurons whose weights are prepared: an item */

/* ---- moments, and the network that is not rounded ---- */

static qntk_status prepare_second(void *context, size_t index, size_t worker)
{
    (void)worker;
    const qntk_noise_job *job = context;
    const qntk_moments_weights *layer = &job->layers[job->now];
    const size_t end = qntk_min(layer->fan_out, (index + 1) * BLOCK) * layer->fan_in;
    for (size_t k = index * BLOCK * layer->fan_in; k < end; k++)
        job->second[k] = qntk_moments_tau(layer, k) + layer->latent[k] * layer->latent[k];
    return QNTK_OK;
}

/* A block of rows through layer job->now. */
static qntk_status propagate_block(void *context, size_t index, size_t worker)
{
    const qntk_noise_job *job = context;
    const size_t l = job->now, first = index * BLOCK, rows = qntk_min(BLOCK, job->n - first);
    const qntk_moments_weights *layer = &job->layers[l];
    const size_t at = job->start[l] + first * layer->fan_out, all = job->n * job->width;
    double *square = job->buffer + worker * job->buffer_size;
    double *x = job->rows + first * job->width, *m = x + all, *v = m + all;
    const qntk_weight_moments own = {(double *)layer->noise, NULL};
    const qntk_weight_moments both = {(double *)layer->noise,
                                      l > 0 && job->varies[l - 1] ? job->second : NULL};
    qntk_moments_step(layer, own, rows, x, NULL, square, job->clean + at, job->own + at);
    qntk_moments_step(layer, both, rows, m, v, square, job->mu + at, job->s2 + at);
    for (size_t k = 0; k < rows * layer->fan_out; k++) {
        const double h = job->clean[at + k], mu = job->mu[at + k], s2 = job->s2[at + k];
        if (!isfinite(h) || !isfinite(mu) || !isfinite(s2))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu: layer %zu overflows: %g, mean %g, variance %g",
                             first + k / layer->fan_out, l + 1, h, mu, s2);
        x[k] = fmax(h, 0);
        qntk_relu_moments(mu, sqrt(s2), &m[k], &v[k]);
    }
    return QNTK_OK;
}

qntk_status qntk_noise_propagate(qntk_noise_job *job)
{
    const size_t inputs = job->layers[0].fan_in, blocks = (job->n + BLOCK - 1) / BLOCK;
    for (size_t i = 0; i < job->n;
         i += BLOCK) { /* blocks lie (BLOCK, width) apart, their rows without a gap */
        const size_t bytes = qntk_min(BLOCK, job->n - i) * inputs * sizeof(double);
        memcpy(job->rows + i * job->width, job->X + i * inputs, bytes);
        memcpy(job->rows + (job->n + i) * job->width, job->X + i * inputs, bytes);
    }
    qntk_status status = QNTK_OK;
    for (job->now = 0; status == QNTK_OK && job->now < job->count; job->now++) {
        if (job->now > 0 && job->varies[job->now - 1])
            status =
                qntk_parallel_for((job->layers[job->now].fan_out + BLOCK - 1) / BLOCK, prepare_second, job);
        if (status == QNTK_OK)
            status = qntk_parallel_for(blocks, propagate_block, job);
    }
    return status;
}

/* ---- first order ---- */

/* The first of a shuffle: neurons without repetition. */
static qntk_status choose(qntk_noise_job *job)
{
    size_t *index = qntk_alloc(job->width, sizeof *index);
    if (index == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < job->count; l++) {
        const size_t all = job->layers[l].fan_out, some = qntk_noise_chosen(job, l);
        qntk_rng rng = qntk_rng_create(job->options.seed, (UINT64_C(0x6e657572) << 32) + l); /* "neur" */
        for (size_t i = 0; i < all; i++)
            index[i] = i;
        if (some < all)
            qntk_rng_shuffle(&rng, index, all);
        memcpy(job->chosen + l * job->options.neurons, index, some * sizeof *index);
    }
    qntk_free(index);
    return QNTK_OK;
}

/* What the weights of layer k add to the first order of neurons with derivatives delta (some, fan_out of k): own is q
 * of the row. Returns sum delta^2 over all of them. */
static double add_layer(const qntk_noise_job *job, size_t k, size_t row, size_t some, const double *delta,
                        double *variance)
{
    const size_t fan_out = job->layers[k].fan_out;
    const double *own = job->own + job->start[k] + row * fan_out;
    double squares = 0;
    for (size_t i = 0; i < some; i++)
        for (size_t a = 0; a < fan_out; a++) {
            const double square = delta[i * fan_out + a] * delta[i * fan_out + a];
            variance[i] += square * own[a];
            squares += square;
        }
    return squares;
}

/* scale_k^2 |x^{k-1}|^2 step^2/12 of a row: what first order with one variance for all weights has in place of q. */
static double uniform_own(const qntk_noise_job *job, size_t k, size_t row)
{
    const size_t fan_in = job->layers[k].fan_in;
    const double scale = qntk_moments_scale(&job->layers[k]);
    const double *h = k == 0 ? job->X + row * fan_in : job->clean + job->start[k - 1] + row * fan_in;
    double norm = 0;
    for (size_t b = 0; b < fan_in; b++) {
        const double x = k == 0 ? h[b] : fmax(h[b], 0);
        norm += x * x;
    }
    return scale * scale * norm * qntk_noise_uniform(job->levels[k]);
}

/* Row `index`: the chosen neurons of every layer l, back through the layers below. */
static qntk_status first_order_row(void *context, size_t index, size_t worker)
{
    const qntk_noise_job *job = context;
    const size_t most = job->options.neurons;
    double *delta = job->buffer + worker * job->buffer_size, *below = delta + most * job->width;
    for (size_t l = 0; l < job->count; l++) {
        const size_t some = qntk_noise_chosen(job, l), *chosen = job->chosen + l * most;
        double *variance = job->first_order + (index * job->count + l) * most, total = 0;
        memset(variance, 0, some * sizeof *variance);
        memset(delta, 0, some * job->layers[l].fan_out * sizeof *delta);
        for (size_t i = 0; i < some; i++)
            delta[i * job->layers[l].fan_out + chosen[i]] = 1;
        for (size_t k = l;; k--) {
            const qntk_moments_weights *layer = &job->layers[k];
            total += add_layer(job, k, index, some, delta, variance) * uniform_own(job, k, index);
            if (k == 0 || !job->varies[k - 1])
                break;
            const size_t fan_in = layer->fan_in;
            const double *h = job->clean + job->start[k - 1] + index * fan_in;
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)some, (blasint)fan_in,
                        (blasint)layer->fan_out, qntk_moments_scale(layer), delta, (blasint)layer->fan_out,
                        layer->latent, (blasint)fan_in, 0, below, (blasint)fan_in);
            for (size_t a = 0; a < some * fan_in; a++)
                delta[a] = h[a % fan_in] > 0 ? below[a] : 0;
        }
        job->uniform[index * job->count + l] = total / (double)some;
    }
    return QNTK_OK;
}

qntk_status qntk_noise_first_order(qntk_noise_job *job)
{
    qntk_status status = choose(job);
    return status == QNTK_OK ? qntk_parallel_for(job->n, first_order_row, job) : status;
}
