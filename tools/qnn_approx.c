/* qnn approx: networks of few distinct weights that approximate a function to eps, verified and counted. */
#include "qnn_approx.h"

#include "cli_result.h"
#include "qnn.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
    cli_common common;
    const char *function, *values, *sweep;
    size_t dim, smoothness, grid, random;
    int construction; /* 0 taylor, 1 steps */
    double eps, bound;
} set = {
    .function = "sine", .values = "2", .dim = 1, .smoothness = 2, .random = 10000, .eps = NAN, .bound = NAN};

static const cli_option options[] = {
    CLI_HEADING("Function"),
    {.name = "function",
     .kind = CLI_TEXT,
     .destination = &set.function,
     .argument = "NAME|FORMULA",
     .help = "one of those below, or a formula in x1, x2, x3"},
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
     .help = "derivatives up to this order are bounded, by 1 or --bound: 1 to 8"},
    {.name = "bound",
     .kind = CLI_NUMBER,
     .destination = &set.bound,
     .argument = "B",
     .low = 1e-100,
     .high = 1e100,
     .help = "what bounds them, for a formula [estimated]"},
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
     .low = 1e-100,
     .high = 1e100,
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
    .synopsis = "--function NAME|FORMULA --dim D --smoothness N --eps E --values V",
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
        "  A formula is read by muParser: + - * / ^, sin cos tan exp ln log10 sqrt abs min max and more,\n"
        "  condition ? a : b, _pi and _e. It is divided by the bound of its derivatives to be of the class, "
        "and\n"
        "  eps, errors and bounds are those of the formula itself. Without --bound that bound is estimated "
        "from\n"
        "  values, which proves nothing.\n"
        "\nExamples:\n"
        "  qnn approx --function sine --dim 2 --smoothness 2 --eps 0.05 --values 2,4,8\n"
        "  qnn approx --function 'sin(3*x1)*x2' --dim 2 --eps 0.1\n"
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

/* ---- the command line ---- */

static int parse_sweep(approx_job *j)
{
    char *end = NULL;
    const double low = strtod(set.sweep, &end), high = *end == ':' ? strtod(end + 1, &end) : NAN;
    const double count = *end == ':' ? strtod(end + 1, &end) : NAN;
    if (*end != '\0' || !(low > 0) || !(high < 1e100) || !(low < high) || !(count >= 2) ||
        count > APPROX_EPS_MAX || count != floor(count))
        return cli_usage(&program, "--sweep: expected LO:HI:N, 0 < LO < HI, N from 2 to %d, found '%s'",
                         APPROX_EPS_MAX, set.sweep);
    j->eps_count = (size_t)count;
    for (size_t k = 0; k < j->eps_count; k++)
        j->eps[k] = k + 1 == j->eps_count ? low : high * pow(low / high, (double)k / (count - 1));
    return 0;
}

/* Letters alone: a name, though none that is known. */
static bool is_word(const char *text)
{
    for (; isalpha((unsigned char)*text); text++)
        ;
    return *text == '\0';
}

static int parse(approx_job *j)
{
    static const size_t side[] = {10001, 101, 22};
    const qntk_approx_function *known = qntk_approx_find(set.function);
    if (known != NULL)
        j->function = *known;
    else if (is_word(set.function))
        return cli_usage(&program,
                         "--function: expected sine, product, exp, wave, power, kink or a formula in x1, x2, "
                         "x3, found '%s'",
                         set.function);
    if (known != NULL && cli_given(&program, "bound"))
        return cli_usage(&program, "--bound: the derivatives of '%s' are bounded by 1; it is for formulas",
                         set.function);
    if (isnan(set.eps) && set.sweep == NULL)
        return cli_usage(&program, "give --eps E or --sweep LO:HI:N");
    j->dim = set.dim;
    j->smoothness = set.smoothness;
    j->steps = set.construction == 1;
    j->sweep = set.sweep != NULL;
    j->side = set.grid > 0 ? set.grid : side[set.dim - 1];
    if (pow((double)j->side, (double)set.dim) > 1e9)
        return cli_usage(&program, "--grid: expected at most 1e9 points in all, found %zu^%zu", j->side,
                         set.dim);
    j->best = strcmp(set.values, "best") == 0;
    if (j->best && j->steps)
        return cli_usage(&program, "--values best: the formula is not for --construction steps");
    j->values_count = 1;
    if (!j->best)
        j->values_count = qnn_parse_list(&program, "values", set.values, 2, APPROX_VALUES_MAX, j->values);
    if (j->values_count == 0)
        return CLI_USAGE;
    for (size_t k = 0; k < j->values_count && !j->best; k++)
        if (j->values[k] > QNTK_APPROX_VALUES_MAX)
            return cli_usage(&program, "--values: expected 2 to %d, found %zu", QNTK_APPROX_VALUES_MAX,
                             j->values[k]);
    j->eps_count = 1;
    j->eps[0] = set.eps;
    return j->sweep ? parse_sweep(j) : 0;
}

/* ---- networks ---- */

