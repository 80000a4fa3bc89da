/* Sweeps: a grid of networks, each trained, judged and measured, and which measure goes with the generalization gap.
 *
 * A grid is a small text file, one `key = value value ..` a line, `#` begins a comment:
 *
 *     data     = data/teacher.csv      # relative to the working directory
 *     bits     = real 1 1.58 2 4
 *     rounding = stochastic nearest
 *     width    = 32 64
 *     seed     = 1..5
 *     epochs   = 60
 *
 * Every combination of bits, rounding, width, depth, seed and lr is one model, the later of these changing faster;
 * rounding does not apply to real weights, which give one model for it, not two. qntk_sweep_help lists the keys. */
#ifndef QNTK_SWEEP_H
#define QNTK_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/compare.h"
#include "qntk/network.h"
#include "qntk/status.h"
#include "qntk/table.h"
#include "qntk/train.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { QNTK_SWEEP_VALUES = 256, QNTK_SWEEP_DEPTH_MAX = 64 };

/* Starts at {0}. */
typedef struct {
    /* the data, as options of the command line name them */
    char *data, *target, *labels;             /* target, labels NULL: the usual ones */
    size_t task, limit, scale, rows, missing; /* qntk_task, 0: all, qntk_scale, qntk_rows, qntk_missing */
    double split;                             /* share of test rows; NaN: the usual one, or a published one */
    size_t fold;                              /* which published one, from 1 */
    /* what the models differ in: each list in the order of the file, nothing twice */
    size_t bits, roundings, widths, depths, seeds, rates; /* lengths */
    size_t levels[QNTK_SWEEP_VALUES];                     /* of rounded layers; 0: real weights */
    size_t rounding[2];                                   /* qntk_rounding */
    size_t width[QNTK_SWEEP_VALUES], depth[QNTK_SWEEP_VALUES];
    size_t seed[QNTK_SWEEP_VALUES]; /* of start, rounding and order of rows; at most 2^53 */
    double rate[QNTK_SWEEP_VALUES];
    /* of all models */
    size_t method, optimizer; /* qntk_train_method, qntk_optimizer */
    size_t loss;              /* 0: cross-entropy for classes, squared for numbers; else 1 + qntk_loss */
    double momentum, b_std;
    size_t batch, epochs;
    double until_loss;            /* training ends with the first epoch of a lower mean loss; NaN: never */
    size_t first_real, last_real; /* 1: the first layer, the readout have real weights */
    size_t repeats, draws;        /* of sharpness: qntk_sharpness_options */
} qntk_sweep;

/* Reads a grid from a file, at most 1 MiB, or from `text`, called `name` in messages.
 * QNTK_FORMAT with "name:line: what was expected and found": an unknown key, a key or a value twice, no value, a value
 * outside its domain, no data; QNTK_IO; QNTK_NO_MEMORY. */
qntk_status qntk_sweep_read(const char *path, qntk_sweep *sweep);
qntk_status qntk_sweep_parse(const char *name, const char *text, qntk_sweep *sweep);
void qntk_sweep_free(qntk_sweep *sweep);

/* The keys, one indented line each, for --help. Never NULL; valid for ever. */
const char *qntk_sweep_help(void);

/* Adds every setting that has a value to the head of a result: "axis_KEY" for what models differ in, "grid_KEY" for
 * what they share. QNTK_NO_MEMORY. */
qntk_status qntk_sweep_describe(const qntk_sweep *sweep, qntk_meta *meta);

typedef struct {
    size_t levels;
    qntk_rounding rounding; /* of real weights: nearest, without a meaning */
    size_t width, depth, seed;
    double rate;
} qntk_sweep_model;

/* How many models there are; the one with number `index`; its number, or qntk_sweep_count if it is none of them. */
size_t qntk_sweep_count(const qntk_sweep *sweep);
qntk_sweep_model qntk_sweep_at(const qntk_sweep *sweep, size_t index);
size_t qntk_sweep_find(const qntk_sweep *sweep, const qntk_sweep_model *model);

/* "real", "1", "1.58" or "2" .. "16" from levels, and "stochastic", "nearest" or, for real weights, "none". */
enum { QNTK_SWEEP_NAME = 16 };
void qntk_sweep_bits_name(size_t levels, char name[QNTK_SWEEP_NAME]);
const char *qntk_sweep_rounding_name(const qntk_sweep_model *model);

/* Levels from such a name, "binary" and "ternary" too; false if it is none. */
bool qntk_sweep_bits_parse(const char *name, size_t *levels);

/* ---- one model ---- */

