/* qnn suite: networks beside kernels on every UCI folder of a directory, by the protocol of kernel-compare --suite. */
#include "qnn.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The methods of every suite, in front of the kernels: the first is what the others are tested against. */
static const struct {
    const char *name;
    size_t levels;
} networks[] = {{"network:real", QNTK_LEVELS_REAL}, {"network:binary", QNTK_LEVELS_BINARY}};
enum { NETWORKS = sizeof networks / sizeof *networks };

typedef struct {
    cli_common common;
    const char *directory;
    size_t width, depth, epochs, batch, max_n;
    double seconds; /* --time-budget; NaN: none */
    bool quick, resume;
} settings;

static settings set = {.width = 1024, .depth = 2, .epochs = 200, .batch = 50, .max_n = 5000, .seconds = NAN};

/* With --quick, where they are not given. */
enum { QUICK_WIDTH = 512, QUICK_EPOCHS = 100 };

static const cli_option options[] = {
    CLI_HEADING("Data"),
    {.name = "dir",
     .kind = CLI_TEXT,
     .destination = &set.directory,
     .argument = "DIR",
     .role = CLI_READS,
     .help = "the folder with a UCI folder for each data set; --dir may be left out"},
    {.name = "max-n",
     .kind = CLI_COUNT,
     .destination = &set.max_n,
     .argument = "N",
     .help = "skip sets of more rows"},
    {.name = "resume",
     .kind = CLI_FLAG,
     .destination = &set.resume,
     .role = CLI_ASIDE,
     .help = "keep the sets that the file of --out has already"},
    CLI_SCALE_OPTIONS(set.common, NULL),
    CLI_MISSING_OPTION(set.common, NULL, "error|drop|mean"),
    CLI_HEADING("Networks"),
    {.name = "width",
     .kind = CLI_COUNT,
     .destination = &set.width,
     .argument = "W",
     .high = 1 << 20,
     .help = "neurons of a hidden layer, of both networks"},
    {.name = "depth",
     .kind = CLI_COUNT,
     .destination = &set.depth,
     .argument = "L",
     .high = 32,
     .help = "hidden layers, of both networks and of their kernels"},
    {.name = "epochs",
     .kind = CLI_COUNT,
     .destination = &set.epochs,
     .argument = "N",
     .high = 1e6,
     .help = "passes over the training rows; N/4, N/2 and N are tried on the pair"},
    {.name = "batch",
     .kind = CLI_COUNT,
     .destination = &set.batch,
     .argument = "N",
     .high = 1e6,
     .help = "rows a step"},
    {.name = "time-budget",
     .kind = CLI_NUMBER,
     .destination = &set.seconds,
     .argument = "SECONDS",
     .high = 1e9,
     .help = "skip, and say so, a set whose trainings take longer [no limit]"},
    {.name = "quick",
     .kind = CLI_FLAG,
     .destination = &set.quick,
     .role = CLI_ASIDE, /* what it sets is recorded */
     .help = "--width 512 --epochs 100, unless they are given"},
    CLI_KERNEL_OPTIONS(set.common),
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "qnn suite",
    .synopsis = "DIR [options]",
    .summary =
        "A network with real and one with binary weights, of the same shape, beside kernels on every UCI "
        "folder in DIR:\ntraining, test and gap, and a summary over all sets. Without --kernel: laplace, "
        "gauss, and ntk and qntk of the\nnetworks' depth, which are the two networks of infinite width.",
    .examples =
        "  qnn suite uci --quick --out networks.tsv --plot networks.png\n"
        "  qnn suite uci --out networks.tsv --resume\n"
        "  qnn suite uci --max-n 300 --width 2048 --kernel qntk --kernel ntk --format json\n"
        "\nOn the training half of a set's pair every learning rate, 0.003, 0.01 and 0.03, is tried, and "
        "judged on the\nother half after a quarter, half and all of the epochs; the first best serves the "
        "four "
        "folds. Networks are\njudged by their expected output over the rounding.\n",
    .options = options,
    .common = &set.common,
    .operand = "dir",
};

/* ---- one set ---- */

typedef struct {
    qntk_study_options kernels;
    qntk_study_network network;
    qntk_study_training training;
} plan;

/* `count` networks, numbers method[i] of `networks`. */
static qntk_status run_networks(const plan *p, const qntk_dataset *data, size_t count, const size_t *method,
                                suite_row *result)
{
    qntk_study_network network[NETWORKS];
    qntk_study_network_result from[NETWORKS];
    for (size_t i = 0; i < count; i++) {
        network[i] = p->network;
        network[i].levels = networks[method[i]].levels;
    }
    qntk_status status = qntk_study_networks(data, count, network, p->training, from);
    for (size_t i = 0; i < count && status == QNTK_OK; i++) {
        result[i] = (suite_row){
            .train = from[i].train, .test = from[i].test, .gap = from[i].gap, .seconds = from[i].seconds};
        snprintf(result[i].params, sizeof result[i].params, "depth=%zu,width=%zu,rate=%g,epochs=%zu",
                 p->network.depth, p->network.width, from[i].rate, from[i].epoch);
    }
    return status;
}

