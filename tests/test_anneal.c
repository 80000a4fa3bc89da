/* Noise, expected step functions and schedules: against quadrature, differences, plain twins and draws. */
#include "test.h"

#include <gsl/gsl_integration.h>
#include <string.h>

static const double scales[] = {0.05, 0.25, 0.5, 0.8, 1, 1.7};
enum { SCALES = sizeof scales / sizeof *scales };

/* The definition: all K terms, nothing left out. */
static double plain_expected(qntk_steps steps, qntk_noise noise, double x)
{
    double sum = steps.lowest;
    for (size_t i = 1; i < steps.levels; i++)
        sum += qntk_noise_distribution(noise, x / steps.step - noise.mean - (steps.lowest + (double)i - 0.5));
    return steps.step * sum;
}

static double plain_slope(qntk_steps steps, qntk_noise noise, double x)
{
    double sum = 0;
    for (size_t i = 1; i < steps.levels; i++)
        sum += qntk_noise_density(noise, x / steps.step - noise.mean - (steps.lowest + (double)i - 0.5));
    return sum;
}

static double density(double z, void *noise)
{
    return qntk_noise_density(*(const qntk_noise *)noise, z);
}

/* Integral of f over [a,b], in pieces that end where it has a kink. */
static double integral(qntk_noise noise, double a, double b)
{
    gsl_integration_cquad_workspace *space = gsl_integration_cquad_workspace_alloc(200);
    const double kinks[] = {-noise.scale, 0, noise.scale};
    gsl_function f = {density, &noise};
    double sum = 0, error;
    for (int k = 0; k <= 3; k++) {
        double low = k == 0 ? a : fmin(fmax(kinks[k - 1], a), b),
               high = k == 3 ? b : fmin(fmax(kinks[k], a), b), part = 0;
        if (high > low)
            ck_assert_int_eq(gsl_integration_cquad(&f, low, high, 0, 1e-12, space, &part, &error, NULL), 0);
        sum += part;
    }
    gsl_integration_cquad_workspace_free(space);
    return sum;
}

START_TEST(distributions_are_the_integrals_of_their_densities)
{
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int k = 0; k < SCALES; k++) {
            const qntk_noise noise = {(qntk_noise_shape)shape, 0, scales[k]};
            const double far = 40 * scales[k];
            ck_assert_close(integral(noise, -far, far), 1, 1e-11, 1);
            for (double z = -2; z <= 2; z += 0.37) {
                ck_assert_close(integral(noise, -far, z), qntk_noise_distribution(noise, z), 1e-11, 1);
                ck_assert(qntk_noise_density(noise, z) <= qntk_noise_peak(noise));
            }
        }
}
END_TEST

START_TEST(distributions_have_their_closed_forms)
{
    qntk_noise noise = {QNTK_NOISE_UNIFORM, 0, 0.5};
    ck_assert_double_eq(qntk_noise_distribution(noise, 0.25), 0.75);
    ck_assert_double_eq(qntk_noise_peak(noise), 1);
    noise.shape = QNTK_NOISE_TRIANGULAR;
    ck_assert_double_eq(qntk_noise_distribution(noise, -0.25), 0.125);
    ck_assert_double_eq(qntk_noise_distribution(noise, 0.25), 0.875);
    ck_assert_double_eq(qntk_noise_peak(noise), 2);
    noise.shape = QNTK_NOISE_NORMAL;
    ck_assert_relative(qntk_noise_distribution(noise, -5), 7.619853024160526e-24, 1e-13); /* Phi(-10) */
    ck_assert_relative(qntk_noise_peak(noise), 2 / sqrt(2 * M_PI), 1e-15);
    noise.shape = QNTK_NOISE_LOGISTIC;
    ck_assert_relative(qntk_noise_distribution(noise, 0.5 * log(39)), 0.975, 1e-15);
    ck_assert_relative(qntk_noise_peak(noise), 0.5, 1e-15);
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++) {
        qntk_noise none = {(qntk_noise_shape)shape, 0, 0};
        ck_assert_double_eq(qntk_noise_distribution(none, 0), 1);
        ck_assert_double_eq(qntk_noise_distribution(none, -1e-300), 0);
        ck_assert_double_eq(qntk_noise_density(none, 0), 0);
        ck_assert_double_infinite(qntk_noise_peak(none));
    }
}
END_TEST

