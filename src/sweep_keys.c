/* The grid of a sweep: its keys, what they are by default, its models. */
#include "sweep_internal.h"

#include "dataset_internal.h"
#include "qntk/sharpness.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* ---- names of values ---- */

void qntk_sweep_bits_name(size_t levels, char name[QNTK_SWEEP_NAME])
{
    size_t bits = 0;
    while (((size_t)1 << bits) < levels)
        bits++;
    if (levels == QNTK_LEVELS_REAL)
        snprintf(name, QNTK_SWEEP_NAME, "real");
    else if (levels == QNTK_LEVELS_TERNARY)
        snprintf(name, QNTK_SWEEP_NAME, "1.58");
    else
        snprintf(name, QNTK_SWEEP_NAME, "%zu", bits);
}

bool qntk_sweep_bits_parse(const char *name, size_t *levels)
{
    enum { BITS_MAX = 16 };
    static const struct {
        const char *name;
        size_t levels;
    } names[] = {{"real", QNTK_LEVELS_REAL},
                 {"binary", QNTK_LEVELS_BINARY},
                 {"1.58", QNTK_LEVELS_TERNARY},
                 {"ternary", QNTK_LEVELS_TERNARY}};
    size_t bits;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0) {
            *levels = names[i].levels;
            return true;
        }
    if (!qntk_parse_count(name, strlen(name), BITS_MAX, &bits) || bits == 0)
        return false;
    *levels = (size_t)1 << bits;
    return true;
}

/* ---- keys ---- */

#define FIELD(name)       .field = offsetof(qntk_sweep, name)
#define LIST(name, count) .field = offsetof(qntk_sweep, name), .length = offsetof(qntk_sweep, count)

const grid_key qntk_sweep_keys[QNTK_SWEEP_KEYS] = {
    {"data", "SPEC", "a file, a folder or a generator, relative to the working directory", GRID_TEXT,
     FIELD(data)},
    {"target", "NAME|INDEX", "target column, from 0", GRID_TEXT, FIELD(target)},
    {"labels", "FILE", "labels of .npy or IDX data", GRID_TEXT, FIELD(labels)},
    {"task", NULL, "what the target is", GRID_CHOICES, FIELD(task), .choices = "auto|classify|regress"},
    {"limit", "N", "a random subset of N rows", GRID_COUNTS, FIELD(limit), .low = 1, .high = 0x1p53},
    {"scale", NULL, "zscore: each feature to mean 0, sd 1", GRID_CHOICES, FIELD(scale),
     .choices = "none|zscore"},
    {"rows", NULL, "sphere: each row to norm sqrt(d)", GRID_CHOICES, FIELD(rows), .choices = "raw|sphere"},
    {"missing", NULL, "what to do with missing values", GRID_CHOICES, FIELD(missing),
     .choices = "error|drop|mean"},
    {"split", "SHARE", "of rows to test on, stratified [0.2, or a UCI folder's published split]",
     GRID_NUMBERS, FIELD(split), .low = 0.01, .high = 0.99},
    {"fold", "K", "which published split of a UCI folder", GRID_COUNTS, FIELD(fold), .low = 1,
     .high = QNTK_FOLDS_MAX},
    {"bits", "real|B ..", "of rounded layers: 1 (binary), 1.58 (ternary), 2 .. 16, or real weights",
     GRID_BITS, LIST(levels, bits)},
    {"rounding", "..", "in training and afterwards; of real weights none", GRID_CHOICES,
     LIST(rounding, roundings), .choices = "stochastic|nearest"},
    {"width", "W ..", "neurons of a hidden layer", GRID_COUNTS, LIST(width, widths), .low = 1,
     .high = 0x1p20},
    {"depth", "L ..", "hidden layers", GRID_COUNTS, LIST(depth, depths), .low = 1,
     .high = QNTK_SWEEP_DEPTH_MAX},
    {"seed", "N .. or A..B", "of start, rounding and order of rows", GRID_COUNTS, LIST(seed, seeds),
     .high = 0x1p53},
    {"lr", "RATE ..", "learning rates", GRID_NUMBERS, LIST(rate, rates), .low = 1e-12, .high = 1e12},
    {"first", NULL, "weights of the first layer", GRID_CHOICES, FIELD(first_real), .choices = "rounded|real"},
    {"last", NULL, "weights of the readout", GRID_CHOICES, FIELD(last_real), .choices = "rounded|real"},
    {"b_std", "S", "scale of the biases; 0: none", GRID_NUMBERS, FIELD(b_std), .high = 1e6},
    {"method", NULL, "how the gradient at rounded weights moves the latent ones", GRID_CHOICES, FIELD(method),
     .choices = "binaryconnect|ste"},
    {"loss", NULL, "auto: cross-entropy for classes, squared for numbers", GRID_CHOICES, FIELD(loss),
     .choices = "auto|squared|cross-entropy|squared-hinge"},
    {"optimizer", NULL, "gradient descent or Adam", GRID_CHOICES, FIELD(optimizer), .choices = "sgd|adam"},
    {"momentum", "M", "of sgd", GRID_NUMBERS, FIELD(momentum), .high = 0.9999},
    {"batch", "N", "rows a step", GRID_COUNTS, FIELD(batch), .low = 1, .high = 1e6},
    {"epochs", "N", "passes over the training rows, at most", GRID_COUNTS, FIELD(epochs), .low = 1,
     .high = 1e9},
    {"until_loss", "X", "end with the first epoch of a lower mean loss; other models do not count",
     GRID_NUMBERS, FIELD(until_loss), .low = 1e-12, .high = 1e12},
    {"repeats", "N", "of each search for sigma, with other draws", GRID_COUNTS, FIELD(repeats), .low = 1,
     .high = 1000},
    {"draws", "N", "of noise to an accuracy in that search", GRID_COUNTS, FIELD(draws), .low = 1,
     .high = 1000},
};

