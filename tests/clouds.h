/* A small set for studies. */
#ifndef QNTK_TEST_CLOUDS_H
#define QNTK_TEST_CLOUDS_H

#include "test.h"

enum { CLOUDS_D = 3, CLOUDS_FOLDS = 4 };

/* Overlapping clouds, `distance` apart, with a pair and four folds as the collection has them. */
qntk_dataset clouds(size_t n, size_t classes, double distance, uint64_t seed);

#endif
