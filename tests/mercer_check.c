/* See mercer_check.h. */
#include "mercer_check.h"

qntk_mercer mercer_compute(const char *spec, size_t D, size_t degrees)
{
    qntk_kernel kernel;
    qntk_mercer mercer;
    qntk_mercer_options options = qntk_mercer_defaults();
    options.degrees = degrees;
    options.departure = false;
    ck_assert_ok(qntk_kernel_parse(spec, &kernel));
    ck_assert_ok(qntk_kernel_resolve(&kernel, 0, 0, NULL, 0));
    ck_assert_ok(qntk_mercer_compute(&kernel, D, options, &mercer));
    ck_assert_uint_eq(mercer.count, degrees + 1);
    return mercer;
}
