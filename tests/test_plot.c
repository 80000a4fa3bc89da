#include "test.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static bool have_gnuplot;

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/qntk-plot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("QNTK_PLOTS", test_source("plots"), 1);
    have_gnuplot = qntk_plot_check("decay", "x.png") == QNTK_OK;
}

static void remove_folder(void)
{
    DIR *directory = opendir(folder);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    ck_assert_int_eq(rmdir(folder), 0);
    unsetenv("QNTK_PLOTS");
}

static int entries(void)
{
    DIR *directory = opendir(folder);
    int count = -2; /* . and .. */
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* The first bytes of a file, and its size. */
static size_t peek(const char *path, char start[64])
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s is not there", path);
    size_t bytes = fread(start, 1, 63, file);
    start[bytes] = '\0';
    fclose(file);
    ck_assert_int_eq(stat(path, &about), 0);
    return (size_t)about.st_size;
}

static const qntk_column data_columns[] = {{"kernel", 0}, {"index", 17},     {"eigenvalue", 17},
                                           {"share", 6},  {"cumulative", 6}, {NULL, 0}};
static const qntk_column sphere_columns[] = {{"kernel", 0},      {"degree", 17}, {"multiplicity", 17},
                                             {"eigenvalue", 17}, {"share", 6},   {"cumulative", 6},
                                             {NULL, 0}};

enum { VALUES = 8000, DEGREES = 200 };

/* A power law that ends in a noise floor and a geometric decay, with a name that quotes everything in reach.
 */
static const char *const names[] = {"ntk:depth=1", "it's {_k} \\ `x` $(y)"};

static void fill(int kernel, bool sphere, size_t count, double *eval)
{
    for (size_t i = 0; i < count; i++) {
        double x = (double)(i + (sphere ? 0 : 1));
        eval[i] = kernel == 0 ? pow(x + (sphere ? 4 : 0), sphere ? -10 : -1.5) : exp(-0.3 * x);
        if (!sphere && eval[i] < 1e-15)
            eval[i] = 0;
        if (sphere && i % 2 == 1 && kernel == 0)
            eval[i] = 0;
    }
}

static void write_spectrum(qntk_file *file, bool sphere)
{
    static double eval[VALUES];
    const size_t count = sphere ? DEGREES + 1 : VALUES;
    qntk_meta meta = {0};
    ck_assert_ok(qntk_meta_text(&meta, "version", qntk_version()));
    ck_assert_ok(qntk_meta_text(&meta, "data", "a_{b}.csv"));
    if (!sphere)
        ck_assert_ok(qntk_meta_count(&meta, "n", VALUES));
    ck_assert_ok(qntk_meta_count(&meta, "d", 10));
    ck_assert_ok(qntk_table_head(file, &meta));
    qntk_meta_free(&meta);
    for (int kernel = 0; kernel < 2; kernel++) {
        qntk_decay_options options = qntk_decay_defaults();
        qntk_decay decay;
        fill(kernel, sphere, count, eval);
        if (sphere) {
            ck_assert_ok(qntk_decay_fit_degrees(count, eval, options, &decay));
        } else {
            options.rows = count;
            options.floor = qntk_decay_floor(count, eval[0], 0x1p-52);
            ck_assert_ok(qntk_decay_fit(count, eval, options, &decay));
        }
        ck_assert_ok(qntk_plot_note(file, names[kernel], &decay));
    }
    const qntk_column *columns = sphere ? sphere_columns : data_columns;
    qntk_table_columns(file, columns);
    for (int kernel = 0; kernel < 2; kernel++) {
        fill(kernel, sphere, count, eval);
        for (size_t i = 0; i < count; i++) {
            qntk_cell cells[6] = {qntk_cell_text(names[kernel]),
                                  qntk_cell_number((double)(sphere ? i : i + 1))};
            cells[sphere ? 3 : 2] = qntk_cell_number(eval[i]);
            qntk_table_row(file, columns, cells);
        }
    }
}

static void make_spectrum(const char *path, bool sphere)
{
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(path, &file));
    write_spectrum(file, sphere);
    ck_assert_ok(qntk_file_commit(&file));
}

START_TEST(pictures_are_drawn_in_each_format_from_data_and_from_the_sphere)
{
    if (!have_gnuplot) {
        test_skip("gnuplot is not installed");
        return;
    }
    const char *const formats[] = {"png", "svg", "pdf"}, *const magic[] = {"\x89PNG", "<?xml", "%PDF"};
    for (int sphere = 0; sphere < 2; sphere++) {
        make_spectrum(in_folder("spectrum.tsv"), sphere);
        for (int f = 0; f < 3; f++) {
            char picture[32], start[64];
            snprintf(picture, sizeof picture, "decay%d.%s", sphere, formats[f]);
            ck_assert_ok(qntk_plot("decay", in_folder("spectrum.tsv"), in_folder(picture)));
            ck_assert_uint_gt(peek(in_folder(picture), start), 10000);
            ck_assert_int_eq(strncmp(start, magic[f], strlen(magic[f])), 0);
        }
    }
    ck_assert_int_eq(entries(), 7);
}
END_TEST

