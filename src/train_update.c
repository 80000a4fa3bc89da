/* From a tile of the gradient to new latent weights and the weights of the next step, while it is in the
 * cache; the methods. */
#include "train_internal.h"

#include <math.h>

/* ---- methods ---- */

static void round_latent(const qntk_stretch *s, float *weight)
{
    const qntk_trainer *t = s->trainer;
    qntk_round_stretch(t->ops, t->options.rounding, t->network->layers[s->layer].levels, s->source, s->count,
                       s->latent, weight);
}

/* The derivative of the staircase under uniform noise of half a step: 1 from the first level to the last. */
static void straight_through(const qntk_stretch *s, float *gradient)
{
    s->trainer->ops->window(s->count, s->latent, gradient);
}

const qntk_method_row qntk_method_rows[] = {
    [QNTK_METHOD_BINARYCONNECT] = {"binaryconnect", true, round_latent, NULL},
    [QNTK_METHOD_STE] = {"ste", false, round_latent, straight_through},
    [QNTK_METHOD_ANA] = {"ana", false, qntk_train_anneal_forward, qntk_train_anneal_backward},
};
const size_t qntk_method_count = sizeof qntk_method_rows / sizeof *qntk_method_rows;

/* ---- optimizers ---- */

double qntk_trainer_rate(const qntk_trainer *trainer)
{
    const qntk_train_options *o = &trainer->options;
    double rate = o->rate;
    for (size_t k = 0; k < o->rate_steps; k++)
        if (trainer->epoch >= o->rate_epoch[k])
            rate *= o->rate_factor;
    return rate;
}

qntk_optimizer_step qntk_optimizer_at(const qntk_trainer *trainer)
{
    const qntk_train_options *o = &trainer->options;
    const double t = (double)(trainer->step + 1), rate = qntk_trainer_rate(trainer);
    const double root = sqrt(1 - pow(o->beta2, t));
    return (qntk_optimizer_step){.rate = (float)rate,
                                 .momentum = (float)o->momentum,
                                 .adam = {.rate = (float)(rate * root / (1 - pow(o->beta1, t))),
                                          .beta1 = (float)o->beta1,
                                          .rest1 = (float)(1 - o->beta1),
                                          .beta2 = (float)o->beta2,
                                          .rest2 = (float)(1 - o->beta2),
                                          .epsilon = (float)(o->epsilon * root)}};
}

static void optimize(const qntk_trainer *trainer, const qntk_optimizer_step *now, size_t count,
                     const float *gradient, float limit, float *first, float *second, float *latent)
{
    const qntk_train_ops *ops = trainer->ops;
    if (trainer->options.optimizer == QNTK_OPTIMIZER_ADAM)
        ops->adam(count, gradient, now->adam, limit, first, second, latent);
    else if (first != NULL)
        ops->momentum(count, gradient, now->rate, now->momentum, limit, first, latent);
    else
        ops->sgd(count, gradient, now->rate, limit, latent);
}

/* ---- tiles ---- */

/* latent <- the optimizer's step, weight <- its rounding, on `columns` weights from (row, column). */
static void update_stretch(qntk_trainer *trainer, const qntk_optimizer_step *now, size_t layer, size_t row,
                           size_t column, size_t columns, float *gradient)
{
    const qntk_network_layer *shape = &trainer->network->layers[layer];
    const qntk_train_layer *state = &trainer->layers[layer];
    const qntk_method_row *method = trainer->method;
    const size_t at = row * shape->fan_in + column;
    float *first = state->first != NULL ? state->first + at : NULL;
    float *second = state->second != NULL ? state->second + at : NULL;
    if (shape->levels == 0) {
        optimize(trainer, now, columns, gradient, INFINITY, first, second, shape->latent + at);
        return;
    }
    qntk_stretch stretch = {.trainer = trainer,
                            .layer = layer,
                            .count = columns,
                            .latent = shape->latent + at,
                            .source = qntk_round_at(trainer->options.seed, QNTK_STREAM_ROUNDING, layer,
                                                    trainer->step + 1, shape->fan_in, row, column)};
    if (method->backward != NULL)
        method->backward(&stretch, gradient);
    optimize(trainer, now, columns, gradient, method->clip ? 1 : INFINITY, first, second, shape->latent + at);
    method->forward(&stretch, state->weight + at);
}

void qntk_update_tile(qntk_trainer *trainer, const qntk_optimizer_step *now, size_t layer, size_t row,
                      size_t rows, size_t column, size_t columns, float *tile)
{
    for (size_t i = 0; i < rows; i++)
        update_stretch(trainer, now, layer, row + i, column, columns, tile + i * columns);
}

void qntk_update_biases(qntk_trainer *trainer, const qntk_optimizer_step *now, size_t layer, size_t first,
                        size_t count, const float *gradient)
{
    qntk_train_layer *state = &trainer->layers[layer];
    optimize(trainer, now, count, gradient, INFINITY,
             state->bias_first != NULL ? state->bias_first + first : NULL,
             state->bias_second != NULL ? state->bias_second + first : NULL,
             trainer->network->layers[layer].bias + first);
}

/* ---- the weights of the step at hand ---- */

typedef struct {
    qntk_trainer *trainer;
    size_t layer;
} round_job;

static qntk_status round_item(void *context, size_t index, size_t worker)
{
    (void)worker;
    const round_job *job = context;
    const qntk_trainer *trainer = job->trainer;
    const qntk_network_layer *shape = &trainer->network->layers[job->layer];
    const size_t end = qntk_min(shape->fan_out, (index + 1) * QNTK_TILE_ROWS);
    for (size_t i = index * QNTK_TILE_ROWS; i < end; i++)
        for (size_t j = 0; j < shape->fan_in; j += QNTK_STRETCH) {
            qntk_stretch stretch = {.trainer = trainer,
                                    .layer = job->layer,
                                    .count = qntk_min(QNTK_STRETCH, shape->fan_in - j),
                                    .latent = shape->latent + i * shape->fan_in + j,
                                    .source = qntk_round_at(trainer->options.seed, QNTK_STREAM_ROUNDING,
                                                            job->layer, trainer->step, shape->fan_in, i, j)};
            trainer->method->forward(&stretch, trainer->layers[job->layer].weight + i * shape->fan_in + j);
        }
    return QNTK_OK;
}

qntk_status qntk_trainer_round(qntk_trainer *trainer)
{
    qntk_status status = QNTK_OK;
    round_job job = {.trainer = trainer};
    qntk_train_anneal_set(trainer);
    for (; status == QNTK_OK && job.layer < trainer->network->count; job.layer++) {
        const qntk_network_layer *shape = &trainer->network->layers[job.layer];
        if (shape->levels > 0)
            status =
                qntk_parallel_for((shape->fan_out + QNTK_TILE_ROWS - 1) / QNTK_TILE_ROWS, round_item, &job);
    }
    return status;
}
