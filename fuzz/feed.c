/* Bytes to a reader, and a check of what it promises. */
#include "feed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dataset_internal.h"
#include "train_internal.h"

static void promise(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s (message: %s)\n", what, qntk_message());
    abort();
}

static void check_failure(void)
{
    promise(qntk_message()[0] != '\0' && strpbrk(qntk_message(), "\n\r") == NULL,
            "a failure has one line of text");
}

/* Different options for different bytes, the same for the same. */
static qntk_dataset_options choose_options(const uint8_t *data, size_t size)
{
    static const char *const targets[] = {NULL, NULL, "none", "0", "-1", "class"};
    qntk_dataset_options options = qntk_dataset_defaults();
    unsigned sum = (unsigned)size;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + data[i];
    options.target = targets[sum / 7 % 6];
    options.missing = (qntk_missing)(sum / 64 % 3);
    options.task = (qntk_task)(sum / 256 % 3);
    options.scale = (qntk_scale)(sum / 1024 % 2);
    options.rows = sum / 2048 % 4 == 0 ? QNTK_ROWS_SPHERE : QNTK_ROWS_RAW;
    options.limit = sum / 8192 % 3 == 0 ? 2 : 0;
    options.target_optional = true;
    return options;
}

static void check_split(const qntk_split *split, size_t n)
{
    for (size_t i = 0; i < split->train_count; i++)
        promise(split->train[i] < n, "a training row is below n");
    for (size_t i = 0; i < split->test_count; i++)
        promise(split->test[i] < n, "a test row is below n");
}

static void check_dataset(const qntk_dataset *dataset)
{
    promise(dataset->n > 0 && dataset->d > 0 && dataset->X != NULL, "a data set has rows and features");
    for (size_t i = 0; i < dataset->n * dataset->d; i++)
        promise(isfinite(dataset->X[i]), "features are finite");
    for (size_t i = 0; dataset->y != NULL && i < dataset->n; i++) {
        double y = dataset->y[i];
        promise(isfinite(y), "targets are finite");
        promise(dataset->classes == 0 || (y >= 0 && y < (double)dataset->classes && y == floor(y)),
                "classes are in range");
    }
    promise((dataset->classes > 0) == (dataset->class_name != NULL), "classes have names");
    for (size_t k = 0; k < dataset->classes; k++)
        promise(strlen(dataset->class_name[k]) < SIZE_MAX, "class names are strings");
    for (size_t j = 0; dataset->feature_name != NULL && j < dataset->d; j++)
        promise(strlen(dataset->feature_name[j]) < SIZE_MAX, "feature names are strings");
    check_split(&dataset->validation, dataset->n);
    for (size_t k = 0; k < dataset->folds; k++)
        check_split(&dataset->fold[k], dataset->n);
}

static int check_outcome(qntk_status status, qntk_dataset *dataset)
{
    if (status == QNTK_OK) {
        check_dataset(dataset);
    } else {
        promise(dataset->X == NULL && dataset->y == NULL && dataset->n == 0 && dataset->folds == 0,
                "a failure leaves an empty data set");
        check_failure();
    }
    qntk_dataset_free(dataset);
    return status == QNTK_OK;
}

/* A reader needs a place for its file's bytes that is as long as they are, so that overruns are seen. */
static int feed_reader(qntk_source_reader reader, const char *path, const uint8_t *data, size_t size)
{
    qntk_dataset dataset;
    qntk_dataset_options options = choose_options(data, size);
    qntk_source source = qntk_source_memory(path, data, size);
    return check_outcome(qntk_dataset_parse(reader, &source, &options, &dataset), &dataset);
}

/* The bytes as labels for three rows, as .npy and IDX files. */
static void feed_labels(const uint8_t *data, size_t size)
{
    qntk_raw raw = {.path = "fuzz"};
    qntk_source source = qntk_source_memory("labels", data, size);
    if (qntk_labels_read(&source, 3, &raw) == QNTK_OK)
        promise(raw.label_count == 3 && raw.label != NULL, "labels are as many as expected");
    qntk_raw_free(&raw);
}

/* The part up to the next line "%%"; *data and *size move behind it. */
static qntk_source next_part(const char *path, const uint8_t **data, size_t *size)
{
    const uint8_t *start = *data;
    size_t length = 0;
    while (length < *size && !(*size - length >= 3 && memcmp(start + length, "%%\n", 3) == 0 &&
                               (length == 0 || start[length - 1] == '\n')))
        length++;
    size_t used = qntk_min(*size, length + 3);
    *data += used;
    *size -= used;
    return qntk_source_memory(path, start, length);
}

static int feed_uci(const uint8_t *data, size_t size)
{
    qntk_dataset dataset = {0};
    qntk_dataset_options options = choose_options(data, size);
    qntk_uci_description description;
    qntk_uci_files files = {0};
    qntk_raw raw = {.path = "fuzz"};
    files.description = next_part("fuzz/fuzz.txt", &data, &size);
    files.data = next_part("fuzz/fuzz_R.dat", &data, &size);
    files.pair = next_part("fuzz/conxuntos.dat", &data, &size);
    files.folds = next_part("fuzz/conxuntos_kfold.dat", &data, &size);
    files.test = files.folds;
    qntk_status status = qntk_uci_describe(&files.description, &description);
    if (status == QNTK_OK)
        status = qntk_uci_parse(&files, &description, &options, &raw);
    if (status == QNTK_OK)
        status = qntk_raw_finish(&raw, &options, &dataset);
    qntk_raw_free(&raw);
    return check_outcome(status, &dataset);
}

