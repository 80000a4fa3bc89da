# kernel-compare --suite ../shared/datasets/uci --out study.tsv
#
# Many data sets: for each kernel its training accuracy against its test accuracy, a point a set, and beside them the gaps as
# box plots. From the TSV file that kernel-compare --suite writes:
#     gnuplot -c plots/suite.gp study.tsv study.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c suite.gp study.tsv study.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: how many sets, the kernels in order ------------------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
sets = ""; header = 0; count = 0
array kernel[64]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
known(s) = sum [i = 1:count] (kernel[i] eq s)
row(s) = count == 64 || known(s) > 0 ? 0 : (count = count + 1, kernel[count] = s, 0)
head(s) = starts(s, "# sets=") ? (sets = after(s, "# sets="), 0) : 0
line(s, t) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "set" ? 1 : -1, 0) : row(t)
stats table using (line(strcol(1), strcol(2)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'set'", table)
if (count == 0) exit error sprintf("%s: no results", table)
set datafile commentschars "#"

array block[count]; array best[count]; array train_mean[count]; array test_mean[count]
lowest = 100.0; gap_low = 0.0; gap_high = 1.0
do for [j = 1:count] { # in per cent
    block[j] = sprintf("$block%d", j)
    set datafile columnheaders
    eval "set table " . block[j]
    plot table using (100 * column("train")):(100 * column("test")):(100 * column("gap")) with table \
        if (strcol(2) eq kernel[j])
    unset table
    unset datafile columnheaders
    eval "stats " . block[j] . " using 1 nooutput"
    train_mean[j] = STATS_mean
    lowest = STATS_min < lowest ? STATS_min : lowest
    eval "stats " . block[j] . " using 2 nooutput"
    test_mean[j] = STATS_mean
    lowest = STATS_min < lowest ? STATS_min : lowest
    eval "stats " . block[j] . " using 3 nooutput"
    gap_low = STATS_min < gap_low ? STATS_min : gap_low
    gap_high = STATS_max > gap_high ? STATS_max : gap_high
}
lowest = 20 * floor((lowest - 1) / 20.0)
lowest = lowest < 0 ? 0 : lowest

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; each panel has its name besides --------

array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
pick(j) = (j - 1) % 7 + 1
columns = int(ceil(sqrt(count)))
rows = int(ceil(real(count) / columns))

# Heights are in lines of text; printed 7.2 inches wide, letters have 7.5 points. The panels take the left 65 %, each
# about square.
wide = 0.58 / columns          # of the width
lines_of_panel = 55 * wide     # as high as wide
longest = 0
do for [j = 1:count] { longest = strlen(kernel[j]) > longest ? strlen(kernel[j]) : longest }
slanted = longest * count > 24 # names below the boxes
below = 3.6 + (slanted && longest > 8 ? 0.3 * (longest - 8) : 0)
lines = 3.2 + rows * lines_of_panel + below
lines = lines < 18.4 + below ? 18.4 + below : lines
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        base = 28
        set terminal pngcairo size 2000, int(38 * lines) font "Sans,28" fontscale 1 linewidth 2.6 pointscale 2
    } else {
        base = 22
        set terminal png size 2000, int(38 * lines) font "Sans,22" linewidth 3
    }
} else { if (format eq "svg") {
    base = 12.5
    set terminal svg size 900, int(17.1 * lines) font "Helvetica,12.5" linewidth 1.2
    set pointsize 0.5
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    base = 7.5
    inches = 0.137 * lines
    set terminal pdfcairo size 7.2, inches font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.45
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }
set output picture
at_most(x) = x < 1 ? x : 1.0
name_font = sprintf(",%g", base * at_most(46.0 / (columns * longest))) # what fits into a panel
mean_font = sprintf(",%g", base * at_most(2.2 / columns))

set multiplot
set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid linetype 1 linecolor "#dddddd" linewidth 0.4
unset key
top = 1 - 3.2 / lines
bottom = below / lines
high = (top - bottom) / rows

# ---- Left: a panel for each kernel --------------------------------------------------------------------------------

set xrange [lowest:101]
set yrange [lowest:101]
set ytics 20
do for [j = 1:count] {
    r = (j - 1) / columns; c = (j - 1) % columns
    set lmargin at screen 0.075 + c * wide
    set rmargin at screen 0.075 + (c + 1) * wide - 0.025
    set tmargin at screen top - r * high - 0.3 / lines
    set bmargin at screen top - (r + 1) * high + 0.7 / lines
    last = j + columns > count
    set xtics lowest + (c > 0 ? 20 : 0), 20 # the first would touch the last of the panel before
    if (last) { set xlabel "train, %" offset 0, 0.3; set format x "%g" } else { unset xlabel; set format x "" }
    if (c == 0) { set ylabel "test, %" offset 1.2, 0; set format y "%g" } else { unset ylabel; set format y "" }
    unset label
    set label 1 kernel[j] at graph 0.04, graph 0.94 left noenhanced textcolor rgb colour[pick(j)] \
        font name_font
    set label 2 sprintf("mean %.1f, %.1f", train_mean[j], test_mean[j]) at graph 0.04, graph 0.94 offset 0, -1.15 left \
        textcolor "#555555" font mean_font
    if (j == 1) {
        set label 3 "Accuracy" . (sets eq "" ? "" : " on " . sets . (sets eq "1" ? " data set" : " data sets")) . \
            ", a point each; cross: mean" at screen 0.075, screen 1 - 1.3 / lines left
    }
    plot x with lines linecolor rgb "#999999" linewidth 0.7, \
        block[j] using 1:2 with points linecolor rgb colour[pick(j)] pointtype 6 pointsize 0.55 linewidth 0.7, \
        "+" using (train_mean[j]):(test_mean[j]) every ::0::0 with points linecolor rgb "black" pointtype 2 \
            pointsize 1 linewidth 1.2
    unset object 1
}

# ---- Right: the gaps ----------------------------------------------------------------------------------------------

unset label
set lmargin at screen 0.74
set rmargin at screen 0.985
set tmargin at screen top - 0.3 / lines
set bmargin at screen bottom + 0.7 / lines
unset xtics
set xtics nomirror scale 0 format "" ()
set format x "%s"
set format y "%g"
unset xlabel
set xrange [0.4:count + 0.6]
set yrange [gap_low - 2:gap_high + 3]
set ytics autofreq
set ylabel "gap = train − test, points" offset 0.4, 0
set label 3 "Gap: quartiles, median" at screen 0.74, screen 1 - 1.3 / lines left
do for [j = 1:count] {
    set xtics add (kernel[j] j) noenhanced
}
if (slanted) { set xtics rotate by 30 right offset 0.5, 0 }
set style boxplot nooutliers range 1.5
set style fill solid 0.25 border
set boxwidth 0.55
jitter(i) = 0.13 * (((int(i) * 37) % 11) / 10.0 - 0.5)
plot 0 with lines linecolor rgb "#999999" linewidth 0.7, \
    for [j = 1:count] block[j] using (1.0 * j):3 with boxplot linecolor rgb colour[pick(j)] linewidth 0.9, \
    for [j = 1:count] block[j] using (j + jitter($0)):3 with points linecolor rgb colour[pick(j)] pointtype 6 \
        pointsize 0.35 linewidth 0.6
unset multiplot
unset output
