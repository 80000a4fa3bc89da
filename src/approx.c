/* Approximation of smooth functions by networks of few distinct weights: how eps is met, the network, its error.
 *
 * The error is that of the Taylor polynomials, (2^d/n!)(d/S)^n (Ding et al.), plus, derived here:
 * - of products. psi_k (x - k/S)^v is the result of m = d-1+|v| of them. With e_0 = 0 and e_m the bound after m
 *   (approx_product_bound) it is off by e_m; a factor 0 gives exactly 0, so that at most 2^d centres count, and
 *   |c_kv| <= 1/v!: together 2^d sum_{|v|<n} e_{d-1+|v|}/v!.
 * - of weights, c_kv to base^-digits: base^-digits sum_k sum_v |psi_k (x - k/S)^v as computed|, which is at most
 *   base^-digits N (1 + 2^d e), N monomials of degree below n and e the largest of the e_m. */
#include "approx_internal.h"

#include <math.h>
#include <stdio.h>

static const double TAYLOR_SHARE = 0.75, PRODUCT_SHARE = 0.125; /* of eps; weights have what these leave */
enum { SQUARE_MAX = 24, WEIGHT_BITS_MAX = 50 };
static const double EPS_MIN = 1e-8;

/* ---- bounds ---- */

static double taylor_bound(const qntk_approx_plan *p, double cells)
{
    return pow(2, (double)p->d) / tgamma((double)p->smoothness + 1) *
           pow((double)p->d / cells, (double)p->smoothness);
}

/* sum over |v| = degree of 1/v! = d^degree/degree! */
static double product_bound(const qntk_approx_plan *p, size_t r, double *worst)
{
    double error = 0, sum = 0;
    for (size_t i = 1; i < p->d; i++)
        error = approx_product_bound(r, error);
    for (size_t degree = 0; degree < p->smoothness; degree++) {
        sum += error * pow((double)p->d, (double)degree) / tgamma((double)degree + 1);
        *worst = error;
        error = approx_product_bound(r, error);
    }
    return pow(2, (double)p->d) * sum;
}

static double weight_bound(const qntk_approx_plan *p, size_t digits, double worst)
{
    double monomials = 0;
    for (size_t degree = 0; degree < p->smoothness; degree++)
        monomials += (double)approx_monomials(p->d, degree);
    return pow((double)p->base, -(double)digits) * monomials * (1 + pow(2, (double)p->d) * worst);
}

static void choose(qntk_approx_plan *p)
{
    double worst = 0,
           cells = ceil((double)p->d * pow(pow(2, (double)p->d) / tgamma((double)p->smoothness + 1) /
                                               (TAYLOR_SHARE * p->eps),
                                           1 / (double)p->smoothness));
    cells = fmax(cells, 1);
    while (taylor_bound(p, cells) > TAYLOR_SHARE * p->eps)
        cells++; /* the root was rounded down */
    p->cells = (size_t)cells;
    p->taylor_bound = taylor_bound(p, cells);
    p->square = 1;
    while (product_bound(p, p->square, &worst) > PRODUCT_SHARE * p->eps && p->square < SQUARE_MAX)
        p->square++;
    p->product_bound = product_bound(p, p->square, &worst);
    p->digits = 1;
    if (p->values > 0) {
        const double left = p->eps - p->taylor_bound - p->product_bound;
        while (weight_bound(p, p->digits, worst) > left &&
               (double)(p->digits + 1) * log2((double)p->base) <= WEIGHT_BITS_MAX)
            p->digits++;
        p->weight_bound = weight_bound(p, p->digits, worst);
    }
    p->bound = p->taylor_bound + p->product_bound + p->weight_bound;
}

/* ---- sizes ---- */

/* The weights of a network with all digits, of so many cells an axis. */
static qntk_status weights_of(const qntk_approx_plan *plan, size_t cells, double *weights)
{
    const approx_alphabet alphabet = approx_alphabet_of(plan->values);
    qntk_approx_plan small = *plan;
    approx_draft draft = {0};
    qntk_approx_network network = {0};
    qntk_approx_counts counts = {0};
    small.cells = cells;
    qntk_status status = approx_draft_function(NULL, &small, &alphabet, &draft);
    if (status == QNTK_OK)
        status = approx_realise(&draft, &alphabet, &network);
    if (status == QNTK_OK)
        status = qntk_approx_count(&network, &counts);
    *weights = (double)counts.weights;
    approx_draft_free(&draft);
    qntk_approx_network_free(&network);
    return status;
}

