#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Remove what was built; with "all", the kernel source and tree too. By name:
# O may be a directory that somebody uses for more.

. "$(dirname "$0")/common.sh"

# clean WHAT DIRECTORY
clean() {
	rm -rf "$2"/kernel-* "$2"/tree/kernel-* "$2"/{libupcall,libupcall-x86_64,bench,bench-mn,demo,deb,dist,selftests,headers,log,check,tmp,each,stock,regress,coverage,initramfs.cpio,ccache-bin,tsc-khz}
	[ "$1" = all ] || return 0
	rm -rf "$2"/{tree,tree.tmp,tree.sums,src,pristine,busybox,ccache,others,others-x86_64,gdb} "$2"/apt-*
	[ ! -d "$2" ] || rmdir --ignore-fail-on-non-empty "$2"
}

# The other bases have their places in the default one's.
for b in "$O"/[0-9]*.[0-9]*/; do
	clean "${1-}" "${b%/}"
done
clean "${1-}" "$O"