/* The rows, as networks take them. */
typedef struct {
    size_t n, test_n, d, classes; /* classes 0: numbers */
    const float *X, *test_X;      /* (n,d), (test_n,d) */
    const float *T;               /* (n, outputs): targets of qntk_sweep_loss */
    const double *y, *test_y;     /* (n), (test_n): class or number */
    double shift, scale;          /* of numbers: answer = output scale + shift */
} qntk_sweep_data;

qntk_loss qntk_sweep_loss(const qntk_sweep *sweep, size_t classes);

/* What is measured on a trained model, on its training rows; NaN where it is not defined.
 * norm: Euclidean norm of all weights in use, biases left out; distance: the same of their difference to those at the
 * start; margin: of the output of the true class over the largest other one, the 10 % quantile (the sorted value
 * number floor(n/10), from 0); sigma, magnitude_sigma, flatness, norm_origin, norm_init, magnitude_aware and bound: see
 * sharpness.h, with their standard errors over repeats, for classes only, and NaN, the bound excepted, if no noise
 * takes the accuracy down as far as they ask; penalty: the Gauss-Newton form of penalty.h, 0 for real weights.
 * Weights in use are the latent ones within [-1,1], which are the mean of the rounded ones, or the nearest levels;
 * outputs are expected ones over the rounding. */
typedef enum {
    QNTK_MEASURE_NORM,
    QNTK_MEASURE_DISTANCE,
    QNTK_MEASURE_MARGIN,
    QNTK_MEASURE_SIGMA,
    QNTK_MEASURE_MAGNITUDE_SIGMA,
    QNTK_MEASURE_FLATNESS, /* and the three after it in the order of sharpness.h */
    QNTK_MEASURE_NORM_ORIGIN,
    QNTK_MEASURE_NORM_INIT,
    QNTK_MEASURE_MAGNITUDE_AWARE,
    QNTK_MEASURE_BOUND,
    QNTK_MEASURE_PENALTY,
    QNTK_MEASURES
} qntk_measure;

/* Its name in results, and whether it has a standard error. */
const char *qntk_measure_name(size_t measure);
bool qntk_measure_sampled(size_t measure);

typedef enum {
    QNTK_SWEEP_OK,
    QNTK_SWEEP_ABOVE,    /* until_loss was not reached: all numbers are there */
    QNTK_SWEEP_DIVERGED, /* after `epochs` complete epochs; the other numbers are NaN */
    QNTK_SWEEP_OUTCOMES
} qntk_sweep_outcome;
const char *qntk_sweep_outcome_name(size_t outcome);

typedef struct {
    bool present; /* as rows that have not been computed are not */
    qntk_sweep_outcome outcome;
    size_t epochs;
    double loss;        /* the mean one of the last epoch */
    double train, test; /* accuracy, or mean squared error */
    double gap;         /* train - test accuracy, or test - train error */
    double measure[QNTK_MEASURES], se[QNTK_MEASURES];
} qntk_sweep_row;

/* Trains, judges and measures model `index`. The same bytes for any number of threads; serial inside a parallel loop,
 * where whole models are the items. Memory: that of a trainer.
 * QNTK_INVALID: index, data without rows to train on, a class beyond `classes`, a loss that does not suit them;
 * QNTK_NO_MEMORY, QNTK_TOO_LARGE, QNTK_INTERRUPTED. A training that diverges is a result. */
qntk_status qntk_sweep_run(const qntk_sweep *sweep, const qntk_sweep_data *data, size_t index,
                           qntk_sweep_row *row);

/* ---- all models ---- */

/* Kendall's tau of a measure with the gap over a group of models. */
typedef struct {
    size_t measure;
    bool all;               /* all models; else those with these bits and this rounding */
    qntk_sweep_model group; /* levels and rounding of it */
    qntk_kendall kendall;
    qntk_interval interval; /* 95 % */
} qntk_sweep_correlation;

/* The correlations of all measures, over all models and, if there are several, in each group of equal bits and
 * rounding, group by group: *correlation (*count), to be freed with qntk_free. row (qntk_sweep_count): rows that are
 * not present or whose outcome is not QNTK_SWEEP_OK are left out. Intervals from `resamples` resamples of `seed`,
 * see qntk_compare_kendall_interval. QNTK_INVALID, QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_sweep_correlate(const qntk_sweep *sweep, const qntk_sweep_row *row, size_t resamples,
                                 uint64_t seed, qntk_sweep_correlation **correlation, size_t *count);

#ifdef __cplusplus
}
#endif
#endif
