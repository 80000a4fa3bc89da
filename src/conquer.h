/* What divide and conquer works on: see tridiag_eigen.c. */
#ifndef QNTK_CONQUER_H
#define QNTK_CONQUER_H

#include "secular.h"
#include "spectrum_internal.h"

typedef enum { TOP, MIXED, BOTTOM, KINDS } kind; /* which half of an eigenvector is not zero */

typedef struct {
    size_t n, width, lead; /* vectors are n rows of `width` numbers, `lead` apart (0: values only) */
    bool whole;           /* the vectors are those of T itself: half of each is zero before its first merge */
    size_t wanted;        /* largest eigenvalues whose vectors are asked for */
    double *d, *e;        /* eigenvalues of the present parts; T's off-diagonal */
    size_t *order;        /* of each part: its eigenvalues ascending */
    double *first, *last; /* first and last row of the eigenvectors of each part */
    double *Q;            /* (n,lead) */
    double *G;            /* (n,lead): the vectors that take part in a merge, by kind */
    double *S;            /* (n,lead_s): eigenvectors of D + rho z z', one per row */
    size_t lead_s;
    double *work;  /* (WORKS,n) */
    size_t *place; /* (PLACES,n) */
    const qntk_kernels *kernels;
} qntk_conquest;

enum { W_D, W_Z, W_F, W_L, W_ORIGIN, W_MU, W_WEIGHT, W_D2, W_Z2, W_F2, W_L2, WORKS };
enum { P_INDEX, P_KEPT, P_LOST, P_GROUP, PLACES };

/* One merge of rows begin .. middle-1 with middle .. end-1; everything it uses is at `begin` of the shared
 * arrays. */
typedef struct {
    qntk_conquest *c;
    size_t begin, middle, end;
    size_t k;            /* roots; the other end - begin - k eigenvalues are deflated */
    size_t group[KINDS]; /* how many of each kind take part */
    size_t first_root;   /* the vectors of roots from here on are wanted */
    double rho;
    double *work[WORKS];
    size_t *place[PLACES];
} qntk_merger;

/* The columns in which vectors of rows begin .. end-1 may differ from zero, widened to whole slices: what is
 * beyond the part is zero there, and belongs to these rows alone. */
static inline size_t qntk_first_column(const qntk_conquest *c, size_t begin)
{
    return c->whole ? begin / QNTK_SLICE * QNTK_SLICE : 0;
}

static inline size_t qntk_last_column(const qntk_conquest *c, size_t end)
{
    return c->whole ? (end + QNTK_SLICE - 1) / QNTK_SLICE * QNTK_SLICE : c->width;
}

/* Merges two parts; begin, middle, end, c, work and place are set by the caller. */
qntk_status qntk_merge(qntk_merger *m);

#endif
