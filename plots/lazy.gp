# qnn validate --data friedman1:n=200 --lazy --out lazy.tsv
#
# Gradient descent of quasi networks against descent with their own tangent kernel at the start, means over several networks
# with standard errors. Above: the loss over time, of networks as points and of their kernels as lines; in the middle: how far
# outputs are from those of the kernel (lines with points), and how far the kernel (solid) and the weights (dashed) have moved;
# below: all three at the end against the width, with the lines fitted to the networks and their exponents. A column for each
# kind of weights, a colour for each width; of several depths the first. From the TSV file that qnn validate --lazy writes:
#     gnuplot -c plots/lazy.gp lazy.tsv lazy.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c lazy.gp lazy.tsv lazy.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the kinds of weights and the widths in order ------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
inputs = ""; data = ""; header = 0; laws = 0; widths = 0; depth = ""; rates = " "
array law[64]
array width[64]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# inputs=") ? (inputs = after(s, "# inputs="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# rate[") ? (rates = rates . after(s, "# ") . " ", 0) : 0
known = 0
add_law(s) = (known = sum [i = 1:laws] (law[i] eq s), known > 0 || laws == 64 ? 0 : (laws = laws + 1, law[laws] = s, 0))
add_width(s) = (known = sum [i = 1:widths] (width[i] eq s), known > 0 || widths == 64 ? 0 : (widths = widths + 1, width[widths] = s, 0))
row(s) = (depth = depth eq "" ? strcol(2) : depth, add_law(s), add_width(strcol(3)))
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "weights" ? 1 : -1, 0) : row(s)
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'weights'", table)
if (laws == 0) exit error sprintf("%s: no networks", table)
set datafile commentschars "#"
set datafile columnheaders
of(j, k, x) = strcol("weights") eq law[j] && strcol("width") eq width[k] && strcol("depth") eq depth && x > 0 ? x : NaN
# "rate[law,depth,quantity]=rate se log_scale": the word after so many, NaN if there is none.
rate_key(j, name) = sprintf(" rate[%s,%s,%s]=", law[j], depth, name)
rate_word(j, name, i) = (at = strstrt(rates, rate_key(j, name)), at == 0 ? NaN : \
    real(word(substr(rates, at + strlen(rate_key(j, name)), strlen(rates)), i)))
error(x) = x == x ? x : 0 # of one network there is none
lower(x, e) = x - error(e) > x / 10 ? x - error(e) : x / 10 # on an axis that has no 0
stats table using (column("time")) nooutput
end = STATS_max
low = 1e300; high = 0
do for [name in "loss loss_kernel"] {
    stats table using (column(name)) nooutput
    low = STATS_min < low ? STATS_min : low
    high = STATS_max > high ? STATS_max : high
}
low = low > high / 1e6 ? low : high / 1e6
least = 1e300; most = 0
do for [name in "distance kernel_change weights_change"] {
    stats table using (column("time") > 0 && column(name) > 0 ? column(name) : NaN) nooutput
    if (exists("STATS_records") && STATS_records > 0) {
        least = STATS_min < least ? STATS_min : least
        most = STATS_max > most ? STATS_max : most
    }
}
if (most == 0) { least = 0.01; most = 1 }
least = least > most / 1e5 ? least : most / 1e5

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart ------------------------------------------

array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
array mark[8] = [6, 4, 8, 12, 10, 2, 1, 3]
pick(j, size) = (j - 1) % size + 1
entries = widths + 3
lines = 52.5 + 1.15 * entries
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, int(38 * lines) font "Sans,28" fontscale 1 linewidth 2.4 pointscale 1.6
    } else {
        set terminal png size 2000, int(38 * lines) font "Sans,22" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, int(17.1 * lines) font "Helvetica,12.5" linewidth 1.2
    set pointsize 0.45
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    inches = 0.137 * lines
    set terminal pdfcairo size 7.2, inches font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.4
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }

set output picture
set multiplot
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid linetype 1 linecolor "#dddddd" linewidth 0.4
set logscale y
unset mytics
unset key
set xrange [0:end]
set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : (strlen(data) > 40 ? substr(data, 1, 39) . "…" : data) . ":  ") . inputs . " rows, depth " . depth . \
    ". Training of quasi networks and of their kernels" at screen 0.52, screen 1 - 1.1 / lines center noenhanced
steps(a, b) = log10(b / a) < 0.7 ? "1 1.5 2 3 4 5 6 7 8" : log10(b / a) < 1.2 ? "1 2 5" : "1"

