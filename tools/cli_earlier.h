/* An earlier result of a program, from which it goes on: --resume. */
#ifndef CLI_EARLIER_H
#define CLI_EARLIER_H

#include "cli.h"

enum { CLI_EARLIER_COLUMNS = 64 }; /* at the most */

typedef struct {
    const char *program;                 /* for messages: "qnn suite" */
    const qntk_meta *meta;               /* the head of the present run */
    bool (*may_differ)(const char *key); /* besides the command; NULL: no setting may */
    const qntk_column *columns;          /* of the rows, ended by a NULL name */
    const char *rows;                    /* the array of a JSON result that holds them */
    bool appended; /* line by line: a last line without its newline was being written, and is left out */

    /* One row, its fields as in a TSV, in the order of the columns. */
    qntk_status (*take)(void *context, const char *path, char *const *field);
    void *context;
} cli_earlier;

/* Gives each row of the TSV or JSON file to `take`. All settings of the head must be there as in `meta`. A file that
 * is not there or empty has no rows. */
qntk_status cli_earlier_read(const cli_earlier *earlier, const char *path, bool json);

/* QNTK_FORMAT: "path: what; remove it, or leave --resume out to start again". */
qntk_status cli_earlier_bad(const char *path, const char *what);

/* The whole text is a number, "nan" and "inf" included. */
bool cli_earlier_number(const char *text, double *value);

#endif
