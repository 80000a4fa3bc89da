/* The rows of a Gram matrix: checked, made unit rows (network kernels) or centred ones (radial kernels). */
#include "gram_internal.h"

#include <math.h>
#include <string.h>

enum { ROWS_PER_ITEM = 64 };

/* sum (scale x_j)^2 with compensated additions in eight lanes: the error is that of the products, not of the
 * sum. */
static double sum_of_squares(size_t d, const double *x, double scale)
{
    enum { LANES = 8 };
    double sum[LANES] = {0}, lost[LANES] = {0};
    for (size_t j = 0; j < d; j += LANES)
        for (size_t k = 0; k < qntk_min(LANES, d - j); k++) {
            double product = (scale * x[j + k]) * (scale * x[j + k]);
            double total = sum[k] + product, kept = total - sum[k];
            lost[k] += (sum[k] - (total - kept)) + (product - kept);
            sum[k] = total;
        }
    double all = 0, all_lost = 0;
    for (size_t k = 0; k < LANES; k++) {
        double total = all + sum[k], kept = total - all;
        all_lost += (all - (total - kept)) + (sum[k] - kept) + lost[k];
        all = total;
    }
    return all + all_lost;
}

static double largest_entry(size_t count, const double *x)
{
    double largest = 0;
    for (size_t j = 0; j < count; j++)
        largest = fabs(x[j]) > largest ? fabs(x[j]) : largest;
    return largest;
}

qntk_status gram_check_rows(const char *name, size_t n, size_t d, const double *X)
{
    const double largest_square = 1e280; /* leaves room for products of two rows, depth and bias */
    for (size_t i = 0; i < n; i++) {
        if (!(sum_of_squares(d, X + i * d, 1) <= largest_square))
            return qntk_fail(QNTK_NOT_FINITE, "row %zu of %s has a NaN, an infinity or a norm beyond 1e140",
                             i, name);
    }
    return QNTK_OK;
}

/* What turns X into one side. */
typedef struct {
    gram_side *side;
    size_t d;
    const double *X;
    const double *centre; /* (d) radial, in the units of the rows */
    double scale;         /* radial: the power of two that brings rows to these units */
} rows_job;

/* Unit rows and norms of a few rows. Each row is scaled by a power of two, so that tiny values keep their
 * direction. */
static qntk_status fill_unit_rows(void *context, size_t item, size_t worker)
{
    (void)worker;
    const rows_job *job = context;
    const size_t d = job->d;
    const double root_d = sqrt((double)d);
    for (size_t i = item * ROWS_PER_ITEM; i < qntk_min((item + 1) * ROWS_PER_ITEM, job->side->n); i++) {
        const double *x = job->X + i * d;
        double *unit = job->side->row + i * d;
        int exponent = 0;
        frexp(largest_entry(d, x), &exponent);
        exponent = exponent > -1000 ? exponent : -1000; /* 2^-exponent stays finite for denormal rows */
        double scale = ldexp(1, -exponent), length = sqrt(sum_of_squares(d, x, scale));
        double factor = length > 0 ? 1 / length : 0;
        for (size_t j = 0; j < d; j++)
            unit[j] = x[j] * scale * factor;
        job->side->norm[i] = length / scale / root_d;
    }
    return QNTK_OK;
}

static qntk_status fill_centred_rows(void *context, size_t item, size_t worker)
{
    (void)worker;
    const rows_job *job = context;
    const size_t d = job->d;
    for (size_t i = item * ROWS_PER_ITEM; i < qntk_min((item + 1) * ROWS_PER_ITEM, job->side->n); i++) {
        const double *x = job->X + i * d;
        double *exact = job->side->exact + i * d, *row = job->side->row + i * d;
        for (size_t j = 0; j < d; j++) {
            exact[j] = x[j] * job->scale;
            row[j] = exact[j] - job->centre[j];
        }
        job->side->square[i] = sum_of_squares(d, row, 1);
    }
    return QNTK_OK;
}

/* reach[i] for every row, through the next power of two above 2 |x|^2 so that few are computed. Since the
 * reach grows with |x|^2 + |z|^2 <= 2 max(|x|^2, |z|^2), that of a pair is at most the larger of the two. */
static void fill_reaches(const qntk_gram *gram, gram_side *side)
{
    enum { LOWEST = -1080, HIGHEST = 1030 };
    double known[HIGHEST - LOWEST];
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        known[k] = -1;
    for (size_t i = 0; i < side->n; i++) {
        int exponent = 0;
        frexp(2 * side->square[i], &exponent);
        double *reach = &known[exponent - LOWEST];
        if (*reach < 0)
            *reach = gram_radial_reach(gram, ldexp(1, exponent));
        side->reach[i] = side->square[i] > 0 ? *reach : 0;
    }
}

