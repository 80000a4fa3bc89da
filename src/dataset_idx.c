/* IDX, the format of the MNIST files: two zero bytes, one for the type of the elements, one for the number of
 * dimensions; each dimension as four bytes; the elements. All numbers have their most significant byte first.
 * Pixels keep their stored values (0 .. 255). */
#include "dataset_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool find_element(unsigned char code, qntk_element *element)
{
    static const struct {
        unsigned char code;
        qntk_element element;
    } table[] = {
        {0x08, {QNTK_ELEMENT_UNSIGNED, 1, true}}, {0x09, {QNTK_ELEMENT_SIGNED, 1, true}},
        {0x0B, {QNTK_ELEMENT_SIGNED, 2, true}},   {0x0C, {QNTK_ELEMENT_SIGNED, 4, true}},
        {0x0D, {QNTK_ELEMENT_FLOAT, 4, true}},    {0x0E, {QNTK_ELEMENT_FLOAT, 8, true}},
    };
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++)
        if (table[k].code == code) {
            *element = table[k].element;
            return true;
        }
    return false;
}

qntk_status qntk_idx_read_header(qntk_source *source, const unsigned char *first, size_t count,
                                 qntk_array *array)
{
    enum { MAGIC = 4, DIMENSIONS = 4 };
    unsigned char head[MAGIC] = {0}, size[4 * DIMENSIONS] = {0};
    size_t got = 0;
    *array = (qntk_array){0};
    if (count > 0)
        memcpy(head, first, count);
    qntk_status status = qntk_source_read(source, head + count, MAGIC - count, &got);
    if (status != QNTK_OK)
        return status;
    if (got + count < MAGIC || head[0] != 0 || head[1] != 0)
        return qntk_fail(QNTK_FORMAT,
                         "%s: expected an IDX file beginning with two zero bytes, found another kind",
                         source->path);
    if (!find_element(head[2], &array->element))
        return qntk_fail(QNTK_FORMAT,
                         "%s: header: expected an element type of 08, 09, 0B, 0C, 0D or 0E, found %02X",
                         source->path, head[2]);
    if (head[3] < 1 || head[3] > DIMENSIONS)
        return qntk_fail(QNTK_FORMAT, "%s: header: expected 1 to %d dimensions, found %u", source->path,
                         DIMENSIONS, head[3]);
    array->dimensions = head[3];
    status = qntk_source_read(source, size, 4 * array->dimensions, &got);
    if (status != QNTK_OK)
        return status;
    if (got < 4 * array->dimensions)
        return qntk_fail(QNTK_FORMAT, "%s: header: expected %zu bytes of dimensions, found %zu", source->path,
                         4 * array->dimensions, got);
    for (size_t k = 0; k < array->dimensions; k++)
        for (size_t i = 0; i < 4; i++)
            array->shape[k] = array->shape[k] << 8 | size[4 * k + i];
    return qntk_array_shape(source->path, array);
}

/* The file of labels that goes with a file of images: "images" becomes "labels", "idx3" "idx1", with and
 * without ".gz". False if the name is not of this pattern or there is no such file; `path` is then what was
 * looked for, or empty. */
static bool find_labels(const char *images, char *path, size_t size)
{
    const char *slash = strrchr(images, '/'), *name = slash == NULL ? images : slash + 1;
    const char *word = strstr(name, "images"), *idx = word == NULL ? NULL : strstr(word, "idx");
    path[0] = '\0';
    if (idx == NULL || idx[3] < '1' || idx[3] > '4')
        return false;
    size_t tail = strlen(idx + 4);
    if (qntk_path_ends(name, "") && tail >= 3 && strcmp(idx + 4 + tail - 3, ".gz") == 0)
        tail -= 3;
    int length = snprintf(path, size, "%.*slabels%.*sidx1%.*s", (int)(word - images), images,
                          (int)(idx - word - 6), word + 6, (int)tail, idx + 4);
    if (length < 0 || (size_t)length + sizeof ".gz" > size) {
        path[0] = '\0';
        return false;
    }
    if (access(path, F_OK) == 0)
        return true;
    memcpy(path + length, ".gz", sizeof ".gz");
    bool found = access(path, F_OK) == 0;
    if (!found)
        path[length] = '\0';
    return found;
}

qntk_status qntk_idx_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw)
{
    enum { PATH_SIZE = 4096 };
    char beside[PATH_SIZE];
    qntk_array array;
    qntk_status status = qntk_idx_read_header(source, NULL, 0, &array);
    if (status == QNTK_OK)
        status = qntk_array_read_raw(source, &array, options, raw);
    if (status == QNTK_OK)
        status = qntk_raw_use_labels(raw, options);
    if (status != QNTK_OK || !raw->labelled)
        return status;
    raw->class_labels = true;
    if (options->labels != NULL)
        return qntk_labels_open(options->labels, array.n, raw);
    if (find_labels(raw->path, beside, sizeof beside))
        return qntk_labels_open(beside, array.n, raw);
    if (options->target_optional) {
        raw->labelled = false;
        return QNTK_OK;
    }
    return qntk_fail(
        QNTK_IO,
        "%s: expected its labels in %s[.gz], found no such file: pass --labels FILE or --target none",
        raw->path, beside[0] == '\0' ? "a file *-labels-idx1-*" : beside);
}
