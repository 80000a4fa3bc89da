#include "test.h"

#include <stdatomic.h>
#include <string.h>

#include "internal.h"

enum { ITEMS = 1000 };

typedef struct {
    atomic_int visits[ITEMS];
    atomic_int arrived;
    size_t fail_at;
} job;

static qntk_status visit(void *context, size_t index, size_t worker)
{
    job *j = context;
    ck_assert_uint_lt(worker, qntk_threads());
    if (index == j->fail_at)
        return qntk_fail(QNTK_NOT_FINITE, "item %zu is bad", index);
    atomic_fetch_add(&j->visits[index], 1);
    return QNTK_OK;
}

START_TEST(every_item_is_visited_once_on_any_number_of_threads)
{
    for (size_t threads = 1; threads <= 5; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        job j = {.fail_at = ITEMS};
        ck_assert_ok(qntk_parallel_for(ITEMS, visit, &j));
        for (size_t i = 0; i < ITEMS; i++)
            ck_assert_int_eq(atomic_load(&j.visits[i]), 1);
    }
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

START_TEST(a_failure_in_a_worker_reaches_the_caller_with_its_message)
{
    ck_assert_ok(qntk_threads_set(3));
    job j = {.fail_at = 17};
    ck_assert_fails(qntk_parallel_for(ITEMS, visit, &j), QNTK_NOT_FINITE, "item 17 is bad");
    j.fail_at = ITEMS;
    ck_assert_ok(qntk_parallel_for(ITEMS, visit, &j));
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

START_TEST(an_interrupt_stops_the_loop_until_it_is_cleared)
{
    job j = {.fail_at = ITEMS};
    qntk_interrupt();
    ck_assert_fails(qntk_parallel_for(ITEMS, visit, &j), QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    ck_assert_ok(qntk_parallel_for(ITEMS, visit, &j));
}
END_TEST

static qntk_status nest(void *context, size_t index, size_t worker)
{
    (void)worker;
    job *j = context;
    return index < 10 ? qntk_parallel_for(ITEMS, visit, j) : QNTK_OK;
}

START_TEST(a_nested_loop_runs_in_its_worker)
{
    ck_assert_ok(qntk_threads_set(4));
    job j = {.fail_at = ITEMS};
    ck_assert_ok(qntk_parallel_for(20, nest, &j));
    for (size_t i = 0; i < ITEMS; i++)
        ck_assert_int_eq(atomic_load(&j.visits[i]), 10);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static qntk_status meet(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    job *j = context;
    atomic_fetch_add(&j->arrived, 1);
    while (atomic_load(&j->arrived) < (int)qntk_threads())
        ;
    return QNTK_OK;
}

START_TEST(a_team_runs_at_once)
{
    ck_assert_ok(qntk_threads_set(3));
    job j = {.fail_at = ITEMS};
    ck_assert_ok(qntk_parallel_team(meet, &j));
    ck_assert_int_eq(atomic_load(&j.arrived), 3);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static qntk_status meet_alone(void *context, size_t index, size_t worker)
{
    ck_assert_uint_eq(index, 0);
    ck_assert_uint_eq(worker, 0);
    job *j = context;
    atomic_fetch_add(&j->arrived, 1);
    return QNTK_OK;
}

static qntk_status meet_inside(void *context, size_t index, size_t worker)
{
    (void)worker;
    job *members = context; /* one for each item */
    atomic_store(&members[index].visits[0], (int)qntk_team_size());
    return qntk_parallel_team(meet_alone, &members[index]);
}

START_TEST(a_team_inside_a_loop_is_its_caller_alone)
{
    enum { LOOP = 10 };
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_uint_eq(qntk_team_size(), 3);
    job *members = calloc(LOOP, sizeof *members);
    ck_assert_ok(qntk_parallel_for(LOOP, meet_inside, members));
    for (size_t i = 0; i < LOOP; i++) {
        ck_assert_int_eq(atomic_load(&members[i].visits[0]), 1);
        ck_assert_int_eq(atomic_load(&members[i].arrived), 1);
    }
    free(members);
    ck_assert_uint_eq(qntk_team_size(), 3);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static void count_calls(void *context, const char *label, double fraction)
{
    (void)label;
    (void)fraction;
    ++*(int *)context;
}

START_TEST(progress_is_thinned_but_its_end_is_always_told)
{
    int calls = 0;
    qntk_progress_set(count_calls, &calls);
    for (int i = 0; i < 100000; i++)
        qntk_progress("counting", i / 100000.0);
    ck_assert_int_lt(calls, 1000);
    int before = calls;
    qntk_progress("counting", 1);
    ck_assert_int_eq(calls, before + 1);
    qntk_progress_set(NULL, NULL);
    qntk_progress("counting", 1);
    ck_assert_int_eq(calls, before + 1);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_item_is_visited_once_on_any_number_of_threads);
    tcase_add_test(tcase, a_failure_in_a_worker_reaches_the_caller_with_its_message);
    tcase_add_test(tcase, an_interrupt_stops_the_loop_until_it_is_cleared);
    tcase_add_test(tcase, a_nested_loop_runs_in_its_worker);
    tcase_add_test(tcase, a_team_runs_at_once);
    tcase_add_test(tcase, a_team_inside_a_loop_is_its_caller_alone);
    tcase_add_test(tcase, progress_is_thinned_but_its_end_is_always_told);
}

int main(void)
{
    return test_main("parallel", add_tests);
}
