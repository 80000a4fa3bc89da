/* Sharpness: bisections for the noise that costs a tenth of the accuracy, and the measures made of it. */
#include "sharpness_internal.h"

#include <math.h>
#include <string.h>

static const uint64_t STREAM = UINT64_C(0x73686172) << 32; /* "shar" */

/* The two kinds of noise. */
enum { EQUAL, MAGNITUDE, KINDS };

qntk_sharpness_options qntk_sharpness_defaults(void)
{
    return (qntk_sharpness_options){.repeats = 5,
                                    .draws = 10,
                                    .steps = 15,
                                    .drop = 0.1,
                                    .tolerance = 0.01,
                                    .limit = 2,
                                    .epsilon = 1e-3,
                                    .loss = QNTK_LOSS_CROSS_ENTROPY,
                                    .climbs = 10,
                                    .confidence = 0.95};
}

const char *qntk_sharpness_name(qntk_sharpness_measure measure)
{
    static const char *const names[] = {"flatness", "norm_origin", "norm_init", "magnitude_aware"};
    return (unsigned)measure < QNTK_SHARPNESS_MEASURES ? names[measure] : "unknown";
}

/* ---- bisections, all in step ---- */

typedef struct {
    size_t kind, repeat;
    double low, high, sigma;
    bool found;
} bisection;

typedef struct {
    const qntk_judge *judge;
    const qntk_sharpness_options *options;
    bisection *all;    /* (KINDS repeats) */
    bisection **going; /* those not ended */
    size_t left;
    double *accuracy; /* (KINDS repeats, draws) of the step at hand */
    double plain;     /* accuracy without noise */
} search;

/* Draw index % draws of bisection index / draws that is going. */
static qntk_status try_draw(void *context, size_t index, size_t worker)
{
    const search *s = context;
    const qntk_sharpness_options *o = s->options;
    const bisection *b = s->going[index / o->draws];
    const bool magnitude = b->kind == MAGNITUDE;
    const size_t weights = s->judge->plain.weights;
    float *w = qntk_judge_weights(s->judge, worker);
    const size_t number = (b->repeat * KINDS + b->kind) * o->draws + index % o->draws;
    qntk_rng rng = qntk_rng_create(o->seed, STREAM + number);
    for (size_t k = 0; k < weights; k++) {
        const double mean = s->judge->w[k], deviation = magnitude ? fabs(mean) + o->epsilon : 1;
        w[k] = (float)(mean + b->sigma * deviation * qntk_rng_normal(&rng));
    }
    return qntk_judge_accuracy(s->judge, worker, &s->accuracy[index]);
}

/* The next sigma, or the end. */
static void advance(const search *s, const double *accuracy, bisection *b)
{
    double mean = 0;
    for (size_t k = 0; k < s->options->draws; k++)
        mean += accuracy[k] / (double)s->options->draws;
    const double drop = s->plain - mean;
    b->found = fabs(drop - s->options->drop) <= s->options->tolerance;
    *(drop > s->options->drop ? &b->high : &b->low) = b->sigma;
}

static qntk_status bisect(search *s)
{
    const qntk_sharpness_options *o = s->options;
    qntk_status status = QNTK_OK;
    for (size_t k = 0; k < KINDS * o->repeats; k++) {
        s->all[k] = (bisection){.kind = k / o->repeats, .repeat = k % o->repeats, .high = o->limit};
        s->going[k] = &s->all[k];
    }
    s->left = KINDS * o->repeats;
    for (size_t step = 0; step < o->steps && s->left > 0 && status == QNTK_OK; step++) {
        for (size_t k = 0; k < s->left; k++)
            s->going[k]->sigma = (s->going[k]->low + s->going[k]->high) / 2;
        qntk_progress("sharpness", (double)step / (double)o->steps);
        status = qntk_parallel_for(s->left * o->draws, try_draw, s);
        size_t still = 0;
        for (size_t k = 0; k < s->left && status == QNTK_OK; k++) {
            advance(s, s->accuracy + k * o->draws, s->going[k]);
            if (!s->going[k]->found)
                s->going[still++] = s->going[k];
        }
        s->left = still;
    }
    qntk_progress("sharpness", 1);
    return status;
}

/* ---- measures ---- */

static double distance_squared(size_t count, const double *a, const double *b)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

/* sqrt(value/m) of a measure, at one sigma of its kind. */
static double measure_at(const search *s, const qntk_sharpness *out, qntk_sharpness_measure measure,
                         double sigma)
{
    const double m = (double)s->judge->plain.n, eps = s->options->epsilon;
    const double tail = log(m / sigma) + 10, moved = out->distance * out->distance;
    const size_t weights = s->judge->plain.weights;
    double sum = 0;
    switch (measure) {
    case QNTK_SHARPNESS_FLATNESS:
        return sqrt(1 / (sigma * sigma) / m);
    case QNTK_SHARPNESS_NORM_ORIGIN:
        return sqrt((out->norm * out->norm / (4 * sigma * sigma) + tail) / m);
    case QNTK_SHARPNESS_NORM_INIT:
        return sqrt((moved / (4 * sigma * sigma) + tail) / m);
    default:
        for (size_t k = 0; k < weights; k++) {
            const double step = s->judge->w[k] - s->judge->start[k];
            sum += log((eps * eps + (sigma * sigma + 1) * moved / (double)weights) /
                       (eps * eps + sigma * sigma * step * step));
        }
        return sqrt((sum / 4 + tail) / m);
    }
}

