/* kernel-compare --learning-curve: the error at growing sizes, measured on subsets of the data and predicted
 * from its spectrum; with --sphere predicted from the exact spectrum, without data. */
#include "compare_curve.h"
#include "compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES_MAX = 1000, DEGREE_MAX = 1000 };

typedef struct {
    compare_settings *set;
    compare_ridges ridges;
    cli_kernels kernels;
    size_t sizes, size[SIZES_MAX];
    double power[DEGREE_MAX + 1];
    qntk_curve_target target; /* of the sphere */
    qntk_dataset data;
    size_t targets;
    double *Y; /* (n,targets) */
} curve_job;

/* ---- the command line ---- */

/* A whole number from 0 up to one of `ends` or the end of the text. */
static bool read_count(const char **text, const char *ends, size_t *value)
{
    char *end = NULL;
    if (**text < '0' || **text > '9')
        return false;
    const unsigned long long number = strtoull(*text, &end, 10);
    *text = end;
    *value = (size_t)number;
    return number < 1000000000000 && (*end == '\0' || strchr(ends, *end) != NULL);
}

static int parse_sizes(const cli_program *program, curve_job *job)
{
    const char *text = job->set->learning_curve;
    size_t low, high, wanted;
    if (read_count(&text, ":", &low) && *text++ == ':' && read_count(&text, ":", &high) && *text++ == ':' &&
        read_count(&text, "", &wanted) && wanted <= SIZES_MAX &&
        qntk_curve_sizes(low, high, wanted, job->size, &job->sizes) == QNTK_OK)
        return 0;
    return cli_usage(
        program,
        "--learning-curve: expected LO:HI:N with 1 <= LO < HI and 2 <= N <= %d (or LO = HI and N "
        "= 1), found '%s'",
        SIZES_MAX, job->set->learning_curve);
}

/* "1,2,3": equal powers that sum to 1; "1:0.5,4:2": these. False if it is neither. */
static bool read_degrees(const char *text, curve_job *job)
{
    size_t listed = 0, with_power = 0;
    for (;; text++) {
        size_t degree;
        double power = 1;
        if (!read_count(&text, ":,", &degree) || degree > DEGREE_MAX || job->power[degree] > 0)
            return false;
        if (*text == ':') {
            char *end;
            power = strtod(text + 1, &end);
            if (end == text + 1 || !isfinite(power) || !(power > 0))
                return false;
            text = end;
            with_power++;
        }
        job->power[degree] = power;
        job->target.degrees = degree >= job->target.degrees ? degree + 1 : job->target.degrees;
        listed++;
        if (*text != ',')
            break;
    }
    for (size_t k = 0; k <= DEGREE_MAX && with_power == 0; k++)
        job->power[k] /= (double)listed;
    return *text == '\0' && (with_power == 0 || with_power == listed);
}

static int parse_target(const cli_program *program, curve_job *job)
{
    job->target.power = job->power;
    job->target.noise = isfinite(job->set->noise) ? job->set->noise : 0;
    if (read_degrees(job->set->target_degrees, job))
        return 0;
    return cli_usage(program,
                     "--target-degrees: expected degrees such as 1,2,3, or each with its power such as "
                     "1:0.5,3:0.5, each once and up to %d, found '%s'",
                     DEGREE_MAX, job->set->target_degrees);
}

static int check_usage(const cli_program *program, curve_job *job)
{
    compare_settings *set = job->set;
    cli_kernels *kernels = &set->common.kernels;
    if (set->common.data == NULL && set->sphere == 0)
        return cli_usage(program, "give --data SPEC, or --sphere D for a prediction without data");
    compare_usual_kernels(kernels);
    job->kernels = *kernels;
    for (size_t i = 0; i < kernels->count && set->sphere > 0; i++)
        if (kernels->kernel[i].family == QNTK_FAMILY_FILE)
            return cli_usage(program, "kernel '%s' is a matrix: it has no spectrum on the sphere",
                             kernels->kernel[i].spec);
    int code = parse_sizes(program, job);
    if (code == 0 && set->sphere > 0)
        code = parse_target(program, job);
    return code == 0 ? compare_parse_ridges(program, set->ridge, &job->ridges) : code;
}

