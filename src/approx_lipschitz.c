/* Approximation of Lipschitz functions by two layers of steps on a grid: derived here. */
#include "approx_internal.h"

#include <math.h>

/* The network of N^d cells of [0,1]^d, H(z) = 1 for z >= 0, else 0:
 *
 *     s_ij = H(x_i - j/N), j = 1 .. N-1;    c_k = H(sum_i (s_{i,k_i} - s_{i,k_i+1}) - d + 1/2), with s_i0 = 1, s_iN = 0;
 *     output = sum_k w_k c_k,               w_k = f(centre of cell k), or the nearest value.
 *
 * In a cell |x_i - centre_i| <= 1/(2N), and f has partial derivatives of at most 1. */

/* Values evenly on [-1,1], the ends being the weights of the steps. */
static double value_at(size_t values, size_t j)
{
    return j + 1 == values ? 1 : -1 + 2 * (double)j / (double)(values - 1);
}

approx_alphabet approx_alphabet_even(size_t values)
{
    approx_alphabet a = {.count = values, .base = 2};
    for (size_t j = 0; j < values; j++)
        a.value[j] = value_at(values, j);
    return a;
}

qntk_status qntk_approx_lipschitz_plan(size_t d, size_t smoothness, double eps, size_t values,
                                       qntk_approx_plan *plan)
{
    *plan = (qntk_approx_plan){0};
    QNTK_REQUIRE(d >= 1 && d <= QNTK_APPROX_DIM_MAX, "expected 1 to 3 dimensions");
    QNTK_REQUIRE(smoothness >= 1 && smoothness <= QNTK_APPROX_SMOOTHNESS_MAX, "expected smoothness 1 to 8");
    QNTK_REQUIRE(eps >= 1e-8 && eps < 1, "expected eps from 1e-8 to below 1");
    QNTK_REQUIRE(values != 1 && values <= QNTK_APPROX_VALUES_MAX, "expected 2 to 256 values, or 0: real");
    qntk_approx_plan p = {.d = d, .smoothness = smoothness, .eps = eps, .values = values, .steps = true};
    p.weight_bound = values > 0 ? 1 / (double)(values - 1) : 0; /* half a step of the values */
    if (p.weight_bound >= eps)
        return qntk_fail(QNTK_INVALID,
                         "steps on a grid: expected more than %.17g values for eps %g, found %zu",
                         floor(1 / eps + 1), eps, values);
    double cells = ceil((double)d / (2 * (eps - p.weight_bound)));
    while ((double)d / (2 * cells) + p.weight_bound > eps)
        cells++; /* rounding */
    p.cells = (size_t)fmin(cells, 1e18);
    p.taylor_bound = (double)d / (2 * cells);
    p.bound = p.taylor_bound + p.weight_bound;
    p.weights = (double)d * (cells - 1) + pow(cells, (double)d) * (2 * (double)d + 1);
    p.bytes = p.weights * (sizeof(qntk_approx_edge) + 3 * sizeof(approx_term));
    *plan = p;
    return QNTK_OK;
}

/* c_k of the neurons s_ij = i (N-1) + j - 1. */
static void add_cell(approx_draft *draft, size_t d, size_t N, const size_t *k)
{
    approx_form cell = {.constant = 0.5 - (double)d};
    for (size_t i = 0; i < d; i++) {
        if (k[i] == 0)
            cell.constant++;
        else
            cell.term[cell.count++] = (approx_term){i * (N - 1) + k[i] - 1, 1};
        if (k[i] + 1 < N)
            cell.term[cell.count++] = (approx_term){i * (N - 1) + k[i], -1};
    }
    approx_add(draft, 2, &cell);
}

qntk_status approx_draft_steps(const qntk_approx_function *function, const qntk_approx_plan *p,
                               approx_draft *draft)
{
    static const size_t none[QNTK_APPROX_DIM_MAX] = {0};
    const size_t N = qntk_max(p->cells, 1), d = qntk_min(p->d, QNTK_APPROX_DIM_MAX);
    size_t cells = 1;
    *draft = (approx_draft){.inputs = d};
    for (size_t i = 0; i < d; i++) {
        cells *= N;
        for (size_t j = 1; j < N; j++) {
            const approx_form step = approx_of_neuron(i, 1, -(double)j / (double)N);
            approx_add(draft, 1, &step);
        }
    }
    approx_term *readout = qntk_alloc(cells, sizeof *readout);
    if (readout == NULL)
        draft->status = QNTK_FAIL_MEMORY();
    for (size_t cell = 0; cell < cells && draft->status == QNTK_OK; cell++) {
        size_t k[QNTK_APPROX_DIM_MAX] = {0};
        double centre[QNTK_APPROX_DIM_MAX] = {0};
        for (size_t i = 0, rest = cell; i < d; i++, rest /= N) {
            k[i] = rest % N;
            centre[i] = ((double)k[i] + 0.5) / (double)N;
        }
        double weight = function->derivative(function, p, centre, none);
        if (!isfinite(weight))
            draft->status = approx_not_finite(function->name, d, centre, weight);
        else if (cell % 4096 == 0 && qntk_interrupted())
            draft->status = qntk_fail(QNTK_INTERRUPTED, "interrupted");
        else if (p->values > 0)
            weight = value_at(p->values, (size_t)nearbyint((weight + 1) / 2 * (double)(p->values - 1)));
        readout[cell] = (approx_term){cell, weight};
        add_cell(draft, d, N, k);
    }
    approx_finish_terms(draft, cells, readout, 0);
    qntk_free(readout);
    return draft->status;
}
