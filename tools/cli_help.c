/* Help, printed from the tables of options, kernels and formats. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 28 }; /* of the explanations */

static void print_option(const cli_option *option, const char *standard)
{
    char word[64];
    const char *argument = option->kind == CLI_CHOICE ? option->choices : option->argument;
    snprintf(word, sizeof word, "--%s%s%s", option->name, argument != NULL ? " " : "",
             argument != NULL ? argument : "");
    if (strlen(word) > COLUMN)
        printf("  %s\n  %-*s %s", word, COLUMN, "", option->help);
    else
        printf("  %-*s %s", COLUMN, word, option->help);
    if (standard[0] != '\0')
        printf(" [%s]", standard);
    printf("\n");
}

/* "key=default (range), key=...": a new line begins in front of a key that would pass the right margin. */
static void print_keys(const char *keys)
{
    const size_t margin = 100, indent = 11;
    size_t column = indent;
    printf("%*s", (int)indent, "");
    while (*keys != '\0') {
        const char *end = strstr(keys, "), ");
        size_t length = end != NULL ? (size_t)(end - keys) + 2 : strlen(keys);
        bool first = column == indent, wrap = !first && column + 1 + length > margin;
        if (wrap)
            printf("\n%*s", (int)indent, "");
        printf("%s%.*s", first || wrap ? "" : " ", (int)length, keys);
        column = wrap ? indent + length : column + !first + length;
        keys += length + (end != NULL);
    }
    printf("\n");
}

static void print_kernels(void)
{
    printf("\nKernel specifications, NAME[:key=value,...], keys with their defaults:\n");
    for (const qntk_kernel_family *row = qntk_kernel_families; row->name != NULL; row++) {
        char keys[QNTK_KERNEL_KEYS];
        qntk_kernel_keys(row, keys);
        printf("  %-8s %s\n", row->name, row->summary);
        print_keys(keys);
    }
    printf("  K.npy    a square matrix in a file, .npy or .npy.gz\n");
}

void cli_help(const cli_program *program, char defaults[][32])
{
    bool kernels = false, data = false;
    printf("Usage: %s %s\n%s\n", program->name, program->synopsis, program->summary);
    for (const cli_option *o = program->options; o->name != NULL || o->help != NULL; o++, defaults++) {
        if (o->name == NULL) {
            printf("\n%s:\n", o->help);
            continue;
        }
        print_option(o, *defaults);
        kernels = kernels || o->kind == CLI_KERNEL;
        data = data || strcmp(o->name, "data") == 0;
    }
    printf("  %-*s %s\n  %-*s %s\n", COLUMN, "--help", "this text", COLUMN, "--version", "the version");
    if (kernels)
        print_kernels();
    if (data)
        printf("\nData specifications:\n%s", qntk_dataset_help());
    printf("\nExamples:\n%s", program->examples);
}
