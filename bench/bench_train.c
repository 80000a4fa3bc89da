/* One step of training with stochastic weights, against the bare matrix products of the step by OpenBLAS
 * with its own threads, and against PyTorch; and the expected outputs of many rows, against the bare products of
 * a plain forward pass. */
#include "bench.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>

enum { LAYERS = 3, BATCH = 100, STEPS = 10, REPEATS = 9 };

typedef struct {
    size_t sizes[LAYERS + 1];
    qntk_network network;
    qntk_trainer *trainer;
    float *X, *T;
    float *W[LAYERS], *dW[LAYERS]; /* of the bare products */
    float *x[LAYERS + 1], *g[LAYERS + 1];
} train_case;

static void run_steps(void *context)
{
    train_case *c = context;
    double loss;
    for (int i = 0; i < STEPS; i++)
        bench_check(qntk_trainer_step(c->trainer, BATCH, c->X, c->T, &loss));
}

/* x^l = x^{l-1} W^T; dW = g^T x; g^{l-1} = g W: shapes only, the numbers do not matter. */
static void run_products(void *context)
{
    train_case *c = context;
    for (int i = 0; i < STEPS; i++) {
        for (size_t l = 0; l < LAYERS; l++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, (int)c->sizes[l + 1],
                        (int)c->sizes[l], 1e-3F, c->x[l], (int)c->sizes[l], c->W[l], (int)c->sizes[l], 0,
                        c->x[l + 1], (int)c->sizes[l + 1]);
        for (size_t l = LAYERS; l-- > 0;) {
            const int in = (int)c->sizes[l], out = (int)c->sizes[l + 1];
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, BATCH, 1, c->g[l + 1], out, c->x[l],
                        in, 0, c->dW[l], in);
            if (l > 0)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BATCH, in, out, 1e-3F, c->g[l + 1],
                            out, c->W[l], in, 0, c->g[l], in);
        }
    }
}

