/* The moments against what they are moments of: networks whose weights are rounded at random, and the
 * infinitely wide limit. Every tolerance is in standard errors of the draws, plus, where the moments are an
 * approximation, the stated power of the width. The seeds are fixed. */
#include "test.h"

#include <string.h>

/* Five standard errors: a false alarm once in 2 million comparisons, were the seed not fixed. */
static const double ERRORS = 5;

enum { MOST_LAYERS = 3 };

typedef struct {
    qntk_moments_weights layer[MOST_LAYERS];
    double *latent[MOST_LAYERS], *bias[MOST_LAYERS];
    size_t count;
} random_network;

/* A layer of random latent weights and biases; w_std = sqrt(gain / (V + tau)). */
static void add_layer(random_network *net, qntk_rng *rng, size_t fan_in, size_t fan_out, size_t levels,
                      double gain, double b_std)
{
    double *latent = qntk_alloc(fan_in * fan_out, sizeof *latent), *bias = qntk_alloc(fan_out, sizeof *bias);
    for (size_t k = 0; k < fan_in * fan_out; k++)
        latent[k] = levels == 0 ? qntk_rng_normal(rng) : 2 * qntk_rng_uniform(rng) - 1;
    for (size_t i = 0; i < fan_out; i++)
        bias[i] = qntk_rng_normal(rng);
    qntk_weight_law law;
    ck_assert_ok(qntk_weight_law_create(levels, &law));
    net->latent[net->count] = latent;
    net->bias[net->count] = bias;
    net->layer[net->count++] = (qntk_moments_weights){
        fan_in, fan_out, latent, levels, sqrt(gain / (law.second_moment + law.noise)), b_std, bias, NULL};
}

static void free_network(random_network *net)
{
    for (size_t l = 0; l < net->count; l++) {
        qntk_free(net->latent[l]);
        qntk_free(net->bias[l]);
    }
    *net = (random_network){0};
}

/* One draw of the network: every weight rounded once, `out` (outputs). */
static void draw_outputs(const random_network *net, const double *x, qntk_rng *rng, double *out)
{
    enum { MOST = 1024 };
    double in[MOST];
    memcpy(in, x, net->layer[0].fan_in * sizeof *in);
    for (size_t l = 0; l < net->count; l++) {
        const qntk_moments_weights *layer = &net->layer[l];
        for (size_t i = 0; i < layer->fan_out; i++) {
            const double *latent = layer->latent + i * layer->fan_in;
            double sum = 0;
            for (size_t j = 0; j < layer->fan_in; j++)
                sum += in[j] * (layer->levels == 0
                                    ? latent[j]
                                    : qntk_weight_round(layer->levels, latent[j], qntk_rng_uniform(rng)));
            out[i] = layer->w_std / sqrt((double)layer->fan_in) * sum + layer->b_std * layer->bias[i];
        }
        for (size_t i = 0; l + 1 < net->count && i < layer->fan_out; i++)
            in[i] = fmax(out[i], 0);
    }
}

/* All draws, each from its own stream: outputs (draws, outputs). */
typedef struct {
    const random_network *net;
    const double *x;
    uint64_t seed;
    size_t outputs;
    double *draws;
} sampling;

static qntk_status one_draw(void *context, size_t index, size_t worker)
{
    (void)worker;
    const sampling *job = context;
    double out[1024];
    qntk_rng rng = qntk_rng_create(job->seed, index);
    draw_outputs(job->net, job->x, &rng, out);
    memcpy(job->draws + index * job->outputs, out, job->outputs * sizeof *out);
    return QNTK_OK;
}

/* Mean, variance and fourth central moment of each output over the draws. */
typedef struct {
    double mean, variance, fourth;
} sample_moments;

