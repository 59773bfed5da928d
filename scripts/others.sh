#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fetch i386 libraries of others that some of libupcall's programs use, and
# unpack them in $O/others; dpkg is told nothing. Without them (no
# network) those programs are left out.

. "$(dirname "$0")/common.sh"

dir=$O/others
packages="liblua5.4-0 liblua5.4-dev libpth20 libpth-dev libst1 libst-dev"
[ "$(cat "$dir/packages" 2>/dev/null)" != "$packages" ] || exit 0

fetch() {
	local tmp=$O/tmp/others p

	rm -rf "$tmp" "$dir"
	mkdir -p "$tmp"
	cd "$tmp" || return
	for p in $packages; do
		fetch_deb "$p:i386" || return
		dpkg-deb -x "${p}"_*_i386.deb "$dir" || return
	done
	echo "$packages" >"$dir/packages"
	cd "$O" || return
	rm -rf "$tmp"
}

step "fetch Lua, Pth and State Threads" fetch ||
	{ rm -rf "$dir"; note "they cannot be had: programs that use them are left out"; }
