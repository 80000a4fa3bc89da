/* Functions whose derivatives are known and bounded by 1. */
#include "approx_internal.h"

#include <math.h>
#include <string.h>

static double sum_of(size_t d, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < d; i++)
        sum += x[i];
    return sum;
}

static size_t order_of(size_t d, const size_t *v)
{
    size_t order = 0;
    for (size_t i = 0; i < d; i++)
        order += v[i];
    return order;
}

static double factorial(size_t n)
{
    return tgamma((double)n + 1);
}

/* All derivatives of sin are it again, a quarter of a period on. */
static double shifted_sine(double x, size_t order)
{
    const double turn[] = {sin(x), cos(x), -sin(x), -cos(x)};
    return turn[order % 4];
}

static double sine(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                   const size_t *v)
{
    (void)self;
    const size_t d = plan->d;
    return shifted_sine(sum_of(d, x), order_of(d, v));
}

static double product(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                      const size_t *v)
{
    (void)self;
    const size_t d = plan->d;
    double value = 1;
    for (size_t i = 0; i < d; i++)
        value *= shifted_sine(x[i], v[i]);
    return value;
}

static double exponential(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                          const size_t *v)
{
    (void)self;
    (void)v;
    const size_t d = plan->d;
    return exp(sum_of(d, x) - (double)d);
}

/* w^(j-n) <= 1 for j <= n, as w >= 1. */
static double wave(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                   const size_t *v)
{
    (void)self;
    const size_t d = plan->d, n = plan->smoothness;
    const double w = 2 * M_PI;
    const size_t order = order_of(d, v);
    return pow(w, (double)order - (double)n) * shifted_sine(w * sum_of(d, x), order);
}

static double power(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                    const size_t *v)
{
    (void)self;
    const size_t d = plan->d, n = plan->smoothness;
    double value = 1;
    for (size_t i = 0; i < d; i++)
        value *= v[i] > n ? 0 : pow(x[i], (double)(n - v[i])) / factorial(n - v[i]);
    return value;
}

/* sgn(u) u^n/n! with u = x - 0.4: the derivative of order j is sgn(u) u^(n-j)/(n-j)!, the n-th jumps from -1 to 1,
 * and there is no next one. */
static double kink(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                   const size_t *v)
{
    (void)self;
    const size_t d = plan->d, n = plan->smoothness;
    const size_t order = order_of(d, v);
    double value = 0;
    for (size_t i = 0; i < d; i++)
        if (v[i] == order) {
            const double u = x[i] - 0.4;
            value += copysign(1, u) * pow(u, (double)(n - order)) / factorial(n - order);
        }
    return value / (double)d;
}

static const qntk_approx_function functions[] = {
    {"sine", "sin(x1 + .. + xd)", sine, 1, 0, NULL},
    {"product", "sin(x1) .. sin(xd)", product, 1, 0, NULL},
    {"exp", "exp(x1 + .. + xd - d)", exponential, 1, 0, NULL},
    {"wave", "sin(2 pi (x1 + .. + xd)) / (2 pi)^n", wave, 1, 0, NULL},
    {"power", "x1^n .. xd^n / n!^d", power, 1, 0, NULL},
    {"kink", "mean over i of u^n sgn(u) / n!, u = xi - 0.4: no derivative of order n + 1", kink, 1, 0, NULL},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

const qntk_approx_function *qntk_approx_functions(size_t *count)
{
    *count = FUNCTIONS;
    return functions;
}

const qntk_approx_function *qntk_approx_find(const char *name)
{
    for (size_t k = 0; k < FUNCTIONS; k++)
        if (strcmp(functions[k].name, name) == 0)
            return &functions[k];
    return NULL;
}
