/* The power series of a network kernel in the cosine t, every term a sum of positive terms. */
#include "mercer_internal.h"

#include <math.h>
#include <string.h>

static const long double PI = 3.14159265358979323846264338327950288L;

qntk_sphere_network qntk_sphere_network_create(const qntk_network_shape *shape, bool rounded)
{
    /* V and tau again, not the doubles of qntk_weight_law: t* = 1 + tau/V enters to the power of the degree
     */
    long double V = shape->levels == QNTK_LEVELS_REAL ? 1 : 1 / 3.0L, tau = 0;
    if (rounded && shape->levels != QNTK_LEVELS_REAL) {
        long double step = 2 / (long double)(shape->levels - 1);
        tau = step * step / 6;
    }
    long double b2 = (long double)shape->b_std * shape->b_std;
    bool all = shape->quantize_all;
    return (qntk_sphere_network){.depth = shape->depth,
                                 .nngp = shape->nngp,
                                 .even = shape->depth == 1 && b2 == 0,
                                 .b2 = b2,
                                 .keep = V / (V + tau),
                                 .lose = tau / (V + tau),
                                 .inv_moment = 1 / (V + tau),
                                 .keep_readout = all ? V / (V + tau) : 1,
                                 .inv_moment_readout = all ? 1 / (V + tau) : 1,
                                 .right = tau / V,
                                 .left = (tau + b2 * (V + tau)) / V};
}

/* The arrays of one layer, (count) each. */
typedef struct {
    size_t count;
    long double *rho;    /* correlation */
    long double *square; /* rho^2 */
    long double *h;      /* (1 - rho^2)^(-1/2) */
    long double *y;      /* (pi - theta)/pi = 2 Mdot */
    long double *kappa;  /* 1 - u + w = 2 M/P */
    long double *T;
    long double *product;
} layer_series;

/* out = x y, n < count. */
static void multiply(size_t count, const long double *x, const long double *y, long double *out)
{
    for (size_t n = 0; n < count; n++) {
        long double sum = 0;
        for (size_t k = 0; k <= n; k++)
            sum += x[k] * y[n - k];
        out[n] = sum;
    }
}

/* y, kappa from rho; u = 1 - rho[0] is known more accurately than the difference, and with it theta and w. */
static void activate(layer_series *s, long double u, long double theta, long double w)
{
    size_t count = s->count;
    long double v = 2 - u;
    multiply(count, s->rho, s->rho, s->square);

    /* h = q^(-1/2), q = 1 - rho^2: n q_0 h_n = sum_{k=1..n} (n - k/2) (-q_k) h_{n-k}, -q_k >= 0 (Miller) */
    s->h[0] = 1 / sqrtl(u * v);
    for (size_t n = 1; n < count; n++) {
        long double sum = 0;
        for (size_t k = 1; k <= n; k++)
            sum += ((long double)n - (long double)k / 2) * s->square[k] * s->h[n - k];
        s->h[n] = sum / ((long double)n * u * v);
    }

    /* y' = rho' h/pi and kappa' = rho' y */
    s->y[0] = 1 - theta / PI;
    s->kappa[0] = 1 - u + w;
    for (size_t n = 1; n < count; n++) {
        long double sum = 0;
        for (size_t k = 1; k <= n; k++)
            sum += (long double)k * s->rho[k] * s->h[n - k];
        s->y[n] = sum / (PI * (long double)n);
    }
    for (size_t n = 1; n < count; n++) {
        long double sum = 0;
        for (size_t k = 1; k <= n; k++)
            sum += (long double)k * s->rho[k] * s->y[n - k];
        s->kappa[n] = sum / (long double)n;
    }
}

/* K = M/(V_r+tau_r) + b^2 + keep_r Mdot T, or keep_r M + b^2. */
static void read_out(const qntk_sphere_network *network, const layer_series *s, long double P, long double *a)
{
    long double factor = network->nngp ? network->keep_readout : network->inv_moment_readout;
    for (size_t n = 0; n < s->count; n++) {
        a[n] = factor * P * s->kappa[n] / 2 + (n == 0 ? network->b2 : 0);
        if (!network->nngp)
            a[n] += network->keep_readout * s->product[n] / 2;
    }
}

qntk_status qntk_sphere_series(const qntk_sphere_network *network, size_t count, long double *a)
{
    enum { ARRAYS = 7 };
    long double *arrays = qntk_alloc_zero(ARRAYS * count, sizeof *arrays);
    if (arrays == NULL)
        return QNTK_NO_MEMORY;
    layer_series s = {.count = count,
                      .rho = arrays,
                      .square = arrays + count,
                      .h = arrays + 2 * count,
                      .y = arrays + 3 * count,
                      .kappa = arrays + 4 * count,
                      .T = arrays + 5 * count,
                      .product = arrays + 6 * count};
    long double b2 = network->b2, keep = network->keep, lose = network->lose, P = 2 + b2, u = 2 / P;
    s.rho[0] = b2 / P;
    s.T[0] = b2;
    if (count > 1) {
        s.rho[1] = 2 * keep / P;
        s.T[1] = 2 * network->inv_moment;
    }

    qntk_status status = QNTK_OK;
    for (size_t layer = 1;; layer++) {
        if (qntk_interrupted()) {
            status = qntk_fail(QNTK_INTERRUPTED, "interrupted");
            break;
        }
        qntk_point theta, w;
        qntk_sphere_angle((qntk_point){u, 0}, &theta, &w);
        activate(&s, u, theta.re, w.re);
        multiply(count, s.y, s.T, s.product);
        if (layer == network->depth) {
            read_out(network, &s, P, a);
            break;
        }
        /* T' = 2 M/(V+tau) + b^2 + 2 keep Mdot T,  u' = (lose P + keep P (u - w))/P',  rho' = 1 - u' */
        long double P_next = P + b2;
        u = P * (lose + keep * (u - w.re)) / P_next;
        for (size_t n = 0; n < count; n++) {
            s.T[n] = network->inv_moment * P * s.kappa[n] + (n == 0 ? b2 : 0) + keep * s.product[n];
            s.rho[n] = n == 0 ? 1 - u : keep * P * s.kappa[n] / P_next;
        }
        P = P_next;
    }
    qntk_free(arrays);
    return status;
}
