/* Loss, gradient and Hessian products of plain networks. Names as in penalty.h: x outputs, G gradient at the
 * pre-activations, R the derivative along the direction Z. */
#include "penalty_internal.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* ---- shapes ---- */

static qntk_status check(const qntk_network *network, qntk_loss loss, size_t n, const float *X,
                         const float *T)
{
    QNTK_REQUIRE(network != NULL && network->count > 0, "expected a network");
    QNTK_REQUIRE((size_t)loss < qntk_plain_loss_count, "expected a loss");
    QNTK_REQUIRE(n > 0 && X != NULL && T != NULL, "expected rows and targets, found none");
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        if (layer->activation.levels > 0)
            return qntk_fail(QNTK_INVALID,
                             "layer %zu: the plain network has ReLUs, not activations of %zu levels", l + 1,
                             layer->activation.levels);
        for (size_t k = 0; k < layer->fan_out * layer->fan_in; k++)
            if (!isfinite(layer->latent[k]))
                return qntk_fail(QNTK_NOT_FINITE, "layer %zu: latent weight (%zu, %zu) is %g", l + 1,
                                 k / layer->fan_in, k % layer->fan_in, (double)layer->latent[k]);
    }
    const size_t inputs = network->layers[0].fan_in;
    for (size_t k = 0; k < n * inputs; k++)
        if (!isfinite(X[k]))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu, column %zu: expected a finite number, found %g",
                             k / inputs, k % inputs, (double)X[k]);
    return QNTK_OK;
}

qntk_status qntk_plain_create(const qntk_network *network, qntk_loss loss, size_t n, const float *X,
                              const float *T, qntk_plain *plain)
{
    *plain = (qntk_plain){.loss = loss};
    qntk_status status = check(network, loss, n, X, T);
    if (status != QNTK_OK)
        return status;
    plain->count = network->count;
    plain->n = n;
    plain->T = T;
    plain->inputs = plain->width = network->layers[0].fan_in;
    plain->layers = qntk_alloc(network->count, sizeof *plain->layers);
    plain->X = qntk_alloc(n, plain->inputs * sizeof *plain->X);
    if (plain->layers == NULL || plain->X == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t k = 0; k < n * plain->inputs; k++)
        plain->X[k] = (double)X[k];
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        plain->layers[l] = (qntk_plain_layer){.fan_in = layer->fan_in,
                                              .fan_out = layer->fan_out,
                                              .scale = layer->w_std / sqrt((double)layer->fan_in),
                                              .b_std = layer->b_std,
                                              .bias = layer->bias,
                                              .at = plain->weights,
                                              .start = plain->neurons};
        plain->weights += layer->fan_out * layer->fan_in;
        plain->neurons += layer->fan_out;
        plain->width = qntk_max(plain->width, layer->fan_out);
        plain->outputs = layer->fan_out;
    }
    return QNTK_OK;
}

void qntk_plain_free(qntk_plain *plain)
{
    qntk_free(plain->layers);
    qntk_free(plain->X);
    *plain = (qntk_plain){0};
}

void qntk_plain_latent(const qntk_network *network, double *w)
{
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        for (size_t k = 0; k < layer->fan_out * layer->fan_in; k++, w++) {
            const double latent = (double)layer->latent[k];
            *w = layer->levels > 0 ? fmin(1, fmax(-1, latent)) : latent;
        }
    }
}

/* The arrays of one block of rows. */
typedef struct {
    size_t first, rows;
    double *x, *rx; /* (neurons, rows), layer after layer (rows, fan_out): x and R x */
    double *g, *rg, *below, *r_below, *top; /* (rows, width); top: one row */
} block;

size_t qntk_plain_scratch(const qntk_plain *plain)
{
    return QNTK_PLAIN_ROWS * (2 * plain->neurons + 4 * plain->width) + plain->width;
}

static block block_create(const qntk_plain *plain, size_t first, double *scratch)
{
    const size_t wide = QNTK_PLAIN_ROWS * plain->width, deep = QNTK_PLAIN_ROWS * plain->neurons;
    block b = {.first = first, .rows = qntk_min(QNTK_PLAIN_ROWS, plain->n - first), .x = scratch};
    b.rx = b.x + deep;
    b.g = b.rx + deep;
    b.rg = b.g + wide;
    b.below = b.rg + wide;
    b.r_below = b.below + wide;
    b.top = b.r_below + wide;
    return b;
}

