/* See json.h. */
#include "json.h"

#include <math.h>

cJSON *json_parse(const char *text)
{
    cJSON *tree = cJSON_Parse(text);
    ck_assert_msg(tree != NULL, "no JSON: %s", text);
    return tree;
}

double json_number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(item != NULL, "no member %s", key);
    ck_assert_msg(cJSON_IsNumber(item) || cJSON_IsNull(item), "%s is no number", key);
    return cJSON_IsNull(item) ? NAN : item->valuedouble;
}

const char *json_word(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(cJSON_IsString(item), "%s is no text", key);
    return item->valuestring;
}

cJSON *json_array(const cJSON *tree, const char *key, int size)
{
    cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, key);
    ck_assert_msg(cJSON_IsArray(item), "no array %s", key);
    ck_assert_msg(cJSON_GetArraySize(item) == size, "%s has %d members, expected %d", key,
                  cJSON_GetArraySize(item), size);
    return item;
}
