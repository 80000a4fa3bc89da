/* The study over the sets of the UCI collection with at most 1000 rows, reading included: ours, sets in parallel,
 * against the same protocol in plain NumPy (bench/suite.py). The residual is the largest difference of a mean test
 * accuracy. The collection is sought in $QNTK_SHARED, or else ../shared beside the source tree, as in the tests. */
#include "bench.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETS_MAX = 512, KERNELS = 4, ROWS_MAX = 1000, PATH_SIZE = 4096 };
static const char *const specs[KERNELS] = {"qntk", "ntk", "gauss", "laplace"};

typedef struct {
    char path[PATH_SIZE];
    bool used;
    qntk_dataset data;
    qntk_study_result result[KERNELS];
} one_set;

typedef struct {
    const char *directory;
    size_t count, used;
    one_set *set;
    size_t order[SETS_MAX]; /* the largest first */
    qntk_kernel kernel[KERNELS];
} collection;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const one_set *)a)->path, ((const one_set *)b)->path);
}

static void list_sets(collection *c)
{
    DIR *stream = opendir(c->directory);
    for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;)
        if (entry->d_name[0] != '.' && c->count < SETS_MAX)
            snprintf(c->set[c->count++].path, PATH_SIZE, "%s/%s", c->directory, entry->d_name);
    if (stream != NULL)
        closedir(stream);
    qsort(c->set, c->count, sizeof *c->set, by_path);
}

static qntk_status read_set(void *context, size_t index, size_t worker)
{
    (void)worker;
    collection *c = context;
    one_set *set = &c->set[index];
    qntk_dataset_free(&set->data);
    qntk_status status = qntk_dataset_read(set->path, qntk_dataset_defaults(), &set->data);
    set->used = status == QNTK_OK && set->data.n <= ROWS_MAX && !set->data.own_test;
    return status;
}

static qntk_status study_set(void *context, size_t index, size_t worker)
{
    (void)worker;
    collection *c = context;
    one_set *set = &c->set[c->order[index]];
    return qntk_study_set(&set->data, KERNELS, c->kernel, qntk_study_defaults(), set->result);
}

static void run_ours(void *context)
{
    collection *c = context;
    bench_check(qntk_parallel_for(c->count, read_set, c));
    c->used = 0;
    for (size_t i = 0; i < c->count; i++) {
        size_t at = c->used;
        if (!c->set[i].used)
            continue;
        for (; at > 0 && c->set[c->order[at - 1]].data.n < c->set[i].data.n; at--)
            c->order[at] = c->order[at - 1];
        c->order[at] = i;
        c->used++;
    }
    bench_check(qntk_parallel_for(c->used, study_set, c));
}

/* The script is a program: its main() is called here, with its own words. */
static const char numpy_script[] = "import sys, runpy\n"
                                   "script, words = sys.argv[1], sys.argv[2:]\n"
                                   "import numpy\n"
                                   "study = runpy.run_path(script, run_name='baseline')\n"
                                   "def run(): study['main'](words)\n";

/* The largest difference from the test accuracies in the script's file: rows "set kernel params ridge train test"
 * in the order of ours. */
static double difference(const collection *c, const char *path)
{
    double worst = 0;
    FILE *file = fopen(path, "r");
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < KERNELS && c->set[i].used; k++) {
            char line[512], *last = NULL;
            if (file != NULL && fgets(line, sizeof line, file) != NULL)
                last = strrchr(line, '\t');
            const double test = last != NULL ? strtod(last + 1, NULL) : NAN;
            worst = bench_worse(worst, fabs(test - c->set[i].result[k].test));
        }
    if (file != NULL)
        fclose(file);
    return worst;
}

int main(void)
{
    enum { REPEATS = 3 };
    const char *shared = getenv("QNTK_SHARED");
    char directory[PATH_SIZE], out[] = "/tmp/qntk-bench-XXXXXX", rows[16], name[64];
    snprintf(directory, sizeof directory, "%.3900s/datasets/uci",
             shared != NULL ? shared : QNTK_SOURCE "/../shared");
    bench_header();
    static collection c;
    c.directory = directory;
    c.set = qntk_alloc_zero(SETS_MAX, sizeof *c.set);
    bench_check(c.set == NULL ? QNTK_NO_MEMORY : QNTK_OK);
    for (size_t k = 0; k < KERNELS; k++)
        bench_check(qntk_kernel_parse(specs[k], &c.kernel[k]));
    list_sets(&c);
    if (c.count == 0) {
        fprintf(stderr, "bench: %s is not there: nothing to study\n", directory);
        bench_row("suite", "no data", NAN, "NumPy", NAN, NAN);
        return 0;
    }
    const int file = mkstemp(out);
    snprintf(rows, sizeof rows, "%d", ROWS_MAX);
    static const char script[] = QNTK_SOURCE "/bench/suite.py";
    const char *const arguments[] = {script, directory, "--max-rows", rows, "--out", out, NULL};
    bench_python numpy = {0};
    bench_contestant both[] = {{.name = "ours", .run = run_ours, .context = &c},
                               {.name = "NumPy", .run = bench_python_run, .context = &numpy, .seconds = NAN}};
    const bool two = file >= 0 && bench_python_start(numpy_script, arguments, &numpy);
    bench_interleave(two ? 2 : 1, both, REPEATS, false);
    bench_python_end(&numpy);
    snprintf(name, sizeof name, "%zu sets of at most %d rows, %d kernels", c.used, ROWS_MAX, KERNELS);
    bench_row("suite", name, both[0].seconds, "NumPy", both[1].seconds, two ? difference(&c, out) : NAN);
    for (size_t i = 0; i < c.count; i++)
        qntk_dataset_free(&c.set[i].data);
    qntk_free(c.set);
    if (file >= 0)
        close(file);
    unlink(out);
    return 0;
}
