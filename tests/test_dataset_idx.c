/* IDX: types, labels beside the images, compression, and each mistake. */
#include "dataset_memory.h"

#include <string.h>

static qntk_dataset dataset;

static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0,  0,
                                       0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 7};
static const double pixels[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};

static void check_digits(const char *path)
{
    ck_assert_ok(qntk_dataset_read(path, qntk_dataset_defaults(), &dataset));
    check_features(&dataset, 3, 4, pixels);
    ck_assert_uint_eq(dataset.classes, 2);
    ck_assert_str_eq(dataset.class_name[0], "2");
    ck_assert_double_eq(dataset.y[0], 1);
    ck_assert_double_eq(dataset.y[1], 0);
    qntk_dataset_free(&dataset);
}

START_TEST(labels_are_found_beside_the_images_plain_or_compressed)
{
    const char *path = test_file("a/t-images-idx3-ubyte", images, sizeof images);
    test_file("a/t-labels-idx1-ubyte", labels, sizeof labels);
    check_digits(path);
    path = test_file_gz("b/t-images-idx3-ubyte.gz", images, sizeof images);
    test_file_gz("b/t-labels-idx1-ubyte.gz", labels, sizeof labels);
    check_digits(path);
    path = test_file("c/t-images-idx3-ubyte", images, sizeof images);
    test_file_gz("c/t-labels-idx1-ubyte.gz", labels, sizeof labels);
    check_digits(path);
    path = test_file_gz("d/t-images-idx3-ubyte.gz", images, sizeof images);
    test_file("d/t-labels-idx1-ubyte", labels, sizeof labels);
    check_digits(path);
    path = test_file("images.d/t-images.idx3-ubyte", images, sizeof images);
    test_file("images.d/t-labels.idx1-ubyte", labels, sizeof labels);
    check_digits(path);
    test_files_remove();
}
END_TEST

START_TEST(without_labels_a_set_is_refused_unless_none_are_needed)
{
    const char *path = test_file("t-images-idx3-ubyte", images, sizeof images);
    qntk_dataset_options options = qntk_dataset_defaults();
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_IO,
                    "t-labels-idx1-ubyte[.gz], found no such file");
    options.target_optional = true;
    ck_assert_ok(qntk_dataset_read(path, options, &dataset));
    ck_assert_ptr_null(dataset.y);
    qntk_dataset_free(&dataset);
    options = qntk_dataset_defaults();
    options.target = "none";
    ck_assert_ok(qntk_dataset_read(path, options, &dataset));
    check_features(&dataset, 3, 4, pixels);
    ck_assert_ptr_null(dataset.y);
    qntk_dataset_free(&dataset);
    options.target = NULL;
    options.labels = test_file("elsewhere", labels, sizeof labels);
    ck_assert_ok(qntk_dataset_read(path, options, &dataset));
    ck_assert_uint_eq(dataset.classes, 2);
    qntk_dataset_free(&dataset);
    test_files_remove();
}
END_TEST

START_TEST(every_type_of_element)
{
    static const struct {
        unsigned char bytes[16];
        size_t size;
        double value;
    } element[] = {
        {{0, 0, 0x08, 1, 0, 0, 0, 1, 0xFE}, 9, 254},
        {{0, 0, 0x09, 1, 0, 0, 0, 1, 0xFE}, 9, -2},
        {{0, 0, 0x0B, 1, 0, 0, 0, 1, 0xFE, 0x01}, 10, -511},
        {{0, 0, 0x0C, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0xFE, 0x01}, 12, -511},
        {{0, 0, 0x0D, 1, 0, 0, 0, 1, 0xC0, 0x20, 0, 0}, 12, -2.5},
        {{0, 0, 0x0E, 1, 0, 0, 0, 1, 0x40, 0x04, 0, 0, 0, 0, 0, 0}, 16, 2.5},
    };
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "none";
    for (size_t k = 0; k < sizeof element / sizeof element[0]; k++) {
        ck_assert_ok(
            read_bytes(qntk_idx_read, "x.idx", element[k].bytes, element[k].size, options, &dataset));
        check_features(&dataset, 1, 1, &element[k].value);
        qntk_dataset_free(&dataset);
    }
}
END_TEST

