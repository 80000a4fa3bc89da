/* Additive noise annealing of weights as a method of training: schedules by layer, and the two passes. */
#include "train_internal.h"
#include "isa.h"

#include <math.h>
#include <string.h>

/* ---- instruction sets ---- */

extern const qntk_anneal_ops qntk_anneal_ops_baseline;
#ifdef QNTK_X86
extern const qntk_anneal_ops qntk_anneal_ops_avx2, qntk_anneal_ops_avx512;
#endif

static const qntk_anneal_ops *const variants[] = {
    [QNTK_ISA_BASELINE] = &qntk_anneal_ops_baseline,
#ifdef QNTK_X86
    [QNTK_ISA_AVX2] = &qntk_anneal_ops_avx2,
    [QNTK_ISA_AVX512] = &qntk_anneal_ops_avx512,
#endif
};

const qntk_anneal_ops *qntk_anneal_ops_find(const char *name)
{
    const int isa = qntk_isa_find(name);
    return isa < 0 ? NULL : variants[isa];
}

/* ---- options ---- */

qntk_train_anneal qntk_train_anneal_defaults(void)
{
    return (qntk_train_anneal){.noise = QNTK_NOISE_UNIFORM,
                               .beta = qntk_noise_usual_scale(QNTK_NOISE_UNIFORM),
                               .strategy = QNTK_STRATEGY_EXPECTED,
                               .backward_noise = QNTK_NOISE_UNIFORM,
                               .backward_beta = qntk_noise_usual_scale(QNTK_NOISE_UNIFORM),
                               .law = QNTK_ANNEAL_BOUNDED,
                               .sync = QNTK_ANNEAL_OVERLAPPED,
                               .period = 5};
}

bool qntk_train_anneal_same(const qntk_train_anneal *a, const qntk_train_anneal *b)
{
    return a->noise == b->noise && a->beta == b->beta && a->strategy == b->strategy &&
           a->backward_noise == b->backward_noise && a->backward_beta == b->backward_beta &&
           a->backward_annealed == b->backward_annealed && a->law == b->law && a->sync == b->sync &&
           a->progressive == b->progressive && a->period == b->period;
}

qntk_status qntk_train_anneal_check(const qntk_train_options *options)
{
    const qntk_train_anneal *o = &options->anneal;
    if (options->method != QNTK_METHOD_ANA)
        return QNTK_OK;
    QNTK_REQUIRE((unsigned)o->noise < QNTK_NOISE_COUNT && (unsigned)o->backward_noise < QNTK_NOISE_COUNT,
                 "expected a noise");
    QNTK_REQUIRE((unsigned)o->strategy <= QNTK_STRATEGY_RANDOM, "expected a strategy");
    QNTK_REQUIRE((unsigned)o->law <= QNTK_ANNEAL_HYPERBOLIC, "expected a schedule");
    QNTK_REQUIRE((unsigned)o->sync < QNTK_ANNEAL_SYNC_COUNT, "expected a synchronisation");
    QNTK_REQUIRE(o->period >= 0 && isfinite(o->period), "the period must be at least 0 and finite");
    QNTK_REQUIRE(o->beta >= 0 && o->beta <= QNTK_ANNEAL_SCALE_MAX, "beta must be in [0,1000]");
    QNTK_REQUIRE(o->backward_beta >= 0 && o->backward_beta <= QNTK_ANNEAL_SCALE_MAX,
                 "the backward beta must be in [0,1000]");
    QNTK_REQUIRE(options->rounding == QNTK_ROUNDING_NEAREST,
                 "annealed weights end as their nearest levels: rounding must be nearest");
    return QNTK_OK;
}

/* ---- schedules ---- */

/* A layer has its part in the schedule if its weights are rounded or its activation has steps; these follow the
 * same schedule. */
static bool takes_part(const qntk_network_layer *layer)
{
    return layer->levels > 0 || layer->activation.levels > 0;
}

