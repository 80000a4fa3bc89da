/* qnn noise --anneal-study: its result as a file, a picture and a table for people; and read back. */
#include "qnn_anneal_study.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_result.h"
#include "suite.h"

/* ---- rows as cells ---- */

enum {
    METHOD,
    NOISE,
    STRATEGY,
    SCHEDULE,
    SYNC,
    SEEDS,
    TRAIN,
    TRAIN_SD,
    TEST,
    TEST_SD,
    GAP,
    GAP_SD,
    AGREE,
    CELLS
};

static const qntk_column columns[CELLS + 1] = {
    {"method", 0}, {"noise", 0},   {"strategy", 0},  {"schedule", 0}, {"sync", 0},
    {"seeds", 17}, {"train", 17},  {"train_sd", 17}, {"test", 17},    {"test_sd", 17},
    {"gap", 17},   {"gap_sd", 17}, {"agree", 17},    {NULL, 0}};

/* What a special case has in the columns of the four lists. */
static const char NONE[] = "none";

static void fill(const study_job *j, const study_row *row, qntk_cell cells[CELLS])
{
    const bool annealed = row->kind == STUDY_ANNEALED;
    cells[METHOD] = qntk_cell_text(row->kind == STUDY_STE ? "ste" : "ana");
    cells[NOISE] = qntk_cell_text(annealed ? study_noises[row->noise] : NONE);
    cells[STRATEGY] = qntk_cell_text(annealed ? study_strategies[row->strategy] : NONE);
    cells[SCHEDULE] = qntk_cell_text(annealed ? study_schedules[row->schedule] : NONE);
    cells[SYNC] = qntk_cell_text(annealed ? study_syncs[row->sync] : NONE);
    cells[SEEDS] = qntk_cell_number((double)j->seeds);
    cells[TRAIN] = qntk_cell_number(row->train);
    cells[TRAIN_SD] = qntk_cell_number(row->train_sd);
    cells[TEST] = qntk_cell_number(row->test);
    cells[TEST_SD] = qntk_cell_number(row->test_sd);
    cells[GAP] = qntk_cell_number(row->gap);
    cells[GAP_SD] = qntk_cell_number(row->gap_sd);
    cells[AGREE] = qntk_cell_number(row->agree);
}

/* ---- writing ---- */

static void write_tsv(qntk_file *file, const void *result)
{
    const study_job *j = result;
    qntk_table_head(file, &j->meta);
    qntk_table_columns(file, columns);
    for (size_t i = 0; i < j->count; i++) {
        qntk_cell cells[CELLS];
        fill(j, &j->row[i], cells);
        if (j->row[i].present)
            qntk_table_row(file, columns, cells);
    }
}

static qntk_status write_json(qntk_file *file, const void *result)
{
    const study_job *j = result;
    cJSON *tree = NULL, *rows = NULL;
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "study", &rows);
    for (size_t i = 0; status == QNTK_OK && i < j->count; i++) {
        qntk_cell cells[CELLS];
        fill(j, &j->row[i], cells);
        if (j->row[i].present)
            status = qntk_json_row(rows, columns, cells, NULL);
    }
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

static cli_result result_of(const study_job *j)
{
    return (cli_result){.script = "anneal", .result = j, .tsv = write_tsv, .json = write_json};
}

qntk_status study_write(const study_job *j)
{
    const cli_result result = result_of(j);
    cli_common common = *j->program->common;
    common.plot = NULL; /* once, at the end */
    return cli_result_write(&common, &result);
}

qntk_status study_draw(const study_job *j)
{
    const cli_result result = result_of(j);
    return cli_result_draw(j->program->common, &result);
}

/* ---- for people ---- */

/* "0.923 ± 0.004". */
static void print_score(FILE *stream, double mean, double sd)
{
    char text[64];
    if (isnan(sd))
        snprintf(text, sizeof text, "%.4g", mean);
    else
        snprintf(text, sizeof text, "%.4g (%.2g)", mean, sd);
    fprintf(stream, " %16s", text);
}

