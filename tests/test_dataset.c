/* What holds for all formats: target, task, limit, scaling, subsets, and files that cannot be read. */
#include "dataset_memory.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static qntk_dataset dataset;

static void read_ok(const char *text, qntk_dataset_options options)
{
    ck_assert_ok(read_text(qntk_csv_read, "x.csv", text, options, &dataset));
}

START_TEST(the_target_is_a_name_a_number_or_none)
{
    static const char text[] = "a,1,b\n1,2,3\n4,5,6\n7,8,9\n";
    static const struct {
        const char *target;
        double y0, x0;
    } good[] = {{NULL, 3, 1}, {"a", 1, 2},  {"b", 3, 1},  {"0", 1, 2}, {"2", 3, 1},
                {"-1", 3, 1}, {"-2", 2, 1}, {"-3", 1, 2}, {"1", 2, 1}};
    qntk_dataset_options options = qntk_dataset_defaults();
    options.task = QNTK_TASK_REGRESS;
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        options.target = good[k].target;
        read_ok(text, options);
        ck_assert_uint_eq(dataset.d, 2);
        ck_assert_double_eq(dataset.y[0], good[k].y0);
        ck_assert_double_eq(dataset.X[0], good[k].x0);
        qntk_dataset_free(&dataset);
    }
    options.target = "none";
    read_ok(text, options);
    ck_assert_uint_eq(dataset.d, 3);
    ck_assert_ptr_null(dataset.y);
    qntk_dataset_free(&dataset);
    static const char *const bad[] = {"c", "3", "-4", "", "-0", "1.0", "99999999999999999999999"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        options.target = bad[k];
        ck_assert_fails(read_text(qntk_csv_read, "x.csv", text, options, &dataset), QNTK_INVALID,
                        "expected none, a number from 0 to 2, or a name (column 'a' .. column 'b')");
    }
}
END_TEST

START_TEST(a_name_goes_before_a_number)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "2";
    options.task = QNTK_TASK_REGRESS;
    read_ok("2,x,y\n10,20,30\n11,21,31\n", options); /* the column named "2", not the third */
    ck_assert_double_eq(dataset.y[0], 10);
    qntk_dataset_free(&dataset);
}
END_TEST

static size_t classes_of(const char *target_values, qntk_task task)
{
    char text[8192] = "";
    qntk_dataset_options options = qntk_dataset_defaults();
    options.task = task;
    for (const char *at = target_values; *at != '\0';) {
        size_t length = strcspn(at, " ");
        snprintf(text + strlen(text), sizeof text - strlen(text), "1,%.*s\n", (int)length, at);
        at += length + (at[length] == ' ');
    }
    read_ok(text, options);
    size_t classes = dataset.classes;
    qntk_dataset_free(&dataset);
    return classes;
}

START_TEST(few_whole_numbers_or_words_are_classes)
{
    ck_assert_uint_eq(classes_of("0 1 0", QNTK_TASK_AUTO), 2);
    ck_assert_uint_eq(classes_of("0 1", QNTK_TASK_AUTO), 2);
    ck_assert_uint_eq(classes_of("-1 1 1 -1", QNTK_TASK_AUTO), 2);
    ck_assert_uint_eq(classes_of("5 5 5", QNTK_TASK_AUTO), 1);
    ck_assert_uint_eq(classes_of("1 2 3 1 2 3 1 2 3", QNTK_TASK_AUTO), 3);
    ck_assert_uint_eq(classes_of("1 2 3 1 2 3 1 2", QNTK_TASK_AUTO), 0); /* fewer than three rows each */
    ck_assert_uint_eq(classes_of("0.5 1 0.5", QNTK_TASK_AUTO), 0);
    ck_assert_uint_eq(classes_of("0.5 1 0.5", QNTK_TASK_CLASSIFY), 2);
    ck_assert_uint_eq(classes_of("0 1 0", QNTK_TASK_REGRESS), 0);
    ck_assert_uint_eq(classes_of("u v w u", QNTK_TASK_AUTO), 3);
}
END_TEST

START_TEST(at_most_a_hundred_whole_numbers_are_classes)
{
    for (int distinct = 100; distinct <= 101; distinct++) {
        static char text[8192];
        char *at = text;
        for (int i = 0; i < 3 * 101; i++)
            at += sprintf(at, "0,%d\n", i % distinct);
        read_ok(text, qntk_dataset_defaults());
        ck_assert_uint_eq(dataset.classes, distinct == 100 ? 100 : 0);
        qntk_dataset_free(&dataset);
    }
}
END_TEST

