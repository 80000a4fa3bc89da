/* kernel-compare --suite, run as its users run it, on folders made here and on the collection if it is there. */
#include "dataset_memory.h"
#include "run.h"
#include "suite_folder.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* Runs kernel-compare on the folder with these further words and expects the exit code. */
static run_result expect(int code, const char *words)
{
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "kernel-compare --suite %s %s", suite_path(), words);
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d; it said: %s", arguments, r.code, code, r.err);
    return r;
}

static void expect_complaint(int code, const char *words, const char *text)
{
    run_result r = expect(code, words);
    ck_assert_msg(strncmp(r.err, "kernel-compare: ", 16) == 0 && strstr(r.err, text) != NULL,
                  "%s: expected '%s', it said: %s", words, text, r.err);
    ck_assert_str_eq(r.out, "");
    run_free(&r);
}

/* ---- results ---- */

/* The row of a set and kernel is what the library says. */
static void check_row(char *tsv, const char *name, const char *spec)
{
    char relative[256], beginning[256], params[QNTK_STUDY_PARAMS], expected[512];
    qntk_dataset data;
    qntk_kernel kernel;
    qntk_study_result result;
    snprintf(relative, sizeof relative, "suite/%s", name);
    ck_assert_ok(qntk_dataset_read(test_file_path(relative), qntk_dataset_defaults(), &data));
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    ck_assert_ok(qntk_study_set(&data, 1, &kernel, qntk_study_defaults(), &result));
    qntk_study_params(&result.kernel, params);
    snprintf(beginning, sizeof beginning, "%s\t%s\t", name, spec);
    snprintf(expected, sizeof expected, "%s\t%s\t%s\t%.3g\t%.17g\t%.17g\t%.17g\t", name, spec, params,
             result.ridge, result.train, result.test, result.gap);
    const char *line = suite_find_line(tsv, beginning);
    ck_assert_msg(line != NULL && strncmp(line, expected, strlen(expected)) == 0, "expected %s\nfound %s",
                  expected, line);
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
    test_file("suite/README", "no folder", 9);
    test_file("suite/.hidden/x", "", 0);
    run_result r = expect(1, "--max-n 70 --kernel ntk --kernel gauss");
    ck_assert_msg(strstr(r.err, "kernel-compare: bad: ") != NULL &&
                      strstr(r.err, "conxuntos.dat:2: expected a row number from 0 to 29, found '99'") !=
                          NULL,
                  "it said: %s", r.err);
    ck_assert_ptr_nonnull(strstr(r.err, "Means over 2 sets"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# skipped[big]=has 80 rows, above --max-n 70\n"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# skipped[own]=has a test set of its own\n"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# failed[bad]="));
    ck_assert_ptr_null(strstr(r.out, "README"));
    ck_assert_ptr_null(strstr(r.out, "hidden"));
    ck_assert_ptr_null(strstr(r.out, "# incomplete"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# depth_grid=1,2,3\n"));
    ck_assert_ptr_nonnull(
        suite_find_line(r.out, "# bandwidth_grid=0.25,0.5,1,2,4 times the median distance of all rows\n"));
    ck_assert_ptr_nonnull(suite_find_line(
        r.out,
        "# ridge_grid=1e-06,1e-05,0.0001,0.001,0.01,0.1,1,10,100 times trace(K)/n of the training block\n"));
    char *rows = suite_find_line(r.out, "set\tkernel\tparams\tridge\ttrain\ttest\tgap\tseconds\n");
    ck_assert_ptr_nonnull(rows);
    ck_assert(strncmp(strchr(rows, '\n') + 1, "alpha\tntk\t", 10) == 0); /* in the order of names */
    size_t lines = 0;
    for (const char *at = rows; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 1 + 2 * 2);
    check_row(r.out, "alpha", "ntk");
    check_row(r.out, "alpha", "gauss");
    check_row(r.out, "beta", "ntk");
    check_row(r.out, "beta", "gauss");
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

START_TEST(json_holds_results_summary_and_what_was_skipped)
{
    suite_make_set("a", 40, 6, false);
    suite_make_set("b", 48, 7, false);
    suite_make_set("own", 20, 8, true);
    run_result r = expect(0, "--kernel qntk:depth=2 --kernel laplace --format json --quiet");
    ck_assert_str_eq(r.err, "");
    cJSON *tree = cJSON_Parse(r.out);
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(tree, "results");
    const cJSON *summary = cJSON_GetObjectItemCaseSensitive(tree, "summary");
    const cJSON *skipped = cJSON_GetObjectItemCaseSensitive(tree, "skipped");
    ck_assert_int_eq(cJSON_GetArraySize(results), 4);
    ck_assert_int_eq(cJSON_GetArraySize(summary), 2);
    ck_assert_int_eq(cJSON_GetArraySize(skipped), 1);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree, "failed")), 0);
    double train[4], test[4];
    for (int i = 0; i < 4; i++) {
        const cJSON *row = cJSON_GetArrayItem(results, i);
        train[i] = number_of(row, "train");
        test[i] = number_of(row, "test");
        ck_assert_double_eq(number_of(row, "gap"), train[i] - test[i]);
        ck_assert(number_of(row, "ridge") > 0 && number_of(row, "seconds") >= 0);
        ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "set")), i < 2 ? "a" : "b");
        if (i % 2 == 0) {
            ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "kernel")), "qntk:depth=2");
            ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "params")), "depth=2");
        }
    }
    qntk_study_summary expected[2];
    ck_assert_ok(qntk_study_summarise(2, 2, train, test, expected));
    for (int k = 0; k < 2; k++) {
        const cJSON *s = cJSON_GetArrayItem(summary, k);
        const qntk_study_summary *e = &expected[k];
        const double figures[] = {e->train,  e->test,     e->gap, e->train_sd, e->test_sd,
                                  e->gap_sd, e->friedman, e->p90, e->p95,      e->pma};
        static const char *const keys[] = {"train",  "test",     "gap", "train_sd", "test_sd",
                                           "gap_sd", "friedman", "p90", "p95",      "pma"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            ck_assert_double_eq(number_of(s, keys[i]), figures[i]);
    }
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(summary, 0), "wilcoxon_p")));
    ck_assert_double_eq(number_of(cJSON_GetArrayItem(summary, 1), "wilcoxon_p"), expected[1].wilcoxon_p);
    cJSON_Delete(tree);
    run_free(&r);
    test_files_remove();
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    suite_make_set("a", 100, 9, false);
    suite_make_set("b", 300, 10, false);
    run_result one = expect(0, "--threads 1 --quiet"), three = expect(0, "--threads 3 --quiet");
    suite_check_same(one.out, three.out, "1 and 3 threads");
    run_free(&one);
    run_free(&three);
    test_files_remove();
}
END_TEST

