/* Decay laws of a spectrum: which one wins, and the verdict in words. */
#include "internal.h"

#include "decay_parts.h"
#include "qntk/decay.h"

#include <math.h>
#include <stdio.h>

static const double AIC_MARGIN = 2; /* a smaller difference is no preference (Burnham and Anderson) */
/* Shapes nearer to 0 or 1 are a power law or an exponential with a correction, k^-3 (1 + c/k) or k^c exp(-k):
 * such corrections have shapes 0 .. 0.02 and 0.85 .. 1.02 on exact spectra of degrees up to 40, and nearer
 * beyond. */
static const double SHAPE_POWER = 0.15, SHAPE_BELOW = 0.8, SHAPE_ABOVE = 1.1;

static bool is_between(double shape)
{
    return (shape > SHAPE_POWER && shape < SHAPE_BELOW) || shape > SHAPE_ABOVE;
}

/* "1.465 +- 0.019": the error with two digits, the value with as many decimals. */
static void format_error(double value, double error, char text[64])
{
    double places = error > 0 ? 1 - floor(log10(error)) : INFINITY;
    if (places > 10)
        snprintf(text, 64, "%.10g +- %.1e", value, error);
    else
        snprintf(text, 64, "%.*f +- %.*f", (int)fmax(places, 0), value, (int)fmax(places, 0), error);
}

static void describe(char symbol, const char *unit, qntk_decay *decay)
{
    char exponent[64], rate[64], window[96], also[64];
    format_error(decay->power.exponent, decay->power.exponent_se, exponent);
    format_error(decay->exponential.rate, decay->exponential.rate_se, rate);
    snprintf(also, sizeof also, ", as well as a stretched exponential of shape %.2f", decay->stretched.shape);
    if (!is_between(decay->stretched.shape) ||
        decay->stretched.aic > fmin(decay->power.aic, decay->exponential.aic) + AIC_MARGIN)
        also[0] = '\0';
    snprintf(window, sizeof window, "fitted on %s %zu to %zu", unit, decay->first, decay->last);
    const double power = decay->power.aic, exponential = decay->exponential.aic;
    const double stretched = decay->stretched.aic;
    char *text = decay->verdict;
    const size_t room = sizeof decay->verdict;
    switch (decay->law) {
    case QNTK_DECAY_POWER:
        snprintf(text, room, "power law, exponent %s (AIC %.0f against %.0f)%s, %s", exponent, power,
                 exponential, also, window);
        break;
    case QNTK_DECAY_EXPONENTIAL:
        snprintf(text, room, "exponential, rate %s (AIC %.0f against %.0f)%s, %s", rate, exponential, power,
                 also, window);
        break;
    case QNTK_DECAY_STRETCHED:
    case QNTK_DECAY_COMPRESSED:
        snprintf(text, room,
                 "%s exp(-%.3g %c^%.2f) (AIC %.0f against %.0f power law, exponent %s, and %.0f "
                 "exponential), %s",
                 qntk_decay_law_name(decay->law), decay->stretched.rate, symbol, decay->stretched.shape,
                 stretched, power, exponent, exponential, window);
        break;
    case QNTK_DECAY_UNDETERMINED:
        snprintf(text, room,
                 "undetermined: power law, exponent %s, and exponential, rate %s, fit alike (AIC %.0f and "
                 "%.0f), %s",
                 exponent, rate, power, exponential, window);
        break;
    }
}

void qntk_decay_judge(char symbol, const char *unit, qntk_decay *decay)
{
    const double simpler = fmin(decay->power.aic, decay->exponential.aic);
    if (is_between(decay->stretched.shape) && decay->stretched.aic < simpler - AIC_MARGIN)
        decay->law = decay->stretched.shape > 1 ? QNTK_DECAY_COMPRESSED : QNTK_DECAY_STRETCHED;
    else if (decay->power.aic < decay->exponential.aic - AIC_MARGIN)
        decay->law = QNTK_DECAY_POWER;
    else if (decay->exponential.aic < decay->power.aic - AIC_MARGIN)
        decay->law = QNTK_DECAY_EXPONENTIAL;
    describe(symbol, unit, decay);
}

const char *qntk_decay_law_name(qntk_decay_law law)
{
    switch (law) {
    case QNTK_DECAY_POWER:
        return "power law";
    case QNTK_DECAY_EXPONENTIAL:
        return "exponential";
    case QNTK_DECAY_STRETCHED:
        return "stretched exponential";
    case QNTK_DECAY_COMPRESSED:
        return "compressed exponential";
    case QNTK_DECAY_UNDETERMINED:
        break;
    }
    return "undetermined";
}
