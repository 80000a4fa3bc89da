/* What the parts of the Gram builder share: gram_rows.c prepares the rows, gram_route.c decides how values
 * are computed and which pairs are redone, gram_block.c computes a block, gram.c tiles and matrices of them. */
#ifndef QNTK_GRAM_INTERNAL_H
#define QNTK_GRAM_INTERNAL_H

#include "tile.h"

#include <math.h>

typedef enum { GRAM_TABLE, GRAM_RECURSION, GRAM_RADIAL } gram_route;

/* One side of the matrix. */
typedef struct {
    size_t n;
    double *row;       /* (n,d) unit rows (network), or centred rows in units of about a bandwidth (radial) */
    float *row_single; /* (n,d) the same in float, only for single precision */
    double *norm;      /* (n) |x|/sqrt(d) (network) */
    double *exact;     /* (n,d) the rows as given, in the same units (radial) */
    double *square;    /* (n) |x - centre|^2 (radial) */
    double *reach;     /* (n) pairs with r^2 <= the larger of both reaches are redone from `exact` (radial) */
    double *root;      /* (depth,n) sqrt of the second moment A_l (recursion with bias) */
} gram_side;

struct qntk_gram {
    qntk_kernel kernel; /* radial: its bandwidth in the units of the rows */
    qntk_recursion recursion;
    qntk_cosine_table table;
    gram_route route;
    bool single;                                       /* arithmetic in float */
    bool symmetric;                                    /* Z is X */
    bool scaled;                                       /* a network without bias: K = n n' f(cosine) */
    double unit_norm[QNTK_TILE], unit_root[QNTK_TILE]; /* n = 1 and a_l = sqrt(2), for K = n n' f */
    double diagonal;                                   /* GRAM_TABLE: f at equal rows, before scaling */
    double pole; /* network: pairs with 1 - |cosine| <= pole are redone from the unit rows */
    size_t d;
    gram_side left, right; /* right is a copy of the struct left if symmetric */
    const qntk_tile_ops *ops;
    char route_text[64];
};

/* The largest d K / d y over sqrt(K(x,x) K(z,z)) at which K may be computed from an inner product, y being 1
 * - cosine or r^2 / (|x|^2 + |z|^2). Rounding moves y by a few units in the last place (two as measured, more
 * in long rows, where the partial sums are longer), and may move K by half of what is promised. */
static inline double gram_steepest(bool single, size_t d)
{
    const double units = 2 + sqrt((double)d) / 14;
    return single ? 4e-6 / (units * 0x1p-23) : 4e-14 / (units * 0x1p-52);
}

/* QNTK_NOT_FINITE, naming the row, if a row's norm is not below 1e140. */
qntk_status gram_check_rows(const char *name, size_t n, size_t d, const double *X);

/* Fills both sides of `gram` (route, kernel, d, single and symmetric are set). */
qntk_status gram_rows_create(qntk_gram *gram, size_t n, const double *X, size_t m, const double *Z);
void gram_rows_free(qntk_gram *gram);

/* r^2 up to which the pair of two rows with |x|^2 + |z|^2 <= sum is redone. */
double gram_radial_reach(const qntk_gram *gram, double sum);

/* A block of the fixed 256 x 256 grid. */
typedef struct {
    size_t row, rows, column, columns; /* row and column are multiples of QNTK_TILE */
} gram_block;

gram_block gram_block_at(const qntk_gram *gram, size_t block_row, size_t block_column);

/* The block's kernel values in tile (rows, QNTK_TILE). BLAS is to run on one thread. */
void gram_block_compute(const qntk_gram *gram, const gram_block *b, double *tile);

/* Chooses table or recursion for a network and prepares it; sets `pole`. */
qntk_status gram_route_create(qntk_gram *gram);

#endif
