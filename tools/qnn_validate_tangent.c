/* qnn validate --tangent: tangent kernels of finite quasi networks against that of infinite width. */
#include "cli_result.h"
#include "qnn_validate.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

enum { USUAL_ROWS = 20 };

static const double THEORY = -0.5; /* the rate in the width: fluctuations of means over neurons */

/* One law, depth and width, over the seeds. */
typedef struct {
    size_t levels, depth, width, seeds;
    double *error; /* (seeds) |K - formula|_F / |formula|_F */
    double mean, sd, se;
} cell;

/* One law and depth: log error = scale + rate log width. */
typedef struct {
    size_t levels, depth;
    double scale, rate, rate_se;
} line;

typedef struct {
    const validate_settings *set;
    const validate_plan *plan;
    validate_rows rows;
    size_t cells, complete, lines; /* complete: cells that are done */
    cell *cell;                    /* (laws, depths, widths) */
    line *line;                    /* (laws, depths) */
    double *infinite, *K;          /* (n,n) */
    double work, done;             /* weights of all networks */
    qntk_meta meta;
} job;

/* ---- one network ---- */

qntk_status validate_embed(const validate_rows *rows, size_t width, uint64_t seed, double *embedded)
{
    double *direction = qntk_alloc(rows->d, sizeof *direction);
    if (direction == NULL)
        return QNTK_NO_MEMORY;
    for (size_t k = 0; k < width; k++) {
        qntk_rng rng = qntk_rng_create(seed, k);
        for (size_t j = 0; j < rows->d; j++)
            direction[j] = qntk_rng_normal(&rng) / sqrt((double)rows->d);
        for (size_t i = 0; i < rows->n; i++) {
            double sum = 0;
            for (size_t j = 0; j < rows->d; j++)
                sum += direction[j] * rows->X[i * rows->d + j];
            embedded[i * width + k] = sum;
        }
    }
    qntk_free(direction);
    return QNTK_OK;
}

size_t validate_tangent_shape(const validate_settings *set, size_t law, size_t depth, size_t width,
                              size_t *sizes, size_t *levels)
{
    for (size_t l = 0; l <= depth; l++) {
        sizes[l] = width;
        levels[l] = law;
    }
    sizes[depth + 1] = 1;
    levels[depth] = set->network.last == 1 ? QNTK_LEVELS_REAL : law;
    return depth + 1;
}

/* K of one network, whose embedding and weights two seeds decide. */
static qntk_status kernel_of(const job *j, const cell *c, uint64_t seed, uint64_t embedding, double *K)
{
    size_t sizes[QNN_HIDDEN_MAX + 2], levels[QNN_HIDDEN_MAX + 1];
    const size_t count = validate_tangent_shape(j->set, c->levels, c->depth, c->width, sizes, levels);
    qntk_moments_weights layers[QNN_HIDDEN_MAX + 1] = {0};
    qntk_network network = {0};
    double *embedded = qntk_alloc(j->rows.n, c->width * sizeof *embedded);
    qntk_status status =
        embedded == NULL ? QNTK_NO_MEMORY : validate_embed(&j->rows, c->width, embedding, embedded);
    if (status == QNTK_OK)
        status = qntk_network_create(count, sizes, levels, j->set->network.b_std, seed, &network);
    if (status == QNTK_OK) {
        status = qntk_network_moments(&network, QNTK_ROUNDING_STOCHASTIC, layers);
        if (status == QNTK_OK)
            status = qntk_tangent_kernel(layers, count, j->rows.n, embedded, qntk_tangent_defaults(), K);
        qntk_network_moments_free(&network, layers);
    }
    qntk_network_free(&network);
    qntk_free(embedded);
    return status;
}

/* ---- all networks ---- */

static qntk_status formula(const job *j, const cell *c)
{
    const qntk_kernel kernel = {
        .family = QNTK_FAMILY_NETWORK,
        .network = {.depth = c->depth,
                    .levels = c->levels,
                    .b_std = j->set->network.b_std,
                    .quantize_all = c->levels != QNTK_LEVELS_REAL && j->set->network.last == 0}};
    return qntk_gram_symmetric(&kernel, j->rows.n, j->rows.d, j->rows.X, j->infinite);
}

static void summarise(cell *c)
{
    double square = 0;
    c->mean = 0;
    for (size_t s = 0; s < c->seeds; s++)
        c->mean += c->error[s] / (double)c->seeds;
    for (size_t s = 0; s < c->seeds; s++)
        square += (c->error[s] - c->mean) * (c->error[s] - c->mean);
    c->sd = sqrt(square / (double)(c->seeds - 1));
    c->se = c->sd / sqrt((double)c->seeds);
}

static double work_of(const cell *c)
{
    return (double)c->depth * (double)c->width * (double)c->width;
}

/* Errors of a cell's networks. Every network of the table has seeds of its own: the points of a line are
 * independent. */
