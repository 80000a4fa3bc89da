/* kernel-compare --bits, run as its users run it. */
#include "run.h"

#include <string.h>

#include <cjson/cJSON.h>

START_TEST(each_precision_is_the_kernel_of_its_name_and_leaving_out_chooses)
{
    const char *const bits[] = {"real", "1", "1.58", "4"};
    const char *const kernels[] = {"ntk:depth=2,b_std=0.1", "qntk:bits=1,depth=2,b_std=0.1,quantize=all",
                                   "qntk:bits=1.58,depth=2,b_std=0.1,quantize=all",
                                   "qntk:bits=4,depth=2,b_std=0.1,quantize=all"};
    const char *columns[] = {"ridge", "train", "test", "gap", "loo", "loo_mse", "kare", "exponent"};
    const char *data = "kernel-compare --data spirals:n=100 --folds 3 --seed 2";
    char command[1024];
    snprintf(command, sizeof command, "%s --bits real,1,1.58,4 --kernel qntk:depth=2,b_std=0.1,quantize=all",
             data);
    run_result b = run_expect(0, command);
    snprintf(command, sizeof command, "%s --kernel %s --kernel %s --kernel %s --kernel %s", data, kernels[0],
             kernels[1], kernels[2], kernels[3]);
    run_result k = run_expect(0, command);
    int chosen = -1, best = 0, marked = 0;
    double loo[4], mse[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_str_eq(run_field(b.out, bits[i], "kernel"), kernels[i]);
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            const double value = run_number(b.out, bits[i], columns[c]);
            ck_assert_msg(run_number(k.out, kernels[i], columns[c]) == value, "%s of %s", columns[c],
                          bits[i]);
        }
        loo[i] = run_number(b.out, bits[i], "loo");
        mse[i] = run_number(b.out, bits[i], "loo_mse");
        if (loo[i] < loo[best] || (loo[i] == loo[best] && mse[i] < mse[best]))
            best = i;
        if (run_number(b.out, bits[i], "chosen") == 1) {
            chosen = i;
            marked++;
        }
    }
    ck_assert_int_eq(marked, 1);
    ck_assert_int_eq(chosen, best);
    ck_assert_ptr_nonnull(strstr(b.err, "This data deserves"));
    ck_assert_ptr_null(strstr(k.err, "This data deserves"));
    run_free(&b);
    run_free(&k);
    snprintf(command, sizeof command, "%s --bits 2,real --plot b.svg --format json --quiet", data);
    b = run_expect(0, command);
    cJSON *tree = cJSON_Parse(b.out);
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "results"), 1);
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "bits")), "real");
    ck_assert(cJSON_HasObjectItem(row, "chosen"));
    cJSON_Delete(tree);
    run_free(&b);
    char *svg = run_read("b.svg");
    ck_assert_ptr_nonnull(strstr(svg, "chosen by leaving out"));
    free(svg);
    run_remove("b.svg");
    ck_assert_uint_eq(run_count_files(), 0);
}
END_TEST

START_TEST(what_is_no_precision_is_bad_usage)
{
    const char *lists[] = {"0",     "17",         "1,",  ",1",  "1,,2",     "real,real",
                           "2,2.0", "1.58,1.585", "two", "1;2", "1,depth=2"};
    char command[256];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        snprintf(command, sizeof command, "kernel-compare --data spirals --bits %s", lists[i]);
        run_complaint(2, "kernel-compare", command, "--bits");
    }
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --bits 1 --solver svm", "--solver svm");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --bits 1 --kernel gauss", "template");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --bits 1 --kernel nngp", "template");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --bits 1 --kernel qntk:bits=2",
                  "gives the precision");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --bits 1 --kernel qntk:levels=5",
                  "gives the precision");
    run_complaint(2, "kernel-compare", "kernel-compare --data spirals --bits 1 --kernel ntk --kernel qntk",
                  "2 are given");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, each_precision_is_the_kernel_of_its_name_and_leaving_out_chooses);
    tcase_add_test(tcase, what_is_no_precision_is_bad_usage);
}

int main(void)
{
    return test_main("compare_bits", add_tests);
}