/* ---- products ---- */

/* out (rows, fan_out) = beta out + scale in W' */
static void up(const qntk_plain_layer *layer, size_t rows, const double *in, const double *w, double beta,
               double *out)
{
    const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, fan_out, fan_in, layer->scale, in,
                fan_in, w + layer->at, fan_in, beta, out, fan_out);
}

/* out (rows, fan_in) = beta out + scale g W */
static void down(const qntk_plain_layer *layer, size_t rows, const double *g, const double *w, double beta,
                 double *out)
{
    const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)rows, fan_in, fan_out, layer->scale, g,
                fan_out, w + layer->at, fan_in, beta, out, fan_in);
}

/* dW (fan_out, fan_in) += scale g' in */
static void outer(const qntk_plain_layer *layer, size_t rows, const double *g, const double *in, double *dw)
{
    const blasint fan_in = (blasint)layer->fan_in, fan_out = (blasint)layer->fan_out;
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, fan_out, fan_in, (blasint)rows, layer->scale, g,
                fan_out, in, fan_in, 1, dw + layer->at, fan_in);
}

/* ---- forward ---- */

static double *outputs_of(const qntk_plain *plain, double *x, size_t l)
{
    return x + QNTK_PLAIN_ROWS * plain->layers[l].start;
}

static const double *inputs_of(const qntk_plain *plain, const block *b, size_t l)
{
    return l == 0 ? plain->X + b->first * plain->inputs : outputs_of(plain, b->x, l - 1);
}

/* x becomes relu(x), and rx, if not NULL, its derivative along the direction. */
static void rectify(size_t count, double *x, double *rx)
{
    for (size_t k = 0; rx != NULL && k < count; k++)
        rx[k] = x[k] <= 0 ? 0 : rx[k];
    for (size_t k = 0; k < count; k++)
        x[k] = x[k] <= 0 ? 0 : x[k]; /* NaN passes */
}

/* x of every layer and, with a direction, R x. */
static void forward(const qntk_plain *plain, const double *w, const double *direction, const block *b)
{
    for (size_t l = 0; l < plain->count; l++) {
        const qntk_plain_layer *layer = &plain->layers[l];
        const double *in = inputs_of(plain, b, l);
        double *x = outputs_of(plain, b->x, l), *rx = outputs_of(plain, b->rx, l);
        for (size_t i = 0; i < b->rows; i++)
            for (size_t k = 0; k < layer->fan_out; k++)
                x[i * layer->fan_out + k] = layer->b_std > 0 ? layer->b_std * (double)layer->bias[k] : 0;
        up(layer, b->rows, in, w, 1, x);
        if (direction != NULL) {
            up(layer, b->rows, in, direction, 0, rx);
            if (l > 0)
                up(layer, b->rows, outputs_of(plain, b->rx, l - 1), w, 1, rx);
        }
        if (l + 1 < plain->count)
            rectify(b->rows * layer->fan_out, x, direction != NULL ? rx : NULL);
    }
}

/* The sum of the losses of the block's rows; g of the last layer, of the mean loss. */
static qntk_status add_losses(const qntk_plain *plain, const block *b, double *sum)
{
    const size_t outputs = plain->outputs;
    const double *f = outputs_of(plain, b->x, plain->count - 1);
    for (size_t i = 0; i < b->rows; i++) {
        double *g = b->g + i * outputs;
        const double loss = qntk_plain_losses[plain->loss].value(outputs, f + i * outputs,
                                                                 plain->T + (b->first + i) * outputs, g);
        if (!isfinite(loss))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu: the loss is %g", b->first + i, loss);
        for (size_t c = 0; c < outputs; c++)
            g[c] /= (double)plain->n;
        *sum += loss;
    }
    return qntk_interrupted() ? qntk_fail(QNTK_INTERRUPTED, "interrupted") : QNTK_OK;
}

qntk_status qntk_plain_loss(const qntk_plain *plain, const double *w, double *scratch, double *loss)
{
    double sum = 0;
    qntk_status status = QNTK_OK;
    for (size_t first = 0; first < plain->n && status == QNTK_OK; first += QNTK_PLAIN_ROWS) {
        const block b = block_create(plain, first, scratch);
        forward(plain, w, NULL, &b);
        status = add_losses(plain, &b, &sum);
    }
    *loss = sum / (double)plain->n;
    return status;
}

