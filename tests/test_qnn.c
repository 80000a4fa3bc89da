#include "run.h"

#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

/* Two classes apart in the first of three features, named or not. */
static void write_clouds(const char *name, size_t rows, const char *header, const char *const label[2])
{
    char *text = malloc(rows * 80 + 200);
    size_t used = (size_t)sprintf(text, "%s", header);
    qntk_rng rng = qntk_rng_create(rows, 0);
    for (size_t i = 0; i < rows; i++) {
        double a = qntk_rng_normal(&rng) + (i % 2 == 0 ? 5 : -5), b = qntk_rng_normal(&rng);
        double c = qntk_rng_normal(&rng);
        used += (size_t)sprintf(text + used, "%.6f,%.6f,%.6f,%s\n", a, b, c, label[i % 2]);
    }
    run_write(name, text);
    free(text);
}

static const char *const cats[] = {"cat", "dog"};

/* The value of a column in the last row of a TSV. */
static double last(const char *tsv, const char *column)
{
    const char *head = tsv;
    while (head[0] == '#')
        head = strchr(head, '\n') + 1;
    const char *row = tsv + strlen(tsv) - 1;
    while (row > tsv && row[-1] != '\n')
        row--;
    for (;;) {
        const size_t name = strcspn(head, "\t\n"), value = strcspn(row, "\t\n");
        if (strlen(column) == name && strncmp(head, column, name) == 0)
            return strtod(row, NULL);
        ck_assert_msg(head[name] == '\t' && row[value] == '\t', "no column %s in %s", column, tsv);
        head += name + 1;
        row += value + 1;
    }
}

static size_t count_rows(const char *tsv)
{
    size_t rows = 0;
    for (const char *at = tsv; *at != '\0'; at = strchr(at, '\n') + 1)
        rows += *at != '#';
    return rows - 1; /* the names of the columns */
}

START_TEST(help_and_version_go_to_standard_output)
{
    run_result r = run_expect(0, "qnn --help");
    ck_assert_ptr_nonnull(strstr(r.out, "train "));
    ck_assert_ptr_nonnull(strstr(r.out, "predict "));
    ck_assert_str_eq(r.err, "");
    run_free(&r);
    r = run_expect(0, "qnn --version");
    ck_assert_ptr_nonnull(strstr(r.out, qntk_version()));
    run_free(&r);
    r = run_expect(0, "qnn train --help");
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: qnn train"));
    ck_assert_ptr_nonnull(strstr(r.out, "--weights real|binary|ternary|bits=K"));
    run_free(&r);
    r = run_expect(0, "qnn predict --help");
    ck_assert_ptr_nonnull(strstr(r.out, "--draws"));
    run_free(&r);
}
END_TEST

