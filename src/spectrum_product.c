/* Products of a symmetric matrix with blocks of vectors, from its lower triangle alone: every entry is
 * fetched once and used for both K(i,j) v_j and K(i,j) v_i. */
#include "spectrum_internal.h"

#include <string.h>

enum {
    SLICE = QNTK_SLICE,
    TILE = QNTK_TILE,
    BLOCKS = 8, /* per side: 36 tasks, each with its part of the result, added in order at the end */
    STRIP = QNTK_AHEAD / TILE /* tiles copied at once: while they are used, the next ones are fetched */
};

typedef struct {
    size_t n, padded, tiles, slices;
    size_t side, count; /* tiles in a block, blocks per side */
    const double *K;
    double scale;
    const double *V;
    double *Y;
    double *parts; /* (count,count,slices,side*TILE,32) */
    const qntk_kernels *kernels;
} product;

static size_t part_size(const product *p)
{
    return p->slices * p->side * TILE * SLICE;
}

/* Tile (i,j) of K into `tile`, zero-padded, the diagonal one made symmetric. */
static void copy_tile(const product *p, size_t i, size_t j, double *tile)
{
    for (size_t r = 0; r < TILE; r++) {
        const size_t row = i * TILE + r, first = j * TILE;
        const size_t width = row < p->n ? qntk_min(TILE, row + 1 - first) : 0;
        for (size_t c = 0; c < width; c++)
            tile[r * TILE + c] = p->scale * p->K[row * p->n + first + c];
        memset(tile + r * TILE + width, 0, (TILE - width) * sizeof(double));
    }
    if (i == j)
        for (size_t r = 0; r < TILE; r++)
            for (size_t c = 0; c < r; c++)
                tile[c * TILE + r] = tile[r * TILE + c];
}

/* Both products of one tile, Y1 for its rows and Y2 for its columns. Meanwhile 32 pieces of rows of K are
 * fetched. */
static void multiply_tile(const product *p, size_t i, size_t j, const double *tile, double *Y1, double *Y2,
                          const double *ahead)
{
    const size_t slice = p->padded * SLICE, part = p->side * TILE * SLICE, half = TILE / 4;
    for (size_t s = 0; s < p->slices; s++) {
        p->kernels->multiply(TILE, TILE, tile, TILE, 1, p->V + s * slice + j * TILE * SLICE, SLICE,
                             Y1 + s * part, SLICE, ahead, p->n);
        if (i != j)
            p->kernels->multiply(TILE, TILE, tile, 1, TILE, p->V + s * slice + i * TILE * SLICE, SLICE,
                                 Y2 + s * part, SLICE, ahead != NULL ? ahead + half * p->n : NULL, p->n);
        ahead = NULL;
    }
}

/* Tiles first .. last-1 of tile row `row`. `next` is what will be wanted then: 64 rows of K, or NULL. */
static void multiply_strip(const product *p, size_t row, size_t first, size_t last, double *Y1, double *Y2,
                           const double *next)
{
    _Alignas(64) double strip[STRIP][TILE * TILE];
    for (size_t c = first; c < last; c++)
        copy_tile(p, row, c, strip[c - first]);
    for (size_t c = first; c < last; c++, Y2 += TILE * SLICE) {
        multiply_tile(p, row, c, strip[c - first], Y1, Y2, next);
        if (next != NULL)
            next += TILE / STRIP * p->n;
    }
}

static qntk_status multiply_block(void *context, size_t index, size_t worker)
{
    (void)worker;
    const product *p = context;
    const size_t whole = p->count * (p->count - 1) / 2;
    size_t i = 1, j = index;
    if (index >= whole) /* the halves on the diagonal come last */
        i = j = index - whole;
    else
        for (; j >= i; i++)
            j -= i;
    double *Y1 = p->parts + (i * p->count + j) * part_size(p);
    double *Y2 = p->parts + (j * p->count + i) * part_size(p);
    memset(Y1, 0, part_size(p) * sizeof(double));
    memset(Y2, 0, part_size(p) * sizeof(double));
    const size_t row0 = i * p->side, column0 = j * p->side;
    for (size_t row = row0; row < qntk_min(row0 + p->side, p->tiles); row++) {
        const size_t end = qntk_min(column0 + p->side, row + 1);
        for (size_t first = column0; first < end; first += STRIP) {
            const size_t next_row = first + STRIP < end ? row : row + 1;
            const size_t next = first + STRIP < end ? first + STRIP : column0;
            const bool inside = (next_row + 1) * TILE <= p->n && (next + STRIP) * TILE <= p->n;
            multiply_strip(p, row, first, qntk_min(first + STRIP, end), Y1 + (row - row0) * TILE * SLICE,
                           Y2 + (first - column0) * TILE * SLICE,
                           inside ? p->K + next_row * TILE * p->n + next * TILE : NULL);
        }
    }
    return QNTK_OK;
}

/* Rows of tile `index` of Y: their parts in the order of the blocks. */
static qntk_status add_parts(void *context, size_t index, size_t worker)
{
    (void)worker;
    const product *p = context;
    const size_t block = index / p->side, local = index % p->side;
    for (size_t s = 0; s < p->slices; s++) {
        double *Y = p->Y + s * p->padded * SLICE + index * TILE * SLICE;
        memset(Y, 0, TILE * SLICE * sizeof(double));
        for (size_t j = 0; j < p->count; j++) {
            const double *part = p->parts + (block * p->count + j) * part_size(p);
            part += (s * p->side + local) * TILE * SLICE;
            for (size_t e = 0; e < TILE * SLICE; e++)
                Y[e] += part[e];
        }
    }
    return QNTK_OK;
}

static product product_of(size_t n, size_t slices)
{
    product p = {.n = n, .padded = qntk_padded(n), .tiles = qntk_padded(n) / TILE, .slices = slices};
    p.side = (p.tiles + BLOCKS - 1) / BLOCKS;
    p.count = (p.tiles + p.side - 1) / p.side;
    return p;
}

size_t qntk_product_parts(size_t n, size_t slices)
{
    const product p = product_of(n, slices);
    return p.count * p.count * part_size(&p);
}

qntk_status qntk_symmetric_product(size_t n, const double *K, double scale, size_t slices, const double *V,
                                   double *Y, double *parts)
{
    product p = product_of(n, slices);
    p.K = K;
    p.scale = scale;
    p.V = V;
    p.Y = Y;
    p.parts = parts;
    p.kernels = qntk_kernels_best();
    qntk_status status = qntk_parallel_for(p.count * (p.count + 1) / 2, multiply_block, &p);
    return status == QNTK_OK ? qntk_parallel_for(p.tiles, add_parts, &p) : status;
}
