/* Mercer eigenvalues on the sphere: all degrees with relative accuracy, against adaptive quadrature of the
 * defining integral (which is accurate absolutely only: its own worst relative error is the residual of its
 * line), and against the certified route, which judges both. */
#include "bench.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_gamma.h>

typedef struct {
    qntk_kernel kernel;
    size_t D, degrees, degree;
    qntk_mercer ours;
    double *quadrature, *certified, *bound; /* (degrees+1) */
    qntk_status certified_status;
} sphere_case;

static void run_ours(void *context)
{
    sphere_case *c = context;
    qntk_mercer_options options = qntk_mercer_defaults();
    options.degrees = c->degrees;
    options.departure = false;
    qntk_mercer_free(&c->ours);
    bench_check(qntk_mercer_compute(&c->kernel, c->D, options, &c->ours));
}

/* K(cos a) P_k(cos a) sin^{D-2} a. */
static double integrand(double a, void *context)
{
    const sphere_case *c = context;
    double t = cos(a), P = 1, P_next = t, d = (double)c->D;
    for (size_t k = 1; k <= c->degree; k++) {
        double K = (double)k, following = ((2 * K + d - 2) * t * P_next - K * P) / (K + d - 2);
        P = P_next;
        P_next = following;
    }
    return qntk_kernel_cosine(&c->kernel, t) * P * pow(sin(a), d - 2);
}

static void run_quadrature(void *context)
{
    enum { INTERVALS = 1000 };
    sphere_case *c = context;
    gsl_integration_workspace *workspace = gsl_integration_workspace_alloc(INTERVALS);
    gsl_function f = {integrand, c};
    double d = (double)c->D;
    double constant = exp(gsl_sf_lngamma(d / 2) - gsl_sf_lngamma((d - 1) / 2)) / sqrt(M_PI);
    for (c->degree = 0; c->degree <= c->degrees; c->degree++) {
        double value, error;
        gsl_integration_qag(&f, 0, M_PI, 1e-15, 1e-12, INTERVALS, GSL_INTEG_GAUSS61, workspace, &value,
                            &error);
        c->quadrature[c->degree] = constant * value;
    }
    gsl_integration_workspace_free(workspace);
}

static void run_certified(void *context)
{
    sphere_case *c = context;
    c->certified_status = qntk_mercer_certify(&c->kernel, c->D, c->degrees, c->certified, c->bound);
}

/* Worst relative error against the certified values. */
static double worst(const sphere_case *c, const double *eval)
{
    double largest = 0;
    for (size_t k = 0; k <= c->degrees; k++)
        if (c->certified[k] >= DBL_MIN)
            largest = bench_worse(largest, fabs(eval[k] - c->certified[k]) / c->certified[k]);
    return c->certified_status == QNTK_OK ? largest : NAN;
}

static void compare(const char *spec, size_t D, size_t degrees)
{
    enum { REPEATS = 3 };
    sphere_case c = {.D = D, .degrees = degrees};
    char name[96];
    snprintf(name, sizeof name, "%s D=%zu k<=%zu", spec, D, degrees);
    bench_check(qntk_kernel_parse(spec, &c.kernel));
    bench_check(qntk_kernel_resolve(&c.kernel, 0, 0, NULL, 0));
    c.quadrature = qntk_alloc(3 * (degrees + 1), sizeof *c.quadrature);
    if (c.quadrature == NULL)
        bench_fail();
    c.certified = c.quadrature + degrees + 1;
    c.bound = c.certified + degrees + 1;
    bench_contestant contestants[] = {{.name = "ours", .run = run_ours, .context = &c},
                                      {.name = "quadrature", .run = run_quadrature, .context = &c},
                                      {.name = "certified", .run = run_certified, .context = &c}};
    bench_interleave(3, contestants, REPEATS, false);
    bool judged = c.certified_status == QNTK_OK;
    bench_row("mercer", name, contestants[0].seconds, "gsl_integration_qag", contestants[1].seconds,
              worst(&c, c.ours.eval));
    bench_row("mercer qag", name, contestants[1].seconds, "gsl_integration_qag", contestants[1].seconds,
              worst(&c, c.quadrature));
    bench_row("mercer", name, contestants[0].seconds, "certified (Arb)",
              judged ? contestants[2].seconds : NAN, worst(&c, c.ours.eval));
    qntk_mercer_free(&c.ours);
    qntk_free(c.quadrature);
}

int main(void)
{
    gsl_set_error_handler_off(); /* quadrature that gives up is part of the comparison */
    bench_header();
    const char *specs[] = {"qntk",   "qntk:bits=4,depth=3", "ntk", "ntk:depth=3", "gauss", "laplace",
                           "rgauss", "gexp:power=1.5"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        compare(specs[i], 10, 200);
    compare("ntk:depth=3", 3, 200);
    compare("qntk:bits=16,depth=3", 1000, 200);
    return 0;
}
