/* Networks that the options ask for. */
#include "qnn_network.h"

#include <string.h>

static bool parse_activations(const cli_program *program, const char *text, qnn_shape *shape)
{
    static const struct {
        const char *name;
        size_t levels;
        bool positive;
    } names[] = {{"relu", 0, false},   {"binary", 2, false},  {"ternary", 3, false}, {"bits=1", 2, true},
                 {"bits=2", 4, true},  {"bits=3", 8, true},   {"bits=4", 16, true},  {"bits=5", 32, true},
                 {"bits=6", 64, true}, {"bits=7", 128, true}, {"bits=8", 256, true}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text == NULL || strcmp(text, names[i].name) == 0) {
            shape->activation = names[i].levels;
            shape->positive = names[i].positive;
            return true;
        }
    cli_usage(program, "--activations: expected relu, binary, ternary or bits=1 .. bits=8, found '%s'", text);
    return false;
}

int qnn_parse_shape(const cli_program *program, const qnn_network_settings *set, qnn_shape *shape)
{
    size_t levels;
    *shape = (qnn_shape){0};
    const size_t hidden = qnn_parse_list(program, "hidden", set->hidden, 1, QNN_HIDDEN_MAX, shape->sizes + 1);
    if (hidden == 0 || !qnn_parse_weights(program, set->weights, &levels) ||
        !parse_activations(program, set->activations, shape))
        return CLI_USAGE;
    shape->count = hidden + 1;
    for (size_t l = 0; l < hidden; l++)
        shape->levels[l] = l == 0 && set->first == 1 ? QNTK_LEVELS_REAL : levels;
    shape->levels[hidden] = set->last == 1 ? QNTK_LEVELS_REAL : levels;
    return 0;
}

void qnn_fit_shape(qnn_shape *shape, size_t features, size_t classes)
{
    shape->sizes[0] = features;
    shape->sizes[shape->count] = qnn_outputs(classes);
}

size_t qnn_outputs(size_t classes)
{
    return classes > 0 ? classes : 1;
}

qntk_status qnn_start(const qnn_shape *shape, double b_std, uint64_t seed, qntk_network *network)
{
    qntk_status status = qntk_network_create(shape->count, shape->sizes, shape->levels, b_std, seed, network);
    if (status == QNTK_OK && shape->activation > 0) {
        status = qntk_network_activate(network, shape->activation, shape->positive);
        if (status != QNTK_OK)
            qntk_network_free(network);
    }
    return status;
}

bool qnn_has_shape(const qntk_network *network, const qnn_shape *shape, double b_std)
{
    bool same = network->count == shape->count;
    for (size_t l = 0; l < shape->count && same; l++) {
        const qntk_network_layer *layer = &network->layers[l];
        same = layer->fan_in == shape->sizes[l] && layer->fan_out == shape->sizes[l + 1] &&
               layer->levels == shape->levels[l] && layer->b_std == b_std;
        if (l + 1 < shape->count)
            same = same && layer->activation.levels == shape->activation &&
                   (shape->activation == 0 || (layer->activation.lowest == 0) == shape->positive);
    }
    return same;
}

qntk_status qnn_restart(const qntk_checkpoint *checkpoint, qntk_network *network)
{
    const qntk_network *saved = &checkpoint->network;
    size_t *sizes = qntk_alloc(2 * saved->count + 1, sizeof *sizes);
    if (sizes == NULL)
        return QNTK_NO_MEMORY;
    size_t *levels = sizes + saved->count + 1; /* (count), behind the (count + 1) sizes */
    for (size_t l = 0; l < saved->count; l++) {
        sizes[l] = saved->layers[l].fan_in;
        sizes[l + 1] = saved->layers[l].fan_out;
        levels[l] = saved->layers[l].levels;
    }
    qntk_status status = qntk_network_create(saved->count, sizes, levels, saved->layers[0].b_std,
                                             qntk_trainer_options(checkpoint->trainer)->seed, network);
    for (size_t l = 0; l < saved->count && status == QNTK_OK; l++) {
        network->layers[l].activation = saved->layers[l].activation;
        network->layers[l].w_std = saved->layers[l].w_std; /* another one behind such activations */
    }
    qntk_free(sizes);
    return status;
}
