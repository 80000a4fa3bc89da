/* What the readers of the data formats share.
 *
 * A reader turns bytes into a qntk_raw: a row-major table in which NaN means "missing" and a categorical
 * column holds numbers of categories. dataset_finish.c turns that into a qntk_dataset for all of them.
 * Readers take a qntk_source, which is a file or memory, so that tests and fuzzers feed them without files.
 */
#ifndef QNTK_DATASET_INTERNAL_H
#define QNTK_DATASET_INTERNAL_H

#include "internal.h"
#include "qntk/dataset.h"

/* Streams of qntk_rng: one per purpose. */
enum {
    QNTK_STREAM_LIMIT = 0x64610001,
    QNTK_STREAM_POINTS = 0x64610002,
    QNTK_STREAM_LABELS = 0x64610003,
    QNTK_STREAM_NOISE = 0x64610004
};

/* ---- bytes (dataset_source.c) ---- */

typedef struct {
    const char *path; /* for messages; not owned */
    void *gz;         /* gzFile, which passes plain files through; NULL: memory */
    const unsigned char *memory;
    size_t at;   /* bytes given out so far */
    size_t size; /* bytes there are; SIZE_MAX: compressed, known when they have arrived */
} qntk_source;

/* QNTK_IO for anything but a readable regular file (a FIFO would block, a device never end). */
qntk_status qntk_source_open(const char *path, qntk_source *source);
qntk_source qntk_source_memory(const char *path, const void *data, size_t size);
void qntk_source_close(qntk_source *source);

/* Reads `size` bytes, fewer only at the end. */
qntk_status qntk_source_read(qntk_source *source, void *buffer, size_t size, size_t *got);

/* The rest as text, ended by a zero byte that is not counted. QNTK_FORMAT if it is empty, holds a zero byte
 * or starts like UTF-16. A UTF-8 byte order mark is taken off. Free with qntk_free. */
qntk_status qntk_source_text(qntk_source *source, char **text, size_t *size);

/* A directory? */
bool qntk_is_folder(const char *path);

/* `path` ends in `ending` or in `ending` and ".gz", in any case. */
bool qntk_path_ends(const char *path, const char *ending);

/* ---- numbers and text (dataset_number.c) ---- */

typedef enum { QNTK_FIELD_NUMBER, QNTK_FIELD_MISSING, QNTK_FIELD_INFINITE, QNTK_FIELD_TEXT } qntk_field_kind;

/* Reads all of text[0..size) as a decimal number, correctly rounded whatever the locale. *value is NaN for
 * MISSING and TEXT, infinite for INFINITE (also by overflow). text[size] must be readable and no part of a
 * number (the delimiter or the final zero). */
qntk_field_kind qntk_field_parse(const char *text, size_t size, double *value);

/* A whole number 0 .. limit, digits only. */
bool qntk_parse_count(const char *text, size_t size, size_t limit, size_t *count);

/* At most 40 bytes of a text for a message, unprintable bytes replaced. */
enum { QNTK_SHOWN = 48 };
const char *qntk_shown(const char *text, size_t size, char shown[QNTK_SHOWN]);

/* The shortest decimal that gives the number back. */
void qntk_number_text(double number, char text[32]);

/* Strings one after another, each ended by a zero byte. */
typedef struct {
    char *text;
    size_t used, capacity, count;
} qntk_strings;

qntk_status qntk_strings_add(qntk_strings *strings, const char *text, size_t size);
void qntk_strings_free(qntk_strings *strings);

/* Array of pointers and texts in one block: free with qntk_free. NULL: no memory. */
char **qntk_strings_block(const qntk_strings *strings);

/* Different strings, numbered from 0 in the order they were added. */
typedef struct {
    qntk_strings strings;
    size_t *offset; /* (count) of each in strings.text */
    size_t offset_capacity;
    size_t *slot; /* (slots) open hashing: number + 1, 0 = free; slots is a power of two */
    size_t slots;
} qntk_category;

