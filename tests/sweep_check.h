/* Grids of models. */
#ifndef QNTK_TEST_SWEEP_CHECK_H
#define QNTK_TEST_SWEEP_CHECK_H

#include "test.h"

/* Of a description that is right; to be freed. */
qntk_sweep sweep_parse(const char *text);

#endif
