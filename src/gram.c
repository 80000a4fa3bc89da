/* Gram matrices: rows normalised once, tiles of inner products from BLAS turned into kernel values in cache.
 */
#include "tile.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum { ROUTE_TABLE, ROUTE_RECURSION, ROUTE_RADIAL } gram_route;

/* Where 1 - |cosine| (or |x-z|^2 relative to the squares) is below these, rounding of the inner product would
 * show: it moves the angle by eps / sqrt(2 limit), so 1e-5 leaves about 1e-13 in double and 1e-2 about 1e-6
 * in single. */
static const double pole_limit = 1e-5;
static const double pole_limit_single = 1e-2;

/* One side of the matrix. */
typedef struct {
    size_t n;
    double *row;        /* (n,d) unit rows (network) or centred rows (radial) */
    float *row_single;  /* (n,d) the same in float, only for single precision */
    double *norm;       /* (n) |x|/sqrt(d) (network) */
    float *norm_single; /* (n) */
    double *square;     /* (n) |x - centre|^2 (radial) */
    double *root;       /* (depth,n) sqrt of the second moment A_l (recursion) */
} gram_side;

struct qntk_gram {
    qntk_kernel kernel;
    qntk_recursion recursion;
    qntk_cosine_table table;
    gram_route route;
    bool single;     /* arithmetic in float */
    bool symmetric;  /* Z is X */
    bool scaled;     /* ROUTE_TABLE without bias: values are multiplied by the norms */
    double diagonal; /* ROUTE_TABLE: f at equal rows, before scaling */
    size_t d;
    gram_side left, right; /* right is a copy of the struct left if symmetric */
    const qntk_tile_ops *ops;
    char route_text[64];
};

qntk_gram_options qntk_gram_defaults(void)
{
    return (qntk_gram_options){.precision = QNTK_PRECISION_DOUBLE, .isa = NULL};
}

/* ---- preparing a side ---- */

/* sum (scale x_j)^2 with compensated additions in eight lanes: the error is that of the products, not of the
 * sum. */
static double sum_of_squares(size_t d, const double *x, double scale)
{
    enum { LANES = 8 };
    double sum[LANES] = {0}, lost[LANES] = {0};
    for (size_t j = 0; j < d; j += LANES)
        for (size_t k = 0; k < qntk_min(LANES, d - j); k++) {
            double product = (scale * x[j + k]) * (scale * x[j + k]);
            double total = sum[k] + product, kept = total - sum[k];
            lost[k] += (sum[k] - (total - kept)) + (product - kept);
            sum[k] = total;
        }
    double all = 0, all_lost = 0;
    for (size_t k = 0; k < LANES; k++) {
        double total = all + sum[k], kept = total - all;
        all_lost += (all - (total - kept)) + (sum[k] - kept) + lost[k];
        all = total;
    }
    return all + all_lost;
}

static qntk_status check_rows(const char *name, size_t n, size_t d, const double *X)
{
    const double largest_square = 1e280; /* leaves room for products of two rows, depth and bias */
    for (size_t i = 0; i < n; i++) {
        if (!(sum_of_squares(d, X + i * d, 1) <= largest_square))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu of %s has a NaN, an infinity or a norm beyond 1e140",
                             i, name);
    }
    return QNTK_OK;
}

static void side_free(gram_side *side)
{
    qntk_free(side->row);
    qntk_free(side->row_single);
    qntk_free(side->norm);
    qntk_free(side->norm_single);
    qntk_free(side->square);
    qntk_free(side->root);
    *side = (gram_side){0};
}

typedef struct {
    gram_side *side;
    size_t d;
    const double *X;
} unit_job;

enum { ROWS_PER_ITEM = 64 };

/* Unit rows and norms of a few rows. Each row is scaled by a power of two, so that tiny values keep their
 * direction. */
