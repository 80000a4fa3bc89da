/* Moments of sampled roundings beside moment propagation. See validate.h. */
#include "moments_internal.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 16,    /* draws that are kept until they are added up, in their order */
    ENTRIES = 4096 /* of rows and neurons, to an item of adding up */
};

/* Sums over the draws of powers 1 to 4 of the distance from the prediction. */
typedef struct {
    double sum[4];
} powers;

typedef struct {
    size_t n, count, width, largest; /* rows, layers, greatest width, weights of the largest layer */
    size_t entries;                  /* n times the sum of the widths of all layers: a chunk's row */
    const qntk_moments_weights *layers;
    const double *X;
    qntk_validate_options options;
    size_t *start;                   /* (count) where a layer's (n,fan_out) begins among the entries */
    double *mu, *s2, *out_m, *out_v; /* (entries) predicted */
    powers *before, *after;          /* (entries) of h and of relu(h) */
    double *chunk;                   /* (CHUNK,entries) h of the draws in hand */
    double *weights, *inputs;        /* (workers,largest), (workers,n,width) */
    size_t first, draws;             /* of the chunk */
    qntk_validation *result;
} sampling;

const char *qntk_validate_moment_name(qntk_validate_moment moment)
{
    static const char *const names[] = {"mean", "variance", "output mean", "output variance"};
    return (unsigned)moment < QNTK_VALIDATE_MOMENTS ? names[moment] : "unknown";
}

qntk_validate_options qntk_validate_defaults(void)
{
    return (qntk_validate_options){.draws = 1000};
}

void qntk_validation_free(qntk_validation *result)
{
    qntk_free(result->layer);
    qntk_free(result->mean);
    qntk_free(result->variance);
    qntk_free(result->sample);
    qntk_free(result->standard);
    *result = (qntk_validation){0};
}

/* ---- Kolmogorov's test ---- */

/* P(sqrt N D > t) as N grows. */
static double kolmogorov_tail(double t)
{
    enum { TERMS = 20 }; /* either series is exact to rounding with these, on its side of 1 */
    double sum = 0;
    if (t <= 0)
        return 1;
    if (t < 1) { /* 1 - sqrt(2 pi)/t sum_k exp(-(2k-1)^2 pi^2/(8 t^2)) */
        for (int k = 1; k <= TERMS; k++)
            sum += exp(-(2 * k - 1) * (2 * k - 1) * M_PI * M_PI / (8 * t * t));
        return 1 - sqrt(2 * M_PI) / t * sum;
    }
    for (int k = TERMS; k >= 1; k--) /* 2 sum_k (-1)^(k-1) exp(-2 k^2 t^2), from the end */
        sum = exp(-2.0 * k * k * t * t) - sum;
    return fmin(2 * sum, 1);
}

void qntk_validate_normality(size_t count, double *x, double *ks, double *p)
{
    *ks = *p = NAN;
    for (size_t i = 0; i < count; i++)
        if (isnan(x[i]))
            return;
    if (count == 0)
        return;
    qsort(x, count, sizeof *x, qntk_ascending);
    const double N = (double)count, root = sqrt(N);
    double distance = 0;
    for (size_t i = 0; i < count; i++) {
        const double Phi = erfc(-x[i] * M_SQRT1_2) / 2;
        distance = fmax(distance, fmax(Phi - (double)i / N, (double)(i + 1) / N - Phi));
    }
    *ks = distance;
    *p = kolmogorov_tail((root + 0.12 + 0.11 / root) * distance);
}

/* ---- predictions ---- */

