/* Many data sets: finds them, runs the methods on each, and keeps what is complete. */
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Sets up to so many rows are items of one parallel loop, serial inside; on larger ones all threads work
 * together. Either way gives the same bytes; of smaller blocks threads get too little to do. */
enum { SMALL_ROWS = 1500 };

typedef struct {
    const cli_program *program;
    suite *suite;
    size_t waiting; /* sets to run, */
    size_t *order;  /* (waiting) the largest first */
    double cost;
    _Atomic double done;       /* of the cost */
    const suite_set *given_up; /* the first, by name, that was skipped in its run */
    bool saves;                /* what is complete goes to --out at once */
    pthread_mutex_t lock;
} suite_run_state;

/* ---- the sets there are ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const suite_set *)a)->name, ((const suite_set *)b)->name);
}

/* Adds DIR/name if it is a folder, or a link to one. */
static qntk_status add_folder(suite *s, size_t *capacity, const char *directory, const char *name)
{
    struct stat entry;
    const size_t size = strlen(directory) + strlen(name) + 2;
    char *path = qntk_alloc(size, 1);
    if (path == NULL)
        return QNTK_NO_MEMORY;
    snprintf(path, size, "%s/%s", directory, name);
    if (stat(path, &entry) != 0 || !S_ISDIR(entry.st_mode)) {
        qntk_free(path);
        return QNTK_OK;
    }
    void *sets = s->set;
    qntk_status status = qntk_grow(&sets, capacity, s->count + 1, sizeof *s->set);
    s->set = sets;
    if (status == QNTK_OK) {
        suite_set set = {.path = path};
        set.name = qntk_copy_string(name);
        set.row = qntk_alloc_zero(s->methods, sizeof *set.row);
        s->set[s->count++] = set;
        return set.name == NULL || set.row == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    }
    qntk_free(path);
    return status;
}

static qntk_status find_sets(suite *s, const char *directory)
{
    size_t capacity = 0;
    qntk_status status = QNTK_OK;
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return cli_message(QNTK_IO, "%s: %s", directory, strerror(errno));
    for (struct dirent *entry; status == QNTK_OK && (entry = readdir(stream)) != NULL;)
        if (entry->d_name[0] != '.')
            status = add_folder(s, &capacity, directory, entry->d_name);
    closedir(stream);
    if (status == QNTK_OK && s->count == 0)
        return cli_message(QNTK_INVALID, "%s: expected a folder for each data set in it, found none",
                           directory);
    if (status == QNTK_OK)
        qsort(s->set, s->count, sizeof *s->set, by_name);
    return status;
}

static void suite_free(suite *s)
{
    for (size_t i = 0; i < s->count; i++) {
        qntk_dataset_free(&s->set[i].data);
        qntk_free(s->set[i].name);
        qntk_free(s->set[i].path);
        qntk_free(s->set[i].row);
    }
    qntk_free(s->set);
    qntk_meta_free(&s->meta);
}

/* ---- reading them ---- */

static void give_up(suite_set *set, suite_state state, const char *reason)
{
    set->state = state;
    snprintf(set->reason, sizeof set->reason, "%s", reason);
    qntk_dataset_free(&set->data);
}

/* A set that cannot be read is told of and does not stop the others. */
static qntk_status read_set(void *context, size_t index, size_t worker)
{
    (void)worker;
    const suite_run_state *run = context;
    const cli_common *common = run->program->common;
    suite_set *set = &run->suite->set[index];
    qntk_dataset_options options = qntk_dataset_defaults();
    options.scale = (qntk_scale)common->scale;
    options.rows = (qntk_rows)common->rows;
    options.missing = (qntk_missing)common->missing;
    qntk_status status = qntk_dataset_read(set->path, options, &set->data);
    char reason[128];
    if (status == QNTK_INTERRUPTED)
        return status;
    if (status != QNTK_OK) {
        give_up(set, SUITE_FAILED, qntk_message());
    } else if (set->data.own_test) {
        give_up(set, SUITE_SKIPPED, "has a test set of its own");
    } else if (set->data.n > run->suite->max_n) {
        snprintf(reason, sizeof reason, "has %zu rows, above --max-n %zu", set->data.n, run->suite->max_n);
        give_up(set, SUITE_SKIPPED, reason);
    } else if (set->data.folds == 0) {
        give_up(set, SUITE_FAILED, "its published folds are of no use after rows were taken away");
    }
    return QNTK_OK;
}

/* ---- running them ---- */

