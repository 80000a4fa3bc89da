/* kernel-compare --suite: many data sets, and the three forms of the result. */
#ifndef COMPARE_SUITE_H
#define COMPARE_SUITE_H

#include <stdio.h>

#include "compare.h"

/* One kernel on one set: a row of the result. */
typedef struct {
    bool present;
    char params[QNTK_STUDY_PARAMS];
    double ridge, train, test, gap, seconds;
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
    char reason[512];
    qntk_dataset data; /* while it waits */
    suite_row *row;    /* (kernels) */
} suite_set;

typedef struct {
    qntk_meta meta;
    const cli_kernels *kernels;
    size_t count;
    suite_set *set; /* (count), in the order of their names */
} suite;

/* How many sets are in this state. */
size_t suite_count(const suite *s, suite_state state);

/* Writes what is complete to common->out in common->format. */
qntk_status suite_write(const suite *s, const cli_common *common);

/* Draws common->plot. */
qntk_status suite_draw(const suite *s, const cli_common *common);

/* The table for people. */
void suite_print(const suite *s, FILE *stream);

/* Puts the rows of an earlier result in common->out where they belong; a file that is not there has none. The
 * settings in its head must be those of s->meta, the command excepted. */
qntk_status suite_resume(suite *s, const cli_common *common);

#endif
