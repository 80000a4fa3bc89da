/* Networks of finite width: their start, their outputs, expected and sampled. */
#include "train_internal.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- creation ---- */

static const size_t LAYERS_MAX = 65535;            /* a layer's number fits half a word of a stream */
static const size_t WEIGHTS_MAX = (size_t)1 << 34; /* blocks of 8 weights fit 32 bits, see qntk_round_at */

static qntk_status check_sizes(size_t count, const size_t *sizes, const size_t *levels, double b_std)
{
    QNTK_REQUIRE(count > 0 && count <= LAYERS_MAX, "expected 1 to 65535 layers");
    QNTK_REQUIRE(b_std >= 0 && isfinite(b_std), "b_std must be finite and at least 0");
    double bytes = 0;
    for (size_t l = 0; l <= count; l++)
        if (sizes[l] == 0 || sizes[l] > INT_MAX)
            return qntk_fail(QNTK_INVALID, "size %zu of the network: expected 1 to %d, found %zu", l, INT_MAX,
                             sizes[l]);
    for (size_t l = 0; l < count; l++) {
        qntk_weight_law law;
        qntk_status status = qntk_weight_law_create(levels[l], &law);
        if (status != QNTK_OK)
            return status;
        size_t padded = (sizes[l] + QNTK_ROUND_GROUP - 1) / QNTK_ROUND_GROUP * QNTK_ROUND_GROUP;
        if (padded > WEIGHTS_MAX / sizes[l + 1])
            return qntk_fail(QNTK_INVALID, "layer %zu: more than 2^34 weights (%zu x %zu)", l + 1,
                             sizes[l + 1], sizes[l]);
        bytes += ((double)sizes[l] + 1) * (double)sizes[l + 1] * sizeof(float);
    }
    return qntk_memory_check(bytes < 1e18 ? (size_t)bytes : SIZE_MAX, "the network", "use narrower layers");
}

typedef struct {
    const qntk_network *network;
    uint64_t seed;
    size_t layer;
} start_job;

/* Row `index` of a layer: a stretch of its stream of its own. */
static qntk_status start_row(void *context, size_t index, size_t worker)
{
    (void)worker;
    const start_job *job = context;
    const qntk_network_layer *layer = &job->network->layers[job->layer];
    qntk_rng rng = qntk_rng_create(job->seed, QNTK_STREAM_START + job->layer);
    rng.position = (uint64_t)index << 32;
    float *row = layer->latent + index * layer->fan_in;
    for (size_t j = 0; j < layer->fan_in; j++)
        row[j] = (float)(layer->levels == 0 ? qntk_rng_normal(&rng) : 2 * qntk_rng_uniform(&rng) - 1);
    layer->bias[index] = layer->b_std > 0 ? (float)qntk_rng_normal(&rng) : 0;
    return QNTK_OK;
}

static qntk_status create_layer(start_job *job, size_t fan_in, size_t fan_out, size_t levels, double b_std)
{
    qntk_network_layer *layer = &job->network->layers[job->layer];
    qntk_weight_law law;
    qntk_status status = qntk_weight_law_create(levels, &law);
    if (status != QNTK_OK)
        return status;
    bool last = job->layer + 1 == job->network->count;
    *layer = (qntk_network_layer){.fan_in = fan_in,
                                  .fan_out = fan_out,
                                  .levels = levels,
                                  .w_std = sqrt((last ? 1 : 2) / (law.second_moment + law.noise)),
                                  .b_std = b_std,
                                  .latent = qntk_alloc(fan_out * fan_in, sizeof *layer->latent),
                                  .bias = qntk_alloc(fan_out, sizeof *layer->bias)};
    if (layer->latent == NULL || layer->bias == NULL)
        return QNTK_FAIL_MEMORY();
    return qntk_parallel_for(fan_out, start_row, job);
}

qntk_status qntk_network_create(size_t count, const size_t *sizes, const size_t *levels, double b_std,
                                uint64_t seed, qntk_network *network)
{
    *network = (qntk_network){0};
    qntk_status status = check_sizes(count, sizes, levels, b_std);
    if (status != QNTK_OK)
        return status;
    network->layers = qntk_alloc_zero(count, sizeof *network->layers);
    if (network->layers == NULL)
        return QNTK_FAIL_MEMORY();
    network->count = count;
    start_job job = {.network = network, .seed = seed};
    for (; status == QNTK_OK && job.layer < count; job.layer++)
        status = create_layer(&job, sizes[job.layer], sizes[job.layer + 1], levels[job.layer], b_std);
    if (status != QNTK_OK)
        qntk_network_free(network);
    return status;
}

void qntk_network_free(qntk_network *network)
{
    for (size_t l = 0; l < network->count; l++) {
        qntk_free(network->layers[l].latent);
        qntk_free(network->layers[l].bias);
    }
    qntk_free(network->layers);
    *network = (qntk_network){0};
}