START_TEST(classes_are_ordered_as_numbers_if_they_are_numbers)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.task = QNTK_TASK_CLASSIFY;
    read_ok("1,10\n1,9\n1,-0.5\n1,10\n", options);
    ck_assert_uint_eq(dataset.classes, 3);
    ck_assert_str_eq(dataset.class_name[0], "-0.5");
    ck_assert_str_eq(dataset.class_name[1], "9");
    ck_assert_str_eq(dataset.class_name[2], "10");
    ck_assert_double_eq(dataset.y[0], 2);
    qntk_dataset_free(&dataset);
    read_ok("1,c10\n1,c9\n1,B\n", options);
    ck_assert_str_eq(dataset.class_name[0], "B");
    ck_assert_str_eq(dataset.class_name[1], "c10");
    ck_assert_double_eq(dataset.y[1], 2);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(class_numbers_do_not_depend_on_the_limit)
{
    static char text[8192];
    char *at = text;
    for (int i = 0; i < 300; i++)
        at += sprintf(at, "%d,%c\n", i, "xyz"[i % 3]);
    qntk_dataset_options options = qntk_dataset_defaults();
    options.limit = 2;
    for (options.seed = 0; options.seed < 5; options.seed++) {
        read_ok(text, options);
        ck_assert_uint_eq(dataset.n, 2);
        ck_assert_uint_eq(dataset.classes, 3);
        for (size_t i = 0; i < 2; i++)
            ck_assert_double_eq(dataset.y[i], fmod(dataset.X[i], 3));
        qntk_dataset_free(&dataset);
    }
}
END_TEST

START_TEST(a_limit_is_a_uniform_subset_in_order)
{
    enum { ROWS = 10, LIMIT = 3, DRAWS = 3000 };
    double count[ROWS] = {0}, chi_square = 0;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        size_t *rows;
        ck_assert_ok(qntk_choose_rows(ROWS, LIMIT, seed, &rows));
        for (size_t k = 0; k < LIMIT; k++) {
            ck_assert(rows[k] < ROWS && (k == 0 || rows[k] > rows[k - 1]));
            count[rows[k]]++;
        }
        qntk_free(rows);
    }
    /* each count is binomial with mean 900 and variance 3000 * 0.3 * 0.7 = 630; five standard errors, seeds 0
     * .. 2999 */
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_close(count[i], DRAWS * 0.3, 5, sqrt(DRAWS * 0.3 * 0.7));
        chi_square += pow(count[i] - DRAWS * 0.3, 2) / (DRAWS * 0.3 * 0.7) * (ROWS - 1) / ROWS;
    }
    ck_assert_double_lt(chi_square, 40); /* chi-square of 9 degrees of freedom: p = 1e-5 */
}
END_TEST

START_TEST(zscore_gives_mean_zero_and_variance_one)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.scale = QNTK_SCALE_ZSCORE;
    options.target = "none";
    read_ok("1,0.1,1e300,-4e-320\n2,0.1,3e300,4e-320\n6,0.1,-1e300,0\n", options);
    /* (x - 3)/sqrt(14/3); a constant column; means and deviations beyond the range of x^2 */
    const double sd = sqrt(14.0 / 3), wide = sqrt(8.0 / 3), narrow = sqrt(2.0 / 3);
    const double X[] = {-2 / sd,  0,          0,      -1 / narrow, -1 / sd,   0,
                        2 / wide, 1 / narrow, 3 / sd, 0,           -2 / wide, 0};
    for (size_t k = 0; k < 12; k++)
        ck_assert_close(dataset.X[k], X[k], 8 * 2.3e-16, 2);
    ck_assert_double_eq(dataset.X[1], 0);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(rows_go_to_the_sphere_of_radius_root_d)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.rows = QNTK_ROWS_SPHERE;
    options.target = "none";
    read_ok("3,4\n-1e300,0\n1e-310,1e-310\n", options);
    const double r = sqrt(2), X[] = {0.6 * r, 0.8 * r, -r, 0, 1, 1};
    for (size_t k = 0; k < 6; k++)
        ck_assert_close(dataset.X[k], X[k], 8 * 2.3e-16, 1);
    qntk_dataset_free(&dataset);
    ck_assert_fails(read_text(qntk_csv_read, "x.csv", "a,b\n1,2\n\n0,-0\n", options, &dataset), QNTK_INVALID,
                    "x.csv:4: a row of zeros has no direction");
    ck_assert_ptr_null(dataset.X);
}
END_TEST

