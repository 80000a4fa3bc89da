/* Kernels in ball arithmetic. */
#include "mercer_ball.h"

#ifdef QNTK_HAVE_ARB

#include <arb_hypgeom.h>
#include <math.h>

/* V/(V+tau), tau/(V+tau), 1/(V+tau) of a law with these levels. */
static void weight_law(size_t levels, arb_t keep, arb_t lose, arb_t inv_moment, slong prec)
{
    if (levels == QNTK_LEVELS_REAL) {
        arb_one(keep);
        arb_zero(lose);
        arb_one(inv_moment);
        return;
    }
    /* V = 1/3, tau = (2/(B-1))^2/6 = 2/(3 (B-1)^2): V + tau = ((B-1)^2 + 2)/(3 (B-1)^2) */
    ulong square = (ulong)(levels - 1) * (ulong)(levels - 1);
    arb_set_ui(inv_moment, 3 * square);
    arb_div_ui(inv_moment, inv_moment, square + 2, prec);
    arb_set_ui(keep, square);
    arb_div_ui(keep, keep, square + 2, prec);
    arb_set_ui(lose, 2);
    arb_div_ui(lose, lose, square + 2, prec);
}

void qntk_ball_kernel_init(qntk_ball_kernel *ball, const qntk_kernel *kernel, slong prec)
{
    enum { BALLS = 9 };
    arb_ptr all[BALLS] = {ball->b2,         ball->keep,         ball->lose,
                          ball->inv_moment, ball->keep_readout, ball->inv_moment_readout,
                          ball->inverse_l,  ball->shape,        ball->factor};
    for (size_t i = 0; i < BALLS; i++)
        arb_init(all[i]);
    ball->kernel = kernel;
    ball->prec = prec;
    if (kernel->family == QNTK_FAMILY_NETWORK) {
        const qntk_network_shape *shape = &kernel->network;
        arb_set_d(ball->b2, shape->b_std);
        arb_sqr(ball->b2, ball->b2, prec);
        arb_t unused;
        arb_init(unused);
        weight_law(shape->levels, ball->keep, ball->lose, ball->inv_moment, prec);
        weight_law(shape->quantize_all ? shape->levels : QNTK_LEVELS_REAL, ball->keep_readout, unused,
                   ball->inv_moment_readout, prec);
        arb_clear(unused);
        return;
    }
    arb_set_d(ball->inverse_l, kernel->bandwidth);
    arb_inv(ball->inverse_l, ball->inverse_l, prec);
    if (kernel->family == QNTK_FAMILY_RGAUSS)
        arb_set_d(ball->shape, kernel->alpha);
    if (kernel->family == QNTK_FAMILY_GEXP)
        arb_set_d(ball->shape, kernel->power / 2);
    if (kernel->family == QNTK_FAMILY_MATERN) {
        arb_t power;
        arb_init(power);
        arb_set_d(ball->shape, kernel->nu);
        arb_sub_ui(power, ball->shape, 1, prec);
        arb_neg(power, power);
        arb_set_ui(ball->factor, 2);
        arb_pow(ball->factor, ball->factor, power, prec);
        arb_gamma(power, ball->shape, prec);
        arb_div(ball->factor, ball->factor, power, prec);
        arb_clear(power);
    }
}

void qntk_ball_kernel_clear(qntk_ball_kernel *ball)
{
    enum { BALLS = 9 };
    arb_ptr all[BALLS] = {ball->b2,         ball->keep,         ball->lose,
                          ball->inv_moment, ball->keep_readout, ball->inv_moment_readout,
                          ball->inverse_l,  ball->shape,        ball->factor};
    for (size_t i = 0; i < BALLS; i++)
        arb_clear(all[i]);
}

/* ---- real values ---- */

/* theta = 2 atan2(sqrt u, sqrt v) and w = (sin theta - theta cos theta)/pi from u and v = 2 - u. */
static void real_angle(arb_t theta, arb_t w, const arb_t u, const arb_t v, slong prec)
{
    arb_t s, c;
    arb_init(s);
    arb_init(c);
    arb_sqrtpos(s, u, prec);
    arb_sqrtpos(c, v, prec);
    arb_atan2(theta, s, c, prec);
    arb_mul_2exp_si(theta, theta, 1);
    arb_mul(w, s, c, prec); /* sin theta = sqrt(u v), cos theta = 1 - u */
    arb_sub_ui(c, u, 1, prec);
    arb_addmul(w, theta, c, prec);
    arb_const_pi(c, prec);
    arb_div(w, w, c, prec);
    arb_clear(s);
    arb_clear(c);
}

