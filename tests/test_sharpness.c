/* Sharpness of classifiers whose accuracy under noise is known, the measures as they are written, and the bound. */
#include "naive.h"
#include "test.h"

#include <string.h>

#include "sharpness_internal.h"

enum { D = 6, N = 150, CLASSES = 3, WEIGHTS_MAX = 256 };

typedef struct {
    qntk_network network, start;
    float X[N * D];
    double y[N];
} problem;

static const size_t sizes[] = {D, 8, 7, CLASSES};

/* Random rows, a network with other latent weights than its start, and the classes it gives them but for every
 * tenth row. */
static void problem_create(const size_t *levels, double b_std, qntk_rounding rounding, uint64_t seed,
                           problem *p)
{
    double F[N * CLASSES];
    qntk_rng rng = qntk_rng_create(seed, 55);
    ck_assert_ok(qntk_network_create(3, sizes, levels, b_std, seed, &p->network));
    ck_assert_ok(qntk_network_create(3, sizes, levels, b_std, seed, &p->start));
    for (size_t l = 0; l < 3; l++)
        for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++)
            p->network.layers[l].latent[k] =
                (float)(0.7 * p->network.layers[l].latent[k] + 0.3 * (2 * qntk_rng_uniform(&rng) - 1));
    for (size_t k = 0; k < N * D; k++)
        p->X[k] = (float)qntk_rng_normal(&rng);
    ck_assert_ok(qntk_network_expect(&p->network, rounding, N, p->X, F));
    ck_assert_ok(qntk_labels_decode(N, CLASSES, F, CLASSES, p->y));
    for (size_t i = 0; i < N; i += 10)
        p->y[i] = fmod(p->y[i] + 1, CLASSES);
}

static void problem_free(problem *p)
{
    qntk_network_free(&p->network);
    qntk_network_free(&p->start);
}

static qntk_status sharpness_of(const problem *p, qntk_rounding rounding, qntk_sharpness_options options,
                                qntk_sharpness *out)
{
    return qntk_sharpness_of(&p->network, &p->start, rounding, N, p->X, p->y, CLASSES, options, out);
}

/* ---- linear classifiers ---- */

typedef struct {
    qntk_network network;
    double W[2 * D]; /* in use */
    float X[N * D];
    double y[N];
} linear;

static void linear_create(size_t levels, qntk_rounding rounding, linear *p)
{
    static const size_t shape[] = {D, 2};
    qntk_rng rng = qntk_rng_create(levels, 4);
    ck_assert_ok(qntk_network_create(1, shape, &levels, 0, 5, &p->network));
    for (size_t k = 0; k < 2 * D; k++) {
        const double latent = p->network.layers[0].latent[k], step = qntk_weight_step(levels);
        p->W[k] = levels > 0 && rounding == QNTK_ROUNDING_NEAREST
                      ? -1 + step * floor((latent + 1) / step + 0.5)
                      : latent;
    }
    for (size_t i = 0; i < N; i++) {
        double margin = 0;
        for (size_t j = 0; j < D; j++) {
            p->X[i * D + j] = (float)qntk_rng_normal(&rng);
            margin += (p->W[D + j] - p->W[j]) * p->X[i * D + j];
        }
        p->y[i] = margin > 0;
    }
}

/* The expected accuracy under noise: rows stay right with probability Phi(margin / its deviation). */
static double linear_accuracy(const linear *p, double sigma, bool magnitude, double eps)
{
    double sum = 0;
    for (size_t i = 0; i < N; i++) {
        double margin = 0, variance = 0;
        for (size_t j = 0; j < D; j++) {
            const double x = p->X[i * D + j];
            margin += (p->W[D + j] - p->W[j]) * x;
            for (size_t c = 0; c < 2; c++)
                variance += pow(sigma * (magnitude ? fabs(p->W[c * D + j]) + eps : 1) * x, 2);
        }
        sum += erfc(-fabs(margin) / sqrt(2 * variance)) / 2;
    }
    return sum / N;
}