/* ---- going on ---- */

static void write_part(const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/part.tsv", run_directory());
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static void resume_adds_what_is_missing(const char *format)
{
    char words[256];
    suite_make_set("a", 40, 11, false);
    suite_make_set("c", 50, 12, false);
    snprintf(words, sizeof words, "--format %s --kernel ntk --out part.tsv --quiet", format);
    run_result r = expect(0, words);
    run_free(&r);
    char *part = run_read("part.tsv");
    ck_assert_ptr_nonnull(strstr(part, "depth="));
    suite_make_set("b", 60, 13, false);  /* as if the first run had been stopped before this one, */
    *(strstr(part, "depth=") + 6) = '7'; /* and with a mark, by which what was kept is known */
    write_part(part);
    snprintf(words, sizeof words, "--format %s --kernel ntk --kernel laplace --out part.tsv --resume --quiet",
             format);
    r = expect(0, words);
    run_free(&r);
    char *done = run_read("part.tsv");
    char *mark = strstr(done, "depth=7");
    ck_assert_msg(mark != NULL, "%s: the row that was there is gone: %s", format, done);
    snprintf(words, sizeof words, "--format %s --kernel ntk --kernel laplace --out whole.tsv --quiet",
             format);
    r = expect(0, words);
    run_free(&r);
    char *whole = run_read("whole.tsv");
    *(mark + 6) = *(strstr(whole, "depth=") + 6);
    if (strcmp(format, "tsv") == 0) {
        suite_check_same(whole, done, "resumed");
    } else {
        cJSON *x = cJSON_Parse(whole), *y = cJSON_Parse(done), *item;
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(x, "results"))
            cJSON_DeleteItemFromObject(item, "seconds");
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(y, "results"))
            cJSON_DeleteItemFromObject(item, "seconds");
        ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(y, "results")), 6);
        ck_assert(cJSON_Compare(x, y, true));
        cJSON_Delete(x);
        cJSON_Delete(y);
    }
    free(part);
    free(done);
    free(whole);
    run_remove("part.tsv");
    run_remove("whole.tsv");
    test_files_remove();
}

