/* Runs a program of ours as a user would, and keeps what it said. */
#ifndef QNTK_TEST_RUN_H
#define QNTK_TEST_RUN_H

#include "test.h"

typedef struct {
    int code;        /* exit code, or 128 + signal */
    char *out, *err; /* zero-terminated; free with run_free */
} run_result;

/* Runs `arguments` (words separated by single spaces, the first a program of ours such as "ntk-spectrum") in
 * the directory run_directory(). A last word ">FILE" is where standard output goes. If seconds > 0, sends SIGINT
 * after that long, wherever the program is by then. */
run_result run_program(const char *arguments, double seconds);

/* The same, with a signal that comes while the program writes to `pipe`, wherever the clock is: a name among the
 * arguments, which is made a named pipe of that directory for the while. The program must write more than a pipe
 * holds (64 KiB). */
run_result run_signalled(const char *arguments, const char *pipe, int signal);

/* The same, with a signal that comes as soon as the file `name` of that directory has so many lines; not if the program
 * ends before. */
run_result run_watched(const char *arguments, const char *name, size_t lines, int signal);
void run_free(run_result *result);

/* An empty directory of this test program, removed at exit. */
const char *run_directory(void);

/* The whole content of a file in that directory; NULL if it is not there. Free with free. */
char *run_read(const char *name);

/* The number of entries in that directory. */
size_t run_count_files(void);

/* Removes a file of that directory. */
void run_remove(const char *name);

/* Writes `text` into a file of that directory. */
void run_write(const char *name, const char *text);

/* run_program, expecting this exit code. */
run_result run_expect(int code, const char *arguments);

/* Runs, expects the code, silence on standard output and one line of complaint that begins with the program's name
 * and has this text (usage errors: two lines). */
void run_complaint(int code, const char *program, const char *arguments, const char *text);

/* The field under `column` in the row of a TSV whose first field is `first`, as text in a static buffer, or as a
 * number. */
const char *run_field(const char *tsv, const char *first, const char *column);
double run_number(const char *tsv, const char *first, const char *column);

#endif
