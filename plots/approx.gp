# qnn approx --function sine --smoothness 2 --sweep 1e-5:1e-1:9 --values 2,4,8 --out approx.tsv
#
# Left the number of weights against eps on log-log axes, for each number of distinct values and for real weights, with the
# fitted exponents; right the measured error against eps, below the line where they are equal. From the TSV file that
# qnn approx writes:
#     gnuplot -c plots/approx.gp approx.tsv approx.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c approx.gp approx.tsv approx.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, and the numbers of values in order ----------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
header = 0; sets = 0; name = ""; dim = ""; smoothness = ""; fits = "\n"
array count[64]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# function=") ? (name = after(s, "# function="), 0) : \
          starts(s, "# dim=") ? (dim = after(s, "# dim="), 0) : \
          starts(s, "# smoothness=") ? (smoothness = after(s, "# smoothness="), 0) : \
          starts(s, "# exponent[") ? (fits = fits . after(s, "# ") . "\n", 0) : 0
known = 0
add(s) = (known = sum [i = 1:sets] (count[i] eq s), known > 0 || sets == 64 ? 0 : (sets = sets + 1, count[sets] = s, 0))
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "eps" ? 1 : -1, 0) : add(strcol(2))
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'eps'", table)
if (sets == 0) exit error sprintf("%s: no networks", table)
set datafile commentschars "#"
set datafile columnheaders
stats table using (column("eps")) nooutput
low = STATS_min; high = STATS_max
set datafile missing NaN # rows of other numbers of values do not break a line

at = 0; rest = ""; key = ""
values(c) = (key = sprintf("\nexponent[%s]=", c), at = strstrt(fits, key), \
    at == 0 ? "" : (rest = substr(fits, at + strlen(key), strlen(fits)), substr(rest, 1, strstrt(rest, "\n") - 1)))
fitted(c) = words(values(c)) == 2 ? sprintf(":  ε^{−%.2f}", real(word(values(c), 1))) : ""

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; a marker for each ----------------------

array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
array mark[8] = [6, 4, 8, 12, 10, 2, 1, 3]
pick(j, size) = (j - 1) % size + 1
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, 900 font "Sans,28" fontscale 1 linewidth 2.6 pointscale 2.4
    } else {
        set terminal png size 2000, 900 font "Sans,22" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, 410 font "Helvetica,12.5" linewidth 1.2
    set pointsize 0.55
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    set terminal pdfcairo size 7.2, 3.3 font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.5
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }

set output picture
set multiplot layout 1, 2 title sprintf("%s in %s variable%s, smoothness %s", name, dim, dim eq "1" ? "" : "s", smoothness)
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid linetype 1 linecolor "#dddddd" linewidth 0.4
set logscale xy
unset mxtics
unset mytics
set format "10^{%L}"
set xrange [high * 1.6:low / 1.6] # finer to the right
set xlabel "ε"
set key left top Left reverse samplen 2 noautotitle
set ylabel "weights"
set autoscale y
set offsets 0, 0, 0, 0
plot for [j = 1:sets] table using (strcol("values") eq count[j] ? column("eps") : NaN):(column("weights")) \
         with linespoints linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.9 \
         title count[j] . " values" . fitted(count[j]), \
     table using (strcol("values") eq count[1] ? column("eps") : NaN):(column("real_weights")) \
         with lines linecolor rgb "#777777" dashtype 2 title "real" . fitted("real")
set key right top
set ylabel "largest error"
plot x with lines linecolor rgb "#999999" dashtype 2 title "ε", \
     for [j = 1:sets] table using (strcol("values") eq count[j] ? column("eps") : NaN):(column("error")) \
         with linespoints linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.9 \
         title count[j] . " values"
unset multiplot
unset output
