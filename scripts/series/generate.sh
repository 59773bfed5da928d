#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make patches/$BASE out of its sources. Dates, names and options are fixed, so
# that the same sources give the same bytes.
# usage: generate.sh [DIRECTORY]   (default: patches/$BASE)

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"
# shellcheck source=scripts/series/repo.sh
. "$top/scripts/series/repo.sh"

out=${1:-$patches}
who="Upcall developers"
mail=upcall-devel@example.org
day=1699999940

"$top/scripts/source.sh" pristine Makefile
get_pristine
[ "$have" = "$release" ] || die "patches/$BASE is made against $release: for
$have, refresh the hooks and record it in scripts/bases/$BASE/base.conf first"

work=$(scratch series)
trap 'rm -rf "$work"' EXIT

cover() {
	local n subject

	n=$(topics | wc -l)
	subject=$(body 00-cover | sed -n 1p)
	printf 'From: %s <%s>\nSubject: [PATCH 0/%d] %s\n' "$who" "$mail" "$n" "$subject"
	body 00-cover | tail -n +2
	# shellcheck disable=SC2154 # base.conf sets debian
	printf '\nMade against Linux %s (Debian %s).\n\n' "$release" "$debian"
	g log --reverse --format='  %s' start..
	printf '\n'
	g diff --stat=78 --no-renames start
}

make_repo "$work" "$who" "$mail"
mkdir "$work/out"
make_patches -N -o "$work/out"
{
	echo "# Made against Linux $release (Debian $debian), in this order."
	cd "$work/out"
	printf '%s\n' [0-9]*.patch
} >"$work/out/series"
cover >"$work/out/cover-letter.txt"

mkdir -p "$out"
rm -f "$out"/[0-9]*.patch "$out/series" "$out/cover-letter.txt"
cp "$work/out/"* "$out/"
if [ "$out" = "$patches" ]; then
	say "patches/$BASE: $(grep -c '\.patch$' "$out/series") patches against $release"
fi
