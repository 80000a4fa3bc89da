/* qnn train: a network, epoch by epoch, with its log and its checkpoints. */
#include "qnn_training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    cli_common common;
    qnn_split split;
    qnn_network_settings network;
    qnn_training_settings training;
    int measure; /* 0 expected output, 1 one draw */
    const char *save, *resume;
} settings;

static settings set = {
    .split = QNN_SPLIT_DEFAULTS,
    .network = {.hidden = "1024,1024", .weights = "binary", .activations = "relu", .last = 1},
    .training = QNN_TRAINING_DEFAULTS};

static const cli_option options[] = {
    CLI_DATA_OPTIONS(set.common),
    QNN_SPLIT_OPTIONS(set.split),
    CLI_HEADING("Network"),
    QNN_WIDTH_OPTIONS(set.network, "of the rounded layers; K from 1 to 16"),
    QNN_ROUNDING_OPTION(set.training),
    QNN_LAYER_OPTIONS(set.network),
    QNN_ACTIVATION_OPTION(set.network),
    QNN_TRAINING_OPTIONS(set.training),
    {.name = "measure",
     .kind = CLI_CHOICE,
     .destination = &set.measure,
     .choices = "expected|draw",
     .help = "train and test by the expected output (quasi network) or one rounding draw"},
    QNN_ANNEAL_OPTIONS(set.training.anneal),
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
    .summary = "Trains a fully connected network with rounded weights; one row an epoch: mean loss, accuracy "
               "(or mean\nsquared error) on training and test rows, and the gap between them.",
    .examples =
        "  qnn train --data t10k-images-idx3-ubyte.gz --rows sphere --hidden 1024,1024 --save digits.qnn\n"
        "  qnn train --data uci/abalone --scale zscore --hidden 256 --weights ternary --method ste\n"
        "  qnn train --data uci/abalone --scale zscore --weights ternary --method ana --noise normal "
        "--period 8\n"
        "  qnn train --data t10k-images-idx3-ubyte.gz --rows sphere --weights ternary --activations ternary "
        "--method ana\n"
        "  qnn train --data friedman1:n=2000,noise=1 --weights bits=4 --b-std 0.1 --plot curve.png\n",
    .options = options,
    .common = &set.common,
};

/* ---- settings ---- */

typedef struct {
    qnn_shape shape; /* fits once the data is known */
    qntk_train_options train;
} plan;

/* What multi-step activations allow: a method with a gradient through them, and an expected output. */
static int check_activations(plan *p)
{
    if (p->train.method == QNTK_METHOD_BINARYCONNECT)
        return cli_usage(
            &program,
            "--activations %s has derivative 0 almost everywhere, and --method binaryconnect puts "
            "nothing in its place: pass --method ste or ana",
            set.network.activations);
    if (!cli_given(&program, "rounding"))
        p->train.rounding = QNTK_ROUNDING_NEAREST;
    else if (p->train.rounding == QNTK_ROUNDING_STOCHASTIC && set.measure == 0)
        return cli_usage(
            &program,
            "the expected output of --rounding stochastic is known for --activations relu only: pass "
            "--rounding nearest or --measure draw");
    set.training.rounding = (int)p->train.rounding;
    return 0;
}

static int parse_plan(plan *p)
{
    if (set.common.data == NULL)
        return cli_usage(&program, "give --data SPEC");
    if (set.split.test != NULL && set.common.missing == QNTK_MISSING_MEAN)
        return cli_usage(&program,
                         "--missing mean means nothing with --test: the means of which rows? Pass drop");
    int code = qnn_parse_shape(&program, &set.network, &p->shape);
    if (code == 0)
        code = qnn_parse_training(&program, &set.training, &p->train);
    return code == 0 && p->shape.activation > 0 ? check_activations(p) : code;
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

static qntk_status start(const plan *p, job *j)
{
    qntk_status status = qnn_start(&p->shape, set.network.b_std, set.common.seed, &j->c.network);
    return status == QNTK_OK ? qntk_trainer_create(&j->c.network, p->train, &j->c.trainer) : status;
}

/* An error unless the saved network is the one that the options and the data would have started. */
static qntk_status check_same(const plan *p, const qntk_checkpoint *fresh, const qntk_checkpoint *saved)
{
    if (!qnn_has_shape(&saved->network, &p->shape, set.network.b_std))
        return cli_message(QNTK_INVALID,
                           "%s: expected the network of the options, found another shape, other "
                           "weights, activations or --b-std",
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
    const qntk_rounding rounding = (qntk_rounding)set.training.rounding;
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
    while (j->c.epochs < set.training.epochs) {
        if (set.training.patience > 0 && qntk_trainer_stalled(j->c.trainer) >= set.training.patience)
            break;
        const double begin = cli_seconds();
        qntk_status status = run_epoch(j);
        if (status != QNTK_OK)
            return status;
        if (live)
            qnn_print_epoch(&j->c, set.training.epochs, cli_seconds() - begin);
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
    qnn_fit_shape(&p->shape, j->c.features, j->c.classes);
    status = qnn_fit_training(&set.training, j->name, j->train.n, j->c.classes, &p->train);
    if (status != QNTK_OK)
        return status;
    const size_t most = j->train.n > j->test.n ? j->train.n : j->test.n;
    j->F = qntk_alloc(most, qnn_outputs(j->c.classes) * sizeof *j->F);
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
    qntk_status status = cli_begin(&program, "train");
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
