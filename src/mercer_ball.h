/* Kernels in ball arithmetic, for mercer_certify.c. Every value is a ball that contains the truth. */
#ifndef QNTK_MERCER_BALL_H
#define QNTK_MERCER_BALL_H

#include "mercer_internal.h"

#ifdef QNTK_HAVE_ARB

#include <stdlib.h> /* before FLINT's headers, which use it */

#include <acb.h>
#include <arb.h>
#include <mag.h>

/* A kernel's constants as balls of precision `prec` bits. */
typedef struct {
    const qntk_kernel *kernel;
    slong prec;
    arb_t b2, keep, lose, inv_moment, keep_readout,
        inv_moment_readout;         /* networks, as in kernel_internal.h */
    arb_t inverse_l, shape, factor; /* radial: 1/l; alpha, power/2 or nu; Matern's 2^(1-nu)/Gamma(nu) */
} qntk_ball_kernel;

void qntk_ball_kernel_init(qntk_ball_kernel *ball, const qntk_kernel *kernel, slong prec);
void qntk_ball_kernel_clear(qntk_ball_kernel *ball);

/* value = K(t) for real u0 = 1 - t >= 0 or, where K is analytic beyond t = 1, u0 < 0; v0 = 1 + t >= 0. */
void qntk_ball_value(arb_t value, const qntk_ball_kernel *ball, const arb_t u0, const arb_t v0);

/* The half-width of a strip |Im a| < width around the real axis in which K(cos a) is certainly analytic; 0 if
 * none. */
double qntk_ball_strip(const qntk_kernel *kernel);

/* bound >= |K(cos a)| for |Im a| <= b < qntk_ball_strip. */
void qntk_ball_strip_bound(mag_t bound, const qntk_ball_kernel *ball, double b);

/* bound >= |K(cos a)|, or with `mirrored` |K(-cos a)|, on the rectangle a, 0 < Re a < pi; false if K could
 * not be shown to be analytic there. */
bool qntk_ball_bound(mag_t bound, const qntk_ball_kernel *ball, const acb_t a, bool mirrored);

/* ---- mercer_certify_layout.c ---- */

enum { QNTK_COARSE_BITS = 64 }; /* precision of what is only a bound */

/* How the integral is taken; the fields after log_target are the layout. */
typedef struct {
    const qntk_kernel *kernel;
    qntk_ball_kernel fine, coarse; /* of prec bits; enough for bounds */
    size_t D, count;
    slong prec;
    double log_target; /* ln of the absolute error wanted of each eigenvalue */
    size_t panels;     /* on each side; 0: one panel [0, pi] */
    size_t points;     /* of each panel */
    double rho, strip; /* the ellipses; half-width of the strip in use */
    mag_ptr error;     /* (count) of the quadrature, less c_D */
} qntk_certify_plan;

/* The panels of the geometric layout down to eps, where the ends no longer count: K(1) eps^(D-1) below the
 * target. */
size_t qntk_certify_panels(const qntk_certify_plan *plan, double log_one);

/* Chooses a layout and adds its proven error to plan->error. QNTK_NOT_CONVERGED if no proof succeeds. */
qntk_status qntk_certify_layout(qntk_certify_plan *plan, double log_one);

#endif
#endif
