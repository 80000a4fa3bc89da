/* Stage 2 of the tridiagonalisation: band -> tridiagonal, by bulge chasing (Lang, "A parallel algorithm for
 * reducing symmetric banded matrices to tridiagonal form", SIAM J. Sci. Comput. 14, 1993).
 *
 * Sweep i brings column i to tridiagonal form with a reflector on rows i+1 .. i+32 and chases the bulge this
 * makes down the band: step k works on the diagonal block of rows i+1+32k .. i+32(k+1) and on the block
 * below it, whose first column gives the next reflector. Step k of sweep i+1 touches only what steps up to
 * k+1 of sweep i have left for good, so that sweeps follow each other through the band, eight in one thread
 * (the blocks stay in its cache) and groups of eight in different threads. Each step works on the same
 * numbers whoever does it when: the bytes do not depend on the number of threads. */
#include "team.h"
#include "tridiag_internal.h"

#include <stdint.h>
#include <string.h>

enum { BAND = QNTK_BAND, LEAD = QNTK_BAND_LEAD, GROUP = QNTK_GROUP };

typedef struct {
    size_t n;
    double *band;
    const qntk_kernels *kernels;
    qntk_chase_reflectors *reflectors;
    size_t groups;
    atomic_size_t *done; /* (groups): steps completed by the last sweep of each */
    atomic_size_t next;  /* first group nobody has taken */
    atomic_bool stop;
} chase;

/* The present reflector of each sweep of a group, and the next one. */
typedef struct {
    double v[GROUP][2][BAND];
    double tau[GROUP][2];
} reflector_pair;

/* Steps of sweep i: those whose reflector has at least two rows inside the matrix. */
static size_t steps_of(size_t n, size_t i)
{
    return i + 3 > n ? 0 : (n - 3 - i) / BAND + 1;
}

static size_t groups_of(size_t n)
{
    return n < 3 ? 0 : (n - 2 + GROUP - 1) / GROUP;
}

static void step(const chase *c, size_t sweep, size_t k, reflector_pair *pair, size_t member)
{
    double *v = pair->v[member][k % 2], *u = pair->v[member][(k + 1) % 2];
    double *tau = &pair->tau[member][k % 2];
    const size_t row = sweep + 1 + BAND * k;
    if (k == 0)
        qntk_reflector(c->band + sweep * LEAD + 1, v, tau);
    if (*tau != 0)
        c->kernels->two_sided(c->band + row * LEAD, v, *tau);
    if (row + BAND < c->n)
        c->kernels->right_left(c->band + row * LEAD + BAND, v, *tau, u, &pair->tau[member][(k + 1) % 2]);
    if (c->reflectors != NULL) {
        const size_t at = (c->reflectors->start[sweep / GROUP] + k) * GROUP + member;
        memcpy(c->reflectors->v + at * BAND, v, BAND * sizeof(double));
        c->reflectors->tau[at] = *tau;
    }
}

/* Waits until the group before has finished step k + 1 with its last sweep; false if the work is stopped. */
static bool wait_for(chase *c, size_t group, size_t k)
{
    size_t turn = 0;
    while (atomic_load_explicit(&c->done[group - 1], memory_order_acquire) < k + 2) {
        if (atomic_load_explicit(&c->stop, memory_order_relaxed))
            return false;
        qntk_spin(&turn);
    }
    return true;
}

/* The sweeps of one group, each one step behind the one before. */
static bool chase_group(chase *c, size_t group)
{
    const size_t first = group * GROUP, sweeps = qntk_min(GROUP, c->n - 2 - first);
    const size_t most = steps_of(c->n, first);
    reflector_pair pair = {0};
    for (size_t time = 0; time < most + sweeps - 1; time++) {
        if (group > 0 && time < most && !wait_for(c, group, time))
            return false;
        for (size_t member = 0; member < sweeps && member <= time; member++)
            if (time - member < steps_of(c->n, first + member))
                step(c, first + member, time - member, &pair, member);
        if (time + 1 >= sweeps)
            atomic_store_explicit(&c->done[group], time + 2 - sweeps, memory_order_release);
    }
    atomic_store_explicit(&c->done[group], SIZE_MAX, memory_order_release);
    return true;
}

static qntk_status chase_all(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    chase *c = context;
    const double before = 0.8, share = 0.15; /* of the time of all eigenvalues, about */
    for (;;) {
        const size_t group = atomic_fetch_add(&c->next, 1);
        if (group >= c->groups)
            return QNTK_OK;
        if (qntk_interrupted())
            atomic_store(&c->stop, true);
        if (atomic_load(&c->stop) || !chase_group(c, group))
            return qntk_fail(QNTK_INTERRUPTED, "interrupted");
        const double left = 1 - (double)group / (double)c->groups;
        qntk_progress("eigenvalues", before + share * (1 - left * left));
    }
}

void qntk_chase_reflectors_free(qntk_chase_reflectors *reflectors)
{
    qntk_free(reflectors->start);
    qntk_free(reflectors->v);
    qntk_free(reflectors->tau);
    *reflectors = (qntk_chase_reflectors){0};
}

static qntk_status allocate_reflectors(size_t n, qntk_chase_reflectors *reflectors)
{
    const size_t groups = groups_of(n);
    size_t blocks = 0;
    reflectors->groups = groups;
    reflectors->start = qntk_alloc(groups + 1, sizeof(size_t));
    if (reflectors->start == NULL)
        return QNTK_FAIL_MEMORY();
    for (size_t group = 0; group < groups; group++) {
        reflectors->start[group] = blocks;
        blocks += steps_of(n, group * GROUP);
    }
    reflectors->start[groups] = blocks;
    reflectors->v = qntk_alloc(blocks * GROUP * BAND, sizeof(double));
    reflectors->tau = qntk_alloc_zero(blocks * GROUP, sizeof(double)); /* slots no sweep reaches: H = I */
    if (reflectors->v == NULL || reflectors->tau == NULL)
        return QNTK_FAIL_MEMORY();
    return QNTK_OK;
}

qntk_status qntk_band_chase(size_t n, double *band, qntk_chase_reflectors *reflectors)
{
    chase c = {.n = n,
               .band = band,
               .kernels = qntk_kernels_best(),
               .reflectors = reflectors,
               .groups = groups_of(n)};
    qntk_status status = reflectors != NULL ? allocate_reflectors(n, reflectors) : QNTK_OK;
    c.done = qntk_alloc_zero(c.groups, sizeof *c.done);
    if (status == QNTK_OK && c.done == NULL)
        status = QNTK_FAIL_MEMORY();
    if (status == QNTK_OK)
        status = qntk_parallel_team(chase_all, &c);
    qntk_free(c.done);
    if (status != QNTK_OK && reflectors != NULL)
        qntk_chase_reflectors_free(reflectors);
    return status;
}
