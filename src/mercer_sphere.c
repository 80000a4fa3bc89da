/* The sphere's own functions: quadrature nodes, multiplicities, and the functions of the second kind. */
#include "mercer_internal.h"

#include <math.h>

void qntk_gauss_legendre(size_t n, long double *x, long double *w)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    for (size_t i = 0; i < n; i++) {
        long double node = cosl(pi * ((long double)(n - 1 - i) + 0.75L) / ((long double)n + 0.5L)), slope = 1;
        enum { NEWTON = 8 }; /* doubles the digits each time, from two */
        for (int step = 0; step < NEWTON; step++) {
            long double p = 1, previous = 0;
            for (size_t k = 0; k < n; k++) { /* (k+1) P_{k+1} = (2k+1) x P_k - k P_{k-1} */
                long double next =
                    ((long double)(2 * k + 1) * node * p - (long double)k * previous) / (long double)(k + 1);
                previous = p;
                p = next;
            }
            slope = (long double)n * (node * p - previous) / (node * node - 1);
            node -= p / slope;
        }
        x[i] = node;
        w[i] = 2 / ((1 - node * node) * slope * slope);
    }
}

long double qntk_sphere_multiplicity_ratio(size_t D, size_t k)
{
    /* N(D,k) = (2k+D-2) (k+D-3)! / (k! (D-2)!) */
    if (D == 2)
        return k == 0 ? 2 : 1;
    long double K = (long double)k, d = (long double)D;
    return (2 * K + d) * (K + d - 2) / ((2 * K + d - 2) * (K + 1));
}

double qntk_mercer_multiplicity(size_t D, size_t k)
{
    if (D < 2)
        return NAN;
    if (k == 0)
        return 1;
    if (D == 2)
        return 2;
    /* (2k+D-2)/(D-2) C(k+D-3, k), the binomial as a product over the shorter side */
    long double d = (long double)D, K = (long double)k, value = (2 * K + d - 2) / (d - 2);
    size_t shorter = qntk_min(k, D - 3);
    long double longer = (long double)qntk_max(k, D - 3);
    for (size_t i = 1; i <= shorter && value <= 1e4000L; i++)
        value *= (longer + (long double)i) / (long double)i;
    /* integers below 2^53 come out exactly */
    return (double)(value < 9007199254740992.0L ? roundl(value) : value);
}

long double qntk_sphere_power_ratio(size_t D, size_t k)
{
    return k == 0 ? 1 : (long double)k / ((long double)D + 2 * (long double)(k - 1));
}

/* ---- functions of the second kind ----
 *
 * Q_k(x), the eigenvalue of 1/(x-t), satisfies the recurrence of the Gegenbauer polynomials,
 *     k Q_{k-1} = (2k+D-2) x Q_k - (k+D-2) Q_{k+1},  k >= 1,  and  (D-2) Q_1 = (D-2) (x Q_0 - 1),
 * and is its minimal solution: ratios are computed downwards, from a start that comes from
 *     Q_k(cosh theta) = (D-2) Int_0^inf e^{-(k+D/2-1)(theta+q)} (4 sinh(q/2) sinh(theta+q/2))^{(D-4)/2} dq.
 */

/* The integral over ln q by the trapezoidal rule, which converges geometrically in 1/step: the integrand is
 * analytic in a strip, and of width 1/sqrt(D). Where q is small against theta and 1/rate it is a mere power
 * of q, and ln q is stretched, ln q = y - fold/e^y, so that few points are needed there. */
typedef struct {
    long double rate;  /* k + D/2 - 1 */
    long double power; /* (D-4)/2 */
    long double theta;
    long double fold;
    long double shift; /* the logarithm that is taken out of the integrand */
} second_kind;

/* ln of the integrand with respect to y, and q. */
static long double second_kind_exponent(const second_kind *s, long double y, long double *q)
{
    long double stretch = s->fold * expl(-y), log_q = y - stretch;
    *q = expl(log_q);
    long double sinh_product = sinhl(*q / 2) * sinhl(s->theta + *q / 2);
    return -s->rate * *q + s->power * logl(4 * sinh_product) + log_q + log1pl(stretch);
}

