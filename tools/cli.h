/* What the programs share: options from a table, help printed from the same table, data and kernels from the
 * command line, progress on a terminal, a clean end on Ctrl-C, and one way to report a failure. */
#ifndef QNTK_CLI_H
#define QNTK_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/qntk.h"

enum { CLI_FAILURE = 1, CLI_USAGE = 2, CLI_KERNELS_MAX = 64 };

/* How an option's argument is read, and the type its destination points to. */
typedef enum {
    CLI_FLAG,   /* bool, no argument */
    CLI_TEXT,   /* const char * */
    CLI_COUNT,  /* size_t, 1 or more */
    CLI_SEED,   /* uint64_t */
    CLI_CHOICE, /* int, the position in `choices` */
    CLI_KERNEL, /* cli_kernels, appended */
} cli_kind;

typedef struct {
    const char *name; /* without the dashes; NULL: a heading, in `help`; the table ends with both NULL */
    cli_kind kind;
    void *destination;
    const char *argument; /* as the help shows it: "FILE" */
    const char *help;
    const char *choices; /* CLI_CHOICE: "tsv|json" */
} cli_option;

typedef struct {
    size_t count;
    qntk_kernel kernel[CLI_KERNELS_MAX];
} cli_kernels;

typedef enum { CLI_TSV, CLI_JSON } cli_format;

/* The words that mean the same in every program (cli.md, "Shared words"). */
typedef struct {
    const char *data;
    const char *target;
    const char *labels;
    int task, scale, rows, missing; /* qntk_task, qntk_scale, qntk_rows, qntk_missing */
    size_t limit;
    cli_kernels kernels;
    uint64_t seed;
    size_t threads;
    const char *out;
    int format; /* cli_format */
    const char *plot;
    int precision; /* qntk_precision */
    bool quiet;
} cli_common;

typedef struct {
    const char *name;     /* of the program */
    const char *synopsis; /* "--data SPEC --kernel SPEC ..." */
    const char *summary;  /* what it does, one line */
    const char *examples; /* after the options */
    const cli_option *options;
    cli_common *common;
} cli_program;

/* The shared options as rows of a table, for a program's own. */
#define CLI_DATA_OPTIONS(c)                                                                                   \
    {NULL, CLI_FLAG, NULL, NULL, "Data", NULL},                                                               \
        {"data", CLI_TEXT, &(c).data, "SPEC", "a file, a folder or a generator (see below)", NULL},           \
        {"target", CLI_TEXT, &(c).target, "NAME|INDEX|none", "target column, from 0; none: all are features", \
         NULL},                                                                                               \
        {"labels", CLI_TEXT, &(c).labels, "FILE", "labels of .npy or IDX data", NULL},                        \
        {"task", CLI_CHOICE, &(c).task, NULL, "what the target is", "auto|classify|regress"},                 \
        {"limit", CLI_COUNT, &(c).limit, "N", "a random subset of N rows", NULL},                             \
        {"scale", CLI_CHOICE, &(c).scale, NULL, "zscore: each feature to mean 0, sd 1", "none|zscore"},       \
        {"rows", CLI_CHOICE, &(c).rows, NULL, "sphere: each row to norm sqrt(d)", "raw|sphere"},              \
    {                                                                                                         \
        "missing", CLI_CHOICE, &(c).missing, NULL, "what to do with missing values", "error|drop|mean"        \
    }

#define CLI_KERNEL_OPTIONS(c)                                                                                \
    {NULL, CLI_FLAG, NULL, NULL, "Kernels", NULL},                                                           \
        {"kernel", CLI_KERNEL, &(c).kernels, "SPEC", "NAME[:key=value,...] (see below); may be repeated",    \
         NULL},                                                                                              \
    {                                                                                                        \
        "precision", CLI_CHOICE, &(c).precision, NULL, "arithmetic of the kernel matrix", "double|single"    \
    }

#define CLI_OUTPUT_OPTIONS(c)                                                                                \
    {NULL, CLI_FLAG, NULL, NULL, "Output", NULL},                                                            \
        {"out", CLI_TEXT, &(c).out, "FILE", "where the result goes; default standard output", NULL},         \
        {"format", CLI_CHOICE, &(c).format, NULL, "of the result", "tsv|json"},                              \
        {"plot", CLI_TEXT, &(c).plot, "FILE", "draw it with gnuplot: .png, .svg or .pdf", NULL},             \
        {"quiet", CLI_FLAG, &(c).quiet, NULL, "no progress, no summary on standard error", NULL},            \
        {NULL, CLI_FLAG, NULL, NULL, "General", NULL},                                                       \
        {"seed", CLI_SEED, &(c).seed, "N", "of everything random; default 0", NULL},                         \
    {                                                                                                        \
        "threads", CLI_COUNT, &(c).threads, "N", "default: all processors; never changes a result", NULL     \
    }

/* Reads the command line into the destinations of program->options. Returns 0 to go on; otherwise the program
 * ends with that exit code (help and version: after printing, as *end says). */
int cli_parse(const cli_program *program, int argc, char **argv, bool *end);

/* Prints "program: text" to standard error and returns CLI_USAGE. */
int cli_usage(const cli_program *program, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints "program: message of the library" and returns CLI_FAILURE, or cli_interrupted(). Silent on an empty
 * message. */
int cli_fail(const cli_program *program, qntk_status status);

/* The exit code of an interrupted program, as a shell gives it: 128 + the signal (130 after Ctrl-C). */
int cli_interrupted(void);

/* As the library sets its message: for failures that the programs find themselves. */
qntk_status cli_message(qntk_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Threads, signals and the progress bar, as the options say. */
qntk_status cli_start(const cli_program *program);

/* Ends the progress bar's line, so that text may follow. */
void cli_progress_end(void);

/* QNTK_OK if a result can be written to `path` (NULL and "-" can); to be asked before long work. */
qntk_status cli_check_writable(const char *path);

/* Reads the data set of --data with the shared options. */
qntk_status cli_read_data(const cli_common *common, bool target_optional, qntk_dataset *dataset);

/* Adds version, command (without the words that do not change the numbers: --out, --plot, --threads,
 * --quiet), seed, data, n and d. */
qntk_status cli_meta(const cli_program *program, int argc, char *const *argv, const char *data, size_t n,
                     size_t d, qntk_meta *meta);

/* Seconds since an arbitrary start. */
double cli_seconds(void);

#endif
