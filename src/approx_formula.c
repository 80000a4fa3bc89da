/* A user's formula as a function to approximate: read and evaluated by muParser, scaled by its greatest derivative. */
#include "approx_internal.h"

#include <math.h>

#ifndef QNTK_HAVE_MUPARSER

qntk_status qntk_approx_formula_open(const char *text, size_t d, size_t smoothness, double scale,
                                     qntk_approx_function *function)
{
    (void)text, (void)d, (void)smoothness, (void)scale;
    *function = (qntk_approx_function){0};
    return qntk_fail(QNTK_UNSUPPORTED,
                     "formulas: built without muParser; on Debian: apt-get install libmuparser-dev, "
                     "then meson setup --reconfigure build");
}

void qntk_approx_formula_close(qntk_approx_function *function)
{
    *function = (qntk_approx_function){0};
}

#else

#include <muParserDLL.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1000 };

/* muParser reads the variables from x. Its handles are good for one thread at a time, and what it says of errors is in
 * a buffer that all share: formulas are evaluated where the caller is, never on the pool. */
typedef struct {
    muParserHandle_t parser;
    double x[QNTK_APPROX_DIM_MAX];
    size_t d;
    approx_window window;
    char text[TEXT_MAX + 1];
} formula;

static void release(formula *f)
{
    if (f == NULL)
        return;
    if (f->parser != NULL)
        mupRelease(f->parser);
    approx_window_free(&f->window);
    qntk_free(f);
}

/* NaN where muParser finds an error only now. */
static double value(void *context, const double *x)
{
    formula *f = context;
    for (size_t i = 0; i < f->d; i++)
        f->x[i] = x[i];
    const double y = mupEval(f->parser);
    if (!mupError(f->parser))
        return y;
    mupErrorReset(f->parser);
    return NAN;
}

static double derivative(const qntk_approx_function *self, const qntk_approx_plan *plan, const double *x,
                         const size_t *v)
{
    formula *f = self->context;
    size_t order = 0;
    for (size_t i = 0; i < f->d; i++)
        order += v[i];
    if (order == 0)
        return value(f, x) / self->scale;
    return approx_window_derivative(&f->window, value, f, x, 1 / (double)plan->cells, v) / self->scale;
}

/* ---- reading ---- */

/* What would have been right, by muParser's codes (muParserDef.h; its C header does not name them). */
static const char *expected(int code)
{
    switch (code) {
    case 0: /* unexpected operator */
    case 2: /* .. end */
        return "a number, a variable, a function or '('";
    case 3: /* .. comma */
        return "no comma but between the arguments of a function";
    case 5: /* .. value, variable, function */
    case 6:
    case 12:
        return "an operator";
    case 7:
        return "no parenthesis";
    case 8: /* strings of all kinds */
    case 9:
    case 10:
    case 13:
    case 16:
    case 17:
        return "numbers, no text";
    case 11:
        return "')'";
    case 14:
        return "fewer arguments";
    case 15:
        return "more arguments";
    case 25:
        return "a formula";
    case 32:
    case 33:
    case 34:
        return "condition ? value : value";
    default:
        return "a formula as muParser reads it";
    }
}

/* QNTK_OK, or what muParser has against the formula. */
static qntk_status complain(const formula *f)
{
    enum { UNKNOWN = 1, ENDS = 2, SHOWN = 24 };
    char found[SHOWN + 8] = "the end", variables[64];
    if (!mupError(f->parser))
        return QNTK_OK;
    const int code = mupGetErrorCode(f->parser), position = mupGetErrorPos(f->parser);
    const size_t at = position >= 0 ? qntk_min((size_t)position, strlen(f->text)) : strlen(f->text);
    if (f->text[at] != '\0' && code != ENDS)
        snprintf(found, sizeof found, "'%.*s'", SHOWN, f->text + at);
    snprintf(variables, sizeof variables, "%s, a number or a function of muParser",
             f->d == 1   ? "x1"
             : f->d == 2 ? "x1, x2"
                         : "x1, x2, x3");
    return qntk_fail(QNTK_INVALID, "formula \"%s\", character %zu: expected %s, found %s", f->text, at + 1,
                     code == UNKNOWN ? variables : expected(code), found);
}

