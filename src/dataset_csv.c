/* Tables of text: comma, tab, semicolon or white space between the fields.
 *
 * Header. The first row is names if in some column it is text while everything below it is numbers (or
 * missing, but not all of it). Where every column has text below, numbers cannot decide: then it is names if
 * all its fields are text, no two are equal and none comes again in its own column. Otherwise the first row
 * is data. Delimiter. .csv comma, .tsv tab, else the one of tab, semicolon and comma that is most frequent in
 * the first row outside quotes; a first row without the expected one is looked at in the same way; without
 * any of them: white space in .txt, else a single column. Lines end in LF, CRLF or CR. Empty lines are
 * skipped, and lines that begin with '#' above the first row. A field may stand in double quotes, may then
 * hold delimiters and line ends, and a doubled quote is one quote. White space around fields is taken off,
 * not inside quotes. */
#include "dataset_csv_fields.h"

#include <math.h>
#include <string.h>

/* ---- delimiter and size ---- */

static void skip_comments(qntk_csv_cursor *c)
{
    while (qntk_csv_next_row(c) && *c->at == '#') {
        while (!qntk_csv_is_line_end(*c->at))
            c->at++;
        qntk_csv_next_line(c);
    }
}

/* How often each candidate stands in the row outside quotes. */
static void count_delimiters(const char *at, const char *candidates, size_t *count)
{
    bool quoted = false;
    for (; *at != '\0' && (quoted || !qntk_csv_is_line_end(*at)); at++) {
        const char *found = strchr(candidates, *at);
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted && found != NULL)
            count[found - candidates]++;
    }
}

static char choose_delimiter(const char *path, const char *row)
{
    static const char candidates[] = "\t;,";
    size_t count[3] = {0};
    count_delimiters(row, candidates, count);
    if (qntk_path_ends(path, ".csv") && count[2] > 0)
        return ',';
    if (qntk_path_ends(path, ".tsv") && count[0] > 0)
        return '\t';
    size_t best = 0;
    for (size_t k = 1; k < 3; k++)
        if (count[k] >= count[best])
            best = k;
    if (count[best] > 0)
        return candidates[best];
    return qntk_path_ends(path, ".csv") ? ',' : qntk_path_ends(path, ".tsv") ? '\t' : ' ';
}

static qntk_status count_fields(qntk_csv_cursor c, size_t *count)
{
    qntk_csv_field f = {0};
    qntk_status status = QNTK_OK;
    for (*count = 0; status == QNTK_OK && !f.last; ++*count)
        status = qntk_csv_next_field(&c, &f);
    return status;
}

/* No less than the number of rows: line ends, and a row of w fields takes at least w bytes. */
static size_t bound_rows(const char *text, size_t size, size_t width)
{
    size_t ends = 1;
    for (size_t i = 0; i < size; i++)
        ends += (text[i] == '\n') | ((text[i] == '\r') & (text[i + 1] != '\n'));
    return qntk_min(ends, size / width + 1);
}

/* ---- first pass: numbers, and what each column holds ---- */

typedef struct {
    size_t numbers, texts, infinite; /* below the first row */
    qntk_csv_field first_text, first_infinite;
    qntk_field_kind top; /* of the field in the first row */
    qntk_csv_field top_field;
} summary;

static void add_to_summary(summary *s, qntk_field_kind kind, const qntk_csv_field *f)
{
    if (kind == QNTK_FIELD_NUMBER) {
        s->numbers++;
    } else if (kind == QNTK_FIELD_TEXT) {
        if (s->texts++ == 0)
            s->first_text = *f;
    } else if (kind == QNTK_FIELD_INFINITE) {
        if (s->infinite++ == 0)
            s->first_infinite = *f;
    }
}

static qntk_status ragged(const qntk_raw *raw, size_t line, size_t found)
{
    return qntk_fail(QNTK_FORMAT, "%s:%zu: expected %zu field%s, found %zu", raw->path, line, raw->width,
                     raw->width == 1 ? "" : "s", found);
}

/* Reads the row at the cursor into value (width). */
static qntk_status read_row(qntk_csv_cursor *c, const qntk_raw *raw, bool first, double *value,
                            summary *column)
{
    size_t count = 0, line = c->line;
    qntk_csv_field f = {0};
    while (!f.last) {
        qntk_status status = qntk_csv_next_field(c, &f);
        if (status != QNTK_OK)
            return status;
        if (count < raw->width) {
            qntk_field_kind kind = qntk_field_parse(f.text, f.size, &value[count]);
            if (first) {
                column[count].top = kind;
                column[count].top_field = f;
            } else {
                add_to_summary(&column[count], kind, &f);
            }
        }
        count++;
    }
    return count == raw->width ? QNTK_OK : ragged(raw, line, count);
}

