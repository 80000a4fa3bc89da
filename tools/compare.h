/* What the modes of kernel-compare share: the settings, and what is read from them. */
#ifndef COMPARE_H
#define COMPARE_H

#include "cli.h"

typedef struct {
    cli_common common;
    const char *test, *test_labels;
    size_t folds; /* 0: published ones, or else COMPARE_FOLDS */
    const char *ridge;
    int solver; /* compare_solver */
    const char *C;
    bool center;
    const char *predictions;
    const char *bits;
    const char *learning_curve; /* LO:HI:N */
    size_t repeats;
    size_t sphere; /* D; 0 = data */
    const char *target_degrees;
    double noise;
    const char *suite; /* a folder of folders */
    size_t max_n;
    bool resume;
} compare_settings;

typedef enum { COMPARE_RIDGE, COMPARE_SVM } compare_solver;

enum { COMPARE_FOLDS = 4, COMPARE_RIDGES_MAX = 1000 };

/* The ridges to search, or the values of C. */
typedef struct {
    bool automatic; /* qntk_evaluate_ridges or qntk_svm_grid, kernel by kernel; count = what they give */
    size_t count;
    double value[COMPARE_RIDGES_MAX];
} compare_ridges;

/* Reads --ridge: "auto" or NULL; "0.1" or "0,1e-3,0.1"; "LO:HI:N", N values spaced evenly in their logarithm.
 * Returns 0, or CLI_USAGE after saying why. */
int compare_parse_ridges(const cli_program *program, const char *text, compare_ridges *ridges);

/* An entry of --bits. */
typedef struct {
    char text[16]; /* "1.58", "real" */
    double bits;   /* infinite for real weights */
} compare_precision;

/* Reads --bits into one kernel for each entry, like the one of --kernel if there is one, and precision
 * (CLI_KERNELS_MAX). Returns 0, or CLI_USAGE after saying why. */
int compare_parse_bits(const cli_program *program, const compare_settings *set, cli_kernels *kernels,
                       compare_precision *precision);

/* Reads --data and --test: *data holds the rows of --data, *train_rows of them, and behind them those of
 * --test, scaled alike. Columns and classes are matched by name; where they differ, the message says in what.
 * Without a target data->y is NULL and --test is not read. */
qntk_status compare_read_pair(const compare_settings *set, qntk_dataset *data, size_t *train_rows);

/* --C in the same way; its values are above 0. */
int compare_parse_C(const cli_program *program, const char *text, compare_ridges *ridges);

/* ridge (QNTK_EVALUATE_RIDGES): qntk_evaluate_ridges for all rows of K (n,n); QNTK_INVALID, with a message, if its trace
 * is negative. */
qntk_status compare_automatic_ridges(const char *kernel, size_t n, const double *K, double *ridge);

/* After a fit that ended with `status`: true if it was singular and a smaller list may do, without the
 * smallest of the automatic ridges, which ascend (--precision single leaves K with eigenvalues below zero by
 * more than that). */
bool compare_drop_ridge(qntk_status status, const compare_ridges *ridges, size_t *count, double *ridge);

/* --data with --kernel or --bits: the program's exit code. */
int compare_data_run(const cli_program *program, compare_settings *set);

/* --learning-curve, on --data or on --sphere. */
int compare_curve_run(const cli_program *program, compare_settings *set);

/* The kernels of the study this project follows, if none are given. */
void compare_usual_kernels(cli_kernels *kernels);

/* --suite. */
int compare_suite_run(const cli_program *program, const compare_settings *set);

#endif