/* What a picture says can be read in SVG. */
START_TEST(the_picture_holds_the_names_the_verdicts_and_the_noise_floor)
{
    if (!have_gnuplot) {
        test_skip("gnuplot is not installed");
        return;
    }
    make_spectrum(in_folder("spectrum.tsv"), false);
    ck_assert_ok(qntk_plot("decay", in_folder("spectrum.tsv"), in_folder("decay.svg")));
    static char text[1 << 20];
    FILE *file = fopen(in_folder("decay.svg"), "r");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    static const char *const expected[] = {
        "a_{b}.csv:  eigenvalues of K/n, n = 8000, d = 10",
        "ntk:depth=1:  power law, exponent 1.5 ±",
        "it's {_k} \\ `x` $(y):  exponential, rate 0.3 ±",
        "noise floor",
        "the fitted law, over its window",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(strstr(text, expected[i]) != NULL, "the picture lacks '%s'", expected[i]);
}
END_TEST

START_TEST(a_table_that_was_never_committed_can_be_drawn)
{
    if (!have_gnuplot) {
        test_skip("gnuplot is not installed");
        return;
    }
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(in_folder("decay.png.tsv"), &file));
    write_spectrum(file, true);
    ck_assert_ok(qntk_file_flush(file));
    ck_assert_ok(qntk_plot("decay", qntk_file_temporary(file), in_folder("decay.png")));
    qntk_file_abort(&file);
    ck_assert_int_eq(entries(), 1);
}
END_TEST

/* Names that gnuplot or a shell would take for something else. */
START_TEST(names_are_never_commands)
{
    if (!have_gnuplot) {
        test_skip("gnuplot is not installed");
        return;
    }
    char before[1024];
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(folder), 0);
    static const char *const tables[] = {"< touch broken", "-",
                                         "a 'b' \"c\" `touch broken` $(touch broken).tsv"};
    static const char *const pictures[] = {"|touch broken .png", "-e.png", "it's \"so\"; touch broken.png"};
    for (int i = 0; i < 3; i++) {
        char start[64];
        make_spectrum(tables[i][0] == '-' ? "./-" : tables[i], true);
        qntk_status status = qntk_plot("decay", tables[i], pictures[i]);
        ck_assert_msg(status == QNTK_OK, "%s: %s", tables[i], qntk_message());
        ck_assert_uint_gt(peek(pictures[i], start), 1000);
    }
    ck_assert_int_ne(access("broken", F_OK), 0);
    ck_assert_int_eq(entries(), 6);
    ck_assert_int_eq(chdir(before), 0);
}
END_TEST

START_TEST(a_missing_gnuplot_is_reported_with_the_command_that_installs_it)
{
    const char *search = getenv("PATH");
    char *path = strdup(search != NULL ? search : "");
    make_spectrum(in_folder("spectrum.tsv"), true);
    put(in_folder("old.png"), "old");
    for (int empty = 0; empty < 2; empty++) {
        setenv("PATH", empty ? "" : folder, 1);
        qntk_status drawn = qntk_plot("decay", in_folder("spectrum.tsv"), in_folder("old.png"));
        char message[256];
        snprintf(message, sizeof message, "%s", qntk_message());
        qntk_status checked = qntk_plot_check("decay", "decay.png");
        setenv("PATH", path, 1);
        ck_assert_int_eq(drawn, QNTK_UNSUPPORTED);
        ck_assert_int_eq(checked, QNTK_UNSUPPORTED);
        ck_assert_str_eq(message, "gnuplot is not installed; on Debian: apt-get install gnuplot-nox");
    }
    free(path);
    char start[64];
    ck_assert_uint_eq(peek(in_folder("old.png"), start), 3);
    ck_assert_int_eq(entries(), 2);
}
END_TEST

