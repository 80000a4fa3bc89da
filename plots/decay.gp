# ntk-spectrum --data sphere:n=2000,d=5 --kernel qntk --kernel ntk --kernel gauss --out spectrum.tsv
#
# The decay of one or more spectra on log-log axes, where a power law is a line, and on semi-log axes, where an
# exponential is one. From the TSV file that ntk-spectrum writes, with --data or with --sphere:
#     gnuplot -c plots/decay.gp spectrum.tsv decay.png        or .svg, .pdf

if (ARGC < 2) exit error "usage: gnuplot -c decay.gp spectrum.tsv decay.png|svg|pdf"
table = ARG1
picture = ARG2
format = ARGC > 2 ? ARG3 : (strlen(picture) > 4 ? substr(picture, strlen(picture) - 2, strlen(picture)) : "")
set encoding utf8

# ---- What the file says: its head, the name of the second column, the kernels in order ---------------------------

set datafile separator "\t"
set datafile commentschars "\001" # the head consists of lines like any other, "# key=value"
n = ""; d = ""; data = ""; xname = ""; rows = 0
names = "" # kernels, each ended by a newline
notes = "" # "floor[K]=..", "fit[K]=..", "decay[K]=..", likewise
last = ""
starts(s, p) = strlen(s) >= strlen(p) && substr(s, 1, strlen(p)) eq p
after(s, p) = substr(s, strlen(p) + 1, strlen(s))
head(s) = starts(s, "# n=") ? (n = after(s, "# n="), 0) : \
          starts(s, "# d=") ? (d = after(s, "# d="), 0) : \
          starts(s, "# data=") ? (data = after(s, "# data="), 0) : \
          starts(s, "# floor[") || starts(s, "# fit[") || starts(s, "# decay[") ? \
              (notes = notes . after(s, "# ") . "\n", 0) : 0
row(s) = (rows = rows + 1, s eq last ? 0 : (last = s, names = names . s . "\n", 0))
line(s, t) = starts(s, "# ") ? head(s) : xname eq "" ? (xname = t, 0) : row(s)
stats table using (line(strcol(1), strcol(2)), 0) nooutput
set datafile commentschars "#"

if (xname ne "index" && xname ne "degree") exit error sprintf("%s: expected a second column 'index' or 'degree', found '%s'", table, xname)
if (rows == 0) exit error sprintf("%s: no eigenvalues", table)
sphere = xname eq "degree"
ycolumn = "eigenvalue" # by name: it is the third or the fourth

# The text of a note on a kernel, "" if there is none.
note(what, name) = (key = "\n" . what . "[" . name . "]=", at = strstrt("\n" . notes, key), \
    at == 0 ? "" : (rest = substr(notes, at + strlen(key) - 1, strlen(notes)), substr(rest, 1, strstrt(rest, "\n") - 1)))

array kernel[64]
count = 0
while (strlen(names) > 0 && count < 64) {
    count = count + 1
    end = strstrt(names, "\n")
    kernel[count] = substr(names, 1, end - 1)
    names = substr(names, end + 1, strlen(names))
}

# ---- Blocks for each kernel: all points, markers for either panel, the fitted law ---------------------------------

$none << EOD
1	NaN
EOD
array all[count]; array curve[count]; array log_marks[count]; array linear_marks[count]; array fit[count] # names of blocks
array largest[count]; array smallest[count]; array level[count]
right = 1.0; drawn = 0
do for [j = 1:count] {
    set datafile columnheaders
    all[j] = sprintf("$all%d", j)
    eval "set table " . all[j]
    plot table using (column(2)):(column(ycolumn)) with table \
        if (strcol(1) eq kernel[j] && column(ycolumn) > 0)
    unset table
    unset datafile columnheaders
    eval "points = |" . all[j] . "|"
    drawn = drawn + points
    largest[j] = 1.0; smallest[j] = 1.0
    if (points > 0) {
        eval "stats " . all[j] . " using 1:2 nooutput"
        largest[j] = STATS_max_y; smallest[j] = STATS_min_y / STATS_max_y
        right = STATS_max_x > right ? STATS_max_x : right
    } else {
        all[j] = "$none"
    }
    text = note("floor", kernel[j])
    level[j] = text eq "" ? 0.0 : real(text) / largest[j]
}
if (drawn == 0) exit error sprintf("%s: no positive eigenvalue", table)

