/* What the parts of qnn noise --sweep share. */
#ifndef QNN_SWEEP_H
#define QNN_SWEEP_H

#include "qnn.h"

#include <stdio.h>

typedef struct {
    const cli_program *program;
    qntk_sweep sweep;
    qntk_checkpoint c; /* what it says about the data */
    qnn_rows train, test;
    char name[128]; /* of the data */
    qntk_sweep_data data;
    qntk_meta meta;
    size_t models, complete;
    qntk_sweep_row *row; /* (models) */
    size_t correlations;
    qntk_sweep_correlation *correlation; /* (correlations) once all rows are there */
    char part[4096];                     /* the file that rows are appended to; "": none */
    int part_file;                       /* its descriptor, or -1 */
    bool part_failed;                    /* nothing more is appended: its last line may not be whole */
} sweep_job;

/* ---- rows as cells (qnn_sweep_report.c) ---- */

/* The fixed columns, then each measure and its standard error. */
enum {
    SWEEP_MODEL,
    SWEEP_BITS,
    SWEEP_ROUNDING,
    SWEEP_WIDTH,
    SWEEP_DEPTH,
    SWEEP_SEED,
    SWEEP_LR,
    SWEEP_STATUS,
    SWEEP_EPOCHS,
    SWEEP_LOSS,
    SWEEP_TRAIN,
    SWEEP_TEST,
    SWEEP_GAP,
    SWEEP_MEASURES, /* the first one's column */
    SWEEP_CELLS_MAX = SWEEP_MEASURES + 2 * QNTK_MEASURES
};

/* Their number is sweep_cells(). */
const qntk_column *sweep_columns(void);
size_t sweep_cells(void);

/* The cells of a row; `bits` holds the text of one. */
void sweep_fill(const sweep_job *j, size_t index, char bits[QNTK_SWEEP_NAME],
                qntk_cell cells[SWEEP_CELLS_MAX]);

/* Writes --out and draws --plot; the table for people. */
qntk_status sweep_write(const sweep_job *j);
void sweep_print(const sweep_job *j, FILE *stream);

/* ---- rows kept while it runs (qnn_sweep_file.c) ---- */

/* Takes the rows of an earlier run that FILE and FILE.part hold, where it is to be gone on with, and opens FILE.part
 * for the others. FILE.part that is there without --resume, or written by another run now, is an error. */
qntk_status sweep_open(sweep_job *j, bool resume);

/* Appends row `index` to FILE.part, on the disk when it returns. One call at a time. */
qntk_status sweep_keep(sweep_job *j, size_t index);

/* Closes FILE.part, and removes it if `done` or if it has no row. */
void sweep_close(sweep_job *j, bool done);

#endif
