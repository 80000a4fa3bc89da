/* Eigenvalues and eigenvectors of a tridiagonal matrix by divide and conquer (Cuppen 1981; Gu and Eisenstat
 * 1995).
 *
 * T is torn into leaves of at most 32 rows by rank-one changes; two neighbours T1, T2 with eigenvectors Q1,
 * Q2 merge by T = diag(T1, T2) + rho u u' = Q (D + rho z z') Q',  Q = diag(Q1, Q2),  z = Q'u, and u touches
 * only the last row of Q1 and the first of Q2, which is all that eigenvalues alone need: O(n^2). Asked for R
 * Q with a few rows R, or for Q itself, the merges multiply these too. Eigenvectors are kept as rows. */
#include "secular.h"
#include "spectrum_internal.h"

#include <float.h>
#include <lapacke.h>
#include <string.h>

enum {
    LEAF = 32,
    SLICE = QNTK_SLICE,
    ROOTS = 32,      /* roots per item: each costs several passes over all poles */
    TILE_ROWS = 128, /* of a product, with its factors in the second cache */
    TILE_COLUMNS = 256,
    TILE_DEPTH = 256,
    SIDE_MERGES = 8 /* from so many merges on, each runs whole in one thread */
};

typedef enum { TOP, MIXED, BOTTOM, KINDS } kind; /* which half of an eigenvector is not zero */

typedef struct {
    size_t n, width, lead; /* vectors are n rows of `width` numbers, `lead` apart (0: values only) */
    bool whole;           /* the vectors are those of T itself: half of each is zero before its first merge */
    size_t wanted;        /* largest eigenvalues whose vectors are asked for */
    double *d, *e;        /* eigenvalues of the present parts; T's off-diagonal */
    size_t *order;        /* of each part: its eigenvalues ascending */
    double *first, *last; /* first and last row of the eigenvectors of each part */
    double *Q;            /* (n,lead) */
    double *G;            /* (n,lead): the vectors that take part in a merge, by kind */
    double *S;            /* (n,lead_s): eigenvectors of D + rho z z', one per row */
    size_t lead_s;
    double *work;  /* (WORKS,n) */
    size_t *place; /* (PLACES,n) */
    const qntk_kernels *kernels;
} conquest;

enum { W_D, W_Z, W_F, W_L, W_ORIGIN, W_MU, W_WEIGHT, W_D2, W_Z2, W_F2, W_L2, WORKS };
enum { P_INDEX, P_KEPT, P_LOST, P_GROUP, PLACES };

/* One merge of rows begin .. middle-1 with middle .. end-1; everything it uses is at `begin` of the shared
 * arrays. */
typedef struct {
    conquest *c;
    size_t begin, middle, end;
    size_t k;            /* roots; the other end - begin - k eigenvalues are deflated */
    size_t group[KINDS]; /* how many of each kind take part */
    size_t first_root;   /* the vectors of roots from here on are wanted */
    double rho;
    double *work[WORKS];
    size_t *place[PLACES];
} merger;

/* The columns in which vectors of rows begin .. end-1 may differ from zero, widened to whole slices: what is
 * beyond the part is zero there, and belongs to these rows alone. */
static size_t first_column(const conquest *c, size_t begin)
{
    return c->whole ? begin / SLICE * SLICE : 0;
}

static size_t last_column(const conquest *c, size_t end)
{
    return c->whole ? (end + SLICE - 1) / SLICE * SLICE : c->width;
}

/* ---- leaves ---- */

typedef struct {
    conquest *c;
    size_t parts;
} forest;

static size_t boundary(size_t n, size_t part, size_t parts)
{
    return part * n / parts; /* halving the number of parts keeps every other boundary */
}