size_t qntk_network_parameters(const qntk_network *network)
{
    size_t total = 0;
    for (size_t l = 0; l < network->count; l++)
        total += (network->layers[l].fan_in + 1) * network->layers[l].fan_out;
    return total;
}

size_t qntk_network_width(const qntk_network *network)
{
    size_t width = 0;
    for (size_t l = 0; l < network->count; l++)
        width = qntk_max(width, qntk_max(network->layers[l].fan_in, network->layers[l].fan_out));
    return width;
}

/* ---- rounding and products ---- */

void qntk_round_stretch(const qntk_train_ops *ops, qntk_rounding rounding, size_t levels,
                        qntk_round_source source, size_t count, const float *latent, float *weight)
{
    uint32_t bits[QNTK_STRETCH];
    if (rounding == QNTK_ROUNDING_NEAREST) {
        ops->nearest(levels, count, latent, weight);
        return;
    }
    ops->bits(source, count, bits);
    ops->round(levels, source, count, latent, bits, weight);
}

void qntk_round_rows(const qntk_train_ops *ops, qntk_rounding rounding, const qntk_network_layer *layer,
                     size_t position, uint64_t seed, uint64_t stream, uint64_t draw, size_t first,
                     size_t rows, float *W)
{
    for (size_t i = first; i < first + rows; i++)
        for (size_t j = 0; j < layer->fan_in; j += QNTK_STRETCH) {
            size_t at = i * layer->fan_in + j;
            qntk_round_stretch(ops, rounding, layer->levels,
                               qntk_round_at(seed, stream, position, draw, layer->fan_in, i, j),
                               qntk_min(QNTK_STRETCH, layer->fan_in - j), layer->latent + at, W + at);
        }
}

float qntk_layer_scale(const qntk_network_layer *layer)
{
    return (float)(layer->w_std / sqrt((double)layer->fan_in));
}

void qntk_forward_block(const qntk_network_layer *layer, const float *W, bool linear, size_t rows,
                        const float *in, size_t column, size_t columns, float *out)
{
    const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)columns, fan_in,
                qntk_layer_scale(layer), in, fan_in, W + column * layer->fan_in, fan_in, 0, out + column,
                fan_out);
    const float b_std = (float)layer->b_std;
    for (size_t i = 0; i < rows; i++) {
        float *h = out + i * layer->fan_out + column;
        if (b_std > 0)
            for (size_t k = 0; k < columns; k++)
                h[k] += b_std * layer->bias[column + k];
        if (linear)
            continue;
        if (layer->activation.levels > 0)
            qntk_activate(layer->activation, columns, h, h);
        else
            for (size_t k = 0; k < columns; k++)
                h[k] = h[k] < 0 ? 0 : h[k]; /* NaN passes */
    }
}

/* ---- as moments.h takes it ---- */

static qntk_status check_latent(const qntk_network *network)
{
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        for (size_t k = 0; k < layer->fan_out * layer->fan_in; k++)
            if (!isfinite(layer->latent[k]))
                return qntk_fail(QNTK_NOT_FINITE, "layer %zu: latent weight (%zu, %zu) is %g", l + 1,
                                 k / layer->fan_in, k % layer->fan_in, (double)layer->latent[k]);
    }
    return QNTK_OK;
}

static qntk_status moments_layer(const qntk_network_layer *layer, qntk_rounding rounding,
                                 qntk_moments_weights *out)
{
    const bool fixed = layer->levels == 0 || rounding == QNTK_ROUNDING_NEAREST;
    const size_t count = layer->fan_out * layer->fan_in;
    const qntk_train_ops *ops = qntk_train_ops_find(NULL);
    double *latent = qntk_alloc(count, sizeof *latent), *bias = qntk_alloc(layer->fan_out, sizeof *bias);
    *out = (qntk_moments_weights){.fan_in = layer->fan_in,
                                  .fan_out = layer->fan_out,
                                  .latent = latent,
                                  .levels = fixed ? 0 : layer->levels,
                                  .w_std = layer->w_std,
                                  .b_std = layer->b_std,
                                  .bias = bias};
    if (latent == NULL || bias == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t k = 0; k < count; k += QNTK_STRETCH) {
        float rounded[QNTK_STRETCH];
        const float *values = layer->latent + k;
        const size_t length = qntk_min(QNTK_STRETCH, count - k);
        if (layer->levels > 0 && fixed) {
            ops->nearest(layer->levels, length, values, rounded);
            values = rounded;
        }
        for (size_t i = 0; i < length; i++)
            latent[k + i] = layer->levels > 0 ? fmin(1, fmax(-1, (double)values[i])) : (double)values[i];
    }
    for (size_t i = 0; i < layer->fan_out; i++)
        bias[i] = (double)layer->bias[i];
    return QNTK_OK;
}

