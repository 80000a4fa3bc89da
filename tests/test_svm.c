#include "test.h"

#include <float.h>
#include <string.h>

/* libsvm stops when the optimality conditions hold to this, and rounds K to single precision. */
static const double stop = 1e-3, rounding = FLT_EPSILON / 2;

/* Tests of what needs libsvm are skipped without it, all but the refusal. */
static bool missing(void)
{
    if (!qntk_svm_available())
        test_skip("built without libsvm");
    return !qntk_svm_available();
}

static const size_t all[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                             20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
                             40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59};

/* Clouds of overlapping classes in the plane under exp(-|x - z|). */
static void clouds(size_t n, size_t classes, uint64_t seed, double *K, double *y)
{
    double *X = qntk_alloc(2 * n, sizeof(double));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < n; i++) {
        y[i] = (double)(i % classes);
        const double angle = 6.28 * y[i] / (double)classes;
        X[2 * i] = cos(angle) + 0.7 * qntk_rng_normal(&rng);
        X[2 * i + 1] = sin(angle) + 0.7 * qntk_rng_normal(&rng);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            K[i * n + j] = exp(-hypot(X[2 * i] - X[2 * j], X[2 * i + 1] - X[2 * j + 1]));
    qntk_free(X);
}

static qntk_svm fit(size_t n, const double *K, const double *y, size_t classes, double C)
{
    qntk_svm svm;
    ck_assert_ok(qntk_svm_fit(n, K, y, classes, n, all, C, &svm));
    return svm;
}

/* f_ab of row i of K, as the header has it. */
static double machine(const qntk_svm *svm, size_t n, const double *K, size_t i, size_t a, size_t b)
{
    const size_t classes = svm->classes;
    double sum = -svm->threshold[a * classes + b];
    for (size_t k = 0; k < svm->rows; k++) {
        if (svm->y[k] == (double)a)
            sum += svm->coef[k * classes + b] * K[i * n + svm->row[k]];
        if (svm->y[k] == (double)b)
            sum += svm->coef[k * classes + a] * K[i * n + svm->row[k]];
    }
    return sum;
}

/* Two rows: alpha = 2/(K_11 + K_22 - 2 K_12) = 2/3, unless C is less; f = 1 and -1 there. */
START_TEST(two_rows_are_separated_as_by_hand)
{
    if (missing())
        return;
    const double K[] = {2, 1, 1, 3}, y[] = {0, 1};
    double z[2] = {0};
    qntk_svm svm = fit(2, K, y, 2, 10);
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
    svm = fit(2, K, y, 2, 0.5); /* both at the bound; the threshold is the middle of what is allowed */
    ck_assert_close(svm.coef[1], 0.5, 8 * rounding, 1);
    ck_assert_close(svm.coef[2], -0.5, 8 * rounding, 1);
    ck_assert_close(svm.threshold[1], 0.5 * (2 - 3) / 2, 8 * rounding, 1);
    qntk_svm_free(&svm);
    const double swapped[] = {1, 0}; /* the first row of the higher class: signs follow the classes */
    svm = fit(2, K, swapped, 2, 10);
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
    if (missing())
        return;
    const double X[4][2] = {{1, 1}, {1, -1}, {-1, -1}, {-1, 1}}, y[] = {0, 1, 0, 1};
    double K[16], z[4] = {0};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const double inner = X[i][0] * X[j][0] + X[i][1] * X[j][1];
            K[i * 4 + j] = (1 + inner) * (1 + inner);
        }
    qntk_svm svm = fit(4, K, y, 2, 1);
    for (size_t i = 0; i < 4; i++) {
        const size_t other = 1 - (size_t)y[i];
        ck_assert_close(svm.coef[i * 2 + other], other == 1 ? 0.125 : -0.125, stop + 8 * rounding, 0.125);
    }
    ck_assert_close(svm.threshold[1], 0, stop + 8 * rounding, 1);
    ck_assert_ok(qntk_svm_predict(&svm, 4, K, 4, all, z));
    ck_assert_double_eq(qntk_labels_accuracy(sizeof z / sizeof *z, y, z), 1);
    qntk_svm_free(&svm);
    svm = fit(4, K, y, 2, 1 / 16.0); /* the bound */
    ck_assert_close(svm.coef[1], 1 / 16.0, 8 * rounding, 1 / 16.0);
    qntk_svm_free(&svm);
}
END_TEST

/* ---- the smallest problems by trying every set of bounds ---- */

enum { L = 6, SYSTEM = L + 1 };

