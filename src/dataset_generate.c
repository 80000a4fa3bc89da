/* The points and labels of generators. Every number depends on the seed, its stream and its position only; in each,
 * the points of a smaller n are the first points of a larger one. */
#include "dataset_synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- points ---- */

/* Room for n points of dimension d with labels, where memory has room as well for so many directions with a
 * factor each: both are asked for before either is touched. */
static qntk_status allocate(size_t n, size_t d, size_t directions, const char *advice, qntk_raw *raw)
{
    size_t rows = n + directions;
    qntk_status status =
        qntk_memory_check(rows > SIZE_MAX / 16 / (d + 1) ? SIZE_MAX : 8 * rows * (d + 1), raw->path, advice);
    if (status != QNTK_OK)
        return status;
    raw->value = qntk_alloc(n * d, sizeof(double));
    raw->label = qntk_alloc(n, sizeof(double));
    if (raw->value == NULL || raw->label == NULL)
        return QNTK_NO_MEMORY;
    raw->n = raw->label_count = n;
    raw->width = d;
    return QNTK_OK;
}

/* x (d) uniform on the sphere of this radius: a normal vector has no preferred direction. */
static void draw_direction(qntk_rng *rng, size_t d, double radius, double *x)
{
    double square = 0;
    while (square == 0) { /* zero has probability 0 and would have no direction */
        for (size_t j = 0; j < d; j++) {
            x[j] = qntk_rng_normal(rng);
            square += x[j] * x[j];
        }
    }
    for (size_t j = 0; j < d; j++)
        x[j] *= radius / sqrt(square);
}

static qntk_status draw_points(size_t n, size_t d, uint64_t seed, double *X)
{
    enum { POLL = 4096 }; /* rows between looks for Ctrl-C */
    qntk_rng rng = qntk_rng_create(seed, QNTK_STREAM_POINTS);
    for (size_t i = 0; i < n; i++) {
        if (i % POLL == 0 && qntk_interrupted())
            return qntk_fail(QNTK_INTERRUPTED, "drawing points: interrupted");
        draw_direction(&rng, d, sqrt((double)d), X + i * d);
    }
    return QNTK_OK;
}

static double dot(size_t d, const double *x, const double *z)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++)
        sum += x[j] * z[j];
    return sum;
}

/* ---- labels on all cores ---- */

typedef double (*label_function)(const qntk_synth *s, const double *parameters, const double *x);

typedef struct {
    const qntk_synth *s;
    const double *parameters;
    label_function function;
    qntk_raw *raw;
} labelling;

enum { BLOCK = 64 }; /* rows an item: fixed, so that results do not depend on the threads */

static qntk_status label_block(void *context, size_t index, size_t worker)
{
    (void)worker;
    const labelling *l = context;
    for (size_t i = index * BLOCK; i < qntk_min(l->raw->n, (index + 1) * BLOCK); i++)
        l->raw->label[i] = l->function(l->s, l->parameters, l->raw->value + i * l->raw->width);
    return QNTK_OK;
}

static qntk_status label_points(const qntk_synth *s, const double *parameters, label_function function,
                                qntk_raw *raw)
{
    labelling l = {s, parameters, function, raw};
    return qntk_parallel_for((raw->n + BLOCK - 1) / BLOCK, label_block, &l);
}

/* Labels above the threshold become 1, the others -1. */
static void take_signs(size_t n, double *label, double threshold)
{
    for (size_t i = 0; i < n; i++)
        label[i] = label[i] > threshold ? 1 : -1;
}

/* ---- sphere ---- */

enum { DIRECTIONS = 8 }; /* of the random polynomial, in each degree */

/* f(x) = sum over k = 1 .. degree and DIRECTIONS unit vectors w of c He_k(<w,x>)/sqrt(k! degree DIRECTIONS),
 * c standard normal. He_k is the Hermite polynomial, He_{k+1}(t) = t He_k(t) - k He_{k-1}(t); <w,x> is nearly
 * N(0,1) on |x|^2 = d, where He_k/sqrt(k!) has mean 0 and variance 1. parameters: per term w (d), then c. */
static double polynomial(const qntk_synth *s, const double *parameters, const double *x)
{
    double f = 0, factorial = 1;
    for (size_t k = 1; k <= s->degree; k++) {
        factorial *= (double)k;
        double scale = 1 / sqrt(factorial * (double)(s->degree * DIRECTIONS));
        for (size_t term = 0; term < DIRECTIONS; term++, parameters += s->d + 1) {
            double t = dot(s->d, parameters, x), before = 1, he = t;
            for (size_t i = 1; i < k; i++) {
                double next = t * he - (double)i * before;
                before = he;
                he = next;
            }
            f += parameters[s->d] * he * scale;
        }
    }
    return f;
}

qntk_status qntk_synth_sphere(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw)
{
    size_t terms = s->degree * DIRECTIONS;
    double *parameters = NULL;
    qntk_status status = allocate(s->n, s->d, terms, "pass a smaller n or d", raw);
    if (status == QNTK_OK) {
        parameters = qntk_alloc(terms * (s->d + 1), sizeof *parameters);
        status = parameters == NULL ? QNTK_NO_MEMORY : draw_points(s->n, s->d, options->seed, raw->value);
    }
    if (status == QNTK_OK) {
        qntk_rng rng = qntk_rng_create(options->seed, QNTK_STREAM_LABELS);
        for (size_t term = 0; term < terms; term++) {
            draw_direction(&rng, s->d, 1, parameters + term * (s->d + 1));
            parameters[term * (s->d + 1) + s->d] = qntk_rng_normal(&rng);
        }
        status = label_points(s, parameters, polynomial, raw);
    }
    if (status == QNTK_OK && options->task != QNTK_TASK_REGRESS)
        take_signs(s->n, raw->label, 0);
    qntk_free(parameters);
    return status;
}

