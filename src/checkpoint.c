/* Checkpoints. One list of fields serves reading and writing, so that the two cannot drift apart. */
#include "checkpoint_field.h"
#include "train_internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char MAGIC[8] = {'Q', 'N', 'T', 'K', 'N', 'E', 'T', '\n'};
enum { VERSION = 2, VERSION_OLDEST = 1, ORDER_MARK = 0x01020304 };

/* ---- what is in it ---- */

static void enum_field(qntk_field_stream *s, uint32_t value, uint32_t *out)
{
    qntk_field_u32(s, &value);
    *out = value;
}

static void anneal_fields(qntk_field_stream *s, qntk_train_anneal *o)
{
    uint32_t noise = (uint32_t)o->noise, strategy = (uint32_t)o->strategy, law = (uint32_t)o->law,
             sync = (uint32_t)o->sync, backward_noise = (uint32_t)o->backward_noise;
    qntk_field_u32(s, &noise);
    qntk_field_u32(s, &strategy);
    qntk_field_u32(s, &law);
    qntk_field_u32(s, &sync);
    qntk_field_u32(s, &backward_noise);
    o->noise = (qntk_noise_shape)noise;
    o->strategy = (qntk_strategy)strategy;
    o->law = (qntk_anneal_law)law;
    o->sync = (qntk_anneal_sync)sync;
    o->backward_noise = (qntk_noise_shape)backward_noise;
    qntk_field_number(s, &o->beta);
    qntk_field_number(s, &o->backward_beta);
    qntk_field_number(s, &o->period);
    qntk_field_flag(s, &o->backward_annealed);
    qntk_field_flag(s, &o->progressive);
}

static void options_fields(qntk_field_stream *s, qntk_train_options *o)
{
    uint32_t loss = (uint32_t)o->loss, method = (uint32_t)o->method, rounding = (uint32_t)o->rounding,
             optimizer = (uint32_t)o->optimizer;
    enum_field(s, loss, &loss);
    enum_field(s, method, &method);
    enum_field(s, rounding, &rounding);
    enum_field(s, optimizer, &optimizer);
    o->loss = (qntk_loss)loss;
    o->method = (qntk_train_method)method;
    o->rounding = (qntk_rounding)rounding;
    o->optimizer = (qntk_optimizer)optimizer;
    qntk_field_number(s, &o->rate);
    qntk_field_number(s, &o->rate_factor);
    qntk_field_count(s, &o->rate_steps);
    for (size_t k = 0; k < QNTK_RATE_STEPS_MAX; k++)
        qntk_field_count(s, &o->rate_epoch[k]);
    qntk_field_number(s, &o->momentum);
    qntk_field_number(s, &o->beta1);
    qntk_field_number(s, &o->beta2);
    qntk_field_number(s, &o->epsilon);
    qntk_field_count(s, &o->batch);
    qntk_field_u64(s, &o->seed);
    if (o->method == QNTK_METHOD_ANA)
        anneal_fields(s, &o->anneal);
}

/* Version 1 knew the ReLU only. */
static void activation_fields(qntk_field_stream *s, qntk_steps *activation)
{
    if (s->version < 2)
        return;
    qntk_field_count(s, &activation->levels);
    qntk_field_number(s, &activation->lowest);
    qntk_field_number(s, &activation->step);
}

static bool activation_valid(const qntk_network *network, size_t l)
{
    const qntk_steps q = network->layers[l].activation;
    if (q.levels == 0)
        return true;
    return q.levels >= 2 && q.levels <= QNTK_ACTIVATION_LEVELS_MAX && isfinite(q.lowest) && q.step > 0 &&
           isfinite(q.step) && l + 1 < network->count;
}

/* The shape of a layer that was read; its arrays must be allocated for it. */
static bool shape_valid(const qntk_network *network, size_t l)
{
    const qntk_network_layer *layer = &network->layers[l];
    qntk_weight_law law;
    return layer->fan_in > 0 && layer->fan_in <= INT_MAX && layer->fan_out > 0 && layer->fan_out <= INT_MAX &&
           (l == 0 || layer->fan_in == network->layers[l - 1].fan_out) &&
           qntk_weight_law_create(layer->levels, &law) == QNTK_OK && layer->w_std >= 0 &&
           isfinite(layer->w_std) && layer->b_std >= 0 && isfinite(layer->b_std) &&
           activation_valid(network, l);
}

