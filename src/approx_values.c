/* From drafts to networks whose weights are of a given set.
 *
 * A factor is a sum of values, each the weight of an edge from a copy of its own of the neuron before: with values
 * +1/2 and -1/2, twice a neuron are four of its copies with 1/2 each. The factors of the blocks are multiples of 1/2,
 * and digits j/base. The sets (derived here; the paper's, for more than two values, are not copied):
 *
 *     2: -1/2, 1/2      3: and 1      4: and -1      5: and 2
 *     even from 6: -1, -1/2, 1 and j/base, j = 1 .. base-1, base = values - 2 (1/2 is among them)
 *     odd from 7: and 2, base = values - 3
 *
 * 1 and -1 save copies, digits of a larger base make the chains of approx_weighted shorter. */
#include "approx_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

approx_alphabet approx_alphabet_of(size_t values)
{
    approx_alphabet a = {.base = 2};
    if (values < 2 || values > QNTK_APPROX_VALUES_MAX)
        return a;
    a.value[a.count++] = -0.5;
    if (values >= 3)
        a.value[a.count++] = 1;
    if (values >= 4)
        a.value[a.count++] = -1;
    if (values >= 5 && values % 2 == 1)
        a.value[a.count++] = 2;
    a.base = values - a.count + 1;
    for (size_t j = 1; j < a.base; j++)
        a.value[a.count++] = (double)j / (double)a.base;
    return a;
}

static size_t position(const approx_alphabet *a, double value)
{
    size_t k = 0;
    while (k < a->count && a->value[k] != value)
        k++;
    return k;
}

size_t approx_parts(const approx_alphabet *alphabet, double factor, uint32_t part[APPROX_PARTS_MAX])
{
    static const double structural[] = {2, 1, 0.5};
    const size_t exact = position(alphabet, factor);
    if (exact < alphabet->count) {
        part[0] = (uint32_t)exact;
        return 1;
    }
    size_t count = 0;
    double rest = fabs(factor);
    for (size_t s = 0; s < 3; s++) {
        const size_t k = position(alphabet, copysign(structural[s], factor));
        while (k < alphabet->count && rest >= structural[s]) {
            if (count == APPROX_PARTS_MAX)
                return 0;
            part[count++] = (uint32_t)k;
            rest -= structural[s];
        }
    }
    return rest == 0 ? count : 0;
}

/* ---- networks of real weights: the values are those that occur ---- */

static qntk_status real_values(const approx_draft *draft, qntk_approx_network *network)
{
    size_t count = 0;
    for (size_t l = 1; l < draft->layers; l++)
        count += draft->layer[l].terms;
    network->value = qntk_alloc(count, sizeof *network->value);
    if (network->value == NULL)
        return QNTK_FAIL_MEMORY();
    count = 0;
    for (size_t l = 1; l < draft->layers; l++)
        for (size_t k = 0; k < draft->layer[l].terms; k++)
            network->value[count++] = draft->layer[l].term[k].factor;
    qsort(network->value, count, sizeof *network->value, qntk_ascending);
    for (size_t k = 0; k < count; k++)
        if (network->values == 0 || network->value[k] != network->value[network->values - 1])
            network->value[network->values++] = network->value[k];
    return QNTK_OK;
}

/* ---- copies ---- */

typedef struct {
    const approx_draft *draft;
    const approx_alphabet *alphabet;
    qntk_approx_network *network;
    size_t **copies; /* (layers)(width) of each neuron; then where they begin */
} realisation;

/* The parts of a factor, of real weights itself. */
static size_t parts_of(const realisation *r, double factor, uint32_t part[APPROX_PARTS_MAX])
{
    if (r->alphabet->count > 0)
        return approx_parts(r->alphabet, factor, part);
    const double *value = r->network->value;
    const double *found = bsearch(&factor, value, r->network->values, sizeof *value, qntk_ascending);
    part[0] = found != NULL ? (uint32_t)(found - value) : 0;
    return found != NULL;
}

/* From the output down: as many copies as the neurons that are used need. */
static qntk_status count_copies(const realisation *r)
{
    uint32_t part[APPROX_PARTS_MAX];
    const size_t last = r->draft->layers - 1;
    for (size_t i = 0; i < r->draft->layer[last].width; i++)
        r->copies[last][i] = i + 1 == r->draft->layer[last].width; /* the output is the last that was added */
    for (size_t l = last; l >= 1; l--) {
        const approx_draft_layer *layer = &r->draft->layer[l];
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        for (size_t i = 0; i < layer->width; i++)
            for (size_t k = layer->start[i]; k < layer->start[i + 1] && r->copies[l][i] > 0; k++) {
                const size_t count = parts_of(r, layer->term[k].factor, part);
                size_t *copies = &r->copies[l - 1][layer->term[k].neuron];
                if (count == 0 || (l == 1 && count > 1))
                    return qntk_fail(QNTK_INVALID, "qntk_approx: layer %zu: %g is no sum of values", l,
                                     layer->term[k].factor);
                *copies = qntk_max(*copies, count);
            }
    }
    return QNTK_OK;
}

