/* Approximation by ReLU networks whose weights take few distinct values.
 *
 * A function f on [0,1]^d with all weak derivatives up to order n bounded by 1 is approximated by
 *
 *     sum over k in {0..S}^d of psi_k(x) P_k(x),    P_k(x) = sum over |v| < n of c_kv (x - k/S)^v,
 *     psi_k(x) = prod_i h(S x_i - k_i),             h(u) = 1 up to |u| = 1/3, 2 - 3|u| up to 2/3, else 0,
 *
 * P_k the Taylor polynomial of f at k/S, with error at most (2^d/n!) (d/S)^n; and this by a ReLU network of real
 * weights, or of weights from a given set of distinct values (two are enough) with free biases.
 *
 * Source: Ding, Liu, Xiong & Shi 2018, "On the Universal Approximability and Complexity Bounds of Quantized ReLU
 * Neural Networks" (arXiv 1802.03646), after Yarotsky 2017: the class of functions, the approximant, its error and
 * the order of the number of weights. The blocks that realise it, their errors, the sets of more than two values and
 * the division of eps are derived here; they are not the paper's. */
#ifndef QNTK_APPROX_H
#define QNTK_APPROX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/moments.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- sparse networks ---- */

/* A connection: the neuron (or input) of the layer before, and which of the values is its weight. */
typedef struct {
    uint32_t column, value;
} qntk_approx_edge;

typedef struct {
    size_t width;  /* neurons */
    size_t *start; /* (width+1) neuron i has the edges start[i] .. start[i+1]-1, no two of one column */
    double *bias;  /* (width) */
    qntk_approx_edge *edge; /* (start[width]) */
} qntk_approx_layer;

/* Layer l: h = W x + bias, x = relu(h), or 1[h >= 0] where `step` is set, but after the last, W sparse with entries value[edge.value]. Starts at
 * {0}. */
typedef struct {
    size_t inputs, depth;     /* depth: layers of weights, the last included */
    qntk_approx_layer *layer; /* (depth) */
    size_t values;            /* that the weights may have; of a network of real weights those it has */
    double *value;            /* (values) */
    bool step;
} qntk_approx_network;

void qntk_approx_network_free(qntk_approx_network *network);

/* What a network costs. Absent connections are not counted, and biases (which are free) only as neurons. */
typedef struct {
    size_t depth, neurons, weights;
    size_t distinct; /* values that occur */
    size_t width;    /* of the widest layer */
    double bits;     /* weights * log2(values) */
} qntk_approx_counts;

/* QNTK_NO_MEMORY. */
qntk_status qntk_approx_count(const qntk_approx_network *network, qntk_approx_counts *counts);

/* Y (n, outputs) on rows X (n, inputs), on all threads, the same bytes for any number of them. O(n weights).
 * Memory: 64 rows of the two widest layers a thread. QNTK_INVALID (no layer), QNTK_NOT_FINITE (in an input),
 * QNTK_NO_MEMORY, QNTK_INTERRUPTED (Y is then 0). */
qntk_status qntk_approx_forward(const qntk_approx_network *network, size_t n, const double *X, double *Y);

/* The same network with dense layers of real weights, for qntk_moments_propagate: layers (depth), to be freed,
 * whatever happened, with qntk_approx_dense_free. QNTK_UNSUPPORTED (steps), QNTK_TOO_LARGE, QNTK_NO_MEMORY. */
qntk_status qntk_approx_dense(const qntk_approx_network *network, qntk_moments_weights *layers);
void qntk_approx_dense_free(size_t depth, qntk_moments_weights *layers);

/* ---- plans ---- */

enum { QNTK_APPROX_DIM_MAX = 3, QNTK_APPROX_SMOOTHNESS_MAX = 8, QNTK_APPROX_VALUES_MAX = 256 };

/* How eps is met. The bounds are of the sup error: (2^d/n!)(d/S)^n of the Taylor polynomials (the paper's), of the
 * products and of the weights (derived here: approx.c); together at most eps. */
typedef struct {
    size_t d, smoothness;
    size_t values; /* 0: real weights */
    double eps;
    bool steps;    /* two layers of steps instead (qntk_approx_lipschitz_plan) */
    size_t cells;  /* S, of steps N */
    size_t square; /* r, sawtooth compositions of a square */
    size_t base, digits;
    double taylor_bound, product_bound, weight_bound, bound;
    double weights, bytes; /* at most, of the network; and of memory, to build it */
} qntk_approx_plan;

/* ---- functions of known smoothness ---- */

