/* The published protocol on one data set: hyperparameters on the pair, then the folds. */
#include "study_internal.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

qntk_study_options qntk_study_defaults(void)
{
    return (qntk_study_options){.depths = 3,
                                .depth = {1, 2, 3},
                                .bandwidths = 5,
                                .bandwidth = {0.25, 0.5, 1, 2, 4},
                                .ridges = 9,
                                .ridge = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100},
                                .precision = QNTK_PRECISION_DOUBLE};
}

void qntk_study_params(const qntk_kernel *kernel, char params[QNTK_STUDY_PARAMS])
{
    char number[QNTK_NUMBER_BYTES];
    if (kernel->family == QNTK_FAMILY_NETWORK) {
        snprintf(params, QNTK_STUDY_PARAMS, "depth=%zu", kernel->network.depth);
        return;
    }
    qntk_format_shortest(kernel->bandwidth, number);
    snprintf(params, QNTK_STUDY_PARAMS, "bandwidth=%s", number);
}

/* ---- the median distance of all rows ---- */

typedef struct {
    size_t n, d;
    const double *X;  /* (n,d) */
    double *distance; /* (n (n-1) / 2), pairs (i,j), j < i, at i (i-1)/2 + j */
} all_pairs;

static qntk_status distances_of_row(void *context, size_t index, size_t worker)
{
    (void)worker;
    const all_pairs *p = context;
    const size_t i = p->n - 1 - index; /* long rows first */
    double *row = p->distance + i * (i - 1) / 2;
    for (size_t j = 0; j < i; j++)
        row[j] = sqrt(qntk_distance_squared(p->d, p->X + i * p->d, p->X + j * p->d));
    return QNTK_OK;
}