/* Edges of one neuron, written if `edge` is not NULL; their number. */
static size_t place(const realisation *r, size_t l, size_t i, qntk_approx_edge *edge)
{
    const approx_draft_layer *layer = &r->draft->layer[l];
    uint32_t part[APPROX_PARTS_MAX];
    size_t edges = 0;
    for (size_t k = layer->start[i]; k < layer->start[i + 1]; k++) {
        const size_t count = parts_of(r, layer->term[k].factor, part);
        for (size_t p = 0; p < count; p++, edges++)
            if (edge != NULL)
                edge[edges] =
                    (qntk_approx_edge){(uint32_t)(r->copies[l - 1][layer->term[k].neuron] + p), part[p]};
    }
    return edges;
}

/* Layer l, the copies of the layer before being replaced by where they begin. */
static qntk_status realise_layer(const realisation *r, size_t l)
{
    const approx_draft_layer *draft = &r->draft->layer[l];
    qntk_approx_layer *layer = &r->network->layer[l - 1];
    const size_t *copies = r->copies[l];
    size_t width = 0, edges = 0;
    for (size_t i = 0; i < draft->width; i++) {
        width += copies[i];
        edges += copies[i] > 0 ? copies[i] * place(r, l, i, NULL) : 0;
    }
    if (width > UINT32_MAX)
        return qntk_fail(QNTK_TOO_LARGE, "qntk_approx: layer %zu: more than 2^32 neurons", l);
    layer->start = qntk_alloc(width + 1, sizeof *layer->start);
    layer->bias = qntk_alloc(width, sizeof *layer->bias);
    layer->edge = qntk_alloc(edges, sizeof *layer->edge);
    if (layer->start == NULL || layer->bias == NULL || layer->edge == NULL)
        return QNTK_FAIL_MEMORY();
    layer->start[0] = 0;
    for (size_t i = 0; i < draft->width; i++)
        for (size_t c = 0; c < copies[i]; c++, layer->width++) {
            const size_t start = layer->start[layer->width];
            layer->bias[layer->width] = draft->bias[i];
            layer->start[layer->width + 1] = start + place(r, l, i, layer->edge + start);
        }
    return QNTK_OK;
}

static void copies_to_places(size_t width, size_t *copies)
{
    size_t place = 0;
    for (size_t i = 0; i < width; i++) {
        const size_t count = copies[i];
        copies[i] = place;
        place += count;
    }
}

static qntk_status realise(realisation *r)
{
    const approx_draft *draft = r->draft;
    qntk_approx_network *net = r->network;
    for (size_t l = 0; l < draft->layers; l++) {
        r->copies[l] = qntk_alloc_zero(l == 0 ? draft->inputs : draft->layer[l].width, sizeof *r->copies[l]);
        if (r->copies[l] == NULL)
            return QNTK_FAIL_MEMORY();
    }
    qntk_status status = count_copies(r);
    net->inputs = draft->inputs;
    net->depth = draft->layers - 1;
    net->layer = qntk_alloc_zero(net->depth, sizeof *net->layer);
    if (net->layer == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < draft->inputs; i++)
        r->copies[0][i] = 1;
    for (size_t l = 1; l <= net->depth && status == QNTK_OK; l++) {
        copies_to_places(l == 1 ? draft->inputs : draft->layer[l - 1].width, r->copies[l - 1]);
        status = realise_layer(r, l);
    }
    return status;
}

qntk_status approx_realise(const approx_draft *draft, const approx_alphabet *alphabet,
                           qntk_approx_network *network)
{
    realisation r = {.draft = draft, .alphabet = alphabet, .network = network};
    *network = (qntk_approx_network){0};
    qntk_status status = draft->status;
    if (status != QNTK_OK)
        return status;
    if (alphabet->count == 0) {
        status = real_values(draft, network);
    } else {
        network->values = alphabet->count;
        network->value = qntk_alloc(alphabet->count, sizeof *network->value);
        if (network->value == NULL)
            status = QNTK_FAIL_MEMORY();
        else
            memcpy(network->value, alphabet->value, alphabet->count * sizeof *network->value);
    }
    r.copies = qntk_alloc_zero(draft->layers, sizeof *r.copies);
    if (status == QNTK_OK)
        status = r.copies == NULL ? QNTK_FAIL_MEMORY() : realise(&r);
    for (size_t l = 0; l < draft->layers && r.copies != NULL; l++)
        qntk_free(r.copies[l]);
    qntk_free(r.copies);
    if (status != QNTK_OK)
        qntk_approx_network_free(network);
    return status;
}
