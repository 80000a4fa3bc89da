/* ntk-spectrum: eigenvalues of kernels, from data or exactly on the sphere, and how they decay. */
#include "cli.h"
#include "spectrum_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    cli_common common;
    size_t sphere; /* D; 0 = data */
    size_t degrees;
    size_t top;
    bool certify;
    const char *save_kernel, *eigenvectors;
} settings;

static settings set = {.degrees = 60};

static const cli_option options[] = {
    CLI_DATA_OPTIONS(set.common),
    CLI_HEADING("Or no data: the uniform measure on a sphere"),
    {.name = "sphere",
     .kind = CLI_COUNT,
     .destination = &set.sphere,
     .argument = "D",
     .low = 2,
     .high = QNTK_MERCER_DIMENSION_MAX,
     .help = "exact Mercer eigenvalues on the sphere of R^D, D >= 2"},
    {.name = "degrees",
     .kind = CLI_COUNT,
     .destination = &set.degrees,
     .argument = "K",
     .high = QNTK_MERCER_DEGREES_MAX,
     .needs = "sphere",
     .help = "highest degree"},
    {.name = "certify",
     .kind = CLI_FLAG,
     .destination = &set.certify,
     .needs = "sphere",
     .help = "rigorous error bounds, by ball arithmetic (needs Arb)"},
    CLI_KERNEL_OPTIONS(set.common),
    CLI_HEADING("Eigenvalues of data"),
    {.name = "top",
     .kind = CLI_COUNT,
     .destination = &set.top,
     .argument = "M",
     .against = "sphere",
     .help = "the leading M only, by block Lanczos where it pays"},
    {.name = "save-kernel",
     .kind = CLI_TEXT,
     .destination = &set.save_kernel,
     .argument = "K.npy",
     .role = CLI_WRITES,
     .against = "sphere",
     .help = "write the kernel matrix K"},
    {.name = "eigenvectors",
     .kind = CLI_TEXT,
     .destination = &set.eigenvectors,
     .argument = "V.npy",
     .role = CLI_WRITES,
     .against = "sphere",
     .help = "write the eigenvectors, a column each"},
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "ntk-spectrum",
    .synopsis = "--data SPEC | --sphere D  [--kernel SPEC]...",
    .summary = "Eigenvalues of K/n on data, or exact Mercer eigenvalues on the sphere, descending, and their "
               "law of decay.\n"
               "Without --kernel: qntk (binary weights), ntk (real weights), gauss and laplace.",
    .examples =
        "  ntk-spectrum --sphere 10 --kernel qntk --kernel ntk --plot decay.png\n"
        "  ntk-spectrum --data data.csv --target none --kernel qntk:bits=2,depth=3 --kernel laplace --out "
        "s.tsv\n"
        "  ntk-spectrum --data t10k-images-idx3-ubyte.gz --limit 4000 --rows sphere --kernel ntk --top 100\n"
        "  ntk-spectrum --data sphere:n=2000,d=10 --kernel gauss:bandwidth=2 --format json\n",
    .options = options,
    .common = &set.common,
};

static int check_usage(void)
{
    cli_kernels *kernels = &set.common.kernels;
    bool matrix_only = kernels->count > 0;
    for (size_t i = 0; i < kernels->count; i++) {
        bool file = kernels->kernel[i].family == QNTK_FAMILY_FILE;
        matrix_only = matrix_only && file;
        if (file && set.sphere > 0)
            return cli_usage(&program, "kernel '%s' is a matrix: it has no spectrum on the sphere",
                             kernels->kernel[i].spec);
    }
    if (set.common.data != NULL && set.sphere > 0)
        return cli_usage(&program, "give either --data or --sphere, not both");
    if (set.common.data == NULL && set.sphere == 0 && !matrix_only)
        return cli_usage(&program, "give --data SPEC, or --sphere D for the exact spectrum without data");
    if (matrix_only && cli_given(&program, "precision"))
        return cli_usage(&program, "--precision means nothing to a matrix from a file");
    if (kernels->count == 0) {
        const char *const usual[] = {"qntk", "ntk", "gauss", "laplace"};
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
            qntk_kernel_parse(usual[i], &kernels->kernel[kernels->count++]);
    }
    if (kernels->count > 1 && (set.save_kernel != NULL || set.eigenvectors != NULL))
        return cli_usage(&program, "--save-kernel and --eigenvectors take one --kernel, %zu are given",
                         kernels->count);
    return 0;
}

