/* qnn validate --lazy, run as its users run it; its figures beside those of plain twins. */
#include "run.h"

#include <stdbool.h>
#include <string.h>

#include "json.h"

/* ---- lazy training ---- */

enum { LN = 6, LW = 8, LSTEPS = 5 };

/* r' = -K r/n from `from` for the time, by the classical Runge-Kutta method. */
static void integrate(const double *K, double time, const double *from, double *r)
{
    enum { PARTS = 400 };
    const double h = time / PARTS, share[] = {0, h / 2, h / 2, h}, weight[] = {h / 6, h / 3, h / 3, h / 6};
    memcpy(r, from, LN * sizeof *r);
    for (size_t part = 0; part < PARTS; part++) {
        double slope[LN] = {0}, sum[LN] = {0};
        for (size_t stage = 0; stage < 4; stage++) {
            double next[LN] = {0};
            for (size_t i = 0; i < LN; i++)
                for (size_t j = 0; j < LN; j++)
                    next[i] -= K[i * LN + j] * (r[j] + share[stage] * slope[j]) / LN;
            memcpy(slope, next, sizeof slope);
            for (size_t i = 0; i < LN; i++)
                sum[i] += weight[stage] * slope[i];
        }
        for (size_t i = 0; i < LN; i++)
            r[i] += sum[i];
    }
}

static double norm(size_t count, const double *x)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

/* Gradients of all rows, (LN, LW LW + LW), and K from them. */
static void twin_kernel(const qntk_moments_weights *layers, const double *X, double *gradient, double *K)
{
    const size_t count = LW * LW + LW;
    const double unit = 1;
    ck_assert_uint_eq(qntk_tangent_parameters(layers, 2), count);
    for (size_t i = 0; i < LN; i++)
        ck_assert_ok(qntk_tangent_gradient(layers, 2, X + i * LW, &unit, gradient + i * count));
    for (size_t i = 0; i < LN; i++)
        for (size_t j = 0; j < LN; j++) {
            K[i * LN + j] = 0;
            for (size_t k = 0; k < count; k++)
                K[i * LN + j] += gradient[i * count + k] * gradient[j * count + k];
        }
}

/* The target with mean 0 and variance 1. */
static void twin_targets(const qntk_dataset *data, double *y)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < LN; i++)
        mean += data->y[i] / LN;
    for (size_t i = 0; i < LN; i++)
        square += pow(data->y[i] - mean, 2) / LN;
    for (size_t i = 0; i < LN; i++)
        y[i] = (data->y[i] - mean) / sqrt(square);
}

/* The rows through a random linear layer of width LW. */
static void twin_embed(const qntk_dataset *data, uint64_t embedding, double *X)
{
    memset(X, 0, LN * LW * sizeof *X);
    for (size_t k = 0; k < LW; k++) {
        qntk_rng direction = qntk_rng_create(embedding, k);
        for (size_t j = 0; j < data->d; j++) {
            const double z = qntk_rng_normal(&direction) / sqrt((double)data->d);
            for (size_t i = 0; i < LN; i++)
                X[i * LW + k] += z * data->X[i * data->d + j];
        }
    }
}

/* The largest eigenvalue of K, by powers. */
static double twin_largest(const double *K)
{
    double v[LN], largest = 0;
    for (size_t i = 0; i < LN; i++)
        v[i] = 1;
    for (size_t round = 0; round < 2000; round++) {
        double next[LN] = {0};
        for (size_t i = 0; i < LN; i++)
            for (size_t j = 0; j < LN; j++)
                next[i] += K[i * LN + j] * v[j];
        largest = norm(LN, next) / norm(LN, v);
        for (size_t i = 0; i < LN; i++)
            v[i] = next[i] / norm(LN, next);
    }
    return largest;
}

