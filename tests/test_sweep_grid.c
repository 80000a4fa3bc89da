/* The description of a grid of models. */
#include "sweep_check.h"

#include <string.h>

#include "dataset_memory.h"

static const char several[] = "data = x\nbits = 1 real 2\nrounding = stochastic nearest\nwidth = 8 16 4\n"
                              "depth = 1 3\nseed = 2..4\nlr = 0.1 0.01\n";

/* The description as a grid again. */
static void write_grid(const qntk_meta *meta, char text[4096])
{
    size_t used = 0;
    for (size_t i = 0; i < meta->count; i++)
        used += (size_t)snprintf(text + used, 4096 - used, "%s = %s\n", meta->item[i].key + strlen("axis_"),
                                 meta->item[i].value);
}

static void check_refused(const char *text, const char *message)
{
    qntk_sweep s;
    memset(&s, 1, sizeof s);
    ck_assert_fails(qntk_sweep_parse("grid", text, &s), QNTK_FORMAT, message);
    ck_assert_ptr_null(s.data);
    ck_assert_uint_eq(s.bits, 0);
}

START_TEST(a_grid_says_what_models_differ_in)
{
    qntk_sweep s = sweep_parse("# a comment\n"
                               "data = some file#1.csv   # with a space and a mark in its name\r\n"
                               "\n"
                               "  bits=real 1 ternary 4\t\n"
                               "rounding = nearest stochastic\n"
                               "width = 32 64\n"
                               "seed = 5 1..3\n"
                               "lr = 1e-3 0.01\n"
                               "split = .25\n"
                               "first = real\n"
                               "optimizer = sgd\n"
                               "momentum = 0.9\n"
                               "loss = squared\n"
                               "until_loss = 0.1");
    ck_assert_str_eq(s.data, "some file#1.csv");
    const size_t levels[] = {0, 2, 3, 16}, seeds[] = {5, 1, 2, 3};
    ck_assert_uint_eq(s.bits, 4);
    ck_assert_uint_eq(s.seeds, 4);
    ck_assert(memcmp(s.levels, levels, sizeof levels) == 0);
    ck_assert(memcmp(s.seed, seeds, sizeof seeds) == 0);
    ck_assert_uint_eq(s.roundings, 2);
    ck_assert_uint_eq(s.rounding[0], QNTK_ROUNDING_NEAREST);
    ck_assert_uint_eq(s.widths, 2);
    ck_assert_uint_eq(s.depths, 1);
    ck_assert_uint_eq(s.depth[0], 1);
    ck_assert_double_eq(s.rate[1], 0.01);
    ck_assert_double_eq(s.split, 0.25);
    ck_assert_uint_eq(s.first_real, 1);
    ck_assert_uint_eq(s.last_real, 1);
    ck_assert_uint_eq(s.optimizer, QNTK_OPTIMIZER_SGD);
    ck_assert_double_eq(s.momentum, 0.9);
    ck_assert(qntk_sweep_loss(&s, 3) == QNTK_LOSS_SQUARED);
    ck_assert_double_eq(s.until_loss, 0.1);
    ck_assert_uint_eq(qntk_sweep_count(&s), (1 + 3 * 2) * 2 * 4 * 2); /* real weights know one rounding */
    qntk_sweep_free(&s);
    s = sweep_parse("data=x");
    ck_assert_uint_eq(qntk_sweep_count(&s), 1);
    ck_assert(qntk_sweep_loss(&s, 3) == QNTK_LOSS_CROSS_ENTROPY);
    ck_assert(qntk_sweep_loss(&s, 0) == QNTK_LOSS_SQUARED);
    ck_assert_double_nan(s.until_loss);
    qntk_sweep_free(&s);
}
END_TEST

START_TEST(every_combination_is_one_model_and_the_last_axis_changes_fastest)
{
    qntk_sweep s = sweep_parse(several);
    size_t index = 0, wrong = 0;
    for (size_t b = 0; b < s.bits; b++)
        for (size_t r = 0; r < 2; r++) {
            if (s.levels[b] == 0 && r == 1)
                continue;
            for (size_t w = 0; w < s.widths; w++)
                for (size_t d = 0; d < s.depths; d++)
                    for (size_t k = 0; k < s.seeds; k++)
                        for (size_t l = 0; l < s.rates; l++, index++) {
                            const qntk_sweep_model m = qntk_sweep_at(&s, index);
                            wrong += m.levels != s.levels[b] || m.width != s.width[w] ||
                                     m.depth != s.depth[d] || m.seed != s.seed[k] || m.rate != s.rate[l] ||
                                     (m.levels > 0 && (size_t)m.rounding != s.rounding[r]) ||
                                     qntk_sweep_find(&s, &m) != index;
                        }
        }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(qntk_sweep_count(&s), index);
    ck_assert_uint_eq(index, 5 * 3 * 2 * 3 * 2);
    const qntk_sweep_model model = qntk_sweep_at(&s, 7);
    for (int k = 0; k < 5; k++) { /* one step aside is no model */
        qntk_sweep_model other = model;
        *(k == 0   ? &other.levels
          : k == 1 ? &other.width
          : k == 2 ? &other.depth
                   : &other.seed) += k < 4 ? 100 : 0;
        other.rate += k == 4 ? 1 : 0;
        ck_assert_uint_eq(qntk_sweep_find(&s, &other), index);
    }
    qntk_sweep_free(&s);
}
END_TEST

