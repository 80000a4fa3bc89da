/* One step of training: all threads at once through phases that wait for each other. A phase is a list of
 * blocks, cut by the shapes alone and handed out to whoever is free; the update of a layer, bound by memory,
 * shares its phase with the product that the layer below it waits for. */
#include "train_internal.h"
#include "team.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum {
    COLUMNS = 256,    /* of a product's result, taken together */
    FEW_OUTPUTS = 64, /* a product with fewer columns is cut by rows */
    ROWS = 32,        /* then so many together */
    GATHER = 16       /* rows copied together */
};

typedef struct step step;

/* A kind of block: how many there are in a layer, and the work on one. */
typedef struct {
    size_t (*count)(const step *s, size_t layer);
    void (*run)(step *s, size_t layer, size_t index, size_t worker);
} block_kind;

/* One or two lists of blocks that depend on earlier phases only. */
typedef struct {
    const block_kind *kind[2];
    size_t layer[2], count[2];
    _Alignas(64) atomic_size_t next;
} phase;

struct step {
    qntk_trainer *trainer;
    qntk_optimizer_step optimizer;
    size_t n;
    const size_t *rows;
    const float *X, *T; /* as given; x, t: the rows of this step */
    const float *x, *t;
    double loss;
    double *row_gradient;   /* (outputs) */
    float *gradient;        /* NULL: update */
    size_t phases, forward; /* the first `forward` phases come before the loss */
    phase *phase;
    bool stop; /* written by worker 0 between two barriers */
    qntk_barrier barrier;
};

static const qntk_network_layer *layer_of(const step *s, size_t layer)
{
    return &s->trainer->network->layers[layer];
}

static const float *input_of(const step *s, size_t layer)
{
    return layer == 0 ? s->x : s->trainer->layers[layer - 1].x;
}

static size_t blocks(size_t total, size_t size)
{
    return (total + size - 1) / size;
}

/* ---- rows of the batch ---- */

static size_t gather_count(const step *s, size_t layer)
{
    (void)layer;
    return s->rows != NULL ? blocks(s->n, GATHER) : 0;
}

static void gather_run(step *s, size_t layer, size_t index, size_t worker)
{
    (void)layer;
    (void)worker;
    const qntk_network *network = s->trainer->network;
    const size_t inputs = network->layers[0].fan_in, outputs = network->layers[network->count - 1].fan_out;
    const size_t end = qntk_min(s->n, (index + 1) * GATHER);
    for (size_t i = index * GATHER; i < end; i++) {
        memcpy(s->trainer->x + i * inputs, s->X + s->rows[i] * inputs, inputs * sizeof *s->X);
        memcpy(s->trainer->t + i * outputs, s->T + s->rows[i] * outputs, outputs * sizeof *s->T);
    }
}

static const block_kind gather = {gather_count, gather_run};

/* ---- forward ---- */

static size_t forward_count(const step *s, size_t layer)
{
    const size_t fan_out = layer_of(s, layer)->fan_out;
    return fan_out < FEW_OUTPUTS ? blocks(s->n, ROWS) : blocks(fan_out, COLUMNS);
}

static void forward_run(step *s, size_t layer, size_t index, size_t worker)
{
    (void)worker;
    const qntk_network_layer *shape = layer_of(s, layer);
    const qntk_train_layer *state = &s->trainer->layers[layer];
    const bool last = layer + 1 == s->trainer->network->count, few = shape->fan_out < FEW_OUTPUTS;
    const size_t row = few ? index * ROWS : 0, column = few ? 0 : index * COLUMNS;
    const size_t rows = few ? qntk_min(ROWS, s->n - row) : s->n;
    const size_t columns = few ? shape->fan_out : qntk_min(COLUMNS, shape->fan_out - column);
    float *out = state->h != NULL ? state->h : state->x;
    qntk_forward_block(shape, state->weight, last || state->h != NULL, rows,
                       input_of(s, layer) + row * shape->fan_in, column, columns, out + row * shape->fan_out);
    if (state->h != NULL)
        qntk_train_activate(s->trainer, layer, row, rows, column, columns);
}

