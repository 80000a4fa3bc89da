/* Numbers and strings in text. */
#include "dataset_internal.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void create_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* strtod with a decimal point in any locale; the locale of this thread is put back. */
static double parse_in_c_locale(const char *text, char **end)
{
    pthread_once(&c_locale_once, create_c_locale);
    if (c_locale == (locale_t)0)
        return strtod(text, end);
    locale_t before = uselocale(c_locale);
    double value = strtod(text, end);
    uselocale(before);
    return value;
}

/* A decimal number taken apart: (-1)^negative * digits * 10^exponent, if `exact` holds. */
typedef struct {
    uint64_t digits;
    int exponent;
    bool negative, exact;
} decimal;

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit before or behind the point, over all of the text. */
static bool scan_decimal(const char *text, const char *end, decimal *number)
{
    enum { EXACT_DIGITS = 19, LARGE_EXPONENT = 100000 }; /* 10^19 < 2^64; nothing larger matters */
    const char *at = text;
    *number = (decimal){.negative = *at == '-'};
    at += at < end && (*at == '-' || *at == '+');
    size_t significant = 0, seen = 0;
    bool point = false;
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(*at))
            break;
        seen++;
        significant += significant > 0 || *at != '0';
        if (significant <= EXACT_DIGITS) {
            number->digits = number->digits * 10 + (uint64_t)(*at - '0');
            number->exponent -= point && number->exponent > -LARGE_EXPONENT;
        }
    }
    if (seen == 0)
        return false;
    number->exact = significant <= EXACT_DIGITS;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool negative = at < end && *at == '-';
        at += at < end && (*at == '-' || *at == '+');
        if (at == end)
            return false;
        int exponent = 0;
        for (; at < end && is_digit(*at); at++)
            exponent = exponent < LARGE_EXPONENT ? exponent * 10 + (*at - '0') : exponent;
        number->exponent += negative ? -exponent : exponent;
    }
    return at == end;
}

