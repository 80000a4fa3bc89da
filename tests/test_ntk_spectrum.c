#include "run.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

/* The eigenvalues of one kernel in a TSV: field `column` of the rows whose first field is `kernel`. */
static size_t read_column(const char *tsv, const char *kernel, int column, double *values, size_t limit)
{
    size_t count = 0, length = strlen(kernel);
    for (const char *line = tsv; line != NULL && *line != '\0';
         line = strchr(line, '\n'), line += line != NULL) {
        if (strncmp(line, kernel, length) != 0 || line[length] != '\t' || count == limit)
            continue;
        const char *field = line;
        for (int i = 0; i < column; i++)
            field = strchr(field, '\t') + 1;
        values[count++] = strtod(field, NULL);
    }
    return count;
}

START_TEST(help_and_version_go_to_standard_output)
{
    run_result r = run_expect(0, "ntk-spectrum --help");
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: ntk-spectrum"));
    for (const qntk_kernel_family *row = qntk_kernel_families; row->name != NULL; row++)
        ck_assert_msg(strstr(r.out, row->summary) != NULL, "--help lacks %s", row->name);
    ck_assert_ptr_nonnull(strstr(r.out, "Examples:"));
    ck_assert_str_eq(r.err, "");
    const char *defaults[] = {"[none]", "[raw]", "[error]", "[double]", "[tsv]", "[60]", "[0]"};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        ck_assert_msg(strstr(r.out, defaults[i]) != NULL, "--help lacks the default %s", defaults[i]);
    run_result late = run_expect(0, "ntk-spectrum --scale zscore --degrees 5 --help");
    ck_assert_str_eq(late.out, r.out); /* the defaults, not what is given */
    run_free(&late);
    run_free(&r);
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --help >/dev/full", "No space left");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --version >/dev/full", "No space left");
    r = run_expect(0, "ntk-spectrum --version");
    ck_assert_ptr_nonnull(strstr(r.out, qntk_version()));
    run_free(&r);
}
END_TEST

START_TEST(bad_usage_exits_with_2)
{
    run_complaint(2, "ntk-spectrum", "ntk-spectrum", "give --data");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --frobnicate", "--frobnicate");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data", "argument");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum extra", "unexpected argument 'extra'");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --sphere 3", "not both");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --sphere 1", "from 2");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --sphere 0", "whole number from 2");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --sphere 10001", "from 2 to 10000");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --sphere 3 --degrees 100001", "from 1 to 100000");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data=", "--data: expected SPEC, found nothing");
    run_complaint(2, "ntk-spectrum",
                  "ntk-spectrum --data spirals --out=", "--out: expected FILE, found nothing");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --threads 5000",
                  "from 1 to 1024, found '5000'");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --certify", "--sphere");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --kernel rbf", "unknown name 'rbf'");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --kernel ntk --kernel ntk", "given twice");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --format xml", "expected tsv|json");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --seed -1", "whole number");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --save-kernel K.npy", "one --kernel");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --sphere 3 --kernel K.npy", "no spectrum on the sphere");
}
END_TEST

START_TEST(an_option_that_would_be_ignored_is_named_with_the_other)
{
    const char *without_data[] = {"target none",      "labels y.npy",      "task regress",      "limit 5",
                                  "scale zscore",     "rows sphere",       "missing drop",      "top 5",
                                  "precision single", "save-kernel K.npy", "eigenvectors V.npy"};
    char command[256], words[2][64];
    for (size_t i = 0; i < sizeof without_data / sizeof *without_data; i++) {
        snprintf(words[0], sizeof words[0], "--%.*s", (int)strcspn(without_data[i], " "), without_data[i]);
        snprintf(command, sizeof command, "ntk-spectrum --sphere 3 --%s", without_data[i]);
        run_complaint(2, "ntk-spectrum", command, words[0]);
        run_complaint(2, "ntk-spectrum", command, "--sphere");
    }
    const char *without_sphere[] = {"--degrees 5", "--certify"};
    for (size_t i = 0; i < sizeof without_sphere / sizeof *without_sphere; i++) {
        snprintf(command, sizeof command, "ntk-spectrum --data spirals %s", without_sphere[i]);
        snprintf(words[0], sizeof words[0], "%.*s", (int)strcspn(without_sphere[i], " "), without_sphere[i]);
        run_complaint(2, "ntk-spectrum", command, words[0]);
        run_complaint(2, "ntk-spectrum", command, "--sphere");
    }
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --target none --task regress",
                  "--task means nothing with --target none");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data x.npy --target none --labels y.npy",
                  "--labels means nothing with --target none");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --kernel K.npy --limit 5",
                  "--limit means nothing without --data");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --kernel K.npy --precision single",
                  "--precision means nothing");
}
END_TEST

