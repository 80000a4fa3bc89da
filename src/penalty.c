/* The penalty of rounding: sampled, by Hutchinson's trace of the Hessian, by the Gauss-Newton form. See penalty.h. */
#include "penalty_internal.h"

#include <math.h>
#include <string.h>

/* Streams of the user's seed, one a draw or probe: "pen" and what is drawn. */
static const uint64_t STREAM_ROUND = UINT64_C(0x70656e72) << 32;
static const uint64_t STREAM_NOISE = UINT64_C(0x70656e6e) << 32;
static const uint64_t STREAM_PROBE = UINT64_C(0x70656e70) << 32;

qntk_penalty_options qntk_penalty_defaults(void)
{
    return (qntk_penalty_options){.loss = QNTK_LOSS_CROSS_ENTROPY, .draws = 100, .probes = 50};
}

size_t qntk_penalty_weights(const qntk_network *network)
{
    size_t sum = 0;
    for (size_t l = 0; l < network->count; l++)
        sum += network->layers[l].fan_out * network->layers[l].fan_in;
    return sum;
}

typedef struct {
    const qntk_network *network;
    const qntk_penalty_options *options;
    qntk_rounding rounding;
    qntk_plain plain;
    double *w, *v, *gradient; /* (weights) */
    bool noisy;               /* a variance is not 0 */
    double loss;              /* L(w) */
    double *value;            /* (most draws, probes or blocks) */
    double *scratch;          /* (threads, size) */
    size_t size;
} measuring;

/* ---- weights and variances ---- */

static double variance_of(const measuring *m, size_t l, double latent)
{
    const size_t levels = m->network->layers[l].levels;
    if (m->options->variance != NULL)
        return m->options->variance[l];
    return m->rounding == QNTK_ROUNDING_NEAREST ? qntk_noise_uniform(levels)
                                                : qntk_weight_noise(levels, latent);
}

/* False if all are 0. */
static bool fill_variances(const measuring *m)
{
    bool any = false;
    for (size_t l = 0; l < m->plain.count; l++) {
        const qntk_plain_layer *layer = &m->plain.layers[l];
        for (size_t k = layer->at; k < layer->at + layer->fan_out * layer->fan_in; k++)
            any = (m->v[k] = variance_of(m, l, m->w[k])) > 0 || any;
    }
    return any;
}

/* The nearest level, the upper one of two. Times (levels-1)/2, which is exact, not over the step, which is not: ties
 * would go down for some numbers of levels. */
static double nearest(size_t levels, double latent)
{
    const double cells = (double)levels - 1;
    return levels < 2 ? latent : 2 * floor((latent + 1) * (cells / 2) + 0.5) / cells - 1;
}

/* out <- Q(w), and g'(Q(w) - w). */
static double round_all(const measuring *m, qntk_rng *rng, double *out)
{
    double linear = 0;
    for (size_t l = 0; l < m->plain.count; l++) {
        const qntk_plain_layer *layer = &m->plain.layers[l];
        const size_t levels = m->network->layers[l].levels;
        for (size_t k = layer->at; k < layer->at + layer->fan_out * layer->fan_in; k++) {
            out[k] = levels == 0   ? m->w[k]
                     : rng == NULL ? nearest(levels, m->w[k])
                                   : qntk_weight_round(levels, m->w[k], qntk_rng_uniform(rng));
            linear += m->gradient[k] * (out[k] - m->w[k]);
        }
    }
    return linear;
}

/* ---- items of the loops; weights of an item, then its scratch, in the worker's part ---- */

static double *part_of(const measuring *m, size_t worker)
{
    return m->scratch + worker * m->size;
}

/* L(W + e) - L(W) - g'e */
static qntk_status draw_rounding(void *context, size_t index, size_t worker)
{
    const measuring *m = context;
    double *w = part_of(m, worker), loss;
    qntk_rng rng = qntk_rng_create(m->options->seed, STREAM_ROUND + index);
    const double linear = round_all(m, &rng, w);
    qntk_status status = qntk_plain_loss(&m->plain, w, w + m->plain.weights, &loss);
    m->value[index] = loss - m->loss - linear;
    qntk_progress("rounding", (double)(index + 1) / (double)m->options->draws);
    return status;
}

