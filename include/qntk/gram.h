/* Gram matrices: the values of a kernel on all pairs of rows, in tiles.
 *
 * The rows are normalised once (create); any tile can then be produced on its own, from any thread, with the
 * same bytes as in the whole matrix. Inner products come from BLAS in blocks on a fixed grid of 256 x 256;
 * what turns them into kernel values depends on the kernel and the rows:
 *   table      network kernels without bias, or with bias on rows of equal norm, are norm * norm * f(cosine):
 *              f is tabulated once as a piecewise polynomial, so depth costs nothing;
 *   recursion  network kernels with bias on rows of unequal norm, and matrices too small for a table to pay
 *              (n < 89, with many bits or layers n < 337): the layer recursion, vectorised;
 *   radial     functions of |x - z|^2, the rows centred at their median.
 * Pairs of nearly equal or opposite rows, where an inner product no longer knows 1 -+ cosine or |x - z|^2 as
 * well as the kernel needs it (deep networks and small bandwidths need it best), are found in each tile and
 * redone from the rows themselves. Many such pairs (clusters) cost time, a few times that of the rest.
 *
 * Accuracy, relative to sqrt(K(x,x) K(z,z)), tested against qntk_kernel_pair at depths 1 to 256: double 1e-13
 * at the worst pairs, those just not redone (measured: 4e-14), and 2e-15 where 1 - |cosine| > 0.1; single
 * 1e-5 at the worst (measured: 4e-6), 6e-7 where 1 - |cosine| > 0.1. Distances below 1e-150 bandwidths count
 * as 0. Matern kernels of nu other than 0.5, 1.5 and 2.5 take a microsecond or more an entry. */
#ifndef QNTK_GRAM_H
#define QNTK_GRAM_H

#include <stddef.h>

#include "qntk/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { QNTK_PRECISION_DOUBLE, QNTK_PRECISION_SINGLE } qntk_precision;

typedef struct {
    qntk_precision precision; /* arithmetic of the tiles; default double */
    const char *isa;          /* NULL = the best this machine has; or "baseline", "avx2", "avx512" */
} qntk_gram_options;

qntk_gram_options qntk_gram_defaults(void);

typedef struct qntk_gram qntk_gram;

/* Prepares K(X, Z) for X (n,d) and Z (m,d); Z NULL: K(X, X), symmetric. The bandwidth must be resolved
 * (qntk_kernel_resolve). Copies what it needs: O((n+m)(d + depth)) memory and time (radial kernels: 2 (n+m) d
 * numbers).
 * QNTK_NOT_FINITE if X or Z has a NaN, an infinity or a row whose norm overflows (the message names the
 * row), QNTK_INVALID, QNTK_NO_MEMORY. */
qntk_status qntk_gram_create(const qntk_kernel *kernel, size_t d, size_t n, const double *X, size_t m,
                             const double *Z, qntk_gram_options options, qntk_gram **gram);
void qntk_gram_destroy(qntk_gram **gram);

/* The tile of rows [row, row+rows) and columns [column, column+columns): out[i*stride + j], with the bytes of
 * the whole matrix whatever number of threads BLAS is set to. Thread-safe. The cheapest tiles start at
 * multiples of 256; those of 256 x 256 are shared among all threads. Memory: 512 KiB a thread.
 * QNTK_INVALID, QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_gram_tile(const qntk_gram *gram, size_t row, size_t rows, size_t column, size_t columns,
                           double *out, size_t stride);

/* The whole matrix K (n,m), on all threads. Symmetric: computes one triangle, writes both; K is symmetric to
 * the bit. O(n m d). Memory beyond K: 512 KiB a thread, beside what BLAS keeps. QNTK_NO_MEMORY,
 * QNTK_INTERRUPTED. */
qntk_status qntk_gram_fill(const qntk_gram *gram, double *K);

/* The same into float (n,m); meant for QNTK_PRECISION_SINGLE. */
qntk_status qntk_gram_fill_single(const qntk_gram *gram, float *K);

/* "table (16 pieces, error 4.4e-16)", "recursion", "radial": how this Gram matrix is computed. */
const char *qntk_gram_route(const qntk_gram *gram);

/* The instruction set the tiles run on: "baseline", "avx2" or "avx512". */
const char *qntk_gram_isa(const qntk_gram *gram);

/* create + fill + destroy: K (n,n) of X (n,d). */
qntk_status qntk_gram_symmetric(const qntk_kernel *kernel, size_t n, size_t d, const double *X, double *K);

#ifdef __cplusplus
}
#endif
#endif
