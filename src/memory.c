/* Checked allocation, and how much there is to allocate. */
#include "internal.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    ALIGNMENT = 64,              /* a cache line, and one 512-bit vector */
    HUGE_ARRAY = 4 * 1024 * 1024 /* bytes; below this fresh pages cost little (trap: they cost more than
                                    the arithmetic in a Gram matrix) */
};

/* Fault injection: -1 = off, else the number of allocations that may still succeed. */
static atomic_long allocations_left = -1;
static atomic_long allocations_made;

static bool allocation_must_fail(void)
{
    atomic_fetch_add(&allocations_made, 1);
    if (atomic_load(&allocations_left) < 0)
        return false;
    return atomic_fetch_sub(&allocations_left, 1) == 0;
}

long qntk_memory_fail_after(long successes)
{
    atomic_store(&allocations_left, successes);
    return atomic_exchange(&allocations_made, 0);
}

void *qntk_alloc(size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size) {
        qntk_fail(QNTK_NO_MEMORY, "out of memory: %zu elements of %zu bytes", count, size);
        return NULL;
    }
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0)
        bytes = ALIGNMENT;
    void *pointer = NULL;
    if (allocation_must_fail() || posix_memalign(&pointer, ALIGNMENT, bytes) != 0) {
        qntk_fail(QNTK_NO_MEMORY, "out of memory: %zu bytes", bytes);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_ARRAY) {
        const uintptr_t page = 4096;
        uintptr_t first = ((uintptr_t)pointer + page - 1) / page * page;
        madvise((void *)first, (uintptr_t)pointer + bytes - first, MADV_HUGEPAGE);
    }
#endif
    return pointer;
}

void *qntk_alloc_zero(size_t count, size_t size)
{
    void *pointer = qntk_alloc(count, size);
    if (pointer != NULL)
        memset(pointer, 0, count * size);
    return pointer;
}

qntk_status qntk_grow(void **array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return QNTK_OK;
    size_t larger = *capacity < 8 ? 8 : *capacity;
    while (larger < needed) {
        if (larger > SIZE_MAX / 2)
            return QNTK_FAIL_MEMORY();
        larger *= 2;
    }
    void *copy = qntk_alloc(larger, size);
    if (copy == NULL)
        return QNTK_NO_MEMORY;
    if (*capacity > 0)
        memcpy(copy, *array, *capacity * size);
    qntk_free(*array);
    *array = copy;
    *capacity = larger;
    return QNTK_OK;
}

char *qntk_copy_string(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = qntk_alloc(bytes, 1);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

void qntk_free(void *pointer)
{
    free(pointer);
}

/* The number after `key` in a file of "key value" lines, or alone if key is NULL;
 * SIZE_MAX if it is not there ("max" in a cgroup file). */
static size_t read_figure(const char *path, const char *key)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return SIZE_MAX;
    size_t figure = SIZE_MAX;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *text = line;
        if (key != NULL) {
            if (strncmp(line, key, strlen(key)) != 0)
                continue;
            text += strlen(key);
        }
        char *end = NULL;
        unsigned long long value = strtoull(text, &end, 10);
        if (end != text)
            figure = (size_t)value;
        break;
    }
    fclose(file);
    return figure;
}

size_t qntk_memory_available(void)
{
    size_t available = read_figure("/proc/meminfo", "MemAvailable:");
    if (available < SIZE_MAX / 1024)
        available *= 1024;
    size_t limit = read_figure("/sys/fs/cgroup/memory.max", NULL);
    size_t used = read_figure("/sys/fs/cgroup/memory.current", NULL);
    if (limit != SIZE_MAX && used != SIZE_MAX)
        available = qntk_min(available, limit > used ? limit - used : 0);
    return available;
}

qntk_status qntk_memory_check(size_t bytes, const char *what, const char *advice)
{
    size_t available = qntk_memory_available();
    if (bytes <= available)
        return QNTK_OK;
    const double gib = 1024.0 * 1024.0 * 1024.0;
    return qntk_fail(QNTK_TOO_LARGE, "%s needs %.1f GiB of memory, %.1f GiB are available; %s", what,
                     (double)bytes / gib, (double)available / gib, advice);
}
