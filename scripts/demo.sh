#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Show upcalls at work, in one guest: libupcall's demonstration, then programs
# of many threads, the last of which is a server that computes. A picture of how
# long its clients waited goes to $O/demo/echo.png. With ARCH=x86_64 the programs
# are 64-bit ones, where there are such.

. "$(dirname "$0")/common.sh"
# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

widths=("$O/libupcall")
[ "$ARCH" != x86_64 ] || widths=("$O/libupcall-x86_64" "${widths[@]}")
out=$O/demo
dir=$(scratch demo)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$out"

# show PROGRAM ARGUMENTS: one more to run in the guest, if it could be built.
show() {
	local prog width

	for width in "${widths[@]}"; do
		prog=$width/$1
		[ ! -x "$prog" ] || break
	done
	shift
	if [ ! -x "$prog" ]; then
		note "there is no ${prog##*/}"
		return
	fi
	put_program "$prog"
	printf 'echo; %s %s || { echo "%s: FAILED: $?"; status=1; }\n' \
		"'$prog'" "$*" "${prog##*/}" >>"$dir/job"
}

# A guest on a busy host may have failed to calibrate its clocks, and would have
# slices of 4 ms and nothing shorter: it says so at once, and is booted again.
coarse=75
cat >"$dir/job" <<EOF
#!/bin/sh
n=0
until grep -q 'resolution: 1 nsec' /proc/timer_list; do
	n=\$((n + 1))
	[ \$n -le 3 ] || [ -e /anyway ] || exit $coarse
	[ \$n -le 3 ] || break
	sleep 1
done
status=0
EOF
show examples/demo
show mn/programs/sieve 8000
show mn/programs/spin 1000
show mn/programs/lua 50 5
show mn/programs/echo -p 2000 1 700
echo "exit \$status" >>"$dir/job"
chmod +x "$dir/job"

# What is for the picture is not for the terminal.
boot() {
	: >"$out/plot"
	measured >"$out/measured"
	"$top/scripts/guest/boot.sh" -n demo "$dir" |
		awk -v plot="$out/plot" -v table="$out/echo.txt" '
			{ sub(/\r$/, "") }
			/^plot / { print >plot; next }
			/answered within/ { echo = 1 }
			echo { print >table }
			/jobs done/ { echo = 0 }
			{ print; fflush() }'
}
status=$coarse
for last in '' '' 1; do
	[ -z "$last" ] || : >"$dir/anyway"
	[ $status != $coarse ] || { status=0; boot || status=$?; }
done

# From (in us), answers, and the part that took at least so long.
for kind in upcall signal off; do
	awk -v kind=$kind '
		$2 == kind { from[++n] = $3; got[n] = $4; left += $4 }
		END {
			for (i = 1; i <= n; i++) {
				all = i == 1 ? left : all
				print from[i], got[i], left / all
				left -= got[i]
			}
		}' "$out/plot" >"$out/$kind.dat"
done
if [ -s "$out/plot" ]; then
	(cd "$out" && gnuplot "$top/scripts/demo/echo.gp")
	say "
$out/echo.png shows it."
fi
exit $status
