/* Classes as regression targets, predicted scores as classes, stratified folds. */
#include "internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

static qntk_status check_labels(size_t n, const double *y, size_t classes)
{
    for (size_t i = 0; i < n; i++)
        if (!(y[i] >= 0 && y[i] < (double)classes && y[i] == floor(y[i])))
            return qntk_fail(QNTK_INVALID, "row %zu: expected a class number below %zu, found %g", i, classes,
                             y[i]);
    return QNTK_OK;
}

qntk_status qntk_labels_encode(size_t n, const double *y, size_t classes, double *Y)
{
    QNTK_REQUIRE(classes >= 1, "classes must be at least 1");
    QNTK_REQUIRE(n == 0 || (y != NULL && Y != NULL), "y and Y must not be NULL");
    qntk_status status = check_labels(n, y, classes);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < classes; c++)
            Y[i * classes + c] = status == QNTK_OK ? ((double)c == y[i]) - 1 / (double)classes : 0;
    return status;
}

qntk_status qntk_labels_decode(size_t n, size_t classes, const double *S, size_t stride, double *y)
{
    QNTK_REQUIRE(classes >= 1 && stride >= classes,
                 "expected at least one class and a stride of at least that");
    QNTK_REQUIRE(n == 0 || (S != NULL && y != NULL), "S and y must not be NULL");
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < n && status == QNTK_OK; i++) {
        size_t best = 0;
        for (size_t c = 0; c < classes; c++) {
            const double score = S[i * stride + c];
            if (!(fabs(score) <= DBL_MAX))
                status = qntk_fail(QNTK_NOT_FINITE, "row %zu, class %zu: expected a finite score, found %g",
                                   i, c, score);
            best = score > S[i * stride + best] ? c : best;
        }
        y[i] = (double)best;
    }
    if (status != QNTK_OK)
        memset(y, 0, n * sizeof(double));
    return status;
}

double qntk_labels_accuracy(size_t n, const double *y, const double *z)
{
    size_t same = 0;
    for (size_t i = 0; i < n; i++)
        same += y[i] == z[i];
    return n == 0 ? 0 : (double)same / (double)n;
}

qntk_status qntk_labels_folds(size_t n, const double *y, size_t classes, size_t folds, uint64_t seed,
                              size_t *fold)
{
    QNTK_REQUIRE(fold != NULL && (classes == 0 || y != NULL), "y and fold must not be NULL");
    if (folds < 2 || folds > n)
        return qntk_fail(QNTK_INVALID, "folds: expected 2 to %zu, the number of rows, found %zu", n, folds);
    memset(fold, 0, n * sizeof *fold);
    qntk_status status = classes == 0 ? QNTK_OK : check_labels(n, y, classes);
    if (status != QNTK_OK)
        return status;
    size_t *member = qntk_alloc(n, sizeof *member), dealt = 0;
    if (member == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t c = 0; c < classes || c == 0; c++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            if (classes == 0 || y[i] == (double)c)
                member[count++] = i;
        qntk_rng rng = qntk_rng_create(seed, c); /* a stream for each class: others do not disturb it */
        qntk_rng_shuffle(&rng, member, count);
        for (size_t k = 0; k < count; k++)
            fold[member[k]] = dealt++ % folds;
    }
    qntk_free(member);
    return QNTK_OK;
}
