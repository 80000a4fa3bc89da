/* What the files of the training core share. */
#ifndef QNTK_TRAIN_INTERNAL_H
#define QNTK_TRAIN_INTERNAL_H

#include "internal.h"

#include <stdio.h>

#include "anneal_simd.h"
#include "train_simd.h"

#include "qntk/checkpoint.h"

/* Streams of the user's seed, by purpose; the layer, the epoch or the row is added to the low half. */
#define QNTK_STREAM_START      (UINT64_C(0x73746172) << 32) /* latent weights and biases at the start */
#define QNTK_STREAM_ROUNDING   (UINT64_C(0x726f756e) << 32) /* rounding in training */
#define QNTK_STREAM_DRAW       (UINT64_C(0x64726177) << 32) /* rounding in qntk_network_sample */
#define QNTK_STREAM_ACTIVATION (UINT64_C(0x61637469) << 32) /* activations in training */
#define QNTK_STREAM_ORDER      (UINT64_C(0x6f726465) << 32) /* order of the rows of an epoch */

/* Where the bits of a stretch of weights come from: draw (or step) number `draw` of a layer, from (row,
 * column) on; column a multiple of 64. 2^32 draws of 2^32 blocks of 8 weights. */
static inline qntk_round_source qntk_round_at(uint64_t seed, uint64_t stream, size_t layer, uint64_t draw,
                                              size_t fan_in, size_t row, size_t column)
{
    size_t groups = (fan_in + QNTK_ROUND_GROUP - 1) / QNTK_ROUND_GROUP;
    uint64_t block = (row * groups + column / QNTK_ROUND_GROUP) * QNTK_ROUND_BLOCKS;
    return (qntk_round_source){seed, stream + layer, (draw << 32) + block};
}

/* weight (count) <- the rounded latent (count) of a stretch, count at most QNTK_STRETCH. */
enum { QNTK_STRETCH = 1024 };
void qntk_round_stretch(const qntk_train_ops *ops, qntk_rounding rounding, size_t levels,
                        qntk_round_source source, size_t count, const float *latent, float *weight);

/* The rows [first, first + rows) of a layer's rounded weights, in place of W (fan_out, fan_in)'s. */
void qntk_round_rows(const qntk_train_ops *ops, qntk_rounding rounding, const qntk_network_layer *layer,
                     size_t position, uint64_t seed, uint64_t stream, uint64_t draw, size_t first,
                     size_t rows, float *W);

/* The block [column, column + columns) of a layer's outputs for `rows` rows of in (rows, fan_in) into out
 * (rows, fan_out): products, bias and, unless `linear`, the activation without noise. */
void qntk_forward_block(const qntk_network_layer *layer, const float *W, bool linear, size_t rows,
                        const float *in, size_t column, size_t columns, float *out);

/* ---- multi-step activations ---- */

/* x (count) <- q(h) without noise, in float: thresholds are off by levels 2^-23 steps at most. NaN gives NaN. */
void qntk_activate(qntk_steps activation, size_t count, const float *h, float *x);

/* The first layer, from 1, whose activation is no ReLU; 0: none. */
size_t qntk_network_stepped(const qntk_network *network);

/* qntk_network_expect with such activations. */
qntk_status qntk_network_expect_stepped(const qntk_network *network, qntk_rounding rounding, size_t n,
                                        const float *X, double *F);

/* The loops over weights take levels on [-1,1]: in = h inward + shift goes in, and out outward + rest is q. */
typedef struct {
    float inward, shift, outward, rest;
} qntk_steps_frame;
qntk_steps_frame qntk_steps_frame_of(qntk_steps activation);

/* w_std / sqrt fan_in */
float qntk_layer_scale(const qntk_network_layer *layer);

/* ---- the trainer ---- */

typedef struct {
    float *weight; /* (fan_out, fan_in) in use; the latent ones in a real layer */
    /* the optimizer's moments of latent weights and biases, NULL where it has none */
    float *first, *second, *bias_first, *bias_second;
    float *x, *g; /* (batch, fan_out): outputs of the layer, gradient at its pre-activations */
    float *h;     /* (batch, fan_out): pre-activations, before a multi-step activation; else NULL */
    /* of this epoch, by annealing; otherwise of scale 0, but for straight-through activations */
    qntk_noise noise, backward_noise;
} qntk_train_layer;

