#include "test.h"
#include "naive_train.h"
#include "train_simd.h"

#include <gsl/gsl_cdf.h>
#include <string.h>

static const char *const names[] = {"baseline", "avx2", "avx512"};
static const qntk_round_source source = {
    .seed = 0x0123456789abcdef, .stream = 0x5a5a5a5a00000003, .position = UINT64_C(0xfffffff8)};

/* The instruction sets this processor has, one after the other; NULL ends them. */
static const qntk_train_ops *next(size_t *at)
{
    while (*at < sizeof names / sizeof *names) {
        const qntk_train_ops *ops = qntk_train_ops_find(names[(*at)++]);
        if (ops != NULL)
            return ops;
    }
    return NULL;
}

START_TEST(an_unknown_instruction_set_is_an_error)
{
    ck_assert_ptr_null(qntk_train_ops_find("mmx"));
    ck_assert_ptr_nonnull(strstr(qntk_message(), "'mmx'"));
    ck_assert_ptr_nonnull(qntk_train_ops_find(NULL));
    ck_assert_ptr_nonnull(qntk_train_ops_find("baseline"));
}
END_TEST

START_TEST(bits_are_those_of_the_generator_in_the_documented_order)
{
    enum { COUNT = 200, ROOM = 256 };
    const qntk_train_ops *ops;
    for (size_t at = 0; (ops = next(&at)) != NULL;) {
        uint32_t bits[ROOM];
        ops->bits(source, COUNT, bits);
        size_t wrong = 0;
        for (size_t i = 0; i < COUNT; i++) {
            size_t g = i / 64, k = i % 64;
            qntk_rng rng = qntk_rng_create(source.seed, source.stream);
            rng.position = source.position + 8 * g + (k % 16) / 2;
            qntk_rng_bits(&rng);
            uint32_t word = rng.word[k / 16];
            wrong += bits[i] != (k % 2 == 0 ? (word & 0xffff) : word >> 16);
        }
        ck_assert_msg(wrong == 0, "%s: %zu of %d differ", ops->name, wrong, COUNT);
    }
}
END_TEST

START_TEST(bits_are_uniform_and_independent_by_chi_square)
{
    enum { COUNT = 1 << 22, BINS = 256 };
    uint32_t *bits = malloc(COUNT * sizeof *bits);
    qntk_train_ops_find(NULL)->bits((qntk_round_source){.seed = 5}, COUNT, bits);
    const char *const what[] = {"high byte", "low byte", "high nibbles of neighbours", "of words apart"};
    for (int test = 0; test < 4; test++) {
        double count[BINS] = {0}, chi_square = 0;
        const double expected = (double)(COUNT - 2) / BINS;
        for (size_t i = 0; i + 2 < COUNT; i++) {
            unsigned a = bits[i], b = bits[i + 1], c = bits[i + 2];
            unsigned bin[] = {a >> 8, a & 255, a >> 12 << 4 | b >> 12, a >> 12 << 4 | c >> 12};
            count[bin[test]]++;
        }
        for (int k = 0; k < BINS; k++)
            chi_square += (count[k] - expected) * (count[k] - expected) / expected;
        /* both tails: bits that are too even are wrong as well; seed 5 */
        double upper = gsl_cdf_chisq_Q(chi_square, BINS - 1), lower = gsl_cdf_chisq_P(chi_square, BINS - 1);
        ck_assert_msg(upper > 1e-6 && lower > 1e-6, "%s: chi-square %g", what[test], chi_square);
    }
    free(bits);
}
END_TEST

static const size_t many_levels[] = {2, 3, 4, 5, 7, 16, 255, 256, 4096, 65536};
enum { LEVELS = sizeof many_levels / sizeof *many_levels };