/* Solves A x = b (m,m) by elimination with pivoting; false if singular. */
static bool eliminate(size_t m, double A[SYSTEM][SYSTEM + 1])
{
    for (size_t p = 0; p < m; p++) {
        size_t best = p;
        for (size_t i = p + 1; i < m; i++)
            best = fabs(A[i][p]) > fabs(A[best][p]) ? i : best;
        if (fabs(A[best][p]) < 1e-12)
            return false;
        for (size_t j = 0; j <= m; j++) {
            const double kept = A[p][j];
            A[p][j] = A[best][j];
            A[best][j] = kept;
        }
        for (size_t i = 0; i < m; i++)
            for (size_t j = m + 1; i != p && j-- > p;)
                A[i][j] -= A[i][p] / A[p][p] * A[p][j];
    }
    for (size_t p = 0; p < m; p++)
        A[p][m] /= A[p][p];
    return true;
}

/* side[i] = 0, 1, 2: alpha_i = 0, free, C. Free rows have s_i f(x_i) = 1, and sum s alpha = 0. True if the
 * solution meets every optimality condition; the problem is convex, so that is the minimum. */
static bool try_sides(const double *K, const double *s, double C, const int side[L], double *alpha,
                      double *threshold)
{
    double A[SYSTEM][SYSTEM + 1] = {{0}};
    size_t free_rows[L], m = 0;
    for (size_t i = 0; i < L; i++) {
        alpha[i] = side[i] == 2 ? C : 0;
        if (side[i] == 1)
            free_rows[m++] = i;
    }
    if (m == 0)
        return false; /* the threshold would not be unique */
    for (size_t p = 0; p <= m; p++) {
        A[p][m + 1] = p < m ? s[free_rows[p]] : 0; /* f(x_p) = s_p */
        for (size_t q = 0; q < m; q++)
            A[p][q] = s[free_rows[q]] * (p < m ? K[free_rows[p] * L + free_rows[q]] : 1);
        A[p][m] = p < m ? -1 : 0;
        for (size_t j = 0; j < L; j++)
            A[p][m + 1] -= s[j] * alpha[j] * (p < m ? K[free_rows[p] * L + j] : 1);
    }
    if (!eliminate(m + 1, A))
        return false;
    *threshold = A[m][m + 1];
    for (size_t q = 0; q < m; q++) {
        alpha[free_rows[q]] = A[q][m + 1];
        if (!(A[q][m + 1] > 0 && A[q][m + 1] < C))
            return false;
    }
    for (size_t i = 0; i < L; i++) {
        double f = -*threshold;
        for (size_t j = 0; j < L; j++)
            f += s[j] * alpha[j] * K[i * L + j];
        if ((side[i] == 0 && s[i] * f < 1) || (side[i] == 2 && s[i] * f > 1))
            return false;
    }
    return true;
}

static bool solve_by_trying(const double *K, const double *s, double C, double *alpha, double *threshold)
{
    enum { SETS = 729 }; /* 3^L */
    for (int set = 0; set < SETS; set++) {
        int side[L];
        for (int i = 0, rest = set; i < L; i++, rest /= 3)
            side[i] = rest % 3;
        if (try_sides(K, s, C, side, alpha, threshold))
            return true;
    }
    return false;
}

START_TEST(six_rows_agree_with_the_trial_of_every_set_of_bounds)
{
    if (missing())
        return;
    int solved = 0;
    double worst = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        double K[L * L], y[L], s[L], alpha[L], threshold, sum = 0;
        const double C = ldexp(1, (int)(seed % 5) - 2);
        clouds(L, 2, seed, K, y);
        for (size_t i = 0; i < L; i++)
            s[i] = y[i] == 0 ? 1 : -1;
        if (!solve_by_trying(K, s, C, alpha, &threshold))
            continue;
        solved++;
        qntk_svm svm = fit(L, K, y, 2, C);
        for (size_t i = 0; i < L; i++)
            sum += alpha[i];
        for (size_t i = 0; i < L; i++) {
            double f = -threshold;
            for (size_t j = 0; j < L; j++)
                f += s[j] * alpha[j] * K[i * L + j];
            /* |f - f*|^2 <= duality gap <= stop * (sum alpha + sum alpha*): Cauchy, with K_ii = 1; and
             * the threshold moves by as much again */
            const double bound = 2 * sqrt(2 * (stop + rounding) * (2 * sum + 1)) + stop;
            worst = test_worse(worst, fabs(machine(&svm, L, K, i, 0, 1) - f) / bound);
        }
        qntk_svm_free(&svm);
    }
    ck_assert_int_ge(solved, 30);
    ck_assert_double_le(worst, 1);
}
END_TEST

