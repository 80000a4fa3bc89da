/* Text tables: delimiters, quotes, header, numbers, categories, missing values. */
#include "dataset_memory.h"

#include <locale.h>
#include <string.h>

static qntk_dataset dataset;

static void read_ok(const char *path, const char *text, const char *target)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = target;
    ck_assert_ok(read_text(qntk_csv_read, path, text, options, &dataset));
}

static void read_fails(const char *path, const char *text, qntk_status code, const char *message)
{
    ck_assert_fails(read_text(qntk_csv_read, path, text, qntk_dataset_defaults(), &dataset), code, message);
    ck_assert_ptr_null(dataset.X);
}

/* All columns as features: these. */
static void check_table(const char *path, const char *text, size_t n, size_t d, const double *X)
{
    read_ok(path, text, "none");
    check_features(&dataset, n, d, X);
    ck_assert_ptr_null(dataset.y);
    qntk_dataset_free(&dataset);
}

static const double one_to_six[] = {1, 2, 3, 4, 5, 6};

START_TEST(delimiters_follow_the_ending_and_then_the_content)
{
    check_table("x.csv", "1,2,3\n4,5,6\n", 2, 3, one_to_six);
    check_table("x.csv", "1;2;3\n4;5;6\n", 2, 3, one_to_six);
    check_table("x.csv", "1\t2\t3\n4\t5\t6\n", 2, 3, one_to_six);
    check_table("x.tsv", "1\t2\t3\n4\t5\t6\n", 2, 3, one_to_six);
    check_table("x.tsv", "1,2,3\n4,5,6\n", 2, 3, one_to_six);
    check_table("x.txt", "1 2   3\n\t4 5 6 \n", 2, 3, one_to_six);
    check_table("x.txt", "1\t2\t3\n4\t5\t6\n", 2, 3, one_to_six);
    check_table("x.txt", "1;2;3\n4;5;6\n", 2, 3, one_to_six);
    check_table("x.txt", "1, 2, 3\n4, 5, 6\n", 2, 3, one_to_six);
    check_table("x.txt", "1\n2\n3\n4\n5\n6\n", 6, 1, one_to_six);
    check_table("x.csv.gz", "1\n2\n3\n4\n5\n6\n", 6, 1, one_to_six);
}
END_TEST

START_TEST(any_line_end_works_and_the_last_may_lack)
{
    check_table("x.csv", "1,2,3\r\n4,5,6\r\n", 2, 3, one_to_six);
    check_table("x.csv", "1,2,3\r4,5,6\r", 2, 3, one_to_six);
    check_table("x.csv", "1,2,3\n4,5,6", 2, 3, one_to_six);
    check_table("x.csv", "1,2,3\n4,5,6\r", 2, 3, one_to_six);
    check_table("x.csv", "1,2\r\n3,4\n5,6\r", 3, 2, one_to_six);
    check_table("x.csv", "\n\n1,2,3\n \n\n4,5,6\n\n\n", 2, 3, one_to_six);
}
END_TEST

