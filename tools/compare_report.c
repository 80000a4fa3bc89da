/* See compare_report.h. */
#include "compare_report.h"
#include "cli_result.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 24 };

/* A row of the table, its columns with it: which there are depends on the mode. */
typedef struct {
    size_t count;
    qntk_column column[CELLS + 1];
    qntk_cell cell[CELLS];
} record;

static void put_text(record *r, const char *name, const char *text)
{
    r->column[r->count] = (qntk_column){name, 0};
    r->cell[r->count++] = qntk_cell_text(text);
}

static void put_number(record *r, const char *name, int digits, double value)
{
    r->column[r->count] = (qntk_column){name, digits};
    r->cell[r->count++] = qntk_cell_number(value);
}

void compare_row_free(compare_row *row)
{
    for (size_t f = 0; f < row->folds && row->answer != NULL; f++)
        qntk_free(row->answer[f]);
    qntk_free(row->answer);
    qntk_free(row->ridge);
    qntk_free(row->fold);
    *row = (compare_row){0};
}

static record fill_record(const compare_report *r, const compare_row *row)
{
    record out = {0};
    if (r->bits)
        put_text(&out, "bits", row->bits);
    put_text(&out, "kernel", row->name);
    if (r->bits)
        put_number(&out, "chosen", 1, row->chosen);
    put_number(&out, r->svm ? "C" : "ridge", 17, r->svm ? row->C : row->mean.ridge);
    put_number(&out, "train", 17, row->mean.train);
    put_number(&out, "test", 17, row->mean.test);
    put_number(&out, "gap", 17, row->mean.gap);
    if (r->svm)
        put_number(&out, "cross", 17, row->cross);
    put_number(&out, "loo", 17, row->mean.loo);
    put_number(&out, "loo_mse", 17, row->mean.loo_mse);
    put_number(&out, "kare", 17, row->mean.kare);
    put_number(&out, "gcv", 17, row->mean.gcv);
    put_number(&out, "freedom", 17, row->mean.freedom);
    put_text(&out, "law", qntk_decay_law_name(row->decay.law));
    put_number(&out, "exponent", 17, row->decay.power.exponent);
    put_number(&out, "train_sd", 17, row->sd.train);
    put_number(&out, "test_sd", 17, row->sd.test);
    put_number(&out, "gap_sd", 17, row->sd.gap);
    put_number(&out, "seconds", 4, row->seconds);
    return out;
}

/* ---- TSV ---- */

