/* What the fuzzers and the test of their corpus share. */
#ifndef QNTK_FUZZ_FEED_H
#define QNTK_FUZZ_FEED_H

#include <stddef.h>
#include <stdint.h>

/* Feeds the bytes to the reader of a format ("csv", "arff", "libsvm", "npy", "idx", "uci"; "sweep": the grid of a
 * sweep; "checkpoint": a saved model); options are taken from the bytes. Aborts if what comes back breaks a promise of
 * dataset.h, sweep.h or checkpoint.h. Returns 1 if a data set, grid or model came out, else 0. For "uci" the files of a
 * folder stand one after the other, apart by lines "%%": NAME.txt, data, conxuntos.dat and conxuntos_kfold.dat or the
 * second data file. */
int qntk_fuzz_feed(const char *format, const uint8_t *data, size_t size);

#endif