static float *random_numbers(size_t count)
{
    float *values = qntk_alloc(count, sizeof *values);
    bench_check(values == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    qntk_rng rng = qntk_rng_create(1, count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(2 * qntk_rng_uniform(&rng) - 1);
    return values;
}

static train_case create(const size_t *sizes, size_t levels_hidden)
{
    train_case c = {.X = random_numbers(BATCH * sizes[0]),
                    .T = qntk_alloc_zero(BATCH * sizes[LAYERS], sizeof *c.T)};
    bench_check(c.T == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    for (size_t i = 0; i < BATCH; i++)
        c.T[i * sizes[LAYERS] + i % sizes[LAYERS]] = 1;
    for (size_t l = 0; l <= LAYERS; l++) {
        c.sizes[l] = sizes[l];
        c.x[l] = random_numbers(BATCH * sizes[l]);
        c.g[l] = random_numbers(BATCH * sizes[l]);
    }
    for (size_t l = 0; l < LAYERS; l++) {
        c.W[l] = random_numbers(sizes[l] * sizes[l + 1]);
        c.dW[l] = random_numbers(sizes[l] * sizes[l + 1]);
    }
    const size_t levels[LAYERS] = {levels_hidden, levels_hidden, 0};
    bench_check(qntk_network_create(LAYERS, sizes, levels, 0, 0, &c.network));
    return c;
}

static void destroy(train_case *c)
{
    for (size_t l = 0; l <= LAYERS; l++) {
        qntk_free(c->x[l]);
        qntk_free(c->g[l]);
    }
    for (size_t l = 0; l < LAYERS; l++) {
        qntk_free(c->W[l]);
        qntk_free(c->dW[l]);
    }
    qntk_free(c->X);
    qntk_free(c->T);
    qntk_network_free(&c->network);
}

/* Relative error of the loss of a few rows, forward in double. */
static double residual(const train_case *c)
{
    enum { ROWS = 3 };
    const size_t outputs = c->sizes[LAYERS]; /* at least ROWS: row r is of class r */
    double loss, expected = 0, *in = qntk_alloc(8192, sizeof *in), *out = qntk_alloc(8192, sizeof *out);
    float *gradient = qntk_alloc(qntk_network_parameters(&c->network), sizeof *gradient);
    bench_check(in == NULL || out == NULL || gradient == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    bench_check(qntk_trainer_gradient(c->trainer, ROWS, c->X, c->T, &loss, gradient));
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t j = 0; j < c->sizes[0]; j++)
            in[j] = (double)c->X[r * c->sizes[0] + j];
        for (size_t l = 0; l < LAYERS; l++) {
            const float *W = qntk_trainer_weights(c->trainer, l);
            for (size_t i = 0; i < c->sizes[l + 1]; i++) {
                double sum = 0;
                for (size_t j = 0; j < c->sizes[l]; j++)
                    sum += (double)W[i * c->sizes[l] + j] * in[j];
                out[i] = c->network.layers[l].w_std / sqrt((double)c->sizes[l]) * sum;
            }
            for (size_t i = 0; i < c->sizes[l + 1]; i++)
                in[i] = l + 1 < LAYERS ? fmax(out[i], 0) : out[i];
        }
        double total = 0;
        for (size_t k = 0; k < outputs; k++)
            total += exp(in[k]);
        expected += (log(total) - in[r]) / ROWS;
    }
    qntk_free(in);
    qntk_free(out);
    qntk_free(gradient);
    return fabs(loss - expected) / expected;
}

/* The same step as a PyTorch user writes it, in single precision, by the fastest of two ways to round on one or all
 * threads, as a trial of each decides (a single thread is faster at small sizes). run() does as many steps as we do. */
static const char torch_script[] =
    "import os, sys, time, torch\n"
    "d, w, c, adam, steps = *map(int, sys.argv[1:4]), sys.argv[4] == 'adam', int(sys.argv[5])\n"
    "def select(t): return torch.where(torch.rand_like(t) < (t + 1) / 2, 1.0, -1.0)\n"
    "def sign(t): return torch.empty_like(t).uniform_(-1, 1).neg_().add_(t).sign_()\n"
    "draw = select\n"
    "class Round(torch.autograd.Function):\n"
    "    @staticmethod\n"
    "    def forward(ctx, t): return draw(t)\n"
    "    @staticmethod\n"
    "    def backward(ctx, g): return g\n"
    "x = torch.rand(100, d) * 2 - 1; y = torch.arange(100) % c\n"
    "ws = [(torch.rand(b, a) * 2 - 1).requires_grad_() for a, b in ((d, w), (w, w))]\n"
    "ws.append(torch.randn(c, w).requires_grad_())\n"
    "opt = torch.optim.Adam(ws, 1e-3) if adam else torch.optim.SGD(ws, 0.1)\n"
    "def run(count=steps):\n"
    "    for i in range(count):\n"
    "        h = x\n"
    "        for k, t in enumerate(ws):\n"
    "            h = h @ (Round.apply(t) if k < 2 else t).T * ((2 if k < 2 else 1) / t.shape[1]) ** 0.5\n"
    "            h = torch.relu(h) if k < 2 else h\n"
    "        loss = torch.nn.functional.cross_entropy(h, y)\n"
    "        opt.zero_grad(set_to_none=True); loss.backward(); opt.step()\n"
    "        with torch.no_grad():\n"
    "            for t in ws[:2]: t.clamp_(-1, 1)\n"
    "best = {}\n"
    "for ways in [(f, n) for f in (select, sign) for n in (1, len(os.sched_getaffinity(0)))]:\n"
    "    draw, threads = ways; torch.set_num_threads(threads); run(1)\n"
    "    t0 = time.perf_counter(); run(); best[ways] = time.perf_counter() - t0\n"
    "draw, threads = min(best, key=best.get); torch.set_num_threads(threads)\n";

static bool start_torch(const size_t *sizes, const char *optimizer, bench_python *torch)
{
    char d[24], w[24], classes[24], steps[24];
    snprintf(d, sizeof d, "%zu", sizes[0]);
    snprintf(w, sizeof w, "%zu", sizes[1]);
    snprintf(classes, sizeof classes, "%zu", sizes[LAYERS]);
    snprintf(steps, sizeof steps, "%d", STEPS);
    const char *arguments[] = {d, w, classes, optimizer, steps, NULL};
    return bench_python_start(torch_script, arguments, torch);
}

/* A step of annealing beside its bare products: expected weights under noise of a shape. */
static void compare_annealed(const size_t *sizes, qntk_noise_shape noise)
{
    static const char *const shape[] = {"uniform", "triangular", "normal", "logistic"};
    train_case c = create(sizes, 3);
    qntk_train_options options = qntk_train_defaults();
    options.optimizer = QNTK_OPTIMIZER_SGD;
    options.rate = 0.1;
    options.method = QNTK_METHOD_ANA;
    options.rounding = QNTK_ROUNDING_NEAREST;
    options.anneal.noise = noise;
    bench_check(qntk_trainer_create(&c.network, options, &c.trainer));
    bench_contestant both[2] = {
        {.name = "products", .run = run_products, .context = &c, .blas_threads = true},
        {.name = "step", .run = run_steps, .context = &c},
    };
    bench_interleave(2, both, REPEATS, true);
    char name[128];
    snprintf(name, sizeof name, "%zu-%zu-%zu-%zu ternary sgd annealed, %s noise", sizes[0], sizes[1],
             sizes[2], sizes[3], shape[noise]);
    bench_row("step", name, both[1].seconds / STEPS, "products", both[0].seconds / STEPS, residual(&c));
    qntk_trainer_destroy(&c.trainer);
    destroy(&c);
}

static void compare(const size_t *sizes, size_t levels, qntk_optimizer optimizer)
{
    train_case c = create(sizes, levels);
    qntk_train_options options = qntk_train_defaults();
    options.optimizer = optimizer;
    options.rate = optimizer == QNTK_OPTIMIZER_ADAM ? 1e-3 : 0.1;
    bench_check(qntk_trainer_create(&c.network, options, &c.trainer));
    const char *law = levels == 2 ? "binary" : levels == 3 ? "ternary" : "4-bit";
    const char *method = optimizer == QNTK_OPTIMIZER_ADAM ? "adam" : "sgd";
    bench_python torch = {0};
    bench_contestant all[3] = {
        {.name = "products", .run = run_products, .context = &c, .blas_threads = true},
        {.name = "step", .run = run_steps, .context = &c},
        {.name = "pytorch", .run = bench_python_run, .context = &torch, .seconds = NAN},
    };
    bool three = levels == 2 && start_torch(sizes, method, &torch);
    bench_interleave(three ? 3 : 2, all, REPEATS, true);
    bench_python_end(&torch);
    char name[128];
    snprintf(name, sizeof name, "%zu-%zu-%zu-%zu %s %s", sizes[0], sizes[1], sizes[2], sizes[3], law, method);
    const double error = residual(&c);
    bench_row("step", name, all[1].seconds / STEPS, "products", all[0].seconds / STEPS, error);
    if (levels == 2)
        bench_row("step", name, all[1].seconds / STEPS, "pytorch", all[2].seconds / STEPS, error);
    qntk_trainer_destroy(&c.trainer);
    destroy(&c);
}

/* ---- expected outputs ---- */

typedef struct {
    const size_t *sizes;
    size_t n;
    qntk_network network;
    float *X, *x[LAYERS + 1];
    double *F;
} expect_case;

static void run_expect(void *context)
{
    expect_case *c = context;
    bench_check(qntk_network_expect(&c->network, QNTK_ROUNDING_STOCHASTIC, c->n, c->X, c->F));
}

static void run_forward(void *context)
{
    expect_case *c = context;
    for (size_t l = 0; l < LAYERS; l++) {
        const int in = (int)c->sizes[l], out = (int)c->sizes[l + 1];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)c->n, out, in, 1e-3F, c->x[l], in,
                    c->network.layers[l].latent, in, 0, c->x[l + 1], out);
    }
}