static qntk_status solve_leaf(void *context, size_t index, size_t worker)
{
    (void)worker;
    const forest *f = context;
    conquest *c = f->c;
    const size_t begin = boundary(c->n, index, f->parts), m = boundary(c->n, index + 1, f->parts) - begin;
    double Z[LEAF * LEAF], e[LEAF] = {0}, rows[LEAF * SLICE];
    memcpy(e, c->e + begin, (m - 1) * sizeof(double));
    if (LAPACKE_dsteqr(LAPACK_COL_MAJOR, 'I', (int)m, c->d + begin, e, Z, (int)m) != 0)
        return qntk_fail(QNTK_NOT_CONVERGED, "QL iteration on rows %zu to %zu did not converge", begin,
                         begin + m - 1);
    for (size_t j = 0; j < m; j++) {
        c->order[begin + j] = begin + j;
        c->first[begin + j] = Z[j * m];
        c->last[begin + j] = Z[j * m + m - 1];
    }
    if (c->whole)
        for (size_t j = 0; j < m; j++)
            memcpy(c->Q + (begin + j) * c->lead + begin, Z + j * m, m * sizeof(double));
    for (size_t column = 0; !c->whole && column < c->width; column += SLICE) {
        for (size_t j = 0; j < m; j++)
            memcpy(rows + j * SLICE, c->Q + (begin + j) * c->lead + column, SLICE * sizeof(double));
        for (size_t j = 0; j < m; j++)
            for (size_t x = 0; x < SLICE; x++) {
                double sum = 0;
                for (size_t i = 0; i < m; i++)
                    sum += Z[j * m + i] * rows[i * SLICE + x];
                c->Q[(begin + j) * c->lead + column + x] = sum;
            }
    }
    return QNTK_OK;
}

/* ---- deflation ---- */

/* The order of the two halves together, and z, of norm 1. */
static void collect(merger *m)
{
    conquest *c = m->c;
    const double off = c->e[m->middle - 1];
    size_t i = m->begin, j = m->middle, t = 0;
    while (i < m->middle || j < m->end) {
        const bool left = j == m->end || (i < m->middle && c->d[c->order[i]] <= c->d[c->order[j]]);
        m->place[P_INDEX][t++] = left ? c->order[i++] : c->order[j++];
    }
    for (size_t x = m->begin; x < m->end; x++) {
        const bool left = x < m->middle;
        m->work[W_Z][x - m->begin] = M_SQRT1_2 * (left ? c->last[x] : copysign(1, off) * c->first[x]);
        if (left)
            c->last[x] = 0;
        else
            c->first[x] = 0;
        m->place[P_GROUP][x - m->begin] = left ? TOP : BOTTOM;
    }
    m->rho = 2 * fabs(off);
}

static void rotate(size_t count, double *x, double *y, double cosine, double sine)
{
    for (size_t i = 0; i < count; i++) {
        const double t = cosine * x[i] + sine * y[i];
        y[i] = cosine * y[i] - sine * x[i];
        x[i] = t;
    }
}

/* Eigenvalues a and b, close to each other, share their z: all of it goes to b, a is deflated. */
static void unite(merger *m, size_t a, size_t b, double cosine, double sine)
{
    conquest *c = m->c;
    const double da = c->d[a], db = c->d[b];
    c->d[a] = da * cosine * cosine + db * sine * sine;
    c->d[b] = da * sine * sine + db * cosine * cosine;
    rotate(1, c->first + a, c->first + b, cosine, sine);
    rotate(1, c->last + a, c->last + b, cosine, sine);
    if (c->width > 0) {
        const size_t from = first_column(c, m->begin), to = last_column(c, m->end);
        rotate(to - from, c->Q + a * c->lead + from, c->Q + b * c->lead + from, cosine, sine);
    }
    size_t *group = m->place[P_GROUP];
    if (group[a - m->begin] != group[b - m->begin])
        group[a - m->begin] = group[b - m->begin] = MIXED;
}

/* Sets aside the eigenvalues that stay as they are: z negligible, or equal to a neighbour. */
static void deflate(merger *m)
{
    conquest *c = m->c;
    double *z = m->work[W_Z], largest = 0;
    const size_t rows = m->end - m->begin;
    for (size_t x = 0; x < rows; x++)
        largest = fmax(largest, fmax(fabs(c->d[m->begin + x]), fabs(z[x])));
    const double tolerance = 8 * DBL_EPSILON * largest;
    size_t lost = 0, previous = SIZE_MAX;
    m->k = 0;
    for (size_t t = 0; t < rows; t++) {
        const size_t x = m->place[P_INDEX][t];
        if (m->rho * fabs(z[x - m->begin]) <= tolerance) {
            m->place[P_LOST][lost++] = x;
            continue;
        }
        if (previous != SIZE_MAX) {
            const double za = z[previous - m->begin], zb = z[x - m->begin], size = hypot(za, zb);
            const double cosine = zb / size, sine = -za / size;
            if (fabs((c->d[x] - c->d[previous]) * cosine * sine) <= tolerance) {
                z[x - m->begin] = size;
                z[previous - m->begin] = 0;
                unite(m, previous, x, cosine, sine);
                m->place[P_LOST][lost++] = previous;
            } else
                m->place[P_KEPT][m->k++] = previous;
        }
        previous = x;
    }
    if (previous != SIZE_MAX)
        m->place[P_KEPT][m->k++] = previous;
}