/* The column in which the levels of factor `factor` of a row are. */
static size_t level_of(const study_row *row, int factor)
{
    return factor == 0   ? (size_t)row->noise
           : factor == 1 ? (size_t)row->strategy
           : factor == 2 ? (size_t)row->schedule
                         : (size_t)row->sync;
}

/* The mean over all rows with one level of one factor. */
static void print_level(const study_job *j, FILE *stream, int factor, size_t level, const char *name)
{
    double train = 0, test = 0, gap = 0, low = INFINITY, high = -INFINITY;
    size_t count = 0;
    for (size_t i = 2; i < j->count; i++) {
        const study_row *row = &j->row[i];
        if (!row->present || level_of(row, factor) != level)
            continue;
        count++;
        train += row->train;
        test += row->test;
        gap += row->gap;
        low = fmin(low, row->test);
        high = fmax(high, row->test);
    }
    if (count > 0)
        fprintf(stream, "  %-12s %5zu %9.4g %9.4g %9.4g   %.4g .. %.4g\n", name, count, train / (double)count,
                test / (double)count, gap / (double)count, low, high);
}

static void print_rows(const study_job *j, FILE *stream)
{
    fprintf(stream, "%-7s %-10s %-8s %-10s %-10s %16s %16s %16s\n", "method", "noise", "strategy", "schedule",
            "sync", "train (sd)", "test (sd)", "gap (sd)");
    for (size_t i = 0; i < j->count; i++) {
        const study_row *row = &j->row[i];
        qntk_cell cells[CELLS];
        if (!row->present)
            continue;
        fill(j, row, cells);
        fprintf(stream, "%-7s %-10s %-8s %-10s %-10s", cells[METHOD].text, cells[NOISE].text,
                cells[STRATEGY].text, cells[SCHEDULE].text, cells[SYNC].text);
        print_score(stream, row->train, row->train_sd);
        print_score(stream, row->test, row->test_sd);
        print_score(stream, row->gap, row->gap_sd);
        fputc('\n', stream);
    }
}

void study_print(const study_job *j, FILE *stream)
{
    static const char *const factor[] = {"noise", "strategy", "schedule", "sync"};
    const char *const *const names[] = {study_noises, study_strategies, study_schedules, study_syncs};
    cli_progress_end();
    print_rows(j, stream);
    fprintf(stream, "\n%-14s %5s %9s %9s %9s   %s\n", "means by", "rows", "train", "test", "gap",
            "range of test");
    for (int f = 0; f < 4; f++) {
        fprintf(stream, "%s\n", factor[f]);
        for (size_t level = 0; names[f][level] != NULL; level++)
            print_level(j, stream, f, level, names[f][level]);
    }
    if (j->row[0].present && j->row[1].present)
        fprintf(
            stream,
            "\nstraight-through and annealing without forward noise: all weights equal to the bit for %g of "
            "%zu seeds\n",
            j->row[1].agree, j->seeds);
}

/* ---- reading back ---- */

static bool parse_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end); /* the programs run in the C locale */
    return end != text && *end == '\0';
}

/* The setting `key` of an earlier run; counts those that are compared. */
static qntk_status check_setting(const study_job *j, const char *path, const char *key, const char *value,
                                 size_t *compared)
{
    for (size_t i = 0; i < j->meta.count; i++) {
        const struct qntk_meta_item *item = &j->meta.item[i];
        double a, b;
        if (strcmp(item->key, key) != 0 || strcmp(key, "command") == 0)
            continue;
        ++*compared;
        if (strcmp(item->value, value) != 0 &&
            !(parse_number(value, &a) && parse_number(item->value, &b) && a == b))
            return cli_message(
                QNTK_INVALID,
                "%s: made with %s=%s, not %s; write elsewhere, or leave --resume out to start again", path,
                key, value, item->value);
    }
    return QNTK_OK;
}

/* An error unless all settings but the command have been compared. */
static qntk_status check_all(const study_job *j, const char *path, size_t compared)
{
    return compared + 1 == j->meta.count
               ? QNTK_OK
               : suite_bad_file(path, "is no result of qnn noise --anneal-study in the --format asked for");
}

