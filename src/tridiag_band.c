/* Stage 1 of the tridiagonalisation: dense symmetric -> band, by Householder panels.
 *
 * For each panel of 32 columns, with Q = I - V T V' from the QR factorisation of what stands below the band,
 *     Y = A V,  W = Y T - 1/2 V T' (V' Y) T,  A <- Q' A Q = A - V W' - W V'
 * (Dongarra, Sorensen and Hammarling, "Block reduction of matrices to condensed forms", 1989; Bischof, Lang
 * and Sun's successive band reduction). The update of one panel is delayed and done tile by tile together
 * with the product of the next, so that the matrix passes through memory once per panel; only the lower
 * triangle is stored, in tiles of 64 x 64.
 *
 * All threads run the whole loop as a team. The work is cut into chunks and blocks that depend on n alone,
 * and partial sums are added in their order, so that the bytes do not depend on the number of threads. */
#include "tridiag_band.h"

#include <string.h>

static double *tile_at(const qntk_band_reduction *r, size_t i, size_t j)
{
    return r->matrix + (i * (i + 1) / 2 + j) * TILE_SIZE;
}

/* Tile row `index` of scale*K, zero-padded; the diagonal tile symmetric. */
static qntk_status pack_row(void *context, size_t index, size_t worker)
{
    (void)worker;
    const qntk_band_reduction *r = context;
    for (size_t j = 0; j <= index; j++) {
        double *tile = tile_at(r, index, j);
        for (size_t row = 0; row < TILE; row++) {
            const size_t i = index * TILE + row;
            const size_t first = j * TILE;
            const size_t last = i < r->n ? qntk_min(first + TILE, i + 1) : first;
            const double *from = r->K + i * r->n;
            for (size_t c = first; c < last; c++)
                tile[row * TILE + c - first] = r->scale * from[c];
            for (size_t c = qntk_max(last, first); c < first + TILE; c++)
                tile[row * TILE + c - first] = 0;
        }
    }
    double *diagonal = tile_at(r, index, index);
    for (size_t row = 0; row < TILE; row++)
        for (size_t c = 0; c < row; c++)
            diagonal[c * TILE + row] = diagonal[row * TILE + c];
    return QNTK_OK;
}

/* Block column `p` brought up to date; its diagonal block goes to the band, the rest to the panel. */
static void update_panel(qntk_band_reduction *r, size_t p, size_t worker)
{
    const size_t first = p * BAND / TILE, column = p * BAND % TILE;
    const double *old = r->pair[(p + 1) % 2];
    size_t begin, end;
    qntk_share(r->tiles - first, worker, r->workers, &begin, &end);
    for (size_t i = first + begin; i < first + end; i++) {
        double *tile = tile_at(r, i, first);
        const size_t skip = i == first ? column : 0; /* rows above the diagonal block */
        if (p > 0)
            r->kernels->multiply(TILE - skip, PAIR, old + (i * TILE + skip) * PAIR, PAIR, 1,
                                 r->strip + p * STRIP, BAND, tile + skip * TILE + column, TILE, NULL, 0);
        for (size_t row = skip; row < TILE; row++)
            memcpy(r->panel + (i * TILE + row) * BAND, tile + row * TILE + column, BAND * sizeof(double));
        if (i > first)
            continue;
        const double *block = r->panel + p * SQUARE;
        for (size_t c = 0; c < BAND; c++)
            for (size_t row = c; row < BAND; row++)
                r->band[(p * BAND + c) * QNTK_BAND_LEAD + row - c] = block[row * BAND + c];
    }
}

/* One tile: the delayed update A -= V W' + W V' of the panel before, then its part of Y = A V. `row0` and
 * `column0` skip what is finished; Y1 belongs to the rows of the tile, Y2 to its columns. */
