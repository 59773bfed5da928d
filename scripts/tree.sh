#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make $O/tree a patched kernel tree, writing only the files that change, so
# that what was built of it stays built. A file edited there by hand is kept
# (FORCE=1 overwrites it); series/refresh-hooks.sh takes such edits back.

. "$(dirname "$0")/common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"

sums=$O/tree.sums	# what this script wrote there last

sum() { sha1sum <"$1" | cut -d' ' -f1; }

# edited FILE SUM: was FILE, written with that sum, changed since?
edited() {
	[ -z "${FORCE-}" ] && [ -f "$tree/$1" ] && [ -n "$2" ] &&
		[ "$(sum "$tree/$1")" != "$2" ]
}

sync_tree() {
	local f now changed=0 kept=
	local -A was=()

	touch "$sums"
	while read -r now f; do was[$f]=$now; done <"$sums"
	while read -r now f; do
		if cmp -s "$want/$f" "$tree/$f"; then
			:
		elif edited "$f" "${was[$f]-}"; then
			note "$tree/$f was edited: kept"
			kept=$((kept + 1))
			now=${was[$f]}
		else
			mkdir -p "$(dirname "$tree/$f")"
			cp "$want/$f" "$tree/$f"
			changed=$((changed + 1))
		fi
		echo "$now $f" >&3
		unset "was[$f]"
	done < <(cd "$want" && find . -type f -printf '%P\n' | sort | xargs sha1sum) 3>"$sums.new"

	# What the series no longer has goes back to what it was.
	for f in "${!was[@]}"; do
		changed=$((changed + 1))
		if [ -f "$O/pristine/$f" ]; then
			cp "$O/pristine/$f" "$tree/$f"
		else
			rm -f "$tree/$f"
		fi
	done
	# Its date tells others when the tree last changed.
	cmp -s "$sums.new" "$sums" || cp "$sums.new" "$sums"
	rm "$sums.new"
	say "tree: $have with the series${UPTO:+ up to $UPTO}, $changed files changed${kept:+, $kept kept}"
}

"$top/scripts/source.sh"
get_pristine
want=$(scratch want)
trap 'rm -rf "$want"' EXIT
assemble "$want"
sync_tree
