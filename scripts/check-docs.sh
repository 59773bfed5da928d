#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Do the documents keep what they say? Links lead to something, files and targets
# that are named exist, the README's programs are those that are built, and the
# figures are those of the last results. Prints TAP.
# usage: check-docs.sh [-q]   (-q: only what failed)

. "$(dirname "$0")/common.sh"

quiet=
[ "${1-}" != -q ] || quiet=1
cd "$top"
docs=(README.md CONTRIBUTING.md CHANGELOG.md Documentation/*.md)
n=0 failed=0

# check NAME COMMAND...: not ok if it prints something, which is why.
check() {
	local name=$1 why

	shift
	why=$("$@" 2>&1) || true
	n=$((n + 1))
	if [ -z "$why" ]; then
		[ -n "$quiet" ] || say "ok $n - $name"
	else
		say "not ok $n - $name"
		head -n 20 <<<"$why" | sed 's/^/# /'
		failed=1
	fi
}

# The headings of a page, as their links would be.
anchors() {
	sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-'
}

# Links of a page to files beside it, and to their headings.
links() {
	local to file

	grep -oP '\]\(\K[^)]+' "$1" | while read -r to; do
		case $to in http:* | https:* | mailto:*) continue ;; esac
		file=${to%%#*}
		file=${file:+$(dirname "$1")/$file}
		file=${file:-$1}
		if [ ! -e "$file" ]; then
			echo "$to: there is no such file"
		elif [[ $to = *'#'* ]] && ! anchors "$file" | grep -qxF "${to#*#}"; then
			echo "$to: there is no such heading"
		fi
	done
}

# What stands in backquotes and looks like a file of ours.
files() {
	# shellcheck disable=SC2016 # backquotes as they are
	grep -oP '`\K(scripts|selftests|libupcall|linux-overlay|Documentation)/[A-Za-z0-9_./-]+(?=`)' "$1" |
		sort -u | while read -r f; do
		[ -e "$f" ] || [ -e "$f.c" ] || [[ $f = *[A-Z][A-Z]* ]] || echo "$f"
	done
	case $1 in */design.md | */runtime.md) ;; *) return ;; esac
	# Their tables of files.
	# shellcheck disable=SC2016
	sed -n 's/^| `\([a-z_]*\.[ch]\)`.*/\1/p' "$1" | while read -r f; do
		[ -n "$(git ls-files "*/$f" 2>/dev/null || find . -name "$f")" ] || echo "$f"
	done
}

# make TARGET, in backquotes or in an example.
targets() {
	grep -oP '(`|^\t|^)make (-s )?\K[a-z][a-z-]+' "$1" | sort -u | while read -r t; do
		grep -qE "^$t:" Makefile || grep -qw "$t" <(sed -n '/^\.PHONY/,/[^\\]$/p' Makefile) ||
			echo "make $t"
	done
}

for d in "${docs[@]}"; do
	[ -f "$d" ] || continue
	check "$d: links" links "$d"
	check "$d: files" files "$d"
	check "$d: targets of make" targets "$d"
done

# program N PAGE: its Nth piece of C.
program() {
	awk -v n="$1" '/^```/ { on = 0 } on { print } /^```c$/ { on = ++k == n }' "$2"
}

compiles() {
	program "$1" README.md | "${CC:-gcc}" -Wall -Wextra -Werror -fsyntax-only \
		-I"$work" -Ilibupcall/include -Ilibupcall/mn/include -x c -
}

is_example() { program 2 README.md | diff - <(sed '/^#include/,$!d' libupcall/examples/hello.c); }

short() { awk 'END { if (NR > 150) print NR " lines" }' README.md; }

work=$(scratch docs)
trap 'rm -rf "$work"' EXIT
mkdir "$work/upcall"
cp linux-overlay/include/uapi/linux/upcall.h "$work/upcall/abi.h"
check "README.md: the first program compiles" compiles 1
check "README.md: the second program compiles" compiles 2
check "README.md: the second program is libupcall/examples/hello.c" is_example
check "README.md: at most 150 lines" short

# What figures.py says, with numbers that go on from here.
python3 scripts/figures.py "$top" >"$work/figures" || true
while read -r line; do
	case $line in
	"ok "*)
		n=$((n + 1))
		[ -n "$quiet" ] || say "ok $n - ${line#* - }"
		;;
	"not ok "*)
		n=$((n + 1))
		say "not ok $n - ${line#* - }"
		failed=1
		;;
	'#'*) [ -n "$quiet" ] || say "$line" ;;
	esac
done <"$work/figures"
[ -n "$quiet" ] || say "1..$n"
exit $failed
