#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the series on somebody's own kernel tree, whole or not at all: git am in
# a git tree, patch -p1 elsewhere, after a rehearsal (git apply --check).
# usage: apply.sh DIRECTORY   (DRY_RUN=1: the rehearsal alone)

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/bases/6.12/base.conf
. "$top/scripts/bases/$BASE/base.conf"
# shellcheck source=scripts/series/kdir.sh
. "$top/scripts/series/kdir.sh"

[ -n "${1-}" ] || die "usage: make apply KDIR=/path/to/linux"
kernel_tree "$1"
patches=$top/patches/$BASE
[ -s "$patches/series" ] || die "$patches is empty: make patches"
mapfile -t series < <(grep '\.patch$' "$patches/series")
series=("${series[@]/#/$patches/}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fit "$work/log" "${series[@]}" || die "nothing was changed"
say "rehearsal: ${#series[@]} patches fit $dir"
[ -z "${DRY_RUN-}" ] || exit 0

if is_git; then
	[ ! -d "$(git -C "$dir" rev-parse --absolute-git-dir)/rebase-apply" ] ||
		die "$dir is in the middle of another git am or rebase"
	before=$(git -C "$dir" rev-parse -q --verify HEAD) || die "$dir has no commit yet"
	if ! git -C "$dir" am --keep-cr -q "${series[@]}" >"$work/log" 2>&1; then
		sed 's/^/    /' "$work/log"
		git -C "$dir" am --abort 2>/dev/null || true
		[ -z "$(git -C "$dir" status --porcelain -uno)" ] ||
			say "The tree has changes that are not committed: commit or stash them."
		[ "$(git -C "$dir" rev-parse HEAD)" = "$before" ] ||
			die "git am failed and could not be undone: HEAD was $before"
		die "git am failed: nothing was changed"
	fi
	say "git am: ${#series[@]} commits on top of $(git -C "$dir" rev-parse --short "$before")"
else
	for p in "${series[@]}"; do
		patch -d "$dir" -p1 -F0 -N -f -s --no-backup-if-mismatch <"$p"
	done
	say "patch: ${#series[@]} patches applied to $dir"
fi