static bool equals(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

/* What a field that is no decimal number says. */
static qntk_field_kind classify_word(const char *text, size_t size, double *value)
{
    *value = NAN;
    if (size == 0 || (size == 1 && *text == '?') || (size == 2 && memcmp(text, "NA", 2) == 0))
        return QNTK_FIELD_MISSING;
    bool negative = *text == '-', sign = negative || *text == '+';
    const char *word = text + sign;
    size_t length = size - sign;
    if (equals(word, length, "nan") || equals(text, size, "null"))
        return QNTK_FIELD_MISSING;
    if (equals(word, length, "inf") || equals(word, length, "infinity")) {
        *value = negative ? -INFINITY : INFINITY;
        return QNTK_FIELD_INFINITE;
    }
    return QNTK_FIELD_TEXT;
}

qntk_field_kind qntk_field_parse(const char *text, size_t size, double *value)
{
    /* Powers of ten that a double holds exactly: with at most 53 bits of digits, one multiplication or
     * division rounds once, so the result is the nearest double (Clinger, "How to read floating point numbers
     * accurately", PLDI 1990). */
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { EXACT_POWER = 22 };
    decimal number;
    if (size == 0 || !scan_decimal(text, text + size, &number))
        return classify_word(text, size, value);
    if (number.exact && number.digits <= (uint64_t)1 << 53 && abs(number.exponent) <= EXACT_POWER) {
        double digits = (double)number.digits;
        digits = number.exponent < 0 ? digits / power[-number.exponent] : digits * power[number.exponent];
        *value = number.negative ? -digits : digits;
        return QNTK_FIELD_NUMBER;
    }
    char *end;
    *value = parse_in_c_locale(text, &end);
    if (end != text + size)
        return classify_word(text, size, value);
    return isinf(*value) ? QNTK_FIELD_INFINITE : QNTK_FIELD_NUMBER;
}

bool qntk_parse_count(const char *text, size_t size, size_t limit, size_t *count)
{
    size_t value = 0;
    for (size_t i = 0; i < size; i++) {
        size_t digit = (size_t)(text[i] - '0');
        if (!is_digit(text[i]) || value > (SIZE_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *count = value;
    return size > 0 && value <= limit;
}

const char *qntk_shown(const char *text, size_t size, char shown[QNTK_SHOWN])
{
    enum { MOST = 40 };
    size_t length = size;
    if (size > MOST) {
        length = MOST;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) /* not inside a UTF-8 character */
            length--;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        shown[i] = c < 0x20 || c == 0x7F ? '?' : text[i];
    }
    snprintf(shown + length, QNTK_SHOWN - length, "%s", size > length ? "..." : "");
    return shown;
}

void qntk_number_text(double number, char text[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, number);
        for (char *at = text; *at != '\0'; at++)
            if (*at == ',') /* the locale's decimal sign */
                *at = '.';
        double back;
        if (qntk_field_parse(text, strlen(text), &back) == QNTK_FIELD_NUMBER && back == number)
            return;
    }
}

qntk_status qntk_strings_add(qntk_strings *strings, const char *text, size_t size)
{
    void *array = strings->text;
    qntk_status status = qntk_grow(&array, &strings->capacity, strings->used + size + 1, 1);
    if (status != QNTK_OK)
        return status;
    strings->text = array;
    memcpy(strings->text + strings->used, text, size);
    strings->text[strings->used + size] = '\0';
    strings->used += size + 1;
    strings->count++;
    return QNTK_OK;
}

void qntk_strings_free(qntk_strings *strings)
{
    qntk_free(strings->text);
    *strings = (qntk_strings){0};
}

char **qntk_strings_block(const qntk_strings *strings)
{
    size_t pointers = strings->count * sizeof(char *);
    char **block = qntk_alloc(pointers + strings->used, 1);
    if (block == NULL)
        return NULL;
    char *text = (char *)block + pointers;
    if (strings->used > 0)
        memcpy(text, strings->text, strings->used);
    for (size_t i = 0; i < strings->count; i++) {
        block[i] = text;
        text += strlen(text) + 1;
    }
    return block;
}

/* FNV-1a (Fowler, Noll, Vo) with a final mix, so that the low bits depend on all of the text. */
static size_t hash(const char *text, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 29 ^ h >> 47);
}

const char *qntk_category_name(const qntk_category *category, size_t index)
{
    return category->strings.text + category->offset[index];
}

/* The slot of this string: its own, or the free one where it belongs. Needs slots > count. */
static size_t find_slot(const qntk_category *category, const char *text, size_t size)
{
    size_t mask = category->slots - 1, slot = hash(text, size) & mask;
    for (;; slot = (slot + 1) & mask) {
        if (category->slot[slot] == 0)
            return slot;
        const char *name = qntk_category_name(category, category->slot[slot] - 1);
        if (strncmp(name, text, size) == 0 && name[size] == '\0')
            return slot;
    }
}

static qntk_status grow_slots(qntk_category *category)
{
    enum { FIRST_SLOTS = 16 };
    size_t before = category->slots, *old = category->slot;
    size_t slots = before == 0 ? FIRST_SLOTS : before * 2;
    size_t *slot = qntk_alloc_zero(slots, sizeof *slot);
    if (slot == NULL)
        return QNTK_NO_MEMORY;
    category->slot = slot;
    category->slots = slots;
    for (size_t i = 0; i < category->strings.count; i++) {
        const char *name = qntk_category_name(category, i);
        slot[find_slot(category, name, strlen(name))] = i + 1;
    }
    qntk_free(old);
    return QNTK_OK;
}

size_t qntk_category_find(const qntk_category *category, const char *text, size_t size)
{
    size_t slot = category->slots == 0 ? 0 : category->slot[find_slot(category, text, size)];
    return slot == 0 ? SIZE_MAX : slot - 1;
}

qntk_status qntk_category_add(qntk_category *category, const char *text, size_t size, size_t *index)
{
    size_t count = category->strings.count;
    qntk_status status = QNTK_OK;
    if (2 * (count + 1) > category->slots)
        status = grow_slots(category);
    if (status != QNTK_OK)
        return status;
    size_t slot = find_slot(category, text, size);
    *index = category->slot[slot] - 1;
    if (category->slot[slot] != 0)
        return QNTK_OK;
    void *offset = category->offset;
    status = qntk_grow(&offset, &category->offset_capacity, count + 1, sizeof(size_t));
    category->offset = offset;
    size_t start = category->strings.used;
    if (status == QNTK_OK)
        status = qntk_strings_add(&category->strings, text, size);
    if (status != QNTK_OK)
        return status;
    category->offset[count] = start;
    category->slot[slot] = count + 1;
    *index = count;
    return QNTK_OK;
}

void qntk_category_free(qntk_category *category)
{
    qntk_strings_free(&category->strings);
    qntk_free(category->offset);
    qntk_free(category->slot);
    *category = (qntk_category){0};
}
