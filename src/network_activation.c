/* Multi-step activations of fully quantized networks: their levels, the gains behind them, and the plain pass. */
#include "train_internal.h"

#include <math.h>
#include <string.h>

/* ---- choice ---- */

qntk_status qntk_network_activate(qntk_network *network, size_t levels, bool positive)
{
    QNTK_REQUIRE(levels != 1 && levels <= QNTK_ACTIVATION_LEVELS_MAX,
                 "expected an activation of 2 to 256 levels, or 0 for the ReLU");
    const double variance = 2; /* of pre-activations, as before a ReLU */
    const qntk_steps steps =
        levels > 0 ? qntk_steps_normal(levels, positive, sqrt(variance)) : (qntk_steps){0};
    /* of what comes out; that of the ReLU is half the variance */
    const double moment = levels > 0 ? qntk_steps_second_moment(steps, sqrt(variance)) : 1;
    for (size_t l = 0; l < network->count; l++) {
        qntk_network_layer *layer = &network->layers[l];
        const bool last = l + 1 == network->count;
        qntk_weight_law law;
        qntk_status status = qntk_weight_law_create(layer->levels, &law);
        if (status != QNTK_OK)
            return status;
        const double gain = (last ? 1 : variance) / (law.second_moment + law.noise);
        layer->w_std = sqrt(l == 0 ? gain : gain / moment);
        layer->activation = last ? (qntk_steps){0} : steps;
    }
    return QNTK_OK;
}

size_t qntk_network_stepped(const qntk_network *network)
{
    for (size_t l = 0; l < network->count; l++)
        if (network->layers[l].activation.levels > 0)
            return l + 1;
    return 0;
}

/* ---- without noise ---- */

/* On [-1,1] level k of K is 2 k/K - 1, and h has position k = h/step - lowest. */
qntk_steps_frame qntk_steps_frame_of(qntk_steps activation)
{
    const double K = (double)activation.levels - 1, half = K / 2;
    return (qntk_steps_frame){.inward = (float)(1 / (activation.step * half)),
                              .shift = (float)(-activation.lowest / half - 1),
                              .outward = (float)(activation.step * half),
                              .rest = (float)(activation.step * (activation.lowest + half))};
}

void qntk_activate(qntk_steps activation, size_t count, const float *h, float *x)
{
    const qntk_train_ops *ops = qntk_train_ops_find(NULL);
    const qntk_steps_frame frame = qntk_steps_frame_of(activation);
    float part[QNTK_STRETCH];
    for (size_t first = 0; first < count; first += QNTK_STRETCH) {
        const size_t length = qntk_min(QNTK_STRETCH, count - first);
        for (size_t k = 0; k < length; k++)
            part[k] = h[first + k] * frame.inward + frame.shift;
        ops->nearest(activation.levels, length, part, x + first);
        for (size_t k = 0; k < length; k++)
            x[first + k] = x[first + k] * frame.outward + frame.rest;
    }
}

qntk_status qntk_network_expect_stepped(const qntk_network *network, qntk_rounding rounding, size_t n,
                                        const float *X, double *F)
{
    for (size_t l = 0; l < network->count && rounding == QNTK_ROUNDING_STOCHASTIC; l++)
        if (network->layers[l].levels > 0)
            return qntk_fail(
                QNTK_INVALID,
                "layer %zu: the expected output of stochastic rounding is known behind ReLU only, "
                "not behind activations of %zu levels: round to nearest, or sample",
                l + 1, network->layers[qntk_network_stepped(network) - 1].activation.levels);
    return qntk_network_sample(network, rounding, 0, 0, 1, n, X, F);
}
