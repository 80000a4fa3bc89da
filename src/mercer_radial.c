/* Every radial kernel here is a Gaussian of random scale, exp(-z (1-t)) with z drawn from some law, so that
 *     lambda_k = E g_k(z),
 * an integral of positive functions for every degree: nothing cancels. On the unit sphere r^2 = 2 - 2t.
 *     rgauss    z = s/(alpha l^2),      s ~ Gamma(alpha)
 *     matern    z = nu/(l^2 s),         s ~ Gamma(nu)          (laplace: nu = 1/2)
 *     gexp      z = 2 s/l^2,            s positive stable of index power/2 (power 1: laplace, power 2: gauss)
 * The integral over y = ln z, or a multiple, by the trapezoidal rule: the integrand is analytic in a strip
 * and falls off exponentially, so halving the step squares the error. */
#include "mercer_internal.h"

#include <math.h>
#include <string.h>

static const long double PI = 3.14159265358979323846264338327950288L,
                         LN2 = 0.69314718055994530941723212145817657L;

typedef enum { LAW_GAMMA, LAW_INVERSE_GAMMA, LAW_STABLE } law_kind;

/* The law of z: density weight(x) with respect to the variable x of the trapezoidal rule. */
typedef struct {
    law_kind kind;
    long double shape;    /* of the gamma law */
    long double scale;    /* z = scale * s, or scale / s */
    long double constant; /* the density's normalisation */
    long double step;     /* where the halving starts */
    long double start;    /* a point where the density is not small */
    /* stable law of index beta: ln a(u) and weights on (0, pi), see stable_angles */
    long double beta, eps, log_cut, log_c, tail;
    size_t angles;
    long double *log_a, *angle_weight;
    long double inner_error; /* relative, of the density */
} scale_law;

/* Gamma(s)/(sqrt(2 pi/s) (s/e)^s). */
static long double gamma_star(long double s)
{
    long double raise = 1; /* Gamma*(s) from Gamma*(s+1), up to where Stirling's series has 20 digits */
    const long double stirling = 30;
    for (; s < stirling; s += 1) /* Gamma*(s) = Gamma*(s+1) (1+1/s)^(s+1/2)/e */
        raise *= expl((s + 0.5L) * log1pl(1 / s) - 1);
    static const long double coefficient[] = {1 / 12.0L,    -1 / 360.0L,       1 / 1260.0L,
                                              -1 / 1680.0L, 1 / 1188.0L,       -691 / 360360.0L,
                                              1 / 156.0L,   -3617 / 122400.0L, 43867 / 244188.0L};
    long double sum = 0, power = 1 / s;
    for (size_t i = 0; i < sizeof coefficient / sizeof *coefficient; i++, power /= s * s)
        sum += coefficient[i] * power;
    return raise * expl(sum);
}

/* e^x - 1 - x. */
static long double exp_remainder(long double x)
{
    const long double small = 0.1L;
    if (fabsl(x) > small)
        return expm1l(x) - x;
    long double term = x * x / 2, sum = 0;
    for (int n = 3; n < 24; n++) {
        sum += term;
        term *= x / n;
    }
    return sum;
}

/* The positive stable law E e^{-s y} = e^{-y^beta}, far out: the density of ln s is
 * (1/pi) sum_n (-1)^(n+1) Gamma(1+n beta)/n! sin(pi n beta) s^{-n beta}, here for ln s > law->tail. */
static long double stable_tail(long double beta, long double log_s)
{
    long double sum = 0, log_factorial = 0;
    for (int n = 1; n < 2000; n++) {
        log_factorial += logl(n);
        int sign; /* lgammal would write it to a variable all threads share */
        long double size = expl(lgammal_r(1 + n * beta, &sign) - log_factorial - n * beta * log_s);
        sum += size * sinl(PI * n * (1 - beta)); /* sin(pi n beta) = (-1)^(n+1) sin(pi n (1-beta)) */
        if (size < 1e-24L * sum)
            break;
    }
    return sum / PI;
}

