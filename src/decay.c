/* Decay laws of a spectrum: the points, the window, the verdict. */
#include "internal.h"

#include "decay_parts.h"
#include "qntk/decay.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

enum {
    BINS = 64,       /* of equal width in log(i) */
    POINTS_MIN = 8,  /* below, three parameters fit anything */
    SAMPLE_MIN = 32, /* indices kept of a small sample, where there are as many as twice that */
    SHAPES = 40      /* trial shapes 0.05, 0.10, .. 2 */
};

static const double SMALLEST_EVAL = 1e-300; /* exact spectra are relatively accurate down to here */
static const double SHAPE_STEP = 0.05;
/* The points of a fit, in ascending order of i. */
typedef struct {
    size_t count;
    double *index, *log_index, *value; /* means of i, log(i) and log(eigenvalue) */
    double *warped;                    /* i^shape for the shape at hand */
    unsigned char *odd;                /* its class: a scale of its own */
    size_t *first, *last;              /* the indices a point stands for */
} series;

static void series_free(series *points)
{
    qntk_free(points->index);
    qntk_free(points->odd);
    qntk_free(points->first);
    *points = (series){0};
}

static qntk_status series_create(size_t capacity, series *points)
{
    *points = (series){0};
    points->index = qntk_alloc(4 * capacity, sizeof(double));
    points->odd = qntk_alloc_zero(capacity, 1);
    points->first = qntk_alloc(2 * capacity, sizeof(size_t));
    if (points->index == NULL || points->odd == NULL || points->first == NULL) {
        series_free(points);
        return QNTK_NO_MEMORY;
    }
    points->log_index = points->index + capacity;
    points->value = points->index + 2 * capacity;
    points->warped = points->index + 3 * capacity;
    points->last = points->first + capacity;
    return QNTK_OK;
}

/* Bins of equal width in log(i) over first .. last, each at least one index wide. */
static void bin_indices(const double *eval, size_t first, size_t last, series *points)
{
    const double span = log((double)(last + 1) / (double)first);
    size_t begin = first;
    for (int bin = 1; bin <= BINS && begin <= last; bin++) {
        double edge = (double)first * exp(span * bin / BINS);
        size_t end = bin == BINS ? last + 1 : qntk_min((size_t)edge, last + 1);
        if (end <= begin)
            continue;
        /* Means of differences to the bin's first index: wide bins keep the last digits too. */
        const double from[3] = {(double)begin, log((double)begin), log(eval[begin - 1])};
        double sum[3] = {0};
        for (size_t i = begin; i < end; i++) {
            sum[0] += (double)i - from[0];
            sum[1] += log((double)i) - from[1];
            sum[2] += log(eval[i - 1]) - from[2];
        }
        double width = (double)(end - begin);
        size_t k = points->count++;
        points->index[k] = from[0] + sum[0] / width;
        points->log_index[k] = from[1] + sum[1] / width;
        points->value[k] = from[2] + sum[2] / width;
        points->first[k] = begin;
        points->last[k] = end - 1;
        begin = end;
    }
}

static void each_degree(const double *eval, size_t first, size_t last, double floor, series *points)
{
    for (size_t degree = first; degree <= last; degree++) {
        if (!(eval[degree] > floor))
            continue;
        size_t k = points->count++;
        points->index[k] = (double)degree;
        points->log_index[k] = log((double)degree);
        points->value[k] = log(eval[degree]);
        points->odd[k] = degree % 2;
        points->first[k] = points->last[k] = degree;
    }
}

/* The three laws over the points start .. count-1. */
typedef struct {
    qntk_line power, exponential, stretched;
    double shape;
} laws;

static qntk_line fit_shape(const series *points, size_t start, double shape)
{
    for (size_t k = start; k < points->count; k++)
        points->warped[k] = exp(shape * points->log_index[k]);
    return qntk_line_fit(points->count - start, points->warped + start, points->value + start,
                         points->odd + start);
}

/* Refines the best trial shape by golden section. */
static void fit_laws(const series *points, size_t start, double shape, laws *fit)
{
    const double golden = 0.6180339887498949;
    const size_t count = points->count - start;
    fit->power = qntk_line_fit(count, points->log_index + start, points->value + start, points->odd + start);
    fit->exponential =
        qntk_line_fit(count, points->index + start, points->value + start, points->odd + start);
    double low = fmax(shape - SHAPE_STEP, SHAPE_STEP / 10);
    double high = fmin(shape + SHAPE_STEP, SHAPE_STEP * SHAPES);
    while (high - low > 1e-6) {
        double left = high - golden * (high - low), right = low + golden * (high - low);
        if (fit_shape(points, start, left).rss <= fit_shape(points, start, right).rss)
            high = right;
        else
            low = left;
    }
    fit->shape = (low + high) / 2;
    fit->stretched = fit_shape(points, start, fit->shape);
}

