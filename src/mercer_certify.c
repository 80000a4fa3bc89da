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
    CHUNKS = 64,                /* of the nodes; fixed, so that the sums do not depend on the threads */
    STRIP_POINTS = 1200,        /* beyond, panels are cheaper */
    COARSE = 64                 /* bits of what is only a bound */
};

static const double rho_geometric = 3.5; /* the ellipse of [x, 2x] then stays within |arg a| < 35 degrees */

typedef struct {
    const qntk_kernel *kernel;
    qntk_ball_kernel fine, coarse;
    size_t D, count;
    slong prec;
    double log_target;    /* ln of the absolute error wanted of each eigenvalue */
    size_t panels;        /* on each side; 0: one panel [0, pi] */
    size_t points;        /* of each panel */
    double rho, strip;    /* the ellipses; half-width of the strip in use */
    arb_ptr node, weight; /* (points) on [-1,1] */
    arb_ptr sum;          /* (CHUNKS, count) */
    mag_ptr error;        /* (count) of the quadrature, less c_D */
} certifier;

/* ---- bounds ---- */

/* Raises *bound to the largest |K| on a rectangle's part of the ellipse with these half axes (its upper half:
 * K is real on the real axis), splitting where the ball is not finite; false if that does not end. */
static bool cover(const certifier *c, double centre, double wide, double high, bool mirrored,
                  const double box[4], int depth, mag_t bound)
{
    enum { SPLIT = 2, DEPTH = 9 }; /* large rectangles bound badly: split twice in any case */
    double near_x = fmax(fmax(box[0] - centre, centre - box[1]), 0) / wide, near_y = box[2] / high;
    if (near_x * near_x + near_y * near_y > 1 + 1e-9)
        return true; /* outside */
    if (depth >= SPLIT) {
        acb_t a;
        mag_t value;
        arf_t low, up;
        acb_init(a);
        mag_init(value);
        arf_init(low);
        arf_init(up);
        arf_set_d(low, box[0]);
        arf_set_d(up, box[1]);
        arb_set_interval_arf(acb_realref(a), low, up, c->coarse.prec);
        arf_set_d(low, box[2]);
        arf_set_d(up, box[3]);
        arb_set_interval_arf(acb_imagref(a), low, up, c->coarse.prec);
        bool known = qntk_ball_bound(value, &c->coarse, a, mirrored);
        if (known)
            mag_max(bound, bound, value);
        acb_clear(a);
        mag_clear(value);
        arf_clear(low);
        arf_clear(up);
        if (known || depth == DEPTH)
            return known;
    }
    double x = (box[0] + box[1]) / 2, y = (box[2] + box[3]) / 2;
    const double quarter[4][4] = {
        {box[0], x, box[2], y}, {x, box[1], box[2], y}, {box[0], x, y, box[3]}, {x, box[1], y, box[3]}};
    for (int i = 0; i < 4; i++)
        if (!cover(c, centre, wide, high, mirrored, quarter[i], depth + 1, bound))
            return false;
    return true;
}

/* Panel p of the left side is [pi/2 2^-p-1, pi/2 2^-p]; the right side is its mirror image, t -> -t. The half
 * axes are rounded up. */
static void panel_place(const certifier *c, size_t panel, double *centre, double *half, double *wide,
                        double *high)
{
    const double up = 1 + 1e-9;
    double end = ldexp(M_PI_2, -(int)panel);
    *centre = 0.75 * end;
    *half = 0.25 * end * up;
    *wide = *half * (c->rho + 1 / c->rho) / 2 * up;
    *high = *half * (c->rho - 1 / c->rho) / 2 * up;
}

/* |K| on a panel's ellipse. */
static qntk_status panel_bound(const certifier *c, size_t panel, bool mirrored, mag_t bound)
{
    double centre, half, wide, high;
    panel_place(c, panel, &centre, &half, &wide, &high);
    const double box[4] = {centre - wide, centre + wide, 0, high};
    mag_zero(bound);
    if (cover(c, centre, wide, high, mirrored, box, 0, bound))
        return QNTK_OK;
    return qntk_fail(QNTK_NOT_CONVERGED,
                     "certified eigenvalues: kernel '%s': no proof that it is analytic around the angle %g",
                     c->kernel->spec, centre);
}

/* The quadrature's error without the factor e^{degree * rise}: (64/15) half |K| sine^(D-2) rho^{-2n}/(1 -
 * rho^-2). */
