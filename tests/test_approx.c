/* Networks of few distinct weights: the blocks against their bounds, the approximant against its formula written
 * plainly, the network against the dense one. */
#include "test.h"

#include <string.h>

#include "approx_internal.h"

static const size_t set_sizes[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 16};
enum { SETS = sizeof set_sizes / sizeof *set_sizes };

/* ---- blocks ---- */

/* A draft whose layer 1 has the neurons x_i/2. */
static approx_draft halves(size_t inputs)
{
    approx_draft draft = {.inputs = inputs};
    for (size_t i = 0; i < inputs; i++) {
        const approx_form half = approx_of_neuron(i, 0.5, 0);
        ck_assert_uint_eq(approx_add(&draft, 1, &half), i);
    }
    return draft;
}

static qntk_approx_network realise(approx_draft *draft, const approx_alphabet *alphabet)
{
    qntk_approx_network net;
    ck_assert_ok(approx_realise(draft, alphabet, &net));
    approx_draft_free(draft);
    return net;
}

START_TEST(a_square_is_off_by_4_to_the_minus_r_minus_1)
{
    enum { N = 4097 };
    static double X[N], Y[N];
    for (size_t p = 0; p < N; p++)
        X[p] = (double)p / (N - 1);
    for (size_t s = 0; s < SETS; s++)
        for (size_t r = 0; r <= 8; r++) {
            const approx_alphabet alphabet = approx_alphabet_of(set_sizes[s]);
            approx_draft draft = halves(1);
            const approx_form twice = approx_of_neuron(0, 4, 0);
            const approx_form q = approx_half_square(&draft, 1, &twice, true, r);
            approx_finish_form(&draft, &q);
            qntk_approx_network net = realise(&draft, &alphabet);
            ck_assert_ok(qntk_approx_forward(&net, N, X, Y));
            double worst = 0;
            for (size_t p = 0; p < N; p++)
                worst = test_worse(worst, fabs(Y[p] - X[p] * X[p]));
            ck_assert_relative(worst, approx_square_bound(r), 1e-9); /* at the middle of each tooth */
            ck_assert_uint_eq(net.depth, r + 3);
            qntk_approx_network_free(&net);
        }
}
END_TEST

START_TEST(a_product_is_within_its_bound_and_zero_times_anything_is_zero)
{
    enum { SIDE = 129 };
    static double X[SIDE * SIDE * 2], Y[SIDE * SIDE];
    for (size_t p = 0; p < SIDE * SIDE; p++) {
        const size_t i = p / SIDE;
        X[2 * p] = (double)i / (SIDE - 1);
        X[2 * p + 1] = (double)(p % SIDE) / (SIDE - 1);
    }
    for (size_t s = 0; s < SETS; s++)
        for (size_t r = 1; r <= 5; r++) {
            const approx_alphabet alphabet = approx_alphabet_of(set_sizes[s]);
            approx_draft draft = halves(2);
            const approx_form x = approx_of_neuron(0, 4, -1), y = approx_of_neuron(1, 4, -1); /* [-1,1] */
            const approx_form both = approx_sum(&x, 1, &y);
            const approx_form qb = approx_half_square(&draft, 1, &both, false, r);
            const approx_form qx = approx_half_square(&draft, 1, &x, false, r);
            const approx_form qy = approx_half_square(&draft, 1, &y, false, r);
            const approx_form product = approx_product(&qb, &qx, &qy);
            approx_finish_form(&draft, &product);
            qntk_approx_network net = realise(&draft, &alphabet);
            ck_assert_ok(qntk_approx_forward(&net, (size_t)SIDE * SIDE, X, Y));
            double worst = 0, zero = 0;
            for (size_t p = 0; p < SIDE * SIDE; p++) {
                const double a = 2 * X[2 * p] - 1, b = 2 * X[2 * p + 1] - 1;
                worst = test_worse(worst, fabs(Y[p] - a * b));
                if (a == 0 || b == 0)
                    zero = test_worse(zero, fabs(Y[p]));
            }
            ck_assert_double_le(worst, approx_product_bound(r, 0));
            ck_assert_relative(approx_product_bound(r, 0), 6 * approx_square_bound(r), 1e-15);
            ck_assert_relative(worst, 4 * approx_square_bound(r), 1e-9);
            ck_assert(zero == 0);
            qntk_approx_network_free(&net);
        }
}
END_TEST