static qntk_status narrow_rows(const qntk_gram *gram, gram_side *side)
{
    const double largest = 1e15; /* products of two rows stay far inside the range of float */
    size_t count = side->n * gram->d;
    side->row_single = qntk_alloc(count, sizeof(float));
    if (side->row_single == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < count; i++) {
        side->row_single[i] = (float)side->row[i];
        if (fabs(side->row[i]) > largest)
            return qntk_fail(QNTK_NOT_FINITE,
                             "row %zu is too large for single precision beside the bandwidth; use double",
                             i / gram->d);
    }
    return QNTK_OK;
}

static qntk_status side_create(const qntk_gram *gram, size_t n, const rows_job *how, gram_side *side)
{
    const bool radial = gram->route == GRAM_RADIAL;
    side->n = n;
    side->row = qntk_alloc(n * gram->d, sizeof(double));
    if (radial) {
        side->exact = qntk_alloc(n * gram->d, sizeof(double));
        side->square = qntk_alloc(n, sizeof(double));
        side->reach = qntk_alloc(n, sizeof(double));
    } else {
        side->norm = qntk_alloc(n, sizeof(double));
    }
    bool whole =
        radial ? side->exact != NULL && side->square != NULL && side->reach != NULL : side->norm != NULL;
    if (side->row == NULL || !whole)
        return QNTK_FAIL_MEMORY();
    rows_job job = *how;
    job.side = side;
    qntk_status status = qntk_parallel_for((n + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM,
                                           radial ? fill_centred_rows : fill_unit_rows, &job);
    if (status != QNTK_OK)
        return status;
    if (radial)
        fill_reaches(gram, side);
    return gram->single ? narrow_rows(gram, side) : QNTK_OK;
}

/* The median, coordinate by coordinate, of at most 31 rows spread over X: |x - z| does not depend on the
 * origin, one amid the rows makes |x|^2 + |z|^2 - 2 x.z cancel least, and a few rows far away must not move
 * it (the mean of rows about 1 and one at 1e8 is far from all of them). */
static void find_centre(size_t n, size_t d, const double *X, double scale, double *centre)
{
    enum { SAMPLE = 31 };
    const size_t count = qntk_min(n, SAMPLE);
    for (size_t j = 0; j < d; j++) {
        double sorted[SAMPLE] = {0};
        for (size_t k = 0; k < count; k++) {
            double x = X[k * n / count * d + j];
            size_t at = k;
            for (; at > 0 && sorted[at - 1] > x; at--)
                sorted[at] = sorted[at - 1];
            sorted[at] = x;
        }
        centre[j] = sorted[count / 2] * scale;
    }
}

/* The power of two that makes the bandwidth about 1, so that neither tiny nor large units over- or underflow,
 * in float either; less of it where rows are more than 1e130 bandwidths. */
static int unit_exponent(double bandwidth, double largest)
{
    const int most = 460; /* squares of sums stay finite */
    int of_bandwidth = 0, of_rows = 0;
    frexp(bandwidth, &of_bandwidth);
    frexp(largest, &of_rows);
    return of_rows - of_bandwidth > most ? most - of_rows : -of_bandwidth;
}

qntk_status gram_rows_create(qntk_gram *gram, size_t n, const double *X, size_t m, const double *Z)
{
    rows_job left = {.d = gram->d, .X = X, .scale = 1}, right = left;
    double *centre = NULL;
    if (gram->route == GRAM_RADIAL) {
        centre = qntk_alloc(gram->d, sizeof *centre);
        if (centre == NULL)
            return QNTK_FAIL_MEMORY();
        double largest = largest_entry(n * gram->d, X);
        if (!gram->symmetric)
            largest = fmax(largest, largest_entry(m * gram->d, Z));
        left.scale = ldexp(1, unit_exponent(gram->kernel.bandwidth, largest));
        gram->kernel.bandwidth *= left.scale;
        find_centre(n, gram->d, X, left.scale, centre);
        left.centre = centre;
        right = left;
    }
    right.X = Z;
    qntk_status status = side_create(gram, n, &left, &gram->left);
    if (status == QNTK_OK && !gram->symmetric)
        status = side_create(gram, m, &right, &gram->right);
    if (gram->symmetric)
        gram->right = gram->left;
    qntk_free(centre);
    return status;
}

static void side_free(gram_side *side)
{
    qntk_free(side->row);
    qntk_free(side->row_single);
    qntk_free(side->norm);
    qntk_free(side->exact);
    qntk_free(side->square);
    qntk_free(side->reach);
    qntk_free(side->root);
    *side = (gram_side){0};
}

void gram_rows_free(qntk_gram *gram)
{
    if (!gram->symmetric)
        side_free(&gram->right);
    side_free(&gram->left);
}
