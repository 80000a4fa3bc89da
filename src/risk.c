/* The learning curve of kernel regression from a spectrum. */
#include "internal.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* A sum that keeps what rounding drops (Neumaier 1974). */
typedef struct {
    double sum, lost;
} compensated;

static void add(compensated *c, double x)
{
    const double sum = c->sum + x;
    c->lost += fabs(c->sum) >= fabs(x) ? (c->sum - sum) + x : (x - sum) + c->sum;
    c->sum = sum;
}

static double value(const compensated *c)
{
    return c->sum + c->lost;
}

typedef struct {
    size_t count;
    const double *eval, *multiplicity;
    double n, ridge;
} spectrum;

static double multiplicity_of(const spectrum *s, size_t i)
{
    return s->multiplicity == NULL ? 1 : s->multiplicity[i];
}

/* The equation at kappa, put as left = right with positive terms on both sides: modes with L < 1/2 stand on
 * the left by L, the others, `head` of them, on the right by 1 - L:
 *     sum_tail N L + ridge/kappa + max(head - n, 0) = sum_head N (1 - L) + max(n - head, 0)
 * left falls and right rises with kappa; the slopes are by log kappa. */
typedef struct {
    double left, right;
    double left_slope, right_slope; /* -d left, d right */
} balance;

static balance balance_at(const spectrum *s, double kappa)
{
    compensated left = {s->ridge / kappa, 0}, right = {0}, left_slope = left, right_slope = {0};
    double head = 0;
    for (size_t i = 0; i < s->count; i++) {
        const double N = multiplicity_of(s, i), sum = s->eval[i] + kappa;
        const double learned = s->eval[i] / sum, missed = kappa / sum;
        if (s->eval[i] < kappa) {
            add(&left, N * learned);
            add(&left_slope, N * learned * missed);
        } else {
            head += N;
            add(&right, N * missed);
            add(&right_slope, N * learned * missed);
        }
    }
    add(head > s->n ? &left : &right, fabs(head - s->n));
    return (balance){value(&left), value(&right), value(&left_slope), value(&right_slope)};
}

/* Newton's method on log(left/right) as a function of log kappa, kept inside a bracket. */
static double solve_kappa(const spectrum *s, double low, double high)
{
    enum { STEPS = 200, BISECT_EVERY = 8 };
    const double close = 2 * DBL_EPSILON;
    double kappa = high;
    for (int step = 1; step <= STEPS && low < high; step++) {
        const balance b = balance_at(s, kappa);
        if (b.left > b.right)
            low = kappa;
        else
            high = kappa;
        const double ratio = fabs(b.left - b.right) < b.right / 2 ? log1p((b.left - b.right) / b.right)
                                                                  : log(b.left / b.right);
        const double change = ratio / (b.left_slope / b.left + b.right_slope / b.right);
        if (fabs(change) <= close)
            return kappa * (1 + change);
        kappa *= exp(change);
        if (!(kappa > low && kappa < high) || step % BISECT_EVERY == 0)
            kappa = sqrt(low) * sqrt(high);
    }
    return kappa;
}

static qntk_status check_value(const char *what, size_t i, double x)
{
    if (!(fabs(x) <= DBL_MAX))
        return qntk_fail(QNTK_NOT_FINITE, "%s %zu: expected a finite number, found %g", what, i, x);
    if (x < 0)
        return qntk_fail(QNTK_INVALID, "%s %zu: expected at least 0, found %g", what, i, x);
    return QNTK_OK;
}

static qntk_status check_values(const char *what, size_t count, const double *x)
{
    qntk_status status = QNTK_OK;
    for (size_t i = 0; i < count && x != NULL && status == QNTK_OK; i++)
        status = check_value(what, i, x[i]);
    return status;
}

