/* qnn noise: noise in each layer over widths in bits, measured beside predictions, and the law in the bits. */
#include "qnn_noise.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "cli_result.h"

/* A prediction is off where it misses the measured noise by more than this share of it, and by so many standard
 * errors of the difference. */
static const double TOLERANCE = 0.1, ERRORS = 3;

struct noise_layers {
    size_t count,
        complete; /* layers; roundings of the network that are measured, in the order of the table */
    qntk_noise_layer *layer; /* (roundings, widths, count) */
};

static size_t width_of(const noise_job *job, size_t run)
{
    return run % job->widths;
}

static qntk_rounding rounding_of(const noise_job *job, size_t run)
{
    return job->rounding[run / job->widths];
}

static const qntk_noise_layer *layer_of(const noise_job *job, size_t run, size_t l)
{
    return &job->layers->layer[run * job->layers->count + l];
}

/* Runs of rounding r that are measured. */
static size_t complete_of(const noise_job *job, size_t r)
{
    const size_t before = r * job->widths, done = job->layers->complete;
    return done < before ? 0 : done - before < job->widths ? done - before : job->widths;
}

/* ---- measuring ---- */

static const noise_job *shown; /* for the bar */

static double fraction_done(void)
{
    return (double)shown->layers->complete / (double)(shown->roundings * shown->widths);
}

static qntk_status run(noise_job *job)
{
    const qntk_network *network = &job->c->network;
    const size_t runs = job->roundings * job->widths;
    job->layers = qntk_alloc_zero(1, sizeof *job->layers);
    if (job->layers == NULL)
        return QNTK_NO_MEMORY;
    job->layers->count = network->count;
    job->layers->layer = qntk_alloc_zero(runs * network->count, sizeof *job->layers->layer);
    if (job->layers->layer == NULL)
        return QNTK_NO_MEMORY;
    qntk_noise_options options = qntk_noise_defaults();
    options.draws = job->set->draws;
    options.seed = job->set->common.seed;
    qntk_status status = QNTK_OK;
    shown = job;
    cli_progress_whole("rounding", fraction_done);
    for (size_t k = 0; k < runs && status == QNTK_OK; k++) {
        status = qntk_noise_measure(network, noise_levels(job, width_of(job, k)), rounding_of(job, k), job->n,
                                    job->X, options, job->layers->layer + k * network->count);
        job->layers->complete += status == QNTK_OK;
    }
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    return status;
}

static void release(noise_job *job)
{
    if (job->layers != NULL)
        qntk_free(job->layers->layer);
    qntk_free(job->layers);
    job->layers = NULL;
}

bool noise_layers_any(const noise_job *job)
{
    return job->layers != NULL && job->layers->complete > 0;
}

/* The law of layer l's measured noise under rounding r. */
static qntk_noise_law law_of(const noise_job *job, size_t r, size_t l)
{
    double noise[NOISE_BITS_MAX];
    const size_t count = complete_of(job, r);
    for (size_t k = 0; k < count; k++)
        noise[k] = layer_of(job, r * job->widths + k, l)->noise;
    return qntk_noise_fit(count, job->levels, noise);
}

/* ---- the table ---- */

static const qntk_column columns[] = {{"bits", 4},
                                      {"rounding", 0},
                                      {"layer", 17},
                                      {"noise", 17},
                                      {"noise_se", 17},
                                      {"moments", 17},
                                      {"first_order", 17},
                                      {"first_order_se", 17},
                                      {"first_order_uniform", 17},
                                      {"signal", 17},
                                      {"snr", 17},
                                      {"shift", 17},
                                      {"shift_moments", 17},
                                      {"weight_noise", 17},
                                      {"weight_noise_predicted", 17},
                                      {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1 };

static void fill(const noise_job *job, size_t run, size_t l, qntk_cell cells[CELLS])
{
    const qntk_noise_layer *layer = layer_of(job, run, l);
    const qntk_cell filled[CELLS] = {qntk_cell_number(noise_bits(job->levels[width_of(job, run)])),
                                     qntk_cell_text(noise_rounding_name(rounding_of(job, run))),
                                     qntk_cell_number((double)(l + 1)),
                                     qntk_cell_number(layer->noise),
                                     qntk_cell_number(layer->noise_se),
                                     qntk_cell_number(layer->moments),
                                     qntk_cell_number(layer->first_order),
                                     qntk_cell_number(layer->first_order_se),
                                     qntk_cell_number(layer->first_order_uniform),
                                     qntk_cell_number(layer->signal),
                                     qntk_cell_number(layer->snr),
                                     qntk_cell_number(layer->shift),
                                     qntk_cell_number(layer->shift_moments),
                                     qntk_cell_number(layer->weight),
                                     qntk_cell_number(layer->weight_predicted)};
    memcpy(cells, filled, sizeof filled);
}

void noise_layers_table(qntk_file *file, const noise_job *job)
{
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < job->layers->complete; k++)
        for (size_t l = 0; l < job->layers->count; l++) {
            qntk_cell cells[CELLS];
            fill(job, k, l, cells);
            qntk_table_row(file, columns, cells);
        }
}

