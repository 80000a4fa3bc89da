/* From inner products to kernel values, one row of a tile at a time. tile.c is compiled once per instruction
 * set; tile_dispatch.c picks the best that the processor has when the program starts. */
#ifndef QNTK_TILE_H
#define QNTK_TILE_H

#include "cosine_table.h"

enum { QNTK_TILE = 256 }; /* rows and columns of a tile: 512 KiB of doubles, half a second-level cache */

/* One row against `count` <= QNTK_TILE columns under the layer recursion (kernel_internal.h). */
typedef struct {
    const qntk_recursion *recursion;
    double norm;        /* n of the row */
    const double *root; /* (depth) a_l = sqrt(A_l) of the row, stride root_stride */
    size_t root_stride;
    const double *column_norm; /* (count) n' */
    const double *column_root; /* (depth, count) a_l', stride column_root_stride */
    size_t column_root_stride;
} qntk_tile_recursion;

/* Every `count` is at most QNTK_TILE: the functions keep a row of a tile on their stack. */
typedef struct {
    const char *name;
    /* h[j] = (1 - |cosine[j]|)/2, at least 0, with the sign of the cosine, in place; true if some |h[j]| <=
     * limit: rounding of the cosine would show there. */
    bool (*pole)(size_t count, double *cosine, double limit);
    bool (*pole_single)(size_t count, float *cosine, float limit);
    /* value[j] = scale * column_scale[j] * f(h[j]), h as above, in place; column_scale NULL: 1. */
    void (*table)(const qntk_cosine_table *table, size_t count, double *h, double scale,
                  const double *column_scale);
    void (*table_single)(const qntk_cosine_table *table, size_t count, float *h);
    /* value[j] from u = 1 - cosine, v = 1 + cosine, in place of u; v is overwritten. */
    void (*recursion)(const qntk_tile_recursion *row, size_t count, double *u, double *v);
    /* r2[j] = max(0, square + column_square[j] - 2 product[j]), in place; true if some r2[j] <= the larger of
     * reach and column_reach[j]. */
    bool (*distance)(size_t count, double *product, double square, const double *column_square, double reach,
                     const double *column_reach);
    /* |x - sign z|^2 of two rows of length d, sign = 1 or -1. */
    double (*gap)(size_t d, const double *x, const double *z, double sign);
    /* value[j] of a radial kernel from r2[j], in place. */
    void (*radial)(const qntk_kernel *kernel, size_t count, double *r2);
    /* out (columns, rows) = transpose of in (rows, columns), streaming past the cache where out is aligned.
     */
    void (*transpose)(size_t rows, size_t columns, const double *in, size_t in_stride, double *out,
                      size_t out_stride);
    /* Copies one row past the cache. */
    void (*store)(size_t count, const double *in, double *out);
    /* After the last transpose or store of a thread: orders what streamed past the cache before its later
     * stores. */
    void (*fence)(void);
} qntk_tile_ops;

/* The row functions for an instruction set by name, or the best for this processor (NULL). NULL and a message
 * if the processor or the build lacks it. */
const qntk_tile_ops *qntk_tile_ops_find(const char *name);

#endif
