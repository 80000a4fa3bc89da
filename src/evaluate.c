/* Kernel regression on one split: gather, fit, judge. */
#include "internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GATHER_ROWS = 32 }; /* to an item */

typedef struct {
    size_t n, classes, count;
    const double *K, *y, *ridge;
    const qntk_split *split;
    qntk_evaluate_options options;
    size_t m, columns;      /* targets; with `center` one more column, of ones */
    double *train_K;        /* (t,t) of t training rows */
    double *test_K;         /* (s,t) of s test rows */
    double *Y;              /* (t,columns), centred */
    double *mean;           /* (m), what was subtracted */
    double *label;          /* (max(t,s)): of the rows being judged, */
    double *answer;         /* (max(t,s)): and what was said */
    double *fitted, *tests; /* (t,count,columns), (s,count,columns): scores */
    qntk_ridge_path path;
} evaluation;

qntk_evaluate_options qntk_evaluate_defaults(void)
{
    return (qntk_evaluate_options){.detail = QNTK_RIDGE_LEAVE_ONE_OUT, .route = QNTK_RIDGE_ROUTE_AUTO};
}

void qntk_evaluate_ridges(size_t n, const double *K, size_t count, const size_t *rows,
                          double ridge[QNTK_EVALUATE_RIDGES])
{
    static const double factor[QNTK_EVALUATE_RIDGES] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100};
    const size_t used = rows != NULL ? count : n;
    double trace = 0;
    for (size_t i = 0; i < used; i++)
        trace += K[(rows != NULL ? rows[i] : i) * (n + 1)];
    for (size_t r = 0; r < QNTK_EVALUATE_RIDGES; r++)
        ridge[r] = factor[r] * (trace / (double)used);
}

size_t qntk_evaluate_choose(size_t folds, size_t count, const qntk_score *score)
{
    size_t best = 0;
    double best_loo = INFINITY, best_mse = INFINITY;
    for (size_t r = 0; r < count; r++) {
        double loo = 0, mse = 0;
        for (size_t f = 0; f < folds; f++) {
            loo += score[f * count + r].loo;
            mse += score[f * count + r].loo_mse;
        }
        const bool smaller = score[r].ridge < score[best].ridge;
        if (loo < best_loo || (loo == best_loo && (mse < best_mse || (mse == best_mse && smaller)))) {
            best = r;
            best_loo = loo;
            best_mse = mse;
        }
    }
    return best;
}

/* ---- gather ---- */

static qntk_status gather_rows(void *context, size_t index, size_t worker)
{
    (void)worker;
    const evaluation *e = context;
    const size_t t = e->split->train_count, rows = t + e->split->test_count;
    for (size_t i = index * GATHER_ROWS; i < qntk_min((index + 1) * GATHER_ROWS, rows); i++) {
        const double *from = e->K + (i < t ? e->split->train[i] : e->split->test[i - t]) * e->n;
        double *to = i < t ? e->train_K + i * t : e->test_K + (i - t) * t;
        for (size_t j = 0; j < t; j++)
            to[j] = from[e->split->train[j]];
    }
    return QNTK_OK;
}

static void gather_labels(const evaluation *e, size_t count, const size_t *rows)
{
    for (size_t i = 0; i < count; i++)
        e->label[i] = e->y[rows[i]];
}

/* Y from the training labels, which are in e->label. */
static qntk_status make_targets(const evaluation *e)
{
    const size_t t = e->split->train_count;
    double *codes = e->Y; /* (t,m) first, spread to (t,columns) below */
    if (e->classes > 0) {
        qntk_status status = qntk_labels_encode(t, e->label, e->classes, codes);
        if (status != QNTK_OK)
            return status;
    } else {
        memcpy(codes, e->label, t * sizeof(double));
    }
    memset(e->mean, 0, e->m * sizeof(double));
    if (!e->options.center)
        return QNTK_OK;
    for (size_t i = 0; i < t; i++)
        for (size_t c = 0; c < e->m; c++)
            e->mean[c] += codes[i * e->m + c] / (double)t;
    for (size_t i = t; i-- > 0;) { /* from the end: the wider rows overtake nothing unread */
        e->Y[i * e->columns + e->m] = 1;
        for (size_t c = e->m; c-- > 0;)
            e->Y[i * e->columns + c] = codes[i * e->m + c] - e->mean[c];
    }
    return QNTK_OK;
}

