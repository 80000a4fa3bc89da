/* Sweeps: a model against a twin of plain calls, correlations. */
#include "sweep_check.h"

#include <float.h>
#include <string.h>

#include "dataset_memory.h"

/* ---- one model ---- */

enum { ROWS = 60, TEST_ROWS = 30, D = 4, CLASSES = 3 };

typedef struct {
    float X[(ROWS + TEST_ROWS) * D], T[ROWS * CLASSES];
    double y[ROWS + TEST_ROWS];
    qntk_sweep_data data;
} rows;

/* Overlapping clouds, or numbers of a smooth function with noise. */
static void make_rows(rows *r, size_t classes)
{
    qntk_rng rng = qntk_rng_create(8, 0);
    for (size_t i = 0; i < ROWS + TEST_ROWS; i++) {
        const size_t label = i % CLASSES;
        for (size_t j = 0; j < D; j++)
            r->X[i * D + j] = (float)(qntk_rng_normal(&rng) + (classes > 0 && j == label ? 1.5 : 0));
        const double x = (double)r->X[i * D];
        r->y[i] = classes > 0 ? (double)label : 5 + 2 * (x + sin(x) + 0.5 * qntk_rng_normal(&rng));
    }
    for (size_t i = 0; i < ROWS; i++)
        r->T[i] = (float)((r->y[i] - 5) / 2);
    if (classes > 0)
        ck_assert_ok(qntk_train_targets(QNTK_LOSS_CROSS_ENTROPY, ROWS, r->y, classes, r->T));
    r->data = (qntk_sweep_data){.n = ROWS,
                                .test_n = TEST_ROWS,
                                .d = D,
                                .classes = classes,
                                .X = r->X,
                                .test_X = r->X + ROWS * D,
                                .T = r->T,
                                .y = r->y,
                                .test_y = r->y + ROWS,
                                .shift = 5,
                                .scale = 2};
}

static const char grid[] =
    "data = x\nbits = real 1 1.58 3\nrounding = stochastic nearest\nwidth = 12\ndepth = 2\n"
    "seed = 3 4\nlr = 0.02\nepochs = 6\nbatch = 16\nb_std = 0.1\nrepeats = 2\ndraws = 3\n";

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The weight that an input is multiplied with, or its mean. */
static double weight_in_use(const qntk_network_layer *layer, qntk_rounding rounding, size_t k)
{
    const double latent = (double)layer->latent[k];
    if (layer->levels == 0)
        return latent;
    const double clipped = fmax(-1, fmin(1, latent)), step = 2.0 / (double)(layer->levels - 1);
    if (rounding == QNTK_ROUNDING_STOCHASTIC)
        return clipped;
    return (double)(float)(-1 + step * floor((clipped + 1) / step + 0.5)); /* levels are floats */
}

/* What other modules measure, by plain calls. */
static void measure_twin(const rows *r, const qntk_sweep_model *model, const qntk_network *network,
                         const qntk_network *start, qntk_sweep_row *row)
{
    const qntk_loss loss = r->data.classes > 0 ? QNTK_LOSS_CROSS_ENTROPY : QNTK_LOSS_SQUARED;
    qntk_penalty_options penalty_options = qntk_penalty_defaults();
    qntk_sharpness_options options = qntk_sharpness_defaults();
    qntk_penalty penalty;
    qntk_sharpness s;
    penalty_options.loss = options.loss = loss;
    ck_assert_ok(qntk_penalty_measure(network, model->rounding, ROWS, r->X, r->T, penalty_options, &penalty));
    row->measure[QNTK_MEASURE_PENALTY] = penalty.gauss_newton;
    for (size_t m = QNTK_MEASURE_SIGMA; m < QNTK_MEASURE_PENALTY; m++)
        row->measure[m] = row->se[m] = NAN;
    if (r->data.classes == 0)
        return;
    options.repeats = 2;
    options.draws = 3;
    options.seed = model->seed;
    ck_assert_ok(qntk_sharpness_of(network, start, model->rounding, ROWS, r->X, r->y, CLASSES, options, &s));
    const double value[] = {s.sigma,      s.magnitude_sigma, s.measure[0],
                            s.measure[1], s.measure[2],      s.measure[3]};
    const double se[] = {s.sigma_se, s.magnitude_sigma_se, s.se[0], s.se[1], s.se[2], s.se[3]};
    for (size_t m = 0; m < 6; m++) {
        const bool found = (m == 1 || m == 5 ? s.magnitude_found : s.found) > 0;
        row->measure[QNTK_MEASURE_SIGMA + m] = found ? value[m] : (double)NAN;
        row->se[QNTK_MEASURE_SIGMA + m] = found ? se[m] : (double)NAN;
    }
    row->measure[QNTK_MEASURE_BOUND] = s.bound;
    ck_assert_relative(s.norm, row->measure[QNTK_MEASURE_NORM], 64 * DBL_EPSILON);
    ck_assert_relative(s.distance, row->measure[QNTK_MEASURE_DISTANCE], 64 * DBL_EPSILON);
}

