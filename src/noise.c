/* Noise of rounded weights, measured over draws. See noise.h. */
#include "noise_internal.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum {
    CHUNK = 16,    /* draws that are kept until they are added up, in their order */
    ENTRIES = 4096 /* of rows and neurons, to an item of adding up */
};

static const size_t DRAWS_MAX = (size_t)1 << 40; /* so that no size overflows: memory ends long before */

qntk_noise_options qntk_noise_defaults(void)
{
    return (qntk_noise_options){.draws = 100, .neurons = 64};
}

static size_t draws_of(const qntk_noise_job *job)
{
    return job->drawn == QNTK_ROUNDING_STOCHASTIC ? job->options.draws : 1;
}

/* Where distances are measured from: the predicted mean of draws, or the network that is not rounded. */
static const double *centre_of(const qntk_noise_job *job)
{
    return job->drawn == QNTK_ROUNDING_STOCHASTIC ? job->mu : job->clean;
}

/* ---- draws ---- */

/* The weights of layer l in draw `draw`, and their mean square distance from the latent ones. */
static double draw_weights(const qntk_noise_job *job, size_t l, size_t draw, float *rounded, double *weights)
{
    const qntk_network_layer *layer = &job->copy.layers[l];
    const size_t count = layer->fan_in * layer->fan_out;
    double sum = 0;
    qntk_round_rows(qntk_train_ops_find(NULL), job->drawn, layer, l, job->options.seed, QNTK_STREAM_DRAW,
                    draw, 0, layer->fan_out, rounded);
    for (size_t k = 0; k < count; k++) {
        const double off = (double)rounded[k] - job->layers[l].latent[k];
        weights[k] = (double)rounded[k];
        sum += off * off;
    }
    return sum / (double)count;
}

/* All rows through draw first + index; h - centre of every layer into the chunk. */
static qntk_status draw_network(void *context, size_t index, size_t worker)
{
    const qntk_noise_job *job = context;
    double *inputs = job->buffer + worker * job->buffer_size, *weights = inputs + job->n * job->width;
    float *rounded = (float *)(weights + job->largest);
    const double *in = job->X;
    for (size_t l = 0; l < job->count; l++) {
        const qntk_moments_weights *layer = &job->layers[l];
        const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
        const size_t entries = job->n * layer->fan_out, at = (job->first + index) * job->count + l;
        double *h = job->chunk + index * job->entries + job->start[l], sum = 0;
        const double *centre = centre_of(job) + job->start[l];
        job->weight[at] = job->levels[l] > 0 ? draw_weights(job, l, job->first + index, rounded, weights) : 0;
        for (size_t k = 0; k < entries; k++)
            h[k] = layer->b_std * layer->bias[k % layer->fan_out];
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)job->n, fan_out, fan_in,
                    qntk_moments_scale(layer), in, fan_in, job->levels[l] > 0 ? weights : layer->latent,
                    fan_in, 1, h, fan_out);
        for (size_t k = 0; k < entries; k++) {
            inputs[k] = h[k] > 0 ? h[k] : 0; /* the product has read them */
            h[k] = job->varies[l] ? h[k] - centre[k] : 0;
            sum += h[k] * h[k];
        }
        if (!isfinite(sum))
            return qntk_fail(QNTK_NOT_FINITE, "layer %zu overflows in draw %zu", l + 1, job->first + index);
        job->power[at] = sum / (double)entries;
        in = inputs;
    }
    return QNTK_OK;
}

static qntk_status add_entries(void *context, size_t index, size_t worker)
{
    (void)worker;
    const qntk_noise_job *job = context;
    const size_t draws = qntk_min(CHUNK, draws_of(job) - job->first);
    for (size_t k = index * ENTRIES; k < qntk_min((index + 1) * ENTRIES, job->entries); k++)
        for (size_t draw = 0; draw < draws; draw++)
            job->sum[k] += job->chunk[draw * job->entries + k];
    return QNTK_OK;
}

