/* See cli.h. */
#include "cli.h"

#include <cblas.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPTIONS_MAX = 64 };

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

void cli_note(const cli_program *program, qntk_status status, const char *format, ...)
{
    const char *text = status == QNTK_INTERRUPTED ? "interrupted"
                       : own_message[0] != '\0'   ? own_message
                                                  : qntk_message();
    cli_progress_end();
    if (text[0] != '\0') {
        va_list arguments;
        va_start(arguments, format);
        fprintf(stderr, "%s: %s", program->name, text);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
    }
    own_message[0] = '\0';
}

int cli_fail(const cli_program *program, qntk_status status)
{
    cli_note(program, status, "%s", "");
    return status == QNTK_INTERRUPTED ? cli_interrupted() : CLI_FAILURE;
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
    if (option->kind == CLI_SEED) {
        if (!number)
            return cli_usage(program, "--%s: expected a whole number below 2^64, found '%s'", option->name,
                             text);
        *(uint64_t *)option->destination = value;
        return 0;
    }
    size_t low = option->low > 0 ? (size_t)option->low : 1,
           any = SIZE_MAX / 16; /* sums of two stay in range */
    size_t high = option->high > 0 ? (size_t)option->high : any;
    if (number && value >= low && value <= high) {
        *(size_t *)option->destination = (size_t)value;
        return 0;
    }
    if (high < any)
        return cli_usage(program, "--%s: expected a whole number from %zu to %zu, found '%s'", option->name,
                         low, high, text);
    return cli_usage(program, "--%s: expected a whole number from %zu, found '%s'", option->name, low, text);
}

static int parse_number(const cli_program *program, const cli_option *option, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end); /* the programs run in the C locale */
    bool decimal = text[0] != '\0' && strspn(text, "0123456789+-.eE") == strlen(text) && *end == '\0';
    if (!decimal || !isfinite(value))
        return cli_usage(program, "--%s: expected a number, found '%s'", option->name, text);
    if ((option->low != 0 || option->high != 0) && !(value >= option->low && value <= option->high))
        return cli_usage(program, "--%s: expected a number from %g to %g, found '%s'", option->name,
                         option->low, option->high, text);
    *(double *)option->destination = value;
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
        if (text[0] == '\0')
            return cli_usage(program, "--%s: expected %s, found nothing", option->name, option->argument);
        *(const char **)option->destination = text;
        return 0;
    case CLI_COUNT:
    case CLI_SEED:
        return parse_count(program, option, text);
    case CLI_NUMBER:
        return parse_number(program, option, text);
    case CLI_CHOICE:
        return parse_choice(program, option, text);
    case CLI_KERNEL:
        return parse_kernel(program, option, text);
    }
    return CLI_USAGE;
}

/* What cli_parse saw, by the row in the table. */
static bool given[OPTIONS_MAX];

/* Its row in the table; -1: not there, or no name. */
static int find_option(const cli_program *program, const char *name)
{
    const cli_option *o = program->options;
    for (int i = 0; name != NULL && i < OPTIONS_MAX && (o[i].name != NULL || o[i].help != NULL); i++)
        if (o[i].name != NULL && strcmp(o[i].name, name) == 0)
            return i;
    return -1;
}

bool cli_given(const cli_program *program, const char *name)
{
    const int row = find_option(program, name);
    return row >= 0 && given[row];
}

/* --help or --version: prints, and gives the exit code. */
static int inform(const cli_program *program, bool help, char defaults[][32])
{
    if (help)
        cli_help(program, defaults);
    else
        printf("%s (qntk) %s\n", program->name, qntk_version());
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "%s: standard output: %s\n", program->name, strerror(errno != 0 ? errno : EIO));
    return CLI_FAILURE;
}

int cli_parse(const cli_program *program, int argc, char **argv, bool *end)
{
    enum { HELP = 1000, VERSION };
    struct option names[OPTIONS_MAX + 3] = {{"help", no_argument, NULL, HELP},
                                            {"version", no_argument, NULL, VERSION}};
    char defaults[OPTIONS_MAX][32] = {""};
    const cli_option *o = program->options;
    int count = 2;
    *end = false;
    for (int i = 0; i < OPTIONS_MAX && (o[i].name != NULL || o[i].help != NULL); i++) {
        if (o[i].name == NULL)
            continue;
        names[count++] =
            (struct option){o[i].name, o[i].kind == CLI_FLAG ? no_argument : required_argument, NULL, i};
        char text[32];
        const char *value = cli_value(&o[i], text);
        snprintf(defaults[i], sizeof defaults[i], "%.31s", value != NULL ? value : "");
    }
    char short_options[] = "";
    argv[0] = (char *)program->name; /* getopt's messages begin with it */
    for (int code; (code = getopt_long(argc, argv, short_options, names, NULL)) != -1;) {
        if (code == HELP || code == VERSION) {
            *end = true;
            return inform(program, code == HELP, defaults);
        }
        if (code == '?') {
            fprintf(stderr, "Try '%s --help'.\n", program->name);
            return CLI_USAGE;
        }
        given[code] = true;
        int status = parse_value(program, &o[code], optarg);
        if (status != 0)
            return status;
    }
    const int operand = find_option(program, program->operand);
    if (optind < argc && operand >= 0 && !given[operand]) {
        given[operand] = true;
        int status = parse_value(program, &o[operand], argv[optind++]);
        if (status != 0)
            return status;
    }
    if (optind < argc)
        return cli_usage(program, "unexpected argument '%s'", argv[optind]);
    return cli_check_options(program);
}

/* ---- signals and progress ---- */

static struct {
    bool shown; /* a line is on the terminal */
    char label[64];
    double start;      /* of the present step, seconds */
    const char *whole; /* the label of work that is shown in place of its steps; NULL: the steps */
    double (*fraction)(void);
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
    if (bar.whole != NULL) {
        label = bar.whole;
        fraction = bar.fraction();
    }
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

void cli_progress_whole(const char *label, double (*fraction)(void))
{
    bar.whole = label;
    bar.fraction = fraction;
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

qntk_status cli_begin(const cli_program *program, const char *script)
{
    const char *plot = program->common->plot;
    qntk_status status = cli_start(program);
    if (status == QNTK_OK && plot != NULL)
        status = qntk_plot_check(script, plot);
    return status == QNTK_OK ? cli_check_outputs(program) : status;
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
