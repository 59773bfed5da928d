#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Is patches/$BASE what its sources say? Regenerate and compare, apply it to
# the recorded release without fuzz or offset, compare new files with their
# sources, count what it adds to existing files. Prints TAP.

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"

most=72		# lines added to existing files
get_pristine
work=$(scratch check)
trap 'rm -rf "$work"' EXIT
count=0 failed=0

# check NAME COMMAND...: one line of TAP, and the output if it failed.
check() {
	local name=$1 word=ok

	shift
	count=$((count + 1))
	(set -e; "$@") >"$work/log" 2>&1 &	# set -e is ignored left of ||
	wait $! || word="not ok"
	say "$word $count - $name"
	[ "$word" = ok ] || { failed=1; head -n 20 "$work/log" | sed 's/^/# /'; }
}

skip() {
	count=$((count + 1))
	say "ok $count - $1 # SKIP the source at hand is $have, not $release"
}

regenerated() {
	"$top/scripts/series/generate.sh" "$work/again"
	diff -r "$work/again" "$patches"
}

# patch says 'offset' or 'fuzz' where a hunk is not exactly where it should be.
applies() {
	local p

	mkdir "$work/tree"
	touched | (cd "$O/pristine" && cpio -pdm --quiet "$work/tree")
	while read -r p; do
		patch -d "$work/tree" -p1 -F0 --no-backup-if-mismatch <"$patches/$p"
	done < <(grep '\.patch$' "$patches/series") >"$work/said" 2>&1 || {
		grep -E 'FAILED|malformed|No file|already' "$work/said"
		return 1
	}
	if [ "$have" = "$release" ] && grep -E '^Hunk .*(offset|fuzz)' "$work/said"; then
		return 1
	fi
}

# A git tree of the base, as somebody may have one.
clone() {
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
	export GIT_AUTHOR_NAME=check GIT_AUTHOR_EMAIL=check@example.org
	export GIT_COMMITTER_NAME=check GIT_COMMITTER_EMAIL=check@example.org
	git init -q "$work/clone"
	{ echo Makefile; touched; } | (cd "$O/pristine" && cpio -pdm --quiet "$work/clone")
	: >"$work/clone/Kconfig"
	git -C "$work/clone" add -A -f
	git -C "$work/clone" commit -q -m base
}

apply_git() {
	local f n

	clone
	"$top/scripts/series/apply.sh" "$work/clone"
	n=$(grep -c '\.patch$' "$patches/series")
	[ "$(git -C "$work/clone" rev-list --count HEAD)" = $((n + 1)) ]
	(cd "$work/tree" && find . -type f) | while read -r f; do
		cmp "$work/tree/$f" "$work/clone/$f"
	done
}

# Where it does not fit nothing is changed, and the patch is named.
apply_refuses() {
	local was

	was=$(git -C "$work/clone" rev-parse HEAD)
	if "$top/scripts/series/apply.sh" "$work/clone" >"$work/said" 2>&1; then
		return 1
	fi
	cat "$work/said"
	grep -q '^0001-.* does not fit' "$work/said"
	grep -q 'nothing was changed' "$work/said"
	[ "$(git -C "$work/clone" rev-parse HEAD)" = "$was" ]
	[ -z "$(git -C "$work/clone" status --porcelain)" ]
}

complete() {
	local here there

	here=$(cd "$patches" && printf '%s\n' [0-9]*.patch)
	there=$(grep '\.patch$' "$patches/series")
	[ "$here" = "$there" ] || { say "series and patches differ"; return 1; }
}

equal_sources() {
	local f

	new_files >"$work/new"
	(cd "$work/tree" && find . -type f | sed 's,^\./,,' | sort) |
		while read -r f; do
			[ -f "$O/pristine/$f" ] || echo "$f"
		done | diff "$work/new" -
	while read -r f; do
		cmp "$work/tree/$f" "$(source_of "$f")"
	done <"$work/new"
}

# What the series adds, file by file; on one line for all, to compare bases by.
checksums() {
	mkdir -p "$O/check"
	(cd "$work/tree" && xargs sha256sum <"$work/new") >"$O/check/new-files"
	printf '%d new files, %s all together: %s\n' "$(wc -l <"$work/new")" \
		"$(sha256sum <"$O/check/new-files" | cut -c 1-16)" "$O/check/new-files"
}

hook_stat() {
	touched | while read -r f; do
		{ git diff --no-index --numstat "$O/pristine/$f" "$work/tree/$f" || true; } |
			awk -v f="$f" '{ printf "%4d +%3d -  %s\n", $1, $2, f }'
	done
}

few_lines() {
	awk -v most="$most" '{ n += $1 } END { print n; exit n > most }' "$work/stat"
}

if [ "$have" = "$release" ]; then
	check "patches/$BASE is what make patches makes" regenerated
else
	skip "patches/$BASE is what make patches makes"
fi
check "series names every patch" complete
exact="without fuzz or offset"
[ "$have" = "$release" ] || exact="to $have without fuzz"
check "the series applies $exact" applies
check "make apply makes commits of a git tree" apply_git
check "make apply leaves alone what it does not fit" apply_refuses
check "new files equal their sources" equal_sources
hook_stat >"$work/stat"
check "at most $most lines added to existing files" few_lines
say "1..$count"
say "# added and removed in existing files:"
sed 's/^/# /' "$work/stat"
awk '{ a += $1; r += $2 } END { printf "# %4d +%3d -  in %d files\n", a, r, NR }' "$work/stat"
say "# $(checksums)"
exit $failed