/* Takes results over; with run->lock held. */
static void take_results(suite_set *set, size_t count, const size_t *method, const suite_row *result)
{
    for (size_t i = 0; i < count; i++) {
        set->row[method[i]] = result[i];
        set->row[method[i]].present = true;
    }
    set->state = SUITE_COMPLETE;
}

static double cost_of(const suite *s, const suite_set *set)
{
    if (s->cost != NULL)
        return s->cost(&set->data);
    const double fixed = 300; /* rows whose matrices cost as much as all else */
    const double n = (double)set->data.n;
    return n * n * (n + fixed);
}

/* The methods whose rows are missing. What fails is told of and does not stop the others. */
static qntk_status run_set(void *context, size_t index, size_t worker)
{
    (void)worker;
    suite_run_state *run = context;
    suite *s = run->suite;
    suite_set *set = &s->set[run->order[index]];
    size_t *missing = qntk_alloc(s->methods, sizeof *missing), count = 0;
    suite_row *result = qntk_alloc_zero(s->methods, sizeof *result);
    char skip[SUITE_REASON] = "";
    qntk_status status = missing == NULL || result == NULL ? QNTK_NO_MEMORY : QNTK_OK, saved = QNTK_OK;
    for (size_t k = 0; k < s->methods && status == QNTK_OK; k++)
        if (!set->row[k].present)
            missing[count++] = k;
    if (status == QNTK_OK)
        status = s->run(s->context, &set->data, count, missing, result, skip);
    pthread_mutex_lock(&run->lock);
    atomic_store(&run->done, atomic_load(&run->done) + cost_of(s, set)); /* one at a time, under the lock */
    if (status == QNTK_OK) {
        take_results(set, count, missing, result);
        qntk_dataset_free(&set->data);
        if (run->saves)
            saved = suite_write(s, run->program->common);
    } else if (status != QNTK_INTERRUPTED) {
        const bool skipped = skip[0] != '\0';
        run->given_up = skipped && (run->given_up == NULL || set < run->given_up) ? set : run->given_up;
        give_up(set, skipped ? SUITE_SKIPPED : SUITE_FAILED, skipped ? skip : qntk_message());
    }
    pthread_mutex_unlock(&run->lock);
    qntk_free(missing);
    qntk_free(result);
    return status == QNTK_INTERRUPTED ? status : saved;
}

static const suite_run_state *shown; /* by the progress bar */

static double fraction_done(void)
{
    return shown->cost > 0 ? atomic_load(&shown->done) / shown->cost : 1;
}

static suite_run_state *sorted; /* by descending rows, ties by name */

static int by_rows(const void *a, const void *b)
{
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const size_t n = sorted->suite->set[i].data.n, m = sorted->suite->set[j].data.n;
    return n != m ? (n < m) - (n > m) : (i > j) - (i < j);
}

static qntk_status run_sets(suite_run_state *run)
{
    suite *s = run->suite;
    run->order = qntk_alloc(s->count, sizeof *run->order);
    if (run->order == NULL)
        return QNTK_NO_MEMORY;
    for (size_t i = 0; i < s->count; i++)
        if (s->set[i].state == SUITE_WAITING) {
            run->order[run->waiting++] = i;
            run->cost += cost_of(s, &s->set[i]);
        }
    sorted = run;
    qsort(run->order, run->waiting, sizeof *run->order, by_rows);
    size_t large = 0;
    while (large < run->waiting && s->set[run->order[large]].data.n > SMALL_ROWS)
        large++;
    shown = run;
    cli_progress_whole("data sets", fraction_done);
    /* the many small ones first: most is safe soon */
    size_t *all = run->order;
    run->order = all + large;
    qntk_status status = qntk_parallel_for(run->waiting - large, run_set, run);
    run->order = all;
    for (size_t i = large; status == QNTK_OK && i-- > 0;)
        status = run_set(run, i, 0);
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    return status;
}

/* Sets whose rows are all there already, whatever has become of their folders since. */
static void mark_complete(suite *s)
{
    for (size_t i = 0; i < s->count; i++) {
        suite_set *set = &s->set[i];
        size_t present = 0;
        for (size_t k = 0; k < s->methods; k++)
            present += set->row[k].present;
        if (present == s->methods) {
            set->state = SUITE_COMPLETE;
            qntk_dataset_free(&set->data);
        }
    }
}

/* ---- the head of the result ---- */

