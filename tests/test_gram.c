#include "gram_check.h"

#include <cblas.h>
#include <lapacke.h>
#include <string.h>

#include "reference.h"

static const char *const specs[] = {
    "qntk",
    "qntk:bits=1.58,depth=3",
    "qntk:bits=8,depth=2",
    "qntk:bits=2,depth=3,b_std=0.5,quantize=all",
    "ntk:depth=3",
    "ntk:depth=2,b_std=0.7",
    "nngp:depth=2",
    "nngp:depth=4,b_std=0.1",
    "gauss:bandwidth=3",
    "laplace:bandwidth=3",
    "rgauss:bandwidth=3,alpha=1.5",
    "gexp:bandwidth=3,power=0.7",
    "gexp:bandwidth=2,power=1.9",
    "matern:bandwidth=3,nu=0.5",
    "matern:bandwidth=3",
    "matern:bandwidth=3,nu=2.5",
    "matern:bandwidth=3,nu=0.8",
};
enum { SPECS = sizeof specs / sizeof *specs };

/* Rows (n,d) with the hard cases among them: a repeated row, an opposite row, rows that differ by 1e-3, 1e-6
 * and 1e-9, parallel rows of other lengths, tiny and large rows, a zero row. */
static double *hard_rows(size_t n, size_t d, uint64_t seed)
{
    double *X = qntk_alloc(n * d, sizeof *X);
    qntk_rng rng = qntk_rng_create(seed, n);
    for (size_t i = 0; i < n * d; i++)
        X[i] = qntk_rng_normal(&rng);
    for (size_t i = 0; i < n; i++) {
        double *x = X + i * d;
        const double *first = X;
        for (size_t j = 0; j < d; j++)
            switch (i % 23) {
            case 1:
                x[j] = first[j];
                break;
            case 2:
                x[j] = -first[j];
                break;
            case 3:
            case 4:
            case 5:
                x[j] = first[j] + x[j] * pow(10, -3 * (double)(i % 23 - 2));
                break;
            case 6:
                x[j] = 1.5 * first[j];
                break;
            case 7:
                x[j] = -first[j] + 1e-7 * x[j];
                break;
            case 8:
                x[j] *= 1e-5;
                break;
            case 9:
                x[j] *= 10;
                break;
            case 10:
                x[j] = 0;
                break;
            case 11: /* equal to the last bits, of another norm's neighbour */
                x[j] = first[j] * (1 + 2.3e-16 * (double)(j % 2));
                break;
            case 12:
                x[j] *= 1e-310;
                break;
            default:
                break;
            }
    }
    return X;
}

START_TEST(radial_kernels_keep_their_error_at_extreme_parameters)
{
    const size_t n = 92, d = 4;
    double *X = hard_rows(n, d, 9);
    for (size_t i = 12; i < n; i += 23) /* gram.h: distances below 1e-150 bandwidths count as 0 */
        for (size_t j = 0; j < d; j++)
            X[i * d + j] = X[j] * 1e-100;
    const double alphas[] = {1e-6, 1e-2, 1, 1e4, 1e6}, powers[] = {1e-3, 0.1, 1, 1.999, 2};
    for (double bandwidth = 1e-8; bandwidth < 1e9; bandwidth *= 100) {
        qntk_kernel kernel = gram_parse("rgauss");
        kernel.bandwidth = bandwidth;
        for (size_t k = 0; k < sizeof alphas / sizeof *alphas; k++) {
            kernel.alpha = alphas[k];
            double *K = gram_whole_of(&kernel, n, d, X, qntk_gram_defaults());
            double worst = gram_worst_entry_of(&kernel, n, d, X, K, 1);
            ck_assert_msg(worst < 1e-13, "alpha %g, bandwidth %g: error %g", alphas[k], bandwidth, worst);
            qntk_free(K);
        }
        kernel = gram_parse("gexp");
        kernel.bandwidth = bandwidth;
        for (size_t k = 0; k < sizeof powers / sizeof *powers; k++) {
            kernel.power = powers[k];
            double *K = gram_whole_of(&kernel, n, d, X, qntk_gram_defaults());
            double worst = gram_worst_entry_of(&kernel, n, d, X, K, 1);
            ck_assert_msg(worst < 1e-13, "power %g, bandwidth %g: error %g", powers[k], bandwidth, worst);
            qntk_free(K);
        }
    }
    qntk_free(X);
}
END_TEST

