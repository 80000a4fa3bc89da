/* What the benchmarks share: medians of interleaved runs, and one line a case in a common table. */
#ifndef QNTK_BENCH_H
#define QNTK_BENCH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

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

/* A baseline in Python: a process that waits for its turn, so that its runs take part in the interleaving. */
typedef struct {
    pid_t child;
    FILE *to, *from;
} bench_python;

/* Starts Python on `script`, which imports, prepares and defines functions, with sys.argv[1:] = arguments (a
 * NULL ends them): $PYTHON, or else python3 or, if that one fails, /usr/bin/python3. False if there is no Python, a module is missing, or the script fails. */
bool bench_python_start(const char *script, const char *const *arguments, bench_python *python);

/* Calls the script's function of this name; false if that fails. */
bool bench_python_call(bench_python *python, const char *function);

/* The `run` of a contestant whose context is a bench_python: calls run(). Exits with 1 if that fails. */
void bench_python_run(void *python);

/* Ends it and waits for its end; nothing if it did not start. */
void bench_python_end(bench_python *python);

/* The larger of two errors; one that is not finite stays. */
static inline double bench_worse(double worst, double error)
{
    return isfinite(error) && isfinite(worst) ? fmax(worst, error) : INFINITY;
}

/* Prints the message of the library and exits with 1. */
_Noreturn void bench_fail(void);

/* The same, if status is not QNTK_OK. */
static inline void bench_check(qntk_status status)
{
    if (status != QNTK_OK)
        bench_fail();
}

#endif