/* Row `index` through all layers by moment propagation. */
static qntk_status predict_row(void *context, size_t index, size_t worker)
{
    (void)worker;
    const sampling *s = context;
    const double *m = s->X + index * s->layers[0].fan_in, *v = NULL;
    for (size_t l = 0; l < s->count; l++) {
        const size_t fan_out = s->layers[l].fan_out, at = s->start[l] + index * fan_out;
        qntk_status status = qntk_moments_layer(&s->layers[l], m, v, s->mu + at, s->s2 + at);
        if (status != QNTK_OK)
            return status;
        for (size_t k = at; k < at + fan_out; k++)
            qntk_relu_moments(s->mu[k], sqrt(s->s2[k]), &s->out_m[k], &s->out_v[k]);
        m = s->out_m + at;
        v = s->out_v + at;
    }
    return QNTK_OK;
}

/* ---- draws ---- */

static void round_weights(const qntk_moments_weights *layer, qntk_rng *rng, double *weights)
{
    for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++)
        weights[k] = qntk_weight_round(layer->levels, layer->latent[k], qntk_rng_uniform(rng));
}

/* All rows through draw first + index; h of every layer into the chunk. */
static qntk_status draw_network(void *context, size_t index, size_t worker)
{
    const sampling *s = context;
    double *weights = s->weights + worker * s->largest, *inputs = s->inputs + worker * s->n * s->width;
    qntk_rng rng = qntk_rng_create(s->options.seed, s->first + index);
    const double *in = s->X;
    for (size_t l = 0; l < s->count; l++) {
        const qntk_moments_weights *layer = &s->layers[l];
        const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
        double *h = s->chunk + index * s->entries + s->start[l];
        if (layer->levels > 0)
            round_weights(layer, &rng, weights);
        for (size_t k = 0; k < s->n * layer->fan_out; k++)
            h[k] = layer->bias != NULL ? layer->b_std * layer->bias[k % layer->fan_out] : 0;
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)s->n, fan_out, fan_in,
                    qntk_moments_scale(layer), in, fan_in, layer->levels > 0 ? weights : layer->latent,
                    fan_in, 1, h, fan_out);
        for (size_t k = 0; k < s->n * layer->fan_out; k++)
            inputs[k] = h[k] > 0 ? h[k] : 0; /* the product has read them */
        in = inputs;
    }
    return QNTK_OK;
}

/* One randomly chosen (h - mu)/s of each layer of a draw, and its last layer. */
static void keep_draw(const sampling *s, size_t index)
{
    const size_t draw = s->first + index, last = s->start[s->count - 1];
    const double *h = s->chunk + index * s->entries;
    qntk_rng rng = qntk_rng_create(s->options.seed, s->options.draws + draw);
    for (size_t l = 0; l < s->count; l++) {
        const size_t k = s->start[l] + qntk_rng_below(&rng, s->n * s->layers[l].fan_out);
        s->result->standard[l * s->options.draws + draw] =
            s->s2[k] > 0 ? (h[k] - s->mu[k]) / sqrt(s->s2[k]) : NAN;
    }
    memcpy(s->result->sample + draw * (s->entries - last), h + last, (s->entries - last) * sizeof *h);
}

static void add_powers(powers *to, double distance)
{
    const double square = distance * distance;
    to->sum[0] += distance;
    to->sum[1] += square;
    to->sum[2] += square * distance;
    to->sum[3] += square * square;
}

static qntk_status add_entries(void *context, size_t index, size_t worker)
{
    (void)worker;
    const sampling *s = context;
    for (size_t k = index * ENTRIES; k < qntk_min((index + 1) * ENTRIES, s->entries); k++)
        for (size_t draw = 0; draw < s->draws; draw++) {
            const double h = s->chunk[draw * s->entries + k];
            add_powers(&s->before[k], h - s->mu[k]);
            add_powers(&s->after[k], (h > 0 ? h : 0) - s->out_m[k]);
        }
    return QNTK_OK;
}

