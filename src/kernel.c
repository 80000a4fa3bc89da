/* Kernel specifications: names, keys, defaults, bandwidths. */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_statistics.h>

#define NETWORK_KEYS "depth=1 b_std=0"

const qntk_kernel_family qntk_kernel_families[] = {
    {"qntk", QNTK_FAMILY_NETWORK,
     "bits=1 (1, 1.58 = ternary, 2..16; or levels=B) " NETWORK_KEYS " quantize=hidden|all",
     "tangent kernel of the stochastically rounded network"},
    {"ntk", QNTK_FAMILY_NETWORK, NETWORK_KEYS, "tangent kernel of the network with real weights"},
    {"nngp", QNTK_FAMILY_NETWORK, NETWORK_KEYS, "output covariance of the network with real weights"},
    {"gauss", QNTK_FAMILY_GAUSS, "bandwidth=median", "exp(-r^2/(2 l^2))"},
    {"laplace", QNTK_FAMILY_LAPLACE, "bandwidth=median", "exp(-r/l), r Euclidean"},
    {"rgauss", QNTK_FAMILY_RGAUSS, "alpha=2 bandwidth=median",
     "(1 + r^2/(2 alpha l^2))^-alpha, scale randomized"},
    {"gexp", QNTK_FAMILY_GEXP, "power=1 bandwidth=median", "exp(-(r/l)^power), 0 < power <= 2"},
    {"matern", QNTK_FAMILY_MATERN, "nu=1.5 bandwidth=median", "Matern of smoothness nu"},
    {NULL, QNTK_FAMILY_FILE, NULL, NULL},
};

enum { KEY_SIZE = 32, MEDIAN_ROWS = 2000 };

/* Which keys a family takes: the words before '=' in its row of the table, and "levels" for qntk. */
static bool family_has_key(const qntk_kernel_family *family, const char *key)
{
    size_t length = strlen(key);
    if (length == 0)
        return false;
    for (const char *at = strstr(family->keys, key); at != NULL; at = strstr(at + 1, key))
        if ((at == family->keys || at[-1] == ' ') && at[length] == '=')
            return true;
    return false;
}

static qntk_status parse_number(const char *spec, const char *key, const char *value, double low, double high,
                                double *number)
{
    char *end = NULL;
    *number = strtod(value, &end);
    if (end == value || *end != '\0' || !(*number >= low && *number <= high))
        return qntk_fail(QNTK_INVALID, "kernel '%s': expected %s between %g and %g, found '%s'", spec, key,
                         low, high, value);
    return QNTK_OK;
}

static qntk_status parse_count(const char *spec, const char *key, const char *value, size_t low, size_t high,
                               size_t *count)
{
    double number;
    qntk_status status = parse_number(spec, key, value, (double)low, (double)high, &number);
    if (status == QNTK_OK && number != floor(number))
        status = qntk_fail(QNTK_INVALID, "kernel '%s': expected a whole number for %s, found '%s'", spec, key,
                           value);
    *count = status == QNTK_OK ? (size_t)number : low;
    return status;
}

/* bits=1 .. 16 gives 2^bits levels; 1.58 (log2 3) is ternary. */
static qntk_status parse_bits(const char *spec, const char *value, size_t *levels)
{
    if (strcmp(value, "1.58") == 0 || strcmp(value, "1.585") == 0) {
        *levels = QNTK_LEVELS_TERNARY;
        return QNTK_OK;
    }
    double bits;
    qntk_status status = parse_number(spec, "bits", value, 1, 16, &bits);
    if (status == QNTK_OK && bits != floor(bits))
        status =
            qntk_fail(QNTK_INVALID, "kernel '%s': expected bits of 1, 1.58 (ternary) or 2 to 16, found '%s'",
                      spec, value);
    if (status == QNTK_OK)
        *levels = (size_t)1 << (unsigned)bits;
    return status;
}