/* The description of a grid as a grid again: the same models and settings. */
static void check_grid(const qntk_sweep *sweep)
{
    qntk_meta meta = {0}, again = {0};
    qntk_sweep second;
    size_t room = 1, used = 0;
    promise(qntk_sweep_describe(sweep, &meta) == QNTK_OK, "a grid has a description");
    for (size_t i = 0; i < meta.count; i++)
        room += strlen(meta.item[i].key) + strlen(meta.item[i].value) + sizeof " = \n";
    char *text = malloc(room);
    promise(text != NULL, "there is memory");
    for (size_t i = 0; i < meta.count; i++)
        used += (size_t)snprintf(text + used, room - used, "%s = %s\n", meta.item[i].key + strlen("axis_"),
                                 meta.item[i].value);
    promise(qntk_sweep_parse("again", text, &second) == QNTK_OK, "a description is a grid");
    promise(qntk_sweep_describe(&second, &again) == QNTK_OK && again.count == meta.count,
            "of as many settings");
    for (size_t i = 0; i < meta.count; i++)
        promise(strcmp(meta.item[i].value, again.item[i].value) == 0, "of the same settings");
    promise(qntk_sweep_count(&second) == qntk_sweep_count(sweep), "of as many models");
    qntk_sweep_free(&second);
    qntk_meta_free(&meta);
    qntk_meta_free(&again);
    free(text);
}

/* The bytes, up to a zero, as the grid of a sweep. */
static int feed_grid(const uint8_t *data, size_t size)
{
    qntk_sweep sweep;
    char *text = malloc(size + 1);
    promise(text != NULL, "there is memory");
    memcpy(text, data, size);
    text[size] = '\0';
    const qntk_status status = qntk_sweep_parse("fuzz.grid", text, &sweep);
    free(text);
    if (status == QNTK_OK) {
        const size_t count = qntk_sweep_count(&sweep), step = count / 7 + 1;
        promise(count > 0 && sweep.data != NULL, "a grid has data and models");
        for (size_t k = 0; k < count; k += step) {
            const qntk_sweep_model model = qntk_sweep_at(&sweep, k);
            promise(qntk_sweep_find(&sweep, &model) == k, "a model is found again");
        }
        check_grid(&sweep);
    } else {
        promise(sweep.data == NULL && sweep.bits == 0, "a failure leaves an empty grid");
        check_failure();
    }
    qntk_sweep_free(&sweep);
    return status == QNTK_OK;
}

/* A model is of use: a row goes through it, and through a step of training. */
static void use_model(qntk_checkpoint *model)
{
    const qntk_network *network = &model->network;
    const size_t d = model->features, outputs = network->layers[network->count - 1].fan_out;
    promise(d == network->layers[0].fan_in && outputs == (model->classes > 0 ? model->classes : 1),
            "shapes agree");
    double *row = qntk_alloc_zero(d, sizeof *row), *answer = qntk_alloc_zero(outputs, sizeof *answer), loss;
    float *X = qntk_alloc_zero(d, sizeof *X), *T = qntk_alloc_zero(outputs, sizeof *T);
    promise(row != NULL && answer != NULL && X != NULL && T != NULL, "there is memory for a row");
    for (size_t j = 0; j < d; j++)
        row[j] = 1;
    T[0] = 1;
    if (qntk_checkpoint_inputs(model, 1, row, X) != QNTK_OK ||
        qntk_network_expect(network, model->trainer->options.rounding, 1, X, answer) != QNTK_OK ||
        qntk_trainer_step(model->trainer, 1, X, T, &loss) != QNTK_OK)
        check_failure();
    qntk_free(row);
    qntk_free(answer);
    qntk_free(X);
    qntk_free(T);
}

/* The last four bytes are the checksum, which almost any change makes wrong: set right, but for an input in eight. */
static int feed_checkpoint(const uint8_t *data, size_t size)
{
    uint32_t crc = (uint32_t)crc32(0, data, (uInt)(size >= sizeof crc ? size - sizeof crc : 0));
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    promise(bytes != NULL, "there is memory for the input");
    memcpy(bytes, data, size);
    if (size >= sizeof crc && crc % 8 != 0)
        memcpy(bytes + size - sizeof crc, &crc, sizeof crc);
    FILE *file = fmemopen(bytes, size > 0 ? size : 1, "rb");
    promise(file != NULL, "the input opens");
    qntk_checkpoint model;
    const qntk_status status = qntk_checkpoint_read("fuzz.qnn", file, &model);
    if (status == QNTK_OK) {
        use_model(&model);
    } else {
        check_failure();
        promise(model.trainer == NULL && model.network.count == 0 && model.features == 0,
                "a failure leaves no model");
    }
    qntk_checkpoint_free(&model);
    fclose(file);
    free(bytes);
    return status == QNTK_OK;
}

int qntk_fuzz_feed(const char *format, const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"fuzz.csv", "fuzz.tsv", "fuzz.txt"};
    if (strcmp(format, "csv") == 0)
        return feed_reader(qntk_csv_read, paths[size % 3], data, size);
    if (strcmp(format, "arff") == 0)
        return feed_reader(qntk_arff_read, "fuzz.arff", data, size);
    if (strcmp(format, "libsvm") == 0)
        return feed_reader(qntk_libsvm_read, "fuzz.svm", data, size);
    if (strcmp(format, "uci") == 0)
        return feed_uci(data, size);
    if (strcmp(format, "checkpoint") == 0)
        return feed_checkpoint(data, size);
    if (strcmp(format, "sweep") == 0)
        return feed_grid(data, size);
    feed_labels(data, size);
    bool npy = strcmp(format, "npy") == 0;
    promise(npy || strcmp(format, "idx") == 0, "the format is known");
    return feed_reader(npy ? qntk_npy_read : qntk_idx_read, npy ? "fuzz.npy" : "fuzz-idx3-ubyte", data, size);
}