static qntk_status fill_unit_rows(void *context, size_t item, size_t worker)
{
    (void)worker;
    const unit_job *job = context;
    const size_t d = job->d;
    const double root_d = sqrt((double)d);
    for (size_t i = item * ROWS_PER_ITEM; i < qntk_min((item + 1) * ROWS_PER_ITEM, job->side->n); i++) {
        const double *x = job->X + i * d;
        double *unit = job->side->row + i * d, largest = 0;
        for (size_t j = 0; j < d; j++)
            largest = fabs(x[j]) > largest ? fabs(x[j]) : largest;
        int exponent = 0;
        frexp(largest, &exponent);
        exponent = exponent > -1000 ? exponent : -1000; /* 2^-exponent stays finite for denormal rows */
        double scale = ldexp(1, -exponent), length = sqrt(sum_of_squares(d, x, scale));
        double factor = length > 0 ? 1 / length : 0;
        for (size_t j = 0; j < d; j++)
            unit[j] = x[j] * scale * factor;
        job->side->norm[i] = length / scale / root_d;
    }
    return QNTK_OK;
}

static void fill_centred_rows(gram_side *side, size_t d, const double *X, const double *centre)
{
    for (size_t i = 0; i < side->n; i++) {
        double sum = 0;
        for (size_t j = 0; j < d; j++) {
            double x = X[i * d + j] - centre[j];
            side->row[i * d + j] = x;
            sum += x * x;
        }
        side->square[i] = sum;
    }
}

static qntk_status side_create(const qntk_gram *gram, size_t n, const double *X, const double *centre,
                               gram_side *side)
{
    bool radial = gram->route == ROUTE_RADIAL;
    side->n = n;
    side->row = qntk_alloc(n * gram->d, sizeof(double));
    side->norm = radial ? NULL : qntk_alloc(n, sizeof(double));
    side->square = radial ? qntk_alloc(n, sizeof(double)) : NULL;
    if (side->row == NULL || (radial ? side->square : side->norm) == NULL)
        return QNTK_FAIL_MEMORY();
    if (radial) {
        fill_centred_rows(side, gram->d, X, centre);
    } else {
        unit_job job = {.side = side, .d = gram->d, .X = X};
        qntk_status status = qntk_parallel_for((n + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM, fill_unit_rows, &job);
        if (status != QNTK_OK)
            return status;
    }
    if (gram->single) {
        side->row_single = qntk_alloc(n * gram->d, sizeof(float));
        if (side->row_single == NULL)
            return QNTK_FAIL_MEMORY();
        for (size_t i = 0; i < n * gram->d; i++) {
            side->row_single[i] = (float)side->row[i];
            if (fabs(side->row[i]) > 1e15)
                return qntk_fail(QNTK_NOT_FINITE, "row %zu is too large for single precision; use double",
                                 i / gram->d);
        }
    }
    return QNTK_OK;
}

/* a_l = sqrt(A_l), A_1 = 2 n^2 + b^2, A_{l+1} = A_l + b^2. */
static qntk_status side_add_roots(const qntk_recursion *r, gram_side *side)
{
    side->root = qntk_alloc(r->depth * side->n, sizeof(double));
    if (side->root == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < r->depth; l++)
        for (size_t i = 0; i < side->n; i++)
            side->root[l * side->n + i] = sqrt(2 * side->norm[i] * side->norm[i] + (double)(l + 1) * r->b2);
    return QNTK_OK;
}

static qntk_status side_add_single_norms(gram_side *side)
{
    side->norm_single = qntk_alloc(side->n, sizeof(float));
    if (side->norm_single == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < side->n; i++)
        side->norm_single[i] = (float)side->norm[i];
    return QNTK_OK;
}

/* ---- choosing the route ---- */

/* True if all norms of both sides agree to rounding; then *norm is their mean. */
static bool norms_agree(const qntk_gram *gram, double *norm)
{
    const double few_ulp = 16 * 2.220446049250313e-16;
    double low = INFINITY, high = 0, sum = 0;
    const gram_side *sides[2] = {&gram->left, &gram->right};
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s]->n; i++) {
            low = fmin(low, sides[s]->norm[i]);
            high = fmax(high, sides[s]->norm[i]);
            sum += sides[s]->norm[i];
        }
    *norm = sum / (double)(gram->left.n + gram->right.n);
    return high - low <= few_ulp * high;
}