START_TEST(bad_usage_exits_with_2)
{
    run_complaint(2, "qnn", "qnn", "expected a command");
    run_complaint(2, "qnn", "qnn dance", "unknown command 'dance'");
    run_complaint(2, "qnn train", "qnn train", "give --data");
    run_complaint(2, "qnn train", "qnn train --data spirals --hidden 10,", "--hidden");
    run_complaint(2, "qnn train", "qnn train --data spirals --hidden 0", "--hidden");
    run_complaint(2, "qnn train", "qnn train --data spirals --hidden 10;20", "--hidden");
    run_complaint(2, "qnn train", "qnn train --data spirals --weights bits=17", "bits=16");
    run_complaint(2, "qnn train", "qnn train --data spirals --weights quaternary", "'quaternary'");
    run_complaint(2, "qnn train", "qnn train --data spirals --rounding up", "stochastic|nearest");
    run_complaint(2, "qnn train", "qnn train --data spirals --lr 0", "--lr");
    run_complaint(2, "qnn train", "qnn train --data spirals --noise normal", "without --method");
    run_complaint(2, "qnn train", "qnn train --data spirals --method ste --noise normal",
                  "without --method ana");
    run_complaint(2, "qnn train", "qnn train --data spirals --method ste --period 3", "without --method ana");
    run_complaint(2, "qnn train", "qnn train --data spirals --method ana --rounding stochastic",
                  "nearest levels");
    run_complaint(2, "qnn train", "qnn train --data spirals --method ana --noise normal --beta 2000",
                  "--beta");
    run_complaint(2, "qnn train", "qnn train --data spirals --method ana --noise normal --sync up",
                  "same-start");
    run_complaint(2, "qnn train", "qnn train --data spirals --method ste --activations sign",
                  "relu, binary, ternary");
    run_complaint(2, "qnn train", "qnn train --data spirals --method ste --activations bits=9",
                  "bits=8, found 'bits=9'");
    run_complaint(2, "qnn train", "qnn train --data spirals --activations ternary",
                  "pass --method ste or ana");
    run_complaint(2, "qnn train",
                  "qnn train --data spirals --activations ternary --method ste --rounding stochastic",
                  "--rounding nearest or --measure draw");
    run_complaint(2, "qnn train", "qnn train --data spirals --lr-steps 5,3", "ascending");
    run_complaint(2, "qnn train", "qnn train --data spirals --optimizer adam --momentum 0.5",
                  "--optimizer sgd");
    run_complaint(2, "qnn train", "qnn train --data spirals --split 1.5", "--split");
    run_complaint(2, "qnn train", "qnn train --data spirals --test x.csv --split 0.5", "--split");
    run_complaint(2, "qnn train", "qnn train --data spirals --save x --out x", "same file");
    run_complaint(2, "qnn train", "qnn train --data spirals --test x.csv --missing mean", "Pass drop");
    run_complaint(2, "qnn predict", "qnn predict --model x --data spirals --missing mean", "error|drop");
    run_complaint(2, "qnn predict", "qnn predict --data spirals", "--model");
    run_complaint(2, "qnn predict", "qnn predict --model x", "--data");
}
END_TEST

START_TEST(bad_input_exits_with_1_and_one_line)
{
    const char *const birds[] = {"bird", "cat"};
    write_clouds("good.csv", 40, "x,y,z,animal\n", cats);
    write_clouds("other.csv", 40, "x,y,w,animal\n", cats);
    write_clouds("birds.csv", 40, "x,y,z,animal\n", birds);
    run_write("junk.qnn", "nothing of the kind");
    run_result r = run_expect(0, "qnn train --data good.csv --hidden 8 --epochs 1 --save good.qnn --quiet");
    run_free(&r);
    run_complaint(1, "qnn train", "qnn train --data nothing.csv", "nothing.csv");
    run_complaint(1, "qnn train", "qnn train --data good.csv --target none", "--target none");
    run_complaint(1, "qnn train", "qnn train --data good.csv --limit 1", "cannot be split");
    run_complaint(1, "qnn train", "qnn train --data good.csv --fold 2 --out no/such/log", "no/such/log");
    run_complaint(1, "qnn train", "qnn train --data friedman1:n=50 --loss cross-entropy", "--loss squared");
    run_complaint(1, "qnn train", "qnn train --data good.csv --test other.csv", "expected a column 'z'");
    run_complaint(1, "qnn train", "qnn train --data good.csv --test birds.csv", "class 'bird'");
    run_complaint(1, "qnn train", "qnn train --data good.csv --plot x.bmp", "x.bmp");
    run_complaint(1, "qnn train", "qnn train --data good.csv --resume junk.qnn", "another kind of file");
    run_complaint(1, "qnn train", "qnn train --data good.csv --hidden 9 --resume good.qnn", "another shape");
    run_complaint(1, "qnn train", "qnn train --data good.csv --hidden 8 --lr 0.5 --resume good.qnn",
                  "the rate");
    run_complaint(1, "qnn train", "qnn train --data good.csv --hidden 8 --method ana --resume good.qnn",
                  "the method");
    run_complaint(1, "qnn train", "qnn train --data birds.csv --limit 39 --hidden 8 --resume good.qnn",
                  "other rows");
    run_complaint(1, "qnn train", "qnn train --data good.csv --hidden 900000,900000", "layer");
    run_complaint(1, "qnn predict", "qnn predict --model junk.qnn --data good.csv", "another kind of file");
    run_complaint(1, "qnn predict", "qnn predict --model nothing.qnn --data good.csv", "nothing.qnn");
    run_complaint(1, "qnn predict", "qnn predict --model good.qnn --data birds.csv", "class 'bird'");
    run_complaint(1, "qnn predict", "qnn predict --model good.qnn --data other.csv", "expected a column 'z'");
    run_complaint(1, "qnn predict", "qnn predict --model good.qnn --data spirals:n=10", "3 features");
    if (access("/dev/full", W_OK) == 0) {
        r = run_expect(1, "qnn train --data good.csv --hidden 8 --epochs 2 --save /dev/full");
        ck_assert_ptr_nonnull(strstr(r.err, "No space left on device; the last complete epoch is 1\n"));
        ck_assert_uint_eq(count_rows(r.out), 1); /* the log is no less complete */
        run_free(&r);
        run_complaint(1, "qnn predict",
                      "qnn predict --model good.qnn --data good.csv --quiet --out /dev/full",
                      "No space left");
    }
}
END_TEST

