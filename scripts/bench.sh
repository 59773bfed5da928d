#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench: measure upcalls beside signals, futex, eventfd and pipes. One
# guest counts instructions, on one CPU whose clock is QEMU's instruction
# counter; it is booted for each CPU model of BENCH_CPUS, with the option on and
# off. Another has two CPUs and takes time. With ARCH=x86_64 all of it is 64-bit.
# Tables to the terminal and to $O/bench/results.txt, with what was measured
# before of the other ARCH beside it; all figures to results.json, those that are
# counted as Markdown to results.md, a chart to chart.png.

. "$(dirname "$0")/common.sh"

scripts=$top/scripts
"$scripts/deps.sh" series kernel programs guest bench
"$scripts/tree.sh"
DEBUG='' "$scripts/guest/kernel.sh" small
DEBUG='' "$scripts/guest/kernel.sh" off
"$scripts/lib.sh" bench

out=$O/bench
raw=$out/raw-$ARCH
dir=$(scratch bench)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$out"
: >"$raw"
case $ARCH in
i386)
	lib=$O/libupcall
	models="max Nehalem pentium3"
	;;
*)
	lib=$O/libupcall-$ARCH
	models="max Nehalem"
	;;
esac
cp "$lib/bench/bench" "$dir/bench"

# guest WHAT KERNEL CPU WORDS: lines of the program, with the guest before.
guest() {
	printf '#!/bin/sh\nexec /bench %s\n' "$1" >"$dir/job"
	chmod +x "$dir/job"
	CPU=$3 "$scripts/guest/boot.sh" -n bench -t 600 -k "$(kernel_name)-$2" \
		-x "$4" "$dir" >"$dir.out" || return
	sed "s/\r\$//; s/^/$ARCH\t$3\t$2\t/" "$dir.out" >>"$raw"
	rm -f "$dir.out"
}

measured >"$out/measured"

# Time is what the instructions take, and nothing else is left to chance.
export APPEND=norandmaps
exact="-icount shift=0,sleep=off -seed 1 -rtc clock=vm,base=2026-01-01"
if [ "$ACCEL" = tcg ]; then
	for cpu in ${BENCH_CPUS:-$models}; do
		SMP=1 step "count, $ARCH, CPU $cpu" guest count small "$cpu" "$exact"
		SMP=1 step "count, $ARCH, CPU $cpu, without CONFIG_UPCALL" \
			guest count off "$cpu" "$exact"
	done
else
	note "ACCEL=$ACCEL: instructions can be counted with tcg alone"
fi
# A CPU that is emulated takes long to wake from its sleep: let it spin.
export APPEND=idle=poll
SMP=2 step "time, $ARCH, two CPUs" guest time small "$CPU" ''

# What was measured, if it is a clone of the sources that git knows.
git -C "$top" describe --always --dirty >"$raw.commit" 2>/dev/null || true
python3 "$scripts/bench/report.py" "$out" "$out"/raw-{i386,x86_64} | tee "$out/results.txt"
(cd "$out" && gnuplot "$scripts/bench/chart.gp")
say "
$out/results.txt, results.md, results.json, chart.png"
