#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check: prepare what is missing, run every test, end with the totals.
# LIMIT: so many seconds are there; what would take longer is left out.

. "$(dirname "$0")/common.sh"

passed=0 failed=0 skipped=0
begin=$SECONDS
list=$O/check/failed
mkdir -p "$O/check"
: >"$list"

# However it ends, what failed and the totals are the last lines, and the status is
# theirs.
totals() {
	local status=$?

	# A child that is stopped at once may still have the traps.
	[ "$BASHPID" = $$ ] || exit $status
	# Preparations that failed left tests out.
	if [ $status != 0 ]; then
		failed=$((failed + 1))
		echo "it did not get to its end, status $status" | failures "$list" check "$logs"
	fi
	[ $((passed + failed)) -gt 0 ] || failed=1
	show_failures "$list"
	printf '%5d s  in all\n' $((SECONDS - begin))
	say "$passed passed, $failed failed, $skipped skipped" | tee "$O/check/totals"
	trap - EXIT
	[ $failed = 0 ] && exit 0
	exit 1
}
trap totals EXIT
# Whoever stops it, has it fail.
trap 'exit 143' TERM

add() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

# tap NAME COMMAND: COMMAND speaks TAP and runs on this machine. prove judges what
# it said, as it does not count what was skipped tally.awk does that.
tap() {
	local name=$1 log=$logs/$1.log sum said

	shift
	step "$name" "$@" || true
	sum=$(awk -f "$top/scripts/tally.awk" "$log")
	read -r p f s <<<"$sum"
	if ! said=$(prove -Q --exec cat "$log" 2>&1); then
		[ "$f" -gt 0 ] || f=1
		said=$(grep -E '^ +(Failed|Parse|Tests out|Bad|Non-zero|No plan)' <<<"$said") ||
			said="prove has failed it"
		say "$said"
		{ grep '^not ok ' "$log" || say "$said"; } | failures "$list" "$name" "$log"
	fi
	add "$p" "$f" "$s"
	grep '^# ' "$log" | tail -n 16 || true
}

# suite NAME ARGUMENTS: programs that run in a guest.
suite() {
	local opt=()

	[ "$1" != -l ] || { opt=(-l); shift; }
	rm -f "$O/check/$1"{,.failed}
	: >"$logs/$1.tap"
	step_watch=$logs/$1.tap step "$1" "$top/scripts/guest/suite.sh" "${opt[@]}" "$@" || true
	if [ -s "$O/check/$1" ]; then
		read -r p f s <"$O/check/$1"
	else
		p=0 f=1 s=0
		echo "no guest was run" >"$O/check/$1.failed"
	fi
	failures "$list" "$1" "$logs/$1.tap" <"$O/check/$1.failed"
	printf '         %d passed, %d failed, %d skipped\n' "$p" "$f" "$s"
	add "$p" "$f" "$s"
}

# in_time PERCENT PART: is enough left of LIMIT for a part that takes so much
# of what all took until now, and half as much again?
in_time() {
	local gone=$((SECONDS - begin)) left

	[ -n "${LIMIT-}" ] || return 0
	left=$((LIMIT - gone))
	[ $left -lt $((gone * $1 * 3 / 200)) ] || return 0
	note "$left s are left, $2 is left out"
	add 0 0 1
	return 1
}

# What is run here has configurations of its own.
CONFIG=
scripts=$top/scripts
"$scripts/deps.sh" series kernel programs guest check model
"$scripts/tree.sh"
"$scripts/lib.sh" tests
ARCH=x86_64 "$scripts/selftests.sh"
DEBUG='' "$scripts/guest/kernel.sh"

