/* What studies of kernels and of networks share. */
#ifndef QNTK_STUDY_INTERNAL_H
#define QNTK_STUDY_INTERNAL_H

#include "internal.h"

/* The share of `count` rows, as exact as the quotient of whole numbers that it is: where two kernels hit equally
 * many rows in folds of one size, in whichever of them, the means over the folds are to be the same double. */
long double qntk_study_exact(double share, size_t count);

/* Every row of the split is below n. */
bool qntk_study_rows_below(size_t n, const qntk_split *split);

/* Classes, a pair and folds are there, their rows below data->n. */
qntk_status qntk_study_check(const qntk_dataset *data);

/* `values` ascend within 0 <= values < infinity, 1 to QNTK_STUDY_GRID of them. */
bool qntk_study_ascending(size_t count, const double *values);

double qntk_study_clock(void);

#endif
