/* See cli_earlier.h. */
#include "cli_earlier.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

qntk_status cli_earlier_bad(const char *path, const char *what)
{
    return cli_message(QNTK_FORMAT, "%s: %s; remove it, or leave --resume out to start again", path, what);
}

static qntk_status not_ours(const cli_earlier *e, const char *path)
{
    char what[128];
    snprintf(what, sizeof what, "is no result of %.60s in the --format asked for", e->program);
    return cli_earlier_bad(path, what);
}

bool cli_earlier_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end); /* the programs run in the C locale */
    return end != text && *end == '\0';
}

/* The whole file with a zero behind it, to be freed; NULL and QNTK_OK: it is not there. */
static qntk_status read_whole(const char *path, char **text)
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
        status = cli_earlier_bad(path, "expected text, found a zero byte");
    if (status != QNTK_OK) {
        qntk_free(bytes);
        return status;
    }
    *text = bytes;
    (*text)[used] = '\0';
    return QNTK_OK;
}

/* ---- settings ---- */

static bool is_free(const cli_earlier *e, const char *key)
{
    return strcmp(key, "command") == 0 || (e->may_differ != NULL && e->may_differ(key));
}

/* The setting `key` of the file; counts those that are compared. Numbers may be spelled otherwise in JSON. */
static qntk_status check_setting(const cli_earlier *e, const char *path, const char *key, const char *value,
                                 size_t *compared)
{
    for (size_t i = 0; i < e->meta->count; i++) {
        const struct qntk_meta_item *item = &e->meta->item[i];
        double a, b;
        if (strcmp(item->key, key) != 0 || is_free(e, key))
            continue;
        ++*compared;
        if (strcmp(item->value, value) != 0 &&
            !(cli_earlier_number(value, &a) && cli_earlier_number(item->value, &b) && a == b))
            return cli_message(
                QNTK_INVALID,
                "%s: made with %s=%s, not %s; write elsewhere, or leave --resume out to start again", path,
                key, value, item->value);
    }
    return QNTK_OK;
}

/* An error unless each setting of this run has been compared. */
static qntk_status check_all(const cli_earlier *e, const char *path, size_t compared)
{
    size_t expected = 0;
    for (size_t i = 0; i < e->meta->count; i++)
        expected += !is_free(e, e->meta->item[i].key);
    return compared == expected ? QNTK_OK : not_ours(e, path);
}

/* ---- TSV ---- */

/* \t \n \r \\ back to what they stand for, in place. */
static void unescape(char *text)
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

/* The fields of a line, in place; false unless there is one for each column. */
static bool split(const cli_earlier *e, char *line, char *field[CLI_EARLIER_COLUMNS])
{
    size_t count = 0;
    for (char *at = line; at != NULL && e->columns[count].name != NULL; count++) {
        field[count] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
        else
            return e->columns[count + 1].name == NULL;
    }
    return false;
}

static bool is_header(const cli_earlier *e, char *line)
{
    char *field[CLI_EARLIER_COLUMNS];
    if (!split(e, line, field))
        return false;
    for (size_t c = 0; e->columns[c].name != NULL; c++)
        if (strcmp(e->columns[c].name, field[c]) != 0)
            return false;
    return true;
}

static qntk_status take_line(const cli_earlier *e, const char *path, char *line)
{
    char *field[CLI_EARLIER_COLUMNS];
    if (!split(e, line, field))
        return cli_earlier_bad(path, "expected rows as long as its header");
    for (size_t c = 0; e->columns[c].name != NULL; c++)
        unescape(field[c]);
    return e->take(e->context, path, field);
}

static qntk_status read_tsv(const cli_earlier *e, const char *path, char *text)
{
    bool rows = false;
    size_t compared = 0;
    qntk_status status = QNTK_OK;
    char *line = text;
    for (char *end; status == QNTK_OK && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        char *value = strchr(line, '=');
        if (rows) {
            status = take_line(e, path, line);
        } else if (strncmp(line, "# ", 2) == 0 && value != NULL) {
            *value++ = '\0';
            unescape(line + 2);
            unescape(value);
            status = check_setting(e, path, line + 2, value, &compared);
        } else {
            rows = is_header(e, line);
            status = rows ? check_all(e, path, compared) : not_ours(e, path);
        }
    }
    if (status == QNTK_OK && !rows)
        return not_ours(e, path);
    if (status == QNTK_OK && *line != '\0' && !e->appended)
        return cli_earlier_bad(path, "expected a newline at its end");
    return status;
}

/* ---- JSON ---- */

/* The value of a member as it stands in a TSV; `room` holds the text of a number. */
static char *json_field(const cJSON *item, char room[32])
{
    if (cJSON_IsString(item))
        return item->valuestring;
    snprintf(room, 32, "%.17g", cJSON_IsNumber(item) ? item->valuedouble : (double)NAN);
    return room;
}

static qntk_status take_object(const cli_earlier *e, const char *path, const cJSON *object)
{
    char *field[CLI_EARLIER_COLUMNS], room[CLI_EARLIER_COLUMNS][32];
    for (size_t c = 0; e->columns[c].name != NULL; c++)
        field[c] = json_field(cJSON_GetObjectItemCaseSensitive(object, e->columns[c].name), room[c]);
    return e->take(e->context, path, field);
}

static qntk_status read_json(const cli_earlier *e, const char *path, const char *text)
{
    cJSON *tree = cJSON_Parse(text);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, e->rows), *item;
    size_t compared = 0;
    qntk_status status = cJSON_IsArray(rows) ? QNTK_OK : not_ours(e, path);
    cJSON_ArrayForEach(item, tree)
    {
        char room[32];
        if (status == QNTK_OK && (cJSON_IsString(item) || cJSON_IsNumber(item)))
            status = check_setting(e, path, item->string, json_field(item, room), &compared);
    }
    if (status == QNTK_OK)
        status = check_all(e, path, compared);
    cJSON_ArrayForEach(item, rows)
    {
        if (status == QNTK_OK)
            status = take_object(e, path, item);
    }
    cJSON_Delete(tree);
    return status;
}

qntk_status cli_earlier_read(const cli_earlier *earlier, const char *path, bool json)
{
    char *text;
    qntk_status status = read_whole(path, &text);
    if (status == QNTK_OK && text != NULL && text[0] != '\0')
        status = json ? read_json(earlier, path, text) : read_tsv(earlier, path, text);
    qntk_free(text);
    return status;
}