/* ---- the optimality conditions ---- */

typedef struct {
    double bounds, balance, margins, gap; /* the worst violation, relative to what is allowed */
} violation;

/* Machine a against b: 0 <= alpha <= C, sum s alpha = 0, s f >= 1 where alpha < C, s f <= 1 where alpha > 0;
 * and primal - dual >= 0, which vanishes at the optimum. */
static violation check_machine(const qntk_svm *svm, size_t n, const double *K, size_t a, size_t b)
{
    violation v = {0};
    double sum = 0, total = 0, norm = 0, slack = 0;
    size_t rows = 0;
    for (size_t i = 0; i < svm->rows; i++) {
        if (svm->y[i] != (double)a && svm->y[i] != (double)b)
            continue;
        const double s = svm->y[i] == (double)a ? 1 : -1;
        const double coef = svm->coef[i * svm->classes + (s > 0 ? b : a)], alpha = s * coef;
        const double f = machine(svm, n, K, svm->row[i], a, b), C = svm->C * (1 + 1e-14);
        rows++;
        sum += coef;
        total += alpha;
        norm += coef * (f + svm->threshold[a * svm->classes + b]);
        slack += fmax(0, 1 - s * f);
        v.bounds = test_worse(v.bounds, fmax(-alpha, alpha - C) / C);
        if (alpha < svm->C * (1 - 1e-14))
            v.margins = test_worse(v.margins, 1 - s * f);
        if (alpha > 0)
            v.margins = test_worse(v.margins, s * f - 1);
    }
    const double float_error = rounding * total; /* K <= 1 */
    v.balance = fabs(sum) / (total * DBL_EPSILON * (double)rows);
    v.margins /= stop + float_error;
    v.gap = norm / 2 + svm->C * slack - (total - norm / 2);
    v.gap =
        v.gap < -1e-12 * total ? INFINITY : v.gap / ((stop + float_error) * (total + svm->C * (double)rows));
    return v;
}

START_TEST(the_optimality_conditions_hold_for_every_pair)
{
    if (missing())
        return;
    enum { N = 60, CLASSES = 4 };
    static double K[N * N];
    double y[N];
    clouds(N, CLASSES, 3, K, y);
    violation worst = {0};
    for (int power = -4; power <= 8; power += 3) {
        qntk_svm svm = fit(N, K, y, CLASSES, ldexp(1, power));
        ck_assert_uint_eq(svm.machines, CLASSES * (CLASSES - 1) / 2);
        for (size_t a = 0; a < CLASSES; a++)
            for (size_t b = a + 1; b < CLASSES; b++) {
                const violation v = check_machine(&svm, N, K, a, b);
                worst.bounds = test_worse(worst.bounds, v.bounds);
                worst.balance = test_worse(worst.balance, v.balance);
                worst.margins = test_worse(worst.margins, v.margins);
                worst.gap = test_worse(worst.gap, v.gap);
            }
        qntk_svm_free(&svm);
    }
    ck_assert_double_le(worst.bounds, 0);
    ck_assert_double_le(worst.balance, 1);
    ck_assert_double_le(worst.margins, 1);
    ck_assert_double_le(worst.gap, 1);
}
END_TEST

/* ---- votes ---- */

