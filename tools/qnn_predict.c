/* qnn predict: a saved network applied to data. */
#include "cli_result.h"
#include "qnn_network.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    cli_common common;
    const char *model;
    size_t draws; /* 0: the expected output */
} settings;

static settings set;

static const cli_option options[] = {
    CLI_HEADING("Model"),
    {.name = "model",
     .kind = CLI_TEXT,
     .destination = &set.model,
     .argument = "FILE",
     .role = CLI_READS,
     .help = "a network saved by qnn train --save; data are scaled as in its training"},
    {.name = "draws",
     .kind = CLI_COUNT,
     .destination = &set.draws,
     .argument = "N",
     .help = "mean output of N networks with sampled weights [the expected output]"},
    CLI_HEADING("Data"),
    CLI_SOURCE_OPTIONS(set.common),
    CLI_LIMIT_OPTION(set.common),
    CLI_MISSING_OPTION(set.common, "data", "error|drop"), /* the means of which rows? */
    CLI_HEADING("Output"),
    CLI_RESULT_OPTIONS(set.common),
    CLI_GENERAL_OPTIONS(set.common, "of the draws, and of generators"),
    {0},
};

static const cli_program program = {
    .name = "qnn predict",
    .synopsis = "--model FILE --data SPEC [options]",
    .summary =
        "Applies a saved network: its expected output (the quasi network), one rounding draw (--draws 1) or "
        "the mean\nof several. One row each: prediction, the truth where there is one, and the outputs.",
    .examples =
        "  qnn predict --model digits.qnn --data t10k-images-idx3-ubyte.gz --limit 100\n"
        "  qnn predict --model digits.qnn --data new.csv --target none --draws 10 --out answers.tsv\n",
    .options = options,
    .common = &set.common,
};

typedef struct {
    qntk_checkpoint c;
    qnn_rows rows;
    size_t outputs;
    double *F, *answer; /* (n, outputs), (n) */
    double score;       /* NaN without truth */
    char name[128];
    qntk_meta meta;
    /* of the table: row, prediction, truth, outputs */
    qntk_column *columns;
    char (*output_name)[160];
    qntk_cell *cells;
} job;

/* ---- the table ---- */

static qntk_status make_columns(job *j)
{
    const bool classify = j->c.classes > 0;
    j->columns = qntk_alloc_zero(j->outputs + 4, sizeof *j->columns);
    j->cells = qntk_alloc_zero(j->outputs + 4, sizeof *j->cells);
    j->output_name = qntk_alloc(j->outputs, sizeof *j->output_name);
    if (j->columns == NULL || j->cells == NULL || j->output_name == NULL)
        return QNTK_NO_MEMORY;
    size_t count = 0;
    j->columns[count++] = (qntk_column){"row", 17};
    j->columns[count++] = (qntk_column){"prediction", classify ? 0 : 17};
    if (j->rows.y != NULL)
        j->columns[count++] = (qntk_column){"truth", classify ? 0 : 17};
    for (size_t k = 0; k < j->outputs && classify; k++) { /* a number's output is the prediction */
        snprintf(j->output_name[k], sizeof j->output_name[k], "output[%.140s]", j->c.class_name[k]);
        j->columns[count++] = (qntk_column){j->output_name[k], 17};
    }
    return QNTK_OK;
}

static void fill_row(const job *j, size_t i)
{
    const bool classify = j->c.classes > 0;
    size_t count = 0;
    j->cells[count++] = qntk_cell_number((double)i);
    j->cells[count++] =
        classify ? qntk_cell_text(j->c.class_name[(size_t)j->answer[i]]) : qntk_cell_number(j->answer[i]);
    if (j->rows.y != NULL)
        j->cells[count++] =
            classify ? qntk_cell_text(j->c.class_name[(size_t)j->rows.y[i]]) : qntk_cell_number(j->rows.y[i]);
    for (size_t k = 0; k < j->outputs && classify; k++)
        j->cells[count++] = qntk_cell_number(j->F[i * j->outputs + k]);
}

