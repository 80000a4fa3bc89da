/* Many data sets: finding them, running methods on each, going on from an earlier result, and the three forms of the
 * result. kernel-compare --suite and qnn suite are made of it. */
#ifndef SUITE_H
#define SUITE_H

#include <stdio.h>

#include "cli.h"

enum { SUITE_REASON = 512 };

/* One method, a kernel or a network, on one set: a row of the result. */
typedef struct {
    bool present;
    char params[QNTK_STUDY_PARAMS];
    double ridge, train, test, gap, seconds; /* ridge 0: none */
} suite_row;

typedef enum {
    SUITE_WAITING,
    SUITE_COMPLETE, /* all rows are present */
    SUITE_SKIPPED,  /* for the reason given */
    SUITE_FAILED
} suite_state;

typedef struct {
    char *name, *path;
    suite_state state;
    char reason[SUITE_REASON];
    qntk_dataset data; /* while it waits */
    suite_row *row;    /* (methods) */
} suite_set;

/* Runs `count` methods, numbers method[0] < method[1] < .., on a set: result (count). Serial where it is called
 * inside a parallel loop. A failure with a text in skip[] is no fault of the set's: it is skipped for that reason. */
typedef qntk_status (*suite_method_run)(void *context, const qntk_dataset *data, size_t count,
                                        const size_t *method, suite_row *result, char skip[SUITE_REASON]);

typedef struct {
    const char *command, *directory; /* "kernel-compare --suite", DIR */
    size_t max_n;
    bool resume;
    qntk_meta meta; /* the head */
    size_t methods;
    const char *const *method; /* (methods) names, the column `kernel` */
    suite_method_run run;
    void *context;
    double (*cost)(
        const qntk_dataset *data); /* of a set, in any unit, for the progress; NULL: that of kernels */
    /* of suite_run */
    size_t count;
    suite_set *set; /* (count), in the order of their names */
} suite;

/* Adds to s->meta what the results of all commands begin with. */
qntk_status suite_meta(suite *s, const cli_program *program);

/* Adds "key=1,2,3 unit" to s->meta. */
qntk_status suite_meta_grid(suite *s, const char *key, size_t count, const double *values, const char *unit);

/* The whole: reads the sets, runs what is missing, writes what is complete at once, and tells. Frees all but the
 * names. Returns the exit code. */
int suite_run(const cli_program *program, suite *s);

/* A usage error, and its exit code, if a kernel of --kernel is a matrix; else 0. */
int suite_check_kernels(const cli_program *program);

/* Adds the grids of kernels to s->meta. */
qntk_status suite_meta_kernels(suite *s, const qntk_study_options *options);

/* qntk_study_set for `count` of the kernels, with numbers method[i], as rows of a result. */
qntk_status suite_kernels(const qntk_dataset *data, size_t count, const size_t *method,
                          const qntk_kernel *kernels, qntk_study_options options, suite_row *result);

/* How many sets are in this state. */
size_t suite_count(const suite *s, suite_state state);

/* Writes the rows there are to common->out in common->format; its summary is of the complete sets. */
qntk_status suite_write(const suite *s, const cli_common *common);

/* Of the rows. */
const qntk_column *suite_columns(void);

/* Draws common->plot, of the complete sets. */
qntk_status suite_draw(const suite *s, const cli_common *common);

/* The table for people. */
void suite_print(const suite *s, FILE *stream);

/* A result can be written there again and again: no pipe, no device. */
bool suite_can_be_replaced(const char *path);

/* Puts the rows of an earlier result in common->out where they belong; a file that is not there has none. The
 * settings in its head must be those of s->meta, the command excepted. */
qntk_status suite_resume(suite *s, const cli_common *common);

#endif
