/* Multi-step activations in training: under noise forward, and the slope under noise of its own backward. */
#include "train_internal.h"

#include <string.h>

/* latent (count) <- h on the levels' own [-1,1]. */
static void move_in(qntk_steps_frame frame, size_t count, const float *h, float *latent)
{
    for (size_t k = 0; k < count; k++)
        latent[k] = h[k] * frame.inward + frame.shift;
}

void qntk_train_activate(const qntk_trainer *trainer, size_t layer, size_t row, size_t rows, size_t column,
                         size_t columns)
{
    const qntk_network_layer *shape = &trainer->network->layers[layer];
    const qntk_train_layer *state = &trainer->layers[layer];
    const qntk_steps_frame frame = qntk_steps_frame_of(shape->activation);
    float latent[QNTK_STRETCH];
    for (size_t i = row; i < row + rows; i++)
        for (size_t j = column; j < column + columns; j += QNTK_STRETCH) {
            const size_t count = qntk_min(QNTK_STRETCH, column + columns - j), at = i * shape->fan_out + j;
            float *x = state->x + at;
            move_in(frame, count, state->h + at, latent);
            qntk_train_noisy(trainer, state->noise, shape->activation.levels,
                             qntk_round_at(trainer->options.seed, QNTK_STREAM_ACTIVATION, layer,
                                           trainer->step, shape->fan_out, i, j),
                             count, latent, x);
            for (size_t k = 0; k < count; k++)
                x[k] = x[k] * frame.outward + frame.rest;
        }
}

/* dq/dh = sum_i f(z_i): the step that divides h multiplies q. */
void qntk_train_activation_backward(const qntk_trainer *trainer, size_t layer, size_t rows, size_t column,
                                    size_t columns)
{
    const qntk_network_layer *shape = &trainer->network->layers[layer];
    const qntk_train_layer *state = &trainer->layers[layer];
    const qntk_steps_frame frame = qntk_steps_frame_of(shape->activation);
    float latent[QNTK_STRETCH];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = column; j < column + columns; j += QNTK_STRETCH) {
            const size_t count = qntk_min(QNTK_STRETCH, column + columns - j), at = i * shape->fan_out + j;
            if (state->backward_noise.scale == 0) {
                memset(state->g + at, 0, count * sizeof *state->g);
                continue;
            }
            move_in(frame, count, state->h + at, latent);
            trainer->anneal_ops->slope(state->backward_noise, shape->activation.levels, count, latent,
                                       state->g + at);
        }
}
