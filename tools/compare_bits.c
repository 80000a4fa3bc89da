/* --bits: one network kernel for each precision. */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The keys of the template, ",depth=3,b_std=0.1", without those of `unwanted`; what follows the precision in a
 * specification. */
static void copy_keys(const char *spec, const char *unwanted, char keys[256])
{
    const char *at = strchr(spec, ':');
    keys[0] = '\0';
    while (at != NULL && *at != '\0') {
        const size_t length = strcspn(++at, ",");
        const bool leave = strncmp(at, unwanted, strlen(unwanted)) == 0;
        const size_t used = strlen(keys);
        if (!leave && length > 0)
            snprintf(keys + used, 256 - used, ",%.*s", (int)length, at);
        at += length;
    }
}

/* "3" -> qntk:bits=3,KEYS; "real" -> ntk:KEYS. */
static qntk_status make_kernel(const char *spec, const char *bits, qntk_kernel *kernel)
{
    char keys[256], text[512];
    if (strcmp(bits, "real") == 0) {
        copy_keys(spec, "quantize=", keys);
        snprintf(text, sizeof text, "ntk%s%s", keys[0] != '\0' ? ":" : "", keys[0] != '\0' ? keys + 1 : "");
    } else {
        copy_keys(spec, "\n", keys);
        snprintf(text, sizeof text, "qntk:bits=%s%s", bits, keys);
    }
    return qntk_kernel_parse(text, kernel);
}

static int check_template(const cli_program *program, const cli_kernels *kernels)
{
    if (kernels->count > 1)
        return cli_usage(program, "--bits takes one --kernel at most, as a template; %zu are given",
                         kernels->count);
    if (kernels->count == 0)
        return 0;
    const char *spec = kernels->kernel[0].spec;
    if (kernels->kernel[0].family != QNTK_FAMILY_NETWORK || kernels->kernel[0].network.nngp)
        return cli_usage(program, "--bits: expected a template qntk:.. or ntk:.., found '%s'", spec);
    if (strstr(spec, "bits=") != NULL || strstr(spec, "levels=") != NULL)
        return cli_usage(program, "--bits gives the precision; '%s' should not", spec);
    return 0;
}

int compare_parse_bits(const cli_program *program, const compare_settings *set, cli_kernels *kernels,
                       compare_precision *precision)
{
    int code = check_template(program, &set->common.kernels);
    if (code != 0)
        return code;
    const char *spec = set->common.kernels.count > 0 ? set->common.kernels.kernel[0].spec : "qntk";
    for (const char *at = set->bits;; at++) {
        const size_t length = strcspn(at, ","), k = kernels->count;
        if (k == CLI_KERNELS_MAX)
            return cli_usage(program, "--bits: more than %d entries", CLI_KERNELS_MAX);
        snprintf(precision[k].text, sizeof precision[k].text, "%.*s", (int)length, at);
        if (length == 0 || length >= sizeof precision[k].text ||
            make_kernel(spec, precision[k].text, &kernels->kernel[k]) != QNTK_OK)
            return cli_usage(program,
                             "--bits: expected 1, 1.58, 2 .. 16 or real, separated by commas, found '%.*s'",
                             (int)length, at);
        const size_t levels = kernels->kernel[k].network.levels; /* 0: real */
        precision[k].bits = levels > 0 ? log2((double)levels) : INFINITY;
        for (size_t i = 0; i < k; i++)
            if (precision[i].bits == precision[k].bits)
                return cli_usage(program, "--bits: %s is given twice", precision[k].text);
        kernels->count++;
        at += length;
        if (*at == '\0')
            return 0;
    }
}
