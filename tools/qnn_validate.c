/* qnn validate: is the quasi network right? Sampled roundings against moment propagation, and finite networks
 * against infinitely wide ones: their tangent kernels (--tangent) and their training (--lazy). */
#include "qnn_validate.h"

#include <math.h>
#include <string.h>

static validate_settings set = {
    .network = {.hidden = "1024,1024", .last = 1}, .draws = 1000, .seeds = 16, .steps = 100};

static const cli_option options[] = {
    CLI_DATA_OPTIONS(set.common),
    {.name = "inputs",
     .kind = CLI_COUNT,
     .destination = &set.inputs,
     .argument = "N",
     .help = "rows that go through the networks, chosen by the seed [10; with --tangent or --lazy 20]"},
    {.name = "pick",
     .kind = CLI_TEXT,
     .destination = &set.pick,
     .argument = "ROW,ROW,..",
     .against = "inputs",
     .help = "these rows instead, from 0"},
    CLI_HEADING("Network"),
    {.name = "model",
     .kind = CLI_TEXT,
     .destination = &set.model,
     .argument = "FILE",
     .role = CLI_READS,
     .against = "tangent|lazy",
     .help = "a network saved by qnn train --save, after training and as it was before; scales the data"},
    QNN_NETWORK_OPTIONS(set.network,
                        "of the rounded layers [binary; with --tangent or --lazy real, binary and ternary]"),
    {.name = "draws",
     .kind = CLI_COUNT,
     .destination = &set.draws,
     .argument = "N",
     .low = 10,
     .against = "tangent|lazy",
     .help = "roundings of all weights"},
    CLI_HEADING("Against infinite width"),
    {.name = "tangent",
     .kind = CLI_FLAG,
     .destination = &set.tangent,
     .help = "instead: tangent kernels of finite networks against the formula of infinite width"},
    {.name = "lazy",
     .kind = CLI_FLAG,
     .destination = &set.lazy,
     .against = "tangent",
     .help = "instead: gradient descent of finite networks against descent with their kernel at the start"},
    {.name = "widths",
     .kind = CLI_TEXT,
     .destination = &set.widths,
     .argument = "W,W,..",
     .needs = "tangent|lazy",
     .help = "of all hidden layers, ascending [64,128,256,512, with --tangent 1024 too]"},
    {.name = "depths",
     .kind = CLI_TEXT,
     .destination = &set.depths,
     .argument = "L,L,..",
     .needs = "tangent|lazy",
     .help = "numbers of hidden layers, ascending [1,2,3; with --lazy 1]"},
    {.name = "seeds",
     .kind = CLI_COUNT,
     .destination = &set.seeds,
     .argument = "N",
     .high = 1000000,
     .needs = "tangent|lazy",
     .help = "networks of each kind, depth and width"},
    {.name = "steps",
     .kind = CLI_COUNT,
     .destination = &set.steps,
     .argument = "N",
     .low = 1,
     .high = 1000000,
     .needs = "lazy",
     .help = "of gradient descent; ten are the time of the fastest mode"},
    CLI_OUTPUT_OPTIONS(set.common),
    {0},
};

static const cli_program program = {
    .name = "qnn validate",
    .synopsis = "--data SPEC [--model FILE | --hidden W,W,.. --weights LAW | --tangent | --lazy]",
    .summary =
        "Is the quasi network right? Rounds all weights --draws times and compares mean, variance and\n"
        "distribution in each layer with what moment propagation predicts; before and after training with\n"
        "--model. With --tangent: tangent kernels of quasi networks of growing width against the formula;\n"
        "with --lazy: how they train, against their kernels.",
    .examples =
        "  qnn validate --data t10k-images-idx3-ubyte.gz --rows sphere --hidden 1024,1024 --plot layers.png\n"
        "  qnn validate --data t10k-images-idx3-ubyte.gz --model digits.qnn --format json\n"
        "  qnn validate --data sphere:n=200,d=10 --tangent --widths 64,128,256,512,1024 --plot tangent.png\n"
        "  qnn validate --data friedman1:n=200 --lazy --plot lazy.png\n"
        "\n--tangent and --lazy pass the rows through a real, linear, random layer of the same width first: "
        "the "
        "formula\n"
        "holds where every rounded layer has many inputs, and data may have few features.\n",
    .options = options,
    .common = &set.common,
};

