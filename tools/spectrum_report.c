/* See spectrum_report.h. */
#include "spectrum_report.h"
#include "cli_result.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static const qntk_column data_columns[] = {
    {"kernel", 0}, {"index", 17}, {"eigenvalue", 17}, {"share", 17}, {"cumulative", 17}, {NULL, 0},
};
static const qntk_column sphere_columns[] = {
    {"kernel", 0},      {"degree", 17}, {"multiplicity", 17}, {"eigenvalue", 17}, {"share", 17},
    {"cumulative", 17}, {NULL, 0},
};
static const qntk_column certified_columns[] = {
    {"kernel", 0}, {"degree", 17},     {"multiplicity", 17}, {"eigenvalue", 17},
    {"share", 17}, {"cumulative", 17}, {"bound", 3},         {NULL, 0},
};

qntk_status report_allocate(report_kernel *kernel, size_t count)
{
    kernel->count = count;
    kernel->eval = qntk_alloc_zero(count, sizeof(double));
    kernel->multiplicity = qntk_alloc_zero(count, sizeof(double));
    kernel->share = qntk_alloc_zero(count, sizeof(double));
    kernel->cumulative = qntk_alloc_zero(count, sizeof(double));
    bool complete = kernel->eval != NULL && kernel->multiplicity != NULL && kernel->share != NULL &&
                    kernel->cumulative != NULL;
    return complete ? QNTK_OK : QNTK_NO_MEMORY;
}

void report_free(report_kernel *kernel)
{
    qntk_free(kernel->eval);
    qntk_free(kernel->multiplicity);
    qntk_free(kernel->share);
    qntk_free(kernel->cumulative);
    qntk_free(kernel->bound);
    *kernel = (report_kernel){0};
}

/* ---- TSV ---- */

static void write_rows(qntk_file *file, const spectrum_report *r, const report_kernel *kernel)
{
    for (size_t i = 0; i < kernel->count; i++) {
        double index = (double)(r->sphere ? i : i + 1);
        qntk_cell data[] = {qntk_cell_text(kernel->name), qntk_cell_number(index),
                            qntk_cell_number(kernel->eval[i]), qntk_cell_number(kernel->share[i]),
                            qntk_cell_number(kernel->cumulative[i])};
        qntk_cell sphere[] = {data[0],
                              data[1],
                              qntk_cell_number(kernel->multiplicity[i]),
                              data[2],
                              data[3],
                              data[4],
                              qntk_cell_number(kernel->bound != NULL ? kernel->bound[i] : NAN)};
        if (!r->sphere)
            qntk_table_row(file, data_columns, data);
        else
            qntk_table_row(file, r->certified ? certified_columns : sphere_columns, sphere);
    }
}

/* Write errors are remembered by the file and come out when it is committed. */
static void write_tsv(qntk_file *file, const void *result)
{
    const spectrum_report *r = result;
    qntk_table_head(file, &r->meta);
    for (size_t k = 0; k < r->count; k++) {
        const report_kernel *kernel = &r->kernel[k];
        cli_note_text(file, "route", kernel->name, kernel->route);
        cli_note_number(file, "bandwidth", kernel->name, kernel->bandwidth);
        cli_note_number(file, "trace", kernel->name, kernel->trace);
        cli_note_number(file, "effective_dimension", kernel->name, kernel->effective_dimension);
        if (r->sphere) {
            cli_note_number(file, "limit_ratio", kernel->name, kernel->limit_ratio);
            cli_note_number(file, "departure_degree", kernel->name, kernel->departure_degree);
            cli_note_number(file, "relative_accuracy", kernel->name, kernel->accuracy);
        }
        qntk_plot_note(file, kernel->name, &kernel->decay);
    }
    qntk_table_columns(file, !r->sphere ? data_columns : r->certified ? certified_columns : sphere_columns);
    for (size_t k = 0; k < r->count; k++)
        write_rows(file, r, &r->kernel[k]);
}

/* ---- JSON ---- */

static bool add_number(cJSON *object, const char *key, double value)
{
    return (isfinite(value) ? cJSON_AddNumberToObject(object, key, value)
                            : cJSON_AddNullToObject(object, key)) != NULL;
}

static qntk_status add_summary(cJSON *object, const spectrum_report *r, const report_kernel *kernel)
{
    const qntk_decay *decay = &kernel->decay;
    cJSON *summary = NULL;
    qntk_status status = qntk_json_object(object, "summary", &summary);
    if (status != QNTK_OK)
        return status;
    const double window[2] = {(double)decay->first, (double)decay->last};
    bool added = add_number(summary, "trace", kernel->trace) &&
                 add_number(summary, "effective_dimension", kernel->effective_dimension) &&
                 add_number(summary, "exponent", decay->power.exponent) &&
                 add_number(summary, "exponent_se", decay->power.exponent_se) &&
                 add_number(summary, "power_aic", decay->power.aic) &&
                 add_number(summary, "rate", decay->exponential.rate) &&
                 add_number(summary, "rate_se", decay->exponential.rate_se) &&
                 add_number(summary, "exponential_aic", decay->exponential.aic) &&
                 add_number(summary, "stretched_shape", decay->stretched.shape) &&
                 add_number(summary, "stretched_rate", decay->stretched.rate) &&
                 add_number(summary, "stretched_aic", decay->stretched.aic) &&
                 add_number(summary, "noise_floor", decay->floor) &&
                 add_number(summary, "points", (double)decay->points) &&
                 cJSON_AddStringToObject(summary, "law", qntk_decay_law_name(decay->law)) != NULL &&
                 cJSON_AddStringToObject(summary, "verdict", decay->verdict) != NULL;
    if (added && r->sphere)
        added = add_number(summary, "limit_ratio", kernel->limit_ratio) &&
                add_number(summary, "t_star", kernel->t_star) &&
                add_number(summary, "departure_degree", kernel->departure_degree) &&
                add_number(summary, "relative_accuracy", kernel->accuracy);
    if (added && !r->sphere)
        added = add_number(summary, "max_residual", kernel->max_residual);
    return added ? qntk_json_numbers(summary, "window", 2, window) : QNTK_NO_MEMORY;
}

