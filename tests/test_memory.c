#include "test.h"

#include <stdint.h>
#include <string.h>

START_TEST(arrays_are_aligned_and_zeroed_on_request)
{
    unsigned char *array = qntk_alloc_zero(1000, 3);
    ck_assert_uint_eq((uintptr_t)array % 64, 0);
    for (size_t i = 0; i < 3000; i++)
        ck_assert_uint_eq(array[i], 0);
    qntk_free(array);
    void *empty = qntk_alloc(0, 8);
    ck_assert_ptr_nonnull(empty);
    qntk_free(empty);
}
END_TEST

START_TEST(a_product_that_overflows_is_refused)
{
    ck_assert_ptr_null(qntk_alloc(SIZE_MAX / 2, 8));
    ck_assert_ptr_nonnull(strstr(qntk_message(), "out of memory"));
}
END_TEST

START_TEST(growing_keeps_the_elements)
{
    void *array = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_ok(qntk_grow(&array, &capacity, i + 1, sizeof(size_t)));
        ((size_t *)array)[i] = i * i;
    }
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(((size_t *)array)[i], i * i);
    qntk_free(array);
}
END_TEST

START_TEST(the_chosen_allocation_fails_once)
{
    qntk_memory_fail_after(1);
    void *first = qntk_alloc(1, 1);
    void *second = qntk_alloc(1, 1);
    void *third = qntk_alloc(1, 1);
    ck_assert_int_eq(qntk_memory_fail_after(-1), 3);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(third);
    qntk_free(first);
    qntk_free(third);
}
END_TEST

START_TEST(a_need_beyond_the_machine_is_refused_with_both_figures)
{
    ck_assert_ok(qntk_memory_check(1, "a byte", "pass less"));
    if (qntk_memory_available() == SIZE_MAX) {
        test_skip("this system does not say how much memory is available");
        return;
    }
    ck_assert_fails(qntk_memory_check(SIZE_MAX / 2, "the kernel matrix", "pass --limit"), QNTK_TOO_LARGE,
                    "the kernel matrix needs");
    ck_assert_ptr_nonnull(strstr(qntk_message(), "pass --limit"));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, arrays_are_aligned_and_zeroed_on_request);
    tcase_add_test(tcase, a_product_that_overflows_is_refused);
    tcase_add_test(tcase, growing_keeps_the_elements);
    tcase_add_test(tcase, the_chosen_allocation_fails_once);
    tcase_add_test(tcase, a_need_beyond_the_machine_is_refused_with_both_figures);
}

int main(void)
{
    return test_main("memory", add_tests);
}
