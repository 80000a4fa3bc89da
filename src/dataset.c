/* Data sets: which reader a specification means, and what is done with a finished set. */
#include "dataset_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the table of formats ---- */

typedef struct format format;
struct format {
    const char *name; /* a generator's name; else how messages call the format */
    bool (*probe)(const format *row, const char *spec);
    qntk_source_reader read; /* one file, or */
    qntk_status (*open)(const char *spec, const qntk_dataset_options *options,
                        qntk_raw *raw); /* something else */
    bool labels;                        /* takes options.labels */
    const char *help;
};

static bool probe_csv(const format *row, const char *spec)
{
    (void)row;
    return qntk_path_ends(spec, ".csv") || qntk_path_ends(spec, ".tsv") || qntk_path_ends(spec, ".txt");
}

static bool probe_libsvm(const format *row, const char *spec)
{
    (void)row;
    return qntk_path_ends(spec, ".libsvm") || qntk_path_ends(spec, ".svm");
}

/* ".arff", ".npy": the name is the ending. */
static bool probe_ending(const format *row, const char *spec)
{
    return qntk_path_ends(spec, row->name);
}

/* "t10k-images-idx3-ubyte", "train-images.idx3-ubyte.gz", "x.idx" */
static bool probe_idx(const format *row, const char *spec)
{
    (void)row;
    const char *slash = strrchr(spec, '/'), *name = slash == NULL ? spec : slash + 1;
    for (const char *at = strstr(name, "idx"); at != NULL; at = strstr(at + 1, "idx"))
        if (at > name && (at[-1] == '-' || at[-1] == '.') && at[3] >= '1' && at[3] <= '4')
            return true;
    return qntk_path_ends(name, ".idx");
}

static bool probe_folder(const format *row, const char *spec)
{
    (void)row;
    return qntk_is_folder(spec);
}

static bool probe_generator(const format *row, const char *spec)
{
    size_t length = strlen(row->name);
    return strncmp(spec, row->name, length) == 0 && (spec[length] == '\0' || spec[length] == ':');
}

static const format formats[] = {
    {"sphere", probe_generator, NULL, qntk_synth_read, false,
     "sphere:n=2000,d=10,degree=3              uniform points with |x|^2 = d, labels of a random polynomial"},
    {"teacher", probe_generator, NULL, qntk_synth_read, false,
     "teacher:n=2000,d=10,width=512,bits=1     the same points, labels of a random quantized network"},
    {"friedman1", probe_generator, NULL, qntk_synth_read, false,
     "friedman1:n=1000,noise=1                 Friedman's regression function of 5 of 10 features"},
    {"spirals", probe_generator, NULL, qntk_synth_read, false,
     "spirals:n=1000,noise=0.05                two interleaved spirals in the plane"},
    {"UCI folder", probe_folder, NULL, qntk_uci_read, false,
     "NAME/                                    UCI collection: NAME.txt, NAME_R.dat, published splits"},
    {".csv .tsv .txt", probe_csv, qntk_csv_read, NULL, false,
     ".csv .tsv .txt                           header found out, last column the target"},
    {".arff", probe_ending, qntk_arff_read, NULL, false,
     ".arff                                    dense or sparse, last attribute the target"},
    {".libsvm .svm", probe_libsvm, qntk_libsvm_read, NULL, false,
     ".libsvm .svm                             label index:value ..., indices from 1"},
    {".npy", probe_ending, qntk_npy_read, NULL, true,
     ".npy                                     matrix; target from --labels y.npy or --target INDEX"},
    {"IDX", probe_idx, qntk_idx_read, NULL, true,
     "*-images-idx3-ubyte                      MNIST-style; labels beside it or from --labels"},
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

static char help_text[2048];
static pthread_once_t help_once = PTHREAD_ONCE_INIT;

static void build_help(void)
{
    size_t used = 0;
    for (size_t k = 0; k < FORMATS; k++)
        used += (size_t)snprintf(help_text + used, sizeof help_text - used, "  %s\n", formats[k].help);
    snprintf(help_text + used, sizeof help_text - used, "  (a file may end in .gz as well)\n");
}

const char *qntk_dataset_help(void)
{
    pthread_once(&help_once, build_help);
    return help_text;
}

static const format *find_format(const char *spec)
{
    for (size_t k = 0; k < FORMATS; k++)
        if (formats[k].probe(&formats[k], spec))
            return &formats[k];
    char names[512];
    size_t used = 0;
    for (size_t k = 0; k < FORMATS; k++)
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s", k == 0 ? "" : ", ", formats[k].name);
    qntk_fail(QNTK_INVALID, "%s: expected a known kind of data (%s), found none by this name", spec, names);
    return NULL;
}

/* ---- reading ---- */

qntk_dataset_options qntk_dataset_defaults(void)
{
    return (qntk_dataset_options){0}; /* every default is the zero of its type */
}

/* The length of a file's name without ".csv", ".csv.gz" and the like. */
static size_t without_ending(const char *name, size_t length)
{
    static const char *const endings[] = {".csv", ".tsv", ".txt", ".arff", ".libsvm", ".svm", ".npy", ".idx"};
    if (length > 3 && strncasecmp(name + length - 3, ".gz", 3) == 0)
        length -= 3;
    for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++) {
        size_t tail = strlen(endings[k]);
        if (length > tail && strncasecmp(name + length - tail, endings[k], tail) == 0)
            return length - tail;
    }
    return length;
}