/* ---- judge ---- */

/* Adds the mean to the scores of `rows` rows. */
static void add_mean(const evaluation *e, size_t rows, double *scores)
{
    for (size_t i = 0; i < rows * e->count; i++)
        for (size_t c = 0; c < e->m; c++)
            scores[i * e->columns + c] += e->mean[c];
}

/* Where K_ii = 0 the whole row of a semidefinite K is zero and so is f, exactly: scores tie there, and the
 * rounding of y - ridge alpha is not to decide between classes. */
static void clear_silent_rows(const evaluation *e)
{
    const size_t t = e->split->train_count, scores = e->count * e->columns;
    for (size_t i = 0; i < t; i++)
        if (e->train_K[i * (t + 1)] == 0) {
            memset(e->fitted + i * scores, 0, scores * sizeof(double));
            if (e->path.left_out != NULL)
                memset(e->path.left_out + i * scores, 0, scores * sizeof(double));
        }
}

/* The row left out is to be left out of the mean too. With u_i = y_i - mean and t rows, the mean of the others
 * is mean - u_i/(t-1), and since f_{-i} is linear in its targets
 *     f_{-i}(x_i; y - mean_{-i}) + mean_{-i} = f_{-i}(x_i; u) + mean + u_i/(t-1) (f_{-i}(x_i; 1) - 1) */
static void center_left_out(const evaluation *e)
{
    const size_t t = e->split->train_count;
    for (size_t i = 0; i < t; i++)
        for (size_t r = 0; r < e->count; r++) {
            double *score = e->path.left_out + (i * e->count + r) * e->columns;
            for (size_t c = 0; c < e->m; c++) {
                const double shift = t > 1 ? e->Y[i * e->columns + c] / (double)(t - 1) : 0;
                score[c] = t > 1 ? score[c] + e->mean[c] + shift * (score[e->m] - 1) : 0;
            }
        }
}

/* Answers to `rows` rows from the scores of ridge r, beside e->label: *right the number of classes hit, or
 * *error the mean squared error of values. */
static qntk_status judge(const evaluation *e, size_t rows, const double *scores, size_t r, double *right,
                         double *error)
{
    const size_t stride = e->count * e->columns;
    *right = *error = 0;
    if (e->classes > 0) {
        qntk_status status = qntk_labels_decode(rows, e->classes, scores + r * e->columns, stride, e->answer);
        for (size_t i = 0; i < rows; i++)
            *right += e->answer[i] == e->label[i];
        return status;
    }
    for (size_t i = 0; i < rows; i++) {
        const double value = scores[i * stride + r * e->columns], miss = e->label[i] - value;
        e->answer[i] = value;
        *error += miss * miss / (double)rows;
    }
    return *error <= DBL_MAX
               ? QNTK_OK
               : qntk_fail(QNTK_NOT_FINITE, "ridge %g: predictions leave the range of doubles", e->ridge[r]);
}

