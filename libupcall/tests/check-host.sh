#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-host.sh BUILD PROGRAM...: what can be tested of libupcall without a
# kernel that has upcalls. TAP, as the programs themselves.

set -u
export LC_ALL=C

here=$(dirname "$0")
build=$1
shift
so=$build/libupcall.so.0
: "${CC:=cc}" "${CXX:=c++}" "${M32:=}"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

n=0
failed=0

# check WHAT COMMAND...: its output is shown if it fails.
check()
{
	what=$1
	shift
	n=$((n + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		sed 's/^/# /' "$tmp/out"
		failed=$((failed + 1))
	fi
}

# The exported symbols are those of the version map, and of no other version.
symbols()
{
	sed -n 's/^[[:space:]]*\(upc_[a-z0-9_]*\);$/\1/p' \
		"$here/../src/libupcall.map" | sort >"$tmp/map"
	nm -D --defined-only "$so" | sed -n 's/.* [TDBRW] \(.*\)@@LIBUPCALL_.*/\1/p' |
		sort >"$tmp/so"
	nm -D --defined-only "$so" | grep -v ' A LIBUPCALL_' >"$tmp/all"
	test -s "$tmp/map" && diff "$tmp/map" "$tmp/so" &&
		test "$(wc -l <"$tmp/all")" = "$(wc -l <"$tmp/map")"
}

# The header declares the same functions.
declared()
{
	grep -v '__inline__' "$here/../include/sys/upcall.h" |
		sed -nE 's/^(int|void|struct upcall) \*?(upc_[a-z_]*)\(.*/\2/p' |
		sort >"$tmp/header"
	diff "$tmp/map" "$tmp/header"
}

# What the dynamic section and the program headers must and must not say.
elf()
{
	readelf -dlWn "$so" >"$tmp/elf" || return 1
	grep -q 'SONAME.*\[libupcall.so.0\]' "$tmp/elf" &&
	grep -q 'FLAGS.*BIND_NOW' "$tmp/elf" &&
	grep -q 'GNU_RELRO' "$tmp/elf" &&
	grep -q 'GNU_STACK.* RW ' "$tmp/elf" &&
	grep -q 'x86 feature: IBT' "$tmp/elf" &&
	! grep -q 'TEXTREL' "$tmp/elf" && return 0
	cat "$tmp/elf"
	return 1
}

# A critical section is at most six instructions, none of them locked; the
# call is out of the way. Two functions, to tell the pair from the return.
crit()
{
	cat >"$tmp/crit.c" <<-'EOF'
		#include <sys/upcall.h>
		struct upcall upc;
		void pair(void)
		{
			upc_crit_enter(&upc);
			upc_crit_exit(&upc);
		}
	EOF
	# shellcheck disable=SC2086
	$1 $M32 -O2 -fno-pic -fomit-frame-pointer -fcf-protection=none \
		-I"$build/include" -c -o "$tmp/crit.o" "$tmp/crit.c" || return 1
	objdump -d --no-show-raw-insn "$tmp/crit.o" |
		sed -n 's/^ *[0-9a-f]*:\t//p' >"$tmp/dis"
	cat "$tmp/dis"
	# What is run when nothing is pending: to the branch, then the return.
	awk '{ n++ } /^j/ { seen = 1; exit } END { exit !(seen && n <= 6) }' \
		"$tmp/dis" &&
		grep -q '^add[l]* ' "$tmp/dis" && grep -q '^sub[l]* ' "$tmp/dis" &&
		! grep -qE 'lock|xchg|cmpxchg|mfence' "$tmp/dis"
}

# It compiles without a warning in a dialect.
dialect()
{
	printf '#include <sys/upcall.h>\n' >"$tmp/d.$3"
	printf 'int f(struct upcall *u);\nint f(struct upcall *u)\n' >>"$tmp/d.$3"
	printf '{ upc_crit_enter(u); upc_crit_exit(u); return u->pending; }\n' \
		>>"$tmp/d.$3"
	# shellcheck disable=SC2086
	$1 $M32 -std="$2" -Wall -Wextra -pedantic -Werror -I"$build/include" \
		-fsyntax-only "$tmp/d.$3"
}

# It meets the kernel's own header, in either order.
meets()
{
	mkdir -p "$tmp/kernel/linux"
	cp "$build/include/upcall/abi.h" "$tmp/kernel/linux/upcall.h"
	for order in 'linux/upcall.h sys/upcall.h' 'sys/upcall.h linux/upcall.h'
	do
		for h in $order; do
			echo "#include <$h>"
		done >"$tmp/m.c"
		# shellcheck disable=SC2086
		$CC $M32 -Wall -Werror -I"$build/include" -I"$tmp/kernel" \
			-fsyntax-only "$tmp/m.c" || return 1
	done
}

manuals()
{
	# Which other pages are installed says nothing about ours.
	mandoc -Tlint "$here"/../man/*.[1-9] 2>&1 |
		grep -v -e 'referenced manual not found' -e 'mandoc.db' \
			>"$tmp/lint"
	cat "$tmp/lint"
	! test -s "$tmp/lint" || return 1
	sed -n 's/^\.Xr \(upc[a-z_]*\) \([1-9]\).*/\1.\2/p' \
		"$here"/../man/*.[1-9] | sort -u >"$tmp/refs"
	while read -r ref; do
		test -f "$here/../man/$ref" || { echo "no $ref"; return 1; }
	done <"$tmp/refs"
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

check 'exported symbols equal the version map' symbols
check 'and the functions of the header' declared
check 'soname, now, relro, no executable stack, no text relocation' elf
check "a critical section, $CC" crit "$CC"
for std in gnu89 c99 gnu99 c11 gnu17; do
	check "header, $CC, $std" dialect "$CC" $std c
done
for std in c++11 c++14 c++17 c++20; do
	check "header, $CXX, $std" dialect "$CXX" $std cc
done
if have clang; then
	check 'a critical section, clang' crit clang
	check 'header, clang, gnu89' dialect clang gnu89 c
	check 'header, clang, c99' dialect clang c99 c
fi
check "with the kernel's own header" meets
if have mandoc; then
	check 'manual pages' manuals
fi
for prog; do
	check "${prog##*/}" "$prog"
done

echo "1..$n"
test "$failed" = 0
