/* What qnn validate --lazy found: as TSV, as JSON, and as tables for people. */
#include "qnn_validate_lazy.h"

#include <cjson/cJSON.h>
#include <math.h>

static const qntk_column columns[] = {{"weights", 0},
                                      {"depth", 17},
                                      {"width", 17},
                                      {"step", 17},
                                      {"time", 17},
                                      {"loss", 17},
                                      {"loss_kernel", 17},
                                      {"loss_flow", 17},
                                      {"distance", 17},
                                      {"kernel_change", 17},
                                      {"weights_change", 17},
                                      {"loss_se", 17},
                                      {"loss_kernel_se", 17},
                                      {"loss_flow_se", 17},
                                      {"distance_se", 17},
                                      {"kernel_change_se", 17},
                                      {"weights_change_se", 17},
                                      {"seeds", 17},
                                      {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1 };

static const char *const rate_name[LAZY_RATES] = {"distance", "kernel_change", "weights_change"};

static void fill(const lazy_job *j, const lazy_cell *c, size_t k, char law[32], qntk_cell cells[CELLS])
{
    size_t at = 0;
    qnn_law_name(c->levels, law);
    cells[at++] = qntk_cell_text(law);
    cells[at++] = qntk_cell_number((double)c->depth);
    cells[at++] = qntk_cell_number((double)c->width);
    for (size_t v = 0; v < LAZY_VALUES; v++)
        cells[at++] = qntk_cell_number(c->mean[k].value[v]);
    for (size_t v = LAZY_LOSS; v < LAZY_VALUES; v++)
        cells[at++] = qntk_cell_number(c->se[k].value[v]);
    cells[at] = qntk_cell_number((double)j->set->seeds);
}

void lazy_write_tsv(qntk_file *file, const void *job)
{
    const lazy_job *j = job;
    char law[32], key[96], text[96];
    qntk_table_head(file, &j->meta);
    for (size_t k = 0; k < j->fitted; k++)
        for (size_t r = 0; r < LAZY_RATES; r++) {
            const validate_line *l = &j->line[k].fit[r];
            qnn_law_name(j->line[k].levels, law);
            snprintf(key, sizeof key, "rate[%s,%zu,%s]", law, j->line[k].depth, rate_name[r]);
            snprintf(text, sizeof text, "%.17g %.17g %.17g", l->slope, l->se, l->constant);
            qntk_table_note(file, key, text);
        }
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < j->complete; k++)
        for (size_t i = 0; i < j->cell[k].records; i++) {
            qntk_cell cells[CELLS];
            fill(j, &j->cell[k], i, law, cells);
            qntk_table_row(file, columns, cells);
        }
}

static qntk_status json_rates(cJSON *tree, const lazy_job *j)
{
    static const qntk_column rate_columns[] = {{"weights", 0}, {"depth", 17},   {"quantity", 0},
                                               {"rate", 17},   {"rate_se", 17}, {"log_scale", 17},
                                               {NULL, 0}};
    cJSON *rates = NULL;
    char law[32];
    qntk_status status = qntk_json_array(tree, "rates", &rates);
    for (size_t k = 0; k < j->fitted * LAZY_RATES && status == QNTK_OK; k++) {
        const lazy_line *line = &j->line[k / LAZY_RATES];
        const validate_line *l = &line->fit[k % LAZY_RATES];
        qnn_law_name(line->levels, law);
        const qntk_cell cells[] = {qntk_cell_text(law),
                                   qntk_cell_number((double)line->depth),
                                   qntk_cell_text(rate_name[k % LAZY_RATES]),
                                   qntk_cell_number(l->slope),
                                   qntk_cell_number(l->se),
                                   qntk_cell_number(l->constant)};
        status = qntk_json_row(rates, rate_columns, cells, NULL);
    }
    return status;
}

qntk_status lazy_write_json(qntk_file *file, const void *job)
{
    const lazy_job *j = job;
    cJSON *tree = NULL, *layers = NULL, *tangent = NULL, *lazy = NULL;
    char law[32];
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "layers", &layers); /* these two of other modes */
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "tangent", &tangent);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "lazy", &lazy);
    for (size_t k = 0; k < j->complete; k++)
        for (size_t i = 0; i < j->cell[k].records && status == QNTK_OK; i++) {
            qntk_cell cells[CELLS];
            fill(j, &j->cell[k], i, law, cells);
            status = qntk_json_row(lazy, columns, cells, NULL);
        }
    if (status == QNTK_OK)
        status = json_rates(tree, j);
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

/* ---- for people ---- */

/* "mean +- se", or the value alone of one network. */
static void print_value(FILE *stream, double mean, double se)
{
    char text[48];
    if (isnan(se))
        snprintf(text, sizeof text, "%.4f", mean);
    else
        snprintf(text, sizeof text, "%.4f +- %.4f", mean, se);
    fprintf(stream, "  %16s", text);
}

static void print_rates(FILE *stream, const lazy_job *j)
{
    char law[32];
    fprintf(stream, "\n%-8s  %5s  %6s  rate in the width of outputs, kernel, weights; +- se\n", "weights",
            "depth", "");
    for (size_t k = 0; k < j->fitted; k++) {
        qnn_law_name(j->line[k].levels, law);
        fprintf(stream, "%-8s  %5zu  %6s", law, j->line[k].depth, "");
        for (size_t r = 0; r < LAZY_RATES; r++)
            fprintf(stream, "  %7.3f +- %.3f", j->line[k].fit[r].slope, j->line[k].fit[r].se);
        fprintf(stream, "\n");
    }
    fprintf(stream,
            "Theory: outputs and kernel at least as fast as -1/2 (recalled), weights -1 (derived here).\n");
}

void lazy_print_summary(FILE *stream, const void *job)
{
    const lazy_job *j = job;
    char law[32];
    fprintf(stream,
            "\n%zu steps of gradient descent on %zu rows, until time %g of the fastest mode; at the end, "
            "mean +- se "
            "over %zu network%s\n"
            "%-8s  %5s  %6s  %11s  %10s  %10s  %16s  %16s  %16s\n",
            j->set->steps, j->rows.n, LAZY_SHARE * (double)j->set->steps, j->set->seeds,
            j->set->seeds > 1 ? "s" : "", "weights", "depth", "width", "loss before", "loss", "by kernel",
            "outputs", "kernel", "weights");
    for (size_t k = 0; k < j->complete; k++) {
        const lazy_cell *c = &j->cell[k];
        const lazy_record *end = &c->mean[c->records - 1], *se = &c->se[c->records - 1];
        qnn_law_name(c->levels, law);
        fprintf(stream, "%-8s  %5zu  %6zu  %11.4g  %10.4g  %10.4g", law, c->depth, c->width,
                c->mean[0].value[LAZY_LOSS], end->value[LAZY_LOSS], end->value[LAZY_LOSS_KERNEL]);
        for (size_t v = LAZY_DISTANCE; v < LAZY_VALUES; v++)
            print_value(stream, end->value[v], se->value[v]);
        fprintf(stream, "\n");
    }
    fprintf(stream,
            "outputs: their distance from those of descent with the kernel of the start, relative to the "
            "first residual;\nkernel, weights: how far they have moved, relative to their norm. All three "
            "go to 0 in a lazy network.\n");
    if (j->fitted > 0)
        print_rates(stream, j);
}