/* ---- one kernel on data ---- */

/* trace(K)/n and trace(K)^2/|K|_F^2, in an order that does not depend on threads; in units of a power of two near
 * the largest entry, so that squares neither overflow nor vanish. */
static void moments_of(size_t n, const double *K, double *trace, double *effective_dimension)
{
    double largest = 0, sum = 0, square = 0;
    int exponent;
    for (size_t i = 0; i < n * n; i++)
        largest = fmax(largest, fabs(K[i]));
    frexp(largest, &exponent);
    exponent = exponent > -1000 ? exponent : -1000; /* the unit's inverse is finite */
    const double inverse = ldexp(1, -exponent);
    for (size_t i = 0; i < n; i++) {
        double row = 0;
        for (size_t j = 0; j < n; j++)
            row += K[i * n + j] * inverse * (K[i * n + j] * inverse);
        sum += K[i * n + i] * inverse;
        square += row;
    }
    *trace = ldexp(sum / (double)n, exponent);
    *effective_dimension = square > 0 ? sum * sum / square : 0;
}

/* Fills the report from the eigenvalues of K/n. */
static qntk_status report_spectrum(size_t n, const qntk_spectrum *spectrum, double trace,
                                   double effective_dimension, report_kernel *report)
{
    qntk_status status = report_allocate(report, spectrum->count);
    if (status != QNTK_OK)
        return status;
    for (size_t i = 0; i < spectrum->count; i++) {
        report->eval[i] = spectrum->eval[i] / (double)n;
        report->multiplicity[i] = 1;
    }
    report->trace = trace;
    report->effective_dimension = effective_dimension;
    qntk_decay_shares(spectrum->count, report->eval, NULL, trace, report->share, report->cumulative);
    size_t used = strlen(report->route);
    snprintf(report->route + used, sizeof report->route - used, "; %s", spectrum->route);
    report->max_residual =
        spectrum->residual != NULL ? spectrum->max_residual / fmax(spectrum->norm, 1e-300) : NAN;

    qntk_decay_options decay = qntk_decay_defaults();
    double eps = set.common.precision == QNTK_PRECISION_SINGLE ? 0x1p-23 : 0x1p-52;
    decay.floor = fmax(decay.floor, qntk_decay_floor(n, report->eval[0], eps));
    if (set.top > 0) /* leading eigenvalues are known to their residual only */
        decay.floor = fmax(decay.floor, spectrum->max_residual / (double)n);
    decay.rows = n;
    return qntk_decay_fit(spectrum->count, report->eval, decay, &report->decay);
}

/* The memory needed, in sizes of K: half as much again for the eigenvalues, twice with vectors. */
static double matrices(void)
{
    return set.eigenvectors != NULL ? 4 : set.top > 0 ? 1.25 : 1.5;
}