/* Write errors are remembered by the file and come out when it is committed. */
static void write_tsv(qntk_file *file, const void *result)
{
    const compare_report *r = result;
    char text[64];
    qntk_table_head(file, &r->meta);
    for (size_t k = 0; k < r->count; k++) {
        const compare_row *row = &r->row[k];
        cli_note_text(file, "route", row->name, row->route);
        cli_note_number(file, "bandwidth", row->name, row->bandwidth);
        cli_note_list(file, r->svm ? "C" : "ridges", row->name, row->ridges, row->ridge);
        snprintf(text, sizeof text, "%zu machines stopped after 10^7 steps", row->unfinished);
        if (row->unfinished > 0)
            cli_note_text(file, "unfinished", row->name, text);
        cli_note_text(file, "decay", row->name, row->decay.verdict);
    }
    for (size_t k = 0; k < r->count; k++) {
        const record line = fill_record(r, &r->row[k]);
        if (k == 0)
            qntk_table_columns(file, line.column);
        qntk_table_row(file, line.column, line.cell);
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
    const record line = fill_record(r, row);
    qntk_status status = qntk_json_row(results, line.column, line.cell, &object);
    if (status == QNTK_OK)
        status = qntk_json_cells(object, more_columns, more);
    if (status == QNTK_OK)
        status = qntk_json_numbers(object, r->svm ? "C_tried" : "ridges", row->ridges, row->ridge);
    if (status == QNTK_OK)
        status = qntk_json_array(object, "folds", &folds);
    for (size_t f = 0; status == QNTK_OK && f < row->folds; f++) {
        const qntk_cell fold[] = {qntk_cell_number(row->fold[f].train), qntk_cell_number(row->fold[f].test)};
        status = qntk_json_row(folds, fold_columns, fold, NULL);
    }
    return status;
}

static qntk_status write_json(qntk_file *file, const void *result)
{
    const compare_report *r = result;
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

qntk_status compare_report_write(const compare_report *r, const cli_common *common)
{
    const cli_result result = {
        .script = r->bits ? "bits" : "compare", .result = r, .tsv = write_tsv, .json = write_json};
    return cli_result_write(common, &result);
}

qntk_status compare_report_predictions(const compare_report *r, const compare_problem *p, const char *path)
{
    static const qntk_column class_columns[] = {{"row", 17},  {"fold", 17},      {"kernel", 0},
                                                {"truth", 0}, {"prediction", 0}, {NULL, 0}};
    static const qntk_column value_columns[] = {{"row", 17},   {"fold", 17},       {"kernel", 0},
                                                {"truth", 17}, {"prediction", 17}, {NULL, 0}};
    const qntk_dataset *data = &p->data;
    const qntk_column *columns = r->classify ? class_columns : value_columns;
    const size_t first = p->test_file ? p->train_rows : 0;
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(path, &file);
    if (status != QNTK_OK)
        return status;
    qntk_table_head(file, &r->meta);
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < r->count; k++)
        for (size_t f = 0; f < p->folds; f++)
            for (size_t i = 0; i < p->split[f].test_count; i++) {
                const size_t row = p->split[f].test[i];
                const double truth = data->y[row], answer = r->row[k].answer[f][i];
                qntk_cell cells[5] = {qntk_cell_number((double)(row - first)), qntk_cell_number((double)f),
                                      qntk_cell_text(r->row[k].name), qntk_cell_number(truth),
                                      qntk_cell_number(answer)};
                if (r->classify) {
                    cells[3] = qntk_cell_text(data->class_name[(size_t)truth]);
                    cells[4] = qntk_cell_text(data->class_name[(size_t)answer]);
                }
                qntk_table_row(file, columns, cells);
            }
    return qntk_file_commit(&file);
}

/* ---- for people ---- */

static void print_spread(FILE *stream, const compare_report *r, double value, double sd)
{
    if (r->one_split)
        fprintf(stream, "  %8.4g", value);
    else
        fprintf(stream, "  %8.4g +- %-7.2g", value, sd);
}

/* "2 bits", "1.58 bits (ternary)", "real weights". */
static void describe_bits(const char *bits, char text[32])
{
    if (strcmp(bits, "real") == 0)
        snprintf(text, 32, "real weights");
    else
        snprintf(text, 32, "%s bit%s%s", bits, strcmp(bits, "1") == 0 ? "" : "s",
                 bits[1] == '.' ? " (ternary)" : "");
}

static double bits_of(const compare_row *row)
{
    return strcmp(row->bits, "real") == 0 ? INFINITY : strtod(row->bits, NULL);
}

/* How many bits does this data deserve? The standard error of a share p of n rows is sqrt(p (1-p)/n). */
static void print_answer(FILE *stream, const compare_report *r)
{
    const compare_row *best = NULL, *real = NULL, *fewest = NULL;
    for (size_t k = 0; k < r->count; k++) {
        best = r->row[k].chosen ? &r->row[k] : best;
        real = strcmp(r->row[k].bits, "real") == 0 ? &r->row[k] : real;
    }
    if (best == NULL)
        return;
    const double error = sqrt(best->mean.loo * (1 - best->mean.loo) / (double)r->rows);
    for (size_t k = 0; k < r->count && r->classify; k++) {
        const double own = bits_of(&r->row[k]);
        const compare_row *least = fewest != NULL ? fewest : best;
        if (own < bits_of(least) && r->row[k].mean.loo <= best->mean.loo + error)
            fewest = &r->row[k];
    }
    char name[32];
    const double unit = r->classify ? 100 : 1;
    const char *sign = r->classify ? " %" : "";
    describe_bits(best->bits, name);
    fprintf(stream, "\nThis data deserves %s: the smallest error left out, %.3g%s (test %.3g%s)", name,
            unit * best->mean.loo, sign, unit * (r->classify ? 1 - best->mean.test : best->mean.test), sign);
    if (real != NULL && real != best)
        fprintf(stream, ", against %.3g%s (%.3g%s) with real weights", unit * real->mean.loo, sign,
                unit * (r->classify ? 1 - real->mean.test : real->mean.test), sign);
    if (fewest != NULL) {
        describe_bits(fewest->bits, name);
        fprintf(stream, "; %s would do within one standard error, %.2g%s", name, unit * error, sign);
    }
    fprintf(stream, ".\n");
}

void compare_report_summary(const compare_report *r, FILE *stream)
{
    int width = 10;
    for (size_t k = 0; k < r->count; k++)
        width = (int)strlen(r->row[k].name) > width ? (int)strlen(r->row[k].name) : width;
    const int room = r->one_split ? 8 : 19;
    fprintf(stream, "\n%s%s\n%-*s  %9s  %*s  %*s  %*s  %8s  %9s  %-22s  %8s  %8s\n",
            r->classify ? "accuracy" : "mean squared error",
            r->one_split ? "" : ", mean +- sd over the folds", width, "kernel", r->svm ? "C" : "ridge", room,
            "train", room, "test", room, "gap", r->svm ? "cross" : "left out", "KARE", "decay", "exponent",
            "seconds");
    for (size_t k = 0; k < r->count; k++) {
        const compare_row *row = &r->row[k];
        fprintf(stream, "%-*s  %9.3g", width, row->name, r->svm ? row->C : row->mean.ridge);
        print_spread(stream, r, row->mean.train, row->sd.train);
        print_spread(stream, r, row->mean.test, row->sd.test);
        print_spread(stream, r, row->mean.gap, row->sd.gap);
        fprintf(stream, "  %8.4g  %9.3g  %-22s  %8.3g  %8.3f%s\n", r->svm ? row->cross : row->mean.loo,
                row->mean.kare, qntk_decay_law_name(row->decay.law), row->decay.power.exponent, row->seconds,
                row->chosen ? "  <- chosen by leaving out" : "");
    }
    if (r->bits)
        print_answer(stream, r);
}
