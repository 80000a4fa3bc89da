/* The accuracy of a classifier at given weights, plain or as a quasi network. */
#include "sharpness_internal.h"

#include "network_expect_simd.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static qntk_status check(const qntk_network *network, const qntk_network *start, size_t n, size_t classes)
{
    QNTK_REQUIRE(network != NULL && network->count > 0 && start != NULL,
                 "expected a network and its start, found none");
    QNTK_REQUIRE(classes > 0, "sharpness is defined by the accuracy of classes: the targets have none");
    QNTK_REQUIRE(n >= 2, "expected 2 or more rows");
    const size_t outputs = network->layers[network->count - 1].fan_out;
    if (outputs != classes)
        return qntk_fail(QNTK_INVALID, "expected an output for each of %zu classes, found %zu", classes,
                         outputs);
    bool same = start->count == network->count;
    for (size_t l = 0; same && l < network->count; l++)
        same = start->layers[l].fan_in == network->layers[l].fan_in &&
               start->layers[l].fan_out == network->layers[l].fan_out &&
               start->layers[l].levels == network->layers[l].levels;
    QNTK_REQUIRE(same, "the network at its start has other shapes or levels");
    return QNTK_OK;
}

/* w (weights) <- the weights in use, or their means. */
static qntk_status take_weights(const qntk_network *network, qntk_rounding rounding, double *w)
{
    qntk_moments_weights *layers = qntk_alloc_zero(network->count, sizeof *layers);
    if (layers == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = qntk_network_moments(network, rounding, layers);
    for (size_t l = 0; l < network->count && status == QNTK_OK; l++) {
        const size_t count = layers[l].fan_out * layers[l].fan_in;
        memcpy(w, layers[l].latent, count * sizeof *w);
        w += count;
    }
    qntk_network_moments_free(network, layers);
    qntk_free(layers);
    return status;
}

/* ---- memory ---- */

enum {
    ROWS = 128, /* rows that go through the network together */
    BUFFERS =
        5 /* of (ROWS, greatest width): mean, square and variance of a layer's inputs, mean and square out */
};

static qntk_status allocate(qntk_judge *judge)
{
    const qntk_plain *plain = &judge->plain;
    const size_t weights = plain->weights, first = plain->n * plain->layers[0].fan_out;
    judge->size =
        2 * weights + BUFFERS * ROWS * plain->width; /* the weights, and second moments of weights */
    const size_t bytes = (5 * weights + qntk_plain_scratch(plain)) * sizeof(double) + /* with the bound's */
                         (weights + plain->neurons + first + qntk_team_size() * judge->size) * sizeof(float);
    qntk_status status =
        qntk_memory_check(bytes, "sharpness of a network", "use fewer rows or narrower layers");
    if (status != QNTK_OK)
        return status;
    judge->layers = qntk_alloc_zero(plain->count, sizeof *judge->layers);
    judge->w = qntk_alloc(weights, sizeof *judge->w);
    judge->start = qntk_alloc(weights, sizeof *judge->start);
    judge->room = qntk_alloc(qntk_team_size(), judge->size * sizeof *judge->room);
    if (judge->layers == NULL || judge->w == NULL || judge->start == NULL || judge->room == NULL)
        return QNTK_FAIL_MEMORY();
    return QNTK_OK;
}

/* out (rows, fan_out) = beta out + alpha in W' */
static void multiply(const qntk_plain_layer *layer, size_t rows, double alpha, const float *in,
                     const float *W, float beta, float *out)
{
    const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, fan_out, fan_in, (float)alpha, in,
                fan_in, W, fan_in, beta, out, fan_out);
}

/* scale^2 noise x^2 of the first layer, ROWS at a time. */
static void prepare_first(const qntk_judge *judge)
{
    const qntk_plain_layer *layer = &judge->plain.layers[0];
    float *square = judge->room;
    for (size_t i = 0; i < judge->plain.n; i += ROWS) {
        const size_t rows = qntk_min(ROWS, judge->plain.n - i);
        const float *x = judge->X + i * layer->fan_in;
        for (size_t k = 0; k < rows * layer->fan_in; k++)
            square[k] = x[k] * x[k];
        multiply(layer, rows, layer->scale * layer->scale, square, judge->layers[0].noise, 0,
                 judge->layers[0].first + i * layer->fan_out);
    }
}