struct qntk_trainer {
    qntk_network *network;
    qntk_train_options options;
    const qntk_train_ops *ops;
    const qntk_anneal_ops *anneal_ops;
    const struct qntk_method_row *method;
    uint64_t step;
    size_t epoch;
    double first_loss; /* of the first batch; NaN before */
    double best_loss;  /* least mean loss of an epoch */
    size_t stalled;    /* epochs since */
    qntk_train_layer *layers;
    float *x, *t; /* (batch, inputs), (batch, outputs): rows gathered for a step */
    float *tiles; /* (tile_count, TILE_ROWS TILE_COLUMNS) */
    size_t tile_count;
};

/* Tiles of dW: 384 KiB, less than half a second-level cache, and large enough for the products; of the shapes
 * tried, the fastest. Columns: one stretch. */
enum { QNTK_TILE_ROWS = 96, QNTK_TILE_COLUMNS = QNTK_STRETCH };

/* A stretch of a row of weights of a rounded layer. */
typedef struct {
    const qntk_trainer *trainer;
    size_t layer, count;
    const float *latent;
    qntk_round_source source; /* of this step's bits */
} qntk_stretch;

/* A method: the weights in use from latent ones, and the factor on the gradient at the latent weights. */
typedef struct qntk_method_row {
    const char *name;
    bool clip;                                                /* latent weights stay in [-1,1] */
    void (*forward)(const qntk_stretch *s, float *weight);    /* weight (count) */
    void (*backward)(const qntk_stretch *s, float *gradient); /* times the factor; NULL: 1 */
} qntk_method_row;

extern const qntk_method_row qntk_method_rows[];
extern const size_t qntk_method_count;

/* ---- annealing ---- */

qntk_train_anneal qntk_train_anneal_defaults(void);
bool qntk_train_anneal_same(const qntk_train_anneal *a, const qntk_train_anneal *b);
qntk_status qntk_train_anneal_check(const qntk_train_options *options);

/* The noise of each layer for the current epoch; and, when an epoch has ended, the weights under it. */
void qntk_train_anneal_set(qntk_trainer *trainer);
qntk_status qntk_train_anneal_epoch(qntk_trainer *trainer);

void qntk_train_anneal_forward(const qntk_stretch *s, float *weight);
void qntk_train_anneal_backward(const qntk_stretch *s, float *gradient);

/* out (count <= QNTK_STRETCH) <- what the strategy of annealing makes of `latent` under noise. */
void qntk_train_noisy(const qntk_trainer *trainer, qntk_noise noise, size_t levels, qntk_round_source source,
                      size_t count, const float *latent, float *out);

/* Activations of a layer with h: x from h, and g times the slope at h; a block of rows and columns, `column` a
 * multiple of 64. */
void qntk_train_activate(const qntk_trainer *trainer, size_t layer, size_t row, size_t rows, size_t column,
                         size_t columns);
void qntk_train_activation_backward(const qntk_trainer *trainer, size_t layer, size_t rows, size_t column,
                                    size_t columns);

/* The loss of a row with outputs f and targets t (outputs), and g = its derivatives by f. */
typedef struct {
    const char *name;
    double (*row)(size_t outputs, const float *f, const float *t, double *g);
} qntk_loss_row;

extern const qntk_loss_row qntk_loss_rows[];
extern const size_t qntk_loss_count;

/* The constants of the optimizer for the step at hand. */
typedef struct {
    float rate, momentum;
    qntk_adam adam;
} qntk_optimizer_step;
qntk_optimizer_step qntk_optimizer_at(const qntk_trainer *trainer);

/* Consumes the tile of dW of layer `layer` at (row, column): optimizer, clipping, rounding. */
void qntk_update_tile(qntk_trainer *trainer, const qntk_optimizer_step *now, size_t layer, size_t row,
                      size_t rows, size_t column, size_t columns, float *tile);
void qntk_update_biases(qntk_trainer *trainer, const qntk_optimizer_step *now, size_t layer, size_t first,
                        size_t count, const float *gradient);

/* W of a layer from its latent weights, for the step at hand: at the start and after loading. */
qntk_status qntk_trainer_round(qntk_trainer *trainer);

/* A step on the rows `rows` (n) of X and T, or on the first n if that is NULL. With `gradient` nothing is
 * updated. */
qntk_status qntk_step_run(qntk_trainer *trainer, size_t n, const size_t *rows, const float *X, const float *T,
                          double *loss, float *gradient);

/* qntk_checkpoint_load from an open file, which `path` names in messages. */
qntk_status qntk_checkpoint_read(const char *path, FILE *in, qntk_checkpoint *checkpoint);

#endif
