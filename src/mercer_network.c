/* Eigenvalues of network kernels: the power series joined to the cuts.
 *
 * With a_n the Taylor coefficients (n < N), c_n what the cut rule gives for them, w_{n,k} the eigenvalue of
 * degree k of t^n and Q_k that of 1/(x-t) = sum_n x^{-n-1} t^n, lambda_k = sum_{n<N} w_{n,k} (a_n - c_n) +
 * sum_j (right_j + (-1)^k left_j) Q_k(x_j). The second sum is sum_n w_{n,k} c_n over all n, so the rule's
 * errors enter through n >= N only, where x^{-N} has damped whatever K does beyond X; and a_n = c_n near n =
 * N is a test of both. */
#include "mercer_internal.h"

#include <math.h>

enum { CHUNKS = 16 }; /* of the nodes; fixed, so that the sums do not depend on the threads */

/* Both sides of the cut, (count) each. */
typedef struct {
    size_t D, count;
    const qntk_cut_rule *rule;
    long double *partial; /* (CHUNKS, 3, count): right, left, Q */
} cut_sums;

static qntk_status sum_chunk(void *context, size_t chunk, size_t worker)
{
    (void)worker;
    cut_sums *s = context;
    long double *right = s->partial + 3 * chunk * s->count, *left = right + s->count, *Q = left + s->count;
    size_t first = chunk * s->rule->count / CHUNKS, end = (chunk + 1) * s->rule->count / CHUNKS;
    for (size_t k = 0; k < s->count; k++)
        right[k] = left[k] = 0;
    for (size_t j = first; j < end; j++) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        qntk_second_kind_all(s->D, s->rule->theta[j], s->count, Q);
        for (size_t k = 0; k < s->count; k++) {
            right[k] += s->rule->right[j] * Q[k];
            left[k] += s->rule->left[j] * Q[k];
        }
    }
    return QNTK_OK;
}

/* right[k], left[k] = sum_j right_j Q_k(x_j), sum_j left_j Q_k(x_j). */
static qntk_status cut_eigenvalues(size_t D, const qntk_cut_rule *rule, size_t count, long double *right,
                                   long double *left)
{
    cut_sums s = {
        .D = D, .count = count, .rule = rule, .partial = qntk_alloc(3 * CHUNKS * count, sizeof *right)};
    if (s.partial == NULL)
        return QNTK_NO_MEMORY;
    qntk_status status = qntk_parallel_for(CHUNKS, sum_chunk, &s);
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        right[k] = left[k] = 0;
        for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
            right[k] += s.partial[3 * chunk * count + k];
            left[k] += s.partial[(3 * chunk + 1) * count + k];
        }
    }
    qntk_free(s.partial);
    return status;
}

void qntk_sphere_joined_free(qntk_sphere_joined *j)
{
    qntk_free(j->a);
    qntk_free(j->defect);
    qntk_cut_rule_free(&j->rule);
    *j = (qntk_sphere_joined){0};
}

/* defect and agreement from a and the rule. */
static qntk_status compare(qntk_sphere_joined *j)
{
    size_t terms = j->terms, nodes = j->rule.count;
    long double *right = qntk_alloc_zero(2 * terms, sizeof *right);
    if (right == NULL)
        return QNTK_NO_MEMORY;
    long double *left = right + terms;
    for (size_t i = 0; i < nodes; i++) {
        long double inverse = 1 / coshl(j->rule.theta[i]), power = inverse; /* x^{-n-1} */
        for (size_t n = 0; n < terms; n++, power *= inverse) {
            right[n] += j->rule.right[i] * power;
            left[n] += j->rule.left[i] * power;
        }
    }
    j->agreement[0] = j->agreement[1] = 0;
    for (size_t n = 0; n < terms; n++) {
        long double c = right[n] + (n % 2 == 0 ? left[n] : -left[n]);
        j->defect[n] = j->a[n] - c;
        if (n >= terms - terms / 16)
            j->agreement[n % 2] =
                fmaxl(j->agreement[n % 2], fabsl(j->defect[n]) / (fabsl(right[n]) + fabsl(left[n])));
    }
    qntk_free(right);
    return QNTK_OK;
}

