/* The approximant as a draft: sum over k and |v| < n of c_kv psi_k(x) (x - k/S)^v. */
#include "approx_internal.h"

#include <math.h>
#include <string.h>

/* Exponents of one degree; each is one of the degree below times x_axis, axis not before the last in it. */
enum { MONOMIALS_MAX = 36 };
typedef struct {
    size_t v[QNTK_APPROX_DIM_MAX], parent, axis;
} monomial;

typedef struct {
    const qntk_approx_function *function;
    const qntk_approx_plan *plan;
    const approx_alphabet *alphabet;
    approx_draft *draft;
    size_t d, side, cells;            /* side: S + 1 centres an axis; cells: side^d */
    size_t layer;                     /* the one the forms below are of */
    size_t half_x[3];                 /* neurons x_i/2 */
    approx_form *step;                /* (d, side) h(S x_i - k); then squares */
    size_t stride;                    /* monomials of the highest degree */
    approx_form *z, *next;            /* (cells, stride) psi_k (x - k/S)^v of one degree */
    size_t monomials, degree;         /* of z */
    monomial monomial[MONOMIALS_MAX]; /* of z */
    double error;                     /* bound of the error of z */
} build;

static bool going_on(const build *b)
{
    if (b->draft->status == QNTK_OK && qntk_interrupted())
        b->draft->status = qntk_fail(QNTK_INTERRUPTED, "interrupted");
    return b->draft->status == QNTK_OK;
}

/* All that is needed later moves on to `layer`. */
static void advance(build *b, size_t layer)
{
    for (size_t i = 0; i < b->d; i++)
        b->half_x[i] = approx_carry(b->draft, b->half_x[i], b->layer, layer);
    b->layer = layer;
}

/* ---- the partition of unity ---- */

/* h(S x - k) = relu(X-3k+2) - relu(X-3k+1) - relu(X-3k-1) + relu(X-3k-2), X = 3 S x. Breakpoints below 0 make the
 * constant 1, those beyond 3S nothing. */
static void add_steps(build *b)
{
    const size_t S = b->plan->cells;
    approx_form X[3];
    size_t after = 1;
    for (size_t i = 0; i < b->d; i++) {
        size_t layer = 1;
        X[i] = approx_multiple(b->draft, b->alphabet, &layer, &b->half_x[i], 6 * S);
        after = layer;
    }
    b->layer = after;
    for (size_t i = 0; i < b->d; i++)
        for (size_t k = 0, before = 0, later = 0; k <= S && going_on(b); k++) {
            approx_form h = {.constant = k == 0};
            if (k > 0) { /* the falling edge of k-1 is the rising one of k */
                const approx_form rise = approx_of_neuron(before, 1, 0), end = approx_of_neuron(later, -1, 0);
                h = approx_sum(&rise, 1, &end);
            }
            if (k < S) {
                const approx_form first = approx_scaled(X[i], 1, -(3 * (double)k + 1));
                const approx_form second = approx_scaled(X[i], 1, -(3 * (double)k + 2));
                before = approx_add(b->draft, after + 1, &first);
                later = approx_add(b->draft, after + 1, &second);
                const approx_form fall = approx_of_neuron(before, -1, 0), end = approx_of_neuron(later, 1, 0);
                h = approx_sum(&h, 1, &fall);
                h = approx_sum(&h, 1, &end);
            }
            b->step[i * b->side + k] = approx_of_neuron(approx_add(b->draft, after + 2, &h), 1, 0);
        }
    advance(b, after + 2);
}

/* z of degree 0: psi_k, products over the axes one after the other. Prefixes of k are shared. */
static void add_partition(build *b)
{
    const size_t r = b->plan->square;
    size_t prefixes = b->side;
    for (size_t k = 0; k < b->side; k++)
        b->z[k] = b->step[k];
    for (size_t i = 1; i < b->d; i++, prefixes *= b->side) {
        approx_form *h = b->step + i * b->side;
        approx_form square[1];
        for (size_t p = prefixes; p-- > 0 && going_on(b);) {
            const approx_form psi = b->z[p];
            square[0] = approx_half_square(b->draft, b->layer, &psi, true, r);
            for (size_t k = 0; k < b->side; k++) {
                const approx_form both = approx_sum(&psi, 1, &h[k]);
                const approx_form sum = approx_half_square(b->draft, b->layer, &both, true, r);
                b->next[p * b->side + k] = approx_sum(&sum, -1, &square[0]);
            }
        }
        for (size_t k = 0; k < b->side && going_on(b); k++) {
            const approx_form square_h = approx_half_square(b->draft, b->layer, &h[k], true, r);
            for (size_t p = 0; p < prefixes; p++) { /* relu(product/2) */
                const approx_form half = approx_sum(&b->next[p * b->side + k], -1, &square_h);
                const size_t neuron = approx_add(b->draft, b->layer + r + 2, &half);
                b->z[p * b->side + k] = approx_of_neuron(neuron, 2, 0);
            }
        }
        for (size_t k = 0; k < (b->d - i - 1) * b->side; k++) /* of later axes */
            h[b->side + k] = approx_of_neuron(
                approx_carry(b->draft, h[b->side + k].term[0].neuron, b->layer, b->layer + r + 2), 1, 0);
        advance(b, b->layer + r + 2);
        b->error = approx_product_bound(r, b->error);
    }
}

/* ---- powers ---- */

/* The centre's i-th coordinate k_i. */
static size_t coordinate(const build *b, size_t cell, size_t axis)
{
    for (size_t i = b->d - 1; i > axis; i--)
        cell /= b->side;
    return cell % b->side;
}

size_t approx_monomials(size_t d, size_t degree)
{
    return d == 1 ? 1 : d == 2 ? degree + 1 : (degree + 1) * (degree + 2) / 2;
}