START_TEST(usual_scales_keep_the_noise_within_half_a_step_95_times_of_100)
{
    for (int shape = QNTK_NOISE_NORMAL; shape < QNTK_NOISE_COUNT; shape++) {
        const qntk_noise noise = {(qntk_noise_shape)shape, 0,
                                  qntk_noise_usual_scale((qntk_noise_shape)shape)};
        ck_assert_relative(qntk_noise_distribution(noise, 0.5) - qntk_noise_distribution(noise, -0.5), 0.95,
                           1e-14);
    }
    ck_assert_close(qntk_noise_usual_scale(QNTK_NOISE_LOGISTIC), 0.1365, 5e-5, 1); /* as published */
    ck_assert_close(qntk_noise_usual_scale(QNTK_NOISE_NORMAL), 0.2551, 5e-5, 1);
    ck_assert_double_eq(qntk_noise_usual_scale(QNTK_NOISE_TRIANGULAR), 0.5);
    ck_assert_str_eq(qntk_noise_name(QNTK_NOISE_TRIANGULAR), "triangular");
}
END_TEST

START_TEST(symmetric_steps_are_the_levels_of_the_rounding)
{
    for (size_t levels = 2; levels <= 17; levels++) {
        const qntk_steps steps = qntk_steps_symmetric(levels);
        const double width = qntk_weight_step(levels);
        double worst = 0;
        for (double x = -1; x <= 1; x += 0.0103) {
            /* the nearest of -1, -1 + width, .. */
            const double nearest = -1 + width * fmin(floor((x + 1) / width + 0.5), (double)levels - 1);
            worst = test_worse(worst, fabs(qntk_steps_hard(steps, x) - nearest));
        }
        ck_assert_double_le(worst, 4e-16);
    }
    const qntk_steps ternary = qntk_steps_symmetric(3);
    ck_assert_double_eq(qntk_steps_hard(ternary, 0.5),
                        1); /* 1[z >= 0]: a threshold belongs to the upper level */
    ck_assert_double_eq(qntk_steps_hard(ternary, -0.5), 0);
    ck_assert_double_eq(qntk_steps_hard(ternary, -1e308), -1);
    ck_assert_double_eq(qntk_steps_hard(ternary, 1e308), 1);
}
END_TEST

START_TEST(expected_outputs_and_slopes_agree_with_the_whole_sum)
{
    double worst = 0, worst_slope = 0;
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int k = 0; k < SCALES; k++)
            for (size_t levels = 2; levels <= 64; levels += 31) {
                const qntk_noise noise = {(qntk_noise_shape)shape, 0.125, scales[k]};
                const qntk_steps steps = {levels, -1.5, 0.25};
                for (double x = -3; x <= 18;
                     x += 0.03125) { /* hits thresholds and ends of supports exactly */
                    const double all = plain_expected(steps, noise, x), slope = plain_slope(steps, noise, x);
                    worst = test_worse(worst, fabs(qntk_steps_expected(steps, noise, x) - all));
                    worst_slope = test_worse(worst_slope, fabs(qntk_steps_slope(steps, noise, x) - slope));
                }
            }
    ck_assert_double_le(worst, 64 * 16 * 2.3e-16); /* the sum of 64 terms of order 1 to 16 */
    ck_assert_double_le(worst_slope, 64 * 20 * 2.3e-16);
}
END_TEST

/* E q(x + step u) for u with density f and mean `mean` against -u: the noise that z_i = x/step - mean - t_i + u has.
 * By quadrature of f over the u that lead to each level. */
static double expected_by_quadrature(qntk_steps steps, qntk_noise noise, double x)
{
    const double far = 40 * noise.scale;
    double sum = 0;
    for (size_t k = 0; k < steps.levels; k++) {
        /* level k: z_k + u >= 0 > z_{k+1} + u */
        const double place = x / steps.step - noise.mean - steps.lowest;
        const double low = k == 0 ? -far : fmax((double)k - 0.5 - place, -far);
        const double high = k + 1 == steps.levels ? far : fmin((double)k + 0.5 - place, far);
        if (low < high)
            sum += steps.step * (steps.lowest + (double)k) * integral(noise, low, high);
    }
    return sum;
}

