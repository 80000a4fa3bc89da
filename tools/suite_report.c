/* The result of a suite: TSV, JSON, a table for people. */
#include "suite.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static const qntk_column row_columns[] = {
    {"set", 0},   {"kernel", 0}, {"params", 0},  {"ridge", 3}, {"train", 17},
    {"test", 17}, {"gap", 17},   {"seconds", 3}, {NULL, 0},
};
enum { ROW_CELLS = 8 };

static const qntk_column summary_columns[] = {
    {"kernel", 0},   {"train", 17},      {"test", 17},     {"gap", 17}, {"train_sd", 17},
    {"test_sd", 17}, {"gap_sd", 17},     {"friedman", 17}, {"p90", 17}, {"p95", 17},
    {"pma", 17},     {"wilcoxon_p", 17}, {NULL, 0},
};
enum { SUMMARY_CELLS = 12 };

const qntk_column *suite_columns(void)
{
    return row_columns;
}

size_t suite_count(const suite *s, suite_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        count += s->set[i].state == state;
    return count;
}

static void row_cells(const suite *s, size_t i, size_t k, qntk_cell cells[ROW_CELLS])
{
    const suite_row *row = &s->set[i].row[k];
    const qntk_cell all[ROW_CELLS] = {qntk_cell_text(s->set[i].name), qntk_cell_text(s->method[k]),
                                      qntk_cell_text(row->params),    qntk_cell_number(row->ridge),
                                      qntk_cell_number(row->train),   qntk_cell_number(row->test),
                                      qntk_cell_number(row->gap),     qntk_cell_number(row->seconds)};
    memcpy(cells, all, sizeof all);
}

static void summary_cells(const char *kernel, const qntk_study_summary *f, qntk_cell cells[SUMMARY_CELLS])
{
    const double number[] = {f->train,    f->test, f->gap, f->train_sd, f->test_sd,   f->gap_sd,
                             f->friedman, f->p90,  f->p95, f->pma,      f->wilcoxon_p};
    cells[0] = qntk_cell_text(kernel);
    for (size_t c = 1; c < SUMMARY_CELLS; c++)
        cells[c] = qntk_cell_number(number[c - 1]);
}

/* summary (kernels) over the complete sets; *sets of them. */
static qntk_status summarise(const suite *s, size_t *sets, qntk_study_summary *summary)
{
    const size_t kernels = s->methods;
    *sets = 0;
    double *score = qntk_alloc(2 * s->count * kernels + 1, sizeof *score);
    if (score == NULL)
        return QNTK_NO_MEMORY;
    double *test = score + s->count * kernels;
    for (size_t i = 0; i < s->count; i++) {
        if (s->set[i].state != SUITE_COMPLETE)
            continue;
        for (size_t k = 0; k < kernels; k++) {
            score[*sets * kernels + k] = s->set[i].row[k].train;
            test[*sets * kernels + k] = s->set[i].row[k].test;
        }
        ++*sets;
    }
    qntk_status status = *sets > 0 ? qntk_study_summarise(*sets, kernels, score, test, summary) : QNTK_OK;
    qntk_free(score);
    return status;
}

/* "12 of 57 sets" in a result that is to be gone on with; false if nothing waits. */
static bool incomplete(const suite *s, char text[64])
{
    const size_t waiting = suite_count(s, SUITE_WAITING), complete = suite_count(s, SUITE_COMPLETE);
    snprintf(text, 64, "%zu of %zu sets; go on with --resume", complete, complete + waiting);
    return waiting > 0;
}

/* ---- TSV ---- */

/* "train=0.9 test=0.8 .." */
static void note_summary(qntk_file *file, const char *kernel, const qntk_study_summary *summary)
{
    char key[300], text[512] = "";
    qntk_cell cells[SUMMARY_CELLS];
    summary_cells(kernel, summary, cells);
    for (size_t c = 1; c < SUMMARY_CELLS; c++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s=%.6g", c == 1 ? "" : " ", summary_columns[c].name,
                 cells[c].number);
    }
    snprintf(key, sizeof key, "summary[%s]", kernel);
    qntk_table_note(file, key, text);
}

