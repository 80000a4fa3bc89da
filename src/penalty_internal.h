/* Plain networks in double: loss, gradient and products with the Hessian of the weights, rows in blocks. Shapes are
 * apart from weights, so that noise on the weights is another vector of them. */
#ifndef QNTK_PENALTY_INTERNAL_H
#define QNTK_PENALTY_INTERNAL_H

#include "internal.h"

enum { QNTK_PLAIN_ROWS = 128 }; /* rows that go through the network together */

typedef struct {
    size_t fan_in, fan_out;
    double scale, b_std; /* scale: w_std / sqrt fan_in */
    const float *bias;
    size_t at;    /* where its weights (fan_out, fan_in) begin in a vector of all */
    size_t start; /* and its outputs (rows, fan_out), times the rows, in a vector of a block's outputs */
} qntk_plain_layer;

typedef struct {
    qntk_loss loss;
    size_t count, weights, neurons,
        width; /* neurons: of all layers; width: the greatest, inputs among them */
    qntk_plain_layer *layers;
    size_t n, inputs, outputs;
    double *X;      /* (n, inputs) */
    const float *T; /* (n, outputs) */
} qntk_plain;

/* Checks shapes, X and latent weights, and makes a copy of X. Freed, whatever happened, by qntk_plain_free. */
qntk_status qntk_plain_create(const qntk_network *network, qntk_loss loss, size_t n, const float *X,
                              const float *T, qntk_plain *plain);
void qntk_plain_free(qntk_plain *plain);

/* w (weights): the latent ones, within [-1,1] where the layer is rounded. */
void qntk_plain_latent(const qntk_network *network, double *w);

/* Numbers of scratch the functions below want. */
size_t qntk_plain_scratch(const qntk_plain *plain);

/* Mean loss at the weights w. QNTK_NOT_FINITE with the row, QNTK_INTERRUPTED. */
qntk_status qntk_plain_loss(const qntk_plain *plain, const double *w, double *scratch, double *loss);

/* The loss, its gradient (weights), and H direction (weights); NULL where not wanted, and direction with product. */
qntk_status qntk_plain_derive(const qntk_plain *plain, const double *w, const double *direction,
                              double *scratch, double *loss, double *gradient, double *product);

/* (1/2n) sum over the rows first .. first + rows - 1 of sum_k v_k (J' H_L J)_kk. */
qntk_status qntk_plain_gauss_newton(const qntk_plain *plain, const double *w, const double *v, size_t first,
                                    size_t rows, double *scratch, double *sum);

/* (1/n) sum over the block of rows from `first` on of dL/dx (E relu(h + s Z) - relu(h)) of all hidden neurons, s^2 the
 * variance of h under noise of variances v; w2 = w^2. */
qntk_status qntk_plain_kinks(const qntk_plain *plain, const double *w, const double *w2, const double *v,
                             size_t first, double *scratch, double *sum);

/* What a loss is of one row with outputs f and targets t, as in train.h. */
typedef struct {
    /* The loss, and g = its gradient. */
    double (*value)(size_t outputs, const double *f, const float *t, double *g);
    /* product = H_L r */
    void (*curvature)(size_t outputs, const double *f, const float *t, const double *r, double *product);
    /* a (outputs), number c of as many with H_L = sum_c a a' */
    void (*factor)(size_t outputs, const double *f, const float *t, size_t c, double *a);
} qntk_plain_loss_row;

extern const qntk_plain_loss_row qntk_plain_losses[];
extern const size_t qntk_plain_loss_count;

#endif