START_TEST(going_on_keeps_what_is_there_and_ends_as_a_run_that_never_stopped)
{
    resume_adds_what_is_missing("tsv");
    resume_adds_what_is_missing("json");
}
END_TEST

START_TEST(an_interrupted_suite_keeps_complete_sets_and_is_gone_on_with)
{
    for (uint64_t i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%02d", (int)i);
        suite_make_set(name, 200, 20 + i, false);
    }
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "kernel-compare --suite %s --out part.tsv --threads 1",
             suite_path());
    run_result r = run_program(arguments, 0.06);
    ck_assert_msg(r.code == 130 || r.code == 0, "exit %d: %s", r.code, r.err);
    char *part = run_read("part.tsv");
    if (r.code == 130 && part != NULL)
        ck_assert_ptr_nonnull(suite_find_line(part, "# incomplete="));
    free(part);
    ck_assert_uint_le(run_count_files(), 1); /* no temporary is left */
    run_free(&r);
    r = expect(0, "--out part.tsv --resume --quiet");
    run_free(&r);
    r = expect(0, "--out whole.tsv --quiet");
    run_free(&r);
    part = run_read("part.tsv");
    char *whole = run_read("whole.tsv");
    suite_check_same(whole, part, "interrupted");
    free(part);
    free(whole);
    run_remove("part.tsv");
    run_remove("whole.tsv");
    test_files_remove();
}
END_TEST

static size_t count_rows(const char *tsv, const char *kernel)
{
    char field[64];
    size_t count = 0;
    snprintf(field, sizeof field, "\t%s\t", kernel);
    for (const char *at = tsv; (at = strstr(at, field)) != NULL; at++)
        count++;
    return count;
}

/* The folder of a set has gone bad: that must not cost it the rows that an earlier run paid for, even if a kernel
 * is added that cannot run on it. */
static void going_on_loses_no_row(const char *format)
{
    char words[256];
    suite_make_set("a", 40, 50, false);
    suite_make_set("b", 50, 51, false);
    snprintf(words, sizeof words, "--format %s --kernel ntk --out part.tsv --quiet", format);
    run_result r = expect(0, words);
    run_free(&r);
    char *before = run_read("part.tsv");
    test_file("suite/b/conxuntos.dat", "0 1\n2 99\n", 9);

    snprintf(words, sizeof words, "--format %s --kernel ntk --out part.tsv --resume --quiet", format);
    r = expect(0, words); /* all is there: b is not needed */
    run_free(&r);
    char *same = run_read("part.tsv");
    if (strcmp(format, "tsv") == 0)
        ck_assert_str_eq(strstr(same, "\n# seed="), strstr(before, "\n# seed="));
    else
        ck_assert_str_eq(strstr(same, "\"results\""), strstr(before, "\"results\""));

    snprintf(words, sizeof words, "--format %s --kernel gauss --kernel ntk --out part.tsv --resume --quiet",
             format);
    r = expect(1, words);
    ck_assert_ptr_nonnull(strstr(r.err, "kernel-compare: b: "));
    run_free(&r);
    char *after = run_read("part.tsv");
    if (strcmp(format, "tsv") == 0) {
        ck_assert_uint_eq(count_rows(after, "gauss"), 1);
        ck_assert_uint_eq(count_rows(after, "ntk"), 2);
        ck_assert_ptr_nonnull(suite_find_line(after, "# sets=1\n")); /* of the summary */
        ck_assert_ptr_nonnull(suite_find_line(after, "# failed[b]="));
    } else {
        cJSON *tree = cJSON_Parse(after);
        ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "results")), 3);
        ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "failed")), 1);
        cJSON_Delete(tree);
    }
    free(before);
    free(same);
    free(after);
    run_remove("part.tsv");
    test_files_remove();
}

