/* Fits the piecewise polynomial of cosine_table.h. */
#include "cosine_table.h"

#include <math.h>

enum { NODES = QNTK_TABLE_DEGREE + 1, OCTAVES_STEP = 4, OCTAVES_MAX = 32 };

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

/* Interpolation on [-1,1] at the Chebyshev nodes x_i: f's values there give the coefficient of x^k as sum_i
 * weight[k][i] f(x_i). */
typedef struct {
    size_t degree;
    long double node[NODES];
    long double weight[NODES][NODES];
} interpolation;

/* The interpolant is sum_j c_j T_j(x), c_j = (2/m) sum_i f(x_i) T_j(x_i), c_0 halved; T_{j+1} = 2 x T_j -
 * T_{j-1}, T_1 = x, both as coefficients of powers and as values at the nodes. */
static interpolation interpolation_create(size_t degree)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    const size_t m = degree + 1;
    interpolation rule = {.degree = degree};
    long double power[NODES] = {1}, power_before[NODES] = {0};
    long double value[NODES], value_before[NODES] = {0};
    for (size_t i = 0; i < m; i++) {
        rule.node[i] = cosl(pi * (2 * (long double)i + 1) / (2 * (long double)m));
        value[i] = 1;
    }
    for (size_t j = 0; j < m; j++) {
        const long double factor = j == 0 ? 1 : 2;
        for (size_t k = 0; k < m; k++)
            for (size_t i = 0; i < m; i++)
                rule.weight[k][i] += factor / (long double)m * power[k] * value[i];
        for (size_t i = 0; i < m; i++) {
            long double next = factor * rule.node[i] * value[i] - value_before[i];
            value_before[i] = value[i];
            value[i] = next;
        }
        for (size_t k = m; k-- > 0;) {
            long double next = (k > 0 ? factor * power[k - 1] : 0) - power_before[k];
            power_before[k] = power[k];
            power[k] = next;
        }
    }
    return rule;
}

/* The largest error and the largest |f| met. What is not finite makes the error infinite, for good. */
typedef struct {
    long double worst, largest;
} measured;

static void measure(measured *m, long double exact, long double found)
{
    long double error = fabsl(exact - found);
    if (!isfinite(error))
        m->worst = INFINITY;
    else if (error > m->worst)
        m->worst = error;
    if (fabsl(exact) > m->largest)
        m->largest = fabsl(exact);
}

static double relative_error(const measured *m)
{
    return m->worst > 0 ? (double)(m->worst / m->largest) : 0;
}

/* Fits one piece [left, left + width], writes its coefficients `stride` apart, and measures it at places that
 * are not nodes, in the arithmetic it is meant for: double, or float if `single`. */
