#include "test.h"

#include <string.h>

#include "tile.h"
#include "vecmath.h"

START_TEST(the_vector_functions_are_right_to_a_few_ulp)
{
    const double eps = 2.220446049250313e-16;
    double worst_asin = 0, worst_excess = 0, worst_exp = 0, worst_log = 0, worst_log1p = 0;
    for (int i = 0; i <= 100000; i++) {
        double z = 0.5 * i / 100000, s = sqrt(z);
        worst_asin = test_worse(worst_asin, fabs(vec_asin(s, s * s) - (double)asinl(s)) / fmax(s, 1e-300));
        long double a = 2 * asinl(sqrtl((long double)s * s));
        /* where the difference loses digits its series: theta^3/3 (1 - theta^2/10 + theta^4/280 - ..) */
        long double a2 = a * a;
        long double series = a * a2 / 3 * (1 - a2 / 10 * (1 - a2 / 28 * (1 - a2 / 54 * (1 - a2 / 88))));
        long double w = a < 0.1L ? series : sinl(a) - a * cosl(a);
        double excess = (double)(w / 3.14159265358979323846L);
        worst_excess = test_worse(worst_excess, fabs(vec_excess(s, s * s) - excess) / fmax(excess, 1e-300));
        double x = -708.0 * i / 100000;
        double e = (double)expl(x);
        worst_exp = test_worse(worst_exp, fabs(vec_exp(x) - e) / e);
        double y = exp(1400.0 * i / 100000 - 700), l = (double)logl(y);
        worst_log = test_worse(worst_log, fabs(vec_log(y) - l) / fmax(fabs(l), 0.1));
        double small = exp(740.0 * i / 100000 - 700), l1 = (double)log1pl(small);
        worst_log1p = test_worse(worst_log1p, fabs(vec_log1p(small) - l1) / l1);
    }
    ck_assert_msg(worst_asin < 4 * eps, "asin: %g eps", worst_asin / eps);
    ck_assert_msg(worst_excess < 6 * eps, "excess: %g eps", worst_excess / eps);
    ck_assert_msg(worst_exp < 4 * eps, "exp: %g eps", worst_exp / eps);
    ck_assert_msg(worst_log < 4 * eps, "log: %g eps", worst_log / eps);
    ck_assert_msg(worst_log1p < 4 * eps, "log1p: %g eps", worst_log1p / eps);
    ck_assert(vec_log1p(0) == 0 && isnan(vec_log1p(NAN)) && isnan(vec_exp(NAN)) && isnan(vec_exp(-NAN)));
    ck_assert(vec_exp(0) == 1 && vec_log(1) == 0 && vec_exp(-800) == 0 && vec_exp(-INFINITY) == 0);
}
END_TEST

/* The largest difference between a table and the recursion, over places the fit did not look at. */
static double table_error(const qntk_network_shape *shape, qntk_cosine_table *table)
{
    qntk_recursion r = qntk_recursion_create(shape);
    ck_assert_ok(qntk_cosine_table_create(&r, 1, (qntk_table_extent){0}, table));
    double worst = 0, scale = fabs(qntk_recursion_diagonal(&r, 1));
    qntk_rng rng = qntk_rng_create(8, 0);
    for (int i = 0; i < 4000; i++) {
        /* t spread evenly over its logarithm down to 1e-9, then evenly */
        double u = qntk_rng_uniform(&rng), t = sqrt(0.5) * (i % 2 ? u : exp(-20 * u));
        bool negative = i % 4 < 2;
        long double small = 2 * (long double)t * t;
        long double exact =
            qntk_recursion_value(&r, 1, 1, negative ? 2 - small : small, negative ? small : 2 - small);
        worst =
            test_worse(worst, fabs((double)(exact - qntk_cosine_table_value(table, t, negative))) / scale);
    }
    return worst;
}

START_TEST(tables_reach_the_error_they_state_at_every_depth_and_precision)
{
    const size_t levels[] = {0, 2, 3, 4, 16, 256, 4096, 65536};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        for (size_t depth = 1; depth <= 256; depth *= 4)
            for (int bias = 0; bias < 2; bias++) {
                qntk_network_shape shape = {.depth = depth, .levels = levels[l], .b_std = 0.3 * bias};
                qntk_cosine_table table;
                double error = table_error(&shape, &table);
                ck_assert_msg(table.error < 1e-15, "levels %zu depth %zu: states %g", levels[l], depth,
                              table.error);
                ck_assert_msg(error < 3 * table.error + 1e-15, "levels %zu depth %zu: error %g, stated %g",
                              levels[l], depth, error, table.error);
                qntk_cosine_table_free(&table);
            }
}
END_TEST

