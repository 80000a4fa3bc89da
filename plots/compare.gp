# kernel-compare --data sphere:n=500,d=5 --kernel qntk --kernel ntk --kernel gauss --out compare.tsv
#
# Training and test of each kernel on one line, joined by the gap between them, with bars of one standard deviation over
# the folds; beside them the gap itself. From the TSV file that kernel-compare writes:
#     gnuplot -c plots/compare.gp compare.tsv compare.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c compare.gp compare.tsv compare.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the kernels in order ----------------------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
n = ""; d = ""; data = ""; classes = ""; protocol = ""; header = 0; count = 0
array kernel[64]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# n=") ? (n = after(s, "# n="), 0) : \
          starts(s, "# d=") ? (d = after(s, "# d="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# classes=") ? (classes = after(s, "# classes="), 0) : \
          starts(s, "# protocol=") ? (protocol = after(s, "# protocol="), 0) : 0
row(s) = count < 64 ? (count = count + 1, kernel[count] = s, 0) : 0
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "kernel" ? 1 : -1, 0) : row(s)
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'kernel'", table)
if (count == 0) exit error sprintf("%s: no kernels", table)
set datafile commentschars "#"
set datafile columnheaders
regression = classes eq "0"
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
low = 1e300; high = -1e300
do for [name in "train test"] {
    stats table using (below(name)):(above(name)) nooutput
    low = STATS_min_x < low ? STATS_min_x : low
    high = STATS_max_y > high ? STATS_max_y : high
}
step = nice((high - low) / 4)
stats table using (column("gap") - sd("gap_sd")):(column("gap") + sd("gap_sd")) nooutput
gap_low = STATS_min_x < 0 ? STATS_min_x : 0
gap_high = STATS_max_y > 0 ? STATS_max_y : 0
gap_step = nice((gap_high - gap_low) / 3)
room(a, b) = b > a ? 0.05 * (b - a) : 0.05 * (abs(a) > 0 ? abs(a) : 1)

# ---- Look ---------------------------------------------------------------------------------------------------------

# Heights are in lines of text: 2 for each kernel. Printed 7.2 inches wide, letters have 7.5 points. The colours are of
# Okabe and Ito, which the colour-blind tell apart; the markers differ as well.
lines = 9.5 + 2.0 * (count < 3 ? 3 : count)
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

longest = 6
do for [j = 1:count] { longest = strlen(kernel[j]) > longest ? strlen(kernel[j]) : longest }
longest = longest > 40 ? 40 : longest
shown(s) = strlen(s) > 40 ? substr(s, 1, 39) . "…" : s
left = 0.025 + 0.0105 * longest
middle = left + 0.62 * (0.975 - left)
facts = (n eq "" ? "" : "n = " . n) . (d eq "" ? "" : ", d = " . d) . (protocol eq "" ? "" : ", " . protocol) . \
    (folds ? " (bars: ± sd over them)" : "")
train_colour = "#0072B2"; test_colour = "#D55E00"; gap_colour = "#000000"

set multiplot
set border 1 linewidth 0.7
set tics nomirror scale 0.6
set grid x y linetype 1 linecolor "#dddddd" linewidth 0.4
set tmargin at screen 1 - 4.8 / lines
set bmargin at screen 3.8 / lines
set yrange [count + 0.6:0.4]
set format x "%g"

# ---- Left: training and test --------------------------------------------------------------------------------------

set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : (strlen(data) > 32 ? substr(data, 1, 31) . "…" : data) . ":  ") . facts at screen 0.5, screen 1 - 1.0 / lines center noenhanced
set lmargin at screen left
set rmargin at screen middle - 0.03
set ytics ("" 1) scale 0 noenhanced
do for [j = 1:count] { set ytics add (shown(kernel[j]) j) }
set xlabel (regression ? "mean squared error" : "accuracy") offset 0, 0.3
set xtics step
set xrange [low - room(low, high):high + room(low, high)]
set key at screen left, screen 1 - 2.4 / lines left top Left reverse maxrows 1 samplen 1.5 width 3
plot table using (column("train")):($0 + 1):(column("test") - column("train")):(0) with vectors nohead \
         linecolor rgb "#999999" linewidth 2 notitle, \
     table using (folds ? column("train") : NaN):($0 + 0.88):(below("train")):(above("train")) with xerrorbars pointtype -1 \
         linecolor rgb train_colour linewidth 0.8 notitle, \
     table using (folds ? column("test") : NaN):($0 + 1.12):(below("test")):(above("test")) with xerrorbars pointtype -1 \
         linecolor rgb test_colour linewidth 0.8 notitle, \
     table using (column("train")):($0 + 1) with points pointtype 6 linewidth 1.4 linecolor rgb train_colour title "training", \
     table using (column("test")):($0 + 1) with points pointtype 13 linecolor rgb test_colour title "test"

# ---- Right: the gap -----------------------------------------------------------------------------------------------

unset label
unset object
set lmargin at screen middle + 0.03
set rmargin at screen 0.965
set ytics ("" 1)
do for [j = 1:count] { set ytics add ("" j) }
set xlabel (regression ? "test - training error" : "training - test accuracy") offset 0, 0.3
set xtics gap_step
set xrange [gap_low - room(gap_low, gap_high):gap_high + room(gap_low, gap_high)]
set arrow 1 from first 0, graph 0 to first 0, graph 1 nohead linecolor rgb "#555555" linewidth 0.8
set key at screen middle + 0.03, screen 1 - 2.4 / lines left top Left reverse maxrows 1 samplen 1.5 noautotitle
plot table using (0):($0 + 1):(column("gap")):(0) with vectors nohead linecolor rgb "#999999" linewidth 2, \
     table using (folds ? column("gap") : NaN):($0 + 1):(column("gap_sd")) with xerrorbars pointtype -1 \
         linecolor rgb gap_colour linewidth 0.8, \
     table using (column("gap")):($0 + 1) with points pointtype 5 linecolor rgb gap_colour title "gap"
unset multiplot
unset output
