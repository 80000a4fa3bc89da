/* What the routes of the eigensolver share. */
#ifndef QNTK_SPECTRUM_INTERNAL_H
#define QNTK_SPECTRUM_INTERNAL_H

#include "tridiag_internal.h"

/* Columns of a block or slice: the width of the kernels. */
enum { QNTK_SLICE = QNTK_BAND };

/* Y = scale K V for `slices` slices of 32 columns: V and Y (slices,padded n,32), zero in the padding. K
 * (n,n): the lower triangle is read, each entry once. `parts` has room for qntk_product_parts(n, slices)
 * doubles. */
qntk_status qntk_symmetric_product(size_t n, const double *K, double scale, size_t slices, const double *V,
                                   double *Y, double *parts);
size_t qntk_product_parts(size_t n, size_t slices);

/* C (32 a, 32 b), rows of ldc doubles: C = A'B for slices A (a,padded n,32) and B (b,padded n,32). `parts`
 * has room for qntk_inner_parts(a, b) doubles. */
qntk_status qntk_slices_inner(size_t padded, size_t a, const double *A, size_t b, const double *B, double *C,
                              size_t ldc, double *parts);
size_t qntk_inner_parts(size_t a, size_t b);

/* B += factor A C, C (32 a, 32 b). */
qntk_status qntk_slices_update(size_t padded, size_t a, const double *A, size_t b, double *B, double factor,
                               const double *C, size_t ldc);

/* Runs a function with BLAS and LAPACK on one thread, so that its bytes are the same for any number. */
qntk_status qntk_serially(qntk_parallel_body body, void *context);

/* Eigenvalues of the tridiagonal matrix (diag (n), offdiag (n-1)), descending, and, unless evec is NULL, the
 * first `count` eigenvectors, evec (n,count). */
qntk_status qntk_tridiag_eigen(size_t n, const double *diag, const double *offdiag, size_t count,
                               double *eval, double *evec);

/* As above for all eigenvalues, and with rows (n,width) = Q'R, width a multiple of 32, replaced by the
 * products with the eigenvectors: row k becomes R v_k. O(n^2 width). */
qntk_status qntk_tridiag_eigen_rows(size_t n, const double *diag, const double *offdiag, size_t width,
                                    double *eval, double *rows);

/* Fills out->residual and max_residual from K, eval and evec. */
qntk_status qntk_spectrum_residuals(size_t n, const double *K, qntk_spectrum *out);

/* The routes. Each fills all of `out`; the caller frees it on failure. */
qntk_status qntk_spectrum_dense(size_t n, const double *K, qntk_spectrum_options options, qntk_spectrum *out);
qntk_status qntk_spectrum_block(size_t n, const double *K, qntk_spectrum_options options, qntk_spectrum *out);

#endif
