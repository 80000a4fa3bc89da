/* Drafts of networks: neurons as linear forms of those of the layer before, with any factors. */
#include "approx_internal.h"

#include <math.h>

/* ---- forms ---- */

approx_form approx_of_neuron(size_t neuron, double factor, double constant)
{
    approx_form form = {.count = 1, .constant = constant};
    form.term[0] = (approx_term){neuron, factor};
    return form;
}

approx_form approx_scaled(approx_form form, double factor, double constant)
{
    form.constant = form.constant * factor + constant;
    for (size_t k = 0; k < form.count; k++)
        form.term[k].factor *= factor;
    return form;
}

approx_form approx_sum(const approx_form *a, double factor, const approx_form *b)
{
    approx_form sum = *a;
    sum.constant += factor * b->constant;
    for (size_t k = 0; k < b->count; k++) {
        size_t i = 0;
        while (i < sum.count && sum.term[i].neuron != b->term[k].neuron)
            i++;
        if (i == APPROX_FORM_MAX) { /* the blocks stay below; a neuron that is not a number would show */
            sum.constant = (double)NAN;
            break;
        }
        if (i == sum.count)
            sum.term[sum.count++] = (approx_term){b->term[k].neuron, 0};
        sum.term[i].factor += factor * b->term[k].factor;
    }
    return sum;
}

/* ---- neurons ---- */

void approx_draft_free(approx_draft *draft)
{
    for (size_t l = 0; l < draft->layers; l++) {
        qntk_free(draft->layer[l].start);
        qntk_free(draft->layer[l].bias);
        qntk_free(draft->layer[l].term);
        qntk_free(draft->layer[l].sum[0]);
        qntk_free(draft->layer[l].sum[1]);
    }
    qntk_free(draft->layer);
    *draft = (approx_draft){0};
}

/* layer[l] is there, with all below it. */
static bool reach(approx_draft *draft, size_t l)
{
    if (draft->status == QNTK_OK)
        draft->status = qntk_grow((void **)&draft->layer, &draft->capacity, l + 1, sizeof *draft->layer);
    while (draft->status == QNTK_OK && draft->layers <= l)
        draft->layer[draft->layers++] = (approx_draft_layer){0};
    return draft->status == QNTK_OK;
}

/* Ends a neuron whose terms were appended. */
static void end_neuron(approx_draft *draft, approx_draft_layer *layer, double bias)
{
    if (draft->status == QNTK_OK)
        draft->status =
            qntk_grow((void **)&layer->start, &layer->start_capacity, layer->width + 2, sizeof *layer->start);
    if (draft->status == QNTK_OK)
        draft->status =
            qntk_grow((void **)&layer->bias, &layer->bias_capacity, layer->width + 1, sizeof *layer->bias);
    if (draft->status != QNTK_OK)
        return;
    layer->start[0] = 0;
    layer->start[layer->width + 1] = layer->terms;
    layer->bias[layer->width++] = bias;
}

static bool append(approx_draft *draft, approx_draft_layer *layer, size_t count, const approx_term *term)
{
    if (draft->status == QNTK_OK)
        draft->status = qntk_grow((void **)&layer->term, &layer->term_capacity, layer->terms + count,
                                  sizeof *layer->term);
    for (size_t k = 0; k < count && draft->status == QNTK_OK; k++)
        if (term[k].factor != 0)
            layer->term[layer->terms++] = term[k];
    return draft->status == QNTK_OK;
}

size_t approx_add(approx_draft *draft, size_t layer, const approx_form *form)
{
    if (!reach(draft, layer))
        return 0;
    approx_draft_layer *l = &draft->layer[layer];
    if (append(draft, l, form->count, form->term))
        end_neuron(draft, l, form->constant);
    return l->width > 0 ? l->width - 1 : 0;
}

size_t approx_carry(approx_draft *draft, size_t neuron, size_t from, size_t to)
{
    for (size_t l = from + 1; l <= to; l++) {
        const approx_form same = approx_of_neuron(neuron, 1, 0);
        neuron = approx_add(draft, l, &same);
    }
    return neuron;
}

void approx_add_sum(approx_draft *draft, size_t layer, size_t neuron, double factor)
{
    if (!reach(draft, layer))
        return;
    const size_t sign = factor < 0;
    approx_draft_layer *l = &draft->layer[layer];
    draft->status = qntk_grow((void **)&l->sum[sign], &l->sum_capacity[sign], l->sum_terms[sign] + 1,
                              sizeof *l->sum[sign]);
    if (draft->status == QNTK_OK)
        l->sum[sign][l->sum_terms[sign]++] = (approx_term){neuron, sign ? -factor : factor};
}

/* ---- ends ---- */

void approx_finish_form(approx_draft *draft, const approx_form *form)
{
    approx_add(draft, draft->layers, form);
}

void approx_finish_terms(approx_draft *draft, size_t count, const approx_term *term, double constant)
{
    const size_t last = draft->layers;
    if (reach(draft, last) && append(draft, &draft->layer[last], count, term))
        end_neuron(draft, &draft->layer[last], constant);
}

void approx_finish_sums(approx_draft *draft)
{
    approx_form out = {.constant = draft->output_bias};
    for (size_t sign = 0; sign < 2; sign++) {
        size_t neuron = SIZE_MAX; /* the sum so far, in the layer before */
        for (size_t l = 1; l < draft->layers && draft->status == QNTK_OK; l++) {
            approx_draft_layer *layer = &draft->layer[l];
            if (neuron == SIZE_MAX && layer->sum_terms[sign] == 0)
                continue;
            const approx_term before = {neuron, 1};
            append(draft, layer, layer->sum_terms[sign], layer->sum[sign]);
            if (neuron != SIZE_MAX)
                append(draft, layer, 1, &before);
            end_neuron(draft, layer, 0);
            neuron = layer->width - 1;
        }
        if (neuron != SIZE_MAX)
            out.term[out.count++] = (approx_term){neuron, sign == 0 ? 2 : -2};
    }
    approx_finish_form(draft, &out);
}
