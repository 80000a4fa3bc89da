#include "naive.h"
#include "test.h"

#include <stddef.h>
#include <string.h>

/* ---- pools ---- */

typedef struct {
    size_t P, m;
    double *X, *K, *Y; /* (P,3), (P,P), (P,m) one-hot minus 1/m for m > 1 */
} pool;

/* Points on the sphere of R^3, a smooth kernel, targets by the signs of coordinates. */
static pool make_pool(size_t P, size_t m)
{
    pool p = {P, m, qntk_alloc(P * 3, sizeof(double)), qntk_alloc(P * P, sizeof(double)),
              qntk_alloc_zero(P * m, sizeof(double))};
    qntk_rng rng = qntk_rng_create(5, 1);
    for (size_t i = 0; i < P; i++) {
        double square = 0;
        for (size_t j = 0; j < 3; j++) {
            p.X[i * 3 + j] = qntk_rng_normal(&rng);
            square += p.X[i * 3 + j] * p.X[i * 3 + j];
        }
        for (size_t j = 0; j < 3; j++)
            p.X[i * 3 + j] *= sqrt(3 / square);
        const double *x = p.X + i * 3;
        if (m == 1) {
            p.Y[i] = x[0] * x[1] + x[2];
        } else {
            const size_t class = (x[0] > 0 ? 1u : 0u) + (m > 2 && x[1] > 0.3 ? 1u : 0u);
            for (size_t c = 0; c < m; c++)
                p.Y[i * m + c] = (c == class ? 1 : 0) - 1 / (double)m;
        }
    }
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse("qntk:depth=2,b_std=0.3", &kernel));
    ck_assert_ok(qntk_gram_symmetric(&kernel, P, 3, p.X, p.K));
    return p;
}

static void free_pool(pool *p)
{
    qntk_free(p->X);
    qntk_free(p->K);
    qntk_free(p->Y);
}

/* ---- the twin: explicit inverses ---- */

typedef struct {
    double test, held_out, train, kare, loo, accuracy;
} errors;

static size_t best_class(size_t m, const double *score)
{
    size_t best = 0;
    for (size_t c = 1; c < m; c++)
        best = score[c] > score[best] ? c : best;
    return best;
}

static errors twin(const pool *p, size_t n, const size_t *row, double ridge)
{
    double *K = qntk_alloc(n * n, sizeof(double)), *Y = qntk_alloc(n * p->m, sizeof(double));
    double *F = qntk_alloc(n * p->m, sizeof(double)), *f = qntk_alloc(p->m, sizeof(double));
    long double *G = qntk_alloc(n * n, sizeof(long double));
    bool *in = qntk_alloc_zero(p->P, sizeof *in);
    for (size_t i = 0; i < n; i++) {
        in[row[i]] = true;
        for (size_t j = 0; j < n; j++)
            K[i * n + j] = p->K[row[i] * p->P + row[j]];
        memcpy(Y + i * p->m, p->Y + row[i] * p->m, p->m * sizeof(double));
    }
    naive_ridge_inverse(n, K, ridge, G);
    naive_leave_one_out(n, K, p->m, Y, ridge, F);
    errors e = {0};
    double trace = 0, norm = 0, right = 0;
    for (size_t i = 0; i < n; i++)
        trace += (double)G[i * n + i];
    for (size_t i = 0; i < p->P; i++) {
        double square = 0;
        for (size_t c = 0; c < p->m; c++) {
            long double sum = 0;
            for (size_t j = 0; j < n; j++) {
                long double alpha = 0;
                for (size_t k = 0; k < n; k++)
                    alpha += G[j * n + k] * Y[k * p->m + c];
                sum += alpha * p->K[i * p->P + row[j]];
                if (i == 0)
                    norm += (double)(alpha * alpha);
            }
            f[c] = (double)sum;
            square += (p->Y[i * p->m + c] - f[c]) * (p->Y[i * p->m + c] - f[c]);
        }
        *(in[i] ? &e.train : &e.held_out) += square;
        right += !in[i] && best_class(p->m, f) == best_class(p->m, p->Y + i * p->m) ? 1 : 0;
    }
    for (size_t i = 0; i < n * p->m; i++)
        e.loo += (Y[i] - F[i]) * (Y[i] - F[i]) / (double)n;
    e.test = (e.train + e.held_out) / (double)p->P;
    e.train /= (double)n;
    e.held_out /= (double)(p->P - n);
    e.accuracy = right / (double)(p->P - n);
    e.kare = norm * (double)n / (trace * trace);
    qntk_free(K);
    qntk_free(Y);
    qntk_free(F);
    qntk_free(f);
    qntk_free(G);
    qntk_free(in);
    return e;
}