/* raw->n starts as the bound on the rows and becomes their number. */
static qntk_status read_rows(qntk_csv_cursor c, qntk_raw *raw, summary *column)
{
    enum { POLL = 4096 }; /* rows between looks for Ctrl-C */
    size_t rows = 0;
    qntk_status status = QNTK_OK;
    while (status == QNTK_OK && qntk_csv_next_row(&c)) {
        if (rows % POLL == 0 && qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "%s: interrupted", raw->path);
        raw->line[rows] = c.line;
        status = read_row(&c, raw, rows == 0, raw->value + rows * raw->width, column);
        rows++;
    }
    raw->n = rows;
    return status;
}

/* ---- header ---- */

static size_t unquote(const qntk_csv_field *f, char *text)
{
    size_t size = 0;
    for (size_t i = 0; i < f->size; i++) {
        text[size++] = f->text[i];
        i += f->doubled && f->text[i] == '"';
    }
    return size;
}

/* All columns hold text: do the fields of the first row differ from each other and from what is below them?
 * `scratch` has room for the whole text. */
static qntk_status first_row_is_apart(qntk_csv_cursor c, const qntk_raw *raw, char *scratch, bool *apart)
{
    qntk_category first = {0}; /* of the first row; then the number of a field tells its column */
    qntk_csv_field f = {0};
    size_t index, column = 0;
    qntk_status status = QNTK_OK;
    *apart = true;
    for (; column < raw->width && status == QNTK_OK; column++) {
        status = qntk_csv_next_field(&c, &f);
        if (status == QNTK_OK)
            status = qntk_category_add(&first, scratch, unquote(&f, scratch), &index);
        if (status == QNTK_OK && index != column)
            *apart = false;
    }
    while (status == QNTK_OK && *apart && qntk_csv_next_row(&c))
        for (column = 0; column < raw->width && status == QNTK_OK; column++) {
            status = qntk_csv_next_field(&c, &f);
            if (status == QNTK_OK && qntk_category_find(&first, scratch, unquote(&f, scratch)) == column)
                *apart = false;
        }
    qntk_category_free(&first);
    return status;
}

static qntk_status find_header(qntk_csv_cursor c, const qntk_raw *raw, const summary *column, char *scratch,
                               bool *header)
{
    bool all_texts = true;
    *header = false;
    for (size_t j = 0; j < raw->width; j++) {
        const summary *s = &column[j];
        bool numbers_below = s->texts == 0 && s->numbers + s->infinite > 0;
        *header |= numbers_below && s->top == QNTK_FIELD_TEXT;
        all_texts &= s->texts > 0 && s->top == QNTK_FIELD_TEXT;
    }
    if (raw->n == 1) {
        /* a single row: names if no field is a number */
        *header = true;
        for (size_t j = 0; j < raw->width; j++)
            *header &= column[j].top == QNTK_FIELD_TEXT;
        return QNTK_OK;
    }
    return *header || !all_texts ? QNTK_OK : first_row_is_apart(c, raw, scratch, header);
}

/* Names from the first row, which leaves the table. */
static qntk_status take_header(qntk_csv_cursor c, qntk_raw *raw, char *scratch)
{
    qntk_status status = QNTK_OK;
    qntk_csv_field f;
    for (size_t j = 0; j < raw->width && status == QNTK_OK; j++) {
        status = qntk_csv_next_field(&c, &f);
        if (status == QNTK_OK)
            status = qntk_raw_add_name(raw, f.line, scratch, unquote(&f, scratch));
    }
    if (status != QNTK_OK)
        return status;
    if (raw->n == 1)
        return qntk_fail(QNTK_FORMAT, "%s: expected rows of data below the header, found none", raw->path);
    raw->n--;
    memmove(raw->value, raw->value + raw->width, raw->n * raw->width * sizeof(double));
    memmove(raw->line, raw->line + 1, raw->n * sizeof *raw->line);
    return QNTK_OK;
}

/* ---- second pass: categories ---- */

static qntk_status odd_field(const qntk_raw *raw, size_t column, qntk_status code, const char *expected,
                             const qntk_csv_field *f)
{
    char text[QNTK_SHOWN + 16], shown[QNTK_SHOWN];
    return qntk_fail(code, "%s:%zu: %s: expected a %s, found '%s'", raw->path, f->line,
                     qntk_raw_column_text(raw, column, text), expected, qntk_shown(f->text, f->size, shown));
}

/* Decides which columns are categorical. */
static qntk_status judge_columns(qntk_raw *raw, const summary *column, bool *any)
{
    enum { NUMBERS_A_TEXT = 10 }; /* this many numbers to each text: the text is a mistake */
    *any = false;
    for (size_t j = 0; j < raw->width; j++) {
        const summary *s = &column[j];
        raw->column[j].categorical = s->texts > 0;
        *any |= s->texts > 0;
        if (s->texts > 0 && s->numbers / NUMBERS_A_TEXT >= s->texts)
            return odd_field(raw, j, QNTK_FORMAT, "number as in most rows", &s->first_text);
        if (s->texts == 0 && s->infinite > 0)
            return odd_field(raw, j, QNTK_NOT_FINITE, "finite number", &s->first_infinite);
    }
    return QNTK_OK;
}