static size_t list_monomials(const build *b, monomial next[MONOMIALS_MAX])
{
    size_t count = 0;
    for (size_t m = 0; m < b->monomials; m++)
        for (size_t axis = b->degree == 0 ? 0 : b->monomial[m].axis; axis < b->d; axis++) {
            next[count] = b->monomial[m];
            next[count].v[axis]++;
            next[count].parent = m;
            next[count++].axis = axis;
        }
    return count;
}

/* From the z of one degree to those of the next: products with x_i - k_i/S. */
static void raise_degree(build *b)
{
    const size_t r = b->plan->square;
    monomial child[MONOMIALS_MAX];
    const size_t children = list_monomials(b, child);
    approx_form square_z[MONOMIALS_MAX];
    for (size_t i = 0; i < b->d; i++) /* of lengths, shared by all cells */
        for (size_t k = 0; k < b->side && going_on(b); k++) {
            const approx_form length = approx_of_neuron(b->half_x[i], 2, -(double)k / (double)b->plan->cells);
            b->step[i * b->side + k] = approx_half_square(b->draft, b->layer, &length, false, r);
        }
    for (size_t cell = 0; cell < b->cells && going_on(b); cell++) {
        const approx_form *z = b->z + cell * b->stride;
        for (size_t m = 0; m < b->monomials; m++)
            square_z[m] = approx_half_square(b->draft, b->layer, &z[m], b->degree == 0, r);
        for (size_t c = 0; c < children; c++) {
            const size_t axis = child[c].axis, k = coordinate(b, cell, axis);
            const approx_form length =
                approx_of_neuron(b->half_x[axis], 2, -(double)k / (double)b->plan->cells);
            const approx_form sum = approx_sum(&z[child[c].parent], 1, &length);
            const approx_form both = approx_half_square(b->draft, b->layer, &sum, false, r);
            b->next[cell * b->stride + c] =
                approx_product(&both, &square_z[child[c].parent], &b->step[axis * b->side + k]);
        }
    }
    approx_form *swap = b->z;
    b->z = b->next;
    b->next = swap;
    memcpy(b->monomial, child, sizeof child);
    b->monomials = children;
    b->degree++;
    b->error = approx_product_bound(r, b->error);
    advance(b, b->layer + r + 1);
}

/* c_kv z_kv into the sums, for all of one degree. z + shift >= 0 goes through the chain of digits; shift times the
 * weight it became comes off at the output. */
static void add_terms(build *b)
{
    const double shift = b->degree == 0 ? 0 : 1 + b->error;
    for (size_t cell = 0; cell < b->cells && going_on(b); cell++) {
        double x[QNTK_APPROX_DIM_MAX];
        for (size_t i = 0; i < b->d; i++)
            x[i] = (double)coordinate(b, cell, i) / (double)b->plan->cells;
        for (size_t m = 0; m < b->monomials; m++) {
            const size_t *v = b->monomial[m].v;
            double weight = cell % 2 == 0 ? 1 : -1;
            if (b->function != NULL)
                weight = b->function->derivative(b->function, b->plan, x, v);
            for (size_t i = 0; i < b->d && b->function != NULL; i++)
                weight /= tgamma((double)v[i] + 1);
            if (b->function != NULL && !isfinite(weight)) {
                b->draft->status = approx_not_finite(b->function->name, b->d, x, weight);
                return;
            }
            const approx_form half = approx_scaled(b->z[cell * b->stride + m], 0.5, shift / 2);
            const size_t neuron = approx_add(b->draft, b->layer + 1, &half);
            b->draft->output_bias -=
                shift * approx_weighted(b->draft, b->alphabet, b->layer + 1, neuron, weight, b->plan->digits);
        }
        if (b->function != NULL)
            qntk_progress("network", ((double)b->degree + (double)cell / (double)b->cells) /
                                         (double)b->plan->smoothness);
    }
}

static void spread(build *b) /* psi_k to the first place of each cell's monomials */
{
    for (size_t cell = b->cells; cell-- > 0;)
        b->z[cell * b->stride] = b->z[cell];
    b->monomials = 1;
}

qntk_status approx_draft_function(const qntk_approx_function *function, const qntk_approx_plan *plan,
                                  const approx_alphabet *alphabet, approx_draft *draft)
{
    build b = {.function = function,
               .plan = plan,
               .alphabet = alphabet,
               .draft = draft,
               .d = plan->d,
               .side = plan->cells + 1,
               .cells = 1};
    *draft = (approx_draft){.inputs = plan->d};
    for (size_t i = 0; i < b.d; i++)
        b.cells *= b.side;
    b.stride = approx_monomials(b.d, plan->smoothness - 1);
    b.step = qntk_alloc_zero(b.d * b.side, sizeof *b.step);
    b.z = qntk_alloc_zero(b.cells * b.stride, sizeof *b.z);
    b.next = qntk_alloc_zero(b.cells * b.stride, sizeof *b.next);
    if (b.step == NULL || b.z == NULL || b.next == NULL) {
        draft->status = QNTK_FAIL_MEMORY();
        goto done;
    }
    for (size_t i = 0; i < b.d; i++) {
        const approx_form half = approx_of_neuron(i, 0.5, 0);
        b.half_x[i] = approx_add(draft, 1, &half);
    }
    add_steps(&b);
    add_partition(&b);
    spread(&b);
    add_terms(&b);
    while (b.degree + 1 < plan->smoothness && going_on(&b)) {
        raise_degree(&b);
        add_terms(&b);
    }
    if (going_on(&b))
        approx_finish_sums(draft);
done:
    qntk_free(b.step);
    qntk_free(b.z);
    qntk_free(b.next);
    return draft->status;
}
