#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Break libupcall-mn in one place at a time, as libupcall/mn/tests/mutants has it, and
# see whether a test notices: on this machine, as 64-bit programs, with the signal back
# end. TAP: a mutant that goes unnoticed is a failure.
# usage: mutants.sh [-a] [PATTERN]
#   -a       if the tests that are named do not notice, try all others too
#   PATTERN  only what has that in its line

. "$(dirname "$0")/common.sh"

all=
[ "${1-}" != -a ] || { all=1; shift; }
pattern=${1-}
list=$top/libupcall/mn/tests/mutants
export MN_BACKEND=signal UPCALL_ITERATIONS=${UPCALL_ITERATIONS:-10000}
limit=${LIMIT:-60}

library64 mn mn-tests >&2
work=$(scratch mutants)
trap 'rm -rf "$work"' EXIT
cp -a --reflink=auto "$top/libupcall" "$O/libupcall-x86_64" "$work/"
src=$work/libupcall/mn/src
build=$work/libupcall-x86_64

runtime() {
	cleanmake -s -C "$work/libupcall" O="$build" BITS=64 \
		ABI_HEADER="$top/linux-overlay/include/uapi/linux/upcall.h" \
		"$build/libupcall-mn.so.0.1.0" >"$work/log" 2>&1
}

# What the named tests have to say, until one has noticed.
notice() {
	local t status

	for t; do
		status=0
		timeout -k 5 "$limit" "$build/mn/tests/$t" </dev/null \
			>"$work/said" 2>&1 || status=$?
		[ "$status" = 0 ] && continue
		[ "$status" = 124 ] && { echo "$t: it hangs"; return; }
		[ "$status" -lt 128 ] ||
			{ echo "$t: signal $((status - 128))"; return; }
		printf '%s: %s\n' "$t" "$(sed -n 's/^not ok [0-9]* - //p' \
			"$work/said" | head -n 1)"
		return
	done
	return 1
}

# mutant FILE SED TESTS: prints what has noticed.
mutant() {
	local tests t

	sed -i "$2" "$src/$1"
	if cmp -s "$src/$1" "$top/libupcall/mn/src/$1"; then
		echo "nothing has changed"
		return 1
	fi
	runtime || { echo "does not build"; return 1; }
	read -ra tests <<<"$3"
	if [ -n "$all" ]; then
		for t in "$build"/mn/tests/*[!.]*; do
			t=${t##*/}
			case " $3 many " in *.* | *" $t "*) ;; *) tests+=("$t") ;; esac
		done
	fi
	notice "${tests[@]}" || { echo "NOT NOTICED"; return 1; }
}

n=0 failed=0
runtime || die "$(cat "$work/log")"
while IFS=$'\t' read -r file expression tests what; do
	case $file in '' | '#'*) continue ;; esac
	[[ $file$what =~ $pattern ]] || continue
	n=$((n + 1))
	ok=ok
	by=$(mutant "$file" "$expression" "$tests") || { ok="not ok"; failed=$((failed + 1)); }
	printf '%s %d - %s: %s # %s\n' "$ok" "$n" "$file" "$what" "$by"
	cp "$top/libupcall/mn/src/$file" "$src/$file"
done <"$list"
echo "1..$n"
[ "$failed" = 0 ]