static bool ascending(size_t count, const size_t *values)
{
    for (size_t k = 1; k < count; k++)
        if (values[k] <= values[k - 1])
            return false;
    return true;
}

static int parse_tangent(validate_plan *p)
{
    const char *widths = set.widths != NULL ? set.widths
                         : set.lazy         ? "64,128,256,512"
                                            : "64,128,256,512,1024";
    p->widths = qnn_parse_list(&program, "widths", widths, 1, VALIDATE_LIST_MAX, p->tangent_width);
    if (p->widths == 0)
        return CLI_USAGE;
    const char *depths = set.depths != NULL ? set.depths : set.lazy ? "1" : "1,2,3";
    p->depths = qnn_parse_list(&program, "depths", depths, 1, VALIDATE_LIST_MAX, p->depth);
    if (p->depths == 0)
        return CLI_USAGE;
    if (!ascending(p->widths, p->tangent_width))
        return cli_usage(&program, "--widths: expected ascending numbers, found '%s'", widths);
    if (!ascending(p->depths, p->depth) || p->depth[p->depths - 1] > QNN_HIDDEN_MAX)
        return cli_usage(&program, "--depths: expected ascending numbers up to %d, found '%s'",
                         QNN_HIDDEN_MAX, depths);
    if (set.tangent && set.seeds < 2)
        return cli_usage(&program, "--seeds: expected at least 2 with --tangent, found %zu", set.seeds);
    p->laws = set.network.weights == NULL ? 3 : 1;
    p->law[0] = set.network.weights == NULL ? QNTK_LEVELS_REAL : p->levels;
    p->law[1] = QNTK_LEVELS_BINARY;
    p->law[2] = QNTK_LEVELS_TERNARY;
    return 0;
}

static int parse_plan(validate_plan *p)
{
    if (set.common.data == NULL)
        return cli_usage(&program, "give --data SPEC");
    if (set.model != NULL && set.common.missing == QNTK_MISSING_MEAN)
        return cli_usage(&program,
                         "--missing mean means nothing with --model: the means of which rows? Pass drop");
    if (!qnn_parse_weights(&program, set.network.weights, &p->levels))
        return CLI_USAGE;
    if (set.pick != NULL) {
        p->picks = qnn_parse_list(&program, "pick", set.pick, 0, VALIDATE_LIST_MAX, p->pick);
        if (p->picks == 0)
            return CLI_USAGE;
    }
    if (set.tangent || set.lazy)
        return parse_tangent(p);
    if (set.model != NULL)
        return 0;
    if (p->levels == QNTK_LEVELS_REAL)
        return cli_usage(&program, "--weights real: nothing is rounded, so there is nothing to compare");
    return qnn_parse_shape(&program, &set.network, &p->shape);
}

validate_line validate_fit(size_t count, const double *x, const double *y)
{
    validate_line line = {0};
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, rest = 0;
    for (size_t k = 0; k < count; k++) {
        mean_x += x[k] / (double)count;
        mean_y += y[k] / (double)count;
    }
    for (size_t k = 0; k < count; k++) {
        xx += (x[k] - mean_x) * (x[k] - mean_x);
        xy += (x[k] - mean_x) * (y[k] - mean_y);
    }
    line.slope = xy / xx;
    line.constant = mean_y - line.slope * mean_x;
    for (size_t k = 0; k < count; k++)
        rest += pow(y[k] - line.constant - line.slope * x[k], 2);
    line.se = count > 2 ? sqrt(rest / (double)(count - 2) / xx) : NAN;
    return line;
}