static void update_and_multiply(const qntk_band_reduction *r, size_t p, size_t i, size_t j, double *Y1,
                                double *Y2)
{
    const size_t start = (p + 1) * BAND;
    const size_t row0 = i == start / TILE ? start % TILE : 0;
    const size_t column0 = j == start / TILE ? start % TILE : 0;
    const double *old = r->pair[(p + 1) % 2], *V = r->pair[p % 2];
    double *tile = tile_at(r, i, j);
    const double *next = tile + TILE_SIZE; /* fetched meanwhile: memory is slower than the arithmetic */
    for (size_t c = column0; p > 0 && c < TILE; c += BAND) {
        const size_t skip = i == j ? c : row0;
        r->kernels->multiply(TILE - skip, PAIR, old + (i * TILE + skip) * PAIR, PAIR, 1,
                             r->strip + (j * (TILE / BAND) + c / BAND) * STRIP, BAND, tile + skip * TILE + c,
                             TILE, NULL, 0);
    }
    if (i == j)
        for (size_t row = row0; row < TILE; row++)
            for (size_t c = column0; c < row; c++)
                tile[c * TILE + row] = tile[row * TILE + c];
    const double *active = tile + row0 * TILE + column0;
    r->kernels->multiply(TILE - row0, TILE - column0, active, TILE, 1, V + (j * TILE + column0) * PAIR, PAIR,
                         Y1 + row0 * BAND, BAND, i != j ? next : NULL, QNTK_AHEAD);
    if (i != j)
        r->kernels->multiply(TILE - column0, TILE - row0, active, 1, TILE, V + (i * TILE + row0) * PAIR, PAIR,
                             Y2 + column0 * BAND, BAND, next + TILE_SIZE / 2, QNTK_AHEAD);
}

/* How the trailing matrix of panel p is cut: blocks of `side` tiles, from tile row `first`. */
typedef struct {
    size_t first, side, count;
} partition;

static partition partition_of(const qntk_band_reduction *r, size_t p)
{
    partition cut = {.first = (p + 1) * BAND / TILE};
    const size_t tiles = r->tiles - cut.first;
    cut.side = (tiles + BLOCKS - 1) / BLOCKS;
    cut.count = (tiles + cut.side - 1) / cut.side;
    return cut;
}

/* Part (i,j) of Y: what block column j contributes to block row i. */
static double *product_at(const qntk_band_reduction *r, const partition *cut, size_t i, size_t j)
{
    return r->product + (i * cut->count + j) * cut->side * TILE * BAND;
}

/* Block (i,j) of the trailing matrix. */
static void update_block(const qntk_band_reduction *r, size_t p, const partition *cut, size_t i, size_t j)
{
    const size_t bytes = cut->side * TILE * BAND * sizeof(double);
    double *Y1 = product_at(r, cut, i, j), *Y2 = product_at(r, cut, j, i);
    memset(Y1, 0, bytes);
    memset(Y2, 0, bytes);
    const size_t row0 = cut->first + i * cut->side, column0 = cut->first + j * cut->side;
    for (size_t row = row0; row < qntk_min(row0 + cut->side, r->tiles); row++)
        for (size_t column = column0; column < column0 + cut->side && column <= row; column++)
            update_and_multiply(r, p, row, column, Y1 + (row - row0) * TILE * BAND,
                                Y2 + (column - column0) * TILE * BAND);
}

/* All blocks, the whole ones first and the halves on the diagonal last, to whoever is free. */
static void update_matrix(qntk_band_reduction *r, size_t p)
{
    const partition cut = partition_of(r, p);
    const size_t whole = cut.count * (cut.count - 1) / 2;
    for (;;) {
        const size_t task = atomic_fetch_add(&r->next[p % 2], 1);
        if (task >= whole + cut.count)
            return;
        size_t i = 1, j = task;
        if (task >= whole)
            i = j = task - whole;
        else
            for (; j >= i; i++)
                j -= i;
        update_block(r, p, &cut, i, j);
    }
}

/* Y = sum of its parts, and the parts of V'V and V'Y, for chunks of rows. */
static void sum_products(qntk_band_reduction *r, size_t p, size_t worker)
{
    const partition cut = partition_of(r, p);
    const size_t start = (p + 1) * BAND;
    double *pair = r->pair[p % 2];
    size_t begin, end;
    qntk_share((r->tiles - cut.first + REDUCE_TILES - 1) / REDUCE_TILES, worker, r->workers, &begin, &end);
    for (size_t chunk = begin; chunk < end; chunk++) {
        const size_t first_tile = cut.first + chunk * REDUCE_TILES;
        const size_t last = qntk_min(first_tile + REDUCE_TILES, r->tiles) * TILE;
        const size_t first = qntk_max(first_tile * TILE, start);
        for (size_t row = first; row < last; row++) {
            double *Y = pair + row * PAIR + BAND;
            const size_t block = (row / TILE - cut.first) / cut.side;
            const size_t local = row - (cut.first + block * cut.side) * TILE;
            memset(Y, 0, BAND * sizeof(double));
            for (size_t j = 0; j < cut.count; j++) {
                const double *part = product_at(r, &cut, block, j) + local * BAND;
                for (size_t c = 0; c < BAND; c++)
                    Y[c] += part[c];
            }
        }
        double *gram = r->gram + chunk * 2 * SQUARE;
        const double *V = pair + first * PAIR;
        memset(gram, 0, 2 * SQUARE * sizeof(double));
        r->kernels->multiply(BAND, last - first, V, 1, PAIR, V, PAIR, gram, BAND, NULL, 0);
        r->kernels->multiply(BAND, last - first, V, 1, PAIR, V + BAND, PAIR, gram + SQUARE, BAND, NULL, 0);
    }
}

