#include "test.h"

#include <cjson/cJSON.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void make_file(void)
{
    snprintf(path, sizeof path, "/tmp/qntk-table-XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
}

static void remove_file(void)
{
    ck_assert_int_eq(unlink(path), 0);
}

static char content[1 << 20];

static size_t read_back(void)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t bytes = fread(content, 1, sizeof content - 1, file);
    content[bytes] = '\0';
    fclose(file);
    return bytes;
}

static const qntk_column columns[] = {
    {"kernel", 0}, {"index", 17}, {"eigenvalue", 17}, {"share", 6}, {NULL, 0}};

static qntk_status fill_head(qntk_meta *meta)
{
    static char *arguments[] = {"ntk-spectrum", "--data", "it's a\tfile.csv", "--kernel", "qntk:bits=1", ""};
    qntk_status status = qntk_meta_command(meta, 6, arguments);
    if (status == QNTK_OK)
        status = qntk_meta_count(meta, "seed", UINT64_MAX);
    if (status == QNTK_OK)
        status = qntk_meta_number(meta, "ridge", 0.1);
    if (status == QNTK_OK)
        status = qntk_meta_number(meta, "none", NAN);
    return status;
}

static qntk_status write_tsv(const char *name)
{
    qntk_meta meta = {0};
    qntk_file *file = NULL;
    qntk_status status = fill_head(&meta);
    if (status == QNTK_OK)
        status = qntk_file_open(name, &file);
    if (status == QNTK_OK) {
        qntk_table_head(file, &meta);
        qntk_table_note(file, "floor", "a\\b");
        qntk_table_columns(file, columns);
        qntk_cell first[] = {qntk_cell_text("a\tb\nc\rd\\"), qntk_cell_number(1), qntk_cell_number(0.1),
                             qntk_cell_number(1.0 / 3.0)};
        qntk_table_row(file, columns, first);
        qntk_cell second[] = {qntk_cell_text(NULL), qntk_cell_number(9007199254740992.0),
                              qntk_cell_number(-NAN), qntk_cell_number(-INFINITY)};
        qntk_table_row(file, columns, second);
        status = qntk_file_commit(&file);
    }
    qntk_meta_free(&meta);
    return status;
}

static const char expected_tsv[] =
    "# version=" QNTK_VERSION "\n"
    "# command=ntk-spectrum --data 'it'\\\\''s a\\tfile.csv' --kernel qntk:bits=1 ''\n"
    "# seed=18446744073709551615\n"
    "# ridge=0.1\n"
    "# none=nan\n"
    "# floor=a\\\\b\n"
    "kernel\tindex\teigenvalue\tshare\n"
    "a\\tb\\nc\\rd\\\\\t1\t0.10000000000000001\t0.333333\n"
    "\t9007199254740992\tnan\t-inf\n";

START_TEST(a_table_explains_itself_and_escapes_what_would_break_a_line)
{
    ck_assert_ok(write_tsv(path));
    read_back();
    ck_assert_str_eq(content, expected_tsv);
}
END_TEST

START_TEST(the_decimal_point_does_not_depend_on_the_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", NULL};
    const char *found = NULL;
    for (size_t i = 0; commas[i] != NULL && found == NULL; i++)
        found = setlocale(LC_ALL, commas[i]);
    if (found == NULL) {
        test_skip("no locale with a decimal comma is installed");
        return;
    }
    qntk_status status = write_tsv(path);
    setlocale(LC_ALL, "C");
    ck_assert_ok(status);
    read_back();
    ck_assert_str_eq(content, expected_tsv);
}
END_TEST

START_TEST(a_key_given_twice_is_an_error)
{
    qntk_meta meta = {0};
    ck_assert_ok(qntk_meta_count(&meta, "n", 1));
    ck_assert_fails(qntk_meta_count(&meta, "n", 2), QNTK_INVALID, "the key n is there already");
    ck_assert_uint_eq(meta.count, 1);
    qntk_meta_free(&meta);
    ck_assert_ptr_null(meta.item);
}
END_TEST

enum { RANDOM_NUMBERS = 2000 };

/* Doubles of every magnitude: random bits, the odd exponent excepted. */
static void random_numbers(double *values)
{
    qntk_rng rng = qntk_rng_create(7, 0);
    for (size_t i = 0; i < RANDOM_NUMBERS;) {
        uint64_t bits = qntk_rng_bits(&rng);
        memcpy(&values[i], &bits, sizeof bits);
        i += isfinite(values[i]);
    }
}

