/* The loops over annealed weights, on every instruction set. */
#include "anneal_check.h"

#include <string.h>

#include "anneal_simd.h"
#include "naive_train.h"

/* ---- loops ---- */

static const char *const sets[] = {"baseline", "avx2", "avx512"};
static const size_t laws[] = {2, 3, 4, 16, 256, 65536};
static const double scales[] = {0.01, 0.1365, 0.2551, 0.5, 1, 1.7};
enum { LAWS = sizeof laws / sizeof *laws, SCALES = sizeof scales / sizeof *scales, COUNT = 203 };

/* Random weights in and around [-1,1], and places where something meets; the last two are not numbers. */
static void fill_latent(float *latent)
{
    const float special[] = {0, 1, -1, 0.5F, -0.5F, 1.5F, -1.5F, 40, -40, 1e30F, -1e30F, NAN, INFINITY};
    qntk_rng rng = qntk_rng_create(4, 0);
    for (size_t i = 0; i < COUNT; i++)
        latent[i] = (float)(3 * qntk_rng_uniform(&rng) - 1.5);
    memcpy(latent + COUNT - sizeof special / sizeof *special, special, sizeof special);
}

/* Whether a support of uniform noise ends within the shift of z. */
static bool at_an_end(qntk_noise noise, size_t levels, float latent)
{
    const double y = ((double)latent + 1) * ((double)levels - 1) / 2, near = anneal_shift(noise, levels);
    if (noise.shape != QNTK_NOISE_UNIFORM)
        return false;
    const double up = y + 0.5 - noise.scale, down = y + 0.5 + noise.scale;
    return fabs(up - round(up)) <= near || fabs(down - round(down)) <= near;
}

static double slope_error(qntk_noise noise, size_t levels, float latent, float factor)
{
    const qntk_steps steps = qntk_steps_symmetric(levels);
    const double steepest = 1 / (noise.scale * noise.scale); /* |f'| of the triangular law, others less */
    const double tolerance = anneal_terms(noise, levels) *
                             (qntk_noise_peak(noise) * 0x1p-20 + steepest * anneal_shift(noise, levels));
    if (at_an_end(noise, levels, latent))
        return 0;
    return fabs((double)factor - qntk_steps_slope(steps, noise, (double)latent)) / tolerance;
}

/* P(q_k) at a latent weight, in double. */
static double probability(qntk_noise noise, size_t levels, float latent, double k)
{
    const double z = ((double)latent + 1) * ((double)levels - 1) / 2 - k + 0.5;
    const double above = k < 1 ? 1 : qntk_noise_distribution(noise, z);
    return above - (k + 1 >= (double)levels ? 0 : qntk_noise_distribution(noise, z - 1));
}

static double level_of(size_t levels, double weight)
{
    return round((weight + 1) * ((double)levels - 1) / 2);
}

START_TEST(expected_weights_and_slopes_are_those_of_anneal_h_with_every_instruction_set)
{
    float latent[COUNT], weight[3][COUNT], factor[3][COUNT];
    fill_latent(latent);
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (size_t k = 0; k < LAWS * SCALES; k++) {
            const size_t levels = laws[k / SCALES];
            const qntk_noise noise = {(qntk_noise_shape)shape, 0, scales[k % SCALES]};
            for (size_t set = 0; set < 3; set++) {
                const qntk_anneal_ops *ops = qntk_anneal_ops_find(sets[set]);
                if (ops == NULL)
                    ops = qntk_anneal_ops_find("baseline");
                for (size_t i = 0; i < COUNT; i++)
                    factor[set][i] = 1;
                ops->expected(noise, levels, COUNT, latent, weight[set]);
                ops->slope(noise, levels, COUNT, latent, factor[set]);
                ck_assert_int_eq(memcmp(weight[0], weight[set], sizeof weight[0]), 0);
                ck_assert_int_eq(memcmp(factor[0], factor[set], sizeof factor[0]), 0);
            }
            double worst[2] = {0, 0};
            for (size_t i = 0; i < COUNT - 2; i++) {
                worst[0] =
                    test_worse(worst[0], anneal_expected_error(noise, levels, latent[i], weight[0][i]));
                worst[1] = test_worse(worst[1], slope_error(noise, levels, latent[i], factor[0][i]));
            }
            ck_assert_msg(worst[0] <= 1 && worst[1] <= 1, "%s %g, %zu levels: %g and %g times the bound",
                          qntk_noise_name(noise.shape), noise.scale, levels, worst[0], worst[1]);
            ck_assert(isnan(weight[0][COUNT - 2]) && isnan(factor[0][COUNT - 2]));
            ck_assert(weight[0][COUNT - 1] == 1 && factor[0][COUNT - 1] == 0);
        }
}
END_TEST

START_TEST(of_two_supports_of_uniform_noise_that_meet_one_counts)
{
    enum { AROUND = 200 };
    float latent[2 * AROUND + 1], factor[2 * AROUND + 1];
    size_t wrong = 0;
    for (size_t k = 1; k < 5; k++) /* 3 to 256 levels */
        for (int whole = 0; whole < 2; whole++) {
            /* the support of threshold i ends where that of i + 2s begins: at y = i + s - 1/2, i = 1 .. K - 2s */
            const qntk_noise noise = {QNTK_NOISE_UNIFORM, 0, whole ? 1 : 0.5};
            const double K = (double)laws[k] - 1;
            for (double i = 1; i <= K - 2 * noise.scale; i++) {
                for (int e = 0; e <= 2 * AROUND; e++) { /* to a few float neighbours, closer around 0 */
                    latent[e] = (float)((2 * (i + noise.scale - 0.5) / K - 1) + (e - AROUND) * 0x1p-28);
                    factor[e] = 1;
                }
                qntk_anneal_ops_find(NULL)->slope(noise, laws[k], 2 * AROUND + 1, latent, factor);
                for (int e = 0; e <= 2 * AROUND; e++)
                    wrong += factor[e] != 1; /* 2s supports of height 1/(2s) */
            }
        }
    ck_assert_msg(wrong == 0, "%zu slopes are not 1", wrong);
}
END_TEST

