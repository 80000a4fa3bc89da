/* What the specification of a generator says, and the generators (dataset_generate.c). */
#ifndef QNTK_DATASET_SYNTH_H
#define QNTK_DATASET_SYNTH_H

#include "dataset_internal.h"

typedef struct {
    size_t n, d, degree, width, levels; /* those that a generator does not use are 0 */
    double noise;
} qntk_synth;

/* Fill raw with s->n points and their labels. */
qntk_status qntk_synth_sphere(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_synth_teacher(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_synth_friedman1(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_synth_spirals(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw);

#endif
