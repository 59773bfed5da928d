#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make results: keep what make bench, make bench-mn and make demo have measured,
# as far as they were run, in Documentation/results/, put the figures into the
# documents, and draw them. A file "measured" says when each was, of which commit,
# and on what.

. "$(dirname "$0")/common.sh"

to=$top/Documentation/results

# keep NAME DIRECTORY FILE...: from below $O.
keep() {
	local name=$1 from=$O/$2 f

	shift 2
	[ -s "$from/$1" ] || { say "$name: not measured"; return 0; }
	mkdir -p "$to/$name"
	for f; do cp "$from/$f" "$to/$name/"; done
	{
		grep -v "^$name	" "$to/measured" 2>/dev/null || true
		printf '%s\t%s\n' "$name" "$(cat "$from/measured" || echo unknown)"
	} | sort >"$to/measured.new"
	mv "$to/measured.new" "$to/measured"
	say "$name: $to/$name"
}

keep "bench${CONFIG:+-$CONFIG}" bench results.json count.dat time.dat
[ -n "$CONFIG" ] || {
	keep bench-mn bench-mn results.json mn.dat
	keep echo demo echo.txt upcall.dat signal.dat off.dat
}
python3 "$top/scripts/figures.py" "$top" write >/dev/null
"$top/scripts/pictures.sh"
