/* See decay_check.h. */
#include "decay_check.h"

#include <math.h>
#include <string.h>

void decay_assert_power(const qntk_decay *decay, double exponent, double log_scale)
{
    ck_assert_msg(decay->law == QNTK_DECAY_POWER, "%s", decay->verdict);
    ck_assert_close(decay->power.exponent, exponent, EXACT, fmax(exponent, 1));
    ck_assert_close(decay->power.log_scale, log_scale, EXACT, 700);
    ck_assert_double_lt(decay->power.aic, decay->exponential.aic);
    ck_assert_ptr_nonnull(strstr(decay->verdict, "power law, exponent"));
}

void decay_assert_exponential(const qntk_decay *decay, double rate, double log_scale)
{
    ck_assert_msg(decay->law == QNTK_DECAY_EXPONENTIAL, "%s", decay->verdict);
    ck_assert_relative(decay->exponential.rate, rate, EXACT);
    ck_assert_close(decay->exponential.log_scale, log_scale, EXACT, 700);
    ck_assert_double_lt(decay->exponential.aic, decay->power.aic);
    ck_assert_ptr_nonnull(strstr(decay->verdict, "exponential, rate"));
}

int decay_descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}
