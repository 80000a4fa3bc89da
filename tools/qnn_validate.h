/* What the parts of qnn validate share. */
#ifndef QNN_VALIDATE_H
#define QNN_VALIDATE_H

#include "qnn_network.h"

#include <stdio.h>

enum { VALIDATE_LIST_MAX = 64 };

typedef struct {
    cli_common common;
    const char *model;
    qnn_network_settings network; /* weights NULL with tangent or lazy: real, binary and ternary */
    size_t draws, inputs;         /* inputs 0: the usual number of rows */
    const char *pick;
    bool tangent, lazy;
    const char *widths, *depths;
    size_t seeds, steps;
} validate_settings;

/* Lists and laws of the command line, read. */
typedef struct {
    qnn_shape shape;     /* layers mode */
    size_t levels;       /* of --weights */
    size_t laws, law[3]; /* tangent: levels of each */
    size_t widths, tangent_width[VALIDATE_LIST_MAX];
    size_t depths, depth[VALIDATE_LIST_MAX];
    size_t picks, pick[VALIDATE_LIST_MAX];
} validate_plan;

/* Rows of the data that are used. */
typedef struct {
    char name[128];
    size_t rows, d, classes; /* of the data */
    char **class_name;       /* (classes) */
    size_t n;
    size_t *row; /* (n) which, ascending unless picked */
    double *X;   /* (n,d) */
    double *y;   /* (n) target or class number; NULL: none, or rows of a model */
} validate_rows;

void validate_rows_free(validate_rows *rows);

/* Keeps a copy of the names. */
qntk_status validate_name_classes(validate_rows *rows, size_t classes, char *const *names);

/* The rows that the options choose of X (rows->rows,d); `usual` many without --inputs. */
qntk_status validate_choose(const validate_settings *set, const validate_plan *plan, size_t usual,
                            const double *X, validate_rows *rows);

/* Reads --data and chooses. */
qntk_status validate_read(const validate_settings *set, const validate_plan *plan, size_t usual,
                          validate_rows *rows);

/* Rows through a real, linear, random layer of this width: it keeps <x,x'>/d up to 1/sqrt(width).
 * embedded (n,width). */
qntk_status validate_embed(const validate_rows *rows, size_t width, uint64_t seed, double *embedded);

/* The shape of networks behind such a layer: hidden layers of the same width, one output. sizes (depth+2), levels
 * (depth+1); returns the number of layers. */
size_t validate_tangent_shape(const validate_settings *set, size_t law, size_t depth, size_t width,
                              size_t *sizes, size_t *levels);

/* y = constant + slope x by least squares over `count` points , with the slope's standard error from their
 * scatter. */
typedef struct {
    double slope, se, constant;
} validate_line;
validate_line validate_fit(size_t count, const double *x, const double *y);

/* The modes, from the data on; the exit code. */
int validate_layers_run(const cli_program *program, const validate_settings *set, const validate_plan *plan);
int validate_lazy_run(const cli_program *program, const validate_settings *set, const validate_plan *plan);
int validate_tangent_run(const cli_program *program, const validate_settings *set, const validate_plan *plan);

#endif