static void fit_piece(const table_source *source, const interpolation *rule, long double left,
                      long double width, bool negative, bool single, double *power, size_t stride,
                      measured *m)
{
    enum { PROBES = 5 };
    long double f[NODES];
    for (size_t i = 0; i <= rule->degree; i++)
        f[i] = source_value(source, left + width * (1 + rule->node[i]) / 2, negative);
    for (size_t k = 0; k <= rule->degree; k++) {
        long double sum = 0;
        for (size_t i = 0; i <= rule->degree; i++)
            sum += rule->weight[k][i] * f[i];
        power[k * stride] = single ? (float)sum : (double)sum;
    }
    for (int probe = 0; probe < PROBES; probe++) {
        long double place = (0.5L + (long double)probe) / PROBES, t = left + width * place;
        if (t * t > 0.5L)
            continue;
        double x = (double)(2 * place - 1), value = 0;
        for (size_t k = rule->degree + 1; k-- > 0;) {
            value = value * x + power[k * stride];
            value = single ? (float)value : value;
        }
        measure(m, source_value(source, t, negative), value);
    }
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

static size_t pieces_of(size_t octaves)
{
    return octaves == 0 ? QNTK_TABLE_PIECES : 1 + QNTK_TABLE_PARTS * octaves;
}

/* Fits the pieces first .. end-1 of both signs into power (degree+1, 2 pieces). */
static void fit_pieces(const table_source *source, const interpolation *rule, size_t octaves, size_t first,
                       size_t end, bool single, double *power, measured *m)
{
    const size_t pieces = pieces_of(octaves);
    for (size_t piece = first; piece < end; piece++)
        for (int negative = 0; negative < 2; negative++) {
            long double left, width;
            piece_ends(octaves, piece, &left, &width);
            /* the last octave goes past t = sqrt(1/2), where c would change sign: f continues smoothly */
            fit_piece(source, rule, left, width, negative, single, power + piece + (negative ? pieces : 0),
                      2 * pieces, m);
        }
}

static qntk_status fit_even(const table_source *source, const interpolation *rule, qntk_cosine_table *table)
{
    measured m = {0};
    table->pieces = QNTK_TABLE_PIECES;
    table->coefficient = qntk_alloc(NODES * 2 * table->pieces, sizeof(double));
    if (table->coefficient == NULL)
        return QNTK_FAIL_MEMORY();
    fit_pieces(source, rule, 0, 0, table->pieces, false, table->coefficient, &m);
    table->error = relative_error(&m);
    return QNTK_OK;
}

static qntk_status fit_single(const table_source *source, qntk_cosine_table *table)
{
    enum { COUNT = (QNTK_TABLE_DEGREE_SINGLE + 1) * 2 * QNTK_TABLE_PIECES };
    const interpolation rule = interpolation_create(QNTK_TABLE_DEGREE_SINGLE);
    double power[COUNT];
    measured m = {0};
    table->coefficient_single = qntk_alloc(COUNT, sizeof(float));
    if (table->coefficient_single == NULL)
        return QNTK_FAIL_MEMORY();
    fit_pieces(source, &rule, 0, 0, QNTK_TABLE_PIECES, true, power, &m);
    for (size_t i = 0; i < COUNT; i++)
        table->coefficient_single[i] = (float)power[i];
    table->error_single = relative_error(&m);
    return QNTK_OK;
}

/* Adds octaves until the first piece [0, 2^-octaves] is smooth too. The pieces above keep their places in t,
 * and move up in the table. */
static qntk_status fit_graded(const table_source *source, const interpolation *rule, double wanted,
                              qntk_cosine_table *table)
{
    measured upper = {0}; /* all pieces but the first */
    for (size_t octaves = OCTAVES_STEP; octaves <= OCTAVES_MAX && table->error > wanted;
         octaves += OCTAVES_STEP) {
        const size_t pieces = pieces_of(octaves), known = table->octaves == 0 ? 1 : table->pieces;
        double *power = qntk_alloc(NODES * 2 * pieces, sizeof *power);
        if (power == NULL)
            return QNTK_FAIL_MEMORY();
        for (size_t row = 0; row < (size_t)2 * NODES; row++)
            for (size_t k = 1; k < known; k++)
                power[row * pieces + pieces - known + k] = table->coefficient[row * table->pieces + k];
        fit_pieces(source, rule, octaves, 1, pieces - known + 1, false, power, &upper);
        measured all = upper;
        fit_pieces(source, rule, octaves, 0, 1, false, power, &all);
        qntk_free(table->coefficient);
        table->coefficient = power;
        table->octaves = octaves;
        table->pieces = pieces;
        table->error = relative_error(&all);
        if (!isfinite(table->error))
            break;
    }
    return QNTK_OK;
}

qntk_status qntk_cosine_table_create(const qntk_recursion *recursion, double norm, qntk_table_extent extent,
                                     qntk_cosine_table *table)
{
    *table = (qntk_cosine_table){0};
    const table_source source = {.recursion = recursion, .norm = norm};
    const interpolation rule = interpolation_create(QNTK_TABLE_DEGREE);
    qntk_status status = fit_even(&source, &rule, table);
    if (status == QNTK_OK && !extent.even_only && isfinite(table->error))
        status = fit_graded(&source, &rule, QNTK_TABLE_ERROR, table);
    if (status == QNTK_OK && extent.single)
        status = fit_single(&source, table);
    if (status == QNTK_OK && !(table->error <= QNTK_TABLE_ERROR))
        status = qntk_fail(QNTK_NOT_CONVERGED, "a table of %zu pieces has an error of %.1e",
                           2 * table->pieces, table->error);
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
