/* Roots of the secular equation by rational interpolation, kept in a bracket (Bunch, Nielsen and Sorensen
 * 1978; Li 1993; Gu and Eisenstat 1995 for what it takes to trust the eigenvectors). */
#include "secular.h"

#include <float.h>

enum { MOST_STEPS = 120 }; /* about 6 are usual; bisection alone would end below this */

/* f = 1/rho + left + right at one point: left over the poles up to `split`, right over those after it. */
typedef struct {
    double left, right, left_slope, right_slope, value;
} evaluation;

static evaluation evaluate(const qntk_secular *s, size_t split, double origin, double mu)
{
    double left[2], right[2];
    s->kernels->secular_sum(split + 1, s->d, s->z, origin, mu, left);
    s->kernels->secular_sum(s->k - split - 1, s->d + split + 1, s->z + split + 1, origin, mu, right);
    return (evaluation){.left = left[0],
                        .right = right[0],
                        .left_slope = left[1],
                        .right_slope = right[1],
                        .value = 1 / s->rho + left[0] + right[0]};
}

/* What rounding may leave of f = 0: the sums' own errors, and that of mu through the slope. */
static double noise(const qntk_secular *s, const evaluation *e, double mu)
{
    const double size = 1 / s->rho + fabs(e->left) + fabs(e->right);
    return DBL_EPSILON * ((4 + sqrt((double)s->k)) * size + fabs(mu) * (e->left_slope + e->right_slope));
}

/* The smaller step eta > 0 side root of c eta^2 - a eta + b = 0 that lies between two poles. */
static double between_poles(double a, double b, double c)
{
    const double root = sqrt(fabs(a * a - 4 * b * c));
    return a <= 0 ? (a - root) / (2 * c) : 2 * b / (a + root);
}

static double beyond_poles(double a, double b, double c)
{
    const double root = sqrt(fabs(a * a - 4 * b * c));
    return a >= 0 ? (a + root) / (2 * c) : 2 * b / (a - root);
}

/* A point inside (low, high): in the middle, or by factors towards an end at the pole, where roots crowd. */
static double bisect(double low, double high)
{
    const double shrink = 1.0 / 1024;
    if (low == 0)
        return high * shrink;
    if (high == 0)
        return low * shrink;
    if (low > 0 && high > 4 * low)
        return sqrt(low) * sqrt(high);
    if (high < 0 && low < 4 * high)
        return -sqrt(-low) * sqrt(-high);
    return low + 0.5 * (high - low);
}

/* Iterates from mu within (low, high). The poles next to the root stand at pole[0] and pole[1] from the
 * origin; `last` if the root is beyond both. Each sum is replaced by r + s/(pole - x) with its value and
 * slope. */
static double iterate(const qntk_secular *s, size_t split, double origin, const double pole[2], bool last,
                      double low, double high, double mu)
{
    for (size_t step = 0; step < MOST_STEPS; step++) {
        if (!(mu > low && mu < high))
            mu = bisect(low, high);
        const evaluation e = evaluate(s, split, origin, mu);
        if (fabs(e.value) <= noise(s, &e, mu))
            break;
        if (e.value < 0)
            low = mu;
        else
            high = mu;
        if (high - low <= 2 * DBL_EPSILON * fmin(fabs(low), fabs(high)))
            break;
        const double p = pole[0] - mu, q = pole[1] - mu, w = e.value;
        const double c = w - p * e.left_slope - q * e.right_slope;
        const double a = (p + q) * w - p * q * (e.left_slope + e.right_slope);
        double eta = last ? beyond_poles(a, p * q * w, c) : between_poles(a, p * q * w, c);
        if (!(w * eta < 0)) /* f rises: the step goes against its sign */
            eta = -w / (e.left_slope + e.right_slope);
        mu += eta;
    }
    return mu;
}

/* Root k-1, beyond all poles but within rho of the last. */
static void last_root(const qntk_secular *s, double *origin, double *mu)
{
    const size_t j = s->k - 1;
    *origin = s->d[j];
    if (j == 0) {
        *mu = s->rho * s->z[0] * s->z[0];
        return;
    }
    const double gap = s->d[j] - s->d[j - 1], high = s->rho * (1 + 8 * DBL_EPSILON);
    const double near = s->z[j] * s->z[j], next = s->z[j - 1] * s->z[j - 1];
    /* the other poles as they act at the middle: c - near/x - next/(gap + x) = 0 */
    const evaluation middle = evaluate(s, j - 1, *origin, 0.5 * s->rho);
    const double c = middle.value + near / (0.5 * s->rho) + next / (gap + 0.5 * s->rho);
    const double b = c * gap - near - next, root = sqrt(fmax(b * b + 4 * c * near * gap, 0));
    const double guess = b > 0 ? 2 * near * gap / (b + root) : (root - b) / (2 * c);
    const double pole[2] = {-gap, 0};
    *mu = iterate(s, j - 1, *origin, pole, true, 0, high, guess);
}

void qntk_secular_root(const qntk_secular *s, size_t j, double *origin, double *mu)
{
    if (j + 1 == s->k) {
        last_root(s, origin, mu);
        return;
    }
    const double gap = s->d[j + 1] - s->d[j], half = 0.5 * gap;
    const double left = s->z[j] * s->z[j], right = s->z[j + 1] * s->z[j + 1];
    const evaluation middle = evaluate(s, j, s->d[j], half);
    /* both poles as they are and the others as they act at the middle: c + left/(-x) + right/(gap - x) = 0 */
    const double c = middle.value + left / half - right / half;
    const double a = left + right;
    if (middle.value > 0) {
        const double pole[2] = {0, gap};
        *origin = s->d[j];
        *mu = iterate(s, j, *origin, pole, false, 0, half, between_poles(a + c * gap, left * gap, c));
    } else { /* the mirror image */
        const double pole[2] = {-gap, 0};
        *origin = s->d[j + 1];
        *mu = iterate(s, j, *origin, pole, false, -half, 0, -between_poles(a - c * gap, right * gap, -c));
    }
}

/* w_i^2 = (x_(k-1) - d_i) prod_{j<i} (x_j - d_i)/(d_j - d_i) prod_{i<=j<k-1} (x_j - d_i)/(d_(j+1) - d_i) */
void qntk_secular_weights(const qntk_secular *s, const double *origin, const double *mu, size_t begin,
                          size_t end, double *w)
{
    const size_t last = s->k - 1;
    for (size_t i = begin; i < end; i++)
        w[i] = mu[last] - (s->d[i] - origin[last]);
    for (size_t j = 0; j < last; j++) {
        if (j >= begin && j < end) {
            /* entries up to j meet the pole after root j, the others the one before */
            s->kernels->secular_weight(j + 1 - begin, s->d + begin, origin[j], mu[j], s->d[j + 1], w + begin);
            s->kernels->secular_weight(end - j - 1, s->d + j + 1, origin[j], mu[j], s->d[j], w + j + 1);
        } else
            s->kernels->secular_weight(end - begin, s->d + begin, origin[j], mu[j],
                                       s->d[j < begin ? j : j + 1], w + begin);
    }
    for (size_t i = begin; i < end; i++)
        w[i] = copysign(sqrt(fabs(w[i])), s->z[i]);
}