/* Latent weights on a grid of [-1,1], at and beside levels, tiny ones, the ends. */
enum { GRID = 257, LATENTS = GRID + 12 };
static void fill_latents(size_t levels, float *latent)
{
    for (size_t i = 0; i < GRID; i++)
        latent[i] = (float)(-1 + 2 * (double)i / (GRID - 1));
    float level = (float)(-1 + 2 * floor((double)(levels - 1) / 3) / (double)(levels - 1));
    const float more[] = {0,
                          1e-30F,
                          -1e-30F,
                          1e-6F,
                          -1e-6F,
                          nextafterf(1, 0),
                          nextafterf(-1, 0),
                          level,
                          nextafterf(level, 1),
                          nextafterf(level, -2),
                          0.123456F,
                          1};
    memcpy(latent + GRID, more, sizeof more);
    for (size_t i = 0; i < LATENTS; i++)
        latent[i] = fmaxf(-1, latent[i]);
}

START_TEST(the_expected_rounded_weight_is_the_latent_one_to_2_to_the_minus_48_steps)
{
    float latent[LATENTS];
    double worst = 0;
    size_t wrong = 0;
    for (size_t k = 0; k < LEVELS; k++) {
        const size_t levels = many_levels[k];
        const long double step = 2 / (long double)(levels - 1);
        fill_latents(levels, latent);
        for (size_t i = 0; i < LATENTS; i++) {
            size_t cell;
            uint64_t all = UINT64_C(1) << 48, threshold = qntk_round_threshold(levels, latent[i], &cell);
            long double mean = -1 + step * ((long double)cell + (long double)threshold / 0x1p48L);
            worst = test_worse(worst, (double)(fabsl(mean - (long double)latent[i]) / step));
            /* the bits do what the threshold says */
            wrong += cell >= levels || (cell == levels - 1 && threshold > 0);
            wrong += threshold > 0 && qntk_round_level(levels, latent[i], all - threshold) != cell + 1;
            wrong += threshold < all && qntk_round_level(levels, latent[i], all - threshold - 1) != cell;
        }
    }
    ck_assert_uint_eq(wrong, 0);
    /* one threshold, rounded down, and the rounding of the sum here: 2^16 2^-63 for 65536 levels */
    ck_assert_msg(worst <= 0x1p-48 + 0x1p-46, "off by %g steps", worst);
}
END_TEST

START_TEST(every_value_of_the_sixteen_bits_rounds_as_the_exact_threshold_says)
{
    enum { ALL = 65536 };
    uint32_t *bits = malloc(ALL * sizeof *bits);
    float *constant = malloc(ALL * sizeof *constant), *weight = malloc(ALL * sizeof *weight);
    float latent[LATENTS];
    for (size_t i = 0; i < ALL; i++)
        bits[i] = (uint32_t)i;
    const qntk_train_ops *ops;
    for (size_t at = 0; (ops = next(&at)) != NULL;)
        for (size_t k = 0; k < LEVELS; k++) {
            fill_latents(many_levels[k], latent);
            size_t wrong = 0;
            for (size_t j = 0; j < LATENTS; j += k < 2 ? 1 : 7) {
                for (size_t i = 0; i < ALL; i++)
                    constant[i] = latent[j];
                ops->round(many_levels[k], source, ALL, constant, bits, weight);
                size_t cell;
                uint64_t threshold = qntk_round_threshold(many_levels[k], latent[j], &cell);
                for (uint64_t i = 0; i < ALL; i++) {
                    /* up if the 48 bits reach 2^48 - threshold: the last 32 matter in one value of 65536 */
                    uint64_t least = (UINT64_C(1) << 48) - threshold, lead = least >> 32;
                    uint64_t bits48 = i << 32 | (i == lead ? qntk_round_tie(source, i) : 0);
                    float expected = qntk_round_value(many_levels[k], cell + (bits48 >= least ? 1 : 0));
                    wrong += weight[i] != expected;
                }
            }
            ck_assert_msg(wrong == 0, "%s, %zu levels: %zu differ", ops->name, many_levels[k], wrong);
        }
    free(bits);
    free(constant);
    free(weight);
}
END_TEST

