/* Derivatives of a function that is known by its values alone: those of the polynomial through its values at the
 * N = n + 5 Chebyshev points (ends included) of a window, in several dimensions of their tensor product; and from them
 * an estimate of the greatest derivative up to order n. Derived here; weights by Fornberg 1988 (Math. Comp. 51, 699).
 *
 * For a function whose derivatives of order n are bounded by M, derivative j at width w is off by O(M w^(n-j)), less if
 * it is smoother; rounding adds about 1e-16 N^j w^-j max|f| in the middle of the window, and N^2j/(2j-1)!! for N^j at
 * its ends. */
#include "approx_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- weights ---- */

void approx_difference_weights(size_t count, const double *node, double x, size_t orders, double *weight)
{
    double product = 1, before = node[0] - x;
    for (size_t k = 0; k < orders * count; k++)
        weight[k] = 0;
    weight[0] = 1;
    for (size_t i = 1; i < count; i++) { /* from the polynomial through i nodes to that through i + 1 */
        const size_t most = qntk_min(i, orders - 1);
        const double here = node[i] - x, product_before = product;
        product = 1;
        for (size_t j = 0; j < i; j++) {
            const double apart = node[i] - node[j];
            product *= apart;
            if (j + 1 == i) {
                for (size_t k = most; k > 0; k--)
                    weight[k * count + i] =
                        product_before *
                        ((double)k * weight[(k - 1) * count + j] - before * weight[k * count + j]) / product;
                weight[i] = -product_before * before * weight[j] / product;
            }
            for (size_t k = most; k > 0; k--)
                weight[k * count + j] =
                    (here * weight[k * count + j] - (double)k * weight[(k - 1) * count + j]) / apart;
            weight[j] = here * weight[j] / apart;
        }
        before = here;
    }
}

/* Chebyshev points of [low, low + width], the ends exactly. */
static void chebyshev(size_t count, double low, double width, double *node)
{
    for (size_t k = 0; k < count; k++) {
        const double turn = sin(M_PI / 2 * (double)k / (double)(count - 1));
        node[k] = low + width * turn * turn;
    }
}

static size_t power_of(size_t base, size_t exponent)
{
    size_t power = 1;
    for (size_t i = 0; i < exponent; i++)
        power *= base;
    return power;
}

/* ---- one point ---- */

enum { EXTRA = 5 }; /* nodes beyond the order */

qntk_status approx_window_create(size_t d, size_t orders, approx_window *window)
{
    const size_t nodes = orders - 1 + EXTRA;
    *window = (approx_window){.d = d,
                              .orders = orders,
                              .nodes = nodes,
                              .width = -1,
                              .value = qntk_alloc(power_of(nodes, d), sizeof *window->value),
                              .weight = qntk_alloc(d * orders * nodes, sizeof *window->weight)};
    if (window->value != NULL && window->weight != NULL)
        return QNTK_OK;
    approx_window_free(window);
    return QNTK_FAIL_MEMORY();
}

void approx_window_free(approx_window *window)
{
    qntk_free(window->value);
    qntk_free(window->weight);
    *window = (approx_window){0};
}

/* Values at all nodes of the window about x, axis 0 fastest, and weights for x. */
static void look(approx_window *window, approx_value *f, void *context, const double *x, double width)
{
    const size_t d = window->d, N = window->nodes;
    double node[QNTK_APPROX_DIM_MAX][QNTK_APPROX_SMOOTHNESS_MAX + EXTRA], point[QNTK_APPROX_DIM_MAX];
    window->width = width;
    for (size_t i = 0; i < d; i++) {
        const double low = fmin(fmax(x[i] - width / 2, 0), 1 - width); /* never outside of [0,1] */
        window->x[i] = x[i];
        chebyshev(N, low, width, node[i]);
        approx_difference_weights(N, node[i], x[i], window->orders, window->weight + i * window->orders * N);
    }
    for (size_t p = 0; p < power_of(N, d); p++) {
        for (size_t i = 0, rest = p; i < d; i++, rest /= N)
            point[i] = node[i][rest % N];
        window->value[p] = f(context, point);
    }
}

double approx_window_derivative(approx_window *window, approx_value *f, void *context, const double *x,
                                double width, const size_t *v)
{
    const size_t d = window->d, N = window->nodes;
    bool known = window->width == width;
    double sum = 0;
    for (size_t i = 0; i < d; i++)
        known = known && window->x[i] == x[i];
    if (!known)
        look(window, f, context, x, width);
    for (size_t p = 0; p < power_of(N, d); p++) {
        double term = window->value[p];
        for (size_t i = 0, rest = p; i < d; i++, rest /= N)
            term *= window->weight[(i * window->orders + v[i]) * N + rest % N];
        sum += term;
    }
    return sum;
}

/* ---- the greatest derivative ---- */

/* [0,1]^d in panels^d boxes, the polynomial of each at its own nodes, all its derivatives at `points` even points an
 * axis, ends included. */
typedef struct {
    size_t d, n, nodes, points;
    double node[QNTK_APPROX_SMOOTHNESS_MAX + EXTRA]; /* of [0,1] */
    double *weight;                                  /* (points, n+1, nodes) of a panel [0,1] */
    double *value, *a, *b;                           /* (most^d) */
} search;

enum { LEVELS = 6 };

