/* kernel-compare --data: kernels compared on the splits of one data set. */
#include "compare.h"
#include "compare_problem.h"
#include "compare_report.h"
#include "compare_svm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    compare_settings *set;
    compare_ridges ridges;
    compare_problem problem;
    cli_kernels kernels;
    compare_precision precision[CLI_KERNELS_MAX]; /* of each kernel, with --bits */
} comparison;

/* ---- one kernel ---- */

/* All ridges on all folds; keeps the one that leaving out chooses. K (n,n) is of all rows. */
static qntk_status fit_folds(const comparison *c, const double *K, compare_row *row)
{
    const qntk_dataset *data = &c->problem.data;
    const size_t count = row->ridges;
    qntk_evaluate_options options = qntk_evaluate_defaults();
    options.center = c->set->center;
    size_t most = 0;
    for (size_t f = 0; f < c->problem.folds; f++)
        most = c->problem.split[f].test_count > most ? c->problem.split[f].test_count : most;
    qntk_score *score = qntk_alloc(c->problem.folds * count, sizeof *score);
    double *answer = qntk_alloc(c->problem.folds * count, most * sizeof *answer);
    qntk_status status = score == NULL || answer == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    for (size_t f = 0; f < c->problem.folds && status == QNTK_OK; f++)
        status = qntk_evaluate_split(data->n, K, data->y, data->classes, &c->problem.split[f], count,
                                     row->ridge, options, score + f * count, answer + f * count * most);
    if (status == QNTK_OK) {
        const size_t best = qntk_evaluate_choose(c->problem.folds, count, score);
        for (size_t f = 0; f < c->problem.folds; f++) {
            row->fold[f] = score[f * count + best];
            for (size_t i = 0; i < c->problem.split[f].test_count; i++)
                row->answer[f][i] = answer[f * count * most + i * count + best];
        }
    }
    qntk_free(score);
    qntk_free(answer);
    return status;
}

/* The law of the eigenvalues of K/n, K of the rows of --data. */
static qntk_status fit_decay(const comparison *c, const double *K, compare_row *row)
{
    const size_t n = c->problem.train_rows, all = c->problem.data.n;
    double *head = NULL;
    qntk_spectrum spectrum = {0};
    if (n < all) {
        head = qntk_alloc(n * n, sizeof *head);
        if (head == NULL)
            return QNTK_NO_MEMORY;
        for (size_t i = 0; i < n; i++)
            memcpy(head + i * n, K + i * all, n * sizeof *head);
    }
    qntk_status status =
        qntk_spectrum_compute(n, head != NULL ? head : K, qntk_spectrum_defaults(), &spectrum);
    if (status == QNTK_OK) {
        for (size_t i = 0; i < n; i++)
            spectrum.eval[i] /= (double)n;
        qntk_decay_options options = qntk_decay_defaults();
        const double eps = c->set->common.precision == QNTK_PRECISION_SINGLE ? 0x1p-23 : 0x1p-52;
        options.floor = fmax(options.floor, qntk_decay_floor(n, spectrum.eval[0], eps));
        options.rows = n;
        status = qntk_decay_fit(n, spectrum.eval, options, &row->decay);
    }
    qntk_spectrum_free(&spectrum);
    qntk_free(head);
    return status;
}

/* Means over the folds, and the spread of what they differ in. */
static void summarise(compare_row *row)
{
    static const size_t member[] = {
        offsetof(qntk_score, ridge), offsetof(qntk_score, train), offsetof(qntk_score, test),
        offsetof(qntk_score, gap),   offsetof(qntk_score, loo),   offsetof(qntk_score, loo_mse),
        offsetof(qntk_score, kare),  offsetof(qntk_score, gcv),   offsetof(qntk_score, freedom),
        offsetof(qntk_score, rcond),
    };
    for (size_t k = 0; k < sizeof member / sizeof *member; k++) {
        double mean = 0, square = 0;
        const double folds = (double)row->folds;
        for (size_t f = 0; f < row->folds; f++)
            mean += *(double *)((char *)&row->fold[f] + member[k]);
        mean /= folds; /* at the end, so that the mean of ones is one */
        for (size_t f = 0; f < row->folds; f++) {
            const double off = *(double *)((char *)&row->fold[f] + member[k]) - mean;
            square += off * off;
        }
        *(double *)((char *)&row->mean + member[k]) = mean;
        *(double *)((char *)&row->sd + member[k]) = row->folds > 1 ? sqrt(square / (folds - 1)) : NAN;
    }
    row->mean.ridge = row->fold[0].ridge; /* the same in all, to the bit */
}

static qntk_status allocate_row(const comparison *c, compare_row *row)
{
    row->ridges = c->ridges.count;
    row->folds = c->problem.folds;
    row->ridge = qntk_alloc(row->ridges, sizeof *row->ridge);
    row->fold = qntk_alloc_zero(row->folds, sizeof *row->fold);
    row->answer = qntk_alloc_zero(row->folds, sizeof *row->answer);
    if (row->ridge == NULL || row->fold == NULL || row->answer == NULL)
        return QNTK_NO_MEMORY;
    for (size_t f = 0; f < row->folds; f++) {
        row->answer[f] = qntk_alloc(c->problem.split[f].test_count, sizeof **row->answer);
        if (row->answer[f] == NULL)
            return QNTK_NO_MEMORY;
    }
    return QNTK_OK;
}

