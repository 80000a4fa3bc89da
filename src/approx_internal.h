/* What the parts of approx share: networks being drafted, neuron by neuron, with the coefficients they should have;
 * and the sets of values these are then made of. */
#ifndef QNTK_APPROX_INTERNAL_H
#define QNTK_APPROX_INTERNAL_H

#include "internal.h"

#include "qntk/approx.h"

/* ---- drafts ---- */

typedef struct {
    size_t neuron; /* of the layer before */
    double factor;
} approx_term;

/* A linear form of the neurons of one layer: constant + sum factor * neuron, each neuron once. */
enum { APPROX_FORM_MAX = 24 };
typedef struct {
    size_t count;
    double constant;
    approx_term term[APPROX_FORM_MAX];
} approx_form;

approx_form approx_of_neuron(size_t neuron, double factor, double constant);
approx_form approx_scaled(approx_form form, double factor, double constant);
approx_form approx_sum(const approx_form *a, double factor, const approx_form *b);

/* A neuron i of a layer has the terms start[i] .. start[i+1]-1. */
typedef struct {
    size_t width, width_capacity, terms, term_capacity;
    size_t start_capacity, bias_capacity;
    size_t *start;
    double *bias;
    approx_term *term;
    /* Terms of the two sums, of what enters the output with positive and with negative sign. */
    size_t sum_terms[2], sum_capacity[2];
    approx_term *sum[2];
} approx_draft_layer;

/* Layers are counted from 1; layer 0 are the inputs. The first failure is kept, and then nothing more is done:
 * callers look at `status` at the end. */
typedef struct {
    size_t inputs, layers, capacity;
    approx_draft_layer *layer; /* layer l at [l] */
    double output_bias;
    qntk_status status;
} approx_draft;

void approx_draft_free(approx_draft *draft);

/* relu(form) in `layer`, the form being of the layer before; the neuron's index. */
size_t approx_add(approx_draft *draft, size_t layer, const approx_form *form);

/* Takes factor * neuron of the layer before into a sum in `layer`; sign by `factor`. */
void approx_add_sum(approx_draft *draft, size_t layer, size_t neuron, double factor);

/* A neuron >= 0 carried unchanged to a later layer. */
size_t approx_carry(approx_draft *draft, size_t neuron, size_t from, size_t to);

/* Ends the draft: the sums run through the layers, and the output is 2 (positive - negative) + output_bias. */
void approx_finish_sums(approx_draft *draft);

/* Ends the draft with this form of its last layer as the output. */
void approx_finish_form(approx_draft *draft, const approx_form *form);

/* Ends the draft with an output of any number of terms. */
void approx_finish_terms(approx_draft *draft, size_t count, const approx_term *term, double constant);

/* ---- values ---- */

typedef struct {
    size_t count; /* 0: real weights */
    double value[QNTK_APPROX_VALUES_MAX];
    size_t base; /* of digits: j/base, j = 1 .. base-1, are values */
} approx_alphabet;

/* See approx_values.c. */
approx_alphabet approx_alphabet_of(size_t values);

/* Values that add up to `factor`: their positions; the count, or 0 if it has none of at most APPROX_PARTS_MAX. */
enum { APPROX_PARTS_MAX = 8 };
size_t approx_parts(const approx_alphabet *alphabet, double factor, uint32_t part[APPROX_PARTS_MAX]);

/* The network of a draft: each neuron in as many copies as the factors after it need, neurons of no use left out. */
qntk_status approx_realise(const approx_draft *draft, const approx_alphabet *alphabet,
                           qntk_approx_network *network);

/* ---- blocks, of forms in [-1,1] of layer `from` ---- */

/* q_r(|form|/2), in layer from + 1 + r. `positive`: the form is >= 0. */
approx_form approx_half_square(approx_draft *draft, size_t from, const approx_form *form, bool positive,
                               size_t r);

/* 2 (q(|x+y|/2) - q(|x|/2) - q(|y|/2)) from these squares. */
approx_form approx_product(const approx_form *both, const approx_form *x, const approx_form *y);

/* The sup error of q_r on [0,1], 4^-(r+1), and of the product of |x| <= 1 + error and |y| <= 1, x being off by
 * `error`. */
double approx_square_bound(size_t r);
double approx_product_bound(size_t r, double error);

/* weight * neuron into the sums, |weight| <= 1, to base^-digits: a chain of divisions by the base. Real weights: as
 * it is. Returns the weight it has become. */
double approx_weighted(approx_draft *draft, const approx_alphabet *alphabet, size_t layer, size_t neuron,
                       double weight, size_t digits);

/* factor * neuron, a whole number >= 1 of doublings; *layer moves on. Real weights: nothing is added. */
approx_form approx_multiple(approx_draft *draft, const approx_alphabet *alphabet, size_t *layer,
                            size_t *neuron, size_t factor);

/* ---- the approximant ---- */

/* The number of v with |v| = degree. */
size_t approx_monomials(size_t d, size_t degree);

/* NULL for `function`: weights 1 and -1 in turn, of which all digits are there; no function exceeds them. */
qntk_status approx_draft_function(const qntk_approx_function *function, const qntk_approx_plan *plan,
                                  const approx_alphabet *alphabet, approx_draft *draft);

/* ---- functions known by their values ---- */

typedef double approx_value(void *context, const double *x);

/* QNTK_NOT_FINITE with the point. */
qntk_status approx_not_finite(const char *name, size_t d, const double *x, double value);

/* weight (orders, count): of the values at `node` for derivative 0 .. orders-1 at x of the polynomial through them. */
void approx_difference_weights(size_t count, const double *node, double x, size_t orders, double *weight);

/* Derivatives of order below `orders` of the polynomial through the values at Chebyshev points of a box of this width
 * (at most 1), x in its middle where [0,1]^d allows that; values are kept for the next call. */
typedef struct {
    size_t d, orders, nodes;
    double x[QNTK_APPROX_DIM_MAX], width; /* width < 0: no values yet */
    double *value, *weight;               /* (nodes^d), (d, orders, nodes) */
} approx_window;

qntk_status approx_window_create(size_t d, size_t orders, approx_window *window);
void approx_window_free(approx_window *window);
double approx_window_derivative(approx_window *window, approx_value *f, void *context, const double *x,
                                double width, const size_t *v);

/* The greatest |D^v f|, |v| <= n, on [0,1]^d as far as values tell: `spread` is how far apart two widths of boxes find
 * it, `order` that |v|. QNTK_NOT_FINITE with the point, QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status approx_estimate_bound(approx_value *f, void *context, size_t d, size_t n, double *bound,
                                  double *spread, size_t *order);

/* ---- steps ---- */

/* Evenly on [-1,1]; 0: real weights. */
approx_alphabet approx_alphabet_even(size_t values);
qntk_status approx_draft_steps(const qntk_approx_function *function, const qntk_approx_plan *plan,
                               approx_draft *draft);

#endif