static qntk_status write_json(const char *name, const double *values)
{
    qntk_meta meta = {0};
    cJSON *root = NULL, *rows = NULL, *row = NULL, *summary = NULL;
    qntk_file *file = NULL;
    qntk_status status = fill_head(&meta);
    if (status == QNTK_OK)
        status = qntk_json_head(&meta, &root);
    if (status == QNTK_OK)
        status = qntk_json_array(root, "results", &rows);
    qntk_cell cells[] = {qntk_cell_text("caf\xe9 \"\xc3\xa9\" \xed\xa0\x80"), qntk_cell_number(7),
                         qntk_cell_number(0.1), qntk_cell_number(NAN)};
    if (status == QNTK_OK)
        status = qntk_json_row(rows, columns, cells, &row);
    if (status == QNTK_OK)
        status = qntk_json_numbers(row, "numbers", RANDOM_NUMBERS, values);
    if (status == QNTK_OK)
        status = qntk_json_object(row, "summary", &summary);
    if (status == QNTK_OK)
        status = qntk_json_cells(summary, columns, cells);
    if (status == QNTK_OK)
        status = qntk_json_row(rows, columns, cells, NULL);
    if (status == QNTK_OK)
        status = qntk_file_open(name, &file);
    if (status == QNTK_OK)
        status = qntk_json_write(file, root);
    if (status == QNTK_OK)
        status = qntk_file_commit(&file);
    qntk_file_abort(&file);
    cJSON_Delete(root);
    qntk_meta_free(&meta);
    return status;
}

START_TEST(json_gives_every_number_back_to_the_bit)
{
    double values[RANDOM_NUMBERS];
    random_numbers(values);
    ck_assert_ok(write_json(path, values));
    read_back();
    const char *at = strchr(strstr(content, "\"numbers\""), '[') + 1;
    for (size_t i = 0; i < RANDOM_NUMBERS; i++) {
        char *end = NULL;
        double value = strtod(at, &end);
        ck_assert_msg(end != at && memcmp(&value, &values[i], sizeof value) == 0,
                      "number %zu: %.17g, read as %.17g", i, values[i], value);
        at = end + 1;
    }
}
END_TEST

START_TEST(json_is_valid_and_holds_head_rows_and_nulls)
{
    double values[RANDOM_NUMBERS] = {0};
    ck_assert_ok(write_json(path, values));
    size_t bytes = read_back();
    ck_assert_int_eq(content[bytes - 1], '\n');
    cJSON *root = cJSON_ParseWithOpts(content, NULL, true);
    ck_assert_msg(root != NULL, "not JSON: %.60s", cJSON_GetErrorPtr());
    static const char *const order[] = {"version", "command", "seed", "ridge", "none", "results"};
    const cJSON *member = root->child;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++, member = member->next)
        ck_assert_str_eq(member->string, order[i]);
    ck_assert_str_eq(cJSON_GetObjectItem(root, "command")->valuestring,
                     "ntk-spectrum --data 'it'\\''s a\tfile.csv' --kernel qntk:bits=1 ''");
    ck_assert_ptr_nonnull(strstr(content, "\"seed\":\t18446744073709551615,"));
    ck_assert_ptr_nonnull(strstr(content, "\"ridge\":\t0.1,"));
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(root, "none")));
    const cJSON *rows = cJSON_GetObjectItem(root, "results");
    ck_assert_int_eq(cJSON_GetArraySize(rows), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *row = cJSON_GetArrayItem(rows, i);
        ck_assert_str_eq(cJSON_GetObjectItem(row, "kernel")->valuestring,
                         "caf\xef\xbf\xbd \"\xc3\xa9\" \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
        ck_assert_double_eq(cJSON_GetObjectItem(row, "eigenvalue")->valuedouble, 0.1);
        ck_assert(cJSON_IsNull(cJSON_GetObjectItem(row, "share")));
    }
    const cJSON *first = cJSON_GetArrayItem(rows, 0);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(first, "numbers")), RANDOM_NUMBERS);
    ck_assert_double_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(first, "summary"), "index")->valuedouble, 7);
    cJSON_Delete(root);
}
END_TEST

/* cJSON allocates for itself: its hooks, too, are made to fail in turn. */
static long json_left;

static void *json_allocate(size_t bytes)
{
    return json_left-- == 0 ? NULL : malloc(bytes);
}

START_TEST(every_allocation_of_a_table_may_fail)
{
    double values[RANDOM_NUMBERS] = {0};
    long counts[2];
    qntk_memory_fail_after(-1);
    ck_assert_ok(write_tsv(path));
    counts[0] = qntk_memory_fail_after(-1);
    ck_assert_ok(write_json(path, values));
    counts[1] = qntk_memory_fail_after(-1);
    read_back();
    char whole[sizeof expected_tsv];
    memcpy(whole, content, sizeof whole - 1);
    for (int json = 0; json < 2; json++) {
        for (long i = 0; i < counts[json]; i++) {
            qntk_memory_fail_after(i);
            qntk_status status = json ? write_json(path, values) : write_tsv(path);
            qntk_memory_fail_after(-1);
            ck_assert_int_eq(status, QNTK_NO_MEMORY);
            ck_assert_ptr_nonnull(strstr(qntk_message(), "out of memory"));
        }
    }
    read_back();
    ck_assert_int_eq(memcmp(whole, content, sizeof whole - 1), 0);
}
END_TEST

