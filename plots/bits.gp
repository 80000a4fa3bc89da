# kernel-compare --data sphere:n=500,d=5 --bits 1,1.58,2,3,4,8,real --out bits.tsv
#
# How many bits does this data deserve? Training, test and left out, and the gap, against the precision of the weights; the
# precision that leaving out chooses is shaded. From the TSV file that kernel-compare --bits writes:
#     gnuplot -c plots/bits.gp bits.tsv bits.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c bits.gp bits.tsv bits.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the precisions in order ---------------------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
n = ""; d = ""; data = ""; classes = ""; protocol = ""; header = 0; count = 0
array bits[64]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# n=") ? (n = after(s, "# n="), 0) : \
          starts(s, "# d=") ? (d = after(s, "# d="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# classes=") ? (classes = after(s, "# classes="), 0) : \
          starts(s, "# protocol=") ? (protocol = after(s, "# protocol="), 0) : 0
row(s) = count < 64 ? (count = count + 1, bits[count] = s, 0) : 0
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "bits" ? 1 : -1, 0) : row(s)
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'bits'", table)
if (count == 0) exit error sprintf("%s: no precisions", table)
set datafile commentschars "#"
set datafile columnheaders
regression = classes eq "0"
chosen = 0
stats table using (chosen = strcol("chosen") eq "1" ? $0 + 1 : chosen, 0) nooutput
folds = 0 # bars only where there are several
stats table using (folds = folds + (strcol("gap_sd") ne "nan"), 0) nooutput
folds = folds > 0

# About four steps over a range, of 1, 2 or 5 times a power of ten.
power(x) = 10.0 ** floor(log10(x))
nice(x) = x <= 0 ? 1 : x / power(x) < 1.5 ? power(x) : x / power(x) < 3.5 ? 2 * power(x) : x / power(x) < 7.5 ? 5 * power(x) : 10 * power(x)
sd(name) = folds ? column(name) : 0
capped(x) = regression || x < 1 ? x : 1 # no accuracy is above 1, nor anything below 0
above(name) = capped(column(name) + sd(name . "_sd"))
below(name) = (x = column(name) - sd(name . "_sd"), x > 0 ? x : 0)
out(name) = regression ? column(name) : 1 - column(name) # errors left out
low = 1e300; high = -1e300
do for [name in "train test"] {
    stats table using (below(name)):(above(name)) nooutput
    low = STATS_min_x < low ? STATS_min_x : low
    high = STATS_max_y > high ? STATS_max_y : high
}
stats table using (out("loo")) nooutput
low = STATS_min < low ? STATS_min : low
high = STATS_max > high ? STATS_max : high
stats table using (column("gap") - sd("gap_sd")):(column("gap") + sd("gap_sd")) nooutput
gap_low = STATS_min_x < 0 ? STATS_min_x : 0
gap_high = STATS_max_y > 0 ? STATS_max_y : 0
room(a, b) = b > a ? 0.06 * (b - a) : 0.06 * (abs(a) > 0 ? abs(a) : 1)

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; the markers differ as well -------------

lines = 28.4
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, int(38 * lines) font "Sans,28" fontscale 1 linewidth 2.6 pointscale 2.6
    } else {
        set terminal png size 2000, int(38 * lines) font "Sans,22" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, int(17.1 * lines) font "Helvetica,12.5" linewidth 1.2
    set pointsize 0.6
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    inches = 0.137 * lines
    set terminal pdfcairo size 7.2, inches font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.55
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }
set output picture
facts = (n eq "" ? "" : "n = " . n) . (d eq "" ? "" : ", d = " . d) . (protocol eq "" ? "" : ", " . protocol) . \
    (folds ? " (bars: ± sd over them)" : "")
train_colour = "#0072B2"; test_colour = "#D55E00"; out_colour = "#009E73"

set multiplot
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid y linetype 1 linecolor "#dddddd" linewidth 0.4
set tmargin at screen 1 - 6.2 / lines
set bmargin at screen 4.2 / lines
set xrange [0.5:count + 0.5]
set xtics ("" 1)
do for [j = 1:count] { set xtics add (bits[j] j) }
set xlabel "bits of a weight" offset 0, 0.3
set format y "%g"

# ---- Left: training, test, left out -------------------------------------------------------------------------------

set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
if (chosen > 0) {
    set object 2 rectangle from first chosen - 0.4, graph 0 to first chosen + 0.4, graph 1 behind \
        fillcolor "#eeeeee" fillstyle solid noborder
    set label 2 "shaded: chosen by leaving out" at screen 0.5, screen 1 - 2.4 / lines center textcolor "#555555"
}
set label 1 (data eq "" ? "" : (strlen(data) > 32 ? substr(data, 1, 31) . "…" : data) . ":  ") . facts at screen 0.5, screen 1 - 1.0 / lines center noenhanced
set lmargin at screen 0.095
set rmargin at screen 0.565
set label 3 (regression ? "mean squared error" : "accuracy") at screen 0.018, screen 0.5 center rotate
set ytics nice((high - low) / 4)
set yrange [low - room(low, high):high + room(low, high)]
set key at screen 0.095, screen 1 - 3.8 / lines left top Left reverse maxrows 1 samplen 2.5 width 2
plot table using (folds ? $0 + 0.94 : NaN):(below("train")):(0):(above("train") - below("train")) with vectors nohead \
         linecolor rgb train_colour linewidth 0.8 notitle, \
     table using (folds ? $0 + 1.06 : NaN):(below("test")):(0):(above("test") - below("test")) with vectors nohead \
         linecolor rgb test_colour linewidth 0.8 notitle, \
     table using ($0 + 1):(column("train")) with lines linewidth 1.2 linecolor rgb train_colour notitle, \
     table using ($0 + 1):(column("train")) with points pointtype 6 linewidth 1.4 linecolor rgb train_colour title "training", \
     table using ($0 + 1):(out("loo")) with lines dashtype 2 linewidth 1.2 linecolor rgb out_colour notitle, \
     table using ($0 + 1):(out("loo")) with points pointtype 8 linewidth 1.4 linecolor rgb out_colour title "left out", \
     table using ($0 + 1):(column("test")) with lines linewidth 1.2 linecolor rgb test_colour notitle, \
     table using ($0 + 1):(column("test")) with points pointtype 13 linewidth 1.4 linecolor rgb test_colour title "test"

# ---- Right: the gap -----------------------------------------------------------------------------------------------

unset label
unset object 1
set lmargin at screen 0.68
set rmargin at screen 0.975
set label 4 (regression ? "test - training error" : "training - test accuracy") at screen 0.597, screen 0.5 center rotate
set ytics nice((gap_high - gap_low) / 4)
set yrange [gap_low - room(gap_low, gap_high):gap_high + room(gap_low, gap_high)]
set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead linecolor rgb "#555555" linewidth 0.8
set key at screen 0.68, screen 1 - 3.8 / lines left top Left reverse maxrows 1 samplen 2.5 width 2
plot table using (folds ? $0 + 1 : NaN):(column("gap") - column("gap_sd")):(0):(2 * column("gap_sd")) with vectors nohead \
         linecolor rgb "#000000" linewidth 0.8 notitle, \
     table using ($0 + 1):(column("gap")) with lines linewidth 1.2 linecolor rgb "#000000" notitle, \
     table using ($0 + 1):(column("gap")) with points pointtype 5 linewidth 1.4 linecolor rgb "#000000" title "gap"
unset multiplot
unset output
