#include "svm_problem.h"

#include <string.h>

/* Trained and counted fold by fold with the functions above. */
static double cross_by_hand(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                            const size_t *row, double C, size_t folds, uint64_t seed)
{
    double part[60], z[60];
    size_t fold[60], right = 0;
    for (size_t i = 0; i < rows; i++)
        part[i] = y[row[i]];
    ck_assert_ok(qntk_labels_folds(rows, part, classes, folds, seed, fold));
    for (size_t f = 0; f < folds; f++) {
        size_t in[60], out[60], ins = 0, outs = 0;
        for (size_t i = 0; i < rows; i++) {
            if (fold[i] == f)
                out[outs++] = row[i];
            else
                in[ins++] = row[i];
        }
        qntk_svm svm;
        ck_assert_ok(qntk_svm_fit(n, K, y, classes, ins, in, C, &svm));
        ck_assert_ok(qntk_svm_predict(&svm, n, K, outs, out, z));
        for (size_t i = 0; i < outs; i++)
            right += z[i] == y[out[i]];
        qntk_svm_free(&svm);
    }
    return (double)right / (double)rows;
}

/* Two rows: alpha = 2/(K_11 + K_22 - 2 K_12) = 2/3, unless C is less; f = 1 and -1 there. */
START_TEST(two_rows_are_separated_as_by_hand)
{
    if (svm_missing())
        return;
    const double K[] = {2, 1, 1, 3}, y[] = {0, 1};
    double z[2] = {0};
    qntk_svm svm = svm_fit(2, K, y, 2, 10);
    ck_assert_close(svm.coef[1], 2 / 3.0, 8 * rounding, 1);
    ck_assert_close(svm.coef[2], -2 / 3.0, 8 * rounding, 1);
    ck_assert_double_eq(svm.coef[0], 0);
    ck_assert_close(svm.threshold[1], -1 / 3.0, 8 * rounding, 1);
    ck_assert_uint_eq(svm.support, 2);
    ck_assert_uint_eq(svm.machines, 1);
    ck_assert_uint_eq(svm.unfinished, 0);
    ck_assert_ok(qntk_svm_predict(&svm, 2, K, 2, all, z));
    ck_assert_double_eq(qntk_labels_accuracy(sizeof z / sizeof *z, y, z), 1);
    qntk_svm_free(&svm);
    svm = svm_fit(2, K, y, 2, 0.5); /* both at the bound; the threshold is the middle of what is allowed */
    ck_assert_close(svm.coef[1], 0.5, 8 * rounding, 1);
    ck_assert_close(svm.coef[2], -0.5, 8 * rounding, 1);
    ck_assert_close(svm.threshold[1], 0.5 * (2 - 3) / 2, 8 * rounding, 1);
    qntk_svm_free(&svm);
    const double swapped[] = {1, 0}; /* the first row of the higher class: signs follow the classes */
    svm = svm_fit(2, K, swapped, 2, 10);
    ck_assert_close(svm.coef[0], -2 / 3.0, 8 * rounding, 1);
    ck_assert_close(svm.coef[3], 2 / 3.0, 8 * rounding, 1);
    ck_assert_close(svm.threshold[1], 1 / 3.0, 8 * rounding, 1);
    qntk_svm_free(&svm);
}
END_TEST

/* The corners of a square, neighbours of different classes, under (1 + x.z)^2: K = 8 I + 1, so that
 * f(x_i) = 8 alpha s_i, alpha = 1/8 and the threshold 0, by symmetry. */
