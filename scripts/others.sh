#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fetch what others have made for the guest, and unpack it; dpkg is told nothing.
# Libraries that some of libupcall's programs use go to $O/others, for i386, and
# to $O/others-x86_64. Without them (no network) those programs are left out. gdb
# for each width, with all the libraries that it needs, goes to $O/gdb. Without
# it its tests are skipped.
# usage: others.sh [gdb]

. "$(dirname "$0")/common.sh"

packages="liblua5.4-0 liblua5.4-dev libpth20 libpth-dev libst1 libst-dev
	libsqlite3-0 libsqlite3-dev"

# fetch DIR SUFFIX
fetch() {
	local dir=$1 tmp=$1.tmp p

	rm -rf "$tmp" "$dir"
	mkdir -p "$tmp"
	cd "$tmp" || return
	for p in $packages; do
		fetch_deb "$p$2" || return
		dpkg-deb -x "${p}"_*.deb "$dir" || return
	done
	echo "$packages" >"$dir/packages"
	cd "$O" || return
	rm -rf "$tmp"
}

# get DIR SUFFIX
get() {
	[ "$(cat "$1/packages" 2>/dev/null)" != "$packages" ] || return 0
	step "fetch Lua, SQLite, Pth and State Threads, ${1##*/}" fetch "$1" "$2" || {
		rm -rf "$1" "$1.tmp"
		note "they cannot be had: programs that use them are left out"
	}
}

# What the files there are linked against, and not there, from the folders that
# are named: until nothing more is missing.
add_libraries() {
	local to=$1 name from added=1

	shift
	while [ $added = 1 ]; do
		added=0
		while read -r name; do
			[ ! -e "$to/$name" ] || continue
			for from; do
				[ ! -e "$from/$name" ] || break
			done
			cp -L "$from/$name" "$to/" || return
			added=1
		done < <(readelf -d "$to"/* | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u)
	done
}

# fetch_gdb FOLDER DEBIAN-ARCHITECTURE TRIPLET
fetch_gdb() {
	local to=$O/gdb/$1 tmp=$O/tmp/gdb-$1 archs deb

	archs=$(dpkg --print-architecture)
	[ "$archs" = "$2" ] || archs=$archs,$2
	rm -rf "$tmp" "$to"
	mkdir -p "$tmp/debs/partial" "$tmp/root" "$tmp/gdb" "$O/gdb"
	set -- "$2" "$3" -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
		-y --no-install-recommends --download-only install "gdb-minimal:$2"
	private_apt "$archs" '' "${@:3}" || {
		private_apt "$archs" '' update || true
		private_apt "$archs" '' "${@:3}" || return
	}
	for deb in "$tmp"/debs/{lib,zlib,gdb}*_"$1".deb; do
		dpkg-deb -x "$deb" "$tmp/root" || return
	done
	cp "$tmp/root/usr/bin/gdb" "$tmp/root/lib/$2/libthread_db.so.1" \
		"$tmp/gdb/" || return
	add_libraries "$tmp/gdb" "$tmp/root/lib/$2" "$tmp/root/usr/lib/$2" || return
	mv "$tmp/gdb" "$to" || return
	rm -rf "$tmp"
}

want_gdb() {
	[ -d "$O/gdb/$1" ] || step "fetch gdb for $1" fetch_gdb "$@" ||
		note "gdb cannot be had for $1: tests of it are skipped"
}

get "$O/others" :i386
get "$O/others-x86_64" ''
[ "${1-}" = gdb ] || exit 0
want_gdb i386 i386 i386-linux-gnu
want_gdb x86_64 amd64 x86_64-linux-gnu
