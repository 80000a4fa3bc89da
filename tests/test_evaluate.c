#include "regression_problem.h"

#include <float.h>
#include <string.h>

/* ---- rows that are hard ---- */

/* n rows, all of which are the same: K = 1. */
static problem equal_rows(size_t n, size_t classes, size_t train)
{
    problem p = regression_problem_create(n, classes, 56);
    for (size_t i = 0; i < n * n; i++)
        p.K[i] = 1;
    p.split.train_count = train;
    p.split.test_count = n - train;
    for (size_t i = 0; i < n; i++)
        *(i < train ? &p.split.train[i] : &p.split.test[i - train]) = i;
    return p;
}

/* ---- errors ---- */

/* The ridge after "to " and before " or more" at the end of the message. */
static double suggested(void)
{
    const char *at = strstr(qntk_message(), "raise the ridge to ");
    ck_assert_msg(at != NULL, "no ridge in: %s", qntk_message());
    return strtod(at + strlen("raise the ridge to "), NULL);
}

/* ---- threads ---- */

typedef struct {
    const problem *p;
    qntk_score score[4][3];
    double answer[4][3 * 300];
} job;

static qntk_status evaluate_item(void *context, size_t index, size_t worker)
{
    static const double ridge[] = {1e-3, 0.1, 10};
    (void)worker;
    job *j = context;
    return regression_evaluate(j->p, 3, ridge, qntk_evaluate_defaults(), j->score[index], j->answer[index]);
}

START_TEST(a_common_scale_of_kernel_and_ridge_changes_nothing)
{
    problem p = regression_problem_create(40, 0, 51);
    const double ridge[] = {0.01, 1}, scaled[] = {0.01 * 1024, 1024};
    qntk_score a[2], b[2];
    double f[2 * 40], g[2 * 40];
    ck_assert_ok(regression_evaluate(&p, 2, ridge, qntk_evaluate_defaults(), a, f));
    for (size_t i = 0; i < p.n * p.n; i++)
        p.K[i] *= 1024;
    ck_assert_ok(regression_evaluate(&p, 2, scaled, qntk_evaluate_defaults(), b, g));
    for (size_t r = 0; r < 2; r++) {
        ck_assert_relative(b[r].train, a[r].train, 1e-12);
        ck_assert_relative(b[r].test, a[r].test, 1e-12);
        ck_assert_relative(b[r].loo, a[r].loo, 1e-12);
        ck_assert_relative(b[r].kare, a[r].kare, 1e-12);
        ck_assert_relative(b[r].gcv, a[r].gcv, 1e-12);
        ck_assert_relative(b[r].freedom, a[r].freedom, 1e-12);
    }
    regression_problem_free(&p);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_huge_ridge_predicts_the_prior)
{
    const double ridge = 1e13;
    qntk_score score;
    double answer[64];
    problem p = regression_problem_create(40, 0, 52);
    const size_t t = p.split.train_count, s = p.split.test_count;
    double mean = 0;
    for (size_t i = 0; i < t; i++)
        mean += p.y[p.split.train[i]] / (double)t;
    for (int center = 0; center < 2; center++) {
        qntk_evaluate_options options = qntk_evaluate_defaults();
        options.center = center;
        ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &score, answer));
        const double prior = center ? mean : 0;
        double train = 0, worst = 0;
        for (size_t i = 0; i < t; i++)
            train += pow(p.y[p.split.train[i]] - prior, 2) / (double)t;
        for (size_t i = 0; i < s; i++)
            worst = test_worse(worst, fabs(answer[i] - prior));
        ck_assert_double_lt(worst, 1e-10);
        ck_assert_relative(score.train, train, 1e-10);
        ck_assert_relative(score.loo, train * (center ? pow((double)t / (double)(t - 1), 2) : 1), 1e-10);
        ck_assert_close(score.freedom, 0, 1e-10, t);
    }
    regression_problem_free(&p);
}
END_TEST

START_TEST(a_huge_ridge_predicts_the_most_frequent_class)
{
    enum { N = 12 };
    const double ridge = 1e13;
    problem p = regression_problem_create(N, 2, 53);
    qntk_evaluate_options options = qntk_evaluate_defaults();
    options.center = true;
    qntk_score score;
    for (size_t i = 0; i < N; i++) /* train: rows 0 .. 7, 5 of class 1; test: 8 .. 11, 1 of class 1 */
        p.y[i] = i < 5 || i == 9;
    p.split.train_count = 8;
    p.split.test_count = 4;
    for (size_t i = 0; i < N; i++)
        *(i < 8 ? &p.split.train[i] : &p.split.test[i - 8]) = i;
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &score, NULL));
    ck_assert_double_eq(score.train, 5.0 / 8);
    ck_assert_double_eq(score.test, 1.0 / 4);
    ck_assert_double_eq(score.gap, 3.0 / 8);
    ck_assert_double_eq(score.loo, 3.0 / 8);
    /* four of each: of the seven others, most are of the other class, whichever row is left out */
    p.y[0] = 0;
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &score, NULL));
    ck_assert_double_eq(score.loo, 1);
    regression_problem_free(&p);
}
END_TEST

