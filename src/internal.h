/* What the modules share and users do not see. */
#ifndef QNTK_INTERNAL_H
#define QNTK_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/qntk.h"

#if defined(__GNUC__)
#define QNTK_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define QNTK_PRINTF(text, first)
#endif

/* Sets this thread's message and returns `status`, so that a failure is one line:
 *     return qntk_fail(QNTK_FORMAT, "%s:%zu: expected %zu fields, found %zu", ...);
 * or, with a label, `status = qntk_fail(...); goto done;`. */
qntk_status qntk_fail(qntk_status status, const char *format, ...) QNTK_PRINTF(2, 3);
#ifdef __clang_analyzer__ /* which does not see across files that the status comes back as it went in */
#define qntk_fail(status, ...) (qntk_fail(status, __VA_ARGS__), (status))
#endif

/* QNTK_NO_MEMORY for a NULL from qntk_alloc, whose message ("out of memory: 4096 bytes") the function's name
 * is put before. */
#define QNTK_FAIL_MEMORY() qntk_fail(QNTK_NO_MEMORY, "%s: %s", __func__, qntk_message())

/* True on a thread that runs an item of qntk_parallel_for or a part of a team: progress is its caller's to report. */
bool qntk_inside_loop(void);

/* A team of one, the caller: what a team does where other threads would not be worth their waking. Loops inside are
 * serial, and BLAS has one thread. */
qntk_status qntk_parallel_alone(qntk_parallel_body body, void *context);

/* Checks an argument's documented domain. */
#define QNTK_REQUIRE(condition, what)                                                                        \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            return qntk_fail(QNTK_INVALID, "%s: %s", __func__, (what));                                      \
    } while (0)

/* What qntk_memory_available takes from control groups: the least room, limit - (use - inactive file pages),
 * of the group that `membership` (/proc/self/cgroup) names and of all above it, under `root`
 * (/sys/fs/cgroup); SIZE_MAX if none has a limit. */
size_t qntk_cgroup_room(const char *membership, const char *root);

/* A number as text, with a decimal point in any locale: in so many significant digits, or in the fewest (15
 * to 17) that give the same double back. "nan", "inf", "-inf" otherwise. */
enum { QNTK_NUMBER_BYTES = 40 };
void qntk_format_number(double value, int digits, char text[QNTK_NUMBER_BYTES]);
void qntk_format_shortest(double value, char text[QNTK_NUMBER_BYTES]);

static inline size_t qntk_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t qntk_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The mean of x (count, stride), every stride-th number of it, and the standard error of that mean; NaN for one. */
double qntk_mean(size_t count, size_t stride, const double *x, double *error);

/* Compares two doubles, for qsort. */
int qntk_ascending(const void *a, const void *b);

/* step^2/12: the variance of an error that is uniform over a step of this many levels; 0 for real weights. */
static inline double qntk_noise_uniform(size_t levels)
{
    const double step = qntk_weight_step(levels);
    return step * step / 12;
}

/* |x - z|^2 of two rows of length d: eight partial sums, so that it vectorises without reordering flags. */
static inline double qntk_distance_squared(size_t d, const double *x, const double *z)
{
    enum { LANES = 8 };
    double part[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= d; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            part[k] += (x[i + k] - z[i + k]) * (x[i + k] - z[i + k]);
    for (; i < d; i++)
        rest += (x[i] - z[i]) * (x[i] - z[i]);
    for (size_t k = 0; k < LANES; k++)
        rest += part[k];
    return rest;
}

#endif