/* (L(W + e) + L(W - e))/2 - L(W), e uniform on [-sqrt 3v, sqrt 3v] */
static qntk_status draw_noise(void *context, size_t index, size_t worker)
{
    const measuring *m = context;
    const size_t weights = m->plain.weights;
    double *w = part_of(m, worker), *e = w + weights, *scratch = e + weights, up, down = 0;
    qntk_rng rng = qntk_rng_create(m->options->seed, STREAM_NOISE + index);
    for (size_t k = 0; k < weights; k++) {
        e[k] = m->v[k] > 0 ? sqrt(3 * m->v[k]) * (2 * qntk_rng_uniform(&rng) - 1) : 0;
        w[k] = m->w[k] + e[k];
    }
    qntk_status status = qntk_plain_loss(&m->plain, w, scratch, &up);
    for (size_t k = 0; k < weights; k++)
        w[k] = m->w[k] - e[k];
    if (status == QNTK_OK)
        status = qntk_plain_loss(&m->plain, w, scratch, &down);
    m->value[index] = (up - m->loss + (down - m->loss)) / 2;
    qntk_progress("additive noise", (double)(index + 1) / (double)m->options->draws);
    return status;
}

/* (1/2) z'Hz, z_k = +-sqrt(v_k) */
static qntk_status probe(void *context, size_t index, size_t worker)
{
    const measuring *m = context;
    double *z = part_of(m, worker), *product = z + m->plain.weights, loss, sum = 0;
    qntk_rng rng = qntk_rng_create(m->options->seed, STREAM_PROBE + index);
    uint64_t bits = 0;
    for (size_t k = 0; k < m->plain.weights; k++, bits >>= 1) {
        if (k % 64 == 0)
            bits = qntk_rng_bits(&rng);
        z[k] = (bits & 1) != 0 ? sqrt(m->v[k]) : -sqrt(m->v[k]);
    }
    qntk_status status =
        qntk_plain_derive(&m->plain, m->w, z, product + m->plain.weights, &loss, NULL, product);
    for (size_t k = 0; k < m->plain.weights; k++)
        sum += z[k] * product[k];
    m->value[index] = sum / 2;
    qntk_progress("trace of the Hessian", (double)(index + 1) / (double)m->options->probes);
    return status;
}

static qntk_status gauss_newton_block(void *context, size_t index, size_t worker)
{
    const measuring *m = context;
    return qntk_plain_gauss_newton(&m->plain, m->w, m->v, index * QNTK_PLAIN_ROWS, QNTK_PLAIN_ROWS,
                                   part_of(m, worker), &m->value[index]);
}

static qntk_status kinks_block(void *context, size_t index, size_t worker)
{
    const measuring *m = context;
    double *squares = part_of(m, worker);
    for (size_t k = 0; k < m->plain.weights; k++)
        squares[k] = m->w[k] * m->w[k];
    return qntk_plain_kinks(&m->plain, m->w, squares, m->v, index * QNTK_PLAIN_ROWS,
                            squares + m->plain.weights, &m->value[index]);
}

/* ---- means ---- */

static qntk_status average(measuring *m, size_t count, qntk_parallel_body body, double *mean, double *error)
{
    qntk_status status = qntk_parallel_for(count, body, m);
    if (status == QNTK_OK)
        *mean = qntk_mean(count, 1, m->value, error);
    return status;
}

/* The sum over blocks of rows. */
static qntk_status add_blocks(measuring *m, qntk_parallel_body body, double *sum)
{
    const size_t blocks = (m->plain.n + QNTK_PLAIN_ROWS - 1) / QNTK_PLAIN_ROWS;
    qntk_status status = qntk_parallel_for(blocks, body, m);
    for (size_t i = 0; i < blocks && status == QNTK_OK; i++)
        *sum += m->value[i];
    return status;
}

static qntk_status measure_rounding(measuring *m, qntk_penalty *p)
{
    p->sampled = p->sampled_se = p->linear = NAN;
    if (m->options->variance != NULL)
        return QNTK_OK;
    p->linear = 0;
    if (m->rounding == QNTK_ROUNDING_STOCHASTIC)
        return average(m, m->options->draws, draw_rounding, &p->sampled, &p->sampled_se);
    double loss;
    p->linear = round_all(m, NULL, m->scratch);
    qntk_status status = qntk_plain_loss(&m->plain, m->scratch, m->scratch + m->plain.weights, &loss);
    p->sampled = loss - m->loss;
    return status;
}

static qntk_status measure(measuring *m, qntk_penalty *p)
{
    qntk_status status = qntk_plain_derive(&m->plain, m->w, NULL, m->scratch, &m->loss, m->gradient, NULL);
    p->loss = m->loss;
    if (status == QNTK_OK)
        status = measure_rounding(m, p);
    if (!m->noisy) /* all else is 0 */
        return status;
    if (status == QNTK_OK)
        status = average(m, m->options->draws, draw_noise, &p->additive, &p->additive_se);
    if (status == QNTK_OK)
        status = average(m, m->options->probes, probe, &p->hutchinson, &p->hutchinson_se);
    if (status == QNTK_OK)
        status = add_blocks(m, gauss_newton_block, &p->gauss_newton);
    return status == QNTK_OK ? add_blocks(m, kinks_block, &p->kinks) : status;
}