/* x = 1 + e of something that should be 1: the bound that lets products follow products. */
START_TEST(products_of_what_is_slightly_beyond_one_stay_within_their_bound)
{
    enum { N = 2001 };
    static double X[2 * N], Y[N];
    for (size_t r = 1; r <= 6; r++)
        for (size_t k = 1; k <= 8; k++) {
            const double e = (double)k * approx_square_bound(r);
            const approx_alphabet alphabet = approx_alphabet_of(2);
            approx_draft draft = halves(2);
            const approx_form x = approx_of_neuron(0, 2, e), y = approx_of_neuron(1, 2, 0);
            const approx_form both = approx_sum(&x, 1, &y);
            const approx_form qb = approx_half_square(&draft, 1, &both, true, r);
            const approx_form qx = approx_half_square(&draft, 1, &x, true, r);
            const approx_form qy = approx_half_square(&draft, 1, &y, true, r);
            const approx_form product = approx_product(&qb, &qx, &qy);
            approx_finish_form(&draft, &product);
            qntk_approx_network net = realise(&draft, &alphabet);
            double worst = 0;
            for (size_t p = 0; p < N; p++) {
                X[2 * p] = p % 2 == 0 ? 1 : (double)p / (N - 1);
                X[2 * p + 1] = p % 3 == 0 ? 1 : 1 - (double)p / (N - 1);
            }
            ck_assert_ok(qntk_approx_forward(&net, N, X, Y));
            for (size_t p = 0; p < N; p++)
                worst = test_worse(worst, fabs(Y[p] - X[2 * p] * X[2 * p + 1]));
            ck_assert_double_le(worst, approx_product_bound(r, e) * (1 + 1e-12));
            ck_assert_double_gt(worst, e / 2); /* and the bound says something */
            qntk_approx_network_free(&net);
        }
}
END_TEST

START_TEST(multiples_are_exact)
{
    static const double X[] = {0, 0.125, 0.3, 1};
    double Y[4];
    for (size_t s = 0; s < SETS; s++)
        for (size_t factor = 1; factor <= 70; factor += 3) {
            const approx_alphabet alphabet = approx_alphabet_of(set_sizes[s]);
            approx_draft draft = halves(1);
            size_t layer = 1, neuron = 0;
            const approx_form y = approx_multiple(&draft, &alphabet, &layer, &neuron, factor);
            approx_finish_form(&draft, &y);
            qntk_approx_network net = realise(&draft, &alphabet);
            ck_assert_ok(qntk_approx_forward(&net, 4, X, Y));
            for (size_t p = 0; p < 4; p++)
                ck_assert_close(Y[p], (double)factor * X[p] / 2, 1e-14, factor);
            qntk_approx_network_free(&net);
        }
}
END_TEST

START_TEST(weights_are_within_base_to_the_minus_digits)
{
    static const double X[] = {0.25, 1};
    double Y[2];
    qntk_rng rng = qntk_rng_create(5, 0);
    for (size_t s = 0; s < SETS; s++)
        for (size_t k = 0; k < 60; k++) {
            const approx_alphabet alphabet = approx_alphabet_of(set_sizes[s]);
            const size_t digits = 1 + k % 8;
            const double weight = k == 0 ? 1 : k == 1 ? -1 : k == 2 ? 0 : 2 * qntk_rng_uniform(&rng) - 1;
            const double allowed = alphabet.count > 0 ? pow((double)alphabet.base, -(double)digits) : 0;
            approx_draft draft = halves(1);
            const double became = approx_weighted(&draft, &alphabet, 1, 0, weight, digits);
            approx_finish_sums(&draft);
            qntk_approx_network net = realise(&draft, &alphabet);
            ck_assert_ok(qntk_approx_forward(&net, 2, X, Y));
            ck_assert_double_le(fabs(became - weight), allowed + 4e-16); /* rounding of both */
            for (size_t p = 0; p < 2; p++) /* the output is twice the sums, the neuron is x/2 */
                ck_assert_close(Y[p], became * X[p], 1e-15, 4);
            qntk_approx_network_free(&net);
        }
}
END_TEST