START_TEST(rounding_agrees_with_its_plain_twin)
{
    enum { COUNT = 8000 };
    float latent[COUNT], weight[COUNT];
    uint32_t bits[COUNT];
    qntk_rng rng = qntk_rng_create(3, 0);
    for (size_t i = 0; i < COUNT; i++)
        latent[i] = (float)(2.2 * qntk_rng_uniform(&rng) - 1.1); /* some beyond the ends */
    const qntk_train_ops *ops;
    for (size_t at = 0; (ops = next(&at)) != NULL;)
        for (size_t k = 0; k < LEVELS; k++) {
            size_t wrong = 0;
            ops->bits(source, COUNT, bits);
            ops->round(many_levels[k], source, COUNT, latent, bits, weight);
            for (size_t i = 0; i < COUNT; i++)
                wrong += weight[i] != naive_round(many_levels[k], latent[i], source.seed, source.stream,
                                                  source.position, i);
            ck_assert_msg(wrong == 0, "%s, %zu levels: %zu differ", ops->name, many_levels[k], wrong);
        }
}
END_TEST

START_TEST(sampled_weights_have_the_mean_and_variance_of_the_law)
{
    enum { COUNT = 64, DRAWS = 20000 };
    const size_t laws[] = {2, 3, 16};
    float latent[COUNT], weight[COUNT];
    uint32_t bits[COUNT];
    const qntk_train_ops *ops = qntk_train_ops_find(NULL);
    for (size_t i = 0; i < COUNT; i++)
        latent[i] = (float)(-0.99 + 1.98 * (double)i / (COUNT - 1));
    for (size_t k = 0; k < 3; k++) {
        double sum[COUNT] = {0}, square[COUNT] = {0}, worst_mean = 0, worst_variance = 0;
        for (uint64_t draw = 0; draw < DRAWS; draw++) {
            qntk_round_source here = {.seed = 9, .stream = 1, .position = draw << 32};
            ops->bits(here, COUNT, bits);
            ops->round(laws[k], here, COUNT, latent, bits, weight);
            for (size_t i = 0; i < COUNT; i++) {
                sum[i] += weight[i];
                square[i] += pow((double)weight[i] - (double)latent[i], 2);
            }
        }
        for (size_t i = 0; i < COUNT; i++) {
            double noise = qntk_weight_noise(laws[k], (double)latent[i]), step = qntk_weight_step(laws[k]);
            double se = sqrt(noise / DRAWS);
            worst_mean = test_worse(worst_mean, fabs(sum[i] / DRAWS - (double)latent[i]) / (se + 1e-9));
            /* (w - latent)^2 <= step^2, so its variance is at most step^2 noise */
            worst_variance = test_worse(worst_variance, fabs(square[i] / DRAWS - noise) /
                                                            (step * sqrt(noise / DRAWS) + 1e-9));
        }
        /* largest of 64 normal numbers: 5 standard errors are passed once in 30 000 runs; seed 9 */
        ck_assert_msg(worst_mean < 5, "%zu levels: mean off by %g standard errors", laws[k], worst_mean);
        ck_assert_msg(worst_variance < 5, "%zu levels: variance off by %g", laws[k], worst_variance);
    }
}
END_TEST

START_TEST(the_nearest_level_is_the_nearest)
{
    float latent[LATENTS], weight[LATENTS];
    const qntk_train_ops *ops;
    for (size_t at = 0; (ops = next(&at)) != NULL;)
        for (size_t k = 0; k < LEVELS && many_levels[k] <= 256; k++) {
            size_t wrong = 0;
            fill_latents(many_levels[k], latent);
            ops->nearest(many_levels[k], LATENTS, latent, weight);
            for (size_t i = 0; i < LATENTS; i++)
                wrong += weight[i] != naive_nearest(many_levels[k], latent[i]);
            ck_assert_msg(wrong == 0, "%s, %zu levels: %zu differ", ops->name, many_levels[k], wrong);
        }
}
END_TEST

