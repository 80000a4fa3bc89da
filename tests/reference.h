/* The 60-digit reference values, where they are present. */
#ifndef QNTK_TEST_REFERENCE_H
#define QNTK_TEST_REFERENCE_H

#include <cjson/cJSON.h>

#include "test.h"

/* The parsed reference file; NULL, with the test marked skipped, where it is absent. */
cJSON *reference_read(void);

/* The number of a JSON string or number; reference values are strings of 17 digits. */
double reference_number(const cJSON *item);

/* The kernel of a row of the tables "gram" and "mercer". */
qntk_kernel reference_kernel(const cJSON *row);

#endif
