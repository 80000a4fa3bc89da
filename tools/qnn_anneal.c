/* What --method ana asks for. */
#include "qnn_anneal.h"

#include <math.h>

int qnn_anneal_options(const cli_program *program, qnn_anneal *set, qntk_train_options *options)
{
    qntk_train_anneal *o = &options->anneal;
    if (options->method != QNTK_METHOD_ANA)
        return 0;
    if (options->rounding == QNTK_ROUNDING_STOCHASTIC && cli_given(program, "rounding"))
        return cli_usage(program,
                         "--method ana ends with the nearest levels: pass --rounding nearest or nothing");
    options->rounding = QNTK_ROUNDING_NEAREST;
    if (!cli_given(program, "noise"))
        set->noise = 1 + QNTK_NOISE_UNIFORM;
    o->noise = set->noise > 0 ? (qntk_noise_shape)(set->noise - 1) : QNTK_NOISE_UNIFORM;
    if (set->noise == 0)
        o->beta = 0;
    else
        o->beta = isnan(set->beta) ? qntk_noise_usual_scale(o->noise) : set->beta;
    o->strategy = (qntk_strategy)set->strategy;
    o->backward_noise = (qntk_noise_shape)set->backward_noise;
    o->backward_beta =
        isnan(set->backward_beta) ? qntk_noise_usual_scale(o->backward_noise) : set->backward_beta;
    o->backward_annealed = set->backward_annealed;
    o->law = (qntk_anneal_law)set->schedule;
    o->sync = (qntk_anneal_sync)set->sync;
    o->progressive = set->progressive;
    o->period = set->period;
    return 0;
}