do for [half = 1:2] { do for [j = 1:laws] {
    set lmargin at screen 0.09 + (j - 1) * 0.91 / laws
    set rmargin at screen 0.07 + j * 0.91 / laws
    set tmargin at screen 1 - (half == 1 ? 3.6 : 18.2) / lines
    set bmargin at screen 1 - (half == 1 ? 16.6 : 31.2) / lines
    bottom = half == 1 ? low / 1.15 : least / 1.3
    top = half == 1 ? high * 1.15 : most * 1.3
    set yrange [bottom:top]
    set ytics ("" 1)
    do for [e = int(floor(log10(bottom))):int(ceil(log10(top)))] { do for [step in steps(bottom, top)] {
        at = real(step) * 10.0 ** e
        set ytics add ((j == 1 ? sprintf("%g", at) : "") at)
    } }
    if (j == 1) { set ylabel (half == 1 ? "loss" : "distance, movement") offset 1, 0 } else { unset ylabel }
    if (half == 1) { set label 2 law[j] . " weights" at graph 0.5, graph 1.08 center noenhanced; set format x ""; unset xlabel }
    if (half == 2) { unset label 2; set format x "%g"; set xlabel "time of the fastest mode" offset 0, 0.3 }
    if (half == 1) {
        plot for [k = 1:widths] table using (column("time")):(of(j, k, column("loss_kernel"))) with lines linecolor rgb colour[pick(k, 7)] linewidth 0.9, \
            for [k = 1:widths] table using (column("time")):(of(j, k, column("loss"))):(lower(column("loss"), column("loss_se"))):(column("loss") + error(column("loss_se"))) \
                with yerrorbars linecolor rgb colour[pick(k, 7)] linewidth 0.4 pointtype mark[pick(k, 8)]
    } else {
        plot for [k = 1:widths] table using (column("time")):(of(j, k, column("time") > 0 ? column("distance") : NaN)) with lines linecolor rgb colour[pick(k, 7)] linewidth 0.6, \
            for [k = 1:widths] table using (column("time")):(of(j, k, column("time") > 0 ? column("distance") : NaN)):(lower(column("distance"), column("distance_se"))):(column("distance") + error(column("distance_se"))) \
                with yerrorbars linecolor rgb colour[pick(k, 7)] linewidth 0.4 pointtype mark[pick(k, 8)], \
            for [k = 1:widths] table using (column("time")):(of(j, k, column("kernel_change"))) with lines linecolor rgb colour[pick(k, 7)] linewidth 1.2, \
            for [k = 1:widths] table using (column("time")):(of(j, k, column("weights_change"))) with lines linecolor rgb colour[pick(k, 7)] dashtype 2 linewidth 1
    }
    unset object 1
    unset label 1
} }

# ---- The end of training against the width ---------------------------------------------------------------------------

array quantity[3] = ["distance", "kernel_change", "weights_change"]
array subject[3] = ["outputs", "kernel", "weights"]
array sign[3] = [6, 7, 2]
array stroke[3] = [0.6, 1.2, 1]
array dash[3] = [1, 1, 2]
at_end(j, x) = strcol("weights") eq law[j] && strcol("depth") eq depth && column("time") == end && x > 0 ? x : NaN
narrowest = real(width[1]); widest = real(width[widths])
set logscale xy
set xrange [narrowest / 1.4:widest * 1.4]
set xlabel "width" offset 0, 0.3
set xtics ("" 1)
do for [k = 1:widths] { set xtics add (width[k] real(width[k])) }
do for [j = 1:laws] {
    set lmargin at screen 0.09 + (j - 1) * 0.91 / laws
    set rmargin at screen 0.07 + j * 0.91 / laws
    set tmargin at screen 1 - 35.8 / lines
    set bmargin at screen 1 - 48.8 / lines
    if (j == 1) { set ylabel "at the end ~ width^{rate}" offset 1, 0 } else { unset ylabel }
    set ytics ("" 1)
    do for [e = int(floor(log10(bottom))):int(ceil(log10(top)))] { do for [step in steps(bottom, top)] {
        at = real(step) * 10.0 ** e
        set ytics add ((j == 1 ? sprintf("%g", at) : "") at)
    } }
    do for [q = 1:3] { if (rate_word(j, quantity[q], 1) == rate_word(j, quantity[q], 1)) {
        set label 2 + q sprintf("%s %.2f ± %.2f", subject[q], rate_word(j, quantity[q], 1), rate_word(j, quantity[q], 2)) \
            at graph 0.03, graph 0.31 - 0.085 * q left noenhanced
    } }
    plot for [q = 1:3] exp(rate_word(j, quantity[q], 3)) * x ** rate_word(j, quantity[q], 1) \
            with lines linecolor rgb "black" dashtype dash[q] linewidth stroke[q], \
        for [q = 1:3] table using (column("width")):(at_end(j, column(quantity[q]))):(lower(column(quantity[q]), column(quantity[q] . "_se"))):(column(quantity[q]) + error(column(quantity[q] . "_se"))) \
            with yerrorbars linecolor rgb "black" linewidth 0.5 pointtype sign[q]
    unset label 3
    unset label 4
    unset label 5
}

# ---- Below: the legend, in a strip of its own -----------------------------------------------------------------------

unset label
unset border
unset tics
unset xlabel
unset ylabel
unset grid
unset logscale
set tmargin at screen (1.15 * entries + 1.0) / lines
set bmargin at screen 0.2 / lines
set lmargin at screen 0.05
set rmargin at screen 0.98
set xrange [0:1]
set yrange [0:1]
set key at screen 0.07, screen (1.15 * entries + 0.7) / lines left top Left reverse noenhanced samplen 4 spacing 1.0 maxcols 1 noautotitle
plot for [k = 1:widths] NaN with points linecolor rgb colour[pick(k, 7)] pointtype mark[pick(k, 8)] title "width " . width[k] . (k == 1 ? "  (above: points network, line kernel)" : ""), \
     NaN with linespoints linecolor rgb "black" pointtype 6 linewidth 0.6 title "outputs, from those of the kernel", \
     NaN with linespoints linecolor rgb "black" pointtype 7 linewidth 1.2 title "kernel, from its start", \
     NaN with linespoints linecolor rgb "black" dashtype 2 linewidth 1 pointtype 2 title "weights, from their start"
unset multiplot
unset output
