/* Gram matrices: tiles of inner products from BLAS turned into kernel values in cache (gram_block.c). */
#include "gram_internal.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

qntk_gram_options qntk_gram_defaults(void)
{
    return (qntk_gram_options){.precision = QNTK_PRECISION_DOUBLE, .isa = NULL};
}

qntk_status qntk_gram_create(const qntk_kernel *kernel, size_t d, size_t n, const double *X, size_t m,
                             const double *Z, qntk_gram_options options, qntk_gram **gram)
{
    *gram = NULL;
    QNTK_REQUIRE(n > 0 && d > 0 && (Z == NULL || m > 0),
                 "a Gram matrix needs at least one row and one column");
    QNTK_REQUIRE(d <= INT_MAX, "more features than BLAS can index");
    QNTK_REQUIRE(kernel->family != QNTK_FAMILY_FILE, "a kernel read from a file is a matrix already");
    QNTK_REQUIRE(!qntk_kernel_is_radial(kernel) || kernel->bandwidth > 0, "the bandwidth is not resolved");
    qntk_status status = qntk_kernel_check(kernel);
    if (status == QNTK_OK)
        status = gram_check_rows("the data", n, d, X);
    if (status == QNTK_OK && Z != NULL)
        status = gram_check_rows("the second data set", m, d, Z);
    if (status != QNTK_OK)
        return status;
    const qntk_tile_ops *ops = qntk_tile_ops_find(options.isa);
    if (ops == NULL)
        return QNTK_UNSUPPORTED;
    qntk_gram *g = qntk_alloc_zero(1, sizeof *g);
    if (g == NULL)
        return QNTK_FAIL_MEMORY();
    g->kernel = *kernel;
    g->d = d;
    g->symmetric = Z == NULL;
    g->single = options.precision == QNTK_PRECISION_SINGLE;
    g->ops = ops;
    g->route = qntk_kernel_is_radial(kernel) ? GRAM_RADIAL : GRAM_TABLE;
    if (g->route != GRAM_RADIAL)
        g->recursion = qntk_recursion_create(&kernel->network);
    status = gram_rows_create(g, n, X, m, Z);
    if (g->route == GRAM_RADIAL)
        snprintf(g->route_text, sizeof g->route_text, "radial");
    else if (status == QNTK_OK)
        status = gram_route_create(g);
    if (status != QNTK_OK)
        qntk_gram_destroy(&g);
    *gram = g;
    return status;
}

void qntk_gram_destroy(qntk_gram **gram)
{
    if (*gram == NULL)
        return;
    gram_rows_free(*gram);
    qntk_cosine_table_free(&(*gram)->table);
    qntk_free(*gram);
    *gram = NULL;
}

const char *qntk_gram_route(const qntk_gram *gram)
{
    return gram->route_text;
}

const char *qntk_gram_isa(const qntk_gram *gram)
{
    return gram->ops->name;
}

/* ---- tiles and whole matrices ---- */

typedef struct {
    const qntk_gram *gram;
    size_t row, rows, column, columns;             /* what is asked for */
    size_t first_row, first_column, block_columns; /* the blocks it touches */
    double *out;
    size_t stride;
    double *tiles; /* one tile a worker */
} tile_job;

/* What is asked for of one block. Above the diagonal of a symmetric matrix it is the transpose of the block
 * below, as in the whole matrix. */
static qntk_status tile_block(void *context, size_t index, size_t worker)
{
    const tile_job *job = context;
    const qntk_gram *gram = job->gram;
    size_t bi = job->first_row + index / job->block_columns;
    size_t bj = job->first_column + index % job->block_columns;
    size_t top = qntk_max(job->row, bi * QNTK_TILE);
    size_t bottom = qntk_min(job->row + job->rows, (bi + 1) * QNTK_TILE);
    size_t left = qntk_max(job->column, bj * QNTK_TILE);
    size_t right = qntk_min(job->column + job->columns, (bj + 1) * QNTK_TILE);
    double *tile = job->tiles + worker * QNTK_TILE * QNTK_TILE;
    double *out = job->out + (top - job->row) * job->stride + (left - job->column);
    bool transposed = gram->symmetric && bj > bi;
    gram_block b = transposed ? gram_block_at(gram, bj, bi) : gram_block_at(gram, bi, bj);
    gram_block_compute(gram, &b, tile);
    if (transposed)
        gram->ops->transpose(right - left, bottom - top,
                             tile + (left - bj * QNTK_TILE) * QNTK_TILE + (top - bi * QNTK_TILE), QNTK_TILE,
                             out, job->stride);
    for (size_t i = top; !transposed && i < bottom; i++)
        memcpy(out + (i - top) * job->stride,
               tile + (i - bi * QNTK_TILE) * QNTK_TILE + (left - bj * QNTK_TILE),
               (right - left) * sizeof *out);
    gram->ops->fence();
    return QNTK_OK;
}

