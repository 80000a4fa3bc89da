/* qnn noise: the sharpness of a trained classifier, as it is and rounded to each width in bits. */
#include "qnn_noise.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "cli_result.h"

struct noise_sharpness {
    size_t complete;        /* roundings that are measured */
    double *y;              /* (n) classes of the chosen rows */
    qntk_sharpness model;   /* as it was trained */
    qntk_sharpness *widths; /* (roundings, widths), with --sharpness widths */
};

/* ---- measuring ---- */

static const noise_job *shown; /* for the bar */

static size_t runs_of(const noise_job *job)
{
    return job->set->sharpness == NOISE_SHARPNESS_WIDTHS ? job->roundings * job->widths : 0;
}

static double fraction_done(void)
{
    return (double)shown->sharpness->complete / (double)(1 + runs_of(shown));
}

static qntk_status measure(const noise_job *job, const qntk_network *network, const qntk_network *start,
                           qntk_rounding rounding, qntk_sharpness *out)
{
    qntk_sharpness_options options = qntk_sharpness_defaults();
    options.seed = job->set->common.seed;
    options.loss = noise_loss(job);
    return qntk_sharpness_of(network, start, rounding, job->n, job->X, job->sharpness->y, job->c->classes,
                             options, out);
}

/* Layer l of the model, rounded, and of its start in the same units: as they were if the layer is not rounded, otherwise
 * those of the grid, which ends at the model's largest latent weight where that was real. */
static void match_units(const noise_job *job, const qntk_network *start, size_t l, qntk_network *rounded,
                        qntk_network *begun)
{
    const qntk_network_layer *model = &job->c->network.layers[l];
    qntk_network_layer *layer = &rounded->layers[l];
    const size_t weights = layer->fan_in * layer->fan_out;
    const double unit = layer->levels > 0 ? layer->w_std / model->w_std : 1;
    if (layer->levels == 0) {
        memcpy(layer->latent, model->latent, weights * sizeof *layer->latent);
        layer->w_std = model->w_std;
    }
    for (size_t k = 0; k < weights; k++)
        begun->layers[l].latent[k] = (float)((double)start->layers[l].latent[k] / unit);
}

static qntk_status measure_rounded(const noise_job *job, const qntk_network *start, size_t run)
{
    const size_t *levels = noise_levels(job, run % job->widths);
    qntk_network rounded = {0}, begun = {0};
    qntk_status status = qntk_network_requantize(&job->c->network, levels, &rounded);
    if (status == QNTK_OK)
        status = qntk_network_requantize(start, levels, &begun);
    for (size_t l = 0; l < rounded.count && status == QNTK_OK; l++)
        match_units(job, start, l, &rounded, &begun);
    if (status == QNTK_OK)
        status =
            measure(job, &rounded, &begun, job->rounding[run / job->widths], &job->sharpness->widths[run]);
    qntk_network_free(&rounded);
    qntk_network_free(&begun);
    return status;
}

static qntk_status prepare(noise_job *job)
{
    job->sharpness = qntk_alloc_zero(1, sizeof *job->sharpness);
    if (job->sharpness == NULL)
        return QNTK_NO_MEMORY;
    job->sharpness->y = qntk_alloc(job->n, sizeof *job->sharpness->y);
    job->sharpness->widths = qntk_alloc_zero(runs_of(job) + 1, sizeof *job->sharpness->widths);
    if (job->sharpness->y == NULL || job->sharpness->widths == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < job->n; i++)
        job->sharpness->y[i] = job->rows.y[job->row[i]];
    return QNTK_OK;
}

static qntk_status run(noise_job *job)
{
    const qntk_checkpoint *c = job->c;
    qntk_network start = {0};
    if (c->trainer == NULL || c->classes == 0 || job->rows.y == NULL || job->n < 2)
        return QNTK_OK; /* no training, or no accuracy */
    qntk_status status = prepare(job);
    if (status == QNTK_OK)
        status = qnn_restart(c, &start);
    shown = job;
    cli_progress_whole("sharpness", fraction_done);
    for (size_t k = 0; k <= runs_of(job) && status == QNTK_OK; k++) {
        status = k == 0 ? measure(job, &c->network, &start, qntk_trainer_options(c->trainer)->rounding,
                                  &job->sharpness->model)
                        : measure_rounded(job, &start, k - 1);
        job->sharpness->complete += status == QNTK_OK;
    }
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    qntk_network_free(&start);
    return status;
}

