/* Generators: their laws, their labels, their keys. */
#include "dataset_memory.h"

#include <string.h>

static qntk_dataset dataset;

static void generate(const char *spec, uint64_t seed, qntk_task task)
{
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = seed;
    options.task = task;
    ck_assert_ok(qntk_dataset_read(spec, options, &dataset));
}

START_TEST(sphere_points_lie_on_the_sphere_and_have_its_moments)
{
    enum { N = 20000, D = 5 };
    generate("sphere:n=20000,d=5", 1, QNTK_TASK_AUTO);
    ck_assert_str_eq(dataset.name, "sphere");
    double mean[D] = {0}, square[D] = {0}, fourth[D] = {0}, product = 0;
    for (size_t i = 0; i < N; i++) {
        const double *x = dataset.X + i * D;
        double norm = 0;
        for (size_t j = 0; j < D; j++) {
            norm += x[j] * x[j];
            mean[j] += x[j] / N;
            square[j] += x[j] * x[j] / N;
            fourth[j] += pow(x[j], 4) / N;
        }
        product += x[0] * x[0] * x[1] * x[1] / N;
        ck_assert_close(norm, D, 8 * 2.3e-16, D);
    }
    /* on |x|^2 = d: E x_j^2 = 1, E x_j^4 = 3d/(d+2), E x_j^2 x_k^2 = d/(d+2), E x_j^8 = 105
     * d^3/((d+2)(d+4)(d+6)); five standard errors, seed 1 */
    double m4 = 3.0 * D / (D + 2), m22 = (double)D / (D + 2),
           m8 = 105.0 * D * D * D / ((D + 2) * (D + 4) * (D + 6));
    for (size_t j = 0; j < D; j++) {
        ck_assert_close(mean[j], 0, 5, sqrt(1.0 / N));
        ck_assert_close(square[j], 1, 5, sqrt((m4 - 1) / N));
        ck_assert_close(fourth[j], m4, 5, sqrt((m8 - m4 * m4) / N));
    }
    double m44 = 9.0 * D * D * D / ((D + 2) * (D + 4) * (D + 6));
    ck_assert_close(product, m22, 5, sqrt((m44 - m22 * m22) / N));
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(classes_of_the_sphere_are_the_signs_of_its_regression_values)
{
    qntk_dataset values;
    generate("sphere:n=500,d=4,degree=2", 9, QNTK_TASK_REGRESS);
    values = dataset;
    generate("sphere:n=500,d=4,degree=2", 9, QNTK_TASK_AUTO);
    ck_assert_uint_eq(values.classes, 0);
    ck_assert_uint_eq(dataset.classes, 2);
    ck_assert_str_eq(dataset.class_name[0], "-1");
    check_features(&dataset, 500, 4, values.X);
    for (size_t i = 0; i < 500; i++)
        ck_assert_double_eq(dataset.y[i], values.y[i] > 0 ? 1 : 0);
    qntk_dataset_free(&values);
    qntk_dataset_free(&dataset);
}
END_TEST

/* Does a polynomial of this degree in two variables fit y? The residual of y's least squares fit by the 1,
 * cos k phi, sin k phi (k <= degree), which span the polynomials on the circle, over |y|^2. The points are
 * not equally spaced, so the fit solves its normal equations. */
static double circle_residual(const qntk_dataset *data, size_t degree)
{
    enum { MOST = 9 };
    size_t p = 2 * degree + 1;
    double G[MOST][MOST + 1] = {{0}}, basis[MOST], total = 0, rest = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < data->n; i++) {
            double phi = atan2(data->X[2 * i + 1], data->X[2 * i]), fit = 0;
            basis[0] = 1;
            for (size_t k = 1; k <= degree; k++) {
                basis[2 * k - 1] = cos((double)k * phi);
                basis[2 * k] = sin((double)k * phi);
            }
            for (size_t a = 0; a < p; a++) {
                for (size_t b = 0; b < p && pass == 0; b++)
                    G[a][b] += basis[a] * basis[b];
                G[a][p] += pass == 0 ? basis[a] * data->y[i] : 0;
                fit += pass == 1 ? G[a][p] * basis[a] : 0;
            }
            total += pass == 0 ? data->y[i] * data->y[i] : 0;
            rest += pass == 1 ? (data->y[i] - fit) * (data->y[i] - fit) : 0;
        }
        for (size_t a = 0; a < p && pass == 0;
             a++) /* Gauss-Jordan; the matrix is near n/2 times the identity */
            for (size_t b = 0; b < p; b++) {
                double factor = b == a ? 1 - 1 / G[a][a] : G[b][a] / G[a][a];
                for (size_t c = 0; c <= p; c++)
                    G[b][c] -= factor * G[a][c];
            }
    }
    return rest / total;
}