START_TEST(no_file_is_written_twice_or_over_what_is_read)
{
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --out x --plot x",
                  "--out and --plot are the same file");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --kernel ntk --out x --save-kernel ./x",
                  "--save-kernel");
    run_complaint(2, "ntk-spectrum",
                  "ntk-spectrum --data spirals --kernel ntk --save-kernel x --eigenvectors .//x",
                  "--save-kernel and --eigenvectors are the same file");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data spirals --kernel ntk --save-kernel -",
                  "--save-kernel and --out");
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --kernel K.npy --out K.npy",
                  "--kernel and --out are the same file");
    run_result r = run_expect(0, "ntk-spectrum --data spirals:n=20 --kernel ntk --out d.tsv --quiet");
    run_free(&r);
    run_complaint(2, "ntk-spectrum", "ntk-spectrum --data d.tsv --out ./d.tsv",
                  "--data and --out are the same file");
    run_remove("d.tsv");
    r = run_expect(
        0, "ntk-spectrum --data spirals:n=20 --kernel ntk --out /dev/null --save-kernel /dev/null --quiet");
    run_free(&r);
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

START_TEST(the_recorded_command_is_the_resolved_one)
{
    const char *const same[] = {
        "ntk-spectrum --data spirals:n=30 --kernel gauss --kernel ntk --top 9",
        "ntk-spectrum --to 9 --thr 2 --ker gauss --kernel=ntk --da=spirals:n=30 --see 0 --form tsv",
        "ntk-spectrum --rows raw --data spirals:n=30 --qui --kernel gauss --kernel ntk --top 009 --out -",
    };
    run_result first = run_expect(0, same[0]);
    ck_assert_ptr_nonnull(strstr(first.out,
                                 "# command=ntk-spectrum --data spirals:n=30 --task auto --scale none "
                                 "--rows raw --missing error --kernel gauss --kernel ntk "
                                 "--precision double --top 9 --seed 0\n"));
    for (size_t i = 1; i < sizeof same / sizeof *same; i++) {
        run_result r = run_expect(0, same[i]);
        ck_assert_msg(strcmp(r.out, first.out) == 0, "%s: other bytes: %s", same[i], r.out);
        run_free(&r);
    }
    run_free(&first);

    first = run_expect(0, "ntk-spectrum --sph 4 --plot p.svg --thr 1 --quiet");
    run_remove("p.svg");
    const char *wanted = "# command=ntk-spectrum --sphere 4 --degrees 60 --kernel qntk --kernel ntk "
                         "--kernel gauss --kernel laplace --seed 0\n";
    ck_assert_msg(strstr(first.out, wanted) != NULL, "%s", first.out);
    char command[512];
    const char *recorded = strstr(first.out, "# command=") + strlen("# command=");
    snprintf(command, sizeof command, "%.*s", (int)strcspn(recorded, "\n"), recorded);
    run_result again = run_expect(0, command); /* a result can be made again from what it says */
    ck_assert_str_eq(again.out, first.out);
    run_free(&again);
    run_free(&first);
}
END_TEST

START_TEST(bad_input_exits_with_1_and_one_line)
{
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data nothing.csv", "nothing.csv");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data sphere:n=0", "sphere");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --kernel ntk --top 51",
                  "50 eigenvalues");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --kernel ntk --out no/such/dir.tsv",
                  "no/such/dir.tsv");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --kernel ntk --out /dev/full --quiet",
                  "No space left");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data sphere:n=900000,d=2 --kernel ntk", "GiB");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --kernel ntk --plot x.bmp", "x.bmp");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=1 --kernel ntk --kernel gauss",
                  "kernel 'gauss': one row");
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

