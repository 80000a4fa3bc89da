/* What the parts of qnn approx share. */
#ifndef QNN_APPROX_H
#define QNN_APPROX_H

#include "cli.h"

enum { APPROX_VALUES_MAX = 16, APPROX_EPS_MAX = 64, APPROX_ROWS_MAX = APPROX_VALUES_MAX * APPROX_EPS_MAX };

typedef struct {
    double eps, grid_error, random_error;
    size_t values;
    qntk_approx_plan plan; /* its bounds those of the function itself; eps of the function by its scale */
    qntk_approx_counts counts, real; /* real: of the same construction with real weights */
} approx_row;

/* weights ~ (1/eps)^exponent, of one number of values (0: real). */
typedef struct {
    size_t values;
    double exponent, se;
} approx_law;

typedef struct {
    qntk_approx_function function;
    size_t dim, smoothness;
    bool steps, sweep; /* the construction; several eps, with laws */
    size_t eps_count, values_count, values[APPROX_VALUES_MAX];
    double eps[APPROX_EPS_MAX];
    size_t side;
    bool best;
    size_t rows, laws;
    approx_row *row; /* (APPROX_ROWS_MAX) */
    approx_law law[APPROX_VALUES_MAX + 1];
    qntk_meta meta;
} approx_job;

/* Fits the laws of a sweep: one for each number of values, then that of real weights. */
void approx_fit(approx_job *j);

/* The result: for a file, and for people on standard error. */
void approx_write_tsv(qntk_file *file, const void *job);
qntk_status approx_write_json(qntk_file *file, const void *job);
void approx_print_summary(const approx_job *j);

#endif
