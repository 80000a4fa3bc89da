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
            return qntk_fail(QNTK_NO_MEMORY, "out of memory: %zu elements of %zu bytes", needed, size);
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

/* ---- control groups ---- */

enum { PATH_BYTES = 4096 };

/* Where a version of control groups keeps the figures of a group's memory. */
typedef struct {
    const char *controllers; /* second field of the line of /proc/self/cgroup */
    const char *folder;      /* under the root */
    const char *limit, *use, *inactive;
} cgroup_version;

static const cgroup_version cgroup_versions[] = {
    {"", "", "memory.max", "memory.current", "inactive_file "},
    {"memory", "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "},
};

static size_t cgroup_figure(const char *group, const char *file, const char *key)
{
    char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", group, file);
    return read_figure(path, key);
}

/* The room of one group. File pages that nobody used lately count as free: the kernel drops them first. */
static size_t group_room(const cgroup_version *version, const char *group)
{
    size_t limit = cgroup_figure(group, version->limit, NULL);
    size_t use = cgroup_figure(group, version->use, NULL);
    size_t inactive = cgroup_figure(group, "memory.stat", version->inactive);
    if (limit == SIZE_MAX || use == SIZE_MAX)
        return SIZE_MAX;
    use -= inactive == SIZE_MAX ? 0 : qntk_min(use, inactive);
    return limit > use ? limit - use : 0;
}

/* The least room of `group` (a path below root + folder, from its slash on) and of those above it. A group
 * that is not there, as in a container that sees its own group as the root, has no limit. */
static size_t least_room(const cgroup_version *version, const char *root, const char *group)
{
    char path[PATH_BYTES];
    int stem = snprintf(path, sizeof path, "%s%s", root, version->folder);
    int length = snprintf(path, sizeof path, "%s%s%s", root, version->folder, group);
    if (length >= PATH_BYTES)
        return SIZE_MAX;
    size_t room = SIZE_MAX;
    for (char *end = path + length;; end = strrchr(path, '/')) {
        *end = '\0';
        room = qntk_min(room, group_room(version, path));
        if (end <= path + stem)
            return room;
    }
}

size_t qntk_cgroup_room(const char *membership, const char *root)
{
    FILE *file = fopen(membership, "r");
    size_t room = SIZE_MAX;
    char line[PATH_BYTES];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) { /* number:controllers:/path */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *group = strstr(line, ":/");
        if (controllers == NULL || group == NULL)
            continue;
        *group++ = '\0';
        controllers += controllers < group - 1; /* none: both colons are one beside the other */
        for (size_t v = 0; v < sizeof cgroup_versions / sizeof cgroup_versions[0]; v++)
            if (strcmp(controllers, cgroup_versions[v].controllers) == 0)
                room = qntk_min(room, least_room(&cgroup_versions[v], root, group));
    }
    if (file != NULL)
        fclose(file);
    return room;
}

size_t qntk_memory_available(void)
{
    size_t available = read_figure("/proc/meminfo", "MemAvailable:");
    if (available < SIZE_MAX / 1024)
        available *= 1024;
    return qntk_min(available, qntk_cgroup_room("/proc/self/cgroup", "/sys/fs/cgroup"));
}

qntk_status qntk_memory_check(size_t bytes, const char *what, const char *advice)
{
    const size_t little = 1 << 23; /* reading the system's files takes as long as the work on so few bytes */
    if (bytes <= little)
        return QNTK_OK;
    size_t available = qntk_memory_available();
    if (bytes <= available)
        return QNTK_OK;
    const double gib = 1024.0 * 1024.0 * 1024.0;
    return qntk_fail(QNTK_TOO_LARGE, "%s needs %.1f GiB of memory, %.1f GiB are available; %s", what,
                     (double)bytes / gib, (double)available / gib, advice);
}
