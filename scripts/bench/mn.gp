# SPDX-License-Identifier: GPL-2.0
# Draw a chart of mn.dat, which bench-mn.awk has made: a line a bar, with its
# place, nanoseconds, library, and what is done where that begins. To the file
# that the variable "to" names; as SVG if "svg" is set. What is ours is blue, and
# orange where a signal takes the upcall's place.
if (exists("svg")) {
	set terminal svg noenhanced size 900,560 font "DejaVu Sans,11" background "white"
} else {
	set terminal pngcairo noenhanced size 1200,750 font ",11"
}
set output to
set style fill solid 0.7
set yrange [] reverse
set offsets 0, 0, 0.7, 0.7
set grid xtics
set border 3
set tics nomirror
set logscale x
set xrange [100:*]
set rmargin 12
set xtics ("100 ns" 100, "1 µs" 1000, "10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, "10 ms" 1e7, "100 ms" 1e8)
set xlabel "time for one operation, in an emulator (numbers: ns); less is better"
set key outside top center horizontal

libs = system("for l in upcall signal nptl pth st; do ! grep -qw $l mn.dat || printf '%s ' $l; done")
title(l) = l eq "upcall" ? "libupcall-mn" : l eq "signal" ? "libupcall-mn, signals" : \
	l eq "nptl" ? "NPTL" : l eq "pth" ? "GNU Pth" : "State Threads"
colour(l) = l eq "upcall" ? "#0055aa" : l eq "signal" ? "#ee9922" : \
	l eq "nptl" ? "#666666" : l eq "pth" ? "#999999" : "#cccccc"
of(l) = sprintf("< grep -w %s mn.dat", l)
plot for [l in libs] of(l) using (100):1:(100):2:($1-0.4):($1+0.4) \
		with boxxyerror lc rgb colour(l) title title(l), \
	"mn.dat" using 2:1:(sprintf(" %d", $2)) with labels left font ",9" notitle, \
	"mn.dat" using (100):1:ytic(stringcolumn(4)) with points pt 0 notitle
