/* The parts of dataset_memory.h that are functions. */
#include "dataset_memory.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

qntk_status read_bytes(qntk_source_reader reader, const char *path, const void *bytes, size_t size,
                       qntk_dataset_options options, qntk_dataset *dataset)
{
    /* a copy of exactly this size, so that the sanitizer sees a byte too far */
    void *copy = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(copy);
    if (size > 0)
        memcpy(copy, bytes, size);
    qntk_source source = qntk_source_memory(path, copy, size);
    qntk_status status = qntk_dataset_parse(reader, &source, &options, dataset);
    free(copy);
    return status;
}

qntk_status read_text(qntk_source_reader reader, const char *path, const char *text,
                      qntk_dataset_options options, qntk_dataset *dataset)
{
    return read_bytes(reader, path, text, strlen(text), options, dataset);
}

void check_features(const qntk_dataset *dataset, size_t n, size_t d, const double *X)
{
    ck_assert_uint_eq(dataset->n, n);
    ck_assert_uint_eq(dataset->d, d);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            ck_assert_msg(dataset->X[i * d + j] == X[i * d + j],
                          "row %zu, feature %zu: %.17g, expected %.17g", i, j, dataset->X[i * d + j],
                          X[i * d + j]);
}

static char folder[] = "/tmp/qntk-test-XXXXXX";
static bool folder_made;

const char *test_file_path(const char *name)
{
    static char path[8][256];
    static unsigned turn;
    if (!folder_made) {
        ck_assert_ptr_nonnull(mkdtemp(folder));
        folder_made = true;
    }
    char *out = path[turn++ % 8];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    for (char *slash = strchr(out + sizeof folder, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(out, 0700);
        *slash = '/';
    }
    return out;
}

const char *test_file(const char *name, const void *bytes, size_t size)
{
    const char *path = test_file_path(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

const char *test_file_gz(const char *name, const void *bytes, size_t size)
{
    const char *path = test_file_path(name);
    gzFile file = gzopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, (unsigned)size), (int)size);
    ck_assert_int_eq(gzclose(file), Z_OK);
    return path;
}

static void remove_tree(const char *path)
{
    DIR *listing = opendir(path);
    if (listing == NULL) {
        unlink(path);
        return;
    }
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        char inner[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        remove_tree(inner);
    }
    closedir(listing);
    rmdir(path);
}

void test_files_remove(void)
{
    if (!folder_made)
        return;
    remove_tree(folder);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    folder_made = false;
}

void check_allocations(qntk_status (*read)(void *context), void (*clean)(void *context), void *context)
{
    enum { MOST = 10000 };
    for (long successes = 0; successes < MOST; successes++) {
        qntk_memory_fail_after(successes);
        qntk_status status = read(context);
        long made = qntk_memory_fail_after(-1);
        if (status == QNTK_OK) {
            ck_assert_msg(made <= successes, "allocation %ld failed and nobody noticed", successes);
            clean(context);
            return;
        }
        ck_assert_msg(status == QNTK_NO_MEMORY, "allocation %ld failed: %s (%s)", successes,
                      qntk_status_name(status), qntk_message());
    }
    ck_abort_msg("no end of allocations");
}
