#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make patches/$BASE out of its sources: one commit a topic, in a scratch
# repository that holds just the files concerned. Dates, names and options are
# fixed, so that the same sources give the same bytes.
# usage: generate.sh [DIRECTORY]   (default: patches/$BASE)

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"

out=${1:-$patches}
who="Upcall developers"
mail=upcall-devel@example.org
day=1700000000

"$top/scripts/source.sh" pristine Makefile
get_pristine
[ "$have" = "$release" ] || die "patches/$BASE is made against $release: for
$have, refresh the hooks and record it in scripts/hooks/$BASE/base.conf first"

work=$(scratch series)
trap 'rm -rf "$work"' EXIT
repo=$work/repo

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=$who GIT_AUTHOR_EMAIL=$mail
export GIT_COMMITTER_NAME=$who GIT_COMMITTER_EMAIL=$mail
g() {
	GIT_AUTHOR_DATE="$day +0000" GIT_COMMITTER_DATE="$day +0000" \
		git -C "$repo" -c core.autocrlf=false "$@"
}

body() { sed '/^New:/d' "$messages/$1.msg" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }

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

check_topics "$work/files"
git init -q -b series "$repo"
while read -r f; do
	mkdir -p "$repo/$(dirname "$f")"
	cp "$O/pristine/$f" "$repo/$f"
done < <(touched)
g add -f -A
g commit -q --allow-empty -m "Linux $release"
g tag start
for t in $(topics); do
	day=$((day + 60))
	topic_apply "$t" "$repo"
	g add -f -A
	{ body "$t"; printf '\nSigned-off-by: %s <%s>\n' "$who" "$mail"; } >"$work/message"
	g commit -q -F "$work/message" || die "$t changes nothing"
done

mkdir "$work/out"
g format-patch -q -N --zero-commit --no-signature --full-index --no-renames \
	-U3 --diff-algorithm=myers --src-prefix=a/ --dst-prefix=b/ \
	--stat=72 -o "$work/out" start
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
