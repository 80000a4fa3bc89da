#include "suite_folder.h"

#include <string.h>

#include "dataset_memory.h"

static void write_list(FILE *file, const size_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%zu ", rows[i]);
    fputc('\n', file);
}

/* Lines of a split of n rows: half and half, or three quarters to train. */
static void write_split(FILE *file, qntk_rng *rng, size_t n, size_t train)
{
    size_t rows[2000];
    ck_assert_uint_le(n, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    qntk_rng_shuffle(rng, rows, n);
    write_list(file, rows, train);
    write_list(file, rows + train, n - train);
}

FILE *suite_open(const char *name, const char *file)
{
    char relative[256];
    snprintf(relative, sizeof relative, "suite/%s/%s", name, file);
    FILE *stream = fopen(test_file_path(relative), "w");
    ck_assert_ptr_nonnull(stream);
    return stream;
}

void suite_make_set(const char *name, size_t n, uint64_t seed, bool own_test)
{
    char file_name[64];
    qntk_rng rng = qntk_rng_create(seed, 0);
    snprintf(file_name, sizeof file_name, "%s.txt", name);
    FILE *file = suite_open(name, file_name);
    fprintf(file, "n_entradas= 2\nn_clases= 3\nn_arquivos= %d\nfich1= rows.dat\nn_patrons1= %zu\n",
            own_test ? 2 : 1, n);
    if (own_test)
        fprintf(file, "fich2= rows.dat\nn_patrons2= %zu\n", n);
    fclose(file);
    file = suite_open(name, "rows.dat");
    fprintf(file, "\tf1\tf2\tclase\n");
    for (size_t i = 0; i < n; i++) {
        const double x = qntk_rng_normal(&rng) + 1.5 * (double)(i % 3 == 1);
        const double z = qntk_rng_normal(&rng) + 1.5 * (double)(i % 3 == 2);
        fprintf(file, "%zu\t%.17g\t%.17g\t%zu\n", i + 1, x, z, i % 3);
    }
    fclose(file);
    file = suite_open(name, "conxuntos.dat");
    write_split(file, &rng, n, n / 2);
    fclose(file);
    if (own_test)
        return;
    file = suite_open(name, "conxuntos_kfold.dat");
    for (int f = 0; f < 4; f++)
        write_split(file, &rng, n, n - n / 4);
    fclose(file);
}

const char *suite_path(void)
{
    return test_file_path("suite");
}

char *suite_find_line(char *text, const char *beginning)
{
    const size_t length = strlen(beginning);
    for (char *line = text; *line != '\0';) {
        if (strncmp(line, beginning, length) == 0)
            return line;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return NULL;
}

/* Cuts the last field of each row: seconds. */
static void cut_seconds(char *tsv)
{
    char *to = tsv;
    for (char *line = tsv; *line != '\0';) {
        char *end = line + strcspn(line, "\n"), *cut = end;
        while (line[0] != '#' && cut > line && *cut != '\t')
            cut--;
        memmove(to, line, (size_t)(cut - line));
        to += cut - line;
        *to++ = '\n';
        line = end + (*end == '\n');
    }
    *to = '\0';
}

void suite_check_same(char *a, char *b, const char *what)
{
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    cut_seconds(a);
    cut_seconds(b);
    ck_assert_msg(strcmp(a, b) == 0, "%s: expected\n%s\nfound\n%s", what, a, b);
}
