#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own checkpatch.pl --strict over the series: no error, no
# warning, no check. Prints TAP.

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"

"$top/scripts/source.sh"
mapfile -t series < <(grep '\.patch$' "$patches/series")
[ ${#series[@]} -gt 0 ] || die "patches/$BASE is empty: make patches"
n=0 failed=0

# checkpatch asks of every patch with new files whether MAINTAINERS needs to know
# of them, unless the patch changes it. Ask that ourselves: is each new file below
# an entry that the series has made by then?
covered() {
	local f pattern ok

	while read -r f; do
		ok=
		while read -r pattern; do
			# shellcheck disable=SC2254 # it is a pattern
			case $f in $pattern | ${pattern%/}/*) ok=1 ;; esac
		done < <(printf '%s\n' "${entries[@]}")
		[ -n "$ok" ] || return
	done < <(sed -n '/^new file mode/,/^@@/s,^+++ b/,,p' "$1")
}

# --no-tree: that the files of earlier patches exist is checked elsewhere.
look() {
	cd "$tree" && perl scripts/checkpatch.pl --strict --no-summary --show-types \
		--terse ${2:+--ignore "$2"} "$patches/$1" >"$work/$1" 2>&1
}

# As many at once as there are processors.
work=$(scratch checkpatch)
trap 'rm -rf "$work"' EXIT
entries=()
for p in "${series[@]}"; do
	mapfile -t -O ${#entries[@]} entries < <(sed -n 's/^+F:[[:space:]]*//p' "$patches/$p")
	ignore=
	! covered "$patches/$p" || ignore=FILE_PATH_CHANGES
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do wait -n || true; done
	look "$p" "$ignore" &
done
wait

say "1..${#series[@]}"
for p in "${series[@]}"; do
	n=$((n + 1))
	if [ -e "$work/$p" ] && [ ! -s "$work/$p" ]; then
		say "ok $n - checkpatch: $p"
	else
		say "not ok $n - checkpatch: $p"
		sed "s,^$patches/,,; s/^/# /" "$work/$p"
		failed=1
	fi
done
cat "$work"/* | awk '
	/ERROR:/ { e++ } /WARNING:/ { w++ } /CHECK:/ { c++ }
	END { printf "# checkpatch --strict: %d errors, %d warnings, %d checks\n", e, w, c }'
exit $failed