START_TEST(a_linear_classifier_has_the_sigma_of_its_margins)
{
    static const struct {
        size_t levels;
        qntk_rounding rounding;
    } laws[] = {{0, QNTK_ROUNDING_STOCHASTIC}, {4, QNTK_ROUNDING_STOCHASTIC}, {4, QNTK_ROUNDING_NEAREST}};
    for (size_t k = 0; k < 3; k++) {
        linear p;
        qntk_sharpness s;
        linear_create(laws[k].levels, laws[k].rounding, &p);
        qntk_sharpness_options options = qntk_sharpness_defaults();
        options.draws = 1000;
        options.repeats = 2;
        options.tolerance = 0.001;
        ck_assert_ok(
            qntk_sharpness_of(&p.network, &p.network, laws[k].rounding, N, p.X, p.y, 2, options, &s));
        ck_assert_double_eq(s.accuracy, 1);
        ck_assert_uint_eq(s.found, 2);
        ck_assert_uint_eq(s.magnitude_found, 2);
        /* the tolerance, and 4 deviations of the mean of 1000 accuracies, each off by 0.05 (rows are correlated) */
        ck_assert_close(linear_accuracy(&p, s.sigma, false, 0), 0.9, 0.001 + 4 * 0.05 / sqrt(2000), 1);
        ck_assert_close(linear_accuracy(&p, s.magnitude_sigma, true, 1e-3), 0.9,
                        0.001 + 4 * 0.05 / sqrt(2000), 1);
        ck_assert_double_gt(fabs(s.sigma - s.magnitude_sigma), 0.01); /* and the two are not the same */
        qntk_network_free(&p.network);
    }
}
END_TEST

START_TEST(bisections_end_where_they_should)
{
    linear p;
    qntk_sharpness s;
    linear_create(0, QNTK_ROUNDING_STOCHASTIC, &p);
    qntk_sharpness_options options = qntk_sharpness_defaults();
    options.tolerance = 1; /* any drop will do */
    ck_assert_ok(
        qntk_sharpness_of(&p.network, &p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.y, 2, options, &s));
    ck_assert_double_eq(s.sigma, 1);
    ck_assert_double_eq(s.sigma_se, 0);
    ck_assert_uint_eq(s.found, 5);
    options.tolerance = 0.01;
    options.steps = 4;
    options.drop = 1e-9; /* too small for 1500 answers: never met but by a drop of 0, which may not count */
    options.tolerance = 0;
    options.repeats = 1;
    ck_assert_ok(
        qntk_sharpness_of(&p.network, &p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.y, 2, options, &s));
    ck_assert_uint_eq(s.found, 0);
    ck_assert_double_eq(s.sigma * 8, floor(s.sigma * 8)); /* 2 (odd)/2^4 */
    ck_assert_uint_eq((size_t)(s.sigma * 8) % 2, 1);
    ck_assert_double_nan(s.sigma_se);
    /* rows of zeros: every noise leaves all outputs 0, and the answer class 0 */
    memset(p.X, 0, sizeof p.X);
    memset(p.y, 0, sizeof p.y);
    options = qntk_sharpness_defaults();
    ck_assert_ok(
        qntk_sharpness_of(&p.network, &p.network, QNTK_ROUNDING_STOCHASTIC, N, p.X, p.y, 2, options, &s));
    ck_assert_uint_eq(s.found, 0);
    ck_assert_double_eq(s.sigma, 2 * (1 - pow(2, -15)));
    ck_assert_double_eq(s.accuracy, 1);
    qntk_network_free(&p.network);
}
END_TEST

/* ---- any network ---- */

static const size_t laws[][3] = {{2, 2, 0}, {0, 0, 0}, {3, 4, 16}, {0, 4, 2}};
static const qntk_rounding roundings[] = {QNTK_ROUNDING_STOCHASTIC, QNTK_ROUNDING_STOCHASTIC,
                                          QNTK_ROUNDING_NEAREST, QNTK_ROUNDING_STOCHASTIC};
enum { LAWS = 4 };

