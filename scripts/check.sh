#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check: prepare what is missing, run every test, end with the totals.

. "$(dirname "$0")/common.sh"

passed=0 failed=0 skipped=0
begin=$SECONDS

# However it ends, the totals are the last line, and the status is theirs.
totals() {
	local status=$?

	# Preparations that failed left tests out.
	[ $status = 0 ] || failed=$((failed + 1))
	[ $((passed + failed)) -gt 0 ] || failed=1
	printf '%5d s  in all\n' $((SECONDS - begin))
	mkdir -p "$O/check"
	say "$passed passed, $failed failed, $skipped skipped" | tee "$O/check/totals"
	trap - EXIT
	[ $failed = 0 ] && exit 0
	exit 1
}
trap totals EXIT

add() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

# tap NAME COMMAND: COMMAND speaks TAP and runs on this machine.
tap() {
	local name=$1 sum

	shift
	step "$name" "$@" || true
	sum=$(awk -f "$top/scripts/tally.awk" "$logs/${name// /-}.log")
	read -r p f s <<<"$sum"
	add "$p" "$f" "$s"
	grep '^# ' "$logs/${name// /-}.log" | tail -n 16 || true
}

# suite NAME ARGUMENTS: programs that run in a guest.
suite() {
	local opt=()

	[ "$1" != -l ] || { opt=(-l); shift; }
	rm -f "$O/check/$1"
	: >"$logs/$1.tap"
	step_watch=$logs/$1.tap step "$1" "$top/scripts/guest/suite.sh" "${opt[@]}" "$@" || true
	if [ -s "$O/check/$1" ]; then
		read -r p f s <"$O/check/$1"
	else
		p=0 f=1 s=0
	fi
	printf '         %d passed, %d failed, %d skipped\n' "$p" "$f" "$s"
	add "$p" "$f" "$s"
}

# What is run here has configurations of its own.
CONFIG=
scripts=$top/scripts
"$scripts/deps.sh" series kernel programs guest check model
"$scripts/tree.sh"
"$scripts/lib.sh" tests
"$scripts/selftests.sh"
DEBUG='' "$scripts/guest/kernel.sh"

tap "check-patches" "$scripts/series/check.sh"
tap "checkpatch" "$scripts/series/checkpatch.sh"
tap "check-kernel-style" "$scripts/guest/style.sh"
tap "model" "$top/selftests/model/run.sh" -j "$JOBS"
tap "model-relaxed" "$top/selftests/model/relaxed/run.sh" -j "$JOBS"

mapfile -t tests < <(selftests)
mapfile -t libtests < <(library print-tests)
mapfile -t mntests < <(library print-mn-tests print-mn-programs)
mapfile -t off < <(printf '%s\n' "${tests[@]}" | grep '/enosys')
[ ${#tests[@]} -gt 0 ] || die "no selftests were found"
limit=$(sed -n 's/^timeout=//p' "$top/selftests/settings")
limit=${limit:-120}

suite "selftests" "kernel-$ARCH" "$limit" "${tests[@]}"
suite -l "libupcall" "kernel-$ARCH" "$limit" "${libtests[@]}"
UPCALL_ITERATIONS=10000 tap "libupcall-mn-host" library check-mn-host
APPEND=UPCALL_ITERATIONS=10000 suite -l "libupcall-mn" "kernel-$ARCH" $((limit * 3)) \
	"${mntests[@]}"
# Memory for the one, and for the other all of its 100,000 threads.
MEM=1G suite "libupcall-mn-1G" "kernel-$ARCH" $((limit * 5)) \
	"$O/libupcall/mn/tests/many" "$O/libupcall/mn/tests/spawn"
# Nehalem has no AVX.
CPU=SandyBridge APPEND=UPCALL_ITERATIONS=10000 suite -l "libupcall-mn-AVX" "kernel-$ARCH" \
	$((limit * 3)) "$O/libupcall/mn/tests/fpu"
tap "libupcall-host" library check-host
tap "libupcall-gdb" library CORES="$logs/libupcall.tap" check-core

"$scripts/guest/kernel.sh" off
if [ ${#off[@]} -gt 0 ]; then
	suite "without-CONFIG_UPCALL" "kernel-$ARCH-off" "$limit" "${off[@]}"
fi

# Lockdep and its like make everything slower.
DEBUG=1 "$scripts/guest/kernel.sh"
# Unknown to the kernel, so it ends up in the environment of the tests.
export APPEND=UPCALL_ITERATIONS=10000
suite "selftests-debug" "kernel-$ARCH-debug" $((limit * 3)) "${tests[@]}"
suite -l "libupcall-debug" "kernel-$ARCH-debug" $((limit * 3)) "${libtests[@]}"
export APPEND=UPCALL_ITERATIONS=1000
suite -l "libupcall-mn-debug" "kernel-$ARCH-debug" $((limit * 5)) "${mntests[@]}"
