/* qnn noise --sweep: rows that survive. FILE appears when all are there; until then each is appended to FILE.part as
 * soon as its model is complete, one line at once and synced to the disk, so that a killed run loses the models under
 * way and no other. */
#include "cli_earlier.h"
#include "qnn_sweep.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- what a file says, in either format ---- */

/* A result may have other models than the present run. */
static bool may_differ(const char *key)
{
    return strncmp(key, "axis_", 5) == 0;
}

/* The model that the first fields name: its number, or j->models. */
static size_t find_model(const sweep_job *j, char *const *field, const double *number)
{
    qntk_sweep_model model = {.width = (size_t)number[SWEEP_WIDTH],
                              .depth = (size_t)number[SWEEP_DEPTH],
                              .seed = (size_t)number[SWEEP_SEED],
                              .rate = number[SWEEP_LR]};
    if (!qntk_sweep_bits_parse(field[SWEEP_BITS], &model.levels))
        return j->models;
    model.rounding =
        strcmp(field[SWEEP_ROUNDING], "stochastic") == 0 ? QNTK_ROUNDING_STOCHASTIC : QNTK_ROUNDING_NEAREST;
    return qntk_sweep_find(&j->sweep, &model);
}

/* One row of an earlier run, its fields in the order of the columns. */
static qntk_status take_row(void *context, const char *path, char *const *field)
{
    sweep_job *j = context;
    const qntk_column *columns = sweep_columns();
    double number[SWEEP_CELLS_MAX] = {0};
    qntk_sweep_row row = {.present = true};
    for (size_t c = 0; c < sweep_cells(); c++)
        if (columns[c].digits > 0 && !cli_earlier_number(field[c], &number[c]))
            return cli_earlier_bad(path, "expected numbers in its rows");
    size_t outcome = 0;
    while (outcome < QNTK_SWEEP_OUTCOMES &&
           strcmp(qntk_sweep_outcome_name(outcome), field[SWEEP_STATUS]) != 0)
        outcome++;
    for (size_t c = SWEEP_MODEL; c <= SWEEP_EPOCHS; c++)
        if (!(number[c] >= 0 && number[c] <= 0x1p53))
            return cli_earlier_bad(path, "expected sizes in its rows");
    if (outcome == QNTK_SWEEP_OUTCOMES || (outcome == QNTK_SWEEP_OK && !isfinite(number[SWEEP_GAP])))
        return cli_earlier_bad(path, "expected a status and, for 'ok', a gap in its rows");
    const size_t index = find_model(j, field, number);
    if (index == j->models)
        return cli_message(
            QNTK_INVALID,
            "%s: has a model (bits %s, rounding %s, width %s, depth %s, seed %s, lr %s) that the grid has "
            "not, and that would be lost; write elsewhere",
            path, field[SWEEP_BITS], field[SWEEP_ROUNDING], field[SWEEP_WIDTH], field[SWEEP_DEPTH],
            field[SWEEP_SEED], field[SWEEP_LR]);
    row.outcome = (qntk_sweep_outcome)outcome;
    row.epochs = (size_t)number[SWEEP_EPOCHS];
    row.loss = number[SWEEP_LOSS];
    row.train = number[SWEEP_TRAIN];
    row.test = number[SWEEP_TEST];
    row.gap = number[SWEEP_GAP];
    for (size_t m = 0, c = SWEEP_MEASURES; m < QNTK_MEASURES; m++) {
        row.measure[m] = number[c++];
        row.se[m] = qntk_measure_sampled(m) ? number[c++] : (double)NAN;
    }
    j->complete += !j->row[index].present;
    j->row[index] = row;
    return QNTK_OK;
}

_Static_assert((int)SWEEP_CELLS_MAX <= (int)CLI_EARLIER_COLUMNS, "a row has more fields than are read back");

/* A last line of FILE.part without its newline was being written when the run was killed. */
static qntk_status read_earlier(sweep_job *j, const char *path, bool json)
{
    const cli_earlier earlier = {.program = "such a qnn noise --sweep",
                                 .meta = &j->meta,
                                 .may_differ = may_differ,
                                 .columns = sweep_columns(),
                                 .rows = "models",
                                 .appended = true,
                                 .take = take_row,
                                 .context = j};
    return cli_earlier_read(&earlier, path, json);
}

/* ---- FILE.part ---- */

static qntk_status part_failure(const sweep_job *j)
{
    return cli_message(QNTK_IO, "%s: %s", j->part, strerror(errno));
}