static void error_constant(const certifier *c, double half, double sine, const mag_t bound, mag_t error)
{
    arb_t value, rho;
    arb_init(value);
    arb_init(rho);
    mag_t factor;
    mag_init(factor);
    arb_set_d(rho, c->rho);
    arb_pow_ui(value, rho, 2 * (ulong)c->points, COARSE);
    arb_mul(rho, rho, rho, COARSE);
    arb_inv(rho, rho, COARSE);
    arb_sub_ui(rho, rho, 1, COARSE);
    arb_neg(rho, rho);
    arb_mul(value, value, rho, COARSE);
    arb_inv(value, value, COARSE);
    arb_mul_ui(value, value, 64, COARSE);
    arb_div_ui(value, value, 15, COARSE);
    arb_get_mag(error, value);
    mag_mul(error, error, bound);
    mag_set_d(factor, half);
    mag_mul(error, error, factor);
    mag_set_d(factor, sine);
    mag_pow_ui(factor, factor, (ulong)(c->D - 2));
    mag_mul(error, error, factor);
    arb_clear(value);
    arb_clear(rho);
    mag_clear(factor);
}

/* error[k] += constant e^{k rise} for all degrees: |P_k(cos a)| <= cosh(k Im a). */
static void add_error(certifier *c, const mag_t constant, double rise)
{
    mag_t step, term;
    mag_init(step);
    mag_init_set(term, constant);
    mag_set_d(step, rise);
    mag_exp(step, step);
    for (size_t k = 0; k < c->count; k++) {
        mag_add(c->error + k, c->error + k, term);
        mag_mul(term, term, step);
    }
    mag_clear(step);
    mag_clear(term);
}

static double log_mag(const mag_t x)
{
    return mag_get_d_log2_approx(x) * M_LN2;
}

/* ---- layout ---- */

/* The ellipse in the strip that needs the fewest points. */
static void choose_strip(certifier *c, double widest)
{
    enum { TRIALS = 19 };
    double best = INFINITY, degree = (double)(c->count - 1);
    mag_t bound;
    mag_init(bound);
    for (int i = 1; i <= TRIALS; i++) {
        double b = widest * i / (TRIALS + 1), scaled = b / M_PI_2 * (1 - 1e-9); /* rounded inwards */
        double rho = (scaled + sqrt(scaled * scaled + 1)) * (1 - 1e-9);
        qntk_ball_strip_bound(bound, &c->coarse, b);
        double size = log_mag(bound) + degree * b + (double)(c->D - 2) * log(cosh(b));
        double points = (size - c->log_target + 10) / (2 * log(rho));
        if (points < best) {
            best = points;
            c->strip = b;
            c->rho = rho;
        }
    }
    mag_clear(bound);
    c->panels = 0;
    c->points = (size_t)fmin(ceil(best) + 2, 1e9);
}

static void strip_errors(certifier *c)
{
    mag_t bound, constant;
    mag_init(bound);
    mag_init(constant);
    qntk_ball_strip_bound(bound, &c->coarse, c->strip);
    error_constant(c, M_PI_2 * (1 + 1e-9), cosh(c->strip) * (1 + 1e-9), bound, constant);
    add_error(c, constant, c->strip);
    mag_clear(bound);
    mag_clear(constant);
}

/* Panels down to eps, where the ends no longer count: K(1) eps^(D-1) below the target. */
static size_t panel_count(const certifier *c, double log_one)
{
    double fall = (log_one - c->log_target + 5) / (double)(c->D - 1) + log(M_PI_2);
    return (size_t)fmax(1, ceil(fall / M_LN2));
}

/* The panels, and the points of each from the largest of the bounds. */
static qntk_status choose_panels(certifier *c, double log_one)
{
    c->panels = panel_count(c, log_one);
    c->rho = rho_geometric;
    double degree = (double)(c->count - 1), most = 0;
    mag_ptr bounds = _mag_vec_init((slong)(2 * c->panels));
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < 2 * c->panels && status == QNTK_OK; i++) {
        double centre, half, wide, high;
        panel_place(c, i / 2, &centre, &half, &wide, &high);
        status = panel_bound(c, i / 2, i % 2 == 1, bounds + i);
        double sine = fmin(cosh(high), sinh(centre + wide));
        double size = log_mag(bounds + i) + degree * high + (double)(c->D - 2) * log(sine) + log(half);
        most = fmax(most, size - c->log_target + 10);
    }
    c->points = (size_t)ceil(most / (2 * log(c->rho))) + 2;
    for (size_t i = 0; i < 2 * c->panels && status == QNTK_OK; i++) {
        double centre, half, wide, high;
        mag_t constant;
        mag_init(constant);
        panel_place(c, i / 2, &centre, &half, &wide, &high);
        error_constant(c, half, fmin(cosh(high), sinh(centre + wide)) * (1 + 1e-9), bounds + i, constant);
        add_error(c, constant, high);
        mag_clear(constant);
    }
    _mag_vec_clear(bounds, (slong)(2 * c->panels));
    return status;
}

