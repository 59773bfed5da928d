#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Does the kernel build after each patch, with CONFIG_UPCALL on (once there is
# a machine that has it) and off, without a word from the compiler? Takes a tree
# of its own, $O/each. Prints TAP.

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"

[ -n "$KERNEL_SRC" ] || "$top/scripts/source.sh" pristine Makefile
export KERNEL_SRC=${KERNEL_SRC:-$O/src/linux.tar.xz}
export O=$O/each DEBUG=''
n=0 failed=0

# Our messages would be between "CC" lines: silence is a short log.
quiet_build() {
	local log

	"$top/scripts/guest/kernel.sh" "$1" >&2 || return
	log=$O/log/build-kernel-$ARCH-$1.log
	! grep -E 'warning:|error:' "$log"
}

for t in $(topics); do
	UPTO=$t "$top/scripts/tree.sh" >&2
	for how in off small; do
		n=$((n + 1))
		name="builds after $t, $([ $how = off ] && echo without || echo "with, if it can be") CONFIG_UPCALL"
		if said=$(quiet_build $how); then
			say "ok $n - $name"
		else
			say "not ok $n - $name"
			printf '%s\n' "$said" | head -n 20 | sed 's/^/# /'
			failed=1
		fi
	done
done
say "1..$n"
exit $failed
