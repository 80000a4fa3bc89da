/* What the benchmarks share: medians of interleaved runs, and one line a case in a common table. */
#ifndef QNTK_BENCH_H
#define QNTK_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/qntk.h"

/* One contestant. `run` does the work once; what it leaves behind may be checked afterwards. */
typedef struct {
    const char *name;
    void (*run)(void *context);
    void (*prepare)(void *context); /* before each run, not timed; or NULL */
    void *context;
    bool blas_threads; /* the run uses OpenBLAS's own threads; ours otherwise */
    double seconds;    /* out: the median */
} bench_contestant;

/* Seconds of a monotonic clock. */
double bench_seconds(void);

/* Runs the contestants in turn, `repeats` times after one warm-up round if `warm`, with pauses in which
 * BLAS's spinning threads fall asleep, and puts each median where it belongs. */
void bench_interleave(size_t count, bench_contestant *contestants, size_t repeats, bool warm);

/* The header, once per program: op case threads seconds baseline baseline_seconds ratio residual. */
void bench_header(void);

/* One line. A baseline that is not installed: its name and NAN. residual NAN: "-". */
void bench_row(const char *op, const char *name, double seconds, const char *baseline,
               double baseline_seconds, double residual);

/* Runs `/usr/bin/env python3 -c script argument...` (a NULL ends them) and returns the number it prints, NAN
 * if there is no Python, a module is missing, or it fails. */
double bench_python(const char *script, const char *const *arguments);

/* Prints the message of the library and exits with 1. */
_Noreturn void bench_fail(void);

/* The same, if status is not QNTK_OK. */
static inline void bench_check(qntk_status status)
{
    if (status != QNTK_OK)
        bench_fail();
}

#endif
