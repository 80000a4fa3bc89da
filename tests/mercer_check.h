/* Mercer eigenvalues and their departure from what is expected. */
#ifndef QNTK_TEST_MERCER_CHECK_H
#define QNTK_TEST_MERCER_CHECK_H

#include "test.h"

qntk_mercer mercer_compute(const char *spec, size_t D, size_t degrees);

#endif
