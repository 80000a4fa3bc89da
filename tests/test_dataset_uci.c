/* UCI folders: the real collection if it is there, and made ones with each kind of mistake. */
#include "dataset_memory.h"

#include <string.h>

typedef struct {
    const char *description, *data, *pair, *folds;
} folder;

static const folder toy = {
    "n_entradas= 2\nn_clases= 2\nn_arquivos= 1\nfich1= toy_R.dat\nn_patrons1= 4\n",
    "\tf1\tf2\tclase\n1\t0.5\t-1\t0\n2\t1.5\t2\t1\n3\t-0.5\t0\t0\n4\t2\t1\t1\n",
    "0 1 \n2 3 \n",
    "0 1 2\n3\n1 2 3\n0\n0 2 3\n1\n0 1 3\n2\n",
};

static const char *write_folder(const folder *f)
{
    test_file("toy/toy.txt", f->description, strlen(f->description));
    test_file("toy/toy_R.dat", f->data, strlen(f->data));
    test_file("toy/conxuntos.dat", f->pair, strlen(f->pair));
    test_file("toy/conxuntos_kfold.dat", f->folds, strlen(f->folds));
    return test_file_path("toy");
}

START_TEST(a_folder_gives_features_classes_and_splits)
{
    qntk_dataset dataset;
    const char *path = write_folder(&toy);
    ck_assert_ok(qntk_dataset_read(path, qntk_dataset_defaults(), &dataset));
    const double X[] = {0.5, -1, 1.5, 2, -0.5, 0, 2, 1}, y[] = {0, 1, 0, 1};
    check_features(&dataset, 4, 2, X);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(dataset.y[i], y[i]);
    ck_assert_str_eq(dataset.name, "toy");
    ck_assert_str_eq(dataset.feature_name[0], "f1");
    ck_assert_str_eq(dataset.feature_name[1], "f2");
    ck_assert_uint_eq(dataset.classes, 2);
    ck_assert_str_eq(dataset.class_name[1], "1");
    ck_assert_uint_eq(dataset.validation.train_count, 2);
    ck_assert_uint_eq(dataset.validation.test[1], 3);
    ck_assert_uint_eq(dataset.folds, 4);
    ck_assert_uint_eq(dataset.fold[2].test[0], 1);
    ck_assert_uint_eq(dataset.fold[3].train[2], 3);
    ck_assert(!dataset.own_test);
    qntk_dataset_free(&dataset);
    ck_assert_ptr_null(dataset.X);
    test_files_remove();
}
END_TEST

START_TEST(a_slash_behind_the_folder_and_no_target_are_allowed)
{
    qntk_dataset dataset;
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "none";
    write_folder(&toy);
    ck_assert_ok(qntk_dataset_read(test_file_path("toy/"), options, &dataset));
    ck_assert_str_eq(dataset.name, "toy");
    ck_assert_uint_eq(dataset.d, 2);
    ck_assert_ptr_null(dataset.y);
    ck_assert_uint_eq(dataset.folds, 4);
    qntk_dataset_free(&dataset);
    test_files_remove();
}
END_TEST

START_TEST(a_limit_takes_the_folds_away)
{
    qntk_dataset dataset;
    qntk_dataset_options options = qntk_dataset_defaults();
    options.limit = 3;
    ck_assert_ok(qntk_dataset_read(write_folder(&toy), options, &dataset));
    ck_assert_uint_eq(dataset.n, 3);
    ck_assert_uint_eq(dataset.folds, 0);
    ck_assert_uint_eq(dataset.validation.train_count, 0);
    qntk_dataset_free(&dataset);
    options.limit = 4;
    ck_assert_ok(qntk_dataset_read(write_folder(&toy), options, &dataset));
    ck_assert_uint_eq(dataset.folds, 4);
    qntk_dataset_free(&dataset);
    test_files_remove();
}
END_TEST

static folder two_files(void)
{
    folder f = toy;
    f.description =
        "n_entradas= 2\nn_clases= 2\nn_arquivos= 2\nfich1= toy_R.dat\nn_patrons1= 4\nfich2= toy_test_R.dat\n"
        "n_patrons2= 2\n";
    return f;
}

