/* .npy: versions, types, orders, targets, and each mistake. */
#include "dataset_memory.h"

#include <string.h>

static qntk_dataset dataset;

/* An .npy file with this header text and data; returns its size. */
static size_t make_npy(unsigned char *out, unsigned version, const char *header, const void *data,
                       size_t size)
{
    size_t length = strlen(header), at = 8;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    out[7] = 0;
    out[at++] = (unsigned char)(length & 0xFF);
    out[at++] = (unsigned char)(length >> 8);
    if (version > 1) {
        out[at++] = 0;
        out[at++] = 0;
    }
    memcpy(out + at, header, length);
    if (size > 0)
        memcpy(out + at + length, data, size);
    return at + length + size;
}

static qntk_dataset_options without_target(void)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "none";
    return options;
}

static void check_npy(unsigned version, const char *header, const void *data, size_t size, size_t n, size_t d,
                      const double *X)
{
    unsigned char file[1024];
    size_t length = make_npy(file, version, header, data, size);
    ck_assert_ok(read_bytes(qntk_npy_read, "x.npy", file, length, without_target(), &dataset));
    check_features(&dataset, n, d, X);
    qntk_dataset_free(&dataset);
}

static void check_failure(const char *header, const void *data, size_t size, qntk_status code,
                          const char *message)
{
    unsigned char file[1024];
    size_t length = make_npy(file, 1, header, data, size);
    ck_assert_fails(read_bytes(qntk_npy_read, "x.npy", file, length, without_target(), &dataset), code,
                    message);
    ck_assert_ptr_null(dataset.X);
}

#define HEADER(descr, fortran, shape)                                                                        \
    "{'descr': '" descr "', 'fortran_order': " fortran ", 'shape': " shape ", }      \n"

START_TEST(versions_and_spellings_of_the_header)
{
    const double X[] = {1, 2, 3, 4, 5, 6};
    static const unsigned char data[] = {1, 2, 3, 4, 5, 6};
    for (unsigned version = 1; version <= 3; version++)
        check_npy(version, HEADER("|u1", "False", "(3, 2)"), data, 6, 3, 2, X);
    check_npy(1, "{\"shape\":(3,2),\"descr\":\"<u1\",\"fortran_order\":False}", data, 6, 3, 2, X);
    check_npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3L, 2L)}\n", data, 6, 3, 2, X);
    check_npy(1, HEADER("|u1", "False", "(6,)"), data, 6, 6, 1, X);
    check_npy(1, HEADER("|u1", "False", "(3, 1, 2)"), data, 6, 3, 2, X);
}
END_TEST

/* The bytes of each type, the least significant first; turned round for '>'. */
static const struct {
    const char *descr;
    size_t size;
    unsigned char bytes[8];
    double value;
} element[] = {
    {"b1", 1, {1}, 1},
    {"u1", 1, {200}, 200},
    {"i1", 1, {200}, -56},
    {"u2", 2, {0x34, 0xF2}, 0xF234},
    {"i2", 2, {0x34, 0xF2}, 0xF234 - 65536.0},
    {"u4", 4, {0x78, 0x56, 0x34, 0xF2}, 0xF2345678},
    {"i4", 4, {0x78, 0x56, 0x34, 0xF2}, 0xF2345678 - 4294967296.0},
    {"u8", 8, {0, 0, 0, 0, 0, 0, 0, 0x80}, 9223372036854775808.0},
    {"i8", 8, {0, 0, 0, 0, 0, 0, 0, 0x80}, -9223372036854775808.0},
    {"i8", 8, {1, 0, 0, 0, 0, 0, 0, 0}, 1},
    {"f2", 2, {0x00, 0xBE}, -1.5},
    {"f2", 2, {0x01, 0x00}, 0x1p-24},
    {"f2", 2, {0xFF, 0x7B}, 65504},
    {"f4", 4, {0, 0, 0x20, 0xC0}, -2.5},
    {"f8", 8, {0, 0, 0, 0, 0, 0, 0x04, 0x40}, 2.5},
};

