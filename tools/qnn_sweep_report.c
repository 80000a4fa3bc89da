/* qnn noise --sweep: rows and correlations as TSV, as JSON, as a table for people, as a picture. */
#include "cli_result.h"
#include "qnn_sweep.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* ---- columns ---- */

static const qntk_column fixed[] = {
    {"model", 17}, {"bits", 0},    {"rounding", 0}, {"width", 17}, {"depth", 17}, {"seed", 17}, {"lr", 17},
    {"status", 0}, {"epochs", 17}, {"loss", 17},    {"train", 17}, {"test", 17},  {"gap", 17}};

const qntk_column *sweep_columns(void)
{
    static qntk_column columns[SWEEP_CELLS_MAX + 1];
    static char se[QNTK_MEASURES][48];
    if (columns[0].name != NULL)
        return columns;
    size_t c = SWEEP_MEASURES;
    for (size_t m = 0; m < QNTK_MEASURES; m++) {
        snprintf(se[m], sizeof se[m], "%s_se", qntk_measure_name(m));
        columns[c++] = (qntk_column){qntk_measure_name(m), 17};
        if (qntk_measure_sampled(m))
            columns[c++] = (qntk_column){se[m], 17};
    }
    memcpy(columns, fixed, sizeof fixed);
    return columns;
}

size_t sweep_cells(void)
{
    size_t count = SWEEP_MEASURES;
    for (size_t m = 0; m < QNTK_MEASURES; m++)
        count += qntk_measure_sampled(m) ? 2 : 1;
    return count;
}

void sweep_fill(const sweep_job *j, size_t index, char bits[QNTK_SWEEP_NAME],
                qntk_cell cells[SWEEP_CELLS_MAX])
{
    const qntk_sweep_model model = qntk_sweep_at(&j->sweep, index);
    const qntk_sweep_row *row = &j->row[index];
    qntk_sweep_bits_name(model.levels, bits);
    cells[SWEEP_MODEL] = qntk_cell_number((double)index + 1);
    cells[SWEEP_BITS] = qntk_cell_text(bits);
    cells[SWEEP_ROUNDING] = qntk_cell_text(qntk_sweep_rounding_name(&model));
    cells[SWEEP_WIDTH] = qntk_cell_number((double)model.width);
    cells[SWEEP_DEPTH] = qntk_cell_number((double)model.depth);
    cells[SWEEP_SEED] = qntk_cell_number((double)model.seed);
    cells[SWEEP_LR] = qntk_cell_number(model.rate);
    cells[SWEEP_STATUS] = qntk_cell_text(qntk_sweep_outcome_name(row->outcome));
    cells[SWEEP_EPOCHS] = qntk_cell_number((double)row->epochs);
    cells[SWEEP_LOSS] = qntk_cell_number(row->loss);
    cells[SWEEP_TRAIN] = qntk_cell_number(row->train);
    cells[SWEEP_TEST] = qntk_cell_number(row->test);
    cells[SWEEP_GAP] = qntk_cell_number(row->gap);
    for (size_t m = 0, c = SWEEP_MEASURES; m < QNTK_MEASURES; m++) {
        cells[c++] = qntk_cell_number(row->measure[m]);
        if (qntk_measure_sampled(m))
            cells[c++] = qntk_cell_number(row->se[m]);
    }
}

/* "12 of 57 models" in a result that is not complete; false if it is. */
static bool incomplete(const sweep_job *j, char text[64])
{
    snprintf(text, 64, "%zu of %zu models", j->complete, j->models);
    return j->complete < j->models;
}

/* ---- correlations ---- */

static const qntk_column correlation_columns[] = {{"measure", 0}, {"bits", 0}, {"rounding", 0},
                                                  {"n", 17},      {"tau", 17}, {"low", 17},
                                                  {"high", 17},   {"p", 17},   {NULL, 0}};
enum { CORRELATION_CELLS = sizeof correlation_columns / sizeof *correlation_columns - 1 };

static void fill_correlation(const qntk_sweep_correlation *r, char bits[QNTK_SWEEP_NAME],
                             qntk_cell cells[CORRELATION_CELLS])
{
    const double number[] = {(double)r->kendall.used, r->kendall.tau, r->interval.low, r->interval.high,
                             r->kendall.p};
    if (r->all)
        snprintf(bits, QNTK_SWEEP_NAME, "all");
    else
        qntk_sweep_bits_name(r->group.levels, bits);
    cells[0] = qntk_cell_text(qntk_measure_name(r->measure));
    cells[1] = qntk_cell_text(bits);
    cells[2] = qntk_cell_text(r->all ? "all" : qntk_sweep_rounding_name(&r->group));
    for (size_t k = 0; k < sizeof number / sizeof *number; k++)
        cells[3 + k] = qntk_cell_number(number[k]);
}

/* correlation[norm,all,all]=n=200 tau=0.3 low=.. high=.. p=.. */
static void note_correlation(qntk_file *file, const qntk_sweep_correlation *r)
{
    char key[128], text[256] = "", bits[QNTK_SWEEP_NAME];
    qntk_cell cells[CORRELATION_CELLS];
    fill_correlation(r, bits, cells);
    for (size_t c = 3, used = 0; c < CORRELATION_CELLS; c++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s=%.6g", c == 3 ? "" : " ",
                                 correlation_columns[c].name,
                                 isnan(cells[c].number) ? (double)NAN : cells[c].number);
    snprintf(key, sizeof key, "correlation[%s,%s,%s]", cells[0].text, bits, cells[2].text);
    qntk_table_note(file, key, text);
}