/* KARE, GCV and the squares of the left-out errors, from the coefficients. */
static void judge_targets(const evaluation *e, size_t r, qntk_score *score)
{
    const qntk_ridge_fit *fit = &e->path.fit[r];
    const size_t t = e->split->train_count;
    const double n = (double)t;
    double residual = 0, ratio = 0, out = 0;
    for (size_t i = 0; i < t; i++)
        for (size_t c = 0; c < e->m; c++) {
            const size_t at = (i * e->count + r) * e->columns + c;
            const double alpha = e->path.alpha[at];
            residual += fit->ridge * alpha * fit->ridge * alpha;
            ratio += (alpha / fit->trace) * (alpha / fit->trace);
            if (e->path.left_out != NULL) {
                const double y = e->Y[i * e->columns + c] + e->mean[c];
                out += (y - e->path.left_out[at]) * (y - e->path.left_out[at]);
            }
        }
    const double share = fit->ridge * fit->trace / n; /* 1 - freedom/n, without its cancellation */
    score->ridge = fit->ridge;
    score->rcond = fit->rcond;
    score->train = residual / n; /* of regression */
    score->kare = n * ratio;     /* n |alpha|^2 / (tr G)^2 */
    score->gcv = fit->ridge > 0 ? residual / n / (share * share) : NAN;
    score->freedom = fit->freedom;
    score->loo_mse = e->path.left_out != NULL ? out / n : NAN;
}

static qntk_status judge_ridge(const evaluation *e, size_t r, qntk_score *score, double *prediction)
{
    const size_t t = e->split->train_count, s = e->split->test_count;
    double right, error;
    judge_targets(e, r, score);
    gather_labels(e, t, e->split->train);
    qntk_status status = judge(e, t, e->fitted, r, &right, &error);
    if (e->classes > 0)
        score->train = right / (double)t;
    score->loo = score->test = score->gap = NAN;
    if (status == QNTK_OK && e->path.left_out != NULL) {
        status = judge(e, t, e->path.left_out, r, &right, &error);
        score->loo = e->classes > 0 ? ((double)t - right) / (double)t : error;
    }
    if (status != QNTK_OK || s == 0)
        return status;
    gather_labels(e, s, e->split->test);
    status = judge(e, s, e->tests, r, &right, &error);
    score->test = e->classes > 0 ? right / (double)s : error;
    score->gap = e->classes > 0 ? score->train - score->test : score->test - score->train;
    for (size_t i = 0; i < s && prediction != NULL; i++)
        prediction[i * e->count + r] = e->answer[i];
    return status;
}

/* ---- a ridge that is enough ---- */

/* A singular matrix: adds to the message which ridge to give. Found by trying powers of ten, because a matrix
 * with negative eigenvalues (one from a file) needs more than its size tells. */
static qntk_status suggest_ridge(const evaluation *e)
{
    enum { TRIES = 24 }; /* from rounding to beyond the norm of K */
    const size_t t = e->split->train_count;
    char message[512];
    snprintf(message, sizeof message, "%s", qntk_message());
    double norm = 0;
    for (size_t i = 0; i < t; i++) {
        double row = 0;
        for (size_t j = 0; j < t; j++)
            row += fabs(e->train_K[i * t + j]);
        norm = fmax(norm, row);
    }
    const double least = 100 * (double)(t + 16) * DBL_EPSILON * norm; /* rcond well above rounding */
    const double first = least > 0 ? ceil(log10(least)) : 0;
    qntk_ridge_options options = {.detail = QNTK_RIDGE_FIT, .route = QNTK_RIDGE_ROUTE_CHOLESKY};
    qntk_status status = QNTK_SINGULAR;
    for (int k = 0; k < TRIES && status == QNTK_SINGULAR; k++) {
        const double ridge = pow(10, first + k);
        qntk_ridge_path path;
        status = qntk_ridge_solve(t, e->train_K, 1, e->label, 1, &ridge, options, &path);
        qntk_ridge_path_free(&path);
        if (status == QNTK_OK)
            return qntk_fail(QNTK_SINGULAR, "%s to %g or more", message, ridge);
    }
    return status;
}

/* ---- the whole ---- */

static qntk_status check_split(size_t n, const qntk_split *split)
{
    for (size_t i = 0; i < split->train_count; i++)
        if (split->train[i] >= n)
            return qntk_fail(QNTK_INVALID, "training row %zu: expected a row below %zu, found %zu", i, n,
                             split->train[i]);
    for (size_t i = 0; i < split->test_count; i++)
        if (split->test[i] >= n)
            return qntk_fail(QNTK_INVALID, "test row %zu: expected a row below %zu, found %zu", i, n,
                             split->test[i]);
    return QNTK_OK;
}

