/* Memory: checked sizes, aligned large arrays, and the limit a machine has. */
#ifndef QNTK_MEMORY_H
#define QNTK_MEMORY_H

#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Allocates count * size bytes, 64-byte aligned, uninitialised; huge pages are
 * requested for large arrays. Free with qntk_free. Returns NULL and sets the
 * message on overflow or exhaustion. A count of zero gives a valid pointer. */
void *qntk_alloc(size_t count, size_t size);

/* As qntk_alloc, with every byte zero. */
void *qntk_alloc_zero(size_t count, size_t size);

/* Grows an array of `size`-byte elements to hold at least `needed` elements,
 * doubling *capacity. *array is unchanged on failure (QNTK_NO_MEMORY). */
qntk_status qntk_grow(void **array, size_t *capacity, size_t needed, size_t size);

/* A copy of a string, or NULL. Free with qntk_free. */
char *qntk_copy_string(const char *text);

/* Frees what the functions above returned; NULL is allowed. */
void qntk_free(void *pointer);

/* Bytes that can be allocated now: MemAvailable, or what the process's control group (version 2 or 1) and
 * those above it leave where that is smaller, limit - use, file pages not used lately counted as free;
 * SIZE_MAX where the system does not say. */
size_t qntk_memory_available(void);

/* QNTK_TOO_LARGE, with both figures and `advice` in the message ("pass --limit or
 * --top"), if `bytes` exceeds what qntk_memory_available reports and 8 MiB. */
qntk_status qntk_memory_check(size_t bytes, const char *what, const char *advice);

/* Fault injection for tests: the call after `successes` more allocations fails, once.
 * Negative switches it off. Returns the number of allocations since the last call. */
long qntk_memory_fail_after(long successes);

#ifdef __cplusplus
}
#endif
#endif
