#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-host.sh BUILD PROGRAM...: what can be tested of libupcall without a
# kernel that has upcalls. TAP, as the programs themselves. BITS says for which
# machine it was built, MBITS how the compiler is told.

set -u
export LC_ALL=C

here=$(dirname "$0")
build=$1
shift
so=$build/libupcall.so.0
: "${CC:=cc}" "${CXX:=c++}" "${BITS:=32}" "${MBITS:=}"
if [ "$BITS" = 64 ]; then
	savers='upc_(callused|fpu|vcpu)_wrapper'
else
	savers='upc_(fpu|vcpu)_wrapper'
fi

# shellcheck source=libupcall/tests/tap.sh
. "$here/tap.sh"

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

# Debian's list of them as well.
packaged()
{
	sed -n 's/^ \(upc_[a-z_]*\)@LIBUPCALL_.*/\1/p' \
		"$here/../debian/libupcall0.symbols" | sort >"$tmp/debian"
	diff "$tmp/map" "$tmp/debian"
}

# Nothing but what is there to save and to load them touches vector or floating
# point registers: all of it may run in an upcall that does not save them.
integers()
{
	objdump -d --no-show-raw-insn "$so" |
		awk -v savers="$savers" '/^[0-9a-f]+ <.*>:$/ { name = $2 }
		/[xyz]mm[0-9]|mxcsr|\tv?f[a-z]+ |xsave|xrstor|vzero|\tfn/ {
			if (name !~ savers) { print name, $0; bad = 1 }
			found = 1
		}
		END { exit bad || !found }'
}

# The aliases are what the manual pages say: the same function.
aliases()
{
	if [ "$BITS" = 64 ]; then
		set -- upc_fpu_wrapper upc_callused_wrapper
	else
		set -- upc_integer_wrapper upc_callused_wrapper
	fi
	nm -D "$so" | sed -n "s/ T \\($1\\|$2\\)@.*//p" >"$tmp/addresses"
	test "$(wc -l <"$tmp/addresses")" = 2 &&
		test "$(uniq "$tmp/addresses" | wc -l)" = 1
}

# What the context functions call may run anywhere: nothing of it goes through
# the PLT, the global offset table of which might not be ready.
calls()
{
	objdump -d --no-show-raw-insn "$so" |
		awk '/^[0-9a-f]+ <.*>:$/ { name = $2 }
		name ~ /wrapper|self_crit|libupcall_fpu_choose/ {
			if (/@plt|_dl_|__tls/) { print name, $0; bad = 1 }
			found = 1
		}
		END { exit bad || !found }'
}

# A compiler for i386 is not told -m32: one that does not know it will do.
native()
{
	cat >"$tmp/native-cc" <<-EOF
		#!/bin/sh
		for a; do
			test "\$a" != -m32 || exit 1
			test "\$a" != -dumpmachine || { echo i686-linux-gnu; exit; }
		done
		exec $CC $MBITS "\$@"
	EOF
	chmod +x "$tmp/native-cc"
	"${MAKE:-make}" -s -C "$here/.." O="$tmp/native" CC="$tmp/native-cc" lib &&
		readelf -h "$tmp/native/libupcall.so.0" | grep -q 'Intel 80386'
}

# Built by clang it does what needs no kernel.
by_clang()
{
	progs=
	for t in registers_host unwind_step fpu_ways; do
		progs="$progs $tmp/clang/tests/$t"
	done
	# shellcheck disable=SC2086
	"${MAKE:-make}" -s -C "$here/.." O="$tmp/clang" CC=clang CXX=clang++ \
		lib $progs || return 1
	# shellcheck disable=SC2086
	can_run $progs || return 0
	for t in $progs; do
		$t || return 1
	done
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
	$1 $MBITS -O2 -fno-pic -fomit-frame-pointer -fcf-protection=none \
		-I"$build/include" -c -o "$tmp/crit.o" "$tmp/crit.c" || return 1
	objdump -d --no-show-raw-insn "$tmp/crit.o" |
		sed -n 's/^ *[0-9a-f]*:\t//p' >"$tmp/dis"
	cat "$tmp/dis"
	# What is run when nothing is pending: to the branch, then the return.
	awk '{ n++ } /^j/ { seen = 1; exit } END { exit !(seen && n <= 6) }' \
		"$tmp/dis" &&
		grep -q '^add[l]* *.0x20,' "$tmp/dis" &&
		grep -qE '^(sub[l]* *.0x20|add[l]* *.0xffffffe0),' "$tmp/dis" &&
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
	$1 $MBITS -std="$2" -Wall -Wextra -pedantic -Werror -I"$build/include" \
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
		$CC $MBITS -Wall -Werror -I"$build/include" -I"$tmp/kernel" \
			-fsyntax-only "$tmp/m.c" || return 1
	done
}

