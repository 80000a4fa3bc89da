/* qnn noise --sweep: rows that survive. FILE appears when all are there; until then each is appended to FILE.part as
 * soon as its model is complete, one line at once and synced to the disk, so that a killed run loses the models under
 * way and no other. */
#include "qnn_sweep.h"
#include "suite.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- what a file says, in either format ---- */

/* What a result may say otherwise than the present run: how it was called, and which models there are. */
static bool may_differ(const char *key)
{
    return strcmp(key, "command") == 0 || strncmp(key, "axis_", 5) == 0;
}

/* The setting `key` of an earlier run; counts those that are compared. */
static qntk_status check_setting(const sweep_job *j, const char *path, const char *key, const char *value,
                                 size_t *compared)
{
    for (size_t i = 0; i < j->meta.count; i++) {
        const struct qntk_meta_item *item = &j->meta.item[i];
        if (strcmp(item->key, key) != 0 || may_differ(key))
            continue;
        ++*compared;
        if (strcmp(item->value, value) != 0)
            return cli_message(
                QNTK_INVALID,
                "%s: made with %s=%s, not %s; write elsewhere, or leave --resume out to start again", path,
                key, value, item->value);
    }
    return QNTK_OK;
}

/* An error unless all settings have been compared: then it is a sweep of the same data and training. */
static qntk_status check_all(const sweep_job *j, const char *path, size_t compared)
{
    size_t expected = 0;
    for (size_t i = 0; i < j->meta.count; i++)
        expected += !may_differ(j->meta.item[i].key);
    return compared == expected
               ? QNTK_OK
               : suite_bad_file(path, "is no result of such a qnn noise --sweep in the --format asked for");
}

static bool parse_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end); /* the programs run in the C locale */
    return end != text && *end == '\0';
}

/* The model that the first fields name: its number, or j->models. */
static size_t find_model(const sweep_job *j, char *const *field, const double *number)
{
    qntk_sweep_model model = {.width = (size_t)number[SWEEP_WIDTH],
                              .depth = (size_t)number[SWEEP_DEPTH],
                              .seed = (size_t)number[SWEEP_SEED],
                              .rate = number[SWEEP_LR]};
    if (!qntk_sweep_bits_parse(field[SWEEP_BITS], &model.levels))
        return j->models;
    model.rounding =
        strcmp(field[SWEEP_ROUNDING], "stochastic") == 0 ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST;
    return qntk_sweep_find(&j->sweep, &model);
}

/* One row of an earlier run, its fields in the order of the columns. */
static qntk_status take_row(sweep_job *j, const char *path, char *const *field)
{
    const qntk_column *columns = sweep_columns();
    double number[SWEEP_CELLS_MAX] = {0};
    qntk_sweep_row row = {.present = true};
    for (size_t c = 0; c < sweep_cells(); c++)
        if (columns[c].digits > 0 && !parse_number(field[c], &number[c]))
            return suite_bad_file(path, "expected numbers in its rows");
    size_t outcome = 0;
    while (outcome < QNTK_SWEEP_OUTCOMES &&
           strcmp(qntk_sweep_outcome_name(outcome), field[SWEEP_STATUS]) != 0)
        outcome++;
    for (size_t c = SWEEP_MODEL; c <= SWEEP_EPOCHS; c++)
        if (!(number[c] >= 0 && number[c] <= 0x1p53))
            return suite_bad_file(path, "expected sizes in its rows");
    if (outcome == QNTK_SWEEP_OUTCOMES || (outcome == QNTK_SWEEP_OK && !isfinite(number[SWEEP_GAP])))
        return suite_bad_file(path, "expected a status and, for 'ok', a gap in its rows");
    const size_t index = find_model(j, field, number);
    if (index == j->models)
        return cli_message(
            QNTK_INVALID,
            "%s: has a model (bits %s, rounding %s, width %s, depth %s, seed %s, lr %s) that the grid has "
            "not, and that would be lost; write elsewhere",
            path, field[SWEEP_BITS], field[SWEEP_ROUNDING], field[SWEEP_WIDTH], field[SWEEP_DEPTH],
            field[SWEEP_SEED], field[SWEEP_LR]);
    row.outcome = (qntk_sweep_outcome)outcome;
    row.epochs = (size_t)number[SWEEP_EPOCHS];
    row.loss = number[SWEEP_LOSS];
    row.train = number[SWEEP_TRAIN];
    row.test = number[SWEEP_TEST];
    row.gap = number[SWEEP_GAP];
    for (size_t m = 0, c = SWEEP_MEASURES; m < QNTK_MEASURES; m++) {
        row.measure[m] = number[c++];
        row.se[m] = qntk_measure_sampled(m) ? number[c++] : (double)NAN;
    }
    j->complete += !j->row[index].present;
    j->row[index] = row;
    return QNTK_OK;
}

