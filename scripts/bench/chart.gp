# SPDX-License-Identifier: GPL-2.0
# Draw a chart of count.dat and time.dat, which report.py has made: chart.png, or
# what the variable "to" names, as SVG. What is ours is blue.
if (exists("to")) {
	set terminal svg noenhanced size 1200,480 font "DejaVu Sans,11" background "white"
	set output to
} else {
	set terminal pngcairo noenhanced size 1600,640 font ",11"
	set output "chart.png"
}
set multiplot layout 1,2
set style fill solid 0.7
set yrange [] reverse
set offsets 0, 0, 0.7, 0.7
set grid xtics
set key off
set logscale x

has(s, word) = strstrt(s, word) > 0
ours(s) = has(s, "dispatch") || has(s, "section") || has(s, "WAIT") || has(s, "SUSPEND") || has(s, "upc_")
colour(s) = ours(s) ? 0x0055aa : 0x999999

have = int(system("wc -l <count.dat"))
if (have) {
	set title "Instructions for one operation, one CPU"
	set xrange [1:100000]
	plot "count.dat" using (sqrt($2)):0:(1):2:($0-0.35):($0+0.35):(colour(strcol(1))):ytic(1) \
		with boxxyerror lc rgb variable, \
	     "count.dat" using 2:0:(sprintf(" %g", $2)) with labels left
}
set title "Two CPUs: time against the group's first\n(median, 10th to 90th percentile)"
set xrange [0.001:*]
plot "time.dat" using 2:0:(0.001):2:($0-0.35):($0+0.35):(colour(strcol(1))):ytic(1) \
	with boxxyerror lc rgb variable, \
     "time.dat" using 2:0:3:4 with xerrorbars pt 0 lw 2 lc rgb "black"
unset multiplot
