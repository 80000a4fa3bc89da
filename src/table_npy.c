/* NPY arrays. Format: numpy.lib.format, version 1.0. */
#include "internal.h"

#include "qntk/table.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static char byte_order(void)
{
    const uint16_t one = 1;
    unsigned char first = 0;
    memcpy(&first, &one, 1);
    return first == 1 ? '<' : '>';
}

qntk_status qntk_npy_header(qntk_file *file, size_t rows, size_t cols, bool single)
{
    /* "\x93NUMPY", version, length of the rest as a little-endian 16-bit number, then a Python literal padded
     * with spaces so that the values start at a multiple of 64 bytes. */
    enum { PREFIX = 10, ALIGNED = 64, SPACE = 192 };
    char header[SPACE + 1];
    int length = snprintf(header, sizeof header,
                          "\x93NUMPY%c%c  {'descr': '%cf%d', 'fortran_order': False, 'shape': (%zu, %zu), }",
                          1, 0, byte_order(), single ? 4 : 8, rows, cols);
    size_t total = ((size_t)length + ALIGNED) / ALIGNED * ALIGNED; /* at least one byte more, the newline */
    memset(header + length, ' ', total - (size_t)length);
    header[total - 1] = '\n';
    header[PREFIX - 2] = (char)((total - PREFIX) & 0xff);
    header[PREFIX - 1] = (char)((total - PREFIX) >> 8);
    return qntk_file_write(file, header, total);
}

static qntk_status write_array(const char *path, size_t rows, size_t cols, const void *X, bool single)
{
    const size_t size = single ? sizeof(float) : sizeof(double);
    const size_t piece = (size_t)4 << 20; /* bytes; between them an interrupt is noticed */
    if (cols != 0 && rows > SIZE_MAX / size / cols)
        return qntk_fail(QNTK_INVALID, "%s: %zu x %zu values overflow", path, rows, cols);
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(path, &file);
    if (status != QNTK_OK)
        return status;
    status = qntk_npy_header(file, rows, cols, single);
    const char *bytes = X;
    for (size_t left = rows * cols * size; left > 0 && status == QNTK_OK;) {
        size_t now = qntk_min(left, piece);
        status = qntk_interrupted() ? qntk_fail(QNTK_INTERRUPTED, "%s: interrupted", path)
                                    : qntk_file_write(file, bytes, now);
        bytes += now;
        left -= now;
    }
    if (status == QNTK_OK)
        return qntk_file_commit(&file);
    qntk_file_abort(&file);
    return status;
}

qntk_status qntk_npy_write(const char *path, size_t rows, size_t cols, const double *X)
{
    return write_array(path, rows, cols, X, false);
}

qntk_status qntk_npy_write_single(const char *path, size_t rows, size_t cols, const float *X)
{
    return write_array(path, rows, cols, X, true);
}
