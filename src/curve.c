/* Learning curves measured on random subsets of a pool. */
#include "internal.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

qntk_curve_options qntk_curve_defaults(void)
{
    return (qntk_curve_options){.repeats = 10};
}

qntk_status qntk_curve_sizes(size_t lo, size_t hi, size_t wanted, size_t *size, size_t *count)
{
    QNTK_REQUIRE(size != NULL && count != NULL, "size and count must not be NULL");
    *count = 0;
    if (lo < 1)
        return qntk_fail(QNTK_INVALID, "sizes: expected a smallest size of at least 1, found %zu", lo);
    if (hi < lo)
        return qntk_fail(QNTK_INVALID,
                         "sizes: expected a largest size of at least the smallest, %zu, found %zu", lo, hi);
    if (wanted < 1 || (wanted == 1 && lo < hi))
        return qntk_fail(QNTK_INVALID, "sizes: expected at least %d of them from %zu to %zu, found %zu",
                         lo < hi ? 2 : 1, lo, hi, wanted);
    for (size_t i = 0; i < wanted; i++) {
        const double share = wanted > 1 ? (double)i / (double)(wanted - 1) : 0;
        size_t n = (size_t)llround((double)lo * pow((double)hi / (double)lo, share));
        if (i == wanted - 1)
            n = hi;
        if (*count == 0 || n > size[*count - 1])
            size[(*count)++] = n;
    }
    return QNTK_OK;
}

/* ---- subsets ---- */

/* chosen (P): true for the n rows of the subset. Of a shuffle only the first n steps are taken; the stream
 * number holds size and repeat, so that every subset is drawn on its own. */
static void choose(size_t P, size_t n, uint64_t seed, size_t repeat, size_t *index, bool *chosen)
{
    enum { REPEAT_BITS = 24 };
    const uint64_t purpose = (uint64_t)0x63757276 << 32; /* "curv": apart from other users of the seed */
    qntk_rng rng = qntk_rng_create(seed, purpose ^ ((uint64_t)n << REPEAT_BITS) ^ (uint64_t)repeat);
    for (size_t i = 0; i < P; i++)
        index[i] = i;
    memset(chosen, 0, P * sizeof *chosen);
    for (size_t i = 0; i < n; i++) {
        const size_t j = i + qntk_rng_below(&rng, P - i), kept = index[i];
        index[i] = index[j];
        index[j] = kept;
        chosen[index[i]] = true;
    }
}

/* row (P): the n rows of the subset, ascending, then the others, ascending. */
static qntk_status draw(size_t P, size_t n, uint64_t seed, size_t repeat, size_t *row)
{
    bool *chosen = qntk_alloc(P, sizeof *chosen);
    if (chosen == NULL)
        return QNTK_FAIL_MEMORY();
    choose(P, n, seed, repeat, row, chosen);
    size_t inside = 0, outside = n;
    for (size_t i = 0; i < P; i++)
        row[chosen[i] ? inside++ : outside++] = i;
    qntk_free(chosen);
    return QNTK_OK;
}

qntk_status qntk_curve_subset(size_t P, size_t n, uint64_t seed, size_t repeat, size_t *row)
{
    QNTK_REQUIRE(row != NULL, "row must not be NULL");
    QNTK_REQUIRE(n <= P, "n must be at most P");
    size_t *all = qntk_alloc(P, sizeof *all);
    qntk_status status = all == NULL ? QNTK_FAIL_MEMORY() : draw(P, n, seed, repeat, all);
    for (size_t i = 0; i < n; i++)
        row[i] = status == QNTK_OK ? all[i] : 0;
    qntk_free(all);
    return status;
}

/* ---- one subset ---- */

typedef struct {
    double test, held_out, train, kare, loo, accuracy;
} record;

typedef struct {
    size_t P, m, count, ridges;
    const double *K, *Y, *ridge;
    const size_t *size;
    qntk_curve_options options;
    double *label;   /* (P) classes, or NULL */
    record *records; /* (count,repeats,ridges) */
    size_t alone;    /* sizes from here on have all threads inside; those before run side by side */
    double total;    /* cost of everything, for the progress bar */
    atomic_ullong spent;
} measurement;