START_TEST(without_a_ridge_the_training_rows_are_met)
{
    const double ridge = 0;
    qntk_score score;
    problem p = regression_problem_create(40, 3, 54), q = regression_problem_create(40, 0, 55);
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), &score, NULL));
    ck_assert_double_eq(score.train, 1);
    ck_assert_double_eq(score.freedom, (double)p.split.train_count);
    ck_assert_double_nan(score.gcv);
    ck_assert(score.kare > 0 && score.loo > 0 && score.loo < 1);
    ck_assert_ok(regression_evaluate(&q, 1, &ridge, qntk_evaluate_defaults(), &score, NULL));
    ck_assert_double_eq(score.train, 0);
    ck_assert(score.test > 0 && score.gap == score.test);
    /* predictions of the training rows themselves, through the kernel */
    memcpy(q.split.test, q.split.train, 10 * sizeof(size_t));
    q.split.test_count = 10;
    ck_assert_ok(regression_evaluate(&q, 1, &ridge, qntk_evaluate_defaults(), &score, NULL));
    ck_assert_double_lt(score.test, 1e-24);
    regression_problem_free(&p);
    regression_problem_free(&q);
}
END_TEST

START_TEST(equal_rows_with_different_labels_get_their_majority_or_mean)
{
    const double ridge = 1e-3;
    qntk_score score;
    problem p = equal_rows(6, 2, 4);
    const double labels[] = {1, 0, 1, 1, 1, 0};
    memcpy(p.y, labels, sizeof labels);
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), &score, NULL));
    ck_assert_double_eq(score.train, 0.75);
    ck_assert_double_eq(score.test, 0.5);
    ck_assert_double_eq(score.loo, 0.25);
    regression_problem_free(&p);
    /* all rows see f = sum y/(t + ridge); left out f = (sum y - y_i)/(t - 1 + ridge) */
    p = equal_rows(6, 0, 4);
    double train = 0, out = 0, sum = 0;
    for (size_t i = 0; i < 4; i++)
        sum += p.y[i];
    for (size_t i = 0; i < 4; i++) {
        train += pow(p.y[i] - sum / (4 + ridge), 2) / 4;
        out += pow(p.y[i] - (sum - p.y[i]) / (3 + ridge), 2) / 4;
    }
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), &score, NULL));
    ck_assert_relative(score.train, train, 1e-11);
    ck_assert_relative(score.loo, out, 1e-11);
    ck_assert_relative(score.freedom, 4 / (4 + ridge), 1e-11);
    regression_problem_free(&p);
}
END_TEST

START_TEST(one_training_row_and_one_class_have_closed_forms)
{
    const double ridge = 0.5;
    qntk_score score;
    double answer[8];
    for (int center = 0; center < 2; center++) {
        problem p = regression_problem_create(8, 0, 59);
        qntk_evaluate_options options = qntk_evaluate_defaults();
        options.center = center;
        p.split.train_count = 1;
        const size_t row = p.split.train[0];
        const double y = p.y[row], fitted = center ? y : y / 1.5; /* K(x,x) = 1 */
        ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &score, answer));
        ck_assert_close(score.train, pow(y - fitted, 2), 1e-13, 1);
        ck_assert_relative(score.loo, y * y, 1e-13); /* nothing is left: 0 */
        ck_assert_close(score.kare, center ? 0 : y * y, 1e-13, y * y);
        ck_assert_relative(score.freedom, 1 / 1.5, 1e-13);
        for (size_t i = 0; i < p.split.test_count; i++)
            ck_assert_relative(answer[i], center ? y : p.K[p.split.test[i] * p.n + row] * fitted, 1e-13);
        regression_problem_free(&p);
    }
    problem p = regression_problem_create(12, 1, 60);
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), &score, NULL));
    ck_assert(score.train == 1 && score.test == 1 && score.loo == 0 && score.kare == 0);
    regression_problem_free(&p);
}
END_TEST