static void network_fields(qntk_field_stream *s, qntk_network *network)
{
    size_t count = network->count;
    qntk_field_count(s, &count);
    if (!qntk_field_has_room(s, count, sizeof(uint64_t)))
        return;
    if (count == 0) {
        qntk_field_fail(s, "a network without layers");
        return;
    }
    if (s->in != NULL && (network->layers = qntk_alloc_zero(count, sizeof *network->layers)) == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    network->count = count;
    for (size_t l = 0; l < count && s->status == QNTK_OK; l++) {
        qntk_network_layer *layer = &network->layers[l];
        qntk_field_count(s, &layer->fan_in);
        qntk_field_count(s, &layer->fan_out);
        qntk_field_count(s, &layer->levels);
        qntk_field_number(s, &layer->w_std);
        qntk_field_number(s, &layer->b_std);
        activation_fields(s, &layer->activation);
        if (s->status == QNTK_OK && !shape_valid(network, l))
            qntk_field_fail(s, "a layer's shape is impossible");
        if (qntk_field_has_room(s, layer->fan_out, layer->fan_in * sizeof(float))) {
            qntk_field_array(s, true, (void **)&layer->latent, layer->fan_out * layer->fan_in, sizeof(float));
            qntk_field_array(s, true, (void **)&layer->bias, layer->fan_out, sizeof(float));
        }
    }
}

/* With the trainer there already: its arrays are allocated. */
static void trainer_fields(qntk_field_stream *s, qntk_trainer *trainer)
{
    qntk_field_u64(s, &trainer->step);
    qntk_field_count(s, &trainer->epoch);
    qntk_field_number(s, &trainer->first_loss);
    qntk_field_number(s, &trainer->best_loss);
    qntk_field_count(s, &trainer->stalled);
    for (size_t l = 0; l < trainer->network->count; l++) {
        const qntk_network_layer *shape = &trainer->network->layers[l];
        qntk_train_layer *layer = &trainer->layers[l];
        const size_t weights = shape->fan_out * shape->fan_in;
        qntk_field_array(s, layer->first != NULL, (void **)&layer->first, weights, sizeof(float));
        qntk_field_array(s, layer->second != NULL, (void **)&layer->second, weights, sizeof(float));
        qntk_field_array(s, layer->first != NULL, (void **)&layer->bias_first, shape->fan_out, sizeof(float));
        qntk_field_array(s, layer->second != NULL, (void **)&layer->bias_second, shape->fan_out,
                         sizeof(float));
    }
}

static void data_fields(qntk_field_stream *s, qntk_checkpoint *c)
{
    qntk_field_count(s, &c->features);
    qntk_field_array(s, true, (void **)&c->shift, c->features, sizeof(double));
    qntk_field_array(s, true, (void **)&c->scale, c->features, sizeof(double));
    qntk_field_flag(s, &c->sphere);
    qntk_field_names(s, &c->feature_name, c->features);
    qntk_field_count(s, &c->classes);
    qntk_field_names(s, &c->class_name, c->classes);
    qntk_field_number(s, &c->target_shift);
    qntk_field_number(s, &c->target_scale);
    qntk_field_u32(s, &c->fingerprint);
    qntk_field_count(s, &c->epochs);
    qntk_field_array(s, true, (void **)&c->log, c->epochs, sizeof *c->log);
    if (s->in != NULL)
        c->log_room = c->epochs;
}

/* A trainer for the network that was read, and its weights in use. */
static void start_trainer(qntk_field_stream *s, qntk_checkpoint *c, qntk_train_options options)
{
    if (s->status != QNTK_OK || s->in == NULL)
        return;
    s->status = qntk_trainer_create(&c->network, options, &c->trainer);
    if (s->status == QNTK_INVALID) {
        char text[256];
        snprintf(text, sizeof text, "%s", qntk_message());
        s->status = qntk_fail(QNTK_FORMAT, "%s: %s", s->path, text);
    }
}

static void all_fields(qntk_field_stream *s, qntk_checkpoint *c)
{
    char magic[sizeof MAGIC];
    uint32_t order = ORDER_MARK;
    memcpy(magic, MAGIC, sizeof MAGIC);
    qntk_field_bytes(s, magic, sizeof magic);
    qntk_field_u32(s, &s->version);
    qntk_field_u32(s, &order);
    qntk_train_options options = c->trainer != NULL ? c->trainer->options : qntk_train_defaults();
    options_fields(s, &options);
    network_fields(s, &c->network);
    start_trainer(s, c, options);
    if (s->status == QNTK_OK && c->trainer != NULL)
        trainer_fields(s, c->trainer);
    data_fields(s, c);
    const qntk_network *network = &c->network;
    if (s->status == QNTK_OK && (network->layers[0].fan_in != c->features ||
                                 network->layers[network->count - 1].fan_out != qntk_max(c->classes, 1)))
        qntk_field_fail(s, "features and classes do not suit the network");
}

/* ---- writing ---- */

qntk_status qntk_checkpoint_save(const char *path, const qntk_checkpoint *checkpoint)
{
    QNTK_REQUIRE(checkpoint->trainer != NULL, "expected a network in training");
    qntk_field_stream s = {.path = path, .version = VERSION};
    qntk_checkpoint copy = *checkpoint; /* of the pointers: writing changes nothing */
    qntk_status status = qntk_file_open(path, &s.out);
    if (status != QNTK_OK)
        return status;
    all_fields(&s, &copy);
    if (s.status == QNTK_OK)
        qntk_file_write(s.out, &s.crc, sizeof s.crc); /* a failure comes back from the commit */
    if (s.status != QNTK_OK && s.status != QNTK_IO) {
        qntk_file_abort(&s.out);
        return s.status;
    }
    return qntk_file_commit(&s.out);
}

/* ---- reading ---- */

/* Magic, version and byte order, before anything is believed. */
static void check_head(qntk_field_stream *s)
{
    char magic[sizeof MAGIC] = {0};
    uint32_t mark[2] = {0}; /* version, byte order */
    if (fread(magic, 1, sizeof magic, s->in) != sizeof magic || memcmp(magic, MAGIC, sizeof MAGIC) != 0) {
        qntk_field_fail(s, "expected a model saved by qnn train, found another kind of file");
        return;
    }
    if (fread(mark, 1, sizeof mark, s->in) != sizeof mark)
        qntk_field_fail(s, "the file ends too early");
    else if (mark[1] != ORDER_MARK)
        qntk_field_fail(s, "written on a machine of another byte order");
    else if (mark[0] < VERSION_OLDEST || mark[0] > VERSION)
        s->status = qntk_fail(QNTK_FORMAT, "%s: expected a format version from %d to %d, found %u", s->path,
                              VERSION_OLDEST, VERSION, (unsigned)mark[0]);
}

qntk_status qntk_checkpoint_load(const char *path, qntk_checkpoint *checkpoint)
{
    *checkpoint = (qntk_checkpoint){0};
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return qntk_fail(QNTK_IO, "%s: %s", path, strerror(errno));
    qntk_status status = qntk_checkpoint_read(path, in, checkpoint);
    fclose(in);
    return status;
}

qntk_status qntk_checkpoint_read(const char *path, FILE *in, qntk_checkpoint *checkpoint)
{
    *checkpoint = (qntk_checkpoint){0};
    qntk_field_stream s = {.path = path, .in = in};
    check_head(&s);
    if (s.status == QNTK_OK)
        qntk_field_check_sum(&s);
    if (s.status == QNTK_OK)
        all_fields(&s, checkpoint);
    if (s.status == QNTK_OK && s.left > 0)
        qntk_field_fail(&s, "more in the file than belongs there");
    if (s.status == QNTK_OK)
        s.status = qntk_trainer_round(checkpoint->trainer);
    if (s.status != QNTK_OK)
        qntk_checkpoint_free(checkpoint);
    return s.status;
}

/* ---- the rest ---- */

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; names != NULL && i < count; i++)
        qntk_free(names[i]);
    qntk_free(names);
}