START_TEST(every_entry_agrees_with_the_pair_on_every_instruction_set)
{
    const char *isas[] = {"baseline", "avx2", "avx512"};
    const size_t n = 300, d = 7;
    double *X = hard_rows(n, d, 1);
    for (size_t v = 0; v < 3; v++)
        for (size_t s = 0; s < SPECS; s++) {
            qntk_gram_options options = qntk_gram_defaults();
            options.isa = isas[v];
            qntk_kernel kernel = gram_parse(specs[s]);
            qntk_gram *probe;
            if (qntk_gram_create(&kernel, d, n, X, 0, NULL, options, &probe) == QNTK_UNSUPPORTED) {
                test_skip(qntk_message());
                break;
            }
            ck_assert_str_eq(qntk_gram_isa(probe), isas[v]);
            qntk_gram_destroy(&probe);
            double *K = gram_whole(specs[s], n, d, X, options);
            double worst = gram_worst_entry(specs[s], n, d, X, K, 1);
            ck_assert_msg(worst < 1e-13, "%s on %s: error %g", specs[s], isas[v], worst);
            qntk_free(K);
        }
    qntk_free(X);
}
END_TEST

START_TEST(sizes_around_the_block_boundaries_are_right)
{
    const size_t sizes[] = {1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 513, 770};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s], d = 3;
        double *X = hard_rows(n, d, 2);
        for (size_t k = 0; k < SPECS; k += 4) {
            double *K = gram_whole(specs[k], n, d, X, qntk_gram_defaults());
            ck_assert_double_lt(gram_worst_entry(specs[k], n, d, X, K, n < 300 ? 1 : 61), 1e-13);
            size_t asymmetric = 0;
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < i; j++)
                    asymmetric += K[i * n + j] != K[j * n + i];
            ck_assert_msg(asymmetric == 0, "%s, n %zu: %zu pairs differ", specs[k], n, asymmetric);
            qntk_free(K);
        }
        qntk_free(X);
    }
}
END_TEST

START_TEST(the_reference_grams_are_reproduced)
{
    cJSON *json = reference_read();
    if (json == NULL)
        return;
    enum { N = 5, D = 4 };
    double X[N * D];
    const cJSON *rows = cJSON_GetObjectItem(json, "X"), *row;
    for (int i = 0; i < N * D; i++)
        X[i] = reference_number(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, i / D), i % D));
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "gram"))
    {
        for (int nngp = 0; nngp < 2; nngp++) {
            qntk_kernel kernel = reference_kernel(row);
            kernel.network.nngp = nngp;
            const cJSON *table = cJSON_GetObjectItem(row, nngp ? "nngp" : "ntk");
            double K[N * N];
            ck_assert_ok(qntk_gram_symmetric(&kernel, N, D, X, K));
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) {
                    double expected = reference_number(cJSON_GetArrayItem(cJSON_GetArrayItem(table, i), j));
                    double scale = fmax(fabs(expected), sqrt(K[i * N + i] * K[j * N + j]));
                    ck_assert_close(K[i * N + j], expected, 2e-15, scale);
                }
        }
    }
    cJSON_Delete(json);
}
END_TEST

START_TEST(the_bytes_do_not_depend_on_the_number_of_threads)
{
    const size_t n = 600, d = 5;
    double *X = hard_rows(n, d, 3);
    for (size_t s = 0; s < SPECS; s++) {
        ck_assert_ok(qntk_threads_set(1));
        double *one = gram_whole(specs[s], n, d, X, qntk_gram_defaults());
        for (size_t threads = 2; threads <= 3; threads++) {
            ck_assert_ok(qntk_threads_set(threads));
            double *many = gram_whole(specs[s], n, d, X, qntk_gram_defaults());
            ck_assert_msg(memcmp(one, many, n * n * sizeof *one) == 0, "%s differs on %zu threads", specs[s],
                          threads);
            qntk_free(many);
        }
        qntk_free(one);
    }
    ck_assert_ok(qntk_threads_set(0));
    qntk_free(X);
}
END_TEST

