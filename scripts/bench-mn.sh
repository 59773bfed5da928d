#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench-mn: libupcall-mn beside other threads libraries, in one boot. The
# table goes to the terminal, the figures to $O/bench-mn/results.json.

. "$(dirname "$0")/common.sh"
# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

out=$O/bench-mn
lmake() {
	cleanmake -s --no-print-directory -C "$top/libupcall" O="$O/libupcall" \
		OTHERS="$O/others" "$@"
}

# Without them their columns are empty.
"$top/scripts/others.sh"
step "build the comparison" lmake mn mn-bench
mapfile -t progs < <(lmake print-mn-bench)

dir=$(scratch bench-mn)
trap 'rm -rf "$dir"' EXIT
for p in "${progs[@]}"; do put_program "$p"; done
{
	echo '#!/bin/sh'
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
step "run it in the guest" "$top/scripts/guest/boot.sh" -n bench-mn -t 900 "$dir"
tr -d '\r' <"$logs/run-it-in-the-guest.log" | grep -E '^(@ |[a-z_]+ [0-9]+$)' >"$out/figures"
awk -f "$top/scripts/bench-mn.awk" -v json="$out/results.json" "$out/figures"
say "(ns per operation, medians of 7, one guest, CPU=$CPU SMP=$SMP ACCEL=$ACCEL)"
say "figures: $out/results.json"
