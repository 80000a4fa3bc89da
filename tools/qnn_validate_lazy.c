/* qnn validate --lazy: gradient descent of wide quasi networks against kernel descent with their own tangent kernel.
 *
 * f is the quasi network with all its latent weights and biases theta, L = 1/(2n) sum_i (f_i - y_i)^2 over n rows,
 * and a step is theta <- theta - rate grad L, then latent weights back into [-1,1]. While the tangent kernel K of the
 * start stays what it is, with its eigenvalues lambda and eigenvectors v, the residual r = f - y goes as
 *     step by step    r_k  = sum_j (1 - rate lambda_j/n)^k <v_j, r_0> v_j
 *     flow            r(t) = sum_j exp(-t lambda_j/n) <v_j, r_0> v_j,    t = k rate
 * rate = SHARE n / lambda_1, so that time counts in units of the fastest mode. */
#include "cli_result.h"
#include "qnn_validate.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

enum {
    USUAL_ROWS = 20,
    RECORDS = 20 /* rows of the table for each network, beside the start */
};
static const double SHARE = 0.1;

typedef struct {
    double step, time, loss, kernel_loss, flow_loss, distance, kernel_change, weights_change;
} record;

/* One network. */
typedef struct {
    size_t levels, depth, width, records;
    record record[RECORDS + 1];
} run;

typedef struct {
    const validate_settings *set;
    const validate_plan *plan;
    validate_rows rows;
    double *y; /* (n) */
    size_t runs, complete;
    run *run; /* (laws, depths, widths) */
    double work, done;
    qntk_meta meta;
} job;

/* A network in training: its parameters in one array, which the layers point into. */
typedef struct {
    size_t n, count, parameters;
    qntk_moments_weights layers[QNN_HIDDEN_MAX + 1];
    double *X;             /* (n,width) embedded rows */
    double *theta, *start; /* (parameters), in the order of qntk_tangent_gradient */
    double *gradient;      /* (parameters) */
    double *f, *residual;  /* (n) */
    double *K, *K_start;   /* (n,n) */
    double *coefficient;   /* (n) <v_j, r_0> */
    double rate;
    qntk_spectrum spectrum;
} descent;

static void release(descent *d)
{
    qntk_free(d->X);
    qntk_free(d->theta);
    qntk_free(d->start);
    qntk_free(d->gradient);
    qntk_free(d->f);
    qntk_free(d->residual);
    qntk_free(d->K);
    qntk_free(d->K_start);
    qntk_free(d->coefficient);
    qntk_spectrum_free(&d->spectrum);
    *d = (descent){0};
}

/* ---- the start ---- */

/* The weights of the network into theta; its layers are those of d, pointing there. */
static qntk_status take_weights(descent *d, const qntk_moments_weights *layers, size_t count)
{
    d->count = count;
    for (size_t l = 0; l < count; l++) {
        d->layers[l] = layers[l];
        if (layers[l].b_std == 0)
            d->layers[l].bias = NULL; /* no part of the network */
    }
    d->parameters = qntk_tangent_parameters(d->layers, count);
    d->theta = qntk_alloc(d->parameters, sizeof *d->theta);
    d->start = qntk_alloc(d->parameters, sizeof *d->start);
    d->gradient = qntk_alloc(d->parameters, sizeof *d->gradient);
    if (d->theta == NULL || d->start == NULL || d->gradient == NULL)
        return QNTK_NO_MEMORY;
    double *at = d->theta;
    for (size_t l = 0; l < count; l++) {
        const size_t weights = layers[l].fan_in * layers[l].fan_out;
        d->layers[l].latent = at;
        memcpy(at, layers[l].latent, weights * sizeof *at);
        at += weights;
        if (d->layers[l].bias != NULL) {
            d->layers[l].bias = at;
            memcpy(at, layers[l].bias, layers[l].fan_out * sizeof *at);
            at += layers[l].fan_out;
        }
    }
    memcpy(d->start, d->theta, d->parameters * sizeof *d->start);
    return QNTK_OK;
}

