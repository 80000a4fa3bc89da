/* Running gnuplot. */
#include "internal.h"

#include "qntk/plot.h"
#include "qntk/table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char NO_GNUPLOT[] = "gnuplot is not installed; on Debian: apt-get install gnuplot-nox";

/* The ending of a picture's name, "png", or NULL if it is none gnuplot is asked for. */
static const char *picture_format(const char *picture)
{
    static const char *const formats[] = {"png", "svg", "pdf"};
    const char *dot = strrchr(picture, '.');
    for (size_t i = 0; dot != NULL && i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(dot + 1, formats[i]) == 0)
            return formats[i];
    return NULL;
}

/* The directory this program lies in, "" if the system does not say. */
static void program_directory(char directory[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    directory[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        *slash = '\0';
}

static qntk_status find_script(const char *script, char path[PATH_MAX])
{
    char directory[PATH_MAX];
    program_directory(directory);
    const char *chosen = getenv("QNTK_PLOTS");
    const struct {
        const char *root, *below;
    } places[] = {
        {chosen, ""},
        {directory, "/../share/qntk/plots"}, /* installed, wherever the tree was moved */
        {directory, "/../plots"},            /* a build directory in the source tree */
        {directory, "/../../plots"},
        {QNTK_DATADIR, "/plots"},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (places[i].root == NULL || places[i].root[0] == '\0')
            continue;
        int length = snprintf(path, PATH_MAX, "%s%s/%s.gp", places[i].root, places[i].below, script);
        if (length < PATH_MAX && access(path, R_OK) == 0)
            return QNTK_OK;
        if (places[i].root == chosen)
            break; /* what was asked for and is not there is not replaced in silence */
    }
    return qntk_fail(QNTK_IO, "%s.gp: not in %s; set QNTK_PLOTS to the directory of the gnuplot scripts",
                     script, chosen != NULL && chosen[0] != '\0' ? chosen : QNTK_DATADIR "/plots");
}

/* gnuplot takes "<command" and "|command" for pipes and "-" and "+" for itself: no name starts with those
 * here. */
static qntk_status plain_path(const char *path, char plain[PATH_MAX])
{
    int length = snprintf(plain, PATH_MAX, "%s%s", path[0] == '/' ? "" : "./", path);
    return length < PATH_MAX ? QNTK_OK : qntk_fail(QNTK_IO, "%s: File name too long", path);
}

/* Reads what gnuplot says until it ends; keeps the last line that is not blank or a caret under an error. */
static void last_line(int descriptor, char *line, size_t size)
{
    char current[512];
    size_t used = 0;
    bool said = false;
    FILE *stream = fdopen(descriptor, "r");
    line[0] = '\0';
    if (stream == NULL) {
        close(descriptor);
        return;
    }
    for (int c; (c = getc(stream)) != EOF;) {
        if (c == '\n') {
            current[used] = '\0';
            if (said)
                snprintf(line, size, "%s", current);
            used = 0;
            said = false;
        } else if (used < sizeof current - 1 && (used > 0 || c != ' ')) {
            current[used++] = (char)c;
            said |= c != ' ' && c != '^' && c != '\t' && c != '\r';
        }
    }
    fclose(stream);
    current[used] = '\0';
    if (said)
        snprintf(line, size, "%s", current);
}

/* Starts a program found in the path with its input and output closed off and its errors in a pipe. Returns 0
 * or an errno. */
static int start(char *const arguments[], pid_t *child, int *errors)
{
    int ends[2];
    if (pipe(ends) != 0)
        return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (error == 0)
            error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
        if (error == 0)
            error = posix_spawnp(child, arguments[0], &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (error != 0)
        close(ends[0]);
    else
        *errors = ends[0];
    return error;
}

/* Runs a program to its end. `line` (size) receives the last line it wrote to its standard error. */
static qntk_status run(char *const arguments[], char *line, size_t size)
{
    pid_t child = 0;
    int errors = -1, outcome = 0;
    int error = start(arguments, &child, &errors);
    if (error == ENOENT)
        return qntk_fail(QNTK_UNSUPPORTED, "%s", NO_GNUPLOT);
    if (error != 0)
        return qntk_fail(QNTK_IO, "%s: %s", arguments[0], strerror(error));
    last_line(errors, line, size);
    while (waitpid(child, &outcome, 0) < 0)
        if (errno != EINTR)
            return qntk_fail(QNTK_IO, "%s: %s", arguments[0], strerror(errno));
    if (qntk_interrupted())
        return qntk_fail(QNTK_INTERRUPTED, "%s: interrupted", arguments[0]);
    if (WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0)
        return QNTK_OK;
    if (WIFEXITED(outcome) && WEXITSTATUS(outcome) == 127) /* a loader that could not start it */
        return qntk_fail(QNTK_UNSUPPORTED, "%s", NO_GNUPLOT);
    if (WIFSIGNALED(outcome))
        return qntk_fail(QNTK_IO, "%s was ended by signal %d", arguments[0], WTERMSIG(outcome));
    return qntk_fail(QNTK_IO, "%s: %s", arguments[0], line[0] != '\0' ? line : "failed without a word");
}

qntk_status qntk_plot_check(const char *script, const char *picture)
{
    if (picture_format(picture) == NULL)
        return qntk_fail(QNTK_INVALID, "%s: expected a name ending in .png, .svg or .pdf", picture);
    char path[PATH_MAX], line[512];
    qntk_status status = find_script(script, path);
    if (status != QNTK_OK)
        return status;
    char program[] = "gnuplot", version[] = "--version";
    char *arguments[] = {program, version, NULL};
    return run(arguments, line, sizeof line);
}

qntk_status qntk_plot(const char *script, const char *table, const char *picture)
{
    const char *format = picture_format(picture);
    if (format == NULL)
        return qntk_fail(QNTK_INVALID, "%s: expected a name ending in .png, .svg or .pdf", picture);
    char path[PATH_MAX], input[PATH_MAX], output[PATH_MAX], line[512], kind[4];
    qntk_status status = find_script(script, path);
    if (status == QNTK_OK)
        status = plain_path(table, input);
    if (status == QNTK_OK && access(table, R_OK) != 0)
        status = qntk_fail(QNTK_IO, "%s: %s", table, strerror(errno));
    if (status != QNTK_OK)
        return status;
    qntk_file *file = NULL;
    status = qntk_file_open(picture, &file);
    if (status != QNTK_OK)
        return status;
    status = plain_path(qntk_file_temporary(file), output);
    if (status == QNTK_OK) {
        snprintf(kind, sizeof kind, "%s", format);
        char program[] = "gnuplot", defaults[] = "--default-settings", call[] = "-c";
        char *arguments[] = {program, defaults, call, path, input, output, kind, NULL};
        status = run(arguments, line, sizeof line);
    }
    if (status == QNTK_OK)
        return qntk_file_commit(&file);
    qntk_file_abort(&file);
    return status;
}

qntk_status qntk_plot_note(qntk_file *file, const char *kernel, const qntk_decay *decay)
{
    const size_t size = strlen(kernel) + 16;
    char *key = qntk_alloc(size, 1);
    if (key == NULL)
        return QNTK_NO_MEMORY;
    char text[512];
    if (decay->floor > qntk_decay_defaults().floor) {
        snprintf(key, size, "floor[%s]", kernel);
        qntk_format_number(decay->floor, 3, text);
        qntk_table_note(file, key, text);
    }
    snprintf(key, size, "decay[%s]", kernel);
    qntk_status status = qntk_table_note(file, key, decay->verdict);
    if (decay->law != QNTK_DECAY_UNDETERMINED) {
        const bool power = decay->law == QNTK_DECAY_POWER, plain = decay->law == QNTK_DECAY_EXPONENTIAL;
        const double numbers[] = {
            power   ? decay->power.log_scale
            : plain ? decay->exponential.log_scale
                    : decay->stretched.log_scale,
            power   ? decay->power.exponent
            : plain ? decay->exponential.rate
                    : decay->stretched.rate,
            power   ? 0
            : plain ? 1
                    : decay->stretched.shape,
        };
        char number[3][QNTK_NUMBER_BYTES];
        for (int k = 0; k < 3; k++)
            qntk_format_number(numbers[k], 10, number[k]);
        snprintf(key, size, "fit[%s]", kernel);
        snprintf(text, sizeof text, "%s %zu %zu %s %s %s",
                 power   ? "power"
                 : plain ? "exponential"
                         : "stretched",
                 decay->first, decay->last, number[0], number[1], number[2]);
        status = qntk_table_note(file, key, text);
    }
    qntk_free(key);
    return status;
}