/* ---- teacher ---- */

/* f(x) = 1/sqrt(width) sum_i a_i relu(h_i), h = sqrt(2/(V+tau)/d) W x: one hidden layer in the
 * parameterization of kernel.h with the latent weights rounded once, a_i standard normal. parameters: W
 * (width,d) with its factor, then a (width) with its factor. */
static double network(const qntk_synth *s, const double *parameters, const double *x)
{
    const double *readout = parameters + s->width * s->d;
    double f = 0;
    for (size_t i = 0; i < s->width; i++)
        f += readout[i] * fmax(0, dot(s->d, parameters + i * s->d, x));
    return f;
}

static qntk_status draw_network(const qntk_synth *s, uint64_t seed, double *parameters)
{
    qntk_weight_law law;
    qntk_status status = qntk_weight_law_create(s->levels, &law);
    if (status != QNTK_OK)
        return status;
    double hidden = sqrt(2 / (law.second_moment + law.noise) / (double)s->d),
           readout = 1 / sqrt((double)s->width);
    qntk_rng rng = qntk_rng_create(seed, QNTK_STREAM_LABELS);
    for (size_t k = 0; k < s->width * s->d; k++) {
        double latent =
            s->levels == QNTK_LEVELS_REAL ? qntk_rng_normal(&rng) : 2 * qntk_rng_uniform(&rng) - 1;
        parameters[k] = hidden * qntk_weight_round(s->levels, latent, qntk_rng_uniform(&rng));
    }
    for (size_t i = 0; i < s->width; i++)
        parameters[s->width * s->d + i] = readout * qntk_rng_normal(&rng);
    return QNTK_OK;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The two classes are the upper and the lower half: a random network is seldom balanced around 0. */
static qntk_status split_at_median(size_t n, double *label)
{
    double *sorted = qntk_alloc(n, sizeof *sorted);
    if (sorted == NULL)
        return QNTK_NO_MEMORY;
    memcpy(sorted, label, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    take_signs(n, label, sorted[(n - 1) / 2]);
    qntk_free(sorted);
    return QNTK_OK;
}

qntk_status qntk_synth_teacher(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw)
{
    double *parameters = NULL;
    qntk_status status = allocate(s->n, s->d, s->width, "pass a smaller n, d or width", raw);
    if (status == QNTK_OK) {
        parameters = qntk_alloc(s->width * (s->d + 1), sizeof *parameters);
        status = parameters == NULL ? QNTK_NO_MEMORY : draw_points(s->n, s->d, options->seed, raw->value);
    }
    if (status == QNTK_OK)
        status = draw_network(s, options->seed, parameters);
    if (status == QNTK_OK)
        status = label_points(s, parameters, network, raw);
    if (status == QNTK_OK && options->task != QNTK_TASK_REGRESS)
        status = split_at_median(s->n, raw->label);
    qntk_free(parameters);
    return status;
}

/* ---- friedman1 ---- */

/* J. H. Friedman, "Multivariate adaptive regression splines", Annals of Statistics 19 (1991), section 4.3: x
 * uniform on [0,1]^10, y = 10 sin(pi x0 x1) + 20 (x2 - 1/2)^2 + 10 x3 + 5 x4 + noise N(0,1). */
qntk_status qntk_synth_friedman1(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw)
{
    if (options->task == QNTK_TASK_CLASSIFY)
        return qntk_fail(QNTK_INVALID,
                         "%s: expected --task auto or regress for a regression problem, found classify",
                         raw->path);
    qntk_status status = allocate(s->n, s->d, 0, "pass a smaller n", raw);
    qntk_rng points = qntk_rng_create(options->seed, QNTK_STREAM_POINTS);
    qntk_rng noise = qntk_rng_create(options->seed, QNTK_STREAM_NOISE);
    for (size_t i = 0; i < s->n && status == QNTK_OK; i++) {
        double *x = raw->value + i * s->d;
        for (size_t j = 0; j < s->d; j++)
            x[j] = qntk_rng_uniform(&points);
        raw->label[i] = 10 * sin(M_PI * x[0] * x[1]) + 20 * (x[2] - 0.5) * (x[2] - 0.5) + 10 * x[3] +
                        5 * x[4] + s->noise * qntk_rng_normal(&noise);
    }
    raw->class_labels = false;
    return status;
}

/* ---- spirals ---- */

/* Class -1 on even rows, 1 on odd ones, half a turn apart: angle phi uniform on [0, 3 pi], radius (phi +
 * pi/2)/(3.5 pi), so that the arms are 2/3.5 and the classes 1/3.5 apart; normal noise on both coordinates.
 */
qntk_status qntk_synth_spirals(const qntk_synth *s, const qntk_dataset_options *options, qntk_raw *raw)
{
    qntk_status status = allocate(s->n, s->d, 0, "pass a smaller n", raw);
    qntk_rng points = qntk_rng_create(options->seed, QNTK_STREAM_POINTS);
    qntk_rng noise = qntk_rng_create(options->seed, QNTK_STREAM_NOISE);
    for (size_t i = 0; i < s->n && status == QNTK_OK; i++) {
        bool odd = i % 2 == 1;
        double phi = 3 * M_PI * qntk_rng_uniform(&points), radius = (phi + M_PI / 2) / (3.5 * M_PI);
        double *x = raw->value + 2 * i, angle = phi + (odd ? M_PI : 0);
        x[0] = radius * cos(angle) + s->noise * qntk_rng_normal(&noise);
        x[1] = radius * sin(angle) + s->noise * qntk_rng_normal(&noise);
        raw->label[i] = odd ? 1 : -1;
    }
    return status;
}
