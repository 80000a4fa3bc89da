/* One pool of threads for the whole library. While it works, BLAS runs on one thread
 * in each worker, so that the two do not compete and so that results do not depend on
 * the number of threads: the work is cut into the same items for any thread count. */
#ifndef QNTK_PARALLEL_H
#define QNTK_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Work on item `index` (0 .. count-1) by worker `worker` (0 .. qntk_loop_workers(count)-1). A
 * result other than QNTK_OK stops the loop: no further item is started. */
typedef qntk_status (*qntk_parallel_body)(void *context, size_t index, size_t worker);

/* Sets the number of threads, 1 .. 1024; 0 = one per processor this process may use
 * (the start value). Not while a parallel loop runs. */
qntk_status qntk_threads_set(size_t threads);

/* The number of threads in use. */
size_t qntk_threads(void);

/* Calls body(context, i, worker) for each i < count, items handed out in ascending order.
 * Returns the first failure (its message becomes the caller's), QNTK_INTERRUPTED if
 * qntk_interrupt was called before the last item began, or QNTK_OK. A call from inside a body
 * runs serially in its caller, which is worker 0 of that inner loop.
 *
 * A body may call exit(). A child that a body forks has one thread: if the loop had others, it ends
 * in the child with QNTK_UNSUPPORTED. Forking between loops is free; the child starts its own threads. */
qntk_status qntk_parallel_for(size_t count, qntk_parallel_body body, void *context);

/* How many workers a loop over `count` items started from here has at most, for the size of their scratch:
 * min(count, qntk_team_size()). */
size_t qntk_loop_workers(size_t count);

/* Runs body(context, worker, worker) for worker = 0 .. qntk_team_size()-1, all at once, for
 * algorithms that synchronise among themselves (pipelines). The bodies may wait for each
 * other: all of them are running. */
qntk_status qntk_parallel_team(qntk_parallel_body body, void *context);

/* The size of a team started from here: qntk_threads(), or 1 inside a parallel loop, where the
 * caller is the whole team. */
size_t qntk_team_size(void);

/* Asks long work to stop soon with QNTK_INTERRUPTED. Safe in a signal handler. */
void qntk_interrupt(void);

/* True after qntk_interrupt, until qntk_interrupt_clear. Long loops poll it. */
bool qntk_interrupted(void);
void qntk_interrupt_clear(void);

/* Called with the fraction done (0..1) of the step named `label`; from any thread, one
 * call at a time, at most about ten times a second. */
typedef void (*qntk_progress_callback)(void *context, const char *label, double fraction);

/* Installs the callback (NULL: none). Not while work runs. */
void qntk_progress_set(qntk_progress_callback callback, void *context);

/* Reports progress of a step; cheap when called too often. A fraction of 1 is always passed on, once
 * another thread's report has ended; a call from inside the callback is ignored. */
void qntk_progress(const char *label, double fraction);

#ifdef __cplusplus
}
#endif
#endif
