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
say "1..${#series[@]}"
for p in "${series[@]}"; do
	n=$((n + 1))
	# --no-tree: that the files of earlier patches exist is checked elsewhere.
	out=$(cd "$tree" && perl scripts/checkpatch.pl --strict --no-summary \
		--show-types --terse "$patches/$p" 2>&1) || true
	if [ -z "$out" ]; then
		say "ok $n - checkpatch: $p"
	else
		say "not ok $n - checkpatch: $p"
		printf '%s\n' "$out" | sed "s,^$patches/,,; s/^/# /"
		failed=1
	fi
	all+=${out:+$out$'\n'}
done
printf '%s' "${all-}" | awk '
	/ERROR:/ { e++ } /WARNING:/ { w++ } /CHECK:/ { c++ }
	END { printf "# checkpatch --strict: %d errors, %d warnings, %d checks\n", e, w, c }'
exit $failed
