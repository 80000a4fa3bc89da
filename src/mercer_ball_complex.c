/* Kernels on rectangles of the complex plane, in ball arithmetic: where they are analytic, and how large. */
#include "mercer_ball.h"

#ifdef QNTK_HAVE_ARB

#include <arb_hypgeom.h>

/* theta = -2i ln(c + i s), s^2 = u/2, c^2 = v/2: analytic off the cuts of the roots and the logarithm. */
static void complex_angle(acb_t theta, acb_t sine, const acb_t u, const acb_t v, slong prec)
{
    acb_t s, c;
    acb_init(s);
    acb_init(c);
    acb_mul_2exp_si(s, u, -1);
    acb_sqrt_analytic(s, s, 1, prec);
    acb_mul_2exp_si(c, v, -1);
    acb_sqrt_analytic(c, c, 1, prec);
    acb_mul(sine, s, c, prec);
    acb_mul_2exp_si(sine, sine, 1);
    acb_mul_onei(s, s);
    acb_add(c, c, s, prec);
    acb_log_analytic(theta, c, 1, prec);
    acb_mul_onei(theta, theta);
    acb_mul_2exp_si(theta, theta, 1);
    acb_neg(theta, theta);
    acb_clear(s);
    acb_clear(c);
}

/* u - w and y on a rectangle. u - w by its mean value form, (u - w)' = 1 - theta/pi = y: else each of many
 * layers would widen the rectangle. */
static void complex_activation(acb_t defect, acb_t y, const acb_t u, const acb_t v, slong prec)
{
    acb_t middle, other, theta, sine;
    arb_t pi;
    acb_init(middle);
    acb_init(other);
    acb_init(theta);
    acb_init(sine);
    arb_init(pi);
    arb_const_pi(pi, prec);
    acb_get_mid(middle, u);
    acb_sub_ui(other, middle, 2, prec);
    acb_neg(other, other);
    complex_angle(theta, sine, middle, other, prec);
    acb_sub_ui(other, middle, 1, prec);
    acb_addmul(sine, theta, other, prec);
    acb_div_arb(sine, sine, pi, prec);
    acb_sub(defect, middle, sine, prec);
    complex_angle(theta, sine, u, v, prec);
    acb_div_arb(y, theta, pi, prec);
    acb_sub_ui(y, y, 1, prec);
    acb_neg(y, y);
    acb_sub(other, u, middle, prec);
    acb_addmul(defect, other, y, prec);
    acb_clear(middle);
    acb_clear(other);
    acb_clear(theta);
    acb_clear(sine);
    arb_clear(pi);
}

/* As real_network, on a rectangle. */
static void complex_network(acb_t value, const qntk_ball_kernel *k, const acb_t u0, const acb_t v0)
{
    slong prec = k->prec;
    const qntk_network_shape *shape = &k->kernel->network;
    arb_t P;
    acb_t u, v, T, y, kappa, defect;
    enum { BALLS = 6 };
    acb_ptr all[BALLS] = {u, v, T, y, kappa, defect};
    arb_init(P);
    for (size_t i = 0; i < BALLS; i++)
        acb_init(all[i]);
    arb_add_ui(P, k->b2, 2, prec);
    acb_mul_arb(u, u0, k->keep, prec);
    acb_add_arb(u, u, k->lose, prec);
    acb_mul_2exp_si(u, u, 1);
    acb_div_arb(u, u, P, prec);
    acb_mul_arb(v, v0, k->keep, prec);
    acb_add_arb(v, v, k->lose, prec);
    acb_add_arb(v, v, k->b2, prec);
    acb_mul_2exp_si(v, v, 1);
    acb_div_arb(v, v, P, prec);
    acb_sub_ui(T, u0, 1, prec);
    acb_mul_arb(T, T, k->inv_moment, prec);
    acb_mul_2exp_si(T, T, 1);
    acb_neg(T, T);
    acb_add_arb(T, T, k->b2, prec);
    for (size_t layer = 1;; layer++) {
        complex_activation(defect, y, u, v, prec);
        acb_sub_ui(kappa, defect, 1, prec);
        acb_neg(kappa, kappa);
        acb_mul_arb(kappa, kappa, P, prec);
        acb_mul(T, T, y, prec);
        if (layer == shape->depth)
            break;
        acb_mul_arb(T, T, k->keep, prec);
        acb_addmul_arb(T, kappa, k->inv_moment, prec);
        acb_add_arb(T, T, k->b2, prec);
        acb_mul_arb(u, defect, k->keep, prec);
        acb_add_arb(u, u, k->lose, prec);
        acb_mul_arb(u, u, P, prec);
        arb_add(P, P, k->b2, prec);
        acb_div_arb(u, u, P, prec);
        acb_sub_ui(v, u, 2, prec);
        acb_neg(v, v);
    }
    acb_mul_arb(value, kappa, shape->nngp ? k->keep_readout : k->inv_moment_readout, prec);
    if (!shape->nngp)
        acb_addmul_arb(value, T, k->keep_readout, prec);
    acb_mul_2exp_si(value, value, -1);
    acb_add_arb(value, value, k->b2, prec);
    arb_clear(P);
    for (size_t i = 0; i < BALLS; i++)
        acb_clear(all[i]);
}

