/* Tridiagonalisation of a symmetric matrix in two stages, K = Q T Q'. */
#ifndef QNTK_TRIDIAG_H
#define QNTK_TRIDIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* K = Q T Q', Q orthogonal, T symmetric tridiagonal. */
typedef struct qntk_tridiag qntk_tridiag;

typedef struct {
    bool keep_reflectors; /* false: T only, qntk_tridiag_apply is not possible; true: n*n*8 bytes more */
} qntk_tridiag_options;

qntk_tridiag_options qntk_tridiag_defaults(void);

/* Reduces K (n,n), row-major, symmetric: its lower triangle is read, nothing of it is changed. n = 0 is
 * allowed.
 *
 * Householder panels take K to a band of half-width 32 (4/3 n^3 operations as matrix products), bulge chasing
 * takes the band to T (about 200 n^2 operations). Both run on all threads; the same bytes for any number of
 * them. Memory: n*n*4 bytes while it runs, n*n*8 more with keep_reflectors.
 *
 * Accuracy: ||K - Q T Q'|| and ||Q'Q - I|| are small multiples of n * 2^-53, the first times ||K||. Entries
 * are scaled by a power of two first, so that neither overflow nor underflow disturbs.
 *
 * QNTK_NOT_FINITE: K has NaN or infinity (the message says where), or ||K|| exceeds the largest double.
 * QNTK_TOO_LARGE, QNTK_NO_MEMORY, QNTK_INTERRUPTED. On failure *out is NULL.
 * Progress is reported as "eigenvalues". */
qntk_status qntk_tridiag_create(size_t n, const double *K, qntk_tridiag_options options, qntk_tridiag **out);

/* Frees *tridiag and sets it to NULL; a NULL is allowed. */
void qntk_tridiag_destroy(qntk_tridiag **tridiag);

/* n. */
size_t qntk_tridiag_size(const qntk_tridiag *tridiag);

/* T: its diagonal (n) and the entries beside it (n-1), owned by the object. */
const double *qntk_tridiag_diag(const qntk_tridiag *tridiag);
const double *qntk_tridiag_offdiag(const qntk_tridiag *tridiag);

/* B (n,m), row-major, becomes Q B, or Q' B if `transpose`. 4 n^2 m operations; columns are taken 32 at a
 * time, so that a single one costs as much as 32. The same bytes for any number of threads.
 *
 * QNTK_INVALID: the reflectors were not kept. QNTK_NOT_FINITE: B has NaN or infinity. QNTK_TOO_LARGE,
 * QNTK_NO_MEMORY, QNTK_INTERRUPTED: B may then be partly transformed. */
qntk_status qntk_tridiag_apply(const qntk_tridiag *tridiag, bool transpose, size_t m, double *B);

#ifdef __cplusplus
}
#endif
#endif
