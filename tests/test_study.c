/* The study's protocol against a plain twin, its ties, its errors, and the collection itself where it is there. */
#include "clouds.h"
#include "naive.h"
#include "test.h"

#include <string.h>

enum { N = 48, D = CLOUDS_D, CLASSES = 3, FOLDS = CLOUDS_FOLDS };

static void parse(const char *spec, qntk_kernel *kernel)
{
    ck_assert_ok(qntk_kernel_parse(spec, kernel));
}

/* ---- the twin ---- */

static double naive_median(size_t n, size_t d, const double *X)
{
    double *r = malloc(n * n * sizeof *r);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double sum = 0, distance;
            for (size_t k = 0; k < d; k++)
                sum += (X[i * d + k] - X[j * d + k]) * (X[i * d + k] - X[j * d + k]);
            distance = sqrt(sum);
            size_t at = count++;
            for (; at > 0 && r[at - 1] > distance; at--)
                r[at] = r[at - 1];
            r[at] = distance;
        }
    double median = (r[(count - 1) / 2] + r[count / 2]) / 2;
    free(r);
    return median;
}

/* Accuracies on train and test of a fit by the explicit inverse of kernel values from one pair at a time. */
static void naive_fit(const qntk_dataset *data, const qntk_kernel *kernel, const qntk_split *split,
                      double factor, double accuracy[2])
{
    const size_t n = split->train_count, d = data->d;
    double *K = malloc(n * n * sizeof *K), trace = 0;
    long double *G = malloc(n * n * sizeof *G);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            K[i * n + j] =
                qntk_kernel_pair(kernel, d, data->X + split->train[i] * d, data->X + split->train[j] * d);
        trace += K[i * n + i];
    }
    naive_ridge_inverse(n, K, factor * trace / (double)n, G);
    for (int part = 0; part < 2; part++) {
        const size_t rows = part == 0 ? n : split->test_count, *row = part == 0 ? split->train : split->test;
        size_t right = 0;
        for (size_t t = 0; t < rows; t++) {
            long double score[CLASSES] = {0};
            for (size_t i = 0; i < n; i++) {
                double value =
                    qntk_kernel_pair(kernel, d, data->X + row[t] * d, data->X + split->train[i] * d);
                for (size_t j = 0; j < n; j++)
                    for (size_t c = 0; c < data->classes; c++)
                        score[c] += value * G[i * n + j] *
                                    ((double)c == data->y[split->train[j]] ? 1 - 1 / (double)data->classes
                                                                           : -1 / (double)data->classes);
            }
            size_t best = 0;
            for (size_t c = 1; c < data->classes; c++)
                best = score[c] > score[best] ? c : best;
            right += (double)best == data->y[row[t]];
        }
        accuracy[part] = (double)right / (double)rows;
    }
    free(K);
    free(G);
}

static qntk_study_result naive_study(const qntk_dataset *data, const qntk_kernel *kernel, size_t candidates,
                                     const qntk_kernel *candidate)
{
    static const double ridge[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100};
    qntk_study_result best = {.kernel = *kernel, .validation = -1};
    double accuracy[2];
    for (size_t c = 0; c < candidates; c++)
        for (size_t r = 0; r < sizeof ridge / sizeof *ridge; r++) {
            naive_fit(data, &candidate[c], &data->validation, ridge[r], accuracy);
            if (accuracy[1] > best.validation) {
                best.validation = accuracy[1];
                best.ridge = ridge[r];
                best.kernel = candidate[c];
            }
        }
    for (size_t f = 0; f < FOLDS; f++) {
        naive_fit(data, &best.kernel, &data->fold[f], best.ridge, accuracy);
        best.train += accuracy[0] / FOLDS;
        best.test += accuracy[1] / FOLDS;
    }
    return best;
}