START_TEST(what_is_beyond_the_ends_rounds_to_them_and_nan_stays)
{
    enum { COUNT = 5 };
    const float latent[COUNT] = {1.5F, -1.5F, INFINITY, -INFINITY, NAN}, end[COUNT] = {1, -1, 1, -1, NAN};
    float stochastic[COUNT], fixed[COUNT];
    uint32_t bits[64];
    const qntk_train_ops *ops;
    for (size_t at = 0; (ops = next(&at)) != NULL;) {
        ops->bits(source, COUNT, bits);
        ops->round(4, source, COUNT, latent, bits, stochastic);
        ops->nearest(4, COUNT, latent, fixed);
        for (size_t i = 0; i + 1 < COUNT; i++)
            ck_assert(stochastic[i] == end[i] && fixed[i] == end[i]);
        ck_assert(isnan(stochastic[COUNT - 1]) && isnan(fixed[COUNT - 1]));
    }
}
END_TEST

/* One call of every loop, one after the other on what the ones before left. */
enum { LENGTH = 337 };
typedef struct {
    uint32_t bits[384];
    float gradient[LENGTH], latent[LENGTH], first[LENGTH], second[LENGTH], weight[5][LENGTH];
} everything;

static everything run_everything(const qntk_train_ops *ops)
{
    everything e;
    memset(&e, 0, sizeof e);
    qntk_rng rng = qntk_rng_create(21, 0);
    for (size_t i = 0; i < LENGTH; i++) {
        e.gradient[i] = (float)qntk_rng_normal(&rng);
        e.latent[i] = (float)(2 * qntk_rng_uniform(&rng) - 1);
        e.first[i] = (float)qntk_rng_normal(&rng);
        e.second[i] = (float)qntk_rng_uniform(&rng);
    }
    e.gradient[7] = INFINITY; /* and from here on NaN in places */
    const qntk_adam adam = {
        .rate = 0.1F, .beta1 = 0.9F, .rest1 = 0.1F, .beta2 = 0.99F, .rest2 = 0.01F, .epsilon = 1e-8F};
    ops->sgd(LENGTH, e.gradient, 0.3F, 1, e.latent);
    ops->momentum(LENGTH, e.gradient, 0.3F, 0.9F, INFINITY, e.first, e.latent);
    ops->window(LENGTH, e.latent, e.gradient);
    ops->adam(LENGTH, e.gradient, adam, 1, e.first, e.second, e.latent);
    ops->bits(source, LENGTH, e.bits);
    memset(e.bits + LENGTH, 0, sizeof e.bits - LENGTH * sizeof *e.bits);
    ops->round(2, source, LENGTH, e.latent, e.bits, e.weight[0]);
    ops->round(3, source, LENGTH, e.latent, e.bits, e.weight[1]);
    ops->round(16, source, LENGTH, e.latent, e.bits, e.weight[2]);
    ops->nearest(3, LENGTH, e.latent, e.weight[3]);
    ops->nearest(16, LENGTH, e.latent, e.weight[4]);
    return e;
}

/* The same bits, but any NaN for any other: their sign and payload are not ours to choose. */
static size_t differences(const float *a, const float *b, size_t count)
{
    size_t differ = 0;
    for (size_t i = 0; i < count; i++)
        differ += !(isnan(a[i]) && isnan(b[i])) && memcmp(a + i, b + i, sizeof *a) != 0;
    return differ;
}

START_TEST(all_instruction_sets_give_the_same_bits)
{
    everything expected = run_everything(qntk_train_ops_find("baseline"));
    size_t compared = 0;
    const qntk_train_ops *ops;
    for (size_t at = 1; (ops = next(&at)) != NULL; compared++) {
        everything e = run_everything(ops);
        ck_assert_msg(memcmp(e.bits, expected.bits, sizeof e.bits) == 0, "%s: bits", ops->name);
        ck_assert_uint_eq(differences(e.gradient, expected.gradient, LENGTH), 0);
        ck_assert_uint_eq(differences(e.latent, expected.latent, LENGTH), 0);
        ck_assert_uint_eq(differences(e.first, expected.first, LENGTH), 0);
        ck_assert_uint_eq(differences(e.second, expected.second, LENGTH), 0);
        for (int k = 0; k < 5; k++)
            ck_assert_uint_eq(differences(e.weight[k], expected.weight[k], LENGTH), 0);
    }
    if (compared == 0)
        test_skip("this processor has one instruction set to compare");
}
END_TEST

