/* Moments in the layers of one network, before and after training, and how they leave qnn validate. */
#ifndef QNN_VALIDATE_LAYERS_H
#define QNN_VALIDATE_LAYERS_H

#include "qnn_validate.h"

enum { VALIDATE_STAGES = 2 };

typedef struct {
    const char *when;
    qntk_validation v;
} validate_stage;

typedef struct {
    const validate_settings *set;
    validate_rows rows;
    size_t stages;
    validate_stage stage[VALIDATE_STAGES];
    size_t epochs; /* of the model */
    qntk_meta meta;
} validate_layers;

/* Writes the stages there are to --out and, with --plot, draws them. */
qntk_status validate_layers_write(const validate_layers *j);

/* The tables for people, and what they say. */
void validate_layers_print(const validate_layers *j, FILE *stream);

#endif