enum { REPEATS = 4 };

static void check_value(qntk_curve_value found, const errors *e, size_t offset, double scale)
{
    double mean = 0, square = 0;
    for (size_t r = 0; r < REPEATS; r++)
        mean += *(const double *)((const char *)&e[r] + offset) / REPEATS;
    for (size_t r = 0; r < REPEATS; r++) {
        const double off = *(const double *)((const char *)&e[r] + offset) - mean;
        square += off * off;
    }
    ck_assert_close(found.mean, mean, 1e-10, scale);
    ck_assert_close(found.se, sqrt(square / (REPEATS - 1) / REPEATS), 1e-10, scale);
}

START_TEST(every_error_is_that_of_explicit_inverses)
{
    const size_t size[] = {1, 2, 9, 31};
    const double ridge = 0.05;
    for (size_t m = 1; m <= 3; m++) {
        pool p = make_pool(40, m);
        qntk_curve_options options = {.repeats = REPEATS, .seed = 11, .classify = m > 1};
        qntk_curve_point point[4];
        ck_assert_ok(qntk_curve_measure(p.P, p.K, m, p.Y, 4, size, 1, &ridge, options, point));
        for (size_t s = 0; s < 4; s++) {
            errors e[REPEATS];
            size_t row[40];
            for (size_t r = 0; r < REPEATS; r++) {
                ck_assert_ok(qntk_curve_subset(p.P, size[s], 11, r, row));
                e[r] = twin(&p, size[s], row, ridge);
            }
            ck_assert_uint_eq(point[s].n, size[s]);
            ck_assert_double_eq(point[s].ridge, ridge);
            check_value(point[s].test, e, offsetof(errors, test), 1);
            check_value(point[s].held_out, e, offsetof(errors, held_out), 1);
            check_value(point[s].train, e, offsetof(errors, train), 1);
            check_value(point[s].kare, e, offsetof(errors, kare), 10);
            ck_assert_double_nan(point[s].loo.mean);
            if (m > 1)
                check_value(point[s].accuracy, e, offsetof(errors, accuracy), 1);
            else
                ck_assert_double_nan(point[s].accuracy.mean);
            ck_assert_double_eq(point[s].predicted.test, 0); /* not asked for */
        }
        free_pool(&p);
    }
}
END_TEST

START_TEST(of_several_ridges_the_best_left_out_is_taken)
{
    enum { RIDGES = 4, N = 12 };
    const double ridge[RIDGES] = {10, 1e-3, 1, 1e-1};
    const size_t size[1] = {N};
    pool p = make_pool(30, 2);
    qntk_curve_options options = {.repeats = REPEATS, .seed = 3};
    qntk_curve_point point, alone;
    ck_assert_ok(qntk_curve_measure(p.P, p.K, 2, p.Y, 1, size, RIDGES, ridge, options, &point));
    double least = INFINITY, chosen = 0;
    errors best[REPEATS];
    for (size_t k = 0; k < RIDGES; k++) {
        errors e[REPEATS];
        size_t row[N];
        double loo = 0;
        for (size_t r = 0; r < REPEATS; r++) {
            ck_assert_ok(qntk_curve_subset(p.P, N, 3, r, row));
            e[r] = twin(&p, N, row, ridge[k]);
            loo += e[r].loo / REPEATS;
        }
        if (loo < least) {
            least = loo;
            chosen = ridge[k];
            memcpy(best, e, sizeof best);
        }
    }
    ck_assert_double_eq(point.ridge, chosen);
    check_value(point.loo, best, offsetof(errors, loo), 1);
    check_value(point.test, best, offsetof(errors, test), 1);
    /* the one chosen gives the same row again */
    ck_assert_ok(qntk_curve_measure(p.P, p.K, 2, p.Y, 1, size, 1, &chosen, options, &alone));
    ck_assert_relative(alone.test.mean, point.test.mean, 1e-11);
    ck_assert_relative(alone.kare.mean, point.kare.mean, 1e-11);
    /* a tie goes to the smaller ridge: nothing to learn */
    memset(p.Y, 0, p.P * 2 * sizeof(double));
    ck_assert_ok(qntk_curve_measure(p.P, p.K, 2, p.Y, 1, size, RIDGES, ridge, options, &point));
    ck_assert_double_eq(point.ridge, 1e-3);
    ck_assert_double_eq(point.test.mean, 0);
    free_pool(&p);
}
END_TEST