static void sample(const random_network *net, const double *x, uint64_t seed, size_t draws,
                   sample_moments *result)
{
    size_t outputs = net->layer[net->count - 1].fan_out;
    sampling job = {net, x, seed, outputs, qntk_alloc(draws * outputs, sizeof(double))};
    ck_assert_ok(qntk_parallel_for(draws, one_draw, &job));
    for (size_t i = 0; i < outputs; i++) {
        sample_moments m = {0};
        for (size_t k = 0; k < draws; k++)
            m.mean += job.draws[k * outputs + i] / (double)draws;
        for (size_t k = 0; k < draws; k++) {
            double square = pow(job.draws[k * outputs + i] - m.mean, 2);
            m.variance += square / ((double)draws - 1);
            m.fourth += square * square / (double)draws;
        }
        result[i] = m;
    }
    qntk_free(job.draws);
}

START_TEST(the_first_layer_is_exact_at_any_width)
{
    /* 6 inputs, 4 outputs, 100 000 draws: mean and variance within 5 standard errors, nothing else allowed */
    enum { D = 6, OUT = 4, DRAWS = 100000 };
    static const size_t all_levels[] = {2, 3, 4, 16};
    for (size_t l = 0; l < sizeof all_levels / sizeof *all_levels; l++) {
        qntk_rng rng = qntk_rng_create(11, l);
        random_network net = {0};
        add_layer(&net, &rng, D, OUT, all_levels[l], 2, 0.3);
        double x[D], mean[OUT], variance[OUT];
        for (size_t j = 0; j < D; j++)
            x[j] = qntk_rng_normal(&rng);
        ck_assert_ok(qntk_moments_propagate(net.layer, 1, 1, x, mean, variance));
        sample_moments drawn[OUT];
        sample(&net, x, 100 + l, DRAWS, drawn);
        for (size_t i = 0; i < OUT; i++) {
            double error = sqrt(variance[i] / DRAWS);
            ck_assert_close(drawn[i].mean, mean[i], ERRORS, error);
            double error_variance = sqrt((drawn[i].fourth - variance[i] * variance[i]) / DRAWS);
            ck_assert_close(drawn[i].variance, variance[i], ERRORS, error_variance);
        }
        free_network(&net);
    }
}
END_TEST

START_TEST(deeper_layers_are_right_up_to_the_inverse_root_of_the_width)
{
    /* 500 inputs, widths 500 and 500, 40 outputs, 200 draws. Neurons of a layer are correlated over the
     * rounding through their common inputs, by 1/sqrt(width) for a pair: the moments neglect that. */
    enum { WIDTH = 500, OUT = 40, DRAWS = 200 };
    const size_t readout[] = {2, 0};
    for (size_t r = 0; r < 2; r++) {
        qntk_rng rng = qntk_rng_create(12, r);
        random_network net = {0};
        add_layer(&net, &rng, WIDTH, WIDTH, 2, 2, 0.2);
        add_layer(&net, &rng, WIDTH, WIDTH, 3, 2, 0.2);
        add_layer(&net, &rng, WIDTH, OUT, readout[r], 1, 0);
        double x[WIDTH], mean[OUT], variance[OUT];
        for (size_t j = 0; j < WIDTH; j++)
            x[j] = qntk_rng_normal(&rng);
        ck_assert_ok(qntk_moments_propagate(net.layer, net.count, 1, x, mean, variance));
        sample_moments drawn[OUT];
        sample(&net, x, 200 + r, DRAWS, drawn);
        double ratio = 0, inverse_root = 1 / sqrt(WIDTH);
        for (size_t i = 0; i < OUT; i++) {
            /* the error of the mean, second order in 1/sqrt(width), hides below the draws' */
            ck_assert_close(drawn[i].mean, mean[i], ERRORS, sqrt(variance[i] / DRAWS));
            ck_assert_close(drawn[i].variance, variance[i], ERRORS * sqrt(2.0 / DRAWS) + inverse_root,
                            variance[i]);
            ratio += drawn[i].variance / variance[i] / OUT;
        }
        ck_assert_close(ratio, 1, ERRORS * sqrt(2.0 / (DRAWS * OUT)) + inverse_root, 1);
        free_network(&net);
    }
}
END_TEST

