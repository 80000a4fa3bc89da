/* Goes on from a suite's own result: reads the rows of a TSV or JSON file back. */
#include "suite.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Part of a line of a result is as long as a kernel's specification, or a path. */
enum { FIELDS = 8 };

qntk_status suite_bad_file(const char *path, const char *what)
{
    return cli_message(QNTK_FORMAT, "%s: %s; remove it, or leave --resume out to start again", path, what);
}

static qntk_status not_ours(const suite *s, const char *path)
{
    char what[96];
    snprintf(what, sizeof what, "is no result of %s in the --format asked for", s->command);
    return suite_bad_file(path, what);
}

qntk_status suite_read_whole(const char *path, char **text)
{
    *text = NULL;
    struct stat entry;
    if (stat(path, &entry) == 0 && !S_ISREG(entry.st_mode)) /* a pipe or a device may never end */
        return cli_message(QNTK_INVALID, "%s: --resume goes on from a file, and this is none", path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return errno == ENOENT ? QNTK_OK : cli_message(QNTK_IO, "%s: %s", path, strerror(errno));
    void *bytes = NULL;
    size_t capacity = 0, used = 0, got = 1;
    qntk_status status = QNTK_OK;
    while (status == QNTK_OK && got > 0) {
        status = qntk_grow(&bytes, &capacity, used + BUFSIZ + 1, 1);
        if (status == QNTK_OK)
            used += got = fread((char *)bytes + used, 1, BUFSIZ, file);
    }
    if (status == QNTK_OK && ferror(file))
        status = cli_message(QNTK_IO, "%s: cannot be read", path);
    fclose(file);
    if (status == QNTK_OK && memchr(bytes, '\0', used) != NULL)
        status = suite_bad_file(path, "expected text, found a zero byte");
    if (status != QNTK_OK) {
        qntk_free(bytes);
        return status;
    }
    *text = bytes;
    (*text)[used] = '\0';
    return QNTK_OK;
}

void suite_unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '\\' && from[1] != '\0') {
            from++;
            *to++ = *from == 't' ? '\t' : *from == 'n' ? '\n' : *from == 'r' ? '\r' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* ---- what a file says, in either format ---- */

/* The setting `key` of an earlier run. */
static qntk_status check_setting(const suite *s, const char *path, const char *key, const char *value)
{
    for (size_t i = 0; i < s->meta.count; i++) {
        const struct qntk_meta_item *item = &s->meta.item[i];
        if (strcmp(item->key, key) != 0 || strcmp(key, "command") == 0 || strcmp(item->value, value) == 0)
            continue;
        return cli_message(
            QNTK_INVALID,
            "%s: made with %s=%s, not %s; write elsewhere, or leave --resume out to start again", path, key,
            value, item->value);
    }
    return QNTK_OK;
}

/* One row of an earlier run. Sets that are no longer there are dropped. */
static qntk_status take_row(suite *s, const char *path, const char *set, const char *kernel,
                            const char *params, const double number[5])
{
    size_t k = 0, i = 0;
    while (k < s->methods && strcmp(s->method[k], kernel) != 0)
        k++;
    if (k == s->methods)
        return cli_message(
            QNTK_INVALID,
            "%s: has results of kernel '%s', which would be lost; name it with --kernel, or write "
            "elsewhere",
            path, kernel);
    while (i < s->count && strcmp(s->set[i].name, set) != 0)
        i++;
    if (i == s->count)
        return QNTK_OK;
    suite_row *row = &s->set[i].row[k];
    for (int c = 0; c < 5; c++)
        if (!isfinite(number[c]))
            return suite_bad_file(path, "expected rows of finite numbers");
    *row = (suite_row){true, "", number[0], number[1], number[2], number[3], number[4]};
    snprintf(row->params, sizeof row->params, "%s", params);
    return QNTK_OK;
}

/* ---- TSV ---- */

size_t suite_split_line(char *line, size_t most, char **field)
{
    size_t count = 0;
    for (char *at = line;; at++) {
        if (count < most)
            field[count] = at;
        count++;
        at = strchr(at, '\t');
        if (at == NULL || count > most)
            return count;
        *at = '\0';
    }
}

static qntk_status take_line(suite *s, const char *path, char *line)
{
    char *field[FIELDS];
    double number[5];
    if (suite_split_line(line, FIELDS, field) != FIELDS)
        return suite_bad_file(path, "expected rows of 8 fields");
    for (int c = 0; c < 3; c++)
        suite_unescape(field[c]);
    for (int c = 0; c < 5; c++) {
        char *end;
        number[c] = strtod(field[3 + c], &end); /* the programs run in the C locale */
        if (end == field[3 + c] || *end != '\0')
            return suite_bad_file(path, "expected numbers after the third column");
    }
    return take_row(s, path, field[0], field[1], field[2], number);
}

static qntk_status read_tsv(suite *s, const char *path, char *text)
{
    static const char head[] = "set\tkernel\tparams\tridge\ttrain\ttest\tgap\tseconds";
    bool rows = false;
    size_t settings = 0;
    qntk_status status = QNTK_OK;
    for (char *line = text; *line != '\0' && status == QNTK_OK;) {
        char *end = line + strcspn(line, "\n"), *next = end + (*end == '\n');
        if (*end == '\0')
            return suite_bad_file(path, "expected a newline at its end");
        *end = '\0';
        char *value = strstr(line, "=");
        if (rows) {
            status = take_line(s, path, line);
        } else if (strncmp(line, "# ", 2) == 0 && value != NULL) {
            *value++ = '\0';
            suite_unescape(line + 2);
            suite_unescape(value);
            settings += strcmp(line + 2, s->mark) == 0; /* of such a suite, not of something else */
            status = check_setting(s, path, line + 2, value);
        } else if (strcmp(line, head) == 0 && settings == 1) {
            rows = true;
        } else {
            return not_ours(s, path);
        }
        line = next;
    }
    return status != QNTK_OK || rows ? status : not_ours(s, path);
}

/* ---- JSON ---- */

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

static qntk_status read_json(suite *s, const char *path, const char *text)
{
    static const char *const keys[] = {"ridge", "train", "test", "gap", "seconds"};
    cJSON *tree = cJSON_Parse(text);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, "results"), *item;
    qntk_status status = QNTK_OK;
    if (!cJSON_IsArray(rows) || text_of(tree, s->mark)[0] == '\0')
        status = not_ours(s, path);
    cJSON_ArrayForEach(item, tree)
    {
        char number[32];
        snprintf(number, sizeof number, "%.17g", item->valuedouble);
        if (status == QNTK_OK && (cJSON_IsString(item) || cJSON_IsNumber(item)))
            status = check_setting(s, path, item->string, cJSON_IsString(item) ? item->valuestring : number);
    }
    cJSON_ArrayForEach(item, rows)
    {
        double number[5];
        for (int c = 0; c < 5; c++)
            number[c] = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(item, keys[c]));
        if (status == QNTK_OK)
            status = take_row(s, path, text_of(item, "set"), text_of(item, "kernel"), text_of(item, "params"),
                              number);
    }
    cJSON_Delete(tree);
    return status;
}

qntk_status suite_resume(suite *s, const cli_common *common)
{
    char *text;
    qntk_status status = suite_read_whole(common->out, &text);
    if (status == QNTK_OK && text != NULL && text[0] != '\0')
        status =
            common->format == CLI_JSON ? read_json(s, common->out, text) : read_tsv(s, common->out, text);
    qntk_free(text);
    return status;
}
