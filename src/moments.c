/* Mean and variance of each neuron over the rounding of the weights. */
#include "moments_internal.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- rectified normal variables ---- */

/* The repeated integrals of the normal tail at x >= 0 carry both moments without cancellation:
 *     I_0 = Q(x) = 1 - Phi(x),  I_1 = Int_x^inf I_0 = phi - x Q,  I_2 = Int_x^inf I_1 = (Q - x I_1)/2.
 * From n I_n = I_{n-2} - x I_{n-1} (I_{-1} = phi), the ratios r_n = I_n/I_{n-1} obey
 *     r_{n-1} = 1/(x + n r_n),
 * positive terms only. */
typedef struct {
    double root_phi; /* phi(x) = root_phi^2: the root does not underflow where s phi does not */
    double r0, r1, r2;
} normal_tail;

/* Beyond this in z = mu/s, s phi(z) < 1e-305 for every s, and root_phi is still a normal number. */
static const double TAIL_END = 53;
/* Above this in z, mean = mu and variance = s^2 to the last bit. */
static const double TAIL_BEGIN = 40;

/* r_2 = f(t)/(x + 9/4), t = (x-4)/(x+4), for 0 <= x <= 54: Chebyshev interpolation of f in 60 digits from the
 * continued fraction above and erfc; relative truncation error 9e-18. */
static double second_ratio(double x)
{
    static const double f[] = {
        1.3515116933534947,      -0.3456361705813473,     -0.14433742772924546,   0.19047016185133983,
        -0.01323387063523073,    -0.0681404591592445,     0.017990277969351046,   0.025396797656875057,
        -0.010451798748740781,   -0.009942142070688675,   0.005130623048160561,   0.004061513829838989,
        -0.0023241298814328823,  -0.0017111923552319695,  0.0009939989192498352,  0.0007315825939431641,
        -0.00040385479240376705, -0.00031151310366902424, 0.00015583741259158425, 0.00012940620542345257,
        -5.658854090185107e-05,  -5.096863270754306e-05,  1.8700015029334704e-05, 1.8094792575676096e-05,
        -5.179420803399199e-06,  -5.28502753155233e-06,   1.0242362106294363e-06, 1.0837675904020762e-06,
        -1.0295829781379349e-07, -1.1200007278754318e-07};
    double t = (x - 4) / (x + 4), tt = t * t;
    double even = 0, odd = 0; /* two chains, for the processor to run side by side */
    for (size_t k = sizeof f / sizeof *f; k > 0; k -= 2) {
        odd = odd * tt + f[k - 1];
        even = even * tt + f[k - 2];
    }
    return (even + t * odd) / (x + 2.25);
}

/* At x = |mu|/s <= TAIL_END, s > 0. */
static normal_tail tail_create(double mu, double s)
{
    const double root4_2pi = 1.5832334870861595; /* (2 pi)^(1/4) */
    double x = fabs(mu) / s;
    /* x^2 to twice the digits, from the division's remainder (scaled: it must not underflow) */
    double scale = s < 0x1p-900 ? 0x1p200 : 1;
    double x_low = fma(-x, s * scale, fabs(mu) * scale) / (s * scale);
    double square = x * x;
    double square_low = fma(x, x, -square) + 2 * x * x_low;
    double r2 = second_ratio(x), r1 = 1 / (x + 2 * r2), r0 = 1 / (x + r1);
    double root_phi = exp(-square / 4) * (1 - square_low / 4) / root4_2pi;
    return (normal_tail){.root_phi = root_phi, .r0 = r0, .r1 = r1, .r2 = r2};
}

static bool arguments_valid(double mu, double s)
{
    return isfinite(mu) && isfinite(s) && s >= 0;
}

void qntk_relu_moments(double mu, double s, double *mean, double *variance)
{
    if (!arguments_valid(mu, s)) {
        *mean = *variance = NAN;
        return;
    }
    if (s == 0 || mu > TAIL_BEGIN * s) {
        *mean = fmax(mu, 0);
        *variance = s * s;
        return;
    }
    *mean = *variance = 0;
    if (-mu > TAIL_END * s)
        return;
    normal_tail tail = tail_create(mu, s);
    double root = tail.root_phi, phi = root * root;
    if (mu <= 0) { /* mean = s I_1, variance = s^2 (2 I_2 - I_1^2), where I_1^2 <= 2 I_2 Q <= I_2 */
        double q1 = tail.r0 * tail.r1;
        *mean = s * q1 * root * root;
        *variance = (s * root) * (s * root) * q1 * (2 * tail.r2 - phi * q1);
        return;
    }
    /* relu(h) = h + relu(-h): mean = mu + s I_1, variance = s^2 (1 - 2 I_2 - I_1^2 - 2 z I_1) */
    double i1 = phi * tail.r0 * tail.r1;
    *mean = mu + s * i1;
    *variance = s * (1 - i1 * (2 * tail.r2 + i1 + 2 * (mu / s))) * s;
}