START_TEST(factors_are_sums_of_the_values)
{
    for (size_t values = 2; values <= 40; values++) {
        const approx_alphabet a = approx_alphabet_of(values);
        ck_assert_uint_eq(a.count, values);
        size_t wrong = 0;
        for (size_t i = 0; i < values; i++)
            for (size_t j = 0; j < i; j++)
                wrong += a.value[i] == a.value[j];
        for (int half = -4; half <= 4; half++) {
            uint32_t part[APPROX_PARTS_MAX];
            const size_t count = approx_parts(&a, half / 2.0, part);
            double sum = 0;
            for (size_t k = 0; k < count; k++)
                sum += a.value[part[k]];
            wrong += sum != half / 2.0 || (half != 0 && count == 0);
        }
        for (size_t j = 1; j < a.base; j++) {
            uint32_t part[APPROX_PARTS_MAX];
            wrong += approx_parts(&a, (double)j / (double)a.base, part) != 1;
        }
        uint32_t part[APPROX_PARTS_MAX];
        wrong += approx_parts(&a, 0.123, part) != 0;
        ck_assert_msg(wrong == 0, "%zu values: %zu wrong", values, wrong);
    }
}
END_TEST

/* ---- functions ---- */

static double derivative(const qntk_approx_function *f, size_t d, size_t n, const double *x, const size_t *v)
{
    const qntk_approx_plan plan = {.d = d, .smoothness = n};
    return f->derivative(f, &plan, x, v);
}

START_TEST(derivatives_are_those_of_the_function_and_at_most_one)
{
    size_t count;
    const qntk_approx_function *f = qntk_approx_functions(&count);
    const double step = 1e-5;
    for (size_t k = 0; k < count; k++)
        for (size_t d = 1; d <= 3; d++)
            for (size_t n = 1; n <= 5; n++) {
                qntk_rng rng = qntk_rng_create(k, d);
                double worst = 0, largest = 0;
                for (size_t p = 0; p < 200; p++) {
                    double x[3];
                    size_t v[3] = {0};
                    for (size_t i = 0; i < d; i++)
                        x[i] = step + (1 - 2 * step) * qntk_rng_uniform(&rng);
                    for (size_t order = 0; order < n; order++) {
                        largest = test_worse(largest, fabs(derivative(&f[k], d, n, x, v)));
                        const size_t axis = qntk_rng_below(&rng, d);
                        const double at = x[axis];
                        x[axis] = at + step;
                        const double up = derivative(&f[k], d, n, x, v);
                        x[axis] = at - step;
                        const double down = derivative(&f[k], d, n, x, v);
                        x[axis] = at;
                        v[axis]++;
                        const double slope = (up - down) / (2 * step);
                        largest = test_worse(largest, fabs(slope) - 1e-9);
                        if (fabs(at - 0.4) > step) /* where the kink has its corner */
                            worst = test_worse(worst, fabs(derivative(&f[k], d, n, x, v) - slope));
                    }
                }
                ck_assert_msg(worst <= 1e-8, "%s, d = %zu, n = %zu: off by %g", f[k].name, d, n, worst);
                ck_assert_msg(largest <= 1, "%s, d = %zu, n = %zu: %g", f[k].name, d, n, largest);
                ck_assert_ptr_eq(qntk_approx_find(f[k].name), &f[k]);
            }
    ck_assert_ptr_null(qntk_approx_find("cosine"));
}
END_TEST

/* ---- the approximant ---- */

/* sum_k psi_k(x) sum_{|v|<n} D^v f(k/S)/v! (x - k/S)^v, as it stands. */
static double twin(const qntk_approx_function *f, const qntk_approx_plan *p, const double *x)
{
    const size_t side = p->cells + 1, n = p->smoothness, d = p->d < 3 ? p->d : 3;
    size_t cells = 1;
    double value = 0;
    for (size_t i = 0; i < d; i++)
        cells *= side;
    for (size_t cell = 0; cell < cells; cell++) {
        double psi = 1, centre[3], u[3], poly = 0;
        for (size_t i = 0, k = cell; i < d; i++, k /= side) {
            centre[i] = (double)(k % side) / (double)p->cells;
            u[i] = x[i] - centre[i];
            psi *= fmin(1, fmax(0, 2 - 3 * fabs(u[i]) * (double)p->cells));
        }
        if (psi == 0)
            continue;
        for (size_t c = 0; c < n * n * n; c++) {
            const size_t v[3] = {c % n, c / n % n, c / n / n};
            if (v[0] + v[1] + v[2] >= n || (d < 3 && v[2] > 0) || (d < 2 && v[1] > 0))
                continue;
            double term = f->derivative(f, p, centre, v);
            for (size_t i = 0; i < d; i++)
                term *= pow(u[i], (double)v[i]) / tgamma((double)v[i] + 1);
            poly += term;
        }
        value += psi * poly;
    }
    return value;
}

