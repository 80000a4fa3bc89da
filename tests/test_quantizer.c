#include "test.h"

#include <string.h>

static const size_t all_levels[] = {2, 3, 4, 5, 16, 255, 65536};

START_TEST(the_law_matches_its_integrals)
{
    for (size_t i = 0; i < sizeof all_levels / sizeof *all_levels; i++) {
        qntk_weight_law law;
        ck_assert_ok(qntk_weight_law_create(all_levels[i], &law));
        /* midpoint rule with a whole number of points per cell: E theta^2 and E Var[W|theta] */
        size_t points = (all_levels[i] - 1) * 64;
        double moment = 0, noise = 0;
        for (size_t k = 0; k < points; k++) {
            double latent = -1 + (2 * (double)k + 1) / (double)points;
            moment += latent * latent / (double)points;
            noise += qntk_weight_noise(all_levels[i], latent) / (double)points;
        }
        ck_assert_relative(law.second_moment, moment, 1e-3); /* midpoint error 1/(3 points^2) */
        ck_assert_relative(law.noise, noise, 1e-3);
    }
}
END_TEST

START_TEST(binary_and_ternary_noise_are_the_known_numbers)
{
    qntk_weight_law law;
    ck_assert_ok(qntk_weight_law_create(2, &law));
    ck_assert_relative(law.noise, 2.0 / 3, 1e-15);
    ck_assert_ok(qntk_weight_law_create(3, &law));
    ck_assert_relative(law.noise, 1.0 / 6, 1e-15);
    for (double latent = -1; latent <= 1; latent += 0.25)
        ck_assert_close(qntk_weight_noise(2, latent), 1 - latent * latent, 1e-15, 1);
}
END_TEST

START_TEST(rounding_is_unbiased_and_lands_on_neighbouring_levels)
{
    for (size_t i = 0; i < sizeof all_levels / sizeof *all_levels; i++) {
        size_t levels = all_levels[i];
        double step = qntk_weight_step(levels);
        for (double latent = -1; latent <= 1; latent += 0.0625) {
            /* the mean over an equidistant grid of uniforms is the latent weight up to the grid's spacing */
            enum { GRID = 1024 };
            double mean = 0;
            for (int k = 0; k < GRID; k++) {
                double w = qntk_weight_round(levels, latent, (k + 0.5) / GRID);
                ck_assert_close(w, latent, 1 + 1e-9, step);
                double index = (w + 1) / step;
                ck_assert_close(index, round(index), 1e-9, 1);
                mean += w / GRID;
            }
            ck_assert_close(mean, latent, 1.0 / GRID, step);
        }
    }
}
END_TEST

START_TEST(grid_points_are_never_moved)
{
    for (size_t k = 0; k < 16; k++) {
        double level = -1 + 2 * (double)k / 15;
        ck_assert_close(qntk_weight_round(16, level, 1e-9), level, 1e-15, 1);
        ck_assert_close(qntk_weight_round(16, level, 1 - 1e-9), level, 1e-15, 1);
    }
    ck_assert(qntk_weight_round(0, 0.3, 0.5) == 0.3);
    ck_assert(qntk_weight_noise(0, 0.3) == 0);
}
END_TEST

START_TEST(the_ends_of_the_grid_have_no_noise_for_any_number_of_levels)
{
    size_t failures = 0;
    for (size_t levels = 2; levels <= QNTK_LEVELS_MAX; levels++)
        failures += qntk_weight_noise(levels, 1) < 0 || qntk_weight_noise(levels, -1) != 0 ||
                    qntk_weight_noise(levels, 1) > 1e-11 * qntk_weight_step(levels);
    ck_assert_uint_eq(failures, 0);
}
END_TEST

START_TEST(impossible_level_counts_are_refused)
{
    qntk_weight_law law;
    ck_assert_fails(qntk_weight_law_create(1, &law), QNTK_INVALID, "levels must be");
    ck_assert_fails(qntk_weight_law_create(65537, &law), QNTK_INVALID, "levels must be");
}
END_TEST

START_TEST(the_slope_of_the_noise_is_its_derivative)
{
    const size_t levels[] = {2, 3, 4, 7, 256};
    const double h = 1e-3; /* the noise is quadratic in a cell: differences are exact but for rounding */
    for (size_t k = 0; k < sizeof levels / sizeof *levels; k++) {
        const double step = qntk_weight_step(levels[k]);
        double worst = 0;
        for (double u = 0.01; u < 1; u += 0.07)
            for (double cell = 0; cell < (double)levels[k] - 1; cell += floor(1 + (double)levels[k] / 8)) {
                const double latent = -1 + (cell + u) * step;
                const double rise = qntk_weight_noise(levels[k], latent + h * step) -
                                    qntk_weight_noise(levels[k], latent - h * step);
                worst = test_worse(worst,
                                   fabs(rise / (2 * h * step) - qntk_weight_noise_slope(levels[k], latent)));
            }
        ck_assert_msg(worst < 1e-8 * step, "%zu levels: off by %g", levels[k], worst);
    }
    ck_assert_double_eq(qntk_weight_noise_slope(2, 0.25), -0.5);
    ck_assert_double_eq(qntk_weight_noise_slope(0, 0.25), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_slope_of_the_noise_is_its_derivative);
    tcase_add_test(tcase, the_law_matches_its_integrals);
    tcase_add_test(tcase, binary_and_ternary_noise_are_the_known_numbers);
    tcase_add_test(tcase, rounding_is_unbiased_and_lands_on_neighbouring_levels);
    tcase_add_test(tcase, grid_points_are_never_moved);
    tcase_add_test(tcase, the_ends_of_the_grid_have_no_noise_for_any_number_of_levels);
    tcase_add_test(tcase, impossible_level_counts_are_refused);
}

int main(void)
{
    return test_main("quantizer", add_tests);
}
