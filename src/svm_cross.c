/* The accuracy of support vector machines on rows they were not trained on. */
#include "svm_internal.h"

#include <math.h>
#include <string.h>

/* ---- cross-validation ---- */

typedef struct {
    const qntk_svm_block *block;
    size_t count, folds;
    const double *C;
    const size_t *fold; /* (rows) */
    size_t *right;      /* (count,folds) rows of the fold classified rightly */
    atomic_size_t finished;
} crossing;

/* Trains without fold f (members first) and counts the rows of f (after them) that it has right. */
static qntk_status count_right(const crossing *x, size_t k, size_t f, size_t *member, double *numbers,
                               size_t *size, size_t *right)
{
    const qntk_svm_block *b = x->block;
    const size_t classes = b->classes;
    size_t in = 0, out = b->rows;
    for (size_t i = 0; i < b->rows; i++)
        member[x->fold[i] == f ? --out : in++] = i;
    qntk_svm_training t = {.block = b, .count = in, .member = member, .C = x->C[k]};
    t.coef = numbers;
    t.threshold = t.coef + in * classes;
    double *sums = t.threshold + classes * classes;
    qntk_status status = qntk_svm_train(&t);
    qntk_svm_count_classes(in, member, b->y, classes, size);
    const qntk_svm_voters v = {in, classes, b->row, member, b->y, t.coef, t.threshold, size};
    for (size_t i = in; i < b->rows && status == QNTK_OK; i++) {
        double class = 0;
        status = qntk_svm_vote(&v, b->K + b->row[member[i]] * b->n, sums, &class);
        *right += class == b->y[member[i]];
    }
    return status;
}

/* Items in the order of falling C: the largest, which take longest, are handed out first. */
static qntk_status cross_item(void *context, size_t item, size_t worker)
{
    (void)worker;
    crossing *x = context;
    const size_t k = x->count - 1 - item / x->folds, f = item % x->folds;
    const size_t rows = x->block->rows, classes = x->block->classes;
    size_t *member = qntk_alloc(rows + classes, sizeof *member), *right = &x->right[k * x->folds + f];
    double *numbers = qntk_alloc((rows + 2 * classes) * classes, sizeof *numbers);
    qntk_status status = member == NULL || numbers == NULL
                             ? QNTK_FAIL_MEMORY()
                             : count_right(x, k, f, member, numbers, member + rows, right);
    qntk_free(member);
    qntk_free(numbers);
    const size_t finished = atomic_fetch_add(&x->finished, 1) + 1;
    qntk_progress("svm", (double)finished / (double)(x->count * x->folds));
    return status;
}

qntk_status qntk_svm_cross(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                           const size_t *row, size_t count, const double *C, size_t folds, uint64_t seed,
                           double *accuracy)
{
    QNTK_REQUIRE(accuracy != NULL && C != NULL && count >= 1,
                 "expected at least one C and room for its result");
    memset(accuracy, 0, count * sizeof *accuracy);
    QNTK_REQUIRE(rows >= 2 && folds >= 2, "expected at least two rows and two folds");
    folds = qntk_min(folds, rows);
    qntk_svm_block b = {0};
    size_t *fold = NULL;
    crossing x = {.block = &b, .count = count, .folds = folds, .C = C};
    qntk_status status = qntk_svm_check_call(n, K, y, classes, rows, row);
    if (status == QNTK_OK)
        status = qntk_svm_block_build(n, K, y, classes, rows, row, &b);
    if (status == QNTK_OK)
        status = qntk_svm_check_C(n, K, count, C);
    if (status != QNTK_OK)
        goto done;
    fold = qntk_alloc(rows, sizeof *fold);
    x.right = qntk_alloc_zero(count * folds, sizeof *x.right);
    if (fold == NULL || x.right == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    status = qntk_labels_folds(rows, b.y, classes, folds, seed, fold);
    x.fold = fold;
    if (status == QNTK_OK)
        status = qntk_parallel_for(count * folds, cross_item, &x);
    for (size_t k = 0; k < count && status == QNTK_OK; k++) {
        size_t right = 0;
        for (size_t f = 0; f < folds; f++)
            right += x.right[k * folds + f];
        accuracy[k] = (double)right / (double)rows;
    }
done:
    qntk_svm_block_free(&b);
    qntk_free(fold);
    qntk_free(x.right);
    return status;
}

/* ---- one split ---- */

/* The fraction of the rows that svm has right. */
static qntk_status accuracy_on(const qntk_svm *svm, size_t n, const double *K, const double *y, size_t count,
                               const size_t *row, double *prediction, double *accuracy)
{
    const qntk_status status = qntk_svm_predict(svm, n, K, count, row, prediction);
    size_t right = 0;
    for (size_t i = 0; i < count && status == QNTK_OK; i++)
        right += prediction[i] == y[row[i]];
    *accuracy = count == 0 ? NAN : (double)right / (double)count;
    return status;
}

qntk_status qntk_svm_evaluate_split(size_t n, const double *K, const double *y, size_t classes,
                                    const qntk_split *split, double C, qntk_score *score, double *prediction,
                                    size_t *unfinished)
{
    QNTK_REQUIRE(split != NULL && score != NULL, "split and score must not be NULL");
    *score = (qntk_score){0};
    if (unfinished != NULL)
        *unfinished = 0;
    if (prediction != NULL && split->test_count > 0)
        memset(prediction, 0, split->test_count * sizeof *prediction);
    qntk_svm svm = {0};
    double *work = qntk_alloc(qntk_max(split->train_count, split->test_count), sizeof *work);
    qntk_status status = work == NULL
                             ? QNTK_FAIL_MEMORY()
                             : qntk_svm_fit(n, K, y, classes, split->train_count, split->train, C, &svm);
    qntk_score s = {
        .ridge = NAN, .loo = NAN, .loo_mse = NAN, .kare = NAN, .gcv = NAN, .freedom = NAN, .rcond = NAN};
    if (status == QNTK_OK)
        status = accuracy_on(&svm, n, K, y, split->train_count, split->train, work, &s.train);
    if (status == QNTK_OK)
        status = accuracy_on(&svm, n, K, y, split->test_count, split->test, work, &s.test);
    if (status == QNTK_OK) {
        s.gap = s.train - s.test;
        *score = s;
        if (prediction != NULL && split->test_count > 0)
            memcpy(prediction, work, split->test_count * sizeof *work);
        if (unfinished != NULL)
            *unfinished = svm.unfinished;
    }
    qntk_svm_free(&svm);
    qntk_free(work);
    return status;
}
