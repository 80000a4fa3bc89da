/* Data: tables of numbers with an optional target, from files of several formats or from generators.
 *
 * A specification is a path or "GENERATOR[:key=value,...]"; a file whose name looks like a generator is
 * reached as "./sphere". Files may be gzip-compressed. qntk_dataset_help lists what is understood.
 *
 * What holds for all formats
 * - Rows keep the order of the file and are counted from 0. Columns are counted from 0 as well.
 * - A missing value is an empty field, NA, ?, or NaN or null in any case; what happens to it is decided by
 *   qntk_missing. Infinity, or a number beyond the range of a double, is always an error.
 * - A column with text in it is categorical and becomes one feature of 0 and 1 per category, named
 *   "colour=red". Categories are in numerical order if all of them are numbers, else in byte order (.arff: in
 *   the declared order). A column with ten numbers or more to each text is taken for numbers with a mistake:
 *   an error.
 * - Classes are numbered in numerical order if all labels are numbers, else in byte order, from the whole
 *   file: the numbers do not depend on `limit` or `missing`.
 * - Order of the steps: target, rows dropped, limit, means, one-hot, scale, rows.
 *
 * What is peculiar to some (the head of each src/dataset_FORMAT.c says the rest)
 * - .csv .tsv .txt: the delimiter is the one the ending promises or, if the first row has none, the one found
 *   among tab, semicolon, comma and white space. The first row is names if a column has text there and
 *   numbers below; where all columns hold text, if its fields differ from each other and from all below them.
 * - IDX: pixels keep their stored values, 0 to 255. .npy and IDX arrays become (n, product of the rest).
 * - .libsvm: as many features as the largest index; what is left out is 0.
 * - UCI folders: features as stored. */
#ifndef QNTK_DATASET_H
#define QNTK_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Row numbers from 0, ascending or not, without repetition; train and test are disjoint. */
typedef struct {
    size_t train_count, test_count;
    size_t *train, *test; /* (train_count), (test_count) */
} qntk_split;

enum { QNTK_FOLDS_MAX = 4 };

typedef struct {
    char name[128];      /* file name without its ending, folder or generator; cut if longer */
    size_t n, d;         /* rows and features, both at least 1 */
    double *X;           /* (n,d) row-major, finite */
    double *y;           /* (n) value, or class 0 .. classes-1; NULL without a target */
    size_t classes;      /* 0: regression or no target */
    char **feature_name; /* (d) or NULL: the file gives none */
    char **class_name;   /* (classes) or NULL if classes is 0 */
    /* Published splits of UCI folders; elsewhere, and after `limit` or `missing` took rows away, empty. The
     * folds are four random splits, 3/4 to train and 1/4 to test, no partition: their test sets overlap. */
    qntk_split validation;           /* hyperparameters: fit on train, judge on test */
    qntk_split fold[QNTK_FOLDS_MAX]; /* (folds) */
    size_t folds;                    /* 4; 1 if the set comes with its own test set; 0 */
    bool own_test;                   /* fold[0].test is a test set published as a file of its own */
} qntk_dataset;

typedef enum {
    QNTK_TASK_AUTO, /* Classes if the target is text; UCI and IDX labels always; numbers if all are whole and
                       there are at most 2 different ones, or at most 100 with 3 rows or more to each on
                       average. */
    QNTK_TASK_CLASSIFY,
    QNTK_TASK_REGRESS
} qntk_task;

typedef enum {
    QNTK_SCALE_NONE,
    QNTK_SCALE_ZSCORE /* (x - mean)/sd per feature, sd with 1/n; constant features become 0 */
} qntk_scale;

typedef enum {
    QNTK_ROWS_RAW,
    QNTK_ROWS_SPHERE /* each row times sqrt(d)/|x|; a zero row is an error */
} qntk_rows;

typedef enum {
    QNTK_MISSING_ERROR, /* names the first one and says how many there are */
    QNTK_MISSING_DROP,  /* leaves out every row that lacks a value */
    QNTK_MISSING_MEAN /* mean of the feature over the rows that have it: for a categorical column the share of
                         each category. Rows that lack the target are left out. */
} qntk_missing;

typedef struct {
    /* NULL: last column, or the labels of a format that keeps them apart. "none": no target, every column is
     * a feature (labels kept apart are ignored). Else the name of a column or, if there is none of that name,
     * its number: from 0, negative from the end. */
    const char *target;
    const char *labels; /* NULL, or a file of labels (.npy or IDX) for .npy and IDX data */
    qntk_task task;
    size_t limit; /* 0: all rows; else a random subset of at most this many, in the order of the file */
    qntk_scale scale;
    qntk_rows rows;
    qntk_missing missing;
    uint64_t seed;        /* of generators and of `limit` */
    bool target_optional; /* .npy and IDX: no labels is not an error */
} qntk_dataset_options;

/* No limit, no scaling, an error for missing values, seed 0, a target is needed. */
qntk_dataset_options qntk_dataset_defaults(void);

/* Reads or generates the data `spec` names.
 *
 * QNTK_INVALID: unknown format, generator, key or target, or an option that does not suit the data;
 * QNTK_IO: cannot be read, or is no regular file or folder;
 * QNTK_FORMAT: broken content, missing values under QNTK_MISSING_ERROR;
 * QNTK_NOT_FINITE: infinity or overflow; QNTK_UNSUPPORTED: a string or date of an .arff file as a feature;
 * QNTK_NO_MEMORY; QNTK_INTERRUPTED;
 * QNTK_TOO_LARGE: more than the available memory, or a sparse file that makes a dense table out of
 * proportion. Messages name file and line (or row), what was expected and what was found.
 *
 * Same spec, options and file: same bytes. Cost: linear in the size of the file; memory about 8 bytes a value
 * beside the text of the file. Numbers are rounded to the nearest double in any locale. */
qntk_status qntk_dataset_read(const char *spec, qntk_dataset_options options, qntk_dataset *dataset);

/* Copies rows[0] .. rows[count-1], in that order (repetition allowed), with names and class numbers; no
 * folds. count >= 1 and every row < n, else QNTK_INVALID; QNTK_NO_MEMORY. `out` must not be `dataset`. */
qntk_status qntk_dataset_subset(const qntk_dataset *dataset, const size_t *rows, size_t count,
                                qntk_dataset *out);

/* Frees what the functions above filled in and zeroes it. A zeroed struct is allowed. */
void qntk_dataset_free(qntk_dataset *dataset);

/* The formats and generators, one indented line each, for --help. Never NULL; valid for ever. */
const char *qntk_dataset_help(void);

/* A matrix from an .npy file (NumPy format versions 1 to 3; booleans, integers of 1 to 8 bytes, floats of 2,
 * 4 and 8; either byte order, C or Fortran order; gzip allowed): A (rows,cols) row-major, free with
 * qntk_free. One dimension gives (n,1), more than two (n, product of the rest). Integers beyond 2^53 are
 * rounded. QNTK_IO, QNTK_FORMAT, QNTK_NOT_FINITE (NaN and infinity), QNTK_TOO_LARGE, QNTK_NO_MEMORY. */
qntk_status qntk_npy_read_matrix(const char *path, double **A, size_t *rows, size_t *cols);

/* The same for the shape alone: reads the header, and of a plain file compares its size with that. O(1).
 * QNTK_IO, QNTK_FORMAT, QNTK_NO_MEMORY. */
qntk_status qntk_npy_shape(const char *path, size_t *rows, size_t *cols);

#ifdef __cplusplus
}
#endif
#endif
