/* Kernel specifications: names, keys, ranges and defaults, all from two tables. */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dataset_internal.h"

const qntk_kernel_family qntk_kernel_families[] = {
    {"qntk", QNTK_FAMILY_NETWORK, "tangent kernel of the stochastically rounded network"},
    {"ntk", QNTK_FAMILY_NETWORK, "tangent kernel of the network with real weights"},
    {"nngp", QNTK_FAMILY_NETWORK, "output covariance of the network with real weights"},
    {"gauss", QNTK_FAMILY_GAUSS, "exp(-r^2/(2 l^2)), l the bandwidth"},
    {"laplace", QNTK_FAMILY_LAPLACE, "exp(-r/l), r Euclidean"},
    {"rgauss", QNTK_FAMILY_RGAUSS,
     "rational quadratic, (1 + r^2/(2 alpha l^2))^-alpha: a Gaussian of random scale"},
    {"gexp", QNTK_FAMILY_GEXP, "powered exponential, exp(-(r/l)^power), 0 < power <= 2"},
    {"matern", QNTK_FAMILY_MATERN, "Matern, 2^(1-nu)/Gamma(nu) s^nu K_nu(s), s = sqrt(2 nu) r/l"},
    {NULL, QNTK_FAMILY_FILE, NULL},
};

/* One bit a row of the table above. */
enum {
    QNTK = 1,
    NTK = 2,
    NNGP = 4,
    GAUSS = 8,
    LAPLACE = 16,
    RGAUSS = 32,
    GEXP = 64,
    MATERN = 128,
    NETWORKS = QNTK | NTK | NNGP,
    RADIAL = GAUSS | LAPLACE | RGAUSS | GEXP | MATERN
};

typedef enum {
    KEY_COUNT,   /* a whole number in [low, high], into a size_t */
    KEY_NUMBER,  /* a decimal number in [low, high], or `word` for 0, into a double */
    KEY_BITS,    /* a whole number of bits in [low, high] or 1.58, into the levels */
    KEY_READOUT, /* hidden or all, into a bool */
} key_kind;

typedef struct {
    const char *name;
    key_kind kind;
    unsigned families;
    size_t offset; /* of its field in qntk_kernel */
    double low, high;
    const char *word;     /* KEY_NUMBER: stands for 0, which is outside the range */
    const char *standard; /* the default; NULL: another key has it */
    const char *values;   /* as help and messages show them; NULL: from low to high */
    unsigned group;       /* keys of one group say the same thing; 0: none does */
} kernel_key;

#define FIELD(name) offsetof(qntk_kernel, name)

/* Squares of bandwidths stay finite and normal. The rest of the ranges is where the values are tested. */
static const kernel_key keys[] = {
    {"bits", KEY_BITS, QNTK, FIELD(network.levels), 1, 16, NULL, "1", "1, 1.58 = ternary, 2 to 16", 1},
    {"levels", KEY_COUNT, QNTK, FIELD(network.levels), 2, QNTK_LEVELS_MAX, NULL, NULL, NULL, 1},
    {"depth", KEY_COUNT, NETWORKS, FIELD(network.depth), 1, QNTK_DEPTH_MAX, NULL, "1", NULL, 0},
    {"b_std", KEY_NUMBER, NETWORKS, FIELD(network.b_std), 1e-100, 1e6, "0", "0", NULL, 0},
    {"quantize", KEY_READOUT, QNTK, FIELD(network.quantize_all), 0, 1, NULL, "hidden", "hidden or all", 0},
    {"alpha", KEY_NUMBER, RGAUSS, FIELD(alpha), 1e-6, 1e6, NULL, "2", NULL, 0},
    {"power", KEY_NUMBER, GEXP, FIELD(power), 1e-3, 2, NULL, "1", NULL, 0},
    {"nu", KEY_NUMBER, MATERN, FIELD(nu), 1e-2, 100, NULL, "1.5", NULL, 0},
    {"bandwidth", KEY_NUMBER, RADIAL, FIELD(bandwidth), 1e-150, 1e150, "median", "median", NULL, 0},
};

enum { KEYS = sizeof keys / sizeof *keys };

/* ---- what the tables say, in words ---- */

/* "between 1 and 256", "0, or between 1e-100 and 1e+06", "1, 1.58 = ternary, 2 to 16" */
static const char *range_text(const kernel_key *key, char text[64])
{
    char low[QNTK_NUMBER_BYTES], high[QNTK_NUMBER_BYTES];
    qntk_format_number(key->low, 6, low);
    qntk_format_number(key->high, 6, high);
    if (key->values != NULL)
        snprintf(text, 64, "%s", key->values);
    else
        snprintf(text, 64, "%s%sbetween %.16s and %.16s", key->word != NULL ? key->word : "",
                 key->word != NULL ? ", or " : "", low, high);
    return text;
}

static unsigned family_bit(const qntk_kernel_family *family)
{
    return 1u << (family - qntk_kernel_families);
}