enum { HELD_ROWS = 128 }; /* to an item */

/* The rows held out, in blocks. */
typedef struct {
    const measurement *job;
    size_t n;
    const size_t *row; /* (P) */
    const double *alpha;
    double *K, *F, *label; /* (slots,HELD_ROWS,n), (slots,HELD_ROWS,ridges*m), (slots,HELD_ROWS) */
    struct {
        double square, right;
    } * sum; /* (blocks,ridges) */
} held_out;

static qntk_status predict_block(void *context, size_t index, size_t worker)
{
    const held_out *h = context;
    const measurement *job = h->job;
    const size_t columns = job->ridges * job->m, first = h->n + index * HELD_ROWS;
    const size_t rows = qntk_min(HELD_ROWS, job->P - first), slot = worker;
    double *K = h->K + slot * HELD_ROWS * h->n, *F = h->F + slot * HELD_ROWS * columns;
    double *label = h->label + slot * HELD_ROWS;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < h->n; j++)
            K[i * h->n + j] = job->K[h->row[first + i] * job->P + h->row[j]];
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)columns, (int)h->n, 1, K,
                (int)h->n, h->alpha, (int)columns, 0, F, (int)columns);
    for (size_t r = 0; r < job->ridges; r++) {
        double square = 0, right = 0;
        if (job->label != NULL) {
            qntk_status status = qntk_labels_decode(rows, job->m, F + r * job->m, columns, label);
            if (status != QNTK_OK)
                return status;
        }
        for (size_t i = 0; i < rows; i++) {
            const size_t row = h->row[first + i];
            for (size_t c = 0; c < job->m; c++) {
                const double residual = job->Y[row * job->m + c] - F[i * columns + r * job->m + c];
                square += residual * residual;
            }
            right += job->label != NULL && job->label[row] == label[i] ? 1 : 0;
        }
        h->sum[index * job->ridges + r].square = square;
        h->sum[index * job->ridges + r].right = right;
    }
    return QNTK_OK;
}

/* Errors of the fits on the rows held out and on the pool: record (ridges). */
static qntk_status judge(const measurement *job, size_t n, const size_t *row, const qntk_ridge_path *path,
                         record *out)
{
    const size_t outside = job->P - n, blocks = (outside + HELD_ROWS - 1) / HELD_ROWS;
    const size_t columns = job->ridges * job->m, slots = qntk_loop_workers(blocks);
    held_out h = {.job = job, .n = n, .row = row, .alpha = path->alpha};
    h.K = qntk_alloc(slots * HELD_ROWS * n, sizeof(double));
    h.F = qntk_alloc(slots * HELD_ROWS * columns, sizeof(double));
    h.label = qntk_alloc(slots * HELD_ROWS, sizeof(double));
    h.sum = qntk_alloc(blocks * job->ridges, sizeof *h.sum);
    qntk_status status = QNTK_OK;
    if (h.K == NULL || h.F == NULL || h.label == NULL || h.sum == NULL)
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = qntk_parallel_for(blocks, predict_block, &h);
    for (size_t r = 0; r < job->ridges && status == QNTK_OK; r++) {
        const qntk_ridge_fit *fit = &path->fit[r];
        double square = 0, right = 0;
        for (size_t b = 0; b < blocks; b++) {
            square += h.sum[b * job->ridges + r].square;
            right += h.sum[b * job->ridges + r].right;
        }
        out[r] = (record){.test = (fit->train * (double)n + square) / (double)job->P,
                          .held_out = outside > 0 ? square / (double)outside : NAN,
                          .train = fit->train,
                          .kare = fit->kare,
                          .loo = fit->loo,
                          .accuracy = outside > 0 && job->label != NULL ? right / (double)outside : NAN};
        if (!isfinite(out[r].test))
            status = qntk_fail(QNTK_NOT_FINITE, "ridge %g: the squared error leaves the range of doubles",
                               fit->ridge);
    }
    qntk_free(h.K);
    qntk_free(h.F);
    qntk_free(h.label);
    qntk_free(h.sum);
    return status;
}