static const block_kind forward = {forward_count, forward_run};

/* ---- loss ---- */

/* More than this times the first loss is no training any more. */
static const double DIVERGED = 1e6;

/* The mean loss and G of the last layer; true if training may go on. */
static bool evaluate_loss(step *s)
{
    qntk_trainer *trainer = s->trainer;
    const qntk_loss_row *loss = &qntk_loss_rows[trainer->options.loss];
    const qntk_train_layer *last = &trainer->layers[trainer->network->count - 1];
    const size_t outputs = layer_of(s, trainer->network->count - 1)->fan_out;
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum += loss->row(outputs, last->x + i * outputs, s->t + i * outputs, s->row_gradient);
        for (size_t c = 0; c < outputs; c++)
            last->g[i * outputs + c] = (float)(s->row_gradient[c] / (double)s->n);
    }
    s->loss = sum / (double)s->n;
    return s->loss <= DIVERGED * fmax(1, trainer->first_loss); /* false for NaN */
}

/* ---- backward ---- */

static size_t propagate_count(const step *s, size_t layer)
{
    return blocks(layer_of(s, layer)->fan_in, COLUMNS);
}

/* G^{l-1} = c_l G^l W^l * 1[x^{l-1} > 0], or times the slope of a multi-step activation: a block of columns. */
static void propagate_run(step *s, size_t layer, size_t index, size_t worker)
{
    (void)worker;
    const qntk_network_layer *shape = layer_of(s, layer);
    const qntk_train_layer *state = &s->trainer->layers[layer], *below = state - 1;
    const size_t column = index * COLUMNS, columns = qntk_min(COLUMNS, shape->fan_in - column);
    const blasint fan_in = (blasint)shape->fan_in, fan_out = (blasint)shape->fan_out;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)s->n, (blasint)columns, fan_out,
                qntk_layer_scale(shape), state->g, fan_out, state->weight + column, fan_in, 0,
                below->g + column, fan_in);
    if (below->h != NULL) {
        qntk_train_activation_backward(s->trainer, layer - 1, s->n, column, columns);
        return;
    }
    for (size_t i = 0; i < s->n; i++) {
        float *g = below->g + i * shape->fan_in + column;
        const float *x = below->x + i * shape->fan_in + column;
        for (size_t k = 0; k < columns; k++)
            g[k] = x[k] > 0 ? g[k] : 0;
    }
}

static const block_kind propagate = {propagate_count, propagate_run};

/* ---- gradient and update ---- */

static size_t update_count(const step *s, size_t layer)
{
    const qntk_network_layer *shape = layer_of(s, layer);
    return blocks(shape->fan_out, QNTK_TILE_ROWS) * blocks(shape->fan_in, QNTK_TILE_COLUMNS);
}

/* db^l = b_std sum_i G^l_i for `count` <= QNTK_TILE_ROWS outputs from `first` on. */
static void bias_gradient(const step *s, size_t layer, size_t first, size_t count, float *gradient)
{
    const qntk_network_layer *shape = layer_of(s, layer);
    const float *g = s->trainer->layers[layer].g + first;
    double sum[QNTK_TILE_ROWS] = {0};
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < count; k++)
            sum[k] += (double)g[i * shape->fan_out + k];
    for (size_t k = 0; k < count; k++)
        gradient[k] = (float)(shape->b_std * sum[k]);
}

/* The place of a layer's gradient in the one that is asked for. */
static float *gradient_of(const step *s, size_t layer)
{
    float *at = s->gradient;
    for (size_t l = 0; l < layer; l++)
        at += (layer_of(s, l)->fan_in + 1) * layer_of(s, l)->fan_out;
    return at;
}

