/* qnn noise: what rounding its weights does to a network, over widths in bits, measured beside predictions. */
#include "qnn_noise.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_result.h"

static noise_settings set = {.network = {.hidden = "256,256", .weights = "real", .last = 1},
                             .bits = "1,1.58,2,3,4,5,6,7,8",
                             .draws = 100,
                             .inputs = 100};

static const cli_option options[] = {
    CLI_DATA_OPTIONS(set.common),
    {.name = "inputs",
     .kind = CLI_COUNT,
     .destination = &set.inputs,
     .argument = "N",
     .help = "rows that the means are taken over, chosen by the seed"},
    CLI_HEADING("Network"),
    {.name = "model",
     .kind = CLI_TEXT,
     .destination = &set.model,
     .argument = "FILE",
     .role = CLI_READS,
     .help =
         "a network saved by qnn train --save: the layers it rounds, or all if it has none; scales the data"},
    QNN_NETWORK_OPTIONS(set.network,
                        "law of the latent weights of a fresh network: normal (real) or uniform"),
    CLI_HEADING("Rounding"),
    {.name = "bits",
     .kind = CLI_TEXT,
     .destination = &set.bits,
     .argument = "B,B,..",
     .help = "of the weights: 2 to 16, 1 or binary, 1.58 or ternary"},
    {.name = "rounding",
     .kind = CLI_CHOICE,
     .destination = &set.rounding,
     .choices = "both|stochastic|nearest",
     .help = "unbiased draws of one of the two levels around a weight, or the nearest of them"},
    {.name = "draws",
     .kind = CLI_COUNT,
     .destination = &set.draws,
     .argument = "N",
     .low = 2,
     .help = "stochastic roundings of all weights; of the nearest level, which is one, they give the error"},
    {.name = "sharpness",
     .kind = CLI_CHOICE,
     .destination = &set.sharpness,
     .choices = "model|widths",
     .needs = "model",
     .help = "of a classifier as it was trained, or rounded to each of the bits too"},
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "qnn noise",
    .synopsis = "--data SPEC [--model FILE | --hidden W,W,.. --weights LAW] [--bits B,B,..]",
    .summary =
        "Rounds the weights of one network to each number of bits and measures in every layer the "
        "noise of its\n"
        "weights, its pre-activations and, in the last, its outputs: variance over draws for "
        "stochastic rounding,\n"
        "mean square distance from the network that is not rounded for the nearest level. Beside it "
        "what moment\n"
        "propagation and first order (the variance of a weight times squared derivatives, that is "
        "step^2/12 times\n"
        "the tangent kernel's diagonal for the nearest level) predict, the ratio of signal to noise, "
        "and the law\n"
        "in the number of bits. With a target: the penalty, by how much rounding makes the loss grow, "
        "measured and\n"
        "from the Hessian; of a saved classifier: sharpness, and a bound conditioned on the noise (ours).",
    .examples =
        "  qnn noise --data sphere:n=500,d=20 --hidden 256,256 --plot noise.png\n"
        "  qnn noise --data t10k-images-idx3-ubyte.gz --model digits.qnn --bits binary,2,4,8 --format json\n"
        "\nThe grid of a rounded layer is [-1,1] of its latent weights, that of a real one [-s,s], s the "
        "largest of\n"
        "them. Noise of weights is in units of that grid, of pre-activations as they are.\n"
        "\nqnn noise --sweep FILE trains a grid of models and says which measure goes with the "
        "generalization gap:\n"
        "see qnn noise --sweep --help. qnn noise --anneal-study trains by every way of annealing: see\n"
        "qnn noise --anneal-study --help.\n",
    .options = options,
    .common = &set.common,
};

/* What is measured, in the order of the report. */
static const noise_section *const sections[] = {&noise_layers_section, &noise_penalty_section,
                                                &noise_sharpness_section};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* Studies with options of their own, each a program: `qnn noise --OPTION ..`. */
static const struct {
    const char *option;
    int (*run)(int argc, char **argv);
} studies[] = {
    {"sweep", qnn_sweep}, {"anneal-study", qnn_anneal_study}, {NULL, NULL}, /* the end */
};

/* ---- the command line ---- */

double noise_bits(size_t levels)
{
    return levels == QNTK_LEVELS_TERNARY ? 1.58 : log2((double)levels);
}

const char *noise_rounding_name(qntk_rounding rounding)
{
    return rounding == QNTK_ROUNDING_STOCHASTIC ? "stochastic" : "nearest";
}

