#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-host.sh BUILD PROGRAM...: libupcall-mn without a guest, with the signal
# back end: what can be said of the library and its pages, then the programs.
# TAP.

set -u
export LC_ALL=C

here=$(dirname "$0")
build=$1
shift
so=$build/libupcall-mn.so.0
header=$here/../include/upcall/mn.h
man=$here/../man
: "${CC:=cc}" "${CXX:=c++}" "${MBITS:=}"

# shellcheck source=libupcall/tests/tap.sh
. "$here/../../tests/tap.sh"

# The functions of the header are those of the map, and no more are exported.
functions()
{
	sed -nE 's/^[a-z].*[ *](mn_[a-z_]+)\(.*/\1/p' "$header" |
		sort >"$tmp/header"
	sed -n 's/^[[:space:]]*\(mn_[a-z_]*\);$/\1/p' \
		"$here/../src/libupcall-mn.map" | sort >"$tmp/map"
	test -s "$tmp/header" && diff "$tmp/header" "$tmp/map"
}

exported()
{
	nm -D --defined-only "$so" |
		sed -n 's/.* [TDBRW] \(.*\)@@LIBUPCALL_MN_.*/\1/p' | sort >"$tmp/so"
	diff "$tmp/map" "$tmp/so" || return 1
	nm --defined-only --extern-only "$build/libupcall-mn.a" |
		sed -n 's/.* [TDBRW] //p' | sort >"$tmp/a"
	diff "$tmp/map" "$tmp/a"
}

packaged()
{
	sed -n 's/^ \(mn_[a-z_]*\)@LIBUPCALL_MN_.*/\1/p' \
		"$here/../../debian/libupcall-mn0.symbols" | sort >"$tmp/debian"
	diff "$tmp/map" "$tmp/debian"
}

elf()
{
	readelf -dlWn "$so" >"$tmp/elf" || return 1
	grep -q 'SONAME.*\[libupcall-mn.so.0\]' "$tmp/elf" &&
	grep -q 'NEEDED.*\[libupcall.so.0\]' "$tmp/elf" &&
	grep -q 'FLAGS.*BIND_NOW' "$tmp/elf" &&
	grep -q 'GNU_RELRO' "$tmp/elf" &&
	grep -q 'GNU_STACK.* RW ' "$tmp/elf" &&
	! grep -q 'TEXTREL' "$tmp/elf" && return 0
	cat "$tmp/elf"
	return 1
}

dialect()
{
	cat >"$tmp/d.$3" <<-'EOT'
		#include <upcall/mn.h>
		static struct mn_mutex m = MN_MUTEX_INITIALIZER;
		static struct mn_cond c = MN_COND_INITIALIZER;
		static struct mn_sem s = MN_SEM_INITIALIZER(1);
		static struct mn_once o = MN_ONCE_INITIALIZER;
		int f(void);
		int f(void)
		{
			return mn_mutex_lock(&m) + mn_cond_signal(&c) +
			       mn_sem_wait(&s) + mn_once(&o, 0);
		}
	EOT
	# shellcheck disable=SC2086
	$1 $MBITS -std="$2" -Wall -Wextra -pedantic -Werror -I"$build/include" \
		-fsyntax-only "$tmp/d.$3"
}

manuals()
{
	for page in "$man"/*.[1-9]; do
		mandoc -Tlint "$page" >"$tmp/lint" 2>&1
		grep -v -e 'referenced manual not found' -e 'mandoc.db' \
			"$tmp/lint" && return 1
	done
	return 0
}

# Each function has a page, or a link to one, which names and declares it.
pages()
{
	root=$build/root/opt/upcall/share/man
	while read -r f; do
		page=$root/man3/$f.3
		test -f "$page" || { echo "no page $f"; return 1; }
		if ! grep -qE "^\.Nm $f( ,)?\$" "$page" ||
			! grep -qE "^\.F[no] $f( |\$)" "$page"; then
			echo "$page does not have $f"
			return 1
		fi
	done <"$tmp/header"
	for f in "$root"/man3/mn_*.3; do
		f=$(basename "$f" .3)
		grep -qx "$f" "$tmp/header" || { echo "no $f()"; return 1; }
	done
	sed -nE 's/^\.Xr ((mn|upc|libupcall)[a-z_]*) ([1-9]).*/\1.\3/p' \
		"$man"/*.[1-9] | sort -u >"$tmp/refs"
	while read -r ref; do
		test -f "$root/man${ref##*.}/$ref" ||
			{ echo "no $ref"; return 1; }
	done <"$tmp/refs"
}

# Every errno that the header or the source gives is in a page, with its sign.
errnos()
{
	cat "$here"/../src/*.c "$header" | grep -oE '\bE[A-Z]{3,}\b' | sort -u |
		grep -vxE 'EPOLL.*|EXITED|EXPORT|ENOTSOCK|ENOENT|EINTR|EINPROGRESS|ECONNABORTED|EOPNOTSUPP' \
		>"$tmp/errnos"
	test -s "$tmp/errnos" || return 1
	while read -r e; do
		grep -qE "^\.It Bq Er $e\$" "$man"/*.3 ||
			{ echo "no page has $e"; return 1; }
	done <"$tmp/errnos"
}

# One that speaks TAP of its own, or has an exit status alone.
program()
{
	MN_BACKEND=signal timeout 300 "$1" >"$tmp/said" 2>&1
	status=$?
	grep -E '^(not ok|Bail|# .*\.c:)' "$tmp/said" || tail -n 5 "$tmp/said"
	[ "$status" = 0 ] || echo "exit status $status"
	return "$status"
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

check 'the functions of the header equal the version map' functions
check 'and what is exported' exported
check 'and those of the Debian package' packaged
check 'soname, now, relro, no executable stack, no text relocation' elf
for std in c99 gnu99 c11 gnu17; do
	check "header, $CC, $std" dialect "$CC" $std c
done
for std in c++11 c++17 c++20; do
	check "header, $CXX, $std" dialect "$CXX" $std cc
done
if have mandoc; then
	check 'mandoc has nothing to say of the manual pages' manuals
fi
check 'every function has a manual page' pages
check 'every errno is in a page' errnos

# A machine that cannot run i386 programs has done its part: ask the dynamic
# linker that they want.
interp=$(for p; do readelf -lW "$p"; done 2>/dev/null |
	sed -n 's/.*program interpreter: \(.*\)]/\1/p' | head -n 1)
if "$interp" --version >/dev/null 2>&1; then
	for prog; do
		check "${prog##*/}" program "$prog"
	done
else
	n=$((n + 1))
	echo "ok $n - $# programs # SKIP no i386 programs run here"
fi

echo "1..$n"
test "$failed" = 0