static qntk_status draw_all(sampling *s)
{
    qntk_status status = QNTK_OK;
    for (s->first = 0; s->first < s->options.draws && status == QNTK_OK; s->first += CHUNK) {
        s->draws = qntk_min(CHUNK, s->options.draws - s->first);
        qntk_progress("rounding draws", (double)s->first / (double)s->options.draws);
        status = qntk_parallel_for(s->draws, draw_network, s);
        for (size_t draw = 0; draw < s->draws && status == QNTK_OK; draw++)
            keep_draw(s, draw);
        if (status == QNTK_OK)
            status = qntk_parallel_for((s->entries + ENTRIES - 1) / ENTRIES, add_entries, s);
    }
    return status;
}

/* ---- comparison ---- */

/* Measured minus predicted, and its standard error: of the mean, [0], and of the variance, [1]. */
static void measure(const powers *p, double variance, double draws, double difference[2], double error[2])
{
    const double shift = p->sum[0] / draws; /* of the mean from its prediction */
    const double a2 = p->sum[1] / draws, a3 = p->sum[2] / draws, a4 = p->sum[3] / draws;
    const double square = shift * shift;
    /* central moments from those about the prediction; of a sample of equal values nothing but rounding is left */
    const bool spread = a2 - square > draws * DBL_EPSILON * a2;
    const double m2 = spread ? a2 - square : 0;
    const double m4 = spread ? a4 - 4 * shift * a3 + 6 * square * a2 - 3 * square * square : 0;
    const double unbiased = m2 * draws / (draws - 1);
    difference[0] = shift;
    difference[1] = unbiased - variance;
    error[0] = sqrt(fmax(unbiased, 0) / draws);
    error[1] = sqrt(fmax(m4 - m2 * m2, 0) / draws);
}

static void compare_layer(const sampling *s, size_t l)
{
    qntk_validate_layer *layer = &s->result->layer[l];
    const size_t end = s->start[l] + s->n * s->layers[l].fan_out;
    for (size_t pair = 0; pair < 2; pair++) { /* before and after the ReLU: mean and variance of each */
        double worst[2] = {0}, off[2] = {0}, size[2] = {0}, noise[2] = {0};
        bool varies = false;
        for (size_t k = s->start[l]; k < end; k++) {
            const double mean = pair == 0 ? s->mu[k] : s->out_m[k],
                         variance = pair == 0 ? s->s2[k] : s->out_v[k];
            const double predicted[2] = {mean, variance};
            double difference[2], error[2];
            measure(pair == 0 ? &s->before[k] : &s->after[k], variance, (double)s->options.draws, difference,
                    error);
            varies = varies || variance > 0;
            for (size_t i = 0; i < 2; i++) {
                if (error[i] > 0)
                    worst[i] = fmax(worst[i], fabs(difference[i]) / error[i]);
                off[i] += difference[i] * difference[i];
                noise[i] += error[i] * error[i];
                size[i] += predicted[i] * predicted[i];
            }
        }
        const bool defined = varies && !(pair == 1 && l + 1 == s->count);
        for (size_t i = 0; i < 2; i++) {
            layer->max_abs_z[2 * pair + i] = defined ? worst[i] : NAN;
            layer->rms_relative_error[2 * pair + i] = defined ? sqrt(off[i] / size[i]) : NAN;
            layer->rms_relative_noise[2 * pair + i] = defined ? sqrt(noise[i] / size[i]) : NAN;
        }
    }
}

static qntk_status compare(const sampling *s)
{
    const size_t draws = s->options.draws, last = s->start[s->count - 1];
    double *sorted = qntk_alloc(draws, sizeof *sorted);
    if (sorted == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < s->count; l++) {
        compare_layer(s, l);
        memcpy(sorted, s->result->standard + l * draws, draws * sizeof *sorted);
        qntk_validate_normality(draws, sorted, &s->result->layer[l].ks, &s->result->layer[l].ks_p);
    }
    memcpy(s->result->mean, s->mu + last, (s->entries - last) * sizeof(double));
    memcpy(s->result->variance, s->s2 + last, (s->entries - last) * sizeof(double));
    qntk_free(sorted);
    return QNTK_OK;
}