START_TEST(any_tile_alone_has_the_bytes_of_the_whole)
{
    const size_t n = 700, d = 6;
    double *X = hard_rows(n, d, 4);
    const size_t tiles[][4] = {{0, 700, 0, 700},     {0, 1, 0, 1},         {255, 2, 255, 2},
                               {300, 111, 17, 640},  {17, 640, 3, 1},      {699, 1, 0, 700},
                               {512, 188, 512, 188}, {100, 300, 400, 300}, {5, 0, 5, 0}};
    for (size_t s = 0; s < SPECS; s += 3) {
        qntk_kernel kernel = gram_parse(specs[s]);
        qntk_gram *g;
        double *K = qntk_alloc(n * n, sizeof *K), *out = qntk_alloc(n * n, sizeof *out);
        ck_assert_ok(qntk_gram_create(&kernel, d, n, X, 0, NULL, qntk_gram_defaults(), &g));
        ck_assert_ok(qntk_gram_fill(g, K));
        for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++) {
            size_t row = tiles[t][0], rows = tiles[t][1], column = tiles[t][2], columns = tiles[t][3];
            ck_assert_ok(qntk_gram_tile(g, row, rows, column, columns, out, columns + 3 * (columns < 600)));
            size_t stride = columns + 3 * (columns < 600);
            int different = 0;
            for (size_t i = 0; i < rows; i++)
                different += memcmp(out + i * stride, K + (row + i) * n + column, columns * sizeof *K) != 0;
            ck_assert_int_eq(different, 0);
        }
        ck_assert_fails(qntk_gram_tile(g, 0, n + 1, 0, 1, out, n), QNTK_INVALID, "rows beyond");
        ck_assert_fails(qntk_gram_tile(g, 0, 1, n, 1, out, n), QNTK_INVALID, "columns beyond");
        ck_assert_fails(qntk_gram_tile(g, 0, 1, 0, 5, out, 4), QNTK_INVALID, "stride");
        qntk_gram_destroy(&g);
        qntk_free(K);
        qntk_free(out);
    }
    qntk_free(X);
}
END_TEST

START_TEST(a_cross_matrix_agrees_with_the_symmetric_one)
{
    const size_t n = 300, m = 90, d = 6;
    double *X = hard_rows(n, d, 5);
    for (size_t s = 0; s < SPECS; s++) {
        qntk_kernel kernel = gram_parse(specs[s]);
        qntk_gram *g;
        double *K = qntk_alloc(n * m, sizeof *K);
        ck_assert_ok(qntk_gram_create(&kernel, d, n, X, m, X, qntk_gram_defaults(), &g));
        ck_assert_ok(qntk_gram_fill(g, K));
        double worst = 0;
        for (size_t i = 0; i < n; i += 7)
            for (size_t j = 0; j < m; j++) {
                double exact = qntk_kernel_pair(&kernel, d, X + i * d, X + j * d);
                double ii = qntk_kernel_pair(&kernel, d, X + i * d, X + i * d);
                double jj = qntk_kernel_pair(&kernel, d, X + j * d, X + j * d);
                double error = fabs(K[i * m + j] - exact) / fmax(sqrt(ii * jj), 1e-300);
                worst = isfinite(error) ? fmax(worst, error) : INFINITY;
            }
        ck_assert_msg(worst < 1e-13, "%s: error %g", specs[s], worst);
        qntk_gram_destroy(&g);
        qntk_free(K);
    }
    qntk_free(X);
}
END_TEST

START_TEST(rows_on_a_sphere_take_the_table_even_with_bias)
{
    const size_t n = 270, d = 5;
    double *X = hard_rows(n, d, 6);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < d; j++) {
            X[i * d + j] += i % 23 == 10 || i % 23 == 12; /* no (nearly) zero row on a sphere */
            sum += X[i * d + j] * X[i * d + j];
        }
        for (size_t j = 0; j < d; j++)
            X[i * d + j] *= sqrt((double)d / sum);
    }
    qntk_kernel kernel = gram_parse("qntk:bits=2,depth=4,b_std=0.6");
    qntk_gram *g;
    ck_assert_ok(qntk_gram_create(&kernel, d, n, X, 0, NULL, qntk_gram_defaults(), &g));
    ck_assert_msg(strncmp(qntk_gram_route(g), "table", 5) == 0, "route: %s", qntk_gram_route(g));
    double *K = qntk_alloc(n * n, sizeof *K);
    ck_assert_ok(qntk_gram_fill(g, K));
    ck_assert_double_lt(gram_worst_entry(kernel.spec, n, d, X, K, 1), 1e-13);
    qntk_gram_destroy(&g);
    qntk_free(K);
    qntk_free(X);
}
END_TEST