START_TEST(lazy_training_is_plain_descent_beside_its_linear_equation)
{
    enum { COUNT = LW * LW + LW };
    run_result r = run_expect(
        0, "qnn validate --data friedman1:n=6 --lazy --widths 8 --weights binary --steps 5 --seed 2 "
           "--seeds 1 --format json");
    qntk_dataset_options options = qntk_dataset_defaults();
    options.seed = 2;
    qntk_dataset data;
    ck_assert_ok(qntk_dataset_read("friedman1:n=6", options, &data));
    ck_assert_uint_eq(data.n, LN);
    qntk_rng rng = qntk_rng_create(2, UINT64_C(0x6c617a79) << 32);
    const uint64_t seed = qntk_rng_bits(&rng), embedding = qntk_rng_bits(&rng);
    const size_t sizes[] = {LW, LW, 1}, levels[] = {2, 0};
    qntk_network network;
    qntk_moments_weights layers[2];
    static double theta[COUNT], start[COUNT], gradient[LN * COUNT];
    double X[LN * LW], K[LN * LN], K0[LN * LN], y[LN], r0[LN], now[LN], linear[LN], flow[LN];
    ck_assert_ok(qntk_network_create(2, sizes, levels, 0, seed, &network));
    ck_assert_ok(qntk_network_moments(&network, QNTK_ROUNDING_STOCHASTIC, layers));
    memcpy(theta, layers[0].latent, LW * LW * sizeof *theta);
    memcpy(theta + LW * LW, layers[1].latent, LW * sizeof *theta);
    memcpy(start, theta, sizeof start);
    qntk_moments_weights moving[] = {layers[0], layers[1]};
    moving[0].bias = moving[1].bias = NULL; /* no part of a network of b_std 0 */
    moving[0].latent = theta;
    moving[1].latent = theta + LW * LW;
    twin_targets(&data, y);
    twin_embed(&data, embedding, X);
    twin_kernel(moving, X, gradient, K0);
    const double rate = 0.1 * LN / twin_largest(K0);
    cJSON *tree = json_parse(r.out);
    const cJSON *rows = json_array(tree, "lazy", LSTEPS + 1);
    json_array(tree, "layers", 0);
    json_array(tree, "tangent", 0);
    for (int step = 0; step <= LSTEPS; step++) {
        double off[LN], off_weights[COUNT], off_kernel[LN * LN];
        ck_assert_ok(qntk_moments_propagate(moving, 2, LN, X, now, NULL));
        for (size_t i = 0; i < LN; i++)
            now[i] -= y[i];
        if (step == 0) {
            memcpy(r0, now, sizeof r0);
            memcpy(linear, now, sizeof linear);
        }
        twin_kernel(moving, X, gradient, K);
        integrate(K0, rate * step, r0, flow);
        for (size_t i = 0; i < LN; i++)
            off[i] = now[i] - linear[i];
        for (size_t k = 0; k < COUNT; k++)
            off_weights[k] = theta[k] - start[k];
        for (size_t k = 0; k < LN * LN; k++)
            off_kernel[k] = K[k] - K0[k];
        const cJSON *row = cJSON_GetArrayItem(rows, step);
        ck_assert(json_number(row, "step") == step && json_number(row, "width") == LW &&
                  json_number(row, "depth") == 1);
        ck_assert_close(json_number(row, "time"), 0.1 * step, 1e-12, 1);
        ck_assert_relative(json_number(row, "loss"), pow(norm(LN, now), 2) / (2 * LN), 1e-9);
        ck_assert_relative(json_number(row, "loss_kernel"), pow(norm(LN, linear), 2) / (2 * LN), 1e-9);
        ck_assert_relative(json_number(row, "loss_flow"), pow(norm(LN, flow), 2) / (2 * LN), 1e-9);
        ck_assert_close(json_number(row, "distance"), norm(LN, off) / norm(LN, r0), 1e-9, 1);
        ck_assert_close(json_number(row, "kernel_change"), norm(LN * LN, off_kernel) / norm(LN * LN, K0),
                        1e-9, 1);
        ck_assert_close(json_number(row, "weights_change"), norm(COUNT, off_weights) / norm(COUNT, start),
                        1e-9, 1);
        double next[LN];
        for (size_t i = 0; i < LN; i++) {
            next[i] = linear[i];
            for (size_t j = 0; j < LN; j++)
                next[i] -= rate * K0[i * LN + j] * linear[j] / LN;
        }
        memcpy(linear, next, sizeof linear);
        for (size_t k = 0; k < COUNT; k++) {
            for (size_t i = 0; i < LN; i++)
                theta[k] -= rate * now[i] / LN * gradient[i * COUNT + k];
            if (k < LW * LW)
                theta[k] = fmin(fmax(theta[k], -1), 1);
        }
    }
    ck_assert(json_number(cJSON_GetArrayItem(rows, LSTEPS), "kernel_change") > 1e-6); /* it moves at all */
    cJSON_Delete(tree);
    qntk_network_moments_free(&network, layers);
    qntk_network_free(&network);
    qntk_dataset_free(&data);
    run_free(&r);
}
END_TEST