START_TEST(exclusive_or_is_solved_as_by_hand)
{
    if (svm_missing())
        return;
    const double X[4][2] = {{1, 1}, {1, -1}, {-1, -1}, {-1, 1}}, y[] = {0, 1, 0, 1};
    double K[16], z[4] = {0};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const double inner = X[i][0] * X[j][0] + X[i][1] * X[j][1];
            K[i * 4 + j] = (1 + inner) * (1 + inner);
        }
    qntk_svm svm = svm_fit(4, K, y, 2, 1);
    for (size_t i = 0; i < 4; i++) {
        const size_t other = 1 - (size_t)y[i];
        ck_assert_close(svm.coef[i * 2 + other], other == 1 ? 0.125 : -0.125, stop + 8 * rounding, 0.125);
    }
    ck_assert_close(svm.threshold[1], 0, stop + 8 * rounding, 1);
    ck_assert_ok(qntk_svm_predict(&svm, 4, K, 4, all, z));
    ck_assert_double_eq(qntk_labels_accuracy(sizeof z / sizeof *z, y, z), 1);
    qntk_svm_free(&svm);
    svm = svm_fit(4, K, y, 2, 1 / 16.0); /* the bound */
    ck_assert_close(svm.coef[1], 1 / 16.0, 8 * rounding, 1 / 16.0);
    qntk_svm_free(&svm);
}
END_TEST

/* ---- votes ---- */

