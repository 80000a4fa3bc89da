/* Kernel ridge regression through the band form scale*K = Q B Q': one reduction for all ridges. */
#include "ridge_internal.h"
#include "isa.h"

#include <float.h>
#include <string.h>

enum {
    BAND = QNTK_BAND,
    LEAD = QNTK_RIDGE_LEAD,
    MARGIN = QNTK_RIDGE_MARGIN,
    BUNDLE = 32, /* ridges whose factors are held at a time: 10 n KiB */
    LEFT = 4,    /* slices of Q, and */
    CHUNK = 128, /* columns of it, that leave_out takes together */
    ROOM = (LEFT * CHUNK + BAND + CHUNK + BUNDLE * LEFT * BAND) * BAND
};

extern const qntk_ridge_ops qntk_ridge_ops_baseline;
#ifdef QNTK_X86
extern const qntk_ridge_ops qntk_ridge_ops_avx2, qntk_ridge_ops_avx512;
#endif

const qntk_ridge_ops *const *qntk_ridge_ops_all(void)
{
    static const qntk_ridge_ops *const list[] = {
#ifdef QNTK_X86
        &qntk_ridge_ops_avx512, &qntk_ridge_ops_avx2,
#endif
        &qntk_ridge_ops_baseline, NULL};
    const size_t last = sizeof list / sizeof list[0] - 2; /* the baseline */
    return list + (last - (size_t)qntk_isa_best());
}

/* How the factorisation for one ridge went. */
typedef struct {
    double norm;   /* of B + ridge I */
    size_t column; /* the first without a positive pivot; n if all have one */
    double pivot;
} outcome;

typedef struct {
    const qntk_ridge_job *job;
    const qntk_ridge_ops *ops;
    size_t first, bundle; /* ridges in work: first .. first+bundle-1 */
    double *band;         /* B, as qntk_band_reduce leaves it */
    qntk_tridiag q;       /* Q, as a tridiagonalisation that stopped at the band */
    double *targets;      /* (n,m): Q'Y */
    double *beside;       /* (n): sums of |B(i,j)|, j != i */
    double *start;        /* (n,32): random vectors */
    double *factor;       /* (BUNDLE) factors of B + ridge I, factor_size apart */
    size_t factor_size;
    outcome outcome[BUNDLE];
    const char *label;  /* of reports of progress; NULL inside another loop, which reports its own */
    double whole, done; /* work, in operations, about */
    double *columns;    /* (slices,padded,32): the columns of Q, 32 to a slice; NULL if none is left out */
    double *slice;      /* (workers) slices with margins, slice_size apart */
    double *room;       /* (workers,ROOM): of leave_out; NULL as columns */
    size_t slice_size;  /* doubles */
} band_route;

static double *factor_of(const band_route *b, size_t r)
{
    return b->factor + (r - b->first) * b->factor_size + MARGIN * LEAD;
}

/* A worker's slice; its margins are zero and stay so. */
static double *slice_of(const band_route *b, size_t worker)
{
    return b->slice + worker * b->slice_size + MARGIN * BAND;
}

/* ---- progress ---- */

/* Operations on n rows: of the reduction and of forming Q, of a row's solve in a band, of a ridge but for leaving
 * out, and of Q on a column. */
static double reduce_work(double n)
{
    return 4 * n * n * n / 3;
}

static double solve_work(double n)
{
    return 2 * n * (BAND + 1);
}

static double ridge_work(double n)
{
    return 5 * BAND * solve_work(n); /* the condition: five solves of a slice */
}

static double apply_work(double n)
{
    return 4 * n * n;
}

static void measure_work(band_route *b)
{
    const qntk_ridge_job *job = b->job;
    const double n = (double)job->n, count = (double)job->count, m = (double)job->m;
    b->whole = reduce_work(n) + count * ridge_work(n) + (1 + count) * m * apply_work(n);
    if (job->detail >= QNTK_RIDGE_LEAVE_ONE_OUT)
        b->whole += reduce_work(n) + count * n * solve_work(n);
}

/* `part` of a loop of so much work is done. */
static void report(const band_route *b, double work, double part)
{
    if (b->label != NULL)
        qntk_progress(b->label, fmin(0.99, (b->done + part * work) / b->whole));
}

/* ---- one ridge ---- */

/* L = B + ridge I; returns its largest absolute row sum. */
static double shifted_band(const band_route *b, double shift, double *L)
{
    double norm = 0;
    memset(L - MARGIN * LEAD, 0, b->factor_size * sizeof(double));
    for (size_t j = 0; j < b->job->n; j++) {
        memcpy(L + j * LEAD, b->band + j * QNTK_BAND_LEAD, (BAND + 1) * sizeof(double));
        L[j * LEAD] += shift;
        norm = fmax(norm, fabs(L[j * LEAD]) + b->beside[j]);
    }
    return norm;
}