void qntk_kernel_keys(const qntk_kernel_family *family, char text[QNTK_KERNEL_KEYS])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < KEYS; k++) {
        char range[64];
        if ((keys[k].families & family_bit(family)) == 0)
            continue;
        bool other = keys[k].standard == NULL;
        int written = snprintf(text + used, QNTK_KERNEL_KEYS - used, "%s%s%s%s (%s)",
                               used == 0 ? ""
                               : other   ? " or "
                                         : ", ",
                               keys[k].name, other ? "" : "=", other ? "" : keys[k].standard,
                               range_text(&keys[k], range));
        used = qntk_min(used + (size_t)written, QNTK_KERNEL_KEYS - 1);
    }
}

/* ---- one key ---- */

static qntk_status out_of_range(const char *spec, const kernel_key *key, const char *found)
{
    char range[64], shown[QNTK_SHOWN];
    return qntk_fail(QNTK_INVALID, "kernel '%s': expected %s%s %s, found '%s'", spec, key->name,
                     key->values != NULL || key->word != NULL ? " of" : "", range_text(key, range),
                     qntk_shown(found, strlen(found), shown));
}

static bool is_allowed(const kernel_key *key, double value)
{
    return (value >= key->low && value <= key->high) || (key->word != NULL && value == 0);
}

/* bits 1 .. 16 give 2^bits levels; 1.58 (log2 3) is ternary. */
static bool read_bits(const kernel_key *key, const char *value, size_t *levels)
{
    size_t bits;
    if (strcmp(value, "1.58") == 0) {
        *levels = QNTK_LEVELS_TERNARY;
        return true;
    }
    if (!qntk_parse_count(value, strlen(value), (size_t)key->high, &bits) || !is_allowed(key, (double)bits))
        return false;
    *levels = (size_t)1 << bits;
    return true;
}

static bool read_number(const kernel_key *key, const char *value, double *number)
{
    if (key->word != NULL && strcmp(value, key->word) == 0) {
        *number = 0;
        return true;
    }
    double parsed;
    if (qntk_field_parse(value, strlen(value), &parsed) != QNTK_FIELD_NUMBER)
        return false;
    *number = parsed;
    bool zero_by_word = parsed == 0 && key->word != NULL && strcmp(key->word, "0") != 0;
    return is_allowed(key, parsed) && !zero_by_word;
}

/* Reads the value into the key's field; false if it is none of those allowed. */
static bool read_value(const kernel_key *key, const char *value, qntk_kernel *kernel)
{
    void *field = (char *)kernel + key->offset;
    size_t count;
    switch (key->kind) {
    case KEY_COUNT:
        if (!qntk_parse_count(value, strlen(value), (size_t)key->high, &count) ||
            !is_allowed(key, (double)count))
            return false;
        *(size_t *)field = count;
        return true;
    case KEY_NUMBER:
        return read_number(key, value, field);
    case KEY_BITS:
        return read_bits(key, value, field);
    case KEY_READOUT:
        *(bool *)field = strcmp(value, "all") == 0;
        return *(bool *)field || strcmp(value, "hidden") == 0;
    }
    return false;
}

/* ---- all keys ---- */

static const kernel_key *find_key(const char *name, const qntk_kernel_family *family)
{
    for (size_t k = 0; k < KEYS; k++)
        if (strcmp(keys[k].name, name) == 0 && (keys[k].families & family_bit(family)) != 0)
            return &keys[k];
    return NULL;
}

/* Two keys that say the same thing, or one given twice. seen: a bit a key, before this one. */
static qntk_status check_repeated(const char *spec, const kernel_key *key, unsigned seen)
{
    for (size_t k = 0; k < KEYS; k++) {
        if ((seen & 1u << k) == 0)
            continue;
        if (&keys[k] == key)
            return qntk_fail(QNTK_INVALID, "kernel '%s': '%s' is given twice", spec, key->name);
        if (key->group != 0 && keys[k].group == key->group)
            return qntk_fail(QNTK_INVALID, "kernel '%s': expected either %s or %s, found both", spec,
                             keys[k].name, key->name);
    }
    return QNTK_OK;
}

/* One "key=value". */
static qntk_status parse_item(const char *spec, char *item, const qntk_kernel_family *family, unsigned *seen,
                              qntk_kernel *kernel)
{
    char shown[QNTK_SHOWN], all[QNTK_KERNEL_KEYS];
    char *value = strchr(item, '=');
    if (value == NULL)
        return qntk_fail(QNTK_INVALID, "kernel '%s': expected key=value, found '%s'", spec,
                         qntk_shown(item, strlen(item), shown));
    *value++ = '\0';
    const kernel_key *key = find_key(item, family);
    qntk_kernel_keys(family, all);
    if (key == NULL)
        return qntk_fail(QNTK_INVALID, "kernel '%s': '%s' has no key '%s'; its keys: %s", spec, family->name,
                         qntk_shown(item, strlen(item), shown), all);
    qntk_status status = check_repeated(spec, key, *seen);
    if (status == QNTK_OK && !read_value(key, value, kernel))
        status = out_of_range(spec, key, value);
    *seen |= 1u << (key - keys);
    return status;
}

