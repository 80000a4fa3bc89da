/* Stage 1 of the tridiagonalisation: Householder QR of one panel, by the whole team. */
#include "tridiag_band.h"

#include <string.h>

/* The reflector of column j from g = P_j' P (over the rows from its start) and that first row:
 *     u = P_j - beta e_1,  H = I - u u' / (beta (beta - alpha)),  factor = P' u / (beta (beta - alpha)). */
static double reflector_of(const double *g, const double *row, size_t j, double *factor, double *tau,
                           double *inverse)
{
    memset(factor, 0, BAND * sizeof(double));
    const double alpha = row[j];
    if (g[j] < QNTK_TINY_SQUARE) {
        *tau = *inverse = 0;
        return alpha;
    }
    const double beta = -copysign(sqrt(g[j]), alpha);
    const double weight = 1 / (beta * (beta - alpha));
    for (size_t c = j + 1; c < BAND; c++)
        factor[c] = (g[c] - beta * row[c]) * weight;
    *tau = (beta - alpha) / beta;
    *inverse = 1 / (alpha - beta);
    return beta;
}

/* One pass over this worker's chunks: reflector j (none if negative) is applied, and the products of column
 * j + 1 go to their slots. `start` is the first row of the panel below the band. */
static void panel_pass(qntk_band_reduction *r, size_t start, ptrdiff_t j, const double *factor, double beta,
                       size_t begin, size_t end)
{
    const size_t turn = (size_t)(j + 1) % 2;
    const size_t chunks = (r->padded - start + CHUNK - 1) / CHUNK;
    for (size_t chunk = begin; chunk < end; chunk++) {
        size_t first = start + chunk * CHUNK;
        const size_t last = qntk_min(first + CHUNK, r->padded);
        if (chunk == 0 && j >= 0) {
            first += (size_t)j;
            double *row = r->panel + first * BAND; /* u starts with alpha - beta here */
            const double head = row[j] - beta;
            for (size_t c = (size_t)j + 1; c < BAND; c++)
                row[c] -= head * factor[c];
            row[j] = beta;
            first++;
        }
        double *product = r->partial + (turn * chunks + chunk) * BAND;
        memset(product, 0, BAND * sizeof(double));
        if (j + 1 < BAND)
            r->kernels->panel_step(last - first, r->panel + first * BAND, j, factor, product);
        if (chunk == 0 && j + 1 < BAND)
            memcpy(r->top[turn], r->panel + first * BAND, BAND * sizeof(double));
    }
}

void qntk_panel_factor(qntk_band_reduction *r, size_t p, size_t worker)
{
    const size_t start = (p + 1) * BAND;
    const size_t chunks = (r->padded - start + CHUNK - 1) / CHUNK;
    double factor[BAND] = {0};
    size_t begin, end;
    qntk_share(chunks, worker, r->workers, &begin, &end);
    panel_pass(r, start, -1, factor, 0, begin, end);
    for (size_t j = 0; j < BAND; j++) {
        qntk_barrier_wait(&r->barrier);
        double g[BAND] = {0}, tau, inverse;
        const double *partial = r->partial + j % 2 * chunks * BAND;
        for (size_t chunk = 0; chunk < chunks; chunk++)
            for (size_t c = 0; c < BAND; c++)
                g[c] += partial[chunk * BAND + c];
        const double beta = reflector_of(g, r->top[j % 2], j, factor, &tau, &inverse);
        if (worker == 0) {
            r->tau[j] = tau;
            r->inverse[j] = inverse;
        }
        panel_pass(r, start, (ptrdiff_t)j, factor, beta, begin, end);
    }
    qntk_barrier_wait(&r->barrier);
}

void qntk_panel_store(qntk_band_reduction *r, size_t p, size_t worker)
{
    const size_t start = (p + 1) * BAND;
    double *pair = r->pair[p % 2];
    double *keep = r->reflectors != NULL ? r->reflectors->V[p] : NULL;
    size_t begin, end;
    qntk_share(r->padded - start, worker, r->workers, &begin, &end);
    for (size_t row = start + begin; row < start + end; row++) {
        const double *from = r->panel + row * BAND;
        double *v = pair + row * PAIR;
        for (size_t c = 0; c < BAND; c++)
            v[c] = from[c] * r->inverse[c];
        if (row - start < BAND) {
            v[row - start] = r->tau[row - start] != 0 ? 1 : 0;
            for (size_t c = row - start + 1; c < BAND; c++)
                v[c] = 0;
        }
        if (keep != NULL)
            memcpy(keep + (row - start) * BAND, v, BAND * sizeof(double));
    }
    if (worker == 0)
        for (size_t c = 0; c < BAND; c++)
            for (size_t row = 0; row <= c; row++)
                r->band[(p * BAND + c) * QNTK_BAND_LEAD + BAND + row - c] =
                    r->panel[(start + row) * BAND + c];
}