int qnn_validate(int argc, char **argv)
{
    bool end;
    validate_plan plan = {0};
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end)
        code = parse_plan(&plan);
    if (code != 0 || end)
        return code;
    qntk_status status = cli_begin(&program, set.tangent ? "tangent" : set.lazy ? "lazy" : "validate");
    if (status != QNTK_OK)
        return cli_fail(&program, status);
    return set.tangent ? validate_tangent_run(&program, &set, &plan)
           : set.lazy  ? validate_lazy_run(&program, &set, &plan)
                       : validate_layers_run(&program, &set, &plan);
}

/* ---- what both modes use ---- */

void validate_rows_free(validate_rows *rows)
{
    for (size_t c = 0; c < rows->classes && rows->class_name != NULL; c++)
        qntk_free(rows->class_name[c]);
    qntk_free(rows->class_name);
    qntk_free(rows->row);
    qntk_free(rows->X);
    qntk_free(rows->y);
    *rows = (validate_rows){0};
}

qntk_status validate_name_classes(validate_rows *rows, size_t classes, char *const *names)
{
    rows->class_name = qntk_alloc_zero(classes + 1, sizeof *rows->class_name);
    if (rows->class_name == NULL)
        return QNTK_NO_MEMORY;
    rows->classes = classes;
    for (size_t c = 0; c < classes; c++)
        if ((rows->class_name[c] = qntk_copy_string(names[c])) == NULL)
            return QNTK_NO_MEMORY;
    return QNTK_OK;
}

qntk_status validate_choose(const validate_settings *s, const validate_plan *plan, size_t usual,
                            const double *X, validate_rows *rows)
{
    const size_t wanted = plan->picks > 0 ? plan->picks : s->inputs > 0 ? s->inputs : usual;
    rows->n = plan->picks > 0 || wanted < rows->rows ? wanted : rows->rows;
    rows->row = qntk_alloc(rows->n, sizeof *rows->row);
    rows->X = qntk_alloc(rows->n, rows->d * sizeof *rows->X);
    if (rows->row == NULL || rows->X == NULL)
        return QNTK_NO_MEMORY;
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < plan->picks; i++) {
        if (plan->pick[i] >= rows->rows)
            return cli_message(QNTK_INVALID, "%s: expected --pick from 0 to %zu, found %zu", rows->name,
                               rows->rows - 1, plan->pick[i]);
        rows->row[i] = plan->pick[i];
    }
    if (plan->picks == 0)
        status = qnn_choose_rows(s->common.seed, rows->rows, rows->n, rows->row);
    for (size_t i = 0; i < rows->n && status == QNTK_OK; i++)
        memcpy(rows->X + i * rows->d, X + rows->row[i] * rows->d, rows->d * sizeof *X);
    return status;
}

qntk_status validate_read(const validate_settings *s, const validate_plan *plan, size_t usual,
                          validate_rows *rows)
{
    qntk_dataset data = {0};
    qntk_status status = cli_read_data(&s->common, true, &data);
    if (status == QNTK_OK) {
        snprintf(rows->name, sizeof rows->name, "%s", data.name);
        rows->rows = data.n;
        rows->d = data.d;
        status = validate_name_classes(rows, data.classes, data.class_name);
    }
    if (status == QNTK_OK)
        status = validate_choose(s, plan, usual, data.X, rows);
    if (status == QNTK_OK && data.y != NULL) {
        rows->y = qntk_alloc(rows->n, sizeof *rows->y);
        status = rows->y == NULL ? QNTK_NO_MEMORY : QNTK_OK;
        for (size_t i = 0; i < rows->n && status == QNTK_OK; i++)
            rows->y[i] = data.y[rows->row[i]];
    }
    qntk_dataset_free(&data);
    return status;
}
