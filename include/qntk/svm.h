/* Support vector machines for classification on a given kernel matrix, by libsvm. */
#ifndef QNTK_SVM_H
#define QNTK_SVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/evaluate.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One machine for each pair a < b of the classes that occur in the training rows. With s_i = 1 for a row of
 * class a and -1 for one of class b,
 *     f_ab(x) = sum_i coef_i K(x,x_i) - threshold    minimises    |f|^2/2 + C sum_i max(0, 1 - s_i f_ab(x_i))
 * (|f|^2 = coef' K coef; the threshold is free), and coef_i = s_i alpha_i, where alpha solves the dual
 * problem
 *     min  1/2 sum_ij alpha_i s_i K_ij s_j alpha_j - sum_i alpha_i
 *     with  0 <= alpha_i <= C,  sum_i s_i alpha_i = 0.
 * f_ab(x) >= 0 is a vote for a, otherwise for b; the class with most votes wins, the lower one at a tie, as
 * elsewhere in this library (libsvm's own rule depends on the order of the rows).
 * (Cortes, Vapnik 1995; the solver is that of Fan, Chen, Lin 2005 in Chang, Lin, "LIBSVM".)
 *
 * libsvm is given K/scale, scale = trace(K)/n of the whole matrix (1 if that is 0), and C scale, which is the
 * same problem in numbers of order one. It stops when the optimality conditions of s_i f(x_i) are met to
 * 1e-3, and keeps K in single precision: they hold to about 1e-3 + 6e-8 sum_i alpha_i |K_ij|. Where 10^7
 * iterations do not get there it takes what it has and says so on standard error, the one line that cannot be
 * silenced (its other output is, for the whole process).
 *
 * Memory: 16 bytes for each entry of the training block, shared by all machines on it, and for each thread
 * libsvm's cache, 4 bytes an entry of a machine's block but at most 256 MiB. Pairs run on all threads; the
 * results do not depend on their number. A machine at work cannot be interrupted; between two it can.
 *
 * Every function that trains: QNTK_UNSUPPORTED if built without libsvm, QNTK_INVALID (an empty or wrong list
 * of rows, a label that is no class number, C that is not positive, a negative K_ii, C scale or K/scale
 * beyond single precision), QNTK_NOT_FINITE (K among the training rows), QNTK_TOO_LARGE, QNTK_NO_MEMORY,
 * QNTK_INTERRUPTED. */
typedef struct {
    size_t rows, classes;
    double C;
    size_t *row;  /* (rows) the training rows, rows of K */
    double *y;    /* (rows) their classes */
    double *coef; /* (rows,classes): of row i in the machine of its own class against another, s_i alpha_i */
    double *threshold; /* (classes,classes), at [a,b] with a < b; 0 where there is no machine */
    size_t *size;      /* (classes) training rows of each class */
    size_t support;    /* rows with a coefficient that is not 0 */
    size_t machines;   /* pairs of classes that occur */
    size_t unfinished; /* machines that stopped after 10^7 iterations */
} qntk_svm;

/* True if built with libsvm. */
bool qntk_svm_available(void);

/* 2^-5, 2^-3, .., 2^15 (the grid of libsvm's guide: Hsu, Chang, Lin, "A practical guide to support vector
 * classification") divided by trace(K)/n, the mean of the diagonal of K (n,n), so that the choice does not
 * depend on the unit of K. QNTK_INVALID: n = 0, a negative K_ii; QNTK_NOT_FINITE: a K_ii. */
enum { QNTK_SVM_GRID = 11 };
qntk_status qntk_svm_grid(size_t n, const double *K, double C[QNTK_SVM_GRID]);

/* Trains on the rows `row` (rows) of K (n,n), symmetric, y (n) its class numbers, 0 .. classes-1. One class
 * only: there is no machine, and every row is of that class. On failure the result is zeroed. */
qntk_status qntk_svm_fit(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                         const size_t *row, double C, qntk_svm *svm);

/* Frees what it holds and zeroes it; a zeroed one is allowed. */
void qntk_svm_free(qntk_svm *svm);

/* prediction (count): the classes of the rows `row` (count) of the same K (n,n) the machines were trained on;
 * entries [row, training row] are read. O(count rows classes), on all threads. QNTK_INVALID: another n than
 * fits the rows; QNTK_NOT_FINITE with the row; QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_svm_predict(const qntk_svm *svm, size_t n, const double *K, size_t count, const size_t *row,
                             double *prediction);

/* accuracy (count): for every C the fraction of the rows `row` (rows >= 2) that are classified rightly by
 * machines trained on the other folds, `folds` of them (>= 2; at most one for each row) dealt by
 * qntk_labels_folds with the seed. In place of svm_cross_validation, which calls rand(). Progress is reported
 * as `svm`. */
qntk_status qntk_svm_cross(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                           const size_t *row, size_t count, const double *C, size_t folds, uint64_t seed,
                           double *accuracy);

/* Trains on the training rows of `split`, as qntk_svm_fit does, and predicts them and the test rows: the
 * accuracies train and test, gap = train - test; what belongs to a ridge is NaN, and so are test and gap
 * without test rows. prediction (test_count) or NULL. unfinished, unless NULL: machines that stopped after
 * 10^7 iterations. Codes of qntk_svm_fit and qntk_svm_predict; on failure the outputs are zeroed. */
qntk_status qntk_svm_evaluate_split(size_t n, const double *K, const double *y, size_t classes,
                                    const qntk_split *split, double C, qntk_score *score, double *prediction,
                                    size_t *unfinished);

#ifdef __cplusplus
}
#endif
#endif