double qntk_relu_slope(double mu, double s)
{
    if (!arguments_valid(mu, s))
        return NAN;
    if (s == 0 || mu > TAIL_BEGIN * s)
        return mu > 0 ? 1 : 0;
    if (-mu > TAIL_END * s)
        return 0;
    normal_tail tail = tail_create(mu, s);
    double upper = tail.root_phi * tail.r0 * tail.root_phi; /* Q(|z|) */
    return mu <= 0 ? upper : 1 - upper;
}

/* ---- layers ---- */

/* `position` (from 1) is the layer's number in the messages. */
static qntk_status check_layer(const qntk_moments_weights *layer, size_t position)
{
    size_t levels = layer->levels;
    QNTK_REQUIRE(layer->fan_in > 0 && layer->fan_out > 0, "a layer needs at least one input and one output");
    QNTK_REQUIRE(layer->fan_in <= INT_MAX && layer->fan_out <= INT_MAX, "more neurons than BLAS can index");
    QNTK_REQUIRE(layer->latent != NULL, "a layer needs latent weights");
    QNTK_REQUIRE(levels != 1 && levels <= QNTK_LEVELS_MAX, "levels must be 0 (real) or 2 to 65536");
    QNTK_REQUIRE(levels == 0 || layer->noise == NULL,
                 "noise is of weights that no levels round: levels must be 0");
    QNTK_REQUIRE(layer->w_std >= 0 && layer->w_std <= DBL_MAX, "w_std must be finite and at least 0");
    QNTK_REQUIRE(layer->b_std >= 0 && layer->b_std <= DBL_MAX, "b_std must be finite and at least 0");
    for (size_t i = 0; i < layer->fan_out; i++) {
        const double *row = layer->latent + i * layer->fan_in;
        for (size_t j = 0; j < layer->fan_in; j++) {
            const double noise = layer->noise != NULL ? layer->noise[i * layer->fan_in + j] : 0;
            if (!(noise >= 0 && noise <= DBL_MAX))
                return qntk_fail(isfinite(noise) ? QNTK_INVALID : QNTK_NOT_FINITE,
                                 "layer %zu: noise of weight (%zu, %zu): expected a variance, found %g",
                                 position, i, j, noise);
            if (!isfinite(row[j]))
                return qntk_fail(QNTK_NOT_FINITE, "layer %zu: latent weight (%zu, %zu) is %g", position, i, j,
                                 row[j]);
            if (levels > 0 && fabs(row[j]) > 1)
                return qntk_fail(QNTK_INVALID,
                                 "layer %zu: latent weight (%zu, %zu): expected a number in [-1,1], found %g",
                                 position, i, j, row[j]);
        }
        if (layer->bias != NULL && !isfinite(layer->bias[i]))
            return qntk_fail(QNTK_NOT_FINITE, "layer %zu: bias %zu is %g", position, i, layer->bias[i]);
    }
    return QNTK_OK;
}

double qntk_moments_scale(const qntk_moments_weights *layer)
{
    return layer->w_std / sqrt((double)layer->fan_in);
}

static double bias_term(const qntk_moments_weights *layer, size_t i)
{
    return layer->bias != NULL ? layer->b_std * layer->bias[i] : 0;
}

static qntk_status layer_moments(const qntk_moments_weights *layer, const double *mean_in,
                                 const double *variance_in, double *mu, double *s2)
{
    qntk_status status = check_layer(layer, 1);
    if (status != QNTK_OK)
        return status;
    for (size_t j = 0; j < layer->fan_in; j++) {
        double variance = variance_in != NULL ? variance_in[j] : 0;
        if (!isfinite(mean_in[j]) || !isfinite(variance))
            return qntk_fail(QNTK_NOT_FINITE, "input %zu: mean %g, variance %g", j, mean_in[j], variance);
        if (variance < 0)
            return qntk_fail(QNTK_INVALID, "input %zu: expected a variance of at least 0, found %g", j,
                             variance);
    }
    double scale = qntk_moments_scale(layer);
    for (size_t i = 0; i < layer->fan_out; i++) {
        const double *latent = layer->latent + i * layer->fan_in;
        double sum = 0, spread = 0;
        for (size_t j = 0; j < layer->fan_in; j++) {
            double m = mean_in[j], v = variance_in != NULL ? variance_in[j] : 0;
            double tau = qntk_moments_tau(layer, i * layer->fan_in + j);
            sum += latent[j] * m;
            spread += tau * (m * m) + (tau + latent[j] * latent[j]) * v;
        }
        mu[i] = scale * sum + bias_term(layer, i);
        s2[i] = scale * scale * spread;
        if (!isfinite(mu[i]) || !isfinite(s2[i]))
            return qntk_fail(QNTK_NOT_FINITE, "output %zu overflows: mean %g, variance %g", i, mu[i], s2[i]);
    }
    return QNTK_OK;
}

