/* --ridge and --C: which ridges to search, which values of C. */
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One number, from *text up to one of `ends` or the end; false if it is none or negative. */
static bool read_number(const char **text, const char *ends, double *value)
{
    char *end = NULL;
    *value = strtod(*text, &end);
    const bool good = end != *text && isfinite(*value) && *value >= 0 && !signbit(*value) &&
                      (*end == '\0' || strchr(ends, *end) != NULL);
    *text = end;
    return good;
}

/* LO:HI:N */
static bool read_range(const char *text, compare_ridges *ridges)
{
    double low, high, count;
    if (!read_number(&text, ":", &low) || *text++ != ':' || !read_number(&text, ":", &high) ||
        *text++ != ':' || !read_number(&text, "", &count))
        return false;
    if (!(low > 0 && high > low && count >= 2 && count <= COMPARE_RIDGES_MAX && count == floor(count)))
        return false;
    ridges->count = (size_t)count;
    for (size_t k = 0; k < ridges->count; k++)
        ridges->value[k] = exp(log(low) + (log(high) - log(low)) * (double)k / (count - 1));
    ridges->value[0] = low;
    ridges->value[ridges->count - 1] = high;
    return true;
}

static bool read_list(const char *text, compare_ridges *ridges)
{
    for (ridges->count = 0; ridges->count < COMPARE_RIDGES_MAX;) {
        if (!read_number(&text, ",", &ridges->value[ridges->count++]))
            return false;
        if (*text++ == '\0')
            return true;
    }
    return false;
}

/* "auto" or NULL: automatic, so many of them. */
static bool read_grid(const char *text, size_t automatic, compare_ridges *ridges)
{
    ridges->automatic = text == NULL || strcmp(text, "auto") == 0;
    ridges->count = automatic;
    return ridges->automatic ||
           (strchr(text, ':') != NULL ? read_range(text, ridges) : read_list(text, ridges));
}

int compare_parse_ridges(const cli_program *program, const char *text, compare_ridges *ridges)
{
    if (read_grid(text, QNTK_EVALUATE_RIDGES, ridges))
        return 0;
    return cli_usage(program,
                     "--ridge: expected auto, numbers from 0 such as 0.01,0.1,1, or LO:HI:N with 0 < LO < HI "
                     "and 2 <= N <= %d, found '%s'",
                     COMPARE_RIDGES_MAX, text);
}

int compare_parse_C(const cli_program *program, const char *text, compare_ridges *ridges)
{
    bool good = read_grid(text, QNTK_SVM_GRID, ridges);
    for (size_t k = 0; good && !ridges->automatic && k < ridges->count; k++)
        good = ridges->value[k] > 0;
    if (good)
        return 0;
    return cli_usage(program,
                     "--C: expected auto, numbers above 0 such as 0.1,1,10, or LO:HI:N with 0 < LO < HI "
                     "and 2 <= N <= %d, found '%s'",
                     COMPARE_RIDGES_MAX, text);
}

qntk_status compare_automatic_ridges(const char *kernel, size_t n, const double *K, double *ridge)
{
    qntk_evaluate_ridges(n, K, 0, NULL, ridge);
    return ridge[0] >= 0
               ? QNTK_OK
               : cli_message(QNTK_INVALID,
                             "%s: trace(K)/n is %s, so this is no kernel and --ridge auto undefined", kernel,
                             ridge[0] < 0 ? "negative" : "no number");
}

bool compare_drop_ridge(qntk_status status, const compare_ridges *ridges, size_t *count, double *ridge)
{
    if (status != QNTK_SINGULAR || !ridges->automatic || *count == 1)
        return false;
    memmove(ridge, ridge + 1, --*count * sizeof *ridge);
    return true;
}