static void check_network(const qntk_approx_network *net, const qntk_approx_plan *p)
{
    size_t wrong = 0, before = net->inputs;
    for (size_t l = 0; l < net->depth; l++) {
        const qntk_approx_layer *layer = &net->layer[l];
        for (size_t i = 0; i < layer->width; i++)
            for (size_t e = layer->start[i]; e < layer->start[i + 1]; e++) {
                wrong += layer->edge[e].column >= before || layer->edge[e].value >= net->values;
                for (size_t o = layer->start[i]; o < e && e < layer->start[i] + 50; o++)
                    wrong += layer->edge[o].column == layer->edge[e].column;
            }
        before = layer->width;
    }
    ck_assert_uint_eq(wrong, 0);
    qntk_approx_counts counts;
    ck_assert_ok(qntk_approx_count(net, &counts));
    ck_assert_uint_eq(net->layer[net->depth - 1].width, 1);
    ck_assert_relative(counts.bits, (double)counts.weights * log2((double)net->values), 1e-15);
    ck_assert_double_le((double)counts.weights, p->weights); /* which no digit of 0 lessens */
    if (p->values > 0) {
        ck_assert_uint_eq(net->values, p->values);
        ck_assert_uint_le(counts.distinct, p->values);
    }
}

static void check_approximant(const char *name, size_t d, size_t n, double eps, size_t values)
{
    enum { N = 600 };
    static double X[3 * N], Y[N];
    static const size_t none[3] = {0};
    const qntk_approx_function *f = qntk_approx_find(name);
    qntk_approx_plan p;
    qntk_approx_network net;
    ck_assert_ok(qntk_approx_plan_make(d, n, eps, values, &p));
    ck_assert_ok(qntk_approx_build(f, &p, &net));
    check_network(&net, &p);
    qntk_rng rng = qntk_rng_create(11, n);
    for (size_t k = 0; k < N * d; k++)
        X[k] = k < d ? 0 : k < 2 * d ? 1 : qntk_rng_uniform(&rng);
    ck_assert_ok(qntk_approx_forward(&net, N, X, Y));
    double network = 0, taylor = 0;
    for (size_t k = 0; k < N; k++) {
        const double formula = twin(f, &p, X + k * d);
        network = test_worse(network, fabs(Y[k] - formula));
        taylor = test_worse(taylor, fabs(formula - derivative(f, d, n, X + k * d, none)));
    }
    ck_assert_msg(network <= p.product_bound + p.weight_bound + 1e-11,
                  "%s d %zu n %zu V %zu: %g above %g + %g", name, d, n, values, network, p.product_bound,
                  p.weight_bound);
    ck_assert_msg(taylor <= p.taylor_bound, "%s d %zu n %zu: %g above %g", name, d, n, taylor,
                  p.taylor_bound);
    ck_assert_double_le(p.bound, eps);
    double grid, random;
    ck_assert_ok(qntk_approx_error(&net, f, &p, d == 1 ? 501 : d == 2 ? 21 : 8, 100, 3, &grid, &random));
    ck_assert(grid <= p.bound && random <= p.bound && grid > 0 && random > 0);
    qntk_approx_network_free(&net);
}