START_TEST(what_gnuplot_complains_of_is_passed_on_and_no_picture_appears)
{
    if (!have_gnuplot) {
        test_skip("gnuplot is not installed");
        return;
    }
    char path[256];
    snprintf(path, sizeof path, "%s", in_folder("bad.tsv"));
    static const char *const bad[] = {"", "# n=1\nkernel\tsize\n", "kernel\tindex\teigenvalue\n",
                                      "kernel\tindex\teigenvalue\nntk\t1\t0\n"};
    static const char *const why[] = {"found ''",
                                      "expected a second column 'index' or 'degree', found 'size'",
                                      "no eigenvalues", "no positive eigenvalue"};
    for (int i = 0; i < 4; i++) {
        put(path, bad[i]);
        ck_assert_fails(qntk_plot("decay", path, in_folder("decay.png")), QNTK_IO, why[i]);
        ck_assert_ptr_nonnull(strstr(qntk_message(), "gnuplot: "));
        ck_assert_int_eq(entries(), 1);
    }
}
END_TEST

START_TEST(what_cannot_be_drawn_is_refused_before_anything_is_written)
{
    make_spectrum(in_folder("spectrum.tsv"), true);
    char table[256];
    snprintf(table, sizeof table, "%s", in_folder("spectrum.tsv"));
    ck_assert_fails(qntk_plot("decay", table, "decay.gif"), QNTK_INVALID,
                    "decay.gif: expected a name ending in .png, .svg or .pdf");
    ck_assert_fails(qntk_plot_check("decay", "decay"), QNTK_INVALID, "decay: expected a name");
    ck_assert_fails(qntk_plot("nothing", table, in_folder("x.png")), QNTK_IO, "nothing.gp: not in ");
    ck_assert_fails(qntk_plot("decay", in_folder("missing.tsv"), in_folder("x.png")), QNTK_IO,
                    "missing.tsv: No such file or directory");
    ck_assert_fails(qntk_plot("decay", table, in_folder("missing/x.png")), QNTK_IO,
                    "missing/x.png: No such file or directory");
    setenv("QNTK_PLOTS", folder, 1);
    ck_assert_fails(qntk_plot("decay", table, in_folder("x.png")), QNTK_IO, folder);
    ck_assert_int_eq(entries(), 1);
}
END_TEST

/* The test programs lie in the build directory, two below the source tree. */
START_TEST(the_scripts_are_found_beside_the_program)
{
    unsetenv("QNTK_PLOTS");
    char above[2048];
    ssize_t length = readlink("/proc/self/exe", above, sizeof above - 32);
    ck_assert_int_gt(length, 0);
    above[length] = '\0';
    snprintf(strrchr(above, '/'), 32, "/../../plots/decay.gp");
    if (access(above, R_OK) != 0) {
        test_skip("the build directory is not inside the source tree");
        return;
    }
    qntk_status status = qntk_plot_check("decay", "x.svg");
    ck_assert_msg(status == QNTK_OK || status == QNTK_UNSUPPORTED, "%s", qntk_message());
}
END_TEST

START_TEST(every_allocation_of_a_plot_may_fail)
{
    if (!have_gnuplot) {
        test_skip("gnuplot is not installed");
        return;
    }
    make_spectrum(in_folder("spectrum.tsv"), true);
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_plot("decay", in_folder("spectrum.tsv"), in_folder("decay.svg")));
    long count = qntk_memory_fail_after(-1);
    ck_assert_int_gt(count, 0);
    ck_assert_int_eq(unlink(in_folder("decay.svg")), 0);
    for (long i = 0; i < count; i++) {
        qntk_memory_fail_after(i);
        qntk_status status = qntk_plot("decay", in_folder("spectrum.tsv"), in_folder("decay.svg"));
        qntk_memory_fail_after(-1);
        ck_assert_int_eq(status, QNTK_NO_MEMORY);
        ck_assert_int_eq(entries(), 1);
    }
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(in_folder("note"), &file));
    qntk_decay decay = {0};
    qntk_memory_fail_after(0);
    qntk_status status = qntk_plot_note(file, "ntk", &decay);
    qntk_memory_fail_after(-1);
    qntk_file_abort(&file);
    ck_assert_int_eq(status, QNTK_NO_MEMORY);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, pictures_are_drawn_in_each_format_from_data_and_from_the_sphere);
    tcase_add_test(tcase, the_picture_holds_the_names_the_verdicts_and_the_noise_floor);
    tcase_add_test(tcase, a_table_that_was_never_committed_can_be_drawn);
    tcase_add_test(tcase, names_are_never_commands);
    tcase_add_test(tcase, a_missing_gnuplot_is_reported_with_the_command_that_installs_it);
    tcase_add_test(tcase, what_gnuplot_complains_of_is_passed_on_and_no_picture_appears);
    tcase_add_test(tcase, what_cannot_be_drawn_is_refused_before_anything_is_written);
    tcase_add_test(tcase, the_scripts_are_found_beside_the_program);
    tcase_add_test(tcase, every_allocation_of_a_plot_may_fail);
}

int main(void)
{
    return test_main("plot", add_tests);
}