/* A function of 1 to 3 variables, for each n one whose weak derivatives up to order n are bounded by 1 on
 * [0,1]^d: derivative(self, plan, x, v) is d^|v| f / dx^v, |v| < n, of plan->d variables and n = plan->smoothness. Of
 * a formula one thread may ask at a time. */
typedef struct qntk_approx_function qntk_approx_function;
struct qntk_approx_function {
    const char *name, *formula;
    double (*derivative)(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                         const size_t *v);
    double scale;  /* what is approximated is the formula divided by this; 1 but for a user's */
    double spread; /* of the scale, if it is an estimate; 0: known */
    void *context; /* of a user's formula */
};

/* All that are built in, and one by its name (NULL: none). */
const qntk_approx_function *qntk_approx_functions(size_t *count);
const qntk_approx_function *qntk_approx_find(const char *name);

/* A user's formula in x1 .. xd, in muParser's words (sin, exp, ^, ?: and so on), divided by `scale`. scale 0: by an
 * estimate of the greatest derivative up to order `smoothness`, so that 1 bounds them: derivatives are those of
 * polynomials through values at Chebyshev points of boxes of decreasing width, and of the two widths in succession that
 * agree best the greater (derived here). An estimate is no bound: between the points it looks at, a function may do as
 * it likes. Taylor coefficients are of such polynomials too, in boxes of width 1/S: for smoothness up to 4 or so they
 * are good to 1e-9, for 8 to 1e-4.
 *
 * QNTK_INVALID: no formula (the message names it, the position and what was expected), more or other variables, d not
 * 1 .. 3, smoothness not 1 .. 8, a scale below 0, derivatives of which no two widths agree within a quarter (the function
 * has not as many, or double precision does not show them: give the scale); QNTK_NOT_FINITE with the point;
 * QNTK_UNSUPPORTED: built without muParser; QNTK_NO_MEMORY, QNTK_INTERRUPTED. Then *function is {0}. */
qntk_status qntk_approx_formula_open(const char *text, size_t d, size_t smoothness, double scale,
                                     qntk_approx_function *function);
void qntk_approx_formula_close(qntk_approx_function *function);

/* ---- the approximant ---- */

/* Chooses S, r and digits. O(1), but it builds networks of a few cells to know the size of the large one.
 * QNTK_INVALID: d not 1 .. 3, smoothness not 1 .. 8, eps not in [1e-8, 1), values 1 or above 256;
 * QNTK_NO_MEMORY, QNTK_INTERRUPTED. */
qntk_status qntk_approx_plan_make(size_t d, size_t smoothness, double eps, size_t values,
                                  qntk_approx_plan *plan);

/* A plan for two layers of steps on a grid of N^d cells: a cell's value is that of f at its centre, or the nearest of
 * `values` evenly on [-1,1], so that with partial derivatives of at most 1 the error is at most
 * d/(2N) (taylor_bound) + 1/(values-1) (weight_bound). Derived here. QNTK_INVALID as above, and where there are too few
 * values for eps. */
qntk_status qntk_approx_lipschitz_plan(size_t d, size_t smoothness, double eps, size_t values,
                                       qntk_approx_plan *plan);

/* The network of a plan for a function. QNTK_TOO_LARGE with the size it would have; QNTK_NO_MEMORY,
 * QNTK_INTERRUPTED. */
qntk_status qntk_approx_build(const qntk_approx_function *function, const qntk_approx_plan *plan,
                              qntk_approx_network *network);

/* The greatest |network - f| on a grid of side^d points, ends included, and at `random` points of the seed.
 * O((side^d + random) weights). Codes of qntk_approx_forward, QNTK_NOT_FINITE
 * also for the function, with the point; QNTK_INVALID for side < 2. */
qntk_status qntk_approx_error(const qntk_approx_network *network, const qntk_approx_function *function,
                              const qntk_approx_plan *plan, size_t side, size_t random, uint64_t seed,
                              double *grid_error, double *random_error);

/* The order of the number of weights without its constant: for two values log(1/eps)^2 (1/eps)^(d/n) (the paper's);
 * for L > 2 values L log(1/eps)^(1/(L-1)+1) (1/eps)^(d/n) (recalled, not checked in the paper). */
double qntk_approx_order(size_t d, size_t smoothness, double eps, size_t values);

/* The number of values (2 .. 256) of the least memory by the recalled order: the root of
 * 1/L + 1/(L ln L) = ln(log(1/eps))/(L-1)^2, to the nearest whole number (derived here from that order, and no better
 * than it: constants are not in it). */
size_t qntk_approx_best_values(double eps);

#ifdef __cplusplus
}
#endif
#endif