typedef struct {
    const qntk_network_shape *shape;
    uint64_t seed;
    const double *X; /* (ROWS, WIDTH) */
    double *products;
} wide_networks;

enum { WIDTH = 512, ROWS = 3, PAIRS = 6, OUT = 256 };

/* Network `index`: the average over its outputs of mean(x) mean(x'), for each pair of rows. */
static qntk_status one_network(void *context, size_t index, size_t worker)
{
    (void)worker;
    const wide_networks *job = context;
    const qntk_network_shape *shape = job->shape;
    qntk_rng rng = qntk_rng_create(job->seed, index);
    random_network net = {0};
    for (size_t l = 0; l < shape->depth; l++)
        add_layer(&net, &rng, WIDTH, WIDTH, shape->levels, 2, shape->b_std);
    add_layer(&net, &rng, WIDTH, OUT, shape->quantize_all ? shape->levels : 0, 1, shape->b_std);
    double mean[ROWS * OUT];
    qntk_status status = qntk_moments_propagate(net.layer, net.count, ROWS, job->X, mean, NULL);
    double *product = job->products + index * PAIRS;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j <= i; j++, product++)
            for (size_t k = 0; k < OUT; k++)
                *product += mean[i * OUT + k] * mean[j * OUT + k] / OUT;
    free_network(&net);
    return status;
}

START_TEST(random_networks_approach_the_infinitely_wide_kernel)
{
    /* 512 inputs, width 512, 256 outputs, 60 networks of random latent weights: E mean(x) mean(x') is the
     * nngp kernel up to 5 standard errors between networks and a bias of order 1/width. */
    enum { NETWORKS = 60 };
    static const qntk_network_shape shapes[] = {
        {.depth = 1, .levels = 2, .nngp = true},
        {.depth = 1, .levels = 3, .nngp = true, .quantize_all = true, .b_std = 0.5},
        {.depth = 2, .levels = 2, .nngp = true, .quantize_all = true},
        {.depth = 2, .levels = 3, .nngp = true, .b_std = 0.3},
    };
    qntk_rng rng = qntk_rng_create(14, 0);
    double X[ROWS * WIDTH];
    for (size_t k = 0; k < ROWS * WIDTH; k++) { /* rows of different lengths, correlated with the first */
        const size_t row = k / WIDTH;
        X[k] = (1 + 0.3 * (double)row) * qntk_rng_normal(&rng) + (row == 0 ? 0 : 0.8 * X[k % WIDTH]);
    }
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        double products[NETWORKS * PAIRS] = {0};
        wide_networks job = {&shapes[s], 300 + s, X, products};
        ck_assert_ok(qntk_parallel_for(NETWORKS, one_network, &job));
        qntk_kernel kernel = {.family = QNTK_FAMILY_NETWORK, .network = shapes[s]};
        for (size_t i = 0, pair = 0; i < ROWS; i++)
            for (size_t j = 0; j <= i; j++, pair++) {
                double mean = 0, variance = 0;
                for (size_t k = 0; k < NETWORKS; k++)
                    mean += products[k * PAIRS + pair] / NETWORKS;
                for (size_t k = 0; k < NETWORKS; k++)
                    variance += pow(products[k * PAIRS + pair] - mean, 2) / (NETWORKS - 1);
                double expected = qntk_kernel_pair(&kernel, WIDTH, X + i * WIDTH, X + j * WIDTH);
                double error = sqrt(variance / NETWORKS);
                ck_assert_msg(error < 0.02 * expected, "standard error %g of %g", error, expected);
                ck_assert_close(mean, expected, 1, ERRORS * error + 2 * expected / WIDTH);
            }
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_first_layer_is_exact_at_any_width);
    tcase_add_test(tcase, deeper_layers_are_right_up_to_the_inverse_root_of_the_width);
    tcase_add_test(tcase, random_networks_approach_the_infinitely_wide_kernel);
}

int main(void)
{
    return test_main("moments_sampling", add_tests);
}