START_TEST(the_class_with_most_votes_wins)
{
    if (missing())
        return;
    enum { N = 60, CLASSES = 5, TRAIN = 40 };
    static double K[N * N];
    double y[N], z[N];
    clouds(N, CLASSES, 8, K, y);
    qntk_svm svm;
    ck_assert_ok(qntk_svm_fit(N, K, y, CLASSES, TRAIN, all, 2, &svm));
    ck_assert_ok(qntk_svm_predict(&svm, N, K, N, all, z));
    size_t wrong = 0;
    for (size_t i = 0; i < N; i++) {
        size_t votes[CLASSES] = {0}, best = 0;
        for (size_t a = 0; a < CLASSES; a++)
            for (size_t b = a + 1; b < CLASSES; b++)
                votes[machine(&svm, N, K, i, a, b) >= 0 ? a : b]++;
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
    if (missing())
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
    if (missing())
        return;
    enum { N = 20 };
    double K[N * N], y[N], z[N];
    clouds(N, 2, 4, K, y);
    for (int i = 0; i < N; i++)
        y[i] = y[i] == 0 ? 1 : 3;
    qntk_svm svm = fit(N, K, y, 5, 100), lone;
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
    if (missing())
        return;
    const double y[] = {0, 1, 0}, same[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, zero[9] = {0};
    double z[3];
    for (int k = 0; k < 2; k++) { /* f is constant, and the majority decides */
        qntk_svm svm = fit(3, k == 0 ? same : zero, y, 2, 4);
        ck_assert_ok(qntk_svm_predict(&svm, 3, k == 0 ? same : zero, 3, all, z));
        ck_assert_double_eq(z[0] + z[1] + z[2], 0);
        qntk_svm_free(&svm);
    }
    const double two[4] = {1, 1, 1, 1}; /* no bound that would end it soon */
    qntk_svm svm = fit(2, two, y, 2, 1e25);
    ck_assert_uint_eq(svm.unfinished, 1);
    qntk_svm_free(&svm);
}
END_TEST

/* ---- units, folds, threads ---- */

START_TEST(the_unit_of_the_kernel_does_not_matter)
{
    if (missing())
        return;
    enum { N = 30, CLASSES = 3 };
    double K[N * N], large[N * N], y[N], C[QNTK_SVM_GRID], other[QNTK_SVM_GRID];
    clouds(N, CLASSES, 5, K, y);
    const double unit = ldexp(1, 300);
    for (int i = 0; i < N * N; i++)
        large[i] = unit * K[i];
    ck_assert_ok(qntk_svm_grid(N, K, C));
    ck_assert_ok(qntk_svm_grid(N, large, other));
    for (int k = 0; k < QNTK_SVM_GRID; k++) {
        ck_assert_relative(C[k], ldexp(1, 2 * k - 5), 1e-14); /* the diagonal is 1 */
        ck_assert_relative(other[k] * unit, C[k], 1e-14);
    }
    qntk_svm a = fit(N, K, y, CLASSES, C[5]), b = fit(N, large, y, CLASSES, other[5]);
    for (int i = 0; i < N * CLASSES; i++)
        b.coef[i] *= unit;
    ck_assert_mem_eq(a.coef, b.coef, N * CLASSES * sizeof(double));
    ck_assert_mem_eq(a.threshold, b.threshold, CLASSES * CLASSES * sizeof(double));
    qntk_svm_free(&a);
    qntk_svm_free(&b);
}
END_TEST

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

START_TEST(cross_validation_is_the_loop_over_folds_for_any_number_of_threads)
{
    if (missing())
        return;
    enum { N = 60, CLASSES = 3, ROWS = 43, FOLDS = 4, COUNT = 3 };
    static double K[N * N];
    double y[N], accuracy[COUNT];
    size_t row[ROWS];
    const double C[COUNT] = {0.01, 1, 300};
    clouds(N, CLASSES, 6, K, y);
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
    if (missing())
        return;
    enum { N = 60, CLASSES = 6 };
    static double K[N * N];
    double y[N], first[N] = {0}, z[N] = {0};
    qntk_svm svm[3];
    clouds(N, CLASSES, 7, K, y);
    for (size_t t = 0; t < 3; t++) {
        ck_assert_ok(qntk_threads_set(t + 1));
        svm[t] = fit(N, K, y, CLASSES, 3);
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
    if (missing())
        return;
    enum { N = 60, TRAIN = 41, CLASSES = 4 };
    static double K[N * N];
    double y[N], z[N] = {0}, prediction[N] = {0};
    size_t rows[N], unfinished = 9;
    clouds(N, CLASSES, 12, K, y);
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
    if (missing())
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
    if (missing())
        return;
    const double K = 1, y = 0;
    qntk_svm svm;
    ck_assert_fails(qntk_svm_fit(1, &K, &y, 1, 1 << 26, all, 1, &svm), QNTK_TOO_LARGE, "--limit");
    ck_assert_fails(qntk_svm_fit(1, &K, &y, 1, SIZE_MAX / 2, all, 1, &svm), QNTK_TOO_LARGE, "--limit");
}
END_TEST

START_TEST(interruption_is_heard)
{
    if (missing())
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
    if (missing())
        return;
    enum { N = 12, CLASSES = 3, COUNT = 2 };
    double K[N * N], y[N], z[N], accuracy[COUNT];
    const double C[COUNT] = {1, 10};
    clouds(N, CLASSES, 2, K, y);
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
    tcase_add_test(tcase, six_rows_agree_with_the_trial_of_every_set_of_bounds);
    tcase_add_test(tcase, the_optimality_conditions_hold_for_every_pair);
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