START_TEST(gram_matrices_are_positive_semidefinite_to_rounding)
{
    const size_t n = 200, d = 4;
    double *X = hard_rows(n, d, 7), eval[200];
    for (size_t s = 0; s < SPECS; s++) {
        double *K = gram_whole(specs[s], n, d, X, qntk_gram_defaults());
        ck_assert_int_eq(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'L', (int)n, K, (int)n, eval), 0);
        ck_assert_msg(eval[0] > -1e-14 * eval[n - 1], "%s: smallest eigenvalue %g, largest %g", specs[s],
                      eval[0], eval[n - 1]);
        qntk_free(K);
    }
    qntk_free(X);
}
END_TEST

START_TEST(single_precision_keeps_its_stated_error)
{
    const size_t n = 300, d = 9;
    double *X = hard_rows(n, d, 8);
    qntk_gram_options options = qntk_gram_defaults();
    options.precision = QNTK_PRECISION_SINGLE;
    for (size_t s = 0; s < SPECS; s++) {
        double *K = gram_whole(specs[s], n, d, X, options);
        double worst = gram_worst_entry(specs[s], n, d, X, K, 1);
        ck_assert_msg(worst < 1e-5, "%s: error %g", specs[s], worst);

        qntk_kernel kernel = gram_parse(specs[s]);
        qntk_gram *g;
        float *narrow = qntk_alloc(n * n, sizeof *narrow);
        ck_assert_ok(qntk_gram_create(&kernel, d, n, X, 0, NULL, options, &g));
        ck_assert_ok(qntk_gram_fill_single(g, narrow));
        size_t different = 0;
        for (size_t i = 0; i < n * n; i++)
            different += narrow[i] != (float)K[i];
        ck_assert_uint_eq(different, 0);
        qntk_gram_destroy(&g);
        qntk_free(narrow);
        qntk_free(K);
    }
    qntk_free(X);
}
END_TEST

START_TEST(a_tile_has_the_same_bytes_with_a_caller_on_four_blas_threads)
{
    const size_t n = 700, d = 301;
    double *X = hard_rows(n, d, 11), *one = qntk_alloc(n * n, sizeof *one),
           *four = qntk_alloc(n * n, sizeof *four);
    const char *some[] = {"ntk:depth=2", "gauss:bandwidth=20"};
    for (size_t s = 0; s < 2; s++)
        for (int single = 0; single < 2; single++) {
            qntk_kernel kernel = gram_parse(some[s]);
            qntk_gram_options options = qntk_gram_defaults();
            options.precision = single ? QNTK_PRECISION_SINGLE : QNTK_PRECISION_DOUBLE;
            qntk_gram *g;
            ck_assert_ok(qntk_gram_create(&kernel, d, n, X, 0, NULL, options, &g));
            int before = openblas_get_num_threads();
            ck_assert_ok(qntk_gram_fill(g, one));
            openblas_set_num_threads(4);
            ck_assert_ok(qntk_gram_tile(g, 0, n, 0, n, four, n));
            ck_assert_int_eq(openblas_get_num_threads(), 4); /* as the caller left it */
            openblas_set_num_threads(before);
            ck_assert_msg(memcmp(one, four, n * n * sizeof *one) == 0, "%s differs", some[s]);
            qntk_gram_destroy(&g);
        }
    qntk_free(X);
    qntk_free(one);
    qntk_free(four);
}
END_TEST

START_TEST(bad_input_is_refused_by_name)
{
    double X[6] = {1, 2, 3, NAN, 5, 6};
    qntk_kernel kernel = gram_parse("qntk"), median = gram_parse("gauss"), file = gram_parse("K.npy");
    qntk_gram *g;
    qntk_gram_options options = qntk_gram_defaults();
    ck_assert_fails(qntk_gram_create(&kernel, 2, 3, X, 0, NULL, options, &g), QNTK_NOT_FINITE,
                    "row 1 of the data");
    ck_assert_ptr_null(g);
    X[3] = 1e141;
    ck_assert_fails(qntk_gram_create(&kernel, 2, 3, X, 0, NULL, options, &g), QNTK_NOT_FINITE, "row 1");
    X[3] = 4;
    ck_assert_fails(qntk_gram_create(&kernel, 2, 0, X, 0, NULL, options, &g), QNTK_INVALID,
                    "at least one row");
    ck_assert_fails(qntk_gram_create(&median, 2, 3, X, 0, NULL, options, &g), QNTK_INVALID, "not resolved");
    ck_assert_fails(qntk_gram_create(&file, 2, 3, X, 0, NULL, options, &g), QNTK_INVALID, "matrix already");
    options.isa = "sse9";
    ck_assert_fails(qntk_gram_create(&kernel, 2, 3, X, 0, NULL, options, &g), QNTK_UNSUPPORTED, "sse9");
}
END_TEST

