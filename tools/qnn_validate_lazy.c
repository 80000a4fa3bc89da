/* qnn validate --lazy: training of finite networks against descent with their kernels (qnn_validate_descent.c), several of
 * each width, and how fast the differences fall with the width. */
#include "qnn_validate_lazy.h"

#include "cli_result.h"

#include <math.h>
#include <stdatomic.h>

enum { USUAL_ROWS = 20 };

/* Networks of a cell are trained beside one another; the bar knows how much of the whole is behind them. */
typedef struct {
    lazy_job *j;
    lazy_cell *cell;
    uint64_t *seed;           /* (seeds, 2) of weights and of the embedding */
    double work, behind;      /* of all cells, and of those that are complete */
    atomic_size_t steps_done; /* of this cell */
} crew;

static double work_of(const lazy_cell *c)
{
    return (double)c->depth * (double)c->width * (double)c->width;
}

static crew *shown; /* for the bar */

static double fraction_done(void)
{
    const double steps = (double)(shown->j->set->steps * shown->j->set->seeds);
    const double part = (double)atomic_load(&shown->steps_done) / steps;
    return (shown->behind + part * work_of(shown->cell)) / shown->work;
}

static void step_done(void *context)
{
    crew *all = context;
    atomic_fetch_add(&all->steps_done, 1);
    qntk_progress("gradient descent", fraction_done());
}

static qntk_status train_one(void *context, size_t index, size_t worker)
{
    (void)worker;
    crew *all = context;
    lazy_cell *c = all->cell;
    const lazy_network network = {.set = all->j->set,
                                  .rows = &all->j->rows,
                                  .y = all->j->y,
                                  .levels = c->levels,
                                  .depth = c->depth,
                                  .width = c->width,
                                  .seed = all->seed[2 * index],
                                  .embedding = all->seed[2 * index + 1]};
    size_t records;
    return lazy_descend(&network, step_done, all, c->record + index * (LAZY_RECORDS + 1), &records);
}

/* ---- over the seeds ---- */

static void summarise(lazy_cell *c, size_t seeds)
{
    for (size_t k = 0; k < c->records; k++)
        for (size_t v = 0; v < LAZY_VALUES; v++) {
            double mean = 0, square = 0;
            for (size_t s = 0; s < seeds; s++)
                mean += c->record[s * (LAZY_RECORDS + 1) + k].value[v] / (double)seeds;
            for (size_t s = 0; s < seeds; s++)
                square += pow(c->record[s * (LAZY_RECORDS + 1) + k].value[v] - mean, 2);
            c->mean[k].value[v] = mean;
            c->se[k].value[v] = seeds > 1 ? sqrt(square / (double)(seeds - 1) / (double)seeds) : NAN;
        }
}

/* Lines through the logarithms of the last values of all networks. */
static qntk_status fit(lazy_job *j, size_t index)
{
    const size_t widths = j->plan->widths, seeds = j->set->seeds;
    const lazy_cell *c = j->cell + index * widths;
    lazy_line *line = &j->line[index];
    double *x = qntk_alloc(2 * widths * seeds, sizeof *x), *y = x + widths * seeds;
    if (x == NULL)
        return QNTK_NO_MEMORY;
    *line = (lazy_line){.levels = c->levels, .depth = c->depth};
    for (size_t r = 0; r < LAZY_RATES; r++) {
        for (size_t w = 0; w < widths; w++)
            for (size_t s = 0; s < seeds; s++) {
                const lazy_record *last = &c[w].record[s * (LAZY_RECORDS + 1) + c[w].records - 1];
                x[w * seeds + s] = log((double)c[w].width);
                y[w * seeds + s] = log(last->value[LAZY_DISTANCE + r]);
            }
        line->fit[r] = validate_fit(widths * seeds, x, y);
    }
    qntk_free(x);
    return QNTK_OK;
}

/* ---- all networks ---- */