static void release(noise_job *job)
{
    if (job->sharpness != NULL) {
        qntk_free(job->sharpness->y);
        qntk_free(job->sharpness->widths);
    }
    qntk_free(job->sharpness);
    job->sharpness = NULL;
}

static size_t complete_of(const noise_job *job)
{
    return job->sharpness != NULL ? job->sharpness->complete : 0;
}

/* ---- files ---- */

/* A number of the result and what people call it. */
typedef struct {
    const char *name;
    double value, se; /* se NaN: none */
} figure;

enum { FIGURES = 7 + QNTK_SHARPNESS_MEASURES };

static void figures_of(const qntk_sharpness *s, figure figures[FIGURES])
{
    const figure first[] = {{"accuracy", s->accuracy, NAN},
                            {"sigma", s->sigma, s->sigma_se},
                            {"magnitude_sigma", s->magnitude_sigma, s->magnitude_sigma_se}};
    const figure last[] = {{"rho", s->rho, NAN},
                           {"worst_error", s->worst_error, NAN},
                           {"complexity", s->complexity, NAN},
                           {"bound", s->bound, NAN}};
    memcpy(figures, first, sizeof first);
    for (size_t i = 0; i < QNTK_SHARPNESS_MEASURES; i++)
        figures[3 + i] = (figure){qntk_sharpness_name((qntk_sharpness_measure)i), s->measure[i], s->se[i]};
    memcpy(figures + 3 + QNTK_SHARPNESS_MEASURES, last, sizeof last);
}

static bool has_error(size_t i)
{
    return i >= 1 && i < 3 + QNTK_SHARPNESS_MEASURES;
}

/* Members of a JSON object. */
static qntk_status json_figures(cJSON *object, const qntk_sharpness *s)
{
    static const qntk_column counts[] = {{"found", 17}, {"magnitude_found", 17}, {NULL, 0}};
    const qntk_cell found[] = {qntk_cell_number((double)s->found),
                               qntk_cell_number((double)s->magnitude_found)};
    figure figures[FIGURES];
    figures_of(s, figures);
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < FIGURES && status == QNTK_OK; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_se", figures[i].name);
        const qntk_column both[] = {{figures[i].name, 17}, {has_error(i) ? name : NULL, 17}, {NULL, 0}};
        const qntk_cell cells[] = {qntk_cell_number(figures[i].value), qntk_cell_number(figures[i].se)};
        status = qntk_json_cells(object, both, cells);
    }
    return status == QNTK_OK ? qntk_json_cells(object, counts, found) : status;
}

static qntk_status json(cJSON *tree, const noise_job *job)
{
    static const qntk_column columns[] = {{"bits", 4}, {"rounding", 0}, {NULL, 0}};
    cJSON *object = NULL, *widths = NULL;
    if (complete_of(job) == 0)
        return QNTK_OK;
    qntk_status status = qntk_json_object(tree, "sharpness", &object);
    if (status == QNTK_OK)
        status = json_figures(object, &job->sharpness->model);
    if (status == QNTK_OK && runs_of(job) > 0)
        status = qntk_json_array(tree, "sharpness_widths", &widths);
    for (size_t k = 0; k + 1 < complete_of(job) && status == QNTK_OK; k++) {
        const qntk_cell cells[] = {qntk_cell_number(noise_bits(job->levels[k % job->widths])),
                                   qntk_cell_text(noise_rounding_name(job->rounding[k / job->widths]))};
        status = qntk_json_row(widths, columns, cells, &object);
        if (status == QNTK_OK)
            status = json_figures(object, &job->sharpness->widths[k]);
    }
    return status;
}

