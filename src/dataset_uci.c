/* A folder of the UCI collection as prepared by Fernandez-Delgado, Cernadas, Barro and Amorim ("Do we need
 * hundreds of classifiers to solve real world classification problems?", JMLR 15, 2014): NAME.txt
 * "n_entradas= 13" and so on: inputs, classes, files, rows NAME_R.dat          tab-separated with a header;
 * first column the row's number, last the class from 0 conxuntos.dat       two lines of row numbers from 0:
 * fit and validation half for the hyperparameters conxuntos_kfold.dat eight lines: train and test of four
 * folds A set published with a test set of its own has two data files (fich1, fich2) and no folds; its rows
 * are then put one after the other and fold 0 is this division. */
#include "dataset_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

/* ---- NAME.txt ---- */

static qntk_status read_key(const char *path, size_t line, const char *key, size_t key_size, const char *text,
                            size_t size, qntk_uci_description *d)
{
    const struct {
        const char *key;
        size_t *number;
        char *file;
    } table[] = {
        {"n_entradas", &d->inputs, NULL},  {"n_clases", &d->classes, NULL},   {"n_arquivos", &d->files, NULL},
        {"n_patrons1", &d->rows[0], NULL}, {"n_patrons2", &d->rows[1], NULL}, {"fich1", NULL, d->file[0]},
        {"fich2", NULL, d->file[1]},
    };
    const size_t most = 1000000000; /* keeps sums of these figures far from overflow */
    char shown[QNTK_SHOWN];
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        if (strlen(table[k].key) != key_size || memcmp(table[k].key, key, key_size) != 0)
            continue;
        if (table[k].number != NULL) {
            if (!qntk_parse_count(text, size, most, table[k].number) || *table[k].number == 0)
                return qntk_fail(QNTK_FORMAT, "%s:%zu: %s: expected a whole number from 1, found '%s'", path,
                                 line, table[k].key, qntk_shown(text, size, shown));
            return QNTK_OK;
        }
        if (size == 0 || size >= sizeof d->file[0] || memchr(text, '/', size) != NULL)
            return qntk_fail(QNTK_FORMAT,
                             "%s:%zu: %s: expected the name of a file in this folder, found '%s'", path, line,
                             table[k].key, qntk_shown(text, size, shown));
        memcpy(table[k].file, text, size);
        table[k].file[size] = '\0';
        return QNTK_OK;
    }
    return QNTK_OK; /* other keys say nothing that is used */
}

static const char *trim(const char *text, const char *end, size_t *size)
{
    while (text < end && strchr(" \t\r", *text) != NULL)
        text++;
    while (end > text && strchr(" \t\r", end[-1]) != NULL)
        end--;
    *size = (size_t)(end - text);
    return text;
}

static qntk_status check_description(const char *path, const qntk_uci_description *d)
{
    const char *lacks = d->inputs == 0                           ? "n_entradas"
                        : d->classes == 0                        ? "n_clases"
                        : d->rows[0] == 0                        ? "n_patrons1"
                        : d->file[0][0] == '\0'                  ? "fich1"
                        : d->files == 2 && d->file[1][0] == '\0' ? "fich2"
                        : d->files == 2 && d->rows[1] == 0       ? "n_patrons2"
                                                                 : NULL;
    if (lacks != NULL)
        return qntk_fail(QNTK_FORMAT, "%s: expected a line '%s=', found none", path, lacks);
    if (d->files > 2)
        return qntk_fail(QNTK_FORMAT, "%s: expected n_arquivos of 1 or 2, found %zu", path, d->files);
    return QNTK_OK;
}

qntk_status qntk_uci_describe(qntk_source *source, qntk_uci_description *description)
{
    char *text;
    size_t size;
    *description = (qntk_uci_description){.files = 1};
    qntk_status status = qntk_source_text(source, &text, &size);
    if (status != QNTK_OK)
        return status;
    size_t line = 1;
    for (const char *at = text; *at != '\0' && status == QNTK_OK; line++) {
        const char *end = at + strcspn(at, "\n"), *equal = memchr(at, '=', (size_t)(end - at));
        if (equal != NULL) {
            size_t key_size, value_size;
            const char *key = trim(at, equal, &key_size), *value = trim(equal + 1, end, &value_size);
            status = read_key(source->path, line, key, key_size, value, value_size, description);
        }
        at = end + (*end == '\n');
    }
    qntk_free(text);
    return status == QNTK_OK ? check_description(source->path, description) : status;
}