static qntk_status allocate(lazy_job *j, crew *all)
{
    const validate_plan *p = j->plan;
    const size_t seeds = j->set->seeds;
    j->cells = p->laws * p->depths * p->widths;
    j->cell = qntk_alloc_zero(j->cells, sizeof *j->cell);
    j->line = qntk_alloc_zero(p->laws * p->depths, sizeof *j->line);
    all->seed = qntk_alloc(2 * seeds, sizeof *all->seed);
    if (j->cell == NULL || j->line == NULL || all->seed == NULL)
        return QNTK_NO_MEMORY;
    for (size_t k = 0; k < j->cells; k++) {
        lazy_cell *c = &j->cell[k];
        c->levels = p->law[k / (p->depths * p->widths)];
        c->depth = p->depth[k / p->widths % p->depths];
        c->width = p->tangent_width[k % p->widths];
        c->records = 1 + (j->set->steps < LAZY_RECORDS ? j->set->steps : LAZY_RECORDS);
        c->record = qntk_alloc_zero(seeds * (LAZY_RECORDS + 1), sizeof *c->record);
        if (c->record == NULL)
            return QNTK_NO_MEMORY;
        all->work += work_of(c);
    }
    return QNTK_OK;
}

/* Every network of the table has seeds of its own: the points of a line are independent. */
static qntk_status train_cell(crew *all, size_t index)
{
    lazy_job *j = all->j;
    const size_t seeds = j->set->seeds;
    qntk_rng rng = qntk_rng_create(j->set->common.seed, (UINT64_C(0x6c617a79) << 32) + index); /* "lazy" */
    for (size_t s = 0; s < 2 * seeds; s++)
        all->seed[s] = qntk_rng_bits(&rng);
    all->cell = &j->cell[index];
    atomic_store(&all->steps_done, 0);
    qntk_status status = qntk_parallel_for(seeds, train_one, all);
    if (status != QNTK_OK)
        return status;
    summarise(all->cell, seeds);
    j->complete++;
    all->behind += work_of(all->cell);
    return QNTK_OK;
}

static qntk_status train_all(lazy_job *j)
{
    crew all = {.j = j};
    qntk_status status = allocate(j, &all);
    if (status == QNTK_OK) {
        all.cell = j->cell;
        shown = &all;
        cli_progress_whole("gradient descent", fraction_done);
    }
    for (size_t k = 0; k < j->cells && status == QNTK_OK; k++)
        status = train_cell(&all, k);
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    qntk_free(all.seed);
    const size_t lines = j->plan->widths > 1 ? j->complete / j->plan->widths : 0;
    for (qntk_status fine = QNTK_OK; j->fitted < lines && fine == QNTK_OK; j->fitted += fine == QNTK_OK) {
        fine = fit(j, j->fitted);
        status = status == QNTK_OK ? fine : status;
    }
    return status;
}

/* ---- one run ---- */

/* Targets of the chosen rows, numbers of classes too, to mean 0 and deviation 1. */
static qntk_status standardise(lazy_job *j)
{
    const size_t n = j->rows.n;
    double mean = 0, square = 0;
    if (j->rows.y == NULL)
        return cli_message(QNTK_INVALID, "%s: --lazy trains: expected a target, found none", j->rows.name);
    j->y = qntk_alloc(n, sizeof *j->y);
    if (j->y == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        mean += j->rows.y[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (j->rows.y[i] - mean) * (j->rows.y[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        j->y[i] = square > 0 ? (j->rows.y[i] - mean) / sqrt(square) : 0;
    return QNTK_OK;
}

int validate_lazy_run(const cli_program *program, const validate_settings *set, const validate_plan *plan)
{
    lazy_job j = {.set = set, .plan = plan};
    const cli_result result = {.script = "lazy",
                               .print = lazy_print_summary,
                               .tsv = lazy_write_tsv,
                               .json = lazy_write_json,
                               .result = &j};
    qntk_status status = validate_read(set, plan, USUAL_ROWS, &j.rows);
    if (status == QNTK_OK)
        status = standardise(&j);
    if (status == QNTK_OK)
        status = cli_meta(program, j.rows.name, j.rows.rows, j.rows.d, &j.meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&j.meta, "inputs", j.rows.n);
    if (status == QNTK_OK)
        status = train_all(&j);
    const int code = cli_result_end(program, status, j.complete > 0, &result);
    for (size_t k = 0; k < j.cells && j.cell != NULL; k++)
        qntk_free(j.cell[k].record);
    qntk_free(j.cell);
    qntk_free(j.line);
    qntk_free(j.y);
    validate_rows_free(&j.rows);
    qntk_meta_free(&j.meta);
    return code;
}
