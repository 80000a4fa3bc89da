/* Means and order, which several modules want. */
#include "internal.h"

#include <math.h>

double qntk_mean(size_t count, size_t stride, const double *x, double *error)
{
    double sum = 0, squares = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k * stride];
    const double mean = sum / (double)count;
    for (size_t k = 0; k < count; k++)
        squares += (x[k * stride] - mean) * (x[k * stride] - mean);
    *error = count > 1 ? sqrt(squares / (double)(count - 1) / (double)count) : NAN;
    return mean;
}

int qntk_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