/* Mean over the repeats, and its standard error; measure QNTK_SHARPNESS_MEASURES is sigma itself. */
static void average(const search *s, const qntk_sharpness *out, size_t kind, qntk_sharpness_measure measure,
                    double *mean, double *error)
{
    const size_t repeats = s->options->repeats;
    const bisection *b = s->all + kind * repeats;
    double *value = s->accuracy; /* done with, and long enough */
    for (size_t r = 0; r < repeats; r++)
        value[r] = measure == QNTK_SHARPNESS_MEASURES ? b[r].sigma : measure_at(s, out, measure, b[r].sigma);
    *mean = qntk_mean(repeats, 1, value, error);
}

static void measure_all(const search *s, qntk_sharpness *out)
{
    const size_t repeats = s->options->repeats;
    for (size_t r = 0; r < repeats; r++) {
        out->found += s->all[EQUAL * repeats + r].found;
        out->magnitude_found += s->all[MAGNITUDE * repeats + r].found;
    }
    average(s, out, EQUAL, QNTK_SHARPNESS_MEASURES, &out->sigma, &out->sigma_se);
    average(s, out, MAGNITUDE, QNTK_SHARPNESS_MEASURES, &out->magnitude_sigma, &out->magnitude_sigma_se);
    for (size_t i = 0; i < QNTK_SHARPNESS_MEASURES; i++)
        average(s, out, i == QNTK_SHARPNESS_MAGNITUDE ? MAGNITUDE : EQUAL, (qntk_sharpness_measure)i,
                &out->measure[i], &out->se[i]);
}

/* ---- the whole ---- */

static qntk_status check_options(qntk_rounding rounding, const qntk_sharpness_options *o)
{
    QNTK_REQUIRE((unsigned)rounding <= QNTK_ROUNDING_NEAREST, "expected a rounding");
    QNTK_REQUIRE(o->repeats >= 1 && o->repeats <= 1000000, "expected 1 to 1000000 repeats");
    QNTK_REQUIRE(o->draws >= 1 && o->draws <= 1000, "expected 1 to 1000 draws");
    QNTK_REQUIRE(o->steps >= 1 && o->steps <= 60, "expected 1 to 60 steps of bisection");
    QNTK_REQUIRE(o->drop > 0 && o->drop < 1, "the drop must be between 0 and 1");
    QNTK_REQUIRE(o->tolerance >= 0, "the tolerance must be at least 0");
    QNTK_REQUIRE(o->limit > 0 && isfinite(o->limit), "the limit of sigma must be positive and finite");
    QNTK_REQUIRE(o->epsilon > 0 && isfinite(o->epsilon), "epsilon must be positive and finite");
    QNTK_REQUIRE((size_t)o->loss < qntk_plain_loss_count, "expected a loss");
    QNTK_REQUIRE(o->confidence > 0 && o->confidence < 1, "the confidence must be between 0 and 1");
    return QNTK_OK;
}

static qntk_status judge_unmoved(const qntk_judge *judge, double *accuracy)
{
    float *w = qntk_judge_weights(judge, 0);
    for (size_t k = 0; k < judge->plain.weights; k++)
        w[k] = (float)judge->w[k];
    return qntk_judge_accuracy(judge, 0, accuracy);
}

static qntk_status measure(const qntk_judge *judge, const qntk_network *network,
                           const qntk_sharpness_options *options, qntk_sharpness *out)
{
    const size_t bisections = KINDS * options->repeats, weights = judge->plain.weights;
    search s = {.judge = judge,
                .options = options,
                .all = qntk_alloc_zero(bisections, sizeof *s.all),
                .going = qntk_alloc_zero(bisections, sizeof *s.going),
                .accuracy = qntk_alloc(bisections, options->draws * sizeof *s.accuracy)};
    qntk_status status = QNTK_OK;
    if (s.all == NULL || s.going == NULL || s.accuracy == NULL)
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = judge_unmoved(judge, &s.plain);
    if (status == QNTK_OK)
        status = bisect(&s);
    if (status == QNTK_OK) {
        out->accuracy = s.plain;
        out->distance = sqrt(distance_squared(weights, judge->w, judge->start));
        for (size_t k = 0; k < weights; k++)
            out->norm += judge->w[k] * judge->w[k];
        out->norm = sqrt(out->norm);
        measure_all(&s, out);
        status = qntk_sharpness_bound(judge, network, options, out);
    }
    qntk_free(s.all);
    qntk_free(s.going);
    qntk_free(s.accuracy);
    return status;
}

qntk_status qntk_sharpness_of(const qntk_network *network, const qntk_network *start, qntk_rounding rounding,
                              size_t n, const float *X, const double *y, size_t classes,
                              qntk_sharpness_options options, qntk_sharpness *sharpness)
{
    QNTK_REQUIRE(sharpness != NULL, "sharpness must not be NULL");
    *sharpness = (qntk_sharpness){0};
    qntk_judge judge = {0};
    qntk_status status = check_options(rounding, &options);
    if (status == QNTK_OK)
        status = qntk_judge_create(network, start, rounding, n, X, y, classes, options.loss, &judge);
    if (status == QNTK_OK)
        status = measure(&judge, network, &options, sharpness);
    if (status != QNTK_OK)
        *sharpness = (qntk_sharpness){0};
    qntk_judge_free(&judge);
    return status;
}
