#include "test.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

/* A fresh directory in /tmp, and a path in it. */
static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/qntk-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int entries(void)
{
    DIR *directory = opendir(folder);
    ck_assert_ptr_nonnull(directory);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

static void remove_folder(void)
{
    DIR *directory = opendir(folder);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void assert_holds(const char *path, const char *expected)
{
    char text[256] = "";
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s is not there", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_file_appears_whole_at_the_commit)
{
    const char *path = in_folder("out.tsv");
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(path, &file));
    ck_assert_ok(qntk_file_printf(file, "%d apples\n", 3));
    ck_assert_ok(qntk_file_write(file, "pears\n", 6));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(entries(), 1);
    ck_assert_ok(qntk_file_commit(&file));
    ck_assert_ptr_null(file);
    assert_holds(path, "3 apples\npears\n");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(an_abort_leaves_the_old_file_and_nothing_else)
{
    const char *path = in_folder("out.tsv");
    put(path, "old\n");
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(path, &file));
    ck_assert_ok(qntk_file_printf(file, "new\n"));
    assert_holds(path, "old\n");
    qntk_file_abort(&file);
    ck_assert_ptr_null(file);
    assert_holds(path, "old\n");
    ck_assert_int_eq(entries(), 1);
    qntk_file_abort(&file);
}
END_TEST

START_TEST(a_replacement_keeps_the_permissions_and_a_new_file_takes_the_umask)
{
    struct stat now;
    qntk_file *file = NULL;
    char path[256];
    snprintf(path, sizeof path, "%s", in_folder("old"));
    put(path, "old\n");
    chmod(path, 0640);
    ck_assert_ok(qntk_file_open(path, &file));
    ck_assert_ok(qntk_file_printf(file, "new\n"));
    ck_assert_ok(qntk_file_commit(&file));
    assert_holds(path, "new\n");
    ck_assert_int_eq(stat(path, &now), 0);
    ck_assert_int_eq(now.st_mode & 07777, 0640);

    mode_t mask = umask(027);
    ck_assert_ok(qntk_file_open(in_folder("fresh"), &file));
    ck_assert_ok(qntk_file_commit(&file));
    umask(mask);
    ck_assert_int_eq(stat(in_folder("fresh"), &now), 0);
    ck_assert_int_eq(now.st_mode & 07777, 0640);
}
END_TEST

START_TEST(a_symbolic_link_is_followed)
{
    char real[256];
    snprintf(real, sizeof real, "%s", in_folder("real"));
    put(real, "old\n");
    ck_assert_int_eq(symlink(real, in_folder("link")), 0);
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(in_folder("link"), &file));
    ck_assert_ok(qntk_file_printf(file, "new\n"));
    ck_assert_ok(qntk_file_commit(&file));
    struct stat now;
    ck_assert_int_eq(lstat(in_folder("link"), &now), 0);
    ck_assert(S_ISLNK(now.st_mode));
    assert_holds(real, "new\n");
}
END_TEST

START_TEST(two_writers_of_one_file_do_not_mix_and_the_last_commit_stays)
{
    const char *path = in_folder("out.tsv");
    qntk_file *first = NULL, *second = NULL;
    ck_assert_ok(qntk_file_open(path, &first));
    ck_assert_ok(qntk_file_open(path, &second));
    ck_assert_ok(qntk_file_printf(first, "first\n"));
    ck_assert_ok(qntk_file_printf(second, "second\n"));
    ck_assert_ok(qntk_file_commit(&second));
    assert_holds(path, "second\n");
    ck_assert_ok(qntk_file_commit(&first));
    assert_holds(path, "first\n");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(refusals_name_the_path_and_the_reason)
{
    qntk_file *file = NULL;
    ck_assert_fails(qntk_file_open(in_folder("missing/out.tsv"), &file), QNTK_IO,
                    "missing/out.tsv: No such file or directory");
    ck_assert_ptr_null(file);
    ck_assert_fails(qntk_file_open(folder, &file), QNTK_IO, "Is a directory");
    ck_assert_fails(qntk_file_open(in_folder("new/"), &file), QNTK_IO, "new/: Is a directory");
    ck_assert_fails(qntk_file_open("", &file), QNTK_IO, ": No such file or directory");
    put(in_folder("plain"), "");
    ck_assert_fails(qntk_file_open(in_folder("plain/out.tsv"), &file), QNTK_IO, "Not a directory");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(missing_permission_is_a_refusal)
{
    /* The superuser may write anywhere: become someone who may not. */
    bool superuser = geteuid() == 0;
    chmod(folder, 0755);
    put(in_folder("plain"), "old\n");
    chmod(in_folder("plain"), 0444);
    if (superuser && seteuid(65534) != 0) {
        test_skip("the superuser cannot become another user here");
        return;
    }
    if (!superuser)
        chmod(folder, 0555);
    qntk_file *file = NULL;
    ck_assert_fails(qntk_file_open(in_folder("out.tsv"), &file), QNTK_IO, "out.tsv: Permission denied");
    if (superuser)
        ck_assert_int_eq(seteuid(0), 0);
    chmod(folder, 0755);
    if (!superuser) /* access() asks for the real user: a read-only file in a writable directory */
        ck_assert_fails(qntk_file_open(in_folder("plain"), &file), QNTK_IO, "plain: Permission denied");
    assert_holds(in_folder("plain"), "old\n");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(a_full_device_is_reported_with_its_name)
{
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open("/dev/full", &file));
    qntk_file_printf(file, "text\n");
    ck_assert_fails(qntk_file_commit(&file), QNTK_IO, "/dev/full: No space left on device");
    ck_assert_ptr_null(file);
}
END_TEST

/* A limit on the file size stands in for a full disk: the write fails in the middle. */
START_TEST(a_write_that_fails_leaves_the_old_file_and_no_temporary)
{
    const char *path = in_folder("out.tsv");
    put(path, "old\n");
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit small = {65536, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(path, &file));
    qntk_status status = QNTK_OK;
    for (int i = 0; i < 100000 && status == QNTK_OK; i++)
        status = qntk_file_printf(file, "a line of a table that is too long for the disk\n");
    ck_assert_int_eq(status, QNTK_IO);
    qntk_status again = qntk_file_write(file, "x", 1);
    qntk_status last = qntk_file_commit(&file);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_eq(again, QNTK_IO);
    ck_assert_int_eq(last, QNTK_IO);
    ck_assert_ptr_nonnull(strstr(qntk_message(), "out.tsv: File too large"));
    assert_holds(path, "old\n");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(a_target_that_became_a_directory_fails_at_the_commit)
{
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(in_folder("out.tsv"), &file));
    ck_assert_int_eq(mkdir(in_folder("out.tsv"), 0700), 0);
    ck_assert_fails(qntk_file_commit(&file), QNTK_IO, "out.tsv: Is a directory");
    ck_assert_int_eq(entries(), 1);
    ck_assert_int_eq(rmdir(in_folder("out.tsv")), 0);
}
END_TEST

START_TEST(an_interrupt_removes_every_temporary_and_no_target)
{
    put(in_folder("a"), "old\n");
    qntk_file *file[3] = {NULL};
    ck_assert_ok(qntk_file_open(in_folder("a"), &file[0]));
    ck_assert_ok(qntk_file_open(in_folder("b"), &file[1]));
    ck_assert_ok(qntk_file_open(in_folder("c"), &file[2]));
    ck_assert_ok(qntk_file_commit(&file[2]));
    ck_assert_int_eq(entries(), 4);
    qntk_file_abort_all();
    ck_assert_int_eq(entries(), 2);
    assert_holds(in_folder("a"), "old\n");
    ck_assert_fails(qntk_file_commit(&file[1]), QNTK_IO, "b: No such file or directory");
    qntk_file_abort(&file[0]);
    ck_assert_int_eq(entries(), 2);
}
END_TEST

static void on_signal(int number)
{
    (void)number;
    qntk_file_abort_all();
    _exit(130);
}

START_TEST(a_signal_handler_can_clean_up)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGINT, on_signal);
        qntk_file *file = NULL;
        if (qntk_file_open(in_folder("out.tsv"), &file) != QNTK_OK)
            _exit(1);
        qntk_file_printf(file, "half\n");
        raise(SIGINT);
        _exit(2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    ck_assert_int_eq(entries(), 0);
}
END_TEST

START_TEST(more_files_than_slots_are_refused_and_slots_return)
{
    qntk_file *file[33] = {NULL};
    char name[16];
    for (int i = 0; i < 32; i++) {
        snprintf(name, sizeof name, "%d", i);
        ck_assert_ok(qntk_file_open(in_folder(name), &file[i]));
    }
    ck_assert_fails(qntk_file_open(in_folder("one more"), &file[32]), QNTK_TOO_LARGE, "more than 32 files");
    for (int i = 0; i < 32; i++)
        qntk_file_abort(&file[i]);
    ck_assert_ok(qntk_file_open(in_folder("one more"), &file[32]));
    qntk_file_abort(&file[32]);
    ck_assert_int_eq(entries(), 0);
}
END_TEST

START_TEST(a_name_of_the_greatest_length_works)
{
    char name[256];
    memset(name, 'x', 255);
    name[255] = '\0';
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(path, &file));
    ck_assert_ok(qntk_file_commit(&file));
    assert_holds(path, "");
}
END_TEST

START_TEST(a_pipe_is_written_to_and_not_replaced)
{
    const char *path = in_folder("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    ck_assert_int_ge(reader, 0);
    qntk_file *file = NULL;
    ck_assert_ok(qntk_file_open(path, &file));
    ck_assert_ok(qntk_file_printf(file, "through\n"));
    ck_assert_ok(qntk_file_commit(&file));
    char text[16] = "";
    ck_assert_int_eq(read(reader, text, sizeof text), 8);
    ck_assert_str_eq(text, "through\n");
    struct stat now;
    ck_assert_int_eq(lstat(path, &now), 0);
    ck_assert(S_ISFIFO(now.st_mode));
    close(reader);
}
END_TEST

/* Runs `body` in a child whose standard output is `descriptor`; returns its exit status. */
static int with_stdout(int descriptor, int (*body)(void))
{
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(descriptor, STDOUT_FILENO);
        close(descriptor);
        _exit(body());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* 0: written; 1: an error with a message; 2: an error without; 3: anything else. */
static int write_standard_output(void)
{
    signal(SIGPIPE, SIG_IGN);
    qntk_file *file = NULL;
    if (qntk_file_open("-", &file) != QNTK_OK || qntk_file_temporary(file) != NULL)
        return 3;
    qntk_file_printf(file, "text\n");
    if (qntk_file_commit(&file) == QNTK_OK)
        return 0;
    if (qntk_message()[0] == '\0')
        return 2;
    return strcmp(qntk_message(), "standard output: No space left on device") == 0 ? 1 : 3;
}

START_TEST(errors_of_standard_output_are_seen)
{
    int full = open("/dev/full", O_WRONLY);
    ck_assert_int_eq(with_stdout(full, write_standard_output), 1);
    close(full);
    int descriptor = open(in_folder("stdout"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(with_stdout(descriptor, write_standard_output), 0);
    close(descriptor);
    assert_holds(in_folder("stdout"), "text\n");
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(with_stdout(ends[1], write_standard_output), 2);
    close(ends[1]);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const char *path = in_folder("out.tsv");
    put(path, "old\n");
    qntk_file *file = NULL;
    qntk_memory_fail_after(-1);
    ck_assert_ok(qntk_file_open(path, &file));
    qntk_file_abort(&file);
    long count = qntk_memory_fail_after(-1);
    ck_assert_int_ge(count, 3);
    for (long i = 0; i < count; i++) {
        qntk_memory_fail_after(i);
        qntk_status status = qntk_file_open(path, &file);
        qntk_memory_fail_after(-1);
        ck_assert_int_eq(status, QNTK_NO_MEMORY);
        ck_assert_ptr_null(file);
        ck_assert_int_eq(entries(), 1);
    }
    assert_holds(path, "old\n");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, a_file_appears_whole_at_the_commit);
    tcase_add_test(tcase, an_abort_leaves_the_old_file_and_nothing_else);
    tcase_add_test(tcase, a_replacement_keeps_the_permissions_and_a_new_file_takes_the_umask);
    tcase_add_test(tcase, a_symbolic_link_is_followed);
    tcase_add_test(tcase, two_writers_of_one_file_do_not_mix_and_the_last_commit_stays);
    tcase_add_test(tcase, refusals_name_the_path_and_the_reason);
    tcase_add_test(tcase, missing_permission_is_a_refusal);
    tcase_add_test(tcase, a_full_device_is_reported_with_its_name);
    tcase_add_test(tcase, a_write_that_fails_leaves_the_old_file_and_no_temporary);
    tcase_add_test(tcase, a_target_that_became_a_directory_fails_at_the_commit);
    tcase_add_test(tcase, an_interrupt_removes_every_temporary_and_no_target);
    tcase_add_test(tcase, a_signal_handler_can_clean_up);
    tcase_add_test(tcase, more_files_than_slots_are_refused_and_slots_return);
    tcase_add_test(tcase, a_name_of_the_greatest_length_works);
    tcase_add_test(tcase, a_pipe_is_written_to_and_not_replaced);
    tcase_add_test(tcase, errors_of_standard_output_are_seen);
    tcase_add_test(tcase, every_allocation_may_fail);
}

int main(void)
{
    return test_main("file", add_tests);
}