START_TEST(the_network_is_the_formula_within_its_bounds)
{
    size_t count;
    const qntk_approx_function *f = qntk_approx_functions(&count);
    for (size_t k = 0; k < count; k++) {
        for (size_t n = 1; n <= 5; n++)
            check_approximant(f[k].name, 1, n, n == 1 ? 0.1 : 0.01, set_sizes[(k + n) % SETS]);
        for (size_t n = 2; n <= 4; n++)
            check_approximant(f[k].name, 2, n, 0.2, set_sizes[(2 * k + n) % SETS]);
    }
    for (size_t s = 0; s < SETS; s++)
        check_approximant("wave", 1, 3, 0.003, set_sizes[s]);
    check_approximant("kink", 3, 2, 0.9, 2);
    check_approximant("product", 3, 3, 0.9, 4);
    check_approximant("sine", 1, 4, 1e-7, 2);
}
END_TEST

START_TEST(the_predicted_size_is_close)
{
    for (size_t s = 0; s < SETS; s++)
        for (size_t d = 1; d <= 2; d++) {
            qntk_approx_plan p;
            qntk_approx_network net;
            qntk_approx_counts counts;
            ck_assert_ok(qntk_approx_plan_make(d, 2, d == 1 ? 1e-4 : 0.1, set_sizes[s], &p));
            ck_assert_ok(qntk_approx_build(qntk_approx_find("exp"), &p, &net));
            ck_assert_ok(qntk_approx_count(&net, &counts));
            ck_assert_double_le((double)counts.weights, p.weights);
            ck_assert_double_ge((double)counts.weights, 0.75 * p.weights);
            if (set_sizes[s] > 0)
                ck_assert_uint_eq(counts.distinct, set_sizes[s]); /* all of them occur */
            qntk_approx_network_free(&net);
        }
}
END_TEST

START_TEST(steps_are_within_their_bound)
{
    size_t count;
    const qntk_approx_function *f = qntk_approx_functions(&count);
    static const size_t values[] = {0, 16, 64, 256}, none[3] = {0};
    for (size_t k = 0; k < count; k++)
        for (size_t d = 1; d <= 3; d++) {
            qntk_approx_plan p;
            qntk_approx_network net;
            qntk_approx_counts counts;
            const size_t V = values[(k + d) % 4];
            ck_assert_ok(qntk_approx_lipschitz_plan(d, 1, 0.15, V, &p));
            ck_assert_ok(qntk_approx_build(&f[k], &p, &net));
            ck_assert_ok(qntk_approx_count(&net, &counts));
            ck_assert_uint_eq(net.depth, 3);
            ck_assert(V == 0 || (net.values == V && counts.distinct <= V));
            ck_assert_double_le((double)counts.weights, p.weights);
            double grid, random, x[3], y;
            ck_assert_ok(qntk_approx_error(&net, &f[k], &p, d == 1 ? 1001 : 31, 100, 3, &grid, &random));
            ck_assert(grid <= p.bound && random <= p.bound && p.bound <= 0.15 && grid > 0.01);
            /* the value in a cell, found by division */
            qntk_rng rng = qntk_rng_create(k, d);
            for (size_t t = 0; t < 50; t++) {
                double centre[3];
                for (size_t i = 0; i < d; i++) {
                    x[i] = qntk_rng_uniform(&rng);
                    centre[i] = (floor(x[i] * (double)p.cells) + 0.5) / (double)p.cells;
                }
                double truth = derivative(&f[k], d, 1, centre, none);
                if (V > 0)
                    truth = nearbyint((truth + 1) / 2 * (double)(V - 1)) * 2 / (double)(V - 1) - 1;
                ck_assert_ok(qntk_approx_forward(&net, 1, x, &y));
                ck_assert_close(y, truth, 1e-14, 1);
            }
            qntk_moments_weights layers[3];
            ck_assert_fails(qntk_approx_dense(&net, layers), QNTK_UNSUPPORTED, "steps");
            qntk_approx_network_free(&net);
        }
    qntk_approx_plan p;
    qntk_approx_network net;
    ck_assert_fails(qntk_approx_lipschitz_plan(1, 1, 0.1, 11, &p), QNTK_INVALID, "more than 11 values");
    ck_assert_fails(qntk_approx_lipschitz_plan(0, 1, 0.1, 12, &p), QNTK_INVALID, "dimensions");
    ck_assert_fails(qntk_approx_lipschitz_plan(1, 9, 0.1, 12, &p), QNTK_INVALID, "smoothness");
    ck_assert_fails(qntk_approx_lipschitz_plan(1, 1, 1, 12, &p), QNTK_INVALID, "eps");
    ck_assert_fails(qntk_approx_lipschitz_plan(1, 1, 0.1, 1, &p), QNTK_INVALID, "values");
    ck_assert_ok(qntk_approx_lipschitz_plan(3, 1, 1e-6, 0, &p));
    ck_assert_fails(qntk_approx_build(&f[0], &p, &net), QNTK_TOO_LARGE, "weights for eps 1e-06");
}
END_TEST

