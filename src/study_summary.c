/* What a study says of each kernel over all sets. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* Column k of A (sets,kernels). */
static void copy_column(size_t sets, size_t kernels, const double *A, size_t k, double *column)
{
    for (size_t i = 0; i < sets; i++)
        column[i] = A[i * kernels + k];
}

/* Means and deviations of kernel k, and Wilcoxon's test against kernel 0. x, y (sets): room to work in. */
static qntk_status summarise_kernel(size_t sets, size_t kernels, const double *train, const double *test,
                                    size_t k, double *x, double *y, qntk_study_summary *s)
{
    copy_column(sets, kernels, train, k, x);
    copy_column(sets, kernels, test, k, y);
    qntk_compare_mean(sets, x, &s->train, &s->train_sd);
    qntk_compare_mean(sets, y, &s->test, &s->test_sd);
    for (size_t i = 0; i < sets; i++)
        x[i] -= y[i];
    qntk_compare_mean(sets, x, &s->gap, &s->gap_sd);
    s->wilcoxon_p = NAN;
    if (k == 0)
        return QNTK_OK;
    qntk_wilcoxon wilcoxon;
    copy_column(sets, kernels, test, 0, x);
    qntk_status status = qntk_compare_wilcoxon(sets, x, y, &wilcoxon);
    s->wilcoxon_p = wilcoxon.p;
    return status;
}

qntk_status qntk_study_summarise(size_t sets, size_t kernels, const double *train, const double *test,
                                 qntk_study_summary *summary)
{
    QNTK_REQUIRE(sets >= 1 && kernels >= 1, "expected at least one set and one kernel");
    QNTK_REQUIRE(train != NULL && test != NULL && summary != NULL,
                 "train, test and summary must not be NULL");
    memset(summary, 0, kernels * sizeof *summary);
    /* ranks, P90, P95, PMA; two columns of scores */
    double *figure = qntk_alloc(4 * kernels, sizeof *figure), *column = qntk_alloc(2 * sets, sizeof *column);
    qntk_status status = figure == NULL || column == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    if (status == QNTK_OK)
        status = qntk_compare_ranks(sets, kernels, test, figure);
    if (status == QNTK_OK)
        status = qntk_compare_shares(sets, kernels, test, 0.9, figure + kernels, figure + 3 * kernels);
    if (status == QNTK_OK)
        status = qntk_compare_shares(sets, kernels, test, 0.95, figure + 2 * kernels, NULL);
    for (size_t k = 0; k < kernels && status == QNTK_OK; k++) {
        status = summarise_kernel(sets, kernels, train, test, k, column, column + sets, &summary[k]);
        summary[k].friedman = figure[k];
        summary[k].p90 = figure[kernels + k];
        summary[k].p95 = figure[2 * kernels + k];
        summary[k].pma = figure[3 * kernels + k];
    }
    if (status != QNTK_OK)
        memset(summary, 0, kernels * sizeof *summary);
    qntk_free(figure);
    qntk_free(column);
    return status;
}
