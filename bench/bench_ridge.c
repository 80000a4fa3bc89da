/* Kernel ridge regression over 20 ridges and 10 targets, coefficients only, from a kernel matrix that is there:
 * one reduction of the matrix against 20 Cholesky solutions (LAPACK) and 20 fits of scikit-learn's KernelRidge.
 * The residual is the largest difference between the predictions of as many new rows, over the largest one. */
#include "bench.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RIDGES = 20, TARGETS = 10, COLUMNS = RIDGES * TARGETS };

typedef struct {
    size_t n;
    const double *K, *Y; /* (n,n), (n,TARGETS) */
    double ridge[RIDGES];
    double *copy, *right;            /* (n,n) the factor; (TARGETS,n) targets turned into coefficients */
    double *alpha;                   /* (n,RIDGES,TARGETS) by dposv */
    qntk_ridge_path trace, left_out; /* of the last runs */
} ridge_case;

static void solve(const ridge_case *c, qntk_ridge_detail detail, qntk_ridge_path *path)
{
    qntk_ridge_options options = qntk_ridge_defaults();
    options.detail = detail;
    qntk_ridge_path_free(path);
    bench_check(qntk_ridge_solve(c->n, c->K, TARGETS, c->Y, RIDGES, c->ridge, options, path));
}

static void run_trace(void *context)
{
    ridge_case *c = context;
    solve(c, QNTK_RIDGE_TRACE, &c->trace);
}

static void run_left_out(void *context)
{
    ridge_case *c = context;
    solve(c, QNTK_RIDGE_LEAVE_ONE_OUT, &c->left_out);
}

static void run_dposv(void *context)
{
    ridge_case *c = context;
    const int n = (int)c->n;
    for (size_t r = 0; r < RIDGES; r++) {
        memcpy(c->copy, c->K, c->n * c->n * sizeof *c->copy);
        for (size_t i = 0; i < c->n; i++) {
            c->copy[i * c->n + i] += c->ridge[r];
            for (size_t t = 0; t < TARGETS; t++)
                c->right[t * c->n + i] = c->Y[i * TARGETS + t];
        }
        if (LAPACKE_dposv(LAPACK_COL_MAJOR, 'L', n, TARGETS, c->copy, n, c->right, n) != 0) {
            fputs("benchmark: dposv failed\n", stderr);
            exit(EXIT_FAILURE);
        }
        for (size_t i = 0; i < c->n; i++)
            for (size_t t = 0; t < TARGETS; t++)
                c->alpha[(i * RIDGES + r) * TARGETS + t] = c->right[t * c->n + i];
    }
}

/* save() leaves the predictions (rows, RIDGES TARGETS). */
static const char sklearn_script[] =
    "import sys, numpy as np\n"
    "from sklearn.kernel_ridge import KernelRidge\n"
    "K, Y, ridges, K_new = (np.load(path) for path in sys.argv[1:5])\n"
    "def run():\n"
    "    global models\n"
    "    models = [KernelRidge(kernel='precomputed', alpha=r).fit(K, Y) for r in ridges[0]]\n"
    "def save(): np.save(sys.argv[5], np.hstack([m.predict(K_new) for m in models]))\n";

/* The largest difference of two (rows,COLUMNS) over the largest entry of the first. */
static double difference(size_t rows, const double *a, const double *b)
{
    double worst = 0, largest = 0;
    for (size_t k = 0; k < rows * COLUMNS; k++) {
        worst = bench_worse(worst, fabs(a[k] - b[k]));
        largest = bench_worse(largest, fabs(a[k]));
    }
    return worst / largest;
}

/* Files of what the fits need, for Python. */
enum { FILE_K, FILE_Y, FILE_RIDGES, FILE_NEW, FILE_PREDICTED, FILES };

static bool start_sklearn(const ridge_case *c, const double *K_new, char path[FILES][64],
                          bench_python *python)
{
    bench_check(qntk_npy_write(path[FILE_K], c->n, c->n, c->K));
    bench_check(qntk_npy_write(path[FILE_Y], c->n, TARGETS, c->Y));
    bench_check(qntk_npy_write(path[FILE_RIDGES], 1, RIDGES, c->ridge));
    bench_check(qntk_npy_write(path[FILE_NEW], c->n, c->n, K_new));
    const char *arguments[FILES + 1] = {NULL};
    for (size_t k = 0; k < FILES; k++)
        arguments[k] = path[k];
    return bench_python_start(sklearn_script, arguments, python);
}

static double *predict(const ridge_case *c, const double *K_new, const double *alpha)
{
    double *F = qntk_alloc(c->n * COLUMNS, sizeof *F);
    bench_check(F == NULL ? QNTK_NO_MEMORY : qntk_ridge_predict(c->n, c->n, K_new, COLUMNS, alpha, F));
    return F;
}

