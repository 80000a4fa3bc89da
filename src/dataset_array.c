/* Arrays of machine numbers in files: .npy and IDX read their numbers here. */
#include "dataset_internal.h"

#include <math.h>
#include <string.h>

/* ---- one element ---- */

/* `size` bytes as an unsigned number, the most significant first or last. */
static inline uint64_t load_bits(const unsigned char *byte, size_t size, bool big_endian)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits = bits << 8 | byte[big_endian ? i : size - 1 - i];
    return bits;
}

static double load_signed(uint64_t bits, size_t size)
{
    unsigned shift = (unsigned)(64 - 8 * size);
    return (double)((int64_t)(bits << shift) >> shift); /* arithmetic shift brings the sign down */
}

/* IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 of fraction. */
static double load_half(uint64_t bits)
{
    unsigned fraction = bits & 0x3FF, exponent = bits >> 10 & 0x1F;
    double value;
    if (exponent == 0x1F)
        value = fraction == 0 ? INFINITY : NAN;
    else if (exponent == 0)
        value = ldexp(fraction, -24);
    else
        value = ldexp(1024 + fraction, (int)exponent - 25);
    return bits >> 15 ? -value : value;
}

static double load_float(uint64_t bits, size_t size)
{
    if (size == 2)
        return load_half(bits);
    if (size == 4) {
        uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* `count` elements to doubles. The branches do not change inside the loop. */
static void decode(const qntk_element *element, size_t count, const unsigned char *byte, double *value)
{
    qntk_element e = *element;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = load_bits(byte + i * e.size, e.size, e.big_endian);
        value[i] = e.kind == QNTK_ELEMENT_UNSIGNED ? (double)bits
                   : e.kind == QNTK_ELEMENT_SIGNED ? load_signed(bits, e.size)
                                                   : load_float(bits, e.size);
    }
}

/* ---- the stream ---- */

qntk_status qntk_array_shape(const char *path, qntk_array *array)
{
    size_t count = 1;
    for (size_t k = 0; k < array->dimensions; k++) {
        if (array->shape[k] == 0)
            return qntk_fail(QNTK_FORMAT,
                             "%s: header: expected at least one element, found 0 in dimension %zu", path, k);
        if (array->shape[k] > SIZE_MAX / 16 / count)
            return qntk_fail(QNTK_FORMAT, "%s: header: expected a shape that can be, found too many elements",
                             path);
        count *= array->shape[k];
    }
    array->n = array->shape[0];
    array->width = count / array->n;
    return QNTK_OK;
}

typedef struct {
    qntk_source *source;
    const qntk_array *array;
    const size_t *pick; /* rows to keep; NULL: all */
    size_t pick_count, picked;
    size_t total, at; /* elements of the array; the next one's number */
    double *value;
    size_t capacity, used;
} stream;

/* Space for `count` more values; a compressed file is believed only as far as it has arrived. */
static qntk_status reserve(stream *s, size_t count)
{
    if (s->used + count <= s->capacity)
        return QNTK_OK;
    size_t rows = s->pick == NULL ? s->array->n : s->pick_count, all = rows * s->array->width;
    size_t needed =
        s->source->size == SIZE_MAX ? qntk_min(qntk_max(s->used + count, 2 * s->capacity), all) : all;
    qntk_status status = qntk_memory_check(needed * sizeof(double), s->source->path, "pass --limit");
    if (status != QNTK_OK)
        return status;
    double *value = qntk_alloc(needed, sizeof *value);
    if (value == NULL)
        return QNTK_NO_MEMORY;
    if (s->used > 0)
        memcpy(value, s->value, s->used * sizeof *value);
    qntk_free(s->value);
    s->value = value;
    s->capacity = needed;
    return QNTK_OK;
}

static qntk_status not_finite(const stream *s, size_t element, double value)
{
    const qntk_array *array = s->array;
    if (array->fortran && array->dimensions > 2) /* its columns are turned later */
        return qntk_fail(QNTK_NOT_FINITE, "%s: element %zu: expected a finite number, found %g",
                         s->source->path, element, value);
    size_t row = array->fortran ? element % array->n : element / array->width;
    size_t column = array->fortran ? element / array->n : element % array->width;
    return qntk_fail(QNTK_NOT_FINITE, "%s: row %zu, column %zu: expected a finite number, found %g",
                     s->source->path, row, column, value);
}

static qntk_status check_finite(const stream *s, size_t count)
{
    const double *value = s->value + s->used;
    for (size_t i = 0; i < count; i++)
        if (isinf(value[i]))
            return not_finite(s, s->at + i, value[i]);
    return QNTK_OK;
}

/* `count` elements that lie one after another. */
static qntk_status take(stream *s, size_t count, const unsigned char *byte)
{
    size_t width = s->array->width, size = s->array->element.size;
    while (count > 0) {
        size_t run = count;
        bool keep = true;
        if (s->pick != NULL) {
            run = qntk_min(count, width - s->at % width); /* to the end of the row */
            while (s->picked < s->pick_count && s->pick[s->picked] < s->at / width)
                s->picked++;
            keep = s->picked < s->pick_count && s->pick[s->picked] == s->at / width;
        }
        if (keep) {
            qntk_status status = reserve(s, run);
            if (status != QNTK_OK)
                return status;
            decode(&s->array->element, run, byte, s->value + s->used);
            status = check_finite(s, run);
            if (status != QNTK_OK)
                return status;
            s->used += run;
        }
        s->at += run;
        byte += run * size;
        count -= run;
    }
    return QNTK_OK;
}

static qntk_status wrong_size(const qntk_source *source, const qntk_array *array, size_t found,
                              const char *more)
{
    return qntk_fail(QNTK_FORMAT, "%s: expected %zu bytes of data as the header claims, found %s%zu",
                     source->path, array->n * array->width * array->element.size, more, found);
}

qntk_status qntk_array_check_size(const qntk_source *source, const qntk_array *array)
{
    size_t bytes = array->n * array->width * array->element.size; /* no overflow: qntk_array_shape */
    if (source->size == SIZE_MAX || source->size - source->at == bytes)
        return QNTK_OK;
    return wrong_size(source, array, source->size - source->at, "");
}

static qntk_status read_elements(stream *s)
{
    enum { CHUNK = 1 << 16 }; /* a multiple of every element's size; stays in the cache */
    size_t size = s->array->element.size, got;
    unsigned char *buffer = qntk_alloc(CHUNK, 1);
    qntk_status status = buffer == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    while (status == QNTK_OK && s->at < s->total) {
        size_t wanted = qntk_min(CHUNK, (s->total - s->at) * size);
        status = qntk_source_read(s->source, buffer, wanted, &got);
        if (status == QNTK_OK && got < wanted)
            status = wrong_size(s->source, s->array, s->at * size + got, "");
        if (status == QNTK_OK)
            status = take(s, wanted / size, buffer);
    }
    if (status == QNTK_OK)
        status = qntk_source_read(s->source, buffer, 1, &got);
    if (status == QNTK_OK && got > 0)
        status = wrong_size(s->source, s->array, s->total * size, "more than ");
    qntk_free(buffer);
    return status;
}

/* In Fortran order column f of the file is index (j_1, j_2, ..) of the dimensions behind the first, j_1 the
 * fastest. In which column of the result, where the last is the fastest, does it belong? */
static void order_columns(const qntk_array *array, size_t *column)
{
    for (size_t f = 0; f < array->width; f++) {
        size_t rest = f;
        column[f] = 0;
        for (size_t k = 1; k < array->dimensions; k++) {
            column[f] = column[f] * array->shape[k] + rest % array->shape[k];
            rest /= array->shape[k];
        }
    }
}

/* Fortran order to C order, in blocks that stay in the cache. */
static qntk_status transpose(const qntk_array *array, double **value)
{
    enum { BLOCK = 32 };
    size_t n = array->n, width = array->width;
    qntk_status status = qntk_memory_check(n * width * sizeof(double), "turning an array in Fortran order",
                                           "save it in C order");
    if (status != QNTK_OK)
        return status;
    double *out = qntk_alloc(n * width, sizeof *out), *in = *value;
    size_t *column = qntk_alloc(width, sizeof *column);
    if (out == NULL || column == NULL) {
        qntk_free(out);
        qntk_free(column);
        return QNTK_NO_MEMORY;
    }
    order_columns(array, column);
    for (size_t i0 = 0; i0 < n; i0 += BLOCK)
        for (size_t f0 = 0; f0 < width; f0 += BLOCK)
            for (size_t i = i0; i < qntk_min(n, i0 + BLOCK); i++)
                for (size_t f = f0; f < qntk_min(width, f0 + BLOCK); f++)
                    out[i * width + column[f]] = in[f * n + i];
    qntk_free(column);
    qntk_free(in);
    *value = out;
    return QNTK_OK;
}

qntk_status qntk_array_read(qntk_source *source, const qntk_array *array, const size_t *pick,
                            size_t pick_count, double **value)
{
    stream s = {.source = source,
                .array = array,
                .pick = pick,
                .pick_count = pick_count,
                .total = array->n * array->width};
    *value = NULL;
    qntk_status status = qntk_array_check_size(source, array);
    if (status == QNTK_OK)
        status = read_elements(&s);
    if (status == QNTK_OK && array->fortran && array->dimensions > 1)
        status = transpose(array, &s.value);
    if (status != QNTK_OK) {
        qntk_free(s.value);
        return status;
    }
    *value = s.value;
    return QNTK_OK;
}

qntk_status qntk_array_read_raw(qntk_source *source, const qntk_array *array,
                                const qntk_dataset_options *options, qntk_raw *raw)
{
    /* rows without values are dropped before the limit counts, so all rows are needed then */
    raw->limited = options->limit > 0 && options->limit < array->n && options->missing != QNTK_MISSING_DROP &&
                   !array->fortran;
    size_t rows = raw->limited ? options->limit : array->n;
    qntk_status status =
        qntk_array_check_size(source, array); /* before the rows that the header claims are listed */
    if (status == QNTK_OK && raw->limited)
        status = qntk_choose_rows(array->n, rows, options->seed, &raw->pick);
    if (status == QNTK_OK)
        status = qntk_array_read(source, array, raw->pick, rows, &raw->value);
    if (status == QNTK_OK && raw->pick == NULL) {
        raw->pick = qntk_alloc(rows, sizeof *raw->pick);
        status = raw->pick == NULL ? QNTK_NO_MEMORY : QNTK_OK;
        for (size_t i = 0; i < rows && status == QNTK_OK; i++)
            raw->pick[i] = i;
    }
    raw->n = rows;
    raw->width = raw->target = array->width;
    return status;
}

/* ---- labels ---- */

qntk_status qntk_labels_read(qntk_source *source, size_t expected, qntk_raw *raw)
{
    unsigned char first[4] = {0};
    size_t got = 0;
    qntk_array array;
    qntk_status status = qntk_source_read(source, first, sizeof first, &got);
    if (status != QNTK_OK)
        return status;
    if (memcmp(first, "\x93NUM", sizeof first) == 0)
        status = qntk_npy_read_header(source, first, got, &array);
    else if (got == sizeof first && first[0] == 0 && first[1] == 0)
        status = qntk_idx_read_header(source, first, got, &array);
    else
        status = qntk_fail(QNTK_FORMAT, "%s: expected labels as .npy or IDX, found another kind of file",
                           source->path);
    if (status != QNTK_OK)
        return status;
    if (array.width != 1 && array.n == 1) { /* a row is as good as a column */
        array.n = array.width;
        array.width = 1;
    }
    if (array.width != 1)
        return qntk_fail(QNTK_FORMAT, "%s: expected one label a row, found %zu", source->path, array.width);
    if (array.n != expected)
        return qntk_fail(QNTK_FORMAT, "%s: expected %zu label%s, one for each row of %s, found %zu",
                         source->path, expected, expected == 1 ? "" : "s", raw->path, array.n);
    raw->label_count = expected;
    return qntk_array_read(source, &array, NULL, 0, &raw->label);
}

qntk_status qntk_labels_open(const char *path, size_t expected, qntk_raw *raw)
{
    qntk_source source;
    qntk_status status = qntk_source_open(path, &source);
    if (status == QNTK_OK)
        status = qntk_labels_read(&source, expected, raw);
    qntk_source_close(&source);
    return status;
}
