/* Losses of a row in double, with their second derivatives by the outputs. */
#include "penalty_internal.h"

#include <math.h>
#include <string.h>

/* ---- (1/2) |f - t|^2: H_L = 1 ---- */

static double squared(size_t outputs, const double *f, const float *t, double *g)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++) {
        g[c] = f[c] - (double)t[c];
        sum += g[c] * g[c];
    }
    return sum / 2;
}

static void squared_curvature(size_t outputs, const double *f, const float *t, const double *r,
                              double *product)
{
    (void)f, (void)t;
    memcpy(product, r, outputs * sizeof *product);
}

static void squared_factor(size_t outputs, const double *f, const float *t, size_t c, double *a)
{
    (void)f, (void)t;
    for (size_t k = 0; k < outputs; k++)
        a[k] = k == c ? 1 : 0;
}

/* ---- -sum t log p, p = softmax f: H_L = w (diag p - p p') = w sum_c p_c (e_c - p)(e_c - p)', w = sum t ---- */

/* p (outputs), and log of the sum of exp(f - top). */
static double softmax(size_t outputs, const double *f, double *p, double *top)
{
    double total = 0;
    *top = f[0];
    for (size_t c = 1; c < outputs; c++)
        *top = fmax(*top, f[c]);
    for (size_t c = 0; c < outputs; c++)
        total += p[c] = exp(f[c] - *top);
    for (size_t c = 0; c < outputs; c++)
        p[c] /= total;
    return log(total);
}

static double weight_of(size_t outputs, const float *t)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++)
        sum += (double)t[c];
    return sum;
}

static double cross_entropy(size_t outputs, const double *f, const float *t, double *g)
{
    double top, sum = 0;
    const double rest = softmax(outputs, f, g, &top), weight = weight_of(outputs, t);
    for (size_t c = 0; c < outputs; c++) {
        if (t[c] > 0) /* 0 log 0 = 0 */
            sum -= (double)t[c] * (f[c] - top - rest);
        g[c] = weight * g[c] - (double)t[c];
    }
    return isnan(rest + weight) ? NAN : sum;
}

static void entropy_curvature(size_t outputs, const double *f, const float *t, const double *r,
                              double *product)
{
    double top, mean = 0;
    const double weight = weight_of(outputs, t);
    softmax(outputs, f, product, &top);
    for (size_t c = 0; c < outputs; c++)
        mean += product[c] * r[c];
    for (size_t c = 0; c < outputs; c++)
        product[c] = weight * product[c] * (r[c] - mean);
}

static void entropy_factor(size_t outputs, const double *f, const float *t, size_t c, double *a)
{
    double top;
    softmax(outputs, f, a, &top);
    const double root = sqrt(weight_of(outputs, t) * a[c]);
    for (size_t k = 0; k < outputs; k++)
        a[k] = root * ((k == c ? 1 : 0) - a[k]);
}

/* ---- sum max(0, 1 - t f)^2: H_L = diag 2 t^2 1[t f < 1] ---- */

static double squared_hinge(size_t outputs, const double *f, const float *t, double *g)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++) {
        double slack = 1 - (double)t[c] * f[c];
        slack = slack < 0 ? 0 : slack; /* NaN passes */
        g[c] = -2 * (double)t[c] * slack;
        sum += slack * slack;
    }
    return sum;
}

static double hinge_curvature_at(double f, double t)
{
    return t * f < 1 ? 2 * t * t : 0;
}

static void hinge_curvature(size_t outputs, const double *f, const float *t, const double *r, double *product)
{
    for (size_t c = 0; c < outputs; c++)
        product[c] = hinge_curvature_at(f[c], (double)t[c]) * r[c];
}

static void hinge_factor(size_t outputs, const double *f, const float *t, size_t c, double *a)
{
    for (size_t k = 0; k < outputs; k++)
        a[k] = k == c ? sqrt(hinge_curvature_at(f[k], (double)t[k])) : 0;
}

const qntk_plain_loss_row qntk_plain_losses[] = {
    [QNTK_LOSS_SQUARED] = {squared, squared_curvature, squared_factor},
    [QNTK_LOSS_CROSS_ENTROPY] = {cross_entropy, entropy_curvature, entropy_factor},
    [QNTK_LOSS_SQUARED_HINGE] = {squared_hinge, hinge_curvature, hinge_factor},
};
const size_t qntk_plain_loss_count = sizeof qntk_plain_losses / sizeof *qntk_plain_losses;