static qntk_status choose_network_route(qntk_gram *gram)
{
    double norm = 1;
    gram->scaled = gram->recursion.b2 == 0;
    gram->route = gram->scaled || norms_agree(gram, &norm) ? ROUTE_TABLE : ROUTE_RECURSION;
    qntk_status status = QNTK_OK;
    if (gram->route == ROUTE_TABLE) {
        /* without bias K = n n' f(cosine), f at norm 1; with bias all norms are `norm` */
        norm = gram->scaled ? 1 : norm;
        status = qntk_cosine_table_create(&gram->recursion, norm, &gram->table);
        gram->diagonal = qntk_recursion_diagonal(&gram->recursion, norm);
        snprintf(gram->route_text, sizeof gram->route_text, "table (%zu pieces, error %.1e)",
                 2 * gram->table.pieces, gram->table.error);
        if (status == QNTK_OK && gram->single)
            status = side_add_single_norms(&gram->left);
        if (status == QNTK_OK && gram->single && !gram->symmetric)
            status = side_add_single_norms(&gram->right);
        return status;
    }
    snprintf(gram->route_text, sizeof gram->route_text, "recursion");
    status = side_add_roots(&gram->recursion, &gram->left);
    if (status == QNTK_OK && !gram->symmetric)
        status = side_add_roots(&gram->recursion, &gram->right);
    return status;
}

static qntk_status prepare(qntk_gram *gram, size_t n, const double *X, size_t m, const double *Z)
{
    qntk_status status = QNTK_OK;
    double *centre = qntk_alloc_zero(gram->d, sizeof *centre);
    if (centre == NULL)
        return QNTK_FAIL_MEMORY();
    /* |x-z| does not depend on the origin; the centre of X makes |x|^2 + |z|^2 - 2 x.z cancel least */
    for (size_t i = 0; i < n && gram->route == ROUTE_RADIAL; i++)
        for (size_t j = 0; j < gram->d; j++)
            centre[j] += X[i * gram->d + j] / (double)n;
    status = side_create(gram, n, X, centre, &gram->left);
    if (status == QNTK_OK && !gram->symmetric)
        status = side_create(gram, m, Z, centre, &gram->right);
    qntk_free(centre);
    if (status != QNTK_OK)
        return status;
    if (gram->symmetric)
        gram->right = gram->left;
    if (gram->route == ROUTE_RADIAL)
        snprintf(gram->route_text, sizeof gram->route_text, "radial");
    else
        status = choose_network_route(gram);
    if (gram->symmetric) /* again: the route added arrays */
        gram->right = gram->left;
    return status;
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
        status = check_rows("the data", n, d, X);
    if (status == QNTK_OK && Z != NULL)
        status = check_rows("the second data set", m, d, Z);
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
    g->route = qntk_kernel_is_radial(kernel) ? ROUTE_RADIAL : ROUTE_TABLE;
    if (g->route != ROUTE_RADIAL)
        g->recursion = qntk_recursion_create(&kernel->network);
    status = prepare(g, n, X, m, Z);
    if (status != QNTK_OK)
        qntk_gram_destroy(&g);
    *gram = g;
    return status;
}

