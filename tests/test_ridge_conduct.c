/* How paths of ridges behave: threads, failures, progress. */
#include "ridge_problem.h"

#include <string.h>

#include "ridge_internal.h"

static void assert_same_bytes(const qntk_ridge_path *a, const qntk_ridge_path *b)
{
    const size_t bytes = a->n * a->count * a->m * sizeof(double);
    ck_assert_mem_eq(a->alpha, b->alpha, bytes);
    ck_assert_mem_eq(a->fit, b->fit, a->count * sizeof *a->fit);
    if (a->left_out != NULL)
        ck_assert_mem_eq(a->left_out, b->left_out, bytes);
}

typedef struct {
    size_t n, m;
    const double *K, *Y;
    qntk_ridge_path path[4];
} inner_solves;

static qntk_status solve_inside(void *context, size_t index, size_t worker)
{
    (void)worker;
    inner_solves *s = context;
    const double ridge[2] = {0.1, 1};
    qntk_ridge_options options = {.detail = QNTK_RIDGE_LEAVE_ONE_OUT, .route = routes[index % ROUTES]};
    return qntk_ridge_solve(s->n, s->K, s->m, s->Y, 2, ridge, options, &s->path[index]);
}

typedef struct {
    size_t reports, strange; /* strange: of another step, or behind the one before */
    double last;
} reports;

static void note_report(void *context, const char *label, double fraction)
{
    reports *r = context;
    r->reports++;
    r->strange += strcmp(label, "kernel regression") != 0 || !(fraction >= r->last && fraction <= 1);
    r->last = fraction;
}

START_TEST(the_bytes_do_not_depend_on_the_number_of_threads)
{
    enum { N = 450, M = 40 };
    inner_solves first = {
        .n = N, .m = M, .K = ridge_random_kernel(N, 13), .Y = ridge_random_targets(N * M, 14)};
    double *F = qntk_alloc(2 * N * M, sizeof(double)), *other_F = qntk_alloc(2 * N * M, sizeof(double));
    for (size_t threads = 1; threads <= 3; threads++) {
        inner_solves other = first;
        ck_assert_ok(qntk_threads_set(threads));
        for (size_t k = 0; k < ROUTES; k++)
            ck_assert_ok(solve_inside(threads == 1 ? &first : &other, k, 0));
        double *out = threads == 1 ? F : other_F;
        ck_assert_ok(qntk_ridge_predict(N, N, first.K, 2 * M, first.path[0].alpha, out));
        for (size_t k = 0; k < ROUTES && threads > 1; k++) {
            assert_same_bytes(&other.path[k], &first.path[k]);
            qntk_ridge_path_free(&other.path[k]);
        }
        if (threads > 1)
            ck_assert_mem_eq(F, other_F, 2 * N * M * sizeof(double));
    }
    inner_solves inside = first;
    ck_assert_ok(qntk_parallel_for(4, solve_inside, &inside));
    for (size_t i = 0; i < 4; i++) {
        assert_same_bytes(&inside.path[i], &first.path[i % ROUTES]);
        qntk_ridge_path_free(&inside.path[i]);
    }
    for (size_t k = 0; k < ROUTES; k++)
        qntk_ridge_path_free(&first.path[k]);
    ck_assert_ok(qntk_threads_set(0));
    qntk_free((void *)first.K);
    qntk_free((void *)first.Y);
    qntk_free(F);
    qntk_free(other_F);
}
END_TEST

