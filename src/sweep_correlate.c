/* Which measure goes with the gap, over the models of a sweep. */
#include "internal.h"

#include "qntk/sweep.h"

static const double LEVEL = 0.95; /* of intervals */

typedef struct {
    const qntk_sweep *sweep;
    const qntk_sweep_row *row;
    size_t models, of_each; /* in a group of equal bits and rounding, one after another */
    size_t resamples;
    uint64_t seed;
    double *gap, *value; /* (models) of those in a group */
} correlator;

/* Of group 0, all models, or 1, 2, .. */
static bool in_group(const correlator *c, size_t index, size_t group)
{
    const qntk_sweep_row *row = &c->row[index];
    return row->present && row->outcome == QNTK_SWEEP_OK && (group == 0 || index / c->of_each == group - 1);
}

static qntk_status correlate(const correlator *c, size_t group, qntk_sweep_correlation *result)
{
    size_t count = 0;
    for (size_t i = 0; i < c->models; i++)
        if (in_group(c, i, group)) {
            c->gap[count] = c->row[i].gap;
            c->value[count++] = c->row[i].measure[result->measure];
        }
    qntk_status status = qntk_compare_kendall(count, c->value, c->gap, &result->kendall);
    if (status == QNTK_OK)
        status = qntk_compare_kendall_interval(count, c->value, c->gap, c->resamples, LEVEL, c->seed,
                                               &result->interval);
    return status;
}

qntk_status qntk_sweep_correlate(const qntk_sweep *sweep, const qntk_sweep_row *row, size_t resamples,
                                 uint64_t seed, qntk_sweep_correlation **correlation, size_t *count)
{
    QNTK_REQUIRE(sweep != NULL && row != NULL && correlation != NULL && count != NULL,
                 "no argument may be NULL");
    *correlation = NULL;
    *count = 0;
    correlator c = {.sweep = sweep,
                    .row = row,
                    .models = qntk_sweep_count(sweep),
                    .of_each = sweep->widths * sweep->depths * sweep->seeds * sweep->rates,
                    .resamples = resamples,
                    .seed = seed};
    const size_t laws = c.models / c.of_each, groups = laws > 1 ? 1 + laws : 1;
    qntk_sweep_correlation *all = qntk_alloc(groups * QNTK_MEASURES, sizeof *all);
    c.gap = qntk_alloc(c.models, sizeof *c.gap);
    c.value = qntk_alloc(c.models, sizeof *c.value);
    qntk_status status = all == NULL || c.gap == NULL || c.value == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    for (size_t k = 0; k < groups * QNTK_MEASURES && status == QNTK_OK; k++) {
        const size_t group = k / QNTK_MEASURES;
        all[k] = (qntk_sweep_correlation){.measure = k % QNTK_MEASURES, .all = group == 0};
        if (group > 0)
            all[k].group = qntk_sweep_at(sweep, (group - 1) * c.of_each);
        status = correlate(&c, group, &all[k]);
    }
    qntk_free(c.gap);
    qntk_free(c.value);
    if (status != QNTK_OK) {
        qntk_free(all);
        return status;
    }
    *correlation = all;
    *count = groups * QNTK_MEASURES;
    return QNTK_OK;
}
