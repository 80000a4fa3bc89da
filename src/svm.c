/* Support vector machines: their votes, and what surrounds the training. */
#include "svm_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- the unit of the kernel ---- */

double qntk_svm_scale(size_t n, const double *K)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += K[i * n + i] / (double)n; /* in this order the sum cannot overflow */
    return sum > 0 ? sum : 1;
}

qntk_status qntk_svm_check_diagonal(size_t n, const double *K)
{
    for (size_t i = 0; i < n; i++) {
        const double value = K[i * n + i];
        if (!(fabs(value) <= DBL_MAX))
            return qntk_fail(QNTK_NOT_FINITE, "kernel, row %zu: expected a finite diagonal, found %g", i,
                             value);
        if (value < 0)
            return qntk_fail(QNTK_INVALID, "kernel, row %zu: expected a diagonal of at least 0, found %g", i,
                             value);
    }
    return QNTK_OK;
}

qntk_status qntk_svm_grid(size_t n, const double *K, double C[QNTK_SVM_GRID])
{
    enum { FIRST = -5, STEP = 2 };
    QNTK_REQUIRE(C != NULL, "C must not be NULL");
    memset(C, 0, QNTK_SVM_GRID * sizeof *C);
    QNTK_REQUIRE(n >= 1 && K != NULL, "n must be at least 1 and K not NULL");
    const qntk_status status = qntk_svm_check_diagonal(n, K);
    for (int k = 0; k < QNTK_SVM_GRID && status == QNTK_OK; k++)
        C[k] = ldexp(1 / qntk_svm_scale(n, K), FIRST + STEP * k);
    return status;
}

/* C as libsvm gets it is a positive number that single precision has too. */
qntk_status qntk_svm_check_C(size_t n, const double *K, size_t count, const double *C)
{
    const double scale = qntk_svm_scale(n, K);
    for (size_t k = 0; k < count; k++)
        if (!(C[k] > 0 && C[k] * scale >= FLT_MIN && C[k] * scale <= FLT_MAX))
            return qntk_fail(
                QNTK_INVALID,
                "C: expected a positive number, times the mean diagonal %g between %.2g and %.2g, "
                "found %g",
                scale, (double)FLT_MIN, (double)FLT_MAX, C[k]);
    return QNTK_OK;
}

/* ---- votes ---- */

qntk_status qntk_svm_vote(const qntk_svm_voters *v, const double *k, double *sums, double *prediction)
{
    const size_t classes = v->classes;
    size_t best = classes, most = 0;
    memset(sums, 0, classes * classes * sizeof *sums);
    for (size_t i = 0; i < v->count; i++) {
        const size_t m = v->member == NULL ? i : v->member[i];
        const double value = k[v->row[m]];
        double *sum = sums + (size_t)v->y[m] * classes;
        for (size_t c = 0; c < classes; c++)
            sum[c] += v->coef[i * classes + c] * value;
    }
    for (size_t a = 0; a < classes; a++) {
        size_t votes = 0;
        for (size_t b = 0; b < classes && v->size[a] > 0; b++) {
            const size_t low = qntk_min(a, b), high = qntk_max(a, b);
            const double f =
                sums[low * classes + high] + sums[high * classes + low] - v->threshold[low * classes + high];
            if (!(fabs(f) <= DBL_MAX))
                return qntk_fail(QNTK_NOT_FINITE, "the machine of classes %zu and %zu gave %g", low, high, f);
            votes += a != b && v->size[b] > 0 && (f >= 0) == (a == low);
        }
        if (v->size[a] > 0 && (best == classes || votes > most)) {
            best = a;
            most = votes;
        }
    }
    *prediction = (double)best;
    return QNTK_OK;
}

void qntk_svm_count_classes(size_t count, const size_t *member, const double *y, size_t classes, size_t *size)
{
    memset(size, 0, classes * sizeof *size);
    for (size_t i = 0; i < count; i++)
        size[(size_t)y[member == NULL ? i : member[i]]]++;
}

/* ---- one fit ---- */

void qntk_svm_free(qntk_svm *svm)
{
    qntk_free(svm->row);
    qntk_free(svm->y);
    qntk_free(svm->coef);
    qntk_free(svm->threshold);
    qntk_free(svm->size);
    *svm = (qntk_svm){0};
}