/* Takes the lock; of a run that has just been killed it may be free only in a moment. */
static bool take_lock(int file)
{
    const struct timespec moment = {.tv_nsec = 50000000}; /* 0.05 s */
    for (int attempt = 0; attempt < 40; attempt++) {
        if (flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) /* some file systems have no locks */
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

/* Whether the file is still the one of this name: while a lock was waited for, another run may have replaced it. */
static bool still_named(int file, const char *path)
{
    struct stat here, there;
    return fstat(file, &here) == 0 && stat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

/* Opens it and keeps others out; *file -1 and QNTK_OK: it is not there. */
static qntk_status lock_part(const sweep_job *j, int *file)
{
    for (int attempt = 0; attempt < 40; attempt++) {
        *file = open(j->part, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (*file < 0)
            return errno == ENOENT ? QNTK_OK : part_failure(j);
        const bool locked = take_lock(*file);
        if (locked && still_named(*file, j->part))
            return QNTK_OK;
        close(*file);
        *file = -1;
        if (!locked)
            break;
    }
    return cli_message(QNTK_INVALID, "%s: another run is writing it", j->part);
}

/* One line; numbers in digits that give the same double back. */
static size_t format_row(const sweep_job *j, size_t index, char *line, size_t room)
{
    char bits[QNTK_SWEEP_NAME];
    qntk_cell cells[SWEEP_CELLS_MAX];
    size_t used = 0;
    sweep_fill(j, index, bits, cells);
    for (size_t c = 0; c < sweep_cells() && used < room; c++) {
        const char end = c + 1 < sweep_cells() ? '\t' : '\n';
        if (sweep_columns()[c].digits == 0)
            used += (size_t)snprintf(line + used, room - used, "%s%c", cells[c].text, end);
        else
            used += (size_t)snprintf(line + used, room - used, "%.17g%c", cells[c].number, end);
    }
    return used;
}

enum { LINE_BYTES = SWEEP_CELLS_MAX * 32 };

/* A new file with the head and the rows there are, in place of the one of an earlier run. */
static qntk_status start_part(const sweep_job *j)
{
    char line[LINE_BYTES];
    qntk_file *file = NULL;
    qntk_status status = qntk_file_open(j->part, &file);
    if (status != QNTK_OK)
        return status;
    qntk_table_head(file, &j->meta);
    qntk_table_columns(file, sweep_columns());
    for (size_t i = 0; i < j->models; i++)
        if (j->row[i].present)
            qntk_file_write(file, line, format_row(j, i, line, sizeof line));
    return qntk_file_commit(&file);
}

qntk_status sweep_open(sweep_job *j, bool resume)
{
    const cli_common *common = j->program->common;
    int old = -1;
    j->part_file = -1;
    j->part[0] = '\0';
    if (!suite_can_be_replaced(common->out))
        return QNTK_OK;
    if (snprintf(j->part, sizeof j->part, "%s.part", common->out) >= (int)sizeof j->part)
        return cli_message(QNTK_INVALID, "%.80s..: the name is too long", common->out);
    qntk_status status = lock_part(j, &old);
    if (status == QNTK_OK && old >= 0 && !resume)
        status = cli_message(QNTK_INVALID,
                             "%s: holds models of a run that did not end; go on with --resume, or remove it",
                             j->part);
    if (status == QNTK_OK && resume)
        status = read_earlier(j, common->out, common->format == CLI_JSON);
    if (status == QNTK_OK && resume)
        status = read_earlier(j, j->part, false);
    if (status == QNTK_OK)
        status = start_part(j);
    if (status == QNTK_OK)
        status = lock_part(j, &j->part_file);
    if (status == QNTK_OK && j->part_file < 0)
        status = part_failure(j);
    if (old >= 0)
        close(old);
    return status;
}

qntk_status sweep_keep(sweep_job *j, size_t index)
{
    char line[LINE_BYTES];
    if (j->part_file < 0)
        return QNTK_OK;
    if (j->part_failed)
        return QNTK_IO; /* the first failure is told */
    const size_t size = format_row(j, index, line, sizeof line);
    errno = 0;
    if (write(j->part_file, line, size) != (ssize_t)size) {
        errno = errno != 0 ? errno : ENOSPC;
        j->part_failed = true;
        return part_failure(j);
    }
    return fsync(j->part_file) == 0 || errno == EINVAL ? QNTK_OK
                                                       : part_failure(j); /* EINVAL: a file system without */
}

void sweep_close(sweep_job *j, bool done)
{
    if (j->part_file < 0)
        return;
    if (done || j->complete == 0)
        unlink(j->part);
    close(j->part_file);
    j->part_file = -1;
}
