/* qnn noise --anneal-study: every way of annealing on the same data, beside straight-through. */
#include "qnn_anneal_study.h"

#include <string.h>

#include "suite.h"

typedef struct {
    cli_common common;
    qnn_split split;
    qnn_network_settings network;
    bool study, resume, progressive;
    const char *noise, *strategy, *schedule, *sync;
    int backward; /* 0 uniform, 1 the forward noise's law */
    double period, rate;
    size_t seeds, batch, epochs;
} settings;

static settings set = {
    .split = QNN_SPLIT_DEFAULTS,
    .network = {.hidden = "64,64", .weights = "ternary", .activations = "ternary", .last = 1},
    .noise = "all",
    .strategy = "all",
    .schedule = "all",
    .sync = "all",
    .period = 5,
    .rate = 0.01,
    .seeds = 3,
    .batch = 50,
    .epochs = 15};

const char *const study_noises[] = {"uniform", "triangular", "normal", "logistic", NULL};
const char *const study_strategies[] = {"expected", "mode", "random", NULL};
const char *const study_schedules[] = {"bounded", "hyperbolic", NULL};
const char *const study_syncs[] = {"overlapped", "partition", "same-start", "same-end", NULL};

static const cli_option options[] = {
    CLI_HEADING("Study"),
    {.name = "anneal-study",
     .kind = CLI_FLAG,
     .destination = &set.study,
     .help = "train by every combination of the four lists below, and straight-through"},
    {.name = "noise",
     .kind = CLI_TEXT,
     .destination = &set.noise,
     .argument = "N,N,..",
     .help = "of uniform, triangular, normal and logistic, at their usual scales"},
    {.name = "strategy",
     .kind = CLI_TEXT,
     .destination = &set.strategy,
     .argument = "S,S,..",
     .help = "of expected, mode and random"},
    {.name = "schedule",
     .kind = CLI_TEXT,
     .destination = &set.schedule,
     .argument = "S,S,..",
     .help = "of bounded and hyperbolic"},
    {.name = "sync",
     .kind = CLI_TEXT,
     .destination = &set.sync,
     .argument = "S,S,..",
     .help = "of overlapped, partition, same-start and same-end"},
    {.name = "progressive",
     .kind = CLI_FLAG,
     .destination = &set.progressive,
     .help = "early layers lose their noise faster"},
    {.name = "backward-noise",
     .kind = CLI_CHOICE,
     .destination = &set.backward,
     .choices = "uniform|forward",
     .help = "of the slope, at the usual scale, not annealed: uniform, or the law of the forward noise"},
    {.name = "period",
     .kind = CLI_NUMBER,
     .destination = &set.period,
     .argument = "EPOCHS",
     .high = 1e6,
     .help = "of annealing a layer: all of them take so many times their number"},
    {.name = "seeds",
     .kind = CLI_COUNT,
     .destination = &set.seeds,
     .argument = "N",
     .high = STUDY_SEEDS_MAX,
     .help = "trainings of each, from --seed on"},
    {.name = "resume",
     .kind = CLI_FLAG,
     .destination = &set.resume,
     .role = CLI_ASIDE,
     .needs = "out",
     .help = "keep the rows that the file of --out has already"},
    CLI_DATA_OPTIONS(set.common),
    QNN_SPLIT_OPTIONS(set.split),
    CLI_HEADING("Network"),
    QNN_WIDTH_OPTIONS(set.network, "of the rounded layers; K from 1 to 16"),
    QNN_LAYER_OPTIONS(set.network),
    QNN_ACTIVATION_OPTION(set.network),
    CLI_HEADING("Training"),
    {.name = "lr",
     .kind = CLI_NUMBER,
     .destination = &set.rate,
     .argument = "RATE",
     .low = 1e-12,
     .high = 1e12,
     .help = "learning rate of Adam"},
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
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "qnn noise --anneal-study",
    .synopsis = "--data SPEC [options]",
    .summary =
        "Trains the same network by every combination of noise, strategy, schedule and synchronisation of "
        "additive noise\nannealing, several seeds each: training, test and gap with their spread, a row a "
        "combination. In front of them\nstraight-through, and annealing without forward noise, which is the "
        "same: `agree` counts the seeds for which\nall weights are equal to the bit.",
    .examples =
        "  qnn noise --anneal-study --data t10k-images-idx3-ubyte.gz --rows sphere --limit 2000 --out "
        "study.tsv --plot study.png\n"
        "  qnn noise --anneal-study --data uci/abalone --scale zscore --noise uniform,normal --sync "
        "partition --seeds 10\n"
        "\nThe head says of each noise how its expected step function agrees with quadrature and draws, and "
        "its "
        "slope with\nthe Lipschitz constant. Networks are judged without noise. What is complete is in the "
        "file of --out at once; "
        "--resume goes on from it.\n",
    .options = options,
    .common = &set.common,
};

/* ---- the rows there are to be ---- */