/* One row of an earlier run, its fields in the order of the columns. */
static qntk_status take_row(study_job *j, const char *path, char *const field[CELLS])
{
    double number[CELLS] = {0};
    for (size_t c = SEEDS; c < CELLS; c++)
        if (!parse_number(field[c], &number[c]))
            return suite_bad_file(path, "expected numbers in its rows");
    for (size_t i = 0; i < j->count; i++) {
        study_row *row = &j->row[i];
        qntk_cell cells[CELLS];
        fill(j, row, cells);
        bool same = true;
        for (size_t c = METHOD; c <= SYNC; c++)
            same = same && strcmp(cells[c].text, field[c]) == 0;
        if (!same)
            continue;
        row->train = number[TRAIN];
        row->train_sd = number[TRAIN_SD];
        row->test = number[TEST];
        row->test_sd = number[TEST_SD];
        row->gap = number[GAP];
        row->gap_sd = number[GAP_SD];
        row->agree = number[AGREE];
        row->present = true;
        return QNTK_OK;
    }
    return cli_message(QNTK_INVALID,
                       "%s: has a row of %s, %s, %s, %s, which would be lost; name them, or write elsewhere",
                       path, field[NOISE], field[STRATEGY], field[SCHEDULE], field[SYNC]);
}

static qntk_status read_tsv(study_job *j, const char *path, char *text)
{
    bool rows = false;
    size_t compared = 0;
    qntk_status status = QNTK_OK;
    for (char *line = text, *end; status == QNTK_OK && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char *value, *field[CELLS];
        *end = '\0';
        if (rows) {
            status = suite_split_line(line, CELLS, field) == CELLS
                         ? take_row(j, path, field)
                         : suite_bad_file(path, "expected rows as long as its header");
        } else if (strncmp(line, "# ", 2) == 0 && (value = strchr(line, '=')) != NULL) {
            *value++ = '\0';
            suite_unescape(line + 2);
            suite_unescape(value);
            status = check_setting(j, path, line + 2, value, &compared);
        } else {
            rows = suite_split_line(line, CELLS, field) == CELLS && strcmp(field[METHOD], "method") == 0;
            status = check_all(j, path, rows ? compared : 0);
        }
    }
    return status == QNTK_OK && !rows ? check_all(j, path, 0) : status;
}

/* The value of a member as it stands in a TSV; `room` holds the text of a number. */
static char *json_field(const cJSON *item, char room[32])
{
    if (cJSON_IsString(item))
        return item->valuestring;
    snprintf(room, 32, "%.17g", cJSON_IsNumber(item) ? item->valuedouble : (double)NAN);
    return room;
}

static qntk_status read_json(study_job *j, const char *path, const char *text)
{
    cJSON *tree = cJSON_Parse(text);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, "study"), *item;
    size_t compared = 0;
    qntk_status status = QNTK_OK;
    cJSON_ArrayForEach(item, tree)
    {
        char room[32];
        if (status == QNTK_OK && (cJSON_IsString(item) || cJSON_IsNumber(item)))
            status = check_setting(j, path, item->string, json_field(item, room), &compared);
    }
    if (status == QNTK_OK)
        status = check_all(j, path, cJSON_IsArray(rows) ? compared : 0);
    cJSON_ArrayForEach(item, rows)
    {
        char *field[CELLS], room[CELLS][32];
        for (size_t c = 0; c < CELLS; c++)
            field[c] = json_field(cJSON_GetObjectItemCaseSensitive(item, columns[c].name), room[c]);
        if (status == QNTK_OK)
            status = take_row(j, path, field);
    }
    cJSON_Delete(tree);
    return status;
}

qntk_status study_resume(study_job *j)
{
    const cli_common *common = j->program->common;
    char *text;
    qntk_status status = suite_read_whole(common->out, &text);
    if (status == QNTK_OK && text != NULL)
        status =
            common->format == CLI_JSON ? read_json(j, common->out, text) : read_tsv(j, common->out, text);
    qntk_free(text);
    return status;
}