static void note_reasons(qntk_file *file, const suite *s, suite_state state, const char *what)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->set[i].state == state) {
            char key[300];
            snprintf(key, sizeof key, "%s[%.250s]", what, s->set[i].name);
            qntk_table_note(file, key, s->set[i].reason);
        }
}

/* Write errors are remembered by the file and come out when it is committed. `partial`: rows of sets that still
 * lack others too. An earlier run left them, and --resume is to find them again. */
static qntk_status write_tsv(qntk_file *file, const suite *s, bool partial)
{
    char text[64];
    size_t sets;
    qntk_study_summary *summary = qntk_alloc(s->methods, sizeof *summary);
    if (summary == NULL)
        return QNTK_NO_MEMORY;
    qntk_status status = summarise(s, &sets, summary);
    if (status != QNTK_OK)
        goto done;
    qntk_table_head(file, &s->meta);
    if (incomplete(s, text))
        qntk_table_note(file, "incomplete", text);
    snprintf(text, sizeof text, "%zu", sets);
    qntk_table_note(file, "sets", text);
    note_reasons(file, s, SUITE_SKIPPED, "skipped");
    note_reasons(file, s, SUITE_FAILED, "failed");
    for (size_t k = 0; sets > 0 && k < s->methods; k++)
        note_summary(file, s->method[k], &summary[k]);
    qntk_table_columns(file, row_columns);
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->methods; k++) {
            qntk_cell cells[ROW_CELLS];
            if (!s->set[i].row[k].present || !(partial || s->set[i].state == SUITE_COMPLETE))
                continue;
            row_cells(s, i, k, cells);
            qntk_table_row(file, row_columns, cells);
        }
done:
    qntk_free(summary);
    return status;
}

/* ---- JSON ---- */

static qntk_status add_reasons(cJSON *tree, const suite *s, suite_state state, const char *what)
{
    static const qntk_column columns[] = {{"set", 0}, {"reason", 0}, {NULL, 0}};
    cJSON *array;
    qntk_status status = qntk_json_array(tree, what, &array);
    for (size_t i = 0; status == QNTK_OK && i < s->count; i++)
        if (s->set[i].state == state) {
            const qntk_cell cells[] = {qntk_cell_text(s->set[i].name), qntk_cell_text(s->set[i].reason)};
            status = qntk_json_row(array, columns, cells, NULL);
        }
    return status;
}

static qntk_status add_rows(cJSON *tree, const suite *s)
{
    cJSON *array;
    qntk_status status = qntk_json_array(tree, "results", &array);
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; status == QNTK_OK && k < s->methods; k++) {
            if (!s->set[i].row[k].present)
                continue;
            qntk_cell cells[ROW_CELLS];
            row_cells(s, i, k, cells);
            status = qntk_json_row(array, row_columns, cells, NULL);
        }
    return status;
}

static qntk_status add_summary(cJSON *tree, const suite *s)
{
    cJSON *array;
    size_t sets = 0;
    qntk_study_summary *summary = qntk_alloc(s->methods, sizeof *summary);
    qntk_status status = summary == NULL ? QNTK_NO_MEMORY : summarise(s, &sets, summary);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "summary", &array);
    for (size_t k = 0; status == QNTK_OK && sets > 0 && k < s->methods; k++) {
        qntk_cell cells[SUMMARY_CELLS];
        summary_cells(s->method[k], &summary[k], cells);
        status = qntk_json_row(array, summary_columns, cells, NULL);
    }
    qntk_free(summary);
    return status;
}