/* ---- files ---- */

static void write_tsv(qntk_file *file, const void *result)
{
    const sweep_job *j = result;
    char text[64];
    qntk_table_head(file, &j->meta);
    if (incomplete(j, text))
        qntk_table_note(file, "incomplete", text);
    for (size_t k = 0; k < j->correlations; k++)
        note_correlation(file, &j->correlation[k]);
    qntk_table_columns(file, sweep_columns());
    for (size_t i = 0; i < j->models; i++) {
        char bits[QNTK_SWEEP_NAME];
        qntk_cell cells[SWEEP_CELLS_MAX];
        if (!j->row[i].present)
            continue;
        sweep_fill(j, i, bits, cells);
        qntk_table_row(file, sweep_columns(), cells);
    }
}

static qntk_status add_rows(cJSON *tree, const sweep_job *j)
{
    cJSON *array;
    qntk_status status = qntk_json_array(tree, "models", &array);
    for (size_t i = 0; i < j->models && status == QNTK_OK; i++) {
        char bits[QNTK_SWEEP_NAME];
        qntk_cell cells[SWEEP_CELLS_MAX];
        if (!j->row[i].present)
            continue;
        sweep_fill(j, i, bits, cells);
        status = qntk_json_row(array, sweep_columns(), cells, NULL);
    }
    return status;
}

static qntk_status write_json(qntk_file *file, const void *result)
{
    const sweep_job *j = result;
    cJSON *tree = NULL, *array;
    char text[64];
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK && incomplete(j, text) && cJSON_AddStringToObject(tree, "incomplete", text) == NULL)
        status = QNTK_NO_MEMORY;
    if (status == QNTK_OK)
        status = add_rows(tree, j);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "correlation", &array);
    for (size_t k = 0; k < j->correlations && status == QNTK_OK; k++) {
        char bits[QNTK_SWEEP_NAME];
        qntk_cell cells[CORRELATION_CELLS];
        fill_correlation(&j->correlation[k], bits, cells);
        status = qntk_json_row(array, correlation_columns, cells, NULL);
    }
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

qntk_status sweep_write(const sweep_job *j)
{
    const cli_result result = {.script = "sweep", .result = j, .tsv = write_tsv, .json = write_json};
    return cli_result_write(j->program->common, &result);
}

/* ---- for people ---- */

static void print_number(FILE *stream, const char *form, int width, double value)
{
    if (isnan(value))
        fprintf(stream, "  %*s", width, "-");
    else
        fprintf(stream, form, width, value);
}

/* All models: each measure with its interval. */
static void print_all(const sweep_job *j, FILE *stream)
{
    fprintf(
        stream,
        "\nKendall's tau of a measure with the gap, and its 95 %% bootstrap interval\n%-16s  %5s  %6s  %6s  "
        "%6s  %9s\n",
        "measure", "n", "tau", "low", "high", "p");
    for (size_t k = 0; k < QNTK_MEASURES && k < j->correlations; k++) {
        const qntk_sweep_correlation *r = &j->correlation[k];
        fprintf(stream, "%-16s  %5zu", qntk_measure_name(r->measure), r->kendall.used);
        print_number(stream, "  %*.2f", 6, r->kendall.tau);
        print_number(stream, "  %*.2f", 6, r->interval.low);
        print_number(stream, "  %*.2f", 6, r->interval.high);
        print_number(stream, "  %*.2g", 9, r->kendall.p);
        fputc('\n', stream);
    }
}

/* A column for each group: tau of all measures. */
static void print_groups(const sweep_job *j, FILE *stream)
{
    const size_t groups = j->correlations / QNTK_MEASURES;
    if (groups < 2)
        return;
    fprintf(stream, "\ntau by bits and rounding: s stochastic, n nearest\n%-16s", "measure");
    for (size_t g = 1; g < groups; g++) {
        const qntk_sweep_model *group = &j->correlation[g * QNTK_MEASURES].group;
        char bits[QNTK_SWEEP_NAME];
        qntk_sweep_bits_name(group->levels, bits);
        fprintf(stream, "  %4s%2s", bits,
                group->levels == QNTK_LEVELS_REAL             ? ""
                : group->rounding == QNTK_ROUNDING_STOCHASTIC ? " s"
                                                              : " n");
    }
    for (size_t m = 0; m < QNTK_MEASURES; m++) {
        fprintf(stream, "\n%-16s", qntk_measure_name(m));
        for (size_t g = 1; g < groups; g++)
            print_number(stream, "  %*.2f", 6, j->correlation[g * QNTK_MEASURES + m].kendall.tau);
    }
    fputc('\n', stream);
}

void sweep_print(const sweep_job *j, FILE *stream)
{
    size_t count[QNTK_SWEEP_OUTCOMES] = {0};
    for (size_t i = 0; i < j->models; i++)
        if (j->row[i].present)
            count[j->row[i].outcome]++;
    fprintf(stream, "\n%zu models", j->complete);
    for (size_t k = 0; k < QNTK_SWEEP_OUTCOMES; k++)
        if (count[k] > 0)
            fprintf(stream, ", %zu %s", count[k], qntk_sweep_outcome_name(k));
    fputc('\n', stream);
    print_all(j, stream);
    print_groups(j, stream);
}