/* T of the panel, column by column: T_jj = tau_j, T_{0..j-1,j} = -tau_j T (V'V)_{0..j-1,j}; and
 * M = -1/2 T' (V'Y) T. */
static void small_factors(const qntk_band_reduction *r, size_t chunks, double *T, double *M)
{
    double gram[2 * SQUARE] = {0}, middle[SQUARE] = {0};
    for (size_t chunk = 0; chunk < chunks; chunk++)
        for (size_t e = 0; e < 2 * SQUARE; e++)
            gram[e] += r->gram[chunk * 2 * SQUARE + e];
    memset(T, 0, SQUARE * sizeof(double));
    for (size_t j = 0; j < BAND; j++) {
        T[j * BAND + j] = r->tau[j];
        for (size_t i = 0; i < j; i++) {
            double sum = 0;
            for (size_t k = i; k < j; k++)
                sum += T[i * BAND + k] * gram[k * BAND + j];
            T[i * BAND + j] = -r->tau[j] * sum;
        }
    }
    for (size_t e = 0; e < SQUARE; e++)
        gram[SQUARE + e] *= -0.5;
    memset(M, 0, SQUARE * sizeof(double));
    r->kernels->multiply(BAND, BAND, T, 1, BAND, gram + SQUARE, BAND, middle, BAND, NULL, 0);
    r->kernels->multiply(BAND, BAND, middle, BAND, 1, T, BAND, M, BAND, NULL, 0);
}

/* W = Y T + V M in place of Y, and the strips -[W V]' of the next update. */
static void finish_pair(qntk_band_reduction *r, size_t p, size_t worker)
{
    const size_t start = (p + 1) * BAND, first = start / TILE;
    double T[SQUARE], M[SQUARE];
    small_factors(r, (r->tiles - first + REDUCE_TILES - 1) / REDUCE_TILES, T, M);
    if (worker == 0 && r->reflectors != NULL)
        memcpy(r->reflectors->T + p * SQUARE, T, sizeof T);
    size_t begin, end;
    qntk_share((r->padded - start) / BAND, worker, r->workers, &begin, &end);
    for (size_t group = start / BAND + begin; group < start / BAND + end; group++) {
        double *pair = r->pair[p % 2] + group * BAND * PAIR, *strip = r->strip + group * STRIP;
        double W[SQUARE] = {0};
        r->kernels->multiply(BAND, BAND, pair + BAND, PAIR, 1, T, BAND, W, BAND, NULL, 0);
        r->kernels->multiply(BAND, BAND, pair, PAIR, 1, M, BAND, W, BAND, NULL, 0);
        for (size_t row = 0; row < BAND; row++)
            for (size_t c = 0; c < BAND; c++) {
                strip[c * BAND + row] = -W[row * BAND + c];
                strip[(BAND + c) * BAND + row] = -pair[row * PAIR + c];
                pair[row * PAIR + BAND + c] = W[row * BAND + c];
            }
    }
}

static void report(const qntk_band_reduction *r, size_t p)
{
    const double left = 1 - (double)(p * BAND) / (double)r->n;
    if (r->stage.label != NULL)
        qntk_progress(r->stage.label, r->stage.share * (1 - left * left * left));
}

