/* One pass of rows through a network and back, which the gradient and the kernel of tangent.c are made of
 * (tangent_pass.c). See tangent.h for the formulas and the names of all quantities. */
#ifndef QNTK_TANGENT_INTERNAL_H
#define QNTK_TANGENT_INTERNAL_H

#include "moments_internal.h"

#include <cblas.h>

enum {
    TANGENT_BLOCK = 64 /* rows of data, or of weights, that go into a product together: an item of work */
};

/* One layer on all n rows. The inputs m, v are the outputs of the layer below. */
typedef struct {
    const qntk_moments_weights *layer;
    const double *m, *v;   /* (n,fan_in); v NULL: zero */
    double *out_m, *out_v; /* (n,fan_out), through the ReLU; NULL in the last layer */
    double *slope;         /* (n,fan_out) Phi(mu/s) */
    double *bend;          /* (n,fan_out) phi(mu/s)/(2s), half the expected second derivative */
    double *delta, *eps;   /* (n,fan_out) */
    bool varies;           /* s2 is not zero for all latent weights: eps counts */
} qntk_tangent_stage;

typedef struct {
    size_t count, n, width; /* width: the greatest */
    const double *X;
    qntk_tangent_stage *stages; /* (count) */
    double *rows;               /* all arrays of the stages */
    double *square;             /* (n,width) m^2 */
    double *weights[2];         /* (largest layer): noise and second, or their derivatives */
    bool derivatives;           /* which of the two prepare_rows makes */
    qntk_tangent_stage *now;    /* the one the items below work on */
    double *scratch;            /* (threads, scratch_size) */
    double *pairs;    /* (n,n) contributions of eps, one triangle to be added to the other; NULL without K */
    double *K;        /* (n,n), the lower triangle; NULL where only a gradient is wanted */
    double *gradient; /* of the weights of p->now */
} qntk_tangent_pass;

/* Arrays for p->count layers, p->n rows and the greatest p->width. */
qntk_status tangent_allocate(qntk_tangent_pass *p, const qntk_moments_weights *layers);
void tangent_release(qntk_tangent_pass *p);

/* Numbers that a worker needs in p->scratch. */
size_t tangent_scratch_size(const qntk_tangent_pass *p);

/* How many blocks hold so many rows. */
size_t tangent_blocks(size_t count);

/* Makes p->weights for the stage, which becomes p->now: tau and tau + theta^2, or their derivatives tau' and
 * tau' + 2 theta. */
qntk_status tangent_prepare(qntk_tangent_pass *p, qntk_tangent_stage *s, bool derivatives);

/* C (rows,columns) = alpha A B + beta C, with B (inner,columns), or its transpose (columns,inner) stored. */
void tangent_multiply(size_t rows, size_t columns, size_t inner, double alpha, const double *A,
                      CBLAS_TRANSPOSE transpose, const double *B, double beta, double *C);

/* C (some,columns) = alpha A' B: A (n,some) of rows `stride` apart, B (n,columns). */
void tangent_sum_rows(size_t n, size_t some, size_t columns, double alpha, const double *A, size_t stride,
                      const double *B, double *C);

/* All rows through all layers. */
qntk_status tangent_forward(qntk_tangent_pass *p);

/* delta of the last layer: `coefficient` (outputs) for each row. */
void tangent_seed_outputs(qntk_tangent_pass *p, const double *coefficient);

/* From delta of the last layer to those of all layers. With the variance held fixed eps is left at zero. */
qntk_status tangent_backward(qntk_tangent_pass *p, bool variance_fixed);

#endif
