/* qnn noise: the penalty that rounding adds to the loss, over widths in bits. */
#include "qnn_noise.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "cli_result.h"

struct noise_penalty {
    size_t complete; /* roundings of the network that are measured */
    qntk_loss loss;
    float *T;              /* (n, outputs) targets of the chosen rows */
    qntk_penalty *measure; /* (roundings, widths) */
};

static const char *loss_name(qntk_loss loss)
{
    static const char *const names[] = {"squared", "cross-entropy", "squared-hinge"};
    return names[loss];
}

qntk_loss noise_loss(const noise_job *job)
{
    return job->c->trainer != NULL ? qntk_trainer_options(job->c->trainer)->loss
           : job->c->classes > 0   ? QNTK_LOSS_CROSS_ENTROPY
                                   : QNTK_LOSS_SQUARED;
}

/* ---- penalties ---- */

static qntk_status choose_targets(noise_job *job)
{
    const size_t outputs = qnn_outputs(job->c->classes);
    struct noise_penalty *p = job->penalty;
    p->T = qntk_alloc(job->n, outputs * sizeof *p->T);
    if (p->T == NULL)
        return QNTK_NO_MEMORY;
    if (job->rows.T == NULL) {
        qntk_status status = qnn_targets(job->c, p->loss, &job->rows);
        if (status != QNTK_OK)
            return status;
    }
    for (size_t i = 0; i < job->n; i++)
        memcpy(p->T + i * outputs, job->rows.T + job->row[i] * outputs, outputs * sizeof *p->T);
    return QNTK_OK;
}

static qntk_status measure_one(noise_job *job, size_t run, const qntk_penalty_options *options)
{
    qntk_network rounded = {0};
    qntk_status status =
        qntk_network_requantize(&job->c->network, noise_levels(job, run % job->widths), &rounded);
    if (status == QNTK_OK)
        status = qntk_penalty_measure(&rounded, job->rounding[run / job->widths], job->n, job->X,
                                      job->penalty->T, *options, &job->penalty->measure[run]);
    qntk_network_free(&rounded);
    return status;
}

static const noise_job *shown; /* for the bar */

static double fraction_done(void)
{
    return (double)shown->penalty->complete / (double)(shown->roundings * shown->widths);
}

static qntk_status run_penalty(noise_job *job)
{
    const size_t runs = job->roundings * job->widths;
    if (job->rows.y == NULL) /* no target, no loss */
        return QNTK_OK;
    job->penalty = qntk_alloc_zero(1, sizeof *job->penalty);
    if (job->penalty == NULL)
        return QNTK_NO_MEMORY;
    job->penalty->loss = noise_loss(job);
    job->penalty->measure = qntk_alloc_zero(runs, sizeof *job->penalty->measure);
    if (job->penalty->measure == NULL)
        return QNTK_NO_MEMORY;
    qntk_penalty_options options = qntk_penalty_defaults();
    options.loss = job->penalty->loss;
    options.draws = job->set->draws;
    options.seed = job->set->common.seed;
    qntk_status status = choose_targets(job);
    shown = job;
    cli_progress_whole("penalty", fraction_done);
    for (size_t k = 0; k < runs && status == QNTK_OK; k++) {
        status = measure_one(job, k, &options);
        job->penalty->complete += status == QNTK_OK;
    }
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    return status;
}

static void free_penalty(noise_job *job)
{
    if (job->penalty != NULL) {
        qntk_free(job->penalty->T);
        qntk_free(job->penalty->measure);
    }
    qntk_free(job->penalty);
    job->penalty = NULL;
}

static size_t complete_of(const noise_job *job)
{
    return job->penalty != NULL ? job->penalty->complete : 0;
}

/* How a form of the penalty falls with the bits, under rounding r. */
typedef struct {
    const char *name;
    size_t at; /* in qntk_penalty */
} form;

static const form forms[] = {{"additive", offsetof(qntk_penalty, additive)},
                             {"hutchinson", offsetof(qntk_penalty, hutchinson)},
                             {"gauss_newton", offsetof(qntk_penalty, gauss_newton)}};
enum { FORMS = sizeof forms / sizeof *forms };

static qntk_noise_law law_of(const noise_job *job, size_t r, const form *f)
{
    double value[NOISE_BITS_MAX];
    size_t count = 0;
    for (size_t k = 0; k < job->widths && r * job->widths + k < complete_of(job); k++)
        memcpy(&value[count++], (const char *)&job->penalty->measure[r * job->widths + k] + f->at,
               sizeof *value);
    return qntk_noise_fit(count, job->levels, value);
}

