/* Fully quantized networks: multi-step activations against their definition, their gains, and plain outputs. */
#include "test.h"
#include "naive_train.h"
#include "train_internal.h"

/* binary, ternary, two bits, three bits */
static const struct {
    size_t levels;
    bool positive;
} kinds[] = {{2, false}, {3, false}, {4, true}, {8, true}};
enum { KINDS = sizeof kinds / sizeof *kinds, D = 6, OUTPUTS = 3 };
static const size_t sizes[] = {D, 20, 33, OUTPUTS};

START_TEST(activations_are_the_hard_steps)
{
    enum { COUNT = 2500 };
    static float h[COUNT], x[COUNT];
    for (size_t kind = 0; kind < KINDS; kind++) {
        const qntk_steps q = qntk_steps_normal(kinds[kind].levels, kinds[kind].positive, sqrt(2));
        for (size_t i = 0; i < COUNT; i++)
            h[i] = (float)(0.0101 * (double)i - 12);
        h[0] = 1e30F;
        h[1] = -1e30F;
        h[2] = INFINITY;
        qntk_activate(q, COUNT, h, x);
        double worst = 0, edge = 0;
        for (size_t i = 3; i < COUNT; i++) {
            const double place = (double)h[i] / q.step - q.lowest - 0.5;
            if (fabs(place - round(place)) > 1e-6) /* else rounding may decide otherwise */
                worst = test_worse(worst, fabs((double)x[i] - qntk_steps_hard(q, (double)h[i])));
            else
                edge++;
        }
        const double top = q.step * (q.lowest + (double)q.levels - 1), bottom = q.step * q.lowest;
        ck_assert_msg(worst < 1e-6 && edge < 10, "kind %zu: off by %g", kind, worst);
        ck_assert_close((double)x[0], top, 1e-6, 1);
        ck_assert_close((double)x[1], bottom, 1e-6, 1);
        ck_assert(x[2] == x[0]);
        h[0] = NAN;
        qntk_activate(q, 1, h, h); /* in place */
        ck_assert_float_nan(h[0]);
    }
}
END_TEST

START_TEST(gains_keep_the_second_moment_of_pre_activations)
{
    enum { WIDE = 256, ROWS = 40 };
    const size_t shape[] = {WIDE, WIDE, WIDE, WIDE, WIDE}, law[] = {0, 2, 3};
    static float X[ROWS * WIDE];
    static double f[WIDE], h[8][WIDE];
    qntk_rng rng = qntk_rng_create(17, 0);
    for (size_t k = 0; k < (size_t)ROWS * WIDE; k++)
        X[k] = (float)qntk_rng_normal(&rng);
    for (size_t kind = 0; kind < KINDS * 3; kind++) {
        const size_t levels[] = {law[kind % 3], law[kind % 3], law[kind % 3], law[kind % 3]};
        qntk_network network;
        ck_assert_ok(qntk_network_create(4, shape, levels, 0, 3, &network));
        ck_assert_ok(qntk_network_activate(&network, kinds[kind / 3].levels, kinds[kind / 3].positive));
        naive_net net = naive_net_latent(&network);
        for (size_t l = 0; l < 4 && levels[0] > 0; l++)
            for (size_t k = 0; k < (size_t)WIDE * WIDE; k++)
                net.W[l][k] = (double)naive_nearest(levels[0], network.layers[l].latent[k]);
        double moment[4] = {0};
        for (size_t i = 0; i < ROWS; i++) {
            naive_net_output(&net, X + i * WIDE, f, h);
            for (size_t l = 0; l < 4; l++)
                for (size_t k = 0; k < WIDE; k++)
                    moment[l] += h[l][k] * h[l][k] / (ROWS * WIDE);
        }
        /* rows share the weights: the deviation is some sqrt(2/256) a layer, and adds up */
        for (size_t l = 0; l < 4; l++)
            ck_assert_close(moment[l], l == 3 ? 1 : 2, 0.25, l == 3 ? 1 : 2);
        naive_net_free(&net);
        qntk_network_free(&network);
    }
}
END_TEST

START_TEST(the_expected_output_of_fixed_weights_is_the_plain_one)
{
    enum { ROWS = 70 }; /* more than an item */
    static float X[ROWS * D];
    double F[ROWS * OUTPUTS], f[256];
    qntk_rng rng = qntk_rng_create(18, 0);
    for (size_t k = 0; k < (size_t)ROWS * D; k++)
        X[k] = (float)qntk_rng_normal(&rng);
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int real = 0; real < 2; real++) {
            const size_t levels[] = {real ? 0 : 3, real ? 0 : 2, 0};
            qntk_network network;
            ck_assert_ok(qntk_network_create(3, sizes, levels, 0.3, 3, &network));
            ck_assert_ok(qntk_network_activate(&network, kinds[kind].levels, kinds[kind].positive));
            naive_net net = naive_net_latent(&network);
            for (size_t l = 0; l < 2 && !real; l++)
                for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++)
                    net.W[l][k] = (double)naive_nearest(levels[l], network.layers[l].latent[k]);
            const qntk_rounding rounding = real ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST;
            ck_assert_ok(qntk_network_expect(&network, rounding, ROWS, X, F));
            double worst = 0;
            for (size_t i = 0; i < ROWS; i++) {
                naive_net_output(&net, X + i * D, f, NULL);
                for (size_t c = 0; c < OUTPUTS; c++)
                    worst = test_worse(worst, fabs(f[c] - F[i * OUTPUTS + c]));
            }
            ck_assert_msg(worst < 1e-5, "kind %zu, real %d: off by %g", kind, real, worst);
            naive_net_free(&net);
            qntk_network_free(&network);
        }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, activations_are_the_hard_steps);
    tcase_add_test(tcase, gains_keep_the_second_moment_of_pre_activations);
    tcase_add_test(tcase, the_expected_output_of_fixed_weights_is_the_plain_one);
}

int main(void)
{
    return test_main("network_activation", add_tests);
}