/* ---- backward ---- */

static void swap(double **a, double **b)
{
    double *keep = *a;
    *a = *b;
    *b = keep;
}

/* R g of the last layer: H_L R f / n. */
static void curve_outputs(const qntk_plain *plain, const block *b)
{
    const size_t outputs = plain->outputs;
    const double *f = outputs_of(plain, b->x, plain->count - 1);
    const double *rf = outputs_of(plain, b->rx, plain->count - 1);
    for (size_t i = 0; i < b->rows; i++) {
        double *rg = b->rg + i * outputs;
        qntk_plain_losses[plain->loss].curvature(outputs, f + i * outputs,
                                                 plain->T + (b->first + i) * outputs, rf + i * outputs, rg);
        for (size_t c = 0; c < outputs; c++)
            rg[c] /= (double)plain->n;
    }
}

/* Adds the block's share of gradient and product. */
static void backward(const qntk_plain *plain, const double *w, const double *direction, block *b,
                     double *gradient, double *product)
{
    for (size_t l = plain->count; l-- > 0;) {
        const qntk_plain_layer *layer = &plain->layers[l];
        const double *in = inputs_of(plain, b, l);
        if (gradient != NULL)
            outer(layer, b->rows, b->g, in, gradient);
        if (product != NULL) {
            outer(layer, b->rows, b->rg, in, product);
            if (l > 0)
                outer(layer, b->rows, b->g, outputs_of(plain, b->rx, l - 1), product);
        }
        if (l == 0)
            break;
        down(layer, b->rows, b->g, w, 0, b->below);
        if (product != NULL) {
            down(layer, b->rows, b->rg, w, 0, b->r_below);
            down(layer, b->rows, b->g, direction, 1, b->r_below);
        }
        for (size_t k = 0; k < b->rows * layer->fan_in; k++)
            if (in[k] == 0) {
                b->below[k] = 0;
                b->r_below[k] = 0;
            }
        swap(&b->g, &b->below);
        swap(&b->rg, &b->r_below);
    }
}

qntk_status qntk_plain_derive(const qntk_plain *plain, const double *w, const double *direction,
                              double *scratch, double *loss, double *gradient, double *product)
{
    double sum = 0;
    qntk_status status = QNTK_OK;
    if (gradient != NULL)
        memset(gradient, 0, plain->weights * sizeof *gradient);
    if (product != NULL)
        memset(product, 0, plain->weights * sizeof *product);
    for (size_t first = 0; first < plain->n; first += QNTK_PLAIN_ROWS) {
        block b = block_create(plain, first, scratch);
        forward(plain, w, product != NULL ? direction : NULL, &b);
        status = add_losses(plain, &b, &sum);
        if (status != QNTK_OK)
            break;
        if (product != NULL)
            curve_outputs(plain, &b);
        backward(plain, w, direction, &b, gradient, product);
    }
    *loss = sum / (double)plain->n;
    return status;
}

/* ---- Gauss-Newton ---- */

/* sum_k v_k (df.a/dW_k)^2 over the rows, where delta (b->g) is that of f.a in the last layer: with c = scale,
 *     sum_l c^2 sum_ij v_ij delta_i^2 x_j^2 = sum_l c^2 sum_i delta_i^2 u_i,    u = V x^2 (in b->rx). */
static double squared_gradients(const qntk_plain *plain, const double *w, block *b)
{
    double sum = 0;
    for (size_t l = plain->count; l-- > 0;) {
        const qntk_plain_layer *layer = &plain->layers[l];
        const double *u = outputs_of(plain, b->rx, l), *in = inputs_of(plain, b, l);
        double part = 0;
        for (size_t k = 0; k < b->rows * layer->fan_out; k++)
            part += b->g[k] * b->g[k] * u[k];
        sum += layer->scale * part; /* u has the other scale */
        if (l == 0)
            break;
        down(layer, b->rows, b->g, w, 0, b->below);
        for (size_t k = 0; k < b->rows * layer->fan_in; k++)
            if (in[k] == 0)
                b->below[k] = 0;
        swap(&b->g, &b->below);
    }
    return sum;
}

