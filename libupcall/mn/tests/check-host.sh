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
# shellcheck source=libupcall/mn/tests/gdb.sh
. "$here/gdb.sh"

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
	# The C library's functions that have to know of user threads, and what there is
	# for debuggers.
	grep -q '^pthread_exit$' "$tmp/so" || return 1
	grep -q '^_mn_debug$' "$tmp/so" || return 1
	grep -v -e '^pthread_' -e '^_mn_debug$' "$tmp/so" | diff "$tmp/map" - || return 1
	nm --defined-only --extern-only "$build/libupcall-mn.a" |
		sed -n 's/.* [TDBRW] //p' | grep -v -e '^__cxa_' -e '^_mn_debug$' |
		sort >"$tmp/a"
	diff "$tmp/map" "$tmp/a"
}

# What stands before functions of other libraries has no version, and no other name
# than these have.
in_place()
{
	nm -D --defined-only "$so" | sed -n 's/.* [TDBRW] \([^@]*\)$/\1/p' |
		sort >"$tmp/public"
	grep -qx pthread_mutex_lock "$tmp/public" || return 1
	! grep -vE '^(pthread|mtx|GOMP|omp|__cxa)_|^__(pthread|mtx)_.*lock64$|^f(try|un)?lockfile$|^sigprocmask$' \
		"$tmp/public" || return 1
	arch=amd64
	! readelf -h "$so" | grep -q 'Class:.*ELF32' || arch=i386
	sed -nE "s/^ (\(arch=$arch\))?([^ ()]*)@Base .*/\2/p" \
		"$here/../../debian/libupcall-mn0.symbols" | sort >"$tmp/base"
	diff "$tmp/public" "$tmp/base"
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

# hpp COMPILER OPTION...: the header for C++, with a use of each of its templates.
hpp()
{
	cat >"$tmp/h.cc" <<-'EOT'
		#include <upcall/mn.hpp>
		template class mn::channel<int>;
		int f();
		int f()
		{
			return mn::run({ .vcpus = 1 }, [](int a) {
				mn::condition_variable_any c;
				mn::channel<std::unique_ptr<int>> pointers;
				mn::mutex m;
				pointers.send(std::make_unique<int>(a));
				mn::thread t({ .name = "t" }, [&](mn::stop_token stop) {
					std::scoped_lock lock(m);
					c.wait(m, stop, [] { return false; });
				});
				std::unique_lock<mn::mutex> lock(m);
				c.wait_for(lock, std::chrono::seconds(1));
				return mn::blocking([a] { return a; });
			}, 1);
		}
	EOT
	# shellcheck disable=SC2086
	$1 $MBITS -Wall -Wextra -Wpedantic -Werror -O2 -I"$build/include" \
		-o "$tmp/h.o" -c "$tmp/h.cc" "$2" "$3"
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
		grep -vxE 'EPOLL.*|EXITED|EXPORT|ENOTSOCK|ENOENT|EINTR|EOWNERDEAD|EINPROGRESS|EALREADY|EEXIST|EVENTS|ELFMAG|EOPNOTSUPP' \
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
check 'what takes the place of others has no version' in_place
check 'soname, now, relro, no executable stack, no text relocation' elf
for std in c99 gnu99 c11 gnu17; do
	check "header, $CC, $std" dialect "$CC" $std c
done
for std in c++11 c++17 c++20; do
	check "header, $CXX, $std" dialect "$CXX" $std cc
done
for cxx in "$CXX" clang++; do
	have "${cxx%% *}" || continue
	check "header for C++, $cxx, c++20" hpp "$cxx" -std=c++20 -fexceptions
	check "header for C++, $cxx, c++2b, no exceptions" hpp "$cxx" -std=c++2b \
		-fno-exceptions
done
if have mandoc; then
	check 'mandoc has nothing to say of the manual pages' lint "$man"/*.[1-9]
fi
check 'every function has a manual page' pages
check 'every errno is in a page' errnos

if can_run "$@"; then
	for prog; do
		check "${prog##*/}" program "$prog"
	done
	! have gdb || gdb_checks "$build/mn/tests/gdb/debuggee"
else
	skip_programs "$@"
fi

echo "1..$n"
test "$failed" = 0