static qntk_status create_network(const job *j, const run *r, uint64_t seed, descent *d)
{
    size_t sizes[QNN_HIDDEN_MAX + 2], levels[QNN_HIDDEN_MAX + 1];
    const size_t count = validate_tangent_shape(j->set, r->levels, r->depth, r->width, sizes, levels);
    qntk_moments_weights layers[QNN_HIDDEN_MAX + 1] = {0};
    qntk_network network = {0};
    qntk_status status = qntk_network_create(count, sizes, levels, j->set->network.b_std, seed, &network);
    if (status == QNTK_OK) {
        status = qntk_network_moments(&network, QNTK_ROUNDING_STOCHASTIC, layers);
        if (status == QNTK_OK)
            status = take_weights(d, layers, count);
        qntk_network_moments_free(&network, layers);
    }
    qntk_network_free(&network);
    return status;
}

static qntk_status update_residual(const job *j, descent *d)
{
    qntk_status status = qntk_moments_propagate(d->layers, d->count, d->n, d->X, d->f, NULL);
    for (size_t i = 0; i < d->n; i++)
        d->residual[i] = d->f[i] - j->y[i];
    return status;
}

/* Kernel, eigenvalues and the coefficients of the residual at the start. */
static qntk_status decompose(descent *d)
{
    qntk_spectrum_options options = qntk_spectrum_defaults();
    options.vectors = true;
    qntk_status status =
        qntk_tangent_kernel(d->layers, d->count, d->n, d->X, qntk_tangent_defaults(), d->K_start);
    if (status == QNTK_OK)
        status = qntk_spectrum_compute(d->n, d->K_start, options, &d->spectrum);
    if (status == QNTK_OK && !(d->spectrum.eval[0] > 0))
        status = cli_message(QNTK_INVALID, "the kernel of these rows is zero");
    if (status != QNTK_OK)
        return status;
    d->rate = SHARE * (double)d->n / d->spectrum.eval[0];
    for (size_t k = 0; k < d->n; k++) {
        d->coefficient[k] = 0;
        for (size_t i = 0; i < d->n; i++)
            d->coefficient[k] += d->spectrum.evec[i * d->n + k] * d->residual[i];
    }
    return QNTK_OK;
}

static qntk_status create(const job *j, const run *r, descent *d)
{
    const size_t n = j->rows.n;
    const size_t index = (size_t)(r - j->run);
    qntk_rng rng = qntk_rng_create(j->set->common.seed, (UINT64_C(0x6c617a79) << 32) + index); /* "lazy" */
    const uint64_t seed = qntk_rng_bits(&rng), embedding = qntk_rng_bits(&rng);
    *d = (descent){.n = n,
                   .X = qntk_alloc(n, r->width * sizeof *d->X),
                   .f = qntk_alloc(n, sizeof *d->f),
                   .residual = qntk_alloc(n, sizeof *d->residual),
                   .K = qntk_alloc(n * n, sizeof *d->K),
                   .K_start = qntk_alloc(n * n, sizeof *d->K_start),
                   .coefficient = qntk_alloc(n, sizeof *d->coefficient)};
    if (d->X == NULL || d->f == NULL || d->residual == NULL || d->K == NULL || d->K_start == NULL ||
        d->coefficient == NULL)
        return QNTK_NO_MEMORY;
    qntk_status status = validate_embed(&j->rows, r->width, embedding, d->X);
    if (status == QNTK_OK)
        status = create_network(j, r, seed, d);
    if (status == QNTK_OK)
        status = update_residual(j, d);
    return status == QNTK_OK ? decompose(d) : status;
}

/* ---- steps ---- */

/* Latent weights of rounded layers back into [-1,1]. */
static void clip(descent *d)
{
    for (size_t l = 0; l < d->count; l++) {
        double *latent = d->theta + (d->layers[l].latent - d->theta);
        for (size_t k = 0; k < d->layers[l].fan_in * d->layers[l].fan_out && d->layers[l].levels > 0; k++)
            latent[k] = fmin(fmax(latent[k], -1), 1);
    }
}

static qntk_status take_step(const job *j, descent *d)
{
    for (size_t i = 0; i < d->n; i++)
        d->f[i] = d->residual[i] / (double)d->n; /* dL/df */
    qntk_status status = qntk_tangent_gradient_sum(d->layers, d->count, d->n, d->X, d->f, d->gradient);
    if (status != QNTK_OK)
        return status;
    for (size_t k = 0; k < d->parameters; k++)
        d->theta[k] -= d->rate * d->gradient[k];
    clip(d);
    return update_residual(j, d);
}