START_TEST(expected_outputs_are_means_over_the_noise_by_quadrature)
{
    const qntk_steps all[] = {qntk_steps_symmetric(2), qntk_steps_symmetric(3), {4, 0, 0.3}, {6, -1, 2}};
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int k = 0; k < SCALES; k++)
            for (size_t s = 0; s < sizeof all / sizeof *all; s++) {
                const qntk_noise noise = {(qntk_noise_shape)shape, k % 2 == 0 ? 0 : 0.2, scales[k]};
                const double width = all[s].step * (double)all[s].levels;
                double worst = 0;
                for (double place = -0.93; place < 1; place += 0.31) {
                    const double x = place * width, value = qntk_steps_expected(all[s], noise, x);
                    worst = test_worse(worst, fabs(value - expected_by_quadrature(all[s], noise, x)) / width);
                }
                ck_assert_msg(worst < 1e-10, "%s, scale %g, function %zu: off by %g of the width",
                              qntk_noise_name((qntk_noise_shape)shape), scales[k], s, worst);
            }
}
END_TEST

START_TEST(slopes_are_the_derivatives_of_expected_outputs)
{
    const double h = 1e-6;
    double worst = 0;
    for (int shape = QNTK_NOISE_TRIANGULAR; shape < QNTK_NOISE_COUNT; shape++) /* the uniform one has jumps */
        for (int k = 0; k < SCALES; k++) {
            const qntk_noise noise = {(qntk_noise_shape)shape, -0.1, scales[k]};
            const qntk_steps steps = qntk_steps_symmetric(5);
            for (double x = -2; x <= 2; x += 0.0171) {
                const double rise =
                    qntk_steps_expected(steps, noise, x + h) - qntk_steps_expected(steps, noise, x - h);
                worst = test_worse(worst, fabs(rise / (2 * h) - qntk_steps_slope(steps, noise, x)) *
                                              scales[k] * scales[k]);
            }
        }
    ck_assert_double_le(worst,
                        1e-5); /* the second derivative jumps by up to 1/s^2: h of it, twice, in steps */
}
END_TEST

START_TEST(expected_outputs_rise_no_faster_than_the_lipschitz_constant)
{
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int k = 0; k < SCALES; k++) {
            const qntk_noise noise = {(qntk_noise_shape)shape, 0, scales[k]};
            const qntk_steps steps = qntk_steps_symmetric(4);
            const double constant = qntk_steps_lipschitz(steps, noise), h = 1.0 / 512;
            double steepest = 0;
            for (double x = -2; x < 2; x += h) {
                const double rise =
                    qntk_steps_expected(steps, noise, x + h) - qntk_steps_expected(steps, noise, x);
                steepest = test_worse(steepest, rise / h);
            }
            ck_assert_msg(steepest <= constant * (1 + 1e-12), "%s, scale %g: slope %g above the constant %g",
                          qntk_noise_name((qntk_noise_shape)shape), scales[k], steepest, constant);
            if (shape == QNTK_NOISE_UNIFORM &&
                (k <= 2 || scales[k] == 1)) /* at most one overlaps, or 2s is whole */
                ck_assert_relative(steepest, constant, 1e-12);
        }
    /* the published case: supports that do not overlap, one unit step's slope */
    ck_assert_double_eq(
        qntk_steps_lipschitz(qntk_steps_symmetric(3), (qntk_noise){QNTK_NOISE_UNIFORM, 0, 0.5}), 1);
    ck_assert_double_infinite(
        qntk_steps_lipschitz(qntk_steps_symmetric(3), (qntk_noise){QNTK_NOISE_UNIFORM, 0, 0}));
}
END_TEST