static qntk_status prepare_layer(const qntk_judge *judge, const qntk_network *network, qntk_rounding rounding,
                                 size_t l)
{
    const qntk_plain_layer *layer = &judge->plain.layers[l];
    const size_t levels = network->layers[l].levels, weights = layer->fan_out * layer->fan_in;
    qntk_judge_layer *out = &judge->layers[l];
    const bool random = levels > 0 && rounding == QNTK_ROUNDING_STOCHASTIC;
    out->varies = random || (l > 0 && judge->layers[l - 1].varies);
    if ((out->shift = qntk_alloc(layer->fan_out, sizeof *out->shift)) == NULL ||
        (random && (out->noise = qntk_alloc(weights, sizeof *out->noise)) == NULL) ||
        (random && l == 0 &&
         (out->first = qntk_alloc(judge->plain.n, layer->fan_out * sizeof *out->first)) == NULL))
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < layer->fan_out; i++)
        out->shift[i] = (float)(layer->b_std * (double)layer->bias[i]);
    for (size_t k = 0; random && k < weights; k++)
        out->noise[k] = (float)qntk_weight_noise(levels, judge->w[layer->at + k]);
    if (out->first != NULL)
        prepare_first(judge);
    return QNTK_OK;
}

qntk_status qntk_judge_create(const qntk_network *network, const qntk_network *start, qntk_rounding rounding,
                              size_t n, const float *X, const double *y, size_t classes, qntk_loss loss,
                              qntk_judge *judge)
{
    *judge = (qntk_judge){.X = X, .y = y};
    qntk_status status = check(network, start, n, classes);
    if (status != QNTK_OK)
        return status;
    QNTK_REQUIRE(X != NULL && y != NULL, "expected rows and classes, found NULL");
    judge->T = qntk_alloc(n, classes * sizeof *judge->T);
    if (judge->T == NULL)
        return QNTK_FAIL_MEMORY();
    status = qntk_train_targets(loss, n, y, classes, judge->T);
    if (status == QNTK_OK)
        status = qntk_plain_create(network, loss, n, X, judge->T, &judge->plain);
    if (status == QNTK_OK)
        status = allocate(judge);
    if (status == QNTK_OK)
        status = take_weights(start, rounding, judge->start);
    if (status == QNTK_OK)
        status = take_weights(network, rounding, judge->w);
    for (size_t l = 0; l < network->count && status == QNTK_OK; l++)
        status = prepare_layer(judge, network, rounding, l);
    return status;
}

void qntk_judge_free(qntk_judge *judge)
{
    for (size_t l = 0; judge->layers != NULL && l < judge->plain.count; l++) {
        qntk_free(judge->layers[l].shift);
        qntk_free(judge->layers[l].noise);
        qntk_free(judge->layers[l].first);
    }
    qntk_plain_free(&judge->plain);
    qntk_free(judge->layers);
    qntk_free(judge->w);
    qntk_free(judge->start);
    qntk_free(judge->T);
    qntk_free(judge->room);
    *judge = (qntk_judge){0};
}

float *qntk_judge_weights(const qntk_judge *judge, size_t worker)
{
    return judge->room + worker * judge->size;
}

/* ---- accuracy ---- */

/* What rows are in front of a layer, (ROWS, fan_in) each: mean, its square, variance. */
typedef struct {
    const float *mean;
    float *square, *variance;
} inputs;

/* second (fan_out, fan_in) <- noise + w^2 of the layers whose inputs vary, but of the last one. */
static void fill_second(const qntk_judge *judge, const float *w, float *second)
{
    for (size_t l = 1; l + 1 < judge->plain.count; l++) {
        const qntk_plain_layer *layer = &judge->plain.layers[l];
        const float *noise = judge->layers[l].noise;
        for (size_t k = 0; judge->layers[l - 1].varies && k < layer->fan_out * layer->fan_in; k++)
            second[layer->at + k] = w[layer->at + k] * w[layer->at + k] + (noise != NULL ? noise[k] : 0);
    }
}

