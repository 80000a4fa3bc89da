/* See cli_result.h. */
#include "cli_result.h"

#include <math.h>

void cli_note_text(qntk_file *file, const char *what, const char *kernel, const char *text)
{
    char key[320];
    snprintf(key, sizeof key, "%s[%s]", what, kernel);
    qntk_table_note(file, key, text);
}

void cli_note_number(qntk_file *file, const char *what, const char *kernel, double value)
{
    if (isfinite(value))
        cli_note_list(file, what, kernel, 1, &value);
}

void cli_note_list(qntk_file *file, const char *what, const char *kernel, size_t count, const double *values)
{
    enum { NUMBER = 40 }; /* room for one and its comma */
    char text[4096] = "";
    size_t used = 0;
    for (size_t k = 0; k < count && used + NUMBER < sizeof text; k++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.17g", k > 0 ? "," : "", values[k]);
    cli_note_text(file, what, kernel, text);
}

qntk_status cli_result_draw(const cli_common *common, const cli_result *result)
{
    char path[4096];
    qntk_file *file = NULL;
    snprintf(path, sizeof path, "%.4080s.tsv", common->plot);
    qntk_status status = qntk_file_open(path, &file);
    if (status != QNTK_OK)
        return status;
    result->tsv(file, result->result);
    status = qntk_file_flush(file);
    if (status == QNTK_OK)
        status = qntk_plot(result->script, qntk_file_temporary(file), common->plot);
    qntk_file_abort(&file);
    return status;
}

qntk_status cli_result_write(const cli_common *common, const cli_result *result)
{
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(common->out, &file);
    if (status != QNTK_OK)
        return status;
    if (common->format == CLI_JSON)
        status = result->json(file, result->result);
    else
        result->tsv(file, result->result);
    if (status == QNTK_OK)
        status = qntk_file_commit(&file);
    else
        qntk_file_abort(&file);
    return status == QNTK_OK && common->plot != NULL ? cli_result_draw(common, result) : status;
}

int cli_result_end(const cli_program *program, qntk_status status, bool complete, const cli_result *result)
{
    const int code = status == QNTK_OK ? 0 : cli_fail(program, status);
    cli_progress_end();
    if (!complete)
        return code;
    qntk_interrupt_clear(); /* what is complete is kept, plot included */
    if (!program->common->quiet)
        result->print(stderr, result->result);
    status = cli_result_write(program->common, result);
    return status == QNTK_OK ? code : cli_fail(program, status);
}