START_TEST(a_byte_order_mark_and_comments_above_are_skipped)
{
    check_table("x.csv",
                "\xEF\xBB\xBF"
                "1,2,3\n4,5,6\n",
                2, 3, one_to_six);
    check_table("x.csv", "# made by hand, 2,3\n# more\n1,2,3\n4,5,6\n", 2, 3, one_to_six);
    read_ok("x.csv",
            "\xEF\xBB\xBF"
            "a,b,c\n1,2,3\n4,5,6\n",
            "none");
    ck_assert_str_eq(dataset.feature_name[0], "a");
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(quotes_hold_delimiters_line_ends_and_quotes)
{
    read_ok(
        "x.csv",
        "\"a, b\" , \"say \"\"hi\"\"\",\"two\nlines\",y\r\n1,\"2\", \"x\"\"\" ,0\r\n3,\"4\",\"x\ny\",1\r\n",
        "y");
    ck_assert_uint_eq(dataset.n, 2);
    ck_assert_str_eq(dataset.feature_name[0], "a, b");
    ck_assert_str_eq(dataset.feature_name[1], "say \"hi\"");
    ck_assert_str_eq(dataset.feature_name[2], "two\nlines=x\ny"); /* '\n' sorts before '"' */
    ck_assert_str_eq(dataset.feature_name[3], "two\nlines=x\"");
    const double X[] = {1, 2, 0, 1, 3, 4, 1, 0};
    check_features(&dataset, 2, 4, X);
    qntk_dataset_free(&dataset);
    read_fails("x.csv", "1,\"2\"3\n", QNTK_FORMAT,
               "x.csv:1: expected a delimiter behind the closing quote, found '3'");
    read_fails("x.csv", "1,2\n3,\"4\n5,6\n", QNTK_FORMAT,
               "x.csv:2: expected a closing quote, found the end of the file");
    read_fails("x.csv", "a,b\n\"1\n\n\",2\n3\n", QNTK_FORMAT, "x.csv:5: expected 2 fields, found 1");
}
END_TEST

START_TEST(a_header_is_text_above_numbers)
{
    read_ok("x.csv", "a,b\n1,2\n3,4\n", NULL);
    ck_assert_uint_eq(dataset.n, 2);
    ck_assert_str_eq(dataset.feature_name[0], "a");
    qntk_dataset_free(&dataset);
    read_ok("x.csv", "1,b\n1,2\n3,4\n", NULL); /* one column is enough */
    ck_assert_uint_eq(dataset.n, 2);
    ck_assert_str_eq(dataset.feature_name[0], "1");
    qntk_dataset_free(&dataset);
    read_ok("x.csv", "a,,c\n1,2,3\n", "none"); /* a nameless column is called by its number */
    ck_assert_str_eq(dataset.feature_name[1], "c1");
    qntk_dataset_free(&dataset);
    read_ok("x.csv", "1,red\n2,blue\n3,red\n", NULL);
    ck_assert_uint_eq(dataset.n, 3);
    ck_assert_ptr_null(dataset.feature_name);
    ck_assert_str_eq(dataset.class_name[0], "blue");
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(in_a_file_of_words_a_header_is_a_row_unlike_the_others)
{
    read_ok("x.csv", "size,kind\nbig,cat\nsmall,dog\nbig,dog\n", NULL);
    ck_assert_uint_eq(dataset.n, 3);
    ck_assert_str_eq(dataset.feature_name[1], "size=small");
    qntk_dataset_free(&dataset);
    read_ok("x.csv", "big,cat\nsmall,dog\nbig,dog\n", NULL); /* "big" comes again */
    ck_assert_uint_eq(dataset.n, 3);
    ck_assert_str_eq(dataset.feature_name[0], "c0=big");
    qntk_dataset_free(&dataset);
    read_ok("x.csv", "x,x\no,b\no,o\n", NULL); /* twice the same word */
    ck_assert_uint_eq(dataset.n, 3);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(categories_become_sorted_columns_of_zeros_and_ones)
{
    read_ok("x.csv", "w,colour,y\n1,red,0\n2,green,1\n3,blue,0\n4,red,1\n", NULL);
    const double X[] = {1, 0, 0, 1, 2, 0, 1, 0, 3, 1, 0, 0, 4, 0, 0, 1};
    check_features(&dataset, 4, 4, X);
    ck_assert_str_eq(dataset.feature_name[0], "w");
    ck_assert_str_eq(dataset.feature_name[1], "colour=blue");
    ck_assert_str_eq(dataset.feature_name[3], "colour=red");
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(one_text_among_many_numbers_is_a_mistake_and_among_few_a_category)
{
    read_fails("x.csv", "a,b\n1,0\n2,0\n3,0\n4,1\n5,1\n6,0\n7,0\n8,0\n9,1\n10,1\n1z,0\n", QNTK_FORMAT,
               "x.csv:12: column 'a': expected a number as in most rows, found '1z'");
    read_ok("x.csv", "doors,y\n2,0\n3,0\n4,1\n5more,1\n", NULL);
    ck_assert_uint_eq(dataset.d, 4);
    ck_assert_str_eq(dataset.feature_name[3], "doors=5more");
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(missing_values_are_an_error_with_place_and_count)
{
    const char *text = "x,colour,y\n1,red,0\n2,NA,1\n,?,0\n4,null,1\nnan,red,0\n";
    read_fails("x.csv", text, QNTK_FORMAT,
               "x.csv:3: column 'colour': expected a value, found none; 5 values are missing in all: pass "
               "--missing");
    read_fails("x.csv", "1,2\n3,-NaN\n", QNTK_FORMAT,
               "x.csv:2: column 1: expected a value, found none; 1 value is missing");
}
END_TEST

START_TEST(missing_values_are_dropped_or_replaced_by_means)
{
    const char *text = "x,colour,y\n1,red,0\n2,?,1\n,green,0\n6,red,NA\n9,red,1\n";
    qntk_dataset_options options = qntk_dataset_defaults();
    options.missing = QNTK_MISSING_DROP;
    ck_assert_ok(read_text(qntk_csv_read, "x.csv", text, options, &dataset));
    const double dropped[] = {1, 0, 1, 9, 0, 1};
    check_features(&dataset, 2, 3, dropped);
    ck_assert_double_eq(dataset.y[1], 1);
    qntk_dataset_free(&dataset);
    options.missing = QNTK_MISSING_MEAN; /* the row without a target goes all the same */
    ck_assert_ok(read_text(qntk_csv_read, "x.csv", text, options, &dataset));
    const double mean[] = {1, 0, 1, 2, 1.0 / 3, 2.0 / 3, 4, 1, 0, 9, 0, 1};
    check_features(&dataset, 4, 3, mean);
    qntk_dataset_free(&dataset);
    options.missing = QNTK_MISSING_DROP;
    ck_assert_fails(read_text(qntk_csv_read, "x.csv", "1,NA\n?,2\n", options, &dataset), QNTK_FORMAT,
                    "x.csv: no row is left without the 2 missing values");
    options.missing = QNTK_MISSING_MEAN;
    ck_assert_fails(read_text(qntk_csv_read, "x.csv", "a,b\n?,1\n?,2\n", options, &dataset), QNTK_FORMAT,
                    "x.csv: column 'a' has no value at all, so no mean");
}
END_TEST

START_TEST(the_mean_of_huge_values_is_finite)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.missing = QNTK_MISSING_MEAN;
    ck_assert_ok(read_text(qntk_csv_read, "x.csv", "1.5e308,1\n1.5e308,2\n?,3\n", options, &dataset));
    ck_assert_double_eq(dataset.X[2], 1.5e308);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(infinity_and_overflow_are_errors_whatever_missing_says)
{
    static const char *const bad[] = {"1,2\n3,inf\n", "1,2\n3,-Infinity\n", "1,2\n3,1e999\n",
                                      "1,2\n3,-1e400\n"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        qntk_dataset_options options = qntk_dataset_defaults();
        options.missing = QNTK_MISSING_DROP;
        ck_assert_fails(read_text(qntk_csv_read, "x.csv", bad[k], options, &dataset), QNTK_NOT_FINITE,
                        "x.csv:2: column 1: expected a finite number, found '");
    }
}
END_TEST

START_TEST(ragged_and_empty_tables_are_refused)
{
    read_fails("x.csv", "1,2,3,4,5\n1,2,3,4,5\n1,2,3,4\n", QNTK_FORMAT,
               "x.csv:3: expected 5 fields, found 4");
    read_fails("x.csv", "1,2\n1,2,3\n", QNTK_FORMAT, "x.csv:2: expected 2 fields, found 3");
    read_fails("x.csv", "1\n1,2\n", QNTK_FORMAT, "x.csv:2: expected 1 field, found 2");
    read_fails("x.csv", "", QNTK_FORMAT, "x.csv: the file is empty");
    read_fails("x.csv", "\xEF\xBB\xBF", QNTK_FORMAT, "x.csv: the file is empty");
    read_fails("x.csv", "\n\n# nothing\n", QNTK_FORMAT, "x.csv: expected rows of data, found none");
    read_fails("x.csv", "a,b\n", QNTK_FORMAT, "x.csv: expected rows of data below the header, found none");
    read_fails("x.csv", "a,b,a\n1,2,3\n", QNTK_FORMAT,
               "x.csv:1: expected different column names, found 'a' for columns 0 and 2");
    read_fails("x.csv", "1\n2\n", QNTK_INVALID, "expected a column beside the target");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    ck_assert_fails(read_bytes(qntk_csv_read, "x.csv", "1,2\0\n", 5, options, &dataset), QNTK_FORMAT,
                    "expected text, found a zero byte at offset 3");
    ck_assert_fails(read_bytes(qntk_csv_read, "x.csv", "\xFF\xFE,\0", 4, options, &dataset), QNTK_FORMAT,
                    "expected UTF-8 text, found UTF-16");
    read_fails("x.csv", "1,2\n3,\x01\x02\n5,6\n7,8\n1,1\n1,1\n1,1\n1,1\n1,1\n1,1\n1,1\n1,1\n", QNTK_FORMAT,
               "found '?"
               "?'");
}
END_TEST

/* What the C library says, in the C locale the tests run in. */
static void check_number(const char *text)
{
    double value;
    ck_assert_int_eq(qntk_field_parse(text, strlen(text), &value), QNTK_FIELD_NUMBER);
    double expected = strtod(text, NULL);
    ck_assert_msg(memcmp(&value, &expected, sizeof value) == 0, "%s read as %.17g, expected %.17g", text,
                  value, expected);
}

START_TEST(numbers_are_rounded_as_strtod_rounds_them)
{
    static const char *const hard[] = {"0",
                                       "-0",
                                       "+1",
                                       ".5",
                                       "5.",
                                       "1e22",
                                       "1e23",
                                       "9007199254740993",
                                       "1e-22",
                                       "4.9e-324",
                                       "2.4703282292062327e-324",
                                       "1.7976931348623157e308",
                                       "123456789012345678901234567890",
                                       "0.1234567890123456789012345",
                                       "00001.5E+03",
                                       "8.5e-0005",
                                       "9007199254740992e22",
                                       "1e-400",
                                       "0e999999999999"};
    for (size_t k = 0; k < sizeof hard / sizeof hard[0]; k++)
        check_number(hard[k]);
    qntk_rng rng = qntk_rng_create(17, 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = qntk_rng_bits(&rng);
        double value;
        char text[64];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        snprintf(text, sizeof text, "%.*g", (int)(i % 20 + 1), value);
        if (isfinite(strtod(text, NULL)))
            check_number(text);
    }
}
END_TEST

START_TEST(numbers_have_a_decimal_point_in_any_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    const char *found = NULL;
    for (size_t k = 0; k < sizeof commas / sizeof commas[0] && found == NULL; k++)
        found = setlocale(LC_ALL, commas[k]);
    if (found == NULL) {
        test_skip("no locale with a decimal comma is installed");
        return;
    }
    double quick, slow;
    char text[32];
    qntk_field_kind first = qntk_field_parse("1.5", 3, &quick);
    qntk_field_kind second = qntk_field_parse("1.2345678901234567e-5,", 21, &slow);
    bool comma = qntk_field_parse("1,5", 3, &(double){0}) == QNTK_FIELD_TEXT;
    qntk_number_text(-0.75, text);
    double there = strtod("0,5", NULL);
    setlocale(LC_ALL, "C");
    ck_assert_double_eq(there, 0.5); /* the locale was in force */
    ck_assert_int_eq(first, QNTK_FIELD_NUMBER);
    ck_assert_int_eq(second, QNTK_FIELD_NUMBER);
    ck_assert(comma);
    ck_assert_double_eq(quick, 1.5);
    ck_assert_double_eq(slow, 1.2345678901234567e-5);
    ck_assert_str_eq(text, "-0.75");
}
END_TEST

START_TEST(what_is_no_decimal_number_is_text_or_missing)
{
    static const char *const words[] = {"0x10", "1e",  "e5",  ".",    "+",    "-",  "1.2.3",
                                        "--1",  "1 2", "1,5", "infi", "nano", "Na", "1e+"};
    static const char *const missing[] = {"", "?", "NA", "nan", "NaN", "NAN", "-nan", "null", "NULL"};
    double value;
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        ck_assert_msg(qntk_field_parse(words[k], strlen(words[k]), &value) == QNTK_FIELD_TEXT, "'%s'",
                      words[k]);
    for (size_t k = 0; k < sizeof missing / sizeof missing[0]; k++)
        ck_assert_msg(qntk_field_parse(missing[k], strlen(missing[k]), &value) == QNTK_FIELD_MISSING, "'%s'",
                      missing[k]);
}
END_TEST

START_TEST(many_rows_and_categories_keep_their_places)
{
    enum { ROWS = 20000 };
    char *text = malloc(ROWS * 32 + 16), *at = text;
    ck_assert_ptr_nonnull(text);
    at += sprintf(at, "k,v,y\n");
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, "w%d,%d,%d.5\n", i * 7 % 100 + 100, i, i);
    read_ok("x.csv", text, NULL);
    free(text);
    ck_assert_uint_eq(dataset.n, ROWS);
    ck_assert_uint_eq(dataset.d, 101);
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_double_eq(dataset.y[i], (double)i + 0.5);
        for (size_t j = 0; j < 100; j++)
            ck_assert_double_eq(dataset.X[i * 101 + j], j == i * 7 % 100 ? 1 : 0);
        ck_assert_double_eq(dataset.X[i * 101 + 100], (double)i);
    }
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(a_file_reads_the_same_plain_and_compressed)
{
    static const char *const files[] = {"tests/fixtures/people.csv", "tests/fixtures/people.csv.gz"};
    for (size_t k = 0; k < 2; k++) {
        qntk_dataset_options options = qntk_dataset_defaults();
        options.missing = QNTK_MISSING_DROP;
        ck_assert_ok(qntk_dataset_read(test_source(files[k]), options, &dataset));
        ck_assert_str_eq(dataset.name, "people");
        ck_assert_uint_eq(dataset.n, 3);
        ck_assert_uint_eq(dataset.d, 5 + 1 + 1 + 3); /* names, height, born, cities */
        ck_assert_str_eq(dataset.feature_name[0], "name=Ada \"the first\"");
        ck_assert_str_eq(dataset.feature_name[3], "name=Kurt\nFriedrich");
        ck_assert_str_eq(dataset.feature_name[5], "height, m");
        ck_assert_double_eq(dataset.X[2 * 10 + 5], 1.70);
        ck_assert_str_eq(dataset.class_name[1], "yes");
        ck_assert_double_eq(dataset.y[2], 1);
        qntk_dataset_free(&dataset);
        ck_assert_fails(qntk_dataset_read(test_source(files[k]), qntk_dataset_defaults(), &dataset),
                        QNTK_FORMAT,
                        ":6: column 'height, m': expected a value, found none; 2 values are missing");
    }
}
END_TEST

static qntk_status read_everything(void *context)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.missing = QNTK_MISSING_MEAN;
    options.scale = QNTK_SCALE_ZSCORE;
    options.limit = 4;
    return read_text(qntk_csv_read, "x.csv", "w,c,y\n1,\"r\"\"\",a\n2,g,b\n?,b,a\n4,r,b\n5,?,b\n6,r,a\n",
                     options, context);
}

static qntk_status read_words(void *context)
{
    return read_text(qntk_csv_read, "x.csv", "size,kind\nbig,cat\nsmall,dog\nbig,dog\n",
                     qntk_dataset_defaults(), context);
}

static void clean(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_may_fail)
{
    check_allocations(read_everything, clean, &dataset);
    check_allocations(read_words, clean, &dataset);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, delimiters_follow_the_ending_and_then_the_content);
    tcase_add_test(tcase, any_line_end_works_and_the_last_may_lack);
    tcase_add_test(tcase, a_byte_order_mark_and_comments_above_are_skipped);
    tcase_add_test(tcase, quotes_hold_delimiters_line_ends_and_quotes);
    tcase_add_test(tcase, a_header_is_text_above_numbers);
    tcase_add_test(tcase, in_a_file_of_words_a_header_is_a_row_unlike_the_others);
    tcase_add_test(tcase, categories_become_sorted_columns_of_zeros_and_ones);
    tcase_add_test(tcase, one_text_among_many_numbers_is_a_mistake_and_among_few_a_category);
    tcase_add_test(tcase, missing_values_are_an_error_with_place_and_count);
    tcase_add_test(tcase, missing_values_are_dropped_or_replaced_by_means);
    tcase_add_test(tcase, the_mean_of_huge_values_is_finite);
    tcase_add_test(tcase, infinity_and_overflow_are_errors_whatever_missing_says);
    tcase_add_test(tcase, ragged_and_empty_tables_are_refused);
    tcase_add_test(tcase, bytes_that_are_no_text_are_refused);
    tcase_add_test(tcase, numbers_are_rounded_as_strtod_rounds_them);
    tcase_add_test(tcase, numbers_have_a_decimal_point_in_any_locale);
    tcase_add_test(tcase, what_is_no_decimal_number_is_text_or_missing);
    tcase_add_test(tcase, many_rows_and_categories_keep_their_places);
    tcase_add_test(tcase, a_file_reads_the_same_plain_and_compressed);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("dataset_csv", add_tests);
}
