/* Row functions of tile.h, written as plain loops that the compiler vectorises; where that is not enough (a
 * table held in registers, transposition) with AVX-512 intrinsics beside the plain version. Compiled once per
 * instruction set (isa.h) with fused multiply-add allowed; every loop is elementwise, so that changes
 * rounding only, not order. */
#include "tile.h"
#include "isa.h"
#include "vecmath.h"

#include <math.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

static const double pi = 3.141592653589793;

/* A NaN is not below a limit and stays a NaN in every function here: comparisons are written so that it
 * falls through to the value itself. */

static bool pole_row(size_t count, double *cosine, double limit)
{
    int64_t any = 0; /* of the width of a lane, so that the loop vectorises */
    for (size_t j = 0; j < count; j++) {
        double h = 0.5 - 0.5 * fabs(cosine[j]);
        h = h < 0 ? 0 : h;
        any |= h <= limit ? 1 : 0;
        cosine[j] = copysign(h, cosine[j]);
    }
    return any != 0;
}

static bool pole_single(size_t count, float *cosine, float limit)
{
    int32_t any = 0;
    for (size_t j = 0; j < count; j++) {
        float h = 0.5F - 0.5F * fabsf(cosine[j]);
        h = h < 0 ? 0 : h;
        any |= h <= limit ? 1 : 0;
        cosine[j] = copysignf(h, cosine[j]);
    }
    return any != 0;
}

/* ---- the tabulated function of the cosine ---- */

/* Even pieces, one row; the plain version of what the AVX-512 one does in registers. */
static void table_even(const qntk_cosine_table *table, size_t count, double *half, double scale,
                       const double *column_scale)
{
    enum { COLUMNS = 2 * QNTK_TABLE_PIECES };
    const double per_unit = QNTK_TABLE_PIECES * 1.4142135623730951;
    size_t j = 0;
#ifdef __AVX512F__
    __m512d low[QNTK_TABLE_DEGREE + 1], high[QNTK_TABLE_DEGREE + 1]; /* pieces 0-7 (c >= 0) and 8-15 */
    for (int k = 0; k <= QNTK_TABLE_DEGREE; k++) {
        low[k] = _mm512_loadu_pd(table->coefficient + k * COLUMNS);
        high[k] = _mm512_loadu_pd(table->coefficient + k * COLUMNS + QNTK_TABLE_PIECES);
    }
    const __m512d one = _mm512_set1_pd(1.0), two = _mm512_set1_pd(2.0);
    const __m512d last = _mm512_set1_pd(QNTK_TABLE_PIECES - 1);
    for (; j + 8 <= count; j += 8) {
        __m512d h = _mm512_loadu_pd(half + j);
        __m512d scaled = _mm512_mul_pd(_mm512_sqrt_pd(_mm512_abs_pd(h)), _mm512_set1_pd(per_unit));
        __m512d piece =
            _mm512_min_pd(_mm512_roundscale_pd(scaled, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC), last);
        __m512d x = _mm512_fmsub_pd(two, _mm512_sub_pd(scaled, piece), one);
        __m512i index = _mm512_castsi256_si512(_mm512_cvtpd_epi32(piece));
        index = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(index));
        /* the sign bit of h selects the second register: bit 3 of the index */
        __m512i sign = _mm512_srli_epi64(_mm512_castpd_si512(h), 63);
        index = _mm512_or_si512(index, _mm512_slli_epi64(sign, 3));
        __m512d value = _mm512_permutex2var_pd(low[QNTK_TABLE_DEGREE], index, high[QNTK_TABLE_DEGREE]);
        for (int k = QNTK_TABLE_DEGREE - 1; k >= 0; k--)
            value = _mm512_fmadd_pd(value, x, _mm512_permutex2var_pd(low[k], index, high[k]));
        __m512d factor = _mm512_set1_pd(scale);
        if (column_scale != NULL)
            factor = _mm512_mul_pd(factor, _mm512_loadu_pd(column_scale + j));
        _mm512_storeu_pd(half + j, _mm512_mul_pd(value, factor));
    }
