/* Additive noise annealing. See anneal.h. */
#include "internal.h"

#include <float.h>
#include <math.h>

/* ---- noise ---- */

/* Beyond `reach` scales F is 0 or 1 to double precision: Phi(-8.3) and 1/(1 + e^37) are below 2^-53. */
static const struct {
    const char *name;
    double reach, usual;
} shapes[QNTK_NOISE_COUNT] = {
    [QNTK_NOISE_UNIFORM] = {"uniform", 1, 0.5},
    [QNTK_NOISE_TRIANGULAR] = {"triangular", 1, 0.5},
    [QNTK_NOISE_NORMAL] = {"normal", 8.3, 1 / (2 * 1.959963984540054)},     /* 1/2 at the 97.5 % quantile */
    [QNTK_NOISE_LOGISTIC] = {"logistic", 37, 1 / (2 * 3.6635616461296463)}, /* ln 39 is the same quantile */
};

const char *qntk_noise_name(qntk_noise_shape shape)
{
    return (unsigned)shape < QNTK_NOISE_COUNT ? shapes[shape].name : "unknown";
}

double qntk_noise_usual_scale(qntk_noise_shape shape)
{
    return (unsigned)shape < QNTK_NOISE_COUNT ? shapes[shape].usual : NAN;
}

double qntk_noise_distribution(qntk_noise noise, double z)
{
    const double s = noise.scale;
    if (isnan(z) || !(s >= 0))
        return NAN;
    if (s == 0)
        return z >= 0;
    const double ratio = z / s;
    switch (noise.shape) {
    case QNTK_NOISE_UNIFORM:
        return fmin(fmax((z + s) / (2 * s), 0), 1);
    case QNTK_NOISE_TRIANGULAR: {
        const double left = fmin(fmax((s - fabs(z)) / s, 0), 1); /* 1 - a: the tail's area is left^2/2 */
        return z < 0 ? left * left / 2 : 1 - left * left / 2;
    }
    case QNTK_NOISE_NORMAL:
        return erfc(-ratio * M_SQRT1_2) / 2;
    case QNTK_NOISE_LOGISTIC:
        return 1 / (1 + exp(-ratio));
    default:
        return NAN;
    }
}

double qntk_noise_density(qntk_noise noise, double z)
{
    const double s = noise.scale;
    if (isnan(z) || !(s >= 0))
        return NAN;
    if (s == 0)
        return 0;
    const double ratio = z / s;
    switch (noise.shape) {
    case QNTK_NOISE_UNIFORM:
        return fabs(z) <= s ? 1 / (2 * s) : 0;
    case QNTK_NOISE_TRIANGULAR:
        return fmax((s - fabs(z)) / s, 0) / s;
    case QNTK_NOISE_NORMAL:
        return M_SQRT1_2 * (M_2_SQRTPI / 2) * exp(-ratio * ratio / 2) / s; /* 1/sqrt(2 pi) */
    case QNTK_NOISE_LOGISTIC: {
        const double tail = exp(-fabs(ratio)); /* F (1 - F), without the difference */
        return tail / ((1 + tail) * (1 + tail)) / s;
    }
    default:
        return NAN;
    }
}

double qntk_noise_peak(qntk_noise noise)
{
    return noise.scale == 0 ? INFINITY : qntk_noise_density(noise, 0);
}

/* ---- multi-step functions ---- */

qntk_steps qntk_steps_symmetric(size_t levels)
{
    const double cells = (double)levels - 1;
    return (qntk_steps){levels, -cells / 2, 2 / cells};
}

/* ---- normal arguments ---- */

/* S of anneal.h, from q_i^2 - q_{i-1}^2 = 2 t_i. Thresholds below 0 are counted by what they take away,
 * Phi(-u) = 1 - Phi(u), so that S is the square of a level near 0 and a sum of positive terms. */
static double moment_in_steps(qntk_steps steps, double ratio)
{
    double sum = 0, near = steps.lowest; /* the level that h = 0 takes */
    for (size_t i = 1; i < steps.levels; i++) {
        const double t = steps.lowest + (double)i - 0.5;
        sum += fabs(t) * erfc(fabs(t) * ratio * M_SQRT1_2);
        if (t < 0)
            near = steps.lowest + (double)i;
    }
    return near * near + sum;
}