/* ---- closed forms ---- */

START_TEST(an_identity_kernel_learns_nothing_but_its_rows)
{
    /* K = c I, |y_i| = 1: residual r = ridge/(c + ridge) on the n rows, 1 on the others; KARE = 1. Rows drawn
     * without replacement are predicted exactly; drawn independently, kappa solves its quadratic */
    enum { P = 50 };
    static double K[P * P], y[P];
    const double c = 2, ridge = 0.5, r = ridge / (c + ridge);
    const size_t size[] = {1, 10, 25, 49, 50};
    for (size_t i = 0; i < P; i++) {
        K[i * P + i] = c;
        y[i] = i % 2 == 0 ? 1 : -1;
    }
    qntk_curve_point point[5];
    qntk_curve_pool spectrum;
    ck_assert_ok(qntk_curve_measure(P, K, 1, y, 5, size, 1, &ridge, qntk_curve_defaults(), point));
    ck_assert_ok(qntk_curve_pool_create(P, K, 1, y, &spectrum));
    ck_assert_ok(qntk_curve_predict(&spectrum, 5, point));
    for (size_t s = 0; s < 5; s++) {
        const double n = (double)size[s], test = (n * r * r + P - n) / P, l = c / P;
        ck_assert_relative(point[s].test.mean, test, 1e-13);
        ck_assert_close(point[s].test.se, 0, 1e-13, 1);
        ck_assert_relative(point[s].train.mean, r * r, 1e-13);
        ck_assert_relative(point[s].kare.mean, 1, 1e-13);
        ck_assert_relative(point[s].pool.test, test, 1e-12);
        ck_assert_relative(point[s].pool.train, r * r, 1e-11);
        const double p = (n - P) * l - ridge, kappa = (sqrt(p * p + 4 * n * ridge * l) - p) / (2 * n);
        const double L = l / (l + kappa);
        ck_assert_relative(point[s].predicted.kappa, kappa, 1e-11);
        ck_assert_relative(point[s].predicted.test, n / (n - P * L * L) * (1 - L) * (1 - L), 1e-11);
        if (size[s] < P) {
            ck_assert_relative(point[s].held_out.mean, 1, 1e-13);
            ck_assert_relative(point[s].held_out_pool, 1, 1e-11);
        } else {
            ck_assert_double_nan(point[s].held_out.mean);
            ck_assert_double_nan(point[s].held_out_pool);
            ck_assert_double_nan(point[s].held_out_predicted);
        }
    }
    qntk_curve_pool_free(&spectrum);
}
END_TEST

START_TEST(a_constant_kernel_learns_a_constant)
{
    /* K = 1 everywhere, y = 1: f = n/(n + ridge) on all rows, whichever were drawn */
    enum { P = 64 };
    static double K[P * P], y[P];
    const size_t size[] = {1, 8, 63, 64};
    const double ridge = 3;
    for (size_t i = 0; i < P * P; i++)
        K[i] = 1;
    for (size_t i = 0; i < P; i++)
        y[i] = 1;
    qntk_curve_point point[4];
    qntk_curve_pool spectrum;
    ck_assert_ok(qntk_curve_measure(P, K, 1, y, 4, size, 1, &ridge, qntk_curve_defaults(), point));
    ck_assert_ok(qntk_curve_pool_create(P, K, 1, y, &spectrum));
    ck_assert_relative(spectrum.eval[0], 1, 1e-13);
    ck_assert_close(spectrum.eval[1], 0, 1e-13, 1);
    ck_assert_relative(spectrum.power[0], 1, 1e-13);
    ck_assert_ok(qntk_curve_predict(&spectrum, 4, point));
    for (size_t s = 0; s < 4; s++) {
        const double n = (double)size[s], missed = ridge / (n + ridge);
        ck_assert_relative(point[s].test.mean, missed * missed, 1e-12);
        ck_assert_relative(point[s].train.mean, missed * missed, 1e-12);
        ck_assert_close(point[s].test.se, 0, 1e-13, 1);
        /* one mode: 1/(1 + kappa) + ridge/kappa = n */
        const double p = 1 + ridge - n, kappa = (p + sqrt(p * p + 4 * n * ridge)) / (2 * n);
        const double unlearned = kappa / (1 + kappa), e0 = n / (n - (1 - unlearned) * (1 - unlearned));
        ck_assert_relative(point[s].predicted.test, e0 * unlearned * unlearned, 1e-9);
    }
    ck_assert_relative(point[3].pool.test, point[3].test.mean, 1e-11);
    qntk_curve_pool_free(&spectrum);
}
END_TEST

