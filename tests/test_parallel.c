#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

enum { ITEMS = 1000 };

typedef struct {
    atomic_int visits[ITEMS];
    atomic_int arrived;
    atomic_int wrong; /* what a body found wrong: Check is not for other threads */
    size_t fail_at;
} job;

static qntk_status visit(void *context, size_t index, size_t worker)
{
    job *j = context;
    if (worker >= qntk_threads())
        atomic_fetch_add(&j->wrong, 1);
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
        ck_assert_int_eq(atomic_load(&j.wrong), 0);
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

enum { INTERRUPTED_AT = 17 };

/* Item 17 interrupts; those after it wait for that, so that none of them ends before. */
static qntk_status interrupt_midway(void *context, size_t index, size_t worker)
{
    (void)worker;
    job *j = context;
    atomic_fetch_add(&j->visits[index], 1);
    if (index == INTERRUPTED_AT)
        qntk_interrupt();
    while (index > INTERRUPTED_AT && !qntk_interrupted())
        sched_yield();
    return QNTK_OK;
}

static qntk_status interrupt_inside(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    return qntk_parallel_for(ITEMS, interrupt_midway, context);
}

START_TEST(an_interrupt_during_a_loop_starts_no_further_item)
{
    for (size_t threads = 1; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        job j = {.fail_at = ITEMS};
        qntk_status status = qntk_parallel_for(ITEMS, interrupt_midway, &j);
        qntk_interrupt_clear();
        ck_assert_int_eq(status, QNTK_INTERRUPTED);
        for (size_t i = 0; i < ITEMS; i++) {
            int visits = atomic_load(&j.visits[i]);
            ck_assert_msg(i > INTERRUPTED_AT || visits == 1, "item %zu: %d visits", i, visits);
            ck_assert_msg(i < INTERRUPTED_AT + threads || visits == 0, "item %zu: %d visits", i, visits);
        }
    }
    job j = {.fail_at = ITEMS}; /* an inner loop stops as well */
    qntk_status status = qntk_parallel_for(1, interrupt_inside, &j);
    qntk_interrupt_clear();
    ck_assert_int_eq(status, QNTK_INTERRUPTED);
    ck_assert_int_eq(atomic_load(&j.visits[INTERRUPTED_AT]), 1);
    ck_assert_int_eq(atomic_load(&j.visits[INTERRUPTED_AT + 1]), 0);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

/* Two items that wait for each other, so in two workers. */
static qntk_status meet_pair(void *context, size_t index, size_t worker)
{
    (void)index;
    job *j = context;
    if (worker >= qntk_min(2, qntk_threads()))
        atomic_fetch_add(&j->wrong, 1);
    atomic_fetch_add(&j->arrived, 1);
    while (atomic_load(&j->arrived) < 2)
        sched_yield();
    return QNTK_OK;
}

START_TEST(a_loop_has_no_more_workers_than_items)
{
    enum { LOOPS = 200 };
    ck_assert_ok(qntk_threads_set(5));
    ck_assert_uint_eq(qntk_loop_workers(2), 2);
    ck_assert_uint_eq(qntk_loop_workers(100), 5);
    int wrong = 0;
    for (int k = 0; k < LOOPS; k++) {
        job j = {.fail_at = ITEMS};
        ck_assert_ok(qntk_parallel_for(2, meet_pair, &j));
        wrong += atomic_load(&j.wrong);
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static qntk_status nest(void *context, size_t index, size_t worker)
{
    (void)worker;
    job *j = context;
    if (qntk_loop_workers(ITEMS) != 1)
        atomic_fetch_add(&j->wrong, 1);
    return index < 10 ? qntk_parallel_for(ITEMS, visit, j) : QNTK_OK;
}

START_TEST(a_nested_loop_runs_in_its_worker)
{
    ck_assert_ok(qntk_threads_set(4));
    job j = {.fail_at = ITEMS};
    ck_assert_ok(qntk_parallel_for(20, nest, &j));
    for (size_t i = 0; i < ITEMS; i++)
        ck_assert_int_eq(atomic_load(&j.visits[i]), 10);
    ck_assert_int_eq(atomic_load(&j.wrong), 0);
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
    job *j = context;
    if (index != 0 || worker != 0)
        atomic_fetch_add(&j->wrong, 1);
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
        ck_assert_int_eq(atomic_load(&members[i].wrong), 0);
    }
    free(members);
    ck_assert_uint_eq(qntk_team_size(), 3);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static qntk_status fail_alone(void *context, size_t index, size_t worker)
{
    return qntk_fail(QNTK_NOT_FINITE, "%zu %zu %zu %d", index, worker, qntk_team_size(),
                     *(const int *)context);
}

START_TEST(work_alone_is_a_team_of_one)
{
    ck_assert_ok(qntk_threads_set(3));
    job j = {.fail_at = ITEMS};
    ck_assert_ok(qntk_parallel_alone(meet_inside, &j));
    ck_assert_int_eq(atomic_load(&j.arrived), 1);
    ck_assert_int_eq(atomic_load(&j.wrong), 0);
    ck_assert_int_eq(atomic_load(&j.visits[0]), 1); /* the size of a team inside */
    qntk_interrupt();                               /* stops loops, not teams */
    const int seven = 7;
    ck_assert_fails(qntk_parallel_alone(fail_alone, (void *)&seven), QNTK_NOT_FINITE, "0 0 1 7");
    qntk_interrupt_clear();
    ck_assert_uint_eq(qntk_team_size(), 3);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

/* ---- fork and exit ---- */

enum { CHILD_SECONDS = 60 }; /* after which a child that hangs is killed */

/* Forks; the child does `act` and ends with what it returns. The child's exit code, or 128 + signal; -1 where
 * this cannot be tested. */
static int in_child(int (*act)(void))
{
#ifdef __SANITIZE_THREAD__
    (void)act;
    test_skip("the thread sanitizer allows no threads in a forked child");
    return -1;
#else
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS);
        _exit(act());
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
#endif
}

static int run_a_loop(void)
{
    job j = {.fail_at = ITEMS};
    if (qntk_parallel_for(ITEMS, visit, &j) != QNTK_OK)
        return 1;
    for (size_t i = 0; i < ITEMS; i++)
        if (atomic_load(&j.visits[i]) != 1)
            return 2;
    j.arrived = 0;
    return qntk_parallel_for(2, meet_pair, &j) == QNTK_OK && qntk_threads_set(2) == QNTK_OK ? 0 : 3;
}

START_TEST(a_child_forked_after_a_loop_runs_loops_on_threads_of_its_own)
{
    ck_assert_ok(qntk_threads_set(3));
    ck_assert_int_eq(run_a_loop(), 0);
    int code = in_child(run_a_loop);
    ck_assert_msg(code == 0 || code == -1, "the child ended with %d", code);
    ck_assert_int_eq(run_a_loop(), 0); /* and the parent still has its own */
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

static pid_t forked; /* by fork_in_body */

/* The caller's item forks while the other worker is in the loop. */
static qntk_status fork_in_body(void *context, size_t index, size_t worker)
{
    job *j = context;
    meet_pair(j, index, worker);
    if (worker == 0)
        forked = fork();
    if (worker == 0 && forked == 0)
        alarm(CHILD_SECONDS); /* a child does not inherit it */
    atomic_fetch_add(&j->visits[0], worker == 0);
    while (atomic_load(&j->visits[0]) == 0)
        sched_yield();
    return QNTK_OK;
}

static int fork_inside_a_loop(void)
{
    qntk_threads_set(2);
    job j = {.fail_at = ITEMS};
    qntk_status status = qntk_parallel_for(2, fork_in_body, &j);
    if (forked == 0)
        _exit(status == QNTK_UNSUPPORTED && strstr(qntk_message(), "forked") != NULL ? run_a_loop() : 4);
    int child = 0;
    if (status != QNTK_OK || waitpid(forked, &child, 0) != forked)
        return 5;
    return WIFEXITED(child) ? WEXITSTATUS(child) : 6;
}

START_TEST(a_loop_forked_within_fails_in_the_child_alone)
{
    int code = in_child(fork_inside_a_loop);
    ck_assert_msg(code == 0 || code == -1, "the child ended with %d", code);
}
END_TEST

static qntk_status exit_from_body(void *context, size_t index, size_t worker)
{
    size_t leaver = *(const size_t *)context;
    static job j;
    meet_pair(&j, index, worker);
    if (worker == leaver)
        exit(7); /* NOLINT(concurrency-mt-unsafe): that is what is tested */
    for (;;)
        sched_yield();
}

static int exit_from_worker(size_t leaver)
{
    qntk_threads_set(2);
    qntk_parallel_for(2, exit_from_body, &leaver);
    return 0;
}

static int exit_from_caller(void)
{
    return exit_from_worker(0);
}

static int exit_from_helper(void)
{
    return exit_from_worker(1);
}

START_TEST(exit_inside_a_loop_ends_the_process)
{
    int code = in_child(exit_from_caller);
    ck_assert_msg(code == 7 || code == -1, "the child ended with %d", code);
    code = in_child(exit_from_helper);
    ck_assert_msg(code == 7 || code == -1, "the child ended with %d", code);
}
END_TEST

/* ---- progress ---- */

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

typedef struct {
    atomic_int begun, asked, ended; /* calls of the callback begun; threads about to report 1; calls with 1 */
} slow_report;

static void report_slowly(void *context, const char *label, double fraction)
{
    slow_report *r = context;
    (void)label;
    if (fraction >= 1) {
        atomic_fetch_add(&r->ended, 1);
        return;
    }
    atomic_fetch_add(&r->begun, 1);
    qntk_progress("inner", 1); /* ignored, and no deadlock */
    while (atomic_load(&r->asked) == 0)
        sched_yield();
    for (int i = 0; i < 1000; i++) /* long enough for the other to find the report going on */
        sched_yield();
}

static void *report_the_end(void *context)
{
    slow_report *r = context;
    while (atomic_load(&r->begun) == 0)
        sched_yield();
    atomic_fetch_add(&r->asked, 1);
    qntk_progress("step", 1);
    return NULL;
}

START_TEST(the_end_is_told_even_while_another_thread_reports)
{
    slow_report r = {0};
    pthread_t thread;
    qntk_progress_set(report_slowly, &r);
    ck_assert_int_eq(pthread_create(&thread, NULL, report_the_end, &r), 0);
    qntk_progress("step", 0.5);
    pthread_join(thread, NULL);
    qntk_progress_set(NULL, NULL);
    ck_assert_int_eq(atomic_load(&r.begun), 1);
    ck_assert_int_eq(atomic_load(&r.ended), 1);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_item_is_visited_once_on_any_number_of_threads);
    tcase_add_test(tcase, a_failure_in_a_worker_reaches_the_caller_with_its_message);
    tcase_add_test(tcase, an_interrupt_stops_the_loop_until_it_is_cleared);
    tcase_add_test(tcase, an_interrupt_during_a_loop_starts_no_further_item);
    tcase_add_test(tcase, a_loop_has_no_more_workers_than_items);
    tcase_add_test(tcase, a_nested_loop_runs_in_its_worker);
    tcase_add_test(tcase, a_team_runs_at_once);
    tcase_add_test(tcase, a_team_inside_a_loop_is_its_caller_alone);
    tcase_add_test(tcase, work_alone_is_a_team_of_one);
    tcase_add_test(tcase, a_child_forked_after_a_loop_runs_loops_on_threads_of_its_own);
    tcase_add_test(tcase, a_loop_forked_within_fails_in_the_child_alone);
    tcase_add_test(tcase, exit_inside_a_loop_ends_the_process);
    tcase_add_test(tcase, progress_is_thinned_but_its_end_is_always_told);
    tcase_add_test(tcase, the_end_is_told_even_while_another_thread_reports);
}

int main(void)
{
    return test_main("parallel", add_tests);
}
