/* What the files of svm share. */
#ifndef QNTK_SVM_INTERNAL_H
#define QNTK_SVM_INTERNAL_H

#include <stdatomic.h>

#include "internal.h"

/* ---- svm.c ---- */

/* trace(K)/n, or 1 if that is 0: the unit of K. */
double qntk_svm_scale(size_t n, const double *K);

/* QNTK_NOT_FINITE, QNTK_INVALID: a K_ii below 0. */
qntk_status qntk_svm_check_diagonal(size_t n, const double *K);

/* QNTK_INVALID: an argument of the functions that train. */
qntk_status qntk_svm_check_call(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                                const size_t *row);

/* What decides: machines trained on the rows row[member] of K. */
typedef struct {
    size_t count, classes;
    const size_t *row, *member; /* member NULL: all */
    const double *y;            /* by member, as row */
    const double *coef, *threshold;
    const size_t *size; /* (classes) */
} qntk_svm_voters;

/* The class of a row, k (n) its row of K. sums (classes,classes) is work space: sum_i coef_i K(x,x_i) over
 * the rows of class a in the machine a against b comes to stand at [a,b], over those of class b at [b,a]. */
qntk_status qntk_svm_vote(const qntk_svm_voters *voters, const double *k, double *sums, double *prediction);

/* size (classes): the rows of each class. */
void qntk_svm_count_classes(size_t count, const size_t *member, const double *y, size_t classes,
                            size_t *size);

/* ---- svm_train.c: all that knows libsvm ---- */

struct svm_node; /* libsvm's: an index and a double */

/* The training rows as libsvm reads them, once for all machines on them. */
typedef struct {
    size_t n, rows, classes;
    const double *K;
    double scale;          /* of K; libsvm sees K/scale */
    struct svm_node *node; /* (rows,rows+1): the row's serial number from 1, then K/scale among the rows */
    size_t *row;           /* (rows) */
    double *y;             /* (rows) */
} qntk_svm_block;

/* Codes of qntk_svm_fit. On failure the block is zeroed. */
qntk_status qntk_svm_block_build(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                                 const size_t *row, qntk_svm_block *block);
void qntk_svm_block_free(qntk_svm_block *block);

/* Machines on some rows of a block. */
typedef struct {
    const qntk_svm_block *block;
    size_t count;
    const size_t *member; /* (count) rows of the block; NULL: all */
    double C;
    double *coef;                       /* (count,classes), as in qntk_svm */
    double *threshold;                  /* (classes,classes) */
    atomic_size_t machines, unfinished; /* are added to */
} qntk_svm_training;

/* Trains a machine for each pair of classes, on all threads. */
qntk_status qntk_svm_train(qntk_svm_training *training);

/* QNTK_INVALID: what libsvm would be given as C is not a positive number that single precision has. */
qntk_status qntk_svm_check_C(size_t n, const double *K, size_t count, const double *C);

#endif