START_TEST(moved_weights_are_judged_like_a_naive_network)
{
    static problem p;
    for (size_t k = 0; k < LAWS; k++) {
        problem_create(laws[k], 0.3, roundings[k], 3 + k, &p);
        qntk_judge judge;
        ck_assert_ok(qntk_judge_create(&p.network, &p.start, roundings[k], N, p.X, p.y, CLASSES,
                                       QNTK_LOSS_CROSS_ENTROPY, &judge));
        double w[WEIGHTS_MAX], tau[WEIGHTS_MAX] = {0}, accuracy;
        qntk_moments_weights layers[3];
        ck_assert_ok(qntk_network_moments(&p.network, roundings[k], layers));
        qntk_rng rng = qntk_rng_create(k, 9);
        size_t beyond = 0, right = 0, at = 0;
        for (size_t l = 0; l < 3; l++) {
            const size_t begin = at;
            for (size_t i = 0; i < sizes[l] * sizes[l + 1]; i++, at++) {
                const double latent = layers[l].latent[i];
                tau[at] = qntk_weight_noise(layers[l].levels, latent);
                ck_assert_double_eq(judge.w[at], latent);
                w[at] = latent + 0.6 * qntk_rng_normal(&rng);
                beyond += fabs(w[at]) > 1;
            }
            qntk_free((void *)layers[l].latent);
            layers[l].latent = w + begin;
            layers[l].noise = tau + begin;
            layers[l].levels = 0;
        }
        ck_assert_uint_gt(beyond, 10);
        for (size_t i = 0; i < N; i++) {
            double x[D], mean[8], variance[8];
            for (size_t j = 0; j < D; j++)
                x[j] = p.X[i * D + j];
            naive_moments_network(layers, 3, x, mean, variance);
            const size_t top = mean[0] >= mean[1] ? (mean[0] >= mean[2] ? 0 : 2) : mean[1] >= mean[2] ? 1 : 2;
            right += (double)top == p.y[i];
        }
        for (size_t i = 0; i < judge.plain.weights; i++)
            qntk_judge_weights(&judge, 0)[i] = (float)w[i];
        ck_assert_ok(qntk_judge_accuracy(&judge, 0, &accuracy));
        ck_assert_close(accuracy, (double)right / N, 1e-15, 1);
        ck_assert_double_lt(accuracy, 0.89); /* the noise has done something */
        for (size_t l = 0; l < 3; l++)
            qntk_free((void *)layers[l].bias);
        qntk_judge_free(&judge);
        problem_free(&p);
    }
}
END_TEST

START_TEST(measures_are_those_of_their_sigma)
{
    static problem p;
    for (size_t k = 0; k < LAWS; k++) {
        qntk_sharpness s, pair;
        problem_create(laws[k], 0, roundings[k], 20 + k, &p);
        qntk_sharpness_options options = qntk_sharpness_defaults();
        options.repeats = 1;
        ck_assert_ok(sharpness_of(&p, roundings[k], options, &s));
        ck_assert_double_eq_tol(s.accuracy, 0.9, 1e-12);
        qntk_judge judge;
        ck_assert_ok(qntk_judge_create(&p.network, &p.start, roundings[k], N, p.X, p.y, CLASSES,
                                       QNTK_LOSS_CROSS_ENTROPY, &judge));
        const size_t weights = judge.plain.weights;
        long double norm = 0, moved = 0, sum = 0;
        for (size_t i = 0; i < weights; i++) {
            norm += powl(judge.w[i], 2);
            moved += powl((long double)judge.w[i] - judge.start[i], 2);
        }
        for (size_t i = 0; i < weights; i++)
            sum += logl(1e-6L + (powl(s.magnitude_sigma, 2) + 1) * moved / weights) -
                   logl(1e-6L + powl(s.magnitude_sigma * ((long double)judge.w[i] - judge.start[i]), 2));
        qntk_judge_free(&judge);
        const double square = s.sigma * s.sigma, tail = log(N / s.sigma) + 10;
        ck_assert_relative(s.norm, sqrt((double)norm), 1e-14);
        ck_assert_relative(s.distance, sqrt((double)moved), 1e-14);
        ck_assert_relative(s.measure[QNTK_SHARPNESS_FLATNESS], sqrt(1 / square / N), 1e-14);
        ck_assert_relative(s.measure[QNTK_SHARPNESS_NORM_ORIGIN],
                           sqrt(((double)norm / (4 * square) + tail) / N), 1e-14);
        ck_assert_relative(s.measure[QNTK_SHARPNESS_NORM_INIT],
                           sqrt(((double)moved / (4 * square) + tail) / N), 1e-14);
        ck_assert_relative(s.measure[QNTK_SHARPNESS_MAGNITUDE],
                           sqrt(((double)sum / 4 + log(N / s.magnitude_sigma) + 10) / N), 1e-12);
        options.repeats = 2; /* the first as before, the second what the mean tells */
        ck_assert_ok(sharpness_of(&p, roundings[k], options, &pair));
        const double other = 2 * pair.sigma - s.sigma;
        ck_assert_close(pair.sigma_se, fabs(other - s.sigma) / 2, 1e-14, s.sigma);
        const double flat = sqrt(1 / (other * other) / N);
        ck_assert_relative(pair.measure[QNTK_SHARPNESS_FLATNESS],
                           (flat + s.measure[QNTK_SHARPNESS_FLATNESS]) / 2, 1e-12);
        ck_assert_close(pair.se[QNTK_SHARPNESS_FLATNESS], fabs(flat - s.measure[QNTK_SHARPNESS_FLATNESS]) / 2,
                        1e-12, flat);
        problem_free(&p);
    }
}
END_TEST

