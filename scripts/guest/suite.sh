#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run test programs in a guest and judge them. A test that takes the guest down
# has failed; a new guest goes on with those after it. Writes the totals
# ("passed failed skipped") to $O/check/NAME, what failed, a line each, to
# $O/check/NAME.failed, and the guest's words to $O/log/NAME.tap; prints what failed.
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
# What is no program is there already if all goes along.
for p; do
	[ -n "$all" ] || fits "$p" || die "$name: the guest cannot run $p"
done

# A test may run others that lie beside it, and may have a folder of files there.
while read -r d; do
	[ -z "$all" ] || { mkdir -p "$dir/$d"; cp -a "$d/." "$dir/$d"; }
	for p in "$d"/*; do
		if [ -f "$p" ] && [ -x "$p" ] && fits "$p"; then
			put_program "$p"
		fi
	done
	for p in "$d"/*.files/; do
		mkdir -p "$dir/$p"
		cp -L "$p"* "$dir/$p"
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
: >"$dir.failed"
while [ "$begun" -lt $# ]; do
	boots=$((boots + 1))
	before=$begun
	# A test that hangs is stopped in the guest; this is for the guest's own,
	# and leaves time to one that is slow, by its configuration or by its host.
	most=$((60 + limit * ($# - begun)))
	[ $most -le $((limit * 8)) ] || most=$((limit * 8))
	printf '%s\n' "${@:begun + 1}" >"$dir/list"
	"$top/scripts/guest/boot.sh" -n "$name-$boots" -k "$kernel" \
		-t $most "$dir" >>"$tap" 2>"$dir.err" || {
		bad_boots=$((bad_boots + 1))
		sed -n '/^guest: whole/d; s/^ *//; 1,3p' "$dir.err" | paste -sd ' ' >>"$dir.failed"
	}
	sed 's/^/    /' "$dir.err"
	cat "$dir.err" >>"$tap"
	# One that took the guest down is not tried again.
	begun=$(grep -c '^@@ begin ' "$tap" || true)
	[ "$begun" -gt "$before" ] || break
done

awk -v lax=$lax -f "$top/scripts/guest/tap.awk" "$tap" >"$dir.judged"
awk '/^program / && $4 > 0 { print; show = 1; next } /^(program|failed) / { show = 0 } show' "$dir.judged"
sed -n 's/^failed //p' "$dir.judged" >>"$dir.failed"
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
	}' "$dir.judged" 2>&1 >"$O/check/$name" | tee -a "$dir.failed" >&2
mv "$dir.failed" "$O/check/$name.failed"
rm -f "$dir.judged" "$dir.err"
read -r p f s <"$O/check/$name"
say "$name: $p passed, $f failed, $s skipped"
[ "$f" = 0 ]