START_TEST(the_table_describes_itself_and_sums_to_the_trace)
{
    enum { N = 150 };
    run_result r =
        run_expect(0, "ntk-spectrum --data sphere:n=150,d=4 --kernel qntk --kernel gauss --seed 7");
    ck_assert_ptr_nonnull(strstr(r.out, "# version="));
    ck_assert_ptr_nonnull(strstr(r.out, "# command=ntk-spectrum --data sphere:n=150,d=4 "));
    ck_assert_ptr_nonnull(strstr(r.out, "# seed=7\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# n=150\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# d=4\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "\nkernel\tindex\teigenvalue\tshare\tcumulative\n"));
    ck_assert_ptr_nonnull(strstr(r.err, "qntk"));
    double eval[N + 1], cumulative[N + 1], sum = 0;
    ck_assert_uint_eq(read_column(r.out, "gauss", 2, eval, N + 1), N);
    ck_assert_uint_eq(read_column(r.out, "gauss", 4, cumulative, N + 1), N);
    for (int i = 0; i < N; i++) {
        sum += eval[i];
        ck_assert(i == 0 || eval[i] <= eval[i - 1]);
    }
    ck_assert_close(sum, 1, 1e-13, 1); /* K(x,x) = 1, so trace(K)/n = 1 */
    ck_assert_close(cumulative[N - 1], 1, 1e-13, 1);
    ck_assert_uint_eq(read_column(r.out, "qntk", 2, eval, N + 1), N);
    run_free(&r);
}
END_TEST

START_TEST(json_has_every_promised_member_and_the_same_numbers)
{
    enum { N = 60 };
    const char *command = "ntk-spectrum --data friedman1:n=60 --kernel ntk:depth=2 --seed 3 --format ";
    char text[256];
    snprintf(text, sizeof text, "%sjson", command);
    run_result json = run_expect(0, text);
    snprintf(text, sizeof text, "%stsv", command);
    run_result tsv = run_expect(0, text);
    cJSON *tree = cJSON_Parse(json.out);
    ck_assert_ptr_nonnull(tree);
    const char *members[] = {"version", "command", "seed", "n", "d", "kernels"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        ck_assert_msg(cJSON_HasObjectItem(tree, members[i]), "no member %s", members[i]);
    ck_assert(cJSON_GetObjectItem(tree, "n")->valuedouble == N);
    const cJSON *kernel = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "kernels"), 0);
    const cJSON *eval = cJSON_GetObjectItem(kernel, "eigenvalue");
    ck_assert_int_eq(cJSON_GetArraySize(eval), N);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(kernel, "multiplicity")), N);
    double values[N];
    ck_assert_uint_eq(read_column(tsv.out, "ntk:depth=2", 2, values, N), N);
    int different = 0;
    for (int i = 0; i < N; i++)
        different += cJSON_GetArrayItem(eval, i)->valuedouble != values[i];
    ck_assert_int_eq(different, 0);
    const cJSON *summary = cJSON_GetObjectItem(kernel, "summary");
    const char *figures[] = {"trace",   "effective_dimension", "exponent", "exponent_se", "power_aic", "rate",
                             "rate_se", "exponential_aic",     "law",      "window"};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        ck_assert_msg(cJSON_HasObjectItem(summary, figures[i]), "no figure %s", figures[i]);
    cJSON_Delete(tree);
    run_free(&json);
    run_free(&tsv);
}
END_TEST

START_TEST(the_bytes_do_not_depend_on_threads_or_on_the_name_of_the_file)
{
    const char *settings[] = {"--data sphere:n=400,d=5 --kernel qntk:bits=2,depth=3 --kernel laplace",
                              "--data sphere:n=900,d=5 --kernel ntk --top 20 --rows sphere",
                              "--sphere 6 --degrees 40 --kernel qntk --kernel ntk:depth=2 --kernel laplace"};
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        char command[512], *bytes[3];
        for (int threads = 1; threads <= 3; threads++) {
            snprintf(command, sizeof command, "ntk-spectrum %s --threads %d --out t%d.tsv --quiet",
                     settings[s], threads, threads);
            run_result r = run_expect(0, command);
            ck_assert_str_eq(r.err, "");
            run_free(&r);
            snprintf(command, sizeof command, "t%d.tsv", threads);
            bytes[threads - 1] = run_read(command);
            ck_assert_ptr_nonnull(bytes[threads - 1]);
            run_remove(command);
        }
        ck_assert_msg(strcmp(bytes[0], bytes[1]) == 0, "1 and 2 threads differ: %s", settings[s]);
        ck_assert_msg(strcmp(bytes[0], bytes[2]) == 0, "1 and 3 threads differ: %s", settings[s]);
        for (int i = 0; i < 3; i++)
            free(bytes[i]);
    }
}
END_TEST

