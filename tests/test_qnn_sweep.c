/* qnn noise --sweep, run as its users run it. */
#include "run.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LINES_MAX = 400, FIELDS_MAX = 64, HEAD_LINES = 34 };

static void write_file(const char *name, const char *text)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", run_directory(), name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static run_result expect(int code, const char *words)
{
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "qnn noise --sweep %s", words);
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == code, "%s: exit %d, expected %d; it said: %s", arguments, r.code, code, r.err);
    return r;
}

static void expect_complaint(int code, const char *words, const char *text)
{
    run_result r = expect(code, words);
    ck_assert_msg(strncmp(r.err, "qnn noise --sweep: ", 19) == 0 && strstr(r.err, text) != NULL,
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

static void check_same_file(const char *name, const char *expected, const char *what)
{
    char *text = run_read(name);
    ck_assert_msg(text != NULL, "%s: %s is not there", what, name);
    ck_assert_msg(strcmp(text, expected) == 0, "%s: %s differs", what, name);
    free(text);
}

/* ---- reading a TSV back ---- */

typedef struct {
    char *text;
    size_t rows, cells;
    char *head[FIELDS_MAX], *cell[LINES_MAX][FIELDS_MAX];
} table;

static size_t split(char *line, char **field)
{
    size_t count = 0;
    for (char *at = line; at != NULL && count < FIELDS_MAX; count++) {
        field[count] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    return count;
}

/* The rows of a copy of the text. */
static table read_table(const char *text)
{
    table t = {.text = strdup(text)};
    bool header = true;
    for (char *line = t.text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (line[0] == '#')
            continue;
        const size_t count = split(line, header ? t.head : t.cell[t.rows]);
        ck_assert(header || count == t.cells);
        t.cells = count;
        t.rows += !header;
        header = false;
        ck_assert_uint_lt(t.rows, LINES_MAX);
    }
    return t;
}

static const char *cell(const table *t, size_t row, const char *column)
{
    for (size_t c = 0; c < t->cells; c++)
        if (strcmp(t->head[c], column) == 0)
            return t->cell[row][c];
    ck_abort_msg("no column %s", column);
    return NULL;
}

static double number(const table *t, size_t row, const char *column)
{
    char *end;
    const char *text = cell(t, row, column);
    const double value = strtod(text, &end);
    ck_assert_msg(*end == '\0' && end != text, "%s: '%s' is no number", column, text);
    return value;
}

/* ---- what it computes ---- */

static const char small_grid[] =
    "data = teacher:n=150,d=4,width=8\nbits = real 1 1.58 3\nrounding = stochastic nearest\n"
    "width = 6 12\nseed = 0 5\nepochs = 8\nbatch = 20\nlr = 0.02\nrepeats = 2\ndraws = 2\n";
enum { SMALL_MODELS = (1 + 3 * 2) * 2 * 2 };

/* The last epoch of qnn train: the same training by another program. */
static void check_against_train(const table *t, size_t row)
{
    static const char *const weights[] = {"real", "binary", "ternary", "bits=3"};
    static const char *const bits[] = {"real", "1", "1.58", "3"};
    size_t k = 0;
    while (strcmp(bits[k], cell(t, row, "bits")) != 0)
        k++;
    char arguments[512];
    snprintf(arguments, sizeof arguments,
             "qnn train --data teacher:n=150,d=4,width=8 --hidden %s --weights %s --rounding %s --lr 0.02 "
             "--epochs 8 "
             "--batch 20 --seed 0",
             cell(t, row, "width"), weights[k], k == 0 ? "nearest" : cell(t, row, "rounding"));
    run_result r = run_program(arguments, 0);
    ck_assert_msg(r.code == 0, "%s", r.err);
    const table log = read_table(r.out);
    ck_assert_uint_eq(log.rows, 8);
    ck_assert_str_eq(cell(&log, 7, "loss"), cell(t, row, "loss"));
    ck_assert_double_eq(number(&log, 7, "train"), number(t, row, "train"));
    ck_assert_double_eq(number(&log, 7, "test"), number(t, row, "test"));
    ck_assert_close(number(&log, 7, "gap"), number(t, row, "gap"), 1e-15, 1);
    free(log.text);
    run_free(&r);
}

START_TEST(rows_are_in_grid_order_and_what_qnn_train_computes)
{
    write_file("s.grid", small_grid);
    run_result r = expect(0, "s.grid");
    const table t = read_table(r.out);
    ck_assert_uint_eq(t.rows, SMALL_MODELS);
    size_t row = 0, wrong = 0;
    static const char *const bits[] = {"real", "1", "1.58", "3"}, *const rounding[] = {"stochastic",
                                                                                       "nearest"};
    for (size_t b = 0; b < 4; b++)
        for (size_t q = 0; q < (b == 0 ? 1 : 2); q++)
            for (size_t w = 6; w <= 12; w += 6)
                for (size_t s = 0; s <= 5; s += 5, row++)
                    wrong += number(&t, row, "model") != (double)row + 1 ||
                             strcmp(cell(&t, row, "bits"), bits[b]) != 0 ||
                             strcmp(cell(&t, row, "rounding"), b == 0 ? "none" : rounding[q]) != 0 ||
                             number(&t, row, "width") != (double)w || number(&t, row, "seed") != (double)s ||
                             strcmp(cell(&t, row, "status"), "ok") != 0 || number(&t, row, "epochs") != 8 ||
                             !(number(&t, row, "norm") > 0) || !(number(&t, row, "distance") > 0);
    ck_assert_uint_eq(wrong, 0);
    for (row = 0; row < SMALL_MODELS; row += 6) /* each sixth, all of seed 0 */
        check_against_train(&t, row);
    ck_assert_ptr_nonnull(strstr(r.out, "# axis_width=6 12\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# command=qnn noise --sweep s.grid --resamples 1000 --seed 0\n"));
    ck_assert_ptr_nonnull(strstr(r.err, "28 models, 28 ok\n"));
    ck_assert_ptr_nonnull(strstr(r.err, "1.58 n"));
    free(t.text);
    run_free(&r);
}
END_TEST

static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(item != NULL, "no member %s", key);
    return item;
}

/* The correlation of JSON against the rows of the table, by the library. */
static void check_correlation(const cJSON *item, const table *t)
{
    const char *measure = member(item, "measure")->valuestring, *bits = member(item, "bits")->valuestring;
    const char *rounding = member(item, "rounding")->valuestring;
    const bool all = strcmp(bits, "all") == 0;
    double x[LINES_MAX], y[LINES_MAX];
    size_t used = 0;
    for (size_t i = 0; i < t->rows; i++)
        if (all || (strcmp(bits, cell(t, i, "bits")) == 0 && strcmp(rounding, cell(t, i, "rounding")) == 0)) {
            x[used] = number(t, i, measure);
            y[used++] = number(t, i, "gap");
        }
    qntk_kendall kendall;
    qntk_interval interval;
    ck_assert_ok(qntk_compare_kendall(used, x, y, &kendall));
    ck_assert_ok(qntk_compare_kendall_interval(used, x, y, 50, 0.95, 2, &interval));
    ck_assert_double_eq(member(item, "n")->valuedouble, (double)kendall.used);
    const double found[] = {kendall.tau, kendall.p, interval.low, interval.high};
    static const char *const keys[] = {"tau", "p", "low", "high"};
    for (size_t k = 0; k < 4; k++) {
        ck_assert(cJSON_IsNull(member(item, keys[k])) == isnan(found[k]));
        if (!isnan(found[k]))
            ck_assert_double_eq(member(item, keys[k])->valuedouble, found[k]);
    }
}

START_TEST(json_has_the_models_of_the_table_and_their_correlations)
{
    write_file("s.grid", small_grid);
    run_result r = expect(0, "s.grid --seed 2 --resamples 50 --quiet");
    run_result s = expect(0, "s.grid --seed 2 --resamples 50 --quiet --format json");
    ck_assert_str_eq(s.err, "");
    const table t = read_table(r.out);
    cJSON *tree = cJSON_Parse(s.out);
    const cJSON *models = member(tree, "models"), *correlation = member(tree, "correlation"), *item;
    ck_assert_int_eq(cJSON_GetArraySize(models), SMALL_MODELS);
    for (size_t i = 0; i < SMALL_MODELS; i++)
        for (size_t c = 0; c < t.cells; c++) {
            item = member(cJSON_GetArrayItem(models, (int)i), t.head[c]);
            if (cJSON_IsString(item))
                ck_assert_str_eq(item->valuestring, t.cell[i][c]);
            else if (cJSON_IsNull(item))
                ck_assert_str_eq(t.cell[i][c], "nan");
            else
                ck_assert_double_eq(item->valuedouble, number(&t, i, t.head[c]));
        }
    ck_assert_int_eq(cJSON_GetArraySize(correlation), (1 + 7) * QNTK_MEASURES);
    cJSON_ArrayForEach(item, correlation) check_correlation(item, &t);
    cJSON_Delete(tree);
    free(t.text);
    run_free(&r);
    run_free(&s);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    write_file("s.grid", small_grid);
    run_result r = expect(0, "s.grid --threads 1");
    run_result s = expect(0, "s.grid --threads 3");
    ck_assert_str_eq(r.out, s.out);
    ck_assert_str_eq(r.err, s.err);
    run_free(&r);
    run_free(&s);
}
END_TEST

/* ---- going on ---- */

/* Models that take some 50 ms each. */
static const char long_grid[] =
    "data = teacher:n=200,d=5,width=8\nbits = 1 4\nrounding = stochastic nearest\nwidth = 32\n"
    "seed = 1..5\nepochs = 150\nbatch = 20\nrepeats = 1\ndraws = 2\n";

START_TEST(a_killed_sweep_goes_on_to_the_same_bytes)
{
    write_file("l.grid", long_grid);
    run_quietly("l.grid --out whole.tsv --quiet");
    char *whole = run_read("whole.tsv");
    run_result r =
        run_watched("qnn noise --sweep l.grid --out k.tsv --quiet", "k.tsv.part", HEAD_LINES + 4, SIGKILL);
    ck_assert_int_eq(r.code, 128 + SIGKILL);
    run_free(&r);
    ck_assert_ptr_null(run_read("k.tsv"));
    char *part = run_read("k.tsv.part");
    const table t = read_table(part);
    ck_assert_uint_ge(t.rows, 1);
    ck_assert_uint_lt(t.rows, 20);
    free(t.text);
    expect_complaint(1, "l.grid --out k.tsv",
                     "k.tsv.part: holds models of a run that did not end; go on with --resume");
    check_same_file("k.tsv.part", part, "refused"); /* nothing is lost by asking */
    free(part);
    run_quietly("l.grid --out k.tsv --quiet --resume --threads 1");
    check_same_file("k.tsv", whole, "gone on");
    ck_assert_ptr_null(run_read("k.tsv.part"));
    free(whole);
    run_remove("k.tsv");
    run_remove("whole.tsv");
}
END_TEST

START_TEST(two_runs_do_not_write_one_file)
{
    char path[4200];
    write_file("s.grid", small_grid);
    write_file("r.tsv.part", "");
    snprintf(path, sizeof path, "%s/r.tsv.part", run_directory());
    const int other = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    expect_complaint(1, "s.grid --out r.tsv --resume", "r.tsv.part: another run is writing it");
    close(other);
    run_quietly("s.grid --out r.tsv --resume --quiet");
    run_remove("r.tsv");
}
END_TEST

START_TEST(an_interrupted_sweep_says_how_to_go_on_and_does_to_json_too)
{
    write_file("l.grid", long_grid);
    run_quietly("l.grid --out whole.json --quiet --format json");
    char *whole = run_read("whole.json");
    run_result r = run_watched("qnn noise --sweep l.grid --out k.json --format json", "k.json.part",
                               HEAD_LINES + 4, SIGINT);
    ck_assert_int_eq(r.code, 128 + SIGINT);
    ck_assert_msg(strstr(r.err, "qnn noise --sweep: interrupted; ") != NULL &&
                      strstr(r.err, " of 20 models are complete and in k.json.part; go on with --resume\n") !=
                          NULL,
                  "it said: %s", r.err);
    run_free(&r);
    ck_assert_ptr_null(run_read("k.json"));
    run_quietly("l.grid --out k.json --format json --quiet --resume");
    check_same_file("k.json", whole, "gone on");
    run_quietly("l.grid --out k.json --format json --quiet --resume"); /* all is there */
    check_same_file("k.json", whole, "again");
    free(whole);
    run_remove("k.json");
    run_remove("whole.json");
}
END_TEST

/* The first `count` lines of a text that are no correlation, and `more`: what a killed run leaves. */
static char *cut(const char *text, size_t count, const char *more)
{
    char *out = malloc(strlen(text) + strlen(more) + 1);
    size_t used = 0;
    for (const char *line = text; count > 0; line += strcspn(line, "\n") + 1) {
        const size_t length = strcspn(line, "\n") + 1;
        if (strncmp(line, "# correlation", 13) == 0)
            continue;
        memcpy(out + used, line, length);
        used += length;
        count--;
    }
    memcpy(out + used, more, strlen(more) + 1);
    return out;
}

/* Where "\told" stands in a text, with `new` in its place. */
static char *replaced(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    ck_assert_msg(at != NULL, "no '%s'", old);
    char *out = malloc(strlen(text) + strlen(new) + 1);
    sprintf(out, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    return out;
}

START_TEST(rows_that_are_there_are_kept_and_a_torn_one_is_made_again)
{
    write_file("s.grid", small_grid);
    run_quietly("s.grid --out r.tsv --quiet");
    char *whole = run_read("r.tsv");
    char *part = cut(whole, HEAD_LINES + 3, "4\treal\tnone\t12\t1\t5\t0.0");
    ck_assert_ptr_nonnull(strstr(part, "\n3\treal\tnone\t12\t1\t0\t0.02"));
    write_file("r.tsv.part", part);
    run_remove("r.tsv");
    run_quietly("s.grid --out r.tsv --quiet --resume");
    check_same_file("r.tsv", whole, "gone on");
    const table t =
        read_table(whole); /* a row of numbers that no training gives is kept: it is not trained again */
    char from[64], to[64];
    snprintf(from, sizeof from, "\t%s\t%s\t", cell(&t, 1, "epochs"), cell(&t, 1, "loss"));
    snprintf(to, sizeof to, "\t%s\t0.125\t", cell(&t, 1, "epochs"));
    char *second = strstr(part, cell(&t, 1, "loss"));
    ck_assert_ptr_nonnull(second);
    char *changed = replaced(part, cell(&t, 1, "loss"), "0.125");
    write_file("r.tsv.part", changed);
    run_remove("r.tsv");
    run_quietly("s.grid --out r.tsv --quiet --resume");
    char *kept = run_read("r.tsv");
    ck_assert_ptr_nonnull(strstr(kept, "\t0.125\t"));
    free(kept);
    free(changed);
    free(t.text);
    free(part);
    free(whole);
    run_remove("r.tsv");
}
END_TEST

START_TEST(a_grid_may_grow)
{
    static const char start[] = "data = teacher:n=100,d=4,width=8\nwidth = 6\nepochs = 4\nseed = 1 2\n";
    static const char grown[] =
        "data = teacher:n=100,d=4,width=8\nwidth = 8 6\nepochs = 4\nseed = 0..3\nbits = 2 1\n";
    write_file("g.grid", grown);
    run_quietly("g.grid --out fresh.tsv --quiet");
    char *fresh = run_read("fresh.tsv");
    write_file("g.grid", start);
    run_quietly("g.grid --out r.tsv --quiet");
    write_file("g.grid", grown);
    run_quietly("g.grid --out r.tsv --quiet --resume");
    check_same_file("r.tsv", fresh, "grown");
    write_file("g.grid", start); /* and back: models would be lost */
    expect_complaint(1, "g.grid --out r.tsv --resume",
                     "r.tsv: has a model (bits 2, rounding stochastic, width 8");
    check_same_file("r.tsv", fresh, "refused");
    ck_assert_ptr_null(run_read("r.tsv.part"));
    free(fresh);
    run_remove("r.tsv");
    run_remove("fresh.tsv");
}
END_TEST

START_TEST(a_result_of_other_settings_is_not_gone_on_from)
{
    static const char usual[] = "data = teacher:n=60,d=3,width=4\nwidth = 4\nepochs = 2\nseed = 1 2\n";
    write_file("g.grid", usual);
    run_quietly("g.grid --out r.tsv --quiet");
    char *whole = run_read("r.tsv");
    write_file("g.grid", "data = teacher:n=60,d=3,width=4\nwidth = 4\nepochs = 3\nseed = 1 2\n");
    expect_complaint(1, "g.grid --out r.tsv --resume",
                     "r.tsv: made with grid_epochs=2, not 3; write elsewhere");
    write_file("g.grid", usual);
    expect_complaint(1, "g.grid --out r.tsv --resume --seed 1", "r.tsv: made with seed=0, not 1");
    expect_complaint(1, "g.grid --out r.tsv --resume --format json", "in the --format asked for");
    static const char *const bad[][3] = {
        {"\tok\t", "\tgood\t", "expected a status"},
        {"\tok\t2\t", "\tok\ttwo\t", "expected numbers in its rows"},
        {"\tok\t2\t", "\tok\t", "as long as its header"},
        {"\tok\t2\t", "\tok\t-2\t", "expected sizes"},
        {"# grid_epochs=2\n", "", "is no result"},
        {"model\tbits", "model\tbit", "is no result"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char *changed = replaced(whole, bad[k][0], bad[k][1]);
        write_file("r.tsv", changed);
        expect_complaint(1, "g.grid --out r.tsv --resume", bad[k][2]);
        check_same_file("r.tsv", changed, bad[k][2]);
        free(changed);
    }
    write_file("r.tsv", ""); /* an empty file holds nothing: as from the start */
    run_quietly("g.grid --out r.tsv --resume --quiet");
    check_same_file("r.tsv", whole, "empty");
    free(whole);
    run_remove("r.tsv");
}
END_TEST

/* ---- bad usage, bad grids, what diverges ---- */

START_TEST(bad_usage_and_bad_grids_are_told)
{
    write_file("s.grid", small_grid);
    write_file("bad.grid", "data = x.csv\nbits = 99\n");
    write_file("absent.grid", "data = x.csv\n");
    write_file("numbers.grid", "data = friedman1:n=50\nloss = squared-hinge\n");
    expect_complaint(2, "s.grid --resume", "--resume means nothing without --out");
    expect_complaint(2, "s.grid --resume --out -", "give its name");
    expect_complaint(2, "s.grid --bits 3", "unrecognized option");
    expect_complaint(2, "s.grid --resamples 0", "--resamples: expected a whole number from 1");
    expect_complaint(2, "s.grid --out s.grid", "the same file");
    expect_complaint(1, "bad.grid", "bad.grid:2: bits: expected real, 1, 1.58 or 2 to 16, found '99'");
    expect_complaint(1, "none.grid", "none.grid: No such file");
    expect_complaint(1, "absent.grid", "x.csv");
    expect_complaint(1, "numbers.grid", "loss = squared is the one for it");
    expect_complaint(1, "s.grid --out no/such/place.tsv", "no/such/place.tsv");
    run_result r = expect(0, "--help");
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: qnn noise --sweep FILE [options]\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "  until_loss = X "));
    run_free(&r);
}
END_TEST

START_TEST(a_training_that_diverges_is_a_row_and_stays_out_of_correlations)
{
    write_file("d.grid",
               "data = friedman1:n=60\nbits = real\nwidth = 8\nepochs = 20\nlr = 1e9 0.01\nseed = 1..3\n");
    run_result r = expect(0, "d.grid");
    const table t = read_table(r.out);
    ck_assert_uint_eq(t.rows, 6);
    size_t diverged = 0;
    for (size_t i = 0; i < t.rows; i++) {
        const bool large = number(&t, i, "lr") > 1;
        ck_assert_str_eq(cell(&t, i, "status"), large ? "diverged" : "ok");
        ck_assert(isnan(number(&t, i, "gap")) == large);
        ck_assert(isnan(number(&t, i, "norm")) == large);
        diverged += large;
    }
    ck_assert_uint_eq(diverged, 3);
    ck_assert_ptr_nonnull(strstr(r.err, "6 models, 3 ok, 3 diverged\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# correlation[norm,all,all]=n=3 "));
    ck_assert_ptr_nonnull(
        strstr(r.out, "# correlation[margin,all,all]=n=0 tau=nan low=nan high=nan p=nan\n"));
    write_file("r.tsv.part", r.out); /* rows without numbers are read back too */
    run_quietly("d.grid --out r.tsv --resume --quiet");
    check_same_file("r.tsv", r.out, "gone on");
    run_remove("r.tsv");
    free(t.text);
    run_free(&r);
}
END_TEST

START_TEST(the_plot_is_a_picture)
{
    write_file("s.grid", small_grid);
    run_quietly("s.grid --plot p.png --quiet --out r.tsv");
    char *picture = run_read("p.png");
    ck_assert_ptr_nonnull(picture);
    ck_assert(memcmp(picture, "\x89PNG", 4) == 0);
    free(picture);
    run_remove("p.png");
    run_remove("r.tsv");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, rows_are_in_grid_order_and_what_qnn_train_computes);
    tcase_add_test(tcase, json_has_the_models_of_the_table_and_their_correlations);
    tcase_add_test(tcase, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(tcase, a_killed_sweep_goes_on_to_the_same_bytes);
    tcase_add_test(tcase, two_runs_do_not_write_one_file);
    tcase_add_test(tcase, an_interrupted_sweep_says_how_to_go_on_and_does_to_json_too);
    tcase_add_test(tcase, rows_that_are_there_are_kept_and_a_torn_one_is_made_again);
    tcase_add_test(tcase, a_grid_may_grow);
    tcase_add_test(tcase, a_result_of_other_settings_is_not_gone_on_from);
    tcase_add_test(tcase, bad_usage_and_bad_grids_are_told);
    tcase_add_test(tcase, a_training_that_diverges_is_a_row_and_stays_out_of_correlations);
    tcase_add_test(tcase, the_plot_is_a_picture);
}

int main(void)
{
    return test_main("qnn_sweep", add_tests);
}
