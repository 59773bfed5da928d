#!/bin/sh
# SPDX-License-Identifier: MIT
#
# installed.sh ROOT LIBDIR OUT: build every example against what was
# installed below ROOT, and nothing else: with what pkg-config says, static and
# shared, as C and as C++, with gcc and, where it is there, clang; those in C++ as
# C++20. The
# programs go to OUT. MODULES: what was installed.

set -eu
export LC_ALL=C

here=$(dirname "$0")
root=$1
libdir=$2
out=$3
: "${MBITS:=}" "${MODULES:=libupcall libupcall-mn}"

# Only ours, and its paths as they are below ROOT.
export PKG_CONFIG_LIBDIR="$root$libdir/pkgconfig"
export PKG_CONFIG_SYSROOT_DIR="$root"
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
export PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
# build MODULE SOURCE [OPTION]: both ways, by $cc, in $lang.
build()
{
	name=${2##*/}
	name=${name%.c*}-$cc
	cflags=$(pkg-config --cflags "$1")
	shared=$(pkg-config --libs "$1")
	static=$(pkg-config --static --libs "$1")
	# shellcheck disable=SC2086
	$cc $MBITS -O2 -g -Wall -Wextra -Werror -pthread $cflags \
		-x "$lang" ${3-} -c -o "$out/obj.o" "$2"
	# shellcheck disable=SC2086
	$cc $MBITS -pthread -o "$out/$name" "$out/obj.o" $shared \
		-Wl,-z,now -Wl,--disable-new-dtags -Wl,-rpath,"$root$libdir"
	# shellcheck disable=SC2086
	$cc $MBITS -pthread -static -o "$out/$name-static" "$out/obj.o" $static
}

rm -rf "$out"
mkdir -p "$out"
tools='gcc:c g++:c++'
! command -v clang >/dev/null 2>&1 || tools="$tools clang:c clang++:c++"
for tool in $tools; do
	cc=${tool%:*}
	lang=${tool#*:}
	for module in $MODULES; do
		case $module in
		libupcall-mn) dir=$here/../mn/examples ;;
		*) dir=$here/../examples ;;
		esac
		for src in "$dir"/*.c; do
			build "$module" "$src"
		done
		[ "$lang" = c++ ] || continue
		for src in "$dir"/*.cc; do
			[ ! -e "$src" ] || build "$module" "$src" -std=c++20
		done
	done
done
rm -f "$out/obj.o"
