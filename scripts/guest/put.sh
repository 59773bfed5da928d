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

# fits FILE: is it a program that the guest can run?
fits() {
	case $ARCH,$(readelf -h "$1" 2>/dev/null | sed -n 's/^ *Machine: *//p') in
	*,*80386 | x86_64,*X86-64) ;;
	*) return 1 ;;
	esac
}

# Which bits is it for? 1 for 32, 2 for 64, nothing if it is not there.
class_of() { od -An -tu1 -j4 -N1 "$1" 2>/dev/null || true; }

# find_library NAME CLASS DIRECTORIES: the first of them that has it.
find_library() {
	local d

	while IFS= read -r d; do
		if [ -n "$d" ] && [ "$(class_of "$d/$1")" = "$2" ]; then
			realpath -s "$d/$1"
			return
		fi
	done < <(tr : '\n' <<<"$3"
		PATH=$PATH:/sbin:/usr/sbin ldconfig -p |
			awk -v n="$1" '$1 == n { sub(/\/[^\/]*$/, "", $NF); print $NF }')
	return 1
}

# needs OBJECT: 'path' and the directories it names, 'lib' and each that it needs.
needs() {
	readelf -dW "$1" | sed -nE '
		s/.*\((RPATH|RUNPATH)\).*\[(.*)\]/path \2/p
		s/.*\(NEEDED\).*\[(.*)\]/lib \1/p' | sort -r
}

# What needs and find_library have said before.
declare -A needs_of=() found=()

# put_libraries PROGRAM INTERP: what it is linked against, and what that is. The
# dynamic linker INTERP would know, but this machine may be unable to run it. It
# looks in fewer of the paths than are looked in here.
put_libraries() {
	local class default objects=("$1") paths='' i key kind lib name
	local -A seen=()

	class=$(class_of "$1")
	default=${LD_LIBRARY_PATH-}:$(dirname "$(readlink -f "$2")")
	for ((i = 0; i < ${#objects[@]}; i++)); do
		key=${objects[i]}
		[ -n "${needs_of[$key]-}" ] || needs_of[$key]=$(needs "$key")
		while read -r kind name; do
			if [ "$kind" = path ]; then
				paths=$paths:${name//\$ORIGIN/${objects[i]%/*}}
				continue
			fi
			if [ -z "$name" ] || [ -n "${seen[$name]-}" ]; then continue; fi
			seen[$name]=1
			key="$name $class $paths:$default"
			[ -n "${found[$key]-}" ] ||
				found[$key]=$(find_library "$name" "$class" "$paths:$default") ||
				die "$1: $name is not here"
			lib=${found[$key]}
			[ -f "$dir/$lib" ] || put "$lib"
			objects+=("$lib")
		done <<<"${needs_of[${objects[i]}]}"
	done
	# Threads load this one by themselves when they are cancelled.
	lib=${default##*:}/libgcc_s.so.1
	[ ! -f "$lib" ] || [ -f "$dir/$lib" ] || put "$lib"
}

# put_program FILE: with the libraries that it is linked against here. The
# header says which dynamic linker it wants.
put_program() {
	local interp

	if ! fits "$1"; then
		[ "$ARCH" != i386 ] ||
			die "$1 is not an i386 program (gcc -m32 makes them; ARCH=x86_64 runs others)"
		die "$1 is no program for x86"
	fi
	put "$1"
	chmod +x "$dir/$1"
	interp=$(readelf -lW "$1" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
	[ -n "$interp" ] || return 0
	[ -f "$interp" ] || die "$1 wants $interp, which is not here"
	[ -f "$dir/$interp" ] || put "$interp"
	put_libraries "$1" "$interp"
}
