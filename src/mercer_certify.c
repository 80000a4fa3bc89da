/* Certified eigenvalues: the defining integral in the angle by Gauss-Legendre quadrature in ball arithmetic,
 * with a proven bound of the quadrature error.
 *
 *     lambda_k = c_D Int_0^pi K(cos a) P_k(cos a) sin^{D-2} a da,     c_D = Gamma(D/2)/(sqrt(pi)
 * Gamma((D-1)/2)).
 *
 * If f is analytic with |f| <= M on the ellipse of parameter rho around a panel of half-length h, n points
 * leave an error of at most (64/15) h M rho^{-2n}/(1 - rho^-2) (Rabinowitz 1969; Trefethen, Approximation
 * Theory and Approximation Practice, theorem 19.3). There |P_k(cos a)| <= cosh(k Im a), since P_k(cos a) is a
 * mean of cosines, and |sin a| <= min(cosh Im a, sinh |a|). Two layouts: strip      one panel [0, pi], where
 * K(cos a) is analytic in a known strip and bounded by theory; geometric  panels that halve towards both
 * ends, where K may have branch points; K is shown to be analytic, and bounded, by evaluating it on
 * rectangles that cover each ellipse; the two ends left out, [0, eps], have at most c_D K(1) eps^(D-1)/(D-1)
 * each. */
#include "qntk/mercer.h"

#include "mercer_ball.h"

#ifndef QNTK_HAVE_ARB

qntk_status qntk_mercer_certify(const qntk_kernel *kernel, size_t D, size_t degrees, double *eval,
                                double *bound)
{
    (void)kernel;
    (void)D;
    for (size_t k = 0; k <= degrees; k++)
        eval[k] = bound[k] = 0;
    return qntk_fail(
        QNTK_UNSUPPORTED,
        "certified eigenvalues: built without Arb; on Debian: apt-get install libflint-arb-dev libflint-dev, "
        "then meson setup --reconfigure build");
}

#else

#include <arb_hypgeom.h>
#include <float.h>
#include <math.h>

enum {
    CERTIFY_DEGREES_MAX = 5000, /* the recurrence of P_k costs 1.3 bits a degree */
    CHUNKS = 64                 /* of the nodes; fixed, so that the sums do not depend on the threads */
};

typedef struct {
    qntk_certify_plan plan;
    arb_ptr node, weight; /* (points) on [-1,1] */
    arb_ptr sum;          /* (CHUNKS, count) */
} certifier;

/* ---- the sums ---- */

static qntk_status root_chunk(void *context, size_t chunk, size_t worker)
{
    (void)worker;
    certifier *c = context;
    for (size_t i = chunk * c->plan.points / CHUNKS; i < (chunk + 1) * c->plan.points / CHUNKS; i++) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        arb_hypgeom_legendre_p_ui_root(c->node + i, c->weight + i, (ulong)c->plan.points, (ulong)i,
                                       c->plan.prec);
    }
    flint_cleanup(); /* this thread's constants */
    return QNTK_OK;
}

/* Scratch of one chunk. */
typedef struct {
    arb_t a, s, co, u0, v0, t, W, plus, minus, P, previous, next;
} node_scratch;

/* sum[k] += W (K(t) +- K(-t)) P_k(t) for the angle in x->a, W its weight; without panels there is no mirror
 * image. */
static void add_node(const certifier *c, node_scratch *x, arb_ptr sum)
{
    slong prec = c->plan.prec;
    arb_mul_2exp_si(x->s, x->a, -1);
    arb_sin_cos(x->s, x->co, x->s, prec);
    arb_mul(x->t, x->s, x->co, prec); /* sin a = 2 s c */
    arb_mul_2exp_si(x->t, x->t, 1);
    arb_pow_ui(x->t, x->t, (ulong)(c->plan.D - 2), prec);
    arb_mul(x->W, x->W, x->t, prec);
    arb_sqr(x->u0, x->s, prec);
    arb_mul_2exp_si(x->u0, x->u0, 1);
    arb_sqr(x->v0, x->co, prec);
    arb_mul_2exp_si(x->v0, x->v0, 1);
    arb_sub(x->t, x->v0, x->u0, prec); /* cos a */
    arb_mul_2exp_si(x->t, x->t, -1);

    qntk_ball_value(x->plus, &c->plan.fine, x->u0, x->v0);
    arb_mul(x->plus, x->plus, x->W, prec);
    arb_set(x->minus, x->plus);
    if (c->plan.panels > 0) {
        qntk_ball_value(x->s, &c->plan.fine, x->v0, x->u0);
        arb_mul(x->s, x->s, x->W, prec);
        arb_sub(x->minus, x->plus, x->s, prec);
        arb_add(x->plus, x->plus, x->s, prec);
    }
    arb_zero(x->previous);
    arb_one(x->P);
    for (size_t k = 0; k < c->plan.count; k++) {
        arb_addmul(sum + k, k % 2 == 0 ? x->plus : x->minus, x->P, prec);
        if (k == 0) {
            arb_set(x->next, x->t);
        } else { /* (k+D-2) P_{k+1} = (2k+D-2) t P_k - k P_{k-1} */
            arb_mul(x->next, x->t, x->P, prec);
            arb_mul_ui(x->next, x->next, (ulong)(2 * k + c->plan.D - 2), prec);
            arb_submul_ui(x->next, x->previous, (ulong)k, prec);
            arb_div_ui(x->next, x->next, (ulong)(k + c->plan.D - 2), prec);
        }
        arb_swap(x->previous, x->P);
        arb_swap(x->P, x->next);
    }
}