static qntk_status parse_key(const char *spec, const char *key, const char *value, qntk_kernel *kernel)
{
    const double tiny = 1e-150, huge = 1e150; /* squares of bandwidths stay finite and normal */
    if (strcmp(key, "bits") == 0)
        return parse_bits(spec, value, &kernel->network.levels);
    if (strcmp(key, "levels") == 0)
        return parse_count(spec, key, value, 2, QNTK_LEVELS_MAX, &kernel->network.levels);
    if (strcmp(key, "depth") == 0)
        return parse_count(spec, key, value, 1, QNTK_DEPTH_MAX, &kernel->network.depth);
    if (strcmp(key, "b_std") == 0)
        return strtod(value, NULL) == 0 ? parse_number(spec, key, value, 0, 1e6, &kernel->network.b_std)
                                        : parse_number(spec, key, value, 1e-100, 1e6, &kernel->network.b_std);
    if (strcmp(key, "alpha") == 0)
        return parse_number(spec, key, value, 1e-6, 1e6, &kernel->alpha);
    if (strcmp(key, "power") == 0)
        return parse_number(spec, key, value, 1e-3, 2, &kernel->power);
    if (strcmp(key, "nu") == 0)
        return parse_number(spec, key, value, 1e-2, 100, &kernel->nu);
    if (strcmp(key, "bandwidth") == 0) {
        kernel->bandwidth = 0;
        return strcmp(value, "median") == 0 ? QNTK_OK
                                            : parse_number(spec, key, value, tiny, huge, &kernel->bandwidth);
    }
    kernel->network.quantize_all = strcmp(value, "all") == 0;
    if (!kernel->network.quantize_all && strcmp(value, "hidden") != 0)
        return qntk_fail(QNTK_INVALID, "kernel '%s': expected quantize=hidden or quantize=all, found '%s'",
                         spec, value);
    return QNTK_OK;
}

static qntk_status unknown_name(const char *spec, const char *name)
{
    char names[256] = "";
    for (const qntk_kernel_family *row = qntk_kernel_families; row->name != NULL; row++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s, ", row->name);
    return qntk_fail(QNTK_INVALID, "kernel '%s': unknown name '%s'; expected one of %sor a file K.npy", spec,
                     name, names);
}

/* "key=value,key=value": each key must be one of the family's, each at most once. */
static qntk_status parse_keys(const char *spec, const char *text, const qntk_kernel_family *family,
                              qntk_kernel *kernel)
{
    char seen[256] = ",";
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        char item[128];
        if (length >= sizeof item)
            return qntk_fail(QNTK_INVALID, "kernel '%s': a key=value pair is longer than 127 characters",
                             spec);
        memcpy(item, text, length);
        item[length] = '\0';
        text += length + (text[length] == ',');

        char *value = strchr(item, '=');
        if (value == NULL)
            return qntk_fail(QNTK_INVALID, "kernel '%s': expected key=value, found '%s'", spec, item);
        *value++ = '\0';
        bool known =
            family_has_key(family, item) || (strcmp(item, "levels") == 0 && family_has_key(family, "bits"));
        if (!known)
            return qntk_fail(QNTK_INVALID, "kernel '%s': '%s' has no key '%s'; its keys: %s", spec,
                             family->name, item, family->keys);
        /* bits and levels are one key by two names */
        char mark[KEY_SIZE];
        snprintf(mark, sizeof mark, ",%.28s,", strcmp(item, "levels") == 0 ? "bits" : item);
        if (strstr(seen, mark) != NULL)
            return qntk_fail(QNTK_INVALID, "kernel '%s': '%s' is given twice", spec, item);
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s", mark + 1);

        qntk_status status = parse_key(spec, item, value, kernel);
        if (status != QNTK_OK)
            return status;
    }
    return QNTK_OK;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && strcmp(text + length - tail, ending) == 0;
}

