/* What the sections of qnn noise share: one network, its rows, and a list of widths in bits. */
#ifndef QNN_NOISE_H
#define QNN_NOISE_H

#include "qnn_network.h"

#include <stdio.h>

struct cJSON;

enum { NOISE_BITS_MAX = 18 }; /* 1, 1.58, 2 .. 16 and one to spare */

typedef struct {
    cli_common common;
    const char *model;
    qnn_network_settings network;
    const char *bits;
    int rounding;  /* 0 both, 1 stochastic, 2 nearest */
    int sharpness; /* of these */
    size_t draws, inputs;
} noise_settings;

enum { NOISE_SHARPNESS_MODEL, NOISE_SHARPNESS_WIDTHS };

typedef struct noise_layers noise_layers;

typedef struct {
    const noise_settings *set;
    qnn_shape shape; /* of a fresh network */
    size_t widths, levels[NOISE_BITS_MAX];
    size_t roundings;
    qntk_rounding rounding[2];
    qntk_checkpoint *c; /* the network in hand and what it says of data; a fresh one has no trainer */
    bool *rounded;      /* (layers) these are rounded to each of the widths */
    size_t *of_layer;   /* (layers) room of noise_levels */
    char name[128];
    qnn_rows rows; /* all of the data; y NULL without a target */
    size_t n;      /* of them, chosen by the seed */
    size_t *row;   /* (n) which, ascending */
    float *X;      /* (n, features) */
    qntk_meta meta;
    noise_layers *layers; /* result of each section */
    struct noise_penalty *penalty;
    struct noise_sharpness *sharpness;
} noise_job;

/* A part of the report. Each is run in turn; one that fails or is interrupted keeps what is complete. */
typedef struct {
    qntk_status (*run)(noise_job *job);
    void (*notes)(qntk_file *file, const noise_job *job); /* lines of the TSV's head; NULL: none */
    qntk_status (*json)(struct cJSON *tree, const noise_job *job);
    void (*print)(FILE *stream, const noise_job *job);
    void (*free)(noise_job *job);
} noise_section;

/* Noise layer by layer and its law; the rows of the TSV. */
extern const noise_section noise_layers_section;
void noise_layers_table(qntk_file *file, const noise_job *job);
bool noise_layers_any(const noise_job *job); /* it has rows */

/* What rounding adds to the loss; sharpness of a trained classifier. */
extern const noise_section noise_penalty_section, noise_sharpness_section;

/* The loss that the model was trained with, or the usual one. */
qntk_loss noise_loss(const noise_job *job);

/* Levels (layers) of the network for width `index`, in job->of_layer; 0: a layer that is not rounded. */
const size_t *noise_levels(const noise_job *job, size_t index);

/* Bits as they are written: 1, 1.58, 2, .. of these levels. */
double noise_bits(size_t levels);

/* "stochastic" or "nearest". */
const char *noise_rounding_name(qntk_rounding rounding);

#endif
