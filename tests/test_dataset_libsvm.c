/* LIBSVM: rows, comments, and each mistake. */
#include "dataset_memory.h"

#include <string.h>

static qntk_dataset dataset;

START_TEST(sparse_rows_become_dense_ones)
{
    const char *text = "# made by hand\n+1 1:0.5 3:2\n-1 2:1e-3 # comment 4:4\n\n  +1 1:-1 2:2 3:3\t\r\n-1\n";
    ck_assert_ok(read_text(qntk_libsvm_read, "x.svm", text, qntk_dataset_defaults(), &dataset));
    const double X[] = {0.5, 0, 2, 0, 1e-3, 0, -1, 2, 3, 0, 0, 0}, y[] = {1, 0, 1, 0};
    check_features(&dataset, 4, 3, X);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(dataset.y[i], y[i]);
    ck_assert_str_eq(dataset.class_name[0], "-1");
    ck_assert_str_eq(dataset.class_name[1], "1");
    ck_assert_ptr_null(dataset.feature_name);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(queries_are_skipped_and_real_labels_are_regression)
{
    const char *text = "2.5 qid:1 1:1 2:2\n3.25 qid:2 2:4\n-1 qid:2 1:3";
    ck_assert_ok(read_text(qntk_libsvm_read, "x.svm", text, qntk_dataset_defaults(), &dataset));
    const double X[] = {1, 2, 0, 4, 3, 0};
    check_features(&dataset, 3, 2, X);
    ck_assert_uint_eq(dataset.classes, 0);
    ck_assert_double_eq(dataset.y[1], 3.25);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(a_limit_picks_rows_with_their_labels)
{
    char text[4096], *at = text;
    for (int i = 1; i <= 100; i++)
        at += sprintf(at, "%d.5 %d:%d\n", i, i, i);
    qntk_dataset_options options = qntk_dataset_defaults();
    options.limit = 10;
    ck_assert_ok(read_text(qntk_libsvm_read, "x.svm", text, options, &dataset));
    ck_assert_uint_eq(dataset.n, 10);
    ck_assert_uint_eq(dataset.d, 100);
    double before = 0;
    for (size_t i = 0; i < 10; i++) {
        double label = dataset.y[i];
        ck_assert(label > before);
        before = label;
        ck_assert_double_eq(dataset.X[i * 100 + (size_t)label - 1], label - 0.5);
    }
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(each_mistake_is_named_with_its_line)
{
    static const struct {
        const char *text, *message;
        qntk_status code;
    } bad[] = {
        {"", "x.svm: the file is empty", QNTK_FORMAT},
        {"# nothing\n\n", "x.svm: the file has no rows", QNTK_FORMAT},
        {"1\n0\n", "x.svm: the file has no columns", QNTK_FORMAT},
        {"1 1:1\n0 0:1\n", "x.svm:2: expected an index from 1, found '0:1'", QNTK_FORMAT},
        {"1 2:1 2:1\n", "x.svm:1: expected ascending indices, found '2:1'", QNTK_FORMAT},
        {"1 2:1 1:1\n", "x.svm:1: expected ascending indices, found '1:1'", QNTK_FORMAT},
        {"1 -2:1\n", "x.svm:1: expected an index from 1, found '-2:1'", QNTK_FORMAT},
        {"1 99999999999999999999999:1\n", "x.svm:1: expected an index from 1", QNTK_FORMAT},
        {"1 1:x\n", "x.svm:1: expected a number as the value, found 'x'", QNTK_FORMAT},
        {"1 1:\n", "x.svm:1: expected a number as the value, found nothing", QNTK_FORMAT},
        {"1 1:1:2\n", "x.svm:1: expected a number as the value, found '1:2'", QNTK_FORMAT},
        {"1 7\n", "x.svm:1: expected index:value, found '7'", QNTK_FORMAT},
        {"one 1:1\n", "x.svm:1: expected a number as the label, found 'one'", QNTK_FORMAT},
        {"1:1 2:2\n", "x.svm:1: expected a number as the label, found '1:1'", QNTK_FORMAT},
        {"1,2 1:1\n", "x.svm:1: expected a number as the label, found '1,2'", QNTK_FORMAT},
        {"1 1:inf\n", "x.svm:1: expected a finite number as the value, found 'inf'", QNTK_NOT_FINITE},
        {"1e999 1:1\n", "x.svm:1: expected a finite number as the label, found '1e999'", QNTK_NOT_FINITE},
        {"1 1:nan\n", "x.svm:1: column 0: expected a value, found none", QNTK_FORMAT},
        {"nan 1:1\n", "x.svm:1: label: expected a value, found none", QNTK_FORMAT},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert_fails(read_text(qntk_libsvm_read, "x.svm", bad[k].text, qntk_dataset_defaults(), &dataset),
                        bad[k].code, bad[k].message);
}
END_TEST

START_TEST(a_small_file_cannot_claim_a_huge_table)
{
    ck_assert_fails(
        read_text(qntk_libsvm_read, "x.svm", "1 2000000000:1\n", qntk_dataset_defaults(), &dataset),
        QNTK_TOO_LARGE, "a file of 15 bytes claims 1 rows of 2000000000 columns, a table of 14.9 GiB");
    ck_assert_fails(read_text(qntk_libsvm_read, "x.svm", "1 200000000000000000:1\n1 1:1\n",
                              qntk_dataset_defaults(), &dataset),
                    QNTK_TOO_LARGE, "out of proportion");
}
END_TEST

START_TEST(a_column_as_target_is_refused_and_none_leaves_the_labels_out)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "2";
    ck_assert_fails(read_text(qntk_libsvm_read, "x.svm", "1 1:1\n", options, &dataset), QNTK_INVALID,
                    "the labels are kept apart: expected --target none or no --target, found '2'");
    options.target = "none";
    ck_assert_ok(read_text(qntk_libsvm_read, "x.svm", "1 1:1\n", options, &dataset));
    ck_assert_ptr_null(dataset.y);
    qntk_dataset_free(&dataset);
}
END_TEST

static qntk_status read_rows(void *context)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.limit = 2;
    return read_text(qntk_libsvm_read, "x.svm", "1 1:1\n2 2:2\n1 3:3\n", options, context);
}

static void clean(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_may_fail)
{
    check_allocations(read_rows, clean, &dataset);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, sparse_rows_become_dense_ones);
    tcase_add_test(tcase, queries_are_skipped_and_real_labels_are_regression);
    tcase_add_test(tcase, a_limit_picks_rows_with_their_labels);
    tcase_add_test(tcase, each_mistake_is_named_with_its_line);
    tcase_add_test(tcase, a_small_file_cannot_claim_a_huge_table);
    tcase_add_test(tcase, a_column_as_target_is_refused_and_none_leaves_the_labels_out);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("dataset_libsvm", add_tests);
}