static qntk_status spectrum_of_data(qntk_kernel *kernel, const qntk_dataset *data, report_kernel *report)
{
    double *K = NULL, trace, effective_dimension;
    size_t n = 0;
    qntk_spectrum spectrum = {0};
    qntk_status status =
        cli_kernel_matrix(&set.common, kernel, data, data->n, matrices(), &n, &K, report->route);
    qntk_status converged = QNTK_OK;
    if (status == QNTK_OK && set.save_kernel != NULL)
        status = qntk_npy_write(set.save_kernel, n, n, K);
    if (status != QNTK_OK)
        goto done;
    moments_of(n, K, &trace, &effective_dimension);
    qntk_spectrum_options wanted = qntk_spectrum_defaults();
    wanted.top = set.top;
    wanted.vectors = set.eigenvectors != NULL;
    wanted.seed = set.common.seed;
    converged = qntk_spectrum_compute(n, K, wanted, &spectrum);
    status = converged == QNTK_NOT_CONVERGED ? QNTK_OK : converged;
    if (status == QNTK_OK && spectrum.count > 0)
        status = report_spectrum(n, &spectrum, trace, effective_dimension, report);
    if (status == QNTK_OK && set.eigenvectors != NULL)
        status = qntk_npy_write(set.eigenvectors, n, spectrum.count, spectrum.evec);
    report->bandwidth = qntk_kernel_is_radial(kernel) ? kernel->bandwidth : NAN;
done:
    qntk_spectrum_free(&spectrum);
    qntk_free(K);
    return status == QNTK_OK ? converged : status;
}

/* ---- one kernel on the sphere ---- */

static qntk_status certify(const qntk_kernel *kernel, report_kernel *report)
{
    qntk_status status = QNTK_OK;
    report->bound = qntk_alloc(report->count, sizeof *report->bound);
    if (report->bound == NULL)
        return QNTK_NO_MEMORY;
    status = qntk_mercer_certify(kernel, set.sphere, report->count - 1, report->eval, report->bound);
    return status;
}

static qntk_status spectrum_on_sphere(const qntk_kernel *kernel, report_kernel *report)
{
    qntk_mercer mercer = {0};
    qntk_mercer_options wanted = qntk_mercer_defaults();
    wanted.degrees = set.degrees;
    qntk_status converged = qntk_mercer_compute(kernel, set.sphere, wanted, &mercer);
    qntk_status status = converged == QNTK_NOT_CONVERGED ? QNTK_OK : converged;
    if (status == QNTK_OK)
        status = report_allocate(report, mercer.count);
    if (status != QNTK_OK)
        goto done;
    memcpy(report->eval, mercer.eval, mercer.count * sizeof *mercer.eval);
    memcpy(report->multiplicity, mercer.multiplicity, mercer.count * sizeof *mercer.multiplicity);
    if (set.certify)
        status = certify(kernel, report);
    if (status != QNTK_OK)
        goto done;
    for (size_t k = 0; k < mercer.count; k++)
        report->accuracy = fmax(report->accuracy, mercer.eval[k] > 0 ? mercer.error[k] : 0);
    report->trace = mercer.kernel_at_one;
    report->effective_dimension =
        qntk_decay_effective_dimension(mercer.count, report->eval, report->multiplicity);
    qntk_decay_shares(mercer.count, report->eval, report->multiplicity, report->trace, report->share,
                      report->cumulative);
    report->limit_ratio = mercer.limit_ratio;
    report->t_star = mercer.t_star;
    report->departure_degree = mercer.departure_degree;
    report->bandwidth = qntk_kernel_is_radial(kernel) ? kernel->bandwidth : NAN;
    snprintf(report->route, sizeof report->route, "exact");
    status = qntk_decay_fit_degrees(mercer.count, report->eval, qntk_decay_defaults(), &report->decay);
done:
    qntk_mercer_free(&mercer);
    return status == QNTK_OK ? converged : status;
}

/* ---- all of them ---- */

/* All that can be said before long work: sizes, --top, memory, bandwidths. */
static qntk_status prepare(const qntk_dataset *data, size_t *n)
{
    cli_kernels *kernels = &set.common.kernels;
    bool sphere = set.sphere > 0;
    qntk_status status = sphere ? QNTK_OK : cli_matrix_size(&set.common, data, n);
    if (status == QNTK_OK && set.top > *n)
        status = cli_message(QNTK_INVALID, "--top %zu: the matrix has %zu eigenvalues", set.top, *n);
    if (status == QNTK_OK && !sphere)
        status = cli_check_memory(*n, matrices());
    for (size_t i = 0; status == QNTK_OK && i < kernels->count; i++)
        status = qntk_kernel_resolve(&kernels->kernel[i], data->n, data->d, sphere ? NULL : data->X,
                                     set.common.seed);
    return status;
}