START_TEST(modes_are_the_most_probable_levels)
{
    float latent[COUNT], weight[3][COUNT];
    fill_latent(latent);
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (size_t k = 0; k < LAWS * SCALES; k++) {
            const size_t levels = laws[k / SCALES];
            const qntk_noise noise = {(qntk_noise_shape)shape, 0, scales[k % SCALES]};
            for (size_t set = 0; set < 3; set++) {
                const qntk_anneal_ops *ops = qntk_anneal_ops_find(sets[set]);
                (ops != NULL ? ops : qntk_anneal_ops_find("baseline"))
                    ->mode(noise, levels, COUNT, latent, weight[set]);
                ck_assert_int_eq(memcmp(weight[0], weight[set], sizeof weight[0]), 0);
            }
            double worst = 0;
            for (size_t i = 0; i < COUNT - 2; i++) {
                const double best = qntk_steps_mode(qntk_steps_symmetric(levels), noise, (double)latent[i]);
                const double missed =
                    probability(noise, levels, latent[i], level_of(levels, best)) -
                    probability(noise, levels, latent[i], level_of(levels, (double)weight[0][i]));
                worst = test_worse(worst, missed);
            }
            const double bound = 0x1p-21 + 4 * anneal_distribution_error(noise, levels);
            ck_assert_msg(worst <= bound, "%s %g, %zu levels: less probable by %g",
                          qntk_noise_name(noise.shape), noise.scale, levels, worst);
            ck_assert(isnan(weight[0][COUNT - 2]) && weight[0][COUNT - 1] == 1);
        }
    /* a tie: the upper one */
    const float tie[] = {0};
    float mode;
    const qntk_noise noise = {QNTK_NOISE_NORMAL, 0, 0.25};
    qntk_anneal_ops_find(NULL)->mode(noise, 2, 1, tie, &mode);
    ck_assert(mode == 1);
}
END_TEST

START_TEST(random_weights_are_those_that_their_bits_draw)
{
    float latent[COUNT], weight[3][COUNT];
    uint32_t high[COUNT], low[COUNT];
    fill_latent(latent);
    qntk_rng rng = qntk_rng_create(8, 0);
    for (size_t i = 0; i < COUNT; i++) {
        high[i] = (uint32_t)(qntk_rng_bits(&rng) >> 48);
        low[i] = (uint32_t)(qntk_rng_bits(&rng) >> 48);
    }
    high[3] = low[3] = 0;
    high[4] = low[4] = 65535;
    for (int shape = 0; shape < QNTK_NOISE_COUNT; shape++)
        for (size_t k = 0; k < LAWS * SCALES; k++) {
            const size_t levels = laws[k / SCALES];
            const qntk_noise noise = {(qntk_noise_shape)shape, 0, scales[k % SCALES]};
            for (size_t set = 0; set < 3; set++) {
                const qntk_anneal_ops *ops = qntk_anneal_ops_find(sets[set]);
                (ops != NULL ? ops : qntk_anneal_ops_find("baseline"))
                    ->draw(noise, levels, COUNT, high, low, latent, weight[set]);
                ck_assert_int_eq(memcmp(weight[0], weight[set], sizeof weight[0]), 0);
            }
            size_t wrong = 0;
            const double error = anneal_distribution_error(noise, levels);
            for (size_t i = 0; i < COUNT - 2; i++) {
                const double u = (floor((high[i] * 65536.0 + low[i]) / 512) + 0.5) / (1 << 23);
                const qntk_steps steps = qntk_steps_symmetric(levels);
                /* P(output >= q_k) decreases in u */
                const double least =
                    qntk_steps_draw(steps, noise, (double)latent[i], fmin(u + error, 1 - 1e-9));
                const double most = qntk_steps_draw(steps, noise, (double)latent[i], fmax(u - error, 1e-9));
                const double level = level_of(levels, (double)weight[0][i]);
                wrong += !(level >= level_of(levels, least) && level <= level_of(levels, most));
            }
            ck_assert_msg(wrong == 0, "%s %g, %zu levels: %zu wrong", qntk_noise_name(noise.shape),
                          noise.scale, levels, wrong);
            ck_assert(isnan(weight[0][COUNT - 2]) && weight[0][COUNT - 1] == 1);
        }
}
END_TEST

START_TEST(an_unknown_instruction_set_is_an_error)
{
    ck_assert_ptr_null(qntk_anneal_ops_find("mmx"));
    ck_assert_ptr_nonnull(strstr(qntk_message(), "'mmx'"));
    ck_assert_ptr_nonnull(qntk_anneal_ops_find(NULL));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, expected_weights_and_slopes_are_those_of_anneal_h_with_every_instruction_set);
    tcase_add_test(tcase, of_two_supports_of_uniform_noise_that_meet_one_counts);
    tcase_add_test(tcase, modes_are_the_most_probable_levels);
    tcase_add_test(tcase, random_weights_are_those_that_their_bits_draw);
    tcase_add_test(tcase, an_unknown_instruction_set_is_an_error);
}

int main(void)
{
    return test_main("anneal_simd", add_tests);
}
