/* The result of ntk-spectrum, and its three forms: TSV, JSON, and a summary for people. */
#ifndef SPECTRUM_REPORT_H
#define SPECTRUM_REPORT_H

#include <stdio.h>

#include "cli.h"

/* One kernel's spectrum. */
typedef struct {
    const char *name;
    size_t count;
    double *eval, *multiplicity, *share, *cumulative; /* (count) */
    double *bound;                                    /* (count) certified absolute error, or NULL */
    double trace, effective_dimension;
    double bandwidth;    /* in use; NaN where the kernel has none */
    double max_residual; /* relative to the norm; NaN if no vectors were made */
    double limit_ratio, t_star, departure_degree, accuracy; /* sphere */
    double seconds;
    qntk_decay decay;
    char route[160]; /* how it was computed */
} report_kernel;

typedef struct {
    bool sphere, certified;
    qntk_meta meta;
    size_t count; /* complete kernels */
    report_kernel *kernel;
} spectrum_report;

/* Arrays for `count` eigenvalues; the message is set on failure. */
qntk_status report_allocate(report_kernel *kernel, size_t count);
void report_free(report_kernel *kernel);

/* Writes to common->out in common->format, and draws common->plot. */
qntk_status report_write(const spectrum_report *r, const cli_common *common);

/* The table and the verdicts. */
void report_summary(const spectrum_report *r, FILE *stream);

#endif
