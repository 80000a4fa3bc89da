/* .npy, the format of NumPy's arrays ("NumPy Enhancement Proposal 1", versions 1 to 3): the bytes 0x93
 * "NUMPY", two of version, the length of the header (two bytes, from version 2 four, the least significant
 * first), the header - a Python dictionary of 'descr', 'fortran_order' and 'shape' - and the numbers. */
#include "dataset_internal.h"

#include <math.h>
#include <string.h>

enum { HEADER_MAX = 1 << 16, MAGIC = 8 };

typedef struct {
    const char *at;
    const char *path;
    qntk_array *array;
    unsigned seen; /* one bit a key */
} parser;

enum { SEEN_DESCR = 1, SEEN_ORDER = 2, SEEN_SHAPE = 4, SEEN_ALL = 7 };

static qntk_status unexpected(const parser *p, const char *expected)
{
    char shown[QNTK_SHOWN];
    return qntk_fail(QNTK_FORMAT, "%s: header: expected %s, found '%s'", p->path, expected,
                     qntk_shown(p->at, strlen(p->at), shown));
}

static void skip_blanks(parser *p)
{
    p->at += strspn(p->at, " \t\n\r");
}

/* Skips blanks and this character; false if another one is there. */
static bool take(parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c || c == '\0')
        return false;
    p->at++;
    return true;
}

static bool take_word(parser *p, const char *word)
{
    size_t length = strlen(word);
    skip_blanks(p);
    if (strncmp(p->at, word, length) != 0)
        return false;
    p->at += length;
    return true;
}

/* 'text' or "text": its place and length. */
static bool take_string(parser *p, const char **text, size_t *size)
{
    skip_blanks(p);
    char quote = *p->at;
    if (quote != '\'' && quote != '"')
        return false;
    const char *end = strchr(p->at + 1, quote);
    if (end == NULL)
        return false;
    *text = p->at + 1;
    *size = (size_t)(end - *text);
    p->at = end + 1;
    return true;
}

/* "<f8", "|u1", ">i4", "=b1" */
static qntk_status read_descr(parser *p)
{
    const char *start = p->at, *text = "";
    size_t size = 0;
    static const char sizes[][8] = {['b'] = "1", ['i'] = "1248", ['u'] = "1248", ['f'] = "248"};
    bool known = take_string(p, &text, &size) && size == 3 && strchr("<>|=", text[0]) != NULL &&
                 strchr("biuf", text[1]) != NULL && strchr(sizes[(unsigned char)text[1]], text[2]) != NULL;
    const uint16_t one = 1;
    unsigned char first_byte;
    memcpy(&first_byte, &one, 1);
    bool native_big = first_byte == 0;
    if (!known) {
        p->at = start;
        skip_blanks(p);
        return unexpected(p, "a type of booleans, integers or floats up to 8 bytes such as '<f8'");
    }
    p->array->element = (qntk_element){
        .kind = text[1] == 'f'   ? QNTK_ELEMENT_FLOAT
                : text[1] == 'i' ? QNTK_ELEMENT_SIGNED
                                 : QNTK_ELEMENT_UNSIGNED,
        .size = (size_t)(text[2] - '0'),
        .big_endian = text[0] == '>' || (text[0] == '=' && native_big),
    };
    if (text[0] == '|' && text[2] != '1') {
        p->at = start;
        skip_blanks(p);
        return unexpected(p, "a byte order in front of a type of several bytes");
    }
    return QNTK_OK;
}

static qntk_status read_order(parser *p)
{
    bool fortran = take_word(p, "True");
    if (!fortran && !take_word(p, "False"))
        return unexpected(p, "True or False");
    p->array->fortran = fortran;
    return QNTK_OK;
}

/* "(3, 4)", "(3,)", "()"; Python 2 wrote "3L". */
static qntk_status read_shape(parser *p)
{
    qntk_array *array = p->array;
    if (!take(p, '('))
        return unexpected(p, "the shape as (rows, columns)");
    while (!take(p, ')')) {
        skip_blanks(p);
        size_t length = strspn(p->at, "0123456789");
        if (array->dimensions == QNTK_DIMENSIONS_MAX)
            return unexpected(p, "at most 32 dimensions");
        if (!qntk_parse_count(p->at, length, SIZE_MAX, &array->shape[array->dimensions]))
            return unexpected(p, "a whole number in the shape");
        array->dimensions++;
        p->at += length;
        p->at += *p->at == 'L';
        if (take(p, ','))
            continue;
        skip_blanks(p);
        if (*p->at != ')')
            return unexpected(p, "',' or ')' in the shape");
    }
    return array->dimensions > 0 ? QNTK_OK : unexpected(p, "an array, not a single number with shape ()");
}

