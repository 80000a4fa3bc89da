/* Files that appear whole or not at all: written beside their name and renamed into place. */
#ifndef QNTK_FILE_H
#define QNTK_FILE_H

#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A file being written. */
typedef struct qntk_file qntk_file;

/* Starts writing `path`; NULL, "-" and "/dev/stdout" are standard output. A temporary is made in the same
 * directory under a name nobody has; what `path` held stays there until qntk_file_commit, and lends the new
 * file its permissions (otherwise the umask decides). A symbolic link is followed. What is there and is no
 * regular file (a pipe, a device, anything under /dev or /proc) is written straight to.
 * QNTK_IO with "path: reason"; QNTK_NO_MEMORY; QNTK_TOO_LARGE if 32 files are being written already. */
qntk_status qntk_file_open(const char *path, qntk_file **file);

/* Appends bytes, or text formatted as by printf. Errors are remembered: a caller may ignore the result here
 * and see the first failure again from qntk_file_commit. QNTK_IO with "path: No space left on device". */
qntk_status qntk_file_write(qntk_file *file, const void *bytes, size_t count);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
qntk_status
qntk_file_printf(qntk_file *file, const char *format, ...);

/* Hands what was written to the operating system, for another program to read. Errors as above. */
qntk_status qntk_file_flush(qntk_file *file);

/* Where the bytes go until the commit, for a program that writes the file in our place; NULL for standard
 * output. */
const char *qntk_file_temporary(const qntk_file *file);

/* Flushes, syncs to the disk and renames into place; on any failure since the opening removes the temporary
 * and leaves what `path` held. Ends *file either way and sets it to NULL. A reader of a pipe that has gone
 * away (EPIPE) is QNTK_IO with an empty message: there is nobody to tell. */
qntk_status qntk_file_commit(qntk_file **file);

/* Gives up: removes the temporary, leaves what `path` held, sets *file to NULL; nothing if that is NULL. */
void qntk_file_abort(qntk_file **file);

/* Removes every temporary of this process. Safe in a signal handler, just before _exit. */
void qntk_file_abort_all(void);

#ifdef __cplusplus
}
#endif
#endif
