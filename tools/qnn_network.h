/* Options of a network's shape and weights, and what becomes of them. */
#ifndef QNN_NETWORK_H
#define QNN_NETWORK_H

#include "qnn.h"

enum { QNN_HIDDEN_MAX = 32 };

typedef struct {
    const char *hidden, *weights; /* "W,W,.."; weights NULL: binary */
    const char *activations;      /* NULL: relu */
    int first, last;              /* 0 rounded, 1 real */
    double b_std;
} qnn_network_settings;

/* Options of a fresh network, in what `n` holds, under a heading of the program, which may have --model beside them.
 * `of_weights`: help for --weights. */
#define QNN_NETWORK_OPTIONS(n, of_weights) QNN_WIDTH_OPTIONS(n, of_weights), QNN_LAYER_OPTIONS(n)

#define QNN_WIDTH_OPTIONS(n, of_weights)                                                                     \
    {.name = "hidden",                                                                                       \
     .kind = CLI_TEXT,                                                                                       \
     .destination = &(n).hidden,                                                                             \
     .argument = "W,W,..",                                                                                   \
     .against = "model|tangent|lazy",                                                                        \
     .help = "widths of the hidden layers of a fresh network"},                                              \
    {                                                                                                        \
        .name = "weights", .kind = CLI_TEXT, .destination = &(n).weights,                                    \
        .argument = "real|binary|ternary|bits=K", .against = "model", .help = (of_weights)                   \
    }

#define QNN_LAYER_OPTIONS(n)                                                                                 \
    {.name = "first",                                                                                        \
     .kind = CLI_CHOICE,                                                                                     \
     .destination = &(n).first,                                                                              \
     .choices = "rounded|real",                                                                              \
     .against = "model|tangent|lazy",                                                                        \
     .help = "weights of the first layer"},                                                                  \
        {.name = "last",                                                                                     \
         .kind = CLI_CHOICE,                                                                                 \
         .destination = &(n).last,                                                                           \
         .choices = "rounded|real",                                                                          \
         .against = "model",                                                                                 \
         .help = "weights of the readout"},                                                                  \
    {                                                                                                        \
        .name = "b-std", .kind = CLI_NUMBER, .destination = &(n).b_std, .argument = "S", .high = 1e6,        \
        .against = "model", .help = "scale of the biases; 0: none, as in the kernels"                        \
    }

/* Beside the options above, in programs that train. */
#define QNN_ACTIVATION_OPTION(n)                                                                             \
    {                                                                                                        \
        .name = "activations", .kind = CLI_TEXT, .destination = &(n).activations,                            \
        .argument = "relu|binary|ternary|bits=K",                                                            \
        .help = "of the hidden layers; K from 1 to 8: a rectifier of 2^K levels. Other than relu they want " \
                "rows of norm sqrt(d)"                                                                       \
    }

/* Layers of a network, as qntk_network_create takes them. The first and the last size are 0 until the data are
 * known. */
typedef struct {
    size_t count, sizes[QNN_HIDDEN_MAX + 2], levels[QNN_HIDDEN_MAX + 1];
    size_t activation; /* levels of the activations, 0: ReLU; as qntk_network_activate takes them */
    bool positive;
} qnn_shape;

/* Hidden layers and levels that the options ask for. 0, or CLI_USAGE after saying why not. */
int qnn_parse_shape(const cli_program *program, const qnn_network_settings *set, qnn_shape *shape);

/* Inputs and outputs of a network for data of so many features and classes (0: a number). */
void qnn_fit_shape(qnn_shape *shape, size_t features, size_t classes);

/* One for each class, or one for a number. */
size_t qnn_outputs(size_t classes);

/* A network of this shape at its start. */
qntk_status qnn_start(const qnn_shape *shape, double b_std, uint64_t seed, qntk_network *network);

/* True if the network has these layers and this scale of the biases. */
bool qnn_has_shape(const qntk_network *network, const qnn_shape *shape, double b_std);

/* The network that a saved one was at its start: of the same shape, from the same seed. */
qntk_status qnn_restart(const qntk_checkpoint *checkpoint, qntk_network *network);

#endif