/* The variances s2 (rows, fan_out) of a layer's pre-activations for the rows from `at` on. */
static void spread(const qntk_judge *judge, size_t l, const float *second, size_t at, size_t rows, inputs in,
                   float *s2)
{
    const qntk_plain_layer *layer = &judge->plain.layers[l];
    const qntk_judge_layer *made = &judge->layers[l];
    const double gain = layer->scale * layer->scale;
    if (made->first != NULL)
        memcpy(s2, made->first + at * layer->fan_out, rows * layer->fan_out * sizeof *s2);
    else if (made->noise != NULL)
        multiply(layer, rows, gain, in.square, made->noise, 0, s2);
    if (l > 0 && judge->layers[l - 1].varies)
        multiply(layer, rows, gain, in.variance, second + layer->at, made->noise != NULL ? 1 : 0, s2);
}

/* mu (rows, fan_out) becomes the mean after the ReLU, s2 its square, and variance the variance. */
static void rectify(const qntk_judge *judge, size_t l, size_t rows, float *mu, float *s2, float *variance)
{
    const size_t fan_out = judge->plain.layers[l].fan_out;
    const qntk_judge_layer *layer = &judge->layers[l];
    const qntk_expect_ops *ops = qntk_expect_ops_find(NULL);
    double sum;
    for (size_t i = 0; i < rows; i++) {
        float *row = mu + i * fan_out, *square = s2 + i * fan_out;
        if (layer->varies)
            ops->moments(fan_out, layer->shift, 0, row, square, variance + i * fan_out, &sum);
        for (size_t k = 0; !layer->varies && k < fan_out; k++) {
            const float h = row[k] + layer->shift[k];
            row[k] = h < 0 ? 0 : h; /* NaN passes */
            square[k] = row[k] * row[k];
        }
    }
}

/* How many of the rows from `at` on have their class as the greatest output, the lower one at a tie. */
static qntk_status count_right(const qntk_judge *judge, size_t at, size_t rows, const float *f, size_t *right)
{
    const size_t outputs = judge->plain.outputs;
    for (size_t i = 0; i < rows; i++, f += outputs) {
        size_t top = 0;
        for (size_t c = 0; c < outputs; c++) {
            if (!isfinite(f[c]))
                return qntk_fail(QNTK_NOT_FINITE, "row %zu: output %zu is %g", at + i, c, (double)f[c]);
            top = f[c] > f[top] ? c : top;
        }
        *right += (double)top == judge->y[at + i];
    }
    return QNTK_OK;
}

/* The rows from `at` on through all layers; `buffer` as in the enum above. */
static qntk_status judge_block(const qntk_judge *judge, const float *w, const float *second, size_t at,
                               float *buffer, size_t *right)
{
    const size_t rows = qntk_min(ROWS, judge->plain.n - at), size = ROWS * judge->plain.width;
    float *mean[2] = {buffer, buffer + size}, *square[2] = {buffer + 2 * size, buffer + 3 * size};
    inputs in = {judge->X + at * judge->plain.inputs, NULL, buffer + 4 * size};
    for (size_t l = 0;; l++) {
        const qntk_plain_layer *layer = &judge->plain.layers[l];
        float *mu = mean[l % 2], *s2 = square[l % 2];
        multiply(layer, rows, layer->scale, in.mean, w + layer->at, 0, mu);
        if (l + 1 == judge->plain.count) {
            for (size_t k = 0; k < rows * layer->fan_out; k++)
                mu[k] += judge->layers[l].shift[k % layer->fan_out];
            return count_right(judge, at, rows, mu, right);
        }
        if (judge->layers[l].varies)
            spread(judge, l, second, at, rows, in, s2);
        rectify(judge, l, rows, mu, s2, in.variance); /* the product has read the variances */
        in.mean = mu;
        in.square = s2;
    }
}

qntk_status qntk_judge_accuracy(const qntk_judge *judge, size_t worker, double *accuracy)
{
    const float *w = qntk_judge_weights(judge, worker);
    float *second = qntk_judge_weights(judge, worker) + judge->plain.weights;
    float *buffer = second + judge->plain.weights;
    qntk_status status = QNTK_OK;
    size_t right = 0;
    fill_second(judge, w, second);
    for (size_t at = 0; at < judge->plain.n && status == QNTK_OK; at += ROWS) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        status = judge_block(judge, w, second, at, buffer, &right);
    }
    *accuracy = (double)right / (double)judge->plain.n;
    return status;
}