START_TEST(sphere_labels_are_a_polynomial_of_the_degree_asked_for)
{
    generate("sphere:n=400,d=2,degree=3", 4, QNTK_TASK_REGRESS);
    ck_assert_double_lt(circle_residual(&dataset, 3), 1e-24);
    ck_assert_double_gt(circle_residual(&dataset, 2), 1e-3);
    qntk_dataset_free(&dataset);
    generate("sphere:n=400,d=2,degree=1", 4, QNTK_TASK_REGRESS);
    ck_assert_double_lt(circle_residual(&dataset, 1), 1e-24);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(teacher_classes_are_halves_and_its_labels_positively_homogeneous_networks)
{
    generate("teacher:n=1001,d=6,width=64,bits=2", 3, QNTK_TASK_AUTO);
    size_t upper = 0;
    for (size_t i = 0; i < dataset.n; i++)
        upper += dataset.y[i] == 1;
    ck_assert_uint_eq(upper, 500);
    ck_assert_uint_eq(dataset.classes, 2);
    qntk_dataset_free(&dataset);
    /* d = 1: x = +-1, f(1) + f(-1) = sum of |h|: a network of rectifiers; binary weights make all |h| equal
     * 1, so that f takes two values */
    generate("teacher:n=50,d=1,width=32,bits=1", 3, QNTK_TASK_REGRESS);
    for (size_t i = 1; i < dataset.n; i++)
        ck_assert_double_eq(dataset.y[i], dataset.y[dataset.X[i] == dataset.X[0] ? 0 : i]);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(teacher_labels_have_the_second_moment_of_the_parameterization)
{
    /* over random networks, E f(x)^2 = E[relu(h)^2] = E[h^2]/2 = 1 on |x|^2 = d, for every weight law: f from
     * 400 networks at one point each; Var f^2 = E f^4 - 1, about 3 (1 + 5/width) - 1; five standard errors */
    enum { NETWORKS = 400 };
    static const char *const specs[] = {
        "teacher:n=1,d=20,width=50,bits=1", "teacher:n=1,d=20,width=50,bits=1.58",
        "teacher:n=1,d=20,width=50,bits=3", "teacher:n=1,d=20,width=50,bits=real"};
    for (size_t k = 0; k < sizeof specs / sizeof specs[0]; k++) {
        double mean = 0;
        for (uint64_t seed = 0; seed < NETWORKS; seed++) {
            generate(specs[k], seed, QNTK_TASK_REGRESS);
            mean += dataset.y[0] * dataset.y[0] / NETWORKS;
            qntk_dataset_free(&dataset);
        }
        ck_assert_close(mean, 1, 5, sqrt(2.3 / NETWORKS));
    }
}
END_TEST

START_TEST(friedman1_is_its_formula_and_its_noise)
{
    qntk_dataset exact;
    generate("friedman1:n=4000,noise=0", 2, QNTK_TASK_AUTO);
    exact = dataset;
    generate("friedman1:n=4000,noise=2", 2, QNTK_TASK_AUTO);
    ck_assert_uint_eq(exact.d, 10);
    ck_assert_uint_eq(exact.classes, 0);
    check_features(&dataset, 4000, 10, exact.X);
    double sum = 0, square = 0;
    for (size_t i = 0; i < exact.n; i++) {
        const double *x = exact.X + 10 * i;
        double y =
            10 * sin(3.14159265358979323846 * x[0] * x[1]) + 20 * pow(x[2] - 0.5, 2) + 10 * x[3] + 5 * x[4];
        ck_assert_close(exact.y[i], y, 8 * 2.3e-16, 30);
        sum += dataset.y[i] - y;
        square += pow(dataset.y[i] - y, 2);
    }
    ck_assert_close(sum / 4000, 0, 5 * 2, sqrt(1.0 / 4000)); /* five standard errors, seed 2 */
    ck_assert_close(square / 4000, 4, 5 * 4, sqrt(2.0 / 4000));
    qntk_dataset_free(&exact);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(spirals_without_noise_are_half_a_turn_apart)
{
    generate("spirals:n=300,noise=0", 8, QNTK_TASK_AUTO);
    const double pi = 3.14159265358979323846;
    for (size_t i = 0; i < dataset.n; i++) {
        const double *x = dataset.X + 2 * i;
        double radius = hypot(x[0], x[1]), phi = radius * 3.5 * pi - pi / 2 + (dataset.y[i] == 1 ? pi : 0);
        ck_assert_double_eq(dataset.y[i], (double)(i % 2));
        ck_assert_close(x[0], radius * cos(phi), 1e-14, 1);
        ck_assert_close(x[1], radius * sin(phi), 1e-14, 1);
        ck_assert(radius <= 1);
    }
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(the_seed_decides_and_a_smaller_set_is_the_beginning_of_a_larger)
{
    static const char *const small[] = {"sphere:n=30", "friedman1:n=30", "spirals:n=30", "teacher:n=30"};
    static const char *const large[] = {"sphere:n=90", "friedman1:n=90", "spirals:n=90", "teacher:n=90"};
    for (size_t k = 0; k < 4; k++) {
        qntk_dataset first, other;
        generate(small[k], 5, QNTK_TASK_REGRESS);
        first = dataset;
        generate(large[k], 5, QNTK_TASK_REGRESS);
        ck_assert_int_eq(memcmp(first.X, dataset.X, first.n * first.d * sizeof(double)), 0);
        ck_assert_int_eq(memcmp(first.y, dataset.y, first.n * sizeof(double)), 0);
        qntk_dataset_free(&dataset);
        generate(small[k], 6, QNTK_TASK_REGRESS);
        other = dataset;
        ck_assert_int_ne(memcmp(first.X, other.X, first.n * first.d * sizeof(double)), 0);
        qntk_dataset_free(&first);
        qntk_dataset_free(&other);
    }
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
    qntk_dataset one;
    ck_assert_ok(qntk_threads_set(1));
    generate("teacher:n=1000,d=7,width=33", 5, QNTK_TASK_REGRESS);
    one = dataset;
    ck_assert_ok(qntk_threads_set(4));
    generate("teacher:n=1000,d=7,width=33", 5, QNTK_TASK_REGRESS);
    ck_assert_ok(qntk_threads_set(0));
    ck_assert_int_eq(memcmp(one.X, dataset.X, 7000 * sizeof(double)), 0);
    ck_assert_int_eq(memcmp(one.y, dataset.y, 1000 * sizeof(double)), 0);
    qntk_dataset_free(&one);
    qntk_dataset_free(&dataset);
}
END_TEST

START_TEST(each_mistake_in_a_specification_is_named)
{
    static const struct {
        const char *spec, *message;
        qntk_status code;
    } bad[] = {
        {"sphere:q=1", "sphere:q=1: unknown key 'q': expected n d degree", QNTK_INVALID},
        {"spirals:d=3", "unknown key 'd': expected n noise", QNTK_INVALID},
        {"sphere:n", "expected key=value with a key among n d degree, found 'n'", QNTK_INVALID},
        {"sphere:n=5,n=6", "expected each key once, found n twice", QNTK_INVALID},
        {"sphere:n=0", "n: expected a whole number from 1 to 1000000000, found '0'", QNTK_INVALID},
        {"sphere:n=1e3", "found '1e3'", QNTK_INVALID},
        {"sphere:n=-5", "found '-5'", QNTK_INVALID},
        {"sphere:n=", "found ''", QNTK_INVALID},
        {"sphere:,", "expected key=value", QNTK_INVALID},
        {"sphere:", "expected key=value with a key among n d degree, found ''", QNTK_INVALID},
        {"sphere:n=20,d=3,", "expected key=value with a key among n d degree, found ''", QNTK_INVALID},
        {"spirals:n=20,,noise=0", "expected key=value with a key among n noise, found ''", QNTK_INVALID},
        {"sphere:degree=9", "degree: expected a whole number from 1 to 8, found '9'", QNTK_INVALID},
        {"teacher:bits=0", "bits: expected 1, 1.58 (ternary), 2 to 16, or real, found '0'", QNTK_INVALID},
        {"teacher:bits=17", "bits: expected", QNTK_INVALID},
        {"friedman1:noise=-1", "noise: expected a number from 0 to 1e6, found '-1'", QNTK_INVALID},
        {"friedman1:noise=nan", "noise: expected a number", QNTK_INVALID},
        {"sphere:n=1000000000,d=1000000000", "pass a smaller n or d", QNTK_TOO_LARGE},
        {"teacher:n=1,d=1000000000,width=1000000", "pass a smaller n, d or width", QNTK_TOO_LARGE},
        {"spheres", "expected a known kind of data (sphere, teacher,", QNTK_INVALID},
        {"", "expected a known kind of data", QNTK_INVALID},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert_fails(qntk_dataset_read(bad[k].spec, qntk_dataset_defaults(), &dataset), bad[k].code,
                        bad[k].message);
    qntk_dataset_options options = qntk_dataset_defaults();
    options.task = QNTK_TASK_CLASSIFY;
    ck_assert_fails(qntk_dataset_read("friedman1", options, &dataset), QNTK_INVALID,
                    "expected --task auto or regress for a regression problem, found classify");
}
END_TEST

static const char *spec;

static qntk_status read_spec(void *context)
{
    return qntk_dataset_read(spec, qntk_dataset_defaults(), context);
}

static void clean(void *context)
{
    qntk_dataset_free(context);
}

START_TEST(every_allocation_may_fail)
{
    static const char *const specs[] = {"sphere:n=5", "teacher:n=5,width=3", "friedman1:n=5", "spirals:n=5"};
    for (size_t k = 0; k < 4; k++) {
        spec = specs[k];
        check_allocations(read_spec, clean, &dataset);
    }
}
END_TEST

START_TEST(the_file_of_the_data_folder_is_what_its_generator_makes)
{
    qntk_dataset made;
    generate("teacher:n=300,d=5,width=16,bits=1", 0, QNTK_TASK_CLASSIFY);
    made = dataset;
    generate(test_source("data/teacher.csv"), 0, QNTK_TASK_AUTO);
    ck_assert_uint_eq(dataset.classes, 2);
    ck_assert_str_eq(dataset.feature_name[4], "x5");
    ck_assert_str_eq(dataset.class_name[1], made.class_name[1]);
    check_features(&dataset, made.n, made.d, made.X);
    ck_assert_mem_eq(dataset.y, made.y, made.n * sizeof *made.y);
    qntk_dataset_free(&made);
    qntk_dataset_free(&dataset);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, sphere_points_lie_on_the_sphere_and_have_its_moments);
    tcase_add_test(tcase, classes_of_the_sphere_are_the_signs_of_its_regression_values);
    tcase_add_test(tcase, sphere_labels_are_a_polynomial_of_the_degree_asked_for);
    tcase_add_test(tcase, teacher_classes_are_halves_and_its_labels_positively_homogeneous_networks);
    tcase_add_test(tcase, teacher_labels_have_the_second_moment_of_the_parameterization);
    tcase_add_test(tcase, friedman1_is_its_formula_and_its_noise);
    tcase_add_test(tcase, spirals_without_noise_are_half_a_turn_apart);
    tcase_add_test(tcase, the_seed_decides_and_a_smaller_set_is_the_beginning_of_a_larger);
    tcase_add_test(tcase, the_number_of_threads_changes_no_byte);
    tcase_add_test(tcase, the_file_of_the_data_folder_is_what_its_generator_makes);
    tcase_add_test(tcase, each_mistake_in_a_specification_is_named);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("dataset_synth", add_tests);
}