static qntk_status search_create(size_t d, size_t n, search *s)
{
    static const size_t points[] = {33, 17, 9};
    *s = (search){.d = d, .n = n, .nodes = n + EXTRA, .points = points[d - 1]};
    const size_t most = power_of(qntk_max(s->nodes, s->points), d);
    s->weight = qntk_alloc(s->points * (n + 1) * s->nodes, sizeof *s->weight);
    s->value = qntk_alloc(3 * most, sizeof *s->value);
    if (s->weight == NULL || s->value == NULL)
        return QNTK_FAIL_MEMORY();
    s->a = s->value + most;
    s->b = s->a + most;
    chebyshev(s->nodes, 0, 1, s->node);
    for (size_t q = 0; q < s->points; q++)
        approx_difference_weights(s->nodes, s->node, (double)q / (double)(s->points - 1), n + 1,
                                  s->weight + q * (n + 1) * s->nodes);
    return QNTK_OK;
}

static void search_free(search *s)
{
    qntk_free(s->weight);
    qntk_free(s->value);
    *s = (search){0};
}

qntk_status approx_not_finite(const char *name, size_t d, const double *x, double value)
{
    char where[128];
    size_t used = 0;
    for (size_t i = 0; i < d; i++)
        used += (size_t)snprintf(where + used, sizeof where - used, "%sx%zu = %.10g", i > 0 ? ", " : "",
                                 i + 1, x[i]);
    return qntk_fail(QNTK_NOT_FINITE, "%s: expected a finite value on all of [0,1]^%zu, found %s at %s", name,
                     d,
                     isnan(value) ? "nan"
                     : value > 0  ? "inf"
                                  : "-inf",
                     where);
}

static qntk_status sample(search *s, approx_value *f, void *context, size_t panels, size_t box)
{
    double x[QNTK_APPROX_DIM_MAX];
    for (size_t p = 0; p < power_of(s->nodes, s->d); p++) {
        for (size_t i = 0, rest = p, b = box; i < s->d; i++, rest /= s->nodes, b /= panels)
            x[i] = ((double)(b % panels) + s->node[rest % s->nodes]) / (double)panels;
        s->value[p] = f(context, x);
        if (!isfinite(s->value[p]))
            return approx_not_finite("function", s->d, x, s->value[p]);
    }
    return QNTK_OK;
}

/* max |D^v of the box's polynomial|, infinity if it leaves the range of doubles: one axis after the other from nodes to points. The axis in work is the fastest of
 * `in`; its points become the slowest of `out`, so that after d axes all are in order again. */
static double greatest_of(const search *s, const size_t *v)
{
    const double *in = s->value;
    double *out = s->a, greatest = 0;
    size_t others = power_of(s->nodes, s->d - 1), count = 0;
    for (size_t i = 0; i < s->d; i++) {
        for (size_t q = 0; q < s->points; q++) {
            const double *weight = s->weight + (q * (s->n + 1) + v[i]) * s->nodes;
            for (size_t o = 0; o < others; o++) {
                double sum = 0;
                for (size_t k = 0; k < s->nodes; k++)
                    sum += weight[k] * in[o * s->nodes + k];
                out[q * others + o] = sum;
            }
        }
        count = others * s->points;
        others = count / qntk_max(s->nodes, 1);
        in = out;
        out = out == s->a ? s->b : s->a;
    }
    for (size_t k = 0; k < count; k++) {
        if (!isfinite(in[k])) /* numbers overflow */
            return INFINITY;
        greatest = fmax(greatest, fabs(in[k]));
    }
    return greatest;
}

/* greatest[j]: of the derivatives of order j. */
static qntk_status search_panels(search *s, approx_value *f, void *context, size_t panels, double *greatest)
{
    const size_t kinds = power_of(s->n + 1, s->d);
    qntk_status status = QNTK_OK;
    for (size_t j = 0; j <= s->n; j++)
        greatest[j] = 0;
    for (size_t box = 0; box < power_of(panels, s->d) && status == QNTK_OK; box++) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        status = sample(s, f, context, panels, box);
        for (size_t kind = 0; kind < kinds && status == QNTK_OK; kind++) {
            size_t v[QNTK_APPROX_DIM_MAX] = {0}, order = 0;
            for (size_t i = 0, rest = kind; i < s->d; i++, rest /= s->n + 1)
                order += v[i] = rest % (s->n + 1);
            if (order <= s->n)
                greatest[order] =
                    fmax(greatest[order], greatest_of(s, v) * pow((double)panels, (double)order));
        }
    }
    return status;
}

qntk_status approx_estimate_bound(approx_value *f, void *context, size_t d, size_t n, double *bound,
                                  double *spread, size_t *order)
{
    const size_t levels = d == 1 ? LEVELS : d == 2 ? LEVELS - 1 : 3;
    double greatest[LEVELS][QNTK_APPROX_SMOOTHNESS_MAX + 1] = {{0}};
    search s;
    *bound = *spread = 0;
    *order = 0;
    qntk_status status = search_create(d, n, &s);
    for (size_t level = 0; level < levels && status == QNTK_OK; level++) {
        status = search_panels(&s, f, context, (size_t)1 << level, greatest[level]);
        qntk_progress("derivatives", (double)(level + 1) / (double)levels);
    }
    search_free(&s);
    /* Panels that are too wide miss the function, panels too narrow see its rounding: the two widths in succession that
     * agree best. */
    for (size_t j = 0; j <= n && status == QNTK_OK; j++) {
        double best = INFINITY, value = 0;
        for (size_t level = 0; level + 1 < levels; level++) {
            const double apart = fabs(greatest[level + 1][j] - greatest[level][j]);
            if (apart < best) {
                best = apart;
                value = fmax(greatest[level + 1][j], greatest[level][j]);
            }
        }
        if (best == INFINITY) { /* no two widths are finite: neither is the bound */
            value = INFINITY;
            best = 0;
        }
        if (value > *bound) {
            *bound = value;
            *spread = best;
            *order = j;
        }
    }
    return status;
}
