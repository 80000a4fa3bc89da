/* What qnn validate found in the layers of a network: TSV, JSON, and text for people. */
#include "cli_result.h"
#include "qnn_validate_layers.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

enum {
    BINS = 48, /* of histograms, from -6 to 6 in units of the predicted deviation; the end ones are open */
    SHOWN = 3  /* rows whose output has a histogram */
};
static const double BIN_LOW = -6, BIN_STEP = 0.25;

/* What a sentence calls agreement: the error of all neurons together within so many times what sampling alone
 * makes of it (its square is a mean of chi-squares, of few independent ones in a small last layer); and a
 * distribution that a test at this level calls normal. */
static const double NOISE_FACTOR = 2, LEVEL = 0.01;

/* ---- histograms ---- */

typedef struct {
    size_t count[BINS];
} histogram;

static void add_to(histogram *h, double standard)
{
    const double bin = floor((standard - BIN_LOW) / BIN_STEP);
    h->count[bin < 0 ? 0 : bin > BINS - 1 ? BINS - 1 : (size_t)bin]++;
}

/* Of the values behind the distance of layer l; false where nothing varies. */
static bool layer_histogram(const validate_stage *s, size_t l, histogram *h)
{
    *h = (histogram){0};
    if (isnan(s->v.layer[l].ks))
        return false;
    for (size_t k = 0; k < s->v.draws; k++)
        add_to(h, s->v.standard[l * s->v.draws + k]);
    return true;
}

/* The output whose histogram is made for row i: the one predicted to be largest. */
static size_t shown_output(const validate_stage *s, size_t i)
{
    const double *mean = s->v.mean + i * s->v.outputs;
    size_t best = 0;
    for (size_t k = 1; k < s->v.outputs; k++)
        best = mean[k] > mean[best] ? k : best;
    return best;
}

/* Of that output, in units of its predicted deviation from its predicted mean. */
static bool output_histogram(const validate_stage *s, size_t i, histogram *h, double *mean, double *sd)
{
    const size_t all = s->v.n * s->v.outputs, at = i * s->v.outputs + shown_output(s, i);
    *h = (histogram){0};
    *mean = s->v.mean[at];
    *sd = sqrt(s->v.variance[at]);
    for (size_t k = 0; k<s->v.draws && * sd> 0; k++)
        add_to(h, (s->v.sample[k * all + at] - *mean) / *sd);
    return *sd > 0;
}

static size_t shown_rows(const validate_stage *s)
{
    return s->v.n < SHOWN ? s->v.n : SHOWN;
}

/* The name of the output shown for row i: its class, or "output". */
static const char *output_name(const validate_layers *j, const validate_stage *s, size_t i)
{
    return j->rows.classes > 0 ? j->rows.class_name[shown_output(s, i)] : "output";
}

/* ---- the table ---- */