/* Each column to length 1; those that vanish are left alone. */
static void normalise(size_t n, double *Z)
{
    double square[BAND] = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < BAND; c++)
            square[c] += Z[i * BAND + c] * Z[i * BAND + c];
    for (size_t c = 0; c < BAND; c++)
        square[c] = square[c] > 0 ? 1 / sqrt(square[c]) : 1;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < BAND; c++)
            Z[i * BAND + c] *= square[c];
}

/* |G| from below: the largest Rayleigh quotient z'G z = |L^-1 z|^2 of 32 random vectors after two steps of
 * inverse iteration. */
static double inverse_norm(const band_route *b, const double *L, double *Z)
{
    const size_t n = b->job->n;
    double quotient[BAND], largest = 0;
    memcpy(Z, b->start, n * BAND * sizeof(double));
    for (int step = 0; step < 2; step++) {
        b->ops->forward(n, L, Z, Z, NULL);
        b->ops->backward(n, L, Z);
        normalise(n, Z);
    }
    b->ops->forward(n, L, Z, Z, quotient);
    for (size_t c = 0; c < BAND; c++)
        largest = fmax(largest, quotient[c]);
    return largest;
}

/* alpha <- (B + ridge I)^-1 Q'Y, 32 targets at a time. */
static void solve_targets(const band_route *b, size_t r, const double *L, double *Z)
{
    const qntk_ridge_job *job = b->job;
    for (size_t first = 0; first < job->m; first += BAND) {
        const size_t width = qntk_min(BAND, job->m - first);
        memset(Z, 0, job->n * BAND * sizeof(double));
        for (size_t i = 0; i < job->n; i++)
            memcpy(Z + i * BAND, b->targets + i * job->m + first, width * sizeof(double));
        b->ops->forward(job->n, L, Z, Z, NULL);
        b->ops->backward(job->n, L, Z);
        for (size_t i = 0; i < job->n; i++)
            for (size_t c = 0; c < width; c++)
                job->alpha[(i * job->count + r) * job->m + first + c] = job->scale * Z[i * BAND + c];
    }
}

/* Failures are told by check_ridges, so that the message is about the first ridge that fails. */
static qntk_status fit_ridge(void *context, size_t index, size_t worker)
{
    band_route *b = context;
    const qntk_ridge_job *job = b->job;
    const size_t r = b->first + index;
    outcome *o = &b->outcome[index];
    double *L = factor_of(b, r), *Z = slice_of(b, worker);
    o->norm = shifted_band(b, job->scale * job->fit[r].ridge, L);
    o->column = b->ops->factor(job->n, L, &o->pivot);
    if (o->column < job->n)
        return QNTK_OK;
    job->fit[r].rcond = 1 / o->norm / inverse_norm(b, L, Z);
    if (job->detail >= QNTK_RIDGE_TRACE)
        job->fit[r].trace = job->scale * qntk_ridge_inverse_trace(job->n, L);
    solve_targets(b, r, L, Z);
    return QNTK_OK;
}

static qntk_status check_ridges(const band_route *b)
{
    const qntk_ridge_job *job = b->job;
    for (size_t index = 0; index < b->bundle; index++) {
        const outcome *o = &b->outcome[index];
        const qntk_ridge_fit *fit = &job->fit[b->first + index];
        if (o->column < job->n)
            return qntk_ridge_not_definite(job, b->first + index, o->column, o->pivot, o->norm);
        if (!(fit->rcond >= qntk_ridge_singular(job->n)))
            return qntk_ridge_too_singular(job, b->first + index);
    }
    return QNTK_OK;
}

/* ---- leaving out ---- */

/* Columns of Q, 4 slices to an item, the last ones first: they take longest. Panel p leaves the first
 * 32 (p+1) rows alone, so that slice s has nothing to do before panel s-1. */
static qntk_status form_columns(void *context, size_t index, size_t worker)
{
    (void)worker;
    const band_route *b = context;
    const size_t n = b->job->n, size = qntk_padded(n) * BAND, slices = (n - 1) / BAND + 1;
    const size_t first = (slices - 1) / QNTK_SLICES * QNTK_SLICES - index * QNTK_SLICES;
    const size_t count = qntk_min(QNTK_SLICES, slices - first);
    double *X = b->columns + first * size;
    memset(X, 0, count * size * sizeof(double));
    for (size_t s = 0; s < count; s++)
        for (size_t c = 0; c < BAND; c++)
            X[s * size + ((first + s) * BAND + c) * BAND + c] = 1;
    for (size_t p = qntk_min(first + count - 1, b->q.band.panels); p-- > 0;)
        qntk_band_apply_panel(&b->q.band, n, p, false, count, size, X);
    const double left = (double)first / (double)slices;
    report(b, reduce_work((double)n), 1 - left * left);
    return QNTK_OK;
}

