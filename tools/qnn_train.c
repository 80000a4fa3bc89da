/* qnn train: a network, epoch by epoch, with its log and its checkpoints. */
#include "qnn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LAYERS_MAX = 32 };

typedef struct {
    cli_common common;
    qnn_split split;
    const char *hidden, *weights;
    int first, last; /* 0 rounded, 1 real */
    double b_std;
    int rounding, method, loss, optimizer; /* loss: 0 automatic */
    double rate, rate_factor, momentum;
    const char *rate_steps;
    size_t batch, epochs, patience;
    qnn_anneal anneal;
    int measure; /* 0 expected output, 1 one draw */
    const char *save, *resume;
} settings;

static settings set = {.split = {.split = NAN, .fold = 1},
                       .hidden = "1024,1024",
                       .weights = "binary",
                       .last = 1,
                       .optimizer = QNTK_OPTIMIZER_ADAM,
                       .rate = NAN,
                       .rate_factor = 0.1,
                       .batch = 100,
                       .epochs = 20,
                       .anneal = {.beta = NAN, .backward_beta = NAN, .period = 5}};

static const cli_option options[] = {
    CLI_DATA_OPTIONS(set.common),
    {.name = "test",
     .kind = CLI_TEXT,
     .destination = &set.split.test,
     .argument = "FILE",
     .role = CLI_READS,
     .against = "split|fold",
     .help = "train on --data, test on this; columns and classes are matched by name"},
    {.name = "test-labels",
     .kind = CLI_TEXT,
     .destination = &set.split.test_labels,
     .argument = "FILE",
     .role = CLI_READS,
     .needs = "test",
     .help = "labels of --test, for .npy and IDX data"},
    {.name = "split",
     .kind = CLI_NUMBER,
     .destination = &set.split.split,
     .argument = "SHARE",
     .high = 0.99,
     .against = "fold",
     .help = "of rows to test on, stratified; 0: none [0.2, or a UCI folder's published split]"},
    {.name = "fold",
     .kind = CLI_COUNT,
     .destination = &set.split.fold,
     .argument = "K",
     .high = QNTK_FOLDS_MAX,
     .help = "which published split of a UCI folder"},
    CLI_HEADING("Network"),
    {.name = "hidden",
     .kind = CLI_TEXT,
     .destination = &set.hidden,
     .argument = "W,W,..",
     .help = "widths of the hidden layers"},
    {.name = "weights",
     .kind = CLI_TEXT,
     .destination = &set.weights,
     .argument = "real|binary|ternary|bits=K",
     .help = "of the rounded layers; K from 1 to 16"},
    {.name = "rounding",
     .kind = CLI_CHOICE,
     .destination = &set.rounding,
     .choices = "stochastic|nearest",
     .help = "a fresh unbiased draw each step, or the nearest level"},
    {.name = "first",
     .kind = CLI_CHOICE,
     .destination = &set.first,
     .choices = "rounded|real",
     .help = "weights of the first layer"},
    {.name = "last",
     .kind = CLI_CHOICE,
     .destination = &set.last,
     .choices = "rounded|real",
     .help = "weights of the readout"},
    {.name = "b-std",
     .kind = CLI_NUMBER,
     .destination = &set.b_std,
     .argument = "S",
     .high = 1e6,
     .help = "scale of the biases; 0: none, as in the kernels"},
    CLI_HEADING("Training"),
    {.name = "method",
     .kind = CLI_CHOICE,
     .destination = &set.method,
     .choices = "binaryconnect|ste|ana",
     .help = "how the gradient at rounded weights moves the latent ones; ana: additive noise annealing"},
    {.name = "loss",
     .kind = CLI_CHOICE,
     .destination = &set.loss,
     .choices = "auto|squared|cross-entropy|squared-hinge",
     .help = "auto: cross-entropy for classes, squared for numbers"},
    {.name = "optimizer",
     .kind = CLI_CHOICE,
     .destination = &set.optimizer,
     .choices = "sgd|adam",
     .help = "Adam, or gradient descent"},
    {.name = "lr",
     .kind = CLI_NUMBER,
     .destination = &set.rate,
     .argument = "RATE",
     .low = 1e-12,
     .high = 1e12,
     .help = "learning rate [0.01 for adam, 0.1 for sgd]"},
    {.name = "lr-steps",
     .kind = CLI_TEXT,
     .destination = &set.rate_steps,
     .argument = "E,E,..",
     .help = "multiply the rate by --lr-factor after these epochs"},
    {.name = "lr-factor",
     .kind = CLI_NUMBER,
     .destination = &set.rate_factor,
     .argument = "F",
     .low = 1e-6,
     .high = 1,
     .needs = "lr-steps",
     .help = "see --lr-steps"},
    {.name = "momentum",
     .kind = CLI_NUMBER,
     .destination = &set.momentum,
     .argument = "M",
     .high = 0.9999,
     .needs = "optimizer",
     .help = "of sgd"},
    {.name = "batch",
     .kind = CLI_COUNT,
     .destination = &set.batch,
     .argument = "N",
     .high = 1e6,
     .help = "rows a step"},
    {.name = "epochs",
     .kind = CLI_COUNT,
     .destination = &set.epochs,
     .argument = "N",
     .help = "passes over the training rows"},
    {.name = "patience",
     .kind = CLI_COUNT,
     .destination = &set.patience,
     .argument = "N",
     .help = "stop when the training loss has not improved for N epochs"},
    {.name = "measure",
     .kind = CLI_CHOICE,
     .destination = &set.measure,
     .choices = "expected|draw",
     .help = "train and test by the expected output (quasi network) or one rounding draw"},
    QNN_ANNEAL_OPTIONS(set.anneal),
    CLI_HEADING("Model"),
    {.name = "save",
     .kind = CLI_TEXT,
     .destination = &set.save,
     .argument = "FILE",
     .role = CLI_WRITES,
     .help = "write the network after each epoch, with all that --resume and predict need"},
    {.name = "resume",
     .kind = CLI_TEXT,
     .destination = &set.resume,
     .argument = "FILE",
     .role = CLI_ASIDE, /* the numbers are those of not stopping */
     .help = "go on from a saved network; the other options as before, but for --epochs"},
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "qnn train",
    .synopsis = "--data SPEC [options]",
    .summary =
        "Trains a fully connected ReLU network with rounded weights; one row an epoch: mean loss, accuracy "
        "(or mean\nsquared error) on training and test rows, and the gap between them.",
    .examples =
        "  qnn train --data t10k-images-idx3-ubyte.gz --rows sphere --hidden 1024,1024 --save digits.qnn\n"
        "  qnn train --data uci/abalone --scale zscore --hidden 256 --weights ternary --method ste\n"
        "  qnn train --data uci/abalone --scale zscore --weights ternary --method ana --noise normal "
        "--period 8\n"
        "  qnn train --data friedman1:n=2000,noise=1 --weights bits=4 --b-std 0.1 --plot curve.png\n",
    .options = options,
    .common = &set.common,
};

