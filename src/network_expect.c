/* Expected outputs of a network: its moments in single precision, for blocks of rows that go through all layers.
 *
 * With c = w_std / sqrt fan_in, and m and v the mean and variance of a layer's inputs,
 *
 *     mu = c theta m + b_std bias,    s^2 = c^2 [ tau m^2 + (tau + theta^2) v ]
 *
 * (moments.h). Products known not to matter are left out: that with tau in a real layer, that with v where no
 * layer before is rounded, both in the last layer, whose variance nobody asks for; and tau + theta^2 = 1 for
 * binary weights, so that the product with v is its sum. */
#include "train_internal.h"
#include "network_expect_simd.h"

#include <cblas.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum {
    ROWS_LEAST = 32, /* rows that go through the network together, an item of work: a multiple of this, */
    ROWS_MOST = 256, /* at most this, */
    PARTS = 8,       /* and otherwise so many items */
    COLUMNS = 256,   /* outputs of a layer computed together, so that they stay in the cache */
    TOGETHER = 64,   /* outputs of a layer whose weights are prepared together */
    BUFFERS = 6      /* of (rows, greatest width) a worker: mean, square and variance, in and out */
};

/* Within these limits no sum leaves the range of a float, and no square that counts its normal numbers. Whatever
 * lies beyond is left to moments.c: c, c times the fan-in times the greatest weight, the greatest bias, and
 * the greatest mean of a row in front of each layer, unless it is 0. */
static const float SCALE_LEAST = 0x1p-20F, GAIN_MOST = 0x1p20F, BIAS_MOST = 0x1p50F;
static const float ROW_LEAST = 0x1p-30F, ROW_MOST = 0x1p30F;

/* A layer as the products take it; NULL where there is no such product. */
typedef struct {
    float *theta;  /* (fan_out, fan_in) latent weights in [-1,1] or their nearest levels; NULL: as they are */
    float *noise;  /* tau */
    float *second; /* tau + theta^2 */
    float *shift;  /* (fan_out) b_std bias, where moments are taken */
    bool sums;     /* tau + theta^2 = 1 */
} expect_layer;

typedef struct {
    const qntk_network *network;
    const qntk_train_ops *rounding_ops;
    const qntk_expect_ops *ops;
    qntk_rounding rounding;
    size_t n, rows, width; /* rows: of an item; width: the greatest */
    const float *X;
    double *F;
    expect_layer *layers; /* (count) */
    float *buffers;       /* (workers, BUFFERS, rows, width) */
    atomic_bool wild;     /* something lies beyond the limits */
} expectation;

/* ---- weights ---- */

/* Whether the outputs of a layer vary by its own rounding. */
static bool rounds(const expectation *e, size_t layer)
{
    return e->network->layers[layer].levels > 0 && e->rounding == QNTK_ROUNDING_STOCHASTIC;
}

static bool is_last(const expectation *e, size_t layer)
{
    return layer + 1 == e->network->count;
}

/* What each layer needs, allocated. */
static qntk_status plan(expectation *e)
{
    bool varying = false;
    for (size_t l = 0; l < e->network->count; l++) {
        const qntk_network_layer *layer = &e->network->layers[l];
        const bool random = rounds(e, l), moments = !is_last(e, l) && (random || varying);
        const size_t weights = layer->fan_out * layer->fan_in, bytes = weights * sizeof(float);
        expect_layer *out = &e->layers[l];
        out->sums = moments && varying && random && layer->levels == QNTK_LEVELS_BINARY;
        if ((layer->levels > 0 && (out->theta = qntk_alloc(1, bytes)) == NULL) ||
            (moments && random && (out->noise = qntk_alloc(1, bytes)) == NULL) ||
            (moments && varying && !out->sums && (out->second = qntk_alloc(1, bytes)) == NULL) ||
            (moments && (out->shift = qntk_alloc(layer->fan_out, sizeof *out->shift)) == NULL))
            return QNTK_FAIL_MEMORY();
        varying = varying || random;
    }
    return QNTK_OK;
}

