#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make Debian packages of libupcall in $O/deb, for amd64 and i386, and have
# lintian look.

. "$(dirname "$0")/common.sh"

dir=$O/deb
src=$dir/libupcall

# The package's source is the library with the kernel's header put beside it.
stage() {
	rm -rf "$dir"
	mkdir -p "$src/abi/linux"
	tar -C "$top/libupcall" --exclude=./build -c . | tar -C "$src" -x
	cp "$top/linux-overlay/include/uapi/linux/upcall.h" "$src/abi/linux/"
}

build() {
	cd "$src" || return
	# -d: dpkg would want the i386 packages of what is here for amd64.
	env -u O -u V -u CPU dpkg-buildpackage -a "$1" -b -d -us -uc
}

# Errors fail; the rest is for information.
look() {
	lintian --allow-root --tag-display-limit 0 --fail-on error \
		"$dir"/libupcall_*_"$1".changes
}

# What is in the packages is enough to build the examples.
use() {
	local f

	for f in "$dir"/libupcall*_"$1".deb; do
		case $f in
		*-dbgsym_*) ;;
		*) dpkg-deb -x "$f" "$dir/root-$1" ;;
		esac
	done
	MBITS=$2 MODULES=$4 "$top/libupcall/tests/installed.sh" "$dir/root-$1" \
		"/usr/lib/$3" "$dir/examples-$1"
}

# Both can be installed: where a file is in both, it is the same.
together() {
	local f n=0

	while read -r f; do
		[ -f "$dir/root-i386/$f" ] || continue
		cmp "$dir/root-amd64/$f" "$dir/root-i386/$f"
		n=$((n + 1))
	done < <(cd "$dir/root-amd64" && find . -type f)
	say "$n files are the same"
	[ $n -gt 10 ]
}

stage
for arch in i386 amd64; do
	step "build packages, $arch" build $arch
	step "lintian, $arch" look $arch
done
step "build the examples with them, i386" use i386 -m32 i386-linux-gnu \
	'libupcall libupcall-mn'
step "build the examples with them, amd64" use amd64 -m64 x86_64-linux-gnu \
	'libupcall libupcall-mn'
step "both beside each other" together
for f in "$dir"/*.deb; do
	say "$f"
done
