/* The parts of test.h that are functions. */
#include "test.h"

#include <string.h>
#include <unistd.h>

static int skipped;

void test_skip(const char *why)
{
    skipped++;
    printf("SKIPPED: %s\n", why);
    fflush(stdout);
}

static const char *join(const char *variable, const char *relative)
{
    static char path[4][2048];
    static unsigned turn;
    const char *root = getenv(variable);
    if (root == NULL)
        return NULL;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", root, relative);
    return out;
}

const char *test_shared(const char *relative)
{
    const char *path;
    if (getenv("QNTK_SHARED") != NULL) {
        path = join("QNTK_SHARED", relative);
    } else {
        char beside[1024];
        snprintf(beside, sizeof beside, "../shared/%s", relative);
        path = join("QNTK_SOURCE_ROOT", beside);
    }
    return path != NULL && access(path, R_OK) == 0 ? path : NULL;
}

const char *test_source(const char *relative)
{
    const char *path = join("QNTK_SOURCE_ROOT", relative);
    ck_assert_msg(path != NULL, "QNTK_SOURCE_ROOT is not set: run the tests through scripts/test");
    return path;
}

int test_main(const char *name, void (*add_tests)(TCase *tcase))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 0);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int run = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    printf("%s: %d passed, %d failed, %d skipped\n", name, run - failed - skipped, failed, skipped);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
