/* The thread pool, interruption and progress. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "internal.h"

#include <cblas.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 1024 };

/* A job is handed to the workers it needs, each woken by its own condition; the caller is worker 0. */
static struct {
    pthread_mutex_t lock; /* guards everything below but the atomics */
    pthread_cond_t finish;
    struct {
        pthread_t thread;
        pthread_cond_t start;
        bool called;       /* to the present job */
    } helper[MAX_THREADS]; /* worker w is helper[w-1] */
    size_t wanted;         /* threads to use, 0 = not yet decided */
    size_t started;        /* helpers running */
    size_t busy;           /* helpers still in the present job */
    bool stopping;
    qntk_parallel_body body;
    void *context;
    size_t count;
    bool team;
    qntk_status status; /* first failure, with its message */
    char message[1024];
    atomic_size_t next;
    atomic_bool failed;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .finish = PTHREAD_COND_INITIALIZER};

/* One parallel loop at a time; a second thread of the user's waits here. */
static pthread_mutex_t one_job = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool inside_job;
static _Thread_local size_t this_worker;
static atomic_bool interrupted;

static pthread_mutex_t progress_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool reporting; /* this thread runs the callback of progress */

void qntk_interrupt(void)
{
    atomic_store(&interrupted, true);
}

bool qntk_interrupted(void)
{
    return atomic_load_explicit(&interrupted, memory_order_relaxed);
}

void qntk_interrupt_clear(void)
{
    atomic_store(&interrupted, false);
}

