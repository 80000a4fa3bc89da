/* Folders like those of the UCI collection, for programs that go through many, and what they say. */
#ifndef QNTK_TEST_SUITE_FOLDER_H
#define QNTK_TEST_SUITE_FOLDER_H

#include "test.h"

/* The folder of the sets; test_files_remove() removes it. */
const char *suite_path(void);

/* A set of n rows, 2 features and 3 classes in the folder suite/NAME; its second data file if `own_test`. */
void suite_make_set(const char *name, size_t n, uint64_t seed, bool own_test);

/* A file of that set, to be written. */
FILE *suite_open(const char *name, const char *file);

/* Where the line that begins so is; NULL if there is none. */
char *suite_find_line(char *text, const char *beginning);

/* Two results in TSV are the same, but for the seconds, which are cut off. */
void suite_check_same(char *a, char *b, const char *what);

#endif