START_TEST(each_mistake_is_named)
{
    static const struct {
        const char *bytes, *message;
        size_t size;
    } bad[] = {
        {"\1\2\3\4", "expected an IDX file beginning with two zero bytes", 4},
        {"\0\0\x08", "expected an IDX file", 3},
        {"\0\0\x0A\1\0\0\0\1\1", "expected an element type of 08, 09, 0B, 0C, 0D or 0E, found 0A", 9},
        {"\0\0\x08\0", "expected 1 to 4 dimensions, found 0", 4},
        {"\0\0\x08\5", "expected 1 to 4 dimensions, found 5", 4},
        {"\0\0\x08\2\0\0\0\1", "expected 8 bytes of dimensions, found 4", 8},
        {"\0\0\x08\1\0\0\0\0", "expected at least one element, found 0 in dimension 0", 8},
        {"\0\0\x08\3\0\0\xEA\x60\0\0\0\x1C\0\0\0\x1C\1\2\3\4",
         "expected 47040000 bytes of data as the header claims, found 4", 20},
        {"\0\0\x08\4\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
         "found too many elements", 20},
        {"\0\0\x08\1\0\0\0\1\1\2", "expected 1 bytes of data as the header claims, found 2", 10},
    };
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "none";
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert_fails(read_bytes(qntk_idx_read, "x.idx", bad[k].bytes, bad[k].size, options, &dataset),
                        QNTK_FORMAT, bad[k].message);
}
END_TEST

START_TEST(labels_of_another_count_are_refused)
{
    static const unsigned char two[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
    const char *path = test_file("t-images-idx3-ubyte", images, sizeof images);
    test_file("t-labels-idx1-ubyte", two, sizeof two);
    ck_assert_fails(qntk_dataset_read(path, qntk_dataset_defaults(), &dataset), QNTK_FORMAT,
                    "t-labels-idx1-ubyte: expected 3 labels");
    test_files_remove();
}
END_TEST

START_TEST(a_broken_compressed_file_is_told_from_a_short_one)
{
    char bytes[256];
    const char *path = test_file_gz("whole-idx3.gz", images, sizeof images);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "none";
    path = test_file("cut-idx3.gz", bytes, size - 12);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_FORMAT,
                    "cut-idx3.gz: the compressed data end too early");
    bytes[size - 5] ^= 1; /* its checksum */
    path = test_file("bad-idx3.gz", bytes, size);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_FORMAT,
                    "bad-idx3.gz: broken compressed data");
    test_files_remove();
}
END_TEST

START_TEST(the_mnist_test_digits_have_their_published_counts)
{
    const char *path = test_shared("datasets/mnist/t10k-images-idx3-ubyte.gz");
    if (path == NULL) {
        test_skip("the MNIST files are not there");
        return;
    }
    static const size_t published[10] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    ck_assert_ok(qntk_dataset_read(path, qntk_dataset_defaults(), &dataset));
    ck_assert_uint_eq(dataset.n, 10000);
    ck_assert_uint_eq(dataset.d, 784);
    ck_assert_uint_eq(dataset.classes, 10);
    size_t count[10] = {0};
    for (size_t i = 0; i < dataset.n; i++)
        count[(size_t)dataset.y[i]]++;
    for (size_t k = 0; k < 10; k++)
        ck_assert_uint_eq(count[k], published[k]);
    qntk_dataset_options options = qntk_dataset_defaults();
    qntk_dataset part;
    options.limit = 400;
    ck_assert_ok(qntk_dataset_read(path, options, &part));
    ck_assert_uint_eq(part.n, 400);
    size_t row = 0; /* every row of the subset is found in the whole, in order */
    for (size_t i = 0; i < part.n; i++, row++) {
        while (row < dataset.n && memcmp(part.X + i * 784, dataset.X + row * 784, 784 * sizeof(double)) != 0)
            row++;
        ck_assert_uint_lt(row, dataset.n);
        ck_assert_double_eq(part.y[i], dataset.y[row]);
    }
    qntk_dataset_free(&part);
    qntk_dataset_free(&dataset);
}
END_TEST

static const char *images_path;

static qntk_status read_images(void *context)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.limit = 2;
    return qntk_dataset_read(images_path, options, context);
}

static void clean(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_may_fail)
{
    images_path = test_file("t-images-idx3-ubyte", images, sizeof images);
    test_file("t-labels-idx1-ubyte", labels, sizeof labels);
    check_allocations(read_images, clean, &dataset);
    test_files_remove();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, labels_are_found_beside_the_images_plain_or_compressed);
    tcase_add_test(tcase, without_labels_a_set_is_refused_unless_none_are_needed);
    tcase_add_test(tcase, every_type_of_element);
    tcase_add_test(tcase, each_mistake_is_named);
    tcase_add_test(tcase, labels_of_another_count_are_refused);
    tcase_add_test(tcase, a_broken_compressed_file_is_told_from_a_short_one);
    tcase_add_test(tcase, the_mnist_test_digits_have_their_published_counts);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("dataset_idx", add_tests);
}
