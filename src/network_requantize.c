/* A network with other levels. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* Half the width of the grid in units of the layer's latent weights: *half. */
static qntk_status grid_of(const qntk_network_layer *layer, size_t position, float *half)
{
    float largest = 0;
    for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++) {
        if (!isfinite(layer->latent[k]))
            return qntk_fail(QNTK_NOT_FINITE, "layer %zu: latent weight (%zu, %zu) is %g", position,
                             k / layer->fan_in, k % layer->fan_in, (double)layer->latent[k]);
        largest = fmaxf(largest, fabsf(layer->latent[k]));
    }
    *half = layer->levels > 0 || largest == 0 ? 1 : largest;
    return QNTK_OK;
}

static qntk_status copy_layer(const qntk_network_layer *from, size_t position, size_t levels,
                              qntk_network_layer *to)
{
    const size_t count = from->fan_in * from->fan_out;
    float half = 1;
    qntk_status status = grid_of(from, position, &half);
    if (status != QNTK_OK)
        return status;
    *to = *from;
    to->levels = levels;
    to->w_std = from->w_std * (double)half;
    to->latent = qntk_alloc(count, sizeof *to->latent);
    to->bias = qntk_alloc(from->fan_out, sizeof *to->bias);
    if (to->latent == NULL || to->bias == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t k = 0; k < count;
         k++) /* of a rounded layer, what is beyond the grid was at its end already */
        to->latent[k] = fminf(1, fmaxf(-1, from->latent[k] / half));
    memcpy(to->bias, from->bias, from->fan_out * sizeof *to->bias);
    return QNTK_OK;
}

qntk_status qntk_network_requantize(const qntk_network *network, const size_t *levels, qntk_network *out)
{
    QNTK_REQUIRE(network != NULL && levels != NULL && out != NULL && network != out,
                 "expected a network, levels and room for another network");
    *out = (qntk_network){0};
    QNTK_REQUIRE(network->count > 0, "expected a network, found none");
    double bytes = 0;
    for (size_t l = 0; l < network->count; l++) {
        qntk_weight_law law;
        qntk_status status = qntk_weight_law_create(levels[l], &law);
        if (status != QNTK_OK)
            return status;
        bytes += ((double)network->layers[l].fan_in + 1) * (double)network->layers[l].fan_out * sizeof(float);
    }
    qntk_status status = qntk_memory_check(bytes < 1e18 ? (size_t)bytes : SIZE_MAX, "a copy of the network",
                                           "use narrower layers");
    if (status != QNTK_OK)
        return status;
    out->layers = qntk_alloc_zero(network->count, sizeof *out->layers);
    if (out->layers == NULL)
        return QNTK_FAIL_MEMORY();
    out->count = network->count;
    for (size_t l = 0; status == QNTK_OK && l < network->count; l++)
        status = copy_layer(&network->layers[l], l + 1, levels[l], &out->layers[l]);
    if (status != QNTK_OK)
        qntk_network_free(out);
    return status;
}