qntk_status qntk_moments_layer(const qntk_moments_weights *layer, const double *mean_in,
                               const double *variance_in, double *mu, double *s2)
{
    QNTK_REQUIRE(layer != NULL && mean_in != NULL && mu != NULL && s2 != NULL,
                 "expected a layer, its inputs and room for its outputs, found NULL");
    qntk_status status = layer_moments(layer, mean_in, variance_in, mu, s2);
    if (status != QNTK_OK) {
        memset(mu, 0, layer->fan_out * sizeof *mu);
        memset(s2, 0, layer->fan_out * sizeof *s2);
    }
    return status;
}

/* ---- networks ---- */

enum {
    BLOCK = 64,   /* rows that go through the network together: a matrix product, and an item of work */
    WEIGHTS = 64, /* outputs whose weights are prepared together */
    BUFFERS = 5   /* of (BLOCK, greatest width) a worker */
};

typedef struct {
    const qntk_moments_weights *layers;
    qntk_weight_moments *weights; /* (count) */
    size_t count, n, width;       /* width: the greatest */
    const double *X;
    double *mean, *variance;
    double *buffers;  /* (workers, BUFFERS, BLOCK, width) */
    size_t preparing; /* the layer prepare_outputs works on */
} network;

/* The item `index` of layer `preparing`: its outputs from WEIGHTS * index on. */
static qntk_status prepare_outputs(void *context, size_t index, size_t worker)
{
    (void)worker;
    const network *net = context;
    const qntk_moments_weights *layer = &net->layers[net->preparing];
    qntk_weight_moments weights = net->weights[net->preparing];
    size_t end = qntk_min(layer->fan_out, (index + 1) * WEIGHTS) * layer->fan_in;
    for (size_t k = index * WEIGHTS * layer->fan_in; k < end; k++) {
        double tau = qntk_moments_tau(layer, k);
        if (weights.noise != NULL)
            weights.noise[k] = tau;
        if (weights.second != NULL)
            weights.second[k] = tau + layer->latent[k] * layer->latent[k];
    }
    return QNTK_OK;
}

static size_t block_count(const network *net)
{
    return (net->n + BLOCK - 1) / BLOCK;
}

/* Bytes of what propagate allocates, at most. */
static size_t network_bytes(const network *net)
{
    size_t numbers = qntk_loop_workers(block_count(net)) * BUFFERS * BLOCK * net->width;
    for (size_t l = 0; l < net->count; l++)
        numbers += 2 * net->layers[l].fan_out * net->layers[l].fan_in;
    return numbers * sizeof(double);
}

/* Allocates and fills net->weights. The inputs of layer l vary if the weights of a layer before it do. */
static qntk_status prepare_weights(network *net)
{
    bool varying = false;
    for (size_t l = 0; l < net->count; l++) {
        const qntk_moments_weights *layer = &net->layers[l];
        qntk_weight_moments *weights = &net->weights[l];
        if (l + 1 == net->count && net->variance == NULL)
            break;
        if (qntk_moments_vary(layer) &&
            (weights->noise = qntk_alloc(layer->fan_out * layer->fan_in, sizeof *weights->noise)) == NULL)
            return QNTK_FAIL_MEMORY();
        if (varying &&
            (weights->second = qntk_alloc(layer->fan_out * layer->fan_in, sizeof *weights->second)) == NULL)
            return QNTK_FAIL_MEMORY();
        varying = varying || qntk_moments_vary(layer);
        net->preparing = l;
        qntk_status status =
            qntk_parallel_for((layer->fan_out + WEIGHTS - 1) / WEIGHTS, prepare_outputs, net);
        if (status != QNTK_OK)
            return status;
    }
    return QNTK_OK;
}

/* out (rows, fan_out) = beta out + alpha in weights^T */
static void multiply(const qntk_moments_weights *layer, size_t rows, double alpha, const double *in,
                     const double *weights, double beta, double *out)
{
    blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, fan_out, fan_in, alpha, in, fan_in,
                weights, fan_in, beta, out, fan_out);
}

void qntk_moments_step(const qntk_moments_weights *layer, qntk_weight_moments weights, size_t rows,
                       const double *m, const double *v, double *square, double *mu, double *s2)
{
    double scale = qntk_moments_scale(layer);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < layer->fan_out; k++)
            mu[i * layer->fan_out + k] = bias_term(layer, k);
    multiply(layer, rows, scale, m, layer->latent, 1, mu);
    memset(s2, 0, rows * layer->fan_out * sizeof *s2);
    if (weights.noise != NULL) {
        for (size_t k = 0; k < rows * layer->fan_in; k++)
            square[k] = m[k] * m[k];
        multiply(layer, rows, scale * scale, square, weights.noise, 1, s2);
    }
    if (weights.second != NULL)
        multiply(layer, rows, scale * scale, v, weights.second, 1, s2);
}

