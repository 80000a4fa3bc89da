/* See sweep_check.h. */
#include "sweep_check.h"

qntk_sweep sweep_parse(const char *text)
{
    qntk_sweep sweep;
    ck_assert_ok(qntk_sweep_parse("grid", text, &sweep));
    return sweep;
}