/* Before muParser: what it takes but a function has not. It would let "x1 = 3" change the variable. */
static qntk_status check_text(const char *text)
{
    const size_t length = strlen(text);
    if (length > TEXT_MAX)
        return qntk_fail(QNTK_INVALID, "formula: expected at most %d characters, found %zu", TEXT_MAX,
                         length);
    for (size_t k = 0; k < length; k++) {
        if (text[k] < ' ' || text[k] > '~')
            return qntk_fail(QNTK_INVALID, "formula, character %zu: expected ASCII text, found byte %d",
                             k + 1, (unsigned char)text[k]);
        const bool compares = text[k + 1] == '=' || (k > 0 && strchr("=!<>", text[k - 1]) != NULL);
        if (text[k] == '=' && !compares)
            return qntk_fail(QNTK_INVALID,
                             "formula \"%s\", character %zu: expected a formula, found an assignment", text,
                             k + 1);
    }
    return QNTK_OK;
}

static qntk_status read_text(formula *f)
{
    static const char *const name[QNTK_APPROX_DIM_MAX] = {"x1", "x2", "x3"};
    int values = 0;
    f->parser = mupCreate(muBASETYPE_FLOAT);
    if (f->parser == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t i = 0; i < f->d && i < QNTK_APPROX_DIM_MAX; i++)
        mupDefineVar(f->parser, name[i], &f->x[i]);
    mupSetExpr(f->parser, f->text);
    if (!mupError(f->parser))
        mupEvalMulti(f->parser, &values);
    qntk_status status = complain(f);
    if (status == QNTK_OK && values != 1)
        status = qntk_fail(QNTK_INVALID, "formula \"%s\": expected one value, found %d", f->text, values);
    return status;
}

/* ---- its scale ---- */

static qntk_status estimate(formula *f, size_t smoothness, qntk_approx_function *function)
{
    const double settled = 0.25; /* |x|^(n-1/2), whose derivative n is unbounded, has 0.29 */
    size_t order;
    qntk_status status =
        approx_estimate_bound(value, f, f->d, smoothness, &function->scale, &function->spread, &order);
    if (status != QNTK_OK)
        return status;
    if (function->scale == 0)
        return qntk_fail(QNTK_INVALID, "formula \"%s\": expected one that is not 0 everywhere", f->text);
    if (!(function->spread <= settled * function->scale) || !isfinite(function->scale))
        return qntk_fail(
            QNTK_INVALID,
            "formula \"%s\": its derivatives of order %zu are estimated at up to %.3g or %.3g: expected "
            "one that has them (smoothness %zu), or that double precision shows them; give the bound if "
            "it is known",
            f->text, order, function->scale - function->spread, function->scale, smoothness);
    return QNTK_OK;
}

/* On the points of a grid, ends included: a scale that is given has not looked. */
static qntk_status check_values(formula *f)
{
    static const size_t side[] = {257, 33, 17};
    size_t points = 1;
    for (size_t i = 0; i < f->d; i++)
        points *= side[f->d - 1];
    for (size_t p = 0; p < points; p++) {
        double x[QNTK_APPROX_DIM_MAX] = {0};
        for (size_t i = 0, rest = p; i < f->d; i++, rest /= side[f->d - 1])
            x[i] = (double)(rest % side[f->d - 1]) / (double)(side[f->d - 1] - 1);
        const double y = value(f, x);
        if (!isfinite(y))
            return approx_not_finite(f->text, f->d, x, y);
    }
    return QNTK_OK;
}

qntk_status qntk_approx_formula_open(const char *text, size_t d, size_t smoothness, double scale,
                                     qntk_approx_function *function)
{
    *function = (qntk_approx_function){0};
    QNTK_REQUIRE(d >= 1 && d <= QNTK_APPROX_DIM_MAX, "expected 1 to 3 dimensions");
    QNTK_REQUIRE(smoothness >= 1 && smoothness <= QNTK_APPROX_SMOOTHNESS_MAX, "expected smoothness 1 to 8");
    QNTK_REQUIRE(scale >= 0 && isfinite(scale), "expected a scale of at least 0");
    qntk_status status = check_text(text);
    if (status != QNTK_OK)
        return status;
    formula *f = qntk_alloc_zero(1, sizeof *f);
    if (f == NULL)
        return QNTK_FAIL_MEMORY();
    f->d = d;
    memcpy(f->text, text, strlen(text));
    *function = (qntk_approx_function){
        .name = f->text, .formula = f->text, .derivative = derivative, .scale = scale, .context = f};
    status = read_text(f);
    if (status == QNTK_OK)
        status = approx_window_create(d, smoothness, &f->window); /* orders 0 .. smoothness-1 */
    if (status == QNTK_OK)
        status = check_values(f);
    if (status == QNTK_OK && scale == 0)
        status = estimate(f, smoothness, function);
    if (status != QNTK_OK)
        qntk_approx_formula_close(function);
    return status;
}

void qntk_approx_formula_close(qntk_approx_function *function)
{
    release(function->context);
    *function = (qntk_approx_function){0};
}

#endif
