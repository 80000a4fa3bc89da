/* See bench.h. */
#define _GNU_SOURCE /* pipe2 */
#include "bench.h"

#include <cblas.h>
#include <fcntl.h>
#include <signal.h>
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

/* ---- a baseline in Python ---- */

/* After the script: says that it is ready, then calls the function that each line names and says when it has
 * returned. */
static const char serve[] = "\nimport sys\n"
                            "print('ready', flush=True)\n"
                            "for line in sys.stdin:\n"
                            "    globals()[line.strip()]()\n"
                            "    print('done', flush=True)\n";

/* Which Python: that of $PYTHON alone; or the first on the path, or the system's, whose packages one that comes before
 * it on the path need not have. NULL: no more. */
static const char *which_python(size_t attempt)
{
    const char *chosen = getenv("PYTHON");
    static const char *const usual[] = {"python3", "/usr/bin/python3"};
    if (chosen != NULL && chosen[0] != '\0')
        return attempt == 0 ? chosen : NULL;
    return attempt < sizeof usual / sizeof *usual ? usual[attempt] : NULL;
}

/* In the child: Python with its standard input and output on the two pipes; what it says of a module that is missing
 * is said only by the last one. */
_Noreturn static void become_python(size_t attempt, const char *script, const char *const *arguments, int in,
                                    int out)
{
    enum { WORDS = 16 };
    size_t bytes = strlen(script) + sizeof serve;
    char *whole = malloc(bytes);
    if (whole == NULL)
        _exit(127);
    snprintf(whole, bytes, "%s%s", script, serve);
    const char *words[WORDS] = {which_python(attempt), "-c", whole};
    for (size_t count = 3; arguments != NULL && *arguments != NULL && count < WORDS - 1; count++)
        words[count] = *arguments++;
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    if (words[0] == NULL)
        _exit(127);
    if (which_python(attempt + 1) != NULL) {
        const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere >= 0)
            dup2(nowhere, STDERR_FILENO);
    }
    execvp(words[0], (char *const *)words);
    _exit(127);
}

static bool heard(const bench_python *python, const char *word)
{
    char line[64];
    return fgets(line, sizeof line, python->from) != NULL && strncmp(line, word, strlen(word)) == 0;
}

static bool start(size_t attempt, const char *script, const char *const *arguments, bench_python *python)
{
    *python = (bench_python){0};
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0)
        return false;
    if (pipe2(from, O_CLOEXEC) != 0) {
        close(to[0]);
        close(to[1]);
        return false;
    }
    signal(SIGPIPE, SIG_IGN); /* a child that died is found by its silence */
    fflush(stdout);
    python->child = fork();
    if (python->child == 0)
        become_python(attempt, script, arguments, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    python->to = fdopen(to[1], "w");
    python->from = fdopen(from[0], "r");
    if (python->child > 0 && python->to != NULL && python->from != NULL && heard(python, "ready"))
        return true;
    bench_python_end(python);
    return false;
}

bool bench_python_start(const char *script, const char *const *arguments, bench_python *python)
{
    for (size_t attempt = 0; which_python(attempt) != NULL; attempt++)
        if (start(attempt, script, arguments, python))
            return true;
    return false;
}

bool bench_python_call(bench_python *python, const char *function)
{
    fprintf(python->to, "%s\n", function);
    fflush(python->to);
    return heard(python, "done");
}

void bench_python_run(void *python)
{
    if (!bench_python_call(python, "run")) {
        fputs("benchmark: the baseline in Python failed\n", stderr);
        exit(EXIT_FAILURE);
    }
}

void bench_python_end(bench_python *python)
{
    if (python->to != NULL)
        fclose(python->to);
    if (python->from != NULL)
        fclose(python->from);
    if (python->child > 0)
        waitpid(python->child, NULL, 0);
    *python = (bench_python){0};
}

void bench_fail(void)
{
    fprintf(stderr, "benchmark: %s\n", qntk_message());
    exit(EXIT_FAILURE);
}