START_TEST(bits_have_names)
{
    static const char *const names[] = {"real", "1", "1.58", "2", "3", "8", "16"};
    static const size_t levels[] = {0, 2, 3, 4, 8, 256, 65536};
    char name[QNTK_SWEEP_NAME];
    size_t found;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        qntk_sweep_bits_name(levels[i], name);
        ck_assert_str_eq(name, names[i]);
        ck_assert(qntk_sweep_bits_parse(name, &found));
        ck_assert_uint_eq(found, levels[i]);
    }
    ck_assert(qntk_sweep_bits_parse("binary", &found) && found == 2);
    ck_assert(!qntk_sweep_bits_parse("0", &found) && !qntk_sweep_bits_parse("17", &found));
    ck_assert(!qntk_sweep_bits_parse("", &found) && !qntk_sweep_bits_parse("2.5", &found));
    qntk_sweep_model model = {.levels = 0, .rounding = QNTK_ROUNDING_NEAREST};
    ck_assert_str_eq(qntk_sweep_rounding_name(&model), "none");
    model.levels = 2;
    ck_assert_str_eq(qntk_sweep_rounding_name(&model), "nearest");
    model.rounding = QNTK_ROUNDING_STOCHASTIC;
    ck_assert_str_eq(qntk_sweep_rounding_name(&model), "stochastic");
}
END_TEST

START_TEST(the_description_read_again_is_the_same_grid)
{
    char first[4096], second[4096];
    qntk_sweep s =
        sweep_parse("data = a b.csv\nbits = 16 1.58 real\nrounding = nearest stochastic\nseed = 0..3\n"
                    "lr = 0.1 3e-4 0.30000000000000004\nuntil_loss = 0.01\nlimit = 7\nrows = sphere\n"
                    "scale = zscore\nsplit = 0.3\nmissing = drop\nmethod = ste\nb_std = 0.1\nlast = "
                    "rounded\ntarget = -1\n");
    qntk_meta meta = {0}, again = {0};
    ck_assert_ok(qntk_sweep_describe(&s, &meta));
    write_grid(&meta, first);
    ck_assert_ptr_nonnull(strstr(first, "lr = 0.1 0.0003 0.30000000000000004\n"));
    ck_assert_ptr_nonnull(strstr(first, "bits = 16 1.58 real\n"));
    ck_assert_ptr_nonnull(strstr(first, "epochs = 100\n"));
    ck_assert_ptr_null(strstr(first, "labels"));
    for (size_t i = 0; i < meta.count; i++)
        ck_assert(strncmp(meta.item[i].key, i < 8 || i > 13 ? "grid_" : "axis_", 5) == 0);
    qntk_sweep_free(&s);
    s = sweep_parse(first);
    ck_assert_ok(qntk_sweep_describe(&s, &again));
    write_grid(&again, second);
    ck_assert_str_eq(first, second);
    qntk_meta_free(&meta);
    qntk_meta_free(&again);
    qntk_sweep_free(&s);
}
END_TEST

START_TEST(the_help_names_every_key_once_and_what_it_is_without_a_word)
{
    const char *help = qntk_sweep_help();
    ck_assert_ptr_nonnull(strstr(help, "  bits = real|B .. "));
    ck_assert_ptr_nonnull(strstr(help, "[stochastic]\n"));
    ck_assert_ptr_nonnull(strstr(help, "passes over the training rows, at most [100]\n"));
    for (const char *line = help; *line != '\0'; line += strcspn(line, "\n") + 1)
        ck_assert_msg(strcspn(line, "\n") <= 110, "%s", line);
}
END_TEST