START_TEST(separable_data_are_learnt_and_predicted_without_a_mistake)
{
    static const char *const laws[] = {"real", "binary", "ternary", "bits=4"};
    write_clouds("clouds.csv", 300, "x,y,z,animal\n", cats);
    write_clouds("new.csv", 50, "x,y,z,animal\n", cats);
    for (size_t k = 0; k < 4; k++) {
        char command[256];
        snprintf(
            command, sizeof command,
            "qnn train --data clouds.csv --scale zscore --hidden 256 --weights %s --epochs 20 --batch 20 "
            "--save clouds.qnn",
            laws[k]);
        run_result r = run_expect(0, command);
        ck_assert_uint_eq(count_rows(r.out), 20);
        ck_assert(last(r.out, "epoch") == 20);
        ck_assert_msg(last(r.out, "train") == 1, "%s: train %g", laws[k], last(r.out, "train"));
        ck_assert_msg(last(r.out, "test") == 1, "%s: test %g", laws[k], last(r.out, "test"));
        ck_assert(last(r.out, "gap") == 0);
        ck_assert_str_eq(r.err, ""); /* no terminal, no progress */
        run_free(&r);
        r = run_expect(0, "qnn predict --model clouds.qnn --data new.csv");
        ck_assert_ptr_nonnull(strstr(r.out, "\n# accuracy=1\n"));
        ck_assert_ptr_nonnull(
            strstr(r.out, "\nrow\tprediction\ttruth\toutput[cat]\toutput[dog]\n0\tcat\tcat\t"));
        ck_assert_uint_eq(count_rows(r.out), 50);
        ck_assert_ptr_nonnull(strstr(r.err, "accuracy 1 on 50 rows"));
        run_free(&r);
    }
}
END_TEST