static void compare(const qntk_study_result *a, const qntk_study_result *b)
{
    const char *spec = b->kernel.spec;
    ck_assert_msg(a->kernel.network.depth == b->kernel.network.depth, "%s: depth %zu, expected %zu", spec,
                  a->kernel.network.depth, b->kernel.network.depth);
    ck_assert_close(a->kernel.bandwidth, b->kernel.bandwidth, 1e-14, b->kernel.bandwidth);
    ck_assert_double_eq(a->ridge, b->ridge);
    ck_assert_double_eq(a->validation, b->validation); /* quotients of the same whole numbers */
    ck_assert_close(a->train, b->train, 1e-15, 1);
    ck_assert_close(a->test, b->test, 1e-15, 1);
    ck_assert_double_eq(a->gap, a->train - a->test);
    ck_assert(a->seconds >= 0);
}

START_TEST(the_protocol_agrees_with_explicit_inverses)
{
    static const char *const specs[] = {"qntk", "ntk:b_std=0.5", "gauss", "laplace", "matern:nu=2.5"};
    static const double factors[] = {0.25, 0.5, 1, 2, 4};
    enum { KERNELS = sizeof specs / sizeof *specs };
    for (uint64_t seed = 1; seed <= 2; seed++) {
        qntk_dataset data = clouds(N, CLASSES, 1.5, seed);
        qntk_kernel kernel[KERNELS];
        qntk_study_result result[KERNELS];
        for (size_t k = 0; k < KERNELS; k++)
            parse(specs[k], &kernel[k]);
        ck_assert_ok(qntk_study_set(&data, KERNELS, kernel, qntk_study_defaults(), result));
        const double median = naive_median(N, D, data.X);
        for (size_t k = 0; k < KERNELS; k++) {
            const bool radial = qntk_kernel_is_radial(&kernel[k]);
            qntk_kernel candidate[5];
            for (size_t c = 0; c < 5; c++) {
                candidate[c] = kernel[k];
                candidate[c].network.depth = radial ? kernel[k].network.depth : c + 1;
                candidate[c].bandwidth = radial ? factors[c] * median : 0;
            }
            qntk_study_result twin = naive_study(&data, &kernel[k], radial ? 5 : 3, candidate);
            compare(&result[k], &twin);
        }
        qntk_dataset_free(&data);
    }
}
END_TEST

