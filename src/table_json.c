/* JSON trees, through cJSON. Numbers are printed here: cJSON takes 15 digits for good when they are off by
 * one unit in the last place. */
#include "internal.h"

#include "qntk/table.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static qntk_status fail_memory(void)
{
    return qntk_fail(QNTK_NO_MEMORY, "out of memory for a JSON tree");
}

/* Hands `item` over to `object` (as member `key`) or, with no key, to an array. */
static qntk_status attach(cJSON *parent, const char *key, cJSON *item)
{
    if (item == NULL)
        return fail_memory();
    if (key != NULL ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item))
        return QNTK_OK;
    cJSON_Delete(item);
    return fail_memory();
}

/* The bytes of the UTF-8 character at text: 1 to 4; 0 if what stands there is none (RFC 3629: no overlong
 * forms, no surrogates, nothing past U+10FFFF). */
static size_t character_bytes(const unsigned char *text)
{
    unsigned char c = text[0];
    if (c < 0x80)
        return 1;
    size_t bytes = c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (bytes == 0)
        return 0;
    unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return bytes;
}

/* A string item; each byte that is not UTF-8 becomes U+FFFD. */
static cJSON *create_string(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *valid = qntk_alloc(3 * strlen(text) + 1, 1);
    if (valid == NULL)
        return NULL;
    char *out = valid;
    for (const unsigned char *in = (const unsigned char *)text; *in != '\0';) {
        size_t bytes = character_bytes(in);
        memcpy(out, bytes > 0 ? (const char *)in : replacement, bytes > 0 ? bytes : 3);
        out += bytes > 0 ? bytes : 3;
        in += bytes > 0 ? bytes : 1;
    }
    *out = '\0';
    cJSON *item = cJSON_CreateString(valid);
    qntk_free(valid);
    return item;
}

static cJSON *create_number(double value)
{
    if (!isfinite(value))
        return cJSON_CreateNull();
    char text[QNTK_NUMBER_BYTES];
    qntk_format_shortest(value, text);
    return cJSON_CreateRaw(text);
}

qntk_status qntk_json_head(const qntk_meta *meta, cJSON **object)
{
    *object = cJSON_CreateObject();
    qntk_status status = *object == NULL ? fail_memory() : QNTK_OK;
    for (size_t i = 0; i < meta->count && status == QNTK_OK; i++) {
        const struct qntk_meta_item *entry = &meta->item[i];
        bool is_number = !entry->quoted && strpbrk(entry->value, "0123456789") != NULL;
        /* Raw, so that a 64-bit seed keeps all its digits. */
        cJSON *item = entry->quoted ? create_string(entry->value)
                      : is_number   ? cJSON_CreateRaw(entry->value)
                                    : cJSON_CreateNull();
        status = attach(*object, entry->key, item);
    }
    if (status != QNTK_OK) {
        cJSON_Delete(*object);
        *object = NULL;
    }
    return status;
}

qntk_status qntk_json_cells(cJSON *object, const qntk_column *columns, const qntk_cell *cells)
{
    qntk_status status = QNTK_OK;
    for (size_t i = 0; columns[i].name != NULL && status == QNTK_OK; i++) {
        cJSON *item = columns[i].digits > 0   ? create_number(cells[i].number)
                      : cells[i].text != NULL ? create_string(cells[i].text)
                                              : cJSON_CreateNull();
        status = attach(object, columns[i].name, item);
    }
    return status;
}

qntk_status qntk_json_row(cJSON *array, const qntk_column *columns, const qntk_cell *cells, cJSON **row)
{
    if (row != NULL)
        *row = NULL;
    cJSON *object = cJSON_CreateObject();
    if (object == NULL)
        return fail_memory();
    qntk_status status = qntk_json_cells(object, columns, cells);
    if (status != QNTK_OK) {
        cJSON_Delete(object);
        return status;
    }
    status = attach(array, NULL, object);
    if (status == QNTK_OK && row != NULL)
        *row = object;
    return status;
}

qntk_status qntk_json_numbers(cJSON *object, const char *key, size_t count, const double *values)
{
    cJSON *array = NULL;
    qntk_status status = qntk_json_array(object, key, &array);
    for (size_t i = 0; i < count && status == QNTK_OK; i++)
        status = attach(array, NULL, create_number(values[i]));
    return status;
}

static qntk_status add_empty(cJSON *object, const char *key, cJSON *item, cJSON **member)
{
    qntk_status status = attach(object, key, item);
    *member = status == QNTK_OK ? item : NULL;
    return status;
}

qntk_status qntk_json_object(cJSON *object, const char *key, cJSON **member)
{
    return add_empty(object, key, cJSON_CreateObject(), member);
}

qntk_status qntk_json_array(cJSON *object, const char *key, cJSON **member)
{
    return add_empty(object, key, cJSON_CreateArray(), member);
}

qntk_status qntk_json_write(qntk_file *file, const cJSON *tree)
{
    char *text = cJSON_Print(tree);
    if (text == NULL)
        return fail_memory();
    qntk_file_write(file, text, strlen(text));
    cJSON_free(text);
    return qntk_file_write(file, "\n", 1);
}
