# qnn noise --anneal-study --data spirals:n=600 --seeds 5 --out study.tsv
#
# Test accuracy with its spread over seeds for every way of annealing, beside straight-through. From the TSV file that
# qnn noise --anneal-study writes:
#     gnuplot -c plots/anneal.gp study.tsv study.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c anneal.gp study.tsv study.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says -------------------------------------------------------------------------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
n = ""; data = ""; classes = ""; hidden = ""; weights = ""; activations = ""; seeds = ""; epochs = ""
header = 0; rows = 0
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# train_n=") ? (n = after(s, "# train_n="), 0) : \
          starts(s, "# classes=") ? (classes = after(s, "# classes="), 0) : \
          starts(s, "# hidden=") ? (hidden = after(s, "# hidden="), 0) : \
          starts(s, "# weights=") ? (weights = after(s, "# weights="), 0) : \
          starts(s, "# activations=") ? (activations = after(s, "# activations="), 0) : \
          starts(s, "# seeds=") ? (seeds = after(s, "# seeds="), 0) : \
          starts(s, "# epochs=") ? (epochs = after(s, "# epochs="), 0) : 0
row(s) = (rows = rows + 1, 0)
line(s) = starts(s, "# ") ? head(s) : header == 0 ? (header = s eq "method" ? 1 : -1, 0) : row(s)
stats table using (line(strcol(1)), 0) nooutput
if (header != 1) exit error sprintf("%s: expected a first column 'method'", table)
if (rows == 0) exit error sprintf("%s: no rows", table)
set datafile commentschars "#"
set datafile columnheaders
regression = classes eq "0"
shown = "test"
stats table using (strcol("test") ne "nan" ? 1 : 0) nooutput
if (STATS_max == 0) { shown = "train" } # nothing was tested

# The names that occur, in their usual order.
occurs(list, key) = strstrt(" " . list . " ", " " . key . " ") > 0
found = ""
note(s) = (found = occurs(found, s) ? found : found . " " . s, 0)
pick(all) = (picked = "", sum [k = 1:words(all)] (occurs(found, word(all, k)) ? (picked = picked . " " . word(all, k), 1) : 0), picked)
do for [name in "noise strategy schedule sync"] {
    stats table using (strcol("noise") eq "none" ? 0 : note(strcol(name))) nooutput
}
noises = pick("uniform triangular normal logistic")
strategies = pick("expected mode random")
schedules = pick("bounded hyperbolic")
syncs = pick("overlapped partition same-start same-end")
place(list, key) = sum [k = 1:words(list)] (word(list, k) eq key ? k : 0)

sd(name) = strcol(name . "_sd") eq "nan" ? 0 : column(name . "_sd")
stats table using (column(shown) - sd(shown)):(column(shown) + sd(shown)) nooutput
low = STATS_min_x; high = STATS_max_y
base = NaN; base_sd = 0
stats table using (strcol("method") eq "ste" ? (base = column(shown), base_sd = sd(shown), 0) : 0) nooutput

# ---- Look ---------------------------------------------------------------------------------------------------------

# Printed 7.2 inches wide, letters have 7.5 points. The colours are of Okabe and Ito, which the colour-blind tell apart;
# the markers differ as well.
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, 860 font "Sans,26" fontscale 1 linewidth 2.4 pointscale 2.4
    } else {
        set terminal png size 2000, 860 font "Sans,20" linewidth 3
    }
} else { if (format eq "svg") {
    set terminal svg size 900, 387 font "Helvetica,12" linewidth 1.2
    set pointsize 0.6
} else { if (format eq "pdf") {
    if (strstrt(GPVAL_TERMINALS, " pdfcairo ") == 0) { exit error "this gnuplot cannot write PDF; ask for .png or .svg" }
    set terminal pdfcairo size 7.2, 3.1 font "Helvetica,7.5" fontscale 1 linewidth 1 pointscale 0.55
} else {
    exit error sprintf("%s: expected a name ending in .png, .svg or .pdf", picture)
} } }
set output picture
array colour[4] = ["#0072B2", "#D55E00", "#009E73", "#000000"]
array marker[4] = [6, 13, 8, 5]
panels = words(strategies) > 0 ? words(strategies) : 1
left = 0.088; right = 0.985; between = 0.015
width = (right - left - (panels - 1) * between) / panels
step = words(syncs) + 1
last = words(schedules) * step