START_TEST(going_on_loses_no_row_of_a_set_that_fails_now)
{
    going_on_loses_no_row("tsv");
    going_on_loses_no_row("json");
}
END_TEST

START_TEST(a_result_of_other_settings_is_not_gone_on_from)
{
    suite_make_set("a", 40, 40, false);
    run_result r = expect(0, "--kernel ntk --kernel gauss --out part.tsv --quiet");
    run_free(&r);
    char *before = run_read("part.tsv");
    expect_complaint(1, "--kernel ntk --kernel gauss --out part.tsv --resume --max-n 100",
                     "made with max_n=5000, not 100");
    expect_complaint(1, "--kernel ntk --kernel gauss --out part.tsv --resume --scale zscore",
                     "made with scale=none");
    expect_complaint(1, "--kernel ntk --out part.tsv --resume", "has results of kernel 'gauss'");
    char *after = run_read("part.tsv");
    ck_assert_str_eq(before, after); /* refused without a scratch */
    free(after);
    char *cut = strdup(before);
    cut[strlen(cut) - 20] = '\0';
    write_part(cut);
    expect_complaint(1, "--kernel ntk --kernel gauss --out part.tsv --resume", "part.tsv: expected");
    write_part("x,y\n1,2\n");
    expect_complaint(1, "--out part.tsv --resume", "is no result of kernel-compare --suite");
    write_part("set\tkernel\tparams\tridge\ttrain\ttest\tgap\tseconds\n");
    expect_complaint(1, "--out part.tsv --resume", "is no result of kernel-compare --suite");
    write_part("{\"results\": 3}\n");
    expect_complaint(1, "--out part.tsv --resume --format json", "is no result of kernel-compare --suite");
    write_part("# ridge_grid=1 times trace(K)/n of the training block\n");
    expect_complaint(1, "--out part.tsv --resume", "made with ridge_grid=1 times");
    char *bad = strdup(before), *row = suite_find_line(bad, "a\tgauss\t");
    row[8] = '\t';
    write_part(bad);
    expect_complaint(1, "--kernel ntk --kernel gauss --out part.tsv --resume",
                     "expected rows as long as its header");
    run_remove("part.tsv");
    free(before);
    free(bad);
    free(cut);
    r = expect(0, "--kernel ntk --out part.tsv --resume --quiet"); /* nothing there yet */
    run_free(&r);
    run_remove("part.tsv");
    test_files_remove();
}
END_TEST

START_TEST(bad_usage_and_bad_folders_are_told)
{
    suite_make_set("a", 40, 41, false);
    expect_complaint(2, "--data wine", "--data");
    expect_complaint(2, "--folds 3", "--folds means nothing with --suite");
    expect_complaint(2, "--ridge 1", "--ridge means nothing with --suite");
    expect_complaint(2, "--bits 1,2", "--bits means nothing with --suite");
    expect_complaint(2, "--limit 5", "--limit");
    expect_complaint(2, "--resume", "file of --out");
    expect_complaint(2, "--resume --out -", "file of --out");
    expect_complaint(1, "--resume --out /dev/full", "goes on from a file");
    expect_complaint(2, "--max-n 0", "--max-n");
    expect_complaint(2, "--kernel K.npy", "belongs to one data set");
    expect_complaint(1, "--out no/such/dir.tsv", "no/such/dir.tsv");
    expect_complaint(1, "--out /dev/full --quiet", "No space left");
    run_result r = run_program("kernel-compare --suite no-such-folder", 0);
    ck_assert_int_eq(r.code, 1);
    ck_assert_ptr_nonnull(strstr(r.err, "kernel-compare: no-such-folder: No such file"));
    run_free(&r);
    test_files_remove();
    test_file("suite/file", "", 0);
    expect_complaint(1, "", "expected a folder for each data set");
    test_file("suite/empty/nothing", "", 0);
    r = expect(1, "--quiet");
    ck_assert_ptr_nonnull(strstr(r.err, "kernel-compare: empty: "));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# failed[empty]="));
    run_free(&r);
    test_files_remove();
}
END_TEST