/* "sharpness[sigma]=VALUE,SE", or "sharpness[2,nearest,sigma]=.." behind `which` */
static void note_figures(qntk_file *file, const char *which, const qntk_sharpness *s)
{
    figure figures[FIGURES];
    figures_of(s, figures);
    for (size_t i = 0; i < FIGURES; i++)
        if (!isnan(figures[i].value)) {
            const double both[] = {figures[i].value, figures[i].se};
            char key[96];
            snprintf(key, sizeof key, "%s%s", which, figures[i].name);
            cli_note_list(file, "sharpness", key, has_error(i) ? 2 : 1, both);
        }
}

static void notes(qntk_file *file, const noise_job *job)
{
    if (complete_of(job) > 0)
        note_figures(file, "", &job->sharpness->model);
    for (size_t k = 0; k + 1 < complete_of(job); k++) {
        char which[64];
        snprintf(which, sizeof which, "%.4g,%s,", noise_bits(job->levels[k % job->widths]),
                 noise_rounding_name(job->rounding[k / job->widths]));
        note_figures(file, which, &job->sharpness->widths[k]);
    }
}

/* ---- for people ---- */

static void print_widths(FILE *stream, const noise_job *job)
{
    for (size_t k = 0; k + 1 < complete_of(job); k++) {
        const qntk_sharpness *s = &job->sharpness->widths[k];
        if (k % job->widths == 0) {
            fprintf(stream, "\nsharpness of the rounded model, %s\n",
                    job->rounding[k / job->widths] == QNTK_ROUNDING_NEAREST
                        ? "to nearest"
                        : "the mean of stochastic rounding");
            fprintf(stream, "%5s  %8s  %8s  %7s  %8s  %7s  %11s  %10s  %10s  %10s\n", "bits", "accuracy",
                    "sigma", "+-", "sigma'", "+-", "norm_origin", "norm_init", "magnitude", "bound");
        }
        fprintf(stream, "%5g  %8.4f  %8.4g  %7.2g  %8.4g  %7.2g  %11.4g  %10.4g  %10.4g  %10.4g\n",
                noise_bits(job->levels[k % job->widths]), s->accuracy, s->sigma, s->sigma_se,
                s->magnitude_sigma, s->magnitude_sigma_se, s->measure[QNTK_SHARPNESS_NORM_ORIGIN],
                s->measure[QNTK_SHARPNESS_NORM_INIT], s->measure[QNTK_SHARPNESS_MAGNITUDE], s->bound);
    }
}

static void print(FILE *stream, const noise_job *job)
{
    if (complete_of(job) == 0)
        return;
    const qntk_sharpness *s = &job->sharpness->model;
    const size_t repeats = qntk_sharpness_defaults().repeats;
    fprintf(stream, "\nsharpness of the model on %zu rows, accuracy %.4f; measures as sqrt(value/rows)\n",
            job->n, s->accuracy);
    fprintf(stream,
            "sigma %.4g +- %.2g on every weight costs an accuracy of 0.1 (found in %zu of %zu trials);\n",
            s->sigma, s->sigma_se, s->found, repeats);
    fprintf(stream, "sigma' %.4g +- %.2g in proportion to the weights (%zu of %zu)\n", s->magnitude_sigma,
            s->magnitude_sigma_se, s->magnitude_found, repeats);
    for (size_t i = 0; i < QNTK_SHARPNESS_MEASURES; i++)
        fprintf(stream, "%18s  %10.4g +- %.2g\n", qntk_sharpness_name((qntk_sharpness_measure)i),
                s->measure[i], s->se[i]);
    if (!isnan(s->bound))
        fprintf(stream,
                "Our bound, estimated: error %.3g in the worst direction of the rounding's noise (radius "
                "%.3g) + %.3g "
                "= %.3g%s\n",
                s->worst_error, s->rho, s->complexity, s->bound, s->bound >= 1 ? ": it says nothing" : "");
    print_widths(stream, job);
}

const noise_section noise_sharpness_section = {
    .run = run, .notes = notes, .json = json, .print = print, .free = release};