static qntk_status add_kernel(cJSON *array, const spectrum_report *r, const report_kernel *kernel)
{
    static const qntk_column head[] = {{"kernel", 0}, {"route", 0}, {"bandwidth", 17}, {NULL, 0}};
    const qntk_cell cells[] = {qntk_cell_text(kernel->name), qntk_cell_text(kernel->route),
                               qntk_cell_number(kernel->bandwidth)};
    cJSON *object = NULL;
    qntk_status status = qntk_json_row(array, head, cells, &object);
    if (status == QNTK_OK)
        status = qntk_json_numbers(object, "eigenvalue", kernel->count, kernel->eval);
    if (status == QNTK_OK)
        status = qntk_json_numbers(object, "multiplicity", kernel->count, kernel->multiplicity);
    if (status == QNTK_OK && kernel->bound != NULL)
        status = qntk_json_numbers(object, "bound", kernel->count, kernel->bound);
    return status == QNTK_OK ? add_summary(object, r, kernel) : status;
}

static qntk_status write_json(qntk_file *file, const void *result)
{
    const spectrum_report *r = result;
    cJSON *tree = NULL, *kernels = NULL;
    qntk_status status = qntk_json_head(&r->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "kernels", &kernels);
    for (size_t k = 0; status == QNTK_OK && k < r->count; k++)
        status = add_kernel(kernels, r, &r->kernel[k]);
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

/* ---- files ---- */

qntk_status report_write(const spectrum_report *r, const cli_common *common)
{
    const cli_result result = {.script = "decay", .result = r, .tsv = write_tsv, .json = write_json};
    return cli_result_write(common, &result);
}

/* ---- for people ---- */

/* One law: its parameter with the standard error, and AIC; dashes where it could not be fitted. */
static void print_law(FILE *stream, int decimals, double value, double se, double aic)
{
    if (isfinite(value))
        fprintf(stream, "  %7.*f +- %6.2g %6.0f", decimals, value, se, aic);
    else
        fprintf(stream, "  %17s %6s", "-", "-");
}

void report_summary(const spectrum_report *r, FILE *stream)
{
    int width = 10;
    for (size_t k = 0; k < r->count; k++)
        width = (int)strlen(r->kernel[k].name) > width ? (int)strlen(r->kernel[k].name) : width;
    fprintf(stream, "\n%-*s  %10s  %9s  %11s  %17s %6s  %17s %6s  %8s\n", width, "kernel", "trace",
            "eff. dim.", "window", "exponent", "AIC", "rate", "AIC", "seconds");
    for (size_t k = 0; k < r->count; k++) {
        const report_kernel *kernel = &r->kernel[k];
        const qntk_decay *decay = &kernel->decay;
        char window[48] = "-";
        if (isfinite(decay->power.exponent))
            snprintf(window, sizeof window, "%zu..%zu", decay->first, decay->last);
        fprintf(stream, "%-*s  %10.4g  %9.4g  %11s", width, kernel->name, kernel->trace,
                kernel->effective_dimension, window);
        print_law(stream, 3, decay->power.exponent, decay->power.exponent_se, decay->power.aic);
        print_law(stream, 4, decay->exponential.rate, decay->exponential.rate_se, decay->exponential.aic);
        fprintf(stream, "  %8.3f\n", kernel->seconds);
    }
    for (size_t k = 0; k < r->count; k++) {
        const report_kernel *kernel = &r->kernel[k];
        fprintf(stream, "%-*s  %s\n", width, kernel->name, kernel->decay.verdict);
        if (r->sphere && kernel->limit_ratio > 0 && kernel->limit_ratio < 1)
            fprintf(stream, "%-*s  eigenvalue ratio tends to %.6g (singularity at t = %.6g)\n", width, "",
                    kernel->limit_ratio, kernel->t_star);
        if (r->sphere && isfinite(kernel->departure_degree))
            fprintf(stream, "%-*s  leaves the power law of the unrounded network at degree %.0f\n", width, "",
                    kernel->departure_degree);
        if (!r->sphere && isfinite(kernel->max_residual))
            fprintf(stream, "%-*s  largest residual %.1e of the norm (%s)\n", width, "", kernel->max_residual,
                    kernel->route);
    }
}
