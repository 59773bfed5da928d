#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Remove what was built; with "all", the kernel source and tree too. By name:
# O may be a directory that somebody uses for more.

. "$(dirname "$0")/common.sh"

rm -rf "$O"/kernel-* "$O"/{libupcall,libupcall-x86_64,bench,bench-mn,demo,deb,selftests,headers,log,check,tmp,each,stock,regress,coverage,initramfs.cpio}
[ "${1-}" = all ] || exit 0
rm -rf "$O"/{tree,tree.tmp,tree.sums,src,pristine,busybox,ccache,others} "$O"/apt-*
[ ! -d "$O" ] || rmdir --ignore-fail-on-non-empty "$O"
