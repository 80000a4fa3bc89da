# qnn train --data spirals:n=2000 --hidden 256,256 --first real --b-std 1 --out curve.tsv
#
# Loss, training and test, and the gap between them, against the epoch. From the TSV file that qnn train writes:
#     gnuplot -c plots/train.gp curve.tsv curve.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c train.gp curve.tsv curve.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says -------------------------------------------------------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
n = ""; data = ""; classes = ""; protocol = ""; command = ""; header = 0; rows = 0
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# train_n=") ? (n = after(s, "# train_n="), 0) : \
          starts(s, "# classes=") ? (classes = after(s, "# classes="), 0) : \
          starts(s, "# command=") ? (command = after(s, "# command="), 0) : 0
row(s) = (rows = rows + 1, 0)
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "epoch" ? 1 : -1, 0) : row(s)
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'epoch'", table)
if (rows == 0) exit error sprintf("%s: no epochs", table)
set datafile commentschars "#"
set datafile columnheaders
regression = classes eq "0"
tested = 0
stats table using (tested = tested + (strcol("test") ne "nan"), 0) nooutput
tested = tested > 0

# The value of an option in the recorded command.
option(name) = (at = strstrt(command, " --" . name . " "), at == 0 ? "" : \
    word(substr(command, at + strlen(name) + 4, strlen(command)), 1))
about = option("weights") . " weights, " . option("hidden") . " hidden, " . option("method") . ", " . option("rounding")

# ---- Look ---------------------------------------------------------------------------------------------------------

# Printed 7.2 inches wide, letters have 7.5 points. The colours are of Okabe and Ito, which the colour-blind tell apart;
# the markers differ as well.
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, 720 font "Sans,28" fontscale 1 linewidth 2.6 pointscale 2.6
    } else {
        set terminal png size 2000, 720 font "Sans,22" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, 324 font "Helvetica,12.5" linewidth 1.2
    set pointsize 0.6
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    set terminal pdfcairo size 7.2, 2.6 font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.55
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }
set output picture
train_colour = "#0072B2"; test_colour = "#D55E00"; gap_colour = "#000000"
dots = rows > 60 ? 0 : 0.5 # of many epochs the lines alone

set multiplot layout 1, (tested ? 3 : 2) margins 0.07, 0.985, 0.16, 0.76 spacing 0.09, 0
set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : data . ":  ") . about . ", " . n . " training rows" at screen 0.5, screen 0.95 center noenhanced
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid x y linetype 1 linecolor "#dddddd" linewidth 0.4
set xlabel "epoch" offset 0, 0.3
set xrange [0.5:rows + 0.5]
if (rows < 8) { set xtics 1 }
set key samplen 1.5

# ---- Loss, training and test, gap ---------------------------------------------------------------------------------

set title "training loss" offset 0, 0.3
plot table using (column("epoch")):(column("loss")) with linespoints pointtype 7 pointsize dots linewidth 1.2 linecolor rgb train_colour notitle
unset label 1
unset object 1
set title (regression ? "mean squared error" : "accuracy")
set key at graph 0.5, 1.07 center center maxrows 1
if (tested) {
    plot table using (column("epoch")):(column("train")) with linespoints pointtype 6 pointsize dots linewidth 1.2 linecolor rgb train_colour title "training", \
         table using (column("epoch")):(column("test")) with linespoints pointtype 13 pointsize dots linewidth 1.2 linecolor rgb test_colour title "test"
    set title (regression ? "gap: test - training" : "gap: training - test")
    set xzeroaxis linetype 1 linecolor "#555555" linewidth 0.8
    plot table using (column("epoch")):(column("gap")) with linespoints pointtype 5 pointsize dots linewidth 1.2 linecolor rgb gap_colour notitle
} else {
    plot table using (column("epoch")):(column("train")) with linespoints pointtype 6 pointsize dots linewidth 1.2 linecolor rgb train_colour title "training"
}
unset multiplot
unset output
