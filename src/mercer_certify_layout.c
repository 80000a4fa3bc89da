/* Where certified quadrature places its panels, and the proof of its error: the two layouts of
 * mercer_certify.c. */
#include "mercer_ball.h"

#ifdef QNTK_HAVE_ARB

#include <math.h>

enum { STRIP_POINTS = 1200 }; /* beyond, panels are cheaper */

static const double rho_geometric = 3.5; /* the ellipse of [x, 2x] then stays within |arg a| < 35 degrees */

/* Raises *bound to the largest |K| on a rectangle's part of the ellipse with these half axes (its upper half:
 * K is real on the real axis), splitting where the ball is not finite; false if that does not end. */
static bool cover(const qntk_certify_plan *c, double centre, double wide, double high, bool mirrored,
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
static void panel_place(const qntk_certify_plan *c, size_t panel, double *centre, double *half, double *wide,
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
static qntk_status panel_bound(const qntk_certify_plan *c, size_t panel, bool mirrored, mag_t bound)
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
static void error_constant(const qntk_certify_plan *c, double half, double sine, const mag_t bound,
                           mag_t error)
{
    arb_t value, rho;
    arb_init(value);
    arb_init(rho);
    mag_t factor;
    mag_init(factor);
    arb_set_d(rho, c->rho);
    arb_pow_ui(value, rho, 2 * (ulong)c->points, QNTK_COARSE_BITS);
    arb_mul(rho, rho, rho, QNTK_COARSE_BITS);
    arb_inv(rho, rho, QNTK_COARSE_BITS);
    arb_sub_ui(rho, rho, 1, QNTK_COARSE_BITS);
    arb_neg(rho, rho);
    arb_mul(value, value, rho, QNTK_COARSE_BITS);
    arb_inv(value, value, QNTK_COARSE_BITS);
    arb_mul_ui(value, value, 64, QNTK_COARSE_BITS);
    arb_div_ui(value, value, 15, QNTK_COARSE_BITS);
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
static void add_error(qntk_certify_plan *c, const mag_t constant, double rise)
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
static void choose_strip(qntk_certify_plan *c, double widest)
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

static void strip_errors(qntk_certify_plan *c)
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

size_t qntk_certify_panels(const qntk_certify_plan *c, double log_one)
{
    double fall = (log_one - c->log_target + 5) / (double)(c->D - 1) + log(M_PI_2);
    return (size_t)fmax(1, ceil(fall / M_LN2));
}

/* The panels, and the points of each from the largest of the bounds. */
static qntk_status choose_panels(qntk_certify_plan *c, double log_one)
{
    c->panels = qntk_certify_panels(c, log_one);
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
static void end_errors(qntk_certify_plan *c, const arb_t one)
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

qntk_status qntk_certify_layout(qntk_certify_plan *c, double log_one)
{
    double widest = qntk_ball_strip(c->kernel);
    if (widest > 0)
        choose_strip(c, widest);
    if (widest > 0 && c->points <= STRIP_POINTS) {
        strip_errors(c);
        return QNTK_OK;
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
    return QNTK_OK;
}

#else
typedef int qntk_no_layout; /* ISO C wants a declaration */
#endif