START_TEST(fully_quantized_networks_are_trained_saved_and_applied)
{
    static const char *const kinds[] = {
        "--activations binary --method ana", "--activations ternary --method ana",
        "--activations bits=2 --method ste",
        "--activations bits=1 --method ana --noise logistic --strategy random"};
    write_clouds("clouds.csv", 300, "x,y,z,animal\n", cats);
    write_clouds("new.csv", 50, "x,y,z,animal\n", cats);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char command[256];
        snprintf(command, sizeof command,
                 "qnn train --data clouds.csv --scale zscore --hidden 256 --weights ternary --epochs 20 "
                 "--batch 20 "
                 "--lr-steps 8,14 --save clouds.qnn --quiet %s",
                 kinds[k]);
        run_result r = run_expect(0, command);
        ck_assert_msg(last(r.out, "train") > 0.98 && last(r.out, "test") > 0.98, "%s: train %g, test %g",
                      kinds[k], last(r.out, "train"), last(r.out, "test"));
        ck_assert_ptr_nonnull(strstr(r.out, "--rounding nearest"));
        run_free(&r);
        r = run_expect(0, "qnn predict --model clouds.qnn --data new.csv --quiet");
        ck_assert_ptr_nonnull(strstr(r.out, "\n# accuracy=1\n"));
        run_free(&r);
    }
    /* what is not defined for them */
    run_complaint(1, "qnn train",
                  "qnn train --data clouds.csv --scale zscore --hidden 256 --weights ternary --batch 20 "
                  "--lr-steps 8,14 --activations ternary --method ana --noise logistic --strategy random "
                  "--resume clouds.qnn",
                  "other weights, activations or --b-std");
    run_result r =
        run_expect(0, "qnn train --data clouds.csv --scale zscore --hidden 32 --weights binary --epochs 3 "
                      "--activations ternary --method ste --rounding stochastic --measure draw --save s.qnn");
    run_free(&r);
    run_complaint(1, "qnn validate", "qnn validate --model s.qnn --data new.csv",
                  "moment propagation knows the ReLU only");
    run_complaint(1, "qnn predict", "qnn predict --model s.qnn --data new.csv --quiet",
                  "round to nearest, or sample");
    r = run_expect(0, "qnn predict --model s.qnn --data new.csv --draws 3 --quiet");
    run_free(&r);
}
END_TEST

START_TEST(the_log_repeats_how_it_was_made)
{
    write_clouds("clouds.csv", 101, "x,y,z,animal\n", cats);
    run_result r =
        run_expect(0, "qnn train --data clouds.csv --hidden 8,9 --epochs 2 --split 0.25 --seed 5 --quiet");
    ck_assert_ptr_nonnull(strstr(r.out, "# command=qnn train --data clouds.csv"));
    ck_assert_ptr_nonnull(strstr(r.out, "--hidden 8,9 --weights binary --rounding stochastic"));
    ck_assert_ptr_nonnull(strstr(r.out, "\n# seed=5\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "\n# n=101\n# d=3\n# classes=2\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "\n# train_n=76\n# test_n=25\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "\nepoch\tloss\ttrain\ttest\tgap\trate\n1\t"));
    run_free(&r);
    r = run_expect(
        0, "qnn train --data clouds.csv --hidden 8 --epochs 2 --quiet --method ana --noise normal --sync "
           "partition --progressive");
    ck_assert_ptr_nonnull(strstr(r.out, "--rounding nearest"));
    ck_assert_ptr_nonnull(strstr(r.out, "--method ana"));
    ck_assert_ptr_nonnull(strstr(r.out,
                                 "--noise normal --strategy expected --backward-noise uniform --schedule "
                                 "bounded --sync partition --period 5 --progressive"));
    run_free(&r);
    /* there is noise without --noise too, and the other options of it */
    r = run_expect(0,
                   "qnn train --data clouds.csv --hidden 8 --epochs 2 --quiet --method ana --strategy mode");
    ck_assert_ptr_nonnull(strstr(r.out, "--noise uniform --strategy mode"));
    run_free(&r);
    /* without --noise it is uniform */
    r = run_expect(0, "qnn train --data clouds.csv --hidden 8 --epochs 2 --quiet --method ana");
    run_result other =
        run_expect(0, "qnn train --data clouds.csv --hidden 8 --epochs 2 --quiet --method ana --noise "
                      "uniform --beta 0.5 --backward-beta 0.5 --rounding nearest");
    ck_assert_ptr_nonnull(strstr(r.out, "--method ana --loss"));
    ck_assert_ptr_nonnull(strstr(r.out, "--noise uniform"));
    ck_assert_str_eq(strstr(r.out, "\nepoch"), strstr(other.out, "\nepoch"));
    run_free(&r);
    run_free(&other);
    /* straight-through is a special case of it */
    r = run_expect(
        0, "qnn train --data clouds.csv --hidden 8 --epochs 2 --quiet --method ste --rounding nearest");
    other =
        run_expect(0, "qnn train --data clouds.csv --hidden 8 --epochs 2 --quiet --method ana --noise none");
    ck_assert_str_eq(strstr(r.out, "\nepoch"), strstr(other.out, "\nepoch"));
    run_free(&r);
    run_free(&other);
    r = run_expect(0, "qnn train --data clouds.csv --hidden 8 --epochs 3 --split 0 --format json --quiet");
    cJSON *tree = cJSON_Parse(r.out);
    const cJSON *epochs = cJSON_GetObjectItem(tree, "epochs");
    ck_assert_int_eq(cJSON_GetArraySize(epochs), 3);
    const cJSON *third = cJSON_GetArrayItem(epochs, 2);
    ck_assert_int_eq(cJSON_GetObjectItem(third, "epoch")->valueint, 3);
    ck_assert(cJSON_IsNumber(cJSON_GetObjectItem(third, "loss")));
    ck_assert(cJSON_IsNumber(cJSON_GetObjectItem(third, "train")));
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(third, "test"))); /* no rows to test on */
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(third, "gap")));
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bytes_on_one_and_two_threads)
{
    const char *const common = "qnn train --data spirals:n=300 --hidden 300,270 --b-std 1 --epochs 3 --quiet "
                               "--save %s.qnn --out %s.tsv --threads %s";
    char command[512];
    snprintf(command, sizeof command, common, "one", "one", "1");
    run_result r = run_expect(0, command);
    run_free(&r);
    snprintf(command, sizeof command, common, "two", "two", "2");
    r = run_expect(0, command);
    run_free(&r);
    char *one = run_read("one.tsv"), *two = run_read("two.tsv");
    ck_assert_str_eq(one, two);
    free(one);
    free(two);
    for (int k = 0; k < 2; k++) {
        r = run_expect(0, k == 0 ? "qnn predict --model one.qnn --data spirals:n=20 --draws 3 --threads 2"
                                 : "qnn predict --model two.qnn --data spirals:n=20 --draws 3 --threads 1");
        if (k == 0)
            one = strdup(strstr(r.out, "\nrow"));
        else
            ck_assert_str_eq(one, strstr(r.out, "\nrow"));
        run_free(&r);
    }
    free(one);
}
END_TEST