/* The numbers of a row by plain calls; margin and gap of `n` rows from 0. */
static qntk_sweep_row twin(const rows *r, const qntk_sweep_model *model, size_t epochs)
{
    const size_t outputs = r->data.classes > 0 ? CLASSES : 1;
    const size_t sizes[] = {D, model->width, model->width, outputs},
                 levels[] = {model->levels, model->levels, 0};
    qntk_network network = {0}, start = {0};
    qntk_trainer *trainer;
    qntk_train_options options = qntk_train_defaults();
    options.loss = r->data.classes > 0 ? QNTK_LOSS_CROSS_ENTROPY : QNTK_LOSS_SQUARED;
    options.rounding = model->rounding;
    options.rate = model->rate;
    options.batch = 16;
    options.seed = model->seed;
    qntk_sweep_row row = {.epochs = epochs};
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0.1, model->seed, &network));
    ck_assert_ok(qntk_network_create(3, sizes, levels, 0.1, model->seed, &start));
    ck_assert_ok(qntk_trainer_create(&network, options, &trainer));
    for (size_t e = 0; e < epochs; e++)
        ck_assert_ok(qntk_trainer_epoch(trainer, ROWS, r->X, r->T, &row.loss));
    double F[(ROWS + TEST_ROWS) * CLASSES], score[2] = {0}, margin[ROWS] = {0}, square = 0, moved = 0;
    /* the two parts one by one, as they are judged: in single precision a row's neighbours decide its last bits */
    ck_assert_ok(qntk_network_expect(&network, model->rounding, ROWS, r->X, F));
    ck_assert_ok(
        qntk_network_expect(&network, model->rounding, TEST_ROWS, r->X + ROWS * D, F + ROWS * outputs));
    for (size_t i = 0; i < ROWS + TEST_ROWS; i++) {
        const double *f = F + i * outputs;
        if (r->data.classes == 0) {
            score[i >= ROWS] += pow(f[0] * 2 + 5 - r->y[i], 2);
            continue;
        }
        const size_t label = (size_t)r->y[i];
        const double other = fmax(f[(label + 1) % 3], f[(label + 2) % 3]);
        score[i >= ROWS] += f[label] > other;
        if (i < ROWS)
            margin[i] = f[label] - other;
    }
    row.train = score[0] / ROWS;
    row.test = score[1] / TEST_ROWS;
    row.gap = r->data.classes > 0 ? row.train - row.test : row.test - row.train;
    qsort(margin, ROWS, sizeof *margin, by_value);
    row.measure[QNTK_MEASURE_MARGIN] = r->data.classes > 0 ? margin[ROWS / 10] : (double)NAN;
    for (size_t l = 0; l < 3; l++)
        for (size_t k = 0; k < sizes[l] * sizes[l + 1]; k++) {
            const double w = weight_in_use(&network.layers[l], model->rounding, k);
            square += w * w;
            moved += pow(w - weight_in_use(&start.layers[l], model->rounding, k), 2);
        }
    row.measure[QNTK_MEASURE_NORM] = sqrt(square);
    row.measure[QNTK_MEASURE_DISTANCE] = sqrt(moved);
    measure_twin(r, model, &network, &start, &row);
    qntk_trainer_destroy(&trainer);
    qntk_network_free(&network);
    qntk_network_free(&start);
    return row;
}

