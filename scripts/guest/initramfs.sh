#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make the part of the guest's initramfs that every run shares: busybox and
# init. Debian's busybox is fetched as i386 without telling dpkg about i386.

. "$(dirname "$0")/../common.sh"

init=$top/scripts/guest/init
out=$O/initramfs.cpio

fetch_busybox() {
	local dir=$O/tmp/busybox

	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir" || return
	fetch_deb busybox-static:i386
	dpkg-deb -x busybox-static_*.deb .
	mv bin/busybox "$O/busybox"
	cd "$O" || return
	rm -rf "$dir"
}

[ -x "$O/busybox" ] || step "fetch busybox for the guest" fetch_busybox >&2
if [ ! -f "$out" ] || [ "$init" -nt "$out" ] || [ "$O/busybox" -nt "$out" ]; then
	dir=$(scratch initramfs)
	mkdir "$dir/bin"
	cp "$O/busybox" "$dir/bin/busybox"
	cp "$init" "$dir/init"
	chmod 755 "$dir" "$dir/init" "$dir/bin/busybox"
	(cd "$dir" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet) >"$out.tmp"
	mv "$out.tmp" "$out"
	rm -rf "$dir"
fi