qntk_status qntk_risk_kappa(size_t count, const double *eval, const double *multiplicity, size_t n,
                            double ridge, double *kappa)
{
    QNTK_REQUIRE(kappa != NULL, "kappa must not be NULL");
    *kappa = 0;
    QNTK_REQUIRE(n >= 1, "n must be at least 1");
    QNTK_REQUIRE(count == 0 || eval != NULL, "eval must not be NULL");
    qntk_status status = check_values("eigenvalue", count, eval);
    if (status == QNTK_OK)
        status = check_values("multiplicity", count, multiplicity);
    if (status == QNTK_OK)
        status = check_value("ridge", 0, ridge);
    if (status != QNTK_OK)
        return status;
    const spectrum s = {count, eval, multiplicity, (double)n, ridge};
    double rank = 0, smallest = DBL_MAX, trace = ridge;
    for (size_t i = 0; i < count; i++) {
        const double N = multiplicity_of(&s, i);
        if (eval[i] > 0 && N > 0) {
            rank += N;
            smallest = fmin(smallest, eval[i]);
            trace += N * eval[i];
        }
    }
    if (!(trace <= DBL_MAX))
        return qntk_fail(QNTK_NOT_FINITE, "the trace of the spectrum exceeds the largest double, %g",
                         DBL_MAX);
    if (ridge == 0 && rank <= s.n)
        return QNTK_OK;
    /* L <= eval/kappa bounds kappa from above; L >= smallest/(smallest + kappa) and ridge/kappa from below */
    const double low = fmax(ridge / s.n, rank > s.n ? smallest * ((rank - s.n) / s.n) : 0);
    *kappa = solve_kappa(&s, fmax(low * (1 - 4 * DBL_EPSILON), DBL_TRUE_MIN),
                         trace / s.n * (1 + 4 * DBL_EPSILON * (double)(count + 1)));
    return QNTK_OK;
}

/* What the sums over modes give. */
typedef struct {
    double learned;   /* sum N L */
    double slack;     /* n - sum N L^2 = (ridge + tail)/kappa + sum N L (1 - L): nothing cancels */
    double unlearned; /* sum (1 - L)^2 power */
    double squared;   /* sum N L^2 */
} sums;

static sums sum_modes(const qntk_risk_model *model, size_t n, double ridge, double kappa,
                      double *learnability)
{
    compensated learned = {0}, slack = {0}, unlearned = {0}, squared = {0};
    double rank = 0;
    for (size_t i = 0; i < model->count; i++) {
        const double N = model->multiplicity == NULL ? 1 : model->multiplicity[i];
        const double sum = model->eval[i] + kappa;
        const double L = sum > 0 ? model->eval[i] / sum : 0, missed = sum > 0 ? kappa / sum : 1;
        rank += L > 0 ? N : 0;
        add(&learned, N * L);
        add(&squared, N * L * L);
        add(&slack, N * L * missed);
        add(&unlearned, missed * missed * (model->power == NULL ? 0 : model->power[i]));
        if (learnability != NULL)
            learnability[i] = L;
    }
    add(&slack, kappa > 0 ? (ridge + model->tail) / kappa : (double)n - rank);
    return (sums){value(&learned), value(&slack), value(&unlearned), value(&squared)};
}

static qntk_status check_model(const qntk_risk_model *model)
{
    qntk_status status = check_values("power", model->count, model->power);
    if (status == QNTK_OK)
        status = check_value("noise", 0, model->noise);
    return status == QNTK_OK ? check_value("tail", 0, model->tail) : status;
}

/* factor * error; an infinite factor leaves no error at none. */
static double amplify(double factor, double error)
{
    return error > 0 ? factor * error : 0;
}

