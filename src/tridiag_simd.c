/* The inner loops of the tridiagonalisation, for one instruction set (see isa.h); multiply-adds are fused
 * where the set has them. */
#include "tridiag_internal.h"
#include "isa.h"

#include <stdint.h>
#include <string.h>

enum {
    LANES = QNTK_LANES,
    PARTS = QNTK_BAND / LANES, /* vectors in a column of the band or a row of a panel */
    ROWS = 4,                  /* rows of C kept in registers, and */
    WIDE = LANES == 8 ? 4 : 2, /* vectors of each: 16 accumulators of 32, or 8 of 16 registers */
    LINE = 8,                  /* doubles in a cache line */
    AHEAD = QNTK_AHEAD / LINE, /* lines fetched ahead per ROWS rows */
    LEAD = QNTK_BAND_LEAD - 1  /* from one column of a block of the band to the next */
};

typedef double vector __attribute__((vector_size(LANES * 8)));
typedef double unaligned __attribute__((vector_size(LANES * 8), aligned(8), may_alias));
typedef int64_t mask __attribute__((vector_size(LANES * 8)));
typedef int64_t unaligned_mask __attribute__((vector_size(LANES * 8), aligned(8)));

static inline vector load(const double *p)
{
    return *(const unaligned *)p;
}

static inline void store(double *p, vector x)
{
    *(unaligned *)p = x;
}

static inline vector spread(double x)
{
    return x - (vector){0};
}

/* -1 in lanes >= first, for first = 0 .. LANES-1. */
static inline vector keep_from(vector x, size_t first)
{
    static const int64_t window[16] = {0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1};
    return (vector)((mask)x & *(const unaligned_mask *)(window + 8 - first));
}

/* The sum of the lanes, in a fixed order. */
static inline double sum_lanes(vector x)
{
#if QNTK_LANES == 8
    x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
    x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5);
#elif QNTK_LANES == 4
    x += __builtin_shufflevector(x, x, 2, 3, 0, 1);
#endif
    return x[0] + x[1];
}

/* ---- C += A B ---- */

static inline __attribute__((always_inline)) void multiply_rows(size_t depth, const double *restrict A,
                                                                size_t row_step, size_t depth_step,
                                                                const double *restrict B, size_t ldb,
                                                                double *restrict C, size_t ldc)
{
    vector sum[ROWS][WIDE];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < WIDE; c++)
            sum[r][c] = load(C + r * ldc + c * LANES);
    for (size_t k = 0; k < depth; k++) {
        vector b[WIDE];
        for (size_t c = 0; c < WIDE; c++)
            b[c] = load(B + k * ldb + c * LANES);
        for (size_t r = 0; r < ROWS; r++) {
            vector a = spread(A[r * row_step + k * depth_step]);
            for (size_t c = 0; c < WIDE; c++)
                sum[r][c] += a * b[c];
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < WIDE; c++)
            store(C + r * ldc + c * LANES, sum[r][c]);
}

static void multiply(size_t rows, size_t depth, const double *A, size_t row_step, size_t depth_step,
                     const double *B, size_t ldb, double *C, size_t ldc, const double *ahead,
                     size_t ahead_step)
{
    for (size_t r = 0; r < rows; r += ROWS) {
        if (ahead != NULL)
            for (size_t line = 0; line < AHEAD; line++)
                __builtin_prefetch(ahead + r / ROWS * ahead_step + line * LINE, 1, 2);
        for (size_t c = 0; c < QNTK_BAND; c += WIDE * LANES)
            multiply_rows(depth, A + r * row_step, row_step, depth_step, B + c, ldb, C + r * ldc + c, ldc);
    }
}

/* ---- panel factorisation ---- */

static inline __attribute__((always_inline)) void panel_rows(const size_t first, size_t rows,
                                                             double *restrict P, ptrdiff_t column,
                                                             const double *factor, double *product)
{
    vector f[PARTS], sum[PARTS];
    for (size_t q = first; q < PARTS; q++) {
        f[q] = load(factor + q * LANES);
        sum[q] = load(product + q * LANES);
    }
    for (size_t r = 0; r < rows; r++, P += QNTK_BAND) {
        if (column >= 0) {
            vector x = spread(P[column]);
            for (size_t q = first; q < PARTS; q++)
                store(P + q * LANES, load(P + q * LANES) - x * f[q]);
        }
        if (column + 1 < QNTK_BAND) {
            vector y = spread(P[column + 1]);
            for (size_t q = first; q < PARTS; q++)
                sum[q] += y * load(P + q * LANES);
        }
    }
    for (size_t q = first; q < PARTS; q++)
        store(product + q * LANES, sum[q]);
}

