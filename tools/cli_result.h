/* A result and the ways it leaves a program: a TSV or JSON file, and a picture. */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include <stdio.h>

#include "cli.h"

struct cJSON;

typedef struct {
    const char *script; /* plots/SCRIPT.gp draws it, from the TSV */
    const void *result;
    /* Errors of writing need no look: the file remembers them and they come out when it is committed. */
    void (*tsv)(qntk_file *file, const void *result);
    qntk_status (*json)(qntk_file *file, const void *result);
    void (*print)(FILE *stream, const void *result); /* for people; of use to cli_result_end alone */
} cli_result;

/* Writes it to --out in --format, and draws --plot, if given, from a TSV made for the purpose. */
qntk_status cli_result_write(const cli_common *common, const cli_result *result);

/* The end of a run that came so far: tells a failure, and what is complete, if anything is, is printed for people
 * (not with --quiet) and written all the same. The exit code. */
int cli_result_end(const cli_program *program, qntk_status status, bool complete, const cli_result *result);

/* The picture alone. */
qntk_status cli_result_draw(const cli_common *common, const cli_result *result);

/* A line "what[kernel]=.." in the head of a TSV: text; a number in 17 digits, left out if it is not finite; a list
 * of numbers, as many as fit into 4000 characters. */
void cli_note_text(qntk_file *file, const char *what, const char *kernel, const char *text);
void cli_note_number(qntk_file *file, const char *what, const char *kernel, double value);
void cli_note_list(qntk_file *file, const char *what, const char *kernel, size_t count, const double *values);

#endif
