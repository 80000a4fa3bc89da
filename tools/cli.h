/* What the programs share: options from a table, help printed from the same table, data and kernels from the
 * command line, progress on a terminal, a clean end on Ctrl-C, and one way to report a failure. */
#ifndef QNTK_CLI_H
#define QNTK_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/qntk.h"

enum { CLI_FAILURE = 1, CLI_USAGE = 2, CLI_KERNELS_MAX = 64 };

/* How an option's argument is read, and the type its destination points to. Lists are read as CLI_TEXT by the
 * program that takes them. The value a destination starts with is the default: NULL, 0 and NaN mean none, any
 * other is shown by --help and spelled out in the recorded command. */
typedef enum {
    CLI_FLAG,   /* bool, no argument */
    CLI_TEXT,   /* const char * */
    CLI_COUNT,  /* size_t, from `low` (1 if that is 0) to `high` (any if that is 0) */
    CLI_NUMBER, /* double, finite, in [low, high] unless both are 0; NaN: not given */
    CLI_SEED,   /* uint64_t */
    CLI_CHOICE, /* int, the position in `choices` */
    CLI_KERNEL, /* cli_kernels, appended */
} cli_kind;

/* What an option means for the numbers of a result. Only those of the first and the last are recorded. */
typedef enum {
    CLI_DECIDES, /* them, or which there are */
    CLI_ASIDE,   /* nothing: --quiet, --threads, --format */
    CLI_WRITES,  /* nothing; the text is a file to write, which no other option may name */
    CLI_READS,   /* the text is a file they come from */
} cli_role;

typedef struct {
    const char *name; /* without the dashes; NULL: a heading, in `help`; the table ends with both NULL */
    cli_kind kind;
    void *destination;
    const char *argument; /* as the help shows it: "FILE" */
    const char *help;
    const char *choices; /* CLI_CHOICE: "tsv|json" */
    cli_role role;
    /* names "a|b" of options of which one must be given for this one to mean anything; "a=value": must have this value */
    const char *needs;
    const char
        *against; /* names of options with which this one means nothing; those a program lacks are fine */
    double low, high;
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
    const char *operand; /* the option, of kind CLI_TEXT, that a word without one stands for; NULL: none */
} cli_program;

/* The shared options as rows of a table, for a program's own. */
#define CLI_HEADING(text)                                                                                    \
    {                                                                                                        \
        .help = (text)                                                                                       \
    }

/* `with`, `without`: names "a|b" of options, of which a program may lack some: one table serves them all. */
#define CLI_DATA_OPTION(option, type, field, with, without, ...)                                             \
    {                                                                                                        \
        .name = (option), .kind = (type), .destination = &(field), .needs = (with), .against = (without),    \
        __VA_ARGS__                                                                                          \
    }

#define CLI_SOURCE_OPTIONS(c)                                                                                \
    {.name = "data",                                                                                         \
     .kind = CLI_TEXT,                                                                                       \
     .destination = &(c).data,                                                                               \
     .argument = "SPEC",                                                                                     \
     .role = CLI_READS,                                                                                      \
     .help = "a file, a folder or a generator (see below)"},                                                 \
        CLI_DATA_OPTION("target", CLI_TEXT, (c).target, "data", "sphere", .argument = "NAME|INDEX|none",     \
                        .help = "target column, from 0; none: all are features"),                            \
        CLI_DATA_OPTION("labels", CLI_TEXT, (c).labels, "data", "sphere", .argument = "FILE",                \
                        .role = CLI_READS, .help = "labels of .npy or IDX data")

#define CLI_LIMIT_OPTION(c)                                                                                  \
    CLI_DATA_OPTION("limit", CLI_COUNT, (c).limit, "data", "sphere", .argument = "N",                        \
                    .help = "a random subset of N rows, before all else")

#define CLI_SCALE_OPTIONS(c, with)                                                                           \
    CLI_DATA_OPTION("scale", CLI_CHOICE, (c).scale, with, "sphere|model",                                    \
                    .help = "zscore: each feature to mean 0, sd 1", .choices = "none|zscore"),               \
        CLI_DATA_OPTION("rows", CLI_CHOICE, (c).rows, with, "sphere|model",                                  \
                        .help = "sphere: each row to norm sqrt(d)", .choices = "raw|sphere")