START_TEST(every_allocation_of_the_json_library_may_fail)
{
    double values[RANDOM_NUMBERS] = {0};
    cJSON_Hooks hooks = {json_allocate, free};
    cJSON_InitHooks(&hooks);
    json_left = -1;
    qntk_status status = write_json(path, values);
    long used = -1 - json_left;
    long wrong = 0;
    /* The first hundred and the last ten one by one; between them lie thousands of equal numbers. */
    for (long i = 0; i < used; i += i < 100 || i >= used - 10 ? 1 : 7) {
        json_left = i;
        wrong += write_json(path, values) != QNTK_NO_MEMORY;
    }
    cJSON_InitHooks(NULL);
    ck_assert_ok(status);
    ck_assert_int_ge(used, RANDOM_NUMBERS);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* Reads what numpy.load would: magic, version, the literal, alignment, values. */
static const char *npy_values(size_t bytes, const char *literal)
{
    ck_assert_int_eq(memcmp(content, "\x93NUMPY\1\0", 8), 0);
    size_t length = (unsigned char)content[8] + 256u * (unsigned char)content[9];
    ck_assert_uint_eq((10 + length) % 64, 0);
    ck_assert_uint_le(10 + length, bytes);
    ck_assert_msg(strncmp(content + 10, literal, strlen(literal)) == 0, "header %.60s", content + 10);
    for (size_t i = 10 + strlen(literal); i < 9 + length; i++)
        ck_assert_int_eq(content[i], ' ');
    ck_assert_int_eq(content[9 + length], '\n');
    return content + 10 + length;
}

START_TEST(arrays_are_written_as_numpy_expects)
{
    const double X[2][3] = {{1, 2, 3}, {-0.0, NAN, 1e-300}};
    const float Y[3] = {1.5f, -2.5f, 3e-30f};
    const uint16_t one = 1;
    const char *order = *(const unsigned char *)&one == 1 ? "<" : ">";
    char literal[100];
    ck_assert_ok(qntk_npy_write(path, 2, 3, &X[0][0]));
    snprintf(literal, sizeof literal, "{'descr': '%sf8', 'fortran_order': False, 'shape': (2, 3), }", order);
    size_t bytes = read_back();
    const char *values = npy_values(bytes, literal);
    ck_assert_uint_eq((size_t)(content + bytes - values), sizeof X);
    ck_assert_int_eq(memcmp(values, X, sizeof X), 0);

    ck_assert_ok(qntk_npy_write_single(path, 3, 1, Y));
    snprintf(literal, sizeof literal, "{'descr': '%sf4', 'fortran_order': False, 'shape': (3, 1), }", order);
    bytes = read_back();
    values = npy_values(bytes, literal);
    ck_assert_uint_eq((size_t)(content + bytes - values), sizeof Y);
    ck_assert_int_eq(memcmp(values, Y, sizeof Y), 0);

    ck_assert_ok(qntk_npy_write(path, 0, 3, &X[0][0]));
    bytes = read_back();
    snprintf(literal, sizeof literal, "{'descr': '%sf8', 'fortran_order': False, 'shape': (0, 3), }", order);
    ck_assert_ptr_eq(npy_values(bytes, literal), content + bytes);
}
END_TEST

START_TEST(an_array_that_cannot_be_written_leaves_the_old_file)
{
    const double X[1] = {1};
    ck_assert_ok(qntk_npy_write(path, 1, 1, X));
    size_t before = read_back();
    ck_assert_fails(qntk_npy_write(path, SIZE_MAX, SIZE_MAX, X), QNTK_INVALID, "values overflow");
    qntk_interrupt();
    qntk_status status = qntk_npy_write(path, 1, 1, X);
    qntk_interrupt_clear();
    ck_assert_int_eq(status, QNTK_INTERRUPTED);
    ck_assert_fails(qntk_npy_write("/nowhere/K.npy", 1, 1, X), QNTK_IO, "/nowhere/K.npy: No such file");
    ck_assert_fails(qntk_npy_write("/dev/full", 1, 1, X), QNTK_IO, "/dev/full: No space left on device");
    ck_assert_uint_eq(read_back(), before);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, make_file, remove_file);
    tcase_add_test(tcase, a_table_explains_itself_and_escapes_what_would_break_a_line);
    tcase_add_test(tcase, the_decimal_point_does_not_depend_on_the_locale);
    tcase_add_test(tcase, a_key_given_twice_is_an_error);
    tcase_add_test(tcase, json_gives_every_number_back_to_the_bit);
    tcase_add_test(tcase, json_is_valid_and_holds_head_rows_and_nulls);
    tcase_add_test(tcase, every_allocation_of_a_table_may_fail);
    tcase_add_test(tcase, every_allocation_of_the_json_library_may_fail);
    tcase_add_test(tcase, arrays_are_written_as_numpy_expects);
    tcase_add_test(tcase, an_array_that_cannot_be_written_leaves_the_old_file);
}

int main(void)
{
    return test_main("table", add_tests);
}
