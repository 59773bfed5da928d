#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A shell in the guest, with links to what was built of ours, for ARCH=x86_64 in
# both widths; 'exit' ends it.

. "$(dirname "$0")/../common.sh"

# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

dir=$(scratch shell)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root" "$dir/etc"

# links FOLDER SUFFIX: to what is in a folder of $O.
links() {
	local p

	for p in "$O/$1"/*; do
		if [ -f "$p" ] && [ -x "$p" ] && fits "$p"; then
			put_program "$p"
		fi
	done
	[ ! -d "$O/$1" ] || ln -s "$O/$1" "$dir/root/${1##*/}${2-}"
}
links selftests
if [ "$ARCH" = x86_64 ]; then
	links libupcall-x86_64/tests
	links libupcall-x86_64/examples
	links libupcall/tests -32
	links libupcall/examples -32
else
	links libupcall/tests
	links libupcall/examples
fi
echo "PS1='guest:\w# '" >"$dir/etc/profile"
if [ -t 0 ]; then
	say "A shell in the guest: 'exit' ends it, Ctrl-C goes to it."
	"$top/scripts/guest/boot.sh" -i -n shell "$dir"
else
	# Commands from a pipe or a file: they go along.
	{ echo '#!/bin/sh'; cat; } >"$dir/job"
	chmod +x "$dir/job"
	"$top/scripts/guest/boot.sh" -n shell "$dir"
fi
