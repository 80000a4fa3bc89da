/* qnn noise --anneal-study: the trainings, items of a parallel loop. */
#include "qnn_anneal_study.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "suite.h"

/* ---- one training ---- */

/* Rows to fill, the seeds still under way of each, and what came of those that ended. */
typedef struct {
    study_job *job;
    size_t waiting, *order; /* (waiting) rows; that of annealing without noise comes with straight-through */
    size_t *left;           /* (waiting) seeds */
    double *score;          /* (rows, seeds, 2): training and test */
    size_t agreed;          /* seeds */
    bool saves;             /* what is complete goes to --out at once */
    _Atomic size_t done;    /* trainings */
    pthread_mutex_t lock;
} run_state;

typedef struct {
    qntk_network network;
    qntk_trainer *trainer;
    double train, test;
} model;

static void model_free(model *m)
{
    qntk_trainer_destroy(&m->trainer);
    qntk_network_free(&m->network);
}

static qntk_train_options options_of(const study_job *j, const study_row *row, uint64_t seed)
{
    qntk_train_options o = j->options;
    qntk_train_anneal *a = &o.anneal;
    o.seed = seed;
    o.method = row->kind == STUDY_STE ? QNTK_METHOD_STE : QNTK_METHOD_ANA;
    a->strategy = row->strategy;
    a->law = row->schedule;
    a->sync = row->sync;
    a->noise = row->noise;
    a->beta = row->kind == STUDY_ANNEALED ? qntk_noise_usual_scale(row->noise) : 0;
    a->backward_noise = row->kind == STUDY_ANNEALED && j->backward_forward ? row->noise : QNTK_NOISE_UNIFORM;
    a->backward_beta = qntk_noise_usual_scale(a->backward_noise);
    return o;
}

static qntk_status judge(const study_job *j, const qntk_network *network, const qnn_rows *rows, double *score)
{
    *score = NAN;
    if (rows->n == 0)
        return QNTK_OK;
    double *F = qntk_alloc(rows->n, qnn_outputs(j->c.classes) * sizeof *F);
    double *answer = qntk_alloc(rows->n, sizeof *answer);
    qntk_status status = F == NULL || answer == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    if (status == QNTK_OK)
        status = qntk_network_expect(network, QNTK_ROUNDING_NEAREST, rows->n, rows->X, F);
    if (status == QNTK_OK)
        status = qnn_answers(&j->c, rows->n, F, answer);
    if (status == QNTK_OK)
        *score = qnn_score(&j->c, rows->n, rows->y, answer);
    qntk_free(F);
    qntk_free(answer);
    return status;
}

/* A training by the rule of `row`; one that diverges has no scores. */
static qntk_status train(const study_job *j, const study_row *row, uint64_t seed, model *m)
{
    double loss;
    m->train = m->test = NAN;
    qntk_status status = qnn_start(&j->shape, j->b_std, seed, &m->network);
    if (status == QNTK_OK)
        status = qntk_trainer_create(&m->network, options_of(j, row, seed), &m->trainer);
    for (size_t epoch = 0; epoch < j->epochs && status == QNTK_OK; epoch++)
        status = qntk_trainer_epoch(m->trainer, j->train.n, j->train.X, j->train.T, &loss);
    if (status == QNTK_OK)
        status = judge(j, &m->network, &j->train, &m->train);
    if (status == QNTK_OK)
        status = judge(j, &m->network, &j->test, &m->test);
    if (status != QNTK_NOT_FINITE)
        return status;
    m->train = m->test = NAN;
    return QNTK_OK;
}

/* All latent weights, weights in use and biases. */
static bool same_weights(const model *a, const model *b)
{
    bool same = true;
    for (size_t l = 0; l < a->network.count && same; l++) {
        const qntk_network_layer *x = &a->network.layers[l], *y = &b->network.layers[l];
        const size_t bytes = x->fan_in * x->fan_out * sizeof(float);
        same = memcmp(x->latent, y->latent, bytes) == 0 &&
               memcmp(qntk_trainer_weights(a->trainer, l), qntk_trainer_weights(b->trainer, l), bytes) == 0 &&
               memcmp(x->bias, y->bias, x->fan_out * sizeof(float)) == 0;
    }
    return same;
}

/* ---- all trainings ---- */