START_TEST(the_dense_network_is_the_same)
{
    enum { N = 100, D = 2 };
    double X[N * D], Y[N], dense[N];
    qntk_rng rng = qntk_rng_create(1, 0);
    for (size_t k = 0; k < N * D; k++)
        X[k] = qntk_rng_uniform(&rng);
    for (size_t values = 0; values <= 6; values += 2) {
        qntk_approx_plan p;
        qntk_approx_network net;
        ck_assert_ok(qntk_approx_plan_make(D, 2, 0.9, values, &p));
        ck_assert_ok(qntk_approx_build(qntk_approx_find("sine"), &p, &net));
        qntk_moments_weights *layers = qntk_alloc(net.depth, sizeof *layers);
        ck_assert_ok(qntk_approx_dense(&net, layers));
        ck_assert_ok(qntk_approx_forward(&net, N, X, Y));
        ck_assert_ok(qntk_moments_propagate(layers, net.depth, N, X, dense, NULL));
        double worst = 0;
        for (size_t k = 0; k < N; k++)
            worst = test_worse(worst, fabs(Y[k] - dense[k]));
        ck_assert_double_le(worst, 1e-11); /* sums of some hundred terms below 100 */
        qntk_approx_dense_free(net.depth, layers);
        qntk_free(layers);
        qntk_approx_network_free(&net);
    }
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
    enum { N = 500 };
    double X[N], one[N], more[N];
    qntk_approx_plan p;
    qntk_approx_network net;
    for (size_t k = 0; k < N; k++)
        X[k] = (double)k / N;
    ck_assert_ok(qntk_approx_plan_make(1, 2, 0.01, 2, &p));
    ck_assert_ok(qntk_approx_build(qntk_approx_find("wave"), &p, &net));
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(qntk_approx_forward(&net, N, X, one));
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_ok(qntk_approx_forward(&net, N, X, more));
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_mem_eq(one, more, sizeof one);
    qntk_approx_network_free(&net);
}
END_TEST

START_TEST(the_best_number_of_values_solves_its_equation)
{
    for (int k = 1; k <= 8; k++) {
        const double eps = pow(10, -k), loglog = log(log(1 / eps));
        const double best = (double)qntk_approx_best_values(eps);
        ck_assert_double_ge(best, 2);
        if (best > 2) { /* the root lies within half of it */
            double side[2];
            for (size_t i = 0; i < 2; i++) {
                const double L = best - 0.5 + (double)i;
                side[i] = 1 / L + 1 / (L * log(L)) - loglog / ((L - 1) * (L - 1));
            }
            ck_assert(side[0] <= 0 && side[1] >= 0);
        }
    }
    /* ln(1/eps) = 1: 1 / eps^(d/n) times 1, and times L */
    ck_assert_relative(qntk_approx_order(1, 2, exp(-1), 2), exp(0.5), 1e-14);
    ck_assert_relative(qntk_approx_order(3, 2, exp(-1), 4), 4 * exp(1.5), 1e-14);
}
END_TEST