START_TEST(a_table_that_misses_its_error_is_refused)
{
    qntk_network_shape deep = {.depth = 64}, smooth = {.depth = 2, .levels = 2};
    qntk_recursion r = qntk_recursion_create(&deep);
    qntk_cosine_table table;
    qntk_table_extent even = {.even_only = true, .single = true};
    ck_assert_fails(qntk_cosine_table_create(&r, 1, even, &table), QNTK_NOT_CONVERGED, "16 pieces");
    ck_assert(table.coefficient == NULL && table.coefficient_single == NULL);
    ck_assert_fails(qntk_cosine_table_create(&r, NAN, (qntk_table_extent){0}, &table), QNTK_NOT_CONVERGED,
                    "error of inf");
    r.keep = NAN;
    ck_assert_fails(qntk_cosine_table_create(&r, 1, (qntk_table_extent){0}, &table), QNTK_NOT_CONVERGED,
                    "error of inf");
    r = qntk_recursion_create(&smooth);
    ck_assert_ok(qntk_cosine_table_create(&r, 1, even, &table));
    qntk_cosine_table_free(&table);
}
END_TEST

/* Each instruction set's row functions against the scalar ones. */
START_TEST(every_instruction_set_agrees_with_the_scalar_functions)
{
    const char *names[] = {"baseline", "avx2", "avx512"};
    const size_t levels[] = {2, 256}; /* an even and a graded table */
    for (size_t v = 0; v < 3; v++) {
        const qntk_tile_ops *ops = qntk_tile_ops_find(names[v]);
        if (ops == NULL) {
            test_skip(qntk_message());
            continue;
        }
        for (size_t l = 0; l < 2; l++) {
            qntk_network_shape shape = {.depth = 3, .levels = levels[l]};
            qntk_recursion r = qntk_recursion_create(&shape);
            qntk_cosine_table table;
            ck_assert_ok(qntk_cosine_table_create(&r, 1, (qntk_table_extent){.single = true}, &table));
            ck_assert(l == 0 ? table.octaves == 0 : table.octaves > 0);
            enum { COUNT = 203 }; /* not a multiple of any vector */
            double value[COUNT], scale[COUNT];
            float single[COUNT];
            for (int j = 0; j < COUNT; j++) {
                value[j] = -1 + 2.0 * j / (COUNT - 1);
                scale[j] = 1 + 0.01 * j;
                single[j] = (float)value[j];
            }
            ck_assert(ops->pole(COUNT, value, 1e-3));
            ck_assert(ops->pole_single(COUNT, single, 1e-3F));
            ops->table(&table, COUNT, value, 2, scale);
            ops->table_single(&table, COUNT, single);
            for (int j = 0; j < COUNT; j++) {
                double c = -1 + 2.0 * j / (COUNT - 1);
                double exact = 2 * scale[j] * qntk_cosine_table_value(&table, sqrt((1 - fabs(c)) / 2), c < 0);
                ck_assert_close(value[j], exact, 2e-15, scale[j] * 2);
                if (l == 0)
                    ck_assert_close((double)single[j], exact / (2 * scale[j]), 2e-6, 1);
            }
            qntk_cosine_table_free(&table);
        }
    }
}
END_TEST

/* Parameters far outside of what specifications allow, too. */
START_TEST(radial_rows_agree_with_the_scalar_function_at_extreme_parameters)
{
    const char *names[] = {"baseline", "avx2", "avx512"};
    const double alphas[] = {1e-6, 1, 1e6, 1e12, 1e100}, powers[] = {1e-3, 0.5, 1.999, 2};
    enum { COUNT = 201 };
    double r2[COUNT], value[COUNT];
    for (int j = 0; j < COUNT; j++)
        r2[j] = j == 0 ? 0 : pow(10, -50 + 0.5 * j);
    for (size_t v = 0; v < 3; v++) {
        const qntk_tile_ops *ops = qntk_tile_ops_find(names[v]);
        if (ops == NULL)
            continue; /* counted as skipped above */
        for (size_t k = 0; k < 9; k++)
            for (double bandwidth = 1e-40; bandwidth < 1e41; bandwidth *= 1e8) {
                qntk_kernel kernel = {.family = k < 5 ? QNTK_FAMILY_RGAUSS : QNTK_FAMILY_GEXP,
                                      .bandwidth = bandwidth,
                                      .alpha = k < 5 ? alphas[k] : 1,
                                      .power = k < 5 ? 1 : powers[k - 5]};
                memcpy(value, r2, sizeof value);
                ops->radial(&kernel, COUNT, value);
                double worst = 0;
                for (int j = 0; j < COUNT; j++)
                    worst = test_worse(worst, fabs(value[j] - qntk_radial_value(&kernel, sqrt(r2[j]))));
                ck_assert_msg(worst < 4e-15, "alpha %g power %g bandwidth %g on %s: error %g", kernel.alpha,
                              kernel.power, bandwidth, names[v], worst);
            }
    }
}
END_TEST

/* How many of a row are NaN. */
static int nans(size_t count, const double *value)
{
    int found = 0;
    for (size_t j = 0; j < count; j++)
        found += isnan(value[j]) != 0;
    return found;
}