/* ---- settings ---- */

/* What the command line asks for, once the data is known. */
typedef struct {
    size_t hidden, width[LAYERS_MAX], levels;
    qntk_train_options train;
} plan;

static int parse_plan(plan *p)
{
    p->train = qntk_train_defaults();
    if (set.common.data == NULL)
        return cli_usage(&program, "give --data SPEC");
    if (set.split.test != NULL && set.common.missing == QNTK_MISSING_MEAN)
        return cli_usage(&program,
                         "--missing mean means nothing with --test: the means of which rows? Pass drop");
    p->hidden = qnn_parse_list(&program, "hidden", set.hidden, 1, LAYERS_MAX, p->width);
    if (p->hidden == 0 || !qnn_parse_weights(&program, set.weights, &p->levels))
        return CLI_USAGE;
    if (set.rate_steps != NULL) {
        p->train.rate_steps =
            qnn_parse_list(&program, "lr-steps", set.rate_steps, 1, QNTK_RATE_STEPS_MAX, p->train.rate_epoch);
        if (p->train.rate_steps == 0)
            return CLI_USAGE;
        for (size_t k = 1; k < p->train.rate_steps; k++)
            if (p->train.rate_epoch[k] <= p->train.rate_epoch[k - 1])
                return cli_usage(&program, "--lr-steps: expected ascending epochs, found '%s'",
                                 set.rate_steps);
    }
    if (set.momentum > 0 && set.optimizer != QNTK_OPTIMIZER_SGD)
        return cli_usage(&program, "--momentum means nothing without --optimizer sgd");
    if (isnan(set.rate))
        set.rate = set.optimizer == QNTK_OPTIMIZER_ADAM ? 1e-2 : 0.1;
    p->train.method = (qntk_train_method)set.method;
    p->train.rounding = (qntk_rounding)set.rounding;
    p->train.optimizer = (qntk_optimizer)set.optimizer;
    p->train.rate = set.rate;
    p->train.rate_factor = set.rate_factor;
    p->train.momentum = set.momentum;
    p->train.batch = set.batch;
    p->train.seed = set.common.seed;
    const int code = qnn_anneal_options(&program, &set.anneal, &p->train);
    set.rounding = (int)p->train.rounding;
    return code;
}