/* All draws of this rounding; sum, power and weight are theirs afterwards. */
static qntk_status draw_all(qntk_noise_job *job, qntk_rounding drawn)
{
    job->drawn = drawn;
    memset(job->sum, 0, job->entries * sizeof *job->sum);
    const size_t draws = draws_of(job);
    qntk_status status = QNTK_OK;
    for (job->first = 0; job->first < draws && status == QNTK_OK; job->first += CHUNK) {
        qntk_progress("rounding draws", (double)job->first / (double)draws);
        status = qntk_parallel_for(qntk_min(CHUNK, draws - job->first), draw_network, job);
        if (status == QNTK_OK)
            status = qntk_parallel_for((job->entries + ENTRIES - 1) / ENTRIES, add_entries, job);
    }
    return status;
}

/* ---- means ---- */

/* Mean of (a - b)^2 over the entries of layer l; b NULL: 0. */
static double mean_square(const qntk_noise_job *job, size_t l, const double *a, const double *b)
{
    const size_t entries = job->n * job->layers[l].fan_out;
    double sum = 0;
    for (size_t k = job->start[l]; k < job->start[l] + entries; k++) {
        const double off = a[k] - (b != NULL ? b[k] : 0);
        sum += off * off;
    }
    return sum / (double)entries;
}

/* Variance over the draws K: K/(K-1) [mean |h - c|^2 - |mean h - c|^2] about any c, here the predicted mean. */
static void measure_draws(const qntk_noise_job *job, size_t l, qntk_noise_layer *noise)
{
    const double draws = (double)draws_of(job), unbiased = draws / (draws - 1);
    const size_t entries = job->n * job->layers[l].fan_out;
    double off = 0, shift = 0;
    const double about = qntk_mean(draws_of(job), job->count, job->power + l, &noise->noise_se);
    for (size_t k = job->start[l]; k < job->start[l] + entries; k++) {
        const double mean = job->sum[k] / draws, moved = mean + job->mu[k] - job->clean[k];
        off += mean * mean / (double)entries;
        shift += moved * moved / (double)entries;
    }
    noise->noise = unbiased * (about - off);
    noise->noise_se *= unbiased;
    noise->shift = shift - noise->noise / draws;
    noise->shift_moments = mean_square(job, l, job->mu, job->clean);
}

/* How far chance takes the mean square of one rounding from its mean, relative to that: from draws of stochastic
 * rounding on the same grid. Neurons above the first layer and rows have errors in common: they are no sample. */
static void measure_chance(const qntk_noise_job *job, size_t l, double *chance)
{
    double se;
    const double mean = qntk_mean(draws_of(job), job->count, job->power + l, &se);
    *chance = job->varies[l] && mean > 0 ? se * sqrt((double)draws_of(job)) / mean : 0; /* on the grid: 0 */
}

/* One rounding; its mean square distance is in `power`. */
static void measure_nearest(const qntk_noise_job *job, size_t l, qntk_noise_layer *noise)
{
    noise->noise = job->power[l];
    noise->noise_se = noise->noise * job->chance[l];
    noise->shift = noise->shift_moments = NAN;
    noise->moments += mean_square(job, l, job->mu, job->clean);
}

/* Means over rows of each chosen neuron, then over these; the error of choosing m of M of them. */
static qntk_status measure_first_order(const qntk_noise_job *job, size_t l, qntk_noise_layer *noise)
{
    const size_t most = job->options.neurons, some = qntk_noise_chosen(job, l), all = job->layers[l].fan_out;
    double *neuron = qntk_alloc_zero(some, sizeof *neuron), unused;
    if (neuron == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t r = 0; r < job->n; r++)
        for (size_t i = 0; i < some; i++)
            neuron[i] += job->first_order[(r * job->count + l) * most + i] / (double)job->n;
    noise->first_order = qntk_mean(some, 1, neuron, &noise->first_order_se);
    noise->first_order_se =
        some < all ? noise->first_order_se * sqrt(1 - (double)some / (double)all) : 0; /* finite population */
    noise->first_order_uniform = qntk_mean(job->n, job->count, job->uniform + l, &unused);
    qntk_free(neuron);
    return QNTK_OK;
}

