#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make Debian packages of libupcall in $O/deb, for i386, and have lintian look.

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
	env -u O -u V -u CPU dpkg-buildpackage -a i386 -b -d -us -uc
}

# Errors fail; the rest is for information.
look() {
	lintian --allow-root --tag-display-limit 0 --fail-on error \
		"$dir"/libupcall_*.changes
}

# What is in the packages is enough to build the examples.
use() {
	local f

	for f in "$dir"/libupcall0_*.deb "$dir"/libupcall-dev_*.deb \
		"$dir"/libupcall-mn0_*.deb "$dir"/libupcall-mn-dev_*.deb; do
		dpkg-deb -x "$f" "$dir/root"
	done
	MBITS=-m32 "$top/libupcall/tests/installed.sh" "$dir/root" \
		/usr/lib/i386-linux-gnu "$dir/examples"
}

stage
step "build packages" build
step "lintian" look
step "build the examples with them" use
for f in "$dir"/*.deb; do
	say "$f"
done
