/* Losses of a row, and the targets each of them wants. */
#include "train_internal.h"

#include <math.h>

static double squared(size_t outputs, const float *f, const float *t, double *g)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++) {
        g[c] = (double)f[c] - (double)t[c];
        sum += g[c] * g[c];
    }
    return sum / 2;
}

/* -sum t log p with p = softmax(f); g = (sum t) p - t. Exponents are taken from the largest f. */
static double cross_entropy(size_t outputs, const float *f, const float *t, double *g)
{
    double top = (double)f[0], total = 0, weight = 0, sum = 0;
    for (size_t c = 1; c < outputs; c++)
        top = fmax(top, (double)f[c]);
    for (size_t c = 0; c < outputs; c++) {
        g[c] = exp((double)f[c] - top);
        total += g[c];
        weight += (double)t[c];
    }
    for (size_t c = 0; c < outputs; c++) {
        if (t[c] > 0) /* 0 log 0 = 0 */
            sum -= (double)t[c] * ((double)f[c] - top - log(total));
        g[c] = weight * (g[c] / total) - (double)t[c];
    }
    return isnan(total) ? NAN : sum;
}

static double squared_hinge(size_t outputs, const float *f, const float *t, double *g)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++) {
        double slack = 1 - (double)t[c] * (double)f[c];
        slack = slack < 0 ? 0 : slack; /* NaN passes */
        g[c] = -2 * (double)t[c] * slack;
        sum += slack * slack;
    }
    return sum;
}

const qntk_loss_row qntk_loss_rows[] = {
    [QNTK_LOSS_SQUARED] = {"squared", squared},
    [QNTK_LOSS_CROSS_ENTROPY] = {"cross-entropy", cross_entropy},
    [QNTK_LOSS_SQUARED_HINGE] = {"squared-hinge", squared_hinge},
};
const size_t qntk_loss_count = sizeof qntk_loss_rows / sizeof *qntk_loss_rows;

qntk_status qntk_train_targets(qntk_loss loss, size_t n, const double *y, size_t classes, float *T)
{
    QNTK_REQUIRE(classes > 0 || loss == QNTK_LOSS_SQUARED, "numbers as targets need the squared loss");
    if (classes == 0) {
        for (size_t i = 0; i < n; i++)
            T[i] = (float)y[i];
        return QNTK_OK;
    }
    const double share = 1 / (double)classes;
    const double on = loss == QNTK_LOSS_SQUARED ? 1 - share : 1;
    const double off = loss == QNTK_LOSS_SQUARED ? -share : loss == QNTK_LOSS_SQUARED_HINGE ? -1 : 0;
    for (size_t i = 0; i < n; i++) {
        if (!(y[i] >= 0 && y[i] < (double)classes && y[i] == floor(y[i])))
            return qntk_fail(QNTK_INVALID, "row %zu: expected a class from 0 to %zu, found %g", i,
                             classes - 1, y[i]);
        for (size_t c = 0; c < classes; c++)
            T[i * classes + c] = (float)((size_t)y[i] == c ? on : off);
    }
    return QNTK_OK;
}
