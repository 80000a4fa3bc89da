/* kernel-compare --solver svm. */
#ifndef COMPARE_SVM_H
#define COMPARE_SVM_H

#include "compare.h"
#include "compare_report.h"

/* QNTK_UNSUPPORTED, and what to do, where there is no libsvm or the target is no class. */
qntk_status compare_svm_check(const qntk_dataset *data);

/* Tries the values of row->ridge (ridges) as C by cross-validation inside the training rows of each split,
 * keeps the one with the highest mean accuracy (the smaller at a tie), and fills C, cross, unfinished, fold
 * and answer. automatic: they ascend, and once none of three in a row is better than the best the rest is
 * left out of row->ridges. K (n,n) is of all rows. */
qntk_status compare_svm_folds(const compare_settings *set, const qntk_dataset *data, const double *K,
                              const qntk_split *split, bool automatic, compare_row *row);

#endif