/* Copies a tile, times the backward factor, to where the gradient is wanted. */
static void keep_tile(const step *s, size_t layer, size_t row, size_t rows, size_t column, size_t columns,
                      float *tile)
{
    const qntk_network_layer *shape = layer_of(s, layer);
    const qntk_method_row *method = s->trainer->method;
    for (size_t i = 0; i < rows; i++) {
        const size_t at = (row + i) * shape->fan_in + column;
        float *g = tile + i * columns;
        qntk_stretch stretch = {
            .trainer = s->trainer, .layer = layer, .count = columns, .latent = shape->latent + at};
        if (shape->levels > 0 && method->backward != NULL)
            method->backward(&stretch, g);
        memcpy(gradient_of(s, layer) + at, g, columns * sizeof *g);
    }
}

static void update_run(step *s, size_t layer, size_t index, size_t worker)
{
    const qntk_network_layer *shape = layer_of(s, layer);
    const size_t across = blocks(shape->fan_in, QNTK_TILE_COLUMNS);
    const size_t row = index / across * QNTK_TILE_ROWS, rows = qntk_min(QNTK_TILE_ROWS, shape->fan_out - row);
    const size_t column = index % across * QNTK_TILE_COLUMNS;
    const size_t columns = qntk_min(QNTK_TILE_COLUMNS, shape->fan_in - column);
    float *tile = s->trainer->tiles + worker * QNTK_TILE_ROWS * QNTK_TILE_COLUMNS;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)rows, (blasint)columns, (blasint)s->n,
                qntk_layer_scale(shape), s->trainer->layers[layer].g + row, (blasint)shape->fan_out,
                input_of(s, layer) + column, (blasint)shape->fan_in, 0, tile, (blasint)columns);
    if (s->gradient != NULL)
        keep_tile(s, layer, row, rows, column, columns, tile);
    else
        qntk_update_tile(s->trainer, &s->optimizer, layer, row, rows, column, columns, tile);
    if (column > 0)
        return;
    float bias[QNTK_TILE_ROWS];
    bias_gradient(s, layer, row, rows, bias);
    if (s->gradient != NULL)
        memcpy(gradient_of(s, layer) + shape->fan_out * shape->fan_in + row, bias, rows * sizeof *bias);
    else if (shape->b_std > 0)
        qntk_update_biases(s->trainer, &s->optimizer, layer, row, rows, bias);
}

static const block_kind update = {update_count, update_run};

/* ---- phases ---- */

static void add_phase(step *s, const block_kind *a, size_t layer_a, const block_kind *b, size_t layer_b)
{
    phase *p = &s->phase[s->phases++];
    p->kind[0] = a;
    p->layer[0] = layer_a;
    p->count[0] = a->count(s, layer_a);
    p->kind[1] = b;
    p->layer[1] = layer_b;
    p->count[1] = b != NULL ? b->count(s, layer_b) : 0;
    atomic_init(&p->next, 0);
}

/* gather, forward 0 .. L-1 | propagate L-1, {propagate l, update l+1} .., {update 1, update 0}: a layer's
 * weights are not touched before the product with them is done. */
static void plan(step *s)
{
    const size_t count = s->trainer->network->count;
    if (s->rows != NULL)
        add_phase(s, &gather, 0, NULL, 0);
    for (size_t l = 0; l < count; l++)
        add_phase(s, &forward, l, NULL, 0);
    s->forward = s->phases;
    for (size_t l = count - 1; l > 0; l--)
        add_phase(s, &propagate, l, l + 1 < count ? &update : NULL, l + 1);
    add_phase(s, &update, 0, count > 1 ? &update : NULL, 1);
}

static void run_phase(step *s, phase *p, size_t worker)
{
    for (;;) {
        size_t index = atomic_fetch_add(&p->next, 1);
        if (index < p->count[0])
            p->kind[0]->run(s, p->layer[0], index, worker);
        else if (index - p->count[0] < p->count[1])
            p->kind[1]->run(s, p->layer[1], index - p->count[0], worker);
        else
            break;
    }
    qntk_barrier_wait(&s->barrier);
}