qntk_status qntk_svm_check_call(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                                const size_t *row)
{
    QNTK_REQUIRE(n >= 1 && classes >= 1 && rows >= 1, "n, classes and rows must be at least 1");
    QNTK_REQUIRE(K != NULL && y != NULL && row != NULL, "K, y and row must not be NULL");
    return QNTK_OK;
}

qntk_status qntk_svm_fit(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                         const size_t *row, double C, qntk_svm *svm)
{
    QNTK_REQUIRE(svm != NULL, "svm must not be NULL");
    *svm = (qntk_svm){0};
    qntk_svm_block b = {0};
    qntk_status status = qntk_svm_check_call(n, K, y, classes, rows, row);
    if (status == QNTK_OK)
        status = qntk_svm_block_build(n, K, y, classes, rows, row, &b);
    if (status == QNTK_OK)
        status = qntk_svm_check_C(n, K, 1, &C);
    if (status != QNTK_OK)
        goto done;
    *svm = (qntk_svm){.rows = rows,
                      .classes = classes,
                      .C = C,
                      .coef = qntk_alloc(rows * classes, sizeof(double)),
                      .threshold = qntk_alloc(classes * classes, sizeof(double)),
                      .size = qntk_alloc(classes, sizeof(size_t))};
    if (svm->coef == NULL || svm->threshold == NULL || svm->size == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    qntk_svm_training t = {
        .block = &b, .count = rows, .C = C, .coef = svm->coef, .threshold = svm->threshold};
    status = qntk_svm_train(&t);
    if (status != QNTK_OK)
        goto done;
    qntk_svm_count_classes(rows, NULL, b.y, classes, svm->size);
    svm->machines = atomic_load(&t.machines);
    svm->unfinished = atomic_load(&t.unfinished);
    for (size_t i = 0; i < rows; i++) {
        bool any = false;
        for (size_t c = 0; c < classes; c++)
            any = any || svm->coef[i * classes + c] != 0;
        svm->support += any;
    }
    svm->row = b.row;
    svm->y = b.y;
    b.row = NULL;
    b.y = NULL;
done:
    qntk_svm_block_free(&b);
    if (status != QNTK_OK)
        qntk_svm_free(svm);
    return status;
}

typedef struct {
    qntk_svm_voters voters;
    size_t n;
    const double *K;
    const size_t *row;
    double *sums; /* (workers,classes,classes) */
    double *prediction;
} predicting;

static qntk_status predict_row(void *context, size_t i, size_t worker)
{
    const predicting *p = context;
    const size_t classes = p->voters.classes, row = p->row[i];
    if (row >= p->n)
        return qntk_fail(QNTK_INVALID, "predicted row %zu: expected a row below %zu, found %zu", i, p->n,
                         row);
    const qntk_status status =
        qntk_svm_vote(&p->voters, p->K + row * p->n, p->sums + worker * classes * classes, &p->prediction[i]);
    return status == QNTK_OK ? status : qntk_fail(status, "row %zu: %s", row, qntk_message());
}

qntk_status qntk_svm_predict(const qntk_svm *svm, size_t n, const double *K, size_t count, const size_t *row,
                             double *prediction)
{
    QNTK_REQUIRE(svm != NULL && svm->rows >= 1, "svm must be trained");
    QNTK_REQUIRE(count == 0 || (K != NULL && row != NULL && prediction != NULL),
                 "K, row and prediction must not be NULL");
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < svm->rows && status == QNTK_OK; i++)
        if (svm->row[i] >= n)
            status = qntk_fail(QNTK_INVALID, "trained on row %zu of a larger matrix than %zu rows",
                               svm->row[i], n);
    predicting p = {
        .voters = {svm->rows, svm->classes, svm->row, NULL, svm->y, svm->coef, svm->threshold, svm->size},
        .n = n,
        .K = K,
        .row = row,
        .prediction = prediction};
    if (status == QNTK_OK) {
        p.sums = qntk_alloc(qntk_loop_workers(count) * svm->classes * svm->classes, sizeof(double));
        status = p.sums == NULL ? QNTK_FAIL_MEMORY() : qntk_parallel_for(count, predict_row, &p);
    }
    qntk_free(p.sums);
    if (status != QNTK_OK && count > 0)
        memset(prediction, 0, count * sizeof *prediction);
    return status;
}