static qntk_status run_cell(job *j, cell *c)
{
    const size_t n = j->rows.n, index = (size_t)(c - j->cell);
    qntk_status status = formula(j, c);
    qntk_rng rng = qntk_rng_create(j->set->common.seed, (UINT64_C(0x74616e67) << 32) + index); /* "tang" */
    for (size_t s = 0; s < c->seeds && status == QNTK_OK; s++) {
        const uint64_t seed = qntk_rng_bits(&rng), embedding = qntk_rng_bits(&rng);
        status = kernel_of(j, c, seed, embedding, j->K);
        c->error[s] = qntk_tangent_distance(n * n, j->K, j->infinite);
        j->done += work_of(c);
    }
    if (status == QNTK_OK && !isfinite(c->error[0]))
        status = cli_message(QNTK_INVALID, "%s: the kernel of these rows is zero", j->rows.name);
    if (status == QNTK_OK)
        summarise(c);
    return status;
}

/* The line through the logarithms of all errors of the law and depth. */
static qntk_status fit(const job *j, size_t index)
{
    const size_t widths = j->plan->widths;
    const cell *c = j->cell + index * widths;
    line *l = &j->line[index];
    *l = (line){.levels = c->levels, .depth = c->depth, .scale = NAN, .rate = NAN, .rate_se = NAN};
    if (widths < 2)
        return QNTK_OK;
    double *x = qntk_alloc(2 * widths * c->seeds, sizeof *x), *y = x + widths * c->seeds;
    if (x == NULL)
        return QNTK_NO_MEMORY;
    for (size_t w = 0; w < widths; w++)
        for (size_t s = 0; s < c->seeds; s++) {
            x[w * c->seeds + s] = log((double)c[w].width);
            y[w * c->seeds + s] = log(c[w].error[s]);
        }
    const validate_line found = validate_fit(widths * c->seeds, x, y);
    l->rate = found.slope;
    l->rate_se = found.se;
    l->scale = found.constant;
    qntk_free(x);
    return QNTK_OK;
}

static const job *shown; /* for the bar */

static double fraction_done(void)
{
    return shown->done / shown->work;
}

static qntk_status allocate(job *j)
{
    const validate_plan *p = j->plan;
    const size_t n = j->rows.n, seeds = j->set->seeds;
    j->lines = p->laws * p->depths;
    j->cells = j->lines * p->widths;
    j->cell = qntk_alloc_zero(j->cells, sizeof *j->cell);
    j->line = qntk_alloc_zero(j->lines, sizeof *j->line);
    j->infinite = qntk_alloc(n * n, sizeof *j->infinite);
    j->K = qntk_alloc(n * n, sizeof *j->K);
    if (j->cell == NULL || j->line == NULL || j->infinite == NULL || j->K == NULL)
        return QNTK_NO_MEMORY;
    for (size_t k = 0; k < j->cells; k++) {
        cell *c = &j->cell[k];
        *c = (cell){.levels = p->law[k / (p->depths * p->widths)],
                    .depth = p->depth[k / p->widths % p->depths],
                    .width = p->tangent_width[k % p->widths],
                    .seeds = seeds,
                    .error = qntk_alloc_zero(seeds, sizeof *c->error)};
        if (c->error == NULL)
            return QNTK_NO_MEMORY;
        j->work += work_of(c) * (double)seeds;
    }
    return QNTK_OK;
}

static qntk_status run_cells(job *j)
{
    qntk_status status = allocate(j);
    shown = j;
    cli_progress_whole("tangent kernels", fraction_done);
    for (size_t k = 0; k < j->cells && status == QNTK_OK; k++) {
        status = run_cell(j, &j->cell[k]);
        j->complete += status == QNTK_OK;
    }
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    for (size_t k = 0; k < j->complete / j->plan->widths; k++) {
        const qntk_status fine = fit(j, k);
        status = status == QNTK_OK ? fine : status;
    }
    return status;
}

/* ---- the table ---- */

static const qntk_column columns[] = {{"weights", 0},   {"depth", 17},    {"width", 17}, {"error", 17},
                                      {"error_se", 17}, {"error_sd", 17}, {"seeds", 17}, {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1 };

static void fill(const cell *c, char law[32], qntk_cell cells[CELLS])
{
    qnn_law_name(c->levels, law);
    cells[0] = qntk_cell_text(law);
    cells[1] = qntk_cell_number((double)c->depth);
    cells[2] = qntk_cell_number((double)c->width);
    cells[3] = qntk_cell_number(c->mean);
    cells[4] = qntk_cell_number(c->se);
    cells[5] = qntk_cell_number(c->sd);
    cells[6] = qntk_cell_number((double)c->seeds);
}

/* Lines whose cells are all done, and that have two widths. */
static size_t fitted(const job *j)
{
    return j->plan->widths > 1 ? j->complete / j->plan->widths : 0;
}

static void write_tsv(qntk_file *file, const void *context)
{
    const job *j = context;
    char law[32], key[64], text[96];
    qntk_table_head(file, &j->meta);
    for (size_t k = 0; k < fitted(j); k++) {
        const line *l = &j->line[k];
        qnn_law_name(l->levels, law);
        snprintf(key, sizeof key, "rate[%s,%zu]", law, l->depth);
        snprintf(text, sizeof text, "%.17g %.17g %.17g", l->rate, l->rate_se, l->scale);
        qntk_table_note(file, key, text);
    }
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < j->complete; k++) {
        qntk_cell cells[CELLS];
        fill(&j->cell[k], law, cells);
        qntk_table_row(file, columns, cells);
    }
}

