/* Atomic files. */
#include "internal.h"

#include "qntk/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SLOTS = 32,       /* files written at once; each keeps its temporary's name for the signal handler */
    STEM_BYTES = 200, /* of the target's name that go into the temporary's; names end at 255 bytes */
    ATTEMPTS = 1000   /* names tried before EEXIST is believed */
};

/* The names of the temporaries, in static memory so that a signal handler can walk them at any moment. */
static struct {
    atomic_int state; /* one of the three below */
    char path[PATH_MAX];
} slots[SLOTS];

enum { SLOT_FREE, SLOT_CLAIMED, SLOT_LIVE };

struct qntk_file {
    FILE *stream;
    char *name;   /* as the caller gave it, for messages */
    char *target; /* what the temporary is renamed to */
    int slot;     /* of the temporary; -1: written straight to */
    int error;    /* errno of the first failure */
};

static int claim_slot(void)
{
    for (int i = 0; i < SLOTS; i++) {
        int expected = SLOT_FREE;
        if (atomic_compare_exchange_strong(&slots[i].state, &expected, SLOT_CLAIMED))
            return i;
    }
    return -1;
}

static qntk_status fail_errno(const char *name, int error)
{
    if (error == EPIPE)
        return qntk_fail(QNTK_IO, "%s", "");
    char reason[128];
    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error);
    return qntk_fail(QNTK_IO, "%s: %s", name, reason);
}

/* Frees the structure and its slot; the stream and the temporary are dealt with already. */
static void destroy(qntk_file *file)
{
    if (file->slot >= 0)
        atomic_store(&slots[file->slot].state, SLOT_FREE);
    qntk_free(file->name);
    qntk_free(file->target);
    qntk_free(file);
}

/* Creates "dir/.stem.PID-COUNT.tmp" beside the target. The slot is live before the file exists, so that no
 * moment is left in which an interrupt would leave it behind. Returns the descriptor, or -1 with errno. */
static int create_temporary(qntk_file *file)
{
    static atomic_uint counter;
    const char *slash = strrchr(file->target, '/');
    const char *stem = slash == NULL ? file->target : slash + 1;
    char *path = slots[file->slot].path;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        atomic_store(&slots[file->slot].state, SLOT_CLAIMED);
        int length = snprintf(path, PATH_MAX, "%.*s.%.*s.%ld-%u.tmp", (int)(stem - file->target),
                              file->target, STEM_BYTES, stem, (long)getpid(), atomic_fetch_add(&counter, 1));
        if (length >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        atomic_store(&slots[file->slot].state, SLOT_LIVE);
        int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* Opens a temporary for `path`, which names a regular file or nothing (exists says which). */
static qntk_status open_beside(const char *path, const struct stat *old, qntk_file *file)
{
    char *resolved = old != NULL ? realpath(path, NULL) : NULL;
    file->target = qntk_copy_string(resolved != NULL ? resolved : path);
    free(resolved);
    if (file->target == NULL)
        return QNTK_NO_MEMORY;
    size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/')
        return fail_errno(path, length == 0 ? ENOENT : EISDIR);
    if (old != NULL && access(path, W_OK) != 0) /* rename would not ask */
        return fail_errno(path, errno);
    file->slot = claim_slot();
    if (file->slot < 0)
        return qntk_fail(QNTK_TOO_LARGE, "%s: more than %d files are being written at once", path, SLOTS);
    int descriptor = create_temporary(file);
    if (descriptor < 0)
        return fail_errno(path, errno);
    if ((old == NULL || fchmod(descriptor, old->st_mode & 07777) == 0) &&
        (file->stream = fdopen(descriptor, "w")) != NULL)
        return QNTK_OK;
    int error = errno;
    close(descriptor);
    unlink(slots[file->slot].path);
    return fail_errno(path, error);
}

static qntk_status open_direct(const char *path, qntk_file *file)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail_errno(path, errno);
    file->stream = fdopen(descriptor, "w");
    if (file->stream != NULL)
        return QNTK_OK;
    int error = errno;
    close(descriptor);
    return fail_errno(path, error);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

qntk_status qntk_file_open(const char *path, qntk_file **out)
{
    *out = NULL;
    bool standard = path == NULL || strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0;
    qntk_file *file = qntk_alloc_zero(1, sizeof *file);
    if (file == NULL)
        return QNTK_NO_MEMORY;
    file->slot = -1;
    file->name = qntk_copy_string(standard ? "standard output" : path);
    qntk_status status = QNTK_OK;
    struct stat old;
    if (file->name == NULL) {
        status = QNTK_NO_MEMORY;
    } else if (standard) {
        file->stream = stdout;
    } else {
        bool exists = stat(path, &old) == 0;
        /* Names there stand for open descriptors, whatever those lead to. */
        bool descriptor = has_prefix(path, "/dev/") || has_prefix(path, "/proc/");
        if (exists && (descriptor || !S_ISREG(old.st_mode)))
            status = open_direct(path, file);
        else
            status = open_beside(path, exists ? &old : NULL, file);
    }
    if (status != QNTK_OK) {
        destroy(file);
        return status;
    }
    *out = file;
    return QNTK_OK;
}

/* Remembers the first failure of a write that went wrong; returns what the caller is told. */
static qntk_status result(qntk_file *file, bool written)
{
    if (!written && file->error == 0)
        file->error = errno != 0 ? errno : EIO;
    return file->error == 0 ? QNTK_OK : fail_errno(file->name, file->error);
}

qntk_status qntk_file_write(qntk_file *file, const void *bytes, size_t count)
{
    errno = 0;
    return result(file, file->error == 0 && fwrite(bytes, 1, count, file->stream) == count);
}

qntk_status qntk_file_printf(qntk_file *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    errno = 0;
    bool written = file->error == 0 && vfprintf(file->stream, format, arguments) >= 0;
    va_end(arguments);
    return result(file, written);
}

qntk_status qntk_file_flush(qntk_file *file)
{
    errno = 0;
    return result(file, fflush(file->stream) == 0);
}

const char *qntk_file_temporary(const qntk_file *file)
{
    if (file->slot >= 0)
        return slots[file->slot].path;
    return file->stream == stdout ? NULL : file->name;
}

qntk_status qntk_file_commit(qntk_file **handle)
{
    qntk_file *file = *handle;
    *handle = NULL;
    errno = 0;
    result(file, fflush(file->stream) == 0 && !ferror(file->stream));
    if (file->slot >= 0) /* EINVAL: a file system without it */
        result(file, fsync(fileno(file->stream)) == 0 || errno == EINVAL);
    if (file->stream != stdout)
        result(file, fclose(file->stream) == 0);
    if (file->slot >= 0) {
        const char *temporary = slots[file->slot].path;
        if (file->error != 0 || result(file, rename(temporary, file->target) == 0) != QNTK_OK)
            unlink(temporary);
    }
    qntk_status status = result(file, true);
    destroy(file);
    return status;
}

void qntk_file_abort(qntk_file **handle)
{
    qntk_file *file = *handle;
    if (file == NULL)
        return;
    *handle = NULL;
    if (file->stream != stdout)
        fclose(file->stream);
    if (file->slot >= 0)
        unlink(slots[file->slot].path);
    destroy(file);
}

void qntk_file_abort_all(void)
{
    int error = errno;
    for (int i = 0; i < SLOTS; i++)
        if (atomic_load(&slots[i].state) == SLOT_LIVE)
            unlink(slots[i].path);
    errno = error;
}
