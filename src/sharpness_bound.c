/* The bound that the rounding's noise conditions: the worst error within its reach, and the price of the radius. */
#include "sharpness_internal.h"

#include <math.h>
#include <string.h>

double qntk_sharpness_complexity(double weights, double rows, double norm, double rho, double confidence)
{
    const double widened = 1 + sqrt(log(rows) / weights), ratio = norm / rho * widened;
    const double sum =
        weights * log1p(ratio * ratio) + 4 * log(rows / (1 - confidence)) + 8 * log(6 * rows + 3 * weights);
    return sqrt(sum / (rows - 1));
}

static double noise_radius(const qntk_network *network)
{
    double sum = 0;
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        sum += qntk_noise_uniform(layer->levels) * (double)layer->fan_in * (double)layer->fan_out;
    }
    return sqrt(sum);
}

static double norm_of(size_t count, const double *w)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += w[k] * w[k];
    return sqrt(sum);
}

/* e <- the point of the ball of radius rho nearest to e + length g/|g|; moved = w + e. */
static void climb(size_t count, const double *w, double length, double rho, const double *g, double *e,
                  double *moved)
{
    const double slope = norm_of(count, g);
    for (size_t k = 0; k < count; k++)
        e[k] += length * g[k] / slope;
    const double radius = norm_of(count, e), shrink = radius > rho ? rho / radius : 1;
    for (size_t k = 0; k < count; k++) {
        e[k] *= shrink;
        moved[k] = w[k] + e[k];
    }
}

/* e: room for it, for weights and for scratch.
 * The greatest error met from e = 0 on: a step to the sphere along the gradient, then steps of a quarter of rho. */
static qntk_status worst_error(const qntk_judge *judge, const qntk_sharpness_options *options, double rho,
                               double *g, double *e, double *worst)
{
    const size_t weights = judge->plain.weights;
    double *moved = e + weights, *scratch = moved + weights, loss, accuracy;
    float *judged = qntk_judge_weights(judge, 0);
    memset(e, 0, weights * sizeof *e);
    memcpy(moved, judge->w, weights * sizeof *moved);
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < options->climbs && status == QNTK_OK; i++) {
        status = qntk_plain_derive(&judge->plain, moved, NULL, scratch, &loss, g, NULL);
        if (status != QNTK_OK || !(norm_of(weights, g) > 0)) /* flat: nowhere to climb */
            break;
        climb(weights, judge->w, i == 0 ? rho : rho / 4, rho, g, e, moved);
        for (size_t k = 0; k < weights; k++)
            judged[k] = (float)moved[k];
        status = qntk_judge_accuracy(judge, 0, &accuracy);
        if (status == QNTK_OK)
            *worst = fmax(*worst, 1 - accuracy);
        qntk_progress("worst noise", (double)(i + 1) / (double)options->climbs);
    }
    return status;
}

qntk_status qntk_sharpness_bound(const qntk_judge *judge, const qntk_network *network,
                                 const qntk_sharpness_options *options, qntk_sharpness *s)
{
    const size_t weights = judge->plain.weights;
    s->rho = noise_radius(network);
    s->worst_error = s->complexity = s->bound = NAN;
    if (s->rho == 0)
        return QNTK_OK;
    const size_t numbers = 2 * weights + qntk_plain_scratch(&judge->plain);
    double *e = qntk_alloc(numbers, sizeof *e), *g = qntk_alloc(weights, sizeof *g);
    qntk_status status = e == NULL || g == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    if (status == QNTK_OK) {
        s->worst_error = 1 - s->accuracy;
        status = worst_error(judge, options, s->rho, g, e, &s->worst_error);
    }
    s->complexity = qntk_sharpness_complexity((double)weights, (double)judge->plain.n, s->norm, s->rho,
                                              options->confidence);
    s->bound = s->worst_error + s->complexity;
    qntk_free(e);
    qntk_free(g);
    return status;
}