/* ---- data ---- */

static qntk_status read_pool(curve_job *job)
{
    qntk_dataset *data = &job->data;
    qntk_status status = cli_read_data(&job->set->common, false, data);
    if (status != QNTK_OK)
        return status;
    if (data->y == NULL)
        return cli_message(QNTK_INVALID, "%s: kernel regression needs a target; --target none leaves none",
                           data->name);
    if (job->size[job->sizes - 1] > data->n)
        return cli_message(QNTK_INVALID,
                           "%s: --learning-curve: expected at most the %zu rows there are, found %zu",
                           data->name, data->n, job->size[job->sizes - 1]);
    job->targets = data->classes > 0 ? data->classes : 1;
    job->Y = qntk_alloc(data->n * job->targets, sizeof *job->Y);
    if (job->Y == NULL)
        return QNTK_NO_MEMORY;
    if (data->classes > 0)
        return qntk_labels_encode(data->n, data->y, data->classes, job->Y);
    memcpy(job->Y, data->y, data->n * sizeof *job->Y);
    return QNTK_OK;
}

/* The memory for K, its eigenvectors, and subsets side by side, in sizes of K; a subset takes three blocks, and its
 * path coefficients and what is left out for each ridge and target. */
static double memory_share(const curve_job *job)
{
    const double side_by_side = 1024, P = (double)job->data.n, largest = (double)job->size[job->sizes - 1];
    const double n = fmin(side_by_side, largest), threads = (double)qntk_threads();
    const double columns = (double)job->ridges.count * (double)job->targets;
    return 4 + (3 * n * n * threads + 2 * columns * fmax(n * threads, largest)) / (P * P);
}

static qntk_status run_data(const curve_job *job, qntk_kernel *kernel, curve_kernel *row)
{
    const qntk_dataset *data = &job->data;
    qntk_curve_pool pool = {0};
    qntk_curve_options options = {
        .repeats = job->set->repeats, .seed = job->set->common.seed, .classify = job->targets > 1};
    double *K = NULL;
    size_t n;
    qntk_status status =
        cli_kernel_matrix(&job->set->common, kernel, data, data->n, memory_share(job), &n, &K, row->route);
    if (status == QNTK_OK && job->ridges.automatic)
        status = compare_automatic_ridges(kernel->spec, n, K, row->ridge);
    else if (status == QNTK_OK)
        memcpy(row->ridge, job->ridges.value, row->ridges * sizeof *row->ridge);
    if (status != QNTK_OK)
        goto done;
    do
        status = qntk_curve_measure(n, K, job->targets, job->Y, job->sizes, job->size, row->ridges,
                                    row->ridge, options, row->point);
    while (compare_drop_ridge(status, &job->ridges, &row->ridges, row->ridge));
    if (status == QNTK_OK)
        status = qntk_curve_pool_create(n, K, job->targets, job->Y, &pool);
    if (status == QNTK_SINGULAR || status == QNTK_INVALID) /* of the matrix: say which */
        status = cli_message(status, "%s: %s", kernel->spec, qntk_message());
    if (status == QNTK_OK)
        status = qntk_curve_predict(&pool, job->sizes, row->point);
done:
    qntk_curve_pool_free(&pool);
    qntk_free(K);
    return status;
}

/* ---- the sphere ---- */

static qntk_status run_sphere(const curve_job *job, qntk_kernel *kernel, curve_kernel *row)
{
    qntk_status status = qntk_kernel_resolve(kernel, 0, 0, NULL, 0);
    if (status != QNTK_OK)
        return status;
    const double trace = qntk_kernel_cosine(kernel, 1); /* every K_ii */
    if (job->ridges.automatic)
        qntk_evaluate_ridges(1, &trace, 0, NULL, row->ridge);
    else
        memcpy(row->ridge, job->ridges.value, row->ridges * sizeof *row->ridge);
    status = qntk_curve_sphere(kernel, job->set->sphere, &job->target, job->sizes, job->size, row->ridges,
                               row->ridge, row->point, &row->degree);
    snprintf(row->route, sizeof row->route, "exact, degrees 0 to %zu", row->degree);
    return status;
}

