/* Checkpoints. One list of fields serves reading and writing, so that the two cannot drift apart. */
#include "train_internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static const char MAGIC[8] = {'Q', 'N', 'T', 'K', 'N', 'E', 'T', '\n'};
enum { VERSION = 2, VERSION_OLDEST = 1, ORDER_MARK = 0x01020304, CHUNK = 1 << 16, TEXT_MAX = 1 << 16 };

/* ---- a file in either direction ---- */

typedef struct {
    const char *path;
    qntk_file *out; /* writing, or NULL */
    FILE *in;       /* reading, or NULL */
    uint32_t crc;   /* of what was written */
    size_t left;    /* bytes to read before the checksum */
    uint32_t version;
    qntk_status status;
} stream;

static void fail_format(stream *s, const char *what)
{
    if (s->status == QNTK_OK)
        s->status = qntk_fail(QNTK_FORMAT, "%s: %s", s->path, what);
}

static uint32_t crc_of(uint32_t crc, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (; count > 0; at += CHUNK, count -= qntk_min(count, CHUNK)) /* zlib counts in 32 bits */
        crc = (uint32_t)crc32(crc, at, (uInt)qntk_min(count, CHUNK));
    return crc;
}

static void bytes_field(stream *s, void *bytes, size_t count)
{
    if (s->status != QNTK_OK || count == 0)
        return;
    if (s->out != NULL) {
        s->crc = crc_of(s->crc, bytes, count);
        s->status = qntk_file_write(s->out, bytes, count);
    } else if (count > s->left) {
        fail_format(s, "the file ends too early");
    } else {
        s->left -= count;
        if (fread(bytes, 1, count, s->in) != count)
            s->status = qntk_fail(QNTK_IO, "%s: %s", s->path, ferror(s->in) ? strerror(errno) : "cut short");
    }
}

static void u32_field(stream *s, uint32_t *value)
{
    bytes_field(s, value, sizeof *value);
}

static void u64_field(stream *s, uint64_t *value)
{
    bytes_field(s, value, sizeof *value);
}

static void number_field(stream *s, double *value)
{
    bytes_field(s, value, sizeof *value);
}

static void count_field(stream *s, size_t *value)
{
    uint64_t wide = *value;
    u64_field(s, &wide);
    if (s->in != NULL && wide > SIZE_MAX)
        fail_format(s, "a size is beyond this machine's");
    *value = (size_t)wide;
}

static void flag_field(stream *s, bool *value)
{
    uint32_t wide = *value ? 1 : 0;
    u32_field(s, &wide);
    *value = wide != 0;
}

/* True if the file may still hold `count` pieces of `size` bytes; fails otherwise. To be asked before an
 * allocation that a damaged size would make absurd. */
static bool has_room(stream *s, size_t count, size_t size)
{
    if (s->status == QNTK_OK && s->in != NULL && count > s->left / size)
        fail_format(s, "the file ends too early");
    return s->status == QNTK_OK;
}