static qntk_status write_json(qntk_file *file, const suite *s)
{
    cJSON *tree = NULL;
    char text[64];
    qntk_status status = qntk_json_head(&s->meta, &tree);
    if (status == QNTK_OK && incomplete(s, text) && cJSON_AddStringToObject(tree, "incomplete", text) == NULL)
        status = QNTK_NO_MEMORY;
    if (status == QNTK_OK)
        status = add_rows(tree, s);
    if (status == QNTK_OK)
        status = add_summary(tree, s);
    if (status == QNTK_OK)
        status = add_reasons(tree, s, SUITE_SKIPPED, "skipped");
    if (status == QNTK_OK)
        status = add_reasons(tree, s, SUITE_FAILED, "failed");
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

/* ---- files ---- */

qntk_status suite_write(const suite *s, const cli_common *common)
{
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(common->out, &file);
    if (status == QNTK_OK)
        status = common->format == CLI_JSON ? write_json(file, s) : write_tsv(file, s, true);
    if (status == QNTK_OK)
        return qntk_file_commit(&file);
    qntk_file_abort(&file);
    return status;
}

qntk_status suite_draw(const suite *s, const cli_common *common)
{
    char path[4096];
    qntk_file *file = NULL;
    snprintf(path, sizeof path, "%.4080s.tsv", common->plot);
    qntk_status status = qntk_file_open(path, &file);
    if (status == QNTK_OK)
        status = write_tsv(file, s, false);
    if (status == QNTK_OK)
        status = qntk_file_flush(file);
    if (status == QNTK_OK)
        status = qntk_plot("suite", qntk_file_temporary(file), common->plot);
    qntk_file_abort(&file);
    return status;
}

/* ---- for people ---- */

/* A few by name; of many, how many. */
static void print_skipped(const suite *s, FILE *stream)
{
    enum { FEW = 5 };
    const size_t skipped = suite_count(s, SUITE_SKIPPED);
    if (skipped > FEW)
        fprintf(stream, "%zu of %zu sets are skipped; the head of the result says why\n", skipped, s->count);
    for (size_t i = 0; i < s->count && skipped <= FEW; i++)
        if (s->set[i].state == SUITE_SKIPPED)
            fprintf(stream, "%s: skipped: %s\n", s->set[i].name, s->set[i].reason);
}

void suite_print(const suite *s, FILE *stream)
{
    size_t sets = 0, width = strlen("kernel");
    qntk_study_summary *summary = qntk_alloc(s->methods, sizeof *summary);
    if (summary == NULL || summarise(s, &sets, summary) != QNTK_OK)
        sets = 0;
    for (size_t k = 0; k < s->methods; k++)
        width = strlen(s->method[k]) > width ? strlen(s->method[k]) : width;
    if (sets > 0)
        fprintf(stream,
                "\nMeans over %zu sets +- standard deviation, accuracies in %%\n"
                "%-*s  %12s  %12s  %12s  %8s  %5s  %5s  %5s  %10s\n",
                sets, (int)width, "kernel", "train", "test", "gap", "Friedman", "P90", "P95", "PMA",
                "Wilcoxon p");
    for (size_t k = 0; sets > 0 && k < s->methods; k++) {
        const qntk_study_summary *f = &summary[k];
        fprintf(stream, "%-*s  %5.2f +-%4.1f  %5.2f +-%4.1f  %5.2f +-%4.1f  %8.2f  %5.1f  %5.1f  %5.1f",
                (int)width, s->method[k], 100 * f->train, 100 * f->train_sd, 100 * f->test, 100 * f->test_sd,
                100 * f->gap, 100 * f->gap_sd, f->friedman, 100 * f->p90, 100 * f->p95, 100 * f->pma);
        if (isnan(f->wilcoxon_p))
            fprintf(stream, "  %10s\n", "-");
        else
            fprintf(stream, "  %10.3g\n", f->wilcoxon_p);
    }
    print_skipped(s, stream);
    qntk_free(summary);
}