/* "law[stochastic,3]=FACTOR SE EXPONENT SE" */
static void notes(qntk_file *file, const noise_job *job)
{
    char key[64], text[128];
    for (size_t r = 0; r < job->roundings; r++)
        for (size_t l = 0; l < job->layers->count; l++) {
            const qntk_noise_law law = law_of(job, r, l);
            if (law.points < 2)
                continue;
            snprintf(key, sizeof key, "law[%s,%zu]", noise_rounding_name(job->rounding[r]), l + 1);
            snprintf(text, sizeof text, "%.17g %.17g %.17g %.17g", law.factor_per_bit, law.factor_se,
                     law.step_exponent, law.step_exponent_se);
            qntk_table_note(file, key, text);
        }
}

/* `law`: of the output, under the first rounding measured; `laws`: of all layers under both. */
static qntk_status json_laws(cJSON *tree, const noise_job *job)
{
    static const qntk_column law_columns[] = {{"rounding", 0},        {"layer", 17},
                                              {"factor_per_bit", 17}, {"se", 17},
                                              {"step_exponent", 17},  {"step_exponent_se", 17},
                                              {"points", 17},         {NULL, 0}};
    cJSON *law_object = NULL, *laws = NULL;
    qntk_status status = qntk_json_object(tree, "law", &law_object);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "laws", &laws);
    for (size_t r = 0; r < job->roundings; r++)
        for (size_t l = 0; l < job->layers->count && status == QNTK_OK; l++) {
            const qntk_noise_law law = law_of(job, r, l);
            const qntk_cell cells[] = {qntk_cell_text(noise_rounding_name(job->rounding[r])),
                                       qntk_cell_number((double)(l + 1)),
                                       qntk_cell_number(law.factor_per_bit),
                                       qntk_cell_number(law.factor_se),
                                       qntk_cell_number(law.step_exponent),
                                       qntk_cell_number(law.step_exponent_se),
                                       qntk_cell_number((double)law.points)};
            if (r == 0 && l + 1 == job->layers->count)
                status = qntk_json_cells(law_object, law_columns, cells);
            if (status == QNTK_OK)
                status = qntk_json_row(laws, law_columns, cells, NULL);
        }
    return status;
}

static qntk_status json(cJSON *tree, const noise_job *job)
{
    cJSON *layers = NULL;
    qntk_status status = qntk_json_array(tree, "layers", &layers);
    for (size_t k = 0; k < job->layers->complete; k++)
        for (size_t l = 0; l < job->layers->count && status == QNTK_OK; l++) {
            qntk_cell cells[CELLS];
            fill(job, k, l, cells);
            status = qntk_json_row(layers, columns, cells, NULL);
        }
    return status == QNTK_OK ? json_laws(tree, job) : status;
}

/* ---- for people ---- */

static double relative(double predicted, double measured)
{
    return predicted / measured - 1;
}

static bool is_off(const qntk_noise_layer *layer, double predicted, double se)
{
    const double off = fabs(predicted - layer->noise),
                 both = hypot(isnan(layer->noise_se) ? 0 : layer->noise_se, se);
    return off > TOLERANCE * layer->noise && off > ERRORS * both;
}

/* "+12 %"; above a factor of ten "x 13" */
static void percent(double predicted, double measured, char text[16])
{
    const double off = relative(predicted, measured);
    if (!isfinite(off))
        snprintf(text, 16, "-");
    else if (off >= 9.995)
        snprintf(text, 16, "x %.3g", off + 1);
    else
        snprintf(text, 16, "%+.1f %%", 100 * off);
}

