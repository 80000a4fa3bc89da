/* kernel-compare: kernel regression with several kernels, and the gap between training and test. */
#include "compare.h"

static compare_settings set = {.ridge = "auto", .max_n = 5000, .repeats = 10, .target_degrees = "1,2,4"};

static const cli_option options[] = {
    CLI_DATA_OPTIONS(set.common),
    CLI_KERNEL_OPTIONS(set.common),
    CLI_HEADING("Regression"),
    {.name = "folds",
     .against = "suite",
     .kind = CLI_COUNT,
     .destination = &set.folds,
     .argument = "K",
     .low = 2,
     .help = "stratified folds [the published ones of a UCI folder, else 4]"},
    CLI_TEST_OPTIONS(set.test, set.test_labels, "folds|suite"),
    {.name = "ridge",
     .against = "suite",
     .kind = CLI_TEXT,
     .destination = &set.ridge,
     .argument = "auto|LIST|LO:HI:N",
     .help = "added to the diagonal of K; of several, the one with the smallest error left out"},
    {.name = "solver",
     .against = "suite|learning-curve",
     .kind = CLI_CHOICE,
     .destination = &set.solver,
     .choices = "ridge|svm",
     .help = "svm: support vector machines, for classes (libsvm)"},
    {.name = "C",
     .kind = CLI_TEXT,
     .destination = &set.C,
     .argument = "auto|LIST|LO:HI:N",
     .needs = "solver",
     .help = "of svm; of several, the best in 4-fold cross-validation inside the training rows [auto]"},
    {.name = "center",
     .against = "suite",
     .kind = CLI_FLAG,
     .destination = &set.center,
     .help = "subtract the training mean of the target, add it to predictions"},
    {.name = "bits",
     .against = "suite",
     .kind = CLI_TEXT,
     .destination = &set.bits,
     .argument = "LIST",
     .help = "compare precisions, 1,1.58,2,3,4,8,real: one network kernel each, shaped as --kernel"},
    {.name = "predictions",
     .against = "suite",
     .kind = CLI_TEXT,
     .destination = &set.predictions,
     .argument = "FILE",
     .role = CLI_WRITES,
     .help = "write every prediction: row, fold, kernel, truth, prediction"},
    CLI_HEADING("Learning curve"),
    {.name = "learning-curve",
     .kind = CLI_TEXT,
     .destination = &set.learning_curve,
     .argument = "LO:HI:N",
     .against = "folds|test|center|predictions|bits|suite",
     .help = "errors on random subsets of N sizes from LO to HI rows, measured and predicted"},
    {.name = "repeats",
     .kind = CLI_COUNT,
     .destination = &set.repeats,
     .argument = "R",
     .needs = "learning-curve",
     .against = "sphere",
     .high = 100000,
     .help = "subsets of each size"},
    {.name = "sphere",
     .kind = CLI_COUNT,
     .destination = &set.sphere,
     .argument = "D",
     .low = 2,
     .high = QNTK_MERCER_DIMENSION_MAX,
     .needs = "learning-curve",
     .against = "data",
     .help = "no data: predicted from the exact spectrum on the sphere of R^D"},
    {.name = "target-degrees",
     .kind = CLI_TEXT,
     .destination = &set.target_degrees,
     .argument = "LIST",
     .needs = "sphere",
     .help = "degrees of the target there, 1,4 (equal powers, sum 1) or 1:0.9,4:0.3"},
    {.name = "noise",
     .kind = CLI_NUMBER,
     .destination = &set.noise,
     .argument = "V",
     .high = 1e100,
     .needs = "sphere",
     .help = "variance of the noise of its labels"},
    CLI_HEADING("Or many data sets"),
    {.name = "suite",
     .kind = CLI_TEXT,
     .destination = &set.suite,
     .argument = "DIR",
     .role = CLI_READS,
     .against = "data|folds|test|ridge|solver|center|bits|predictions|learning-curve",
     .help = "every UCI folder in DIR by the published protocol"},
    {.name = "max-n",
     .kind = CLI_COUNT,
     .destination = &set.max_n,
     .argument = "N",
     .needs = "suite",
     .help = "skip sets of more rows"},
    {.name = "resume",
     .kind = CLI_FLAG,
     .destination = &set.resume,
     .role = CLI_ASIDE,
     .needs = "suite",
     .help = "keep the sets that the file of --out has already"},
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "kernel-compare",
    .synopsis = "--data SPEC | --suite DIR | --sphere D  [--kernel SPEC]... [--bits LIST]",
    .summary =
        "Kernel ridge regression and classification: training, test, and the gap between them, kernel by "
        "kernel.\n"
        "Without --kernel: ntk (real weights), qntk (binary), laplace and gauss.",
    .examples =
        "  kernel-compare --data data.csv --kernel qntk --kernel ntk:depth=3 --plot compare.png\n"
        "  kernel-compare --data t10k-images-idx3-ubyte.gz --limit 5000 --rows sphere --out mnist.tsv\n"
        "  kernel-compare --data friedman1:n=500,noise=1 --ridge 1e-3:10:9 --center --format json\n"
        "  kernel-compare --data teacher:n=3000 --learning-curve 50:1600:6 --plot curve.png\n"
        "  kernel-compare --sphere 10 --learning-curve 10:100000:9 --noise 0.1 --kernel qntk --kernel ntk\n"
        "  kernel-compare --suite uci --out study.tsv --resume --plot study.png\n"
        "\nauto: 10^-6, 10^-5, .. 10^2 times trace(K)/n. One ridge serves all folds.\n"
        "auto for C: 2^-5, 2^-3, .. 2^15 divided by trace(K)/n. One C serves all folds.\n",
    .options = options,
    .common = &set.common,
};

void compare_usual_kernels(cli_kernels *kernels)
{
    static const char *const usual[] = {"ntk", "qntk", "laplace", "gauss"};
    if (kernels->count > 0)
        return;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        qntk_kernel_parse(usual[i], &kernels->kernel[kernels->count++]);
}

int main(int argc, char **argv)
{
    bool end;
    int code = cli_parse(&program, argc, argv, &end);
    if (code != 0 || end)
        return code;
    if (set.suite != NULL)
        return compare_suite_run(&program, &set);
    if (set.learning_curve != NULL)
        return compare_curve_run(&program, &set);
    return compare_data_run(&program, &set);
}