/* `count` weights of a layer from number `at` on; false if they are beyond the limits. */
static bool prepare_weights(const expectation *e, size_t l, size_t at, size_t count)
{
    const qntk_network_layer *layer = &e->network->layers[l];
    const expect_layer *out = &e->layers[l];
    const float *latent = layer->latent + at, gain = qntk_layer_scale(layer) * (float)layer->fan_in;
    float *noise = out->noise != NULL ? out->noise + at : NULL;
    float *second = out->second != NULL ? out->second + at : NULL;
    const float most = e->ops->square(count, latent, layer->levels == 0 ? second : NULL);
    if (layer->levels == 0)
        return gain * most <= GAIN_MOST;
    if (rounds(e, l))
        e->ops->weights(layer->levels, count, latent, out->theta + at, noise, second);
    else
        e->rounding_ops->nearest(layer->levels, count, latent, out->theta + at);
    return most < INFINITY && gain <= GAIN_MOST;
}

static size_t item_count(const qntk_network_layer *layer)
{
    return (layer->fan_out + TOGETHER - 1) / TOGETHER;
}

/* The items of all layers in one row: TOGETHER outputs each. */
static qntk_status prepare_outputs(void *context, size_t index, size_t worker)
{
    (void)worker;
    expectation *e = context;
    size_t l = 0;
    for (; index >= item_count(&e->network->layers[l]); l++)
        index -= item_count(&e->network->layers[l]);
    const qntk_network_layer *layer = &e->network->layers[l];
    const size_t first = index * TOGETHER, end = qntk_min(layer->fan_out, first + TOGETHER);
    const float scale = qntk_layer_scale(layer);
    bool tame = scale >= SCALE_LEAST;
    for (size_t at = first * layer->fan_in; at < end * layer->fan_in; at += QNTK_STRETCH)
        tame = prepare_weights(e, l, at, qntk_min(QNTK_STRETCH, end * layer->fan_in - at)) && tame;
    for (size_t k = first; k < end; k++) {
        const float shift = (float)(layer->b_std * (double)layer->bias[k]);
        tame = tame && fabsf(shift) <= BIAS_MOST;
        if (e->layers[l].shift != NULL)
            e->layers[l].shift[k] = shift;
    }
    if (!tame)
        atomic_store(&e->wild, true);
    return QNTK_OK;
}

static qntk_status prepare(expectation *e)
{
    qntk_status status = plan(e);
    size_t items = 0;
    for (size_t l = 0; l < e->network->count; l++)
        items += item_count(&e->network->layers[l]);
    return status == QNTK_OK ? qntk_parallel_for(items, prepare_outputs, e) : status;
}

/* ---- rows ---- */

/* What a block of rows is in front of a layer. */
typedef struct {
    float *mean, *square,
        *variance;         /* (rows, width of the layer), square and variance where they are needed */
    double sum[ROWS_MOST]; /* of a row's variances */
    float most[ROWS_MOST]; /* a row's greatest mean, in absolute value */
} activations;

/* out (rows, columns of fan_out) = beta out + alpha in W^T */
static void multiply(const qntk_network_layer *layer, size_t rows, size_t columns, float alpha,
                     const float *in, const float *W, float beta, float *out)
{
    const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)columns, fan_in, alpha, in,
                fan_in, W, fan_in, beta, out, fan_out);
}