void qntk_gram_destroy(qntk_gram **gram)
{
    if (*gram == NULL)
        return;
    if (!(*gram)->symmetric)
        side_free(&(*gram)->right);
    side_free(&(*gram)->left);
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

/* u = 1 - cosine and v = 1 + cosine of two rows from their difference or sum, whichever is small. */
static void accurate_pole(const qntk_gram *gram, size_t i, size_t j, double *u, double *v)
{
    const double *x = gram->left.row + i * gram->d, *z = gram->right.row + j * gram->d;
    double minus = 0, plus = 0;
    for (size_t k = 0; k < gram->d; k++) {
        minus += (x[k] - z[k]) * (x[k] - z[k]);
        plus += (x[k] + z[k]) * (x[k] + z[k]);
    }
    *u = minus <= plus ? minus / 2 : 2 - plus / 2;
    *v = minus <= plus ? 2 - minus / 2 : plus / 2;
}

static void recursion_entries(const qntk_gram *gram, size_t i, size_t j, size_t count, double *u, double *v)
{
    qntk_tile_recursion row = {.recursion = &gram->recursion,
                               .norm = gram->left.norm[i],
                               .root = gram->left.root + i,
                               .root_stride = gram->left.n,
                               .column_norm = gram->right.norm + j,
                               .column_root = gram->right.root + j,
                               .column_root_stride = gram->right.n};
    gram->ops->recursion(&row, count, u, v);
}

/* K(x_i, x_i) from the norm alone, never from a cosine. */
static double diagonal(const qntk_gram *gram, size_t i)
{
    if (gram->route == ROUTE_RADIAL)
        return 1;
    if (gram->route == ROUTE_TABLE)
        return gram->scaled ? gram->diagonal * gram->left.norm[i] * gram->left.norm[i] : gram->diagonal;
    double u = 0, v = 2;
    recursion_entries(gram, i, i, 1, &u, &v);
    return u;
}

static double table_entry(const qntk_gram *gram, size_t i, size_t j)
{
    double u, v;
    accurate_pole(gram, i, j, &u, &v);
    if (u == 0 && gram->left.norm[i] == gram->right.norm[j])
        return gram->scaled ? gram->diagonal * gram->left.norm[i] * gram->left.norm[i] : gram->diagonal;
    double value = qntk_cosine_table_value(&gram->table, sqrt(fmin(u, v) / 2), v < u);
    return gram->scaled ? value * gram->left.norm[i] * gram->right.norm[j] : value;
}

/* Row i of a block: cosines (double) become kernel values; near the poles they are redone from the rows. */
static void finish_table_row(const qntk_gram *gram, const block *b, size_t i, double limit, double *value)
{
    const double *scale = gram->scaled ? gram->right.norm + b->column : NULL;
    double near[QNTK_TILE];
    bool any = gram->ops->near_pole(b->columns, value, 1 - limit);
    if (any)
        memcpy(near, value, b->columns * sizeof *near);
    gram->ops->table(&gram->table, b->columns, value, gram->scaled ? gram->left.norm[i] : 1, scale);
    for (size_t j = 0; any && j < b->columns; j++)
        if (fabs(near[j]) > 1 - limit)
            value[j] = table_entry(gram, i, b->column + j);
}

static void finish_table_row_single(const qntk_gram *gram, const block *b, size_t i, float *value)
{
    const float limit = 1 - (float)pole_limit_single;
    const float *scale = gram->scaled ? gram->right.norm_single + b->column : NULL;
    float near[QNTK_TILE];
    bool any = gram->ops->near_pole_single(b->columns, value, limit);
    if (any)
        memcpy(near, value, b->columns * sizeof *near);
    gram->ops->table_single(&gram->table, b->columns, value, gram->scaled ? gram->left.norm_single[i] : 1,
                            scale);
    for (size_t j = 0; any && j < b->columns; j++)
        if (fabsf(near[j]) > limit)
            value[j] = (float)table_entry(gram, i, b->column + j);
}

static void finish_recursion_row(const qntk_gram *gram, const block *b, size_t i, double limit, double *value)
{
    double v[QNTK_TILE];
    bool any = gram->ops->near_pole(b->columns, value, 1 - limit);
    for (size_t j = 0; j < b->columns; j++) {
        double cosine = fmax(-1, fmin(1, value[j]));
        v[j] = 1 + cosine;
        value[j] = 1 - cosine;
    }
    for (size_t j = 0; any && j < b->columns; j++)
        if (value[j] < limit || v[j] < limit)
            accurate_pole(gram, i, b->column + j, &value[j], &v[j]);
    recursion_entries(gram, i, b->column, b->columns, value, v);
}

static void finish_radial_row(const qntk_gram *gram, const block *b, size_t i, double limit, double *value)
{
    const double *square = gram->right.square + b->column;
    bool any = gram->ops->distance(b->columns, value, gram->left.square[i], square, limit);
    for (size_t j = 0; any && j < b->columns; j++)
        if (value[j] <= limit * (gram->left.square[i] + square[j]))
            value[j] = qntk_distance_squared(gram->d, gram->left.row + i * gram->d,
                                             gram->right.row + (b->column + j) * gram->d);
    gram->ops->radial(&gram->kernel, b->columns, value);
}

/* The block's kernel values in tile (rows, QNTK_TILE). */
static void compute_block(const qntk_gram *gram, const block *b, double *tile)
{
    const int d = (int)gram->d, rows = (int)b->rows, columns = (int)b->columns;
    const float *x_single = gram->left.row_single + b->row * gram->d;
    const float *z_single = gram->right.row_single + b->column * gram->d;
    double limit = gram->single ? pole_limit_single : pole_limit;
    float *narrow =
        (float *)tile + (size_t)QNTK_TILE * QNTK_TILE; /* the second half: widened row by row, in order */
    if (gram->single)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, d, 1, x_single, d, z_single, d, 0,
                    narrow, QNTK_TILE);
    else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, d, 1,
                    gram->left.row + b->row * gram->d, d, gram->right.row + b->column * gram->d, d, 0, tile,
                    QNTK_TILE);
    /* a float table that is not accurate enough (many bits, deep networks) gives way to the double one */
    bool table_in_float = gram->single && gram->route == ROUTE_TABLE && gram->table.error_single < 1e-6;
    for (size_t i = 0; i < b->rows; i++) {
        double *row = tile + i * QNTK_TILE;
        if (table_in_float)
            finish_table_row_single(gram, b, b->row + i, narrow + i * QNTK_TILE);
        if (gram->single) {
            float copy[QNTK_TILE];
            memcpy(copy, narrow + i * QNTK_TILE, b->columns * sizeof *copy);
            for (size_t j = 0; j < b->columns; j++)
                row[j] = copy[j];
        }
        if (gram->route == ROUTE_RADIAL)
            finish_radial_row(gram, b, b->row + i, limit, row);
        else if (gram->route == ROUTE_RECURSION)
            finish_recursion_row(gram, b, b->row + i, limit, row);
        else if (!table_in_float)
            finish_table_row(gram, b, b->row + i, limit, row);
    }
    if (gram->symmetric && b->row == b->column)
        for (size_t i = 0; i < b->rows; i++) {
            tile[i * QNTK_TILE + i] = diagonal(gram, b->row + i);
            for (size_t j = 0; j < i; j++) /* BLAS may sum (i,j) and (j,i) differently */
                tile[j * QNTK_TILE + i] = tile[i * QNTK_TILE + j];
        }
}

