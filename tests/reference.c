#include "reference.h"

#include <string.h>

cJSON *reference_read(void)
{
    const char *path = test_shared("reference/reference.json");
    if (path == NULL) {
        test_skip("the 60-digit reference values (shared/reference/reference.json) are not here");
        return NULL;
    }
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    enum { LIMIT = 1 << 24 };
    char *text = malloc(LIMIT);
    size_t length = fread(text, 1, LIMIT - 1, file);
    text[length] = '\0';
    fclose(file);
    cJSON *json = cJSON_Parse(text);
    free(text);
    ck_assert_msg(json != NULL, "%s is not JSON", path);
    return json;
}

double reference_number(const cJSON *item)
{
    return cJSON_IsString(item) ? strtod(item->valuestring, NULL) : item->valuedouble;
}

static double member(const cJSON *row, const char *name, double absent)
{
    const cJSON *item = cJSON_GetObjectItem(row, name);
    return item == NULL || cJSON_IsNull(item) ? absent : reference_number(item);
}

qntk_kernel reference_kernel(const cJSON *row)
{
    const cJSON *name = cJSON_GetObjectItem(row, "kernel");
    const cJSON *quantize = cJSON_GetObjectItem(row, "quantize");
    size_t levels = (size_t)member(row, "levels", 0);
    char spec[256];
    if (cJSON_HasObjectItem(row, "bandwidth")) {
        int used =
            snprintf(spec, sizeof spec, "%s:bandwidth=%.17g", name->valuestring, member(row, "bandwidth", 0));
        if (cJSON_HasObjectItem(row, "alpha"))
            snprintf(spec + used, sizeof spec - (size_t)used, ",alpha=%.17g", member(row, "alpha", 2));
    } else if (levels == 0) {
        snprintf(spec, sizeof spec, "ntk:depth=%g,b_std=%.17g", member(row, "depth", 1),
                 member(row, "b_std", 0));
    } else {
        snprintf(spec, sizeof spec, "qntk:levels=%zu,depth=%g,b_std=%.17g,quantize=%s", levels,
                 member(row, "depth", 1), member(row, "b_std", 0), quantize->valuestring);
    }
    qntk_kernel kernel;
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    return kernel;
}