/* Kn (n,n) and Yn (n,m) of the subset's rows. */
static void gather(const measurement *job, size_t n, const size_t *row, double *Kn, double *Yn)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            Kn[i * n + j] = job->K[row[i] * job->P + row[j]];
        memcpy(Yn + i * job->m, job->Y + row[i] * job->m, job->m * sizeof(double));
    }
}

static qntk_status measure_subset(measurement *job, size_t s, size_t repeat)
{
    const size_t n = job->size[s];
    qntk_ridge_path path = {0};
    qntk_ridge_options options = qntk_ridge_defaults();
    options.detail = job->ridges > 1 ? QNTK_RIDGE_LEAVE_ONE_OUT : QNTK_RIDGE_TRACE;
    size_t *row = qntk_alloc(job->P, sizeof *row);
    double *Kn = qntk_alloc(n * n, sizeof *Kn), *Yn = qntk_alloc(n * job->m, sizeof *Yn);
    qntk_status status = QNTK_OK;
    if (row == NULL || Kn == NULL || Yn == NULL)
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = draw(job->P, n, job->options.seed, repeat, row);
    if (status != QNTK_OK)
        goto done;
    gather(job, n, row, Kn, Yn);
    status = qntk_ridge_solve(n, Kn, job->m, Yn, job->ridges, job->ridge, options, &path);
    if (status == QNTK_OK)
        status = judge(job, n, row, &path, job->records + (s * job->options.repeats + repeat) * job->ridges);
done:
    if (status != QNTK_OK && status != QNTK_INTERRUPTED && status != QNTK_NO_MEMORY) {
        char message[512];
        snprintf(message, sizeof message, "%s", qntk_message());
        qntk_fail(status, "a subset of %zu rows: %s", n, message);
    }
    qntk_ridge_path_free(&path);
    qntk_free(row);
    qntk_free(Kn);
    qntk_free(Yn);
    return status;
}

/* ---- all of them ---- */

/* Roughly, in units that fit an integer: the reduction, and a fixed part for very small subsets. */
static double cost_of(size_t n)
{
    const double small = 30, x = (double)n + small;
    return x * x * x / 1000;
}

static qntk_status measure_item(measurement *job, size_t item)
{
    const size_t s = item / job->options.repeats;
    qntk_status status = measure_subset(job, s, item % job->options.repeats);
    const double cost = cost_of(job->size[s]);
    const unsigned long long spent = atomic_fetch_add(&job->spent, (unsigned long long)cost);
    qntk_progress("learning curve", fmin(1, ((double)spent + cost) / job->total));
    return status;
}

/* Items in the order of falling sizes: the last ones to finish are short. */
static qntk_status measure_side_by_side(void *context, size_t index, size_t worker)
{
    (void)worker;
    measurement *job = context;
    const size_t s = job->alone - 1 - index / job->options.repeats;
    return measure_item(job, s * job->options.repeats + index % job->options.repeats);
}

static qntk_status measure_all(measurement *job)
{
    const size_t side_by_side = 1024; /* rows: above, the fit alone keeps all threads busy */
    for (size_t s = 0; s < job->count; s++)
        job->total += (double)job->options.repeats * cost_of(job->size[s]);
    while (job->alone < job->count && job->size[job->alone] <= side_by_side)
        job->alone++;
    qntk_status status = QNTK_OK;
    for (size_t i = job->count * job->options.repeats;
         i > job->alone * job->options.repeats && status == QNTK_OK; i--)
        status = measure_item(job, i - 1);
    return status == QNTK_OK ? qntk_parallel_for(job->alone * job->options.repeats, measure_side_by_side, job)
                             : status;
}

/* Mean and standard error of one member of a record over the repeats; `first` is that of the first repeat. */
static qntk_curve_value summarise(const measurement *job, const double *first, double *scratch)
{
    const size_t stride = job->ridges * (sizeof(record) / sizeof(double));
    qntk_curve_value value;
    for (size_t i = 0; i < job->options.repeats; i++)
        scratch[i] = first[i * stride];
    qntk_compare_mean(job->options.repeats, scratch, &value.mean, &value.se);
    value.se /= sqrt((double)job->options.repeats);
    return value;
}