START_TEST(draws_have_the_probabilities_of_the_levels)
{
    enum { N = 40000, LEVELS = 4 };
    const qntk_steps steps = {LEVELS, -1, 1};
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++) {
        const qntk_noise noise = {(qntk_noise_shape)shape, 0.05, 0.9};
        qntk_rng rng = qntk_rng_create(11, (uint64_t)shape);
        for (double x = -0.7; x < 2.5; x += 0.8) {
            double count[LEVELS] = {0}, mean = 0, chi = 0, F = 1;
            size_t freedom = 0;
            for (int i = 0; i < N; i++) {
                const double drawn = qntk_steps_draw(steps, noise, x, qntk_rng_uniform(&rng));
                count[(int)(drawn + 1)]++;
                mean += drawn / N;
            }
            for (int k = 0; k < LEVELS; k++) {
                const double next =
                    k == LEVELS - 1 ? 0 : qntk_noise_distribution(noise, x - 0.05 - (k - 0.5));
                const double expected = N * (F - next);
                if (expected > 0)
                    chi += (count[k] - expected) * (count[k] - expected) / expected;
                else
                    ck_assert_double_eq(count[k], 0);
                freedom += expected > 0;
                F = next;
            }
            ck_assert_msg(chi < 25, "%s at %g, seed 11: chi^2 %g with %zu classes", /* 3 degrees: p 1.5e-5 */
                          qntk_noise_name((qntk_noise_shape)shape), x, chi, freedom);
            ck_assert_close(mean, qntk_steps_expected(steps, noise, x), 5, sqrt(2.25 / N));
        }
    }
}
END_TEST

START_TEST(the_mode_is_the_most_probable_level_and_the_larger_one_at_a_tie)
{
    const qntk_steps steps = {5, -2, 1};
    size_t wrong = 0;
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (int k = 0; k < SCALES; k++) {
            const qntk_noise noise = {(qntk_noise_shape)shape, 0, scales[k]};
            for (double x = -3.97; x < 4; x += 0.11) {
                double F = 1, best = -1, mode = 0;
                for (int level = -2; level <= 2; level++) {
                    const double next = level == 2 ? 0 : qntk_noise_distribution(noise, x - (level + 0.5));
                    if (F - next >= best - 1e-15) { /* a tie but for rounding */
                        best = fmax(best, F - next);
                        mode = level;
                    }
                    F = next;
                }
                wrong += qntk_steps_mode(steps, noise, x) != mode;
            }
        }
    ck_assert_uint_eq(wrong, 0);
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++) /* halfway between two levels */
        ck_assert_double_eq(
            qntk_steps_mode(qntk_steps_symmetric(2), (qntk_noise){(qntk_noise_shape)shape, 0, 0.3}, 0), 1);
}
END_TEST

