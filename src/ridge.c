/* Kernel ridge regression: arguments, choice of route, errors from the coefficients, predictions. */
#include "ridge_internal.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <string.h>

qntk_ridge_options qntk_ridge_defaults(void)
{
    return (qntk_ridge_options){.detail = QNTK_RIDGE_TRACE, .route = QNTK_RIDGE_ROUTE_AUTO};
}

const char *qntk_ridge_route_name(qntk_ridge_route route)
{
    switch (route) {
    case QNTK_RIDGE_ROUTE_AUTO:
        return "auto";
    case QNTK_RIDGE_ROUTE_BAND:
        return "band";
    case QNTK_RIDGE_ROUTE_CHOLESKY:
        return "cholesky";
    }
    return "unknown route";
}

void qntk_ridge_path_free(qntk_ridge_path *path)
{
    qntk_free(path->fit);
    qntk_free(path->alpha);
    qntk_free(path->left_out);
    *path = (qntk_ridge_path){0};
}

double qntk_ridge_singular(size_t n)
{
    return (double)(n + 16) * DBL_EPSILON; /* several times what rounding makes of a zero eigenvalue */
}

qntk_status qntk_ridge_too_singular(const qntk_ridge_job *job, size_t r)
{
    return qntk_fail(QNTK_SINGULAR,
                     "ridge %g: K + ridge I is singular to rounding: expected a reciprocal condition of at "
                     "least %.3g, found %.3g; raise the ridge",
                     job->fit[r].ridge, qntk_ridge_singular(job->n), job->fit[r].rcond);
}

qntk_status qntk_ridge_not_definite(const qntk_ridge_job *job, size_t r, size_t column, double pivot,
                                    double norm)
{
    return qntk_fail(QNTK_SINGULAR,
                     "ridge %g: expected K + ridge I to be positive definite, found pivot %zu of %zu to be "
                     "%.3g at norm %.3g; raise the ridge",
                     job->fit[r].ridge, column + 1, job->n, pivot / job->scale, norm / job->scale);
}

/* Y (n,m) is finite, the ridges too and not negative. */
static qntk_status check_numbers(size_t n, size_t m, const double *Y, size_t count, const double *ridge)
{
    for (size_t i = 0; i < n * m; i++)
        if (!(fabs(Y[i]) <= DBL_MAX))
            return qntk_fail(QNTK_NOT_FINITE, "target (%zu,%zu): expected a finite number, found %g", i / m,
                             i % m, Y[i]);
    for (size_t r = 0; r < count; r++) {
        if (!(fabs(ridge[r]) <= DBL_MAX))
            return qntk_fail(QNTK_NOT_FINITE, "ridge %zu: expected a finite number, found %g", r, ridge[r]);
        if (ridge[r] < 0)
            return qntk_fail(QNTK_INVALID, "ridge %zu: expected at least 0, found %g", r, ridge[r]);
    }
    return QNTK_OK;
}

/* The reduction costs as much as so many Cholesky factors (and inverses of them), as measured for n = 300 to
 * 4000. */
static qntk_ridge_route choose_route(size_t count, qntk_ridge_detail detail)
{
    static const size_t worth[] = {
        [QNTK_RIDGE_FIT] = 4, [QNTK_RIDGE_TRACE] = 2, [QNTK_RIDGE_LEAVE_ONE_OUT] = 4};
    return count < worth[detail] ? QNTK_RIDGE_ROUTE_CHOLESKY : QNTK_RIDGE_ROUTE_BAND;
}

/* The errors of ridge r, from alpha, tr G and diag = diag G / scale. */
static bool finish_fit(const qntk_ridge_job *job, size_t r, double *left_out)
{
    qntk_ridge_fit *fit = &job->fit[r];
    const double n = (double)job->n;
    double train = 0, loo = 0, ratio = 0;
    for (size_t i = 0; i < job->n; i++)
        for (size_t c = 0; c < job->m; c++) {
            const size_t at = (i * job->count + r) * job->m + c;
            const double residual = fit->ridge * job->alpha[at];
            train += residual * residual;
            ratio += (job->alpha[at] / fit->trace) * (job->alpha[at] / fit->trace);
            if (job->diag != NULL) {
                const double out = job->alpha[at] / (job->scale * job->diag[r * job->n + i]);
                loo += out * out;
                left_out[at] = job->Y[i * job->m + c] - out;
            }
        }
    fit->train = train / n;
    fit->loo = job->diag != NULL ? loo / n : NAN;
    fit->kare = ratio * n;
    fit->freedom = n - fit->ridge * fit->trace;
    const double sum = fit->train + (job->diag != NULL ? fit->loo : 0) +
                       (job->detail >= QNTK_RIDGE_TRACE ? fit->kare + fit->freedom : 0);
    return fabs(sum) <= DBL_MAX;
}

