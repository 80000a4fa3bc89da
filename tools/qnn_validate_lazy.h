/* What the parts of qnn validate --lazy share. */
#ifndef QNN_VALIDATE_LAZY_H
#define QNN_VALIDATE_LAZY_H

#include "qnn_validate.h"

enum { LAZY_RECORDS = 20 }; /* rows of the table for each network, beside the start */
#define LAZY_SHARE 0.1      /* a step, in times of the fastest mode */

enum {
    LAZY_STEP,
    LAZY_TIME,
    LAZY_LOSS,
    LAZY_LOSS_KERNEL,
    LAZY_LOSS_FLOW,
    LAZY_DISTANCE, /* of the outputs from those of the kernel, relative to the first residual */
    LAZY_KERNEL,   /* how far it and the weights have moved, relative to their norm */
    LAZY_WEIGHTS,
    LAZY_VALUES
};

typedef struct {
    double value[LAZY_VALUES];
} lazy_record;

/* One network to be trained. */
typedef struct {
    const validate_settings *set;
    const validate_rows *rows;
    const double *y; /* (n) */
    size_t levels, depth, width;
    uint64_t seed, embedding;
} lazy_network;

/* Trains it, from the seeds alone; stepped() after each step. */
qntk_status lazy_descend(const lazy_network *network, void (*stepped)(void *context), void *context,
                         lazy_record record[LAZY_RECORDS + 1], size_t *records);

/* One law, depth and width, over the seeds. */
typedef struct {
    size_t levels, depth, width, records;
    lazy_record *record;                                      /* (seeds, LAZY_RECORDS+1) */
    lazy_record mean[LAZY_RECORDS + 1], se[LAZY_RECORDS + 1]; /* se of one network: NaN */
} lazy_cell;

/* The last value ~ width^rate over all networks of a law and depth, for LAZY_DISTANCE, LAZY_KERNEL and LAZY_WEIGHTS. */
enum { LAZY_RATES = LAZY_VALUES - LAZY_DISTANCE };
typedef struct {
    size_t levels, depth;
    validate_line fit[LAZY_RATES];
} lazy_line;

typedef struct {
    const validate_settings *set;
    const validate_plan *plan;
    validate_rows rows;
    double *y; /* (n) */
    size_t cells, complete, fitted;
    lazy_cell *cell; /* (laws, depths, widths) */
    lazy_line *line; /* (laws, depths); `fitted` of them are there */
    qntk_meta meta;
} lazy_job;

void lazy_write_tsv(qntk_file *file, const void *job);
qntk_status lazy_write_json(qntk_file *file, const void *job);
void lazy_print_summary(FILE *stream, const void *job);

#endif
