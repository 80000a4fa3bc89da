/* Goes on from a suite's own result. */
#include "cli_earlier.h"
#include "suite.h"

#include <math.h>
#include <string.h>

/* One row of an earlier run. Sets that are no longer there are dropped. */
static qntk_status take_row(void *context, const char *path, char *const *field)
{
    suite *s = context;
    const char *set = field[0], *kernel = field[1], *params = field[2];
    double number[5];
    size_t k = 0, i = 0;
    while (k < s->methods && strcmp(s->method[k], kernel) != 0)
        k++;
    if (k == s->methods)
        return cli_message(
            QNTK_INVALID,
            "%s: has results of kernel '%s', which would be lost; name it with --kernel, or write "
            "elsewhere",
            path, kernel);
    while (i < s->count && strcmp(s->set[i].name, set) != 0)
        i++;
    if (i == s->count)
        return QNTK_OK;
    suite_row *row = &s->set[i].row[k];
    for (int c = 0; c < 5; c++)
        if (!cli_earlier_number(field[3 + c], &number[c]) || !isfinite(number[c]))
            return cli_earlier_bad(path, "expected finite numbers after the third column");
    *row = (suite_row){true, "", number[0], number[1], number[2], number[3], number[4]};
    snprintf(row->params, sizeof row->params, "%s", params);
    return QNTK_OK;
}

qntk_status suite_resume(suite *s, const cli_common *common)
{
    const cli_earlier earlier = {.program = s->command,
                                 .meta = &s->meta,
                                 .columns = suite_columns(),
                                 .rows = "results",
                                 .take = take_row,
                                 .context = s};
    return cli_earlier_read(&earlier, common->out, common->format == CLI_JSON);
}
