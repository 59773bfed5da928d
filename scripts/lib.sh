#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build libupcall and its examples, for i386 in $O/libupcall and for x86-64 in
# $O/libupcall-x86_64; its tests or the benchmark too; or install it, in both
# widths.
# usage: lib.sh [tests|bench|install]

. "$(dirname "$0")/common.sh"

lmake() {
	cleanmake -C "$top/libupcall" O="$O/libupcall" GDBS="$O/gdb" \
		${V:+V=1} -j"$JOBS" "$@"
}
lmake64() { lmake O="$O/libupcall-x86_64" BITS=64 "$@"; }
if [ "${1-}" = install ]; then
	to=(PREFIX="${PREFIX:-/usr/local}" DESTDIR="${DESTDIR-}")
	lmake install "${to[@]}"
	# Where Debian's linker and loader look before they look into lib.
	lmake64 install "${to[@]}" LIBDIR="${PREFIX:-/usr/local}/lib/x86_64-linux-gnu"
	exit
fi
"$top/scripts/others.sh"
[ "${1-}" != tests ] || "$top/scripts/others.sh" gdb
step "build libupcall" lmake all
step "build libupcall, x86-64" lmake64 all
if [ "${1-}" = tests ]; then
	step "build libupcall's tests" lmake tests
	step "build libupcall's tests, x86-64" lmake64 tests
fi
if [ "${1-}" = bench ]; then
	step "build the benchmark" lmake bench
	step "build the benchmark, x86-64" lmake64 bench
fi
