# qnn validate --data sphere:n=200,d=10 --tangent --out tangent.tsv
#
# Relative Frobenius error of the tangent kernels of finite networks against the formula of infinite width, against the
# width on log-log axes: means with bars of one standard deviation over the networks, the fitted line of each depth, and the
# theory's slope -1/2. A panel for each kind of weights. From the TSV file that qnn validate --tangent writes:
#     gnuplot -c plots/tangent.gp tangent.tsv tangent.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c tangent.gp tangent.tsv tangent.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the kinds of weights and the depths in order ------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
inputs = ""; data = ""; header = 0; laws = 0; depths = 0; rates = ""
array law[64]
array depth[64]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# inputs=") ? (inputs = after(s, "# inputs="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# rate[") ? (rates = rates . after(s, "# ") . "\n", 0) : 0
known = 0
add_law(s) = (known = sum [i = 1:laws] (law[i] eq s), known > 0 || laws == 64 ? 0 : (laws = laws + 1, law[laws] = s, 0))
add_depth(s) = (known = sum [i = 1:depths] (depth[i] eq s), known > 0 || depths == 64 ? 0 : (depths = depths + 1, depth[depths] = s, 0))
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "weights" ? 1 : -1, 0) : (add_law(s), add_depth(strcol(2)))
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'weights'", table)
if (laws == 0) exit error sprintf("%s: no networks", table)
set datafile commentschars "#"
set datafile columnheaders
stats table using (column("width")) nooutput
first = STATS_min; end = STATS_max
stats table using (column("error")) nooutput
low = STATS_min; high = STATS_max

# "rate se scale" of a law and depth, "" if nothing was fitted.
at = 0; rest = ""
values(j, k) = (name = sprintf("rate[%s,%s]=", law[j], depth[k]), at = strstrt(rates, name), \
    at == 0 ? "" : (rest = substr(rates, at + strlen(name), strlen(rates)), substr(rest, 1, strstrt(rest, "\n") - 1)))
fitted(j, k, w) = (words(values(j, k)) == 3 ? exp(real(word(values(j, k), 3)) + real(word(values(j, k), 1)) * log(w)) : NaN)
label_of(j, k) = "depth " . depth[k] . (words(values(j, k)) == 3 ? \
    sprintf(":  %.2f ± %.2f", real(word(values(j, k), 1)), real(word(values(j, k), 2))) : "")

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; a marker for each ----------------------

array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
array mark[8] = [6, 4, 8, 12, 10, 2, 1, 3]
pick(j, size) = (j - 1) % size + 1
columns = laws < 3 ? laws : 3
rows = int(ceil(laws / real(columns)))
lines = 3.4 + rows * (21.4 + 1.2 * (depths + 1)) # in lines of text: 16.4 for a panel, the rest around it and its legend
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
set logscale xy
unset mxtics
unset mytics
set xrange [first / 1.25:end * 1.25]
set yrange [low / 1.6:high * 1.6]
set xtics ("" 1)
tics = 0
do for [e = 0:40] {
    w = 2.0 ** e
    if (w >= first && w <= end) { set xtics add (sprintf("%g", w) w); tics = tics + 1 }
}
if (tics < 2) { set xtics (sprintf("%g", first) first, sprintf("%g", end) end) }
low_power = int(floor(log10(low / 1.6)))
high_power = int(ceil(log10(high * 1.6)))
set xlabel "width" offset 0, 0.3

set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : (strlen(data) > 40 ? substr(data, 1, 39) . "…" : data) . ":  ") . inputs . \
    " rows. Tangent kernel of finite networks against the formula" at screen 0.52, screen 1 - 1.1 / lines center noenhanced

per = (lines - 3.4) / rows
do for [j = 1:laws] {
    r = (j - 1) / columns
    c = (j - 1) % columns
    set lmargin at screen 0.085 + c * 0.915 / columns
    set rmargin at screen 0.065 + (c + 1) * 0.915 / columns
    set tmargin at screen 1 - (3.6 + r * per) / lines
    set bmargin at screen 1 - (r * per + 20) / lines
    if (c == 0) { set ylabel "relative error (Frobenius)" offset 1, 0 } else { unset ylabel }
    set ytics ("" 1)
    do for [e = low_power:high_power] { do for [step in "1 2 5"] {
        at = real(step) * 10.0 ** e
        set ytics add ((c == 0 ? sprintf("%g", at) : "") at)
    } }
    set label 2 law[j] . " weights" at graph 0.5, graph 1.06 center noenhanced
    set key at graph 0, screen 1 - (r * per + 23.0) / lines left top Left reverse samplen 2 spacing 1.0 maxcols 1 noautotitle
    plot high * sqrt(first / x) with lines linecolor rgb "#999999" dashtype 2 linewidth 0.8 title "slope −1/2", \
        for [k = 1:depths] fitted(j, k, x) with lines linecolor rgb colour[pick(k, 7)] linewidth 0.8, \
        for [k = 1:depths] table using (strcol("weights") eq law[j] && strcol("depth") eq depth[k] ? column("width") : NaN): \
            (column("error")):(e = column("error") - column("error_sd"), e > low / 1.6 ? e : low / 1.6):(column("error") + column("error_sd")) \
            with yerrorbars pointtype -1 linecolor rgb colour[pick(k, 7)] linewidth 0.6, \
        for [k = 1:depths] table using (strcol("weights") eq law[j] && strcol("depth") eq depth[k] ? column("width") : NaN): \
            (column("error")) with points linecolor rgb colour[pick(k, 7)] pointtype mark[pick(k, 8)] linewidth 0.9 \
            title label_of(j, k)
    unset object 1
    unset label 1
}
unset multiplot
unset output