START_TEST(a_set_with_a_test_set_of_its_own_is_told_apart)
{
    const char *test = "\tf1\tf2\tclase\n1\t7\t8\t1\n2\t9\t10\t0\n";
    folder f = two_files();
    qntk_dataset dataset;
    const char *path = write_folder(&f);
    test_file("toy/toy_test_R.dat", test, strlen(test));
    ck_assert_ok(qntk_dataset_read(path, qntk_dataset_defaults(), &dataset));
    const double X[] = {0.5, -1, 1.5, 2, -0.5, 0, 2, 1, 7, 8, 9, 10};
    check_features(&dataset, 6, 2, X);
    ck_assert(dataset.own_test);
    ck_assert_uint_eq(dataset.folds, 1);
    ck_assert_uint_eq(dataset.fold[0].train_count, 4);
    ck_assert_uint_eq(dataset.fold[0].test_count, 2);
    ck_assert_uint_eq(dataset.fold[0].test[1], 5);
    ck_assert_double_eq(dataset.y[4], 1);
    ck_assert_uint_eq(dataset.validation.test_count, 2);
    qntk_dataset_free(&dataset);
    test_files_remove();
}
END_TEST

static void check_failure(folder f, qntk_status code, const char *text)
{
    qntk_dataset dataset;
    ck_assert_fails(qntk_dataset_read(write_folder(&f), qntk_dataset_defaults(), &dataset), code, text);
    ck_assert_ptr_null(dataset.X);
    test_files_remove();
}

START_TEST(each_mistake_in_a_folder_is_named_with_its_line)
{
    folder f = toy;
    f.pair = "0 1\n2 4\n";
    check_failure(f, QNTK_FORMAT, "conxuntos.dat:2: expected a row number from 0 to 3, found '4'");
    f.pair = "0 1\n2 1\n";
    check_failure(f, QNTK_FORMAT,
                  "conxuntos.dat:2: expected each row at most once, found row 1 in train and test");
    f.pair = "0 0\n2 1\n";
    check_failure(f, QNTK_FORMAT, "conxuntos.dat:1: expected each row at most once, found row 0 twice");
    f.pair = "0 -1\n2 1\n";
    check_failure(f, QNTK_FORMAT, "found '-1'");
    f.pair = "0 1\n";
    check_failure(f, QNTK_FORMAT, "expected a line of row numbers, found the end of the file");
    f.pair = "0\n1\n2\n";
    check_failure(f, QNTK_FORMAT, "conxuntos.dat:3: expected 2 lines of row numbers, found more");
    f = toy;
    f.folds = "0\n1\n";
    check_failure(f, QNTK_FORMAT, "conxuntos_kfold.dat");
    f = toy;
    f.data = "\tf1\tf2\tclase\n1\t0.5\t-1\t0\n2\t1.5\t2\t2\n3\t-0.5\t0\t0\n4\t2\t1\t1\n";
    check_failure(f, QNTK_FORMAT, "toy_R.dat:3: expected a class from 0 to 1, found 2");
    f.data = "\tf1\tf2\tclase\n1\t0.5\t-1\t0\n2\t1.5\t2\t0.5\n3\t-0.5\t0\t0\n4\t2\t1\t1\n";
    check_failure(f, QNTK_FORMAT, "toy_R.dat:3: expected a class from 0 to 1, found 0.5");
    f.data = "\tf1\tf2\tclase\n1\t0.5\t-1\t0\n2\t1.5\t2\t1\n";
    check_failure(f, QNTK_FORMAT, "toy_R.dat: expected 4 rows, found 2");
    f.data = "\tf1\tclase\n1\t0.5\t0\n";
    check_failure(f, QNTK_FORMAT, "toy_R.dat:1: expected 4 fields (row number, 2 inputs, class), found 3");
    f.data = "\tf1\tf2\tclase\n1\tred\t-1\t0\n2\t1.5\t2\t1\n3\t-0.5\t0\t0\n4\t2\t1\t1\n";
    check_failure(f, QNTK_FORMAT, "column 'f1': expected numbers, found text");
    f = toy;
    f.description = "n_entradas= 2\nn_arquivos= 1\nfich1= toy_R.dat\nn_patrons1= 4\n";
    check_failure(f, QNTK_FORMAT, "toy.txt: expected a line 'n_clases=', found none");
    f.description = "n_entradas= two\n";
    check_failure(f, QNTK_FORMAT, "toy.txt:1: n_entradas: expected a whole number from 1, found 'two'");
    f.description = "n_entradas= 2\nfich1= ../toy_R.dat\n";
    check_failure(f, QNTK_FORMAT,
                  "toy.txt:2: fich1: expected the name of a file in this folder, found '../toy_R.dat'");
    f.description = "n_entradas= 2\nn_clases= 2\nn_arquivos= 3\nfich1= toy_R.dat\nn_patrons1= 4\n";
    check_failure(f, QNTK_FORMAT, "expected n_arquivos of 1 or 2, found 3");
    f = two_files();
    check_failure(f, QNTK_IO, "toy_test_R.dat: No such file");
}
END_TEST