/* Adds the terms from y on, `step` apart, until they fall and are negligible. */
static void second_kind_march(const second_kind *s, long double y, long double step, long double negligible,
                              long double *sum, long double *sum_next)
{
    const long double last = logl(11000); /* cosh overflows; the integrand vanished long before */
    long double previous = 0;
    for (; y < last; y += step) {
        long double q, exponent = second_kind_exponent(s, y, &q), term = expl(exponent - s->shift);
        *sum += term;
        *sum_next += term * expl(-q);
        if (!(term > previous) && !(term > negligible * *sum)) /* q underflowed: NaN, and far beyond */
            break;
        previous = term;
    }
}

/* Both integrals, for k and k+1 (less its factor e^-theta), in units of e^shift; all digits, or with
 * `coarse` ten of them at half the cost. */
static void second_kind_integrals(size_t D, long double k, long double theta, bool coarse, long double *shift,
                                  long double *sum, long double *sum_next)
{
    const long double apart = 0.1L; /* of the fold from where the integrand changes */
    long double d = (long double)D, q;
    second_kind s = {.rate = k + d / 2 - 1, .power = d / 2 - 2, .theta = theta};
    s.fold = apart * fminl(theta, 1 / s.rate);
    long double y =
        logl((d - 2) / s.rate); /* where q^(D-3) e^{-rate q} and q^(D/2-1) e^{-rate q} peak, about */
    s.shift = second_kind_exponent(&s, y, &q);
    const long double step = (coarse ? 1.5L : 1) * fminl(0.18L, 0.5L / sqrtl(d));
    const long double negligible = coarse ? 1e-12L : 1e-22L;
    *sum = *sum_next = 0;
    second_kind_march(&s, y, step, negligible, sum, sum_next);
    second_kind_march(&s, y - step, -step, negligible, sum, sum_next);
    *sum *= step;
    *sum_next *= step;
    *shift = s.shift;
}

/* Q_{k+1}/Q_k from the recurrence started at degree k + steps. */
static long double second_kind_descend(size_t D, long double x, long double zeta, long double k, size_t steps)
{
    long double d = (long double)D, ratio = zeta; /* of Q_{k+steps+1}/Q_{k+steps} */
    for (size_t i = steps; i-- > 0;) {
        long double degree = k + 1 + (long double)i;
        ratio = degree / ((2 * degree + d - 2) * x - (degree + d - 2) * ratio);
    }
    return ratio;
}

long double qntk_second_kind_ratio(size_t D, long double k, long double theta)
{
    const long double steps_most = 2000, steps_factor = 26; /* error e^{-2*26} = 3e-23 */
    if (D == 2)
        return expl(-theta);
    if (steps_factor / theta < steps_most)
        return second_kind_descend(D, coshl(theta), expl(-theta), k, (size_t)(steps_factor / theta) + 20);
    long double shift, sum, sum_next;
    second_kind_integrals(D, k, theta, false, &shift, &sum, &sum_next);
    return expl(-theta) * sum_next / sum;
}

long double qntk_second_kind_log(size_t D, long double k, long double theta)
{
    if (D == 2) /* 2 e^{-(k+1) theta}/(1 - e^{-2 theta}) */
        return -k * theta - logl(sinhl(theta));
    long double shift, sum, sum_next, d = (long double)D;
    second_kind_integrals(D, k, theta, true, &shift, &sum, &sum_next);
    return logl(d - 2) - (k + d / 2 - 1) * theta + shift + logl(sum);
}

void qntk_second_kind_all(size_t D, long double theta, size_t count, long double *Q)
{
    if (D == 2) {
        long double zeta = expl(-theta);
        Q[0] = 1 / sinhl(theta);
        for (size_t k = 1; k < count; k++)
            Q[k] = Q[k - 1] * zeta;
        return;
    }
    long double x = coshl(theta), d = (long double)D;
    long double ratio = qntk_second_kind_ratio(D, (long double)(count - 1), theta);
    for (size_t k = count - 1; k > 0; k--) {
        ratio = (long double)k / ((2 * (long double)k + d - 2) * x - ((long double)k + d - 2) * ratio);
        Q[k] = ratio; /* Q_k/Q_{k-1} */
    }
    Q[0] = 1 / (x - ratio); /* Q_1 = x Q_0 - 1 */
    for (size_t k = 1; k < count; k++)
        Q[k] *= Q[k - 1];
}