START_TEST(a_subset_copies_rows_names_and_classes)
{
    qntk_dataset part;
    const size_t rows[] = {3, 0, 3}, beyond[] = {0, 4};
    read_ok("w,c,y\n1,u,no\n2,v,yes\n3,u,no\n4,v,maybe\n", qntk_dataset_defaults());
    ck_assert_ok(qntk_dataset_subset(&dataset, rows, 3, &part));
    const double X[] = {4, 0, 1, 1, 1, 0, 4, 0, 1};
    check_features(&part, 3, 3, X);
    ck_assert_uint_eq(part.classes, 3);
    ck_assert_str_eq(part.class_name[0], "maybe");
    ck_assert_str_eq(part.feature_name[2], "c=v");
    ck_assert_double_eq(part.y[0], 0);
    ck_assert_double_eq(part.y[1], 1);
    qntk_dataset_free(&part);
    ck_assert_fails(qntk_dataset_subset(&dataset, beyond, 2, &part), QNTK_INVALID,
                    "expected a row below 4, found 4");
    ck_assert_fails(qntk_dataset_subset(&dataset, rows, 0, &part), QNTK_INVALID, "expected at least one row");
    qntk_dataset_free(&dataset);
    qntk_dataset_options options = qntk_dataset_defaults();
    options.target = "none";
    read_ok("1,2\n3,4\n", options);
    ck_assert_ok(qntk_dataset_subset(&dataset, (const size_t[]){1}, 1, &part));
    ck_assert_ptr_null(part.y);
    ck_assert_ptr_null(part.feature_name);
    qntk_dataset_free(&part);
    qntk_dataset_free(&dataset);
}
END_TEST

static qntk_status take_subset(void *context)
{
    return qntk_dataset_subset(&dataset, (const size_t[]){1, 0}, 2, context);
}

static void clean(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_of_a_subset_may_fail)
{
    qntk_dataset part;
    read_ok("w,c,y\n1,u,no\n2,v,yes\n", qntk_dataset_defaults());
    check_allocations(take_subset, clean, &part);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(what_is_no_readable_file_is_refused_in_one_line)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    ck_assert_fails(qntk_dataset_read("no/such/file.csv", options, &dataset), QNTK_IO,
                    "no/such/file.csv: No such file");
    ck_assert_fails(qntk_dataset_read(test_file("empty.csv", "", 0), options, &dataset), QNTK_FORMAT,
                    "the file is empty");
    ck_assert_fails(qntk_dataset_read(test_file_gz("none.csv.gz", "", 0), options, &dataset), QNTK_FORMAT,
                    "the file is empty");
    const char *path = test_file_path("pipe.csv");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_IO,
                    "expected a regular file, found a FIFO");
    path = test_file_path("zero.csv");
    ck_assert_int_eq(symlink("/dev/zero", path), 0);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_IO,
                    "expected a regular file, found a device");
    path = test_file_path("folder.npy");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_fails(qntk_dataset_read(path, options, &dataset), QNTK_IO, "expected a UCI folder");
    double *A;
    size_t rows, cols;
    ck_assert_fails(qntk_npy_read_matrix(path, &A, &rows, &cols), QNTK_IO,
                    "expected a regular file, found a folder");
    path = test_file("secret.csv", "1,2\n", 4);
    ck_assert_int_eq(chmod(path, 0), 0);
    const uid_t self = geteuid(), nobody = 65534;
    if (self == 0 && seteuid(nobody) != 0) {
        test_skip("the superuser may read every file and cannot be another user here");
    } else {
        qntk_status status = qntk_dataset_read(path, options, &dataset);
        ck_assert_int_eq(seteuid(self), 0);
        ck_assert_fails(status, QNTK_IO, "secret.csv: Permission denied");
    }
    ck_assert_fails(qntk_dataset_read(test_file("x.xls", "1", 1), options, &dataset), QNTK_INVALID,
                    "expected a known kind of data (sphere, teacher, friedman1, spirals, UCI folder, .csv "
                    ".tsv .txt, .arff");
    test_files_remove();
}
END_TEST