START_TEST(optimizers_agree_with_their_formulas_in_double)
{
    enum { COUNT = 500 };
    float gradient[COUNT], latent[3][COUNT], first[2][COUNT], second[COUNT], start[COUNT], m[COUNT], v[COUNT];
    qntk_rng rng = qntk_rng_create(4, 0);
    for (size_t i = 0; i < COUNT; i++) {
        gradient[i] = (float)qntk_rng_normal(&rng);
        start[i] = (float)(2 * qntk_rng_uniform(&rng) - 1);
        m[i] = (float)qntk_rng_normal(&rng);
        v[i] = (float)qntk_rng_uniform(&rng);
    }
    for (int k = 0; k < 3; k++)
        memcpy(latent[k], start, sizeof start);
    memcpy(first[0], m, sizeof m);
    memcpy(first[1], m, sizeof m);
    memcpy(second, v, sizeof v);
    const qntk_train_ops *ops = qntk_train_ops_find(NULL);
    const qntk_adam adam = {
        .rate = 0.05F, .beta1 = 0.9F, .rest1 = 0.1F, .beta2 = 0.75F, .rest2 = 0.25F, .epsilon = 0.001F};
    ops->sgd(COUNT, gradient, 0.25F, 1, latent[0]);
    ops->momentum(COUNT, gradient, 0.25F, 0.5F, 1, first[0], latent[1]);
    ops->adam(COUNT, gradient, adam, 1, first[1], second, latent[2]);
    double worst = 0;
    size_t clipped = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double g = gradient[i], moment = 0.5 * (double)m[i] + g;
        double mean = (double)0.9F * (double)m[i] + (double)0.1F * g,
               square = 0.75 * (double)v[i] + 0.25 * g * g;
        double expected[] = {(double)start[i] - 0.25 * g, (double)start[i] - 0.25 * moment,
                             (double)start[i] - (double)0.05F * mean / (sqrt(square) + (double)0.001F)};
        for (int k = 0; k < 3; k++) {
            clipped += fabs(expected[k]) > 1;
            worst = test_worse(worst, fabs(fmax(-1, fmin(1, expected[k])) - (double)latent[k][i]));
        }
        worst = test_worse(worst, fabs(moment - (double)first[0][i]) / (1 + fabs(moment)));
        worst = test_worse(worst, fabs(mean - (double)first[1][i]) / (1 + fabs(mean)));
        worst = test_worse(worst, fabs(square - (double)second[i]) / (1 + square));
    }
    ck_assert_uint_gt(clipped, 10);
    ck_assert_msg(worst <= 4 * 0x1p-23, "off by %g", worst); /* a handful of roundings of numbers up to 2 */
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, an_unknown_instruction_set_is_an_error);
    tcase_add_test(tcase, bits_are_those_of_the_generator_in_the_documented_order);
    tcase_add_test(tcase, bits_are_uniform_and_independent_by_chi_square);
    tcase_add_test(tcase, the_expected_rounded_weight_is_the_latent_one_to_2_to_the_minus_48_steps);
    tcase_add_test(tcase, every_value_of_the_sixteen_bits_rounds_as_the_exact_threshold_says);
    tcase_add_test(tcase, rounding_agrees_with_its_plain_twin);
    tcase_add_test(tcase, sampled_weights_have_the_mean_and_variance_of_the_law);
    tcase_add_test(tcase, the_nearest_level_is_the_nearest);
    tcase_add_test(tcase, what_is_beyond_the_ends_rounds_to_them_and_nan_stays);
    tcase_add_test(tcase, all_instruction_sets_give_the_same_bits);
    tcase_add_test(tcase, optimizers_agree_with_their_formulas_in_double);
}

int main(void)
{
    return test_main("train_simd", add_tests);
}
