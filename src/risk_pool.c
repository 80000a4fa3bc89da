/* The learning curve of kernel regression on rows drawn from a finite pool without replacement. */
#include "internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Sums over the P modes; without replacement K_nn + ridge I is a subset of K + ridge I, so that the ridge is
 * part of the eigenvalues: L' = (eval + d) / (eval + d + s), d = ridge/P, s = kappa - d. */
typedef struct {
    double learned;   /* sum L */
    double squared;   /* sum L^2 */
    double missed;    /* sum 1 - L' = P - n */
    double slack;     /* sum L' (1 - L') */
    double unlearned; /* sum (1 - L)^2 power */
} pool_sums;

static pool_sums sum_pool(size_t P, const double *shifted, const double *eval, const double *power, double s,
                          double d)
{
    pool_sums sum = {0};
    for (size_t i = 0; i < P; i++) {
        const double below = shifted[i] + s, L = eval[i] / below, missed = (s + d) / below;
        sum.learned += L;
        sum.squared += L * L;
        sum.missed += s / below;
        sum.slack += s / below * (shifted[i] / below);
        sum.unlearned += missed * missed * power[i];
    }
    return sum;
}

/* No ridge, and no more than n eigenvalues above zero: the limit of a small ridge. */
static void predict_rank(size_t P, const double *eval, const double *power, size_t n, qntk_risk *risk)
{
    double rank = 0, unlearned = 0;
    for (size_t i = 0; i < P; i++) {
        rank += eval[i] > 0 ? 1 : 0;
        unlearned += eval[i] > 0 ? 0 : power[i];
    }
    const double rows = (double)n, all = (double)P;
    const double share = all > rank ? (rows - rank) / (all - rank) : 1; /* of the modes without eigenvalue */
    risk->kappa = 0;
    risk->learned = rank;
    risk->e0 = rank > 0 && n < P ? 1 + rank * (1 - share) / (rows - rank) : 1;
    risk->test = risk->clean = unlearned > 0 ? risk->e0 * unlearned : 0;
    risk->train = share * all / rows * unlearned;
}

static qntk_status check_pool(size_t P, const double *eval, const double *power, size_t n, double ridge)
{
    QNTK_REQUIRE(n >= 1 && n <= P, "n must be 1 to P");
    QNTK_REQUIRE(eval != NULL && power != NULL, "eval and power must not be NULL");
    if (!(fabs(ridge) <= DBL_MAX))
        return qntk_fail(QNTK_NOT_FINITE, "ridge: expected a finite number, found %g", ridge);
    if (ridge < 0)
        return qntk_fail(QNTK_INVALID, "ridge: expected at least 0, found %g", ridge);
    for (size_t i = 0; i < P; i++) {
        if (!(fabs(eval[i]) <= DBL_MAX && fabs(power[i]) <= DBL_MAX))
            return qntk_fail(QNTK_NOT_FINITE,
                             "mode %zu: expected finite numbers, found eigenvalue %g, power %g", i, eval[i],
                             power[i]);
        if (eval[i] < 0 || power[i] < 0)
            return qntk_fail(QNTK_INVALID, "mode %zu: expected at least 0, found eigenvalue %g, power %g", i,
                             eval[i], power[i]);
    }
    return QNTK_OK;
}

qntk_status qntk_risk_pool(size_t P, const double *eval, const double *power, size_t n, double ridge,
                           qntk_risk *risk)
{
    QNTK_REQUIRE(risk != NULL, "risk must not be NULL");
    *risk = (qntk_risk){0};
    qntk_status status = check_pool(P, eval, power, n, ridge);
    if (status != QNTK_OK)
        return status;
    const double d = ridge / (double)P;
    double *shifted = qntk_alloc(P, sizeof *shifted), s = 0;
    if (shifted == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < P; i++)
        shifted[i] = eval[i] + d;
    status = qntk_risk_kappa(P, shifted, NULL, n, 0, &s);
    if (status == QNTK_OK && !(s + d > 0)) {
        predict_rank(P, eval, power, n, risk);
    } else if (status == QNTK_OK) {
        const pool_sums sum = sum_pool(P, shifted, eval, power, s, d);
        const double free = s / (s + d); /* 0 at n = P, 1 without ridge */
        *risk = (qntk_risk){.kappa = s + d, .learned = sum.learned, .e0 = 1};
        if (s > 0)
            risk->e0 += sum.squared * free * free / sum.slack;
        risk->test = risk->clean = risk->e0 * sum.unlearned;
        /* (ridge/(P kappa))^2 P/n sum (1 - L)^2 power (P - n)/slack; at n = P the last factor is 1 */
        const double kept = d / (s + d), rows = (double)P / (double)n;
        risk->train = kept * kept * rows * sum.unlearned * (s > 0 ? sum.missed / sum.slack : 1);
    }
    qntk_free(shifted);
    return status;
}
