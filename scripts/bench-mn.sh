#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench-mn: libupcall-mn beside other threads libraries, in one boot. The
# table goes to the terminal, the figures to $O/bench-mn/results.json, a chart to
# chart.png.

. "$(dirname "$0")/common.sh"
# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

out=$O/bench-mn
lmake() {
	if [ "$ARCH" = x86_64 ]; then
		library64 "$@"
	else
		library "$@"
	fi
}

coarse=75
# Without them their columns are empty.
"$top/scripts/others.sh"
step "build the comparison" lmake mn mn-bench
mapfile -t progs < <(lmake print-mn-bench)

dir=$(scratch bench-mn)
trap 'rm -rf "$dir"' EXIT
for p in "${progs[@]}"; do put_program "$p"; done
{
	echo '#!/bin/sh'
	# As in demo.sh: not with a clock of 4 ms.
	echo "grep -q 'resolution: 1 nsec' /proc/timer_list || sleep 3"
	echo "grep -q 'resolution: 1 nsec' /proc/timer_list || exit $coarse"
	for p in "${progs[@]}"; do
		name=${p##*/compare_}
		case $name in
		mn)
			echo "echo '@ upcall'; MN_BACKEND=upcall $p"
			echo "echo '@ signal'; MN_BACKEND=signal $p"
			;;
		*) echo "echo '@ $name'; $p" ;;
		esac
	done
} >"$dir/job"
chmod +x "$dir/job"
mkdir -p "$out"
# A CPU that is emulated takes long to wake from its sleep: let it spin.
export APPEND=idle=poll
measured >"$out/measured"
boot() {
	local n status

	for n in 1 2 3; do
		status=0
		"$top/scripts/guest/boot.sh" -n bench-mn -t 900 "$dir" || status=$?
		[ $status = $coarse ] || return $status
		echo "error: the guest's clock is coarse, boot $n"
	done
	return $status
}
step "run it in the guest" boot
tr -d '\r' <"$logs/run-it-in-the-guest.log" | grep -E '^(@ |[a-z_]+ [0-9]+$)' >"$out/figures"
awk -f "$top/scripts/bench-mn.awk" -v json="$out/results.json" -v dat="$out/mn.dat" \
	"$out/figures"
(cd "$out" && gnuplot -e 'to="chart.png"' "$top/scripts/bench/mn.gp")
say "(ns per operation, medians of 7, one guest, CPU=$CPU SMP=$SMP ACCEL=$ACCEL)"
say "figures: $out/results.json, $out/chart.png"