/* P of anneal.h. */
static double density_in_steps(qntk_steps steps, double ratio)
{
    double sum = 0;
    for (size_t i = 1; i < steps.levels; i++)
        sum += qntk_noise_density((qntk_noise){QNTK_NOISE_NORMAL, 0, 1},
                                  (steps.lowest + (double)i - 0.5) * ratio);
    return sum;
}

qntk_steps qntk_steps_normal(size_t levels, bool positive, double deviation)
{
    if (levels < 2 || !(deviation > 0 && isfinite(deviation)))
        return (qntk_steps){0};
    qntk_steps steps = {levels, positive ? 0 : -((double)levels - 1) / 2, 1};
    /* the step of two levels, 1.6 deviations, is the largest; with none, S is 0 and P is not */
    double low = 0, high = 2;
    for (int k = 0; k < 60 && low < high; k++) {
        const double ratio = (low + high) / 2;
        if (ratio * moment_in_steps(steps, ratio) < density_in_steps(steps, ratio))
            low = ratio;
        else
            high = ratio;
    }
    steps.step = (low + high) / 2 * deviation;
    return steps;
}

double qntk_steps_second_moment(qntk_steps steps, double deviation)
{
    if (steps.levels < 2 || !(steps.step > 0) || !(deviation > 0))
        return NAN;
    return steps.step * steps.step * moment_in_steps(steps, steps.step / deviation);
}

/* ---- functions ---- */

/* z_i = z_1 - (i - 1): thresholds are one apart. */
static double first_z(qntk_steps steps, qntk_noise noise, double x)
{
    return x / steps.step - noise.mean - (steps.lowest + 0.5);
}

/* Thresholds 1 .. below are passed for certain, those after `last` are not; between them F decides. */
typedef struct {
    size_t below, last;
} span;

static span open_thresholds(qntk_steps steps, qntk_noise noise, double z1)
{
    const double K = (double)steps.levels - 1, reach = shapes[noise.shape].reach * noise.scale;
    /* z_i > reach for i < z1 + 1 - reach;  z_i >= -reach for i <= z1 + 1 + reach */
    const double below = fmin(fmax(ceil(z1 + 1 - reach) - 1, 0), K), last = floor(z1 + 1 + reach);
    return (span){(size_t)below, (size_t)fmin(fmax(last, below), K)};
}

static bool valid(qntk_steps steps, qntk_noise noise, double x)
{
    return isfinite(x) && steps.levels >= 2 && steps.step > 0 && noise.scale >= 0 && isfinite(noise.mean) &&
           isfinite(noise.scale) && (unsigned)noise.shape < QNTK_NOISE_COUNT;
}

static double level(qntk_steps steps, double k)
{
    return steps.step * (steps.lowest + k);
}

double qntk_steps_expected(qntk_steps steps, qntk_noise noise, double x)
{
    if (!valid(steps, noise, x))
        return NAN;
    const double z1 = first_z(steps, noise, x);
    const span open = open_thresholds(steps, noise, z1);
    double passed = (double)open.below;
    for (size_t i = open.below + 1; i <= open.last; i++)
        passed += qntk_noise_distribution(noise, z1 - (double)(i - 1));
    return level(steps, passed);
}

double qntk_steps_hard(qntk_steps steps, double x)
{
    return qntk_steps_expected(steps, (qntk_noise){0}, x);
}

double qntk_steps_mode(qntk_steps steps, qntk_noise noise, double x)
{
    if (!valid(steps, noise, x))
        return NAN;
    const double z1 = first_z(steps, noise, x);
    const span open = open_thresholds(steps, noise, z1);
    const double tie =
        4 * DBL_EPSILON;     /* under wide uniform noise several levels have the same probability */
    double best = -1, F = 1; /* F(z_k), which is 1 for the lowest level in question */
    size_t mode = open.below;
    for (size_t k = open.below; k <= open.last; k++) {
        const double next = k < open.last ? qntk_noise_distribution(noise, z1 - (double)k) : 0;
        if (F - next >= best - tie) {
            best = fmax(best, F - next);
            mode = k;
        }
        F = next;
    }
    return level(steps, (double)mode);
}