/* What stands at x takes its place `to` in G and the work arrays. */
static void gather_one(merger *m, size_t x, size_t to)
{
    conquest *c = m->c;
    m->work[W_D2][to] = c->d[x];
    m->work[W_F2][to] = c->first[x];
    m->work[W_L2][to] = c->last[x];
    if (c->width > 0) {
        const size_t from = first_column(c, m->begin), end = last_column(c, m->end);
        memcpy(c->G + (m->begin + to) * c->lead + from, c->Q + x * c->lead + from,
               (end - from) * sizeof(double));
    }
}

/* The kept ones by kind for the products, in ascending order for the roots; behind them the deflated ones,
 * ascending. */
static void gather(merger *m)
{
    const double *d = m->c->d;
    size_t at[KINDS] = {0}, *lost = m->place[P_LOST];
    memset(m->group, 0, sizeof m->group);
    for (size_t i = 0; i < m->k; i++)
        m->group[m->place[P_GROUP][m->place[P_KEPT][i] - m->begin]]++;
    at[MIXED] = m->group[TOP];
    at[BOTTOM] = at[MIXED] + m->group[MIXED];
    for (size_t i = 0; i < m->k; i++) {
        const size_t x = m->place[P_KEPT][i], to = at[m->place[P_GROUP][x - m->begin]]++;
        gather_one(m, x, to);
        m->work[W_D][i] = d[x];
        m->work[W_Z2][i] = m->work[W_Z][x - m->begin];
        m->place[P_INDEX][i] = to;
    }
    memcpy(m->work[W_Z], m->work[W_Z2], m->k * sizeof(double));
    for (size_t i = 0; i < m->end - m->begin - m->k; i++) {
        const size_t x = lost[i]; /* they come almost in order */
        size_t j = i;
        for (; j > 0 && d[lost[j - 1]] > d[x]; j--)
            lost[j] = lost[j - 1];
        lost[j] = x;
    }
    for (size_t i = 0; i < m->end - m->begin - m->k; i++)
        gather_one(m, lost[i], m->k + i);
}

/* ---- roots, vectors, products ---- */

static qntk_secular equation(const merger *m)
{
    /* unit norm after deflation: what was set aside is below rounding */
    return (qntk_secular){
        .k = m->k, .d = m->work[W_D], .z = m->work[W_Z], .rho = m->rho, .kernels = m->c->kernels};
}

static qntk_status find_roots(void *context, size_t index, size_t worker)
{
    (void)worker;
    merger *m = context;
    const qntk_secular s = equation(m);
    for (size_t j = index * ROOTS; j < qntk_min((index + 1) * ROOTS, m->k); j++)
        qntk_secular_root(&s, j, m->work[W_ORIGIN] + j, m->work[W_MU] + j);
    return QNTK_OK;
}

static qntk_status find_weights(void *context, size_t index, size_t worker)
{
    (void)worker;
    merger *m = context;
    const qntk_secular s = equation(m);
    const size_t begin = index * ROOTS, end = qntk_min(begin + ROOTS, m->k);
    qntk_secular_weights(&s, m->work[W_ORIGIN], m->work[W_MU], begin, end, m->work[W_WEIGHT]);
    for (size_t i = begin; i < end; i++)
        m->work[W_Z2][m->place[P_INDEX][i]] = m->work[W_WEIGHT][i];
    return QNTK_OK;
}

