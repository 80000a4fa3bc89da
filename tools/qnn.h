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

/* --noise, 0: none, else a shape and 1; the others as in qntk_train_anneal; NaN: the usual scale. */
typedef struct {
    int noise, strategy, backward_noise, schedule, sync;
    double beta, backward_beta, period;
    bool backward_annealed, progressive;
} qnn_anneal;

/* Options of additive noise annealing, in what `a` holds. */
#define QNN_ANNEAL_OPTIONS(a)                                                                                \
    CLI_HEADING("Annealing"),                                                                                \
        {.name = "noise",                                                                                    \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).noise,                                                                          \
         .choices = "none|uniform|triangular|normal|logistic",                                               \
         .needs = "method",                                                                                  \
         .help = "of the weights; with --method ana: uniform unless given"},                                 \
        {.name = "strategy",                                                                                 \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).strategy,                                                                       \
         .choices = "expected|mode|random",                                                                  \
         .needs = "noise",                                                                                   \
         .help = "weights in use: the expected, the most probable or a random level under the noise"},       \
        {.name = "beta",                                                                                     \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(a).beta,                                                                           \
         .argument = "S",                                                                                    \
         .high = 1e3,                                                                                        \
         .needs = "noise",                                                                                   \
         .help = "scale of the noise at the start, in steps [0.5, 0.2551 for normal, 0.1365 for logistic]"}, \
        {.name = "backward-noise",                                                                           \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).backward_noise,                                                                 \
         .choices = "uniform|triangular|normal|logistic",                                                    \
         .needs = "noise",                                                                                   \
         .help = "whose density is the slope that the gradient takes"},                                      \
        {.name = "backward-beta",                                                                            \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(a).backward_beta,                                                                  \
         .argument = "S",                                                                                    \
         .high = 1e3,                                                                                        \
         .needs = "noise",                                                                                   \
         .help = "its scale [as of --beta]"},                                                                \
        {.name = "backward-annealed",                                                                        \
         .kind = CLI_FLAG,                                                                                   \
         .destination = &(a).backward_annealed,                                                              \
         .needs = "noise",                                                                                   \
         .help = "it follows the schedule too; where it is gone, weights stay"},                             \
        {.name = "schedule",                                                                                 \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).schedule,                                                                       \
         .choices = "bounded|hyperbolic",                                                                    \
         .needs = "noise",                                                                                   \
         .help = "down to 0 at the end of the interval, or like 1/t from its start on"},                     \
        {.name = "sync",                                                                                     \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).sync,                                                                           \
         .choices = "overlapped|partition|same-start|same-end",                                              \
         .needs = "noise",                                                                                   \
         .help = "intervals of the rounded layers: the same, one after another, or with one end in common"}, \
        {.name = "period",                                                                                   \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(a).period,                                                                         \
         .argument = "EPOCHS",                                                                               \
         .high = 1e6,                                                                                        \
         .needs = "noise",                                                                                   \
         .help = "of annealing a rounded layer: all of them take so many times their number"},               \
    {                                                                                                        \
        .name = "progressive", .kind = CLI_FLAG, .destination = &(a).progressive, .needs = "noise",          \
        .help = "early layers lose their noise faster"                                                       \
    }

/* Fills the options in for the method that they already have. 0, or CLI_USAGE after saying why. */
int qnn_anneal_options(const cli_program *program, qnn_anneal *set, qntk_train_options *options);

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
