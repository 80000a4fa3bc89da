/* A classifier whose weights may be moved: what sharpness is measured on. */
#ifndef QNTK_SHARPNESS_INTERNAL_H
#define QNTK_SHARPNESS_INTERNAL_H

#include "penalty_internal.h"

#include "qntk/sharpness.h"

/* A layer as accuracies want it, in single precision; NULL where there is no such thing. */
typedef struct {
    float *shift; /* (fan_out) b_std bias */
    float *noise; /* (fan_out, fan_in) variances of the rounding */
    float *first; /* (n, fan_out) scale^2 sum_j noise_ij x_j^2, of the first layer: its inputs never change */
    bool varies;  /* its outputs, by its own rounding or that of a layer below */
} qntk_judge_layer;

typedef struct {
    qntk_plain plain;
    qntk_judge_layer *layers; /* (count) */
    double *w;                /* (weights) those in use; with stochastic rounding their means */
    double *start;            /* (weights) at the start */
    const float *X;
    float *T; /* (n, outputs) */
    const double *y;
    float *room; /* (threads, size): weights of a worker, scratch */
    size_t size;
} qntk_judge;

/* Freed, whatever happened, by qntk_judge_free. */
qntk_status qntk_judge_create(const qntk_network *network, const qntk_network *start, qntk_rounding rounding,
                              size_t n, const float *X, const double *y, size_t classes, qntk_loss loss,
                              qntk_judge *judge);
void qntk_judge_free(qntk_judge *judge);

/* The weights (weights) that `worker` may move. */
float *qntk_judge_weights(const qntk_judge *judge, size_t worker);

/* The accuracy at the weights of `worker`, the variances of the rounding being what they are: of the plain network
 * or, if a layer is rounded stochastically, of the quasi network (moments.h), in single precision. */
qntk_status qntk_judge_accuracy(const qntk_judge *judge, size_t worker, double *accuracy);

/* rho, worst_error, complexity and bound. */
qntk_status qntk_sharpness_bound(const qntk_judge *judge, const qntk_network *network,
                                 const qntk_sharpness_options *options, qntk_sharpness *sharpness);

#endif
