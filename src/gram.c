/* Gram matrices: tiles of inner products from BLAS turned into kernel values in cache. */
#include "gram_internal.h"

#include <cblas.h>
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

/* ---- one block of the fixed 256 x 256 grid ---- */

typedef struct {
    size_t row, rows, column, columns; /* row and column are multiples of QNTK_TILE */
} block;

static block block_at(const qntk_gram *gram, size_t block_row, size_t block_column)
{
    size_t row = block_row * QNTK_TILE, column = block_column * QNTK_TILE;
    return (block){row, qntk_min(QNTK_TILE, gram->left.n - row), column,
                   qntk_min(QNTK_TILE, gram->right.n - column)};
}

/* (1 - |cosine|)/2 of two rows from the unit rows: |x - z|^2 / 4, or |x + z|^2 / 4 if the cosine is negative.
 */
static double accurate_half(const qntk_gram *gram, size_t i, size_t j, bool negative)
{
    return gram->ops->gap(gram->d, gram->left.row + i * gram->d, gram->right.row + j * gram->d,
                          negative ? -1 : 1) *
           0.25;
}

/* The columns of a row that are the same row as it, bit by bit: their value is the diagonal's. */
typedef struct {
    size_t count;
    size_t column[QNTK_TILE];
} equal_rows;

static void note_if_equal(const qntk_gram *gram, size_t i, size_t j, size_t at, bool opposite, double half,
                          equal_rows *equal)
{
    if (half == 0 && !opposite && gram->left.norm[i] == gram->right.norm[j])
        equal->column[equal->count++] = at;
}

/* (1 - |cosine|)/2, signed like the cosine, in place of the cosines of row i with a block's columns, redone
 * from the unit rows near the poles. */
static void find_halves(const qntk_gram *gram, const block *b, size_t i, double *cosine, equal_rows *equal)
{
    const double limit = gram->pole / 2;
    equal->count = 0;
    bool any = gram->ops->pole(b->columns, cosine, limit);
    for (size_t j = 0; any && j < b->columns; j++)
        if (fabs(cosine[j]) <= limit) {
            double half = accurate_half(gram, i, b->column + j, signbit(cosine[j]));
            note_if_equal(gram, i, b->column + j, j, signbit(cosine[j]), half, equal);
            cosine[j] = copysign(half, cosine[j]);
        }
}

static void find_halves_single(const qntk_gram *gram, const block *b, size_t i, float *cosine,
                               equal_rows *equal)
{
    const float limit = (float)(gram->pole / 2);
    equal->count = 0;
    bool any = gram->ops->pole_single(b->columns, cosine, limit);
    for (size_t j = 0; any && j < b->columns; j++)
        if (fabsf(cosine[j]) <= limit) {
            double half = accurate_half(gram, i, b->column + j, signbit(cosine[j]));
            note_if_equal(gram, i, b->column + j, j, signbit(cosine[j]), half, equal);
            cosine[j] = copysignf((float)half, cosine[j]);
        }
}

/* Values of the layer recursion from u = 1 - cosine and v = 1 + cosine, in place of u. Without bias the norms
 * are left out: K = n n' f. */
static void recursion_entries(const qntk_gram *gram, size_t i, size_t j, size_t count, double *u, double *v)
{
    const double *column_norm = gram->right.norm + j, norm = gram->left.norm[i];
    qntk_tile_recursion row = {.recursion = &gram->recursion,
                               .norm = norm,
                               .root = gram->scaled ? NULL : gram->left.root + i,
                               .root_stride = gram->left.n,
                               .column_norm = column_norm,
                               .column_root = gram->scaled ? NULL : gram->right.root + j,
                               .column_root_stride = gram->right.n};
    if (gram->scaled) {
        row.norm = 1;
        row.column_norm = gram->unit_norm;
        row.root = row.column_root = gram->unit_root; /* the same in every layer */
        row.root_stride = row.column_root_stride = 0;
    }
    gram->ops->recursion(&row, count, u, v);
    for (size_t k = 0; gram->scaled && k < count; k++)
        u[k] *= norm * column_norm[k];
}

/* K(x_i, x_i) from the norm alone, never from a cosine. */
static double diagonal(const qntk_gram *gram, size_t i)
{
    if (gram->route == GRAM_RADIAL)
        return 1;
    if (gram->route == GRAM_TABLE)
        return gram->scaled ? gram->diagonal * gram->left.norm[i] * gram->left.norm[i] : gram->diagonal;
    double u = 0, v = 2;
    recursion_entries(gram, i, i, 1, &u, &v);
    return u;
}

static void set_equal_rows(const qntk_gram *gram, size_t i, const equal_rows *equal, double *value)
{
    for (size_t e = 0; e < equal->count; e++)
        value[equal->column[e]] = diagonal(gram, i);
}

