# qnn validate --data sphere:n=200,d=10 --hidden 64,64 --out layers.tsv
#
# Sampled roundings beside moment propagation: for each layer the histogram of standardised pre-activations beside the
# normal density, and for some rows the histogram of an output beside its predicted normal density; before and after
# training. The bins at the ends hold what lies beyond. From the TSV file that qnn validate writes:
#     gnuplot -c plots/validate.gp layers.tsv layers.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c validate.gp layers.tsv layers.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the histograms, the test of each layer ------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
inputs = ""; data = ""; header = 0; layers = 0; outputs = 0
array layer_key[64]   # "before,1"
array layer_bins[64]
array layer_test[64]
array output_key[16]  # "before,407,3"
array output_bins[16]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
key(s) = substr(s, 1, strstrt(s, "]=") - 1)
counts(s) = substr(s, strstrt(s, "]=") + 2, strlen(s))
add_layer(s) = layers == 64 ? 0 : (layers = layers + 1, layer_key[layers] = key(s), layer_bins[layers] = counts(s), layer_test[layers] = "", 0)
add_output(s) = outputs == 16 ? 0 : (outputs = outputs + 1, output_key[outputs] = key(s), output_bins[outputs] = counts(s), 0)
head(s) = starts(s, "# inputs=") ? (inputs = after(s, "# inputs="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# histogram[") ? add_layer(after(s, "# histogram[")) : \
          starts(s, "# output[") ? add_output(after(s, "# output[")) : 0
tested(j, k) = layer_key[j] eq k ? (layer_test[j] = sprintf("KS %.3f, p = %.2g", real(strcol(7)), real(strcol(8))), 0) : 0
row(k) = sum [j = 1:layers] (tested(j, k))
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "when" ? 1 : -1, 0) : row(s . "," . strcol(2))
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'when'", table)
if (layers == 0) exit error sprintf("%s: no histograms", table)
when(s) = substr(s, 1, strstrt(s, ",") - 1)
what(s) = substr(s, strstrt(s, ",") + 1, strlen(s))
begins(j) = j == 1 || when(layer_key[j]) ne when(layer_key[j - 1]) ? 1 : 0
output_begins(j) = j == 1 || when(output_key[j]) ne when(output_key[j - 1]) ? 1 : 0

# ---- Look -----------------------------------------------------------------------------------------------------------

# Each stage has its layers in one or more lines of panels, then its outputs; four panels a line at most.
most = 0; run = 0
do for [j = 1:layers] { run = begins(j) ? 1 : run + 1; most = run > most ? run : most }
do for [j = 1:outputs] { run = output_begins(j) ? 1 : run + 1; most = run > most ? run : most }
columns = most > 4 ? 4 : most
rows = 0
do for [j = 1:layers] { run = begins(j) ? 1 : run + 1; rows = rows + (run % columns == (columns == 1 ? 0 : 1)) }
do for [j = 1:outputs] { run = output_begins(j) ? 1 : run + 1; rows = rows + (run % columns == (columns == 1 ? 0 : 1)) }
each = 10.5 # lines of text to a panel and what is around it
lines = 2.4 + rows * each
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, int(38 * lines) font "Sans,26" fontscale 1 linewidth 2.4
    } else {
        set terminal png size 2000, int(38 * lines) font "Sans,20" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, int(17.1 * lines) font "Helvetica,12" linewidth 1.2
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    inches = 0.137 * lines
    set terminal pdfcairo size 7.2, inches font "Helvetica,7.2" fontscale 1 linewidth 1
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }

set output picture
set multiplot
set border 1 linewidth 0.7
set xtics nomirror scale 0.5 autofreq
unset ytics
unset key
set style fill solid 0.35 noborder
set samples 241
normal(z) = exp(-z * z / 2) / sqrt(2 * pi)
low = -6.0; step = 0.25 # of the bins, in predicted deviations

set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : (strlen(data) > 40 ? substr(data, 1, 39) . "…" : data) . ":  ") . inputs . \
    " row" . (inputs eq "1" ? "" : "s") . ". Bars: sampled; line: predicted" at screen 0.5, screen 1 - 1.1 / lines center noenhanced

r = -1 # the line of panels in hand
place = 'set lmargin at screen 0.02 + c * 0.97 / columns; set rmargin at screen (c + 1) * 0.97 / columns; ' . \
    'set tmargin at screen 1 - (4.6 + r * each) / lines; set bmargin at screen 1 - (0.6 + (r + 1) * each) / lines'

# ---- Panels: bars (x, height) of one histogram each, and the density ------------------------------------------------

do for [j = 1:layers] {
    c = begins(j) ? 0 : (c + 1) % columns
    r = r + (c == 0 ? 1 : 0)
    eval place
    bins = words(layer_bins[j]); total = 0.0
    do for [b = 1:bins] { total = total + real(word(layer_bins[j], b)) }
    set print $bars
    do for [b = 1:bins] { print sprintf("%.17g\t%.17g", low + step * (b - 0.5), word(layer_bins[j], b) / total / step) }
    unset print
    peak = 0.4
    stats $bars using 2 nooutput
    peak = STATS_max > peak ? STATS_max : peak
    set xrange [-6:6]
    set xtics -4, 2, 4
    set yrange [0:1.12 * peak]
    set label 2 when(layer_key[j]) . ": layer " . what(layer_key[j]) at graph 0.5, graph 1.22 center noenhanced
    set label 3 layer_test[j] at graph 0.5, graph 1.07 center noenhanced textcolor "#555555"
    plot $bars using 1:2:(step) with boxes linecolor rgb "#0072B2", normal(x) with lines linecolor rgb "#D55E00" linewidth 1.2
    unset object 1
    unset label 1
    # the outputs of a stage follow its last layer
    last = j == layers
    last = last ? 1 : begins(j + 1)
    if (last) { do for [o = 1:outputs] { if (when(output_key[o]) eq when(layer_key[j])) {
        c = output_begins(o) ? 0 : (c + 1) % columns
        r = r + (c == 0 ? 1 : 0)
        eval place
        mean = real(word(output_bins[o], 1)); sd = real(word(output_bins[o], 2))
        bins = words(output_bins[o]); total = 0.0
        do for [b = 3:bins] { total = total + real(word(output_bins[o], b)) }
        set print $bars
        do for [b = 3:bins] { print sprintf("%.17g\t%.17g", mean + sd * (low + step * (b - 2.5)), word(output_bins[o], b) / total / step) }
        unset print
        peak = 0.4
        stats $bars using 2 nooutput
        peak = STATS_max > peak ? STATS_max : peak
        set xtics autofreq
        set xrange [mean - 6 * sd:mean + 6 * sd]
        set yrange [0:1.12 * peak]
        id = what(output_key[o])
        set label 2 when(output_key[o]) . ": row " . substr(id, 1, strstrt(id, ",") - 1) at graph 0.5, graph 1.22 center noenhanced
        name = substr(id, strstrt(id, ",") + 1, strlen(id))
        set label 3 (name eq "output" ? "output" : "output of class " . (strlen(name) > 14 ? substr(name, 1, 13) . "…" : name)) \
            at graph 0.5, graph 1.07 center noenhanced textcolor "#555555"
        plot $bars using 1:2:(sd * step) with boxes linecolor rgb "#009E73", \
            normal((x - mean) / sd) with lines linecolor rgb "#D55E00" linewidth 1.2
    } } }
}
unset multiplot
unset output
