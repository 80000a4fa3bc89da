/* ARFF, the format of Weka: a header that declares the columns, then rows, dense or sparse.
 *
 * Numeric attributes are numbers; nominal ones are categorical with the categories in the declared order;
 * string and date attributes are allowed as the target only. In a sparse row "{1 x, 3 y}" (numbers from 0,
 * ascending) what is left out is 0, for a nominal attribute its first category. Keywords are not
 * case-sensitive. Lines beginning with '%' are comments. Names and values may stand in single or double
 * quotes, with backslash escapes. */
#include "dataset_internal.h"

#include <math.h>
#include <string.h>
#include <strings.h>

typedef enum { TYPE_NUMERIC, TYPE_NOMINAL, TYPE_TEXT } attribute_type;

typedef struct {
    const char *at; /* in a line that ends in LF, CR or the final zero */
    size_t line;
    const char *path;
    char *scratch; /* the token without its quotes and escapes */
    size_t size;   /* of the token */
    bool quoted;
} parser;

typedef struct {
    attribute_type *type; /* (width) */
    size_t type_capacity;
    qntk_raw_column *column; /* (width) */
    size_t column_capacity;
    size_t width;
} header;

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r' || c == '\0';
}

static void skip_blanks(parser *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static void next_line(parser *p)
{
    while (!is_line_end(*p->at))
        p->at++;
    if (*p->at == '\0')
        return;
    p->at += p->at[0] == '\r' && p->at[1] == '\n' ? 2 : 1;
    p->line++;
}

/* To the first character of the next line that is neither empty nor a comment; false at the end. */
static bool next_statement(parser *p)
{
    for (;;) {
        skip_blanks(p);
        if (*p->at == '\0')
            return false;
        if (*p->at != '%' && !is_line_end(*p->at))
            return true;
        next_line(p);
    }
}

static qntk_status unexpected(const parser *p, const char *expected)
{
    char shown[QNTK_SHOWN];
    size_t length = strcspn(p->at, "\r\n");
    if (length == 0)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: expected %s, found the end of the line", p->path, p->line,
                         expected);
    return qntk_fail(QNTK_FORMAT, "%s:%zu: expected %s, found '%s'", p->path, p->line, expected,
                     qntk_shown(p->at, length, shown));
}