/* `columns` outputs of a layer from `column` on, as moments. */
static void moments_block(const expectation *e, size_t l, size_t rows, const float *mean,
                          const activations *in, size_t column, size_t columns, activations *out)
{
    const qntk_network_layer *layer = &e->network->layers[l];
    const expect_layer *w = &e->layers[l];
    const float *theta = w->theta != NULL ? w->theta : layer->latent, c = qntk_layer_scale(layer);
    const size_t at = column * layer->fan_in;
    float *mu = out->mean + column, *s2 = out->square + column;
    multiply(layer, rows, columns, c, mean, theta + at, 0, mu);
    if (w->noise != NULL)
        multiply(layer, rows, columns, c * c, in->square, w->noise + at, 0, s2);
    if (w->second != NULL)
        multiply(layer, rows, columns, c * c, in->variance, w->second + at, w->noise != NULL ? 1 : 0, s2);
    const bool vary = l + 2 < e->network->count;
    for (size_t i = 0; i < rows; i++) {
        const size_t row = i * layer->fan_out;
        const float base = w->sums ? c * c * (float)in->sum[i] : 0;
        const float most = e->ops->moments(columns, w->shift + column, base, mu + row, s2 + row,
                                           vary ? out->variance + row + column : NULL, &out->sum[i]);
        out->most[i] = fmaxf(out->most[i], most);
    }
}

/* The same where nothing varies. */
static void plain_block(const expectation *e, size_t l, size_t rows, const float *in, size_t column,
                        size_t columns, activations *out)
{
    const qntk_network_layer *layer = &e->network->layers[l];
    const float *W = e->layers[l].theta != NULL ? e->layers[l].theta : layer->latent;
    const bool squares = !is_last(e, l) && e->layers[l + 1].noise != NULL;
    qntk_forward_block(layer, W, is_last(e, l), rows, in, column, columns, out->mean);
    for (size_t i = 0; i < rows; i++) {
        const size_t at = i * layer->fan_out + column;
        const float most = e->ops->square(columns, out->mean + at, squares ? out->square + at : NULL);
        out->most[i] = fmaxf(out->most[i], most);
    }
}

/* All outputs of a layer; false if a row in front of it is beyond the limits. */
static bool pass_layer(const expectation *e, size_t l, size_t rows, const float *mean, const activations *in,
                       activations *out)
{
    const size_t fan_out = e->network->layers[l].fan_out;
    for (size_t i = 0; i < rows; i++) {
        if (in->most[i] > 0 && !(in->most[i] >= ROW_LEAST && in->most[i] <= ROW_MOST))
            return false;
        out->sum[i] = 0;
        out->most[i] = 0;
    }
    for (size_t column = 0; column < fan_out; column += COLUMNS) {
        const size_t columns = qntk_min(COLUMNS, fan_out - column);
        if (e->layers[l].shift != NULL)
            moments_block(e, l, rows, mean, in, column, columns, out);
        else
            plain_block(e, l, rows, mean, column, columns, out);
    }
    return true;
}

static void write_outputs(const expectation *e, size_t first, size_t rows, const float *f)
{
    const size_t outputs = e->network->layers[e->network->count - 1].fan_out;
    for (size_t k = 0; k < rows * outputs; k++)
        e->F[first * outputs + k] = (double)f[k];
}

/* Rows e->rows index .. through the network. */
static qntk_status pass_rows(void *context, size_t index, size_t worker)
{
    expectation *e = context;
    const size_t first = index * e->rows, rows = qntk_min(e->rows, e->n - first), size = e->rows * e->width;
    const size_t inputs = e->network->layers[0].fan_in;
    const float *x = e->X + first * inputs;
    float *b = e->buffers + worker * BUFFERS * size;
    activations room[2] = {{.mean = b, .square = b + size, .variance = b + 2 * size},
                           {.mean = b + 3 * size, .square = b + 4 * size, .variance = b + 5 * size}};
    activations *in = &room[0], *out = &room[1];
    for (size_t i = 0; i < rows; i++)
        in->most[i] = e->ops->square(inputs, x + i * inputs,
                                     e->layers[0].noise != NULL ? in->square + i * inputs : NULL);
    bool tame = !atomic_load(&e->wild);
    for (size_t l = 0; tame && l < e->network->count; l++) {
        tame = pass_layer(e, l, rows, l == 0 ? x : in->mean, in, out);
        activations *swap = in;
        in = out;
        out = swap;
    }
    for (size_t i = 0; i < rows; i++)
        tame = tame && in->most[i] < INFINITY;
    if (tame)
        write_outputs(e, first, rows, in->mean);
    else
        atomic_store(&e->wild, true);
    return QNTK_OK;
}

