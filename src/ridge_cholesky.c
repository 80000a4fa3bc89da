/* Kernel ridge regression with a Cholesky factor for each ridge, in tiles on all threads. */
#include "ridge_internal.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <string.h>

enum {
    TILE = 192,  /* side of a tile: a product of two is long enough for BLAS, and 20 to a side keep threads
                    busy */
    TARGETS = 32 /* right-hand sides to an item */
};

typedef struct {
    const qntk_ridge_job *job;
    size_t tiles;      /* to a side */
    size_t ridge;      /* the ridge in work, */
    double norm;       /* |scale*(K + ridge I)|, the largest absolute row sum, */
    size_t step;       /* and the tile column */
    double *L;         /* (n,n): the lower triangle of scale*(K + ridge I), then its factor */
    double *beside;    /* (n): sums of |scale*K(i,j)|, j != i */
    double *work;      /* (3n), */
    lapack_int *iwork; /* (n): for the condition */
    double *columns;   /* (workers,n,TILE): of L^-1; NULL for QNTK_RIDGE_FIT */
    double *diag;      /* (n): of G */
    double *targets;   /* (n,32) after (n,32) */
} cholesky_route;

static size_t rows_of(const cholesky_route *c, size_t tile)
{
    return qntk_min(TILE, c->job->n - tile * TILE);
}

static double *tile_at(const cholesky_route *c, size_t i, size_t j)
{
    return c->L + i * TILE * c->job->n + j * TILE;
}

/* ---- the factor ---- */

static qntk_status copy_tile_row(void *context, size_t index, size_t worker)
{
    (void)worker;
    const cholesky_route *c = context;
    const size_t n = c->job->n;
    for (size_t i = index * TILE; i < qntk_min((index + 1) * TILE, n); i++) {
        for (size_t j = 0; j <= i; j++)
            c->L[i * n + j] = c->job->scale * c->job->K[i * n + j];
        c->L[i * n + i] += c->job->scale * c->job->fit[c->ridge].ridge;
    }
    return QNTK_OK;
}

/* L_ij = A_ij L_jj^-T for the tiles below the diagonal tile of this step. */
static qntk_status divide_tile(void *context, size_t index, size_t worker)
{
    (void)worker;
    const cholesky_route *c = context;
    const size_t i = c->step + 1 + index;
    const int n = (int)c->job->n, rows = (int)rows_of(c, i);
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, rows, TILE, 1,
                tile_at(c, c->step, c->step), n, tile_at(c, i, c->step), n);
    return QNTK_OK;
}

/* A_ij -= L_ik L_jk' for a tile right of this step; index counts the tiles of a triangle by rows. */
static qntk_status update_tile(void *context, size_t index, size_t worker)
{
    (void)worker;
    const cholesky_route *c = context;
    size_t i = 0, j = index;
    while (j > i)
        j -= ++i;
    i += c->step + 1;
    j += c->step + 1;
    const int n = (int)c->job->n;
    if (i == j)
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)rows_of(c, i), TILE, -1,
                    tile_at(c, i, c->step), n, 1, tile_at(c, i, i), n);
    else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows_of(c, i), (int)rows_of(c, j), TILE, -1,
                    tile_at(c, i, c->step), n, tile_at(c, j, c->step), n, 1, tile_at(c, i, j), n);
    return QNTK_OK;
}

/* The diagonal tile of this step; on a loop of one item, so that BLAS runs on one thread. */
static qntk_status factor_tile(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    const cholesky_route *c = context;
    const lapack_int rows = (lapack_int)rows_of(c, c->step);
    double *tile = tile_at(c, c->step, c->step);
    /* the lower triangle by rows is the upper one by columns */
    const lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', rows, tile, (lapack_int)c->job->n);
    if (info == 0)
        return QNTK_OK;
    const size_t row = c->step * TILE + (size_t)info - 1;
    return qntk_ridge_not_definite(c->job, c->ridge, row, c->L[row * (c->job->n + 1)], c->norm);
}

static qntk_status factorise(cholesky_route *c)
{
    qntk_status status = qntk_parallel_for(c->tiles, copy_tile_row, c);
    for (c->step = 0; status == QNTK_OK && c->step < c->tiles; c->step++) {
        const size_t below = c->tiles - c->step - 1;
        status = qntk_parallel_for(1, factor_tile, c);
        if (status == QNTK_OK)
            status = qntk_parallel_for(below, divide_tile, c);
        if (status == QNTK_OK)
            status = qntk_parallel_for(below * (below + 1) / 2, update_tile, c);
    }
    return status;
}

/* ---- its condition, solutions, inverse ---- */

/* beside for the rows of one tile: their part of the lower triangle, then that of their columns below. */
static qntk_status sum_rows(void *context, size_t index, size_t worker)
{
    (void)worker;
    const cholesky_route *c = context;
    const size_t n = c->job->n, first = index * TILE, last = first + rows_of(c, index);
    memset(c->beside + first, 0, (last - first) * sizeof(double));
    for (size_t i = first; i < n; i++) {
        const double *row = c->job->K + i * n;
        for (size_t j = first; j < qntk_min(i, last); j++)
            c->beside[j] += c->job->scale * fabs(row[j]);
        for (size_t j = 0; i < last && j < i; j++)
            c->beside[i] += c->job->scale * fabs(row[j]);
    }
    return QNTK_OK;
}

static double norm_of(const cholesky_route *c)
{
    double norm = 0;
    for (size_t i = 0; i < c->job->n; i++) {
        const double diag = c->job->K[i * (c->job->n + 1)] + c->job->fit[c->ridge].ridge;
        norm = fmax(norm, c->job->scale * fabs(diag) + c->beside[i]);
    }
    return norm;
}