/* The smallest sum of squares rounding allows: a few units in the last place of each log. */
static double rss_floor(const series *points)
{
    double largest = 1;
    for (size_t k = 0; k < points->count; k++)
        largest = fmax(largest, fabs(points->value[k]));
    return (double)points->count * pow(4 * DBL_EPSILON * largest, 2);
}

/* How a series is to be fitted. */
typedef struct {
    bool fixed;     /* the caller chose the start of the window */
    bool staircase; /* residuals are correlated by plateaus, not by a law that has not set in yet */
    char symbol;    /* of the index in the verdict */
    const char *unit;
} fit_mode;

/* The sum of squares about the mean. */
static double total_squares(const series *points)
{
    double mean = 0, sum = 0;
    for (size_t k = 0; k < points->count; k++)
        mean += points->value[k] / (double)points->count;
    for (size_t k = 0; k < points->count; k++)
        sum += (points->value[k] - mean) * (points->value[k] - mean);
    return sum;
}

/* Keeps the better of two lines. */
static void keep_best(qntk_line line, qntk_line *best)
{
    if (line.rss < best->rss)
        *best = line;
}

/* What a fit of `count` points is worth in independent ones. Residuals that are rounding errors are. */
static double effective_points(const qntk_line *line, size_t count, double smallest)
{
    return line->rss <= smallest ? (double)count : (double)count / (line->inflation * line->inflation);
}

/* The number of leading points to leave out, and the trial shape that goes with it. `best` (count) is
 * scratch. */
static void choose_start(const series *points, const fit_mode *mode, qntk_line *best, size_t *start,
                         double *shape)
{
    const size_t count = points->count;
    const size_t starts = mode->fixed ? 1 : count - qntk_max(POINTS_MIN, count / 2) + 1;
    const double smallest = rss_floor(points);
    const double *x = points->log_index, *i = points->index, *w = points->warped, *y = points->value;
    const unsigned char *odd = points->odd;
    for (size_t s = 0; s < starts; s++) {
        best[s] = qntk_line_fit(count - s, x + s, y + s, odd + s);
        keep_best(qntk_line_fit(count - s, i + s, y + s, odd + s), &best[s]);
    }
    for (int trial = 1; trial <= SHAPES; trial++) {
        fit_shape(points, 0, SHAPE_STEP * trial);
        for (size_t s = 0; s < starts; s++)
            keep_best(qntk_line_fit(count - s, w + s, y + s, odd + s), &best[s]);
    }
    double least = INFINITY;
    const double total = fmax(total_squares(points), smallest);
    *start = 0;
    for (size_t s = 0; s < starts; s++) {
        double effective = mode->staircase ? effective_points(&best[s], count, smallest) : (double)count;
        double criterion = effective * log(fmax(best[s].rss, smallest) / total) + 2 * (double)s;
        if (criterion < least) {
            least = criterion;
            *start = s;
        }
    }
    qntk_line chosen = {.rss = INFINITY};
    for (int trial = 1; trial <= SHAPES; trial++) {
        qntk_line line = fit_shape(points, *start, SHAPE_STEP * trial);
        if (line.rss < chosen.rss) {
            chosen = line;
            *shape = SHAPE_STEP * trial;
        }
    }
}

/* Akaike's criterion with the correlated points counted once. */
static double aic(const qntk_line *line, size_t count, double effective, double smallest, size_t shapes)
{
    size_t parameters = line->classes + 2 + shapes; /* scales, slope, variance */
    return effective * log(fmax(line->rss, smallest) / (double)count) + 2 * (double)parameters;
}

static void collect(const series *points, size_t start, const laws *fit, qntk_decay *decay)
{
    const size_t count = points->count - start;
    const double smallest = rss_floor(points);
    const qntk_line *best = &fit->power;
    if (fit->exponential.rss < best->rss)
        best = &fit->exponential;
    if (fit->stretched.rss < best->rss)
        best = &fit->stretched;
    const double effective = effective_points(best, count, smallest);

    decay->first = points->first[start];
    decay->last = points->last[points->count - 1];
    decay->points = count;
    decay->effective_points = effective;
    decay->odd_log_ratio = best->odd_offset;
    decay->power.exponent = -fit->power.slope;
    decay->power.exponent_se = fit->power.slope_se;
    decay->power.log_scale = fit->power.intercept;
    decay->power.aic = aic(&fit->power, count, effective, smallest, 0);
    decay->exponential.rate = -fit->exponential.slope;
    decay->exponential.rate_se = fit->exponential.slope_se;
    decay->exponential.log_scale = fit->exponential.intercept;
    decay->exponential.aic = aic(&fit->exponential, count, effective, smallest, 0);
    decay->stretched.shape = fit->shape;
    decay->stretched.rate = -fit->stretched.slope;
    decay->stretched.log_scale = fit->stretched.intercept;
    decay->stretched.aic = aic(&fit->stretched, count, effective, smallest, 1);
}

