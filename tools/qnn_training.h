/* Options of training, and what becomes of them. */
#ifndef QNN_TRAINING_H
#define QNN_TRAINING_H

#include <math.h>

#include "qnn_anneal.h"
#include "qnn_network.h"

/* Options of the test rows, in a qnn_split. */
#define QNN_SPLIT_OPTIONS(s)                                                                                 \
    CLI_TEST_OPTIONS((s).test, (s).test_labels, "split|fold"),                                               \
        {.name = "split",                                                                                    \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(s).split,                                                                          \
         .argument = "SHARE",                                                                                \
         .high = 0.99,                                                                                       \
         .against = "fold",                                                                                  \
         .help = "of rows to test on, stratified; 0: none [0.2, or a UCI folder's published split]"},        \
    {                                                                                                        \
        .name = "fold", .kind = CLI_COUNT, .destination = &(s).fold, .argument = "K",                        \
        .high = QNTK_FOLDS_MAX, .help = "which published split of a UCI folder"                              \
    }

#define QNN_SPLIT_DEFAULTS                                                                                   \
    {                                                                                                        \
        .split = NAN, .fold = 1                                                                              \
    }

typedef struct {
    int rounding, method, loss, optimizer; /* loss: 0 automatic */
    double rate, rate_factor, momentum;    /* rate NaN: the usual one of the optimizer */
    const char *rate_steps;
    size_t batch, epochs, patience; /* patience 0: any */
    qnn_anneal anneal;
} qnn_training_settings;

#define QNN_TRAINING_DEFAULTS                                                                                \
    {                                                                                                        \
        .optimizer = QNTK_OPTIMIZER_ADAM, .rate = NAN, .rate_factor = 0.1, .batch = 100, .epochs = 20,       \
        .anneal = {                                                                                          \
            .beta = NAN,                                                                                     \
            .backward_beta = NAN,                                                                            \
            .period = 5                                                                                      \
        }                                                                                                    \
    }

/* Of training too; qnn train names it with the weights. */
#define QNN_ROUNDING_OPTION(t)                                                                               \
    {                                                                                                        \
        .name = "rounding", .kind = CLI_CHOICE, .destination = &(t).rounding,                                \
        .choices = "stochastic|nearest", .help = "a fresh unbiased draw each step, or the nearest level"     \
    }

/* The other options of training, in what `t` holds; those of annealing are QNN_ANNEAL_OPTIONS(t.anneal). */
#define QNN_TRAINING_OPTIONS(t)                                                                              \
    CLI_HEADING("Training"),                                                                                 \
        {.name = "method",                                                                                   \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(t).method,                                                                         \
         .choices = "binaryconnect|ste|ana",                                                                 \
         .help =                                                                                             \
             "how the gradient at rounded weights moves the latent ones; ana: additive noise annealing"},    \
        {.name = "loss",                                                                                     \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(t).loss,                                                                           \
         .choices = "auto|squared|cross-entropy|squared-hinge",                                              \
         .help = "auto: cross-entropy for classes, squared for numbers"},                                    \
        {.name = "optimizer",                                                                                \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(t).optimizer,                                                                      \
         .choices = "sgd|adam",                                                                              \
         .help = "Adam, or gradient descent"},                                                               \
        {.name = "lr",                                                                                       \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(t).rate,                                                                           \
         .argument = "RATE",                                                                                 \
         .low = 1e-12,                                                                                       \
         .high = 1e12,                                                                                       \
         .help = "learning rate [0.01 for adam, 0.1 for sgd]"},                                              \
        {.name = "lr-steps",                                                                                 \
         .kind = CLI_TEXT,                                                                                   \
         .destination = &(t).rate_steps,                                                                     \
         .argument = "E,E,..",                                                                               \
         .help = "multiply the rate by --lr-factor after these epochs"},                                     \
        {.name = "lr-factor",                                                                                \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(t).rate_factor,                                                                    \
         .argument = "F",                                                                                    \
         .low = 1e-6,                                                                                        \
         .high = 1,                                                                                          \
         .needs = "lr-steps",                                                                                \
         .help = "see --lr-steps"},                                                                          \
        {.name = "momentum",                                                                                 \
         .kind = CLI_NUMBER,                                                                                 \
         .destination = &(t).momentum,                                                                       \
         .argument = "M",                                                                                    \
         .high = 0.9999,                                                                                     \
         .needs = "optimizer=sgd",                                                                           \
         .help = "of sgd"},                                                                                  \
        {.name = "batch",                                                                                    \
         .kind = CLI_COUNT,                                                                                  \
         .destination = &(t).batch,                                                                          \
         .argument = "N",                                                                                    \
         .high = 1e6,                                                                                        \
         .help = "rows a step"},                                                                             \
        {.name = "epochs",                                                                                   \
         .kind = CLI_COUNT,                                                                                  \
         .destination = &(t).epochs,                                                                         \
         .argument = "N",                                                                                    \
         .help = "passes over the training rows"},                                                           \
    {                                                                                                        \
        .name = "patience", .kind = CLI_COUNT, .destination = &(t).patience, .argument = "N",                \
        .help = "stop when the training loss has not improved for N epochs"                                  \
    }

/* What the options ask for, with the seed of program->common; loss and batch fit once the data are known. Puts
 * the usual rate and the rounding of the method into `set`, so that the recorded command has them. 0, or
 * CLI_USAGE after saying why not. */
int qnn_parse_training(const cli_program *program, qnn_training_settings *set, qntk_train_options *options);

/* The loss for data of so many classes (0: a number), and a batch of no more than the n training rows. QNTK_INVALID,
 * naming the data, for a loss of classes where there are none. */
qntk_status qnn_fit_training(const qnn_training_settings *set, const char *name, size_t n, size_t classes,
                             qntk_train_options *options);

#endif
