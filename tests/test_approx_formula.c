/* Users' formulas: derivatives from values against closed forms, networks against those of built-in functions, and
 * what is said of mistakes. Without muParser: what is said of that. */
#include "test.h"

#include <string.h>

#include "approx_internal.h"

static bool available(void)
{
    qntk_approx_function f;
    const bool there = qntk_approx_formula_open("x1", 1, 1, 1, &f) != QNTK_UNSUPPORTED;
    qntk_approx_formula_close(&f);
    return there;
}

/* ---- from values ---- */

START_TEST(weights_differentiate_polynomials_exactly)
{
    enum { N = 9 };
    static const double node[N] = {0, 0.05, 0.2, 0.3, 0.45, 0.6, 0.85, 0.9, 1};
    double weight[N * N], worst = 0;
    for (size_t p = 0; p <= 20; p++) {
        const double x = (double)p / 20;
        approx_difference_weights(N, node, x, N, weight);
        for (size_t degree = 0; degree < N; degree++)
            for (size_t order = 0; order < N; order++) {
                double sum = 0, size = 0, truth = order > degree ? 0 : pow(x, (double)(degree - order));
                for (size_t k = 0; k < order && order <= degree; k++)
                    truth *= (double)(degree - k);
                for (size_t k = 0; k < N; k++) {
                    sum += weight[order * N + k] * pow(node[k], (double)degree);
                    size += fabs(weight[order * N + k]);
                }
                worst = test_worse(worst, fabs(sum - truth) / size);
            }
    }
    ck_assert_double_le(worst, 1e-13); /* a few roundings of the sum of magnitudes */
}
END_TEST

static double wave_of(void *context, const double *x)
{
    const size_t d = *(const size_t *)context;
    return sin(2 * x[0] + (d > 1 ? x[1] : 0) - (d > 2 ? x[2] : 0));
}

START_TEST(a_window_has_the_derivatives_of_a_sine)
{
    for (size_t d = 1; d <= 3; d++)
        for (size_t n = 2; n <= 5; n++) {
            approx_window window;
            double worst = 0;
            ck_assert_ok(approx_window_create(d, n, &window));
            qntk_rng rng = qntk_rng_create(d, n);
            for (size_t t = 0; t < 60; t++) {
                double x[3] = {0};
                size_t v[3] = {0}, order = 0;
                for (size_t i = 0; i < d; i++) {
                    x[i] = t < 2 ? (double)t : qntk_rng_uniform(&rng);
                    v[i] = qntk_rng_below(&rng, n - order);
                    order += v[i];
                }
                const double u = 2 * x[0] + (d > 1 ? x[1] : 0) - (d > 2 ? x[2] : 0);
                const double turn[] = {sin(u), cos(u), -sin(u), -cos(u)};
                const double truth =
                    turn[order % 4] * pow(2, (double)v[0]) * (d > 2 && v[2] % 2 == 1 ? -1 : 1);
                worst = test_worse(worst,
                                   fabs(approx_window_derivative(&window, wave_of, &d, x, 0.25, v) - truth));
            }
            /* An axis: max|f^(N)| w^(N-j)/(N-j)!, N = n + 4 nodes (Shadrin 1995: |f^(N)| times the derivative of the node
             * polynomial, over N!), j = n - 1 the worst; rounding 1e-16 N^2j 4^j. */
            const double N = (double)n + 4, j = (double)n - 1;
            ck_assert_double_le(worst, (double)d * pow(2, N) * pow(0.25, N - j) / tgamma(N - j + 1) +
                                           1e-16 * pow(N, 2 * j) * pow(4, j));
            approx_window_free(&window);
        }
}
END_TEST

static double bell(void *context, const double *x) /* of derivatives at most 1, 1, 1; 3 at order 3 */
{
    (void)context;
    return exp(-x[0] * x[0] / 2);
}

static double power_of_half(void *context, const double *x)
{
    return pow(x[0], *(double *)context);
}

static double pole(void *context, const double *x)
{
    return 1 / (x[0] - *(double *)context);
}

static double huge_wave(void *context, const double *x) /* of finite values, but its derivatives are not */
{
    (void)context;
    return 1e308 * sin(300 * x[0]);
}

START_TEST(derivatives_that_leave_the_range_of_doubles_are_not_overlooked)
{
    double bound, spread;
    size_t order;
    for (size_t n = 1; n <= 8; n++) {
        ck_assert_ok(approx_estimate_bound(huge_wave, NULL, 1, n, &bound, &spread, &order));
        ck_assert(isinf(bound) && order >= 1);
    }
}
END_TEST

