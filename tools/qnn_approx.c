/* qnn approx: networks of few distinct weights that approximate a function to eps, verified and counted. */
#include "cli_result.h"
#include "qnn.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 16, EPS_MAX = 64, ROWS_MAX = VALUES_MAX * EPS_MAX };

static struct {
    cli_common common;
    const char *function, *values, *sweep;
    size_t dim, smoothness, grid, random;
    int construction; /* 0 taylor, 1 steps */
    double eps;
} set = {.function = "sine", .values = "2", .dim = 1, .smoothness = 2, .random = 10000, .eps = NAN};

static const cli_option options[] = {
    CLI_HEADING("Function"),
    {.name = "function",
     .kind = CLI_TEXT,
     .destination = &set.function,
     .argument = "NAME",
     .help = "one of those below"},
    {.name = "dim",
     .kind = CLI_COUNT,
     .destination = &set.dim,
     .argument = "D",
     .high = QNTK_APPROX_DIM_MAX,
     .help = "variables, each in [0,1]: 1 to 3"},
    {.name = "smoothness",
     .kind = CLI_COUNT,
     .destination = &set.smoothness,
     .argument = "N",
     .high = QNTK_APPROX_SMOOTHNESS_MAX,
     .help = "derivatives up to this order are bounded by 1: 1 to 8"},
    CLI_HEADING("Network"),
    {.name = "construction",
     .kind = CLI_CHOICE,
     .destination = &set.construction,
     .choices = "taylor|steps",
     .help = "ReLUs and Taylor polynomials; or two layers of steps on a grid"},
    {.name = "eps",
     .kind = CLI_NUMBER,
     .destination = &set.eps,
     .argument = "E",
     .low = 1e-8,
     .high = 0.999,
     .against = "sweep",
     .help = "the largest error allowed"},
    {.name = "sweep",
     .kind = CLI_TEXT,
     .destination = &set.sweep,
     .argument = "LO:HI:N",
     .help = "instead: N of them from HI down to LO, evenly in the logarithm"},
    {.name = "values",
     .kind = CLI_TEXT,
     .destination = &set.values,
     .argument = "V,V,..|best",
     .help = "distinct values of the weights, 2 to 256; best: by a formula"},
    CLI_HEADING("Verification"),
    {.name = "grid",
     .kind = CLI_COUNT,
     .destination = &set.grid,
     .argument = "N",
     .low = 2,
     .high = 10000000,
     .help = "points an axis [10001, 101, 22 in 1, 2, 3 dimensions]"},
    {.name = "random",
     .kind = CLI_COUNT,
     .destination = &set.random,
     .argument = "N",
     .help = "random points besides"},
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "qnn approx",
    .synopsis = "--function NAME --dim D --smoothness N --eps E --values V",
    .summary =
        "Builds a ReLU network whose weights have V distinct values (biases are free) and that is within "
        "eps\n"
        "of a function; measures its error; counts layers, weights and bits, beside the same construction\n"
        "with real weights.",
    .examples =
        "Functions, whose derivatives up to order n (--smoothness) are bounded by 1 on [0,1]^d:\n"
        "  sine     sin(x1 + .. + xd)\n"
        "  product  sin(x1) .. sin(xd)\n"
        "  exp      exp(x1 + .. + xd - d)\n"
        "  wave     sin(2 pi (x1 + .. + xd)) / (2 pi)^n\n"
        "  power    x1^n .. xd^n / n!^d\n"
        "  kink     mean over i of u^n sgn(u) / n!, u = xi - 0.4: no derivative of order n + 1\n"
        "\nExamples:\n"
        "  qnn approx --function sine --dim 2 --smoothness 2 --eps 0.05 --values 2,4,8\n"
        "  qnn approx --function kink --smoothness 3 --sweep 1e-6:1e-2:9 --values 2,4 --plot approx.png\n"
        "\nThe approximant, its Taylor error and the order log(1/eps)^2 (1/eps)^(d/n) of the weights for "
        "two\n"
        "values are those of Ding et al. 2018; sets of more values, the products and the division of eps "
        "are\n"
        "this program's, and the order for more values and 'best' are recalled from there, unchecked. Steps "
        "are\n"
        "derived here: N^d cells, values evenly on [-1,1], error at most d/(2N) + 1/(V-1).\n",
    .options = options,
    .common = &set.common,
};

typedef struct {
    double eps, grid_error, random_error;
    size_t values;
    qntk_approx_plan plan;
    qntk_approx_counts counts, real; /* real: of the same construction with real weights */
} row;