static qntk_status read_item(parser *p)
{
    static const struct {
        const char *key;
        qntk_status (*read)(parser *p);
    } item[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
    const char *key;
    size_t size;
    if (!take_string(p, &key, &size))
        return unexpected(p, "a quoted key");
    if (!take(p, ':'))
        return unexpected(p, "':' behind a key");
    for (unsigned k = 0; k < sizeof item / sizeof item[0]; k++) {
        if (strlen(item[k].key) != size || memcmp(item[k].key, key, size) != 0 || (p->seen & 1u << k) != 0)
            continue;
        p->seen |= 1u << k;
        return item[k].read(p);
    }
    p->at = key;
    return unexpected(p, "each of descr, fortran_order and shape once");
}

static qntk_status read_dictionary(parser *p)
{
    if (!take(p, '{'))
        return unexpected(p, "'{'");
    while (!take(p, '}')) {
        qntk_status status = read_item(p);
        if (status != QNTK_OK)
            return status;
        if (take(p, ','))
            continue;
        skip_blanks(p);
        if (*p->at != '}')
            return unexpected(p, "',' or '}'");
    }
    skip_blanks(p);
    if (*p->at != '\0')
        return unexpected(p, "the end of the header");
    return p->seen == SEEN_ALL ? QNTK_OK : unexpected(p, "descr, fortran_order and shape");
}

/* Exactly `size` bytes of the header. */
static qntk_status read_exactly(qntk_source *source, void *buffer, size_t size)
{
    size_t got;
    qntk_status status = qntk_source_read(source, buffer, size, &got);
    if (status == QNTK_OK && got < size)
        status = qntk_fail(QNTK_FORMAT, "%s: expected %zu more bytes of header, found %zu", source->path,
                           size, got);
    return status;
}

qntk_status qntk_npy_read_header(qntk_source *source, const unsigned char *first, size_t count,
                                 qntk_array *array)
{
    unsigned char head[MAGIC] = {0}, length_byte[4] = {0};
    char *text = NULL;
    *array = (qntk_array){0};
    if (count > 0)
        memcpy(head, first, count);
    qntk_status status = read_exactly(source, head + count, MAGIC - count);
    if (status != QNTK_OK)
        return status;
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return qntk_fail(QNTK_FORMAT,
                         "%s: expected an .npy file beginning with 0x93 NUMPY, found another kind",
                         source->path);
    if (head[6] < 1 || head[6] > 3)
        return qntk_fail(QNTK_FORMAT, "%s: expected .npy version 1 to 3, found %u.%u", source->path, head[6],
                         head[7]);
    status = read_exactly(source, length_byte, head[6] == 1 ? 2 : 4);
    if (status != QNTK_OK)
        return status;
    size_t length = (size_t)length_byte[0] | (size_t)length_byte[1] << 8 | (size_t)length_byte[2] << 16 |
                    (size_t)length_byte[3] << 24;
    if (length > HEADER_MAX)
        return qntk_fail(QNTK_FORMAT, "%s: expected a header of at most %d bytes, found %zu", source->path,
                         HEADER_MAX, length);
    text = qntk_alloc(length + 1, 1);
    status = text == NULL ? QNTK_NO_MEMORY : read_exactly(source, text, length);
    if (status == QNTK_OK) {
        text[length] = '\0';
        parser p = {.at = text, .path = source->path, .array = array};
        status = strlen(text) == length
                     ? read_dictionary(&p)
                     : qntk_fail(QNTK_FORMAT, "%s: header: expected text, found a zero byte", source->path);
    }
    if (status == QNTK_OK)
        status = qntk_array_shape(source->path, array);
    qntk_free(text);
    return status;
}

qntk_status qntk_npy_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw)
{
    qntk_array array;
    qntk_status status = qntk_npy_read_header(source, NULL, 0, &array);
    if (status == QNTK_OK)
        status = qntk_array_read_raw(source, &array, options, raw);
    if (status != QNTK_OK)
        return status;
    if (options->labels != NULL) {
        status = qntk_raw_use_labels(raw, options);
        return status == QNTK_OK && raw->labelled ? qntk_labels_open(options->labels, array.n, raw) : status;
    }
    if (options->target == NULL && !options->target_optional)
        return qntk_fail(QNTK_INVALID, "%s: no target: pass --labels FILE, --target INDEX or --target none",
                         raw->path);
    return qntk_raw_find_target(raw, options, raw->width);
}

qntk_status qntk_npy_shape(const char *path, size_t *rows, size_t *cols)
{
    qntk_source source;
    qntk_array array;
    *rows = *cols = 0;
    qntk_status status = qntk_source_open(path, &source);
    if (status == QNTK_OK)
        status = qntk_npy_read_header(&source, NULL, 0, &array);
    if (status == QNTK_OK)
        status = qntk_array_check_size(&source, &array);
    qntk_source_close(&source);
    if (status != QNTK_OK)
        return status;
    *rows = array.n;
    *cols = array.width;
    return QNTK_OK;
}

qntk_status qntk_npy_read_matrix(const char *path, double **A, size_t *rows, size_t *cols)
{
    *A = NULL;
    *rows = *cols = 0;
    qntk_source source;
    qntk_array array;
    qntk_status status = qntk_source_open(path, &source);
    if (status == QNTK_OK)
        status = qntk_npy_read_header(&source, NULL, 0, &array);
    if (status == QNTK_OK)
        status = qntk_array_read(&source, &array, NULL, 0, A);
    qntk_source_close(&source);
    if (status != QNTK_OK)
        return status;
    for (size_t i = 0; i < array.n * array.width; i++)
        if (isnan((*A)[i])) {
            qntk_free(*A);
            *A = NULL;
            return qntk_fail(QNTK_NOT_FINITE, "%s: row %zu, column %zu: expected a number, found NaN", path,
                             i / array.width, i % array.width);
        }
    *rows = array.n;
    *cols = array.width;
    return QNTK_OK;
}