#define CLI_MISSING_OPTION(c, with, values)                                                                  \
    CLI_DATA_OPTION("missing", CLI_CHOICE, (c).missing, with, "sphere",                                      \
                    .help = "what to do with missing values", .choices = (values))

/* All of them; a saved network (--model) brings its own task and scale. */
#define CLI_DATA_OPTIONS(c)                                                                                  \
    CLI_HEADING("Data"), CLI_SOURCE_OPTIONS(c),                                                              \
        CLI_DATA_OPTION("task", CLI_CHOICE, (c).task, "data", "sphere|model", .help = "what the target is",  \
                        .choices = "auto|classify|regress"),                                                 \
        CLI_LIMIT_OPTION(c), CLI_SCALE_OPTIONS(c, "data|suite"),                                             \
        CLI_MISSING_OPTION(c, "data|suite", "error|drop|mean")

/* Another file to test on. */
#define CLI_TEST_OPTIONS(test_file, test_file_labels, without)                                               \
    {.name = "test",                                                                                         \
     .kind = CLI_TEXT,                                                                                       \
     .destination = &(test_file),                                                                            \
     .argument = "FILE",                                                                                     \
     .role = CLI_READS,                                                                                      \
     .against = (without),                                                                                   \
     .help = "train on --data, test on this; columns and classes are matched by name"},                      \
    {                                                                                                        \
        .name = "test-labels", .kind = CLI_TEXT, .destination = &(test_file_labels), .argument = "FILE",     \
        .role = CLI_READS, .needs = "test", .help = "labels of --test, for .npy and IDX data"                \
    }

#define CLI_KERNEL_OPTIONS(c)                                                                                \
    CLI_HEADING("Kernels"),                                                                                  \
        {.name = "kernel",                                                                                   \
         .kind = CLI_KERNEL,                                                                                 \
         .destination = &(c).kernels,                                                                        \
         .argument = "SPEC",                                                                                 \
         .help = "NAME[:key=value,...] (see below); may be repeated"},                                       \
    {                                                                                                        \
        .name = "precision", .kind = CLI_CHOICE, .destination = &(c).precision, .against = "sphere",         \
        .help = "arithmetic of the kernel matrix", .choices = "double|single"                                \
    }

#define CLI_RESULT_OPTIONS(c)                                                                                \
    {.name = "out",                                                                                          \
     .kind = CLI_TEXT,                                                                                       \
     .destination = &(c).out,                                                                                \
     .argument = "FILE",                                                                                     \
     .role = CLI_WRITES,                                                                                     \
     .help = "where the result goes [standard output]"},                                                     \
    {                                                                                                        \
        .name = "format", .kind = CLI_CHOICE, .destination = &(c).format, .choices = "tsv|json",             \
        .role = CLI_ASIDE, .help = "of the result"                                                           \
    }

#define CLI_GENERAL_OPTIONS(c, seeded)                                                                       \
    {.name = "quiet",                                                                                        \
     .kind = CLI_FLAG,                                                                                       \
     .destination = &(c).quiet,                                                                              \
     .role = CLI_ASIDE,                                                                                      \
     .help = "no progress, no summary on standard error"},                                                   \
        CLI_HEADING("General"),                                                                              \
        {.name = "seed", .kind = CLI_SEED, .destination = &(c).seed, .argument = "N", .help = (seeded)},     \
    {                                                                                                        \
        .name = "threads", .kind = CLI_COUNT, .destination = &(c).threads, .argument = "N", .high = 1024,    \
        .role = CLI_ASIDE, .help = "never changes a result [all processors]"                                 \
    }

#define CLI_OUTPUT_OPTIONS(c)                                                                                \
    CLI_HEADING("Output"), CLI_RESULT_OPTIONS(c),                                                            \
        {.name = "plot",                                                                                     \
         .kind = CLI_TEXT,                                                                                   \
         .destination = &(c).plot,                                                                           \
         .argument = "FILE",                                                                                 \
         .role = CLI_WRITES,                                                                                 \
         .help = "draw it with gnuplot: .png, .svg or .pdf"},                                                \
        CLI_GENERAL_OPTIONS(c, "of everything random")

