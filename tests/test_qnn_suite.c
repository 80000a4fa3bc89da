/* qnn suite, run as its users run it, on folders made here. */
#include "dataset_memory.h"
#include "run.h"
#include "suite_folder.h"

#include <cjson/cJSON.h>
#include <string.h>

/* Small networks, so that a set takes milliseconds. */
#define SMALL "--width 12 --depth 1 --epochs 8 --batch 20"

static run_result expect(int code, const char *words)
{
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "qnn suite %s %s", suite_path(), words);
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d; it said: %s", arguments, r.code, code, r.err);
    return r;
}

static void expect_complaint(int code, const char *words, const char *text)
{
    run_result r = expect(code, words);
    ck_assert_msg(strncmp(r.err, "qnn suite: ", 11) == 0 && strstr(r.err, text) != NULL,
                  "%s: expected '%s', it said: %s", words, text, r.err);
    ck_assert_str_eq(r.out, "");
    run_free(&r);
}

static void run_quietly(const char *words)
{
    run_result r = expect(0, words);
    ck_assert_str_eq(r.err, "");
    run_free(&r);
}

/* ---- what it computes ---- */

static void check_line(char *tsv, const char *beginning, const char *expected)
{
    const char *line = suite_find_line(tsv, beginning);
    ck_assert_msg(line != NULL && strncmp(line, expected, strlen(expected)) == 0, "expected %s\nfound %s",
                  expected, line);
}

/* The rows of a set are what the library says. */
static void check_rows(char *tsv, const char *name)
{
    static const char *const names[] = {"network:real", "network:binary"};
    char relative[256], beginning[256], params[QNTK_STUDY_PARAMS], expected[512];
    qntk_dataset data;
    qntk_kernel kernel;
    qntk_study_result result;
    qntk_study_network network[2] = {qntk_study_network_defaults(), qntk_study_network_defaults()};
    qntk_study_network_result found[2];
    qntk_study_training training = {
        .rates = 3, .rate = {0.003, 0.01, 0.03}, .counts = 3, .epoch = {2, 4, 8}, .seconds = INFINITY};
    for (size_t k = 0; k < 2; k++) {
        network[k].levels = k == 0 ? QNTK_LEVELS_REAL : QNTK_LEVELS_BINARY;
        network[k].width = 12;
        network[k].depth = 1;
        network[k].train.batch = 20;
        network[k].train.seed = 3;
    }
    snprintf(relative, sizeof relative, "suite/%s", name);
    ck_assert_ok(qntk_dataset_read(test_file_path(relative), qntk_dataset_defaults(), &data));
    ck_assert_ok(qntk_study_networks(&data, 2, network, training, found));
    for (size_t k = 0; k < 2; k++) {
        snprintf(beginning, sizeof beginning, "%s\t%s\t", name, names[k]);
        snprintf(expected, sizeof expected,
                 "%s\t%s\tdepth=1,width=12,rate=%g,epochs=%zu\t0\t%.17g\t%.17g\t%.17g\t", name, names[k],
                 found[k].rate, found[k].epoch, found[k].train, found[k].test, found[k].gap);
        check_line(tsv, beginning, expected);
    }
    ck_assert_ok(qntk_kernel_parse("qntk", &kernel));
    ck_assert_ok(qntk_study_set(&data, 1, &kernel, qntk_study_defaults(), &result));
    qntk_study_params(&result.kernel, params);
    snprintf(beginning, sizeof beginning, "%s\tqntk\t", name);
    snprintf(expected, sizeof expected, "%s\tqntk\t%s\t%.3g\t%.17g\t%.17g\t%.17g\t", name, params,
             result.ridge, result.train, result.test, result.gap);
    check_line(tsv, beginning, expected);
    qntk_dataset_free(&data);
}