static qntk_status number_categories(qntk_csv_cursor c, qntk_raw *raw, char *scratch)
{
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < raw->n && status == QNTK_OK && qntk_csv_next_row(&c); i++) {
        double *value = raw->value + i * raw->width, number;
        for (size_t j = 0; j < raw->width && status == QNTK_OK; j++) {
            qntk_csv_field f;
            size_t index;
            status = qntk_csv_next_field(&c, &f);
            if (status != QNTK_OK || !raw->column[j].categorical)
                continue;
            if (qntk_field_parse(f.text, f.size, &number) == QNTK_FIELD_MISSING)
                continue; /* NaN since the first pass */
            const char *text = f.text;
            size_t size = f.size;
            if (f.doubled) {
                size = unquote(&f, scratch);
                text = scratch;
            }
            status = qntk_category_add(&raw->column[j].category, text, size, &index);
            value[j] = (double)index;
        }
    }
    return status;
}

/* Categories in order instead of in order of appearance. */
static qntk_status sort_categories(qntk_raw *raw, size_t column)
{
    qntk_category *category = &raw->column[column].category, sorted = {0};
    size_t count = category->strings.count, *order = NULL, index;
    double *rank = qntk_alloc(count, sizeof *rank);
    qntk_status status = rank == NULL ? QNTK_NO_MEMORY : qntk_category_order(category, &order);
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        const char *name = qntk_category_name(category, order[k]);
        rank[order[k]] = (double)k;
        status = qntk_category_add(&sorted, name, strlen(name), &index);
    }
    for (size_t i = 0; i < raw->n && status == QNTK_OK; i++) {
        double *value = &raw->value[i * raw->width + column];
        if (!isnan(*value))
            *value = rank[(size_t)*value];
    }
    qntk_free(rank);
    qntk_free(order);
    qntk_category_free(status == QNTK_OK ? category : &sorted);
    if (status == QNTK_OK)
        *category = sorted;
    return status;
}

/* ---- all of it ---- */

/* The table is read: header, columns, categories. */
static qntk_status finish_table(qntk_csv_cursor first, qntk_csv_style style, size_t size, summary *column,
                                qntk_raw *raw)
{
    bool header = style.header, categories = false;
    char *scratch = qntk_alloc(size + 1, 1);
    qntk_status status = scratch == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK && !header)
        status = find_header(first, raw, column, scratch, &header);
    if (status == QNTK_OK && header)
        status = take_header(first, raw, scratch);
    for (size_t j = 0; j < raw->width && !header; j++)
        add_to_summary(&column[j], column[j].top, &column[j].top_field);
    if (status == QNTK_OK)
        status = qntk_raw_allocate_columns(raw);
    if (status == QNTK_OK)
        status = judge_columns(raw, column, &categories);
    if (status != QNTK_OK || !categories)
        goto done;
    qntk_csv_cursor data = first;
    qntk_csv_field f = {0};
    while (header && !f.last && status == QNTK_OK)
        status = qntk_csv_next_field(&data, &f);
    if (status == QNTK_OK)
        status = number_categories(data, raw, scratch);
    for (size_t j = 0; j < raw->width && status == QNTK_OK; j++)
        if (raw->column[j].categorical)
            status = sort_categories(raw, j);
done:
    qntk_free(scratch);
    return status;
}

qntk_status qntk_csv_parse(qntk_source *source, qntk_csv_style style, qntk_raw *raw)
{
    char *text;
    size_t size, width = 0;
    summary *column = NULL;
    qntk_status status = qntk_source_text(source, &text, &size);
    if (status != QNTK_OK)
        return status;
    qntk_csv_cursor c = {.at = text, .line = 1, .delimiter = style.delimiter, .path = raw->path};
    skip_comments(&c);
    if (c.delimiter == 0)
        c.delimiter = choose_delimiter(raw->path, c.at);
    if (!qntk_csv_next_row(&c)) {
        status = qntk_fail(QNTK_FORMAT, "%s: expected rows of data, found none", raw->path);
        goto done;
    }
    status = count_fields(c, &width);
    if (status == QNTK_OK)
        status = qntk_raw_allocate(raw, bound_rows(text, size, width), width, size);
    if (status != QNTK_OK)
        goto done;
    column = qntk_alloc_zero(width, sizeof *column);
    status = column == NULL ? QNTK_NO_MEMORY : read_rows(c, raw, column);
    if (status == QNTK_OK)
        status = finish_table(c, style, size, column, raw);
done:
    qntk_free(column);
    qntk_free(text);
    return status;
}

qntk_status qntk_csv_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw)
{
    qntk_status status = qntk_csv_parse(source, (qntk_csv_style){0}, raw);
    return status == QNTK_OK ? qntk_raw_find_target(raw, options, raw->width - 1) : status;
}