qntk_status qntk_kernel_parse(const char *spec, qntk_kernel *kernel)
{
    qntk_kernel parsed = {.alpha = 2, .power = 1, .nu = 1.5, .network = {.depth = 1}};
    *kernel = (qntk_kernel){0};
    QNTK_REQUIRE(strlen(spec) < sizeof parsed.spec, "a kernel specification has at most 255 characters");
    memcpy(parsed.spec, spec, strlen(spec) + 1);
    if (ends_with(spec, ".npy")) {
        parsed.family = QNTK_FAMILY_FILE;
        *kernel = parsed;
        return QNTK_OK;
    }

    char name[KEY_SIZE];
    size_t length = qntk_min(strcspn(spec, ":"), sizeof name - 1);
    memcpy(name, spec, length);
    name[length] = '\0';
    const qntk_kernel_family *family = qntk_kernel_families;
    while (family->name != NULL && strcmp(family->name, name) != 0)
        family++;
    if (family->name == NULL)
        return unknown_name(spec, name);

    parsed.family = family->family;
    if (strcmp(name, "qntk") == 0)
        parsed.network.levels = QNTK_LEVELS_BINARY;
    parsed.network.nngp = strcmp(name, "nngp") == 0;
    qntk_status status = QNTK_OK;
    if (spec[length] == ':')
        status = parse_keys(spec, spec + length + 1, family, &parsed);
    if (status == QNTK_OK)
        *kernel = parsed;
    return status;
}

bool qntk_kernel_is_radial(const qntk_kernel *kernel)
{
    return kernel->family != QNTK_FAMILY_NETWORK && kernel->family != QNTK_FAMILY_FILE;
}

/* ---- the median distance ---- */

typedef struct {
    size_t d, rows;
    const double *X;     /* (n,d) */
    const size_t *index; /* (rows) the rows in use */
    double *distance;    /* (rows (rows-1) / 2), pairs (i,j), j < i, at i (i-1)/2 + j */
} pairs;

static qntk_status distances_of_row(void *context, size_t item, size_t worker)
{
    (void)worker;
    const pairs *p = context;
    const double *x = p->X + p->index[item] * p->d;
    for (size_t j = 0; j < item; j++)
        p->distance[item * (item - 1) / 2 + j] =
            sqrt(qntk_distance_squared(p->d, x, p->X + p->index[j] * p->d));
    return QNTK_OK;
}

qntk_status qntk_median_distance(size_t n, size_t d, const double *X, uint64_t seed, double *distance)
{
    enum { STREAM = 0x6d656469 }; /* a stream of its own, so that other draws do not move the sample */
    *distance = 0;
    QNTK_REQUIRE(n >= 2, "the median distance needs at least two rows");
    size_t rows = qntk_min(n, MEDIAN_ROWS), count = rows * (rows - 1) / 2;
    size_t *index = qntk_alloc(n, sizeof *index);
    double *all = qntk_alloc(count, sizeof *all);
    qntk_status status = QNTK_NO_MEMORY;
    if (index == NULL || all == NULL)
        goto done;
    for (size_t i = 0; i < n; i++)
        index[i] = i;
    if (rows < n) {
        qntk_rng rng = qntk_rng_create(seed, STREAM);
        qntk_rng_shuffle(&rng, index, n);
    }
    pairs p = {.d = d, .rows = rows, .X = X, .index = index, .distance = all};
    status = qntk_parallel_for(rows, distances_of_row, &p);
    if (status != QNTK_OK)
        goto done;
    double median = gsl_stats_median(all, 1, count);
    if (!(median > 0 && median <= 1e150)) {
        status = qntk_fail(QNTK_INVALID,
                           "the median pairwise distance is %g; give the bandwidth as a number: bandwidth=1",
                           median);
        goto done;
    }
    *distance = median;
done:
    qntk_free(index);
    qntk_free(all);
    return status;
}

qntk_status qntk_kernel_resolve(qntk_kernel *kernel, size_t n, size_t d, const double *X, uint64_t seed)
{
    if (!qntk_kernel_is_radial(kernel) || kernel->bandwidth > 0)
        return QNTK_OK;
    if (X == NULL) {
        kernel->bandwidth = sqrt(2.0); /* r^2 = 2 - 2t, and the median of t is 0 */
        return QNTK_OK;
    }
    return qntk_median_distance(n, d, X, seed, &kernel->bandwidth);
}
