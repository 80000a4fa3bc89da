/* The fields of a table of text, one after the other: quotes, white space, line ends. */
#ifndef QNTK_DATASET_CSV_FIELDS_H
#define QNTK_DATASET_CSV_FIELDS_H

#include "dataset_internal.h"

/* A place in the text, at the beginning of a field or of a row. */
typedef struct {
    const char *at;
    size_t line;
    char delimiter;
    const char *path;
} qntk_csv_cursor;

/* A field where it stands, without its quotes and the white space around it. */
typedef struct {
    const char *text;
    size_t size;
    size_t line;
    bool doubled; /* holds doubled quotes */
    bool last;    /* ends its row */
} qntk_csv_field;

static inline bool qntk_csv_is_line_end(char c)
{
    return c == '\n' || c == '\r' || c == '\0';
}

/* Behind a line end; at the end of the text stays there. */
static inline void qntk_csv_next_line(qntk_csv_cursor *c)
{
    if (*c->at == '\0')
        return;
    c->at += c->at[0] == '\r' && c->at[1] == '\n' ? 2 : 1;
    c->line++;
}

/* To the first field of the next row; false at the end. */
bool qntk_csv_next_row(qntk_csv_cursor *c);

/* The field at the cursor, which moves to the next field or, after the last one, to the next line.
 * QNTK_FORMAT for a quote that is not closed, or closed within a field. */
qntk_status qntk_csv_next_field(qntk_csv_cursor *c, qntk_csv_field *out);

#endif
