/* qnn: networks with rounded weights, trained, applied, checked and compared. One subcommand a file, qnn_NAME.c. */
#include "qnn.h"

#include <stdio.h>
#include <string.h>

static const qnn_command commands[] = {
    {"train", "train a network on data, epoch by epoch", qnn_train},
    {"predict", "apply a trained network to data", qnn_predict},
    {"validate", "compare moment propagation and tangent kernels with sampled networks", qnn_validate},
    {"noise", "what rounding does to a network: the noise it adds, measured against predicted", qnn_noise},
    {"approx", "build a network of few distinct weights for a function, to a tolerance", qnn_approx},
    {"suite", "networks beside kernels on many data sets", qnn_suite},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int print_help(void)
{
    printf(
        "Usage: qnn COMMAND [options]\nFully connected ReLU networks whose weights are rounded, in training "
        "and afterwards.\n\nCommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    printf("  %-10s %s\n  %-10s %s\n\n'qnn COMMAND --help' says more.\n", "--help", "this text", "--version",
           "the version");
    return fflush(stdout) == 0 ? 0 : CLI_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(
            stderr,
            "qnn: expected a command: train, predict, validate, noise, approx or suite\nTry 'qnn --help'.\n");
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("qnn (qntk) %s\n", qntk_version());
        return fflush(stdout) == 0 ? 0 : CLI_FAILURE;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "qnn: unknown command '%s'\nTry 'qnn --help'.\n", argv[1]);
    return CLI_USAGE;
}