START_TEST(scaled_inputs_and_reordered_rows_change_nothing_and_scaled_weights_scale_sigma)
{
    static problem p;
    qntk_sharpness s, scaled;
    problem_create(laws[1], 0, QNTK_ROUNDING_STOCHASTIC, 8, &p);
    qntk_sharpness_options options = qntk_sharpness_defaults();
    ck_assert_ok(sharpness_of(&p, QNTK_ROUNDING_STOCHASTIC, options, &s));
    for (size_t k = 0; k < N * D; k++)
        p.X[k] *= 4; /* outputs times 4, exactly; real layers, so no bound */
    for (size_t i = 0; i < N / 2; i++) {
        const double y = p.y[i];
        p.y[i] = p.y[N - 1 - i];
        p.y[N - 1 - i] = y;
        for (size_t j = 0; j < D; j++) {
            const float x = p.X[i * D + j];
            p.X[i * D + j] = p.X[(N - 1 - i) * D + j];
            p.X[(N - 1 - i) * D + j] = x;
        }
    }
    ck_assert_ok(sharpness_of(&p, QNTK_ROUNDING_STOCHASTIC, options, &scaled));
    ck_assert_double_eq(scaled.sigma, s.sigma);
    ck_assert_double_eq(scaled.magnitude_sigma, s.magnitude_sigma);
    ck_assert_mem_eq(scaled.measure, s.measure, sizeof s.measure);
    for (size_t l = 0; l < 3; l++)
        for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++) {
            p.network.layers[l].latent[k] *= 2;
            p.start.layers[l].latent[k] *= 2;
        }
    options.limit = 4;
    options.epsilon = 2e-3;
    ck_assert_ok(sharpness_of(&p, QNTK_ROUNDING_STOCHASTIC, options, &scaled));
    ck_assert_double_eq(scaled.sigma, 2 * s.sigma);
    ck_assert_double_eq(scaled.norm, 2 * s.norm);
    ck_assert_double_eq(scaled.measure[QNTK_SHARPNESS_FLATNESS], s.measure[QNTK_SHARPNESS_FLATNESS] / 2);
    options.limit = 2; /* sigma' is of no unit */
    ck_assert_ok(sharpness_of(&p, QNTK_ROUNDING_STOCHASTIC, options, &scaled));
    ck_assert_double_eq(scaled.magnitude_sigma, s.magnitude_sigma);
    ck_assert_relative(scaled.measure[QNTK_SHARPNESS_MAGNITUDE], s.measure[QNTK_SHARPNESS_MAGNITUDE], 1e-12);
    problem_free(&p);
}
END_TEST

/* ---- the bound ---- */