set multiplot
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set grid y linetype 1 linecolor "#dddddd" linewidth 0.4
set tmargin at screen 0.76
set bmargin at screen 0.27
set xrange [0.3:(last > 0 ? last - 0.3 : 1.7)]
margin_y = high > low ? 0.07 * (high - low) : 0.05 * (abs(high) > 0 ? abs(high) : 1)
set yrange [low - margin_y:high + margin_y]
set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : (strlen(data) > 32 ? substr(data, 1, 31) . "…" : data) . ":  ") . weights . " weights, " . activations . \
    " activations, " . hidden . ", n = " . n . ", " . epochs . " epochs, " . seeds . " seeds" at screen 0.5, screen 0.955 center noenhanced
set label 2 (shown eq "test" ? "test " : "training ") . (regression ? "mean squared error" : "accuracy") at screen 0.012, screen 0.515 center rotate
if (base == base) {
    set label 3 "grey: straight-through" . (base_sd > 0 ? ", ± its sd" : "") at screen right, screen 0.885 right textcolor "#555555"
    set object 2 rectangle from graph 0, first base - base_sd to graph 1, first base + base_sd behind fillcolor "#e4e4e4" fillstyle solid noborder
    set arrow 1 from graph 0, first base to graph 1, first base nohead linecolor rgb "#888888" linewidth 1
}
set xtics rotate by 35 right ("" 1)
do for [c = 1:words(schedules)] {
    do for [y = 1:words(syncs)] {
        set xtics add (word(syncs, y) (c - 1) * step + y)
    }
}
spot(schedule, sync) = (place(schedules, schedule) - 1) * step + place(syncs, sync)
beside(k) = words(noises) > 1 ? 0.56 * ((k - 1.0) / (words(noises) - 1) - 0.5) : 0

# ---- A panel for each strategy ------------------------------------------------------------------------------------

do for [p = 1:panels] {
    strategy = word(strategies, p)
    set lmargin at screen left + (p - 1) * (width + between)
    set rmargin at screen left + (p - 1) * (width + between) + width
    set title (strategy eq "" ? "straight-through" : strategy) offset 0, -0.4
    if (p == 1) { set format y "%g"; set key at screen left, screen 0.885 left Left reverse maxrows 1 samplen 1 width 1 } else { set format y ""; unset key }
    do for [c = 1:words(schedules)] {
        set label 10 + c word(schedules, c) at first (c - 1) * step + 0.5 * step, screen 0.035 center
    }
    at(k) = strcol("strategy") eq strategy && strcol("noise") eq word(noises, k) ? \
        spot(strcol("schedule"), strcol("sync")) + beside(k) : NaN
    if (words(noises) > 0) {
        plot for [k = 1:words(noises)] table using (at(k)):(column(shown) - sd(shown)):(0):(2 * sd(shown)) with vectors nohead \
                 linecolor rgb colour[place("uniform triangular normal logistic", word(noises, k))] linewidth 0.8 notitle, \
             for [k = 1:words(noises)] table using (at(k)):(column(shown)) with points linewidth 1.4 \
                 pointtype marker[place("uniform triangular normal logistic", word(noises, k))] \
                 linecolor rgb colour[place("uniform triangular normal logistic", word(noises, k))] title word(noises, k)
    } else {
        unset xtics
        plot table using (strcol("method") eq "ste" ? 1 : NaN):(column(shown)) with points pointtype 7 linecolor rgb "#000000" notitle
    }
    unset object 1
    unset label 1
    unset label 2
    unset label 3
}
unset multiplot
unset output