/* A backslash and a letter. */
static char unescape(char c)
{
    return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

/* A quoted or plain token into scratch; a plain one ends at white space or one of `stops`. */
static qntk_status read_token(parser *p, const char *stops)
{
    skip_blanks(p);
    p->size = 0;
    p->quoted = *p->at == '"' || *p->at == '\'';
    if (!p->quoted) {
        while (!is_line_end(*p->at) && *p->at != ' ' && *p->at != '\t' && strchr(stops, *p->at) == NULL)
            p->scratch[p->size++] = *p->at++;
        p->scratch[p->size] = '\0';
        return QNTK_OK;
    }
    char quote = *p->at++;
    while (*p->at != quote) {
        if (*p->at == '\\' && !is_line_end(p->at[1])) {
            p->scratch[p->size++] = unescape(p->at[1]);
            p->at += 2;
            continue;
        }
        if (is_line_end(*p->at))
            return unexpected(p, "a closing quote");
        p->scratch[p->size++] = *p->at++;
    }
    p->at++;
    p->scratch[p->size] = '\0';
    return QNTK_OK;
}

/* ---- header ---- */

/* "{a, 'b c', d}" */
static qntk_status read_categories(parser *p, qntk_category *category)
{
    p->at++; /* the brace */
    for (;;) {
        qntk_status status = read_token(p, ",}");
        size_t before = category->strings.count, index;
        if (status == QNTK_OK && p->size == 0 && !p->quoted)
            status = unexpected(p, "a category");
        if (status == QNTK_OK)
            status = qntk_category_add(category, p->scratch, p->size, &index);
        char shown[QNTK_SHOWN];
        if (status == QNTK_OK && index != before)
            status = qntk_fail(QNTK_FORMAT, "%s:%zu: expected different categories, found '%s' twice",
                               p->path, p->line, qntk_shown(p->scratch, p->size, shown));
        if (status != QNTK_OK)
            return status;
        skip_blanks(p);
        if (*p->at == '}') {
            p->at++;
            return QNTK_OK;
        }
        if (*p->at != ',')
            return unexpected(p, "',' or '}' behind a category");
        p->at++;
    }
}

static qntk_status read_type(parser *p, attribute_type *type, qntk_category *category)
{
    skip_blanks(p);
    if (*p->at == '{') {
        *type = TYPE_NOMINAL;
        return read_categories(p, category);
    }
    const char *start = p->at;
    qntk_status status = read_token(p, "");
    if (status != QNTK_OK)
        return status;
    static const char *const numeric[] = {"numeric", "real", "integer"};
    for (size_t k = 0; k < sizeof numeric / sizeof numeric[0]; k++)
        if (strcasecmp(p->scratch, numeric[k]) == 0) {
            *type = TYPE_NUMERIC;
            return QNTK_OK;
        }
    *type = TYPE_TEXT;
    if (strcasecmp(p->scratch, "string") == 0)
        return QNTK_OK;
    if (strcasecmp(p->scratch, "date") == 0) {
        skip_blanks(p);
        return is_line_end(*p->at) ? QNTK_OK : read_token(p, ""); /* its format */
    }
    p->at = start;
    return unexpected(p, "numeric, real, integer, {categories}, string or date");
}

/* "@attribute NAME TYPE", the cursor behind the keyword. */
static qntk_status read_attribute(parser *p, header *h, qntk_raw *raw)
{
    void *type = h->type, *column = h->column;
    qntk_status status = qntk_grow(&type, &h->type_capacity, h->width + 1, sizeof *h->type);
    h->type = type;
    if (status == QNTK_OK)
        status = qntk_grow(&column, &h->column_capacity, h->width + 1, sizeof *h->column);
    h->column = column;
    if (status == QNTK_OK)
        status = read_token(p, "{");
    if (status == QNTK_OK && p->size == 0)
        status = unexpected(p, "the name of an attribute");
    if (status == QNTK_OK)
        status = qntk_raw_add_name(raw, p->line, p->scratch, p->size);
    if (status != QNTK_OK)
        return status;
    h->column[h->width] = (qntk_raw_column){0};
    h->width++;
    status = read_type(p, &h->type[h->width - 1], &h->column[h->width - 1].category);
    skip_blanks(p);
    if (status == QNTK_OK && !is_line_end(*p->at) && *p->at != '%')
        status = unexpected(p, "the end of the line");
    return status;
}

static bool take_keyword(parser *p, const char *keyword)
{
    size_t length = strlen(keyword);
    char behind = strncasecmp(p->at, keyword, length) == 0 ? p->at[length] : 'x';
    if (behind != ' ' && behind != '\t' && !is_line_end(behind))
        return false;
    p->at += length;
    return true;
}

/* Up to and with "@data". */
static qntk_status read_header(parser *p, header *h, qntk_raw *raw)
{
    while (next_statement(p)) {
        if (take_keyword(p, "@data")) {
            next_line(p);
            if (h->width == 0)
                return qntk_fail(QNTK_FORMAT, "%s:%zu: expected @attribute lines above @data, found none",
                                 p->path, p->line - 1);
            return QNTK_OK;
        }
        qntk_status status = QNTK_OK;
        if (take_keyword(p, "@attribute"))
            status = read_attribute(p, h, raw);
        else if (!take_keyword(p, "@relation"))
            status = unexpected(p, "@relation, @attribute or @data");
        if (status != QNTK_OK)
            return status;
        next_line(p);
    }
    return qntk_fail(QNTK_FORMAT, "%s:%zu: expected @data, found the end of the file", p->path, p->line);
}

/* ---- rows ---- */

/* The token in scratch as a value of column j. */
static qntk_status store_value(const parser *p, const header *h, qntk_raw *raw, size_t j, double *value)
{
    char text[QNTK_SHOWN + 16], shown[QNTK_SHOWN];
    qntk_category *category = &raw->column[j].category;
    size_t index;
    *value = NAN;
    if (!p->quoted && p->size == 1 && *p->scratch == '?')
        return QNTK_OK;
    if (h->type[j] == TYPE_NUMERIC) {
        qntk_field_kind kind = qntk_field_parse(p->scratch, p->size, value);
        if (kind == QNTK_FIELD_NUMBER || kind == QNTK_FIELD_MISSING)
            return QNTK_OK;
        return qntk_fail(kind == QNTK_FIELD_TEXT ? QNTK_FORMAT : QNTK_NOT_FINITE,
                         "%s:%zu: %s: expected a %snumber, found '%s'", p->path, p->line,
                         qntk_raw_column_text(raw, j, text), kind == QNTK_FIELD_TEXT ? "" : "finite ",
                         qntk_shown(p->scratch, p->size, shown));
    }
    if (h->type[j] == TYPE_TEXT) {
        qntk_status status = qntk_category_add(category, p->scratch, p->size, &index);
        *value = (double)index;
        return status;
    }
    index = qntk_category_find(category, p->scratch, p->size);
    if (index == SIZE_MAX)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: %s: expected one of its %zu declared categories, found '%s'",
                         p->path, p->line, qntk_raw_column_text(raw, j, text), category->strings.count,
                         qntk_shown(p->scratch, p->size, shown));
    *value = (double)index;
    return QNTK_OK;
}

