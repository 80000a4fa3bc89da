/* The log of a training: one row an epoch. */
#include "cli_result.h"
#include "qnn.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

static const qntk_column columns[] = {{"epoch", 17}, {"loss", 17}, {"train", 17}, {"test", 17},
                                      {"gap", 17},   {"rate", 17}, {NULL, 0}};
enum { CELLS = sizeof columns / sizeof *columns - 1 };

typedef struct {
    const qntk_meta *meta;
    const qntk_checkpoint *c;
} training_log;

static void fill(const qntk_checkpoint *c, size_t epoch, qntk_cell cells[CELLS])
{
    const qntk_train_record *r = &c->log[epoch];
    cells[0] = qntk_cell_number((double)(epoch + 1));
    cells[1] = qntk_cell_number(r->loss);
    cells[2] = qntk_cell_number(r->train);
    cells[3] = qntk_cell_number(r->test);
    cells[4] = qntk_cell_number(qnn_gap(c, r->train, r->test));
    cells[5] = qntk_cell_number(r->rate);
}

static void write_tsv(qntk_file *file, const void *result)
{
    const training_log *log = result;
    const qntk_checkpoint *c = log->c;
    qntk_table_head(file, log->meta);
    qntk_table_columns(file, columns);
    for (size_t e = 0; e < c->epochs; e++) {
        qntk_cell cells[CELLS];
        fill(c, e, cells);
        qntk_table_row(file, columns, cells);
    }
}

static qntk_status write_json(qntk_file *file, const void *result)
{
    const training_log *log = result;
    const qntk_checkpoint *c = log->c;
    cJSON *tree = NULL, *epochs = NULL;
    qntk_status status = qntk_json_head(log->meta, &tree);
    if (status == QNTK_OK)
        status = qntk_json_array(tree, "epochs", &epochs);
    for (size_t e = 0; status == QNTK_OK && e < c->epochs; e++) {
        qntk_cell cells[CELLS];
        fill(c, e, cells);
        status = qntk_json_row(epochs, columns, cells, NULL);
    }
    if (status == QNTK_OK)
        status = qntk_json_write(file, tree);
    cJSON_Delete(tree);
    return status;
}

qntk_status qnn_write_log(const cli_common *common, const qntk_meta *meta, const qntk_checkpoint *c)
{
    const training_log log = {meta, c};
    const cli_result result = {.script = "train", .result = &log, .tsv = write_tsv, .json = write_json};
    return cli_result_write(common, &result);
}

void qnn_print_epoch(const qntk_checkpoint *c, size_t epochs, double seconds)
{
    const qntk_train_record *r = &c->log[c->epochs - 1];
    cli_progress_end();
    fprintf(stderr, "epoch %zu/%zu  loss %.4g  train %.4g", c->epochs, epochs, r->loss, r->train);
    if (!isnan(r->test))
        fprintf(stderr, "  test %.4g  gap %.4g", r->test, qnn_gap(c, r->train, r->test));
    fprintf(stderr, "  %.1f s\n", seconds);
}
