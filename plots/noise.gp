# qnn noise --data sphere:n=500,d=20 --out noise.tsv
#
# Noise of a network's layers against the number of bits of its weights: measured (points, with bars of one standard error),
# by moment propagation (lines) and to first order (dashes), and the theory's factor of 4 a bit. A panel for each rounding,
# a colour for each layer. From the TSV file that qnn noise writes:
#     gnuplot -c plots/noise.gp noise.tsv noise.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c noise.gp noise.tsv noise.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the roundings and the layers ----------------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
inputs = ""; data = ""; header = 0; roundings = 0; layers = 0; laws = ""
array rounding[2]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# inputs=") ? (inputs = after(s, "# inputs="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# law[") ? (laws = laws . after(s, "# ") . "\n", 0) : 0
known = 0
add_rounding(s) = (known = sum [i = 1:roundings] (rounding[i] eq s), known > 0 || roundings == 2 ? 0 : (roundings = roundings + 1, rounding[roundings] = s, 0))
add_layer(k) = (layers = k > layers ? k : layers, 0)
row(s) = (add_rounding(s), add_layer(int(real(strcol(3)))))
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "bits" ? 1 : -1, 0) : row(strcol(2))
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'bits'", table)
if (roundings == 0) exit error sprintf("%s: no noise", table)
set datafile commentschars "#"
set datafile columnheaders
set datafile missing NaN # rows of other layers do not break a line
positive(y) = y > 0 ? y : NaN # layers below the first that is rounded have none
stats table using (column("bits")) nooutput
first = STATS_min; end = STATS_max
low = 1e300; high = 0
do for [name in "noise moments first_order"] {
    stats table using (positive(column(name))) nooutput
    if (STATS_records > 0) {
        low = STATS_min < low ? STATS_min : low
        high = STATS_max > high ? STATS_max : high
    }
}
stats table using (column("bits") == end ? positive(column("noise")) : NaN) nooutput
anchor = STATS_records > 0 ? 1.6 * STATS_max : low
if (high == 0) exit error sprintf("%s: no noise above 0", table)

# "factor se exponent se" of a rounding's layer, "" if nothing was fitted.
at = 0; rest = ""
values(r, k) = (name = sprintf("law[%s,%d]=", rounding[r], k), at = strstrt(laws, name), \
    at == 0 ? "" : (rest = substr(laws, at + strlen(name), strlen(laws)), substr(rest, 1, strstrt(rest, "\n") - 1)))
law(r, k) = words(values(r, k)) < 2 ? "" : word(values(r, k), 2) eq "nan" ? "" : \
    sprintf(":  a bit divides by %.2f ± %.2f", real(word(values(r, k), 1)), real(word(values(r, k), 2)))

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; a marker for each ----------------------

array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
array mark[8] = [6, 4, 8, 12, 10, 2, 1, 3]
pick(j, size) = (j - 1) % size + 1
lines = 28.0 + 1.25 * (layers + 1) # in lines of text
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

set output picture
set multiplot
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid linetype 1 linecolor "#dddddd" linewidth 0.4
set logscale y
unset mytics
set xrange [first - 0.4:end + 0.4]
set yrange [low / 2:high * 2]
set xtics (1, "" 1.58)
do for [b = 2:16] { set xtics add (sprintf("%d", b) b) }
set xlabel "bits" offset 0, 0.3
set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : (strlen(data) > 40 ? substr(data, 1, 39) . "…" : data) . ":  ") . inputs . \
    " rows. Points: measured; lines: moment propagation; dashes: first order" at screen 0.5, screen 1 - 1.1 / lines center noenhanced

this(r, k, name) = strcol("rounding") eq rounding[r] && int(column("layer")) == k ? positive(column(name)) : NaN
title_of(r, k) = (k < layers ? sprintf("layer %d", k) : "output") . law(r, k)
do for [r = 1:roundings] {
    set lmargin at screen 0.085 + (r - 1) * 0.915 / roundings
    set rmargin at screen 0.065 + r * 0.915 / roundings
    set tmargin at screen 1 - 3.8 / lines
    set bmargin at screen 1 - 24 / lines
    if (r == 1) { set ylabel "noise" offset 1, 0 } else { unset ylabel }
    set format y (r == 1 ? "10^{%T}" : "")
    set label 2 "rounding: " . rounding[r] at graph 0.5, graph 1.05 center noenhanced
    set key at graph 0, screen 1 - 27.2 / lines left top Left reverse samplen 2 spacing 1.0 maxcols 1 noautotitle
    plot anchor * 4.0 ** (end - x) with lines linecolor rgb "#999999" dashtype 3 linewidth 1.0 title "a quarter for each bit", \
        for [k = 1:layers] table using (column("bits")):(this(r, k, "moments")) smooth unique with lines \
            linecolor rgb colour[pick(k, 7)] linewidth 0.8, \
        for [k = 1:layers] table using (column("bits")):(this(r, k, "first_order")) smooth unique with lines \
            linecolor rgb colour[pick(k, 7)] dashtype 2 linewidth 0.8, \
        for [k = 1:layers] table using (column("bits")):(this(r, k, "noise")): \
            (e = column("noise") - column("noise_se"), e > low / 2 ? e : low / 2):(column("noise") + column("noise_se")) \
            with yerrorbars pointtype -1 linecolor rgb colour[pick(k, 7)] linewidth 0.6, \
        for [k = 1:layers] table using (column("bits")):(this(r, k, "noise")) with points \
            linecolor rgb colour[pick(k, 7)] pointtype mark[pick(k, 8)] linewidth 0.9 title title_of(r, k)
    unset object 1
    unset label 1
}
unset multiplot
unset output
