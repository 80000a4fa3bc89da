#include "test.h"

#include <string.h>

START_TEST(codes_sum_to_zero_and_decode_to_the_class)
{
    enum { N = 30, C = 7 };
    double y[N], Y[N * C], z[N];
    for (int i = 0; i < N; i++)
        y[i] = (i * i) % C;
    ck_assert_ok(qntk_labels_encode(N, y, C, Y));
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int c = 0; c < C; c++) {
            ck_assert_double_eq(Y[i * C + c], (c == (int)y[i] ? 1 : 0) - 1.0 / C);
            sum += Y[i * C + c];
        }
        ck_assert_close(sum, 0, C * 2.3e-16, 1);
    }
    ck_assert_ok(qntk_labels_decode(N, C, Y, C, z));
    ck_assert_double_eq(qntk_labels_accuracy(N, y, z), 1);
    z[3] = (double)(((int)y[3] + 1) % C);
    ck_assert_double_eq(qntk_labels_accuracy(N, y, z), 29 / 30.0);
    ck_assert_double_eq(qntk_labels_accuracy(0, NULL, NULL), 0);
}
END_TEST

START_TEST(ties_go_to_the_lower_class_and_a_stride_skips)
{
    const double S[] = {1, 3, 3, 99, 2, 2, 2, 99, -5, -6, -4, 99};
    double y[3];
    ck_assert_ok(qntk_labels_decode(3, 3, S, 4, y));
    ck_assert_double_eq(y[0], 1);
    ck_assert_double_eq(y[1], 0);
    ck_assert_double_eq(y[2], 2);
    ck_assert_ok(qntk_labels_decode(3, 1, S, 4, y));
    ck_assert_double_eq(y[2], 0);
}
END_TEST

/* Rows of class c (any if c < 0) in fold f. */
static size_t rows_in(size_t n, const double *y, const size_t *fold, int c, size_t f)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += fold[i] == f && (c < 0 || (int)y[i] == c);
    return count;
}

START_TEST(folds_are_balanced_in_size_and_in_each_class)
{
    enum { N = 103, C = 5, FOLDS = 4 };
    double y[N];
    size_t fold[N];
    qntk_rng rng = qntk_rng_create(5, 0);
    for (int i = 0; i < N; i++)
        y[i] = (double)qntk_rng_below(&rng, C - 1); /* the last class is empty, */
    y[50] = C - 1;                                  /* but for one row */
    for (size_t classes = 0; classes <= C; classes += C) {
        ck_assert_ok(qntk_labels_folds(N, y, classes, FOLDS, 9, fold));
        for (int c = -1; c < (classes > 0 ? C : 0); c++) {
            size_t least = N, most = 0, sum = 0;
            for (size_t f = 0; f < FOLDS; f++) {
                const size_t rows = rows_in(N, y, fold, c, f);
                least = rows < least ? rows : least;
                most = rows > most ? rows : most;
                sum += rows;
            }
            ck_assert_uint_le(most, least + 1);
            if (c < 0)
                ck_assert_uint_eq(sum, N);
        }
    }
}
END_TEST

START_TEST(folds_follow_the_seed_and_nothing_else)
{
    enum { N = 60 };
    double y[N];
    size_t a[N], b[N], all[N];
    for (int i = 0; i < N; i++)
        y[i] = i % 3;
    ck_assert_ok(qntk_labels_folds(N, y, 3, 5, 1, a));
    ck_assert_ok(qntk_labels_folds(N, y, 3, 5, 1, b));
    ck_assert_mem_eq(a, b, sizeof a);
    ck_assert_ok(qntk_labels_folds(N, y, 3, 5, 2, b));
    ck_assert_mem_ne(a, b, sizeof a);
    ck_assert_ok(qntk_labels_folds(N, NULL, 0, N, 1, all)); /* one row to each */
    for (size_t f = 0; f < N; f++)
        ck_assert_uint_eq(rows_in(N, y, all, -1, f), 1);
}
END_TEST

START_TEST(bad_input_is_named)
{
    double y[4] = {0, 1, 2, 1}, Y[12], S[4] = {0, 1, NAN, 2};
    size_t fold[4];
    ck_assert_fails(qntk_labels_encode(4, y, 2, Y), QNTK_INVALID,
                    "row 2: expected a class number below 2, found 2");
    ck_assert_double_eq(Y[0], 0);
    y[3] = 0.5;
    ck_assert_fails(qntk_labels_encode(4, y, 3, Y), QNTK_INVALID, "row 3");
    y[3] = NAN;
    ck_assert_fails(qntk_labels_folds(4, y, 3, 2, 0, fold), QNTK_INVALID, "row 3");
    y[3] = -1;
    ck_assert_fails(qntk_labels_folds(4, y, 3, 2, 0, fold), QNTK_INVALID, "found -1");
    y[3] = 1;
    ck_assert_fails(qntk_labels_folds(4, y, 3, 1, 0, fold), QNTK_INVALID, "found 1");
    ck_assert_fails(qntk_labels_folds(4, y, 3, 5, 0, fold), QNTK_INVALID, "2 to 4");
    ck_assert_fails(qntk_labels_decode(2, 2, S, 2, Y), QNTK_NOT_FINITE, "row 1, class 0");
    ck_assert_fails(qntk_labels_decode(2, 2, S, 1, Y), QNTK_INVALID, "stride");
    ck_assert_fails(qntk_labels_encode(2, y, 0, Y), QNTK_INVALID, "classes");
    qntk_memory_fail_after(0);
    ck_assert_fails(qntk_labels_folds(4, y, 3, 2, 0, fold), QNTK_NO_MEMORY, "memory");
    qntk_memory_fail_after(-1);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, codes_sum_to_zero_and_decode_to_the_class);
    tcase_add_test(tcase, ties_go_to_the_lower_class_and_a_stride_skips);
    tcase_add_test(tcase, folds_are_balanced_in_size_and_in_each_class);
    tcase_add_test(tcase, folds_follow_the_seed_and_nothing_else);
    tcase_add_test(tcase, bad_input_is_named);
}

int main(void)
{
    return test_main("labels", add_tests);
}
