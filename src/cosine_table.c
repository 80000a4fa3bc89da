/* Fits the piecewise polynomial of cosine_table.h. */
#include "cosine_table.h"

#include <math.h>

enum { NODES_MAX = 16 };

typedef struct {
    const qntk_recursion *recursion;
    long double norm;
} table_source;

/* f at t = sqrt((1-|c|)/2): for c >= 0, 1 - c = 2 t^2 and 1 + c = 2 - 2 t^2; for c < 0 the other way round.
 */
static long double source_value(const table_source *source, long double t, bool negative)
{
    long double small = 2 * t * t, large = 2 - small;
    return qntk_recursion_value(source->recursion, source->norm, source->norm, negative ? large : small,
                                negative ? small : large);
}

/* Interpolates at the Chebyshev nodes of [left, left + width] and writes the coefficients of powers of x in
 * [-1,1]: the interpolant is sum_j c_j T_j(x), c_j = (2/m) sum_i f(x_i) T_j(x_i), c_0 halved. */
static void fit_piece(const table_source *source, long double left, long double width, bool negative,
                      size_t degree, long double *power)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    size_t m = degree + 1;
    long double chebyshev[NODES_MAX] = {0};
    for (size_t i = 0; i < m; i++) {
        long double phase = pi * (2 * (long double)i + 1) / (2 * (long double)m);
        long double f = source_value(source, left + width * (1 + cosl(phase)) / 2, negative);
        for (size_t j = 0; j < m; j++)
            chebyshev[j] += (j == 0 ? 1 : 2) / (long double)m * f * cosl((long double)j * phase);
    }
    /* T_{j+1} = 2 x T_j - T_{j-1}, as coefficients of powers */
    long double previous[NODES_MAX] = {1}, current[NODES_MAX] = {0, 1};
    for (size_t k = 0; k < m; k++)
        power[k] = chebyshev[0] * previous[k] + chebyshev[1] * current[k];
    for (size_t j = 2; j < m; j++) {
        long double next[NODES_MAX] = {0};
        for (size_t k = 0; k < m; k++) {
            next[k] = (k > 0 ? 2 * current[k - 1] : 0) - previous[k];
            power[k] += chebyshev[j] * next[k];
        }
        for (size_t k = 0; k < m; k++) {
            previous[k] = current[k];
            current[k] = next[k];
        }
    }
}

double qntk_cosine_table_value(const qntk_cosine_table *table, double t, bool negative)
{
    double x;
    size_t column = qntk_cosine_table_locate(table, t, &x) + (negative ? table->pieces : 0);
    size_t columns = 2 * table->pieces;
    double value = table->coefficient[QNTK_TABLE_DEGREE * columns + column];
    for (size_t k = QNTK_TABLE_DEGREE; k-- > 0;)
        value = value * x + table->coefficient[k * columns + column];
    return value;
}

static double single_value(const qntk_cosine_table *table, double t, bool negative)
{
    const qntk_cosine_table even = {.pieces = QNTK_TABLE_PIECES};
    double x, value = 0;
    size_t column = qntk_cosine_table_locate(&even, t, &x) + (negative ? QNTK_TABLE_PIECES : 0);
    for (size_t k = QNTK_TABLE_DEGREE_SINGLE + 1; k-- > 0;)
        value = value * x + table->coefficient_single[k * 2 * QNTK_TABLE_PIECES + column];
    return value;
}

/* The ends of a piece: even, [0, 2^-octaves], or a part of an octave. */
static void piece_ends(size_t octaves, size_t piece, long double *left, long double *width)
{
    if (octaves == 0) {
        *width = sqrtl(0.5L) / QNTK_TABLE_PIECES;
        *left = *width * (long double)piece;
    } else if (piece == 0) {
        *left = 0;
        *width = ldexpl(1, -(int)octaves);
    } else {
        size_t octave = (piece - 1) / QNTK_TABLE_PARTS, part = (piece - 1) % QNTK_TABLE_PARTS;
        *width = ldexpl(1.0L / QNTK_TABLE_PARTS, (int)octave - (int)octaves);
        *left = ldexpl(1, (int)octave - (int)octaves) + *width * (long double)part;
    }
}

