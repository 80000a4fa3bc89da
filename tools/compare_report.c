/* See compare_report.h. */
#include "compare_report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static const qntk_column kernel_columns[] = {
    {"kernel", 0},    {"ridge", 17},   {"train", 17},  {"test", 17},    {"gap", 17}, {"loo", 17},
    {"loo_mse", 17},  {"kare", 17},    {"gcv", 17},    {"freedom", 17}, {"law", 0},  {"exponent", 17},
    {"train_sd", 17}, {"test_sd", 17}, {"gap_sd", 17}, {"seconds", 4},  {NULL, 0},
};
static const qntk_column bits_columns[] = {
    {"bits", 0},     {"kernel", 0},   {"chosen", 1},  {"ridge", 17},    {"train", 17},
    {"test", 17},    {"gap", 17},     {"loo", 17},    {"loo_mse", 17},  {"kare", 17},
    {"gcv", 17},     {"freedom", 17}, {"law", 0},     {"exponent", 17}, {"train_sd", 17},
    {"test_sd", 17}, {"gap_sd", 17},  {"seconds", 4}, {NULL, 0},
};
enum { CELLS = sizeof bits_columns / sizeof *bits_columns };

void compare_row_free(compare_row *row)
{
    for (size_t f = 0; f < row->folds && row->answer != NULL; f++)
        qntk_free(row->answer[f]);
    qntk_free(row->answer);
    qntk_free(row->ridge);
    qntk_free(row->fold);
    *row = (compare_row){0};
}

static const qntk_column *columns_of(const compare_report *r)
{
    return r->bits ? bits_columns : kernel_columns;
}

static void fill_cells(const compare_report *r, const compare_row *row, qntk_cell cells[CELLS])
{
    const double numbers[] = {row->mean.ridge, row->mean.train, row->mean.test,
                              row->mean.gap,   row->mean.loo,   row->mean.loo_mse,
                              row->mean.kare,  row->mean.gcv,   row->mean.freedom};
    size_t at = 0;
    if (r->bits)
        cells[at++] = qntk_cell_text(row->bits);
    cells[at++] = qntk_cell_text(row->name);
    if (r->bits)
        cells[at++] = qntk_cell_number(row->chosen);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cells[at++] = qntk_cell_number(numbers[i]);
    cells[at++] = qntk_cell_text(qntk_decay_law_name(row->decay.law));
    cells[at++] = qntk_cell_number(row->decay.power.exponent);
    cells[at++] = qntk_cell_number(row->sd.train);
    cells[at++] = qntk_cell_number(row->sd.test);
    cells[at++] = qntk_cell_number(row->sd.gap);
    cells[at++] = qntk_cell_number(row->seconds);
}

/* ---- TSV ---- */

static void note(qntk_file *file, const char *what, const char *kernel, const char *text)
{
    char key[320];
    snprintf(key, sizeof key, "%s[%s]", what, kernel);
    qntk_table_note(file, key, text);
}

/* The ridges tried, as many as fit into a line. */
static void list_ridges(const compare_row *row, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < row->ridges && used + 40 < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%.17g", k > 0 ? "," : "", row->ridge[k]);
}

/* Write errors are remembered by the file and come out when it is committed. */
static void write_tsv(qntk_file *file, const compare_report *r)
{
    char text[4096];
    qntk_table_head(file, &r->meta);
    for (size_t k = 0; k < r->count; k++) {
        const compare_row *row = &r->row[k];
        note(file, "route", row->name, row->route);
        snprintf(text, sizeof text, "%.17g", row->bandwidth);
        if (isfinite(row->bandwidth))
            note(file, "bandwidth", row->name, text);
        list_ridges(row, text, sizeof text);
        note(file, "ridges", row->name, text);
        note(file, "decay", row->name, row->decay.verdict);
    }
    qntk_table_columns(file, columns_of(r));
    for (size_t k = 0; k < r->count; k++) {
        qntk_cell cells[CELLS];
        fill_cells(r, &r->row[k], cells);
        qntk_table_row(file, columns_of(r), cells);
    }
}

/* ---- JSON ---- */

