/* What stage 1 of the tridiagonalisation shares: the state of a reduction (tridiag_band.c) and the
 * factorisation of its panels (tridiag_panel.c). */
#ifndef QNTK_TRIDIAG_BAND_H
#define QNTK_TRIDIAG_BAND_H

#include "team.h"
#include "tridiag_internal.h"

enum {
    BAND = QNTK_BAND,
    TILE = QNTK_TILE,
    TILE_SIZE = TILE * TILE,
    PAIR = 2 * BAND,     /* width of [V W] */
    STRIP = PAIR * BAND, /* one strip of -[W V]', (64,32) */
    SQUARE = BAND * BAND,
    BLOCKS = 8,      /* blocks per side of the trailing matrix: 36 tasks, and as many partial products */
    CHUNK = 128,     /* rows of a panel whose inner products make one partial sum */
    REDUCE_TILES = 4 /* tiles of rows in one partial V'V and V'Y */
};

typedef struct {
    size_t n;
    size_t padded; /* n rounded up to tiles; the padding is zero */
    size_t tiles;  /* per side */
    size_t workers;
    const double *K;
    double scale;
    qntk_stage stage;
    const qntk_kernels *kernels;
    double *matrix;                  /* lower tiles (I,J) at (I(I+1)/2 + J), row-major inside */
    double *pair[2];                 /* (padded,64): [V W] of this panel and of the one before */
    double *strip;                   /* (padded/32,64,32): -[W V]' of the panel before */
    double *panel;                   /* (padded,32) */
    double *partial;                 /* (2,chunks,32): inner products of panel columns, alternating */
    double *product;                 /* (BLOCKS,BLOCKS,rows of a block,32): parts of Y */
    double *gram;                    /* (chunks,2,32,32): parts of V'V and V'Y */
    double top[2][BAND];             /* the row of the panel on which the present reflector starts */
    double tau[BAND], inverse[BAND]; /* of the present panel: v = u * inverse below its first entry 1 */
    double *band;
    qntk_band_reflectors *reflectors;
    atomic_size_t next[2]; /* tasks handed out, alternating between panels */
    atomic_bool stop;
    qntk_barrier barrier;
} qntk_band_reduction;

/* Householder QR of the panel: one pass over it and one meeting of the threads per column. Every thread adds
 * up the partial products itself, in the same order. */
void qntk_panel_factor(qntk_band_reduction *r, size_t p, size_t worker);

/* V with its ones and zeros, from the factored panel; R goes to the band. */
void qntk_panel_store(qntk_band_reduction *r, size_t p, size_t worker);

#endif
