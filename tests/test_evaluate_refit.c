/* Scores of kernel regression against refitting by a plain inverse. */
#include "regression_problem.h"

#include <float.h>

#include "naive.h"

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
            problem p = regression_problem_create(26, classes[k], 40 + k);
            qntk_evaluate_options options = qntk_evaluate_defaults();
            options.center = center;
            qntk_score score[3];
            ck_assert_ok(regression_evaluate(&p, 3, ridge, options, score, NULL));
            for (size_t r = 0; r < 3; r++) {
                ck_assert(score[r].ridge == ridge[r]);
                check_by_refitting(&p, ridge[r], center, &score[r]);
            }
            regression_problem_free(&p);
        }
}
END_TEST

/* ---- what the training rows say ---- */

START_TEST(the_alignment_risk_and_the_freedom_are_those_of_the_inverse)
{
    const double ridge[] = {1e-3, 0.5};
    for (int center = 0; center < 2; center++) {
        problem p = regression_problem_create(30, 3, 50);
        const size_t t = p.split.train_count;
        qntk_evaluate_options options = qntk_evaluate_defaults();
        options.center = center;
        qntk_score score[2];
        double *K = malloc(t * t * sizeof *K);
        long double *G = malloc(t * t * sizeof *G);
        ck_assert_ok(regression_evaluate(&p, 2, ridge, options, score, NULL));
        for (size_t i = 0; i < t; i++)
            for (size_t j = 0; j < t; j++)
                K[i * t + j] = p.K[p.split.train[i] * p.n + p.split.train[j]];
        for (size_t r = 0; r < 2; r++) {
            long double trace = 0, freedom = 0, square = 0, residual = 0;
            naive_ridge_inverse(t, K, ridge[r], G);
            for (size_t i = 0; i < t; i++) {
                trace += G[i * t + i];
                for (size_t j = 0; j < t; j++)
                    freedom += K[i * t + j] * G[j * t + i];
            }
            for (size_t c = 0; c < 3; c++) {
                long double mean = 0;
                for (size_t i = 0; i < t && center; i++)
                    mean += target_of(&p, p.split.train[i], c) / (long double)t;
                for (size_t i = 0; i < t; i++) {
                    long double alpha = 0, miss = target_of(&p, p.split.train[i], c) - mean;
                    for (size_t j = 0; j < t; j++)
                        alpha += G[i * t + j] * (target_of(&p, p.split.train[j], c) - mean);
                    square += alpha * alpha;
                    for (size_t j = 0; j < t; j++) /* H y = K G y */
                        for (size_t k = 0; k < t; k++)
                            miss -= K[i * t + j] * G[j * t + k] * (target_of(&p, p.split.train[k], c) - mean);
                    residual += miss * miss;
                }
            }
            const long double N = (long double)t, share = 1 - freedom / N;
            ck_assert_relative(score[r].kare, (double)(N * square / (trace * trace)), 1e-11);
            ck_assert_relative(score[r].gcv, (double)(residual / N / (share * share)), 1e-11);
            ck_assert_relative(score[r].freedom, (double)freedom, 1e-11);
        }
        free(K);
        free(G);
        regression_problem_free(&p);
    }
}
END_TEST

START_TEST(a_class_without_training_rows_is_never_right)
{
    const double ridge[] = {0.01, 100};
    problem p = regression_problem_create(40, 3, 57);
    qntk_score score[2];
    double answer[2 * 40];
    size_t missing = 0, predicted = 0;
    for (size_t i = 0; i < p.split.train_count; i++)
        p.y[p.split.train[i]] = p.y[p.split.train[i]] == 2 ? 0 : p.y[p.split.train[i]];
    for (size_t i = 0; i < p.split.test_count; i++)
        missing += p.y[p.split.test[i]] == 2;
    ck_assert_uint_gt(missing, 0);
    ck_assert_ok(regression_evaluate(&p, 2, ridge, qntk_evaluate_defaults(), score, answer));
    for (size_t r = 0; r < 2; r++) {
        for (size_t i = 0; i < p.split.test_count; i++)
            predicted += answer[2 * i + r] == 2;
        ck_assert_double_le(score[r].test, 1 - (double)missing / (double)p.split.test_count);
        check_by_refitting(&p, ridge[r], false, &score[r]);
    }
    ck_assert_uint_eq(predicted, 0);
    regression_problem_free(&p);
}
END_TEST

START_TEST(constant_targets_are_predicted)
{
    const double ridge[] = {1e-4, 10};
    qntk_evaluate_options options = qntk_evaluate_defaults();
    qntk_score score[2];
    problem p = regression_problem_create(30, 0, 58);
    for (size_t i = 0; i < p.n; i++)
        p.y[i] = 7;
    options.center = true;
    ck_assert_ok(regression_evaluate(&p, 2, ridge, options, score, NULL));
    for (size_t r = 0; r < 2; r++) {
        ck_assert_double_lt(score[r].train + score[r].test + score[r].loo + score[r].kare + score[r].gcv,
                            1e-26);
        ck_assert_double_lt(fabs(score[r].gap), 1e-26);
    }
    options.center = false;
    ck_assert_ok(regression_evaluate(&p, 2, ridge, options, score, NULL));
    check_by_refitting(&p, ridge[1], false, &score[1]);
    regression_problem_free(&p);
    p = regression_problem_create(30, 4, 58);
    for (size_t i = 0; i < p.n; i++)
        p.y[i] = 2;
    ck_assert_ok(regression_evaluate(&p, 2, ridge, options, score, NULL));
    ck_assert_double_eq(score[0].train, 1);
    ck_assert_double_eq(score[0].test, 1);
    ck_assert_double_eq(score[0].loo, 0);
    regression_problem_free(&p);
}
END_TEST

START_TEST(more_classes_than_rows_are_fine)
{
    const double ridge = 0.05;
    problem p = regression_problem_create(8, 12, 61);
    qntk_score score;
    for (size_t i = 0; i < p.n; i++)
        p.y[i] = (double)(11 - i);
    ck_assert_ok(regression_evaluate(&p, 1, &ridge, qntk_evaluate_defaults(), &score, NULL));
    ck_assert_double_eq(score.train, 1);
    ck_assert_double_eq(score.test, 0);
    ck_assert_double_eq(score.loo, 1);
    check_by_refitting(&p, ridge, false, &score);
    regression_problem_free(&p);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_error_is_that_of_refitting);
    tcase_add_test(tcase, the_alignment_risk_and_the_freedom_are_those_of_the_inverse);
    tcase_add_test(tcase, a_class_without_training_rows_is_never_right);
    tcase_add_test(tcase, constant_targets_are_predicted);
    tcase_add_test(tcase, more_classes_than_rows_are_fine);
}

int main(void)
{
    return test_main("evaluate_refit", add_tests);
}