/* The number of a string; added if it is new. */
qntk_status qntk_category_add(qntk_category *category, const char *text, size_t size, size_t *index);
/* The number of a string, or SIZE_MAX. */
size_t qntk_category_find(const qntk_category *category, const char *text, size_t size);
const char *qntk_category_name(const qntk_category *category, size_t index);
void qntk_category_free(qntk_category *category);

/* Permutation (count), free with qntk_free: order[k] is the number of the k-th string in the order that
 * numbers classes and categories, by value if all are finite numbers, else by bytes. */
qntk_status qntk_category_order(const qntk_category *category, size_t **order);

/* ---- tables (dataset_raw.c) ---- */

typedef struct {
    bool categorical;
    qntk_category category; /* of a categorical column, in the order of the features */
} qntk_raw_column;

typedef struct {
    const char *path; /* for messages; not owned */
    char *own_path;   /* or owned: what path may point into */
    size_t n, width;
    double *value;           /* (n,width) number, or number of the category; NaN = missing; else finite */
    qntk_raw_column *column; /* (width), or NULL: all are numbers */
    qntk_category names;     /* (width) names of the columns; or none */
    size_t *line;            /* (n) line of each row in the file, from 1; or NULL */
    size_t target;           /* column that is the target; width: none among the columns */
    bool labelled;           /* `label` holds the target */
    double *label;           /* (label_count) numbers, NaN = missing */
    size_t label_count;      /* n, or with `pick` the rows of the file */
    size_t *pick;            /* (n) number of each row in the file, ascending; or NULL: 0 .. n-1 */
    bool limited;            /* the reader applied `limit` */
    bool class_labels;       /* QNTK_TASK_AUTO means classes */
    qntk_split validation, fold[QNTK_FOLDS_MAX];
    size_t folds;
    bool own_test;
} qntk_raw;

void qntk_raw_free(qntk_raw *raw);
void qntk_split_free(qntk_split *split);

/* "x.csv:17" or "x.npy: row 16", for messages. */
enum { QNTK_PLACE = 320 };
const char *qntk_raw_place(const qntk_raw *raw, size_t row, char place[QNTK_PLACE]);
/* "column 'age'" or "column 3". */
const char *qntk_raw_column_text(const qntk_raw *raw, size_t column, char text[QNTK_SHOWN + 16]);

/* Finds options->target among the named or numbered columns; `fallback` for NULL, raw->width for "none". */
qntk_status qntk_raw_find_target(qntk_raw *raw, const qntk_dataset_options *options, size_t fallback);

/* For formats that keep the labels apart: raw->labelled unless the target is "none"; QNTK_INVALID if it is a
 * column. */
qntk_status qntk_raw_use_labels(qntk_raw *raw, const qntk_dataset_options *options);

/* Adds the name of the next column; "" becomes "c" and its number. QNTK_FORMAT if it is there already. */
qntk_status qntk_raw_add_name(qntk_raw *raw, size_t line, const char *text, size_t size);

/* Allocates value (n,width) and line (n), uninitialised, after checking that they fit into memory, and that a
 * table made from `bytes` bytes of file is in proportion. */
qntk_status qntk_raw_allocate(qntk_raw *raw, size_t n, size_t width, size_t bytes);

/* Sets column (width), all numbers. */
qntk_status qntk_raw_allocate_columns(qntk_raw *raw);

/* Keeps the rows listed in ascending order. */
void qntk_raw_keep(qntk_raw *raw, const size_t *rows, size_t count);

/* A uniformly random subset of 0 .. n-1, ascending: (limit), fixed by the seed. */
qntk_status qntk_choose_rows(size_t n, size_t limit, uint64_t seed, size_t **rows);

/* ---- arrays of machine numbers (dataset_array.c) ---- */

typedef enum { QNTK_ELEMENT_UNSIGNED, QNTK_ELEMENT_SIGNED, QNTK_ELEMENT_FLOAT } qntk_element_kind;

typedef struct {
    qntk_element_kind kind;
    size_t size; /* bytes: 1, 2, 4, 8 */
    bool big_endian;
} qntk_element;

enum { QNTK_DIMENSIONS_MAX = 32 };