static qntk_status json_rates(cJSON *tree, const job *j)
{
    static const qntk_column rate_columns[] = {{"weights", 0},  {"depth", 17},     {"rate", 17},
                                               {"rate_se", 17}, {"log_scale", 17}, {NULL, 0}};
    cJSON *rates = NULL;
    char law[32];
    qntk_status status = qntk_json_array(tree, "rates", &rates);
    for (size_t k = 0; k < fitted(j) && status == QNTK_OK; k++) {
        const line *l = &j->line[k];
        qnn_law_name(l->levels, law);
        const qntk_cell cells[] = {qntk_cell_text(law), qntk_cell_number((double)l->depth),
                                   qntk_cell_number(l->rate), qntk_cell_number(l->rate_se),
                                   qntk_cell_number(l->scale)};
        status = qntk_json_row(rates, rate_columns, cells, NULL);
    }
    return status;
}

static qntk_status write_json(qntk_file *file, const void *context)
{
    const job *j = context;
    cJSON *tree = NULL, *layers = NULL, *tangent = NULL;
    char law[32];
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "layers", &layers); /* of the other mode */
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "tangent", &tangent);
    for (size_t k = 0; k < j->complete && status == QNTK_OK; k++) {
        qntk_cell cells[CELLS];
        fill(&j->cell[k], law, cells);
        status = qntk_json_row(tangent, columns, cells, NULL);
    }
    if (status == QNTK_OK)
        status = json_rates(tree, j);
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

/* ---- for people ---- */

static void print_verdict(FILE *stream, const job *j)
{
    size_t within = 0;
    const line *furthest = NULL;
    char law[32];
    for (size_t k = 0; k < fitted(j); k++) {
        const line *l = &j->line[k];
        within += fabs(l->rate - THEORY) <= 2 * l->rate_se;
        if (furthest == NULL || fabs(l->rate - THEORY) > fabs(furthest->rate - THEORY))
            furthest = l;
    }
    if (furthest == NULL)
        return;
    qnn_law_name(furthest->levels, law);
    fprintf(
        stream,
        "The rate is the theory's -1/2 within two standard errors in %zu of %zu; the furthest is %s at depth "
        "%zu, %.2f +- %.2f.\n",
        within, fitted(j), law, furthest->depth, furthest->rate, furthest->rate_se);
}

static void print_summary(FILE *stream, const void *context)
{
    const job *j = context;
    const size_t widths = j->plan->widths;
    char law[32], text[48];
    fprintf(stream,
            "\nrelative Frobenius error against the formula, %zu rows; mean +- sd over %zu networks\n",
            j->rows.n, j->set->seeds);
    fprintf(stream, "%-8s  %5s", "weights", "depth");
    for (size_t w = 0; w < widths; w++)
        fprintf(stream, "  %15zu", j->plan->tangent_width[w]);
    fprintf(stream, "  %s\n", widths > 1 ? "        rate +- se" : "");
    for (size_t k = 0; k < j->lines; k++) {
        const cell *c = j->cell + k * widths;
        qnn_law_name(c->levels, law);
        fprintf(stream, "%-8s  %5zu", law, c->depth);
        for (size_t w = 0; w < widths; w++) {
            snprintf(text, sizeof text, "%.4f +- %.4f", c[w].mean, c[w].sd);
            fprintf(stream, "  %15s", k * widths + w < j->complete ? text : "-");
        }
        if (k < fitted(j))
            fprintf(stream, "    %6.3f +- %.3f", j->line[k].rate, j->line[k].rate_se);
        fprintf(stream, "\n");
    }
    print_verdict(stream, j);
}

/* ---- one run ---- */

static qntk_status add_meta(job *j, const cli_program *program)
{
    qntk_status status = cli_meta(program, j->rows.name, j->rows.rows, j->rows.d, &j->meta);
    return status == QNTK_OK ? qntk_meta_count(&j->meta, "inputs", j->rows.n) : status;
}

int validate_tangent_run(const cli_program *program, const validate_settings *set, const validate_plan *plan)
{
    job j = {.set = set, .plan = plan};
    const cli_result result = {
        .script = "tangent", .tsv = write_tsv, .json = write_json, .print = print_summary, .result = &j};
    qntk_status status = validate_read(set, plan, USUAL_ROWS, &j.rows);
    if (status == QNTK_OK)
        status = add_meta(&j, program);
    if (status == QNTK_OK)
        status = run_cells(&j);
    const int code = cli_result_end(program, status, j.complete > 0, &result);
    for (size_t k = 0; k < j.cells && j.cell != NULL; k++)
        qntk_free(j.cell[k].error);
    qntk_free(j.cell);
    qntk_free(j.line);
    qntk_free(j.infinite);
    qntk_free(j.K);
    validate_rows_free(&j.rows);
    qntk_meta_free(&j.meta);
    return code;
}