START_TEST(the_class_with_most_votes_wins)
{
    if (svm_missing())
        return;
    enum { N = 60, CLASSES = 5, TRAIN = 40 };
    static double K[N * N];
    double y[N], z[N];
    svm_clouds(N, CLASSES, 8, K, y);
    qntk_svm svm;
    ck_assert_ok(qntk_svm_fit(N, K, y, CLASSES, TRAIN, all, 2, &svm));
    ck_assert_ok(qntk_svm_predict(&svm, N, K, N, all, z));
    size_t wrong = 0;
    for (size_t i = 0; i < N; i++) {
        size_t votes[CLASSES] = {0}, best = 0;
        for (size_t a = 0; a < CLASSES; a++)
            for (size_t b = a + 1; b < CLASSES; b++)
                votes[svm_machine(&svm, N, K, i, a, b) >= 0 ? a : b]++;
        for (size_t c = 1; c < CLASSES; c++)
            best = votes[c] > votes[best] ? c : best;
        wrong += z[i] != (double)best;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_double_gt(qntk_labels_accuracy(N, y, z), 0.5); /* chance is 0.2 */
    qntk_svm_free(&svm);
}
END_TEST

START_TEST(ties_go_to_the_lower_class_and_zero_to_the_first)
{
    if (svm_missing())
        return;
    /* 0 beats 1, 1 beats 2, 2 beats 0: by the thresholds alone */
    size_t row[] = {0, 1, 2}, size[] = {1, 1, 1};
    double y[] = {0, 1, 2}, coef[9] = {0}, threshold[9] = {0, -1, 1, 0, 0, -1, 0, 0, 0}, z[3];
    const double K[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    qntk_svm svm = {.rows = 3, .classes = 3, .row = row, .y = y, .coef = coef, .threshold = threshold};
    svm.size = size;
    ck_assert_ok(qntk_svm_predict(&svm, 3, K, 3, all, z));
    ck_assert_double_eq(z[0], 0);
    memset(threshold, 0, sizeof threshold); /* f = 0 everywhere */
    ck_assert_ok(qntk_svm_predict(&svm, 3, K, 3, all, z));
    ck_assert_double_eq(z[1], 0);
    size[0] = 0; /* class 0 did not occur: it gets no vote */
    ck_assert_ok(qntk_svm_predict(&svm, 3, K, 3, all, z));
    ck_assert_double_eq(z[1], 1);
}
END_TEST

START_TEST(classes_that_do_not_occur_are_never_predicted)
{
    if (svm_missing())
        return;
    enum { N = 20 };
    double K[N * N], y[N], z[N];
    svm_clouds(N, 2, 4, K, y);
    for (int i = 0; i < N; i++)
        y[i] = y[i] == 0 ? 1 : 3;
    qntk_svm svm = svm_fit(N, K, y, 5, 100), lone;
    ck_assert_uint_eq(svm.machines, 1);
    ck_assert_uint_eq(svm.size[3], N / 2);
    ck_assert_ok(qntk_svm_predict(&svm, N, K, N, all, z));
    ck_assert_double_eq(qntk_labels_accuracy(N, y, z), 1);
    qntk_svm_free(&svm);
    ck_assert_ok(qntk_svm_fit(N, K, y, 5, 1, all + 1, 1, &lone)); /* one row, one class, no machine */
    ck_assert_uint_eq(lone.machines, 0);
    ck_assert_ok(qntk_svm_predict(&lone, N, K, N, all, z));
    for (int i = 0; i < N; i++)
        z[i] -= 3;
    for (int i = 0; i < N; i++)
        ck_assert_double_eq(z[i], 0);
    qntk_svm_free(&lone);
}
END_TEST

START_TEST(equal_rows_of_different_classes_and_a_zero_kernel_are_defined)
{
    if (svm_missing())
        return;
    const double y[] = {0, 1, 0}, same[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, zero[9] = {0};
    double z[3];
    for (int k = 0; k < 2; k++) { /* f is constant, and the majority decides */
        qntk_svm svm = svm_fit(3, k == 0 ? same : zero, y, 2, 4);
        ck_assert_ok(qntk_svm_predict(&svm, 3, k == 0 ? same : zero, 3, all, z));
        ck_assert_double_eq(z[0] + z[1] + z[2], 0);
        qntk_svm_free(&svm);
    }
    const double two[4] = {1, 1, 1, 1}; /* no bound that would end it soon */
    qntk_svm svm = svm_fit(2, two, y, 2, 1e25);
    ck_assert_uint_eq(svm.unfinished, 1);
    qntk_svm_free(&svm);
}
END_TEST

/* ---- units, folds, threads ---- */

START_TEST(the_unit_of_the_kernel_does_not_matter)
{
    if (svm_missing())
        return;
    enum { N = 30, CLASSES = 3 };
    double K[N * N], large[N * N], y[N], C[QNTK_SVM_GRID], other[QNTK_SVM_GRID];
    svm_clouds(N, CLASSES, 5, K, y);
    const double unit = ldexp(1, 300);
    for (int i = 0; i < N * N; i++)
        large[i] = unit * K[i];
    ck_assert_ok(qntk_svm_grid(N, K, C));
    ck_assert_ok(qntk_svm_grid(N, large, other));
    for (int k = 0; k < QNTK_SVM_GRID; k++) {
        ck_assert_relative(C[k], ldexp(1, 2 * k - 5), 1e-14); /* the diagonal is 1 */
        ck_assert_relative(other[k] * unit, C[k], 1e-14);
    }
    qntk_svm a = svm_fit(N, K, y, CLASSES, C[5]), b = svm_fit(N, large, y, CLASSES, other[5]);
    for (int i = 0; i < N * CLASSES; i++)
        b.coef[i] *= unit;
    ck_assert_mem_eq(a.coef, b.coef, N * CLASSES * sizeof(double));
    ck_assert_mem_eq(a.threshold, b.threshold, CLASSES * CLASSES * sizeof(double));
    qntk_svm_free(&a);
    qntk_svm_free(&b);
}
END_TEST

START_TEST(cross_validation_is_the_loop_over_folds_for_any_number_of_threads)
{
    if (svm_missing())
        return;
    enum { N = 60, CLASSES = 3, ROWS = 43, FOLDS = 4, COUNT = 3 };
    static double K[N * N];
    double y[N], accuracy[COUNT];
    size_t row[ROWS];
    const double C[COUNT] = {0.01, 1, 300};
    svm_clouds(N, CLASSES, 6, K, y);
    for (size_t i = 0; i < ROWS; i++)
        row[i] = (i * 7) % N;
    for (size_t threads = 1; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        ck_assert_ok(qntk_svm_cross(N, K, y, CLASSES, ROWS, row, COUNT, C, FOLDS, 11, accuracy));
        for (int k = 0; k < COUNT; k++)
            ck_assert_double_eq(accuracy[k], cross_by_hand(N, K, y, CLASSES, ROWS, row, C[k], FOLDS, 11));
    }
    ck_assert_double_ne(accuracy[0], accuracy[1]);
    /* as many folds as rows, and no more: every row is left out alone */
    ck_assert_ok(qntk_svm_cross(N, K, y, CLASSES, 10, row, 1, C + 1, 1000, 11, accuracy));
    ck_assert_double_eq(accuracy[0], cross_by_hand(N, K, y, CLASSES, 10, row, C[1], 10, 11));
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

START_TEST(the_same_bytes_for_any_number_of_threads)
{
    if (svm_missing())
        return;
    enum { N = 60, CLASSES = 6 };
    static double K[N * N];
    double y[N], first[N] = {0}, z[N] = {0};
    qntk_svm svm[3];
    svm_clouds(N, CLASSES, 7, K, y);
    for (size_t t = 0; t < 3; t++) {
        ck_assert_ok(qntk_threads_set(t + 1));
        svm[t] = svm_fit(N, K, y, CLASSES, 3);
        ck_assert_ok(qntk_svm_predict(&svm[t], N, K, N, all, t == 0 ? first : z));
        ck_assert_mem_eq(svm[t].coef, svm[0].coef, N * CLASSES * sizeof(double));
        ck_assert_mem_eq(svm[t].threshold, svm[0].threshold, CLASSES * CLASSES * sizeof(double));
        if (t > 0)
            ck_assert_mem_eq(first, z, sizeof z);
    }
    for (size_t t = 0; t < 3; t++)
        qntk_svm_free(&svm[t]);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

START_TEST(a_split_is_scored_as_its_parts_are)
{
    if (svm_missing())
        return;
    enum { N = 60, TRAIN = 41, CLASSES = 4 };
    static double K[N * N];
    double y[N], z[N] = {0}, prediction[N] = {0};
    size_t rows[N], unfinished = 9;
    svm_clouds(N, CLASSES, 12, K, y);
    for (size_t i = 0; i < N; i++)
        rows[i] = (i * 23) % N;
    qntk_split split = {TRAIN, N - TRAIN, rows, rows + TRAIN};
    qntk_score score;
    qntk_svm svm;
    ck_assert_ok(qntk_svm_evaluate_split(N, K, y, CLASSES, &split, 2, &score, prediction, &unfinished));
    ck_assert_ok(qntk_svm_fit(N, K, y, CLASSES, TRAIN, rows, 2, &svm));
    ck_assert_ok(qntk_svm_predict(&svm, N, K, N, rows, z));
    ck_assert_mem_eq(prediction, z + TRAIN, (N - TRAIN) * sizeof *z);
    size_t right[2] = {0};
    for (size_t i = 0; i < N; i++)
        right[i >= TRAIN] += z[i] == y[rows[i]];
    ck_assert_double_eq(score.train, (double)right[0] / TRAIN);
    ck_assert_double_eq(score.test, (double)right[1] / (N - TRAIN));
    ck_assert_double_eq(score.gap, score.train - score.test);
    ck_assert_uint_eq(unfinished, 0);
    ck_assert(isnan(score.ridge) && isnan(score.loo) && isnan(score.kare) && isnan(score.gcv));
    split.test_count = 0;
    ck_assert_ok(qntk_svm_evaluate_split(N, K, y, CLASSES, &split, 2, &score, NULL, NULL));
    ck_assert_double_eq(score.train, (double)right[0] / TRAIN);
    ck_assert(isnan(score.test) && isnan(score.gap));
    split.train_count = 0;
    ck_assert_fails(qntk_svm_evaluate_split(N, K, y, CLASSES, &split, 2, &score, NULL, NULL), QNTK_INVALID,
                    "at least 1");
    ck_assert_double_eq(score.train, 0);
    qntk_svm_free(&svm);
}
END_TEST

/* ---- refusals ---- */

START_TEST(without_the_library_the_package_is_named)
{
    const double K[] = {1, 0, 0, 1}, y[] = {0, 1}, C = 1;
    double accuracy, z[2] = {9, 9};
    size_t train[] = {0, 1};
    const qntk_split split = {2, 2, train, train};
    qntk_svm svm;
    qntk_score score;
    if (qntk_svm_available())
        return;
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, all, 1, &svm), QNTK_UNSUPPORTED, "libsvm-dev");
    ck_assert_ptr_null(svm.coef);
    ck_assert_fails(qntk_svm_cross(2, K, y, 2, 2, all, 1, &C, 2, 0, &accuracy), QNTK_UNSUPPORTED, "libsvm");
    ck_assert_fails(qntk_svm_evaluate_split(2, K, y, 2, &split, 1, &score, z, NULL), QNTK_UNSUPPORTED,
                    "libsvm");
    ck_assert_double_eq(z[1], 0);
}
END_TEST

START_TEST(bad_input_is_named)
{
    if (svm_missing())
        return;
    double K[] = {1, 0.5, 0.5, 1}, y[] = {0, 1}, C[QNTK_SVM_GRID], z[2];
    const size_t far[] = {0, 2};
    qntk_svm svm;
    ck_assert_fails(qntk_svm_grid(0, K, C), QNTK_INVALID, "n must");
    ck_assert_fails(qntk_svm_fit(0, K, y, 2, 2, all, 1, &svm), QNTK_INVALID, "at least 1");
    ck_assert_fails(qntk_svm_fit(2, K, y, 0, 2, all, 1, &svm), QNTK_INVALID, "at least 1");
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 0, all, 1, &svm), QNTK_INVALID, "at least 1");
    ck_assert_fails(qntk_svm_fit(2, NULL, y, 2, 2, all, 1, &svm), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, far, 1, &svm), QNTK_INVALID, "below 2, found 2");
    ck_assert_fails(qntk_svm_fit(2, K, y, 1, 2, all, 1, &svm), QNTK_INVALID,
                    "row 1: expected a class number below 1, found 1");
    const double bad[] = {0, -1, NAN, INFINITY, 1e39, 1e-39};
    for (int k = 0; k < 6; k++)
        ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, all, bad[k], &svm), QNTK_INVALID,
                        "C: expected a positive");
    ck_assert_ptr_null(svm.coef);
    ck_assert_fails(qntk_svm_cross(2, K, y, 2, 2, all, 1, bad, 2, 0, z), QNTK_INVALID, "C: expected");
    C[0] = 1;
    ck_assert_fails(qntk_svm_cross(2, K, y, 2, 1, all, 1, C, 2, 0, z), QNTK_INVALID, "two rows");
    ck_assert_fails(qntk_svm_cross(2, K, y, 2, 2, all, 1, C, 1, 0, z), QNTK_INVALID, "two folds");
    ck_assert_fails(qntk_svm_cross(2, K, y, 2, 2, all, 0, C, 2, 0, z), QNTK_INVALID, "one C");
    y[1] = NAN;
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, all, 1, &svm), QNTK_INVALID, "class number");
    y[1] = 1;
    K[1] = NAN;
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, all, 1, &svm), QNTK_NOT_FINITE, "row 0, column 1");
    K[1] = 1e39;
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, all, 1, &svm), QNTK_INVALID, "too large beside");
    K[1] = 0.5;
    K[3] = -1;
    ck_assert_fails(qntk_svm_grid(2, K, C), QNTK_INVALID, "row 1");
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, all, 1, &svm), QNTK_INVALID, "at least 0");
    K[3] = INFINITY;
    ck_assert_fails(qntk_svm_grid(2, K, C), QNTK_NOT_FINITE, "row 1");
    K[3] = 1;
    ck_assert_ok(qntk_svm_fit(2, K, y, 2, 2, all, 1, &svm));
    ck_assert_fails(qntk_svm_predict(&svm, 1, K, 1, all, z), QNTK_INVALID, "larger matrix");
    ck_assert_fails(qntk_svm_predict(&svm, 2, K, 2, far, z), QNTK_INVALID, "below 2, found 2");
    K[2] = NAN;
    ck_assert_fails(qntk_svm_predict(&svm, 2, K, 2, all, z), QNTK_NOT_FINITE, "row 1");
    ck_assert_double_eq(z[0], 0);
    qntk_svm_free(&svm);
    ck_assert_fails(qntk_svm_predict(&svm, 2, K, 2, all, z), QNTK_INVALID, "trained");
    qntk_svm_free(&svm);
}
END_TEST

