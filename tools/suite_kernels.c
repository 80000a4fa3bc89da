/* Kernels as methods of a suite. */
#include "suite.h"

#include <string.h>

int suite_check_kernels(const cli_program *program)
{
    const cli_kernels *kernels = &program->common->kernels;
    for (size_t k = 0; k < kernels->count; k++)
        if (kernels->kernel[k].family == QNTK_FAMILY_FILE)
            return cli_usage(program, "kernel '%s' is a matrix: it belongs to one data set",
                             kernels->kernel[k].spec);
    return 0;
}

qntk_status suite_meta_kernels(suite *s, const qntk_study_options *o)
{
    double depth[QNTK_STUDY_GRID];
    for (size_t i = 0; i < o->depths; i++)
        depth[i] = (double)o->depth[i];
    qntk_status status = suite_meta_grid(s, "depth_grid", o->depths, depth, "");
    if (status == QNTK_OK)
        status = suite_meta_grid(s, "bandwidth_grid", o->bandwidths, o->bandwidth,
                                 " times the median distance of all rows");
    if (status == QNTK_OK)
        status =
            suite_meta_grid(s, "ridge_grid", o->ridges, o->ridge, " times trace(K)/n of the training block");
    return status;
}

qntk_status suite_kernels(const qntk_dataset *data, size_t count, const size_t *method,
                          const qntk_kernel *kernels, qntk_study_options options, suite_row *result)
{
    qntk_kernel *chosen = qntk_alloc(count + 1, sizeof *chosen);
    qntk_study_result *from = qntk_alloc(count + 1, sizeof *from);
    qntk_status status = chosen == NULL || from == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    for (size_t i = 0; i < count && status == QNTK_OK; i++)
        chosen[i] = kernels[method[i]];
    if (status == QNTK_OK)
        status = qntk_study_set(data, count, chosen, options, from);
    for (size_t i = 0; i < count && status == QNTK_OK; i++) {
        result[i] = (suite_row){.ridge = from[i].ridge,
                                .train = from[i].train,
                                .test = from[i].test,
                                .gap = from[i].gap,
                                .seconds = from[i].seconds};
        qntk_study_params(&from[i].kernel, result[i].params);
    }
    qntk_free(chosen);
    qntk_free(from);
    return status;
}
