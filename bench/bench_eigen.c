/* Eigenvalues: all of them against LAPACK's divide and conquer (values only), the leading ones against ARPACK
 * through SciPy. The matrices are tangent kernels, and one without decay that the block route must give up
 * on. */
#include "bench.h"

#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    size_t n, top;
    const double *K;    /* (n,n) */
    double *copy;       /* (n,n) what dsyevd destroys */
    double *ascending;  /* (n) dsyevd's eigenvalues */
    qntk_spectrum ours; /* of the last run */
} eigen_case;

static void run_ours(void *context)
{
    eigen_case *c = context;
    qntk_spectrum_options options = qntk_spectrum_defaults();
    options.top = c->top;
    qntk_spectrum_free(&c->ours);
    bench_check(qntk_spectrum_compute(c->n, c->K, options, &c->ours));
}

static void copy_matrix(void *context)
{
    eigen_case *c = context;
    memcpy(c->copy, c->K, c->n * c->n * sizeof *c->copy);
}

static void run_dsyevd(void *context)
{
    eigen_case *c = context;
    /* column-major and 'U': the lower triangle of a row-major matrix without LAPACKE's transposition */
    if (LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'N', 'U', (int)c->n, c->copy, (int)c->n, c->ascending) != 0) {
        fputs("benchmark: dsyevd failed\n", stderr);
        exit(EXIT_FAILURE);
    }
}

/* Largest difference of the eigenvalues over the largest eigenvalue. */
static double difference(const eigen_case *c)
{
    double worst = 0;
    for (size_t k = 0; k < c->ours.count; k++)
        worst = bench_worse(worst, fabs(c->ours.eval[k] - c->ascending[c->n - 1 - k]));
    return worst / fabs(c->ascending[c->n - 1]);
}

static double *matrix(size_t n, size_t d, const char *spec, const char *data)
{
    char source[128];
    qntk_dataset set;
    qntk_kernel kernel;
    double *K = qntk_alloc(n * n, sizeof *K);
    snprintf(source, sizeof source, "%s:n=%zu,d=%zu", data, n, d);
    bench_check(K == NULL ? QNTK_NO_MEMORY : qntk_dataset_read(source, qntk_dataset_defaults(), &set));
    bench_check(qntk_kernel_parse(spec, &kernel));
    bench_check(qntk_gram_symmetric(&kernel, n, d, set.X, K));
    qntk_dataset_free(&set);
    return K;
}

/* A random symmetric matrix: its eigenvalues fill a half-circle and none stand out. */
static double *matrix_without_decay(size_t n)
{
    double *K = qntk_alloc(n * n, sizeof *K);
    bench_check(K == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    qntk_rng rng = qntk_rng_create(3, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            K[i * n + j] = K[j * n + i] = qntk_rng_normal(&rng);
    return K;
}

static void all_values(size_t n, size_t repeats)
{
    eigen_case c = {.n = n};
    double *K = matrix(n, 64, "ntk", "sphere");
    c.K = K;
    c.copy = qntk_alloc(n * n, sizeof *c.copy);
    c.ascending = qntk_alloc(n, sizeof *c.ascending);
    bench_check(c.copy == NULL || c.ascending == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    bench_contestant both[2] = {
        {.name = "dsyevd", .run = run_dsyevd, .prepare = copy_matrix, .context = &c, .blas_threads = true},
        {.name = "ours", .run = run_ours, .context = &c}};
    bench_interleave(2, both, repeats, n <= 2000);
    char name[128];
    snprintf(name, sizeof name, "n=%zu all values, ntk, %s", n, c.ours.route);
    bench_row("eigen", name, both[1].seconds, "dsyevd", both[0].seconds, difference(&c));
    qntk_spectrum_free(&c.ours);
    qntk_free(K);
    qntk_free(c.copy);
    qntk_free(c.ascending);
}

/* eigsh on the matrix in a file, by SciPy's own threads; save() leaves its eigenvalues, descending. */
static const char eigsh_script[] =
    "import sys, numpy as np\n"
    "from scipy.sparse.linalg import eigsh\n"
    "K = np.load(sys.argv[1]); k = int(sys.argv[2])\n"
    "def run():\n"
    "    global w; w = eigsh(K, k, which='LA', return_eigenvectors=True)[0]\n"
    "def save(): np.save(sys.argv[3], np.sort(w)[::-1].reshape(1, -1).copy())\n";

/* Stops the benchmark if the two disagree: then they did not do the same work. */
static void check_against(const eigen_case *c, const char *path)
{
    double *theirs = NULL, worst = 0;
    size_t rows = 0, columns = 0;
    bench_check(qntk_npy_read_matrix(path, &theirs, &rows, &columns));
    for (size_t k = 0; k < c->top && k < columns; k++)
        worst = bench_worse(worst, fabs(theirs[k] - c->ours.eval[k]) / fabs(theirs[0]));
    if (!(worst < 1e-9) || columns != c->top) {
        fprintf(stderr, "benchmark: eigsh's eigenvalues differ by %g\n", worst);
        exit(EXIT_FAILURE);
    }
    qntk_free(theirs);
}

static void leading(double *K, size_t n, const char *what, const size_t *tops, size_t count)
{
    enum { REPEATS = 3 };
    char directory[] = "/tmp/qntk-bench-XXXXXX", path[64], values[64], top[24], name[128];
    bench_check(mkdtemp(directory) == NULL ? QNTK_IO : QNTK_OK);
    snprintf(path, sizeof path, "%s/K.npy", directory);
    snprintf(values, sizeof values, "%s/values.npy", directory);
    bench_check(qntk_npy_write(path, n, n, K));
    for (size_t i = 0; i < count; i++) {
        eigen_case c = {.n = n, .top = tops[i], .K = K};
        bench_python eigsh = {0};
        snprintf(top, sizeof top, "%zu", tops[i]);
        const char *arguments[] = {path, top, values, NULL};
        bench_contestant both[] = {
            {.name = "ours", .run = run_ours, .context = &c},
            {.name = "eigsh", .run = bench_python_run, .context = &eigsh, .seconds = NAN}};
        bool two = bench_python_start(eigsh_script, arguments, &eigsh);
        bench_interleave(two ? 2 : 1, both, REPEATS, false);
        if (two && bench_python_call(&eigsh, "save"))
            check_against(&c, values);
        bench_python_end(&eigsh);
        snprintf(name, sizeof name, "n=%zu leading %zu, %s, %s", n, tops[i], what, c.ours.route);
        bench_row("eigen", name, both[0].seconds, "eigsh", both[1].seconds,
                  c.ours.residual != NULL ? c.ours.max_residual / c.ours.norm : NAN);
        qntk_spectrum_free(&c.ours);
        unlink(values);
    }
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const size_t tops[] = {50, 200};
    bench_header();
    all_values(2000, 5);
    all_values(4000, 3);
    all_values(8000, 3);
    double *K = matrix(8000, 64, "ntk", "sphere");
    leading(K, 8000, "ntk d=64", tops, 2);
    qntk_free(K);
    K = matrix(8000, 10, "ntk", "sphere");
    leading(K, 8000, "ntk d=10", tops, 2);
    qntk_free(K);
    K = matrix_without_decay(2000);
    leading(K, 2000, "random, no decay", tops, 2);
    qntk_free(K);
    return 0;
}
