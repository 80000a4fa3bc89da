/* Banded Cholesky factors and slices of 32 right-hand sides, for one instruction set (see isa.h). */
#include "ridge_internal.h"
#include "isa.h"

#include <string.h>

enum {
    BAND = QNTK_BAND,
    LEAD = QNTK_RIDGE_LEAD,
    INVERSE = BAND + 1, /* where 1/L(j,j) is kept */
    LANES = QNTK_LANES,
    WIDE = LANES == 2 ? 4 : 32 / LANES, /* vectors of a row taken together: the registers there are, */
    CHAINS = LANES == 8 ? 2 : 1         /* and two sums where one chain of additions would wait for itself */
};

typedef double vector __attribute__((vector_size(LANES * 8)));
typedef double unaligned __attribute__((vector_size(LANES * 8), aligned(8), may_alias));

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

static size_t factor(size_t n, double *L, double *pivot)
{
    for (size_t j = 0; j < n; j++) {
        double *restrict column = L + j * LEAD;
        *pivot = column[0];
        if (!(*pivot > 0))
            return j;
        const double root = sqrt(*pivot), inverse = 1 / root;
        column[0] = root;
        for (size_t i = 1; i <= BAND; i++)
            column[i] *= inverse;
        column[INVERSE] = inverse;
        for (size_t k = 1; k <= BAND; k++) { /* A(j+k+e, j+k) -= L(j+k+e, j) L(j+k, j) */
            double *restrict later = column + k * LEAD;
            for (size_t e = 0; e + k <= BAND; e++)
                later[e] -= column[k + e] * column[k];
        }
    }
    return n;
}

/* (x - sum_{k=1..32} L_k z_k) inverse, the L_k `l_step` apart and the rows z_k `z_step`, for WIDE vectors. */
static inline __attribute__((always_inline)) void eliminate(const double *restrict x, const double *L,
                                                            ptrdiff_t l_step, const double *z,
                                                            ptrdiff_t z_step, double inverse,
                                                            vector result[WIDE])
{
    vector sum[CHAINS][WIDE] = {{{0}}};
    for (size_t q = 0; q < WIDE; q++)
        sum[0][q] = load(x + q * LANES);
    for (ptrdiff_t k = 1; k <= BAND; k += CHAINS)
        for (ptrdiff_t c = 0; c < CHAINS; c++) {
            const vector l = spread(L[(k + c) * l_step]);
            for (size_t q = 0; q < WIDE; q++)
                sum[c][q] -= l * load(z + (k + c) * z_step + (ptrdiff_t)q * LANES);
        }
    for (size_t q = 0; q < WIDE; q++) {
        for (size_t c = 1; c < CHAINS; c++)
            sum[0][q] += sum[c][q];
        result[q] = sum[0][q] * spread(inverse);
    }
}

/* z_j = (x_j - sum_k L(j,j-k) z_{j-k}) / L(j,j) */
static void forward(size_t n, const double *L, const double *X, double *Z, double *squares)
{
    for (size_t part = 0; part < BAND; part += WIDE * LANES) {
        vector total[WIDE] = {{0}};
        for (size_t j = 0; j < n; j++) {
            vector z[WIDE];
            double *row = Z + j * BAND + part;
            eliminate(X + j * BAND + part, L + j * LEAD, 1 - LEAD, row, -BAND, L[j * LEAD + INVERSE], z);
            for (size_t q = 0; q < WIDE; q++) {
                store(row + q * LANES, z[q]);
                total[q] += z[q] * z[q];
            }
        }
        if (squares != NULL)
            for (size_t q = 0; q < WIDE; q++)
                store(squares + part + q * LANES, total[q]);
    }
}

/* z_j <- (z_j - sum_k L(j+k,j) z_{j+k}) / L(j,j) */
static void backward(size_t n, const double *L, double *Z)
{
    for (size_t part = 0; part < BAND; part += WIDE * LANES)
        for (size_t j = n; j-- > 0;) {
            vector z[WIDE];
            double *row = Z + j * BAND + part;
            eliminate(row, L + j * LEAD, 1, row, BAND, L[j * LEAD + INVERSE], z);
            for (size_t q = 0; q < WIDE; q++)
                store(row + q * LANES, z[q]);
        }
}

extern const qntk_ridge_ops QNTK_ISA_SYMBOL(qntk_ridge_ops);
const qntk_ridge_ops QNTK_ISA_SYMBOL(qntk_ridge_ops) = {QNTK_ISA_TEXT, factor, forward, backward};