/* ---- row lists ---- */

typedef struct {
    const char *path;
    const char *at;
    size_t line;
    size_t n;            /* rows there are */
    unsigned char *seen; /* (n) which list of the split at hand a row is in: 1 or 2 */
} list_parser;

static bool next_list(list_parser *p)
{
    for (;;) {
        p->at += strspn(p->at, " \t\r");
        if (*p->at == '\0')
            return false;
        if (*p->at != '\n')
            return true;
        p->at++;
        p->line++;
    }
}

/* The numbers of this line, each a row not seen in this split. */
static qntk_status read_list(list_parser *p, unsigned char mark, size_t **rows, size_t *count)
{
    char shown[QNTK_SHOWN];
    if (!next_list(p))
        return qntk_fail(QNTK_FORMAT, "%s:%zu: expected a line of row numbers, found the end of the file",
                         p->path, p->line);
    size_t *list = qntk_alloc(p->n, sizeof *list), used = 0;
    *rows = list;
    if (list == NULL)
        return QNTK_NO_MEMORY;
    for (; *p->at != '\n' && *p->at != '\0'; p->at += strspn(p->at, " \t\r")) {
        size_t length = strcspn(p->at, " \t\r\n"), row;
        if (!qntk_parse_count(p->at, length, p->n - 1, &row))
            return qntk_fail(QNTK_FORMAT, "%s:%zu: expected a row number from 0 to %zu, found '%s'", p->path,
                             p->line, p->n - 1, qntk_shown(p->at, length, shown));
        if (p->seen[row] != 0)
            return qntk_fail(QNTK_FORMAT, "%s:%zu: expected each row at most once, found row %zu %s", p->path,
                             p->line, row, p->seen[row] == mark ? "twice" : "in train and test");
        p->seen[row] = mark;
        list[used++] = row; /* used <= n: no row comes twice */
        p->at += length;
    }
    *count = used;
    return QNTK_OK;
}

static qntk_status read_split(list_parser *p, qntk_split *split)
{
    memset(p->seen, 0, p->n);
    qntk_status status = read_list(p, 1, &split->train, &split->train_count);
    return status == QNTK_OK ? read_list(p, 2, &split->test, &split->test_count) : status;
}

/* Splits of n rows from the file: exactly `count`. */
static qntk_status read_splits(qntk_source *source, size_t n, qntk_split *split, size_t count)
{
    char *text;
    size_t size;
    qntk_status status = qntk_source_text(source, &text, &size);
    if (status != QNTK_OK)
        return status;
    list_parser p = {.path = source->path, .at = text, .line = 1, .n = n, .seen = qntk_alloc(n, 1)};
    if (p.seen == NULL)
        status = QNTK_NO_MEMORY;
    for (size_t k = 0; k < count && status == QNTK_OK; k++)
        status = read_split(&p, &split[k]);
    if (status == QNTK_OK && next_list(&p))
        status = qntk_fail(QNTK_FORMAT, "%s:%zu: expected %zu lines of row numbers, found more", p.path,
                           p.line, 2 * count);
    qntk_free(p.seen);
    qntk_free(text);
    return status;
}

/* ---- data ---- */

/* Takes the first column, the row's number, out of the table. */
static void remove_first_column(qntk_raw *raw)
{
    size_t width = raw->width - 1;
    for (size_t i = 0; i < raw->n; i++)
        memmove(raw->value + i * width, raw->value + i * raw->width + 1, width * sizeof(double));
    qntk_category_free(&raw->column[0].category);
    memmove(raw->column, raw->column + 1, width * sizeof *raw->column);
    raw->width = width;
}

/* The last column holds classes from 0. */
static qntk_status check_classes(const qntk_raw *raw, size_t classes)
{
    for (size_t i = 0; i < raw->n; i++) {
        double y = raw->value[i * raw->width + raw->width - 1];
        char place[QNTK_PLACE];
        if (!(y >= 0 && y < (double)classes && y == floor(y)))
            return qntk_fail(QNTK_FORMAT, "%s: expected a class from 0 to %zu, found %g",
                             qntk_raw_place(raw, i, place), classes - 1, y);
    }
    return QNTK_OK;
}