static qntk_status read_dense_row(parser *p, const header *h, qntk_raw *raw, double *value)
{
    for (size_t count = 0;;) {
        qntk_status status = read_token(p, ",");
        if (status == QNTK_OK && count < raw->width)
            status = store_value(p, h, raw, count, &value[count]);
        if (status != QNTK_OK)
            return status;
        count++;
        skip_blanks(p);
        if (*p->at == ',') {
            p->at++;
            continue;
        }
        if (!is_line_end(*p->at) && *p->at != '%')
            return unexpected(p, "',' behind a value");
        if (count != raw->width)
            return qntk_fail(QNTK_FORMAT, "%s:%zu: expected %zu fields, found %zu", p->path, p->line,
                             raw->width, count);
        return QNTK_OK;
    }
}

static qntk_status read_sparse_row(parser *p, const header *h, qntk_raw *raw, double *value)
{
    memset(value, 0, raw->width * sizeof *value); /* zero is also the number of the first category */
    p->at++;
    skip_blanks(p);
    for (size_t next = 0; *p->at != '}';) {
        size_t index;
        const char *start = p->at;
        qntk_status status = read_token(p, ",}");
        if (status == QNTK_OK &&
            (!qntk_parse_count(p->scratch, p->size, raw->width - 1, &index) || index < next)) {
            p->at = start;
            status = unexpected(p, "ascending attribute numbers below the number of attributes");
        }
        if (status == QNTK_OK)
            status = read_token(p, ",}");
        if (status == QNTK_OK)
            status = store_value(p, h, raw, index, &value[index]);
        if (status != QNTK_OK)
            return status;
        next = index + 1;
        skip_blanks(p);
        if (*p->at == ',') {
            p->at++;
            skip_blanks(p);
        } else if (*p->at != '}') {
            return unexpected(p, "',' or '}' behind a value");
        }
    }
    p->at++;
    skip_blanks(p);
    return is_line_end(*p->at) || *p->at == '%' ? QNTK_OK : unexpected(p, "the end of the line");
}

static size_t count_rows(parser p)
{
    size_t rows = 0;
    for (; next_statement(&p); next_line(&p))
        rows++;
    return rows;
}

static qntk_status check_types(const header *h, const qntk_raw *raw)
{
    char text[QNTK_SHOWN + 16];
    for (size_t j = 0; j < raw->width; j++) {
        raw->column[j].categorical = h->type[j] != TYPE_NUMERIC;
        if (h->type[j] == TYPE_TEXT && j != raw->target)
            return qntk_fail(QNTK_UNSUPPORTED,
                             "%s: %s: expected numeric or nominal features, found a string or date",
                             raw->path, qntk_raw_column_text(raw, j, text));
    }
    return QNTK_OK;
}

static qntk_status read_rows(parser *p, const header *h, qntk_raw *raw)
{
    enum { POLL = 4096 }; /* rows between looks for Ctrl-C */
    bool text_target = raw->target < raw->width && h->type[raw->target] == TYPE_TEXT;
    for (size_t i = 0; i < raw->n; i++, next_line(p)) {
        next_statement(p); /* there is one: they were counted */
        if (i % POLL == 0 && qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "%s: interrupted", p->path);
        double *value = raw->value + i * raw->width;
        raw->line[i] = p->line;
        bool sparse = *p->at == '{';
        if (sparse && text_target) /* left out, it would have no value */
            return unexpected(p, "a dense row, the target being a string");
        qntk_status status = sparse ? read_sparse_row(p, h, raw, value) : read_dense_row(p, h, raw, value);
        if (status != QNTK_OK)
            return status;
    }
    return QNTK_OK;
}

qntk_status qntk_arff_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw)
{
    char *text;
    size_t size;
    header h = {0};
    qntk_status status = qntk_source_text(source, &text, &size);
    if (status != QNTK_OK)
        return status;
    parser p = {.at = text, .line = 1, .path = raw->path, .scratch = qntk_alloc(size + 1, 1)};
    status = p.scratch == NULL ? QNTK_NO_MEMORY : read_header(&p, &h, raw);
    raw->column = h.column;
    raw->width = h.width;
    if (status == QNTK_OK)
        status = qntk_raw_find_target(raw, options, raw->width - 1);
    if (status == QNTK_OK)
        status = check_types(&h, raw);
    if (status == QNTK_OK)
        status = qntk_raw_allocate(raw, count_rows(p), h.width, size);
    if (status == QNTK_OK)
        status = read_rows(&p, &h, raw);
    qntk_free(p.scratch);
    qntk_free(h.type);
    qntk_free(text);
    return status;
}
