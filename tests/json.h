/* Members of a JSON tree, that must be there. */
#ifndef QNTK_TEST_JSON_H
#define QNTK_TEST_JSON_H

#include <cjson/cJSON.h>

#include "test.h"

cJSON *json_parse(const char *text);

/* NaN for null. */
double json_number(const cJSON *object, const char *key);

const char *json_word(const cJSON *object, const char *key);

/* With so many members. */
cJSON *json_array(const cJSON *tree, const char *key, int size);

#endif