/* Levels of one word of --bits; 0 if it is none. */
static size_t levels_of(const char *word, size_t length)
{
    static const struct {
        const char *name;
        size_t levels;
    } names[] = {
        {"binary", QNTK_LEVELS_BINARY}, {"ternary", QNTK_LEVELS_TERNARY}, {"1.58", QNTK_LEVELS_TERNARY}};
    size_t bits = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == length && strncmp(word, names[i].name, length) == 0)
            return names[i].levels;
    for (size_t i = 0; i < length; i++)
        bits = isdigit((unsigned char)word[i]) && bits < 100 ? 10 * bits + (size_t)(word[i] - '0') : 100;
    return length > 0 && bits >= 1 && bits <= 16 ? (size_t)1 << bits : 0;
}

static int parse_bits(noise_job *job)
{
    for (const char *at = set.bits;; at++) {
        const size_t length = strcspn(at, ","), levels = levels_of(at, length);
        if (levels == 0)
            return cli_usage(&program,
                             "--bits: expected 1 or binary, 1.58 or ternary, 2 .. 16, separated by commas, "
                             "found '%.*s'",
                             (int)length, at);
        for (size_t k = 0; k < job->widths; k++)
            if (job->levels[k] == levels)
                return cli_usage(&program, "--bits: '%.*s' is there twice", (int)length, at);
        job->levels[job->widths++] = levels;
        at += length;
        if (*at == '\0')
            return 0;
    }
}

static int parse_plan(noise_job *job)
{
    if (set.common.data == NULL)
        return cli_usage(&program, "give --data SPEC");
    if (set.model != NULL && set.common.missing == QNTK_MISSING_MEAN)
        return cli_usage(&program,
                         "--missing mean means nothing with --model: the means of which rows? Pass drop");
    if (set.rounding != 2)
        job->rounding[job->roundings++] = QNTK_ROUNDING_STOCHASTIC;
    if (set.rounding != 1)
        job->rounding[job->roundings++] = QNTK_ROUNDING_NEAREST;
    const int code = parse_bits(job);
    return code == 0 ? qnn_parse_shape(&program, &set.network, &job->shape) : code;
}

/* ---- the network and its rows ---- */

/* Rows without a target, for a network with one output. */
static qntk_status read_bare(noise_job *job)
{
    qntk_dataset data = {0};
    qntk_status status = cli_read_data(&set.common, true, &data);
    if (status == QNTK_OK) {
        snprintf(job->name, sizeof job->name, "%s", data.name);
        job->c->features = data.d;
        job->rows = (qnn_rows){.n = data.n, .X = qntk_alloc(data.n, data.d * sizeof *job->rows.X)};
        status = job->rows.X == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    }
    for (size_t k = 0; status == QNTK_OK && k < data.n * data.d; k++)
        job->rows.X[k] = (float)data.X[k];
    qntk_dataset_free(&data);
    return status;
}

/* Before the network is made, which takes long: the 8 times its memory that the noise needs (noise.h). */
static qntk_status check_memory(const qnn_shape *shape)
{
    double weights = 0;
    for (size_t l = 0; l < shape->count; l++)
        weights += (double)shape->sizes[l] * (double)shape->sizes[l + 1];
    const double bytes = (1 + 8) * weights * sizeof(float);
    return qntk_memory_check(bytes < 1e18 ? (size_t)bytes : SIZE_MAX, "the noise of a network",
                             "use narrower layers");
}

/* A network of the options, at its start, for the data. */
static qntk_status create_fresh(noise_job *job)
{
    qnn_split split = {.split = 0, .fold = 1};
    qnn_rows none = {0};
    const bool bare = set.common.target != NULL && strcmp(set.common.target, "none") == 0;
    qntk_status status =
        bare ? read_bare(job) : qnn_read_training(&set.common, &split, job->c, job->name, &job->rows, &none);
    qnn_rows_free(&none);
    if (status != QNTK_OK)
        return status;
    qnn_fit_shape(&job->shape, job->c->features, job->c->classes);
    status = check_memory(&job->shape);
    if (status != QNTK_OK)
        return status;
    return qntk_network_create(job->shape.count, job->shape.sizes, job->shape.levels, set.network.b_std,
                               set.common.seed, &job->c->network);
}

static qntk_status load_model(noise_job *job)
{
    qntk_status status = qntk_checkpoint_load(set.model, job->c);
    const qntk_network *network = &job->c->network;
    if (status == QNTK_OK && network->layers[0].activation.levels > 0)
        return cli_message(
            QNTK_INVALID,
            "%s: expected ReLUs, which the predictions are for, found activations of %zu levels", set.model,
            network->layers[0].activation.levels);
    return status == QNTK_OK ? qnn_read_rows(&set.common, true, job->c, job->name, &job->rows) : status;
}

