/* See naive_train.h. */
#include "naive_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static naive_net allocate(const qntk_network *network)
{
    naive_net net = {.shape = network};
    for (size_t l = 0; l < network->count; l++) {
        net.W[l] = calloc(network->layers[l].fan_in * network->layers[l].fan_out, sizeof(double));
        net.b[l] = calloc(network->layers[l].fan_out, sizeof(double));
    }
    return net;
}

naive_net naive_net_latent(const qntk_network *network)
{
    naive_net net = allocate(network);
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++)
            net.W[l][k] = layer->latent[k];
        for (size_t i = 0; i < layer->fan_out; i++)
            net.b[l][i] = layer->bias[i];
    }
    return net;
}

naive_net naive_net_in_use(const qntk_network *network, const qntk_trainer *trainer)
{
    naive_net net = naive_net_latent(network);
    for (size_t l = 0; l < network->count; l++)
        for (size_t k = 0; k < network->layers[l].fan_in * network->layers[l].fan_out; k++)
            net.W[l][k] = qntk_trainer_weights(trainer, l)[k];
    return net;
}

void naive_net_free(naive_net *net)
{
    for (size_t l = 0; l < net->shape->count; l++) {
        free(net->W[l]);
        free(net->b[l]);
    }
    *net = (naive_net){0};
}

static double activate(const naive_net *net, size_t layer, size_t row, size_t neuron, double h)
{
    const qntk_steps steps = net->shape->layers[layer].activation;
    if (steps.levels == 0)
        return fmax(h, 0);
    return net->activate != NULL ? net->activate(net->context, layer, row, neuron, h)
                                 : qntk_steps_hard(steps, h);
}

static double slope(const naive_net *net, size_t layer, double h)
{
    if (net->shape->layers[layer].activation.levels == 0)
        return h > 0;
    return net->slope != NULL ? net->slope(net->context, layer, h) : 0;
}

static void output_of_row(const naive_net *net, size_t row, const float *x, double *f, double (*h)[256])
{
    double in[256], out[256];
    for (size_t j = 0; j < net->shape->layers[0].fan_in; j++)
        in[j] = x[j];
    for (size_t l = 0; l < net->shape->count; l++) {
        const qntk_network_layer *layer = &net->shape->layers[l];
        for (size_t i = 0; i < layer->fan_out; i++) {
            double sum = 0;
            for (size_t j = 0; j < layer->fan_in; j++)
                sum += net->W[l][i * layer->fan_in + j] * in[j];
            out[i] = layer->w_std / sqrt((double)layer->fan_in) * sum + layer->b_std * net->b[l][i];
            if (h != NULL)
                h[l][i] = out[i];
        }
        for (size_t i = 0; i < layer->fan_out; i++)
            in[i] = l + 1 < net->shape->count ? activate(net, l, row, i, out[i]) : out[i];
    }
    memcpy(f, out, net->shape->layers[net->shape->count - 1].fan_out * sizeof *f);
}

void naive_net_output(const naive_net *net, const float *x, double *f, double (*h)[256])
{
    output_of_row(net, 0, x, f, h);
}

/* The loss of a row and its derivative by output c. */
static double row_loss(qntk_loss loss, size_t outputs, const double *f, const float *t, double *g)
{
    double sum = 0, total = 0, weight = 0;
    for (size_t c = 0; c < outputs; c++) {
        total += exp(f[c]);
        weight += t[c];
    }
    for (size_t c = 0; c < outputs; c++) {
        switch (loss) {
        case QNTK_LOSS_SQUARED:
            sum += (f[c] - t[c]) * (f[c] - t[c]) / 2;
            g[c] = f[c] - t[c];
            break;
        case QNTK_LOSS_CROSS_ENTROPY:
            sum -= t[c] * log(exp(f[c]) / total);
            g[c] = weight * exp(f[c]) / total - t[c];
            break;
        case QNTK_LOSS_SQUARED_HINGE:
            sum += pow(fmax(0, 1 - t[c] * f[c]), 2);
            g[c] = -2 * t[c] * fmax(0, 1 - t[c] * f[c]);
            break;
        }
    }
    return sum;
}

