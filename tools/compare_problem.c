/* The data of a comparison and how it is split. */
#include "compare_problem.h"
#include "compare_svm.h"

#include <stdio.h>

static qntk_status allocate_splits(compare_problem *p, size_t folds)
{
    p->folds = folds;
    p->split = qntk_alloc_zero(folds, sizeof *p->split);
    return p->split != NULL ? QNTK_OK : QNTK_NO_MEMORY;
}

/* The first `train` rows to train on, the rest to test on; or, with fold (n), the rows outside of fold f and
 * those in it. */
static qntk_status fill_split(qntk_split *split, size_t n, size_t train, const size_t *fold, size_t f)
{
    split->train = qntk_alloc(n, sizeof(size_t));
    split->test = qntk_alloc(n, sizeof(size_t));
    if (split->train == NULL || split->test == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        if (fold != NULL ? fold[i] != f : i < train)
            split->train[split->train_count++] = i;
        else
            split->test[split->test_count++] = i;
    return QNTK_OK;
}

static qntk_status deal_folds(compare_problem *p, size_t folds, uint64_t seed)
{
    const qntk_dataset *data = &p->data;
    if (data->n < folds)
        return cli_message(QNTK_INVALID, "%s: expected at least %zu rows for %zu folds, found %zu%s",
                           data->name, folds, folds, data->n, data->n > 1 ? "; pass a smaller --folds" : "");
    snprintf(p->protocol, sizeof p->protocol, "%zu folds%s", folds, data->classes > 0 ? ", stratified" : "");
    size_t *fold = qntk_alloc(data->n, sizeof *fold);
    qntk_status status = fold == NULL ? QNTK_NO_MEMORY : allocate_splits(p, folds);
    if (status == QNTK_OK)
        status = qntk_labels_folds(data->n, data->y, data->classes, folds, seed, fold);
    for (size_t f = 0; f < folds && status == QNTK_OK; f++)
        status = fill_split(&p->split[f], data->n, 0, fold, f);
    qntk_free(fold);
    return status;
}

/* The data set's own folds. */
static qntk_status take_published(compare_problem *p)
{
    qntk_dataset *data = &p->data;
    qntk_status status = allocate_splits(p, data->folds);
    if (status != QNTK_OK)
        return status;
    snprintf(p->protocol, sizeof p->protocol, data->own_test ? "published test set" : "%zu published folds",
             data->folds);
    for (size_t f = 0; f < p->folds; f++) {
        p->split[f] = data->fold[f]; /* the arrays change their owner */
        data->fold[f] = (qntk_split){0};
    }
    return QNTK_OK;
}

/* The rows of --data against those of --test behind them. */
static qntk_status take_test_file(compare_problem *p)
{
    snprintf(p->protocol, sizeof p->protocol, "test file");
    p->test_file = true;
    qntk_status status = allocate_splits(p, 1);
    return status == QNTK_OK ? fill_split(&p->split[0], p->data.n, p->train_rows, NULL, 0) : status;
}

qntk_status compare_problem_read(const compare_settings *set, compare_problem *p)
{
    qntk_status status = set->test != NULL ? compare_read_pair(set, &p->data, &p->train_rows)
                                           : cli_read_data(&set->common, false, &p->data);
    if (status != QNTK_OK)
        return status;
    if (p->data.y == NULL)
        return cli_message(QNTK_INVALID, "%s: kernel regression needs a target; --target none leaves none",
                           p->data.name);
    if (set->solver == COMPARE_SVM) {
        status = compare_svm_check(&p->data);
        if (status != QNTK_OK)
            return status;
    }
    if (set->test != NULL)
        return take_test_file(p);
    p->train_rows = p->data.n;
    if (set->folds == 0 && p->data.folds > 0)
        return take_published(p);
    return deal_folds(p, set->folds > 0 ? set->folds : COMPARE_FOLDS, set->common.seed);
}

void compare_problem_free(compare_problem *p)
{
    for (size_t f = 0; f < p->folds && p->split != NULL; f++) {
        qntk_free(p->split[f].train);
        qntk_free(p->split[f].test);
    }
    qntk_free(p->split);
    qntk_dataset_free(&p->data);
    *p = (compare_problem){0};
}