/* Numbers of a path of ridges on a fold: coefficients, fitted values and those left out, and predictions, of each
 * ridge and target; the diagonals of the inverses; and the answers of all folds. */
static double path_numbers(const comparison *c, double train, double test)
{
    const size_t classes = c->problem.data.classes;
    const double targets = (double)(classes > 0 ? classes : 1) + (c->set->center ? 1 : 0);
    return (double)c->ridges.count * ((3 * train + test) * targets + train + (double)c->problem.folds * test);
}

/* The memory for K and the work on a fold, in sizes of K: the blocks of the fold, its reduction and its path. */
static double memory_share(const comparison *c)
{
    const bool svm = c->set->solver == COMPARE_SVM;
    const double square = (double)c->problem.data.n * (double)c->problem.data.n;
    const double blocks = svm ? 2.5 : 3; /* libsvm's entries take 16 bytes */
    double most = 0.5;                   /* eigenvalues */
    for (size_t f = 0; f < c->problem.folds; f++) {
        const double train = (double)c->problem.split[f].train_count,
                     test = (double)c->problem.split[f].test_count;
        const double path = svm ? 0 : path_numbers(c, train, test);
        most = fmax(most, (blocks * train * train + train * test + path) / square);
    }
    return 1 + most;
}

/* The grid of ridges or of C, of the rows of --data: what is trained does not depend on the rows of --test. */
static qntk_status automatic_grid(const comparison *c, size_t n, const double *K, compare_row *row)
{
    const bool svm = c->set->solver == COMPARE_SVM;
    double mean = 0;
    if (c->problem.test_file) { /* a matrix of one entry with the same mean diagonal */
        for (size_t i = 0; i < c->problem.train_rows; i++)
            mean += K[i * (n + 1)] / (double)c->problem.train_rows;
        n = 1;
        K = &mean;
    }
    if (svm)
        return qntk_svm_grid(n, K, row->ridge);
    return compare_automatic_ridges(row->name, n, K, row->ridge);
}

/* Every ridge, or every C. */
static qntk_status try_solver(const comparison *c, size_t n, const double *K, compare_row *row)
{
    const bool svm = c->set->solver == COMPARE_SVM;
    qntk_status status = QNTK_OK;
    if (c->ridges.automatic)
        status = automatic_grid(c, n, K, row);
    else
        memcpy(row->ridge, c->ridges.value, row->ridges * sizeof *row->ridge);
    if (status != QNTK_OK)
        return status;
    if (svm)
        return compare_svm_folds(c->set, &c->problem.data, K, c->problem.split, c->ridges.automatic, row);
    do
        status = fit_folds(c, K, row);
    while (compare_drop_ridge(status, &c->ridges, &row->ridges, row->ridge));
    return status;
}

static qntk_status run_kernel(const comparison *c, qntk_kernel *kernel, compare_row *row)
{
    double *K = NULL;
    size_t n = 0;
    row->name = kernel->spec;
    qntk_status status = allocate_row(c, row);
    if (status == QNTK_OK)
        status = cli_kernel_matrix(&c->set->common, kernel, &c->problem.data, c->problem.train_rows,
                                   memory_share(c), &n, &K, row->route);
    if (status == QNTK_OK) {
        row->bandwidth = qntk_kernel_is_radial(kernel) ? kernel->bandwidth : NAN;
        status = try_solver(c, n, K, row);
    }
    if (status == QNTK_OK)
        status = fit_decay(c, K, row);
    if (status == QNTK_OK)
        summarise(row);
    qntk_free(K);
    return status;
}

/* ---- all of them ---- */

/* All that can be said before long work: sizes, memory, bandwidths. */
static qntk_status prepare(comparison *c)
{
    size_t n;
    const qntk_dataset *data = &c->problem.data;
    qntk_status status = cli_matrix_size(&c->set->common, data, &n);
    if (status == QNTK_OK)
        status = cli_check_memory(n, memory_share(c));
    for (size_t k = 0; status == QNTK_OK && k < c->kernels.count; k++)
        status = qntk_kernel_resolve(&c->kernels.kernel[k], c->problem.train_rows, data->d, data->X,
                                     c->set->common.seed);
    return status;
}

/* The precision that leaving out chooses: the smallest loo, ties by loo_mse, then fewer bits. */
static qntk_status choose_bits(const comparison *c, compare_report *r)
{
    qntk_score *score = qntk_alloc(r->count, sizeof *score);
    if (score == NULL)
        return QNTK_NO_MEMORY;
    for (size_t k = 0; k < r->count; k++) {
        score[k] = r->row[k].mean;
        score[k].ridge = c->precision[k].bits; /* which is what settles the last ties */
    }
    r->row[qntk_evaluate_choose(1, r->count, score)].chosen = true;
    qntk_free(score);
    return QNTK_OK;
}