START_TEST(an_error_names_file_line_and_what_was_expected)
{
    check_refused("data = x\nbitz = 2\n", "grid:2: unknown key 'bitz'");
    check_refused("data = x\n\n# no\nbits 2", "grid:4: expected 'key = value ..', found 'bits 2'");
    check_refused("data = x\nseed = 1\nlr = 1\nseed = 2\n", "grid:4: key 'seed' is in line 2 already");
    check_refused("data = x\nbits =   # 1 2\n", "grid:2: expected a value of 'bits', found none");
    check_refused("data = x\nbits = 1 17", "grid:2: bits: expected real, 1, 1.58 or 2 to 16, found '17'");
    check_refused("data = x\nbits = 1 2 binary",
                  "grid:2: bits: expected different values, found 'binary' twice");
    check_refused("data = x\nrounding = nearest up",
                  "grid:2: rounding: expected stochastic|nearest, found 'up'");
    check_refused("data = x\nrounding = near", "found 'near'");
    check_refused("data = x\nwidth = 0",
                  "grid:2: width: expected a whole number from 1 to 1.04858e+06 or a range A..B, found '0'");
    check_refused("data = x\nwidth = 3.5", "found '3.5'");
    check_refused("data = x\nwidth = -3", "found '-3'");
    check_refused("data = x\nseed = 5..3", "found '5..3'");
    check_refused("data = x\nseed = 5..", "found '5..'");
    check_refused("data = x\nseed = 1..3 2", "grid:2: seed: expected different values, found '2' twice");
    check_refused("data = x\nseed = 0..256", "grid:2: seed: expected at most 256 values");
    check_refused("data = x\nepochs = 3 4", "grid:2: expected one value of 'epochs', found more");
    check_refused("data = x\nepochs = 3..4",
                  "grid:2: epochs: expected a whole number from 1 to 1e+09, found '3..4'");
    check_refused("data = x\nlr = 0.1 0", "grid:2: lr: expected a number from 1e-12 to 1e+12, found '0'");
    check_refused("data = x\nlr = 0.1 nan", "found 'nan'");
    check_refused("data = x\nlr = 0.1 1e-1", "grid:2: lr: expected different values, found '1e-1' twice");
    check_refused("data = x\nmomentum = 0.5", "grid:2: 'momentum' means nothing without 'optimizer = sgd'");
    check_refused("data = x\nsplit = 0.5\nfold = 2", "grid:3: 'fold' means nothing with 'split'");
    check_refused("bits = 2\n", "grid: expected a line 'data = SPEC', found none");
    check_refused("", "grid: expected a line 'data = SPEC', found none");
    qntk_sweep s;
    ck_assert_fails(qntk_sweep_parse(NULL, "", &s), QNTK_INVALID, "NULL");
    ck_assert_fails(qntk_sweep_parse("grid", NULL, &s), QNTK_INVALID, "NULL");
}
END_TEST

START_TEST(a_file_is_read_and_a_bad_one_is_named)
{
    qntk_sweep s;
    ck_assert_ok(qntk_sweep_read(test_file("a.grid", "data = x\nwidth = 7\n", 19), &s));
    ck_assert_uint_eq(s.width[0], 7);
    qntk_sweep_free(&s);
    ck_assert_fails(qntk_sweep_read(test_file("b.grid", "data = x\nwidth = a\n", 19), &s), QNTK_FORMAT,
                    "b.grid:2: ");
    ck_assert_fails(qntk_sweep_read(test_file("c.grid", "data = x\0\n", 10), &s), QNTK_FORMAT, "c.grid");
    ck_assert_fails(qntk_sweep_read(test_file_path("d.grid"), &s), QNTK_IO, "d.grid");
    char *large = calloc(1, (1 << 20) + 1);
    memset(large, '\n', (1 << 20) + 1);
    ck_assert_fails(qntk_sweep_read(test_file("e.grid", large, (1 << 20) + 1), &s), QNTK_FORMAT,
                    "at most 1 MiB");
    free(large);
    test_files_remove();
    ck_assert_ok(qntk_sweep_read(test_source("data/sweep.grid"), &s)); /* ours */
    ck_assert_uint_eq(qntk_sweep_count(&s), 108);
    qntk_sweep_free(&s);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_grid_says_what_models_differ_in);
    tcase_add_test(tcase, every_combination_is_one_model_and_the_last_axis_changes_fastest);
    tcase_add_test(tcase, bits_have_names);
    tcase_add_test(tcase, the_description_read_again_is_the_same_grid);
    tcase_add_test(tcase, the_help_names_every_key_once_and_what_it_is_without_a_word);
    tcase_add_test(tcase, an_error_names_file_line_and_what_was_expected);
    tcase_add_test(tcase, a_file_is_read_and_a_bad_one_is_named);
}

int main(void)
{
    return test_main("sweep_grid", add_tests);
}