double naive_net_loss(const naive_net *net, qntk_loss loss, size_t n, const float *X, const float *T)
{
    const size_t d = net->shape->layers[0].fan_in;
    const size_t outputs = net->shape->layers[net->shape->count - 1].fan_out;
    double sum = 0, f[256], g[256];
    for (size_t i = 0; i < n; i++) {
        output_of_row(net, i, X + i * d, f, NULL);
        sum += row_loss(loss, outputs, f, T + i * outputs, g);
    }
    return sum / (double)n;
}

/* Adds the share of row x, number `row`, to the gradient, from its derivatives by the outputs. */
static void backward(const naive_net *net, size_t row, const float *x, double (*h)[256], double *g,
                     naive_net *gradient)
{
    for (size_t l = net->shape->count; l-- > 0;) {
        const qntk_network_layer *layer = &net->shape->layers[l];
        const double scale = layer->w_std / sqrt((double)layer->fan_in);
        double below[256] = {0};
        for (size_t i = 0; i < layer->fan_out; i++) {
            gradient->b[l][i] += layer->b_std * g[i];
            for (size_t j = 0; j < layer->fan_in; j++) {
                double in = l == 0 ? (double)x[j] : activate(net, l - 1, row, j, h[l - 1][j]);
                gradient->W[l][i * layer->fan_in + j] += scale * g[i] * in;
                if (l > 0)
                    below[j] +=
                        scale * g[i] * net->W[l][i * layer->fan_in + j] * slope(net, l - 1, h[l - 1][j]);
            }
        }
        memcpy(g, below, sizeof below);
    }
}

naive_net naive_net_gradient(const naive_net *net, qntk_loss loss, size_t n, const float *X, const float *T)
{
    const size_t d = net->shape->layers[0].fan_in;
    const size_t outputs = net->shape->layers[net->shape->count - 1].fan_out;
    naive_net gradient = allocate(net->shape);
    double f[256], g[256] = {0}, h[8][256];
    for (size_t i = 0; i < n; i++) {
        output_of_row(net, i, X + i * d, f, h);
        row_loss(loss, outputs, f, T + i * outputs, g);
        for (size_t c = 0; c < outputs; c++)
            g[c] /= (double)n;
        backward(net, i, X + i * d, h, g, &gradient);
    }
    return gradient;
}

static uint32_t word(uint64_t seed, uint64_t stream, uint64_t position, size_t index)
{
    qntk_rng rng = qntk_rng_create(seed, stream);
    rng.position = position;
    uint64_t low = qntk_rng_bits(&rng), high = qntk_rng_bits(&rng);
    return (uint32_t)((index < 2 ? low : high) >> 32 * (index % 2));
}

float naive_round(size_t levels, float latent, uint64_t seed, uint64_t stream, uint64_t position, size_t i)
{
    /* as the comment of qntk_round_source says */
    size_t group = i / 64, k = i % 64;
    uint32_t bits = word(seed, stream, position + 8 * group + (k % 16) / 2, k / 16);
    bits = k % 2 == 0 ? bits & 0xffff : bits >> 16;
    uint32_t tie = word(seed, stream + 65536 * (1 + (i % 8) / 4), position + i / 8, i % 4);
    long double u = ((long double)bits + (long double)tie * 0x1p-32L) * 0x1p-16L;
    long double s = ((long double)fmaxf(-1, fminf(1, latent)) + 1) * (long double)(levels - 1) / 2;
    return (float)(2 * floorl(s + u) / (long double)(levels - 1) - 1);
}

float naive_nearest(size_t levels, float latent)
{
    double best = INFINITY, value = 0;
    for (size_t k = 0; k < levels; k++) {
        double level = -1 + 2 * (double)k / (double)(levels - 1);
        if (fabs(level - (double)latent) <= best) {
            best = fabs(level - (double)latent);
            value = level;
        }
    }
    return (float)value;
}
