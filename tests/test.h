/* What every test program shares: main, comparisons that print both numbers, and the
 * counted line that scripts/test adds up. */
#ifndef QNTK_TEST_H
#define QNTK_TEST_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "qntk/qntk.h"

/* |actual - expected| <= tolerance * |scale|, NaN fails. */
#define ck_assert_close(actual, expected, tolerance, scale)                                                  \
    do {                                                                                                     \
        double actual_ = (actual), expected_ = (expected), bound_ = (tolerance)*fabs((double)(scale));       \
        ck_assert_msg(fabs(actual_ - expected_) <= bound_,                                                   \
                      "%s = %.17g, expected %s = %.17g: off by %.3g, allowed %.3g", #actual, actual_,        \
                      #expected, expected_, fabs(actual_ - expected_), bound_);                              \
    } while (0)

#define ck_assert_relative(actual, expected, tolerance) ck_assert_close(actual, expected, tolerance, expected)

/* The call succeeded; otherwise its message is shown. */
#define ck_assert_ok(call)                                                                                   \
    do {                                                                                                     \
        qntk_status status_ = (call);                                                                        \
        ck_assert_msg(status_ == QNTK_OK, "%s: %s: %s", #call, qntk_status_name(status_), qntk_message());   \
    } while (0)

/* The call failed with this code and its message contains this text. */
#define ck_assert_fails(call, code, text)                                                                    \
    do {                                                                                                     \
        qntk_status status_ = (call);                                                                        \
        ck_assert_msg(status_ == (code), "%s gave '%s' (%s), expected '%s'", #call,                          \
                      qntk_status_name(status_), qntk_message(), qntk_status_name(code));                    \
        ck_assert_msg(strstr(qntk_message(), (text)) != NULL, "%s: message '%s' lacks '%s'", #call,          \
                      qntk_message(), (text));                                                               \
    } while (0)

/* The larger of two errors; one that is not finite stays. */
static inline double test_worse(double worst, double error)
{
    return isfinite(error) && isfinite(worst) ? fmax(worst, error) : INFINITY;
}

/* Runs one suite and prints Check's closing line "100%: Checks: 12, Failures: 0, Errors: 0". A skipped
 * test calls test_skip("why"), which is counted and shouted about. */
int test_main(const char *name, void (*add_tests)(TCase *tcase));
void test_skip(const char *why);

/* A path under the directory of shared data (reference values, data sets), or NULL if that is not there:
 * $QNTK_SHARED, or else ../shared beside the source tree. */
const char *test_shared(const char *relative);
/* A path under the source tree ("tests/fixtures/x.csv"). */
const char *test_source(const char *relative);

#endif
