/* The whole Gram matrix, full storage, against dsyrk alone (the inner products it cannot do without) and
 * against NumPy. */
#include "bench.h"

#include <cblas.h>

typedef struct {
    size_t n, d;
    const double *X;
    double *K, *products; /* each contestant fills a matrix of its own */
    qntk_kernel kernel;
} gram_case;

static void run_gram(void *context)
{
    gram_case *c = context;
    bench_check(qntk_gram_symmetric(&c->kernel, c->n, c->d, c->X, c->K));
}

static void run_dsyrk(void *context)
{
    gram_case *c = context;
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)c->n, (int)c->d, 1, c->X, (int)c->d, 0,
                c->products, (int)c->n);
}

/* Largest error of sampled entries against the pair in extended precision, over sqrt(K_ii K_jj). */
static double residual(const gram_case *c)
{
    enum { SAMPLES = 4000 };
    qntk_rng rng = qntk_rng_create(2, 0);
    double worst = 0;
    for (int s = 0; s < SAMPLES; s++) {
        size_t i = qntk_rng_below(&rng, c->n), j = qntk_rng_below(&rng, c->n);
        double exact = qntk_kernel_pair(&c->kernel, c->d, c->X + i * c->d, c->X + j * c->d);
        worst = bench_worse(worst,
                            fabs(c->K[i * c->n + j] - exact) / sqrt(c->K[i * c->n + i] * c->K[j * c->n + j]));
    }
    return worst;
}

/* The same kernel (real weights, no bias) as a NumPy user writes it, one array operation at a time. */
static const char numpy_script[] = "import sys, numpy as np\n"
                                   "n, d, depth = map(int, sys.argv[1:])\n"
                                   "X = np.random.default_rng(0).standard_normal((n, d))\n"
                                   "def run():\n"
                                   "    S = 2 * (X @ X.T) / d; T = S.copy(); a = np.sqrt(np.diag(S))\n"
                                   "    for l in range(depth):\n"
                                   "        g = 2 if l < depth - 1 else 1\n"
                                   "        P = np.outer(a, a); r = np.clip(S / P, -1, 1); t = np.arccos(r)\n"
                                   "        M = P * (np.sqrt(1 - r * r) + r * (np.pi - t)) / (2 * np.pi)\n"
                                   "        T = g * M + g * (np.pi - t) / (2 * np.pi) * T; S = g * M\n"
                                   "    return T\n";

static bool start_numpy(const gram_case *c, bench_python *numpy)
{
    char rows[24], columns[24], depth[24];
    snprintf(rows, sizeof rows, "%zu", c->n);
    snprintf(columns, sizeof columns, "%zu", c->d);
    snprintf(depth, sizeof depth, "%zu", c->kernel.network.depth);
    const char *arguments[] = {rows, columns, depth, NULL};
    return bench_python_start(numpy_script, arguments, numpy);
}

static void compare(size_t n, size_t d, const char *spec, const double *X, double *K, double *products,
                    bool against_numpy)
{
    enum { REPEATS = 7 };
    gram_case c = {.n = n, .d = d, .X = X, .K = K, .products = products};
    bench_python numpy = {0};
    bench_check(qntk_kernel_parse(spec, &c.kernel));
    bench_check(qntk_kernel_resolve(&c.kernel, n, d, X, 0));
    bench_contestant all[3] = {{.name = "dsyrk", .run = run_dsyrk, .context = &c, .blas_threads = true},
                               {.name = "gram", .run = run_gram, .context = &c},
                               {.name = "numpy", .run = bench_python_run, .context = &numpy, .seconds = NAN}};
    bool three = against_numpy && start_numpy(&c, &numpy);
    bench_interleave(three ? 3 : 2, all, REPEATS, true);
    char name[128];
    snprintf(name, sizeof name, "n=%zu d=%zu %s", n, d, spec);
    bench_row("gram", name, all[1].seconds, "dsyrk", all[0].seconds, residual(&c));
    if (against_numpy)
        bench_row("gram", name, all[1].seconds, "numpy", all[2].seconds, residual(&c));
    bench_python_end(&numpy);
}

int main(void)
{
    const size_t n = 8192, widest = 784;
    double *X = qntk_alloc(n * widest, sizeof *X), *K = qntk_alloc(n * n, sizeof *K);
    double *products = qntk_alloc(n * n, sizeof *products);
    bench_check(X == NULL || K == NULL || products == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    qntk_rng rng = qntk_rng_create(1, 0);
    for (size_t i = 0; i < n * widest; i++)
        X[i] = qntk_rng_normal(&rng);
    bench_header();
    compare(n, 64, "qntk:depth=1", X, K, products, false);
    compare(n, 64, "qntk:depth=3", X, K, products, false);
    compare(n, 64, "qntk:depth=8", X, K, products, false);
    compare(n, 64, "ntk:depth=3", X, K, products, false);
    compare(n, 784, "qntk:depth=1", X, K, products, false);
    compare(n, 784, "qntk:depth=3", X, K, products, false);
    compare(n, 784, "qntk:depth=8", X, K, products, false);
    compare(n, 64, "qntk:depth=3,b_std=0.5", X, K, products, false);
    compare(n, 64, "qntk:bits=8,depth=3", X, K, products, false);
    compare(n, 64, "gauss", X, K, products, false);
    compare(n, 64, "laplace", X, K, products, false);
    compare(4096, 64, "ntk:depth=3", X, K, products, true);
    qntk_free(X);
    qntk_free(K);
    qntk_free(products);
    return 0;
}
