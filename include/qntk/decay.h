/* How a spectrum decays: a power law, exponentially, or between the two. */
#ifndef QNTK_DECAY_H
#define QNTK_DECAY_H

#include <stddef.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Three laws are fitted to y = log(eigenvalue) as a function of i, the index 1, 2, .. of a spectrum of data
 * or the degree 1, 2, .. on the sphere, by least squares on the same points of the same window:
 *
 *     power          y = log_scale - exponent log(i)
 *     exponential    y = log_scale - rate i
 *     stretched      y = log_scale - rate i^shape,  0 < shape <= 2       ("compressed" if shape > 1)
 *
 * The stretched law joins the two (shape to 0 and shape 1). It is there because neither of them is what
 * kernels do on data in several dimensions: a geometric decay q^k in the degree k, with about k^(d-1)
 * eigenvalues up to degree k, is exp(-i^(1/(d-1))) in the index; against a power law alone an exponential
 * would lose to it.
 *
 * Points. Spectra of data on or near a sphere come in plateaus (multiplicity 1, d, (d+2)(d-1)/2, ..) and most
 * of their indices lie in the tail. A point is therefore the mean of log(i), i and y over one of at most 64
 * bins of equal width in log(i): a staircase counts by its width in log(i), as in a log-log plot, and means
 * keep the first two laws exact. On the sphere each degree is a point, and even and odd degrees have scales
 * of their own: where the kernel has a singularity at t = -1 as well as at 1, the two classes follow one
 * exponent with different constants; where one class vanishes, it is skipped.
 *
 * Window. Its end is the last value above the noise floor and, for a sample of n rows, no further than a
 * quarter of n (at least 32, at most n/2): beyond, the eigenvalues of a kernel matrix no longer follow those
 * of the kernel. (Towards that end they already lie above: of 2000 points on the sphere in R^3 the Laplace
 * kernel shows the exponent 1.44 on indices 24 to 500, its exact spectrum 1.50.) Its start is where the law
 * sets in: the s leading points are left out that minimise M log(RSS/TSS) + 2 s for the best of the laws, M
 * the number of all points, TSS their sum of squares about the mean (AIC with one parameter for each point
 * left out); at least half of the points, and no fewer than 8, stay. For indices M is reduced as below, so
 * that a staircase is not taken for a law that has yet to set in.
 *
 * What it cannot tell: over three or four plateaus (d = 10 and a few thousand rows) a geometric decay in the
 * degree and a power law look alike, and the standard errors are wide. The exact spectrum on the sphere
 * decides there.
 *
 * Errors. The residuals of a staircase are correlated: with r >= 0 their lag-one autocorrelation, m points
 * count for m (1-r)/(1+r), the effective size of an AR(1) sample. Standard errors are those of ordinary least
 * squares times sqrt((1+r)/(1-r)); AIC is (effective size) log(RSS/m) + 2 (parameters), with the r of the law
 * that fits best, so that AICs of one window compare. They do not know that the window was chosen. The method
 * is derived here; r for correlated residuals as in Wilks, "Statistical Methods in the Atmospheric Sciences",
 * on the variance of a time mean. */
typedef enum {
    QNTK_DECAY_UNDETERMINED, /* fewer than 8 points, or the best two laws are within 2 in AIC */
    QNTK_DECAY_POWER,
    QNTK_DECAY_EXPONENTIAL,
    QNTK_DECAY_STRETCHED, /* better than both by more than 2, with a shape in (0.15, 0.8) */
    QNTK_DECAY_COMPRESSED /* likewise, with a shape above 1.1 */
} qntk_decay_law;

typedef struct {
    double floor;       /* values not above it are noise; default 1e-300 */
    size_t rows;        /* of the sample the matrix is built on; default 0: an exact spectrum */
    size_t first, last; /* index or degree; default 0: chosen automatically */
} qntk_decay_options;

typedef struct {
    size_t first, last; /* the window, inclusive; 0 if undetermined for lack of points */
    size_t points;      /* fitted in it: bins or degrees */
    size_t skipped;     /* values that are zero, negative or not above the floor (degree 0 not counted) */
    double floor;       /* in use: options.floor, or twice the most negative value where that is more */
    double effective_points;
    struct {
        double exponent, exponent_se, log_scale, aic;
    } power;
    struct {
        double rate, rate_se, log_scale, aic;
    } exponential;
    struct {
        double shape, rate, log_scale, aic;
    } stretched;
    double odd_log_ratio; /* sphere: log of the scale of odd degrees over that of even ones, of the law that
                             fits best (log_scale is the even one's); 0 where only one class is there */
    qntk_decay_law law;
    char verdict[384]; /* "power law, exponent 1.465 +- 0.019 (AIC -79 against -26), fitted on indices 50 to
                          500" */
} qntk_decay;          /* numbers that were not determined are NaN */

qntk_decay_options qntk_decay_defaults(void);

/* The noise floor of the eigenvalues of a computed (n,n) matrix: (8 + n/64) eps largest, eps the relative
 * precision of its entries and of the eigensolver (2^-52 for double). At least seven times the largest
 * eigenvalue of the wrong sign over Gaussian, Laplace, tangent and low-rank kernels with n = 200 .. 4000,
 * where it grew from 1.6 to 3.3 eps largest. */
double qntk_decay_floor(size_t n, double largest, double eps);

/* Fits eval (count), descending, indices 1 .. count; for the leading M eigenvalues of n rows: count = M,
 * options.rows = n. O(count + 64^2 laws). Exact power laws and exponentials are recovered to 1e-10.
 * QNTK_INVALID if not descending, if first > last or last > count; QNTK_NOT_FINITE with the index;
 * QNTK_NO_MEMORY. */
qntk_status qntk_decay_fit(size_t count, const double *eval, qntk_decay_options options, qntk_decay *decay);

/* Fits eval (count), the eigenvalue of degree 0 .. count-1 on a sphere, multiplicity left out. Degree 0 is
 * never used. O(count^2). Codes as above, any order allowed. */
qntk_status qntk_decay_fit_degrees(size_t count, const double *eval, qntk_decay_options options,
                                   qntk_decay *decay);

/* "power law", "exponential", "stretched exponential", "compressed exponential", "undetermined". */
const char *qntk_decay_law_name(qntk_decay_law law);

/* The next three take multiplicity (count) or NULL for ones. Relative error about eps (values >= 0). */

/* sum_k N_k eval_k. */
double qntk_decay_trace(size_t count, const double *eval, const double *multiplicity);

/* (sum_k N_k eval_k)^2 / sum_k N_k eval_k^2 = trace^2/|K|_F^2, between 1 and the rank. No overflow or
 * underflow in between; 0 for a spectrum of zeros. */
double qntk_decay_effective_dimension(size_t count, const double *eval, const double *multiplicity);

/* share (count): N_k eval_k / trace; cumulative (count): their running sum. `trace` is that of the whole
 * spectrum when eval is only its head; 0: the sum of what is here. Zeros if the trace is not positive. */
void qntk_decay_shares(size_t count, const double *eval, const double *multiplicity, double trace,
                       double *share, double *cumulative);

#ifdef __cplusplus
}
#endif
#endif
