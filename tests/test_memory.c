#include "test.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

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

/* ---- control groups, in a tree of our own ---- */

static char tree[] = "/tmp/qntk-cgroup-XXXXXX";

static const char *in_tree(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", tree, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(in_tree(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* The figures of a group: limit, use, memory.stat with so many inactive file pages. */
static void write_group(const char *group, const char *const names[3], const char *limit, const char *use,
                        const char *key, const char *inactive)
{
    char name[128], text[128];
    snprintf(name, sizeof name, "%s/%s", group, names[0]);
    write_text(name, limit);
    snprintf(name, sizeof name, "%s/%s", group, names[1]);
    write_text(name, use);
    snprintf(name, sizeof name, "%s/%s", group, names[2]);
    snprintf(text, sizeof text, "anon 7\n%s %s\nactive_file 5\n", key, inactive);
    write_text(name, text);
}

static size_t room(const char *membership)
{
    char path[256];
    write_text("cgroup", membership);
    snprintf(path, sizeof path, "%s", in_tree("cgroup"));
    return qntk_cgroup_room(path, tree);
}

START_TEST(the_room_is_that_of_the_own_control_group_and_of_those_above)
{
    static const char *const second[] = {"memory.max", "memory.current", "memory.stat"};
    static const char *const first[] = {"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"};
    static const char *const folders[] = {"user", "user/job", "memory", "memory/job"};
    ck_assert_ptr_nonnull(mkdtemp(tree));
    for (size_t k = 0; k < 4; k++)
        ck_assert_int_eq(mkdir(in_tree(folders[k]), 0700), 0);

    /* version 2: a root without figures, a parent, the group */
    ck_assert_uint_eq(room("0::/user/job\n"), SIZE_MAX);
    write_group("user/job", second, "1000\n", "400\n", "inactive_file", "150");
    ck_assert_uint_eq(room("0::/user/job\n"), 1000 - (400 - 150));
    write_group("user", second, "5000\n", "4800\n", "inactive_file", "100");
    ck_assert_uint_eq(room("0::/user/job\n"), 5000 - (4800 - 100));
    ck_assert_uint_eq(room("0::/user/gone\n"), 5000 - (4800 - 100));
    ck_assert_uint_eq(room("0::/\n"), SIZE_MAX);
    write_group("user", second, "max\n", "4800\n", "inactive_file", "100");
    ck_assert_uint_eq(room("12:cpu,cpuacct:/user\n0::/user/job\n"), 750);
    write_group("user/job", second, "1000\n", "1400\n", "inactive_file", "150");
    ck_assert_uint_eq(room("0::/user/job\n"), 0);
    write_group("user/job", second, "1000\n", "100\n", "inactive_file", "150");
    ck_assert_uint_eq(room("0::/user/job\n"), 1000);

    /* version 1, where the total is that of the group with those below */
    write_group("memory/job", first, "2000\n", "600\n", "total_inactive_file", "100");
    ck_assert_uint_eq(room("3:cpuset:/\n4:memory:/job\n0::/\n"), 1500);
    write_group("memory", first, "1200\n", "600\n", "total_inactive_file", "0");
    ck_assert_uint_eq(room("4:memory:/job\n"), 600);
    ck_assert_uint_eq(room("nonsense\n"), SIZE_MAX);

    static const char *const files[] = {"user/memory.max",
                                        "user/memory.current",
                                        "user/memory.stat",
                                        "user/job/memory.max",
                                        "user/job/memory.current",
                                        "user/job/memory.stat",
                                        "memory/memory.limit_in_bytes",
                                        "memory/memory.usage_in_bytes",
                                        "memory/memory.stat",
                                        "memory/job/memory.limit_in_bytes",
                                        "memory/job/memory.usage_in_bytes",
                                        "memory/job/memory.stat",
                                        "cgroup",
                                        "user/job",
                                        "user",
                                        "memory/job",
                                        "memory",
                                        ""};
    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        ck_assert_int_eq(remove(in_tree(files[k])), 0);
}
END_TEST

static qntk_status allocate_too_much(void)
{
    void *array = qntk_alloc(SIZE_MAX / 2, 8);
    return array == NULL ? QNTK_FAIL_MEMORY() : QNTK_OK;
}

START_TEST(the_message_of_a_failed_allocation_keeps_its_size)
{
    ck_assert_fails(allocate_too_much(), QNTK_NO_MEMORY,
                    "allocate_too_much: out of memory: 9223372036854775807 elements of 8 bytes");
    void *array = NULL;
    size_t capacity = 0;
    ck_assert_fails(qntk_grow(&array, &capacity, SIZE_MAX, 8), QNTK_NO_MEMORY,
                    "18446744073709551615 elements of 8 bytes");
    ck_assert(array == NULL && capacity == 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, arrays_are_aligned_and_zeroed_on_request);
    tcase_add_test(tcase, a_product_that_overflows_is_refused);
    tcase_add_test(tcase, growing_keeps_the_elements);
    tcase_add_test(tcase, the_chosen_allocation_fails_once);
    tcase_add_test(tcase, the_room_is_that_of_the_own_control_group_and_of_those_above);
    tcase_add_test(tcase, the_message_of_a_failed_allocation_keeps_its_size);
    tcase_add_test(tcase, a_need_beyond_the_machine_is_refused_with_both_figures);
}

int main(void)
{
    return test_main("memory", add_tests);
}