static bool same_bytes(const char *a, const char *b)
{
    char path[2][4096];
    snprintf(path[0], sizeof path[0], "%s/%s", run_directory(), a);
    snprintf(path[1], sizeof path[1], "%s/%s", run_directory(), b);
    FILE *first = fopen(path[0], "rb"), *second = fopen(path[1], "rb");
    ck_assert(first != NULL && second != NULL);
    size_t count = 0;
    int x, y;
    do {
        x = getc(first);
        y = getc(second);
        count++;
    } while (x == y && x != EOF);
    fclose(first);
    fclose(second);
    return x == y && count > 1000;
}

START_TEST(a_resumed_run_writes_the_bytes_of_one_that_did_not_stop)
{
    static const char *const kinds[] = {
        "--optimizer adam",
        "--optimizer sgd --momentum 0.9 --lr-steps 2,4",
        "--method ana --noise logistic --strategy random --period 2",
        "--method ana --noise normal --progressive --backward-annealed",
        "--method ana --activations ternary --strategy random --noise triangular",
        "--method ste --activations bits=2"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char command[512];
        const char *const form = "qnn train --data friedman1:n=200 --hidden 30,20 --weights ternary --b-std "
                                 "0.5 %s --quiet --batch 32 ";
        char stem[256];
        snprintf(stem, sizeof stem, form, kinds[k]);
        snprintf(command, sizeof command, "%s--epochs 6 --save all.qnn --out all.tsv", stem);
        run_result r = run_expect(0, command);
        run_free(&r);
        snprintf(command, sizeof command, "%s--epochs 3 --save half.qnn --out half.tsv", stem);
        r = run_expect(0, command);
        run_free(&r);
        snprintf(command, sizeof command, "%s--epochs 6 --resume half.qnn --save half.qnn --out rest.tsv",
                 stem);
        r = run_expect(0, command);
        run_free(&r);
        char *all = run_read("all.tsv"), *rest = run_read("rest.tsv");
        ck_assert_str_eq(all, rest);
        free(all);
        free(rest);
        ck_assert_msg(same_bytes("all.qnn", "half.qnn"), "%s: the models differ", kinds[k]);
    }
}
END_TEST

