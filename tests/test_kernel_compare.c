#include "run.h"

#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

/* Runs and expects this exit code; the caller frees. */
static run_result expect(int code, const char *arguments)
{
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d; it said: %s", arguments, r.code, code, r.err);
    return r;
}

/* Runs, expects the code, silence on standard output and one line of complaint with this text (usage errors:
 * two). */
static void expect_complaint(int code, const char *arguments, const char *text)
{
    run_result r = expect(code, arguments);
    size_t lines = 0;
    for (const char *at = r.err; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_msg(strncmp(r.err, "kernel-compare: ", 16) == 0, "%s: it said: %s", arguments, r.err);
    ck_assert_msg(strstr(r.err, text) != NULL, "%s: expected '%s' in: %s", arguments, text, r.err);
    ck_assert_msg(lines == (code == 2 ? 2 : 1), "%s: %zu lines: %s", arguments, lines, r.err);
    ck_assert_msg(r.out[0] == '\0', "%s: wrote to standard output", arguments);
    run_free(&r);
}

/* The field under `column` in the row of `kernel` of a TSV, as text in a static buffer. */
static const char *field(const char *tsv, const char *kernel, const char *column)
{
    static char text[256];
    const char *head = strncmp(tsv, "kernel\t", 7) == 0 ? tsv : strstr(tsv, "\nkernel\t");
    ck_assert_ptr_nonnull(head);
    head += *head == '\n';
    const char *row = head;
    const size_t length = strlen(kernel);
    while (row != NULL && !(strncmp(row, kernel, length) == 0 && row[length] == '\t'))
        row = strchr(row, '\n'), row += row != NULL;
    ck_assert_msg(row != NULL, "no row %s in %s", kernel, tsv);
    for (;;) {
        const size_t name = strcspn(head, "\t\n"), value = strcspn(row, "\t\n");
        if (strlen(column) == name && strncmp(head, column, name) == 0) {
            snprintf(text, sizeof text, "%.*s", (int)value, row);
            return text;
        }
        ck_assert_msg(head[name] == '\t' && row[value] == '\t', "no column %s in %s", column, tsv);
        head += name + 1;
        row += value + 1;
    }
}

static double number(const char *tsv, const char *kernel, const char *column)
{
    char *end;
    const char *text = field(tsv, kernel, column);
    const double value = strtod(text, &end);
    ck_assert_msg(end != text && *end == '\0', "%s of %s is no number: %s", column, kernel, text);
    return value;
}

START_TEST(help_and_version_go_to_standard_output)
{
    run_result r = expect(0, "kernel-compare --help");
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: kernel-compare"));
    ck_assert_ptr_nonnull(strstr(r.out, "Examples:"));
    ck_assert_str_eq(r.err, "");
    run_free(&r);
    r = expect(0, "kernel-compare --version");
    ck_assert_ptr_nonnull(strstr(r.out, qntk_version()));
    run_free(&r);
}
END_TEST

START_TEST(bad_usage_exits_with_2)
{
    expect_complaint(2, "kernel-compare", "give --data");
    expect_complaint(2, "kernel-compare --data spirals --folds 1", "from 2");
    const char *ridges[] = {"-1",    "nan",   "inf",   "1,",      ",1",       "1,,2", "1:2",
                            "0:1:3", "2:1:3", "1:2:1", "1:2:2.5", "1:2:1001", "1;2",  "autox"};
    for (size_t i = 0; i < sizeof ridges / sizeof *ridges; i++) {
        char command[128];
        snprintf(command, sizeof command, "kernel-compare --data spirals --ridge %s", ridges[i]);
        expect_complaint(2, command, "--ridge: expected");
    }
}
END_TEST

START_TEST(the_table_describes_itself)
{
    run_result r = expect(0, "kernel-compare --data spirals:n=120 --kernel qntk --kernel gauss --seed 7");
    ck_assert_ptr_nonnull(strstr(r.out, "# seed=7\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# n=120\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# classes=2\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# protocol=4 folds, stratified\n"));
    const double train = number(r.out, "gauss", "train"), test = number(r.out, "gauss", "test");
    ck_assert_close(number(r.out, "gauss", "gap"), train - test, 1e-15, 1);
    ck_assert(train >= 0 && train <= 1 && test >= 0 && test <= 1);
    ck_assert(number(r.out, "qntk", "ridge") > 0);
    ck_assert_relative(number(r.out, "qntk", "gcv"), number(r.out, "qntk", "kare"), 1e-9);
    ck_assert_ptr_nonnull(strstr(r.err, "qntk"));
    run_free(&r);
}
END_TEST

START_TEST(a_plot_is_drawn)
{
    run_result r =
        expect(0, "kernel-compare --data friedman1:n=60 --kernel ntk --kernel gauss --plot c.png --quiet");
    char *png = run_read("c.png");
    ck_assert_ptr_nonnull(png);
    ck_assert_int_eq(memcmp(png, "\x89PNG", 4), 0);
    free(png);
    run_free(&r);
    run_remove("c.png");
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, help_and_version_go_to_standard_output);
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, the_table_describes_itself);
    tcase_add_test(tcase, a_plot_is_drawn);
}

int main(void)
{
    return test_main("kernel_compare", add_tests);
}
