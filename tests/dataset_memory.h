/* Data sets from text in memory, for the tests of the readers. */
#ifndef QNTK_TEST_DATASET_MEMORY_H
#define QNTK_TEST_DATASET_MEMORY_H

#include "dataset_internal.h"
#include "test.h"

/* The reader on `text` under the name `path`, with these options. */
qntk_status read_text(qntk_source_reader reader, const char *path, const char *text,
                      qntk_dataset_options options, qntk_dataset *dataset);
qntk_status read_bytes(qntk_source_reader reader, const char *path, const void *bytes, size_t size,
                       qntk_dataset_options options, qntk_dataset *dataset);

/* n, d and X (n,d) are exactly these. */
void check_features(const qntk_dataset *dataset, size_t n, size_t d, const double *X);

/* A file in a directory that the test owns and test_files_remove empties; returns its path, valid until then.
 */
const char *test_file(const char *name, const void *bytes, size_t size);
const char *test_file_path(const char *name);
const char *test_file_gz(const char *name, const void *bytes, size_t size);
void test_files_remove(void);

/* Makes each allocation of read(context) fail in turn, as often as there are: each must give QNTK_NO_MEMORY,
 * and the last run QNTK_OK. `clean` frees what a success delivers. */
void check_allocations(qntk_status (*read)(void *context), void (*clean)(void *context), void *context);

#endif