START_TEST(rows_are_what_the_library_says_and_a_bad_folder_stops_nothing)
{
    suite_make_set("beta", 40, 1, false);
    suite_make_set("alpha", 60, 2, false);
    suite_make_set("own", 20, 3, true);
    suite_make_set("big", 80, 4, false);
    suite_make_set("bad", 30, 5, false);
    test_file("suite/bad/conxuntos.dat", "0 1\n2 99\n", 9);
    run_result r = expect(1, SMALL " --max-n 70 --kernel qntk --seed 3");
    ck_assert_msg(strstr(r.err, "qnn suite: bad: ") != NULL &&
                      strstr(r.err, "conxuntos.dat:2: expected a row number from 0 to 29, found '99'") !=
                          NULL,
                  "it said: %s", r.err);
    ck_assert_ptr_nonnull(strstr(r.err, "Means over 2 sets"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# skipped[big]=has 80 rows, above --max-n 70\n"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# skipped[own]=has a test set of its own\n"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# failed[bad]="));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# width=12\n# depth=1\n# batch=20\n"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# rate_grid=0.003,0.01,0.03\n# epoch_grid=2,4,8\n"));
    char *rows = suite_find_line(r.out, "set\tkernel\tparams\tridge\ttrain\ttest\tgap\tseconds\n");
    ck_assert_ptr_nonnull(rows);
    size_t lines = 0;
    for (const char *at = rows; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 1 + 2 * 3);
    check_rows(r.out, "alpha");
    check_rows(r.out, "beta");
    run_free(&r);
    test_files_remove();
}
END_TEST

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(cJSON_IsNumber(item), "expected a number '%s'", key);
    return item->valuedouble;
}

START_TEST(json_has_the_networks_their_kernels_and_the_summary)
{
    static const char *const names[] = {"network:real", "network:binary", "laplace",
                                        "gauss",        "ntk:depth=2",    "qntk:depth=2"};
    enum { METHODS = sizeof names / sizeof *names, SETS = 3 };
    suite_make_set("a", 40, 6, false);
    suite_make_set("b", 48, 7, false);
    suite_make_set("c", 52, 8, false);
    run_result r = expect(0, "--width 10 --epochs 8 --format json --quiet");
    cJSON *tree = cJSON_Parse(r.out);
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(tree, "results");
    const cJSON *summary = cJSON_GetObjectItemCaseSensitive(tree, "summary");
    ck_assert_int_eq(cJSON_GetArraySize(results), METHODS * SETS);
    ck_assert_int_eq(cJSON_GetArraySize(summary), METHODS);
    double train[METHODS * SETS], test[METHODS * SETS];
    for (int i = 0; i < METHODS * SETS; i++) {
        const cJSON *row = cJSON_GetArrayItem(results, i);
        train[i] = number_of(row, "train");
        test[i] = number_of(row, "test");
        ck_assert_double_eq(number_of(row, "gap"), train[i] - test[i]);
        ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "kernel")), names[i % METHODS]);
    }
    qntk_study_summary expected[METHODS];
    ck_assert_ok(qntk_study_summarise(SETS, METHODS, train, test, expected));
    static const char *const keys[] = {"train",  "test",     "gap", "train_sd", "test_sd",
                                       "gap_sd", "friedman", "p90", "p95",      "pma"};
    for (int k = 0; k < METHODS; k++) {
        const cJSON *s = cJSON_GetArrayItem(summary, k);
        const qntk_study_summary *e = &expected[k];
        const double figures[] = {e->train,  e->test,     e->gap, e->train_sd, e->test_sd,
                                  e->gap_sd, e->friedman, e->p90, e->p95,      e->pma};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            ck_assert_double_eq(number_of(s, keys[i]), figures[i]);
        if (k > 0) /* against the real network */
            ck_assert_double_eq(number_of(s, "wilcoxon_p"), e->wilcoxon_p);
    }
    cJSON_Delete(tree);
    run_free(&r);
    test_files_remove();
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    suite_make_set("a", 60, 9, false);
    suite_make_set("b", 90, 10, false);
    run_result one = expect(0, SMALL " --threads 1 --quiet"), three = expect(0, SMALL " --threads 3 --quiet");
    suite_check_same(one.out, three.out, "1 and 3 threads");
    run_free(&one);
    run_free(&three);
    suite_make_set("large", 1600, 11, false); /* on which all threads work together */
    one = expect(0, SMALL " --kernel ntk:depth=1 --threads 1 --quiet");
    three = expect(0, SMALL " --kernel ntk:depth=1 --threads 3 --quiet");
    suite_check_same(one.out, three.out, "1 and 3 threads on many rows");
    run_free(&one);
    run_free(&three);
    test_files_remove();
}
END_TEST