START_TEST(the_bound_is_the_worst_error_and_its_price)
{
    /* One layer, two outputs, rows all alike and of class 1: f_1 - f_0 = c (w_1 - w_0).x. The worst noise of length rho
     * lowers it by c rho |x| sqrt 2: either all rows turn or none. */
    static const size_t shape[] = {2, 2};
    static const float latent[] = {-0.5F, 0.25F, 0.75F,
                                   0.5F}; /* margin 1.5 c at x = (1, 1), so rho = 3/4 turns */
    float X[2 * N];
    double y[N];
    for (size_t i = 0; i < N; i++) {
        X[2 * i] = X[2 * i + 1] = 1;
        y[i] = 1;
    }
    for (size_t levels = 2; levels <= 4; levels++) { /* rho = sqrt(4/12) 2/(levels-1): 1.15, 0.58, 0.38 */
        qntk_network network;
        qntk_sharpness s;
        ck_assert_ok(qntk_network_create(1, shape, &levels, 0, 1, &network));
        memcpy(network.layers[0].latent, latent, sizeof latent);
        ck_assert_ok(qntk_sharpness_of(&network, &network, QNTK_ROUNDING_STOCHASTIC, N, X, y, 2,
                                       qntk_sharpness_defaults(), &s));
        const double rho = sqrt(4.0 / 12) * 2 / (double)(levels - 1),
                     norm = sqrt(0.25 + 0.0625 + 0.5625 + 0.25);
        ck_assert_relative(s.rho, rho, 1e-15);
        ck_assert_double_eq(s.worst_error, levels == 2 ? 1 : 0);
        ck_assert_relative(s.norm, norm, 1e-15);
        const long double ratio = powl(norm / rho, 2) * powl(1 + sqrtl(logl(N) / 4), 2);
        const long double h =
            sqrtl((4 * logl(1 + ratio) + 4 * logl(N / 0.05L) + 8 * logl(6 * N + 12)) / (N - 1));
        ck_assert_relative(s.complexity, (double)h, 1e-13);
        ck_assert_relative(s.bound, s.worst_error + (double)h, 1e-13);
        qntk_network_free(&network);
    }
    /* more rows and less weight against the radius make it smaller; a large network's is vacuous */
    ck_assert_double_lt(qntk_sharpness_complexity(100, 20000, 3, 1, 0.95),
                        qntk_sharpness_complexity(100, 10000, 3, 1, 0.95));
    ck_assert_double_lt(qntk_sharpness_complexity(100, 10000, 2, 1, 0.95),
                        qntk_sharpness_complexity(100, 10000, 3, 1, 0.95));
    ck_assert_double_gt(qntk_sharpness_complexity(1e6, 1e4, 1, 1, 0.95), 1);
}
END_TEST

START_TEST(the_worst_error_is_no_less_than_that_of_random_noise_of_its_length)
{
    static problem p;
    for (size_t k = 0; k < LAWS; k++) {
        qntk_sharpness s;
        problem_create(laws[k], 0, roundings[k], 40 + k, &p);
        ck_assert_ok(sharpness_of(&p, roundings[k], qntk_sharpness_defaults(), &s));
        if (k == 1) { /* no layer is rounded */
            ck_assert_double_nan(s.bound);
            ck_assert_double_eq(s.rho, 0);
            problem_free(&p);
            continue;
        }
        qntk_judge judge;
        ck_assert_ok(qntk_judge_create(&p.network, &p.start, roundings[k], N, p.X, p.y, CLASSES,
                                       QNTK_LOSS_CROSS_ENTROPY, &judge));
        qntk_rng rng = qntk_rng_create(k, 1);
        double average = 0;
        for (size_t draw = 0; draw < 20; draw++) {
            double e[WEIGHTS_MAX], length = 0, accuracy;
            for (size_t i = 0; i < judge.plain.weights; i++) {
                e[i] = qntk_rng_normal(&rng);
                length += e[i] * e[i];
            }
            for (size_t i = 0; i < judge.plain.weights; i++)
                qntk_judge_weights(&judge, 0)[i] = (float)(judge.w[i] + e[i] * s.rho / sqrt(length));
            ck_assert_ok(qntk_judge_accuracy(&judge, 0, &accuracy));
            average += (1 - accuracy) / 20;
        }
        ck_assert_double_ge(s.worst_error, average);
        ck_assert_double_gt(s.worst_error, 0.11); /* and more than without noise */
        ck_assert_double_le(s.worst_error, 1);
        qntk_judge_free(&judge);
        problem_free(&p);
    }
}
END_TEST