static qntk_status reduce(void *context, size_t index, size_t worker)
{
    (void)index;
    qntk_band_reduction *r = context;
    const size_t panels = (r->n + BAND - 1) / BAND;
    for (size_t p = 0; p < panels; p++) {
        if (worker == 0) {
            atomic_store(&r->stop, qntk_interrupted());
            atomic_store(&r->next[(p + 1) % 2], 0);
            report(r, p);
        }
        update_panel(r, p, worker);
        qntk_barrier_wait(&r->barrier);
        if (atomic_load(&r->stop))
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        if (p + 1 == panels)
            break; /* nothing stands below the last block of columns */
        qntk_panel_factor(r, p, worker);
        qntk_panel_store(r, p, worker);
        qntk_barrier_wait(&r->barrier);
        update_matrix(r, p);
        qntk_barrier_wait(&r->barrier);
        sum_products(r, p, worker);
        qntk_barrier_wait(&r->barrier);
        finish_pair(r, p, worker);
        qntk_barrier_wait(&r->barrier);
    }
    return QNTK_OK;
}

void qntk_band_reflectors_free(qntk_band_reflectors *reflectors)
{
    qntk_free(reflectors->storage);
    qntk_free(reflectors->V);
    qntk_free(reflectors->T);
    *reflectors = (qntk_band_reflectors){0};
}

static qntk_status allocate_reflectors(size_t n, qntk_band_reflectors *reflectors)
{
    const size_t panels = (n + BAND - 1) / BAND - 1, padded = qntk_padded(n);
    size_t rows = 0;
    for (size_t p = 0; p < panels; p++)
        rows += padded - (p + 1) * BAND;
    reflectors->panels = panels;
    reflectors->storage = qntk_alloc(rows * BAND, sizeof(double));
    reflectors->V = qntk_alloc(panels, sizeof *reflectors->V);
    reflectors->T = qntk_alloc(panels * SQUARE, sizeof(double));
    if (reflectors->storage == NULL || reflectors->V == NULL || reflectors->T == NULL)
        return QNTK_FAIL_MEMORY();
    double *v = reflectors->storage;
    for (size_t p = 0; p < panels; p++) {
        reflectors->V[p] = v;
        v += (padded - (p + 1) * BAND) * BAND;
    }
    return QNTK_OK;
}

static qntk_status allocate(qntk_band_reduction *r)
{
    const size_t chunks = r->padded / CHUNK + 1;
    const size_t block_rows = (r->tiles + BLOCKS - 1) / BLOCKS * TILE;
    r->matrix = qntk_alloc(r->tiles * (r->tiles + 1) / 2 * TILE_SIZE, sizeof(double));
    r->pair[0] = qntk_alloc_zero(r->padded * PAIR, sizeof(double));
    r->pair[1] = qntk_alloc_zero(r->padded * PAIR, sizeof(double));
    r->strip = qntk_alloc(r->padded * PAIR, sizeof(double));
    r->panel = qntk_alloc(r->padded * BAND, sizeof(double));
    r->partial = qntk_alloc(2 * chunks * BAND, sizeof(double));
    r->product = qntk_alloc(BLOCKS * BLOCKS * block_rows * BAND, sizeof(double));
    r->gram = qntk_alloc((r->tiles / REDUCE_TILES + 1) * 2 * SQUARE, sizeof(double));
    if (r->matrix == NULL || r->pair[0] == NULL || r->pair[1] == NULL || r->strip == NULL ||
        r->panel == NULL || r->partial == NULL || r->product == NULL || r->gram == NULL)
        return QNTK_FAIL_MEMORY();
    return r->reflectors != NULL ? allocate_reflectors(r->n, r->reflectors) : QNTK_OK;
}

qntk_status qntk_band_reduce(size_t n, const double *K, double scale, qntk_stage stage, double *band,
                             qntk_band_reflectors *reflectors)
{
    qntk_band_reduction r = {.n = n,
                             .padded = qntk_padded(n),
                             .tiles = qntk_padded(n) / TILE,
                             .workers = qntk_team_size(),
                             .K = K,
                             .scale = scale,
                             .stage = stage,
                             .kernels = qntk_kernels_best(),
                             .band = band,
                             .reflectors = reflectors,
                             .barrier = {.count = qntk_team_size()}};
    qntk_status status = allocate(&r);
    if (status == QNTK_OK)
        status = qntk_parallel_for(r.tiles, pack_row, &r);
    if (status == QNTK_OK)
        status = qntk_parallel_team(reduce, &r);
    qntk_free(r.matrix);
    qntk_free(r.pair[0]);
    qntk_free(r.pair[1]);
    qntk_free(r.strip);
    qntk_free(r.panel);
    qntk_free(r.partial);
    qntk_free(r.product);
    qntk_free(r.gram);
    if (status != QNTK_OK && reflectors != NULL)
        qntk_band_reflectors_free(reflectors);
    return status;
}
