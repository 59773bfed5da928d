# SPDX-License-Identifier: GPL-2.0
# Draw chart.png of count.dat and time.dat, which report.py has made.
set terminal pngcairo size 1500,700 font ",11"
set output "chart.png"
set multiplot layout 1,2
set style fill solid 0.6
set yrange [] reverse
set grid xtics
set key off
set offsets 0, 0, 0.7, 0.7

have = int(system("wc -l <count.dat"))
if (have) {
	set title "Instructions for one operation (one CPU, log. scale)"
	set logscale x
	set xrange [1:40000]
	plot "count.dat" using (sqrt($2)):0:(1):2:($0-0.35):($0+0.35):ytic(1) \
		with boxxyerror lc rgb "#4477aa", \
	     "count.dat" using 2:0:(sprintf(" %g", $2)) with labels left
	unset logscale x
}
set title "Two CPUs: time against the first of the group (median, p10 to p90)"
set xrange [0:*]
plot "time.dat" using ($2/2):0:(0):2:($0-0.35):($0+0.35):ytic(1) \
	with boxxyerror lc rgb "#ee7733", \
     "time.dat" using 2:0:3:4 with xerrorbars pt 0 lc rgb "black"
unset multiplot
