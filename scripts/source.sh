#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Get the kernel source: Debian's package, or the tarball or tree that
# KERNEL_SRC names, and unpack it once into $O/tree.
# usage: source.sh                    all of it
#        source.sh pristine FILE...   these files, unpatched, to $O/pristine

. "$(dirname "$0")/common.sh"

src=$O/src
package=linux-source-$BASE
conf=$top/scripts/bases/$BASE/base.conf
[ -f "$conf" ] || die "BASE=$BASE: there is no scripts/bases/$BASE/base.conf"
suite=
# shellcheck source=scripts/bases/7.3/base.conf
. "$conf" # suite
case $KERNEL_SRC in '' | /*) ;; *) KERNEL_SRC=$PWD/$KERNEL_SRC ;; esac
from="$BASE ${KERNEL_SRC:-$package}"

# What to do when Debian no longer has the package, or cannot be reached.
elsewhere() {
	local archs has

	archs=$(dpkg --print-architecture)
	has=$(apt=apt-cache private_apt "$archs" "$suite" search --names-only \
		'^linux-source-[0-9]' 2>/dev/null | cut -d ' ' -f 1 | sort -V | paste -sd ' ')
	say "error: no $package from ${suite:-the suites of this machine}, which has: ${has:-no list to be had}."
	say "error: say KERNEL_SRC=FILE, a tarball or a tree of Linux $BASE; the series was made for $release."
}

# The package holds the tarball; it is unpacked without being installed.
fetch() {
	cd "$src" || return
	fetch_deb "$package" "$suite" || { elsewhere; return 1; }
	dpkg-deb --fsys-tarfile "$package"_*.deb |
		tar -xO --wildcards "*/$package.tar.xz" >linux.tar.xz.tmp
	set -- "$package"_*.deb
	set -- "${1#*_}"
	echo "${1%_*}" >version
	mv linux.tar.xz.tmp linux.tar.xz
	rm "$package"_*.deb
}

unpack() {
	rm -rf "$tree.tmp"
	mkdir "$tree.tmp"
	if [ -d "$KERNEL_SRC" ]; then
		tar -C "$KERNEL_SRC" --exclude-vcs -c . | tar -C "$tree.tmp" -x
		[ ! -f "$tree.tmp/.config" ] ||
			cleanmake -C "$tree.tmp" mrproper
	else
		tar -C "$tree.tmp" --strip-components=1 -xf "$src/linux.tar.xz"
	fi
	mv "$tree.tmp" "$tree"
}

# Files of the source as they came, whatever has been done to $O/tree since.
pristine() {
	local f names=()

	for f; do
		[ -f "$O/pristine/$f" ] || names+=("$f")
	done
	[ ${#names[@]} -gt 0 ] || return 0
	mkdir -p "$O/pristine"
	if [ -d "$tree" ] && [ ! -f "$O/tree.sums" ]; then
		# Nothing has been done to it yet.
		tar -C "$tree" -c "${names[@]}" | tar -C "$O/pristine" -x
	elif [ -d "$KERNEL_SRC" ]; then
		tar -C "$KERNEL_SRC" -c "${names[@]}" | tar -C "$O/pristine" -x
	else
		tar -C "$O/pristine" --strip-components=1 --wildcards \
			--no-wildcards-match-slash -xf "$src/linux.tar.xz" \
			"${names[@]/#/*/}"
	fi
}

mkdir -p "$src"
if [ -f "$src/from" ] && [ "$(cat "$src/from")" != "$from" ]; then
	die "$O holds the source of '$(cat "$src/from")', and '$from' is wanted:
use another build directory (O=...), or 'make distclean' first"
fi
if [ -z "$KERNEL_SRC" ]; then
	[ -f "$src/linux.tar.xz" ] || step "fetch $package" fetch
elif [ -f "$KERNEL_SRC" ]; then
	ln -sf "$KERNEL_SRC" "$src/linux.tar.xz"
elif [ ! -d "$KERNEL_SRC" ]; then
	die "KERNEL_SRC=$KERNEL_SRC: no such file or directory"
fi
echo "$from" >"$src/from"

if [ "${1-}" = pristine ]; then
	shift
	pristine "$@"
	exit 0
fi
[ -d "$tree" ] || step "unpack the kernel source" unpack