/* "wine" of "data/wine.csv.gz" or "data/wine/", "sphere" of "sphere:n=10". */
static void name_dataset(const format *row, const char *spec, qntk_dataset *dataset)
{
    size_t length = strlen(spec);
    if (row->probe == probe_generator) {
        length = strlen(row->name);
    } else {
        while (length > 1 && spec[length - 1] == '/')
            length--;
        size_t start = length;
        while (start > 0 && spec[start - 1] != '/')
            start--;
        spec += start;
        length -= start;
        if (row->read != NULL)
            length = without_ending(spec, length);
    }
    snprintf(dataset->name, sizeof dataset->name, "%.*s", (int)qntk_min(length, sizeof dataset->name), spec);
}

static qntk_status check_options(const format *row, const char *spec, const qntk_dataset_options *options)
{
    if (options->labels != NULL && !row->labels)
        return qntk_fail(QNTK_INVALID, "%s: labels of their own (--labels %s) go with .npy and IDX data only",
                         spec, options->labels);
    return QNTK_OK;
}

qntk_status qntk_dataset_parse(qntk_source_reader reader, qntk_source *source,
                               const qntk_dataset_options *options, qntk_dataset *dataset)
{
    *dataset = (qntk_dataset){0};
    qntk_raw raw = {.path = source->path};
    qntk_status status = reader(source, options, &raw);
    if (status == QNTK_OK)
        status = qntk_raw_finish(&raw, options, dataset);
    qntk_raw_free(&raw);
    return status;
}

qntk_status qntk_dataset_read(const char *spec, qntk_dataset_options options, qntk_dataset *dataset)
{
    *dataset = (qntk_dataset){0};
    const format *row = find_format(spec);
    qntk_status status = row == NULL ? QNTK_INVALID : check_options(row, spec, &options);
    if (status != QNTK_OK)
        return status;
    if (row->open != NULL) {
        qntk_raw raw = {.path = spec};
        status = row->open(spec, &options, &raw);
        if (status == QNTK_OK)
            status = qntk_raw_finish(&raw, &options, dataset);
        qntk_raw_free(&raw);
    } else {
        qntk_source source;
        status = qntk_source_open(spec, &source);
        if (status == QNTK_OK)
            status = qntk_dataset_parse(row->read, &source, &options, dataset);
        qntk_source_close(&source);
    }
    if (status == QNTK_OK)
        name_dataset(row, spec, dataset);
    return status;
}

/* ---- finished sets ---- */

void qntk_dataset_free(qntk_dataset *dataset)
{
    qntk_free(dataset->X);
    qntk_free(dataset->y);
    qntk_free(dataset->feature_name);
    qntk_free(dataset->class_name);
    qntk_split_free(&dataset->validation);
    for (size_t k = 0; k < QNTK_FOLDS_MAX; k++)
        qntk_split_free(&dataset->fold[k]);
    *dataset = (qntk_dataset){0};
}

/* A copy of names (count), or NULL for none. */
static qntk_status copy_names(char *const *names, size_t count, char ***copy)
{
    *copy = NULL;
    qntk_strings strings = {0};
    qntk_status status = QNTK_OK;
    for (size_t i = 0; names != NULL && i < count && status == QNTK_OK; i++)
        status = qntk_strings_add(&strings, names[i], strlen(names[i]));
    if (status == QNTK_OK && names != NULL) {
        *copy = qntk_strings_block(&strings);
        status = *copy == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    }
    qntk_strings_free(&strings);
    return status;
}

qntk_status qntk_dataset_subset(const qntk_dataset *dataset, const size_t *rows, size_t count,
                                qntk_dataset *out)
{
    *out = (qntk_dataset){0};
    QNTK_REQUIRE(count > 0, "expected at least one row, found none");
    for (size_t i = 0; i < count; i++)
        if (rows[i] >= dataset->n)
            return qntk_fail(QNTK_INVALID, "%s: expected a row below %zu, found %zu", __func__, dataset->n,
                             rows[i]);
    size_t d = dataset->d;
    qntk_status status = QNTK_OK;
    out->X = qntk_alloc(count > SIZE_MAX / 16 / d ? SIZE_MAX : count * d, sizeof(double));
    if (dataset->y != NULL)
        out->y = qntk_alloc(count, sizeof(double));
    if (out->X == NULL || (dataset->y != NULL && out->y == NULL))
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = copy_names(dataset->feature_name, d, &out->feature_name);
    if (status == QNTK_OK)
        status = copy_names(dataset->class_name, dataset->classes, &out->class_name);
    if (status != QNTK_OK) {
        qntk_dataset_free(out);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out->X + i * d, dataset->X + rows[i] * d, d * sizeof(double));
        if (dataset->y != NULL)
            out->y[i] = dataset->y[rows[i]];
    }
    memcpy(out->name, dataset->name, sizeof out->name);
    out->n = count;
    out->d = d;
    out->classes = dataset->classes;
    return QNTK_OK;
}