START_TEST(what_the_detail_leaves_out_is_nan)
{
    const double ridge = 0.1;
    problem p = regression_problem_create(20, 2, 62);
    qntk_evaluate_options options = qntk_evaluate_defaults();
    qntk_score all, score;
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &all, NULL));
    options.detail = QNTK_RIDGE_FIT;
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &score, NULL));
    ck_assert_double_nan(score.loo);
    ck_assert_double_nan(score.loo_mse);
    ck_assert_double_nan(score.kare);
    ck_assert_double_nan(score.gcv);
    ck_assert_double_nan(score.freedom);
    ck_assert(score.train == all.train && score.test == all.test && score.gap == all.gap);
    options.detail = QNTK_RIDGE_TRACE;
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &score, NULL));
    ck_assert_double_nan(score.loo);
    ck_assert_relative(score.kare, all.kare, 1e-12);
    p.split.test_count = 0;
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, &score, NULL));
    ck_assert_double_nan(score.test);
    ck_assert_double_nan(score.gap);
    ck_assert_double_eq(score.train, all.train);
    regression_problem_free(&p);
}
END_TEST

START_TEST(a_singular_matrix_says_which_ridge_is_enough)
{
    const double zero[] = {0, 1};
    qntk_score score[2];
    problem p = equal_rows(30, 2, 20);
    ck_assert_fails(regression_evaluate(&p, 2, zero, qntk_evaluate_defaults(), score, NULL), QNTK_SINGULAR,
                    "ridge 0: ");
    double ridge = suggested();
    ck_assert(ridge > 0 && ridge < 1e-8);
    ck_assert(score[0].ridge == 0 && score[1].train == 0);
    for (int route = QNTK_RIDGE_ROUTE_AUTO; route <= QNTK_RIDGE_ROUTE_CHOLESKY; route++) {
        qntk_evaluate_options options = qntk_evaluate_defaults();
        options.route = (qntk_ridge_route)route;
        ck_assert_ok(regression_evaluate(&p, 1, &ridge, options, score, NULL));
    }
    /* all zero: anything will do */
    memset(p.K, 0, p.n * p.n * sizeof *p.K);
    ck_assert_fails(regression_evaluate(&p, 1, zero, qntk_evaluate_defaults(), score, NULL), QNTK_SINGULAR,
                    "or more");
    ridge = suggested();
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), score, NULL));
    /* eigenvalues 1 and, once, -29: more than rounding is needed */
    for (size_t i = 0; i < p.n * p.n; i++)
        p.K[i] = (i % (p.n + 1) == 0) - 1.5;
    ck_assert_fails(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), score, NULL), QNTK_SINGULAR,
                    "or more");
    ridge = suggested();
    ck_assert_double_eq(ridge, 100); /* 29 and the power of ten above it */
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), score, NULL));
    regression_problem_free(&p);
}
END_TEST

START_TEST(wrong_arguments_are_refused_and_the_results_are_zero)
{
    const double ridge[] = {1}, negative[] = {-1};
    problem p = regression_problem_create(20, 3, 63);
    qntk_evaluate_options options = qntk_evaluate_defaults();
    qntk_score score = {.train = 5};
    double answer[20] = {3};
    ck_assert_fails(regression_evaluate(&p, 0, ridge, options, &score, answer), QNTK_INVALID,
                    "at least one ridge");
    ck_assert_fails(regression_evaluate(&p, 1, negative, options, &score, answer), QNTK_INVALID,
                    "at least 0, found -1");
    ck_assert(score.train == 0 && answer[0] == 0);
    const size_t keep = p.split.train[3], kept = p.split.test[1];
    p.split.train[3] = 20;
    ck_assert_fails(regression_evaluate(&p, 1, ridge, options, &score, answer), QNTK_INVALID,
                    "training row 3: expected a row below 20");
    p.split.train[3] = keep;
    p.split.test[1] = 77;
    ck_assert_fails(regression_evaluate(&p, 1, ridge, options, &score, answer), QNTK_INVALID,
                    "test row 1: expected a row below 20, found 77");
    p.split.test[1] = kept;
    const double label = p.y[keep];
    p.y[keep] = 3;
    ck_assert_fails(regression_evaluate(&p, 1, ridge, options, &score, answer), QNTK_INVALID,
                    "row 3: expected a class number below 3");
    p.y[keep] = NAN;
    p.classes = 0;
    ck_assert_fails(regression_evaluate(&p, 1, ridge, options, &score, answer), QNTK_NOT_FINITE, "target");
    p.y[keep] = label;
    p.K[kept * 20 + keep] = NAN; /* a test row: the training block is fine */
    ck_assert_fails(regression_evaluate(&p, 1, ridge, options, &score, answer), QNTK_NOT_FINITE, "ridge 1");
    p.classes = 3;
    ck_assert_fails(regression_evaluate(&p, 1, ridge, options, &score, answer), QNTK_NOT_FINITE, "score");
    p.split.train_count = 0;
    ck_assert_fails(regression_evaluate(&p, 1, ridge, options, &score, answer), QNTK_INVALID,
                    "at least one training row");
    ck_assert_fails(qntk_evaluate_split(20, NULL, p.y, 3, &p.split, 1, ridge, options, &score, NULL),
                    QNTK_INVALID, "NULL");
    regression_problem_free(&p);
}
END_TEST