/* Residuals with the kernel of the start: by steps, and by the flow. */
static void kernel_residuals(const descent *d, double step, double *by_steps, double *flow)
{
    for (size_t i = 0; i < d->n; i++)
        by_steps[i] = flow[i] = 0;
    for (size_t k = 0; k < d->n; k++) {
        const double decay = d->rate * d->spectrum.eval[k] / (double)d->n;
        const double a = d->coefficient[k] * pow(1 - decay, step), b = d->coefficient[k] * exp(-decay * step);
        for (size_t i = 0; i < d->n; i++) {
            by_steps[i] += a * d->spectrum.evec[i * d->n + k];
            flow[i] += b * d->spectrum.evec[i * d->n + k];
        }
    }
}

static double square_sum(size_t count, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sum;
}

static qntk_status measure(const descent *d, size_t step, record *r)
{
    const double n = (double)d->n;
    double *by_steps = qntk_alloc(2 * d->n, sizeof *by_steps), *flow = NULL;
    qntk_status status = by_steps == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK)
        status = qntk_tangent_kernel(d->layers, d->count, d->n, d->X, qntk_tangent_defaults(), d->K);
    if (status == QNTK_OK) {
        double off = 0;
        flow = by_steps + d->n;
        kernel_residuals(d, (double)step, by_steps, flow);
        for (size_t i = 0; i < d->n; i++)
            off += (d->residual[i] - by_steps[i]) * (d->residual[i] - by_steps[i]);
        *r = (record){.step = (double)step,
                      .time = SHARE * (double)step,
                      .loss = square_sum(d->n, d->residual) / (2 * n),
                      .kernel_loss = square_sum(d->n, by_steps) / (2 * n),
                      .flow_loss = square_sum(d->n, flow) / (2 * n),
                      .distance = sqrt(off / square_sum(d->n, d->coefficient)),
                      .kernel_change = qntk_tangent_distance(d->n * d->n, d->K, d->K_start),
                      .weights_change = qntk_tangent_distance(d->parameters, d->theta, d->start)};
    }
    qntk_free(by_steps);
    return status;
}

/* ---- all networks ---- */

static double work_of(const run *r)
{
    return (double)r->depth * (double)r->width * (double)r->width;
}

static qntk_status descend(job *j, run *r)
{
    const size_t steps = j->set->steps;
    descent d;
    qntk_status status = create(j, r, &d);
    if (status == QNTK_OK)
        status = measure(&d, 0, &r->record[r->records++]);
    for (size_t step = 1; step <= steps && status == QNTK_OK; step++) {
        status = take_step(j, &d);
        j->done += work_of(r) / (double)steps;
        if (status == QNTK_OK && step * RECORDS / steps > (step - 1) * RECORDS / steps)
            status = measure(&d, step, &r->record[r->records++]);
    }
    release(&d);
    return status;
}

static const job *shown; /* for the bar */

static double fraction_done(void)
{
    return shown->done / shown->work;
}

static qntk_status descend_all(job *j)
{
    const validate_plan *p = j->plan;
    qntk_status status = QNTK_OK;
    j->runs = p->laws * p->depths * p->widths;
    j->run = qntk_alloc_zero(j->runs, sizeof *j->run);
    if (j->run == NULL)
        return QNTK_NO_MEMORY;
    for (size_t k = 0; k < j->runs; k++) {
        j->run[k].levels = p->law[k / (p->depths * p->widths)];
        j->run[k].depth = p->depth[k / p->widths % p->depths];
        j->run[k].width = p->tangent_width[k % p->widths];
        j->work += work_of(&j->run[k]);
    }
    shown = j;
    cli_progress_whole("gradient descent", fraction_done);
    for (size_t k = 0; k < j->runs && status == QNTK_OK; k++) {
        status = descend(j, &j->run[k]);
        j->complete += status == QNTK_OK;
    }
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    return status;
}

/* ---- the table ---- */

