#include "clouds.h"

#include <string.h>

static void deal(qntk_rng *rng, size_t n, size_t train, qntk_split *split)
{
    size_t *rows = qntk_alloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    qntk_rng_shuffle(rng, rows, n);
    split->train_count = train;
    split->test_count = n - train;
    split->train = qntk_alloc(train, sizeof *rows);
    split->test = qntk_alloc(n - train, sizeof *rows);
    memcpy(split->train, rows, train * sizeof *rows);
    memcpy(split->test, rows + train, (n - train) * sizeof *rows);
    qntk_free(rows);
}

qntk_dataset clouds(size_t n, size_t classes, double distance, uint64_t seed)
{
    qntk_dataset data = {.n = n, .d = CLOUDS_D, .classes = classes, .folds = CLOUDS_FOLDS};
    qntk_rng rng = qntk_rng_create(seed, 0);
    data.X = qntk_alloc(n * CLOUDS_D, sizeof(double));
    data.y = qntk_alloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        data.y[i] = (double)(i % classes);
        for (size_t j = 0; j < CLOUDS_D; j++)
            data.X[i * CLOUDS_D + j] = qntk_rng_normal(&rng) + distance * (double)(j == i % classes);
    }
    deal(&rng, n, n / 2, &data.validation);
    for (size_t f = 0; f < CLOUDS_FOLDS; f++)
        deal(&rng, n, n - n / 4, &data.fold[f]);
    return data;
}