/* |exp(-(r/l)^power)| by its formula; |z^nu K_nu(z)| <= |z|^nu K_nu(Re z) for Re z > 0, as
 * K_nu(z) = Int_0^inf e^{-z cosh t} cosh(nu t) dt. r = 2 sin(a/2) on the rectangle. */
static bool radial_bound(mag_t bound, const qntk_ball_kernel *k, const acb_t r)
{
    slong prec = k->prec;
    acb_t z;
    arb_t size, real;
    acb_init(z);
    arb_init(size);
    arb_init(real);
    acb_mul_arb(z, r, k->inverse_l, prec);
    if (k->kernel->family == QNTK_FAMILY_MATERN) {
        arb_mul_2exp_si(size, k->shape, 1);
        arb_sqrt(size, size, prec);
        acb_mul_arb(z, z, size, prec);
        arb_get_lbound_arf(arb_midref(real), acb_realref(z), prec);
        acb_abs(size, z, prec);
        arb_get_ubound_arf(arb_midref(size), size, prec);
        mag_zero(arb_radref(size));
        arb_pow(size, size, k->shape, prec);
        if (arb_is_positive(real)) {
            arb_hypgeom_bessel_k(real, k->shape, real, prec);
            arb_mul(size, size, real, prec);
            arb_mul(size, size, k->factor, prec);
        } else {
            arb_indeterminate(size);
        }
    } else {
        acb_t power;
        acb_init(power);
        acb_set_arb(power, k->shape);
        acb_mul_2exp_si(power, power, 1);
        acb_pow_analytic(z, z, power, 1, prec);
        acb_clear(power);
        arb_neg(size, acb_realref(z));
        arb_exp(size, size, prec);
    }
    bool finite = arb_is_finite(size) != 0;
    arb_get_mag(bound, size);
    acb_clear(z);
    arb_clear(size);
    arb_clear(real);
    return finite;
}

bool qntk_ball_bound(mag_t bound, const qntk_ball_kernel *k, const acb_t a, bool mirrored)
{
    slong prec = k->prec;
    acb_t sine, cosine;
    acb_init(sine);
    acb_init(cosine);
    acb_mul_2exp_si(cosine, a, -1);
    acb_sin_cos(sine, cosine, cosine, prec);
    if (mirrored) /* t and -t exchange u_0 and v_0 */
        acb_swap(sine, cosine);
    bool finite;
    if (k->kernel->family == QNTK_FAMILY_NETWORK) { /* u_0 = 2 sin^2(a/2), v_0 = 2 cos^2(a/2) */
        acb_sqr(sine, sine, prec);
        acb_mul_2exp_si(sine, sine, 1);
        acb_sqr(cosine, cosine, prec);
        acb_mul_2exp_si(cosine, cosine, 1);
        complex_network(cosine, k, sine, cosine);
        finite = acb_is_finite(cosine) != 0;
        acb_get_mag(bound, cosine);
    } else {
        acb_mul_2exp_si(sine, sine, 1);
        finite = radial_bound(bound, k, sine);
    }
    acb_clear(sine);
    acb_clear(cosine);
    return finite;
}

#else
typedef int qntk_no_rectangles; /* ISO C wants a declaration */
#endif