START_TEST(numbers_are_predicted_in_their_own_unit)
{
    /* y = 1000 + 300 x: the mean squared error of the mean is 300^2 */
    char text[8192] = "x,y\n";
    for (int i = 0; i < 200; i++) {
        double x = -1.7 + 3.4 * i / 199;
        sprintf(text + strlen(text), "%.5f,%.5f\n", x, 1000 + 300 * x);
    }
    run_write("line.csv", text);
    run_result r =
        run_expect(0, "qnn train --data line.csv --hidden 100 --weights real --b-std 1 --epochs 40 "
                      "--batch 10 --save line.qnn");
    ck_assert_msg(last(r.out, "test") < 0.05 * 300 * 300, "test %g", last(r.out, "test"));
    ck_assert_close(last(r.out, "gap"), last(r.out, "test") - last(r.out, "train"), 1e-9, 1);
    run_free(&r);
    r = run_expect(0, "qnn predict --model line.qnn --data line.csv --quiet");
    ck_assert_ptr_nonnull(strstr(r.out, "\nrow\tprediction\ttruth\n"));
    ck_assert_close(last(r.out, "prediction"), 1000 + 300 * 1.7, 120, 1);
    ck_assert_close(last(r.out, "truth"), 1000 + 300 * 1.7, 1e-3, 1);
    ck_assert_str_eq(r.err, "");
    run_free(&r);
    /* without a target */
    run_write("questions.csv", "x\n0\n1\n");
    r = run_expect(0, "qnn predict --model line.qnn --data questions.csv --target none");
    ck_assert_ptr_nonnull(strstr(r.out, "\nrow\tprediction\n0\t"));
    ck_assert_close(last(r.out, "prediction"), 1300, 120, 1);
    run_free(&r);
}
END_TEST

START_TEST(a_diverging_run_says_where_and_keeps_the_last_good_model)
{
    /* one step an epoch, so that several are complete before the loss leaves all bounds */
    run_result r =
        run_expect(1, "qnn train --data friedman1:n=100 --hidden 100,100,100 --weights real --quiet "
                      "--optimizer sgd --lr 100 --momentum 0.9 --batch 1000 --save bad.qnn --out bad.tsv");
    char *log = run_read("bad.tsv"), text[64];
    const size_t complete = count_rows(log);
    ck_assert_uint_gt(complete, 0);
    snprintf(text, sizeof text, "epoch %zu, step %zu: the loss is", complete + 1, complete + 1);
    ck_assert_msg(strstr(r.err, text) != NULL, "%s", r.err);
    ck_assert_ptr_nonnull(strstr(r.err, "the norm of the latent weights is"));
    snprintf(text, sizeof text, "the last complete epoch is %zu; bad.qnn has it", complete);
    ck_assert_msg(strstr(r.err, text) != NULL, "%s", r.err);
    free(log);
    run_free(&r);
    r = run_expect(0, "qnn predict --model bad.qnn --data friedman1:n=5 --quiet");
    snprintf(text, sizeof text, "# model_epochs=%zu\n", complete);
    ck_assert_ptr_nonnull(strstr(r.out, text));
    run_free(&r);
}
END_TEST

START_TEST(patience_ends_a_run_that_does_not_improve)
{
    /* at a tiny rate the loss of rounded weights goes up and down by chance */
    run_result r =
        run_expect(0, "qnn train --data spirals:n=100 --hidden 30 --epochs 500 --optimizer sgd --lr 1e-9 "
                      "--patience 3 --quiet");
    ck_assert_uint_lt(count_rows(r.out), 100);
    ck_assert_uint_gt(count_rows(r.out), 3);
    run_free(&r);
}
END_TEST