/* Builds, counts and, if `r` is not NULL, measures one network. */
static qntk_status run_network(const approx_job *j, double eps, size_t values, qntk_approx_counts *counts,
                               approx_row *r)
{
    qntk_approx_plan plan;
    qntk_approx_network network = {0};
    qntk_status status = (j->steps ? qntk_approx_lipschitz_plan : qntk_approx_plan_make)(
        j->dim, j->smoothness, eps / j->function.scale, values, &plan);
    if (status == QNTK_OK)
        status = qntk_approx_build(&j->function, &plan, &network);
    if (status == QNTK_OK)
        status = qntk_approx_count(&network, counts);
    if (status == QNTK_OK && r != NULL) {
        status = qntk_approx_error(&network, &j->function, &plan, j->side, set.random, set.common.seed,
                                   &r->grid_error, &r->random_error);
        r->plan = plan;
        double *const scaled[] = {&r->grid_error,        &r->random_error,       &r->plan.bound,
                                  &r->plan.taylor_bound, &r->plan.product_bound, &r->plan.weight_bound};
        for (size_t k = 0; k < sizeof scaled / sizeof *scaled; k++)
            *scaled[k] *= j->function.scale;
    }
    qntk_approx_network_free(&network);
    return status;
}

static qntk_status run(approx_job *j)
{
    qntk_status status = QNTK_OK;
    for (size_t e = 0; e < j->eps_count && status == QNTK_OK; e++) {
        qntk_approx_counts real = {0};
        status = run_network(j, j->eps[e], 0, &real, NULL);
        for (size_t v = 0; v < j->values_count && status == QNTK_OK; v++) {
            approx_row *r = &j->row[j->rows];
            *r = (approx_row){.eps = j->eps[e], .values = j->values[v], .real = real};
            if (j->best)
                r->values = qntk_approx_best_values(r->eps / j->function.scale);
            status = run_network(j, r->eps, r->values, &r->counts, r);
            j->rows += status == QNTK_OK;
        }
    }
    cli_progress_end();
    return status;
}

/* ---- one run ---- */

static qntk_status start(approx_job *j)
{
    const qntk_status status = cli_begin(&program, "approx");
    j->row = qntk_alloc_zero(APPROX_ROWS_MAX, sizeof *j->row);
    return status == QNTK_OK && j->row == NULL ? QNTK_NO_MEMORY : status;
}

/* The plans' own range, in terms of the function. */
static int check_eps(const approx_job *j)
{
    const double least = j->eps[j->eps_count - 1], most = j->eps[0], scale = j->function.scale;
    if (most < scale && least >= 1e-8 * scale)
        return 0;
    return cli_usage(&program, "--%s: expected from %.6g to below %.6g%s, found %g",
                     j->sweep ? "sweep" : "eps", 1e-8 * scale, scale,
                     j->function.context != NULL ? ", the bound of the derivatives" : "",
                     most < scale ? least : most);
}

static int read_formula(approx_job *j)
{
    if (j->function.derivative != NULL)
        return check_eps(j);
    /* steps need no more than the first derivatives */
    const qntk_status status = qntk_approx_formula_open(set.function, j->dim, j->steps ? 1 : j->smoothness,
                                                        isnan(set.bound) ? 0 : set.bound, &j->function);
    cli_progress_end();
    if (status == QNTK_INVALID)
        return cli_usage(&program, "--function: %s%s", qntk_message(),
                         isnan(set.bound) && strstr(qntk_message(), "give the bound") != NULL ? ": --bound B"
                                                                                              : "");
    if (status != QNTK_OK)
        return cli_fail(&program, status);
    return check_eps(j);
}

static qntk_status describe(approx_job *j)
{
    qntk_status status = cli_meta(&program, NULL, 0, 0, &j->meta);
    if (status == QNTK_OK)
        status = qntk_meta_text(&j->meta, "function", set.function);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "dim", set.dim);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "smoothness", set.smoothness);
    if (status == QNTK_OK && j->function.context != NULL)
        status = qntk_meta_number(&j->meta, "derivative_bound", j->function.scale);
    if (status == QNTK_OK && j->function.context != NULL)
        status = qntk_meta_text(&j->meta, "derivative_bound_is", !isnan(set.bound) ? "given" : "estimated");
    return status;
}

int qnn_approx(int argc, char **argv)
{
    bool end;
    approx_job j = {0};
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end)
        code = parse(&j);
    if (code != 0 || end)
        return code;
    qntk_status status = start(&j);
    code = status == QNTK_OK ? read_formula(&j) : cli_fail(&program, status);
    if (status == QNTK_OK && code == 0) {
        status = describe(&j);
        if (status == QNTK_OK)
            status = run(&j);
        code = status == QNTK_OK ? 0 : cli_fail(&program, status);
    }
    if (j.rows > 0) { /* what is complete is kept */
        qntk_interrupt_clear();
        approx_fit(&j);
        if (!set.common.quiet)
            approx_print_summary(&j);
        const cli_result result = {
            .script = "approx", .result = &j, .tsv = approx_write_tsv, .json = approx_write_json};
        status = cli_result_write(&set.common, &result);
        code = status == QNTK_OK ? code : cli_fail(&program, status);
    }
    if (j.function.context != NULL)
        qntk_approx_formula_close(&j.function);
    qntk_free(j.row);
    qntk_meta_free(&j.meta);
    return code;
}
