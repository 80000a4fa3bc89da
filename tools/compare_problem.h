/* The data of a comparison and how it is split: folds, published or dealt, or a test file. */
#ifndef COMPARE_PROBLEM_H
#define COMPARE_PROBLEM_H

#include "compare.h"

typedef struct {
    qntk_dataset data; /* rows of --data, and behind them those of --test */
    size_t train_rows; /* of --data */
    bool test_file;
    size_t folds;
    qntk_split *split; /* (folds) */
    char protocol[64]; /* what they are, in words */
} compare_problem;

/* Reads --data and --test and splits them as --folds says. */
qntk_status compare_problem_read(const compare_settings *set, compare_problem *p);
void compare_problem_free(compare_problem *p);

#endif
