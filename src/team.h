/* Synchronisation inside qntk_parallel_team: waits that last microseconds, as in panel factorisations and
 * pipelines, where sleeping would cost more than the work between two waits. */
#ifndef QNTK_TEAM_H
#define QNTK_TEAM_H

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

/* Turns of a waiting loop before the processor is offered to others: about 20 microseconds. */
enum { QNTK_SPINS = 1000 };

/* One turn of a loop that waits for another thread; `turn` counts them. */
static inline void qntk_spin(size_t *turn)
{
    if (++*turn > QNTK_SPINS) {
        sched_yield();
        return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* All `count` threads meet; zero-initialise the other fields. */
typedef struct {
    size_t count;
    _Alignas(64) atomic_size_t arrived;
    _Alignas(64) atomic_size_t round;
} qntk_barrier;

static inline void qntk_barrier_wait(qntk_barrier *barrier)
{
    const size_t round = atomic_load_explicit(&barrier->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1 == barrier->count) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->round, round + 1, memory_order_release);
        return;
    }
    size_t turn = 0;
    while (atomic_load_explicit(&barrier->round, memory_order_acquire) == round)
        qntk_spin(&turn);
}

/* The part [begin, end) of `count` items that worker `worker` of `workers` takes when shares are fixed, so
 * that a thread finds its own data in its cache again. */
static inline void qntk_share(size_t count, size_t worker, size_t workers, size_t *begin, size_t *end)
{
    *begin = count * worker / workers;
    *end = count * (worker + 1) / workers;
}

#endif