static qntk_status sum_chunk(void *context, size_t chunk, size_t worker)
{
    (void)worker;
    certifier *c = context;
    node_scratch x;
    enum { BALLS = 12 };
    arb_ptr all[BALLS] = {x.a, x.s, x.co, x.u0, x.v0, x.t, x.W, x.plus, x.minus, x.P, x.previous, x.next};
    for (size_t i = 0; i < BALLS; i++)
        arb_init(all[i]);
    size_t nodes = qntk_max(c->plan.panels, 1) * c->plan.points;
    qntk_status status = QNTK_OK;
    for (size_t j = chunk * nodes / CHUNKS; j < (chunk + 1) * nodes / CHUNKS && status == QNTK_OK; j++) {
        size_t panel = j / c->plan.points, i = j % c->plan.points;
        /* half = pi/2 (one panel) or pi/8 2^-panel; a = half (1 + x) or half (3 + x) */
        arb_const_pi(x.W, c->plan.prec);
        arb_mul_2exp_si(x.W, x.W, c->plan.panels == 0 ? -1 : -3 - (slong)panel);
        arb_add_ui(x.a, c->node + i, c->plan.panels == 0 ? 1 : 3, c->plan.prec);
        arb_mul(x.a, x.a, x.W, c->plan.prec);
        arb_mul(x.W, x.W, c->weight + i, c->plan.prec);
        add_node(c, &x, c->sum + chunk * c->plan.count);
        if (qntk_interrupted())
            status = qntk_fail(QNTK_INTERRUPTED, "interrupted");
    }
    for (size_t i = 0; i < BALLS; i++)
        arb_clear(all[i]);
    flint_cleanup();
    qntk_progress("sphere: certified", (double)(chunk + 1) / (CHUNKS + 1));
    return status;
}

/* c_D = Gamma(D/2)/(sqrt(pi) Gamma((D-1)/2)). */
static void measure_constant(arb_t constant, size_t D, slong prec)
{
    arb_t other;
    fmpq_t half;
    arb_init(other);
    fmpq_init(half);
    fmpq_set_si(half, (slong)D, 2);
    arb_gamma_fmpq(constant, half, prec);
    fmpq_set_si(half, (slong)D - 1, 2);
    arb_gamma_fmpq(other, half, prec);
    arb_div(constant, constant, other, prec);
    arb_const_pi(other, prec);
    arb_sqrt(other, other, prec);
    arb_div(constant, constant, other, prec);
    arb_clear(other);
    fmpq_clear(half);
}

/* eval[k] = the middle of the ball, bound[k] >= |lambda_k - eval[k]|. */
static void deliver(const certifier *c, double *eval, double *bound)
{
    arb_t constant, value, middle;
    mag_t radius;
    arb_init(constant);
    arb_init(value);
    arb_init(middle);
    mag_init(radius);
    arf_t up;
    arf_init(up);
    measure_constant(constant, c->plan.D, c->plan.prec);
    bool even = c->plan.kernel->family == QNTK_FAMILY_NETWORK &&
                qntk_sphere_network_create(&c->plan.kernel->network, true).even;
    for (size_t k = 0; k < c->plan.count; k++) {
        if (even && k >= 3 && k % 2 == 1) { /* exactly 0 */
            eval[k] = bound[k] = 0;
            continue;
        }
        arb_zero(value);
        for (size_t chunk = 0; chunk < CHUNKS; chunk++)
            arb_add(value, value, c->sum + chunk * c->plan.count + k, c->plan.prec);
        arb_add_error_mag(value, c->plan.error + k);
        arb_mul(value, value, constant, c->plan.prec);
        eval[k] = fmax(0, arf_get_d(arb_midref(value), ARF_RND_NEAR)); /* no eigenvalue is negative */
        arb_set_d(middle, eval[k]);
        arb_sub(value, value, middle, c->plan.prec);
        arb_get_mag(radius, value);
        arf_set_mag(up, radius);
        bound[k] = arf_get_d(up, ARF_RND_UP); /* the smallest double, should it underflow */
    }
    arb_clear(constant);
    arb_clear(value);
    arb_clear(middle);
    mag_clear(radius);
    arf_clear(up);
}