/* The answer is looked for before a row is read: these do not exist. */
START_TEST(more_than_the_machine_has_is_refused)
{
    if (svm_missing())
        return;
    const double K = 1, y = 0;
    qntk_svm svm;
    ck_assert_fails(qntk_svm_fit(1, &K, &y, 1, 1 << 26, all, 1, &svm), QNTK_TOO_LARGE, "--limit");
    ck_assert_fails(qntk_svm_fit(1, &K, &y, 1, SIZE_MAX / 2, all, 1, &svm), QNTK_TOO_LARGE, "--limit");
}
END_TEST

START_TEST(interruption_is_heard)
{
    if (svm_missing())
        return;
    const double K[] = {1, 0, 0, 1}, y[] = {0, 1}, C = 1;
    double accuracy = 9;
    qntk_svm svm;
    qntk_interrupt();
    ck_assert_fails(qntk_svm_fit(2, K, y, 2, 2, all, 1, &svm), QNTK_INTERRUPTED, "interrupted");
    ck_assert_fails(qntk_svm_cross(2, K, y, 2, 2, all, 1, &C, 2, 0, &accuracy), QNTK_INTERRUPTED,
                    "interrupted");
    qntk_interrupt_clear();
    ck_assert_double_eq(accuracy, 0);
    ck_assert_ptr_null(svm.coef);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    if (svm_missing())
        return;
    enum { N = 12, CLASSES = 3, COUNT = 2 };
    double K[N * N], y[N], z[N], accuracy[COUNT];
    const double C[COUNT] = {1, 10};
    svm_clouds(N, CLASSES, 2, K, y);
    qntk_status status = QNTK_NO_MEMORY;
    long failures = 0;
    ck_assert_ok(qntk_threads_set(1));
    for (; status == QNTK_NO_MEMORY; failures++) {
        qntk_svm svm;
        qntk_memory_fail_after(failures);
        status = qntk_svm_fit(N, K, y, CLASSES, N, all, 1, &svm);
        if (status == QNTK_OK)
            status = qntk_svm_predict(&svm, N, K, N, all, z);
        if (status == QNTK_OK)
            status = qntk_svm_cross(N, K, y, CLASSES, N, all, COUNT, C, 2, 0, accuracy);
        qntk_memory_fail_after(-1);
        qntk_svm_free(&svm);
    }
    ck_assert_ok(status);
    ck_assert_int_gt(failures, 30);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, two_rows_are_separated_as_by_hand);
    tcase_add_test(tcase, exclusive_or_is_solved_as_by_hand);
    tcase_add_test(tcase, the_class_with_most_votes_wins);
    tcase_add_test(tcase, ties_go_to_the_lower_class_and_zero_to_the_first);
    tcase_add_test(tcase, classes_that_do_not_occur_are_never_predicted);
    tcase_add_test(tcase, equal_rows_of_different_classes_and_a_zero_kernel_are_defined);
    tcase_add_test(tcase, the_unit_of_the_kernel_does_not_matter);
    tcase_add_test(tcase, cross_validation_is_the_loop_over_folds_for_any_number_of_threads);
    tcase_add_test(tcase, the_same_bytes_for_any_number_of_threads);
    tcase_add_test(tcase, a_split_is_scored_as_its_parts_are);
    tcase_add_test(tcase, without_the_library_the_package_is_named);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, more_than_the_machine_has_is_refused);
    tcase_add_test(tcase, interruption_is_heard);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("svm", add_tests);
}