/* Reads the command line into the destinations of program->options, and checks what the table says of them:
 * ranges, `needs`, `against`, and that no file is written twice or over one that is read. Returns 0 to go on;
 * otherwise the program ends with that exit code (help and version: after printing, as *end says). */
int cli_parse(const cli_program *program, int argc, char **argv, bool *end);

/* True if the command line had this option, by whatever abbreviation. */
bool cli_given(const cli_program *program, const char *name);

/* The value of an option as it would be typed; NULL if it has none (not given and without a default, a flag, a
 * kernel). `text` is used where the value is no text already. */
const char *cli_value(const cli_option *option, char text[32]);

/* What the table says of the options together, and of the files they name; cli_parse calls it. */
int cli_check_options(const cli_program *program);

/* Prints the help on standard output; defaults[i] is the text of the i-th row's default, "" for none. */
void cli_help(const cli_program *program, char defaults[][32]);

/* Prints "program: text" to standard error and returns CLI_USAGE. */
int cli_usage(const cli_program *program, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints "program: message of the library" and what follows it in the same line: for a failure that leaves
 * something done. The next failure has a message of its own. */
void cli_note(const cli_program *program, qntk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints "program: message of the library" and returns CLI_FAILURE, or cli_interrupted(). Silent on an empty
 * message. */
int cli_fail(const cli_program *program, qntk_status status);

/* The exit code of an interrupted program, as a shell gives it: 128 + the signal (130 after Ctrl-C). */
int cli_interrupted(void);

/* As the library sets its message: for failures that the programs find themselves. */
qntk_status cli_message(qntk_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Threads, signals and the progress bar, as the options say. */
qntk_status cli_start(const cli_program *program);

/* cli_start, and whether the results can be written and, with --plot, drawn by plots/SCRIPT.gp: what is to be known
 * before long work. */
qntk_status cli_begin(const cli_program *program, const char *script);

/* From now on the bar shows how much of the whole is done, whatever step reports: fraction() is called from any
 * thread, one call at a time. `label` NULL: the steps again. */
void cli_progress_whole(const char *label, double (*fraction)(void));

/* Ends the progress bar's line, so that text may follow. */
void cli_progress_end(void);

/* QNTK_OK if a result can be written to `path` (NULL and "-" can); to be asked before long work. */
qntk_status cli_check_writable(const char *path);

/* The same of every option that names a file to write. */
qntk_status cli_check_outputs(const cli_program *program);

/* Reads the data set of --data with the shared options. */
qntk_status cli_read_data(const cli_common *common, bool target_optional, qntk_dataset *dataset);

/* The size that all matrices have: the rows of the data or, without data (data->n 0), what the kernels' files say.
 * Reads the headers of these files; a matrix of another size is an error. To be asked before long work. */
qntk_status cli_matrix_size(const cli_common *common, const qntk_dataset *data, size_t *n);

/* QNTK_TOO_LARGE if memory lacks for `share` matrices (n,n); to be asked before long work. */
qntk_status cli_check_memory(size_t n, double share);

/* The kernel matrix of the data's rows, *K (n,n), freed by the caller also on failure; or of a file, which must
 * have as many rows as the data (any number if data->n is 0). A median bandwidth is that of the first
 * `median_rows` rows. `share`: the memory needed for K and the work on it, in sizes of K. `route` says how it
 * was computed. */
enum { CLI_ROUTE = 160 };
qntk_status cli_kernel_matrix(const cli_common *common, qntk_kernel *kernel, const qntk_dataset *data,
                              size_t median_rows, double share, size_t *n, double **K, char *route);

/* Adds version, command, seed, data (NULL: none), n and d (neither if both are 0: many data sets). The command
 * is the resolved one: full names in the order of the table, with the defaults, of the options that decide the
 * numbers and mean something beside the others given. The same settings give the same bytes, however they were
 * typed. */
qntk_status cli_meta(const cli_program *program, const char *data, size_t n, size_t d, qntk_meta *meta);

/* Seconds since an arbitrary start. */
double cli_seconds(void);

#endif