START_TEST(what_the_specification_gives_is_not_searched)
{
    qntk_dataset data = clouds(N, 2, 1, 3);
    qntk_kernel kernel[4];
    qntk_study_result result[4];
    parse("qntk:bits=2,depth=2", &kernel[0]);
    parse("gauss:bandwidth=0.75", &kernel[1]);
    parse("laplace:bandwidth=median", &kernel[2]);
    parse("gexp:power=1.5,bandwidth=2", &kernel[3]);
    ck_assert_ok(qntk_study_set(&data, 4, kernel, qntk_study_defaults(), result));
    ck_assert_uint_eq(result[0].kernel.network.depth, 2);
    ck_assert_uint_eq(result[0].kernel.network.levels, 4);
    ck_assert_double_eq(result[1].kernel.bandwidth, 0.75);
    ck_assert_close(result[2].kernel.bandwidth, naive_median(N, D, data.X), 1e-14, 1);
    ck_assert_double_eq(result[3].kernel.bandwidth, 2);
    for (size_t k = 0; k < 4; k++) { /* and is searched over ridges all the same */
        qntk_study_result twin = naive_study(&data, &result[k].kernel, 1, &result[k].kernel);
        compare(&result[k], &twin);
    }
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(of_equals_the_first_of_the_grid_wins)
{
    /* two far clouds: every depth, bandwidth and ridge but the largest is right everywhere */
    qntk_dataset data = clouds(N, 2, 50, 4);
    qntk_kernel kernel[2];
    qntk_study_result result[2];
    qntk_study_options options = qntk_study_defaults();
    parse("ntk", &kernel[0]);
    parse("gauss", &kernel[1]);
    ck_assert_ok(qntk_study_set(&data, 2, kernel, options, result));
    double median;
    ck_assert_ok(qntk_study_median(N, D, data.X, &median));
    ck_assert_uint_eq(result[0].kernel.network.depth, 1);
    ck_assert_double_eq(result[1].kernel.bandwidth, 0.25 * median);
    for (size_t k = 0; k < 2; k++) {
        ck_assert_double_eq(result[k].ridge, 1e-6);
        ck_assert_double_eq(result[k].validation, 1);
        ck_assert_double_eq(result[k].train, 1);
        ck_assert_double_eq(result[k].test, 1);
        ck_assert_double_eq(result[k].gap, 0);
    }
    options.depths = 2; /* another grid: its first */
    options.depth[0] = 4;
    options.depth[1] = 7;
    options.ridges = 1;
    options.ridge[0] = 0.5;
    ck_assert_ok(qntk_study_set(&data, 1, kernel, options, result));
    ck_assert_uint_eq(result[0].kernel.network.depth, 4);
    ck_assert_double_eq(result[0].ridge, 0.5);
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(equally_many_hits_in_other_folds_give_the_same_mean)
{
    /* sums of quotients depend on their order in the last place; the folds change places here */
    qntk_dataset data = clouds(N, CLASSES, 1, 5);
    qntk_kernel kernel;
    qntk_study_result one, other;
    parse("gauss:bandwidth=1", &kernel);
    for (int turn = 0; turn < FOLDS; turn++) {
        ck_assert_ok(qntk_study_set(&data, 1, &kernel, qntk_study_defaults(), turn == 0 ? &one : &other));
        if (turn > 0) {
            ck_assert_double_eq(one.test, other.test);
            ck_assert_double_eq(one.train, other.train);
        }
        const qntk_split first = data.fold[0];
        memmove(data.fold, data.fold + 1, (FOLDS - 1) * sizeof first);
        data.fold[FOLDS - 1] = first;
    }
    qntk_dataset_free(&data);
}
END_TEST

/* ---- threads ---- */

typedef struct {
    const qntk_dataset *data;
    const qntk_kernel *kernel;
    qntk_study_result *result;
} inner_job;

static qntk_status inside(void *context, size_t index, size_t worker)
{
    (void)worker;
    const inner_job *job = context;
    return qntk_study_set(job->data, 2, job->kernel, qntk_study_defaults(), job->result + 2 * index);
}

START_TEST(any_number_of_threads_and_a_loop_around_give_the_same_bytes)
{
    qntk_dataset data = clouds(300, CLASSES, 1, 6);
    qntk_kernel kernel[2];
    qntk_study_result result[5][2] = {0};
    parse("qntk", &kernel[0]);
    parse("laplace", &kernel[1]);
    for (size_t threads = 1; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        ck_assert_ok(qntk_study_set(&data, 2, kernel, qntk_study_defaults(), result[threads - 1]));
    }
    inner_job job = {&data, kernel, result[3]};
    ck_assert_ok(qntk_parallel_for(2, inside, &job));
    for (size_t run = 0; run < 5; run++)
        for (size_t k = 0; k < 2; k++) {
            result[run][k].seconds = 0;
            ck_assert_mem_eq(&result[run][k], &result[0][k], sizeof result[0][k]);
        }
    ck_assert_ok(qntk_threads_set(0));
    qntk_dataset_free(&data);
}
END_TEST

/* ---- the median, the parameters' text ---- */

START_TEST(the_median_is_that_of_all_pairs)
{
    for (size_t n = 2; n < 40; n += 3) {
        qntk_dataset data = clouds(n < 8 ? 8 : n, 2, 1, n);
        double mine, sampled;
        ck_assert_ok(qntk_study_median(n, D, data.X, &mine));
        ck_assert_close(mine, naive_median(n, D, data.X), 1e-14, mine);
        ck_assert_ok(qntk_median_distance(n, D, data.X, 0, &sampled));
        ck_assert_double_eq(mine, sampled); /* up to 2000 rows nothing is sampled */
        qntk_dataset_free(&data);
    }
    const double half[4] = {1, 1, 1, 2}; /* 3 of 6 pairs are equal: between 0 and 1 */
    double median = 7;
    ck_assert_ok(qntk_study_median(4, 1, half, &median));
    ck_assert_double_eq(median, 0.5);
    const double most[5] = {1, 1, 1, 1, 2}; /* 6 of 10 pairs are equal */
    ck_assert_fails(qntk_study_median(5, 1, most, &median), QNTK_INVALID, "median distance of all rows is 0");
    ck_assert_double_eq(median, 0);
    ck_assert_fails(qntk_study_median(1, 1, most, &median), QNTK_INVALID, "two rows");
}
END_TEST

START_TEST(parameters_read_back_as_a_specification)
{
    qntk_kernel kernel, again;
    char params[QNTK_STUDY_PARAMS], spec[128];
    parse("laplace", &kernel);
    kernel.bandwidth = 1.0 / 3;
    qntk_study_params(&kernel, params);
    snprintf(spec, sizeof spec, "laplace:%s", params);
    parse(spec, &again);
    ck_assert_double_eq(again.bandwidth, 1.0 / 3);
    parse("qntk:bits=3", &kernel);
    kernel.network.depth = 17;
    qntk_study_params(&kernel, params);
    ck_assert_str_eq(params, "depth=17");
}
END_TEST

/* ---- the summary ---- */

START_TEST(the_summary_is_what_its_parts_say)
{
    /* three kernels on four sets, worked out by hand */
    const double train[] = {1, 1, 0.9, 0.8, 1, 0.7, 0.9, 1, 0.8, 0.9, 1, 0.8};
    const double test[] = {0.8, 0.6, 0.8, 0.5, 0.4, 0.49, 0.9, 1, 0.86, 0.7, 0.7, 0.7};
    qntk_study_summary s[3];
    ck_assert_ok(qntk_study_summarise(4, 3, train, test, s));
    ck_assert_close(s[0].train, 0.9, 1e-15, 1);
    ck_assert_close(s[0].train_sd, sqrt((0.01 + 0.01) / 3), 1e-14, 1);
    ck_assert_close(s[0].test, 0.725, 1e-15, 1);
    ck_assert_close(s[1].gap, 0.325, 1e-15, 1);
    ck_assert_close(s[1].gap_sd, sqrt((0.075 * 0.075 + 0.275 * 0.275 + 0.325 * 0.325 + 0.025 * 0.025) / 3),
                    1e-14, 1);
    /* ranks: 1.5 3 1.5 | 1 3 2 | 2 1 3 | 2 2 2 */
    ck_assert_close(s[0].friedman, 6.5 / 4, 1e-15, 1);
    ck_assert_close(s[1].friedman, 9.0 / 4, 1e-15, 1);
    ck_assert_close(s[2].friedman, 8.5 / 4, 1e-15, 1);
    /* shares of the best: 1 .75 1 | 1 .8 .98 | .9 1 .86 | 1 1 1 */
    ck_assert_double_eq(s[0].p90, 1);
    ck_assert_double_eq(s[0].p95, 0.75);
    ck_assert_double_eq(s[1].p90, 0.5);
    ck_assert_double_eq(s[2].p90, 0.75);
    ck_assert_double_eq(s[2].p95, 0.75);
    ck_assert_close(s[1].pma, (0.75 + 0.8 + 1 + 1) / 4, 1e-15, 1);
    ck_assert_close(s[2].pma, (1 + 0.98 + 0.86 + 1) / 4, 1e-15, 1);
    /* kernel 1 against 0: +0.2, +0.1, -0.1, 0 */
    qntk_wilcoxon pair;
    const double x[] = {0.8, 0.5, 0.9, 0.7}, y[] = {0.6, 0.4, 1, 0.7};
    ck_assert_ok(qntk_compare_wilcoxon(4, x, y, &pair));
    ck_assert_double_eq(s[1].wilcoxon_p, pair.p);
    ck_assert(isnan(s[0].wilcoxon_p));
}
END_TEST

START_TEST(one_set_has_a_mean_and_no_deviation)
{
    const double train[] = {1, 0.5}, test[] = {0.5, 0.75};
    qntk_study_summary s[2];
    ck_assert_ok(qntk_study_summarise(1, 2, train, test, s));
    ck_assert_double_eq(s[1].gap, -0.25);
    ck_assert(isnan(s[0].test_sd) && isnan(s[1].gap_sd));
    ck_assert_double_eq(s[0].friedman, 2);
    ck_assert_double_eq(s[1].wilcoxon_p, 1); /* one pair cannot tell */
    const double broken[] = {NAN, 1};
    ck_assert_fails(qntk_study_summarise(1, 2, train, broken, s), QNTK_NOT_FINITE, "");
    ck_assert_double_eq(s[1].train, 0);
    ck_assert_fails(qntk_study_summarise(0, 2, train, test, s), QNTK_INVALID, "at least one set");
}
END_TEST

/* ---- errors ---- */

static void expect_error(qntk_dataset data, const char *spec, qntk_study_options options, const char *text)
{
    qntk_kernel kernel;
    qntk_study_result result;
    memset(&result, 1, sizeof result);
    parse(spec, &kernel);
    ck_assert_fails(qntk_study_set(&data, 1, &kernel, options, &result), QNTK_INVALID, text);
    ck_assert_double_eq(result.train, 0);
    ck_assert_double_eq(result.ridge, 0);
}

START_TEST(each_documented_error_is_given)
{
    const qntk_dataset good = clouds(16, 2, 1, 7);
    const qntk_study_options usual = qntk_study_defaults();
    qntk_dataset data = good;
    qntk_study_options options = usual;
    data.classes = 0;
    expect_error(data, "ntk", usual, "no classes");
    data = good;
    data.validation = (qntk_split){0};
    expect_error(data, "ntk", usual, "no pair");
    data = good;
    data.folds = 0;
    expect_error(data, "ntk", usual, "no folds");
    data = good;
    data.fold[2].test_count = 0;
    expect_error(data, "ntk", usual, "a fold has no rows");
    data = good;
    data.n = 8; /* rows of the splits lie beyond */
    expect_error(data, "ntk", usual, "rows that the set does not have");
    expect_error(good, "K.npy", usual, "belongs to one data set");
    options.depths = 0;
    expect_error(good, "ntk", options, "depths");
    options = usual;
    options.depth[2] = QNTK_DEPTH_MAX + 1;
    expect_error(good, "ntk", options, "depths");
    options = usual;
    options.bandwidth[1] = options.bandwidth[0];
    expect_error(good, "ntk", options, "bandwidths");
    options = usual;
    options.ridge[0] = NAN;
    expect_error(good, "ntk", options, "ridges");
    options = usual;
    options.ridges = QNTK_STUDY_GRID + 1;
    expect_error(good, "ntk", options, "ridges");
    double same[16 * D] = {0};
    data = good;
    data.X = same;
    expect_error(data, "gauss", usual, "median distance of all rows is 0");
    data = good;
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(a_kernel_that_is_zero_is_singular)
{
    qntk_dataset data = clouds(16, 2, 1, 8);
    memset(data.X, 0, data.n * D * sizeof(double));
    qntk_kernel kernel;
    qntk_study_result result;
    parse("ntk", &kernel);
    ck_assert_fails(qntk_study_set(&data, 1, &kernel, qntk_study_defaults(), &result), QNTK_SINGULAR,
                    "ridge");
    ck_assert_double_eq(result.validation, 0);
    qntk_dataset_free(&data);
}
END_TEST

/* Two equal rows, both in the training half of the pair or only one of them there: without a ridge the matrix of the
 * pair is singular, or that of a fold with both. */
START_TEST(ridges_that_leave_a_matrix_singular_are_left_out)
{
    for (int both = 0; both < 2; both++) {
        qntk_dataset data = clouds(N, CLASSES, 1.5, 21);
        const size_t *train = data.validation.train, *test = data.validation.test;
        memcpy(data.X + (both ? train[1] : test[0]) * D, data.X + train[0] * D, D * sizeof(double));
        qntk_kernel kernel;
        qntk_study_result result, expected;
        qntk_study_options options = qntk_study_defaults(), without = options;
        parse("laplace", &kernel);
        options.ridges = without.ridges = 1;
        options.ridge[0] = 0;
        ck_assert_fails(qntk_study_set(&data, 1, &kernel, options, &result), QNTK_SINGULAR,
                        "laplace: ridge 0: ");
        options.ridges = 3; /* so close to 0 that no prediction differs, and another */
        options.ridge[1] = without.ridge[0] = 1e-9;
        options.ridge[2] = without.ridge[1] = 1e-3;
        without.ridges = 2;
        ck_assert_ok(qntk_study_set(&data, 1, &kernel, options, &result));
        ck_assert_ok(qntk_study_set(&data, 1, &kernel, without, &expected));
        compare(&result, &expected);
        qntk_dataset_free(&data);
    }
}
END_TEST

START_TEST(every_failing_allocation_is_reported_and_nothing_leaks)
{
    qntk_dataset data = clouds(16, 2, 1, 9);
    qntk_kernel kernel[2];
    qntk_study_result result[2];
    qntk_study_options options = qntk_study_defaults();
    options.depths = options.bandwidths = 1;
    parse("qntk", &kernel[0]);
    parse("gauss", &kernel[1]);
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_study_set(&data, 2, kernel, options, result));
    const long allocations = qntk_memory_fail_after(-1);
    ck_assert_int_gt(allocations, 20);
    size_t wrong = 0;
    for (long i = 0; i < allocations; i++) {
        qntk_memory_fail_after(i);
        wrong += qntk_study_set(&data, 2, kernel, options, result) != QNTK_NO_MEMORY || result[0].ridge != 0;
    }
    qntk_memory_fail_after(-1);
    ck_assert_uint_eq(wrong, 0);
    const double score[] = {1, 0.5, 0.5, 1};
    qntk_study_summary summary[2];
    ck_assert_ok(qntk_study_summarise(2, 2, score, score, summary));
    for (long i = 0, made = qntk_memory_fail_after(-1); i < made; i++) {
        qntk_memory_fail_after(i);
        ck_assert_fails(qntk_study_summarise(2, 2, score, score, summary), QNTK_NO_MEMORY, "memory");
    }
    qntk_memory_fail_after(-1);
    qntk_dataset_free(&data);
}
END_TEST

START_TEST(an_interrupt_ends_it)
{
    qntk_dataset data = clouds(16, 2, 1, 10);
    qntk_kernel kernel;
    qntk_study_result result;
    parse("gauss", &kernel);
    qntk_interrupt();
    ck_assert_fails(qntk_study_set(&data, 1, &kernel, qntk_study_defaults(), &result), QNTK_INTERRUPTED,
                    "interrupted");
    qntk_interrupt_clear();
    ck_assert_double_eq(result.train, 0);
    qntk_dataset_free(&data);
}
END_TEST

/* ---- the collection ---- */

/* As bench/suite.py finds them with NumPy's eigendecompositions: kernel, ridge, hits out of 4 times the rows of a
 * fold. */
static const struct {
    const char *set, *kernel;
    size_t depth;     /* or */
    double bandwidth; /* times the median */
    double ridge;
    double train, test;
} known[] = {
    {"breast-tissue", "qntk", 2, 0, 1e-02, 0.7875000000000001, 0.673076923076923},
    {"breast-tissue", "ntk", 2, 0, 1e-01, 0.96875, 0.7211538461538461},
    {"breast-tissue", "gauss", 0, 0.5, 1e-01, 0.859375, 0.6826923076923077},
    {"breast-tissue", "laplace", 0, 1, 1e-01, 1, 0.7403846153846154},
    {"heart-va", "qntk", 2, 0, 1e-03, 0.9566666666666667, 0.295},
    {"heart-va", "ntk", 1, 0, 1e-02, 1, 0.335},
    {"heart-va", "gauss", 0, 1, 1e-02, 0.905, 0.335},
    {"heart-va", "laplace", 0, 0.25, 1e+01, 0.95, 0.36},
    {"lenses", "qntk", 1, 0, 1e+02, 0.8333333333333334, 0.75},
    {"lenses", "ntk", 1, 0, 1e+02, 0.9444444444444444, 0.7916666666666666},
    {"lenses", "gauss", 0, 0.25, 1e+01, 1, 0.875},
    {"lenses", "laplace", 0, 0.25, 1e-06, 1, 0.875},
    {"seeds", "qntk", 1, 0, 1e-03, 0.9841772151898734, 0.9278846153846154},
    {"seeds", "ntk", 1, 0, 1e-06, 1, 0.9375},
    {"seeds", "gauss", 0, 2, 1e-05, 0.9936708860759493, 0.9567307692307692},
    {"seeds", "laplace", 0, 0.25, 1e+00, 1, 0.9230769230769231},
    {"wine", "qntk", 1, 0, 1e-02, 1, 0.9715909090909091},
    {"wine", "ntk", 1, 0, 1e-06, 1, 0.9886363636363636},
    {"wine", "gauss", 0, 0.5, 1e+00, 1, 0.9772727272727273},
    {"wine", "laplace", 0, 0.25, 1e-06, 1, 0.9829545454545455},
};

START_TEST(sets_of_the_collection_give_what_an_independent_script_found)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char relative[256];
        snprintf(relative, sizeof relative, "datasets/uci/%s", known[i].set);
        const char *path = test_shared(relative);
        if (path == NULL) {
            test_skip("the UCI collection is not there");
            return;
        }
        qntk_dataset data;
        qntk_kernel kernel;
        qntk_study_result result;
        double median;
        parse(known[i].kernel, &kernel);
        ck_assert_ok(qntk_dataset_read(path, qntk_dataset_defaults(), &data));
        ck_assert_ok(qntk_study_set(&data, 1, &kernel, qntk_study_defaults(), &result));
        ck_assert_ok(qntk_study_median(data.n, data.d, data.X, &median));
        if (known[i].depth > 0)
            ck_assert_msg(result.kernel.network.depth == known[i].depth, "%s %s: depth %zu", known[i].set,
                          known[i].kernel, result.kernel.network.depth);
        else
            ck_assert_close(result.kernel.bandwidth, known[i].bandwidth * median, 1e-14, median);
        ck_assert_double_eq(result.ridge, known[i].ridge);
        ck_assert_close(result.train, known[i].train, 1e-12, 1);
        ck_assert_close(result.test, known[i].test, 1e-12, 1);
        qntk_dataset_free(&data);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_protocol_agrees_with_explicit_inverses);
    tcase_add_test(tcase, what_the_specification_gives_is_not_searched);
    tcase_add_test(tcase, of_equals_the_first_of_the_grid_wins);
    tcase_add_test(tcase, equally_many_hits_in_other_folds_give_the_same_mean);
    tcase_add_test(tcase, any_number_of_threads_and_a_loop_around_give_the_same_bytes);
    tcase_add_test(tcase, the_median_is_that_of_all_pairs);
    tcase_add_test(tcase, parameters_read_back_as_a_specification);
    tcase_add_test(tcase, the_summary_is_what_its_parts_say);
    tcase_add_test(tcase, one_set_has_a_mean_and_no_deviation);
    tcase_add_test(tcase, each_documented_error_is_given);
    tcase_add_test(tcase, a_kernel_that_is_zero_is_singular);
    tcase_add_test(tcase, ridges_that_leave_a_matrix_singular_are_left_out);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_leaks);
    tcase_add_test(tcase, an_interrupt_ends_it);
    tcase_add_test(tcase, sets_of_the_collection_give_what_an_independent_script_found);
}

int main(void)
{
    return test_main("study", add_tests);
}