typedef double (*table_reader)(const qntk_cosine_table *table, double t, bool negative);

/* The largest difference from the source, at places in each piece that are not nodes, over the largest |f|.
 */
static double measure(const table_source *source, const qntk_cosine_table *table, size_t octaves,
                      size_t pieces, table_reader reader)
{
    enum { PROBES = 7 };
    long double largest = 0, worst = 0;
    for (size_t column = 0; column < 2 * pieces; column++)
        for (int probe = 0; probe < PROBES; probe++) {
            bool negative = column >= pieces;
            long double left, width;
            piece_ends(octaves, column % pieces, &left, &width);
            double t = (double)(left + width * (0.5L + (long double)probe) / PROBES);
            if (t * t > 0.5)
                continue;
            long double exact = source_value(source, t, negative);
            worst = fmaxl(worst, fabsl(exact - reader(table, t, negative)));
            largest = fmaxl(largest, fabsl(exact));
        }
    return largest > 0 ? (double)(worst / largest) : 0;
}

static qntk_status fit(const table_source *source, size_t octaves, qntk_cosine_table *table)
{
    size_t pieces = octaves == 0 ? QNTK_TABLE_PIECES : 1 + QNTK_TABLE_PARTS * octaves;
    qntk_free(table->coefficient);
    table->coefficient = qntk_alloc((QNTK_TABLE_DEGREE + 1) * 2 * pieces, sizeof(double));
    if (table->coefficient == NULL)
        return QNTK_FAIL_MEMORY();
    table->octaves = octaves;
    table->pieces = pieces;
    for (size_t column = 0; column < 2 * pieces; column++) {
        long double left, width, power[NODES_MAX];
        piece_ends(octaves, column % pieces, &left, &width);
        /* the last octave goes past t = sqrt(1/2), where c would change sign: f continues smoothly */
        fit_piece(source, left, width, column >= pieces, QNTK_TABLE_DEGREE, power);
        for (size_t k = 0; k <= QNTK_TABLE_DEGREE; k++)
            table->coefficient[k * 2 * pieces + column] = (double)power[k];
    }
    table->error = measure(source, table, octaves, pieces, qntk_cosine_table_value);
    return QNTK_OK;
}

static qntk_status fit_single(const table_source *source, qntk_cosine_table *table)
{
    const size_t columns = 2 * QNTK_TABLE_PIECES;
    table->coefficient_single = qntk_alloc((QNTK_TABLE_DEGREE_SINGLE + 1) * columns, sizeof(float));
    if (table->coefficient_single == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t column = 0; column < columns; column++) {
        long double left, width, power[NODES_MAX];
        piece_ends(0, column % QNTK_TABLE_PIECES, &left, &width);
        fit_piece(source, left, width, column >= QNTK_TABLE_PIECES, QNTK_TABLE_DEGREE_SINGLE, power);
        for (size_t k = 0; k <= QNTK_TABLE_DEGREE_SINGLE; k++)
            table->coefficient_single[k * columns + column] = (float)power[k];
    }
    table->error_single = measure(source, table, 0, QNTK_TABLE_PIECES, single_value);
    return QNTK_OK;
}

qntk_status qntk_cosine_table_create(const qntk_recursion *recursion, double norm, qntk_cosine_table *table)
{
    const double wanted = 4 * 2.220446049250313e-16; /* the rounding of a Horner sum of |f| <= 1 */
    const size_t octaves_max = 32;
    *table = (qntk_cosine_table){0};
    table_source source = {.recursion = recursion, .norm = norm};
    qntk_status status = fit_single(&source, table);
    if (status == QNTK_OK)
        status = fit(&source, 0, table);
    /* Graded: more octaves until the first piece [0, 2^-octaves] is smooth too. */
    for (size_t octaves = 4; status == QNTK_OK && table->error > wanted && octaves <= octaves_max;
         octaves += 4)
        status = fit(&source, octaves, table);
    if (status != QNTK_OK)
        qntk_cosine_table_free(table);
    return status;
}

void qntk_cosine_table_free(qntk_cosine_table *table)
{
    qntk_free(table->coefficient);
    qntk_free(table->coefficient_single);
    *table = (qntk_cosine_table){0};
}
