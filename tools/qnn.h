/* What the subcommands of qnn share. */
#ifndef QNN_H
#define QNN_H

#include "cli.h"

/* A subcommand: `argv[0]` is its name. Returns the exit code. */
typedef struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} qnn_command;

int qnn_train(int argc, char **argv);
int qnn_predict(int argc, char **argv);
int qnn_validate(int argc, char **argv);
int qnn_noise(int argc, char **argv);
int qnn_sweep(int argc, char **argv);        /* qnn noise --sweep */
int qnn_anneal_study(int argc, char **argv); /* qnn noise --anneal-study */
int qnn_approx(int argc, char **argv);
int qnn_suite(int argc, char **argv);

/* Whole numbers from `low` in "a,b,c", at most `limit` of them; the count, or 0 after saying why not. */
size_t qnn_parse_list(const cli_program *program, const char *option, const char *text, size_t low,
                      size_t limit, size_t *values);

/* Levels of --weights, NULL: binary; false after saying why not. */
bool qnn_parse_weights(const cli_program *program, const char *text, size_t *levels);

/* "real", "binary", "ternary", "bits=K" or "levels=B". */
void qnn_law_name(size_t levels, char name[32]);

/* Rows as a network takes them, and the truth. */
typedef struct {
    size_t n;
    double *raw; /* (n, features) as in the data */
    float *X;    /* (n, features) inputs */
    double *y;   /* (n) class or number, NULL without a target */
    float *T;    /* (n, outputs) targets of the loss, or NULL */
} qnn_rows;

void qnn_rows_free(qnn_rows *rows);

/* How rows are divided into those to train and those to test on. */
typedef struct {
    const char *test, *test_labels; /* another file, or NULL */
    double split;                   /* share of test rows; NaN: the published split, or QNN_SPLIT */
    size_t fold;                    /* which published split, from 1 */
    char protocol[64];              /* out: what it was */
} qnn_split;

/* Reads --data and divides it. Fills the checkpoint's part about data: features, scale, names, fingerprint; and
 * targets for `loss`. The scale is that of the training rows. */
qntk_status qnn_read_training(const cli_common *common, qnn_split *split, qntk_checkpoint *checkpoint,
                              char name[128], qnn_rows *train, qnn_rows *test);

/* Reads rows for a network that is there, matched with its columns and classes by name. */
qntk_status qnn_read_rows(const cli_common *common, bool target_optional, const qntk_checkpoint *checkpoint,
                          char name[128], qnn_rows *rows);

/* row (n): n of `all` rows chosen by the seed, ascending. */
qntk_status qnn_choose_rows(uint64_t seed, size_t all, size_t n, size_t *row);

/* Targets of the loss, standardised where they are numbers. */
qntk_status qnn_targets(const qntk_checkpoint *checkpoint, qntk_loss loss, qnn_rows *rows);

/* answer (n): the class with the highest output, or the number, for outputs F (n, outputs). */
qntk_status qnn_answers(const qntk_checkpoint *checkpoint, size_t n, const double *F, double *answer);

/* The accuracy, or the mean squared error. */
double qnn_score(const qntk_checkpoint *checkpoint, size_t n, const double *y, const double *answer);

/* train - test accuracy, or test - train error. */
double qnn_gap(const qntk_checkpoint *checkpoint, double train, double test);

/* Writes the log to common->out in common->format, and draws common->plot. */
qntk_status qnn_write_log(const cli_common *common, const qntk_meta *meta, const qntk_checkpoint *checkpoint);

/* One line for people on an epoch. */
void qnn_print_epoch(const qntk_checkpoint *checkpoint, size_t epochs, double seconds);

#endif
