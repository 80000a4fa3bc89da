/* Training that the options ask for. */
#include "qnn_training.h"

static int parse_rate_steps(const cli_program *program, const char *text, qntk_train_options *options)
{
    if (text == NULL)
        return 0;
    options->rate_steps =
        qnn_parse_list(program, "lr-steps", text, 1, QNTK_RATE_STEPS_MAX, options->rate_epoch);
    if (options->rate_steps == 0)
        return CLI_USAGE;
    for (size_t k = 1; k < options->rate_steps; k++)
        if (options->rate_epoch[k] <= options->rate_epoch[k - 1])
            return cli_usage(program, "--lr-steps: expected ascending epochs, found '%s'", text);
    return 0;
}

int qnn_parse_training(const cli_program *program, qnn_training_settings *set, qntk_train_options *options)
{
    const double adam = 1e-2, sgd = 0.1; /* usual rates */
    *options = qntk_train_defaults();
    int code = parse_rate_steps(program, set->rate_steps, options);
    if (code != 0)
        return code;
    if (isnan(set->rate))
        set->rate = set->optimizer == QNTK_OPTIMIZER_ADAM ? adam : sgd;
    options->method = (qntk_train_method)set->method;
    options->rounding = (qntk_rounding)set->rounding;
    options->optimizer = (qntk_optimizer)set->optimizer;
    options->rate = set->rate;
    options->rate_factor = set->rate_factor;
    options->momentum = set->momentum;
    options->batch = set->batch;
    options->seed = program->common->seed;
    code = qnn_anneal_options(program, &set->anneal, options);
    set->rounding = (int)options->rounding;
    return code;
}

qntk_status qnn_fit_training(const qnn_training_settings *set, const char *name, size_t n, size_t classes,
                             qntk_train_options *options)
{
    if (set->loss > 1 && classes == 0)
        return cli_message(QNTK_INVALID, "%s: the target is a number: --loss squared is the one for it",
                           name);
    options->loss = set->loss > 0 ? (qntk_loss)(set->loss - 1)
                    : classes > 0 ? QNTK_LOSS_CROSS_ENTROPY
                                  : QNTK_LOSS_SQUARED;
    if (options->batch > n)
        options->batch = n; /* the same steps, less memory */
    return QNTK_OK;
}