START_TEST(another_folder_is_refused_with_the_file_it_lacks)
{
    qntk_dataset dataset;
    test_file("other/x", "x", 1);
    ck_assert_fails(qntk_dataset_read(test_file_path("other"), qntk_dataset_defaults(), &dataset), QNTK_IO,
                    "other: expected a UCI folder with a file other.txt, found none");
    test_files_remove();
}
END_TEST

static const char *toy_path;

static qntk_status read_toy(void *context)
{
    return qntk_dataset_read(toy_path, qntk_dataset_defaults(), context);
}

static void clean_toy(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_may_fail)
{
    const char *test = "\tf1\tf2\tclase\n1\t7\t8\t1\n2\t9\t10\t0\n";
    qntk_dataset dataset;
    toy_path = write_folder(&toy);
    check_allocations(read_toy, clean_toy, &dataset);
    folder f = two_files();
    toy_path = write_folder(&f);
    test_file("toy/toy_test_R.dat", test, strlen(test));
    check_allocations(read_toy, clean_toy, &dataset);
    test_files_remove();
}
END_TEST

/* Rows, inputs and classes as published in table 1 of Fernandez-Delgado et al., JMLR 15 (2014). */
static const struct {
    const char *name;
    size_t n, d, classes;
} published[] = {
    {"abalone", 4177, 8, 3},        {"arrhythmia", 452, 262, 13}, {"car", 1728, 6, 4},
    {"lenses", 24, 4, 3},           {"musk-1", 476, 166, 2},      {"plant-texture", 1599, 64, 100},
    {"primary-tumor", 330, 17, 15}, {"spambase", 4601, 57, 2},    {"wine", 178, 13, 3},
    {"yeast", 1484, 8, 10},
};

static void check_published(const char *path, size_t k)
{
    qntk_dataset dataset;
    ck_assert_ok(qntk_dataset_read(path, qntk_dataset_defaults(), &dataset));
    ck_assert_str_eq(dataset.name, published[k].name);
    ck_assert_uint_eq(dataset.n, published[k].n);
    ck_assert_uint_eq(dataset.d, published[k].d);
    ck_assert_uint_eq(dataset.classes, published[k].classes);
    ck_assert_uint_eq(dataset.folds, 4);
    ck_assert_uint_eq(dataset.validation.train_count + dataset.validation.test_count, dataset.n);
    for (size_t f = 0; f < 4; f++)
        ck_assert_uint_eq(dataset.fold[f].train_count + dataset.fold[f].test_count, dataset.n);
    qntk_dataset_free(&dataset);
}

START_TEST(the_published_sets_have_their_published_sizes)
{
    for (size_t k = 0; k < sizeof published / sizeof published[0]; k++) {
        char relative[256];
        snprintf(relative, sizeof relative, "datasets/uci/%s", published[k].name);
        const char *path = test_shared(relative);
        if (path == NULL) {
            test_skip("the UCI collection is not there");
            return;
        }
        check_published(path, k);
    }
}
END_TEST

START_TEST(the_wine_set_has_its_class_counts_and_first_values)
{
    const char *path = test_shared("datasets/uci/wine");
    if (path == NULL) {
        test_skip("the UCI collection is not there");
        return;
    }
    qntk_dataset dataset;
    ck_assert_ok(qntk_dataset_read(path, qntk_dataset_defaults(), &dataset));
    size_t count[3] = {0};
    for (size_t i = 0; i < dataset.n; i++)
        count[(size_t)dataset.y[i]]++;
    ck_assert_uint_eq(count[0], 59); /* the three cultivars */
    ck_assert_uint_eq(count[1], 71);
    ck_assert_uint_eq(count[2], 48);
    ck_assert_double_eq(dataset.X[0], 1.51434);
    ck_assert_double_eq(dataset.X[12], 1.01016);
    ck_assert_uint_eq(dataset.validation.train[0], 27);
    qntk_dataset_free(&dataset);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_folder_gives_features_classes_and_splits);
    tcase_add_test(tcase, a_slash_behind_the_folder_and_no_target_are_allowed);
    tcase_add_test(tcase, a_limit_takes_the_folds_away);
    tcase_add_test(tcase, a_set_with_a_test_set_of_its_own_is_told_apart);
    tcase_add_test(tcase, each_mistake_in_a_folder_is_named_with_its_line);
    tcase_add_test(tcase, another_folder_is_refused_with_the_file_it_lacks);
    tcase_add_test(tcase, every_allocation_may_fail);
    tcase_add_test(tcase, the_published_sets_have_their_published_sizes);
    tcase_add_test(tcase, the_wine_set_has_its_class_counts_and_first_values);
}

int main(void)
{
    return test_main("dataset_uci", add_tests);
}