START_TEST(the_sphere_gives_degrees_with_multiplicities_that_sum_to_the_trace)
{
    enum { COUNT = 61 };
    run_result r = run_expect(0, "ntk-spectrum --sphere 5 --kernel qntk --kernel gauss:bandwidth=1");
    ck_assert_ptr_nonnull(strstr(r.out, "\nkernel\tdegree\tmultiplicity\teigenvalue\tshare\tcumulative\n"));
    double degree[COUNT], multiplicity[COUNT], eval[COUNT], sum = 0;
    ck_assert_uint_eq(read_column(r.out, "gauss:bandwidth=1", 1, degree, COUNT), COUNT);
    read_column(r.out, "gauss:bandwidth=1", 2, multiplicity, COUNT);
    read_column(r.out, "gauss:bandwidth=1", 3, eval, COUNT);
    for (int k = 0; k < COUNT; k++) {
        ck_assert(degree[k] == k);
        sum += multiplicity[k] * eval[k];
    }
    ck_assert_close(sum, 1, 1e-13, 1);
    ck_assert(multiplicity[0] == 1 && multiplicity[1] == 5 && multiplicity[2] == 14);
    ck_assert_ptr_nonnull(strstr(r.err, "0.17157")); /* 1/(3 + 2 sqrt 2): one binary layer */
    run_free(&r);
}
END_TEST

START_TEST(the_leading_eigenvalues_are_those_of_the_whole_spectrum)
{
    enum { TOP = 30 };
    double all[TOP], top[TOP];
    run_result r = run_expect(0, "ntk-spectrum --data sphere:n=1000,d=6 --kernel qntk");
    ck_assert_uint_eq(read_column(r.out, "qntk", 2, all, TOP), TOP);
    run_free(&r);
    r = run_expect(0, "ntk-spectrum --data sphere:n=1000,d=6 --kernel qntk --top 30");
    ck_assert_uint_eq(read_column(r.out, "qntk", 2, top, TOP), TOP);
    for (int i = 0; i < TOP; i++)
        ck_assert_close(top[i], all[i], 1e-10, all[0]);
    run_free(&r);
}
END_TEST

START_TEST(a_saved_kernel_is_a_kernel)
{
    enum { N = 80 };
    double computed[N] = {0}, reread[N] = {0};
    run_result r = run_expect(
        0, "ntk-spectrum --data friedman1:n=80 --kernel laplace --save-kernel K.npy --eigenvectors V.npy");
    read_column(r.out, "laplace", 2, computed, N);
    run_free(&r);
    r = run_expect(0, "ntk-spectrum --kernel K.npy");
    ck_assert_uint_eq(read_column(r.out, "K.npy", 2, reread, N), N);
    run_free(&r);
    double worst = 0;
    for (int i = 0; i < N; i++)
        worst = test_worse(worst, fabs(computed[i] - reread[i]));
    ck_assert_double_lt(worst, 1e-14 * computed[0]);

    /* V' V = 1 and V diag(eval) V' = K/n */
    double *V, *K;
    size_t rows, columns;
    char path[5000];
    snprintf(path, sizeof path, "%s/V.npy", run_directory());
    ck_assert_ok(qntk_npy_read_matrix(path, &V, &rows, &columns));
    ck_assert(rows == N && columns == N);
    snprintf(path, sizeof path, "%s/K.npy", run_directory());
    ck_assert_ok(qntk_npy_read_matrix(path, &K, &rows, &columns));
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t k = 0; k < N; k++)
                sum += V[i * N + k] * computed[k] * V[j * N + k];
            worst = test_worse(worst, fabs(sum - K[i * N + j] / N));
        }
    ck_assert_double_lt(worst, 1e-13);
    qntk_free(V);
    qntk_free(K);
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --kernel K.npy", "expected 50 rows");
    run_remove("K.npy");
    run_remove("V.npy");
}
END_TEST