/* Eigenvectors of D + rho z z': s_i = z_i / (d_i - x), to norm 1; and from them the new boundary rows. */
static qntk_status find_vectors(void *context, size_t index, size_t worker)
{
    (void)worker;
    merger *m = context;
    conquest *c = m->c;
    double *values = c->width > 0 ? NULL : qntk_alloc(m->k, sizeof(double));
    if (c->width == 0 && values == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t j = m->first_root + index * ROOTS; j < qntk_min(m->first_root + (index + 1) * ROOTS, m->k);
         j++) {
        double *s = c->width > 0 ? c->S + (m->begin + j) * c->lead_s : values, dot[2];
        const double square = c->kernels->secular_vector(m->k, m->work[W_D2], m->work[W_Z2],
                                                         m->work[W_ORIGIN][j], m->work[W_MU][j], s);
        const double inverse = 1 / sqrt(square);
        c->kernels->two_dots(m->k, m->work[W_F2], m->work[W_L2], s, dot);
        m->work[W_F][j] = inverse * dot[0];
        m->work[W_L][j] = inverse * dot[1];
        for (size_t i = 0; c->width > 0 && i < m->k; i++)
            s[i] *= inverse;
    }
    qntk_free(values);
    return QNTK_OK;
}

/* Slice `column` of the new vectors first .. first+rows-1: S times G, over the kinds that are not zero there.
 */
static void multiply_slice(const merger *m, size_t first, size_t rows, size_t column)
{
    const conquest *c = m->c;
    const bool left = !c->whole || column < m->middle, right = !c->whole || column + SLICE > m->middle;
    const size_t begin = left ? 0 : m->group[TOP], end = right ? m->k : m->group[TOP] + m->group[MIXED];
    const size_t full = rows / 4 * 4, rest = rows - full;
    double *Q = c->Q + (m->begin + first) * c->lead + column, tail[4 * SLICE] = {0},
           factors[4 * TILE_DEPTH] = {0};
    for (size_t r = 0; r < rows; r++)
        memset(Q + r * c->lead, 0, SLICE * sizeof(double));
    for (size_t k = begin; k < end; k += TILE_DEPTH) {
        const size_t depth = qntk_min(TILE_DEPTH, end - k);
        const double *S = c->S + (m->begin + first) * c->lead_s + k,
                     *G = c->G + (m->begin + k) * c->lead + column;
        c->kernels->multiply(full, depth, S, c->lead_s, 1, G, c->lead, Q, c->lead, NULL, 0);
        if (rest == 0)
            continue;
        for (size_t r = 0; r < rest; r++) /* rows come in fours */
            memcpy(factors + r * TILE_DEPTH, S + (full + r) * c->lead_s, depth * sizeof(double));
        c->kernels->multiply(4, depth, factors, TILE_DEPTH, 1, G, c->lead, tail, SLICE, NULL, 0);
    }
    for (size_t r = 0; r < rest; r++)
        memcpy(Q + (full + r) * c->lead, tail + r * SLICE, SLICE * sizeof(double));
}

static size_t row_tiles(const merger *m)
{
    return (m->k - m->first_root + TILE_ROWS - 1) / TILE_ROWS;
}

static qntk_status multiply_tile(void *context, size_t index, size_t worker)
{
    (void)worker;
    const merger *m = context;
    const size_t first = m->first_root + index % row_tiles(m) * TILE_ROWS,
                 rows = qntk_min(TILE_ROWS, m->k - first);
    const size_t begin = first_column(m->c, m->begin) + index / row_tiles(m) * TILE_COLUMNS;
    const size_t end = qntk_min(begin + TILE_COLUMNS, last_column(m->c, m->end));
    for (size_t column = begin; column < end; column += SLICE)
        multiply_slice(m, first, rows, column);
    return QNTK_OK;
}

/* ---- one merge ---- */

/* Eigenvalues and boundary rows of the merged part, their order, and the vectors of the deflated ones. */
static void settle(merger *m)
{
    conquest *c = m->c;
    const size_t rows = m->end - m->begin, from = first_column(c, m->begin), to = last_column(c, m->end);
    for (size_t j = 0; j < rows; j++) {
        const size_t x = m->begin + j;
        const bool root = j < m->k;
        c->d[x] = root ? m->work[W_ORIGIN][j] + m->work[W_MU][j] : m->work[W_D2][j];
        c->first[x] = root ? m->work[W_F][j] : m->work[W_F2][j];
        c->last[x] = root ? m->work[W_L][j] : m->work[W_L2][j];
        if (!root && c->width > 0)
            memcpy(c->Q + x * c->lead + from, c->G + x * c->lead + from, (to - from) * sizeof(double));
    }
    size_t i = m->begin, j = m->begin + m->k;
    for (size_t t = m->begin; t < m->end; t++)
        c->order[t] = j == m->end || (i < m->begin + m->k && c->d[i] <= c->d[j]) ? i++ : j++;
}

