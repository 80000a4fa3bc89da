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

/* The end of a run (see cli_result_end), of the stages there are. */
int validate_layers_end(const cli_program *program, qntk_status status, const validate_layers *j);

#endif