START_TEST(a_set_whose_kernel_fails_is_told_and_the_others_go_on)
{
    suite_make_set("good", 40, 42, false);
    suite_make_set("same", 8, 43, false);
    FILE *file = suite_open("same", "rows.dat");
    fprintf(file, "\tf1\tf2\tclase\n");
    for (int i = 0; i < 8; i++)
        fprintf(file, "%d\t1\t1\t%d\n", i + 1, i % 3);
    fclose(file);
    run_result r = expect(1, "--kernel gauss --quiet");
    ck_assert_msg(strstr(r.err, "kernel-compare: same: the median distance of all rows is 0") != NULL, "%s",
                  r.err);
    check_row(r.out, "good", "gauss");
    run_free(&r);
    test_files_remove();
}
END_TEST

START_TEST(the_plot_is_a_picture)
{
    suite_make_set("a", 40, 44, false);
    suite_make_set("b", 50, 45, false);
    run_result r = expect(0, "--plot p.png --quiet --out r.tsv");
    char *picture = run_read("p.png");
    ck_assert_ptr_nonnull(picture);
    ck_assert(memcmp(picture, "\x89PNG", 4) == 0);
    free(picture);
    ck_assert_uint_eq(run_count_files(), 2);
    run_remove("p.png");
    run_remove("r.tsv");
    run_free(&r);
    test_files_remove();
}
END_TEST

START_TEST(the_collection_has_sixty_sets)
{
    const char *path = test_shared("datasets/uci");
    if (path == NULL) {
        test_skip("the UCI collection is not there");
        return;
    }
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "kernel-compare --suite %s --max-n 100 --kernel ntk --quiet", path);
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == 0, "exit %d: %s", r.code, r.err);
    size_t skipped = 0;
    for (char *at = r.out; (at = strstr(at, "# skipped[")) != NULL; at++)
        skipped++;
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# sets=4\n")); /* fertility, lenses, lung-cancer, .. SPAN */
    ck_assert_uint_eq(skipped, 56);
    ck_assert_ptr_nonnull(
        suite_find_line(r.out, "# skipped[waveform-noise]=has 5000 rows, above --max-n 100\n"));
    ck_assert_ptr_nonnull(suite_find_line(r.out, "# skipped[wine]=has 178 rows, above --max-n 100\n"));
    ck_assert_ptr_nonnull(
        suite_find_line(r.out, "lenses\tntk\tdepth=1\t100\t0.94444444444444442\t0.79166666666666663\t"));
    run_free(&r);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, rows_are_what_the_library_says_and_a_bad_folder_stops_nothing);
    tcase_add_test(tcase, json_holds_results_summary_and_what_was_skipped);
    tcase_add_test(tcase, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(tcase, going_on_keeps_what_is_there_and_ends_as_a_run_that_never_stopped);
    tcase_add_test(tcase, an_interrupted_suite_keeps_complete_sets_and_is_gone_on_with);
    tcase_add_test(tcase, going_on_loses_no_row_of_a_set_that_fails_now);
    tcase_add_test(tcase, a_result_of_other_settings_is_not_gone_on_from);
    tcase_add_test(tcase, bad_usage_and_bad_folders_are_told);
    tcase_add_test(tcase, a_set_whose_kernel_fails_is_told_and_the_others_go_on);
    tcase_add_test(tcase, the_plot_is_a_picture);
    tcase_add_test(tcase, the_collection_has_sixty_sets);
}

int main(void)
{
    return test_main("compare_suite", add_tests);
}