/* The result's arrays exist: fit them and finish them. */
static qntk_status fill_path(qntk_ridge_job *job, qntk_ridge_path *path)
{
    double largest = 0;
    qntk_status status = qntk_matrix_scan(job->n, job->K, &largest);
    if (status != QNTK_OK)
        return status;
    job->scale = qntk_scale_for(largest);
    for (size_t r = 0; r < job->count; r++)
        if (!(job->scale * job->fit[r].ridge <= DBL_MAX / 2))
            return qntk_fail(QNTK_NOT_FINITE,
                             "ridge %g is too large beside a matrix whose largest entry is %g",
                             job->fit[r].ridge, largest);
    status = path->route == QNTK_RIDGE_ROUTE_BAND ? qntk_ridge_by_band(job) : qntk_ridge_by_cholesky(job);
    for (size_t r = 0; r < job->count && status == QNTK_OK; r++)
        if (!finish_fit(job, r, path->left_out))
            status =
                qntk_fail(QNTK_NOT_FINITE,
                          "ridge %g: an error or a coefficient leaves the range of doubles; scale K and Y",
                          job->fit[r].ridge);
    return status;
}

qntk_status qntk_ridge_solve(size_t n, const double *K, size_t m, const double *Y, size_t count,
                             const double *ridge, qntk_ridge_options options, qntk_ridge_path *path)
{
    QNTK_REQUIRE(path != NULL, "path must not be NULL");
    *path = (qntk_ridge_path){0};
    QNTK_REQUIRE(n >= 1 && m >= 1 && count >= 1, "n, m and count must be at least 1");
    QNTK_REQUIRE(K != NULL && Y != NULL && ridge != NULL, "K, Y and ridge must not be NULL");
    QNTK_REQUIRE(options.detail <= QNTK_RIDGE_LEAVE_ONE_OUT, "unknown detail");
    QNTK_REQUIRE(options.route <= QNTK_RIDGE_ROUTE_CHOLESKY, "unknown route");
    if (n > INT_MAX || m > INT_MAX || count > SIZE_MAX / sizeof(double) / n / m)
        return qntk_fail(QNTK_TOO_LARGE, "%zu rows with %zu targets and %zu ridges cannot be stored", n, m,
                         count);
    qntk_status status = check_numbers(n, m, Y, count, ridge);
    if (status != QNTK_OK)
        return status;
    const bool out = options.detail == QNTK_RIDGE_LEAVE_ONE_OUT;
    path->n = n;
    path->m = m;
    path->count = count;
    path->route =
        options.route == QNTK_RIDGE_ROUTE_AUTO ? choose_route(count, options.detail) : options.route;
    path->fit = qntk_alloc(count, sizeof *path->fit);
    path->alpha = qntk_alloc(n * count * m, sizeof(double));
    path->left_out = out ? qntk_alloc(n * count * m, sizeof(double)) : NULL;
    qntk_ridge_job job = {.n = n,
                          .m = m,
                          .count = count,
                          .K = K,
                          .Y = Y,
                          .detail = options.detail,
                          .fit = path->fit,
                          .alpha = path->alpha,
                          .diag = out ? qntk_alloc(count * n, sizeof(double)) : NULL};
    if (path->fit == NULL || path->alpha == NULL || (out && (path->left_out == NULL || job.diag == NULL)))
        status = QNTK_FAIL_MEMORY();
    for (size_t r = 0; r < count && status == QNTK_OK; r++)
        path->fit[r] = (qntk_ridge_fit){.ridge = ridge[r], .trace = NAN, .rcond = NAN};
    if (status == QNTK_OK)
        status = fill_path(&job, path);
    qntk_free(job.diag);
    if (status != QNTK_OK)
        qntk_ridge_path_free(path);
    return status;
}

void qntk_ridge_fitted(const qntk_ridge_path *path, const double *Y, double *F)
{
    for (size_t i = 0; i < path->n; i++)
        for (size_t r = 0; r < path->count; r++)
            for (size_t c = 0; c < path->m; c++) {
                const size_t at = (i * path->count + r) * path->m + c;
                F[at] = Y[i * path->m + c] - path->fit[r].ridge * path->alpha[at];
            }
}

/* ---- predictions ---- */

enum { PREDICT_ROWS = 128 }; /* to an item */

typedef struct {
    size_t rows, n, columns;
    const double *K, *alpha;
    double *F;
} prediction;

static qntk_status predict_rows(void *context, size_t index, size_t worker)
{
    (void)worker;
    const prediction *p = context;
    const size_t first = index * PREDICT_ROWS, rows = qntk_min(PREDICT_ROWS, p->rows - first);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)p->columns, (int)p->n, 1,
                p->K + first * p->n, (int)p->n, p->alpha, (int)p->columns, 0, p->F + first * p->columns,
                (int)p->columns);
    return QNTK_OK;
}

qntk_status qntk_ridge_predict(size_t rows, size_t n, const double *K, size_t columns, const double *alpha,
                               double *F)
{
    if (rows == 0 || columns == 0)
        return QNTK_OK;
    QNTK_REQUIRE(n >= 1, "n must be at least 1");
    QNTK_REQUIRE(K != NULL && alpha != NULL && F != NULL, "K, alpha and F must not be NULL");
    if (n > INT_MAX || columns > INT_MAX)
        return qntk_fail(QNTK_TOO_LARGE, "%zu rows and %zu columns of coefficients exceed BLAS's integers", n,
                         columns);
    prediction p = {.rows = rows, .n = n, .columns = columns, .K = K, .alpha = alpha, .F = F};
    return qntk_parallel_for((rows - 1) / PREDICT_ROWS + 1, predict_rows, &p);
}