/* ---- all of them ---- */

/* A kernel that did not converge counts as complete, with what it delivered, but the status says so. */
static qntk_status run_kernels(const cli_program *program, curve_job *job, curve_report *r)
{
    qntk_status worst = QNTK_OK;
    for (size_t k = 0; k < job->kernels.count; k++) {
        qntk_kernel *kernel = &job->kernels.kernel[k];
        curve_kernel *row = &r->kernel[k];
        const double start = cli_seconds();
        row->name = kernel->spec;
        qntk_status status = curve_kernel_allocate(row, job->sizes, job->ridges.count);
        if (status == QNTK_OK)
            status = r->sphere ? run_sphere(job, kernel, row) : run_data(job, kernel, row);
        cli_progress_end();
        if (status == QNTK_NOT_CONVERGED) {
            fprintf(stderr, "%s: %s: %s\n", program->name, row->name, qntk_message());
            worst = status;
        } else if (status != QNTK_OK) {
            return status;
        }
        row->bandwidth = qntk_kernel_is_radial(kernel) ? kernel->bandwidth : NAN;
        row->seconds = cli_seconds() - start;
        r->count = k + 1;
    }
    return worst;
}

static qntk_status add_meta(const curve_job *job, const cli_program *program, qntk_meta *meta)
{
    const qntk_dataset *data = &job->data;
    if (job->set->sphere > 0)
        return cli_meta(program, NULL, 0, job->set->sphere, meta);
    qntk_status status = cli_meta(program, data->name, data->n, data->d, meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(meta, "classes", data->classes);
    return status;
}

/* Writes what is complete, after a failure or an interrupt too, and says how it ended. */
static int finish(const curve_job *job, const cli_program *program, qntk_status status, curve_report *r)
{
    const cli_common *common = &job->set->common;
    if (r->count == 0)
        return cli_fail(program, status);
    if (status != QNTK_OK && status != QNTK_NOT_CONVERGED) /* told already */
        cli_note(program, status, "; %zu of %zu kernels are complete", r->count, job->kernels.count);
    qntk_interrupt_clear(); /* what is complete is kept, plot included */
    const qntk_status written = curve_report_write(r, common);
    if (written == QNTK_OK && !common->quiet)
        curve_report_summary(r, stderr);
    if (written != QNTK_OK)
        cli_fail(program, written);
    if (status == QNTK_INTERRUPTED)
        return cli_interrupted();
    return status == QNTK_OK && written == QNTK_OK ? 0 : CLI_FAILURE;
}

int compare_curve_run(const cli_program *program, compare_settings *set)
{
    static curve_job job; /* large: sizes and ridges */
    job = (curve_job){.set = set};
    int code = check_usage(program, &job);
    if (code != 0)
        return code;
    qntk_status status = cli_begin(program, "curve");
    if (status != QNTK_OK)
        return cli_fail(program, status);

    curve_report r = {.sphere = set->sphere > 0, .sizes = job.sizes};
    r.kernel = qntk_alloc_zero(job.kernels.count, sizeof *r.kernel);
    if (r.kernel == NULL)
        status = QNTK_NO_MEMORY;
    else if (!r.sphere)
        status = read_pool(&job);
    r.classify = job.targets > 1;
    if (status == QNTK_OK)
        status = add_meta(&job, program, &r.meta);
    if (status == QNTK_OK)
        status = run_kernels(program, &job, &r);
    code = finish(&job, program, status, &r);
    for (size_t k = 0; k < job.kernels.count && r.kernel != NULL; k++)
        curve_kernel_free(&r.kernel[k]);
    qntk_free(r.kernel);
    qntk_meta_free(&r.meta);
    qntk_dataset_free(&job.data);
    qntk_free(job.Y);
    return code;
}