static qntk_status join(const qntk_sphere_network *network, size_t D, size_t degrees, size_t terms,
                        qntk_sphere_joined *j)
{
    const long double digits = 48; /* X^-N = e^-48 = 1e-21 */
    *j = (qntk_sphere_joined){.terms = terms};
    j->a = qntk_alloc(terms, sizeof *j->a);
    j->defect = qntk_alloc(terms, sizeof *j->defect);
    qntk_status status = QNTK_NO_MEMORY;
    if (j->a == NULL || j->defect == NULL)
        goto done;
    status = qntk_sphere_series(network, terms, j->a);
    if (status == QNTK_OK)
        status = qntk_cut_rule_create(network, D, degrees, digits / (long double)terms, &j->rule);
    if (status == QNTK_OK)
        status = compare(j);
done:
    if (status != QNTK_OK)
        qntk_sphere_joined_free(j);
    return status;
}

static long double worst_agreement(const qntk_sphere_joined *j)
{
    return fmaxl(j->agreement[0], j->agreement[1]);
}

qntk_status qntk_sphere_join(const qntk_sphere_network *network, size_t D, size_t degrees,
                             qntk_sphere_joined *j)
{
    enum { TERMS_FIRST = 512, TERMS_LAST = 4096 };
    const long double wanted = 1e-14L; /* some thousand ulp of long double; what is reached is reported */
    qntk_status status = join(network, D, degrees, TERMS_FIRST, j);
    for (size_t terms = 2 * TERMS_FIRST;
         status == QNTK_OK && worst_agreement(j) > wanted && terms <= TERMS_LAST; terms *= 2) {
        qntk_sphere_joined longer;
        status = join(network, D, degrees, terms, &longer);
        if (status == QNTK_OK && worst_agreement(&longer) >= worst_agreement(j)) {
            qntk_sphere_joined_free(&longer); /* rounding, not the length, is the limit */
            break;
        }
        qntk_sphere_joined_free(j);
        *j = longer;
    }
    return status;
}

/* eval[k] = sum_{n<N} w_{n,k} defect_n + cut sides, and the error from the sizes of the parts. */
static void assemble(const qntk_sphere_joined *j, size_t D, const long double *right, const long double *left,
                     qntk_sphere_values *out)
{
    const long double ulp = 1.1e-19L;
    long double d = (long double)D, leading = 1; /* w_{k,k} */
    for (size_t k = 0; k < out->count; k++) {
        leading *= qntk_sphere_power_ratio(D, k);
        long double w = leading, sum = 0, size = 0, degree = (long double)k;
        for (size_t n = k; n < j->terms; n += 2) {
            long double N = (long double)n;
            sum += w * j->defect[n];
            size += w * j->a[n];
            w *= (N + 2) * (N + 1) / ((N - degree + 2) * (N + degree + d));
        }
        sum += right[k] + (k % 2 == 0 ? left[k] : -left[k]);
        size += fabsl(right[k]) + fabsl(left[k]);
        out->eval[k] = sum > 0 ? sum : 0;
        /* both sides contribute what they disagree by; rounding grows with the number of steps */
        long double relative = 2 * j->agreement[k % 2] + (64 + degree) * ulp;
        out->error[k] = sum > 0 ? relative * size / sum : (size > 0 ? 1 : 0);
    }
}

qntk_status qntk_sphere_joined_values(const qntk_sphere_network *network, const qntk_sphere_joined *j,
                                      size_t D, qntk_sphere_values *out)
{
    size_t count = out->count;
    long double *right = qntk_alloc(2 * count, sizeof *right);
    if (right == NULL)
        return QNTK_NO_MEMORY;
    long double *left = right + count;
    qntk_status status = cut_eigenvalues(D, &j->rule, count, right, left);
    if (status == QNTK_OK) {
        assemble(j, D, right, left, out);
        for (size_t k = 3; k < count && network->even; k += 2)
            out->eval[k] = out->error[k] = 0;
    }
    qntk_free(right);
    return status;
}

qntk_status qntk_sphere_network_values(const qntk_sphere_network *network, size_t D, qntk_sphere_values *out)
{
    qntk_sphere_joined j;
    qntk_status status = qntk_sphere_join(network, D, out->count, &j);
    if (status == QNTK_OK)
        status = qntk_sphere_joined_values(network, &j, D, out);
    qntk_sphere_joined_free(&j);
    return status;
}
