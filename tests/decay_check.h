/* Laws of decay that are known. */
#ifndef QNTK_TEST_DECAY_CHECK_H
#define QNTK_TEST_DECAY_CHECK_H

#include "test.h"

enum { LARGE = 8000 };

/* Exact spectra. A recovery to 1e-8 is asked for; 1e-10 is what rounding of log(1e-300) leaves. */
static const double EXACT = 1e-10;

void decay_assert_power(const qntk_decay *decay, double exponent, double log_scale);

void decay_assert_exponential(const qntk_decay *decay, double rate, double log_scale);

int decay_descending(const void *a, const void *b);

#endif