/* ---- networks ---- */

/* Bytes of what is allocated, at most. */
static size_t bytes_of(const expectation *e, size_t workers)
{
    size_t numbers = workers * BUFFERS * e->rows * e->width;
    for (size_t l = 0; l < e->network->count; l++)
        numbers += (3 * e->network->layers[l].fan_in + 1) * e->network->layers[l].fan_out;
    return numbers * sizeof(float);
}

/* Expected outputs in single precision, unless something is wild. */
static qntk_status pass(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    expectation *e = context;
    e->rows = qntk_min(ROWS_MOST, (e->n / PARTS / ROWS_LEAST + 1) * ROWS_LEAST);
    const size_t items = (e->n + e->rows - 1) / e->rows, workers = qntk_loop_workers(items);
    qntk_status status =
        qntk_memory_check(bytes_of(e, workers), "expected outputs of a network", "use narrower layers");
    if (status != QNTK_OK)
        return status;
    e->layers = qntk_alloc_zero(e->network->count, sizeof *e->layers);
    e->buffers = qntk_alloc(workers * BUFFERS * e->rows, e->width * sizeof *e->buffers);
    status = e->layers == NULL || e->buffers == NULL ? QNTK_FAIL_MEMORY() : prepare(e);
    if (status == QNTK_OK)
        status = qntk_parallel_for(items, pass_rows, e);
    for (size_t l = 0; e->layers != NULL && l < e->network->count; l++) {
        qntk_free(e->layers[l].theta);
        qntk_free(e->layers[l].noise);
        qntk_free(e->layers[l].second);
        qntk_free(e->layers[l].shift);
    }
    qntk_free(e->layers);
    qntk_free(e->buffers);
    return status;
}

/* The same in double: for numbers of any size, and to say where one is not finite. */
static qntk_status pass_double(const expectation *e)
{
    const size_t inputs = e->network->layers[0].fan_in;
    qntk_moments_weights *layers = qntk_alloc_zero(e->network->count, sizeof *layers);
    double *rows = qntk_alloc(e->n * inputs, sizeof *rows);
    qntk_status status = QNTK_OK;
    if (layers == NULL || rows == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    for (size_t k = 0; k < e->n * inputs; k++)
        rows[k] = (double)e->X[k];
    status = qntk_network_moments(e->network, e->rounding, layers);
    if (status == QNTK_OK)
        status = qntk_moments_propagate(layers, e->network->count, e->n, rows, e->F, NULL);
done:
    qntk_network_moments_free(e->network, layers);
    qntk_free(layers);
    qntk_free(rows);
    return status;
}

qntk_status qntk_network_expect(const qntk_network *network, qntk_rounding rounding, size_t n, const float *X,
                                double *F)
{
    const size_t bytes = n * network->layers[network->count - 1].fan_out * sizeof *F;
    memset(F, 0, bytes);
    if (qntk_network_stepped(network) > 0)
        return qntk_network_expect_stepped(network, rounding, n, X, F);
    expectation e = {.network = network,
                     .rounding_ops = qntk_train_ops_find(NULL),
                     .ops = qntk_expect_ops_find(NULL),
                     .rounding = rounding,
                     .n = n,
                     .width = qntk_network_width(network),
                     .X = X,
                     .F = F};
    /* two products a weight; below so many multiply-adds waking a second thread costs more than it saves */
    const double alone = 4e6, work = 2 * (double)n * (double)qntk_network_parameters(network);
    qntk_status status = work < alone ? qntk_parallel_alone(pass, &e) : pass(&e, 0, 0);
    if (status == QNTK_OK && atomic_load(&e.wild)) {
        memset(F, 0, bytes); /* of rows that were tame */
        status = pass_double(&e);
    } else if (status != QNTK_OK && status != QNTK_INTERRUPTED) /* some rows may be complete */
        memset(F, 0, bytes);
    return status;
}