/* Room for the fields of a row, all empty. */
static void no_fields(char *field[SWEEP_CELLS_MAX])
{
    static char none[1];
    for (size_t c = 0; c < SWEEP_CELLS_MAX; c++)
        field[c] = none;
}

/* ---- TSV ---- */

/* True if the line names our columns. */
static bool is_header(const char *line)
{
    const qntk_column *columns = sweep_columns();
    for (size_t c = 0; c < sweep_cells(); c++) {
        const size_t length = strlen(columns[c].name);
        if (strncmp(line, columns[c].name, length) != 0 ||
            line[length] != (c + 1 < sweep_cells() ? '\t' : '\0'))
            return false;
        line += length + 1;
    }
    return true;
}

static qntk_status take_line(sweep_job *j, const char *path, char *line)
{
    char *field[SWEEP_CELLS_MAX];
    no_fields(field);
    if (suite_split_line(line, sweep_cells(), field) != sweep_cells())
        return suite_bad_file(path, "expected rows as long as its header");
    return take_row(j, path, field);
}

/* A last line without its newline was being written when the run was killed: it is left out. */
static qntk_status read_tsv(sweep_job *j, const char *path, char *text)
{
    bool rows = false;
    size_t compared = 0;
    qntk_status status = QNTK_OK;
    for (char *line = text, *end; status == QNTK_OK && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        char *value = strchr(line, '=');
        if (rows) {
            status = take_line(j, path, line);
        } else if (strncmp(line, "# ", 2) == 0 && value != NULL) {
            *value++ = '\0';
            suite_unescape(line + 2);
            suite_unescape(value);
            status = check_setting(j, path, line + 2, value, &compared);
        } else {
            rows = is_header(line);
            status = rows ? check_all(j, path, compared) : check_all(j, path, SIZE_MAX);
        }
    }
    return status == QNTK_OK && !rows ? check_all(j, path, SIZE_MAX) : status;
}

/* ---- JSON ---- */

/* The value of a column as it stands in a TSV; `room` holds the text of a number. */
static char *json_field(const cJSON *item, char room[32])
{
    if (cJSON_IsString(item))
        return item->valuestring;
    snprintf(room, 32, "%.17g", cJSON_IsNumber(item) ? item->valuedouble : (double)NAN);
    return room;
}

static qntk_status read_json(sweep_job *j, const char *path, const char *text)
{
    cJSON *tree = cJSON_Parse(text);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, "models"), *item;
    size_t compared = 0;
    qntk_status status = QNTK_OK;
    cJSON_ArrayForEach(item, tree)
    {
        char room[32];
        if (status == QNTK_OK && (cJSON_IsString(item) || cJSON_IsNumber(item)))
            status = check_setting(j, path, item->string, json_field(item, room), &compared);
    }
    if (status == QNTK_OK)
        status = check_all(j, path, cJSON_IsArray(rows) ? compared : SIZE_MAX);
    cJSON_ArrayForEach(item, rows)
    {
        char *field[SWEEP_CELLS_MAX], room[SWEEP_CELLS_MAX][32];
        no_fields(field);
        for (size_t c = 0; c < sweep_cells(); c++)
            field[c] = json_field(cJSON_GetObjectItemCaseSensitive(item, sweep_columns()[c].name), room[c]);
        if (status == QNTK_OK)
            status = take_row(j, path, field);
    }
    cJSON_Delete(tree);
    return status;
}

static qntk_status read_earlier(sweep_job *j, const char *path, bool json)
{
    char *text;
    qntk_status status = suite_read_whole(path, &text);
    if (status == QNTK_OK && text != NULL && text[0] != '\0')
        status = json ? read_json(j, path, text) : read_tsv(j, path, text);
    qntk_free(text);
    return status;
}

