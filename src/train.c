/* Trainers: options, memory, epochs. The step is train_step.c's. */
#include "train_internal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- options ---- */

qntk_train_options qntk_train_defaults(void)
{
    return (qntk_train_options){.loss = QNTK_LOSS_CROSS_ENTROPY,
                                .method = QNTK_METHOD_BINARYCONNECT,
                                .rounding = QNTK_ROUNDING_STOCHASTIC,
                                .optimizer = QNTK_OPTIMIZER_ADAM,
                                .rate = 1e-2,
                                .rate_factor = 0.1,
                                .beta1 = 0.9,
                                .beta2 = 0.999,
                                .epsilon = 1e-8,
                                .batch = 100,
                                .anneal = qntk_train_anneal_defaults()};
}

const char *qntk_train_options_difference(const qntk_train_options *a, const qntk_train_options *b)
{
    const struct {
        const char *name;
        bool same;
    } fields[] = {
        {"loss", a->loss == b->loss},
        {"method", a->method == b->method},
        {"rounding", a->rounding == b->rounding},
        {"optimizer", a->optimizer == b->optimizer},
        {"rate", a->rate == b->rate},
        {"rate factor", a->rate_factor == b->rate_factor},
        {"rate steps", a->rate_steps == b->rate_steps &&
                           memcmp(a->rate_epoch, b->rate_epoch, a->rate_steps * sizeof *a->rate_epoch) == 0},
        {"momentum", a->momentum == b->momentum},
        {"beta1", a->beta1 == b->beta1},
        {"beta2", a->beta2 == b->beta2},
        {"epsilon", a->epsilon == b->epsilon},
        {"batch", a->batch == b->batch},
        {"seed", a->seed == b->seed},
        {"annealing", a->method != QNTK_METHOD_ANA || qntk_train_anneal_same(&a->anneal, &b->anneal)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!fields[i].same)
            return fields[i].name;
    return NULL;
}

static qntk_status check_options(const qntk_train_options *o)
{
    QNTK_REQUIRE((size_t)o->loss < qntk_loss_count, "expected a loss");
    QNTK_REQUIRE((size_t)o->method < qntk_method_count, "expected a method");
    QNTK_REQUIRE((unsigned)o->rounding <= QNTK_ROUNDING_NEAREST, "expected a rounding");
    QNTK_REQUIRE((unsigned)o->optimizer <= QNTK_OPTIMIZER_ADAM, "expected an optimizer");
    QNTK_REQUIRE(o->rate > 0 && isfinite(o->rate), "the rate must be positive and finite");
    QNTK_REQUIRE(o->rate_factor > 0 && isfinite(o->rate_factor), "the rate's factor must be positive");
    QNTK_REQUIRE(o->rate_steps <= QNTK_RATE_STEPS_MAX, "at most 8 steps of the rate");
    for (size_t k = 1; k < o->rate_steps; k++)
        QNTK_REQUIRE(o->rate_epoch[k] > o->rate_epoch[k - 1], "epochs of the rate's steps must ascend");
    QNTK_REQUIRE(o->momentum >= 0 && o->momentum < 1, "momentum must be in [0,1)");
    QNTK_REQUIRE(o->beta1 >= 0 && o->beta1 < 1 && o->beta2 >= 0 && o->beta2 < 1,
                 "beta1 and beta2 must be in [0,1)");
    QNTK_REQUIRE(o->epsilon > 0 && isfinite(o->epsilon), "epsilon must be positive");
    QNTK_REQUIRE(o->batch > 0 && o->batch <= INT_MAX, "the batch must have at least one row");
    return qntk_train_anneal_check(o);
}

static qntk_status check_activations(const qntk_network *network, const qntk_train_options *o)
{
    const size_t stepped = qntk_network_stepped(network);
    if (stepped > 0 && o->method == QNTK_METHOD_BINARYCONNECT)
        return qntk_fail(
            QNTK_INVALID,
            "layer %zu: the derivative of an activation of %zu levels is 0 almost everywhere, and "
            "BinaryConnect puts nothing in its place: train with straight-through or annealing",
            stepped, network->layers[stepped - 1].activation.levels);
    return QNTK_OK;
}

/* ---- memory ---- */

static float *numbers(size_t rows, size_t columns, bool zero)
{
    if (columns != 0 && rows > SIZE_MAX / sizeof(float) / columns)
        return qntk_alloc(SIZE_MAX, sizeof(float)); /* fails with its message */
    return zero ? qntk_alloc_zero(rows * columns, sizeof(float)) : qntk_alloc(rows * columns, sizeof(float));
}

static qntk_status create_layer(const qntk_trainer *trainer, size_t l)
{
    const qntk_network_layer *shape = &trainer->network->layers[l];
    const qntk_train_options *o = &trainer->options;
    qntk_train_layer *layer = &trainer->layers[l];
    const bool adam = o->optimizer == QNTK_OPTIMIZER_ADAM, moment = adam || o->momentum > 0;
    layer->weight = shape->levels == 0 ? shape->latent : numbers(shape->fan_out, shape->fan_in, false);
    layer->first = moment ? numbers(shape->fan_out, shape->fan_in, true) : NULL;
    layer->second = adam ? numbers(shape->fan_out, shape->fan_in, true) : NULL;
    layer->bias_first = moment ? numbers(shape->fan_out, 1, true) : NULL;
    layer->bias_second = adam ? numbers(shape->fan_out, 1, true) : NULL;
    layer->x = numbers(o->batch, shape->fan_out, false);
    layer->g = numbers(o->batch, shape->fan_out, false);
    layer->h = shape->activation.levels > 0 ? numbers(o->batch, shape->fan_out, false) : NULL;
    bool complete = layer->weight != NULL && layer->x != NULL && layer->g != NULL &&
                    (layer->h != NULL || shape->activation.levels == 0) &&
                    (!moment || (layer->first != NULL && layer->bias_first != NULL)) &&
                    (!adam || (layer->second != NULL && layer->bias_second != NULL));
    return complete ? QNTK_OK : QNTK_FAIL_MEMORY();
}

static size_t bytes_needed(const qntk_network *network, const qntk_train_options *o)
{
    double values = 0, moments = o->optimizer == QNTK_OPTIMIZER_ADAM ? 2 : o->momentum > 0 ? 1 : 0;
    for (size_t l = 0; l < network->count; l++) {
        const qntk_network_layer *shape = &network->layers[l];
        values += (double)shape->fan_out * (double)shape->fan_in * (moments + (shape->levels > 0 ? 1 : 0));
        values += (shape->activation.levels > 0 ? 3 : 2) * (double)o->batch * (double)shape->fan_out;
    }
    values += (double)o->batch * (double)(network->layers[0].fan_in + 1);
    double bytes = values * sizeof(float);
    return bytes < 1e18 ? (size_t)bytes : SIZE_MAX;
}

qntk_status qntk_trainer_create(qntk_network *network, qntk_train_options options, qntk_trainer **out)
{
    *out = NULL;
    QNTK_REQUIRE(network != NULL && network->count > 0, "expected a network");
    qntk_status status = check_options(&options);
    if (status == QNTK_OK)
        status = check_activations(network, &options);
    if (status == QNTK_OK)
        status = qntk_memory_check(bytes_needed(network, &options), "training",
                                   "use narrower layers or smaller batches");
    if (status != QNTK_OK)
        return status;
    qntk_trainer *trainer = qntk_alloc_zero(1, sizeof *trainer);
    if (trainer == NULL)
        return QNTK_FAIL_MEMORY();
    trainer->network = network;
    trainer->options = options;
    trainer->ops = qntk_train_ops_find(NULL);
    trainer->anneal_ops = qntk_anneal_ops_find(NULL);
    trainer->method = &qntk_method_rows[options.method];
    trainer->first_loss = NAN;
    trainer->best_loss = INFINITY;
    trainer->layers = qntk_alloc_zero(network->count, sizeof *trainer->layers);
    trainer->x = numbers(options.batch, network->layers[0].fan_in, false);
    trainer->t = numbers(options.batch, network->layers[network->count - 1].fan_out, false);
    if (trainer->layers == NULL || trainer->x == NULL || trainer->t == NULL)
        status = QNTK_FAIL_MEMORY();
    for (size_t l = 0; status == QNTK_OK && l < network->count; l++)
        status = create_layer(trainer, l);
    if (status == QNTK_OK)
        status = qntk_trainer_round(trainer);
    if (status != QNTK_OK)
        qntk_trainer_destroy(&trainer);
    *out = trainer;
    return status;
}

void qntk_trainer_destroy(qntk_trainer **handle)
{
    qntk_trainer *trainer = *handle;
    *handle = NULL;
    if (trainer == NULL)
        return;
    for (size_t l = 0; trainer->layers != NULL && l < trainer->network->count; l++) {
        qntk_train_layer *layer = &trainer->layers[l];
        if (layer->weight != trainer->network->layers[l].latent)
            qntk_free(layer->weight);
        qntk_free(layer->first);
        qntk_free(layer->second);
        qntk_free(layer->bias_first);
        qntk_free(layer->bias_second);
        qntk_free(layer->x);
        qntk_free(layer->g);
        qntk_free(layer->h);
    }
    qntk_free(trainer->layers);
    qntk_free(trainer->x);
    qntk_free(trainer->t);
    qntk_free(trainer->tiles);
    qntk_free(trainer);
}

/* ---- training ---- */

qntk_status qntk_trainer_step(qntk_trainer *trainer, size_t n, const float *X, const float *T, double *loss)
{
    *loss = 0;
    QNTK_REQUIRE(n > 0 && n <= trainer->options.batch, "expected from one row to a batch of them");
    return qntk_step_run(trainer, n, NULL, X, T, loss, NULL);
}

qntk_status qntk_trainer_gradient(qntk_trainer *trainer, size_t n, const float *X, const float *T,
                                  double *loss, float *gradient)
{
    *loss = 0;
    QNTK_REQUIRE(n > 0 && n <= trainer->options.batch, "expected from one row to a batch of them");
    memset(gradient, 0, qntk_network_parameters(trainer->network) * sizeof *gradient);
    return qntk_step_run(trainer, n, NULL, X, T, loss, gradient);
}

static qntk_status run_epoch(qntk_trainer *trainer, size_t n, const size_t *order, const float *X,
                             const float *T, double *sum)
{
    const size_t batch = trainer->options.batch;
    for (size_t first = 0; first < n; first += batch) {
        if (qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        const size_t rows = qntk_min(batch, n - first);
        double loss;
        qntk_status status = qntk_step_run(trainer, rows, order + first, X, T, &loss, NULL);
        if (status != QNTK_OK)
            return status;
        *sum += loss * (double)rows;
        qntk_progress("training", (double)(first + rows) / (double)n);
    }
    return QNTK_OK;
}

qntk_status qntk_trainer_epoch(qntk_trainer *trainer, size_t n, const float *X, const float *T, double *loss)
{
    *loss = 0;
    QNTK_REQUIRE(n > 0, "expected at least one row");
    size_t *order = qntk_alloc(n, sizeof *order);
    if (order == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qntk_rng rng = qntk_rng_create(trainer->options.seed, QNTK_STREAM_ORDER + trainer->epoch);
    qntk_rng_shuffle(&rng, order, n);
    double sum = 0;
    qntk_status status = run_epoch(trainer, n, order, X, T, &sum);
    qntk_free(order);
    if (status != QNTK_OK)
        return status;
    trainer->epoch++;
    status = qntk_train_anneal_epoch(trainer);
    if (status != QNTK_OK) {
        trainer->epoch--;
        return status;
    }
    *loss = sum / (double)n;
    trainer->stalled = *loss < trainer->best_loss ? 0 : trainer->stalled + 1;
    trainer->best_loss = fmin(trainer->best_loss, *loss);
    return QNTK_OK;
}

const float *qntk_trainer_weights(const qntk_trainer *trainer, size_t layer)
{
    return trainer->layers[layer].weight;
}

const qntk_train_options *qntk_trainer_options(const qntk_trainer *trainer)
{
    return &trainer->options;
}

size_t qntk_trainer_epochs(const qntk_trainer *trainer)
{
    return trainer->epoch;
}

uint64_t qntk_trainer_steps(const qntk_trainer *trainer)
{
    return trainer->step;
}

size_t qntk_trainer_stalled(const qntk_trainer *trainer)
{
    return trainer->stalled;
}