/* ---- the network ---- */

typedef struct {
    qntk_checkpoint c;
    qnn_rows train, test;
    double *F, *answer; /* (most rows, outputs), (most rows) */
    size_t saved;       /* epochs in the file of --save */
    char name[128];
    qntk_meta meta;
} job;

/* Sizes and levels of the layers that the plan asks for, for these data. */
static size_t layers_of(const plan *p, const qntk_checkpoint *c, size_t sizes[LAYERS_MAX + 2],
                        size_t levels[LAYERS_MAX + 1])
{
    sizes[0] = c->features;
    for (size_t l = 0; l < p->hidden; l++) {
        sizes[l + 1] = p->width[l];
        levels[l] = l == 0 && set.first == 1 ? QNTK_LEVELS_REAL : p->levels;
    }
    sizes[p->hidden + 1] = c->classes > 0 ? c->classes : 1;
    levels[p->hidden] = set.last == 1 ? QNTK_LEVELS_REAL : p->levels;
    return p->hidden + 1;
}

static qntk_status start(const plan *p, job *j)
{
    size_t sizes[LAYERS_MAX + 2], levels[LAYERS_MAX + 1], count = layers_of(p, &j->c, sizes, levels);
    qntk_status status = qntk_network_create(count, sizes, levels, set.b_std, set.common.seed, &j->c.network);
    return status == QNTK_OK ? qntk_trainer_create(&j->c.network, p->train, &j->c.trainer) : status;
}

/* An error unless the saved network is the one that the options and the data would have started. */
static qntk_status check_same(const plan *p, const qntk_checkpoint *fresh, const qntk_checkpoint *saved)
{
    size_t sizes[LAYERS_MAX + 2], levels[LAYERS_MAX + 1], count = layers_of(p, fresh, sizes, levels);
    bool same = count == saved->network.count;
    for (size_t l = 0; l < count && same; l++) {
        const qntk_network_layer *layer = &saved->network.layers[l];
        same = layer->fan_in == sizes[l] && layer->fan_out == sizes[l + 1] && layer->levels == levels[l] &&
               layer->b_std == set.b_std;
    }
    if (!same)
        return cli_message(QNTK_INVALID,
                           "%s: expected the network of the options, found another shape, other "
                           "weights or --b-std",
                           set.resume);
    const char *difference = qntk_train_options_difference(&p->train, qntk_trainer_options(saved->trainer));
    if (difference != NULL)
        return cli_message(QNTK_INVALID, "%s: expected the %s of the options, found another", set.resume,
                           difference);
    if (fresh->fingerprint != saved->fingerprint || fresh->sphere != saved->sphere ||
        memcmp(fresh->shift, saved->shift, fresh->features * sizeof *fresh->shift) != 0 ||
        memcmp(fresh->scale, saved->scale, fresh->features * sizeof *fresh->scale) != 0)
        return cli_message(QNTK_INVALID, "%s: was trained on other rows, or scaled otherwise", set.resume);
    return QNTK_OK;
}

/* The saved network in place of a new one. */
static qntk_status resume(const plan *p, job *j)
{
    qntk_checkpoint fresh = j->c;
    qntk_status status = qntk_checkpoint_load(set.resume, &j->c);
    if (status == QNTK_OK)
        status = check_same(p, &fresh, &j->c);
    qntk_checkpoint_free(&fresh);
    return status;
}

/* ---- epochs ---- */

static qntk_status measure(job *j, const qnn_rows *rows, double *score)
{
    const qntk_network *network = &j->c.network;
    const qntk_rounding rounding = (qntk_rounding)set.rounding;
    *score = NAN;
    if (rows->n == 0)
        return QNTK_OK;
    qntk_status status = set.measure == 0 ? qntk_network_expect(network, rounding, rows->n, rows->X, j->F)
                                          : qntk_network_sample(network, rounding, set.common.seed,
                                                                j->c.epochs, 1, rows->n, rows->X, j->F);
    if (status == QNTK_OK)
        status = qnn_answers(&j->c, rows->n, j->F, j->answer);
    if (status == QNTK_OK)
        *score = qnn_score(&j->c, rows->n, rows->y, j->answer);
    return status;
}

static qntk_status run_epoch(job *j)
{
    qntk_train_record record = {.rate = qntk_trainer_rate(j->c.trainer)};
    qntk_status status = qntk_trainer_epoch(j->c.trainer, j->train.n, j->train.X, j->train.T, &record.loss);
    if (status == QNTK_OK)
        status = measure(j, &j->train, &record.train);
    if (status == QNTK_OK)
        status = measure(j, &j->test, &record.test);
    if (status == QNTK_OK)
        status = qntk_checkpoint_record(&j->c, record);
    if (status == QNTK_OK && set.save != NULL)
        status = qntk_checkpoint_save(set.save, &j->c);
    if (status == QNTK_OK && set.save != NULL)
        j->saved = j->c.epochs;
    return status;
}

