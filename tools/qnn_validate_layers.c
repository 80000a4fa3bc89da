/* qnn validate: sampled roundings of one network against moment propagation, before and after training. */
#include "qnn_validate_layers.h"

enum { USUAL_ROWS = 10 };

static qntk_status run_stage(validate_layers *j, const char *when, const qntk_network *network)
{
    const qntk_validate_options options = {.draws = j->set->draws, .seed = j->set->common.seed};
    validate_stage *s = &j->stage[j->stages];
    qntk_moments_weights *layers = qntk_alloc_zero(network->count, sizeof *layers);
    if (layers == NULL)
        return QNTK_NO_MEMORY;
    s->when = when;
    qntk_status status = qntk_network_moments(network, QNTK_ROUNDING_STOCHASTIC, layers);
    if (status == QNTK_OK)
        status = qntk_validate(layers, network->count, j->rows.n, j->rows.X, options, &s->v);
    if (status == QNTK_OK)
        j->stages++;
    qntk_network_moments_free(network, layers);
    qntk_free(layers);
    return status;
}

static qntk_status add_meta(validate_layers *j, const cli_program *program, const qntk_network *network)
{
    qntk_status status = cli_meta(program, j->rows.name, j->rows.rows, j->rows.d, &j->meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "inputs", j->rows.n);
    if (status == QNTK_OK && j->set->model != NULL)
        status = qntk_meta_count(&j->meta, "model_epochs", j->epochs);
    return status == QNTK_OK ? qntk_meta_count(&j->meta, "parameters", qntk_network_parameters(network))
                             : status;
}

/* A network of the options, at its start. */
static qntk_status run_fresh(validate_layers *j, const cli_program *program, const validate_plan *plan)
{
    qnn_shape shape = plan->shape;
    qntk_network network = {0};
    qntk_status status = validate_read(j->set, plan, USUAL_ROWS, &j->rows);
    if (status != QNTK_OK)
        return status;
    qnn_fit_shape(&shape, j->rows.d, j->rows.classes);
    status = qntk_network_create(shape.count, shape.sizes, shape.levels, j->set->network.b_std,
                                 j->set->common.seed, &network);
    if (status == QNTK_OK)
        status = add_meta(j, program, &network);
    if (status == QNTK_OK)
        status = run_stage(j, "before", &network);
    qntk_network_free(&network);
    return status;
}

static qntk_status check_model(const validate_settings *set, const qntk_checkpoint *c)
{
    bool rounded = false;
    for (size_t l = 0; l < c->network.count; l++)
        rounded = rounded || c->network.layers[l].levels != QNTK_LEVELS_REAL;
    if (rounded && qntk_trainer_options(c->trainer)->rounding == QNTK_ROUNDING_STOCHASTIC)
        return QNTK_OK;
    return cli_message(QNTK_INVALID, "%s: %s: nothing is random, so there is nothing to compare", set->model,
                       rounded ? "rounded to the nearest levels" : "real weights");
}

/* Rows of --data as the network takes them. */
static qntk_status read_for(validate_layers *j, const validate_plan *plan, const qntk_checkpoint *c)
{
    qnn_rows read = {0};
    qntk_status status = qnn_read_rows(&j->set->common, true, c, j->rows.name, &read);
    if (status == QNTK_OK) {
        double *X = qntk_alloc(read.n, c->features * sizeof *X);
        j->rows.rows = read.n;
        j->rows.d = c->features;
        status = X == NULL ? QNTK_NO_MEMORY : QNTK_OK;
        for (size_t k = 0; k < read.n * c->features && status == QNTK_OK; k++)
            X[k] = (double)read.X[k];
        if (status == QNTK_OK)
            status = validate_choose(j->set, plan, USUAL_ROWS, X, &j->rows);
        qntk_free(X);
    }
    qnn_rows_free(&read);
    return status;
}

/* A saved network, before and after its training. */
static qntk_status run_model(validate_layers *j, const cli_program *program, const validate_plan *plan)
{
    static qntk_checkpoint c; /* the trainer points into it */
    qntk_network start = {0};
    qntk_status status = qntk_checkpoint_load(j->set->model, &c);
    if (status == QNTK_OK)
        status = check_model(j->set, &c);
    if (status == QNTK_OK)
        status = read_for(j, plan, &c);
    if (status == QNTK_OK) {
        j->epochs = c.epochs;
        status = validate_name_classes(&j->rows, c.classes, c.class_name);
    }
    if (status == QNTK_OK)
        status = add_meta(j, program, &c.network);
    if (status == QNTK_OK)
        status = qnn_restart(&c, &start);
    if (status == QNTK_OK)
        status = run_stage(j, "before", &start);
    qntk_network_free(&start);
    if (status == QNTK_OK)
        status = run_stage(j, "after", &c.network);
    qntk_checkpoint_free(&c);
    return status;
}

int validate_layers_run(const cli_program *program, const validate_settings *set, const validate_plan *plan)
{
    validate_layers j = {.set = set};
    qntk_status status = set->model != NULL ? run_model(&j, program, plan) : run_fresh(&j, program, plan);
    const int code = validate_layers_end(program, status, &j);
    for (size_t k = 0; k < j.stages; k++)
        qntk_validation_free(&j.stage[k].v);
    validate_rows_free(&j.rows);
    qntk_meta_free(&j.meta);
    return code;
}