qntk_status qntk_gram_tile(const qntk_gram *gram, size_t row, size_t rows, size_t column, size_t columns,
                           double *out, size_t stride)
{
    QNTK_REQUIRE(row <= gram->left.n && rows <= gram->left.n - row, "rows beyond the matrix");
    QNTK_REQUIRE(column <= gram->right.n && columns <= gram->right.n - column, "columns beyond the matrix");
    QNTK_REQUIRE(stride >= columns, "the stride is smaller than the row");
    if (rows == 0 || columns == 0)
        return QNTK_OK;
    tile_job job = {.gram = gram,
                    .row = row,
                    .rows = rows,
                    .column = column,
                    .columns = columns,
                    .first_row = row / QNTK_TILE,
                    .first_column = column / QNTK_TILE,
                    .out = out,
                    .stride = stride};
    size_t block_rows = (row + rows - 1) / QNTK_TILE - job.first_row + 1;
    job.block_columns = (column + columns - 1) / QNTK_TILE - job.first_column + 1;
    const size_t blocks = block_rows * job.block_columns;
    job.tiles = qntk_alloc(qntk_loop_workers(blocks) * QNTK_TILE * QNTK_TILE, sizeof *job.tiles);
    if (job.tiles == NULL)
        return QNTK_FAIL_MEMORY();
    /* as a parallel loop even of one block: BLAS runs on one thread inside, whatever the caller set */
    qntk_status status = qntk_parallel_for(blocks, tile_block, &job);
    qntk_free(job.tiles);
    return status;
}

typedef struct {
    const qntk_gram *gram;
    double *K;
    float *K_single;
    double *tiles; /* one tile a worker */
    size_t block_columns, total;
} fill_job;

static void store_block(const fill_job *job, const gram_block *b, const double *tile)
{
    const qntk_tile_ops *ops = job->gram->ops;
    size_t m = job->gram->right.n;
    bool mirror = job->gram->symmetric && b->row != b->column;
    if (job->K != NULL) {
        for (size_t i = 0; i < b->rows; i++)
            ops->store(b->columns, tile + i * QNTK_TILE, job->K + (b->row + i) * m + b->column);
        if (mirror)
            ops->transpose(b->rows, b->columns, tile, QNTK_TILE, job->K + b->column * m + b->row, m);
        return;
    }
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->columns; j++)
            job->K_single[(b->row + i) * m + b->column + j] = (float)tile[i * QNTK_TILE + j];
    for (size_t j = 0; mirror && j < b->columns; j++)
        for (size_t i = 0; i < b->rows; i++)
            job->K_single[(b->column + j) * m + b->row + i] = (float)tile[i * QNTK_TILE + j];
}

static qntk_status fill_block(void *context, size_t index, size_t worker)
{
    const fill_job *job = context;
    size_t row = index / job->block_columns, column = index % job->block_columns;
    if (job->gram->symmetric) { /* index = row (row+1)/2 + column */
        row = (size_t)((sqrt(8 * (double)index + 1) - 1) / 2);
        row += (row + 1) * (row + 2) / 2 <= index;
        column = index - row * (row + 1) / 2;
    }
    double *tile = job->tiles + worker * QNTK_TILE * QNTK_TILE;
    gram_block b = gram_block_at(job->gram, row, column);
    gram_block_compute(job->gram, &b, tile);
    store_block(job, &b, tile);
    job->gram->ops->fence();
    qntk_progress("kernel matrix", (double)index / (double)job->total);
    return QNTK_OK;
}

static qntk_status fill(const qntk_gram *gram, double *K, float *K_single)
{
    size_t block_rows = (gram->left.n + QNTK_TILE - 1) / QNTK_TILE;
    size_t block_columns = (gram->right.n + QNTK_TILE - 1) / QNTK_TILE;
    fill_job job = {.gram = gram, .K = K, .K_single = K_single, .block_columns = block_columns};
    job.total = gram->symmetric ? block_rows * (block_rows + 1) / 2 : block_rows * block_columns;
    job.tiles = qntk_alloc(qntk_loop_workers(job.total) * QNTK_TILE * QNTK_TILE, sizeof *job.tiles);
    if (job.tiles == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = qntk_parallel_for(job.total, fill_block, &job);
    if (status == QNTK_OK)
        qntk_progress("kernel matrix", 1);
    qntk_free(job.tiles);
    return status;
}

qntk_status qntk_gram_fill(const qntk_gram *gram, double *K)
{
    return fill(gram, K, NULL);
}

qntk_status qntk_gram_fill_single(const qntk_gram *gram, float *K)
{
    return fill(gram, NULL, K);
}

qntk_status qntk_gram_symmetric(const qntk_kernel *kernel, size_t n, size_t d, const double *X, double *K)
{
    qntk_gram *gram;
    qntk_status status = qntk_gram_create(kernel, d, n, X, 0, NULL, qntk_gram_defaults(), &gram);
    if (status == QNTK_OK)
        status = qntk_gram_fill(gram, K);
    qntk_gram_destroy(&gram);
    return status;
}