/* 1/(|A| |A^-1|) in the 1-norm, as LAPACK estimates it; on a loop of one item. Where the ridge alone bounds
 * the smallest eigenvalue well enough, that bound saves about ten passes over L. */
static qntk_status estimate_condition(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    const double well = 1e-8; /* far from singular, and half of all digits left */
    const cholesky_route *c = context;
    const lapack_int n = (lapack_int)c->job->n;
    qntk_ridge_fit *fit = &c->job->fit[c->ridge];
    fit->rcond = c->job->scale * fit->ridge / c->norm;
    if (fit->rcond < well)
        LAPACKE_dpocon_work(LAPACK_COL_MAJOR, 'U', n, c->L, n, c->norm, &fit->rcond, c->work, c->iwork);
    return fit->rcond >= qntk_ridge_singular(c->job->n) ? QNTK_OK : qntk_ridge_too_singular(c->job, c->ridge);
}

/* alpha for 32 targets. */
static qntk_status solve_targets(void *context, size_t index, size_t worker)
{
    (void)worker;
    const cholesky_route *c = context;
    const qntk_ridge_job *job = c->job;
    const size_t first = index * TARGETS, width = qntk_min(TARGETS, job->m - first);
    double *X = c->targets + first * job->n; /* (n,width) */
    for (size_t i = 0; i < job->n; i++)
        memcpy(X + i * width, job->Y + i * job->m + first, width * sizeof(double));
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)job->n, (int)width, 1,
                c->L, (int)job->n, X, (int)width);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)job->n, (int)width, 1,
                c->L, (int)job->n, X, (int)width);
    for (size_t i = 0; i < job->n; i++)
        for (size_t k = 0; k < width; k++)
            job->alpha[(i * job->count + c->ridge) * job->m + first + k] = job->scale * X[i * width + k];
    return QNTK_OK;
}

/* G_ii = |column i of L^-1|^2 for the columns of one tile, which start at their own row. */
static qntk_status invert_columns(void *context, size_t index, size_t worker)
{
    const cholesky_route *c = context;
    const size_t n = c->job->n, first = index * TILE, width = rows_of(c, index), rows = n - first;
    double *X = c->columns + worker * n * TILE; /* (rows,width) */
    memset(X, 0, rows * width * sizeof(double));
    for (size_t k = 0; k < width; k++)
        X[k * width + k] = 1;
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)rows, (int)width, 1,
                tile_at(c, index, index), (int)n, X, (int)width);
    memset(c->diag + first, 0, width * sizeof(double));
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < width; k++)
            c->diag[first + k] += X[i * width + k] * X[i * width + k];
    return QNTK_OK;
}

/* ---- the whole ---- */

static qntk_status fit_ridge(cholesky_route *c)
{
    const qntk_ridge_job *job = c->job;
    c->norm = norm_of(c);
    qntk_status status = factorise(c);
    if (status == QNTK_OK)
        status = qntk_parallel_for(1, estimate_condition, c);
    if (status == QNTK_OK)
        status = qntk_parallel_for((job->m - 1) / TARGETS + 1, solve_targets, c);
    if (status != QNTK_OK || job->detail < QNTK_RIDGE_TRACE)
        return status;
    status = qntk_parallel_for(c->tiles, invert_columns, c);
    double trace = 0;
    for (size_t i = 0; status == QNTK_OK && i < job->n; i++)
        trace += c->diag[i];
    job->fit[c->ridge].trace = job->scale * trace;
    if (job->diag != NULL)
        memcpy(job->diag + c->ridge * job->n, c->diag, job->n * sizeof(double));
    return status;
}

static qntk_status check_memory(const qntk_ridge_job *job)
{
    const double n = (double)job->n;
    double numbers = n * n + n * (double)job->m;
    if (job->detail >= QNTK_RIDGE_TRACE)
        numbers += n * (double)(TILE * qntk_loop_workers((job->n - 1) / TILE + 1));
    if (numbers > 0x1p59)
        return qntk_fail(QNTK_TOO_LARGE, "a matrix of %zu rows is too large to be stored", job->n);
    return qntk_memory_check((size_t)numbers * sizeof(double), "kernel regression on this many rows",
                             "pass --limit");
}

qntk_status qntk_ridge_by_cholesky(const qntk_ridge_job *job)
{
    const size_t n = job->n;
    const bool inverse = job->detail >= QNTK_RIDGE_TRACE;
    qntk_status status = check_memory(job);
    if (status != QNTK_OK)
        return status;
    cholesky_route c = {.job = job, .tiles = (n - 1) / TILE + 1};
    c.L = qntk_alloc(n * n, sizeof(double));
    c.beside = qntk_alloc(n, sizeof(double));
    c.work = qntk_alloc(3 * n, sizeof(double));
    c.iwork = qntk_alloc(n, sizeof(lapack_int));
    c.diag = qntk_alloc(n, sizeof(double));
    c.targets = qntk_alloc(n * job->m, sizeof(double));
    c.columns = inverse ? qntk_alloc(qntk_loop_workers(c.tiles) * n * TILE, sizeof(double)) : NULL;
    if (c.L == NULL || c.beside == NULL || c.work == NULL || c.iwork == NULL || c.diag == NULL ||
        c.targets == NULL || (inverse && c.columns == NULL))
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = qntk_parallel_for(c.tiles, sum_rows, &c);
    for (; status == QNTK_OK && c.ridge < job->count; c.ridge++)
        status = fit_ridge(&c);
    qntk_free(c.L);
    qntk_free(c.beside);
    qntk_free(c.work);
    qntk_free(c.iwork);
    qntk_free(c.diag);
    qntk_free(c.targets);
    qntk_free(c.columns);
    return status;
}
