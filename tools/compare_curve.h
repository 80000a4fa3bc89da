/* The result of kernel-compare --learning-curve, and its three forms: TSV, JSON, and a table for people. */
#ifndef COMPARE_CURVE_H
#define COMPARE_CURVE_H

#include <stdio.h>

#include "cli.h"

/* One kernel. */
typedef struct {
    const char *name;
    qntk_curve_point *point; /* (sizes) */
    size_t ridges;           /* that were tried */
    double *ridge;           /* (ridges) */
    double bandwidth;        /* in use; NaN where the kernel has none */
    size_t degree;           /* sphere: the highest whose modes are listed */
    double seconds;
    char route[CLI_ROUTE]; /* how K was computed */
} curve_kernel;

typedef struct {
    bool sphere, classify;
    size_t sizes;
    qntk_meta meta;
    size_t count; /* complete kernels */
    curve_kernel *kernel;
} curve_report;

/* Arrays for so many sizes and ridges; the message is set on failure. */
qntk_status curve_kernel_allocate(curve_kernel *kernel, size_t sizes, size_t ridges);
void curve_kernel_free(curve_kernel *kernel);

/* Writes to common->out in common->format, and draws common->plot. */
qntk_status curve_report_write(const curve_report *r, const cli_common *common);

/* The table, and how far the predictions are off. */
void curve_report_summary(const curve_report *r, FILE *stream);

#endif