static qntk_status run_methods(void *context, const qntk_dataset *data, size_t count, const size_t *method,
                               suite_row *result, char skip[SUITE_REASON])
{
    const plan *p = context;
    size_t kernel[CLI_KERNELS_MAX], first = 0;
    while (first < count && method[first] < NETWORKS)
        first++;
    for (size_t i = first; i < count; i++)
        kernel[i - first] = method[i] - NETWORKS;
    qntk_status status = QNTK_OK;
    if (first > 0)
        status = run_networks(p, data, first, method, result);
    if (status == QNTK_TOO_LARGE && !isnan(set.seconds))
        snprintf(skip, SUITE_REASON, "%.400s; raise --time-budget, or lower --width or --epochs",
                 qntk_message());
    if (status == QNTK_OK && first < count)
        status =
            suite_kernels(data, count - first, kernel, set.common.kernels.kernel, p->kernels, result + first);
    return status;
}

static double cost_of(const qntk_dataset *data)
{
    const double fixed = 50; /* rows whose trainings cost as much as what each set costs */
    return (double)data->n + fixed;
}

/* ---- the whole ---- */

/* laplace, gauss, and the kernels of the networks. */
static qntk_status usual_kernels(cli_kernels *kernels)
{
    static const char *const usual[] = {"laplace", "gauss", "ntk:depth=", "qntk:depth="};
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && status == QNTK_OK; i++) {
        char spec[64], depth[24] = "";
        if (usual[i][strlen(usual[i]) - 1] == '=')
            snprintf(depth, sizeof depth, "%zu", set.depth);
        snprintf(spec, sizeof spec, "%s%s", usual[i], depth);
        status = qntk_kernel_parse(spec, &kernels->kernel[kernels->count++]);
    }
    return status;
}

static plan make_plan(void)
{
    plan p = {.kernels = qntk_study_defaults(),
              .network = qntk_study_network_defaults(),
              .training = {.rates = 3, .rate = {0.003, 0.01, 0.03}, .seconds = INFINITY}};
    p.kernels.precision = (qntk_precision)set.common.precision;
    p.network.depth = set.depth;
    p.network.width = set.width;
    p.network.train.batch = set.batch;
    p.network.train.seed = set.common.seed;
    if (!isnan(set.seconds))
        p.training.seconds = set.seconds;
    for (size_t part = 4; part >= 1; part /= 2) /* of few epochs fewer are different */
        if (set.epochs / part > (p.training.counts > 0 ? p.training.epoch[p.training.counts - 1] : 0))
            p.training.epoch[p.training.counts++] = set.epochs / part;
    return p;
}

static qntk_status fill_meta(suite *s, const plan *p)
{
    double epochs[QNTK_STUDY_GRID];
    for (size_t c = 0; c < p->training.counts; c++)
        epochs[c] = (double)p->training.epoch[c];
    qntk_status status = suite_meta(s, &program);
    if (status == QNTK_OK)
        status = qntk_meta_count(&s->meta, "width", set.width);
    if (status == QNTK_OK)
        status = qntk_meta_count(&s->meta, "depth", set.depth);
    if (status == QNTK_OK)
        status = qntk_meta_count(&s->meta, "batch", set.batch);
    if (status == QNTK_OK)
        status = suite_meta_grid(s, "rate_grid", p->training.rates, p->training.rate, "");
    if (status == QNTK_OK)
        status = suite_meta_grid(s, "epoch_grid", p->training.counts, epochs, "");
    return status == QNTK_OK ? suite_meta_kernels(s, &p->kernels) : status;
}

static int run(void)
{
    const char *method[NETWORKS + CLI_KERNELS_MAX];
    cli_kernels *kernels = &set.common.kernels;
    qntk_status status = kernels->count == 0 ? usual_kernels(kernels) : QNTK_OK;
    plan p = make_plan();
    suite s = {.command = "qnn suite",
               .directory = set.directory,
               .max_n = set.max_n,
               .resume = set.resume,
               .methods = NETWORKS + kernels->count,
               .method = method,
               .run = run_methods,
               .context = &p,
               .cost = cost_of};
    for (size_t i = 0; i < NETWORKS; i++)
        method[i] = networks[i].name;
    for (size_t i = 0; i < kernels->count; i++)
        method[NETWORKS + i] = kernels->kernel[i].spec;
    if (status == QNTK_OK)
        status = fill_meta(&s, &p);
    if (status == QNTK_OK)
        return suite_run(&program, &s);
    qntk_meta_free(&s.meta);
    return cli_fail(&program, status);
}

int qnn_suite(int argc, char **argv)
{
    bool end;
    int code = cli_parse(&program, argc, argv, &end);
    if (code != 0 || end)
        return code;
    if (set.directory == NULL)
        return cli_usage(&program, "give DIR, a folder with a UCI folder for each data set");
    code = suite_check_kernels(&program);
    if (set.quick && !cli_given(&program, "width"))
        set.width = QUICK_WIDTH;
    if (set.quick && !cli_given(&program, "epochs"))
        set.epochs = QUICK_EPOCHS;
    return code != 0 ? code : run();
}