/* Nearer in, by Kanter's representation: with eps = (1-beta)/beta, s = (a(U)/W)^eps, U uniform on (0,pi), W
 * exponential, so that ln s has the density E[w e^{-w}]/eps over U, w = a(U) s^(-1/eps). With s = c (1 + eps
 * e^x), c so small that e^{-w} has vanished there, the density in x has a width of O(1) for every beta, also
 * where s is almost certainly near 1 (beta -> 1). */
static long double stable_stretch(const scale_law *law, long double x) /* ln(s/c) */
{
    return x < 1000 ? log1pl(law->eps * expl(x)) : x + logl(law->eps);
}

static long double stable_density(const scale_law *law, long double x)
{
    long double stretch = stable_stretch(law, x), log_s = law->log_c + stretch;
    long double jacobian = expl(x - stretch + logl(law->eps)); /* d ln s/dx */
    if (log_s > law->tail)
        return stable_tail(law->beta, log_s) * jacobian;
    long double log_power = law->log_cut - stretch / law->eps; /* ln(a(0) s^(-1/eps)) */
    const long double lowest = -50, highest = 9; /* of ln w: w e^-w is below e^-50, or below 1e-3500 */
    size_t low = 0, high = law->angles;          /* the first angle with ln w > lowest: a increases */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (law->log_a[middle] + log_power > lowest)
            high = middle;
        else
            low = middle + 1;
    }
    long double sum = 0;
    for (size_t i = low; i < law->angles && law->log_a[i] + log_power < highest; i++) {
        long double log_w = law->log_a[i] + log_power;
        sum += law->angle_weight[i] * expl(log_w - expl(log_w));
    }
    return sum / (PI * law->eps) * jacobian;
}

/* z and the density at the point x of the rule. */
static long double law_density(const scale_law *law, long double x, long double *z)
{
    if (law->kind == LAW_STABLE) {
        *z = law->scale * expl(law->log_c + stable_stretch(law, x));
        return stable_density(law, x);
    }
    /* s = shape e^delta: e^-s s^shape = (shape/e)^shape exp(-shape (e^delta - 1 - delta)); where z ~ s, and a
     * small shape would need thousands of points on the left (g_0 -> 1), delta is stretched there */
    long double delta = x, jacobian = 1;
    const long double stretched = 0.25L;
    if (law->kind == LAW_GAMMA && law->shape < stretched) {
        long double fold = expl(-x);
        delta = x - fold;
        jacobian = 1 + fold;
    }
    long double s = law->shape * expl(delta);
    *z = law->kind == LAW_GAMMA ? law->scale * s : law->scale / s;
    return law->constant * jacobian * expl(-law->shape * exp_remainder(delta));
}

/* ln(a(u)/a(0)), a(u) = sin((1-beta)u) (sin(beta u)^beta / sin u)^(1/(1-beta)), and du at points of (0,pi)
 * that resolve ln a: eta = ln(1 + e^xi) by the trapezoidal rule in xi, where u^2 = pi^2 (1 - fall(eta)).
 * Towards pi, ln a grows like ln(1/(pi-u))/(1-beta); for beta -> 1 like 1/(pi-u) first. */
static qntk_status stable_angles(scale_law *law, long double step)
{
    const long double beta = law->beta, gap = 1 - law->beta, first = -92; /* du ~ e^{xi/2} */
    const long double needed = law->tail / law->eps + 20; /* ln(a/a(0)) wherever stable_tail does not serve */
    const bool algebraic = gap < 0.05L;
    /* ln a > eta gap/10 and > eta/10 respectively, far more than needed: the loop ends itself */
    size_t count = (size_t)((10 * needed / (algebraic ? 1 : gap) + 100 - first) / step);
    qntk_free(law->log_a);
    law->angles = 0;
    law->log_a = qntk_alloc(2 * count, sizeof *law->log_a);
    if (law->log_a == NULL)
        return QNTK_NO_MEMORY;
    law->angle_weight = law->log_a + count;
    for (size_t i = 0; i < count; i++) {
        long double xi = first + (long double)i * step,
                    eta = xi > 0 ? xi + log1pl(expl(-xi)) : log1pl(expl(xi));
        long double fall = algebraic ? 1 / (1 + eta) : expl(-gap * eta);
        long double rise = algebraic ? eta / (1 + eta) : -expm1l(-gap * eta); /* 1 - fall */
        long double slope = algebraic ? fall * fall : gap * fall;             /* -d fall/d eta */
        long double u = PI * sqrtl(rise), rest = PI * PI * fall / (PI + u);   /* rest = pi - u */
        long double sine = u < 1 ? sinl(u) : sinl(rest);
        law->log_a[i] = logl(sinl(gap * u) / gap / sine) + logl(sinl(beta * u) / beta / sine) * beta / gap;
        law->angle_weight[i] = step * PI * PI * slope / (2 * u) / (1 + expl(-xi));
        law->angles++;
        if (law->log_a[i] > needed)
            break;
    }
    return QNTK_OK;
}

