#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make mbox: the series as its sender posts it, in $O/mbox: a file a mail, for git
# send-email, and all of them in upcall.mbox, for b4 and for git am --empty=drop.
# The sender is the author, signs off, and is who MAINTAINERS names.
# usage: FROM='Name <address>' [VN=2] [KDIR=dir] mbox.sh
#   VN: the version of the posting; from 2 on, with what CHANGELOG.md has on top
#   KDIR: a git tree of the base, whose last commit is to be the base-commit, if the
#         mails fit it

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"
# shellcheck source=scripts/series/repo.sh
. "$top/scripts/series/repo.sh"
# shellcheck source=scripts/series/kdir.sh
. "$top/scripts/series/kdir.sh"

out=$O/mbox
version=${VN:-1}
[[ ${FROM-} =~ ^([^\<\>]*[^\<\>\ ])\ *\<([^\<\>@\ ]+@[^\<\>@\ ]+)\>$ ]] ||
	die "whose posting is it? make mbox FROM='Name <address>' BASE=$BASE"
sender=${BASH_REMATCH[1]} address=${BASH_REMATCH[2]}
[[ $version =~ ^[1-9][0-9]*$ ]] || die "VN=$version: a version is a number"
[ "$version" = 1 ] || [ -f "$top/CHANGELOG.md" ] ||
	die "VN=$version: there is no CHANGELOG.md to say what has changed"
commit=
if [ -n "${KDIR-}" ]; then
	kernel_tree "$KDIR"
	is_git || die "$KDIR is not a git tree"
	commit=$(git -C "$dir" rev-parse -q --verify HEAD) || die "$KDIR has no commit yet"
	[ -z "$(git -C "$dir" status --porcelain -uno)" ] ||
		note "$dir has changes that are not committed: the base is its last commit"
fi

# Until somebody posts it the series has no maintainer.
name_maintainer() {
	# shellcheck disable=SC2154 # make_repo sets repo
	awk -v who="$sender <$address>" '
		/^UPCALLS$/ { ours = 1 }
		/^$/ { ours = 0 }
		ours && /^M:/ { next }
		ours && /^S:/ { print "M:\t" who; print "S:\tMaintained"; next }
		{ print }' "$repo/MAINTAINERS" >"$work/maintainers"
	cp "$work/maintainers" "$repo/MAINTAINERS"
}

trim() { sed '/./,$!d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }

# What stands above the list of patches. A section of CHANGELOG.md begins with ##.
blurb() {
	body 00-cover | tail -n +2 | trim
	if [ "$version" -gt 1 ]; then
		printf '\nChanges since v%d\n----------------\n\n' $((version - 1))
		awk '/^## / { n++; next } n == 1' "$top/CHANGELOG.md" | trim
	fi
	# shellcheck disable=SC2154 # base.conf sets release, debian
	printf '\nThe series applies to Linux %s (tested: Debian %s).\n' "$release" "$debian"
}

cover() {
	local subject

	subject=$(body 00-cover | sed -n 1p)
	blurb >"$work/blurb"
	awk -v subject="$subject" -v blurb="$work/blurb" -v commit="$commit" '
		/\*\*\* SUBJECT HERE \*\*\*/ { sub(/\*\*\* SUBJECT HERE \*\*\*/, subject) }
		/^\*\*\* BLURB HERE \*\*\*$/ {
			while ((getline line <blurb) > 0)
				print line
			next
		}
		{ print }
		END { if (commit) printf "\nbase-commit: %s\n", commit }' "$1"
}

# get_maintainer.pl over files, by their names: keywords that occur in tests say
# little of whom they are for.
ask() {
	(cd "$tree" && perl scripts/get_maintainer.pl --no-git --no-git-fallback \
		--no-rolestats --no-keywords "$@")
}

# The files of patches. Of the new ones in a directory one will do, and a line in
# MAINTAINERS concerns nobody else.
files_of() {
	cat "$@" | sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' |
		awk -v list="$(touched)" '
			BEGIN { n = split(list, l, "\n"); for (i = 1; i <= n; i++) old[l[i]] }
			$0 == "MAINTAINERS" { next }
			{ dir = $0; sub("/[^/]*$", "", dir) }
			$0 in old || !(dir in seen) { print }
			{ seen[dir] }' | sort -u
}

# A field of the header, an address a line.
field() {
	sort -u | grep -vF "<$address>" | paste -sd, | sed "s/,/,\n\t/g; s/^/$1: /"
}

# To maintainers; Cc reviewers, lists, and those in scripts/series/cc.
header() {
	local files

	mapfile -t files < <(files_of "$@")
	ask --nor --nol -f "${files[@]}" >"$work/to"
	{ ask --nom -f "${files[@]}"; grep '@' "$top/scripts/series/cc"; } |
		grep -vxFf "$work/to" >"$work/cc"
	field To <"$work/to"
	field Cc <"$work/cc"
}

# mail HEADER PATCH: the header's lines go before the subject.
mail() {
	awk -v file="$1" '
		!done && /^Subject: / {
			while ((getline line <file) > 0)
				print line
			done = 1
		}
		{ print }' "$2"
}

prepare() {
	local p n

	rm -rf "$out"
	mkdir -p "$out" "$work/mails"
	make_repo "$work" "$sender" "$address" name_maintainer
	make_patches -n --thread=shallow --subject-prefix="RFC PATCH" \
		"${versions[@]}" --cover-letter -o "$work/mails"
	for p in "$work"/mails/*; do
		n=${p##*/}
		case $n in
		*0000-*)
			cover "$p" >"$work/cover"
			header "$work"/mails/*.patch >"$work/header"
			mail "$work/header" "$work/cover" >"$out/$n"
			;;
		*)
			header "$p" >"$work/header"
			mail "$work/header" "$p" >"$out/$n"
			;;
		esac
	done
	cat "$out"/*.patch >"$work/upcall.mbox"
	mv "$work/upcall.mbox" "$out"
}

# What is posted makes of the base what the series makes of it.
rehearse() {
	g checkout -q --detach start
	g -c user.name="$sender" -c user.email="$address" am -q --empty=drop "$out/upcall.mbox"
	g diff --exit-code series
	say "git am: $(g rev-list --count start..HEAD) commits on Linux $release"
}

# They fit the commit that is named as the base.
fits_base() {
	local mails=("$out"/*.patch) index=$work/index

	GIT_INDEX_FILE=$index git -C "$dir" read-tree HEAD
	fit "$work/log" "${mails[@]:1}" && return
	rm -r "$out"
	die "no mails: $commit is no base for them"
}

"$top/scripts/tree.sh"
get_pristine
[ "$have" = "$release" ] || die "patches/$BASE is made against $release, this source is $have"
versions=()
[ "$version" = 1 ] || versions=(-v "$version")
work=$(scratch mbox)
trap 'rm -rf "$work"' EXIT
day=$(($(date +%s) - 60 * ($(topics | wc -l) + 1)))
repo=$work/repo
step "write the mails" prepare
step "git am" rehearse
tail -n 1 "$logs/git-am.log"
if [ -n "$commit" ]; then
	fits_base
	say "$commit is the base: the mails fit"
fi
[ "$version" = 1 ] || say "changes since v$((version - 1)): what CHANGELOG.md has under \"$(
	sed -n 's/^## //p' "$top/CHANGELOG.md" | sed -n 1p)\""
say "$out: $(grep -c '' < <(ls "$out"/*.patch)) mails, and all of them in upcall.mbox"
grep -h '^Subject: ' "$out"/*.patch