/* "key=value,key=value": each key must be one of the family's, each at most once. */
static qntk_status parse_items(const char *text, const qntk_kernel_family *family, qntk_kernel *kernel)
{
    unsigned seen = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        char item[sizeof kernel->spec];
        memcpy(item, text, length); /* part of the specification, which fits */
        item[length] = '\0';
        qntk_status status = parse_item(kernel->spec, item, family, &seen, kernel);
        if (status != QNTK_OK || text[length] == '\0')
            return status;
        text += length + 1;
    }
}

/* ---- specifications ---- */

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && strcmp(text + length - tail, ending) == 0;
}

static qntk_status unknown_name(const char *spec, const char *name, size_t length)
{
    char names[256] = "", shown[QNTK_SHOWN];
    for (const qntk_kernel_family *row = qntk_kernel_families; row->name != NULL; row++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s, ", row->name);
    return qntk_fail(QNTK_INVALID, "kernel '%s': unknown name '%s'; expected one of %sor a file K.npy", spec,
                     qntk_shown(name, length, shown), names);
}

static void set_defaults(const qntk_kernel_family *family, qntk_kernel *kernel)
{
    for (size_t k = 0; k < KEYS; k++)
        if ((keys[k].families & family_bit(family)) != 0 && keys[k].standard != NULL)
            read_value(&keys[k], keys[k].standard, kernel);
    kernel->family = family->family;
    kernel->network.nngp = strcmp(family->name, "nngp") == 0;
}

qntk_status qntk_kernel_parse(const char *spec, qntk_kernel *kernel)
{
    qntk_kernel parsed = {.family = QNTK_FAMILY_FILE};
    char shown[QNTK_SHOWN];
    *kernel = (qntk_kernel){0};
    if (strlen(spec) >= sizeof parsed.spec)
        return qntk_fail(QNTK_INVALID, "kernel '%s': expected at most %zu characters, found %zu",
                         qntk_shown(spec, strlen(spec), shown), sizeof parsed.spec - 1, strlen(spec));
    memcpy(parsed.spec, spec, strlen(spec) + 1);
    if (!ends_with(spec, ".npy") && !ends_with(spec, ".npy.gz")) {
        size_t length = strcspn(spec, ":");
        const qntk_kernel_family *family = qntk_kernel_families;
        while (family->name != NULL &&
               (strlen(family->name) != length || memcmp(family->name, spec, length) != 0))
            family++;
        if (family->name == NULL)
            return unknown_name(spec, spec, length);
        set_defaults(family, &parsed);
        qntk_status status = QNTK_OK;
        if (spec[length] == ':')
            status = parse_items(spec + length + 1, family, &parsed);
        if (status != QNTK_OK)
            return status;
    }
    qntk_status status = qntk_kernel_check(&parsed);
    if (status == QNTK_OK)
        *kernel = parsed;
    return status;
}

/* ---- structs filled by hand ---- */

static qntk_status check_field(const qntk_kernel *kernel, const kernel_key *key)
{
    const void *field = (const char *)kernel + key->offset;
    double value = 0;
    switch (key->kind) {
    case KEY_COUNT:
        value = (double)*(const size_t *)field;
        if (key->group != 0 && value == QNTK_LEVELS_REAL) /* ntk and nngp; the keys are of qntk alone */
            return QNTK_OK;
        break;
    case KEY_NUMBER:
        value = *(const double *)field;
        break;
    case KEY_BITS: /* levels stands for it */
    case KEY_READOUT:
        return QNTK_OK;
    }
    if (is_allowed(key, value))
        return QNTK_OK;
    char found[QNTK_NUMBER_BYTES];
    qntk_format_shortest(value, found);
    return out_of_range(kernel->spec, key, found);
}

qntk_status qntk_kernel_check(const qntk_kernel *kernel)
{
    QNTK_REQUIRE(memchr(kernel->spec, '\0', sizeof kernel->spec) != NULL, "spec does not end in a zero byte");
    unsigned names = 0; /* that this family goes by */
    for (const qntk_kernel_family *row = qntk_kernel_families; row->name != NULL; row++)
        names |= row->family == kernel->family ? family_bit(row) : 0;
    if (names == 0 && kernel->family != QNTK_FAMILY_FILE)
        return qntk_fail(QNTK_INVALID, "kernel '%s': expected a family of qntk_family, found %d",
                         kernel->spec, (int)kernel->family);
    for (size_t k = 0; k < KEYS; k++) {
        qntk_status status = (keys[k].families & names) != 0 ? check_field(kernel, &keys[k]) : QNTK_OK;
        if (status != QNTK_OK)
            return status;
    }
    return QNTK_OK;
}
