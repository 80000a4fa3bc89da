#include "random_network.h"

random_network random_network_create(size_t count, const size_t *sizes, const size_t *levels, double b_std,
                                     uint64_t seed)
{
    random_network net = {.count = count};
    for (size_t l = 0; l < count; l++) {
        const size_t fan_in = sizes[l], fan_out = sizes[l + 1];
        qntk_weight_law law;
        qntk_rng rng = qntk_rng_create(seed, l);
        ck_assert_ok(qntk_weight_law_create(levels[l], &law));
        net.latent[l] = qntk_alloc(fan_in * fan_out, sizeof(double));
        net.bias[l] = qntk_alloc(fan_out, sizeof(double));
        for (size_t k = 0; k < fan_in * fan_out; k++)
            net.latent[l][k] = levels[l] == 0 ? qntk_rng_normal(&rng) : 2 * qntk_rng_uniform(&rng) - 1;
        for (size_t k = 0; k < fan_out; k++)
            net.bias[l][k] = qntk_rng_normal(&rng);
        net.layers[l] = (qntk_moments_weights){
            .fan_in = fan_in,
            .fan_out = fan_out,
            .latent = net.latent[l],
            .levels = levels[l],
            .w_std = sqrt((l + 1 < count ? 2 : 1) / (law.second_moment + law.noise)),
            .b_std = b_std,
            .bias = b_std > 0 ? net.bias[l] : NULL,
        };
    }
    return net;
}

void random_network_destroy(random_network *net)
{
    for (size_t l = 0; l < net->count; l++) {
        qntk_free(net->latent[l]);
        qntk_free(net->bias[l]);
    }
}

void random_rows(size_t n, size_t d, uint64_t seed, double *X)
{
    qntk_rng rng = qntk_rng_create(seed, 99);
    for (size_t k = 0; k < n * d; k++)
        X[k] = qntk_rng_normal(&rng);
}