START_TEST(an_interrupted_run_keeps_what_is_complete)
{
    run_result r =
        run_program("qnn train --data sphere:n=2000,d=20 --hidden 300,300 --epochs 100000 --save i.qnn "
                    "--out i.tsv --quiet",
                    2);
    ck_assert_int_eq(r.code, 130);
    ck_assert_ptr_nonnull(strstr(r.err, "interrupted; the last complete epoch is "));
    ck_assert_ptr_nonnull(strstr(r.err, "; i.qnn has it"));
    char *log = run_read("i.tsv");
    ck_assert_ptr_nonnull(log);
    char expected[64];
    snprintf(expected, sizeof expected, "the last complete epoch is %zu;", count_rows(log));
    ck_assert_ptr_nonnull(strstr(r.err, expected));
    free(log);
    run_free(&r);
}
END_TEST

START_TEST(curves_are_drawn)
{
    if (qntk_plot_check("train", "c.svg") == QNTK_UNSUPPORTED) {
        test_skip("no gnuplot");
        return;
    }
    run_result r =
        run_expect(0, "qnn train --data spirals:n=100 --hidden 20 --epochs 3 --quiet --plot c.svg");
    run_free(&r);
    char *picture = run_read("c.svg");
    ck_assert_ptr_nonnull(picture);
    ck_assert_ptr_nonnull(strstr(picture, "training loss"));
    ck_assert_ptr_nonnull(strstr(picture, "gap: training - test"));
    free(picture);
    r = run_expect(0,
                   "qnn train --data friedman1:n=100 --hidden 20 --epochs 3 --quiet --split 0 --plot d.svg");
    run_free(&r);
    picture = run_read("d.svg");
    ck_assert_ptr_nonnull(strstr(picture, "mean squared error"));
    free(picture);
}
END_TEST

/* gnuplot with these arguments in the tests' directory; its exit code. */
static int run_gnuplot(const char *arguments)
{
    char command[8192];
    snprintf(command, sizeof command, "cd '%s' && gnuplot %s 2>said.txt", run_directory(), arguments);
    return system(command); /* NOLINT(cert-env33-c): a command of our own */
}

START_TEST(several_runs_are_drawn_in_one_picture)
{
    if (qntk_plot_check("train", "c.svg") == QNTK_UNSUPPORTED) {
        test_skip("no gnuplot");
        return;
    }
    static const char *const options[] = {"--weights real --out a.tsv", "--weights bits=3 --out b.tsv",
                                          "--weights ternary --rounding nearest --out c.tsv",
                                          "--weights ternary --rounding nearest --method ana --out d.tsv"};
    static const char *const names[] = {"real", "3 bits", "ternary to nearest", "ternary annealed"};
    char text[4096];
    for (int k = 0; k < 4; k++) {
        snprintf(text, sizeof text, "qnn train --data spirals:n=60 --hidden 9 --epochs %d --quiet %s", 2 + k,
                 options[k]);
        run_result r = run_expect(0, text);
        run_free(&r);
    }
    for (int style = 0; style < 2; style++) {
        const char *script = test_source("plots/train-compare.gp");
        if (style == 0)
            snprintf(text, sizeof text, "-c '%s' a.tsv b.tsv c.tsv d.tsv e.svg", script);
        else
            snprintf(text, sizeof text, "-e \"files='a.tsv b.tsv c.tsv d.tsv'; output='e.svg'\" '%s'",
                     script);
        ck_assert_int_eq(run_gnuplot(text), 0);
        char *picture = run_read("e.svg"), *said = run_read("said.txt");
        ck_assert_ptr_nonnull(picture);
        ck_assert_str_eq(said, "");
        ck_assert_ptr_nonnull(strstr(picture, "test accuracy"));
        for (int k = 0; k < 4; k++)
            ck_assert_msg(strstr(picture, names[k]) != NULL, "no '%s' in the picture", names[k]);
        free(picture);
        free(said);
        run_remove("e.svg");
    }
    snprintf(text, sizeof text, "-c '%s' a.tsv said.txt e.svg", test_source("plots/train-compare.gp"));
    ck_assert_int_ne(run_gnuplot(text), 0); /* no log */
    snprintf(text, sizeof text, "-c '%s' a.tsv a.tsv e.bmp", test_source("plots/train-compare.gp"));
    ck_assert_int_ne(run_gnuplot(text), 0);
    char *said = run_read("said.txt");
    ck_assert_ptr_nonnull(strstr(said, "expected a name ending in .png, .svg or .pdf"));
    free(said);
}
END_TEST