static const qntk_column columns[] = {
    {"bits", 4},        {"rounding", 0},       {"loss", 17},         {"sampled", 17},
    {"sampled_se", 17}, {"linear", 17},        {"additive", 17},     {"additive_se", 17},
    {"hutchinson", 17}, {"hutchinson_se", 17}, {"gauss_newton", 17}, {"kinks", 17},
    {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1 };

/* The numbers of a penalty, in the order of the columns. */
static void numbers_of(const qntk_penalty *p, double number[CELLS - 2])
{
    const double all[CELLS - 2] = {p->loss,         p->sampled,     p->sampled_se, p->linear,
                                   p->additive,     p->additive_se, p->hutchinson, p->hutchinson_se,
                                   p->gauss_newton, p->kinks};
    memcpy(number, all, sizeof all);
}

static qntk_status json_laws(cJSON *tree, const noise_job *job)
{
    static const qntk_column law_columns[] = {{"rounding", 0},        {"form", 0},
                                              {"factor_per_bit", 17}, {"se", 17},
                                              {"step_exponent", 17},  {"step_exponent_se", 17},
                                              {"points", 17},         {NULL, 0}};
    cJSON *laws = NULL;
    qntk_status status = qntk_json_array(tree, "penalty_laws", &laws);
    for (size_t k = 0; k < job->roundings * FORMS && status == QNTK_OK; k++) {
        const qntk_noise_law law = law_of(job, k / FORMS, &forms[k % FORMS]);
        const qntk_cell cells[] = {qntk_cell_text(noise_rounding_name(job->rounding[k / FORMS])),
                                   qntk_cell_text(forms[k % FORMS].name),
                                   qntk_cell_number(law.factor_per_bit),
                                   qntk_cell_number(law.factor_se),
                                   qntk_cell_number(law.step_exponent),
                                   qntk_cell_number(law.step_exponent_se),
                                   qntk_cell_number((double)law.points)};
        status = qntk_json_row(laws, law_columns, cells, NULL);
    }
    return status;
}

static qntk_status json_penalty(cJSON *tree, const noise_job *job)
{
    cJSON *rows = NULL;
    qntk_status status = qntk_json_array(tree, "penalty", &rows);
    for (size_t k = 0; k < complete_of(job) && status == QNTK_OK; k++) {
        double number[CELLS - 2];
        qntk_cell cells[CELLS] = {qntk_cell_number(noise_bits(job->levels[k % job->widths])),
                                  qntk_cell_text(noise_rounding_name(job->rounding[k / job->widths]))};
        numbers_of(&job->penalty->measure[k], number);
        for (size_t i = 2; i < CELLS; i++)
            cells[i] = qntk_cell_number(number[i - 2]);
        status = qntk_json_row(rows, columns, cells, NULL);
    }
    return status == QNTK_OK ? json_laws(tree, job) : status;
}

/* "penalty[2,nearest]=" and the numbers of the JSON, in its order. */
static void notes_penalty(qntk_file *file, const noise_job *job)
{
    for (size_t k = 0; k < complete_of(job); k++) {
        double number[CELLS - 2];
        char key[64];
        snprintf(key, sizeof key, "%.4g,%s", noise_bits(job->levels[k % job->widths]),
                 noise_rounding_name(job->rounding[k / job->widths]));
        numbers_of(&job->penalty->measure[k], number);
        cli_note_list(file, "penalty", key, CELLS - 2, number);
    }
}

static void print_number(FILE *stream, int width, const char *format, double value)
{
    char text[32] = "-";
    if (!isnan(value))
        snprintf(text, sizeof text, format, value);
    fprintf(stream, "  %*s", width, text);
}

static void print_laws(FILE *stream, const noise_job *job, size_t r)
{
    if (law_of(job, r, &forms[0]).points < 3)
        return;
    fprintf(stream, "Each bit from 2 on divides it by");
    for (size_t f = 0; f < FORMS; f++) {
        static const char *const words[FORMS] = {"measured with noise", "by Hutchinson's trace",
                                                 "in the Gauss-Newton form"};
        const qntk_noise_law law = law_of(job, r, &forms[f]);
        if (isnan(law.factor_se)) /* a penalty below 0 has no logarithm */
            fprintf(stream, "%s ? (%s)", f > 0 ? "," : "", words[f]);
        else
            fprintf(stream, "%s %.2f +- %.2f (%s)", f > 0 ? "," : "", law.factor_per_bit, law.factor_se,
                    words[f]);
    }
    fprintf(stream,
            "; theory 4.\nratio: with noise / (Hutchinson + kinks of ReLUs that it carries rows across)\n");
}

static void print_penalty(FILE *stream, const noise_job *job)
{
    for (size_t k = 0; k < complete_of(job); k++) {
        const size_t r = k / job->widths;
        const qntk_penalty *p = &job->penalty->measure[k];
        if (k % job->widths == 0) {
            fprintf(stream, "\npenalty of rounding, %s: growth of the %s loss, %.4g on %zu rows\n",
                    job->rounding[r] == QNTK_ROUNDING_NEAREST
                        ? "to nearest (sampled: the one rounding there is)"
                        : "stochastic",
                    loss_name(job->penalty->loss), p->loss, job->n);
            fprintf(stream, "%5s  %10s  %8s  %10s  %8s  %10s  %8s  %12s  %10s  %7s\n", "bits", "sampled",
                    "+-", "with noise", "+-", "Hutchinson", "+-", "Gauss-Newton", "kinks", "ratio");
        }
        fprintf(stream, "%5g", noise_bits(job->levels[k % job->widths]));
        print_number(stream, 10, "%.4g", p->sampled);
        print_number(stream, 8, "%.2g", p->sampled_se);
        print_number(stream, 10, "%.4g", p->additive);
        print_number(stream, 8, "%.2g", p->additive_se);
        print_number(stream, 10, "%.4g", p->hutchinson);
        print_number(stream, 8, "%.2g", p->hutchinson_se);
        print_number(stream, 12, "%.4g", p->gauss_newton);
        print_number(stream, 10, "%.4g", p->kinks);
        print_number(stream, 7, "%.3g", p->additive / (p->hutchinson + p->kinks));
        fprintf(stream, "\n");
        if ((k + 1) % job->widths == 0 || k + 1 == complete_of(job))
            print_laws(stream, job, r);
    }
}

const noise_section noise_penalty_section = {.run = run_penalty,
                                             .notes = notes_penalty,
                                             .json = json_penalty,
                                             .print = print_penalty,
                                             .free = free_penalty};
