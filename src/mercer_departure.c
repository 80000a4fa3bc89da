/* The degree at which a rounded network's spectrum leaves the power law of its unrounded twin. */
#include "mercer_internal.h"

#include <math.h>

/* One network's eigenvalues at single degrees beyond its series: only the cuts are left there. */
typedef struct {
    size_t D;
    long double degree;
    const qntk_cut_rule *rule;
    long double *log_Q; /* (count of the rule) */
} single_degree;

enum { NODES_PER_ITEM = 24 };

static qntk_status log_chunk(void *context, size_t item, size_t worker)
{
    (void)worker;
    const single_degree *s = context;
    for (size_t j = item * NODES_PER_ITEM; j < qntk_min(s->rule->count, (item + 1) * NODES_PER_ITEM); j++) {
        /* With y = theta degree: Q_k ~ y^nu K_nu(y), nu = (D-3)/2, is below e^-60 of its largest value
         * beyond, as it falls like e^{-y^2/(4 nu)} while y < 2 nu; before, the weights have the share y^3 of
         * the whole, for D = 2 the square: neither moves the ratio of two eigenvalues by 1e-11. */
        long double y = s->rule->theta[j] * s->degree;
        long double last = 60 + 16 * sqrtl((long double)s->D);
        bool matters =
            y - s->rule->theta[s->rule->count - 1] * s->degree < last && y > (s->D == 2 ? 1e-6L : 1e-4L);
        s->log_Q[j] = matters ? qntk_second_kind_log(s->D, s->degree, s->rule->theta[j]) : -HUGE_VALL;
    }
    return QNTK_OK;
}

/* ln lambda_k for k >= the length of the series, sign = (-1)^k. */
static qntk_status log_eigenvalue(const qntk_sphere_joined *joined, size_t D, long double degree, int sign,
                                  long double *log_Q, long double *value)
{
    single_degree s = {.D = D, .degree = degree, .rule = &joined->rule, .log_Q = log_Q};
    size_t nodes = joined->rule.count;
    qntk_status status = qntk_parallel_for((nodes + NODES_PER_ITEM - 1) / NODES_PER_ITEM, log_chunk, &s);
    if (status != QNTK_OK)
        return status;
    long double largest = -HUGE_VALL, sum = 0;
    for (size_t j = 0; j < nodes; j++)
        largest = fmaxl(largest, log_Q[j]);
    for (size_t j = 0; j < nodes; j++)
        if (log_Q[j] > -HUGE_VALL)
            sum += (joined->rule.right[j] + sign * joined->rule.left[j]) * expl(log_Q[j] - largest);
    *value = largest + logl(sum);
    return QNTK_OK;
}

/* A rounded network and its twin. */
typedef struct {
    size_t D;
    qntk_sphere_joined rounded, twin;
    long double *log_Q; /* room for either rule */
} twins;

/* ln(2 lambda/lambda_twin) at `degree`: negative from the departure degree on. */
static qntk_status advantage(const twins *t, long double degree, int sign, long double *value)
{
    long double rounded, twin;
    qntk_status status = log_eigenvalue(&t->rounded, t->D, degree, sign, t->log_Q, &rounded);
    if (status == QNTK_OK)
        status = log_eigenvalue(&t->twin, t->D, degree, sign, t->log_Q, &twin);
    if (status == QNTK_OK)
        *value = logl(2) + rounded - twin;
    return status;
}

/* The first degree of one parity beyond `low` (where the advantage is positive): the sign change between
 * bracketing degrees, by regula falsi in ln k with the Illinois halving, until they are neighbours of that
 * parity. */
static qntk_status first_beyond(const twins *t, long double low, int sign, long double *degree)
{
    const long double most = 1e15L;
    long double high = low, f_low = 0, f_high;
    qntk_status status = advantage(t, low, sign, &f_low);
    f_high = f_low;
    while (status == QNTK_OK && f_high >= 0 && high < most) {
        low = high;
        f_low = f_high;
        high = low * 4; /* keeps the parity of the low end's multiples even; odd ones are restored below */
        if (sign < 0)
            high += 1 - fmodl(high, 2);
        status = advantage(t, high, sign, &f_high);
    }
    int side = 0;
    while (status == QNTK_OK && high - low > 2) {
        long double at = expl((logl(low) * f_high - logl(high) * f_low) / (f_high - f_low)), f = 0;
        at = 2 * roundl((at - low) / 2) + low; /* the parity of low */
        at = fminl(fmaxl(at, low + 2), high - 2);
        status = advantage(t, at, sign, &f);
        if (f >= 0) {
            low = at;
            f_low = f;
            f_high = side > 0 ? f_high / 2 : f_high;
            side = 1;
        } else {
            high = at;
            f_high = f;
            f_low = side < 0 ? f_low / 2 : f_low;
            side = -1;
        }
    }
    *degree = high;
    return status;
}

/* The departure degree among the first `count`, or count if it is not there. */
static qntk_status first_within(const twins *t, const qntk_sphere_network *rounded,
                                const qntk_sphere_network *twin, size_t count, size_t *degree)
{
    long double *values = qntk_alloc(4 * count, sizeof *values);
    if (values == NULL)
        return QNTK_NO_MEMORY;
    qntk_sphere_values a = {count, values, values + count},
                       b = {count, values + 2 * count, values + 3 * count};
    qntk_status status = qntk_sphere_joined_values(rounded, &t->rounded, t->D, &a);
    if (status == QNTK_OK)
        status = qntk_sphere_joined_values(twin, &t->twin, t->D, &b);
    *degree = 0;
    while (status == QNTK_OK && *degree < count && !(2 * a.eval[*degree] < b.eval[*degree]))
        (*degree)++;
    qntk_free(values);
    return status;
}

qntk_status qntk_sphere_departure(const qntk_network_shape *shape, size_t D, double *degree)
{
    qntk_sphere_network rounded = qntk_sphere_network_create(shape, true);
    qntk_sphere_network twin = qntk_sphere_network_create(shape, false);
    enum {
        RESOLVED = 4096
    }; /* degrees far beyond see the finest panels, which lose nothing there but digits */
    twins t = {.D = D};
    *degree = NAN;
    qntk_status status = qntk_sphere_join(&rounded, D, RESOLVED, &t.rounded);
    if (status == QNTK_OK)
        status = qntk_sphere_join(&twin, D, RESOLVED, &t.twin);
    if (status != QNTK_OK)
        goto done;
    t.log_Q = qntk_alloc(qntk_max(t.rounded.rule.count, t.twin.rule.count), sizeof *t.log_Q);
    if (t.log_Q == NULL) {
        status = QNTK_NO_MEMORY;
        goto done;
    }
    size_t count = qntk_max(t.rounded.terms, t.twin.terms), within;
    status = first_within(&t, &rounded, &twin, count, &within);
    if (status != QNTK_OK)
        goto done;
    long double beyond = (long double)within;
    if (within == count) { /* count is even */
        status = first_beyond(&t, (long double)count, 1, &beyond);
        long double odd = beyond;
        if (status == QNTK_OK && !rounded.even)
            status = first_beyond(&t, (long double)count - 1, -1, &odd);
        beyond = fminl(beyond, odd);
    }
    *degree = status == QNTK_OK ? (double)beyond : NAN;
done:
    qntk_sphere_joined_free(&t.rounded);
    qntk_sphere_joined_free(&t.twin);
    qntk_free(t.log_Q);
    return status;
}