static const qntk_column columns[] = {{"when", 0},
                                      {"layer", 17},
                                      {"moment", 0},
                                      {"max_abs_z", 17},
                                      {"rms_relative_error", 17},
                                      {"rms_relative_noise", 17},
                                      {"ks", 17},
                                      {"ks_p", 17},
                                      {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1 };

/* Moments that a layer has: the last one has no ReLU. */
static size_t moments_of(const validate_stage *s, size_t l)
{
    return l + 1 < s->v.layers ? QNTK_VALIDATE_MOMENTS : QNTK_VALIDATE_OUTPUT_MEAN;
}

static void fill(const validate_stage *s, size_t l, size_t moment, qntk_cell cells[CELLS])
{
    const qntk_validate_layer *layer = &s->v.layer[l];
    const qntk_cell filled[CELLS] = {qntk_cell_text(s->when),
                                     qntk_cell_number((double)(l + 1)),
                                     qntk_cell_text(qntk_validate_moment_name((qntk_validate_moment)moment)),
                                     qntk_cell_number(layer->max_abs_z[moment]),
                                     qntk_cell_number(layer->rms_relative_error[moment]),
                                     qntk_cell_number(layer->rms_relative_noise[moment]),
                                     qntk_cell_number(layer->ks),
                                     qntk_cell_number(layer->ks_p)};
    memcpy(cells, filled, sizeof filled);
}

/* "key=LEAD c1 c2 .." */
static void note_histogram(qntk_file *file, const char *key, const char *lead, const histogram *h)
{
    char text[64 + BINS * 21];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", lead);
    for (size_t b = 0; b < BINS; b++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu", used > 0 ? " " : "", h->count[b]);
    qntk_table_note(file, key, text);
}

static void note_histograms(qntk_file *file, const validate_layers *j, const validate_stage *s)
{
    histogram h;
    char key[256], lead[64];
    double mean, sd;
    for (size_t l = 0; l < s->v.layers; l++)
        if (layer_histogram(s, l, &h)) {
            snprintf(key, sizeof key, "histogram[%s,%zu]", s->when, l + 1);
            note_histogram(file, key, "", &h);
        }
    for (size_t i = 0; i < shown_rows(s); i++)
        if (output_histogram(s, i, &h, &mean, &sd)) {
            snprintf(key, sizeof key, "output[%s,%zu,%.160s]", s->when, j->rows.row[i], output_name(j, s, i));
            snprintf(lead, sizeof lead, "%.17g %.17g", mean, sd);
            note_histogram(file, key, lead, &h);
        }
}

static void write_tsv(qntk_file *file, const void *context)
{
    const validate_layers *j = context;
    qntk_table_head(file, &j->meta);
    for (size_t k = 0; k < j->stages; k++)
        note_histograms(file, j, &j->stage[k]);
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < j->stages; k++)
        for (size_t l = 0; l < j->stage[k].v.layers; l++)
            for (size_t m = 0; m < moments_of(&j->stage[k], l); m++) {
                qntk_cell cells[CELLS];
                fill(&j->stage[k], l, m, cells);
                qntk_table_row(file, columns, cells);
            }
}

static qntk_status json_counts(cJSON *object, const histogram *h)
{
    double count[BINS];
    for (size_t b = 0; b < BINS; b++)
        count[b] = (double)h->count[b];
    return qntk_json_numbers(object, "counts", BINS, count);
}

static qntk_status json_histograms(cJSON *tree, const validate_layers *j)
{
    static const qntk_column layer_columns[] = {{"when", 0}, {"layer", 17}, {NULL, 0}};
    static const qntk_column output_columns[] = {{"when", 0},  {"row", 17}, {"output", 0},
                                                 {"mean", 17}, {"sd", 17},  {NULL, 0}};
    cJSON *layers = NULL, *outputs = NULL, *row;
    histogram h;
    double mean, sd;
    qntk_status status = qntk_json_array(tree, "histograms", &layers);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "outputs", &outputs);
    for (size_t k = 0; k < j->stages; k++) {
        const validate_stage *s = &j->stage[k];
        for (size_t l = 0; status == QNTK_OK && l < s->v.layers; l++)
            if (layer_histogram(s, l, &h)) {
                const qntk_cell cells[] = {qntk_cell_text(s->when), qntk_cell_number((double)(l + 1))};
                status = qntk_json_row(layers, layer_columns, cells, &row);
                if (status == QNTK_OK)
                    status = json_counts(row, &h);
            }
        for (size_t i = 0; status == QNTK_OK && i < shown_rows(s); i++)
            if (output_histogram(s, i, &h, &mean, &sd)) {
                const qntk_cell cells[] = {qntk_cell_text(s->when), qntk_cell_number((double)j->rows.row[i]),
                                           qntk_cell_text(output_name(j, s, i)), qntk_cell_number(mean),
                                           qntk_cell_number(sd)};
                status = qntk_json_row(outputs, output_columns, cells, &row);
                if (status == QNTK_OK)
                    status = json_counts(row, &h);
            }
    }
    return status;
}

static qntk_status write_json(qntk_file *file, const void *context)
{
    const validate_layers *j = context;
    cJSON *tree = NULL, *layers = NULL, *tangent = NULL;
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "layers", &layers);
    for (size_t k = 0; k < j->stages; k++)
        for (size_t l = 0; l < j->stage[k].v.layers; l++)
            for (size_t m = 0; status == QNTK_OK && m < moments_of(&j->stage[k], l); m++) {
                qntk_cell cells[CELLS];
                fill(&j->stage[k], l, m, cells);
                status = qntk_json_row(layers, columns, cells, NULL);
            }
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "tangent", &tangent); /* of the other mode */
    if (status == QNTK_OK)
        status = json_histograms(tree, j);
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

