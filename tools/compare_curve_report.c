/* See compare_curve.h. */
#include "compare_curve.h"
#include "cli_result.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static const qntk_column data_columns[] = {
    {"kernel", 0},          {"n", 17},
    {"ridge", 17},          {"test_measured", 17},
    {"test_se", 17},        {"test_predicted", 17},
    {"ratio", 17},          {"test_finite", 17},
    {"ratio_finite", 17},   {"heldout_measured", 17},
    {"heldout_se", 17},     {"heldout_predicted", 17},
    {"heldout_finite", 17}, {"train_measured", 17},
    {"train_se", 17},       {"train_predicted", 17},
    {"train_finite", 17},   {"kare", 17},
    {"kare_se", 17},        {"loo", 17},
    {"loo_se", 17},         {"accuracy", 17},
    {"accuracy_se", 17},    {"kappa", 17},
    {"learned", 17},        {NULL, 0},
};
static const qntk_column sphere_columns[] = {
    {"kernel", 0},
    {"n", 17},
    {"ridge", 17},
    {"test_predicted", 17},
    {"clean_predicted", 17},
    {"train_predicted", 17},
    {"kappa", 17},
    {"learned", 17},
    {NULL, 0},
};
enum { CELLS = sizeof data_columns / sizeof *data_columns };

qntk_status curve_kernel_allocate(curve_kernel *kernel, size_t sizes, size_t ridges)
{
    kernel->ridges = ridges;
    kernel->point = qntk_alloc_zero(sizes, sizeof *kernel->point);
    kernel->ridge = qntk_alloc_zero(ridges, sizeof *kernel->ridge);
    return kernel->point != NULL && kernel->ridge != NULL ? QNTK_OK : QNTK_NO_MEMORY;
}

void curve_kernel_free(curve_kernel *kernel)
{
    qntk_free(kernel->point);
    qntk_free(kernel->ridge);
    *kernel = (curve_kernel){0};
}

static void fill_cells(const curve_report *r, const curve_kernel *kernel, size_t s, qntk_cell cells[CELLS])
{
    const qntk_curve_point *at = &kernel->point[s];
    const qntk_risk *predicted = &at->predicted, *finite = &at->pool;
    const double sphere[] = {(double)at->n,    at->ridge,        predicted->test,   predicted->clean,
                             predicted->train, predicted->kappa, predicted->learned};
    const double data[] = {(double)at->n,          at->ridge,
                           at->test.mean,          at->test.se,
                           predicted->test,        predicted->test / at->test.mean,
                           finite->test,           finite->test / at->test.mean,
                           at->held_out.mean,      at->held_out.se,
                           at->held_out_predicted, at->held_out_pool,
                           at->train.mean,         at->train.se,
                           predicted->train,       finite->train,
                           at->kare.mean,          at->kare.se,
                           at->loo.mean,           at->loo.se,
                           at->accuracy.mean,      at->accuracy.se,
                           predicted->kappa,       predicted->learned};
    const double *numbers = r->sphere ? sphere : data;
    const size_t count = r->sphere ? sizeof sphere / sizeof *sphere : sizeof data / sizeof *data;
    cells[0] = qntk_cell_text(kernel->name);
    for (size_t i = 0; i < count; i++)
        cells[i + 1] = qntk_cell_number(numbers[i]);
}

/* ---- TSV ---- */

/* Write errors are remembered by the file and come out when it is committed. */
static void write_tsv(qntk_file *file, const void *result)
{
    const curve_report *r = result;
    const qntk_column *columns = r->sphere ? sphere_columns : data_columns;
    qntk_table_head(file, &r->meta);
    for (size_t k = 0; k < r->count; k++) {
        const curve_kernel *kernel = &r->kernel[k];
        cli_note_text(file, "route", kernel->name, kernel->route);
        cli_note_number(file, "bandwidth", kernel->name, kernel->bandwidth);
        cli_note_list(file, "ridges", kernel->name, kernel->ridges, kernel->ridge);
    }
    qntk_table_columns(file, columns);
    for (size_t k = 0; k < r->count; k++)
        for (size_t s = 0; s < r->sizes; s++) {
            qntk_cell cells[CELLS];
            fill_cells(r, &r->kernel[k], s, cells);
            qntk_table_row(file, columns, cells);
        }
}

/* ---- JSON ---- */

static qntk_status add_kernel(cJSON *results, const curve_report *r, const curve_kernel *kernel)
{
    static const qntk_column columns[] = {
        {"kernel", 0}, {"route", 0}, {"bandwidth", 17}, {"seconds", 4}, {NULL, 0}};
    const qntk_cell cells[] = {qntk_cell_text(kernel->name), qntk_cell_text(kernel->route),
                               qntk_cell_number(kernel->bandwidth), qntk_cell_number(kernel->seconds)};
    cJSON *object = NULL, *curve = NULL;
    qntk_status status = qntk_json_row(results, columns, cells, &object);
    if (status == QNTK_OK)
        status = qntk_json_numbers(object, "ridges", kernel->ridges, kernel->ridge);
    if (status == QNTK_OK)
        status = qntk_json_array(object, "curve", &curve);
    for (size_t s = 0; s < r->sizes && status == QNTK_OK; s++) {
        qntk_cell row[CELLS];
        fill_cells(r, kernel, s, row);
        status = qntk_json_row(curve, (r->sphere ? sphere_columns : data_columns) + 1, row + 1, NULL);
    }
    return status;
}

