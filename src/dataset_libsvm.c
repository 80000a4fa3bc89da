/* LIBSVM: "label index:value index:value ... # comment", indices from 1 and ascending; what is left out is 0.
 * A pair "qid:N" behind the label is skipped. The number of features is the largest index. */
#include "dataset_internal.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    size_t index; /* from 0 */
    double value;
} entry;

typedef struct {
    entry *entry; /* (count) row after row */
    size_t count, capacity;
    size_t *end; /* (n) one past the entries of each row */
    size_t end_capacity;
    size_t *line; /* (n) */
    size_t line_capacity;
    double *label; /* (n) */
    size_t label_capacity;
    size_t n, d;
} sparse;

typedef struct {
    const char *at;
    size_t line;
    const char *path;
} cursor;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_end(char c)
{
    return c == '\n' || c == '\0' || c == '#';
}

static void skip_spaces(cursor *c)
{
    while (is_space(*c->at))
        c->at++;
}

static void next_line(cursor *c)
{
    c->at += strcspn(c->at, "\n");
    if (*c->at == '\n') {
        c->at++;
        c->line++;
    }
}

/* Characters up to white space, the end of the line or a colon. */
static size_t token_length(const char *at)
{
    size_t length = 0;
    while (!is_space(at[length]) && !is_end(at[length]) && at[length] != ':')
        length++;
    return length;
}

static qntk_status unexpected(const cursor *c, const char *expected, const char *at)
{
    char shown[QNTK_SHOWN];
    size_t length = strcspn(at, " \t\r\n");
    if (length == 0)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: expected %s, found nothing", c->path, c->line, expected);
    return qntk_fail(QNTK_FORMAT, "%s:%zu: expected %s, found '%s'", c->path, c->line, expected,
                     qntk_shown(at, length, shown));
}

static qntk_status read_number(cursor *c, const char *what, double *value)
{
    const char *start = c->at;
    size_t length = token_length(start);
    qntk_field_kind kind = qntk_field_parse(start, length, value);
    char expected[64];
    c->at += length;
    if (kind == QNTK_FIELD_INFINITE) {
        snprintf(expected, sizeof expected, "a finite number as %s", what);
        unexpected(c, expected, start);
        return QNTK_NOT_FINITE;
    }
    bool broken = kind == QNTK_FIELD_TEXT || length == 0 || *c->at == ':';
    snprintf(expected, sizeof expected, "a number as %s", what);
    return broken ? unexpected(c, expected, start) : QNTK_OK;
}

/* Room for one more in each list that has one element a row. */
static qntk_status grow_rows(sparse *s)
{
    void *end = s->end, *line = s->line, *label = s->label;
    qntk_status status = qntk_grow(&end, &s->end_capacity, s->n + 1, sizeof *s->end);
    if (status == QNTK_OK)
        status = qntk_grow(&line, &s->line_capacity, s->n + 1, sizeof *s->line);
    if (status == QNTK_OK)
        status = qntk_grow(&label, &s->label_capacity, s->n + 1, sizeof *s->label);
    s->end = end;
    s->line = line;
    s->label = label;
    return status;
}

/* "index:value", index > *last. */
static qntk_status read_entry(cursor *c, sparse *s, size_t *last)
{
    const size_t most =
        SIZE_MAX / 64; /* nothing overflows below; the table's size is judged when it is known */
    const char *start = c->at;
    size_t length = token_length(start), index;
    if (start[length] != ':')
        return unexpected(c, "index:value", start);
    if (length == 3 && memcmp(start, "qid", 3) == 0 && *last == 0) {
        double ignored;
        c->at += 4;
        return read_number(c, "the query", &ignored);
    }
    if (!qntk_parse_count(start, length, most, &index) || index == 0)
        return unexpected(c, "an index from 1", start);
    if (index <= *last)
        return unexpected(c, "ascending indices", start);
    *last = index;
    c->at += length + 1;
    void *array = s->entry;
    qntk_status status = qntk_grow(&array, &s->capacity, s->count + 1, sizeof *s->entry);
    s->entry = array;
    if (status != QNTK_OK)
        return status;
    s->entry[s->count].index = index - 1;
    status = read_number(c, "the value", &s->entry[s->count].value);
    s->count += status == QNTK_OK;
    return status;
}

static qntk_status read_row(cursor *c, sparse *s)
{
    qntk_status status = grow_rows(s);
    if (status == QNTK_OK)
        status = read_number(c, "the label", &s->label[s->n]);
    if (status != QNTK_OK)
        return status;
    s->line[s->n] = c->line;
    size_t last = 0;
    for (skip_spaces(c); !is_end(*c->at); skip_spaces(c)) {
        status = read_entry(c, s, &last);
        if (status != QNTK_OK)
            return status;
    }
    s->d = qntk_max(s->d, last);
    s->end[s->n++] = s->count;
    return QNTK_OK;
}

static qntk_status read_rows(cursor *c, sparse *s)
{
    enum { POLL = 4096 }; /* lines between looks for Ctrl-C */
    for (; *c->at != '\0'; next_line(c)) {
        if (c->line % POLL == 1 && qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "%s: interrupted", c->path);
        skip_spaces(c);
        if (is_end(*c->at))
            continue;
        qntk_status status = read_row(c, s);
        if (status != QNTK_OK)
            return status;
    }
    return QNTK_OK;
}

/* The table of the rows that options->limit leaves. */
static qntk_status fill_table(const sparse *s, const qntk_dataset_options *options, size_t bytes,
                              qntk_raw *raw)
{
    size_t rows = s->n;
    if (options->limit > 0 && options->limit < s->n && options->missing != QNTK_MISSING_DROP) {
        rows = options->limit;
        raw->limited = true;
        qntk_status status = qntk_choose_rows(s->n, rows, options->seed, &raw->pick);
        if (status != QNTK_OK)
            return status;
    }
    qntk_status status = qntk_raw_allocate(raw, rows, s->d, bytes);
    if (status != QNTK_OK)
        return status;
    memset(raw->value, 0, rows * s->d * sizeof(double));
    for (size_t i = 0; i < rows; i++) {
        size_t row = raw->pick == NULL ? i : raw->pick[i];
        raw->line[i] = s->line[row];
        for (size_t k = row == 0 ? 0 : s->end[row - 1]; k < s->end[row]; k++)
            raw->value[i * s->d + s->entry[k].index] = s->entry[k].value;
    }
    return QNTK_OK;
}

qntk_status qntk_libsvm_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw)
{
    char *text;
    size_t size;
    sparse s = {0};
    qntk_status status = qntk_source_text(source, &text, &size);
    if (status != QNTK_OK)
        return status;
    cursor c = {.at = text, .line = 1, .path = raw->path};
    status = read_rows(&c, &s);
    if (status == QNTK_OK)
        status = fill_table(&s, options, size, raw);
    if (status == QNTK_OK)
        status = qntk_raw_use_labels(raw, options);
    if (status == QNTK_OK && raw->labelled) {
        raw->label = s.label;
        raw->label_count = s.n;
        s.label = NULL;
    }
    qntk_free(s.entry);
    qntk_free(s.end);
    qntk_free(s.line);
    qntk_free(s.label);
    qntk_free(text);
    return status;
}