static const qntk_column columns[] = {{"weights", 0},        {"depth", 17},          {"width", 17},
                                      {"step", 17},          {"time", 17},           {"loss", 17},
                                      {"loss_kernel", 17},   {"loss_flow", 17},      {"distance", 17},
                                      {"kernel_change", 17}, {"weights_change", 17}, {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1 };

static void fill(const run *network, size_t k, char law[32], qntk_cell cells[CELLS])
{
    const record *r = &network->record[k];
    const double numbers[] = {
        (double)network->depth, (double)network->width, r->step,     r->time,          r->loss,
        r->kernel_loss,         r->flow_loss,           r->distance, r->kernel_change, r->weights_change};
    qnn_law_name(network->levels, law);
    cells[0] = qntk_cell_text(law);
    for (size_t c = 1; c < CELLS; c++)
        cells[c] = qntk_cell_number(numbers[c - 1]);
}

static void write_tsv(qntk_file *file, const void *context)
{
    const job *j = context;
    char law[32];
    qntk_table_head(file, &j->meta);
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < j->complete; k++)
        for (size_t i = 0; i < j->run[k].records; i++) {
            qntk_cell cells[CELLS];
            fill(&j->run[k], i, law, cells);
            qntk_table_row(file, columns, cells);
        }
}

static qntk_status write_json(qntk_file *file, const void *context)
{
    const job *j = context;
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
        for (size_t i = 0; i < j->run[k].records && status == QNTK_OK; i++) {
            qntk_cell cells[CELLS];
            fill(&j->run[k], i, law, cells);
            status = qntk_json_row(lazy, columns, cells, NULL);
        }
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

static void print_summary(FILE *stream, const job *j)
{
    char law[32];
    fprintf(stream,
            "\n%zu steps of gradient descent on %zu rows, until time %g of the fastest mode; at the "
            "end\n%-8s  %5s  "
            "%6s  %10s  %10s  %10s  %9s  %9s  %9s\n",
            j->set->steps, j->rows.n, SHARE * (double)j->set->steps, "weights", "depth", "width",
            "loss before", "loss", "by kernel", "distance", "kernel", "weights");
    for (size_t k = 0; k < j->complete; k++) {
        const run *r = &j->run[k];
        const record *end = &r->record[r->records - 1];
        qnn_law_name(r->levels, law);
        fprintf(stream, "%-8s  %5zu  %6zu  %11.4g  %10.4g  %10.4g  %9.4f  %9.4f  %9.4f\n", law, r->depth,
                r->width, r->record[0].loss, end->loss, end->kernel_loss, end->distance, end->kernel_change,
                end->weights_change);
    }
    fprintf(stream,
            "distance: of the outputs from those of descent with the kernel of the start, relative to the "
            "first residual;\nkernel, weights: how far they have moved, relative to their norm. All three "
            "go to 0 in a lazy network.\n");
}

/* ---- one run ---- */

/* Targets of the chosen rows, numbers of classes too, to mean 0 and deviation 1. */
static qntk_status standardise(job *j)
{
    const size_t n = j->rows.n;
    double mean = 0, square = 0;
    if (j->rows.y == NULL)
        return cli_message(QNTK_INVALID, "%s: --lazy trains: expected a target, found none", j->rows.name);
    j->y = qntk_alloc(n, sizeof *j->y);
    if (j->y == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        mean += j->rows.y[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (j->rows.y[i] - mean) * (j->rows.y[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        j->y[i] = square > 0 ? (j->rows.y[i] - mean) / sqrt(square) : 0;
    return QNTK_OK;
}

int validate_lazy_run(const cli_program *program, const validate_settings *set, const validate_plan *plan)
{
    job j = {.set = set, .plan = plan};
    const cli_result result = {.script = "lazy", .tsv = write_tsv, .json = write_json, .result = &j};
    qntk_status status = validate_read(set, plan, USUAL_ROWS, &j.rows);
    if (status == QNTK_OK)
        status = standardise(&j);
    if (status == QNTK_OK)
        status = cli_meta(program, j.rows.name, j.rows.rows, j.rows.d, &j.meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j.meta, "inputs", j.rows.n);
    if (status == QNTK_OK)
        status = descend_all(&j);
    int code = status == QNTK_OK ? 0 : cli_fail(program, status);
    if (j.complete > 0) { /* what is complete is kept */
        qntk_interrupt_clear();
        if (!set->common.quiet)
            print_summary(stderr, &j);
        status = cli_result_write(&set->common, &result);
        code = status == QNTK_OK ? code : cli_fail(program, status);
    }
    qntk_free(j.y);
    qntk_free(j.run);
    validate_rows_free(&j.rows);
    qntk_meta_free(&j.meta);
    return code;
}
