/* How the values of a Gram matrix are computed, and which pairs have to be redone. */
#include "gram_internal.h"

#include <math.h>
#include <stdio.h>

/* Nearly equal rows are redone whatever the kernel, so that equal ones give the diagonal's value: well above
 * the rounding of inner products. */
static double redo_always(bool single)
{
    return single ? 2e-5 : 1e-10;
}

enum { BISECTIONS = 12 };

/* The largest x in [low, high] where slope(x) > enough, to a few per cent from above; low if there is none.
 * The slope decreases. */
static double steep_below(double (*slope)(const void *, double), const void *context, double low, double high,
                          double enough)
{
    if (!(slope(context, low) > enough))
        return low;
    for (int k = 0; k < BISECTIONS; k++) {
        double middle = sqrt(low * high);
        if (slope(context, middle) > enough)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* All radial kernels here are completely monotone functions of s = r^2 (gexp with power <= 2 and Matern too):
 * the slope -K'(s) decreases, and is at most the chord's over [7s/8, s]. */
static double radial_slope(const void *context, double s)
{
    const qntk_kernel *kernel = context;
    return 8 * (qntk_radial_value(kernel, sqrt(s * 0.875)) - qntk_radial_value(kernel, sqrt(s))) / s;
}

double gram_radial_reach(const qntk_gram *gram, double sum)
{
    return steep_below(radial_slope, &gram->kernel, redo_always(gram->single) * sum, 2 * sum,
                       gram_steepest(gram->single, gram->d) / sum);
}

/* f'(c) / f(1) of a network without bias at c = 1 - u. f is a power series in c without negative
 * coefficients, so f' increases on [0,1], is at most the chord's slope over [c, c + u/8], and bounds
 * |f'(-c)|. A bias, or norms that differ, keep the rows' cosine from mattering as much. */
static double network_slope(const void *context, double u)
{
    const qntk_recursion *r = context;
    long double near = 0.875L * u, far = u;
    long double difference =
        qntk_recursion_value(r, 1, 1, near, 2 - near) - qntk_recursion_value(r, 1, 1, far, 2 - far);
    return (double)(8 * difference / u / qntk_recursion_value(r, 1, 1, 0, 2));
}

static double pole_reach(const qntk_gram *gram)
{
    qntk_recursion unbiased = gram->recursion;
    unbiased.b2 = 0;
    return steep_below(network_slope, &unbiased, redo_always(gram->single), 1,
                       gram_steepest(gram->single, gram->d));
}

/* a_l = sqrt(A_l), A_1 = 2 n^2 + b^2, A_{l+1} = A_l + b^2. */
static qntk_status side_add_roots(const qntk_recursion *r, gram_side *side)
{
    side->root = qntk_alloc(r->depth * side->n, sizeof(double));
    if (side->root == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t l = 0; l < r->depth; l++)
        for (size_t i = 0; i < side->n; i++)
            side->root[l * side->n + i] = sqrt(2 * side->norm[i] * side->norm[i] + (double)(l + 1) * r->b2);
    return QNTK_OK;
}

/* True if all norms of both sides agree to rounding; then *norm is their mean. */
static bool norms_agree(const qntk_gram *gram, double *norm)
{
    const double few_ulp = 16 * 2.220446049250313e-16;
    double low = INFINITY, high = 0, sum = 0;
    const gram_side *sides[2] = {&gram->left, &gram->right};
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s]->n; i++) {
            low = fmin(low, sides[s]->norm[i]);
            high = fmax(high, sides[s]->norm[i]);
            sum += sides[s]->norm[i];
        }
    *norm = sum / (double)(gram->left.n + gram->right.n);
    return high - low <= few_ulp * high;
}

/* Fitting a table takes as long as so many entries of the same kernel by the recursion, at any depth
 * (measured with AVX-512): 22 us a layer for even pieces, 300 for graded ones, 3 ns a layer for an entry. */
enum { EVEN_ENTRIES = 8000, GRADED_ENTRIES = 100000 };

/* Entries that are computed: of a symmetric matrix the blocks of one triangle. */
static size_t computed_entries(const qntk_gram *gram)
{
    const size_t n = gram->left.n, m = gram->right.n;
    return gram->symmetric ? n * (n + qntk_min(n, QNTK_TILE)) / 2 : n * m;
}

/* A table, if it may be one and pays; the route stays GRAM_RECURSION if not, or if it misses its error. */
static qntk_status try_table(qntk_gram *gram)
{
    double norm = 1;
    const size_t entries = computed_entries(gram);
    if (entries < EVEN_ENTRIES || (!gram->scaled && !norms_agree(gram, &norm)))
        return QNTK_OK;
    /* without bias K = n n' f(cosine), f at norm 1; with bias all norms are `norm` */
    const qntk_table_extent extent = {.even_only = entries < GRADED_ENTRIES, .single = gram->single};
    qntk_status status = qntk_cosine_table_create(&gram->recursion, norm, extent, &gram->table);
    if (status == QNTK_NOT_CONVERGED)
        return QNTK_OK;
    gram->route = GRAM_TABLE;
    gram->diagonal = qntk_recursion_diagonal(&gram->recursion, norm);
    snprintf(gram->route_text, sizeof gram->route_text, "table (%zu pieces, error %.1e)",
             2 * gram->table.pieces, gram->table.error);
    return status;
}

qntk_status gram_route_create(qntk_gram *gram)
{
    gram->scaled = gram->recursion.b2 == 0;
    gram->pole = pole_reach(gram);
    gram->route = GRAM_RECURSION;
    snprintf(gram->route_text, sizeof gram->route_text, "recursion");
    for (size_t j = 0; j < QNTK_TILE; j++) {
        gram->unit_norm[j] = 1;
        gram->unit_root[j] = sqrt(2);
    }
    qntk_status status = try_table(gram);
    if (status != QNTK_OK || gram->route == GRAM_TABLE || gram->scaled)
        return status;
    status = side_add_roots(&gram->recursion, &gram->left);
    if (gram->symmetric)
        gram->right = gram->left; /* again: an array was added */
    else if (status == QNTK_OK)
        status = side_add_roots(&gram->recursion, &gram->right);
    return status;
}
