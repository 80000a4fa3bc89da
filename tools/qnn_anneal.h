/* Options of additive noise annealing, and what becomes of them. */
#ifndef QNN_ANNEAL_H
#define QNN_ANNEAL_H

#include "cli.h"

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
         .needs = "method=ana",                                                                              \
         .help = "of the weights; with --method ana: uniform unless given"},                                 \
        {.name = "strategy",                                                                                 \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).strategy,                                                                       \
         .choices = "expected|mode|random",                                                                  \
         .needs = "method=ana",                                                                              \
         .help = "weights in use: the expected, the most probable or a random level under the noise"},       \
        {.name = "beta",                                                                                     \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(a).beta,                                                                           \
         .argument = "S",                                                                                    \
         .high = 1e3,                                                                                        \
         .needs = "method=ana",                                                                              \
         .help = "scale of the noise at the start, in steps [0.5, 0.2551 for normal, 0.1365 for logistic]"}, \
        {.name = "backward-noise",                                                                           \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).backward_noise,                                                                 \
         .choices = "uniform|triangular|normal|logistic",                                                    \
         .needs = "method=ana",                                                                              \
         .help = "whose density is the slope that the gradient takes"},                                      \
        {.name = "backward-beta",                                                                            \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(a).backward_beta,                                                                  \
         .argument = "S",                                                                                    \
         .high = 1e3,                                                                                        \
         .needs = "method=ana",                                                                              \
         .help = "its scale [as of --beta]"},                                                                \
        {.name = "backward-annealed",                                                                        \
         .kind = CLI_FLAG,                                                                                   \
         .destination = &(a).backward_annealed,                                                              \
         .needs = "method=ana",                                                                              \
         .help = "it follows the schedule too; where it is gone, weights stay"},                             \
        {.name = "schedule",                                                                                 \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).schedule,                                                                       \
         .choices = "bounded|hyperbolic",                                                                    \
         .needs = "method=ana",                                                                              \
         .help = "down to 0 at the end of the interval, or like 1/t from its start on"},                     \
        {.name = "sync",                                                                                     \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(a).sync,                                                                           \
         .choices = "overlapped|partition|same-start|same-end",                                              \
         .needs = "method=ana",                                                                              \
         .help = "intervals of the rounded layers: the same, one after another, or with one end in common"}, \
        {.name = "period",                                                                                   \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(a).period,                                                                         \
         .argument = "EPOCHS",                                                                               \
         .high = 1e6,                                                                                        \
         .needs = "method=ana",                                                                              \
         .help = "of annealing a rounded layer: all of them take so many times their number"},               \
    {                                                                                                        \
        .name = "progressive", .kind = CLI_FLAG, .destination = &(a).progressive, .needs = "method=ana",     \
        .help = "early layers lose their noise faster"                                                       \
    }

/* Fills the options in for the method that they already have. 0, or CLI_USAGE after saying why. */
int qnn_anneal_options(const cli_program *program, qnn_anneal *set, qntk_train_options *options);

#endif