/* The first root whose vector is wanted: at the last merge only the largest eigenvalues count. */
static size_t first_wanted(const merger *m)
{
    const conquest *c = m->c;
    if (m->end - m->begin < c->n)
        return 0;
    size_t root = m->k, lost = c->n - m->k;
    for (size_t t = 0; t < c->wanted; t++) {
        const double d = lost > 0 ? m->work[W_D2][m->k + lost - 1] : -INFINITY;
        if (root > 0 && m->work[W_ORIGIN][root - 1] + m->work[W_MU][root - 1] >= d)
            root--;
        else
            lost--;
    }
    return root;
}

static qntk_status merge(merger *m)
{
    conquest *c = m->c;
    collect(m);
    deflate(m);
    gather(m);
    const size_t items = (m->k + ROOTS - 1) / ROOTS;
    qntk_status status = qntk_parallel_for(items, find_roots, m);
    if (status == QNTK_OK)
        status = qntk_parallel_for(items, find_weights, m);
    if (status != QNTK_OK)
        return status;
    m->first_root = first_wanted(m);
    status = qntk_parallel_for((m->k - m->first_root + ROOTS - 1) / ROOTS, find_vectors, m);
    if (status == QNTK_OK && c->width > 0) {
        const size_t columns = last_column(c, m->end) - first_column(c, m->begin);
        status =
            qntk_parallel_for(row_tiles(m) * ((columns + TILE_COLUMNS - 1) / TILE_COLUMNS), multiply_tile, m);
    }
    settle(m);
    return status;
}

static qntk_status merge_part(void *context, size_t index, size_t worker)
{
    (void)worker;
    const forest *f = context;
    conquest *c = f->c;
    merger m = {.c = c,
                .begin = boundary(c->n, 2 * index, 2 * f->parts),
                .middle = boundary(c->n, 2 * index + 1, 2 * f->parts),
                .end = boundary(c->n, 2 * index + 2, 2 * f->parts)};
    for (size_t i = 0; i < WORKS; i++)
        m.work[i] = c->work + i * c->n + m.begin;
    for (size_t i = 0; i < PLACES; i++)
        m.place[i] = c->place + i * c->n + m.begin;
    return merge(&m);
}

/* Tears, solves the leaves and merges pairs until one part is left. */
static qntk_status conquer(conquest *c)
{
    size_t parts = 1;
    while ((c->n + parts - 1) / parts > LEAF)
        parts *= 2;
    for (size_t part = 1; part < parts; part++) {
        const size_t cut = boundary(c->n, part, parts);
        c->d[cut - 1] -= fabs(c->e[cut - 1]);
        c->d[cut] -= fabs(c->e[cut - 1]);
    }
    forest f = {.c = c, .parts = parts};
    qntk_status status = qntk_parallel_for(parts, solve_leaf, &f);
    for (f.parts /= 2; f.parts > 0 && status == QNTK_OK; f.parts /= 2) {
        if (f.parts >= SIDE_MERGES)
            status = qntk_parallel_for(f.parts, merge_part, &f);
        for (size_t part = 0; f.parts < SIDE_MERGES && part < f.parts && status == QNTK_OK; part++)
            status = merge_part(&f, part, 0);
    }
    return status;
}

/* ---- interface ---- */

static qntk_status allocate(conquest *c)
{
    const size_t n = c->n;
    c->d = qntk_alloc(n, sizeof(double));
    c->e = qntk_alloc_zero(n, sizeof(double));
    c->order = qntk_alloc(n, sizeof(size_t));
    c->first = qntk_alloc(n, sizeof(double));
    c->last = qntk_alloc(n, sizeof(double));
    c->work = qntk_alloc(WORKS * n, sizeof(double));
    c->place = qntk_alloc(PLACES * n, sizeof(size_t));
    if (c->d == NULL || c->e == NULL || c->order == NULL || c->first == NULL || c->last == NULL ||
        c->work == NULL || c->place == NULL)
        return QNTK_FAIL_MEMORY();
    if (c->width == 0)
        return QNTK_OK;
    c->Q = qntk_alloc_zero(n * c->lead, sizeof(double));
    c->G = qntk_alloc(n * c->lead, sizeof(double));
    c->S = qntk_alloc(n * c->lead_s, sizeof(double));
    return c->Q == NULL || c->G == NULL || c->S == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
}

