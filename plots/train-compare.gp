# qnn train .. --weights real --out real.tsv; qnn train .. --weights binary --out binary.tsv; ..
#
# Several runs in one picture: training loss, test accuracy (or error) and the gap against the epoch, a colour and a mark for each
# run, which is named by its weights and method. Without test rows, training accuracy alone. From the TSV files that qnn train
# writes, at most 8, in the order of the legend:
#     gnuplot -c plots/train-compare.gp real.tsv binary.tsv ternary.tsv curves.png        or .svg, .pdf
#     gnuplot -e "files='real.tsv binary.tsv ternary.tsv'; output='curves.png'" plots/train-compare.gp

array file[8]
runs = 0
if (exists("files") && exists("output")) {
    runs = words(files)
    if (runs <= 8) { do for [i = 1:runs] { file[i] = word(files, i) } }
    picture = output
} else {
    if (!exists("ARGC")) { exit error "usage: gnuplot -c train-compare.gp log.tsv .. curves.png|svg|pdf" }
    if (ARGC < 2) { exit error "usage: gnuplot -c train-compare.gp log.tsv .. curves.png|svg|pdf" }
    runs = ARGC - 1
    do for [i = 1:runs] { if (i <= 8) { file[i] = value(sprintf("ARG%d", i)) } }
    picture = value(sprintf("ARG%d", ARGC))
}
if (runs < 1 || runs > 8) exit error sprintf("expected 1 to 8 files, found %d", runs)
format = strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : ""
set encoding utf8

# ---- What the files say -------------------------------------------------------------------------------------------

set datafile separator "\t"
array name[8]
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# train_n=") ? (n = after(s, "# train_n="), 0) : \
          starts(s, "# classes=") ? (classes = after(s, "# classes="), 0) : \
          starts(s, "# command=") ? (command = after(s, "# command="), 0) : 0
row(s) = (rows = rows + 1, 0)
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "epoch" ? 1 : -1, 0) : row(s)
# The value of an option in the recorded command.
option(name) = (at = strstrt(command, " --" . name . " "), at == 0 ? "" : \
    word(substr(command, at + strlen(name) + 4, strlen(command)), 1))
weights(w) = starts(w, "bits=") ? after(w, "bits=") . " bits" : w
about(method, rounding) = option("weights") eq "real" ? "" : method eq "ana" ? " annealed" : method eq "ste" ? " straight-through" : \
    rounding eq "nearest" ? " to nearest" : ""
neurons(a) = a eq "" || a eq "relu" ? "" : ", " . weights(a) . " activations"
data = ""; n = ""; classes = ""; tested = 0; longest = 0; low = 1e300; high = 0
do for [i = 1:runs] {
    command = ""; header = 0; rows = 0
    set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
    set datafile nocolumnheaders
    stats file[i] using (line(strcol(1)), 0) nooutput
    if (header != 1) { exit error sprintf("%s: expected a first column 'epoch'", file[i]) }
    if (rows == 0) { exit error sprintf("%s: no epochs", file[i]) }
    set datafile commentschars "#"
    set datafile columnheaders
    stats file[i] using (tested = tested + (strcol("test") ne "nan"), 0) nooutput
    name[i] = weights(option("weights")) . about(option("method"), option("rounding")) . neurons(option("activations"))
    if (strlen(option("weights")) == 0) { name[i] = file[i] }
    stats file[i] using (column("loss") > 0 ? column("loss") : NaN) nooutput
    if (exists("STATS_records") && STATS_records > 0) {
        low = STATS_min < low ? STATS_min : low
        high = STATS_max > high ? STATS_max : high
    }
    longest = rows > longest ? rows : longest
}
# Two of one name: their files tell them apart.
do for [i = 1:runs] {
    same = sum [k = 1:runs] (name[k] eq name[i])
    if (same > 1) { do for [k = runs:i:-1] { if (name[k] eq name[i]) { name[k] = name[k] . " (" . file[k] . ")" } } }
}
regression = classes eq "0"
tested = tested > 0

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart ----------------------------------------

array colour[8] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"]
array mark[8] = [7, 5, 9, 11, 13, 6, 4, 8]
strips = int((runs + 2) / 3)
lines = 20 + 1.3 * strips
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
dots = longest > 60 ? 0 : 0.5 # of many epochs the lines alone

steps = high > 0 && log10(high / low) < 0.7 ? "1 1.5 2 3 4 5 6 7 8" : high > 0 && log10(high / low) < 1.2 ? "1 2 5" : "1"
set multiplot
set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : data . ":  ") . n . " training rows" at screen 0.5, screen 1 - 0.9 / lines center noenhanced
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid x y linetype 1 linecolor "#dddddd" linewidth 0.4
set xlabel "epoch" offset 0, 0.3
set xrange [0.5:longest + 0.5]
if (longest < 8) { set xtics 1 }
set tmargin at screen 1 - 3.9 / lines
set bmargin at screen (3.6 + 1.3 * strips) / lines
unset key
panels = tested ? 3 : 2
panel_left(k) = 0.07 + (k - 1) * (0.985 - 0.07 + 0.075) / panels
panel_right(k) = panel_left(k) + (0.985 - 0.07 + 0.075) / panels - 0.075

# ---- Loss, test, gap ----------------------------------------------------------------------------------------------

measure = regression ? "mean squared error" : "accuracy"
array shown[3] = ["loss", tested ? "test" : "train", "gap"]
array heading[3] = ["training loss", (tested ? "test " : "training ") . measure, regression ? "gap: test - training" : "gap: training - test"]
do for [k = 1:panels] {
    set lmargin at screen panel_left(k)
    set rmargin at screen panel_right(k)
    set title heading[k] offset 0, -0.3
    if (k == 1 && high > 0) {
        set logscale y
        set yrange [low / 1.15:high * 1.15]
        unset mytics
        set ytics ("" 1)
        do for [e = int(floor(log10(low / 1.15))):int(ceil(log10(high * 1.15)))] { do for [step in steps] {
            at = real(step) * 10.0 ** e
            set ytics add (step eq "1" && (e < -2 || e > 3) ? sprintf("10^{%d}", e) : sprintf("%g", at) at)
        } }
    } else {
        unset logscale y
        set autoscale y
        set ytics autofreq
    }
    if (k == 3) { set xzeroaxis linetype 1 linecolor "#555555" linewidth 0.8 }
    plot for [i = 1:runs] file[i] using (column("epoch")):(k > 1 || column(shown[k]) > 0 ? column(shown[k]) : NaN) \
        with linespoints pointtype mark[i] pointsize dots linewidth 1.2 linecolor rgb colour[i]
    unset object 1
    unset label 1
}

# ---- The legend, in a strip of its own ------------------------------------------------------------------------------

unset title
unset border
unset tics
unset xlabel
unset grid
unset logscale
unset xzeroaxis
set lmargin at screen 0.02
set rmargin at screen 0.98
set tmargin at screen (1.3 * strips + 0.6) / lines
set bmargin at screen 0.2 / lines
set xrange [0:1]
set yrange [0:1]
set key at screen 0.5, screen (1.3 * strips + 0.4) / lines center top Left reverse noenhanced samplen 2.5 maxcols 3 noautotitle
plot for [i = 1:runs] NaN with linespoints pointtype mark[i] pointsize 0.5 linewidth 1.2 linecolor rgb colour[i] title name[i]
unset multiplot
unset output