qntk_status qntk_network_moments(const qntk_network *network, qntk_rounding rounding,
                                 qntk_moments_weights *layers)
{
    memset(layers, 0, network->count * sizeof *layers);
    const size_t stepped = qntk_network_stepped(network);
    if (stepped > 0)
        return qntk_fail(QNTK_INVALID,
                         "layer %zu: moment propagation knows the ReLU only, not an activation of %zu levels",
                         stepped, network->layers[stepped - 1].activation.levels);
    qntk_status status = check_latent(network);
    for (size_t l = 0; status == QNTK_OK && l < network->count; l++)
        status = moments_layer(&network->layers[l], rounding, &layers[l]);
    return status;
}

void qntk_network_moments_free(const qntk_network *network, qntk_moments_weights *layers)
{
    for (size_t l = 0; layers != NULL && l < network->count; l++) {
        qntk_free((void *)layers[l].latent);
        qntk_free((void *)layers[l].bias);
        layers[l] = (qntk_moments_weights){0};
    }
}

/* ---- sampled outputs ---- */

enum { ROWS = 64 }; /* rows that go through the network together, and weights rounded together: an item */

typedef struct {
    const qntk_network *network;
    const qntk_train_ops *ops;
    qntk_rounding rounding;
    uint64_t seed, draw;
    size_t n, width, layer, draws;
    const float *X;
    float **weights; /* (count), each (fan_out, fan_in); NULL: the latent ones */
    float *buffers;  /* (threads, 2, ROWS, width) */
    double *F;
} sampling;

static qntk_status sample_weights(void *context, size_t index, size_t worker)
{
    (void)worker;
    const sampling *s = context;
    const qntk_network_layer *layer = &s->network->layers[s->layer];
    size_t first = index * ROWS, rows = qntk_min(ROWS, layer->fan_out - first);
    qntk_round_rows(s->ops, s->rounding, layer, s->layer, s->seed, QNTK_STREAM_DRAW, s->draw, first, rows,
                    s->weights[s->layer]);
    return QNTK_OK;
}

static qntk_status sample_rows(void *context, size_t index, size_t worker)
{
    const sampling *s = context;
    const qntk_network *network = s->network;
    size_t first = index * ROWS, rows = qntk_min(ROWS, s->n - first), size = ROWS * s->width;
    float *out = s->buffers + worker * 2 * size, *other = out + size;
    const float *in = s->X + first * network->layers[0].fan_in;
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        const float *W = s->weights[l] != NULL ? s->weights[l] : layer->latent;
        qntk_forward_block(layer, W, l + 1 == network->count, rows, in, 0, layer->fan_out, out);
        float *swap = other;
        in = out;
        other = out;
        out = swap;
    }
    const size_t outputs = network->layers[network->count - 1].fan_out;
    for (size_t k = 0; k < rows * outputs; k++) {
        if (!isfinite(in[k]))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu: output %zu is %g", first + k / outputs, k % outputs,
                             (double)in[k]);
        s->F[first * outputs + k] += (double)in[k] / (double)s->draws;
    }
    return QNTK_OK;
}

static qntk_status sample_once(sampling *s)
{
    qntk_status status = QNTK_OK;
    for (s->layer = 0; status == QNTK_OK && s->layer < s->network->count; s->layer++)
        if (s->weights[s->layer] != NULL)
            status = qntk_parallel_for((s->network->layers[s->layer].fan_out + ROWS - 1) / ROWS,
                                       sample_weights, s);
    return status == QNTK_OK ? qntk_parallel_for((s->n + ROWS - 1) / ROWS, sample_rows, s) : status;
}

qntk_status qntk_network_sample(const qntk_network *network, qntk_rounding rounding, uint64_t seed,
                                size_t first, size_t draws, size_t n, const float *X, double *F)
{
    QNTK_REQUIRE(draws > 0, "expected at least one draw");
    const size_t bytes = n * network->layers[network->count - 1].fan_out * sizeof *F;
    memset(F, 0, bytes);
    sampling s = {.network = network,
                  .ops = qntk_train_ops_find(NULL),
                  .rounding = rounding,
                  .seed = seed,
                  .n = n,
                  .width = qntk_network_width(network),
                  .draws = draws,
                  .X = X,
                  .weights = qntk_alloc_zero(network->count, sizeof *s.weights),
                  .F = F};
    s.buffers = qntk_alloc(qntk_threads() * 2 * ROWS, s.width * sizeof *s.buffers);
    qntk_status status = s.weights == NULL || s.buffers == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    for (size_t l = 0; status == QNTK_OK && l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        if (layer->levels > 0 &&
            (s.weights[l] = qntk_alloc(layer->fan_out * layer->fan_in, sizeof *s.weights[l])) == NULL)
            status = QNTK_FAIL_MEMORY();
    }
    for (size_t k = 0; status == QNTK_OK && k < draws; k++) {
        s.draw = first + k;
        status = sample_once(&s);
    }
    for (size_t l = 0; s.weights != NULL && l < network->count; l++)
        qntk_free(s.weights[l]);
    qntk_free(s.weights);
    qntk_free(s.buffers);
    if (status != QNTK_OK)
        memset(F, 0, bytes);
    return status;
}
