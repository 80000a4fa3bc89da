/* Kernels: bandwidths. */
#include "internal.h"

#include <math.h>

#include <gsl/gsl_statistics.h>

enum { MEDIAN_ROWS = 2000 };

bool qntk_kernel_is_radial(const qntk_kernel *kernel)
{
    return kernel->family != QNTK_FAMILY_NETWORK && kernel->family != QNTK_FAMILY_FILE;
}

/* ---- the median distance ---- */

typedef struct {
    size_t d, rows;
    const double *X;     /* (n,d) */
    const size_t *index; /* (rows) the rows in use */
    double *distance;    /* (rows (rows-1) / 2), pairs (i,j), j < i, at i (i-1)/2 + j */
} pairs;

static qntk_status distances_of_row(void *context, size_t item, size_t worker)
{
    (void)worker;
    const pairs *p = context;
    const double *x = p->X + p->index[item] * p->d;
    for (size_t j = 0; j < item; j++)
        p->distance[item * (item - 1) / 2 + j] =
            sqrt(qntk_distance_squared(p->d, x, p->X + p->index[j] * p->d));
    return QNTK_OK;
}

qntk_status qntk_median_distance(size_t n, size_t d, const double *X, uint64_t seed, double *distance)
{
    enum { STREAM = 0x6d656469 }; /* a stream of its own, so that other draws do not move the sample */
    *distance = 0;
    if (n < 2)
        return qntk_fail(QNTK_INVALID, "one row has no median pairwise distance; give the bandwidth as a "
                                       "number: bandwidth=1, or at least two rows");
    size_t rows = qntk_min(n, MEDIAN_ROWS), count = rows * (rows - 1) / 2;
    size_t *index = qntk_alloc(n, sizeof *index);
    double *all = qntk_alloc(count, sizeof *all);
    qntk_status status = QNTK_NO_MEMORY;
    if (index == NULL || all == NULL)
        goto done;
    for (size_t i = 0; i < n; i++)
        index[i] = i;
    if (rows < n) {
        qntk_rng rng = qntk_rng_create(seed, STREAM);
        qntk_rng_shuffle(&rng, index, n);
    }
    pairs p = {.d = d, .rows = rows, .X = X, .index = index, .distance = all};
    status = qntk_parallel_for(rows, distances_of_row, &p);
    if (status != QNTK_OK)
        goto done;
    double median = gsl_stats_median(all, 1, count);
    if (!(median > 0 && median <= 1e150)) {
        status = qntk_fail(QNTK_INVALID,
                           "the median pairwise distance is %g; give the bandwidth as a number: bandwidth=1",
                           median);
        goto done;
    }
    *distance = median;
done:
    qntk_free(index);
    qntk_free(all);
    return status;
}

qntk_status qntk_kernel_resolve(qntk_kernel *kernel, size_t n, size_t d, const double *X, uint64_t seed)
{
    if (!qntk_kernel_is_radial(kernel) || kernel->bandwidth > 0)
        return QNTK_OK;
    if (X == NULL) {
        kernel->bandwidth = sqrt(2.0); /* r^2 = 2 - 2t, and the median of t is 0 */
        return QNTK_OK;
    }
    qntk_status status = qntk_median_distance(n, d, X, seed, &kernel->bandwidth);
    if (status == QNTK_INVALID)
        return qntk_fail(status, "kernel '%s': %s", kernel->spec, qntk_message());
    return status;
}