static void panel_step(size_t rows, double *P, ptrdiff_t column, const double *factor, double *product)
{
    /* vectors wholly left of the column have nothing to do; a constant start lets the loops unroll */
    const ptrdiff_t quarter = (column + 1) / (QNTK_BAND / 4);
    if (quarter == 0)
        panel_rows(0, rows, P, column, factor, product);
    else if (quarter == 1)
        panel_rows(PARTS / 4, rows, P, column, factor, product);
    else if (quarter == 2)
        panel_rows(PARTS / 2, rows, P, column, factor, product);
    else
        panel_rows(3 * PARTS / 4, rows, P, column, factor, product);
}

/* ---- bulge chasing ---- */

/* w = tau (D v - tau/2 (v'D v) v), D <- D - v w' - w v'. A column of the lower triangle starts inside a
 * vector: the lanes above the diagonal belong to another block and are masked. */
static void two_sided(double *D, const double *v, double tau)
{
    double w[QNTK_BAND];
    vector below[PARTS] = {{0}}; /* sum over c <= r of D(r,c) v(c) */
    for (size_t c = 0; c < QNTK_BAND; c++) {
        const double *column = D + c * LEAD;
        const vector x = spread(v[c]);
        size_t q = c / LANES;
        vector d = load(column + q * LANES);
        below[q] += keep_from(d, c % LANES) * x;
        vector dot = c % LANES + 1 < LANES ? keep_from(d, c % LANES + 1) * load(v + q * LANES) : (vector){0};
        for (q++; q < PARTS; q++) {
            d = load(column + q * LANES);
            below[q] += d * x;
            dot += d * load(v + q * LANES);
        }
        w[c] = sum_lanes(dot); /* sum over r > c of D(r,c) v(r) */
    }
    vector y[PARTS], dot = {0};
    for (size_t q = 0; q < PARTS; q++) {
        y[q] = spread(tau) * (below[q] + load(w + q * LANES));
        dot += y[q] * load(v + q * LANES);
    }
    const vector half = spread(-0.5 * tau * sum_lanes(dot));
    for (size_t q = 0; q < PARTS; q++)
        store(w + q * LANES, y[q] + half * load(v + q * LANES));
    for (size_t c = 0; c < QNTK_BAND; c++) {
        double *column = D + c * LEAD;
        const vector vc = spread(v[c]), wc = spread(w[c]);
        size_t q = c / LANES;
        vector change = load(v + q * LANES) * wc + load(w + q * LANES) * vc;
        store(column + q * LANES, load(column + q * LANES) - keep_from(change, c % LANES));
        for (q++; q < PARTS; q++) {
            change = load(v + q * LANES) * wc + load(w + q * LANES) * vc;
            store(column + q * LANES, load(column + q * LANES) - change);
        }
    }
}

static void right_left(double *B, const double *v, double tau, double *u, double *tau_u)
{
    vector w[PARTS] = {{0}}; /* tau B v */
    for (size_t c = 0; c < QNTK_BAND; c++)
        for (size_t q = 0; q < PARTS; q++)
            w[q] += load(B + c * LEAD + q * LANES) * spread(v[c]);
    for (size_t q = 0; q < PARTS; q++) {
        w[q] *= spread(tau);
        store(B + q * LANES, load(B + q * LANES) - w[q]); /* v[0] = 1 */
    }
    qntk_reflector(B, u, tau_u);
    vector reflector[PARTS];
    for (size_t q = 0; q < PARTS; q++)
        reflector[q] = load(u + q * LANES);
    for (size_t c = 1; c < QNTK_BAND; c++) {
        double *column = B + c * LEAD;
        vector x[PARTS], dot = {0};
        for (size_t q = 0; q < PARTS; q++) {
            x[q] = load(column + q * LANES) - w[q] * spread(v[c]);
            dot += x[q] * reflector[q];
        }
        const vector factor = spread(*tau_u * sum_lanes(dot));
        for (size_t q = 0; q < PARTS; q++)
            store(column + q * LANES, x[q] - reflector[q] * factor);
    }
}

