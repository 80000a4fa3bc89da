/* What a result says of the command that made it, and whether the options make sense together. */
#include "cli.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- values ---- */

/* The shortest decimal that gives the number back. */
static void number_text(double value, char text[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
}

const char *cli_value(const cli_option *option, char text[32])
{
    const char *at = option->choices;
    switch (option->kind) {
    case CLI_FLAG:
    case CLI_KERNEL:
        return NULL;
    case CLI_TEXT:
        return *(const char *const *)option->destination;
    case CLI_COUNT:
        snprintf(text, 32, "%zu", *(const size_t *)option->destination);
        return *(const size_t *)option->destination > 0 ? text : NULL;
    case CLI_NUMBER:
        number_text(*(const double *)option->destination, text);
        return isnan(*(const double *)option->destination) ? NULL : text;
    case CLI_SEED:
        snprintf(text, 32, "%" PRIu64, *(const uint64_t *)option->destination);
        return text;
    case CLI_CHOICE:
        for (int i = *(const int *)option->destination; i > 0; i--)
            at = strchr(at, '|') + 1;
        snprintf(text, 32, "%.*s", (int)strcspn(at, "|"), at);
        return text;
    }
    return NULL;
}

/* ---- options together ---- */

/* True if the option of this name is given or, for "name=value", has that value, given or by its default. */
static bool holds(const cli_program *program, const char *name)
{
    const size_t length = strcspn(name, "=");
    if (name[length] == '\0')
        return cli_given(program, name);
    for (const cli_option *o = program->options; o->name != NULL || o->help != NULL; o++)
        if (o->name != NULL && strlen(o->name) == length && strncmp(o->name, name, length) == 0) {
            char text[32];
            const char *value = cli_value(o, text);
            return value != NULL && strcmp(value, name + length + 1) == 0;
        }
    return false;
}

/* The first that holds among "a|b=value|c", as text; NULL if none does. */
static const char *first_given(const cli_program *program, const char *names, char name[64])
{
    while (names != NULL && *names != '\0') {
        size_t length = strcspn(names, "|");
        snprintf(name, 64, "%.*s", (int)length, names);
        if (holds(program, name))
            return name;
        names += length + (names[length] == '|');
    }
    return NULL;
}

/* The path in full, so that two names of one file compare equal. Where the file is not there yet: its folder in
 * full, and its name. False where it cannot be said, or for what is no file: a pipe, a terminal, /dev/null. */
static bool full_path(const char *path, char full[PATH_MAX])
{
    struct stat entry;
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) {
        snprintf(full, PATH_MAX, "-");
        return true;
    }
    if (stat(path, &entry) == 0)
        return S_ISREG(entry.st_mode) && realpath(path, full) != NULL;
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char folder[PATH_MAX], resolved[PATH_MAX];
    if (strlen(path) >= sizeof folder)
        return false;
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
             slash == NULL ? "." : path);
    return realpath(folder, resolved) != NULL && snprintf(full, PATH_MAX, "%s/%s", resolved, name) < PATH_MAX;
}

/* A file that an option names; --out has one even if it is not given. */
static bool file_of(const cli_option *option, char full[PATH_MAX])
{
    if (option->name == NULL || option->kind != CLI_TEXT ||
        (option->role != CLI_WRITES && option->role != CLI_READS))
        return false;
    const char *path = *(const char *const *)option->destination;
    if (path == NULL && strcmp(option->name, "out") == 0)
        path = "-";
    return path != NULL && full_path(path, full);
}

/* Files that `option` writes, against the options before it and all that are read. */
static int check_file(const cli_program *program, const cli_option *option)
{
    char full[PATH_MAX], other[PATH_MAX];
    if (option->role != CLI_WRITES || !file_of(option, full))
        return 0;
    for (const cli_option *o = program->options; o->name != NULL || o->help != NULL; o++)
        if (o != option && (o->role == CLI_READS || o < option) && file_of(o, other) &&
            strcmp(full, other) == 0)
            return cli_usage(program, "--%s and --%s are the same file", o->name, option->name);
    const cli_kernels *kernels = &program->common->kernels;
    for (size_t i = 0; i < kernels->count; i++)
        if (kernels->kernel[i].family == QNTK_FAMILY_FILE && full_path(kernels->kernel[i].spec, other) &&
            strcmp(full, other) == 0)
            return cli_usage(program, "--kernel and --%s are the same file", option->name);
    return 0;
}

/* What is said of a target that is not there. */
static int check_target(const cli_program *program)
{
    const char *const about[] = {"labels", "task"};
    const char *target = program->common->target;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (target != NULL && strcmp(target, "none") == 0 && cli_given(program, about[i]))
            return cli_usage(program, "--%s means nothing with --target none", about[i]);
    return 0;
}