/* u - w and y = (pi - theta)/pi. From the second layer on u - w by its mean value form, (u - w)' = y: taken
 * as it stands, a small theta would widen the ball by 1/theta in each layer. */
static void real_activation(arb_t defect, arb_t y, const arb_t u, const arb_t v, bool first, slong prec)
{
    arb_t theta, w, middle, other;
    arb_init(theta);
    arb_init(w);
    arb_init(middle);
    arb_init(other);
    real_angle(theta, w, u, v, prec);
    arb_const_pi(other, prec);
    arb_div(y, theta, other, prec);
    arb_sub_ui(y, y, 1, prec);
    arb_neg(y, y);
    if (first) {
        arb_sub(defect, u, w, prec);
    } else {
        arb_get_mid_arb(middle, u);
        arb_sub_ui(other, middle, 2, prec);
        arb_neg(other, other);
        real_angle(theta, w, middle, other, prec);
        arb_sub(w, middle, w, prec);
        arb_sub(other, u, middle, prec);
        arb_addmul(w, other, y, prec);
        arb_swap(defect, w);
    }
    arb_clear(theta);
    arb_clear(w);
    arb_clear(middle);
    arb_clear(other);
}

static void real_network(arb_t value, const qntk_ball_kernel *k, const arb_t u0, const arb_t v0)
{
    slong prec = k->prec;
    const qntk_network_shape *shape = &k->kernel->network;
    arb_t P, u, v, T, y, kappa, defect;
    enum { BALLS = 7 };
    arb_ptr all[BALLS] = {P, u, v, T, y, kappa, defect};
    for (size_t i = 0; i < BALLS; i++)
        arb_init(all[i]);
    arb_add_ui(P, k->b2, 2, prec);
    arb_mul(u, k->keep, u0, prec); /* u_1 = 2 (lose + keep u_0)/P */
    arb_add(u, u, k->lose, prec);
    arb_mul_2exp_si(u, u, 1);
    arb_div(u, u, P, prec);
    arb_mul(v, k->keep, v0, prec); /* v_1 = 2 (lose + b^2 + keep v_0)/P */
    arb_add(v, v, k->lose, prec);
    arb_add(v, v, k->b2, prec);
    arb_mul_2exp_si(v, v, 1);
    arb_div(v, v, P, prec);
    arb_sub_ui(T, u0, 1, prec); /* T_1 = 2 t/(V+tau) + b^2 */
    arb_mul(T, T, k->inv_moment, prec);
    arb_mul_2exp_si(T, T, 1);
    arb_sub(T, k->b2, T, prec);
    for (size_t layer = 1;; layer++) {
        real_activation(defect, y, u, v, layer == 1, prec);
        arb_sub_ui(kappa, defect, 1, prec);
        arb_neg(kappa, kappa);
        arb_mul(kappa, kappa, P, prec); /* 2 M */
        arb_mul(T, T, y, prec);         /* 2 Mdot T */
        if (layer == shape->depth)
            break;
        arb_mul(T, T, k->keep, prec);
        arb_addmul(T, kappa, k->inv_moment, prec);
        arb_add(T, T, k->b2, prec);
        arb_mul(u, k->keep, defect, prec); /* u' = P (lose + keep (u - w))/P' */
        arb_add(u, u, k->lose, prec);
        arb_mul(u, u, P, prec);
        arb_add(P, P, k->b2, prec);
        arb_div(u, u, P, prec);
        arb_sub_ui(v, u, 2, prec);
        arb_neg(v, v);
    }
    arb_mul(value, kappa, shape->nngp ? k->keep_readout : k->inv_moment_readout, prec);
    if (!shape->nngp)
        arb_addmul(value, T, k->keep_readout, prec);
    arb_mul_2exp_si(value, value, -1);
    arb_add(value, value, k->b2, prec);
    for (size_t i = 0; i < BALLS; i++)
        arb_clear(all[i]);
}