START_TEST(every_type_in_either_byte_order)
{
    for (size_t k = 0; k < sizeof element / sizeof element[0]; k++) {
        char header[128];
        unsigned char turned[8];
        for (size_t i = 0; i < element[k].size; i++)
            turned[i] = element[k].bytes[element[k].size - 1 - i];
        snprintf(header, sizeof header, "{'descr': '<%s', 'fortran_order': False, 'shape': (1,)}",
                 element[k].descr);
        check_npy(1, header, element[k].bytes, element[k].size, 1, 1, &element[k].value);
        header[strlen("{'descr': '")] = '>';
        check_npy(1, header, turned, element[k].size, 1, 1, &element[k].value);
    }
}
END_TEST

START_TEST(fortran_order_is_turned_into_rows)
{
    static const unsigned char data[] = {1, 4, 2, 5, 3, 6}, cube[] = {0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11};
    const double X[] = {1, 2, 3, 4, 5, 6}, C[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    check_npy(1, HEADER("|u1", "True", "(2, 3)"), data, 6, 2, 3, X);
    check_npy(1, HEADER("|u1", "True", "(2, 2, 3)"), cube, 12, 2, 6, C);
}
END_TEST

START_TEST(a_file_written_by_numpy_reads_the_same)
{
    double *A;
    size_t rows, cols;
    ck_assert_ok(
        qntk_npy_read_matrix(test_source("tests/fixtures/cube_f4_big_fortran.npy"), &A, &rows, &cols));
    ck_assert_uint_eq(rows, 2);
    ck_assert_uint_eq(cols, 12);
    for (size_t i = 0; i < 24; i++) /* numpy.arange(24).reshape(2, 3, 4) / 8 */
        ck_assert_double_eq(A[i], (double)i / 8);
    qntk_free(A);
}
END_TEST

START_TEST(the_size_must_be_exact)
{
    check_failure(HEADER("<f8", "False", "(100000000, 200)"), "12345678", 8, QNTK_FORMAT,
                  "x.npy: expected 160000000000 bytes of data as the header claims, found 8");
    check_failure(HEADER("|u1", "False", "(3,)"), "1234", 4, QNTK_FORMAT,
                  "expected 3 bytes of data as the header claims, found 4");
    check_failure(HEADER("|u1", "False", "(3,)"), "", 0, QNTK_FORMAT, "found 0");
    check_failure(HEADER("|u1", "False", "(4294967296, 4294967296)"), "1", 1, QNTK_FORMAT,
                  "found too many elements");
    check_failure(HEADER("|u1", "False", "(99999999999999999999999,)"), "1", 1, QNTK_FORMAT,
                  "expected a whole number in the shape");
    check_failure(HEADER("|u1", "False", "(0, 3)"), "", 0, QNTK_FORMAT,
                  "expected at least one element, found 0 in dimension 0");
    check_failure(HEADER("|u1", "False", "()"), "1", 1, QNTK_FORMAT,
                  "expected an array, not a single number");
}
END_TEST

START_TEST(a_compressed_file_that_lies_about_its_size_costs_no_memory)
{
    unsigned char file[1024];
    size_t length = make_npy(file, 1, HEADER("<f8", "False", "(100000000, 200)"), "12345678", 8);
    const char *path = test_file_gz("liar.npy.gz", file, length);
    double *A;
    size_t rows, cols;
    ck_assert_fails(qntk_npy_read_matrix(path, &A, &rows, &cols), QNTK_FORMAT,
                    "expected 160000000000 bytes of data as the header claims, found 8");
    ck_assert_ptr_null(A);
    length = make_npy(file, 1, HEADER("|u1", "False", "(3,)"), "1234", 4);
    path = test_file_gz("long.npy.gz", file, length);
    ck_assert_fails(qntk_npy_read_matrix(path, &A, &rows, &cols), QNTK_FORMAT, "found more than 3");
    length = make_npy(file, 1, HEADER("|u1", "False", "(4,)"), "\1\2\3\4", 4);
    path = test_file_gz("right.npy.gz", file, length);
    ck_assert_ok(qntk_npy_read_matrix(path, &A, &rows, &cols));
    ck_assert_uint_eq(rows, 4);
    ck_assert_double_eq(A[3], 4);
    qntk_free(A);
    test_files_remove();
}
END_TEST

START_TEST(each_mistake_in_the_header_is_named)
{
    static const struct {
        const char *header, *message;
    } bad[] = {
        {HEADER("|O", "False", "(1,)"),
         "expected a type of booleans, integers or floats up to 8 bytes such as '<f8', found ''|O'"},
        {HEADER("<c8", "False", "(1,)"), "expected a type of booleans"},
        {HEADER("<f16", "False", "(1,)"), "expected a type of booleans"},
        {HEADER("<f1", "False", "(1,)"), "expected a type of booleans"},
        {HEADER("|i4", "False", "(1,)"), "expected a byte order in front of a type of several bytes"},
        {HEADER("|u1", "false", "(1,)"), "expected True or False, found 'false"},
        {HEADER("|u1", "False", "1"), "expected the shape as (rows, columns)"},
        {HEADER("|u1", "False", "(1"), "expected a whole number in the shape"},
        {HEADER("|u1", "False", "(-1,)"), "expected a whole number in the shape"},
        {"{'descr': '|u1', 'shape': (1,)}", "expected descr, fortran_order and shape"},
        {"{'descr': '|u1', 'descr': '|u1'}", "expected each of descr, fortran_order and shape once"},
        {"{'colour': 'red'}", "expected each of descr, fortran_order and shape once, found 'colour"},
        {"{'descr' '|u1'}", "expected ':' behind a key"},
        {"{descr: '|u1'}", "expected a quoted key"},
        {"", "expected '{'"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x",
         "expected the end of the header, found 'x'"},
        {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", "expected a type of booleans"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        check_failure(bad[k].header, "1", 1, QNTK_FORMAT, bad[k].message);
}
END_TEST

START_TEST(another_kind_of_file_is_refused)
{
    static const struct {
        const char *bytes, *message;
        size_t size;
    } bad[] = {
        {"PK\3\4....", "expected an .npy file beginning with 0x93 NUMPY, found another kind", 8},
        {"\x93NUMPY\4\0", "expected .npy version 1 to 3, found 4.0", 8},
        {"\x93NUM", "expected 8 more bytes of header, found 4", 4},
        {"\x93NUMPY\1\0\5\0{", "expected 5 more bytes of header, found 1", 11},
        {"\x93NUMPY\2\0\1\1\1\1", "expected a header of at most 65536 bytes, found 16843009", 12},
        {"\x93NUMPY\1\0\2\0{\0", "header: expected text, found a zero byte", 12},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert_fails(
            read_bytes(qntk_npy_read, "x.npy", bad[k].bytes, bad[k].size, without_target(), &dataset),
            QNTK_FORMAT, bad[k].message);
}
END_TEST

START_TEST(the_shape_alone_is_read_from_the_header)
{
    unsigned char file[1024];
    size_t rows, cols, length = make_npy(file, 1, HEADER("|u1", "False", "(2, 3)"), "123456", 6);
    ck_assert_ok(qntk_npy_shape(test_file("a.npy", file, length), &rows, &cols));
    ck_assert_uint_eq(rows, 2);
    ck_assert_uint_eq(cols, 3);
    ck_assert_ok(qntk_npy_shape(test_file_gz("a.npy.gz", file, length), &rows, &cols));
    ck_assert_uint_eq(cols, 3);
    ck_assert_fails(qntk_npy_shape(test_file("b.npy", file, length - 1), &rows, &cols), QNTK_FORMAT,
                    "b.npy: expected 6 bytes of data as the header claims, found 5");
    ck_assert_uint_eq(rows, 0);
    ck_assert_fails(qntk_npy_shape(test_file("c.npy", file, 9), &rows, &cols), QNTK_FORMAT, "header");
    ck_assert_fails(qntk_npy_shape("/nonexistent/K.npy", &rows, &cols), QNTK_IO, "/nonexistent/K.npy");
    test_files_remove();
}
END_TEST

START_TEST(nan_is_missing_in_data_and_an_error_in_a_matrix)
{
    const double data[] = {1, 2, NAN, 4, 5, 6}, infinite[] = {1, INFINITY};
    unsigned char file[1024];
    check_failure(HEADER("<f8", "False", "(3, 2)"), data, sizeof data, QNTK_FORMAT,
                  "x.npy: row 1: column 0: expected a value, found none; 1 value is missing");
    check_failure(HEADER("<f8", "False", "(2,)"), infinite, sizeof infinite, QNTK_NOT_FINITE,
                  "x.npy: row 1, column 0: expected a finite number, found inf");
    const double across[] = {1, 2, 3, INFINITY, 5, 6}; /* (3,2) by columns: the first of the second column */
    check_failure(HEADER("<f8", "True", "(3, 2)"), across, sizeof across, QNTK_NOT_FINITE,
                  "x.npy: row 0, column 1: expected a finite number, found inf");
    check_failure(HEADER("<f8", "False", "(3, 2)"), across, sizeof across, QNTK_NOT_FINITE,
                  "x.npy: row 1, column 1: expected a finite number, found inf");
    size_t length = make_npy(file, 1, HEADER("<f8", "False", "(3, 2)"), data, sizeof data);
    qntk_dataset_options options = without_target();
    options.missing = QNTK_MISSING_MEAN;
    const double filled[] = {1, 2, 3, 4, 5, 6};
    ck_assert_ok(read_bytes(qntk_npy_read, "x.npy", file, length, options, &dataset));
    check_features(&dataset, 3, 2, filled);
    qntk_dataset_free(&dataset);
    double *A;
    size_t rows, cols;
    ck_assert_fails(qntk_npy_read_matrix(test_file("nan.npy", file, length), &A, &rows, &cols),
                    QNTK_NOT_FINITE, "nan.npy: row 1, column 0: expected a number, found NaN");
    ck_assert_ptr_null(A);
    test_files_remove();
}
END_TEST

START_TEST(the_target_is_a_column_or_a_file_or_none)
{
    unsigned char file[1024];
    static const unsigned char data[] = {1, 2, 0, 4, 5, 1, 7, 8, 1};
    size_t length = make_npy(file, 1, HEADER("|u1", "False", "(3, 3)"), data, sizeof data);
    const char *path = test_file("x.npy", file, length);
    qntk_dataset_options options = qntk_dataset_defaults();
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_INVALID,
                    "x.npy: no target: pass --labels FILE, --target INDEX or --target none");
    options.target_optional = true;
    ck_assert_ok(qntk_dataset_read(path, options, &dataset));
    ck_assert_uint_eq(dataset.d, 3);
    ck_assert_ptr_null(dataset.y);
    ck_assert_str_eq(dataset.name, "x");
    qntk_dataset_free(&dataset);
    options.target = "-1";
    ck_assert_ok(qntk_dataset_read(path, options, &dataset));
    const double X[] = {1, 2, 4, 5, 7, 8};
    check_features(&dataset, 3, 2, X);
    ck_assert_uint_eq(dataset.classes, 2);
    ck_assert_double_eq(dataset.y[2], 1);
    qntk_dataset_free(&dataset);
    options.target = "3";
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_INVALID, "no column '3'");
    const float labels[] = {0.5f, 1.5f, -2};
    length = make_npy(file, 1, HEADER("<f4", "False", "(3, 1)"), labels, sizeof labels);
    options.labels = test_file("y.npy", file, length);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_INVALID, "the labels are kept apart");
    options.target = NULL;
    ck_assert_ok(qntk_dataset_read(path, options, &dataset));
    ck_assert_uint_eq(dataset.d, 3);
    ck_assert_uint_eq(dataset.classes, 0);
    ck_assert_double_eq(dataset.y[2], -2);
    qntk_dataset_free(&dataset);
    test_files_remove();
}
END_TEST

START_TEST(labels_must_be_as_many_as_rows)
{
    unsigned char file[1024];
    size_t length = make_npy(file, 1, HEADER("|u1", "False", "(3, 1)"), "\1\2\3", 3);
    const char *path = test_file("x.npy", file, length);
    qntk_dataset_options options = qntk_dataset_defaults();
    length = make_npy(file, 1, HEADER("|u1", "False", "(2,)"), "\1\2", 2);
    options.labels = test_file("y.npy", file, length);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_FORMAT,
                    "expected 3 labels, one for each row of");
    ck_assert_ptr_nonnull(strstr(qntk_message(), "found 2"));
    length = make_npy(file, 1, HEADER("|u1", "False", "(3, 2)"), "\1\2\1\2\1\2", 6);
    options.labels = test_file("y.npy", file, length);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_FORMAT,
                    "expected one label a row, found 2");
    options.labels = test_file("y.npy", "text", 4);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_FORMAT,
                    "expected labels as .npy or IDX");
    options.labels = test_file_path("nothing.npy");
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_IO, "nothing.npy: No such file");
    test_files_remove();
}
END_TEST

