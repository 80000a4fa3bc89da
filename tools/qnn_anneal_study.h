/* What the parts of qnn noise --anneal-study share. */
#ifndef QNN_ANNEAL_STUDY_H
#define QNN_ANNEAL_STUDY_H

#include "qnn_training.h"

#include <stdio.h>

enum { STUDY_STRATEGIES = 3, STUDY_SCHEDULES = 2, STUDY_SEEDS_MAX = 1000 };

/* A way of training: two special cases, then every combination. */
typedef enum { STUDY_STE, STUDY_NO_NOISE, STUDY_ANNEALED } study_kind;

/* One row of the result: means and standard deviations over the seeds. NaN: a training diverged, nothing was tested,
 * or one seed has no spread. */
typedef struct {
    bool present;
    study_kind kind;
    qntk_noise_shape noise;
    qntk_strategy strategy;
    qntk_anneal_law schedule;
    qntk_anneal_sync sync;
    double train, train_sd, test, test_sd, gap, gap_sd;
    double
        agree; /* seeds whose weights are those of straight-through to the bit; NaN where they need not be */
} study_row;

/* The expected step function under a noise at its usual scale, measured: its largest distance from quadrature over
 * the noise, in steps; the largest |z| of means of draws at 33 places; the steepest rise between neighbours of a fine
 * grid and the largest slope that the backward pass takes there, beside the Lipschitz constant. */
typedef struct {
    double scale, quadrature, draws, steepest, slope, lipschitz;
} study_function;

qntk_status study_measure(qntk_steps steps, qntk_noise noise, uint64_t seed, study_function *f);

typedef struct {
    const cli_program *program;
    /* of every training; what a row and a seed decide is added */
    qnn_shape shape;
    qntk_train_options options;
    double b_std;
    size_t epochs;
    bool backward_forward; /* the backward noise has the law of the forward one, else it is uniform */
    size_t seeds, count;
    bool noise[QNTK_NOISE_COUNT]; /* those asked for */
    study_function function[QNTK_NOISE_COUNT];
    study_row *row;    /* (count) */
    qntk_checkpoint c; /* what it says about the data */
    qnn_rows train, test;
    char name[128]; /* of the data */
    qntk_meta meta;
} study_job;

/* The words of the command line and the result, in the order of the library's enumerations. */
extern const char *const study_noises[QNTK_NOISE_COUNT + 1],
    *const study_strategies[STUDY_STRATEGIES + 1], *const study_schedules[STUDY_SCHEDULES + 1],
                                                       *const study_syncs[QNTK_ANNEAL_SYNC_COUNT + 1];

/* How many rows are present. */
size_t study_complete(const study_job *j);

/* Trains what is missing, and writes the rows there are as often as one is complete, where --out is a file. */
qntk_status study_run(study_job *j);

/* Writes the rows there are to --out in --format; draws --plot; the table for people. */
qntk_status study_write(const study_job *j);
qntk_status study_draw(const study_job *j);
void study_print(const study_job *j, FILE *stream);

/* Takes over the rows that the file of --out has; one that is not there has none. Its settings must be those of
 * j->meta, the command excepted. */
qntk_status study_resume(study_job *j);

#endif