/* Which layers are rounded: those that the options or the model round; of a real model all. */
static qntk_status choose_layers(noise_job *job)
{
    const qntk_network *network = &job->c->network;
    bool any = false;
    job->rounded = qntk_alloc(network->count, sizeof *job->rounded);
    job->of_layer = qntk_alloc(network->count, sizeof *job->of_layer);
    if (job->rounded == NULL || job->of_layer == NULL)
        return QNTK_NO_MEMORY;
    for (size_t l = 0; l < network->count; l++) {
        job->rounded[l] = set.model != NULL         ? network->layers[l].levels != QNTK_LEVELS_REAL
                          : l + 1 == network->count ? set.network.last == 0
                                                    : l > 0 || set.network.first == 0;
        any = any || job->rounded[l];
    }
    for (size_t l = 0; l < network->count && !any && set.model != NULL; l++)
        job->rounded[l] = true;
    return any || set.model != NULL
               ? QNTK_OK
               : cli_message(QNTK_INVALID, "--first real and --last real leave no layer that is rounded");
}

static qntk_status choose_rows(noise_job *job)
{
    const size_t d = job->c->features;
    job->n = set.inputs < job->rows.n ? set.inputs : job->rows.n;
    job->row = qntk_alloc(job->n, sizeof *job->row);
    job->X = qntk_alloc(job->n, d * sizeof *job->X);
    qntk_status status = job->row == NULL || job->X == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK)
        status = qnn_choose_rows(set.common.seed, job->rows.n, job->n, job->row);
    for (size_t i = 0; i < job->n && status == QNTK_OK; i++)
        memcpy(job->X + i * d, job->rows.X + job->row[i] * d, d * sizeof *job->X);
    return status;
}

static qntk_status add_meta(noise_job *job)
{
    qntk_status status = cli_meta(&program, job->name, job->rows.n, job->c->features, &job->meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&job->meta, "inputs", job->n);
    if (status == QNTK_OK && set.model != NULL)
        status = qntk_meta_count(&job->meta, "model_epochs", job->c->epochs);
    return status == QNTK_OK
               ? qntk_meta_count(&job->meta, "parameters", qntk_network_parameters(&job->c->network))
               : status;
}

static qntk_status prepare(noise_job *job)
{
    qntk_status status = set.model != NULL ? load_model(job) : create_fresh(job);
    if (status == QNTK_OK)
        status = choose_layers(job);
    if (status == QNTK_OK)
        status = choose_rows(job);
    return status == QNTK_OK ? add_meta(job) : status;
}

const size_t *noise_levels(const noise_job *job, size_t index)
{
    for (size_t l = 0; l < job->c->network.count; l++)
        job->of_layer[l] = job->rounded[l] ? job->levels[index] : QNTK_LEVELS_REAL;
    return job->of_layer;
}

/* ---- the report ---- */

static void write_tsv(qntk_file *file, const void *context)
{
    const noise_job *job = context;
    qntk_table_head(file, &job->meta);
    for (size_t s = 0; s < SECTIONS; s++)
        if (sections[s]->notes != NULL)
            sections[s]->notes(file, job);
    noise_layers_table(file, job);
}

static qntk_status write_json(qntk_file *file, const void *context)
{
    const noise_job *job = context;
    cJSON *tree = NULL;
    qntk_status status = qntk_json_head(&job->meta, &tree);
    for (size_t s = 0; s < SECTIONS && status == QNTK_OK; s++)
        status = sections[s]->json(tree, job);
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

static void print_sections(FILE *stream, const void *context)
{
    for (size_t s = 0; s < SECTIONS; s++)
        sections[s]->print(stream, context);
}

static int report(noise_job *job)
{
    const cli_result result = {
        .script = "noise", .tsv = write_tsv, .json = write_json, .print = print_sections, .result = job};
    qntk_status status = prepare(job);
    for (size_t s = 0; s < SECTIONS && status == QNTK_OK; s++)
        status = sections[s]->run(job);
    return cli_result_end(&program, status, noise_layers_any(job), &result);
}

/* `word` is --option or --option=.., written in full. */
static bool names(const char *word, const char *option)
{
    const size_t length = strlen(option);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, option, length) == 0 &&
           (word[2 + length] == '\0' || word[2 + length] == '=');
}

int qnn_noise(int argc, char **argv)
{
    static qntk_checkpoint c; /* the trainer points into it */
    for (size_t s = 0; studies[s].option != NULL; s++)
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
            if (names(argv[i], studies[s].option))
                return studies[s].run(argc, argv);
    bool end;
    noise_job job = {.set = &set, .c = &c};
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end)
        code = parse_plan(&job);
    if (code != 0 || end)
        return code;
    const qntk_status status = cli_begin(&program, "noise");
    if (status != QNTK_OK)
        return cli_fail(&program, status);
    code = report(&job);
    for (size_t s = 0; s < SECTIONS; s++)
        sections[s]->free(&job);
    qnn_rows_free(&job.rows);
    qntk_checkpoint_free(&c);
    qntk_free(job.rounded);
    qntk_free(job.of_layer);
    qntk_free(job.row);
    qntk_free(job.X);
    qntk_meta_free(&job.meta);
    return code;
}