/* ---- conventions ---- */

typedef struct {
    const problem *p;
    qntk_rounding rounding;
    qntk_sharpness_options options;
    qntk_sharpness out[4];
} nested;

static qntk_status measure_inside(void *context, size_t index, size_t worker)
{
    (void)worker;
    nested *n = context;
    return sharpness_of(n->p, n->rounding, n->options, &n->out[index]);
}

START_TEST(neither_the_number_of_threads_nor_a_loop_around_changes_a_byte)
{
    static problem p;
    qntk_sharpness one, more;
    for (size_t k = 0; k < LAWS; k += 2) {
        problem_create(laws[k], 0.1, roundings[k], 2, &p);
        qntk_sharpness_options options = qntk_sharpness_defaults();
        options.repeats = 3;
        ck_assert_ok(qntk_threads_set(1));
        ck_assert_ok(sharpness_of(&p, roundings[k], options, &one));
        ck_assert_ok(qntk_threads_set(3));
        ck_assert_ok(sharpness_of(&p, roundings[k], options, &more));
        nested n = {.p = &p, .rounding = roundings[k], .options = options};
        ck_assert_ok(qntk_parallel_for(4, measure_inside, &n));
        ck_assert_ok(qntk_threads_set(0));
        ck_assert_mem_eq(&one, &more, sizeof one);
        for (size_t i = 0; i < 4; i++)
            ck_assert_mem_eq(&one, &n.out[i], sizeof one);
        options.seed = 1;
        ck_assert_ok(sharpness_of(&p, roundings[k], options, &more));
        ck_assert_double_ne(one.sigma, more.sigma);
        problem_free(&p);
    }
}
END_TEST

START_TEST(mistakes_are_named)
{
    static problem p;
    qntk_sharpness s;
    const qntk_sharpness_options good = qntk_sharpness_defaults();
    problem_create(laws[0], 0, QNTK_ROUNDING_STOCHASTIC, 2, &p);
#define FAILS_WITH(field, value, text)                                                                       \
    do {                                                                                                     \
        qntk_sharpness_options options = good;                                                               \
        options.field = value;                                                                               \
        ck_assert_fails(sharpness_of(&p, QNTK_ROUNDING_STOCHASTIC, options, &s), QNTK_INVALID, text);        \
    } while (0)
    FAILS_WITH(repeats, 0, "repeats");
    FAILS_WITH(draws, 0, "draws");
    FAILS_WITH(steps, 61, "steps");
    FAILS_WITH(drop, 1, "drop");
    FAILS_WITH(tolerance, NAN, "tolerance");
    FAILS_WITH(limit, 0, "limit");
    FAILS_WITH(epsilon, 0, "epsilon");
    FAILS_WITH(confidence, 1, "confidence");
    FAILS_WITH(loss, (qntk_loss)5, "loss");
    const qntk_rounding stochastic = QNTK_ROUNDING_STOCHASTIC;
    ck_assert_fails(sharpness_of(&p, (qntk_rounding)4, good, &s), QNTK_INVALID, "rounding");
    ck_assert_fails(qntk_sharpness_of(NULL, &p.start, stochastic, N, p.X, p.y, 3, good, &s), QNTK_INVALID,
                    "network");
    ck_assert_fails(qntk_sharpness_of(&p.network, &p.start, stochastic, N, p.X, p.y, 0, good, &s),
                    QNTK_INVALID, "classes");
    ck_assert_fails(qntk_sharpness_of(&p.network, &p.start, stochastic, N, p.X, p.y, 2, good, &s),
                    QNTK_INVALID, "expected an output for each of 2 classes, found 3");
    ck_assert_fails(qntk_sharpness_of(&p.network, &p.start, stochastic, 1, p.X, p.y, 3, good, &s),
                    QNTK_INVALID, "rows");
    ck_assert_fails(qntk_sharpness_of(&p.network, &p.start, stochastic, N, NULL, p.y, 3, good, &s),
                    QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_sharpness_of(&p.network, &p.start, stochastic, N, p.X, p.y, 3, good, NULL),
                    QNTK_INVALID, "NULL");
    p.start.layers[1].levels = 3;
    ck_assert_fails(sharpness_of(&p, stochastic, good, &s), QNTK_INVALID, "other shapes or levels");
    p.start.layers[1].levels = 2;
    p.network.layers[0].activation = qntk_steps_symmetric(3);
    ck_assert_fails(sharpness_of(&p, stochastic, good, &s), QNTK_INVALID, "not activations of 3 levels");
    p.network.layers[0].activation = (qntk_steps){0};
    p.y[4] = 3;
    ck_assert_fails(sharpness_of(&p, stochastic, good, &s), QNTK_INVALID, "row 4");
    p.y[4] = 0;
    p.start.layers[0].latent[0] = NAN;
    ck_assert_fails(sharpness_of(&p, stochastic, good, &s), QNTK_NOT_FINITE, "latent weight");
    p.network.layers[0].latent[1] = NAN;
    ck_assert_fails(sharpness_of(&p, stochastic, good, &s), QNTK_NOT_FINITE, "latent weight (0, 1)");
    p.X[D + 1] = NAN;
    p.network.layers[0].latent[1] = 0;
    ck_assert_fails(sharpness_of(&p, stochastic, good, &s), QNTK_NOT_FINITE, "row 1, column 1");
    ck_assert_double_eq(s.sigma, 0);
    ck_assert_str_eq(qntk_sharpness_name(QNTK_SHARPNESS_MAGNITUDE), "magnitude_aware");
    ck_assert_str_eq(qntk_sharpness_name(QNTK_SHARPNESS_MEASURES), "unknown");
    problem_free(&p);
}
END_TEST

