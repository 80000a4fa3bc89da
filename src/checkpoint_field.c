/* See checkpoint_field.h. */
#include "checkpoint_field.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

enum { CHUNK = 1 << 16, TEXT_MAX = 1 << 16 };

void qntk_field_fail(qntk_field_stream *s, const char *what)
{
    if (s->status == QNTK_OK)
        s->status = qntk_fail(QNTK_FORMAT, "%s: %s", s->path, what);
}

uint32_t qntk_field_crc(uint32_t crc, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (; count > 0; at += CHUNK, count -= qntk_min(count, CHUNK)) /* zlib counts in 32 bits */
        crc = (uint32_t)crc32(crc, at, (uInt)qntk_min(count, CHUNK));
    return crc;
}

void qntk_field_bytes(qntk_field_stream *s, void *bytes, size_t count)
{
    if (s->status != QNTK_OK || count == 0)
        return;
    if (s->out != NULL) {
        s->crc = qntk_field_crc(s->crc, bytes, count);
        s->status = qntk_file_write(s->out, bytes, count);
    } else if (count > s->left) {
        qntk_field_fail(s, "the file ends too early");
    } else {
        s->left -= count;
        if (fread(bytes, 1, count, s->in) != count)
            s->status = qntk_fail(QNTK_IO, "%s: %s", s->path, ferror(s->in) ? strerror(errno) : "cut short");
    }
}

void qntk_field_u32(qntk_field_stream *s, uint32_t *value)
{
    qntk_field_bytes(s, value, sizeof *value);
}

void qntk_field_u64(qntk_field_stream *s, uint64_t *value)
{
    qntk_field_bytes(s, value, sizeof *value);
}

void qntk_field_number(qntk_field_stream *s, double *value)
{
    qntk_field_bytes(s, value, sizeof *value);
}

void qntk_field_count(qntk_field_stream *s, size_t *value)
{
    uint64_t wide = *value;
    qntk_field_u64(s, &wide);
    if (s->in != NULL && wide > SIZE_MAX)
        qntk_field_fail(s, "a size is beyond this machine's");
    *value = (size_t)wide;
}

void qntk_field_flag(qntk_field_stream *s, bool *value)
{
    uint32_t wide = *value ? 1 : 0;
    qntk_field_u32(s, &wide);
    *value = wide != 0;
}

bool qntk_field_has_room(qntk_field_stream *s, size_t count, size_t size)
{
    if (s->status == QNTK_OK && s->in != NULL && count > s->left / size)
        qntk_field_fail(s, "the file ends too early");
    return s->status == QNTK_OK;
}

void qntk_field_array(qntk_field_stream *s, bool present, void **values, size_t count, size_t size)
{
    if (!present || !qntk_field_has_room(s, count, size))
        return;
    if (s->in != NULL && *values == NULL && (*values = qntk_alloc(count, size)) == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    qntk_field_bytes(s, *values, count * size);
}

static void text_field(qntk_field_stream *s, char **text)
{
    size_t length = s->in == NULL ? strlen(*text) : 0;
    qntk_field_count(s, &length);
    if (length > TEXT_MAX)
        qntk_field_fail(s, "a name of more than 65536 bytes");
    if (!qntk_field_has_room(s, length, 1))
        return;
    if (s->in != NULL && (*text = qntk_alloc_zero(length + 1, 1)) == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    qntk_field_bytes(s, *text, length);
}

void qntk_field_names(qntk_field_stream *s, char ***names, size_t count)
{
    char **list = *names;
    bool present = list != NULL;
    qntk_field_flag(s, &present);
    if (!present || !qntk_field_has_room(s, count, sizeof(uint64_t)))
        return;
    if (s->in != NULL)
        *names = list = qntk_alloc_zero(count, sizeof *list);
    if (list == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    for (size_t i = 0; i < count && s->status == QNTK_OK; i++)
        text_field(s, &list[i]);
}

void qntk_field_check_sum(qntk_field_stream *s)
{
    unsigned char chunk[CHUNK + sizeof(uint32_t)];
    uint32_t crc = 0, expected;
    size_t kept = 0, count;
    rewind(s->in);
    s->left = 0;
    /* the last four bytes read so far are kept back: they may be the checksum */
    while ((count = fread(chunk + kept, 1, CHUNK, s->in)) > 0) {
        const size_t total = kept + count, ready = total > sizeof crc ? total - sizeof crc : 0;
        crc = qntk_field_crc(crc, chunk, ready);
        s->left += ready;
        kept = total - ready;
        memmove(chunk, chunk + ready, kept);
    }
    if (ferror(s->in)) {
        s->status = qntk_fail(QNTK_IO, "%s: %s", s->path, strerror(errno));
        return;
    }
    memcpy(&expected, chunk, sizeof expected);
    if (kept < sizeof expected || crc != expected)
        qntk_field_fail(s, "the checksum is wrong: the file is damaged or cut short");
    rewind(s->in);
}
