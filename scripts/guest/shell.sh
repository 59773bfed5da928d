#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A shell in the guest, with links to what was built of ours; 'exit' ends it.

. "$(dirname "$0")/../common.sh"

# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

dir=$(scratch shell)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root" "$dir/etc"
for d in selftests libupcall/tests libupcall/examples; do
	for p in "$O/$d"/*; do
		[ ! -f "$p" ] || [ ! -x "$p" ] || put_program "$p"
	done
	[ ! -d "$O/$d" ] || ln -s "$O/$d" "$dir/root/${d##*/}"
done
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