/* ---- the whole ---- */

static qntk_status allocate(sampling *s)
{
    const size_t workers = qntk_min(qntk_threads(), CHUNK), draws = s->options.draws;
    s->start = qntk_alloc(s->count, sizeof *s->start);
    if (s->start == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < s->count; l++) {
        s->start[l] = s->entries;
        s->entries += s->n * s->layers[l].fan_out;
        s->largest = qntk_max(s->largest, s->layers[l].fan_in * s->layers[l].fan_out);
    }
    const size_t outputs = s->layers[s->count - 1].fan_out;
    const size_t numbers = s->entries * (4 + 8 + CHUNK) + workers * (s->largest + s->n * s->width) +
                           draws * (s->n * outputs + s->count);
    qntk_status status = qntk_memory_check(numbers * sizeof(double), "sampled roundings of a network",
                                           "use fewer rows or draws, or narrower layers");
    if (status != QNTK_OK)
        return status;
    s->mu = qntk_alloc(4 * s->entries, sizeof(double));
    s->before = qntk_alloc_zero(2 * s->entries, sizeof(powers));
    s->chunk = qntk_alloc(CHUNK * s->entries, sizeof(double));
    s->weights = qntk_alloc(workers * s->largest, sizeof(double));
    s->inputs = qntk_alloc(workers * s->n * s->width, sizeof(double));
    *s->result = (qntk_validation){.layers = s->count, .n = s->n, .outputs = outputs, .draws = draws};
    s->result->layer = qntk_alloc_zero(s->count, sizeof *s->result->layer);
    s->result->mean = qntk_alloc(s->n * outputs, sizeof(double));
    s->result->variance = qntk_alloc(s->n * outputs, sizeof(double));
    s->result->sample = qntk_alloc(draws * s->n * outputs, sizeof(double));
    s->result->standard = qntk_alloc(draws * s->count, sizeof(double));
    if (s->mu == NULL || s->before == NULL || s->chunk == NULL || s->weights == NULL || s->inputs == NULL ||
        s->result->layer == NULL || s->result->mean == NULL || s->result->variance == NULL ||
        s->result->sample == NULL || s->result->standard == NULL)
        return QNTK_FAIL_MEMORY();
    s->s2 = s->mu + s->entries;
    s->out_m = s->s2 + s->entries;
    s->out_v = s->out_m + s->entries;
    s->after = s->before + s->entries;
    return QNTK_OK;
}

qntk_status qntk_validate(const qntk_moments_weights *layers, size_t count, size_t n, const double *X,
                          qntk_validate_options options, qntk_validation *result)
{
    QNTK_REQUIRE(result != NULL, "result must not be NULL");
    *result = (qntk_validation){0};
    QNTK_REQUIRE(layers != NULL && count > 0, "expected at least one layer, found none");
    QNTK_REQUIRE(n > 0 && X != NULL, "expected rows, found none");
    QNTK_REQUIRE(options.draws >= 10, "expected at least 10 draws");
    sampling s = {.n = n, .count = count, .layers = layers, .X = X, .options = options, .result = result};
    for (size_t l = 0; l < count; l++)
        QNTK_REQUIRE(layers[l].noise == NULL, "noise given by its variance alone cannot be drawn");
    qntk_status status = qntk_moments_check(layers, count, n, X, &s.width);
    if (status == QNTK_OK)
        status = allocate(&s);
    if (status == QNTK_OK)
        status = qntk_parallel_for(n, predict_row, &s);
    if (status == QNTK_OK)
        status = draw_all(&s);
    if (status == QNTK_OK)
        status = compare(&s);
    if (status != QNTK_OK)
        qntk_validation_free(result);
    qntk_free(s.start);
    qntk_free(s.mu);
    qntk_free(s.before);
    qntk_free(s.chunk);
    qntk_free(s.weights);
    qntk_free(s.inputs);
    return status;
}