static qntk_status write_json(qntk_file *file, const void *result)
{
    const curve_report *r = result;
    cJSON *tree = NULL, *results = NULL;
    qntk_status status = qntk_json_head(&r->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "results", &results);
    for (size_t k = 0; k < r->count && status == QNTK_OK; k++)
        status = add_kernel(results, r, &r->kernel[k]);
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

/* ---- files ---- */

qntk_status curve_report_write(const curve_report *r, const cli_common *common)
{
    const cli_result result = {.script = "curve", .result = r, .tsv = write_tsv, .json = write_json};
    return cli_result_write(common, &result);
}

/* ---- for people ---- */

/* With 3 decimals; "-" beside an error of zero, of which nothing is a multiple. */
static const char *ratio_text(double predicted, double measured, char text[32])
{
    if (measured > 0)
        snprintf(text, 32, "%.3f", predicted / measured);
    else
        snprintf(text, 32, "-");
    return text;
}

static void print_data(FILE *stream, const curve_report *r, int width)
{
    fprintf(stream, "\n%-*s  %7s  %8s  %19s  %9s  %6s  %9s  %6s  %8s  %8s  %8s%s\n", width, "kernel", "n",
            "ridge", "error on the pool", "predicted", "ratio", "finite", "ratio", "held out", "finite",
            "KARE", r->classify ? "  accuracy" : "");
    for (size_t k = 0; k < r->count; k++)
        for (size_t s = 0; s < r->sizes; s++) {
            const qntk_curve_point *at = &r->kernel[k].point[s];
            char predicted[32], finite[32];
            fprintf(stream, "%-*s  %7zu  %8.2g  %8.4g +- %-7.2g  %9.4g  %6s  %9.4g  %6s  %8.4g  %8.4g  %8.4g",
                    width, s == 0 ? r->kernel[k].name : "", at->n, at->ridge, at->test.mean, at->test.se,
                    at->predicted.test, ratio_text(at->predicted.test, at->test.mean, predicted),
                    at->pool.test, ratio_text(at->pool.test, at->test.mean, finite), at->held_out.mean,
                    at->held_out_pool, at->kare.mean);
            if (r->classify)
                fprintf(stream, "  %8.4g", at->accuracy.mean);
            fputc('\n', stream);
        }
}

/* The range of predicted/measured; false if nothing was measured but zeros. */
static bool ratio_range(const curve_report *r, const curve_kernel *kernel, bool finite, double *low,
                        double *high)
{
    *low = INFINITY;
    *high = 0;
    for (size_t s = 0; s < r->sizes; s++) {
        const qntk_curve_point *at = &kernel->point[s];
        if (at->test.mean > 0) {
            const double ratio = (finite ? at->pool.test : at->predicted.test) / at->test.mean;
            *low = fmin(*low, ratio);
            *high = fmax(*high, ratio);
        }
    }
    return *low <= *high;
}

static void print_verdicts(FILE *stream, const curve_report *r, int width)
{
    for (size_t k = 0; k < r->count; k++) {
        const curve_kernel *kernel = &r->kernel[k];
        double low, high, finite_low, finite_high;
        if (ratio_range(r, kernel, false, &low, &high) &&
            ratio_range(r, kernel, true, &finite_low, &finite_high))
            fprintf(stream,
                    "%-*s  predicted/measured from %.3f to %.3f, finite/measured from %.3f to %.3f; %.2f "
                    "seconds\n",
                    width, kernel->name, low, high, finite_low, finite_high, kernel->seconds);
    }
    fprintf(
        stream,
        "%-*s  predicted: as if rows were drawn independently; finite: without replacement, as they are\n",
        width, "");
}

static void print_sphere(FILE *stream, const curve_report *r, int width)
{
    fprintf(stream, "\n%-*s  %10s  %8s  %10s  %10s  %10s  %10s  %10s\n", width, "kernel", "n", "ridge",
            "test error", "no noise", "training", "kappa", "learned");
    for (size_t k = 0; k < r->count; k++)
        for (size_t s = 0; s < r->sizes; s++) {
            const qntk_curve_point *at = &r->kernel[k].point[s];
            fprintf(stream, "%-*s  %10zu  %8.2g  %10.4g  %10.4g  %10.4g  %10.4g  %10.5g\n", width,
                    s == 0 ? r->kernel[k].name : "", at->n, at->ridge, at->predicted.test,
                    at->predicted.clean, at->predicted.train, at->predicted.kappa, at->predicted.learned);
        }
}

void curve_report_summary(const curve_report *r, FILE *stream)
{
    int width = 10;
    for (size_t k = 0; k < r->count; k++)
        width = (int)strlen(r->kernel[k].name) > width ? (int)strlen(r->kernel[k].name) : width;
    if (r->sphere) {
        print_sphere(stream, r, width);
    } else {
        print_data(stream, r, width);
        print_verdicts(stream, r, width);
    }
}