START_TEST(it_may_be_interrupted_and_every_allocation_may_fail)
{
    static problem p;
    qntk_sharpness s;
    qntk_sharpness_options options = qntk_sharpness_defaults();
    options.repeats = options.steps = options.draws = options.climbs = 1;
    for (size_t k = 0; k < LAWS; k += 2) {
        problem_create(laws[k], 0, roundings[k], 2, &p);
        qntk_interrupt();
        const qntk_status interrupted = sharpness_of(&p, roundings[k], options, &s);
        qntk_interrupt_clear();
        ck_assert_int_eq(interrupted, QNTK_INTERRUPTED);
        qntk_status status = QNTK_NO_MEMORY;
        long successes = 0;
        for (; successes < 200 && status != QNTK_OK; successes++) {
            qntk_memory_fail_after(successes);
            status = sharpness_of(&p, roundings[k], options, &s);
            qntk_memory_fail_after(-1);
            ck_assert(status == QNTK_OK || (status == QNTK_NO_MEMORY && s.sigma == 0));
        }
        ck_assert_int_eq(status, QNTK_OK);
        ck_assert_int_gt(successes, 20);
        problem_free(&p);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_linear_classifier_has_the_sigma_of_its_margins);
    tcase_add_test(tcase, bisections_end_where_they_should);
    tcase_add_test(tcase, moved_weights_are_judged_like_a_naive_network);
    tcase_add_test(tcase, measures_are_those_of_their_sigma);
    tcase_add_test(tcase, scaled_inputs_and_reordered_rows_change_nothing_and_scaled_weights_scale_sigma);
    tcase_add_test(tcase, the_bound_is_the_worst_error_and_its_price);
    tcase_add_test(tcase, the_worst_error_is_no_less_than_that_of_random_noise_of_its_length);
    tcase_add_test(tcase, neither_the_number_of_threads_nor_a_loop_around_changes_a_byte);
    tcase_add_test(tcase, mistakes_are_named);
    tcase_add_test(tcase, it_may_be_interrupted_and_every_allocation_may_fail);
}

int main(void)
{
    return test_main("sharpness", add_tests);
}
