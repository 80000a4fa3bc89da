/* The grid of a sweep, read from its file. */
#include "sweep_internal.h"

#include "dataset_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name; /* of the file */
    size_t line;
    const grid_key *key;
    size_t given[QNTK_SWEEP_KEYS]; /* the line, 0: not yet */
    qntk_sweep *sweep;
} reader;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* What the key takes, for a message. */
static void expectation(const grid_key *key, char text[128])
{
    if (key->kind == GRID_CHOICES)
        snprintf(text, 128, "%s", key->choices);
    else if (key->kind == GRID_BITS)
        snprintf(text, 128, "real, 1, 1.58 or 2 to 16");
    else
        snprintf(text, 128, "a %snumber from %g to %g%s", key->kind == GRID_COUNTS ? "whole " : "", key->low,
                 key->high, key->kind == GRID_COUNTS && key->length > 0 ? " or a range A..B" : "");
}

static qntk_status bad_value(const reader *r, const char *word)
{
    char text[128], shown[QNTK_SHOWN];
    expectation(r->key, text);
    return qntk_fail(QNTK_FORMAT, "%s:%zu: %s: expected %s, found '%s'", r->name, r->line, r->key->name, text,
                     qntk_shown(word, strlen(word), shown));
}

static bool parse_choice(const char *choices, const char *word, size_t *value)
{
    const size_t length = strlen(word);
    *value = 0;
    for (const char *at = choices;; at += strcspn(at, "|") + 1, ++*value) {
        const size_t choice = strcspn(at, "|");
        if (choice == length && strncmp(at, word, length) == 0)
            return true;
        if (at[choice] == '\0')
            return false;
    }
}

/* Room for one more value, if it is new: *at, its place. */
static qntk_status find_room(reader *r, bool known, const char *word, size_t *at)
{
    const grid_key *key = r->key;
    char shown[QNTK_SHOWN];
    size_t *count = qntk_sweep_length(r->sweep, key);
    *at = 0;
    if (known)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: %s: expected different values, found '%s' twice", r->name,
                         r->line, key->name, qntk_shown(word, strlen(word), shown));
    if (count == NULL)
        return QNTK_OK;
    if (*count == QNTK_SWEEP_VALUES)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: %s: expected at most %d values", r->name, r->line, key->name,
                         QNTK_SWEEP_VALUES);
    *at = (*count)++;
    return QNTK_OK;
}

static size_t values_there(const reader *r)
{
    const size_t *count = qntk_sweep_length(r->sweep, r->key);
    return count != NULL ? *count : 0;
}

static qntk_status add_count(reader *r, size_t value, const char *word)
{
    size_t *field = qntk_sweep_field(r->sweep, r->key), at;
    bool known = false;
    for (size_t i = 0; i < values_there(r); i++)
        known = known || field[i] == value;
    qntk_status status = find_room(r, known, word, &at);
    if (status == QNTK_OK)
        field[at] = value;
    return status;
}

/* "7" or, in a list, "3..7". */
static qntk_status add_counts(reader *r, const char *word)
{
    const char *dots = r->key->length > 0 ? strstr(word, "..") : NULL;
    const size_t size = dots != NULL ? (size_t)(dots - word) : strlen(word);
    const size_t high = (size_t)r->key->high;
    size_t first, last;
    if (!qntk_parse_count(word, size, high, &first) || first < (size_t)r->key->low)
        return bad_value(r, word);
    last = first;
    if (dots != NULL && (!qntk_parse_count(dots + 2, strlen(dots + 2), high, &last) || last < first))
        return bad_value(r, word);
    qntk_status status = QNTK_OK;
    for (size_t value = first; value <= last && status == QNTK_OK; value++)
        status = add_count(r, value, word);
    return status;
}

static qntk_status add_number(reader *r, const char *word)
{
    const grid_key *key = r->key;
    double *field = qntk_sweep_field(r->sweep, key), value;
    size_t at;
    bool known = false;
    if (qntk_field_parse(word, strlen(word), &value) != QNTK_FIELD_NUMBER || value < key->low ||
        value > key->high)
        return bad_value(r, word);
    for (size_t i = 0; i < values_there(r); i++)
        known = known || field[i] == value;
    qntk_status status = find_room(r, known, word, &at);
    if (status == QNTK_OK)
        field[at] = value;
    return status;
}

static qntk_status add_word(reader *r, const char *word)
{
    size_t value;
    switch (r->key->kind) {
    case GRID_COUNTS:
        return add_counts(r, word);
    case GRID_NUMBERS:
        return add_number(r, word);
    case GRID_CHOICES:
        return parse_choice(r->key->choices, word, &value) ? add_count(r, value, word) : bad_value(r, word);
    case GRID_BITS:
        return qntk_sweep_bits_parse(word, &value) ? add_count(r, value, word) : bad_value(r, word);
    case GRID_TEXT:
        break;
    }
    return QNTK_INVALID;
}

/* The words behind the equals sign, taken apart in place. */
static qntk_status read_values(reader *r, char *at)
{
    size_t *count = qntk_sweep_length(r->sweep, r->key);
    if (count != NULL)
        *count = 0; /* the usual ones */
    qntk_status status = QNTK_OK;
    for (size_t words = 0; status == QNTK_OK; words++) {
        while (is_space(*at))
            at++;
        if (*at == '\0')
            break;
        char *word = at;
        while (*at != '\0' && !is_space(*at))
            at++;
        if (*at != '\0')
            *at++ = '\0';
        if (words > 0 && r->key->length == 0)
            return qntk_fail(QNTK_FORMAT, "%s:%zu: expected one value of '%s', found more", r->name, r->line,
                             r->key->name);
        status = add_word(r, word);
    }
    return status;
}