START_TEST(a_limit_reads_the_same_rows_in_either_order)
{
    enum { N = 100, D = 3 };
    unsigned char c_file[1024], f_file[1024], c_data[N * D], f_data[N * D];
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < D; j++)
            c_data[i * D + j] = f_data[j * N + i] = (unsigned char)(i + 50 * j);
    size_t c_size = make_npy(c_file, 1, HEADER("|u1", "False", "(100, 3)"), c_data, sizeof c_data);
    size_t f_size = make_npy(f_file, 1, HEADER("|u1", "True", "(100, 3)"), f_data, sizeof f_data);
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "0";
    options.task = QNTK_TASK_REGRESS;
    options.limit = 20;
    options.seed = 5;
    qntk_dataset other;
    ck_assert_ok(read_bytes(qntk_npy_read, "x.npy", c_file, c_size, options, &dataset));
    ck_assert_ok(read_bytes(qntk_npy_read, "x.npy", f_file, f_size, options, &other));
    ck_assert_uint_eq(dataset.n, 20);
    check_features(&other, 20, 2, dataset.X);
    for (size_t i = 0; i < 20; i++) {
        ck_assert(i == 0 || dataset.y[i] > dataset.y[i - 1]);
        ck_assert_double_eq(dataset.y[i], other.y[i]);
        ck_assert_double_eq(dataset.X[2 * i], dataset.y[i] + 50);
    }
    qntk_dataset_free(&other);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(a_large_array_crosses_the_buffer)
{
    enum { N = 7919, D = 5 };
    static unsigned char file[N * D * 2 + 256], data[N * D * 2];
    for (size_t k = 0; k < (size_t)N * D; k++) {
        data[2 * k] = (unsigned char)(k & 0xFF);
        data[2 * k + 1] = (unsigned char)(k >> 8 & 0x7F);
    }
    size_t size = make_npy(file, 1, HEADER("<i2", "False", "(7919, 5)"), data, sizeof data);
    double *A;
    size_t rows, cols;
    for (int compressed = 0; compressed < 2; compressed++) {
        const char *path = compressed ? test_file_gz("l.npy", file, size) : test_file("l.npy", file, size);
        ck_assert_ok(qntk_npy_read_matrix(path, &A, &rows, &cols));
        ck_assert_uint_eq(rows * cols, (size_t)N * D);
        for (size_t k = 0; k < rows * cols; k++)
            ck_assert_double_eq(A[k], (double)(k & 0x7FFF));
        qntk_free(A);
    }
    test_files_remove();
}
END_TEST

