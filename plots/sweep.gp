# qnn noise --sweep data/sweep.grid --out sweep.tsv
#
# Left: the gap of each model against one measure, a colour for each number of bits; right: Kendall's tau of every measure with
# the gap over all models, with its interval. From the TSV file that qnn noise --sweep writes:
#     gnuplot -c plots/sweep.gp sweep.tsv sweep.png [FORMAT [MEASURE]]        or .svg, .pdf
# Without MEASURE, a column of the file, it is the one whose tau is farthest from 0.

if (ARGC < 2) exit error "usage: gnuplot -c sweep.gp sweep.tsv sweep.png|svg|pdf [FORMAT [MEASURE]]"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the correlations over all models, the numbers of bits in order ------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
data = ""; classes = ""; header = 0; groups = 0; measures = 0
array bits[64]
array measure[64]; array tau[64]; array low[64]; array high[64]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
number(s) = s eq "nan" ? NaN : real(s)
field(s, k) = number(after(word(s, k), word("n= tau= low= high=", k)))
note(name, s) = measures == 64 ? 0 : (measures = measures + 1, measure[measures] = name, tau[measures] = field(s, 2), \
    low[measures] = field(s, 3), high[measures] = field(s, 4), 0)
all(s) = (at = strstrt(s, ",all,all]="), at == 0 ? 0 : note(substr(s, 15, at - 1), substr(s, at + 10, strlen(s))))
head(s) = starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# classes=") ? (classes = after(s, "# classes="), 0) : \
          starts(s, "# correlation[") ? all(s) : 0
known(s) = sum [i = 1:groups] (bits[i] eq s)
row(s) = groups == 64 || known(s) > 0 ? 0 : (groups = groups + 1, bits[groups] = s, 0)
line(s, t) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "model" ? 1 : -1, 0) : row(t)
stats table using (line(strcol(1), strcol(2)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'model'", table)
if (groups == 0) exit error sprintf("%s: no models", table)
if (measures == 0) exit error sprintf("%s: no correlations: the sweep is not complete", table)
set datafile commentschars "#"
set datafile columnheaders

chosen = ARGC > 3 ? ARG4 : ""
best = -1.0
do for [k = 1:measures] {
    if (ARGC < 4 && abs(tau[k]) > best) { best = abs(tau[k]); chosen = measure[k] }
}
if (chosen eq "") { chosen = measure[1] }
x(j) = strcol("bits") eq bits[j] && strcol("status") eq "ok" ? column(chosen) : NaN
y(j) = column("gap") * (classes eq "0" ? 1 : 100)
least = 1e300; most = -1e300
stats table using (strcol("status") eq "ok" ? column(chosen) : NaN) nooutput
if (exists("STATS_records") && STATS_records > 0) { least = STATS_min; most = STATS_max }

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; the markers differ as well --------------

array colour[7] = ["#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
array mark[8] = [2, 6, 4, 8, 12, 10, 1, 3]
pick(j, size) = (j - 1) % size + 1
lines = 24 + (measures > 12 ? 1.6 * (measures - 12) : 0)
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, int(38 * lines) font "Sans,28" fontscale 1 linewidth 2.4 pointscale 2
    } else {
        set terminal png size 2000, int(38 * lines) font "Sans,22" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, int(17.1 * lines) font "Helvetica,12.5" linewidth 1.2
    set pointsize 0.5
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    inches = 0.137 * lines
    set terminal pdfcairo size 7.2, inches font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.45
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }
set output picture
set multiplot
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
top = 1 - 3.4 / lines
set tmargin at screen top
set bmargin at screen 3.6 / lines

# ---- Left: the gap against the measure ------------------------------------------------------------------------------

set lmargin at screen 0.075
set rmargin at screen 0.47
set label 1 (strlen(data) > 30 ? substr(data, 1, 29) . "…" : data) . ": gap and " . chosen at screen 0.27, screen 1 - 1.1 / lines \
    center noenhanced
set label 2 "τ with the gap, all models" at screen 0.81, screen 1 - 1.1 / lines center noenhanced
set grid linetype 1 linecolor "#dddddd" linewidth 0.4
set xlabel chosen noenhanced offset 0, 0.3
set ylabel (classes eq "0" ? "test − training error" : "training − test accuracy, points") offset 1, 0
if (least > 0 && most > 30 * least) { set logscale x }
set key at screen 0.48, screen top left top Left reverse noenhanced samplen 1 spacing 1.0 title "bits" left
plot for [j = 1:groups] table using (x(j)):(y(j)) with points linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] \
    linewidth 0.8 title bits[j]
unset label 1
unset label 2
unset object 1
unset logscale

# ---- Right: tau of each measure -------------------------------------------------------------------------------------

set lmargin at screen 0.74
set rmargin at screen 0.985
unset key
unset ylabel
set xlabel "Kendall's τ, 95 % interval" offset 0, 0.3
set xrange [-1:1]
set yrange [measures + 0.6:0.4]
set xtics 0.5
set ytics scale 0 ("" 0)
do for [k = 1:measures] { set ytics add (measure[k] k) noenhanced }
set arrow 1 from 0, 0.4 to 0, measures + 0.6 nohead linecolor rgb "#999999" linewidth 0.7
plot "+" using (tau[int($0) + 1]):(int($0) + 1):(low[int($0) + 1]):(high[int($0) + 1]) every ::0::(measures - 1) \
    with xerrorbars linecolor rgb "#0072B2" pointtype 7 pointsize 0.7 linewidth 1
unset multiplot
unset output