/* Without comment, and without space at its ends: where it begins. */
static char *trim(char *line)
{
    for (char *at = line; *at != '\0'; at++)
        if (*at == '#' && (at == line || is_space(at[-1]))) {
            *at = '\0';
            break;
        }
    while (is_space(*line))
        line++;
    size_t length = strlen(line);
    while (length > 0 && is_space(line[length - 1]))
        line[--length] = '\0';
    return line;
}

static qntk_status read_line(reader *r, char *line)
{
    char shown[QNTK_SHOWN];
    line = trim(line);
    if (*line == '\0')
        return QNTK_OK;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: expected 'key = value ..', found '%s'", r->name, r->line,
                         qntk_shown(line, strlen(line), shown));
    *equals = '\0';
    const char *name = trim(line);
    char *value = trim(equals + 1);
    size_t k = 0;
    while (k < QNTK_SWEEP_KEYS && strcmp(qntk_sweep_keys[k].name, name) != 0)
        k++;
    if (k == QNTK_SWEEP_KEYS)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: unknown key '%s'; qnn noise --sweep FILE --help lists them",
                         r->name, r->line, qntk_shown(name, strlen(name), shown));
    if (r->given[k] > 0)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: key '%s' is in line %zu already", r->name, r->line, name,
                         r->given[k]);
    if (*value == '\0')
        return qntk_fail(QNTK_FORMAT, "%s:%zu: expected a value of '%s', found none", r->name, r->line, name);
    r->given[k] = r->line;
    r->key = &qntk_sweep_keys[k];
    if (r->key->kind != GRID_TEXT)
        return read_values(r, value);
    char **text = qntk_sweep_field(r->sweep, r->key);
    *text = qntk_copy_string(value);
    return *text != NULL ? QNTK_OK : QNTK_FAIL_MEMORY();
}

static size_t line_of(const reader *r, const char *name)
{
    size_t k = 0;
    while (strcmp(qntk_sweep_keys[k].name, name) != 0)
        k++;
    return r->given[k];
}

/* What the keys say together. */
static qntk_status check_together(const reader *r)
{
    const qntk_sweep *s = r->sweep;
    if (s->data == NULL)
        return qntk_fail(QNTK_FORMAT, "%s: expected a line 'data = SPEC', found none", r->name);
    if (!isnan(s->split) && line_of(r, "fold") > 0)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: 'fold' means nothing with 'split'", r->name,
                         line_of(r, "fold"));
    if (s->momentum > 0 && s->optimizer != QNTK_OPTIMIZER_SGD)
        return qntk_fail(QNTK_FORMAT, "%s:%zu: 'momentum' means nothing without 'optimizer = sgd'", r->name,
                         line_of(r, "momentum"));
    return QNTK_OK;
}

/* Takes `text` apart. */
static qntk_status read_text(const char *name, char *text, qntk_sweep *sweep)
{
    reader r = {.name = name, .line = 1, .sweep = sweep};
    qntk_status status = QNTK_OK;
    *sweep = qntk_sweep_usual();
    for (char *line = text; status == QNTK_OK && *line != '\0'; r.line++) {
        char *end = line + strcspn(line, "\n"), *next = end + (*end == '\n');
        *end = '\0';
        status = read_line(&r, line);
        line = next;
    }
    if (status == QNTK_OK)
        status = check_together(&r);
    if (status != QNTK_OK)
        qntk_sweep_free(sweep);
    return status;
}

qntk_status qntk_sweep_parse(const char *name, const char *text, qntk_sweep *sweep)
{
    QNTK_REQUIRE(name != NULL && text != NULL && sweep != NULL, "no argument may be NULL");
    *sweep = (qntk_sweep){0};
    char *copy = qntk_copy_string(text);
    if (copy == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = read_text(name, copy, sweep);
    qntk_free(copy);
    return status;
}

qntk_status qntk_sweep_read(const char *path, qntk_sweep *sweep)
{
    enum { BYTES_MAX = 1 << 20 };
    QNTK_REQUIRE(path != NULL && sweep != NULL, "no argument may be NULL");
    *sweep = (qntk_sweep){0};
    qntk_source source;
    char *text = NULL;
    size_t size;
    qntk_status status = qntk_source_open(path, &source);
    if (status != QNTK_OK)
        return status;
    if (source.size > BYTES_MAX) /* compressed ones too */
        status = qntk_fail(QNTK_FORMAT, "%s: expected a grid, a text of at most 1 MiB", path);
    if (status == QNTK_OK)
        status = qntk_source_text(&source, &text, &size);
    qntk_source_close(&source);
    if (status == QNTK_OK)
        status = read_text(path, text, sweep);
    qntk_free(text);
    return status;
}

void qntk_sweep_free(qntk_sweep *sweep)
{
    qntk_free(sweep->data);
    qntk_free(sweep->target);
    qntk_free(sweep->labels);
    *sweep = (qntk_sweep){0};
}