static qntk_status measure_layer(const qntk_noise_job *job, size_t l)
{
    qntk_noise_layer *noise = &job->noise[l];
    const qntk_moments_weights *layer = &job->layers[l];
    const size_t weights = layer->fan_in * layer->fan_out, entries = job->n * layer->fan_out;
    double unused;
    noise->weight = qntk_mean(draws_of(job), job->count, job->weight + l, &unused);
    for (size_t k = 0; k < weights; k++)
        noise->weight_predicted += qntk_moments_tau(layer, k) / (double)weights;
    noise->signal = mean_square(job, l, job->clean, NULL);
    for (size_t k = job->start[l]; k < job->start[l] + entries; k++)
        noise->moments += job->s2[k] / (double)entries;
    if (job->rounding == QNTK_ROUNDING_STOCHASTIC)
        measure_draws(job, l, noise);
    else
        measure_nearest(job, l, noise);
    if (!job->varies[l]) /* the two products differ in their rounding errors */
        noise->noise_se = noise->shift = noise->shift_moments = noise->moments = 0;
    noise->snr = noise->signal / noise->noise;
    return measure_first_order(job, l, noise);
}

/* ---- the whole ---- */

/* tau of every weight of a rounded layer, in place of its levels. */
static qntk_status set_noise(qntk_noise_job *job, size_t l)
{
    qntk_moments_weights *layer = &job->layers[l];
    const size_t count = layer->fan_in * layer->fan_out;
    layer->levels = 0;
    if (job->levels[l] == 0)
        return QNTK_OK;
    double *noise = qntk_alloc(count, sizeof *noise);
    if (noise == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t k = 0; k < count; k++)
        noise[k] = job->rounding == QNTK_ROUNDING_STOCHASTIC
                       ? qntk_weight_noise(job->levels[l], layer->latent[k])
                       : qntk_noise_uniform(job->levels[l]);
    layer->noise = noise;
    return QNTK_OK;
}

static qntk_status prepare(qntk_noise_job *job, const qntk_network *network, const float *X)
{
    const size_t inputs = network->layers[0].fan_in;
    qntk_status status = qntk_network_requantize(network, job->levels, &job->copy);
    if (status != QNTK_OK)
        return status;
    job->count = network->count;
    job->layers = qntk_alloc_zero(job->count, sizeof *job->layers);
    job->start = qntk_alloc(job->count, sizeof *job->start);
    job->varies = qntk_alloc(job->count, sizeof *job->varies);
    job->X = qntk_alloc(job->n, inputs * sizeof *job->X);
    if (job->layers == NULL || job->start == NULL || job->varies == NULL || job->X == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t k = 0; k < job->n * inputs; k++)
        job->X[k] = (double)X[k];
    status = qntk_network_moments(&job->copy, QNTK_ROUNDING_STOCHASTIC, job->layers);
    for (size_t l = 0; status == QNTK_OK && l < job->count; l++) {
        job->start[l] = job->entries;
        job->entries += job->n * job->layers[l].fan_out;
        job->largest = qntk_max(job->largest, job->layers[l].fan_in * job->layers[l].fan_out);
        job->varies[l] = job->levels[l] > 0 || (l > 0 && job->varies[l - 1]);
        status = set_noise(job, l);
    }
    if (status == QNTK_OK)
        status = qntk_moments_check(job->layers, job->count, job->n, job->X, &job->width);
    job->options.neurons = qntk_min(job->options.neurons, job->width);
    return status;
}

