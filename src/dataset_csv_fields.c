/* See dataset_csv_fields.h; the rules stand in dataset_csv.c. */
#include "dataset_csv_fields.h"

/* White space that is not the delimiter. */
static inline bool is_blank(char c, char delimiter)
{
    return c == ' ' || (c == '\t' && delimiter != '\t');
}

static inline const char *skip_blanks(const char *at, char delimiter)
{
    while (is_blank(*at, delimiter))
        at++;
    return at;
}

bool qntk_csv_next_row(qntk_csv_cursor *c)
{
    for (;;) {
        const char *at = skip_blanks(c->at, c->delimiter);
        if (*at == '\0')
            return false;
        if (!qntk_csv_is_line_end(*at)) {
            if (c->delimiter == ' ')
                c->at = at;
            return true;
        }
        c->at = at;
        qntk_csv_next_line(c);
    }
}

/* The text between quotes; c->at behind the closing one. */
static qntk_status read_quoted(qntk_csv_cursor *c, qntk_csv_field *out)
{
    const char *at = c->at + 1;
    out->text = at;
    for (;; at++) {
        if (*at == '\0')
            return qntk_fail(QNTK_FORMAT, "%s:%zu: expected a closing quote, found the end of the file",
                             c->path, out->line);
        if (*at == '"') {
            if (at[1] != '"')
                break;
            out->doubled = true;
            at++;
        } else if (*at == '\n' || (*at == '\r' && at[1] != '\n')) {
            c->line++;
        }
    }
    out->size = (size_t)(at - out->text);
    c->at = skip_blanks(at + 1, c->delimiter);
    char shown[QNTK_SHOWN];
    bool separated = c->delimiter == ' ' && c->at > at + 1;
    if (*c->at != c->delimiter && !qntk_csv_is_line_end(*c->at) && !separated)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: expected a delimiter behind the closing quote, found '%s'",
                         c->path, c->line, qntk_shown(c->at, 1, shown));
    return QNTK_OK;
}

static inline void read_plain(qntk_csv_cursor *c, qntk_csv_field *out)
{
    const char *at = c->at, delimiter = c->delimiter;
    out->text = at;
    if (delimiter == ' ') {
        while (!is_blank(*at, delimiter) && !qntk_csv_is_line_end(*at))
            at++;
        out->size = (size_t)(at - out->text);
        c->at = skip_blanks(at, delimiter);
        return;
    }
    while (*at != delimiter && !qntk_csv_is_line_end(*at))
        at++;
    c->at = at;
    while (at > out->text && is_blank(at[-1], delimiter))
        at--;
    out->size = (size_t)(at - out->text);
}

qntk_status qntk_csv_next_field(qntk_csv_cursor *c, qntk_csv_field *out)
{
    c->at = skip_blanks(c->at, c->delimiter);
    *out = (qntk_csv_field){.line = c->line};
    if (*c->at == '"') {
        qntk_status status = read_quoted(c, out);
        if (status != QNTK_OK)
            return status;
    } else {
        read_plain(c, out);
    }
    out->last = qntk_csv_is_line_end(*c->at);
    if (out->last)
        qntk_csv_next_line(c);
    else if (c->delimiter != ' ')
        c->at++;
    return QNTK_OK;
}
