#include "run.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, WORDS_MAX = 64 };

static char directory[PATH_SIZE];

static void for_each_entry(void (*visit)(const char *name, void *context), void *context)
{
    DIR *dir = opendir(directory);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(entry->d_name, context);
    if (dir != NULL)
        closedir(dir);
}

static const char *path_of(const char *name)
{
    static char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void remove_one(const char *name, void *context)
{
    (void)context;
    unlink(path_of(name));
}

static void remove_directory(void)
{
    for_each_entry(remove_one, NULL);
    rmdir(directory);
}

const char *run_directory(void)
{
    if (directory[0] == '\0') {
        const char *root = getenv("TMPDIR");
        snprintf(directory, sizeof directory, "%s/qntk-test-XXXXXX", root != NULL ? root : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        atexit(remove_directory);
    }
    return directory;
}

static void count_one(const char *name, void *context)
{
    (void)name;
    ++*(size_t *)context;
}

size_t run_count_files(void)
{
    size_t count = 0;
    for_each_entry(count_one, &count);
    return count;
}

void run_remove(const char *name)
{
    unlink(path_of(name));
}

/* The programs start as from a terminal, even where the tests themselves run under nohup or in the background of a
 * script: an ignored signal would be inherited and, rightly, stay ignored. */
__attribute__((constructor)) static void default_signals(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

static char *read_path(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    size_t got = fread(text, 1, (size_t)size, file);
    text[got] = '\0';
    fclose(file);
    return text;
}

char *run_read(const char *name)
{
    return read_path(path_of(name));
}

static void start_child(char **words, const char *out, const char *err)
{
    int out_file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err_file = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out_file, STDOUT_FILENO);
    dup2(err_file, STDERR_FILENO);
    if (chdir(directory) != 0)
        _exit(126);
    execv(words[0], words);
    _exit(127);
}

/* Waits until the program writes to the pipe `name` of our directory and more than a pipe holds is still to
 * come: there it stays. Sends the signal, and takes the rest. */
static void signal_in_write(const char *name, pid_t child, int signal)
{
    char bytes[4096];
    int pipe = open(path_of(name), O_RDONLY); /* returns when the program opens it too */
    ssize_t got = read(pipe, bytes, sizeof bytes);
    kill(child, signal);
    while (got > 0)
        got = read(pipe, bytes, sizeof bytes);
    close(pipe);
}

static size_t count_lines(const char *name)
{
    char *text = read_path(path_of(name));
    size_t lines = 0;
    for (const char *at = text; at != NULL && *at != '\0'; at++)
        lines += *at == '\n';
    free(text);
    return lines;
}

/* Looks every millisecond. */
static void signal_at_lines(const char *name, size_t lines, pid_t child, int signal)
{
    const struct timespec wait = {.tv_nsec = 1000000};
    siginfo_t ended = {0};
    while (count_lines(name) < lines && ended.si_pid == 0) {
        nanosleep(&wait, NULL);
        waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT);
    }
    kill(child, signal);
}

/* When the signal comes: after `seconds`, while the program writes to `pipe`, or when `watched` has `lines` lines. */
typedef struct {
    double seconds;
    const char *pipe, *watched;
    size_t lines;
    int signal;
} run_end;

static run_result run(const char *arguments, run_end when)
{
    char text[PATH_SIZE], program[PATH_SIZE], *words[WORDS_MAX] = {0}, *rest = text;
    char out[] = "/tmp/qntk-out-XXXXXX", err[] = "/tmp/qntk-err-XXXXXX";
    const char *tools = getenv("QNTK_TOOLS");
    ck_assert_msg(tools != NULL, "QNTK_TOOLS is not set: run the tests through scripts/test");
    run_directory();
    snprintf(text, sizeof text, "%s", arguments);
    for (size_t i = 0; i < WORDS_MAX - 1; i++)
        words[i] = strtok_r(i == 0 ? text : NULL, " ", &rest);
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    const char *stdout_to = out;
    if (words[count - 1][0] == '>') {
        stdout_to = words[count - 1] + 1;
        words[count - 1] = NULL;
    }
    snprintf(program, sizeof program, "%s/%s", tools, words[0]);
    words[0] = program;
    close(mkstemp(out));
    close(mkstemp(err));

    if (when.pipe != NULL)
        ck_assert_int_eq(mkfifo(path_of(when.pipe), 0600), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        start_child(words, stdout_to, err);
    if (when.pipe != NULL) {
        signal_in_write(when.pipe, child, when.signal);
    } else if (when.watched != NULL) {
        signal_at_lines(when.watched, when.lines, child, when.signal);
    } else if (when.seconds > 0) {
        struct timespec wait = {.tv_sec = (time_t)when.seconds,
                                .tv_nsec = (long)((when.seconds - (double)(time_t)when.seconds) * 1e9)};
        nanosleep(&wait, NULL);
        kill(child, when.signal);
    }
    int status = 0;
    waitpid(child, &status, 0);
    run_result result = {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
    result.out = read_path(out);
    result.err = read_path(err);
    unlink(out);
    unlink(err);
    if (when.pipe != NULL)
        unlink(path_of(when.pipe));
    return result;
}

run_result run_program(const char *arguments, double seconds)
{
    return run(arguments, (run_end){.seconds = seconds, .signal = SIGINT});
}

run_result run_signalled(const char *arguments, const char *pipe, int signal)
{
    return run(arguments, (run_end){.pipe = pipe, .signal = signal});
}

run_result run_watched(const char *arguments, const char *name, size_t lines, int signal)
{
    return run(arguments, (run_end){.watched = name, .lines = lines, .signal = signal});
}

void run_free(run_result *result)
{
    free(result->out);
    free(result->err);
    *result = (run_result){0};
}

void run_write(const char *name, const char *text)
{
    run_directory();
    FILE *file = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

run_result run_expect(int code, const char *arguments)
{
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d; it said: %s", arguments, r.code, code, r.err);
    return r;
}

void run_complaint(int code, const char *program, const char *arguments, const char *text)
{
    const int lines_expected = code == 2 ? 2 : 1;
    const size_t length = strlen(program);
    run_result r = run_expect(code, arguments);
    int lines = 0;
    for (const char *at = r.err; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_msg(strncmp(r.err, program, length) == 0 && strncmp(r.err + length, ": ", 2) == 0,
                  "%s: it said: %s", arguments, r.err);
    ck_assert_msg(strstr(r.err, text) != NULL, "%s: expected '%s' in: %s", arguments, text, r.err);
    ck_assert_msg(lines == lines_expected, "%s: %d lines: %s", arguments, lines, r.err);
    ck_assert_msg(r.out[0] == '\0', "%s: wrote to standard output", arguments);
    run_free(&r);
}

const char *run_field(const char *tsv, const char *first, const char *column)
{
    static char text[256];
    const size_t length = strlen(first);
    const char *head = tsv;
    while (head[0] == '#')
        head = strchr(head, '\n') + 1;
    const char *row = head;
    while (row != NULL && !(strncmp(row, first, length) == 0 && row[length] == '\t'))
        row = strchr(row, '\n'), row += row != NULL;
    ck_assert_msg(row != NULL, "no row %s in %s", first, tsv);
    for (;;) {
        const size_t name = strcspn(head, "\t\n"), value = strcspn(row, "\t\n");
        if (strlen(column) == name && strncmp(head, column, name) == 0) {
            snprintf(text, sizeof text, "%.*s", (int)value, row);
            return text;
        }
        ck_assert_msg(head[name] == '\t' && row[value] == '\t', "no column %s in %s", column, tsv);
        head += name + 1;
        row += value + 1;
    }
}

double run_number(const char *tsv, const char *first, const char *column)
{
    char *end;
    const char *text = run_field(tsv, first, column);
    const double value = strtod(text, &end);
    ck_assert_msg(end != text && *end == '\0', "%s of %s is no number: %s", column, first, text);
    return value;
}
