/* Squares, products and weights as ReLU networks whose factors are multiples of 1/2 and digits: derived here, after
 * the sawtooth of Yarotsky 2017 ("Error bounds for approximations with deep ReLU networks"). */
#include "approx_internal.h"

#include <math.h>

/* The square: with g(u) = 2 relu(u) - 4 relu(u - 1/2) on [0,1] and g_s its s-fold composition,
 *
 *     q_r(u) = u - sum_{s=1..r} g_s(u)/4^s,    sup over [0,1] of |q_r(u) - u^2| = 4^-(r+1).
 *
 * Scaled teeth u_s = g_s/4^s need no large factors, since biases are free:
 *
 *     u_s = relu(u_{s-1})/2 - relu(u_{s-1} - 4^-(s-1)/2),    u_0 = u.
 *
 * Beyond the interval, at u = 1 + x, it goes on as 1 + 3x/2: off by x/2 + x^2. */
static approx_form square(approx_draft *draft, size_t from, const approx_form *u0, size_t r)
{
    approx_form tooth = *u0, rest = *u0; /* u_s, and u minus the teeth so far */
    double half = 0.5;                   /* 4^-s/2 */
    for (size_t s = 1; s <= r; s++, half /= 4) {
        const approx_form shifted = approx_scaled(tooth, 1, -half);
        const size_t p = approx_add(draft, from + s, &tooth);
        const size_t t = approx_add(draft, from + s, &shifted);
        const size_t a = s == 1 ? p : approx_add(draft, from + s, &rest);
        const approx_form sum = approx_of_neuron(a, 1, 0), minus = approx_of_neuron(t, -1, 0);
        tooth = approx_of_neuron(p, 0.5, 0);
        tooth = approx_sum(&tooth, 1, &minus);
        rest = approx_sum(&sum, -1, &tooth);
    }
    return rest;
}

approx_form approx_half_square(approx_draft *draft, size_t from, const approx_form *form, bool positive,
                               size_t r)
{
    /* |f|/2 = relu(f/2) + relu(-f/2) */
    const approx_form half = approx_scaled(*form, 0.5, 0);
    approx_form u = approx_of_neuron(approx_add(draft, from + 1, &half), 1, 0);
    if (!positive) {
        const approx_form minus = approx_scaled(*form, -0.5, 0);
        const approx_form other = approx_of_neuron(approx_add(draft, from + 1, &minus), 1, 0);
        u = approx_sum(&u, 1, &other);
    }
    return square(draft, from + 1, &u, r);
}

approx_form approx_product(const approx_form *both, const approx_form *x, const approx_form *y)
{
    approx_form product = approx_sum(both, -1, x);
    product = approx_sum(&product, -1, y);
    return approx_scaled(product, 2, 0);
}

double approx_square_bound(size_t r)
{
    return ldexp(1, -2 * ((int)r + 1));
}

/* |x| <= 1 + e: |x+y|/2 <= 1 + e/2, where q is off by at most e/4 + e^2/4; the other two squares are within [0,1].
 * That x is off by e makes e |y| of it. */
double approx_product_bound(size_t r, double error)
{
    const double in = approx_square_bound(r), beyond = error / 4 + error * error / 4;
    return error + 2 * (fmax(in, beyond) + 2 * in);
}

/* ---- factors ---- */

double approx_weighted(approx_draft *draft, const approx_alphabet *alphabet, size_t layer, size_t neuron,
                       double weight, size_t digits)
{
    if (alphabet->count == 0) {
        if (weight != 0)
            approx_add_sum(draft, layer + 1, neuron, weight);
        return weight;
    }
    /* |weight| = sum_i digit_i base^-i, to the nearest, at most 1 - base^-digits */
    const double base = (double)alphabet->base;
    double power = pow(base, (double)digits);
    const double whole = fmin(nearbyint(fabs(weight) * power), power - 1);
    double rest = whole;
    const double scale = power;
    for (size_t i = 1; i <= digits && rest > 0; i++) {
        power /= base;
        const double digit = floor(rest / power);
        rest -= digit * power;
        if (digit > 0)
            approx_add_sum(draft, layer + i, neuron, copysign(digit / base, weight));
        if (rest > 0) {
            const approx_form part = approx_of_neuron(neuron, 1 / base, 0);
            neuron = approx_add(draft, layer + i, &part);
        }
    }
    return copysign(whole / scale, weight);
}

approx_form approx_multiple(approx_draft *draft, const approx_alphabet *alphabet, size_t *layer,
                            size_t *neuron, size_t factor)
{
    if (alphabet->count == 0)
        return approx_of_neuron(*neuron, (double)factor, 0);
    size_t bit = 0;
    while (factor >> bit > 1)
        bit++;
    /* Horner: y = 2 y + bit x */
    approx_form y = approx_of_neuron(*neuron, 1, 0);
    while (bit-- > 0) {
        const approx_form x = approx_of_neuron(*neuron, (double)(factor >> bit & 1), 0);
        y = approx_scaled(y, 2, 0);
        y = approx_sum(&y, 1, &x);
        const size_t doubled = approx_add(draft, *layer + 1, &y);
        *neuron = approx_carry(draft, *neuron, *layer, *layer + 1);
        ++*layer;
        y = approx_of_neuron(doubled, 1, 0);
    }
    return y;
}