qntk_status qntk_study_median(size_t n, size_t d, const double *X, double *distance)
{
    QNTK_REQUIRE(distance != NULL, "distance must not be NULL");
    *distance = 0;
    QNTK_REQUIRE(n >= 2 && X != NULL, "the median distance needs at least two rows");
    const size_t count = n * (n - 1) / 2;
    all_pairs p = {.n = n, .d = d, .X = X, .distance = qntk_alloc(count, sizeof(double))};
    if (p.distance == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = qntk_parallel_for(n - 1, distances_of_row, &p);
    if (status == QNTK_OK) {
        const double median = gsl_stats_median(p.distance, 1, count);
        if (median > 0 && median <= 1e150)
            *distance = median;
        else
            status = qntk_fail(QNTK_INVALID,
                               "the median distance of all rows is %g; give bandwidth=NUMBER to the kernel",
                               median);
    }
    qntk_free(p.distance);
    return status;
}

/* ---- one kernel ---- */

typedef struct {
    const qntk_dataset *data;
    const qntk_study_options *options;
    double median; /* of the distances; 0 until it is asked for */
    double *K;     /* (n,n): of the candidate at hand, */
    double *best;  /* (n,n): and of the best one */
    size_t least;  /* the first ridge that is tried: smaller ones left a fold singular */
} study;

/* The specification names this key. */
static bool names_key(const char *spec, const char *key)
{
    const size_t length = strlen(key);
    for (const char *at = strpbrk(spec, ":"); at != NULL; at = strpbrk(at + 1, ","))
        if (strncmp(at + 1, key, length) == 0 && at[1 + length] == '=')
            return true;
    return false;
}

/* How many depths or bandwidths there are to try. */
static size_t candidates_of(const qntk_kernel *kernel, const qntk_study_options *options)
{
    if (kernel->family == QNTK_FAMILY_NETWORK)
        return names_key(kernel->spec, "depth") ? 1 : options->depths;
    return names_key(kernel->spec, "bandwidth") ? 1 : options->bandwidths;
}

/* The kernel as candidate `index` of its grid. */
static qntk_status make_candidate(study *s, const qntk_kernel *kernel, size_t index, qntk_kernel *candidate)
{
    const qntk_dataset *data = s->data;
    *candidate = *kernel;
    if (kernel->family == QNTK_FAMILY_NETWORK) {
        if (!names_key(kernel->spec, "depth"))
            candidate->network.depth = s->options->depth[index];
        return QNTK_OK;
    }
    if (kernel->bandwidth > 0) /* by the specification */
        return QNTK_OK;
    if (s->median == 0) {
        qntk_status status = qntk_study_median(data->n, data->d, data->X, &s->median);
        if (status != QNTK_OK)
            return status;
    }
    /* bandwidth=median is a choice like any other: nothing is left to search */
    const bool given = names_key(kernel->spec, "bandwidth");
    candidate->bandwidth = s->median * (given ? 1 : s->options->bandwidth[index]);
    return QNTK_OK;
}

static qntk_status fill_matrix(const study *s, const qntk_kernel *kernel, double *K)
{
    const qntk_dataset *data = s->data;
    qntk_gram_options options = qntk_gram_defaults();
    options.precision = s->options->precision;
    qntk_gram *gram;
    qntk_status status = qntk_gram_create(kernel, data->d, data->n, data->X, 0, NULL, options, &gram);
    if (status == QNTK_OK)
        status = qntk_gram_fill(gram, K);
    qntk_gram_destroy(&gram);
    return status;
}

/* trace(K)/n of the training block. */
static double mean_diagonal(const study *s, const double *K, const qntk_split *split)
{
    double sum = 0;
    for (size_t i = 0; i < split->train_count; i++)
        sum += K[split->train[i] * (s->data->n + 1)];
    return sum / (double)split->train_count;
}

/* Fits K to a split with ridges in units of the mean diagonal. */
static qntk_status evaluate(const study *s, const double *K, const qntk_split *split, size_t count,
                            const double *ridge, qntk_score *score)
{
    double absolute[QNTK_STUDY_GRID];
    const double unit = mean_diagonal(s, K, split);
    for (size_t r = 0; r < count; r++)
        absolute[r] = ridge[r] * unit;
    qntk_evaluate_options options = qntk_evaluate_defaults();
    options.detail = QNTK_RIDGE_FIT;
    return qntk_evaluate_split(s->data->n, K, s->data->y, s->data->classes, split, count, absolute, options,
                               score, NULL);
}

/* score (ridges): of the pair. The smallest ridges, *first of them, are left out where they leave the matrix
 * singular to rounding, as they may in single precision. */
static qntk_status evaluate_pair(const study *s, size_t *first, qntk_score *score)
{
    const qntk_study_options *o = s->options;
    qntk_status status = QNTK_SINGULAR;
    for (*first = s->least; *first < o->ridges; ++*first) {
        status =
            evaluate(s, s->K, &s->data->validation, o->ridges - *first, o->ridge + *first, score + *first);
        if (status != QNTK_SINGULAR)
            return status;
    }
    return status;
}

/* The best depth or bandwidth and ridge on the pair, and s->best, its matrix. */
static qntk_status search(study *s, const qntk_kernel *kernel, qntk_study_result *result)
{
    const qntk_study_options *options = s->options;
    qntk_score score[QNTK_STUDY_GRID];
    qntk_status status = QNTK_OK;
    result->validation = -1;
    for (size_t index = 0; index < candidates_of(kernel, options) && status == QNTK_OK; index++) {
        qntk_kernel candidate;
        status = make_candidate(s, kernel, index, &candidate);
        if (status == QNTK_OK)
            status = fill_matrix(s, &candidate, s->K);
        size_t first = 0;
        if (status == QNTK_OK)
            status = evaluate_pair(s, &first, score);
        bool better = false;
        for (size_t r = first; r < options->ridges && status == QNTK_OK; r++)
            if (score[r].test > result->validation) { /* the first of equals stays */
                result->validation = score[r].test;
                result->ridge = options->ridge[r];
                result->kernel = candidate;
                better = true;
            }
        if (better) {
            double *swap = s->best;
            s->best = s->K;
            s->K = swap;
        }
    }
    return status;
}

double qntk_study_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

long double qntk_study_exact(double share, size_t count)
{
    return roundl((long double)share * (long double)count) / (long double)count;
}

/* The search, and the folds with what it chose. */
static qntk_status run_protocol(study *s, const qntk_kernel *kernel, qntk_study_result *result)
{
    const size_t folds = s->data->folds;
    long double train = 0, test = 0;
    qntk_status status = search(s, kernel, result);
    for (size_t f = 0; f < folds && status == QNTK_OK; f++) {
        const qntk_split *fold = &s->data->fold[f];
        qntk_score score;
        status = evaluate(s, s->best, fold, 1, &result->ridge, &score);
        train += qntk_study_exact(score.train, fold->train_count);
        test += qntk_study_exact(score.test, fold->test_count);
    }
    result->train = (double)(train / (long double)folds);
    result->test = (double)(test / (long double)folds);
    result->gap = result->train - result->test;
    return status;
}

static qntk_status study_kernel(study *s, const qntk_kernel *kernel, qntk_study_result *result)
{
    const qntk_study_options *o = s->options;
    const double start = qntk_study_clock();
    qntk_status status;
    s->least = 0;
    do { /* again only if the ridge chosen leaves a fold singular: from the next one on */
        status = run_protocol(s, kernel, result);
        while (status == QNTK_SINGULAR && s->least < o->ridges && o->ridge[s->least++] < result->ridge)
            ;
    } while (status == QNTK_SINGULAR && s->least < o->ridges && result->validation >= 0);
    result->seconds = qntk_study_clock() - start;
    return status;
}

/* Puts the kernel's name before the message of a singular matrix. */
static void name_kernel(const qntk_kernel *kernel)
{
    char message[512];
    snprintf(message, sizeof message, "%s", qntk_message());
    qntk_fail(QNTK_SINGULAR, "%s: %s", kernel->spec, message);
}

/* ---- arguments ---- */

bool qntk_study_ascending(size_t count, const double *values)
{
    bool good = count >= 1 && count <= QNTK_STUDY_GRID && values[0] >= 0 && isfinite(values[count - 1]);
    for (size_t i = 1; good && i < count; i++)
        good = values[i] > values[i - 1];
    return good;
}

static qntk_status check_options(const qntk_study_options *options)
{
    double depth[QNTK_STUDY_GRID];
    QNTK_REQUIRE(options->depths <= QNTK_STUDY_GRID, "too many depths");
    for (size_t i = 0; i < options->depths; i++)
        depth[i] = (double)options->depth[i];
    QNTK_REQUIRE(qntk_study_ascending(options->depths, depth) && depth[0] >= 1 &&
                     options->depth[options->depths - 1] <= QNTK_DEPTH_MAX,
                 "the grid of depths must ascend within 1 .. 256");
    QNTK_REQUIRE(qntk_study_ascending(options->bandwidths, options->bandwidth) && options->bandwidth[0] > 0,
                 "the grid of bandwidths must be positive and ascend");
    QNTK_REQUIRE(qntk_study_ascending(options->ridges, options->ridge),
                 "the grid of ridges must ascend from 0 or more");
    return QNTK_OK;
}

bool qntk_study_rows_below(size_t n, const qntk_split *split)
{
    bool below = true;
    for (size_t i = 0; i < split->train_count; i++)
        below = below && split->train[i] < n;
    for (size_t i = 0; i < split->test_count; i++)
        below = below && split->test[i] < n;
    return below;
}

qntk_status qntk_study_check(const qntk_dataset *data)
{
    QNTK_REQUIRE(data->classes >= 1 && data->y != NULL, "the study is of classification: no classes");
    QNTK_REQUIRE(data->validation.train_count >= 1 && data->validation.test_count >= 1,
                 "the set has no pair to choose hyperparameters on");
    QNTK_REQUIRE(data->folds >= 1, "the set has no folds");
    for (size_t f = 0; f < data->folds; f++)
        QNTK_REQUIRE(data->fold[f].train_count >= 1 && data->fold[f].test_count >= 1,
                     "a fold has no rows to train or to test on");
    bool below = qntk_study_rows_below(data->n, &data->validation);
    for (size_t f = 0; f < data->folds; f++)
        below = below && qntk_study_rows_below(data->n, &data->fold[f]);
    QNTK_REQUIRE(below, "the splits name rows that the set does not have");
    return QNTK_OK;
}

static qntk_status check_kernels(size_t count, const qntk_kernel *kernels)
{
    for (size_t k = 0; k < count; k++)
        QNTK_REQUIRE(kernels[k].family != QNTK_FAMILY_FILE, "a matrix from a file belongs to one data set");
    return QNTK_OK;
}

qntk_status qntk_study_set(const qntk_dataset *data, size_t count, const qntk_kernel *kernels,
                           qntk_study_options options, qntk_study_result *result)
{
    QNTK_REQUIRE(data != NULL && kernels != NULL && result != NULL,
                 "data, kernels and result must not be NULL");
    memset(result, 0, count * sizeof *result);
    qntk_status status = check_options(&options);
    if (status == QNTK_OK)
        status = qntk_study_check(data);
    if (status == QNTK_OK)
        status = check_kernels(count, kernels);
    if (status != QNTK_OK)
        return status;
    const double bytes = 2 * (double)data->n * (double)data->n * sizeof(double);
    status = qntk_memory_check(bytes < 1e18 ? (size_t)bytes : SIZE_MAX, "two kernel matrices of this set",
                               "lower --max-n");
    if (status != QNTK_OK)
        return status;
    study s = {.data = data, .options = &options};
    s.K = qntk_alloc(data->n * data->n, sizeof(double));
    s.best = qntk_alloc(data->n * data->n, sizeof(double));
    if (s.K == NULL || s.best == NULL)
        status = QNTK_FAIL_MEMORY();
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        status = study_kernel(&s, &kernels[k], &result[k]);
        if (status == QNTK_SINGULAR)
            name_kernel(&kernels[k]);
    }
    qntk_free(s.K);
    qntk_free(s.best);
    if (status != QNTK_OK)
        memset(result, 0, count * sizeof *result);
    return status;
}
