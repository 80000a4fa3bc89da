/* Support vector machines for pairs of classes, trained by libsvm. */
#include "svm_internal.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef QNTK_HAVE_LIBSVM

bool qntk_svm_available(void)
{
    return false;
}

qntk_status qntk_svm_block_build(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                                 const size_t *row, qntk_svm_block *block)
{
    (void)n, (void)K, (void)y, (void)classes, (void)rows, (void)row;
    *block = (qntk_svm_block){0};
    return qntk_fail(
        QNTK_UNSUPPORTED,
        "support vector machines: built without libsvm; on Debian: apt-get install libsvm-dev, then "
        "meson setup --reconfigure build");
}

void qntk_svm_block_free(qntk_svm_block *block)
{
    *block = (qntk_svm_block){0};
}

qntk_status qntk_svm_train(qntk_svm_training *training)
{
    (void)training;
    return QNTK_UNSUPPORTED; /* there is no block to train on */
}

#else

#include <libsvm/svm.h>
#include <pthread.h>
#include <stdlib.h>

/* libsvm has no state but the function that prints, set once below; svm_train writes to nothing it shares
 * (read in its source, 3.24 to 3.37), so machines are trained on all threads. */

bool qntk_svm_available(void)
{
    return true;
}

/* ---- libsvm's voice ---- */

static _Thread_local long iterations; /* of the last machine this thread trained */

/* The count of iterations is told in no other way. */
static void listen(const char *text)
{
    static const char before[] = "#iter = ";
    const char *found = strstr(text, before);
    if (found != NULL)
        iterations = strtol(found + sizeof before - 1, NULL, 10);
}

static void silence(void)
{
    svm_set_print_string_function(listen);
}

/* ---- the training rows as libsvm reads them ---- */

void qntk_svm_block_free(qntk_svm_block *b)
{
    qntk_free(b->node);
    qntk_free(b->row);
    qntk_free(b->y);
    *b = (qntk_svm_block){0};
}

/* For a machine of l rows: libsvm's cache of float columns with its heads. */
static double cache_bytes(size_t l)
{
    enum { HEAD = 64 };
    const double largest = 256.0 * 1024 * 1024, rows = (double)l;
    return fmin(4 * rows * rows + HEAD * rows + 4096, largest);
}

/* libsvm does not look at what malloc returns: what it will need is looked at before. */
static qntk_status check_memory(size_t rows)
{
    enum { WORK = 256 }; /* bytes a row of everything else libsvm allocates */
    const double m = (double)rows, entries = (m + 1) * m * sizeof(struct svm_node);
    const double bytes = entries + (double)qntk_threads() * (cache_bytes(rows) + WORK * m);
    const char *advice = "pass --limit or --solver ridge";
    if (m + 1 >= INT_MAX / 2.0 || bytes >= (double)SIZE_MAX / 2)
        return qntk_fail(QNTK_TOO_LARGE, "support vector machines of %zu rows; %s", rows, advice);
    return qntk_memory_check((size_t)bytes, "the kernel as libsvm reads it", advice);
}

static qntk_status check_rows(const qntk_svm_block *b, const double *y)
{
    for (size_t i = 0; i < b->rows; i++) {
        const size_t k = b->row[i];
        if (k >= b->n)
            return qntk_fail(QNTK_INVALID, "training row %zu: expected a row below %zu, found %zu", i, b->n,
                             k);
        if (!(y[k] >= 0 && y[k] < (double)b->classes && y[k] == floor(y[k])))
            return qntk_fail(QNTK_INVALID, "row %zu: expected a class number below %zu, found %g", k,
                             b->classes, y[k]);
    }
    return QNTK_OK;
}

static qntk_status fill_row(void *context, size_t i, size_t worker)
{
    (void)worker;
    const qntk_svm_block *b = context;
    struct svm_node *node = b->node + i * (b->rows + 1);
    const double *from = b->K + b->row[i] * b->n;
    node[0] = (struct svm_node){0, (double)(i + 1)};
    for (size_t j = 0; j < b->rows; j++) {
        const double value = from[b->row[j]];
        if (!(fabs(value) <= DBL_MAX))
            return qntk_fail(QNTK_NOT_FINITE,
                             "kernel, row %zu, column %zu: expected a finite number, found %g", b->row[i],
                             b->row[j], value);
        if (!(fabs(value / b->scale) <= FLT_MAX))
            return qntk_fail(QNTK_INVALID,
                             "kernel, row %zu, column %zu: %g is too large beside the mean diagonal %g",
                             b->row[i], b->row[j], value, b->scale);
        node[j + 1] = (struct svm_node){(int)(j + 1), value / b->scale};
    }
    return QNTK_OK;
}