/* Rows BLOCK * index .. through the whole network. */
static qntk_status propagate_block(void *context, size_t index, size_t worker)
{
    const network *net = context;
    size_t first = index * BLOCK, rows = qntk_min(BLOCK, net->n - first), size = BLOCK * net->width;
    double *buffer = net->buffers + worker * BUFFERS * size;
    double *m = buffer, *v = m + size, *square = v + size, *mu = square + size, *s2 = mu + size;
    memcpy(m, net->X + first * net->layers[0].fan_in, rows * net->layers[0].fan_in * sizeof *m);
    for (size_t l = 0; l < net->count; l++) {
        size_t fan_out = net->layers[l].fan_out;
        qntk_moments_step(&net->layers[l], net->weights[l], rows, m, v, square, mu, s2);
        for (size_t k = 0; k < rows * fan_out; k++) {
            if (!isfinite(mu[k]) || !isfinite(s2[k]))
                return qntk_fail(QNTK_NOT_FINITE, "row %zu: layer %zu overflows: mean %g, variance %g",
                                 first + k / fan_out, l + 1, mu[k], s2[k]);
            if (l + 1 < net->count)
                qntk_relu_moments(mu[k], sqrt(s2[k]), &m[k], &v[k]);
        }
    }
    size_t outputs = net->layers[net->count - 1].fan_out;
    memcpy(net->mean + first * outputs, mu, rows * outputs * sizeof *mu);
    if (net->variance != NULL)
        memcpy(net->variance + first * outputs, s2, rows * outputs * sizeof *s2);
    return QNTK_OK;
}

qntk_status qntk_moments_check(const qntk_moments_weights *layers, size_t count, size_t n, const double *X,
                               size_t *width)
{
    *width = layers[0].fan_in;
    for (size_t l = 0; l < count; l++) {
        const qntk_moments_weights *layer = &layers[l];
        qntk_status status = check_layer(layer, l + 1);
        if (status != QNTK_OK)
            return status;
        if (l > 0 && layer->fan_in != layer[-1].fan_out)
            return qntk_fail(QNTK_INVALID,
                             "layer %zu: expected %zu inputs, the outputs of layer %zu, found %zu", l + 1,
                             layer[-1].fan_out, l, layer->fan_in);
        *width = qntk_max(*width, layer->fan_out);
    }
    size_t d = layers[0].fan_in;
    for (size_t k = 0; k < n * d; k++)
        if (!isfinite(X[k]))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu, column %zu: expected a finite number, found %g",
                             k / d, k % d, X[k]);
    return QNTK_OK;
}

static qntk_status propagate(network *net)
{
    qntk_status status = qntk_moments_check(net->layers, net->count, net->n, net->X, &net->width);
    if (status != QNTK_OK)
        return status;
    status = qntk_memory_check(network_bytes(net), "moments of a network", "use narrower layers");
    if (status != QNTK_OK)
        return status;
    net->weights = qntk_alloc_zero(net->count, sizeof *net->weights);
    net->buffers =
        qntk_alloc(qntk_loop_workers(block_count(net)) * BUFFERS * BLOCK, net->width * sizeof *net->buffers);
    if (net->weights == NULL || net->buffers == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    status = prepare_weights(net);
    if (status == QNTK_OK)
        status = qntk_parallel_for(block_count(net), propagate_block, net);
done:
    for (size_t l = 0; net->weights != NULL && l < net->count; l++) {
        qntk_free(net->weights[l].noise);
        qntk_free(net->weights[l].second);
    }
    qntk_free(net->weights);
    qntk_free(net->buffers);
    return status;
}

qntk_status qntk_moments_propagate(const qntk_moments_weights *layers, size_t count, size_t n,
                                   const double *X, double *mean, double *variance)
{
    QNTK_REQUIRE(layers != NULL && count > 0, "expected at least one layer, found none");
    QNTK_REQUIRE(X != NULL && mean != NULL, "expected rows and room for the means, found NULL");
    network net = {.layers = layers, .count = count, .n = n, .X = X, .mean = mean, .variance = variance};
    size_t outputs = layers[count - 1].fan_out;
    memset(mean, 0, n * outputs * sizeof *mean);
    if (variance != NULL)
        memset(variance, 0, n * outputs * sizeof *variance);
    qntk_status status = propagate(&net);
    if (status != QNTK_OK && status != QNTK_INTERRUPTED) { /* some blocks may be complete */
        memset(mean, 0, n * outputs * sizeof *mean);
        if (variance != NULL)
            memset(variance, 0, n * outputs * sizeof *variance);
    }
    return status;
}
