/* A network kernel on its cuts: the values just above (t > t*) and just below (t < -t*') the real axis, and a
 * quadrature rule for the discontinuity, from which every Taylor coefficient and every eigenvalue follows:
 *     a_n = (1/pi) Int Im K(x + i0) x^{-n-1} dx + (-1)^n (1/pi) Int Im K(-x - i0) x^{-n-1} dx + O(X^-n). */
#include "mercer_internal.h"

#include <math.h>

static const long double PI = 3.14159265358979323846264338327950288L;

static qntk_point add(qntk_point a, qntk_point b)
{
    return (qntk_point){a.re + b.re, a.im + b.im};
}

static qntk_point scale(long double c, qntk_point a)
{
    return (qntk_point){c * a.re, c * a.im};
}

static qntk_point multiply(qntk_point a, qntk_point b)
{
    return (qntk_point){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* The principal root of a point of the closed lower half plane; the root of -s is -i sqrt(s). */
static qntk_point root(qntk_point a)
{
    long double size = hypotl(a.re, a.im);
    if (size == 0)
        return (qntk_point){0, 0};
    long double larger = sqrtl((size + fabsl(a.re)) / 2);
    if (a.re >= 0)
        return (qntk_point){larger, a.im / (2 * larger)};
    return (qntk_point){-a.im / (2 * larger), -larger}; /* im <= 0 */
}

/* theta = sqrt(2u) sum_j c_j (u/2)^j, c_j = binomial(2j,j)/(4^j (2j+1)); pi w = Int theta du, term by term.
 */
static void angle_series(qntk_point u, qntk_point *theta, qntk_point *w)
{
    enum { TERMS = 26 }; /* |u/2| <= 1/8: 8^-26 c_26 < 2^-80 */
    qntk_point half = scale(0.5L, u), angle = {0, 0}, integral = {0, 0};
    long double c[TERMS], central = 1;
    for (int j = 0; j < TERMS; j++) {
        c[j] = central / (2 * j + 1);
        central *= (j + 0.5L) / (j + 1);
    }
    for (int j = TERMS - 1; j >= 0; j--) {
        angle = multiply(angle, half);
        angle.re += c[j];
        integral = multiply(integral, half);
        integral.re += c[j] / (j + 1.5L);
    }
    qntk_point r = root(scale(2, u));
    *theta = multiply(r, angle);
    *w = scale(1 / PI, multiply(multiply(r, u), integral));
}

void qntk_sphere_angle(qntk_point u, qntk_point *theta, qntk_point *w)
{
    const long double small = 0.25L;
    if (u.re * u.re + u.im * u.im <= small * small) {
        angle_series(u, theta, w);
        return;
    }
    /* s = sin(theta/2), c = cos(theta/2), theta = -2i ln(c + i s); |c + i s|^2 - 1 has only positive terms */
    qntk_point s = root(scale(0.5L, u));
    qntk_point c_conjugate = root((qntk_point){1 - u.re / 2, u.im / 2}); /* of the lower half plane again */
    qntk_point c = {c_conjugate.re, -c_conjugate.im};
    long double excess = 2 * (c.im * c.im + s.im * s.im + c.im * s.re - c.re * s.im);
    *theta = (qntk_point){2 * atan2l(c.im + s.re, c.re - s.im), -log1pl(excess)};
    qntk_point sine = scale(2, multiply(s, c));
    qntk_point moment = multiply(*theta, (qntk_point){1 - u.re, -u.im});
    *w = (qntk_point){(sine.re - moment.re) / PI, (sine.im - moment.im) / PI};
}

/* The first layer on a cut: rho_1 = +(1 + s) + i0 or -(1 + s) - i0, s = 2 keep r/P. */
static void first_layer(const qntk_sphere_network *network, int side, long double r, qntk_point *kappa,
                        qntk_point *y, qntk_point *T)
{
    long double P = 2 + network->b2, s = 2 * network->keep * r / P;
    qntk_point theta, w;
    qntk_sphere_angle((qntk_point){-s, 0}, &theta, &w); /* theta = -i phi, w = i psi: both purely imaginary */
    if (side > 0) {
        *kappa = (qntk_point){1 + s, w.im};   /* rho + w */
        *y = (qntk_point){1, -theta.im / PI}; /* (pi - theta)/pi */
        T->re = 2 * network->inv_moment * (1 + network->right + r) + network->b2;
    } else { /* theta_1 = pi + i phi: y = -i phi/pi, rho + w = i psi */
        *kappa = (qntk_point){0, w.im};
        *y = (qntk_point){0, theta.im / PI};
        T->re = -2 * network->inv_moment * (1 + network->left + r) + network->b2;
    }
    T->im = 0;
}

long double qntk_sphere_cut_value(const qntk_sphere_network *network, int side, long double r)
{
    long double b2 = network->b2, keep = network->keep, lose = network->lose, P = 2 + b2;
    qntk_point kappa, y, T;
    first_layer(network, side, r, &kappa, &y, &T);
    qntk_point defect = {1 - kappa.re, -kappa.im}; /* u - w */
    if (side > 0)
        defect.re = -2 * keep * r / P;
    for (size_t layer = 1;; layer++) {
        qntk_point product = multiply(y, T);
        if (layer == network->depth) {
            if (network->nngp)
                return network->keep_readout * P * kappa.im / 2;
            return (network->inv_moment_readout * P * kappa.im + network->keep_readout * product.im) / 2;
        }
        T = add(add(scale(network->inv_moment * P, kappa), scale(keep, product)), (qntk_point){b2, 0});
        long double P_next = P + b2;
        qntk_point u = scale(P / P_next, add(scale(keep, defect), (qntk_point){lose, 0})), theta, w;
        qntk_sphere_angle(u, &theta, &w);
        P = P_next;
        defect = (qntk_point){u.re - w.re, u.im - w.im};
        kappa = (qntk_point){1 - defect.re, -defect.im};
        y = (qntk_point){1 - theta.re / PI, -theta.im / PI};
    }
}

/* ---- the rule: Gauss-Legendre panels that halve towards the branch point ---- */

/* A singularity a panel's length away leaves an error of 5.8^-48 in the rule and of 5.8^-24 = 5e-19 in the
 * interpolant. */
enum { NODES = 24 };
enum { LEVELS = 40 }; /* halvings of one panel, at most */

typedef struct {
    const qntk_sphere_network *network;
    bool same; /* both cuts start at the same |t|: they share their nodes */
    size_t panels;
    long double reach;      /* length in x of the whole rule */
    long double resolution; /* [0, r] has the share (r resolution)^share_power of an eigenvalue, at most */
    long double share_power;
    long double x[NODES], w[NODES];
    long double legendre[NODES][NODES]; /* legendre[j][i] = P_j(x_i) */
    int side;
    qntk_cut_rule *rule;
    size_t offset; /* of this side's nodes */
} cut_builder;

typedef struct {
    long double start, width;
    long double tolerance; /* on the last Legendre coefficients, relative to the largest */
} panel;

/* value[i] = F on [low, low + length]; true if F is a polynomial there to the panel's tolerance, by the size
 * of its last Legendre coefficients. */
static bool resolve(const cut_builder *b, int side, const panel *whole, long double low, long double length,
                    long double *value)
{
    long double largest = 0, last = 0;
    for (size_t i = 0; i < NODES; i++)
        value[i] = qntk_sphere_cut_value(b->network, side, low + length * (1 + b->x[i]) / 2);
    for (size_t j = 0; j < NODES; j++) {
        long double coefficient = 0;
        for (size_t i = 0; i < NODES; i++)
            coefficient += b->w[i] * b->legendre[j][i] * value[i];
        coefficient = fabsl(coefficient) * ((long double)j + 0.5L);
        largest = fmaxl(largest, coefficient);
        if (j + 3 >= NODES)
            last = fmaxl(last, coefficient);
    }
    return last <= whole->tolerance * largest;
}

/* Adds Int F P_j over [low, low + length] of a panel to moment[j], j < NODES, halving until the discontinuity
 * F is resolved: with many bits and several layers it has near-singular points close to the cut (where the
 * real part of a deeper layer's u passes through zero). */
static void panel_moments(const cut_builder *b, int side, const panel *whole, long double low,
                          long double length, int level, long double *moment)
{
    long double value[NODES];
    if (!resolve(b, side, whole, low, length, value) && level < LEVELS) {
        panel_moments(b, side, whole, low, length / 2, level + 1, moment);
        panel_moments(b, side, whole, low + length / 2, length / 2, level + 1, moment);
        return;
    }
    for (size_t i = 0; i < NODES; i++) {
        long double weighted = b->w[i] * value[i] * length / 2, p = 1, previous = 0;
        long double at = 2 * (low + length * (1 + b->x[i]) / 2 - whole->start) / whole->width - 1;
        for (size_t j = 0; j < NODES; j++) {
            moment[j] += weighted * p;
            long double next =
                ((long double)(2 * j + 1) * at * p - (long double)j * previous) / (long double)(j + 1);
            previous = p;
            p = next;
        }
    }
}

/* The weights that integrate F times any polynomial of degree < NODES over the panel. */
static void panel_weights(const cut_builder *b, int side, const panel *whole, long double *weight)
{
    long double moment[NODES] = {0};
    int level = whole->start > 0 ? 0 : LEVELS; /* the panel at the branch point is negligible by its length */
    panel_moments(b, side, whole, whole->start, whole->width, level, moment);
    for (size_t i = 0; i < NODES; i++) {
        long double sum = 0;
        for (size_t j = 0; j < NODES; j++)
            sum += ((long double)j + 0.5L) * b->legendre[j][i] * moment[j];
        weight[i] = b->w[i] * sum / PI;
    }
}

static qntk_status build_panel(void *context, size_t item, size_t worker)
{
    (void)worker;
    const long double resolved =
        1e-14L; /* times what a smooth factor's own coefficients are: 1e-18 and less */
    const cut_builder *b = context;
    panel whole = {.start = item + 1 == b->panels ? 0 : ldexpl(b->reach, -(int)item - 1)};
    whole.width = ldexpl(b->reach, -(int)item) - whole.start;
    long double share = powl(fminl(1, (whole.start + whole.width) * b->resolution), b->share_power);
    whole.tolerance = resolved / share;

    size_t first = b->offset + item * NODES;
    long double gap = b->side > 0 ? b->network->right : b->network->left;
    for (size_t i = 0; i < NODES; i++)
        b->rule->theta[first + i] =
            2 * asinhl(sqrtl((gap + whole.start + whole.width * (1 + b->x[i]) / 2) / 2));
    panel_weights(b, b->side, &whole, (b->side > 0 ? b->rule->right : b->rule->left) + first);
    if (b->same)
        panel_weights(b, -1, &whole, b->rule->left + first);
    qntk_progress("sphere: cuts", (double)item / (double)b->panels);
    return QNTK_OK;
}

void qntk_cut_rule_free(qntk_cut_rule *rule)
{
    qntk_free(rule->theta);
    qntk_free(rule->right);
    qntk_free(rule->left);
    *rule = (qntk_cut_rule){0};
}

qntk_status qntk_cut_rule_create(const qntk_sphere_network *network, size_t D, size_t degrees,
                                 long double reach, qntk_cut_rule *rule)
{
    cut_builder b = {.network = network, .same = network->right == network->left, .rule = rule};
    *rule = (qntk_cut_rule){0};
    qntk_gauss_legendre(NODES, b.x, b.w);
    for (size_t i = 0; i < NODES; i++) {
        b.legendre[0][i] = 1;
        b.legendre[1][i] = b.x[i];
        for (size_t j = 1; j + 1 < NODES; j++)
            b.legendre[j + 1][i] = ((long double)(2 * j + 1) * b.x[i] * b.legendre[j][i] -
                                    (long double)j * b.legendre[j - 1][i]) /
                                   (long double)(j + 1);
    }
    /* X, and what each side has of it; the share of [0, r] is (r degree^2)^(3/2), for D = 2 r degree^2:
     * panels until it is below 2^-68 */
    long double end = expl(reach) * (1 + network->right);
    long double length_right = end - 1 - network->right, length_left = end - 1 - network->left;
    bool has_left = !b.same && length_left > 0;
    b.resolution = (long double)degrees * (long double)degrees;
    b.share_power = D == 2 ? 1 : 1.5L;
    size_t digits = (size_t)(68 / b.share_power) + 1;
    size_t panels_right = digits + (size_t)fmaxl(1, ceill(log2l(length_right * b.resolution + 2)));
    size_t panels_left =
        has_left ? digits + (size_t)fmaxl(1, ceill(log2l(length_left * b.resolution + 2))) : 0;

    rule->count = (panels_right + panels_left) * NODES;
    rule->theta = qntk_alloc(rule->count, sizeof *rule->theta);
    rule->right = qntk_alloc_zero(rule->count, sizeof *rule->right);
    rule->left = qntk_alloc_zero(rule->count, sizeof *rule->left);
    qntk_status status = QNTK_NO_MEMORY;
    if (rule->theta == NULL || rule->right == NULL || rule->left == NULL)
        goto done;
    b.side = 1;
    b.panels = panels_right;
    b.reach = length_right;
    status = qntk_parallel_for(b.panels, build_panel, &b);
    if (status == QNTK_OK && has_left) {
        b.side = -1;
        b.offset = panels_right * NODES;
        b.panels = panels_left;
        b.reach = length_left;
        status = qntk_parallel_for(b.panels, build_panel, &b);
    }
done:
    if (status != QNTK_OK)
        qntk_cut_rule_free(rule);
    return status;
}