# Every function of the header, also the inline ones, has a page that names it
# and shows its declaration; the pages refer to no page of ours that is not.
pages()
{
	man=$build/root/opt/upcall/share/man
	{
		cat "$tmp/header"
		sed -nE 's/^static __inline__ .* \*?(upc_[a-z_]*)\(.*/\1/p' \
			"$here/../include/sys/upcall.h"
	} | sort >"$tmp/functions"
	test "$(wc -l <"$tmp/functions")" -gt 10 || return 1
	while read -r f; do
		page=$(echo "$man"/man[23]/"$f".[23])
		test -f "$page" || { echo "no page $f"; return 1; }
		if ! grep -qE "^\.Nm $f( ,)?\$" "$page" ||
			! grep -qE "^\.F[no] $f( |\$)" "$page"; then
			echo "$page does not have $f"
			return 1
		fi
	done <"$tmp/functions"
	for f in "$man"/man3/upc_*.3; do
		f=$(basename "$f" .3)
		grep -qx "$f" "$tmp/functions" || { echo "no $f()"; return 1; }
	done
	sed -nE 's/^\.Xr ((lib)?upc[a-z_]*) ([1-9]).*/\1.\3/p' \
		"$here"/../man/*.[1-9] | sort -u >"$tmp/refs"
	while read -r ref; do
		test -f "$man/man${ref##*.}/$ref" ||
			{ echo "no $ref"; return 1; }
	done <"$tmp/refs"
}

# Every errno of the ABI is in the page of the call that returns it.
errnos()
{
	page=$here/../man/$1.2
	shift
	for e; do
		grep -qE "^\.It Bq Er $e\$" "$page" ||
			{ echo "$page does not have $e"; return 1; }
	done
	test "$(grep -c '^\.It Bq Er ' "$page")" = $#
}

# And none that the kernel's documentation has is in neither.
documented()
{
	grep -oE '\bE(FAULT|[A-Z]{3,})``' "$here/$1" | tr -d '`' | sort -u |
		grep -vx EXPORT >"$tmp/errnos"
	test -s "$tmp/errnos" || return 1
	while read -r e; do
		grep -qE "^\.It Bq Er $e\$" "$here"/../man/upc_*.2 ||
			{ echo "no page has $e"; return 1; }
	done <"$tmp/errnos"
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

check 'exported symbols equal the version map' symbols
check 'and the functions of the header' declared
check 'and those of the Debian package' packaged
check 'vector and floating point registers are left alone' integers
check 'one function by two names' aliases
check 'nothing that an upcall runs goes through the PLT' calls
if [ "$BITS" = 32 ]; then
	check 'built by a compiler that is native' native
fi
check 'soname, now, relro, no executable stack, no text relocation' elf
check "a critical section, $CC" crit "$CC"
for std in gnu89 c99 gnu99 c11 gnu17; do
	check "header, $CC, $std" dialect "$CC" $std c
done
for std in c++11 c++14 c++17 c++20; do
	check "header, $CXX, $std" dialect "$CXX" $std cc
done
if have clang; then
	check 'the library built by clang' by_clang
	check 'a critical section, clang' crit clang
	check 'header, clang, gnu89' dialect clang gnu89 c
	check 'header, clang, c99' dialect clang c99 c
fi
check "with the kernel's own header" meets
if have mandoc; then
	check 'mandoc has nothing to say of the manual pages' lint "$here"/../man/*.[1-9]
fi
check 'every function has a manual page' pages
check 'every errno of upc_register' errnos upc_register \
	EFAULT EFBIG EINVAL ENOMEM ENOSYS EOPNOTSUPP
check 'every errno of upc_control' errnos upc_control \
	EFAULT EINTR EINVAL ENOENT ENOMEM ENOSYS EOPNOTSUPP
rst=../../Documentation/userspace-api/upcall.rst
if test -f "$here/$rst"; then
	check "and of the kernel's documentation" documented "$rst"
fi
if can_run "$@"; then
	for prog; do
		check "${prog##*/}" "$prog"
	done
else
	skip_programs "$@"
fi

echo "1..$n"
test "$failed" = 0
