/* The trace of the inverse of a band matrix from its factor. */
#include "ridge_internal.h"

#include <cblas.h>
#include <string.h>

enum { BAND = QNTK_BAND, SQUARE = BAND * BAND, LEAD = QNTK_RIDGE_LEAD };

/* Blocks of L in rows and columns of 32, `below` = 0 for L_jj and 1 for L_{j+1,j}, which is upper triangular;
 * past row n: identity, zero. */
static void block_of(size_t n, const double *L, size_t j, size_t below, double *block)
{
    memset(block, 0, SQUARE * sizeof(double));
    for (size_t c = 0; c < BAND; c++)
        for (size_t r = 0; r < BAND; r++) {
            const size_t column = j * BAND + c, row = (j + below) * BAND + r;
            if (column >= n)
                block[r * BAND + c] = below == 0 && r == c;
            else if (row >= column && row - column <= BAND && row < n)
                block[r * BAND + c] = L[column * LEAD + row - column];
        }
}

/* By G_jj = L_jj^-T (I + L_{j+1,j}' G_{j+1,j+1} L_{j+1,j}) L_jj^-1, the last block first. */
double qntk_ridge_inverse_trace(size_t n, const double *L)
{
    double G[SQUARE], block[SQUARE], trace = 0;
    memset(G, 0, sizeof G);
    for (size_t j = (n - 1) / BAND + 1; j-- > 0;) {
        block_of(n, L, j, 1, block);
        cblas_dtrmm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, BAND, BAND, 1, block,
                    BAND, G, BAND);
        cblas_dtrmm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, BAND, BAND, 1, block,
                    BAND, G, BAND);
        for (size_t i = 0; i < BAND; i++)
            G[i * BAND + i] += 1;
        block_of(n, L, j, 0, block);
        cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, BAND, BAND, 1, block,
                    BAND, G, BAND);
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, BAND, BAND, 1, block,
                    BAND, G, BAND);
        for (size_t i = 0; i < BAND && j * BAND + i < n; i++)
            trace += G[i * BAND + i];
    }
    return trace;
}
