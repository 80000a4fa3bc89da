/* The keys of a grid, which its file, its help and the head of results are made of. */
#ifndef QNTK_SWEEP_INTERNAL_H
#define QNTK_SWEEP_INTERNAL_H

#include "internal.h"

#include "qntk/sweep.h"

typedef enum { GRID_TEXT, GRID_COUNTS, GRID_NUMBERS, GRID_CHOICES, GRID_BITS } grid_kind;

/* Fields of qntk_sweep: char *, size_t or double, one or, with `length`, as many as that field says. */
typedef struct {
    const char *name, *argument, *help;
    grid_kind kind;
    size_t field, length; /* offsets; length 0 (that of the first field, a text): one value */
    double low, high;     /* of counts and numbers */
    const char *choices;  /* "a|b" */
} grid_key;

enum { QNTK_SWEEP_KEYS = 28 };
extern const grid_key qntk_sweep_keys[QNTK_SWEEP_KEYS];

/* A trained network with what it was made of. */
typedef struct {
    const qntk_sweep *sweep;
    const qntk_sweep_data *data;
    qntk_sweep_model model;
    size_t outputs;
    qntk_network network, start; /* trained, and as it was */
    qntk_trainer *trainer;
    double *F, *answer; /* (most rows, outputs), (most rows) */
} qntk_sweep_job;

/* Fills the measures of a row; F holds the outputs of the training rows. Overwrites the answers. Codes of the
 * functions that measure. */
qntk_status qntk_sweep_measure(qntk_sweep_job *job, qntk_sweep_row *row);

/* What is not in the file. */
qntk_sweep qntk_sweep_usual(void);

/* Where the value of a key is, or the first, and how many there are; NULL: one. */
void *qntk_sweep_field(qntk_sweep *sweep, const grid_key *key);
size_t *qntk_sweep_length(qntk_sweep *sweep, const grid_key *key);

#endif
