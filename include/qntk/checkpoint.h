/* A trained network with all it takes to go on training or to answer for new rows, in one file.
 *
 * Format 2, in the byte order of the machine: "QNTKNET\n", version and byte order mark (32 bits each), then in
 * this order options, shapes with activations, latent weights and biases, moments of the optimizer, steps and epochs, how rows
 * become inputs, names, the log; last the CRC-32 of all before it. The rounded weights are not there: step,
 * seed and latent weights give the same ones again. Format 1, which knew no activation but the ReLU, is read too. */
#ifndef QNTK_CHECKPOINT_H
#define QNTK_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/network.h"
#include "qntk/status.h"
#include "qntk/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the log says of an epoch. Accuracies (classes) or mean squared errors; test NaN: not measured. */
typedef struct {
    double loss, train, test, rate;
} qntk_train_record;

/* Starts at {0}. Must stay where it is once it has a trainer, which points to the network. */
typedef struct {
    qntk_network network;
    qntk_trainer *trainer;
    /* inputs of the network from a row of data: (x - shift) scale, then, for `sphere`, to norm sqrt(d) */
    size_t features;
    double *shift, *scale; /* (features) */
    bool sphere;
    char **feature_name; /* (features), or NULL */
    /* answers from outputs: a class, or output target_scale + target_shift */
    size_t classes;    /* 0: numbers */
    char **class_name; /* (classes), or NULL */
    double target_shift, target_scale;
    /* the rows it was trained on: a fingerprint, so that it goes on with the same ones only */
    uint32_t fingerprint;
    size_t epochs;
    qntk_train_record *log; /* (epochs) */
    size_t log_room;
} qntk_checkpoint;

/* Frees everything and zeroes it. */
void qntk_checkpoint_free(qntk_checkpoint *checkpoint);

/* X (n, features), inputs of the network, from rows of data. QNTK_INVALID, with the row, if one has no
 * direction on the sphere. */
qntk_status qntk_checkpoint_inputs(const qntk_checkpoint *checkpoint, size_t n, const double *rows, float *X);

/* Appends to the log. QNTK_NO_MEMORY. */
qntk_status qntk_checkpoint_record(qntk_checkpoint *checkpoint, qntk_train_record record);

/* A fingerprint of numbers: CRC-32 of their bytes, continuing `before` (0 at the start). */
uint32_t qntk_checkpoint_fingerprint(uint32_t before, size_t count, const double *values);

/* Writes the file, whole or not at all. What qntk_file_open and qntk_file_commit return. */
qntk_status qntk_checkpoint_save(const char *path, const qntk_checkpoint *checkpoint);

/* Reads it: what is trained from here is, to the byte, what would have been trained without stopping.
 * QNTK_IO; QNTK_FORMAT: no such file, another version or byte order, damaged or cut short (the message says
 * which); QNTK_TOO_LARGE, QNTK_NO_MEMORY. */
qntk_status qntk_checkpoint_load(const char *path, qntk_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif
