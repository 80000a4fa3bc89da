/* One merge of divide and conquer: deflation, roots, vectors, products. */
#include "conquer.h"

#include <float.h>
#include <string.h>

enum {
    SLICE = QNTK_SLICE,
    ROOTS = 32,      /* roots per item: each costs several passes over all poles */
    TILE_ROWS = 128, /* of a product, with its factors in the second cache */
    TILE_COLUMNS = 256,
    TILE_DEPTH = 256
};

/* ---- deflation ---- */

/* The order of the two halves together, and z, of norm 1. */
static void collect(qntk_merger *m)
{
    qntk_conquest *c = m->c;
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
static void unite(qntk_merger *m, size_t a, size_t b, double cosine, double sine)
{
    qntk_conquest *c = m->c;
    const double da = c->d[a], db = c->d[b];
    c->d[a] = da * cosine * cosine + db * sine * sine;
    c->d[b] = da * sine * sine + db * cosine * cosine;
    rotate(1, c->first + a, c->first + b, cosine, sine);
    rotate(1, c->last + a, c->last + b, cosine, sine);
    if (c->width > 0) {
        const size_t from = qntk_first_column(c, m->begin), to = qntk_last_column(c, m->end);
        rotate(to - from, c->Q + a * c->lead + from, c->Q + b * c->lead + from, cosine, sine);
    }
    size_t *group = m->place[P_GROUP];
    if (group[a - m->begin] != group[b - m->begin])
        group[a - m->begin] = group[b - m->begin] = MIXED;
}

/* Sets aside the eigenvalues that stay as they are: z negligible, or equal to a neighbour. */
static void deflate(qntk_merger *m)
{
    qntk_conquest *c = m->c;
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
static void gather_one(qntk_merger *m, size_t x, size_t to)
{
    qntk_conquest *c = m->c;
    m->work[W_D2][to] = c->d[x];
    m->work[W_F2][to] = c->first[x];
    m->work[W_L2][to] = c->last[x];
    if (c->width > 0) {
        const size_t from = qntk_first_column(c, m->begin), end = qntk_last_column(c, m->end);
        memcpy(c->G + (m->begin + to) * c->lead + from, c->Q + x * c->lead + from,
               (end - from) * sizeof(double));
    }
}

/* The kept ones by kind for the products, in ascending order for the roots; behind them the deflated ones,
 * ascending. */
static void gather(qntk_merger *m)
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

static qntk_secular equation(const qntk_merger *m)
{
    /* unit norm after deflation: what was set aside is below rounding */
    return (qntk_secular){
        .k = m->k, .d = m->work[W_D], .z = m->work[W_Z], .rho = m->rho, .kernels = m->c->kernels};
}

static qntk_status find_roots(void *context, size_t index, size_t worker)
{
    (void)worker;
    qntk_merger *m = context;
    const qntk_secular s = equation(m);
    for (size_t j = index * ROOTS; j < qntk_min((index + 1) * ROOTS, m->k); j++)
        qntk_secular_root(&s, j, m->work[W_ORIGIN] + j, m->work[W_MU] + j);
    return QNTK_OK;
}

static qntk_status find_weights(void *context, size_t index, size_t worker)
{
    (void)worker;
    qntk_merger *m = context;
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
    qntk_merger *m = context;
    qntk_conquest *c = m->c;
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
static void multiply_slice(const qntk_merger *m, size_t first, size_t rows, size_t column)
{
    const qntk_conquest *c = m->c;
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

static size_t row_tiles(const qntk_merger *m)
{
    return (m->k - m->first_root + TILE_ROWS - 1) / TILE_ROWS;
}

static qntk_status multiply_tile(void *context, size_t index, size_t worker)
{
    (void)worker;
    const qntk_merger *m = context;
    const size_t first = m->first_root + index % row_tiles(m) * TILE_ROWS,
                 rows = qntk_min(TILE_ROWS, m->k - first);
    const size_t begin = qntk_first_column(m->c, m->begin) + index / row_tiles(m) * TILE_COLUMNS;
    const size_t end = qntk_min(begin + TILE_COLUMNS, qntk_last_column(m->c, m->end));
    for (size_t column = begin; column < end; column += SLICE)
        multiply_slice(m, first, rows, column);
    return QNTK_OK;
}

/* ---- one merge ---- */

/* Eigenvalues and boundary rows of the merged part, their order, and the vectors of the deflated ones. */
static void settle(qntk_merger *m)
{
    qntk_conquest *c = m->c;
    const size_t rows = m->end - m->begin, from = qntk_first_column(c, m->begin),
                 to = qntk_last_column(c, m->end);
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
static size_t first_wanted(const qntk_merger *m)
{
    const qntk_conquest *c = m->c;
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

qntk_status qntk_merge(qntk_merger *m)
{
    qntk_conquest *c = m->c;
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
        const size_t columns = qntk_last_column(c, m->end) - qntk_first_column(c, m->begin);
        status =
            qntk_parallel_for(row_tiles(m) * ((columns + TILE_COLUMNS - 1) / TILE_COLUMNS), multiply_tile, m);
    }
    settle(m);
    return status;
}