/* weights ~ (1/eps)^exponent, of one number of values (0: real). */
typedef struct {
    size_t values;
    double exponent, se;
} law;

typedef struct {
    const qntk_approx_function *function;
    size_t eps_count, values_count, values[VALUES_MAX];
    double eps[EPS_MAX];
    size_t side;
    bool best;
    size_t rows, laws;
    row *row; /* (ROWS_MAX) */
    law law[VALUES_MAX + 1];
    qntk_meta meta;
} job;

/* ---- the command line ---- */

static int parse_sweep(job *j)
{
    char *end = NULL;
    const double low = strtod(set.sweep, &end), high = *end == ':' ? strtod(end + 1, &end) : NAN;
    const double count = *end == ':' ? strtod(end + 1, &end) : NAN;
    if (*end != '\0' || !(low >= 1e-8) || !(high < 1) || !(low < high) || !(count >= 2) || count > EPS_MAX ||
        count != floor(count))
        return cli_usage(&program,
                         "--sweep: expected LO:HI:N, 1e-8 <= LO < HI < 1, N from 2 to %d, found '%s'",
                         EPS_MAX, set.sweep);
    j->eps_count = (size_t)count;
    for (size_t k = 0; k < j->eps_count; k++)
        j->eps[k] = k + 1 == j->eps_count ? low : high * pow(low / high, (double)k / (count - 1));
    return 0;
}

static int parse(job *j)
{
    static const size_t side[] = {10001, 101, 22};
    j->function = qntk_approx_find(set.function);
    if (j->function == NULL)
        return cli_usage(&program, "--function: expected sine, product, exp, wave, power or kink, found '%s'",
                         set.function);
    if (isnan(set.eps) && set.sweep == NULL)
        return cli_usage(&program, "give --eps E or --sweep LO:HI:N");
    j->side = set.grid > 0 ? set.grid : side[set.dim - 1];
    if (pow((double)j->side, (double)set.dim) > 1e9)
        return cli_usage(&program, "--grid: expected at most 1e9 points in all, found %zu^%zu", j->side,
                         set.dim);
    j->best = strcmp(set.values, "best") == 0;
    if (j->best && set.construction == 1)
        return cli_usage(&program, "--values best: the formula is not for --construction steps");
    j->values_count = 1;
    if (!j->best)
        j->values_count = qnn_parse_list(&program, "values", set.values, 2, VALUES_MAX, j->values);
    if (j->values_count == 0)
        return CLI_USAGE;
    for (size_t k = 0; k < j->values_count && !j->best; k++)
        if (j->values[k] > QNTK_APPROX_VALUES_MAX)
            return cli_usage(&program, "--values: expected 2 to %d, found %zu", QNTK_APPROX_VALUES_MAX,
                             j->values[k]);
    j->eps_count = 1;
    j->eps[0] = set.eps;
    return set.sweep != NULL ? parse_sweep(j) : 0;
}

/* ---- networks ---- */

/* Builds, counts and, if `r` is not NULL, measures one network. */
static qntk_status run_network(const job *j, double eps, size_t values, qntk_approx_counts *counts, row *r)
{
    qntk_approx_plan plan;
    qntk_approx_network network = {0};
    qntk_status status = (set.construction == 1 ? qntk_approx_lipschitz_plan : qntk_approx_plan_make)(
        set.dim, set.smoothness, eps, values, &plan);
    if (status == QNTK_OK)
        status = qntk_approx_build(j->function, &plan, &network);
    if (status == QNTK_OK)
        status = qntk_approx_count(&network, counts);
    if (status == QNTK_OK && r != NULL) {
        r->plan = plan;
        status = qntk_approx_error(&network, j->function, &plan, j->side, set.random, set.common.seed,
                                   &r->grid_error, &r->random_error);
    }
    qntk_approx_network_free(&network);
    return status;
}

static qntk_status run(job *j)
{
    qntk_status status = QNTK_OK;
    for (size_t e = 0; e < j->eps_count && status == QNTK_OK; e++) {
        qntk_approx_counts real = {0};
        status = run_network(j, j->eps[e], 0, &real, NULL);
        for (size_t v = 0; v < j->values_count && status == QNTK_OK; v++) {
            row *r = &j->row[j->rows];
            *r = (row){.eps = j->eps[e], .values = j->values[v], .real = real};
            if (j->best)
                r->values = qntk_approx_best_values(r->eps);
            status = run_network(j, r->eps, r->values, &r->counts, r);
            j->rows += status == QNTK_OK;
        }
    }
    cli_progress_end();
    return status;
}