/* ---- the driver ---- */

/* log2 of how much the recurrence of P_k can widen a ball, |t| = 1. */
static double recurrence_bits(size_t D, size_t count)
{
    double previous = 0, radius = 1, bits = 0;
    for (size_t k = 1; k < count; k++) {
        double K = (double)k, d = (double)D;
        double next = ((2 * K + d - 2) * radius + K * previous) / (K + d - 2);
        previous = radius / next;
        bits += log2(next / radius) > 0 ? log2(next / radius) : 0;
        radius = 1;
    }
    return bits;
}

/* The error wanted and the precision that allows it, from the eigenvalues in double precision. */
static qntk_status aim(qntk_certify_plan *c, double *log_one)
{
    const double share = 1e-17, guard_bits = 80, layer_bits = 1; /* what each layer widens the balls by */
    qntk_mercer approximate;
    qntk_mercer_options options = qntk_mercer_defaults();
    options.degrees = c->count - 1;
    options.departure = false;
    qntk_status status = qntk_mercer_compute(c->kernel, c->D, options, &approximate);
    if (status != QNTK_OK && status != QNTK_NOT_CONVERGED)
        return status;
    double smallest = approximate.eval[0];
    for (size_t k = 0; k < c->count; k++)
        if (approximate.eval[k] >= DBL_MIN)
            smallest = fmin(smallest, approximate.eval[k]);
        else if (approximate.error[k] > 0)
            smallest = DBL_MIN;
    c->log_target = log(fmax(smallest, DBL_MIN)) + log(share);
    *log_one = log(approximate.kernel_at_one);
    double bits = (fabs(*log_one) - c->log_target) / M_LN2 + recurrence_bits(c->D, c->count) + guard_bits;
    if (c->kernel->family == QNTK_FAMILY_NETWORK)
        bits += layer_bits * (double)c->kernel->network.depth;
    c->prec = (slong)bits;
    qntk_mercer_free(&approximate);
    return QNTK_OK;
}

static qntk_status integrate(certifier *c)
{
    slong nodes = (slong)c->plan.points;
    c->node = _arb_vec_init(nodes);
    c->weight = _arb_vec_init(nodes);
    c->sum = _arb_vec_init((slong)(CHUNKS * c->plan.count));
    qntk_status status = qntk_parallel_for(CHUNKS, root_chunk, c);
    if (status == QNTK_OK)
        status = qntk_parallel_for(CHUNKS, sum_chunk, c);
    return status;
}

qntk_status qntk_mercer_certify(const qntk_kernel *kernel, size_t D, size_t degrees, double *eval,
                                double *bound)
{
    if (degrees > CERTIFY_DEGREES_MAX) /* before anything is written: arrays of that length are not there */
        return qntk_fail(QNTK_INVALID, "certified eigenvalues: expected at most %d degrees, found %zu",
                         CERTIFY_DEGREES_MAX, degrees);
    for (size_t k = 0; k <= degrees; k++)
        eval[k] = bound[k] = 0;
    certifier c = {.plan = {.kernel = kernel, .D = D, .count = degrees + 1}};
    double log_one, worst = 0;
    qntk_status status = aim(&c.plan, &log_one);
    if (status != QNTK_OK)
        return status;
    qntk_ball_kernel_init(&c.plan.fine, kernel, c.plan.prec);
    /* u - w cancels near the ends: as many bits more as there are panels */
    slong cancelled = 2 * (slong)qntk_certify_panels(&c.plan, log_one);
    qntk_ball_kernel_init(&c.plan.coarse, kernel, QNTK_COARSE_BITS + cancelled);
    c.plan.error = _mag_vec_init((slong)c.plan.count);
    status = qntk_certify_layout(&c.plan, log_one);
    if (status == QNTK_OK)
        status = integrate(&c);
    if (status == QNTK_OK)
        deliver(&c, eval, bound);
    for (size_t k = 0; k < c.plan.count && status == QNTK_OK; k++)
        if (eval[k] >= DBL_MIN)
            worst = fmax(worst, bound[k] / eval[k]);
    if (c.node != NULL) {
        _arb_vec_clear(c.node, (slong)c.plan.points);
        _arb_vec_clear(c.weight, (slong)c.plan.points);
        _arb_vec_clear(c.sum, (slong)(CHUNKS * c.plan.count));
    }
    _mag_vec_clear(c.plan.error, (slong)c.plan.count);
    qntk_ball_kernel_clear(&c.plan.fine);
    qntk_ball_kernel_clear(&c.plan.coarse);
    flint_cleanup();
    const double wanted = 1e-15;
    if (worst > wanted)
        return qntk_fail(QNTK_NOT_CONVERGED,
                         "certified eigenvalues: kernel '%s': a relative bound is %.1e, wanted %.1e",
                         kernel->spec, worst, wanted);
    return status;
}

#endif