/* Halves the angles' step until the density has all its digits in the middle and in the tails. */
static qntk_status stable_create(scale_law *law)
{
    enum { HALVINGS = 6, PROBES = 6 };
    const long double agreed = 1e-10L; /* the error is squared by each halving */
    const long double probe[PROBES] = {-2, -1, 0, 1, 2, 4};
    long double density[PROBES] = {0};
    for (int halving = 0; halving <= HALVINGS; halving++) {
        qntk_status status = stable_angles(law, ldexpl(0.25L, -halving));
        if (status != QNTK_OK)
            return status;
        long double worst = 0;
        for (size_t i = 0; i < PROBES; i++) {
            long double value = stable_density(law, law->start + probe[i]);
            worst = fmaxl(worst, value > 0 ? fabsl(value - density[i]) / value : 0);
            density[i] = value;
        }
        law->inner_error = powl(worst, 1.5L);
        if (worst <= agreed)
            break;
    }
    return QNTK_OK;
}

static scale_law law_create(const qntk_kernel *kernel, size_t D)
{
    long double l = kernel->bandwidth, shape = 0.5L;
    scale_law law = {.kind = LAW_INVERSE_GAMMA};
    if (kernel->family == QNTK_FAMILY_GEXP && kernel->power != 1) {
        law = (scale_law){.kind = LAW_STABLE, .beta = (long double)kernel->power / 2, .step = 0.25L};
        law.eps = (1 - law.beta) / law.beta;
        law.tail = law.beta > 0.999L ? 0.1L : LN2; /* the series takes about 55/(beta tail) terms */
        /* e^{-w} s^{-(D-1)/2}, the least decaying integrand, peaks at w = eps (D-1)/2 */
        law.log_cut = logl(120 + 3 * law.eps * (long double)D / 2);
        long double log_a0 = logl(1 - law.beta) + logl(law.beta) / law.eps;
        law.log_c = law.eps * (log_a0 - law.log_cut);
        law.scale = 2 / (l * l);
        /* where a(0) s^(-1/eps) = 1: s = c e^{eps log_cut} */
        long double stretch = law.eps * law.log_cut;
        law.start = (stretch < 1000 ? logl(expm1l(stretch)) : stretch) - logl(law.eps);
        return law;
    }
    if (kernel->family == QNTK_FAMILY_MATERN)
        shape = kernel->nu;
    if (kernel->family == QNTK_FAMILY_RGAUSS) {
        shape = kernel->alpha;
        law.kind = LAW_GAMMA;
    }
    law.shape = shape;
    law.scale = law.kind == LAW_GAMMA ? 1 / (shape * l * l) : shape / (l * l);
    law.constant = sqrtl(shape / (2 * PI)) / gamma_star(shape);
    law.step = 0.8L / sqrtl(4 + shape + (long double)D / 2); /* about the width of the integrand */
    return law;
}

/* ---- the trapezoidal rule for all degrees at once ---- */

enum { BLOCK = 32 }; /* points computed in parallel, added in order */

typedef struct {
    const scale_law *law;
    size_t D, count;
    long double first, step; /* points first + i step, i < BLOCK */
    long double *values;     /* (BLOCK, count): density * g_k */
} rule_block;

static qntk_status rule_point(void *context, size_t item, size_t worker)
{
    (void)worker;
    rule_block *b = context;
    long double *value = b->values + item * b->count, z;
    long double density = law_density(b->law, b->first + (long double)item * b->step, &z);
    if (!(density > 0)) {
        memset(value, 0, b->count * sizeof *value);
        return QNTK_OK;
    }
    qntk_sphere_gauss(b->D, z, b->count, value);
    for (size_t k = 0; k < b->count; k++)
        value[k] *= density;
    return QNTK_OK;
}