START_TEST(quick_sets_what_is_not_given)
{
    suite_make_set("a", 20, 11, false);
    run_result r = expect(0, "--quick --width 8 --kernel ntk --quiet");
    ck_assert_ptr_nonnull(strstr(r.out, " --width 8 --depth 2 --epochs 100 "));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# epoch_grid=25,50,100\n"));
    run_free(&r);
    r = expect(0, "--quick --epochs 3 --kernel ntk --quiet");
    ck_assert_ptr_nonnull(strstr(r.out, " --width 512 --depth 2 --epochs 3 "));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# epoch_grid=1,3\n"));
    run_free(&r);
    r = expect(0, "--width 8 --epochs 1 --kernel ntk --quiet");
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# epoch_grid=1\n"));
    run_free(&r);
    test_files_remove();
}
END_TEST

/* ---- going on ---- */

static void compare_files(const char *a, const char *b, const char *what)
{
    char *x = run_read(a), *y = run_read(b);
    suite_check_same(x, y, what);
    free(x);
    free(y);
    run_remove(a);
    run_remove(b);
}

START_TEST(going_on_ends_as_a_run_that_never_stopped)
{
    suite_make_set("a", 40, 12, false);
    suite_make_set("c", 50, 13, false);
    run_quietly(SMALL " --kernel ntk --out part.tsv --quiet");
    char *part = run_read("part.tsv"), *mark = strstr(part, "epochs="), path[300];
    ck_assert_ptr_nonnull(mark);
    mark = strstr(suite_find_line(part, "a\tnetwork:real"), "rate=");
    const char kept = mark[5];
    mark[5] = '7'; /* by which what was kept is known */
    snprintf(path, sizeof path, "%s/part.tsv", run_directory());
    FILE *file = fopen(path, "w");
    fputs(part, file);
    fclose(file);
    free(part);
    suite_make_set("b", 60, 14, false); /* as if the first run had been stopped before this one */
    run_quietly(SMALL " --kernel ntk --kernel laplace --out part.tsv --resume --quiet");
    run_quietly(SMALL " --kernel ntk --kernel laplace --out whole.tsv --quiet");
    part = run_read("part.tsv");
    mark = strstr(suite_find_line(part, "a\tnetwork:real"), "rate=7");
    ck_assert_msg(mark != NULL, "the row that was there is gone: %s", part);
    mark[5] = kept;
    char *whole = run_read("whole.tsv");
    suite_check_same(whole, part, "resumed");
    free(part);
    free(whole);
    run_remove("part.tsv");
    run_remove("whole.tsv");
    test_files_remove();
}
END_TEST

START_TEST(an_interrupted_suite_keeps_complete_sets_and_is_gone_on_with)
{
    for (uint64_t i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%02d", (int)i);
        suite_make_set(name, 200, 20 + i, false);
    }
    char arguments[1024];
    snprintf(arguments, sizeof arguments,
             "qnn suite %s --width 64 --epochs 40 --kernel ntk --out part.tsv --threads 1", suite_path());
    run_result r = run_program(arguments, 0.6);
    ck_assert_msg(r.code == 130 || r.code == 0, "exit %d: %s", r.code, r.err);
    ck_assert_uint_le(run_count_files(), 1); /* no temporary is left */
    run_free(&r);
    run_quietly("--width 64 --epochs 40 --kernel ntk --out part.tsv --resume --quiet");
    run_quietly("--width 64 --epochs 40 --kernel ntk --out whole.tsv --quiet");
    compare_files("whole.tsv", "part.tsv", "interrupted");
    test_files_remove();
}
END_TEST