tap "check-patches" "$scripts/series/check.sh"
tap "checkpatch" "$scripts/series/checkpatch.sh"
tap "check-kernel-style" "$scripts/guest/style.sh"
tap "check-docs" "$scripts/check-docs.sh"
tap "model" "$top/selftests/model/run.sh" -j "$JOBS"
tap "model-relaxed" "$top/selftests/model/relaxed/run.sh" -j "$JOBS"
tap "model-mn" "$top/selftests/model/relaxed/run.sh" -j "$JOBS" \
	"$top/libupcall/mn/tests/relaxed"

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
UPCALL_ITERATIONS=10000 tap "libupcall-mn-host-x86_64" library64 check-mn-host
APPEND=UPCALL_ITERATIONS=10000 suite -l "libupcall-mn" "kernel-$ARCH" $((limit * 3)) \
	"${mntests[@]}"
# Memory for the one, and for the other all of its 100,000 threads.
# shellcheck disable=SC2046 # words are wanted
MEM=1G suite "libupcall-mn-1G" "kernel-$ARCH" $((limit * 5)) \
	$(printf '%s\n' "${mntests[@]}" | grep -E '/(many|spawn)$')
# Nehalem has no AVX.
# shellcheck disable=SC2046
CPU=SandyBridge APPEND=UPCALL_ITERATIONS=10000 suite -l "libupcall-mn-AVX" "kernel-$ARCH" \
	$((limit * 3)) $(printf '%s\n' "${mntests[@]}" | grep '/fpu$')
tap "libupcall-host" library check-host
tap "libupcall-host-x86_64" library64 check-host
tap "libupcall-gdb" library CORES="$logs/libupcall.tap" check-core

# The 64-bit kernel, for programs of both widths. For fewer turns: check-all has
# rows with all of them.
on_x86_64() {
	local tests tests64 mntests

	mapfile -t tests < <(selftests)
	mapfile -t tests64 < <(libtests64)
	mapfile -t mntests < <(mntests64)
	DEBUG='' "$scripts/guest/kernel.sh"
	if [ "$native" != x86_64 ]; then
		suite "selftests-x86_64" kernel-x86_64 "$limit" "${tests[@]}"
		suite -l "libupcall-x86_64-32" kernel-x86_64 "$limit" "${libtests[@]}"
	fi
	# Nehalem has no protection keys, and 32-bit kernels do without.
	CPU=max suite "selftests-PKU" kernel-x86_64 "$limit" \
		"$O"/selftests/{pkru_stack_64,restart_xonly_32,restart_xonly_64}
	suite -l "libupcall-x86_64" kernel-x86_64 "$limit" "${tests64[@]}"
	if [ ${#mntests[@]} -gt 0 ]; then
		suite -l "libupcall-mn-x86_64" kernel-x86_64 $((limit * 3)) \
			"${mntests[@]}"
	fi
	tap "libupcall-gdb-x86_64" library64 \
		CORES="$logs/libupcall-x86_64.tap" check-core
}
native=$ARCH
if in_time 75 "the 64-bit kernel"; then
	ARCH=x86_64 MEM=${MEM/#512M/1G} APPEND=UPCALL_ITERATIONS=10000 on_x86_64
fi

"$scripts/guest/kernel.sh" off
if [ ${#off[@]} -gt 0 ]; then
	suite "without-CONFIG_UPCALL" "kernel-$ARCH-off" "$limit" "${off[@]}"
fi

in_time 50 "the kernel for debugging" || exit 0

# Lockdep and its like make everything slower.
DEBUG=1 "$scripts/guest/kernel.sh"
# Unknown to the kernel, so it ends up in the environment of the tests.
export APPEND=UPCALL_ITERATIONS=10000
suite "selftests-debug" "kernel-$ARCH-debug" $((limit * 3)) "${tests[@]}"
suite -l "libupcall-debug" "kernel-$ARCH-debug" $((limit * 3)) "${libtests[@]}"
export APPEND=UPCALL_ITERATIONS=1000
suite -l "libupcall-mn-debug" "kernel-$ARCH-debug" $((limit * 5)) "${mntests[@]}"
