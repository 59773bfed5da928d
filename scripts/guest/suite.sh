#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run test programs in a guest and judge them. A test that takes the guest down
# has failed; a new guest goes on with those after it. Writes the totals
# ("passed failed skipped") to $O/check/NAME and the guest's words to
# $O/log/NAME.tap; prints what failed.
# usage: suite.sh [-l] [-a] NAME KERNEL SECONDS PROGRAM...
#   -l: programs that speak no TAP count by their exit status
#   -a: all that lies beside the programs goes along, programs or not
# LAST: a script for the guest to run when it is done with them

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

lax=0 all=
[ "$1" != -l ] || { lax=1; shift; }
[ "$1" != -a ] || { all=1; shift; }
name=$1 kernel=$2 limit=$3
shift 3
[ $# -gt 0 ] || die "$name: no programs"

dir=$(scratch suite)
trap 'rm -rf "$dir"' EXIT
# Scripts are there already if all goes along.
wanted() { [ -z "$all" ] || readelf -h "$1" >/dev/null 2>&1; }

# A test may run others that lie beside it.
while read -r d; do
	[ -z "$all" ] || { mkdir -p "$dir/$d"; cp -a "$d/." "$dir/$d"; }
	for p in "$d"/*; do
		if [ -f "$p" ] && [ -x "$p" ] && wanted "$p"; then
			put_program "$p"
		fi
	done
done < <(printf '%s\n' "${@%/*}" | sort -u)
cp "$top/scripts/guest/suite-job" "$dir/job"
chmod +x "$dir/job"
[ -z "${LAST-}" ] || cp "$LAST" "$dir/last"
echo "$limit" >"$dir/limit"
mkdir -p "$O/check"
tap=$logs/$name.tap
: >"$tap"

boots=0 bad_boots=0 begun=0
while [ "$begun" -lt $# ]; do
	boots=$((boots + 1))
	before=$begun
	# A test that hangs is stopped in the guest; this is for the guest's own,
	# and leaves time to one that is slow, by its configuration or by its host.
	most=$((60 + limit * ($# - begun)))
	[ $most -le $((limit * 8)) ] || most=$((limit * 8))
	printf '%s\n' "${@:begun + 1}" >"$dir/list"
	"$top/scripts/guest/boot.sh" -n "$name-$boots" -k "$kernel" \
		-t $most "$dir" >>"$tap" 2>"$dir.err" ||
		bad_boots=$((bad_boots + 1))
	sed 's/^/    /' "$dir.err"
	cat "$dir.err" >>"$tap"
	# One that took the guest down is not tried again.
	begun=$(grep -c '^@@ begin ' "$tap" || true)
	[ "$begun" -gt "$before" ] || break
done

awk -v lax=$lax -f "$top/scripts/guest/tap.awk" "$tap" >"$dir.judged"
awk '/^program / && $4 > 0 { print; show = 1; next } /^program / { show = 0 } show' "$dir.judged"
ran=$(grep -c '^program ' "$dir.judged" || true)
awk -v name="$name" -v bad=$bad_boots -v missing=$(($# - ran)) '
	/^program / { p += $3; f += $4; s += $5 }
	END {
		# The guest itself is a test: did its kernel complain?
		if (bad) f += bad; else p++
		f += missing
		if (missing) printf "%d programs were not run\n", missing >"/dev/stderr"
		if (p <= !bad) { f++; print "every test was skipped" >"/dev/stderr" }
		print p + 0, f + 0, s + 0
	}' "$dir.judged" >"$O/check/$name"
rm -f "$dir.judged" "$dir.err"
read -r p f s <"$O/check/$name"
say "$name: $p passed, $f failed, $s skipped"
[ "$f" = 0 ]