START_TEST(without_forward_noise_every_strategy_is_the_hard_quantizer)
{
    const qntk_steps steps = qntk_steps_symmetric(7);
    const qntk_noise none = {QNTK_NOISE_LOGISTIC, 0, 0};
    size_t wrong = 0;
    for (double x = -1.5; x < 1.5; x += 0.013) {
        const double hard = qntk_steps_hard(steps, x);
        wrong += qntk_steps_expected(steps, none, x) != hard || qntk_steps_mode(steps, none, x) != hard ||
                 qntk_steps_draw(steps, none, x, 0.5) != hard || qntk_steps_slope(steps, none, x) != 0;
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(straight_through_is_uniform_backward_noise_of_half_a_step)
{
    /* slope 1 between the outermost levels and half a step beyond, 0 outside; 2 where two closed supports meet */
    const qntk_steps steps = qntk_steps_symmetric(3);
    const qntk_noise backward = {QNTK_NOISE_UNIFORM, 0, 0.5};
    size_t wrong = 0;
    for (double x = -1.995; x < 2; x += 0.01)
        wrong += qntk_steps_slope(steps, backward, x) != (fabs(x) <= 1 ? 1 : 0);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(schedules_have_their_closed_forms)
{
    qntk_anneal_schedule s = {QNTK_ANNEAL_BOUNDED, 10, 30, 0.5, 2};
    const double t[] = {0, 10, 15, 20, 30, 31}, expected[] = {0.5, 0.5, 0.5 * 0.5625, 0.125, 0, 0};
    for (int k = 0; k < 6; k++)
        ck_assert_double_eq(qntk_anneal_scale(s, t[k]), expected[k]);
    s.law = QNTK_ANNEAL_HYPERBOLIC;
    ck_assert_double_eq(qntk_anneal_scale(s, 4), 0.5);
    ck_assert_double_eq(qntk_anneal_scale(s, 13), 0.5 / 16);
    s = (qntk_anneal_schedule){QNTK_ANNEAL_BOUNDED, 5, 5, 0.5, 2}; /* no time: no noise after it */
    ck_assert_double_eq(qntk_anneal_scale(s, 5), 0);
}
END_TEST

START_TEST(layers_share_the_time_in_four_ways)
{
    const double start[QNTK_ANNEAL_SYNC_COUNT][3] = {{0, 0, 0}, {0, 10, 20}, {0, 0, 0}, {20, 10, 0}};
    const double end[QNTK_ANNEAL_SYNC_COUNT][3] = {{30, 30, 30}, {10, 20, 30}, {10, 20, 30}, {30, 30, 30}};
    for (int sync = 0; sync < QNTK_ANNEAL_SYNC_COUNT; sync++)
        for (size_t l = 0; l < 3; l++)
            for (int progressive = 0; progressive < 2; progressive++) {
                qntk_anneal_schedule s;
                ck_assert_ok(qntk_anneal_layer(QNTK_ANNEAL_BOUNDED, (qntk_anneal_sync)sync, progressive, 10,
                                               0.5, l, 3, &s));
                ck_assert_double_eq(s.start, start[sync][l]);
                ck_assert_double_eq(s.end, end[sync][l]);
                ck_assert_double_eq(s.power, progressive ? 2 * (3 - (double)l) : 2);
            }
    ck_assert_str_eq(qntk_anneal_sync_name(QNTK_ANNEAL_SAME_END), "same-end");
}
END_TEST

START_TEST(arguments_outside_their_domain_are_refused)
{
    qntk_anneal_schedule s;
    ck_assert_fails(qntk_anneal_layer(QNTK_ANNEAL_BOUNDED, QNTK_ANNEAL_PARTITION, false, 1, 1, 3, 3, &s),
                    QNTK_INVALID, "below 3, found 3");
    ck_assert_fails(qntk_anneal_layer(QNTK_ANNEAL_BOUNDED, QNTK_ANNEAL_PARTITION, false, -1, 1, 0, 3, &s),
                    QNTK_INVALID, "from 0, found -1");
    ck_assert_fails(qntk_anneal_layer(QNTK_ANNEAL_BOUNDED, QNTK_ANNEAL_PARTITION, false, 1, NAN, 0, 3, &s),
                    QNTK_INVALID, "found 1 and nan");
    ck_assert_fails(qntk_anneal_layer(QNTK_ANNEAL_BOUNDED, (qntk_anneal_sync)9, false, 1, 1, 0, 3, &s),
                    QNTK_INVALID, "synchronisation");
    const qntk_steps steps = qntk_steps_symmetric(3);
    const qntk_noise negative = {QNTK_NOISE_UNIFORM, 0, -1}, usual = {QNTK_NOISE_NORMAL, 0, 0.2};
    ck_assert_double_nan(qntk_noise_distribution(negative, 0));
    ck_assert_double_nan(qntk_noise_density(usual, NAN));
    ck_assert_double_nan(qntk_steps_expected(steps, negative, 0));
    ck_assert_double_nan(qntk_steps_slope(steps, usual, INFINITY));
    ck_assert_double_nan(qntk_steps_mode((qntk_steps){1, 0, 1}, usual, 0));
    ck_assert_double_nan(qntk_steps_draw(steps, usual, 0, 1));
    ck_assert_double_nan(qntk_steps_lipschitz((qntk_steps){3, -1, 0}, usual));
}
END_TEST

/* ---- normal arguments ---- */

typedef struct {
    qntk_steps steps;
    double deviation;
    int power;     /* 0: q^2, 1: h q, 2: (target - q)^2 */
    bool positive; /* the target is relu(h), not h */
} normal_job;

static double normal_integrand(double h, void *context)
{
    const normal_job *j = context;
    const double q = qntk_steps_hard(j->steps, h), target = j->positive ? fmax(h, 0) : h;
    const double value = j->power == 0 ? q * q : j->power == 1 ? h * q : (target - q) * (target - q);
    return value * qntk_noise_density((qntk_noise){QNTK_NOISE_NORMAL, 0, j->deviation}, h);
}

/* The mean over normal h, by quadrature between the thresholds. */
static double normal_mean(normal_job j)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(40);
    const gsl_function f = {normal_integrand, &j};
    const double far = 12 * j.deviation;
    double sum = 0;
    for (size_t i = 0; i <= j.steps.levels;
         i++) { /* the ends, the thresholds, and 0, where relu has a kink */
        const double t = j.steps.step * (j.steps.lowest + (double)i - 0.5);
        double low = i == 0 ? -far : fmax(t, -far);
        const double high = i == j.steps.levels ? far : fmin(t + j.steps.step, far);
        if (i == 0) /* no threshold with this number: up to the first */
            low = -far;
        for (int part = 0; part < 2 && low < high; part++) {
            const double middle = fmin(fmax(0, low), high);
            const double a = part == 0 ? low : middle, b = part == 0 ? middle : high;
            for (int piece = 0; piece < 8; piece++)
                sum +=
                    gsl_integration_glfixed(&f, a + (b - a) * piece / 8, a + (b - a) * (piece + 1) / 8, rule);
        }
    }
    gsl_integration_glfixed_table_free(rule);
    return sum;
}

START_TEST(steps_for_normal_arguments_have_the_least_error)
{
    /* Max 1960, table II: steps of the uniform quantizer with N outputs */
    const struct {
        size_t levels;
        double step;
    } table[] = {{2, 1.596}, {3, 1.224}, {4, 0.9957}, {8, 0.5860}, {16, 0.3352}, {32, 0.1881}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        ck_assert_close(qntk_steps_normal(table[k].levels, false, 1).step, table[k].step, 6e-4, 1);
    const size_t levels[] = {2, 3, 4, 7, 16};
    for (size_t k = 0; k < 10; k++) {
        const bool positive = k >= 5;
        const double deviation = k % 2 == 0 ? 1 : 1.7;
        const qntk_steps best = qntk_steps_normal(levels[k % 5], positive, deviation);
        const double square = normal_mean((normal_job){best, deviation, 0, positive});
        const double error = normal_mean((normal_job){best, deviation, 2, positive});
        ck_assert_double_eq(best.lowest, positive ? 0 : -((double)levels[k % 5] - 1) / 2);
        ck_assert_relative(qntk_steps_second_moment(best, deviation), square, 1e-12);
        ck_assert_relative(normal_mean((normal_job){best, deviation, 1, positive}), square, 1e-12);
        for (int other = -20; other <= 20; other++) {
            qntk_steps steps = best;
            steps.step *= exp(0.1 * other);
            if (other != 0)
                ck_assert(normal_mean((normal_job){steps, deviation, 2, positive}) > error);
        }
    }
    const qntk_steps odd = {6, -1, 0.4}; /* thresholds on both sides of 0 */
    ck_assert_relative(qntk_steps_second_moment(odd, 0.9), normal_mean((normal_job){odd, 0.9, 0, false}),
                       1e-12);
    ck_assert_uint_eq(qntk_steps_normal(1, false, 1).levels, 0);
    ck_assert_uint_eq(qntk_steps_normal(3, false, 0).levels, 0);
    ck_assert_uint_eq(qntk_steps_normal(3, false, NAN).levels, 0);
    ck_assert_double_nan(qntk_steps_second_moment(odd, 0));
    ck_assert_double_nan(qntk_steps_second_moment((qntk_steps){0}, 1));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, steps_for_normal_arguments_have_the_least_error);
    tcase_add_test(tcase, distributions_are_the_integrals_of_their_densities);
    tcase_add_test(tcase, distributions_have_their_closed_forms);
    tcase_add_test(tcase, usual_scales_keep_the_noise_within_half_a_step_95_times_of_100);
    tcase_add_test(tcase, symmetric_steps_are_the_levels_of_the_rounding);
    tcase_add_test(tcase, expected_outputs_and_slopes_agree_with_the_whole_sum);
    tcase_add_test(tcase, expected_outputs_are_means_over_the_noise_by_quadrature);
    tcase_add_test(tcase, slopes_are_the_derivatives_of_expected_outputs);
    tcase_add_test(tcase, expected_outputs_rise_no_faster_than_the_lipschitz_constant);
    tcase_add_test(tcase, draws_have_the_probabilities_of_the_levels);
    tcase_add_test(tcase, the_mode_is_the_most_probable_level_and_the_larger_one_at_a_tie);
    tcase_add_test(tcase, without_forward_noise_every_strategy_is_the_hard_quantizer);
    tcase_add_test(tcase, straight_through_is_uniform_backward_noise_of_half_a_step);
    tcase_add_test(tcase, schedules_have_their_closed_forms);
    tcase_add_test(tcase, layers_share_the_time_in_four_ways);
    tcase_add_test(tcase, arguments_outside_their_domain_are_refused);
}

int main(void)
{
    return test_main("anneal", add_tests);
}