START_TEST(the_greatest_derivative_is_estimated)
{
    double bound, spread;
    size_t order;
    for (size_t d = 1; d <= 3; d++)
        for (size_t n = 1; n <= 5; n++) {
            ck_assert_ok(approx_estimate_bound(wave_of, &d, d, n, &bound, &spread, &order));
            /* 2^n: sine or cosine comes to 1 at 2x = 0 or pi/2; in one dimension 2 reaches pi/2 */
            ck_assert_relative(bound, pow(2, (double)n), n < 5 ? 1e-3 : 1e-2);
            ck_assert_uint_eq(order, n);
            ck_assert_double_le(spread, 0.01 * bound);
        }
    ck_assert_ok(approx_estimate_bound(bell, NULL, 1, 2, &bound, &spread, &order));
    ck_assert_relative(bound, 1, 1e-9);
    double power = 1.5; /* the first derivative is 1.5 at most, the second unbounded */
    ck_assert_ok(approx_estimate_bound(power_of_half, &power, 1, 1, &bound, &spread, &order));
    ck_assert_relative(bound, 1.5, 1e-3);
    ck_assert_ok(approx_estimate_bound(power_of_half, &power, 1, 2, &bound, &spread, &order));
    ck_assert_double_gt(spread, 0.25 * bound);
    double where = 0.5;
    ck_assert_fails(approx_estimate_bound(pole, &where, 1, 1, &bound, &spread, &order), QNTK_NOT_FINITE,
                    "x1 = 0.5");
}
END_TEST

/* ---- formulas ---- */

typedef struct {
    const char *name, *text[2]; /* in one and two dimensions */
    size_t n;
} twin;

static const twin twins[] = {
    {"sine", {"sin(x1)", "sin(x1 + x2)"}, 2},
    {"product", {"sin(x1)", "sin(x1)*sin(x2)"}, 3},
    {"exp", {"exp(x1 - 1)", "exp(x1 + x2 - 2)"}, 4},
    {"wave", {"sin(2*_pi*x1)/(2*_pi)^3", "sin(2*_pi*(x1 + x2))/(2*_pi)^3"}, 3},
    {"power", {"x1^2/2", "x1^2*x2^2/4"}, 2},
    {"kink", {"(x1-0.4)*abs(x1-0.4)/2", "((x1-0.4)*abs(x1-0.4) + (x2-0.4)*abs(x2-0.4))/4"}, 2},
};

/* The networks of both for a plan: of the same layers, weights as many but for some digits, errors the same but for the
 * digits; and, if `exact`, the same to the bit. */
static void compare(const qntk_approx_function *f, const qntk_approx_function *g, const qntk_approx_plan *p,
                    bool exact)
{
    qntk_approx_network a, b;
    qntk_approx_counts count_a, count_b;
    double grid_a, random_a, grid_b, random_b;
    ck_assert_ok(qntk_approx_build(f, p, &a));
    ck_assert_ok(qntk_approx_build(g, p, &b));
    ck_assert_ok(qntk_approx_count(&a, &count_a));
    ck_assert_ok(qntk_approx_count(&b, &count_b));
    ck_assert_uint_eq(a.depth, b.depth);
    ck_assert_relative((double)count_b.weights, (double)count_a.weights, exact ? 0 : 2e-3);
    const size_t side = p->d == 1 ? 101 : 31;
    ck_assert_ok(qntk_approx_error(&a, f, p, side, 100, 1, &grid_a, &random_a));
    ck_assert_ok(qntk_approx_error(&b, g, p, side, 100, 1, &grid_b, &random_b));
    ck_assert_close(grid_a, grid_b, exact ? 0 : p->weight_bound + 1e-9, 1);
    ck_assert_close(random_a, random_b, exact ? 0 : p->weight_bound + 1e-9, 1);
    ck_assert_double_le(grid_b, p->bound);
    if (exact)
        for (size_t l = 0; l < a.depth; l++) {
            const qntk_approx_layer *x = &a.layer[l], *y = &b.layer[l];
            ck_assert_uint_eq(x->width, y->width);
            ck_assert_mem_eq(x->bias, y->bias, x->width * sizeof *x->bias);
            ck_assert_mem_eq(x->edge, y->edge, x->start[x->width] * sizeof *x->edge);
        }
    qntk_approx_network_free(&a);
    qntk_approx_network_free(&b);
}