START_TEST(wider_networks_train_more_lazily)
{
    run_result r =
        run_expect(0, "qnn validate --data friedman1:n=30 --inputs 8 --lazy --widths 16,256 --weights real "
                      "--steps 40 --seeds 4 --format json");
    cJSON *tree = json_parse(r.out);
    const cJSON *rows = json_array(tree, "lazy", 42), *narrow = cJSON_GetArrayItem(rows, 20),
                *wide = cJSON_GetArrayItem(rows, 41);
    ck_assert(json_number(narrow, "step") == 40 && json_number(wide, "step") == 40);
    ck_assert(json_number(wide, "loss") < json_number(cJSON_GetArrayItem(rows, 21), "loss"));
    ck_assert(json_number(wide, "distance") <
              json_number(narrow, "distance")); /* theory: a quarter, or less */
    ck_assert(json_number(wide, "kernel_change") < json_number(narrow, "kernel_change"));
    ck_assert(json_number(wide, "weights_change") < json_number(narrow, "weights_change"));
    ck_assert_ptr_nonnull(strstr(r.err, "40 steps of gradient descent on 8 rows"));
    ck_assert_ptr_nonnull(strstr(r.err, "mean +- se over 4 networks"));
    const cJSON *rates = json_array(tree, "rates", 3);
    const double weights = json_number(cJSON_GetArrayItem(rates, 2), "rate");
    ck_assert_close(weights, -1, 4 * json_number(cJSON_GetArrayItem(rates, 2), "rate_se") + 0.1,
                    1); /* O(1) / width */
    cJSON_Delete(tree);
    run_free(&r);
}
END_TEST

/* Last values of one and of two networks for each width: the second by difference. */
START_TEST(means_errors_and_rates_are_those_of_the_networks)
{
    static const char *const quantity[] = {"distance", "kernel_change", "weights_change"};
    static const double widths[] = {8, 16, 48};
    const char *command =
        "qnn validate --data spirals:n=12 --inputs 5 --lazy --widths 8,16,48 --weights ternary --steps "
        "6 --format json --quiet --seeds";
    char text[256];
    cJSON *tree[2];
    for (int k = 0; k < 2; k++) {
        snprintf(text, sizeof text, "%s %d", command, k + 1);
        run_result r = run_expect(0, text);
        tree[k] = json_parse(r.out);
        run_free(&r);
    }
    const cJSON *rates = json_array(tree[1], "rates", 3), *one = json_array(tree[0], "lazy", 21),
                *two = json_array(tree[1], "lazy", 21);
    for (int q = 0; q < 3; q++) {
        double x[6], y[6], mx = 0, my = 0, xx = 0, xy = 0, rest = 0;
        for (int w = 0; w < 3; w++) {
            const cJSON *row = cJSON_GetArrayItem(two, 7 * w + 6);
            char se[64];
            snprintf(se, sizeof se, "%s_se", quantity[q]);
            const double a = json_number(cJSON_GetArrayItem(one, 7 * w + 6), quantity[q]);
            const double b = 2 * json_number(row, quantity[q]) - a;
            ck_assert(json_number(row, "step") == 6 && json_number(row, "seeds") == 2 &&
                      json_number(row, "width") == widths[w]);
            ck_assert_relative(json_number(row, se), fabs(a - b) / 2, 1e-9);
            ck_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(one, 7 * w + 6), se)));
            x[2 * w] = x[2 * w + 1] = log(widths[w]);
            y[2 * w] = log(a);
            y[2 * w + 1] = log(b);
        }
        for (int k = 0; k < 6; k++) {
            mx += x[k] / 6;
            my += y[k] / 6;
        }
        for (int k = 0; k < 6; k++) {
            xx += (x[k] - mx) * (x[k] - mx);
            xy += (x[k] - mx) * (y[k] - my);
        }
        for (int k = 0; k < 6; k++)
            rest += pow(y[k] - my - xy / xx * (x[k] - mx), 2);
        const cJSON *rate = cJSON_GetArrayItem(rates, q);
        ck_assert_str_eq(cJSON_GetObjectItem(rate, "quantity")->valuestring, quantity[q]);
        ck_assert_relative(json_number(rate, "rate"), xy / xx, 1e-9);
        ck_assert_relative(json_number(rate, "rate_se"), sqrt(rest / 4 / xx), 1e-9);
        ck_assert_relative(json_number(rate, "log_scale"), my - xy / xx * mx, 1e-9);
    }
    cJSON_Delete(tree[0]);
    cJSON_Delete(tree[1]);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, lazy_training_is_plain_descent_beside_its_linear_equation);
    tcase_add_test(tcase, wider_networks_train_more_lazily);
    tcase_add_test(tcase, means_errors_and_rates_are_those_of_the_networks);
}

int main(void)
{
    return test_main("qnn_lazy", add_tests);
}
