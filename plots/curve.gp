# kernel-compare --data teacher:n=1000 --learning-curve 50:800:5 --kernel qntk --kernel laplace --out curve.tsv
#
# Test error against the number of training rows on log-log axes: measured as points with bars of one standard error,
# predicted as lines; over the whole pool of rows, and over the rows held out. With --sphere the predictions alone. From
# the TSV file that kernel-compare --learning-curve writes:
#     gnuplot -c plots/curve.gp curve.tsv curve.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c curve.gp curve.tsv curve.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, its columns, the kernels in order ---------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
n = ""; d = ""; data = ""; fourth = ""; header = 0; count = 0
array kernel[64]
last = ""
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# n=") ? (n = after(s, "# n="), 0) : \
          starts(s, "# d=") ? (d = after(s, "# d="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : 0
row(s) = s eq last || count == 64 ? 0 : (count = count + 1, kernel[count] = s, last = s, 0)
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "kernel" ? 1 : -1, fourth = strcol(4), 0) : row(s)
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'kernel'", table)
if (fourth ne "test_measured" && fourth ne "test_predicted") exit error sprintf("%s: expected a fourth column 'test_measured' or 'test_predicted', found '%s'", table, fourth)
if (count == 0) exit error sprintf("%s: no kernels", table)
set datafile commentschars "#"
set datafile columnheaders
sphere = fourth eq "test_predicted"

# Values of one kernel; on logarithmic axes only what is positive, the lower end of a bar too.
of(j, x) = strcol(1) eq kernel[j] && x > 0 ? x : NaN
lower(x, se) = x - se > x / 100 ? x - se : x / 100

# The range of columns "a b c", over all kernels.
low = 1e300; high = 0.0
range = "low = 1e300; high = 0.0; do for [name in names] { stats table using (column(name) > 0 ? column(name) : NaN) nooutput; " . \
    "if (exists(\"STATS_records\") && STATS_records > 0) { low = STATS_min < low ? STATS_min : low; high = STATS_max > high ? STATS_max : high } }"
stats table using (column("n")) nooutput
first = STATS_min; end = STATS_max

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; a marker for each --------------------

array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
array mark[8] = [6, 4, 8, 12, 10, 2, 1, 3]
pick(j, size) = (j - 1) % size + 1

# Heights are in lines of text: 26 for the panels, 1.15 for each line of the legend. Printed 7.2 inches wide, letters
# have 7.5 points.
entries = count + 2
lines = 26 + 1.15 * entries
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, int(38 * lines) font "Sans,28" fontscale 1 linewidth 2.6 pointscale 2.4
    } else {
        set terminal png size 2000, int(38 * lines) font "Sans,22" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, int(17.1 * lines) font "Helvetica,12.5" linewidth 1.2
    set pointsize 0.55
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    inches = 0.137 * lines
    set terminal pdfcairo size 7.2, inches font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.5
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }

# Tics at round numbers: the fewer, the more decades there are.
steps(a, b) = log10(b / a) < 0.8 ? "1 1.5 2 3 4 5 6 7 8 9" : log10(b / a) < 2.5 ? "1 2 5" : "1"
text(x) = x >= 1e-3 && x < 1e6 ? sprintf("%g", x) : sprintf("10^{%d}", int(floor(log10(x) + 0.5)))
set_tics = "do for [e = int(floor(log10(low))):int(ceil(log10(high)))] { do for [s in steps(low, high)] { at = real(s) * 10.0 ** e; "

set output picture
set multiplot
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid linetype 1 linecolor "#dddddd" linewidth 0.4
set logscale xy
unset mxtics
unset mytics
set xlabel (sphere ? "training points  n" : "training rows  n") offset 0, 0.3
set tmargin at screen 1 - 3.6 / lines
set bmargin at screen (1.15 * entries + 4.8) / lines
unset key
facts = sphere ? "predicted from the exact spectrum on the sphere in " . d . " dimensions" : \
    (data eq "" ? "" : (strlen(data) > 40 ? substr(data, 1, 39) . "…" : data) . ":  ") . "pool of " . n . " rows" . (d eq "" ? "" : ", d = " . d)

set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 facts at screen 0.52, screen 1 - 1.0 / lines center noenhanced
low = first; high = end
set xtics ("" 1)
eval set_tics . "set xtics add (text(at) at) } }"
set xrange [first / 1.12:end * 1.12]