/* ---- back-transformation ---- */

/* The 32 rows of X from x on: X <- (I - tau v v') X. */
static inline void reflect_one(const double *restrict v, double tau, double *restrict x)
{
    for (size_t half = 0; half < QNTK_BAND; half += WIDE * LANES) {
        vector w[WIDE] = {{0}};
        for (size_t r = 0; r < QNTK_BAND; r++)
            for (size_t q = 0; q < WIDE; q++)
                w[q] += spread(v[r]) * load(x + r * QNTK_BAND + half + q * LANES);
        for (size_t q = 0; q < WIDE; q++)
            w[q] *= spread(tau);
        for (size_t r = 0; r < QNTK_BAND; r++)
            for (size_t q = 0; q < WIDE; q++) {
                double *at = x + r * QNTK_BAND + half + q * LANES;
                store(at, load(at) - spread(v[r]) * w[q]);
            }
    }
}

static void reflect(size_t count, const double *v, const double *tau, bool forward, double *X)
{
    for (size_t step = 0; step < count; step++) {
        const size_t i = forward ? count - 1 - step : step; /* the factor next to X acts first */
        if (tau[i] != 0)
            reflect_one(v + i * QNTK_BAND, tau[i], X + i * QNTK_BAND);
    }
}

/* ---- secular equation ---- */

/* The end of an array, padded to a whole vector. */
static inline vector load_end(const double *p, size_t count, double padding)
{
    double end[LANES];
    for (size_t i = 0; i < LANES; i++)
        end[i] = i < count ? p[i] : padding;
    return load(end);
}

static void secular_sum(size_t count, const double *d, const double *z, double origin, double mu, double *sum)
{
    const vector o = spread(origin), m = spread(mu);
    vector value = {0}, slope = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector numerator = load(z + i), ratio = numerator / (load(d + i) - o - m);
        value += numerator * ratio;
        slope += ratio * ratio;
    }
    if (i < count) { /* the padding divides zero by one */
        vector numerator = load_end(z + i, count - i, 0);
        vector ratio = numerator / (load_end(d + i, count - i, origin + mu + 1) - o - m);
        value += numerator * ratio;
        slope += ratio * ratio;
    }
    sum[0] = sum_lanes(value);
    sum[1] = sum_lanes(slope);
}

static double secular_vector(size_t count, const double *d, const double *z, double origin, double mu,
                             double *s)
{
    const vector o = spread(origin), m = spread(mu);
    vector square = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector ratio = load(z + i) / (load(d + i) - o - m);
        store(s + i, ratio);
        square += ratio * ratio;
    }
    double sum = sum_lanes(square);
    for (; i < count; i++) {
        s[i] = z[i] / (d[i] - origin - mu);
        sum += s[i] * s[i];
    }
    return sum;
}

static void secular_weight(size_t count, const double *d, double origin, double mu, double pole, double *w)
{
    const vector o = spread(origin), m = spread(mu), p = spread(pole);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector x = load(d + i);
        store(w + i, load(w + i) * ((x - o - m) / (x - p)));
    }
    for (; i < count; i++)
        w[i] *= (d[i] - origin - mu) / (d[i] - pole);
}

static void two_dots(size_t count, const double *a, const double *b, const double *s, double *dot)
{
    vector first = {0}, second = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector x = load(s + i);
        first += load(a + i) * x;
        second += load(b + i) * x;
    }
    dot[0] = sum_lanes(first);
    dot[1] = sum_lanes(second);
    for (; i < count; i++) {
        dot[0] += a[i] * s[i];
        dot[1] += b[i] * s[i];
    }
}

extern const qntk_kernels QNTK_ISA_SYMBOL(qntk_kernels);
const qntk_kernels QNTK_ISA_SYMBOL(qntk_kernels) = {QNTK_ISA_TEXT,  multiply, panel_step,  two_sided,
                                                    right_left,     reflect,  secular_sum, secular_vector,
                                                    secular_weight, two_dots};