/* Centres are alike but for the ends of an axis, so that the number of weights is a polynomial of degree d in S, up to
 * the chain that multiplies x by 3S, of log S: through S = 1 .. d+1, and that chain by its bound of 40 weights an axis
 * and bit (4 copies of 4 + 2 edges, 2 copies of 2, the rest for what is carried along). */
static qntk_status predict_size(qntk_approx_plan *plan)
{
    const double S = (double)plan->cells;
    double weights[QNTK_APPROX_DIM_MAX + 1], sum = 0;
    for (size_t k = 0; k <= plan->d; k++) {
        qntk_status status = weights_of(plan, k + 1, &weights[k]);
        if (status != QNTK_OK)
            return status;
        double product = weights[k]; /* Lagrange */
        for (size_t j = 0; j <= plan->d; j++)
            if (j != k)
                product *= (S - (double)(j + 1)) / ((double)k - (double)j);
        sum += product;
    }
    if (plan->values > 0)
        sum += 40 * (double)plan->d * log2(6 * S);
    /* An edge, and at most so much again twice for the draft, whose arrays double as they grow; forms of all centres. */
    const double forms = 2 * pow(S + 1, (double)plan->d) *
                         (double)approx_monomials(plan->d, plan->smoothness - 1) * sizeof(approx_form);
    plan->weights = sum;
    plan->bytes = sum * (sizeof(qntk_approx_edge) + 2 * sizeof(approx_term)) + forms;
    return QNTK_OK;
}

qntk_status qntk_approx_plan_make(size_t d, size_t smoothness, double eps, size_t values,
                                  qntk_approx_plan *plan)
{
    *plan = (qntk_approx_plan){0};
    QNTK_REQUIRE(d >= 1 && d <= QNTK_APPROX_DIM_MAX, "expected 1 to 3 dimensions");
    QNTK_REQUIRE(smoothness >= 1 && smoothness <= QNTK_APPROX_SMOOTHNESS_MAX, "expected smoothness 1 to 8");
    QNTK_REQUIRE(eps >= EPS_MIN && eps < 1, "expected eps from 1e-8 to below 1");
    QNTK_REQUIRE(values != 1 && values <= QNTK_APPROX_VALUES_MAX, "expected 2 to 256 values, or 0: real");
    qntk_approx_plan p = {.d = d, .smoothness = smoothness, .eps = eps, .values = values};
    p.base = approx_alphabet_of(values).base;
    choose(&p);
    qntk_status status = predict_size(&p);
    if (status == QNTK_OK)
        *plan = p;
    return status;
}

qntk_status qntk_approx_build(const qntk_approx_function *function, const qntk_approx_plan *plan,
                              qntk_approx_network *network)
{
    const approx_alphabet alphabet =
        plan->steps ? approx_alphabet_even(plan->values) : approx_alphabet_of(plan->values);
    approx_draft draft = {0};
    char what[128];
    *network = (qntk_approx_network){0};
    snprintf(what, sizeof what, "a network of up to %.3g weights for eps %g (%zu cells an axis)",
             plan->weights, plan->eps, plan->cells);
    if (!(plan->bytes < (double)SIZE_MAX / 2))
        return qntk_fail(QNTK_TOO_LARGE, "%s needs %.3g GiB of memory; take a larger eps", what,
                         plan->bytes / 1073741824);
    qntk_status status = qntk_memory_check((size_t)plan->bytes, what, "take a larger eps");
    if (status == QNTK_OK)
        status = plan->steps ? approx_draft_steps(function, plan, &draft)
                             : approx_draft_function(function, plan, &alphabet, &draft);
    if (status == QNTK_OK)
        status = approx_realise(&draft, &alphabet, network);
    network->step = plan->steps;
    approx_draft_free(&draft);
    return status;
}

/* ---- the error ---- */

enum { CHUNK = 4096 };                                     /* points at a time */
static const uint64_t STREAM = UINT64_C(0x61707078) << 32; /* "appx" */