/* What `option` needs first, "b" or "b=value", is not there. */
static int lacks(const cli_program *program, const cli_option *option)
{
    const int length = (int)strcspn(option->needs, "|"), name = (int)strcspn(option->needs, "|=");
    const bool valued = name < length;
    return cli_usage(program, "--%s means nothing without --%.*s%s%.*s", option->name, name, option->needs,
                     valued ? " " : "", valued ? length - name - 1 : 0, option->needs + name + valued);
}

int cli_check_options(const cli_program *program)
{
    char name[64];
    for (const cli_option *o = program->options; o->name != NULL || o->help != NULL; o++) {
        if (o->name == NULL || !cli_given(program, o->name))
            continue;
        if (first_given(program, o->against, name) != NULL)
            return cli_usage(program, "--%s means nothing with --%s", o->name, name);
        if (o->needs != NULL && first_given(program, o->needs, name) == NULL)
            return lacks(program, o);
    }
    int code = check_target(program);
    for (const cli_option *o = program->options; code == 0 && (o->name != NULL || o->help != NULL); o++)
        code = check_file(program, o);
    return code;
}

qntk_status cli_check_outputs(const cli_program *program)
{
    qntk_status status = QNTK_OK;
    for (const cli_option *o = program->options; status == QNTK_OK && (o->name != NULL || o->help != NULL);
         o++)
        if (o->name != NULL && o->role == CLI_WRITES && o->kind == CLI_TEXT)
            status = cli_check_writable(*(const char *const *)o->destination);
    return status;
}

/* ---- the recorded command ---- */

/* Words of the command, copied one after another. */
typedef struct {
    char **word;
    size_t count;
} words;

enum {
    WORDS_MAX = 2 * 64 + 2 * CLI_KERNELS_MAX + 2
}; /* two for each option and each kernel, the program and its subcommand */

static bool add_word(words *w, const char *prefix, const char *text)
{
    size_t bytes = strlen(prefix) + strlen(text) + 1;
    char *copy = w->count < WORDS_MAX ? qntk_alloc(bytes, 1) : NULL;
    if (copy == NULL)
        return false;
    snprintf(copy, bytes, "%s%s", prefix, text);
    w->word[w->count++] = copy;
    return true;
}

/* The program, and its subcommand if the name has one: "qnn train"; of "qnn noise --sweep" the last word is an option
 * and comes with the others. */
static bool add_name(words *w, const char *name)
{
    bool added = true;
    while (added && *name != '\0' && strncmp(name, "--", 2) != 0) {
        char word[32];
        const size_t length = strcspn(name, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, name);
        added = add_word(w, "", word);
        name += length + (name[length] == ' ');
    }
    return added;
}

static bool add_option(words *w, const cli_option *option)
{
    char text[32];
    if (option->kind == CLI_KERNEL) {
        const cli_kernels *kernels = option->destination;
        for (size_t i = 0; i < kernels->count; i++)
            if (!add_word(w, "--", option->name) || !add_word(w, "", kernels->kernel[i].spec))
                return false;
        return true;
    }
    if (option->kind == CLI_FLAG)
        return !*(const bool *)option->destination || add_word(w, "--", option->name);
    const char *value = cli_value(option, text);
    return value == NULL || (add_word(w, "--", option->name) && add_word(w, "", value));
}

/* True if the option decides the numbers, given or by its default. */
static bool is_recorded(const cli_program *program, const cli_option *option)
{
    char name[64];
    return option->name != NULL && option->role != CLI_ASIDE && option->role != CLI_WRITES &&
           first_given(program, option->against, name) == NULL &&
           (option->needs == NULL || first_given(program, option->needs, name) != NULL);
}

qntk_status cli_meta(const cli_program *program, const char *data, size_t n, size_t d, qntk_meta *meta)
{
    words w = {.word = qntk_alloc(WORDS_MAX, sizeof *w.word)};
    bool complete = w.word != NULL && add_name(&w, program->name);
    for (const cli_option *o = program->options; complete && (o->name != NULL || o->help != NULL); o++)
        complete = !is_recorded(program, o) || add_option(&w, o);
    qntk_status status = complete ? qntk_meta_command(meta, w.count, w.word) : QNTK_NO_MEMORY;
    for (size_t i = 0; i < w.count; i++)
        qntk_free(w.word[i]);
    qntk_free(w.word);
    if (status == QNTK_OK)
        status = qntk_meta_count(meta, "seed", program->common->seed);
    if (status == QNTK_OK && data != NULL)
        status = qntk_meta_text(meta, "data", data);
    if (status == QNTK_OK && n + d > 0)
        status = qntk_meta_count(meta, "n", n);
    if (status == QNTK_OK && n + d > 0)
        status = qntk_meta_count(meta, "d", d);
    return status;
}