/* A worker's room: LEFT slices of Q' and one of solutions, CHUNK rows of each, and the last 32 rows of every
 * solution; all of it stays in the second-level cache. */
typedef struct {
    double *X;    /* (LEFT,CHUNK,32) */
    double *Z;    /* (32+CHUNK,32) */
    double *last; /* (BUNDLE,LEFT,32,32) */
} leaving_room;

static leaving_room room_of(const band_route *b, size_t worker)
{
    double *X = b->room + worker * ROOM;
    return (leaving_room){X, X + LEFT * CHUNK * BAND, X + LEFT * CHUNK * BAND + (BAND + CHUNK) * BAND};
}

/* Adds what columns [column, column+count) of Q give to |L^-1 q_i|^2, for `slices` slices of rows i from number
 * `slice` on. The band reaches back 32 columns: so much of the solution is kept. */
static void leave_chunk(const band_route *b, leaving_room room, size_t slice, size_t slices, size_t column,
                        size_t count)
{
    const qntk_ridge_job *job = b->job;
    const size_t n = job->n, size = qntk_padded(n) * BAND, square = BAND * BAND;
    for (size_t s = 0; s < slices; s++)
        for (size_t j = 0; j < count; j++) {
            const double *block =
                b->columns + (column + j) / BAND * size + (slice + s) * square + (column + j) % BAND;
            for (size_t c = 0; c < BAND; c++)
                room.X[(s * CHUNK + j) * BAND + c] = block[c * BAND];
        }
    for (size_t r = 0; r < b->bundle; r++) {
        const double *L = factor_of(b, b->first + r) + column * LEAD;
        for (size_t s = 0; s < slices; s++) {
            const size_t first = (slice + s) * BAND;
            double *last = room.last + (r * LEFT + s) * square, squares[BAND];
            memcpy(room.Z, last, square * sizeof *last);
            b->ops->forward(count, L, room.X + s * CHUNK * BAND, room.Z + square, squares);
            memcpy(last, room.Z + count * BAND, square * sizeof *last);
            for (size_t c = 0; c < BAND && first + c < n; c++)
                job->diag[(b->first + r) * n + first + c] += squares[c];
        }
    }
}

/* diag G(i,i) = |L^-1 q_i|^2 for LEFT slices of rows of Q and all ridges of the bundle, chunk by chunk: a chunk of Q
 * serves all ridges, one of a factor all slices, before they leave the cache. */
static qntk_status leave_out(void *context, size_t index, size_t worker)
{
    const band_route *b = context;
    const qntk_ridge_job *job = b->job;
    const size_t n = job->n, slice = index * LEFT, slices = qntk_min(LEFT, (n - 1) / BAND + 1 - slice);
    const size_t first = slice * BAND, end = qntk_min(n, first + slices * BAND);
    const leaving_room room = room_of(b, worker);
    memset(room.last, 0, BUNDLE * LEFT * BAND * BAND * sizeof *room.last);
    for (size_t r = b->first; r < b->first + b->bundle; r++)
        memset(job->diag + r * n + first, 0, (end - first) * sizeof *job->diag);
    for (size_t column = 0; column < n; column += CHUNK)
        leave_chunk(b, room, slice, slices, column, qntk_min(CHUNK, n - column));
    report(b, (double)(b->bundle * n) * solve_work((double)n), (double)end / (double)(n + 1));
    return QNTK_OK;
}

/* ---- the whole ---- */

static void prepare(const band_route *b)
{
    const size_t n = b->job->n;
    memset(b->beside, 0, n * sizeof(double));
    for (size_t j = 0; j < n; j++)
        for (size_t k = 1; k <= BAND && j + k < n; k++) {
            const double size = fabs(b->band[j * QNTK_BAND_LEAD + k]);
            b->beside[j] += size;
            b->beside[j + k] += size;
        }
    qntk_rng rng = qntk_rng_create(0, 0);
    for (size_t e = 0; e < n * BAND; e++)
        b->start[e] = qntk_rng_uniform(&rng) - 0.5;
}

/* B, Q, and Q'Y. */
static qntk_status reduce(band_route *b)
{
    const qntk_ridge_job *job = b->job;
    const size_t n = job->n, slices = (n - 1) / BAND + 1;
    const qntk_stage stage = {.label = b->label, .share = reduce_work((double)n) / b->whole};
    qntk_status status = qntk_band_reduce(n, job->K, job->scale, stage, b->band, &b->q.band);
    if (status != QNTK_OK)
        return status;
    prepare(b);
    memcpy(b->targets, job->Y, n * job->m * sizeof(double));
    status = qntk_tridiag_apply(&b->q, true, job->m, b->targets);
    b->done = reduce_work((double)n) + (double)job->m * apply_work((double)n);
    if (status == QNTK_OK && b->columns != NULL) {
        status = qntk_parallel_for((slices - 1) / QNTK_SLICES + 1, form_columns, b);
        b->done += reduce_work((double)n);
    }
    return status;
}

