/* Finite networks by the protocol of study.h, so that they stand in one table with the kernels of their infinitely
 * wide limits.
 *
 * What a ridge and a depth are to a kernel, the learning rate and the number of epochs are to a network: every rate
 * is tried on the pair, judged after each of the listed numbers of epochs of one and the same training; with the
 * best, a new network is trained for each fold. Networks are judged by their expected output over the rounding, the
 * quasi network's (qntk_network_expect). */
#ifndef QNTK_STUDY_NETWORK_H
#define QNTK_STUDY_NETWORK_H

#include <stddef.h>

#include "qntk/dataset.h"
#include "qntk/status.h"
#include "qntk/study.h"
#include "qntk/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A network and how it is trained: as many inputs as features, `depth` hidden layers of `width` neurons whose
 * weights have `levels` levels (0: real), a real readout with an output for each class. */
typedef struct {
    size_t levels, depth, width;
    double b_std;
    qntk_train_options train;
} qntk_study_network;

/* Default options of training, one hidden layer of 1024 binary neurons, no bias: the finite twin of the kernel
 * qntk:depth=1, or for levels 0 of ntk:depth=1. */
qntk_study_network qntk_study_network_defaults(void);

/* What is searched, and how long at most. */
typedef struct {
    size_t rates, counts;
    double rate[QNTK_STUDY_GRID];  /* learning rates, ascending; default 0.001, 0.01 */
    size_t epoch[QNTK_STUDY_GRID]; /* numbers of epochs, ascending; default 25, 100 */
    double
        seconds; /* of the wall clock for all trainings on one set; default infinite. It decides whether there
                       are results, never what they are. */
} qntk_study_training;

qntk_study_training qntk_study_training_defaults(void);

/* Trains a new network on the training rows of `split`, up to epoch[counts-1] epochs. train and test (counts): the
 * accuracies on both halves after epoch[0] < epoch[1] < .. of them. network->train.seed decides start, order of rows
 * and rounding: the same bytes for any number of threads, and inside a parallel loop, where it is serial.
 *
 * Cost: that of qntk_trainer_epoch for each epoch and of qntk_network_expect for each count. Memory: the rows in
 * float, and that of the trainer.
 *
 * QNTK_INVALID: no classes, no rows to train or to test on, rows that the set does not have, counts 0 or not
 * ascending, a shape that is none; QNTK_NOT_FINITE: the training diverged, or a feature is beyond the range of a
 * float; QNTK_TOO_LARGE: it took more than `seconds`, looked at after every epoch (0: before the first one), or more
 * than the memory there is; QNTK_NO_MEMORY, QNTK_INTERRUPTED. On failure train and test are zeroed. */
qntk_status qntk_study_network_split(const qntk_dataset *data, const qntk_split *split,
                                     const qntk_study_network *network, size_t counts, const size_t *epoch,
                                     double seconds, double *train, double *test);

/* What one network did on one set, in the terms of qntk_study_result. */
typedef struct {
    double rate;  /* chosen, */
    size_t epoch; /* and how many epochs */
    double validation;
    double train, test, gap;
    double seconds; /* of its trainings, one after the other */
} qntk_study_network_result;

/* The protocol for each of `count` networks on one set with classes, a pair and folds. The first rate with the
 * highest accuracy on the pair wins, of its numbers of epochs the first; a rate at which the training diverges is
 * left out. The seed of a training is network->train.seed, plus 0 on the pair and 1, 2, .. on the folds.
 *
 * result (count). Trainings are items of parallel loops, each serial inside: first all of the pair, then all of the
 * folds; the same results (seconds excepted) for any number of threads.
 *
 * Codes as above, and QNTK_INVALID: no pair or no folds, a grid that is empty or does not ascend. QNTK_NOT_FINITE
 * if every rate diverges, or the chosen one on a fold. On failure the results are zeroed. */
qntk_status qntk_study_networks(const qntk_dataset *data, size_t count, const qntk_study_network *networks,
                                qntk_study_training training, qntk_study_network_result *result);

#ifdef __cplusplus
}
#endif
#endif