START_TEST(digits_are_learnt_with_binary_weights)
{
    const char *digits = test_shared("datasets/mnist/t10k-images-idx3-ubyte.gz");
    if (digits == NULL) {
        test_skip("no MNIST digits beside the source tree");
        return;
    }
    char command[8192];
    snprintf(command, sizeof command,
             "qnn train --data %s --limit 4000 --rows sphere --hidden 256,256 --epochs 8 --save d.qnn",
             digits);
    run_result r = run_expect(0, command);
    ck_assert_msg(last(r.out, "test") > 0.88, "test %g", last(r.out, "test"));
    run_free(&r);
    /* ten draws are better than one, the expected output no worse than ten by more than chance */
    double accuracy[3];
    const char *const draws[] = {"--draws 1", "--draws 10", ""};
    for (int k = 0; k < 3; k++) {
        snprintf(command, sizeof command, "qnn predict --model d.qnn --data %s --format json --quiet %s",
                 digits, draws[k]);
        command[strlen(command) - (k == 2 ? 1 : 0)] = '\0';
        r = run_expect(0, command);
        cJSON *tree = cJSON_Parse(r.out);
        accuracy[k] = cJSON_GetObjectItem(tree, "accuracy")->valuedouble;
        cJSON_Delete(tree);
        run_free(&r);
    }
    ck_assert_msg(accuracy[0] < accuracy[1] && accuracy[1] < accuracy[2] + 0.02 && accuracy[2] > 0.88,
                  "one draw %g, ten %g, expected %g", accuracy[0], accuracy[1], accuracy[2]);
}
END_TEST

START_TEST(a_published_split_is_used)
{
    const char *set = test_shared("datasets/uci/balance-scale");
    if (set == NULL) {
        test_skip("no UCI sets beside the source tree");
        return;
    }
    char command[8192];
    for (int fold = 1; fold <= 5; fold++) {
        snprintf(command, sizeof command, "qnn train --data %s --hidden 20 --epochs 1 --quiet --fold %d", set,
                 fold);
        run_result r = run_expect(fold <= 4 ? 0 : 2, command);
        char protocol[64];
        snprintf(protocol, sizeof protocol, "\n# protocol=published split %d\n", fold);
        ck_assert(fold > 4 || strstr(r.out, protocol) != NULL);
        run_free(&r);
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, help_and_version_go_to_standard_output);
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, bad_input_exits_with_1_and_one_line);
    tcase_add_test(tcase, separable_data_are_learnt_and_predicted_without_a_mistake);
    tcase_add_test(tcase, fully_quantized_networks_are_trained_saved_and_applied);
    tcase_add_test(tcase, the_log_repeats_how_it_was_made);
    tcase_add_test(tcase, the_same_seed_gives_the_same_bytes_on_one_and_two_threads);
    tcase_add_test(tcase, a_resumed_run_writes_the_bytes_of_one_that_did_not_stop);
    tcase_add_test(tcase, numbers_are_predicted_in_their_own_unit);
    tcase_add_test(tcase, a_diverging_run_says_where_and_keeps_the_last_good_model);
    tcase_add_test(tcase, patience_ends_a_run_that_does_not_improve);
    tcase_add_test(tcase, an_interrupted_run_keeps_what_is_complete);
    tcase_add_test(tcase, curves_are_drawn);
    tcase_add_test(tcase, several_runs_are_drawn_in_one_picture);
    tcase_add_test(tcase, digits_are_learnt_with_binary_weights);
    tcase_add_test(tcase, a_published_split_is_used);
}

int main(void)
{
    return test_main("qnn", add_tests);
}