START_TEST(the_whole_pool_is_its_own_training_set)
{
    pool p = make_pool(50, 2);
    const double ridge = 0.2;
    const size_t size[1] = {50};
    qntk_curve_options options = {.repeats = 3, .classify = true};
    qntk_curve_point point;
    qntk_curve_pool spectrum;
    ck_assert_ok(qntk_curve_measure(p.P, p.K, 2, p.Y, 1, size, 1, &ridge, options, &point));
    ck_assert_ok(qntk_curve_pool_create(p.P, p.K, 2, p.Y, &spectrum));
    ck_assert_ok(qntk_curve_predict(&spectrum, 1, &point));
    ck_assert_double_eq(point.test.mean, point.train.mean);
    ck_assert_double_eq(point.test.se, 0);
    ck_assert_double_nan(point.held_out.mean);
    ck_assert_double_nan(point.accuracy.mean);
    ck_assert_relative(point.pool.test, point.test.mean, 1e-10);
    ck_assert_relative(point.pool.train, point.test.mean, 1e-10);
    double total = 0, square = 0;
    for (size_t i = 0; i < p.P; i++)
        total += spectrum.power[i];
    for (size_t i = 0; i < p.P * 2; i++)
        square += p.Y[i] * p.Y[i] / (double)p.P;
    ck_assert_relative(total + spectrum.rest, square, 1e-12);
    /* one repeat has no standard error */
    options.repeats = 1;
    ck_assert_ok(qntk_curve_measure(p.P, p.K, 2, p.Y, 1, size, 1, &ridge, options, &point));
    ck_assert_double_nan(point.test.se);
    qntk_curve_pool_free(&spectrum);
    free_pool(&p);
}
END_TEST

/* ---- against experiments ---- */

/* K = U diag(l) U' with U orthogonal at random: the eigenvectors of a matrix of normals. */
START_TEST(random_eigenvectors_show_the_errors_predicted_without_replacement)
{
    enum { P = 240, RIDGES = 3, SIZES = 4, DRAWS = 60 };
    static double A[P * P], K[P * P], y[P];
    qntk_rng rng = qntk_rng_create(17, 0);
    for (size_t i = 0; i < P; i++)
        for (size_t j = 0; j <= i; j++)
            A[i * P + j] = A[j * P + i] = qntk_rng_normal(&rng);
    qntk_spectrum_options wanted = qntk_spectrum_defaults();
    wanted.vectors = true;
    qntk_spectrum U = {0};
    ck_assert_ok(qntk_spectrum_compute(P, A, wanted, &U));
    for (size_t i = 0; i < P; i++) {
        for (size_t k = 0; k < P; k++)
            y[i] += U.evec[i * P + k] * sqrt(P) * pow((double)k + 1, -0.7);
        for (size_t j = 0; j < P; j++)
            for (size_t k = 0; k < P; k++)
                K[i * P + j] += P * pow((double)k + 1, -1.3) * U.evec[i * P + k] * U.evec[j * P + k];
    }
    const size_t size[SIZES] = {30, 80, 160, 220};
    const double ridges[RIDGES] = {1e-4, 0.3, 4};
    qntk_curve_pool spectrum;
    ck_assert_ok(qntk_curve_pool_create(P, K, 1, y, &spectrum));
    double separation = 0;
    for (size_t r = 0; r < RIDGES; r++) {
        qntk_curve_point point[SIZES];
        qntk_curve_options options = {.repeats = DRAWS, .seed = 23};
        ck_assert_ok(qntk_curve_measure(P, K, 1, y, SIZES, size, 1, &ridges[r], options, point));
        ck_assert_ok(qntk_curve_predict(&spectrum, SIZES, point));
        for (size_t s = 0; s < SIZES; s++) {
            const qntk_curve_point *at = &point[s];
            const double slack = 1 / (double)at->n; /* of the formula, relative */
            ck_assert_close(at->test.mean, at->pool.test, 1, 4 * at->test.se + slack * at->pool.test);
            ck_assert_close(at->train.mean, at->pool.train, 1, 4 * at->train.se + slack * at->pool.train);
            ck_assert_close(at->held_out.mean, at->held_out_pool, 1,
                            4 * at->held_out.se + slack * at->held_out_pool);
            separation = fmax(separation, fabs(at->predicted.test - at->test.mean) / at->test.se);
        }
    }
    /* the experiment tells the two formulas apart */
    ck_assert_double_gt(separation, 20);
    qntk_curve_pool_free(&spectrum);
    qntk_spectrum_free(&U);
}
END_TEST