/* ---- the whole ---- */

static qntk_status check_options(const qntk_network *network, qntk_rounding rounding,
                                 const qntk_penalty_options *o)
{
    QNTK_REQUIRE(network != NULL && network->count > 0, "expected a network");
    QNTK_REQUIRE((unsigned)rounding <= QNTK_ROUNDING_NEAREST, "expected a rounding");
    QNTK_REQUIRE(o->draws >= 2 && o->draws <= UINT32_MAX, "expected 2 or more draws");
    QNTK_REQUIRE(o->probes >= 2 && o->probes <= UINT32_MAX, "expected 2 or more probes");
    for (size_t l = 0; o->variance != NULL && l < network->count; l++)
        if (!(o->variance[l] >= 0 && isfinite(o->variance[l])))
            return qntk_fail(QNTK_INVALID, "layer %zu: expected a variance of at least 0, found %g", l + 1,
                             o->variance[l]);
    return QNTK_OK;
}

static qntk_status allocate(measuring *m)
{
    const size_t weights = m->plain.weights, threads = qntk_team_size();
    const size_t most = qntk_max(qntk_max(m->options->draws, m->options->probes), m->plain.n);
    m->size = 2 * weights + qntk_plain_scratch(&m->plain);
    qntk_status status = qntk_memory_check((3 * weights + threads * m->size + most) * sizeof(double),
                                           "the penalty of rounding", "use narrower layers");
    if (status != QNTK_OK)
        return status;
    m->w = qntk_alloc(weights, sizeof *m->w);
    m->v = qntk_alloc(weights, sizeof *m->v);
    m->gradient = qntk_alloc(weights, sizeof *m->gradient);
    m->value = qntk_alloc(most, sizeof *m->value);
    m->scratch = qntk_alloc(threads, m->size * sizeof *m->scratch);
    if (m->w == NULL || m->v == NULL || m->gradient == NULL || m->value == NULL || m->scratch == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_plain_latent(m->network, m->w);
    m->noisy = fill_variances(m);
    return QNTK_OK;
}

qntk_status qntk_penalty_measure(const qntk_network *network, qntk_rounding rounding, size_t n,
                                 const float *X, const float *T, qntk_penalty_options options,
                                 qntk_penalty *penalty)
{
    QNTK_REQUIRE(penalty != NULL, "penalty must not be NULL");
    *penalty = (qntk_penalty){0};
    measuring m = {.network = network, .options = &options, .rounding = rounding};
    qntk_status status = check_options(network, rounding, &options);
    if (status == QNTK_OK)
        status = qntk_plain_create(network, options.loss, n, X, T, &m.plain);
    if (status == QNTK_OK)
        status = allocate(&m);
    if (status == QNTK_OK)
        status = measure(&m, penalty);
    if (status != QNTK_OK)
        *penalty = (qntk_penalty){0};
    qntk_plain_free(&m.plain);
    qntk_free(m.w);
    qntk_free(m.v);
    qntk_free(m.gradient);
    qntk_free(m.value);
    qntk_free(m.scratch);
    return status;
}

qntk_status qntk_penalty_product(const qntk_network *network, qntk_loss loss, size_t n, const float *X,
                                 const float *T, const double *direction, double *value, double *gradient,
                                 double *product)
{
    QNTK_REQUIRE(value != NULL && (product == NULL || direction != NULL),
                 "expected room for the loss, and a direction for a product");
    *value = 0;
    qntk_plain plain = {0};
    double *w = NULL, *scratch = NULL;
    qntk_status status = qntk_plain_create(network, loss, n, X, T, &plain);
    if (status != QNTK_OK)
        goto done;
    status = qntk_memory_check((plain.weights + qntk_plain_scratch(&plain)) * sizeof(double),
                               "a product with the Hessian", "use narrower layers");
    if (status != QNTK_OK)
        goto done;
    w = qntk_alloc(plain.weights, sizeof *w);
    scratch = qntk_alloc(qntk_plain_scratch(&plain), sizeof *scratch);
    if (w == NULL || scratch == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    qntk_plain_latent(network, w);
    status = qntk_plain_derive(&plain, w, direction, scratch, value, gradient, product);
done:
    if (status != QNTK_OK) {
        *value = 0;
        for (size_t k = 0; network != NULL && k < qntk_penalty_weights(network); k++) {
            if (gradient != NULL)
                gradient[k] = 0;
            if (product != NULL)
                product[k] = 0;
        }
    }
    qntk_plain_free(&plain);
    qntk_free(w);
    qntk_free(scratch);
    return status;
}