/* ---- FILE.part ---- */

static qntk_status part_failure(const sweep_job *j)
{
    return cli_message(QNTK_IO, "%s: %s", j->part, strerror(errno));
}

/* Opens it and keeps others out; *file -1 and QNTK_OK: it is not there. */
static qntk_status lock_part(const sweep_job *j, int *file)
{
    *file = open(j->part, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (*file < 0)
        return errno == ENOENT ? QNTK_OK : part_failure(j);
    if (flock(*file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) /* some file systems have no locks */
        return QNTK_OK;
    close(*file);
    *file = -1;
    return cli_message(QNTK_INVALID, "%s: another run is writing it", j->part);
}

/* One line; numbers in digits that give the same double back. */
static size_t format_row(const sweep_job *j, size_t index, char *line, size_t room)
{
    char bits[QNTK_SWEEP_NAME];
    qntk_cell cells[SWEEP_CELLS_MAX];
    size_t used = 0;
    sweep_fill(j, index, bits, cells);
    for (size_t c = 0; c < sweep_cells() && used < room; c++) {
        const char end = c + 1 < sweep_cells() ? '\t' : '\n';
        if (sweep_columns()[c].digits == 0)
            used += (size_t)snprintf(line + used, room - used, "%s%c", cells[c].text, end);
        else
            used += (size_t)snprintf(line + used, room - used, "%.17g%c", cells[c].number, end);
    }
    return used;
}

enum { LINE_BYTES = SWEEP_CELLS_MAX * 32 };

/* A new file with the head and the rows there are, in place of the one of an earlier run. */
static qntk_status start_part(const sweep_job *j)
{
    char line[LINE_BYTES];
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(j->part, &file);
    if (status != QNTK_OK)
        return status;
    qntk_table_head(file, &j->meta);
    qntk_table_columns(file, sweep_columns());
    for (size_t i = 0; i < j->models; i++)
        if (j->row[i].present)
            qntk_file_write(file, line, format_row(j, i, line, sizeof line));
    return qntk_file_commit(&file);
}

qntk_status sweep_open(sweep_job *j, bool resume)
{
    const cli_common *common = j->program->common;
    int old = -1;
    j->part_file = -1;
    j->part[0] = '\0';
    if (!suite_can_be_replaced(common->out))
        return QNTK_OK;
    if (snprintf(j->part, sizeof j->part, "%s.part", common->out) >= (int)sizeof j->part)
        return cli_message(QNTK_INVALID, "%.80s..: the name is too long", common->out);
    qntk_status status = lock_part(j, &old);
    if (status == QNTK_OK && old >= 0 && !resume)
        status = cli_message(QNTK_INVALID,
                             "%s: holds models of a run that did not end; go on with --resume, or remove it",
                             j->part);
    if (status == QNTK_OK && resume)
        status = read_earlier(j, common->out, common->format == CLI_JSON);
    if (status == QNTK_OK && resume)
        status = read_earlier(j, j->part, false);
    if (status == QNTK_OK)
        status = start_part(j);
    if (status == QNTK_OK)
        status = lock_part(j, &j->part_file);
    if (status == QNTK_OK && j->part_file < 0)
        status = part_failure(j);
    if (old >= 0)
        close(old);
    return status;
}

qntk_status sweep_keep(sweep_job *j, size_t index)
{
    char line[LINE_BYTES];
    if (j->part_file < 0)
        return QNTK_OK;
    if (j->part_failed)
        return QNTK_IO; /* the first failure is told */
    const size_t size = format_row(j, index, line, sizeof line);
    errno = 0;
    if (write(j->part_file, line, size) != (ssize_t)size) {
        errno = errno != 0 ? errno : ENOSPC;
        j->part_failed = true;
        return part_failure(j);
    }
    return fsync(j->part_file) == 0 || errno == EINVAL ? QNTK_OK
                                                       : part_failure(j); /* EINVAL: a file system without */
}

void sweep_close(sweep_job *j, bool done)
{
    if (j->part_file < 0)
        return;
    if (done || j->complete == 0)
        unlink(j->part);
    close(j->part_file);
    j->part_file = -1;
}