qntk_status qntk_svm_block_build(size_t n, const double *K, const double *y, size_t classes, size_t rows,
                                 const size_t *row, qntk_svm_block *b)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, silence);
    *b = (qntk_svm_block){.n = n, .rows = rows, .classes = classes, .K = K};
    qntk_status status = qntk_svm_check_diagonal(n, K);
    if (status == QNTK_OK)
        status = check_memory(rows);
    if (status != QNTK_OK)
        return status;
    b->scale = qntk_svm_scale(n, K);
    b->node = qntk_alloc(rows * (rows + 1), sizeof *b->node);
    b->row = qntk_alloc(rows, sizeof *b->row);
    b->y = qntk_alloc(rows, sizeof *b->y);
    if (b->node == NULL || b->row == NULL || b->y == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    memcpy(b->row, row, rows * sizeof *row);
    status = check_rows(b, y);
    if (status != QNTK_OK)
        goto done;
    for (size_t i = 0; i < rows; i++)
        b->y[i] = y[row[i]];
    status = qntk_parallel_for(rows, fill_row, b);
done:
    if (status != QNTK_OK)
        qntk_svm_block_free(b);
    return status;
}

/* ---- machines on some rows of a block ---- */

static size_t member_of(const qntk_svm_training *t, size_t i)
{
    return t->member == NULL ? i : t->member[i];
}

/* libsvm's model of two classes, +1 = a and -1 = b: its label[0] is 1 whichever it met first. */
static void store(qntk_svm_training *t, size_t a, size_t b, const struct svm_model *model, const size_t *from)
{
    const size_t classes = t->block->classes;
    for (int k = 0; k < model->l; k++) {
        const size_t i = from[model->sv_indices[k] - 1];
        const size_t own = (size_t)t->block->y[member_of(t, i)];
        t->coef[i * classes + (own == a ? b : a)] = model->sv_coef[0][k] / t->block->scale;
    }
    t->threshold[a * classes + b] = model->rho[0];
}

static qntk_status train_pair(qntk_svm_training *t, size_t a, size_t b)
{
    const double tolerance = 1e-3; /* libsvm's default: of s f(x), whose margin is 1 */
    const long most_iterations = 10000000;
    qntk_status status = QNTK_OK;
    struct svm_problem problem = {0};
    size_t *from = qntk_alloc(t->count, sizeof *from), l = 0, of_a = 0;
    problem.y = qntk_alloc(t->count, sizeof *problem.y);
    problem.x = qntk_alloc(t->count, sizeof *problem.x);
    if (from == NULL || problem.y == NULL || problem.x == NULL) {
        status = QNTK_FAIL_MEMORY();
        goto done;
    }
    for (size_t i = 0; i < t->count; i++) {
        const size_t k = member_of(t, i), class = (size_t)t->block->y[k];
        if (class != a && class != b)
            continue;
        from[l] = i;
        problem.x[l] = t->block->node + k * (t->block->rows + 1);
        problem.y[l++] = class == a ? 1 : -1;
        of_a += class == a;
    }
    if (of_a == 0 || of_a == l) /* one of them does not occur */
        goto done;
    problem.l = (int)l;
    const struct svm_parameter parameter = {.svm_type = C_SVC,
                                            .kernel_type = PRECOMPUTED,
                                            .cache_size = cache_bytes(l) / (1024 * 1024),
                                            .eps = tolerance,
                                            .C = t->C * t->block->scale,
                                            .shrinking = 1};
    iterations = 0;
    struct svm_model *model = svm_train(&problem, &parameter);
    store(t, a, b, model, from);
    svm_free_and_destroy_model(&model);
    atomic_fetch_add(&t->machines, 1);
    if (iterations >= most_iterations)
        atomic_fetch_add(&t->unfinished, 1);
done:
    qntk_free(from);
    qntk_free(problem.y);
    qntk_free(problem.x);
    return status;
}

/* Item a*classes + b. */
static qntk_status train_item(void *context, size_t item, size_t worker)
{
    (void)worker;
    qntk_svm_training *t = context;
    const size_t a = item / t->block->classes, b = item % t->block->classes;
    if (a >= b)
        return QNTK_OK;
    if (qntk_interrupted())
        return qntk_fail(QNTK_INTERRUPTED, "interrupted");
    return train_pair(t, a, b);
}

qntk_status qntk_svm_train(qntk_svm_training *t)
{
    const size_t classes = t->block->classes;
    memset(t->coef, 0, t->count * classes * sizeof(double));
    memset(t->threshold, 0, classes * classes * sizeof(double));
    return qntk_parallel_for(classes * classes, train_item, t);
}

#endif