/* Runs the kernels in turn; *done of them are complete. A kernel that did not converge counts as complete,
 * with what it delivered, but the status says so. */
static qntk_status run_kernels(const qntk_dataset *data, report_kernel *reports, size_t *done)
{
    qntk_status worst = QNTK_OK;
    cli_kernels *kernels = &set.common.kernels;
    for (size_t i = 0; i < kernels->count; i++) {
        report_kernel *report = &reports[i];
        double start = cli_seconds();
        report->name = kernels->kernel[i].spec;
        qntk_status status = set.sphere > 0 ? spectrum_on_sphere(&kernels->kernel[i], report)
                                            : spectrum_of_data(&kernels->kernel[i], data, report);
        cli_progress_end();
        report->seconds = cli_seconds() - start;
        if (status == QNTK_NOT_CONVERGED) {
            fprintf(stderr, "%s: %s: %s\n", program.name, report->name, qntk_message());
            worst = status;
        } else if (status != QNTK_OK) {
            return status;
        }
        *done = i + 1;
    }
    return worst;
}

/* Writes what is complete, after a failure or an interrupt too, and says what is not. */
static int finish(qntk_status status, const spectrum_report *r, size_t wanted)
{
    bool incomplete = status != QNTK_OK && status != QNTK_NOT_CONVERGED;
    if (r->count == 0)
        return incomplete ? cli_fail(&program, status) : CLI_FAILURE;
    if (incomplete) /* kept: a failure to write has its own message */
        cli_note(&program, status, "; %zu of %zu kernels are complete", r->count, wanted);
    qntk_interrupt_clear(); /* what is complete is kept, plot included */
    qntk_status written = report_write(r, &set.common);
    if (written == QNTK_OK && !set.common.quiet)
        report_summary(r, stderr);
    int code = written == QNTK_OK ? 0 : cli_fail(&program, written);
    return status == QNTK_INTERRUPTED ? cli_interrupted() : status == QNTK_OK ? code : CLI_FAILURE;
}

/* Reads, checks, computes; the report has what is complete. */
static qntk_status run(spectrum_report *r, qntk_dataset *data)
{
    size_t n = 0;
    qntk_status status = set.common.data != NULL ? cli_read_data(&set.common, true, data) : QNTK_OK;
    if (status == QNTK_OK)
        status = prepare(data, &n);
    if (status == QNTK_OK)
        status = cli_meta(&program, data->n > 0 ? data->name : NULL, n, set.sphere > 0 ? set.sphere : data->d,
                          &r->meta);
    return status == QNTK_OK ? run_kernels(data, r->kernel, &r->count) : status;
}

int main(int argc, char **argv)
{
    bool end;
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end)
        code = check_usage();
    if (code != 0 || end)
        return code;
    qntk_status status = cli_begin(&program, "decay");
    if (status != QNTK_OK)
        return cli_fail(&program, status);

    qntk_dataset data = {0};
    size_t wanted = set.common.kernels.count;
    spectrum_report r = {.sphere = set.sphere > 0, .certified = set.certify};
    r.kernel = qntk_alloc_zero(wanted, sizeof *r.kernel);
    code = finish(r.kernel == NULL ? QNTK_NO_MEMORY : run(&r, &data), &r, wanted);
    for (size_t i = 0; i < wanted && r.kernel != NULL; i++)
        report_free(&r.kernel[i]);
    qntk_free(r.kernel);
    qntk_meta_free(&r.meta);
    qntk_dataset_free(&data);
    return code;
}