/* Adds points from `first` on, `step` apart, until for every degree they fall and are negligible, or `most`
 * points. *used = how many. */
static qntk_status march(rule_block *b, long double first, long double step, size_t most, long double *sum,
                         size_t *used)
{
    const long double negligible = 1e-22L;
    b->step = step;
    *used = 0;
    for (bool finished = false; !finished;) {
        b->first = first + (long double)*used * step;
        size_t points = qntk_min(BLOCK, most - *used);
        qntk_status status = qntk_parallel_for(points, rule_point, b);
        if (status != QNTK_OK)
            return status;
        for (size_t i = 0; i < points; i++)
            for (size_t k = 0; k < b->count; k++)
                sum[k] += b->values[i * b->count + k];
        *used += points;
        const long double *last = b->values + (points - 1) * b->count;
        finished = *used == most;
        if (!finished) {
            finished = true;
            for (size_t k = 0; k < b->count && finished; k++)
                finished = last[k] <= b->values[k] && last[k] <= negligible * sum[k];
        }
    }
    return QNTK_OK;
}

/* Halves the step until two rules agree so well that the finer one has all digits. */
static qntk_status integrate(scale_law *law, size_t D, size_t count, qntk_sphere_values *out)
{
    enum { HALVINGS = 14, POINTS_MOST = 1 << 22 };
    const long double agreed = 1e-11L, ulp = 1.1e-19L;
    rule_block b = {
        .law = law, .D = D, .count = count, .values = qntk_alloc(BLOCK * count, sizeof *b.values)};
    long double *sum = qntk_alloc_zero(count, sizeof *sum), step = law->step, low = 0;
    qntk_status status = b.values == NULL || sum == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    size_t up = 0, down = 0, points = 0;
    for (int halving = 0; halving <= HALVINGS && status == QNTK_OK; halving++) {
        if (halving == 0) {
            status = march(&b, law->start, step, POINTS_MOST, sum, &up);
            if (status == QNTK_OK)
                status = march(&b, law->start - step, -step, POINTS_MOST, sum, &down);
            low = law->start - (long double)down * step;
            points = up + down;
        } else { /* the midpoints of the present rule */
            size_t used;
            status = march(&b, low + step, 2 * step, points, sum, &used);
            points *= 2;
        }
        if (status != QNTK_OK)
            break;
        long double worst = 0;
        for (size_t k = 0; k < count; k++) {
            long double value = sum[k] * step, change = value > 0 ? fabsl(value - out->eval[k]) / value : 0;
            out->eval[k] = value;
            worst = fmaxl(worst, halving == 0 ? 1 : change);
            out->error[k] = powl(fminl(change, 1), 1.5L) + law->inner_error +
                            (64 + (long double)k + (long double)D / 4) * ulp;
        }
        if (worst < agreed)
            break;
        step /= 2;
    }
    qntk_free(b.values);
    qntk_free(sum);
    return status;
}

qntk_status qntk_sphere_radial(const qntk_kernel *kernel, size_t D, qntk_sphere_values *out)
{
    const long double ulp = 1.1e-19L;
    long double l = kernel->bandwidth;
    long double z = 0;
    if (kernel->family == QNTK_FAMILY_GAUSS)
        z = 1 / (l * l);
    if (kernel->family == QNTK_FAMILY_GEXP && kernel->power == 2)
        z = 2 / (l * l);
    if (z > 0) {
        qntk_sphere_gauss(D, z, out->count, out->eval);
        for (size_t k = 0; k < out->count; k++)
            out->error[k] = (16 + (long double)k + (long double)D / 4) * ulp;
        return QNTK_OK;
    }
    scale_law law = law_create(kernel, D);
    qntk_status status = law.kind == LAW_STABLE ? stable_create(&law) : QNTK_OK;
    if (status == QNTK_OK)
        status = integrate(&law, D, out->count, out);
    qntk_free(law.log_a);
    return status;
}
