/* What measuring noise and predicting it share. */
#ifndef QNTK_NOISE_INTERNAL_H
#define QNTK_NOISE_INTERNAL_H

#include "moments_internal.h"
#include "train_internal.h"

/* Entries: pre-activations of all layers, (n, fan_out) of layer l from start[l] on. */
typedef struct {
    const size_t *levels;
    qntk_rounding rounding, drawn; /* what is asked for; that of the draws in hand */
    qntk_noise_options options;
    qntk_network copy;            /* rounded to `levels` */
    qntk_moments_weights *layers; /* (count) its latent weights, with `noise` tau where a layer is rounded */
    double *second;               /* (largest layer) tau + theta^2 */
    size_t count, n, width, largest, entries;
    size_t *start;  /* (count) */
    bool *varies;   /* (count) the layer or one below it is rounded */
    double *X;      /* (n, inputs) */
    double *clean;  /* (entries) h, not rounded */
    double *own;    /* (entries) q: the variance that the layer's own weights add to h, to first order */
    double *mu;     /* (entries) by moment propagation */
    double *s2;     /* (entries) */
    double *sum;    /* (entries) of h - centre over the draws */
    double *chunk;  /* (chunk draws, entries) h - centre */
    double *power;  /* (draws, count) mean square of h - centre of a draw */
    double *weight; /* (draws, count) mean square of W - theta */
    double *chance; /* (count) relative deviation of one draw's `power` */
    size_t first;   /* draw of the chunk */
    size_t now;     /* layer in hand */
    double *rows;   /* (3, n, width) inputs of that layer: not rounded, mean and variance */
    double *buffer; /* (workers, buffer_size) */
    size_t buffer_size;
    size_t *chosen;          /* (count, neurons) of each layer, for first order */
    double *first_order;     /* (n, count, neurons) */
    double *uniform;         /* (n, count) with step^2/12, mean over the chosen neurons */
    qntk_noise_layer *noise; /* (count) */
} qntk_noise_job;

/* How many neurons of layer l first order is taken of. */
static inline size_t qntk_noise_chosen(const qntk_noise_job *job, size_t l)
{
    return qntk_min(job->options.neurons, job->layers[l].fan_out);
}

/* Fills clean, own, mu, s2. */
qntk_status qntk_noise_propagate(qntk_noise_job *job);

/* Fills chosen, first_order, uniform; after qntk_noise_propagate. */
qntk_status qntk_noise_first_order(qntk_noise_job *job);

#endif
