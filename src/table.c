/* The head of a result, and TSV. */
#include "internal.h"

#include "qntk/table.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void qntk_format_number(double value, int digits, char text[QNTK_NUMBER_BYTES])
{
    if (isnan(value)) { /* printf shows the sign of a NaN */
        snprintf(text, QNTK_NUMBER_BYTES, "nan");
        return;
    }
    snprintf(text, QNTK_NUMBER_BYTES, "%.*g", digits, value);
    const char *point = localeconv()->decimal_point;
    char *found = point[0] == '.' ? NULL : strstr(text, point);
    if (found != NULL) {
        *found = '.';
        memmove(found + 1, found + strlen(point), strlen(found + strlen(point)) + 1);
    }
}

void qntk_format_shortest(double value, char text[QNTK_NUMBER_BYTES])
{
    int digits = 15; /* 0.1 stays 0.1; 17 give every double back */
    for (; digits < 17; digits++) {
        snprintf(text, QNTK_NUMBER_BYTES, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    qntk_format_number(value, digits, text);
}

static qntk_status add(qntk_meta *meta, const char *key, const char *value, bool quoted)
{
    for (size_t i = 0; i < meta->count; i++)
        if (strcmp(meta->item[i].key, key) == 0)
            return qntk_fail(QNTK_INVALID, "qntk_meta: the key %s is there already", key);
    void *item = meta->item;
    qntk_status status = qntk_grow(&item, &meta->capacity, meta->count + 1, sizeof *meta->item);
    meta->item = item;
    if (status != QNTK_OK)
        return status;
    struct qntk_meta_item entry = {qntk_copy_string(key), qntk_copy_string(value), quoted};
    if (entry.key == NULL || entry.value == NULL) {
        qntk_free(entry.key);
        qntk_free(entry.value);
        return QNTK_NO_MEMORY;
    }
    meta->item[meta->count++] = entry;
    return QNTK_OK;
}

qntk_status qntk_meta_text(qntk_meta *meta, const char *key, const char *value)
{
    return add(meta, key, value, true);
}

qntk_status qntk_meta_count(qntk_meta *meta, const char *key, uint64_t value)
{
    char text[QNTK_NUMBER_BYTES];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return add(meta, key, text, false);
}

qntk_status qntk_meta_number(qntk_meta *meta, const char *key, double value)
{
    char text[QNTK_NUMBER_BYTES];
    qntk_format_shortest(value, text);
    return add(meta, key, text, false);
}

/* True if a shell takes the word as it stands. */
static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%^";
    return word[0] != '\0' && strspn(word, plain) == strlen(word);
}

/* Appends a word to *at, between single quotes where needed; a quote inside becomes '\''. */
static void append_word(char **at, const char *word)
{
    char *out = *at;
    bool plain = is_plain(word);
    if (!plain)
        *out++ = '\'';
    for (; *word != '\0'; word++) {
        *out++ = *word;
        if (*word == '\'') {
            memcpy(out, "\\''", 3);
            out += 3;
        }
    }
    if (!plain)
        *out++ = '\'';
    *at = out;
}

qntk_status qntk_meta_command(qntk_meta *meta, size_t count, char *const *arguments)
{
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++)
        bytes += 4 * strlen(arguments[i]) + 3; /* every character a quote, two quotes around, a space */
    char *line = qntk_alloc(bytes, 1);
    if (line == NULL)
        return QNTK_NO_MEMORY;
    char *end = line;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *end++ = ' ';
        append_word(&end, arguments[i]);
    }
    *end = '\0';
    qntk_status status = qntk_meta_text(meta, "version", qntk_version());
    if (status == QNTK_OK)
        status = qntk_meta_text(meta, "command", line);
    qntk_free(line);
    return status;
}

void qntk_meta_free(qntk_meta *meta)
{
    for (size_t i = 0; i < meta->count; i++) {
        qntk_free(meta->item[i].key);
        qntk_free(meta->item[i].value);
    }
    qntk_free(meta->item);
    *meta = (qntk_meta){0};
}

static qntk_status write_escaped(qntk_file *file, const char *text)
{
    static const char special[] = "\t\n\r\\", letter[] = "tnr\\";
    qntk_status status = QNTK_OK;
    while (*text != '\0' && status == QNTK_OK) {
        size_t plain = strcspn(text, special);
        status = qntk_file_write(file, text, plain);
        text += plain;
        if (*text != '\0' && status == QNTK_OK) {
            status = qntk_file_printf(file, "\\%c", letter[strchr(special, *text) - special]);
            text++;
        }
    }
    return status;
}

qntk_status qntk_table_note(qntk_file *file, const char *key, const char *value)
{
    /* The file remembers a failure: the last result tells of any. */
    qntk_file_write(file, "# ", 2);
    write_escaped(file, key);
    qntk_file_write(file, "=", 1);
    write_escaped(file, value);
    return qntk_file_write(file, "\n", 1);
}

qntk_status qntk_table_head(qntk_file *file, const qntk_meta *meta)
{
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < meta->count && status == QNTK_OK; i++)
        status = qntk_table_note(file, meta->item[i].key, meta->item[i].value);
    return status;
}

qntk_status qntk_table_columns(qntk_file *file, const qntk_column *columns)
{
    for (const qntk_column *column = columns; column->name != NULL; column++)
        qntk_file_printf(file, column == columns ? "%s" : "\t%s", column->name);
    return qntk_file_write(file, "\n", 1);
}

qntk_status qntk_table_row(qntk_file *file, const qntk_column *columns, const qntk_cell *cells)
{
    for (size_t i = 0; columns[i].name != NULL; i++) {
        if (i > 0)
            qntk_file_write(file, "\t", 1);
        if (columns[i].digits > 0) {
            char text[QNTK_NUMBER_BYTES];
            qntk_format_number(cells[i].number, columns[i].digits, text);
            qntk_file_write(file, text, strlen(text));
        } else if (cells[i].text != NULL) {
            write_escaped(file, cells[i].text);
        }
    }
    return qntk_file_write(file, "\n", 1);
}