static void check_models(size_t classes)
{
    static rows r;
    double worst = 0;
    size_t wrong = 0;
    size_t defined[QNTK_MEASURES] = {0};
    make_rows(&r, classes);
    qntk_sweep s = sweep_parse(grid);
    for (size_t k = 0; k < qntk_sweep_count(&s); k++) {
        const qntk_sweep_model model = qntk_sweep_at(&s, k);
        const qntk_sweep_row expected = twin(&r, &model, 6);
        qntk_sweep_row row;
        ck_assert_ok(qntk_sweep_run(&s, &r.data, k, &row));
        wrong += !row.present || row.outcome != QNTK_SWEEP_OK || row.epochs != 6 || row.loss != expected.loss;
        worst = test_worse(worst, fabs(row.train - expected.train));
        worst = test_worse(worst, fabs(row.test - expected.test));
        worst = test_worse(worst, fabs(row.gap - expected.gap));
        for (size_t m = 0; m < QNTK_MEASURES; m++) {
            wrong += isnan(row.measure[m]) != isnan(expected.measure[m]);
            if (!isnan(row.measure[m]) && row.measure[m] != expected.measure[m])
                worst = test_worse(worst, fabs(row.measure[m] / expected.measure[m] - 1));
            if (m >= QNTK_MEASURE_SIGMA && m < QNTK_MEASURE_PENALTY) /* the same numbers, or none */
                wrong += memcmp(&row.se[m], &expected.se[m], sizeof(double)) != 0 &&
                         !(isnan(row.se[m]) && isnan(expected.se[m]));
            defined[m] += !isnan(row.measure[m]);
        }
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_close(worst, 0, 64 * DBL_EPSILON, 1);
    for (size_t m = 0; m < QNTK_MEASURES; m++) { /* real weights have no bound; numbers no accuracy */
        const bool any = classes > 0 || m <= QNTK_MEASURE_DISTANCE || m == QNTK_MEASURE_PENALTY;
        const size_t models = qntk_sweep_count(&s) - (m == QNTK_MEASURE_BOUND ? 2 : 0);
        if (m < QNTK_MEASURE_SIGMA || m > QNTK_MEASURE_MAGNITUDE_AWARE || !any)
            ck_assert_uint_eq(defined[m], any ? models : 0);
        else
            ck_assert_uint_ge(defined[m], models / 2);
    }
    qntk_sweep_free(&s);
}

/* ---- threads, errors ---- */

typedef struct {
    const qntk_sweep *sweep;
    const qntk_sweep_data *data;
    qntk_sweep_row row[64];
} loop;

static qntk_status run_item(void *context, size_t index, size_t worker)
{
    (void)worker;
    loop *l = context;
    return qntk_sweep_run(l->sweep, l->data, index, &l->row[index]);
}

static rows small_rows;

static qntk_status sweep_once(void *context)
{
    qntk_sweep *s = context;
    qntk_sweep_row row;
    qntk_sweep_correlation *correlation = NULL;
    size_t count;
    qntk_meta meta = {0};
    qntk_status status =
        qntk_sweep_parse("grid", "data = x\nlabels = y\nwidth = 3\nepochs = 1\nrepeats = 1\ndraws = 1\n", s);
    if (status == QNTK_OK)
        status = qntk_sweep_run(s, &small_rows.data, 0, &row);
    if (status == QNTK_OK)
        status = qntk_sweep_correlate(s, &row, 3, 0, &correlation, &count);
    if (status == QNTK_OK)
        status = qntk_sweep_describe(s, &meta);
    qntk_meta_free(&meta);
    qntk_free(correlation);
    if (status != QNTK_OK)
        qntk_sweep_free(s);
    return status;
}

static void free_sweep(void *context)
{
    qntk_sweep_free(context);
}

START_TEST(a_model_of_classes_is_that_of_a_plain_twin)
{
    check_models(CLASSES);
}
END_TEST

START_TEST(a_model_of_numbers_is_that_of_a_plain_twin)
{
    check_models(0);
}
END_TEST

START_TEST(training_ends_below_the_loss_that_is_asked_for)
{
    static rows r;
    char text[sizeof grid + 64];
    make_rows(&r, CLASSES);
    qntk_sweep s = sweep_parse(grid);
    qntk_sweep_row full, short_one;
    const qntk_sweep_model model = qntk_sweep_at(&s, 4);
    const qntk_sweep_row third = twin(&r, &model, 3), second = twin(&r, &model, 2);
    ck_assert_double_lt(third.loss, second.loss);
    qntk_sweep_free(&s);
    snprintf(text, sizeof text, "%suntil_loss = %.17g\n", grid, (third.loss + second.loss) / 2);
    s = sweep_parse(text);
    ck_assert_ok(qntk_sweep_run(&s, &r.data, 4, &short_one));
    ck_assert_uint_eq(short_one.epochs, 3);
    ck_assert(short_one.outcome == QNTK_SWEEP_OK);
    ck_assert_double_eq(short_one.loss, third.loss);
    ck_assert_double_eq(short_one.train, third.train);
    qntk_sweep_free(&s);
    snprintf(text, sizeof text, "%suntil_loss = 1e-9\n", grid);
    s = sweep_parse(text);
    ck_assert_ok(qntk_sweep_run(&s, &r.data, 4, &full));
    ck_assert_uint_eq(full.epochs, 6);
    ck_assert(full.outcome == QNTK_SWEEP_ABOVE && full.present);
    ck_assert(isfinite(full.gap));
    qntk_sweep_free(&s);
}
END_TEST

START_TEST(a_training_that_diverges_is_a_row_without_numbers)
{
    static rows r;
    make_rows(&r, 0);
    qntk_sweep s = sweep_parse("data = x\nbits = real\nwidth = 12\nlr = 1e9\nepochs = 50\n");
    qntk_sweep_row row;
    ck_assert_ok(qntk_sweep_run(&s, &r.data, 0, &row));
    ck_assert(row.present && row.outcome == QNTK_SWEEP_DIVERGED);
    ck_assert_uint_lt(row.epochs, 50);
    ck_assert(isnan(row.loss) && isnan(row.train) && isnan(row.test) && isnan(row.gap));
    for (size_t m = 0; m < QNTK_MEASURES; m++)
        ck_assert(isnan(row.measure[m]) && isnan(row.se[m]));
    qntk_sweep_free(&s);
}
END_TEST

START_TEST(any_number_of_threads_and_a_loop_around_give_the_same_rows)
{
    static rows r;
    static loop first, found;
    make_rows(&r, CLASSES);
    qntk_sweep s = sweep_parse(grid);
    const size_t count = qntk_sweep_count(&s);
    first.sweep = found.sweep = &s;
    first.data = found.data = &r.data;
    size_t wrong = 0;
    for (size_t k = 0; k < count; k++)
        ck_assert_ok(run_item(&first, k, 0));
    for (size_t threads = 1; threads <= 3; threads++) {
        ck_assert_ok(qntk_threads_set(threads));
        memset(found.row, 0, sizeof found.row);
        ck_assert_ok(qntk_parallel_for(count, run_item, &found));
        wrong += memcmp(found.row, first.row, count * sizeof *found.row) != 0;
        ck_assert_ok(run_item(&found, 2, 0)); /* all threads inside */
        wrong += memcmp(&found.row[2], &first.row[2], sizeof *found.row) != 0;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_ok(qntk_threads_set(0));
    first.sweep = found.sweep = NULL;
    qntk_sweep_free(&s);
}
END_TEST

START_TEST(each_documented_error_is_given)
{
    static rows r;
    make_rows(&r, 0);
    qntk_sweep s = sweep_parse("data = x\nwidth = 4\nepochs = 2\nloss = cross-entropy\n");
    qntk_sweep_row row;
    ck_assert_fails(qntk_sweep_run(&s, &r.data, 1, &row), QNTK_INVALID, "no such model");
    ck_assert_fails(qntk_sweep_run(&s, &r.data, 0, &row), QNTK_INVALID, "loss = squared");
    ck_assert(!row.present);
    r.data.n = 0;
    ck_assert_fails(qntk_sweep_run(&s, &r.data, 0, &row), QNTK_INVALID, "no rows");
    ck_assert_fails(qntk_sweep_run(&s, NULL, 0, &row), QNTK_INVALID, "NULL");
    qntk_sweep_correlation *correlation;
    size_t count;
    ck_assert_fails(qntk_sweep_correlate(&s, NULL, 9, 0, &correlation, &count), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_sweep_correlate(&s, &row, 0, 0, &correlation, &count), QNTK_INVALID, "resamples");
    ck_assert_ptr_null(correlation);
    make_rows(&r, CLASSES);
    qntk_interrupt();
    ck_assert_fails(qntk_sweep_run(&s, &r.data, 0, &row), QNTK_INTERRUPTED, "interrupted");
    qntk_interrupt_clear();
    for (int k = 0; k < 3; k++) {
        const double y[] = {-1, CLASSES, NAN};
        make_rows(&r, CLASSES);
        r.y[ROWS - 1] = y[k];
        ck_assert_fails(qntk_sweep_run(&s, &r.data, 0, &row), QNTK_INVALID, "a class that is none");
    }
    qntk_sweep_free(&s);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    qntk_sweep s = {0};
    make_rows(&small_rows, CLASSES);
    small_rows.data.n = 10;
    small_rows.data.test_n = 5;
    ck_assert_ok(qntk_threads_set(1)); /* as many allocations each time */
    check_allocations(sweep_once, free_sweep, &s);
    ck_assert_ok(qntk_threads_set(0));
}
END_TEST

/* ---- correlations ---- */

START_TEST(correlations_are_of_the_gap_in_each_group_and_over_all)
{
    qntk_sweep s = sweep_parse("data = x\nbits = real 2 4\nrounding = nearest stochastic\nseed = 1..12\n");
    const size_t models = qntk_sweep_count(&s), groups = 1 + 5;
    qntk_sweep_row row[60];
    qntk_rng rng = qntk_rng_create(4, 4);
    memset(row, 0, sizeof row);
    for (size_t k = 0; k < models; k++) {
        row[k].present = k != 20;
        row[k].outcome = k == 3 ? QNTK_SWEEP_DIVERGED : k == 33 ? QNTK_SWEEP_ABOVE : QNTK_SWEEP_OK;
        row[k].gap = k == 3 ? (double)NAN : qntk_rng_uniform(&rng);
        for (size_t m = 0; m < QNTK_MEASURES; m++)
            row[k].measure[m] =
                m == 1 && k % 5 == 0 ? (double)NAN : row[k].gap * (double)m + qntk_rng_uniform(&rng);
    }
    qntk_sweep_correlation *found;
    size_t count, wrong = 0;
    ck_assert_ok(qntk_sweep_correlate(&s, row, 50, 7, &found, &count));
    ck_assert_uint_eq(count, groups * QNTK_MEASURES);
    for (size_t c = 0; c < count; c++) {
        const size_t g = c / QNTK_MEASURES, m = c % QNTK_MEASURES;
        double x[60], y[60];
        size_t used = 0;
        for (size_t k = 0; k < models; k++)
            if (k != 20 && k != 3 && k != 33 && (g == 0 || k / 12 == g - 1)) {
                x[used] = row[k].measure[m];
                y[used++] = row[k].gap;
            }
        qntk_kendall kendall;
        qntk_interval interval;
        ck_assert_ok(qntk_compare_kendall(used, x, y, &kendall));
        ck_assert_ok(qntk_compare_kendall_interval(used, x, y, 50, 0.95, 7, &interval));
        wrong += found[c].measure != m || found[c].all != (g == 0) || found[c].kendall.used != kendall.used ||
                 found[c].kendall.tau != kendall.tau || found[c].kendall.p != kendall.p ||
                 found[c].interval.low != interval.low || found[c].interval.high != interval.high;
        if (g > 0) {
            const size_t levels[] = {0, 4, 4, 16, 16};
            wrong += found[c].group.levels != levels[g - 1];
            wrong += g > 1 && found[c].group.rounding !=
                                  (g % 2 == 0 ? QNTK_ROUNDING_NEAREST : QNTK_ROUNDING_STOCHASTIC);
        }
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(found[0].kendall.used, models - 3);
    ck_assert_uint_eq(found[1].kendall.used, models - 3 - 11); /* 20 is left out already, of 0, 5, .. 55 */
    qntk_free(found);
    qntk_sweep_free(&s);
    s = sweep_parse("data = x\nseed = 1..12\n"); /* one group only: it is all */
    ck_assert_ok(qntk_sweep_correlate(&s, row, 50, 7, &found, &count));
    ck_assert_uint_eq(count, QNTK_MEASURES);
    qntk_free(found);
    qntk_sweep_free(&s);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_model_of_classes_is_that_of_a_plain_twin);
    tcase_add_test(tcase, a_model_of_numbers_is_that_of_a_plain_twin);
    tcase_add_test(tcase, training_ends_below_the_loss_that_is_asked_for);
    tcase_add_test(tcase, a_training_that_diverges_is_a_row_without_numbers);
    tcase_add_test(tcase, any_number_of_threads_and_a_loop_around_give_the_same_rows);
    tcase_add_test(tcase, each_documented_error_is_given);
    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, correlations_are_of_the_gap_in_each_group_and_over_all);
}

int main(void)
{
    return test_main("sweep", add_tests);
}
