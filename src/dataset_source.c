/* Bytes of a file, compressed or not, or of memory. */
#include "dataset_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    CHUNK = 1 << 20,         /* bytes per call of zlib, so that Ctrl-C is seen */
    ZLIB_BUFFER = 128 * 1024 /* bytes; zlib's own 8 KiB cost a system call each */
};

static const char *file_type(mode_t mode)
{
    return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : "a device";
}

bool qntk_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

qntk_status qntk_source_open(const char *path, qntk_source *source)
{
    *source = (qntk_source){.path = path};
    /* O_NONBLOCK: opening a FIFO must not wait for its other end */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0) {
        int reason = errno;
        if (file >= 0)
            close(file);
        return qntk_fail(QNTK_IO, "%s: %s", path, strerror(reason));
    }
    if (!S_ISREG(info.st_mode)) {
        close(file);
        return qntk_fail(QNTK_IO, "%s: expected a regular file, found %s", path, file_type(info.st_mode));
    }
    if (info.st_size == 0) {
        close(file);
        return qntk_fail(QNTK_FORMAT, "%s: the file is empty", path);
    }
    gzFile gz = gzdopen(file, "rb");
    if (gz == NULL) {
        close(file);
        return qntk_fail(QNTK_NO_MEMORY, "%s: out of memory", path);
    }
    gzbuffer(gz, ZLIB_BUFFER);
    source->gz = gz;
    source->size = gzdirect(gz) ? (size_t)info.st_size : SIZE_MAX;
    return QNTK_OK;
}

qntk_source qntk_source_memory(const char *path, const void *data, size_t size)
{
    return (qntk_source){.path = path, .memory = data, .size = size};
}

void qntk_source_close(qntk_source *source)
{
    if (source->gz != NULL)
        gzclose(source->gz);
    *source = (qntk_source){0};
}

static qntk_status read_failure(const qntk_source *source)
{
    int code;
    const char *text = gzerror(source->gz, &code);
    if (code == Z_ERRNO)
        return qntk_fail(QNTK_IO, "%s: %s", source->path, strerror(errno));
    if (code == Z_BUF_ERROR)
        return qntk_fail(QNTK_FORMAT, "%s: the compressed data end too early", source->path);
    return qntk_fail(code == Z_MEM_ERROR ? QNTK_NO_MEMORY : QNTK_FORMAT, "%s: broken compressed data: %s",
                     source->path, text);
}

qntk_status qntk_source_read(qntk_source *source, void *buffer, size_t size, size_t *got)
{
    *got = 0;
    if (source->gz == NULL) {
        *got = qntk_min(size, source->size - source->at);
        if (*got > 0)
            memcpy(buffer, source->memory + source->at, *got);
        source->at += *got;
        return QNTK_OK;
    }
    while (*got < size) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "%s: interrupted", source->path);
        int count = gzread(source->gz, (char *)buffer + *got, (unsigned)qntk_min(size - *got, CHUNK));
        int code = Z_OK;
        if (count <= 0)
            gzerror(source->gz, &code);
        if (count < 0 || code != Z_OK)
            return read_failure(source);
        if (count == 0)
            break;
        *got += (size_t)count;
        source->at += (size_t)count;
    }
    return QNTK_OK;
}

/* Everything that is left, with one byte of room behind it. */
static qntk_status read_all(qntk_source *source, char **text, size_t *size)
{
    size_t capacity = 0, used = 0;
    size_t expected = source->size == SIZE_MAX ? CHUNK : source->size - source->at;
    void *buffer = NULL;
    qntk_status status;
    for (;;) {
        /* one byte more than expected: a full read then means that there is more to come */
        size_t needed = qntk_max(expected, used) + 2;
        status = qntk_memory_check(needed > capacity ? needed : 0, source->path, "pass a smaller file");
        if (status == QNTK_OK)
            status = qntk_grow(&buffer, &capacity, needed, 1);
        size_t got = 0;
        if (status == QNTK_OK)
            status = qntk_source_read(source, (char *)buffer + used, capacity - 1 - used, &got);
        if (status != QNTK_OK)
            break;
        used += got;
        if (used < capacity - 1) {
            *text = buffer;
            *size = used;
            (*text)[used] = '\0';
            return QNTK_OK;
        }
        expected = used * 2;
    }
    qntk_free(buffer);
    return status;
}

qntk_status qntk_source_text(qntk_source *source, char **text, size_t *size)
{
    *text = NULL;
    *size = 0;
    qntk_status status = read_all(source, text, size);
    if (status != QNTK_OK)
        return status;
    const unsigned char *byte = (const unsigned char *)*text;
    if (*size >= 3 && memcmp(byte, "\xEF\xBB\xBF", 3) == 0) {
        *size -= 3;
        memmove(*text, *text + 3, *size + 1);
    }
    if (*size == 0)
        status = qntk_fail(QNTK_FORMAT, "%s: the file is empty", source->path);
    else if (*size >= 2 && ((byte[0] == 0xFF && byte[1] == 0xFE) || (byte[0] == 0xFE && byte[1] == 0xFF)))
        status = qntk_fail(QNTK_FORMAT, "%s: expected UTF-8 text, found UTF-16", source->path);
    else if (memchr(*text, '\0', *size) != NULL)
        status = qntk_fail(QNTK_FORMAT, "%s: expected text, found a zero byte at offset %zu", source->path,
                           (size_t)((char *)memchr(*text, '\0', *size) - *text));
    if (status != QNTK_OK) {
        qntk_free(*text);
        *text = NULL;
        *size = 0;
    }
    return status;
}

bool qntk_path_ends(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    if (length >= 3 && strcasecmp(path + length - 3, ".gz") == 0)
        length -= 3;
    return length > tail && strncasecmp(path + length - tail, ending, tail) == 0;
}