static qntk_status run_epochs(job *j)
{
    const bool live = !set.common.quiet && isatty(STDERR_FILENO);
    while (j->c.epochs < set.epochs) {
        if (set.patience > 0 && qntk_trainer_stalled(j->c.trainer) >= set.patience)
            break;
        const double begin = cli_seconds();
        qntk_status status = run_epoch(j);
        if (status != QNTK_OK)
            return status;
        if (live)
            qnn_print_epoch(&j->c, set.epochs, cli_seconds() - begin);
    }
    return QNTK_OK;
}

/* ---- one run ---- */

static qntk_status add_meta(job *j)
{
    qntk_status status = cli_meta(&program, j->name, j->train.n + j->test.n, j->c.features, &j->meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "classes", j->c.classes);
    if (status == QNTK_OK)
        status = qntk_meta_text(&j->meta, "protocol", set.split.protocol);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "train_n", j->train.n);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "test_n", j->test.n);
    return status == QNTK_OK ? qntk_meta_count(&j->meta, "parameters", qntk_network_parameters(&j->c.network))
                             : status;
}

static qntk_status prepare(plan *p, job *j)
{
    qntk_status status = qnn_read_training(&set.common, &set.split, &j->c, j->name, &j->train, &j->test);
    if (status != QNTK_OK)
        return status;
    if (set.loss > 1 && j->c.classes == 0)
        return cli_message(QNTK_INVALID, "%s: the target is a number: --loss squared is the one for it",
                           j->name);
    p->train.loss = set.loss > 0       ? (qntk_loss)(set.loss - 1)
                    : j->c.classes > 0 ? QNTK_LOSS_CROSS_ENTROPY
                                       : QNTK_LOSS_SQUARED;
    if (p->train.batch > j->train.n)
        p->train.batch = j->train.n; /* the same steps, less memory */
    const size_t most = j->train.n > j->test.n ? j->train.n : j->test.n;
    const size_t outputs = j->c.classes > 0 ? j->c.classes : 1;
    j->F = qntk_alloc(most, outputs * sizeof *j->F);
    j->answer = qntk_alloc(most, sizeof *j->answer);
    if (j->F == NULL || j->answer == NULL)
        return QNTK_NO_MEMORY;
    status = qnn_targets(&j->c, p->train.loss, &j->train);
    if (status == QNTK_OK)
        status = set.resume != NULL ? resume(p, j) : start(p, j);
    return status == QNTK_OK ? add_meta(j) : status;
}

/* Writes what is complete, and says how it ended. */
static int finish(job *j, qntk_status status)
{
    qntk_status written = QNTK_OK;
    if (j->c.epochs > 0 && j->meta.count > 0) {
        const bool interrupted = status == QNTK_INTERRUPTED;
        qntk_interrupt_clear(); /* what is complete is kept, plot included */
        if (status != QNTK_OK) {
            char kept[160] = "";
            if (j->saved == j->c.epochs)
                snprintf(kept, sizeof kept, "; %.100s has it", set.save);
            cli_note(&program, status, "; the last complete epoch is %zu%s", j->c.epochs, kept);
        }
        written = qnn_write_log(&set.common, &j->meta, &j->c);
        if (written != QNTK_OK)
            return cli_fail(&program, written);
        return status == QNTK_OK ? 0 : interrupted ? cli_interrupted() : CLI_FAILURE;
    }
    return status == QNTK_OK ? 0 : cli_fail(&program, status);
}

int qnn_train(int argc, char **argv)
{
    static job j; /* the trainer points into it */
    bool end;
    plan p = {0};
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end)
        code = parse_plan(&p);
    if (code != 0 || end)
        return code;
    qntk_status status = cli_start(&program);
    if (status == QNTK_OK && set.common.plot != NULL)
        status = qntk_plot_check("train", set.common.plot);
    if (status == QNTK_OK)
        status = cli_check_outputs(&program);
    if (status != QNTK_OK)
        return cli_fail(&program, status);
    status = prepare(&p, &j);
    if (status == QNTK_OK)
        status = run_epochs(&j);
    code = finish(&j, status);
    qntk_checkpoint_free(&j.c);
    qnn_rows_free(&j.train);
    qnn_rows_free(&j.test);
    qntk_free(j.F);
    qntk_free(j.answer);
    qntk_meta_free(&j.meta);
    return code;
}