void qntk_checkpoint_free(qntk_checkpoint *c)
{
    qntk_trainer_destroy(&c->trainer);
    qntk_network_free(&c->network);
    qntk_free(c->shift);
    qntk_free(c->scale);
    free_names(c->feature_name, c->features);
    free_names(c->class_name, c->classes);
    qntk_free(c->log);
    *c = (qntk_checkpoint){0};
}

qntk_status qntk_checkpoint_inputs(const qntk_checkpoint *c, size_t n, const double *rows, float *X)
{
    const size_t d = c->features;
    for (size_t i = 0; i < n; i++) {
        double square = 0, factor = 1;
        for (size_t j = 0; j < d && c->sphere; j++) {
            double x = (rows[i * d + j] - c->shift[j]) * c->scale[j];
            square += x * x;
        }
        if (c->sphere && square == 0)
            return qntk_fail(QNTK_INVALID, "row %zu: a row of zeros has no direction on the sphere", i);
        if (c->sphere)
            factor = sqrt((double)d / square);
        for (size_t j = 0; j < d; j++)
            X[i * d + j] = (float)((rows[i * d + j] - c->shift[j]) * c->scale[j] * factor);
    }
    return QNTK_OK;
}

qntk_status qntk_checkpoint_record(qntk_checkpoint *c, qntk_train_record record)
{
    qntk_status status = qntk_grow((void **)&c->log, &c->log_room, c->epochs + 1, sizeof *c->log);
    if (status == QNTK_OK)
        c->log[c->epochs++] = record;
    return status;
}

uint32_t qntk_checkpoint_fingerprint(uint32_t before, size_t count, const double *values)
{
    return qntk_field_crc(before, values, count * sizeof *values);
}
