/* Generators by their specifications. */
#include "dataset_synth.h"

#include <stdio.h>
#include <string.h>

/* ---- keys ---- */

typedef struct {
    const char *name, *keys; /* "n d degree": for messages and as the list of what is valid */
    qntk_synth defaults;
    qntk_status (*generate)(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw);
} generator;

static qntk_status bad_value(const char *spec, const char *key, const char *expected, const char *found)
{
    char shown[QNTK_SHOWN];
    return qntk_fail(QNTK_INVALID, "%s: %s: expected %s, found '%s'", spec, key, expected,
                     qntk_shown(found, strlen(found), shown));
}

static qntk_status parse_size(const char *spec, const char *key, const char *text, size_t high, size_t *value)
{
    char expected[64];
    if (qntk_parse_count(text, strlen(text), high, value) && *value > 0)
        return QNTK_OK;
    snprintf(expected, sizeof expected, "a whole number from 1 to %zu", high);
    return bad_value(spec, key, expected, text);
}

/* bits=1 .. 16: 2^bits levels; 1.58: ternary; real. */
static qntk_status parse_bits(const char *spec, const char *text, size_t *levels)
{
    enum { BITS_MAX = 16 };
    size_t bits = 0;
    if (strcmp(text, "real") == 0)
        *levels = QNTK_LEVELS_REAL;
    else if (strcmp(text, "1.58") == 0 || strcmp(text, "1.585") == 0)
        *levels = QNTK_LEVELS_TERNARY;
    else if (qntk_parse_count(text, strlen(text), BITS_MAX, &bits) && bits > 0)
        *levels = (size_t)1 << bits;
    else
        return bad_value(spec, "bits", "1, 1.58 (ternary), 2 to 16, or real", text);
    return QNTK_OK;
}

static qntk_status parse_noise(const char *spec, const char *text, double *noise)
{
    const double most = 1e6;
    if (qntk_field_parse(text, strlen(text), noise) != QNTK_FIELD_NUMBER || !(*noise >= 0 && *noise <= most))
        return bad_value(spec, "noise", "a number from 0 to 1e6", text);
    return QNTK_OK;
}

/* The place of a word in a list of words with single spaces, or SIZE_MAX. */
static size_t find_word(const char *list, const char *word)
{
    size_t length = strlen(word), place = 0;
    for (const char *at = list; *at != '\0'; place++) {
        size_t size = strcspn(at, " ");
        if (size == length && memcmp(at, word, size) == 0)
            return place;
        at += size + (at[size] == ' ');
    }
    return SIZE_MAX;
}

static qntk_status parse_key(const char *spec, const char *key, const char *value, qntk_synth *s)
{
    const size_t most = 1000000000, most_degree = 8, most_width = 1000000;
    if (strcmp(key, "n") == 0)
        return parse_size(spec, key, value, most, &s->n);
    if (strcmp(key, "d") == 0)
        return parse_size(spec, key, value, most, &s->d);
    if (strcmp(key, "degree") == 0)
        return parse_size(spec, key, value, most_degree, &s->degree);
    if (strcmp(key, "width") == 0)
        return parse_size(spec, key, value, most_width, &s->width);
    if (strcmp(key, "bits") == 0)
        return parse_bits(spec, value, &s->levels);
    return parse_noise(spec, value, &s->noise);
}

static qntk_status parse_keys(const char *spec, const generator *g, qntk_synth *s)
{
    unsigned seen = 0;
    *s = g->defaults;
    const char *text = spec + strlen(g->name);
    while (*text != '\0') { /* at the colon or a comma: a key must follow */
        text++;
        char item[64], shown[QNTK_SHOWN];
        size_t length = strcspn(text, ",");
        const char *equal = memchr(text, '=', length);
        if (equal == NULL || length >= sizeof item)
            return qntk_fail(QNTK_INVALID, "%s: expected key=value with a key among %s, found '%s'", spec,
                             g->keys, qntk_shown(text, length, shown));
        memcpy(item, text, length);
        item[length] = '\0';
        char *value = item + (equal - text);
        *value++ = '\0';
        size_t place = find_word(g->keys, item);
        if (place == SIZE_MAX)
            return qntk_fail(QNTK_INVALID, "%s: unknown key '%s': expected %s", spec,
                             qntk_shown(item, strlen(item), shown), g->keys);
        if ((seen & 1u << place) != 0)
            return qntk_fail(QNTK_INVALID, "%s: expected each key once, found %s twice", spec, item);
        seen |= 1u << place;
        qntk_status status = parse_key(spec, item, value, s);
        if (status != QNTK_OK)
            return status;
        text += length;
    }
    return QNTK_OK;
}

/* ---- the table ---- */

static const generator generators[] = {
    {"sphere", "n d degree", {.n = 2000, .d = 10, .degree = 3}, qntk_synth_sphere},
    {"teacher",
     "n d width bits",
     {.n = 2000, .d = 10, .width = 512, .levels = QNTK_LEVELS_BINARY},
     qntk_synth_teacher},
    {"friedman1", "n noise", {.n = 1000, .d = 10, .noise = 1}, qntk_synth_friedman1},
    {"spirals", "n noise", {.n = 1000, .d = 2, .noise = 0.05}, qntk_synth_spirals},
};

qntk_status qntk_synth_read(const char *spec, const qntk_dataset_options *options, qntk_raw *raw)
{
    size_t length = strcspn(spec, ":");
    for (size_t k = 0; k < sizeof generators / sizeof generators[0]; k++) {
        const generator *g = &generators[k];
        if (strlen(g->name) != length || memcmp(g->name, spec, length) != 0)
            continue;
        qntk_synth s;
        qntk_status status = parse_keys(spec, g, &s);
        raw->class_labels = options->task != QNTK_TASK_REGRESS;
        if (status == QNTK_OK)
            status = g->generate(&s, options, raw);
        return status == QNTK_OK ? qntk_raw_use_labels(raw, options) : status;
    }
    return qntk_fail(QNTK_INVALID, "%s: expected a generator, found none by this name", spec);
}
