/* qnn noise: what rounding does to a network. */
#include "qnn.h"

#include <stdio.h>
#include <string.h>

/* Studies with options of their own, each a program: `qnn noise --OPTION ..`. */
static const struct {
    const char *option, *summary;
    int (*run)(int argc, char **argv);
} studies[] = {
    {NULL, NULL, NULL}, /* the end */
};

/* `word` is --option or --option=.., written in full. */
static bool names(const char *word, const char *option)
{
    const size_t length = strlen(option);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, option, length) == 0 &&
           (word[2 + length] == '\0' || word[2 + length] == '=');
}

int qnn_noise(int argc, char **argv)
{
    for (size_t s = 0; studies[s].option != NULL; s++)
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
            if (names(argv[i], studies[s].option))
                return studies[s].run(argc, argv);
    fprintf(stderr, "qnn noise: expected a study\n");
    return CLI_USAGE;
}