static void race(ridge_case *c, const double *K_new, size_t repeats)
{
    static const char *const names[FILES] = {"K", "Y", "ridges", "new", "predicted"};
    char directory[] = "/tmp/qntk-bench-XXXXXX", path[FILES][64];
    bench_check(mkdtemp(directory) == NULL ? QNTK_IO : QNTK_OK);
    for (size_t k = 0; k < FILES; k++)
        snprintf(path[k], sizeof path[k], "%s/%s.npy", directory, names[k]);
    bench_python sklearn = {0};
    bench_contestant all[] = {
        {.name = "trace", .run = run_trace, .context = c},
        {.name = "left out", .run = run_left_out, .context = c},
        {.name = "dposv", .run = run_dposv, .context = c, .blas_threads = true},
        {.name = "scikit-learn", .run = bench_python_run, .context = &sklearn, .seconds = NAN}};
    bool four = start_sklearn(c, K_new, path, &sklearn);
    bench_interleave(four ? 4 : 3, all, repeats, false);

    double *sklearn_F = NULL, *dposv_F = predict(c, K_new, c->alpha);
    double *ours[] = {predict(c, K_new, c->trace.alpha), predict(c, K_new, c->left_out.alpha)};
    size_t rows = 0, columns = 0;
    if (four && bench_python_call(&sklearn, "save"))
        bench_check(qntk_npy_read_matrix(path[FILE_PREDICTED], &sklearn_F, &rows, &columns));
    bool same_shape = rows == c->n && columns == COLUMNS;
    for (size_t k = 0; k < 2; k++) {
        char name[96];
        snprintf(name, sizeof name, "n=%zu ridges=%d targets=%d %s, %s", c->n, RIDGES, TARGETS, all[k].name,
                 qntk_ridge_route_name(k == 0 ? c->trace.route : c->left_out.route));
        bench_row("ridge", name, all[k].seconds, "dposv", all[2].seconds, difference(c->n, ours[k], dposv_F));
        bench_row("ridge", name, all[k].seconds, "scikit-learn", all[3].seconds,
                  same_shape ? difference(c->n, ours[k], sklearn_F) : NAN);
        qntk_free(ours[k]);
    }
    qntk_free(dposv_F);
    qntk_free(sklearn_F);
    bench_python_end(&sklearn);
    for (size_t k = 0; k < FILES; k++)
        unlink(path[k]);
    rmdir(directory);
}

/* y = a linear function and a square of the row, and noise. */
static void draw(size_t n, size_t d, double *X, double *X_new, double *Y)
{
    qntk_rng rng = qntk_rng_create(5, 0);
    for (size_t i = 0; i < n * d; i++) {
        X[i] = qntk_rng_normal(&rng);
        X_new[i] = qntk_rng_normal(&rng);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < TARGETS; t++)
            Y[i * TARGETS + t] = X[i * d + t] + X[i * d + t + 1] * X[i * d + t + 1] + qntk_rng_normal(&rng);
}

static void compare(size_t n, size_t repeats)
{
    const size_t d = 20;
    const double smallest = 1e-3, largest = 1e2;
    double *X = qntk_alloc(2 * n * d, sizeof *X), *K = qntk_alloc(2 * n * n, sizeof *K);
    double *Y = qntk_alloc(n * TARGETS, sizeof *Y);
    ridge_case c = {.n = n, .K = K, .Y = Y};
    c.copy = qntk_alloc(n * n, sizeof *c.copy);
    c.right = qntk_alloc(n * TARGETS, sizeof *c.right);
    c.alpha = qntk_alloc(n * COLUMNS, sizeof *c.alpha);
    bool missing =
        X == NULL || K == NULL || Y == NULL || c.copy == NULL || c.right == NULL || c.alpha == NULL;
    bench_check(missing ? QNTK_NO_MEMORY : QNTK_OK);
    draw(n, d, X, X + n * d, Y);
    for (size_t r = 0; r < RIDGES; r++)
        c.ridge[r] = smallest * pow(largest / smallest, (double)r / (RIDGES - 1));
    qntk_kernel kernel;
    qntk_gram *gram = NULL;
    bench_check(qntk_kernel_parse("ntk:depth=3", &kernel));
    bench_check(qntk_gram_symmetric(&kernel, n, d, X, K));
    bench_check(qntk_gram_create(&kernel, d, n, X + n * d, n, X, qntk_gram_defaults(), &gram));
    bench_check(qntk_gram_fill(gram, K + n * n));
    qntk_gram_destroy(&gram);
    race(&c, K + n * n, repeats);
    qntk_ridge_path_free(&c.trace);
    qntk_ridge_path_free(&c.left_out);
    qntk_free(X);
    qntk_free(K);
    qntk_free(Y);
    qntk_free(c.copy);
    qntk_free(c.right);
    qntk_free(c.alpha);
}

int main(void)
{
    bench_header();
    compare(2000, 5);
    compare(4000, 3);
    return 0;
}
