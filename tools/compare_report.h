/* The result of kernel-compare on one data set, and its three forms: TSV, JSON, and a table for people. */
#ifndef COMPARE_REPORT_H
#define COMPARE_REPORT_H

#include <stdio.h>

#include "compare_problem.h"

/* One kernel. */
typedef struct {
    const char *name;
    const char *bits;      /* "1.58", "real": with --bits */
    bool chosen;           /* by leaving out, among the precisions */
    size_t ridges;         /* that were tried; or values of C */
    double *ridge;         /* (ridges) */
    double C, cross;       /* with --solver svm: the C chosen, its accuracy in cross-validation */
    size_t unfinished;     /* machines that stopped before they were done */
    size_t folds;          /* splits */
    qntk_score *fold;      /* (folds), of the ridge chosen */
    double **answer;       /* (folds): (test_count) predicted classes or values */
    qntk_score mean;       /* over the folds */
    qntk_score sd;         /* of train, test and gap over the folds; NaN for one */
    qntk_decay decay;      /* of the eigenvalues of K/n, training rows */
    double bandwidth;      /* in use; NaN where the kernel has none */
    double seconds;        /* wall time of the kernel matrix, all folds and ridges, and the eigenvalues */
    char route[CLI_ROUTE]; /* how K was computed */
} compare_row;

typedef struct {
    bool classify, bits, one_split, svm;
    size_t rows; /* of --data */
    qntk_meta meta;
    size_t count; /* complete kernels */
    compare_row *row;
} compare_report;

void compare_row_free(compare_row *row);

/* Writes to common->out in common->format, and draws common->plot. */
qntk_status compare_report_write(const compare_report *r, const cli_common *common);

/* Writes every prediction of the complete kernels to `path`, counted from 0: rows of --data, or of --test. Values,
 * or names of classes. */
qntk_status compare_report_predictions(const compare_report *r, const compare_problem *p, const char *path);

/* The table; with --bits, the answer in a sentence. */
void compare_report_summary(const compare_report *r, FILE *stream);

#endif