static void check_within(const char *data, size_t limit, size_t lo, size_t hi, double share)
{
    qntk_dataset set;
    qntk_dataset_options wanted = qntk_dataset_defaults();
    wanted.limit = limit;
    ck_assert_ok(qntk_dataset_read(data, wanted, &set));
    const size_t P = set.n, m = set.classes;
    double *K = qntk_alloc(P * P, sizeof(double)), *Y = qntk_alloc(P * m, sizeof(double));
    qntk_kernel kernel;
    ck_assert_ok(qntk_labels_encode(P, set.y, m, Y));
    ck_assert_ok(qntk_kernel_parse("qntk", &kernel));
    ck_assert_ok(qntk_gram_symmetric(&kernel, P, set.d, set.X, K));
    double trace = 0;
    for (size_t i = 0; i < P; i++)
        trace += K[i * P + i] / (double)P;
    const double ridge = 0.01 * trace;
    size_t size[5], count;
    ck_assert_ok(qntk_curve_sizes(lo, hi, 5, size, &count));
    qntk_curve_point point[5];
    qntk_curve_options options = qntk_curve_defaults();
    options.classify = true;
    qntk_curve_pool spectrum;
    ck_assert_ok(qntk_curve_measure(P, K, m, Y, count, size, 1, &ridge, options, point));
    ck_assert_ok(qntk_curve_pool_create(P, K, m, Y, &spectrum));
    ck_assert_ok(qntk_curve_predict(&spectrum, count, point));
    for (size_t s = 0; s < count; s++) {
        ck_assert_relative(point[s].predicted.test, point[s].test.mean, share);
        ck_assert_relative(point[s].pool.test, point[s].test.mean, share);
        ck_assert_double_gt(point[s].held_out.mean, point[s].test.mean);
        if (s > 0)
            ck_assert_double_gt(point[s].accuracy.mean, point[s - 1].accuracy.mean);
    }
    qntk_curve_pool_free(&spectrum);
    qntk_free(K);
    qntk_free(Y);
    qntk_dataset_free(&set);
}

START_TEST(a_teacher_is_predicted_within_15_percent)
{
    check_within("teacher:n=1000,d=10,width=50", 0, 100, 500, 0.15);
}
END_TEST

START_TEST(digits_are_predicted_within_15_percent)
{
    const char *path = test_shared("datasets/mnist/t10k-images-idx3-ubyte.gz");
    if (path == NULL) {
        test_skip("no shared data: MNIST");
        return;
    }
    check_within(path, 1200, 50, 600, 0.15);
}
END_TEST

/* ---- draws, threads, errors ---- */