/* K (n,n) = 1 on the diagonal, 0 elsewhere, with one entry and the one across set to `value`. */
static void write_identity(const char *name, size_t n, size_t row, size_t column, double value)
{
    char path[5000];
    double *K = qntk_alloc_zero(n * n, sizeof *K);
    ck_assert_ptr_nonnull(K);
    for (size_t i = 0; i < n; i++)
        K[i * n + i] = 1;
    K[row * n + column] = K[column * n + row] = value;
    snprintf(path, sizeof path, "%s/%s", run_directory(), name);
    ck_assert_ok(qntk_npy_write(path, n, n, K));
    qntk_free(K);
}

START_TEST(a_matrix_from_a_file_says_its_size_and_where_it_is_wrong)
{
    write_identity("I.npy", 40, 0, 0, 1);
    write_identity("J.npy", 30, 0, 0, 1);
    write_identity("inf.npy", 40, 3, 7, INFINITY);
    write_identity("nan.npy", 40, 3, 7, NAN);
    run_result r = run_expect(0, "ntk-spectrum --kernel I.npy --format json --quiet");
    cJSON *tree = cJSON_Parse(r.out);
    ck_assert_ptr_nonnull(tree);
    ck_assert(cJSON_GetObjectItem(tree, "n")->valuedouble == 40);
    ck_assert(cJSON_GetObjectItem(tree, "d")->valuedouble == 0);
    cJSON_Delete(tree);
    run_free(&r);
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --kernel inf.npy",
                  "inf.npy: row 3, column 7: expected a finite number");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --kernel nan.npy",
                  "nan.npy: row 3, column 7: expected a number");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --kernel I.npy --kernel J.npy",
                  "expected 40 rows, as I.npy has, found 30");
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --kernel I.npy",
                  "I.npy: expected 50 rows, as the data spirals has, found 40");
    /* before the work on others: two minutes of it, or more than the memory there is */
    const char *others = "ntk-spectrum --data spirals:n=20000 --kernel ntk --kernel laplace";
    char command[256];
    snprintf(command, sizeof command, "%s --kernel I.npy", others);
    run_complaint(1, "ntk-spectrum", command, "I.npy: expected 20000 rows");
    snprintf(command, sizeof command, "%s --top 20001", others);
    run_complaint(1, "ntk-spectrum", command, "--top 20001: the matrix has 20000 eigenvalues");
    run_remove("I.npy");
    run_remove("J.npy");
    run_remove("inf.npy");
    run_remove("nan.npy");
}
END_TEST

START_TEST(huge_and_tiny_matrices_have_the_dimension_they_have)
{
    const double scales[] = {1e300, 1, 1e-300, 1e-320};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        char path[5000];
        double K[16 * 16] = {0};
        for (size_t j = 0; j < 16; j++)
            K[j * 16 + j] = scales[i];
        snprintf(path, sizeof path, "%s/K.npy", run_directory());
        ck_assert_ok(qntk_npy_write(path, 16, 16, K));
        run_result r = run_expect(0, "ntk-spectrum --kernel K.npy --format json");
        ck_assert_ptr_null(strstr(r.err, "nan"));
        cJSON *tree = cJSON_Parse(r.out);
        const cJSON *kernel = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "kernels"), 0);
        const cJSON *summary = cJSON_GetObjectItem(kernel, "summary");
        const double rounding = 32 * 0x1p-52; /* two sums of 16 */
        ck_assert_close(cJSON_GetObjectItem(summary, "effective_dimension")->valuedouble, 16, rounding, 16);
        ck_assert_close(cJSON_GetObjectItem(summary, "trace")->valuedouble, scales[i], rounding, scales[i]);
        cJSON_Delete(tree);
        run_free(&r);
    }
    run_remove("K.npy");
}
END_TEST