START_TEST(a_formula_has_the_network_of_the_built_in_function)
{
    for (size_t k = 0; k < sizeof twins / sizeof *twins; k++)
        for (size_t d = 1; d <= 2; d++) {
            qntk_approx_function g;
            qntk_approx_plan p;
            const size_t n = twins[k].n;
            const qntk_approx_function *f = qntk_approx_find(twins[k].name);
            ck_assert_ok(qntk_approx_formula_open(twins[k].text[d - 1], d, n, 1, &g));
            ck_assert(g.scale == 1 && g.spread == 0);
            ck_assert_str_eq(g.name, twins[k].text[d - 1]);
            ck_assert_ok(qntk_approx_plan_make(d, n, d == 1 ? 1e-3 : 0.1, 2, &p));
            compare(f, &g, &p, false);
            qntk_approx_formula_close(&g);
            ck_assert_ptr_null(g.context);
        }
    /* where values alone are asked for, nothing differs */
    qntk_approx_function g;
    qntk_approx_plan p;
    ck_assert_ok(qntk_approx_formula_open("sin(x1+x2)", 2, 1, 1, &g));
    ck_assert_ok(qntk_approx_plan_make(2, 1, 0.5, 3, &p));
    compare(qntk_approx_find("sine"), &g, &p, true);
    ck_assert_ok(qntk_approx_lipschitz_plan(2, 1, 0.2, 64, &p));
    compare(qntk_approx_find("sine"), &g, &p, true);
    qntk_approx_formula_close(&g);
}
END_TEST

/* f = scale * what the network approximates. */
START_TEST(a_steep_formula_is_scaled_into_the_class)
{
    qntk_approx_function f;
    qntk_approx_plan p;
    qntk_approx_network net;
    double grid, random, y;
    static const size_t none[3] = {0};
    const double x[2] = {0.3, 0.8};
    ck_assert_ok(qntk_approx_formula_open("sin(3*x1)*x2", 2, 2, 0, &f));
    ck_assert_relative(f.scale, 9, 1e-6);
    ck_assert(f.spread > 0 && f.spread < 1e-5);
    ck_assert_ok(qntk_approx_plan_make(2, 2, 0.1, 4, &p));
    ck_assert_relative(f.derivative(&f, &p, x, none), sin(0.9) * 0.8 / f.scale, 1e-15);
    ck_assert_ok(qntk_approx_build(&f, &p, &net));
    ck_assert_ok(qntk_approx_error(&net, &f, &p, 41, 200, 4, &grid, &random));
    ck_assert(grid <= p.bound && random <= p.bound);
    ck_assert_ok(qntk_approx_forward(&net, 1, x, &y));
    ck_assert_close(y * f.scale, sin(0.9) * 0.8, p.bound * f.scale, 1);
    qntk_approx_network_free(&net);
    qntk_approx_formula_close(&f);
    ck_assert_ok(qntk_approx_formula_open("x1 > 2 ? 1 : 0.001*x1", 1, 3, 0, &f)); /* and a flat one too */
    ck_assert_relative(f.scale, 1e-3, 1e-9);
    qntk_approx_formula_close(&f);
}
END_TEST

START_TEST(mistakes_are_named)
{
    static const struct {
        const char *text, *message;
        qntk_status status;
    } bad[] = {
        {"sin(3*x1", "\"sin(3*x1\", character 9: expected ')', found the end", QNTK_INVALID},
        {"2+", "character 3: expected a number, a variable, a function or '(', found the end", QNTK_INVALID},
        {"x2", "character 1: expected x1, a number or a function of muParser, found 'x2'", QNTK_INVALID},
        {"3*cosine(x1)", "character 3: expected x1, a number", QNTK_INVALID},
        {"x1 x1", "character 4: expected an operator, found 'x1'", QNTK_INVALID},
        {"3x1", "character 2: expected an operator", QNTK_INVALID},
        {"x1)", "character 3: expected no parenthesis", QNTK_INVALID},
        {"sin(x1,1)", "expected fewer arguments", QNTK_INVALID},
        {"sin()", "expected more arguments", QNTK_INVALID},
        {"\"x1\"", "expected numbers, no text", QNTK_INVALID},
        {"x1?2", "expected condition ? value : value", QNTK_INVALID},
        {"x1:2", "expected condition ? value : value", QNTK_INVALID},
        {"", "expected a formula, found the end", QNTK_INVALID},
        {"x1,x1", "expected one value, found 2", QNTK_INVALID},
        {"x1=3", "character 3: expected a formula, found an assignment", QNTK_INVALID},
        {"x1\n", "character 3: expected ASCII text, found byte 10", QNTK_INVALID},
        {"x1-x1", "not 0 everywhere", QNTK_INVALID},
        {"sqrt(x1)", "order 1 are estimated at up to", QNTK_INVALID},
        {"1/(x1-0.5)", "found inf at x1 = 0.5", QNTK_NOT_FINITE},
        {"log(x1)", "found -inf at x1 = 0", QNTK_NOT_FINITE},
        {"sqrt(x1-0.5)", "found nan at x1 = 0", QNTK_NOT_FINITE},
    };
    static char text[2000];
    qntk_approx_function f;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_fails(qntk_approx_formula_open(bad[k].text, 1, 1, 0, &f), bad[k].status, bad[k].message);
        ck_assert(f.context == NULL && f.derivative == NULL);
    }
    memset(text, '1', sizeof text - 1);
    ck_assert_fails(qntk_approx_formula_open(text, 1, 1, 0, &f), QNTK_INVALID, "at most 1000 characters");
    ck_assert_fails(qntk_approx_formula_open("x3", 2, 1, 0, &f), QNTK_INVALID, "expected x1, x2, a number");
    ck_assert_fails(qntk_approx_formula_open("x1", 4, 1, 0, &f), QNTK_INVALID, "dimensions");
    ck_assert_fails(qntk_approx_formula_open("x1", 1, 9, 0, &f), QNTK_INVALID, "smoothness");
    ck_assert_fails(qntk_approx_formula_open("x1", 1, 1, -1, &f), QNTK_INVALID, "scale");
    ck_assert_fails(qntk_approx_formula_open("x1", 1, 1, NAN, &f), QNTK_INVALID, "scale");
    ck_assert_ok(
        qntk_approx_formula_open("x1 <= 0.5 && x1 != 2 ? x1 : 1 - x1", 1, 1, 2, &f)); /* no assignment */
    qntk_approx_formula_close(&f);
}
END_TEST

