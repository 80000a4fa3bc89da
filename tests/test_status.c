#include "test.h"

#include <string.h>

#include "internal.h"

START_TEST(a_failure_leaves_its_message)
{
    ck_assert_int_eq(qntk_fail(QNTK_FORMAT, "%s:%d: expected %d fields", "x.csv", 3, 5), QNTK_FORMAT);
    ck_assert_str_eq(qntk_message(), "x.csv:3: expected 5 fields");
}
END_TEST

START_TEST(a_message_can_be_extended_from_itself)
{
    qntk_fail(QNTK_IO, "disk full");
    qntk_fail(QNTK_IO, "out.tsv: %s", qntk_message());
    ck_assert_str_eq(qntk_message(), "out.tsv: disk full");
}
END_TEST

START_TEST(a_long_message_is_cut_not_overrun)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    qntk_fail(QNTK_IO, "%s", text);
    ck_assert_uint_eq(strlen(qntk_message()), 1023);
}
END_TEST

START_TEST(every_code_has_its_own_name)
{
    for (int i = QNTK_OK; i <= QNTK_INTERRUPTED; i++) {
        ck_assert_str_ne(qntk_status_name((qntk_status)i), "unknown status");
        for (int j = QNTK_OK; j < i; j++)
            ck_assert_str_ne(qntk_status_name((qntk_status)i), qntk_status_name((qntk_status)j));
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_failure_leaves_its_message);
    tcase_add_test(tcase, a_message_can_be_extended_from_itself);
    tcase_add_test(tcase, a_long_message_is_cut_not_overrun);
    tcase_add_test(tcase, every_code_has_its_own_name);
}

int main(void)
{
    return test_main("status", add_tests);
}