static void summarise_size(const measurement *job, size_t s, double *scratch, qntk_curve_point *point)
{
    const record *first = job->records + s * job->options.repeats * job->ridges;
    size_t best = 0;
    double least = INFINITY;
    for (size_t r = 0; r < job->ridges && job->ridges > 1; r++) {
        const double loo = summarise(job, &first[r].loo, scratch).mean;
        if (loo < least || (loo == least && job->ridge[r] < job->ridge[best])) {
            best = r;
            least = loo;
        }
    }
    *point = (qntk_curve_point){.n = job->size[s],
                                .ridge = job->ridge[best],
                                .test = summarise(job, &first[best].test, scratch),
                                .held_out = summarise(job, &first[best].held_out, scratch),
                                .train = summarise(job, &first[best].train, scratch),
                                .kare = summarise(job, &first[best].kare, scratch),
                                .loo = summarise(job, &first[best].loo, scratch),
                                .accuracy = summarise(job, &first[best].accuracy, scratch)};
}

static qntk_status check_arguments(const measurement *job)
{
    QNTK_REQUIRE(job->P >= 1 && job->m >= 1, "P and m must be at least 1");
    QNTK_REQUIRE(job->K != NULL && job->Y != NULL, "K and Y must not be NULL");
    QNTK_REQUIRE(job->count == 0 || job->size != NULL, "size must not be NULL");
    QNTK_REQUIRE(job->ridges >= 1 && job->ridge != NULL, "at least one ridge must be given");
    QNTK_REQUIRE(job->options.repeats >= 1 && job->options.repeats <= 1 << 20,
                 "repeats must be 1 to 1048576");
    QNTK_REQUIRE(!job->options.classify || job->m >= 2, "classes need two targets or more");
    for (size_t s = 0; s < job->count; s++) {
        if (job->size[s] < 1 || job->size[s] > job->P)
            return qntk_fail(QNTK_INVALID, "size %zu: expected 1 to the %zu rows of the pool, found %zu", s,
                             job->P, job->size[s]);
        if (s > 0 && job->size[s] <= job->size[s - 1])
            return qntk_fail(QNTK_INVALID, "size %zu: expected more than the one before, %zu, found %zu", s,
                             job->size[s - 1], job->size[s]);
    }
    if (job->P > INT_MAX || job->m > INT_MAX / job->ridges)
        return qntk_fail(QNTK_TOO_LARGE, "%zu rows, %zu targets and %zu ridges exceed BLAS's integers",
                         job->P, job->m, job->ridges);
    return QNTK_OK;
}

qntk_status qntk_curve_measure(size_t P, const double *K, size_t m, const double *Y, size_t count,
                               const size_t *size, size_t ridges, const double *ridge,
                               qntk_curve_options options, qntk_curve_point *point)
{
    QNTK_REQUIRE(count == 0 || point != NULL, "point must not be NULL");
    if (count > 0)
        memset(point, 0, count * sizeof *point);
    measurement job = {.P = P,
                       .m = m,
                       .count = count,
                       .ridges = ridges,
                       .K = K,
                       .Y = Y,
                       .ridge = ridge,
                       .size = size,
                       .options = options};
    qntk_status status = check_arguments(&job);
    if (status != QNTK_OK)
        return status;
    double *scratch = qntk_alloc(options.repeats, sizeof *scratch);
    job.records = qntk_alloc(count * options.repeats * ridges, sizeof *job.records);
    job.label = options.classify ? qntk_alloc(P, sizeof *job.label) : NULL;
    if (scratch == NULL || job.records == NULL || (options.classify && job.label == NULL))
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK && options.classify)
        status = qntk_labels_decode(P, m, Y, m, job.label);
    if (status == QNTK_OK)
        status = measure_all(&job);
    for (size_t s = 0; s < count && status == QNTK_OK; s++)
        summarise_size(&job, s, scratch, &point[s]);
    qntk_free(scratch);
    qntk_free(job.records);
    qntk_free(job.label);
    return status;
}