void qntk_ball_value(arb_t value, const qntk_ball_kernel *k, const arb_t u0, const arb_t v0)
{
    slong prec = k->prec;
    if (k->kernel->family == QNTK_FAMILY_NETWORK) {
        real_network(value, k, u0, v0);
        return;
    }
    arb_t s, power; /* s = (r/l)^2 = 2 u_0/l^2 */
    arb_init(s);
    arb_init(power);
    arb_sqr(s, k->inverse_l, prec);
    arb_mul(s, s, u0, prec);
    arb_mul_2exp_si(s, s, 1);
    switch (k->kernel->family) {
    case QNTK_FAMILY_GAUSS:
        arb_mul_2exp_si(s, s, -1);
        break;
    case QNTK_FAMILY_LAPLACE:
        arb_sqrtpos(s, s, prec);
        break;
    case QNTK_FAMILY_RGAUSS: /* alpha ln(1 + s/(2 alpha)) */
        arb_div(s, s, k->shape, prec);
        arb_mul_2exp_si(s, s, -1);
        arb_log1p(s, s, prec);
        arb_mul(s, s, k->shape, prec);
        break;
    case QNTK_FAMILY_GEXP:
        arb_pow(s, s, k->shape, prec);
        break;
    case QNTK_FAMILY_MATERN: /* z^nu K_nu(z), z^2 = 2 nu s */
        arb_mul(s, s, k->shape, prec);
        arb_mul_2exp_si(s, s, 1);
        arb_sqrtpos(s, s, prec);
        arb_pow(power, s, k->shape, prec);
        arb_hypgeom_bessel_k(s, k->shape, s, prec);
        arb_mul(value, s, power, prec);
        arb_mul(value, value, k->factor, prec);
        break;
    case QNTK_FAMILY_NETWORK:
    case QNTK_FAMILY_FILE:
        break;
    }
    if (k->kernel->family != QNTK_FAMILY_MATERN) {
        arb_neg(s, s);
        arb_exp(value, s, prec);
    }
    arb_clear(s);
    arb_clear(power);
}

/* ---- bounds in a strip ---- */

double qntk_ball_strip(const qntk_kernel *kernel)
{
    const double widest = 4; /* wider strips gain nothing: cosh(degree * width) grows as fast */
    switch (kernel->family) {
    case QNTK_FAMILY_GAUSS:
    case QNTK_FAMILY_LAPLACE: /* exp(-(2/l) sin(a/2)) is entire */
        return widest;
    case QNTK_FAMILY_RGAUSS:
        return fmin(widest, acosh(1 + kernel->alpha * kernel->bandwidth * kernel->bandwidth));
    case QNTK_FAMILY_GEXP:
        return kernel->power == 2 || kernel->power == 1 ? widest : 0;
    case QNTK_FAMILY_NETWORK:
        return acosh((double)(1 + qntk_sphere_network_create(&kernel->network, true).right));
    case QNTK_FAMILY_MATERN:
    case QNTK_FAMILY_FILE:
        break;
    }
    return 0;
}

void qntk_ball_strip_bound(mag_t bound, const qntk_ball_kernel *k, double b)
{
    slong prec = k->prec;
    qntk_family family = k->kernel->family;
    arb_t height, u, v, value;
    arb_init(height);
    arb_init(u);
    arb_init(v);
    arb_init(value);
    arb_set_d(height, b);
    bool root = family == QNTK_FAMILY_LAPLACE || (family == QNTK_FAMILY_GEXP && k->kernel->power == 1);
    if (root) { /* |exp(-(2/l) sin(a/2))| <= exp((2/l) cosh(b/2)) */
        arb_mul_2exp_si(height, height, -1);
        arb_cosh(value, height, prec);
        arb_mul(value, value, k->inverse_l, prec);
        arb_mul_2exp_si(value, value, 1);
        arb_exp(value, value, prec);
    } else {
        /* K(t) = sum a_n t^n, all a_n >= 0, so |K(cos a)| <= K(|cos a|) <= K(cosh b): the radius of
         * convergence is the first singularity on the positive axis (Pringsheim) */
        arb_cosh(v, height, prec);
        arb_sub_ui(u, v, 1, prec);
        arb_neg(u, u);
        arb_add_ui(v, v, 1, prec);
        qntk_ball_value(value, k, u, v);
    }
    arb_get_mag(bound, value);
    arb_clear(height);
    arb_clear(u);
    arb_clear(v);
    arb_clear(value);
}

#else
typedef int qntk_no_balls; /* ISO C wants a declaration */
#endif