static qntk_status add_row(cJSON *results, const compare_report *r, const compare_row *row)
{
    static const qntk_column fold_columns[] = {{"train", 17}, {"test", 17}, {NULL, 0}};
    static const qntk_column more_columns[] = {{"bandwidth", 17}, {"route", 0}, {"decay", 0}, {NULL, 0}};
    const qntk_cell more[] = {qntk_cell_number(row->bandwidth), qntk_cell_text(row->route),
                              qntk_cell_text(row->decay.verdict)};
    cJSON *object = NULL, *folds = NULL;
    qntk_cell cells[CELLS];
    fill_cells(r, row, cells);
    qntk_status status = qntk_json_row(results, columns_of(r), cells, &object);
    if (status == QNTK_OK)
        status = qntk_json_cells(object, more_columns, more);
    if (status == QNTK_OK)
        status = qntk_json_numbers(object, "ridges", row->ridges, row->ridge);
    if (status == QNTK_OK)
        status = qntk_json_array(object, "folds", &folds);
    for (size_t f = 0; status == QNTK_OK && f < row->folds; f++) {
        const qntk_cell fold[] = {qntk_cell_number(row->fold[f].train), qntk_cell_number(row->fold[f].test)};
        status = qntk_json_row(folds, fold_columns, fold, NULL);
    }
    return status;
}

static qntk_status write_json(qntk_file *file, const compare_report *r)
{
    cJSON *tree = NULL, *results = NULL;
    qntk_status status = qntk_json_head(&r->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "results", &results);
    for (size_t k = 0; status == QNTK_OK && k < r->count; k++)
        status = add_row(results, r, &r->row[k]);
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

/* ---- files ---- */

/* The picture is drawn from a TSV made for the purpose. */
static qntk_status draw(const compare_report *r, const cli_common *common)
{
    char path[4096];
    qntk_file *file = NULL;
    snprintf(path, sizeof path, "%.4080s.tsv", common->plot);
    qntk_status status = qntk_file_open(path, &file);
    if (status != QNTK_OK)
        return status;
    write_tsv(file, r);
    status = qntk_file_flush(file);
    if (status == QNTK_OK)
        status = qntk_plot(r->bits ? "bits" : "compare", qntk_file_temporary(file), common->plot);
    qntk_file_abort(&file);
    return status;
}

qntk_status compare_report_write(const compare_report *r, const cli_common *common)
{
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(common->out, &file);
    if (status != QNTK_OK)
        return status;
    if (common->format == CLI_JSON)
        status = write_json(file, r);
    else
        write_tsv(file, r);
    if (status == QNTK_OK)
        status = qntk_file_commit(&file);
    else
        qntk_file_abort(&file);
    if (status == QNTK_OK && common->plot != NULL)
        status = draw(r, common);
    return status;
}

/* ---- for people ---- */

static void print_spread(FILE *stream, const compare_report *r, double value, double sd)
{
    if (r->one_split)
        fprintf(stream, "  %8.4g", value);
    else
        fprintf(stream, "  %8.4g +- %-7.2g", value, sd);
}

void compare_report_summary(const compare_report *r, FILE *stream)
{
    int width = 10;
    for (size_t k = 0; k < r->count; k++)
        width = (int)strlen(r->row[k].name) > width ? (int)strlen(r->row[k].name) : width;
    const int room = r->one_split ? 8 : 19;
    fprintf(stream, "\n%-*s  %9s  %*s  %*s  %*s  %8s  %9s  %-22s  %8s  %8s\n", width, "kernel", "ridge", room,
            r->classify ? "train accuracy" : "train error", room,
            r->classify ? "test accuracy" : "test error", room, "gap", "left out", "KARE", "decay",
            "exponent", "seconds");
    for (size_t k = 0; k < r->count; k++) {
        const compare_row *row = &r->row[k];
        fprintf(stream, "%-*s  %9.3g", width, row->name, row->mean.ridge);
        print_spread(stream, r, row->mean.train, row->sd.train);
        print_spread(stream, r, row->mean.test, row->sd.test);
        print_spread(stream, r, row->mean.gap, row->sd.gap);
        fprintf(stream, "  %8.4g  %9.3g  %-22s  %8.3g  %8.3f%s\n", row->mean.loo, row->mean.kare,
                qntk_decay_law_name(row->decay.law), row->decay.power.exponent, row->seconds,
                row->chosen ? "  <- chosen by leaving out" : "");
    }
}