START_TEST(names_that_are_not_utf8_leave_json_valid)
{
    write_identity("k\xfe.npy", 20, 0, 0, 1);
    run_result r = run_expect(0, "ntk-spectrum --kernel k\xfe.npy --format json --quiet");
    ck_assert_ptr_null(strchr(r.out, '\xfe'));
    ck_assert_ptr_nonnull(strstr(r.out, "\"kernel\":\t\"k\xef\xbf\xbd.npy\""));
    run_free(&r);
    r = run_expect(0, "ntk-spectrum --kernel k\xfe.npy --out o\xfe.tsv --quiet");
    run_free(&r);
    run_remove("k\xfe.npy");
    run_remove("o\xfe.tsv");
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

START_TEST(the_summary_names_both_laws_with_their_aic)
{
    run_result r = run_expect(0, "ntk-spectrum --sphere 5 --kernel qntk --kernel ntk --format json");
    cJSON *tree = cJSON_Parse(r.out);
    const cJSON *kernel;
    ck_assert_ptr_nonnull(strstr(r.err, "exponent    AIC"));
    ck_assert_ptr_nonnull(strstr(r.err, "rate    AIC"));
    cJSON_ArrayForEach(kernel, cJSON_GetObjectItem(tree, "kernels"))
    {
        const cJSON *summary = cJSON_GetObjectItem(kernel, "summary");
        char line[256];
        const char *name = cJSON_GetObjectItem(kernel, "kernel")->valuestring;
        snprintf(line, sizeof line, "%7.3f +- %6.2g %6.0f  %7.4f +- %6.2g %6.0f",
                 cJSON_GetObjectItem(summary, "exponent")->valuedouble,
                 cJSON_GetObjectItem(summary, "exponent_se")->valuedouble,
                 cJSON_GetObjectItem(summary, "power_aic")->valuedouble,
                 cJSON_GetObjectItem(summary, "rate")->valuedouble,
                 cJSON_GetObjectItem(summary, "rate_se")->valuedouble,
                 cJSON_GetObjectItem(summary, "exponential_aic")->valuedouble);
        ck_assert_msg(strstr(r.err, line) != NULL, "%s: no '%s' in %s", name, line, r.err);
    }
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

START_TEST(complete_kernels_are_written_when_a_later_one_fails)
{
    double eval[41];
    write_identity("I.npy", 40, 0, 0, 1);
    write_identity("nan.npy", 40, 3, 7, NAN);
    run_result r = run_expect(
        1, "ntk-spectrum --data spirals:n=40 --kernel ntk --kernel I.npy --kernel nan.npy --kernel gauss "
           "--quiet");
    ck_assert_uint_eq(read_column(r.out, "ntk", 2, eval, 41), 40);
    ck_assert_uint_eq(read_column(r.out, "I.npy", 2, eval, 41), 40);
    ck_assert_uint_eq(read_column(r.out, "gauss", 2, eval, 41), 0);
    ck_assert_str_eq(r.err, "ntk-spectrum: nan.npy: row 3, column 7: expected a number, found NaN; "
                            "2 of 4 kernels are complete\n");
    run_free(&r);
    run_remove("I.npy");
    run_remove("nan.npy");
}
END_TEST

/* The signal comes while the matrix (600 x 600, 2.9 MB) is being written, before its eigenvalues. */
static const char long_work[] =
    "ntk-spectrum --data sphere:n=600,d=8 --kernel ntk --save-kernel pipe.npy --out s.tsv";

START_TEST(an_interrupt_ends_cleanly_and_leaves_nothing_half_written)
{
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        run_result r = run_signalled(long_work, "pipe.npy", signals[i]);
        ck_assert_msg(r.code == 128 + signals[i], "exit %d: %s", r.code, r.err);
        ck_assert_str_eq(r.err, "ntk-spectrum: interrupted\n");
        ck_assert_uint_eq(run_count_files(), 0);
        run_free(&r);
    }
}
END_TEST

START_TEST(a_signal_that_the_caller_ignores_is_ignored)
{
    const int signals[] = {SIGINT, SIGHUP};
    for (size_t i = 0; i < 2; i++) {
        signal(signals[i], SIG_IGN); /* as nohup does, and a shell for its background jobs */
        run_result r = run_signalled(long_work, "pipe.npy", signals[i]);
        signal(signals[i], SIG_DFL);
        ck_assert_msg(r.code == 0, "exit %d: %s", r.code, r.err);
        run_free(&r);
        run_remove("s.tsv");
    }
}
END_TEST

START_TEST(a_plot_is_drawn_and_a_missing_gnuplot_is_said_before_the_work)
{
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --plot no/dir.png --quiet",
                  "no/dir.png");
    run_result r =
        run_expect(0, "ntk-spectrum --data spirals:n=100 --kernel qntk --plot s.png --out s.tsv --quiet");
    char *png = run_read("s.png");
    ck_assert_ptr_nonnull(png);
    ck_assert_int_eq(memcmp(png, "\x89PNG", 4), 0);
    free(png);
    run_free(&r);
    run_remove("s.png");
    run_remove("s.tsv");
    const char *inherited = getenv("PATH");
    char *path = strdup(inherited != NULL ? inherited : "");
    setenv("PATH", "/nonexistent", 1);
    run_complaint(1, "ntk-spectrum", "ntk-spectrum --data spirals:n=50 --plot s.png",
                  "apt-get install gnuplot");
    setenv("PATH", path, 1);
    free(path);
}
END_TEST