qntk_sweep qntk_sweep_usual(void)
{
    const qntk_train_options train = qntk_train_defaults();
    const qntk_sharpness_options sharpness = qntk_sharpness_defaults();
    return (qntk_sweep){.bits = 1,
                        .levels = {QNTK_LEVELS_BINARY},
                        .roundings = 1,
                        .widths = 1,
                        .width = {64},
                        .depths = 1,
                        .depth = {1},
                        .seeds = 1,
                        .rates = 1,
                        .rate = {train.rate},
                        .last_real = 1,
                        .optimizer = train.optimizer,
                        .batch = 50,
                        .epochs = 100,
                        .repeats = sharpness.repeats,
                        .draws = sharpness.draws,
                        .until_loss = NAN,
                        .split = NAN,
                        .fold = 1};
}

void *qntk_sweep_field(qntk_sweep *sweep, const grid_key *key)
{
    return (char *)sweep + key->field;
}

size_t *qntk_sweep_length(qntk_sweep *sweep, const grid_key *key)
{
    return key->length > 0 ? (size_t *)(void *)((char *)sweep + key->length) : NULL;
}

/* ---- in words ---- */

static void choice_name(const char *choices, size_t value, char name[32])
{
    for (; value > 0; value--)
        choices += strcspn(choices, "|") + 1;
    snprintf(name, 32, "%.*s", (int)strcspn(choices, "|"), choices);
}

/* The i-th value of a key that is no text; "" if it has none. */
static void value_text(qntk_sweep *sweep, const grid_key *key, size_t i, char text[32])
{
    const void *field = qntk_sweep_field(sweep, key);
    text[0] = '\0';
    if (key->kind == GRID_NUMBERS && !isnan(((const double *)field)[i]))
        qntk_number_text(((const double *)field)[i], text);
    else if (key->kind == GRID_COUNTS && (((const size_t *)field)[i] > 0 || key->low == 0))
        snprintf(text, 32, "%zu", ((const size_t *)field)[i]);
    else if (key->kind == GRID_CHOICES && key->choices != NULL)
        choice_name(key->choices, ((const size_t *)field)[i], text);
    else if (key->kind == GRID_BITS)
        qntk_sweep_bits_name(((const size_t *)field)[i], text);
}

/* All values of a key with a space between; "" if it has none. */
enum { VALUES_TEXT = QNTK_SWEEP_VALUES * 25 };
static void values_text(qntk_sweep *sweep, const grid_key *key, char text[VALUES_TEXT])
{
    const size_t *length = qntk_sweep_length(sweep, key), count = length != NULL ? *length : 1;
    size_t used = 0;
    text[0] = '\0';
    if (key->kind == GRID_TEXT)
        return;
    for (size_t i = 0; i < count; i++) {
        char one[32];
        value_text(sweep, key, i, one);
        used += (size_t)snprintf(text + used, VALUES_TEXT - used, "%s%s", i > 0 ? " " : "", one);
    }
}

