/* qnn noise --sweep: a grid of models, each trained, judged and measured, and which measure goes with the gap. */
#include "qnn_sweep.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef struct {
    cli_common common;
    const char *grid;
    bool resume;
    size_t resamples;
} settings;

static settings set = {.resamples = 1000};

static const cli_option options[] = {
    CLI_HEADING("Sweep"),
    {.name = "sweep",
     .kind = CLI_TEXT,
     .destination = &set.grid,
     .argument = "FILE",
     .role = CLI_READS,
     .help = "the grid: data, what models differ in, and how they are trained (see below)"},
    {.name = "resume",
     .kind = CLI_FLAG,
     .destination = &set.resume,
     .role = CLI_ASIDE,
     .needs = "out",
     .help = "keep the models that the file of --out, or its .part, has already"},
    {.name = "resamples",
     .kind = CLI_COUNT,
     .destination = &set.resamples,
     .argument = "N",
     .high = 1 << 20,
     .help = "of the models, for the intervals of correlations"},
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static cli_program program = {
    .name = "qnn noise --sweep",
    .synopsis = "FILE [options]",
    .summary = "Trains every model of a grid, one row each: training, test, the gap between them, and "
               "measures of the "
               "trained\nnetwork; then Kendall's rank correlation of each measure with the gap, over all "
               "models and for "
               "each number\nof bits and rounding.",
    .options = options,
    .common = &set.common,
};

static const char examples[] = "  qnn noise --sweep data/sweep.grid --out sweep.tsv --plot sweep.png\n"
                               "  qnn noise --sweep data/sweep.grid --out sweep.tsv --resume\n"
                               "\nEach complete model is in FILE.part, on the disk, until all are and FILE "
                               "appears: what is interrupted or killed\n"
                               "loses the models under way, and --resume goes on. A grid may have grown "
                               "since. --seed decides the split of the\n"
                               "rows and the resamples; the seeds of the grid are those of the models.\n";

/* ---- the data ---- */

static void set_data(const qntk_sweep *s, cli_common *common, qnn_split *split)
{
    common->data = s->data;
    common->target = s->target;
    common->labels = s->labels;
    common->task = (int)s->task;
    common->limit = s->limit;
    common->scale = (int)s->scale;
    common->rows = (int)s->rows;
    common->missing = (int)s->missing;
    *split = (qnn_split){.split = s->split, .fold = s->fold};
}

static qntk_status read_data(sweep_job *j, qnn_split *split)
{
    cli_common common = set.common;
    set_data(&j->sweep, &common, split);
    qntk_status status = qnn_read_training(&common, split, &j->c, j->name, &j->train, &j->test);
    if (status != QNTK_OK)
        return status;
    if (j->c.classes == 0 && j->sweep.loss > 1)
        return cli_message(QNTK_INVALID, "%s: the target is a number: loss = squared is the one for it",
                           j->name);
    status = qnn_targets(&j->c, qntk_sweep_loss(&j->sweep, j->c.classes), &j->train);
    j->data = (qntk_sweep_data){.n = j->train.n,
                                .test_n = j->test.n,
                                .d = j->c.features,
                                .classes = j->c.classes,
                                .X = j->train.X,
                                .test_X = j->test.X,
                                .T = j->train.T,
                                .y = j->train.y,
                                .test_y = j->test.y,
                                .shift = j->c.target_shift,
                                .scale = j->c.target_scale};
    return status;
}

static qntk_status fill_meta(sweep_job *j, const qnn_split *split)
{
    char crc[16];
    uint32_t print = qntk_checkpoint_fingerprint(j->c.fingerprint, j->test.n * j->c.features, j->test.raw);
    print = qntk_checkpoint_fingerprint(print, j->test.n, j->test.y);
    snprintf(crc, sizeof crc, "%08x", (unsigned)print);
    qntk_status status = cli_meta(&program, j->name, j->train.n + j->test.n, j->c.features, &j->meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "classes", j->c.classes);
    if (status == QNTK_OK)
        status = qntk_meta_text(&j->meta, "protocol", split->protocol);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "train_n", j->train.n);
    if (status == QNTK_OK)
        status = qntk_meta_text(&j->meta, "data_crc32", crc);
    return status == QNTK_OK ? qntk_sweep_describe(&j->sweep, &j->meta) : status;
}

/* ---- the models ---- */

typedef struct {
    sweep_job *job;
    size_t waiting, *order; /* (waiting) the models to train, in the order of the grid */
    double cost;
    _Atomic double done; /* of the cost */
    pthread_mutex_t lock;
} sweep_run_state;

/* Of training and measuring, in any unit. */
static double cost_of(const sweep_job *j, size_t index)
{
    const double fixed = 5000;   /* weights that take as long as all that does not grow with them */
    const double stochastic = 4; /* times the weights: outputs are expected ones */
    const qntk_sweep_model model = qntk_sweep_at(&j->sweep, index);
    const double width = (double)model.width, hidden = (double)model.depth - 1;
    const double outputs = (double)(j->data.classes > 0 ? j->data.classes : 1);
    const double weights = width * ((double)j->data.d + hidden * width + outputs);
    return fixed + (model.rounding == QNTK_ROUNDING_STOCHASTIC ? stochastic : 1) * weights;
}

static const sweep_run_state *shown; /* by the progress bar */

static double fraction_done(void)
{
    return shown->cost > 0 ? atomic_load(&shown->done) / shown->cost : 1;
}