static int bad_words(const char *option, const char *text, const char *const *words)
{
    char list[128] = "";
    for (size_t k = 0, used = 0; words[k] != NULL && used < sizeof list; k++)
        used += (size_t)snprintf(list + used, sizeof list - used, ", %s", words[k]);
    return cli_usage(&program, "--%s: expected all or, each once, out of%s, found '%s'", option, list + 1,
                     text);
}

/* The words of "all" or "a,b,c", as flags; 0, or CLI_USAGE after saying why not. */
static int parse_words(const char *option, const char *text, const char *const *words, bool *wanted)
{
    const bool all = strcmp(text, "all") == 0;
    for (size_t k = 0; all && words[k] != NULL; k++)
        wanted[k] = true;
    for (const char *at = text; !all; at++) {
        const size_t length = strcspn(at, ",");
        size_t k = 0;
        while (words[k] != NULL && (strlen(words[k]) != length || strncmp(words[k], at, length) != 0))
            k++;
        if (words[k] == NULL || wanted[k])
            return bad_words(option, text, words);
        wanted[k] = true;
        at += length;
        if (*at == '\0')
            break;
    }
    return 0;
}

static int parse_rows(study_job *j)
{
    bool *noise = j->noise, strategy[STUDY_STRATEGIES] = {0}, schedule[STUDY_SCHEDULES] = {0},
         sync[QNTK_ANNEAL_SYNC_COUNT] = {0};
    int code = parse_words("noise", set.noise, study_noises, noise);
    if (code == 0)
        code = parse_words("strategy", set.strategy, study_strategies, strategy);
    if (code == 0)
        code = parse_words("schedule", set.schedule, study_schedules, schedule);
    if (code == 0)
        code = parse_words("sync", set.sync, study_syncs, sync);
    if (code != 0)
        return code;
    const size_t all = (size_t)QNTK_NOISE_COUNT * STUDY_STRATEGIES * STUDY_SCHEDULES * QNTK_ANNEAL_SYNC_COUNT;
    j->row = qntk_alloc_zero(2 + all, sizeof *j->row);
    if (j->row == NULL)
        return cli_fail(&program, QNTK_NO_MEMORY);
    j->row[0].kind = STUDY_STE;
    j->row[1].kind = STUDY_NO_NOISE;
    j->count = 2;
    for (size_t k = 0; k < all; k++) {
        const size_t y = k % QNTK_ANNEAL_SYNC_COUNT, c = k / QNTK_ANNEAL_SYNC_COUNT % STUDY_SCHEDULES,
                     s = k / QNTK_ANNEAL_SYNC_COUNT / STUDY_SCHEDULES % STUDY_STRATEGIES,
                     n = k / QNTK_ANNEAL_SYNC_COUNT / STUDY_SCHEDULES / STUDY_STRATEGIES;
        if (noise[n] && strategy[s] && schedule[c] && sync[y])
            j->row[j->count++] = (study_row){.kind = STUDY_ANNEALED,
                                             .noise = (qntk_noise_shape)n,
                                             .strategy = (qntk_strategy)s,
                                             .schedule = (qntk_anneal_law)c,
                                             .sync = (qntk_anneal_sync)y};
    }
    return 0;
}

size_t study_complete(const study_job *j)
{
    size_t complete = 0;
    for (size_t i = 0; i < j->count; i++)
        complete += j->row[i].present;
    return complete;
}

/* ---- the whole ---- */

/* What decides the numbers of a row; --resume compares it. The lists do not. */
static qntk_status add_meta(study_job *j)
{
    char crc[16];
    uint32_t print = qntk_checkpoint_fingerprint(j->c.fingerprint, j->test.n * j->c.features, j->test.raw);
    print = qntk_checkpoint_fingerprint(print, j->test.n, j->test.y);
    snprintf(crc, sizeof crc, "%08x", (unsigned)print);
    const struct {
        const char *key, *text;
        double number;
    } items[] = {
        {"protocol", set.split.protocol, 0},
        {"train_n", NULL, (double)j->train.n},
        {"data_crc32", crc, 0},
        {"hidden", set.network.hidden, 0},
        {"weights", set.network.weights, 0},
        {"first", set.network.first == 1 ? "real" : "rounded", 0},
        {"last", set.network.last == 1 ? "real" : "rounded", 0},
        {"b_std", NULL, set.network.b_std},
        {"activations", set.network.activations, 0},
        {"progressive", set.progressive ? "yes" : "no", 0},
        {"backward", set.backward == 1 ? "forward" : "uniform", 0},
        {"period", NULL, set.period},
        {"lr", NULL, set.rate},
        {"batch", NULL, (double)set.batch},
        {"epochs", NULL, (double)set.epochs},
        {"seeds", NULL, (double)j->seeds},
    };
    qntk_status status = cli_meta(&program, j->name, j->train.n + j->test.n, j->c.features, &j->meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "classes", j->c.classes);
    for (size_t i = 0; i < sizeof items / sizeof *items && status == QNTK_OK; i++)
        status = items[i].text != NULL ? qntk_meta_text(&j->meta, items[i].key, items[i].text)
                                       : qntk_meta_number(&j->meta, items[i].key, items[i].number);
    return status;
}

