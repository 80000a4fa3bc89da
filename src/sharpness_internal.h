/* A classifier whose weights may be moved: what sharpness is measured on. */
#ifndef QNTK_SHARPNESS_INTERNAL_H
#define QNTK_SHARPNESS_INTERNAL_H

#include "penalty_internal.h"

#include "qntk/sharpness.h"

typedef struct {
    qntk_plain plain;
    qntk_moments_weights *layers; /* (count) shapes, gains and biases; latent weights are those moved */
    bool varies;                  /* a layer is rounded stochastically: outputs are means over the rounding */
    double *w;                    /* (weights) the mean weights, or those in use */
    double *start;                /* (weights) at the start */
    double *tau;                  /* (weights) variances of the rounding; NULL unless `varies` */
    float *T;                     /* (n, outputs) */
    const double *y;
    double *room; /* (threads, size): weights of a worker, outputs, scratch */
    size_t size;
} qntk_judge;

/* Freed, whatever happened, by qntk_judge_free. */
qntk_status qntk_judge_create(const qntk_network *network, const qntk_network *start, qntk_rounding rounding,
                              size_t n, const float *X, const double *y, size_t classes, qntk_loss loss,
                              qntk_judge *judge);
void qntk_judge_free(qntk_judge *judge);

/* Room for the weights that `worker` moves, (weights). */
double *qntk_judge_weights(const qntk_judge *judge, size_t worker);

/* The accuracy at the weights w (weights). */
qntk_status qntk_judge_accuracy(const qntk_judge *judge, const double *w, size_t worker, double *accuracy);

/* rho, worst_error, complexity and bound. */
qntk_status qntk_sharpness_bound(const qntk_judge *judge, const qntk_network *network,
                                 const qntk_sharpness_options *options, qntk_sharpness *sharpness);

#endif