qntk_status qntk_plain_gauss_newton(const qntk_plain *plain, const double *w, const double *v, size_t first,
                                    size_t rows, double *scratch, double *sum)
{
    block b = block_create(plain, first, scratch);
    b.rows = qntk_min(b.rows, rows);
    forward(plain, w, NULL, &b);
    for (size_t l = 0; l < plain->count; l++) { /* u = scale V x^2 */
        const double *in = inputs_of(plain, &b, l);
        for (size_t k = 0; k < b.rows * plain->layers[l].fan_in; k++)
            b.below[k] = in[k] * in[k];
        up(&plain->layers[l], b.rows, b.below, v, 0, outputs_of(plain, b.rx, l));
    }
    const size_t outputs = plain->outputs;
    const double *f = outputs_of(plain, b.x, plain->count - 1);
    *sum = 0;
    for (size_t c = 0; c < outputs; c++) {
        for (size_t i = 0; i < b.rows; i++)
            qntk_plain_losses[plain->loss].factor(outputs, f + i * outputs, plain->T + (first + i) * outputs,
                                                  c, b.g + i * outputs);
        *sum += squared_gradients(plain, w, &b) / (2 * (double)plain->n);
    }
    if (!isfinite(*sum))
        return qntk_fail(QNTK_NOT_FINITE, "rows from %zu: the Gauss-Newton form is %g", first, *sum);
    return QNTK_OK;
}

/* ---- kinks ---- */

/* h of every layer in b->x, its variance under the noise in b->rx:
 *     Var h = c^2 [ V x^2 + W^2 Var x ],    Var x = 1[h > 0] Var h of the layer below */
static void forward_variances(const qntk_plain *plain, const double *w, const double *w2, const double *v,
                              const block *b)
{
    for (size_t l = 0; l < plain->count; l++) {
        const qntk_plain_layer *layer = &plain->layers[l];
        double *h = outputs_of(plain, b->x, l), *spread = outputs_of(plain, b->rx, l);
        const double *below = inputs_of(plain, b, l);
        double *in = b->g, *square = b->rg, *passed = b->below;
        for (size_t k = 0; k < b->rows * layer->fan_in; k++) {
            const bool open = l == 0 || below[k] > 0;
            in[k] = open ? below[k] : 0;
            square[k] = in[k] * in[k];
            passed[k] = l > 0 && open ? outputs_of(plain, b->rx, l - 1)[k] : 0;
        }
        for (size_t i = 0; i < b->rows; i++)
            for (size_t k = 0; k < layer->fan_out; k++)
                h[i * layer->fan_out + k] = layer->b_std > 0 ? layer->b_std * (double)layer->bias[k] : 0;
        up(layer, b->rows, in, w, 1, h);
        up(layer, b->rows, square, v, 0, spread);
        if (l > 0)
            up(layer, b->rows, passed, w2, 1, spread);
        for (size_t k = 0; k < b->rows * layer->fan_out; k++)
            spread[k] *= layer->scale; /* the product has the other one */
    }
}

qntk_status qntk_plain_kinks(const qntk_plain *plain, const double *w, const double *w2, const double *v,
                             size_t first, double *scratch, double *sum)
{
    block b = block_create(plain, first, scratch);
    double loss = 0;
    *sum = 0;
    forward_variances(plain, w, w2, v, &b);
    qntk_status status = add_losses(plain, &b, &loss);
    for (size_t l = plain->count - 1; l > 0 && status == QNTK_OK; l--) {
        const qntk_plain_layer *layer = &plain->layers[l];
        const double *h = outputs_of(plain, b.x, l - 1), *spread = outputs_of(plain, b.rx, l - 1);
        down(layer, b.rows, b.g, w, 0, b.below); /* dL/dx, whether the ReLU is open or not */
        for (size_t k = 0; k < b.rows * layer->fan_in; k++) {
            double excess, variance; /* E relu(h + s Z) - relu(h) = E relu(-|h| + s Z) */
            qntk_relu_moments(-fabs(h[k]), sqrt(spread[k]), &excess, &variance);
            *sum += b.below[k] * excess;
            b.below[k] = h[k] > 0 ? b.below[k] : 0;
        }
        swap(&b.g, &b.below);
    }
    return status;
}