qntk_status qntk_risk_predict(const qntk_risk_model *model, size_t n, double ridge, double *learnability,
                              qntk_risk *risk)
{
    QNTK_REQUIRE(risk != NULL, "risk must not be NULL");
    *risk = (qntk_risk){0};
    QNTK_REQUIRE(model != NULL, "model must not be NULL");
    if (learnability != NULL)
        memset(learnability, 0, model->count * sizeof(double));
    qntk_status status = check_model(model);
    if (status == QNTK_OK)
        status = check_value("ridge", 0, ridge);
    double kappa = 0;
    if (status == QNTK_OK)
        status =
            qntk_risk_kappa(model->count, model->eval, model->multiplicity, n, ridge + model->tail, &kappa);
    if (status != QNTK_OK)
        return status;
    const double rows = (double)n;
    const sums s = sum_modes(model, n, ridge, kappa, learnability);
    const double wrong = s.unlearned + model->noise; /* the test error if E0 were 1 */
    risk->kappa = kappa;
    risk->learned = s.learned;
    risk->e0 = rows / s.slack;
    risk->test = amplify(risk->e0, wrong);
    /* E0 - 1 = sum N L^2 / slack */
    risk->clean = amplify(risk->e0, s.unlearned) + amplify(s.squared / s.slack, model->noise);
    if (kappa > 0)
        risk->train = ridge / kappa / rows * (ridge / kappa / rows) * risk->test;
    else
        risk->train = s.slack / rows * wrong;
    return QNTK_OK;
}

/* ---- pool ---- */

enum { MODES = 64 }; /* to an item */

typedef struct {
    size_t P, count, m;
    const double *evec, *Y;
    double *power;
    double *coefficient; /* (workers,MODES,m) */
} projection;

static qntk_status project_modes(void *context, size_t index, size_t worker)
{
    const projection *p = context;
    const size_t first = index * MODES, width = qntk_min(MODES, p->count - first);
    double *C = p->coefficient + worker * MODES * p->m;
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)width, (int)p->m, (int)p->P, 1, p->evec + first,
                (int)p->count, p->Y, (int)p->m, 0, C, (int)p->m);
    for (size_t k = 0; k < width; k++) {
        double square = 0;
        for (size_t c = 0; c < p->m; c++)
            square += C[k * p->m + c] * C[k * p->m + c];
        p->power[first + k] = square / (double)p->P;
    }
    return QNTK_OK;
}

qntk_status qntk_risk_power(size_t P, size_t count, const double *evec, size_t m, const double *Y,
                            double *power, double *rest)
{
    QNTK_REQUIRE(P >= 1 && m >= 1 && count <= P, "expected P and m of at least 1, count of at most P");
    QNTK_REQUIRE(Y != NULL && rest != NULL, "Y and rest must not be NULL");
    QNTK_REQUIRE(count == 0 || (evec != NULL && power != NULL), "evec and power must not be NULL");
    if (P > INT_MAX || m > INT_MAX)
        return qntk_fail(QNTK_TOO_LARGE, "%zu rows with %zu targets exceed BLAS's integers", P, m);
    projection p = {.P = P, .count = count, .m = m, .evec = evec, .Y = Y, .power = power};
    const size_t items = (count + MODES - 1) / MODES;
    p.coefficient = qntk_alloc(qntk_loop_workers(items) * MODES * m, sizeof(double));
    if (p.coefficient == NULL)
        return QNTK_FAIL_MEMORY();
    qntk_status status = qntk_parallel_for(items, project_modes, &p);
    compensated sum = {0};
    for (size_t i = 0; i < P * m; i++)
        add(&sum, Y[i] * Y[i] / (double)P);
    for (size_t k = 0; k < count && status == QNTK_OK; k++)
        add(&sum, -power[k]);
    *rest = status == QNTK_OK ? fmax(0, value(&sum)) : 0;
    if (status != QNTK_OK && count > 0)
        memset(power, 0, count * sizeof(double));
    qntk_free(p.coefficient);
    return status;
}

double qntk_risk_held_out(const qntk_risk *risk, size_t n, size_t P)
{
    return n < P ? ((double)P * risk->test - (double)n * risk->train) / (double)(P - n) : NAN;
}
