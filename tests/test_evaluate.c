#include "test.h"

#include <float.h>
#include <string.h>

#include "naive.h"

/* A problem: the Laplace kernel of random points in the plane, labels that depend on them, three of four rows
 * to train on. */
typedef struct {
    size_t n, classes;
    double *K, *y;
    qntk_split split;
} problem;

static problem problem_create(size_t n, size_t classes, uint64_t seed)
{
    problem p = {.n = n, .classes = classes};
    double *X = malloc(2 * n * sizeof *X);
    p.K = malloc(n * n * sizeof *p.K);
    p.y = malloc(n * sizeof *p.y);
    p.split.train = malloc(n * sizeof(size_t));
    p.split.test = malloc(n * sizeof(size_t));
    qntk_rng rng = qntk_rng_create(seed, 0);
    for (size_t i = 0; i < 2 * n; i++)
        X[i] = qntk_rng_normal(&rng);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            p.K[i * n + j] = exp(-hypot(X[2 * i] - X[2 * j], X[2 * i + 1] - X[2 * j + 1]));
        const double value = 3 + sin(2 * X[2 * i]) + X[2 * i + 1] + 0.5 * qntk_rng_normal(&rng);
        p.y[i] = classes > 0 ? (double)((size_t)fabs(2 * value) % classes) : value;
        if (i % 4 != 1)
            p.split.train[p.split.train_count++] = (7 * i) % n;
        else
            p.split.test[p.split.test_count++] = (7 * i) % n;
    }
    free(X);
    return p;
}

static void problem_free(problem *p)
{
    free(p->K);
    free(p->y);
    free(p->split.train);
    free(p->split.test);
}

static qntk_status evaluate(const problem *p, size_t count, const double *ridge,
                            qntk_evaluate_options options, qntk_score *score, double *prediction)
{
    return qntk_evaluate_split(p->n, p->K, p->y, p->classes, &p->split, count, ridge, options, score,
                               prediction);
}

/* ---- the twin: one row predicted from given rows, through an explicit inverse ---- */

static double target_of(const problem *p, size_t row, size_t c)
{
    return p->classes > 0 ? (p->y[row] == (double)c) - 1 / (double)p->classes : p->y[row];
}

/* scores (m) of `row` by regression on train (count). */
static void naive_scores(const problem *p, size_t count, const size_t *train, double ridge, bool center,
                         size_t row, double *scores)
{
    const size_t m = p->classes > 0 ? p->classes : 1;
    double *K = malloc(count * count * sizeof *K);
    long double *G = malloc(count * count * sizeof *G);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            K[i * count + j] = p->K[train[i] * p->n + train[j]];
    naive_ridge_inverse(count, K, ridge, G);
    for (size_t c = 0; c < m; c++) {
        long double mean = 0, sum = 0;
        for (size_t i = 0; i < count && center; i++)
            mean += target_of(p, train[i], c) / (long double)count;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++)
                sum += p->K[row * p->n + train[i]] * G[i * count + j] * (target_of(p, train[j], c) - mean);
        scores[c] = (double)(sum + mean);
    }
    free(K);
    free(G);
}

/* Errors of the scores of `row`: *wrong counts a class missed, *mse adds squares over the targets. */
static void naive_judge(const problem *p, size_t row, const double *scores, double *wrong, double *mse)
{
    const size_t m = p->classes > 0 ? p->classes : 1;
    size_t best = 0;
    for (size_t c = 0; c < m; c++) {
        best = scores[c] > scores[best] ? c : best;
        *mse += pow(target_of(p, row, c) - scores[c], 2);
    }
    *wrong += p->classes > 0 && (double)best != p->y[row];
}

/* What qntk_evaluate_split says about ridge r, from its definition: every row predicted by the twin, every
 * training row also by refitting without it. */
static void check_by_refitting(const problem *p, double ridge, bool center, const qntk_score *score)
{
    const size_t t = p->split.train_count, s = p->split.test_count;
    double scores[16], others[16], out = 0, out_mse = 0, in = 0, in_mse = 0, test = 0, test_mse = 0;
    size_t *rest = malloc(t * sizeof *rest);
    for (size_t i = 0; i < t; i++) {
        const size_t row = p->split.train[i];
        for (size_t j = 0, k = 0; j < t; j++)
            if (j != i)
                rest[k++] = p->split.train[j];
        naive_scores(p, t, p->split.train, ridge, center, row, scores);
        naive_scores(p, t - 1, rest, ridge, center, row, others);
        naive_judge(p, row, scores, &in, &in_mse);
        naive_judge(p, row, others, &out, &out_mse);
    }
    for (size_t i = 0; i < s; i++) {
        naive_scores(p, t, p->split.train, ridge, center, p->split.test[i], scores);
        naive_judge(p, p->split.test[i], scores, &test, &test_mse);
    }
    const double N = (double)t, S = (double)s, tolerance = 1e-11;
    if (p->classes > 0) {
        ck_assert_close(score->train, 1 - in / N, 4 * DBL_EPSILON, 1);
        ck_assert_close(score->test, 1 - test / S, 4 * DBL_EPSILON, 1);
        ck_assert_close(score->loo, out / N, 4 * DBL_EPSILON, 1);
        ck_assert_close(score->gap, in / -N + test / S, 8 * DBL_EPSILON, 1);
    } else {
        ck_assert_close(score->train, in_mse / N, tolerance, 1);
        ck_assert_close(score->test, test_mse / S, tolerance, 1);
        ck_assert_close(score->loo, out_mse / N, tolerance, 1);
        ck_assert_close(score->gap, test_mse / S - in_mse / N, tolerance, 1);
    }
    ck_assert_close(score->loo_mse, out_mse / N, tolerance, 1);
    free(rest);
}

START_TEST(every_error_is_that_of_refitting)
{
    static const double ridge[] = {0.1, 1e-4, 10};
    const size_t classes[] = {0, 2, 5};
    for (size_t k = 0; k < 3; k++)
        for (int center = 0; center < 2; center++) {
            problem p = problem_create(26, classes[k], 40 + k);
            qntk_evaluate_options options = qntk_evaluate_defaults();
            options.center = center;
            qntk_score score[3];
            ck_assert_ok(evaluate(&p, 3, ridge, options, score, NULL));
            for (size_t r = 0; r < 3; r++) {
                ck_assert(score[r].ridge == ridge[r]);
                check_by_refitting(&p, ridge[r], center, &score[r]);
            }
            problem_free(&p);
        }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_error_is_that_of_refitting);
}

int main(void)
{
    return test_main("evaluate", add_tests);
}