/* One data file into the table, checked against the description. */
static qntk_status read_data(qntk_source *source, const qntk_uci_description *d, size_t rows, qntk_raw *raw)
{
    char text[QNTK_SHOWN + 16];
    qntk_status status = qntk_csv_parse(source, (qntk_csv_style){.delimiter = '\t', .header = true}, raw);
    if (status != QNTK_OK)
        return status;
    if (raw->width != d->inputs + 2)
        return qntk_fail(QNTK_FORMAT, "%s:1: expected %zu fields (row number, %zu inputs, class), found %zu",
                         raw->path, d->inputs + 2, d->inputs, raw->width);
    if (raw->n != rows)
        return qntk_fail(QNTK_FORMAT, "%s: expected %zu rows, found %zu", raw->path, rows, raw->n);
    for (size_t j = 1; j < raw->width; j++)
        if (raw->column[j].categorical)
            return qntk_fail(QNTK_FORMAT, "%s: %s: expected numbers, found text", raw->path,
                             qntk_raw_column_text(raw, j, text));
    remove_first_column(raw);
    return check_classes(raw, d->classes);
}

/* The names without the first one, which belongs to the row numbers. */
static qntk_status rename_columns(qntk_raw *raw)
{
    qntk_category old = raw->names;
    raw->names = (qntk_category){0};
    qntk_status status = QNTK_OK;
    for (size_t j = 1; j < old.strings.count && status == QNTK_OK; j++) {
        const char *name = qntk_category_name(&old, j);
        status = qntk_raw_add_name(raw, 1, name, strlen(name));
    }
    qntk_category_free(&old);
    return status;
}

/* Rows of `more` behind those of raw. */
static qntk_status append_rows(qntk_raw *raw, const qntk_raw *more)
{
    size_t n = raw->n + more->n;
    double *value = qntk_alloc(n * raw->width, sizeof *value);
    if (value == NULL)
        return QNTK_NO_MEMORY;
    memcpy(value, raw->value, raw->n * raw->width * sizeof *value);
    memcpy(value + raw->n * raw->width, more->value, more->n * raw->width * sizeof *value);
    qntk_free(raw->value);
    qntk_free(raw->line); /* of two files: rows are told by number */
    raw->value = value;
    raw->line = NULL;
    raw->n = n;
    return QNTK_OK;
}

/* fold[0]: rows 0 .. train-1 and the rest. */
static qntk_status divide(size_t train, size_t n, qntk_split *split)
{
    split->train = qntk_alloc(train, sizeof *split->train);
    split->test = qntk_alloc(n - train, sizeof *split->test);
    if (split->train == NULL || split->test == NULL)
        return QNTK_NO_MEMORY;
    split->train_count = train;
    split->test_count = n - train;
    for (size_t i = 0; i < n; i++)
        *(i < train ? &split->train[i] : &split->test[i - train]) = i;
    return QNTK_OK;
}

static qntk_status add_test_set(qntk_source *source, const qntk_uci_description *description, qntk_raw *raw)
{
    qntk_raw more = {.path = source->path};
    qntk_status status = read_data(source, description, description->rows[1], &more);
    if (status == QNTK_OK)
        status = append_rows(raw, &more);
    qntk_raw_free(&more);
    if (status == QNTK_OK)
        status = divide(description->rows[0], raw->n, &raw->fold[0]);
    raw->folds = 1;
    raw->own_test = true;
    return status;
}

/* The class becomes the label, as it is never a feature. */
static qntk_status split_off_class(qntk_raw *raw)
{
    size_t width = raw->width - 1;
    raw->label = qntk_alloc(raw->n, sizeof *raw->label);
    if (raw->label == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < raw->n; i++) {
        const double *value = raw->value + i * raw->width;
        raw->label[i] = value[width];
        memmove(raw->value + i * width, value, width * sizeof(double));
    }
    raw->label_count = raw->n;
    qntk_category_free(&raw->column[width].category);
    raw->width = width;
    return QNTK_OK;
}

