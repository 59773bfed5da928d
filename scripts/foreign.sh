#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Get i386 packages of Debian's and unpack them below $O/i386, for programs that
# are linked against them and run in the guest. Nothing is installed.
# usage: foreign.sh PACKAGE...

. "$(dirname "$0")/common.sh"

root=$O/i386
work=$(scratch foreign)
trap 'rm -rf "$work"' EXIT
mkdir -p "$root"
for p; do
	[ ! -f "$root/.$p" ] || continue
	cd "$work"
	fetch_deb "$p:i386"
	dpkg-deb -x "$p"_*.deb "$root"
	rm "$p"_*.deb
	touch "$root/.$p"
done