START_TEST(an_interruption_ends_reading_and_leaves_nothing)
{
    static const struct {
        const char *name, *text;
    } files[] = {{"x.csv", "1,2\n"}, {"x.arff", "@attribute a real\n@data\n1\n"}, {"x.svm", "1 1:1\n"}};
    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
        qntk_source_reader reader = k == 0 ? qntk_csv_read : k == 1 ? qntk_arff_read : qntk_libsvm_read;
        const char *path = test_file(files[k].name, files[k].text, strlen(files[k].text));
        qntk_interrupt();
        qntk_status on_disk = qntk_dataset_read(path, qntk_dataset_defaults(), &dataset);
        qntk_status in_memory =
            read_text(reader, files[k].name, files[k].text, qntk_dataset_defaults(), &dataset);
        qntk_interrupt_clear();
        ck_assert_int_eq(on_disk, QNTK_INTERRUPTED);
        ck_assert_int_eq(in_memory, QNTK_INTERRUPTED);
        ck_assert_ptr_null(dataset.X);
    }
    qntk_interrupt();
    qntk_status status = qntk_dataset_read("sphere:n=10", qntk_dataset_defaults(), &dataset);
    qntk_interrupt_clear();
    ck_assert_int_eq(status, QNTK_INTERRUPTED);
    test_files_remove();
}
END_TEST

START_TEST(labels_go_with_arrays_only)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.labels = "y.npy";
    ck_assert_fails(qntk_dataset_read("x.csv", options, &dataset), QNTK_INVALID,
                    "labels of their own (--labels y.npy) go with .npy and IDX data only");
}
END_TEST

START_TEST(the_name_of_a_set_is_its_file_without_endings)
{
    static const char *const files[] = {"a.b.csv", "a.b.csv.gz", "a.b.tsv", "a.b.TXT"};
    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
        ck_assert_ok(
            qntk_dataset_read(test_file(files[k], "1,2\n3,4\n", 8), qntk_dataset_defaults(), &dataset));
        ck_assert_str_eq(dataset.name, "a.b");
        qntk_dataset_free(&dataset);
    }
    test_files_remove();
}
END_TEST

START_TEST(the_help_names_every_format_and_generator)
{
    static const char *const names[] = {"sphere:", "teacher:", "friedman1:", "spirals:", ".csv",
                                        ".tsv",    ".txt",     ".arff",      ".libsvm",  ".svm",
                                        ".npy",    "idx3",     "UCI"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        ck_assert_msg(strstr(qntk_dataset_help(), names[k]) != NULL, "the help lacks %s", names[k]);
    ck_assert_ptr_eq(qntk_dataset_help(), qntk_dataset_help());
    /* the defaults it shows are the defaults there are */
    static const char *const shown[] = {"sphere:n=2000,d=10,degree=3", "teacher:n=2000,d=10,width=512,bits=1",
                                        "friedman1:n=1000,noise=1", "spirals:n=1000,noise=0.05"};
    static const char *const plain[] = {"sphere", "teacher", "friedman1", "spirals"};
    for (size_t k = 0; k < 4; k++) {
        qntk_dataset whole;
        ck_assert_ptr_nonnull(strstr(qntk_dataset_help(), shown[k]));
        ck_assert_ok(qntk_dataset_read(shown[k], qntk_dataset_defaults(), &whole));
        ck_assert_ok(qntk_dataset_read(plain[k], qntk_dataset_defaults(), &dataset));
        check_features(&dataset, whole.n, whole.d, whole.X);
        ck_assert_int_eq(memcmp(whole.y, dataset.y, whole.n * sizeof(double)), 0);
        qntk_dataset_free(&whole);
        qntk_dataset_free(&dataset);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_target_is_a_name_a_number_or_none);
    tcase_add_test(tcase, a_name_goes_before_a_number);
    tcase_add_test(tcase, few_whole_numbers_or_words_are_classes);
    tcase_add_test(tcase, at_most_a_hundred_whole_numbers_are_classes);
    tcase_add_test(tcase, classes_are_ordered_as_numbers_if_they_are_numbers);
    tcase_add_test(tcase, class_numbers_do_not_depend_on_the_limit);
    tcase_add_test(tcase, a_limit_is_a_uniform_subset_in_order);
    tcase_add_test(tcase, zscore_gives_mean_zero_and_variance_one);
    tcase_add_test(tcase, rows_go_to_the_sphere_of_radius_root_d);
    tcase_add_test(tcase, a_subset_copies_rows_names_and_classes);
    tcase_add_test(tcase, every_allocation_of_a_subset_may_fail);
    tcase_add_test(tcase, what_is_no_readable_file_is_refused_in_one_line);
    tcase_add_test(tcase, an_interruption_ends_reading_and_leaves_nothing);
    tcase_add_test(tcase, labels_go_with_arrays_only);
    tcase_add_test(tcase, the_name_of_a_set_is_its_file_without_endings);
    tcase_add_test(tcase, the_help_names_every_format_and_generator);
}

int main(void)
{
    return test_main("dataset", add_tests);
}