typedef struct {
    const qntk_approx_network *network;
    const qntk_approx_function *function;
    const qntk_approx_plan *plan;
    size_t side, total; /* of a grid; 0: random points */
    qntk_rng rng;
    double *X, *Y;
} error_job;

static void fill_points(error_job *job, size_t first, size_t count)
{
    const size_t d = job->plan->d;
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0, index = first + p; i < d; i++, index /= qntk_max(job->side, 1))
            job->X[p * d + i] = job->side > 0 ? (double)(index % job->side) / (double)(job->side - 1)
                                              : qntk_rng_uniform(&job->rng);
}

static qntk_status greatest_error(error_job *job, size_t total, double *error)
{
    static const size_t none[QNTK_APPROX_DIM_MAX] = {0};
    const size_t d = job->plan->d;
    *error = 0;
    for (size_t first = 0; first < total; first += CHUNK) {
        const size_t count = qntk_min(CHUNK, total - first);
        fill_points(job, first, count);
        qntk_status status = qntk_approx_forward(job->network, count, job->X, job->Y);
        if (status != QNTK_OK)
            return status;
        for (size_t p = 0; p < count; p++) {
            const double truth = job->function->derivative(job->function, job->plan, job->X + p * d, none);
            if (!isfinite(truth))
                return approx_not_finite(job->function->name, d, job->X + p * d, truth);
            const double off = fabs(job->Y[p] - truth);
            if (!(off <= *error)) /* NaN stays */
                *error = off;
        }
        qntk_progress(job->side > 0 ? "grid" : "random points", (double)(first + count) / (double)total);
    }
    return QNTK_OK;
}

qntk_status qntk_approx_error(const qntk_approx_network *network, const qntk_approx_function *function,
                              const qntk_approx_plan *plan, size_t side, size_t random, uint64_t seed,
                              double *grid_error, double *random_error)
{
    *grid_error = *random_error = 0;
    QNTK_REQUIRE(side >= 2, "expected a grid of at least 2 points an axis");
    QNTK_REQUIRE(network->depth > 0 && network->inputs == plan->d, "expected a network of the plan's inputs");
    error_job job = {.network = network,
                     .function = function,
                     .plan = plan,
                     .side = side,
                     .rng = qntk_rng_create(seed, STREAM),
                     .X = qntk_alloc(CHUNK * plan->d, sizeof *job.X),
                     .Y = qntk_alloc(CHUNK, sizeof *job.Y)};
    size_t points = 1;
    for (size_t i = 0; i < plan->d; i++)
        points *= side;
    qntk_status status = job.X == NULL || job.Y == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
    if (status == QNTK_OK)
        status = greatest_error(&job, points, grid_error);
    job.side = 0;
    if (status == QNTK_OK)
        status = greatest_error(&job, random, random_error);
    if (status != QNTK_OK)
        *grid_error = *random_error = 0;
    qntk_free(job.X);
    qntk_free(job.Y);
    return status;
}

/* ---- laws ---- */

double qntk_approx_order(size_t d, size_t smoothness, double eps, size_t values)
{
    const double log_eps = log(1 / eps), power = pow(1 / eps, (double)d / (double)smoothness);
    return values <= 2 ? log_eps * log_eps * power
                       : (double)values * pow(log_eps, 1 / ((double)values - 1) + 1) * power;
}

/* 1/L + 1/(L ln L) - ln(log 1/eps)/(L-1)^2, increasing in L where it crosses 0: below it the right side wins. */
static double excess(double values, double loglog)
{
    return 1 / values + 1 / (values * log(values)) - loglog / ((values - 1) * (values - 1));
}

size_t qntk_approx_best_values(double eps)
{
    const double loglog = log(fmax(log(1 / eps), 1));
    double low = 1 + 1e-9, high = QNTK_APPROX_VALUES_MAX;
    for (size_t k = 0; k < 200; k++) {
        const double middle = (low + high) / 2;
        *(excess(middle, loglog) < 0 ? &low : &high) = middle;
    }
    return (size_t)fmin(fmax(nearbyint(low), 2), QNTK_APPROX_VALUES_MAX);
}