# Of many points a curve keeps those that print can tell apart. Markers: six for each factor e in the one panel; in the
# other one in every step, at a different place for each kernel.
new_step(x) = x < 400 || int(400 * log(x)) != int(400 * log(x - 1))
step = int(ceil(right / 24.0))
new_bin(x) = x < 2 || int(6 * log(x)) != int(6 * log(x - 1))
do for [j = 1:count] {
    curve[j] = sprintf("$curve%d", j)
    eval "set table " . curve[j]
    plot all[j] using 1:2 with table if (new_step($1))
    unset table
    log_marks[j] = sprintf("$log%d", j)
    eval "set table " . log_marks[j]
    plot all[j] using 1:2 with table if (new_bin($1))
    unset table
    linear_marks[j] = sprintf("$linear%d", j)
    eval "set table " . linear_marks[j]
    plot all[j] using 1:2 with table if (int($1) % step == (j * step) / (count + 1))
    unset table
    eval "points = |" . linear_marks[j] . "|"
    linear_marks[j] = points > 0 ? linear_marks[j] : all[j]
}

# A note "fit" reads "law first last log_scale slope shape".
law(text, x) = word(text, 1) eq "power" ? real(word(text, 4)) - real(word(text, 5)) * log(x) : \
    real(word(text, 4)) - real(word(text, 5)) * x ** real(word(text, 6))
set samples 61
do for [j = 1:count] {
    fit[j] = "$none"
    text = note("fit", kernel[j])
    if (words(text) == 6) {
        first = real(word(text, 2)); end = real(word(text, 3))
        fit[j] = sprintf("$fit%d", j)
        eval "set table " . fit[j]
        plot [t = 0:1] "+" using (first * (end / first) ** $1):(exp(law(text, first * (end / first) ** $1))) with table
        unset table
    }
}

# How far down. Below the noise floor there is noise: a little of it shows where it begins. The log-log panel is there
# for power laws: it ends below the slowest decay, and faster ones leave it through the bottom.
noise = 0.0; lowest = 1.0; slowest = 0.0
do for [j = 1:count] {
    noise = level[j] > noise ? level[j] : noise
    lowest = smallest[j] < lowest ? smallest[j] : lowest
    slowest = smallest[j] > slowest ? smallest[j] : slowest
}
decade(y) = 10.0 ** floor(log10(y))
below = noise > lowest ? noise / 30 : lowest / 2
bottom_semi = decade(below > 1e-305 ? below : 1e-305)
below = (slowest > 1e-150 ? slowest : 1e-150) ** 1.7 * 1e-3
bottom_log = log(below) > 0.6 * log(bottom_semi) ? decade(below) : bottom_semi

# ---- Look: the colours of Okabe and Ito, which the colour-blind tell apart; a marker and a dash for each ---------

