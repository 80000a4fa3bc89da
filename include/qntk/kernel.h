/* Kernels: what they are, how they are named, and their value for one pair of rows.
 *
 * A kernel is named by a specification "NAME[:key=value,...]", as in "qntk:bits=2,depth=3" or
 * "gauss:bandwidth=0.5". qntk_kernel_families lists the names, qntk_kernel_keys their keys; the command
 * line's help is printed from them. */
#ifndef QNTK_KERNEL_H
#define QNTK_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { QNTK_DEPTH_MAX = 256 };

typedef enum {
    QNTK_FAMILY_NETWORK, /* qntk, ntk, nngp */
    QNTK_FAMILY_GAUSS,   /* exp(-r^2 / (2 l^2)) */
    QNTK_FAMILY_LAPLACE, /* exp(-r / l) */
    QNTK_FAMILY_RGAUSS, /* (1 + r^2 / (2 alpha l^2))^-alpha: a Gaussian of random scale, 1/l^2 ~ Gamma: rational quadratic */
    QNTK_FAMILY_GEXP,   /* exp(-(r/l)^power), 0 < power <= 2: powered exponential */
    QNTK_FAMILY_MATERN, /* 2^(1-nu)/Gamma(nu) s^nu K_nu(s), s = sqrt(2 nu) r / l */
    QNTK_FAMILY_FILE    /* a square matrix in an .npy file */
} qntk_family;

/* A fully connected ReLU network in the NTK parameterization, infinitely wide: layer l computes
 * h = w_std/sqrt(fan-in) W x + b_std b. The gain w_std^2 is 2/(V+tau) in front of a ReLU (which keeps the
 * second moment of the pre-activations the same in every layer) and 1/(V+tau) for the readout. */
typedef struct {
    size_t depth;      /* hidden layers, 1 .. QNTK_DEPTH_MAX */
    size_t levels;     /* weight law of the rounded layers: 0 real, 2 binary, 3 ternary, 2^k for k bits */
    double b_std;      /* standard deviation of the biases, >= 0 */
    bool quantize_all; /* false: the readout has real weights; true: it is rounded too */
    bool nngp;         /* false: tangent kernel; true: covariance of the mean output */
} qntk_network_shape;

typedef struct {
    char spec[256]; /* as the user wrote it */
    qntk_family family;
    qntk_network_shape network; /* QNTK_FAMILY_NETWORK */
    double bandwidth;           /* l > 0; 0 = the median pairwise distance, see qntk_kernel_resolve */
    double alpha;               /* rgauss, > 0 */
    double power;               /* gexp, in (0,2] */
    double nu;                  /* matern, > 0 */
} qntk_kernel;

typedef struct {
    const char *name;
    qntk_family family;
    const char *summary; /* one line */
} qntk_kernel_family;

/* The table of kernels, ended by a row whose name is NULL. */
extern const qntk_kernel_family qntk_kernel_families[];

/* The keys of a row of that table with their defaults and what they may be, as one line of text:
 * "depth=1 (between 1 and 256), b_std=0 (...)". */
enum { QNTK_KERNEL_KEYS = 512 };
void qntk_kernel_keys(const qntk_kernel_family *family, char text[QNTK_KERNEL_KEYS]);

/* Reads a specification, the same in any locale. What ends in ".npy" or ".npy.gz" is a file.
 * QNTK_INVALID, with the valid names, keys or range in the message. */
qntk_status qntk_kernel_parse(const char *spec, qntk_kernel *kernel);

/* Checks a struct, which may have been filled by hand: each parameter that the family has must be in the range
 * that qntk_kernel_parse allows (bandwidth 0, to be resolved, included). O(1). QNTK_INVALID, with the name and
 * the range of the parameter in the message. Functions that compute with a kernel ask it
 * themselves. */
qntk_status qntk_kernel_check(const qntk_kernel *kernel);

/* True for the families that depend on r = |x - z| only. */
bool qntk_kernel_is_radial(const qntk_kernel *kernel);

/* The median Euclidean distance over pairs of distinct rows of X (n,d), of at most 2000 rows
 * chosen by the seed. QNTK_INVALID if it is zero (n < 2, or most rows equal). O(2000^2 d). */
qntk_status qntk_median_distance(size_t n, size_t d, const double *X, uint64_t seed, double *distance);

/* Puts the median distance where a radial kernel's bandwidth is 0. Without data (X NULL): sqrt(2), the
 * median distance of independent uniform points on the unit sphere. */
qntk_status qntk_kernel_resolve(qntk_kernel *kernel, size_t n, size_t d, const double *X, uint64_t seed);

/* K(x, z) for two rows of length d, by the plain formulas, sums and recursions in extended precision;
 * accurate to a few units in the last place of sqrt(K(x,x) K(z,z)), equal and opposite rows included (Matern
 * kernels of nu < 10 other than 0.5, 1.5 and 2.5: 5e-14). The twin of the fast tiles in gram.h, whose
 * diagonal differs from K(x, x) by a few units in the last place at most. NaN for a kernel that
 * qntk_kernel_check refuses and for QNTK_FAMILY_FILE. */
double qntk_kernel_pair(const qntk_kernel *kernel, size_t d, const double *x, const double *z);

/* K as a function of the cosine t in [-1,1]: network kernels on |x|^2 = d (any d), radial kernels on the
 * unit sphere, r^2 = 2 - 2t. NaN for a kernel that qntk_kernel_check refuses, QNTK_FAMILY_FILE, or t outside
 * [-1,1]. */
double qntk_kernel_cosine(const qntk_kernel *kernel, double t);

#ifdef __cplusplus
}
#endif
#endif