/* The greatest distance of the first rows' outputs to those in double, relative to their root mean square. */
static double expect_residual(const expect_case *c)
{
    enum { ROWS = 256 };
    const size_t outputs = c->sizes[LAYERS];
    qntk_moments_weights layers[LAYERS];
    double *rows = qntk_alloc(ROWS * c->sizes[0], sizeof *rows), worst = 0, square = 0;
    double *exact = qntk_alloc(ROWS * outputs, sizeof *exact);
    bench_check(rows == NULL || exact == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    for (size_t k = 0; k < ROWS * c->sizes[0]; k++)
        rows[k] = (double)c->X[k];
    bench_check(qntk_network_moments(&c->network, QNTK_ROUNDING_STOCHASTIC, layers));
    bench_check(qntk_moments_propagate(layers, LAYERS, ROWS, rows, exact, NULL));
    for (size_t k = 0; k < ROWS * outputs; k++) {
        worst = bench_worse(worst, fabs(c->F[k] - exact[k]));
        square += exact[k] * exact[k] / (double)(ROWS * outputs);
    }
    qntk_network_moments_free(&c->network, layers);
    qntk_free(rows);
    qntk_free(exact);
    return worst / sqrt(square);
}

static void compare_expect(const size_t *sizes, size_t levels_hidden, size_t n)
{
    expect_case c = {.sizes = sizes, .n = n, .X = random_numbers(n * sizes[0])};
    const size_t levels[LAYERS] = {levels_hidden, levels_hidden, 0};
    bench_check(qntk_network_create(LAYERS, sizes, levels, 0, 0, &c.network));
    c.F = qntk_alloc(n * sizes[LAYERS], sizeof *c.F);
    bench_check(c.F == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    for (size_t l = 0; l <= LAYERS; l++)
        c.x[l] = random_numbers(n * sizes[l]);
    bench_contestant all[2] = {
        {.name = "forward", .run = run_forward, .context = &c, .blas_threads = true},
        {.name = "expect", .run = run_expect, .context = &c},
    };
    bench_interleave(2, all, REPEATS, true);
    char name[128];
    snprintf(name, sizeof name, "%zu-%zu-%zu-%zu %s n=%zu", sizes[0], sizes[1], sizes[2], sizes[3],
             levels_hidden == 0   ? "real"
             : levels_hidden == 2 ? "binary"
                                  : "ternary",
             n);
    bench_row("expect", name, all[1].seconds, "forward products", all[0].seconds, expect_residual(&c));
    for (size_t l = 0; l <= LAYERS; l++)
        qntk_free(c.x[l]);
    qntk_free(c.X);
    qntk_free(c.F);
    qntk_network_free(&c.network);
}

int main(void)
{
    const size_t middle[] = {784, 1024, 1024, 10}, small[] = {16, 1024, 1024, 3};
    const size_t large[] = {784, 4096, 4096, 10};
    bench_header();
    compare(large, 2, QNTK_OPTIMIZER_SGD);
    compare(small, 2, QNTK_OPTIMIZER_SGD);
    compare(middle, 2, QNTK_OPTIMIZER_SGD);
    compare(middle, 3, QNTK_OPTIMIZER_SGD);
    compare(middle, 16, QNTK_OPTIMIZER_SGD);
    compare(large, 2, QNTK_OPTIMIZER_ADAM);
    compare(small, 2, QNTK_OPTIMIZER_ADAM);
    compare(middle, 2, QNTK_OPTIMIZER_ADAM);
    compare_annealed(middle, QNTK_NOISE_UNIFORM);
    compare_annealed(middle, QNTK_NOISE_NORMAL);
    compare_annealed(large, QNTK_NOISE_UNIFORM);
    compare_annealed(large, QNTK_NOISE_NORMAL);
    compare_expect(middle, 0, 10000);
    compare_expect(middle, 2, 10000);
    compare_expect(middle, 3, 10000);
    compare_expect(small, 2, 10000);
    return 0;
}