START_TEST(only_the_lower_triangle_is_read_and_nothing_is_written)
{
    enum { N = 200 };
    double *K = ridge_random_kernel(N, 15), *Y = ridge_random_targets(N, 16),
           *poisoned = ridge_random_kernel(N, 15);
    double *copy = qntk_alloc(N * N, sizeof(double));
    const double ridge = 0.1;
    for (size_t i = 0; i < N; i++)
        for (size_t j = i + 1; j < N; j++)
            poisoned[i * N + j] = NAN;
    memcpy(copy, poisoned, N * N * sizeof(double));
    for (size_t k = 0; k < ROUTES; k++) {
        qntk_ridge_path a = ridge_solve(N, K, 1, Y, 1, &ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        qntk_ridge_path b = ridge_solve(N, poisoned, 1, Y, 1, &ridge, QNTK_RIDGE_LEAVE_ONE_OUT, routes[k]);
        assert_same_bytes(&a, &b);
        qntk_ridge_path_free(&a);
        qntk_ridge_path_free(&b);
    }
    ck_assert_mem_eq(copy, poisoned, N * N * sizeof(double));
    qntk_free(K);
    qntk_free(Y);
    qntk_free(poisoned);
    qntk_free(copy);
}
END_TEST

START_TEST(bad_input_is_named)
{
    enum { N = 66, M = 2 };
    double *K = ridge_random_kernel(N, 19), *Y = ridge_random_targets(N * M, 20), ridge[2] = {1, 2};
    qntk_ridge_path path;
    for (size_t k = 0; k < ROUTES; k++) {
        const qntk_ridge_options options = {.route = routes[k]};
        Y[5 * M + 1] = NAN;
        ck_assert_fails(qntk_ridge_solve(N, K, M, Y, 2, ridge, options, &path), QNTK_NOT_FINITE, "(5,1)");
        Y[5 * M + 1] = 0;
        ridge[1] = INFINITY;
        ck_assert_fails(qntk_ridge_solve(N, K, M, Y, 2, ridge, options, &path), QNTK_NOT_FINITE, "ridge 1");
        ridge[1] = -1e-9;
        ck_assert_fails(qntk_ridge_solve(N, K, M, Y, 2, ridge, options, &path), QNTK_INVALID, "-1e-09");
        ridge[1] = 2;
        K[7 * N + 3] = NAN;
        ck_assert_fails(qntk_ridge_solve(N, K, M, Y, 2, ridge, options, &path), QNTK_NOT_FINITE, "(7,3)");
        K[7 * N + 3] = K[3 * N + 7];
        const double minus = -1, one = 1, small = 0.5, huge = 1e300, tiny = 1e-300;
        ck_assert_fails(
            qntk_ridge_solve(1, &minus, 1, &one, 1, &small, options, &path), QNTK_SINGULAR,
            "ridge 0.5: expected K + ridge I to be positive definite, found pivot 1 of 1 to be -0.5");
        ck_assert_fails(qntk_ridge_solve(1, &tiny, 1, &one, 1, &huge, options, &path), QNTK_NOT_FINITE,
                        "too large beside");
        ck_assert_fails(qntk_ridge_solve(1, &tiny, 1, &huge, 1, &tiny, options, &path), QNTK_NOT_FINITE,
                        "leaves the range");
        ck_assert_fails(qntk_ridge_solve((size_t)1 << 31, K, 1, Y, 1, ridge, options, &path), QNTK_TOO_LARGE,
                        "rows");
        ck_assert_fails(qntk_ridge_solve(0, K, 1, Y, 1, ridge, options, &path), QNTK_INVALID, "at least 1");
        ck_assert_fails(qntk_ridge_solve(N, K, 0, Y, 1, ridge, options, &path), QNTK_INVALID, "at least 1");
        ck_assert_fails(qntk_ridge_solve(N, K, 1, Y, 0, ridge, options, &path), QNTK_INVALID, "at least 1");
        ck_assert_fails(qntk_ridge_solve(N, NULL, 1, Y, 1, ridge, options, &path), QNTK_INVALID, "NULL");
        ck_assert_fails(qntk_ridge_solve(N, K, 1, Y, 1, ridge, options, NULL), QNTK_INVALID, "path");
        ck_assert_ptr_null(path.fit);
    }
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(every_failing_allocation_is_reported_and_nothing_leaks)
{
    enum { N = 100 };
    double *K = ridge_random_kernel(N, 21), *Y = ridge_random_targets(N, 22);
    const double ridge[2] = {0.1, 1};
    for (size_t k = 0; k < ROUTES; k++) {
        const qntk_ridge_options options = {.route = routes[k], .detail = QNTK_RIDGE_LEAVE_ONE_OUT};
        qntk_ridge_path path;
        qntk_memory_fail_after(-1);
        ck_assert_ok(qntk_ridge_solve(N, K, 1, Y, 2, ridge, options, &path));
        const long allocations = qntk_memory_fail_after(-1);
        ck_assert_int_gt(allocations, 8);
        qntk_ridge_path_free(&path);
        for (long i = 0; i < allocations; i++) {
            qntk_memory_fail_after(i);
            ck_assert_fails(qntk_ridge_solve(N, K, 1, Y, 2, ridge, options, &path), QNTK_NO_MEMORY, "memory");
            ck_assert_ptr_null(path.alpha);
        }
        qntk_memory_fail_after(-1);
    }
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(an_interrupt_ends_either_route)
{
    enum { N = 100 };
    double *K = ridge_random_kernel(N, 23), *Y = ridge_random_targets(N, 24);
    const double ridge = 1;
    for (size_t k = 0; k < ROUTES; k++) {
        const qntk_ridge_options options = {.route = routes[k]};
        qntk_ridge_path path;
        qntk_interrupt();
        ck_assert_fails(qntk_ridge_solve(N, K, 1, Y, 1, &ridge, options, &path), QNTK_INTERRUPTED,
                        "interrupted");
        qntk_interrupt_clear();
        ck_assert_ptr_null(path.alpha);
    }
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

START_TEST(a_path_reports_its_own_name_from_0_to_1_and_inside_a_loop_nothing)
{
    enum { N = 500, RIDGES = 40 };
    double *K = ridge_random_kernel(N, 25), *Y = ridge_random_targets(N, 26), ridge[RIDGES];
    for (size_t r = 0; r < RIDGES; r++)
        ridge[r] = 0.01 * (double)(r + 1);
    ck_assert_ok(qntk_threads_set(1)); /* one after another: no report overtakes another */
    for (int detail = QNTK_RIDGE_FIT; detail <= QNTK_RIDGE_LEAVE_ONE_OUT; detail++) {
        reports r = {0};
        qntk_progress_set(note_report, &r);
        qntk_ridge_path path =
            ridge_solve(N, K, 1, Y, RIDGES, ridge, (qntk_ridge_detail)detail, QNTK_RIDGE_ROUTE_BAND);
        qntk_progress_set(NULL, NULL);
        qntk_ridge_path_free(&path);
        ck_assert_uint_ge(r.reports, 2);
        ck_assert_uint_eq(r.strange, 0);
        ck_assert_double_eq(r.last, 1);
    }
    reports inside = {0};
    inner_solves s = {.n = 100, .m = 1, .K = ridge_random_kernel(100, 27), .Y = Y};
    qntk_progress_set(note_report, &inside);
    ck_assert_ok(qntk_parallel_for(ROUTES, solve_inside, &s));
    qntk_progress_set(NULL, NULL);
    for (size_t k = 0; k < ROUTES; k++)
        qntk_ridge_path_free(&s.path[k]);
    qntk_free((void *)s.K);
    ck_assert_uint_eq(inside.reports, 0);
    ck_assert_ok(qntk_threads_set(0));
    qntk_free(K);
    qntk_free(Y);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_bytes_do_not_depend_on_the_number_of_threads);
    tcase_add_test(tcase, only_the_lower_triangle_is_read_and_nothing_is_written);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_leaks);
    tcase_add_test(tcase, an_interrupt_ends_either_route);
    tcase_add_test(tcase, a_path_reports_its_own_name_from_0_to_1_and_inside_a_loop_nothing);
}

int main(void)
{
    return test_main("ridge_conduct", add_tests);
}