static bool has_steps(const qnn_shape *shape)
{
    bool any = shape->activation > 0;
    for (size_t l = 0; l < shape->count; l++)
        any = any || shape->levels[l] != QNTK_LEVELS_REAL;
    return any;
}

static int parse_plan(study_job *j)
{
    if (!set.study)
        return cli_usage(&program, "expected --anneal-study");
    if (set.common.data == NULL)
        return cli_usage(&program, "give --data SPEC");
    if (set.resume && strcmp(set.common.out, "-") == 0)
        return cli_usage(&program, "--resume goes on from the file of --out: give its name");
    if (set.split.test != NULL && set.common.missing == QNTK_MISSING_MEAN)
        return cli_usage(&program,
                         "--missing mean means nothing with --test: the means of which rows? Pass drop");
    const int code = qnn_parse_shape(&program, &set.network, &j->shape);
    if (code == 0 && !has_steps(&j->shape))
        return cli_usage(&program, "real weights and --activations relu leave nothing to anneal");
    j->seeds = set.seeds;
    j->b_std = set.network.b_std;
    j->epochs = set.epochs;
    j->backward_forward = set.backward == 1;
    j->options = qntk_train_defaults();
    j->options.rounding = QNTK_ROUNDING_NEAREST;
    j->options.rate = set.rate;
    j->options.batch = set.batch;
    j->options.seed = set.common.seed;
    j->options.anneal.progressive = set.progressive;
    j->options.anneal.period = set.period;
    return code == 0 ? parse_rows(j) : code;
}

/* The expected step functions of the weights, or where all are real of the activations. */
static qntk_status measure_functions(study_job *j)
{
    qntk_status status = QNTK_OK;
    qntk_steps steps = qntk_steps_normal(j->shape.activation, j->shape.positive, sqrt(2));
    for (size_t l = j->shape.count; l-- > 0;)
        if (j->shape.levels[l] != QNTK_LEVELS_REAL)
            steps = qntk_steps_symmetric(j->shape.levels[l]);
    for (int k = 0; k < QNTK_NOISE_COUNT && status == QNTK_OK; k++) {
        const qntk_noise_shape shape = (qntk_noise_shape)k;
        if (j->noise[k])
            status = study_measure(steps, (qntk_noise){shape, 0, qntk_noise_usual_scale(shape)},
                                   set.common.seed, &j->function[k]);
    }
    return status;
}

static qntk_status prepare(study_job *j)
{
    const qnn_training_settings automatic = {.loss = 0};
    qntk_status status = cli_begin(&program, "anneal");
    if (status == QNTK_OK)
        status = qnn_read_training(&set.common, &set.split, &j->c, j->name, &j->train, &j->test);
    if (status != QNTK_OK)
        return status;
    qnn_fit_shape(&j->shape, j->c.features, j->c.classes);
    status = qnn_fit_training(&automatic, j->name, j->train.n, j->c.classes, &j->options);
    if (status == QNTK_OK)
        status = qnn_targets(&j->c, j->options.loss, &j->train);
    if (status == QNTK_OK)
        status = add_meta(j);
    if (status == QNTK_OK)
        status = measure_functions(j);
    return status == QNTK_OK && set.resume ? study_resume(j) : status;
}

/* Writes what is complete, and says how it ended. */
static int finish(const study_job *j, qntk_status status)
{
    const size_t complete = study_complete(j);
    if (status != QNTK_OK && complete == 0)
        return cli_fail(&program, status);
    const bool interrupted = status == QNTK_INTERRUPTED;
    qntk_interrupt_clear(); /* what is complete is kept, plot included */
    if (status != QNTK_OK)
        cli_note(&program, status, "; %zu of %zu rows are complete%s", complete, j->count,
                 suite_can_be_replaced(set.common.out) ? "; go on with --resume" : "");
    qntk_status written = study_write(j);
    if (written == QNTK_OK && set.common.plot != NULL)
        written = study_draw(j);
    if (written != QNTK_OK)
        return cli_fail(&program, written);
    if (!set.common.quiet)
        study_print(j, stderr);
    return status == QNTK_OK ? 0 : interrupted ? cli_interrupted() : CLI_FAILURE;
}

int qnn_anneal_study(int argc, char **argv)
{
    bool end;
    study_job j = {.program = &program};
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end)
        code = parse_plan(&j);
    if (code == 0 && !end) {
        qntk_status status = prepare(&j);
        if (status == QNTK_OK)
            code = finish(&j, study_run(&j));
        else
            code = cli_fail(&program, status);
    }
    qntk_checkpoint_free(&j.c);
    qnn_rows_free(&j.train);
    qnn_rows_free(&j.test);
    qntk_free(j.row);
    qntk_meta_free(&j.meta);
    return code;
}