/* ---- for people ---- */

static bool agrees(const qntk_validate_layer *layer, size_t moment)
{
    return isnan(layer->rms_relative_error[moment]) ||
           layer->rms_relative_error[moment] <= NOISE_FACTOR * layer->rms_relative_noise[moment];
}

static void print_moments(FILE *stream, const validate_stage *s)
{
    size_t off = 0;
    for (size_t l = 0; l < s->v.layers; l++)
        for (size_t m = 0; m < moments_of(s, l); m++) {
            const qntk_validate_layer *layer = &s->v.layer[l];
            const double error = layer->rms_relative_error[m], noise = layer->rms_relative_noise[m];
            if (agrees(layer, m))
                continue;
            fprintf(stream, "%s layer %zu: %s (%.3g %% beyond the noise)", /* both add up in squares */
                    off++ > 0 ? "," : "Means and variances agree within twice the sampling noise but for",
                    l + 1, qntk_validate_moment_name((qntk_validate_moment)m),
                    100 * sqrt(error * error - noise * noise));
        }
    fprintf(stream, "%s\n",
            off > 0 ? "." : "Means and variances of all layers agree within twice the sampling noise.");
}

static void print_normality(FILE *stream, const validate_stage *s)
{
    size_t off = 0;
    for (size_t l = 0; l < s->v.layers; l++)
        if (s->v.layer[l].ks_p < LEVEL)
            fprintf(stream, "%s layer %zu (distance %.2g, p = %.1g)",
                    off++ > 0 ? "," : "Pre-activations are not normal by Kolmogorov's test in", l + 1,
                    s->v.layer[l].ks, s->v.layer[l].ks_p);
    fprintf(stream, "%s\n",
            off > 0 ? "." : "Pre-activations pass for normal in all layers (Kolmogorov's test, p >= 0.01).");
}

static void print_number(FILE *stream, int width, const char *format, double value)
{
    char text[32] = "-";
    if (!isnan(value))
        snprintf(text, sizeof text, format, value);
    fprintf(stream, "  %*s", width, text);
}

static void print_stage(FILE *stream, const validate_stage *s)
{
    fprintf(stream, "\n%s training, %zu draws of the weights, %zu row%s\n", s->when, s->v.draws, s->v.n,
            s->v.n == 1 ? "" : "s");
    fprintf(stream, "%5s  %-15s  %9s  %10s  %10s  %7s  %8s\n", "layer", "moment", "largest z", "rel. error",
            "its noise", "KS", "p");
    for (size_t l = 0; l < s->v.layers; l++)
        for (size_t m = 0; m < moments_of(s, l); m++) {
            const qntk_validate_layer *layer = &s->v.layer[l];
            fprintf(stream, "%5zu  %-15s", l + 1, qntk_validate_moment_name((qntk_validate_moment)m));
            print_number(stream, 9, "%.3g", layer->max_abs_z[m]);
            print_number(stream, 10, "%.3g", layer->rms_relative_error[m]);
            print_number(stream, 10, "%.3g", layer->rms_relative_noise[m]);
            print_number(stream, 7, "%.4f", m == 0 ? layer->ks : NAN);
            print_number(stream, 8, "%.2g", m == 0 ? layer->ks_p : NAN);
            fprintf(stream, "%s\n", agrees(layer, m) ? "" : "  <- off");
        }
    print_moments(stream, s);
    print_normality(stream, s);
}

static void print(FILE *stream, const void *context)
{
    const validate_layers *j = context;
    for (size_t k = 0; k < j->stages; k++)
        print_stage(stream, &j->stage[k]);
}

int validate_layers_end(const cli_program *program, qntk_status status, const validate_layers *j)
{
    const cli_result result = {
        .script = "validate", .tsv = write_tsv, .json = write_json, .print = print, .result = j};
    return cli_result_end(program, status, j->stages > 0, &result);
}
