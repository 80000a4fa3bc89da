/* kernel-compare --solver svm: support vector machines in place of ridge regression. */
#include "compare_svm.h"

#include <math.h>
#include <string.h>

enum {
    INNER_FOLDS = 4, /* of the training rows, to choose C */
    PATIENCE = 3     /* steps of the default grid, 64 times the best C, without gain; large C take longest */
};

qntk_status compare_svm_check(const qntk_dataset *data)
{
    if (!qntk_svm_available())
        return cli_message(QNTK_UNSUPPORTED, "--solver svm: built without libsvm; on Debian: apt-get install "
                                             "libsvm-dev, then meson setup --reconfigure build");
    if (data->classes == 0)
        return cli_message(QNTK_UNSUPPORTED,
                           "%s: --solver svm needs classes, and the target is a number; pass --solver ridge, "
                           "or --task classify if its values are classes",
                           data->name);
    return QNTK_OK;
}

/* accuracy (folds,count), column k: of C number k on the training rows of each fold by cross-validation; NaN
 * where they are too few for that. */
static qntk_status cross_folds(const compare_settings *set, const qntk_dataset *data, const double *K,
                               const qntk_split *split, const compare_row *row, size_t k, double *accuracy)
{
    qntk_status status = QNTK_OK;
    for (size_t f = 0; f < row->folds && status == QNTK_OK; f++) {
        double *out = &accuracy[f * row->ridges + k];
        *out = NAN;
        if (split[f].train_count >= 2)
            status = qntk_svm_cross(data->n, K, data->y, data->classes, split[f].train_count, split[f].train,
                                    1, &row->ridge[k], INNER_FOLDS, set->common.seed, out);
    }
    return status;
}

static double mean_of_column(const compare_row *row, size_t k, const double *accuracy)
{
    double sum = 0;
    for (size_t f = 0; f < row->folds; f++)
        sum += accuracy[f * row->ridges + k];
    return sum / (double)row->folds;
}

/* Keeps the C with the highest mean accuracy, of equal ones the smaller; row->ridges becomes the number
 * tried. */
static qntk_status choose_C(const compare_settings *set, const qntk_dataset *data, const double *K,
                            const qntk_split *split, bool automatic, compare_row *row, double *accuracy)
{
    size_t best = 0, tried = 0;
    row->cross = NAN;
    for (size_t k = 0; k < row->ridges && !(automatic && tried > best + PATIENCE); k++, tried++) {
        const qntk_status status = cross_folds(set, data, K, split, row, k, accuracy);
        if (status != QNTK_OK)
            return status;
        const double mean = mean_of_column(row, k, accuracy);
        if (k == 0 || mean > row->cross || (mean == row->cross && row->ridge[k] < row->ridge[best])) {
            best = k;
            row->cross = mean;
        }
    }
    row->ridges = tried;
    row->C = row->ridge[best];
    return QNTK_OK;
}

qntk_status compare_svm_folds(const compare_settings *set, const qntk_dataset *data, const double *K,
                              const qntk_split *split, bool automatic, compare_row *row)
{
    double *accuracy = qntk_alloc(row->folds * row->ridges, sizeof *accuracy);
    qntk_status status =
        accuracy == NULL ? QNTK_NO_MEMORY : choose_C(set, data, K, split, automatic, row, accuracy);
    for (size_t f = 0; f < row->folds && status == QNTK_OK; f++) {
        size_t unfinished = 0;
        status = qntk_svm_evaluate_split(data->n, K, data->y, data->classes, &split[f], row->C, &row->fold[f],
                                         row->answer[f], &unfinished);
        row->unfinished += unfinished;
    }
    qntk_free(accuracy);
    return status;
}