typedef struct {
    qntk_element element;
    size_t dimensions, shape[QNTK_DIMENSIONS_MAX];
    size_t n, width; /* shape[0], and the product of the rest */
    bool fortran;    /* the first index is the fastest */
} qntk_array;

/* Sets n and width from the shape; QNTK_FORMAT if a dimension is 0 or the product overflows. */
qntk_status qntk_array_shape(const char *path, qntk_array *array);

/* Reads the array's numbers, of the rows in pick (pick_count, ascending) or all (pick NULL), into *value
 * (rows,width) row-major. The source must hold exactly the array and nothing behind it. Infinity is an error;
 * NaN is left. Memory is taken only for bytes that are there. A pick of a Fortran array is not supported. */
qntk_status qntk_array_read(qntk_source *source, const qntk_array *array, const size_t *pick,
                            size_t pick_count, double **value);

/* What a plain file or memory holds must be what the header claims; a compressed one is seen as it arrives. */
qntk_status qntk_array_check_size(const qntk_source *source, const qntk_array *array);

/* Reads an array, or the rows that options->limit leaves of it, into raw->value, n, width, and the rows'
 * numbers into raw->pick. */
qntk_status qntk_array_read_raw(qntk_source *source, const qntk_array *array,
                                const qntk_dataset_options *options, qntk_raw *raw);

/* The header of an .npy or IDX file, of which `count` bytes (at most 4) were read already. */
qntk_status qntk_npy_read_header(qntk_source *source, const unsigned char *first, size_t count,
                                 qntk_array *array);
qntk_status qntk_idx_read_header(qntk_source *source, const unsigned char *first, size_t count,
                                 qntk_array *array);

/* Labels from a file, .npy or IDX by its first bytes, into raw->label; `expected` of them. */
qntk_status qntk_labels_read(qntk_source *source, size_t expected, qntk_raw *raw);
qntk_status qntk_labels_open(const char *path, size_t expected, qntk_raw *raw);

/* ---- formats ---- */

typedef struct {
    char delimiter; /* 0: found out; ' ': runs of spaces and tabs */
    bool header;    /* the first row is known to be names; false: found out */
} qntk_csv_style;

qntk_status qntk_csv_parse(qntk_source *source, qntk_csv_style style, qntk_raw *raw);

qntk_status qntk_csv_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_arff_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_libsvm_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_npy_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_idx_read(qntk_source *source, const qntk_dataset_options *options, qntk_raw *raw);

/* The files of a UCI folder; `test` is there (path not NULL) if the set has its own test set, `folds` if not.
 */
typedef struct {
    qntk_source description, data, test, pair, folds;
} qntk_uci_files;

typedef struct {
    size_t inputs, classes, files, rows[2]; /* n_entradas, n_clases, n_arquivos, n_patrons1 and 2 */
    char file[2][128];                      /* fich1, fich2 */
} qntk_uci_description;

qntk_status qntk_uci_describe(qntk_source *source, qntk_uci_description *description);
qntk_status qntk_uci_parse(qntk_uci_files *files, const qntk_uci_description *description,
                           const qntk_dataset_options *options, qntk_raw *raw);
qntk_status qntk_uci_read(const char *folder, const qntk_dataset_options *options, qntk_raw *raw);

qntk_status qntk_synth_read(const char *spec, const qntk_dataset_options *options, qntk_raw *raw);

/* ---- the end of it (dataset_target.c, dataset_finish.c) ---- */

/* Fills raw->label (n) with values or class numbers, NaN where missing, and the classes of dataset. */
qntk_status qntk_raw_make_target(qntk_raw *raw, const qntk_dataset_options *options, qntk_dataset *dataset);

/* Empties raw into dataset (its name apart). */
qntk_status qntk_raw_finish(qntk_raw *raw, const qntk_dataset_options *options, qntk_dataset *dataset);

/* Reader and finish over one source: what fuzzers and tests call. */
typedef qntk_status (*qntk_source_reader)(qntk_source *source, const qntk_dataset_options *options,
                                          qntk_raw *raw);
qntk_status qntk_dataset_parse(qntk_source_reader reader, qntk_source *source,
                               const qntk_dataset_options *options, qntk_dataset *dataset);

#endif
