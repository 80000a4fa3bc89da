/* How exact annealed weights are in single precision. */
#ifndef QNTK_TEST_ANNEAL_CHECK_H
#define QNTK_TEST_ANNEAL_CHECK_H

#include "test.h"

/* Thresholds that noise reaches: each adds its rounding errors. */
double anneal_terms(qntk_noise noise, size_t levels);

/* How far single precision moves z, in steps: y - anchor is at most `terms` and rounded twice. */
double anneal_shift(qntk_noise noise, size_t levels);

/* Of a distribution: 7.1.26 of Abramowitz & Stegun and a few roundings, plus the density times the shift. */
double anneal_distribution_error(qntk_noise noise, size_t levels);

/* Of an expected weight, in units of what is allowed. */
double anneal_expected_error(qntk_noise noise, size_t levels, float latent, float weight);

#endif
