/* The corpus of the fuzzers, and each file of it cut off at every length, through the readers. */
#include "test.h"

#include "../fuzz/feed.h"

#include <dirent.h>
#include <string.h>

enum { FILE_MOST = 1 << 16 };

/* Feeds one file whole, then cut at every length; counts the data sets that whole files gave. */
static int feed_file(const char *format, const char *path)
{
    static uint8_t bytes[FILE_MOST];
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_uint_lt(size, sizeof bytes);
    int good = qntk_fuzz_feed(format, bytes, size);
    for (size_t length = 0; length < size; length++) {
        /* a copy that ends where its memory ends */
        uint8_t *cut = malloc(length > 0 ? length : 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, bytes, length);
        qntk_fuzz_feed(format, cut, length);
        free(cut);
    }
    return good;
}

static void feed_corpus(const char *format, size_t at_least)
{
    char path[2048];
    snprintf(path, sizeof path, "fuzz/corpus/%s", format);
    const char *folder = test_source(path);
    DIR *listing = opendir(folder);
    ck_assert_msg(listing != NULL, "%s cannot be listed", folder);
    size_t files = 0;
    int good = 0;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (entry->d_name[0] == '.')
            continue;
        char name[2048];
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        good += feed_file(format, name);
        files++;
    }
    closedir(listing);
    ck_assert_uint_ge(files, at_least);
    ck_assert_int_gt(good, 0);
}

START_TEST(csv_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("csv", 12);
}
END_TEST

START_TEST(arff_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("arff", 4);
}
END_TEST

START_TEST(libsvm_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("libsvm", 4);
}
END_TEST

START_TEST(npy_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("npy", 9);
}
END_TEST

START_TEST(idx_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("idx", 7);
}
END_TEST

START_TEST(uci_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("uci", 4);
}
END_TEST

START_TEST(grid_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("sweep", 3);
}
END_TEST

START_TEST(model_corpus_and_its_truncations_keep_the_promises)
{
    feed_corpus("checkpoint", 4);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, csv_corpus_and_its_truncations_keep_the_promises);
    tcase_add_test(tcase, arff_corpus_and_its_truncations_keep_the_promises);
    tcase_add_test(tcase, libsvm_corpus_and_its_truncations_keep_the_promises);
    tcase_add_test(tcase, npy_corpus_and_its_truncations_keep_the_promises);
    tcase_add_test(tcase, idx_corpus_and_its_truncations_keep_the_promises);
    tcase_add_test(tcase, uci_corpus_and_its_truncations_keep_the_promises);
    tcase_add_test(tcase, model_corpus_and_its_truncations_keep_the_promises);
    tcase_add_test(tcase, grid_corpus_and_its_truncations_keep_the_promises);
}

int main(void)
{
    return test_main("dataset_corpus", add_tests);
}