static size_t processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (size_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

static void record_failure(qntk_status status)
{
    pthread_mutex_lock(&pool.lock);
    if (pool.status == QNTK_OK) {
        pool.status = status;
        snprintf(pool.message, sizeof pool.message, "%s", qntk_message());
    }
    pthread_mutex_unlock(&pool.lock);
    atomic_store(&pool.failed, true);
}

/* Item `index`, unless the user has had enough. */
static qntk_status run_item(qntk_parallel_body body, void *context, size_t index, size_t worker)
{
    return qntk_interrupted() ? qntk_fail(QNTK_INTERRUPTED, "interrupted") : body(context, index, worker);
}

/* One worker's share of the job. */
static void work(size_t worker)
{
    inside_job = true;
    this_worker = worker;
    if (pool.team) {
        qntk_status status = pool.body(pool.context, worker, worker);
        if (status != QNTK_OK)
            record_failure(status);
    } else {
        while (!atomic_load_explicit(&pool.failed, memory_order_relaxed)) {
            size_t index = atomic_fetch_add(&pool.next, 1);
            if (index >= pool.count)
                break;
            qntk_status status = run_item(pool.body, pool.context, index, worker);
            if (status != QNTK_OK)
                record_failure(status);
        }
    }
    inside_job = false;
}

static void *worker_main(void *argument)
{
    size_t worker = (size_t)(uintptr_t)argument;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (!pool.helper[worker - 1].called && !pool.stopping)
            pthread_cond_wait(&pool.helper[worker - 1].start, &pool.lock);
        if (pool.stopping)
            break;
        pool.helper[worker - 1].called = false;
        pthread_mutex_unlock(&pool.lock);
        work(worker);
        pthread_mutex_lock(&pool.lock);
        if (--pool.busy == 0)
            pthread_cond_signal(&pool.finish);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* Ends the workers; with one_job held. */
static void stop_workers(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.stopping = true;
    for (size_t i = 0; i < pool.started; i++)
        pthread_cond_signal(&pool.helper[i].start);
    pthread_mutex_unlock(&pool.lock);
    for (size_t i = 0; i < pool.started; i++) {
        pthread_join(pool.helper[i].thread, NULL);
        pthread_cond_destroy(&pool.helper[i].start);
    }
    pool.started = 0;
    pool.stopping = false;
}

/* Starts what is missing of so many helpers; a machine that refuses threads gives fewer. With one_job held. */
static size_t start_workers(size_t helpers)
{
    while (pool.started < helpers) {
        size_t i = pool.started;
        pool.helper[i].called = false;
        pthread_cond_init(&pool.helper[i].start, NULL);
        if (pthread_create(&pool.helper[i].thread, NULL, worker_main, (void *)(uintptr_t)(i + 1)) != 0) {
            pthread_cond_destroy(&pool.helper[i].start);
            break;
        }
        pool.started++;
    }
    return qntk_min(pool.started, helpers);
}

/* Nothing to end if exit() was called while a loop runs, by a body of it or beside it: the process takes its
 * threads along. */
__attribute__((destructor)) static void end_pool(void)
{
    if (inside_job || pthread_mutex_trylock(&one_job) != 0)
        return;
    stop_workers();
    pthread_mutex_unlock(&one_job);
}

/* ---- fork: the child has the thread that called it and no other ---- */

static void before_fork(void)
{
    pthread_mutex_lock(&pool.lock); /* the child finds the pool between two changes */
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&pool.lock);
}

/* Locks that other threads held would stay locked for ever. */
static void after_fork_in_child(void)
{
    pool.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    pool.finish = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    if (!(inside_job && this_worker == 0)) /* else one_job is this thread's own */
        one_job = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    if (!reporting)
        progress_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    if (inside_job && pool.busy > 0 && pool.status == QNTK_OK) {
        pool.status = QNTK_UNSUPPORTED;
        snprintf(pool.message, sizeof pool.message,
                 "forked inside a parallel loop: its other threads are gone");
        atomic_store(&pool.failed, true);
    }
    pool.started = 0;
    pool.busy = 0;
    pool.stopping = false;
}

qntk_status qntk_threads_set(size_t threads)
{
    QNTK_REQUIRE(threads <= MAX_THREADS, "threads must be at most 1024");
    QNTK_REQUIRE(!inside_job, "called from inside a parallel loop");
    qntk_threads(); /* the start value is decided before, not after */
    pthread_mutex_lock(&one_job);
    stop_workers();
    pool.wanted = threads == 0 ? qntk_min(processors(), MAX_THREADS) : threads;
    pthread_mutex_unlock(&one_job);
    return QNTK_OK;
}

/* Before any worker starts. Decided once: a later change of affinity must not make workers outnumber what
 * callers sized for them. */
static void decide_threads(void)
{
    pool.wanted = qntk_min(processors(), MAX_THREADS);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

size_t qntk_threads(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, decide_threads);
    return pool.wanted;
}

/* Runs a job of `count` items on no more workers than that; for a team an item is a worker. */
static qntk_status run(size_t count, qntk_parallel_body body, void *context, bool team)
{
    pthread_mutex_lock(&one_job);
    size_t helpers = count > 1 ? start_workers(qntk_min(count, qntk_threads()) - 1) : 0;
    if (team && helpers + 1 < count) {
        pthread_mutex_unlock(&one_job);
        return qntk_fail(QNTK_NO_MEMORY, "cannot start %zu threads; pass --threads 1", count);
    }
    int blas_threads = openblas_get_num_threads();
    if (blas_threads != 1)
        openblas_set_num_threads(1);

    pthread_mutex_lock(&pool.lock);
    pool.body = body;
    pool.context = context;
    pool.count = count;
    pool.team = team;
    pool.status = QNTK_OK;
    atomic_store(&pool.next, 0);
    atomic_store(&pool.failed, false);
    pool.busy = helpers;
    for (size_t i = 0; i < helpers; i++) {
        pool.helper[i].called = true;
        pthread_cond_signal(&pool.helper[i].start);
    }
    pthread_mutex_unlock(&pool.lock);

    work(0);

    pthread_mutex_lock(&pool.lock);
    while (pool.busy > 0)
        pthread_cond_wait(&pool.finish, &pool.lock);
    qntk_status status = pool.status;
    if (status != QNTK_OK)
        qntk_fail(status, "%s", pool.message);
    pthread_mutex_unlock(&pool.lock);

    if (blas_threads != 1)
        openblas_set_num_threads(blas_threads);
    pthread_mutex_unlock(&one_job);
    return status;
}

qntk_status qntk_parallel_for(size_t count, qntk_parallel_body body, void *context)
{
    if (!inside_job)
        return run(count, body, context, false);
    for (size_t i = 0; i < count; i++) {
        qntk_status status = run_item(body, context, i, 0);
        if (status != QNTK_OK)
            return status;
    }
    return QNTK_OK;
}

qntk_status qntk_parallel_team(qntk_parallel_body body, void *context)
{
    return inside_job ? body(context, 0, 0) : run(qntk_threads(), body, context, true);
}

qntk_status qntk_parallel_alone(qntk_parallel_body body, void *context)
{
    return inside_job ? body(context, 0, 0) : run(1, body, context, true);
}

size_t qntk_loop_workers(size_t count)
{
    return qntk_min(count, qntk_team_size());
}

bool qntk_inside_loop(void)
{
    return inside_job;
}

size_t qntk_team_size(void)
{
    return inside_job ? 1 : qntk_threads();
}

/* ---- progress ---- */

static _Atomic(qntk_progress_callback) progress_callback;
static void *progress_context;
static double progress_last; /* seconds, monotonic clock */

void qntk_progress_set(qntk_progress_callback callback, void *context)
{
    pthread_mutex_lock(&progress_lock);
    progress_callback = callback;
    progress_context = context;
    progress_last = 0;
    pthread_mutex_unlock(&progress_lock);
}

void qntk_progress(const char *label, double fraction)
{
    const double interval = 0.1; /* seconds between calls of the callback */
    if (atomic_load_explicit(&progress_callback, memory_order_relaxed) == NULL || reporting)
        return;
    if (fraction >= 1)
        pthread_mutex_lock(&progress_lock);
    else if (pthread_mutex_trylock(&progress_lock) != 0)
        return; /* another thread is reporting */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    qntk_progress_callback callback = atomic_load(&progress_callback);
    if (callback != NULL && (fraction >= 1 || seconds - progress_last >= interval)) {
        progress_last = seconds;
        reporting = true;
        callback(progress_context, label, fraction);
        reporting = false;
    }
    pthread_mutex_unlock(&progress_lock);
}
