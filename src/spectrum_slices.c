/* Tall blocks of vectors in slices of 32 columns, (slices,padded n,32): inner products and combinations. Rows
 * are cut into chunks that depend on n alone, and the parts of a sum are added in their order. */
#include "spectrum_internal.h"

#include <string.h>

enum {
    SLICE = QNTK_SLICE,
    SQUARE = SLICE * SLICE,
    TILE = QNTK_TILE,
    CHUNKS = 32 /* parts of an inner product, at most */
};

typedef struct {
    size_t padded, a, b, rows, chunks; /* rows in a chunk */
    const double *A;
    const double *B;
    double *Y; /* B of an update */
    double *C;
    const double *factors; /* C of an update, times the factor */
    size_t ldc;
    double *parts; /* (chunks,a,b,32,32) */
    const qntk_kernels *kernels;
} slices;

static slices slices_of(size_t padded, size_t a, const double *A, size_t b)
{
    slices s = {.padded = padded, .a = a, .b = b, .A = A, .kernels = qntk_kernels_best()};
    s.rows = (padded / TILE + CHUNKS - 1) / CHUNKS * TILE;
    s.chunks = (padded + s.rows - 1) / s.rows;
    return s;
}

static qntk_status inner_part(void *context, size_t index, size_t worker)
{
    (void)worker;
    const slices *s = context;
    const size_t first = index * s->rows, rows = qntk_min(s->rows, s->padded - first);
    double *part = s->parts + index * s->a * s->b * SQUARE;
    memset(part, 0, s->a * s->b * SQUARE * sizeof(double));
    for (size_t i = 0; i < s->a; i++)
        for (size_t j = 0; j < s->b; j++)
            s->kernels->multiply(SLICE, rows, s->A + (i * s->padded + first) * SLICE, 1, SLICE,
                                 s->B + (j * s->padded + first) * SLICE, SLICE,
                                 part + (i * s->b + j) * SQUARE, SLICE, NULL, 0);
    return QNTK_OK;
}

static qntk_status inner_sum(void *context, size_t index, size_t worker)
{
    (void)worker;
    const slices *s = context;
    double *C = s->C + index / s->b * SLICE * s->ldc + index % s->b * SLICE;
    for (size_t r = 0; r < SLICE; r++) {
        memset(C + r * s->ldc, 0, SLICE * sizeof(double));
        for (size_t chunk = 0; chunk < s->chunks; chunk++) {
            const double *part = s->parts + (chunk * s->a * s->b + index) * SQUARE + r * SLICE;
            for (size_t c = 0; c < SLICE; c++)
                C[r * s->ldc + c] += part[c];
        }
    }
    return QNTK_OK;
}

size_t qntk_inner_parts(size_t a, size_t b)
{
    return CHUNKS * a * b * SQUARE;
}

qntk_status qntk_slices_inner(size_t padded, size_t a, const double *A, size_t b, const double *B, double *C,
                              size_t ldc, double *parts)
{
    slices s = slices_of(padded, a, A, b);
    s.B = B;
    s.C = C;
    s.ldc = ldc;
    s.parts = parts;
    qntk_status status = qntk_parallel_for(s.chunks, inner_part, &s);
    return status == QNTK_OK ? qntk_parallel_for(a * b, inner_sum, &s) : status;
}

static qntk_status update_rows(void *context, size_t index, size_t worker)
{
    (void)worker;
    const slices *s = context;
    const size_t first = index * s->rows, rows = qntk_min(s->rows, s->padded - first);
    for (size_t j = 0; j < s->b; j++)
        for (size_t i = 0; i < s->a; i++)
            s->kernels->multiply(rows, SLICE, s->A + (i * s->padded + first) * SLICE, SLICE, 1,
                                 s->factors + i * SLICE * s->b * SLICE + j * SLICE, s->b * SLICE,
                                 s->Y + (j * s->padded + first) * SLICE, SLICE, NULL, 0);
    return QNTK_OK;
}

qntk_status qntk_slices_update(size_t padded, size_t a, const double *A, size_t b, double *B, double factor,
                               const double *C, size_t ldc)
{
    slices s = slices_of(padded, a, A, b);
    double *factors = qntk_alloc(a * b * SQUARE, sizeof(double));
    if (factors == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t r = 0; r < a * SLICE; r++)
        for (size_t c = 0; c < b * SLICE; c++)
            factors[r * b * SLICE + c] = factor * C[r * ldc + c];
    s.factors = factors;
    s.Y = B;
    qntk_status status = qntk_parallel_for(s.chunks, update_rows, &s);
    qntk_free(factors);
    return status;
}

qntk_status qntk_serially(qntk_parallel_body body, void *context)
{
    return qntk_parallel_for(1, body, context);
}
