/* One block of the fixed 256 x 256 grid: inner products from BLAS, row by row into kernel values. */
#include "gram_internal.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

gram_block gram_block_at(const qntk_gram *gram, size_t block_row, size_t block_column)
{
    size_t row = block_row * QNTK_TILE, column = block_column * QNTK_TILE;
    return (gram_block){row, qntk_min(QNTK_TILE, gram->left.n - row), column,
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
static void find_halves(const qntk_gram *gram, const gram_block *b, size_t i, double *cosine,
                        equal_rows *equal)
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

static void find_halves_single(const qntk_gram *gram, const gram_block *b, size_t i, float *cosine,
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
static void finish_table_row(const qntk_gram *gram, const gram_block *b, size_t i, double *value)
{
    equal_rows equal;
    find_halves(gram, b, i, value, &equal);
    gram->ops->table(&gram->table, b->columns, value, gram->scaled ? gram->left.norm[i] : 1,
                     gram->scaled ? gram->right.norm + b->column : NULL);
    set_equal_rows(gram, i, &equal, value);
}

/* The same in float; the norms come in as doubles, so that their products do not underflow. */
static void finish_table_row_single(const qntk_gram *gram, const gram_block *b, size_t i, float *cosine,
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

static void finish_recursion_row(const qntk_gram *gram, const gram_block *b, size_t i, double *value)
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

static void finish_radial_row(const qntk_gram *gram, const gram_block *b, size_t i, double *value)
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

static void finish_row(const qntk_gram *gram, const gram_block *b, size_t i, double *value)
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
static void compute_rows_single(const qntk_gram *gram, const gram_block *b, double *tile)
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

void gram_block_compute(const qntk_gram *gram, const gram_block *b, double *tile)
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
