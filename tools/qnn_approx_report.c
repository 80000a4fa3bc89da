/* qnn approx: laws of a sweep, and the result as TSV, as JSON and as a table for people. */
#include "qnn_approx.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

/* The line log weights = c + exponent log(1/eps) over the rows of column v; of the real ones if v is the last. */
static approx_law fit(const approx_job *j, size_t v)
{
    const bool real = v == j->values_count;
    const size_t count = j->rows / j->values_count;
    double mx = 0, my = 0, sxx = 0, sxy = 0, rss = 0;
    approx_law l = {.values = real ? 0 : j->values[v]};
    for (int pass = 0; pass < 3; pass++)
        for (size_t k = 0; k < count; k++) {
            const approx_row *r = &j->row[k * j->values_count + (real ? 0 : v)];
            const double x = -log(r->eps), y = log((double)(real ? r->real : r->counts).weights);
            if (pass == 0) {
                mx += x / (double)count;
                my += y / (double)count;
            } else if (pass == 1) {
                sxx += (x - mx) * (x - mx);
                sxy += (x - mx) * (y - my);
            } else {
                rss += pow(y - my - sxy / sxx * (x - mx), 2);
            }
        }
    l.exponent = sxy / sxx;
    l.se = count > 2 ? sqrt(rss / (double)(count - 2) / sxx) : NAN;
    return l;
}

void approx_fit(approx_job *j)
{
    if (!j->sweep || j->best || j->values_count == 0 || j->rows < 2 * j->values_count)
        return;
    for (size_t v = 0; v <= j->values_count; v++)
        j->law[j->laws++] = fit(j, v);
}

/* ---- the table ---- */

static const qntk_column columns[] = {
    {"eps", 17},          {"values", 17},    {"error", 6},        {"grid_error", 6},
    {"random_error", 6},  {"bound", 6},      {"taylor_bound", 6}, {"product_bound", 6},
    {"weight_bound", 6},  {"depth", 17},     {"weights", 17},     {"distinct_values", 17},
    {"bits", 17},         {"neurons", 17},   {"cells", 17},       {"compositions", 17},
    {"digits", 17},       {"base", 17},      {"order", 6},        {"real_depth", 17},
    {"real_weights", 17}, {"real_bits", 17}, {"best_values", 17}, {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1, REAL_BITS = 64 };

static void fill(const approx_row *r, qntk_cell cells[CELLS])
{
    const double number[CELLS] = {
        r->eps,
        (double)r->values,
        fmax(r->grid_error, r->random_error),
        r->grid_error,
        r->random_error,
        r->plan.bound,
        r->plan.taylor_bound,
        r->plan.product_bound,
        r->plan.weight_bound,
        (double)r->counts.depth,
        (double)r->counts.weights,
        (double)r->counts.distinct,
        r->counts.bits,
        (double)r->counts.neurons,
        (double)r->plan.cells,
        (double)r->plan.square,
        (double)r->plan.digits,
        (double)r->plan.base,
        r->plan.steps ? pow(1 / r->plan.eps, (double)r->plan.d)
                      : qntk_approx_order(r->plan.d, r->plan.smoothness, r->plan.eps, r->values),
        (double)r->real.depth,
        (double)r->real.weights,
        (double)r->real.weights * REAL_BITS,
        r->plan.steps ? NAN : (double)qntk_approx_best_values(r->plan.eps)};
    for (size_t k = 0; k < CELLS; k++)
        cells[k] = qntk_cell_number(number[k]);
}

static void law_name(size_t values, char name[32])
{
    if (values == 0)
        snprintf(name, 32, "real");
    else
        snprintf(name, 32, "%zu", values);
}

void approx_write_tsv(qntk_file *file, const void *job)
{
    const approx_job *j = job;
    qntk_table_head(file, &j->meta);
    for (size_t k = 0; k < j->laws; k++) {
        char key[64], text[96], name[32];
        law_name(j->law[k].values, name);
        snprintf(key, sizeof key, "exponent[%s]", name);
        snprintf(text, sizeof text, "%.17g %.17g", j->law[k].exponent, j->law[k].se);
        qntk_table_note(file, key, text);
    }
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < j->rows; k++) {
        qntk_cell cells[CELLS];
        fill(&j->row[k], cells);
        qntk_table_row(file, columns, cells);
    }
}

/* One row is part of the object itself, several are an array. */
qntk_status approx_write_json(qntk_file *file, const void *job)
{
    const approx_job *j = job;
    static const qntk_column law_columns[] = {
        {"values", 17}, {"exponent", 17}, {"exponent_se", 17}, {NULL, 0}};
    cJSON *tree = NULL, *results = NULL, *laws = NULL;
    qntk_cell cells[CELLS];
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK && j->rows == 1) {
        fill(&j->row[0], cells);
        status = qntk_json_cells(tree, columns, cells);
    } else if (status == QNTK_OK) {
        status = qntk_json_array(tree, "results", &results);
    }
    for (size_t k = 0; k < j->rows && results != NULL && status == QNTK_OK; k++) {
        fill(&j->row[k], cells);
        status = qntk_json_row(results, columns, cells, NULL);
    }
    if (status == QNTK_OK && j->sweep)
        status = qntk_json_array(tree, "exponents", &laws);
    for (size_t k = 0; k < j->laws && status == QNTK_OK; k++) {
        const qntk_cell cell[] = {qntk_cell_number((double)j->law[k].values),
                                  qntk_cell_number(j->law[k].exponent), qntk_cell_number(j->law[k].se)};
        status = qntk_json_row(laws, law_columns, cell, NULL);
    }
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

void approx_print_summary(const approx_job *j)
{
    fprintf(stderr, "\n%8s %6s  %9s %9s  %5s %10s %8s %10s  %10s %10s\n", "eps", "values", "error", "bound",
            "depth", "weights", "distinct", "bits", "real:", "bits");
    for (size_t k = 0; k < j->rows; k++) {
        const approx_row *r = &j->row[k];
        fprintf(stderr, "%8.3g %6zu  %9.3g %9.3g  %5zu %10zu %8zu %10.4g  %10zu %10.4g\n", r->eps, r->values,
                fmax(r->grid_error, r->random_error), r->plan.bound, r->counts.depth, r->counts.weights,
                r->counts.distinct, r->counts.bits, r->real.weights, (double)r->real.weights * REAL_BITS);
    }
    if (j->function.context != NULL && j->function.spread > 0)
        fprintf(stderr,
                "derivatives up to order %zu are at most %.6g by an estimate from values (two of its steps "
                "are %.2g "
                "apart); bounds hold if it does\n",
                j->steps ? 1 : j->smoothness, j->function.scale, j->function.spread);
    for (size_t k = 0; k < j->laws; k++) {
        char name[32];
        law_name(j->law[k].values, name);
        fprintf(stderr, "weights (%s values) ~ (1/eps)^%.3f +- %.3f; theory %.3f%s\n", name,
                j->law[k].exponent, j->law[k].se,
                j->steps ? (double)j->dim : (double)j->dim / (double)j->smoothness,
                j->steps ? "" : " and logarithms");
    }
}