static void set_undetermined(qntk_decay *decay)
{
    decay->power.exponent = decay->power.exponent_se = decay->power.log_scale = decay->power.aic = NAN;
    decay->exponential.rate = decay->exponential.rate_se = NAN;
    decay->exponential.log_scale = decay->exponential.aic = NAN;
    decay->stretched.shape = decay->stretched.rate = NAN;
    decay->stretched.log_scale = decay->stretched.aic = NAN;
}

static qntk_status fit_points(const series *points, const fit_mode *mode, qntk_decay *decay)
{
    set_undetermined(decay);
    decay->points = points->count;
    if (points->count < POINTS_MIN) {
        snprintf(decay->verdict, sizeof decay->verdict,
                 "undetermined: %zu points above the noise floor %.2g in the window, %d are needed",
                 points->count, decay->floor, POINTS_MIN);
        return QNTK_OK;
    }
    qntk_line *scratch = qntk_alloc(points->count, sizeof *scratch);
    if (scratch == NULL)
        return QNTK_NO_MEMORY;
    size_t start = 0;
    double shape = 1;
    laws fit;
    choose_start(points, mode, scratch, &start, &shape);
    fit_laws(points, start, shape, &fit);
    collect(points, start, &fit, decay);
    qntk_decay_judge(mode->symbol, mode->unit, decay);
    qntk_free(scratch);
    return QNTK_OK;
}

/* Finite values, and the floor: noise has both signs, so the most negative value shows its size. */
static qntk_status check_values(size_t count, const double *eval, const qntk_decay_options *options,
                                bool degrees, qntk_decay *decay)
{
    *decay = (qntk_decay){.floor = fmax(options->floor, SMALLEST_EVAL)};
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(eval[i]))
            return qntk_fail(QNTK_NOT_FINITE, "qntk_decay: the eigenvalue of %s %zu is %g",
                             degrees ? "degree" : "index", degrees ? i : i + 1, eval[i]);
        decay->floor = fmax(decay->floor, -2 * eval[i]);
    }
    return QNTK_OK;
}

qntk_decay_options qntk_decay_defaults(void)
{
    return (qntk_decay_options){.floor = SMALLEST_EVAL};
}

double qntk_decay_floor(size_t n, double largest, double eps)
{
    return (8 + (double)n / 64) * eps * largest;
}

qntk_status qntk_decay_fit(size_t count, const double *eval, qntk_decay_options options, qntk_decay *decay)
{
    *decay = (qntk_decay){0};
    QNTK_REQUIRE(options.last <= count, "the window ends after the last eigenvalue");
    QNTK_REQUIRE(options.last == 0 || options.first <= options.last, "the window is empty");
    for (size_t i = 1; i < count; i++)
        if (eval[i] > eval[i - 1])
            return qntk_fail(QNTK_INVALID, "qntk_decay_fit: eigenvalue %zu is larger than the one before",
                             i + 1);
    qntk_decay found;
    qntk_status status = check_values(count, eval, &options, false, &found);
    if (status != QNTK_OK)
        return status;
    size_t above = 0;
    while (above < count && eval[above] > found.floor)
        above++;
    found.skipped = count - above;
    size_t last = options.last != 0 ? qntk_min(options.last, above) : above;
    if (options.last == 0 && options.rows > 0) {
        size_t half = options.rows / 2, quarter = options.rows / 4;
        last = qntk_min(last, qntk_max(quarter, qntk_min(half, SAMPLE_MIN)));
    }
    series points;
    status = series_create(BINS, &points);
    if (status != QNTK_OK)
        return status;
    size_t first = qntk_max(options.first, 1);
    if (first <= last)
        bin_indices(eval, first, last, &points);
    const fit_mode mode = {options.first != 0, true, 'i', "indices"};
    status = fit_points(&points, &mode, &found);
    series_free(&points);
    if (status == QNTK_OK)
        *decay = found;
    return status;
}

qntk_status qntk_decay_fit_degrees(size_t count, const double *eval, qntk_decay_options options,
                                   qntk_decay *decay)
{
    *decay = (qntk_decay){0};
    QNTK_REQUIRE(options.last == 0 || options.last < count, "the window ends after the last degree");
    QNTK_REQUIRE(options.last == 0 || options.first <= options.last, "the window is empty");
    qntk_decay found;
    qntk_status status = check_values(count, eval, &options, true, &found);
    if (status != QNTK_OK)
        return status;
    for (size_t degree = 1; degree < count; degree++)
        found.skipped += !(eval[degree] > found.floor);
    series points;
    status = series_create(qntk_max(count, 1), &points);
    if (status != QNTK_OK)
        return status;
    if (count > 1)
        each_degree(eval, qntk_max(options.first, 1), options.last != 0 ? options.last : count - 1,
                    found.floor, &points);
    const fit_mode mode = {options.first != 0, false, 'k', "degrees"};
    status = fit_points(&points, &mode, &found);
    series_free(&points);
    if (status == QNTK_OK)
        *decay = found;
    return status;
}
