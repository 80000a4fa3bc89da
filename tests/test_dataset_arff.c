/* ARFF: header, dense and sparse rows, and each mistake. */
#include "dataset_memory.h"

#include <string.h>

static qntk_dataset dataset;

static const char dense[] =
    "% made by hand\n@RELATION 'toy set'\n\n@Attribute 'two words' NUMERIC % a number\n"
    "@attribute colour {red, 'light green', \"blue\"}\n@attribute n Integer\n"
    "@ATTRIBUTE class {yes,no,never}\n@DATA\n1.5,red,3,yes\n-2e3,'light green',4,no\n"
    "% between\n\n0 , \"blue\" ,5, yes % behind\n";

static void read_fails(const char *text, const char *target, qntk_status code, const char *message)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = target;
    ck_assert_fails(read_text(qntk_arff_read, "x.arff", text, options, &dataset), code, message);
    ck_assert_ptr_null(dataset.X);
}

START_TEST(dense_rows_with_quotes_comments_and_any_case)
{
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", dense, qntk_dataset_defaults(), &dataset));
    const double X[] = {1.5, 1, 0, 0, 3, -2000, 0, 1, 0, 4, 0, 0, 0, 1, 5};
    check_features(&dataset, 3, 5, X);
    ck_assert_str_eq(dataset.feature_name[0], "two words");
    ck_assert_str_eq(dataset.feature_name[2], "colour=light green"); /* declared order */
    ck_assert_uint_eq(dataset.classes, 2);                           /* "never" does not occur */
    ck_assert_str_eq(dataset.class_name[0], "no");
    ck_assert_double_eq(dataset.y[0], 1);
    ck_assert_double_eq(dataset.y[1], 0);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(the_target_may_be_any_attribute)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "two words";
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", dense, options, &dataset));
    ck_assert_uint_eq(dataset.d, 3 + 1 + 3);
    ck_assert_uint_eq(dataset.classes, 0);
    ck_assert_double_eq(dataset.y[1], -2000);
    qntk_dataset_free(&dataset);
    options.target = "-3";
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", dense, options, &dataset));
    ck_assert_uint_eq(dataset.classes, 3);
    ck_assert_str_eq(dataset.class_name[0], "blue"); /* classes are sorted, unlike features */
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(sparse_rows_fill_up_with_zero_and_the_first_category)
{
    const char *text =
        "@relation s\n@attribute a real\n@attribute b {x,y}\n@attribute c real\n@attribute class {0,1}\n"
        "@data\n{0 1.5, 3 1}\n{1 y}\n{ }\n{2 -7 , 3 1} % end\n";
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", text, qntk_dataset_defaults(), &dataset));
    const double X[] = {1.5, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, -7}, y[] = {1, 0, 0, 1};
    check_features(&dataset, 4, 4, X);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(dataset.y[i], y[i]);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(a_string_or_date_may_be_the_target_and_nothing_else)
{
    const char *text =
        "@relation t\n@attribute s string\n@attribute v real\n@data\n'it\\'s',1\nb,2\n\"it's\",3\n";
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "s";
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", text, options, &dataset));
    ck_assert_uint_eq(dataset.classes, 2);
    ck_assert_str_eq(dataset.class_name[1], "it's");
    ck_assert_double_eq(dataset.y[2], 1);
    qntk_dataset_free(&dataset);
    read_fails(text, NULL, QNTK_UNSUPPORTED,
               "column 's': expected numeric or nominal features, found a string or date");
    read_fails("@attribute d date 'yyyy'\n@attribute v real\n@data\n1999,1\n", NULL, QNTK_UNSUPPORTED,
               "column 'd'");
    read_fails("@attribute s string\n@attribute v real\n@data\n{1 2}\n", "s", QNTK_FORMAT,
               "x.arff:4: expected a dense row, the target being a string, found '{1 2}'");
}
END_TEST

START_TEST(nominal_numbers_serve_regression_and_other_words_do_not)
{
    const char *text = "@attribute v real\n@attribute y {10,2,0.5}\n@data\n1,2\n2,0.5\n3,10\n";
    qntk_dataset_options options = qntk_dataset_defaults();
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", text, options, &dataset));
    ck_assert_str_eq(dataset.class_name[0], "0.5"); /* numerical order */
    ck_assert_str_eq(dataset.class_name[2], "10");
    qntk_dataset_free(&dataset);
    options.task = QNTK_TASK_REGRESS;
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", text, options, &dataset));
    ck_assert_uint_eq(dataset.classes, 0);
    ck_assert_double_eq(dataset.y[2], 10);
    qntk_dataset_free(&dataset);
    ck_assert_fails(read_text(qntk_arff_read, "x.arff", dense, options, &dataset), QNTK_INVALID,
                    "x.arff:9: column 'class': expected a number for regression, found 'yes'");
}
END_TEST

START_TEST(a_question_mark_is_missing)
{
    const char *text =
        "@attribute v real\n@attribute c {a,b}\n@attribute y {0,1}\n@data\n1,a,0\n?,b,1\n3,?,1\n";
    read_fails(text, NULL, QNTK_FORMAT,
               "x.arff:6: column 'v': expected a value, found none; 2 values are missing");
    qntk_dataset_options options = qntk_dataset_defaults();
    options.missing = QNTK_MISSING_MEAN;
    ck_assert_ok(read_text(qntk_arff_read, "x.arff", text, options, &dataset));
    const double X[] = {1, 1, 0, 2, 0, 1, 3, 0.5, 0.5};
    check_features(&dataset, 3, 3, X);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(each_mistake_is_named_with_its_line)
{
    read_fails("", NULL, QNTK_FORMAT, "x.arff: the file is empty");
    read_fails("@relation x\n", NULL, QNTK_FORMAT, "x.arff:2: expected @data, found the end of the file");
    read_fails("@relation x\n@data\n1\n", NULL, QNTK_FORMAT,
               "x.arff:2: expected @attribute lines above @data");
    read_fails("@attribute a real\n@data\n% none\n", NULL, QNTK_FORMAT, "x.arff: the file has no rows");
    read_fails("hello\n", NULL, QNTK_FORMAT,
               "x.arff:1: expected @relation, @attribute or @data, found 'hello'");
    read_fails("@attributes a real\n", NULL, QNTK_FORMAT,
               "x.arff:1: expected @relation, @attribute or @data");
    read_fails("@attribute a float\n", NULL, QNTK_FORMAT,
               "x.arff:1: expected numeric, real, integer, {categories}, string or date, found 'float'");
    read_fails("@attribute a relational\n", NULL, QNTK_FORMAT, "found 'relational'");
    read_fails("@attribute 'a real\n", NULL, QNTK_FORMAT, "x.arff:1: expected a closing quote");
    read_fails("@attribute a {x,,y}\n", NULL, QNTK_FORMAT, "x.arff:1: expected a category, found ',y}'");
    read_fails("@attribute a {x,y\n", NULL, QNTK_FORMAT, "x.arff:1: expected ',' or '}' behind a category");
    read_fails("@attribute a {x,x}\n", NULL, QNTK_FORMAT,
               "x.arff:1: expected different categories, found 'x' twice");
    read_fails("@attribute a real real\n", NULL, QNTK_FORMAT,
               "x.arff:1: expected the end of the line, found 'real'");
    read_fails("@attribute a real\n@attribute a real\n", NULL, QNTK_FORMAT,
               "x.arff:2: expected different column names");
    const char *head = "@attribute a real\n@attribute b {x,y}\n@data\n";
    static const struct {
        const char *row, *message;
        qntk_status code;
    } bad[] = {
        {"1,x,3\n", "x.arff:4: expected 2 fields, found 3", QNTK_FORMAT},
        {"1\n", "x.arff:4: expected 2 fields, found 1", QNTK_FORMAT},
        {"1,z\n", "x.arff:4: column 'b': expected one of its 2 declared categories, found 'z'", QNTK_FORMAT},
        {"one,x\n", "x.arff:4: column 'a': expected a number, found 'one'", QNTK_FORMAT},
        {"1e999,x\n", "x.arff:4: column 'a': expected a finite number, found '1e999'", QNTK_NOT_FINITE},
        {"1 x\n", "x.arff:4: expected ',' behind a value, found 'x'", QNTK_FORMAT},
        {"{2 1}\n",
         "x.arff:4: expected ascending attribute numbers below the number of attributes, found '2 1}'",
         QNTK_FORMAT},
        {"{1 x, 0 1}\n", "expected ascending attribute numbers", QNTK_FORMAT},
        {"{0 1\n", "x.arff:4: expected ',' or '}' behind a value, found the end of the line", QNTK_FORMAT},
        {"{0 1} 5\n", "x.arff:4: expected the end of the line, found '5'", QNTK_FORMAT},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s", head, bad[k].row);
        read_fails(text, NULL, bad[k].code, bad[k].message);
    }
}
END_TEST

START_TEST(a_small_file_cannot_claim_a_huge_table)
{
    enum { ATTRIBUTES = 3000, ROWS = 30000 };
    char *text = malloc(ATTRIBUTES * 24 + ROWS * 3 + 64), *at = text;
    ck_assert_ptr_nonnull(text);
    for (int j = 0; j < ATTRIBUTES; j++)
        at += sprintf(at, "@attribute %d real\n", j);
    at += sprintf(at, "@data\n");
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, "{}\n");
    read_fails(text, NULL, QNTK_TOO_LARGE,
               "claims 30000 rows of 3000 columns, a table of 0.7 GiB, which is out of proportion");
    free(text);
}
END_TEST

static qntk_status read_dense(void *context)
{
    return read_text(qntk_arff_read, "x.arff", dense, qntk_dataset_defaults(), context);
}

static qntk_status read_string(void *context)
{
    return read_text(qntk_arff_read, "x.arff", "@attribute v real\n@attribute s string\n@data\n1,a\n2,b\n",
                     qntk_dataset_defaults(), context);
}

static void clean(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_may_fail)
{
    check_allocations(read_dense, clean, &dataset);
    check_allocations(read_string, clean, &dataset);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, dense_rows_with_quotes_comments_and_any_case);
    tcase_add_test(tcase, the_target_may_be_any_attribute);
    tcase_add_test(tcase, sparse_rows_fill_up_with_zero_and_the_first_category);
    tcase_add_test(tcase, a_string_or_date_may_be_the_target_and_nothing_else);
    tcase_add_test(tcase, nominal_numbers_serve_regression_and_other_words_do_not);
    tcase_add_test(tcase, a_question_mark_is_missing);
    tcase_add_test(tcase, each_mistake_is_named_with_its_line);
    tcase_add_test(tcase, a_small_file_cannot_claim_a_huge_table);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("dataset_arff", add_tests);
}