double qntk_steps_draw(qntk_steps steps, qntk_noise noise, double x, double uniform)
{
    if (!valid(steps, noise, x) || !(uniform > 0 && uniform < 1))
        return NAN;
    const double z1 = first_z(steps, noise, x);
    const span open = open_thresholds(steps, noise, z1);
    size_t k = open.below;
    while (k < open.last && qntk_noise_distribution(noise, z1 - (double)k) > uniform)
        k++;
    return level(steps, (double)k);
}

double qntk_steps_slope(qntk_steps steps, qntk_noise noise, double x)
{
    if (!valid(steps, noise, x))
        return NAN;
    const double z1 = first_z(steps, noise, x);
    const span open = open_thresholds(steps, noise, z1);
    /* One more at either end: a support is closed, and rounding decides whether its end counted as open. */
    double slope = 0;
    for (size_t i = open.below > 0 ? open.below : 1; i <= open.last + 1 && i < steps.levels; i++)
        slope += qntk_noise_density(noise, z1 - (double)(i - 1));
    return slope;
}

double qntk_steps_lipschitz(qntk_steps steps, qntk_noise noise)
{
    if (!valid(steps, noise, 0))
        return NAN;
    const double K = (double)steps.levels - 1;
    const bool bounded = noise.shape == QNTK_NOISE_UNIFORM || noise.shape == QNTK_NOISE_TRIANGULAR;
    const double overlap = bounded ? fmin(K, ceil(2 * noise.scale)) : K;
    return noise.scale == 0 ? INFINITY : overlap * qntk_noise_peak(noise);
}

/* ---- schedules ---- */

double qntk_anneal_scale(qntk_anneal_schedule schedule, double t)
{
    if (schedule.law == QNTK_ANNEAL_HYPERBOLIC)
        return schedule.beta * pow(1 / (fmax(t, schedule.start) - schedule.start + 1), schedule.power);
    if (t >= schedule.end)
        return 0; /* an empty interval included */
    const double left = (schedule.end - fmax(t, schedule.start)) / (schedule.end - schedule.start);
    return schedule.beta * pow(left, schedule.power);
}

const char *qntk_anneal_sync_name(qntk_anneal_sync sync)
{
    static const char *const names[] = {"overlapped", "partition", "same-start", "same-end"};
    return (unsigned)sync < QNTK_ANNEAL_SYNC_COUNT ? names[sync] : "unknown";
}

qntk_status qntk_anneal_layer(qntk_anneal_law law, qntk_anneal_sync sync, bool progressive, double period,
                              double beta, size_t layer, size_t layers, qntk_anneal_schedule *schedule)
{
    QNTK_REQUIRE(schedule != NULL, "schedule must not be NULL");
    *schedule = (qntk_anneal_schedule){0};
    if (layer >= layers)
        return qntk_fail(QNTK_INVALID, "layer: expected a number below %zu, found %zu", layers, layer);
    if (!(period >= 0 && isfinite(period) && beta >= 0 && isfinite(beta)))
        return qntk_fail(QNTK_INVALID, "expected a period and a scale from 0, found %g and %g", period, beta);
    QNTK_REQUIRE((unsigned)sync < QNTK_ANNEAL_SYNC_COUNT, "no such synchronisation");
    const double l = (double)layer, L = (double)layers;
    const double interval[QNTK_ANNEAL_SYNC_COUNT][2] = {
        [QNTK_ANNEAL_OVERLAPPED] = {0, L},
        [QNTK_ANNEAL_PARTITION] = {l, l + 1},
        [QNTK_ANNEAL_SAME_START] = {0, l + 1},
        [QNTK_ANNEAL_SAME_END] = {L - l - 1, L},
    };
    *schedule = (qntk_anneal_schedule){
        .law = law,
        .start = period * interval[sync][0],
        .end = period * interval[sync][1],
        .beta = beta,
        .power = 2 * (progressive ? L - l : 1),
    };
    return QNTK_OK;
}
