# SPDX-License-Identifier: GPL-2.0
# Draw upcall.dat, signal.dat and off.dat, which demo.sh has made, 20 steps to each
# power of ten: echo.png, or a small picture, as SVG, which the variable "to" names.
if (exists("to")) {
	set terminal svg size 860,300 font "DejaVu Sans,11" background "white"
	set output to
} else {
	set terminal pngcairo size 1200,900 font ",12"
	set output "echo.png"
}

colour(k) = k eq "off" ? "#cc3311" : k eq "signal" ? "#ee9922" : "#0055aa"
title(k) = k eq "off" ? "no preemption" : "preemption by ".k."s"
step = 10 ** (1 / 20.0)

# Only what was run.
kinds = system("for k in off signal upcall; do [ ! -s $k.dat ] || printf '%s ' $k; done")

if (!exists("to")) set multiplot layout 2,1 \
	title "A server with 2,000 connections, while other threads of it compute for 100 ms at a time" font ",15"
set logscale x
set xrange [0.02:2000]
set xtics ("20 µs" 0.02, "50 µs" 0.05, "100 µs" 0.1, "200 µs" 0.2, "500 µs" 0.5, "1 ms" 1, \
	"2 ms" 2, "5 ms" 5, "10 ms" 10, "20 ms" 20, "50 ms" 50, "100 ms" 100, \
	"200 ms" 200, "500 ms" 500, "1 s" 1000, "2 s" 2000)
set grid xtics ytics lc rgb "#cccccc"
set border 3
set tics nomirror
set lmargin 10

set key top left reverse Left
set style fill transparent solid 0.5
set ylabel "answers"
if (exists("to")) set xlabel "how long a client waited"; set xrange [0.1:1000]; set lmargin 8
set yrange [0:*]
plot for [k in kinds] k.".dat" \
	using ($1 / 1000):($2 / 2.0):($1 / 1000):($1 / 1000 * step):(0):2 \
	with boxxyerror lc rgb colour(k) title title(k)

if (exists("to")) exit
unset key
set logscale y
set yrange [0.0004:1.2]
set ytics ("all" 1, "1 in 2" 0.5, "1 in 10" 0.1, "1 in 100" 0.01, "1 in 1000" 0.001)
set ylabel "answers that took longer"
set xlabel "time from when the request was due until its answer was there"
plot for [k in kinds] k.".dat" using ($1 / 1000):3 \
	with steps lw 3 lc rgb colour(k) title title(k)
unset multiplot
