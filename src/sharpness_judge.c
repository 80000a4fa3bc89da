/* The accuracy of a classifier at given weights, plain or as a quasi network. */
#include "sharpness_internal.h"

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

/* w (weights) <- the weights in use, or their means; the rest of `layers` is kept if wanted. */
static qntk_status take_weights(const qntk_network *network, qntk_rounding rounding,
                                qntk_moments_weights *layers, double *w)
{
    qntk_status status = qntk_network_moments(network, rounding, layers);
    for (size_t l = 0; l < network->count && status == QNTK_OK; l++) {
        const size_t count = layers[l].fan_out * layers[l].fan_in;
        memcpy(w, layers[l].latent, count * sizeof *w);
        w += count;
    }
    return status;
}

static qntk_status allocate(qntk_judge *judge, size_t count, size_t n)
{
    const size_t weights = judge->plain.weights, outputs = n * judge->plain.outputs;
    judge->size = weights + outputs + qntk_max(qntk_plain_scratch(&judge->plain), n);
    const size_t numbers = 7 * weights + qntk_team_size() * judge->size + outputs;
    qntk_status status = qntk_memory_check(numbers * sizeof(double), "sharpness of a network",
                                           "use fewer rows or narrower layers");
    if (status != QNTK_OK)
        return status;
    judge->layers = qntk_alloc_zero(count, sizeof *judge->layers);
    judge->w = qntk_alloc(weights, sizeof *judge->w);
    judge->start = qntk_alloc(weights, sizeof *judge->start);
    judge->tau = qntk_alloc(weights, sizeof *judge->tau);
    judge->room = qntk_alloc(qntk_team_size(), judge->size * sizeof *judge->room);
    if (judge->layers == NULL || judge->w == NULL || judge->start == NULL || judge->tau == NULL ||
        judge->room == NULL)
        return QNTK_FAIL_MEMORY();
    return QNTK_OK;
}

/* tau, and layers whose variances are given instead of levels. */
static void fix_variances(qntk_judge *judge)
{
    for (size_t l = 0; l < judge->plain.count; l++) {
        qntk_moments_weights *layer = &judge->layers[l];
        const size_t at = judge->plain.layers[l].at;
        if (layer->levels == 0)
            continue;
        for (size_t k = 0; k < layer->fan_out * layer->fan_in; k++)
            judge->tau[at + k] = qntk_weight_noise(layer->levels, judge->w[at + k]);
        layer->noise = judge->tau + at;
        layer->levels = 0;
        judge->varies = true;
    }
}

static qntk_status read_start(const qntk_network *start, qntk_rounding rounding, double *w)
{
    qntk_moments_weights *layers = qntk_alloc_zero(start->count, sizeof *layers);
    if (layers == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = take_weights(start, rounding, layers, w);
    qntk_network_moments_free(start, layers);
    qntk_free(layers);
    return status;
}

qntk_status qntk_judge_create(const qntk_network *network, const qntk_network *start, qntk_rounding rounding,
                              size_t n, const float *X, const double *y, size_t classes, qntk_loss loss,
                              qntk_judge *judge)
{
    *judge = (qntk_judge){.y = y};
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
        status = allocate(judge, network->count, n);
    if (status == QNTK_OK)
        status = read_start(start, rounding, judge->start);
    if (status == QNTK_OK)
        status = take_weights(network, rounding, judge->layers, judge->w);
    if (status == QNTK_OK)
        fix_variances(judge);
    return status;
}

void qntk_judge_free(qntk_judge *judge)
{
    for (size_t l = 0; judge->layers != NULL && l < judge->plain.count; l++) {
        qntk_free((void *)judge->layers[l].latent);
        qntk_free((void *)judge->layers[l].bias);
    }
    qntk_plain_free(&judge->plain);
    qntk_free(judge->layers);
    qntk_free(judge->w);
    qntk_free(judge->start);
    qntk_free(judge->tau);
    qntk_free(judge->T);
    qntk_free(judge->room);
    *judge = (qntk_judge){0};
}

double *qntk_judge_weights(const qntk_judge *judge, size_t worker)
{
    return judge->room + worker * judge->size;
}

/* F (n, outputs): expected outputs of the network with mean weights w and the variances tau. */
static qntk_status expect(const qntk_judge *judge, const double *w, double *F)
{
    const qntk_plain *plain = &judge->plain;
    qntk_moments_weights *layers = qntk_alloc(plain->count, sizeof *layers);
    if (layers == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < plain->count; l++) {
        layers[l] = judge->layers[l];
        layers[l].latent = w + plain->layers[l].at;
    }
    qntk_status status = qntk_moments_propagate(layers, plain->count, plain->n, plain->X, F, NULL);
    qntk_free(layers);
    return status;
}

qntk_status qntk_judge_accuracy(const qntk_judge *judge, const double *w, size_t worker, double *accuracy)
{
    const qntk_plain *plain = &judge->plain;
    double *F = qntk_judge_weights(judge, worker) + plain->weights, *answer = F + plain->n * plain->outputs;
    qntk_status status = judge->varies ? expect(judge, w, F) : qntk_plain_outputs(plain, w, answer, F);
    if (status == QNTK_OK)
        status = qntk_labels_decode(plain->n, plain->outputs, F, plain->outputs, answer);
    if (status == QNTK_OK)
        *accuracy = qntk_labels_accuracy(plain->n, judge->y, answer);
    return status;
}