START_TEST(a_time_budget_that_is_too_small_is_told_and_can_be_raised)
{
    suite_make_set("a", 40, 30, false);
    suite_make_set("b", 50, 31, false);
    suite_make_set("own", 20, 32, true);
    static const char *const reason =
        "the trainings take more than 0 s; raise --time-budget, or lower --width or --epochs";
    char line[300];
    run_result r = expect(1, SMALL " --kernel ntk --time-budget 0 --out part.tsv --quiet");
    snprintf(line, sizeof line, "qnn suite: no data set is complete; a: %s\n", reason);
    ck_assert_str_eq(r.err, line);
    run_free(&r);
    char *part = run_read("part.tsv");
    snprintf(line, sizeof line, "# sets=0\n# skipped[a]=%s\n# skipped[b]=%s\n# skipped[own]=has", reason,
             reason);
    ck_assert_msg(strstr(part, line) != NULL, "expected %s\nfound %s", line, part);
    free(part);
    run_quietly(SMALL " --kernel ntk --time-budget 1e6 --out part.tsv --resume --quiet");
    run_quietly(SMALL " --kernel ntk --time-budget 1e6 --out whole.tsv --quiet");
    compare_files("whole.tsv", "part.tsv", "with more time");
    /* what there is decides nothing about what it says */
    run_quietly(SMALL " --kernel ntk --out part.tsv --quiet");
    run_quietly(SMALL " --kernel ntk --time-budget 1e6 --out whole.tsv --resume --quiet");
    part = run_read("part.tsv");
    char *whole = run_read("whole.tsv");
    suite_check_same(strstr(part, "# seed"), strstr(whole, "# seed"), "without a budget");
    free(part);
    free(whole);
    run_remove("part.tsv");
    run_remove("whole.tsv");
    test_files_remove();
}
END_TEST

START_TEST(a_result_of_other_settings_is_not_gone_on_from)
{
    suite_make_set("a", 40, 40, false);
    run_quietly(SMALL " --kernel ntk --out part.tsv --quiet");
    char *before = run_read("part.tsv");
    expect_complaint(
        1, "--width 13 --depth 1 --epochs 8 --batch 20 --kernel ntk --out part.tsv --resume --quiet",
        "made with width=12, not 13");
    expect_complaint(1, SMALL " --seed 1 --kernel ntk --out part.tsv --resume --quiet", "made with seed=0");
    expect_complaint(1, SMALL " --epochs 4 --kernel ntk --out part.tsv --resume --quiet",
                     "made with epoch_grid=2,4,8, not 1,2,4");
    expect_complaint(1, SMALL " --kernel gauss --out part.tsv --resume --quiet",
                     "has results of kernel 'ntk'");
    char *after = run_read("part.tsv");
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "kernel-compare --suite %s --kernel ntk --out part.tsv --quiet",
             suite_path());
    run_result r = run_program(arguments, 0);
    ck_assert_int_eq(r.code, 0);
    run_free(&r);
    expect_complaint(1, SMALL " --kernel ntk --out part.tsv --resume --quiet", "is no result of qnn suite");
    run_remove("part.tsv");
    test_files_remove();
}
END_TEST

/* ---- usage ---- */