static qntk_status run_model(void *context, size_t index, size_t worker)
{
    (void)worker;
    sweep_run_state *run = context;
    sweep_job *j = run->job;
    const size_t model = run->order[index];
    qntk_sweep_row row;
    qntk_status status = qntk_sweep_run(&j->sweep, &j->data, model, &row);
    if (status != QNTK_OK)
        return status;
    pthread_mutex_lock(&run->lock);
    j->row[model] = row;
    status = sweep_keep(j, model);
    j->complete += status == QNTK_OK;
    j->row[model].present = status == QNTK_OK;
    atomic_store(&run->done, atomic_load(&run->done) + cost_of(j, model)); /* one at a time, under the lock */
    pthread_mutex_unlock(&run->lock);
    qntk_progress("models", fraction_done());
    return status;
}

static qntk_status run_models(sweep_job *j)
{
    sweep_run_state run = {.job = j, .order = qntk_alloc(j->models, sizeof *run.order)};
    if (run.order == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < j->models; i++)
        if (!j->row[i].present) {
            run.order[run.waiting++] = i;
            run.cost += cost_of(j, i);
        }
    pthread_mutex_init(&run.lock, NULL);
    shown = &run;
    cli_progress_whole("models", fraction_done);
    qntk_status status = qntk_parallel_for(run.waiting, run_model, &run);
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    pthread_mutex_destroy(&run.lock);
    qntk_free(run.order);
    return status;
}

/* ---- the whole ---- */

static qntk_status prepare(sweep_job *j)
{
    qnn_split split;
    qntk_status status = cli_start(&program);
    if (status == QNTK_OK && set.common.plot != NULL)
        status = qntk_plot_check("sweep", set.common.plot);
    if (status == QNTK_OK)
        status = cli_check_outputs(&program);
    if (status == QNTK_OK)
        status = qntk_sweep_read(set.grid, &j->sweep);
    if (status == QNTK_OK)
        status = read_data(j, &split);
    if (status == QNTK_OK)
        status = fill_meta(j, &split);
    if (status != QNTK_OK)
        return status;
    j->models = qntk_sweep_count(&j->sweep);
    j->row = qntk_alloc_zero(j->models, sizeof *j->row);
    return j->row != NULL ? sweep_open(j, set.resume) : QNTK_NO_MEMORY;
}

/* All rows are there: what follows from them. */
static qntk_status conclude(sweep_job *j)
{
    qntk_status status = qntk_sweep_correlate(&j->sweep, j->row, set.resamples, set.common.seed,
                                              &j->correlation, &j->correlations);
    if (status == QNTK_OK)
        status = sweep_write(j);
    if (status == QNTK_OK && !set.common.quiet)
        sweep_print(j, stderr);
    return status;
}

/* Says what is kept of a run that did not end. */
static int give_up(sweep_job *j, qntk_status status)
{
    if (j->complete == 0 || (j->part_file < 0 && status != QNTK_INTERRUPTED))
        return cli_fail(&program, status);
    if (j->part_file >= 0) {
        cli_note(&program, status, "; %zu of %zu models are complete and in %s; go on with --resume",
                 j->complete, j->models, j->part);
    } else { /* to a pipe: now or never */
        cli_note(&program, status, "; %zu of %zu models are complete", j->complete, j->models);
        qntk_interrupt_clear();
        if (sweep_write(j) != QNTK_OK)
            return CLI_FAILURE;
    }
    return status == QNTK_INTERRUPTED ? cli_interrupted() : CLI_FAILURE;
}

static void free_job(sweep_job *j)
{
    qntk_sweep_free(&j->sweep);
    qntk_checkpoint_free(&j->c);
    qnn_rows_free(&j->train);
    qnn_rows_free(&j->test);
    qntk_meta_free(&j->meta);
    qntk_free(j->row);
    qntk_free(j->correlation);
}

/* The examples with the keys of grids and the data there are: *text, to be freed. */
static qntk_status write_help(char **text)
{
    static const char form[] =
        "%s\nThe grid: 'key = value ..' a line, # begins a comment; every combination of bits, rounding, "
        "width, depth,\n"
        "seed and lr is a model; real weights know no rounding.\n%s\nData specifications:\n%s";
    const char *keys = qntk_sweep_help(), *data = qntk_dataset_help();
    const size_t size = sizeof form + strlen(examples) + strlen(keys) + strlen(data);
    *text = qntk_alloc(size, 1);
    if (*text == NULL)
        return QNTK_NO_MEMORY;
    snprintf(*text, size, form, examples, keys, data);
    return QNTK_OK;
}

int qnn_sweep(int argc, char **argv)
{
    sweep_job j = {.program = &program, .part_file = -1};
    char *help = NULL;
    bool end = false;
    for (int i = 1; i + 1 < argc; i++) /* --sweep --help: not a file of that name */
        if (strcmp(argv[i], "--sweep") == 0 && strcmp(argv[i + 1], "--help") == 0)
            argv[i] = argv[i + 1];
    qntk_status status = write_help(&help);
    program.examples = help;
    int code = status == QNTK_OK ? cli_parse(&program, argc, argv, &end) : cli_fail(&program, status);
    program.examples = "";
    qntk_free(help);
    if (code != 0 || end)
        return code;
    if (set.resume && strcmp(set.common.out, "-") == 0)
        return cli_usage(&program, "--resume goes on from the file of --out: give its name");
    status = prepare(&j);
    if (status == QNTK_OK)
        status = run_models(&j);
    if (status == QNTK_OK)
        status = conclude(&j);
    if (status != QNTK_OK)
        code = give_up(&j, status);
    sweep_close(&j, status == QNTK_OK);
    free_job(&j);
    return code;
}