/* Both ends that the panels leave out: 2 K(1) eps^(D-1)/(D-1), as |K| <= K(1), |P_k| <= 1, sin a <= a. */
static void end_errors(certifier *c, const arb_t one)
{
    mag_t end, factor;
    mag_init(end);
    mag_init(factor);
    mag_set_d(factor, ldexp(M_PI_2 * (1 + 1e-9), -(int)c->panels));
    mag_pow_ui(end, factor, (ulong)(c->D - 1));
    arb_get_mag(factor, one);
    mag_mul(end, end, factor);
    mag_mul_2exp_si(end, end, 1);
    mag_set_ui(factor, (ulong)(c->D - 1));
    mag_t lower;
    mag_init(lower);
    mag_set_ui_lower(lower, (ulong)(c->D - 1));
    mag_div(end, end, lower);
    mag_clear(lower);
    add_error(c, end, 0);
    mag_clear(end);
    mag_clear(factor);
}

/* ---- the sums ---- */

static qntk_status root_chunk(void *context, size_t chunk, size_t worker)
{
    (void)worker;
    certifier *c = context;
    for (size_t i = chunk * c->points / CHUNKS; i < (chunk + 1) * c->points / CHUNKS; i++) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        arb_hypgeom_legendre_p_ui_root(c->node + i, c->weight + i, (ulong)c->points, (ulong)i, c->prec);
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
    slong prec = c->prec;
    arb_mul_2exp_si(x->s, x->a, -1);
    arb_sin_cos(x->s, x->co, x->s, prec);
    arb_mul(x->t, x->s, x->co, prec); /* sin a = 2 s c */
    arb_mul_2exp_si(x->t, x->t, 1);
    arb_pow_ui(x->t, x->t, (ulong)(c->D - 2), prec);
    arb_mul(x->W, x->W, x->t, prec);
    arb_sqr(x->u0, x->s, prec);
    arb_mul_2exp_si(x->u0, x->u0, 1);
    arb_sqr(x->v0, x->co, prec);
    arb_mul_2exp_si(x->v0, x->v0, 1);
    arb_sub(x->t, x->v0, x->u0, prec); /* cos a */
    arb_mul_2exp_si(x->t, x->t, -1);

    qntk_ball_value(x->plus, &c->fine, x->u0, x->v0);
    arb_mul(x->plus, x->plus, x->W, prec);
    arb_set(x->minus, x->plus);
    if (c->panels > 0) {
        qntk_ball_value(x->s, &c->fine, x->v0, x->u0);
        arb_mul(x->s, x->s, x->W, prec);
        arb_sub(x->minus, x->plus, x->s, prec);
        arb_add(x->plus, x->plus, x->s, prec);
    }
    arb_zero(x->previous);
    arb_one(x->P);
    for (size_t k = 0; k < c->count; k++) {
        arb_addmul(sum + k, k % 2 == 0 ? x->plus : x->minus, x->P, prec);
        if (k == 0) {
            arb_set(x->next, x->t);
        } else { /* (k+D-2) P_{k+1} = (2k+D-2) t P_k - k P_{k-1} */
            arb_mul(x->next, x->t, x->P, prec);
            arb_mul_ui(x->next, x->next, (ulong)(2 * k + c->D - 2), prec);
            arb_submul_ui(x->next, x->previous, (ulong)k, prec);
            arb_div_ui(x->next, x->next, (ulong)(k + c->D - 2), prec);
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
    arb_ptr all[] = {x.a, x.s, x.co, x.u0, x.v0, x.t, x.W, x.plus, x.minus, x.P, x.previous, x.next};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        arb_init(all[i]);
    size_t nodes = qntk_max(c->panels, 1) * c->points;
    qntk_status status = QNTK_OK;
    for (size_t j = chunk * nodes / CHUNKS; j < (chunk + 1) * nodes / CHUNKS && status == QNTK_OK; j++) {
        size_t panel = j / c->points, i = j % c->points;
        /* half = pi/2 (one panel) or pi/8 2^-panel; a = half (1 + x) or half (3 + x) */
        arb_const_pi(x.W, c->prec);
        arb_mul_2exp_si(x.W, x.W, c->panels == 0 ? -1 : -3 - (slong)panel);
        arb_add_ui(x.a, c->node + i, c->panels == 0 ? 1 : 3, c->prec);
        arb_mul(x.a, x.a, x.W, c->prec);
        arb_mul(x.W, x.W, c->weight + i, c->prec);
        add_node(c, &x, c->sum + chunk * c->count);
        if (qntk_interrupted())
            status = qntk_fail(QNTK_INTERRUPTED, "interrupted");
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
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
    measure_constant(constant, c->D, c->prec);
    bool even = c->kernel->family == QNTK_FAMILY_NETWORK &&
                qntk_sphere_network_create(&c->kernel->network, true).even;
    for (size_t k = 0; k < c->count; k++) {
        if (even && k >= 3 && k % 2 == 1) { /* exactly 0 */
            eval[k] = bound[k] = 0;
            continue;
        }
        arb_zero(value);
        for (size_t chunk = 0; chunk < CHUNKS; chunk++)
            arb_add(value, value, c->sum + chunk * c->count + k, c->prec);
        arb_add_error_mag(value, c->error + k);
        arb_mul(value, value, constant, c->prec);
        eval[k] = fmax(0, arf_get_d(arb_midref(value), ARF_RND_NEAR)); /* no eigenvalue is negative */
        arb_set_d(middle, eval[k]);
        arb_sub(value, value, middle, c->prec);
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
static qntk_status plan(certifier *c, double *log_one)
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
    slong nodes = (slong)c->points;
    c->node = _arb_vec_init(nodes);
    c->weight = _arb_vec_init(nodes);
    c->sum = _arb_vec_init((slong)(CHUNKS * c->count));
    qntk_status status = qntk_parallel_for(CHUNKS, root_chunk, c);
    if (status == QNTK_OK)
        status = qntk_parallel_for(CHUNKS, sum_chunk, c);
    return status;
}

static qntk_status certify(certifier *c, double log_one)
{
    double widest = qntk_ball_strip(c->kernel);
    if (widest > 0)
        choose_strip(c, widest);
    if (widest > 0 && c->points <= STRIP_POINTS) {
        strip_errors(c);
        return integrate(c);
    }
    qntk_status status = choose_panels(c, log_one);
    if (status != QNTK_OK)
        return status;
    arb_t one, zero, two;
    arb_init(one);
    arb_init(zero);
    arb_init(two);
    arb_one(one);
    arb_set_ui(two, 2);
    if (c->kernel->family == QNTK_FAMILY_NETWORK) /* else K(1) = 1 */
        qntk_ball_value(one, &c->coarse, zero, two);
    end_errors(c, one);
    arb_clear(one);
    arb_clear(zero);
    arb_clear(two);
    return integrate(c);
}

qntk_status qntk_mercer_certify(const qntk_kernel *kernel, size_t D, size_t degrees, double *eval,
                                double *bound)
{
    if (degrees > CERTIFY_DEGREES_MAX) /* before anything is written: arrays of that length are not there */
        return qntk_fail(QNTK_INVALID, "certified eigenvalues: expected at most %d degrees, found %zu",
                         CERTIFY_DEGREES_MAX, degrees);
    for (size_t k = 0; k <= degrees; k++)
        eval[k] = bound[k] = 0;
    certifier c = {.kernel = kernel, .D = D, .count = degrees + 1};
    double log_one;
    qntk_status status = plan(&c, &log_one);
    if (status != QNTK_OK)
        return status;
    qntk_ball_kernel_init(&c.fine, kernel, c.prec);
    /* u - w cancels near the ends: as many bits more as there are panels */
    qntk_ball_kernel_init(&c.coarse, kernel, COARSE + 2 * (slong)panel_count(&c, log_one));
    c.error = _mag_vec_init((slong)c.count);
    status = certify(&c, log_one);
    double worst = 0;
    if (status == QNTK_OK)
        deliver(&c, eval, bound);
    for (size_t k = 0; k < c.count && status == QNTK_OK; k++)
        if (eval[k] >= DBL_MIN)
            worst = fmax(worst, bound[k] / eval[k]);
    if (c.node != NULL) {
        _arb_vec_clear(c.node, (slong)c.points);
        _arb_vec_clear(c.weight, (slong)c.points);
        _arb_vec_clear(c.sum, (slong)(CHUNKS * c.count));
    }
    _mag_vec_clear(c.error, (slong)c.count);
    qntk_ball_kernel_clear(&c.fine);
    qntk_ball_kernel_clear(&c.coarse);
    flint_cleanup();
    const double wanted = 1e-15;
    if (worst > wanted)
        return qntk_fail(QNTK_NOT_CONVERGED,
                         "certified eigenvalues: kernel '%s': a relative bound is %.1e, wanted %.1e",
                         kernel->spec, worst, wanted);
    return status;
}

#endif