array colour[7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
array mark[8] = [6, 4, 8, 12, 10, 2, 1, 3]
array dash[5] = [1, 2, 4, 5, 3]
pick(j, size) = (j - 1) % size + 1 # sizes without a common factor: 280 kernels before two look alike

# Heights are in lines of text: 26 for the panels, 1.15 for each kernel in the legend. Printed 7.2 inches wide, letters have
# 7.5 points.
lines = 26 + 1.15 * (count + 1)
if (format eq "png") {
    if (strstrt(GPVAL_TERMINALS, " pngcairo ")) {
        set terminal pngcairo size 2000, int(38 * lines) font "Sans,28" fontscale 1 linewidth 2.6 pointscale 2
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

array entry[count] # of the legend: the kernel and what the verdict says before its details
do for [j = 1:count] {
    text = note("decay", kernel[j])
    cut = strstrt(text, " (AIC")
    text = cut > 0 ? substr(text, 1, cut - 1) : text
    cut = strstrt(text, "+-")
    text = cut > 0 ? substr(text, 1, cut - 1) . "±" . substr(text, cut + 2, strlen(text)) : text
    entry[j] = kernel[j] . (text eq "" ? "" : ":  " . text)
}
facts = (sphere ? "exact Mercer eigenvalues on the sphere" : "eigenvalues of K/n") . \
    (sphere || n eq "" ? "" : ", n = " . n) . (d eq "" ? "" : (sphere ? " in " . d . " dimensions" : ", d = " . d))

set multiplot
set border 3 linewidth 0.7
set tics nomirror scale 0.6
set mytics 1
set grid linetype 1 linecolor "#dddddd" linewidth 0.4
set logscale y
set format y "10^{%T}"
set xlabel (sphere ? "degree  k" : "index  i") offset 0, 0.3
set tmargin at screen 1 - 3.6 / lines
set bmargin at screen (1.15 * (count + 1) + 4.8) / lines
unset key

# ---- Left: log-log ---------------------------------------------------------------------------------------------

set object 1 rectangle from screen 0, screen 0 to screen 1, screen 1 behind fillcolor "white" fillstyle solid noborder
set label 1 (data eq "" ? "" : data . ":  ") . facts at screen 0.52, screen 1 - 1.0 / lines center noenhanced
set label 2 "log-log: a power law is a line" at graph 0.5, screen 1 - 2.7 / lines center textcolor "#555555"
set lmargin at screen 0.105
set rmargin at screen 0.51
set ylabel (sphere ? "λ_k / max λ" : "λ_i / λ_1") offset 1, 0
set logscale x
set format x "10^{%T}"
set xrange [0.9:right * 1.1]
set yrange [bottom_log:2]
if (noise > bottom_log) {
    set object 2 rectangle from graph 0, graph 0 to graph 1, first noise behind fillcolor "#eeeeee" fillstyle solid noborder
    set label 3 "noise floor" at graph 0.02, first noise offset 0, -0.7 textcolor "#555555"
}
plot for [j = 1:count] curve[j] using 1:($2 / largest[j]) with lines \
         linecolor rgb colour[pick(j, 7)] dashtype dash[pick(j, 5)] linewidth 0.7, \
     for [j = 1:count] log_marks[j] using 1:($2 / largest[j]) with points \
         linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.8, \
     for [j = 1:count] fit[j] using 1:($2 / largest[j]) with lines linecolor rgb "black" linewidth 0.8

# ---- Right: semi-log -------------------------------------------------------------------------------------------

unset label
unset object
set label 2 "semi-log: an exponential is a line" at graph 0.5, screen 1 - 2.7 / lines center textcolor "#555555"
set lmargin at screen 0.585
set rmargin at screen 0.975
unset ylabel
unset logscale x
set format x "%g"
set xrange [0:right * 1.02]
set yrange [bottom_semi:2]
if (noise > bottom_semi) {
    set object 2 rectangle from graph 0, graph 0 to graph 1, first noise behind fillcolor "#eeeeee" fillstyle solid noborder
}
plot for [j = 1:count] curve[j] using 1:($2 / largest[j]) with lines \
         linecolor rgb colour[pick(j, 7)] dashtype dash[pick(j, 5)] linewidth 0.7, \
     for [j = 1:count] linear_marks[j] using 1:($2 / largest[j]) with points \
         linecolor rgb colour[pick(j, 7)] pointtype mark[pick(j, 8)] linewidth 0.8, \
     for [j = 1:count] fit[j] using 1:($2 / largest[j]) with lines linecolor rgb "black" linewidth 0.8

# ---- Below: the legend, in a strip of its own ------------------------------------------------------------------

unset label
unset object
unset border
unset tics
unset xlabel
unset grid
unset logscale
set tmargin at screen (1.15 * (count + 1) + 1.2) / lines
set bmargin at screen 0.3 / lines
set lmargin at screen 0.05
set rmargin at screen 0.98
set xrange [0:1]
set yrange [0:1]
set key at screen 0.06, screen (1.15 * (count + 1) + 0.9) / lines left top Left reverse noenhanced samplen 4 spacing 1.0 maxcols 1 noautotitle
plot for [j = 1:count] NaN with linespoints linecolor rgb colour[pick(j, 7)] dashtype dash[pick(j, 5)] \
         pointtype mark[pick(j, 8)] linewidth 0.8 title entry[j], \
     NaN with lines linecolor rgb "black" linewidth 0.8 title (strstrt(notes, "fit[") ? "the fitted law, over its window" : "")
unset multiplot
unset output
