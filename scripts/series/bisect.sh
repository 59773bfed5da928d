#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Does the kernel build and link after each patch, with CONFIG_UPCALL off and
# (once there is a machine that has it) on, without a word from the compiler,
# and with W=1 and sparse silent on our files? Takes a tree of its own, $O/each,
# where each patch makes kbuild build again what it touches. Prints TAP.

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/series/topics.sh
. "$top/scripts/series/topics.sh"

[ -n "$KERNEL_SRC" ] || "$top/scripts/source.sh" pristine Makefile
export KERNEL_SRC=${KERNEL_SRC:-$O/src/linux.tar.xz}
# The first patches touch headers that everything includes. With ccache, what a
# run before this one has compiled need not be compiled again.
export O=$O/each CONFIG='' DEBUG=''
tree=$O/tree
n=0 failed=0

# Our messages would be between "CC" lines: silence is a short log.
quiet_build() {
	local log

	log=$O/log/build-$(kernel_name)-$1.log
	rm -f "$log"
	"$top/scripts/guest/kernel.sh" "$1" >&2 || return
	[ -f "$log" ] || { say "there is no $log"; return 1; }
	! grep -E 'warning:|error:' "$log"
}

try() {
	local name=$1 said

	shift
	n=$((n + 1))
	if said=$("$@"); then
		say "ok $n - $name"
	else
		say "not ok $n - $name"
		printf '%s\n' "$said" | head -n 20 | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

# The tests that are there after a patch have all that they include.
selftests_build() {
	rm -rf "$O/selftests"
	"$top/scripts/selftests.sh"
}

for t in $(topics); do
	UPTO=$t "$top/scripts/tree.sh" >&2
	case $t in
	*-selftests*)
		try "$ARCH, after $t: the selftests build" selftests_build
		continue
		;;
	esac
	try "$ARCH, after $t: builds without CONFIG_UPCALL" quiet_build off
	# Until a machine has upcalls the option cannot be set.
	grep -q HAVE_UPCALL "$tree/arch/x86/Kconfig" || continue
	try "$ARCH, after $t: builds with CONFIG_UPCALL" quiet_build small
	try "$ARCH, after $t: W=1 and sparse are silent" \
		"$top/scripts/guest/style.sh" small
done
say "1..$n"
say "# $BASE, $ARCH: $(topics | wc -l) patches, $n checks, $failed failed"
! command -v ccache >/dev/null || ccache -s | grep -E 'Hits:|Misses:' | head -n 2 | sed 's/^ */# ccache: /'
[ "$failed" = 0 ]
