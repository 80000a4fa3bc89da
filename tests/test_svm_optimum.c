/* Support vector machines beside their optimality conditions and the trial of all sets of bounds. */
#include "svm_problem.h"

#include <float.h>

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
        const double f = svm_machine(svm, n, K, svm->row[i], a, b), C = svm->C * (1 + 1e-14);
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

START_TEST(six_rows_agree_with_the_trial_of_every_set_of_bounds)
{
    if (svm_missing())
        return;
    int solved = 0;
    double worst = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        double K[L * L], y[L], s[L], alpha[L], threshold, sum = 0;
        const double C = ldexp(1, (int)(seed % 5) - 2);
        svm_clouds(L, 2, seed, K, y);
        for (size_t i = 0; i < L; i++)
            s[i] = y[i] == 0 ? 1 : -1;
        if (!solve_by_trying(K, s, C, alpha, &threshold))
            continue;
        solved++;
        qntk_svm svm = svm_fit(L, K, y, 2, C);
        for (size_t i = 0; i < L; i++)
            sum += alpha[i];
        for (size_t i = 0; i < L; i++) {
            double f = -threshold;
            for (size_t j = 0; j < L; j++)
                f += s[j] * alpha[j] * K[i * L + j];
            /* |f - f*|^2 <= duality gap <= stop * (sum alpha + sum alpha*): Cauchy, with K_ii = 1; and
             * the threshold moves by as much again */
            const double bound = 2 * sqrt(2 * (stop + rounding) * (2 * sum + 1)) + stop;
            worst = test_worse(worst, fabs(svm_machine(&svm, L, K, i, 0, 1) - f) / bound);
        }
        qntk_svm_free(&svm);
    }
    ck_assert_int_ge(solved, 30);
    ck_assert_double_le(worst, 1);
}
END_TEST

START_TEST(the_optimality_conditions_hold_for_every_pair)
{
    if (svm_missing())
        return;
    enum { N = 60, CLASSES = 4 };
    static double K[N * N];
    double y[N];
    svm_clouds(N, CLASSES, 3, K, y);
    violation worst = {0};
    for (int power = -4; power <= 8; power += 3) {
        qntk_svm svm = svm_fit(N, K, y, CLASSES, ldexp(1, power));
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

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, six_rows_agree_with_the_trial_of_every_set_of_bounds);
    tcase_add_test(tcase, the_optimality_conditions_hold_for_every_pair);
}

int main(void)
{
    return test_main("svm_optimum", add_tests);
}
