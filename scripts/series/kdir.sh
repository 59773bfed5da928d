# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced after common.sh: a kernel tree of somebody's own, and what fits it.

# kernel_tree DIRECTORY: sets dir, its path. It dies if that is no kernel, or one
# that another series of ours is for.
kernel_tree() {
	local f have other

	for f in Makefile Kconfig kernel/fork.c; do
		[ -f "$1/$f" ] || die "$1 is not a kernel tree: it has no $f"
	done
	dir=$(cd "$1" && pwd)
	have=$(sed -n '/^VERSION *=/,/^SUBLEVEL *=/s/.*= *//p' "$dir/Makefile" | paste -sd.)
	other=$(cut -d. -f1,2 <<<"$have")
	# shellcheck disable=SC2154 # common.sh sets top
	[ "$other" = "$BASE" ] || [ ! -f "$top/patches/$other/series" ] ||
		die "$dir is Linux $have, and there is a series for that: say BASE=$other"
	# shellcheck disable=SC2154 # base.conf sets release
	[ "$have" = "$release" ] ||
		note "the series was made for $release, $dir is $have: offsets are fine"
}

# Is it a git tree, and not just somewhere in one?
is_git() {
	[ "$(git -C "$dir" rev-parse --show-toplevel 2>/dev/null)" = "$(realpath "$dir")" ]
}

# would_fit PATCH...: would they fit, one after the other? git tries them in memory,
# on the files; on the last commit, if index is a file that git may use for it.
would_fit() {
	if [ -n "${index-}" ]; then
		cat "$@" | GIT_INDEX_FILE=$index \
			git -C "$dir" apply --cached --check --whitespace=nowarn -
	else
		# That the tree may be in a repository does not matter.
		cat "$@" | GIT_CEILING_DIRECTORIES=${dir%/*} \
			git -C "$dir" apply --check --whitespace=nowarn -
	fi
}

# fit LOG PATCH...: the same, and says which patch does not.
fit() {
	local log=$1 n=1

	shift
	! would_fit "$@" 2>"$log" || return 0
	while would_fit "${@:1:n}" 2>"$log"; do n=$((n + 1)); done
	say "${!n##*/} does not fit $dir:"
	sed -n 's/^error: /    /p' "$log" | head -n 8
	[ ! -f "$dir/kernel/Kconfig.upcall" ] || say "    (is the series there already?)"
	say "There are series for $(cd "$top/patches" && echo [0-9]*); another one: Documentation/porting.md"
	return 1
}