/* All ridges of a bundle. */
static qntk_status run_bundle(band_route *b)
{
    const size_t n = b->job->n, slices = (n - 1) / BAND + 1;
    qntk_status status = qntk_parallel_for(b->bundle, fit_ridge, b);
    b->done += (double)b->bundle * ridge_work((double)n);
    if (status == QNTK_OK)
        status = check_ridges(b);
    if (status == QNTK_OK && b->columns != NULL) {
        status = qntk_parallel_for((slices - 1) / LEFT + 1, leave_out, b);
        b->done += (double)(b->bundle * n) * solve_work((double)n);
    }
    return status;
}

static qntk_status run(band_route *b)
{
    const qntk_ridge_job *job = b->job;
    measure_work(b);
    qntk_status status = reduce(b);
    for (; status == QNTK_OK && b->first < job->count; b->first += b->bundle) {
        b->bundle = qntk_min(BUNDLE, job->count - b->first);
        status = run_bundle(b);
    }
    if (status != QNTK_OK)
        return status;
    status = qntk_tridiag_apply(&b->q, false, job->count * job->m, job->alpha);
    if (status == QNTK_OK && b->label != NULL)
        qntk_progress(b->label, 1);
    return status == QNTK_NOT_FINITE
               ? qntk_fail(status, "a coefficient leaves the range of doubles; scale K and Y")
               : status;
}

/* The workers of the loops over the ridges of a bundle, and over the rows to leave out. */
static size_t ridge_workers(const qntk_ridge_job *job)
{
    return qntk_loop_workers(qntk_min(BUNDLE, job->count));
}

static size_t leaving_workers(const qntk_ridge_job *job)
{
    return qntk_loop_workers((job->n - 1) / (LEFT * BAND) + 1);
}

static qntk_status check_memory(const qntk_ridge_job *job)
{
    const double padded = (double)qntk_padded(job->n), width = QNTK_BAND, word = sizeof(double);
    double bytes = padded * (padded + 12 * width); /* the triangle and its reflectors; panels and strips */
    bytes += padded * (double)(LEAD * qntk_min(BUNDLE, job->count) + BAND * ridge_workers(job));
    if (job->detail >= QNTK_RIDGE_LEAVE_ONE_OUT)
        bytes += padded * padded + (double)(leaving_workers(job) * ROOM);
    if (bytes > 0x1p59)
        return qntk_fail(QNTK_TOO_LARGE, "a matrix of %zu rows is too large to be stored", job->n);
    return qntk_memory_check((size_t)(word * bytes), "kernel regression on this many rows", "pass --limit");
}

qntk_status qntk_ridge_by_band(const qntk_ridge_job *job)
{
    const size_t n = job->n, padded = qntk_padded(n);
    qntk_status status = check_memory(job);
    if (status != QNTK_OK)
        return status;
    band_route b = {.job = job,
                    .ops = qntk_ridge_ops_all()[0],
                    .q = {.n = n, .kept = true},
                    .label = qntk_inside_loop() ? NULL : "kernel regression",
                    .factor_size = (n + 2 * MARGIN) * LEAD,
                    .slice_size = (n + 2 * MARGIN) * BAND};
    b.band = qntk_alloc_zero((padded + QNTK_TILE) * QNTK_BAND_LEAD, sizeof(double));
    b.targets = qntk_alloc(n * job->m, sizeof(double));
    b.beside = qntk_alloc(n, sizeof(double));
    b.start = qntk_alloc(n * BAND, sizeof(double));
    b.factor = qntk_alloc(qntk_min(BUNDLE, job->count) * b.factor_size, sizeof(double));
    b.slice = qntk_alloc_zero(ridge_workers(job) * b.slice_size, sizeof(double));
    if (job->detail >= QNTK_RIDGE_LEAVE_ONE_OUT) {
        b.columns = qntk_alloc(((n - 1) / BAND + 1) * padded * BAND, sizeof(double));
        b.room = qntk_alloc(leaving_workers(job) * ROOM, sizeof(double));
    }
    if (b.band == NULL || b.targets == NULL || b.beside == NULL || b.start == NULL || b.factor == NULL ||
        b.slice == NULL || (job->detail >= QNTK_RIDGE_LEAVE_ONE_OUT && (b.columns == NULL || b.room == NULL)))
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = run(&b);
    qntk_band_reflectors_free(&b.q.band);
    qntk_free(b.band);
    qntk_free(b.targets);
    qntk_free(b.beside);
    qntk_free(b.start);
    qntk_free(b.factor);
    qntk_free(b.slice);
    qntk_free(b.columns);
    qntk_free(b.room);
    return status;
}
