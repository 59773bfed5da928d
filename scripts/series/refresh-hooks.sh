#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Write scripts/bases/$BASE/*.diff anew against the source at hand, so that
# they fit it exactly. With arguments, first take FILEs as they were edited in
# $O/tree as what TOPIC makes of them.
# usage: refresh-hooks.sh [TOPIC FILE...]     (as in: 02-lifecycle kernel/fork.c)

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"

topic=${1-}
[ $# = 0 ] || shift
[ -z "$topic" ] || [ -f "$messages/$topic.msg" ] || die "no topic named $topic"
for f; do
	[ -f "$tree/$f" ] || die "no such file in the tree: $f"
done
"$top/scripts/source.sh" pristine Makefile "$@"
get_pristine

work=$(scratch refresh)
trap 'rm -rf "$work"' EXIT
mkdir "$work/a" "$work/b"
{ touched; printf '%s\n' "$@"; } | sed '/^$/d' | sort -u >"$work/files"
while read -r f; do
	mkdir -p "$work/a/$(dirname "$f")" "$work/b/$(dirname "$f")"
	cp "$O/pristine/$f" "$work/a/$f"
	cp "$O/pristine/$f" "$work/b/$f"
done <"$work/files"

for t in $(topics); do
	diff=$hooks/$t.diff
	# Fuzz is allowed here, where somebody reads what comes out of it.
	[ ! -s "$diff" ] || patch -d "$work/b" -p1 -F2 --no-backup-if-mismatch -r - <"$diff" |
		grep -vE '^patching file' || [ "${PIPESTATUS[0]}" != 1 ] ||
		die "$t.diff does not fit $have"
	if [ "$t" = "$topic" ]; then
		for f; do
			cp "$tree/$f" "$work/b/$f"
		done
	elif [ -n "$topic" ] && [[ $t > $topic ]] && [ -s "$diff" ]; then
		for f; do
			! grep -q "^--- a/$f\$" "$diff" ||
				die "$f: the later topic $t changes it too; edit the diffs by hand"
		done
	fi
	while read -r f; do
		(cd "$work" && diff -u --label "a/$f" --label "b/$f" "a/$f" "b/$f") || true
		cp "$work/b/$f" "$work/a/$f"
	done <"$work/files" >"$work/$t.diff"
	if [ -s "$work/$t.diff" ]; then
		cmp -s "$work/$t.diff" "$diff" || say "$t.diff: written"
		cp "$work/$t.diff" "$diff"
	else
		rm -f "$diff"
	fi
done