static void print_rounding(FILE *stream, const noise_job *job, size_t r)
{
    const bool draws = job->rounding[r] == QNTK_ROUNDING_STOCHASTIC;
    if (complete_of(job, r) == 0)
        return;
    if (draws)
        fprintf(stream, "\nstochastic rounding: variance over %zu draws, mean over neurons and %zu rows\n",
                job->set->draws, job->n);
    else
        fprintf(stream, "\nrounding to nearest: mean square distance over neurons and %zu rows\n", job->n);
    fprintf(stream, "%5s  %6s  %11s  %10s  %8s  %10s  %8s  %10s  %8s  %9s\n", "bits", "layer", "of weights",
            "noise", "+-", "moments", "off", "1st order", "off", "SNR");
    for (size_t k = 0; k < complete_of(job, r); k++)
        for (size_t l = 0; l < job->layers->count; l++) {
            const qntk_noise_layer *layer = layer_of(job, r * job->widths + k, l);
            char name[32], weight[32] = "-", by_moments[16], by_first[16];
            snprintf(name, sizeof name, l + 1 < job->layers->count ? "%zu" : "output", l + 1);
            if (layer->weight_predicted > 0)
                snprintf(weight, sizeof weight, "%.3g", layer->weight);
            percent(layer->moments, layer->noise, by_moments);
            percent(layer->first_order, layer->noise, by_first);
            fprintf(stream, "%5g  %6s  %11s  %10.4g  %8.2g  %10.4g  %8s  %10.4g  %8s  %9.3g\n",
                    noise_bits(job->levels[k]), name, weight, layer->noise, layer->noise_se, layer->moments,
                    by_moments, layer->first_order, by_first, layer->snr);
        }
}

/* The layer that a prediction misses furthest in a run; NULL: none. */
static const qntk_noise_layer *worst_layer(const noise_job *job, size_t run, bool moments)
{
    const qntk_noise_layer *worst = NULL;
    double worst_off = 0;
    for (size_t l = 0; l < job->layers->count; l++) {
        const qntk_noise_layer *layer = layer_of(job, run, l);
        const double predicted = moments ? layer->moments : layer->first_order;
        const double off = fabs(log(predicted / layer->noise));
        if (!is_off(layer, predicted, moments ? 0 : layer->first_order_se) || !(off > worst_off))
            continue;
        worst_off = off;
        worst = layer;
    }
    return worst;
}

/* Where a prediction is off: "First order misses the noise of a layer at bits 1 (-82 %), 1.58 (+30 %)." */
static void print_verdict(FILE *stream, const noise_job *job, size_t r, bool moments)
{
    const char *name = moments ? "Moment propagation" : "First order";
    size_t off = 0;
    for (size_t k = 0; k < complete_of(job, r); k++) {
        const qntk_noise_layer *worst = worst_layer(job, r * job->widths + k, moments);
        char text[16];
        if (worst == NULL)
            continue;
        percent(moments ? worst->moments : worst->first_order, worst->noise, text);
        if (off++ == 0)
            fprintf(stream, "%s misses the noise of a layer at bits", name);
        fprintf(stream, "%s %g (%s)", off == 1 ? "" : ",", noise_bits(job->levels[k]), text);
    }
    if (off == 0)
        fprintf(stream, "%s is within 10 %% or 3 standard errors of the noise of every layer.\n", name);
    else
        fprintf(stream, ".\n");
}

static void print_law(FILE *stream, const noise_job *job, size_t r)
{
    const qntk_noise_law law = law_of(job, r, job->layers->count - 1);
    if (law.points < 3)
        return;
    fprintf(stream,
            "Each bit from 2 on divides the output's noise by %.2f +- %.2f (theory 4); noise ~ "
            "step^(%.3f +- %.3f) (theory 2).\n",
            law.factor_per_bit, law.factor_se, law.step_exponent, law.step_exponent_se);
}

static void print(FILE *stream, const noise_job *job)
{
    for (size_t r = 0; r < job->roundings; r++) {
        print_rounding(stream, job, r);
        if (complete_of(job, r) == 0)
            continue;
        print_verdict(stream, job, r, true);
        print_verdict(stream, job, r, false);
        print_law(stream, job, r);
    }
}

const noise_section noise_layers_section = {
    .run = run, .notes = notes, .json = json, .print = print, .free = release};
