/* See cli.h. */
#include "cli.h"

#include <cblas.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPTIONS_MAX = 64 };

/* ---- help ---- */

static void print_options(const cli_option *options)
{
    for (const cli_option *o = options; o->name != NULL || o->help != NULL; o++) {
        if (o->name == NULL) {
            printf("\n%s:\n", o->help);
            continue;
        }
        char word[64];
        const char *argument = o->kind == CLI_CHOICE ? o->choices : o->argument;
        snprintf(word, sizeof word, "--%s%s%s", o->name, argument != NULL ? " " : "",
                 argument != NULL ? argument : "");
        if (strlen(word) > 28)
            printf("  %s\n  %-28s %s\n", word, "", o->help);
        else
            printf("  %-28s %s\n", word, o->help);
    }
    printf("  %-28s %s\n  %-28s %s\n", "--help", "this text", "--version", "the version");
}

static bool takes(const cli_option *options, cli_kind kind)
{
    for (const cli_option *o = options; o->name != NULL || o->help != NULL; o++)
        if (o->name != NULL && o->kind == kind)
            return true;
    return false;
}

static bool takes_data(const cli_option *options)
{
    for (const cli_option *o = options; o->name != NULL || o->help != NULL; o++)
        if (o->name != NULL && strcmp(o->name, "data") == 0)
            return true;
    return false;
}

static void print_help(const cli_program *program)
{
    printf("Usage: %s %s\n%s\n", program->name, program->synopsis, program->summary);
    print_options(program->options);
    if (takes(program->options, CLI_KERNEL)) {
        printf("\nKernel specifications, NAME[:key=value,...], keys with their defaults:\n");
        for (const qntk_kernel_family *row = qntk_kernel_families; row->name != NULL; row++)
            printf("  %-8s %s\n           %s\n", row->name, row->summary, row->keys);
        printf("  K.npy    a square matrix in a file\n");
    }
    if (takes_data(program->options))
        printf("\nData specifications:\n%s", qntk_dataset_help());
    printf("\nExamples:\n%s", program->examples);
}

/* ---- failures ---- */

int cli_usage(const cli_program *program, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry '%s --help'.\n", program->name);
    va_end(arguments);
    return CLI_USAGE;
}

static char own_message[1024];
static volatile sig_atomic_t ending_signal = SIGINT; /* the first that asked the program to end */

int cli_interrupted(void)
{
    return 128 + ending_signal;
}

qntk_status cli_message(qntk_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(own_message, sizeof own_message, format, arguments);
    va_end(arguments);
    return status;
}

int cli_fail(const cli_program *program, qntk_status status)
{
    cli_progress_end();
    if (status == QNTK_INTERRUPTED) {
        fprintf(stderr, "%s: interrupted\n", program->name);
        return cli_interrupted();
    }
    const char *text = own_message[0] != '\0' ? own_message : qntk_message();
    if (text[0] != '\0')
        fprintf(stderr, "%s: %s\n", program->name, text);
    return CLI_FAILURE;
}

/* ---- parsing ---- */

static int parse_choice(const cli_program *program, const cli_option *option, const char *text)
{
    const char *at = option->choices;
    for (int position = 0;; position++) {
        size_t length = strcspn(at, "|");
        if (strlen(text) == length && strncmp(at, text, length) == 0) {
            *(int *)option->destination = position;
            return 0;
        }
        if (at[length] == '\0')
            return cli_usage(program, "--%s: expected %s, found '%s'", option->name, option->choices, text);
        at += length + 1;
    }
}

static int parse_count(const cli_program *program, const cli_option *option, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    bool number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (option->kind == CLI_SEED && number) {
        *(uint64_t *)option->destination = value;
        return 0;
    }
    if (!number || value == 0 || value > SIZE_MAX / 16)
        return cli_usage(program, "--%s: expected a whole number%s, found '%s'", option->name,
                         option->kind == CLI_SEED ? "" : " from 1", text);
    *(size_t *)option->destination = (size_t)value;
    return 0;
}

static int parse_kernel(const cli_program *program, const cli_option *option, const char *text)
{
    cli_kernels *kernels = option->destination;
    if (kernels->count == CLI_KERNELS_MAX)
        return cli_usage(program, "more than %d kernels", CLI_KERNELS_MAX);
    if (qntk_kernel_parse(text, &kernels->kernel[kernels->count]) != QNTK_OK)
        return cli_usage(program, "%s", qntk_message());
    for (size_t i = 0; i < kernels->count; i++)
        if (strcmp(kernels->kernel[i].spec, text) == 0)
            return cli_usage(program, "kernel '%s' is given twice", text);
    kernels->count++;
    return 0;
}

static int parse_value(const cli_program *program, const cli_option *option, const char *text)
{
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->destination = true;
        return 0;
    case CLI_TEXT:
        *(const char **)option->destination = text;
        return 0;
    case CLI_COUNT:
    case CLI_SEED:
        return parse_count(program, option, text);
    case CLI_CHOICE:
        return parse_choice(program, option, text);
    case CLI_KERNEL:
        return parse_kernel(program, option, text);
    }
    return CLI_USAGE;
}

