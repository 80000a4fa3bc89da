/* Results as files that explain themselves: TSV, JSON and NPY. One const table of columns per kind of result
 * prints both of the first two; qntk_meta holds what their head repeats (command, seed, n, d, ...). */
#ifndef QNTK_TABLE_H
#define QNTK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/file.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cJSON;

/* A column: its name in the TSV header and as a JSON key, and the significant digits of its numbers in TSV
 * (17 give every double back; counts stay integers up to that many digits). 0 digits: text. JSON numbers
 * always give back the same double. The last column of a table has the name NULL. */
typedef struct {
    const char *name;
    int digits;
} qntk_column;

/* A cell: the text of a text column (NULL: empty, null in JSON), the number of another (counts too: exact up
 * to 2^53). */
typedef struct {
    const char *text;
    double number;
} qntk_cell;

static inline qntk_cell qntk_cell_text(const char *text)
{
    qntk_cell cell = {text, 0};
    return cell;
}

static inline qntk_cell qntk_cell_number(double number)
{
    qntk_cell cell = {0, number};
    return cell;
}

/* What the head of a result repeats: keys in the order they were added. Starts at {0}. */
typedef struct {
    size_t count, capacity;
    struct qntk_meta_item {
        char *key;
        char *value; /* as it is printed */
        bool quoted; /* in JSON: text, not a number */
    } * item;
} qntk_meta;

/* Adds one key. A key that is there already is an error of the caller: QNTK_INVALID; QNTK_NO_MEMORY. */
qntk_status qntk_meta_text(qntk_meta *meta, const char *key, const char *value);
qntk_status qntk_meta_count(qntk_meta *meta, const char *key, uint64_t value);
qntk_status qntk_meta_number(qntk_meta *meta, const char *key, double value);

/* Adds "version" and "command", the program's arguments, each quoted for the shell where it needs to be. */
qntk_status qntk_meta_command(qntk_meta *meta, size_t count, char *const *arguments);

void qntk_meta_free(qntk_meta *meta);

/* TSV. The head: a line "# key=value" per entry; more such lines may follow from qntk_table_note. Then one
 * line of column names, then a line per row. In keys, values and texts tab, newline, carriage return and
 * backslash are written \t \n \r \\; NaN and infinities as nan, inf, -inf. The decimal point is a point in
 * any locale. All return what qntk_file_write returns. */
qntk_status qntk_table_head(qntk_file *file, const qntk_meta *meta);
qntk_status qntk_table_note(qntk_file *file, const char *key, const char *value);
qntk_status qntk_table_columns(qntk_file *file, const qntk_column *columns);
qntk_status qntk_table_row(qntk_file *file, const qntk_column *columns, const qntk_cell *cells);

/* JSON. An object with one member per entry of the head; free it with cJSON_Delete. */
qntk_status qntk_json_head(const qntk_meta *meta, struct cJSON **object);

/* Appends to `object` one member per column. NaN and infinities become null, here and below. */
qntk_status qntk_json_cells(struct cJSON *object, const qntk_column *columns, const qntk_cell *cells);

/* Appends to `array` an object with one member per column, and gives it back for further members if `row` is
 * not NULL. */
qntk_status qntk_json_row(struct cJSON *array, const qntk_column *columns, const qntk_cell *cells,
                          struct cJSON **row);

/* Appends to `object` the member `key`: an array of `count` numbers; an empty object; an empty array. */
qntk_status qntk_json_numbers(struct cJSON *object, const char *key, size_t count, const double *values);
qntk_status qntk_json_object(struct cJSON *object, const char *key, struct cJSON **member);
qntk_status qntk_json_array(struct cJSON *object, const char *key, struct cJSON **member);

/* Writes the tree as one JSON text ending in a newline. Invalid UTF-8 in strings (file names may hold it) is
 * replaced by U+FFFD. QNTK_NO_MEMORY, or what qntk_file_write returns. */
qntk_status qntk_json_write(qntk_file *file, const struct cJSON *tree);

/* NPY, version 1.0, C order, the machine's byte order. The header of a (rows,cols) array of doubles or, if
 * `single`, floats; its values follow by qntk_file_write in as many pieces as convenient. */
qntk_status qntk_npy_header(qntk_file *file, size_t rows, size_t cols, bool single);

/* Writes X (rows,cols) to `path`, whole or not at all. What qntk_file_open and qntk_file_commit return. */
qntk_status qntk_npy_write(const char *path, size_t rows, size_t cols, const double *X);
qntk_status qntk_npy_write_single(const char *path, size_t rows, size_t cols, const float *X);

#ifdef __cplusplus
}
#endif
#endif
