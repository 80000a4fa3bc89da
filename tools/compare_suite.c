/* kernel-compare --suite: the published protocol for kernels on every UCI folder. */
#include "compare.h"
#include "suite.h"

#include <string.h>

typedef struct {
    const cli_kernels *kernels;
    qntk_study_options options;
} kernel_suite;

static qntk_status run_kernels(void *context, const qntk_dataset *data, size_t count, const size_t *method,
                               suite_row *result, char skip[SUITE_REASON])
{
    (void)skip;
    const kernel_suite *k = context;
    return suite_kernels(data, count, method, k->kernels->kernel, k->options, result);
}

static qntk_status fill_meta(suite *s, const cli_program *program, const qntk_study_options *o)
{
    qntk_status status = suite_meta(s, program);
    if (status == QNTK_OK)
        status = suite_meta_kernels(s, o);
    return status;
}

int compare_suite_run(const cli_program *program, const compare_settings *set)
{
    cli_common *common = program->common;
    const char *method[CLI_KERNELS_MAX];
    kernel_suite k = {.kernels = &common->kernels, .options = qntk_study_defaults()};
    k.options.precision = (qntk_precision)common->precision;
    compare_usual_kernels(&common->kernels);
    suite s = {.command = "kernel-compare --suite",
               .directory = set->suite,
               .max_n = set->max_n,
               .resume = set->resume,
               .methods = common->kernels.count,
               .method = method,
               .run = run_kernels,
               .context = &k};
    for (size_t i = 0; i < common->kernels.count; i++)
        method[i] = common->kernels.kernel[i].spec;
    int code = suite_check_kernels(program);
    if (code != 0)
        return code;
    qntk_status status = fill_meta(&s, program, &k.options);
    if (status == QNTK_OK)
        return suite_run(program, &s);
    qntk_meta_free(&s.meta);
    return cli_fail(program, status);
}
