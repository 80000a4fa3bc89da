/* Classes as regression targets, predicted scores as classes, stratified folds. */
#ifndef QNTK_LABELS_H
#define QNTK_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Class numbers are doubles 0 .. classes-1, as in qntk_dataset.y. */

/* Y (n,classes): 1 - 1/classes in the column of the row's class, -1/classes elsewhere, so that a row sums to
 * zero and the prior zero means no opinion. QNTK_INVALID with the row if a label is no class number. */
qntk_status qntk_labels_encode(size_t n, const double *y, size_t classes, double *Y);

/* y (n): the class with the highest of the scores S[i*stride + c], the lower one at a tie; stride >= classes
 * picks one ridge out of a path. QNTK_NOT_FINITE with the row if a score is NaN or infinite. */
qntk_status qntk_labels_decode(size_t n, size_t classes, const double *S, size_t stride, double *y);

/* The fraction of rows with y_i = z_i; 0 for n = 0. */
double qntk_labels_accuracy(size_t n, const double *y, const double *z);

/* Deals n rows to `folds` folds, fold (n) with values 0 .. folds-1: in the order of classes, shuffled inside
 * each, like cards. Sizes of folds differ by at most one, and so do the rows of any one class in them; a
 * class with fewer rows than folds is missing from some. classes = 0 (regression; y may be NULL): all rows
 * are of one class. Decided by the seed alone. QNTK_INVALID: folds < 2 or > n, or a label that is no class
 * number; QNTK_NO_MEMORY. */
qntk_status qntk_labels_folds(size_t n, const double *y, size_t classes, size_t folds, uint64_t seed,
                              size_t *fold);

#ifdef __cplusplus
}
#endif
#endif