START_TEST(every_failing_allocation_is_reported_and_nothing_leaks)
{
    const double ridge[] = {0.1, 1};
    problem p = regression_problem_create(40, 3, 64);
    qntk_evaluate_options options = qntk_evaluate_defaults();
    options.center = true;
    qntk_score score[2];
    double answer[2 * 40];
    qntk_memory_fail_after(-1);
    ck_assert_ok(regression_evaluate(&p, 2, ridge, options, score, answer));
    const long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_gt(allocations, 8);
    for (long i = 0; i < allocations; i++) {
        qntk_memory_fail_after(i);
        ck_assert_fails(regression_evaluate(&p, 2, ridge, options, score, answer), QNTK_NO_MEMORY, "memory");
        ck_assert(score[1].ridge == 0 && answer[3] == 0);
    }
    qntk_memory_fail_after(-1);
    /* the search for a ridge that is enough */
    problem q = equal_rows(20, 2, 12);
    const double zero = 0;
    ck_assert_int_eq(regression_evaluate(&q, 1, &zero, options, score, NULL), QNTK_SINGULAR);
    const long more = qntk_memory_fail_after(-1);
    for (long i = 0; i < more; i++) {
        qntk_memory_fail_after(i);
        ck_assert_fails(regression_evaluate(&q, 1, &zero, options, score, NULL), QNTK_NO_MEMORY, "memory");
    }
    qntk_memory_fail_after(-1);
    regression_problem_free(&p);
    regression_problem_free(&q);
}
END_TEST

START_TEST(an_interrupt_ends_it)
{
    const double ridge = 1;
    problem p = regression_problem_create(40, 3, 65);
    qntk_score score;
    qntk_interrupt();
    ck_assert_fails(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), &score, NULL),
                    QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    regression_problem_free(&p);
}
END_TEST

START_TEST(threads_and_a_loop_around_it_change_no_byte)
{
    problem p = regression_problem_create(300, 4, 66);
    job *one = calloc(1, sizeof *one), *other = calloc(1, sizeof *other);
    one->p = other->p = &p;
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(evaluate_item(one, 0, 0));
    for (size_t threads = 2; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        ck_assert_ok(evaluate_item(other, 0, 0));
        ck_assert_mem_eq(one->score[0], other->score[0], sizeof one->score[0]);
        ck_assert_mem_eq(one->answer[0], other->answer[0], sizeof one->answer[0]);
        ck_assert_ok(qntk_parallel_for(4, evaluate_item, other));
        for (size_t k = 0; k < 4; k++) {
            ck_assert_mem_eq(one->score[0], other->score[k], sizeof one->score[0]);
            ck_assert_mem_eq(one->answer[0], other->answer[k], sizeof one->answer[0]);
        }
    }
    ck_assert_ok(qntk_threads_set(0));
    free(one);
    free(other);
    regression_problem_free(&p);
}
END_TEST

/* ---- ridges ---- */

START_TEST(the_ridges_tried_are_decades_of_the_mean_diagonal)
{
    const double K[] = {1, 9, 9, 9, 2, 9, 9, 9, 6};
    const size_t rows[] = {2, 1};
    double ridge[QNTK_EVALUATE_RIDGES];
    qntk_evaluate_ridges(3, K, 0, NULL, ridge);
    for (int r = 0; r < QNTK_EVALUATE_RIDGES; r++)
        ck_assert_relative(ridge[r], 3 * pow(10, r - 6), 4 * DBL_EPSILON);
    qntk_evaluate_ridges(3, K, 2, rows, ridge);
    for (int r = 0; r < QNTK_EVALUATE_RIDGES; r++)
        ck_assert_relative(ridge[r], 4 * pow(10, r - 6), 4 * DBL_EPSILON);
}
END_TEST