static double mean_of(size_t count, const double *value, size_t stride, double *sd)
{
    double mean = 0, square = 0;
    for (size_t s = 0; s < count; s++)
        mean += value[s * stride] / (double)count;
    for (size_t s = 0; s < count; s++)
        square += (value[s * stride] - mean) * (value[s * stride] - mean);
    *sd = count > 1 ? sqrt(square / (double)(count - 1)) : (double)NAN;
    return mean;
}

/* A row from the scores of all its seeds. */
static void complete_row(const run_state *run, size_t index, double agree)
{
    const study_job *j = run->job;
    study_row *row = &j->row[index];
    const double *score = run->score + index * j->seeds * 2;
    double gap[STUDY_SEEDS_MAX];
    for (size_t s = 0; s < j->seeds; s++)
        gap[s] = qnn_gap(&j->c, score[2 * s], score[2 * s + 1]);
    row->train = mean_of(j->seeds, score, 2, &row->train_sd);
    row->test = mean_of(j->seeds, score + 1, 2, &row->test_sd);
    row->gap = mean_of(j->seeds, gap, 1, &row->gap_sd);
    row->agree = agree;
    row->present = true;
}

/* Takes over what came of one seed; with run->lock held. */
static qntk_status take_seed(run_state *run, size_t place, size_t seed, size_t models, const model *m,
                             bool agree)
{
    study_job *j = run->job;
    const size_t row = run->order[place];
    for (size_t k = 0; k < models; k++) {
        double *score = run->score + ((row + k) * j->seeds + seed) * 2;
        score[0] = m[k].train;
        score[1] = m[k].test;
    }
    run->agreed += agree ? 1 : 0;
    if (--run->left[place] > 0)
        return QNTK_OK;
    for (size_t k = 0; k < models; k++)
        complete_row(run, row + k, models == 2 ? (double)run->agreed : (double)NAN);
    return run->saves ? study_write(j) : QNTK_OK;
}

static run_state *shown; /* by the progress bar */

static double fraction_done(void)
{
    const double all = (double)(shown->waiting * shown->job->seeds);
    return all > 0 ? (double)atomic_load(&shown->done) / all : 1;
}

/* One seed of one row; of the first two rows together, to compare their weights. */
static qntk_status run_seed(void *context, size_t index, size_t worker)
{
    (void)worker;
    run_state *run = context;
    study_job *j = run->job;
    const size_t place = index / j->seeds, seed = index % j->seeds, row = run->order[place];
    const size_t models = row == 0 ? 2 : 1;
    model m[2] = {0};
    qntk_status status = QNTK_OK;
    for (size_t k = 0; k < models && status == QNTK_OK; k++)
        status = train(j, &j->row[row + k], j->options.seed + seed, &m[k]);
    if (status == QNTK_OK) {
        const bool agree = models == 2 && same_weights(&m[0], &m[1]);
        pthread_mutex_lock(&run->lock);
        status = take_seed(run, place, seed, models, m, agree);
        pthread_mutex_unlock(&run->lock);
        atomic_fetch_add(&run->done, 1);
        qntk_progress("trainings", fraction_done());
    }
    for (size_t k = 0; k < models; k++)
        model_free(&m[k]);
    return status;
}

static qntk_status run_waiting(run_state *run)
{
    pthread_mutex_init(&run->lock, NULL);
    shown = run;
    cli_progress_whole("trainings", fraction_done);
    const qntk_status status = qntk_parallel_for(run->waiting * run->job->seeds, run_seed, run);
    cli_progress_end();
    cli_progress_whole(NULL, NULL);
    pthread_mutex_destroy(&run->lock);
    return status;
}

qntk_status study_run(study_job *j)
{
    run_state state = {.job = j, .saves = suite_can_be_replaced(j->program->common->out)}, *run = &state;
    run->order = qntk_alloc(j->count, sizeof *run->order);
    run->left = qntk_alloc(j->count, sizeof *run->left);
    run->score = qntk_alloc(j->count * j->seeds, 2 * sizeof *run->score);
    qntk_status status =
        run->order == NULL || run->left == NULL || run->score == NULL ? QNTK_NO_MEMORY : QNTK_OK;
    for (size_t i = 0; i < j->count && status == QNTK_OK; i++)
        if (i == 0 ? !j->row[0].present || !j->row[1].present : i > 1 && !j->row[i].present) {
            run->left[run->waiting] = j->seeds;
            run->order[run->waiting++] = i;
        }
    if (status == QNTK_OK)
        status = run_waiting(run);
    qntk_free(run->order);
    qntk_free(run->left);
    qntk_free(run->score);
    return status;
}
