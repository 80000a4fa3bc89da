/* See bench.h. */
#include "bench.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS_MAX = 101 };

double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(size_t count, double *values)
{
    qsort(values, count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static double run_once(const bench_contestant *contestant)
{
    const struct timespec pause = {.tv_nsec =
                                       200 * 1000 * 1000}; /* OpenBLAS's threads spin for about 100 ms */
    if (contestant->prepare != NULL)
        contestant->prepare(contestant->context);
    nanosleep(&pause, NULL);
    openblas_set_num_threads(contestant->blas_threads ? (int)qntk_threads() : 1);
    double start = bench_seconds();
    contestant->run(contestant->context);
    return bench_seconds() - start;
}

void bench_interleave(size_t count, bench_contestant *contestants, size_t repeats, bool warm)
{
    repeats = repeats < REPEATS_MAX ? repeats : REPEATS_MAX;
    double *seconds = qntk_alloc(count * repeats, sizeof *seconds);
    bench_check(seconds == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    for (size_t i = 0; warm && i < count; i++)
        run_once(&contestants[i]);
    for (size_t r = 0; r < repeats; r++)
        for (size_t i = 0; i < count; i++)
            seconds[i * repeats + r] = run_once(&contestants[i]);
    for (size_t i = 0; i < count; i++)
        contestants[i].seconds = median(repeats, seconds + i * repeats);
    qntk_free(seconds);
}

void bench_header(void)
{
    puts("op\tcase\tthreads\tseconds\tbaseline\tbaseline_seconds\tratio\tresidual");
    fflush(stdout);
}

static void print_number(const char *format, double value)
{
    if (isnan(value))
        fputs("\t-", stdout);
    else
        printf(format, value);
}

void bench_row(const char *op, const char *name, double seconds, const char *baseline,
               double baseline_seconds, double residual)
{
    printf("%s\t%s\t%zu", op, name, qntk_threads());
    print_number("\t%.5g", seconds);
    printf("\t%s", baseline);
    print_number("\t%.5g", baseline_seconds);
    print_number("\t%.3f", seconds / baseline_seconds);
    print_number("\t%.1e", residual);
    putchar('\n');
    fflush(stdout);
}

double bench_python(const char *script, const char *const *arguments)
{
    enum { WORDS = 16 };
    const char *words[WORDS] = {"python3", "-c", script};
    size_t count = 3;
    while (arguments != NULL && *arguments != NULL && count < WORDS - 1)
        words[count++] = *arguments++;
    int ends[2];
    if (pipe(ends) != 0)
        return NAN;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        /* a Python that was installed with the system's packages before one that shadows it */
        execv("/usr/bin/python3", (char *const *)words);
        execvp("python3", (char *const *)words);
        _exit(127);
    }
    close(ends[1]);
    FILE *stream = fdopen(ends[0], "r");
    char text[64] = "", *end = text;
    double result = NAN;
    if (child > 0 && stream != NULL && fgets(text, sizeof text, stream) != NULL)
        result = strtod(text, &end);
    if (end == text)
        result = NAN;
    if (stream != NULL)
        fclose(stream);
    int status = 0;
    if (child > 0)
        waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? result : NAN;
}

void bench_fail(void)
{
    fprintf(stderr, "benchmark: %s\n", qntk_message());
    exit(EXIT_FAILURE);
}
