/* Pictures, drawn by gnuplot from a table. */
#ifndef QNTK_PLOT_H
#define QNTK_PLOT_H

#include "qntk/decay.h"
#include "qntk/file.h"
#include "qntk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Draws `picture` (.png, .svg or .pdf) from the TSV file `table` with the gnuplot script plots/`script`.gp
 * ("decay"), which is sought in $QNTK_PLOTS, beside this program (../share/qntk/plots, ../plots, ../../plots)
 * and where qntk was installed. The picture appears whole or not at all. gnuplot is started without a shell.
 * QNTK_UNSUPPORTED: no gnuplot (with the command that installs it); QNTK_INVALID: another ending; QNTK_IO:
 * the script or the table is not there, the picture cannot be written, or gnuplot failed, with the last line
 * it said; QNTK_INTERRUPTED; QNTK_NO_MEMORY. For a table that is no file (standard output, JSON), write one
 * that is never committed: qntk_file_open("picture.png.tsv", &file); ..; qntk_file_flush(file);
 *     qntk_plot("decay", qntk_file_temporary(file), "picture.png"); qntk_file_abort(&file); */
qntk_status qntk_plot(const char *script, const char *table, const char *picture);

/* QNTK_OK if qntk_plot could start: gnuplot and the script are found and the ending is known. To be asked
 * before long work. Codes as above. */
qntk_status qntk_plot_check(const char *script, const char *picture);

/* Writes what decay.gp reads beyond the rows, three lines for the head of the table: "floor[KERNEL]=1.2e-13"
 * (left out where it is the smallest number), "decay[KERNEL]=" the verdict, and "fit[KERNEL]=law first last
 * log_scale slope shape" of the winning law (left out if undetermined). What qntk_file_write returns. */
qntk_status qntk_plot_note(qntk_file *file, const char *kernel, const qntk_decay *decay);

#ifdef __cplusplus
}
#endif
#endif