/* An array that is allocated where it is read; `present` false: NULL. */
static void array_field(stream *s, bool present, void **values, size_t count, size_t size)
{
    if (!present || !has_room(s, count, size))
        return;
    if (s->in != NULL && *values == NULL && (*values = qntk_alloc(count, size)) == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    bytes_field(s, *values, count * size);
}

static void text_field(stream *s, char **text)
{
    size_t length = s->in == NULL ? strlen(*text) : 0;
    count_field(s, &length);
    if (length > TEXT_MAX)
        fail_format(s, "a name of more than 65536 bytes");
    if (!has_room(s, length, 1))
        return;
    if (s->in != NULL && (*text = qntk_alloc_zero(length + 1, 1)) == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    bytes_field(s, *text, length);
}

static void names_field(stream *s, char ***names, size_t count)
{
    char **list = *names;
    bool present = list != NULL;
    flag_field(s, &present);
    if (!present || !has_room(s, count, sizeof(uint64_t)))
        return;
    if (s->in != NULL)
        *names = list = qntk_alloc_zero(count, sizeof *list);
    if (list == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    for (size_t i = 0; i < count && s->status == QNTK_OK; i++)
        text_field(s, &list[i]);
}

/* ---- what is in it ---- */

static void enum_field(stream *s, uint32_t value, uint32_t *out)
{
    u32_field(s, &value);
    *out = value;
}

static void anneal_fields(stream *s, qntk_train_anneal *o)
{
    uint32_t noise = (uint32_t)o->noise, strategy = (uint32_t)o->strategy, law = (uint32_t)o->law,
             sync = (uint32_t)o->sync, backward_noise = (uint32_t)o->backward_noise;
    u32_field(s, &noise);
    u32_field(s, &strategy);
    u32_field(s, &law);
    u32_field(s, &sync);
    u32_field(s, &backward_noise);
    o->noise = (qntk_noise_shape)noise;
    o->strategy = (qntk_strategy)strategy;
    o->law = (qntk_anneal_law)law;
    o->sync = (qntk_anneal_sync)sync;
    o->backward_noise = (qntk_noise_shape)backward_noise;
    number_field(s, &o->beta);
    number_field(s, &o->backward_beta);
    number_field(s, &o->period);
    flag_field(s, &o->backward_annealed);
    flag_field(s, &o->progressive);
}

static void options_fields(stream *s, qntk_train_options *o)
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
    number_field(s, &o->rate);
    number_field(s, &o->rate_factor);
    count_field(s, &o->rate_steps);
    for (size_t k = 0; k < QNTK_RATE_STEPS_MAX; k++)
        count_field(s, &o->rate_epoch[k]);
    number_field(s, &o->momentum);
    number_field(s, &o->beta1);
    number_field(s, &o->beta2);
    number_field(s, &o->epsilon);
    count_field(s, &o->batch);
    u64_field(s, &o->seed);
    if (o->method == QNTK_METHOD_ANA)
        anneal_fields(s, &o->anneal);
}

/* Version 1 knew the ReLU only. */
static void activation_fields(stream *s, qntk_steps *activation)
{
    if (s->version < 2)
        return;
    count_field(s, &activation->levels);
    number_field(s, &activation->lowest);
    number_field(s, &activation->step);
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

static void network_fields(stream *s, qntk_network *network)
{
    size_t count = network->count;
    count_field(s, &count);
    if (!has_room(s, count, sizeof(uint64_t)))
        return;
    if (count == 0) {
        fail_format(s, "a network without layers");
        return;
    }
    if (s->in != NULL && (network->layers = qntk_alloc_zero(count, sizeof *network->layers)) == NULL) {
        s->status = QNTK_FAIL_MEMORY();
        return;
    }
    network->count = count;
    for (size_t l = 0; l < count && s->status == QNTK_OK; l++) {
        qntk_network_layer *layer = &network->layers[l];
        count_field(s, &layer->fan_in);
        count_field(s, &layer->fan_out);
        count_field(s, &layer->levels);
        number_field(s, &layer->w_std);
        number_field(s, &layer->b_std);
        activation_fields(s, &layer->activation);
        if (s->status == QNTK_OK && !shape_valid(network, l))
            fail_format(s, "a layer's shape is impossible");
        if (has_room(s, layer->fan_out, layer->fan_in * sizeof(float))) {
            array_field(s, true, (void **)&layer->latent, layer->fan_out * layer->fan_in, sizeof(float));
            array_field(s, true, (void **)&layer->bias, layer->fan_out, sizeof(float));
        }
    }
}

/* With the trainer there already: its arrays are allocated. */
static void trainer_fields(stream *s, qntk_trainer *trainer)
{
    u64_field(s, &trainer->step);
    count_field(s, &trainer->epoch);
    number_field(s, &trainer->first_loss);
    number_field(s, &trainer->best_loss);
    count_field(s, &trainer->stalled);
    for (size_t l = 0; l < trainer->network->count; l++) {
        const qntk_network_layer *shape = &trainer->network->layers[l];
        qntk_train_layer *layer = &trainer->layers[l];
        const size_t weights = shape->fan_out * shape->fan_in;
        array_field(s, layer->first != NULL, (void **)&layer->first, weights, sizeof(float));
        array_field(s, layer->second != NULL, (void **)&layer->second, weights, sizeof(float));
        array_field(s, layer->first != NULL, (void **)&layer->bias_first, shape->fan_out, sizeof(float));
        array_field(s, layer->second != NULL, (void **)&layer->bias_second, shape->fan_out, sizeof(float));
    }
}

static void data_fields(stream *s, qntk_checkpoint *c)
{
    count_field(s, &c->features);
    array_field(s, true, (void **)&c->shift, c->features, sizeof(double));
    array_field(s, true, (void **)&c->scale, c->features, sizeof(double));
    flag_field(s, &c->sphere);
    names_field(s, &c->feature_name, c->features);
    count_field(s, &c->classes);
    names_field(s, &c->class_name, c->classes);
    number_field(s, &c->target_shift);
    number_field(s, &c->target_scale);
    u32_field(s, &c->fingerprint);
    count_field(s, &c->epochs);
    array_field(s, true, (void **)&c->log, c->epochs, sizeof *c->log);
    if (s->in != NULL)
        c->log_room = c->epochs;
}

/* A trainer for the network that was read, and its weights in use. */
static void start_trainer(stream *s, qntk_checkpoint *c, qntk_train_options options)
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

static void all_fields(stream *s, qntk_checkpoint *c)
{
    char magic[sizeof MAGIC];
    uint32_t order = ORDER_MARK;
    memcpy(magic, MAGIC, sizeof MAGIC);
    bytes_field(s, magic, sizeof magic);
    u32_field(s, &s->version);
    u32_field(s, &order);
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
        fail_format(s, "features and classes do not suit the network");
}

/* ---- writing ---- */

qntk_status qntk_checkpoint_save(const char *path, const qntk_checkpoint *checkpoint)
{
    QNTK_REQUIRE(checkpoint->trainer != NULL, "expected a network in training");
    stream s = {.path = path, .version = VERSION};
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
static void check_head(stream *s)
{
    char magic[sizeof MAGIC] = {0};
    uint32_t mark[2] = {0}; /* version, byte order */
    if (fread(magic, 1, sizeof magic, s->in) != sizeof magic || memcmp(magic, MAGIC, sizeof MAGIC) != 0) {
        fail_format(s, "expected a model saved by qnn train, found another kind of file");
        return;
    }
    if (fread(mark, 1, sizeof mark, s->in) != sizeof mark)
        fail_format(s, "the file ends too early");
    else if (mark[1] != ORDER_MARK)
        fail_format(s, "written on a machine of another byte order");
    else if (mark[0] < VERSION_OLDEST || mark[0] > VERSION)
        s->status = qntk_fail(QNTK_FORMAT, "%s: expected a format version from %d to %d, found %u", s->path,
                              VERSION_OLDEST, VERSION, (unsigned)mark[0]);
}

/* Compares the checksum and sets how much there is before it; leaves the file at its start. */
static void check_sum(stream *s)
{
    unsigned char chunk[CHUNK + sizeof(uint32_t)];
    uint32_t crc = 0, expected;
    size_t kept = 0, count;
    rewind(s->in);
    s->left = 0;
    /* the last four bytes read so far are kept back: they may be the checksum */
    while ((count = fread(chunk + kept, 1, CHUNK, s->in)) > 0) {
        const size_t total = kept + count, ready = total > sizeof crc ? total - sizeof crc : 0;
        crc = crc_of(crc, chunk, ready);
        s->left += ready;
        kept = total - ready;
        memmove(chunk, chunk + ready, kept);
    }
    if (ferror(s->in)) {
        s->status = qntk_fail(QNTK_IO, "%s: %s", s->path, strerror(errno));
        return;
    }
    memcpy(&expected, chunk, sizeof expected);
    if (kept < sizeof expected || crc != expected)
        fail_format(s, "the checksum is wrong: the file is damaged or cut short");
    rewind(s->in);
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
    stream s = {.path = path, .in = in};
    check_head(&s);
    if (s.status == QNTK_OK)
        check_sum(&s);
    if (s.status == QNTK_OK)
        all_fields(&s, checkpoint);
    if (s.status == QNTK_OK && s.left > 0)
        fail_format(&s, "more in the file than belongs there");
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
    return crc_of(before, values, count * sizeof *values);
}