qntk_status qntk_uci_parse(qntk_uci_files *files, const qntk_uci_description *description,
                           const qntk_dataset_options *options, qntk_raw *raw)
{
    raw->path = files->data.path;
    qntk_status status = read_data(&files->data, description, description->rows[0], raw);
    if (status == QNTK_OK)
        status = rename_columns(raw);
    if (status == QNTK_OK)
        status = read_splits(&files->pair, raw->n, &raw->validation, 1);
    if (status == QNTK_OK && description->files == 2) {
        status = add_test_set(&files->test, description, raw);
    } else if (status == QNTK_OK) {
        status = read_splits(&files->folds, raw->n, raw->fold, QNTK_FOLDS_MAX);
        raw->folds = QNTK_FOLDS_MAX;
    }
    if (status == QNTK_OK)
        status = split_off_class(raw);
    raw->class_labels = true;
    return status == QNTK_OK ? qntk_raw_use_labels(raw, options) : status;
}

/* ---- files ---- */

/* "wine" of "uci/wine/", also when the folder is given as "." or "..". */
static qntk_status folder_name(const char *folder, char *name, size_t size)
{
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    char full[PATH_SIZE];
    const char *text = folder + start;
    size_t length = end - start;
    if (length == 0 || (length <= 2 && strspn(text, ".") >= length)) {
        if (realpath(folder, full) == NULL || strlen(full) < 2)
            return qntk_fail(QNTK_IO, "%s: expected a UCI folder, found another one", folder);
        text = strrchr(full, '/') + 1;
        length = strlen(text);
    }
    if (length >= size)
        return qntk_fail(QNTK_INVALID, "%s: expected a name below %zu bytes, found %zu", folder, size,
                         length);
    memcpy(name, text, length);
    name[length] = '\0';
    return QNTK_OK;
}

/* Opens folder/file; the path lives in `path` (PATH_SIZE). */
static qntk_status open_part(const char *folder, const char *file, char *path, qntk_source *source)
{
    int length =
        snprintf(path, PATH_SIZE, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", file);
    if (length < 0 || length >= PATH_SIZE)
        return qntk_fail(QNTK_INVALID, "%s: expected a path below %d bytes, found a longer one", folder,
                         PATH_SIZE);
    return qntk_source_open(path, source);
}

qntk_status qntk_uci_read(const char *folder, const qntk_dataset_options *options, qntk_raw *raw)
{
    enum { DESCRIPTION, DATA, TEST, PAIR, FOLDS, PARTS };
    qntk_uci_files files = {0};
    qntk_uci_description description = {0};
    char name[256], file[sizeof name + 8];
    char *path = qntk_alloc(PARTS * (size_t)PATH_SIZE, 1);
    qntk_status status = path == NULL ? QNTK_NO_MEMORY : folder_name(folder, name, sizeof name);
    if (status == QNTK_OK) {
        snprintf(file, sizeof file, "%s.txt", name);
        status = open_part(folder, file, path, &files.description);
        if (status == QNTK_IO)
            status =
                qntk_fail(QNTK_IO, "%s: expected a UCI folder with a file %s, found none that can be read",
                          folder, file);
    }
    if (status == QNTK_OK)
        status = qntk_uci_describe(&files.description, &description);
    if (status == QNTK_OK)
        status = open_part(folder, description.file[0], path + DATA * PATH_SIZE, &files.data);
    if (status == QNTK_OK)
        status = open_part(folder, "conxuntos.dat", path + PAIR * PATH_SIZE, &files.pair);
    if (status == QNTK_OK && description.files == 2)
        status = open_part(folder, description.file[1], path + TEST * PATH_SIZE, &files.test);
    else if (status == QNTK_OK)
        status = open_part(folder, "conxuntos_kfold.dat", path + FOLDS * PATH_SIZE, &files.folds);
    if (status == QNTK_OK)
        status = qntk_uci_parse(&files, &description, options, raw);
    if (raw->own_test)
        raw->path = folder; /* rows of two files */
    qntk_source_close(&files.description);
    qntk_source_close(&files.data);
    qntk_source_close(&files.test);
    qntk_source_close(&files.pair);
    qntk_source_close(&files.folds);
    raw->own_path = path; /* raw->path points into it */
    return status;
}
