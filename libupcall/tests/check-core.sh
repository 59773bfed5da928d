#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-core.sh ARCH PROGRAM FILE: FILE has what PROGRAM, tests/core, printed in
# the guest. ARCH is where its assembly is. Has gdb go from cfunc through the
# context function and the kernel's frame to the interrupted function, its line,
# and its callers. TAP.

set -u
export LC_ALL=C

here=$(dirname "$0")
arch=$1
prog=$2
file=$3

if ! command -v gdb >/dev/null 2>&1; then
	echo '1..0 # SKIP no gdb'
	exit 0
fi
# shellcheck source=libupcall/tests/tap.sh
. "$here/tap.sh"

# The line of the instruction that a leaf spins in.
line_of()
{
	awk -v label="$1:" '$1 == label { seen = 1 }
		seen && $1 == "jmp" { print NR; exit }' "$here/$arch/leaf_asm.S"
}

# In gdb's words: frame NUMBER is in FUNCTION, at FILE:LINE.
frame()
{
	grep -qE "^#$1 .*$2 \(.*\) at .*$3\$" "$tmp/bt"
}

# A core of another build of the program would be of no use.
for leaf in leaf_first leaf_prologue leaf_odd; do
	sed -n "s/\r*\$//; s/^# core $leaf \([0-9]* .*\)/\1/p" "$file" >"$tmp/blocks"
	while read -r block data; do
		echo "$data" | base64 -d |
			dd of="$tmp/core" bs=256 seek="$block" conv=notrunc \
				2>/dev/null
	done <"$tmp/blocks"
	check "$leaf: a core came out of the guest" test -s "$tmp/core"
	gdb --batch -nx -ex 'set debuginfod enabled off' -ex bt "$prog" "$tmp/core" \
		>"$tmp/out" 2>&1
	grep '^#' "$tmp/out" >"$tmp/bt"
	sed 's/^/# /' "$tmp/bt"
	trap_line=$(grep -n '__builtin_trap' "$here/core.c" | cut -d: -f1)
	spin=${leaf}_spin
	test "$leaf" != leaf_first || spin=$leaf
	check "$leaf: gdb begins in cfunc" frame 0 cfunc "core.c:$trap_line"
	check "$leaf: then the kernel's frame" \
		grep -q '^#1 *<signal handler called>' "$tmp/bt"
	check "$leaf: the interrupted line" \
		frame 2 "${leaf}[_a-z]*" "leaf_asm.S:$(line_of "$spin")"
	check "$leaf: its caller" frame 3 inner "core.c:[0-9]+"
	check "$leaf: that one's caller" frame 4 outer "core.c:[0-9]+"
	rm -f "$tmp/core"
done
echo "1..$n"
test "$failed" = 0