static qntk_status allocate(evaluation *e)
{
    const size_t t = e->split->train_count, s = e->split->test_count, most = qntk_max(t, s);
    e->train_K = qntk_alloc(t * t, sizeof(double));
    e->test_K = qntk_alloc(s * t, sizeof(double));
    e->Y = qntk_alloc(t * e->columns, sizeof(double));
    e->mean = qntk_alloc(e->m, sizeof(double));
    e->label = qntk_alloc(most, sizeof(double));
    e->answer = qntk_alloc(most, sizeof(double));
    e->fitted = qntk_alloc(t * e->count, e->columns * sizeof(double));
    e->tests = qntk_alloc(s * e->count, e->columns * sizeof(double));
    return e->train_K != NULL && e->test_K != NULL && e->Y != NULL && e->mean != NULL && e->label != NULL &&
                   e->answer != NULL && e->fitted != NULL && e->tests != NULL
               ? QNTK_OK
               : QNTK_FAIL_MEMORY();
}

/* Scores of all rows for all ridges. */
static qntk_status fit(evaluation *e)
{
    const size_t t = e->split->train_count, s = e->split->test_count;
    qntk_ridge_options options = {.detail = e->options.detail, .route = e->options.route};
    qntk_status status = qntk_parallel_for((t + s + GATHER_ROWS - 1) / GATHER_ROWS, gather_rows, e);
    gather_labels(e, t, e->split->train);
    if (status == QNTK_OK)
        status = make_targets(e);
    if (status == QNTK_OK)
        status = qntk_ridge_solve(t, e->train_K, e->columns, e->Y, e->count, e->ridge, options, &e->path);
    if (status == QNTK_SINGULAR)
        status = suggest_ridge(e);
    if (status == QNTK_OK)
        status = qntk_ridge_predict(s, t, e->test_K, e->count * e->columns, e->path.alpha, e->tests);
    if (status != QNTK_OK)
        return status;
    qntk_ridge_fitted(&e->path, e->Y, e->fitted);
    clear_silent_rows(e);
    if (e->options.center) {
        add_mean(e, t, e->fitted);
        add_mean(e, s, e->tests);
        if (e->path.left_out != NULL)
            center_left_out(e);
    }
    return QNTK_OK;
}

qntk_status qntk_evaluate_split(size_t n, const double *K, const double *y, size_t classes,
                                const qntk_split *split, size_t count, const double *ridge,
                                qntk_evaluate_options options, qntk_score *score, double *prediction)
{
    QNTK_REQUIRE(K != NULL && y != NULL && split != NULL && ridge != NULL && score != NULL,
                 "K, y, split, ridge and score must not be NULL");
    QNTK_REQUIRE(count >= 1, "expected at least one ridge");
    QNTK_REQUIRE(split->train_count >= 1, "expected at least one training row");
    evaluation e = {.n = n, .K = K, .y = y, .classes = classes, .split = split};
    e.count = count;
    e.ridge = ridge;
    e.options = options;
    e.m = classes > 0 ? classes : 1;
    e.columns = e.m + (options.center ? 1 : 0);
    qntk_status status = check_split(n, split);
    if (status == QNTK_OK)
        status = allocate(&e);
    if (status == QNTK_OK)
        status = fit(&e);
    for (size_t r = 0; r < count && status == QNTK_OK; r++)
        status = judge_ridge(&e, r, &score[r], prediction);
    if (status != QNTK_OK) {
        memset(score, 0, count * sizeof *score);
        if (prediction != NULL)
            memset(prediction, 0, split->test_count * count * sizeof(double));
    }
    qntk_ridge_path_free(&e.path);
    qntk_free(e.train_K);
    qntk_free(e.test_K);
    qntk_free(e.Y);
    qntk_free(e.mean);
    qntk_free(e.label);
    qntk_free(e.answer);
    qntk_free(e.fitted);
    qntk_free(e.tests);
    return status;
}
