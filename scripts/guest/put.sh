# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced after common.sh: put programs, at their own paths, in the directory
# $dir that the guest will see as its root.

put() {
	# shellcheck disable=SC2154 # the sourcing script sets dir
	mkdir -p "$dir/$(dirname "$1")"
	cp -L "$1" "$dir/$1"
}

# put_program FILE: with the libraries that it is linked against here. The
# header says which dynamic linker it wants; that one says what else.
put_program() {
	local interp lib libs

	case $ARCH,$(readelf -h "$1" 2>/dev/null | sed -n 's/^ *Machine: *//p') in
	*,*80386 | x86_64,*X86-64) ;;
	*) die "$1 is not an i386 program (gcc -m32 makes them)" ;;
	esac
	put "$1"
	chmod +x "$dir/$1"
	interp=$(readelf -lW "$1" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
	[ -n "$interp" ] || return 0
	[ -f "$interp" ] || die "$1 wants $interp, which is not here"
	libs=$("$interp" --list "$1") || die "$1: $interp cannot list its libraries"
	! grep 'not found' <<<"$libs" || die "$1: these libraries are not here"
	[ -f "$dir/$interp" ] || put "$interp"
	while read -r lib; do
		[ -f "$dir/$lib" ] || put "$lib"
		# Threads load this one by themselves when they are cancelled.
		case $lib in
		*/libc.so.6) [ ! -f "${lib%/*}/libgcc_s.so.1" ] || put "${lib%/*}/libgcc_s.so.1" ;;
		esac
	done < <(awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' <<<"$libs")
}