/* Poles between the points that are looked at first. */
START_TEST(what_is_not_finite_later_is_refused_with_its_point)
{
    qntk_approx_function f;
    qntk_approx_plan p;
    qntk_approx_network net;
    double grid, random;
    ck_assert_ok(qntk_approx_plan_make(1, 1, 0.5, 0, &p)); /* 6 cells: 1/3 is a centre */
    ck_assert_uint_eq(p.cells, 6);
    ck_assert_ok(qntk_approx_formula_open("abs(x1 - 1/3) < 1e-9 ? 1/0 : x1", 1, 1, 1, &f));
    ck_assert_fails(qntk_approx_build(&f, &p, &net), QNTK_NOT_FINITE, "found inf at x1 = 0.3333333333");
    ck_assert_ptr_null(net.layer);
    qntk_approx_formula_close(&f);
    ck_assert_ok(qntk_approx_formula_open("abs(x1 - 0.3) < 1e-9 ? sqrt(-1) : x1", 1, 1, 1, &f));
    ck_assert_ok(qntk_approx_build(&f, &p, &net));
    ck_assert_fails(qntk_approx_error(&net, &f, &p, 11, 0, 1, &grid, &random), QNTK_NOT_FINITE,
                    "found nan at x1 = 0.3");
    ck_assert(grid == 0 && random == 0);
    qntk_approx_network_free(&net);
    ck_assert_ok(qntk_approx_lipschitz_plan(1, 1, 0.12, 0, &p)); /* 5 cells, the second about 0.3 */
    ck_assert_uint_eq(p.cells, 5);
    ck_assert_fails(qntk_approx_build(&f, &p, &net), QNTK_NOT_FINITE, "found nan at x1 = 0.3");
    qntk_approx_formula_close(&f);
}
END_TEST

static qntk_status everything(void)
{
    qntk_approx_function f;
    qntk_approx_plan p;
    qntk_approx_network net = {0};
    qntk_status status = qntk_approx_formula_open("exp(x1)", 1, 2, 0, &f);
    if (status == QNTK_OK)
        status = qntk_approx_plan_make(1, 2, 0.5, 0, &p);
    if (status == QNTK_OK)
        status = qntk_approx_build(&f, &p, &net);
    qntk_approx_network_free(&net);
    qntk_approx_formula_close(&f);
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
    ck_assert_int_gt(successes, 10);
    ck_assert_int_eq(status, QNTK_OK);
}
END_TEST

START_TEST(without_the_library_the_message_says_what_to_install)
{
    qntk_approx_function f = {.scale = 1};
    ck_assert_fails(qntk_approx_formula_open("x1", 1, 1, 0, &f), QNTK_UNSUPPORTED,
                    "apt-get install libmuparser-dev");
    ck_assert(f.scale == 0 && f.derivative == NULL);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, weights_differentiate_polynomials_exactly);
    tcase_add_test(tcase, a_window_has_the_derivatives_of_a_sine);
    tcase_add_test(tcase, derivatives_that_leave_the_range_of_doubles_are_not_overlooked);
    tcase_add_test(tcase, the_greatest_derivative_is_estimated);
    if (!available()) {
        tcase_add_test(tcase, without_the_library_the_message_says_what_to_install);
        return;
    }
    tcase_add_test(tcase, a_formula_has_the_network_of_the_built_in_function);
    tcase_add_test(tcase, a_steep_formula_is_scaled_into_the_class);
    tcase_add_test(tcase, mistakes_are_named);
    tcase_add_test(tcase, what_is_not_finite_later_is_refused_with_its_point);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("approx_formula", add_tests);
}