START_TEST(leaving_out_chooses_the_smallest_error_then_squares_then_ridge)
{
    /* two folds of five ridges, in no order: the mean loo of the first and the last two is 0.25 */
    qntk_score score[10] = {{0}};
    const double ridge[] = {3, 1, 10, 0.3, 5},
                 loo[2][5] = {{0.25, 0.5, 0.25, 0.5, 0}, {0.25, 0.25, 0.25, 0, 0.5}},
                 mse[2][5] = {{2, 1, 1, 1, 1}, {1, 1, 2, 3, 2}};
    for (size_t f = 0; f < 2; f++)
        for (size_t r = 0; r < 5; r++)
            score[f * 5 + r] = (qntk_score){.ridge = ridge[r], .loo = loo[f][r], .loo_mse = mse[f][r]};
    ck_assert_uint_eq(qntk_evaluate_choose(2, 5, score), 0); /* 3, 3, 4, 3: the smallest ridge of 3 and 5 */
    score[4].loo_mse = 0.5;
    ck_assert_uint_eq(qntk_evaluate_choose(2, 5, score), 4);
    score[7].loo = 0;
    ck_assert_uint_eq(qntk_evaluate_choose(2, 5, score), 2);
    ck_assert_uint_eq(qntk_evaluate_choose(1, 1, score), 0);
    ck_assert_uint_eq(qntk_evaluate_choose(1, 2, score + 3), 1);
}
END_TEST

START_TEST(a_row_on_which_the_kernel_is_zero_ties_and_goes_to_the_lowest_class)
{
    enum { N = 40, C = 3, RIDGES = 3 };
    double X[N], y[N], K[N * N];
    size_t rows[N];
    const double ridge[RIDGES] = {1e-3, 0.3, 7};
    qntk_score score[RIDGES];
    for (size_t i = 0; i < N; i++) { /* the linear kernel, with rows of zeros among classes 1 and 2 */
        X[i] = i % 4 == 1 ? 0 : sin((double)i) + 2 * (double)(i % C);
        y[i] = (double)(i % 4 == 1 ? 1 + i / 4 % 2 : i % C);
        rows[i] = i;
    }
    for (size_t i = 0; i < N * N; i++)
        K[i] = X[i / N] * X[i % N];
    const qntk_split split = {.train_count = N, .train = rows};
    ck_assert_ok(
        qntk_evaluate_split(N, K, y, C, &split, RIDGES, ridge, qntk_evaluate_defaults(), score, NULL));
    for (size_t r = 0; r < RIDGES; r++) {
        double scores[C] = {0}, norm = 0; /* f(x_i) = x_i sum_j x_j y_j / (sum_j x_j^2 + ridge) */
        size_t right = 0;
        for (size_t j = 0; j < N; j++) {
            norm += X[j] * X[j];
            for (size_t c = 0; c < C; c++)
                scores[c] += X[j] * ((y[j] == (double)c) - 1.0 / C);
        }
        for (size_t i = 0; i < N; i++) {
            size_t best = 0;
            for (size_t c = 1; c < C; c++)
                best =
                    X[i] * scores[c] / (norm + ridge[r]) > X[i] * scores[best] / (norm + ridge[r]) ? c : best;
            right += (double)best == y[i];
        }
        ck_assert_double_eq(score[r].train, (double)right / N);
        ck_assert_double_ge(score[r].loo, 10.0 / N); /* the ten rows of zeros are all wrong */
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_common_scale_of_kernel_and_ridge_changes_nothing);
    tcase_add_test(tcase, a_huge_ridge_predicts_the_prior);
    tcase_add_test(tcase, a_huge_ridge_predicts_the_most_frequent_class);
    tcase_add_test(tcase, without_a_ridge_the_training_rows_are_met);
    tcase_add_test(tcase, equal_rows_with_different_labels_get_their_majority_or_mean);
    tcase_add_test(tcase, one_training_row_and_one_class_have_closed_forms);
    tcase_add_test(tcase, what_the_detail_leaves_out_is_nan);
    tcase_add_test(tcase, a_singular_matrix_says_which_ridge_is_enough);
    tcase_add_test(tcase, wrong_arguments_are_refused_and_the_results_are_zero);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_leaks);
    tcase_add_test(tcase, an_interrupt_ends_it);
    tcase_add_test(tcase, threads_and_a_loop_around_it_change_no_byte);
    tcase_add_test(tcase, the_ridges_tried_are_decades_of_the_mean_diagonal);
    tcase_add_test(tcase, leaving_out_chooses_the_smallest_error_then_squares_then_ridge);
    tcase_add_test(tcase, a_row_on_which_the_kernel_is_zero_ties_and_goes_to_the_lowest_class);
}

int main(void)
{
    return test_main("evaluate", add_tests);
}