START_TEST(small_matrices_take_the_recursion_and_large_ones_a_table)
{
    const struct {
        const char *spec;
        size_t n;
        const char *route;
    } known[] = {
        {"ntk:depth=2", 88, "recursion"},   {"ntk:depth=2", 90, "table (16 pieces"},
        {"qntk:bits=8", 330, "recursion"},  {"qntk:bits=8", 340, "table (194 pieces"},
        {"qntk:b_std=1", 340, "recursion"}, {"gauss:bandwidth=1", 340, "radial"},
        {"nngp:depth=64", 340, "table"},
    };
    double *X = hard_rows(340, 3, 12), *K = qntk_alloc((size_t)340 * 340, sizeof *K);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        qntk_kernel kernel = gram_parse(known[k].spec);
        qntk_gram *g;
        ck_assert_ok(qntk_gram_create(&kernel, 3, known[k].n, X, 0, NULL, qntk_gram_defaults(), &g));
        ck_assert_msg(strncmp(qntk_gram_route(g), known[k].route, strlen(known[k].route)) == 0,
                      "%s, n %zu: route %s", known[k].spec, known[k].n, qntk_gram_route(g));
        ck_assert_ok(qntk_gram_fill(g, K));
        ck_assert_double_lt(gram_worst_entry(known[k].spec, known[k].n, 3, X, K, 11), 1e-13);
        qntk_gram_destroy(&g);
    }
    qntk_free(X);
    qntk_free(K);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const char *routes[] = {"qntk", "qntk:b_std=1", "qntk:bits=8", "gauss:bandwidth=1"};
    enum { N = 320, M = 330 }; /* enough for a graded table */
    double *X = hard_rows(M, 2, 14), *K = qntk_alloc((size_t)N * M, sizeof *K);
    for (size_t s = 0; s < 4; s++)
        for (int single = 0; single < 2; single++) {
            qntk_kernel kernel = gram_parse(routes[s]);
            qntk_gram_options options = qntk_gram_defaults();
            options.precision = single ? QNTK_PRECISION_SINGLE : QNTK_PRECISION_DOUBLE;
            qntk_gram *g;
            long allocation = 0;
            for (;; allocation++) {
                qntk_memory_fail_after(allocation);
                qntk_status status = qntk_gram_create(&kernel, 2, N, X, M, X, options, &g);
                if (status == QNTK_OK)
                    status = qntk_gram_fill(g, K);
                if (status == QNTK_OK)
                    status = qntk_gram_tile(g, 0, 5, 0, 5, K, M);
                qntk_gram_destroy(&g);
                if (status == QNTK_OK)
                    break;
                ck_assert_int_eq(status, QNTK_NO_MEMORY);
                ck_assert_int_lt(allocation, 100);
            }
            qntk_memory_fail_after(-1);
            ck_assert_int_gt(allocation, 5);
        }
    qntk_free(X);
    qntk_free(K);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, radial_kernels_keep_their_error_at_extreme_parameters);
    tcase_add_test(tcase, every_entry_agrees_with_the_pair_on_every_instruction_set);
    tcase_add_test(tcase, sizes_around_the_block_boundaries_are_right);
    tcase_add_test(tcase, the_reference_grams_are_reproduced);
    tcase_add_test(tcase, the_bytes_do_not_depend_on_the_number_of_threads);
    tcase_add_test(tcase, any_tile_alone_has_the_bytes_of_the_whole);
    tcase_add_test(tcase, a_cross_matrix_agrees_with_the_symmetric_one);
    tcase_add_test(tcase, rows_on_a_sphere_take_the_table_even_with_bias);
    tcase_add_test(tcase, gram_matrices_are_positive_semidefinite_to_rounding);
    tcase_add_test(tcase, single_precision_keeps_its_stated_error);
    tcase_add_test(tcase, a_tile_has_the_same_bytes_with_a_caller_on_four_blas_threads);
    tcase_add_test(tcase, bad_input_is_refused_by_name);
    tcase_add_test(tcase, small_matrices_take_the_recursion_and_large_ones_a_table);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("gram", add_tests);
}