START_TEST(bad_usage_and_bad_folders_are_told)
{
    suite_make_set("a", 40, 41, false);
    expect_complaint(2, "elsewhere", "unexpected argument 'elsewhere'");
    expect_complaint(2, "--dir elsewhere", "unexpected argument");
    expect_complaint(2, "--width 0", "--width");
    expect_complaint(2, "--depth 33", "--depth");
    expect_complaint(2, "--epochs 0", "--epochs");
    expect_complaint(2, "--time-budget -1", "--time-budget");
    expect_complaint(2, "--time-budget soon", "--time-budget");
    expect_complaint(2, "--resume", "file of --out");
    expect_complaint(2, "--kernel K.npy", "belongs to one data set");
    expect_complaint(2, "--data wine", "--data");
    expect_complaint(1, "--out no/such/dir.tsv", "no/such/dir.tsv");
    run_result r = run_program("qnn suite", 0);
    ck_assert_int_eq(r.code, 2);
    ck_assert_ptr_nonnull(strstr(r.err, "qnn suite: give DIR"));
    run_free(&r);
    r = run_program("qnn suite --quick no-such-folder", 0);
    ck_assert_int_eq(r.code, 1);
    ck_assert_ptr_nonnull(strstr(r.err, "qnn suite: no-such-folder: No such file"));
    run_free(&r);
    r = run_program("qnn suite --help", 0);
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: qnn suite DIR"));
    run_free(&r);
    r = run_program("qnn --help", 0);
    ck_assert_ptr_nonnull(strstr(r.out, "suite"));
    run_free(&r);
    test_files_remove();
}
END_TEST

START_TEST(a_set_that_cannot_be_trained_on_is_told_and_the_others_go_on)
{
    suite_make_set("good", 40, 42, false);
    suite_make_set("huge", 12, 43, false);
    FILE *file = suite_open("huge", "rows.dat");
    fprintf(file, "\tf1\tf2\tclase\n");
    for (int i = 0; i < 12; i++)
        fprintf(file, "%d\t%s\t%d\t%d\n", i + 1, i == 5 ? "1e39" : "1", i, i % 3);
    fclose(file);
    run_result r = expect(1, SMALL " --kernel qntk --seed 3 --quiet");
    ck_assert_str_eq(r.err, "qnn suite: huge: row 5, feature 0: 1e+39 is beyond the range of a float\n");
    check_rows(r.out, "good");
    run_free(&r);
    test_files_remove();
}
END_TEST

START_TEST(the_recorded_command_runs_again)
{
    suite_make_set("a", 40, 44, false);
    run_result r = expect(0, SMALL " --kernel ntk --quiet");
    char *command = suite_find_line(r.out, "# command="), again[1024];
    ck_assert_ptr_nonnull(command);
    snprintf(again, sizeof again, "%.*s --quiet", (int)strcspn(command + 10, "\n"), command + 10);
    ck_assert_ptr_nonnull(strstr(again, "qnn suite --dir "));
    run_result s = run_program(again, 0);
    ck_assert_int_eq(s.code, 0);
    suite_check_same(r.out, s.out, "again");
    run_free(&r);
    run_free(&s);
    test_files_remove();
}
END_TEST

START_TEST(the_plot_is_a_picture)
{
    suite_make_set("a", 40, 45, false);
    suite_make_set("b", 50, 46, false);
    run_quietly(SMALL " --plot p.png --quiet --out r.tsv");
    char *picture = run_read("p.png");
    ck_assert_ptr_nonnull(picture);
    ck_assert(memcmp(picture, "\x89PNG", 4) == 0);
    free(picture);
    run_remove("p.png");
    run_remove("r.tsv");
    test_files_remove();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, rows_are_what_the_library_says_and_a_bad_folder_stops_nothing);
    tcase_add_test(tcase, json_has_the_networks_their_kernels_and_the_summary);
    tcase_add_test(tcase, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(tcase, quick_sets_what_is_not_given);
    tcase_add_test(tcase, going_on_ends_as_a_run_that_never_stopped);
    tcase_add_test(tcase, an_interrupted_suite_keeps_complete_sets_and_is_gone_on_with);
    tcase_add_test(tcase, a_time_budget_that_is_too_small_is_told_and_can_be_raised);
    tcase_add_test(tcase, a_result_of_other_settings_is_not_gone_on_from);
    tcase_add_test(tcase, bad_usage_and_bad_folders_are_told);
    tcase_add_test(tcase, a_set_that_cannot_be_trained_on_is_told_and_the_others_go_on);
    tcase_add_test(tcase, the_recorded_command_runs_again);
    tcase_add_test(tcase, the_plot_is_a_picture);
}

int main(void)
{
    return test_main("qnn_suite", add_tests);
}