/* All arrays of numbers from one allocation, *room. */
static qntk_status allocate(qntk_noise_job *job, double **room)
{
    enum { BLOCK = 64 };
    const size_t draws = job->options.draws, workers = qntk_threads(), most = job->options.neurons;
    job->buffer_size =
        qntk_max(job->n * job->width + 2 * job->largest, qntk_max(BLOCK, 2 * most) * job->width);
    struct {
        double **array;
        size_t numbers;
    } parts[] = {{&job->second, job->largest},
                 {&job->clean, job->entries},
                 {&job->own, job->entries},
                 {&job->mu, job->entries},
                 {&job->s2, job->entries},
                 {&job->sum, job->entries},
                 {&job->chunk, qntk_min(CHUNK, draws) * job->entries},
                 {&job->power, draws * job->count},
                 {&job->weight, draws * job->count},
                 {&job->chance, job->count},
                 {&job->rows, 3 * job->n * job->width},
                 {&job->buffer, workers * job->buffer_size},
                 {&job->first_order, job->n * job->count * most},
                 {&job->uniform, job->n * job->count}};
    size_t numbers = 0;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        numbers += parts[p].numbers;
    qntk_status status = qntk_memory_check(numbers * sizeof(double), "the noise of a network",
                                           "use fewer rows or narrower layers");
    if (status != QNTK_OK)
        return status;
    job->chosen = qntk_alloc(job->count, most * sizeof *job->chosen);
    double *next = *room = qntk_alloc_zero(numbers, sizeof *next);
    if (job->chosen == NULL || next == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        *parts[p].array = next;
        next += parts[p].numbers;
    }
    return QNTK_OK;
}

static void release(qntk_noise_job *job)
{
    for (size_t l = 0; job->layers != NULL && l < job->count; l++)
        qntk_free((void *)job->layers[l].noise);
    qntk_network_moments_free(&job->copy, job->layers);
    qntk_free(job->layers);
    qntk_network_free(&job->copy);
    qntk_free(job->start);
    qntk_free(job->varies);
    qntk_free(job->X);
    qntk_free(job->chosen);
}

static qntk_status check(const qntk_network *network, const qntk_noise_job *job)
{
    bool rounded = false;
    QNTK_REQUIRE((unsigned)job->rounding <= QNTK_ROUNDING_NEAREST, "expected a rounding");
    QNTK_REQUIRE(job->n > 0, "expected rows, found none");
    QNTK_REQUIRE(job->options.neurons > 0, "expected at least one neuron for first order");
    QNTK_REQUIRE(job->options.draws >= 2 && job->options.draws <= DRAWS_MAX, "expected 2 to 2^40 draws");
    for (size_t l = 0; l < network->count; l++)
        rounded = rounded || job->levels[l] > 0;
    QNTK_REQUIRE(rounded, "expected a layer that is rounded, found none");
    return QNTK_OK;
}

qntk_status qntk_noise_measure(const qntk_network *network, const size_t *levels, qntk_rounding rounding,
                               size_t n, const float *X, qntk_noise_options options, qntk_noise_layer *noise)
{
    QNTK_REQUIRE(network != NULL && levels != NULL && X != NULL && noise != NULL,
                 "expected a network, levels, rows and room for the result, found NULL");
    memset(noise, 0, network->count * sizeof *noise);
    qntk_noise_job job = {.levels = levels, .rounding = rounding, .options = options, .n = n, .noise = noise};
    double *room = NULL;
    qntk_status status = check(network, &job);
    if (status == QNTK_OK)
        status = prepare(&job, network, X);
    if (status == QNTK_OK)
        status = allocate(&job, &room);
    if (status == QNTK_OK)
        status = qntk_noise_propagate(&job);
    if (status == QNTK_OK)
        status = draw_all(&job, QNTK_ROUNDING_STOCHASTIC);
    for (size_t l = 0; l < job.count && status == QNTK_OK; l++)
        measure_chance(&job, l, &job.chance[l]);
    if (status == QNTK_OK && rounding == QNTK_ROUNDING_NEAREST)
        status = draw_all(&job, QNTK_ROUNDING_NEAREST);
    if (status == QNTK_OK)
        status = qntk_noise_first_order(&job);
    for (size_t l = 0; l < job.count && status == QNTK_OK; l++)
        status = measure_layer(&job, l);
    if (status != QNTK_OK)
        memset(noise, 0, network->count * sizeof *noise);
    qntk_free(room);
    release(&job);
    return status;
}