/* Row i of a block: cosines become kernel values. */
static void finish_table_row(const qntk_gram *gram, const block *b, size_t i, double *value)
{
    equal_rows equal;
    find_halves(gram, b, i, value, &equal);
    gram->ops->table(&gram->table, b->columns, value, gram->scaled ? gram->left.norm[i] : 1,
                     gram->scaled ? gram->right.norm + b->column : NULL);
    set_equal_rows(gram, i, &equal, value);
}

/* The same in float; the norms come in as doubles, so that their products do not underflow. */
static void finish_table_row_single(const qntk_gram *gram, const block *b, size_t i, float *cosine,
                                    double *value)
{
    const double *column_norm = gram->right.norm + b->column;
    equal_rows equal;
    find_halves_single(gram, b, i, cosine, &equal);
    gram->ops->table_single(&gram->table, b->columns, cosine);
    for (size_t j = 0; j < b->columns; j++)
        value[j] = gram->scaled ? cosine[j] * (gram->left.norm[i] * column_norm[j]) : cosine[j];
    set_equal_rows(gram, i, &equal, value);
}

static void finish_recursion_row(const qntk_gram *gram, const block *b, size_t i, double *value)
{
    double v[QNTK_TILE];
    equal_rows equal;
    find_halves(gram, b, i, value, &equal);
    for (size_t j = 0; j < b->columns; j++) {
        double small = 2 * fabs(value[j]), large = 2 - small;
        v[j] = signbit(value[j]) ? small : large;
        value[j] = signbit(value[j]) ? large : small;
    }
    recursion_entries(gram, i, b->column, b->columns, value, v);
}

static void finish_radial_row(const qntk_gram *gram, const block *b, size_t i, double *value)
{
    const gram_side *left = &gram->left, *right = &gram->right;
    const double *reach = right->reach + b->column;
    bool any = gram->ops->distance(b->columns, value, left->square[i], right->square + b->column,
                                   left->reach[i], reach);
    for (size_t j = 0; any && j < b->columns; j++)
        if (value[j] <= (left->reach[i] > reach[j] ? left->reach[i] : reach[j]))
            value[j] = gram->ops->gap(gram->d, left->exact + i * gram->d,
                                      right->exact + (b->column + j) * gram->d, 1);
    gram->ops->radial(&gram->kernel, b->columns, value);
}

static void finish_row(const qntk_gram *gram, const block *b, size_t i, double *value)
{
    if (gram->route == GRAM_RADIAL)
        finish_radial_row(gram, b, i, value);
    else if (gram->route == GRAM_RECURSION)
        finish_recursion_row(gram, b, i, value);
    else
        finish_table_row(gram, b, i, value);
}

/* Inner products in float, then values row by row: in float where a table is accurate enough (not for many
 * bits or deep networks), else widened first. */
static void compute_rows_single(const qntk_gram *gram, const block *b, double *tile)
{
    const double accurate = 1e-6;
    const int d = (int)gram->d;
    /* the second half of the tile: widened row by row, in order, never overtaken */
    float *narrow = (float *)tile + (size_t)QNTK_TILE * QNTK_TILE, copy[QNTK_TILE];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)b->rows, (int)b->columns, d, 1,
                gram->left.row_single + b->row * gram->d, d, gram->right.row_single + b->column * gram->d, d,
                0, narrow, QNTK_TILE);
    bool in_float = gram->route == GRAM_TABLE && gram->table.error_single < accurate;
    for (size_t i = 0; i < b->rows; i++) {
        double *value = tile + i * QNTK_TILE;
        memcpy(copy, narrow + i * QNTK_TILE, b->columns * sizeof *copy);
        if (in_float) {
            finish_table_row_single(gram, b, b->row + i, copy, value);
            continue;
        }
        for (size_t j = 0; j < b->columns; j++)
            value[j] = copy[j];
        finish_row(gram, b, b->row + i, value);
    }
}

/* The block's kernel values in tile (rows, QNTK_TILE). */
static void compute_block(const qntk_gram *gram, const block *b, double *tile)
{
    const int d = (int)gram->d;
    if (gram->single) {
        compute_rows_single(gram, b, tile);
    } else {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)b->rows, (int)b->columns, d, 1,
                    gram->left.row + b->row * gram->d, d, gram->right.row + b->column * gram->d, d, 0, tile,
                    QNTK_TILE);
        for (size_t i = 0; i < b->rows; i++)
            finish_row(gram, b, b->row + i, tile + i * QNTK_TILE);
    }
    if (gram->symmetric && b->row == b->column)
        for (size_t i = 0; i < b->rows; i++) {
            tile[i * QNTK_TILE + i] = diagonal(gram, b->row + i);
            for (size_t j = 0; j < i; j++) /* BLAS may sum (i,j) and (j,i) differently */
                tile[j * QNTK_TILE + i] = tile[i * QNTK_TILE + j];
        }
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
    block b = transposed ? block_at(gram, bj, bi) : block_at(gram, bi, bj);
    compute_block(gram, &b, tile);
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

static void store_block(const fill_job *job, const block *b, const double *tile)
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
    block b = block_at(job->gram, row, column);
    compute_block(job->gram, &b, tile);
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