# ---- Left: the whole pool; or, of the sphere, everything ----------------------------------------------------------

names = sphere ? "test_predicted clean_predicted" : "test_measured test_predicted test_finite"
eval range
if (high == 0) exit error sprintf("%s: no error above zero", table)
set ytics ("" 1)
eval set_tics . "set ytics add (text(at) at) } }"
set yrange [low / 1.15:high * 1.15]
set ylabel "mean squared error" offset 1, 0
set lmargin at screen 0.105
if (sphere) {
    set rmargin at screen 0.975
    plot for [j = 1:count] table using (column("n")):(of(j, column("clean_predicted"))) with lines \
             linecolor rgb colour[pick(j, 7)] dashtype 2 linewidth 0.9, \
         for [j = 1:count] table using (column("n")):(of(j, column("test_predicted"))) with linespoints \
             linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.9
} else {
    set label 2 "the whole pool, training rows included" at graph 0.5, screen 1 - 2.7 / lines center textcolor "#555555"
    set rmargin at screen 0.51
    plot for [j = 1:count] table using (column("n")):(of(j, column("test_predicted"))) with lines \
             linecolor rgb colour[pick(j, 7)] dashtype 2 linewidth 0.9, \
         for [j = 1:count] table using (column("n")):(of(j, column("test_finite"))) with lines \
             linecolor rgb colour[pick(j, 7)] linewidth 0.9, \
         for [j = 1:count] table using (column("n")):(of(j, column("test_measured"))):(lower(column("test_measured"), column("test_se"))):(column("test_measured") + column("test_se")) \
             with yerrorbars pointtype -1 linecolor rgb colour[pick(j, 7)] linewidth 0.7, \
         for [j = 1:count] table using (column("n")):(of(j, column("test_measured"))) with points \
             linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.9
}

# ---- Right: the rows held out -------------------------------------------------------------------------------------

unset label
unset object
names = "heldout_measured heldout_predicted heldout_finite"
high = 0
if (!sphere) {
    eval range
}
if (high > 0) {
    set label 2 "the rows held out" at graph 0.5, screen 1 - 2.7 / lines center textcolor "#555555"
    set lmargin at screen 0.585
    set rmargin at screen 0.975
    unset ylabel
    set ytics ("" 1)
    eval set_tics . "set ytics add (text(at) at) } }"
    set yrange [low / 1.15:high * 1.15]
    plot for [j = 1:count] table using (column("n")):(of(j, column("heldout_predicted"))) with lines \
             linecolor rgb colour[pick(j, 7)] dashtype 2 linewidth 0.9, \
         for [j = 1:count] table using (column("n")):(of(j, column("heldout_finite"))) with lines \
             linecolor rgb colour[pick(j, 7)] linewidth 0.9, \
         for [j = 1:count] table using (column("n")):(of(j, column("heldout_measured"))):(lower(column("heldout_measured"), column("heldout_se"))):(column("heldout_measured") + column("heldout_se")) \
             with yerrorbars pointtype -1 linecolor rgb colour[pick(j, 7)] linewidth 0.7, \
         for [j = 1:count] table using (column("n")):(of(j, column("heldout_measured"))) with points \
             linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.9
}

# ---- Below: the legend, in a strip of its own ---------------------------------------------------------------------

unset label
unset border
unset tics
unset xlabel
unset ylabel
unset grid
unset logscale
set tmargin at screen (1.15 * entries + 1.2) / lines
set bmargin at screen 0.3 / lines
set lmargin at screen 0.05
set rmargin at screen 0.98
set xrange [0:1]
set yrange [0:1]
set key at screen 0.06, screen (1.15 * entries + 0.9) / lines left top Left reverse noenhanced samplen 4 spacing 1.0 maxcols 1 noautotitle
solid = sphere ? "error on new points with noisy labels" : "predicted for rows drawn without replacement (points: measured, ± standard error)"
dashed = sphere ? "error against the target without noise" : "predicted for rows drawn independently"
plot for [j = 1:count] NaN with points linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.9 title kernel[j], \
     NaN with lines linecolor rgb "black" linewidth 0.9 title solid, \
     NaN with lines linecolor rgb "black" dashtype 2 linewidth 0.9 title dashed
unset multiplot
unset output
