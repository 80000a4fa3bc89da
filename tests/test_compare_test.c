/* kernel-compare --test, run as its users run it. */
#include "run.h"

#include <string.h>

/* Two files of the same rows of numbers, and one whose columns are in another order. */
static const char TRAIN[] = "a,b,colour,y\n1,5,red,yes\n2,1,blue,no\n3,4,red,yes\n4,2,blue,no\n5,3,blue,yes\n"
                            "2,6,red,no\n1,1,red,no\n7,7,blue,yes\n";
static const char TEST[] = "a,b,colour,y\n2,2,blue,yes\n6,1,red,no\n4,4,red,no\n";
static const char MOVED[] = "colour,a,b,y\nblue,2,2,yes\nred,6,1,no\nred,4,4,no\n";

/* The first line of a file of predictions that begins so, without its newline. */
static void copy_line(const char *text, const char *beginning, char line[256])
{
    const char *at = strstr(text, beginning);
    ck_assert_msg(at != NULL, "no line %s in %s", beginning, text);
    snprintf(line, 256, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
}

START_TEST(what_is_trained_does_not_depend_on_the_rows_of_the_test_file)
{
    /* the same first row; the other is 1000 times as long, and so is K_ii of a network */
    const char *solvers[] = {"--solver ridge", "--solver svm"}, *columns[] = {"ridge", "C"};
    run_write("train.csv", "a,b,y\n1,5,yes\n2,1,no\n3,4,yes\n4,2,no\n5,3,yes\n2,6,no\n1,1,no\n7,7,yes\n");
    run_write("short.csv", "a,b,y\n2,2,yes\n6,1,no\n");
    run_write("long.csv", "a,b,y\n2,2,yes\n6000,1000,no\n");
    for (size_t s = 0; s < (qntk_svm_available() ? 2 : 1); s++) {
        char command[256], one[256], other[256];
        snprintf(command, sizeof command,
                 "kernel-compare --data train.csv --test short.csv --kernel ntk --predictions s.tsv %s",
                 solvers[s]);
        run_result r = run_expect(0, command);
        snprintf(command, sizeof command,
                 "kernel-compare --data train.csv --test long.csv --kernel ntk --predictions l.tsv %s",
                 solvers[s]);
        run_result l = run_expect(0, command);
        ck_assert_double_eq(run_number(r.out, "ntk", columns[s]), run_number(l.out, "ntk", columns[s]));
        ck_assert_double_eq(run_number(r.out, "ntk", "train"), run_number(l.out, "ntk", "train"));
        char *short_text = run_read("s.tsv"), *long_text = run_read("l.tsv");
        copy_line(short_text, "\n0\t0\tntk\t", one);
        copy_line(long_text, "\n0\t0\tntk\t", other);
        ck_assert_str_eq(one, other);
        free(short_text);
        free(long_text);
        run_free(&r);
        run_free(&l);
    }
    const char *files[] = {"train.csv", "short.csv", "long.csv", "s.tsv", "l.tsv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

START_TEST(a_test_file_is_matched_by_name)
{
    run_write("train.csv", TRAIN);
    run_write("test.csv", TEST);
    run_write("moved.csv", MOVED);
    const char *columns[] = {"ridge", "train", "test", "gap", "loo", "loo_mse", "kare"};
    run_result r = run_expect(
        0, "kernel-compare --data train.csv --test test.csv --kernel gauss --scale zscore --rows sphere");
    run_result m = run_expect(
        0, "kernel-compare --data train.csv --test moved.csv --kernel gauss --scale zscore --rows sphere");
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        const double value = run_number(r.out, "gauss", columns[k]);
        ck_assert(run_number(m.out, "gauss", columns[k]) == value);
    }
    ck_assert_ptr_nonnull(strstr(r.out, "# n=8\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# test_n=3\n"));
    run_free(&r);
    run_free(&m);
    /* tested on what it was trained on */
    r = run_expect(
        0, "kernel-compare --data train.csv --test train.csv --kernel laplace --scale zscore --ridge 1");
    ck_assert(run_number(r.out, "laplace", "test") == run_number(r.out, "laplace", "train"));
    ck_assert(run_number(r.out, "laplace", "gap") == 0);
    run_free(&r);
    /* numbers as the target: 1, 3 against 2, by hand; K = 1 and exp(-1), ridge 1 */
    run_write("two.csv", "x,y\n0,1\n1,3\n");
    run_write("one.csv", "y,x\n2,0\n");
    r = run_expect(0, "kernel-compare --data two.csv --test one.csv --task regress --target y "
                      "--kernel laplace:bandwidth=1 --ridge 1");
    const double e = exp(-1), det = 4 - e * e, alpha = (2 - 3 * e) / det, beta = (6 - e) / det;
    ck_assert_relative(run_number(r.out, "laplace:bandwidth=1", "test"), pow(2 - alpha - e * beta, 2), 1e-13);
    ck_assert_relative(run_number(r.out, "laplace:bandwidth=1", "train"), (alpha * alpha + beta * beta) / 2,
                       1e-13);
    run_free(&r);
    const char *files[] = {"train.csv", "test.csv", "moved.csv", "two.csv", "one.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

/* By hand: blue and red as columns of ones and zeros. */
START_TEST(a_test_file_may_lack_a_category)
{
    run_write("train.csv", TRAIN);
    run_write("few.csv", "a,b,colour,y\n2,2,blue,yes\n6,1,blue,no\n");
    run_write("train01.csv", "a,b,blue,red,y\n1,5,0,1,yes\n2,1,1,0,no\n3,4,0,1,yes\n4,2,1,0,no\n5,3,1,0,yes\n"
                             "2,6,0,1,no\n1,1,0,1,no\n7,7,1,0,yes\n");
    run_write("few01.csv", "a,b,blue,red,y\n2,2,1,0,yes\n6,1,1,0,no\n");
    run_result r =
        run_expect(0, "kernel-compare --data train.csv --test few.csv --kernel gauss --scale zscore");
    run_result m =
        run_expect(0, "kernel-compare --data train01.csv --test few01.csv --kernel gauss --scale zscore");
    ck_assert_double_eq(run_number(r.out, "gauss", "test"), run_number(m.out, "gauss", "test"));
    ck_assert_relative(run_number(r.out, "gauss", "loo_mse"), run_number(m.out, "gauss", "loo_mse"), 1e-12);
    run_free(&r);
    run_free(&m);
    /* a number where the other has categories stays an error */
    run_write("few.csv", "a,b,colour,y\n2,2,1,yes\n6,1,1,no\n");
    run_complaint(1, "kernel-compare", "kernel-compare --data train.csv --test few.csv --kernel gauss",
                  "'colour=");
    const char *files[] = {"train.csv", "few.csv", "train01.csv", "few01.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

START_TEST(a_test_file_is_scaled_by_the_training_rows)
{
    /* mean 2, sd 2; and the same numbers, standardised by hand */
    run_write("raw.csv", "x,y\n0,1\n4,3\n0,2\n4,5\n");
    run_write("raw_test.csv", "x,y\n6,2\n1,7\n");
    run_write("done.csv", "x,y\n-1,1\n1,3\n-1,2\n1,5\n");
    run_write("done_test.csv", "x,y\n2,2\n-0.5,7\n");
    run_result r = run_expect(0, "kernel-compare --data raw.csv --test raw_test.csv --scale zscore --kernel "
                                 "gauss:bandwidth=1 --task regress");
    run_result m = run_expect(
        0, "kernel-compare --data done.csv --test done_test.csv --kernel gauss:bandwidth=1 --task regress");
    ck_assert_relative(run_number(r.out, "gauss:bandwidth=1", "test"),
                       run_number(m.out, "gauss:bandwidth=1", "test"), 1e-14);
    ck_assert_relative(run_number(r.out, "gauss:bandwidth=1", "loo"),
                       run_number(m.out, "gauss:bandwidth=1", "loo"), 1e-14);
    run_free(&r);
    run_free(&m);
    const char *files[] = {"raw.csv", "raw_test.csv", "done.csv", "done_test.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

START_TEST(files_that_differ_say_in_what)
{
    run_write("train.csv", TRAIN);
    run_write("green.csv", "a,b,colour,y\n2,2,green,yes\n6,1,red,no\n4,4,blue,no\n");
    run_write("red.csv", "a,b,colour,y\n2,2,red,yes\n6,1,red,no\n");
    run_write("maybe.csv", "a,b,colour,y\n2,2,blue,yes\n6,1,red,maybe\n");
    run_write("other.csv", "a,c,colour,y\n2,2,blue,yes\n6,1,red,no\n");
    run_write("plain.csv", "1,2,0\n1,3,1\n3,3,0\n2,1,1\n");
    run_write("wide.csv", "1,2,5,0\n1,3,5,1\n");
    run_complaint(1, "kernel-compare", "kernel-compare --data train.csv --test green.csv",
                  "green.csv: found a column 'colour=green', which train lacks");
    run_complaint(1, "kernel-compare", "kernel-compare --data train.csv --test maybe.csv",
                  "maybe.csv: found a class 'maybe', which train lacks");
    run_complaint(1, "kernel-compare", "kernel-compare --data train.csv --test other.csv",
                  "expected a column 'b'");
    run_complaint(1, "kernel-compare", "kernel-compare --data train.csv --test plain.csv",
                  "expected columns with names, as in train, found none");
    run_complaint(1, "kernel-compare", "kernel-compare --data plain.csv --test train.csv",
                  "expected columns without names");
    run_complaint(1, "kernel-compare", "kernel-compare --data plain.csv --test wide.csv",
                  "expected 2 features, as in plain, found 3");
    run_complaint(1, "kernel-compare", "kernel-compare --data train.csv --test nothing.csv", "nothing.csv");
    run_complaint(1, "kernel-compare", "kernel-compare --data spirals --test spirals:n=50",
                  "found the generator 'spirals:n=50'");
    run_complaint(2, "kernel-compare", "kernel-compare --data train.csv --test red.csv --folds 3",
                  "--test means nothing with --folds");
    run_complaint(2, "kernel-compare", "kernel-compare --data train.csv --test-labels red.csv", "--test");
    run_complaint(2, "kernel-compare", "kernel-compare --data train.csv --test red.csv --missing mean",
                  "--missing mean");
    run_complaint(2, "kernel-compare", "kernel-compare --data train.csv --test red.csv --out red.csv",
                  "same file");
    run_complaint(1, "kernel-compare", "kernel-compare --data train.csv --target none", "needs a target");
    const char *files[] = {"train.csv", "green.csv", "red.csv", "maybe.csv",
                           "other.csv", "plain.csv", "wide.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_remove(files[i]);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, what_is_trained_does_not_depend_on_the_rows_of_the_test_file);
    tcase_add_test(tcase, a_test_file_is_matched_by_name);
    tcase_add_test(tcase, a_test_file_may_lack_a_category);
    tcase_add_test(tcase, a_test_file_is_scaled_by_the_training_rows);
    tcase_add_test(tcase, files_that_differ_say_in_what);
}

int main(void)
{
    return test_main("compare_test", add_tests);
}