/* ---- tiles and whole matrices ---- */

/* The block at (block_row, block_column), from the stored triangle if symmetric: above the diagonal it is the
 * transpose of the block below. `spare` is a second tile. */
static void block_values(const qntk_gram *gram, size_t block_row, size_t block_column, double *tile,
                         double *spare)
{
    if (gram->symmetric && block_column > block_row) {
        block b = block_at(gram, block_column, block_row);
        compute_block(gram, &b, spare);
        gram->ops->transpose(b.rows, b.columns, spare, QNTK_TILE, tile, QNTK_TILE);
    } else {
        block b = block_at(gram, block_row, block_column);
        compute_block(gram, &b, tile);
    }
}

qntk_status qntk_gram_tile(const qntk_gram *gram, size_t row, size_t rows, size_t column, size_t columns,
                           double *out, size_t stride)
{
    QNTK_REQUIRE(row <= gram->left.n && rows <= gram->left.n - row, "rows beyond the matrix");
    QNTK_REQUIRE(column <= gram->right.n && columns <= gram->right.n - column, "columns beyond the matrix");
    QNTK_REQUIRE(stride >= columns, "the stride is smaller than the row");
    if (rows == 0 || columns == 0)
        return QNTK_OK;
    double *tile = qntk_alloc(2 * QNTK_TILE * QNTK_TILE, sizeof *tile);
    if (tile == NULL)
        return QNTK_FAIL_MEMORY();
    double *spare = tile + QNTK_TILE * QNTK_TILE;
    for (size_t bi = row / QNTK_TILE; bi * QNTK_TILE < row + rows; bi++)
        for (size_t bj = column / QNTK_TILE; bj * QNTK_TILE < column + columns; bj++) {
            block_values(gram, bi, bj, tile, spare);
            size_t top = qntk_max(row, bi * QNTK_TILE), bottom = qntk_min(row + rows, (bi + 1) * QNTK_TILE);
            size_t left = qntk_max(column, bj * QNTK_TILE),
                   right = qntk_min(column + columns, (bj + 1) * QNTK_TILE);
            for (size_t i = top; i < bottom; i++)
                memcpy(out + (i - row) * stride + (left - column),
                       tile + (i - bi * QNTK_TILE) * QNTK_TILE + (left - bj * QNTK_TILE),
                       (right - left) * sizeof *out);
        }
    qntk_free(tile);
    return QNTK_OK;
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