/* The scale of noise that starts at beta, in layer `layer` of those that take part, in the current epoch. */
static double scale_now(const qntk_trainer *trainer, double beta, size_t layer)
{
    const qntk_train_anneal *o = &trainer->options.anneal;
    const qntk_network *network = trainer->network;
    qntk_anneal_schedule schedule;
    size_t before = 0, all = 0;
    for (size_t l = 0; l < network->count; l++) {
        all += takes_part(&network->layers[l]) ? 1 : 0;
        before += l < layer && takes_part(&network->layers[l]) ? 1 : 0;
    }
    /* cannot fail: the options were checked and the layer is one of them */
    if (qntk_anneal_layer(o->law, o->sync, o->progressive, o->period, beta, before, all, &schedule) !=
        QNTK_OK)
        return NAN;
    const double scale = qntk_anneal_scale(schedule, (double)trainer->epoch);
    return scale < QNTK_ANNEAL_SCALE_MIN ? 0 : scale;
}

void qntk_train_anneal_set(qntk_trainer *trainer)
{
    const qntk_train_anneal *o = &trainer->options.anneal;
    if (trainer->options.method == QNTK_METHOD_STE) {
        for (size_t l = 0; l < trainer->network->count; l++)
            if (trainer->network->layers[l].activation.levels > 0) /* weights have a window for it */
                trainer->layers[l].backward_noise = (qntk_noise){.shape = QNTK_NOISE_UNIFORM, .scale = 0.5};
        return;
    }
    if (trainer->options.method != QNTK_METHOD_ANA)
        return;
    for (size_t l = 0; l < trainer->network->count; l++) {
        if (!takes_part(&trainer->network->layers[l]))
            continue;
        qntk_train_layer *layer = &trainer->layers[l];
        layer->noise = (qntk_noise){.shape = o->noise, .scale = scale_now(trainer, o->beta, l)};
        layer->backward_noise = (qntk_noise){.shape = o->backward_noise, .scale = o->backward_beta};
        if (o->backward_annealed)
            layer->backward_noise.scale = scale_now(trainer, o->backward_beta, l);
        else if (o->backward_beta < QNTK_ANNEAL_SCALE_MIN)
            layer->backward_noise.scale = 0;
    }
}

qntk_status qntk_train_anneal_epoch(qntk_trainer *trainer)
{
    return trainer->options.method == QNTK_METHOD_ANA ? qntk_trainer_round(trainer) : QNTK_OK;
}

double qntk_trainer_noise(const qntk_trainer *trainer, size_t layer)
{
    return trainer->layers[layer].noise.scale;
}

/* ---- forward and backward ---- */

/* Further bits of a weight that is drawn: a stream beside those of rounding and its ties. */
static const uint64_t LOW_STREAM = UINT64_C(4) * QNTK_TIE_STREAM;

void qntk_train_noisy(const qntk_trainer *t, qntk_noise noise, size_t levels, qntk_round_source source,
                      size_t count, const float *latent, float *out)
{
    uint32_t high[QNTK_STRETCH], low[QNTK_STRETCH];
    if (noise.scale == 0) {
        t->ops->nearest(levels, count, latent, out);
        return;
    }
    switch (t->options.anneal.strategy) {
    case QNTK_STRATEGY_EXPECTED:
        t->anneal_ops->expected(noise, levels, count, latent, out);
        break;
    case QNTK_STRATEGY_MODE:
        t->anneal_ops->mode(noise, levels, count, latent, out);
        break;
    case QNTK_STRATEGY_RANDOM: {
        qntk_round_source further = source;
        further.stream += LOW_STREAM;
        t->ops->bits(source, count, high);
        t->ops->bits(further, count, low);
        t->anneal_ops->draw(noise, levels, count, high, low, latent, out);
        break;
    }
    }
}

void qntk_train_anneal_forward(const qntk_stretch *s, float *weight)
{
    const qntk_trainer *t = s->trainer;
    qntk_train_noisy(t, t->layers[s->layer].noise, t->network->layers[s->layer].levels, s->source, s->count,
                     s->latent, weight);
}

void qntk_train_anneal_backward(const qntk_stretch *s, float *gradient)
{
    const qntk_trainer *t = s->trainer;
    const qntk_noise noise = t->layers[s->layer].backward_noise;
    if (noise.scale == 0)
        memset(gradient, 0, s->count * sizeof *gradient);
    else
        t->anneal_ops->slope(noise, t->network->layers[s->layer].levels, s->count, s->latent, gradient);
}