int cli_parse(const cli_program *program, int argc, char **argv, bool *end)
{
    enum { HELP = 1000, VERSION };
    struct option names[OPTIONS_MAX + 3] = {{"help", no_argument, NULL, HELP},
                                            {"version", no_argument, NULL, VERSION}};
    const cli_option *rows[OPTIONS_MAX];
    int count = 0;
    *end = false;
    for (const cli_option *o = program->options; (o->name != NULL || o->help != NULL) && count < OPTIONS_MAX;
         o++)
        if (o->name != NULL) {
            names[2 + count] =
                (struct option){o->name, o->kind == CLI_FLAG ? no_argument : required_argument, NULL, count};
            rows[count++] = o;
        }
    char short_options[] = "";
    argv[0] = (char *)program->name; /* getopt's messages begin with it */
    for (int code; (code = getopt_long(argc, argv, short_options, names, NULL)) != -1;) {
        if (code == HELP || code == VERSION) {
            if (code == HELP)
                print_help(program);
            else
                printf("%s (qntk) %s\n", program->name, qntk_version());
            *end = true;
            return fflush(stdout) == 0 ? 0 : CLI_FAILURE;
        }
        if (code == '?') {
            fprintf(stderr, "Try '%s --help'.\n", program->name);
            return CLI_USAGE;
        }
        int status = parse_value(program, rows[code], optarg);
        if (status != 0)
            return status;
    }
    if (optind < argc)
        return cli_usage(program, "unexpected argument '%s'", argv[optind]);
    return 0;
}

/* ---- signals and progress ---- */

static struct {
    bool shown; /* a line is on the terminal */
    char label[64];
    double start; /* of the present step, seconds */
} bar;

static void on_signal(int signal)
{
    if (qntk_interrupted()) { /* the second time: at once, but without leaving temporaries */
        qntk_file_abort_all();
        _exit(128 + signal);
    }
    ending_signal = signal;
    qntk_interrupt();
}

/* An ignored signal stays ignored: nohup and a shell's background jobs start programs so. */
static void catch_signal(int signal)
{
    struct sigaction inherited, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (sigaction(signal, NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
        sigaction(signal, &action, NULL);
}

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void show_progress(void *context, const char *label, double fraction)
{
    enum { WIDTH = 30 };
    const double delay = 0.5; /* seconds: shorter steps show nothing */
    (void)context;
    double now = cli_seconds();
    if (strcmp(label, bar.label) != 0) {
        snprintf(bar.label, sizeof bar.label, "%s", label);
        bar.start = now;
    }
    double elapsed = now - bar.start;
    if (fraction >= 1) {
        cli_progress_end();
        bar.label[0] = '\0';
        return;
    }
    if (elapsed < delay)
        return;
    char cells[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++)
        cells[i] = i < fraction * WIDTH ? '#' : '.';
    cells[WIDTH] = '\0';
    fprintf(stderr, "\r%-18s [%s] %3.0f %%", label, cells, 100 * fraction);
    if (fraction > 0.01)
        fprintf(stderr, "  %.0f s left ", elapsed * (1 - fraction) / fraction);
    fputs("\033[K", stderr);
    bar.shown = true;
}

void cli_progress_end(void)
{
    if (bar.shown)
        fputs("\r\033[K", stderr);
    bar.shown = false;
}

qntk_status cli_start(const cli_program *program)
{
    openblas_set_num_threads(1); /* the library brings its own threads */
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    catch_signal(SIGHUP);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, reported as such */
    if (!program->common->quiet && isatty(STDERR_FILENO))
        qntk_progress_set(show_progress, NULL);
    return qntk_threads_set(program->common->threads);
}

/* ---- data and the head of results ---- */

qntk_status cli_check_writable(const char *path)
{
    struct stat entry;
    if (path == NULL || strcmp(path, "-") == 0)
        return QNTK_OK;
    if (stat(path, &entry) == 0 && !S_ISREG(entry.st_mode) && !S_ISDIR(entry.st_mode))
        return QNTK_OK; /* opening and closing a pipe would tell its reader that all is over */
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(path, &file);
    qntk_file_abort(&file);
    return status;
}

qntk_status cli_read_data(const cli_common *common, bool target_optional, qntk_dataset *dataset)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = common->target;
    options.labels = common->labels;
    options.task = (qntk_task)common->task;
    options.limit = common->limit;
    options.scale = (qntk_scale)common->scale;
    options.rows = (qntk_rows)common->rows;
    options.missing = (qntk_missing)common->missing;
    options.seed = common->seed;
    options.target_optional = target_optional;
    return qntk_dataset_read(common->data, options, dataset);
}

/* The words that do not change the numbers are left out of the recorded command, so that a result is the same
 * bytes wherever it is written and however many threads made it. Returns how many words to skip at argv[i].
 */
static int words_to_skip(const char *word)
{
    static const char *const with_value[] = {"--out", "--plot", "--threads"};
    if (strcmp(word, "--quiet") == 0)
        return 1;
    for (size_t k = 0; k < sizeof with_value / sizeof *with_value; k++) {
        size_t length = strlen(with_value[k]);
        if (strncmp(word, with_value[k], length) == 0 && (word[length] == '\0' || word[length] == '='))
            return word[length] == '\0' ? 2 : 1;
    }
    return 0;
}

qntk_status cli_meta(const cli_program *program, int argc, char *const *argv, const char *data, size_t n,
                     size_t d, qntk_meta *meta)
{
    char **words = qntk_alloc((size_t)argc + 1, sizeof *words);
    if (words == NULL)
        return QNTK_NO_MEMORY;
    size_t count = 0;
    for (int i = 0; i < argc;) {
        int skip = i == 0 ? 0 : words_to_skip(argv[i]);
        if (skip == 0)
            words[count++] = argv[i++];
        i += skip;
    }
    qntk_status status = qntk_meta_command(meta, count, words);
    qntk_free(words);
    if (status == QNTK_OK)
        status = qntk_meta_count(meta, "seed", program->common->seed);
    if (status == QNTK_OK && data != NULL)
        status = qntk_meta_text(meta, "data", data);
    if (status == QNTK_OK)
        status = qntk_meta_count(meta, "n", n);
    if (status == QNTK_OK)
        status = qntk_meta_count(meta, "d", d);
    return status;
}
