#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench: measure upcalls beside signals, futex, eventfd and pipes. One
# guest counts instructions, on one CPU whose clock is QEMU's instruction
# counter; it is booted for each CPU model of BENCH_CPUS, with the option on and
# off. Another has two CPUs and takes time. Tables to the terminal and to
# $O/bench/results.txt, all figures to results.json, a chart to chart.png.

. "$(dirname "$0")/common.sh"

scripts=$top/scripts
"$scripts/deps.sh" series kernel programs guest bench
"$scripts/tree.sh"
DEBUG='' "$scripts/guest/kernel.sh" small
DEBUG='' "$scripts/guest/kernel.sh" off
"$scripts/lib.sh" bench

out=$O/bench
raw=$out/raw
dir=$(scratch bench)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$out"
: >"$raw"
cp "$O/libupcall/bench/bench" "$dir/bench"

# guest WHAT KERNEL CPU WORDS: lines of the program, with the guest before.
guest() {
	printf '#!/bin/sh\nexec /bench %s\n' "$1" >"$dir/job"
	chmod +x "$dir/job"
	CPU=$3 "$scripts/guest/boot.sh" -n bench -t 600 -k "$(kernel_name)-$2" \
		-x "$4" "$dir" >"$dir.out" || return
	sed "s/\r\$//; s/^/$3\t$2\t/" "$dir.out" >>"$raw"
	rm -f "$dir.out"
}

# Time is what the instructions take, and nothing else is left to chance.
export APPEND=norandmaps
exact="-icount shift=0,sleep=off -seed 1 -rtc clock=vm,base=2026-01-01"
if [ "$ACCEL" = tcg ]; then
	for cpu in ${BENCH_CPUS:-max Nehalem pentium3}; do
		SMP=1 step "count, CPU $cpu" guest count small "$cpu" "$exact"
		SMP=1 step "count, CPU $cpu, without CONFIG_UPCALL" guest count off "$cpu" "$exact"
	done
else
	note "ACCEL=$ACCEL: instructions can be counted with tcg alone"
fi
# A CPU that is emulated takes long to wake from its sleep: let it spin.
export APPEND=idle=poll
SMP=2 step "time, two CPUs" guest time small "$CPU" ''

python3 "$scripts/bench/report.py" "$raw" "$out" | tee "$out/results.txt"
(cd "$out" && gnuplot "$scripts/bench/chart.gp")
say "
$out/results.txt, $out/results.json, $out/chart.png"
