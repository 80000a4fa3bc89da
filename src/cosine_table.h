/* A function of the cosine c in [-1,1] as a piecewise polynomial in t = sqrt((1-|c|)/2), the sine of half the
 * angle to the nearer pole: network kernels are smooth in t up to both poles, where they have square-root
 * singularities in c. */
#ifndef QNTK_COSINE_TABLE_H
#define QNTK_COSINE_TABLE_H

#include "kernel_internal.h"

#include <math.h>

enum {
    QNTK_TABLE_DEGREE = 11, /* reaches double accuracy on 8 even pieces a sign for smooth kernels */
    QNTK_TABLE_PIECES = 8,  /* even pieces a sign: 16 in all, what two vector registers hold */
    QNTK_TABLE_PARTS = 8,   /* graded pieces an octave of t */
    QNTK_TABLE_DEGREE_SINGLE = 4
};

/* The error a table must reach, over f's largest value: the rounding of a Horner sum of |f| <= 1. */
#define QNTK_TABLE_ERROR (4 * 2.220446049250313e-16)

/* f(c) = sum_k coefficient[k][piece] x^k, x in [-1,1] the position of t in its piece; the pieces of c >= 0
 * come first. Two layouts:
 *     even    8 pieces a sign, of equal width on [0, sqrt(1/2)]
 *     graded  where f changes on a small scale near t = 0 (many bits: scale sqrt(tau); deep real networks:
 *             1/depth): [0, 2^-octaves], then eight equal pieces an octave up to 1
 * A piece [a, a + a/8] is so far from a singularity at 0 (and the last below sqrt(1/2) from the one at 1)
 * that degree 11 leaves less than (9 + sqrt(80))^-12 < 1e-15 of it. */
typedef struct {
    size_t octaves;            /* 0: even */
    size_t pieces;             /* a sign: 8, or 1 + 8 octaves */
    double *coefficient;       /* (QNTK_TABLE_DEGREE+1, 2 pieces) */
    float *coefficient_single; /* (QNTK_TABLE_DEGREE_SINGLE+1, 2 QNTK_TABLE_PIECES), even; or NULL */
    double error; /* largest difference found between table and recursion, over f's largest value */
    double error_single;
} qntk_cosine_table;

/* What a table is allowed and asked to be. */
typedef struct {
    bool even_only; /* no graded pieces, which take ten times as long to fit */
    bool single;    /* also the float table, whatever its error */
} qntk_table_extent;

/* Tabulates the recursion at root-mean-square norm `norm` of both rows. Even pieces if they reach
 * QNTK_TABLE_ERROR, else graded ones. QNTK_NOT_CONVERGED, and no table, if the error stays above it or is not
 * finite; QNTK_NO_MEMORY. */
qntk_status qntk_cosine_table_create(const qntk_recursion *recursion, double norm, qntk_table_extent extent,
                                     qntk_cosine_table *table);
void qntk_cosine_table_free(qntk_cosine_table *table);

/* The piece of t in [0, 1) and the position x in [-1,1] in it. */
static inline size_t qntk_cosine_table_locate(const qntk_cosine_table *table, double t, double *x)
{
    if (table->octaves == 0) {
        double scaled = t * (QNTK_TABLE_PIECES * 1.4142135623730951);
        double piece = fmin(floor(scaled), QNTK_TABLE_PIECES - 1);
        *x = 2 * (scaled - piece) - 1;
        return (size_t)piece;
    }
    double smallest = ldexp(1, -(int)table->octaves);
    if (t < smallest) {
        *x = 2 * (t / smallest) - 1;
        return 0;
    }
    int exponent;
    double mantissa = frexp(t, &exponent); /* in [1/2, 1) */
    double scaled = (2 * mantissa - 1) * QNTK_TABLE_PARTS, part = floor(scaled);
    *x = 2 * (scaled - part) - 1;
    return 1 + ((size_t)(exponent - 1 + (int)table->octaves)) * QNTK_TABLE_PARTS + (size_t)part;
}

/* f at t = sqrt((1-|c|)/2) on the side of the sign of c; the scalar twin of the tiles' loop. */
double qntk_cosine_table_value(const qntk_cosine_table *table, double t, bool negative);

#endif