static qntk_status run_kernels(comparison *c, compare_report *r)
{
    for (size_t k = 0; k < c->kernels.count; k++) {
        const double start = cli_seconds();
        r->row[k].bits = r->bits ? c->precision[k].text : NULL;
        qntk_status status = run_kernel(c, &c->kernels.kernel[k], &r->row[k]);
        cli_progress_end();
        if (status == QNTK_SINGULAR)
            status = cli_message(status, "%s: %s", c->kernels.kernel[k].spec, qntk_message());
        if (status != QNTK_OK)
            return status;
        r->row[k].seconds = cli_seconds() - start;
        r->count = k + 1;
    }
    return r->bits ? choose_bits(c, r) : QNTK_OK;
}

static qntk_status add_meta(const comparison *c, const cli_program *program, qntk_meta *meta)
{
    const qntk_dataset *data = &c->problem.data;
    qntk_status status = cli_meta(program, data->name, c->problem.train_rows, data->d, meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(meta, "classes", data->classes);
    if (status == QNTK_OK)
        status = qntk_meta_text(meta, "protocol", c->problem.protocol);
    if (status == QNTK_OK && c->set->test != NULL)
        status = qntk_meta_count(meta, "test_n", data->n - c->problem.train_rows);
    return status;
}

/* Writes what is complete, after a failure or an interrupt too, and says what is not. */
static int finish(const comparison *c, const cli_program *program, qntk_status status,
                  const compare_report *r)
{
    const cli_common *common = &c->set->common;
    if (r->count == 0)
        return cli_fail(program, status);
    if (status != QNTK_OK) /* kept: a failure to write has its own message */
        cli_note(program, status, "; %zu of %zu kernels are complete", r->count, c->kernels.count);
    qntk_interrupt_clear(); /* what is complete is kept, plot included */
    qntk_status written = c->set->predictions != NULL
                              ? compare_report_predictions(r, &c->problem, c->set->predictions)
                              : QNTK_OK;
    if (written == QNTK_OK)
        written = compare_report_write(r, common);
    if (written == QNTK_OK && !common->quiet)
        compare_report_summary(r, stderr);
    const int code = written == QNTK_OK ? 0 : cli_fail(program, written);
    return status == QNTK_INTERRUPTED ? cli_interrupted() : status == QNTK_OK ? code : CLI_FAILURE;
}

static int check_solver(const cli_program *program, comparison *c)
{
    const compare_settings *set = c->set;
    if (set->solver == COMPARE_RIDGE)
        return cli_given(program, "C") ? cli_usage(program, "--C means nothing without --solver svm")
                                       : compare_parse_ridges(program, set->ridge, &c->ridges);
    const bool ridge = strcmp(set->ridge, "auto") != 0; /* what a recorded command says is fine */
    if (ridge || set->center)
        return cli_usage(program, "--%s means nothing with --solver svm", ridge ? "ridge" : "center");
    if (set->bits != NULL)
        return cli_usage(program, "--bits chooses by leaving rows out, which --solver svm does not do");
    return compare_parse_C(program, set->C, &c->ridges);
}

static int check_usage(const cli_program *program, comparison *c)
{
    compare_settings *set = c->set;
    cli_kernels *kernels = &set->common.kernels;
    if (set->common.data == NULL)
        return cli_usage(program, "give --data SPEC");
    if (set->test != NULL && set->common.missing == QNTK_MISSING_MEAN)
        return cli_usage(program,
                         "--missing mean means nothing with --test: the means of which rows? Pass drop");
    int code = check_solver(program, c);
    if (code != 0 || set->bits != NULL)
        return code != 0 ? code : compare_parse_bits(program, set, &c->kernels, c->precision);
    compare_usual_kernels(kernels);
    c->kernels = *kernels;
    return 0;
}

int compare_data_run(const cli_program *program, compare_settings *set)
{
    static comparison c; /* large: the ridges */
    c = (comparison){.set = set};
    int code = check_usage(program, &c);
    if (code != 0)
        return code;
    qntk_status status = cli_begin(program, set->bits != NULL ? "bits" : "compare");
    if (status != QNTK_OK)
        return cli_fail(program, status);

    compare_report r = {0};
    r.row = qntk_alloc_zero(c.kernels.count, sizeof *r.row);
    status = r.row == NULL ? QNTK_NO_MEMORY : compare_problem_read(set, &c.problem);
    if (status == QNTK_OK)
        status = prepare(&c);
    r.bits = set->bits != NULL;
    r.classify = c.problem.data.classes > 0;
    r.one_split = c.problem.folds == 1;
    r.svm = set->solver == COMPARE_SVM;
    r.rows = c.problem.train_rows;
    if (status == QNTK_OK)
        status = add_meta(&c, program, &r.meta);
    if (status == QNTK_OK)
        status = run_kernels(&c, &r);
    code = finish(&c, program, status, &r);
    for (size_t k = 0; k < c.kernels.count && r.row != NULL; k++)
        compare_row_free(&r.row[k]);
    qntk_free(r.row);
    qntk_meta_free(&r.meta);
    compare_problem_free(&c.problem);
    return code;
}