static void release(conquest *c)
{
    qntk_free(c->d);
    qntk_free(c->e);
    qntk_free(c->order);
    qntk_free(c->first);
    qntk_free(c->last);
    qntk_free(c->work);
    qntk_free(c->place);
    qntk_free(c->Q);
    qntk_free(c->G);
    qntk_free(c->S);
}

/* d and e as they are, scaled; returns the scale. */
static double load_matrix(conquest *c, const double *diag, const double *offdiag)
{
    double largest = 0;
    for (size_t i = 0; i < c->n; i++)
        largest = fmax(largest, fmax(fabs(diag[i]), i + 1 < c->n ? fabs(offdiag[i]) : 0));
    const double scale = qntk_scale_for(largest);
    for (size_t i = 0; i < c->n; i++) {
        c->d[i] = scale * diag[i];
        if (i + 1 < c->n)
            c->e[i] = scale * offdiag[i];
    }
    return scale;
}

static conquest conquest_of(size_t n, size_t width)
{
    const size_t line = 8; /* one more, so that rows do not all fall on the same places of the cache */
    return (conquest){.n = n,
                      .width = width,
                      .lead = (width + SLICE - 1) / SLICE * SLICE + line,
                      .lead_s = qntk_padded(n) + line,
                      .kernels = qntk_kernels_best()};
}

typedef struct {
    const conquest *c;
    size_t count;
    double *evec;
} transposition;

/* Row `index` of evec: entry `index` of the eigenvectors, of the largest eigenvalue first. */
static qntk_status copy_out(void *context, size_t index, size_t worker)
{
    (void)worker;
    const transposition *t = context;
    const conquest *c = t->c;
    const size_t begin = index * SLICE, end = qntk_min(begin + SLICE, c->n);
    for (size_t k = 0; k < t->count; k++) {
        const double *from = c->Q + c->order[c->n - 1 - k] * c->lead;
        for (size_t i = begin; i < end; i++)
            t->evec[i * t->count + k] = from[i];
    }
    return QNTK_OK;
}

qntk_status qntk_tridiag_eigen(size_t n, const double *diag, const double *offdiag, size_t count,
                               double *eval, double *evec)
{
    if (n == 0)
        return QNTK_OK;
    conquest c = conquest_of(n, evec != NULL ? qntk_padded(n) : 0);
    c.whole = evec != NULL;
    c.wanted = evec != NULL ? count : 0;
    qntk_status status = allocate(&c);
    if (status == QNTK_OK) {
        const double scale = load_matrix(&c, diag, offdiag);
        status = conquer(&c);
        for (size_t i = 0; i < n && status == QNTK_OK; i++)
            eval[i] = c.d[c.order[n - 1 - i]] / scale;
    }
    if (status == QNTK_OK && evec != NULL) {
        transposition t = {.c = &c, .count = count, .evec = evec};
        status = qntk_parallel_for((n + SLICE - 1) / SLICE, copy_out, &t);
    }
    release(&c);
    return status;
}

qntk_status qntk_tridiag_eigen_rows(size_t n, const double *diag, const double *offdiag, size_t width,
                                    double *eval, double *rows)
{
    conquest c = conquest_of(n, width);
    c.wanted = n;
    qntk_status status = allocate(&c);
    if (status == QNTK_OK) {
        const double scale = load_matrix(&c, diag, offdiag);
        for (size_t i = 0; i < n; i++)
            memcpy(c.Q + i * c.lead, rows + i * width, width * sizeof(double));
        status = conquer(&c);
        for (size_t i = 0; i < n && status == QNTK_OK; i++) {
            eval[i] = c.d[c.order[n - 1 - i]] / scale;
            memcpy(rows + i * width, c.Q + c.order[n - 1 - i] * c.lead, width * sizeof(double));
        }
    }
    release(&c);
    return status;
}