START_TEST(subsets_are_uniform_and_depend_on_size_and_repeat_only)
{
    enum { P = 20, N = 7, DRAWS = 2000 };
    size_t row[P], other[P];
    double seen[P] = {0};
    size_t same = 0, wrong = 0;
    for (size_t r = 0; r < DRAWS; r++) {
        ck_assert_ok(qntk_curve_subset(P, N, 9, r, row));
        for (size_t i = 0; i < N; i++) {
            wrong += row[i] >= P || (i > 0 && row[i] <= row[i - 1]) ? 1 : 0;
            seen[row[i]]++;
        }
        ck_assert_ok(qntk_curve_subset(P, N, 10, r, other));
        same += memcmp(row, other, N * sizeof *row) == 0 ? 1 : 0;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_lt(same, 5); /* 77520 subsets */
    const double share = (double)N / P, sd = sqrt(DRAWS * share * (1 - share));
    for (size_t i = 0; i < P; i++)
        ck_assert_close(seen[i], DRAWS * share, 5, sd);
    ck_assert_ok(qntk_curve_subset(P, P, 9, 0, row));
    for (size_t i = 0; i < P; i++)
        ck_assert_uint_eq(row[i], i);
}
END_TEST

START_TEST(threads_and_other_sizes_change_nothing)
{
    /* one size above the limit for working side by side */
    const size_t P = 1300, all[] = {10, 300, 1100}, few[] = {300};
    const double ridge[2] = {0.01, 1};
    pool p = make_pool(P, 2);
    qntk_curve_options options = {.repeats = 2, .seed = 4, .classify = true};
    qntk_curve_point one[3], three[3], alone;
    ck_assert_ok(qntk_threads_set(1));
    ck_assert_ok(qntk_curve_measure(P, p.K, 2, p.Y, 3, all, 2, ridge, options, one));
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_ok(qntk_curve_measure(P, p.K, 2, p.Y, 3, all, 2, ridge, options, three));
    ck_assert_ok(qntk_curve_measure(P, p.K, 2, p.Y, 1, few, 2, ridge, options, &alone));
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_mem_eq(one, three, sizeof one);
    ck_assert_mem_eq(&alone, &one[1], sizeof alone);
    free_pool(&p);
}
END_TEST

START_TEST(sizes_grow_in_equal_ratios)
{
    size_t size[30], count;
    ck_assert_ok(qntk_curve_sizes(50, 1600, 6, size, &count));
    ck_assert_uint_eq(count, 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(size[i], (size_t)50 << i);
    ck_assert_ok(qntk_curve_sizes(1, 8, 30, size, &count)); /* each once */
    ck_assert_uint_eq(count, 8);
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_eq(size[i], i + 1);
    ck_assert_ok(qntk_curve_sizes(7, 7, 1, size, &count));
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(size[0], 7);
    ck_assert_fails(qntk_curve_sizes(0, 8, 3, size, &count), QNTK_INVALID, "found 0");
    ck_assert_fails(qntk_curve_sizes(9, 8, 3, size, &count), QNTK_INVALID, "smallest, 9, found 8");
    ck_assert_fails(qntk_curve_sizes(1, 8, 1, size, &count), QNTK_INVALID, "at least 2");
    ck_assert_fails(qntk_curve_sizes(8, 8, 0, size, &count), QNTK_INVALID, "at least 1");
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(bad_input_is_named)
{
    pool p = make_pool(20, 1);
    const double ridge = 0.1, zero = 0, minus = -1;
    const size_t good[2] = {5, 20}, over[2] = {5, 21}, none[1] = {0}, falling[2] = {6, 5};
    qntk_curve_options options = qntk_curve_defaults();
    qntk_curve_point at[2];
    qntk_curve_pool spectrum;
#define MEASURE(count, size, ridges, ridge, options)                                                         \
    qntk_curve_measure(p.P, p.K, 1, p.Y, count, size, ridges, ridge, options, at)
    ck_assert_fails(MEASURE(2, over, 1, &ridge, options), QNTK_INVALID, "20 rows of the pool, found 21");
    ck_assert_fails(MEASURE(1, none, 1, &ridge, options), QNTK_INVALID, "found 0");
    ck_assert_fails(MEASURE(2, falling, 1, &ridge, options), QNTK_INVALID, "more than the one before, 6");
    ck_assert_fails(MEASURE(2, good, 0, &ridge, options), QNTK_INVALID, "ridge");
    ck_assert_fails(MEASURE(2, good, 1, &minus, options), QNTK_INVALID, "found -1");
    ck_assert_ok(MEASURE(0, NULL, 1, &ridge, options));
    options.repeats = 0;
    ck_assert_fails(MEASURE(2, good, 1, &ridge, options), QNTK_INVALID, "repeats");
    options = (qntk_curve_options){.repeats = 2, .classify = true};
    ck_assert_fails(MEASURE(2, good, 1, &ridge, options), QNTK_INVALID, "two targets");
    options.classify = false;
    /* two equal rows and no ridge: singular as soon as both are drawn, always in the whole pool */
    for (size_t i = 0; i < p.P; i++)
        p.K[i * p.P + 3] = p.K[i * p.P + 2];
    memcpy(p.K + 3 * p.P, p.K + 2 * p.P, p.P * sizeof(double));
    ck_assert_fails(MEASURE(1, &good[1], 1, &zero, options), QNTK_SINGULAR, "a subset of 20 rows: ridge 0");
    ck_assert_double_eq(at[0].test.mean, 0);
    p.K[0] = NAN;
    ck_assert_fails(MEASURE(1, &good[1], 1, &ridge, options), QNTK_NOT_FINITE, "20 rows");
    ck_assert_fails(qntk_curve_pool_create(p.P, p.K, 1, p.Y, &spectrum), QNTK_NOT_FINITE, "");
    const double indefinite[4] = {1, 2, 2, 1}, y[2] = {1, 2};
    ck_assert_fails(qntk_curve_pool_create(2, indefinite, 1, y, &spectrum), QNTK_INVALID, "negative");
    ck_assert_ptr_null(spectrum.eval);
    ck_assert_fails(qntk_curve_pool_create(0, indefinite, 1, y, &spectrum), QNTK_INVALID, "P and m");
    ck_assert_fails(qntk_curve_predict(&spectrum, 1, at), QNTK_INVALID, "empty");
    size_t row[3];
    ck_assert_fails(qntk_curve_subset(2, 3, 0, 0, row), QNTK_INVALID, "at most P");
#undef MEASURE
    free_pool(&p);
}
END_TEST

/* Everything on a small pool. */
static qntk_status run_all(const pool *p)
{
    const double ridge[2] = {0.1, 1};
    const size_t size[2] = {5, 12};
    qntk_curve_options options = {.repeats = 2, .classify = true};
    qntk_curve_point at[2];
    qntk_curve_pool spectrum = {0};
    size_t row[5];
    qntk_status status = qntk_curve_measure(p->P, p->K, 2, p->Y, 2, size, 2, ridge, options, at);
    if (status == QNTK_OK)
        status = qntk_curve_pool_create(p->P, p->K, 2, p->Y, &spectrum);
    if (status == QNTK_OK)
        status = qntk_curve_predict(&spectrum, 2, at);
    qntk_curve_pool_free(&spectrum);
    return status == QNTK_OK ? qntk_curve_subset(p->P, 5, 0, 0, row) : status;
}

START_TEST(every_allocation_may_fail)
{
    pool p = make_pool(20, 2);
    ck_assert_ok(qntk_threads_set(1));
    qntk_memory_fail_after(-1);
    ck_assert_ok(run_all(&p));
    const long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_gt(allocations, 20);
    for (long i = 0; i < allocations; i++) {
        qntk_memory_fail_after(i);
        ck_assert_int_eq(run_all(&p), QNTK_NO_MEMORY);
    }
    qntk_memory_fail_after(-1);
    qntk_interrupt();
    ck_assert_fails(run_all(&p), QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    ck_assert_ok(qntk_threads_set(0));
    free_pool(&p);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_error_is_that_of_explicit_inverses);
    tcase_add_test(tcase, of_several_ridges_the_best_left_out_is_taken);
    tcase_add_test(tcase, an_identity_kernel_learns_nothing_but_its_rows);
    tcase_add_test(tcase, a_constant_kernel_learns_a_constant);
    tcase_add_test(tcase, the_whole_pool_is_its_own_training_set);
    tcase_add_test(tcase, random_eigenvectors_show_the_errors_predicted_without_replacement);
    tcase_add_test(tcase, a_teacher_is_predicted_within_15_percent);
    tcase_add_test(tcase, digits_are_predicted_within_15_percent);
    tcase_add_test(tcase, subsets_are_uniform_and_depend_on_size_and_repeat_only);
    tcase_add_test(tcase, threads_and_other_sizes_change_nothing);
    tcase_add_test(tcase, sizes_grow_in_equal_ratios);
    tcase_add_test(tcase, bad_input_is_named);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("curve", add_tests);
}
