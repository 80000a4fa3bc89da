/* qnn noise --anneal-study: its result as a file, a picture and a table for people; and read back. */
#include "qnn_anneal_study.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "cli_earlier.h"
#include "cli_result.h"

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

static const qntk_column function_columns[] = {
    {"noise", 0},     {"scale", 17}, {"quadrature_error", 17}, {"draws_max_z", 17},
    {"steepest", 17}, {"slope", 17}, {"lipschitz", 17},        {NULL, 0}};
enum { FUNCTION_CELLS = sizeof function_columns / sizeof *function_columns - 1 };

static void fill_function(const study_job *j, size_t k, qntk_cell cells[FUNCTION_CELLS])
{
    const study_function *f = &j->function[k];
    cells[0] = qntk_cell_text(study_noises[k]);
    cells[1] = qntk_cell_number(f->scale);
    cells[2] = qntk_cell_number(f->quadrature);
    cells[3] = qntk_cell_number(f->draws);
    cells[4] = qntk_cell_number(f->steepest);
    cells[5] = qntk_cell_number(f->slope);
    cells[6] = qntk_cell_number(f->lipschitz);
}

/* ---- writing ---- */

static void write_tsv(qntk_file *file, const void *result)
{
    const study_job *j = result;
    qntk_table_head(file, &j->meta);
    for (size_t k = 0; k < QNTK_NOISE_COUNT; k++) {
        qntk_cell cells[FUNCTION_CELLS];
        fill_function(j, k, cells);
        for (size_t c = 1; c < FUNCTION_CELLS && j->noise[k]; c++)
            cli_note_number(file, function_columns[c].name, study_noises[k], cells[c].number);
    }
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
    cJSON *tree = NULL, *rows = NULL, *functions = NULL;
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "functions", &functions);
    for (size_t k = 0; k < QNTK_NOISE_COUNT && status == QNTK_OK; k++) {
        qntk_cell cells[FUNCTION_CELLS];
        fill_function(j, k, cells);
        if (j->noise[k])
            status = qntk_json_row(functions, function_columns, cells, NULL);
    }
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

/* Whether the ways of annealing differ by more than chance: the spread of their means beside that which the spread
 * over seeds would give to the means of equal ways. */
static void print_spread(const study_job *j, FILE *stream)
{
    double mean = 0, between = 0, within = 0;
    size_t count = 0;
    for (size_t i = 2; i < j->count; i++)
        if (j->row[i].present) {
            count++;
            mean += j->row[i].test;
            within += j->row[i].test_sd * j->row[i].test_sd;
        }
    mean /= (double)count;
    for (size_t i = 2; i < j->count; i++)
        if (j->row[i].present)
            between += (j->row[i].test - mean) * (j->row[i].test - mean);
    if (count > 1 && j->seeds > 1)
        fprintf(stream, "\nsd of the test means of %zu rows: %.3g; by the spread over seeds alone: %.3g\n",
                count, sqrt(between / (double)(count - 1)), sqrt(within / (double)(count * j->seeds)));
}

static void print_functions(const study_job *j, FILE *stream)
{
    fprintf(stream,
            "expected step functions: from quadrature (steps), z of draws, steepest rise, largest slope, "
            "Lipschitz constant\n");
    for (size_t k = 0; k < QNTK_NOISE_COUNT; k++) {
        const study_function *f = &j->function[k];
        if (j->noise[k])
            fprintf(stream, "  %-12s %9.2g %9.2g %9.4g %9.4g %9.4g\n", study_noises[k], f->quadrature,
                    f->draws, f->steepest, f->slope, f->lipschitz);
    }
    fputc('\n', stream);
}

void study_print(const study_job *j, FILE *stream)
{
    static const char *const factor[] = {"noise", "strategy", "schedule", "sync"};
    const char *const *const names[] = {study_noises, study_strategies, study_schedules, study_syncs};
    cli_progress_end();
    print_functions(j, stream);
    print_rows(j, stream);
    fprintf(stream, "\n%-14s %5s %9s %9s %9s   %s\n", "means by", "rows", "train", "test", "gap",
            "range of test");
    for (int f = 0; f < 4; f++) {
        fprintf(stream, "%s\n", factor[f]);
        for (size_t level = 0; names[f][level] != NULL; level++)
            print_level(j, stream, f, level, names[f][level]);
    }
    print_spread(j, stream);
    if (j->row[0].present && j->row[1].present)
        fprintf(
            stream,
            "straight-through and annealing without forward noise: all weights equal to the bit for %g of "
            "%zu seeds\n",
            j->row[1].agree, j->seeds);
}

/* ---- reading back ---- */

/* One row of an earlier run, its fields in the order of the columns. */
static qntk_status take_row(void *context, const char *path, char *const *field)
{
    study_job *j = context;
    double number[CELLS] = {0};
    for (size_t c = SEEDS; c < CELLS; c++)
        if (!cli_earlier_number(field[c], &number[c]))
            return cli_earlier_bad(path, "expected numbers in its rows");
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

qntk_status study_resume(study_job *j)
{
    const cli_common *common = j->program->common;
    const cli_earlier earlier = {.program = j->program->name,
                                 .meta = &j->meta,
                                 .columns = columns,
                                 .rows = "study",
                                 .take = take_row,
                                 .context = j};
    return cli_earlier_read(&earlier, common->out, common->format == CLI_JSON);
}