static void write_tsv(qntk_file *file, const void *context)
{
    const job *j = context;
    qntk_table_head(file, &j->meta);
    qntk_table_columns(file, j->columns);
    for (size_t i = 0; i < j->rows.n; i++) {
        fill_row(j, i);
        qntk_table_row(file, j->columns, j->cells);
    }
}

static qntk_status write_json(qntk_file *file, const void *context)
{
    const job *j = context;
    cJSON *tree = NULL, *predictions = NULL;
    qntk_status status = qntk_json_head(&j->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "predictions", &predictions);
    for (size_t i = 0; status == QNTK_OK && i < j->rows.n; i++) {
        fill_row(j, i);
        status = qntk_json_row(predictions, j->columns, j->cells, NULL);
    }
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

static qntk_status write_result(job *j)
{
    const cli_result result = {.result = j, .tsv = write_tsv, .json = write_json};
    qntk_status status = make_columns(j);
    return status == QNTK_OK ? cli_result_write(&set.common, &result) : status;
}

/* ---- one run ---- */

static qntk_status predict(job *j)
{
    const qntk_rounding rounding = qntk_trainer_options(j->c.trainer)->rounding;
    j->outputs = qnn_outputs(j->c.classes);
    j->F = qntk_alloc(j->rows.n, j->outputs * sizeof *j->F);
    j->answer = qntk_alloc(j->rows.n, sizeof *j->answer);
    if (j->F == NULL || j->answer == NULL)
        return QNTK_NO_MEMORY;
    qntk_status status = set.draws == 0
                             ? qntk_network_expect(&j->c.network, rounding, j->rows.n, j->rows.X, j->F)
                             : qntk_network_sample(&j->c.network, rounding, set.common.seed, 0, set.draws,
                                                   j->rows.n, j->rows.X, j->F);
    if (status == QNTK_OK)
        status = qnn_answers(&j->c, j->rows.n, j->F, j->answer);
    j->score = NAN;
    if (status == QNTK_OK && j->rows.y != NULL)
        j->score = qnn_score(&j->c, j->rows.n, j->rows.y, j->answer);
    return status;
}

static qntk_status add_meta(job *j)
{
    qntk_status status = cli_meta(&program, j->name, j->rows.n, j->c.features, &j->meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "classes", j->c.classes);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j->meta, "model_epochs", j->c.epochs);
    if (status == QNTK_OK && j->rows.y != NULL)
        status = qntk_meta_number(&j->meta, j->c.classes > 0 ? "accuracy" : "mse", j->score);
    return status;
}

int qnn_predict(int argc, char **argv)
{
    static job j; /* the trainer points into it */
    bool end;
    int code = cli_parse(&program, argc, argv, &end);
    if (code == 0 && !end && (set.model == NULL || set.common.data == NULL))
        code = cli_usage(&program, "give --model FILE and --data SPEC");
    if (code != 0 || end)
        return code;
    qntk_status status = cli_begin(&program, NULL);
    if (status == QNTK_OK)
        status = qntk_checkpoint_load(set.model, &j.c);
    if (status == QNTK_OK)
        status = qnn_read_rows(&set.common, true, &j.c, j.name, &j.rows);
    if (status == QNTK_OK)
        status = predict(&j);
    if (status == QNTK_OK)
        status = add_meta(&j);
    if (status == QNTK_OK)
        status = write_result(&j);
    cli_progress_end();
    if (status == QNTK_OK && !set.common.quiet && j.rows.y != NULL)
        fprintf(stderr, "%s %.6g on %zu rows\n", j.c.classes > 0 ? "accuracy" : "mean squared error", j.score,
                j.rows.n);
    code = status == QNTK_OK ? 0 : cli_fail(&program, status);
    qntk_checkpoint_free(&j.c);
    qnn_rows_free(&j.rows);
    qntk_free(j.F);
    qntk_free(j.answer);
    qntk_free(j.columns);
    qntk_free(j.cells);
    qntk_free(j.output_name);
    qntk_meta_free(&j.meta);
    return code;
}
