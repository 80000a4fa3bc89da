/* Least squares with one slope and a level for each class, and totals of a spectrum. */
#include "internal.h"

#include "decay_parts.h"
#include "qntk/decay.h"

#include <math.h>

static const double CORRELATION_MAX = 0.99; /* keeps the effective size positive */

qntk_line qntk_line_fit(size_t count, const double *x, const double *y, const unsigned char *odd)
{
    double size[2] = {0}, mean_x[2] = {0}, mean_y[2] = {0};
    for (size_t k = 0; k < count; k++) {
        size[odd[k]]++;
        mean_x[odd[k]] += x[k];
        mean_y[odd[k]] += y[k];
    }
    for (int c = 0; c < 2; c++) {
        mean_x[c] /= fmax(size[c], 1);
        mean_y[c] /= fmax(size[c], 1);
    }
    /* Centred within each class, the levels drop out: slope = Sxy/Sxx. */
    double sxx = 0, sxy = 0;
    for (size_t k = 0; k < count; k++) {
        double u = x[k] - mean_x[odd[k]];
        sxx += u * u;
        sxy += u * (y[k] - mean_y[odd[k]]);
    }
    qntk_line line = {.slope = sxy / sxx, .classes = size[0] > 0 && size[1] > 0 ? 2 : 1};
    double level[2];
    for (int c = 0; c < 2; c++)
        level[c] = mean_y[c] - line.slope * mean_x[c];
    line.intercept = size[0] > 0 ? level[0] : level[1];
    line.odd_offset = line.classes == 2 ? level[1] - level[0] : 0;

    double lagged = 0, before = 0;
    for (size_t k = 0; k < count; k++) {
        double residual = y[k] - level[odd[k]] - line.slope * x[k];
        line.rss += residual * residual;
        lagged += residual * before;
        before = residual;
    }
    double r = line.rss > 0 ? fmin(fmax(lagged / line.rss, 0), CORRELATION_MAX) : 0;
    line.inflation = sqrt((1 + r) / (1 - r));
    line.slope_se = line.inflation * sqrt(line.rss / (double)(count - line.classes - 1) / sxx);
    return line;
}

static double weighted(const double *eval, const double *multiplicity, size_t k)
{
    return multiplicity != NULL ? multiplicity[k] * eval[k] : eval[k];
}

/* Adds with the rounding error kept (Neumaier). */
static void add(double term, double *sum, double *error)
{
    double total = *sum + term;
    *error += fabs(*sum) >= fabs(term) ? (*sum - total) + term : (term - total) + *sum;
    *sum = total;
}

double qntk_decay_trace(size_t count, const double *eval, const double *multiplicity)
{
    double sum = 0, error = 0;
    for (size_t k = 0; k < count; k++)
        add(weighted(eval, multiplicity, k), &sum, &error);
    return sum + error;
}

double qntk_decay_effective_dimension(size_t count, const double *eval, const double *multiplicity)
{
    double trace = qntk_decay_trace(count, eval, multiplicity);
    if (!(trace > 0))
        return 0;
    double sum = 0, error = 0; /* of N (eval/trace)^2, which is at most 1 */
    for (size_t k = 0; k < count; k++)
        add(weighted(eval, multiplicity, k) / trace * (eval[k] / trace), &sum, &error);
    return 1 / (sum + error);
}

void qntk_decay_shares(size_t count, const double *eval, const double *multiplicity, double trace,
                       double *share, double *cumulative)
{
    if (trace == 0)
        trace = qntk_decay_trace(count, eval, multiplicity);
    double sum = 0, error = 0;
    for (size_t k = 0; k < count; k++) {
        share[k] = trace > 0 ? weighted(eval, multiplicity, k) / trace : 0;
        add(share[k], &sum, &error);
        cumulative[k] = sum + error;
    }
}
