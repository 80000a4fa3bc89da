/* Sparse layered networks of few distinct weights: their outputs, their size, and as dense ones. */
#include "approx_internal.h"

#include <math.h>
#include <string.h>

enum { ROWS = 64 }; /* that go through the network together */

void qntk_approx_network_free(qntk_approx_network *network)
{
    for (size_t l = 0; l < network->depth && network->layer != NULL; l++) {
        qntk_free(network->layer[l].start);
        qntk_free(network->layer[l].bias);
        qntk_free(network->layer[l].edge);
    }
    qntk_free(network->layer);
    qntk_free(network->value);
    *network = (qntk_approx_network){0};
}

qntk_status qntk_approx_count(const qntk_approx_network *network, qntk_approx_counts *counts)
{
    *counts = (qntk_approx_counts){.depth = network->depth};
    bool *used = qntk_alloc_zero(network->values, sizeof *used);
    if (used == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < network->depth; l++) {
        const qntk_approx_layer *layer = &network->layer[l];
        counts->neurons += layer->width;
        counts->width = qntk_max(counts->width, layer->width);
        counts->weights += layer->start[layer->width];
        for (size_t e = 0; e < layer->start[layer->width]; e++)
            used[layer->edge[e].value] = true;
    }
    for (size_t v = 0; v < network->values; v++)
        counts->distinct += used[v];
    counts->bits = (double)counts->weights * log2((double)network->values);
    qntk_free(used);
    return QNTK_OK;
}

/* ---- outputs ---- */

typedef struct {
    const qntk_approx_network *network;
    size_t n, width;
    const double *X;
    double *Y;
    double *scratch; /* (workers, 2, width, ROWS) */
} forward_job;

/* out (width, ROWS) from in (inputs, ROWS). */
static void forward_layer(const qntk_approx_layer *layer, const double *value, bool step, bool last,
                          const double *in, double *out)
{
    for (size_t i = 0; i < layer->width; i++) {
        double h[ROWS];
        for (size_t r = 0; r < ROWS; r++)
            h[r] = layer->bias[i];
        for (size_t e = layer->start[i]; e < layer->start[i + 1]; e++) {
            const double w = value[layer->edge[e].value], *x = in + (size_t)layer->edge[e].column * ROWS;
            for (size_t r = 0; r < ROWS; r++)
                h[r] += w * x[r];
        }
        for (size_t r = 0; r < ROWS; r++)
            out[i * ROWS + r] = last ? h[r] : step ? h[r] >= 0 : h[r] > 0 ? h[r] : 0;
    }
}

static qntk_status forward_rows(void *context, size_t index, size_t worker)
{
    const forward_job *job = context;
    const qntk_approx_network *net = job->network;
    const size_t first = index * ROWS, rows = qntk_min(ROWS, job->n - first);
    const size_t outputs = net->layer[net->depth - 1].width;
    double *in = job->scratch + worker * 2 * job->width * ROWS, *out = in + job->width * ROWS;
    memset(in, 0, net->inputs * ROWS * sizeof *in);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < net->inputs; j++) {
            const double x = job->X[(first + r) * net->inputs + j];
            if (!isfinite(x))
                return qntk_fail(QNTK_NOT_FINITE, "qntk_approx_forward: row %zu, column %zu: %g", first + r,
                                 j, x);
            in[j * ROWS + r] = x;
        }
    for (size_t l = 0; l < net->depth; l++) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        forward_layer(&net->layer[l], net->value, net->step, l + 1 == net->depth, in, out);
        double *swap = in;
        in = out;
        out = swap;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < outputs; k++)
            job->Y[(first + r) * outputs + k] = in[k * ROWS + r];
    return QNTK_OK;
}

qntk_status qntk_approx_forward(const qntk_approx_network *network, size_t n, const double *X, double *Y)
{
    QNTK_REQUIRE(network->depth > 0, "expected a layer");
    const size_t items = (n + ROWS - 1) / ROWS, outputs = network->layer[network->depth - 1].width;
    forward_job job = {.network = network, .n = n, .width = network->inputs, .X = X, .Y = Y};
    for (size_t l = 0; l < network->depth; l++)
        job.width = qntk_max(job.width, network->layer[l].width);
    job.scratch = qntk_alloc(qntk_loop_workers(items) * 2 * job.width, ROWS * sizeof *job.scratch);
    qntk_status status =
        job.scratch == NULL ? QNTK_FAIL_MEMORY() : qntk_parallel_for(items, forward_rows, &job);
    if (status != QNTK_OK)
        memset(Y, 0, n * outputs * sizeof *Y);
    qntk_free(job.scratch);
    return status;
}

/* ---- dense ---- */

void qntk_approx_dense_free(size_t depth, qntk_moments_weights *layers)
{
    for (size_t l = 0; l < depth; l++) {
        qntk_free((void *)layers[l].latent);
        layers[l] = (qntk_moments_weights){0};
    }
}

static qntk_status dense_layer(const qntk_approx_network *network, size_t l, qntk_moments_weights *dense)
{
    const qntk_approx_layer *layer = &network->layer[l];
    const size_t fan_in = l == 0 ? network->inputs : network->layer[l - 1].width;
    double *latent = qntk_alloc_zero(fan_in * layer->width, sizeof *latent);
    if (latent == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < layer->width; i++)
        for (size_t e = layer->start[i]; e < layer->start[i + 1]; e++)
            latent[i * fan_in + layer->edge[e].column] = network->value[layer->edge[e].value];
    /* w_std / sqrt fan_in = 1 */
    *dense = (qntk_moments_weights){.fan_in = fan_in,
                                    .fan_out = layer->width,
                                    .latent = latent,
                                    .w_std = sqrt((double)fan_in),
                                    .b_std = 1,
                                    .bias = layer->bias};
    return QNTK_OK;
}

qntk_status qntk_approx_dense(const qntk_approx_network *network, qntk_moments_weights *layers)
{
    double bytes = 0, width = (double)network->inputs;
    if (network->step)
        return qntk_fail(QNTK_UNSUPPORTED, "qntk_approx_dense: expected ReLUs, found steps");
    for (size_t l = 0; l < network->depth; l++) {
        layers[l] = (qntk_moments_weights){0};
        bytes += width * (double)network->layer[l].width * sizeof(double);
        width = (double)network->layer[l].width;
    }
    qntk_status status = qntk_memory_check(bytes < 1e18 ? (size_t)bytes : SIZE_MAX, "the dense network",
                                           "keep it sparse, or take a larger eps");
    for (size_t l = 0; l < network->depth && status == QNTK_OK; l++)
        status = dense_layer(network, l, &layers[l]);
    if (status != QNTK_OK)
        qntk_approx_dense_free(network->depth, layers);
    return status;
}