/* The line log weights = c + exponent log(1/eps) over the rows of column v; of the real ones if v is the last. */
static law fit(const job *j, size_t v)
{
    const bool real = v == j->values_count;
    const size_t count = j->rows / j->values_count;
    double mx = 0, my = 0, sxx = 0, sxy = 0, rss = 0;
    law l = {.values = real ? 0 : j->values[v]};
    for (int pass = 0; pass < 3; pass++)
        for (size_t k = 0; k < count; k++) {
            const row *r = &j->row[k * j->values_count + (real ? 0 : v)];
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

static void fit_all(job *j)
{
    if (set.sweep == NULL || j->best || j->values_count == 0 || j->rows < 2 * j->values_count)
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

static void fill(const row *r, qntk_cell cells[CELLS])
{
    const double number[CELLS] = {r->eps,
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
                                  r->plan.steps
                                      ? pow(1 / r->eps, (double)r->plan.d)
                                      : qntk_approx_order(r->plan.d, r->plan.smoothness, r->eps, r->values),
                                  (double)r->real.depth,
                                  (double)r->real.weights,
                                  (double)r->real.weights * REAL_BITS,
                                  r->plan.steps ? NAN : (double)qntk_approx_best_values(r->eps)};
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

static void write_tsv(qntk_file *file, const void *result)
{
    const job *j = result;
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
static qntk_status write_json(qntk_file *file, const void *result)
{
    const job *j = result;
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
    if (status == QNTK_OK && set.sweep != NULL)
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

static void print_summary(const job *j)
{
    fprintf(stderr, "\n%8s %6s  %9s %9s  %5s %10s %8s %10s  %10s %10s\n", "eps", "values", "error", "bound",
            "depth", "weights", "distinct", "bits", "real:", "bits");
    for (size_t k = 0; k < j->rows; k++) {
        const row *r = &j->row[k];
        fprintf(stderr, "%8.3g %6zu  %9.3g %9.3g  %5zu %10zu %8zu %10.4g  %10zu %10.4g\n", r->eps, r->values,
                fmax(r->grid_error, r->random_error), r->plan.bound, r->counts.depth, r->counts.weights,
                r->counts.distinct, r->counts.bits, r->real.weights, (double)r->real.weights * REAL_BITS);
    }
    for (size_t k = 0; k < j->laws; k++) {
        char name[32];
        law_name(j->law[k].values, name);
        fprintf(stderr, "weights (%s values) ~ (1/eps)^%.3f +- %.3f; theory %.3f%s\n", name,
                j->law[k].exponent, j->law[k].se,
                set.construction == 1 ? (double)set.dim : (double)set.dim / (double)set.smoothness,
                set.construction == 1 ? "" : " and logarithms");
    }
}

/* ---- one run ---- */

static qntk_status start(job *j)
{
    qntk_status status = cli_start(&program);
    if (status == QNTK_OK && set.common.plot != NULL)
        status = qntk_plot_check("approx", set.common.plot);
    if (status == QNTK_OK)
        status = cli_check_outputs(&program);
    if (status == QNTK_OK)
        status = cli_meta(&program, NULL, 0, 0, &j->meta);
    if (status == QNTK_OK)
        status = qntk_meta_text(&j->meta, "function", set.function);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "dim", set.dim);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "smoothness", set.smoothness);
    j->row = qntk_alloc_zero(ROWS_MAX, sizeof *j->row);
    return status == QNTK_OK && j->row == NULL ? QNTK_NO_MEMORY : status;
}

int qnn_approx(int argc, char **argv)
{
    bool end;
    job j = {0};
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end)
        code = parse(&j);
    if (code != 0 || end)
        return code;
    qntk_status status = start(&j);
    if (status == QNTK_OK)
        status = run(&j);
    code = status == QNTK_OK ? 0 : cli_fail(&program, status);
    if (j.rows > 0) { /* what is complete is kept */
        qntk_interrupt_clear();
        fit_all(&j);
        if (!set.common.quiet)
            print_summary(&j);
        const cli_result result = {.script = "approx", .result = &j, .tsv = write_tsv, .json = write_json};
        status = cli_result_write(&set.common, &result);
        code = status == QNTK_OK ? code : cli_fail(&program, status);
    }
    qntk_free(j.row);
    qntk_meta_free(&j.meta);
    return code;
}