START_TEST(mistakes_are_named)
{
    qntk_approx_plan p;
    qntk_approx_network net;
    double x = NAN, y, z;
    ck_assert_fails(qntk_approx_plan_make(0, 2, 0.1, 2, &p), QNTK_INVALID, "dimensions");
    ck_assert_fails(qntk_approx_plan_make(4, 2, 0.1, 2, &p), QNTK_INVALID, "dimensions");
    ck_assert_fails(qntk_approx_plan_make(1, 0, 0.1, 2, &p), QNTK_INVALID, "smoothness");
    ck_assert_fails(qntk_approx_plan_make(1, 9, 0.1, 2, &p), QNTK_INVALID, "smoothness");
    ck_assert_fails(qntk_approx_plan_make(1, 1, NAN, 2, &p), QNTK_INVALID, "eps");
    ck_assert_fails(qntk_approx_plan_make(1, 1, 1, 2, &p), QNTK_INVALID, "eps");
    ck_assert_fails(qntk_approx_plan_make(1, 1, 0.1, 1, &p), QNTK_INVALID, "values");
    ck_assert_fails(qntk_approx_plan_make(1, 1, 0.1, 257, &p), QNTK_INVALID, "values");
    ck_assert_ok(qntk_approx_plan_make(3, 1, 1e-5, 2, &p));
    ck_assert_fails(qntk_approx_build(qntk_approx_find("sine"), &p, &net), QNTK_TOO_LARGE,
                    "weights for eps 1e-05");
    ck_assert(net.layer == NULL);
    ck_assert_ok(qntk_approx_plan_make(1, 1, 0.9, 2, &p));
    ck_assert_ok(qntk_approx_build(qntk_approx_find("sine"), &p, &net));
    ck_assert_fails(qntk_approx_forward(&net, 1, &x, &y), QNTK_NOT_FINITE, "row 0, column 0");
    ck_assert(y == 0);
    ck_assert_fails(qntk_approx_error(&net, qntk_approx_find("sine"), &p, 1, 1, 1, &y, &z), QNTK_INVALID,
                    "grid");
    qntk_approx_network_free(&net);
    ck_assert_fails(qntk_approx_forward(&net, 1, &x, &y), QNTK_INVALID, "layer");
    qntk_interrupt();
    ck_assert_int_eq(qntk_approx_build(qntk_approx_find("sine"), &p, &net), QNTK_INTERRUPTED);
    qntk_interrupt_clear();
    ck_assert(net.layer == NULL);
}
END_TEST

static qntk_status everything(void)
{
    qntk_approx_plan p;
    qntk_approx_network net = {0};
    qntk_approx_counts counts;
    double grid, random;
    qntk_status status = qntk_approx_plan_make(1, 2, 0.9, 2, &p);
    const qntk_approx_function *f = qntk_approx_find("sine");
    if (status == QNTK_OK)
        status = qntk_approx_build(f, &p, &net);
    if (status == QNTK_OK)
        status = qntk_approx_count(&net, &counts);
    if (status == QNTK_OK)
        status = qntk_approx_error(&net, f, &p, 9, 9, 1, &grid, &random);
    qntk_moments_weights layers[64] = {{0}};
    if (status == QNTK_OK)
        status = qntk_approx_dense(&net, layers);
    qntk_approx_dense_free(64, layers);
    qntk_approx_network_free(&net);
    if (status == QNTK_OK)
        status = qntk_approx_lipschitz_plan(1, 1, 0.5, 4, &p);
    if (status == QNTK_OK)
        status = qntk_approx_build(f, &p, &net);
    qntk_approx_network_free(&net);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    ck_assert_ok(everything());
    qntk_status status = QNTK_NO_MEMORY;
    long successes = 0;
    size_t wrong = 0;
    for (; successes < 20000 && status != QNTK_OK; successes++) {
        qntk_memory_fail_after(successes);
        status = everything();
        qntk_memory_fail_after(-1);
        wrong += status != QNTK_OK && status != QNTK_NO_MEMORY;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_int_gt(successes, 100);
    ck_assert_int_eq(status, QNTK_OK);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_square_is_off_by_4_to_the_minus_r_minus_1);
    tcase_add_test(tcase, a_product_is_within_its_bound_and_zero_times_anything_is_zero);
    tcase_add_test(tcase, products_of_what_is_slightly_beyond_one_stay_within_their_bound);
    tcase_add_test(tcase, multiples_are_exact);
    tcase_add_test(tcase, weights_are_within_base_to_the_minus_digits);
    tcase_add_test(tcase, factors_are_sums_of_the_values);
    tcase_add_test(tcase, derivatives_are_those_of_the_function_and_at_most_one);
    tcase_add_test(tcase, the_network_is_the_formula_within_its_bounds);
    tcase_add_test(tcase, the_predicted_size_is_close);
    tcase_add_test(tcase, steps_are_within_their_bound);
    tcase_add_test(tcase, the_dense_network_is_the_same);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, the_best_number_of_values_solves_its_equation);
    tcase_add_test(tcase, mistakes_are_named);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("approx", add_tests);
}
