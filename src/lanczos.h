/* The Krylov space of the block route: an orthonormal basis V in slices of 32 vectors, and H = V'KV. */
#ifndef QNTK_LANCZOS_H
#define QNTK_LANCZOS_H

#include "spectrum_internal.h"

enum {
    QNTK_RESTART = 2,    /* slices of random vectors that a chain after the first starts from, next to */
    QNTK_MOST_ACTIVE = 3 /* a slice that is not full */
};

typedef struct {
    size_t n, padded, size; /* size: doubles in a slice */
    const double *K;
    double scale;
    size_t top, limit; /* slices the basis may have */
    double tolerance;
    bool patient; /* no other route follows: the whole space is used */
    qntk_rng rng;
    size_t used, active; /* slices in the basis, and in its last block */
    size_t fresh;        /* slices in the last block that did not come from the product before */
    size_t before;       /* slices in the block before the last */
    size_t random;       /* vectors of the basis that started at random */
    size_t products;     /* blocks multiplied */
    double *basis;       /* (limit + MOST_ACTIVE,padded,32) */
    double *image;       /* W: (MOST_ACTIVE,padded,32) */
    double *spare;       /* as W */
    double *H;           /* (ld,ld), ld = 32 limit */
    size_t ld;
    double *C;        /* (32 (limit + MOST_ACTIVE),32 MOST_ACTIVE): coefficients */
    double *gram;     /* W'W before W is orthonormalised, (32 active)^2 */
    double *parts;    /* of products and inner products */
    double *value;    /* Ritz values, descending (ld) */
    size_t converged; /* leading Ritz pairs within the tolerance */
    double worst;     /* largest residual among the first `top`, over the norm */
    double norm;
} qntk_lanczos;

/* Vectors in the last block. */
static inline size_t qntk_lanczos_width(const qntk_lanczos *z)
{
    return z->active * QNTK_SLICE;
}

/* n, padded, size, K, scale, top, limit, tolerance, patient and rng are set by the caller. */
qntk_status qntk_lanczos_allocate(qntk_lanczos *z);
void qntk_lanczos_release(qntk_lanczos *z);

/* A first block of 32 random vectors. */
qntk_status qntk_lanczos_start(qntk_lanczos *z);

/* W = K V_last - V C with C = V' K V_last, which is the new block column of H; and W'W. */
qntk_status qntk_lanczos_multiply(qntk_lanczos *z);

/* W, made orthonormal, becomes the last block. Directions that rounding has taken over are replaced by random
 * ones. */
qntk_status qntk_lanczos_extend(qntk_lanczos *z);

/* A new basis: the wanted Ritz vectors, and as its last block those that do not fill a slice with random
 * vectors. */
qntk_status qntk_lanczos_restart(qntk_lanczos *z);

/* H = Q T Q'. */
qntk_status qntk_lanczos_tridiagonalise(const qntk_lanczos *z, qntk_tridiag **t);

/* The first `count` Ritz values and the vectors in slices X. */
qntk_status qntk_lanczos_vectors(qntk_lanczos *z, size_t count, double *X);

#endif