static void fill(size_t count, double value, double *out)
{
    for (size_t j = 0; j < count; j++)
        out[j] = value;
}

START_TEST(a_nan_never_becomes_a_number)
{
    const char *names[] = {"baseline", "avx2", "avx512"};
    enum { COUNT = 37 }; /* whole vectors and a rest */
    double x[COUNT], reach[COUNT] = {0}, square[COUNT] = {0};
    float narrow[COUNT];
    for (size_t v = 0; v < 3; v++) {
        const qntk_tile_ops *ops = qntk_tile_ops_find(names[v]);
        if (ops == NULL)
            continue; /* counted as skipped above */
        fill(COUNT, NAN, x);
        ck_assert(!ops->distance(COUNT, x, 1, square, 1, reach) && nans(COUNT, x) == COUNT);
        ck_assert(!ops->pole(COUNT, x, 0.1) && nans(COUNT, x) == COUNT);
        for (size_t levels = 2; levels <= 256; levels += 254) { /* even and graded pieces */
            qntk_network_shape shape = {.depth = 2, .levels = levels};
            qntk_recursion r = qntk_recursion_create(&shape);
            qntk_cosine_table table;
            ck_assert_ok(qntk_cosine_table_create(&r, 1, (qntk_table_extent){.single = true}, &table));
            fill(COUNT, NAN, x);
            ops->table(&table, COUNT, x, 1, NULL);
            ck_assert_int_eq(nans(COUNT, x), COUNT);
            for (size_t j = 0; j < COUNT; j++)
                narrow[j] = NAN;
            ck_assert(!ops->pole_single(COUNT, narrow, 0.1F));
            ops->table_single(&table, COUNT, narrow);
            for (size_t j = 0; j < COUNT; j++)
                x[j] = narrow[j];
            ck_assert_int_eq(nans(COUNT, x), COUNT);
            qntk_cosine_table_free(&table);
        }
        const char *radial[] = {"gauss",  "laplace",       "rgauss",         "gexp",
                                "matern", "matern:nu=2.5", "matern:nu=0.77", "gexp:power=0.001"};
        for (size_t s = 0; s < sizeof radial / sizeof *radial; s++) {
            qntk_kernel kernel;
            ck_assert_ok(qntk_kernel_parse(radial[s], &kernel));
            kernel.bandwidth = 1;
            fill(COUNT, NAN, x);
            ops->radial(&kernel, COUNT, x);
            ck_assert_msg(nans(COUNT, x) == COUNT, "%s on %s: %d", radial[s], names[v], nans(COUNT, x));
        }
    }
}
END_TEST

START_TEST(transposition_and_stores_move_every_element)
{
    const char *names[] = {"baseline", "avx2", "avx512"};
    enum { ROWS = 37, COLUMNS = 50, STRIDE = 64 };
    double *in = qntk_alloc(ROWS * STRIDE, sizeof *in), *out = qntk_alloc(COLUMNS * STRIDE, sizeof *out);
    for (int i = 0; i < ROWS * STRIDE; i++)
        in[i] = i;
    for (size_t v = 0; v < 3; v++) {
        const qntk_tile_ops *ops = qntk_tile_ops_find(names[v]);
        if (ops == NULL)
            continue; /* counted as skipped above */
        for (size_t stride = ROWS; stride <= STRIDE; stride += STRIDE - ROWS) {
            ops->transpose(ROWS, COLUMNS, in, STRIDE, out, stride);
            int different = 0;
            for (size_t i = 0; i < ROWS; i++)
                for (size_t j = 0; j < COLUMNS; j++)
                    different += out[j * stride + i] != in[i * STRIDE + j];
            ck_assert_int_eq(different, 0);
        }
        ops->store(COLUMNS, in + 3, out);
        ck_assert_int_eq(memcmp(out, in + 3, COLUMNS * sizeof *out), 0);
    }
    qntk_free(in);
    qntk_free(out);
}
END_TEST

START_TEST(an_unknown_instruction_set_is_refused)
{
    ck_assert_ptr_null(qntk_tile_ops_find("mmx"));
    ck_assert_ptr_nonnull(strstr(qntk_message(), "'mmx' is not available"));
    ck_assert_ptr_nonnull(qntk_tile_ops_find(NULL));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_vector_functions_are_right_to_a_few_ulp);
    tcase_add_test(tcase, tables_reach_the_error_they_state_at_every_depth_and_precision);
    tcase_add_test(tcase, a_table_that_misses_its_error_is_refused);
    tcase_add_test(tcase, every_instruction_set_agrees_with_the_scalar_functions);
    tcase_add_test(tcase, radial_rows_agree_with_the_scalar_function_at_extreme_parameters);
    tcase_add_test(tcase, a_nan_never_becomes_a_number);
    tcase_add_test(tcase, transposition_and_stores_move_every_element);
    tcase_add_test(tcase, an_unknown_instruction_set_is_refused);
}

int main(void)
{
    return test_main("tile", add_tests);
}
