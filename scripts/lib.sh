#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build libupcall and its examples in $O/libupcall; its tests or the benchmark
# too; or install it.
# usage: lib.sh [tests|bench|install]

. "$(dirname "$0")/common.sh"

lmake() {
	cleanmake -C "$top/libupcall" O="$O/libupcall" OTHERS="$O/others" \
		${V:+V=1} -j"$JOBS" "$@"
}
if [ "${1-}" = install ]; then
	lmake install PREFIX="${PREFIX:-/usr/local}" DESTDIR="${DESTDIR-}"
	exit
fi
"$top/scripts/others.sh"
step "build libupcall" lmake all
[ "${1-}" != tests ] || step "build libupcall's tests" lmake tests
[ "${1-}" != bench ] || step "build the benchmark" lmake bench