static const char *data_path, *labels_path;

static qntk_status read_with_labels(void *context)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.labels = labels_path;
    return qntk_dataset_read(data_path, options, context);
}

static void clean(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_may_fail)
{
    unsigned char file[1024];
    size_t length = make_npy(file, 1, HEADER("|u1", "True", "(2, 3)"), "\1\2\3\4\5\6", 6);
    data_path = test_file_gz("x.npy", file, length);
    length = make_npy(file, 1, HEADER("|u1", "False", "(2,)"), "\0\1", 2);
    labels_path = test_file("y.npy", file, length);
    check_allocations(read_with_labels, clean, &dataset);
    test_files_remove();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, versions_and_spellings_of_the_header);
    tcase_add_test(tcase, every_type_in_either_byte_order);
    tcase_add_test(tcase, fortran_order_is_turned_into_rows);
    tcase_add_test(tcase, a_file_written_by_numpy_reads_the_same);
    tcase_add_test(tcase, the_size_must_be_exact);
    tcase_add_test(tcase, a_compressed_file_that_lies_about_its_size_costs_no_memory);
    tcase_add_test(tcase, each_mistake_in_the_header_is_named);
    tcase_add_test(tcase, another_kind_of_file_is_refused);
    tcase_add_test(tcase, the_shape_alone_is_read_from_the_header);
    tcase_add_test(tcase, nan_is_missing_in_data_and_an_error_in_a_matrix);
    tcase_add_test(tcase, the_target_is_a_column_or_a_file_or_none);
    tcase_add_test(tcase, labels_must_be_as_many_as_rows);
    tcase_add_test(tcase, a_limit_reads_the_same_rows_in_either_order);
    tcase_add_test(tcase, a_large_array_crosses_the_buffer);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("dataset_npy", add_tests);
}