static qntk_status run_member(void *context, size_t index, size_t worker)
{
    (void)index;
    step *s = context;
    for (size_t p = 0; p < s->phases; p++) {
        run_phase(s, &s->phase[p], worker);
        if (p + 1 != s->forward)
            continue;
        if (worker == 0)
            s->stop = !evaluate_loss(s);
        qntk_barrier_wait(&s->barrier);
        if (s->stop)
            break;
    }
    return QNTK_OK;
}

/* ---- one step ---- */

static double latent_norm(const qntk_network *network)
{
    double sum = 0;
    for (size_t l = 0; l < network->count; l++)
        for (size_t k = 0; k < network->layers[l].fan_in * network->layers[l].fan_out; k++)
            sum += (double)network->layers[l].latent[k] * (double)network->layers[l].latent[k];
    return sqrt(sum);
}

static qntk_status diverged(const step *s)
{
    return qntk_fail(QNTK_NOT_FINITE,
                     "epoch %zu, step %llu: the loss is %g; the norm of the latent weights is %g",
                     s->trainer->epoch + 1, (unsigned long long)s->trainer->step + 1, s->loss,
                     latent_norm(s->trainer->network));
}

/* Below this many multiply-adds a step is done before a second thread, woken for it, has saved its own waking.
 * With 50 rows and Adam, one thread against two: 0.012 and 0.20 ms for 16-32-32-3, 0.07 and 0.10 for 16-128-128-3,
 * 0.23 and 0.21 for 16-256-256-3. */
static const double ALONE = 8e6;

/* How many threads a step on n rows is worth: three products, and updates at so many multiply-adds a weight. */
static size_t step_members(const qntk_network *network, size_t n)
{
    const double a_weight = 100, weights = (double)qntk_network_parameters(network);
    return weights * (3 * (double)n + a_weight) < ALONE ? 1 : qntk_team_size();
}

/* Room for a tile a thread; their number may have changed since the last step. */
static qntk_status prepare_tiles(qntk_trainer *trainer, size_t members)
{
    if (members <= trainer->tile_count)
        return QNTK_OK;
    float *tiles = qntk_alloc(members * QNTK_TILE_ROWS * QNTK_TILE_COLUMNS, sizeof *tiles);
    if (tiles == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_free(trainer->tiles);
    trainer->tiles = tiles;
    trainer->tile_count = members;
    return QNTK_OK;
}

qntk_status qntk_step_run(qntk_trainer *trainer, size_t n, const size_t *rows, const float *X, const float *T,
                          double *loss, float *gradient)
{
    const qntk_network *network = trainer->network;
    const size_t outputs = network->layers[network->count - 1].fan_out;
    const size_t members = step_members(network, n);
    *loss = 0;
    step s = {.trainer = trainer,
              .optimizer = qntk_optimizer_at(trainer),
              .n = n,
              .rows = rows,
              .X = X,
              .T = T,
              .x = rows != NULL ? trainer->x : X,
              .t = rows != NULL ? trainer->t : T,
              .gradient = gradient,
              .barrier = {.count = members}};
    qntk_status status = prepare_tiles(trainer, members);
    if (status != QNTK_OK)
        return status;
    s.row_gradient = qntk_alloc(outputs, sizeof *s.row_gradient);
    s.phase = qntk_alloc(2 * network->count + 2, sizeof *s.phase);
    if (s.row_gradient == NULL || s.phase == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    plan(&s);
    status = members > 1 ? qntk_parallel_team(run_member, &s) : qntk_parallel_alone(run_member, &s);
    if (status != QNTK_OK)
        goto done;
    if (s.stop) {
        status = diverged(&s);
        goto done;
    }
    *loss = s.loss;
    if (gradient == NULL) {
        if (isnan(trainer->first_loss))
            trainer->first_loss = s.loss;
        trainer->step++;
    }
done:
    qntk_free(s.row_gradient);
    qntk_free(s.phase);
    return status;
}
