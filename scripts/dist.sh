#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make what is handed out, in $O/dist, of the commit that is checked out: all of
# it, the library alone, the series of each base, and their checksums. The same
# commit gives the same bytes.

. "$(dirname "$0")/common.sh"

out=$O/dist
version=$(sed -n 's/^VERSION[[:space:]]*= *//p' "$top/libupcall/Makefile")

# One number, wherever it stands.
same_version() {
	local where got

	while read -r where got; do
		[ "$got" = "$version" ] ||
			die "$where is for version ${got:-(none)}, libupcall/Makefile for $version"
	done <<-EOF
		libupcall/mn/mn.mk $(sed -n 's/^MN_VERSION[[:space:]]*= *//p' "$top/libupcall/mn/mn.mk")
		libupcall/debian/changelog $(sed -n '1s/.*(\(.*\)).*/\1/p' "$top/libupcall/debian/changelog")
		CHANGELOG.md $(sed -n 's/^## \([0-9.]*\).*/\1/p' "$top/CHANGELOG.md" | head -n 1)
	EOF
}

# pack NAME DIRECTORY: a tarball of a directory of $work, with nothing of today.
pack() {
	tar -C "$work/$2" --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw \
		--mtime="@$date" --transform="s,^\.,$1," -c . | xz -T1 -6 >"$out/$1.tar.xz"
	say "$out/$1.tar.xz"
}

git -C "$top" rev-parse HEAD >/dev/null || die "$top is no clone: what is handed out is a commit"
[ -z "$(git -C "$top" status --porcelain)" ] ||
	note "what is not committed is not in it: $(git -C "$top" status --porcelain | wc -l) files"
same_version
date=$(git -C "$top" log -1 --format=%ct)
work=$(scratch dist)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out" "$work/all"
git -C "$top" archive HEAD | tar -C "$work/all" -x
pack "upcalls-$version" all
cp -r "$work/all/libupcall" "$work/lib"
mkdir -p "$work/lib/abi/linux"
cp "$work/all/linux-overlay/include/uapi/linux/upcall.h" "$work/lib/abi/linux/"
sed -i 's,^ABI_HEADER.*,ABI_HEADER	?= abi/linux/upcall.h,' "$work/lib/Makefile"
pack "libupcall-$version" lib
for b in "$work"/all/patches/*/; do
	b=${b%/}
	pack "upcalls-$version-linux-${b##*/}" "all/patches/${b##*/}"
done
(cd "$out" && sha256sum ./*.tar.xz | sed 's, \./, ,' >SHA256SUMS)
cat "$out/SHA256SUMS"
