#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the series on somebody's own kernel tree, whole or not at all: git am in
# a git tree, patch -p1 elsewhere, after a rehearsal on copies of its files.
# usage: apply.sh DIRECTORY   (DRY_RUN=1: the rehearsal alone)

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/hooks/6.12/base.conf
. "$top/scripts/hooks/$BASE/base.conf"

dir=${1:-}
[ -n "$dir" ] || die "usage: make apply KDIR=/path/to/linux"
for f in Makefile Kconfig kernel/fork.c; do
	[ -f "$dir/$f" ] || die "$dir is not a kernel tree: it has no $f"
done
dir=$(cd "$dir" && pwd)
patches=$top/patches/$BASE
[ -s "$patches/series" ] || die "$patches is empty: make patches"
mapfile -t series < <(grep '\.patch$' "$patches/series")

have=$(sed -n '/^VERSION *=/,/^SUBLEVEL *=/s/.*= *//p' "$dir/Makefile" | paste -sd.)
# shellcheck disable=SC2154 # base.conf sets release
case $have in
"$BASE".*) ;;
*)
	other=$(cut -d. -f1,2 <<<"$have")
	[ ! -f "$top/patches/$other/series" ] ||
		die "$dir is Linux $have: there is a series for that, make apply BASE=$other KDIR=$dir"
	;;
esac
[ "$have" = "$release" ] ||
	note "the series was made for $release, $dir is $have: offsets are fine"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The patches build on each other: rehearse them in turn on copies.
sed -n 's,^[-+][-+][-+] [ab]/\([^[:space:]]*\).*,\1,p' \
	"${series[@]/#/$patches/}" | sort -u >"$work/files"
mkdir "$work/tree"
while read -r f; do
	[ -e "$dir/$f" ] || continue
	mkdir -p "$work/tree/$(dirname "$f")"
	cp "$dir/$f" "$work/tree/$f"
done <"$work/files"
for p in "${series[@]}"; do
	# -N -f: never ask, and never take a patch for one already applied.
	if ! patch -d "$work/tree" -p1 -F0 -N -f --no-backup-if-mismatch \
	     <"$patches/$p" >"$work/log" 2>&1; then
		say "$p does not fit $dir:"
		awk '/^patching file/ { f = $3 }
		     /^The next patch would create the file/ {
			sub(/,$/, "", $8); print "    " $8 ": already exists"; next }
		     /FAILED at|No file to patch/ { print "    " f ": " $0 }' \
			"$work/log"
		[ ! -f "$dir/kernel/Kconfig.upcall" ] || say "    (is the series there already?)"
		die "nothing was changed"
	fi
done
say "rehearsal: ${#series[@]} patches fit $dir"
[ -z "${DRY_RUN-}" ] || exit 0

if [ "$(git -C "$dir" rev-parse --show-toplevel 2>/dev/null)" = "$(realpath "$dir")" ]; then
	[ ! -d "$(git -C "$dir" rev-parse --absolute-git-dir)/rebase-apply" ] ||
		die "$dir is in the middle of another git am or rebase"
	before=$(git -C "$dir" rev-parse HEAD) || die "$dir has no commit yet"
	if ! git -C "$dir" am --keep-cr -q "${series[@]/#/$patches/}" >"$work/log" 2>&1; then
		sed 's/^/    /' "$work/log"
		git -C "$dir" am --abort || true
		[ "$(git -C "$dir" rev-parse HEAD)" = "$before" ] ||
			die "git am failed and could not be undone: HEAD was $before"
		die "git am failed: nothing was changed"
	fi
	say "git am: ${#series[@]} commits on top of $(git -C "$dir" rev-parse --short "$before")"
else
	for p in "${series[@]}"; do
		patch -d "$dir" -p1 -F0 -N -f -s --no-backup-if-mismatch <"$patches/$p"
	done
	say "patch: ${#series[@]} patches applied to $dir"
fi
