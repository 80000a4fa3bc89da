/* Options of networks that several subcommands read. */
#include "qnn.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t qnn_parse_list(const cli_program *program, const char *option, const char *text, size_t low,
                      size_t limit, size_t *values)
{
    size_t count = 0;
    for (const char *at = text;; at++) {
        char *end = NULL;
        const unsigned long long value = isdigit((unsigned char)*at) ? strtoull(at, &end, 10) : 0;
        if (end == NULL || value < low || value > INT32_MAX || (*end != ',' && *end != '\0') ||
            count == limit) {
            cli_usage(program,
                      "--%s: expected up to %zu whole numbers from %zu with commas between, found '%s'",
                      option, limit, low, text);
            return 0;
        }
        values[count++] = (size_t)value;
        if (*end == '\0')
            return count;
        at = end;
    }
}

bool qnn_parse_weights(const cli_program *program, const char *text, size_t *levels)
{
    enum { BITS_MAX = 16 };
    if (text == NULL) {
        *levels = QNTK_LEVELS_BINARY;
        return true;
    }
    static const struct {
        const char *name;
        size_t levels;
    } names[] = {
        {"real", QNTK_LEVELS_REAL}, {"binary", QNTK_LEVELS_BINARY}, {"ternary", QNTK_LEVELS_TERNARY}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].name) == 0) {
            *levels = names[i].levels;
            return true;
        }
    char *end = NULL;
    const unsigned long bits =
        strncmp(text, "bits=", 5) == 0 && isdigit((unsigned char)text[5]) ? strtoul(text + 5, &end, 10) : 0;
    if (bits >= 1 && bits <= BITS_MAX && *end == '\0') {
        *levels = (size_t)1 << bits;
        return true;
    }
    cli_usage(program, "--weights: expected real, binary, ternary or bits=1 .. bits=16, found '%s'", text);
    return false;
}

void qnn_law_name(size_t levels, char name[32])
{
    size_t bits = 0;
    while (((size_t)1 << bits) < levels)
        bits++;
    if (levels == QNTK_LEVELS_REAL)
        snprintf(name, 32, "real");
    else if (levels == QNTK_LEVELS_BINARY)
        snprintf(name, 32, "binary");
    else if (levels == QNTK_LEVELS_TERNARY)
        snprintf(name, 32, "ternary");
    else if (levels == (size_t)1 << bits)
        snprintf(name, 32, "bits=%zu", bits);
    else
        snprintf(name, 32, "levels=%zu", levels);
}