qntk_status suite_meta_grid(suite *s, const char *key, size_t count, const double *values, const char *unit)
{
    char text[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%g", i > 0 ? "," : "", values[i]);
    if (used < sizeof text)
        snprintf(text + used, sizeof text - used, "%s", unit);
    return qntk_meta_text(&s->meta, key, text);
}

qntk_status suite_meta(suite *s, const cli_program *program)
{
    const cli_common *common = program->common;
    const struct {
        const char *key, *value;
    } text[] = {
        {"suite", s->directory},
        {"scale", common->scale == QNTK_SCALE_ZSCORE ? "zscore" : "none"},
        {"rows", common->rows == QNTK_ROWS_SPHERE ? "sphere" : "raw"},
        {"missing", common->missing == QNTK_MISSING_DROP   ? "drop"
                    : common->missing == QNTK_MISSING_MEAN ? "mean"
                                                           : "error"},
        {"precision", common->precision == QNTK_PRECISION_SINGLE ? "single" : "double"},
    };
    qntk_status status = cli_meta(program, NULL, 0, 0, &s->meta);
    if (status == QNTK_OK)
        status = qntk_meta_count(&s->meta, "max_n", s->max_n);
    for (size_t i = 0; i < sizeof text / sizeof *text && status == QNTK_OK; i++)
        status = qntk_meta_text(&s->meta, text[i].key, text[i].value);
    return status;
}

/* ---- the whole ---- */

bool suite_can_be_replaced(const char *path)
{
    struct stat entry;
    if (path == NULL || strcmp(path, "-") == 0 || strncmp(path, "/dev/", 5) == 0 ||
        strncmp(path, "/proc/", 6) == 0)
        return false;
    return stat(path, &entry) != 0 || S_ISREG(entry.st_mode);
}

static qntk_status prepare(suite_run_state *run)
{
    suite *s = run->suite;
    qntk_status status = cli_begin(run->program, "suite");
    if (status == QNTK_OK)
        status = find_sets(s, s->directory);
    if (status == QNTK_OK)
        status = qntk_parallel_for(s->count, read_set, run);
    if (status == QNTK_OK && s->resume)
        status = suite_resume(s, run->program->common);
    if (status == QNTK_OK)
        mark_complete(s);
    return status;
}

/* Writes and tells; the exit code. */
static int finish(const suite_run_state *run, qntk_status status)
{
    const suite *s = run->suite;
    const cli_common *common = run->program->common;
    const size_t complete = suite_count(s, SUITE_COMPLETE), failed = suite_count(s, SUITE_FAILED);
    if (status == QNTK_INTERRUPTED && complete == 0)
        return cli_fail(run->program, status);
    qntk_interrupt_clear(); /* what is complete is kept, plot included */
    qntk_status written = suite_write(s, common);
    if (written == QNTK_OK && common->plot != NULL && complete > 0)
        written = suite_draw(s, common);
    if (written != QNTK_OK)
        return cli_fail(run->program, written);
    if (!common->quiet)
        suite_print(s, stderr);
    for (size_t i = 0; i < s->count; i++)
        if (s->set[i].state == SUITE_FAILED)
            fprintf(stderr, "%s: %s: %s\n", run->program->name, s->set[i].name, s->set[i].reason);
    if (complete == 0 && run->given_up != NULL) {
        fprintf(stderr, "%s: no data set is complete; %s: %s\n", run->program->name, run->given_up->name,
                run->given_up->reason);
        return CLI_FAILURE;
    }
    if (status == QNTK_INTERRUPTED) {
        fprintf(stderr, "%s: interrupted; %zu of %zu sets are complete and written; go on with --resume\n",
                run->program->name, complete, complete + suite_count(s, SUITE_WAITING));
        return cli_interrupted();
    }
    return failed > 0 ? CLI_FAILURE : 0;
}

int suite_run(const cli_program *program, suite *s)
{
    const bool file = program->common->out != NULL && strcmp(program->common->out, "-") != 0;
    suite_run_state run = {
        .program = program, .suite = s, .saves = suite_can_be_replaced(program->common->out)};
    int code = 0;
    if (s->resume && !file) {
        code = cli_usage(program, "--resume goes on from the file of --out: give its name");
        goto done;
    }
    pthread_mutex_init(&run.lock, NULL);
    qntk_status status = prepare(&run);
    if (status == QNTK_OK) {
        status = run_sets(&run);
        code = status == QNTK_OK || status == QNTK_INTERRUPTED ? finish(&run, status)
                                                               : cli_fail(program, status);
    } else {
        code = cli_fail(program, status);
    }
    pthread_mutex_destroy(&run.lock);
    qntk_free(run.order);
done:
    suite_free(s);
    return code;
}