START_TEST(the_shared_data_sets_are_read_and_decompose)
{
    const char *wine = test_shared("datasets/uci/wine");
    if (wine == NULL) {
        test_skip("the shared data sets are not here");
        return;
    }
    char command[4096];
    snprintf(command, sizeof command, "ntk-spectrum --data %s --kernel qntk --quiet", wine);
    run_result r = run_expect(0, command);
    ck_assert_ptr_nonnull(strstr(r.out, "# n=178\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# d=13\n"));
    run_free(&r);
    snprintf(command, sizeof command, "ntk-spectrum --data %s --limit 300 --kernel ntk --quiet",
             test_shared("datasets/mnist/t10k-images-idx3-ubyte.gz"));
    r = run_expect(0, command);
    ck_assert_ptr_nonnull(strstr(r.out, "# n=300\n"));
    ck_assert_ptr_nonnull(strstr(r.out, "# d=784\n"));
    run_free(&r);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, help_and_version_go_to_standard_output);
    tcase_add_test(tcase, bad_usage_exits_with_2);
    tcase_add_test(tcase, an_option_that_would_be_ignored_is_named_with_the_other);
    tcase_add_test(tcase, no_file_is_written_twice_or_over_what_is_read);
    tcase_add_test(tcase, the_recorded_command_is_the_resolved_one);
    tcase_add_test(tcase, bad_input_exits_with_1_and_one_line);
    tcase_add_test(tcase, the_table_describes_itself_and_sums_to_the_trace);
    tcase_add_test(tcase, json_has_every_promised_member_and_the_same_numbers);
    tcase_add_test(tcase, the_bytes_do_not_depend_on_threads_or_on_the_name_of_the_file);
    tcase_add_test(tcase, the_sphere_gives_degrees_with_multiplicities_that_sum_to_the_trace);
    tcase_add_test(tcase, the_leading_eigenvalues_are_those_of_the_whole_spectrum);
    tcase_add_test(tcase, a_saved_kernel_is_a_kernel);
    tcase_add_test(tcase, a_matrix_from_a_file_says_its_size_and_where_it_is_wrong);
    tcase_add_test(tcase, huge_and_tiny_matrices_have_the_dimension_they_have);
    tcase_add_test(tcase, names_that_are_not_utf8_leave_json_valid);
    tcase_add_test(tcase, the_summary_names_both_laws_with_their_aic);
    tcase_add_test(tcase, complete_kernels_are_written_when_a_later_one_fails);
    tcase_add_test(tcase, an_interrupt_ends_cleanly_and_leaves_nothing_half_written);
    tcase_add_test(tcase, a_signal_that_the_caller_ignores_is_ignored);
    tcase_add_test(tcase, a_plot_is_drawn_and_a_missing_gnuplot_is_said_before_the_work);
    tcase_add_test(tcase, the_shared_data_sets_are_read_and_decompose);
}

int main(void)
{
    return test_main("ntk_spectrum", add_tests);
}