qntk_status qntk_sweep_describe(const qntk_sweep *sweep, qntk_meta *meta)
{
    QNTK_REQUIRE(sweep != NULL && meta != NULL, "no argument may be NULL");
    qntk_sweep copy = *sweep; /* nothing is changed in it */
    char *text = qntk_alloc(VALUES_TEXT, 1);
    if (text == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = QNTK_OK;
    for (size_t k = 0; k < QNTK_SWEEP_KEYS && status == QNTK_OK; k++) {
        const grid_key *key = &qntk_sweep_keys[k];
        char name[32];
        const char *value = key->kind == GRID_TEXT ? *(char *const *)qntk_sweep_field(&copy, key) : text;
        values_text(&copy, key, text);
        snprintf(name, sizeof name, "%s_%s", key->length > 0 ? "axis" : "grid", key->name);
        const bool idle = strcmp(key->name, "fold") == 0 && !isnan(sweep->split); /* no published split */
        if (value != NULL && value[0] != '\0' && !idle)
            status = qntk_meta_text(meta, name, value);
    }
    qntk_free(text);
    return status;
}

static char help_text[8192];

static void make_help(void)
{
    enum { COLUMN = 28 };
    qntk_sweep sweep = qntk_sweep_usual();
    size_t used = 0;
    for (size_t k = 0; k < QNTK_SWEEP_KEYS; k++) {
        const grid_key *key = &qntk_sweep_keys[k];
        char word[80], value[VALUES_TEXT], text[64] = "";
        snprintf(word, sizeof word, "%s = %s%s", key->name,
                 key->choices != NULL ? key->choices : key->argument,
                 key->choices != NULL && key->length > 0 ? " .." : "");
        values_text(&sweep, key, value);
        if (value[0] != '\0')
            snprintf(text, sizeof text, " [%.50s]", value);
        const char *form =
            strlen(word) > COLUMN ? "  %s\n  %*s %s%s\n" : "  %s%*s %s%s\n"; /* words, gap, help */
        const int gap = strlen(word) > COLUMN ? COLUMN : COLUMN - (int)strlen(word);
        used +=
            (size_t)snprintf(help_text + used, sizeof help_text - used, form, word, gap, "", key->help, text);
    }
}

const char *qntk_sweep_help(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_help);
    return help_text;
}

/* ---- the models ---- */

/* How many combinations of bits and rounding there are; the one with number `index`. */
static size_t laws(const qntk_sweep *s, size_t index, qntk_sweep_model *model)
{
    size_t count = 0;
    for (size_t b = 0; b < s->bits; b++)
        for (size_t r = 0; r < (s->levels[b] == QNTK_LEVELS_REAL ? 1 : s->roundings); r++, count++)
            if (count == index) {
                model->levels = s->levels[b];
                model->rounding =
                    s->levels[b] == QNTK_LEVELS_REAL ? QNTK_ROUNDING_NEAREST : (qntk_rounding)s->rounding[r];
            }
    return count;
}

size_t qntk_sweep_count(const qntk_sweep *sweep)
{
    qntk_sweep_model none;
    return laws(sweep, SIZE_MAX, &none) * sweep->widths * sweep->depths * sweep->seeds * sweep->rates;
}

qntk_sweep_model qntk_sweep_at(const qntk_sweep *sweep, size_t index)
{
    qntk_sweep_model model = {0};
    model.rate = sweep->rate[index % sweep->rates];
    index /= sweep->rates;
    model.seed = sweep->seed[index % sweep->seeds];
    index /= sweep->seeds;
    model.depth = sweep->depth[index % sweep->depths];
    index /= sweep->depths;
    model.width = sweep->width[index % sweep->widths];
    laws(sweep, index / sweep->widths, &model);
    return model;
}

static size_t find_count(size_t count, const size_t *values, size_t value)
{
    size_t i = 0;
    while (i < count && values[i] != value)
        i++;
    return i;
}

size_t qntk_sweep_find(const qntk_sweep *sweep, const qntk_sweep_model *model)
{
    const size_t width = find_count(sweep->widths, sweep->width, model->width);
    const size_t depth = find_count(sweep->depths, sweep->depth, model->depth);
    const size_t seed = find_count(sweep->seeds, sweep->seed, model->seed);
    qntk_sweep_model law = {0};
    const size_t all = laws(sweep, SIZE_MAX, &law);
    size_t rate = 0, index = 0;
    while (rate < sweep->rates && sweep->rate[rate] != model->rate)
        rate++;
    for (; index < all; index++) {
        laws(sweep, index, &law);
        if (law.levels == model->levels &&
            (law.levels == QNTK_LEVELS_REAL || law.rounding == model->rounding))
            break;
    }
    if (index == all || width == sweep->widths || depth == sweep->depths || seed == sweep->seeds ||
        rate == sweep->rates)
        return qntk_sweep_count(sweep);
    return (((index * sweep->widths + width) * sweep->depths + depth) * sweep->seeds + seed) * sweep->rates +
           rate;
}

const char *qntk_sweep_rounding_name(const qntk_sweep_model *model)
{
    if (model->levels == QNTK_LEVELS_REAL)
        return "none";
    return model->rounding == QNTK_ROUNDING_STOCHASTIC ? "stochastic" : "nearest";
}
