/* The parts of a decay fit. */
#ifndef QNTK_DECAY_PARTS_H
#define QNTK_DECAY_PARTS_H

#include <stddef.h>

#include "qntk/decay.h"

/* y = intercept + odd_offset [odd] + slope x, by least squares. */
typedef struct {
    double slope, slope_se, intercept;
    double odd_offset; /* 0 if all points are of one class */
    double rss;        /* sum of squared residuals */
    double inflation;  /* of the standard error: sqrt((1+r)/(1-r)), r the residuals' autocorrelation */
    size_t classes;    /* 1 or 2 */
} qntk_line;

/* x, y, odd (count); count >= 4. The standard error includes the inflation. */
qntk_line qntk_line_fit(size_t count, const double *x, const double *y, const unsigned char *odd);

/* Sets law and verdict from the three fits and the window; symbol and unit name the index ('i', "indices").
 */
void qntk_decay_judge(char symbol, const char *unit, qntk_decay *decay);

#endif