#endif
    for (; j < count; j++) {
        double scaled = sqrt(fabs(half[j])) * per_unit;
        int piece = scaled < QNTK_TABLE_PIECES ? (int)scaled : QNTK_TABLE_PIECES - 1;
        double x = 2 * (scaled - piece) - 1;
        const double *coefficient = table->coefficient + piece + (signbit(half[j]) ? QNTK_TABLE_PIECES : 0);
        double value = coefficient[QNTK_TABLE_DEGREE * COLUMNS];
        for (int k = QNTK_TABLE_DEGREE - 1; k >= 0; k--)
            value = value * x + coefficient[k * COLUMNS];
        half[j] = value * (scale * (column_scale != NULL ? column_scale[j] : 1));
    }
}

/* Graded pieces: the piece is the exponent of t and its three leading fraction bits (QNTK_TABLE_PARTS = 8).
 */
static void table_graded(const qntk_cosine_table *table, size_t count, double *half, double scale,
                         const double *column_scale)
{
    const size_t columns = 2 * table->pieces;
    const double smallest = ldexp(1, -(int)table->octaves);
    const int64_t first = (int64_t)(1023 - (int)table->octaves) * QNTK_TABLE_PARTS - 1;
    double position[QNTK_TILE];
    int64_t column[QNTK_TILE];
    for (size_t j = 0; j < count; j++) {
        double t = sqrt(fabs(half[j]));
        uint64_t bits, fraction;
        memcpy(&bits, &t, sizeof bits);
        fraction = (bits << 3 & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
        double y; /* in [1,2): the place in the eighth of an octave */
        memcpy(&y, &fraction, sizeof y);
        bool lowest = t < smallest;
        position[j] = lowest ? 2 * (t / smallest) - 1 : t < 1 ? 2 * y - 3 : t;
        int64_t piece = t < 1 && !lowest ? (int64_t)(bits >> 49) - first : 0; /* a NaN: any piece will do */
        column[j] = piece + (signbit(half[j]) ? (int64_t)table->pieces : 0);
    }
    double value[QNTK_TILE];
    for (size_t j = 0; j < count; j++)
        value[j] = table->coefficient[QNTK_TABLE_DEGREE * columns + (size_t)column[j]];
    for (size_t k = QNTK_TABLE_DEGREE; k-- > 0;)
        for (size_t j = 0; j < count; j++)
            value[j] = value[j] * position[j] + table->coefficient[k * columns + (size_t)column[j]];
    for (size_t j = 0; j < count; j++)
        half[j] = value[j] * (scale * (column_scale != NULL ? column_scale[j] : 1));
}

static void table_row(const qntk_cosine_table *table, size_t count, double *half, double scale,
                      const double *column_scale)
{
    (table->octaves == 0 ? table_even : table_graded)(table, count, half, scale, column_scale);
}

static void table_single(const qntk_cosine_table *table, size_t count, float *half)
{
    enum { COLUMNS = 2 * QNTK_TABLE_PIECES };
    const float per_unit = QNTK_TABLE_PIECES * 1.41421356f;
    size_t j = 0;
#ifdef __AVX512F__
    __m512 row[QNTK_TABLE_DEGREE_SINGLE + 1]; /* all sixteen pieces in one register */
    for (int k = 0; k <= QNTK_TABLE_DEGREE_SINGLE; k++)
        row[k] = _mm512_loadu_ps(table->coefficient_single + k * COLUMNS);
    const __m512 one = _mm512_set1_ps(1.0f), two = _mm512_set1_ps(2.0f);
    for (; j + 16 <= count; j += 16) {
        __m512 h = _mm512_loadu_ps(half + j);
        __m512 scaled = _mm512_mul_ps(_mm512_sqrt_ps(_mm512_abs_ps(h)), _mm512_set1_ps(per_unit));
        __m512 piece = _mm512_min_ps(_mm512_roundscale_ps(scaled, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC),
                                     _mm512_set1_ps(QNTK_TABLE_PIECES - 1));
        __m512 x = _mm512_fmsub_ps(two, _mm512_sub_ps(scaled, piece), one);
        __m512i sign = _mm512_srli_epi32(_mm512_castps_si512(h), 31);
        __m512i index = _mm512_or_si512(_mm512_cvtps_epi32(piece), _mm512_slli_epi32(sign, 3));
        __m512 value = _mm512_permutexvar_ps(index, row[QNTK_TABLE_DEGREE_SINGLE]);
        for (int k = QNTK_TABLE_DEGREE_SINGLE - 1; k >= 0; k--)
            value = _mm512_fmadd_ps(value, x, _mm512_permutexvar_ps(index, row[k]));
        _mm512_storeu_ps(half + j, value);
    }
#endif
    for (; j < count; j++) {
        float scaled = sqrtf(fabsf(half[j])) * per_unit;
        int piece = scaled < QNTK_TABLE_PIECES ? (int)scaled : QNTK_TABLE_PIECES - 1;
        float x = 2 * (scaled - (float)piece) - 1;
        const float *coefficient =
            table->coefficient_single + piece + (signbit(half[j]) ? QNTK_TABLE_PIECES : 0);
        float value = coefficient[QNTK_TABLE_DEGREE_SINGLE * COLUMNS];
        for (int k = QNTK_TABLE_DEGREE_SINGLE - 1; k >= 0; k--)
            value = value * x + coefficient[k * COLUMNS];
        half[j] = value;
    }
}

/* ---- the layer recursion, formula by formula as in kernel_internal.h ---- */

static void recursion_row(const qntk_tile_recursion *row, size_t count, double *u, double *v)
{
    const qntk_recursion *r = row->recursion;
    const double b2 = r->b2, keep = r->keep, lose = r->lose, n = row->norm;
    double T[QNTK_TILE], P[QNTK_TILE];
    const double *root = row->column_root;
    for (size_t j = 0; j < count; j++) {
        double nn = n * row->column_norm[j], difference = n - row->column_norm[j];
        double product = row->root[0] * root[j];
        double eta = 2 * b2 * difference * difference / (product + 2 * nn + b2);
        double u0 = u[j], v0 = v[j], per_product = 1 / product;
        P[j] = product;
        T[j] = r->inv_moment * nn * (v0 - u0) + b2; /* 2 n n' cosine / (V+tau) + b^2, cosine = (v0-u0)/2 */
        u[j] = (eta + 2 * lose * nn + 2 * keep * nn * u0) * per_product;
        v[j] = (eta + 2 * lose * nn + 2 * keep * nn * v0 + 2 * b2) * per_product;
    }
    for (size_t layer = 1;; layer++) {
        const bool last = layer == r->depth;
        const double *next = last ? NULL : row->column_root + layer * row->column_root_stride;
        const double a = row->root[(layer - 1) * row->root_stride];
        const double a_next = last ? 0 : row->root[layer * row->root_stride];
        const double t_scale = last ? r->keep_readout : 2 * keep;
        const double m_scale = last ? (r->nngp ? r->keep_readout : r->inv_moment_readout) : 2 * r->inv_moment;
        const double t_used = last && r->nngp ? 0 : 1;
        for (size_t j = 0; j < count; j++) {
            double smaller = u[j] < v[j] ? u[j] : v[j], z = smaller * 0.5; /* sin^2(theta/2) or cos^2 */
            double s = sqrt(z), nearer = 2 * vec_asin(s, z);
            double theta = u[j] <= v[j] ? nearer : pi - nearer;
            double w = vec_excess(s, z) + (u[j] <= v[j] ? 0 : 1 - v[j]); /* w(pi - a) = w(a) + cos a */
            double M = P[j] * (1 - u[j] + w) * 0.5;
            double M_dot = (pi - theta) * (0.5 / pi);
            T[j] = m_scale * M + b2 + t_used * t_scale * M_dot * T[j];
            u[j] -= w; /* w <= u/2 where u is small */
        }
        if (last)
            break;
        for (size_t j = 0; j < count; j++) {
            double product = a_next * next[j], difference = a - root[j];
            double eta = b2 * difference * difference / (product + P[j] + b2);
            double moved = (eta + lose * P[j] + keep * P[j] * u[j]) / product;
            u[j] = moved;
            v[j] = 2 - moved;
            P[j] = product;
        }
        root = next;
    }
    for (size_t j = 0; j < count; j++)
        u[j] = T[j];
}

/* ---- radial kernels ---- */

static bool distance_row(size_t count, double *product, double square, const double *column_square,
                         double reach, const double *column_reach)
{
    int64_t any = 0;
    for (size_t j = 0; j < count; j++) {
        double r2 = square + column_square[j] - 2 * product[j];
        double limit = reach > column_reach[j] ? reach : column_reach[j];
        any |= r2 <= limit ? 1 : 0;
        product[j] = r2 < 0 ? 0 : r2;
    }
    return any != 0;
}

static double gap(size_t d, const double *x, const double *z, double sign)
{
    enum { LANES = 4 * QNTK_LANES }; /* four vectors of partial sums */
    double part[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= d; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            double difference = x[i + k] - sign * z[i + k];
            part[k] += difference * difference;
        }
    for (; i < d; i++)
        rest += (x[i] - sign * z[i]) * (x[i] - sign * z[i]);
    for (size_t k = 0; k < LANES; k++)
        rest += part[k];
    return rest;
}

static void radial_row(const qntk_kernel *kernel, size_t count, double *r2)
{
    const double l = kernel->bandwidth;
    if (kernel->family == QNTK_FAMILY_GAUSS) {
        const double factor = -0.5 / (l * l);
        for (size_t j = 0; j < count; j++)
            r2[j] = vec_exp(factor * r2[j]);
    } else if (kernel->family == QNTK_FAMILY_LAPLACE ||
               (kernel->family == QNTK_FAMILY_MATERN && kernel->nu == 0.5)) {
        for (size_t j = 0; j < count; j++)
            r2[j] = vec_exp(-sqrt(r2[j]) / l);
    } else if (kernel->family == QNTK_FAMILY_RGAUSS) {
        const double alpha = kernel->alpha, factor = 0.5 / alpha / (l * l);
        const double largest = 1e20; /* beyond it r2 / l^2 may overflow; a bandwidth is about 1 here */
        for (size_t j = 0; factor <= largest && j < count; j++)
            r2[j] = vec_exp(-alpha * vec_log1p(factor * r2[j]));
        for (size_t j = 0; factor > largest && j < count; j++)
            r2[j] = qntk_radial_value(kernel, sqrt(r2[j]));
    } else if (kernel->family == QNTK_FAMILY_GEXP) {
        const double half_power = 0.5 * kernel->power, per_square = 1 / (l * l), tiny = 1e-300;
        for (size_t j = 0; j < count; j++) {
            double s2 = r2[j] * per_square;
            double exponent = half_power * vec_log(s2 > tiny ? s2 : tiny); /* log((r/l)^power) */
            exponent = exponent < 7 ? exponent : 7;                        /* exp(-e^7) is below 1e-300 */
            /* vec_exp is for arguments <= 0 */
            double raised = s2 > 0 ? vec_exp(exponent - 7) * 1096.6331584284586 : s2; /* 0 or NaN */
            r2[j] = vec_exp(-raised);
        }
    } else if (kernel->nu == 1.5 || kernel->nu == 2.5) {
        const double factor = sqrt(2 * kernel->nu) / l, quadratic = kernel->nu == 2.5 ? 1.0 / 3 : 0;
        for (size_t j = 0; j < count; j++) {
            double s = factor * sqrt(r2[j]);
            r2[j] = (1 + s + quadratic * s * s) * vec_exp(-s);
        }
    } else { /* Matern of any other smoothness: Bessel functions, one at a time */
        for (size_t j = 0; j < count; j++)
            r2[j] = qntk_radial_value(kernel, sqrt(r2[j]));
    }
}

/* ---- stores ---- */

static void store_row(size_t count, const double *in, double *out)
{
    size_t j = 0;
#ifdef __AVX512F__
    if ((uintptr_t)out % 64 == 0)
        for (; j + 8 <= count; j += 8)
            _mm512_stream_pd(out + j, _mm512_loadu_pd(in + j));
#endif
    for (; j < count; j++)
        out[j] = in[j];
}

#ifdef __AVX512F__
/* An 8 x 8 block, columns of `in` becoming rows of `out`. */
static inline void transpose_block(const double *in, size_t in_stride, double *out, size_t out_stride,
                                   bool stream)
{
    __m512d r[8], s[8];
    for (int i = 0; i < 8; i++)
        r[i] = _mm512_loadu_pd(in + (size_t)i * in_stride);
    for (int i = 0; i < 4; i++) { /* pairs of rows interleaved */
        s[2 * i] = _mm512_unpacklo_pd(r[2 * i], r[2 * i + 1]);
        s[2 * i + 1] = _mm512_unpackhi_pd(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) { /* quarters of 128 bits */
            r[4 * i + k] = _mm512_shuffle_f64x2(s[4 * i + k], s[4 * i + 2 + k], 0x88);
            r[4 * i + 2 + k] = _mm512_shuffle_f64x2(s[4 * i + k], s[4 * i + 2 + k], 0xdd);
        }
    for (int k = 0; k < 4; k++) {
        s[k] = _mm512_shuffle_f64x2(r[k], r[4 + k], 0x88);
        s[4 + k] = _mm512_shuffle_f64x2(r[k], r[4 + k], 0xdd);
    }
    for (int i = 0; i < 8; i++) {
        if (stream)
            _mm512_stream_pd(out + (size_t)i * out_stride, s[i]);
        else
            _mm512_storeu_pd(out + (size_t)i * out_stride, s[i]);
    }
}
#endif

static void transpose(size_t rows, size_t columns, const double *in, size_t in_stride, double *out,
                      size_t out_stride)
{
    enum { BLOCK = 8 }; /* one cache line */
    size_t j = 0;
    for (; j + BLOCK <= columns; j += BLOCK) {
        size_t i = 0;
#ifdef __AVX512F__
        bool stream = (uintptr_t)(out + j * out_stride) % 64 == 0 && out_stride % BLOCK == 0;
        for (; i + BLOCK <= rows; i += BLOCK)
            transpose_block(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride, stream);
#else
        for (; i + BLOCK <= rows; i += BLOCK)
            for (size_t jj = j; jj < j + BLOCK; jj++)
                for (size_t ii = i; ii < i + BLOCK; ii++)
                    out[jj * out_stride + ii] = in[ii * in_stride + jj];
#endif
        for (; i < rows; i++)
            for (size_t jj = j; jj < j + BLOCK; jj++)
                out[jj * out_stride + i] = in[i * in_stride + jj];
    }
    for (; j < columns; j++)
        for (size_t i = 0; i < rows; i++)
            out[j * out_stride + i] = in[i * in_stride + j];
}

static void fence(void)
{
#ifdef __AVX512F__
    _mm_sfence();
#endif
}

extern const qntk_tile_ops QNTK_ISA_SYMBOL(qntk_tile_ops);
const qntk_tile_ops QNTK_ISA_SYMBOL(qntk_tile_ops) = {
    .name = QNTK_ISA_TEXT,
    .pole = pole_row,
    .pole_single = pole_single,
    .table = table_row,
    .table_single = table_single,
    .recursion = recursion_row,
    .distance = distance_row,
    .gap = gap,
    .radial = radial_row,
    .transpose = transpose,
    .store = store_row,
    .fence = fence,
};
